"""Limits that may fail in part, such as historical VaR or a count of positions: choices over convex problems.

Which inequalities are exempt is a choice within the budget of every group; for a fixed choice the problem is
convex, and its optimum satisfies the exact limits (an inner approximation). The search starts from the optimum
without these limits, which is the answer if it happens to keep them. It imposes by halves what a point breaks
least: in the end the worst scenarios are exempt and the largest positions held, of which small ones were dropped
or lifted to their least size. Then it spends unused exemptions where limits hold the objective back most, and
exchanges single ones, as long as that improves. It is a local search of bounded length without randomness: its
answer is always allowed, and for linear objectives `exact` replaces it by HiGHS branch and bound, which also decides
when no choice was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optimizer.allocate.branch import branch_and_bound
from optimizer.allocate.objective import MinimiseShortfall
from optimizer.allocate.outlook import Array
from optimizer.allocate.scaled import FlagGroup, Indices, Mask
from optimizer.allocate.solver import Exempt, Solution, Task, solve_with
from optimizer.errors import Infeasible, SolverFailed

MAX_ROUNDS = 12
MAX_STEPS = 24
MAX_EXCHANGES = 24
CANDIDATES = 4
IMPROVEMENT = 1e-6
ROOM = 20
"""By how much the margin is larger while a first choice is made."""
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

    @cached_property
    def visible(self) -> Array:
        """(f,) excess of each inequality above which it matters; the crumbs of an interior point are no positions."""
        return np.array([DUST if r in self.task.program.absences else TOLERANCE for r in self.rows.tolist()])

    def constraint(self, row: int) -> str:
        """Name of the first constraint that an inequality belongs to."""
        return self.groups[self.members[row][0][0]].constraint

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
        # A choice that leaves next to nothing is worth no more than one that leaves nothing.
        roomy = replace(self.task, margin=ROOM * self.task.margin)
        cautious = replace(roomy, objective=MinimiseShortfall(), homogeneous=None, solver=None)
        best = self._improved(hint, relaxed, None) if hint is not None else None
        for guide, known in ((roomy, relaxed), (cautious, None)):
            start = self._narrowed(guide, known) if best is None else None
            best = self._improved(start, relaxed, None) if start is not None else best
        if best is None:
            search = replace(self.task, objective=None, homogeneous=None)
            feasible = branch_and_bound(search, self.kept(everything), self.groups)
            if self.task.objective is None:
                return feasible
            best = self._improved(feasible[1], relaxed, None)
        if best is None:
            raise SolverFailed(relaxed.solver, "a feasible choice of what may fail became infeasible")
        return best if self.task.objective is None else self._exchanged(best, relaxed)

    def _attempt(self, task: Task, exempt: Exempt) -> Solution | None:
        """The optimum of one choice, None where there is none or none is found."""
        try:
            return solve_with(task, self.kept(exempt))
        except (Infeasible, SolverFailed):
            return None

    def _narrowed(self, guide: Task, relaxed: Solution | None) -> Exempt | None:
        """From everything exempt to what the budgets allow, by halves.

        Of the inequalities that a point breaks beyond its budgets, the half that it breaks least is imposed for each
        constraint, and the guide solved again, so that later choices know of the earlier ones. What leaves nothing
        when it is imposed is needed, and comes first in later choices.

        Args:
            guide: the task, or one with a more cautious objective.
            relaxed: its optimum with everything exempt, where it is known.
        Returns: None where no such path leads to a point.
        """
        exempt: Exempt = frozenset(self.rows.tolist())
        needed: list[int] = []
        stuck = 0
        solution = relaxed or self._attempt(guide, exempt)
        for _ in range(MAX_STEPS):
            if solution is None:
                return None
            excess = guide.excess(self.rows, solution.point)
            order = [*needed, *self.worst(excess)]
            broken = set(self.rows[excess > self.visible].tolist()) & exempt
            raised = [r for r in dict.fromkeys(order) if r in broken]
            allowed = self.filled(raised)
            over: dict[str, list[int]] = {}
            for r in raised:
                if r not in allowed:
                    over.setdefault(self.constraint(r), []).append(r)
            if not over:
                return self.filled([*raised, *order])
            imposed = frozenset(r for rows in over.values() for r in rows[len(rows) // 2 :])
            narrower = self._attempt(guide, exempt - imposed)
            if narrower is None:
                # Nothing is left: impose one of each constraint, and what cannot be imposed alone is needed.
                stuck += 1
                for r in [rows[-1] for rows in over.values()]:
                    alone = self._attempt(guide, exempt - {r})
                    if alone is None:
                        needed.append(r)
                    else:
                        exempt, solution, stuck = exempt - {r}, alone, 0
                if stuck > 1:
                    return None
                continue
            exempt, solution, stuck = exempt - imposed, narrower, 0
        return None

    def _improved(self, exempt: Exempt, relaxed: Solution, rival: Solution | None) -> Choice | None:
        """Solve, spend unused exemptions where the limits cost most, and repeat while that helps.

        Args:
            rival: give up where the first solution is no better than this one.
        Returns: None where there is no point, or none better than the rival.
        """
        best: Choice | None = None
        for _ in range(MAX_ROUNDS):
            solution = self._attempt(self.task, exempt)
            if solution is None:
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
                wanted.setdefault(self.constraint(r), []).append(r)
        turns = [row for turn in range(CANDIDATES) for rows in wanted.values() for row in rows[turn : turn + 1]]
        for wants in turns:
            rivals = {r for number, _ in self.members[wants] for r in self.groups[number].rows.tolist() if r in exempt}
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
