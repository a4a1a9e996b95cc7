"""Risk measures against independent definitions: brute force, closed forms, written-down examples."""

from decimal import Decimal
from fractions import Fraction
from statistics import stdev

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from optimizer import DataError, RiskReport, sample_market
from optimizer.risk import (
    exact_losses,
    expected_return,
    expected_shortfall,
    exposure,
    historical_var,
    max_drawdown,
    parametric_var,
    scenario_losses,
    sharpe_ratio,
    tail_size,
    value_path,
    volatility,
)
from tests.optimizer.strategies import confidences, fixed_market, holdings, markets, samples


@given(samples(), confidences)
def test_historical_var_is_the_least_number_that_the_protocol_accepts(
    losses: NDArray[np.float64], confidence: Decimal
) -> None:
    allowed = ((1 - Fraction(confidence)) * len(losses)).__floor__()
    accepted = [x for x in losses if sum(loss > x for loss in losses) <= allowed]
    var = historical_var(losses, confidence)
    assert var == min(accepted)
    below = var - 0.125  # between the losses, which lie on quarters
    assert sum(loss > below for loss in losses) > allowed


@given(samples(), confidences)
def test_expected_shortfall_is_the_minimum_of_rockafellar_and_uryasev(
    losses: NDArray[np.float64], confidence: Decimal
) -> None:
    tail = (1 - Fraction(confidence)) * len(losses)
    exact = [Fraction(float(loss)) for loss in losses]
    minimum = min(t + sum((max(loss - t, Fraction(0)) for loss in exact), Fraction(0)) / tail for t in exact)
    assert expected_shortfall(losses, confidence) == pytest.approx(float(minimum), rel=1e-12, abs=1e-12)


@given(samples(), confidences)
def test_tail_measures_are_ordered_and_coherent(losses: NDArray[np.float64], confidence: Decimal) -> None:
    var, shortfall = historical_var(losses, confidence), expected_shortfall(losses, confidence)
    tolerance = 1e-9 * max(1, np.abs(losses).max())
    assert np.mean(losses) - tolerance <= shortfall <= losses.max() + tolerance
    assert var <= shortfall + tolerance
    assert expected_shortfall(2 * losses + 8, confidence) == pytest.approx(2 * shortfall + 8)
    assert historical_var(2 * losses + 8, confidence) == 2 * var + 8


def test_a_fractional_tail_is_not_rounded_up() -> None:
    losses = [10.0, 8.0, 1.0, 0.0]
    # (1 − 0.625)·4 = 1.5 scenarios: 10 in full and half of 8. The mean of the two worst, 9, would be too low.
    assert expected_shortfall(losses, Decimal("0.625")) == pytest.approx(14 / 1.5)
    assert expected_shortfall(losses, Decimal("0.5")) == 9
    assert expected_shortfall(losses, Decimal("0.9")) == 10


def test_the_count_is_exact_where_doubles_are_not() -> None:
    assert int((1 - 0.9) * 10) == 0  # what a double would count
    assert tail_size(Decimal("0.9"), 10) == 1
    losses = list(range(10))
    assert historical_var(losses, Decimal("0.9")) == 8
    assert historical_var(losses, Fraction(91, 100)) == 9


@pytest.mark.parametrize("confidence", [Decimal(0), Decimal(1), Decimal("1.5"), Decimal("NaN"), Fraction(-1, 2), 0.99])
@pytest.mark.parametrize("measure", [historical_var, expected_shortfall, parametric_var])
def test_confidences_are_exact_and_inside_zero_and_one(measure: object, confidence: object) -> None:
    with pytest.raises(DataError, match="confidence"):
        measure([1.0, 2.0], confidence)  # type: ignore[operator]


@pytest.mark.parametrize("sample", [[], [1.0, float("nan")], [1.0, float("inf")], [[1.0, 2.0]]])
def test_samples_that_cannot_be_measured(sample: list) -> None:
    level = Decimal("0.9")
    for measure in (
        lambda: historical_var(sample, level),
        lambda: expected_shortfall(sample, level),
        lambda: parametric_var(sample, level),
        lambda: volatility(sample),
        lambda: expected_return(sample),
        lambda: sharpe_ratio(sample),
        lambda: max_drawdown(sample),
    ):
        with pytest.raises(DataError):
            measure()


