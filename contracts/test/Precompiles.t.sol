// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";
import {BookVerifier} from "../src/BookVerifier.sol";
import {R} from "../src/libraries/Field.sol";
import {Setup} from "../src/libraries/Setup.sol";
import {ProofVerifier} from "../src/ProofVerifier.sol";
import {Test} from "./Test.sol";

/// @title Chains on which the verifier refuses to exist
contract PrecompilesTest is Test {
    address private constant POINT_EVALUATION = address(0x0a);
    address private constant MODEXP = address(0x05);
    address private constant G1ADD = address(0x0b);
    address private constant G1MSM = address(0x0c);
    address private constant PAIRING = address(0x0f);

    function _assertRefused(address precompile) private {
        bytes memory reason = abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, precompile);
        vm.expectRevert(reason);
        new ProofVerifier();
        vm.expectRevert(reason);
        new BookVerifier();
    }

    function test_existsHere() public {
        vm.assertTrue(address(new ProofVerifier()).code.length != 0, "code");
    }

    /// @dev A call to an address without code succeeds with empty output.
    function test_noModexp() public {
        vm.mockCall(MODEXP, "", "");
        _assertRefused(MODEXP);
    }

    function test_wrongModexp() public {
        vm.mockCall(MODEXP, "", abi.encode(uint256(1)));
        _assertRefused(MODEXP);
    }

    function test_noMultiplication() public {
        vm.mockCall(G1MSM, "", "");
        _assertRefused(G1MSM);
    }

    /// @dev It answers the one sum right and everything else too: no check of the subgroup.
    function test_multiplicationWithoutSubgroupCheck() public {
        vm.mockCall(G1MSM, "", Setup.G1_ONE);
        _assertRefused(G1MSM);
    }

    /// @dev It refuses points outside the subgroup, and gets sums wrong.
    function test_wrongMultiplication() public {
        vm.mockCall(G1MSM, bytes.concat(Setup.G1_ONE, bytes32(uint256(1))), new bytes(128));
        _assertRefused(G1MSM);
    }

    /// @dev Only the verifier of policy proofs adds points.
    function test_noAddition() public {
        vm.mockCall(G1ADD, "", "");
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, G1ADD));
        new ProofVerifier();
    }

    function test_wrongAddition() public {
        vm.mockCall(G1ADD, "", Setup.G1_ONE);
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, G1ADD));
        new ProofVerifier();
    }

    function test_noPairing() public {
        vm.mockCall(PAIRING, "", "");
        _assertRefused(PAIRING);
    }

    function test_pairingThatAcceptsAll() public {
        vm.mockCall(PAIRING, "", abi.encode(uint256(1)));
        _assertRefused(PAIRING);
    }

    function test_pairingThatAcceptsNothing() public {
        vm.mockCall(PAIRING, "", abi.encode(uint256(0)));
        _assertRefused(PAIRING);
    }

    function test_failingPrecompiles() public {
        vm.mockCallRevert(PAIRING, "", "");
        _assertRefused(PAIRING);
        vm.mockCallRevert(G1MSM, "", "");
        _assertRefused(G1MSM);
        vm.mockCallRevert(MODEXP, "", "");
        _assertRefused(MODEXP);
    }

    /// @dev What a failed call leaves behind is no answer, even where it is the right one.
    function test_failuresThatLookLikeAnswers() public {
        bytes memory infinity = new bytes(128);
        _mockPairingRevert(infinity, 1);
        _assertRefused(PAIRING);
        vm.clearMockedCalls();
        _mockPairingRevert(Setup.G1_ONE, 0);
        _assertRefused(PAIRING);
        vm.mockCallRevert(G1MSM, bytes.concat(Setup.G1_ONE, bytes32(uint256(1))), Setup.G1_ONE);
        _assertRefused(G1MSM);
        vm.mockCallRevert(MODEXP, "", abi.encode((R + 1) / 2));
        _assertRefused(MODEXP);
    }

    function test_failedAdditionsThatLookLikeAnswers() public {
        bytes memory one = bytes.concat(Setup.G1_ONE, Setup.G1_ONE);
        bytes memory two = bytes.concat(Setup.G1_ONE, bytes32(uint256(2)));
        (bool done, bytes memory doubled) = G1ADD.staticcall(one);
        vm.assertTrue(done, "doubled");
        bytes memory missing = abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, G1ADD);
        vm.mockCallRevert(G1MSM, two, doubled);
        vm.expectRevert(missing);
        new ProofVerifier();
        vm.mockCallRevert(G1ADD, one, doubled);
        vm.expectRevert(missing);
        new ProofVerifier();
        vm.clearMockedCalls();
        vm.mockCallRevert(G1ADD, one, doubled);
        vm.expectRevert(missing);
        new ProofVerifier();
        vm.clearMockedCalls();
        new ProofVerifier();
    }

    function _mockPairingRevert(bytes memory point, uint256 answer) private {
        vm.mockCallRevert(PAIRING, bytes.concat(point, Setup.G2_ONE, point, Setup.G2_MINUS_TAU), abi.encode(answer));
    }

    function _assertNoBooks() private {
        vm.expectRevert(abi.encodeWithSelector(IProofVerifier.PrecompileMissing.selector, POINT_EVALUATION));
        new BookVerifier();
    }

    /// @dev Only the verifier of books opens single points.
    function test_noPointEvaluation() public {
        vm.assertTrue(address(new BookVerifier()).code.length != 0, "code");
        vm.mockCall(POINT_EVALUATION, "", "");
        _assertNoBooks();
        vm.mockCallRevert(POINT_EVALUATION, "", "");
        _assertNoBooks();
        vm.assertTrue(address(new ProofVerifier()).code.length != 0, "code");
    }

    function test_pointEvaluationThatAcceptsAll() public {
        vm.mockCall(POINT_EVALUATION, "", abi.encode(uint256(4096), R));
        _assertNoBooks();
    }
}
