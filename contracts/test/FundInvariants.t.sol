// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FundRegistry} from "../src/FundRegistry.sol";
import {Test} from "./Test.sol";

/// @title Five accounts that register, hand over and staff funds in any order
/// @dev Each of them can be a fund, its owner and its operator. It keeps an account of its own of who said what.
contract FundHandler is Test {
    uint256 public constant ACTORS = 5;

    FundRegistry public immutable FUNDS = new FundRegistry();

    /// @dev What the owner offered last, and to whom; 0 after a withdrawal and after an acceptance.
    mapping(address fund => address) public owner;
    mapping(address fund => address) public offeredTo;
    mapping(address fund => uint256) private handovers;
    mapping(address fund => mapping(uint256 handover => mapping(address operator => bool))) private appointed;
    bool public wrong;
    uint256 public registrations;
    uint256 public transfers;

    /// @dev The account that a byte of a seed names.
    function actor(uint256 seed) public pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return address(uint160(0xF0 + (seed & 0xff) % ACTORS));
    }

    /// @dev An account or, now and then, none.
    function _actorOrNone(uint256 seed) private pure returns (address) {
        return seed % 8 == 0 ? address(0) : actor(seed >> 3);
    }

    /// @dev Mostly by whoever may, else hardly anything would ever succeed.
    function _caller(address entitled, uint256 seed) private pure returns (address) {
        return seed % 2 == 0 && entitled != address(0) ? entitled : actor(seed >> 1);
    }

    /// @dev Who acts for a fund by what was said here.
    function shouldAct(address fund, address account) external view returns (bool) {
        return owner[fund] != address(0) && (account == owner[fund] || appointed[fund][handovers[fund]][account]);
    }

    function registerSome(uint256 seed) external {
        (address fund, address first) = (actor(seed), _actorOrNone(seed >> 8));
        bool may = first != address(0) && owner[fund] == address(0);
        vm.prank(fund);
        try FUNDS.registerFund(first) {
            wrong = wrong || !may;
            owner[fund] = first;
            ++registrations;
        } catch {
            wrong = wrong || may;
        }
    }

    function offerSome(uint256 seed) external {
        (address fund, address next) = (actor(seed), _actorOrNone(seed >> 8));
        address caller = _caller(owner[fund], seed >> 16);
        vm.prank(caller);
        try FUNDS.transferFund(fund, next) {
            wrong = wrong || caller != owner[fund];
            offeredTo[fund] = next;
        } catch {
            wrong = wrong || caller == owner[fund];
        }
    }

    function acceptSome(uint256 seed) external {
        address fund = actor(seed);
        address caller = _caller(offeredTo[fund], seed >> 8);
        vm.prank(caller);
        try FUNDS.acceptFund(fund) {
            wrong = wrong || caller != offeredTo[fund];
            (owner[fund], offeredTo[fund]) = (caller, address(0));
            ++handovers[fund];
            ++transfers;
        } catch {
            wrong = wrong || caller == offeredTo[fund];
        }
    }

    function operateSome(uint256 seed) external {
        (address fund, address operator) = (actor(seed), actor(seed >> 8));
        address caller = _caller(owner[fund], seed >> 16);
        bool allowed = seed >> 24 & 1 == 1;
        vm.prank(caller);
        try FUNDS.setOperator(fund, operator, allowed) {
            wrong = wrong || caller != owner[fund];
            appointed[fund][handovers[fund]][operator] = allowed;
        } catch {
            wrong = wrong || caller == owner[fund];
        }
    }
}

/// @title What holds of funds after any calls
contract FundInvariantsTest is Test {
    FundHandler private handler;
    address[] private targets;

    function setUp() public {
        handler = new FundHandler();
        targets.push(address(handler));
    }

    /// @dev Read by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory) {
        return targets;
    }

    /// @dev A fund's owner is whom it named, or who took it from an owner who offered it; every registered fund has one.
    function invariant_ownersAreInvited() external view {
        vm.assertTrue(!handler.wrong(), "taken without an offer, or refused with one");
        for (uint256 i; i < handler.ACTORS(); ++i) {
            address fund = handler.actor(i);
            (address owner, address pending) = handler.FUNDS().fundOwner(fund);
            vm.assertEq(owner, handler.owner(fund), "owner");
            vm.assertEq(pending, handler.offeredTo(fund), "next owner");
            vm.assertTrue(owner != address(0) || pending == address(0), "an offer of no fund");
        }
    }

    /// @dev The owner, whom the owner appointed since the fund was handed over last and did not dismiss, and nobody else; for
    /// this fund only.
    function invariant_onlyAppointedOperatorsAct() external view {
        FundRegistry funds = handler.FUNDS();
        for (uint256 i; i < handler.ACTORS(); ++i) {
            address fund = handler.actor(i);
            vm.assertTrue(!funds.actsFor(fund, address(0)), "nobody's account");
            for (uint256 k; k < handler.ACTORS(); ++k) {
                address account = handler.actor(k);
                vm.assertEq(funds.actsFor(fund, account), handler.shouldAct(fund, account), "acts");
            }
        }
    }

    /// @dev Without it the two above could hold because nothing ever happened.
    function test_theHandlerHandsFundsOver() external {
        address fund = handler.actor(0);
        handler.registerSome(9 << 8); // fund 0, whose owner is account 1
        handler.operateSome(1 << 24 | 2 << 8); // it appoints account 2
        vm.assertTrue(handler.FUNDS().actsFor(fund, handler.actor(2)), "appointed");
        handler.offerSome(25 << 8); // to account 3
        handler.acceptSome(0);
        vm.assertEq(handler.registrations(), 1, "registered");
        vm.assertEq(handler.owner(fund), handler.actor(3), "to account 3");
        vm.assertTrue(!handler.FUNDS().actsFor(fund, handler.actor(2)), "the former owner's operator");
        handler.offerSome(9 << 8); // and back
        handler.acceptSome(0);
        vm.assertEq(handler.owner(fund), handler.actor(1), "to account 1");
        vm.assertTrue(!handler.FUNDS().actsFor(fund, handler.actor(2)), "nor when that owner is back");
        handler.registerSome(9 << 8);
        vm.assertEq(handler.registrations(), 1, "once");
        vm.assertEq(handler.transfers(), 2, "twice");
        vm.assertTrue(!handler.wrong(), "and nothing wrong");
    }
}
