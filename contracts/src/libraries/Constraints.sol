// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {F, Field, ONE} from "./Field.sol";
import {Challenges, FiatShamir, Proof} from "./FiatShamir.sol";
import {PublicValues} from "./Values.sol";

/// @title The constraints at ζ (protocol §5, step 2)
library Constraints {
    /// @dev shifted: γ + D_k. combined: S = Σ 2^{11k} D_k.
    struct Limbs {
        F[7] shifted;
        F combined;
    }

    /// @dev The claimed values at ζ.
    struct Row {
        Limbs limbs;
        F multiplicities;
        F flags;
        F[3] helpers;
        F runningSum;
        F table;
        F weights;
        F flagWeights;
        F squareWeights;
        F runningSumNext;
    }

    /// @dev 2^limbWidth.
    F private constant LIMB_BASE = F.wrap(2048);

    /// @notice Σ_k y^k · constraint k, at ζ; the quotient's value times ζ^n − 1.
    function sum(Proof memory proof, Challenges memory drawn, PublicValues memory values)
        internal
        pure
        returns (F total)
    {
        unchecked {
            Row memory row = _row(proof, drawn.gamma);
            // Constraints 8 and 9: L_0 (Q̂ − 1), for each vector. Horner's rule in y, from the last to the first.
            for (uint256 i = proof.vectors; i != 0;) {
                --i;
                total = total * drawn.y + values.first * (FiatShamir.rotated(proof, i, 0) - ONE);
            }
            F y = drawn.y;
            // 7 and 6: L_{n−8} Φ and L_0 Φ.
            total = total * y + values.firstBlinding * row.runningSum;
            total = total * y + values.first * row.runningSum;
            // 5 and 4: act w_E S (1 − E) and act (E² − E).
            F active = values.active;
            total = total * y + active * row.flagWeights * row.limbs.combined * (ONE - row.flags);
            total = total * y + active * (row.flags.square() - row.flags);
            // 3: act ((Φ(ωX) − Φ(X) − h_0 − h_1 − h_2 − θ LIN)(γ + tbl) + m).
            F step = row.runningSumNext - row.runningSum - row.helpers[0] - row.helpers[1] - row.helpers[2];
            step = step - drawn.theta * _linear(proof, row, values.kernel);
            total = total * y + active * (step * (drawn.gamma + row.table) + row.multiplicities);
            total = lookups(total, y, active, row.limbs.shifted, row.helpers);
        }
    }

    /// @notice `total` continued by constraints 2, 1 and 0: h_i is the sum of 1/(γ + D_k) over its limbs.
    /// @param d γ + D_k
    function lookups(F total, F y, F active, F[7] memory d, F[3] memory h) internal pure returns (F) {
        total = total * y + active * (h[2] * d[5] * d[6] - (d[5] + d[6]));
        total = total * y + active * (h[1] * d[3] * d[4] - (d[3] + d[4]));
        F pairs = d[0] * d[1] + d[0] * d[2] + d[1] * d[2];
        return total * y + active * (h[0] * d[0] * d[1] * d[2] - pairs);
    }

    /// @notice The limbs at `next` of the evaluations.
    function readLimbs(F[] memory evaluations, uint256 next, F gamma) internal pure returns (Limbs memory limbs) {
        _readLimbs(limbs, evaluations, next, gamma);
    }

    function _readLimbs(Limbs memory limbs, F[] memory evaluations, uint256 next, F gamma) private pure {
        limbs.combined = Field.horner(evaluations, next, 7, LIMB_BASE);
        F[7] memory shifted = limbs.shifted;
        unchecked {
            for (uint256 k; k < 7; ++k) {
                shifted[k] = gamma + Field.get(evaluations, next + k);
            }
        }
    }

    /// @dev LIN = S(κ + w) + E w_E + S² w_2 − Σ_b Q̂(ω^b ζ) T_b(ζ), over each vector.
    function _linear(Proof memory proof, Row memory row, F kernel) private pure returns (F linear) {
        F s = row.limbs.combined;
        linear = s * (kernel + row.weights) + row.flags * row.flagWeights + s.square() * row.squareWeights;
        unchecked {
            for (uint256 vector; vector < proof.vectors; ++vector) {
                for (uint256 b; b < proof.packing; ++b) {
                    linear = linear - FiatShamir.rotated(proof, vector, b) * FiatShamir.matrix(proof, vector, b);
                }
            }
        }
    }

    function _row(Proof memory proof, F gamma) private pure returns (Row memory row) {
        F[] memory evaluations = proof.evaluations;
        uint256 next = proof.vectors;
        unchecked {
            _readLimbs(row.limbs, evaluations, next, gamma);
            next += 7;
            row.multiplicities = Field.get(evaluations, next++);
            row.flags = Field.get(evaluations, next++);
            for (uint256 i; i < 3; ++i) {
                row.helpers[i] = Field.get(evaluations, next++);
            }
            row.runningSum = Field.get(evaluations, next++);
            row.table = Field.get(evaluations, next++);
            row.weights = Field.get(evaluations, next++);
            row.flagWeights = Field.get(evaluations, next++);
            row.squareWeights = Field.get(evaluations, next++);
            row.runningSumNext = Field.get(evaluations, next);
        }
    }
}
