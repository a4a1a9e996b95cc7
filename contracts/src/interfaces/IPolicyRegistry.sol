// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {PublicSlot} from "./IProofVerifier.sol";

/// @notice A source that a policy requires. sourceId: keccak256 of its name. role: as in its signature. representation:
/// whether it must prove that its commitment is its own and touches no slot of another (`IRepresentationVerifier`).
struct SourceRequirement {
    bytes32 sourceId;
    address signer;
    uint8 role;
    bool representation;
}

/// @notice A slot that is read from the fund's addresses on this chain. token: 0 is the chain's own coin. lot: in the token's
/// smallest unit.
struct AccountSlot {
    uint256 slot;
    address token;
    uint256 lot;
}

/// @notice Who watches over a policy. publishers: who approve each epoch's statements; ascending. threshold: how many of them
/// must say the same. challengeWindow: seconds from their approval until it counts, in which it can be vetoed; at most 30 days.
/// noticePeriod: seconds from the announcement of a looser policy, or of other overseers, until it counts; 2 to 365 days.
/// auditors: who may veto approvals, and suspend and revoke attestations; ascending.
struct Oversight {
    address[] publishers;
    uint64 threshold;
    uint64 challengeWindow;
    uint64 noticePeriod;
    address[] auditors;
}

/// @notice The statements of one epoch. asOf, validUntil: Unix seconds. ownedSlotsHashes: for each required source, in order.
/// digests: of the statement key of each program, in order. publicSlots, accountSlots: ascending, and no slot in both.
/// bookCurrencies: of the liability book as the layout has them, as `Book.currencies`; 0 where the policy requires none.
struct Approval {
    uint64 asOf;
    uint64 validUntil;
    bytes32 layoutHash;
    bytes32[] ownedSlotsHashes;
    bytes32[] digests;
    PublicSlot[] publicSlots;
    AccountSlot[] accountSlots;
    bytes32 bookCurrencies;
}

/// @notice A policy as registered. number: its place in the order of registration. lastEpoch: the highest approved epoch, 0
/// before the first.
struct PolicyRecord {
    address owner;
    bytes32 policyHash;
    uint64 programCount;
    uint64 number;
    uint64 lastEpoch;
    SourceRequirement[] requirements;
}

/// @title Registry of policies and of what their publishers approve
/// @notice Keeps policies by their hash, the statements of each epoch as k of n publishers recomputed them, and which policy
/// replaced which.
/// @dev A policy never changes: another limit is another policy, which replaces it. Owners are meant to be the timelock of a
/// `PolicyGovernor`, so that token holders vote; but any address can own a policy.
///
/// Loosening is slow: a replacement counts after the notice period of the policy that it replaces. Tightening may be fast: it
/// counts as soon as that policy's publishers, as many as approve an epoch, confirm that whatever meets the new policy meets
/// the old one. Whether it does is theirs to recompute; the chain sees hashes. A replacement by a policy with other sources or
/// other overseers is never fast.
///
/// Who is trusted with what: publishers, k of them together, that digests are of keys built from the policy and right market
/// data, and that owned slots are disjoint; anyone can recompute both. Each overseer, not to veto out of spite: a veto only
/// delays. The owner, with the choice of the next policy and of its overseers, after notice.
interface IPolicyRegistry is IERC165 {
    /// @notice limits: the policy's limits in words, which its hash does not bind; readers compare them with the policy file.
    event PolicyRegistered(
        bytes32 indexed policyId,
        address indexed owner,
        bytes32 policyHash,
        SourceRequirement[] requirements,
        uint64 programCount,
        Oversight oversight,
        string uri,
        string[] limits
    );
    event PolicyTransferStarted(bytes32 indexed policyId, address indexed owner, address indexed pendingOwner);
    event PolicyTransferred(bytes32 indexed policyId, address indexed previousOwner, address indexed owner);
    event OversightScheduled(bytes32 indexed policyId, Oversight oversight, uint64 effectiveAt);
    event OversightCancelled(bytes32 indexed policyId);
    event OversightChanged(bytes32 indexed policyId, Oversight oversight);
    /// @notice One publisher's word. approvalHash: keccak256(abi.encode(approval)). votes: for the same, this one included.
    event EpochVoted(
        bytes32 indexed policyId, uint64 indexed epoch, address indexed publisher, bytes32 approvalHash, uint256 votes
    );
    /// @notice Enough publishers said the same. effectiveAt: from when it counts, unless it is vetoed before.
    event EpochApproved(bytes32 indexed policyId, uint64 indexed epoch, Approval approval, uint64 effectiveAt);
    event EpochVetoed(bytes32 indexed policyId, uint64 indexed epoch, address indexed by, string reason);
    event ReplacementScheduled(bytes32 indexed policyId, bytes32 indexed successor, uint64 effectiveAt);
    event ReplacementCancelled(bytes32 indexed policyId, bytes32 indexed successor);
    /// @notice One publisher's word that the successor is nowhere looser. votes: so far, this one included.
    event TighteningConfirmed(
        bytes32 indexed policyId, bytes32 indexed successor, address indexed publisher, uint256 votes
    );

