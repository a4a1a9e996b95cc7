// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {Setup} from "./Setup.sol";

/// @notice One weight polynomial: the aggregate of target row `row`, committed.
struct Group {
    uint256 row;
    bytes32[4] commitment;
}

/// @notice A public integer program as its polynomials (protocol §3, §6). Its digest is keccak256 of its ABI encoding.
/// @dev version: 1. n, limbWidth, limbCount: 4096, 11, 7. packing: B. size: N, slots with slot 0. previousSize: N' of
/// the previous epoch's vector, 0 without one. rowCount: ρ. kinds: a byte a row. aux: slots the prover fills, ascending.
/// weights, flagWeights, squareWeights: families W, WE, W2, ascending by row, the zero group last in W. columns: P_k.
struct StatementKey {
    uint256 version;
    uint256 n;
    uint256 packing;
    uint256 limbWidth;
    uint256 limbCount;
    uint256 size;
    uint256 previousSize;
    uint256 rowCount;
    bytes kinds;
    uint256[] aux;
    Group[] weights;
    Group[] flagWeights;
    Group[] squareWeights;
    bytes32[4][] columns;
    bytes32[4][] previousColumns;
    bytes32 layoutHash;
    bytes32 previousLayoutHash;
    bytes32 policyHash;
    bytes32 marketHash;
}

