// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISchemaResolver} from "../../src/integrations/interfaces/IEAS.sol";

// What users call of EAS and its schema registry, as in ethereum-attestation-service/eas-contracts 1.9.0.

struct AttestationRequestData {
    address recipient;
    uint64 expirationTime;
    bool revocable;
    bytes32 refUID;
    bytes data;
    uint256 value;
}

struct AttestationRequest {
    bytes32 schema;
    AttestationRequestData data;
}

struct MultiAttestationRequest {
    bytes32 schema;
    AttestationRequestData[] data;
}

struct RevocationRequestData {
    bytes32 uid;
    uint256 value;
}

struct RevocationRequest {
    bytes32 schema;
    RevocationRequestData data;
}

struct MultiRevocationRequest {
    bytes32 schema;
    RevocationRequestData[] data;
}

interface IEasUser {
    error NotPayable();

    function attest(AttestationRequest calldata request) external payable returns (bytes32);
    function multiAttest(MultiAttestationRequest[] calldata requests) external payable returns (bytes32[] memory);
    function revoke(RevocationRequest calldata request) external payable;
    function multiRevoke(MultiRevocationRequest[] calldata requests) external payable;
    function isAttestationValid(bytes32 uid) external view returns (bool);
}

interface ISchemaRegistry {
    function register(string calldata schema, ISchemaResolver resolver, bool revocable) external returns (bytes32);
}
