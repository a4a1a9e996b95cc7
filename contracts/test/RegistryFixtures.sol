// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {AccountReader} from "../src/AccountReader.sol";
import {AttestationRegistry} from "../src/AttestationRegistry.sol";
import {BookRegistry} from "../src/BookRegistry.sol";
import {BookVerifier} from "../src/BookVerifier.sol";
import {FundRegistry} from "../src/FundRegistry.sol";
import {
    IAttestationRegistry,
    PreviousSource,
    ProgramProof,
    SignedSource
} from "../src/interfaces/IAttestationRegistry.sol";
import {AccountSlot, Approval, Oversight, SourceRequirement} from "../src/interfaces/IPolicyRegistry.sol";
import {Context, Holdings, IProofVerifier, PublicSlot, Source} from "../src/interfaces/IProofVerifier.sol";
import {SourceSets} from "../src/libraries/SourceSets.sol";
import {PolicyRegistry} from "../src/PolicyRegistry.sol";
import {ProofVerifier} from "../src/ProofVerifier.sol";
import {RepresentationVerifier} from "../src/RepresentationVerifier.sol";
import {Fixtures} from "./Fixtures.sol";

/// @notice Arguments of `AttestationRegistry.submit`. policy: 0 has one program, 1 and 2 have two, and the last of 2 compares
/// epochs. Numbers 0, 1, 2 are of epoch 7, numbers 3, 4, 5 of epoch 8.
struct Submission {
    uint256 policy;
    uint256 program;
    uint64 epoch;
    uint64 expiry;
    bytes32 digest;
    bytes key;
    SignedSource[] sources;
    PreviousSource[] previousSources;
    bytes32 sourceSetHash;
    bytes proof;
}

/// @notice A verifier that takes what it expects, to the last bit, and nothing else.
contract ExpectingVerifier {
    bytes32 private _expected;

    function expect(bytes32 argumentsHash) external {
        _expected = argumentsHash;
    }

    function verifyAll(
        bytes[] calldata keys,
        Context calldata context,
        bytes32[] calldata programIds,
        Holdings[] calldata holdings,
        bytes[] calldata proofs
    ) external view returns (bytes32[] memory) {
        require(keccak256(abi.encode(keys, context, programIds, holdings, proofs)) == _expected, "not as expected");
        return new bytes32[](keys.length);
    }
}

