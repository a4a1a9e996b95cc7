"""Encodings of points that no decoder may take: each leaves out one condition and keeps the others."""

from __future__ import annotations

from collections.abc import Callable

from py_arkworks_bls12381 import G1Point

from attest.curve import BASE_FIELD_MODULUS, compress, decode_point, decompress, encode_point
from attest.field import MODULUS


def coordinates(point: bytes) -> tuple[int, int]:
    return int.from_bytes(point[:64], "big"), int.from_bytes(point[64:], "big")


def spelled(x: int, y: int) -> bytes:
    return x.to_bytes(64, "big") + y.to_bytes(64, "big")


def beyond_modulus(point: bytes, coordinate: int) -> bytes:
    """x + p, or y + p."""
    x, y = coordinates(point)
    return spelled(x + BASE_FIELD_MODULUS * (coordinate == 0), y + BASE_FIELD_MODULUS * (coordinate == 1))


def padded(point: bytes, coordinate: int) -> bytes:
    """A 1 in the padding of a coordinate."""
    changed = bytearray(point)
    changed[64 * coordinate] = 1
    return bytes(changed)


def off_curve(point: bytes) -> bytes:
    """(4x, 8y), which has order r under the same formulas, on y² = x³ + 4·2^6."""
    x, y = coordinates(point)
    return spelled(4 * x % BASE_FIELD_MODULUS, 8 * y % BASE_FIELD_MODULUS)


def outside_subgroup(point: bytes) -> bytes:
    """The point plus one whose order divides the cofactor; pairings do not tell them apart."""
    p = BASE_FIELD_MODULUS
    x = next(x for x in range(1, 99) if pow(x**3 + 4, (p - 1) // 2, p) == 1)
    y = pow(x**3 + 4, (p + 1) // 4, p)
    multiple, whole = (
        G1Point.identity(),
        G1Point.from_xy_bytes_unchecked_be(x.to_bytes(48, "big") + y.to_bytes(48, "big")),
    )
    for bit in bin(MODULUS)[2:]:
        multiple = multiple + multiple
        if bit == "1":
            multiple = multiple + whole
    return encode_point(decode_point(point) + multiple)


Spelling = Callable[[bytes], bytes]
ILL_FORMED: dict[str, Spelling] = {
    "x not below the modulus": lambda point: beyond_modulus(point, 0),
    "y not below the modulus": lambda point: beyond_modulus(point, 1),
    "padding of x not zero": lambda point: padded(point, 0),
    "padding of y not zero": lambda point: padded(point, 1),
    "off the curve": off_curve,
    "outside the subgroup": outside_subgroup,
}


# In 48 bytes: three flags (compressed, infinity, the larger y) and x -------------------------------------------------


def short(x: int, flags: int) -> bytes:
    data = x.to_bytes(48, "big")
    return bytes([data[0] | flags]) + data[1:]


def short_outside_subgroup(data: bytes) -> bytes:
    """As `outside_subgroup`."""
    x, y = coordinates(outside_subgroup(encode_point(decompress(data))))
    return short(x, 0xA0 if 2 * y > BASE_FIELD_MODULUS else 0x80)


def short_off_curve(data: bytes) -> bytes:
    """The next x without a y."""
    p, x = BASE_FIELD_MODULUS, int.from_bytes(data, "big") % (1 << 381)
    return short(next(c for c in range(x, x + 99) if pow(c**3 + 4, (p - 1) // 2, p) == p - 1), 0x80)


ILL_FORMED_SHORT: dict[str, Spelling] = {
    "without the flag of compression": lambda data: bytes([data[0] & 0x7F]) + data[1:],
    "of infinity with a sign": lambda data: bytes([0xE0]) + bytes(47),
    "of infinity with a coordinate": lambda data: bytes([0xC0]) + data[1:],
    "with x not below the modulus": lambda data: short(BASE_FIELD_MODULUS + 4, data[0] & 0xA0),
    "with x off the curve": short_off_curve,
    "outside the subgroup": short_outside_subgroup,
    "with a byte too few": lambda data: data[:-1],
    "with a byte too many": lambda data: data + b"\x00",
    "uncompressed": lambda data: encode_point(decompress(data)),
}


def negated(data: bytes) -> bytes:
    """The other point with this x."""
    return compress(-decompress(data))
