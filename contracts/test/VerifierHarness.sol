// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Context, Holdings} from "../src/interfaces/IProofVerifier.sol";
import {Constraints} from "../src/libraries/Constraints.sol";
import {Curve} from "../src/libraries/Curve.sol";
import {F, Field} from "../src/libraries/Field.sol";
import {Challenges, FiatShamir, Proof} from "../src/libraries/FiatShamir.sol";
import {Opening} from "../src/libraries/Opening.sol";
import {Setup} from "../src/libraries/Setup.sol";
import {StatementKey, StatementKeys} from "../src/libraries/StatementKeys.sol";
import {Transcript} from "../src/libraries/Transcript.sol";
import {PublicValues, Values} from "../src/libraries/Values.sol";

/// @title The verifier's internal steps as external functions, for tests in Solidity and Python
contract VerifierHarness {
    using Transcript for Transcript.State;
    using Curve for Curve.Sum;

    function add(uint256 a, uint256 b) external pure returns (F) {
        return F.wrap(a) + F.wrap(b);
    }

    function sub(uint256 a, uint256 b) external pure returns (F) {
        return F.wrap(a) - F.wrap(b);
    }

    function mul(uint256 a, uint256 b) external pure returns (F) {
        return F.wrap(a) * F.wrap(b);
    }

    function neg(uint256 a) external pure returns (F) {
        return F.wrap(a).neg();
    }

    function inverse(uint256 a) external view returns (F) {
        return Field.inverse(F.wrap(a));
    }

    function squareTimes(uint256 a, uint256 k) external pure returns (F) {
        return Field.squareTimes(F.wrap(a), k);
    }

    function divideAll(F[] memory numerators, F[] memory denominators) external view returns (F[] memory) {
        Field.divideAll(numerators, denominators);
        return denominators;
    }

    function horner(F[] memory array, uint256 first, uint256 count, F x) external pure returns (F) {
        return Field.horner(array, first, count, x);
    }

    function root(uint256 exponent) external pure returns (F) {
        return Values.root(exponent);
    }

    /// @dev Absorbs words, then points (128 bytes each), then draws challenges.
    function transcript(bytes32[] calldata words, bytes calldata points, uint256 challenges)
        external
        pure
        returns (F[] memory drawn)
    {
        Transcript.State memory state = Transcript.start(Transcript.POLICY_TAG);
        for (uint256 i; i < words.length; ++i) {
            state.absorb(words[i]);
        }
        uint256 offset;
        assembly ("memory-safe") {
            offset := points.offset
        }
        for (uint256 i; i < points.length / 128; ++i) {
            state.absorbPoint(offset + 128 * i);
        }
        drawn = new F[](challenges);
        for (uint256 i; i < challenges; ++i) {
            drawn[i] = state.challenge();
        }
    }

    function values(bytes calldata key, Holdings[] calldata holdings, uint256 alpha, uint256 zeta)
        external
        view
        returns (PublicValues memory)
    {
        return Values.compute(StatementKeys.decode(key), holdings, F.wrap(alpha), F.wrap(zeta));
    }

    function replay(bytes calldata key, Context calldata context, Holdings[] calldata holdings, bytes calldata proof)
        external
        view
        returns (Challenges memory drawn)
    {
        (, drawn) = FiatShamir.replay(StatementKeys.decode(key), keccak256(key), context, holdings, proof);
    }

    /// @dev The last state of a proof's transcript.
    function binding(bytes calldata key, Context calldata context, Holdings[] calldata holdings, bytes calldata proof)
        external
        view
        returns (bytes32)
    {
        (Proof memory parsed,) = FiatShamir.replay(StatementKeys.decode(key), keccak256(key), context, holdings, proof);
        return parsed.binding;
    }

    function weights(bytes32[] calldata bindings) external pure returns (F[] memory) {
        return Opening.weights(bindings);
    }

    function constraints(
        bytes calldata key,
        Context calldata context,
        Holdings[] calldata holdings,
        bytes calldata proof
    ) external view returns (F) {
        StatementKey calldata statement = StatementKeys.decode(key);
        (Proof memory parsed, Challenges memory drawn) =
            FiatShamir.replay(statement, keccak256(key), context, holdings, proof);
        return Constraints.sum(parsed, drawn, Values.compute(statement, holdings, drawn.alpha, drawn.zeta));
    }

    function clear(uint256 packing, Challenges memory drawn) external pure returns (F[] memory cleared, F product) {
        return Opening.clear(packing, drawn);
    }

    function decode(bytes calldata key) external pure returns (StatementKey memory) {
        return StatementKeys.decode(key);
    }

    function multiply(bytes memory points, uint256[] memory scalars) external view returns (bytes memory) {
        Curve.Sum memory sum = Curve.allocate(scalars.length);
        for (uint256 i; i < scalars.length; ++i) {
            bytes memory point = new bytes(128);
            for (uint256 k; k < 128; ++k) {
                point[k] = points[128 * i + k];
            }
            sum.add(point, F.wrap(scalars[i]));
        }
        return sum.evaluate();
    }

    /// @dev `count` points, one after the other, in a sum with room for `capacity`.
    function addEach(uint256 count, uint256 capacity) external pure {
        Curve.Sum memory sum = Curve.allocate(capacity);
        for (uint256 i; i < count; ++i) {
            sum.add(Setup.G1_ONE, F.wrap(1));
        }
    }

    /// @dev weight · Σ scalars[k] · (point number k), of `count` points, in a sum with room for `capacity`.
    function multiplyAll(bytes calldata points, F[] memory scalars, uint256 count, F weight, uint256 capacity)
        external
        view
        returns (bytes memory)
    {
        uint256 offset;
        assembly ("memory-safe") {
            offset := points.offset
        }
        Curve.Sum memory sum = Curve.allocate(capacity);
        sum.add(offset, scalars, count, weight);
        return sum.evaluate();
    }

    /// @dev factor · Σ power · step^k · (point number k), of `count` points, in a sum with room for `capacity`; and power ·
    /// step^count.
    function multiplyPowers(bytes calldata points, uint256 count, F factor, F power, F step, uint256 capacity)
        external
        view
        returns (bytes memory, F)
    {
        uint256 offset;
        assembly ("memory-safe") {
            offset := points.offset
        }
        Curve.Sum memory sum = Curve.allocate(capacity);
        power = sum.addPowers(offset, count, factor, power, step);
        return (sum.evaluate(), power);
    }

    function plus(bytes memory a, bytes memory b) external view returns (bytes memory) {
        return Curve.plus(a, b);
    }

    function multiplicationGas(uint256 count) external pure returns (uint256) {
        return Curve.multiplicationGas(count);
    }

    function pairingHolds(bytes memory left, bytes memory right) external view returns (bool) {
        return Curve.pairingHolds(left, right);
    }
}
