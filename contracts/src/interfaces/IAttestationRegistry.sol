// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IAccountReader} from "./IAccountReader.sol";
import {IBookRegistry} from "./IBookRegistry.sol";
import {IFundRegistry} from "./IFundRegistry.sol";
import {IPolicyRegistry} from "./IPolicyRegistry.sol";
import {IProofVerifier} from "./IProofVerifier.sol";
import {IRepresentationVerifier} from "./IRepresentationVerifier.sol";

/// @notice What the registry cannot derive of a signed `SourceCommitment`: the commitment C_k itself, until when it may be
/// used, its nonce, and the source's signature (EIP-712; ECDSA, or EIP-1271 where the signer is a contract). representation: as
/// `IRepresentationVerifier.verify` takes it, from sources that owe one; else empty. It is looked at when the
/// set is fixed, and with every proof under another policy than the one under which it was fixed.
struct SignedSource {
    uint64 expiry;
    uint256 nonce;
    bytes32[4] commitment;
    bytes signature;
    bytes representation;
}

/// @notice What the registry cannot derive of a commitment in the fund's previous source set, which was signed when it was
/// fixed.
struct PreviousSource {
    uint64 expiry;
    uint256 nonce;
    bytes32[4] commitment;
}

/// @notice The proof of one program of a policy. key: canonical ABI encoding of its statement key.
struct ProgramProof {
    uint256 program;
    bytes key;
    bytes proof;
}

/// @notice The last completed epoch of a fund under a policy; all zero before the first. expiry: 0 where it was revoked.
/// recordHash: of the whole history up to it.
struct Compliance {
    uint64 epoch;
    uint64 expiry;
    uint64 blockNumber;
    bytes32 sourceSetHash;
    bytes32 recordHash;
}

/// @notice A completed or renewed epoch in a fund's history under a policy. expiry, completedAt: Unix seconds. With its source set it makes
/// the next link of the history's hash, also where the epoch was revoked later.
struct Record {
    uint64 epoch;
    uint64 expiry;
    uint64 blockNumber;
    uint64 completedAt;
}

/// @notice What the chain says of a fund's liability book of an epoch. NONE: no root. PUBLISHED: the root is on record; whether
/// the book is proved and is what the fund's holdings owe, anyone checks off chain. PROVED: the chain verified every chunk, but
/// the total is not, or not yet, the one in the epoch's source set, in the lots of the layout. COUNTED: it is.
enum BookStanding {
    NONE,
    PUBLISHED,
    PROVED,
    COUNTED
}

/// @notice Who has suspended a fund's attestations under a policy: the fund, an auditor of the policy, or both.
enum Suspension {
    NONE,
    BY_FUND,
    BY_AUDITOR,
    BY_BOTH
}

/// @title Registry of policy attestations
/// @notice Records that a fund's holdings, committed by the sources that a policy requires, satisfy that policy's statements.
/// @dev Who is trusted with what: the policy's publishers, that the approved digests are of keys built from the policy and
/// right market data and that owned slots are disjoint (`IPolicyRegistry`); each source, that it signs what it holds; the
/// fund's owner and operators, with nothing but the choice of its one source set an epoch. Auditors and sources can take an
/// attestation away, with a public reason. Nobody can record one without a proof.
///
/// Limits that compare epochs: the previous epoch is the last one before it for which the fund fixed a source set. The registry
/// remembers it; neither the fund nor the submitter names it. So that a fund cannot slip in holdings of its own making, the
/// previous set must have been fixed under the same policy, or under one of the same owner that requires the same sources,
/// roles and signers. What remains: a set that these sources signed and these publishers approved in between shortens the
/// interval that is compared. Publishers approve, and sources sign, the epochs of the policy's calendar and no others, once
/// each. And an epoch whose set is fixed but whose proofs never came in is compared with all the same; `progress` tells the
/// two apart.
interface IAttestationRegistry is IERC165 {
    event SourceSetCommitted(
        address indexed fund,
        uint64 indexed epoch,
        bytes32 indexed sourceSetHash,
        bytes32 policyId,
        bytes32[] structHashes,
        bytes32[] commitmentHashes
    );
    /// @notice The proof of one program of the policy is in. Once a program and epoch, but again when an epoch is begun anew or renewed.
    event ProgramAttested(
        address indexed fund,
        bytes32 indexed policyId,
        uint64 indexed epoch,
        uint256 programIndex,
        bytes32 digest,
        bytes32 sourceSetHash,
        uint64 expiry
    );
    /// @notice The proofs of all programs of the policy are in, and no later epoch's were; `expiry`: as `submit` says.
    /// recordHash: keccak256(abi.encode(previousRecordHash, fund, policyId, epoch, expiry, block number, time, sourceSetHash)).
    event PolicyMet(
        address indexed fund,
        bytes32 indexed policyId,
        uint64 indexed epoch,
        bytes32 sourceSetHash,
        uint64 expiry,
        bytes32 previousRecordHash,
        bytes32 recordHash
    );
    event Suspended(
        address indexed fund, bytes32 indexed policyId, address indexed by, Suspension suspension, string reason
    );
    event Resumed(address indexed fund, bytes32 indexed policyId, address indexed by, Suspension suspension);
    event Revoked(address indexed fund, bytes32 indexed policyId, uint64 indexed epoch, address by, string reason);

