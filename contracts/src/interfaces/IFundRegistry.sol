// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title Registry of funds and of who acts for them
/// @notice A fund is an address; its owner, and the operators whom the owner appoints, act for it.
interface IFundRegistry is IERC165 {
    event FundRegistered(address indexed fund, address indexed owner);
    event FundTransferStarted(address indexed fund, address indexed owner, address indexed pendingOwner);
    event FundTransferred(address indexed fund, address indexed previousOwner, address indexed owner);
    event OperatorSet(address indexed fund, address indexed owner, address indexed operator, bool allowed);

    error ZeroOwner();
    error FundExists(address fund);

    /// @notice Registers the caller as a fund, once.
    /// @param owner who acts for it from now on; may be the caller
    function registerFund(address owner) external;

    /// @notice Offers a fund to a new owner, who must accept. The zero address withdraws the offer. Owner only.
    function transferFund(address fund, address newOwner) external;

    /// @notice Takes over a fund that was offered to the caller. Operators of the former owner no longer act for it, also
    /// when that owner comes back.
    function acceptFund(address fund) external;

    /// @notice Lets an address fix source sets, publish books, suspend and revoke for the fund, or no longer. Owner only.
    function setOperator(address fund, address operator, bool allowed) external;

    /// @notice Owner of a fund and, while it is being transferred, the next one; zeros where there is no such fund.
    function fundOwner(address fund) external view returns (address owner, address pendingOwner);

    /// @notice Whether an address acts for the fund: its owner, or an operator that the owner appointed.
    function actsFor(address fund, address account) external view returns (bool);
}
