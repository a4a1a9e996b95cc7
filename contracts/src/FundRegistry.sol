// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IFundRegistry} from "./interfaces/IFundRegistry.sol";
import {TwoStepOwner} from "./libraries/TwoStepOwner.sol";

/// @title Registry of funds and of who acts for them
contract FundRegistry is IFundRegistry, ERC165 {
    using TwoStepOwner for TwoStepOwner.Slot;

    mapping(address fund => TwoStepOwner.Slot) private _funds;
    /// @dev Whom an owner allowed is gone for good with the owner, even if that one comes back.
    mapping(address fund => mapping(uint64 handovers => mapping(address operator => bool))) private _operators;

    /// @inheritdoc IFundRegistry
    function registerFund(address owner) external {
        if (owner == address(0)) revert ZeroOwner();
        TwoStepOwner.Slot storage fund = _funds[msg.sender];
        if (fund.owner != address(0)) revert FundExists(msg.sender);
        fund.owner = owner;
        emit FundRegistered(msg.sender, owner);
    }

    /// @inheritdoc IFundRegistry
    function transferFund(address fund, address newOwner) external {
        _funds[fund].offer(newOwner);
        emit FundTransferStarted(fund, msg.sender, newOwner);
    }

    /// @inheritdoc IFundRegistry
    function acceptFund(address fund) external {
        address previousOwner = _funds[fund].accept();
        emit FundTransferred(fund, previousOwner, msg.sender);
    }

    /// @inheritdoc IFundRegistry
    function setOperator(address fund, address operator, bool allowed) external {
        TwoStepOwner.Slot storage slot = _funds[fund];
        slot.check();
        _operators[fund][slot.handovers][operator] = allowed;
        emit OperatorSet(fund, msg.sender, operator, allowed);
    }

    /// @inheritdoc IFundRegistry
    function fundOwner(address fund) external view returns (address, address) {
        return (_funds[fund].owner, _funds[fund].pendingOwner);
    }

    /// @inheritdoc IFundRegistry
    function actsFor(address fund, address account) external view returns (bool) {
        TwoStepOwner.Slot storage slot = _funds[fund];
        address owner = slot.owner;
        return owner != address(0) && (account == owner || _operators[fund][slot.handovers][account]);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IFundRegistry).interfaceId || super.supportsInterface(interfaceId);
    }
}
