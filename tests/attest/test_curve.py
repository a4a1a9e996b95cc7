"""Encodings of points and scalars: one accepted spelling each (protocol §6)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_arkworks_bls12381 import G1Point
from py_ecc.bls.point_compression import decompress_G1
from py_ecc.optimized_bls12_381 import G1, add, normalize
from py_ecc.optimized_bls12_381 import multiply as reference_multiply

from attest.curve import (
    BASE_FIELD_MODULUS,
    INFINITY,
    compress,
    decode_point,
    decode_scalar,
    decompress,
    encode_point,
    msm,
    multiply,
)
from attest.errors import EncodingError
from attest.field import MODULUS
from attest.srs import Setup

scalars = st.integers(0, MODULUS - 1)
GENERATOR = G1Point()


def word(value: int) -> bytes:
    return value.to_bytes(64, "big")


def curve_point_outside_the_subgroup() -> tuple[int, int]:
    """A point of y² = x³ + 4 whose order does not divide r: x small, y by a square root mod p ≡ 3 (mod 4)."""
    p = BASE_FIELD_MODULUS
    for x in range(1, 100):
        y = pow(x**3 + 4, (p + 1) // 4, p)
        if y * y % p == (x**3 + 4) % p:
            point = G1Point.from_xy_bytes_unchecked_be(x.to_bytes(48, "big") + y.to_bytes(48, "big"))
            if not point.is_in_subgroup():
                return x, y
    raise RuntimeError("no such point")


@settings(max_examples=20, deadline=None)
@given(scalars)
def test_points_survive_both_encodings(k: int) -> None:
    point = multiply(GENERATOR, k)
    assert decode_point(encode_point(point)) == point
    assert decompress(compress(point)) == point
    assert len(encode_point(point)) == 128


@settings(max_examples=5, deadline=None)
@given(st.integers(1, MODULUS - 1))
def test_both_encodings_agree_with_py_ecc(k: int) -> None:
    x, y = (int(c) for c in normalize(reference_multiply(G1, k)))
    point = multiply(GENERATOR, k)
    assert encode_point(point) == word(x) + word(y)
    decoded = decompress_G1(int.from_bytes(compress(point), "big"))
    assert tuple(int(c) for c in normalize(decoded)) == (x, y)


def test_infinity_has_one_spelling_each() -> None:
    assert encode_point(INFINITY) == bytes(128)
    assert compress(INFINITY) == b"\xc0" + bytes(47)
    assert decode_point(bytes(128)) == INFINITY
    assert decompress(b"\xc0" + bytes(47)) == INFINITY


@pytest.mark.parametrize(
    "data",
    [
        b"\xc0" + bytes(46) + b"\x01",
        b"\xe0" + bytes(47),
        b"\x40" + bytes(47),
        bytes(48),
        b"\x80" + bytes(47),
        b"\x9f" + b"\xff" * 47,
        (BASE_FIELD_MODULUS | 1 << 383).to_bytes(48, "big"),
        bytes([compress(GENERATOR)[0] & 0x7F]) + compress(GENERATOR)[1:],
        bytes([compress(GENERATOR)[0] | 0x40]) + compress(GENERATOR)[1:],
    ],
)
def test_malformed_compressed_points_are_refused(data: bytes) -> None:
    with pytest.raises(EncodingError):
        decompress(data)


@pytest.mark.parametrize("size", [0, 47, 49, 96])
def test_compressed_points_of_another_length_are_refused(size: int) -> None:
    """By a message that says so: the library would refuse most of them too."""
    with pytest.raises(EncodingError, match="48 bytes"):
        decompress(compress(GENERATOR).ljust(96, b"\x00")[:size])


def test_the_sign_bit_negates() -> None:
    data = compress(GENERATOR)
    assert decompress(bytes([data[0] ^ 0x20]) + data[1:]) == -GENERATOR


@pytest.mark.parametrize("position", [0, 15, 64, 79])
def test_padding_must_be_zero(position: int) -> None:
    for point in (GENERATOR, INFINITY):
        data = bytearray(encode_point(point))
        data[position] ^= 1
        with pytest.raises(EncodingError, match="padding"):
            decode_point(bytes(data))


def test_uncompressed_points_are_canonical_on_the_curve_and_in_the_subgroup() -> None:
    x, y = (int.from_bytes(encode_point(GENERATOR)[i : i + 64], "big") for i in (0, 64))
    decode_point(word(x) + word(y))
    p = BASE_FIELD_MODULUS
    for bad in [(x + p, y), (x, y + p), (x, y + 1), (x + 1, y), (y, x), (0, 1), (p, p), (0, p), (p, 0), (x, 0)]:
        with pytest.raises(EncodingError):
            decode_point(word(bad[0]) + word(bad[1]))
    with pytest.raises(EncodingError):
        decode_point(b"".join(word(c) for c in curve_point_outside_the_subgroup()))


@pytest.mark.parametrize("size", [0, 1, 127, 129, 48, 96])
def test_points_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(EncodingError, match="128 bytes"):
        decode_point(encode_point(GENERATOR).ljust(129, b"\x00")[:size])


def test_scalars_are_below_r() -> None:
    assert decode_scalar((MODULUS - 1).to_bytes(32, "big")) == MODULUS - 1
    for data in (MODULUS.to_bytes(32, "big"), b"\xff" * 32, bytes(31), bytes(33), b""):
        with pytest.raises(EncodingError):
            decode_scalar(data)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.one_of(scalars, st.integers(0, 3), st.integers(2**31, 2**33), st.integers(-5, 0)), max_size=6))
def test_msm_of_mixed_sizes_is_the_sum_of_products(weights: list[int]) -> None:
    points = [multiply(GENERATOR, 7 + i) for i in range(len(weights))]
    expected = sum(w * (7 + i) for i, w in enumerate(weights)) % MODULUS
    assert msm(points, weights) == multiply(GENERATOR, expected)


def test_msm_refuses_unequal_lengths(setup: Setup) -> None:
    with pytest.raises(ValueError, match="2 points for 1 scalars"):
        msm(setup.monomial[:2], [1])


def test_addition_agrees_with_py_ecc() -> None:
    x, y = (int(c) for c in normalize(add(reference_multiply(G1, 5), reference_multiply(G1, 11))))
    assert encode_point(multiply(GENERATOR, 5) + multiply(GENERATOR, 11)) == word(x) + word(y)
