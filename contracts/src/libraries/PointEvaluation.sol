// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {F, R} from "./Field.sol";
import {Setup} from "./Setup.sol";

/// @title A single opening, by the point-evaluation precompile (EIP-4844)
/// @notice The precompile's setup is the ceremony's, as ours is, so it opens any of our commitments. It takes them compressed:
/// whoever calls has made sure that the point is on the curve, since only its x and the sign of its y go in.
library PointEvaluation {
    uint256 internal constant PRECOMPILE = 0x0a;
    uint256 internal constant PRICE = 50_000;

    /// @dev (p − 1)/2 in two words, p the modulus of the curve's base field; the larger of y and −y has the sign bit.
    uint256 private constant HALF_HIGH = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LOW = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;

    /// @dev Flags of the compressed form, in its first byte (ZCash serialization, as EIP-4844 uses it).
    uint256 private constant COMPRESSED = 0x80 << 120;
    uint256 private constant INFINITY = 0x40 << 120;
    uint256 private constant LARGER = 0x20 << 120;

    /// @dev First byte of the versioned hash of a commitment.
    bytes32 private constant VERSION = bytes32(uint256(1) << 248);

    /// @notice Whether the polynomial behind the commitment has value y at z.
    /// @param point the commitment, a point of the curve in 128 bytes
    /// @param opening 48 bytes
    function holds(bytes memory point, F z, F y, bytes memory opening) internal view returns (bool) {
        bytes memory commitment = compress(point);
        bytes32 versionedHash = (sha256(commitment) << 8 >> 8) | VERSION;
        bytes memory input = abi.encodePacked(versionedHash, z, y, commitment, opening);
        bool done;
        (uint256 size, uint256 modulus) = (0, 0);
        assembly ("memory-safe") {
            // (done, size ‖ modulus) = PRECOMPILE.staticcall{gas: PRICE}(input)
            done := staticcall(PRICE, PRECOMPILE, add(input, 0x20), mload(input), 0x00, 0x40)
            done := and(done, eq(returndatasize(), 0x40))
            size := mload(0x00)
            modulus := mload(0x20)
        }
        return done && size == Setup.N && modulus == R;
    }

    /// @notice The 48 bytes of a point of the curve that is given in 128.
    function compress(bytes memory point) internal pure returns (bytes memory) {
        (uint256 xHigh, uint256 xLow, uint256 yHigh, uint256 yLow) =
            abi.decode(point, (uint256, uint256, uint256, uint256));
        uint256 flags = COMPRESSED;
        if (xHigh | xLow | yHigh | yLow == 0) flags |= INFINITY;
        if (yHigh > HALF_HIGH || (yHigh == HALF_HIGH && yLow > HALF_LOW)) flags |= LARGER;
        return abi.encodePacked(bytes16(bytes32((flags | xHigh) << 128)), xLow);
    }
}
