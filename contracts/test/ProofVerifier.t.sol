// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Holdings, IProofVerifier, PublicSlot, Source} from "../src/interfaces/IProofVerifier.sol";
import {Setup} from "../src/libraries/Setup.sol";
import {ProofVerifier} from "../src/ProofVerifier.sol";
import {Fixtures, ProofCase} from "./Fixtures.sol";

contract ProofVerifierTest is Fixtures {
    uint256 private constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    uint256 private constant POINTS = 20;
    ProofVerifier private verifier = new ProofVerifier();

    function _verify(ProofCase memory c) private view returns (bytes32) {
        return verifier.verify(c.key, c.context, c.holdings, c.proof);
    }

    /// @dev The verifier refuses with exactly this error.
    function _assertRefused(ProofCase memory c, bytes memory expected, string memory what) private view {
        try verifier.verify(c.key, c.context, c.holdings, c.proof) {
            vm.assertTrue(false, string.concat("accepted: ", what));
        } catch (bytes memory reason) {
            vm.assertEq(reason, expected, what);
        }
    }

    function _assertRefused(ProofCase memory c, bytes4 selector, string memory what) private view {
        _assertRefused(c, abi.encodePacked(selector), what);
    }

    function _assertRejected(ProofCase memory c, string memory what) private view {
        _assertRefused(c, IProofVerifier.OpeningRejected.selector, what);
    }

    function test_acceptsEveryPacking() public view {
        string[6] memory names = ["packing8", "packing4", "packing2", "vectors2", "public1", "public2"];
        for (uint256 i; i < names.length; ++i) {
            ProofCase memory c = load(names[i]);
            vm.assertEq(_verify(c), c.digest, names[i]);
        }
    }

    function test_provesForThisChainOnly() public {
        ProofCase memory c = load("packing8");
        vm.chainId(1);
        _assertRejected(c, "chain id");
    }

    // The proof's bytes.

    /// @dev Adding 1 to any coordinate leaves the curve or the canonical range; every one is noticed.
    function test_everyPointWordMatters() public view {
        ProofCase memory c = load("packing8");
        for (uint256 i; i < POINTS * 4; ++i) {
            ProofCase memory changed = load("packing8");
            changed.proof = withWord(c.proof, 32 * i, word(c.proof, 32 * i) ^ 1);
            _assertRefused(changed, IProofVerifier.MalformedPoint.selector, "a point off the curve");
        }
    }

    function test_everyScalarMatters() public view {
        string[2] memory names = ["packing8", "vectors2"];
        for (uint256 n; n < names.length; ++n) {
            ProofCase memory c = load(names[n]);
            uint256 first = 128 * (POINTS + n);
            uint256 count = (c.proof.length - first) / 32;
            for (uint256 i; i < count; ++i) {
                ProofCase memory changed = load(names[n]);
                changed.proof = withWord(c.proof, first + 32 * i, addmod(word(c.proof, first + 32 * i), 1, R));
                _assertRejected(changed, "another evaluation");
                // The same evaluation spelled as x + r, which only some scalars have room for.
                uint256 x = word(c.proof, first + 32 * i);
                changed.proof = withWord(c.proof, first + 32 * i, x + R);
                bytes memory reason = abi.encodeWithSelector(IProofVerifier.ScalarNotCanonical.selector, i);
                _assertRefused(changed, reason, "a scalar not below r");
            }
        }
    }

    /// @dev Valid points in the wrong place pass every curve check.
    function test_validButWrongPoints() public view {
        ProofCase memory c = load("packing8");
        bytes memory infinity = new bytes(128);
        for (uint256 i; i < POINTS; ++i) {
            ProofCase memory changed = load("packing8");
            changed.proof = withPoint(c.proof, 128 * i, Setup.G1_ONE);
            _assertRejected(changed, "the generator");
            changed.proof = withPoint(c.proof, 128 * i, infinity);
            _assertRejected(changed, "infinity");
            uint256 next = (i + 1) % POINTS;
            changed.proof = withPoint(c.proof, 128 * i, slice(c.proof, 128 * next, 128));
            changed.proof = withPoint(changed.proof, 128 * next, slice(c.proof, 128 * i, 128));
            _assertRejected(changed, "two points swapped");
        }
    }

    function testFuzz_anyByte(uint256 position, uint8 change) public view {
        ProofCase memory c = load("packing8");
        position = bound(position, 0, c.proof.length - 1);
        bytes1 other = bytes1(uint8(bound(change, 1, 255)));
        c.proof[position] = c.proof[position] ^ other;
        try verifier.verify(c.key, c.context, c.holdings, c.proof) {
            vm.assertTrue(false, "accepted a changed byte");
        } catch {}
    }

    function test_length() public view {
        ProofCase memory c = load("packing4");
        uint256 right = c.proof.length;
        vm.assertEq(right, 3392, "one vector, B = 4");
        uint256[5] memory lengths = [uint256(0), right - 32, right - 1, right + 1, right + 32];
        for (uint256 i; i < lengths.length; ++i) {
            c.proof = new bytes(lengths[i]);
            bytes memory reason = abi.encodeWithSelector(IProofVerifier.WrongProofLength.selector, right, lengths[i]);
            _assertRefused(c, reason, "length");
        }
    }

    // What the proof is about.

    function test_contextIsBound() public view {
        ProofCase memory c = load("packing8");
        c.context.registry = address(uint160(c.context.registry) + 1);
        _assertRejected(c, "registry");
        c = load("packing8");
        c.context.fund = address(uint160(c.context.fund) + 1);
        _assertRejected(c, "fund");
        c = load("packing8");
        ++c.context.epoch;
        _assertRejected(c, "epoch");
        c = load("packing8");
        ++c.context.expiry;
        _assertRejected(c, "expiry");
        c = load("packing8");
        c.context.programId ^= bytes32(uint256(1));
        _assertRejected(c, "program");
        c = load("packing8");
        c.context.bookRoot ^= bytes32(uint256(1));
        _assertRejected(c, "book root");
        c = load("packing8");
        c.context.sourceSetHash ^= bytes32(uint256(1));
        _assertRejected(c, "source set");
        c = load("vectors2");
        --c.context.previousEpoch;
        _assertRejected(c, "previous epoch");
        c = load("vectors2");
        c.context.previousSourceSetHash ^= bytes32(uint256(1));
        _assertRejected(c, "previous source set");
    }

    function test_previousEpochIsEarlier() public view {
        ProofCase memory c = load("vectors2");
        c.context.previousEpoch = c.context.epoch;
        bytes4 selector = IProofVerifier.WrongPreviousEpoch.selector;
        _assertRefused(c, abi.encodeWithSelector(selector, c.context.epoch), "the same epoch");
        c = load("packing8");
        c.context.previousEpoch = 1;
        _assertRefused(c, abi.encodeWithSelector(selector, 1), "a previous epoch with one vector");
        c = load("packing8");
        c.context.previousSourceSetHash = keccak256("sources");
        _assertRefused(c, abi.encodeWithSelector(selector, 0), "a previous source set with one vector");
    }

    function test_vectorCount() public view {
        ProofCase memory c = load("packing8");
        ProofCase memory other = load("vectors2");
        bytes4 selector = IProofVerifier.WrongVectorCount.selector;
        c.holdings = other.holdings;
        _assertRefused(c, abi.encodeWithSelector(selector, 1, 2), "two vectors for a key of one");
        c.holdings = new Holdings[](0);
        _assertRefused(c, abi.encodeWithSelector(selector, 1, 0), "no vector");
        other.holdings = load("packing8").holdings;
        _assertRefused(other, abi.encodeWithSelector(selector, 2, 1), "one vector for a key of two");
    }

    /// @dev Every committed polynomial of the key is bound, and so are its sizes and hashes.
    function test_keyIsBound() public view {
        ProofCase memory c = load("packing8");
        uint256 first = word(c.key, 32 + 32 * 10) + 32; // the length word of the weights
        uint256 end = c.key.length;
        for (uint256 offset = first; offset < end; offset += 32) {
            uint256 x = word(c.key, offset);
            if (x >> 128 != 0 || x == 0) continue; // not the upper half of a coordinate, nor a row or length
            ProofCase memory changed = load("packing8");
            changed.key = withWord(c.key, offset, x ^ 1);
            try verifier.verify(changed.key, changed.context, changed.holdings, changed.proof) {
                vm.assertTrue(false, "accepted another key");
            } catch {}
        }
        ProofCase memory replaced = load("packing8");
        uint256 columns = word(c.key, 32 + 32 * 13) + 64;
        replaced.key = withPoint(c.key, columns, Setup.G1_ONE);
        _assertRejected(replaced, "another column");
        replaced.key = withWord(c.key, 32 + 32 * 17, word(c.key, 32 + 32 * 17) ^ 1);
        _assertRejected(replaced, "another policy hash");
    }

    function test_malformedKey() public view {
        ProofCase memory c = load("packing8");
        c.key = bytes.concat(c.key, bytes32(0));
        _assertRefused(c, IProofVerifier.MalformedKey.selector, "a longer key");
        c = load("packing8");
        c.key = withWord(c.key, 32, 2);
        _assertRefused(c, IProofVerifier.UnsupportedKey.selector, "another version");
    }

    // Where the holdings come from.

    function test_sourcesAreBound() public view {
        ProofCase memory c = load("packing8");
        uint256 count = c.holdings[0].sources.length;
        for (uint256 i; i < count; ++i) {
            ProofCase memory changed = load("packing8");
            changed.holdings[0].sources[i].commitment = _words(Setup.G1_TABLE);
            _assertRejected(changed, "another commitment");
            changed = load("packing8");
            changed.holdings[0].sources[i].commitment = _words(withWord(new bytes(128), 96, 2));
            _assertRefused(changed, IProofVerifier.MalformedPoint.selector, "a commitment outside the subgroup");
            changed = load("packing8");
            changed.holdings[0].sources[i].id =
                i == 0 ? bytes32(uint256(changed.holdings[0].sources[i].id) - 1) : bytes32(type(uint256).max);
            _assertRejected(changed, "another source id");
            changed = load("packing8");
            changed.holdings[0].sources[i].commitment = _words(new bytes(128));
            bytes32 id = changed.holdings[0].sources[i].id;
            bytes memory reason = abi.encodeWithSelector(IProofVerifier.EmptyCommitment.selector, id);
            _assertRefused(changed, reason, "a commitment at infinity");
        }
        // The same sum C_Q from other shares: both points enter the transcript.
        ProofCase memory swapped = load("packing8");
        Source[] memory sources = swapped.holdings[0].sources;
        (sources[0].commitment, sources[1].commitment) = (sources[1].commitment, sources[0].commitment);
        _assertRejected(swapped, "shares swapped");
    }

    function test_sourcesAscend() public view {
        ProofCase memory c = load("packing8");
        Source[] memory sources = c.holdings[0].sources;
        (sources[0], sources[1]) = (sources[1], sources[0]);
        _assertRefused(c, IProofVerifier.UnorderedSources.selector, "descending");
        sources[1] = sources[0];
        _assertRefused(c, IProofVerifier.UnorderedSources.selector, "twice");
        c.holdings[0].sources = new Source[](0);
        _assertRefused(c, IProofVerifier.UnorderedSources.selector, "none");
        c = load("vectors2");
        sources = c.holdings[1].sources;
        (sources[0], sources[1]) = (sources[1], sources[0]);
        _assertRefused(c, IProofVerifier.UnorderedSources.selector, "previous ones descending");
    }

    function test_previousSourcesAreBound() public view {
        ProofCase memory c = load("vectors2");
        c.holdings[1].sources[0].commitment = _words(Setup.G1_TABLE);
        _assertRejected(c, "another previous commitment");
        c = load("vectors2");
        (c.holdings[0], c.holdings[1]) = (c.holdings[1], c.holdings[0]);
        _assertRejected(c, "vectors swapped");
    }

    function test_publicSlotsAreBound() public view {
        ProofCase memory c = load("packing8");
        c.holdings[0].publicSlots = new PublicSlot[](1);
        c.holdings[0].publicSlots[0] = PublicSlot(1, 0);
        _assertRejected(c, "a public slot of value 0");
        c.holdings[0].publicSlots[0].value = 1_000_000;
        _assertRejected(c, "a public slot that adds an asset");
    }

    function test_invalidPublicSlots() public view {
        // The small program has slots 0..6, of which 5 and 6 are aux.
        uint256[5] memory slots = [uint256(0), 5, 6, 7, type(uint256).max];
        for (uint256 i; i < slots.length; ++i) {
            _assertPublicSlotRefused(0, PublicSlot(slots[i], 1));
        }
        _assertPublicSlotRefused(0, PublicSlot(1, 2 ** 77));
        _assertPublicSlotRefused(1, PublicSlot(0, 1));
        _assertPublicSlotRefused(1, PublicSlot(7, 1));
        ProofCase memory c = load("packing8");
        c.holdings[0].publicSlots = new PublicSlot[](2);
        (c.holdings[0].publicSlots[0], c.holdings[0].publicSlots[1]) = (PublicSlot(2, 1), PublicSlot(2, 1));
        bytes memory reason = abi.encodeWithSelector(IProofVerifier.InvalidPublicSlot.selector, 2, 1);
        _assertRefused(c, reason, "a public slot twice");
    }

    function _assertPublicSlotRefused(uint256 vector, PublicSlot memory slot) private view {
        ProofCase memory c = load(vector == 0 ? "packing8" : "vectors2");
        c.holdings[vector].publicSlots = new PublicSlot[](1);
        c.holdings[vector].publicSlots[0] = slot;
        bytes memory reason = abi.encodeWithSelector(IProofVerifier.InvalidPublicSlot.selector, slot.slot, slot.value);
        _assertRefused(c, reason, "public slot");
    }

    function _words(bytes memory point) private pure returns (bytes32[4] memory words) {
        for (uint256 i; i < 4; ++i) {
            words[i] = bytes32(word(point, 32 * i));
        }
    }

    // Cost and chain.

    /// @dev A malformed point must not burn everything that the caller forwards.
    function test_malformedPointBurnsNoMoreThanThePrice() public view {
        ProofCase memory c = load("packing8");
        uint256 before = gasleft();
        verifier.verify(c.key, c.context, c.holdings, c.proof);
        uint256 honest = before - gasleft();
        c.proof = withWord(c.proof, 0, word(c.proof, 0) ^ 1);
        before = gasleft();
        try verifier.verify{gas: 20_000_000}(c.key, c.context, c.holdings, c.proof) {
            vm.assertTrue(false, "accepted");
        } catch {}
        vm.assertTrue(before - gasleft() <= honest, "burned more than an honest proof costs");
    }
}
