"""Which constraints cannot hold together: a deletion filter over constraint names (Chinneck & Dravnieks 1991).

A constraint is dropped for good when the rest is still infeasible without it. What remains conflicts as a whole
and loses its conflict with any one of its members; the budget and the range of the positions are not up for
deletion.
"""

from __future__ import annotations

from dataclasses import replace

from optimizer.allocate.flags import solve_task
from optimizer.allocate.solver import Task
from optimizer.errors import Infeasible, SolverFailed


def conflict(task: Task) -> tuple[str, ...]:
    """Names of a minimal set of constraints in conflict, in the policy's order.

    Args:
        task: known to be infeasible.
    """
    names = tuple(c.name for c in task.program.compiled.constraints)
    search = replace(task, objective=None, homogeneous=None, least_return_annual=None)
    dropped: frozenset[str] = frozenset()
    for name in names:
        if not _feasible(replace(search, without=dropped | {name})):
            dropped |= {name}
    return tuple(name for name in names if name not in dropped)


def _feasible(task: Task) -> bool:
    """Whether a point exists; what the solver leaves undecided counts as feasible, so no member is lost."""
    try:
        solve_task(task)
    except Infeasible:
        return False
    except SolverFailed:
        return True
    return True
