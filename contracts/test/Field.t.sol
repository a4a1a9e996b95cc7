// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {F} from "../src/libraries/Field.sol";
import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {Test} from "./Test.sol";
import {VerifierHarness} from "./VerifierHarness.sol";

contract FieldTest is Test {
    uint256 private constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    VerifierHarness private harness = new VerifierHarness();

    function testFuzz_addAndSubAreInverse(uint256 a, uint256 b) public view {
        (a, b) = (toScalar(a), toScalar(b));
        uint256 sum = F.unwrap(harness.add(a, b));
        vm.assertEq(sum, a + b >= R ? a + b - R : a + b, "sum"); // r is below 2^255
        vm.assertEq(F.unwrap(harness.sub(sum, b)), a, "difference");
        vm.assertEq(F.unwrap(harness.add(a, F.unwrap(harness.neg(a)))), 0, "negation");
    }

    function testFuzz_mulIsMulmod(uint256 a, uint256 b) public view {
        (a, b) = (toScalar(a), toScalar(b));
        vm.assertEq(F.unwrap(harness.mul(a, b)), mulmod(a, b, R), "product");
    }

    function test_edges() public view {
        vm.assertEq(F.unwrap(harness.sub(0, 0)), 0, "0 - 0");
        vm.assertEq(F.unwrap(harness.neg(0)), 0, "-0");
        vm.assertEq(F.unwrap(harness.sub(0, 1)), R - 1, "0 - 1");
        vm.assertEq(F.unwrap(harness.add(R - 1, 1)), 0, "(r - 1) + 1");
    }

    function testFuzz_inverse(uint256 a) public view {
        a = bound(a, 1, R - 1);
        vm.assertEq(mulmod(a, F.unwrap(harness.inverse(a)), R), 1, "a / a");
    }

    function test_zeroHasNoInverse() public {
        vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
        harness.inverse(0);
    }

    /// @dev A precompile that is missing, answers too little or too much, or fails with what looks like an answer.
    function test_inverseWithoutAnswer() public {
        bytes[3] memory answers = [bytes(""), new bytes(31), abi.encode(uint256(1), uint256(1))];
        for (uint256 i; i < 3; ++i) {
            vm.mockCall(address(0x05), "", answers[i]);
            vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
            harness.inverse(1);
        }
        vm.mockCallRevert(address(0x05), "", abi.encode(uint256(1)));
        vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
        harness.inverse(1);
    }

    function testFuzz_horner(uint256 seed, uint256 x, uint256 first, uint256 count) public view {
        (x, first, count) = (toScalar(x), bound(first, 0, 3), bound(count, 0, 9));
        F[] memory array = new F[](first + count + 2);
        for (uint256 i; i < array.length; ++i) {
            array[i] = F.wrap(toScalar(uint256(keccak256(abi.encode(seed, i)))));
        }
        (uint256 expected, uint256 power) = (0, 1);
        for (uint256 k; k < count; ++k) {
            expected = addmod(expected, mulmod(power, F.unwrap(array[first + k]), R), R);
            power = mulmod(power, x, R);
        }
        vm.assertEq(F.unwrap(harness.horner(array, first, count, F.wrap(x))), expected, "value");
    }

    function testFuzz_squareTimes(uint256 a, uint256 k) public view {
        (a, k) = (toScalar(a), bound(k, 0, 12));
        uint256 expected = 1;
        for (uint256 i; i < 2 ** k; ++i) {
            expected = mulmod(expected, a, R);
        }
        vm.assertEq(F.unwrap(harness.squareTimes(a, k)), expected, "a^(2^k)");
    }

    function testFuzz_divideAll(uint256[] memory seeds) public view {
        uint256 length = seeds.length > 40 ? 40 : seeds.length;
        F[] memory numerators = new F[](length);
        F[] memory denominators = new F[](length);
        for (uint256 i; i < length; ++i) {
            numerators[i] = F.wrap(uint256(keccak256(abi.encode(seeds[i]))) % R);
            denominators[i] = F.wrap(bound(seeds[i], 1, R - 1));
        }
        F[] memory quotients = harness.divideAll(numerators, denominators);
        vm.assertEq(quotients.length, length, "length");
        for (uint256 i; i < length; ++i) {
            uint256 product = mulmod(F.unwrap(quotients[i]), F.unwrap(denominators[i]), R);
            vm.assertEq(product, F.unwrap(numerators[i]), "quotient times denominator");
        }
    }

    /// @dev MODEXP of 0 is 0: without a check it would silently turn every quotient into 0.
    function testFuzz_anyZeroDenominatorReverts(uint256 position) public {
        position = bound(position, 0, 9);
        F[] memory numerators = new F[](10);
        F[] memory denominators = new F[](10);
        for (uint256 i; i < 10; ++i) {
            numerators[i] = F.wrap(i);
            denominators[i] = F.wrap(i == position ? 0 : i + 1);
        }
        vm.expectRevert(IProofVerifier.ZeroDivisor.selector);
        harness.divideAll(numerators, denominators);
    }
}