    error PolicyExists(bytes32 policyId);
    error UnknownPolicy(bytes32 policyId);
    /// @notice A policy has a hash, 1 to 128 programs and at least one source; ids ascend strictly, signers are set, and at most
    /// one source is a liability book: there is one book a fund and epoch.
    error InvalidPolicy();
    /// @notice Publishers and auditors ascend strictly, the threshold is 1 to the number of publishers, the notice is 2 to 365 days,
    /// and the challenge window at most 30 days.
    error InvalidOversight();
    error NotPublisher(bytes32 policyId, address caller);
    error NotOverseer(bytes32 policyId, address caller);
    /// @notice Approvals of a policy come in ascending order of epochs, and never change; only what was vetoed is made again.
    error EpochNotAscending(uint64 lastEpoch, uint64 epoch);
    /// @notice asOf lies before validUntil, and validUntil has not passed.
    error InvalidValidity(uint64 asOf, uint64 validUntil);
    /// @notice One owned-slots hash a source and one digest a program, none of them zero, a layout hash, no empty lot, no token twice, and
    /// the currencies of the liability book if the policy requires one.
    error InvalidApproval();
    error EpochNotApproved(bytes32 policyId, uint64 epoch);
    /// @notice The challenge window of the approval is still open.
    error ChallengeWindowOpen(bytes32 policyId, uint64 epoch, uint64 effectiveAt);
    /// @notice The challenge window has passed, or there is no vote that could still pass: there is nothing to veto.
    error NothingToVeto(bytes32 policyId, uint64 epoch);
    error EmptyReason();
    error PolicyReplaced(bytes32 policyId, bytes32 successor);
    error ReplacementPending(bytes32 policyId, bytes32 successor);
    error NoReplacement(bytes32 policyId);
    /// @notice A successor is another policy of the same owner that neither replaces nor is replaced by any.
    error InvalidSuccessor(bytes32 policyId, bytes32 successor);
    /// @notice The successor requires other sources, has other overseers, has had or announced some, or has a successor of its own: so
    /// nobody can call it tighter.
    error NotComparable(bytes32 policyId, bytes32 successor);
    error AlreadyConfirmed(bytes32 policyId, address publisher);
    error NoOversightScheduled(bytes32 policyId);
    error NoticeRunning(bytes32 policyId, uint64 effectiveAt);

    /// @notice Seconds that every notice period has at the least.
    function minimumNotice() external view returns (uint64);

    /// @notice Registers a policy with the caller as its owner.
    /// @param policyHash keccak256 of the policy's canonical JSON
    /// @param requirements the sources that must sign, each exactly once, ascending by id
    /// @param programCount how many programs the policy compiles into
    /// @param uri where the policy can be read; only logged
    /// @param limits the policy's limits in words; only logged
    /// @return policyId keccak256(abi.encode(owner, policyHash, keccak256(abi.encode(requirements)), programCount))
    function registerPolicy(
        bytes32 policyHash,
        SourceRequirement[] calldata requirements,
        uint64 programCount,
        Oversight calldata oversight,
        string calldata uri,
        string[] calldata limits
    ) external returns (bytes32 policyId);

