// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Context, Holdings, IProofVerifier, PublicSlot, Source} from "../interfaces/IProofVerifier.sol";
import {F, Field} from "./Field.sol";
import {Setup} from "./Setup.sol";
import {StatementKey} from "./StatementKeys.sol";
import {Transcript} from "./Transcript.sol";

/// @notice Where the parts of a proof stand: V + 19 points, then 18 + 2BV scalars (protocol §5, §6).
/// @dev point number i stands at points + 128·i: [b] (V of them), [D_0..D_6], [m], [E], [h_0..h_2], [Φ], 4 quotient
/// chunks, [W], [W']. evaluations: the scalars in order; up to Φ evaluation i is of the column that point i commits to,
/// with Q̂ in the place of b. binding: the transcript's last state, behind [W'].
struct Proof {
    uint256 packing;
    uint256 vectors;
    uint256 points;
    F[] evaluations;
    bytes32 binding;
}

/// @notice What the verifier draws from the transcript; α = β^B.
struct Challenges {
    F gamma;
    F alpha;
    F theta;
    F y;
    F zeta;
    F v;
    F u;
}

/// @title Replaying a proof's transcript (protocol §5, steps 0 to 5)
library FiatShamir {
    using Transcript for Transcript.State;

    /// @dev Points between [b] and the first challenges: 7 limbs, m, E.
    uint256 private constant COLUMNS = 9;
    /// @dev h_0..h_2 and Φ.
    uint256 private constant SUMS = 4;
    uint256 internal constant CHUNKS = 4;
    /// @dev Points of a proof besides one [b] a vector.
    uint256 internal constant POINTS = COLUMNS + SUMS + CHUNKS + 2;
    /// @dev Scalars besides 2B a vector: at ζ all columns but Q̂, tbl, w, w_E, w_2; Φ(ωζ).
    uint256 private constant SCALARS = COLUMNS + SUMS + 5;
    /// @dev Position of Φ behind the V first points or evaluations.
    uint256 internal constant RUNNING_SUM = COLUMNS + SUMS - 1;
    /// @dev Position of the first quotient chunk behind the V points [b].
    uint256 internal constant QUOTIENT = COLUMNS + SUMS;
    /// @dev Position of [W] behind the V points [b]; [W'] follows.
    uint256 internal constant OPENING = QUOTIENT + CHUNKS;

    /// @notice Checks the proof's length and its scalars, and draws all challenges.
    function replay(
        StatementKey calldata key,
        bytes32 digest,
        Context memory context,
        Holdings[] calldata holdings,
        bytes calldata encoded
    ) internal view returns (Proof memory proof, Challenges memory drawn) {
        proof.packing = key.packing;
        proof.vectors = holdings.length;
        assembly ("memory-safe") {
            mstore(add(proof, 0x40), encoded.offset) // proof.points = offset of encoded in calldata
        }
        unchecked {
            uint256 scalars = SCALARS + 2 * proof.packing * proof.vectors;
            uint256 expected = (proof.vectors + POINTS) * 128 + scalars * 32;
            if (encoded.length != expected) revert IProofVerifier.WrongProofLength(expected, encoded.length);

            Transcript.State memory transcript = Transcript.start(Transcript.POLICY_TAG);
            _absorbStatement(transcript, key, digest, context, holdings);

            // Step 1: the private columns.
            uint256 next = transcript.absorbPoints(proof.points, proof.vectors + COLUMNS);
            drawn.gamma = transcript.challenge();
            F beta = transcript.challenge();
            drawn.alpha = Field.squareTimes(beta, logPacking(proof.packing));
            drawn.theta = transcript.challenge();
            // Step 2: the helpers and the running sum. Step 3: the quotient.
            next = transcript.absorbPoints(next, SUMS);
            drawn.y = transcript.challenge();
            next = transcript.absorbPoints(next, CHUNKS);
            drawn.zeta = transcript.challenge();
            // Step 4: the evaluations, which stand behind all points.
            proof.evaluations = transcript.absorbScalars(next + 2 * 128, scalars);
            drawn.v = transcript.challenge();
            // Step 5: [W].
            next = transcript.absorbPoints(next, 1);
            drawn.u = transcript.challenge();
            // No challenge follows [W'], but the weights of a batch do.
            transcript.absorbPoint(next);
            proof.binding = transcript.state;
        }
    }

    /// @dev log2 of 2, 4 or 8.
    function logPacking(uint256 packing) internal pure returns (uint256) {
        return packing == 8 ? 3 : packing / 2;
    }

    /// @dev The claimed Q̂(ω^b ζ) of a vector: Q̂(ζ) comes first of all, the others behind the values at ζ and Φ(ωζ).
    function rotated(Proof memory proof, uint256 vector, uint256 b) internal pure returns (F) {
        unchecked {
            return Field.get(proof.evaluations, b == 0 ? vector : SCALARS + b * proof.vectors + vector);
        }
    }

    /// @dev The claimed T_b(ζ) of a vector.
    function matrix(Proof memory proof, uint256 vector, uint256 b) internal pure returns (F) {
        unchecked {
            uint256 first = SCALARS + proof.packing * proof.vectors;
            return Field.get(proof.evaluations, first + vector * proof.packing + b);
        }
    }

    /// @dev Σ_b T_b(ζ) x^b of a vector, as claimed.
    function remainder(Proof memory proof, uint256 vector, F x) internal pure returns (F) {
        unchecked {
            uint256 packing = proof.packing;
            return Field.horner(proof.evaluations, SCALARS + packing * (proof.vectors + vector), packing, x);
        }
    }

    /// @dev Step 0: parameters, digest, context, then where each vector comes from.
    function _absorbStatement(
        Transcript.State memory transcript,
        StatementKey calldata key,
        bytes32 digest,
        Context memory context,
        Holdings[] calldata holdings
    ) private view {
        transcript.absorb(key.n);
        transcript.absorb(key.packing);
        transcript.absorb(key.limbWidth);
        transcript.absorb(key.limbCount);
        transcript.absorb(Setup.SRS_SHA256);
        transcript.absorb(digest);
        transcript.absorb(block.chainid);
        transcript.absorb(uint256(uint160(context.registry)));
        transcript.absorb(uint256(uint160(context.fund)));
        transcript.absorb(uint256(context.epoch));
        transcript.absorb(uint256(context.expiry));
        transcript.absorb(context.programId);
        transcript.absorb(context.bookRoot);
        transcript.absorb(context.sourceSetHash);
        if (holdings.length == 2) {
            transcript.absorb(uint256(context.previousEpoch));
            transcript.absorb(context.previousSourceSetHash);
        }
        for (uint256 i; i < holdings.length; ++i) {
            _absorbHoldings(transcript, holdings[i]);
        }
    }

    function _absorbHoldings(Transcript.State memory transcript, Holdings calldata holdings) private pure {
        Source[] calldata sources = holdings.sources;
        uint256 count = sources.length;
        transcript.absorb(count);
        for (uint256 i; i < count; ++i) {
            transcript.absorb(sources[i].id);
            bytes32[4] calldata commitment = sources[i].commitment;
            uint256 offset;
            assembly ("memory-safe") {
                offset := commitment
            }
            transcript.absorbPoint(offset);
        }
        PublicSlot[] calldata slots = holdings.publicSlots;
        count = slots.length;
        transcript.absorb(count);
        for (uint256 i; i < count; ++i) {
            transcript.absorb(slots[i].slot);
            transcript.absorb(slots[i].value);
        }
    }
}
