// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Context, Holdings, IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {F} from "../src/libraries/Field.sol";
import {Setup} from "../src/libraries/Setup.sol";
import {ProofVerifier} from "../src/ProofVerifier.sol";
import {Fixtures} from "./Fixtures.sol";
import {VerifierHarness} from "./VerifierHarness.sol";

/// @notice Arguments of `ProofVerifier.verifyAll` with the digests that it answers.
struct BatchCase {
    bytes32[] digests;
    bytes[] keys;
    Context context;
    bytes32[] programIds;
    Holdings[] holdings;
    bytes[] proofs;
}

/// @title Several proofs in one check: each counts by itself, and no two make up for each other
contract ProofBatchesTest is Fixtures {
    uint256 private constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    /// @dev Where [W'] stands in a proof of one vector, and how many points it has.
    uint256 private constant WITNESS = 128 * 19;
    uint256 private constant POINTS = 20;
    ProofVerifier private verifier = new ProofVerifier();
    VerifierHarness private harness = new VerifierHarness();

    /// @dev "batch": two programs of one vector and packing 8, and one of two vectors and packing 4. "publicBatch": one of each.
    function _load(string memory name) private view returns (BatchCase memory c) {
        string memory json = vm.readFile(string.concat("test/fixtures/", name, ".json"));
        c.digests = abi.decode(vm.parseJsonBytes(json, ".digests"), (bytes32[]));
        c.keys = abi.decode(vm.parseJsonBytes(json, ".keys"), (bytes[]));
        c.context = abi.decode(vm.parseJsonBytes(json, ".context"), (Context));
        c.programIds = abi.decode(vm.parseJsonBytes(json, ".programIds"), (bytes32[]));
        c.holdings = abi.decode(vm.parseJsonBytes(json, ".holdings"), (Holdings[]));
        c.proofs = abi.decode(vm.parseJsonBytes(json, ".proofs"), (bytes[]));
    }

    /// @dev The programs first..last of the three, with the previous epoch only if the last one is about it.
    function _load(uint256 first, uint256 last) private view returns (BatchCase memory c) {
        BatchCase memory all = _load("batch");
        uint256 count = last - first + 1;
        c.digests = new bytes32[](count);
        c.keys = new bytes[](count);
        c.programIds = new bytes32[](count);
        c.proofs = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            c.digests[i] = all.digests[first + i];
            c.keys[i] = all.keys[first + i];
            c.programIds[i] = all.programIds[first + i];
            c.proofs[i] = all.proofs[first + i];
        }
        (c.context, c.holdings) = (all.context, all.holdings);
        if (last != 2) _forget(c);
    }

    /// @dev Takes the previous epoch away.
    function _forget(BatchCase memory c) private pure {
        c.holdings = _current(c.holdings);
        (c.context.previousEpoch, c.context.previousSourceSetHash) = (0, 0);
    }

    function _current(Holdings[] memory holdings) private pure returns (Holdings[] memory current) {
        current = new Holdings[](1);
        current[0] = holdings[0];
    }

    function _verify(BatchCase memory c) private view returns (bytes32[] memory) {
        return verifier.verifyAll(c.keys, c.context, c.programIds, c.holdings, c.proofs);
    }

    function _assertAccepted(BatchCase memory c, string memory what) private view {
        bytes32[] memory digests = _verify(c);
        vm.assertEq(digests.length, c.keys.length, what);
        for (uint256 i; i < digests.length; ++i) {
            vm.assertEq(digests[i], c.digests[i], what);
        }
    }

    function _assertRefused(BatchCase memory c, bytes memory expected, string memory what) private view {
        try verifier.verifyAll(c.keys, c.context, c.programIds, c.holdings, c.proofs) {
            vm.assertTrue(false, string.concat("accepted: ", what));
        } catch (bytes memory reason) {
            vm.assertEq(reason, expected, what);
        }
    }

    function _assertRejected(BatchCase memory c, string memory what) private view {
        _assertRefused(c, abi.encodePacked(IProofVerifier.OpeningRejected.selector), what);
    }

    // What is accepted.

    function test_programsOfOneVector() public view {
        _assertAccepted(_load(0, 1), "one vector each");
    }

    function test_programsOfOneVectorAndOfTwo() public view {
        _assertAccepted(_load(1, 2), "one vector, then two");
        _assertAccepted(_load(0, 2), "three programs");
        BatchCase memory c = _load(1, 2);
        (c.digests[0], c.digests[1]) = (c.digests[1], c.digests[0]);
        (c.keys[0], c.keys[1]) = (c.keys[1], c.keys[0]);
        (c.programIds[0], c.programIds[1]) = (c.programIds[1], c.programIds[0]);
        (c.proofs[0], c.proofs[1]) = (c.proofs[1], c.proofs[0]);
        _assertAccepted(c, "two vectors, then one");
    }

    function test_publicSlots() public view {
        _assertAccepted(_load("publicBatch"), "public slots");
    }

    /// @dev Both functions take the same proofs, whatever stands beside them.
    function test_batchOfOneIsVerify() public view {
        BatchCase memory all = _load("batch");
        for (uint256 i; i < 3; ++i) {
            BatchCase memory c = _load(i, i);
            _assertAccepted(c, "a batch of one");
            c.context.programId = all.programIds[i];
            vm.assertEq(verifier.verify(c.keys[0], c.context, c.holdings, c.proofs[0]), all.digests[i], "verify");
        }
    }

    function test_theSameProofTwice() public view {
        BatchCase memory c = _load(0, 1);
        (c.digests[1], c.keys[1], c.programIds[1], c.proofs[1]) =
        (c.digests[0], c.keys[0], c.programIds[0], c.proofs[0]);
        _assertAccepted(c, "twice");
    }

    // What is not.

    /// @dev A false proof at any place, beside true ones.
    function test_aFalseProofBesideTrueOnes() public view {
        for (uint256 i; i < 3; ++i) {
            BatchCase memory c = _load(0, 2);
            uint256 offset = c.proofs[i].length - 32;
            c.proofs[i] = withWord(c.proofs[i], offset, addmod(word(c.proofs[i], offset), 1, R));
            _assertRejected(c, "another evaluation");
            c = _load(0, 2);
            c.proofs[i] = withPoint(c.proofs[i], 0, Setup.G1_ONE);
            _assertRejected(c, "another commitment");
            c = _load(0, 2);
            uint256 witness = WITNESS + (i == 2 ? 128 : 0);
            c.proofs[i] = withPoint(c.proofs[i], witness, Setup.G1_ONE);
            _assertRejected(c, "another opening");
            c = _load(0, 2);
            c.programIds[i] ^= bytes32(uint256(1));
            _assertRejected(c, "another program");
        }
    }

    function test_everyPointWordOfTheSecondProofMatters() public view {
        bytes memory malformed = abi.encodePacked(IProofVerifier.MalformedPoint.selector);
        BatchCase memory honest = _load(0, 1);
        BatchCase memory c = _load(0, 1);
        for (uint256 i; i < POINTS * 4; ++i) {
            c.proofs[1] = withWord(honest.proofs[1], 32 * i, word(honest.proofs[1], 32 * i) ^ 1);
            _assertRefused(c, malformed, "a point off the curve");
        }
    }

    /// @dev (0, 2) lies on the curve and outside the subgroup. Wherever it stands, a multiplication sees it.
    function test_pointsOutsideTheSubgroup() public view {
        bytes memory malformed = abi.encodePacked(IProofVerifier.MalformedPoint.selector);
        bytes memory outside = withWord(new bytes(128), 96, 2);
        for (uint256 n; n < 2; ++n) {
            BatchCase memory honest = _load(0, 1);
            BatchCase memory c = _load(0, 1);
            for (uint256 i; i < POINTS; ++i) {
                c.proofs[n] = withPoint(honest.proofs[n], 128 * i, outside);
                _assertRefused(c, malformed, "a point of the proof");
            }
        }
        BatchCase memory shared = _load(0, 1);
        shared.holdings[0].sources[0].commitment = [bytes32(0), bytes32(0), bytes32(0), bytes32(uint256(2))];
        _assertRefused(shared, malformed, "a source's commitment");
    }

    function test_proofsExchanged() public view {
        BatchCase memory c = _load(0, 1);
        (c.proofs[0], c.proofs[1]) = (c.proofs[1], c.proofs[0]);
        _assertRejected(c, "proofs");
        (c.programIds[0], c.programIds[1]) = (c.programIds[1], c.programIds[0]);
        _assertRejected(c, "proofs with their program ids");
        c = _load(0, 1);
        (c.keys[0], c.keys[1]) = (c.keys[1], c.keys[0]);
        _assertRejected(c, "keys");
        c = _load(0, 1);
        (c.programIds[0], c.programIds[1]) = (c.programIds[1], c.programIds[0]);
        _assertRejected(c, "program ids");
    }

    /// @dev Proofs of one vector and of two have other lengths.
    function test_length() public view {
        for (uint256 i; i < 3; ++i) {
            BatchCase memory c = _load(0, 2);
            uint256 right = c.proofs[i].length;
            c.proofs[i] = bytes.concat(c.proofs[i], bytes32(0));
            bytes memory reason = abi.encodeWithSelector(IProofVerifier.WrongProofLength.selector, right, right + 32);
            _assertRefused(c, reason, "a longer proof");
        }
    }

    function test_sharedHoldingsAreBound() public view {
        BatchCase memory c = _load(0, 2);
        (c.holdings[0], c.holdings[1]) = (c.holdings[1], c.holdings[0]);
        _assertRejected(c, "epochs exchanged");
        c = _load(0, 2);
        c.holdings[1].sources[0].commitment = c.holdings[0].sources[0].commitment;
        _assertRejected(c, "another previous commitment");
        c = _load(0, 1);
        c.holdings[0].sources[0].commitment = c.holdings[0].sources[1].commitment;
        _assertRejected(c, "another commitment");
        c = _load(0, 1);
        c.context.sourceSetHash ^= bytes32(uint256(1));
        _assertRejected(c, "another source set");
    }

    // Two false openings that make up for each other.

    /// @dev In check j, e(A_j, [1]_2) = e(B_j, [τ]_2), B_j is W'_j and A_j contains u_j W'_j: with ΔW'_j added to W'_j it fails by
    /// (u_j − τ) ΔW'_j. With ΔW'_0 = ρ_1 (u_1 − τ) and ΔW'_1 = −ρ_0 (u_0 − τ) the errors cancel under weights ρ.
    function _cancel(BatchCase memory c, uint256 rho0, uint256 rho1) private view {
        (uint256 u0, uint256 u1) = (_u(c, 0), _u(c, 1));
        c.proofs[0] = _shift(c.proofs[0], mulmod(rho1, u1, R), R - rho1);
        c.proofs[1] = _shift(c.proofs[1], R - mulmod(rho0, u0, R), rho0);
    }

    /// @dev W' of the proof, plus a + b·τ.
    function _shift(bytes memory proof, uint256 a, uint256 b) private view returns (bytes memory) {
        bytes memory tau = vm.parseJsonBytes(vm.readFile("test/fixtures/batch.json"), ".tau");
        uint256[] memory scalars = new uint256[](3);
        (scalars[0], scalars[1], scalars[2]) = (1, a, b);
        bytes memory points = bytes.concat(slice(proof, WITNESS, 128), Setup.G1_ONE, tau);
        return withPoint(proof, WITNESS, harness.multiply(points, scalars));
    }

    function _u(BatchCase memory c, uint256 i) private view returns (uint256) {
        c.context.programId = c.programIds[i];
        uint256 u = F.unwrap(harness.replay(c.keys[i], c.context, c.holdings, c.proofs[i]).u);
        c.context.programId = 0;
        return u;
    }

    function _binding(BatchCase memory c, uint256 i) private view returns (bytes32 binding) {
        c.context.programId = c.programIds[i];
        binding = harness.binding(c.keys[i], c.context, c.holdings, c.proofs[i]);
        c.context.programId = 0;
    }

    /// @dev Without weights any two false proofs could be made to cancel.
    function test_falseOpeningsThatCancelWithEqualWeights() public view {
        BatchCase memory c = _load(0, 1);
        _cancel(c, 1, 1);
        _assertRejected(c, "equal weights");
        _assertEachRejected(c);
    }

    /// @dev The prover computes the weights of the honest proofs and bends the openings afterwards; that changes the weights.
    function test_falseOpeningsThatCancelWithWeightsKnownBefore() public view {
        BatchCase memory c = _load(0, 1);
        F[] memory rho = _weights(_binding(c, 0), _binding(c, 1));
        _cancel(c, F.unwrap(rho[0]), F.unwrap(rho[1]));
        _assertRejected(c, "weights that do not know W'");
        _assertEachRejected(c);
    }

    /// @dev One proof is bent first, then the other by the weights that belong to it.
    function test_falseOpeningsThatCancelWithWeightsOfOne() public view {
        for (uint256 first; first < 2; ++first) {
            BatchCase memory c = _load(0, 1);
            BatchCase memory bent = _load(0, 1);
            _cancel(bent, 1, 1);
            // ΔW'_first is that of equal weights, and stays.
            bytes32[2] memory bindings = [_binding(c, 0), _binding(c, 1)];
            c.proofs[first] = bent.proofs[first];
            bindings[first] = _binding(c, first);
            F[] memory rho = _weights(bindings[0], bindings[1]);
            (uint256 u0, uint256 u1) = (_u(c, 0), _u(c, 1));
            uint256 other = F.unwrap(rho[1]);
            if (first == 1) {
                // ρ_0 = 1: ΔW'_0 = ρ_1 (u_1 − τ)
                c.proofs[0] = _shift(c.proofs[0], mulmod(other, u1, R), R - other);
            } else {
                // ΔW'_1 = −(u_0 − τ)/ρ_1
                uint256 inverse = F.unwrap(harness.inverse(other));
                c.proofs[1] = _shift(c.proofs[1], R - mulmod(inverse, u0, R), inverse);
            }
            _assertRejected(c, "weights that know one proof");
            _assertEachRejected(c);
        }
    }

    function _assertEachRejected(BatchCase memory c) private view {
        for (uint256 i; i < 2; ++i) {
            c.context.programId = c.programIds[i];
            try verifier.verify(c.keys[i], c.context, c.holdings, c.proofs[i]) {
                vm.assertTrue(false, "accepted a false proof");
            } catch (bytes memory reason) {
                vm.assertEq(reason, abi.encodePacked(IProofVerifier.OpeningRejected.selector), "alone");
            }
        }
    }

    function _weights(bytes32 first, bytes32 second) private view returns (F[] memory) {
        bytes32[] memory bindings = new bytes32[](2);
        (bindings[0], bindings[1]) = (first, second);
        return harness.weights(bindings);
    }

    /// @dev Every transcript's last state changes every weight, and no two weights are the same.
    function testFuzz_weightsKnowEveryProof(bytes32 first, bytes32 second, bytes32 third, uint256 changed) public view {
        bytes32[] memory bindings = new bytes32[](3);
        (bindings[0], bindings[1], bindings[2]) = (first, second, third);
        F[] memory rho = harness.weights(bindings);
        bindings[bound(changed, 0, 2)] ^= bytes32(uint256(1));
        F[] memory others = harness.weights(bindings);
        vm.assertEq(F.unwrap(rho[0]), 1, "the first weight");
        vm.assertTrue(F.unwrap(rho[1]) != F.unwrap(rho[2]), "equal weights");
        for (uint256 j = 1; j < 3; ++j) {
            vm.assertTrue(F.unwrap(rho[j]) != F.unwrap(others[j]), "a weight that does not know a proof");
            vm.assertTrue(F.unwrap(rho[j]) != 0 && F.unwrap(rho[j]) >> 128 == 0, "128 bits");
        }
    }

    /// @dev The last state is behind W': it changes with every item of the proof.
    function test_bindingKnowsEveryItem() public view {
        BatchCase memory c = _load(0, 0);
        bytes memory proof = c.proofs[0];
        bytes32 honest = _binding(c, 0);
        for (uint256 offset; offset < proof.length; offset += 32) {
            uint256 x = word(proof, offset);
            c.proofs[0] = withWord(proof, offset, offset < POINTS * 128 ? x ^ 1 : addmod(x, 1, R));
            vm.assertTrue(_binding(c, 0) != honest, "an item that is not absorbed");
        }
    }

    // What does not belong together.

    function test_emptyBatch() public view {
        BatchCase memory c = _load(0, 1);
        (c.keys, c.programIds, c.proofs) = (new bytes[](0), new bytes32[](0), new bytes[](0));
        _assertRefused(c, abi.encodePacked(IProofVerifier.EmptyBatch.selector), "nothing");
    }

    function test_lengthsThatDiffer() public view {
        bytes4 selector = IProofVerifier.WrongBatchLength.selector;
        BatchCase memory c = _load(0, 1);
        c.keys = _load(0, 2).keys;
        _assertRefused(c, abi.encodeWithSelector(selector, 3, 2), "a key more");
        c = _load(0, 1);
        c.programIds = _load(0, 2).programIds;
        _assertRefused(c, abi.encodeWithSelector(selector, 2, 3), "a program id more");
        c = _load(0, 1);
        c.proofs = _load(0, 0).proofs;
        _assertRefused(c, abi.encodeWithSelector(selector, 2, 1), "a proof missing");
    }

    function test_sharedContextNamesNoProgram() public view {
        BatchCase memory c = _load(0, 1);
        c.context.programId = c.programIds[0];
        bytes memory reason = abi.encodeWithSelector(IProofVerifier.SharedProgramId.selector, c.programIds[0]);
        _assertRefused(c, reason, "a program");
    }

    function test_nothingSuperfluous() public view {
        bytes4 count = IProofVerifier.WrongVectorCount.selector;
        bytes4 epoch = IProofVerifier.WrongPreviousEpoch.selector;
        BatchCase memory all = _load("batch");
        BatchCase memory c = _load(0, 1);
        c.holdings = all.holdings;
        _assertRefused(c, abi.encodeWithSelector(count, 1, 2), "previous holdings that no key is about");
        c = _load(0, 1);
        c.holdings = new Holdings[](0);
        _assertRefused(c, abi.encodeWithSelector(count, 1, 0), "no holdings");
        c = _load(0, 1);
        c.context.previousEpoch = 1;
        _assertRefused(c, abi.encodeWithSelector(epoch, 1), "a previous epoch that no key is about");
        c = _load(0, 1);
        c.context.previousSourceSetHash = all.context.previousSourceSetHash;
        _assertRefused(c, abi.encodeWithSelector(epoch, 0), "a previous source set that no key is about");
        c = _load(1, 2);
        c.holdings = _current(c.holdings);
        _assertRefused(c, abi.encodeWithSelector(count, 2, 1), "no previous holdings");
        c = _load(1, 2);
        c.context.previousEpoch = c.context.epoch;
        _assertRefused(c, abi.encodeWithSelector(epoch, c.context.epoch), "the same epoch");
    }

    /// @dev Each key and its public slots are checked as for `verify`, whatever stands beside it.
    function test_everyKeyIsChecked() public view {
        for (uint256 i; i < 3; ++i) {
            BatchCase memory c = _load(0, 2);
            c.keys[i] = bytes.concat(c.keys[i], bytes32(0));
            _assertRefused(c, abi.encodePacked(IProofVerifier.MalformedKey.selector), "a longer key");
            c = _load(0, 2);
            c.keys[i] = withWord(c.keys[i], 32, 2);
            _assertRefused(c, abi.encodePacked(IProofVerifier.UnsupportedKey.selector), "another version");
        }
        for (uint256 i; i < 2; ++i) {
            BatchCase memory c = _load("publicBatch");
            c.holdings[i].publicSlots[1].value = 2 ** 77;
            bytes memory reason = abi.encodeWithSelector(
                IProofVerifier.InvalidPublicSlot.selector, c.holdings[i].publicSlots[1].slot, 2 ** 77
            );
            _assertRefused(c, reason, "a public slot of the first and of the previous vector");
            c = _load("publicBatch");
            c.holdings[i].sources[0].commitment = [bytes32(0), bytes32(0), bytes32(0), bytes32(0)];
            reason = abi.encodeWithSelector(IProofVerifier.EmptyCommitment.selector, c.holdings[i].sources[0].id);
            _assertRefused(c, reason, "a source of the first and of the previous vector");
        }
    }

    // Cost.

    function test_aBatchCostsLess() public view {
        BatchCase memory c = _load(0, 1);
        uint256 before = gasleft();
        _verify(c);
        uint256 together = before - gasleft();
        uint256 apart;
        for (uint256 i; i < 2; ++i) {
            c.context.programId = c.programIds[i];
            before = gasleft();
            verifier.verify(c.keys[i], c.context, c.holdings, c.proofs[i]);
            apart += before - gasleft();
        }
        vm.assertTrue(together + 100_000 < apart, "a pairing check and more is saved");
    }

    function test_malformedPointBurnsNoMoreThanThePrice() public view {
        BatchCase memory c = _load(0, 1);
        uint256 before = gasleft();
        _verify(c);
        uint256 honest = before - gasleft();
        c.proofs[1] = withWord(c.proofs[1], WITNESS, word(c.proofs[1], WITNESS) ^ 1);
        before = gasleft();
        try verifier.verifyAll{gas: 20_000_000}(c.keys, c.context, c.programIds, c.holdings, c.proofs) {
            vm.assertTrue(false, "accepted");
        } catch {}
        vm.assertTrue(before - gasleft() <= honest, "burned more than honest proofs cost");
    }
}