    /// @notice Offers a policy to a new owner, who must accept. The zero address withdraws the offer.
    function transferPolicy(bytes32 policyId, address newOwner) external;

    /// @notice Takes over a policy that was offered to the caller, with all that was approved under it.
    function acceptPolicy(bytes32 policyId) external;

    /// @notice Announces other overseers, instead of those announced before. Owner only.
    function scheduleOversight(bytes32 policyId, Oversight calldata oversight) external;

    /// @notice Withdraws the announced overseers. Owner only.
    function cancelOversight(bytes32 policyId) external;

    /// @notice Puts the announced overseers into office after the notice period. Anyone may call. Votes of former publishers on an
    /// epoch that is not approved yet no longer count.
    function applyOversight(bytes32 policyId) external;

    /// @notice One publisher's word on the statements of an epoch. With the threshold's one they are approved. A publisher who says
    /// something else later takes the earlier word back.
    function approveEpoch(bytes32 policyId, uint64 epoch, Approval calldata approval) external;

    /// @notice Throws out what was approved or voted for an epoch, within the challenge window. A publisher, an auditor or the owner.
    /// The epoch can then be voted on anew.
    function vetoEpoch(bytes32 policyId, uint64 epoch, string calldata reason) external;

    /// @notice Announces the policy that replaces this one after its notice period. Owner of both only.
    function scheduleReplacement(bytes32 policyId, bytes32 successor) external;

    /// @notice Withdraws an announced replacement before it counts. Owner only.
    function cancelReplacement(bytes32 policyId) external;

    /// @notice One publisher's word that whatever meets the announced successor meets this policy. With the threshold's one the
    /// replacement counts at once.
    function confirmTightening(bytes32 policyId, bytes32 successor) external;

    /// @notice A policy; reverts if it is unknown.
    function policy(bytes32 policyId) external view returns (PolicyRecord memory);

    /// @notice Who may accept the policy, 0 for nobody.
    function pendingOwner(bytes32 policyId) external view returns (address);

    function hasPolicy(bytes32 policyId) external view returns (bool);

    /// @notice The policy that was registered as number `number`, from 0.
    function policyAt(uint256 number) external view returns (bytes32 policyId);

    function policyCount() external view returns (uint256);

    /// @notice Who watches over a policy now.
    function oversight(bytes32 policyId) external view returns (Oversight memory);

    /// @notice The announced overseers, and from when they can be put into office; 0 if there are none.
    function pendingOversight(bytes32 policyId) external view returns (Oversight memory, uint64 effectiveAt);

    function isPublisher(bytes32 policyId, address account) external view returns (bool);

    function isAuditor(bytes32 policyId, address account) external view returns (bool);

    /// @notice Whether one of two addresses owns the policy or is one of its overseers.
    function isJudge(bytes32 policyId, address first, address second) external view returns (bool);

    /// @notice What publishers approved, vetoes taken off, and from when it counts; 0 where nothing is approved.
    function approval(bytes32 policyId, uint64 epoch) external view returns (Approval memory, uint64 effectiveAt);

    /// @notice How many publishers' word stands for an approval of this hash, in the epoch's present vote.
    function votes(bytes32 policyId, uint64 epoch, bytes32 approvalHash) external view returns (uint256);

    /// @notice The policy and its approval, if they count now: approved, past the challenge window, and not replaced; else reverts.
    function statements(bytes32 policyId, uint64 epoch) external view returns (PolicyRecord memory, Approval memory);

    /// @notice The announced or effective successor, and from when it counts; zeros if there is none.
    function replacement(bytes32 policyId) external view returns (bytes32 successor, uint64 effectiveAt);

    /// @notice Whether the policy is registered and no replacement counts yet.
    function isCurrent(bytes32 policyId) external view returns (bool);

    /// @notice The policy that counts instead of this one now: itself, its successor, the successor's one, and so on.
    function current(bytes32 policyId) external view returns (bytes32);
}
