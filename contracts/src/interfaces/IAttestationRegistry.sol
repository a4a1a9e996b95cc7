// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Book, IBookVerifier, Inclusion} from "./IBookVerifier.sol";
import {IProofVerifier, PublicSlot} from "./IProofVerifier.sol";

/// @notice A source that a policy requires. sourceId: keccak256 of its name. role: as in its signature.
struct SourceRequirement {
    bytes32 sourceId;
    address signer;
    uint8 role;
}

/// @notice What the registry cannot derive of a signed `SourceCommitment`: the commitment C_k itself, until when it may be
/// used, its nonce, and the source's signature (EIP-712; ECDSA, or EIP-1271 where the signer is a contract).
struct SignedSource {
    uint64 expiry;
    uint256 nonce;
    bytes32[4] commitment;
    bytes signature;
}

/// @notice What the registry cannot derive of a commitment in the fund's previous source set, which was signed when it was
/// fixed.
struct PreviousSource {
    uint64 expiry;
    uint256 nonce;
    bytes32[4] commitment;
}

/// @notice What a policy's owner approved for one epoch. asOf, validUntil: Unix seconds. ownedSlotsHashes: for each required
/// source, in order. digests: of the statement key of each program, in order.
struct Approval {
    uint64 asOf;
    uint64 validUntil;
    bytes32 layoutHash;
    bytes32[] ownedSlotsHashes;
    bytes32[] digests;
    PublicSlot[] publicSlots;
}

/// @notice A policy as registered. lastEpoch: the highest approved epoch, 0 before the first.
struct PolicyRecord {
    address owner;
    address pendingOwner;
    bytes32 policyHash;
    uint64 programCount;
    uint64 lastEpoch;
    SourceRequirement[] requirements;
}

/// @notice The last completed epoch of a fund under a policy; all zero before the first.
struct Compliance {
    uint64 epoch;
    uint64 expiry;
    uint64 blockNumber;
    bytes32 sourceSetHash;
}

/// @notice What the chain says of a fund's liability book of an epoch. NONE: no root. PUBLISHED: the root is on record; whether
/// the book is proved and is what the fund's holdings owe, anyone checks off chain. PROVED: the chain verified every chunk, but
/// the total is not, or not yet, the one in the epoch's source set. COUNTED: it is.
enum BookStanding {
    NONE,
    PUBLISHED,
    PROVED,
    COUNTED
}

/// @title Registry of policy attestations
/// @notice Records that a fund's holdings, committed by the sources that a policy requires, satisfy that policy's statements.
/// @dev Who is trusted with what: the policy's owner, that the approved digests are of keys built from the policy and right
/// market data (anyone can recompute them) and that owned slots are disjoint; each source, that it signs what it holds; the
/// fund's owner, with nothing but the choice of its one source set an epoch. Nobody can record an attestation without a proof.
///
/// Limits that compare epochs: the previous epoch is the last one before it for which the fund fixed a source set. The registry
/// remembers it; neither the fund nor the submitter names it. So that a fund cannot slip in holdings of its own making, the
/// previous set must have been fixed under the same policy, or under one of the same owner that requires the same sources,
/// roles and signers. What remains: a set that these sources signed and this owner approved in between shortens the interval
/// that is compared. Owners approve, and sources sign, the epochs of the policy's calendar and no others, once each. And an
/// epoch whose set is fixed but whose proofs never came in is compared with all the same; `attestation` tells the two apart.
interface IAttestationRegistry {
    event FundRegistered(address indexed fund, address indexed owner);
    event FundTransferStarted(address indexed fund, address indexed owner, address indexed pendingOwner);
    event FundTransferred(address indexed fund, address indexed previousOwner, address indexed owner);
    event PolicyRegistered(
        bytes32 indexed policyId,
        address indexed owner,
        bytes32 policyHash,
        SourceRequirement[] requirements,
        uint64 programCount,
        string uri
    );
    event PolicyTransferStarted(bytes32 indexed policyId, address indexed owner, address indexed pendingOwner);
    event PolicyTransferred(bytes32 indexed policyId, address indexed previousOwner, address indexed owner);
    event EpochApproved(bytes32 indexed policyId, uint64 indexed epoch, Approval approval);
    event SourceSetCommitted(
        address indexed fund,
        uint64 indexed epoch,
        bytes32 indexed sourceSetHash,
        bytes32 policyId,
        bytes32[] structHashes,
        bytes32[] commitmentHashes
    );
    /// @notice The root of the fund's liability book of an epoch, which investors compare theirs with.
    event BookPublished(address indexed fund, uint64 indexed epoch, bytes32 root);
    /// @notice The chain verified the whole book. source: keccak256(abi.encode(hash of its claims slots, hash of C_book)).
    event BookProved(address indexed fund, uint64 indexed epoch, bytes32 root, bytes32 source);
    /// @notice The proof of one program of the policy is in.
    event ProgramAttested(
        address indexed fund,
        bytes32 indexed policyId,
        uint64 indexed epoch,
        uint256 programIndex,
        bytes32 digest,
        bytes32 sourceSetHash,
        uint64 expiry
    );
    /// @notice The proofs of all programs of the policy are in; `expiry` is the earliest of theirs.
    event PolicyMet(
        address indexed fund, bytes32 indexed policyId, uint64 indexed epoch, bytes32 sourceSetHash, uint64 expiry
    );

