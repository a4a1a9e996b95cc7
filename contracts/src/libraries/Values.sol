// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Holdings, IProofVerifier, PublicSlot} from "../interfaces/IProofVerifier.sol";
import {F, Field, ONE} from "./Field.sol";
import {FiatShamir} from "./FiatShamir.sol";
import {Setup} from "./Setup.sol";
import {Group, StatementKey, StatementKeys} from "./StatementKeys.sol";

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
    using StatementKeys for StatementKey;

    /// @dev Fractions that are being collected: each numerator times the product of all denominators before it, as
    /// `Field.finishDivision` takes them, after which the denominators hold the values. product: of all denominators so far.
    struct Fractions {
        F[] numerators;
        F[] denominators;
        uint256 length;
        F product;
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
    /// @dev ω^{−n/8}.
    F private constant EIGHTH_ROOT = F.wrap(0x60b9f524ccbc6d03787d7d083f1b189fc54913cc6b4e0c269fc8017d5166afd3);

    function compute(StatementKey calldata key, Holdings[] calldata holdings, F alpha, F zeta)
        internal
        view
        returns (PublicValues memory values)
    {
        Point memory point = _point(key.packing, alpha, zeta);
        uint256 groups = key.groupCount();
        uint256 columns = key.matrix(0).length;
        if (key.matrix(1).length > columns) columns = key.matrix(1).length;
        uint256 slots = holdings[0].publicSlots.length;
        if (holdings.length == 2) slots += holdings[1].publicSlots.length;

        Fractions memory f;
        uint256 count = EDGE + SINGLE + point.packing + groups + columns + slots * point.packing;
        f.numerators = Field.allocate(count);
        f.denominators = Field.allocate(count);
        f.product = ONE;
        _pushEdge(f, point);
        _pushSingle(f, point);
        _pushMasks(f, point, key.auxSlots());
        F rowFactor = _rowFactor(point);
        _pushRows(f, point, key.family(0), rowFactor);
        _pushRows(f, point, key.family(1), rowFactor);
        _pushRows(f, point, key.family(2), rowFactor);
        _pushColumns(f, point, columns);
        for (uint256 i; i < holdings.length; ++i) {
            _pushPublicSlots(f, point, holdings[i].publicSlots);
        }
        assert(f.length == count);
        Field.finishDivision(f.numerators, f.denominators, f.product);

        F[] memory all = f.denominators;
        values.vanishing = point.vanishing;
        values.first = Field.get(all, 0);
        values.firstBlinding = Field.get(all, EDGE - 1);
        F active = ONE;
        unchecked {
            for (uint256 b = 1; b < EDGE; ++b) {
                active = active - Field.get(all, b);
            }
        }
        values.active = active;
        values.vanishingInverse = Field.get(all, EDGE);
        values.chunkStep = Field.get(all, EDGE + 1);
        values.kernel = Field.get(all, EDGE + 2) - Field.get(all, EDGE + 3);
        unchecked {
            // All below count.
            uint256 next = EDGE + SINGLE;
            values.masks = _slice(all, next, point.packing);
            next += point.packing;
            values.rows = _slice(all, next, groups);
            next += groups;
            values.columns = _slice(all, next, columns);
            next += columns;
            values.known = _known(all, next, holdings, point.packing);
        }
    }

    /// @notice ω^exponent.
    function root(uint256 exponent) internal pure returns (F power) {
        power = ONE;
        assembly ("memory-safe") {
            // for (k = 0; k < 12; ++k) if (exponent & 2 ** k != 0) power = power * OMEGA ** (2 ** k); // n = 2^12
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            if and(exponent, 0x1) {
                power := mulmod(power, 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306, r)
            }
            if and(exponent, 0x2) {
                power := mulmod(power, 0x6d031f1b5c49c83409f1ca610a08f16655ea6811be9c622d4a838b5d59cd79e5, r)
            }
            if and(exponent, 0x4) {
                power := mulmod(power, 0x325db5c3debf77a18f4de02c0f776af3ea437f9626fc085e3c28d666a5c2d854, r)
            }
            if and(exponent, 0x8) {
                power := mulmod(power, 0x095166525526a65439feec240d80689fd697168a3a6000fe4541b8ff2ee0434e, r)
            }
            if and(exponent, 0x10) {
                power := mulmod(power, 0x4f9b4098e2e9f12e6b368121ac0cf4ad0a0865a899e8deff4935bd2f817f694b, r)
            }
            if and(exponent, 0x20) {
                power := mulmod(power, 0x6898111413588742b7c68b4d7fdd60d098d0caac87f5713c5130c2c1660125be, r)
            }
            if and(exponent, 0x40) {
                power := mulmod(power, 0x45af6345ec055e4d14a1e27164d8fdbd2d967f4be2f951558140d032f0a9ee53, r)
            }
            if and(exponent, 0x80) {
                power := mulmod(power, 0x50e0903a157988bab4bcd40e22f55448bf6e88fb4c38fb8a360c60997369df4e, r)
            }
            if and(exponent, 0x100) {
                power := mulmod(power, 0x20b1ce9140267af9dd1c0af834cec32c17beb312f20b6f7653ea61d87742bcce, r)
            }
            if and(exponent, 0x200) {
                power := mulmod(power, 0x345766f603fa66e78c0625cd70d77ce2b38b21c28713b7007228fd3397743f7a, r)
            }
            if and(exponent, 0x400) {
                power := mulmod(power, 0x00000000000000008d51ccce760304d0ec030002760300000001000000000000, r)
            }
            if and(exponent, 0x800) {
                power := mulmod(power, 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000, r)
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
        F product = f.product;
        Field.set(f.numerators, i, numerator * product);
        Field.set(f.denominators, i, denominator);
        f.product = product * denominator;
        unchecked {
            f.length = i + 1;
        }
    }

    /// @dev scale/(x − 1) for `count` values x, of which the first is given and each next one is that times `step`. With
    /// x = ζω^{−j} and scale = (ζ^n − 1)/n that is L_j(ζ).
    function _pushRun(Fractions memory f, F x, F step, uint256 count, F scale) private pure {
        (F[] memory numerators, F[] memory denominators, uint256 next) = (f.numerators, f.denominators, f.length);
        F product = f.product;
        assembly ("memory-safe") {
            // for (end = next + count; next < end; ++next) {
            //     (numerators[next], denominators[next]) = (scale * product, x - ONE);
            //     product = product * denominators[next];
            //     x = x * step;
            // }
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            let minusOne := sub(r, 1)
            let shift := sub(numerators, denominators)
            let at := add(add(denominators, 0x20), shl(5, next))
            for { let end := add(at, shl(5, count)) } lt(at, end) { at := add(at, 0x20) } {
                mstore(add(at, shift), mulmod(scale, product, r))
                let denominator := addmod(x, minusOne, r)
                mstore(at, denominator)
                product := mulmod(product, denominator, r)
                x := mulmod(x, step, r)
            }
        }
        f.product = product;
        unchecked {
            f.length = next + count;
        }
    }

    function _pushEdge(Fractions memory f, Point memory point) private pure {
        _pushRun(f, point.zeta, Setup.OMEGA, EDGE, point.lagrange);
    }

    /// @dev 1/(ζ^n − 1), ζ^{n−1} = ζ^n/ζ, and κ(ζ) = K(α,ζ)u(ζ) − K(α,ζ/ω)u(ζ/ω) as its two parts.
    function _pushSingle(Fractions memory f, Point memory point) private pure {
        _push(f, ONE, point.vanishing);
        _push(f, point.vanishing + ONE, point.zeta);
        _pushKernel(f, point, point.zeta, point.zetaRows);
        // (ζ/ω)^R = ζ^R ω^{−n/B}
        F stepRows = Field.squareTimes(EIGHTH_ROOT, 3 + point.logRows - Setup.LOG_N);
        _pushKernel(f, point, point.zeta * Setup.OMEGA_INVERSE, point.zetaRows * stepRows);
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
        F[] memory roots = Field.allocate(count);
        (F x, F vanishing, uint256 packing) = (point.zeta, point.vanishing, point.packing);
        unchecked {
            for (uint256 i; i < count; ++i) {
                Field.set(roots, i, root(aux[i]));
            }
            for (uint256 b; b < packing; ++b) {
                F product = ONE;
                for (uint256 i; i < count; ++i) {
                    product = product * (x - Field.get(roots, i));
                }
                _push(f, vanishing, product);
                x = x * Setup.OMEGA;
            }
        }
    }

    /// @dev (α^R − 1)/R. Zero when α ∈ H', where the folding of rows is no longer one.
    function _rowFactor(Point memory point) private pure returns (F) {
        F alphaVanishing = point.alphaRows - ONE;
        if (alphaVanishing.isZero()) revert IProofVerifier.ZeroDivisor();
        return alphaVanishing * F.wrap(point.packing) * Setup.N_INVERSE;
    }

    /// @dev λ_i(α) = (α^R − 1)/(R (αω^{−Bi} − 1)) for the target row i of each group.
    function _pushRows(Fractions memory f, Point memory point, Group[] calldata groups, F rowFactor) private pure {
        (F alpha, uint256 packing) = (point.alpha, point.packing);
        unchecked {
            for (uint256 g; g < groups.length; ++g) {
                _push(f, rowFactor, alpha * root(Setup.N - packing * groups[g].row) - ONE);
            }
        }
    }

    /// @dev L_{Bk}(ζ), k < count.
    function _pushColumns(Fractions memory f, Point memory point, uint256 count) private pure {
        F step = Field.squareTimes(Setup.OMEGA_INVERSE, Setup.LOG_N - point.logRows);
        _pushRun(f, point.zeta, step, count, point.lagrange);
    }

    /// @dev value·L_j(ω^b ζ) = value·L_{j−b}(ζ), b < B, for each public slot j.
    function _pushPublicSlots(Fractions memory f, Point memory point, PublicSlot[] calldata slots) private pure {
        for (uint256 i; i < slots.length; ++i) {
            F x = point.zeta * root(Setup.N - slots[i].slot);
            _pushRun(f, x, Setup.OMEGA, point.packing, point.lagrange * F.wrap(slots[i].value));
        }
    }

    /// @dev For each vector and b the sum over the public slots of what `_pushPublicSlots` left at `next`.
    function _known(F[] memory all, uint256 next, Holdings[] calldata holdings, uint256 packing)
        private
        pure
        returns (F[] memory known)
    {
        unchecked {
            known = Field.allocate(holdings.length * packing);
            uint256 filled;
            for (uint256 vector; vector < holdings.length; ++vector) {
                uint256 end = next + holdings[vector].publicSlots.length * packing;
                for (uint256 b; b < packing; ++b) {
                    F value;
                    for (uint256 i = next + b; i < end; i += packing) {
                        value = value + Field.get(all, i);
                    }
                    Field.set(known, filled++, value);
                }
                next = end;
            }
        }
    }

    function _slice(F[] memory all, uint256 start, uint256 length) private pure returns (F[] memory part) {
        part = Field.allocate(length);
        assembly ("memory-safe") {
            // part = all[start:start + length]
            mcopy(add(part, 0x20), add(add(all, 0x20), shl(5, start)), shl(5, length))
        }
    }
}
