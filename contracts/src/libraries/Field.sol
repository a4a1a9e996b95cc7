// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";

/// @dev r, the order of the groups of BLS12-381 (EIP-2537, "Curve parameters").
uint256 constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

/// @notice An element of F_r, always below r. Arithmetic is modular, so it needs no overflow checks.
type F is uint256;

F constant ZERO = F.wrap(0);
F constant ONE = F.wrap(1);

using {add as +, sub as -, mul as *, same as ==, neg, square, isZero, raw} for F global;

function add(F a, F b) pure returns (F) {
    return F.wrap(addmod(F.unwrap(a), F.unwrap(b), R));
}

function sub(F a, F b) pure returns (F) {
    unchecked {
        return F.wrap(addmod(F.unwrap(a), R - F.unwrap(b), R));
    }
}

function mul(F a, F b) pure returns (F) {
    return F.wrap(mulmod(F.unwrap(a), F.unwrap(b), R));
}

function same(F a, F b) pure returns (bool) {
    return F.unwrap(a) == F.unwrap(b);
}

function neg(F a) pure returns (F) {
    return ZERO - a;
}

function square(F a) pure returns (F) {
    return a * a;
}

function isZero(F a) pure returns (bool) {
    return F.unwrap(a) == 0;
}

function raw(F a) pure returns (uint256) {
    return F.unwrap(a);
}

/// @title The scalar field F_r of BLS12-381 (protocol §3)
library Field {
    /// @dev MODEXP, the only way to an inverse: x^(r−2) (EIP-198).
    uint256 private constant MODEXP = 0x05;

    /// @dev x mod r.
    function reduce(uint256 x) internal pure returns (F) {
        return F.wrap(x % R);
    }

    /// @dev x^(2^k) by k squarings.
    function squareTimes(F x, uint256 k) internal pure returns (F y) {
        y = x;
        assembly ("memory-safe") {
            // for (; k > 3; k -= 4) y = y ** 16;
            // for (; k != 0; --k) y = y * y;
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            for {} gt(k, 3) { k := sub(k, 4) } {
                y := mulmod(y, y, r)
                y := mulmod(y, y, r)
                y := mulmod(y, y, r)
                y := mulmod(y, y, r)
            }
            for {} k { k := sub(k, 1) } { y := mulmod(y, y, r) }
        }
    }

    /// @dev 1/x. MODEXP of 0 answers 0, hence the check.
    function inverse(F x) internal view returns (F y) {
        bool done;
        assembly ("memory-safe") {
            // abi.encodePacked(uint256(32), uint256(32), uint256(32), x, r − 2, r)
            let p := mload(0x40)
            mstore(p, 0x20)
            mstore(add(p, 0x20), 0x20)
            mstore(add(p, 0x40), 0x20)
            mstore(add(p, 0x60), x)
            mstore(add(p, 0x80), 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfefffffffeffffffff)
            mstore(add(p, 0xa0), 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001)
            done := staticcall(gas(), MODEXP, p, 0xc0, 0x00, 0x20)
            done := and(done, eq(returndatasize(), 0x20))
            y := mload(0x00)
        }
        if (!done || y.isZero()) revert IProofVerifier.ZeroDivisor();
    }

    /// @notice Replaces every denominator by numerator / denominator, with one inversion (Montgomery's trick). The numerators
    /// are used up.
    /// @dev Reverts with ZeroDivisor when any denominator is 0, because then their product is.
    function divideAll(F[] memory numerators, F[] memory denominators) internal view {
        uint256 length = denominators.length;
        // numerators[i] · Π denominators[0..i−1] takes the place of numerators[i].
        F product = ONE;
        assembly ("memory-safe") {
            // for (i = 0; i < length; ++i) {
            //     numerators[i] = numerators[i] * product;
            //     product = product * denominators[i];
            // }
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            let shift := sub(numerators, denominators)
            let end := add(add(denominators, 0x20), shl(5, length))
            for { let at := add(denominators, 0x20) } lt(at, end) { at := add(at, 0x20) } {
                mstore(add(at, shift), mulmod(mload(add(at, shift)), product, r))
                product := mulmod(product, mload(at), r)
            }
        }
        finishDivision(numerators, denominators, product);
    }

    /// @notice The second half of `divideAll`, for numerators that already stand as numerators[i] · Π denominators[0..i−1].
    /// @param product of all denominators
    function finishDivision(F[] memory numerators, F[] memory denominators, F product) internal view {
        uint256 length = denominators.length;
        F running = inverse(product); // 1 / Π denominators[0..i]
        assembly ("memory-safe") {
            // for (i = length - 1; i >= 0; --i) {
            //     (denominators[i], running) = (running * numerators[i], running * denominators[i]);
            // }
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            let shift := sub(numerators, denominators)
            for { let at := add(denominators, shl(5, length)) } gt(at, denominators) { at := sub(at, 0x20) } {
                let denominator := mload(at)
                mstore(at, mulmod(running, mload(add(at, shift)), r))
                running := mulmod(running, denominator, r)
            }
        }
    }

    /// @dev An array that is not zeroed, for loops that fill it whole. Nothing here has room for 2^64 elements.
    function allocate(uint256 length) internal pure returns (F[] memory array) {
        assembly ("memory-safe") {
            // array = new F[](length), whatever its elements are
            array := mload(0x40)
            mstore(0x40, add(add(array, 0x20), shl(5, length)))
            mstore(array, length)
        }
    }

    /// @dev Σ_k array[first + k] x^k, k < count, which must all be inside.
    function horner(F[] memory array, uint256 first, uint256 count, F x) internal pure returns (F y) {
        assembly ("memory-safe") {
            // for (k = count; k != 0; --k) y = y * x + array[first + k - 1];
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            let start := add(array, shl(5, first))
            for { let at := add(start, shl(5, count)) } gt(at, start) { at := sub(at, 0x20) } {
                y := addmod(mulmod(y, x, r), mload(at), r)
            }
        }
    }

    /// @dev array[i] without the bounds check, for loops that stay inside by construction.
    function get(F[] memory array, uint256 i) internal pure returns (F x) {
        assembly ("memory-safe") {
            x := mload(add(add(array, 0x20), shl(5, i)))
        }
    }

    /// @dev array[i] = x without the bounds check, for loops that stay inside by construction.
    function set(F[] memory array, uint256 i, F x) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(array, 0x20), shl(5, i)), x)
        }
    }
}
