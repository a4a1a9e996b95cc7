// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BookStanding, IAttestationRegistry, SignedSource} from "../src/interfaces/IAttestationRegistry.sol";
import {Approval, SourceRequirement} from "../src/interfaces/IPolicyRegistry.sol";
import {Context, Holdings} from "../src/interfaces/IProofVerifier.sol";
import {SourceSets} from "../src/libraries/SourceSets.sol";
import {BookFixtures} from "./BookFixtures.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title Policies that require a liability book, and what the chain says of the book
contract RegistryBooksTest is RegistryFixtures, BookFixtures {
    bytes32 private constant ROOT = keccak256("a book");

    function setUp() public {
        deploy();
        registerAll();
    }

    /// @dev The fixtures' policy requires no book: its proofs are about the root 0, whatever the fund published.
    function test_aPolicyWithoutABookTakesNoRoot() public {
        publishBook(7, ROOT);
        submit(submission(0), FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, policyIds[0]), "proved with root 0");
    }

    /// @dev The same sources, of which one is a liability book, under a policy of their own.
    function test_aPolicyWithABookNeedsItsRoot() public {
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[1].role = 4;
        bytes32 id = register(POLICY_OWNER, policyHashes[0], requirements, 1);
        Approval memory approval = approvalOf(0);
        approval.bookCurrencies = book().book.currencies;
        approve(id, 7, approval);
        acceptAllProofs();
        Submission memory s = submission(0);
        s.sources[1].signature = _signedAs(s.sources[1], 4, approvalOf(0));
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.BookNotPublished.selector, FUND, uint64(7)));
        submit(s, id, FUND_OWNER);
        vm.clearMockedCalls();
        publishBook(7, ROOT);
        s.sourceSetHash = commit(id, 7, s.sources);
        Context memory context = contextOf(s);
        context.bookRoot = ROOT;
        Holdings[] memory holdings = new Holdings[](1);
        holdings[0] = holdingsOf(s.sources);
        expectVerification(context, id, programOf(s), holdings);
        submit(s, id, FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, id), "with the root");
    }

    // Books that the chain verifies. The fixtures' book is of this fund and epoch 7, with the claims slots 4 and 9.

    function _prove() private {
        BookCase memory c = book();
        vm.prank(STRANGER);
        books.proveBook(c.book, c.chunks, c.proofs);
    }

    function _assertStanding(BookStanding expected) private view {
        vm.assertEq(uint256(registry.bookStanding(FUND, 7)), uint256(expected), "standing");
    }

    function _fixSource(uint256[] memory slots, bytes memory commitment) private {
        _fixSource(slots, commitment, book().book.currencies);
    }

    /// @dev A policy whose source 1 is a liability book that owns `slots`, of these currencies, approved for epoch 7.
    function _bookPolicy(bytes32 hash, uint256[] memory slots, bytes32 currencies)
        private
        returns (bytes32 id, Approval memory approval)
    {
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[1].role = 4;
        id = register(POLICY_OWNER, hash, requirements, 1);
        approval = approvalOf(0);
        approval.ownedSlotsHashes[1] = keccak256(abi.encode(slots));
        approval.bookCurrencies = currencies;
        approve(id, 7, approval);
    }

    /// @dev The book's source signs `commitment`, and the fund fixes it for epoch 7.
    function _fixSource(uint256[] memory slots, bytes memory commitment, bytes32 currencies)
        private
        returns (SignedSource[] memory sources)
    {
        (bytes32 id, Approval memory approval) = _bookPolicy(policyHashes[0], slots, currencies);
        sources = submission(0).sources;
        sources[1].commitment = abi.decode(commitment, (bytes32[4]));
        sources[1].signature = _signedAs(sources[1], 4, approval);
        commit(id, 7, sources);
    }

    /// @dev Under a second policy, with the book's own currencies.
    function _submitUnderAnother(SignedSource[] memory sources, bool refused) private returns (bytes32 id) {
        (id,) = _bookPolicy(policyHashes[1], _claimsSlots(), book().book.currencies);
        publishBook(7, publishedRoot());
        acceptAllProofs();
        Submission memory s = submission(0);
        s.sources = sources;
        if (refused) vm.expectPartialRevert(IAttestationRegistry.BookSourceMismatch.selector);
        submit(s, id, FUND_OWNER);
    }

    function _claimsSlots() private pure returns (uint256[] memory slots) {
        slots = new uint256[](2);
        (slots[0], slots[1]) = (4, 9);
    }

    function test_aBookIsProvedAndCounted() public {
        _assertStanding(BookStanding.NONE);
        publishBook(7, publishedRoot());
        _assertStanding(BookStanding.PUBLISHED);
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
        publishBook(7, publishedRoot());
        _assertStanding(BookStanding.PUBLISHED);
        _prove();
        _assertStanding(BookStanding.COUNTED);
        _prove();
        _assertStanding(BookStanding.COUNTED);
    }

    /// @dev The book holds; what the fund's holdings contain is another total.
    function test_aBookOfAnotherTotalDoesNotCount() public {
        publishBook(7, publishedRoot());
        _prove();
        _fixSource(_claimsSlots(), abi.encode(submission(0).sources[1].commitment));
        _assertStanding(BookStanding.PROVED);
    }

    /// @dev The same commitment, signed for other slots: what the book adds up as one debt would stand as another.
    function test_aBookOfOtherSlotsDoesNotCount() public {
        publishBook(7, publishedRoot());
        _prove();
        uint256[] memory slots = _claimsSlots();
        slots[1] = 8;
        _fixSource(slots, bookCommitment());
        _assertStanding(BookStanding.PROVED);
    }

    /// @dev A fund that owes 5000 units of 1 publishes a book of 5 units of 1000: the accounts stand in it, and so does the total.
    function test_aBookInOtherLotsDoesNotCount() public {
        publishBook(7, publishedRoot());
        _prove();
        _fixSource(_claimsSlots(), bookCommitment(), keccak256("lots a thousand times as large"));
        _assertStanding(BookStanding.PROVED);
    }

    /// @dev Else a fund would have the set fixed in its own lots, under a friend's policy, and proved under that of its readers.
    function test_lotsOfAnotherPolicysPublishers() public {
        bytes32 mine = keccak256("lots of the fund's own");
        bytes32 id = _submitUnderAnother(_fixSource(_claimsSlots(), bookCommitment(), mine), true);
        vm.assertTrue(!registry.isCompliant(FUND, id), "in other lots");
    }

    /// @dev Two policies may rest on one book, whose lots the publishers of both approved.
    function test_oneBookForTwoPolicies() public {
        bytes32 currencies = book().book.currencies;
        bytes32 id = _submitUnderAnother(_fixSource(_claimsSlots(), bookCommitment(), currencies), false);
        vm.assertTrue(registry.isCompliant(FUND, id), "the same lots");
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
