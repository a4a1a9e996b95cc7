// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountReader} from "../../src/AccountReader.sol";
import {AttestationRegistry} from "../../src/AttestationRegistry.sol";
import {BookRegistry} from "../../src/BookRegistry.sol";
import {FundRegistry} from "../../src/FundRegistry.sol";
import {PolicyRegistry} from "../../src/PolicyRegistry.sol";
import {PreviousSource, ProgramProof, SignedSource} from "../../src/interfaces/IAttestationRegistry.sol";
import {IBookVerifier} from "../../src/interfaces/IBookVerifier.sol";
import {Approval, Oversight, SourceRequirement} from "../../src/interfaces/IPolicyRegistry.sol";
import {IProofVerifier, PublicSlot} from "../../src/interfaces/IProofVerifier.sol";
import {IRepresentationVerifier} from "../../src/interfaces/IRepresentationVerifier.sol";
import {SourceSets} from "../../src/libraries/SourceSets.sol";
import {Test} from "../Test.sol";

/// @notice A fund's epoch as tests/contracts/disclosure_fixtures.py writes it.
struct EpochCase {
    bytes key;
    bytes32 digest;
    uint64 asOf;
    bytes32 layoutHash;
    bytes32[2] sourceIds;
    bytes32[] ownedSlotsHashes;
    PreviousSource[] sources;
    PublicSlot[] publicSlots;
    bytes32 sourceSetHash;
}

