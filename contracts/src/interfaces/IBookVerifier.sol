// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a liability book is about. slots: the claims slot of each currency, ascending. currencies: hash of what a unit
/// of each slot is. count: of chunks, each of up to 4088 accounts.
struct Book {
    address fund;
    uint64 epoch;
    uint256[] slots;
    bytes32 currencies;
    uint256 count;
}

/// @notice Where an account stands in a book, and the openings that show it. accountHash, nonceHash: keccak256 of its name and
/// of what the investor chose (0 without a nonce). salt: the fund's. commitments: of the chunk, as in `verify`. path: siblings
/// from the chunk's leaf upwards. balances: whole lots of each currency. openings: 48 bytes each, of the identifier and of each
/// balance.
struct Inclusion {
    bytes32 accountHash;
    bytes32 nonceHash;
    bytes32 salt;
    uint256 chunk;
    uint256 entry;
    bytes commitments;
    bytes32[] path;
    uint256[] balances;
    bytes openings;
}

/// @title Verifier of liability books (protocol §9)
/// @notice Checks a whole small book, or that an account stands in a book of any size. Stateless: it says which root it is about,
/// and whoever relies on it compares that with the published one.
/// @dev Beside these errors those of `IProofVerifier` for points, scalars, challenges and the opening.
interface IBookVerifier {
    /// @notice Claims slots ascend strictly and are slots of holdings, 1 to 4087; and there is at least one.
    error InvalidSlots();

    /// @notice More chunks than one transaction should verify. Verify such a book off chain.
    error TooManyChunks(uint256 most, uint256 actual);

    /// @notice There is one item of commitments and one of proofs for each chunk.
    error WrongChunkCount(uint256 expected, uint256 actual);

    /// @notice Commitments of a chunk, or its proofs, or openings, have another length with so many currencies.
    error WrongLength(uint256 expected, uint256 actual);

    /// @notice The book has no such chunk.
    error UnknownChunk(uint256 chunk, uint256 count);

    /// @notice The path has as many siblings as levels at which the chunk has one.
    error WrongPath();

    /// @notice No account stands behind the active entries of a chunk.
    error UnknownEntry(uint256 entry);

    /// @notice Another account or nonce stands at this entry, or the opening is of something else.
    error IdentifierRejected();

    /// @notice Another balance of currency number `index` stands at this entry, or it is not below 2^77.
    error BalanceRejected(uint256 index);

    /// @notice Verifies a book of up to 8 chunks; returns only if every chunk is proved in every currency.
    /// @param chunks commitments of each chunk: [id], then for each currency [D_0..D_6] and C_out, 128 bytes each
    /// @param proofs for each chunk the proofs of its currencies one behind the other, 2016 bytes each
    /// @return root of the book
    /// @return commitmentHash keccak256 of C_book = Σ C_out, which commits to the total of each currency in its claims slot and
    /// to nothing else
    function verify(Book calldata book, bytes[] calldata chunks, bytes[] calldata proofs)
        external
        view
        returns (bytes32 root, bytes32 commitmentHash);

    /// @notice Checks that an account with these balances stands in a book; reverts if it does not.
    /// @dev That the book counts what stands in it is for the proofs of all its chunks.
    /// @return root of the book
    function checkInclusion(Book calldata book, Inclusion calldata inclusion) external view returns (bytes32 root);
}
