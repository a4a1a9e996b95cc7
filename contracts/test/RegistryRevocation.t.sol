// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry, Suspension} from "../src/interfaces/IAttestationRegistry.sol";
import {IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title Who takes an attestation away, for good or for a while
contract RegistryRevocationTest is RegistryFixtures {
    bytes32 private id;

    function setUp() public {
        deploy();
        registerAll();
        id = policyIds[0];
        setOperator(OPERATOR, true);
    }

    function _revoke(address caller, uint64 epoch) private {
        vm.prank(caller);
        registry.revoke(FUND, id, epoch, "a position was left out");
    }

    function _suspend(address caller) private {
        vm.prank(caller);
        registry.suspend(FUND, id, "under inquiry");
    }

    function _resume(address caller) private {
        vm.prank(caller);
        registry.resume(FUND, id);
    }

    function _assertSuspension(Suspension expected) private view {
        vm.assertEq(uint256(registry.suspension(FUND, id)), uint256(expected), "suspension");
        vm.assertEq(registry.isCompliant(FUND, id), expected == Suspension.NONE, "compliant unless suspended");
    }

    function _notEntitled(address caller) private view returns (bytes memory) {
        return abi.encodeWithSelector(IAttestationRegistry.NotEntitled.selector, id, caller);
    }

    /// @dev The fund's owner and operator, an auditor, and both signers of sources.
    function _entitled() private view returns (address[5] memory) {
        return [FUND_OWNER, OPERATOR, AUDITOR, vm.addr(signerKey(0)), vm.addr(signerKey(1))];
    }

    // Revocation.

    function test_whoRevokes() public {
        address[5] memory entitled = _entitled();
        for (uint64 i; i < 5; ++i) {
            uint64 epoch = 20 + i;
            Submission memory s = attest(id, epoch, validUntil);
            vm.assertTrue(registry.isCompliant(FUND, id) && !registry.isRevoked(FUND, id, epoch), "before");
            vm.expectEmit(address(registry));
            emit IAttestationRegistry.Revoked(FUND, id, epoch, entitled[i], "a position was left out");
            _revoke(entitled[i], epoch);
            vm.assertTrue(!registry.isCompliant(FUND, id) && registry.isRevoked(FUND, id, epoch), "after");
            vm.assertEq(registry.latest(FUND, id).expiry, 0, "no expiry");
            vm.assertEq(registry.latest(FUND, id).epoch, epoch, "the epoch stays on record");
            vm.assertEq(registry.latest(FUND, id).sourceSetHash, s.sourceSetHash, "and what it rested on");
        }
        vm.assertEq(registry.historyLength(FUND, id), 5, "and in the history");
    }

    function testFuzz_strangersDoNotRevoke(address caller) public {
        address[5] memory entitled = _entitled();
        for (uint256 i; i < 5; ++i) {
            if (caller == entitled[i]) return;
        }
        commit(id, 7, submission(0).sources);
        vm.expectRevert(_notEntitled(caller));
        _revoke(caller, 7);
    }

    /// @dev Neither who judges nor the fund's bare address.
    function test_publishersDoNotRevoke() public {
        submit(submission(0), FUND_OWNER);
        vm.expectRevert(_notEntitled(POLICY_OWNER));
        _revoke(POLICY_OWNER, 7);
        vm.expectRevert(_notEntitled(FUND));
        _revoke(FUND, 7);
    }

    function test_aRevocationHasAReason() public {
        submit(submission(0), FUND_OWNER);
        vm.expectRevert(IAttestationRegistry.EmptyReason.selector);
        vm.prank(AUDITOR);
        registry.revoke(FUND, id, 7, "");
    }

    function test_nothingToRevoke() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.NothingToRevoke.selector, FUND, uint64(7)));
        _revoke(AUDITOR, 7);
    }

    function test_revokedOnce() public {
        submit(submission(0), FUND_OWNER);
        _revoke(AUDITOR, 7);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.EpochRevoked.selector, FUND, id, uint64(7)));
        _revoke(FUND_OWNER, 7);
    }

    /// @dev A revoked epoch is not proved again, nor completed; the next one is.
    function test_revokedForGood() public {
        Submission memory s = submission(0);
        commit(id, 7, s.sources);
        _revoke(AUDITOR, 7);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.EpochRevoked.selector, FUND, id, uint64(7)));
        submit(s, FUND_OWNER);
        submit(submission(3), FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, id), "the next epoch");
    }

    function test_halfAnEpochIsRevoked() public {
        id = policyIds[1];
        submit(submission(1), FUND_OWNER);
        _revoke(vm.addr(signerKey(0)), 7);
        Submission memory s = submission(2);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.EpochRevoked.selector, FUND, id, uint64(7)));
        submit(s, FUND_OWNER);
    }

    function test_whatElseStands() public {
        submit(submission(0), FUND_OWNER);
        submit(submission(1), FUND_OWNER);
        submit(submission(2), FUND_OWNER);
        _revoke(AUDITOR, 7);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[1]), "under another policy");
        submit(submission(3), FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, id), "later epochs");
        vm.assertEq(registry.latest(FUND, id).expiry, validUntil, "with their expiry");
        vm.assertTrue(!registry.isRevoked(FUND, id, 8) && !registry.isRevoked(STRANGER, id, 7), "nothing else");
    }

    function test_anEarlierEpochIsRevoked() public {
        submit(submission(0), FUND_OWNER);
        submit(submission(3), FUND_OWNER);
        _revoke(AUDITOR, 7);
        vm.assertTrue(registry.isCompliant(FUND, id), "the latest stands");
        vm.assertTrue(registry.isRevoked(FUND, id, 7), "the earlier does not");
    }

    function test_unknownPolicies() public {
        submit(submission(0), FUND_OWNER);
        id = keccak256("no policy");
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, id));
        _revoke(STRANGER, 7);
        vm.expectRevert(_notEntitled(AUDITOR));
        _suspend(AUDITOR);
    }

    // Suspension.

    function test_theFundSuspendsItself() public {
        submit(submission(0), FUND_OWNER);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.Suspended(FUND, id, FUND_OWNER, Suspension.BY_FUND, "under inquiry");
        _suspend(FUND_OWNER);
        _assertSuspension(Suspension.BY_FUND);
        _suspend(OPERATOR); // once more, nothing new
        _assertSuspension(Suspension.BY_FUND);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.Resumed(FUND, id, OPERATOR, Suspension.NONE);
        _resume(OPERATOR);
        _assertSuspension(Suspension.NONE);
    }

    function test_anAuditorSuspends() public {
        submit(submission(0), FUND_OWNER);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.Suspended(FUND, id, AUDITOR, Suspension.BY_AUDITOR, "under inquiry");
        _suspend(AUDITOR);
        _assertSuspension(Suspension.BY_AUDITOR);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.NotSuspended.selector, FUND, id);
        vm.expectRevert(reason);
        _resume(FUND_OWNER);
        _resume(AUDITOR);
        _assertSuspension(Suspension.NONE);
        vm.expectRevert(reason);
        _resume(AUDITOR);
    }

    /// @dev Each ends one's own, in either order.
    function test_bothSuspend() public {
        submit(submission(0), FUND_OWNER);
        for (uint256 order; order < 2; ++order) {
            _suspend(FUND_OWNER);
            vm.expectEmit(address(registry));
            emit IAttestationRegistry.Suspended(FUND, id, AUDITOR, Suspension.BY_BOTH, "under inquiry");
            _suspend(AUDITOR);
            _assertSuspension(Suspension.BY_BOTH);
            (address first, address second) = order == 0 ? (FUND_OWNER, AUDITOR) : (AUDITOR, FUND_OWNER);
            Suspension left = order == 0 ? Suspension.BY_AUDITOR : Suspension.BY_FUND;
            vm.expectEmit(address(registry));
            emit IAttestationRegistry.Resumed(FUND, id, first, left);
            _resume(first);
            _assertSuspension(left);
            _resume(second);
            _assertSuspension(Suspension.NONE);
        }
    }

    /// @dev A fund that makes its auditor an operator does not turn the auditor's suspension into its own.
    function test_anAuditorWhoOperates() public {
        submit(submission(0), FUND_OWNER);
        setOperator(AUDITOR, true);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.Suspended(FUND, id, AUDITOR, Suspension.BY_BOTH, "under inquiry");
        _suspend(AUDITOR);
        _resume(FUND_OWNER);
        _assertSuspension(Suspension.BY_AUDITOR);
        _resume(AUDITOR);
        _assertSuspension(Suspension.NONE);
    }

    function test_aSuspensionHasAReason() public {
        vm.expectRevert(IAttestationRegistry.EmptyReason.selector);
        vm.prank(AUDITOR);
        registry.suspend(FUND, id, "");
    }

    /// @dev Signers of sources revoke what they signed; they do not suspend.
    function testFuzz_strangersDoNotSuspend(address caller) public {
        if (caller == FUND_OWNER || caller == OPERATOR || caller == AUDITOR) caller = vm.addr(signerKey(0));
        vm.expectRevert(_notEntitled(caller));
        _suspend(caller);
        _suspend(AUDITOR);
        vm.expectRevert(_notEntitled(caller));
        _resume(caller);
    }

    function test_attestationsGoOnWhileSuspended() public {
        _suspend(AUDITOR);
        submit(submission(0), FUND_OWNER);
        vm.assertTrue(!registry.isCompliant(FUND, id), "suspended");
        vm.assertEq(registry.latest(FUND, id).epoch, 7, "on record");
        _resume(AUDITOR);
        vm.assertTrue(registry.isCompliant(FUND, id), "resumed");
    }

    function test_oneSuspensionAPolicyAndFund() public {
        submit(submission(0), FUND_OWNER);
        vm.prank(AUDITOR);
        registry.suspend(FUND, policyIds[1], "under inquiry");
        vm.prank(AUDITOR);
        registry.suspend(STRANGER, id, "under inquiry");
        _assertSuspension(Suspension.NONE);
    }
}
