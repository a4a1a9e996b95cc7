"""The efficient frontier: its ends, its shape, and its agreement with the optimiser."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from optimizer.allocate import (
    FrontierPoint,
    MaximiseReturn,
    MinimiseShortfall,
    MinimiseVolatility,
    efficient_frontier,
    optimise,
)
from optimizer.allocate.frontier import RiskMeasure
from optimizer.errors import DataError, Infeasible
from optimizer.market import Market
from optimizer.policy import (
    CompiledPolicy,
    Concentration,
    Constraint,
    ExpectedShortfall,
    GrossLeverage,
    HistoricalVar,
    compile_policy,
)
from tests.optimizer.policy_strategies import policy_of
from tests.optimizer.strategies import fixed_market

CAPITAL = 1_000_000.0


@pytest.fixture(scope="module")
def market() -> Market:
    generator = np.random.default_rng(42)
    common = generator.normal(0, 0.02, 60)
    series = {
        name: [f"{r:.9f}" for r in common + generator.normal(drift, spread, 60)]
        for name, drift, spread in (("A", 0.004, 0.05), ("B", 0.002, 0.03), ("C", 0.001, 0.01))
    }
    return fixed_market({"A": "100", "B": "10", "C": "1", "USD": "1"}, series | {"USD": ["0"] * 60})


def _compiled(market: Market, *constraints: Constraint) -> CompiledPolicy:
    return compile_policy(policy_of(market, *constraints), market)


def _risk(point: FrontierPoint, risk: RiskMeasure) -> float:
    return point.expected_shortfall if risk == "expected_shortfall" else point.volatility_annual


@pytest.mark.parametrize("risk", ["expected_shortfall", "volatility"])
@pytest.mark.parametrize("limited", [False, True])
def test_risk_rises_with_return_and_faster_and_faster(market: Market, risk: RiskMeasure, limited: bool) -> None:
    limits: tuple[Constraint, ...] = (
        ExpectedShortfall(confidence=Decimal("0.9"), limit=Decimal("0.08")),
        Concentration(limit=Decimal("0.5")),
    )
    compiled = _compiled(market, *(limits if limited else limits[:1]))
    points = efficient_frontier(compiled, CAPITAL, points=7, risk=risk)
    assert len(points) == 7
    returns = [p.expected_return_annual for p in points]
    risks = [_risk(p, risk) for p in points]
    assert returns == sorted(returns)
    assert risks == pytest.approx(sorted(risks), abs=1e-7)
    slopes = [(r1 - r0) / (m1 - m0) for (r0, r1), (m0, m1) in zip(pairwise(risks), pairwise(returns), strict=True)]
    assert slopes == pytest.approx(sorted(slopes), abs=1e-4)
    assert all(sum(p.weights.values()) == pytest.approx(1, abs=1e-6) for p in points)


def test_ends_are_the_optimisers_own_answers(market: Market) -> None:
    compiled = _compiled(market, ExpectedShortfall(confidence=Decimal("0.9"), limit=Decimal("0.08")))
    for risk, objective in (("expected_shortfall", MinimiseShortfall(0.9)), ("volatility", MinimiseVolatility())):
        points = efficient_frontier(compiled, CAPITAL, points=3, risk=risk)  # type: ignore[arg-type]
        calmest = optimise(compiled, objective, CAPITAL)
        boldest = optimise(compiled, MaximiseReturn(), CAPITAL)
        assert _risk(points[0], risk) == pytest.approx(calmest.objective_value, abs=1e-5)  # type: ignore[arg-type]
        assert points[-1].expected_return_annual == pytest.approx(boldest.objective_value, abs=1e-4)


def test_value_at_risk_holds_on_every_point(market: Market) -> None:
    limit = HistoricalVar(confidence=Decimal("0.95"), limit=Decimal("0.04"))
    compiled = _compiled(market, limit, GrossLeverage(limit=Decimal(1)))
    points = efficient_frontier(compiled, CAPITAL, points=6)
    assert len(points) >= 4
    for point in points:
        losses = -market.returns() @ np.array([point.weights[name] for name in market.ids])
        assert np.sort(losses)[::-1][3] <= 0.04


def test_a_single_point_where_the_least_risky_earns_the_most(market: Market) -> None:
    beliefs = {"A": -0.3, "B": -0.2, "C": -0.1, "USD": 0.01}
    points = efficient_frontier(_compiled(market), CAPITAL, expected_returns=beliefs)
    assert len(points) == 1
    assert points[0].weights["USD"] == pytest.approx(1, abs=1e-5)


def test_frontier_of_an_infeasible_policy_names_the_conflict(market: Market) -> None:
    compiled = _compiled(market, Concentration(limit=Decimal("0.2")))
    with pytest.raises(Infeasible) as error:
        efficient_frontier(compiled, CAPITAL)
    assert error.value.constraints == ("concentration",)


def test_bad_requests_are_refused(market: Market) -> None:
    compiled = _compiled(market)
    with pytest.raises(DataError, match="capital"):
        efficient_frontier(compiled, -1.0)
    with pytest.raises(DataError, match="two points"):
        efficient_frontier(compiled, CAPITAL, points=1)


def test_points_do_not_print_weights(market: Market) -> None:
    assert "weights" not in repr(efficient_frontier(_compiled(market), CAPITAL, points=2)[0])
