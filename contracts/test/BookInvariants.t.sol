// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BookRegistry} from "../src/BookRegistry.sol";
import {BookVerifier} from "../src/BookVerifier.sol";
import {FundRegistry} from "../src/FundRegistry.sol";
import {Book, Inclusion} from "../src/interfaces/IBookVerifier.sol";
import {BookFixtures} from "./BookFixtures.sol";

/// @title A fund, its operator and strangers who publish and prove books in any order, with a proved book at hand
/// @dev The fixtures' book is of this fund and epoch 7. It keeps an account of its own of what was published and proved.
contract BookHandler is BookFixtures {
    uint64 public constant FIRST_EPOCH = 6;
    uint64 public constant LAST_EPOCH = 8;
    uint64 private constant EPOCH = 7;
    address public constant FUND = 0x00000000000000000000000000000000000000f1;
    address private constant OWNER = 0x00000000000000000000000000000000000000F2;
    address private constant OPERATOR = 0x00000000000000000000000000000000000000f3;
    address public constant STRANGER = 0x0000000000000000000000000000000000000099;

    FundRegistry private immutable FUNDS = new FundRegistry();
    BookRegistry public immutable BOOKS = new BookRegistry(new BookVerifier(), FUNDS);

    bytes32 private immutable ROOT;
    /// @dev What the honest book's slots, currencies and total come to.
    bytes32 public immutable SOURCE;
    mapping(address fund => mapping(uint64 epoch => bytes32)) public roots;
    bool private isOperator;
    bool public proved;
    bool public wrong;
    uint256 public publications;
    uint256 public inclusions;

    constructor() {
        vm.prank(FUND);
        FUNDS.registerFund(OWNER);
        vm.prank(STRANGER);
        FUNDS.registerFund(STRANGER);
        ROOT = publishedRoot();
        Book memory honest = book().book;
        bytes32 total = keccak256(bookCommitment());
        SOURCE = keccak256(abi.encode(keccak256(abi.encode(honest.slots)), honest.currencies, total));
    }

    function isPublished() public view returns (bool) {
        return roots[FUND][EPOCH] == ROOT;
    }

    function operateSome(uint256 seed) external {
        isOperator = seed % 2 == 0;
        vm.prank(OWNER);
        FUNDS.setOperator(FUND, OPERATOR, isOperator);
    }

    /// @dev The honest root in its epoch mostly, else another one or none, for the fund mostly, else for the stranger's own.
    function publishSome(uint256 seed, bytes32 other) external {
        address[4] memory callers = [OWNER, OPERATOR, FUND, STRANGER];
        address caller = callers[seed % 4];
        address fund = seed >> 8 & 3 == 0 ? STRANGER : FUND;
        uint64 epoch = seed >> 16 & 1 == 0 ? EPOCH : FIRST_EPOCH + uint64((seed >> 17) % 3);
        bytes32[5] memory choices = [ROOT, ROOT, ROOT, other, bytes32(0)];
        bytes32 root = choices[(seed >> 24) % 5];
        bool acts = fund == STRANGER ? caller == STRANGER : caller == OWNER || (caller == OPERATOR && isOperator);
        bool may = acts && root != 0 && roots[fund][epoch] == 0;
        vm.prank(caller);
        try BOOKS.publishBook(fund, epoch, root) {
            wrong = wrong || !may;
            roots[fund][epoch] = root;
            ++publications;
        } catch {
            wrong = wrong || may;
        }
    }

    /// @dev Anybody proves; the honest book, or one of another fund, epoch or currency, or with two proofs exchanged.
    function proveSome(uint256 seed) external {
        BookCase memory c = book();
        uint256 damage = seed % 8;
        if (damage == 1) c.book.epoch = EPOCH + 1;
        if (damage == 2) c.book.fund = STRANGER;
        if (damage == 3) c.book.currencies ^= bytes32(uint256(1));
        if (damage == 4) (c.proofs[0], c.proofs[1]) = (c.proofs[1], c.proofs[0]);
        bool may = (damage == 0 || damage > 4) && isPublished();
        vm.prank(STRANGER);
        try BOOKS.proveBook(c.book, c.chunks, c.proofs) {
            wrong = wrong || !may;
            proved = true;
        } catch {
            wrong = wrong || may;
        }
    }

    /// @dev An account stands in the published book and in no other, with its own balance and no other.
    function includeSome(uint256 seed) external {
        (Book memory of_, Inclusion memory shown) = inclusion(seed % 3);
        bool honest = seed >> 8 & 1 == 0;
        if (!honest) shown.balances[seed >> 16 & 1] += 1;
        bool may = honest && isPublished();
        try BOOKS.checkInclusion(of_, shown) {
            wrong = wrong || !may;
            ++inclusions;
        } catch {
            wrong = wrong || may;
        }
    }
}

/// @title What holds of liability books after any calls
contract BookInvariantsTest is BookFixtures {
    BookHandler private handler;
    address[] private targets;

    function setUp() public {
        handler = new BookHandler();
        targets.push(address(handler));
    }

    /// @dev Read by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory) {
        return targets;
    }

    /// @dev By whoever acts for the fund, once and for good, and never an empty one.
    function invariant_rootsArePublishedOnce() external view {
        vm.assertTrue(!handler.wrong(), "something that was not due, or something due that was refused");
        for (uint64 epoch = handler.FIRST_EPOCH(); epoch <= handler.LAST_EPOCH(); ++epoch) {
            address[2] memory funds = [handler.FUND(), handler.STRANGER()];
            for (uint256 i; i < 2; ++i) {
                vm.assertEq(handler.BOOKS().bookRoot(funds[i], epoch), handler.roots(funds[i], epoch), "the first root");
            }
        }
    }

    /// @dev What counts as proved is the published book's own slots, currencies and total, and stays proved.
    function invariant_onlyPublishedBooksAreProved() external view {
        BookRegistry books = handler.BOOKS();
        for (uint64 epoch = handler.FIRST_EPOCH(); epoch <= handler.LAST_EPOCH(); ++epoch) {
            bool proved = epoch == 7 && handler.proved();
            vm.assertTrue(!proved || handler.isPublished(), "proved and not published");
            vm.assertEq(books.provenSource(handler.FUND(), epoch), proved ? handler.SOURCE() : bytes32(0), "its total");
            vm.assertEq(books.provenSource(handler.STRANGER(), epoch), bytes32(0), "of another fund");
        }
    }

    /// @dev Without it the two above could hold because nothing was ever published or proved.
    function test_theHandlerGetsABookProved() external {
        handler.proveSome(0);
        vm.assertTrue(!handler.proved(), "nothing is published");
        handler.publishSome(1 << 8, 0);
        vm.assertEq(handler.publications(), 1, "published");
        handler.publishSome(1 << 8, 0);
        vm.assertEq(handler.publications(), 1, "once");
        for (uint256 damage = 4; damage != 0; --damage) {
            handler.proveSome(damage);
        }
        vm.assertTrue(!handler.proved(), "a false book");
        handler.proveSome(0);
        vm.assertTrue(handler.proved(), "proved");
        handler.includeSome(0);
        handler.includeSome(1 << 8);
        vm.assertEq(handler.inclusions(), 1, "an account with its own balance");
        vm.assertTrue(!handler.wrong(), "and nothing wrong");
    }
}
