// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// What a resolver needs of the Ethereum Attestation Service, as in ethereum-attestation-service/eas-contracts 1.9.0
// (contracts version 1.4.0): Common.sol, IEAS.sol, ISemver.sol and resolver/ISchemaResolver.sol.

/// @notice A struct representing a single attestation.
struct Attestation {
    bytes32 uid; // A unique identifier of the attestation.
    bytes32 schema; // The unique identifier of the schema.
    uint64 time; // The time when the attestation was created (Unix timestamp).
    uint64 expirationTime; // The time when the attestation expires (Unix timestamp).
    uint64 revocationTime; // The time when the attestation was revoked (Unix timestamp).
    bytes32 refUID; // The UID of the related attestation.
    address recipient; // The recipient of the attestation.
    address attester; // The attester/sender of the attestation.
    bool revocable; // Whether the attestation is revocable.
    bytes data; // Custom attestation data.
}

/// @title EAS - Ethereum Attestation Service interface
interface IEAS {
    /// @notice Returns an existing attestation by UID; all zero if there is none.
    function getAttestation(bytes32 uid) external view returns (Attestation memory);
}

/// @title The interface of an optional schema resolver.
interface ISchemaResolver {
    /// @notice Returns the full semver contract version.
    function version() external view returns (string memory);

    /// @notice Checks if the resolver can be sent ETH.
    function isPayable() external pure returns (bool);

    /// @notice Processes an attestation and verifies whether it's valid.
    function attest(Attestation calldata attestation) external payable returns (bool);

    /// @notice Processes multiple attestations and verifies whether they are valid.
    /// @param values Explicit ETH amounts which were sent with each attestation.
    function multiAttest(Attestation[] calldata attestations, uint256[] calldata values) external payable returns (bool);

    /// @notice Processes an attestation revocation and verifies if it can be revoked.
    function revoke(Attestation calldata attestation) external payable returns (bool);

    /// @notice Processes revocation of multiple attestation and verifies they can be revoked.
    /// @param values Explicit ETH amounts which were sent with each revocation.
    function multiRevoke(Attestation[] calldata attestations, uint256[] calldata values) external payable returns (bool);
}
