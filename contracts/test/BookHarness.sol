// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Book} from "../src/interfaces/IBookVerifier.sol";
import {BookTree} from "../src/libraries/BookTree.sol";
import {ChunkProof, ChunkProofs} from "../src/libraries/ChunkProofs.sol";
import {Curve} from "../src/libraries/Curve.sol";
import {F, ONE} from "../src/libraries/Field.sol";
import {PointEvaluation} from "../src/libraries/PointEvaluation.sol";

/// @title Internal steps of the verifier of books as external functions
contract BookHarness {
    function top(bytes32[] memory leaves) external pure returns (bytes32) {
        return BookTree.top(leaves);
    }

    function climb(Book calldata book, uint256 chunk, bytes32 node, bytes32[] calldata path)
        external
        pure
        returns (bytes32)
    {
        return BookTree.climb(book, chunk, node, path);
    }

    function compress(bytes memory point) external pure returns (bytes memory) {
        return PointEvaluation.compress(point);
    }

    function holds(bytes memory point, F z, F y, bytes memory opening) external view returns (bool) {
        return PointEvaluation.holds(point, z, y, opening);
    }

    /// @dev A proof of zeros with these challenges.
    function open(F zeta, F u) external view {
        ChunkProof memory proof;
        (proof.slot, proof.zeta, proof.u, proof.evaluations) = (4, zeta, u, new F[](15));
        ChunkProofs.State memory state;
        state.left = Curve.allocate(ChunkProofs.TERMS);
        state.right = Curve.allocate(1);
        ChunkProofs.open(proof, state, ONE);
    }
}
