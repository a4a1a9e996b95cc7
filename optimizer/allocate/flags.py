"""Limits that may fail in part, such as historical VaR or a number of positions: a non-convex choice over convex
problems.

Which inequalities are exempt is a choice within the budget of every group; for a fixed choice the problem is
convex, and its optimum satisfies the exact limits (an inner approximation). The search starts from the optimum
without these limits, which is the answer if it happens to keep them. It exempts the worst scenarios of several
points and keeps the largest positions, of which small ones are dropped or lifted to their least size; then it
spends unused exemptions where limits hold the objective back most, and exchanges single ones, as long as that
improves. It is a local search of bounded length without randomness: its answer is always allowed, and for linear
objectives `exact` replaces it by HiGHS branch and bound, which also decides when no choice was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from optimizer.allocate.branch import branch_and_bound
from optimizer.allocate.objective import MinimiseShortfall
from optimizer.allocate.outlook import Array
from optimizer.allocate.scaled import FlagGroup, Indices, Mask
from optimizer.allocate.solver import Exempt, Solution, Task, solve_with
from optimizer.errors import Infeasible, SolverFailed

MAX_ROUNDS = 12
MAX_EXCHANGES = 24
CANDIDATES = 4
IMPROVEMENT = 1e-6
TOLERANCE = 1e-9
DUST = 1e-5
"""Positions below this fraction of capital are not worth having after an interior-point solve."""

Choice = tuple[Solution, Exempt]


def solve_task(task: Task, *, exact: bool = False, hint: Exempt | None = None) -> Choice:
    """The best point found under all limits, and what it exempts.

    Args:
        task: the problem.
        exact: decide the exemptions by branch and bound, for linear objectives.
        hint: exemptions of a similar problem, tried too.
    Raises: Infeasible: proved that no point exists (without names); Unbounded, SolverFailed.
    """
    search = _Search(task, tuple(group for group in task.program.flags if group.constraint not in task.without))
    solution, exempt = search.run(exact, hint)
    return _without_dust(task, search.kept(exempt), solution), exempt


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


@dataclass(frozen=True)
class _Search:
    """The choice of exempt inequalities of one task.

    Args:
        groups: those that count.
    """

    task: Task
    groups: tuple[FlagGroup, ...]

    @cached_property
    def rows(self) -> Indices:
        """All inequalities that may be exempt, ascending."""
        return np.unique(np.concatenate([group.rows for group in self.groups])) if self.groups else np.array([], int)

    @cached_property
    def members(self) -> dict[int, list[tuple[int, int]]]:
        """Inequality → number of each group that it is in, and its weight there."""
        found: dict[int, list[tuple[int, int]]] = {}
        for number, group in enumerate(self.groups):
            for row, weight in zip(group.rows.tolist(), group.weights.tolist(), strict=True):
                found.setdefault(row, []).append((number, int(weight)))
        return found

    def kept(self, exempt: Exempt) -> Mask:
        """(k + c,) the limits that hold."""
        kept = self.task.kept()
        kept[[r for r in self.rows.tolist() if r not in exempt]] = True
        return kept

    def filled(self, order: Iterable[int]) -> Exempt:
        """As many inequalities as the budgets allow, in this order."""
        left = [group.budget for group in self.groups]
        chosen = set()
        for row in order:
            if row not in chosen and all(weight <= left[number] for number, weight in self.members[row]):
                chosen.add(row)
                for number, weight in self.members[row]:
                    left[number] -= weight
        return frozenset(chosen)

    def worst(self, score: Array) -> list[int]:
        """All inequalities in falling order of a score, ties in the order of the program."""
        return [int(r) for r in self.rows[np.argsort(-score, kind="stable")]]

    def run(self, exact: bool, hint: Exempt | None) -> Choice:
        """See `solve_task`."""
        everything = frozenset(self.rows.tolist())
        relaxed = solve_with(self.task, self.kept(everything))
        raised = frozenset(self.rows[self.task.excess(self.rows, relaxed.point) > TOLERANCE].tolist())
        if self.filled(sorted(raised)) == raised:
            return relaxed, raised
        linear = self.task.objective is None or self.task.objective.linear
        if exact and linear and self.task.homogeneous is None:
            return branch_and_bound(self.task, self.kept(everything), self.groups)
        best: Choice | None = None
        for start in self._starts(relaxed, hint):
            found = self._improved(start, relaxed, None)
            if found is not None and (best is None or found[0].objective < best[0].objective):
                best = found
            if best is not None and not _better(relaxed, best[0]):
                return best
        if best is None:
            search = replace(self.task, objective=None, homogeneous=None)
            feasible = branch_and_bound(search, self.kept(everything), self.groups)
            if self.task.objective is None:
                return feasible
            best = self._improved(feasible[1], relaxed, None)
        if best is None:
            raise SolverFailed(relaxed.solver, "a feasible choice of what may fail became infeasible")
        return best if self.task.objective is None else self._exchanged(best, relaxed)

    def _starts(self, relaxed: Solution, hint: Exempt | None) -> Iterator[Exempt]:
        """Choices worth a try: the hint, the worst of the relaxed optimum, and the worst of a cautious point."""
        tried: set[Exempt] = set()
        if hint is not None:
            tried.add(hint)
            yield hint
        start = self.filled(self.worst(self.task.excess(self.rows, relaxed.point)))
        if start not in tried:
            tried.add(start)
            yield start
        cautious = replace(self.task, objective=MinimiseShortfall(), homogeneous=None, solver=None)
        point = solve_with(cautious, self.kept(frozenset(self.rows.tolist()))).point
        start = self.filled(self.worst(self.task.excess(self.rows, point)))
        if start not in tried:
            yield start

    def _improved(self, exempt: Exempt, relaxed: Solution, rival: Solution | None) -> Choice | None:
        """Solve, spend unused exemptions where the limits cost most, and repeat while that helps.

        Args:
            rival: give up where the first solution is no better than this one.
        Returns: None where there is no point, or none better than the rival.
        """
        best: Choice | None = None
        for _ in range(MAX_ROUNDS):
            try:
                solution = solve_with(self.task, self.kept(exempt))
            except Infeasible:
                return best
            if not all(_better(solution, other) for other in (rival, best and best[0]) if other is not None):
                return best
            best = solution, exempt
            if self.task.objective is None or not _better(relaxed, solution):
                return best
            exempt = self.filled(self.worst(self._score(solution)))
            if exempt == best[1]:
                return best
        return best

    def _exchanged(self, best: Choice, relaxed: Solution) -> Choice:
        """Exempt what costs much in place of what barely needs it, while that improves."""
        tried: set[Exempt] = {best[1]}
        improving = True
        while improving and _better(relaxed, best[0]):
            improving = False
            for exempt in self._neighbours(best):
                if len(tried) > MAX_EXCHANGES:
                    return best
                if exempt in tried:
                    continue
                tried.add(exempt)
                found = self._improved(exempt, relaxed, best[0])
                if found is not None:
                    best, improving = found, True
                    break
        return best

    def _neighbours(self, best: Choice) -> Iterator[Exempt]:
        """Exchanges of one inequality, those with the highest prices first, of every constraint in turn."""
        solution, exempt = best
        score = dict(zip(self.rows.tolist(), self._score(solution).tolist(), strict=True))
        wanted: dict[str, list[int]] = {}
        for r in sorted((r for r in score if r not in exempt), key=lambda r: -solution.prices[r]):
            if solution.prices[r] > TOLERANCE:
                wanted.setdefault(self.groups[self.members[r][0][0]].constraint, []).append(r)
        turns = [row for turn in range(CANDIDATES) for rows in wanted.values() for row in rows[turn : turn + 1]]
        for wants in turns:
            rivals = {
                r for number, _ in self.members[wants] for r in self.groups[number].rows.tolist() if r in exempt
            }
            for gives in sorted(rivals, key=lambda r: (score[r], r))[:CANDIDATES]:
                others = sorted(exempt - {gives}, key=lambda r: (-score[r], r))
                rest = sorted(score.keys() - exempt - {wants}, key=lambda r: (-score[r], r))
                yield self.filled([wants, *others, *rest, gives])

    def _score(self, solution: Solution) -> Array:
        """Inequalities that fail come first, by how much; then those whose price is highest."""
        excess = self.task.excess(self.rows, solution.point)
        prices = np.abs(solution.prices[self.rows])
        return np.where(excess > TOLERANCE, 1e12 + excess, prices / (1 + prices.max(initial=0.0)))


def _better(solution: Solution, other: Solution) -> bool:
    return solution.objective < other.objective - IMPROVEMENT * (1 + abs(other.objective))
