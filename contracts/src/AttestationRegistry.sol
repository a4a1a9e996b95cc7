// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {
    Approval,
    BookStanding,
    Compliance,
    IAttestationRegistry,
    PolicyRecord,
    PreviousSource,
    SignedSource,
    SourceRequirement
} from "./interfaces/IAttestationRegistry.sol";
import {Book, IBookVerifier, Inclusion} from "./interfaces/IBookVerifier.sol";
import {Context, Holdings, IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {SourceSet, SourceSets} from "./libraries/SourceSets.sol";
import {StatementKey, StatementKeys} from "./libraries/StatementKeys.sol";
import {TwoStepOwner} from "./libraries/TwoStepOwner.sol";

/// @title Registry of policy attestations
contract AttestationRegistry is IAttestationRegistry, EIP712 {
    using TwoStepOwner for TwoStepOwner.Slot;

    /// @dev number: its place in `_policyIds`.
    struct Policy {
        TwoStepOwner.Slot ownership;
        bytes32 policyHash;
        uint64 programCount;
        uint64 lastEpoch;
        uint64 number;
        SourceRequirement[] requirements;
    }

    /// @dev A fund's source set of one epoch. previousEpoch: the fund's last one before it, 0 for its first. policyNumber: of
    /// the policy under which it was fixed; the number shares a storage slot, the id would not. bookSource: what its liability book
    /// owns and committed to, 0 without one.
    struct FixedSet {
        bytes32 hash;
        uint64 previousEpoch;
        uint64 policyNumber;
        bytes32 bookSource;
    }

    /// @dev source: `_bookSource` of a book that the chain verified, else 0.
    struct BookRecord {
        bytes32 root;
        bytes32 source;
    }

    struct Attestation {
        uint64 expiry;
        uint64 blockNumber;
    }

    /// @dev Of a policy with several programs: how many are in, and the earliest expiry among them.
    struct Progress {
        uint64 count;
        uint64 expiry;
    }

    struct Completed {
        uint64 epoch;
        uint64 expiry;
        uint64 blockNumber;
    }

    /// @dev The role of a source whose totals a liability book stands for.
    uint8 private constant LIABILITY_BOOK = 4;

    IProofVerifier private immutable VERIFIER;
    IBookVerifier private immutable BOOK_VERIFIER;

    mapping(address fund => TwoStepOwner.Slot) private _funds;
    mapping(bytes32 policyId => Policy) private _policies;
    mapping(bytes32 policyId => mapping(uint64 epoch => Approval)) private _approvals;
    bytes32[] private _policyIds;
    mapping(address fund => mapping(uint64 epoch => FixedSet)) private _sourceSets;
    mapping(address fund => uint64) private _lastEpochs;
    mapping(address fund => mapping(uint64 epoch => BookRecord)) private _books;
    /// @dev By keccak256(abi.encode(fund, epoch, digest, sourceSetHash, programId)).
    mapping(bytes32 id => Attestation) private _attestations;
    mapping(address fund => mapping(bytes32 policyId => mapping(uint64 epoch => Progress))) private _progress;
    mapping(address fund => mapping(bytes32 policyId => Completed)) private _latest;

    constructor(IProofVerifier verifier_, IBookVerifier bookVerifier_) EIP712("attest", "1") {
        if (address(verifier_).code.length == 0) revert NotAContract(address(verifier_));
        if (address(bookVerifier_).code.length == 0) revert NotAContract(address(bookVerifier_));
        VERIFIER = verifier_;
        BOOK_VERIFIER = bookVerifier_;
    }

    /// @inheritdoc IAttestationRegistry
    function verifier() external view returns (IProofVerifier) {
        return VERIFIER;
    }

    /// @inheritdoc IAttestationRegistry
    function bookVerifier() external view returns (IBookVerifier) {
        return BOOK_VERIFIER;
    }

    /// @inheritdoc IAttestationRegistry
    function registerFund(address owner) external {
        if (owner == address(0)) revert ZeroOwner();
        TwoStepOwner.Slot storage fund = _funds[msg.sender];
        if (fund.owner != address(0)) revert FundExists(msg.sender);
        fund.owner = owner;
        emit FundRegistered(msg.sender, owner);
    }

    /// @inheritdoc IAttestationRegistry
    function transferFund(address fund, address newOwner) external {
        _funds[fund].offer(newOwner);
        emit FundTransferStarted(fund, msg.sender, newOwner);
    }

    /// @inheritdoc IAttestationRegistry
    function acceptFund(address fund) external {
        address previousOwner = _funds[fund].accept();
        emit FundTransferred(fund, previousOwner, msg.sender);
    }

    /// @inheritdoc IAttestationRegistry
    function registerPolicy(
        bytes32 policyHash,
        SourceRequirement[] calldata requirements,
        uint64 programCount,
        string calldata uri
    ) external returns (bytes32 policyId) {
        if (policyHash == 0 || programCount == 0 || requirements.length == 0) {
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
            policy_.requirements.push(requirement);
        }
        emit PolicyRegistered(policyId, msg.sender, policyHash, requirements, programCount, uri);
    }

    /// @inheritdoc IAttestationRegistry
    function transferPolicy(bytes32 policyId, address newOwner) external {
        _policies[policyId].ownership.offer(newOwner);
        emit PolicyTransferStarted(policyId, msg.sender, newOwner);
    }

    /// @inheritdoc IAttestationRegistry
    function acceptPolicy(bytes32 policyId) external {
        address previousOwner = _policies[policyId].ownership.accept();
        emit PolicyTransferred(policyId, previousOwner, msg.sender);
    }

    /// @inheritdoc IAttestationRegistry
    function approveEpoch(bytes32 policyId, uint64 epoch, Approval calldata approval_) external {
        Policy storage policy_ = _policies[policyId];
        policy_.ownership.check();
        if (epoch <= policy_.lastEpoch) revert EpochNotAscending(policy_.lastEpoch, epoch);
        if (approval_.asOf >= approval_.validUntil || _expired(approval_.validUntil)) {
            revert InvalidValidity(approval_.asOf, approval_.validUntil);
        }
        if (
            approval_.layoutHash == 0 || approval_.ownedSlotsHashes.length != policy_.requirements.length
                || approval_.digests.length != policy_.programCount || _anyZero(approval_.ownedSlotsHashes)
                || _anyZero(approval_.digests)
        ) revert InvalidApproval();
        policy_.lastEpoch = epoch;
        _approvals[policyId][epoch] = approval_;
        emit EpochApproved(policyId, epoch, approval_);
    }

    /// @inheritdoc IAttestationRegistry
    function publishBook(address fund, uint64 epoch, bytes32 root) external {
        _funds[fund].check();
        if (root == 0) revert EmptyBookRoot();
        BookRecord storage record = _books[fund][epoch];
        if (record.root != 0) revert BookExists(fund, epoch);
        record.root = root;
        emit BookPublished(fund, epoch, root);
    }

    /// @inheritdoc IAttestationRegistry
    function proveBook(Book calldata book, bytes[] calldata chunks, bytes[] calldata proofs) external {
        (bytes32 root, bytes32 commitmentHash) = BOOK_VERIFIER.verify(book, chunks, proofs);
        _checkRoot(book, root);
        bytes32 source = _bookSource(keccak256(abi.encode(book.slots)), commitmentHash);
        _books[book.fund][book.epoch].source = source;
        emit BookProved(book.fund, book.epoch, root, source);
    }

    /// @inheritdoc IAttestationRegistry
    function commitSourceSet(address fund, bytes32 policyId, uint64 epoch, SignedSource[] calldata sources)
        external
        returns (bytes32)
    {
        _funds[fund].check();
        if (_sourceSets[fund][epoch].hash != 0) revert SourceSetExists(fund, epoch);
        SourceSet memory set = _checkSources(fund, policyId, epoch, _approved(policyId, epoch), sources);
        _fixSourceSet(fund, policyId, epoch, set);
        return set.hash;
    }

    /// @inheritdoc IAttestationRegistry
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
    ) external {
        Approval storage approved = _approved(policyId, epoch);
        _checkParties(fund, policyId);
        if (_expired(expiry)) revert Expired(expiry);
        if (expiry > approved.validUntil) revert ExpiryTooLate(expiry, approved.validUntil);
        (bytes32 digest, StatementKey calldata statement) = _checkKey(approved, programIndex, key);

        SourceSet memory set = _checkSources(fund, policyId, epoch, approved, sources);
        _fixSourceSet(fund, policyId, epoch, set);
        bytes32 programId = keccak256(abi.encode(policyId, programIndex));
        Attestation storage record = _attestations[_attestationId(fund, epoch, digest, set.hash, programId)];
        if (record.blockNumber != 0) revert AlreadyAttested(fund, policyId, epoch, programIndex);

        Context memory context;
        context.registry = address(this);
        context.fund = fund;
        context.epoch = epoch;
        context.expiry = expiry;
        context.programId = programId;
        context.bookRoot = _neededBookRoot(fund, policyId, epoch);
        context.sourceSetHash = set.hash;
        Holdings[] memory holdings = _withPrevious(context, set, policyId, statement, previousSources);
        VERIFIER.verify(key, context, holdings, proof);

        record.expiry = expiry;
        record.blockNumber = uint64(block.number);
        emit ProgramAttested(fund, policyId, epoch, programIndex, digest, set.hash, expiry);
        _advance(fund, policyId, epoch, expiry, set.hash);
    }

    /// @inheritdoc IAttestationRegistry
    function isCompliant(address fund, bytes32 policyId) external view returns (bool) {
        return !_expired(_latest[fund][policyId].expiry); // 0, long expired, before the first
    }

    /// @inheritdoc IAttestationRegistry
    function latest(address fund, bytes32 policyId) external view returns (Compliance memory) {
        Completed storage last = _latest[fund][policyId];
        return Compliance(last.epoch, last.expiry, last.blockNumber, _sourceSets[fund][last.epoch].hash);
    }

    /// @inheritdoc IAttestationRegistry
    function attestation(address fund, bytes32 policyId, uint64 epoch, uint256 programIndex)
        external
        view
        returns (uint64 expiry, uint64 blockNumber)
    {
        bytes32[] storage digests = _approvals[policyId][epoch].digests;
        if (programIndex >= digests.length) return (0, 0);
        bytes32 programId = keccak256(abi.encode(policyId, programIndex));
        bytes32 id = _attestationId(fund, epoch, digests[programIndex], _sourceSets[fund][epoch].hash, programId);
        Attestation storage record = _attestations[id];
        return (record.expiry, record.blockNumber);
    }

    /// @inheritdoc IAttestationRegistry
    function sourceSet(address fund, uint64 epoch) external view returns (bytes32) {
        return _sourceSets[fund][epoch].hash;
    }

    /// @inheritdoc IAttestationRegistry
    function bookRoot(address fund, uint64 epoch) external view returns (bytes32) {
        return _books[fund][epoch].root;
    }

    /// @inheritdoc IAttestationRegistry
    function bookStanding(address fund, uint64 epoch) public view returns (BookStanding) {
        BookRecord storage record = _books[fund][epoch];
        if (record.root == 0) return BookStanding.NONE;
        if (record.source == 0) return BookStanding.PUBLISHED;
        return record.source == _sourceSets[fund][epoch].bookSource ? BookStanding.COUNTED : BookStanding.PROVED;
    }

    /// @inheritdoc IAttestationRegistry
    function checkInclusion(Book calldata book, Inclusion calldata inclusion) external view returns (BookStanding) {
        _checkRoot(book, BOOK_VERIFIER.checkInclusion(book, inclusion));
        return bookStanding(book.fund, book.epoch);
    }

    /// @inheritdoc IAttestationRegistry
    function previousEpoch(address fund, uint64 epoch) external view returns (uint64) {
        return _sourceSets[fund][epoch].previousEpoch;
    }

    /// @inheritdoc IAttestationRegistry
    function lastEpoch(address fund) external view returns (uint64) {
        return _lastEpochs[fund];
    }

    /// @inheritdoc IAttestationRegistry
    function fundOwner(address fund) external view returns (address, address) {
        return (_funds[fund].owner, _funds[fund].pendingOwner);
    }

    /// @inheritdoc IAttestationRegistry
    function policy(bytes32 policyId) external view returns (PolicyRecord memory) {
        Policy storage policy_ = _policies[policyId];
        return PolicyRecord(
            policy_.ownership.owner,
            policy_.ownership.pendingOwner,
            policy_.policyHash,
            policy_.programCount,
            policy_.lastEpoch,
            policy_.requirements
        );
    }

    /// @inheritdoc IAttestationRegistry
    function approval(bytes32 policyId, uint64 epoch) external view returns (Approval memory) {
        return _approvals[policyId][epoch];
    }

    function _expired(uint64 expiry) private view returns (bool) {
        return block.timestamp > expiry;
    }

    function _anyZero(bytes32[] calldata hashes) private pure returns (bool) {
        for (uint256 i; i < hashes.length; ++i) {
            if (hashes[i] == 0) return true;
        }
        return false;
    }

    function _attestationId(address fund, uint64 epoch, bytes32 digest, bytes32 sourceSetHash, bytes32 programId)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(fund, epoch, digest, sourceSetHash, programId));
    }

    function _approved(bytes32 policyId, uint64 epoch) private view returns (Approval storage approved) {
        approved = _approvals[policyId][epoch];
        if (approved.validUntil == 0) revert EpochNotApproved(policyId, epoch);
    }

    /// @dev The fund is registered, and is not its own judge. Two keys of one person defeat this; readers choose whose
    /// policies they rely on.
    function _checkParties(address fund, bytes32 policyId) private view {
        address owner = _funds[fund].owner;
        if (owner == address(0)) revert UnknownFund(fund);
        address policyOwner = _policies[policyId].ownership.owner;
        if (policyOwner == fund || policyOwner == owner) revert SelfApproved(policyId);
    }

    /// @dev The book is the one that the fund published.
    function _checkRoot(Book calldata book, bytes32 root) private view {
        bytes32 published = _books[book.fund][book.epoch].root;
        if (published != root) revert WrongBook(published, root);
    }

    /// @dev What a book and the source that signed for it have in common: the slots they may fill, and the commitment.
    function _bookSource(bytes32 ownedSlotsHash, bytes32 commitmentHash) private pure returns (bytes32) {
        return keccak256(abi.encode(ownedSlotsHash, commitmentHash));
    }

    /// @dev Which required source is the liability book; as many as there are sources if none is.
    function _bookIndex(SourceRequirement[] storage requirements) private view returns (uint256 i) {
        while (i < requirements.length && requirements[i].role != LIABILITY_BOOK) ++i;
    }

    /// @dev The root that goes into the proof's context: the fund's published one where the policy requires a liability book,
    /// else 0.
    function _neededBookRoot(address fund, bytes32 policyId, uint64 epoch) private view returns (bytes32 root) {
        SourceRequirement[] storage requirements = _policies[policyId].requirements;
        if (_bookIndex(requirements) == requirements.length) return 0;
        root = _books[fund][epoch].root;
        if (root == 0) revert BookNotPublished(fund, epoch);
    }

    /// @dev The key is the approved one of this program, and of the approved layout.
    function _checkKey(Approval storage approved, uint256 programIndex, bytes calldata key)
        private
        view
        returns (bytes32 digest, StatementKey calldata statement)
    {
        if (programIndex >= approved.digests.length) revert UnknownProgram(programIndex, approved.digests.length);
        digest = keccak256(key);
        bytes32 approvedDigest = approved.digests[programIndex];
        if (digest != approvedDigest) revert DigestNotApproved(approvedDigest, digest);
        statement = StatementKeys.decode(key);
        if (statement.layoutHash != approved.layoutHash) revert WrongLayout(approved.layoutHash, statement.layoutHash);
    }

    /// @dev Each required source signed its commitment.
    function _checkSources(
        address fund,
        bytes32 policyId,
        uint64 epoch,
        Approval storage approved,
        SignedSource[] calldata sources
    ) private view returns (SourceSet memory) {
        return SourceSets.check(_domainSeparatorV4(), fund, epoch, approved, _policies[policyId].requirements, sources);
    }

    /// @dev One source set a fund and epoch, in ascending order of epochs, so that the epoch before is known for good. Only the
    /// fund's owner fixes it: else anybody could take the epoch with sources and a policy of their own.
    function _fixSourceSet(address fund, bytes32 policyId, uint64 epoch, SourceSet memory set) private {
        FixedSet storage fixedSet = _sourceSets[fund][epoch];
        bytes32 committed = fixedSet.hash;
        if (committed == 0) {
            if (msg.sender != _funds[fund].owner) revert SourceSetNotCommitted(fund, epoch);
            uint64 last = _lastEpochs[fund];
            if (epoch <= last) revert EpochNotAscending(last, epoch);
            _lastEpochs[fund] = epoch;
            fixedSet.hash = set.hash;
            (fixedSet.previousEpoch, fixedSet.policyNumber) = (last, _policies[policyId].number);
            uint256 index = _bookIndex(_policies[policyId].requirements);
            if (index != set.commitmentHashes.length) {
                bytes32 ownedSlotsHash = _approvals[policyId][epoch].ownedSlotsHashes[index];
                fixedSet.bookSource = _bookSource(ownedSlotsHash, set.commitmentHashes[index]);
            }
            emit SourceSetCommitted(fund, epoch, set.hash, policyId, set.structHashes, set.commitmentHashes);
        } else if (committed != set.hash) {
            revert SourceSetMismatch(committed, set.hash);
        }
    }

    /// @dev What the verifier takes: the epoch's holdings and, where the key compares epochs, those of the previous epoch, which
    /// then enter the context too.
    function _withPrevious(
        Context memory context,
        SourceSet memory set,
        bytes32 policyId,
        StatementKey calldata statement,
        PreviousSource[] calldata previousSources
    ) private view returns (Holdings[] memory holdings) {
        bool compares = statement.previousSize != 0;
        holdings = new Holdings[](compares ? 2 : 1);
        holdings[0] = set.holdings;
        if (compares) {
            context.previousEpoch = _sourceSets[context.fund][context.epoch].previousEpoch;
            SourceSet memory previous = _previousSet(context, policyId, statement.previousLayoutHash, previousSources);
            context.previousSourceSetHash = previous.hash;
            holdings[1] = previous.holdings;
        } else if (previousSources.length != 0) {
            revert SuperfluousPreviousSources();
        }
    }

    /// @dev The source set of context.previousEpoch, as it is on record and of the layout that the key was made for.
    function _previousSet(
        Context memory context,
        bytes32 policyId,
        bytes32 layoutHash,
        PreviousSource[] calldata previousSources
    ) private view returns (SourceSet memory previous) {
        (address fund, uint64 epoch) = (context.fund, context.previousEpoch);
        if (epoch == 0) revert NoPreviousEpoch(fund, context.epoch);
        FixedSet storage fixedSet = _sourceSets[fund][epoch];
        bytes32 previousPolicyId = _policyIds[fixedSet.policyNumber];
        if (!_comparable(policyId, previousPolicyId)) revert IncomparablePolicies(policyId, previousPolicyId);
        Approval storage approved = _approvals[previousPolicyId][epoch];
        if (approved.layoutHash != layoutHash) revert WrongPreviousLayout(approved.layoutHash, layoutHash);
        previous = SourceSets.restore(fund, epoch, approved, _policies[previousPolicyId].requirements, previousSources);
        if (previous.hash != fixedSet.hash) revert PreviousSourceSetMismatch(fixedSet.hash, previous.hash);
    }

    /// @dev Whoever owns a policy vouches for dates, layouts and public slots of its epochs, and its signers for the quantities.
    /// Under a policy of somebody else a fund could fix any holdings it likes to be compared with.
    function _comparable(bytes32 policyId, bytes32 previousPolicyId) private view returns (bool) {
        if (policyId == previousPolicyId) return true;
        Policy storage policy_ = _policies[policyId];
        Policy storage previous = _policies[previousPolicyId];
        return policy_.ownership.owner == previous.ownership.owner
            && keccak256(abi.encode(policy_.requirements)) == keccak256(abi.encode(previous.requirements));
    }

    /// @dev Counts one more program of the policy and, with the last one, moves the fund's latest epoch forward.
    function _advance(address fund, bytes32 policyId, uint64 epoch, uint64 expiry, bytes32 sourceSetHash) private {
        uint64 programCount = _policies[policyId].programCount;
        if (programCount > 1) {
            Progress storage progress = _progress[fund][policyId][epoch];
            if (progress.count == 0 || expiry < progress.expiry) progress.expiry = expiry;
            if (++progress.count < programCount) return;
            expiry = progress.expiry;
        }
        emit PolicyMet(fund, policyId, epoch, sourceSetHash, expiry);
        Completed storage last = _latest[fund][policyId];
        if (epoch > last.epoch) (last.epoch, last.expiry, last.blockNumber) = (epoch, expiry, uint64(block.number));
    }
}
