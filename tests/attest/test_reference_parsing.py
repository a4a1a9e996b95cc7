"""What the reference takes for a key, a point and a scalar: the borders of every condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from py_arkworks_bls12381 import G1Point

from attest import reference
from attest.curve import compress, encode_point
from tests.vectors.points import ILL_FORMED_SHORT

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


# Sources -------------------------------------------------------------------------------------------------------------


def sources_of(*public: tuple[int, int], names: Sequence[str] = ("custodian",)) -> reference.Sources:
    listed = [reference.Source(name, 0, bytes(32), b"\x01" * 128, 0, 0) for name in names]
    ordered = sorted(listed, key=lambda source: source.id)
    return reference.Sources(1, 7, 0, bytes(32), tuple(ordered), public)


@pytest.mark.parametrize("public", [(), ((1, 0),), ((1, 2**77 - 1),), ((8, 5),), ((1, 1), (2, 0), (8, 7))], ids=str)
def test_the_public_slots_that_there_may_be(public: tuple[tuple[int, int], ...]) -> None:
    sources_of(*public).check(9, (3,), bytes(32))


@pytest.mark.parametrize(
    "public",
    [((1, -1),), ((1, 2**77),), ((0, 1),), ((9, 1),), ((3, 1),), ((2, 1), (1, 1)), ((1, 1), (1, 1))],
    ids=str,
)
def test_the_public_slots_that_there_may_not_be(public: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(reference.Refused, match=r"\(P\.7\)"):
        sources_of(*public).check(9, (3,), bytes(32))


def test_sources_come_once_and_in_order() -> None:
    two = sources_of(names=("custodian", "lender"))
    two.check(9, (), bytes(32))
    for listed in (two.sources[::-1], (two.sources[0], two.sources[0]), ()):
        with pytest.raises(reference.Refused, match=r"\(P\.6\)"):
            replace(two, sources=listed).check(9, (), bytes(32))
    with pytest.raises(reference.Refused, match=r"\(P\.6\)"):
        two.check(9, (), b"\x01" * 32)
    nothing = replace(two.sources[0], commitment=bytes(128))
    with pytest.raises(reference.Refused, match=r"\(P\.5\)"):
        replace(two, sources=(nothing, two.sources[1])).check(9, (), bytes(32))


def test_only_ethereums_ceremony(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / reference.CEREMONY
    path.parent.mkdir(parents=True)
    path.write_bytes((files("eth_account") / reference.CEREMONY).read_bytes().rstrip())
    monkeypatch.setattr(reference, "files", lambda _: tmp_path)
    with pytest.raises(reference.Malformed, match="not Ethereum's"):
        reference.ceremony.__wrapped__()


# Challenges ----------------------------------------------------------------------------------------------------------

BETA, ZETA, U = 11, 13, 17
ALPHA = pow(BETA, 8, reference.R_ORDER)
ON_DOMAIN = pow(reference.OMEGA, 5, reference.R_ORDER)


def verification(beta: int = BETA, zeta: int = ZETA, u: int = U) -> reference.Verification:
    key, sent = SimpleNamespace(packing=8), SimpleNamespace(beta=beta, zeta=zeta, u=u)
    return reference.Verification(key, (), sent)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "challenges",
    [
        {"zeta": 0},
        {"zeta": ON_DOMAIN},
        {"beta": ON_DOMAIN},
        {"zeta": ALPHA},
        {"zeta": ALPHA * reference.OMEGA % reference.R_ORDER},
        *({"u": ZETA * pow(reference.OMEGA, at, reference.R_ORDER) % reference.R_ORDER} for at in range(8)),
        {"u": BETA},
    ],
)
def test_zero_divisors_are_refused(challenges: dict[str, int]) -> None:
    verification().refuse_zero_divisors()
    with pytest.raises(reference.Refused, match="zero divisor"):
        verification(**challenges).refuse_zero_divisors()


@pytest.mark.parametrize("value", [0, reference.R_ORDER, -reference.R_ORDER])
def test_nothing_is_divided_by_zero(value: int) -> None:
    assert reference.inverse(2) * 2 % reference.R_ORDER == 1 and reference.inverse(1) == 1
    with pytest.raises(reference.Refused, match="zero divisor"):
        reference.inverse(value)


SHORT = compress(G1Point() + G1Point())


@pytest.mark.parametrize("point", [G1Point.identity(), G1Point(), -G1Point()])
def test_a_compressed_point_is_the_one_of_the_long_encoding(point: G1Point) -> None:
    assert reference.long_encoding(compress(point)) == encode_point(point)


@pytest.mark.parametrize("spell", ILL_FORMED_SHORT.values(), ids=ILL_FORMED_SHORT)
def test_a_compressed_point_that_is_none(spell: Callable[[bytes], bytes]) -> None:
    with pytest.raises(reference.Malformed):
        reference.long_encoding(spell(SHORT))


@pytest.mark.parametrize("data", [b"", SHORT[1:], b"\x00" + SHORT, SHORT[:47]])
def test_a_compressed_point_of_another_length(data: bytes) -> None:
    with pytest.raises(reference.Malformed):
        reference.long_encoding(data)