/// @title Registries where the fixtures' proofs expect them, with their fund, policies and approvals
abstract contract RegistryFixtures is Fixtures {
    address internal constant FUND = 0x00000000000000000000000000000000000000f1;
    address internal constant FUND_OWNER = 0x00000000000000000000000000000000000000F2;
    address internal constant STRANGER = 0x0000000000000000000000000000000000000099;
    address internal constant POLICY_OWNER = 0x00000000000000000000000000000000000000B1;
    address internal constant AUDITOR = 0x00000000000000000000000000000000000000A1;
    address internal constant OPERATOR = 0x00000000000000000000000000000000000000f3;
    uint64 internal constant NOTICE = 2 days;
    address internal constant DEPLOYER = 0x00000000000000000000000000000000000000D1;
    string private constant FIXTURE = "test/fixtures/registry.json";

    FundRegistry internal funds;
    PolicyRegistry internal policies;
    BookRegistry internal books;
    AccountReader internal accountReader;
    AttestationRegistry internal registry;
    bytes32[3] internal policyIds;
    bytes32[3] internal policyHashes;
    uint64 internal validUntil;

    function create() internal virtual {
        funds = new FundRegistry();
        policies = new PolicyRegistry();
        books = new BookRegistry(new BookVerifier(), funds);
        accountReader = new AccountReader(funds, policies);
        IProofVerifier verifier = new ProofVerifier();
        RepresentationVerifier representationVerifier = new RepresentationVerifier();
        vm.prank(DEPLOYER);
        registry = new AttestationRegistry(verifier, books, accountReader, representationVerifier);
    }

    function deploy() internal {
        create();
        string memory json = vm.readFile(FIXTURE);
        address expected = address(bytes20(vm.parseJsonBytes(json, ".registry")));
        vm.assertEq(address(registry), expected, "the registry's address");
        for (uint256 i; i < 3; ++i) {
            string memory index = string.concat("[", vm.toString(i), "]");
            policyHashes[i] = bytes32(vm.parseJsonBytes(json, string.concat(".policyHashes", index)));
            policyIds[i] = bytes32(vm.parseJsonBytes(json, string.concat(".policyIds", index)));
        }
        validUntil = uint64(vm.parseJsonUint(json, ".validUntil"));
        vm.warp(1_900_000_000);
    }

    /// @dev The fund, all policies, and the approvals of epoch 7 for policies 0 and 1, of epoch 8 for policies 0 and 2.
    function registerAll() internal {
        registerFund();
        for (uint256 i; i < 3; ++i) {
            bytes32 id = register(POLICY_OWNER, policyHashes[i], requirementsOf(), i == 0 ? 1 : 2);
            vm.assertEq(id, policyIds[i], "policy id as in Python");
            if (i < 2) approve(id, 7, approvalOf(i));
        }
        approve(policyIds[0], 8, approvalOf(0));
        approve(policyIds[2], 8, approvalOf(2));
    }

    function registerFund() internal {
        vm.prank(FUND);
        funds.registerFund(FUND_OWNER);
    }

    /// @dev A policy that its owner publishes alone, with AUDITOR as its auditor.
    function register(address owner, bytes32 hash, SourceRequirement[] memory requirements, uint64 programs)
        internal
        returns (bytes32)
    {
        return register(owner, hash, requirements, programs, oversightOf(owner));
    }

    function register(
        address owner,
        bytes32 hash,
        SourceRequirement[] memory requirements,
        uint64 programs,
        Oversight memory oversight
    ) internal returns (bytes32) {
        string[] memory limits = new string[](1);
        limits[0] = "net asset value > 0";
        vm.prank(owner);
        return policies.registerPolicy(hash, requirements, programs, oversight, "ipfs://policy", limits);
    }

    /// @dev The id of a policy that requires the fixtures' sources.
    function policyIdOf(address owner, bytes32 hash, uint256 programs) internal view returns (bytes32) {
        return keccak256(abi.encode(owner, hash, keccak256(abi.encode(requirementsOf())), programs));
    }

    /// @dev One publisher, no challenge window, the shortest notice, one auditor.
    function oversightOf(address account) internal pure returns (Oversight memory) {
        return Oversight(listOf(account), 1, 0, NOTICE, listOf(AUDITOR));
    }

    /// @dev Three publishers, of whom two must agree, an hour to object, and one auditor.
    function committee() internal pure returns (Oversight memory) {
        address[] memory publishers = new address[](3);
        for (uint256 i; i < 3; ++i) {
            publishers[i] = publisher(i);
        }
        return Oversight(publishers, 2, 1 hours, NOTICE, listOf(AUDITOR));
    }

    function publisher(uint256 i) internal pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return address(uint160(0xC1 + i));
    }

    function listOf(address account) internal pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }

    function approve(bytes32 id, uint64 epoch, Approval memory approval) internal {
        approveAs(POLICY_OWNER, id, epoch, approval);
    }

    function approveAs(address caller, bytes32 id, uint64 epoch, Approval memory approval) internal {
        vm.prank(caller);
        policies.approveEpoch(id, epoch, approval);
    }

    function commit(bytes32 id, uint64 epoch, SignedSource[] memory sources) internal returns (bytes32) {
        vm.prank(FUND_OWNER);
        return registry.commitSourceSet(FUND, id, epoch, sources);
    }

    function setOperator(address operator, bool allowed) internal {
        vm.prank(FUND_OWNER);
        funds.setOperator(FUND, operator, allowed);
    }

    function publishBook(uint64 epoch, bytes32 root) internal {
        vm.prank(FUND_OWNER);
        books.publishBook(FUND, epoch, root);
    }

    function requirementsOf() internal view returns (SourceRequirement[] memory) {
        return abi.decode(vm.parseJsonBytes(vm.readFile(FIXTURE), ".requirements"), (SourceRequirement[]));
    }

    function approvalOf(uint256 policy) internal view returns (Approval memory approval) {
        string memory json = vm.readFile(FIXTURE);
        approval.asOf = uint64(vm.parseJsonUint(json, ".asOf"));
        approval.validUntil = validUntil;
        approval.layoutHash = bytes32(vm.parseJsonBytes(json, ".layoutHash"));
        approval.ownedSlotsHashes = new bytes32[](2);
        approval.ownedSlotsHashes[0] = bytes32(vm.parseJsonBytes(json, ".ownedSlotsHashes[0]"));
        approval.ownedSlotsHashes[1] = bytes32(vm.parseJsonBytes(json, ".ownedSlotsHashes[1]"));
        approval.digests = new bytes32[](policy == 0 ? 1 : 2);
        approval.digests[0] = bytes32(vm.parseJsonBytes(json, ".submissions[0].digest"));
        string memory second = policy == 1 ? ".submissions[2].digest" : ".submissions[5].digest";
        if (policy != 0) approval.digests[1] = bytes32(vm.parseJsonBytes(json, second));
        approval.publicSlots = new PublicSlot[](0);
        approval.accountSlots = new AccountSlot[](0);
    }

    function submission(uint256 index) internal view returns (Submission memory s) {
        string memory json = vm.readFile(FIXTURE);
        string memory path = string.concat(".submissions[", vm.toString(index), "].");
        s.policy = vm.parseJsonUint(json, string.concat(path, "policy"));
        s.program = vm.parseJsonUint(json, string.concat(path, "program"));
        s.epoch = uint64(vm.parseJsonUint(json, string.concat(path, "epoch")));
        s.expiry = uint64(vm.parseJsonUint(json, string.concat(path, "expiry")));
        s.digest = bytes32(vm.parseJsonBytes(json, string.concat(path, "digest")));
        s.key = vm.parseJsonBytes(json, string.concat(path, "key"));
        s.sources = abi.decode(vm.parseJsonBytes(json, string.concat(path, "sources")), (SignedSource[]));
        s.previousSources =
            abi.decode(vm.parseJsonBytes(json, string.concat(path, "previousSources")), (PreviousSource[]));
        s.sourceSetHash = bytes32(vm.parseJsonBytes(json, string.concat(path, "sourceSetHash")));
        s.proof = vm.parseJsonBytes(json, string.concat(path, "proof"));
    }

    function submit(Submission memory s, address caller) internal {
        submit(s, policyIds[s.policy], caller);
    }

    /// @dev Under a policy that the fixtures do not know.
    function submit(Submission memory s, bytes32 id, address caller) internal {
        submit(s, id, programOf(s), caller);
    }

    /// @dev All programs of these submissions in one call, the rest as in `s`.
    function submit(Submission memory s, bytes32 id, ProgramProof[] memory programs, address caller) internal {
        vm.prank(caller);
        registry.submit(FUND, id, s.epoch, s.expiry, programs, s.sources, s.previousSources);
    }

    function programOf(Submission memory s) internal pure returns (ProgramProof[] memory programs) {
        programs = new ProgramProof[](1);
        programs[0] = ProgramProof(s.program, s.key, s.proof);
    }

    /// @dev From here on every proof is valid, so that what the registry itself counts can be tested.
    function acceptAllProofs() internal {
        vm.mockCall(
            address(registry.verifier()),
            abi.encodePacked(IProofVerifier.verifyAll.selector),
            abi.encode(new bytes32[](0))
        );
    }

    /// @dev From here on the verifier takes these proofs about this context and holdings, and no others.
    function expectVerification(
        Context memory context,
        bytes32 id,
        ProgramProof[] memory programs,
        Holdings[] memory holdings
    ) internal {
        bytes[] memory keys = new bytes[](programs.length);
        bytes[] memory proofs = new bytes[](programs.length);
        bytes32[] memory programIds = new bytes32[](programs.length);
        for (uint256 i; i < programs.length; ++i) {
            (keys[i], proofs[i]) = (programs[i].key, programs[i].proof);
            programIds[i] = keccak256(abi.encode(id, programs[i].program));
        }
        address verifier = address(registry.verifier());
        vm.etch(verifier, type(ExpectingVerifier).runtimeCode);
        ExpectingVerifier(verifier).expect(keccak256(abi.encode(keys, context, programIds, holdings, proofs)));
    }

    /// @dev What a proof of this submission is about, without book and comparison.
    function contextOf(Submission memory s) internal view returns (Context memory context) {
        (context.registry, context.fund) = (address(registry), FUND);
        (context.epoch, context.expiry, context.sourceSetHash) = (s.epoch, s.expiry, s.sourceSetHash);
    }

    function holdingsOf(SignedSource[] memory sources) internal view returns (Holdings memory holdings) {
        SourceRequirement[] memory requirements = requirementsOf();
        holdings.sources = new Source[](sources.length);
        for (uint256 i; i < sources.length; ++i) {
            holdings.sources[i] = Source(requirements[i].sourceId, sources[i].commitment);
        }
        holdings.publicSlots = new PublicSlot[](0);
    }

    /// @dev met: whether the policy is met with it, for the first time.
    function expectSubmissionEvents(Submission memory s, bool met) internal {
        bytes32 id = policyIds[s.policy];
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.ProgramAttested(FUND, id, s.epoch, s.program, s.digest, s.sourceSetHash, s.expiry);
        if (!met) return;
        bytes32 recordHash = recordHashOf(0, id, s);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.PolicyMet(FUND, id, s.epoch, s.sourceSetHash, s.expiry, 0, recordHash);
    }

    /// @dev The link that this submission adds to the fund's history, now.
    function recordHashOf(bytes32 before, bytes32 id, Submission memory s) internal view returns (bytes32) {
        return
            keccak256(abi.encode(before, FUND, id, s.epoch, s.expiry, block.number, block.timestamp, s.sourceSetHash));
    }

    /// @dev ERC-165 and one interface more, and no others.
    function assertInterfaces(IERC165 target, bytes4 interfaceId) internal view {
        vm.assertTrue(target.supportsInterface(interfaceId), "its own interface");
        vm.assertTrue(target.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        vm.assertTrue(!target.supportsInterface(0xffffffff) && !target.supportsInterface(0x12345678), "no other");
    }

    /// @dev The key of the signer of requirement `index`, as in the fixtures' writer.
    function signerKey(uint256 index) internal view returns (uint256) {
        bool first = requirementsOf()[index].sourceId == keccak256("a");
        return uint256(keccak256(first ? bytes("signer of a") : bytes("signer of b")));
    }

    function domainSeparator() internal view returns (bytes32) {
        return domainSeparator(address(registry));
    }

    /// @dev Of the domain ("attest", "1") of a contract.
    function domainSeparator(address verifying) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("attest"),
                keccak256("1"),
                block.chainid,
                verifying
            )
        );
    }

    function typedDigest(address verifying, bytes32 structHash_) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(verifying), structHash_));
    }

    /// @dev hashStruct of a source's commitment for the fund under policy 0's approval.
    function structHash(SignedSource memory source, uint256 index, uint64 epoch) internal view returns (bytes32) {
        return structHash(source, index, epoch, approvalOf(0));
    }

    function structHash(SignedSource memory source, uint256 index, uint64 epoch, Approval memory approval)
        internal
        view
        returns (bytes32)
    {
        SourceRequirement memory requirement = requirementsOf()[index];
        return keccak256(
            abi.encode(
                SourceSets.TYPEHASH,
                FUND,
                epoch,
                approval.asOf,
                requirement.sourceId,
                requirement.role,
                approval.layoutHash,
                approval.ownedSlotsHashes[index],
                keccak256(abi.encode(source.commitment)),
                source.expiry,
                source.nonce
            )
        );
    }

    /// @dev What the source's key signs.
    function sourceDigest(SignedSource memory source, uint256 index, uint64 epoch) internal view returns (bytes32) {
        return sourceDigest(source, index, epoch, approvalOf(0));
    }

    function sourceDigest(SignedSource memory source, uint256 index, uint64 epoch, Approval memory approval)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), structHash(source, index, epoch, approval)));
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev One more epoch under a policy of one program, submitted by the fund as if it had a proof.
    function attest(bytes32 id, uint64 epoch, uint64 expiry) internal returns (Submission memory s) {
        acceptAllProofs();
        s = submission(0);
        (s.epoch, s.expiry, s.sources) = (epoch, expiry, resigned(s.sources, epoch));
        if (policies.policy(id).lastEpoch < epoch) approve(id, epoch, approvalOf(0));
        submit(s, id, FUND_OWNER);
        s.sourceSetHash = registry.sourceSet(FUND, epoch);
    }

    /// @dev The hash of the fund's source set of an epoch with these public slots, as the protocol defines it (§4).
    function setHash(SignedSource[] memory sources, uint64 epoch, Approval memory approval, PublicSlot[] memory slots)
        internal
        view
        returns (bytes32)
    {
        SourceRequirement[] memory requirements = requirementsOf();
        bytes memory arrays;
        bytes memory offsets;
        uint256 end = 9 * 32;
        for (uint256 member; member < 5; ++member) {
            uint256 length = member < 3 ? sources.length : slots.length;
            bytes memory items;
            for (uint256 i; i < length; ++i) {
                bytes32 item;
                if (member == 0) item = requirements[i].sourceId;
                else if (member == 1) item = structHash(sources[i], i, epoch, approval);
                else if (member == 2) item = keccak256(abi.encode(sources[i].commitment));
                else item = bytes32(member == 3 ? slots[i].slot : slots[i].value);
                items = bytes.concat(items, item);
            }
            offsets = bytes.concat(offsets, bytes32(end));
            arrays = bytes.concat(arrays, bytes32(length), items);
            end += 32 + items.length;
        }
        bytes memory head = abi.encode(FUND, epoch, approval.asOf, approval.layoutHash);
        return keccak256(bytes.concat(head, offsets, arrays));
    }

    /// @dev The same commitments with other nonces, signed anew: another source set.
    function resigned(SignedSource[] memory sources, uint64 epoch) internal view returns (SignedSource[] memory) {
        Approval memory approval = approvalOf(0);
        for (uint256 i; i < sources.length; ++i) {
            sources[i].nonce += 1000;
            sources[i].signature = signature(signerKey(i), sourceDigest(sources[i], i, epoch, approval));
        }
        return sources;
    }
}
