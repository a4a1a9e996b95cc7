"""Greeks and factor exposures in bands. (K.30)"""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from optimizer.errors import PolicyError
from optimizer.policy import Constraint, FactorExposure, Greek, Sleeve
from tests.optimizer.policies.fund import (
    HELD,
    PUT,
    Held,
    assert_slack_is,
    books,
    broken_by,
    compiled_fund,
    market_of,
    named_once_tightened,
    values,
)
from tests.optimizer.policy_edges import assert_exactly_at_the_limit

DELTA_USD, GAMMA_USD, VEGA_USD, THETA_USD = 290_000, 8_000, 1_200, -300
"""BTC 250 000, puts −400 000, ETH 440 000 with 60 000 owed; the rest is of 20 puts."""
RICHER: Held = HELD | {("custodian-a", "USD"): Decimal(240_000)}
"""The same with a NAV of 1 160 000 USD, of which the delta is a quarter."""


def greek(name: str = "delta", **fields: Any) -> Greek:
    return Greek(greek=name, **fields)


# Meaning -------------------------------------------------------------------------------------------------------------

NO_CASH = ("BTC", "ETH", "stETH", "short-BTC", "aETH", "owed-ETH")
PER_DOLLAR = {
    "delta": dict.fromkeys(NO_CASH, 1.0) | {"put-BTC": -40.0},
    "gamma": {"put-BTC": 0.8},
    "vega": {"put-BTC": 0.12},
    "theta": {"put-BTC": -0.03},
}


@pytest.mark.parametrize("name", PER_DOLLAR)
@given(held=books(), bound=st.sampled_from(["min", "max", "min_usd", "max_usd"]))
@settings(max_examples=15, deadline=None)
def test_greeks_against_numpy(name: str, held: Held, bound: str) -> None:
    worth = values(held)
    exposure = sum(per_dollar * worth[key].sum() for key, per_dollar in PER_DOLLAR[name].items())
    level = 0.3 if bound in ("min", "max") else 20_000.0
    limit = level * sum(slots.sum() for slots in worth.values()) if bound in ("min", "max") else level
    compiled = compiled_fund(market_of(), greek(name, **{bound: Decimal(str(level))}))
    assert_slack_is(compiled, name, held, exposure - limit if bound.startswith("min") else limit - exposure)


@given(held=books())
@settings(max_examples=15, deadline=None)
def test_factor_exposure_against_numpy(held: Held) -> None:
    worth = values(held)
    betas = {"BTC": 1.0, "short-BTC": 1.0, "put-BTC": -40.0} | dict.fromkeys(["ETH", "stETH", "aETH", "owed-ETH"], 1.2)
    exposure = sum(beta * worth[name].sum() for name, beta in betas.items())
    compiled = compiled_fund(market_of(), FactorExposure(factor="BTC", min_usd=Decimal(-50_000)))
    assert_slack_is(compiled, "factor_exposure-BTC", held, exposure + 50_000)


@given(held=books())
@settings(max_examples=15, deadline=None)
def test_slack_of_a_band_is_that_of_its_nearer_bound(held: Held) -> None:
    worth = values(held)
    exposure = sum(worth[name].sum() for name in ("BTC", "short-BTC")) - 40 * worth["put-BTC"].sum()
    compiled = compiled_fund(market_of(), greek(asset="BTC", min_usd=Decimal(-70_000), max_usd=Decimal(30_000)))
    assert_slack_is(compiled, "delta-BTC", held, min(exposure + 70_000, 30_000 - exposure))


BTC, PUT_SLOT, OWED = ("custodian-b", "BTC"), ("custodian-a", "put-BTC"), ("lender", "owed-ETH")


