// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {ComplianceResolver} from "../../src/integrations/ComplianceResolver.sol";
import {ComplianceClaim, IComplianceResolver} from "../../src/integrations/interfaces/IComplianceResolver.sol";
import {Attestation, IEAS, ISchemaResolver} from "../../src/integrations/interfaces/IEAS.sol";
import {Compliance, IAttestationRegistry} from "../../src/interfaces/IAttestationRegistry.sol";
import {
    AttestationRequest,
    AttestationRequestData,
    IEasUser,
    ISchemaRegistry,
    MultiAttestationRequest,
    MultiRevocationRequest,
    RevocationRequest,
    RevocationRequestData
} from "./EasInterfaces.sol";
import {IntegrationFixtures} from "./IntegrationFixtures.sol";

/// @dev EAS and its schema registry are the bytecode of the npm package, in fixtures/eas.json.
contract ComplianceResolverTest is IntegrationFixtures {
    ISchemaRegistry private schemas;
    IEasUser private eas;
    ComplianceResolver private resolver;
    bytes32 private schemaId;

    function setUp() public {
        deployRegistries();
        string memory json = vm.readFile("test/fixtures/eas.json");
        schemas = ISchemaRegistry(create(vm.parseJsonBytes(json, ".SchemaRegistry")));
        eas = IEasUser(create(bytes.concat(vm.parseJsonBytes(json, ".EAS"), abi.encode(schemas))));
        resolver = new ComplianceResolver(IEAS(address(eas)), registry);
        schemaId = schemas.register(resolver.schema(), resolver, true);
        attest(3);
    }

    function create(bytes memory code) private returns (address deployed) {
        assembly ("memory-safe") {
            // deployed = create(0, code)
            deployed := create(0, add(code, 0x20), mload(code))
        }
        require(deployed != address(0));
    }

    function claimed() private view returns (ComplianceClaim memory) {
        Compliance memory last = registry.latest(FUND, policyId);
        return ComplianceClaim(FUND, policyId, last.epoch, last.recordHash);
    }

    function request() private view returns (AttestationRequest memory) {
        return
            AttestationRequest(
                schemaId, AttestationRequestData(FUND, EXPIRY, true, bytes32(0), abi.encode(claimed()), 0)
            );
    }

    function accept(AttestationRequest memory r) private returns (bytes32) {
        vm.prank(STRANGER);
        return eas.attest(r);
    }

    function refuse(AttestationRequest memory r, bytes memory reason) private {
        vm.expectRevert(reason);
        accept(r);
    }

    function test_whatItIs() public view {
        vm.assertEq(resolver.schemaId(), schemaId, "as the schema registry says");
        vm.assertEq(bytes(resolver.schema()), "address fund,bytes32 policyId,uint64 epoch,bytes32 recordHash", "schema");
        vm.assertEq(address(resolver.eas()), address(eas), "EAS");
        vm.assertEq(address(resolver.registry()), address(registry), "registry");
        vm.assertEq(bytes(resolver.version()), "1.0.0", "version");
        vm.assertTrue(!resolver.isPayable(), "not payable");
        vm.assertTrue(resolver.supportsInterface(type(ISchemaResolver).interfaceId), "resolver");
        vm.assertTrue(resolver.supportsInterface(type(IComplianceResolver).interfaceId), "compliance");
        vm.assertTrue(resolver.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        vm.assertTrue(!resolver.supportsInterface(0xffffffff), "not everything");
    }

    function test_needsContracts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.NotAContract.selector, STRANGER));
        new ComplianceResolver(IEAS(STRANGER), registry);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.NotAContract.selector, STRANGER));
        new ComplianceResolver(IEAS(address(eas)), IAttestationRegistry(STRANGER));
    }

    function test_acceptsWhatTheRegistrySays() public {
        bytes32 uid = accept(request());
        vm.assertTrue(eas.isAttestationValid(uid), "valid");
        vm.assertTrue(resolver.stands(uid), "stands");
        Attestation memory made = IEAS(address(eas)).getAttestation(uid);
        vm.assertEq(made.attester, STRANGER, "anybody attests");
        vm.assertEq(made.recipient, FUND, "recipient");
        vm.assertEq(made.data, abi.encode(FUND, policyId, uint64(3), claimed().recordHash), "data");
    }

    function test_anEarlierExpirationIsFine() public {
        AttestationRequest memory r = request();
        r.data.expirationTime = NOW + 1;
        bytes32 uid = accept(r);
        vm.assertTrue(resolver.stands(uid), "stands");
        vm.warp(NOW + 1);
        vm.assertTrue(!resolver.stands(uid), "until it expires");
    }

    function test_expiresWithTheRecord() public {
        AttestationRequest memory r = request();
        r.data.expirationTime = EXPIRY + 1;
        refuse(r, abi.encodeWithSelector(IComplianceResolver.InvalidExpirationTime.selector, EXPIRY + 1, EXPIRY));
        r.data.expirationTime = 0;
        refuse(r, abi.encodeWithSelector(IComplianceResolver.InvalidExpirationTime.selector, 0, EXPIRY));
    }

    function test_isForTheFund() public {
        AttestationRequest memory r = request();
        r.data.recipient = STRANGER;
        refuse(r, abi.encodeWithSelector(IComplianceResolver.WrongRecipient.selector, FUND, STRANGER));
    }

    function test_isRevocable() public {
        AttestationRequest memory r = request();
        r.data.revocable = false;
        refuse(r, abi.encodeWithSelector(IComplianceResolver.NotRevocable.selector));
    }

    /// @dev The same data under words that say something else.
    function test_isOfThisSchema() public {
        AttestationRequest memory r = request();
        r.schema = schemas.register("address rival,bytes32 policyId,uint64 epoch,bytes32 recordHash", resolver, true);
        refuse(r, abi.encodeWithSelector(IComplianceResolver.WrongSchema.selector, schemaId, r.schema));
        r.schema = schemas.register(resolver.schema(), resolver, false);
        r.data.revocable = false;
        refuse(r, abi.encodeWithSelector(IComplianceResolver.WrongSchema.selector, schemaId, r.schema));
    }

    function test_isWellFormed() public {
        AttestationRequest memory r = request();
        r.data.data = bytes.concat(abi.encode(claimed()), hex"00");
        refuse(r, abi.encodeWithSelector(IComplianceResolver.MalformedData.selector));
        r.data.data = "";
        refuse(r, abi.encodeWithSelector(IComplianceResolver.MalformedData.selector));
        r.data.data = abi.encode(uint256(1) << 160 | uint160(FUND), policyId, uint64(3), claimed().recordHash);
        refuse(r, "");
    }

    function test_isOfAFundThatIsCompliant() public {
        AttestationRequest memory r = request();
        bytes memory reason = abi.encodeWithSelector(IComplianceResolver.NotCompliant.selector, FUND, policyId);
        suspend();
        refuse(r, reason);
        resume();
        accept(r);
        revoke(3);
        refuse(r, reason);
    }

    function test_isOfAPolicyThatCounts() public {
        AttestationRequest memory r = request();
        replace(policyId, "other");
        refuse(r, abi.encodeWithSelector(IComplianceResolver.NotCompliant.selector, FUND, policyId));
    }

    function test_isOfTheLatestEpochAndHistory() public {
        (AttestationRequest memory r, ComplianceClaim memory c) = (request(), claimed());
        bytes memory reason = abi.encodeWithSelector(IComplianceResolver.NotLatest.selector, 3, c.recordHash);
        c.epoch = 4;
        r.data.data = abi.encode(c);
        refuse(r, reason);
        (c.epoch, c.recordHash) = (3, keccak256("another history"));
        r.data.data = abi.encode(c);
        refuse(r, reason);
        r = request();
        attest(4);
        refuse(r, abi.encodeWithSelector(IComplianceResolver.NotLatest.selector, 4, claimed().recordHash));
    }

    function test_standsWhileTheRegistrySaysSo() public {
        bytes32 uid = accept(request());
        suspend();
        vm.assertTrue(!resolver.stands(uid), "suspended");
        vm.assertTrue(eas.isAttestationValid(uid), "EAS alone does not know");
        resume();
        vm.assertTrue(resolver.stands(uid), "resumed");
        attest(4);
        vm.assertTrue(!resolver.stands(uid), "a later epoch");
        vm.assertTrue(resolver.stands(accept(request())), "of the later epoch");
    }

    function test_standsUntilItsAttesterRevokesIt() public {
        bytes32 uid = accept(request());
        vm.prank(STRANGER);
        eas.revoke(RevocationRequest(schemaId, RevocationRequestData(uid, 0)));
        vm.assertTrue(!resolver.stands(uid), "revoked");
    }

    function test_othersDoNotStand() public {
        vm.assertTrue(!resolver.stands(0), "none");
        AttestationRequest memory r = request();
        r.schema = schemas.register(resolver.schema(), ISchemaResolver(address(0)), true);
        bytes32 uid = accept(r);
        vm.assertTrue(eas.isAttestationValid(uid), "without this resolver anything is valid");
        vm.assertTrue(!resolver.stands(uid), "and does not stand");
    }

    function test_severalAtOnce() public {
        MultiAttestationRequest[] memory requests = new MultiAttestationRequest[](1);
        AttestationRequestData[] memory data = new AttestationRequestData[](2);
        data[0] = data[1] = request().data;
        requests[0] = MultiAttestationRequest(schemaId, data);
        vm.prank(STRANGER);
        bytes32[] memory uids = eas.multiAttest(requests);
        vm.assertTrue(resolver.stands(uids[0]) && resolver.stands(uids[1]), "both stand");
        MultiRevocationRequest[] memory revocations = new MultiRevocationRequest[](1);
        revocations[0] = MultiRevocationRequest(schemaId, new RevocationRequestData[](2));
        revocations[0].data[0].uid = uids[0];
        revocations[0].data[1].uid = uids[1];
        vm.prank(STRANGER);
        eas.multiRevoke(revocations);
        vm.assertTrue(!resolver.stands(uids[0]) && !resolver.stands(uids[1]), "both revoked");

        AttestationRequest memory wrong = request();
        wrong.data.recipient = STRANGER;
        data[1] = wrong.data;
        vm.expectRevert(abi.encodeWithSelector(IComplianceResolver.WrongRecipient.selector, FUND, STRANGER));
        eas.multiAttest(requests);
    }

    function test_takesNoMoney() public {
        AttestationRequest memory r = request();
        r.data.value = 1;
        vm.expectRevert(IEasUser.NotPayable.selector);
        eas.attest{value: 1}(r);
        Attestation memory none;
        ComplianceResolver own = new ComplianceResolver(IEAS(address(this)), registry);
        vm.expectRevert(IComplianceResolver.NotPayable.selector);
        own.revoke{value: 1}(none);
    }

    function test_isCalledByEasOnly() public {
        bytes memory reason = abi.encodeWithSelector(IComplianceResolver.NotEAS.selector, address(this));
        Attestation memory none;
        vm.expectRevert(reason);
        resolver.attest(none);
        vm.expectRevert(reason);
        resolver.multiAttest(new Attestation[](0), new uint256[](0));
        vm.expectRevert(reason);
        resolver.revoke(none);
        vm.expectRevert(reason);
        resolver.multiRevoke(new Attestation[](0), new uint256[](0));
    }

    /// @dev Nothing but the registry's own words is accepted.
    function testFuzz_onlyTheRegistrysWords(uint256 field, uint256 noise) public {
        ComplianceClaim memory c = claimed();
        bytes memory data = abi.encode(c);
        uint256 offset = bound(field, 0, 127);
        bytes1 before = data[offset];
        data[offset] = before ^ bytes1(uint8(bound(noise, 1, 255)));
        AttestationRequest memory r = request();
        r.data.data = data;
        vm.expectRevert();
        accept(r);
    }
}