@given(samples(min_size=2))
def test_volatility_and_sharpe_from_their_sums(sample: NDArray[np.float64]) -> None:
    returns = sample / 10_000
    mean = sum(returns) / len(returns)
    variance = sum((r - mean) ** 2 for r in returns) / (len(returns) - 1)
    assert volatility(returns) == pytest.approx((365 * variance) ** 0.5, rel=1e-9, abs=1e-15)
    assert expected_return(returns) == pytest.approx(365 * mean, rel=1e-9, abs=1e-15)
    if np.ptp(returns) == 0:
        with pytest.raises(DataError, match="do not vary"):
            sharpe_ratio(returns)
    else:
        expected = (365 * mean - 0.02) / (365 * variance) ** 0.5
        assert sharpe_ratio(returns, 0.02) == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_normal_losses_meet_the_closed_forms() -> None:
    # Quantiles of a normal distribution in the middle of 20 000 equal slices.
    scale, count = 3.0, 20_000
    losses = stats.norm.ppf((np.arange(count) + 0.5) / count, scale=scale)
    for level in ("0.95", "0.975", "0.99"):
        z = stats.norm.ppf(float(level))
        assert parametric_var(losses, Decimal(level)) == pytest.approx(scale * z, rel=1e-3)
        assert historical_var(losses, Decimal(level)) == pytest.approx(scale * z, rel=1e-3)
        closed = scale * stats.norm.pdf(z) / (1 - float(level))
        assert expected_shortfall(losses, Decimal(level)) == pytest.approx(closed, rel=2e-3)


@given(samples(min_size=2), confidences)
def test_parametric_var_is_z_times_deviation(losses: NDArray[np.float64], confidence: Decimal) -> None:
    expected = stats.norm.ppf(float(confidence)) * stdev(losses.tolist())
    assert parametric_var(losses, confidence) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(samples(max_size=20))
def test_drawdown_by_brute_force(sample: NDArray[np.float64]) -> None:
    path = np.concatenate([[101.0], sample])
    worst = max((path[: t + 1].max() - path[t]) / path[: t + 1].max() for t in range(len(path)))
    assert max_drawdown(path) == pytest.approx(worst)


def test_drawdown_examples() -> None:
    assert max_drawdown([1, 2, 3]) == 0
    assert max_drawdown([100, 120, 60, 130, 117]) == 0.5
    assert max_drawdown([100, -50]) == 1.5
    with pytest.raises(DataError, match="start positive"):
        max_drawdown([0, 1])


@given(st.data())
def test_exposure_by_brute_force(data: st.DataObject) -> None:
    market = data.draw(markets())
    quantities = data.draw(holdings(market))
    balance = exposure(market, quantities)
    owned = owed = nav = gross = Fraction(0)
    for name, quantity in quantities.items():
        i = market.instrument(name)
        size = Fraction(i.price_usd) * Fraction(quantity)
        gross += abs(size)
        if i.kind == "borrow" or size < 0:
            owed += abs(size) * (1 + Fraction(i.debt_margin))
            nav -= abs(size)
        else:
            owned += size * (1 - Fraction(i.haircut))
            nav += size
    assert (balance.nav_usd, balance.gross_usd) == (nav, gross)
    assert (balance.assets_usd, balance.debts_usd) == (owned, owed)
    assert balance.nav_usd == market.nav_usd(quantities)
    assert balance.health == (owned / owed if owed else None)
    if nav > 0:
        assert balance.gross_leverage == gross / nav == sum(balance.concentration.values())
    else:
        with pytest.raises(DataError, match="no positive NAV"):
            _ = balance.gross_leverage


def test_a_haircut_does_not_shrink_a_short() -> None:
    # A break that docs/assurance.md lists: cash of 400 k, ten BTC short at 60 k, half of BTC's value counted.
    market = fixed_market(
        {"BTC": "60000", "USD": "1"},
        {"BTC": ["0"], "USD": ["0"]},
        BTC={"haircut": "0.5", "signed": True},
        USD={"kind": "stablecoin"},
    )
    balance = exposure(market, {"USD": Decimal(400_000), "BTC": Decimal(-10)})
    assert balance.debts_usd == 600_000
    assert balance.health == Fraction(2, 3)


def test_net_leverage_leaves_cash_out() -> None:
    market = fixed_market(
        {"BTC": "100", "borrow-BTC": "100", "DAI": "1", "borrow-USD": "1"},
        {"BTC": ["0"], "borrow-BTC": ["0"], "DAI": ["0"], "borrow-USD": ["0"]},
        **{
            "DAI": {"kind": "stablecoin"},
            "borrow-BTC": {"kind": "borrow", "asset": "BTC"},
            "borrow-USD": {"kind": "borrow", "asset": "USD"},
        },
    )
    levered = exposure(market, {"BTC": Decimal(3), "borrow-USD": Decimal(200)})
    assert (levered.net_leverage, levered.gross_leverage) == (3, 5)
    hedged = exposure(market, {"BTC": Decimal(1), "borrow-BTC": Decimal(1), "DAI": Decimal(50)})
    assert (hedged.net_leverage, hedged.gross_leverage) == (0, 5)


