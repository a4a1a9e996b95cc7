// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FundRegistry} from "../src/FundRegistry.sol";
import {IFundRegistry} from "../src/interfaces/IFundRegistry.sol";
import {TwoStepOwner} from "../src/libraries/TwoStepOwner.sol";
import {RegistryFixtures} from "./RegistryFixtures.sol";

/// @title Who a fund's owner is, and who else acts for it
contract FundRegistryTest is RegistryFixtures {
    function setUp() public {
        funds = new FundRegistry();
        registerFund();
    }

    function _assertOwner(address owner, address pending) private view {
        (address actual, address actualPending) = funds.fundOwner(FUND);
        vm.assertEq(actual, owner, "owner");
        vm.assertEq(actualPending, pending, "pending owner");
    }

    function _transfer(address from, address to) private {
        vm.prank(from);
        funds.transferFund(FUND, to);
    }

    function _accept(address caller) private {
        vm.prank(caller);
        funds.acceptFund(FUND);
    }

    function test_interfaces() public view {
        assertInterfaces(funds, type(IFundRegistry).interfaceId);
    }

    // Registration.

    function test_fundRegistersItselfOnce() public {
        _assertOwner(FUND_OWNER, address(0));
        vm.expectEmit(address(funds));
        emit IFundRegistry.FundRegistered(STRANGER, OPERATOR);
        vm.prank(STRANGER);
        funds.registerFund(OPERATOR);
        bytes memory reason = abi.encodeWithSelector(IFundRegistry.FundExists.selector, FUND);
        vm.expectRevert(reason);
        vm.prank(FUND);
        funds.registerFund(STRANGER);
    }

    function test_aFundHasAnOwner() public {
        vm.expectRevert(IFundRegistry.ZeroOwner.selector);
        vm.prank(STRANGER);
        funds.registerFund(address(0));
    }

    function test_aFundMayOwnItself() public {
        vm.prank(STRANGER);
        funds.registerFund(STRANGER);
        vm.assertTrue(funds.actsFor(STRANGER, STRANGER), "acts for itself");
    }

    // Transfer.

    function test_fundChangesHandsInTwoSteps() public {
        vm.expectEmit(address(funds));
        emit IFundRegistry.FundTransferStarted(FUND, FUND_OWNER, STRANGER);
        _transfer(FUND_OWNER, STRANGER);
        _assertOwner(FUND_OWNER, STRANGER);
        vm.assertTrue(!funds.actsFor(FUND, STRANGER), "not yet");
        vm.expectEmit(address(funds));
        emit IFundRegistry.FundTransferred(FUND, FUND_OWNER, STRANGER);
        _accept(STRANGER);
        _assertOwner(STRANGER, address(0));
        vm.assertTrue(funds.actsFor(FUND, STRANGER) && !funds.actsFor(FUND, FUND_OWNER), "the new owner acts");
        bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotOwner.selector, FUND_OWNER, STRANGER);
        vm.expectRevert(reason);
        _transfer(FUND_OWNER, FUND_OWNER);
    }

    function test_fundOfferCanBeWithdrawn() public {
        _transfer(FUND_OWNER, STRANGER);
        _transfer(FUND_OWNER, address(0));
        bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotPendingOwner.selector, STRANGER, address(0));
        vm.expectRevert(reason);
        _accept(STRANGER);
    }

    function test_anOfferIsTakenOnce() public {
        _transfer(FUND_OWNER, STRANGER);
        _accept(STRANGER);
        _transfer(STRANGER, FUND_OWNER);
        _accept(FUND_OWNER);
        bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotPendingOwner.selector, STRANGER, address(0));
        vm.expectRevert(reason);
        _accept(STRANGER);
    }

    function testFuzz_onlyTheOwnerHandsOver(address caller) public {
        if (caller == FUND_OWNER) return;
        bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotOwner.selector, caller, FUND_OWNER);
        vm.expectRevert(reason);
        _transfer(caller, caller);
        vm.expectRevert(reason);
        vm.prank(caller);
        funds.setOperator(FUND, caller, true);
    }

    function testFuzz_onlyTheNextOwnerAccepts(address caller) public {
        _transfer(FUND_OWNER, STRANGER);
        if (caller != STRANGER) {
            bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotPendingOwner.selector, caller, STRANGER);
            vm.expectRevert(reason);
        }
        _accept(caller);
    }

    // Operators.

    function test_operatorsActUntilTheyAreDismissed() public {
        vm.expectEmit(address(funds));
        emit IFundRegistry.OperatorSet(FUND, FUND_OWNER, OPERATOR, true);
        setOperator(OPERATOR, true);
        vm.assertTrue(funds.actsFor(FUND, OPERATOR), "appointed");
        vm.assertTrue(!funds.actsFor(STRANGER, OPERATOR), "for this fund only");
        vm.expectEmit(address(funds));
        emit IFundRegistry.OperatorSet(FUND, FUND_OWNER, OPERATOR, false);
        setOperator(OPERATOR, false);
        vm.assertTrue(!funds.actsFor(FUND, OPERATOR), "dismissed");
    }

    function test_operatorsDoNotOwn() public {
        setOperator(OPERATOR, true);
        bytes memory reason = abi.encodeWithSelector(TwoStepOwner.NotOwner.selector, OPERATOR, FUND_OWNER);
        vm.expectRevert(reason);
        _transfer(OPERATOR, OPERATOR);
        vm.expectRevert(reason);
        vm.prank(OPERATOR);
        funds.setOperator(FUND, STRANGER, true);
    }

    /// @dev Who buys a fund does not inherit the seller's keys.
    function test_operatorsGoWithTheirOwner() public {
        setOperator(OPERATOR, true);
        _transfer(FUND_OWNER, STRANGER);
        vm.assertTrue(funds.actsFor(FUND, OPERATOR), "while it is offered");
        _accept(STRANGER);
        vm.assertTrue(!funds.actsFor(FUND, OPERATOR), "after the transfer");
        _transfer(STRANGER, FUND_OWNER);
        _accept(FUND_OWNER);
        vm.assertTrue(!funds.actsFor(FUND, OPERATOR), "even if the owner comes back");
        setOperator(OPERATOR, true);
        vm.assertTrue(funds.actsFor(FUND, OPERATOR), "until it is appointed anew");
    }

    /// @dev The owner of a fund that does not exist is 0, which nobody is.
    function test_nobodyActsForNoFund() public view {
        vm.assertTrue(!funds.actsFor(STRANGER, address(0)), "of no fund");
    }

    /// @dev The fund's own address is nobody special once it has an owner.
    function testFuzz_nobodyElseActs(address account) public view {
        vm.assertEq(funds.actsFor(FUND, account), account == FUND_OWNER, "of a fund");
        vm.assertTrue(!funds.actsFor(address(0x5555), account), "of no fund");
    }
}
