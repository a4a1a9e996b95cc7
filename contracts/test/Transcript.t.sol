// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {F} from "../src/libraries/Field.sol";
import {Test} from "./Test.sol";
import {VerifierHarness} from "./VerifierHarness.sol";

contract TranscriptTest is Test {
    VerifierHarness private harness = new VerifierHarness();

    /// @dev The transcript in its own words: one keccak256 of state and item each.
    function testFuzz_isTheChainOfHashes(bytes32[] calldata words, bytes32[4][] calldata points, uint256 count)
        public
        view
    {
        count = bound(count, 1, 4);
        bytes32 state = keccak256("attest/v1/policy");
        for (uint256 i; i < words.length; ++i) {
            state = keccak256(abi.encodePacked(state, words[i]));
        }
        bytes memory joined;
        for (uint256 i; i < points.length; ++i) {
            bytes memory point = abi.encodePacked(points[i][0], points[i][1], points[i][2], points[i][3]);
            state = keccak256(bytes.concat(state, point));
            joined = bytes.concat(joined, point);
        }
        F[] memory drawn = harness.transcript(words, joined, count);
        for (uint256 i; i < count; ++i) {
            state = keccak256(abi.encodePacked(state, uint8(1)));
            vm.assertEq(F.unwrap(drawn[i]), toScalar(uint256(state)), "challenge");
        }
    }
}
