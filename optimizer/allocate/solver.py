"""One convex problem over the scaled program: cvxpy with HiGHS for linear objectives, Clarabel for conic ones."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import cvxpy as cp
import cvxpy.settings as status
import numpy as np
from numpy.typing import NDArray

from optimizer.allocate.objective import ConvexObjective
from optimizer.allocate.outlook import DAYS_PER_YEAR, Array, Outlook
from optimizer.allocate.scaled import Mask, ScaledProgram
from optimizer.errors import Infeasible, SolverFailed, Unbounded

SolverName = Literal["HIGHS", "CLARABEL"]

Exempt = frozenset[int]
"""Inequalities that need not hold."""

_OPTIONS: dict[str, dict[str, Any]] = {
    "HIGHS": {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
    "CLARABEL": {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9},
}


@dataclass(frozen=True, slots=True)
class Solution:
    """A point that a solver returned. Secret.

    Args:
        point: (n + h,) variables of the scaled program.
        objective: value of what was minimised.
        prices: (k,) how much each inequality holds the objective back, 0 where it was left out.
        solver: who found it.
    """

    point: Array
    objective: float
    prices: Array
    solver: str


@dataclass(frozen=True)
class Task:
    """A problem but for the flags.

    Args:
        program: the limits.
        outlook: the beliefs.
        objective: what to minimise; None asks for any feasible point.
        margin: how far inside every limit the point must stay, in scaled units.
        least_return_annual: lower bound of the expected return, None for no bound.
        homogeneous: (excess, value): pose the problem in (y, κ) with x = y/κ and excess·y = value; None for x itself.
        solver: overrides the choice of solver.
        without: constraints left out.
        thin: inequalities that leave no room for a lot or a margin, see `thin_rows`.
    """

    program: ScaledProgram
    outlook: Outlook
    objective: ConvexObjective | None
    margin: float
    least_return_annual: float | None = None
    homogeneous: tuple[Array, float] | None = None
    solver: SolverName | None = None
    without: frozenset[str] = frozenset()
    thin: frozenset[int] = frozenset()

    def kept(self) -> Mask:
        """(k,) inequalities of the constraints that are not left out; definitions of hinges always stay."""
        owners = np.array(self.program.owners)
        return ~(np.isin(owners, list(self.without)) & self.program.is_limit)

    @property
    def bound(self) -> Array:
        """(k,) right-hand sides less the margin and what rounding to lots may cost."""
        room = self.program.room + self.margin * self.program.is_limit
        room[list(self.thin)] = 0
        return self.program.bound - room

    def excess(self, rows: NDArray[np.intp], point: Array) -> Array:
        """By how much a point exceeds inequalities; positive where they fail."""
        return np.asarray(self.program.matrix[rows] @ point - self.bound[rows])


@dataclass(frozen=True, slots=True)
class Posed:
    """A task in cvxpy.

    Args:
        variables: (n + h,) y.
        scale: κ, the constant 1 unless the task is homogeneous.
        limits: the inequalities.
        constraints: all constraints, the limits included.
        expression: what to minimise.
    """

    variables: cp.Variable
    scale: cp.Expression
    limits: cp.Constraint
    constraints: list[cp.Constraint]
    expression: cp.Expression


def pose(task: Task, kept: Mask) -> Posed:
    """The task under the inequalities that are kept."""
    program = task.program
    y = cp.Variable(program.matrix.shape[1])
    kappa: cp.Expression = cp.Constant(1.0) if task.homogeneous is None else cp.Variable(nonneg=True)
    chosen = np.flatnonzero(kept)
    limits = cp.Constant(program.matrix[chosen]) @ y <= cp.Constant(task.bound[chosen]) * kappa
    positions = y[: program.slots]
    constraints = [limits, cp.Constant(program.budget[: program.slots]) @ positions == kappa]
    constraints.append(y[np.flatnonzero(program.nonnegative)] >= 0)
    if task.least_return_annual is not None:
        constraints.append(
            cp.Constant(task.outlook.mean * DAYS_PER_YEAR) @ positions >= task.least_return_annual * kappa
        )
    if task.homogeneous is not None:
        excess, value = task.homogeneous
        constraints.append(cp.Constant(excess) @ positions == value)
    expression: cp.Expression = cp.Constant(0.0)
    if task.objective is not None:
        expression, own = task.objective.express(task.outlook, positions)
        constraints += own
    return Posed(y, kappa, limits, constraints, expression)


def solve_with(task: Task, kept: Mask) -> Solution:
    """The optimum under the inequalities that are kept.

    Raises: Infeasible (without names), Unbounded, SolverFailed.
    """
    posed = pose(task, kept)
    linear = task.objective is None or task.objective.linear
    name = task.solver or ("HIGHS" if linear else "CLARABEL")
    run(cp.Problem(cp.Minimize(posed.expression), posed.constraints), name)
    scale = number(posed.scale)
    if not scale > 0:
        raise SolverFailed(name, "it returned no point")
    prices = np.zeros(len(kept))
    prices[kept] = posed.limits.dual_value
    return Solution(np.asarray(posed.variables.value) / scale, number(posed.expression), prices, name)


def number(expression: cp.Expression) -> float:
    """The value of a scalar expression after a solve."""
    return float(np.asarray(expression.value, dtype=np.float64).item())


def run(problem: cp.Problem, solver: str, **options: Any) -> None:
    """Solve, and turn everything but an optimum into a typed error.

    Raises: Infeasible (without names), Unbounded, SolverFailed.
    """
    try:
        with warnings.catch_warnings():
            # An inaccurate solution is a status below, and then an error; cvxpy also warns of it.
            warnings.simplefilter("ignore", UserWarning)
            problem.solve(solver=solver, **_OPTIONS[solver], **options)  # type: ignore[no-untyped-call]
    except cp.SolverError as error:
        raise SolverFailed(solver, str(error)) from error
    if problem.status in (status.INFEASIBLE_OR_UNBOUNDED, cp.INFEASIBLE_INACCURATE) and not _constant(problem):
        run(cp.Problem(cp.Minimize(0), problem.constraints), solver, **options)
        raise Unbounded()
    if problem.status in (cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE, status.INFEASIBLE_OR_UNBOUNDED):
        raise Infeasible()
    if problem.status in (cp.UNBOUNDED, cp.UNBOUNDED_INACCURATE):
        raise Unbounded()
    if problem.status != cp.OPTIMAL:
        raise SolverFailed(solver, problem.status)


def _constant(problem: cp.Problem) -> bool:
    return bool(problem.objective.expr.is_constant())
