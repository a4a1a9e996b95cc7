// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ERC4626, IERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {ComplianceGate} from "./ComplianceGate.sol";
import {IComplianceGate} from "./interfaces/IComplianceGate.sol";
import {IGatedVault} from "./interfaces/IGatedVault.sol";

/// @title Vault that takes deposits only while a fund is compliant
contract GatedVault is IGatedVault, ERC4626, ComplianceGate, ERC165 {
    /// @dev Shares have this many decimals more than assets. Who inflates the first share's price to make a depositor's shares
    /// round down loses 10^6 times what they lose.
    uint8 private constant DECIMALS_OFFSET = 6;

    constructor(
        IERC20 asset_,
        string memory name_,
        string memory symbol_,
        IAttestationRegistry registry_,
        address fund_,
        bytes32 rootPolicy_
    ) ERC20(name_, symbol_) ERC4626(asset_) ComplianceGate(registry_, fund_, rootPolicy_) {}

    /// @inheritdoc IERC4626
    function maxDeposit(address receiver) public view override(ERC4626, IERC4626) returns (uint256) {
        return isOpen() ? super.maxDeposit(receiver) : 0;
    }

    /// @inheritdoc IERC4626
    function maxMint(address receiver) public view override(ERC4626, IERC4626) returns (uint256) {
        return isOpen() ? super.maxMint(receiver) : 0;
    }

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver) public override(ERC4626, IERC4626) whenOpen returns (uint256) {
        return super.deposit(assets, receiver);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver) public override(ERC4626, IERC4626) whenOpen returns (uint256) {
        return super.mint(shares, receiver);
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC4626, IERC20Metadata) returns (uint8) {
        return super.decimals();
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IERC4626).interfaceId || interfaceId == type(IERC20).interfaceId
            || interfaceId == type(IERC20Metadata).interfaceId || interfaceId == type(IComplianceGate).interfaceId
            || super.supportsInterface(interfaceId);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return DECIMALS_OFFSET;
    }
}