    error NotAContract(address account);
    error NotFund(address fund, address caller);
    error UnknownFund(address fund);
    /// @notice Source sets of a fund, and its completed epochs under a policy, come in ascending order of epochs.
    error EpochNotAscending(uint64 lastEpoch, uint64 epoch);
    /// @notice At least one program, each once, ascending.
    error InvalidPrograms();
    error UnknownProgram(uint256 programIndex, uint256 programCount);
    /// @notice A fund neither owns the policy nor is one of its overseers; it would choose its own prices.
    error SelfApproved(bytes32 policyId);
    error DigestNotApproved(bytes32 approved, bytes32 actual);
    error WrongLayout(bytes32 approved, bytes32 actual);
    /// @notice None of the keys compares epochs, so none takes previous sources.
    error SuperfluousPreviousSources();
    /// @notice The fund has no source set before this epoch's, so there is nothing to compare with.
    error NoPreviousEpoch(address fund, uint64 epoch);
    /// @notice The previous set was fixed under a policy of another owner, or one that requires other sources or signers.
    error IncomparablePolicies(bytes32 policyId, bytes32 previousPolicyId);
    error WrongPreviousLayout(bytes32 committed, bytes32 actual);
    error PreviousSourceSetMismatch(bytes32 committed, bytes32 actual);
    error Expired(uint64 expiry);
    error ExpiryTooLate(uint64 expiry, uint64 validUntil);
    /// @notice The contracts do not mean the same registries of funds and policies.
    error MismatchedContracts();
    error WrongSourceCount(uint256 required, uint256 actual);
    error SourceExpired(bytes32 sourceId, uint64 expiry);
    /// @notice The signature is not the signer's over this source's commitment for this fund, epoch, layout and role.
    error InvalidSourceSignature(bytes32 sourceId, address signer);
    /// @notice Only the fund fixes an epoch's source set, by `commitSourceSet` or by submitting the first proof.
    error SourceSetNotCommitted(address fund, uint64 epoch);
    error SourceSetExists(address fund, uint64 epoch);
    error SourceSetMismatch(bytes32 committed, bytes32 actual);
    /// @notice The epoch's set was fixed under a policy whose publishers approved another liability book: other slots or lots.
    error BookSourceMismatch(bytes32 committed, bytes32 actual);
    /// @notice The policy requires a liability book, and the fund has not published its root for this epoch.
    error BookNotPublished(address fund, uint64 epoch);
    /// @notice None of the programs is new to the epoch; programIndex is the first of them.
    error AlreadyAttested(address fund, bytes32 policyId, uint64 epoch, uint256 programIndex);
    /// @notice The epoch was revoked; attest a later one.
    error EpochRevoked(address fund, bytes32 policyId, uint64 epoch);
    /// @notice There is no source set of this epoch, so nothing rests on it.
    error NothingToRevoke(address fund, uint64 epoch);
    /// @notice Only the fund, an auditor of the policy or, to revoke, the signer of a required source.
    error NotEntitled(bytes32 policyId, address caller);
    error EmptyReason();
    error NotSuspended(address fund, bytes32 policyId);

    /// @notice The contract that verifies all proofs of policies.
    function verifier() external view returns (IProofVerifier);

    /// @notice The contract that knows who acts for a fund.
    function funds() external view returns (IFundRegistry);

    /// @notice The contract that keeps policies and approvals.
    function policies() external view returns (IPolicyRegistry);

    /// @notice The contract that keeps liability books.
    function books() external view returns (IBookRegistry);

    /// @notice The contract that reads funds' addresses on this chain.
    function accountReader() external view returns (IAccountReader);

