"""What can go wrong in `optimizer`, by what the caller should do about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path


class OptimizerError(Exception):
    """Base class of every error that this package raises on purpose."""


@dataclass(eq=False)
class DataError(OptimizerError):
    """Data from outside that cannot be used.

    Args:
        detail: what is wrong and what to do about it.
        file: where it was read, None for data that never was in a file.
        column: the column of a table, or the field of a document ("instruments.3.price_usd").
        date: the first date at which it is wrong.
    """

    detail: str
    file: str | Path | None = None
    column: str | None = None
    date: dt.date | None = None

    def __str__(self) -> str:
        where = [] if self.file is None else [str(self.file)]
        where += [] if self.column is None else [f"column {self.column!r}" if self.date else repr(self.column)]
        where += [] if self.date is None else [self.date.isoformat()]
        return ": ".join([*([", ".join(where)] if where else []), self.detail])


@dataclass(eq=False)
class PolicyError(OptimizerError):
    """A policy that cannot be compiled.

    Args:
        field: where in the policy, e.g. "constraints.2.limit".
        detail: what is wrong and what to do about it.
        file: where it was read, None for a policy that was never in a file, or one that only fails on a market.
    """

    field: str
    detail: str
    file: str | Path | None = None

    def __str__(self) -> str:
        return f"{'' if self.file is None else f'{self.file}: '}{self.field}: {self.detail}"


@dataclass(eq=False)
class Infeasible(OptimizerError):
    """No allocation satisfies the policy.

    Args:
        constraints: names of constraints that cannot hold together; dropping or loosening one of them may help.
    """

    constraints: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        if not self.constraints:
            return "no allocation satisfies the policy"
        return "no allocation satisfies these constraints together: " + ", ".join(self.constraints)


@dataclass(eq=False)
class Unbounded(OptimizerError):
    """The objective grows without limit: the policy lacks a constraint that bounds it."""

    detail: str = "add a constraint that bounds the positions, such as gross leverage"

    def __str__(self) -> str:
        return f"the objective is unbounded under the policy: {self.detail}"


@dataclass(eq=False)
class SolverFailed(OptimizerError):
    """A solver gave up without an answer.

    Args:
        solver: its name.
        status: what it said.
    """

    solver: str
    status: str

    def __str__(self) -> str:
        return f"solver {self.solver} gave no answer: {self.status}"