@pytest.mark.parametrize(
    ("limit", "held", "slot", "step"),
    [
        (greek(max_usd=Decimal(DELTA_USD)), HELD, BTC, 1),
        (greek(max_usd=Decimal(DELTA_USD)), HELD, OWED, -1),
        (greek(max_usd=Decimal(DELTA_USD)), HELD, PUT_SLOT, -1),
        (greek(min_usd=Decimal(DELTA_USD)), HELD, OWED, 1),
        (greek(min_usd=Decimal(DELTA_USD)), HELD, ("custodian-a", "short-BTC"), -1),
        (greek(max=Decimal("0.25")), RICHER, BTC, 1),
        (greek(max=Decimal("0.25")), RICHER, ("lender", "owed-USDC"), 1),
        (greek(min=Decimal("0.25")), RICHER, ("custodian-a", "USD"), 1),
        (greek("gamma", max_usd=Decimal(GAMMA_USD)), HELD, PUT_SLOT, 1),
        (greek("vega", max_usd=Decimal(VEGA_USD)), HELD, PUT_SLOT, 1),
        (greek("theta", min_usd=Decimal(THETA_USD)), HELD, PUT_SLOT, 1),
        (FactorExposure(factor="BTC", max_usd=Decimal(378_000)), HELD, OWED, -1),
        (FactorExposure(factor="BTC", min_usd=Decimal(378_000)), HELD, PUT_SLOT, 1),
    ],
)
def test_bounds_at_the_edge(limit: Constraint, held: Held, slot: tuple[str, str], step: int) -> None:
    """Debts and shorts take away from an exposure, so that one more of them breaks a minimum and never a maximum."""
    assert_exactly_at_the_limit(compiled_fund(market_of(), limit), limit.default_name, held, slot, step)


def test_delta_neutrality_is_a_band() -> None:
    """Against 290 000 USD of delta, 145 ETH more are borrowed and sold."""
    compiled = compiled_fund(market_of(), greek(min=Decimal("-0.001"), max=Decimal("0.001")))
    assert broken_by(compiled) == ("delta",)
    hedged = {OWED: 175, ("custodian-a", "USD"): 150_000 + 290_000}
    assert broken_by(compiled, hedged) == ()
    assert broken_by(compiled, hedged | {OWED: 176}) == ("delta",)
    assert broken_by(compiled, hedged | {OWED: 174}) == ("delta",)


@pytest.mark.parametrize(
    ("name", "tightened"),
    [
        ("delta", greek(max_usd=Decimal(289_999))),
        ("delta", greek(min_usd=Decimal(290_001))),
        ("vega", greek("vega", max_usd=Decimal(1_199))),
        ("factor_exposure-BTC", FactorExposure(factor="BTC", max=Decimal("0.35"))),
    ],
)
def test_only_the_exposure_is_named(name: str, tightened: Constraint) -> None:
    assert named_once_tightened(name, tightened) == (name,)


# How a fund might cheat ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("netting", ["across_sources", "none"])
def test_an_exposure_hides_at_no_source(netting: str) -> None:
    """2 BTC at another custodian count as 2 BTC, whatever the policy nets."""
    compiled = compiled_fund(market_of(), greek(max_usd=Decimal(DELTA_USD)), netting=netting)
    moved = {("custodian-a", "BTC"): 6, ("custodian-b", "BTC"): 0}
    assert broken_by(compiled, moved) == ()
    assert broken_by(compiled, moved | {("custodian-b", "BTC"): "0.01"}) == ("delta",)


def test_written_puts_are_long_delta_and_short_gamma() -> None:
    written = {PUT_SLOT: -20, ("custodian-a", "USD"): 170_000}
    assert broken_by(compiled_fund(market_of(), greek(max_usd=Decimal(DELTA_USD + 800_000))), written) == ()
    assert broken_by(compiled_fund(market_of(), greek(max_usd=Decimal(DELTA_USD + 799_999))), written) == ("delta",)
    assert broken_by(compiled_fund(market_of(), greek("gamma", min_usd=Decimal(-7_999))), written) == ("gamma",)


def test_cash_has_no_delta_unless_its_asset_is_named() -> None:
    """Of the stablecoin 170 000 USD are held and lent more than owed; none of it is delta of the fund."""
    more = {("custodian-a", "USDC"): 400_000}
    assert broken_by(compiled_fund(market_of(), greek(max_usd=Decimal(DELTA_USD))), more) == ()
    named = compiled_fund(market_of(), greek(asset="USDC", max_usd=Decimal(170_000)))
    assert broken_by(named) == ()
    assert broken_by(named, more) == ("delta-USDC",)