    /// @notice The contract that verifies proofs of representation.
    function representationVerifier() external view returns (IRepresentationVerifier);

    /// @notice Fixes the fund's source set of an epoch, once, and only of a later epoch than all before. The fund only.
    /// @param sources in the order of the policy's requirements
    function commitSourceSet(address fund, bytes32 policyId, uint64 epoch, SignedSource[] calldata sources)
        external
        returns (bytes32 sourceSetHash);

    /// @notice Records that the fund's holdings of an epoch satisfy some or all programs of a policy, in one verification. Anyone
    /// may call; the first call of an epoch, which fixes the source set, is the fund's unless `commitSourceSet` came before. A
    /// policy of several programs is met when each of them is recorded once, all for the epoch's one source set. Programs that are
    /// attested already may come again beside at least one that is new, as long as the epoch is not complete: they are verified
    /// again. The earliest expiry counts, and what has expired is begun anew; but all programs at once count with their own expiry, and
    /// renew the fund's last epoch if it is later. So whoever sends parts of older proofs neither stops nor shortens them.
    /// @param expiry Unix seconds, at most the approval's validUntil; part of every proof's context
    /// @param programs ascending by program
    /// @param sources in the order of the policy's requirements
    /// @param previousSources of the fund's previous source set, in its order, where a key has two vectors; else empty
    function submit(
        address fund,
        bytes32 policyId,
        uint64 epoch,
        uint64 expiry,
        ProgramProof[] calldata programs,
        SignedSource[] calldata sources,
        PreviousSource[] calldata previousSources
    ) external;

    /// @notice Takes back what rests on the fund's source set of an epoch under a policy, for good: the fund that found an error, an
    /// auditor of the policy, or the signer of a source that the policy requires. Later epochs are not touched.
    function revoke(address fund, bytes32 policyId, uint64 epoch, string calldata reason) external;

    /// @notice Suspends the fund's compliance with a policy: the fund itself, or an auditor of the policy.
    function suspend(address fund, bytes32 policyId, string calldata reason) external;

    /// @notice Ends one's own suspension: what the fund suspended the fund resumes, what an auditor suspended an auditor.
    function resume(address fund, bytes32 policyId) external;

    /// @notice Whether all programs of the policy are attested for some epoch, the latest such one, it has neither expired nor been
    /// revoked, nobody has suspended it, and the policy is not replaced.
    function isCompliant(address fund, bytes32 policyId) external view returns (bool);

    /// @notice Since when the fund has been compliant without a gap, Unix seconds; 0 if it is not now. An earlier epoch that was
    /// revoked after a later one was complete makes no gap: `isRevoked` tells.
    function since(address fund, bytes32 policyId) external view returns (uint64);

    /// @notice The latest completed epoch of a fund under a policy.
    function latest(address fund, bytes32 policyId) external view returns (Compliance memory);

    /// @notice Up to `count` completions and renewals in order of time, from number `start` on. Revoked ones are among them (`isRevoked`).
    function history(address fund, bytes32 policyId, uint256 start, uint256 count)
        external
        view
        returns (Record[] memory);

    /// @notice How many there are.
    function historyLength(address fund, bytes32 policyId) external view returns (uint256);

    /// @notice Which programs of an epoch are attested (bit i for program i; all bits once it is complete), the expiry that counts
    /// for them, and the block of the last one; zeros before the first.
    function progress(address fund, bytes32 policyId, uint64 epoch)
        external
        view
        returns (uint256 attested, uint64 expiry, uint64 blockNumber);

    /// @notice Whether what rests on an epoch was revoked.
    function isRevoked(address fund, bytes32 policyId, uint64 epoch) external view returns (bool);

    /// @notice Who has suspended the fund under a policy.
    function suspension(address fund, bytes32 policyId) external view returns (Suspension);

    /// @notice The hash of the fund's source set of an epoch, 0 before it is fixed.
    function sourceSet(address fund, uint64 epoch) external view returns (bytes32);

    /// @notice What the chain says of the fund's liability book of an epoch.
    function bookStanding(address fund, uint64 epoch) external view returns (BookStanding);

    /// @notice The epoch that an epoch is compared with: the fund's last one before it with a source set. 0 if there is none,
    /// or if the epoch itself has no source set yet.
    function previousEpoch(address fund, uint64 epoch) external view returns (uint64);

    /// @notice The fund's last epoch with a source set, 0 before the first.
    function lastEpoch(address fund) external view returns (uint64);
}
