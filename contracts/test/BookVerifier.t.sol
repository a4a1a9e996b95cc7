// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BookVerifier} from "../src/BookVerifier.sol";
import {Book, IBookVerifier, Inclusion} from "../src/interfaces/IBookVerifier.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {F, R} from "../src/libraries/Field.sol";
import {Setup} from "../src/libraries/Setup.sol";
import {Values} from "../src/libraries/Values.sol";
import {BookFixtures} from "./BookFixtures.sol";
import {BookHarness} from "./BookHarness.sol";

/// @title Whole liability books on chain
contract BookVerifierTest is BookFixtures {
    BookVerifier private verifier;

    function setUp() public {
        verifier = new BookVerifier();
    }

    function _verify(BookCase memory c) private view returns (bytes32 root, bytes32 commitmentHash) {
        return verifier.verify(c.book, c.chunks, c.proofs);
    }

    function _assertRefused(BookCase memory c, bytes memory reason) private {
        vm.expectRevert(reason);
        _verify(c);
    }

    function _assertRefused(BookCase memory c, bytes4 reason) private {
        vm.expectPartialRevert(reason);
        _verify(c);
    }

    function test_anHonestBook() public view {
        (bytes32 root, bytes32 commitmentHash) = _verify(book());
        vm.assertEq(root, publishedRoot(), "root as in Python");
        vm.assertEq(commitmentHash, keccak256(bookCommitment()), "sum of the totals");
    }

    // What a book must look like.

    function test_slotsThatNoHoldingsHave() public {
        uint256[3] memory wrong = [uint256(0), 4088, 9];
        for (uint256 i; i < 3; ++i) {
            BookCase memory c = book();
            c.book.slots[0] = wrong[i];
            if (i == 1) c.book.slots[1] = 4089;
            _assertRefused(c, abi.encodeWithSelector(IBookVerifier.InvalidSlots.selector));
        }
        BookCase memory last = book();
        last.book.slots[1] = 4088; // the first blinding entry
        _assertRefused(last, abi.encodeWithSelector(IBookVerifier.InvalidSlots.selector));
        BookCase memory none = book();
        none.book.slots = new uint256[](0);
        _assertRefused(none, abi.encodeWithSelector(IBookVerifier.InvalidSlots.selector));
    }

    /// @dev Everything about this book holds, but two currencies' totals would be one.
    function test_twoCurrenciesInOneSlot() public {
        _assertRefused(bookNamed(".sameSlot"), abi.encodeWithSelector(IBookVerifier.InvalidSlots.selector));
    }

    function test_tooManyChunks() public {
        BookCase memory c = book();
        c.book.count = 9;
        _assertRefused(c, abi.encodeWithSelector(IBookVerifier.TooManyChunks.selector, 8, 9));
        c.book.count = 8; // not too many, but these are three
        _assertRefused(c, abi.encodeWithSelector(IBookVerifier.WrongChunkCount.selector, 8, 3));
    }

    function test_noChunk() public {
        BookCase memory c = book();
        (c.book.count, c.chunks, c.proofs) = (0, new bytes[](0), new bytes[](0));
        _assertRefused(c, abi.encodeWithSelector(IBookVerifier.WrongChunkCount.selector, 0, 0));
    }

    function test_aChunkWithoutCommitmentsOrProofs() public {
        BookCase memory c = book();
        bytes[] memory two = new bytes[](2);
        (two[0], two[1]) = (c.chunks[0], c.chunks[1]);
        bytes[] memory chunks = c.chunks;
        c.chunks = two;
        _assertRefused(c, abi.encodeWithSelector(IBookVerifier.WrongChunkCount.selector, 3, 2));
        c.chunks = chunks;
        (two[0], two[1]) = (c.proofs[0], c.proofs[1]);
        c.proofs = two;
        _assertRefused(c, abi.encodeWithSelector(IBookVerifier.WrongChunkCount.selector, 3, 2));
    }

    /// @dev A byte behind a valid proof or behind commitments changes nothing but the length.
    function test_trailingBytes() public {
        BookCase memory c = book();
        c.proofs[1] = bytes.concat(c.proofs[1], hex"00");
        _assertRefused(c, abi.encodeWithSelector(IBookVerifier.WrongLength.selector, 4032, 4033));
        c = book();
        c.chunks[1] = bytes.concat(c.chunks[1], hex"00");
        _assertRefused(c, abi.encodeWithSelector(IBookVerifier.WrongLength.selector, 2176, 2177));
    }

    // What each chunk's proof is about.

    function test_aChunkUsedTwice() public {
        BookCase memory c = book();
        (c.chunks[1], c.proofs[1]) = (c.chunks[0], c.proofs[0]);
        _assertRefused(c, IProofVerifier.OpeningRejected.selector);
    }

    function test_proofsOfEachOthersChunks() public {
        BookCase memory c = book();
        (c.proofs[0], c.proofs[1]) = (c.proofs[1], c.proofs[0]);
        _assertRefused(c, IProofVerifier.OpeningRejected.selector);
    }

    function test_proofsOfEachOthersCurrencies() public {
        BookCase memory c = book();
        c.proofs[0] = bytes.concat(slice(c.proofs[0], 2016, 2016), slice(c.proofs[0], 0, 2016));
        _assertRefused(c, IProofVerifier.OpeningRejected.selector);
    }

    /// @dev The sum of all totals stays what it was; each chunk's proof is about its own.
    function test_aTotalMovedBetweenChunks() public {
        BookCase memory c = book();
        (bytes memory first, bytes memory second) = (slice(c.chunks[0], 8 * 128, 128), slice(c.chunks[1], 8 * 128, 128));
        c.chunks[0] = withPoint(c.chunks[0], 8 * 128, second);
        c.chunks[1] = withPoint(c.chunks[1], 8 * 128, first);
        _assertRefused(c, IProofVerifier.OpeningRejected.selector);
    }

    /// @dev Fund, epoch, slots and currencies enter the root, and the root every transcript.
    function test_anotherBook() public {
        for (uint256 i; i < 4; ++i) {
            BookCase memory c = book();
            if (i == 0) c.book.fund = address(0xf2);
            if (i == 1) c.book.epoch = 8;
            if (i == 2) c.book.slots[0] = 5;
            if (i == 3) c.book.currencies = keccak256("ten times as many cents");
            _assertRefused(c, IProofVerifier.OpeningRejected.selector);
        }
    }

    function test_everyEvaluationCounts() public {
        BookCase memory c = book();
        bytes memory honest = c.proofs[2];
        for (uint256 i; i < 15; ++i) {
            uint256 offset = 2016 + 12 * 128 + 32 * i;
            c.proofs[2] = withWord(honest, offset, addmod(word(honest, offset), 1, R));
            _assertRefused(c, IProofVerifier.OpeningRejected.selector);
            c.proofs[2] = withWord(honest, offset, word(honest, offset) + R);
            _assertRefused(c, abi.encodeWithSelector(IProofVerifier.ScalarNotCanonical.selector, i));
        }
    }

    function test_everyPointCounts() public {
        BookCase memory c = book();
        bytes memory honest = c.proofs[2];
        bytes memory outside = new bytes(128);
        outside[127] = 0x02; // (0, 2), of order 3
        for (uint256 i; i < 12; ++i) {
            c.proofs[2] = withPoint(honest, 2016 + 128 * i, Setup.G1_ONE);
            _assertRefused(c, IProofVerifier.OpeningRejected.selector);
            c.proofs[2] = withPoint(honest, 2016 + 128 * i, outside);
            _assertRefused(c, IProofVerifier.MalformedPoint.selector);
        }
    }

    function test_everyCommitmentCounts() public {
        BookCase memory c = book();
        bytes memory honest = c.chunks[0];
        for (uint256 i; i < 17; ++i) {
            c.chunks[0] = withPoint(honest, 128 * i, Setup.G1_ONE);
            _assertRefused(c, IProofVerifier.OpeningRejected.selector);
        }
    }

    /// @dev No equation of the proof reads [id]; only the multiplication by 0 looks at it.
    function test_identifiersOutsideTheSubgroup() public {
        _assertRefused(bookNamed(".outside"), IProofVerifier.MalformedPoint.selector);
    }

    /// @dev The two proofs are false, and their errors are opposite: with equal weights the check would hold.
    function test_twoFalseProofsThatCancel() public {
        _assertRefused(bookNamed(".cancelling"), IProofVerifier.OpeningRejected.selector);
    }

    function testFuzz_damageAnywhere(uint256 chunk, uint256 position, uint256 flip, bool inProof) public {
        BookCase memory c = book();
        bytes memory damaged = inProof ? c.proofs[chunk % 3] : c.chunks[chunk % 3];
        uint256 place = position % damaged.length;
        damaged[place] = bytes1(uint8(damaged[place]) ^ uint8(bound(flip, 1, 255)));
        vm.expectRevert();
        _verify(c);
    }

    // Challenges on zero divisors.

    function test_zeroDivisors() public {
        BookHarness harness = new BookHarness();
        F zeta = F.wrap(12345);
        harness.open(zeta, F.wrap(678));
        F[3] memory onTheDomain = [F.wrap(1), Setup.OMEGA, Values.root(4)];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
            harness.open(onTheDomain[i], F.wrap(678));
        }
        vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
        harness.open(zeta, zeta);
        vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
        harness.open(zeta, Setup.OMEGA * zeta);
    }
}

