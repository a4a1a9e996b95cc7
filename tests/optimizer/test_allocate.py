"""Allocations: always provable, equal to closed forms and other solvers, and typed errors where there is none."""

from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any
from unittest.mock import patch

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from attest.program import solve
from optimizer.allocate import (
    MaximiseReturn,
    MaximiseSharpe,
    MinimiseShortfall,
    MinimiseVolatility,
    Objective,
    infeasible,
    optimise,
    outlook,
)
from optimizer.allocate.optimise import NO_EXCESS
from optimizer.allocate.solver import Task, run
from optimizer.errors import DataError, Infeasible, SolverFailed, Unbounded
from optimizer.market import Market
from optimizer.policy import (
    CompiledPolicy,
    Concentration,
    Constraint,
    ExpectedShortfall,
    GrossLeverage,
    HealthFactor,
    HistoricalVar,
    PositionCount,
    PositionLimit,
    Solvency,
    compile_policy,
)
from tests.optimizer.policies.fund import market_of
from tests.optimizer.policy_strategies import constraint_lists, policy_of, splits
from tests.optimizer.strategies import fixed_market, markets

CAPITAL = 1_000_000.0
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking an example through many solver calls takes longer than reading it."""
OBJECTIVES: list[Objective] = [
    MaximiseReturn(),
    MinimiseShortfall(0.9),
    MinimiseVolatility(),
    MaximiseSharpe(risk_free_annual=0.02),
]


def _drawn_market(names: list[str], scenarios: int, seed: int, *, signed: bool = False) -> Market:
    generator = np.random.default_rng(seed)
    common = generator.normal(0, 0.02, scenarios)
    series = {
        name: [f"{r:.9f}" for r in np.clip(common + generator.normal(0.001 * (i + 1), 0.03, scenarios), -0.5, 0.5)]
        for i, name in enumerate(names)
    }
    prices = {name: str(10**i) for i, name in enumerate(names)}
    return fixed_market(prices, series, **{name: {"signed": signed} for name in names})


def _with_cash_and_debt(market: Market) -> Market:
    zeros = (Decimal(0),) * market.scenario_count
    cash = market.instruments[0].model_copy(update={"id": "USD", "asset": "USD", "kind": "stablecoin", "signed": False})
    cash = cash.model_copy(update={"price_usd": Decimal(1)})
    debt = cash.model_copy(update={"id": "debt", "kind": "borrow", "debt_margin": Decimal("0.1")})
    cost = (Decimal("0.0002"),) * market.scenario_count
    returns = market.scenarios.returns | {"USD": zeros, "debt": cost}
    scenarios = market.scenarios.model_copy(update={"returns": returns})
    return market.model_copy(update={"instruments": (*market.instruments, cash, debt), "scenarios": scenarios})


def _compiled(market: Market, *constraints: Constraint, **options: object) -> CompiledPolicy:
    return compile_policy(policy_of(market, *constraints, nav_floor_usd="1000", **options), market)  # type: ignore[arg-type]


@given(data=st.data())
@settings(max_examples=60, deadline=None, phases=UNSHRUNK)
def test_every_answer_satisfies_the_program(data: st.DataObject) -> None:
    """(K.12): rounded to lots, what the floats allow the integers allow."""
    market = data.draw(markets(max_instruments=5, max_scenarios=15))
    constraints = data.draw(constraint_lists(market))
    compiled = _compiled(market, *constraints, sources=data.draw(splits(market)))
    objective = data.draw(st.sampled_from(OBJECTIVES))
    try:
        allocation = optimise(compiled, objective, CAPITAL)
    except Unbounded:
        assert isinstance(objective, MaximiseSharpe)
        return
    except Infeasible as error:
        assert set(error.constraints) <= {c.name for c in compiled.constraints}
        return
    except SolverFailed as error:
        assert "less than a lot of room" in error.status
        return
    solve(compiled.program, allocation.quantities)
    assert allocation.quantities == compiled.quantities(allocation.lots)
    assert compiled.lots(allocation.holdings()) == allocation.lots
    lots_usd = sum(abs(value) for value in compiled.lot_values_usd)
    dust_usd = Fraction(str(CAPITAL * 1e-6))
    assert -lots_usd - dust_usd <= allocation.nav_usd - Fraction(CAPITAL) <= dust_usd


@given(data=st.data())
@settings(max_examples=25, deadline=None, phases=UNSHRUNK)
def test_conflicts_are_conflicts_and_minimal(data: st.DataObject) -> None:
    """The named constraints alone are infeasible, and no longer so when any one of them is dropped."""
    market = data.draw(markets(max_instruments=4, max_scenarios=8, kinds=("spot", "supply")))
    name = data.draw(st.sampled_from(market.ids))
    limits: list[Constraint] = [
        Concentration(limit=Decimal("0.3")),
        PositionLimit(instrument=name, min_usd=Decimal(400_000)),
        ExpectedShortfall(confidence=Decimal("0.8"), limit=Decimal("0.01")),
        HistoricalVar(confidence=Decimal("0.8"), limit=Decimal("0.01")),
    ]
    with_all = _compiled(market, *limits)
    try:
        optimise(with_all, MaximiseReturn(), CAPITAL)
    except Infeasible as error:
        named = error.constraints
    else:
        assume(False)
    kept = [c for n, c, _ in with_all.policy.named_constraints() if n in named and n not in ("nav_floor", "gross_cap")]
    with pytest.raises(Infeasible):
        optimise(_compiled(market, *kept), MaximiseReturn(), CAPITAL)
    for dropped in kept:
        rest = [c for c in kept if c is not dropped]
        optimise(_compiled(market, *rest), MaximiseReturn(), CAPITAL)


def test_highest_return_under_a_concentration_cap_fills_the_best_names() -> None:
    market = _drawn_market(["A", "B", "C", "D"], 20, seed=1)
    compiled = _compiled(market, Concentration(limit=Decimal("0.4")))
    beliefs = {"A": 0.3, "B": 0.1, "C": 0.2, "D": -0.1}
    allocation = optimise(compiled, MaximiseReturn(), CAPITAL, expected_returns=beliefs)
    assert allocation.weights() == pytest.approx({"A": 0.4, "B": 0.2, "C": 0.4, "D": 0.0}, abs=1e-5)
    assert allocation.objective_value == pytest.approx(0.4 * 0.3 + 0.4 * 0.2 + 0.2 * 0.1, abs=1e-5)
    assert allocation.binding == ("concentration",)


def test_borrowing_goes_to_the_leverage_limit_when_it_pays() -> None:
    market = _with_cash_and_debt(_drawn_market(["A"], 20, seed=2))
    compiled = _compiled(market, GrossLeverage(limit=Decimal("1.8")))
    beliefs = {"A": 0.5, "USD": 0.0, "debt": 0.1}
    allocation = optimise(compiled, MaximiseReturn(), CAPITAL, expected_returns=beliefs)
    assert allocation.weights() == pytest.approx({"A": 1.4, "USD": 0.0, "debt": -0.4}, abs=1e-5)
    assert allocation.objective_value == pytest.approx(1.4 * 0.5 - 0.4 * 0.1, abs=1e-5)
    assert "gross_leverage" in allocation.binding


def test_without_a_leverage_limit_the_gross_cap_binds() -> None:
    market = _with_cash_and_debt(_drawn_market(["A"], 20, seed=2))
    allocation = optimise(
        _compiled(market), MaximiseReturn(), CAPITAL, expected_returns={"A": 0.5, "USD": 0, "debt": 0.1}
    )
    assert "gross_cap" in allocation.binding
    assert allocation.weights() == pytest.approx({"A": 5.5, "USD": 0.0, "debt": -4.5}, abs=1e-4)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_leverage_of_exactly_one_is_no_conflict(objective: Objective, signed: bool) -> None:
    """Without debts Σ|position| = NAV whatever is held: the limit has no room for a lot, and needs none."""
    market = _with_cash_and_debt(_drawn_market(["A", "B"], 20, seed=17, signed=signed))
    limits = (GrossLeverage(limit=Decimal(1)), Concentration(limit=Decimal("0.6")))
    allocation = optimise(_compiled(market, *limits), objective, CAPITAL)
    assert allocation.weights()["debt"] == 0
    assert min(allocation.weights().values()) >= 0
    assert "gross_leverage" in allocation.binding


def test_limits_with_less_than_a_lot_of_room_are_said_to_be_so() -> None:
    market = _drawn_market(["A", "B"], 20, seed=18)
    amount = Decimal("400000.123456789")
    compiled = _compiled(market, PositionLimit(instrument="A", min_usd=amount, max_usd=amount))
    with pytest.raises(SolverFailed, match="less than a lot of room"):
        optimise(compiled, MaximiseReturn(), CAPITAL)


def test_lowest_shortfall_is_cash() -> None:
    market = _with_cash_and_debt(_drawn_market(["A", "B"], 20, seed=3))
    compiled = _compiled(market, GrossLeverage(limit=Decimal(1)))
    allocation = optimise(compiled, MinimiseShortfall(0.9), CAPITAL)
    assert allocation.objective_value == pytest.approx(0, abs=1e-5)
    assert allocation.weights()["USD"] == pytest.approx(1, abs=1e-4)
    assert allocation.sharpe_annual is None or allocation.volatility_annual > 0


def test_tangency_and_minimum_variance_portfolios_in_closed_form() -> None:
    """w ∝ C⁻¹(μ − r) and w ∝ C⁻¹1, where no limit binds."""
    market = _drawn_market(["A", "B", "C"], 60, seed=4, signed=True)
    compiled = _compiled(market, GrossLeverage(limit=Decimal(5)))
    returns = market.returns()
    covariance = np.cov(returns.T)
    rate = 0.05
    for objective, target in (
        (MaximiseSharpe(risk_free_annual=rate), returns.mean(axis=0) - rate / 365),
        (MinimiseVolatility(), np.ones(3)),
    ):
        direction = np.linalg.solve(covariance, target)
        weights = direction / direction.sum()
        assert direction.sum() > 0
        allocation = optimise(compiled, objective, CAPITAL)
        assert allocation.weights() == pytest.approx(dict(zip("ABC", weights, strict=True)), abs=2e-4)
        mean, deviation = returns.mean(axis=0) @ weights, (weights @ covariance @ weights) ** 0.5
        assert allocation.volatility_annual == pytest.approx(deviation * 365**0.5, rel=1e-4)
        assert allocation.expected_return_annual == pytest.approx(mean * 365, rel=1e-3)
    sharpe = optimise(compiled, MaximiseSharpe(risk_free_annual=rate), CAPITAL)
    ratio = (target_mean := returns.mean(axis=0) - rate / 365) @ np.linalg.solve(covariance, target_mean)
    assert sharpe.objective_value == pytest.approx((ratio * 365) ** 0.5, rel=1e-5)


def test_sharpe_of_the_homogeneous_problem_beats_every_frontier_point() -> None:
    market = _with_cash_and_debt(_drawn_market(["A", "B", "C"], 60, seed=5))
    compiled = _compiled(market, Concentration(limit=Decimal("0.5")), GrossLeverage(limit=Decimal("1.5")))
    objective = MaximiseSharpe(risk_free_annual=0.01)
    best = optimise(compiled, objective, CAPITAL)
    generator = np.random.default_rng(0)
    beliefs = outlook(compiled)
    for _ in range(300):
        longs = generator.dirichlet(np.ones(4))
        if longs.max() <= 0.5:
            assert objective.value(beliefs, np.array([*longs, 0.0])) <= best.objective_value + 1e-6


def test_all_expected_returns_negative_has_a_defined_sharpe_answer() -> None:
    """The highest expected return, then the lowest volatility: A and B lose alike, and mixing them is calmer."""
    market = _drawn_market(["A", "B", "C"], 60, seed=6)
    compiled = _compiled(market)
    beliefs = {"A": -0.1, "B": -0.1, "C": -0.3}
    allocation = optimise(compiled, MaximiseSharpe(), CAPITAL, expected_returns=beliefs)
    assert allocation.note == NO_EXCESS
    assert allocation.expected_return_annual == pytest.approx(-0.1, abs=1e-5)
    covariance = np.cov(market.returns()[:, :2].T)
    calmest = np.linalg.solve(covariance, np.ones(2))
    calmest /= calmest.sum()
    expected = {"A": calmest[0], "B": calmest[1], "C": 0.0}
    assert allocation.weights() == pytest.approx(expected, abs=2e-3)
    assert allocation.objective_value < 0
    other = optimise(compiled, MaximiseReturn(), CAPITAL, expected_returns=beliefs)
    assert other.note == ""
    assert other.expected_return_annual == pytest.approx(-0.1, abs=1e-5)


def test_riskless_excess_return_makes_sharpe_unbounded() -> None:
    market = _with_cash_and_debt(_drawn_market(["A"], 30, seed=7))
    compiled = _compiled(market)
    beliefs = {"A": 0.2, "USD": 0.04, "debt": 0.1}
    with pytest.raises(Unbounded, match="risk_free_annual"):
        optimise(compiled, MaximiseSharpe(), CAPITAL, expected_returns=beliefs)
    limited = _compiled(market, GrossLeverage(limit=Decimal(1)))
    allocation = optimise(limited, MaximiseSharpe(risk_free_annual=0.05), CAPITAL, expected_returns=beliefs)
    assert allocation.weights()["A"] > 0.9


@pytest.mark.parametrize("objective", OBJECTIVES[:2])
def test_two_solvers_agree(objective: Objective) -> None:
    market = _with_cash_and_debt(_drawn_market(["A", "B", "C", "D"], 80, seed=8, signed=True))
    compiled = _compiled(
        market,
        Solvency(margin_usd=Decimal(1000)),
        ExpectedShortfall(confidence=Decimal("0.95"), limit=Decimal("0.05")),
        GrossLeverage(limit=Decimal(2)),
        Concentration(limit=Decimal("0.6")),
    )
    simplex = optimise(compiled, objective, CAPITAL, solver="HIGHS")
    conic = optimise(compiled, objective, CAPITAL, solver="CLARABEL")
    assert (simplex.solver, conic.solver) == ("HIGHS", "CLARABEL")
    assert simplex.objective_value == pytest.approx(conic.objective_value, abs=3e-5)


def test_shortfall_limit_agrees_with_a_program_written_by_hand() -> None:
    """Rockafellar and Uryasev's linear program over plain returns, without the integer program."""
    names = ["A", "B", "C"]
    market = _drawn_market(names, 50, seed=9)
    market = _with_cash_and_debt(market)
    limit, tail = 0.04, 50 * 0.1
    compiled = _compiled(
        market,
        ExpectedShortfall(confidence=Decimal("0.9"), limit=Decimal("0.04")),
        GrossLeverage(limit=Decimal("1.5")),
    )
    allocation = optimise(compiled, MaximiseReturn(), CAPITAL)
    profits = market.returns() * market.signs()
    count, scenarios = 5, 50
    cost = np.concatenate([-profits.mean(axis=0) * 365, np.zeros(1 + scenarios)])
    excess = np.hstack([-profits, -np.ones((scenarios, 1)), -np.eye(scenarios)])
    shortfall = np.concatenate([np.zeros(count), [1.0], np.full(scenarios, 1 / tail)])
    gross = np.concatenate([np.ones(count), np.zeros(1 + scenarios)])
    result = linprog(
        cost,
        A_ub=np.vstack([excess, shortfall, gross]),
        b_ub=np.concatenate([np.zeros(scenarios), [limit, 1.5]]),
        A_eq=np.concatenate([market.signs(), np.zeros(1 + scenarios)])[None, :],
        b_eq=[1.0],
        bounds=[(0, None)] * count + [(None, None)] + [(0, None)] * scenarios,
    )
    assert result.success
    assert allocation.objective_value == pytest.approx(-result.fun, rel=1e-4)
    assert "expected_shortfall" in allocation.binding


