"""Which constraints cannot hold together, and which leave no room for a lot.

Conflicts are found by a deletion filter over constraint names (Chinneck & Dravnieks 1991). A constraint is
dropped for good when the rest is still infeasible without it. What remains conflicts as a whole and loses its
conflict with any one of its members; the budget and the range of the positions are not up for deletion.

A limit may also hold with equality whatever the fund does, such as a gross leverage of 1 without debts. It has
no room for the lots that are taken off everywhere else, and needs none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optimizer.allocate.flags import solve_task
from optimizer.allocate.solver import Task
from optimizer.errors import Infeasible, SolverFailed, Unbounded


def conflict(task: Task) -> tuple[str, ...]:
    """Names of a minimal set of constraints in conflict, in the policy's order.

    Args:
        task: infeasible with room for rounding.
    Raises: SolverFailed: it is feasible without that room.
    """
    names = tuple(c.name for c in task.program.compiled.constraints)
    everything = frozenset(range(len(task.program.bound)))
    search = replace(task, objective=None, homogeneous=None, least_return_annual=None, thin=everything)
    if _feasible(_convex(search)):
        if _feasible(search):
            raise SolverFailed("rounding to lots", "the limits leave less than a lot of room; loosen them slightly")
    else:
        # The limits that may fail in part are not needed for a conflict, and without them it is sooner found.
        search = _convex(search)
    dropped: frozenset[str] = frozenset()
    for name in names:
        if not _feasible(replace(search, without=search.without | dropped | {name})):
            dropped |= {name}
    return tuple(name for name in names if name not in search.without | dropped)


def _convex(task: Task) -> Task:
    """The task without the constraints that count flags."""
    return replace(task, without=task.without | {group.constraint for group in task.program.flags})


def _feasible(task: Task) -> bool:
    """Whether a point exists; what is left undecided counts as feasible, so no member is lost.

    Without the limits that are dropped, a search for flags may run away on its way to a point.
    """
    try:
        solve_task(task)
    except Infeasible:
        return False
    except (SolverFailed, Unbounded):
        return True
    return True


def thin_rows(task: Task) -> frozenset[int]:
    """Inequalities of constraints that cannot give room for lots beside the others.

    Args:
        task: infeasible with room for rounding.
    Raises: Infeasible: the limits conflict even without any room (without names).
    """
    owners = np.array(task.program.owners)
    thin = frozenset(range(len(owners)))
    search = replace(task, objective=None, homogeneous=None)
    solve_task(replace(search, thin=thin))
    for name in dict.fromkeys(task.program.owners):
        roomier = thin - frozenset(np.flatnonzero(owners == name).tolist())
        if _feasible(replace(search, thin=roomier)):
            thin = roomier
    return thin
