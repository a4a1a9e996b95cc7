// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IAccountReader} from "./interfaces/IAccountReader.sol";
import {IFundRegistry} from "./interfaces/IFundRegistry.sol";
import {AccountSlot, Approval, IPolicyRegistry} from "./interfaces/IPolicyRegistry.sol";

/// @title Reader of a fund's addresses on this chain
contract AccountReader is IAccountReader, EIP712 {
    bytes32 internal constant TYPEHASH = keccak256("AccountOwnership(address fund,uint64 epoch,address account)");

    IFundRegistry private immutable FUNDS;
    IPolicyRegistry private immutable POLICIES;

    mapping(address fund => mapping(bytes32 policyId => mapping(uint64 epoch => uint256[]))) private _values;
    mapping(address account => uint256 blockNumber) private _countedAt;

    constructor(IFundRegistry funds_, IPolicyRegistry policies_) EIP712("attest", "1") {
        if (address(funds_).code.length == 0) revert NotAContract(address(funds_));
        if (address(policies_).code.length == 0) revert NotAContract(address(policies_));
        FUNDS = funds_;
        POLICIES = policies_;
    }

    /// @inheritdoc IAccountReader
    function funds() external view returns (IFundRegistry) {
        return FUNDS;
    }

    /// @inheritdoc IAccountReader
    function policies() external view returns (IPolicyRegistry) {
        return POLICIES;
    }

    /// @inheritdoc IAccountReader
    function readAccounts(
        address fund,
        bytes32 policyId,
        uint64 epoch,
        address[] calldata accounts,
        bytes[] calldata signatures
    ) external {
        if (!FUNDS.actsFor(fund, msg.sender)) revert NotFund(fund, msg.sender);
        // A flash loan stands only within a transaction, so it needs a contract around this call.
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert CalledByContract(msg.sender);
        uint256[] storage stored = _values[fund][policyId][epoch];
        if (stored.length != 0) revert AlreadyRead(fund, policyId, epoch);
        (, Approval memory approved) = POLICIES.statements(policyId, epoch);
        AccountSlot[] memory slots = approved.accountSlots;
        if (slots.length == 0) revert NoAccountSlots(policyId, epoch);
        _countAccounts(fund, epoch, accounts, signatures);
        uint256[] memory lots = new uint256[](slots.length);
        for (uint256 i; i < slots.length; ++i) {
            lots[i] = _total(slots[i].token, accounts) / slots[i].lot;
            stored.push(lots[i]);
        }
        emit AccountsRead(fund, policyId, epoch, accounts, lots);
    }

    /// @inheritdoc IAccountReader
    function values(address fund, bytes32 policyId, uint64 epoch) external view returns (uint256[] memory stored) {
        stored = _values[fund][policyId][epoch];
        if (stored.length == 0) revert AccountsNotRead(fund, policyId, epoch);
    }

    /// @dev Each address once, with its own signature, and in no other reading of this block.
    function _countAccounts(address fund, uint64 epoch, address[] calldata accounts, bytes[] calldata signatures)
        private
    {
        if (accounts.length == 0 || signatures.length != accounts.length) revert InvalidAccounts();
        for (uint256 i; i < accounts.length; ++i) {
            address account = accounts[i];
            if (i != 0 && account <= accounts[i - 1]) revert InvalidAccounts();
            if (_countedAt[account] == block.number) revert AlreadyCounted(account);
            _countedAt[account] = block.number;
            bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(TYPEHASH, fund, epoch, account)));
            if (!SignatureChecker.isValidSignatureNow(account, digest, signatures[i])) {
                revert InvalidAccountSignature(account);
            }
        }
    }

    /// @dev What all addresses hold of a token, or of the chain's own coin where token is 0.
    function _total(address token, address[] calldata accounts) private view returns (uint256 total) {
        if (token != address(0) && token.code.length == 0) revert UnreadableToken(token);
        for (uint256 i; i < accounts.length; ++i) {
            total += token == address(0) ? accounts[i].balance : IERC20(token).balanceOf(accounts[i]);
        }
    }
}