/// @title Inclusion on chain
contract InclusionTest is BookFixtures {
    BookVerifier private verifier;

    function setUp() public {
        verifier = new BookVerifier();
    }

    function _check(Book memory book, Inclusion memory shown) private view returns (bytes32) {
        return verifier.checkInclusion(book, shown);
    }

    function _assertRefused(Book memory book, Inclusion memory shown, bytes memory reason) private {
        vm.expectRevert(reason);
        _check(book, shown);
    }

    function _noIdentifier() private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBookVerifier.IdentifierRejected.selector);
    }

    function _noBalance(uint256 index) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBookVerifier.BalanceRejected.selector, index);
    }

    function test_anAccountInEachChunk() public view {
        for (uint256 i; i < 3; ++i) {
            (Book memory book, Inclusion memory shown) = inclusion(i);
            vm.assertEq(_check(book, shown), publishedRoot(), "root as in Python");
        }
    }

    function test_anotherInvestor() public {
        (Book memory book, Inclusion memory shown) = inclusion(0);
        shown.accountHash = keccak256("bob");
        _assertRefused(book, shown, _noIdentifier());
        (book, shown) = inclusion(0);
        shown.nonceHash = keccak256("bob's word");
        _assertRefused(book, shown, _noIdentifier());
        (book, shown) = inclusion(0);
        shown.salt = keccak256("another salt");
        _assertRefused(book, shown, _noIdentifier());
    }

    function test_anotherFundOrEpoch() public {
        (Book memory book, Inclusion memory shown) = inclusion(0);
        book.fund = address(0xf2);
        _assertRefused(book, shown, _noIdentifier());
        (book, shown) = inclusion(0);
        book.epoch = 8;
        _assertRefused(book, shown, _noIdentifier());
    }

    function test_anotherBalance() public {
        (Book memory book, Inclusion memory shown) = inclusion(1);
        shown.balances[0] += 1;
        _assertRefused(book, shown, _noBalance(0));
        (book, shown) = inclusion(1);
        shown.balances[1] -= 1;
        _assertRefused(book, shown, _noBalance(1));
        (book, shown) = inclusion(1);
        (shown.balances[0], shown.balances[1]) = (shown.balances[1], shown.balances[0]);
        _assertRefused(book, shown, _noBalance(0));
    }

    /// @dev The entry holds 2^77, which no proof of a chunk allows; the opening is honest.
    function test_aBalanceOutOfRange() public {
        (Book memory book, Inclusion memory shown) = inclusionNamed(".largeBalance");
        vm.assertEq(shown.balances[0], 2 ** 77, "the fixture's balance");
        _assertRefused(book, shown, _noBalance(0));
    }

    /// @dev The opening is honest too, but a blinding entry counts nowhere.
    function test_anEntryInTheBlindingRows() public {
        (Book memory book, Inclusion memory shown) = inclusionNamed(".blindingEntry");
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.UnknownEntry.selector, 4088));
    }

    /// @dev The opening point is made from the entry, so no calldata chooses it: openings of entry 3 open no other, and entry
    /// 3 + n, whose root is the same, is none.
    function test_aWrongOpeningPointFromCalldata() public {
        (Book memory book, Inclusion memory shown) = inclusion(0);
        for (uint256 entry; entry < 8; ++entry) {
            if (entry == 3) continue;
            shown.entry = entry;
            _assertRefused(book, shown, _noIdentifier());
        }
        shown.entry = 3 + 4096;
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.UnknownEntry.selector, 3 + 4096));
    }

    function test_openingsOfAnotherChunk() public {
        (Book memory book, Inclusion memory shown) = inclusion(0);
        (, Inclusion memory other) = inclusion(1);
        shown.openings = other.openings;
        _assertRefused(book, shown, _noIdentifier());
        (book, shown) = inclusion(0);
        shown.openings = bytes.concat(slice(shown.openings, 0, 48), slice(other.openings, 48, 96));
        _assertRefused(book, shown, _noBalance(0));
    }

    function test_anotherPlaceInTheTree() public {
        (Book memory book, Inclusion memory shown) = inclusion(0);
        shown.chunk = 1;
        vm.assertTrue(_check(book, shown) != publishedRoot(), "another root");
        shown.chunk = 3;
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.UnknownChunk.selector, 3, 3));
        (book, shown) = inclusion(0);
        bytes32[] memory path = shown.path;
        shown.path = new bytes32[](1);
        shown.path[0] = path[0];
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.WrongPath.selector));
        shown.path = new bytes32[](3);
        (shown.path[0], shown.path[1]) = (path[0], path[1]);
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.WrongPath.selector));
    }

    function test_lengths() public {
        (Book memory book, Inclusion memory shown) = inclusion(0);
        shown.balances = new uint256[](1);
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.WrongLength.selector, 2, 1));
        (book, shown) = inclusion(0);
        shown.openings = bytes.concat(shown.openings, hex"00");
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.WrongLength.selector, 144, 145));
        (book, shown) = inclusion(0);
        shown.commitments = bytes.concat(shown.commitments, hex"00");
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.WrongLength.selector, 2176, 2177));
        (book, shown) = inclusion(0);
        book.slots[1] = 4;
        _assertRefused(book, shown, abi.encodeWithSelector(IBookVerifier.InvalidSlots.selector));
    }

    /// @dev The compressed form keeps only x and a sign, so another y of the same sign would be taken for the right one.
    function test_identifiersOffTheCurve() public {
        (Book memory book, Inclusion memory shown) = inclusion(0);
        shown.commitments = withWord(shown.commitments, 96, word(shown.commitments, 96) ^ 1);
        _assertRefused(book, shown, abi.encodeWithSelector(IProofVerifier.MalformedPoint.selector));
    }
}

