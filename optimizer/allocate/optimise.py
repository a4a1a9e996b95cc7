"""The best allocation under a compiled policy, rounded to lots and checked against the program itself.

The limits are the program's own rows less what rounding to lots may cost, so a solution rounded to lots
satisfies the integer program but for the solver's own tolerance. Every answer is therefore put to
`attest.program.solve`; where a row fails, all limits are tightened tenfold and solved again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import isfinite
from typing import NamedTuple

import numpy as np

from attest.errors import StatementFalse
from attest.program import solve
from optimizer.allocate.allocation import Allocation
from optimizer.allocate.flags import solve_task
from optimizer.allocate.infeasible import conflict, thin_rows
from optimizer.allocate.objective import (
    ConvexObjective,
    MaximiseReturn,
    MaximiseSharpe,
    MinimiseShortfall,
    MinimiseVolatility,
    Objective,
)
from optimizer.allocate.outlook import DAYS_PER_YEAR, Outlook, outlook
from optimizer.allocate.reading import scaled_program
from optimizer.allocate.shadow import shadow_prices
from optimizer.allocate.solver import Solution, SolverName, Task
from optimizer.allocate.working import WorkingSet
from optimizer.errors import DataError, Infeasible, SolverFailed, Unbounded
from optimizer.policy import CompiledConstraint, CompiledPolicy, ExpectedShortfall

FIRST_MARGIN = 1e-7
ATTEMPTS = 5
RISKLESS = 1e-7
"""Annual volatility per annual excess return below which a Sharpe ratio counts as unbounded."""

NO_EXCESS = (
    "no allocation under the policy is expected to earn more than the risk-free rate; this is the one with the "
    "highest expected return and, among those, the lowest volatility"
)


def optimise(
    compiled: CompiledPolicy,
    objective: Objective,
    capital_usd: float,
    *,
    previous: Sequence[int] = (),
    expected_returns: Mapping[str, float] | None = None,
    exact: bool = False,
    solver: SolverName | None = None,
) -> Allocation:
    """The best allocation of a capital under a policy.

    Args:
        compiled: the policy on its market.
        objective: what to choose it for.
        capital_usd: NAV of the allocation, up to one lot per slot below.
        previous: (N',) as from `CompiledPolicy.previous_quantities`, where the policy compares epochs.
        expected_returns: instrument id → expected return a year, see `outlook`.
        exact: choose what may fail, such as the scenarios in which historical VaR is exceeded or the positions that
            a count leaves empty, by branch and bound (linear objectives only) instead of a local search.
        solver: "HIGHS" or "CLARABEL"; None takes HiGHS for linear objectives and Clarabel for conic ones.
    Returns: an allocation whose `quantities` satisfy the program.
    Raises: Infeasible: naming constraints in conflict; Unbounded: a riskless excess return under maximum Sharpe;
        SolverFailed; DataError: capital or expected returns that are no numbers, or a previous vector that does
        not fit; PolicyError: a row that the optimiser cannot read.
    """
    if not (isfinite(capital_usd) and capital_usd > 0):
        raise DataError("the capital must be a positive amount of USD")
    beliefs = outlook(compiled, expected_returns)
    program = scaled_program(compiled, capital_usd, previous)
    task = Task(program, beliefs, None, FIRST_MARGIN, solver=solver, working=WorkingSet(program))
    for _ in range(ATTEMPTS):
        task, chosen = _choose_with_room(task, objective, exact)
        lots = task.program.whole_lots(chosen.solution.point)
        quantities = compiled.quantities(lots)
        try:
            solve(compiled.program, quantities, previous)
        except StatementFalse:
            task = replace(task, margin=10 * task.margin)
            continue
        return replace(
            _allocation(compiled, objective, lots, beliefs),
            solver=chosen.solution.solver,
            quantities=quantities,
            binding=_binding(compiled, compiled.slacks_usd(quantities, previous), 10 * task.margin * capital_usd),
            shadow_prices=shadow_prices(task.program, chosen.solution.prices * chosen.gain),
            note=chosen.note,
        )
    raise SolverFailed("rounding to lots", "the limits leave less than a lot of room; loosen them slightly")


class _Chosen(NamedTuple):
    """A solution in floats.

    Args:
        gain: by how much the reported value improves when the solution's own objective falls by 1.
        note: on how the answer is defined.
    """

    solution: Solution
    gain: float = 1.0
    note: str = ""


def _choose_with_room(task: Task, objective: Objective, exact: bool) -> tuple[Task, _Chosen]:
    """Choose with room for lots in every limit, or in all but those that cannot give any.

    Raises: Infeasible: naming constraints in conflict.
    """
    try:
        return task, _choose(task, objective, exact)
    except Infeasible:
        pass
    try:
        thinner = replace(task, thin=thin_rows(task))
        return thinner, _choose(thinner, objective, exact)
    except Infeasible as error:
        raise Infeasible(conflict(task)) from error


def _choose(task: Task, objective: Objective, exact: bool) -> _Chosen:
    if isinstance(objective, ConvexObjective):
        return _Chosen(solve_task(replace(task, objective=objective), exact=exact)[0])
    if isinstance(objective, MaximiseSharpe):
        return _maximise_sharpe(task, objective)
    raise DataError(f"{type(objective).__name__} is no objective that the optimiser knows")


def _maximise_sharpe(task: Task, objective: MaximiseSharpe) -> _Chosen:
    highest, exempt = solve_task(replace(task, objective=MaximiseReturn(), solver=None))
    best_excess = -highest.objective - objective.risk_free_annual
    if best_excess <= RISKLESS:
        calmest = replace(task, objective=MinimiseVolatility(), least_return_annual=-highest.objective - RISKLESS)
        solution, _ = solve_task(replace(calmest, solver=None), hint=exempt)
        return _Chosen(replace(solution, prices=highest.prices), note=NO_EXCESS)
    excess = task.outlook.mean * DAYS_PER_YEAR - objective.risk_free_annual * task.program.signs
    ratio = replace(task, objective=MinimiseVolatility(), homogeneous=(excess, best_excess), solver=None)
    solution, _ = solve_task(ratio, hint=exempt)
    if solution.objective <= RISKLESS * best_excess:
        raise Unbounded("it allows a riskless return above the risk-free rate; raise risk_free_annual above it")
    return _Chosen(solution, gain=best_excess / solution.objective**2)


def shortfall_confidence(compiled: CompiledPolicy) -> float:
    """Level at which expected shortfall is reported: that of the policy's first such limit, else 0.975."""
    levels = [c.definition.confidence for c in compiled.constraints if isinstance(c.definition, ExpectedShortfall)]
    return float(levels[0]) if levels else 0.975


def _allocation(compiled: CompiledPolicy, objective: Objective, lots: tuple[int, ...], beliefs: Outlook) -> Allocation:
    nav = compiled.nav_usd(lots)
    values = [count * value for count, value in zip(lots, compiled.lot_values_usd, strict=True)]
    totals: dict[str, Fraction] = {}
    for j, value in zip(compiled.held_slots, values, strict=True):
        totals[compiled.layout[j].asset] = totals.get(compiled.layout[j].asset, Fraction(0)) + value
    signs = [compiled.layout[j].sign for j in compiled.held_slots]
    positions = np.array([float(sign * value / nav) for sign, value in zip(signs, values, strict=True)])
    expected, volatility = beliefs.expected_return_annual(positions), beliefs.volatility_annual(positions)
    confidence = objective.confidence if isinstance(objective, MinimiseShortfall) else shortfall_confidence(compiled)
    risk_free = objective.risk_free_annual if isinstance(objective, MaximiseSharpe) else 0.0
    return Allocation(
        compiled=compiled,
        objective=objective.name,
        lots=lots,
        positions_usd=totals,
        nav_usd=nav,
        objective_value=objective.value(beliefs, positions),
        expected_return_annual=expected,
        volatility_annual=volatility,
        expected_shortfall=beliefs.expected_shortfall(positions, confidence),
        shortfall_confidence=confidence,
        sharpe_annual=(expected - risk_free) / volatility if volatility > RISKLESS else None,
    )


def _binding(compiled: CompiledPolicy, left: Mapping[str, Fraction], margin_usd: float) -> tuple[str, ...]:
    """Constraints that leave no more than rounding to lots and the solver's margin account for."""

    def needed(constraint: CompiledConstraint) -> Fraction:
        measured = any(usd is not None for usd in constraint.usd_per_unit)
        return 2 * constraint.bound_usd + (Fraction(margin_usd) if measured else 0)

    return tuple(c.name for c in compiled.constraints if left[c.name] <= needed(c))
