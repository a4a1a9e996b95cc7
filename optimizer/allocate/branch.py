"""Exact choice of the scenarios in which a limit may fail: mixed-integer branch and bound with HiGHS.

A flag f_r ∈ {0, 1} lets inequality r fail by at most M_r, the most by which it can fail under all the other
limits, which one warm-started simplex run per inequality finds.
"""

from __future__ import annotations

from math import inf

import cvxpy as cp
import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from optimizer.allocate.outlook import DAYS_PER_YEAR, Array
from optimizer.allocate.scaled import FlagGroup, Mask
from optimizer.allocate.solver import Exempt, Solution, Task, pose, run, solve_with
from optimizer.errors import SolverFailed

SECONDS = 60.0
"""Time after which the search gives up undecided."""


def branch_and_bound(task: Task, kept: Mask, groups: list[FlagGroup]) -> tuple[Solution, Exempt]:
    """The optimum over all choices of exempt inequalities.

    Args:
        task: with a linear objective or none.
        kept: inequalities that hold in any case.
        groups: those of which some may fail.
    Raises: Infeasible: proved (without names); SolverFailed: undecided within the time limit.
    """
    posed = pose(task, kept)
    constraints, flags = list(posed.constraints), []
    for group in groups:
        flag = cp.Variable(len(group.rows), boolean=True)
        excess = cp.Constant(task.program.matrix[group.rows]) @ posed.variables - task.bound[group.rows]
        largest = sparse.diags_array(_largest_excess(task, kept, group.rows), format="csr")
        constraints.append(excess <= cp.Constant(largest) @ flag)
        constraints.append(cp.Constant(group.weights) @ flag <= group.budget)
        flags.append(flag)
    problem = cp.Problem(cp.Minimize(posed.cost), constraints)
    try:
        run(problem, "HIGHS", time_limit=SECONDS, mip_rel_gap=1e-6)
    except SolverFailed as error:
        status = f"undecided after {SECONDS:.0f} s which scenarios may exceed the limit ({error.status})"
        raise SolverFailed("HIGHS", status) from error
    raised = [group.rows[np.asarray(flag.value) > 0.5] for group, flag in zip(groups, flags, strict=True)]
    exempt = frozenset(int(r) for rows in raised for r in rows)
    all_rows = [r for group in groups for r in group.rows.tolist()]
    held = kept.copy()
    held[[r for r in all_rows if r not in exempt]] = True
    return solve_with(task, held), exempt


def _largest_excess(task: Task, kept: Mask, rows: NDArray[np.intp]) -> Array:
    """(f,) M: the most by which each inequality can fail while the kept ones hold, never below 0."""
    program = task.program
    width = program.matrix.shape[1]
    extra = [np.concatenate([program.budget[: program.slots], np.zeros(width - program.slots)])]
    lower, upper = [1.0], [1.0]
    if task.least_return_annual is not None:
        extra.append(np.concatenate([task.outlook.mean * DAYS_PER_YEAR, np.zeros(width - program.slots)]))
        lower.append(task.least_return_annual)
        upper.append(inf)
    matrix = sparse.csr_array(sparse.vstack([program.matrix[kept], sparse.csr_array(np.array(extra))]))
    held = task.bound[kept]
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = width, matrix.shape[0]
    model.col_cost_ = np.zeros(width)
    model.col_lower_ = np.where(program.nonnegative, 0.0, -inf)
    model.col_upper_ = np.full(width, inf)
    model.row_lower_ = np.concatenate([np.full(len(held), -inf), lower])
    model.row_upper_ = np.concatenate([held, upper])
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
    largest = []
    for r in rows:
        solver.changeColsCost(width, columns, program.matrix[[r]].toarray().ravel())
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            status = solver.modelStatusToString(solver.getModelStatus())
            raise SolverFailed("HIGHS", f"no bound on how far a scenario's limit may fail: {status}")
        largest.append(max(solver.getObjectiveValue() - float(task.bound[r]), 0.0))
    return np.array(largest) * (1 + 1e-6) + 1e-9
