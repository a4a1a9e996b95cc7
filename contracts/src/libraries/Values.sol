// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Holdings, IProofVerifier, PublicSlot} from "../interfaces/IProofVerifier.sol";
import {F, Field, ONE} from "./Field.sol";
import {FiatShamir} from "./FiatShamir.sol";
import {Setup} from "./Setup.sol";
import {Group, StatementKey} from "./StatementKeys.sol";

/// @notice Values of public polynomials at ζ and α.
/// @dev vanishing: ζ^n − 1, and its inverse. chunkStep: ζ^{n−1}. active: act(ζ). first, firstBlinding: L_0(ζ), L_{n−8}(ζ).
/// kernel: κ(ζ). masks: M(ω^b ζ). known: for each vector Σ value·L_j(ω^b ζ) over the
/// public slots. rows: λ_row(α) of every group, families W, WE, W2 in order. columns: L_{Bk}(ζ).
struct PublicValues {
    F vanishing;
    F vanishingInverse;
    F chunkStep;
    F active;
    F first;
    F firstBlinding;
    F kernel;
    F[] masks;
    F[] known;
    F[] rows;
    F[] columns;
}

/// @title The public polynomials at the challenges (protocol §4, §5)
/// @notice Every value is a fraction; all of them share one inversion. A zero denominator is a challenge on a zero divisor
/// (ζ ∈ H, ζ or ζ/ω = α) and reverts.
library Values {
    /// @dev Fractions that are being collected; after `Field.divideAll` the denominators hold the values.
    struct Fractions {
        F[] numerators;
        F[] denominators;
        uint256 length;
    }

    /// @dev What the steps below share. logRows: log2 R; zetaRows, alphaRows: ζ^R, α^R; lagrange: (ζ^n − 1)/n.
    struct Point {
        uint256 packing;
        uint256 logRows;
        F alpha;
        F zeta;
        F zetaRows;
        F alphaRows;
        F vanishing;
        F lagrange;
    }

    /// @dev L_0, L_{−1}, …, L_{−8}: the constant's entry and the blinding entries.
    uint256 private constant EDGE = 9;
    /// @dev 1/(ζ^n − 1), ζ^{n−1} and the two parts of κ.
    uint256 private constant SINGLE = 4;

    function compute(StatementKey calldata key, Holdings[] calldata holdings, F alpha, F zeta)
        internal
        view
        returns (PublicValues memory values)
    {
        Point memory point = _point(key.packing, alpha, zeta);
        uint256 groups = key.weights.length + key.flagWeights.length + key.squareWeights.length;
        uint256 columns = key.columns.length;
        if (key.previousColumns.length > columns) columns = key.previousColumns.length;
        uint256 slots = holdings[0].publicSlots.length;
        if (holdings.length == 2) slots += holdings[1].publicSlots.length;

        Fractions memory f;
        uint256 count = EDGE + SINGLE + point.packing + groups + columns + slots * point.packing;
        f.numerators = new F[](count);
        f.denominators = new F[](count);
        _pushEdge(f, point);
        _pushSingle(f, point);
        _pushMasks(f, point, key.aux);
        F rowFactor = _rowFactor(point);
        _pushRows(f, point, key.weights, rowFactor);
        _pushRows(f, point, key.flagWeights, rowFactor);
        _pushRows(f, point, key.squareWeights, rowFactor);
        _pushColumns(f, point, columns);
        for (uint256 i; i < holdings.length; ++i) {
            _pushPublicSlots(f, point, holdings[i].publicSlots);
        }
        assert(f.length == count);
        Field.divideAll(f.numerators, f.denominators);

        F[] memory all = f.denominators;
        values.vanishing = point.vanishing;
        values.first = all[0];
        values.firstBlinding = all[EDGE - 1];
        F active = ONE;
        for (uint256 b = 1; b < EDGE; ++b) {
            active = active - Field.get(all, b);
        }
        values.active = active;
        values.vanishingInverse = all[EDGE];
        values.chunkStep = all[EDGE + 1];
        values.kernel = all[EDGE + 2] - all[EDGE + 3];
        uint256 next = EDGE + SINGLE;
        values.masks = _slice(all, next, point.packing);
        next += point.packing;
        values.rows = _slice(all, next, groups);
        next += groups;
        values.columns = _slice(all, next, columns);
        next += columns;
        values.known = _known(all, next, holdings, point.packing);
    }

    /// @notice ω^exponent.
    function root(uint256 exponent) internal pure returns (F power) {
        power = ONE;
        F base = Setup.OMEGA;
        exponent %= Setup.N;
        assembly ("memory-safe") {
            // for (; exponent != 0; exponent >>= 1) {
            //     if (exponent & 1 != 0) power = power * base;
            //     base = base * base;
            // }
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            for {} exponent { exponent := shr(1, exponent) } {
                if and(exponent, 1) { power := mulmod(power, base, r) }
                base := mulmod(base, base, r)
            }
        }
    }

    function _point(uint256 packing, F alpha, F zeta) private pure returns (Point memory point) {
        uint256 logB = FiatShamir.logPacking(packing);
        point.packing = packing;
        point.logRows = Setup.LOG_N - logB;
        point.alpha = alpha;
        point.zeta = zeta;
        point.zetaRows = Field.squareTimes(zeta, point.logRows);
        point.alphaRows = Field.squareTimes(alpha, point.logRows);
        point.vanishing = Field.squareTimes(point.zetaRows, logB) - ONE;
        point.lagrange = point.vanishing * Setup.N_INVERSE;
    }

    function _push(Fractions memory f, F numerator, F denominator) private pure {
        uint256 i = f.length;
        Field.set(f.numerators, i, numerator);
        Field.set(f.denominators, i, denominator);
        unchecked {
            f.length = i + 1;
        }
    }

    /// @dev L_j(ζ) = ω^j (ζ^n − 1)/(n (ζ − ω^j)), times `scale`, for `count` entries j, of which the first has root ω^j and
    /// each next one that times `step`.
    function _pushLagrange(Fractions memory f, Point memory point, F omegaJ, F step, uint256 count, F scale)
        private
        pure
    {
        (F[] memory numerators, F[] memory denominators, uint256 next) = (f.numerators, f.denominators, f.length);
        F zeta = point.zeta;
        scale = scale * point.lagrange;
        unchecked {
            uint256 end = next + count;
            for (; next != end; ++next) {
                Field.set(numerators, next, omegaJ * scale);
                Field.set(denominators, next, zeta - omegaJ);
                omegaJ = omegaJ * step;
            }
        }
        f.length = next;
    }

    function _pushEdge(Fractions memory f, Point memory point) private pure {
        _pushLagrange(f, point, ONE, Setup.OMEGA_INVERSE, EDGE, ONE);
    }

    /// @dev 1/(ζ^n − 1), ζ^{n−1} = ζ^n/ζ, and κ(ζ) = K(α,ζ)u(ζ) − K(α,ζ/ω)u(ζ/ω) as its two parts.
    function _pushSingle(Fractions memory f, Point memory point) private pure {
        _push(f, ONE, point.vanishing);
        _push(f, point.vanishing + ONE, point.zeta);
        _pushKernel(f, point, point.zeta, point.zetaRows);
        F shifted = point.zeta * Setup.OMEGA_INVERSE;
        _pushKernel(f, point, shifted, Field.squareTimes(shifted, point.logRows));
    }

    /// @dev K(α,X) u(X) = (X − α + αX^R − Xα^R)(X^n − 1)/n / ((X − α)(X^R − 1)) at X = x; x^n = ζ^n.
    function _pushKernel(Fractions memory f, Point memory point, F x, F xRows) private pure {
        F difference = x - point.alpha;
        F numerator = difference + point.alpha * xRows - x * point.alphaRows;
        _push(f, numerator * point.lagrange, difference * (xRows - ONE));
    }

    /// @dev M(ω^b ζ) = (ζ^n − 1)/Π_{j∈aux}(ω^b ζ − ω^j).
    function _pushMasks(Fractions memory f, Point memory point, uint256[] calldata aux) private pure {
        uint256 count = aux.length;
        F[] memory roots = new F[](count);
        for (uint256 i; i < count; ++i) {
            roots[i] = root(aux[i]);
        }
        F x = point.zeta;
        for (uint256 b; b < point.packing; ++b) {
            F product = ONE;
            for (uint256 i; i < count; ++i) {
                product = product * (x - roots[i]);
            }
            _push(f, point.vanishing, product);
            x = x * Setup.OMEGA;
        }
    }

    /// @dev (α^R − 1)/R. Zero when α ∈ H', where the folding of rows is no longer one.
    function _rowFactor(Point memory point) private pure returns (F) {
        F alphaVanishing = point.alphaRows - ONE;
        if (alphaVanishing.isZero()) revert IProofVerifier.ZeroDivisor();
        return alphaVanishing * F.wrap(point.packing) * Setup.N_INVERSE;
    }

    /// @dev λ_i(α) = ω^{Bi} (α^R − 1)/(R (α − ω^{Bi})) for the target row i of each group.
    function _pushRows(Fractions memory f, Point memory point, Group[] calldata groups, F rowFactor) private pure {
        for (uint256 g; g < groups.length; ++g) {
            F node = root(point.packing * groups[g].row);
            _push(f, node * rowFactor, point.alpha - node);
        }
    }

    /// @dev L_{Bk}(ζ), k < count.
    function _pushColumns(Fractions memory f, Point memory point, uint256 count) private pure {
        F omegaB = Field.squareTimes(Setup.OMEGA, Setup.LOG_N - point.logRows);
        _pushLagrange(f, point, ONE, omegaB, count, ONE);
    }

    /// @dev value·L_j(ω^b ζ) = value·L_{j−b}(ζ), b < B, for each public slot j.
    function _pushPublicSlots(Fractions memory f, Point memory point, PublicSlot[] calldata slots) private pure {
        for (uint256 i; i < slots.length; ++i) {
            F omegaJ = root(slots[i].slot);
            _pushLagrange(f, point, omegaJ, Setup.OMEGA_INVERSE, point.packing, F.wrap(slots[i].value));
        }
    }

    /// @dev For each vector and b the sum over the public slots of what `_pushPublicSlots` left at `next`.
    function _known(F[] memory all, uint256 next, Holdings[] calldata holdings, uint256 packing)
        private
        pure
        returns (F[] memory known)
    {
        known = new F[](holdings.length * packing);
        for (uint256 vector; vector < holdings.length; ++vector) {
            uint256 base = vector * packing;
            for (uint256 i; i < holdings[vector].publicSlots.length; ++i) {
                for (uint256 b; b < packing; ++b) {
                    known[base + b] = known[base + b] + all[next++];
                }
            }
        }
    }

    function _slice(F[] memory all, uint256 start, uint256 length) private pure returns (F[] memory part) {
        part = new F[](length);
        assembly ("memory-safe") {
            // part = all[start:start + length]
            mcopy(add(part, 0x20), add(add(all, 0x20), shl(5, start)), shl(5, length))
        }
    }
}
