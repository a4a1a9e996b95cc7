// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Approval,
    IAttestationRegistry,
    SignedSource,
    SourceRequirement
} from "../src/interfaces/IAttestationRegistry.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {SourceSets} from "../src/libraries/SourceSets.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @title Roots of liability books, and policies that require one
contract RegistryBooksTest is RegistryFixtures {
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
        s.sources[1].signature = _signedAs(s.sources[1], 4);
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

    function _submit(bytes32 id, Submission memory s) private {
        vm.prank(FUND_OWNER);
        registry.submit(FUND, id, s.epoch, s.expiry, 0, s.key, s.sources, s.previousSources, s.proof);
    }

    function _signedAs(SignedSource memory source, uint8 role) private view returns (bytes memory) {
        Approval memory approval = approvalOf(0);
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
