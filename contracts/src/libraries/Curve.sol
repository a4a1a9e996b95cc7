// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {F} from "./Field.sol";
import {Setup} from "./Setup.sol";

/// @title G1 of BLS12-381 by its precompiles: multi-scalar multiplication and the pairing check (EIP-2537)
/// @notice Both precompiles check that points are canonical, on the curve and in the subgroup; G1ADD does not check the
/// subgroup, and is used for sums alone that go into the pairing check. Malformed input burns all the gas that is forwarded, so exactly the price is. A missing precompile succeeds with
/// empty output, so the output's length is checked.
library Curve {
    /// @dev Terms point·scalar of one multi-scalar multiplication, 160 bytes each, from `start` to `next` of memory.
    struct Sum {
        uint256 start;
        uint256 next;
        uint256 end;
    }

    uint256 private constant G1ADD = 0x0b;
    uint256 private constant G1MSM = 0x0c;
    uint256 private constant PAIRING = 0x0f;

    uint256 private constant POINT_BYTES = 128;
    uint256 private constant TERM_BYTES = 160;

    uint256 private constant ADDITION_GAS = 375;
    uint256 private constant MULTIPLICATION_GAS = 12_000;
    uint256 private constant PAIRING_GAS = 37_700 + 2 * 32_600;

    /// @dev Thousandths of the full price for k = 1..128 terms, two bytes each; more terms cost what 128 do (EIP-2537).
    bytes private constant DISCOUNTS = hex"03e803b50350031d02fc02ee02e202d802cf02c802c102ba02b402af02aa02a502a1029d029902950292028e028b028802850282"
        hex"0280027d027b0278027602730271026f026d026b026902670265026302610260025e025c025b0259025702560254025302510250"
        hex"024f024d024c024a02490248024602450244024302410240023f023e023d023c023a023902380237023602350234023302320231"
        hex"0230022f022e022d022c022b022a02290228022702260225022402230223022202210220021f021e021d021c021c021b021a0219"
        hex"021802180217021602150214021402130212021102100210020f020e020d020d020c020b020a020a0209020802080207";

    /// @dev An empty sum with room for `capacity` terms.
    function allocate(uint256 capacity) internal pure returns (Sum memory sum) {
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(0x40, add(start, mul(capacity, TERM_BYTES)))
        }
        return Sum(start, start, start + capacity * TERM_BYTES);
    }

    /// @dev sum += scalar · (the point in the 128 bytes of calldata at `offset`).
    function add(Sum memory sum, uint256 offset, F scalar) internal pure {
        uint256 term = _take(sum);
        assembly ("memory-safe") {
            // memory[term:term + 160] = abi.encodePacked(msg.data[offset:offset + 128], scalar)
            calldatacopy(term, offset, POINT_BYTES)
            mstore(add(term, POINT_BYTES), scalar)
        }
    }

    /// @dev sum += scalar · point.
    function add(Sum memory sum, bytes32[4] calldata point, F scalar) internal pure {
        uint256 term = _take(sum);
        assembly ("memory-safe") {
            // memory[term:term + 160] = abi.encodePacked(point, scalar)
            calldatacopy(term, point, POINT_BYTES)
            mstore(add(term, POINT_BYTES), scalar)
        }
    }

    /// @dev sum += scalar · point.
    function add(Sum memory sum, bytes memory point, F scalar) internal pure {
        uint256 term = _take(sum);
        assembly ("memory-safe") {
            // memory[term:term + 160] = abi.encodePacked(point, scalar)
            mcopy(term, add(point, 0x20), POINT_BYTES)
            mstore(add(term, POINT_BYTES), scalar)
        }
    }

    /// @dev sum += weight · Σ_k scalars[k] · (the point in the 128 bytes of calldata at `offset` + 128 k), k < count, of which
    /// there are no more than scalars.
    function add(Sum memory sum, uint256 offset, F[] memory scalars, uint256 count, F weight) internal pure {
        uint256 term = sum.next;
        uint256 end = term + count * TERM_BYTES;
        assert(end <= sum.end && count <= scalars.length);
        sum.next = end;
        assembly ("memory-safe") {
            // for (k = 0; k < count; ++k) {
            //     memory[term:term + 160] = abi.encodePacked(msg.data[offset:offset + 128], weight * scalars[k]);
            //     term += 160; offset += 128;
            // }
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            for { let scalar := add(scalars, 0x20) } lt(term, end) { term := add(term, TERM_BYTES) } {
                calldatacopy(term, offset, POINT_BYTES)
                mstore(add(term, POINT_BYTES), mulmod(weight, mload(scalar), r))
                scalar := add(scalar, 0x20)
                offset := add(offset, POINT_BYTES)
            }
        }
    }

    /// @dev sum += factor · Σ_k power · step^k · (the point in the 128 bytes of calldata at `offset` + 128 k), k < count; answers
    /// power · step^count.
    function addPowers(Sum memory sum, uint256 offset, uint256 count, F factor, F power, F step)
        internal
        pure
        returns (F)
    {
        uint256 term = sum.next;
        uint256 end = term + count * TERM_BYTES;
        assert(end <= sum.end);
        sum.next = end;
        assembly ("memory-safe") {
            // for (k = 0; k < count; ++k) {
            //     memory[term:term + 160] = abi.encodePacked(msg.data[offset:offset + 128], factor * power);
            //     power = power * step; term += 160; offset += 128;
            // }
            let r := 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001
            for {} lt(term, end) { term := add(term, TERM_BYTES) } {
                calldatacopy(term, offset, POINT_BYTES)
                mstore(add(term, POINT_BYTES), mulmod(factor, power, r))
                power := mulmod(power, step, r)
                offset := add(offset, POINT_BYTES)
            }
        }
        return power;
    }

    function _take(Sum memory sum) private pure returns (uint256 term) {
        term = sum.next;
        assert(term < sum.end);
        unchecked {
            sum.next = term + TERM_BYTES;
        }
    }

    /// @dev The 128 bytes of calldata at `offset`.
    function load(uint256 offset) internal pure returns (bytes memory point) {
        point = new bytes(POINT_BYTES);
        assembly ("memory-safe") {
            // point = msg.data[offset:offset + 128]
            calldatacopy(add(point, 0x20), offset, POINT_BYTES)
        }
    }

    /// @notice The sum, as 128 bytes.
    function evaluate(Sum memory sum) internal view returns (bytes memory point) {
        uint256 start = sum.start;
        uint256 length = sum.next - start;
        uint256 price = multiplicationGas(length / TERM_BYTES);
        point = new bytes(POINT_BYTES);
        bool done;
        assembly ("memory-safe") {
            // (done, point) = G1MSM.staticcall{gas: price}(memory[start:start + length])
            done := staticcall(price, G1MSM, start, length, add(point, 0x20), POINT_BYTES)
            done := and(done, eq(returndatasize(), POINT_BYTES))
        }
        if (!done) revert IProofVerifier.MalformedPoint();
    }

    /// @dev Whether the sum has no terms: the multiplication refuses those.
    function isEmpty(Sum memory sum) internal pure returns (bool) {
        return sum.next == sum.start;
    }

    /// @notice a + b, of which only canonical encoding and the curve are checked.
    function plus(bytes memory a, bytes memory b) internal view returns (bytes memory point) {
        bytes memory pair = bytes.concat(a, b);
        point = new bytes(POINT_BYTES);
        bool done;
        assembly ("memory-safe") {
            // (done, point) = G1ADD.staticcall{gas: ADDITION_GAS}(pair)
            done := staticcall(ADDITION_GAS, G1ADD, add(pair, 0x20), mload(pair), add(point, 0x20), POINT_BYTES)
            done := and(done, eq(returndatasize(), POINT_BYTES))
        }
        if (!done) revert IProofVerifier.MalformedPoint();
    }

    /// @notice What G1MSM charges for `count` terms.
    function multiplicationGas(uint256 count) internal pure returns (uint256) {
        bytes memory discounts = DISCOUNTS;
        uint256 index = count < 128 ? count : 128;
        uint256 discount;
        assembly ("memory-safe") {
            // discount = uint16(bytes2(discounts[2 * (index - 1):2 * index]))
            discount := and(mload(add(discounts, mul(2, index))), 0xffff)
        }
        return count * MULTIPLICATION_GAS * discount / 1000;
    }

    /// @notice Whether e(left, [1]_2) = e(right, [τ]_2).
    function pairingHolds(bytes memory left, bytes memory right) internal view returns (bool) {
        // e(left, [1]_2) · e(right, −[τ]_2) = 1
        bytes memory pairs = bytes.concat(left, Setup.G2_ONE, right, Setup.G2_MINUS_TAU);
        bool done;
        uint256 answer;
        assembly ("memory-safe") {
            // (done, answer) = PAIRING.staticcall{gas: PAIRING_GAS}(pairs)
            done := staticcall(PAIRING_GAS, PAIRING, add(pairs, 0x20), mload(pairs), 0x00, 0x20)
            done := and(done, eq(returndatasize(), 0x20))
            answer := mload(0x00)
        }
        if (!done) revert IProofVerifier.MalformedPoint();
        return answer == 1;
    }
}
