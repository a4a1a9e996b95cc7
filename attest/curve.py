"""Points of BLS12-381 G1, parsed once, and multi-scalar multiplication (EIP-2537, protocol §6).

A `G1Point` that leaves this module's decoders is canonical, on the curve and in the subgroup. The wheel's own
decoder accepts stray bits in an encoded infinity, so every decoding is compared with its re-encoding.
"""

from __future__ import annotations

from collections.abc import Sequence

from py_arkworks_bls12381 import G1Point, Scalar

from attest.errors import EncodingError
from attest.field import MODULUS

BASE_FIELD_MODULUS = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
COMPRESSED_SIZE = 48
POINT_SIZE = 128
SCALAR_SIZE = 32
SMALL_SCALAR_BITS = 32
INFINITY = G1Point.identity()


def decompress(data: bytes) -> G1Point:
    """A point from its 48-byte compressed form.

    Raises: EncodingError: wrong length, non-canonical, off the curve or outside the subgroup.
    """
    if len(data) != COMPRESSED_SIZE:
        raise EncodingError(f"a compressed point has {COMPRESSED_SIZE} bytes, not {len(data)}")
    try:
        point = G1Point.from_compressed_bytes(data)
    except ValueError as error:
        raise EncodingError("not the encoding of a point of G1") from error
    if point.to_compressed_bytes() != data:
        raise EncodingError("a non-canonical encoding of a point")
    return point


def compress(point: G1Point) -> bytes:
    """48 bytes; infinity is 0xc0 and 47 zeros."""
    return bytes(point.to_compressed_bytes())


def encode_point(point: G1Point) -> bytes:
    """The 128-byte encoding of EIP-2537: x and y, each padded to 64 bytes; infinity is 128 zero bytes."""
    xy = bytes(point.to_xy_bytes_be())
    return bytes(16) + xy[:48] + bytes(16) + xy[48:]


def decode_point(data: bytes) -> G1Point:
    """A point from its 128-byte encoding.

    Raises: EncodingError: as `decompress`, and for padding that is not zero.
    """
    if len(data) != POINT_SIZE:
        raise EncodingError(f"a point has {POINT_SIZE} bytes, not {len(data)}")
    if any(data[:16]) or any(data[64:80]):
        raise EncodingError("the padding of a coordinate is not zero")
    if not any(data):
        return INFINITY
    xy = data[16:64] + data[80:]
    if any(int.from_bytes(part, "big") >= BASE_FIELD_MODULUS for part in (xy[:48], xy[48:])):
        raise EncodingError("a coordinate is not below the field's modulus")
    try:
        return G1Point.from_xy_bytes_be(xy)
    except ValueError as error:
        raise EncodingError("not a point of G1") from error


def decode_scalar(data: bytes) -> int:
    """A scalar from 32 big-endian bytes.

    Raises: EncodingError: wrong length or not below r.
    """
    if len(data) != SCALAR_SIZE:
        raise EncodingError(f"a scalar has {SCALAR_SIZE} bytes, not {len(data)}")
    value = int.from_bytes(data, "big")
    if value >= MODULUS:
        raise EncodingError("a scalar is not below r")
    return value


def scalar(value: int) -> Scalar:
    """The wheel's scalar type; reduces mod r. Twenty times faster than its integer constructor."""
    return Scalar.from_le_bytes((value % MODULUS).to_bytes(SCALAR_SIZE, "little"))


def multiply(point: G1Point, value: int) -> G1Point:
    return point * scalar(value)


def msm(points: Sequence[G1Point], scalars: Sequence[int]) -> G1Point:
    """Σ scalars[i]·points[i], with small scalars apart, where a multiplication is ten times cheaper.

    The wheel releases the GIL meanwhile.

    Args:
        points, scalars: of equal length; scalars are reduced mod r.
    Raises: ValueError: unequal lengths (the wheel itself would silently answer infinity).
    """
    if len(points) != len(scalars):
        raise ValueError(f"{len(points)} points for {len(scalars)} scalars")
    small_points, small, large_points, large = [], [], [], []
    for point, value in zip(points, scalars, strict=True):
        if not value:
            continue
        if value >> SMALL_SCALAR_BITS > 0 or value < 0:
            large_points.append(point)
            large.append(scalar(value))
        else:
            small_points.append(point)
            small.append(scalar(value))
    total = INFINITY
    if small:
        total = total + G1Point.multiexp_unchecked(small_points, small)
    if large:
        total = total + G1Point.multiexp_unchecked(large_points, large)
    return total
