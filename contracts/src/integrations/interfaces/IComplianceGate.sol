// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry} from "../../interfaces/IAttestationRegistry.sol";

/// @title Gate that is open while a fund is compliant
/// @notice Asks the registry about one fund under one policy and whatever replaced it. Which fund, policy and registry never
/// changes.
/// @dev Following replacements means relying on the policy's owner beyond the policy: a looser successor counts after the
/// notice period, in which readers can leave. From when a replacement counts, only an attestation under the successor opens the
/// gate; the fund may have made it before.
interface IComplianceGate {
    error FundNotCompliant(address fund, bytes32 policyId);

    function registry() external view returns (IAttestationRegistry);

    function fund() external view returns (address);

    /// @notice The policy that was current, or announced, when the gate was deployed.
    function rootPolicy() external view returns (bytes32);

    /// @notice The policy that counts now: the root policy or what replaced it.
    function currentPolicy() external view returns (bytes32);

    /// @notice Whether the fund is compliant with the current policy now.
    function isOpen() external view returns (bool);
}