/// @title Reading a statement key from calldata
/// @notice Accepts nothing but the canonical ABI encoding, so that every byte that is read is under the digest.
library StatementKeys {
    uint256 internal constant VERSION = 1;
    uint256 internal constant LIMB_WIDTH = 11;
    uint256 internal constant LIMB_COUNT = 7;
    /// @dev The last entries of every private column, which hold randomness.
    uint256 internal constant BLINDING_ENTRIES = 8;

    /// @dev Words of the struct's head, one a member.
    uint256 private constant HEAD_WORDS = 19;
    uint256 private constant FIRST_DYNAMIC_MEMBER = 8;
    uint256 private constant DYNAMIC_MEMBERS = 7;
    uint256 private constant POINT_BYTES = 128;
    uint256 private constant GROUP_BYTES = 160;

    /// @notice The key inside `encoded`, checked for canonical encoding and for parameters of this proof system.
    function decode(bytes calldata encoded) internal pure returns (StatementKey calldata key) {
        key = accepted(encoded);
        uint256 start;
        assembly ("memory-safe") {
            start := key
        }
        if (encoded.length < (1 + HEAD_WORDS) * 32 || bytes32(encoded[:32]) != bytes32(uint256(32))) {
            revert IProofVerifier.MalformedKey();
        }
        // Members follow one another without gaps: each offset is where the last member ended. A length read beyond the
        // key does no harm: the end only grows, and must come out at the end of the key.
        uint256 end = HEAD_WORDS * 32;
        unchecked {
            for (uint256 i; i < DYNAMIC_MEMBERS; ++i) {
                if (_word(start + (FIRST_DYNAMIC_MEMBER + i) * 32) != end) revert IProofVerifier.MalformedKey();
                uint256 length = _word(start + end);
                // No more than calldata is long, so that nothing here overflows.
                if (length > encoded.length) revert IProofVerifier.MalformedKey();
                end += 32 + _tail(i, length);
            }
        }
        if (end + 32 != encoded.length) revert IProofVerifier.MalformedKey();
        if (!_supported(key)) revert IProofVerifier.UnsupportedKey();
    }

    /// @notice The key inside bytes that `decode` has accepted.
    function accepted(bytes calldata encoded) internal pure returns (StatementKey calldata key) {
        assembly ("memory-safe") {
            // key = abi.decode(encoded, (StatementKey)), where it stands in calldata
            key := add(encoded.offset, 0x20)
        }
    }

    /// @notice Family 0, 1 or 2: key.weights, flagWeights or squareWeights. For keys whose offsets `decode` has found
    /// canonical, which Solidity would check at each access, as do `matrix` and `auxSlots`.
    function family(StatementKey calldata key, uint256 index) internal pure returns (Group[] calldata groups) {
        assembly ("memory-safe") {
            // groups = [key.weights, key.flagWeights, key.squareWeights][index]
            let start := add(key, calldataload(add(key, add(0x140, shl(5, index)))))
            groups.length := calldataload(start)
            groups.offset := add(start, 0x20)
        }
    }

    /// @notice How many weight polynomials there are in all families.
    function groupCount(StatementKey calldata key) internal pure returns (uint256) {
        unchecked {
            // No more than calldata has room for.
            return family(key, 0).length + family(key, 1).length + family(key, 2).length;
        }
    }

    /// @notice The matrix on the vector, 0, or on the previous one, 1: key.columns or previousColumns.
    function matrix(StatementKey calldata key, uint256 vector) internal pure returns (bytes32[4][] calldata points) {
        assembly ("memory-safe") {
            // points = [key.columns, key.previousColumns][vector]
            let start := add(key, calldataload(add(key, add(0x1a0, shl(5, vector)))))
            points.length := calldataload(start)
            points.offset := add(start, 0x20)
        }
    }

    /// @notice key.aux.
    function auxSlots(StatementKey calldata key) internal pure returns (uint256[] calldata slots) {
        assembly ("memory-safe") {
            // slots = key.aux
            let start := add(key, calldataload(add(key, 0x120)))
            slots.length := calldataload(start)
            slots.offset := add(start, 0x20)
        }
    }

    /// @dev Bytes behind the length word of dynamic member i.
    function _tail(uint256 i, uint256 length) private pure returns (uint256) {
        unchecked {
            if (i == 0) return (length + 31) / 32 * 32; // kinds
            if (i == 1) return length * 32; // aux
            if (i < 5) return length * GROUP_BYTES;
            return length * POINT_BYTES;
        }
    }

    function _supported(StatementKey calldata key) private pure returns (bool) {
        uint256 packing = key.packing;
        if (packing != 2 && packing != 4 && packing != 8) return false;
        uint256 maxSize = Setup.N - BLINDING_ENTRIES;
        if (key.version != VERSION || key.n != Setup.N) return false;
        if (key.limbWidth != LIMB_WIDTH || key.limbCount != LIMB_COUNT) return false;
        if (key.size == 0 || key.size > maxSize || key.previousSize > maxSize) return false;
        if (key.rowCount > Setup.N / packing - 5 || key.kinds.length != key.rowCount) return false;
        if (matrix(key, 0).length != columnCount(key.size, packing)) return false;
        if (matrix(key, 1).length != columnCount(key.previousSize, packing)) return false;
        Group[] calldata groups = family(key, 0);
        uint256 last = groups.length;
        if (last == 0 || groups[--last].row != key.rowCount) return false; // the zero group, always there
        if (!_ascending(groups[:last], key.rowCount)) return false;
        if (!_ascending(family(key, 1), key.rowCount)) return false;
        if (!_ascending(family(key, 2), key.rowCount)) return false;
        return _ascendingAux(auxSlots(key), key.size);
    }

    /// @dev Target rows ascend strictly and are the policy's own.
    function _ascending(Group[] calldata groups, uint256 rowCount) private pure returns (bool) {
        for (uint256 g; g < groups.length; ++g) {
            if (groups[g].row >= rowCount || (g != 0 && groups[g].row <= groups[g - 1].row)) return false;
        }
        return true;
    }

    function _ascendingAux(uint256[] calldata aux, uint256 size) private pure returns (bool) {
        uint256 last; // slot 0 is the constant and never aux
        for (uint256 i; i < aux.length; ++i) {
            if (aux[i] <= last || aux[i] >= size) return false;
            last = aux[i];
        }
        return true;
    }

    /// @dev ⌈size / packing⌉.
    function columnCount(uint256 size, uint256 packing) internal pure returns (uint256) {
        return (size + packing - 1) / packing;
    }

    function _word(uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(offset)
        }
    }
}
