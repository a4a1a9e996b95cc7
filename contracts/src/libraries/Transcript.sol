// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {F, Field, R} from "./Field.sol";

/// @title The Fiat–Shamir transcript over keccak256 (protocol §5)
/// @notice absorb(x): state = keccak256(state ‖ x), one absorb for each item; challenge: state = keccak256(state ‖ 0x01),
/// value = state mod r. Everything but a point is 32 bytes big-endian, a point is its 128 bytes of EIP-2537.
library Transcript {
    /// @dev The state and, right behind it, the item that is hashed with it.
    struct State {
        bytes32 state;
        bytes32 item;
        bytes32 item1;
        bytes32 item2;
        bytes32 item3;
    }

    /// @dev Where transcripts start: of a policy's proof, and of a liability book's chunk.
    bytes32 internal constant POLICY_TAG = keccak256("attest/v1/policy");
    bytes32 internal constant BOOK_TAG = keccak256("attest/v1/book");

    function start(bytes32 tag) internal pure returns (State memory transcript) {
        transcript.state = tag;
    }

    function absorb(State memory transcript, bytes32 item) internal pure {
        assembly ("memory-safe") {
            // transcript.item = item; transcript.state = keccak256(abi.encodePacked(transcript.state, item))
            mstore(add(transcript, 0x20), item)
            mstore(transcript, keccak256(transcript, 0x40))
        }
    }

    function absorb(State memory transcript, uint256 item) internal pure {
        absorb(transcript, bytes32(item));
    }

    function absorb(State memory transcript, F item) internal pure {
        absorb(transcript, bytes32(item.raw()));
    }

    /// @dev The 128 bytes of calldata at `offset`.
    function absorbPoint(State memory transcript, uint256 offset) internal pure {
        assembly ("memory-safe") {
            // transcript.state = keccak256(abi.encodePacked(transcript.state, msg.data[offset:offset + 128]))
            calldatacopy(add(transcript, 0x20), offset, 0x80)
            mstore(transcript, keccak256(transcript, 0xa0))
        }
    }

    /// @dev `count` points from `offset` of calldata on; answers the offset behind them.
    function absorbPoints(State memory transcript, uint256 offset, uint256 count) internal pure returns (uint256) {
        assembly ("memory-safe") {
            // for (end = offset + 128 * count; offset < end; offset += 128) absorbPoint(transcript, offset);
            let item := add(transcript, 0x20)
            for { let end := add(offset, shl(7, count)) } lt(offset, end) { offset := add(offset, 0x80) } {
                calldatacopy(item, offset, 0x80)
                mstore(transcript, keccak256(transcript, 0xa0))
            }
        }
        return offset;
    }

    /// @dev Absorbs and returns `count` scalars from `offset` of calldata on; each must be below r.
    function absorbScalars(State memory transcript, uint256 offset, uint256 count)
        internal
        pure
        returns (F[] memory scalars)
    {
        scalars = Field.allocate(count);
        bool canonical = true;
        assembly ("memory-safe") {
            // for (i = 0; i < count; ++i) {
            //     scalars[i] = uint256(bytes32(msg.data[offset + 32 * i:offset + 32 * (i + 1)]));
            //     canonical = canonical && scalars[i] < R;
            //     transcript.state = keccak256(abi.encodePacked(transcript.state, scalars[i]));
            // }
            let end := add(offset, shl(5, count))
            let item := add(transcript, 0x20)
            for { let target := add(scalars, 0x20) } lt(offset, end) { offset := add(offset, 0x20) } {
                let scalar := calldataload(offset)
                canonical := and(
                    canonical,
                    lt(scalar, 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001)
                )
                mstore(target, scalar)
                mstore(item, scalar)
                mstore(transcript, keccak256(transcript, 0x40))
                target := add(target, 0x20)
            }
        }
        if (!canonical) {
            for (uint256 i; i < count; ++i) {
                if (scalars[i].raw() >= R) revert IProofVerifier.ScalarNotCanonical(i);
            }
        }
    }

    function challenge(State memory transcript) internal pure returns (F) {
        bytes32 state;
        assembly ("memory-safe") {
            // transcript.state = keccak256(abi.encodePacked(transcript.state, uint8(1)))
            mstore8(add(transcript, 0x20), 0x01)
            state := keccak256(transcript, 0x21)
            mstore(transcript, state)
        }
        return Field.reduce(uint256(state));
    }
}
