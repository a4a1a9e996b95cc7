// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {IRepresentationVerifier, RepresentationClaim} from "../src/interfaces/IRepresentationVerifier.sol";
import {R} from "../src/libraries/Field.sol";
import {RepresentationVerifier} from "../src/RepresentationVerifier.sol";
import {Representation, RepresentationFixtures} from "./RepresentationFixtures.sol";

/// @title Proofs of the Python prover that a source's commitment is its own
contract RepresentationVerifierTest is RepresentationFixtures {
    uint256 private constant RESPONSES = 128;
    uint256 private constant OPENING = 128 + 3 * 32; // two slots and the blinding factor

    RepresentationVerifier private verifier;

    function setUp() public {
        verifier = new RepresentationVerifier();
    }

    function _rejected(RepresentationClaim memory claim) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRepresentationVerifier.RepresentationRejected.selector, claim.sourceId);
    }

    function _verify(Representation memory r) private view {
        verifier.verify(r.claim, abi.encode(r.slots, r.proof));
    }

    function _assertRefused(Representation memory r, bytes memory reason) private {
        vm.expectRevert(reason);
        _verify(r);
    }

    /// @dev The claim says what the slots are, as an approval of them would.
    function _assertSlotsRefused(uint256 first, uint256 second, bytes memory reason) private {
        Representation memory r = representation(0);
        (r.slots[0], r.slots[1]) = (first, second);
        r.claim.ownedSlotsHash = keccak256(abi.encode(r.slots));
        _assertRefused(r, reason);
    }

    function test_validRepresentations() public view {
        for (uint256 i; i < 2; ++i) {
            _verify(representation(i));
        }
    }

    function test_aPrecompileIsMissing() public {
        address[4] memory precompiles = [address(0x05), address(0x0c), address(0x0f), address(0x0a)];
        for (uint256 i; i < 4; ++i) {
            vm.mockCallRevert(precompiles[i], hex"", hex"");
            vm.expectRevert(abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, precompiles[i]));
            new RepresentationVerifier();
            vm.clearMockedCalls();
        }
    }

    // The claim.

    function test_everyFieldOfTheClaimMatters() public {
        for (uint256 change; change < 5; ++change) {
            Representation memory r = representation(0);
            if (change == 0) r.claim.registry = STRANGER;
            if (change == 1) r.claim.fund = STRANGER;
            if (change == 2) r.claim.epoch += 1;
            if (change == 3) r.claim.sourceId = keccak256("another source");
            if (change == 4) r.claim.commitment = representation(1).claim.commitment;
            _assertRefused(r, _rejected(r.claim));
        }
    }

    function test_everyWordOfTheCommitmentMatters() public {
        for (uint256 i; i < 4; ++i) {
            Representation memory r = representation(0);
            r.claim.commitment[i] ^= bytes32(uint256(1));
            _assertRefused(r, abi.encodePacked(IProofVerifier.MalformedPoint.selector));
        }
    }

    function test_onAnotherChain() public {
        vm.chainId(1);
        Representation memory r = representation(0);
        _assertRefused(r, _rejected(r.claim));
    }

    // The slots.

    function test_theSlotsAreTheClaims() public {
        Representation memory r = representation(0);
        r.slots[1] += 1;
        _assertRefused(r, abi.encodePacked(IRepresentationVerifier.InvalidOwnedSlots.selector));
        r = representation(0);
        r.claim.ownedSlotsHash = representation(1).claim.ownedSlotsHash;
        _assertRefused(r, abi.encodePacked(IRepresentationVerifier.InvalidOwnedSlots.selector));
    }

    function test_otherSlots() public {
        bytes memory rejected = _rejected(representation(0).claim);
        _assertSlotsRefused(1, 3, rejected);
        _assertSlotsRefused(2, 3, rejected);
        _assertSlotsRefused(1, 4087, rejected);
    }

    /// @dev The constant, blinding entries, and slots out of order are nobody's.
    function test_slotsThatNobodyOwns() public {
        bytes memory reason = abi.encodePacked(IRepresentationVerifier.InvalidOwnedSlots.selector);
        _assertSlotsRefused(0, 2, reason);
        _assertSlotsRefused(2, 1, reason);
        _assertSlotsRefused(1, 1, reason);
        for (uint256 slot = 4088; slot < 4098; ++slot) {
            _assertSlotsRefused(1, slot, reason);
        }
        _assertSlotsRefused(1, type(uint256).max, reason);
    }

    // The proof.

    function test_everyWordOfTheProofMatters() public {
        bytes memory proof = representation(0).proof;
        vm.assertEq(proof.length, OPENING + 48, "length");
        for (uint256 offset; offset < proof.length; offset += 16) {
            Representation memory r = representation(0);
            r.proof[offset + 15] ^= 0x01;
            vm.expectRevert();
            _verify(r);
        }
    }

    function test_responsesAndOpening() public {
        Representation memory r = representation(0);
        for (uint256 offset = RESPONSES; offset < OPENING; offset += 32) {
            r = representation(0);
            r.proof = withWord(r.proof, offset, addmod(word(r.proof, offset), 1, R));
            _assertRefused(r, _rejected(r.claim));
        }
        r = representation(0);
        bytes memory other = representation(1).proof;
        for (uint256 i = OPENING; i < other.length; ++i) {
            r.proof[i] = other[i];
        }
        _assertRefused(r, _rejected(r.claim));
    }

    /// @dev A response and the same one plus r are one scalar; one spelling is enough.
    function test_responsesAreCanonical() public {
        for (uint256 i; i < 3; ++i) {
            Representation memory r = representation(0);
            uint256 offset = RESPONSES + 32 * i;
            uint256 response = word(r.proof, offset);
            bytes memory reason = abi.encodeWithSelector(IProofVerifier.ScalarNotCanonical.selector, i);
            r.proof = withWord(r.proof, offset, R);
            _assertRefused(r, reason);
            if (response > type(uint256).max - R) continue;
            r.proof = withWord(r.proof, offset, response + R);
            _assertRefused(r, reason);
        }
    }

    function test_theNonceIsAPointOfTheGroup() public {
        bytes memory reason = abi.encodePacked(IProofVerifier.MalformedPoint.selector);
        Representation memory r = representation(0);
        // (0, 2) is on the curve and has order 3.
        r.proof = withPoint(r.proof, 0, abi.encodePacked(uint256(0), uint256(0), uint256(0), uint256(2)));
        _assertRefused(r, reason);
        r = representation(0);
        r.proof = withWord(r.proof, 32, word(r.proof, 32) ^ 1);
        _assertRefused(r, reason);
    }

    function test_wrongLengths() public {
        for (uint256 length; length < 2 * (OPENING + 48); length += 16) {
            if (length == OPENING + 48) continue;
            Representation memory r = representation(0);
            r.proof = new bytes(length);
            bytes4 selector = IRepresentationVerifier.WrongRepresentationLength.selector;
            _assertRefused(r, abi.encodeWithSelector(selector, OPENING + 48, length));
        }
    }

    function test_nothingToDecode() public {
        RepresentationClaim memory claim = representation(0).claim;
        vm.expectRevert();
        verifier.verify(claim, hex"");
    }

    /// @dev A proof of another source, fund or epoch, as a whole.
    function test_anotherSourcesProof() public {
        (Representation memory r, Representation memory other) = (representation(0), representation(1));
        r.proof = other.proof;
        _assertRefused(r, _rejected(r.claim));
        r.slots = other.slots;
        r.claim.ownedSlotsHash = other.claim.ownedSlotsHash;
        _assertRefused(r, _rejected(r.claim));
    }
}
