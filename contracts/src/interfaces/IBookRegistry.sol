// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {Book, IBookVerifier, Inclusion} from "./IBookVerifier.sol";
import {IFundRegistry} from "./IFundRegistry.sol";

/// @title Registry of liability books
/// @notice Keeps the root of each fund's book of an epoch, and which small books the chain verified.
/// @dev Whether a book's total is what the fund's holdings owe is for `IAttestationRegistry.bookStanding`.
interface IBookRegistry is IERC165 {
    /// @notice The root of the fund's liability book of an epoch, which investors compare theirs with.
    event BookPublished(address indexed fund, uint64 indexed epoch, bytes32 root);
    /// @notice The chain verified the whole book. source: as `provenSource` answers.
    event BookProved(address indexed fund, uint64 indexed epoch, bytes32 root, bytes32 source);

    error NotAContract(address account);
    error NotFund(address fund, address caller);
    error EmptyBookRoot();
    /// @notice A book root stands once for each fund and epoch: two would show two investors two books.
    error BookExists(address fund, uint64 epoch);
    /// @notice The book is another one than the fund published.
    error WrongBook(bytes32 published, bytes32 actual);

    /// @notice The contract that verifies liability books.
    function bookVerifier() external view returns (IBookVerifier);

    /// @notice The contract that knows who acts for a fund.
    function funds() external view returns (IFundRegistry);

    /// @notice Publishes the root of the fund's liability book of an epoch, once. The fund only. That the book counts what
    /// it should is for its chunks' proofs, which anyone verifies off chain; proofs under a policy that requires a source in the
    /// role of a liability book (4) are about this root and no other.
    function publishBook(address fund, uint64 epoch, bytes32 root) external;

    /// @notice Verifies a small book, of up to 8 chunks, and records that it did. Anyone may call. The arguments are those of
    /// `IBookVerifier.verify`; the book must be the published one.
    function proveBook(Book calldata book, bytes[] calldata chunks, bytes[] calldata proofs) external;

    /// @notice The root of the fund's liability book of an epoch, 0 before it is published.
    function bookRoot(address fund, uint64 epoch) external view returns (bytes32);

    /// @notice Of a book that the chain verified, keccak256(abi.encode(hash of its claims slots, `Book.currencies`, hash of C_book)),
    /// else 0.
    function provenSource(address fund, uint64 epoch) external view returns (bytes32);

    /// @notice Checks that an account with these balances stands in the fund's published book, of any size; reverts if not.
    /// @dev Who sends this in a transaction publishes the balance; who asks a node shows it to the node. Whether the book counts
    /// the account is another question: `IAttestationRegistry.bookStanding` and, where it is not COUNTED, a check off chain.
    function checkInclusion(Book calldata book, Inclusion calldata inclusion) external view;
}
