"""One convex problem over the scaled program: cvxpy with HiGHS for linear objectives, Clarabel for conic ones."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import cvxpy as cp
import cvxpy.settings as status
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.allocate.objective import ConvexObjective
from optimizer.allocate.outlook import DAYS_PER_YEAR, Array, Outlook
from optimizer.allocate.scaled import Mask, ScaledProgram
from optimizer.errors import Infeasible, SolverFailed, Unbounded

SolverName = Literal["HIGHS", "CLARABEL"]

TIE_BREAK = 1e-6
"""Cost of borrowing or shorting a whole capital, in typical sizes of the objective.

Without it a solver may borrow money and hold it: the objective does not mind, the fund does."""

Exempt = frozenset[int]
"""Inequalities that need not hold."""

_TIGHT_SIMPLEX = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
_TIGHT_CONIC = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
_REDUCED_CONIC = {"reduced_tol_gap_abs": 1e-6, "reduced_tol_gap_rel": 1e-6, "reduced_tol_feas": 1e-7}

_OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "HIGHS": (_TIGHT_SIMPLEX, {"highs_options": {"solver": "ipm"}}, {"highs_options": {"presolve": "off"}}),
    "CLARABEL": (_TIGHT_CONIC, {}, _REDUCED_CONIC),
}
"""What is tried in turn: tight tolerances, then what copes with badly scaled data. Every answer is checked in
integers afterwards, so a looser tolerance may cost a little of the objective, never correctness."""

REDUCED = " at reduced accuracy"
"""Stands behind the solver's name where the optimum is good to about 1e-6 of capital only."""


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
        empty: source slots, from 0, that hold nothing.
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
    empty: frozenset[int] = frozenset()

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
        expression: the objective.
        cost: what to minimise: the objective in its typical size, and a trifle for what is borrowed.
    """

    variables: cp.Variable
    scale: cp.Expression
    limits: cp.Constraint
    constraints: list[cp.Constraint]
    expression: cp.Expression
    cost: cp.Expression


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
    if task.empty:
        constraints.append(y[sorted(task.empty)] == 0)
    if task.homogeneous is not None:
        excess, value = task.homogeneous
        constraints.append(cp.Constant(excess) @ positions == value)
    expression: cp.Expression = cp.Constant(0.0)
    unit = 1.0
    if task.objective is not None:
        unit = task.objective.scale(task.outlook)
        expression, own = task.objective.express(task.outlook, positions)
        constraints += own
    short = program.short[: program.slots]
    borrowed = cp.Variable(program.slots, nonneg=True)
    constraints.append(borrowed >= cp.Constant(sparse.diags_array(short)) @ positions)
    cost = expression / unit + cp.Constant(np.where(short != 0, TIE_BREAK, 0.0)) @ borrowed
    return Posed(y, kappa, limits, constraints, expression, cost)


def solve_with(task: Task, kept: Mask) -> Solution:
    """The optimum under the inequalities that are kept.

    Raises: Infeasible (without names), Unbounded, SolverFailed.
    """
    posed = pose(task, kept)
    linear = task.objective is None or task.objective.linear
    name: str = task.solver or ("HIGHS" if linear else "CLARABEL")
    name = run(cp.Problem(cp.Minimize(posed.cost), posed.constraints), name)
    scale = number(posed.scale)
    if not scale > 0:
        raise SolverFailed(name, "it returned no point")
    prices = np.zeros(len(kept))
    prices[kept] = posed.limits.dual_value
    return Solution(np.asarray(posed.variables.value) / scale, number(posed.expression), prices, name)


def number(expression: cp.Expression) -> float:
    """The value of a scalar expression after a solve."""
    return float(np.asarray(expression.value, dtype=np.float64).item())


def run(problem: cp.Problem, solver: str, **options: Any) -> str:
    """Solve, and turn everything but an optimum into a typed error.

    Returns: the solver's name, and how it fell short where it did.
    Raises: Infeasible (without names), Unbounded, SolverFailed.
    """
    verdict = ""
    for attempt in _OPTIONS[solver]:
        verdict = _verdict(problem, solver, attempt | options)
        if verdict == cp.OPTIMAL:
            return solver
        if verdict == cp.OPTIMAL_INACCURATE and attempt is _REDUCED_CONIC:
            return solver + REDUCED
        if verdict == cp.INFEASIBLE:
            raise Infeasible()
        if verdict == cp.UNBOUNDED:
            raise Unbounded()
        if verdict == status.INFEASIBLE_OR_UNBOUNDED and not problem.objective.expr.is_constant():
            run(cp.Problem(cp.Minimize(0), problem.constraints), solver, **options)
            raise Unbounded()
        if verdict == status.USER_LIMIT:
            break
    raise SolverFailed(solver, verdict)


def _verdict(problem: cp.Problem, solver: str, options: dict[str, Any]) -> str:
    """What the solver said."""
    try:
        with warnings.catch_warnings():
            # An inaccurate solution is a verdict of its own; cvxpy also warns of it.
            warnings.simplefilter("ignore", UserWarning)
            problem.solve(solver=solver, **options)  # type: ignore[no-untyped-call]
    except cp.SolverError as error:
        return str(error)
    except ValueError:
        # cvxpy cannot unpack the answer of a solver that stopped without any verdict.
        return "it stopped without a verdict"
    return str(problem.status)
