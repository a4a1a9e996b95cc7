"""Limits that may fail in a few scenarios, such as historical VaR: a non-convex count over convex problems.

Which scenarios are exempt is a choice of at most `budget` inequalities per group; for a fixed choice the problem
is convex, and its optimum satisfies the exact limit (an inner approximation). The search starts from the optimum
without these limits, which is the answer if it happens to keep them, and exempts the worst scenarios of several
points; then it spends unused exemptions where the limits hold the objective back most, and exchanges single ones,
as long as that improves. It is a local search: its answer is always allowed, and for linear objectives `exact`
replaces it by HiGHS branch and bound, which also decides when no choice was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from optimizer.allocate.branch import branch_and_bound
from optimizer.allocate.objective import MinimiseShortfall
from optimizer.allocate.outlook import Array
from optimizer.allocate.scaled import FlagGroup, Mask
from optimizer.allocate.solver import Exempt, Solution, Task, solve_with
from optimizer.errors import Infeasible, SolverFailed

MAX_ROUNDS = 12
MAX_EXCHANGES = 24
CANDIDATES = 4
IMPROVEMENT = 1e-6
TOLERANCE = 1e-9
DUST = 1e-5
"""Positions below this fraction of capital are not worth having after an interior-point solve."""


def solve_task(task: Task, *, exact: bool = False, hint: Exempt | None = None) -> tuple[Solution, Exempt]:
    """The best point found under all limits, and what it exempts.

    Args:
        task: the problem.
        exact: decide the exemptions by branch and bound, for linear objectives.
        hint: exemptions of a similar problem, tried too.
    Raises: Infeasible: proved that no point exists (without names); Unbounded, SolverFailed.
    """
    groups = [group for group in task.program.flags if group.constraint not in task.without]
    solution, exempt = _search(task, groups, exact, hint)
    return _without_dust(task, _kept(task, groups, exempt), solution), exempt


def _without_dust(task: Task, kept: Mask, solution: Solution) -> Solution:
    """The same optimum without the crumbs that an interior-point method leaves in every position."""
    sizes = np.abs(solution.point[: task.program.slots])
    dust = frozenset(np.flatnonzero((sizes > 0) & (sizes < DUST)).tolist())
    if not solution.solver.startswith("CLARABEL") or not dust:
        return solution
    try:
        return solve_with(replace(task, empty=dust), kept)
    except (Infeasible, SolverFailed):
        # A limit needs the crumbs.
        return solution


def _search(task: Task, groups: list[FlagGroup], exact: bool, hint: Exempt | None) -> tuple[Solution, Exempt]:
    if not groups:
        return solve_with(task, task.kept()), frozenset()
    every = frozenset(r for g in groups for r in g.rows.tolist())
    relaxed = solve_with(task, _kept(task, groups, every))
    raised = [_raised(task, group, relaxed.point) for group in groups]
    if all(group.weights[up].sum() <= group.budget for group, up in zip(groups, raised, strict=True)):
        return relaxed, frozenset(int(r) for g, up in zip(groups, raised, strict=True) for r in g.rows[up])
    if exact and (task.objective is None or task.objective.linear) and task.homogeneous is None:
        return branch_and_bound(task, _kept(task, groups, every), groups)
    best: tuple[Solution, Exempt] | None = None
    for start in _starts(task, groups, relaxed, hint):
        found = _improve(task, groups, start)
        if found is not None and (best is None or found[0].objective < best[0].objective):
            best = found
    if best is not None:
        return best if task.objective is None else _exchange(task, groups, best)
    feasible = branch_and_bound(replace(task, objective=None, homogeneous=None), _kept(task, groups, every), groups)
    if task.objective is None:
        return feasible
    found = _improve(task, groups, feasible[1])
    if found is None:
        raise SolverFailed(feasible[0].solver, "a feasible choice of scenarios became infeasible")
    return _exchange(task, groups, found)


def _kept(task: Task, groups: list[FlagGroup], exempt: Exempt) -> Mask:
    kept = task.kept()
    for group in groups:
        kept[[r for r in group.rows.tolist() if r in exempt]] = False
    return kept


def _raised(task: Task, group: FlagGroup, point: Array) -> Mask:
    """(f,) which inequalities fail."""
    return task.excess(group.rows, point) > TOLERANCE


def _worst(group: FlagGroup, score: Array) -> Iterator[int]:
    """Inequalities in falling order of score, as many as the budget allows."""
    left = group.budget
    for i in np.argsort(-score, kind="stable"):
        if group.weights[i] > left:
            return
        left -= int(group.weights[i])
        yield int(group.rows[i])


def _starts(task: Task, groups: list[FlagGroup], relaxed: Solution, hint: Exempt | None) -> Iterator[Exempt]:
    """Choices worth a try: the worst scenarios of the relaxed optimum, of a cautious point, and the hint."""
    points = [relaxed.point]
    cautious = replace(task, objective=MinimiseShortfall(), homogeneous=None, solver=None)
    every = frozenset(r for g in groups for r in g.rows.tolist())
    points.append(solve_with(cautious, _kept(task, groups, every)).point)
    starts = [frozenset(r for g in groups for r in _worst(g, task.excess(g.rows, point))) for point in points]
    yield from dict.fromkeys([*([] if hint is None else [hint]), *starts])


def _improve(task: Task, groups: list[FlagGroup], exempt: Exempt) -> tuple[Solution, Exempt] | None:
    """Solve, spend unused exemptions where the limits cost most, and repeat while that helps."""
    best: tuple[Solution, Exempt] | None = None
    for _ in range(MAX_ROUNDS):
        try:
            solution = solve_with(task, _kept(task, groups, exempt))
        except Infeasible:
            return best
        if best is not None and solution.objective > best[0].objective - IMPROVEMENT * (1 + abs(best[0].objective)):
            return best
        best = solution, exempt
        if task.objective is None:
            return best
        exempt = frozenset(r for g in groups for r in _worst(g, _score(task, g, solution)))
        if exempt == best[1]:
            return best
    return best


def _exchange(task: Task, groups: list[FlagGroup], best: tuple[Solution, Exempt]) -> tuple[Solution, Exempt]:
    """Give the exemption of a scenario that barely needs it to one whose limit costs much, while that improves."""
    tried: set[Exempt] = {best[1]}
    while len(tried) <= MAX_EXCHANGES:
        for exempt in _neighbours(task, groups, best):
            if exempt in tried:
                continue
            tried.add(exempt)
            found = _improve(task, groups, exempt)
            if found is not None and found[0].objective < best[0].objective - IMPROVEMENT * abs(best[0].objective):
                best = found
                break
            if len(tried) > MAX_EXCHANGES:
                break
        else:
            return best
    return best


def _neighbours(task: Task, groups: list[FlagGroup], best: tuple[Solution, Exempt]) -> Iterator[Exempt]:
    solution, exempt = best
    for group in groups:
        excess = dict(zip(group.rows.tolist(), task.excess(group.rows, solution.point).tolist(), strict=True))
        weight = dict(zip(group.rows.tolist(), group.weights.tolist(), strict=True))
        price = dict(zip(group.rows.tolist(), np.abs(solution.prices[group.rows]).tolist(), strict=True))
        given = sorted((r for r in excess if r in exempt), key=lambda r: excess[r])[:CANDIDATES]
        wanted = sorted((r for r in excess if r not in exempt and price[r] > TOLERANCE), key=lambda r: -price[r])
        for wants in wanted[:CANDIDATES]:
            yield from ((exempt - {gives}) | {wants} for gives in given if weight[wants] <= weight[gives])


def _score(task: Task, group: FlagGroup, solution: Solution) -> Array:
    """Inequalities that fail come first, by how much; then those whose price is highest."""
    excess = task.excess(group.rows, solution.point)
    prices = np.abs(solution.prices[group.rows])
    return np.where(excess > TOLERANCE, 1e12 + excess, prices / (1 + prices.max(initial=0.0)))
