"""Row generation: scenario rows come by the thousand and few of them matter (Dantzig, Fulkerson & Johnson 1954).

A problem with some of its inequalities is a relaxation; an optimum of it that breaks none of the others is the
optimum. So scenario rows are left out until a point breaks them. What was needed once stays for later problems
of the same program, which differ little.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from optimizer.allocate.scaled import Array, Indices, Mask, ScaledProgram

MANY = 64
"""A constraint with fewer hinges or flags than this has all of its rows from the start."""
FIRST = 0.1
"""Share of the scenario rows of a constraint that the first problem has: those that an even portfolio meets first."""
TOLERANCE = 1e-8
"""How far a row that was left out may be broken, in units of its largest coefficient."""


class WorkingSet:
    """Which inequalities of a program have been needed so far.

    Args:
        rows: (k + c,) those that a problem has; all that are not lazy, to begin with.
    """

    def __init__(self, program: ScaledProgram) -> None:
        self._program = program
        flagged = {r for group in program.flags for r in group.rows.tolist()} - program.absences.keys()
        scenarios = [r for r in range(program.inequalities) if r in flagged or not program.is_limit[r]]
        counts = Counter(program.owners[r] for r in scenarios)
        self._families: dict[str, Indices] = {
            owner: np.array([r for r in scenarios if program.owners[r] == owner], dtype=np.intp)
            for owner, count in counts.items()
            if count >= MANY
        }
        self.rows: Mask = np.ones(len(program.owners), dtype=np.bool_)
        even = np.where(program.signs > 0, 1.0 / max(int((program.signs > 0).sum()), 1), 0.0)
        point = np.pad(even, (0, program.width - program.slots))
        for family in self._families.values():
            self.rows[family] = False
            excess = program.matrix[family] @ point - program.bound[family]
            self.rows[family[np.argsort(-excess, kind="stable")[: int(FIRST * len(family)) + 1]]] = True

    @property
    def complete(self) -> bool:
        """Whether nothing is left out."""
        return bool(self.rows.all())

    def fill(self) -> None:
        """Leave nothing out."""
        self.rows[:] = True

    def extend(self, kept: Mask, bound: Array, point: Array) -> bool:
        """Take in the kept rows that a point breaks, and as many again that it comes closest to.

        Returns: whether it breaks any.
        """
        broken = False
        for family in self._families.values():
            missing = family[kept[family] & ~self.rows[family]]
            excess = self._program.matrix[missing] @ point - bound[missing]
            count = int((excess > TOLERANCE).sum())
            if count:
                self.rows[missing[np.argsort(-excess, kind="stable")[: 2 * count]]] = True
                broken = True
        return broken
