// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Book} from "../interfaces/IBookVerifier.sol";
import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {BookTree} from "./BookTree.sol";
import {Constraints} from "./Constraints.sol";
import {Curve} from "./Curve.sol";
import {F, Field, ONE} from "./Field.sol";
import {Setup} from "./Setup.sol";
import {StatementKeys} from "./StatementKeys.sol";
import {Transcript} from "./Transcript.sol";
import {Values} from "./Values.sol";

/// @notice A chunk's proof in one currency, replayed.
/// @dev limbs: where [D_0..D_6] and C_out stand in calldata. points: where the proof's do: [b], [m], [h_0..h_2], [Φ], 4 quotient
/// chunks, [W], [W']. evaluations: at ζ of Q̂, D_0..D_6, m, h_0..h_2, Φ, tbl, then Φ(ωζ). binding: the transcript's last state.
struct ChunkProof {
    uint256 slot;
    uint256 limbs;
    uint256 points;
    F[] evaluations;
    F gamma;
    F theta;
    F y;
    F zeta;
    F v;
    F u;
    bytes32 binding;
}

/// @title The proof of a chunk's total in one currency (protocol §9)
library ChunkProofs {
    using Curve for Curve.Sum;
    using Transcript for Transcript.State;

    /// @dev Both sides of the pairing check over all proofs. claimed: Σ of claimed values with their weights; table: the scalar
    /// of [tbl]_1. v, power: of the proof that is being added, power the next ρ·v^k.
    struct State {
        Curve.Sum left;
        Curve.Sum right;
        F claimed;
        F table;
        F v;
        F power;
    }

    /// @dev vanishing: ζ^n − 1. chunkStep: ζ^{n−1}. active: act(ζ). first, firstBlinding, claims: L_0(ζ), L_{n−8}(ζ), L_c(ζ).
    struct Point {
        F vanishing;
        F vanishingInverse;
        F chunkStep;
        F active;
        F first;
        F firstBlinding;
        F claims;
    }

    uint256 private constant LIMBS = StatementKeys.LIMB_COUNT;
    uint256 private constant QUOTIENT_CHUNKS = 4;
    uint256 private constant POINTS = 12;
    uint256 private constant SCALARS = 15;
    uint256 internal constant BYTES = POINTS * 128 + SCALARS * 32;
    /// @dev Terms of the sum that one proof needs: its points, [D_0..D_6] and C_out.
    uint256 internal constant TERMS = POINTS + LIMBS + 1;

    /// @dev Places of points in the proof.
    uint256 private constant MULTIPLICITIES = 1;
    uint256 private constant HELPERS = 2;
    uint256 private constant RUNNING_SUM = 5;
    uint256 private constant QUOTIENT = 6;
    uint256 private constant OPENING = 10;
    /// @dev Places of evaluations: Q̂'s is the first, then the limbs'.
    uint256 private constant MULTIPLICITIES_AT = 1 + LIMBS;
    uint256 private constant HELPERS_AT = MULTIPLICITIES_AT + 1;
    uint256 private constant RUNNING_SUM_AT = HELPERS_AT + 3;
    uint256 private constant TABLE_AT = RUNNING_SUM_AT + 1;
    uint256 private constant NEXT_AT = TABLE_AT + 1;

    /// @dev L_0, L_{−1}, …, L_{−8}: entry 0 and the blinding entries.
    uint256 private constant EDGE = 1 + StatementKeys.BLINDING_ENTRIES;

    /// @notice Absorbs statement and proof, and draws all challenges. (P.27)
    /// @param commitments where the chunk's commitments stand in calldata
    /// @param points where the proof of currency number `currency` does
    function replay(
        Book calldata book,
        bytes32 root,
        uint256 chunk,
        uint256 currency,
        uint256 commitments,
        uint256 points
    ) internal pure returns (ChunkProof memory proof) {
        proof.slot = book.slots[currency];
        proof.limbs = commitments + 128 * (1 + BookTree.POINTS_PER_CURRENCY * currency);
        proof.points = points;
        Transcript.State memory transcript = Transcript.start(Transcript.BOOK_TAG);
        transcript.absorb(Setup.N);
        transcript.absorb(StatementKeys.LIMB_WIDTH);
        transcript.absorb(LIMBS);
        transcript.absorb(Setup.SRS_SHA256);
        transcript.absorb(root);
        transcript.absorb(chunk);
        transcript.absorb(book.count);
        transcript.absorb(proof.slot);
        transcript.absorbPoint(commitments);
        transcript.absorbPoints(proof.limbs, BookTree.POINTS_PER_CURRENCY);

        uint256 next = transcript.absorbPoints(points, HELPERS);
        proof.gamma = transcript.challenge();
        proof.theta = transcript.challenge();
        next = transcript.absorbPoints(next, QUOTIENT - HELPERS);
        proof.y = transcript.challenge();
        next = transcript.absorbPoints(next, QUOTIENT_CHUNKS);
        proof.zeta = transcript.challenge();
        proof.evaluations = transcript.absorbScalars(points + 128 * POINTS, SCALARS);
        proof.v = transcript.challenge();
        next = transcript.absorbPoints(next, 1);
        proof.u = transcript.challenge();
        transcript.absorbPoint(next);
        proof.binding = transcript.state;
    }

    /// @notice Adds ρ·A to the left sum and ρ·B to the right one, for the proof's e(A, [1]_2) = e(B, [τ]_2). (P.31)
    function open(ChunkProof memory proof, State memory state, F rho) internal view {
        Point memory point = _at(proof.zeta, proof.slot);
        // Z_T(u)/(u − ζ) and Z_T(u)/(u − ωζ): each is the factor of the other point.
        F here = proof.u - Setup.OMEGA * proof.zeta;
        F there = proof.u - proof.zeta;
        F product = here * there;
        if (product.isZero()) revert IProofVerifier.ZeroDivisor();
        (state.v, state.power) = (proof.v, rho);

        F[] memory evaluations = proof.evaluations;
        F weight = _weigh(state, here, evaluations[0]); // of Q̂, behind C_out + (ζ^n − 1)·[b]
        state.left.add(proof.limbs + 128 * LIMBS, weight);
        state.left.add(proof.points, weight * point.vanishing);
        for (uint256 k; k < LIMBS; ++k) {
            state.left.add(proof.limbs + 128 * k, _weigh(state, here, evaluations[1 + k]));
        }
        for (uint256 i; i < RUNNING_SUM - MULTIPLICITIES; ++i) {
            uint256 column = proof.points + 128 * (MULTIPLICITIES + i);
            state.left.add(column, _weigh(state, here, evaluations[MULTIPLICITIES_AT + i]));
        }
        F runningSum = _weigh(state, here, evaluations[RUNNING_SUM_AT]);
        state.table = state.table + _weigh(state, here, evaluations[TABLE_AT]);
        weight = _weigh(state, here, _constraints(proof, point) * point.vanishingInverse);
        for (uint256 c; c < QUOTIENT_CHUNKS; ++c) {
            state.left.add(proof.points + 128 * (QUOTIENT + c), weight);
            weight = weight * point.chunkStep;
        }
        runningSum = runningSum + _weigh(state, there, evaluations[NEXT_AT]);
        state.left.add(proof.points + 128 * RUNNING_SUM, runningSum);

        uint256 opening = proof.points + 128 * OPENING;
        state.left.add(opening, (rho * product).neg());
        state.left.add(opening + 128, rho * proof.u);
        state.right.add(opening + 128, rho);
    }

    /// @dev The next power of v times the factor of its opening point, with which `value` is claimed.
    function _weigh(State memory state, F factor, F value) private pure returns (F weight) {
        weight = factor * state.power;
        state.claimed = state.claimed + weight * value;
        state.power = state.power * state.v;
    }

    /// @dev Σ_k y^k · constraint k, at ζ, by Horner's rule from the last to the first. (P.28) to (P.30)
    function _constraints(ChunkProof memory proof, Point memory point) private pure returns (F total) {
        F[] memory evaluations = proof.evaluations;
        (F y, F active, F sum) = (proof.y, point.active, evaluations[0]);
        Constraints.Limbs memory limbs = Constraints.readLimbs(evaluations, 1, proof.gamma);
        F[3] memory helpers;
        for (uint256 i; i < 3; ++i) {
            helpers[i] = evaluations[HELPERS_AT + i];
        }
        F runningSum = evaluations[RUNNING_SUM_AT];
        // 6: (act − L_c) Q̂. 5 and 4: L_{n−8} Φ and L_0 Φ.
        total = (active - point.claims) * sum;
        total = total * y + point.firstBlinding * runningSum;
        total = total * y + point.first * runningSum;
        // 3: act ((Φ(ωX) − Φ(X) − h_0 − h_1 − h_2 − θ LIN)(γ + tbl) + m), LIN = S − Q̂ L_c.
        F step = evaluations[NEXT_AT] - runningSum - helpers[0] - helpers[1] - helpers[2];
        step = step - proof.theta * (limbs.combined - sum * point.claims);
        total = total * y + active * (step * (proof.gamma + evaluations[TABLE_AT]) + evaluations[MULTIPLICITIES_AT]);
        return Constraints.lookups(total, y, active, limbs.shifted, helpers);
    }

    /// @dev Public polynomials at ζ, all with one inversion; ζ on the domain reverts.
    function _at(F zeta, uint256 slot) private view returns (Point memory point) {
        F power = Field.squareTimes(zeta, Setup.LOG_N);
        point.vanishing = power - ONE;
        F scale = point.vanishing * Setup.N_INVERSE;
        F[] memory numerators = new F[](EDGE + 3);
        F[] memory values = new F[](EDGE + 3); // denominators, until they are divided by
        // L_j(ζ) = ω^j (ζ^n − 1)/(n (ζ − ω^j))
        F omegaJ = ONE;
        for (uint256 b; b < EDGE; ++b) {
            (numerators[b], values[b]) = (omegaJ * scale, zeta - omegaJ);
            omegaJ = omegaJ * Setup.OMEGA_INVERSE;
        }
        omegaJ = Values.root(slot);
        (numerators[EDGE], values[EDGE]) = (omegaJ * scale, zeta - omegaJ);
        (numerators[EDGE + 1], values[EDGE + 1]) = (ONE, point.vanishing);
        (numerators[EDGE + 2], values[EDGE + 2]) = (power, zeta);
        Field.divideAll(numerators, values);

        point.first = values[0];
        point.firstBlinding = values[EDGE - 1];
        point.active = ONE;
        for (uint256 b = 1; b < EDGE; ++b) {
            point.active = point.active - values[b];
        }
        point.claims = values[EDGE];
        point.vanishingInverse = values[EDGE + 1];
        point.chunkStep = values[EDGE + 2];
    }
}
