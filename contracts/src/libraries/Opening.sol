// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Holdings, IProofVerifier, Source} from "../interfaces/IProofVerifier.sol";
import {Constraints} from "./Constraints.sol";
import {Curve} from "./Curve.sol";
import {F, Field, ONE, ZERO} from "./Field.sol";
import {Challenges, FiatShamir, Proof} from "./FiatShamir.sol";
import {Setup} from "./Setup.sol";
import {Group, StatementKey, StatementKeys} from "./StatementKeys.sol";
import {PublicValues, Values} from "./Values.sol";

/// @title The batched opening (protocol §5, step 5; SHPLONK, BDFG20)
/// @notice One sum in G1, L + uW' = Σ_i (Z_T(u)/Z_i(u))(f_i − r_i(u)) − Z_T(u) W + uW', and one check
/// e(L + uW', [1]_2) = e(W', [τ]_2). Several proofs add up to one sum and one check, each with its weight ρ.
/// @dev f_i are commitments weighted by powers of v. Q̂ at x is opened as [L_0] + Σ C_k + M(x) [b] to its value without
/// the public slots: what they contribute is known, Σ value·L_j(x), and is taken off the claim, so that no [L_j] is needed
/// here. Every C_k is a term of its own, because the multiplication checks that it lies in the subgroup.
library Opening {
    using Curve for Curve.Sum;
    using StatementKeys for StatementKey;

    /// @dev What all proofs share, and below that what the steps of the proof that is being added do. sum: the left side;
    /// right: the right side but for the first proof's W', which has weight 1 and stands in calldata at `witness`, 0 until then.
    /// claimed: Σ of claimed values with their weights; table: the scalar of [tbl]; sources: for each vector the scalar of its
    /// C_k. cleared: Z_T(u)/(u − ω^b ζ) for b < B, then Z_T(u)/(u^B − α). power: the next ρ·v^k. runningSum: the scalar of [Φ]
    /// so far. masks: for each vector the scalar of [b].
    struct State {
        Curve.Sum sum;
        Curve.Sum right;
        uint256 witness;
        F claimed;
        F table;
        F[2] sources;
        F[] cleared;
        F v;
        F power;
        F runningSum;
        F[2] masks;
    }

    /// @dev Terms of the sum for one proof: its points, and those of its key.
    function terms(StatementKey calldata key) internal pure returns (uint256 count) {
        unchecked {
            // No more than calldata has room for.
            count = FiatShamir.POINTS + (key.previousSize == 0 ? 1 : 2) + key.groupCount();
            count += key.matrix(0).length + key.matrix(1).length;
        }
    }

    /// @notice The weight ρ of each proof: 1 for the first, for each other one 128 bits of a hash of all. (P.31)
    /// @dev The last states of all transcripts bind every byte of every proof; with weights that knew less, two false proofs could
    /// be made to cancel. A false proof besides the first is hidden by one value of its weight at most, given all the others; if only the first
    /// is false, nothing hides it, so that it needs no weight of its own.
    function weights(bytes32[] memory bindings) internal pure returns (F[] memory rho) {
        rho = new F[](bindings.length);
        rho[0] = ONE;
        bytes32 seed = keccak256(abi.encodePacked(bindings));
        for (uint256 j = 1; j < bindings.length; ++j) {
            rho[j] = F.wrap(uint128(bytes16(keccak256(abi.encodePacked(seed, j)))));
        }
    }

    /// @notice An empty sum.
    /// @param count `terms` of all keys together
    /// @param holdings of all vectors that any of them is about
    /// @param proofs how many there will be
    function start(uint256 count, Holdings[] calldata holdings, uint256 proofs)
        internal
        pure
        returns (State memory state)
    {
        unchecked {
            // No more than calldata has room for.
            count += 3; // [1]_1, [tbl]_1 and [L_0]_1
            for (uint256 i; i < holdings.length; ++i) {
                count += holdings[i].sources.length;
            }
            state.sum = Curve.allocate(count);
            state.right = Curve.allocate(proofs - 1);
        }
    }

    /// @notice Adds a proof's check with weight ρ, which is 1 for the first.
    function add(
        State memory state,
        StatementKey calldata key,
        Holdings[] calldata holdings,
        Proof memory proof,
        Challenges memory drawn,
        F rho
    ) internal view {
        PublicValues memory values = Values.compute(key, holdings, drawn.alpha, drawn.zeta);
        F quotient = Constraints.sum(proof, drawn, values) * values.vanishingInverse;
        F product;
        (state.cleared, product) = clear(proof.packing, drawn);
        (state.v, state.power) = (drawn.v, rho);
        (state.masks[0], state.masks[1]) = (ZERO, ZERO);

        _openColumns(state, proof, values);
        _openWeights(state, key, proof, values);
        _openQuotient(state, proof, values, quotient);
        _openRotations(state, proof, values);
        for (uint256 i; i < proof.vectors; ++i) {
            _openMatrix(state, proof, values, key.matrix(i), i, drawn.u);
            state.sum.add(_point(proof, i), state.masks[i]);
        }
        uint256 opening = _point(proof, proof.vectors + FiatShamir.OPENING);
        state.sum.add(opening, (rho * product).neg());
        state.sum.add(opening + 128, rho * drawn.u);
        if (state.witness == 0) {
            state.witness = opening + 128;
        } else {
            state.right.add(opening + 128, rho);
        }
    }

    /// @notice Adds what the proofs share, and checks all of them at once. (P.31)
    function check(State memory state, Holdings[] calldata holdings) internal view {
        F constants;
        for (uint256 i; i < holdings.length; ++i) {
            constants = constants + state.sources[i];
            Source[] calldata sources = holdings[i].sources;
            for (uint256 k; k < sources.length; ++k) {
                state.sum.add(sources[k].commitment, state.sources[i]);
            }
        }
        state.sum.add(Setup.G1_SLOT_ZERO, constants);
        state.sum.add(Setup.G1_ONE, state.claimed.neg());
        state.sum.add(Setup.G1_TABLE, state.table);
        bytes memory left = state.sum.evaluate();
        bytes memory right = Curve.load(state.witness);
        if (!state.right.isEmpty()) right = Curve.plus(right, state.right.evaluate());
        if (!Curve.pairingHolds(left, right)) revert IProofVerifier.OpeningRejected();
    }

    /// @dev Z_T(u) = Π_b (u − ω^b ζ)·(u^B − α), and Z_T(u) divided by each factor: the products of all the others.
    function clear(uint256 packing, Challenges memory drawn) internal pure returns (F[] memory cleared, F product) {
        (F u, F x) = (drawn.u, drawn.zeta);
        product = ONE;
        unchecked {
            cleared = Field.allocate(packing + 1);
            // The products of all factors before each, then those of all behind it.
            for (uint256 b; b < packing; ++b) {
                Field.set(cleared, b, product);
                product = product * (u - x);
                x = x * Setup.OMEGA;
            }
            F suffix = Field.squareTimes(u, FiatShamir.logPacking(packing)) - drawn.alpha;
            Field.set(cleared, packing, product);
            product = product * suffix;
            if (product.isZero()) revert IProofVerifier.ZeroDivisor();
            for (uint256 b = packing; b != 0;) {
                --b;
                x = x * Setup.OMEGA_INVERSE;
                Field.set(cleared, b, Field.get(cleared, b) * suffix);
                suffix = suffix * (u - x);
            }
        }
    }

    /// @dev The calldata offset of point number i of the proof.
    function _point(Proof memory proof, uint256 i) private pure returns (uint256) {
        unchecked {
            return proof.points + 128 * i;
        }
    }

    /// @dev The next power of v times the factor of opening point b, with which `value` is claimed.
    function _weigh(State memory state, uint256 b, F value) private pure returns (F weight) {
        weight = Field.get(state.cleared, b) * state.power;
        state.claimed = state.claimed + weight * value;
        state.power = state.power * state.v;
    }

    /// @dev Q̂ of a vector at ω^b ζ, where its commitment is [L_0] + Σ C_k + M·[b] besides the public slots.
    function _openHoldings(
        State memory state,
        Proof memory proof,
        PublicValues memory values,
        uint256 vector,
        uint256 b
    ) private pure {
        F known;
        unchecked {
            known = Field.get(values.known, vector * proof.packing + b);
        }
        F weight = _weigh(state, b, FiatShamir.rotated(proof, vector, b) - known);
        state.sources[vector] = state.sources[vector] + weight;
        // The previous vector has no aux slots: M = X^n − 1.
        F mask = vector == 0 ? Field.get(values.masks, b) : values.vanishing;
        state.masks[vector] = state.masks[vector] + weight * mask;
    }

    /// @dev Q̂ (and Q̂'), D_0..D_6, m, E, h_0..h_2, Φ and tbl at ζ. [Φ] is added with its opening at ωζ.
    function _openColumns(State memory state, Proof memory proof, PublicValues memory values) private pure {
        for (uint256 i; i < proof.vectors; ++i) {
            _openHoldings(state, proof, values, i, 0);
        }
        uint256 first = proof.vectors;
        F[] memory evaluations = proof.evaluations;
        // `_weigh` for all columns at once.
        (F factor, F power) = (Field.get(state.cleared, 0), state.power);
        F value = Field.horner(evaluations, first, FiatShamir.RUNNING_SUM, state.v);
        state.claimed = state.claimed + factor * power * value;
        state.power = state.sum.addPowers(_point(proof, first), FiatShamir.RUNNING_SUM, factor, power, state.v);
        unchecked {
            uint256 last = first + FiatShamir.RUNNING_SUM;
            state.runningSum = _weigh(state, 0, Field.get(evaluations, last));
            state.table = state.table + _weigh(state, 0, Field.get(evaluations, last + 1));
        }
    }

    /// @dev w, w_E and w_2 at ζ: each is Σ λ_row(α) [W_g] over its family, which may be empty.
    function _openWeights(State memory state, StatementKey calldata key, Proof memory proof, PublicValues memory values)
        private
        pure
    {
        (F[] memory evaluations, F[] memory rows) = (proof.evaluations, values.rows);
        unchecked {
            uint256 next = proof.vectors + FiatShamir.RUNNING_SUM + 2;
            uint256 row = _openFamily(state, key.family(0), Field.get(evaluations, next), rows, 0);
            row = _openFamily(state, key.family(1), Field.get(evaluations, next + 1), rows, row);
            _openFamily(state, key.family(2), Field.get(evaluations, next + 2), rows, row);
        }
    }

    function _openFamily(State memory state, Group[] calldata groups, F value, F[] memory rows, uint256 row)
        private
        pure
        returns (uint256)
    {
        F weight = _weigh(state, 0, value);
        unchecked {
            for (uint256 g; g < groups.length; ++g) {
                state.sum.add(groups[g].commitment, weight * Field.get(rows, row++));
            }
        }
        return row;
    }

    /// @dev The quotient at ζ: Σ_c ζ^{(n−1)c} chunk_c.
    function _openQuotient(State memory state, Proof memory proof, PublicValues memory values, F quotient)
        private
        pure
    {
        F weight = _weigh(state, 0, quotient);
        unchecked {
            uint256 first = _point(proof, proof.vectors + FiatShamir.QUOTIENT);
            state.sum.addPowers(first, FiatShamir.CHUNKS, weight, ONE, values.chunkStep);
        }
    }

    /// @dev Φ at ωζ, then Q̂ (and Q̂') at ω^b ζ for b = 1..B−1.
    function _openRotations(State memory state, Proof memory proof, PublicValues memory values) private pure {
        (uint256 vectors, uint256 packing) = (proof.vectors, proof.packing);
        unchecked {
            uint256 runningSum = vectors + FiatShamir.RUNNING_SUM;
            F weight = state.runningSum + _weigh(state, 1, Field.get(proof.evaluations, runningSum + 5));
            state.sum.add(_point(proof, runningSum), weight);
            for (uint256 b = 1; b < packing; ++b) {
                for (uint256 i; i < vectors; ++i) {
                    _openHoldings(state, proof, values, i, b);
                }
            }
        }
    }

    /// @dev F = Σ_k L_{Bk}(ζ) P_k on the roots of X^B − α, where its remainder is Σ_b T_b(ζ) X^b.
    function _openMatrix(
        State memory state,
        Proof memory proof,
        PublicValues memory values,
        bytes32[4][] calldata columns,
        uint256 vector,
        F u
    ) private pure {
        uint256 packing = proof.packing;
        F weight = _weigh(state, packing, FiatShamir.remainder(proof, vector, u));
        uint256 offset;
        assembly ("memory-safe") {
            offset := columns.offset // where columns[0] stands in calldata
        }
        state.sum.add(offset, values.columns, columns.length, weight);
    }
}
