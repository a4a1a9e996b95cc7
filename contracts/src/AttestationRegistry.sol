// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {
    BookStanding,
    Compliance,
    IAttestationRegistry,
    PreviousSource,
    ProgramProof,
    Record,
    SignedSource,
    Suspension
} from "./interfaces/IAttestationRegistry.sol";
import {IAccountReader} from "./interfaces/IAccountReader.sol";
import {IBookRegistry} from "./interfaces/IBookRegistry.sol";
import {IFundRegistry} from "./interfaces/IFundRegistry.sol";
import {
    AccountSlot,
    Approval,
    IPolicyRegistry,
    PolicyRecord,
    SourceRequirement
} from "./interfaces/IPolicyRegistry.sol";
import {Context, Holdings, IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {IRepresentationVerifier, RepresentationClaim} from "./interfaces/IRepresentationVerifier.sol";
import {PublicSlots} from "./libraries/PublicSlots.sol";
import {SourceSet, SourceSets} from "./libraries/SourceSets.sol";
import {StatementKey, StatementKeys} from "./libraries/StatementKeys.sol";
import {VerifierCall} from "./libraries/VerifierCall.sol";

/// @title Registry of policy attestations
contract AttestationRegistry is IAttestationRegistry, EIP712, ERC165 {
    /// @dev What a call of `submit` or `commitSourceSet` is about.
    struct Instance {
        address fund;
        bytes32 policyId;
        uint64 epoch;
        uint64 expiry;
        PolicyRecord policy;
        Approval approved;
        SourceSet set;
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

    /// @dev Of an epoch that is not complete: which programs are in (bit i for program i), and the earliest expiry among them.
    struct Progress {
        uint128 attested;
        uint64 expiry;
        uint64 blockNumber;
    }

    /// @dev A completed epoch. since: from when compliance had had no gap at its completion, or since it was last resumed.
    struct Standing {
        uint64 epoch;
        uint64 expiry;
        uint40 blockNumber;
        uint40 completedAt;
        uint40 since;
        bool revoked;
    }

    /// @dev The role of a source whose totals a liability book stands for.
    uint8 private constant LIABILITY_BOOK = 4;
    uint8 private constant BY_FUND = uint8(Suspension.BY_FUND);
    uint8 private constant BY_AUDITOR = uint8(Suspension.BY_AUDITOR);

    IProofVerifier private immutable VERIFIER;
    IFundRegistry private immutable FUNDS;
    IPolicyRegistry private immutable POLICIES;
    IBookRegistry private immutable BOOKS;
    IAccountReader private immutable ACCOUNT_READER;
    IRepresentationVerifier private immutable REPRESENTATION_VERIFIER;

    mapping(address fund => mapping(uint64 epoch => FixedSet)) private _sourceSets;
    mapping(address fund => uint64) private _lastEpochs;
    mapping(address fund => mapping(bytes32 policyId => mapping(uint64 epoch => Progress))) private _progress;
    mapping(address fund => mapping(bytes32 policyId => Standing)) private _standings;
    /// @dev All that stood before `_standings`.
    mapping(address fund => mapping(bytes32 policyId => Standing[])) private _past;
    mapping(address fund => mapping(bytes32 policyId => bytes32)) private _recordHashes;
    mapping(address fund => mapping(bytes32 policyId => mapping(uint64 epoch => bool))) private _revoked;
    mapping(address fund => mapping(bytes32 policyId => uint8)) private _suspensions;

    constructor(
        IProofVerifier verifier_,
        IBookRegistry books_,
        IAccountReader accountReader_,
        IRepresentationVerifier representationVerifier_
    ) EIP712("attest", "1") {
        if (address(verifier_).code.length == 0) revert NotAContract(address(verifier_));
        if (address(books_).code.length == 0) revert NotAContract(address(books_));
        if (address(accountReader_).code.length == 0) revert NotAContract(address(accountReader_));
        if (address(representationVerifier_).code.length == 0) revert NotAContract(address(representationVerifier_));
        VERIFIER = verifier_;
        BOOKS = books_;
        ACCOUNT_READER = accountReader_;
        REPRESENTATION_VERIFIER = representationVerifier_;
        POLICIES = accountReader_.policies();
        FUNDS = accountReader_.funds();
        if (address(books_.funds()) != address(FUNDS)) revert MismatchedContracts();
    }

    /// @inheritdoc IAttestationRegistry
    function verifier() external view returns (IProofVerifier) {
        return VERIFIER;
    }

    /// @inheritdoc IAttestationRegistry
    function funds() external view returns (IFundRegistry) {
        return FUNDS;
    }

    /// @inheritdoc IAttestationRegistry
    function policies() external view returns (IPolicyRegistry) {
        return POLICIES;
    }

    /// @inheritdoc IAttestationRegistry
    function books() external view returns (IBookRegistry) {
        return BOOKS;
    }

    /// @inheritdoc IAttestationRegistry
    function accountReader() external view returns (IAccountReader) {
        return ACCOUNT_READER;
    }

    /// @inheritdoc IAttestationRegistry
    function representationVerifier() external view returns (IRepresentationVerifier) {
        return REPRESENTATION_VERIFIER;
    }

    /// @inheritdoc IAttestationRegistry
    function commitSourceSet(address fund, bytes32 policyId, uint64 epoch, SignedSource[] calldata sources)
        external
        returns (bytes32)
    {
        if (!FUNDS.actsFor(fund, msg.sender)) revert NotFund(fund, msg.sender);
        if (_sourceSets[fund][epoch].hash != 0) revert SourceSetExists(fund, epoch);
        Instance memory instance = _statements(fund, policyId, epoch);
        _checkSources(instance, sources);
        _fixSourceSet(instance, sources);
        return instance.set.hash;
    }

    /// @inheritdoc IAttestationRegistry
    function submit(
        address fund,
        bytes32 policyId,
        uint64 epoch,
        uint64 expiry,
        ProgramProof[] calldata programs,
        SignedSource[] calldata sources,
        PreviousSource[] calldata previousSources
    ) external {
        (address owner,) = FUNDS.fundOwner(fund);
        if (owner == address(0)) revert UnknownFund(fund);
        // Two keys of one person defeat this; readers choose whose policies they rely on.
        if (POLICIES.isJudge(policyId, fund, owner)) revert SelfApproved(policyId);
        if (_expired(expiry)) revert Expired(expiry);
        if (_revoked[fund][policyId][epoch]) revert EpochRevoked(fund, policyId, epoch);
        Instance memory instance = _statements(fund, policyId, epoch);
        instance.expiry = expiry;
        if (expiry > instance.approved.validUntil) revert ExpiryTooLate(expiry, instance.approved.validUntil);
        bytes32 previousLayoutHash = _checkPrograms(instance, programs);
        _checkSources(instance, sources);
        _fixSourceSet(instance, sources);
        _verify(instance, programs, previousLayoutHash, previousSources);
        _record(instance, programs);
    }

    /// @inheritdoc IAttestationRegistry
    function revoke(address fund, bytes32 policyId, uint64 epoch, string calldata reason) external {
        bool entitled = FUNDS.actsFor(fund, msg.sender) || POLICIES.isAuditor(policyId, msg.sender);
        if (!entitled && !_signsFor(policyId, msg.sender)) revert NotEntitled(policyId, msg.sender);
        if (bytes(reason).length == 0) revert EmptyReason();
        if (_sourceSets[fund][epoch].hash == 0) revert NothingToRevoke(fund, epoch);
        if (_revoked[fund][policyId][epoch]) revert EpochRevoked(fund, policyId, epoch);
        _revoked[fund][policyId][epoch] = true;
        Standing storage standing = _standings[fund][policyId];
        if (standing.epoch == epoch) standing.revoked = true;
        emit Revoked(fund, policyId, epoch, msg.sender, reason);
    }

    /// @inheritdoc IAttestationRegistry
    function suspend(address fund, bytes32 policyId, string calldata reason) external {
        if (bytes(reason).length == 0) revert EmptyReason();
        uint8 suspension_ = _suspensions[fund][policyId] | _suspender(fund, policyId);
        _suspensions[fund][policyId] = suspension_;
        emit Suspended(fund, policyId, msg.sender, Suspension(suspension_), reason);
    }

    /// @inheritdoc IAttestationRegistry
    function resume(address fund, bytes32 policyId) external {
        uint8 own = _suspender(fund, policyId);
        uint8 suspension_ = _suspensions[fund][policyId];
        if (suspension_ & own == 0) revert NotSuspended(fund, policyId);
        suspension_ &= ~own;
        _suspensions[fund][policyId] = suspension_;
        if (suspension_ == 0) _standings[fund][policyId].since = uint40(block.timestamp);
        emit Resumed(fund, policyId, msg.sender, Suspension(suspension_));
    }

    /// @inheritdoc IAttestationRegistry
    function isCompliant(address fund, bytes32 policyId) public view returns (bool) {
        Standing storage last = _standings[fund][policyId];
        // An expiry of 0, before the first, is long past.
        return
            !_expired(last.expiry) && !last.revoked && _suspensions[fund][policyId] == 0 && POLICIES.isCurrent(policyId);
    }

    /// @inheritdoc IAttestationRegistry
    function since(address fund, bytes32 policyId) external view returns (uint64) {
        return isCompliant(fund, policyId) ? _standings[fund][policyId].since : 0;
    }

    /// @inheritdoc IAttestationRegistry
    function latest(address fund, bytes32 policyId) external view returns (Compliance memory) {
        Standing storage last = _standings[fund][policyId];
        bytes32 set = _sourceSets[fund][last.epoch].hash;
        uint64 expiry = last.revoked ? 0 : last.expiry;
        return Compliance(last.epoch, expiry, last.blockNumber, set, _recordHashes[fund][policyId]);
    }

    /// @inheritdoc IAttestationRegistry
    function history(address fund, bytes32 policyId, uint256 start, uint256 count)
        external
        view
        returns (Record[] memory records)
    {
        uint256 length = historyLength(fund, policyId);
        if (start > length) start = length;
        if (count > length - start) count = length - start;
        records = new Record[](count);
        Standing[] storage past = _past[fund][policyId];
        for (uint256 i; i < count; ++i) {
            Standing memory each = start + i < past.length ? past[start + i] : _standings[fund][policyId];
            records[i] = Record(each.epoch, each.expiry, each.blockNumber, each.completedAt);
        }
    }

    /// @inheritdoc IAttestationRegistry
    function historyLength(address fund, bytes32 policyId) public view returns (uint256) {
        return _past[fund][policyId].length + (_standings[fund][policyId].epoch == 0 ? 0 : 1);
    }

    /// @inheritdoc IAttestationRegistry
    function progress(address fund, bytes32 policyId, uint64 epoch)
        external
        view
        returns (uint256 attested, uint64 expiry, uint64 blockNumber)
    {
        Standing memory completed = _completed(fund, policyId, epoch);
        if (completed.epoch != 0) return (type(uint256).max, completed.expiry, completed.blockNumber);
        Progress storage progress_ = _progress[fund][policyId][epoch];
        return (_attested(progress_), progress_.expiry, progress_.blockNumber);
    }

    /// @inheritdoc IAttestationRegistry
    function isRevoked(address fund, bytes32 policyId, uint64 epoch) external view returns (bool) {
        return _revoked[fund][policyId][epoch];
    }

    /// @inheritdoc IAttestationRegistry
    function suspension(address fund, bytes32 policyId) external view returns (Suspension) {
        return Suspension(_suspensions[fund][policyId]);
    }

    /// @inheritdoc IAttestationRegistry
    function sourceSet(address fund, uint64 epoch) external view returns (bytes32) {
        return _sourceSets[fund][epoch].hash;
    }

    /// @inheritdoc IAttestationRegistry
    function bookStanding(address fund, uint64 epoch) external view returns (BookStanding) {
        if (BOOKS.bookRoot(fund, epoch) == 0) return BookStanding.NONE;
        bytes32 source = BOOKS.provenSource(fund, epoch);
        if (source == 0) return BookStanding.PUBLISHED;
        return source == _sourceSets[fund][epoch].bookSource ? BookStanding.COUNTED : BookStanding.PROVED;
    }

    /// @inheritdoc IAttestationRegistry
    function previousEpoch(address fund, uint64 epoch) external view returns (uint64) {
        return _sourceSets[fund][epoch].previousEpoch;
    }

    /// @inheritdoc IAttestationRegistry
    function lastEpoch(address fund) external view returns (uint64) {
        return _lastEpochs[fund];
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IAttestationRegistry).interfaceId || super.supportsInterface(interfaceId);
    }

    function _expired(uint64 expiry) private view returns (bool) {
        return block.timestamp > expiry;
    }

    /// @dev Programs that are in and have not expired, of an epoch that is not complete. What has expired is begun anew.
    function _attested(Progress storage progress_) private view returns (uint256) {
        return _expired(progress_.expiry) ? 0 : progress_.attested;
    }

    /// @dev An epoch as it was completed last, else zeros. Completed ones ascend, so that halving finds it.
    function _completed(address fund, bytes32 policyId, uint64 epoch) private view returns (Standing memory completed) {
        if (_standings[fund][policyId].epoch == epoch) return _standings[fund][policyId];
        Standing[] storage past = _past[fund][policyId];
        (uint256 low, uint256 high) = (0, past.length);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (past[middle].epoch <= epoch) low = middle + 1;
            else high = middle;
        }
        if (low != 0 && past[low - 1].epoch == epoch) completed = past[low - 1];
    }

    /// @dev In whose name the caller suspends or resumes: in both, if a fund made its auditor an operator, so that the auditor's
    /// suspension stays the auditor's.
    function _suspender(address fund, bytes32 policyId) private view returns (uint8 by) {
        if (FUNDS.actsFor(fund, msg.sender)) by |= BY_FUND;
        if (POLICIES.isAuditor(policyId, msg.sender)) by |= BY_AUDITOR;
        if (by == 0) revert NotEntitled(policyId, msg.sender);
    }

    /// @dev Whether an account signs for a source that the policy requires.
    function _signsFor(bytes32 policyId, address account) private view returns (bool) {
        SourceRequirement[] memory requirements = POLICIES.policy(policyId).requirements;
        for (uint256 i; i < requirements.length; ++i) {
            if (requirements[i].signer == account) return true;
        }
        return false;
    }

    /// @dev What a book and the source that signed for it have in common: the slots they may fill, what a unit of each is, and the
    /// commitment. 0 where the policy requires no book.
    function _bookSource(Instance memory instance) private pure returns (bytes32) {
        uint256 index = _bookIndex(instance.policy.requirements);
        if (index == instance.policy.requirements.length) return 0;
        Approval memory approved = instance.approved;
        bytes32 commitmentHash = instance.set.commitmentHashes[index];
        return keccak256(abi.encode(approved.ownedSlotsHashes[index], approved.bookCurrencies, commitmentHash));
    }

    /// @dev Which required source is the liability book; as many as there are sources if none is.
    function _bookIndex(SourceRequirement[] memory requirements) private pure returns (uint256 i) {
        while (i < requirements.length && requirements[i].role != LIABILITY_BOOK) ++i;
    }

    /// @dev The policy and its statements of the epoch.
    function _statements(address fund, bytes32 policyId, uint64 epoch) private view returns (Instance memory instance) {
        (instance.fund, instance.policyId, instance.epoch) = (fund, policyId, epoch);
        (instance.policy, instance.approved) = POLICIES.statements(policyId, epoch);
    }

    /// @dev The epoch's sources, each of which signed its commitment, and what was read from the fund's addresses.
    function _checkSources(Instance memory instance, SignedSource[] calldata sources) private view {
        _readAccounts(instance.fund, instance.policyId, instance.epoch, instance.approved);
        instance.set = SourceSets.check(
            _domainSeparatorV4(),
            instance.fund,
            instance.epoch,
            instance.approved,
            instance.policy.requirements,
            sources
        );
    }

    /// @dev Makes public slots of what was read from the fund's addresses.
    function _readAccounts(address fund, bytes32 policyId, uint64 epoch, Approval memory approved) private view {
        AccountSlot[] memory slots = approved.accountSlots;
        if (slots.length == 0) return;
        uint256[] memory lots = ACCOUNT_READER.values(fund, policyId, epoch);
        approved.publicSlots = PublicSlots.merge(approved.publicSlots, slots, lots);
    }

    /// @dev One source set a fund and epoch, in ascending order of epochs, so that the epoch before is known for good. Only the
    /// fund fixes it: else anybody could take the epoch with sources and a policy of their own.
    function _fixSourceSet(Instance memory instance, SignedSource[] calldata sources) private {
        (address fund, uint64 epoch, SourceSet memory set) = (instance.fund, instance.epoch, instance.set);
        FixedSet storage fixedSet = _sourceSets[fund][epoch];
        bytes32 committed = fixedSet.hash;
        if (committed == 0) {
            if (!FUNDS.actsFor(fund, msg.sender)) revert SourceSetNotCommitted(fund, epoch);
            uint64 last = _lastEpochs[fund];
            if (epoch <= last) revert EpochNotAscending(last, epoch);
            _checkRepresentations(instance, sources);
            _lastEpochs[fund] = epoch;
            fixedSet.hash = set.hash;
            (fixedSet.previousEpoch, fixedSet.policyNumber) = (last, instance.policy.number);
            fixedSet.bookSource = _bookSource(instance);
            emit SourceSetCommitted(fund, epoch, set.hash, instance.policyId, set.structHashes, set.commitmentHashes);
        } else {
            if (committed != set.hash) revert SourceSetMismatch(committed, set.hash);
            // The policy under which it was fixed may have asked for no representation, or its publishers may have said that a unit of
            // the book is something else; the hash does not tell.
            if (fixedSet.policyNumber != instance.policy.number) {
                bytes32 bookSource = _bookSource(instance);
                if (fixedSet.bookSource != bookSource) revert BookSourceMismatch(fixedSet.bookSource, bookSource);
                _checkRepresentations(instance, sources);
            }
        }
    }

    /// @dev Sources that owe one prove that their commitments are their own.
    function _checkRepresentations(Instance memory instance, SignedSource[] calldata sources) private view {
        SourceRequirement[] memory requirements = instance.policy.requirements;
        for (uint256 i; i < requirements.length; ++i) {
            if (!requirements[i].representation) continue;
            RepresentationClaim memory claim;
            (claim.registry, claim.fund, claim.epoch) = (address(this), instance.fund, instance.epoch);
            claim.sourceId = requirements[i].sourceId;
            claim.ownedSlotsHash = instance.approved.ownedSlotsHashes[i];
            claim.commitment = sources[i].commitment;
            REPRESENTATION_VERIFIER.verify(claim, sources[i].representation);
        }
    }

    /// @dev Each program once, with its approved key, and one of them at least not attested yet, or all with a later expiry than they
    /// have. If every one had to be new, anybody could stop a transaction of several by sending one of its proofs first; if none could
    /// come again, shorten it by one of an older proof.
    /// @return previousLayoutHash of the previous epoch's holdings, 0 where no key compares epochs
    function _checkPrograms(Instance memory instance, ProgramProof[] calldata programs)
        private
        view
        returns (bytes32 previousLayoutHash)
    {
        if (programs.length == 0) revert InvalidPrograms();
        Standing storage standing = _standings[instance.fund][instance.policyId];
        uint64 last = standing.epoch;
        if (instance.epoch < last) revert EpochNotAscending(last, instance.epoch);
        uint256 attested = _attested(_progress[instance.fund][instance.policyId][instance.epoch]);
        if (instance.epoch == last) attested = type(uint256).max;
        bool anyNew = programs.length == instance.policy.programCount && instance.expiry > standing.expiry;
        for (uint256 i; i < programs.length; ++i) {
            uint256 program = programs[i].program;
            if (i != 0 && program <= programs[i - 1].program) revert InvalidPrograms();
            if (attested >> program & 1 == 0) anyNew = true;
            StatementKey calldata statement = _checkKey(instance.approved, program, programs[i].key);
            if (statement.previousSize == 0) continue;
            bytes32 layoutHash = statement.previousLayoutHash;
            if (previousLayoutHash != 0 && layoutHash != previousLayoutHash) {
                revert WrongPreviousLayout(previousLayoutHash, layoutHash);
            }
            previousLayoutHash = layoutHash;
        }
        if (!anyNew) {
            revert AlreadyAttested(instance.fund, instance.policyId, instance.epoch, programs[0].program);
        }
    }

    /// @dev All proofs at once, each about its approved statement, these holdings and this context.
    function _verify(
        Instance memory instance,
        ProgramProof[] calldata programs,
        bytes32 previousLayoutHash,
        PreviousSource[] calldata previousSources
    ) private view {
        bytes32[] memory programIds = new bytes32[](programs.length);
        for (uint256 i; i < programs.length; ++i) {
            programIds[i] = keccak256(abi.encode(instance.policyId, programs[i].program));
        }
        Context memory context;
        context.registry = address(this);
        context.fund = instance.fund;
        context.epoch = instance.epoch;
        context.expiry = instance.expiry;
        context.bookRoot = _neededBookRoot(instance);
        context.sourceSetHash = instance.set.hash;
        bool compares = previousLayoutHash != 0;
        Holdings[] memory holdings = new Holdings[](compares ? 2 : 1);
        holdings[0] = instance.set.holdings;
        if (compares) {
            context.previousEpoch = _sourceSets[instance.fund][instance.epoch].previousEpoch;
            SourceSet memory previous =
                _previousSet(instance, context.previousEpoch, previousLayoutHash, previousSources);
            context.previousSourceSetHash = previous.hash;
            holdings[1] = previous.holdings;
        } else if (previousSources.length != 0) {
            revert SuperfluousPreviousSources();
        }
        VerifierCall.verifyAll(VERIFIER, programs, context, programIds, holdings);
    }

    /// @dev The key is the approved one of this program, and of the approved layout.
    function _checkKey(Approval memory approved, uint256 program, bytes calldata key)
        private
        pure
        returns (StatementKey calldata statement)
    {
        if (program >= approved.digests.length) revert UnknownProgram(program, approved.digests.length);
        (bytes32 digest, bytes32 approvedDigest) = (keccak256(key), approved.digests[program]);
        if (digest != approvedDigest) revert DigestNotApproved(approvedDigest, digest);
        statement = StatementKeys.accepted(key); // the verifier decodes it, and refuses what is not canonical
        if (statement.layoutHash != approved.layoutHash) revert WrongLayout(approved.layoutHash, statement.layoutHash);
    }

    /// @dev The root that goes into the proofs' context: the fund's published one where the policy requires a liability book,
    /// else 0.
    function _neededBookRoot(Instance memory instance) private view returns (bytes32 root) {
        SourceRequirement[] memory requirements = instance.policy.requirements;
        if (_bookIndex(requirements) == requirements.length) return 0;
        root = BOOKS.bookRoot(instance.fund, instance.epoch);
        if (root == 0) revert BookNotPublished(instance.fund, instance.epoch);
    }

    /// @dev The source set of the previous epoch, as it is on record and of the layout that the keys were made for.
    function _previousSet(
        Instance memory instance,
        uint64 epoch,
        bytes32 layoutHash,
        PreviousSource[] calldata previousSources
    ) private view returns (SourceSet memory previous) {
        address fund = instance.fund;
        if (epoch == 0) revert NoPreviousEpoch(fund, instance.epoch);
        FixedSet storage fixedSet = _sourceSets[fund][epoch];
        bytes32 previousId = POLICIES.policyAt(fixedSet.policyNumber);
        PolicyRecord memory policy_ = previousId == instance.policyId ? instance.policy : POLICIES.policy(previousId);
        // Under a policy of somebody else a fund could fix any holdings it likes to be compared with.
        bool comparable = policy_.owner == instance.policy.owner
            && keccak256(abi.encode(policy_.requirements)) == keccak256(abi.encode(instance.policy.requirements));
        if (!comparable) revert IncomparablePolicies(instance.policyId, previousId);
        (Approval memory approved,) = POLICIES.approval(previousId, epoch);
        if (approved.layoutHash != layoutHash) revert WrongPreviousLayout(approved.layoutHash, layoutHash);
        _readAccounts(fund, previousId, epoch, approved);
        previous = SourceSets.restore(fund, epoch, approved, policy_.requirements, previousSources);
        if (previous.hash != fixedSet.hash) revert PreviousSourceSetMismatch(fixedSet.hash, previous.hash);
    }

    /// @dev Marks the programs that are new and, with the last one, completes the epoch. All at once leave no trace but the completed
    /// epoch.
    function _record(Instance memory instance, ProgramProof[] calldata programs) private {
        (address fund, bytes32 policyId, uint64 epoch) = (instance.fund, instance.policyId, instance.epoch);
        Progress storage progress_ = _progress[fund][policyId][epoch];
        (uint256 attested, uint64 expiry) = (_attested(progress_), progress_.expiry);
        // All at once stand for themselves.
        bool whole = programs.length == instance.policy.programCount;
        if (whole || attested == 0 || instance.expiry < expiry) expiry = instance.expiry;
        for (uint256 i; i < programs.length; ++i) {
            uint256 program = programs[i].program;
            if (attested >> program & 1 != 0) continue; // verified again, and on record already
            attested |= uint256(1) << program;
            bytes32 digest = instance.approved.digests[program];
            emit ProgramAttested(fund, policyId, epoch, program, digest, instance.set.hash, instance.expiry);
        }
        if (attested == (uint256(1) << instance.policy.programCount) - 1) {
            _complete(instance, expiry);
        } else {
            (progress_.expiry, progress_.blockNumber) = (expiry, uint64(block.number));
            // A policy has at most 128 programs.
            // forge-lint: disable-next-line(unsafe-typecast)
            progress_.attested = uint128(attested);
        }
    }

    function _complete(Instance memory instance, uint64 expiry) private {
        (address fund, bytes32 policyId, uint64 epoch) = (instance.fund, instance.policyId, instance.epoch);
        (uint40 number, uint40 time) = (uint40(block.number), uint40(block.timestamp));
        bool unbroken = isCompliant(fund, policyId);
        Standing storage standing = _standings[fund][policyId];
        Standing memory before = standing;
        if (before.epoch != 0) _past[fund][policyId].push(before);
        uint40 since_ = unbroken ? before.since : time;
        (standing.epoch, standing.expiry, standing.blockNumber) = (epoch, expiry, number);
        (standing.completedAt, standing.since, standing.revoked) = (time, since_, false);
        bytes32 previous = _recordHashes[fund][policyId];
        bytes32 set = instance.set.hash;
        bytes32 recordHash = keccak256(abi.encode(previous, fund, policyId, epoch, expiry, number, time, set));
        _recordHashes[fund][policyId] = recordHash;
        emit PolicyMet(fund, policyId, epoch, set, expiry, previous, recordHash);
    }
}
