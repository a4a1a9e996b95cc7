// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {F} from "../src/libraries/Field.sol";
import {Setup} from "../src/libraries/Setup.sol";
import {Fixtures} from "./Fixtures.sol";
import {VerifierHarness} from "./VerifierHarness.sol";

contract CurveTest is Fixtures {
    uint256 private constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    bytes private constant INFINITY = new bytes(128);
    VerifierHarness private harness = new VerifierHarness();

    function _copies(bytes memory point, uint256 count) private pure returns (bytes memory points) {
        for (uint256 i; i < count; ++i) {
            points = bytes.concat(points, point);
        }
    }

    function testFuzz_sumIsLinear(uint256 a, uint256 b) public view {
        (a, b) = (toScalar(a), toScalar(b));
        uint256[] memory two = new uint256[](2);
        (two[0], two[1]) = (a, b);
        uint256[] memory one = new uint256[](1);
        one[0] = addmod(a, b, R);
        bytes memory split = harness.multiply(_copies(Setup.G1_TABLE, 2), two);
        vm.assertEq(split, harness.multiply(Setup.G1_TABLE, one), "a P + b P = (a + b) P");
        two[1] = (R - a) % R;
        vm.assertEq(harness.multiply(_copies(Setup.G1_TABLE, 2), two), INFINITY, "a P - a P = 0");
    }

    /// @dev The terms that are added at once are those that are added one by one.
    function testFuzz_termsAtOnce(uint256 seed, uint256 weight, uint256 count) public view {
        (weight, count) = (toScalar(weight), bound(count, 1, 9));
        bytes memory points;
        F[] memory scalars = new F[](count);
        uint256[] memory products = new uint256[](count);
        for (uint256 k; k < count; ++k) {
            uint256 scalar = toScalar(uint256(keccak256(abi.encode(seed, k))));
            (scalars[k], products[k]) = (F.wrap(scalar), mulmod(scalar, weight, R));
            points = bytes.concat(points, k % 2 == 0 ? Setup.G1_TABLE : Setup.G1_SLOT_ZERO);
        }
        bytes memory sum = harness.multiplyAll(points, scalars, count, F.wrap(weight), count);
        vm.assertEq(sum, harness.multiply(points, products), "sum");
    }

    function testFuzz_powersAtOnce(uint256 factor, uint256 power, uint256 step, uint256 count) public view {
        (factor, power, step, count) = (toScalar(factor), toScalar(power), toScalar(step), bound(count, 1, 9));
        bytes memory points;
        uint256[] memory products = new uint256[](count);
        uint256 next = power;
        for (uint256 k; k < count; ++k) {
            products[k] = mulmod(factor, next, R);
            next = mulmod(next, step, R);
            points = bytes.concat(points, k % 2 == 0 ? Setup.G1_TABLE : Setup.G1_SLOT_ZERO);
        }
        (bytes memory sum, F last) =
            harness.multiplyPowers(points, count, F.wrap(factor), F.wrap(power), F.wrap(step), count);
        vm.assertEq(sum, harness.multiply(points, products), "sum");
        vm.assertEq(F.unwrap(last), next, "next power");
    }

    function test_powersBeyondTheRoom() public {
        bytes memory points = _copies(Setup.G1_ONE, 3);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 1));
        harness.multiplyPowers(points, 3, F.wrap(1), F.wrap(1), F.wrap(1), 2);
    }

    function test_termsBeyondTheRoom() public {
        F[] memory scalars = new F[](3);
        bytes memory points = _copies(Setup.G1_ONE, 4);
        bytes memory panic = abi.encodeWithSignature("Panic(uint256)", 1);
        vm.assertEq(harness.multiplyAll(points, scalars, 3, F.wrap(1), 3), INFINITY, "room for three");
        harness.addEach(3, 3);
        vm.expectRevert(panic);
        harness.addEach(3, 2);
        vm.expectRevert(panic);
        harness.multiplyAll(points, scalars, 3, F.wrap(1), 2);
        vm.expectRevert(panic);
        harness.multiplyAll(points, scalars, 4, F.wrap(1), 4);
    }

    function testFuzz_plusIsTheSum(uint256 a, uint256 b) public view {
        uint256[] memory scalar = new uint256[](1);
        scalar[0] = toScalar(a);
        bytes memory left = harness.multiply(Setup.G1_TABLE, scalar);
        scalar[0] = toScalar(b);
        bytes memory right = harness.multiply(Setup.G1_TABLE, scalar);
        scalar[0] = addmod(toScalar(a), toScalar(b), R);
        vm.assertEq(harness.plus(left, right), harness.multiply(Setup.G1_TABLE, scalar), "a P + b P = (a + b) P");
    }

    function test_plusRefusesMalformedPoints() public {
        vm.expectRevert(IProofVerifier.MalformedPoint.selector);
        harness.plus(Setup.G1_ONE, withWord(Setup.G1_ONE, 96, word(Setup.G1_ONE, 96) + 1));
        vm.mockCall(address(0x0b), "", "");
        vm.expectRevert(IProofVerifier.MalformedPoint.selector);
        harness.plus(Setup.G1_ONE, Setup.G1_ONE);
    }

    /// @dev The sum forwards `multiplicationGas(count)`: with less the precompile fails, so this is its price or more;
    /// the largest sums are beyond the last discount.
    function test_priceIsEnough() public view {
        uint256[9] memory counts = [uint256(1), 2, 3, 17, 42, 127, 128, 129, 200];
        for (uint256 i; i < counts.length; ++i) {
            uint256[] memory ones = new uint256[](counts[i]);
            for (uint256 k; k < counts[i]; ++k) {
                ones[k] = 1;
            }
            uint256[] memory single = new uint256[](1);
            single[0] = counts[i];
            bytes memory sum = harness.multiply(_copies(Setup.G1_ONE, counts[i]), ones);
            vm.assertEq(sum, harness.multiply(Setup.G1_ONE, single), "sum of copies");
        }
    }

    /// @dev One gas less is too little: it is not more than the price.
    function test_priceIsExact() public view {
        for (uint256 count = 1; count <= 140; count += count < 16 ? 1 : 31) {
            uint256 price = harness.multiplicationGas(count);
            bytes memory input = _copies(bytes.concat(Setup.G1_ONE, bytes32(uint256(1))), count);
            (bool exact, bytes memory answer) = address(0x0c).staticcall{gas: price}(input);
            (bool short,) = address(0x0c).staticcall{gas: price - 1}(input);
            vm.assertTrue(exact && answer.length == 128, "exact price");
            vm.assertTrue(!short, "one gas less");
        }
    }

    function _assertMalformed(bytes memory point, string memory what) private view {
        uint256[] memory scalars = new uint256[](2);
        (scalars[0], scalars[1]) = (1, 1);
        uint256 before = gasleft();
        try harness.multiply(bytes.concat(Setup.G1_ONE, point), scalars) {
            vm.assertTrue(false, what);
        } catch (bytes memory reason) {
            vm.assertEq(reason, abi.encodePacked(IProofVerifier.MalformedPoint.selector), what);
        }
        vm.assertTrue(before - gasleft() < 200_000, "burns no more than the sum's price");
    }

    function test_refusesMalformedPoints() public view {
        _assertMalformed(withWord(INFINITY, 96, 2), "(0, 2) is on the curve and outside the subgroup");
        _assertMalformed(withWord(Setup.G1_ONE, 96, word(Setup.G1_ONE, 96) + 1), "off the curve");
        _assertMalformed(withWord(Setup.G1_ONE, 0, word(Setup.G1_ONE, 0) | 1 << 128), "x beyond 48 bytes");
        // x + p, still below 2^384, is another spelling of x.
        uint256 low;
        uint256 high = word(Setup.G1_ONE, 0) + 0x1a0111ea397fe69a4b1ba7b6434bacd7;
        unchecked {
            low = word(Setup.G1_ONE, 32) + 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
            if (low < word(Setup.G1_ONE, 32)) ++high;
        }
        _assertMalformed(withWord(withWord(Setup.G1_ONE, 0, high), 32, low), "x not below p");
    }

    function test_pairing() public {
        // e(P, [1]_2) = e(Q, [τ]_2) holds at infinity, and for no equal points of order r.
        vm.assertTrue(harness.pairingHolds(INFINITY, INFINITY), "infinity");
        vm.assertTrue(!harness.pairingHolds(Setup.G1_ONE, Setup.G1_ONE), "1 = tau");
        vm.assertTrue(!harness.pairingHolds(Setup.G1_ONE, INFINITY), "1 = 0");
        bytes memory outside = withWord(INFINITY, 96, 2);
        vm.expectRevert(IProofVerifier.MalformedPoint.selector);
        harness.pairingHolds(outside, INFINITY);
    }

    /// @dev A precompile that is missing, or answers too little or too much.
    function test_answersOfWrongLength() public {
        uint256[] memory one = new uint256[](1);
        one[0] = 1;
        bytes[3] memory sums = [bytes(""), slice(Setup.G1_ONE, 0, 127), bytes.concat(Setup.G1_ONE, hex"00")];
        bytes[3] memory products = [bytes(""), new bytes(31), abi.encode(uint256(1), uint256(0))];
        for (uint256 i; i < 3; ++i) {
            vm.mockCall(address(0x0c), "", sums[i]);
            vm.expectRevert(IProofVerifier.MalformedPoint.selector);
            harness.multiply(Setup.G1_ONE, one);
            vm.mockCall(address(0x0f), "", products[i]);
            vm.expectRevert(IProofVerifier.MalformedPoint.selector);
            harness.pairingHolds(INFINITY, INFINITY);
        }
    }

    /// @dev What a failed call leaves behind is no answer.
    function test_failuresThatLookLikeAnswers() public {
        uint256[] memory one = new uint256[](1);
        one[0] = 1;
        vm.mockCallRevert(address(0x0c), "", Setup.G1_ONE);
        vm.expectRevert(IProofVerifier.MalformedPoint.selector);
        harness.multiply(Setup.G1_ONE, one);
        vm.mockCallRevert(address(0x0f), "", abi.encode(uint256(1)));
        vm.expectRevert(IProofVerifier.MalformedPoint.selector);
        harness.pairingHolds(INFINITY, INFINITY);
    }
}
