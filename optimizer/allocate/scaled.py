"""The program's own integer rows in floats: inequalities, equations, cones and flags (protocol §2).

Nothing about limits is defined here a second time: `reading` takes coefficients, weights, flags and squares from
the program, scales them so that a variable of 1 is the whole capital, and moves them by what rounding to lots may
cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.policy import CompiledPolicy

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

NEGLIGIBLE = 1e-8
"""Positions below this fraction of capital are solver noise and rounded to nothing."""


@dataclass(frozen=True, slots=True)
class FlagGroup:
    """A row budget − Σ flags ≥ 0: all but so many of its inequalities hold.

    Args:
        constraint: its name.
        budget: weight of flags that may be raised.
        rows: (f,) inequality of each flag, which holds where the flag is down; groups may share some.
        weights: (f,) of each flag.
    """

    constraint: str
    budget: int
    rows: Indices
    weights: Array


@dataclass(frozen=True, slots=True)
class Absence:
    """The inequality of a flag that a position raises: no variable lies on the flag's side of 0.

    Whole lots keep it exactly, which no inequality on their sum would do.

    Args:
        columns: variables.
        sides: +1 where a variable must not be positive, −1 where it must not be negative.
    """

    columns: Indices
    sides: Array

    def excess(self, point: Array) -> float:
        """The largest variable on the forbidden side."""
        return float((self.sides * point[self.columns]).max(initial=0.0))


@dataclass(frozen=True, slots=True)
class Cone:
    """‖matrix @ y + constant‖₂ ≤ radius @ y + bound, with the bound among those of the program.

    Args:
        matrix: (K, n + h).
        constant: (K,).
        radius: (n + h,).
    """

    matrix: sparse.csr_array
    constant: Array
    radius: Array


@dataclass(frozen=True)
class ScaledProgram:
    """matrix @ y ≤ bound − room, cones and equations over y = (positions as fractions of capital, aux values, hinges).

    Limits are the k inequalities, then the c cones; bounds, rooms and owners are of both.

    Args:
        compiled: whose program it is.
        capital_usd: the scale.
        lots_per_unit: (m,) lots of each held slot in a variable of 1.
        matrix: (k, n + h) inequalities, each scaled to a largest coefficient of 1.
        bound: (k + c,) right-hand sides.
        room: (k + c,) what rounding to lots may cost.
        is_limit: (k + c,) whether it is a limit, not the definition of a hinge.
        units_per_usd: (k + c,) by how much the bound moves when its constraint gets a dollar of slack, else 0.
        owners: (k + c,) constraint of each.
        nonnegative: (n + h,) variables that are at least 0.
        signs: (m,) of the held slots: positions add up to the capital.
        short: (m,) +1 for debts, −1 for assets that may be short, 0 for what never is borrowed.
        sides: aux variables that are the long or the short side of a position.
        equations, values: (z, n + h) and (z,) equations @ y = values.
        cones: (c,).
        absences: inequality → its meaning, for inequalities that the matrix leaves empty.
        flags: the groups whose inequalities may fail in part.
    """

    compiled: CompiledPolicy
    capital_usd: float
    lots_per_unit: Array
    matrix: sparse.csr_array
    bound: Array
    room: Array
    is_limit: Mask
    units_per_usd: Array
    owners: tuple[str, ...]
    nonnegative: Mask
    signs: Array
    short: Array
    sides: Indices
    equations: sparse.csr_array
    values: Array
    cones: tuple[Cone, ...]
    absences: Mapping[int, Absence]
    flags: tuple[FlagGroup, ...]

    @property
    def slots(self) -> int:
        """m, the slots that sources own."""
        return len(self.signs)

    @property
    def width(self) -> int:
        """n + h, all variables."""
        return len(self.nonnegative)

    @property
    def inequalities(self) -> int:
        """k, the index of the first cone."""
        return int(self.matrix.shape[0])

    @cached_property
    def definitions(self) -> Indices:
        """(h,) the inequality that defines each hinge."""
        return np.flatnonzero(~self.is_limit)

    @cached_property
    def hinges(self) -> Indices:
        """(h,) columns of the hinges."""
        return np.arange(self.width - len(self.definitions), self.width)

    def whole_lots(self, solution: Array) -> tuple[int, ...]:
        """(m,) lots of a solution: assets rounded down, debts up, noise to zero. Secret."""
        lots = []
        for j, z, scale in zip(self.compiled.held_slots, solution, self.lots_per_unit, strict=False):
            slot = self.compiled.layout[j]
            if abs(z) < NEGLIGIBLE:
                lots.append(0)
                continue
            exact = float(z) * float(scale)
            count = ceil(exact) if slot.sign < 0 else floor(exact)
            lots.append(count if slot.signed else max(count, 0))
        return tuple(lots)
