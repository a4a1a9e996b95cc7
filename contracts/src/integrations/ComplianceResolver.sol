// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {Compliance, IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ComplianceClaim, IComplianceResolver} from "./interfaces/IComplianceResolver.sol";
import {Attestation, IEAS, ISchemaResolver} from "./interfaces/IEAS.sol";

/// @title Resolver of compliance attestations in the Ethereum Attestation Service
contract ComplianceResolver is IComplianceResolver, ERC165 {
    string private constant SCHEMA = "address fund,bytes32 policyId,uint64 epoch,bytes32 recordHash";
    uint256 private constant CLAIM_BYTES = 128;

    IEAS private immutable EAS;
    IAttestationRegistry private immutable REGISTRY;
    bytes32 private immutable SCHEMA_ID;

    /// @dev Only EAS calls, and it sends nothing along.
    modifier onlyEAS() {
        _checkCall();
        _;
    }

    constructor(IEAS eas_, IAttestationRegistry registry_) {
        if (address(eas_).code.length == 0) revert IAttestationRegistry.NotAContract(address(eas_));
        if (address(registry_).code.length == 0) revert IAttestationRegistry.NotAContract(address(registry_));
        EAS = eas_;
        REGISTRY = registry_;
        SCHEMA_ID = keccak256(abi.encodePacked(SCHEMA, address(this), true));
    }

    /// @inheritdoc IComplianceResolver
    function eas() external view returns (IEAS) {
        return EAS;
    }

    /// @inheritdoc IComplianceResolver
    function registry() external view returns (IAttestationRegistry) {
        return REGISTRY;
    }

    /// @inheritdoc IComplianceResolver
    function schema() external pure returns (string memory) {
        return SCHEMA;
    }

    /// @inheritdoc IComplianceResolver
    function schemaId() external view returns (bytes32) {
        return SCHEMA_ID;
    }

    /// @inheritdoc ISchemaResolver
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    /// @inheritdoc ISchemaResolver
    function isPayable() external pure returns (bool) {
        return false;
    }

    /// @inheritdoc ISchemaResolver
    function attest(Attestation calldata attestation) external payable onlyEAS returns (bool) {
        _check(attestation);
        return true;
    }

    /// @inheritdoc ISchemaResolver
    function multiAttest(Attestation[] calldata attestations, uint256[] calldata)
        external
        payable
        onlyEAS
        returns (bool)
    {
        for (uint256 i; i < attestations.length; ++i) {
            _check(attestations[i]);
        }
        return true;
    }

    /// @inheritdoc ISchemaResolver
    function revoke(Attestation calldata) external payable onlyEAS returns (bool) {
        return true;
    }

    /// @inheritdoc ISchemaResolver
    function multiRevoke(Attestation[] calldata, uint256[] calldata) external payable onlyEAS returns (bool) {
        return true;
    }

    /// @inheritdoc IComplianceResolver
    function stands(bytes32 uid) external view returns (bool) {
        Attestation memory attestation = EAS.getAttestation(uid);
        bool valid = attestation.revocationTime == 0 && block.timestamp < attestation.expirationTime;
        if (attestation.schema != SCHEMA_ID || !valid) return false;
        ComplianceClaim memory claim = abi.decode(attestation.data, (ComplianceClaim));
        return REGISTRY.isCompliant(claim.fund, claim.policyId)
            && _isLatest(claim, REGISTRY.latest(claim.fund, claim.policyId));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(ISchemaResolver).interfaceId || interfaceId == type(IComplianceResolver).interfaceId
            || super.supportsInterface(interfaceId);
    }

    function _checkCall() private view {
        if (msg.sender != address(EAS)) revert NotEAS(msg.sender);
        if (msg.value != 0) revert NotPayable();
    }

    /// @dev The attestation repeats what the registry says now.
    function _check(Attestation calldata attestation) private view {
        if (attestation.schema != SCHEMA_ID) revert WrongSchema(SCHEMA_ID, attestation.schema);
        if (!attestation.revocable) revert NotRevocable();
        if (attestation.data.length != CLAIM_BYTES) revert MalformedData();
        ComplianceClaim memory claim = abi.decode(attestation.data, (ComplianceClaim));
        if (attestation.recipient != claim.fund) revert WrongRecipient(claim.fund, attestation.recipient);
        if (!REGISTRY.isCompliant(claim.fund, claim.policyId)) revert NotCompliant(claim.fund, claim.policyId);
        Compliance memory last = REGISTRY.latest(claim.fund, claim.policyId);
        if (!_isLatest(claim, last)) revert NotLatest(last.epoch, last.recordHash);
        if (attestation.expirationTime == 0 || attestation.expirationTime > last.expiry) {
            revert InvalidExpirationTime(attestation.expirationTime, last.expiry);
        }
    }

    function _isLatest(ComplianceClaim memory claim, Compliance memory last) private pure returns (bool) {
        return claim.epoch == last.epoch && claim.recordHash == last.recordHash;
    }
}
