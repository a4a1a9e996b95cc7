"""Exact choice of the inequalities that may fail: mixed-integer branch and bound with HiGHS.

A flag f_r ∈ {0, 1} lets inequality r fail by at most M_r, the most by which it can fail under all the other
inequalities, which one warm-started simplex run per inequality finds. Cones are cut until the answer meets them. A
limit of positions that all may be empty, such as the health of a lending account, leaves room for rounding only
where one of them is held.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from math import inf

import cvxpy as cp
import highspy
import numpy as np
from scipy import sparse

from optimizer.allocate.cuts import MAX_CUTS, Cuts
from optimizer.allocate.outlook import DAYS_PER_YEAR, Array
from optimizer.allocate.scaled import FlagGroup, Mask
from optimizer.allocate.solver import Exempt, Posed, Solution, Task, kept_cones, pose, run, solve_with
from optimizer.errors import Infeasible, SolverFailed

SECONDS = 60.0
"""Time after which the search gives up undecided."""


def branch_and_bound(task: Task, kept: Mask, groups: Sequence[FlagGroup]) -> tuple[Solution, Exempt]:
    """The optimum over all choices of exempt inequalities.

    Args:
        task: with a linear objective or none.
        kept: limits that hold in any case.
        groups: those of which some inequalities may fail.
    Raises: Infeasible: proved (without names); SolverFailed: undecided within the time limit.
    """
    rows = sorted({int(r) for group in groups for r in group.rows})
    idle = _idle(task, kept, rows)
    always = kept.copy()
    always[list(idle)] = False
    largest = _largest_excess(task, always, rows)
    cuts = Cuts(kept_cones(task, kept))
    deadline = time.monotonic() + SECONDS
    while len(cuts.rows) <= MAX_CUTS:
        posed = pose(task, always, cuts)
        flag = cp.Variable(len(rows), boolean=True)
        index = {r: i for i, r in enumerate(rows)}
        budgets = [
            cp.Constant(group.weights) @ flag[[index[int(r)] for r in group.rows]] <= group.budget for group in groups
        ]
        released = _released(task, posed, rows, largest, flag)
        constraints = [*posed.constraints, *released, *_when_held(task, posed, idle, flag), *budgets]
        _solve(cp.Problem(cp.Minimize(posed.cost), constraints), deadline - time.monotonic())
        if not cuts.cut(posed.point(task)):
            exempt = frozenset(r for r, up in zip(rows, np.asarray(flag.value) > 0.5, strict=True) if up)
            held = kept.copy()
            held[[r for r in rows if r not in exempt]] = True
            try:
                return solve_with(task, held), exempt
            except Infeasible as error:
                raise SolverFailed(
                    "HIGHS", "the choice that it found keeps the limits only within its tolerance"
                ) from error
    raise SolverFailed("HIGHS", f"a cone is not met after {MAX_CUTS} cuts")


def _released(task: Task, posed: Posed, rows: Sequence[int], largest: Array, flag: cp.Variable) -> list[cp.Constraint]:
    """Inequalities that fail by at most their largest excess, where their flag is up."""
    program = task.program
    plain = [i for i, r in enumerate(rows) if r not in program.absences]
    chosen = [rows[i] for i in plain]
    released = []
    if plain:
        excess = cp.Constant(program.matrix[chosen]) @ posed.variables - task.bound[chosen]
        released.append(excess <= cp.Constant(sparse.diags_array(largest[plain])) @ flag[plain])
    for i, r in enumerate(rows):
        absence = program.absences.get(r)
        if absence is not None and len(absence.columns):
            sides = cp.Constant(sparse.diags_array(absence.sides))
            released.append(sides @ posed.variables[absence.columns] <= largest[i] * flag[i])
    return released


def _idle(task: Task, kept: Mask, rows: Sequence[int]) -> dict[int, list[int]]:
    """Kept inequality → the flags of all that can loosen it, where empty positions meet it exactly."""
    program = task.program
    raises: dict[int, dict[int, set[float]]] = {}
    for i, r in enumerate(rows):
        absence = program.absences.get(r)
        for column, side in zip(absence.columns, absence.sides, strict=True) if absence is not None else ():
            raises.setdefault(int(column), {}).setdefault(i, set()).add(float(side))
    idle = {}
    for r in np.flatnonzero(kept[: program.inequalities] & (task.bound < 0)[: program.inequalities]).tolist():
        if r in program.absences or program.bound[r] != 0:
            continue
        row = program.matrix[[r]]
        # What can only tighten an inequality stays 0 with the rest.
        loosening = [
            c for c, w in zip(row.indices.tolist(), row.data, strict=True) if w < 0 or not program.nonnegative[c]
        ]
        if loosening and all(c in raises and (program.nonnegative[c] or _both_sides(raises[c])) for c in loosening):
            idle[r] = sorted({i for c in loosening for i in raises[c]})
    return idle


def _both_sides(raised: Mapping[int, set[float]]) -> bool:
    return len(set().union(*raised.values())) == 2


def _when_held(task: Task, posed: Posed, idle: Mapping[int, Sequence[int]], flag: cp.Variable) -> list[cp.Constraint]:
    """Inequalities whose room is taken by each flag that is up."""
    pairs = [(r, i) for r, flags in idle.items() for i in flags]
    if not pairs:
        return []
    limits, flags = (list(of) for of in zip(*pairs, strict=True))
    bound = task.program.bound[limits]
    room = cp.Constant(sparse.diags_array(bound - task.bound[limits])) @ flag[flags]
    return [cp.Constant(task.program.matrix[limits]) @ posed.variables + room <= bound]


def _solve(problem: cp.Problem, seconds: float) -> None:
    try:
        run(problem, "HIGHS", time_limit=max(seconds, 0.1), mip_rel_gap=1e-6, mip_feasibility_tolerance=1e-9)
    except SolverFailed as error:
        status = f"undecided after {SECONDS:.0f} s which limits may fail ({error.status})"
        raise SolverFailed("HIGHS", status) from error


def _largest_excess(task: Task, kept: Mask, rows: Sequence[int]) -> Array:
    """(f,) M: the most by which each inequality can fail while the kept ones hold, never below 0.

    Cones and what reads hinges are left out: that makes M larger at worst, and the many simplex runs short.
    """
    program, width = task.program, task.program.width
    extra = [np.pad(program.signs, (0, width - program.slots))]
    lower, upper = [1.0], [1.0]
    if task.least_return_annual is not None:
        extra.append(np.pad(task.outlook.mean * DAYS_PER_YEAR, (0, width - program.slots)))
        lower.append(task.least_return_annual)
        upper.append(inf)
    hinged = abs(program.matrix)[:, program.hinges].sum(axis=1) > 0
    inequalities = np.flatnonzero(kept[: program.inequalities] & ~hinged)
    held = task.bound[inequalities]
    blocks = [program.matrix[inequalities], sparse.csr_array(np.array(extra)), program.equations]
    matrix = sparse.csr_array(sparse.vstack(blocks))
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = width, matrix.shape[0]
    model.col_cost_ = np.zeros(width)
    # No position, and no side of one, is larger than the gross cap.
    most = float(program.compiled.policy.gross_cap_usd) / program.capital_usd
    bounded = np.union1d(np.arange(program.slots), program.sides)
    model.col_lower_ = np.where(program.nonnegative, 0.0, np.where(np.isin(np.arange(width), bounded), -most, -inf))
    model.col_upper_ = np.where(np.isin(np.arange(width), bounded), most, inf)
    model.row_lower_ = np.concatenate([np.full(len(held), -inf), lower, program.values])
    model.row_upper_ = np.concatenate([held, upper, program.values])
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = (
        matrix.indptr,
        matrix.indices,
        matrix.data,
    )
    model.sense_ = highspy.ObjSense.kMaximize
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.passModel(model)
    columns = np.arange(width, dtype=np.int32)

    def largest(cost: Array) -> float:
        solver.changeColsCost(width, columns, cost)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            status = solver.modelStatusToString(solver.getModelStatus())
            raise SolverFailed("HIGHS", f"no bound on how far a limit may fail: {status}")
        return float(solver.getObjectiveValue())

    found = []
    for r in rows:
        absence = program.absences.get(r)
        if absence is None:
            costs, bound = [program.matrix[[r]].toarray().ravel()], float(task.bound[r])
        else:
            costs, bound = (
                [s * (np.arange(width) == c) for c, s in zip(absence.columns, absence.sides, strict=True)],
                0.0,
            )
        found.append(max([largest(cost) - bound for cost in costs], default=0.0))
    return np.maximum(found, 0.0) * (1 + 1e-6) + 1e-9
