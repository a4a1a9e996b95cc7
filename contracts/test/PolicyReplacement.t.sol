// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Approval, IPolicyRegistry, Oversight, SourceRequirement} from "../src/interfaces/IPolicyRegistry.sol";
import {TwoStepOwner} from "../src/libraries/TwoStepOwner.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @title Which policy replaces which, slowly after notice or fast by tightening
contract PolicyReplacementTest is RegistryFixtures {
    /// @dev Three policies of one owner that differ in nothing but their hash.
    bytes32 private a;
    bytes32 private b;
    bytes32 private c;

    function setUp() public {
        deploy();
        a = _register(committee());
        b = _register(committee());
        c = _register(committee());
    }

    function _register(Oversight memory oversight) private returns (bytes32) {
        bytes32 hash = keccak256(abi.encode(policies.policyCount()));
        return register(POLICY_OWNER, hash, requirementsOf(), 1, oversight);
    }

    function _schedule(bytes32 id, bytes32 successor) private {
        vm.prank(POLICY_OWNER);
        policies.scheduleReplacement(id, successor);
    }

    function _cancel(bytes32 id) private {
        vm.prank(POLICY_OWNER);
        policies.cancelReplacement(id);
    }

    function _confirm(uint256 i, bytes32 id, bytes32 successor) private {
        vm.prank(publisher(i));
        policies.confirmTightening(id, successor);
    }

    function _scheduleOversight(bytes32 id, Oversight memory oversight) private {
        vm.prank(POLICY_OWNER);
        policies.scheduleOversight(id, oversight);
    }

    function _assertReplacement(bytes32 id, bytes32 successor, uint256 effectiveAt) private view {
        (bytes32 actual, uint64 actualAt) = policies.replacement(id);
        vm.assertEq(actual, successor, "successor");
        vm.assertEq(actualAt, effectiveAt, "from when");
    }

    function _assertInvalidSuccessor(bytes32 id, bytes32 successor) private {
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.InvalidSuccessor.selector, id, successor));
        _schedule(id, successor);
    }

    // Slowly.

    function test_aPolicyIsReplacedAfterNotice() public {
        _assertReplacement(a, 0, 0);
        uint64 effectiveAt = uint64(block.timestamp) + NOTICE;
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.ReplacementScheduled(a, b, effectiveAt);
        _schedule(a, b);
        _assertReplacement(a, b, effectiveAt);
        vm.warp(effectiveAt - 1);
        vm.assertTrue(policies.isCurrent(a) && policies.isCurrent(b), "until then both count");
        vm.assertEq(policies.current(a), a, "itself");
        vm.warp(effectiveAt);
        vm.assertTrue(!policies.isCurrent(a) && policies.isCurrent(b), "then the successor only");
        vm.assertEq(policies.current(a), b, "the successor");
        vm.assertEq(policies.current(b), b, "itself");
    }

    function test_theNoticeIsTheReplacedPolicys() public {
        Oversight memory patient = committee();
        patient.noticePeriod = 30 days;
        bytes32 id = _register(patient);
        _schedule(id, a);
        _assertReplacement(id, a, block.timestamp + 30 days);
        _schedule(b, c);
        _assertReplacement(b, c, block.timestamp + NOTICE);
    }

    function test_aReplacementIsWithdrawn() public {
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NoReplacement.selector, a));
        _cancel(a);
        _schedule(a, b);
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.ReplacementCancelled(a, b);
        _cancel(a);
        _assertReplacement(a, 0, 0);
        vm.warp(block.timestamp + NOTICE);
        vm.assertEq(policies.current(a), a, "still itself");
        // Both are free again.
        _schedule(a, c);
        _schedule(_register(committee()), b);
    }

    function test_whatCountsIsNotWithdrawn() public {
        _schedule(a, b);
        vm.warp(block.timestamp + NOTICE - 1);
        _cancel(a);
        _schedule(a, b);
        vm.warp(block.timestamp + NOTICE);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.PolicyReplaced.selector, a, b));
        _cancel(a);
    }

    function test_oneReplacementAPolicy() public {
        _schedule(a, b);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.ReplacementPending.selector, a, b));
        _schedule(a, c);
        vm.warp(block.timestamp + NOTICE);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.ReplacementPending.selector, a, b));
        _schedule(a, c);
    }

    function test_successors() public {
        _assertInvalidSuccessor(a, a);
        _assertInvalidSuccessor(a, 0);
        _assertInvalidSuccessor(a, keccak256("no policy"));
        _assertInvalidSuccessor(a, register(STRANGER, policyHashes[0], requirementsOf(), 1));
        _schedule(a, b);
        _assertInvalidSuccessor(c, b); // it replaces already
        _assertInvalidSuccessor(c, a); // it is being replaced
    }

    function test_noCycles() public {
        _schedule(a, b);
        _assertInvalidSuccessor(b, a);
        _schedule(b, c);
        _assertInvalidSuccessor(c, a);
        _assertInvalidSuccessor(c, b);
        vm.warp(block.timestamp + NOTICE);
        _assertInvalidSuccessor(c, a);
    }

    function test_chains() public {
        bytes32 d = _register(committee());
        uint256 start = 1_900_000_000; // of the fixtures; the optimiser takes block.timestamp for a constant
        _schedule(a, b);
        vm.warp(start + 1 days);
        _schedule(b, c);
        _schedule(c, d);
        vm.warp(start + 2 days);
        vm.assertEq(policies.current(a), b, "the first step");
        vm.warp(start + 3 days);
        bytes32[4] memory chain = [a, b, c, d];
        for (uint256 i; i < 4; ++i) {
            vm.assertEq(policies.current(chain[i]), d, "to the end");
            vm.assertEq(policies.isCurrent(chain[i]), i == 3, "the last one only");
        }
    }

    /// @dev A link that counts before the one in front of it leaves the first policy current.
    function test_aLaterLinkMayCountEarlier() public {
        _schedule(a, b);
        _schedule(b, c);
        _confirm(0, b, c);
        _confirm(1, b, c);
        vm.assertEq(policies.current(b), c, "replaced");
        vm.assertEq(policies.current(a), a, "not yet");
        vm.warp(block.timestamp + NOTICE);
        vm.assertEq(policies.current(a), c, "both links");
    }

    function test_nothingIsApprovedUnderAReplacedPolicy() public {
        Approval memory approval = approvalOf(0);
        approveAs(publisher(0), a, 5, approval);
        approveAs(publisher(1), a, 5, approval);
        _schedule(a, b);
        vm.warp(block.timestamp + NOTICE - 1);
        policies.statements(a, 5);
        vm.warp(block.timestamp + 1);
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.PolicyReplaced.selector, a, b);
        vm.expectRevert(reason);
        policies.statements(a, 5);
        vm.expectRevert(reason);
        approveAs(publisher(0), a, 6, approval);
        approveAs(publisher(0), b, 6, approval);
    }

    /// @dev The owner of both decides; who owns the successor alone does not.
    function test_ownersOfBoth() public {
        vm.prank(POLICY_OWNER);
        policies.transferPolicy(b, STRANGER);
        _schedule(c, b);
        _cancel(c);
        vm.prank(STRANGER);
        policies.acceptPolicy(b);
        _assertInvalidSuccessor(a, b);
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwner.NotOwner.selector, STRANGER, POLICY_OWNER));
        vm.prank(STRANGER);
        policies.scheduleReplacement(a, b);
    }

    // Fast.

    function test_tighteningIsFast() public {
        _schedule(a, b);
        vm.warp(block.timestamp + 60);
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.TighteningConfirmed(a, b, publisher(1), 1);
        _confirm(1, a, b);
        vm.assertTrue(policies.isCurrent(a), "one of two");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.AlreadyConfirmed.selector, a, publisher(1)));
        _confirm(1, a, b);
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.TighteningConfirmed(a, b, publisher(2), 2);
        _confirm(2, a, b);
        vm.assertEq(policies.current(a), b, "two of two");
        _assertReplacement(a, b, block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.PolicyReplaced.selector, a, b));
        _confirm(0, a, b);
    }

    function testFuzz_onlyPublishersConfirm(address caller) public {
        if (policies.isPublisher(a, caller)) return;
        _schedule(a, b);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotPublisher.selector, a, caller));
        vm.prank(caller);
        policies.confirmTightening(a, b);
    }

    function test_onlyWhatIsAnnouncedIsConfirmed() public {
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.NoReplacement.selector, a);
        vm.expectRevert(reason);
        _confirm(0, a, 0);
        vm.expectRevert(reason);
        _confirm(0, a, b);
        _schedule(a, b);
        vm.expectRevert(reason);
        _confirm(0, a, c);
    }

    /// @dev A word on one successor is no word on another.
    function test_confirmationsAreOfOneSuccessor() public {
        _schedule(a, b);
        _confirm(0, a, b);
        _cancel(a);
        _schedule(a, c);
        _confirm(1, a, c);
        vm.assertTrue(policies.isCurrent(a), "one for each");
        _confirm(0, a, c);
        vm.assertEq(policies.current(a), c, "two for one");
    }

    function _assertNotComparable(bytes32 successor) private {
        _schedule(a, successor);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotComparable.selector, a, successor));
        _confirm(0, a, successor);
        _cancel(a);
    }

    function test_otherSourcesAreNotTighter() public {
        for (uint256 change; change < 4; ++change) {
            SourceRequirement[] memory requirements = requirementsOf();
            if (change == 0) requirements[1].signer = STRANGER;
            if (change == 1) requirements[1].role = 3;
            if (change == 2) requirements[1].representation = true;
            if (change == 3) requirements[1].sourceId = bytes32(uint256(requirements[1].sourceId) + 1);
            _assertNotComparable(register(POLICY_OWNER, policyHashes[0], requirements, 1, committee()));
        }
    }

    function test_otherOverseersAreNotTighter() public {
        for (uint256 change; change < 5; ++change) {
            Oversight memory oversight = committee();
            if (change == 0) oversight.publishers[2] = address(0xC9);
            if (change == 1) oversight.threshold = 1;
            if (change == 2) oversight.challengeWindow -= 1;
            if (change == 3) oversight.noticePeriod += 1;
            if (change == 4) oversight.auditors = new address[](0);
            _assertNotComparable(_register(oversight));
        }
    }

    /// @dev Overseers who were announced for a policy that nobody relied on would take office right after a fast replacement.
    function test_announcedOverseersAreNotTighter() public {
        _scheduleOversight(b, oversightOf(STRANGER));
        vm.warp(block.timestamp + NOTICE);
        _assertNotComparable(b);
        _schedule(a, b);
        vm.prank(POLICY_OWNER);
        policies.cancelOversight(b);
        _confirm(0, a, b);
        _scheduleOversight(b, oversightOf(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotComparable.selector, a, b));
        _confirm(1, a, b);
        vm.assertTrue(policies.isCurrent(a), "one of two");
    }

    /// @dev Approvals of former publishers may stand under a policy whose overseers changed, though they are the same now.
    function test_aSuccessorWithAPastIsNotTighter() public {
        _scheduleOversight(b, committee());
        vm.warp(block.timestamp + NOTICE);
        policies.applyOversight(b);
        _assertNotComparable(b);
    }

    /// @dev Confirmed as tighter, it would hand over to a policy that nobody confirmed.
    function test_aSuccessorWithASuccessorIsNotTighter() public {
        _schedule(a, b);
        _schedule(b, c);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotComparable.selector, a, b));
        _confirm(0, a, b);
        _cancel(b);
        _confirm(0, a, b);
    }

    /// @dev Former publishers' confirmations go with them.
    function test_staleConfirmationsDoNotCount() public {
        Oversight memory patient = committee();
        patient.noticePeriod = 30 days;
        (bytes32 from, bytes32 to) = (_register(patient), _register(patient));
        _scheduleOversight(from, patient);
        vm.warp(block.timestamp + 1 days);
        _schedule(from, to);
        _confirm(0, from, to);
        vm.warp(block.timestamp + 29 days);
        policies.applyOversight(from);
        _confirm(1, from, to);
        vm.assertTrue(policies.isCurrent(from), "one of the present ones");
        _confirm(0, from, to);
        vm.assertEq(policies.current(from), to, "two of the present ones");
    }
}
