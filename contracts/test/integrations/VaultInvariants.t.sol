// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GatedVault} from "../../src/integrations/GatedVault.sol";
import {Test} from "../Test.sol";
import {ComplianceHandler} from "./ComplianceHandler.sol";
import {TestToken} from "./TestToken.sol";

/// @title Three depositors who come and go in any order while a fund's compliance comes and goes
/// @dev What leaves is never tried: a redemption that reverts fails the test, whatever the registries do.
contract VaultHandler is ComplianceHandler {
    uint256 public constant ACTORS = 3;
    uint256 private constant MOST = 10 ** 15;
    uint256 private constant OFFSET = 10 ** 6;

    TestToken public immutable TOKEN = new TestToken();
    GatedVault public immutable VAULT;

    /// @dev Assets that came in by deposits and as gifts, and that went out.
    uint256 public deposited;
    uint256 public donated;
    uint256 public paid;
    uint256 public deposits;
    uint256 public refusals;
    bool public wrong;
    bool public diluted;

    constructor() {
        VAULT = new GatedVault(TOKEN, "vault", "vTKN", registry, FUND, policyId);
        for (uint256 i; i < ACTORS; ++i) {
            TOKEN.mint(actor(i), MOST);
            vm.prank(actor(i));
            TOKEN.approve(address(VAULT), type(uint256).max);
        }
    }

    /// @dev What a share is worth never falls: (assets + 1)/(shares + 10^6), which is what the vault converts by.
    modifier undiluted() {
        (uint256 assets, uint256 shares) = (VAULT.totalAssets() + 1, VAULT.totalSupply() + OFFSET);
        _;
        diluted = diluted || (VAULT.totalAssets() + 1) * shares < assets * (VAULT.totalSupply() + OFFSET);
    }

    /// @dev The account that a byte of a seed names.
    function actor(uint256 seed) public pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return address(uint160(0xA0 + (seed & 0xff) % ACTORS));
    }

    function _amount(uint256 seed, uint256 most) private pure returns (uint256) {
        return bound(seed, 0, seed % 2 == 0 ? most : most < 9 ? most : 9);
    }

    function _mayDeposit() private view returns (bool) {
        return !broken && shouldBeCompliant();
    }

    function depositSome(uint256 seed, uint256 amount) external undiluted {
        (address caller, bool may) = (actor(seed), _mayDeposit());
        amount = _amount(amount, TOKEN.balanceOf(caller));
        vm.prank(caller);
        try VAULT.deposit(amount, actor(seed >> 8)) {
            wrong = wrong || !may;
            deposited += amount;
            ++deposits;
        } catch {
            wrong = wrong || may;
            ++refusals;
        }
    }

    function mintSome(uint256 seed, uint256 amount) external undiluted {
        (address caller, bool may) = (actor(seed), _mayDeposit());
        uint256 shares = _amount(amount, VAULT.previewDeposit(TOKEN.balanceOf(caller)));
        vm.prank(caller);
        try VAULT.mint(shares, actor(seed >> 8)) returns (uint256 assets) {
            wrong = wrong || !may;
            deposited += assets;
            ++deposits;
        } catch {
            wrong = wrong || may;
            ++refusals;
        }
    }

    function withdrawSome(uint256 seed, uint256 amount) external undiluted {
        address caller = actor(seed);
        amount = _amount(amount, VAULT.maxWithdraw(caller));
        vm.prank(caller);
        VAULT.withdraw(amount, actor(seed >> 8), caller);
        paid += amount;
    }

    function redeemSome(uint256 seed, uint256 amount) external undiluted {
        address caller = actor(seed);
        amount = _amount(amount, VAULT.maxRedeem(caller));
        vm.prank(caller);
        paid += VAULT.redeem(amount, actor(seed >> 8), caller);
    }

    function transferSome(uint256 seed, uint256 amount) external undiluted {
        address caller = actor(seed);
        amount = _amount(amount, VAULT.balanceOf(caller));
        vm.prank(caller);
        vm.assertTrue(VAULT.transfer(actor(seed >> 8), amount), "shares change hands");
    }

    /// @dev A thousandth of what its giver has at the most, so that there is something left to deposit.
    function donateSome(uint256 seed, uint256 amount) external undiluted {
        address caller = actor(seed);
        amount = _amount(amount, TOKEN.balanceOf(caller) / 10 ** (3 + (seed >> 8) % 7));
        vm.prank(caller);
        vm.assertTrue(TOKEN.transfer(address(VAULT), amount), "a gift");
        donated += amount;
    }

    /// @dev Until anything else happens to the registries.
    function breakSome() external {
        _break();
    }
}

