"""One convex problem over the scaled program: cvxpy with HiGHS for linear objectives, Clarabel for conic ones."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import cvxpy as cp
import cvxpy.settings as status
import numpy as np
from scipy import sparse

from optimizer.allocate.cuts import MAX_CUTS, Cuts
from optimizer.allocate.objective import ConvexObjective
from optimizer.allocate.outlook import DAYS_PER_YEAR, Array, Outlook
from optimizer.allocate.scaled import Cone, Indices, Mask, ScaledProgram
from optimizer.allocate.working import WorkingSet
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
        prices: (k + c,) by how much the objective falls per unit of each limit's bound, 0 where it was left out.
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
        empty: held slots, from 0, that hold nothing.
        working: which scenario rows problems of this program have needed so far; grows as they are solved;
            None has them all.
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
    working: WorkingSet | None = None

    def kept(self) -> Mask:
        """(k + c,) limits of the constraints that are not left out, but for flags; definitions always stay."""
        owners = np.array(self.program.owners)
        kept = ~(np.isin(owners, list(self.without)) & self.program.is_limit)
        for group in self.program.flags:
            kept[group.rows] = False
        return kept

    @property
    def bound(self) -> Array:
        """(k + c,) right-hand sides less the margin and what rounding to lots may cost."""
        room = self.program.room + self.margin * self.program.is_limit
        room[list(self.thin)] = 0
        return self.program.bound - room

    def excess(self, rows: Indices, point: Array) -> Array:
        """By how much a point exceeds inequalities; positive where they fail."""
        excess = np.asarray(self.program.matrix[rows] @ point - self.bound[rows])
        for i, r in enumerate(rows.tolist()):
            if r in self.program.absences:
                excess[i] = self.program.absences[r].excess(point)
        return excess


@dataclass(frozen=True, slots=True)
class Posed:
    """A task in cvxpy.

    Args:
        variables: those of `columns`.
        columns: variables of the scaled program that are there; hinges without their definition are 0.
        scale: κ, the constant 1 unless the task is homogeneous.
        constraints: all constraints, those below included.
        expression: the objective.
        unit: its typical size.
        cost: what to minimise: the objective in its typical size, and a trifle for what is borrowed.
        rows: inequalities among the limits.
        limits: the kept inequalities, in the order of `rows`.
        cones: limit index → the kept cone, where cones are not cut.
        pinned: variables that are 0.
        pins: which says so, None where there are none.
    """

    variables: cp.Variable
    columns: Indices
    scale: cp.Expression
    constraints: list[cp.Constraint]
    expression: cp.Expression
    unit: float
    cost: cp.Expression
    rows: Indices
    limits: cp.Constraint
    cones: dict[int, cp.Constraint]
    pinned: Indices
    pins: cp.Constraint | None

    def point(self, task: Task) -> Array:
        """(n + h,) the solution x."""
        point = np.zeros(task.program.width)
        point[self.columns] = np.asarray(self.variables.value) / number(self.scale)
        return point

    def prices(self, task: Task, kept: Mask, cuts: Cuts | None) -> Array:
        """(k + c,) see `Solution`; of a homogeneous task per unit of the bound in x."""
        prices = np.zeros(len(kept))
        prices[self.rows] = np.atleast_1d(self.limits.dual_value)[: len(self.rows)]
        for limit, cone in self.cones.items():
            prices[limit] = float(np.asarray(cone.dual_value[0]).item())
        if cuts is not None:
            np.add.at(prices, cuts.owners, np.atleast_1d(self.limits.dual_value)[len(self.rows) :])
        if self.pins is not None:
            pull = np.zeros(len(task.program.nonnegative))
            pull[self.pinned] = self.pins.dual_value
            for row, absence in task.program.absences.items():
                if kept[row]:
                    prices[row] = (absence.sides * pull[absence.columns]).max(initial=0.0)
        prices *= self.unit * number(self.scale)
        return prices


def pose(task: Task, kept: Mask, cuts: Cuts | None = None) -> Posed:
    """The task under the limits that are kept; with cuts, the cones are those."""
    program, bound = task.program, task.bound
    columns = np.setdiff1d(np.arange(program.width), program.hinges[~kept[program.definitions]])
    y = cp.Variable(len(columns))
    kappa: cp.Expression = cp.Constant(1.0) if task.homogeneous is None else cp.Variable(nonneg=True)
    pinned, barred, sides = _absent(task, kept)
    rows = np.array(
        [r for r in np.flatnonzero(kept[: program.inequalities]) if r not in program.absences], dtype=np.intp
    )
    matrix, right = program.matrix[rows][:, columns], bound[rows]
    free = np.ones(len(columns))
    free[pinned] = 0
    right = np.where(
        _still(matrix, program.bound[rows], program.nonnegative[columns], free), program.bound[rows], right
    )
    if cuts is not None and cuts.rows:
        matrix, right = (
            sparse.vstack([matrix, cuts.matrix[:, columns]], format="csr"),
            np.concatenate([right, cuts.bounds]),
        )
    limits = cp.Constant(matrix) @ y <= cp.Constant(right) * kappa
    cones: dict[int, cp.Constraint] = {}
    if cuts is None:
        for i, cone in enumerate(program.cones, program.inequalities):
            if kept[i]:
                radius = cp.Constant(cone.radius[columns]) @ y + float(bound[i]) * kappa
                parts = cp.Constant(cone.matrix[:, columns]) @ y + cp.Constant(cone.constant) * kappa
                cones[i] = cp.SOC(radius, parts)
    positions = y[: program.slots]
    constraints = [limits, *cones.values(), cp.Constant(program.signs) @ positions == kappa]
    constraints.append(y[np.setdiff1d(np.flatnonzero(program.nonnegative[columns]), pinned)] >= 0)
    if len(program.values):
        constraints.append(cp.Constant(program.equations[:, columns]) @ y == cp.Constant(program.values) * kappa)
    pins = y[pinned] == 0 if len(pinned) else None
    if pins is not None:
        constraints.append(pins)
    if len(barred):
        constraints.append(cp.Constant(sparse.diags_array(sides)) @ y[barred] <= 0)
    if task.least_return_annual is not None:
        constraints.append(
            cp.Constant(task.outlook.mean * DAYS_PER_YEAR) @ positions >= task.least_return_annual * kappa
        )
    if task.homogeneous is not None:
        excess, value = task.homogeneous
        constraints.append(cp.Constant(excess) @ positions == value)
    expression: cp.Expression = cp.Constant(0.0)
    unit = 1.0
    if task.objective is not None:
        unit = task.objective.scale(task.outlook)
        expression, own = task.objective.express(task.outlook, positions)
        constraints += own
    idle: list[cp.Expression] = []
    if program.short.any():
        borrowed = cp.Variable(program.slots, nonneg=True)
        constraints.append(borrowed >= cp.Constant(sparse.diags_array(program.short)) @ positions)
        idle.append(cp.Constant(np.where(program.short != 0, TIE_BREAK, 0.0)) @ borrowed)
    if len(program.sides):
        idle.append(cp.Constant(np.full(len(program.sides), TIE_BREAK)) @ y[program.sides])
    cost = sum(idle, expression / unit)
    return Posed(y, columns, kappa, constraints, expression, unit, cost, rows, limits, cones, pinned, pins)


def _still(matrix: sparse.csr_array, bound: Array, nonnegative: Mask, free: Array) -> Mask:
    """Rows that read nothing but what is 0, or what they themselves keep at 0: whole lots take nothing from them.

    Args:
        free: (columns,) 0 for variables that are 0, else 1.
    """
    reads = abs(matrix) @ free == 0
    loosened = abs(matrix.minimum(0)) @ free + matrix.maximum(0) @ (free * ~nonnegative) > 0
    return np.asarray(reads | (~loosened & (bound == 0)))


def _absent(task: Task, kept: Mask) -> tuple[Indices, Indices, Array]:
    """Variables that are 0, and those that must not lie on one side of it, with that side."""
    barred: dict[int, float] = {}
    pinned = set(task.empty)
    for row, absence in task.program.absences.items():
        if not kept[row]:
            continue
        for column, side in zip(absence.columns.tolist(), absence.sides.tolist(), strict=True):
            if task.program.nonnegative[column] or barred.get(column, side) != side:
                pinned.add(column)
            barred[column] = side
    once = sorted(barred.keys() - pinned)
    return np.array(sorted(pinned), dtype=np.intp), np.array(once, dtype=np.intp), np.array([barred[c] for c in once])


def solve_with(task: Task, kept: Mask) -> Solution:
    """The optimum under the limits that are kept.

    Raises: Infeasible (without names), Unbounded, SolverFailed.
    """
    working = task.working
    if working is None:
        return _solve_all(task, kept)
    while True:
        try:
            solution = _solve_all(task, kept & working.rows)
        except (Unbounded, SolverFailed):
            if working.complete:
                raise
            working.fill()
            continue
        if not working.extend(kept, task.bound, solution.point):
            return solution


def _solve_all(task: Task, kept: Mask) -> Solution:
    linear = task.objective is None or task.objective.linear
    cones = kept_cones(task, kept)
    name: str = task.solver or ("HIGHS" if linear and not cones else "CLARABEL")
    if name != "HIGHS" or not cones:
        return _solution(task, kept, name, None)
    cuts = Cuts(cones)
    while len(cuts.rows) <= MAX_CUTS:
        solution = _solution(task, kept, name, cuts)
        if not cuts.cut(solution.point):
            return solution
    raise SolverFailed(name, f"a cone is not met after {MAX_CUTS} cuts; use CLARABEL")


def kept_cones(task: Task, kept: Mask) -> dict[int, tuple[Cone, float]]:
    """Limit index → kept cone and its right-hand side."""
    cones = enumerate(task.program.cones, task.program.inequalities)
    return {i: (cone, float(task.bound[i])) for i, cone in cones if kept[i]}


def _solution(task: Task, kept: Mask, name: str, cuts: Cuts | None) -> Solution:
    posed = pose(task, kept, cuts)
    name = run(cp.Problem(cp.Minimize(posed.cost), posed.constraints), name)
    if not number(posed.scale) > 0:
        raise SolverFailed(name, "it returned no point")
    return Solution(posed.point(task), number(posed.expression), posed.prices(task, kept, cuts), name)


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
