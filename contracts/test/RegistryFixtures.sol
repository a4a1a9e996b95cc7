// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AttestationRegistry} from "../src/AttestationRegistry.sol";
import {BookVerifier} from "../src/BookVerifier.sol";
import {
    Approval,
    IAttestationRegistry,
    PreviousSource,
    SignedSource,
    SourceRequirement
} from "../src/interfaces/IAttestationRegistry.sol";
import {IBookVerifier} from "../src/interfaces/IBookVerifier.sol";
import {IProofVerifier, PublicSlot} from "../src/interfaces/IProofVerifier.sol";
import {SourceSets} from "../src/libraries/SourceSets.sol";
import {ProofVerifier} from "../src/ProofVerifier.sol";
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

/// @title A registry where the fixtures' proofs expect it, with their fund, policies and approvals
abstract contract RegistryFixtures is Fixtures {
    address internal constant FUND = 0x00000000000000000000000000000000000000f1;
    address internal constant FUND_OWNER = 0x00000000000000000000000000000000000000F2;
    address internal constant STRANGER = 0x0000000000000000000000000000000000000099;
    address internal constant POLICY_OWNER = 0x00000000000000000000000000000000000000B1;
    address private constant DEPLOYER = 0x00000000000000000000000000000000000000D1;
    string private constant FIXTURE = "test/fixtures/registry.json";

    AttestationRegistry internal registry;
    bytes32[3] internal policyIds;
    bytes32[3] internal policyHashes;
    uint64 internal validUntil;

    function deploy() internal {
        IProofVerifier verifier = new ProofVerifier();
        IBookVerifier bookVerifier = new BookVerifier();
        vm.prank(DEPLOYER);
        registry = new AttestationRegistry(verifier, bookVerifier);
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
        vm.prank(FUND);
        registry.registerFund(FUND_OWNER);
        for (uint256 i; i < 3; ++i) {
            vm.prank(POLICY_OWNER);
            bytes32 id = registry.registerPolicy(policyHashes[i], requirementsOf(), i == 0 ? 1 : 2, "ipfs://policy");
            vm.assertEq(id, policyIds[i], "policy id as in Python");
            if (i < 2) approve(id, 7, approvalOf(i));
        }
        approve(policyIds[0], 8, approvalOf(0));
        approve(policyIds[2], 8, approvalOf(2));
    }

    function approve(bytes32 id, uint64 epoch, Approval memory approval) internal {
        vm.prank(POLICY_OWNER);
        registry.approveEpoch(id, epoch, approval);
    }

    function commit(bytes32 id, uint64 epoch, SignedSource[] memory sources) internal returns (bytes32) {
        vm.prank(FUND_OWNER);
        return registry.commitSourceSet(FUND, id, epoch, sources);
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
        approval.digests[0] = submission(0).digest;
        if (policy != 0) approval.digests[1] = submission(policy == 1 ? 2 : 5).digest;
        approval.publicSlots = new PublicSlot[](0);
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
        vm.prank(caller);
        registry.submit(
            FUND, policyIds[s.policy], s.epoch, s.expiry, s.program, s.key, s.sources, s.previousSources, s.proof
        );
    }

    /// @dev From here on every proof is valid, so that what the registry itself counts can be tested.
    function acceptAllProofs() internal {
        vm.mockCall(
            address(registry.verifier()), abi.encodePacked(IProofVerifier.verify.selector), abi.encode(bytes32(0))
        );
    }

    function expectSubmissionEvents(Submission memory s, bool met) internal {
        bytes32 id = policyIds[s.policy];
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.ProgramAttested(FUND, id, s.epoch, s.program, s.digest, s.sourceSetHash, s.expiry);
        if (!met) return;
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.PolicyMet(FUND, id, s.epoch, s.sourceSetHash, s.expiry);
    }

    /// @dev The key of the signer of requirement `index`, as in the fixtures' writer.
    function signerKey(uint256 index) internal view returns (uint256) {
        bool first = requirementsOf()[index].sourceId == keccak256("a");
        return uint256(keccak256(first ? bytes("signer of a") : bytes("signer of b")));
    }

    function domainSeparator() internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("attest"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
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

    /// @dev The same commitments with other nonces, signed anew: another source set.
    function resigned(SignedSource[] memory sources, uint64 epoch) internal view returns (SignedSource[] memory) {
        for (uint256 i; i < sources.length; ++i) {
            sources[i].nonce += 1000;
            sources[i].signature = signature(signerKey(i), sourceDigest(sources[i], i, epoch));
        }
        return sources;
    }
}
