"""Published risk models and betas against numpy."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.data import read_prices
from optimizer.data.assembly import with_volumes
from optimizer.data.history import PriceHistory
from optimizer.errors import DataError
from optimizer.market import Market, RiskModel
from optimizer.scenarios.model import cholesky_model, factor_model, published_betas, with_risk_terms
from tests.optimizer.strategies import FIRST_DAY, fixed_market, markets


def covariance(model: RiskModel, market: Market) -> np.ndarray:
    loadings = np.array([[float(x) for x in model.loadings[name]] for name in market.ids])
    own = np.array([float(model.specific.get(name, Decimal(0))) for name in market.ids])
    return loadings @ loadings.T + np.diag(own**2)


@given(market=markets(min_scenarios=2))
@settings(max_examples=40, deadline=None)
def test_a_cholesky_model_is_the_sample_covariance(market: Market) -> None:
    model = cholesky_model(market)
    assert np.allclose(covariance(model, market), np.atleast_2d(np.cov(market.returns().T)), atol=1e-8)
    assert len(model.factors) <= min(len(market.ids), market.scenario_count)


@given(market=markets(min_scenarios=3), count=st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_a_factor_model_keeps_every_variance(market: Market, count: int) -> None:
    model = factor_model(market, count)
    exact = np.atleast_2d(np.cov(market.returns().T))
    assert np.allclose(np.diag(covariance(model, market)), np.diag(exact), atol=1e-7)
    if count >= len(market.ids):
        assert np.allclose(covariance(model, market), exact, atol=1e-7)


@given(market=markets(min_scenarios=3))
@settings(max_examples=30, deadline=None)
def test_betas_are_least_squares_slopes(market: Market) -> None:
    factor = market.ids[0]
    series = market.returns()
    if np.ptp(series[:, 0]) < 1e-3:
        return
    betas = published_betas(market, factor)
    assert betas[factor] == 1
    for name, column in zip(market.ids, series.T, strict=True):
        assert float(betas[name]) == pytest.approx(np.polyfit(series[:, 0], column, 1)[0], abs=2e-6)


def test_terms_become_part_of_the_market() -> None:
    market = fixed_market({"A": "1", "B": "2"}, {"A": ["0.1", "-0.1", "0.05"], "B": ["0.2", "-0.2", "0.1"]})
    richer = with_risk_terms(market, cholesky_model(market), ["A"])
    assert richer.hash != market.hash
    assert richer.beta("A", "B") == 2
    assert richer.risk_model is not None
    with pytest.raises(DataError, match="publishes no beta"):
        richer.beta("B", "A")


def test_volumes_are_medians_of_the_last_days() -> None:
    market = fixed_market({"A": "1", "B": "2"}, {"A": ["0"] * 3, "B": ["0"] * 3})
    dates = tuple(FIRST_DAY + dt.timedelta(days=d) for d in range(-2, 3))
    series = {"A": tuple(map(Decimal, ("9", "1", "7", "5.9", "100"))), "C": (Decimal(1),) * 5}
    history = PriceHistory(dates, series, {})
    assert with_volumes(market, history, days=3).asset_terms("A").daily_volume_usd == 7
    assert with_volumes(market, history, days=4).asset_terms("A").daily_volume_usd == 5
    assert with_volumes(market, history).asset_terms("B").daily_volume_usd is None
    with pytest.raises(DataError, match="no volumes of the market's day"):
        with_volumes(market, PriceHistory(dates[:-1], {"A": series["A"][:-1]}, {}))


def test_a_file_of_volumes_may_hold_zeros(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("date,A\n2020-01-01,0\n2020-01-02,0\n2020-01-03,5\n")
    market = fixed_market({"A": "1"}, {"A": ["0"] * 3})
    history = read_prices(tmp_path / "v.csv", may_be_zero=True)
    assert with_volumes(market, history).asset_terms("A").daily_volume_usd == 0
    with pytest.raises(DataError, match="not positive"):
        read_prices(tmp_path / "v.csv")
    (tmp_path / "v.csv").write_text("date,A\n2020-01-01,-1\n")
    with pytest.raises(DataError, match="not positive"):
        read_prices(tmp_path / "v.csv", may_be_zero=True)


def test_what_cannot_be_computed_is_refused() -> None:
    still = fixed_market({"A": "1"}, {"A": ["0", "0"]})
    with pytest.raises(DataError, match="do not vary"):
        published_betas(still, "A")
    with pytest.raises(DataError, match="no instrument 'Z'"):
        published_betas(still, "Z")
    with pytest.raises(DataError, match="at least two scenarios"):
        cholesky_model(fixed_market({"A": "1"}, {"A": ["0"]}))
    with pytest.raises(DataError, match="at least one factor"):
        factor_model(still, 0)
    assert cholesky_model(still).loadings == {"A": (Decimal(0),)}