/// @title The real registries with a fund, a policy of one program, and a verifier that takes every proof
abstract contract IntegrationFixtures is Test {
    address internal constant FUND = 0x00000000000000000000000000000000000000f1;
    address internal constant FUND_OWNER = 0x00000000000000000000000000000000000000F2;
    address internal constant STRANGER = 0x0000000000000000000000000000000000000099;
    address internal constant POLICY_OWNER = 0x00000000000000000000000000000000000000B1;
    address internal constant PUBLISHER = 0x00000000000000000000000000000000000000b2;
    address internal constant AUDITOR = 0x00000000000000000000000000000000000000b3;
    address internal constant VERIFIER = 0x00000000000000000000000000000000000000e1;
    uint64 internal constant NOTICE = 3 days;
    uint64 internal constant NOW = 1_900_000_000;
    uint64 internal constant EXPIRY = 1_950_000_000;
    uint64 private constant VALID_UNTIL = 2_000_000_000;
    string private constant FIXTURE = "test/fixtures/disclosure.json";

    FundRegistry internal funds;
    PolicyRegistry internal policies;
    AccountReader internal accountReader;
    AttestationRegistry internal registry;
    bytes32 internal policyId;

    function create() internal virtual {
        funds = new FundRegistry();
        policies = new PolicyRegistry();
        accountReader = new AccountReader(funds, policies);
        BookRegistry books = new BookRegistry(IBookVerifier(VERIFIER), funds);
        registry =
            new AttestationRegistry(IProofVerifier(VERIFIER), books, accountReader, IRepresentationVerifier(VERIFIER));
    }

    function deployRegistries() internal {
        vm.warp(NOW);
        vm.etch(VERIFIER, hex"00");
        create();
        acceptAllProofs();
        vm.prank(FUND);
        funds.registerFund(FUND_OWNER);
        vm.prank(POLICY_OWNER);
        policyId = register("policy");
    }

    function acceptAllProofs() internal {
        vm.mockCall(VERIFIER, abi.encodePacked(IProofVerifier.verifyAll.selector), abi.encode(new bytes32[](1)));
    }

    /// @dev A policy of this name, owned by the pranked caller.
    function register(string memory name) internal returns (bytes32) {
        return policies.registerPolicy(keccak256(bytes(name)), requirements(), 1, oversight(), "", new string[](0));
    }

    /// @dev A policy of this name, whether it is registered or not.
    function policyIdOf(address owner, string memory name) internal view returns (bytes32) {
        bytes32 requirementsHash = keccak256(abi.encode(requirements()));
        return keccak256(abi.encode(owner, keccak256(bytes(name)), requirementsHash, uint256(1)));
    }

    function oversight() internal pure returns (Oversight memory o) {
        o.publishers = new address[](1);
        o.publishers[0] = PUBLISHER;
        o.threshold = 1;
        o.challengeWindow = 0;
        o.noticePeriod = NOTICE;
        o.auditors = new address[](1);
        o.auditors[0] = AUDITOR;
    }

    function requirements() internal view returns (SourceRequirement[] memory required) {
        required = new SourceRequirement[](2);
        bytes32[2] memory ids = epochCase(0).sourceIds;
        for (uint256 i; i < 2; ++i) {
            required[i] = SourceRequirement(ids[i], vm.addr(signerKey(i)), 0, false);
        }
    }

    function signerKey(uint256 index) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("signer", index)));
    }

    function epochCase(uint256 index) internal view returns (EpochCase memory c) {
        string memory json = vm.readFile(FIXTURE);
        string memory path = string.concat(".cases[", vm.toString(index), "].");
        c.key = vm.parseJsonBytes(json, string.concat(path, "key"));
        c.digest = bytes32(vm.parseJsonBytes(json, string.concat(path, "digest")));
        c.asOf = uint64(vm.parseJsonUint(json, string.concat(path, "asOf")));
        c.layoutHash = bytes32(vm.parseJsonBytes(json, string.concat(path, "layoutHash")));
        c.ownedSlotsHashes = new bytes32[](2);
        for (uint256 i; i < 2; ++i) {
            string memory place = string.concat("[", vm.toString(i), "]");
            c.sourceIds[i] = bytes32(vm.parseJsonBytes(json, string.concat(path, "sourceIds", place)));
            c.ownedSlotsHashes[i] = bytes32(vm.parseJsonBytes(json, string.concat(path, "ownedSlotsHashes", place)));
        }
        c.sources = abi.decode(vm.parseJsonBytes(json, string.concat(path, "sources")), (PreviousSource[]));
        c.publicSlots = abi.decode(vm.parseJsonBytes(json, string.concat(path, "publicSlots")), (PublicSlot[]));
        c.sourceSetHash = bytes32(vm.parseJsonBytes(json, string.concat(path, "sourceSetHash")));
    }

    function approvalOf(EpochCase memory c) internal pure returns (Approval memory approval) {
        approval.asOf = c.asOf;
        approval.validUntil = VALID_UNTIL;
        approval.layoutHash = c.layoutHash;
        approval.ownedSlotsHashes = c.ownedSlotsHashes;
        approval.digests = new bytes32[](1);
        approval.digests[0] = c.digest;
        approval.publicSlots = c.publicSlots;
    }

    function approve(bytes32 id, uint64 epoch, Approval memory approval) internal {
        vm.prank(PUBLISHER);
        policies.approveEpoch(id, epoch, approval);
    }

    /// @dev The sources of a case, signed for an epoch.
    function signedSources(EpochCase memory c, uint64 epoch) internal view returns (SignedSource[] memory signed) {
        signed = new SignedSource[](2);
        for (uint256 i; i < 2; ++i) {
            signed[i].expiry = c.sources[i].expiry;
            signed[i].nonce = c.sources[i].nonce;
            signed[i].commitment = c.sources[i].commitment;
            signed[i].signature = sign(signerKey(i), c, epoch, i);
        }
    }

    /// @dev A key's signature in the place of source number `i`.
    function sign(uint256 key, EpochCase memory c, uint64 epoch, uint256 i) internal view returns (bytes memory) {
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domainSeparator(), structHash(c, epoch, i)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Approves an epoch and attests it.
    function attest(bytes32 id, uint64 epoch, uint64 expiry) internal {
        EpochCase memory c = epochCase(0);
        approve(id, epoch, approvalOf(c));
        submit(id, epoch, expiry, c);
    }

    function submit(bytes32 id, uint64 epoch, uint64 expiry, EpochCase memory c) internal {
        SignedSource[] memory sources = signedSources(c, epoch);
        ProgramProof[] memory programs = new ProgramProof[](1);
        programs[0] = ProgramProof(0, c.key, "");
        vm.prank(FUND_OWNER);
        registry.submit(FUND, id, epoch, expiry, programs, sources, new PreviousSource[](0));
    }

    function attest(uint64 epoch) internal {
        attest(policyId, epoch, EXPIRY);
    }

    /// @dev Replaces a policy by one of another name, and waits until it counts.
    function replace(bytes32 id, string memory name) internal returns (bytes32 successor) {
        vm.prank(POLICY_OWNER);
        successor = register(name);
        vm.prank(POLICY_OWNER);
        policies.scheduleReplacement(id, successor);
        vm.warp(block.timestamp + NOTICE);
    }

    function suspend() internal {
        vm.prank(AUDITOR);
        registry.suspend(FUND, policyId, "books in dispute");
    }

    function resume() internal {
        vm.prank(AUDITOR);
        registry.resume(FUND, policyId);
    }

    function revoke(uint64 epoch) internal {
        vm.prank(AUDITOR);
        registry.revoke(FUND, policyId, epoch, "wrong prices");
    }

    function domainSeparator() private view returns (bytes32) {
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

    function structHash(EpochCase memory c, uint64 epoch, uint256 i) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                SourceSets.TYPEHASH,
                FUND,
                epoch,
                c.asOf,
                c.sourceIds[i],
                uint8(0),
                c.layoutHash,
                c.ownedSlotsHashes[i],
                keccak256(abi.encode(c.sources[i].commitment)),
                c.sources[i].expiry,
                c.sources[i].nonce
            )
        );
    }
}
