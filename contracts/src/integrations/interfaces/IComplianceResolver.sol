// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IAttestationRegistry} from "../../interfaces/IAttestationRegistry.sol";
import {IEAS, ISchemaResolver} from "./IEAS.sol";

/// @notice The data of an attestation under the schema: the fund's latest completed epoch under a policy, and the hash of its
/// history up to it.
struct ComplianceClaim {
    address fund;
    bytes32 policyId;
    uint64 epoch;
    bytes32 recordHash;
}

/// @title Resolver of compliance attestations in the Ethereum Attestation Service
/// @notice Accepts an attestation only if it repeats what the registry says at that moment. Who attests does not matter, so
/// anybody may carry a fund's compliance into EAS.
/// @dev The schema counts only as registered with this resolver and revocable: attestations under another schema, which could
/// call the same words something else, are refused. A policy that was revoked, suspended or replaced later does not revoke
/// the attestation, which only its attester can; so readers ask `stands`, or the registry.
interface IComplianceResolver is ISchemaResolver, IERC165 {
    error NotEAS(address caller);
    error NotPayable();
    error WrongSchema(bytes32 expected, bytes32 actual);
    error MalformedData();
    error NotRevocable();
    /// @notice The recipient is the fund that the data names.
    error WrongRecipient(address fund, address recipient);
    error NotCompliant(address fund, bytes32 policyId);
    /// @notice Another epoch is the fund's latest, or its history is another one.
    error NotLatest(uint64 latestEpoch, bytes32 latestRecordHash);
    /// @notice An attestation expires, and not after what it is about.
    error InvalidExpirationTime(uint64 expirationTime, uint64 expiry);

    function eas() external view returns (IEAS);

    function registry() external view returns (IAttestationRegistry);

    /// @notice The schema to register, with this resolver, revocable.
    function schema() external view returns (string memory);

    /// @notice The identifier that EAS gives to this schema.
    function schemaId() external view returns (bytes32);

    /// @notice Whether an attestation of this schema is neither revoked nor expired, and the registry still says the same now.
    function stands(bytes32 uid) external view returns (bool);
}