/// @title The parts of the verifier of books against Python
contract BookPartsTest is BookFixtures {
    BookHarness private harness;

    function setUp() public {
        harness = new BookHarness();
    }

    function test_treesOfEverySize() public view {
        for (uint256 count = 1; count <= 8; ++count) {
            (bytes32[] memory leaves, bytes32 top, bytes32[][] memory paths) = tree(count);
            vm.assertEq(harness.top(leaves), top, "top");
            Book memory book;
            book.count = count;
            for (uint256 i; i < count; ++i) {
                vm.assertEq(harness.climb(book, i, leaves[i], paths[i]), top, "climbed");
                for (uint256 k; k < count; ++k) {
                    if (paths[i].length != paths[k].length || k == i) continue;
                    bytes32 elsewhere = harness.climb(book, k, leaves[i], paths[i]);
                    vm.assertTrue(elsewhere != top, "from another place");
                }
            }
        }
    }

    function test_compressedPoints() public view {
        for (uint256 i; i < 13; ++i) {
            bytes memory both = compressedPoint(i);
            vm.assertEq(harness.compress(slice(both, 0, 128)), slice(both, 128, 48), "compressed");
        }
    }

    /// @dev The sign is set from (p + 1)/2 on, in either word; p is the modulus of the curve's base field.
    function test_theSignOfPoints() public view {
        uint256 halfHigh = 0x0d0088f51cbff34d258dd3db21a5d66b;
        uint256 halfLow = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555; // (p − 1)/2
        uint256[2][6] memory heights = [
            [uint256(0), 1],
            [halfHigh - 1, type(uint256).max],
            [halfHigh, halfLow],
            [halfHigh, halfLow + 1],
            [halfHigh + 1, 0],
            [halfHigh + 1, halfLow]
        ];
        for (uint256 i; i < heights.length; ++i) {
            bytes memory compressed = harness.compress(abi.encode(uint256(7), uint256(8), heights[i][0], heights[i][1]));
            uint256 flags = i < 3 ? 0x80 : 0xa0;
            bytes16 high = bytes16(uint128((flags << 120) | 7));
            vm.assertEq(compressed, abi.encodePacked(high, uint256(8)), "the sign");
        }
    }

    function test_anOpeningOfWrongLength() public view {
        bytes memory infinity = harness.compress(new bytes(128));
        vm.assertTrue(harness.holds(Setup.G1_ONE, F.wrap(5), F.wrap(1), infinity), "the polynomial 1 is 1 at 5");
        vm.assertTrue(!harness.holds(Setup.G1_ONE, F.wrap(5), F.wrap(2), infinity), "and not 2");
        vm.assertTrue(!harness.holds(Setup.G1_ONE, F.wrap(5), F.wrap(1), bytes.concat(infinity, hex"00")), "49 bytes");
    }

    /// @dev A precompile that is missing, fails, or answers something else.
    function test_aPrecompileThatFailsSilently() public {
        address precompile = address(0x0a);
        bytes memory infinity = harness.compress(new bytes(128));
        bytes[5] memory answers = [
            bytes(""),
            abi.encode(uint256(4096), uint256(1)),
            abi.encode(uint256(1), R),
            abi.encode(uint256(4096), R, uint256(1)),
            slice(abi.encode(uint256(4096), R), 0, 63)
        ];
        for (uint256 i; i < answers.length; ++i) {
            vm.mockCall(precompile, "", answers[i]);
            vm.assertTrue(!harness.holds(Setup.G1_ONE, F.wrap(5), F.wrap(1), infinity), "refused");
        }
        vm.mockCallRevert(precompile, "", abi.encode(uint256(4096), R));
        vm.assertTrue(!harness.holds(Setup.G1_ONE, F.wrap(5), F.wrap(1), infinity), "refused");
    }
}
