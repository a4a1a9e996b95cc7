"""Layouts and canonical JSON: what a layout hash binds, and one spelling for each number (protocol §2, §6)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from attest.errors import SourceError
from attest.program import (
    Layout,
    Owner,
    Slot,
    canonical_hash,
    canonical_json,
    decimal_string,
)
from tests.attest.examples import small_layout


def test_decimals_have_one_spelling() -> None:
    for number, text in [("1.50", "1.5"), ("1E+3", "1000"), ("-0.0", "0"), ("0.000001", "0.000001"), ("100", "100")]:
        assert decimal_string(Decimal(number)) == text
    for bad in ("NaN", "Infinity"):
        with pytest.raises(ValueError, match="not a number"):
            decimal_string(Decimal(bad))


def test_canonical_json_sorts_and_refuses_floats() -> None:
    assert canonical_json({"b": [1, Decimal("2.50"), None], "a": "é"}) == b'{"a":"\\u00e9","b":["1","2.5",null]}'
    assert canonical_hash({"a": 1, "b": 2}) == canonical_hash({"b": 2, "a": Decimal("1.0")})
    for bad in ({"a": 1.5}, {1: "a"}, object(), b"bytes"):
        with pytest.raises(TypeError):
            canonical_json(bad)


def test_slots_and_layouts_refuse_what_makes_no_sense() -> None:
    for bad in (
        {"sign": 2},
        {"lot": Decimal(0)},
        {"source": ""},
        {"owner": Owner.AUX},
        {"sign": -1, "signed": True},
    ):
        with pytest.raises(SourceError):
            Slot(**{"owner": Owner.SOURCE, "asset": "X", "lot": Decimal(1), "sign": 1, "source": "a", **bad})
    layout = small_layout()
    assert (layout.size, layout.of(Owner.AUX), layout.owned_by("a"), layout.owned_by("b")) == (
        7,
        (5, 6),
        (1, 2),
        (3, 4),
    )
    for slot in (0, 7, -1):
        with pytest.raises(SourceError, match="outside the layout"):
            layout[slot]
    with pytest.raises(SourceError, match="no slot"):
        layout.owned_by("c")


def test_the_layout_hash_binds_every_field() -> None:
    layout = small_layout()
    first = Slot(Owner.SOURCE, "X", Decimal(1), 1, "a")
    variants = [
        Slot(Owner.SOURCE, "Z", Decimal(1), 1, "a"),
        Slot(Owner.SOURCE, "X", Decimal(2), 1, "a"),
        Slot(Owner.SOURCE, "X", Decimal(1), -1, "a"),
        Slot(Owner.SOURCE, "X", Decimal(1), 1, "b"),
        Slot(Owner.SOURCE, "X", Decimal(1), 1, "a", signed=True),
        Slot(Owner.PUBLIC, "X", Decimal(1), 1),
    ]
    assert Layout((first, *layout.slots[1:])).hash == layout.hash
    hashes = {Layout((slot, *layout.slots[1:])).hash for slot in variants}
    assert len(hashes | {layout.hash, Layout(layout.slots[::-1]).hash}) == len(variants) + 2