@pytest.mark.parametrize("seed", range(4))
def test_value_at_risk_search_against_all_choices_of_scenarios(seed: int) -> None:
    """Every choice of two exempt scenarios out of twelve, solved plainly; branch and bound finds the same."""
    market = _drawn_market(["A", "B", "C"], 12, seed=20 + seed, signed=True)
    compiled = _compiled(
        market,
        HistoricalVar(confidence=Decimal("0.8"), limit=Decimal("0.02")),
        GrossLeverage(limit=Decimal(2)),
    )
    profits = market.returns()
    best = -np.inf
    for exempt in combinations(range(12), 2):
        held = np.delete(profits, exempt, axis=0)
        result = linprog(
            np.concatenate([-profits.mean(axis=0), profits.mean(axis=0)]) * 365,
            A_ub=np.vstack([np.hstack([-held, held]), np.ones((1, 6))]),
            b_ub=np.concatenate([np.full(10, 0.02), [2.0]]),
            A_eq=np.array([[1.0, 1, 1, -1, -1, -1]]),
            b_eq=[1.0],
        )
        best = max(best, -result.fun if result.success else -np.inf)
    exact = optimise(compiled, MaximiseReturn(), CAPITAL, exact=True)
    local = optimise(compiled, MaximiseReturn(), CAPITAL)
    assert exact.objective_value == pytest.approx(best, rel=1e-3)
    assert local.objective_value <= exact.objective_value + 1e-4
    assert local.objective_value >= exact.objective_value - 0.1 * abs(exact.objective_value)


