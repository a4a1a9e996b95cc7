// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {Approval, IPolicyRegistry, Oversight, PolicyRecord, SourceRequirement} from "./interfaces/IPolicyRegistry.sol";
import {CodeStorage} from "./libraries/CodeStorage.sol";
import {TwoStepOwner} from "./libraries/TwoStepOwner.sol";

/// @title Registry of policies and of what their publishers approve
contract PolicyRegistry is IPolicyRegistry, ERC165 {
    using TwoStepOwner for TwoStepOwner.Slot;

    /// @dev overseers: how often they changed; their duties and votes stand under it. requirements: where they are kept, encoded.
    struct Policy {
        TwoStepOwner.Slot ownership;
        bytes32 policyHash;
        uint64 programCount;
        uint64 number;
        uint64 lastEpoch;
        uint64 overseers;
        address requirements;
    }

    /// @dev The vote on an epoch. approval: where it is kept, encoded; 0 until it is approved, like effectiveAt, from when it counts.
    /// round: how often it was vetoed. cast: whether anybody has voted in this round. before: the epoch approved before it, for a veto
    /// to go back to; kept when it is vetoed.
    struct Vote {
        address approval;
        uint64 effectiveAt;
        uint24 round;
        bool cast;
        uint64 before;
    }

    struct Replacement {
        bytes32 successor;
        uint64 effectiveAt;
    }

    struct PendingOversight {
        Oversight oversight;
        uint64 effectiveAt;
    }

    /// @dev The role of a source whose totals a liability book stands for.
    uint8 private constant LIABILITY_BOOK = 4;
    uint64 private constant MOST_PROGRAMS = 128;
    uint64 private constant MINIMUM_NOTICE = 2 days;
    /// @dev A policy whose notice or window never ends could never be replaced, or never be met.
    uint64 private constant MAXIMUM_NOTICE = 365 days;
    uint64 private constant MAXIMUM_WINDOW = 30 days;
    uint256 private constant PUBLISHER = 1;
    uint256 private constant AUDITOR = 2;

    mapping(bytes32 policyId => Policy) private _policies;
    bytes32[] private _policyIds;
    mapping(bytes32 policyId => Oversight) private _oversight;
    mapping(bytes32 policyId => PendingOversight) private _pendingOversight;
    mapping(bytes32 policyId => mapping(uint64 overseers => mapping(address => uint256))) private _duties;
    mapping(bytes32 policyId => mapping(uint64 epoch => Vote)) private _votes;
    mapping(bytes32 ballot => mapping(address publisher => bytes32 approvalHash)) private _words;
    mapping(bytes32 ballot => mapping(bytes32 approvalHash => uint256)) private _tallies;
    mapping(bytes32 policyId => Replacement) private _replacements;
    mapping(bytes32 policyId => bytes32) private _predecessors;

    /// @inheritdoc IPolicyRegistry
    function minimumNotice() external pure returns (uint64) {
        return MINIMUM_NOTICE;
    }

    /// @inheritdoc IPolicyRegistry
    function registerPolicy(
        bytes32 policyHash,
        SourceRequirement[] calldata requirements,
        uint64 programCount,
        Oversight calldata oversight_,
        string calldata uri,
        string[] calldata limits
    ) external returns (bytes32 policyId) {
        if (policyHash == 0 || programCount == 0 || programCount > MOST_PROGRAMS || requirements.length == 0) {
            revert InvalidPolicy();
        }
        bytes32 requirementsHash = keccak256(abi.encode(requirements));
        policyId = keccak256(abi.encode(msg.sender, policyHash, requirementsHash, uint256(programCount)));
        Policy storage policy_ = _policies[policyId];
        if (policy_.programCount != 0) revert PolicyExists(policyId);
        policy_.ownership.owner = msg.sender;
        policy_.policyHash = policyHash;
        policy_.programCount = programCount;
        policy_.number = uint64(_policyIds.length);
        _policyIds.push(policyId);
        uint256 books;
        for (uint256 i; i < requirements.length; ++i) {
            SourceRequirement calldata requirement = requirements[i];
            bool ascending = i == 0 || requirement.sourceId > requirements[i - 1].sourceId;
            if (requirement.role == LIABILITY_BOOK) ++books;
            if (!ascending || requirement.signer == address(0) || books > 1) revert InvalidPolicy();
        }
        policy_.requirements = CodeStorage.write(abi.encode(requirements));
        _checkOversight(oversight_);
        _install(policyId, oversight_);
        emit PolicyRegistered(policyId, msg.sender, policyHash, requirements, programCount, oversight_, uri, limits);
    }

    /// @inheritdoc IPolicyRegistry
    function transferPolicy(bytes32 policyId, address newOwner) external {
        _policies[policyId].ownership.offer(newOwner);
        emit PolicyTransferStarted(policyId, msg.sender, newOwner);
    }

    /// @inheritdoc IPolicyRegistry
    function acceptPolicy(bytes32 policyId) external {
        address previousOwner = _policies[policyId].ownership.accept();
        emit PolicyTransferred(policyId, previousOwner, msg.sender);
    }

    /// @inheritdoc IPolicyRegistry
    function scheduleOversight(bytes32 policyId, Oversight calldata oversight_) external {
        _policies[policyId].ownership.check();
        _checkOversight(oversight_);
        PendingOversight storage pending = _pendingOversight[policyId];
        pending.oversight = oversight_;
        pending.effectiveAt = _afterNotice(policyId);
        emit OversightScheduled(policyId, oversight_, pending.effectiveAt);
    }

    /// @inheritdoc IPolicyRegistry
    function cancelOversight(bytes32 policyId) external {
        _policies[policyId].ownership.check();
        if (_pendingOversight[policyId].effectiveAt == 0) revert NoOversightScheduled(policyId);
        delete _pendingOversight[policyId];
        emit OversightCancelled(policyId);
    }

    /// @inheritdoc IPolicyRegistry
    function applyOversight(bytes32 policyId) external {
        PendingOversight storage pending = _pendingOversight[policyId];
        if (pending.effectiveAt == 0) revert NoOversightScheduled(policyId);
        if (block.timestamp < pending.effectiveAt) revert NoticeRunning(policyId, pending.effectiveAt);
        Oversight memory oversight_ = pending.oversight;
        delete _pendingOversight[policyId];
        ++_policies[policyId].overseers;
        _install(policyId, oversight_);
        emit OversightChanged(policyId, oversight_);
    }

    /// @inheritdoc IPolicyRegistry
    function approveEpoch(bytes32 policyId, uint64 epoch, Approval calldata approval_) external {
        Policy storage policy_ = _known(policyId);
        if (!_has(policyId, PUBLISHER, msg.sender)) revert NotPublisher(policyId, msg.sender);
        _checkCurrent(policyId);
        Vote storage vote = _votes[policyId][epoch];
        // What is approved stays as it is, unless it is vetoed; only then may an epoch come behind a later one.
        bool out = epoch <= policy_.lastEpoch && vote.round == 0;
        if (out || vote.approval != address(0)) revert EpochNotAscending(policy_.lastEpoch, epoch);
        _checkApproval(policy_, _requirements(policy_), approval_);

        bytes32 approvalHash = keccak256(abi.encode(approval_));
        uint256 count = _cast(_ballot(policyId, epoch, vote.round), approvalHash);
        vote.cast = true;
        emit EpochVoted(policyId, epoch, msg.sender, approvalHash, count);
        if (count < _oversight[policyId].threshold) return;

        _enter(policyId, policy_, epoch);
        vote.effectiveAt = uint64(block.timestamp) + _oversight[policyId].challengeWindow;
        vote.approval = CodeStorage.write(abi.encode(approval_));
        emit EpochApproved(policyId, epoch, approval_, vote.effectiveAt);
    }

    /// @inheritdoc IPolicyRegistry
    function vetoEpoch(bytes32 policyId, uint64 epoch, string calldata reason) external {
        bool owner = msg.sender == _policies[policyId].ownership.owner;
        if (!owner && !_has(policyId, PUBLISHER | AUDITOR, msg.sender)) revert NotOverseer(policyId, msg.sender);
        if (bytes(reason).length == 0) revert EmptyReason();
        Vote storage vote = _votes[policyId][epoch];
        Policy storage policy_ = _policies[policyId];
        // A vote that can no longer pass is not to be vetoed: the veto would open the epoch again.
        bool passable = vote.cast && (vote.round != 0 || epoch > policy_.lastEpoch);
        bool open = vote.approval == address(0) ? passable : block.timestamp < vote.effectiveAt;
        if (!open) revert NothingToVeto(policyId, epoch);
        _votes[policyId][epoch] = Vote(address(0), 0, vote.round + 1, false, vote.before);
        uint64 last = policy_.lastEpoch;
        while (last != 0 && _votes[policyId][last].approval == address(0)) last = _votes[policyId][last].before;
        policy_.lastEpoch = last;
        emit EpochVetoed(policyId, epoch, msg.sender, reason);
    }

    /// @inheritdoc IPolicyRegistry
    function scheduleReplacement(bytes32 policyId, bytes32 successor) external {
        _policies[policyId].ownership.check();
        Replacement storage replacement_ = _replacements[policyId];
        if (replacement_.successor != 0) revert ReplacementPending(policyId, replacement_.successor);
        bool free = _predecessors[successor] == 0 && _replacements[successor].successor == 0;
        if (successor == policyId || !free || _policies[successor].ownership.owner != msg.sender) {
            revert InvalidSuccessor(policyId, successor);
        }
        replacement_.successor = successor;
        replacement_.effectiveAt = _afterNotice(policyId);
        _predecessors[successor] = policyId;
        emit ReplacementScheduled(policyId, successor, replacement_.effectiveAt);
    }

    /// @inheritdoc IPolicyRegistry
    function cancelReplacement(bytes32 policyId) external {
        _policies[policyId].ownership.check();
        bytes32 successor = _replacements[policyId].successor;
        if (successor == 0) revert NoReplacement(policyId);
        _checkCurrent(policyId);
        delete _replacements[policyId];
        delete _predecessors[successor];
        emit ReplacementCancelled(policyId, successor);
    }

    /// @inheritdoc IPolicyRegistry
    function confirmTightening(bytes32 policyId, bytes32 successor) external {
        if (!_has(policyId, PUBLISHER, msg.sender)) revert NotPublisher(policyId, msg.sender);
        Replacement storage replacement_ = _replacements[policyId];
        if (successor == 0 || replacement_.successor != successor) revert NoReplacement(policyId);
        _checkCurrent(policyId);
        bytes memory own = abi.encode(_requirements(_policies[policyId]), _oversight[policyId]);
        bytes memory other = abi.encode(_requirements(_policies[successor]), _oversight[successor]);
        // A successor with a past may bring approvals of other publishers, and one with a future overseers or a policy behind it
        // that have served their notice where nobody relied on it yet.
        bool touched = _policies[successor].overseers != 0 || _pendingOversight[successor].effectiveAt != 0
            || _replacements[successor].successor != 0;
        if (touched || keccak256(own) != keccak256(other)) revert NotComparable(policyId, successor);
        bytes32 ballot = keccak256(abi.encode(policyId, successor, _policies[policyId].overseers));
        if (_words[ballot][msg.sender] != 0) revert AlreadyConfirmed(policyId, msg.sender);
        uint256 count = _cast(ballot, successor);
        emit TighteningConfirmed(policyId, successor, msg.sender, count);
        if (count == _oversight[policyId].threshold) replacement_.effectiveAt = uint64(block.timestamp);
    }

    /// @inheritdoc IPolicyRegistry
    function policy(bytes32 policyId) public view returns (PolicyRecord memory) {
        Policy storage policy_ = _known(policyId);
        return PolicyRecord(
            policy_.ownership.owner,
            policy_.policyHash,
            policy_.programCount,
            policy_.number,
            policy_.lastEpoch,
            _requirements(policy_)
        );
    }

    /// @inheritdoc IPolicyRegistry
    function pendingOwner(bytes32 policyId) external view returns (address) {
        return _policies[policyId].ownership.pendingOwner;
    }

    /// @inheritdoc IPolicyRegistry
    function hasPolicy(bytes32 policyId) public view returns (bool) {
        return _policies[policyId].programCount != 0;
    }

    /// @inheritdoc IPolicyRegistry
    function policyAt(uint256 number) external view returns (bytes32 policyId) {
        return _policyIds[number];
    }

    /// @inheritdoc IPolicyRegistry
    function policyCount() external view returns (uint256) {
        return _policyIds.length;
    }

    /// @inheritdoc IPolicyRegistry
    function oversight(bytes32 policyId) external view returns (Oversight memory) {
        return _oversight[policyId];
    }

    /// @inheritdoc IPolicyRegistry
    function pendingOversight(bytes32 policyId) external view returns (Oversight memory, uint64 effectiveAt) {
        PendingOversight storage pending = _pendingOversight[policyId];
        return (pending.oversight, pending.effectiveAt);
    }

    /// @inheritdoc IPolicyRegistry
    function isPublisher(bytes32 policyId, address account) external view returns (bool) {
        return _has(policyId, PUBLISHER, account);
    }

    /// @inheritdoc IPolicyRegistry
    function isAuditor(bytes32 policyId, address account) external view returns (bool) {
        return _has(policyId, AUDITOR, account);
    }

    /// @inheritdoc IPolicyRegistry
    function isJudge(bytes32 policyId, address first, address second) external view returns (bool) {
        address owner = _policies[policyId].ownership.owner;
        return owner == first || owner == second || _has(policyId, PUBLISHER | AUDITOR, first)
            || _has(policyId, PUBLISHER | AUDITOR, second);
    }

    /// @inheritdoc IPolicyRegistry
    function approval(bytes32 policyId, uint64 epoch) external view returns (Approval memory, uint64 effectiveAt) {
        Vote storage vote = _votes[policyId][epoch];
        return (_approval(vote), vote.effectiveAt);
    }

    /// @inheritdoc IPolicyRegistry
    function votes(bytes32 policyId, uint64 epoch, bytes32 approvalHash) external view returns (uint256) {
        return _tallies[_ballot(policyId, epoch, _votes[policyId][epoch].round)][approvalHash];
    }

    /// @inheritdoc IPolicyRegistry
    function statements(bytes32 policyId, uint64 epoch) external view returns (PolicyRecord memory, Approval memory) {
        _checkCurrent(policyId);
        Vote storage vote = _votes[policyId][epoch];
        if (vote.approval == address(0)) revert EpochNotApproved(policyId, epoch);
        if (block.timestamp < vote.effectiveAt) revert ChallengeWindowOpen(policyId, epoch, vote.effectiveAt);
        return (policy(policyId), _approval(vote));
    }

    /// @inheritdoc IPolicyRegistry
    function replacement(bytes32 policyId) external view returns (bytes32 successor, uint64 effectiveAt) {
        Replacement storage replacement_ = _replacements[policyId];
        return (replacement_.successor, replacement_.effectiveAt);
    }

    /// @inheritdoc IPolicyRegistry
    function isCurrent(bytes32 policyId) external view returns (bool) {
        return hasPolicy(policyId) && !_replaced(policyId);
    }

    /// @inheritdoc IPolicyRegistry
    function current(bytes32 policyId) external view returns (bytes32) {
        _known(policyId);
        while (_replaced(policyId)) policyId = _replacements[policyId].successor;
        return policyId;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IPolicyRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    function _known(bytes32 policyId) private view returns (Policy storage policy_) {
        policy_ = _policies[policyId];
        if (policy_.programCount == 0) revert UnknownPolicy(policyId);
    }

    function _requirements(Policy storage policy_) private view returns (SourceRequirement[] memory) {
        return abi.decode(CodeStorage.read(policy_.requirements), (SourceRequirement[]));
    }

    function _approval(Vote storage vote) private view returns (Approval memory approval_) {
        address place = vote.approval;
        if (place != address(0)) approval_ = abi.decode(CodeStorage.read(place), (Approval));
    }

    function _has(bytes32 policyId, uint256 duties, address account) private view returns (bool) {
        return _duties[policyId][_policies[policyId].overseers][account] & duties != 0;
    }

    function _replaced(bytes32 policyId) private view returns (bool) {
        Replacement storage replacement_ = _replacements[policyId];
        return replacement_.successor != 0 && block.timestamp >= replacement_.effectiveAt;
    }

    function _checkCurrent(bytes32 policyId) private view {
        if (_replaced(policyId)) revert PolicyReplaced(policyId, _replacements[policyId].successor);
    }

    /// @dev When an announcement of today counts.
    function _afterNotice(bytes32 policyId) private view returns (uint64) {
        return uint64(block.timestamp) + _oversight[policyId].noticePeriod;
    }

    function _checkOversight(Oversight calldata oversight_) private pure {
        bool enough = oversight_.threshold != 0 && oversight_.threshold <= oversight_.publishers.length;
        bool timely = oversight_.noticePeriod >= MINIMUM_NOTICE && oversight_.noticePeriod <= MAXIMUM_NOTICE
            && oversight_.challengeWindow <= MAXIMUM_WINDOW;
        if (!enough || !timely || !_ascending(oversight_.publishers) || !_ascending(oversight_.auditors)) {
            revert InvalidOversight();
        }
    }

    /// @dev Each once, and none of them zero.
    function _ascending(address[] calldata accounts) private pure returns (bool) {
        address last;
        for (uint256 i; i < accounts.length; ++i) {
            if (accounts[i] <= last) return false;
            last = accounts[i];
        }
        return true;
    }

    function _install(bytes32 policyId, Oversight memory oversight_) private {
        _oversight[policyId] = oversight_;
        mapping(address => uint256) storage duties = _duties[policyId][_policies[policyId].overseers];
        for (uint256 i; i < oversight_.publishers.length; ++i) {
            duties[oversight_.publishers[i]] = PUBLISHER;
        }
        for (uint256 i; i < oversight_.auditors.length; ++i) {
            duties[oversight_.auditors[i]] |= AUDITOR;
        }
    }

    /// @dev Puts an epoch among the approved ones, in ascending order. It comes behind the last one but after a veto.
    function _enter(bytes32 policyId, Policy storage policy_, uint64 epoch) private {
        mapping(uint64 epoch => Vote) storage votes_ = _votes[policyId];
        uint64 last = policy_.lastEpoch;
        if (epoch > last) {
            (votes_[epoch].before, policy_.lastEpoch) = (last, epoch);
            return;
        }
        while (votes_[last].before > epoch) last = votes_[last].before;
        if (votes_[last].before != epoch) (votes_[epoch].before, votes_[last].before) = (votes_[last].before, epoch);
    }

    function _checkApproval(
        Policy storage policy_,
        SourceRequirement[] memory requirements,
        Approval calldata approval_
    ) private view {
        if (approval_.asOf >= approval_.validUntil || block.timestamp > approval_.validUntil) {
            revert InvalidValidity(approval_.asOf, approval_.validUntil);
        }
        if (
            approval_.layoutHash == 0 || approval_.ownedSlotsHashes.length != requirements.length
                || approval_.digests.length != policy_.programCount || _anyZero(approval_.ownedSlotsHashes)
                || _anyZero(approval_.digests)
        ) revert InvalidApproval();
        bool book;
        for (uint256 i; i < requirements.length; ++i) {
            if (requirements[i].role == LIABILITY_BOOK) book = true;
        }
        if (book == (approval_.bookCurrencies == 0)) revert InvalidApproval();
        for (uint256 i; i < approval_.accountSlots.length; ++i) {
            if (approval_.accountSlots[i].lot == 0) revert InvalidApproval();
            for (uint256 k; k < i; ++k) {
                // A balance would count twice.
                if (approval_.accountSlots[k].token == approval_.accountSlots[i].token) revert InvalidApproval();
            }
        }
    }

    function _anyZero(bytes32[] calldata hashes) private pure returns (bool) {
        for (uint256 i; i < hashes.length; ++i) {
            if (hashes[i] == 0) return true;
        }
        return false;
    }

    function _ballot(bytes32 policyId, uint64 epoch, uint64 round) private view returns (bytes32) {
        return keccak256(abi.encode(policyId, epoch, round, _policies[policyId].overseers));
    }

    /// @dev The caller's word for `choice`, instead of an earlier one; how many say the same now.
    function _cast(bytes32 ballot, bytes32 choice) private returns (uint256 count) {
        bytes32 before = _words[ballot][msg.sender];
        if (before != 0) --_tallies[ballot][before];
        _words[ballot][msg.sender] = choice;
        count = ++_tallies[ballot][choice];
    }
}
