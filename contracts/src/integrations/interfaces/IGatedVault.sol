// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IComplianceGate} from "./IComplianceGate.sol";

/// @title Vault that takes deposits only while a fund is compliant
/// @notice An ERC-4626 vault. While the gate is closed `maxDeposit` and `maxMint` are 0, and `deposit` and `mint` revert with
/// `FundNotCompliant`. Withdrawals and redemptions never ask the registry: a fund that breaks its policy, or a registry that
/// fails, keeps nobody in.
/// @dev Not for assets that take a fee on transfers or change balances, as any ERC-4626 of OpenZeppelin.
interface IGatedVault is IERC4626, IComplianceGate, IERC165 {}