def test_branch_and_bound_leaves_a_lending_account_empty() -> None:
    """An empty account keeps its health exactly; room for rounding there would cost one of the positions."""
    market = market_of()
    sources = [("custodian-a", ("BTC", "ETH", "USD")), ("lender", ("aETH", "owed-USDC"))]
    limits = (HealthFactor(minimum=Decimal("1.5")), PositionCount(maximum=1), Concentration(limit=Decimal("0.6")))
    compiled = compile_policy(policy_of(market, *limits, sources=sources), market)
    returns = {"BTC": 0.3, "ETH": 0.2, "USD": 0.0, "aETH": 0.01, "owed-USDC": 0.05}
    exact = optimise(compiled, MaximiseReturn(), CAPITAL, expected_returns=returns, exact=True)
    assert exact.objective_value == pytest.approx(0.6 * 0.3, rel=1e-4)
    held = {name for name, value in exact.positions_usd.items() if value}
    assert held == {"BTC", "USD"}


def test_infeasible_value_at_risk_is_proved_not_guessed() -> None:
    """No mix of these two keeps a 1 % limit in three of four scenarios, but no fixed point shows it."""
    series = {"A": ["-0.2", "0.1", "-0.2", "0.1"], "B": ["0.1", "-0.2", "0.1", "-0.2"]}
    market = fixed_market({"A": "1", "B": "1"}, series)
    limit = HistoricalVar(confidence=Decimal("0.75"), limit=Decimal("0.01"))
    with pytest.raises(Infeasible) as error:
        optimise(_compiled(market, limit), MaximiseReturn(), CAPITAL)
    assert error.value.constraints == ("historical_var",)
    assert "historical_var" in str(error.value)


