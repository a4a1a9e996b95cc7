// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {AccountReader} from "../src/AccountReader.sol";
import {IAccountReader} from "../src/interfaces/IAccountReader.sol";
import {IFundRegistry} from "../src/interfaces/IFundRegistry.sol";
import {AccountSlot, Approval, IPolicyRegistry} from "../src/interfaces/IPolicyRegistry.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @notice A token of which nothing but balances is asked.
contract TestToken {
    mapping(address account => uint256) public balanceOf;

    function mint(address account, uint256 amount) external {
        balanceOf[account] += amount;
    }
}

/// @notice An account that is a contract and says yes to one digest.
contract ContractAccount is IERC1271 {
    bytes32 private _accepted;

    function accept(bytes32 digest) external {
        _accepted = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == _accepted ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @title What a fund's addresses hold, read on this chain
contract AccountReaderTest is RegistryFixtures {
    uint64 private constant EPOCH = 9;

    TestToken private token;
    bytes32 private id;

    function setUp() public {
        deploy();
        registerFund();
        token = new TestToken();
        id = register(POLICY_OWNER, policyHashes[0], requirementsOf(), 1);
        _approve(EPOCH, 1 ether, 10);
    }

    /// @dev Slot 2 is the chain's own coin, slot 3 the token, in these lots.
    function _approve(uint64 epoch, uint256 coinLot, uint256 tokenLot) private {
        Approval memory approval = approvalOf(0);
        approval.accountSlots = new AccountSlot[](2);
        approval.accountSlots[0] = AccountSlot(2, address(0), coinLot);
        approval.accountSlots[1] = AccountSlot(3, address(token), tokenLot);
        approve(id, epoch, approval);
    }

    /// @dev Private keys of two accounts whose addresses ascend.
    function _keys() private pure returns (uint256 low, uint256 high) {
        (low, high) = (uint256(keccak256("an account")), uint256(keccak256("another account")));
        if (vm.addr(low) > vm.addr(high)) (low, high) = (high, low);
    }

    function _accounts() private pure returns (address[] memory accounts) {
        (uint256 low, uint256 high) = _keys();
        accounts = new address[](2);
        (accounts[0], accounts[1]) = (vm.addr(low), vm.addr(high));
    }

    function _digest(address fund, uint64 epoch, address account) private view returns (bytes32) {
        bytes32 typehash = keccak256("AccountOwnership(address fund,uint64 epoch,address account)");
        return typedDigest(address(accountReader), keccak256(abi.encode(typehash, fund, epoch, account)));
    }

    function _signatures(address fund, uint64 epoch) private view returns (bytes[] memory signatures) {
        (uint256 low, uint256 high) = _keys();
        signatures = new bytes[](2);
        signatures[0] = signature(low, _digest(fund, epoch, vm.addr(low)));
        signatures[1] = signature(high, _digest(fund, epoch, vm.addr(high)));
    }

    function _read(uint64 epoch, address[] memory accounts, bytes[] memory signatures) private {
        vm.prank(FUND_OWNER, FUND_OWNER);
        accountReader.readAccounts(FUND, id, epoch, accounts, signatures);
    }

    function _readBoth() private {
        _read(EPOCH, _accounts(), _signatures(FUND, EPOCH));
    }

    function _fill(uint256 coins, uint256 otherCoins, uint256 tokens, uint256 otherTokens) private {
        address[] memory accounts = _accounts();
        vm.deal(accounts[0], coins);
        vm.deal(accounts[1], otherCoins);
        token.mint(accounts[0], tokens);
        token.mint(accounts[1], otherTokens);
    }

    function _assertRefused(address[] memory accounts, bytes[] memory signatures, bytes memory reason) private {
        vm.expectRevert(reason);
        _read(EPOCH, accounts, signatures);
        vm.expectRevert(abi.encodeWithSelector(IAccountReader.AccountsNotRead.selector, FUND, id, EPOCH));
        accountReader.values(FUND, id, EPOCH);
    }

    function test_needsItsContracts() public {
        vm.assertEq(address(accountReader.funds()), address(funds), "the registry of funds");
        vm.assertEq(address(accountReader.policies()), address(policies), "the registry of policies");
        bytes memory reason = abi.encodeWithSelector(IAccountReader.NotAContract.selector, STRANGER);
        vm.expectRevert(reason);
        new AccountReader(IFundRegistry(STRANGER), policies);
        vm.expectRevert(reason);
        new AccountReader(funds, IPolicyRegistry(STRANGER));
    }

    // Values.

    function test_sumsInLots() public {
        _fill(2 ether, 3 ether, 40, 60);
        uint256[] memory lots = new uint256[](2);
        (lots[0], lots[1]) = (5, 10);
        vm.expectEmit(address(accountReader));
        emit IAccountReader.AccountsRead(FUND, id, EPOCH, _accounts(), lots);
        _readBoth();
        vm.assertEq(abi.encode(accountReader.values(FUND, id, EPOCH)), abi.encode(lots), "stored");
    }

    /// @dev The sum is rounded down, once; rounding each account would lose more.
    function testFuzz_rounding(uint96[4] memory held, uint64 coinLot, uint64 tokenLot) public {
        (uint256 coins, uint256 tokens) = (uint256(coinLot) + 1, uint256(tokenLot) + 1);
        _approve(EPOCH + 1, coins, tokens);
        _fill(held[0], held[1], held[2], held[3]);
        _read(EPOCH + 1, _accounts(), _signatures(FUND, EPOCH + 1));
        uint256[] memory lots = accountReader.values(FUND, id, EPOCH + 1);
        vm.assertEq(lots[0], (uint256(held[0]) + held[1]) / coins, "coins");
        vm.assertEq(lots[1], (uint256(held[2]) + held[3]) / tokens, "tokens");
    }

    function test_readOnce() public {
        _fill(1 ether, 0, 0, 0);
        _readBoth();
        _fill(9 ether, 0, 0, 0);
        vm.roll(block.number + 1);
        vm.expectRevert(abi.encodeWithSelector(IAccountReader.AlreadyRead.selector, FUND, id, EPOCH));
        _readBoth();
        vm.assertEq(accountReader.values(FUND, id, EPOCH)[0], 1, "as it was");
    }

    /// @dev Nothing held is a reading too, and stands.
    function test_emptyAccountsAreRead() public {
        _readBoth();
        vm.assertEq(accountReader.values(FUND, id, EPOCH).length, 2, "zeros");
        vm.roll(block.number + 1);
        vm.expectRevert(abi.encodeWithSelector(IAccountReader.AlreadyRead.selector, FUND, id, EPOCH));
        _readBoth();
    }

    function test_theTokenMustBeThere() public {
        Approval memory approval = approvalOf(0);
        approval.accountSlots = new AccountSlot[](1);
        approval.accountSlots[0] = AccountSlot(2, STRANGER, 1);
        approve(id, EPOCH + 1, approval);
        (address[] memory accounts, bytes[] memory signatures) = (_accounts(), _signatures(FUND, EPOCH + 1));
        vm.expectRevert(abi.encodeWithSelector(IAccountReader.UnreadableToken.selector, STRANGER));
        _read(EPOCH + 1, accounts, signatures);
    }

    function test_onlyWhereThePolicyReadsAccounts() public {
        approve(id, EPOCH + 1, approvalOf(0));
        (address[] memory accounts, bytes[] memory signatures) = (_accounts(), _signatures(FUND, EPOCH + 1));
        vm.expectRevert(abi.encodeWithSelector(IAccountReader.NoAccountSlots.selector, id, EPOCH + 1));
        _read(EPOCH + 1, accounts, signatures);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.EpochNotApproved.selector, id, EPOCH + 2));
        _read(EPOCH + 2, accounts, signatures);
    }

    // Who reads.

    function testFuzz_onlyTheFundReads(address caller) public {
        if (caller == FUND_OWNER) return;
        (address[] memory accounts, bytes[] memory signatures) = (_accounts(), _signatures(FUND, EPOCH));
        vm.expectRevert(abi.encodeWithSelector(IAccountReader.NotFund.selector, FUND, caller));
        vm.prank(caller, caller);
        accountReader.readAccounts(FUND, id, EPOCH, accounts, signatures);
    }

    function test_operatorsRead() public {
        setOperator(OPERATOR, true);
        (address[] memory accounts, bytes[] memory signatures) = (_accounts(), _signatures(FUND, EPOCH));
        vm.prank(OPERATOR, OPERATOR);
        accountReader.readAccounts(FUND, id, EPOCH, accounts, signatures);
        vm.assertEq(accountReader.values(FUND, id, EPOCH).length, 2, "read");
    }

    /// @dev In the middle of a transaction of others a balance may be a loan.
    function test_noContractReads() public {
        (address[] memory accounts, bytes[] memory signatures) = (_accounts(), _signatures(FUND, EPOCH));
        bytes memory reason = abi.encodeWithSelector(IAccountReader.CalledByContract.selector, FUND_OWNER);
        vm.expectRevert(reason);
        vm.prank(FUND_OWNER, STRANGER);
        accountReader.readAccounts(FUND, id, EPOCH, accounts, signatures);
        vm.etch(FUND_OWNER, abi.encodePacked(hex"ef0100", STRANGER)); // a key that delegates to a contract (EIP-7702)
        vm.expectRevert(reason);
        vm.prank(FUND_OWNER, FUND_OWNER);
        accountReader.readAccounts(FUND, id, EPOCH, accounts, signatures);
        vm.etch(FUND_OWNER, hex"");
        _readBoth();
    }

    // Which accounts.

    function test_accountsAscendWithOneSignatureEach() public {
        bytes memory reason = abi.encodePacked(IAccountReader.InvalidAccounts.selector);
        bytes[] memory signatures = _signatures(FUND, EPOCH);
        _assertRefused(new address[](0), new bytes[](0), reason);
        _assertRefused(_accounts(), new bytes[](0), reason);
        _assertRefused(_accounts(), new bytes[](3), reason);
        address[] memory accounts = _accounts();
        (accounts[0], accounts[1], signatures[0], signatures[1]) =
        (accounts[1], accounts[0], signatures[1], signatures[0]);
        _assertRefused(accounts, signatures, reason);
        (accounts[1], signatures[1]) = (accounts[0], signatures[0]);
        _assertRefused(accounts, signatures, reason);
    }

    function test_onlyWhatTheAccountSigned() public {
        address[] memory accounts = _accounts();
        bytes memory reason = abi.encodeWithSelector(IAccountReader.InvalidAccountSignature.selector, accounts[1]);
        for (uint256 change; change < 6; ++change) {
            bytes[] memory signatures = _signatures(FUND, EPOCH);
            if (change == 0) signatures[1] = _signatures(STRANGER, EPOCH)[1]; // for another fund
            if (change == 1) signatures[1] = _signatures(FUND, EPOCH - 1)[1]; // for another epoch
            if (change == 2) signatures[1] = signatures[0]; // by another account
            if (change == 3) signatures[1] = hex"";
            if (change == 4) signatures[1][7] ^= 0x01;
            if (change == 5) signatures[1] = _signedElsewhere(accounts[1]);
            _assertRefused(accounts, signatures, reason);
        }
        _readBoth();
    }

    /// @dev Signed for another contract of the same name.
    function _signedElsewhere(address account) private view returns (bytes memory) {
        (, uint256 high) = _keys();
        bytes32 typehash = keccak256("AccountOwnership(address fund,uint64 epoch,address account)");
        bytes32 struct_ = keccak256(abi.encode(typehash, FUND, EPOCH, account));
        return signature(high, typedDigest(address(registry), struct_));
    }

    function test_onAnotherChain() public {
        (address[] memory accounts, bytes[] memory signatures) = (_accounts(), _signatures(FUND, EPOCH));
        vm.chainId(1);
        _assertRefused(
            accounts, signatures, abi.encodeWithSelector(IAccountReader.InvalidAccountSignature.selector, accounts[0])
        );
    }

    function test_contractAccounts() public {
        ContractAccount account = new ContractAccount();
        address[] memory accounts = listOf(address(account));
        bytes[] memory signatures = new bytes[](1);
        vm.deal(address(account), 7 ether);
        bytes4 selector = IAccountReader.InvalidAccountSignature.selector;
        _assertRefused(accounts, signatures, abi.encodeWithSelector(selector, accounts[0]));
        account.accept(_digest(FUND, EPOCH, accounts[0]));
        _read(EPOCH, accounts, signatures);
        vm.assertEq(accountReader.values(FUND, id, EPOCH)[0], 7, "held by a contract");
    }

    // Once a block.

    function _readForAnotherFund(address[] memory accounts) private {
        bytes[] memory signatures = _signatures(STRANGER, EPOCH);
        vm.prank(STRANGER, STRANGER);
        accountReader.readAccounts(STRANGER, id, EPOCH, accounts, signatures);
    }

    /// @dev The same coins, shown by two funds in one block.
    function test_anAccountCountsOnceABlock() public {
        vm.prank(STRANGER);
        funds.registerFund(STRANGER);
        _fill(1 ether, 1 ether, 0, 0);
        _readBoth();
        address[] memory accounts = _accounts();
        vm.expectRevert(abi.encodeWithSelector(IAccountReader.AlreadyCounted.selector, accounts[0]));
        _readForAnotherFund(accounts);
        vm.roll(block.number + 1);
        _readForAnotherFund(accounts);
        vm.assertEq(accountReader.values(STRANGER, id, EPOCH)[0], 2, "a block later");
    }

    function test_aRefusedReadingCountsNothing() public {
        bytes[] memory signatures = _signatures(FUND, EPOCH);
        signatures[1] = signatures[0];
        bytes memory reason = abi.encodeWithSelector(IAccountReader.InvalidAccountSignature.selector, _accounts()[1]);
        _assertRefused(_accounts(), signatures, reason);
        _readBoth();
    }

    function test_eachPolicyHasItsOwnReading() public {
        bytes32 other = register(POLICY_OWNER, policyHashes[1], requirementsOf(), 1);
        Approval memory approval = approvalOf(0);
        approval.accountSlots = new AccountSlot[](1);
        approval.accountSlots[0] = AccountSlot(2, address(0), 1);
        approve(other, EPOCH, approval);
        _fill(1 ether, 0, 0, 0);
        _readBoth();
        vm.roll(block.number + 1);
        id = other;
        _readBoth();
        vm.assertEq(accountReader.values(FUND, other, EPOCH)[0], 1 ether, "in lots of its own");
    }
}
