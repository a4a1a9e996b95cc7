"""Checking a private vector against a program in plain integers (protocol §2).

This is the meaning of the program: the prover proves that such a witness exists, and refuses when it does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from attest.errors import StatementFalse
from attest.program.rows import Entry, Kind, Part, Program, Row
from attest.program.rules import PART_LIMIT


@dataclass(frozen=True, slots=True)
class Witness:
    """Both parts of every row and the raised flags. Secret."""

    plus: tuple[int, ...] = field(repr=False)
    minus: tuple[int, ...] = field(repr=False)
    flags: frozenset[Entry] = field(repr=False)

    def part(self, entry: Entry) -> int:
        return (self.plus if entry.part == Part.PLUS else self.minus)[entry.row]


def _dot(coefficients: Mapping[int, int], vector: Sequence[int]) -> int:
    return sum(a * vector[j] for j, a in coefficients.items())


def row_values(program: Program, quantities: Sequence[int], previous: Sequence[int] = ()) -> list[int]:
    """Σ A_ij q_j + Σ A'_ij q'_j for every row, in the row's units.

    Args:
        quantities: (N,) integers with quantities[0] = 1.
        previous: (N',) integers with previous[0] = 1, empty without a second vector.
    Raises: ValueError: wrong length or a constant slot that is not 1.
    """
    for label, vector, size in (("", quantities, program.size), ("previous ", previous, program.previous_size)):
        if len(vector) != size:
            raise ValueError(f"the {label}vector has {len(vector)} slots, the program {size}")
        if size and vector[0] != 1:
            raise ValueError(f"slot 0 of the {label}vector is the constant 1")
    return [_dot(row.coefficients, quantities) + _dot(row.previous, previous) for row in program.rows]


def _aggregate(row: Row, plus: Sequence[int], minus: Sequence[int], flags: set[Entry]) -> int:
    def part(entry: Entry) -> int:
        return (plus if entry.part == Part.PLUS else minus)[entry.row]

    return (
        sum(weight * part(entry) for entry, weight in row.weights.items())
        + sum(weight for entry, weight in row.flag_weights.items() if entry in flags)
        + sum(weight * part(entry) ** 2 for entry, weight in row.square_weights.items())
    )


def slacks(program: Program, quantities: Sequence[int], previous: Sequence[int] = ()) -> list[int]:
    """The value of every row after its aggregate: what is left of a limit, in the row's units. Secret."""
    values = row_values(program, quantities, previous)
    plus = [max(v, 0) for v in values]
    minus = [max(-v, 0) for v in values]
    flags = {
        entry
        for row in program.rows
        for entry in row.flag_weights
        if (plus if entry.part == Part.PLUS else minus)[entry.row] > 0
    }
    return [
        v - _aggregate(row, plus, minus, flags) if row.is_target else v
        for row, v in zip(program.rows, values, strict=True)
    ]


def solve(program: Program, quantities: Sequence[int], previous: Sequence[int] = ()) -> Witness:
    """The witness of a satisfied program.

    Args, Raises: as `row_values`, and
        StatementFalse: a row does not hold, or a part leaves [0, 2^77); names the constraints.
    """
    remaining = slacks(program, quantities, previous)
    violated = {
        row.name: value
        for row, value in zip(program.rows, remaining, strict=True)
        if (row.kind == Kind.NONNEG and value < 0) or (row.kind == Kind.ZERO and value != 0) or abs(value) > PART_LIMIT
    }
    if violated:
        constraints = tuple(dict.fromkeys(name.split("/", 1)[0] for name in violated))
        raise StatementFalse(constraints, violated)
    plus = tuple(max(v, 0) for v in remaining)
    minus = tuple(max(-v, 0) for v in remaining)
    flagged = {entry for row in program.rows for entry in row.flag_weights}
    raised = frozenset(e for e in flagged if (plus if e.part == Part.PLUS else minus)[e.row] > 0)
    return Witness(plus, minus, raised)