/// @title What holds of a gated vault after any calls
contract VaultInvariantsTest is Test {
    VaultHandler private handler;
    GatedVault private vault;
    address[] private targets;

    function setUp() public {
        handler = new VaultHandler();
        vault = handler.VAULT();
        targets.push(address(handler));
    }

    /// @dev Read by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory) {
        return targets;
    }

    /// @dev And whoever may deposit is let in.
    /// forge-config: default.invariant.runs = 32
    function invariant_depositsOnlyWhileCompliant() external view {
        vm.assertTrue(!handler.wrong(), "a deposit while the gate was closed, or none while it was open");
        if (handler.broken()) return;
        bool open = handler.shouldBeCompliant();
        vm.assertEq(vault.isOpen(), open, "open");
        for (uint256 i; i < handler.ACTORS(); ++i) {
            vm.assertEq(vault.maxDeposit(handler.actor(i)), open ? type(uint256).max : 0, "maxDeposit");
            vm.assertEq(vault.maxMint(handler.actor(i)), open ? type(uint256).max : 0, "maxMint");
        }
    }

    /// @dev The vault has what came in less what went out, which is what all shares together are worth or more.
    /// forge-config: default.invariant.runs = 32
    function invariant_sharesAreCovered() external view {
        uint256 assets = handler.TOKEN().balanceOf(address(vault));
        vm.assertEq(assets + handler.paid(), handler.deposited() + handler.donated(), "nothing comes or goes elsewhere");
        vm.assertEq(vault.totalAssets(), assets, "all of it counts");
        vm.assertTrue(vault.convertToAssets(vault.totalSupply()) <= assets, "more promised than there is");
        vm.assertTrue(!handler.diluted(), "a share lost value");
        (uint256 shares, uint256 owed) = (0, 0);
        for (uint256 i; i < handler.ACTORS(); ++i) {
            shares += vault.balanceOf(handler.actor(i));
            owed += vault.maxWithdraw(handler.actor(i));
        }
        vm.assertEq(shares, vault.totalSupply(), "a share of nobody");
        vm.assertTrue(owed <= assets, "more may be withdrawn than there is");
    }

    /// @dev Called by forge at the end of each run: nobody is kept in, even when the registries fail.
    function afterInvariant() external {
        handler.breakSome();
        for (uint256 i; i < handler.ACTORS(); ++i) {
            address account = handler.actor(i);
            (uint256 shares, uint256 owed) = (vault.balanceOf(account), vault.maxWithdraw(account));
            vm.assertEq(vault.maxRedeem(account), shares, "all of it may be redeemed");
            vm.prank(account);
            vm.assertTrue(vault.redeem(shares, account, account) >= owed, "with what was theirs");
        }
        vm.assertEq(vault.totalSupply(), 0, "all are out");
    }

    /// @dev Without it the others could hold because nobody ever came in.
    function test_theHandlerLetsDepositorsIn() external {
        handler.depositSome(0, 100);
        vm.assertEq(handler.refusals(), 1, "closed");
        handler.attestSome(1);
        handler.depositSome(0, 100);
        handler.mintSome(1 << 8 | 1, 10 ** 8);
        vm.assertEq(handler.deposits(), 2, "open");
        handler.donateSome(2, 1000);
        vm.assertEq(handler.donated(), 1000, "a gift");
        handler.breakSome();
        handler.depositSome(0, 100);
        vm.assertEq(handler.refusals(), 2, "closed while the registries fail");
        handler.withdrawSome(0, 50);
        handler.redeemSome(1, 2);
        vm.assertTrue(handler.paid() != 0, "and out");
        handler.suspendSome(1);
        handler.depositSome(0, 100);
        vm.assertEq(handler.refusals(), 3, "suspended");
        vm.assertTrue(!handler.wrong() && !handler.diluted(), "and nothing wrong");
    }
}
