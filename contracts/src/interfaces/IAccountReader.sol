// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFundRegistry} from "./IFundRegistry.sol";
import {IPolicyRegistry} from "./IPolicyRegistry.sol";

/// @title Reader of a fund's addresses on this chain
/// @notice Reads what a fund's published addresses hold, once for each policy and epoch, into public slots.
/// @dev An address counts once a block over all funds, and only with its own signature for the fund and epoch. No contract calls, so
/// that nothing is borrowed for the length of the call. What this does not prevent: that coins are borrowed over more than one
/// transaction; that a custodian reports the same address, or reports as of its own moment what was moved here before the
/// reading; that coins move to another address between two readings. What is read is what the addresses hold then, and nothing is said of
/// whose it is before or after. Debts are not read here: a fund would leave out who owes them.
interface IAccountReader {
    /// @notice values: of the policy's account slots, in order.
    event AccountsRead(
        address indexed fund, bytes32 indexed policyId, uint64 indexed epoch, address[] accounts, uint256[] values
    );

    error NotAContract(address account);
    error NotFund(address fund, address caller);
    /// @notice Only a key without code calls, and directly: a contract could borrow for the length of the call.
    error CalledByContract(address caller);
    error NoAccountSlots(bytes32 policyId, uint64 epoch);
    error AlreadyRead(address fund, bytes32 policyId, uint64 epoch);
    /// @notice At least one address, ascending, each with one signature.
    error InvalidAccounts();
    /// @notice The address did not sign that it is the fund's in this epoch (EIP-712; ECDSA, or EIP-1271 for contracts).
    error InvalidAccountSignature(address account);
    /// @notice The address was counted in this block already.
    error AlreadyCounted(address account);
    error UnreadableToken(address token);
    error AccountsNotRead(address fund, bytes32 policyId, uint64 epoch);

    function funds() external view returns (IFundRegistry);

    function policies() external view returns (IPolicyRegistry);

    /// @notice Reads the balances now and keeps their sums in lots, rounded down. The fund only, by a key, and once.
    /// @param accounts ascending
    /// @param signatures over `AccountOwnership(address fund,uint64 epoch,address account)` in this contract's domain
    /// ("attest", "1")
    function readAccounts(
        address fund,
        bytes32 policyId,
        uint64 epoch,
        address[] calldata accounts,
        bytes[] calldata signatures
    ) external;

    /// @notice Lots in the policy's account slots of an epoch, in order; reverts before they are read.
    function values(address fund, bytes32 policyId, uint64 epoch) external view returns (uint256[] memory);
}
