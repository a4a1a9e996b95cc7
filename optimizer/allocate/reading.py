"""Reading the integer rows of a compiled policy for a solver in floats (protocol §2).

A hinge max(v, 0) of a free row becomes a variable h ≥ v, h ≥ 0 (its weight is never negative, rule R3), so every
row without flags or squares is linear:

    A·z − Σ W·h + A_0 ≥ down,     h_e ≥ ±(A_e·z + A_e0) + move_e,     h ≥ 0                                    (K.12)

where `down` and `move` bound what whole lots (assets ⌊·⌋, debts ⌈·⌉) take from the row. The rows of a norm become
the cone √W2·‖v‖ ≤ c, with c less what whole lots move in c and, by the triangle inequality, in every v_k. A row
with one flag beside holdings says "the flagged part is 0, or the row holds with the flag's weight": two
inequalities of which one may fail. What the previous epoch held is a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple, NoReturn

import numpy as np
from scipy import sparse

from attest.program import Entry, Kind, Owner, Part, Row
from optimizer.allocate.scaled import Absence, Array, Cone, FlagGroup, Indices, ScaledProgram
from optimizer.errors import DataError, PolicyError
from optimizer.policy import CompiledPolicy


def scaled_program(compiled: CompiledPolicy, capital_usd: float, previous: Sequence[int] = ()) -> ScaledProgram:
    """All rows of a policy, for a capital.

    Args:
        previous: (N',) the previous epoch's vector, where a constraint compares epochs.
    Raises: PolicyError: a row of a sort that the optimiser cannot read; DataError: a previous vector that is
        missing, or that no constraint reads.
    """
    if len(previous) != compiled.program.previous_size:
        remedy = "leave them out" if previous else "give them too"
        raise DataError(f"the previous epoch's holdings do not fit the policy; {remedy}")
    return _Reader(compiled, capital_usd, previous).read()


@dataclass(slots=True)
class _Linear:
    """coefficients·variables + Σ weight·hinge + constant, in row units.

    Args:
        coefficients: (n,) per unit of the variables of slots.
        constant: on slot 0 and of the previous epoch.
        lost: by how much whole lots may lower it.
        hinges: column → row units in a variable of 1.
    """

    coefficients: Array
    constant: float
    lost: float
    hinges: dict[int, float] = field(default_factory=dict)

    @property
    def largest(self) -> float:
        """Its largest coefficient, 1 where there is none."""
        return max([float(np.abs(self.coefficients).max(initial=0.0)), *map(abs, self.hinges.values())]) or 1.0

    def add(self, other: _Linear) -> None:
        self.coefficients += other.coefficients
        self.constant += other.constant
        self.lost += other.lost


class _Limit(NamedTuple):
    """What is known of a limit beside its coefficients; see `ScaledProgram`."""

    owner: str
    bound: float
    room: float
    units_per_usd: float
    is_limit: bool


class _Triplets:
    """A sparse matrix while it grows."""

    def __init__(self) -> None:
        self.height = 0
        self._parts: list[tuple[Indices, Indices, Array]] = []

    def add(self, coefficients: Array, hinges: Mapping[int, float]) -> int:
        """Append a row; answers its index."""
        used = np.flatnonzero(coefficients)
        columns = np.concatenate([used, np.array(list(hinges), dtype=np.intp)])
        values = np.concatenate([coefficients[used], np.array(list(hinges.values()), dtype=np.float64)])
        self._parts.append((np.full(len(columns), self.height), columns, values))
        self.height += 1
        return self.height - 1

    def build(self, width: int) -> sparse.csr_array:
        if not self._parts:
            return sparse.csr_array((self.height, width))
        rows, columns, values = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        return sparse.csr_array((values, (rows, columns)), shape=(self.height, width))


class _Columns:
    """Which slots are variables, and in what units.

    They are all slots of the sources, and the aux slots that more than a norm reads. An aux variable is scaled to
    the largest thing beside it in a row. Whole lots move it as far as they move what it equals; where it equals
    nothing, the prover moves it by a unit at most.

    Args:
        scale: (n,) lots or aux units in a variable of 1.
        signs: (n,) σ, 0 for aux.
        moves: (n,) by how many units whole lots move it.
    """

    def __init__(self, compiled: CompiledPolicy, capital_usd: float) -> None:
        layout = compiled.layout
        values = zip(compiled.held_slots, compiled.lot_values_usd, strict=True)
        scale = {j: capital_usd / abs(float(value)) for j, value in values}
        aux = frozenset(layout.of(Owner.AUX))
        beside: dict[int, float] = {}
        moves: dict[int, float] = {}
        for row in compiled.program.rows:
            own = aux & row.coefficients.keys()
            if row.square_weights or any(row.bounds_variable(j) for j in own):
                continue
            held = {j: abs(a) for j, a in row.coefficients.items() if j in scale}
            for j in own:
                largest = max((a * scale[k] for k, a in held.items()), default=0.0)
                beside[j] = max(beside.get(j, 0.0), largest / abs(row.coefficients[j]))
                if row.kind is Kind.ZERO:
                    moves[j] = sum(held.values()) / abs(row.coefficients[j])
        unit = capital_usd / float(compiled.unit_usd)
        self.slots = (*compiled.held_slots, *sorted(beside))
        self.index = {j: k for k, j in enumerate(self.slots)}
        self.scale = np.array([scale[j] if j in scale else beside[j] or unit for j in self.slots])
        self.signs = np.array([layout[j].sign for j in self.slots], dtype=np.float64)
        self.moves = np.array([moves.get(j, 1.0) for j in self.slots])
        self.nonnegative = np.array([not layout[j].signed for j in self.slots])

    def linear(self, row: Row, previous: Sequence[int], factor: int = 1) -> _Linear:
        """factor·(A·q + A'·q') of a row."""
        units = np.zeros(len(self.slots))
        for j, a in row.coefficients.items():
            if j:
                units[self.index[j]] = factor * float(a)
        constant = row.coefficients.get(0, 0) + sum(a * previous[j] for j, a in row.previous.items())
        # Rounding lowers assets and raises debts by less than a lot; aux values move either way.
        lost = np.where(self.signs == 0, np.abs(units) * self.moves, np.maximum(units * self.signs, 0))
        return _Linear(units * self.scale, float(factor * constant), float(lost.sum()))


class _Reader:
    """Reads the rows of a program one by one."""

    def __init__(self, compiled: CompiledPolicy, capital_usd: float, previous: Sequence[int]) -> None:
        self._compiled, self._capital_usd, self._previous = compiled, capital_usd, previous
        self._rows = compiled.program.rows
        self._usd: dict[int, Fraction | None] = {
            i: usd for c in compiled.constraints for i, usd in zip(c.rows, c.usd_per_unit, strict=True)
        }
        self._columns = _Columns(compiled, capital_usd)
        self._matrix, self._equations = _Triplets(), _Triplets()
        self._values: list[float] = []
        self._inequalities: list[_Limit] = []
        self._cones: list[tuple[_Limit, list[_Linear], _Linear]] = []
        self._absences: dict[int, Absence] = {}
        self._flags: list[FlagGroup] = []
        self._hinges: dict[Entry, int] = {}
        self._flagged: dict[Entry, int] = {}

    def read(self) -> ScaledProgram:
        for i, row in enumerate(self._rows):
            if row.square_weights:
                self._read_norm(row)
            elif row.flag_weights:
                self._read_flags(i, row)
            elif row.kind is Kind.ZERO:
                self._read_equation(row)
            elif row.kind is Kind.NONNEG and not self._bounds_variable(row):
                self._add(row.constraint, self._whole(row), self._usd.get(i))
        columns, m = self._columns, len(self._compiled.held_slots)
        hinges = np.ones(len(self._hinges), dtype=np.bool_)
        width = len(columns.slots) + len(hinges)
        limits = [*self._inequalities, *(limit for limit, _, _ in self._cones)]
        signs, may_be_short = columns.signs[:m], ~columns.nonnegative[:m]
        return ScaledProgram(
            compiled=self._compiled,
            capital_usd=self._capital_usd,
            lots_per_unit=columns.scale[:m],
            matrix=self._matrix.build(width),
            bound=np.array([limit.bound for limit in limits]),
            room=np.array([limit.room for limit in limits]),
            is_limit=np.array([limit.is_limit for limit in limits], dtype=np.bool_),
            units_per_usd=np.array([limit.units_per_usd for limit in limits]),
            owners=tuple(limit.owner for limit in limits),
            nonnegative=np.concatenate([columns.nonnegative, hinges]),
            signs=signs,
            short=np.where(signs < 0, 1.0, np.where(may_be_short, -1.0, 0.0)),
            sides=m + np.flatnonzero(columns.nonnegative[m:]),
            equations=self._equations.build(width),
            values=np.array(self._values),
            cones=tuple(_cone(parts, radius, width) for _, parts, radius in self._cones),
            absences=self._absences,
            flags=tuple(self._flags),
        )

    def _bounds_variable(self, row: Row) -> bool:
        own = any(row.bounds_variable(j) for j in row.coefficients)
        return own or any(row.bounds_variable(j, previous=True) for j in row.previous)

    def _linear(self, row: Row, factor: int = 1) -> _Linear:
        return self._columns.linear(row, self._previous, factor)

    def _whole(self, row: Row) -> _Linear:
        """A row less its weighted parts."""
        whole = self._linear(row)
        for entry, weight in row.weights.items():
            source = self._rows[entry.row]
            side = 1 if entry.part is Part.PLUS else -1
            if source.kind is Kind.NONNEG:
                whole.add(self._linear(source, -weight))
            elif set(source.coefficients) <= {0}:
                whole.constant -= weight * max(self._linear(source, side).constant, 0.0)
            else:
                column, units = self._hinge(entry, source, side)
                whole.hinges[column] = -weight * units
        return whole

    def _hinge(self, entry: Entry, source: Row, side: int) -> tuple[int, float]:
        """Column of the hinge of one part, and row units in a variable of 1."""
        below = self._linear(source, -side)
        units = below.largest
        if entry not in self._hinges:
            column = self._hinges[entry] = len(self._columns.slots) + len(self._hinges)
            below.hinges[column] = units
            self._add(source.constraint, below, None, is_limit=False)
        return self._hinges[entry], units

    def _read_equation(self, row: Row) -> None:
        """An equation that the prover solves for an aux slot; whole lots need no room in it."""
        if all(self._compiled.layout[j].owner is not Owner.AUX for j in row.coefficients if j):
            _refuse(row, "an equation between holdings")
        equation = self._linear(row)
        largest = equation.largest
        self._equations.add(equation.coefficients / largest, {})
        self._values.append(-equation.constant / largest)

    def _read_norm(self, row: Row) -> None:
        """W·c² − Σ W2·v² ≥ 0 with c ≥ 0, the aux slot being what is left of it."""
        radii = [entry for entry, weight in row.square_weights.items() if weight < 0]
        parts = {entry.row: weight for entry, weight in row.square_weights.items() if weight > 0}
        aux = [j for j in row.coefficients if self._compiled.layout[j].owner is Owner.AUX and row.coefficients[j] < 0]
        both = all(row.square_weights.get(Entry(i, part)) == w for i, w in parts.items() for part in Part)
        if len(radii) != 1 or not both or len(aux) != len(row.coefficients) or row.weights or row.flag_weights:
            _refuse(row, "squares that are no norm")
        whole = -row.square_weights[radii[0]]
        radius = self._linear(self._rows[radii[0].row])
        components, moved = [], 0.0
        for i, weight in parts.items():
            root = (weight / whole) ** 0.5
            up, down = self._linear(self._rows[i], -1), self._linear(self._rows[i])
            moved += (root * max(up.lost, down.lost)) ** 2
            components.append(_Linear(root * down.coefficients, root * down.constant, 0.0))
        largest = max(part.largest for part in (radius, *components))
        usd = self._usd.get(radii[0].row)
        limit = _Limit(
            row.constraint,
            radius.constant / largest,
            (radius.lost + moved**0.5) / largest,
            1 / (float(usd) * largest) if usd is not None else 0.0,
            True,
        )
        for part in (radius, *components):
            part.coefficients /= largest
            part.constant /= largest
        self._cones.append((limit, components, radius))

    def _read_flags(self, index: int, row: Row) -> None:
        """A count of flags, or one flag beside holdings."""
        weights = np.array([float(w) for w in row.flag_weights.values()])
        beside = row.weights or set(row.coefficients) - {0} or row.previous
        if not beside:
            budget = row.coefficients.get(0, 0)
            if weights.sum() > budget:
                rows = np.array([self._flag(entry) for entry in row.flag_weights])
                self._flags.append(FlagGroup(row.constraint, budget, rows, weights))
            return
        if len(weights) > 1:
            _refuse(row, "several flags beside holdings")
        whole = self._whole(row)
        free = self._columns.nonnegative | (whole.coefficients == 0)
        if not (free.all() and whole.coefficients.min() >= 0 and whole.constant >= 0 and not whole.hinges):
            self._add(row.constraint, whole, None)
        whole.constant -= float(weights[0])
        choices = [self._flag(next(iter(row.flag_weights))), self._add(row.constraint, whole, self._usd.get(index))]
        self._flags.append(FlagGroup(row.constraint, 1, np.array(choices), np.ones(2)))

    def _flag(self, entry: Entry) -> int:
        """The inequality that holds where a flag is down: its part is 0."""
        if entry in self._flagged:
            return self._flagged[entry]
        source = self._rows[entry.row]
        side = 1 if entry.part is Part.PLUS else -1
        below = self._linear(source, -side)
        usd = self._usd.get(entry.row)
        if usd is None and not below.constant and not source.previous:
            # A position: what it counts are lots, not money.
            index = self._add(source.constraint, _Linear(np.zeros_like(below.coefficients), 0.0, 0.0), None)
            sides = -np.sign(below.coefficients)
            forbidden = np.flatnonzero((sides > 0) | ((sides < 0) & ~self._columns.nonnegative))
            self._absences[index] = Absence(forbidden, sides[forbidden])
        else:
            index = self._add(source.constraint, below, usd)
        self._flagged[entry] = index
        return index

    def _add(self, owner: str, row: _Linear, usd: Fraction | None, *, is_limit: bool = True) -> int:
        """Add the inequality row − lost ≥ 0, scaled; answers its index.

        Args:
            usd: slack in one unit of the row, None where it measures no money or is not what the limit is read off.
        """
        largest = row.largest
        per_usd = 1 / (float(usd) * largest) if usd is not None else 0.0
        limit = _Limit(owner, row.constant / largest, row.lost / largest, per_usd, is_limit)
        self._inequalities.append(limit)
        hinges = {column: -units / largest for column, units in row.hinges.items()}
        return self._matrix.add(-row.coefficients / largest, hinges)


def _cone(parts: Sequence[_Linear], radius: _Linear, width: int) -> Cone:
    padding = np.zeros(width - len(radius.coefficients))
    matrix = np.array([np.concatenate([part.coefficients, padding]) for part in parts]).reshape(len(parts), width)
    constant = np.array([part.constant for part in parts])
    return Cone(sparse.csr_array(matrix), constant, np.concatenate([radius.coefficients, padding]))


def _refuse(row: Row, what: str) -> NoReturn:
    raise PolicyError(row.constraint, f"the optimiser cannot read {what} in row {row.name!r}; take it out")
