// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Context, Holdings} from "../src/interfaces/IProofVerifier.sol";
import {Test} from "./Test.sol";

/// @notice Arguments of `ProofVerifier.verify` with the digest that it answers.
struct ProofCase {
    bytes32 digest;
    bytes key;
    Context context;
    Holdings[] holdings;
    bytes proof;
}

/// @title Proofs of the Python prover, written by tests/contracts/make_fixtures.py
abstract contract Fixtures is Test {
    function load(string memory name) internal view returns (ProofCase memory c) {
        string memory json = vm.readFile(string.concat("test/fixtures/", name, ".json"));
        c.digest = bytes32(vm.parseJsonBytes(json, ".digest"));
        c.key = vm.parseJsonBytes(json, ".key");
        c.context = abi.decode(vm.parseJsonBytes(json, ".context"), (Context));
        c.holdings = abi.decode(vm.parseJsonBytes(json, ".holdings"), (Holdings[]));
        c.proof = vm.parseJsonBytes(json, ".proof");
    }

    /// @dev The 32-byte word at `offset` of `data`.
    function word(bytes memory data, uint256 offset) internal pure returns (uint256 x) {
        require(offset + 32 <= data.length);
        assembly ("memory-safe") {
            x := mload(add(add(data, 0x20), offset))
        }
    }

    /// @dev A copy of `data` with another 32-byte word at `offset`.
    function withWord(bytes memory data, uint256 offset, uint256 x) internal pure returns (bytes memory copy) {
        copy = bytes.concat(data);
        require(offset + 32 <= copy.length);
        assembly ("memory-safe") {
            mstore(add(add(copy, 0x20), offset), x)
        }
    }

    /// @dev A copy of `data` with the 128 bytes of `point` at `offset`.
    function withPoint(bytes memory data, uint256 offset, bytes memory point)
        internal
        pure
        returns (bytes memory copy)
    {
        copy = bytes.concat(data);
        for (uint256 i; i < 128; i += 32) {
            copy = withWord(copy, offset + i, word(point, i));
        }
    }

    function slice(bytes memory data, uint256 offset, uint256 length) internal pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i; i < length; ++i) {
            part[i] = data[offset + i];
        }
    }
}
