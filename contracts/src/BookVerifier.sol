// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Book, IBookVerifier, Inclusion} from "./interfaces/IBookVerifier.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {BookTree} from "./libraries/BookTree.sol";
import {ChunkProof, ChunkProofs} from "./libraries/ChunkProofs.sol";
import {Curve} from "./libraries/Curve.sol";
import {F, ONE, ZERO} from "./libraries/Field.sol";
import {PointEvaluation} from "./libraries/PointEvaluation.sol";
import {Precompiles} from "./libraries/Precompiles.sol";
import {Setup} from "./libraries/Setup.sol";
import {StatementKeys} from "./libraries/StatementKeys.sol";
import {Values} from "./libraries/Values.sol";

/// @title Verifier of liability books
/// @notice All chunks of a small book in one multi-scalar multiplication and one pairing check; inclusion in a book of any size
/// by the point-evaluation precompile.
contract BookVerifier is IBookVerifier {
    using Curve for Curve.Sum;

    uint256 private constant MOST_CHUNKS = 8;
    uint256 private constant OPENING_BYTES = 48;
    /// @dev Every balance lies in [0, 2^77).
    uint256 private constant BALANCE_LIMIT = 2 ** (StatementKeys.LIMB_WIDTH * StatementKeys.LIMB_COUNT);

    constructor() {
        Precompiles.selfTest();
        Precompiles.selfTestPointEvaluation();
    }

    /// @inheritdoc IBookVerifier
    function verify(Book calldata book, bytes[] calldata chunks, bytes[] calldata proofs)
        external
        view
        returns (bytes32 root, bytes32 commitmentHash)
    {
        BookTree.checkSlots(book);
        uint256 count = book.count;
        if (count > MOST_CHUNKS) revert TooManyChunks(MOST_CHUNKS, count);
        if (count == 0 || chunks.length != count) revert WrongChunkCount(count, chunks.length);
        if (proofs.length != count) revert WrongChunkCount(count, proofs.length);
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = BookTree.leaf(book, i, chunks[i]);
        }
        root = BookTree.root(book, BookTree.top(leaves));
        _checkProofs(_replayAll(book, root, chunks, proofs), chunks);
        commitmentHash = keccak256(_total(book, chunks));
    }

    /// @inheritdoc IBookVerifier
    function checkInclusion(Book calldata book, Inclusion calldata inclusion) external view returns (bytes32 root) {
        BookTree.checkSlots(book);
        uint256 currencies = book.slots.length;
        if (inclusion.entry >= BookTree.CAPACITY) revert UnknownEntry(inclusion.entry);
        if (inclusion.balances.length != currencies) revert WrongLength(currencies, inclusion.balances.length);
        uint256 expected = OPENING_BYTES * (1 + currencies);
        if (inclusion.openings.length != expected) revert WrongLength(expected, inclusion.openings.length);
        bytes32 leaf = BookTree.leaf(book, inclusion.chunk, inclusion.commitments);
        root = BookTree.root(book, BookTree.climb(book, inclusion.chunk, leaf, inclusion.path));

        // The opening point follows from the entry; a caller who chose it could open the column anywhere.
        F z = Values.root(inclusion.entry);
        uint256 commitments = _start(inclusion.commitments);
        Curve.Sum memory identifiers = Curve.allocate(1);
        identifiers.add(commitments, ONE); // 1·[id]: the multiplication checks the point
        if (!_holds(identifiers, z, BookTree.identifier(book, inclusion), inclusion.openings, 0)) {
            revert IdentifierRejected();
        }
        for (uint256 k; k < currencies; ++k) {
            uint256 limbs = commitments + 128 * (1 + BookTree.POINTS_PER_CURRENCY * k);
            uint256 balance = inclusion.balances[k];
            if (balance >= BALANCE_LIMIT || !_holds(_composed(limbs), z, F.wrap(balance), inclusion.openings, 1 + k)) {
                revert BalanceRejected(k);
            }
        }
    }

    /// @dev Where bytes of calldata start.
    function _start(bytes calldata data) private pure returns (uint256 offset) {
        assembly ("memory-safe") {
            offset := data.offset
        }
    }

    function _holds(Curve.Sum memory sum, F z, F y, bytes calldata openings, uint256 index)
        private
        view
        returns (bool)
    {
        bytes calldata opening = openings[OPENING_BYTES * index:OPENING_BYTES * (index + 1)];
        return PointEvaluation.holds(sum.evaluate(), z, y, opening);
    }

    /// @dev Σ_k 2^{11k} [D_k]. (P.34)
    function _composed(uint256 limbs) private pure returns (Curve.Sum memory sum) {
        sum = Curve.allocate(StatementKeys.LIMB_COUNT);
        for (uint256 k; k < StatementKeys.LIMB_COUNT; ++k) {
            sum.add(limbs + 128 * k, F.wrap(2 ** (StatementKeys.LIMB_WIDTH * k)));
        }
    }

    /// @dev The proofs of all chunks and currencies, in order.
    function _replayAll(Book calldata book, bytes32 root, bytes[] calldata chunks, bytes[] calldata proofs)
        private
        pure
        returns (ChunkProof[] memory replayed)
    {
        uint256 currencies = book.slots.length;
        replayed = new ChunkProof[](chunks.length * currencies);
        for (uint256 i; i < chunks.length; ++i) {
            uint256 expected = currencies * ChunkProofs.BYTES;
            if (proofs[i].length != expected) revert WrongLength(expected, proofs[i].length);
            (uint256 commitments, uint256 points) = (_start(chunks[i]), _start(proofs[i]));
            for (uint256 k; k < currencies; ++k) {
                replayed[i * currencies + k] =
                    ChunkProofs.replay(book, root, i, k, commitments, points + k * ChunkProofs.BYTES);
            }
        }
    }

    /// @dev All proofs in one pairing check, each weighted by 128 bits of a hash of all: weights that knew less would let two
    /// false proofs cancel. (P.31)
    function _checkProofs(ChunkProof[] memory replayed, bytes[] calldata chunks) private view {
        bytes32[] memory bindings = new bytes32[](replayed.length);
        for (uint256 j; j < replayed.length; ++j) {
            bindings[j] = replayed[j].binding;
        }
        bytes32 seed = keccak256(abi.encodePacked(bindings));
        ChunkProofs.State memory state;
        state.left = Curve.allocate(replayed.length * ChunkProofs.TERMS + chunks.length + 2);
        state.right = Curve.allocate(replayed.length);
        for (uint256 j; j < replayed.length; ++j) {
            F rho = F.wrap(uint128(bytes16(keccak256(abi.encodePacked(seed, j)))));
            ChunkProofs.open(replayed[j], state, rho);
        }
        for (uint256 i; i < chunks.length; ++i) {
            state.left.add(_start(chunks[i]), ZERO); // 0·[id]: the multiplication checks the point, and no proof opens it
        }
        state.left.add(Setup.G1_TABLE, state.table);
        state.left.add(Setup.G1_ONE, state.claimed.neg());
        if (!Curve.pairingHolds(state.left.evaluate(), state.right.evaluate())) {
            revert IProofVerifier.OpeningRejected();
        }
    }

    /// @dev C_book = Σ C_out over chunks and currencies. (P.33)
    function _total(Book calldata book, bytes[] calldata chunks) private view returns (bytes memory) {
        uint256 currencies = book.slots.length;
        Curve.Sum memory sum = Curve.allocate(chunks.length * currencies);
        for (uint256 i; i < chunks.length; ++i) {
            for (uint256 k = 1; k <= currencies; ++k) {
                sum.add(_start(chunks[i]) + 128 * BookTree.POINTS_PER_CURRENCY * k, ONE);
            }
        }
        return sum.evaluate();
    }
}
