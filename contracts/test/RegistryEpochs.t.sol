// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry, PreviousSource, SignedSource} from "../src/interfaces/IAttestationRegistry.sol";
import {Approval, SourceRequirement} from "../src/interfaces/IPolicyRegistry.sol";
import {IProofVerifier, PublicSlot} from "../src/interfaces/IProofVerifier.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title Which epoch an epoch is compared with, and proofs over both
contract RegistryEpochsTest is RegistryFixtures {
    function setUp() public {
        deploy();
        registerAll();
    }

    /// @dev Epoch 7 as the fixtures' proof over two epochs has it.
    function _fixSeven() private {
        commit(policyIds[0], 7, submission(0).sources);
    }

    function _assertRefused(Submission memory s, bytes memory reason) private {
        vm.expectRevert(reason);
        submit(s, FUND_OWNER);
        vm.assertEq(registry.sourceSet(FUND, 8), bytes32(0), "a refused proof leaves no source set");
    }

    function test_policyWithAProgramThatComparesEpochs() public {
        _fixSeven();
        (Submission memory plain, Submission memory comparing) = (submission(4), submission(5));
        vm.assertTrue(plain.previousSources.length == 0 && comparing.previousSources.length == 2, "fixtures");
        expectSubmissionEvents(comparing, false);
        submit(comparing, FUND_OWNER);
        vm.assertTrue(!registry.isCompliant(FUND, policyIds[2]), "with one program");
        expectSubmissionEvents(plain, true);
        submit(plain, STRANGER);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[2]), "with both");
        vm.assertEq(registry.latest(FUND, policyIds[2]).epoch, 8, "epoch");
    }

    function test_theRegistryRemembersTheEpochBefore() public {
        vm.assertEq(registry.lastEpoch(FUND), 0, "no epoch yet");
        _fixSeven();
        vm.assertEq(registry.previousEpoch(FUND, 7), 0, "the first");
        vm.assertEq(registry.previousEpoch(FUND, 8), 0, "not fixed yet");
        commit(policyIds[0], 8, submission(3).sources);
        vm.assertEq(registry.previousEpoch(FUND, 8), 7, "the second");
        approve(policyIds[0], 20, approvalOf(0));
        commit(policyIds[0], 20, resigned(submission(3).sources, 20));
        vm.assertEq(registry.previousEpoch(FUND, 20), 8, "epochs may be skipped");
        vm.assertEq(registry.previousEpoch(FUND, 8), 7, "and earlier ones stay as they are");
        vm.assertEq(registry.lastEpoch(FUND), 20, "the last");
        vm.assertEq(registry.lastEpoch(STRANGER), 0, "another fund");
        submit(submission(5), STRANGER);
    }

    /// @dev Else a fund could register an epoch between two others once it knows what it wants to be compared with.
    function test_sourceSetsOnlyAscend() public {
        commit(policyIds[0], 8, submission(3).sources);
        SignedSource[] memory sources = submission(0).sources;
        bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.EpochNotAscending.selector, 8, 7);
        vm.expectRevert(reason);
        commit(policyIds[0], 7, sources);
        vm.expectRevert(reason);
        submit(submission(0), FUND_OWNER);
        vm.assertEq(registry.sourceSet(FUND, 7), bytes32(0), "not fixed");
    }

    function test_noPreviousEpoch() public {
        _assertRefused(
            submission(5), abi.encodeWithSelector(IAttestationRegistry.NoPreviousEpoch.selector, FUND, uint64(8))
        );
    }

    function test_previousSourcesOnlyWhereEpochsAreCompared() public {
        _fixSeven();
        Submission memory s = submission(4);
        s.previousSources = submission(5).previousSources;
        _assertRefused(s, abi.encodePacked(IAttestationRegistry.SuperfluousPreviousSources.selector));
        s = submission(5);
        s.previousSources = new PreviousSource[](0);
        _assertRefused(s, abi.encodeWithSelector(IAttestationRegistry.WrongSourceCount.selector, 2, 0));
    }

    function test_everyPreviousSourceOnce() public {
        _fixSeven();
        PreviousSource[] memory all = submission(5).previousSources;
        for (uint256 count = 1; count < 4; count += 2) {
            Submission memory s = submission(5);
            s.previousSources = new PreviousSource[](count);
            for (uint256 i; i < count; ++i) {
                s.previousSources[i] = all[i % 2];
            }
            _assertRefused(s, abi.encodeWithSelector(IAttestationRegistry.WrongSourceCount.selector, 2, count));
        }
    }

    /// @dev The previous holdings are those on record, to the last bit.
    function test_previousSourcesAreThoseOnRecord() public {
        _fixSeven();
        for (uint256 change; change < 6; ++change) {
            Submission memory s = submission(5);
            PreviousSource[] memory p = s.previousSources;
            if (change == 0) p[0].nonce += 1;
            if (change == 1) p[1].expiry += 1;
            if (change == 2) p[0].commitment[3] ^= bytes32(uint256(1));
            if (change == 3) (p[0], p[1]) = (p[1], p[0]);
            if (change == 4) p[1].commitment = p[0].commitment;
            if (change == 5) p[0].commitment = s.sources[0].commitment; // today's holdings: no turnover at all
            vm.expectPartialRevert(IAttestationRegistry.PreviousSourceSetMismatch.selector);
            submit(s, FUND_OWNER);
        }
        submit(submission(5), FUND_OWNER);
    }

    /// @dev A proof against another epoch than the one before, however truly registered.
    function test_previousEpochIsNotTheFundsChoice() public {
        _fixSeven();
        approve(policyIds[2], 10, approvalOf(2));
        commit(policyIds[0], 8, submission(3).sources);
        Submission memory s = submission(5);
        (s.epoch, s.sources) = (10, resigned(s.sources, 10));
        vm.expectPartialRevert(IAttestationRegistry.PreviousSourceSetMismatch.selector);
        submit(s, FUND_OWNER);
        // With the sources of epoch 8 it is another statement than the one that was proved.
        for (uint256 i; i < 2; ++i) {
            SignedSource memory source = submission(3).sources[i];
            s.previousSources[i] = PreviousSource(source.expiry, source.nonce, source.commitment);
        }
        vm.expectRevert(IProofVerifier.OpeningRejected.selector);
        submit(s, FUND_OWNER);
    }

    // Decoys: holdings that the fund would like to be compared with.

    function _register(address owner, SourceRequirement[] memory requirements) private returns (bytes32 id) {
        id = register(owner, keccak256("decoy"), requirements, 1);
        approveAs(owner, id, 7, approvalOf(0));
    }

    function _assertIncomparable(bytes32 decoy) private {
        bytes4 selector = IAttestationRegistry.IncomparablePolicies.selector;
        _assertRefused(submission(5), abi.encodeWithSelector(selector, policyIds[2], decoy));
    }

    /// @dev A friend's policy with the real sources could still add public slots, or bend dates and layouts.
    function test_decoyUnderAnotherOwnersPolicy() public {
        bytes32 decoy = _register(STRANGER, requirementsOf());
        commit(decoy, 7, submission(0).sources);
        _assertIncomparable(decoy);
        // It is the owner of today who vouches.
        vm.prank(STRANGER);
        policies.transferPolicy(decoy, POLICY_OWNER);
        _assertIncomparable(decoy);
        vm.prank(POLICY_OWNER);
        policies.acceptPolicy(decoy);
        submit(submission(5), FUND_OWNER);
    }

    /// @dev The hash of a source set does not tell who signed it.
    function test_decoySignedByOtherSigners() public {
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[0].signer = vm.addr(1234);
        bytes32 decoy = _register(POLICY_OWNER, requirements);
        SignedSource[] memory sources = submission(0).sources;
        sources[0].signature = signature(1234, sourceDigest(sources[0], 0, 7));
        vm.assertEq(commit(decoy, 7, sources), submission(0).sourceSetHash, "the very same hash");
        _assertIncomparable(decoy);
    }

    function test_anotherPolicyOfTheSameOwnerAndSources() public {
        bytes32 other = _register(POLICY_OWNER, requirementsOf());
        commit(other, 7, submission(0).sources);
        submit(submission(5), FUND_OWNER);
        vm.assertEq(registry.previousEpoch(FUND, 8), 7, "compared with the other policy's epoch");
    }

    function test_layoutOfThePreviousEpoch() public {
        Approval memory approval = approvalOf(0);
        approval.layoutHash = keccak256("another layout");
        bytes32 other = _registerFor(approval);
        SignedSource[] memory sources = submission(0).sources;
        for (uint256 i; i < 2; ++i) {
            sources[i].signature = signature(signerKey(i), sourceDigest(sources[i], i, 7, approval));
        }
        commit(other, 7, sources);
        bytes4 selector = IAttestationRegistry.WrongPreviousLayout.selector;
        _assertRefused(submission(5), abi.encodeWithSelector(selector, approval.layoutHash, approvalOf(0).layoutHash));
    }

    function _registerFor(Approval memory approval) private returns (bytes32 id) {
        id = register(POLICY_OWNER, keccak256("another policy"), requirementsOf(), 1);
        approve(id, 7, approval);
    }

    /// @dev Public slots of the previous epoch are those that were approved then.
    function test_previousPublicSlots() public {
        Approval memory approval = approvalOf(0);
        approval.publicSlots = new PublicSlot[](1);
        approval.publicSlots[0] = PublicSlot(2, 30);
        bytes32 other = _registerFor(approval);
        bytes32 hash = commit(other, 7, submission(0).sources);
        vm.assertTrue(hash != submission(0).sourceSetHash, "public slots are in the hash");
        // On record with public slots, proved without: the registry restores what is on record, and the proof is of
        // something else.
        _assertRefused(submission(5), abi.encodePacked(IProofVerifier.OpeningRejected.selector));
    }

    /// @dev Sources that expired since still say what was held.
    function test_previousSourcesMayHaveExpired() public {
        SignedSource[] memory sources = submission(0).sources;
        for (uint256 i; i < 2; ++i) {
            sources[i].expiry = uint64(block.timestamp);
            sources[i].signature = signature(signerKey(i), sourceDigest(sources[i], i, 7));
        }
        commit(policyIds[0], 7, sources);
        vm.warp(block.timestamp + 1);
        acceptAllProofs();
        Submission memory s = submission(5);
        for (uint256 i; i < 2; ++i) {
            s.previousSources[i].expiry = sources[i].expiry;
        }
        submit(s, FUND_OWNER);
        vm.assertEq(registry.previousEpoch(FUND, 8), 7, "fixed");
    }

    function test_everyProofWordMatters() public {
        _fixSeven();
        Submission memory s = submission(5);
        bytes memory proof = s.proof;
        for (uint256 offset; offset < proof.length; offset += 32) {
            s.proof = withWord(proof, offset, word(proof, offset) ^ 1);
            vm.expectRevert();
            submit(s, FUND_OWNER);
        }
        s.proof = proof;
        submit(s, FUND_OWNER);
    }
}
