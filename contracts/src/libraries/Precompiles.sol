// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {F, R} from "./Field.sol";
import {PointEvaluation} from "./PointEvaluation.sol";
import {Setup} from "./Setup.sol";

/// @title Self-test of the precompiles, run once when the verifier is deployed
/// @notice A call to a missing precompile succeeds with empty output, and one that skipped the subgroup check would let
/// false openings through; better not to exist on such a chain.
library Precompiles {
    address private constant POINT_EVALUATION = address(0x0a);
    address private constant MODEXP = address(0x05);
    address private constant G1ADD = address(0x0b);
    address private constant G1MSM = address(0x0c);
    address private constant PAIRING = address(0x0f);

    uint256 private constant ADDITION_GAS = 375;
    uint256 private constant MULTIPLICATION_GAS = 12_000;
    uint256 private constant PAIRING_GAS = 37_700 + 2 * 32_600;

    function selfTest() internal view {
        if (!_inverts()) revert IProofVerifier.PrecompileMissing(MODEXP);
        if (!_multiplies()) revert IProofVerifier.PrecompileMissing(G1MSM);
        if (!_pairs()) revert IProofVerifier.PrecompileMissing(PAIRING);
    }

    /// @notice For contracts that add points.
    function selfTestAddition() internal view {
        if (!_adds()) revert IProofVerifier.PrecompileMissing(G1ADD);
    }

    /// @notice For contracts that open single points.
    function selfTestPointEvaluation() internal view {
        if (!_evaluates()) revert IProofVerifier.PrecompileMissing(POINT_EVALUATION);
    }

    /// @dev 2^(r−2) is the inverse of 2.
    function _inverts() private view returns (bool) {
        (bool done, bytes memory half) =
            MODEXP.staticcall(abi.encodePacked(uint256(32), uint256(32), uint256(32), uint256(2), R - 2, R));
        return done && half.length == 32 && mulmod(abi.decode(half, (uint256)), 2, R) == 1;
    }

    /// @dev 1·[1]_1 = [1]_1, and (0, 2), a point of order 3 of the curve, is refused.
    function _multiplies() private view returns (bool) {
        (bool done, bytes memory point) =
            G1MSM.staticcall{gas: MULTIPLICATION_GAS}(bytes.concat(Setup.G1_ONE, bytes32(uint256(1))));
        (bool outside,) = G1MSM.staticcall{gas: MULTIPLICATION_GAS}(
            abi.encodePacked(uint256(0), uint256(0), uint256(0), uint256(2), uint256(1))
        );
        return done && keccak256(point) == keccak256(Setup.G1_ONE) && !outside;
    }

    /// @dev [1]_1 + [1]_1 = 2·[1]_1.
    function _adds() private view returns (bool) {
        (bool done, bytes memory point) = G1ADD.staticcall{gas: ADDITION_GAS}(bytes.concat(Setup.G1_ONE, Setup.G1_ONE));
        (bool doneToo, bytes memory expected) =
            G1MSM.staticcall{gas: MULTIPLICATION_GAS}(bytes.concat(Setup.G1_ONE, bytes32(uint256(2))));
        return done && doneToo && keccak256(point) == keccak256(expected);
    }

    /// @dev The product is 1 for two points at infinity, and not for e([1]_1, [1]_2)·e([1]_1, −[τ]_2).
    function _pairs() private view returns (bool) {
        bytes memory infinity = new bytes(128);
        (bool done, bytes memory one) = _product(infinity);
        (bool doneToo, bytes memory other) = _product(Setup.G1_ONE);
        return done && doneToo && keccak256(one) == keccak256(abi.encode(uint256(1)))
            && keccak256(other) == keccak256(abi.encode(uint256(0)));
    }

    function _product(bytes memory point) private view returns (bool, bytes memory) {
        return PAIRING.staticcall{gas: PAIRING_GAS}(bytes.concat(point, Setup.G2_ONE, point, Setup.G2_MINUS_TAU));
    }

    /// @dev The constant polynomial 1, committed by [1]_1 and opened by the point at infinity, is 1 at 2, and is not 2.
    function _evaluates() private view returns (bool) {
        return _isConstantOne(1) && !_isConstantOne(2);
    }

    function _isConstantOne(uint256 y) private view returns (bool) {
        return PointEvaluation.holds(Setup.G1_ONE, F.wrap(2), F.wrap(y), PointEvaluation.compress(new bytes(128)));
    }
}
