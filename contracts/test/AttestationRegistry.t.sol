// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Compliance, IAttestationRegistry, ProgramProof, SignedSource} from "../src/interfaces/IAttestationRegistry.sol";
import {Approval, IPolicyRegistry, PolicyRecord, SourceRequirement} from "../src/interfaces/IPolicyRegistry.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title The registry with real proofs
contract AttestationRegistryTest is RegistryFixtures {
    function setUp() public {
        deploy();
        registerAll();
    }

    function test_latestAndCompliance() public {
        vm.assertTrue(!registry.isCompliant(FUND, policyIds[0]), "before any proof");
        Submission memory s = submission(0);
        vm.roll(77);
        expectSubmissionEvents(s, true);
        submit(s, FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[0]), "after the proof");
        vm.assertTrue(!registry.isCompliant(FUND, policyIds[1]), "another policy");
        vm.assertTrue(!registry.isCompliant(FUND_OWNER, policyIds[0]), "another fund");
        Compliance memory last = registry.latest(FUND, policyIds[0]);
        vm.assertEq(last.epoch, 7, "epoch");
        vm.assertEq(last.expiry, s.expiry, "expiry");
        vm.assertEq(last.blockNumber, 77, "block");
        vm.assertEq(last.sourceSetHash, s.sourceSetHash, "source set");
        vm.assertEq(registry.sourceSet(FUND, 7), s.sourceSetHash, "stored source set");
        (uint256 attested, uint64 expiry, uint64 blockNumber) = registry.progress(FUND, policyIds[0], 7);
        vm.assertEq(attested, type(uint256).max, "complete");
        vm.assertEq(expiry, s.expiry, "attestation's expiry");
        vm.assertEq(blockNumber, 77, "attestation's block");
    }

    function test_complianceEndsWithTheExpiry() public {
        Submission memory s = submission(0);
        submit(s, FUND_OWNER);
        vm.warp(s.expiry);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[0]), "at the expiry");
        vm.warp(s.expiry + 1);
        vm.assertTrue(!registry.isCompliant(FUND, policyIds[0]), "after the expiry");
        vm.assertEq(registry.latest(FUND, policyIds[0]).epoch, 7, "the record stays");
    }

    function test_replayChangesNothing() public {
        Submission memory s = submission(0);
        vm.roll(10);
        submit(s, FUND_OWNER);
        vm.roll(20);
        bytes memory reason =
            abi.encodeWithSelector(IAttestationRegistry.AlreadyAttested.selector, FUND, policyIds[0], 7, 0);
        vm.expectRevert(reason);
        submit(s, FUND_OWNER);
        vm.assertEq(registry.latest(FUND, policyIds[0]).blockNumber, 10, "block");
    }

    /// @dev A policy of two programs is met when both are in, until the earlier expiry, on one source set.
    function test_policyOfTwoPrograms() public {
        (Submission memory first, Submission memory second) = (submission(1), submission(2));
        submit(second, FUND_OWNER);
        vm.assertTrue(!registry.isCompliant(FUND, policyIds[1]), "with one program");
        vm.assertEq(registry.latest(FUND, policyIds[1]).epoch, 0, "with one program");
        bytes memory reason =
            abi.encodeWithSelector(IAttestationRegistry.AlreadyAttested.selector, FUND, policyIds[1], 7, 1);
        vm.expectRevert(reason);
        submit(second, FUND_OWNER);
        submit(first, FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[1]), "with both");
        vm.assertEq(registry.latest(FUND, policyIds[1]).expiry, first.expiry, "the earlier expiry");
        vm.assertTrue(first.expiry < second.expiry, "expiries differ");
        vm.assertTrue(!registry.isCompliant(FUND, policyIds[0]), "the other policy over the same sources");
    }

    /// @dev One program in one epoch and the other in the next are two halves of nothing.
    function test_programsOfDifferentEpochsDoNotAddUp() public {
        approve(policyIds[1], 8, approvalOf(1));
        submit(submission(1), FUND_OWNER);
        acceptAllProofs();
        Submission memory second = submission(2);
        (second.epoch, second.sources) = (8, submission(3).sources);
        submit(second, FUND_OWNER);
        vm.assertTrue(!registry.isCompliant(FUND, policyIds[1]), "one program an epoch");
        Submission memory first = submission(1);
        (first.epoch, first.sources) = (8, second.sources);
        submit(first, FUND_OWNER);
        vm.assertEq(registry.latest(FUND, policyIds[1]).epoch, 8, "both programs in one epoch");
    }

    function test_theEarlierExpiryCountsInEitherOrder() public {
        (Submission memory first, Submission memory second) = (submission(1), submission(2));
        submit(first, FUND_OWNER);
        submit(second, FUND_OWNER);
        vm.assertEq(registry.latest(FUND, policyIds[1]).expiry, first.expiry, "the earlier expiry");
    }

    /// @dev An epoch whose sources are fixed is proved before a later one is, or never: what is latest stays latest.
    function test_latestMovesForwardOnly() public {
        (Submission memory earlier, Submission memory later) = (submission(0), submission(3));
        commit(policyIds[0], 7, earlier.sources);
        submit(later, FUND_OWNER);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.EpochNotAscending.selector, 8, 7);
        vm.expectRevert(reason);
        submit(earlier, FUND_OWNER);
        vm.assertEq(registry.latest(FUND, policyIds[0]).sourceSetHash, later.sourceSetHash, "of epoch 8");
        (uint256 attested,,) = registry.progress(FUND, policyIds[0], 7);
        vm.assertEq(attested, 0, "and nothing of epoch 7");
    }

    function test_epochsInOrder() public {
        submit(submission(0), FUND_OWNER);
        submit(submission(3), FUND_OWNER);
        vm.assertEq(registry.latest(FUND, policyIds[0]).epoch, 8, "epoch");
        vm.assertTrue(submission(0).sourceSetHash != submission(3).sourceSetHash, "fresh commitments");
    }

    // Who may submit.

    /// @dev Else anybody could take a fund's epoch with sources of their own.
    function test_onlyTheOwnerFixesTheSourceSet() public {
        Submission memory s = submission(0);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.SourceSetNotCommitted.selector, FUND, 7);
        vm.expectRevert(reason);
        submit(s, STRANGER);
        vm.prank(FUND_OWNER);
        vm.assertEq(registry.commitSourceSet(FUND, policyIds[0], 7, s.sources), s.sourceSetHash, "hash");
        submit(s, STRANGER);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[0]), "submitted by a stranger");
    }

    function test_unknownFund() public {
        Submission memory s = submission(0);
        ProgramProof[] memory programs = programOf(s);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.UnknownFund.selector, STRANGER);
        vm.expectRevert(reason);
        registry.submit(STRANGER, policyIds[0], 7, s.expiry, programs, s.sources, s.previousSources);
    }

    /// @dev A fund whose owner also owns the policy would choose its own prices.
    function test_fundsDoNotApproveThemselves() public {
        Submission memory s = submission(0);
        vm.prank(POLICY_OWNER);
        policies.transferPolicy(policyIds[0], FUND_OWNER);
        vm.prank(FUND_OWNER);
        policies.acceptPolicy(policyIds[0]);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.SelfApproved.selector, policyIds[0]);
        vm.expectRevert(reason);
        submit(s, FUND_OWNER);
        vm.prank(FUND_OWNER);
        policies.transferPolicy(policyIds[0], FUND);
        vm.prank(FUND);
        policies.acceptPolicy(policyIds[0]);
        vm.expectRevert(reason);
        submit(s, FUND_OWNER);
    }

    // What may be submitted.

    function _assertRefused(Submission memory s, bytes memory reason) private {
        vm.expectRevert(reason);
        submit(s, FUND_OWNER);
        vm.assertEq(registry.sourceSet(FUND, s.epoch), bytes32(0), "a refused proof leaves no source set");
    }

    function test_epochNotApproved() public {
        Submission memory s = submission(0);
        s.epoch = 9;
        _assertRefused(s, abi.encodeWithSelector(IPolicyRegistry.EpochNotApproved.selector, policyIds[0], 9));
        // Epoch 8 is approved for policy 0 only.
        s = submission(1);
        s.epoch = 8;
        _assertRefused(s, abi.encodeWithSelector(IPolicyRegistry.EpochNotApproved.selector, policyIds[1], 8));
    }

    function test_expiry() public {
        Submission memory s = submission(0);
        s.expiry = validUntil + 1;
        bytes4 late = IAttestationRegistry.ExpiryTooLate.selector;
        _assertRefused(s, abi.encodeWithSelector(late, validUntil + 1, validUntil));
        s.expiry = uint64(block.timestamp) - 1;
        _assertRefused(s, abi.encodeWithSelector(IAttestationRegistry.Expired.selector, s.expiry));
        s.expiry = submission(0).expiry - 1;
        _assertRefused(s, abi.encodePacked(IProofVerifier.OpeningRejected.selector));
    }

    function test_programIndex() public {
        Submission memory s = submission(0);
        s.program = 1;
        _assertRefused(s, abi.encodeWithSelector(IAttestationRegistry.UnknownProgram.selector, 1, 1));
    }

    /// @dev The same statement and holdings, proved for another policy's program.
    function test_proofOfAnotherProgram() public {
        Submission memory s = submission(0);
        s.proof = submission(1).proof;
        _assertRefused(s, abi.encodePacked(IProofVerifier.OpeningRejected.selector));
    }

    function test_unapprovedKey() public {
        (Submission memory s, Submission memory other) = (submission(0), submission(2));
        s.key = other.key;
        _assertRefused(
            s, abi.encodeWithSelector(IAttestationRegistry.DigestNotApproved.selector, s.digest, other.digest)
        );
    }

    function test_everyProofWordMatters() public {
        Submission memory s = submission(0);
        bytes memory proof = s.proof;
        for (uint256 offset; offset < proof.length; offset += 32) {
            s.proof = withWord(proof, offset, word(proof, offset) ^ 1);
            vm.expectRevert();
            submit(s, FUND_OWNER);
        }
        s.proof = proof;
        submit(s, FUND_OWNER);
    }

    function test_layoutOfTheKey() public {
        // Approved with a digest whose key is of another layout than the approval says.
        Approval memory approval = approvalOf(0);
        approval.layoutHash = keccak256("another layout");
        vm.prank(POLICY_OWNER);
        policies.approveEpoch(policyIds[0], 9, approval);
        Submission memory s = submission(0);
        s.epoch = 9;
        bytes4 selector = IAttestationRegistry.WrongLayout.selector;
        _assertRefused(s, abi.encodeWithSelector(selector, approval.layoutHash, approvalOf(0).layoutHash));
    }

    /// @dev Two source sets in one epoch: the second is refused, whichever policy or program it comes with.
    function test_oneSourceSetAnEpoch() public {
        submit(submission(0), FUND_OWNER);
        Submission memory s = submission(1);
        s.sources = resigned(s.sources, 7);
        vm.expectPartialRevert(IAttestationRegistry.SourceSetMismatch.selector);
        submit(s, FUND_OWNER);
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.SourceSetExists.selector, FUND, 7);
        vm.expectRevert(reason);
        vm.prank(FUND_OWNER);
        registry.commitSourceSet(FUND, policyIds[1], 7, s.sources);
    }

    /// @dev Another source set than the proof's, validly signed.
    function test_proofOfOtherSources() public {
        Submission memory s = submission(0);
        s.sources = resigned(s.sources, 7);
        _assertRefused(s, abi.encodePacked(IProofVerifier.OpeningRejected.selector));
    }

    function test_policyRecord() public view {
        PolicyRecord memory record = policies.policy(policyIds[1]);
        vm.assertEq(record.owner, POLICY_OWNER, "owner");
        vm.assertEq(record.programCount, 2, "programs");
        vm.assertEq(record.lastEpoch, 7, "last epoch");
        vm.assertEq(record.requirements.length, 2, "requirements");
        SourceRequirement[] memory requirements = requirementsOf();
        vm.assertEq(abi.encode(record.requirements), abi.encode(requirements), "requirements");
        (Approval memory approved, uint64 effectiveAt) = policies.approval(policyIds[1], 7);
        vm.assertEq(abi.encode(approved), abi.encode(approvalOf(1)), "approval");
        vm.assertEq(effectiveAt, block.timestamp, "counts at once");
        (approved, effectiveAt) = policies.approval(policyIds[1], 8);
        vm.assertEq(approved.digests.length + effectiveAt, 0, "no approval");
        (uint256 attested, uint64 expiry, uint64 blockNumber) = registry.progress(FUND, policyIds[1], 7);
        vm.assertEq(attested + expiry + blockNumber, 0, "nothing attested");
    }

    function test_signersOfTheFixtures() public view {
        SignedSource[] memory sources = submission(0).sources;
        vm.assertEq(sources.length, 2, "sources");
        vm.assertEq(requirementsOf()[0].signer, vm.addr(signerKey(0)), "first signer");
        vm.assertEq(requirementsOf()[1].signer, vm.addr(signerKey(1)), "second signer");
    }
}
