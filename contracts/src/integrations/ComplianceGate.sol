// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {IPolicyRegistry} from "../interfaces/IPolicyRegistry.sol";
import {IComplianceGate} from "./interfaces/IComplianceGate.sol";

/// @title Gate that is open while a fund is compliant
/// @notice Base of contracts that do something only while a fund keeps its policy.
abstract contract ComplianceGate is IComplianceGate {
    IAttestationRegistry internal immutable REGISTRY;
    IPolicyRegistry internal immutable POLICIES;
    address internal immutable FUND;
    bytes32 internal immutable ROOT_POLICY;

    /// @dev Refuses while the gate is closed.
    modifier whenOpen() {
        _checkOpen();
        _;
    }

    /// @dev Fund and policy are registered, so that a mistyped one does not look like a fund that is never compliant.
    constructor(IAttestationRegistry registry_, address fund_, bytes32 rootPolicy_) {
        REGISTRY = registry_;
        POLICIES = registry_.policies();
        FUND = fund_;
        ROOT_POLICY = rootPolicy_;
        (address owner,) = registry_.funds().fundOwner(fund_);
        if (owner == address(0)) revert IAttestationRegistry.UnknownFund(fund_);
        if (!POLICIES.hasPolicy(rootPolicy_)) revert IPolicyRegistry.UnknownPolicy(rootPolicy_);
    }

    /// @inheritdoc IComplianceGate
    function registry() external view returns (IAttestationRegistry) {
        return REGISTRY;
    }

    /// @inheritdoc IComplianceGate
    function fund() external view returns (address) {
        return FUND;
    }

    /// @inheritdoc IComplianceGate
    function rootPolicy() external view returns (bytes32) {
        return ROOT_POLICY;
    }

    /// @inheritdoc IComplianceGate
    function currentPolicy() public view returns (bytes32) {
        return POLICIES.current(ROOT_POLICY);
    }

    /// @inheritdoc IComplianceGate
    function isOpen() public view returns (bool) {
        return REGISTRY.isCompliant(FUND, currentPolicy());
    }

    function _checkOpen() private view {
        bytes32 policyId = currentPolicy();
        if (!REGISTRY.isCompliant(FUND, policyId)) revert FundNotCompliant(FUND, policyId);
    }
}
