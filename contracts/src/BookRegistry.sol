// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IBookRegistry} from "./interfaces/IBookRegistry.sol";
import {Book, IBookVerifier, Inclusion} from "./interfaces/IBookVerifier.sol";
import {IFundRegistry} from "./interfaces/IFundRegistry.sol";

/// @title Registry of liability books
contract BookRegistry is IBookRegistry, ERC165 {
    struct BookRecord {
        bytes32 root;
        bytes32 provenSource;
    }

    IBookVerifier private immutable BOOK_VERIFIER;
    IFundRegistry private immutable FUNDS;

    mapping(address fund => mapping(uint64 epoch => BookRecord)) private _books;

    constructor(IBookVerifier bookVerifier_, IFundRegistry funds_) {
        if (address(bookVerifier_).code.length == 0) revert NotAContract(address(bookVerifier_));
        if (address(funds_).code.length == 0) revert NotAContract(address(funds_));
        BOOK_VERIFIER = bookVerifier_;
        FUNDS = funds_;
    }

    /// @inheritdoc IBookRegistry
    function bookVerifier() external view returns (IBookVerifier) {
        return BOOK_VERIFIER;
    }

    /// @inheritdoc IBookRegistry
    function funds() external view returns (IFundRegistry) {
        return FUNDS;
    }

    /// @inheritdoc IBookRegistry
    function publishBook(address fund, uint64 epoch, bytes32 root) external {
        if (!FUNDS.actsFor(fund, msg.sender)) revert NotFund(fund, msg.sender);
        if (root == 0) revert EmptyBookRoot();
        BookRecord storage record = _books[fund][epoch];
        if (record.root != 0) revert BookExists(fund, epoch);
        record.root = root;
        emit BookPublished(fund, epoch, root);
    }

    /// @inheritdoc IBookRegistry
    function proveBook(Book calldata book, bytes[] calldata chunks, bytes[] calldata proofs) external {
        (bytes32 root, bytes32 commitmentHash) = BOOK_VERIFIER.verify(book, chunks, proofs);
        _checkRoot(book, root);
        bytes32 source = keccak256(abi.encode(keccak256(abi.encode(book.slots)), book.currencies, commitmentHash));
        _books[book.fund][book.epoch].provenSource = source;
        emit BookProved(book.fund, book.epoch, root, source);
    }

    /// @inheritdoc IBookRegistry
    function bookRoot(address fund, uint64 epoch) external view returns (bytes32) {
        return _books[fund][epoch].root;
    }

    /// @inheritdoc IBookRegistry
    function provenSource(address fund, uint64 epoch) external view returns (bytes32) {
        return _books[fund][epoch].provenSource;
    }

    /// @inheritdoc IBookRegistry
    function checkInclusion(Book calldata book, Inclusion calldata inclusion) external view {
        _checkRoot(book, BOOK_VERIFIER.checkInclusion(book, inclusion));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IBookRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @dev The book is the one that the fund published.
    function _checkRoot(Book calldata book, bytes32 root) private view {
        bytes32 published = _books[book.fund][book.epoch].root;
        if (published != root) revert WrongBook(published, root);
    }
}
