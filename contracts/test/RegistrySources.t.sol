// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {IAttestationRegistry, SignedSource} from "../src/interfaces/IAttestationRegistry.sol";
import {Approval, IPolicyRegistry, SourceRequirement} from "../src/interfaces/IPolicyRegistry.sol";
import {PublicSlot} from "../src/interfaces/IProofVerifier.sol";
import {RegistryFixtures, Submission} from "./RegistryFixtures.sol";

/// @notice A signer that is a contract and accepts one digest.
contract ContractSigner is IERC1271 {
    bytes32 private _accepted;

    function accept(bytes32 digest) external {
        _accepted = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == _accepted ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @title What a source signs, and what it is good for
contract RegistrySourcesTest is RegistryFixtures {
    function setUp() public {
        deploy();
        registerAll();
    }

    function _commit(SignedSource[] memory sources, uint64 epoch) private returns (bytes32) {
        return commit(policyIds[0], epoch, sources);
    }

    function _assertInvalidSignature(SignedSource[] memory sources, uint256 index, uint64 epoch) private {
        SourceRequirement memory requirement = requirementsOf()[index];
        bytes memory reason = abi.encodeWithSelector(
            IAttestationRegistry.InvalidSourceSignature.selector, requirement.sourceId, requirement.signer
        );
        vm.expectRevert(reason);
        _commit(sources, epoch);
    }

    function test_hashIsPythons() public {
        Submission memory s = submission(0);
        (bytes32[] memory structHashes, bytes32[] memory commitmentHashes) = _hashes(s.sources, 7);
        vm.expectEmit(address(registry));
        emit IAttestationRegistry.SourceSetCommitted(
            FUND, 7, s.sourceSetHash, policyIds[0], structHashes, commitmentHashes
        );
        vm.assertEq(_commit(s.sources, 7), s.sourceSetHash, "hash");
        vm.assertEq(registry.sourceSet(FUND, 7), s.sourceSetHash, "stored");
    }

    function _hashes(SignedSource[] memory sources, uint64 epoch)
        private
        view
        returns (bytes32[] memory structHashes, bytes32[] memory commitmentHashes)
    {
        structHashes = new bytes32[](sources.length);
        commitmentHashes = new bytes32[](sources.length);
        for (uint256 i; i < sources.length; ++i) {
            structHashes[i] = structHash(sources[i], i, epoch);
            commitmentHashes[i] = keccak256(abi.encode(sources[i].commitment));
        }
    }

    function _signAll(SignedSource[] memory sources, uint64 epoch) private view returns (SignedSource[] memory) {
        for (uint256 i; i < sources.length; ++i) {
            sources[i].signature = signature(signerKey(i), sourceDigest(sources[i], i, epoch));
        }
        return sources;
    }

    /// @dev Every signed field is bound: a source's commitment serves one fund, epoch, date, layout and role.
    function test_everySignedFieldMatters() public {
        SignedSource[] memory sources = submission(0).sources;
        sources[0].nonce += 1;
        _assertInvalidSignature(sources, 0, 7);
        sources = submission(0).sources;
        sources[1].expiry += 1;
        _assertInvalidSignature(sources, 1, 7);
        sources = submission(0).sources;
        sources[1].commitment[3] ^= bytes32(uint256(1));
        _assertInvalidSignature(sources, 1, 7);
        sources = submission(0).sources;
        (sources[0], sources[1]) = (sources[1], sources[0]);
        _assertInvalidSignature(sources, 0, 7);
        _assertInvalidSignature(submission(0).sources, 0, 8); // signed for epoch 7
        _assertInvalidSignature(submission(3).sources, 0, 7); // signed for epoch 8
    }

    function test_anotherFundsSignature() public {
        vm.prank(STRANGER);
        funds.registerFund(STRANGER);
        SourceRequirement memory requirement = requirementsOf()[0];
        bytes memory reason = abi.encodeWithSelector(
            IAttestationRegistry.InvalidSourceSignature.selector, requirement.sourceId, requirement.signer
        );
        SignedSource[] memory sources = submission(0).sources;
        vm.expectRevert(reason);
        vm.prank(STRANGER);
        registry.commitSourceSet(STRANGER, policyIds[0], 7, sources);
    }

    /// @dev The same signatures do not serve an approval with another date, layout or division of slots.
    function test_approvalFieldsAreSigned() public {
        for (uint64 epoch = 20; epoch < 23; ++epoch) {
            Approval memory approval = approvalOf(0);
            if (epoch == 20) approval.asOf += 1;
            if (epoch == 21) approval.layoutHash = keccak256("another layout");
            if (epoch == 22) approval.ownedSlotsHashes[0] = keccak256("other slots");
            approve(policyIds[0], epoch, approval);
            // Signed for this epoch, under the fixtures' approval.
            SignedSource[] memory sources = _signAll(submission(0).sources, epoch);
            _assertInvalidSignature(sources, 0, epoch);
        }
    }

    function test_roleIsSigned() public {
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[0].role += 1;
        bytes32 id = register(POLICY_OWNER, policyHashes[0], requirements, 1);
        approve(id, 7, approvalOf(0));
        bytes memory reason = abi.encodeWithSelector(
            IAttestationRegistry.InvalidSourceSignature.selector, requirements[0].sourceId, requirements[0].signer
        );
        SignedSource[] memory sources = submission(0).sources;
        vm.expectRevert(reason);
        vm.prank(FUND_OWNER);
        registry.commitSourceSet(FUND, id, 7, sources);
    }

    function test_chainIsSigned() public {
        vm.chainId(1);
        _assertInvalidSignature(submission(0).sources, 0, 7);
    }

    function test_anotherSigner() public {
        SignedSource[] memory sources = submission(0).sources;
        sources[1].signature = signature(1234, sourceDigest(sources[1], 1, 7));
        _assertInvalidSignature(sources, 1, 7);
        sources[1].signature = hex"";
        _assertInvalidSignature(sources, 1, 7);
        sources[1].signature = new bytes(65);
        _assertInvalidSignature(sources, 1, 7);
    }

    /// @dev (r, n − s) with the other parity is the same signature again; one spelling is enough.
    function test_malleableSignature() public {
        SignedSource[] memory sources = submission(0).sources;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signerKey(0), sourceDigest(sources[0], 0, 7));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        sources[0].signature = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _assertInvalidSignature(sources, 0, 7);
    }

    /// @dev The fixtures' sources, the last one repeated up to `count` of them.
    function _sources(uint256 count) private view returns (SignedSource[] memory sources) {
        SignedSource[] memory all = submission(0).sources;
        sources = new SignedSource[](count);
        for (uint256 i; i < count; ++i) {
            sources[i] = all[i < all.length ? i : all.length - 1];
        }
    }

    /// @dev Liabilities cannot be left out, nor a source counted twice.
    function test_everyRequiredSourceOnce() public {
        for (uint256 count; count < 4; ++count) {
            if (count == 2) continue;
            SignedSource[] memory sources = _sources(count);
            bytes memory reason = abi.encodeWithSelector(IAttestationRegistry.WrongSourceCount.selector, 2, count);
            vm.expectRevert(reason);
            _commit(sources, 7);
        }
        SignedSource[] memory twice = _sources(2);
        twice[1] = twice[0];
        _assertInvalidSignature(twice, 1, 7);
    }

    function test_sourceExpiry() public {
        Submission memory s = submission(0);
        vm.warp(s.sources[0].expiry + 1);
        bytes memory reason = abi.encodeWithSelector(
            IAttestationRegistry.SourceExpired.selector, requirementsOf()[0].sourceId, s.sources[0].expiry
        );
        vm.expectRevert(reason);
        _commit(s.sources, 7);
        vm.warp(s.sources[0].expiry);
        _commit(s.sources, 7);
    }

    function test_contractSigner() public {
        ContractSigner signer = new ContractSigner();
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[0].signer = address(signer);
        bytes32 id = register(POLICY_OWNER, policyHashes[0], requirements, 1);
        approve(id, 7, approvalOf(0));
        SignedSource[] memory sources = submission(0).sources;
        bytes memory reason = abi.encodeWithSelector(
            IAttestationRegistry.InvalidSourceSignature.selector, requirements[0].sourceId, address(signer)
        );
        vm.expectRevert(reason);
        vm.prank(FUND_OWNER);
        registry.commitSourceSet(FUND, id, 7, sources);
        signer.accept(sourceDigest(sources[0], 0, 7));
        vm.prank(FUND_OWNER);
        vm.assertEq(registry.commitSourceSet(FUND, id, 7, sources), submission(0).sourceSetHash, "signed by a contract");
    }

    function test_publicSlotsEnterTheHash() public {
        Approval memory approval = approvalOf(0);
        approval.publicSlots = new PublicSlot[](2);
        (approval.publicSlots[0], approval.publicSlots[1]) = (PublicSlot(2, 30), PublicSlot(3, 2 ** 77 - 1));
        approve(policyIds[0], 20, approval);
        SignedSource[] memory sources = _signAll(submission(0).sources, 20);
        bytes32 expected = setHash(sources, 20, approval, approval.publicSlots);
        vm.assertEq(_commit(sources, 20), expected, "hash with public slots");
    }

    function test_epochNotApproved() public {
        bytes memory reason = abi.encodeWithSelector(IPolicyRegistry.EpochNotApproved.selector, policyIds[0], uint64(9));
        SignedSource[] memory sources = submission(0).sources;
        vm.expectRevert(reason);
        _commit(sources, 9);
    }
}
