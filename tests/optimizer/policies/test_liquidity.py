"""What can be sold in time, and whether it covers redemptions. (K.33), (K.34), (K.35)"""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from optimizer.errors import PolicyError
from optimizer.market import AssetTerms
from optimizer.policy import Constraint, Liquidity, RedemptionCoverage, Sleeve
from tests.optimizer.policies.fund import (
    HELD,
    NAV_USD,
    VOLUMES,
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

SLOW: dict[str, Any] = {"days": 2, "participation": Decimal("0.02")}
"""BTC sells 400 000 USD, ETH 200 000, USDC 80 000."""
SOLD_USD = 730_000
"""BTC 250 000 in full, ETH 200 000 of 300 000, USDC 80 000 of 150 000, all of 200 000 dollars."""
DEBTS_USD = 140_000


def liquidity(limit: str, **fields: Any) -> Liquidity:
    return Liquidity(limit=Decimal(limit), **SLOW | fields)


def coverage(**fields: Any) -> RedemptionCoverage:
    return RedemptionCoverage(**SLOW | fields)


# Meaning -------------------------------------------------------------------------------------------------------------


def sold(held: Held, days: int, participation: float, *, supplied: bool) -> float:
    worth = {name: slots.sum() for name, slots in values(held).items()}
    lent = {name: worth[name] * supplied for name in ("aETH", "aUSDC")}
    by_asset = {
        "BTC": worth["BTC"] + worth["short-BTC"],
        "ETH": worth["ETH"] + worth["stETH"] + lent["aETH"],
        "USDC": worth["USDC"] + lent["aUSDC"],
    }
    capped = sum(min(value, days * participation * float(VOLUMES[asset])) for asset, value in by_asset.items())
    return float(capped + worth["USD"] + np.minimum(values(held)["put-BTC"], 0).sum())


@given(held=books(), days=st.integers(1, 4), supplied=st.booleans())
@settings(max_examples=25, deadline=None)
def test_slack_against_numpy(held: Held, days: int, supplied: bool) -> None:
    nav = sum(slots.sum() for slots in values(held).values())
    terms: dict[str, Any] = {"days": days, "participation": Decimal("0.01"), "include_supplied": supplied}
    enough = sold(held, days, 0.01, supplied=supplied)
    limits = (Liquidity(limit=Decimal("0.3"), **terms), RedemptionCoverage(redemptions=Decimal("0.1"), **terms))
    owed = sum(values(held)[name].sum() for name in ("owed-USDC", "owed-ETH"))
    compiled = compiled_fund(market_of(), *limits)
    assert_slack_is(compiled, "liquidity", held, enough - 0.3 * nav)
    assert_slack_is(compiled, "redemption_coverage", held, enough + owed - 0.1 * nav)
    announced = compiled_fund(market_of(), RedemptionCoverage(redemptions_usd=Decimal(70_000), **terms))
    assert_slack_is(announced, "redemption_coverage", held, enough + owed - 70_000)


RICHER: Held = HELD | {("custodian-a", "BTC"): Decimal("7.6")}
"""BTC of 430 000 USD net, 30 000 more than sells; 880 000 of 1 250 000 USD sell."""
USD, STAKED, LENT = ("custodian-b", "USD"), ("custodian-a", "stETH"), ("lender", "aETH")


@pytest.mark.parametrize(
    ("limit", "held", "slot", "step"),
    [
        (liquidity("0.704"), RICHER, USD, -1),
        (liquidity("0.704"), RICHER, STAKED, 1),
        (liquidity("0.704"), RICHER, ("custodian-b", "BTC"), 1),
        (liquidity("0.704"), RICHER, LENT, 1),
        (coverage(redemptions_usd=Decimal(SOLD_USD - DEBTS_USD)), HELD, USD, -1),
        (coverage(redemptions_usd=Decimal(SOLD_USD - DEBTS_USD)), HELD, ("lender", "owed-ETH"), 1),
        (coverage(redemptions_usd=Decimal(SOLD_USD - DEBTS_USD)), HELD, ("custodian-a", "short-BTC"), -1),
        (coverage(redemptions=Decimal("0.592")), RICHER, ("lender", "owed-USDC"), 1),
        (coverage(redemptions=Decimal("0.592")), RICHER, STAKED, 1),
    ],
)
def test_limits_at_the_edge(limit: Constraint, held: Held, slot: tuple[str, str], step: int) -> None:
    """(K.34), (K.35): more of what does not sell raises NAV and nothing else, and so breaks a share of NAV."""
    assert_exactly_at_the_limit(compiled_fund(market_of(), limit), limit.default_name, held, slot, step)


def test_volume_at_the_edge() -> None:
    """(K.33): to sell 300 000 USD of ETH in 2 days at 3 %, the volume is 5 000 000 USD a day and not a lot less."""
    exact = coverage(redemptions_usd=Decimal(500_000), days=2, participation=Decimal("0.03"))
    only_eth: Held = {("custodian-a", "ETH"): Decimal(50), STAKED: Decimal(100), USD: Decimal(200_000)}
    compiled = compiled_fund(market_of(), exact)
    assert_exactly_at_the_limit(compiled, "redemption_coverage", only_eth, ("custodian-a", "ETH"), -1)
    thinner = market_of(assets=market_of().assets | {"ETH": AssetTerms(daily_volume_usd=Decimal(4_999_999))})
    bought = {slot: str(only_eth.get(slot, 0)) for slot in HELD} | {STAKED: "200"}
    assert broken_by(compiled, bought) == ()
    assert broken_by(compiled_fund(thinner, exact), bought) == ("redemption_coverage",)


@pytest.mark.parametrize(
    ("name", "tightened"),
    [
        ("liquidity", liquidity("0.683")),
        ("liquidity", liquidity("0.6", days=1)),
        ("liquidity", liquidity("0.6", participation=Decimal("0.01"))),
        ("redemption_coverage", coverage(redemptions=Decimal("0.552"))),
        ("redemption_coverage", coverage(redemptions_usd=Decimal(590_001))),
    ],
)
def test_only_liquidity_is_named(name: str, tightened: Constraint) -> None:
    assert named_once_tightened(name, tightened) == (name,)


# How a fund might cheat ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("netting", ["across_sources", "none"])
def test_an_asset_sells_once_however_many_hold_it(netting: str) -> None:
    """600 000 USD of BTC sell 400 000, at one custodian or at two."""
    limit = coverage(redemptions_usd=Decimal(401_000))
    compiled = compiled_fund(market_of(), limit, netting=netting)
    for first, second in ((12, 0), (6, 6)):
        held: Held = {("custodian-a", "BTC"): Decimal(first), ("custodian-b", "BTC"): Decimal(second)}
        held[USD] = Decimal(1_000)
        assert_exactly_at_the_limit(compiled, "redemption_coverage", held, USD, -1)


def test_an_asset_sells_once_in_whatever_form() -> None:
    """Staked ETH goes to the same buyers as ETH; on its own, either would sell in full."""
    compiled = compiled_fund(market_of(), coverage(redemptions_usd=Decimal(300_000)))
    nothing = dict.fromkeys(HELD, 0)
    assert broken_by(compiled, nothing | {("custodian-a", "ETH"): 100, USD: 100_000}) == ()
    assert broken_by(compiled, nothing | {("custodian-a", "ETH"): 75, STAKED: 75}) == ("redemption_coverage",)


@pytest.mark.parametrize("limit", [liquidity("0.5"), coverage(redemptions_usd=Decimal(350_000))])
def test_the_premium_of_written_puts_is_not_free_cash(limit: Constraint) -> None:
    """1 000 puts at 500 USD bring 500 000 dollars that are owed; the premium alone must not pass either limit."""
    compiled = compiled_fund(market_of(), limit)
    poor = dict.fromkeys(HELD, 0) | {LENT: 200, USD: 100_000}
    assert broken_by(compiled, poor) == (limit.default_name,)
    written = {("custodian-a", "put-BTC"): -1_000, USD: 600_000}
    assert broken_by(compiled, poor | written) == (limit.default_name,)


def test_borrowed_cash_covers_no_redemption() -> None:
    """It can be sold at once, and is owed."""
    compiled = compiled_fund(market_of(), coverage(redemptions_usd=Decimal(590_000)))
    assert broken_by(compiled) == ()
    assert broken_by(compiled, {("lender", "owed-ETH"): 80, USD: 150_000}) == ()
    assert broken_by(compiled, {("lender", "owed-ETH"): 80, USD: 149_999}) == ("redemption_coverage",)


def test_a_short_uses_no_room_of_another_asset() -> None:
    """A short of BTC counts in full against what sells, and raises the capacity of nothing."""
    compiled = compiled_fund(market_of(), coverage(redemptions_usd=Decimal(SOLD_USD - DEBTS_USD)))
    shorted = {("custodian-a", "short-BTC"): -11, USD: 50_000 + 500_000}
    assert broken_by(compiled, shorted) == ()
    assert broken_by(compiled, shorted | {("custodian-a", "ETH"): 500}) == ()
    assert broken_by(compiled, shorted | {("custodian-a", "ETH"): 500, USD: 549_999}) == ("redemption_coverage",)


def test_lent_assets_sell_only_where_the_policy_says_so() -> None:
    plenty: dict[str, Any] = {"days": 30, "participation": Decimal("0.1")}
    lent = {LENT: 100, ("lender", "aUSDC"): 100_000}
    unsold = compiled_fund(market_of(), coverage(redemptions_usd=Decimal(760_001), **plenty))
    assert broken_by(unsold, lent) == ("redemption_coverage",)
    everything = {"redemptions_usd": Decimal(1_060_000), "include_supplied": True}
    included = compiled_fund(market_of(), coverage(**everything | plenty))
    assert broken_by(included, lent) == ()
    assert broken_by(included, lent | {LENT: "99.99"}) == ("redemption_coverage",)


def test_staked_dollars_are_no_dollars() -> None:
    """A staking token that claims to be in USD has no market here; it sells nothing."""
    market = market_of({"stETH": {"asset": "USD"}})
    compiled = compiled_fund(market, coverage(redemptions_usd=Decimal(200_000)))
    nothing = dict.fromkeys(HELD, 0)
    assert broken_by(compiled, nothing | {STAKED: 1_000}) == ("redemption_coverage",)
    assert broken_by(compiled, nothing | {USD: 200_000}) == ()


def test_a_volume_that_is_not_published_is_refused() -> None:
    unknown = {asset: terms for asset, terms in market_of().assets.items() if asset != "ETH"}
    with pytest.raises(PolicyError, match="publishes no daily_volume_usd of 'ETH'"):
        compiled_fund(market_of(assets=unknown), liquidity("0.1"))


def test_a_volume_of_zero_sells_nothing() -> None:
    illiquid = market_of(assets=market_of().assets | {"ETH": AssetTerms(daily_volume_usd=Decimal(0))})
    compiled = compiled_fund(illiquid, coverage(redemptions_usd=Decimal(SOLD_USD - DEBTS_USD - 200_000)))
    assert_exactly_at_the_limit(compiled, "redemption_coverage", HELD, USD, -1)


# In a sleeve, in words, and inherited --------------------------------------------------------------------------------


def test_in_a_sleeve_only_its_own_assets_sell() -> None:
    """Of 300 000 USD of ETH and staked ETH 200 000 sell, and the fund's dollars are not the sleeve's."""
    held = HELD | {STAKED: Decimal(150)}
    part = Sleeve(name="part", instruments=("ETH", "stETH"), constraints=(liquidity("0.5"),))
    compiled = compiled_fund(market_of(), part)
    assert_exactly_at_the_limit(compiled, "part.liquidity", held, STAKED, 1)


def test_sentences() -> None:
    assert liquidity("0.4").sentence() == (
        "What can be sold within 2 days at 2% of daily volumes, less what is short, is at least 40% of NAV."
    )
    terms: dict[str, Any] = {"days": 1, "include_supplied": True}
    assert coverage(redemptions=Decimal("0.1"), **terms).sentence() == (
        "What can be sold within a day at 2% of daily volumes, lent assets included, less all debts and shorts, covers "
        "redemptions of 10% of NAV."
    )
    assert "redemptions of 25,000 USD" in coverage(redemptions_usd=Decimal(25_000)).sentence()


@pytest.mark.parametrize(
    "fields",
    [{}, {"redemptions": Decimal(1), "redemptions_usd": Decimal(1)}],
)
def test_redemptions_are_either_in_dollars_or_a_share(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="give either redemptions or redemptions_usd"):
        coverage(**fields)


@pytest.mark.parametrize("fields", [{"days": 0}, {"participation": Decimal("1.01")}, {"participation": Decimal(0)}])
def test_terms_that_mean_nothing_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        liquidity("0.4", **fields)


def test_more_in_less_time_is_tighter() -> None:
    base = liquidity("0.4", include_supplied=True)
    assert liquidity("0.5", days=1, participation=Decimal("0.01"), include_supplied=False).tightens(base)
    assert not liquidity("0.5", days=3, include_supplied=True).tightens(base)
    assert not base.tightens(liquidity("0.4"))
    covered = coverage(redemptions=Decimal("0.1"))
    assert coverage(redemptions=Decimal("0.2"), days=1).tightens(covered)
    assert not coverage(redemptions_usd=NAV_USD).tightens(covered)
