// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry, ProgramProof} from "../interfaces/IAttestationRegistry.sol";
import {Context, Holdings, IProofVerifier} from "../interfaces/IProofVerifier.sol";

/// @title The call of the verifier with several programs' keys and proofs
/// @dev Those are long, so they are copied straight from calldata to their places in the encoding.
library VerifierCall {
    /// @dev Words of `verifyAll`'s arguments that say where keys, program ids (and holdings) and proofs are.
    uint256 private constant KEYS = 0;
    uint256 private constant PROGRAM_IDS = 10;
    uint256 private constant PROOFS = 12;

    /// @notice verifier.verifyAll(keys, context, programIds, holdings, proofs) with the keys and proofs of `programs`. Reverts as
    /// the verifier does.
    function verifyAll(
        IProofVerifier verifier,
        ProgramProof[] calldata programs,
        Context memory context,
        bytes32[] memory programIds,
        Holdings[] memory holdings
    ) internal view {
        bytes memory rest = abi.encode(programIds, holdings);
        // The zeros are where the offsets go of what is appended.
        bytes memory data = abi.encodeWithSelector(IProofVerifier.verifyAll.selector, 0, context, 0, 0, 0);
        uint256 array = _appendArray(data, KEYS, programs.length);
        for (uint256 i; i < programs.length; ++i) {
            _appendItem(data, array, i, programs[i].key);
        }
        _appendPair(data, PROGRAM_IDS, rest);
        array = _appendArray(data, PROOFS, programs.length);
        for (uint256 i; i < programs.length; ++i) {
            _appendItem(data, array, i, programs[i].proof);
        }
        (bool done, bytes memory answer) = address(verifier).staticcall(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer)) // with the verifier's error
            }
        }
        if (answer.length == 0) revert IAttestationRegistry.NotAContract(address(verifier));
    }

    /// @dev Makes argument number `argument` of the call `data`, which nothing follows in memory, an array of `count` items of
    /// bytes, for which `_appendItem` is called in turn. Answers where the array's content starts.
    function _appendArray(bytes memory data, uint256 argument, uint256 count) private pure returns (uint256 array) {
        assembly ("memory-safe") {
            // data[4 + 32 * argument:][:32] = bytes32(data.length - 4); data = bytes.concat(data, bytes32(count), new bytes(32 * count))
            let length := mload(data)
            mstore(add(add(data, 0x24), shl(5, argument)), sub(length, 4))
            array := add(add(data, 0x40), length)
            mstore(sub(array, 0x20), count)
            mstore(data, add(add(length, 0x20), shl(5, count)))
            mstore(0x40, add(array, shl(5, count)))
        }
    }

    /// @dev Makes arguments number `argument` and the next one what is encoded in `rest`.
    function _appendPair(bytes memory data, uint256 argument, bytes memory rest) private pure {
        assembly ("memory-safe") {
            // for (k = 0; k < 2; ++k) data[4 + 32 * (argument + k):][:32] = rest[32 * k:][:32] - 64 + data.length - 4
            // data = bytes.concat(data, rest[64:])
            let length := mload(data)
            let heads := add(add(data, 0x24), shl(5, argument))
            mstore(heads, sub(add(mload(add(rest, 0x20)), length), 0x44))
            mstore(add(heads, 0x20), sub(add(mload(add(rest, 0x40)), length), 0x44))
            let size := sub(mload(rest), 0x40)
            let end := add(add(data, 0x20), length)
            mcopy(end, add(rest, 0x60), size)
            mstore(data, add(length, size))
            mstore(0x40, add(end, size))
        }
    }

    /// @dev Appends item number i to the array of bytes that `_appendArray` has started.
    function _appendItem(bytes memory data, uint256 array, uint256 i, bytes calldata item) private pure {
        assembly ("memory-safe") {
            // memory[array + 32 * i:][:32] = bytes32(end - array)
            // data = bytes.concat(data, bytes32(item.length), item, new bytes(-item.length % 32)), which ends at `end` before
            let end := add(add(data, 0x20), mload(data))
            mstore(add(array, shl(5, i)), sub(end, array))
            mstore(end, item.length)
            let padded := and(add(item.length, 0x1f), not(0x1f))
            calldatacopy(add(end, 0x20), item.offset, item.length)
            calldatacopy(add(add(end, 0x20), item.length), calldatasize(), sub(padded, item.length)) // zeros
            mstore(data, add(mload(data), add(padded, 0x20)))
            mstore(0x40, add(add(end, 0x20), padded))
        }
    }
}
