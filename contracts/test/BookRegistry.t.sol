// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BookRegistry} from "../src/BookRegistry.sol";
import {IBookRegistry} from "../src/interfaces/IBookRegistry.sol";
import {Book, IBookVerifier, Inclusion} from "../src/interfaces/IBookVerifier.sol";
import {IFundRegistry} from "../src/interfaces/IFundRegistry.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {BookFixtures} from "./BookFixtures.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @title Roots of liability books, and books that the chain verifies
contract BookRegistryTest is RegistryFixtures, BookFixtures {
    bytes32 private constant ROOT = keccak256("a book");

    function setUp() public {
        deploy();
        registerFund();
    }

    function _prove() private {
        BookCase memory c = book();
        vm.prank(STRANGER);
        books.proveBook(c.book, c.chunks, c.proofs);
    }

    function _wrongBook(bytes32 published) private view returns (bytes memory) {
        return abi.encodeWithSelector(IBookRegistry.WrongBook.selector, published, publishedRoot());
    }

    function test_needsItsContracts() public {
        (IBookVerifier verifier, IFundRegistry funds_) = (books.bookVerifier(), books.funds());
        vm.assertEq(address(funds_), address(funds), "the registry of funds");
        vm.assertTrue(address(verifier).code.length != 0, "the verifier");
        bytes memory reason = abi.encodeWithSelector(IBookRegistry.NotAContract.selector, STRANGER);
        vm.expectRevert(reason);
        new BookRegistry(IBookVerifier(STRANGER), funds_);
        vm.expectRevert(reason);
        new BookRegistry(verifier, IFundRegistry(STRANGER));
    }

    function test_interfaces() public view {
        assertInterfaces(books, type(IBookRegistry).interfaceId);
    }

    // Publishing.

    function test_theFundPublishesARootOnce() public {
        vm.assertEq(books.bookRoot(FUND, 7), bytes32(0), "none yet");
        vm.expectEmit(address(books));
        emit IBookRegistry.BookPublished(FUND, 7, ROOT);
        publishBook(7, ROOT);
        vm.assertEq(books.bookRoot(FUND, 7), ROOT, "published");
        vm.assertEq(books.bookRoot(FUND, 8), bytes32(0), "of this epoch only");
        vm.assertEq(books.bookRoot(STRANGER, 7), bytes32(0), "of this fund only");
        publishBook(8, keccak256("another book"));
    }

    function test_operatorsPublish() public {
        setOperator(OPERATOR, true);
        vm.prank(OPERATOR);
        books.publishBook(FUND, 7, ROOT);
        setOperator(OPERATOR, false);
        vm.expectRevert(abi.encodeWithSelector(IBookRegistry.NotFund.selector, FUND, OPERATOR));
        vm.prank(OPERATOR);
        books.publishBook(FUND, 8, ROOT);
    }

    /// @dev Two roots in one epoch would show two investors two books.
    function test_aSecondRootIsRefused() public {
        publishBook(7, ROOT);
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IBookRegistry.BookExists.selector, FUND, uint64(7)));
            publishBook(7, i == 0 ? ROOT : keccak256("another book"));
        }
        vm.assertEq(books.bookRoot(FUND, 7), ROOT, "the first stays");
    }

    function testFuzz_nobodyElsePublishes(address caller) public {
        if (caller == FUND_OWNER) return;
        vm.expectRevert(abi.encodeWithSelector(IBookRegistry.NotFund.selector, FUND, caller));
        vm.prank(caller);
        books.publishBook(FUND, 7, ROOT);
    }

    function test_anEmptyRootIsRefused() public {
        vm.expectRevert(IBookRegistry.EmptyBookRoot.selector);
        publishBook(7, 0);
    }

    function testFuzz_rootsAreKeptApart(uint64 epoch, uint64 other, bytes32 root, bytes32 otherRoot) public {
        if (epoch == other || root == 0 || otherRoot == 0) return;
        publishBook(epoch, root);
        publishBook(other, otherRoot);
        vm.assertEq(books.bookRoot(FUND, epoch), root, "one");
        vm.assertEq(books.bookRoot(FUND, other), otherRoot, "the other");
    }

    // Proving. The fixtures' book is of this fund and epoch 7, with the claims slots 4 and 9.

    function test_aBookIsProved() public {
        publishBook(7, publishedRoot());
        vm.assertEq(books.provenSource(FUND, 7), bytes32(0), "not yet");
        uint256[] memory slots = new uint256[](2);
        (slots[0], slots[1]) = (4, 9);
        bytes32 total = keccak256(bookCommitment());
        bytes32 source = keccak256(abi.encode(keccak256(abi.encode(slots)), book().book.currencies, total));
        vm.expectEmit(address(books));
        emit IBookRegistry.BookProved(FUND, 7, publishedRoot(), source);
        _prove();
        vm.assertEq(books.provenSource(FUND, 7), source, "slots, currencies and total");
        vm.assertEq(books.provenSource(FUND, 8), bytes32(0), "of this epoch only");
        vm.assertEq(books.provenSource(STRANGER, 7), bytes32(0), "of this fund only");
    }

    function test_onlyThePublishedBookIsProved() public {
        vm.expectRevert(_wrongBook(0));
        _prove();
        publishBook(7, ROOT);
        vm.expectRevert(_wrongBook(ROOT));
        _prove();
        vm.assertEq(books.provenSource(FUND, 7), bytes32(0), "not proved");
    }

    function test_aFalseBookIsNotProved() public {
        publishBook(7, publishedRoot());
        BookCase memory c = book();
        (c.proofs[0], c.proofs[1]) = (c.proofs[1], c.proofs[0]);
        vm.expectPartialRevert(IProofVerifier.OpeningRejected.selector);
        books.proveBook(c.book, c.chunks, c.proofs);
        vm.assertEq(books.provenSource(FUND, 7), bytes32(0), "not proved");
    }

    // Inclusion.

    function test_inclusionInThePublishedBook() public {
        (Book memory of_, Inclusion memory shown) = inclusion(1);
        vm.expectRevert(_wrongBook(0));
        books.checkInclusion(of_, shown);
        publishBook(7, publishedRoot());
        books.checkInclusion(of_, shown);
        shown.balances[0] += 1;
        vm.expectRevert(abi.encodeWithSelector(IBookVerifier.BalanceRejected.selector, 0));
        books.checkInclusion(of_, shown);
    }

    function test_inclusionInAnotherBook() public {
        (Book memory of_, Inclusion memory shown) = inclusion(1);
        publishBook(7, ROOT);
        vm.expectRevert(_wrongBook(ROOT));
        books.checkInclusion(of_, shown);
    }
}
