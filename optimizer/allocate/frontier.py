"""The efficient frontier: the lowest risk for each expected return that the policy allows (Markowitz 1952)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Literal

import numpy as np

from optimizer.allocate.flags import solve_task
from optimizer.allocate.infeasible import conflict, thin_rows
from optimizer.allocate.objective import ConvexObjective, MaximiseReturn, MinimiseShortfall, MinimiseVolatility
from optimizer.allocate.optimise import FIRST_MARGIN, shortfall_confidence
from optimizer.allocate.outlook import outlook
from optimizer.allocate.reading import scaled_program
from optimizer.allocate.solver import Exempt, Solution, Task
from optimizer.allocate.working import WorkingSet
from optimizer.errors import DataError, Infeasible
from optimizer.policy import CompiledPolicy

RiskMeasure = Literal["expected_shortfall", "volatility"]


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One efficient allocation, before rounding to lots. Secret where the policy's fund is real.

    Args:
        expected_return_annual: as a fraction of capital.
        expected_shortfall: one-day, as a fraction of capital.
        volatility_annual: as a fraction of capital.
        weights: instrument id → value as a fraction of capital, negative for debts and shorts.
    """

    expected_return_annual: float
    expected_shortfall: float
    volatility_annual: float
    weights: dict[str, float] = field(repr=False)


def _with_room(task: Task) -> tuple[Task, tuple[Solution, Exempt]]:
    """The task, freed of room for lots where its limits have none, and its optimum."""
    try:
        return task, solve_task(task)
    except Infeasible:
        pass
    try:
        thinner = replace(task, thin=thin_rows(task))
        return thinner, solve_task(thinner)
    except Infeasible as error:
        raise Infeasible(conflict(task)) from error


def efficient_frontier(
    compiled: CompiledPolicy,
    capital_usd: float,
    *,
    points: int = 12,
    risk: RiskMeasure = "expected_shortfall",
    previous: Sequence[int] = (),
    expected_returns: Mapping[str, float] | None = None,
) -> tuple[FrontierPoint, ...]:
    """Allocations of lowest risk at evenly spaced expected returns, from the least risky to the most profitable.

    Args:
        compiled: the policy on its market.
        capital_usd: NAV of every point.
        points: at least 2.
        risk: what is minimised; expected shortfall at the policy's own level.
        previous: (N',) as from `CompiledPolicy.previous_quantities`, where the policy compares epochs.
        expected_returns: see `outlook`.
    Returns: in rising order of expected return; a single point where the least risky earns the most.
    Raises: Infeasible: naming constraints in conflict; SolverFailed; DataError.
    """
    if not (isfinite(capital_usd) and capital_usd > 0):
        raise DataError("the capital must be a positive amount of USD")
    if points < 2:
        raise DataError("a frontier has at least two points")
    confidence = shortfall_confidence(compiled)
    measure: ConvexObjective = MinimiseShortfall(confidence) if risk == "expected_shortfall" else MinimiseVolatility()
    beliefs = outlook(compiled, expected_returns)
    program = scaled_program(compiled, capital_usd, previous)
    task = Task(program, beliefs, measure, FIRST_MARGIN, working=WorkingSet(program))
    task, (calmest, exempt) = _with_room(task)
    boldest, boldest_exempt = solve_task(replace(task, objective=MaximiseReturn()))

    def earned(solution: Solution) -> float:
        return beliefs.expected_return_annual(solution.point[: task.program.slots])

    def point(solution: Solution) -> FrontierPoint:
        positions = solution.point[: task.program.slots]
        weights: dict[str, float] = {}
        for j, size in zip(compiled.held_slots, positions, strict=True):
            slot = compiled.layout[j]
            weights[slot.asset] = weights.get(slot.asset, 0.0) + slot.sign * float(size)
        shortfall = beliefs.expected_shortfall(positions, confidence)
        return FrontierPoint(earned(solution), shortfall, beliefs.volatility_annual(positions), weights)

    lowest, highest = earned(calmest), earned(boldest)
    if highest - lowest <= FIRST_MARGIN:
        return (point(calmest),)
    chosen = [calmest]
    hints: list[Exempt] = [exempt]
    for target in np.linspace(lowest, highest, points)[1:-1]:
        try:
            solution, exempt = solve_task(replace(task, least_return_annual=float(target)), hint=hints[-1])
        except Infeasible:
            # The highest return is that of a local search; between two of its choices a target may be out of reach.
            continue
        chosen.append(solution)
        hints.append(exempt)
    last = replace(task, least_return_annual=highest - FIRST_MARGIN)
    chosen.append(solve_task(last, hint=boldest_exempt)[0])
    return tuple(point(solution) for solution in chosen)
