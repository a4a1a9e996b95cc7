"""The program's own integer rows as linear inequalities in floats (protocol §2).

Nothing about limits is defined here a second time: coefficients, weights and flags are read from the program,
scaled so that a variable of 1 is the whole capital, and moved by what rounding to lots may cost. A hinge
max(v, 0) of a free row becomes a variable h ≥ v, h ≥ 0 (its weight is never negative, rule R3), so every row
without flags is linear:

    A·z − Σ W·h + A_0 ≥ down,     h_e ≥ ±(A_e·z + A_e0) + move_e,     h ≥ 0                                    (K.12)

where `down` and `move` bound what whole lots (assets ⌊·⌋, debts ⌈·⌉) take from the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from attest.program import Entry, Kind, Part, Program, Row
from optimizer.errors import PolicyError
from optimizer.policy import CompiledPolicy

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NEGLIGIBLE = 1e-8
"""Positions below this fraction of capital are solver noise and rounded to nothing."""


@dataclass(frozen=True, slots=True)
class FlagGroup:
    """A row budget − Σ flags ≥ 0: all but so many of its inequalities hold.

    Args:
        constraint: its name.
        budget: weight of flags that may be raised.
        rows: (f,) inequality of each flag, which holds where the flag is down.
        weights: (f,) of each flag.
    """

    constraint: str
    budget: int
    rows: NDArray[np.intp]
    weights: Array


@dataclass(frozen=True)
class ScaledProgram:
    """matrix @ y ≤ bound − room over y = (positions and aux values as fractions of capital, hinges).

    Args:
        compiled: whose program it is.
        capital_usd: the scale.
        lots_per_unit: (n,) lots of each slot 1..n in a variable of 1.
        matrix: (k, n + h) inequalities, each scaled to a largest coefficient of 1.
        bound: (k,) right-hand sides.
        room: (k,) what rounding to lots may cost.
        is_limit: (k,) whether an inequality is a limit, not the definition of a hinge.
        owners: (k,) constraint of each inequality.
        nonnegative: (n + h,) variables that are at least 0.
        budget: (n,) signs of the slots: positions add up to the capital.
        short: (n,) +1 for debts, −1 for assets that may be short, 0 for what never is borrowed.
        flags: the groups whose inequalities may fail in part.
    """

    compiled: CompiledPolicy
    capital_usd: float
    lots_per_unit: Array
    matrix: sparse.csr_array
    bound: Array
    room: Array
    is_limit: Mask
    owners: tuple[str, ...]
    nonnegative: Mask
    budget: Array
    short: Array
    flags: tuple[FlagGroup, ...]

    @property
    def slots(self) -> int:
        """m, the slots that sources own."""
        return len(self.compiled.source_slots)

    def whole_lots(self, solution: Array) -> tuple[int, ...]:
        """(m,) lots of a solution: assets rounded down, debts up, noise to zero. Secret."""
        lots = []
        for j, z, scale in zip(self.compiled.source_slots, solution, self.lots_per_unit, strict=False):
            slot = self.compiled.layout[j]
            if abs(z) < NEGLIGIBLE:
                lots.append(0)
                continue
            exact = float(z) * float(scale)
            count = ceil(exact) if slot.sign < 0 else floor(exact)
            lots.append(count if slot.signed else max(count, 0))
        return tuple(lots)


def scaled_program(compiled: CompiledPolicy, capital_usd: float) -> ScaledProgram:
    """The inequalities of all programs of a policy.

    Raises: PolicyError: a row of a sort that the optimiser has no convex reading of.
    """
    layout = compiled.layout
    size = layout.size - 1
    worth = [abs(float(v)) for v in compiled.lot_values_usd]
    worth += [float(layout[j].lot) for j in range(len(worth) + 1, layout.size)]
    scale = capital_usd / np.array(worth)
    signs = np.array([layout[j].sign for j in range(1, layout.size)], dtype=np.float64)
    builder = _Builder(scale, signs)
    builder.read(compiled.program)
    hinges = len(builder.hinges)
    may_be_negative = np.array([layout[j].signed for j in range(1, layout.size)])
    return ScaledProgram(
        compiled,
        capital_usd,
        scale,
        builder.sparse(size + hinges),
        np.array(builder.bound),
        np.array(builder.room),
        np.array(builder.is_limit, dtype=np.bool_),
        tuple(builder.owners),
        np.concatenate([~may_be_negative, np.ones(hinges, dtype=np.bool_)]),
        signs,
        np.where(signs < 0, 1.0, np.where((signs > 0) & may_be_negative, -1.0, 0.0)),
        tuple(builder.flags),
    )


class _Builder:
    """Reads rows into triplets of a sparse matrix."""

    def __init__(self, scale: Array, signs: Array) -> None:
        self.scale, self.signs = scale, signs
        self.bound: list[float] = []
        self.room: list[float] = []
        self.is_limit: list[bool] = []
        self.owners: list[str] = []
        self.flags: list[FlagGroup] = []
        self.hinges: dict[tuple[int, Entry], int] = {}
        self._triplets: list[tuple[NDArray[np.intp], NDArray[np.intp], Array]] = []
        self._programs = 0

    def sparse(self, width: int) -> sparse.csr_array:
        rows, columns, values = (np.concatenate(parts) for parts in zip(*self._triplets, strict=True))
        return sparse.csr_array((values, (rows, columns)), shape=(len(self.bound), width))

    def read(self, program: Program) -> None:
        self._programs += 1
        for row in program.rows:
            _refuse_unread(row)
            if row.flag_weights:
                self._read_flags(program, row)
            elif row.kind is Kind.NONNEG and not any(row.bounds_variable(j) for j in row.coefficients):
                self._read_limit(program, row)

    def _dense(self, row: Row, side: int = 1) -> tuple[Array, float, float]:
        """Coefficients per unit of z, constant, and by how much lots may lower side·row, in row units."""
        lots = np.zeros(len(self.scale))
        for j, a in row.coefficients.items():
            if j:
                lots[j - 1] = side * float(a)
        constant = side * float(row.coefficients.get(0, 0))
        # Rounding lowers assets and raises debts by less than a lot; an aux value moves by a unit either way.
        lost = np.where(self.signs == 0, np.abs(lots), np.maximum(lots * self.signs, 0))
        return lots * self.scale, constant, float(lost.sum())

    def _read_limit(self, program: Program, row: Row) -> None:
        coefficients, constant, lost = self._dense(row)
        columns, values = [], []
        for entry, weight in row.weights.items():
            source = program.rows[entry.row]
            if source.kind is Kind.NONNEG:
                of_source, constant_of_source, lost_of_source = self._dense(source, -weight)
                coefficients += of_source
                constant += constant_of_source
                lost += lost_of_source
            else:
                column, units = self._hinge(program, entry)
                columns.append(column)
                values.append(-weight * units)
        self._add(row.constraint, coefficients, constant, lost, columns, values)

    def _hinge(self, program: Program, entry: Entry) -> tuple[int, float]:
        """Column of the hinge of one part, and row units in a variable of 1."""
        source = program.rows[entry.row]
        side = 1 if entry.part is Part.PLUS else -1
        coefficients, constant, lost = self._dense(source, -side)
        units = float(np.abs(coefficients).max())
        key = (self._programs, entry)
        if key not in self.hinges:
            column = len(self.scale) + len(self.hinges)
            self.hinges[key] = column
            self._add(source.constraint, coefficients, constant, lost, [column], [units], limit=False)
        return self.hinges[key], units

    def _read_flags(self, program: Program, row: Row) -> None:
        rows = []
        for entry in row.flag_weights:
            source = program.rows[entry.row]
            side = 1 if entry.part is Part.PLUS else -1
            coefficients, constant, lost = self._dense(source, -side)
            moves = 0.0 if any(source.bounds_variable(j) for j in source.coefficients) else lost
            rows.append(self._add(row.constraint, coefficients, constant, moves, [], []))
        weights = np.array([float(w) for w in row.flag_weights.values()])
        self.flags.append(FlagGroup(row.constraint, row.coefficients.get(0, 0), np.array(rows), weights))

    def _add(
        self,
        owner: str,
        z: Array,
        constant: float,
        lost: float,
        columns: list[int],
        values: list[float],
        *,
        limit: bool = True,
    ) -> int:
        """Add z·variables + values·hinges + constant − lost ≥ 0, scaled."""
        index = len(self.bound)
        used = np.flatnonzero(z)
        largest = max(np.abs(z).max(initial=0.0), np.abs(values).max(initial=0.0)) or 1.0
        self._triplets.append(
            (
                np.full(len(used) + len(columns), index),
                np.concatenate([used, np.array(columns, dtype=np.intp)]),
                -np.concatenate([z[used], np.array(values, dtype=np.float64)]) / largest,
            )
        )
        self.bound.append(constant / largest)
        self.room.append(lost / largest)
        self.is_limit.append(limit)
        self.owners.append(owner)
        return index


def _refuse_unread(row: Row) -> None:
    reasons: Iterator[str] = (
        reason
        for reason, present in (
            ("squares", bool(row.square_weights)),
            ("an equation", row.kind is Kind.ZERO),
            ("the previous epoch's holdings", bool(row.previous)),
            ("flags with a budget that depends on holdings", bool(row.flag_weights) and set(row.coefficients) - {0}),
            ("flags beside other weights", bool(row.flag_weights and row.weights)),
        )
        if present
    )
    for reason in reasons:
        raise PolicyError(row.constraint, f"the optimiser cannot read {reason} in row {row.name!r}; take it out")
