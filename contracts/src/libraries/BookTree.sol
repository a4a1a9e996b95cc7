// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Book, IBookVerifier, Inclusion} from "../interfaces/IBookVerifier.sol";
import {F, Field} from "./Field.sol";
import {Setup} from "./Setup.sol";
import {StatementKeys} from "./StatementKeys.sol";
import {Transcript} from "./Transcript.sol";

/// @title The hashes of a liability book: leaves, tree, root and identifiers (protocol §9)
library BookTree {
    /// @dev Points of a chunk for each currency, besides [id]: seven limbs and C_out.
    uint256 internal constant POINTS_PER_CURRENCY = StatementKeys.LIMB_COUNT + 1;
    /// @dev Active entries of a chunk; what stands behind them is randomness.
    uint256 internal constant CAPACITY = Setup.N - StatementKeys.BLINDING_ENTRIES;

    bytes32 private constant ACCOUNT_TAG = keccak256("attest/v1/account");
    uint8 private constant LEAF = 0;
    uint8 private constant NODE = 1;

    /// @notice Refuses slots that no holdings have.
    function checkSlots(Book calldata book) internal pure {
        uint256 last; // slot 0 is the constant
        for (uint256 i; i < book.slots.length; ++i) {
            uint256 slot = book.slots[i];
            if (slot <= last || slot >= CAPACITY) revert IBookVerifier.InvalidSlots();
            last = slot;
        }
        if (last == 0) revert IBookVerifier.InvalidSlots();
    }

    /// @notice keccak256(0x00 ‖ chunk ‖ commitments). Commitments of other currencies than the book's are refused.
    function leaf(Book calldata book, uint256 chunk, bytes calldata commitments) internal pure returns (bytes32) {
        uint256 expected = 128 * (1 + POINTS_PER_CURRENCY * book.slots.length);
        if (commitments.length != expected) revert IBookVerifier.WrongLength(expected, commitments.length);
        return keccak256(abi.encodePacked(LEAF, chunk, commitments));
    }

    /// @notice The tree's top over `level`, which is overwritten; an odd last node of a level moves up unchanged.
    function top(bytes32[] memory level) internal pure returns (bytes32) {
        uint256 count = level.length;
        for (; count > 1; count = (count + 1) / 2) {
            for (uint256 i; i < count; i += 2) {
                level[i / 2] = i + 1 == count ? level[i] : _node(level[i], level[i + 1]);
            }
        }
        return level[0];
    }

    /// @notice The top that a chunk's leaf and its path lead to.
    function climb(Book calldata book, uint256 chunk, bytes32 node, bytes32[] calldata path)
        internal
        pure
        returns (bytes32)
    {
        uint256 count = book.count;
        if (chunk >= count) revert IBookVerifier.UnknownChunk(chunk, count);
        uint256 next;
        for (; count > 1; (chunk, count) = (chunk / 2, (count + 1) / 2)) {
            if (chunk ^ 1 >= count) continue;
            if (next == path.length) revert IBookVerifier.WrongPath();
            node = chunk % 2 == 0 ? _node(node, path[next]) : _node(path[next], node);
            ++next;
        }
        if (next != path.length) revert IBookVerifier.WrongPath();
        return node;
    }

    /// @notice The book root of a tree. (P.26)
    function root(Book calldata book, bytes32 tree) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(Transcript.BOOK_TAG, book.fund, book.epoch, book.slots, book.currencies, book.count, tree)
        );
    }

    /// @notice What stands at an account's entry in the column of identifiers. (P.25)
    function identifier(Book calldata book, Inclusion calldata inclusion) internal pure returns (F) {
        bytes32 digest = keccak256(
            abi.encode(ACCOUNT_TAG, book.fund, book.epoch, inclusion.accountHash, inclusion.nonceHash, inclusion.salt)
        );
        return Field.reduce(uint256(digest));
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(NODE, left, right));
    }
}
