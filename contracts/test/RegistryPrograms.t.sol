// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry, ProgramProof} from "../src/interfaces/IAttestationRegistry.sol";
import {Approval} from "../src/interfaces/IPolicyRegistry.sol";
import {Context, Holdings, IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";
import {Log} from "./Test.sol";

/// @title Several programs of one policy, in one call or in many
contract RegistryProgramsTest is RegistryFixtures {
    function setUp() public {
        deploy();
        registerAll();
        commit(policyIds[0], 7, submission(0).sources);
    }

    /// @dev The programs of two submissions.
    function _both(Submission memory first, Submission memory second)
        private
        pure
        returns (ProgramProof[] memory programs)
    {
        programs = new ProgramProof[](2);
        (programs[0], programs[1]) = (programOf(first)[0], programOf(second)[0]);
    }

    function _submit(Submission memory s, ProgramProof[] memory programs) private {
        submit(s, policyIds[s.policy], programs, FUND_OWNER);
    }

    function _assertRefused(Submission memory s, ProgramProof[] memory programs, bytes memory reason) private {
        vm.expectRevert(reason);
        _submit(s, programs);
        (uint256 attested,,) = registry.progress(FUND, policyIds[s.policy], s.epoch);
        vm.assertEq(attested, 0, "nothing recorded");
    }

    function test_bothProgramsInOneCall() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        bytes32 id = policyIds[2];
        vm.roll(99);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.ProgramAttested(FUND, id, 8, 0, plain.digest, plain.sourceSetHash, plain.expiry);
        expectSubmissionEvents(comparing, true);
        _submit(comparing, _both(plain, comparing));
        vm.assertTrue(registry.isCompliant(FUND, id), "met at once");
        (uint256 attested, uint64 expiry, uint64 blockNumber) = registry.progress(FUND, id, 8);
        vm.assertEq(attested, type(uint256).max, "complete");
        vm.assertEq(expiry, plain.expiry, "expiry");
        vm.assertEq(blockNumber, 99, "block");
    }

    function test_oneFalseProofSpoilsBoth() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        ProgramProof[] memory programs = _both(plain, comparing);
        programs[0].proof = submission(3).proof; // of the same statement, for another policy's program
        vm.expectRevert();
        _submit(comparing, programs);
        programs = _both(plain, comparing);
        programs[1].proof[200] ^= 0x01;
        vm.expectRevert();
        _submit(comparing, programs);
        (uint256 attested,,) = registry.progress(FUND, policyIds[2], 8);
        vm.assertEq(attested, 0, "nothing recorded");
    }

    function test_programsAscend() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        bytes memory reason = abi.encodePacked(IAttestationRegistry.InvalidPrograms.selector);
        _assertRefused(comparing, new ProgramProof[](0), reason);
        _assertRefused(comparing, _both(comparing, plain), reason);
        _assertRefused(plain, _both(plain, plain), reason);
    }

    function test_unknownPrograms() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        ProgramProof[] memory programs = _both(plain, comparing);
        for (uint256 i; i < 3; ++i) {
            programs[1].program = [uint256(2), 128, type(uint256).max][i];
            bytes4 selector = IAttestationRegistry.UnknownProgram.selector;
            _assertRefused(comparing, programs, abi.encodeWithSelector(selector, programs[1].program, 2));
        }
    }

    // Programs that are attested already.

    function _alreadyAttested(bytes32 id, uint256 program) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAttestationRegistry.AlreadyAttested.selector, FUND, id, uint64(8), program);
    }

    /// @dev Somebody takes one proof out of the fund's waiting transaction and is faster with it.
    function test_aPartThatIsTakenFirstDoesNotStopTheRest() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        bytes32 id = policyIds[2];
        commit(id, 8, plain.sources);
        vm.roll(98);
        submit(comparing, STRANGER);
        vm.roll(99);
        vm.recordLogs();
        _submit(comparing, _both(plain, comparing));
        Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2, "one program is new, and the policy is met");
        vm.assertEq(logs[0].topics[0], IAttestationRegistry.ProgramAttested.selector, "a program");
        vm.assertEq(uint256(bytes32(logs[0].data)), 0, "the other one");
        vm.assertEq(logs[1].topics[0], IAttestationRegistry.PolicyMet.selector, "met");
        vm.assertTrue(registry.isCompliant(FUND, id), "complete");
        vm.assertEq(registry.latest(FUND, id).blockNumber, 99, "with the last one");
    }

    function test_theFirstOfTwoIsTakenFirst() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        commit(policyIds[2], 8, plain.sources);
        submit(plain, STRANGER);
        _submit(comparing, _both(plain, comparing));
        vm.assertTrue(registry.isCompliant(FUND, policyIds[2]), "complete");
    }

    /// @dev What brings nothing new is refused, whether the epoch is complete or not.
    function test_aReplayIsRefused() public {
        bytes32 id = _policyOf(3);
        acceptAllProofs();
        _submitSome(id, 5, validUntil);
        for (uint256 i; i < 3; ++i) {
            uint256 programs = [uint256(1), 4, 5][i];
            vm.expectRevert(_alreadyAttested(id, programs == 4 ? 2 : 0));
            _submitSome(id, programs, validUntil);
        }
        _submitSome(id, 7, validUntil);
        vm.assertTrue(registry.isCompliant(FUND, id), "complete");
        for (uint256 programs = 1; programs < 8; ++programs) {
            vm.expectRevert(_alreadyAttested(id, programs & 1 != 0 ? 0 : programs & 2 != 0 ? 1 : 2));
            _submitSome(id, programs, validUntil);
        }
        vm.assertEq(registry.historyLength(FUND, id), 1, "one record");
    }

    /// @dev A program of an incomplete epoch that comes again is verified like one that is new.
    function test_whatComesAgainIsVerifiedAgain() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        submit(comparing, FUND_OWNER);
        ProgramProof[] memory programs = _both(plain, comparing);
        programs[1].proof[200] ^= 0x01;
        vm.expectRevert();
        _submit(comparing, programs);
        programs = _both(plain, comparing);
        programs[1].key = plain.key;
        bytes4 selector = IAttestationRegistry.DigestNotApproved.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, comparing.digest, plain.digest));
        _submit(comparing, programs);
        programs[1].key = comparing.key;
        (Context memory context, Holdings[] memory holdings) = _comparison();
        expectVerification(context, policyIds[2], programs, holdings);
        _submit(comparing, programs);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[2]), "complete");
    }

    /// @dev A part of an older proof that somebody sends first does not shorten what follows.
    function test_allAtOnceCountWithTheirOwnExpiry() public {
        bytes32 id = _policyOf(3);
        acceptAllProofs();
        _submitSome(id, 3, validUntil - 10);
        _submitSome(id, 7, validUntil);
        vm.assertEq(registry.latest(FUND, id).expiry, validUntil, "its own");
    }

    /// @dev Somebody else completes an epoch with a part of an older proof and the rest of this one: all of it counts all the same.
    function test_allAtOnceRenewTheLastEpoch() public {
        bytes32 id = _policyOf(2);
        acceptAllProofs();
        _submitSome(id, 1, validUntil - 10);
        _submitSome(id, 2, validUntil - 5);
        vm.assertEq(registry.latest(FUND, id).expiry, validUntil - 10, "the earliest");
        uint64 since = registry.since(FUND, id);
        bytes32 before = registry.latest(FUND, id).recordHash;
        for (uint256 part = 1; part < 3; ++part) {
            vm.expectPartialRevert(IAttestationRegistry.AlreadyAttested.selector);
            _submitSome(id, part, validUntil);
        }
        vm.warp(block.timestamp + 7);
        _submitSome(id, 3, validUntil);
        vm.assertEq(registry.latest(FUND, id).expiry, validUntil, "its own");
        vm.assertEq(registry.since(FUND, id), since, "no gap");
        vm.assertTrue(registry.latest(FUND, id).recordHash != before, "on record");
        vm.assertEq(registry.historyLength(FUND, id), 2, "as two");
        for (uint64 earlier; earlier < 2; ++earlier) {
            vm.expectPartialRevert(IAttestationRegistry.AlreadyAttested.selector);
            _submitSome(id, 3, validUntil - earlier);
        }
    }

    /// @dev What has expired does not complete an epoch, and is begun anew.
    function test_expiredPartsAreBegunAnew() public {
        bytes32 id = _policyOf(2);
        acceptAllProofs();
        uint64 soon = uint64(block.timestamp) + 10;
        _submitSome(id, 1, soon);
        vm.warp(soon);
        (uint256 attested,,) = registry.progress(FUND, id, 8);
        vm.assertEq(attested, 1, "to the last second");
        vm.warp(soon + 1);
        (attested,,) = registry.progress(FUND, id, 8);
        vm.assertEq(attested, 0, "expired");
        _submitSome(id, 2, validUntil);
        vm.assertTrue(!registry.isCompliant(FUND, id), "half of it");
        _submitSome(id, 1, validUntil - 1);
        vm.assertEq(registry.latest(FUND, id).expiry, validUntil - 1, "both anew");
    }

    /// @dev The earliest expiry counts, in whichever order and however often the programs come.
    function test_theEarliestExpiryCountsWhenAProgramComesAgain() public {
        bytes32 id = _policyOf(3);
        acceptAllProofs();
        _submitSome(id, 1, validUntil - 10);
        _submitSome(id, 3, validUntil);
        (, uint64 expiry,) = registry.progress(FUND, id, 8);
        vm.assertEq(expiry, validUntil - 10, "not the later one");
        _submitSome(id, 6, validUntil - 20);
        vm.assertEq(registry.latest(FUND, id).expiry, validUntil - 20, "the earlier one");
    }

    /// @dev What stands in the second place is looked at like what stands in the first.
    function test_everyKeyIsTheApprovedOne() public {
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        ProgramProof[] memory programs = _both(plain, comparing);
        programs[1].key = plain.key;
        bytes4 selector = IAttestationRegistry.DigestNotApproved.selector;
        _assertRefused(comparing, programs, abi.encodeWithSelector(selector, comparing.digest, plain.digest));
    }

    /// @dev The bytes before the place where `item` occurs in `data` for the time number `count`.
    function _find(bytes memory data, bytes32 item, uint256 count) private pure returns (uint256 offset) {
        while (bytes32(word(data, offset)) != item || --count != 0) offset += 32;
    }

    /// @dev Two programs cannot be compared with one epoch that has two layouts.
    function test_onePreviousLayout() public {
        Submission memory comparing = submission(5);
        Approval memory approval = approvalOf(0);
        bytes memory key = comparing.key;
        uint256 offset = _find(key, approval.layoutHash, 2);
        bytes memory other = withWord(key, offset, uint256(keccak256("another layout")));
        bytes32 id = register(POLICY_OWNER, keccak256("compares twice"), requirementsOf(), 2);
        approval.digests = new bytes32[](2);
        (approval.digests[0], approval.digests[1]) = (keccak256(other), keccak256(key));
        approve(id, 8, approval);
        acceptAllProofs();
        ProgramProof[] memory programs = _both(comparing, comparing);
        // The last one's layout is the previous set's: what is wrong is that the first one's is another.
        (programs[0].program, programs[1].program, programs[0].key) = (0, 1, other);
        bytes4 selector = IAttestationRegistry.WrongPreviousLayout.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, keccak256("another layout"), approval.layoutHash));
        submit(comparing, id, programs, FUND_OWNER);
        // With one layout in both it goes through.
        (programs[0].key, approval.digests[0]) = (key, keccak256(key));
        approve(id, 9, approval);
        (comparing.epoch, comparing.sources) = (9, resigned(comparing.sources, 9));
        submit(comparing, id, programs, FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, id), "both compared with epoch 7");
    }

    // What the verifier is asked.

    function _comparison() private view returns (Context memory context, Holdings[] memory holdings) {
        Submission memory comparing = submission(5);
        context = contextOf(comparing);
        (context.previousEpoch, context.previousSourceSetHash) = (7, submission(0).sourceSetHash);
        holdings = new Holdings[](2);
        (holdings[0], holdings[1]) = (holdingsOf(comparing.sources), holdingsOf(submission(0).sources));
    }

    /// @dev All programs at once, under the previous epoch's set.
    function test_whatTheVerifierIsAsked() public {
        ProgramProof[] memory programs = _both(submission(4), submission(5));
        (Context memory context, Holdings[] memory holdings) = _comparison();
        expectVerification(context, policyIds[2], programs, holdings);
        _submit(submission(5), programs);
    }

    function test_withoutComparisonThereIsNoPreviousEpoch() public {
        Submission memory plain = submission(4);
        Holdings[] memory holdings = new Holdings[](1);
        holdings[0] = holdingsOf(plain.sources);
        expectVerification(contextOf(plain), policyIds[2], programOf(plain), holdings);
        submit(plain, FUND_OWNER);
    }

    /// @dev Keys and proofs of any length arrive as they were sent.
    function testFuzz_keysAndProofsOfAnyLength(bytes memory first, bytes memory second, bytes memory tail) public {
        ProgramProof[] memory programs = _both(submission(4), submission(5));
        (programs[0].proof, programs[1].proof) = (first, second);
        programs[0].key = bytes.concat(programs[0].key, tail);
        Approval memory approval = approvalOf(2);
        approval.digests[0] = keccak256(programs[0].key);
        bytes32 id = register(POLICY_OWNER, keccak256("any length"), requirementsOf(), 2);
        approve(id, 8, approval);
        (Context memory context, Holdings[] memory holdings) = _comparison();
        expectVerification(context, id, programs, holdings);
        submit(submission(5), id, programs, FUND_OWNER);
    }

    /// @dev What the verifier says reaches the caller; saying nothing is no consent.
    function test_whatTheVerifierAnswers() public {
        Submission memory plain = submission(4);
        address verifier = address(registry.verifier());
        bytes memory call_ = abi.encodePacked(IProofVerifier.verifyAll.selector);
        bytes memory reason = abi.encodeWithSelector(IProofVerifier.ScalarNotCanonical.selector, 77);
        vm.mockCallRevert(verifier, call_, reason);
        vm.expectRevert(reason);
        submit(plain, FUND_OWNER);
        vm.clearMockedCalls();
        vm.mockCall(verifier, call_, hex"");
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.NotAContract.selector, verifier));
        submit(plain, FUND_OWNER);
    }

    // Many programs.

    /// @dev A policy of `count` programs, all of the fixtures' plain statement, approved for epoch 8.
    function _policyOf(uint256 count) private returns (bytes32 id) {
        id = register(POLICY_OWNER, keccak256("many"), requirementsOf(), to64(count));
        Approval memory approval = approvalOf(0);
        bytes32 digest = approval.digests[0];
        approval.digests = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            approval.digests[i] = digest;
        }
        approve(id, 8, approval);
    }

    function _submitSome(bytes32 id, uint256 bits, uint64 expiry) private {
        Submission memory s = submission(3);
        uint256 count;
        for (uint256 rest = bits; rest != 0; rest &= rest - 1) {
            ++count;
        }
        ProgramProof[] memory programs = new ProgramProof[](count);
        count = 0;
        for (uint256 i; i < 128; ++i) {
            if (bits >> i & 1 != 0) programs[count++] = ProgramProof(i, s.key, s.proof);
        }
        s.expiry = expiry;
        submit(s, id, programs, FUND_OWNER);
    }

    /// @dev In portions of any size, in any order, some programs more than once: met when the last one is in, until the earliest
    /// expiry, or until that of all at once.
    function testFuzz_portions(uint8 size, uint256 seed) public {
        uint256 count = bound(size, 1, 8);
        (bytes32 id, uint256 all) = (_policyOf(count), 2 ** count - 1);
        acceptAllProofs();
        (uint256 open, uint64 earliest) = (all, validUntil);
        while (open != 0) {
            vm.assertTrue(!registry.isCompliant(FUND, id), "something is missing");
            uint256 portion = all & (seed == 0 ? all : seed);
            uint64 expiry = validUntil - to64(seed & 0xffff);
            seed = seed == 0 ? 0 : seed >> 16;
            if (portion == 0) continue;
            vm.roll(block.number + 1);
            if (portion & open == 0) {
                vm.expectPartialRevert(IAttestationRegistry.AlreadyAttested.selector);
                _submitSome(id, portion, expiry);
                continue;
            }
            _submitSome(id, portion, expiry);
            open &= ~portion;
            if (portion == all || expiry < earliest) earliest = expiry;
            (uint256 attested, uint64 until, uint64 number) = registry.progress(FUND, id, 8);
            vm.assertEq(attested, open == 0 ? type(uint256).max : all & ~open, "what is in");
            vm.assertEq(until, earliest, "the earliest expiry");
            vm.assertEq(number, block.number, "the block of the last one");
        }
        vm.assertTrue(registry.isCompliant(FUND, id), "all are in");
        vm.assertEq(registry.latest(FUND, id).expiry, earliest, "until the earliest expiry");
    }

    function test_asManyProgramsAsThereMayBe() public {
        bytes32 id = _policyOf(128);
        acceptAllProofs();
        _submitSome(id, 1 << 127, validUntil);
        vm.assertTrue(!registry.isCompliant(FUND, id), "the last one alone");
        (uint256 attested, uint64 expiry, uint64 blockNumber) = registry.progress(FUND, id, 8);
        vm.assertEq(attested, 1 << 127, "its bit");
        vm.assertTrue(expiry == validUntil && blockNumber == block.number, "with its expiry and block");
        _submitSome(id, (1 << 127) - 1, validUntil);
        vm.assertTrue(registry.isCompliant(FUND, id), "all");
    }
}