    error NotAContract(address account);
    error NotOwner(address caller, address owner);
    error NotPendingOwner(address caller, address pendingOwner);
    error ZeroOwner();
    error FundExists(address fund);
    error UnknownFund(address fund);
    error PolicyExists(bytes32 policyId);
    /// @notice A policy has a hash, at least one program and at least one source; ids ascend strictly, signers are set, and at most
    /// one source is a liability book: there is one book a fund and epoch.
    error InvalidPolicy();
    /// @notice Approvals of a policy, and source sets of a fund, come in ascending order of epochs.
    error EpochNotAscending(uint64 lastEpoch, uint64 epoch);
    /// @notice asOf lies before validUntil, and validUntil has not passed.
    error InvalidValidity(uint64 asOf, uint64 validUntil);
    /// @notice One owned-slots hash a source and one digest a program, none of them zero, and a layout hash.
    error InvalidApproval();
    error EpochNotApproved(bytes32 policyId, uint64 epoch);
    error UnknownProgram(uint256 programIndex, uint256 programCount);
    /// @notice A fund does not approve the statements it is measured by; it would choose its own prices.
    error SelfApproved(bytes32 policyId);
    error DigestNotApproved(bytes32 approved, bytes32 actual);
    error WrongLayout(bytes32 approved, bytes32 actual);
    /// @notice A key of one vector compares no epochs and takes no previous sources.
    error SuperfluousPreviousSources();
    /// @notice The fund has no source set before this epoch's, so there is nothing to compare with.
    error NoPreviousEpoch(address fund, uint64 epoch);
    /// @notice The previous set was fixed under a policy of another owner, or one that requires other sources or signers.
    error IncomparablePolicies(bytes32 policyId, bytes32 previousPolicyId);
    error WrongPreviousLayout(bytes32 committed, bytes32 actual);
    error PreviousSourceSetMismatch(bytes32 committed, bytes32 actual);
    error Expired(uint64 expiry);
    error ExpiryTooLate(uint64 expiry, uint64 validUntil);
    error WrongSourceCount(uint256 required, uint256 actual);
    error SourceExpired(bytes32 sourceId, uint64 expiry);
    /// @notice The signature is not the signer's over this source's commitment for this fund, epoch, layout and role.
    error InvalidSourceSignature(bytes32 sourceId, address signer);
    /// @notice Only the fund's owner fixes an epoch's source set, by `commitSourceSet` or by submitting the first proof.
    error SourceSetNotCommitted(address fund, uint64 epoch);
    error SourceSetExists(address fund, uint64 epoch);
    error SourceSetMismatch(bytes32 committed, bytes32 actual);
    error EmptyBookRoot();
    /// @notice A book root stands once for each fund and epoch: two would show two investors two books.
    error BookExists(address fund, uint64 epoch);
    /// @notice The policy requires a liability book, and the fund has not published its root for this epoch.
    error BookNotPublished(address fund, uint64 epoch);
    /// @notice The book is another one than the fund published.
    error WrongBook(bytes32 published, bytes32 actual);
    error AlreadyAttested(address fund, bytes32 policyId, uint64 epoch, uint256 programIndex);

    /// @notice The contract that verifies all proofs of policies.
    function verifier() external view returns (IProofVerifier);

    /// @notice The contract that verifies liability books.
    function bookVerifier() external view returns (IBookVerifier);

    /// @notice Registers the caller as a fund, once.
    /// @param owner who acts for it from now on; may be the caller
    function registerFund(address owner) external;

    /// @notice Offers a fund to a new owner, who must accept. The zero address withdraws the offer.
    function transferFund(address fund, address newOwner) external;

    /// @notice Takes over a fund that was offered to the caller.
    function acceptFund(address fund) external;

    /// @notice Registers a policy with the caller as its owner.
    /// @param policyHash keccak256 of the policy's canonical JSON
    /// @param requirements the sources that must sign, each exactly once, ascending by id
    /// @param programCount how many programs the policy compiles into
    /// @param uri where the policy can be read; only logged
    /// @return policyId keccak256(abi.encode(owner, policyHash, keccak256(abi.encode(requirements)), programCount))
    function registerPolicy(
        bytes32 policyHash,
        SourceRequirement[] calldata requirements,
        uint64 programCount,
        string calldata uri
    ) external returns (bytes32 policyId);

