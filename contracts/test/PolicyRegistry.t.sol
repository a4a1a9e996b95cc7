// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AccountSlot,
    Approval,
    IPolicyRegistry,
    Oversight,
    SourceRequirement
} from "../src/interfaces/IPolicyRegistry.sol";
import {TwoStepOwner} from "../src/libraries/TwoStepOwner.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @title Registration and ownership of policies, their overseers, and what an approval must be like
contract PolicyRegistryTest is RegistryFixtures {
    function setUp() public {
        deploy();
    }

    function _register(uint64 programs) private returns (bytes32) {
        return register(POLICY_OWNER, policyHashes[0], requirementsOf(), programs);
    }

    function test_interfaces() public view {
        assertInterfaces(policies, type(IPolicyRegistry).interfaceId);
    }

    // Registration.

    function test_policyId() public {
        SourceRequirement[] memory requirements = requirementsOf();
        bytes32 expected =
            keccak256(abi.encode(POLICY_OWNER, policyHashes[0], keccak256(abi.encode(requirements)), uint256(1)));
        string[] memory limits = new string[](1);
        limits[0] = "net asset value > 0";
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.PolicyRegistered(
            expected, POLICY_OWNER, policyHashes[0], requirements, 1, oversightOf(POLICY_OWNER), "ipfs://policy", limits
        );
        bytes32 id = _register(1);
        vm.assertEq(id, expected, "id");
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.PolicyExists.selector, id);
        vm.expectRevert(reason);
        _register(1);
        // Anybody may register the same policy under their own name.
        vm.assertTrue(register(STRANGER, policyHashes[0], requirements, 1) != id, "another owner's id");
    }

    /// @dev Whether a source owes a proof of representation is part of what the policy is.
    function test_representationIsPartOfTheId() public {
        bytes32 id = _register(1);
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[0].representation = true;
        vm.assertTrue(register(POLICY_OWNER, policyHashes[0], requirements, 1) != id, "another policy");
    }

    function test_policiesAreNumbered() public {
        vm.assertEq(policies.policyCount(), 0, "none");
        bytes32 first = _register(1);
        bytes32 second = _register(2);
        vm.assertEq(policies.policyCount(), 2, "two");
        vm.assertTrue(policies.policyAt(0) == first && policies.policyAt(1) == second, "in order");
        vm.assertEq(policies.policy(first).number, 0, "first");
        vm.assertEq(policies.policy(second).number, 1, "second");
        vm.expectRevert();
        policies.policyAt(2);
    }

    function test_unknownPolicies() public {
        bytes32 id = keccak256("no policy");
        vm.assertTrue(!policies.hasPolicy(id) && !policies.isCurrent(id), "unknown");
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, id);
        vm.expectRevert(reason);
        policies.policy(id);
        vm.expectRevert(reason);
        policies.current(id);
        Approval memory approval = approvalOf(0);
        vm.expectRevert(reason);
        approve(id, 1, approval);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EpochNotApproved.selector, id, uint64(1)));
        policies.statements(id, 1);
        id = _register(1);
        vm.assertTrue(policies.hasPolicy(id) && policies.isCurrent(id), "registered");
        vm.assertEq(policies.current(id), id, "current");
    }

    function _assertInvalidPolicy(bytes32 hash, SourceRequirement[] memory requirements, uint64 programs) private {
        vm.expectRevert(IPolicyRegistry.InvalidPolicy.selector);
        register(POLICY_OWNER, hash, requirements, programs);
    }

    function test_invalidPolicies() public {
        SourceRequirement[] memory requirements = requirementsOf();
        _assertInvalidPolicy(0, requirements, 1);
        _assertInvalidPolicy(policyHashes[0], requirements, 0);
        _assertInvalidPolicy(policyHashes[0], requirements, 129);
        _assertInvalidPolicy(policyHashes[0], new SourceRequirement[](0), 1);
        (requirements[0], requirements[1]) = (requirements[1], requirements[0]);
        _assertInvalidPolicy(policyHashes[0], requirements, 1);
        requirements[1] = requirements[0];
        _assertInvalidPolicy(policyHashes[0], requirements, 1);
        requirements = requirementsOf();
        requirements[1].signer = address(0);
        _assertInvalidPolicy(policyHashes[0], requirements, 1);
        _register(128);
    }

    function test_aPolicyHasOneBookAtMost() public {
        SourceRequirement[] memory requirements = requirementsOf();
        (requirements[0].role, requirements[1].role) = (4, 4);
        _assertInvalidPolicy(policyHashes[0], requirements, 1);
        requirements[0].role = 3;
        register(POLICY_OWNER, policyHashes[0], requirements, 1);
    }

    /// @dev What a unit of the book is, is approved with it, and nothing of the kind without one.
    function test_currenciesOfABook() public {
        SourceRequirement[] memory requirements = requirementsOf();
        Approval memory approval = approvalOf(0);
        bytes32 id = register(POLICY_OWNER, policyHashes[0], requirements, 1);
        approval.bookCurrencies = keccak256("EUR in cents");
        _assertInvalidApproval(id, approval);
        requirements[1].role = 4;
        id = register(POLICY_OWNER, policyHashes[0], requirements, 1);
        approve(id, 1, approval);
        approval.bookCurrencies = 0;
        vm.expectRevert(IPolicyRegistry.InvalidApproval.selector);
        approve(id, 2, approval);
    }

    // Ownership.

    function _transfer(address from, bytes32 id, address to) private {
        vm.prank(from);
        policies.transferPolicy(id, to);
    }

    function _accept(address caller, bytes32 id) private {
        vm.prank(caller);
        policies.acceptPolicy(id);
    }

    function test_policyChangesHandsInTwoSteps() public {
        bytes32 id = _register(1);
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.PolicyTransferStarted(id, POLICY_OWNER, STRANGER);
        _transfer(POLICY_OWNER, id, STRANGER);
        vm.assertEq(policies.policy(id).owner, POLICY_OWNER, "still the old owner");
        vm.assertEq(policies.pendingOwner(id), STRANGER, "the next one");
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.PolicyTransferred(id, POLICY_OWNER, STRANGER);
        _accept(STRANGER, id);
        vm.assertEq(policies.policy(id).owner, STRANGER, "the new owner");
        vm.assertEq(policies.pendingOwner(id), address(0), "nothing pending");
        bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotOwner.selector, POLICY_OWNER, STRANGER);
        vm.expectRevert(reason);
        _transfer(POLICY_OWNER, id, POLICY_OWNER);
    }

    /// @dev Publishers stay when the owner goes, and a new owner does not publish.
    function test_ownersDoNotTakePublishersAlong() public {
        bytes32 id = _register(1);
        _transfer(POLICY_OWNER, id, STRANGER);
        _accept(STRANGER, id);
        Approval memory approval = approvalOf(0);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.NotPublisher.selector, id, STRANGER));
        approveAs(STRANGER, id, 1, approval);
        approve(id, 1, approval);
    }

    function test_nobodyAcceptsWhatWasNotOffered() public {
        bytes32 id = _register(1);
        bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotPendingOwner.selector, STRANGER, address(0));
        vm.expectRevert(reason);
        _accept(STRANGER, id);
        _transfer(POLICY_OWNER, id, STRANGER);
        _transfer(POLICY_OWNER, id, address(0));
        vm.expectRevert(reason);
        _accept(STRANGER, id);
    }

    function testFuzz_onlyTheOwnerOwns(address caller) public {
        if (caller == POLICY_OWNER) return;
        bytes32 id = _register(1);
        bytes32 other = _register(2);
        Oversight memory oversight = oversightOf(caller);
        bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotOwner.selector, caller, POLICY_OWNER);
        vm.expectRevert(reason);
        _transfer(caller, id, caller);
        vm.expectRevert(reason);
        vm.prank(caller);
        policies.scheduleOversight(id, oversight);
        vm.expectRevert(reason);
        vm.prank(caller);
        policies.cancelOversight(id);
        vm.expectRevert(reason);
        vm.prank(caller);
        policies.scheduleReplacement(id, other);
        vm.expectRevert(reason);
        vm.prank(caller);
        policies.cancelReplacement(id);
    }

    // Approvals.

    function testFuzz_onlyPublishersApprove(address caller) public {
        if (caller == POLICY_OWNER) return;
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.NotPublisher.selector, id, caller);
        vm.expectRevert(reason);
        approveAs(caller, id, 1, approval);
    }

    function testFuzz_epochsOnlyAscend(uint64 first, uint64 second) public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        if (first == 0) first = 1;
        vm.expectEmit(address(policies));
        emit IPolicyRegistry.EpochApproved(id, first, approval, uint64(block.timestamp));
        approve(id, first, approval);
        if (second <= first) {
            bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, first, second);
            vm.expectRevert(reason);
        }
        approve(id, second, approval);
        vm.assertEq(policies.policy(id).lastEpoch, second > first ? second : first, "last epoch");
    }

    function test_epochZero() public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.EpochNotAscending.selector, 0, 0);
        vm.expectRevert(reason);
        approve(id, 0, approval);
    }

    function test_validity() public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        bytes4 selector = IPolicyRegistry.InvalidValidity.selector;
        approval.asOf = approval.validUntil;
        bytes memory reason = abi.encodeWithSelector(selector, approval.asOf, approval.validUntil);
        vm.expectRevert(reason);
        approve(id, 1, approval);
        approval = approvalOf(0);
        approval.validUntil = uint64(block.timestamp) - 1;
        reason = abi.encodeWithSelector(selector, approval.asOf, approval.validUntil);
        vm.expectRevert(reason);
        approve(id, 1, approval);
        approval.validUntil = uint64(block.timestamp);
        approve(id, 1, approval);
    }

    function _assertInvalidApproval(bytes32 id, Approval memory approval) private {
        vm.expectRevert(IPolicyRegistry.InvalidApproval.selector);
        approve(id, 1, approval);
    }

    /// @dev An unregistered digest is 0, and so is the code hash of a missing account: neither may ever be approved.
    function test_invalidApprovals() public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        approval.layoutHash = 0;
        _assertInvalidApproval(id, approval);
        approval = approvalOf(0);
        approval.digests[0] = 0;
        _assertInvalidApproval(id, approval);
        approval.digests = new bytes32[](0);
        _assertInvalidApproval(id, approval);
        _assertInvalidApproval(id, approvalOf(1)); // two digests for one program
        approval = approvalOf(0);
        approval.ownedSlotsHashes[1] = 0;
        _assertInvalidApproval(id, approval);
        approval.ownedSlotsHashes = new bytes32[](1);
        approval.ownedSlotsHashes[0] = keccak256("slots");
        _assertInvalidApproval(id, approval);
    }

    function test_accountSlotsHaveLotsAndTokensOfTheirOwn() public {
        bytes32 id = _register(1);
        Approval memory approval = approvalOf(0);
        approval.accountSlots = new AccountSlot[](2);
        approval.accountSlots[0] = AccountSlot(2, address(0), 1);
        approval.accountSlots[1] = AccountSlot(3, address(0), 0);
        _assertInvalidApproval(id, approval);
        approval.accountSlots[1].lot = 1;
        _assertInvalidApproval(id, approval); // the coin twice
        approval.accountSlots[1].token = STRANGER;
        approve(id, 1, approval);
    }

    // Overseers.

    function _assertInvalidOversight(Oversight memory oversight) private {
        SourceRequirement[] memory requirements = requirementsOf();
        vm.expectRevert(IPolicyRegistry.InvalidOversight.selector);
        register(POLICY_OWNER, policyHashes[1], requirements, 1, oversight);
        bytes32 id = policyIdOf(POLICY_OWNER, policyHashes[0], 1);
        vm.expectRevert(IPolicyRegistry.InvalidOversight.selector);
        vm.prank(POLICY_OWNER);
        policies.scheduleOversight(id, oversight);
    }

    function test_invalidOversight() public {
        _register(1);
        vm.assertEq(policies.minimumNotice(), NOTICE, "minimum notice");
        Oversight memory oversight = oversightOf(POLICY_OWNER);
        oversight.threshold = 0;
        _assertInvalidOversight(oversight);
        oversight.threshold = 2;
        _assertInvalidOversight(oversight);
        oversight = oversightOf(POLICY_OWNER);
        oversight.noticePeriod = NOTICE - 1;
        _assertInvalidOversight(oversight);
        oversight = oversightOf(address(0));
        _assertInvalidOversight(oversight);
        oversight = oversightOf(POLICY_OWNER);
        oversight.auditors[0] = address(0);
        _assertInvalidOversight(oversight);
    }

    /// @dev A notice without end would make a policy irreplaceable, and a window without end one that is never met.
    function test_noticeAndWindowEnd() public {
        bytes32 id = _register(1);
        Oversight memory oversight = oversightOf(POLICY_OWNER);
        for (uint256 i; i < 2; ++i) {
            oversight.noticePeriod = i == 0 ? 365 days + 1 : type(uint64).max;
            _assertInvalidOversight(oversight);
        }
        oversight.noticePeriod = 365 days;
        for (uint256 i; i < 2; ++i) {
            oversight.challengeWindow = i == 0 ? 30 days + 1 : type(uint64).max;
            _assertInvalidOversight(oversight);
        }
        oversight.challengeWindow = 30 days;
        register(POLICY_OWNER, policyHashes[1], requirementsOf(), 1, oversight);
        vm.prank(POLICY_OWNER);
        policies.scheduleOversight(id, oversight);
        vm.warp(block.timestamp + NOTICE);
        policies.applyOversight(id);
        vm.assertEq(abi.encode(policies.oversight(id)), abi.encode(oversight), "the longest there may be");
    }

    /// @dev One publisher named twice would vote once and count as two.
    function test_overseersAscend() public {
        _register(1);
        Oversight memory oversight = oversightOf(POLICY_OWNER);
        (address[] memory twice, address[] memory back) = (new address[](2), new address[](2));
        (twice[0], twice[1], back[0], back[1]) = (AUDITOR, AUDITOR, POLICY_OWNER, AUDITOR);
        oversight.publishers = twice;
        _assertInvalidOversight(oversight);
        oversight.publishers = back;
        _assertInvalidOversight(oversight);
        oversight = oversightOf(POLICY_OWNER);
        oversight.auditors = twice;
        _assertInvalidOversight(oversight);
        oversight.auditors = back;
        _assertInvalidOversight(oversight);
    }

    function testFuzz_thresholds(uint64 publishers, uint64 threshold) public {
        publishers = uint64(bound(publishers, 0, 12));
        threshold = uint64(bound(threshold, 0, 14));
        Oversight memory oversight = oversightOf(POLICY_OWNER);
        oversight.publishers = new address[](publishers);
        for (uint160 i; i < publishers; ++i) {
            oversight.publishers[i] = address(1000 + i);
        }
        oversight.threshold = threshold;
        bool valid = threshold != 0 && threshold <= publishers;
        SourceRequirement[] memory requirements = requirementsOf();
        if (!valid) vm.expectRevert(IPolicyRegistry.InvalidOversight.selector);
        bytes32 id = register(POLICY_OWNER, policyHashes[0], requirements, 1, oversight);
        if (!valid) return;
        Approval memory approval = approvalOf(0);
        for (uint160 i; i < threshold; ++i) {
            (, uint64 effectiveAt) = policies.approval(id, 1);
            vm.assertEq(effectiveAt, 0, "not before the threshold's vote");
            approveAs(address(1000 + i), id, 1, approval);
        }
        (, uint64 approvedAt) = policies.approval(id, 1);
        vm.assertEq(approvedAt, block.timestamp, "with the threshold's vote");
    }

    function test_duties() public {
        Oversight memory oversight = oversightOf(POLICY_OWNER);
        oversight.publishers = listOf(STRANGER);
        oversight.auditors = new address[](2);
        (oversight.auditors[0], oversight.auditors[1]) = (STRANGER, AUDITOR);
        bytes32 id = register(POLICY_OWNER, policyHashes[0], requirementsOf(), 1, oversight);
        vm.assertTrue(policies.isPublisher(id, STRANGER) && policies.isAuditor(id, STRANGER), "both");
        vm.assertTrue(!policies.isPublisher(id, AUDITOR) && policies.isAuditor(id, AUDITOR), "an auditor");
        vm.assertTrue(!policies.isPublisher(id, POLICY_OWNER) && !policies.isAuditor(id, POLICY_OWNER), "the owner");
        vm.assertTrue(policies.isJudge(id, STRANGER, FUND) && policies.isJudge(id, FUND, STRANGER), "publishers");
        vm.assertTrue(policies.isJudge(id, POLICY_OWNER, FUND) && policies.isJudge(id, FUND, POLICY_OWNER), "owner");
        vm.assertTrue(policies.isJudge(id, AUDITOR, FUND) && policies.isJudge(id, FUND, AUDITOR), "auditors");
        vm.assertTrue(!policies.isJudge(id, FUND, FUND_OWNER), "nobody else");
        vm.assertEq(abi.encode(policies.oversight(id)), abi.encode(oversight), "as registered");
    }
}
