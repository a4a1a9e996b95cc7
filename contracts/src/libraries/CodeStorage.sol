// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Data in the code of a contract
/// @notice Written once and read whole: a read costs one cold account and three gas a word, instead of a cold slot a word.
/// @dev The code starts with STOP, so that a call runs nothing.
library CodeStorage {
    error WriteFailed();

    /// @notice Keeps the data; up to 24 575 bytes (EIP-170).
    function write(bytes memory data) internal returns (address place) {
        if (data.length > 24_575) revert WriteFailed();
        // PUSH2 size DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN: the code behind these 10 bytes is what stays
        bytes memory creation = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a5f395ff3", hex"00", data);
        assembly ("memory-safe") {
            // place = address(new(creation))
            place := create(0, add(creation, 0x20), mload(creation))
        }
        if (place == address(0)) revert WriteFailed();
    }

    /// @notice What was written there.
    function read(address place) internal view returns (bytes memory data) {
        uint256 size = place.code.length - 1;
        data = new bytes(size);
        assembly ("memory-safe") {
            // data = place.code[1:]
            extcodecopy(place, add(data, 0x20), 1, size)
        }
    }
}