    /// @notice Offers a policy to a new owner, who must accept. The zero address withdraws the offer.
    function transferPolicy(bytes32 policyId, address newOwner) external;

    /// @notice Takes over a policy that was offered to the caller, with all that was approved under it.
    function acceptPolicy(bytes32 policyId) external;

    /// @notice Approves the statements of one epoch; once, and only of a later epoch than all before. Owner of the policy only.
    function approveEpoch(bytes32 policyId, uint64 epoch, Approval calldata approval) external;

    /// @notice Publishes the root of the fund's liability book of an epoch, once. Owner of the fund only. That the book counts what
    /// it should is for its chunks' proofs, which anyone verifies off chain; proofs under a policy that requires a source in the
    /// role of a liability book (4) are about this root and no other.
    function publishBook(address fund, uint64 epoch, bytes32 root) external;

    /// @notice Verifies a small book, of up to 8 chunks, and records that it did. Anyone may call. The arguments are those of
    /// `IBookVerifier.verify`; the book must be the published one.
    function proveBook(Book calldata book, bytes[] calldata chunks, bytes[] calldata proofs) external;

    /// @notice Fixes the fund's source set of an epoch, once, and only of a later epoch than all before. Owner of the fund only.
    /// @param sources in the order of the policy's requirements
    function commitSourceSet(address fund, bytes32 policyId, uint64 epoch, SignedSource[] calldata sources)
        external
        returns (bytes32 sourceSetHash);

    /// @notice Records that the fund's holdings of an epoch satisfy one program of a policy. Anyone may call; the first call
    /// of an epoch, which fixes the source set, is the fund's owner's unless `commitSourceSet` came before. A policy of several
    /// programs is met when each of them is recorded once, all for the epoch's one source set.
    /// @param expiry Unix seconds, at most the approval's validUntil; part of the proof's context
    /// @param key canonical ABI encoding of the statement key
    /// @param sources in the order of the policy's requirements
    /// @param previousSources of the fund's previous source set, in its order, for keys of two vectors; else empty
    function submit(
        address fund,
        bytes32 policyId,
        uint64 epoch,
        uint64 expiry,
        uint256 programIndex,
        bytes calldata key,
        SignedSource[] calldata sources,
        PreviousSource[] calldata previousSources,
        bytes calldata proof
    ) external;

    /// @notice Whether all programs of the policy are attested for some epoch, the latest such one, and it has not expired.
    function isCompliant(address fund, bytes32 policyId) external view returns (bool);

    /// @notice The latest completed epoch of a fund under a policy.
    function latest(address fund, bytes32 policyId) external view returns (Compliance memory);

    /// @notice Until when the proof of one program counts, and in which block it came in; zeros if it did not.
    function attestation(address fund, bytes32 policyId, uint64 epoch, uint256 programIndex)
        external
        view
        returns (uint64 expiry, uint64 blockNumber);

    /// @notice The hash of the fund's source set of an epoch, 0 before it is fixed.
    function sourceSet(address fund, uint64 epoch) external view returns (bytes32);

    /// @notice The root of the fund's liability book of an epoch, 0 before it is published.
    function bookRoot(address fund, uint64 epoch) external view returns (bytes32);

    /// @notice What the chain says of the fund's liability book of an epoch.
    function bookStanding(address fund, uint64 epoch) external view returns (BookStanding);

    /// @notice Checks that an account with these balances stands in the fund's published book, of any size; reverts if not.
    /// @dev Who sends this in a transaction publishes the balance; who asks a node shows it to the node.
    /// @return what the chain says of that book: where it is not COUNTED, whether the book counts the account is to be checked off
    /// chain
    function checkInclusion(Book calldata book, Inclusion calldata inclusion) external view returns (BookStanding);

    /// @notice The epoch that an epoch is compared with: the fund's last one before it with a source set. 0 if there is none,
    /// or if the epoch itself has no source set yet.
    function previousEpoch(address fund, uint64 epoch) external view returns (uint64);

    /// @notice The fund's last epoch with a source set, 0 before the first.
    function lastEpoch(address fund) external view returns (uint64);

    /// @notice Owner of a fund and, while it is being transferred, the next one.
    function fundOwner(address fund) external view returns (address owner, address pendingOwner);

    function policy(bytes32 policyId) external view returns (PolicyRecord memory);

    /// @notice What is approved for an epoch; all zero if nothing is.
    function approval(bytes32 policyId, uint64 epoch) external view returns (Approval memory);
}
