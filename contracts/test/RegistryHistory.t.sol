// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry, Record} from "../src/interfaces/IAttestationRegistry.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title The chain of a fund's completed epochs, and since when it has been compliant
contract RegistryHistoryTest is RegistryFixtures {
    bytes32 private id;

    function setUp() public {
        deploy();
        registerAll();
        id = policyIds[0];
    }

    function _since() private view returns (uint64) {
        return registry.since(FUND, id);
    }

    function _pass(uint256 time) private {
        vm.warp(block.timestamp + time);
        vm.roll(block.number + 1);
    }

    // History.

    /// @dev Whoever has the records and the source sets recomputes the one hash that the registry holds.
    function test_theHistoryIsAChain() public {
        vm.assertEq(registry.historyLength(FUND, id), 0, "empty");
        vm.assertEq(registry.latest(FUND, id).recordHash, bytes32(0), "nothing to link to");
        bytes32 link;
        for (uint64 epoch = 20; epoch < 24; ++epoch) {
            _pass(1000);
            attest(id, epoch, validUntil - epoch);
            Record[] memory records = registry.history(FUND, id, epoch - 20, 5);
            vm.assertEq(records.length, 1, "the new one");
            Record memory r = records[0];
            vm.assertEq(abi.encode(r), abi.encode(epoch, validUntil - epoch, block.number, block.timestamp), "record");
            bytes32 set = registry.sourceSet(FUND, epoch);
            link = keccak256(abi.encode(link, FUND, id, r.epoch, r.expiry, r.blockNumber, r.completedAt, set));
            vm.assertEq(registry.latest(FUND, id).recordHash, link, "linked");
        }
        vm.assertEq(registry.historyLength(FUND, id), 4, "four");
    }

    function test_eventsCarryTheChain() public {
        attest(id, 20, validUntil);
        bytes32 before = registry.latest(FUND, id).recordHash;
        approve(id, 21, approvalOf(0));
        Submission memory s = submission(0);
        (s.epoch, s.sources) = (21, resigned(s.sources, 21));
        s.sourceSetHash = commit(id, 21, s.sources);
        bytes32 link = recordHashOf(before, id, s);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.ProgramAttested(FUND, id, 21, 0, s.digest, s.sourceSetHash, s.expiry);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.PolicyMet(FUND, id, 21, s.sourceSetHash, s.expiry, before, link);
        submit(s, STRANGER);
    }

    function testFuzz_pages(uint256 start, uint256 count) public {
        for (uint64 epoch = 20; epoch < 23; ++epoch) {
            attest(id, epoch, validUntil);
        }
        uint256 first = start < 3 ? start : 3;
        uint256 expected = count < 3 - first ? count : 3 - first;
        Record[] memory records = registry.history(FUND, id, start, count);
        vm.assertEq(records.length, expected, "up to count, up to the end");
        for (uint256 i; i < expected; ++i) {
            vm.assertEq(records[i].epoch, 20 + first + i, "in order");
        }
    }

    function test_pagesOfAFullHistory() public {
        for (uint64 epoch = 20; epoch < 23; ++epoch) {
            attest(id, epoch, validUntil);
        }
        vm.assertEq(registry.history(FUND, id, 0, 2).length, 2, "the first page");
        vm.assertEq(registry.history(FUND, id, 2, 2).length, 1, "the last page");
        vm.assertEq(registry.history(FUND, id, 3, 2).length, 0, "behind it");
        vm.assertEq(registry.history(FUND, id, 1, type(uint256).max)[1].epoch, 22, "the rest");
    }

    /// @dev The hash binds what was attested; that it was revoked later stands beside it.
    function test_revocationLeavesTheChain() public {
        attest(id, 20, validUntil);
        bytes32 link = registry.latest(FUND, id).recordHash;
        vm.prank(AUDITOR);
        registry.revoke(FUND, id, 20, "wrong");
        vm.assertEq(registry.latest(FUND, id).expiry, 0, "of no use any more");
        for (uint64 epoch = 20; epoch < 23; ++epoch) {
            // While it is the latest, and when others came after it.
            Record memory r = registry.history(FUND, id, 0, 1)[0];
            bytes32 set = registry.sourceSet(FUND, 20);
            bytes32 first =
                keccak256(abi.encode(bytes32(0), FUND, id, r.epoch, r.expiry, r.blockNumber, r.completedAt, set));
            vm.assertEq(first, link, "recomputed");
            attest(id, epoch + 1, validUntil);
        }
        vm.assertTrue(registry.isRevoked(FUND, id, 20) && registry.isCompliant(FUND, id), "revoked and overtaken");
    }

    /// @dev Of any completed epoch, and of none in between.
    function testFuzz_progressOfPastEpochs(uint256 seed) public {
        uint256 count = bound(seed, 1, 5);
        for (uint64 i; i < count; ++i) {
            vm.roll(1000 + i);
            attest(id, 20 + 3 * i, validUntil - i);
        }
        for (uint64 epoch = 19; epoch < 36; ++epoch) {
            uint64 i = epoch < 20 ? 0 : (epoch - 20) / 3;
            bool completed = epoch == 20 + 3 * i && i < count;
            (uint256 attested, uint64 expiry, uint64 blockNumber) = registry.progress(FUND, id, epoch);
            vm.assertEq(attested, completed ? type(uint256).max : 0, "complete or not begun");
            vm.assertEq(expiry, completed ? validUntil - i : 0, "expiry");
            vm.assertEq(blockNumber, completed ? 1000 + i : 0, "block");
        }
    }

    function test_anEpochThatAnotherOvertook() public {
        id = policyIds[1];
        approve(id, 8, approvalOf(1));
        submit(submission(1), FUND_OWNER);
        acceptAllProofs();
        for (uint256 i; i < 2; ++i) {
            Submission memory s = submission(1 + i);
            (s.epoch, s.sources) = (8, submission(3).sources);
            submit(s, FUND_OWNER);
        }
        Submission memory late = submission(2);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.EpochNotAscending.selector, 8, 7));
        submit(late, FUND_OWNER);
        (uint256 attested,,) = registry.progress(FUND, id, 7);
        vm.assertEq(attested, 1, "half of epoch 7 stays half");
        vm.assertEq(registry.historyLength(FUND, id), 1, "one step");
    }

    function test_aHistoryEachFundAndPolicy() public {
        attest(id, 20, validUntil);
        vm.assertEq(registry.historyLength(FUND, policyIds[1]), 0, "another policy");
        vm.assertEq(registry.historyLength(STRANGER, id), 0, "another fund");
        vm.assertEq(registry.latest(STRANGER, id).recordHash, bytes32(0), "another fund");
    }

    // Since when.

    function test_sinceTheFirstOfAnUnbrokenRow() public {
        vm.assertEq(_since(), 0, "never");
        uint64 start = uint64(block.timestamp);
        attest(id, 20, start + 1000);
        vm.assertEq(_since(), start, "from the first");
        vm.warp(start + 1000);
        attest(id, 21, start + 2000);
        vm.assertEq(_since(), start, "still, at the last second");
        vm.warp(start + 2000);
        vm.assertEq(_since(), start, "at the expiry");
        vm.warp(start + 2001);
        vm.assertEq(_since(), 0, "expired");
        attest(id, 22, start + 3000);
        vm.assertEq(_since(), start + 2001, "after the gap");
    }

    function test_sinceRevocation() public {
        attest(id, 20, validUntil);
        _pass(10);
        vm.prank(AUDITOR);
        registry.revoke(FUND, id, 20, "wrong");
        vm.assertEq(_since(), 0, "revoked");
        _pass(10);
        attest(id, 21, validUntil);
        vm.assertEq(_since(), block.timestamp, "from the next");
    }

    function test_sinceSuspension() public {
        uint64 start = uint64(block.timestamp);
        attest(id, 20, validUntil);
        _pass(10);
        vm.prank(AUDITOR);
        registry.suspend(FUND, id, "under inquiry");
        vm.prank(FUND_OWNER);
        registry.suspend(FUND, id, "under inquiry");
        vm.assertEq(_since(), 0, "suspended");
        _pass(10);
        attest(id, 21, validUntil);
        vm.assertEq(_since(), 0, "still");
        vm.prank(AUDITOR);
        registry.resume(FUND, id);
        vm.assertEq(_since(), 0, "by the fund alone");
        _pass(10);
        vm.prank(FUND_OWNER);
        registry.resume(FUND, id);
        vm.assertEq(_since(), start + 30, "from the end of both");
        _pass(10);
        attest(id, 22, validUntil);
        vm.assertEq(_since(), start + 30, "unbroken again");
    }

    function test_sinceReplacement() public {
        bytes32 next = register(POLICY_OWNER, keccak256("tighter"), requirementsOf(), 1);
        attest(id, 20, validUntil);
        vm.prank(POLICY_OWNER);
        policies.scheduleReplacement(id, next);
        vm.warp(block.timestamp + NOTICE - 1);
        vm.assertTrue(registry.isCompliant(FUND, id) && _since() != 0, "until it counts");
        vm.warp(block.timestamp + 1);
        vm.assertTrue(!registry.isCompliant(FUND, id), "a running attestation falls");
        vm.assertEq(_since(), 0, "with it");
        vm.assertEq(registry.latest(FUND, id).epoch, 20, "the record stays");
        vm.assertTrue(!registry.isCompliant(FUND, next), "and is none under the next");
        attest(next, 21, validUntil);
        vm.assertEq(registry.since(FUND, next), block.timestamp, "which begins anew");
    }

    /// @dev The last program comes in when the first one's proof is no longer good: then the first has to come again.
    function test_completedTooLate() public {
        id = policyIds[1];
        Submission memory first = submission(1);
        submit(first, FUND_OWNER);
        vm.warp(first.expiry + 1);
        submit(submission(2), STRANGER);
        vm.assertEq(registry.historyLength(FUND, id), 0, "not completed");
        (uint256 attested,,) = registry.progress(FUND, id, 7);
        vm.assertTrue(attested == 2 && !registry.isCompliant(FUND, id) && _since() == 0, "only the last one is in");
    }

    /// @dev Epochs of any length, with gaps or without, against a plain account of them.
    function testFuzz_since(uint256 seed) public {
        (uint256 start, uint256 expiry) = (0, 0);
        for (uint64 epoch = 20; epoch < 26; ++epoch) {
            uint256 now_ = block.timestamp + (seed & 0xff);
            vm.warp(now_);
            vm.assertEq(_since(), now_ <= expiry ? start : 0, "before the next");
            if (now_ > expiry) start = now_;
            expiry = now_ + ((seed >> 8) & 0xff);
            attest(id, epoch, to64(expiry));
            vm.assertEq(_since(), start, "with the next");
            seed >>= 16;
        }
    }
}
