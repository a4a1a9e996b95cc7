// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry, SignedSource} from "../src/interfaces/IAttestationRegistry.sol";
import {SourceRequirement} from "../src/interfaces/IPolicyRegistry.sol";
import {IRepresentationVerifier} from "../src/interfaces/IRepresentationVerifier.sol";
import {Submission} from "./RegistryFixtures.sol";
import {RepresentationFixtures} from "./RepresentationFixtures.sol";

/// @title Sources that prove that their commitment is their own
contract RegistryRepresentationTest is RepresentationFixtures {
    /// @dev Policy 0, but both sources owe a proof of representation.
    bytes32 private id;

    function setUp() public {
        deploy();
        registerAll();
        id = _policyOf(true, true);
    }

    function _policyOf(bool first, bool second) private returns (bytes32 made) {
        SourceRequirement[] memory requirements = requirementsOf();
        (requirements[0].representation, requirements[1].representation) = (first, second);
        made = register(POLICY_OWNER, keccak256("wary"), requirements, 1);
        approve(made, 7, approvalOf(0));
    }

    function _represented() private view returns (SignedSource[] memory sources) {
        sources = submission(0).sources;
        for (uint256 i; i < 2; ++i) {
            sources[i].representation = representationOf(i);
        }
    }

    function _assertRefused(SignedSource[] memory sources, bytes memory reason) private {
        vm.expectRevert(reason);
        commit(id, 7, sources);
        vm.assertEq(registry.sourceSet(FUND, 7), bytes32(0), "not fixed");
    }

    function test_representedSources() public {
        bytes32 hash = commit(id, 7, _represented());
        vm.assertEq(hash, submission(0).sourceSetHash, "the set's hash is what it was");
    }

    function test_aMissingRepresentation() public {
        for (uint256 i; i < 2; ++i) {
            SignedSource[] memory sources = _represented();
            sources[i].representation = hex"";
            _assertRefused(sources, hex"");
        }
    }

    function test_anothersRepresentation() public {
        SignedSource[] memory sources = _represented();
        sources[1].representation = sources[0].representation;
        _assertRefused(sources, abi.encodePacked(IRepresentationVerifier.InvalidOwnedSlots.selector));
    }

    function test_aFalseRepresentation() public {
        SignedSource[] memory sources = _represented();
        bytes memory proof = representation(0).proof;
        proof[159] ^= 0x01;
        sources[0].representation = abi.encode(representation(0).slots, proof);
        bytes4 selector = IRepresentationVerifier.RepresentationRejected.selector;
        _assertRefused(sources, abi.encodeWithSelector(selector, requirementsOf()[0].sourceId));
    }

    /// @dev Made for another epoch, as the claim that the registry makes up says.
    function test_anEpochsRepresentation() public {
        approve(id, 8, approvalOf(0));
        SignedSource[] memory sources = resigned(_represented(), 8);
        bytes4 selector = IRepresentationVerifier.RepresentationRejected.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, requirementsOf()[0].sourceId));
        commit(id, 8, sources);
    }

    function test_onlyWhoOwesOne() public {
        SignedSource[] memory sources = _represented();
        sources[0].representation = hex"";
        commit(_policyOf(false, true), 7, sources);
    }

    function test_whoOwesNoneIsNotAsked() public {
        SignedSource[] memory sources = submission(0).sources;
        sources[0].representation = hex"00";
        commit(policyIds[0], 7, sources);
    }

    /// @dev What was shown when the set was fixed is not asked again.
    function test_shownOnce() public {
        commit(id, 7, _represented());
        acceptAllProofs();
        submit(submission(0), id, STRANGER);
        vm.assertTrue(registry.isCompliant(FUND, id), "without representations");
    }

    function test_shownWithTheFirstProof() public {
        acceptAllProofs();
        Submission memory s = submission(0);
        vm.expectRevert();
        submit(s, id, FUND_OWNER);
        s.sources = _represented();
        submit(s, id, FUND_OWNER);
        vm.assertTrue(registry.isCompliant(FUND, id), "with representations");
    }

    /// @dev The hash of a set does not tell whether representation was asked. Else a fund would fix the set under a friend's
    /// policy that asks nothing, and prove it under one that asks.
    function test_fixedUnderAPolicyThatAsksNothing() public {
        commit(policyIds[0], 7, submission(0).sources);
        acceptAllProofs();
        Submission memory s = submission(0);
        vm.expectRevert();
        submit(s, id, FUND_OWNER);
        vm.assertTrue(!registry.isCompliant(FUND, id), "not without representations");
        s.sources = _represented();
        submit(s, id, STRANGER);
        vm.assertTrue(registry.isCompliant(FUND, id), "with representations");
    }

    /// @dev A set that asked for less does not serve comparison under a policy that asks for more.
    function test_representationIsComparedToo() public {
        commit(policyIds[0], 7, submission(0).sources);
        SourceRequirement[] memory requirements = requirementsOf();
        requirements[0].representation = true;
        bytes32 wary = register(POLICY_OWNER, keccak256("wary, compares"), requirements, 2);
        approve(wary, 8, approvalOf(2));
        vm.mockCall(
            address(registry.representationVerifier()), abi.encodePacked(IRepresentationVerifier.verify.selector), hex""
        );
        Submission memory s = submission(5);
        bytes4 selector = IAttestationRegistry.IncomparablePolicies.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, wary, policyIds[0]));
        submit(s, wary, FUND_OWNER);
    }
}