@pytest.mark.parametrize(
    ("constraints", "named"),
    [
        ((Concentration(limit=Decimal("0.3")), GrossLeverage(limit=Decimal(3))), ("concentration",)),
        (
            (
                PositionLimit(instrument="A", min_usd=Decimal(600_000)),
                Concentration(limit=Decimal("0.5")),
                GrossLeverage(limit=Decimal(3)),
            ),
            ("position_limit-A", "concentration"),
        ),
        ((PositionLimit(instrument="A", min_usd=Decimal(20_000_000)),), ("gross_cap", "position_limit-A")),
    ],
)
def test_infeasible_policies_name_a_minimal_conflict(
    constraints: tuple[Constraint, ...], named: tuple[str, ...]
) -> None:
    market = _drawn_market(["A", "B", "C"], 10, seed=10)
    if "gross_cap" in named:
        market = _with_cash_and_debt(market)
    with pytest.raises(Infeasible) as error:
        optimise(_compiled(market, *constraints), MinimiseShortfall(), CAPITAL)
    assert error.value.constraints == named


def test_a_search_that_runs_away_counts_as_feasible() -> None:
    """Without what bounded it; so the limit is not lost from the conflict."""
    market = _drawn_market(["A", "B", "C"], 10, seed=10)
    compiled = _compiled(market, Concentration(limit=Decimal("0.3")), GrossLeverage(limit=Decimal(3)))
    search = infeasible.solve_task

    def running_away(task: Task) -> Any:
        if "gross_leverage" in task.without:
            raise Unbounded
        return search(task)

    with patch.object(infeasible, "solve_task", running_away), pytest.raises(Infeasible) as error:
        optimise(compiled, MinimiseShortfall(), CAPITAL)
    assert error.value.constraints == ("concentration", "gross_leverage")


