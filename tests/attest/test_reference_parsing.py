"""What the reference takes for a key, a point and a scalar: the borders of every condition."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from py_arkworks_bls12381 import G1Point

from attest import reference
from attest.curve import encode_point

SLOTS = reference.N - reference.BLINDED
NOTHING = [bytes(32)] * 4
"""A commitment at infinity, in words."""


def key_of(rows: int = 3, packing: int = 8, size: int = 9, previous: int = 0, **changed: Any) -> bytes:
    """The encoding of a key whose commitments are all at infinity. Its shape is what is asked about."""
    fields = {
        "version": 1,
        "n": reference.N,
        "packing": packing,
        "limb_width": 11,
        "limb_count": 7,
        "size": size,
        "previous_size": previous,
        "rows": rows,
        "kinds": bytes(rows),
        "aux": [],
        "weights": [(rows, NOTHING)],
        "flag_weights": [],
        "square_weights": [],
        "columns": [NOTHING] * -(-size // packing),
        "previous_columns": [NOTHING] * -(-previous // packing),
    }
    assert not changed.keys() - fields.keys()
    return abi_encode([reference.KEY_TYPE], [(*(fields | changed).values(), *[bytes(32)] * 4)])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"size": 1},
        {"size": SLOTS},
        {"previous": 1},
        {"previous": SLOTS},
        {"rows": 4096 // 8 - 5},
        {"rows": 4096 // 8 - 4, "packing": 4},
        {"rows": 4096 // 4 - 5, "packing": 4},
        {"rows": 4096 // 4 - 4, "packing": 2},
        {"rows": 4096 // 2 - 5, "packing": 2},
        {"kinds": bytes([0, 1, 2])},
        {"aux": [1, 8]},
        {"weights": [(0, NOTHING), (2, NOTHING), (3, NOTHING)], "flag_weights": [(2, NOTHING)]},
    ],
    ids=str,
)
def test_the_shapes_that_a_key_may_have(changed: dict[str, Any]) -> None:
    key = reference.Key.parse(key_of(**changed))
    assert key.vectors == (2 if changed.get("previous") else 1)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"size": 0}, "too long"),
        ({"size": SLOTS + 1}, "too long"),
        ({"previous": SLOTS + 1}, "too long"),
        ({"rows": 4096 // 8 - 4}, "packing"),
        ({"rows": 4096 // 4 - 4, "packing": 4}, "packing"),
        ({"rows": 4096 // 2 - 4, "packing": 2}, "packing"),
        ({"rows": 3, "packing": 4}, "packing"),
        ({"version": 2}, "version or parameters"),
        ({"n": 2048}, "version or parameters"),
        ({"limb_width": 10}, "version or parameters"),
        ({"limb_count": 8}, "version or parameters"),
        ({"kinds": bytes([0, 1, 3])}, "kind a row"),
        ({"kinds": bytes(2)}, "kind a row"),
        ({"aux": [0]}, "aux slots"),
        ({"aux": [9]}, "aux slots"),
        ({"aux": [2, 1]}, "aux slots"),
        ({"aux": [1, 1]}, "aux slots"),
        ({"weights": []}, "zero group"),
        ({"weights": [(4, NOTHING)]}, "zero group"),
        ({"weights": [(0, NOTHING)]}, "zero group"),
        ({"weights": [(3, NOTHING), (3, NOTHING)]}, "on rows of the policy"),
        ({"weights": [(4, NOTHING), (3, NOTHING)]}, "on rows of the policy"),
        ({"flag_weights": [(3, NOTHING)]}, "on rows of the policy"),
        ({"square_weights": [(3, NOTHING)]}, "on rows of the policy"),
        ({"square_weights": [(1, NOTHING), (0, NOTHING)]}, "on rows of the policy"),
        ({"columns": [NOTHING]}, "as many columns"),
        ({"columns": [NOTHING] * 3}, "as many columns"),
        ({"previous_columns": [NOTHING]}, "as many columns"),
        ({"previous": 9, "previous_columns": [NOTHING]}, "as many columns"),
    ],
    ids=str,
)
def test_the_shapes_that_a_key_may_not_have(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(reference.Malformed, match=why):
        reference.Key.parse(key_of(**changed))


def test_keys_have_one_spelling() -> None:
    encoding = key_of()
    with pytest.raises(reference.Malformed, match="canonical"):
        reference.Key.parse(encoding + bytes(32))
    with pytest.raises(reference.Malformed, match="no ABI encoding"):
        reference.Key.parse(encoding[:-32])


@pytest.mark.parametrize("data", [b"", bytes(127), bytes(129), bytes(256)])
def test_a_point_has_128_bytes(data: bytes) -> None:
    with pytest.raises(reference.Malformed, match="128 bytes"):
        reference.parse_point(data)


@pytest.mark.parametrize("at", [16, 80])
def test_a_coordinate_is_below_the_modulus(at: int) -> None:
    """Its modulus itself too, which would be 0."""
    modulus = int(reference.FQ.field_modulus)
    for value in (modulus, modulus + 1):
        data = bytearray(encode_point(G1Point()))
        data[at : at + 48] = value.to_bytes(48, "big")
        with pytest.raises(reference.Malformed, match="not below the field's modulus"):
            reference.parse_point(bytes(data))


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), reference.R_ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_a_scalar_has_32_bytes_and_is_below_r(data: bytes) -> None:
    with pytest.raises(reference.Malformed, match="not below r"):
        reference.parse_scalar(data)
    assert reference.parse_scalar((reference.R_ORDER - 1).to_bytes(32, "big")) == reference.R_ORDER - 1
