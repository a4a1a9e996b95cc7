// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CodeStorage} from "../src/libraries/CodeStorage.sol";
import {Test} from "./Test.sol";

/// @notice The library, called from outside.
contract CodeStorageHarness {
    function write(bytes memory data) external returns (address) {
        return CodeStorage.write(data);
    }

    function read(address place) external view returns (bytes memory) {
        return CodeStorage.read(place);
    }
}

/// @title Data in the code of a contract
contract CodeStorageTest is Test {
    CodeStorageHarness private harness;

    function setUp() public {
        harness = new CodeStorageHarness();
    }

    function testFuzz_whatIsWrittenIsRead(bytes memory data) public {
        address place = harness.write(data);
        vm.assertEq(harness.read(place), data, "whole");
        vm.assertEq(place.code, bytes.concat(hex"00", data), "behind a STOP");
    }

    function test_lengths() public {
        uint256[6] memory lengths = [uint256(0), 1, 31, 32, 33, 24_575];
        for (uint256 i; i < lengths.length; ++i) {
            bytes memory data = new bytes(lengths[i]);
            if (lengths[i] != 0) data[lengths[i] - 1] = 0xff;
            vm.assertEq(harness.read(harness.write(data)), data, "whole");
        }
    }

    /// @dev Data that is code would run nothing.
    function test_nothingRuns() public {
        address place = harness.write(hex"60005ff3fe");
        (bool done, bytes memory answer) = place.call(hex"12345678");
        vm.assertTrue(done && answer.length == 0, "stopped at once");
    }

    function test_tooLong() public {
        vm.expectRevert(CodeStorage.WriteFailed.selector);
        harness.write(new bytes(24_576));
    }

    /// @dev Without gas for the code nothing is kept, and nobody is told that it was.
    function test_aFailedWrite() public {
        bytes memory data = new bytes(20_000);
        vm.expectRevert(CodeStorage.WriteFailed.selector);
        harness.write{gas: 3_000_000}(data);
    }
}
