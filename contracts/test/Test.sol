// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice An event as forge records it.
struct Log {
    bytes32[] topics;
    bytes data;
    address emitter;
}

/// @notice The cheatcodes of forge that these tests use.
interface Vm {
    function addr(uint256 key) external pure returns (address);
    function assertEq(bool left, bool right, string calldata what) external pure;
    function assertEq(uint256 left, uint256 right, string calldata what) external pure;
    function assertEq(address left, address right, string calldata what) external pure;
    function assertEq(bytes32 left, bytes32 right, string calldata what) external pure;
    function assertEq(bytes calldata left, bytes calldata right, string calldata what) external pure;
    function assertTrue(bool holds, string calldata what) external pure;
    function chainId(uint256 id) external;
    function clearMockedCalls() external;
    function deal(address account, uint256 balance) external;
    function etch(address target, bytes calldata code) external;
    function expectEmit(address emitter) external;
    function expectCall(address callee, bytes calldata data) external;
    function expectPartialRevert(bytes4 selector) external;
    function expectRevert() external;
    function expectRevert(bytes4 selector) external;
    function expectRevert(bytes calldata data) external;
    function getRecordedLogs() external returns (Log[] memory logs);
    function mockCall(address target, bytes calldata data, bytes calldata answer) external;
    function mockCallRevert(address target, bytes calldata data, bytes calldata reason) external;
    function parseJsonBytes(string calldata json, string calldata path) external pure returns (bytes memory);
    function parseJsonUint(string calldata json, string calldata path) external pure returns (uint256);
    function prank(address caller) external;
    function prank(address sender, address origin) external;
    function readFile(string calldata path) external view returns (string memory);
    function recordLogs() external;
    function roll(uint256 number) external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256 gas);
    function toString(uint256 value) external pure returns (string memory);
    function warp(uint256 timestamp) external;
}

/// @title Base of the tests: the cheatcodes' address and bounded random input
abstract contract Test {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    /// @dev A number in [low, high] from fuzzed input.
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + x % (high - low + 1);
    }

    /// @dev A number that has 64 bits.
    function to64(uint256 x) internal pure returns (uint64) {
        require(x <= type(uint64).max);
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(x);
    }

    /// @dev A scalar below r from fuzzed input.
    function toScalar(uint256 x) internal pure returns (uint256) {
        return x % 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    }
}
