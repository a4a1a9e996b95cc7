// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {GatedVault} from "../../src/integrations/GatedVault.sol";
import {IComplianceGate} from "../../src/integrations/interfaces/IComplianceGate.sol";
import {IAttestationRegistry} from "../../src/interfaces/IAttestationRegistry.sol";
import {IPolicyRegistry} from "../../src/interfaces/IPolicyRegistry.sol";
import {IntegrationFixtures} from "./IntegrationFixtures.sol";
import {TestToken} from "./TestToken.sol";

contract GatedVaultTest is IntegrationFixtures {
    address private constant ALICE = 0x00000000000000000000000000000000000000A1;
    address private constant BOB = 0x00000000000000000000000000000000000000A2;
    uint256 private constant SHARES_PER_ASSET = 10 ** 6;

    TestToken private token;
    GatedVault private vault;

    function setUp() public {
        deployRegistries();
        token = new TestToken();
        vault = new GatedVault(token, "vault", "vTKN", registry, FUND, policyId);
        fill(ALICE);
        fill(BOB);
    }

    function fill(address account) private {
        token.mint(account, 10 ** 15);
        vm.prank(account);
        token.approve(address(vault), type(uint256).max);
    }

    function deposit(address account, uint256 assets) private returns (uint256) {
        vm.prank(account);
        return vault.deposit(assets, account);
    }

    function redeemAll(address account) private returns (uint256) {
        uint256 shares = vault.balanceOf(account);
        vm.prank(account);
        return vault.redeem(shares, account, account);
    }

    function checkClosed(bytes32 id) private {
        bytes memory reason = abi.encodeWithSelector(IComplianceGate.FundNotCompliant.selector, FUND, id);
        vm.assertTrue(!vault.isOpen(), "closed");
        vm.assertEq(vault.maxDeposit(ALICE), 0, "maxDeposit");
        vm.assertEq(vault.maxMint(ALICE), 0, "maxMint");
        vm.expectRevert(reason);
        deposit(ALICE, 1);
        vm.expectRevert(reason);
        deposit(ALICE, 0);
        vm.expectRevert(reason);
        vm.prank(ALICE);
        vault.mint(1, ALICE);
        vm.expectRevert(reason);
        vm.prank(ALICE);
        vault.mint(0, ALICE);
    }

    function checkOpen() private {
        vm.assertTrue(vault.isOpen(), "open");
        vm.assertEq(vault.maxDeposit(ALICE), type(uint256).max, "maxDeposit");
        vm.assertEq(vault.maxMint(ALICE), type(uint256).max, "maxMint");
        vm.assertEq(deposit(ALICE, 5), 5 * SHARES_PER_ASSET, "shares");
        vm.prank(ALICE);
        vm.assertEq(vault.mint(SHARES_PER_ASSET, ALICE), 1, "assets");
    }

    function test_whatItIs() public view {
        vm.assertEq(vault.asset(), address(token), "asset");
        vm.assertEq(vault.decimals(), 12, "decimals");
        vm.assertEq(bytes(vault.name()), "vault", "name");
        vm.assertEq(bytes(vault.symbol()), "vTKN", "symbol");
        vm.assertEq(address(vault.registry()), address(registry), "registry");
        vm.assertEq(vault.fund(), FUND, "fund");
        vm.assertEq(vault.rootPolicy(), policyId, "policy");
        vm.assertTrue(vault.supportsInterface(type(IERC4626).interfaceId), "ERC-4626");
        vm.assertTrue(vault.supportsInterface(type(IERC20).interfaceId), "ERC-20");
        vm.assertTrue(vault.supportsInterface(type(IERC20Metadata).interfaceId), "metadata");
        vm.assertTrue(vault.supportsInterface(type(IComplianceGate).interfaceId), "gate");
        vm.assertTrue(vault.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        vm.assertTrue(!vault.supportsInterface(0xffffffff), "not everything");
    }

    function test_opensWithTheFirstAttestation() public {
        checkClosed(policyId);
        attest(1);
        checkOpen();
    }

    function test_closesWhenTheAttestationExpires() public {
        attest(1);
        vm.warp(EXPIRY);
        checkOpen();
        vm.warp(EXPIRY + 1);
        checkClosed(policyId);
    }

    function test_closesWhileSuspended() public {
        attest(1);
        suspend();
        checkClosed(policyId);
        resume();
        checkOpen();
    }

    function test_closesWithARevocation() public {
        attest(1);
        revoke(1);
        checkClosed(policyId);
        attest(2);
        checkOpen();
    }

    /// @dev It follows the policy that counts, and opens again with the first attestation under it.
    function test_followsReplacements() public {
        attest(1);
        bytes32 successor = replace(policyId, "looser");
        vm.assertEq(vault.currentPolicy(), successor, "current");
        checkClosed(successor);
        attest(successor, 2, EXPIRY);
        checkOpen();
    }

    /// @dev A fund that is attested under the successor in time leaves no gap.
    function test_staysOpenWithAnAttestationMadeBefore() public {
        attest(1);
        vm.prank(POLICY_OWNER);
        bytes32 successor = register("tighter");
        vm.prank(POLICY_OWNER);
        policies.scheduleReplacement(policyId, successor);
        attest(successor, 2, EXPIRY);
        checkOpen();
        vm.prank(PUBLISHER);
        policies.confirmTightening(policyId, successor);
        vm.assertEq(vault.currentPolicy(), successor, "current");
        checkOpen();
    }

    /// @dev Whoever is in gets out, even when the registry itself fails.
    function test_redemptionsNeverAsk() public {
        attest(1);
        uint256 shares = deposit(ALICE, 1000);
        suspend();
        vm.mockCallRevert(address(registry), "", "registry fails");
        vm.mockCallRevert(address(policies), "", "registry fails");
        vm.assertEq(vault.maxWithdraw(ALICE), 1000, "maxWithdraw");
        vm.assertEq(vault.maxRedeem(ALICE), shares, "maxRedeem");
        vm.prank(ALICE);
        vm.assertEq(vault.withdraw(400, ALICE, ALICE), 400 * SHARES_PER_ASSET, "withdrawn");
        uint256 rest = vault.balanceOf(ALICE);
        vm.prank(ALICE);
        vm.assertEq(vault.redeem(rest, ALICE, ALICE), 600, "redeemed");
        vm.assertEq(token.balanceOf(ALICE), 10 ** 15, "all is back");
    }

    /// @dev Previews take no account of limits (ERC-4626).
    function test_previewsWhileClosed() public view {
        vm.assertEq(vault.previewDeposit(7), 7 * SHARES_PER_ASSET, "deposit");
        vm.assertEq(vault.previewMint(7 * SHARES_PER_ASSET), 7, "mint");
    }

    /// @dev A donation before the first deposit costs its giver more than it takes from the depositor.
    function testFuzz_inflationDoesNotPay(uint256 donation, uint256 assets) public {
        donation = bound(donation, 1, 10 ** 14);
        assets = bound(assets, 1, 10 ** 14);
        attest(1);
        deposit(BOB, 1);
        vm.prank(BOB);
        vm.assertTrue(token.transfer(address(vault), donation), "donation");
        deposit(ALICE, assets);
        uint256 loss = assets - redeemAll(ALICE);
        vm.assertTrue(loss <= 1 + donation / SHARES_PER_ASSET, "the depositor loses a millionth of the donation");
        vm.assertTrue(redeemAll(BOB) <= 1 + donation + loss, "the giver gains nothing else");
    }

    function testFuzz_whatGoesInComesOut(uint256 assets, bool lapses) public {
        assets = bound(assets, 1, 10 ** 15);
        attest(1);
        deposit(ALICE, assets);
        if (lapses) suspend();
        vm.assertEq(redeemAll(ALICE), assets, "assets");
    }

    function test_unknownFundsAndPoliciesAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.UnknownFund.selector, STRANGER));
        new GatedVault(token, "", "", registry, STRANGER, policyId);
        vm.expectRevert(abi.encodeWithSelector(IPolicyRegistry.UnknownPolicy.selector, bytes32(uint256(1))));
        new GatedVault(token, "", "", registry, FUND, bytes32(uint256(1)));
    }
}