def test_capital_below_the_floor_conflicts_with_the_floor() -> None:
    market = _drawn_market(["A", "B"], 10, seed=11)
    with pytest.raises(Infeasible) as error:
        optimise(_compiled(market), MaximiseReturn(), 999.0)
    assert error.value.constraints == ("nav_floor",)


def test_an_instrument_may_be_held_at_several_sources() -> None:
    market = _drawn_market(["A", "B"], 20, seed=12)
    sources = [("x", ["A", "B"]), ("y", ["A"]), ("z", ["B", "A"])]
    compiled = _compiled(market, Concentration(limit=Decimal("0.7")), sources=sources)
    allocation = optimise(compiled, MaximiseReturn(), CAPITAL, expected_returns={"A": 0.2, "B": 0.1})
    assert allocation.weights() == pytest.approx({"A": 0.7, "B": 0.3}, abs=1e-5)
    total = sum(allocation.positions_usd.values())
    assert total == allocation.nav_usd
    held = allocation.holdings().sources
    assert allocation.quantity("A") == held["x"]["A"] + held["y"]["A"] + held["z"]["A"]


def test_allocations_do_not_print_quantities() -> None:
    market = _drawn_market(["A", "B"], 20, seed=13)
    allocation = optimise(_compiled(market), MaximiseReturn(), CAPITAL)
    assert str(max(allocation.lots)) not in repr(allocation)
    assert "weights" not in repr(allocation)


