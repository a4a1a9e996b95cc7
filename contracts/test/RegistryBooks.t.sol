// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Approval,
    BookStanding,
    IAttestationRegistry,
    SignedSource,
    SourceRequirement
} from "../src/interfaces/IAttestationRegistry.sol";
import {Book, IBookVerifier, Inclusion} from "../src/interfaces/IBookVerifier.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {SourceSets} from "../src/libraries/SourceSets.sol";
import {BookFixtures} from "./BookFixtures.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title Roots of liability books, and policies that require one
contract RegistryBooksTest is RegistryFixtures, BookFixtures {
    bytes32 private constant ROOT = keccak256("a book");

    function setUp() public {
        deploy();
        registerAll();
    }

    function _publish(uint64 epoch, bytes32 root) private {
        vm.prank(FUND_OWNER);
        registry.publishBook(FUND, epoch, root);
    }

    function test_theFundsOwnerPublishesARootOnce() public {
        vm.assertEq(registry.bookRoot(FUND, 7), bytes32(0), "none yet");
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.BookPublished(FUND, 7, ROOT);
        _publish(7, ROOT);
        vm.assertEq(registry.bookRoot(FUND, 7), ROOT, "published");
        vm.assertEq(registry.bookRoot(FUND, 8), bytes32(0), "of this epoch only");
        vm.assertEq(registry.bookRoot(STRANGER, 7), bytes32(0), "of this fund only");
        _publish(8, keccak256("another book"));
    }

    /// @dev Two roots in one epoch would show two investors two books.
    function test_aSecondRootIsRefused() public {
        _publish(7, ROOT);
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.BookExists.selector, FUND, uint64(7)));
            _publish(7, i == 0 ? ROOT : keccak256("another book"));
        }
        vm.assertEq(registry.bookRoot(FUND, 7), ROOT, "the first stays");
    }

    function test_nobodyElsePublishes(address caller) public {
        if (caller == FUND_OWNER) return;
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.NotOwner.selector, caller, FUND_OWNER));
        vm.prank(caller);
        registry.publishBook(FUND, 7, ROOT);
    }

    function test_anEmptyRootIsRefused() public {
        vm.expectRevert(IAttestationRegistry.EmptyBookRoot.selector);
        _publish(7, 0);
    }

    /// @dev The fixtures' policy requires no book: its proofs are about the root 0, whatever the fund published.
    function test_aPolicyWithoutABookTakesNoRoot() public {
        _publish(7, ROOT);
        submit(submission(0), FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[0]), "proved with root 0");
    }

    /// @dev The same sources, of which one is a liability book, under a policy of their own.
    function test_aPolicyWithABookNeedsItsRoot() public {
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[1].role = 4;
        vm.prank(POLICY_OWNER);
        bytes32 id = registry.registerPolicy(policyHashes[0], requirements, 1, "");
        approve(id, 7, approvalOf(0));
        acceptAllProofs();
        Submission memory s = submission(0);
        s.sources[1].signature = _signedAs(s.sources[1], 4, approvalOf(0));
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.BookNotPublished.selector, FUND, uint64(7)));
        _submit(id, s);
        _publish(7, ROOT);
        // The calldata begins with the place of the key, behind 12 words, and the context, of which these are the first six.
        bytes memory context =
            abi.encode(address(registry), FUND, uint64(7), s.expiry, keccak256(abi.encode(id, uint256(0))), ROOT);
        vm.expectCall(
            address(registry.verifier()), abi.encodePacked(IProofVerifier.verify.selector, uint256(12 * 32), context)
        );
        _submit(id, s);
        vm.assertTrue(registry.isCompliant(FUND, id), "with the root");
    }

    function test_aPolicyHasOneBookAtMost() public {
        SourceRequirement[] memory requirements = requirementsOf();
        (requirements[0].role, requirements[1].role) = (4, 4);
        vm.expectRevert(IAttestationRegistry.InvalidPolicy.selector);
        vm.prank(POLICY_OWNER);
        registry.registerPolicy(policyHashes[0], requirements, 1, "");
    }

    // Books that the chain verifies. The fixtures' book is of this fund and epoch 7, with the claims slots 4 and 9.

    function _prove() private {
        BookCase memory c = book();
        vm.prank(STRANGER);
        registry.proveBook(c.book, c.chunks, c.proofs);
    }

    function _assertStanding(BookStanding expected) private view {
        vm.assertEq(uint256(registry.bookStanding(FUND, 7)), uint256(expected), "standing");
    }

    function _source(uint256 first, uint256 second) private view returns (bytes32) {
        uint256[] memory slots = new uint256[](2);
        (slots[0], slots[1]) = (first, second);
        return keccak256(abi.encode(keccak256(abi.encode(slots)), keccak256(bookCommitment())));
    }

    /// @dev Source 1 becomes a liability book that owns `slots` and signs `commitment`, and the fund fixes it for epoch 7.
    function _fixSource(uint256[] memory slots, bytes memory commitment) private {
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[1].role = 4;
        vm.prank(POLICY_OWNER);
        bytes32 id = registry.registerPolicy(policyHashes[0], requirements, 1, "");
        Approval memory approval = approvalOf(0);
        approval.ownedSlotsHashes[1] = keccak256(abi.encode(slots));
        approve(id, 7, approval);
        SignedSource[] memory sources = submission(0).sources;
        sources[1].commitment = abi.decode(commitment, (bytes32[4]));
        sources[1].signature = _signedAs(sources[1], 4, approval);
        commit(id, 7, sources);
    }

    function _claimsSlots() private pure returns (uint256[] memory slots) {
        slots = new uint256[](2);
        (slots[0], slots[1]) = (4, 9);
    }

    function test_aBookIsProvedAndCounted() public {
        _assertStanding(BookStanding.NONE);
        _publish(7, publishedRoot());
        _assertStanding(BookStanding.PUBLISHED);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.BookProved(FUND, 7, publishedRoot(), _source(4, 9));
        _prove();
        _assertStanding(BookStanding.PROVED);
        _fixSource(_claimsSlots(), bookCommitment());
        _assertStanding(BookStanding.COUNTED);
        vm.assertEq(uint256(registry.bookStanding(FUND, 8)), uint256(BookStanding.NONE), "of this epoch only");
        vm.assertEq(uint256(registry.bookStanding(STRANGER, 7)), uint256(BookStanding.NONE), "of this fund only");
    }

    function test_theOrderDoesNotMatter() public {
        _fixSource(_claimsSlots(), bookCommitment());
        _assertStanding(BookStanding.NONE);
        _publish(7, publishedRoot());
        _assertStanding(BookStanding.PUBLISHED);
        _prove();
        _assertStanding(BookStanding.COUNTED);
        _prove();
        _assertStanding(BookStanding.COUNTED);
    }

    /// @dev The book holds; what the fund's holdings contain is another total.
    function test_aBookOfAnotherTotalDoesNotCount() public {
        _publish(7, publishedRoot());
        _prove();
        _fixSource(_claimsSlots(), abi.encode(submission(0).sources[1].commitment));
        _assertStanding(BookStanding.PROVED);
    }

    /// @dev The same commitment, signed for other slots: what the book adds up as one debt would stand as another.
    function test_aBookOfOtherSlotsDoesNotCount() public {
        _publish(7, publishedRoot());
        _prove();
        uint256[] memory slots = _claimsSlots();
        slots[1] = 8;
        _fixSource(slots, bookCommitment());
        _assertStanding(BookStanding.PROVED);
    }

    function test_onlyThePublishedBookIsProved() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.WrongBook.selector, bytes32(0), publishedRoot()));
        _prove();
        _publish(7, ROOT);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.WrongBook.selector, ROOT, publishedRoot()));
        _prove();
        _assertStanding(BookStanding.PUBLISHED);
    }

    function test_aFalseBookIsNotProved() public {
        _publish(7, publishedRoot());
        BookCase memory c = book();
        (c.proofs[0], c.proofs[1]) = (c.proofs[1], c.proofs[0]);
        vm.expectPartialRevert(IProofVerifier.OpeningRejected.selector);
        registry.proveBook(c.book, c.chunks, c.proofs);
        _assertStanding(BookStanding.PUBLISHED);
    }

    function test_inclusionInThePublishedBook() public {
        (Book memory of_, Inclusion memory shown) = inclusion(1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.WrongBook.selector, bytes32(0), publishedRoot()));
        registry.checkInclusion(of_, shown);
        _publish(7, publishedRoot());
        vm.assertEq(
            uint256(registry.checkInclusion(of_, shown)), uint256(BookStanding.PUBLISHED), "in a book not proved here"
        );
        _prove();
        vm.assertEq(uint256(registry.checkInclusion(of_, shown)), uint256(BookStanding.PROVED), "in a proved one");
        shown.balances[0] += 1;
        vm.expectRevert(abi.encodeWithSelector(IBookVerifier.BalanceRejected.selector, 0));
        registry.checkInclusion(of_, shown);
    }

    function _submit(bytes32 id, Submission memory s) private {
        vm.prank(FUND_OWNER);
        registry.submit(FUND, id, s.epoch, s.expiry, 0, s.key, s.sources, s.previousSources, s.proof);
    }

    function _signedAs(SignedSource memory source, uint8 role, Approval memory approval)
        private
        view
        returns (bytes memory)
    {
        bytes32 struct_ = keccak256(
            abi.encode(
                SourceSets.TYPEHASH,
                FUND,
                uint64(7),
                approval.asOf,
                requirementsOf()[1].sourceId,
                role,
                approval.layoutHash,
                approval.ownedSlotsHashes[1],
                keccak256(abi.encode(source.commitment)),
                source.expiry,
                source.nonce
            )
        );
        return signature(signerKey(1), keccak256(abi.encodePacked(hex"1901", domainSeparator(), struct_)));
    }
}