def test_quantities_that_cannot_be() -> None:
    market = fixed_market({"BTC": "100"}, {"BTC": ["0"]})
    with pytest.raises(DataError, match="no instrument 'ETH'"):
        exposure(market, {"ETH": Decimal(1)})
    with pytest.raises(DataError, match="cannot be negative") as caught:
        exposure(market, {"BTC": Decimal("-7.25")})
    assert "7.25" not in str(caught.value)
    with pytest.raises(DataError, match="finite Decimal"):
        exposure(market, {"BTC": 1.0})  # type: ignore[dict-item]
    with pytest.raises(DataError, match="finite Decimal"):
        exposure(market, {"BTC": Decimal("NaN")})


@given(st.data())
def test_losses_and_paths_follow_the_scenarios(data: st.DataObject) -> None:
    market = data.draw(markets(max_scenarios=8))
    quantities = data.draw(holdings(market))
    units = {name: market.unit_pnl_usd(name) for name in quantities}
    expected = [
        -sum((units[name][s] * Fraction(q) for name, q in quantities.items()), Fraction(0))
        for s in range(market.scenario_count)
    ]
    assert list(exact_losses(market, quantities)) == expected
    assert scenario_losses(market, quantities).tolist() == [float(x) for x in expected]
    path = [float(market.nav_usd(quantities))]
    growth = {name: Fraction(1) for name in quantities}
    for s in range(market.scenario_count):
        total = Fraction(0)
        for name, quantity in quantities.items():
            i = market.instrument(name)
            growth[name] *= 1 + Fraction(market.scenarios.returns[name][s])
            total += i.sign * Fraction(i.price_usd) * Fraction(quantity) * growth[name]
        path.append(float(total))
    scale = 1e-9 * max(1.0, float(exposure(market, quantities).gross_usd)) * 1.5**market.scenario_count
    assert value_path(market, quantities) == pytest.approx(path, rel=1e-9, abs=scale)


@given(st.data())
def test_the_report_is_the_measures_of_the_scaled_losses(data: st.DataObject) -> None:
    market = data.draw(markets())
    quantities = data.draw(holdings(market))
    nav = float(market.nav_usd(quantities))
    assume(nav > 0)
    report = RiskReport.of(market, quantities, var_confidence=Decimal("0.9"), es_confidence=Fraction(3, 4))
    losses = np.sort(scenario_losses(market, quantities))[::-1]
    count = len(losses)
    assert report.nav_usd == nav
    assert report.historical_var_fraction * nav == pytest.approx(losses[count // 10], rel=1e-9, abs=1e-6)
    tail = Fraction(count, 4)
    weights = [float(min(max(tail - s, 0), 1)) for s in range(count)]
    worst = np.dot(weights, losses) / float(tail) if tail >= 1 else losses[0]
    assert report.expected_shortfall_fraction * nav == pytest.approx(worst, rel=1e-9, abs=1e-6)
    # `abs` of one double's rounding in the largest loss, since losses may nearly cancel.
    noise = 1e-14 * float(np.abs(losses).max()) / nav
    assert report.volatility_annual == pytest.approx(np.std(losses / nav, ddof=1) * 365**0.5, rel=1e-9, abs=20 * noise)
    assert report.expected_return_annual == pytest.approx(-365 * np.mean(losses / nav), rel=1e-9, abs=365 * noise)
    assert (report.sharpe is None) == (report.volatility_annual == 0)
    assert report.largest_concentration == max(report.concentration.values())
    assert report.max_drawdown >= 0


def test_a_report_in_cash_has_no_sharpe_and_no_health() -> None:
    market = sample_market(scenario_count=20)
    report = RiskReport.of(market, {"USD": Decimal(1000), "supply-USD": Decimal(500)})
    assert report.volatility_annual == 0
    assert report.sharpe is None
    assert report.health is None
    assert report.gross_leverage == 1
    assert report.net_leverage == 0
    assert report.historical_var_fraction < 0
    assert report.max_drawdown == 0


def test_a_perfect_hedge_loses_exactly_nothing() -> None:
    market = sample_market(scenario_count=50, yields_annual={})
    hedge = {"supply-ETH": Decimal("123.456789"), "borrow-ETH": Decimal("123.456789"), "USD": Decimal("0.1")}
    assert not scenario_losses(market, hedge).any()
    assert RiskReport.of(market, hedge).sharpe is None


def test_a_report_of_nothing_is_refused_and_none_prints_amounts() -> None:
    market = sample_market(scenario_count=20)
    with pytest.raises(DataError, match="no positive NAV"):
        RiskReport.of(market, {})
    with pytest.raises(DataError, match="at least two scenarios"):
        RiskReport.of(sample_market(scenario_count=1), {"BTC": Decimal(1)})
    report = RiskReport.of(market, {"BTC": Decimal(1)})
    assert "8709" not in repr(report) + repr(exposure(market, {"BTC": Decimal(1)}))
    assert report.as_dict()["var_confidence"] == "0.99"
    assert report.as_dict()["concentration"] == {"BTC": 1.0}
