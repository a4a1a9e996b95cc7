"""Every constant of the Solidity setup, recomputed from the ceremony and the field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from attest.curve import BASE_FIELD_MODULUS, encode_point
from attest.field import inverse, root_of_unity
from attest.srs import SRS_SHA256, load_setup

SOURCE = (Path(__file__).parents[2] / "contracts/src/libraries/Setup.sol").read_text()


def words(name: str) -> bytes:
    """The bytes of a `hex"…"` constant."""
    match = re.search(rf"constant {name} = ((?:hex\"[0-9a-f]*\"\s*)+);", SOURCE)
    assert match, name
    return bytes.fromhex("".join(re.findall(r'hex"([0-9a-f]*)"', match[1])))


def number(name: str) -> int:
    match = re.search(rf"constant {name} = (?:F\.wrap\()?(0x[0-9a-f]+|\d+)\)?;", SOURCE)
    assert match, name
    return int(match[1], 0)


def g2_words(xy: bytes, negate: bool) -> bytes:
    """EIP-2537: c0 before c1, as the wheel has them."""
    x0, x1, y0, y1 = (int.from_bytes(xy[i : i + 48], "big") for i in range(0, 192, 48))
    if negate:
        y0, y1 = -y0 % BASE_FIELD_MODULUS, -y1 % BASE_FIELD_MODULUS
    return b"".join(part.to_bytes(64, "big") for part in (x0, x1, y0, y1))


def test_points_are_the_ceremonys() -> None:
    setup = load_setup()
    assert words("G1_ONE") == encode_point(setup.g1)
    assert words("G1_TABLE") == encode_point(setup.table)
    assert words("G1_SLOT_ZERO") == encode_point(setup.lagrange[0])


@pytest.mark.parametrize(("name", "negate"), [("G2_ONE", False), ("G2_MINUS_TAU", True)])
def test_points_of_g2_are_the_ceremonys(name: str, negate: bool) -> None:
    setup = load_setup()
    point = setup.tau_g2 if negate else setup.g2
    assert words(name) == g2_words(bytes(point.to_xy_bytes_be()), negate)


def test_numbers_are_the_fields() -> None:
    omega = root_of_unity(4096)
    assert number("SRS_SHA256") == int.from_bytes(SRS_SHA256, "big")
    assert number("N") == 2 ** number("LOG_N") == 4096
    assert number("OMEGA") == omega
    assert number("OMEGA_INVERSE") == inverse(omega)
    assert number("N_INVERSE") == inverse(4096)