@pytest.mark.parametrize("name", ["delta", "gamma", "vega", "theta"])
def test_a_greek_that_is_not_published_is_refused_and_not_taken_for_zero(name: str) -> None:
    greeks = {key: value for key, value in PUT.items() if key != f"{name}_usd"}
    with pytest.raises(PolicyError, match=f"publishes no {name} of 'put-BTC'; add {name}_usd"):
        compiled_fund(market_of({"put-BTC": {"greeks": greeks}}), greek(name, max_usd=Decimal(1)))


def test_a_beta_that_is_not_published_is_refused_and_not_taken_for_zero() -> None:
    betas = {name: beta for name, beta in market_of().betas["BTC"].items() if name != "owed-ETH"}
    with pytest.raises(PolicyError, match="publishes no beta of 'owed-ETH' to 'BTC'"):
        compiled_fund(market_of(betas={"BTC": betas}), FactorExposure(factor="BTC", max_usd=Decimal(1)))
    with pytest.raises(PolicyError, match="publishes no beta of 'BTC' to 'size'"):
        compiled_fund(market_of(), FactorExposure(factor="size", max_usd=Decimal(1)))


def test_an_asset_that_nobody_holds_is_refused() -> None:
    with pytest.raises(PolicyError, match="nothing that the policy holds is in 'SOL'"):
        compiled_fund(market_of(), greek(asset="SOL", max_usd=Decimal(1)))


# In a sleeve, in words, and inherited --------------------------------------------------------------------------------


def test_in_a_sleeve_only_its_own_delta_and_nav_count() -> None:
    """250 000 USD of delta in a sleeve of 500 000 USD; the puts outside do not hedge it."""
    part = Sleeve(name="part", instruments=("BTC", "short-BTC", "USD"), constraints=(greek(max=Decimal("0.5")),))
    held = HELD | {("custodian-b", "USD"): Decimal(100_000)}
    compiled = compiled_fund(market_of(), part)
    assert_exactly_at_the_limit(compiled, "part.delta", held, ("custodian-a", "BTC"), 1)
    assert broken_by(compiled, {("custodian-b", "USD"): 100_000, PUT_SLOT: 100}) == ()


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (
            greek(min=Decimal("-0.05"), max=Decimal("0.05")),
            "Dollar delta (USD for a move of 100%) is at least -5% of NAV and at most 5% of NAV.",
        ),
        (
            greek("vega", asset="BTC", max_usd=Decimal(25_000)),
            "Vega (USD for a point of volatility) in BTC is at most 25,000 USD.",
        ),
        (
            FactorExposure(factor="BTC", min=Decimal(0), max_usd=Decimal(1000)),
            "Exposure to BTC (value times published beta) is at least 0% of NAV and at most 1,000 USD.",
        ),
    ],
)
def test_sentences(limit: Constraint, sentence: str) -> None:
    assert limit.sentence() == sentence


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ({}, "give min, max, min_usd or max_usd"),
        ({"min": Decimal(1), "max": Decimal("0.9")}, "the minimum of the band exceeds its maximum"),
        ({"min_usd": Decimal(2), "max_usd": Decimal(1)}, "the minimum of the band exceeds its maximum"),
    ],
)
@pytest.mark.parametrize("kind", [{"greek": "delta"}, {"factor": "BTC"}])
def test_bands_that_mean_nothing_are_refused(kind: dict[str, Any], bounds: dict[str, Any], reason: str) -> None:
    of = Greek if "greek" in kind else FactorExposure
    with pytest.raises(ValidationError, match=reason):
        of(**kind, **bounds)


def test_a_narrower_band_is_tighter() -> None:
    band = greek(min=Decimal("-0.1"), max=Decimal("0.1"))
    assert greek(min=Decimal("-0.05"), max=Decimal("0.1")).tightens(band)
    assert not greek(min=Decimal("-0.2"), max=Decimal("0.05")).tightens(band)
    assert not greek("vega", min=Decimal("-0.05"), max=Decimal("0.05")).tightens(band)
    assert not greek(asset="BTC", min=Decimal("-0.05"), max=Decimal("0.05")).tightens(band)
