// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Holdings, IProofVerifier, PublicSlot} from "../src/interfaces/IProofVerifier.sol";
import {F} from "../src/libraries/Field.sol";
import {Challenges} from "../src/libraries/FiatShamir.sol";
import {Group, StatementKey} from "../src/libraries/StatementKeys.sol";
import {PublicValues} from "../src/libraries/Values.sol";
import {Test} from "./Test.sol";
import {VerifierHarness} from "./VerifierHarness.sol";

/// @title Public values against their definitions, term by term
contract ValuesTest is Test {
    uint256 private constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    uint256 private constant N = 4096;
    VerifierHarness private harness = new VerifierHarness();

    /// @dev A scalar like a challenge's: the fuzzer's favourites, 0 and 1, lie on zero divisors.
    function _spread(uint256 seed) private pure returns (uint256) {
        return toScalar(uint256(keccak256(abi.encode(seed))));
    }

    function _power(uint256 base, uint256 exponent) private pure returns (uint256 y) {
        y = 1;
        for (; exponent != 0; exponent >>= 1) {
            if (exponent & 1 != 0) y = mulmod(y, base, R);
            base = mulmod(base, base, R);
        }
    }

    function _inverse(uint256 x) private pure returns (uint256) {
        return _power(x, R - 2);
    }

    /// @dev 7^((r−1)/order · exponent).
    function _root(uint256 order, uint256 exponent) private pure returns (uint256) {
        return _power(_power(7, (R - 1) / order), exponent % order);
    }

    /// @dev The Lagrange polynomial of ω^index at x, over the domain of that order: ω^i (x^n − 1)/(n (x − ω^i)).
    function _lagrange(uint256 order, uint256 index, uint256 x) private pure returns (uint256) {
        uint256 node = _root(order, index);
        uint256 numerator = mulmod(node, addmod(_power(x, order), R - 1, R), R);
        return mulmod(numerator, _inverse(mulmod(order, addmod(x, R - node, R), R)), R);
    }

    function _key(uint256 packing) private pure returns (StatementKey memory key) {
        (key.version, key.n, key.packing, key.limbWidth, key.limbCount) = (1, N, packing, 11, 7);
        (key.size, key.rowCount) = (21, 50);
        key.kinds = new bytes(50);
        key.aux = new uint256[](2);
        (key.aux[0], key.aux[1]) = (7, 20);
        key.weights = new Group[](2);
        (key.weights[0].row, key.weights[1].row) = (13, 50);
        key.flagWeights = new Group[](1);
        key.flagWeights[0].row = 49;
        key.squareWeights = new Group[](1);
        key.squareWeights[0].row = 0;
        key.columns = new bytes32[4][]((20 + packing) / packing);
        key.previousColumns = new bytes32[4][](0);
    }

    function _holdings() private pure returns (Holdings[] memory holdings) {
        holdings = new Holdings[](1);
        holdings[0].publicSlots = new PublicSlot[](2);
        holdings[0].publicSlots[0] = PublicSlot(1, 1000);
        holdings[0].publicSlots[1] = PublicSlot(19, 2 ** 77 - 1);
    }

    function _assertSame(F actual, uint256 expected, string memory what) private pure {
        vm.assertEq(F.unwrap(actual), expected, what);
    }

    /// forge-config: default.fuzz.runs = 4
    function testFuzz_lagrangeValues(uint256 alpha, uint256 zeta) public view {
        (alpha, zeta) = (_spread(alpha), _spread(zeta));
        for (uint256 packing = 2; packing <= 8; packing *= 2) {
            _assertLagrangeValues(alpha, zeta, packing);
        }
    }

    function _assertLagrangeValues(uint256 alpha, uint256 zeta, uint256 packing) private view {
        PublicValues memory values = harness.values(abi.encode(_key(packing)), _holdings(), alpha, zeta);
        uint256 vanishing = addmod(_power(zeta, N), R - 1, R);
        _assertSame(values.vanishing, vanishing, "vanishing");
        vm.assertEq(mulmod(F.unwrap(values.vanishingInverse), vanishing, R), 1, "vanishing inverse");
        _assertSame(values.chunkStep, _power(zeta, N - 1), "chunk step");
        _assertSame(values.first, _lagrange(N, 0, zeta), "L_0");
        _assertSame(values.firstBlinding, _lagrange(N, N - 8, zeta), "L_{n-8}");
        uint256 active = 1;
        for (uint256 i = N - 8; i < N; ++i) {
            active = addmod(active, R - _lagrange(N, i, zeta), R);
        }
        _assertSame(values.active, active, "act");
        vm.assertEq(values.columns.length, (20 + packing) / packing, "columns");
        for (uint256 k; k < values.columns.length; ++k) {
            _assertSame(values.columns[k], _lagrange(N, packing * k, zeta), "L_{Bk}");
        }
        uint256[4] memory rows = [uint256(13), 50, 49, 0];
        for (uint256 g; g < 4; ++g) {
            _assertSame(values.rows[g], _lagrange(N / packing, rows[g], alpha), "lambda_row");
        }
        for (uint256 b; b < packing; ++b) {
            uint256 x = mulmod(_root(N, b), zeta, R);
            uint256 product = mulmod(addmod(x, R - _root(N, 7), R), addmod(x, R - _root(N, 20), R), R);
            _assertSame(values.masks[b], mulmod(vanishing, _inverse(product), R), "mask");
            uint256 known = mulmod(2 ** 77 - 1, _lagrange(N, 19, x), R);
            known = addmod(known, mulmod(1000, _lagrange(N, 1, x), R), R);
            _assertSame(values.known[b], known, "public slots");
        }
    }

    /// @dev κ interpolates +λ_i(α) on plus entries and −λ_i(α) on minus entries.
    /// forge-config: default.fuzz.runs = 8
    function testFuzz_kernelIsItsInterpolation(uint256 alpha, uint256 zeta) public view {
        (alpha, zeta) = (_spread(alpha), _spread(zeta));
        for (uint256 packing = 2; packing <= 8; packing *= 2) {
            _assertKernelIsItsInterpolation(alpha, zeta, packing);
        }
    }

    function _assertKernelIsItsInterpolation(uint256 alpha, uint256 zeta, uint256 packing) private view {
        uint256 rows = N / packing;
        F[] memory numerators = new F[](rows * 3);
        F[] memory denominators = new F[](rows * 3);
        uint256 node = 1;
        uint256 step = _root(rows, 1);
        for (uint256 i; i < rows; ++i) {
            uint256 next = mulmod(node, _root(N, 1), R);
            (numerators[3 * i], denominators[3 * i]) = (F.wrap(node), F.wrap(addmod(alpha, R - node, R)));
            (numerators[3 * i + 1], denominators[3 * i + 1]) = (F.wrap(node), F.wrap(addmod(zeta, R - node, R)));
            (numerators[3 * i + 2], denominators[3 * i + 2]) = (F.wrap(next), F.wrap(addmod(zeta, R - next, R)));
            node = mulmod(node, step, R);
        }
        F[] memory quotients = harness.divideAll(numerators, denominators);
        uint256 sum;
        for (uint256 i; i < rows; ++i) {
            uint256 difference = addmod(F.unwrap(quotients[3 * i + 1]), R - F.unwrap(quotients[3 * i + 2]), R);
            sum = addmod(sum, mulmod(F.unwrap(quotients[3 * i]), difference, R), R);
        }
        uint256 scale = mulmod(addmod(_power(alpha, rows), R - 1, R), addmod(_power(zeta, N), R - 1, R), R);
        uint256 expected = mulmod(mulmod(sum, scale, R), _inverse(mulmod(rows, N, R)), R);
        PublicValues memory values = harness.values(abi.encode(_key(packing)), new Holdings[](1), alpha, zeta);
        _assertSame(values.kernel, expected, "kappa");
    }

    function testFuzz_root(uint256 exponent) public view {
        _assertSame(harness.root(exponent), _root(N, exponent), "root");
    }

    function _assertZeroDivisor(uint256 alpha, uint256 zeta) private {
        bytes memory key = abi.encode(_key(4));
        Holdings[] memory holdings = _holdings();
        vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
        harness.values(key, holdings, alpha, zeta);
    }

    function testFuzz_zeroDivisorsRevert(uint256 index, uint256 x) public {
        x = _spread(x);
        _assertZeroDivisor(x, _root(N, index)); // ζ ∈ H
        _assertZeroDivisor(_root(N / 4, index), x); // α ∈ H'
        _assertZeroDivisor(x, x); // ζ = α
        _assertZeroDivisor(x, mulmod(x, _root(N, 1), R)); // ζ/ω = α
        _assertZeroDivisor(x, 0);
    }

    function _challenges(uint256 alpha, uint256 zeta, uint256 u) private pure returns (Challenges memory drawn) {
        (drawn.alpha, drawn.zeta, drawn.u) = (F.wrap(alpha), F.wrap(zeta), F.wrap(u));
    }

    /// @dev Z_T(u) over each factor, and Z_T(u) = Π_b (u − ω^b ζ)·(u^B − α).
    function testFuzz_clearedFactors(uint256 alpha, uint256 zeta, uint256 u, uint256 packingIndex) public view {
        (alpha, zeta, u) = (_spread(alpha), _spread(zeta), _spread(u ^ 1));
        uint256 packing = 2 ** bound(packingIndex, 1, 3);
        (F[] memory cleared, F product) = harness.clear(packing, _challenges(alpha, zeta, u));
        uint256 expected = addmod(_power(u, packing), R - alpha, R);
        vm.assertEq(mulmod(F.unwrap(cleared[packing]), expected, R), F.unwrap(product), "roots of X^B - alpha");
        for (uint256 b; b < packing; ++b) {
            uint256 factor = addmod(u, R - mulmod(_root(N, b), zeta, R), R);
            vm.assertEq(mulmod(F.unwrap(cleared[b]), factor, R), F.unwrap(product), "opening point");
            expected = mulmod(expected, factor, R);
        }
        vm.assertEq(F.unwrap(product), expected, "Z_T(u)");
    }

    function testFuzz_openingPointsAreRefused(uint256 x, uint256 b) public {
        x = _spread(x);
        Challenges memory drawn = _challenges(1, x, mulmod(_root(N, bound(b, 0, 3)), x, R));
        vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
        harness.clear(4, drawn);
        drawn = _challenges(_power(x, 4), 1, x);
        vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
        harness.clear(4, drawn);
    }
}
