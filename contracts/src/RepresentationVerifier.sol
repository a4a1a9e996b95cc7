// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {IRepresentationVerifier, RepresentationClaim} from "./interfaces/IRepresentationVerifier.sol";
import {Curve} from "./libraries/Curve.sol";
import {F, Field, ONE, R} from "./libraries/Field.sol";
import {PointEvaluation} from "./libraries/PointEvaluation.sol";
import {Precompiles} from "./libraries/Precompiles.sol";
import {Setup} from "./libraries/Setup.sol";
import {StatementKeys} from "./libraries/StatementKeys.sol";
import {Values} from "./libraries/Values.sol";

/// @title Verifier of proofs of representation
/// @notice Schnorr's protocol over the bases {[L_j]} of the source's slots and [L_{n−1}]. (P.36) The bases themselves are never
/// needed: that [R] + c·C_k is Σ z_j [L_j] is checked as the opening of a polynomial at one random point. (P.37)
contract RepresentationVerifier is IRepresentationVerifier {
    using Curve for Curve.Sum;

    bytes32 private constant TAG = keccak256("attest/v1/representation");
    uint256 private constant POINT_BYTES = 128;
    uint256 private constant OPENING_BYTES = 48;

    constructor() {
        Precompiles.selfTest();
        Precompiles.selfTestPointEvaluation();
    }

    /// @inheritdoc IRepresentationVerifier
    function verify(RepresentationClaim calldata claim, bytes calldata representation) external view {
        (uint256[] memory slots, bytes memory proof) = abi.decode(representation, (uint256[], bytes));
        if (keccak256(abi.encode(slots)) != claim.ownedSlotsHash) revert InvalidOwnedSlots();
        uint256 responsesEnd = POINT_BYTES + 32 * (slots.length + 1);
        if (proof.length != responsesEnd + OPENING_BYTES) {
            revert WrongRepresentationLength(responsesEnd + OPENING_BYTES, proof.length);
        }
        bytes memory nonce = _part(proof, 0, POINT_BYTES);
        bytes32 state = keccak256(
            abi.encode(
                TAG,
                block.chainid,
                claim.registry,
                claim.fund,
                claim.epoch,
                claim.sourceId,
                claim.ownedSlotsHash,
                claim.commitment,
                abi.decode(nonce, (bytes32[4]))
            )
        );
        F challenge = Field.reduce(uint256(state));
        F point = Field.reduce(uint256(keccak256(abi.encodePacked(state, _part(proof, POINT_BYTES, responsesEnd)))));

        Curve.Sum memory sum = Curve.allocate(2);
        sum.add(nonce, ONE);
        sum.add(claim.commitment, challenge);
        F value = _combined(slots, proof, point);
        bytes memory opening = _part(proof, responsesEnd, proof.length);
        if (!PointEvaluation.holds(sum.evaluate(), point, value, opening)) {
            revert RepresentationRejected(claim.sourceId);
        }
    }

    /// @dev Σ z_j L_j(x) over the slots and the blinding entry n − 1. (P.37)
    function _combined(uint256[] memory slots, bytes memory proof, F x) private view returns (F value) {
        uint256 count = slots.length + 1;
        F[] memory numerators = new F[](count);
        F[] memory denominators = new F[](count);
        F scale = (Field.squareTimes(x, Setup.LOG_N) - ONE) * Setup.N_INVERSE;
        uint256 last; // slot 0 is the constant
        for (uint256 i; i < count; ++i) {
            uint256 slot = Setup.N - 1;
            if (i != slots.length) {
                slot = slots[i];
                if (slot <= last || slot >= Setup.N - StatementKeys.BLINDING_ENTRIES) revert InvalidOwnedSlots();
                last = slot;
            }
            F omegaJ = Values.root(slot);
            numerators[i] = _response(proof, i) * omegaJ * scale;
            denominators[i] = x - omegaJ;
        }
        Field.divideAll(numerators, denominators);
        for (uint256 i; i < count; ++i) {
            value = value + denominators[i];
        }
    }

    function _response(bytes memory proof, uint256 i) private pure returns (F) {
        uint256 word = uint256(bytes32(_part(proof, POINT_BYTES + 32 * i, POINT_BYTES + 32 * (i + 1))));
        if (word >= R) revert IProofVerifier.ScalarNotCanonical(i);
        return F.wrap(word);
    }

    /// @dev data[start:end].
    function _part(bytes memory data, uint256 start, uint256 end) private pure returns (bytes memory part) {
        part = new bytes(end - start);
        assembly ("memory-safe") {
            // part = data[start:end]
            mcopy(add(part, 0x20), add(add(data, 0x20), start), sub(end, start))
        }
    }
}
