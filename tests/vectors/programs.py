"""Programs and layouts as keys.json states them, written and read (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attest.program import Entry, Kind, Layout, Owner, Part, Program, Row, Slot
from attest.program.rows import Weights

FAMILIES = {"weights": "weights", "flagWeights": "flag_weights", "squareWeights": "square_weights"}
KINDS = {"free": Kind.FREE, "nonneg": Kind.NONNEG, "zero": Kind.ZERO}
PARTS = {"plus": Part.PLUS, "minus": Part.MINUS}
PADDING = "padding/"


def program_fields(program: Program) -> dict[str, Any]:
    """The program as a file has it."""
    padding = [row for row in program.rows if row.name.startswith(PADDING)]
    return {
        "size": str(program.size),
        "previousSize": str(program.previous_size),
        "aux": [str(slot) for slot in program.aux],
        "rows": [_row_fields(row) for row in program.rows if not row.name.startswith(PADDING)],
        "paddingRows": str(len(padding)),
    }


def _row_fields(row: Row) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": row.name, "kind": row.kind.name.lower()}
    for name, numbers in (("coefficients", row.coefficients), ("previous", row.previous)):
        if numbers:
            fields[name] = {str(slot): str(value) for slot, value in numbers.items()}
    for name, attribute in FAMILIES.items():
        weights: Weights = getattr(row, attribute)
        if weights:
            fields[name] = [f"{entry.row} {entry.part.name.lower()} {weight}" for entry, weight in weights.items()]
    return fields


def program_of(fields: Mapping[str, Any]) -> Program:
    """The program that a file states; its padding rows are the last: i ≥ 0 for i = 0, 1, …"""
    rows = [_row(row) for row in fields["rows"]]
    rows += [Row(f"{PADDING}{i}", Kind.NONNEG, {0: i}) for i in range(int(fields["paddingRows"]))]
    aux = tuple(int(slot) for slot in fields["aux"])
    return Program(int(fields["size"]), tuple(rows), aux, int(fields["previousSize"]))


def _row(fields: Mapping[str, Any]) -> Row:
    numbers = [
        {int(slot): int(value) for slot, value in fields.get(name, {}).items()} for name in ("coefficients", "previous")
    ]
    families = []
    for name in FAMILIES:
        listed = [text.split() for text in fields.get(name, [])]
        families.append({Entry(int(row), PARTS[part]): int(weight) for row, part, weight in listed})
    return Row(fields["name"], KINDS[fields["kind"]], *numbers, *families)


def layout_fields(layout: Layout) -> list[dict[str, Any]]:
    """The slots from 1 on, as a file has them."""
    return [
        {
            "owner": slot.owner.value,
            "asset": slot.asset,
            "lot": str(slot.lot),
            "sign": str(slot.sign),
            "source": slot.source,
            "signed": slot.signed,
        }
        for slot in layout.slots
    ]


def layout_of(listed: list[dict[str, Any]]) -> Layout:
    """The layout that a file states."""
    return Layout(
        tuple(
            Slot(Owner(s["owner"]), s["asset"], Decimal(s["lot"]), int(s["sign"]), s["source"], s["signed"])
            for s in listed
        )
    )