def test_figures_are_those_of_the_whole_lots() -> None:
    market = _drawn_market(["A", "B"], 40, seed=14)
    compiled = _compiled(
        market, ExpectedShortfall(confidence=Decimal("0.9"), limit=Decimal("0.5")), Concentration(limit=Decimal("0.6"))
    )
    allocation = optimise(compiled, MaximiseReturn(), CAPITAL)
    weights = np.array([allocation.weights()[name] for name in market.ids])
    profits = market.returns() @ weights
    assert allocation.shortfall_confidence == 0.9
    assert allocation.expected_shortfall == pytest.approx(-np.sort(profits)[:4].mean())
    assert allocation.volatility_annual == pytest.approx(profits.std(ddof=1) * 365**0.5)
    assert allocation.expected_return_annual == pytest.approx(profits.mean() * 365)


@pytest.mark.parametrize("capital", [0.0, -1.0, float("nan"), float("inf")])
def test_capital_must_be_an_amount(capital: float) -> None:
    with pytest.raises(DataError, match="capital"):
        optimise(_compiled(_drawn_market(["A"], 5, seed=15)), MaximiseReturn(), capital)


def test_expected_returns_must_be_complete_numbers() -> None:
    compiled = _compiled(_drawn_market(["A", "B"], 5, seed=16))
    for beliefs in ({"A": 0.1}, {"A": 0.1, "B": float("nan")}):
        with pytest.raises(DataError, match="'B' has no expected return"):
            optimise(compiled, MaximiseReturn(), CAPITAL, expected_returns=beliefs)


def test_solver_verdicts_become_typed_errors() -> None:
    x = cp.Variable(2)
    for solver in ("HIGHS", "CLARABEL"):
        with pytest.raises(Unbounded):
            run(cp.Problem(cp.Minimize(x[0]), [x[1] == 0]), solver)
        with pytest.raises(Infeasible):
            run(cp.Problem(cp.Minimize(x[0]), [x >= 1, x <= 0]), solver)
    ball = cp.Problem(cp.Minimize(x[0]), [cp.SOC(cp.Constant(1.0), x)])
    with pytest.raises(SolverFailed, match="CLARABEL"):
        run(ball, "CLARABEL", max_iter=1)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5])
def test_objective_parameters_are_checked(confidence: float) -> None:
    with pytest.raises(DataError):
        MinimiseShortfall(confidence)
    with pytest.raises(DataError):
        MaximiseSharpe(risk_free_annual=float("nan"))
