// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Book, Inclusion} from "../src/interfaces/IBookVerifier.sol";
import {Fixtures} from "./Fixtures.sol";

/// @title Liability books of the Python prover, written by tests/contracts/make_fixtures.py
abstract contract BookFixtures is Fixtures {
    /// @notice Arguments of `BookVerifier.verify`.
    struct BookCase {
        Book book;
        bytes[] chunks;
        bytes[] proofs;
    }

    string private constant BOOKS = "test/fixtures/book.json";

    function _bytesAt(string memory path) private view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile(BOOKS), path);
    }

    function publishedRoot() internal view returns (bytes32) {
        return bytes32(_bytesAt(".root"));
    }

    /// @dev C_book of the honest book.
    function bookCommitment() internal view returns (bytes memory) {
        return _bytesAt(".commitment");
    }

    /// @dev The honest book: of fund 0xf1 and epoch 7, slots 4 and 9, three chunks.
    function book() internal view returns (BookCase memory) {
        return bookNamed(".arguments");
    }

    function bookNamed(string memory path) internal view returns (BookCase memory c) {
        (c.book, c.chunks, c.proofs) = abi.decode(_bytesAt(path), (Book, bytes[], bytes[]));
    }

    /// @dev Alice's account in a chunk of the honest book, at entry 3.
    function inclusion(uint256 chunk) internal view returns (Book memory, Inclusion memory) {
        return inclusionNamed(string.concat(".inclusions[", vm.toString(chunk), "]"));
    }

    function inclusionNamed(string memory path) internal view returns (Book memory, Inclusion memory) {
        return abi.decode(_bytesAt(path), (Book, Inclusion));
    }

    function tree(uint256 count) internal view returns (bytes32[] memory, bytes32, bytes32[][] memory) {
        bytes memory encoded = _bytesAt(string.concat(".trees[", vm.toString(count - 1), "]"));
        return abi.decode(encoded, (bytes32[], bytes32, bytes32[][]));
    }

    /// @dev A point in 128 bytes and, behind it, in 48.
    function compressedPoint(uint256 i) internal view returns (bytes memory) {
        return _bytesAt(string.concat(".points[", vm.toString(i), "]"));
    }
}
