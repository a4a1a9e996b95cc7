"""Solvency with margins, stricter haircuts and caps of collateral, and the NAV floor. (K.4), (K.7), (K.27)"""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from optimizer.errors import PolicyError
from optimizer.policy import CollateralCap, GrossLeverage, Sleeve, Solvency
from tests.optimizer.policies.fund import (
    HELD,
    NAV_USD,
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

SURPLUS_USD = 839_400
"""Assets after haircuts 1 042 000, debts and shorts with margins 202 600."""
STRICT = Solvency(
    margin_usd=Decimal(5_000),
    margin=Decimal("0.03"),
    haircuts={"BTC": Decimal("0.5"), "short-BTC": Decimal("0.4")},
    caps=(
        CollateralCap(by="chain", group="ethereum", max_usd=Decimal(90_000)),
        CollateralCap(by="protocol", group="aave", max_share=Decimal("0.05")),
        CollateralCap(by="asset", group="ETH", max_usd=Decimal(150_000)),
    ),
)


def cap(**fields: Any) -> CollateralCap:
    return CollateralCap(**{"by": "chain", "group": "ethereum"} | fields)


# Meaning -------------------------------------------------------------------------------------------------------------

HAIRCUTS = {
    "BTC": 0.5,
    "ETH": 0.25,
    "stETH": 0.3,
    "USDC": 0.02,
    "USD": 0.0,
    "short-BTC": 0.4,
    "put-BTC": 0.5,
    "aETH": 0.3,
    "aUSDC": 0.05,
}
MARGINS = {"short-BTC": 0.13, "put-BTC": 1.03, "owed-USDC": 0.05, "owed-ETH": 0.13}


@given(held=books())
@settings(max_examples=25, deadline=None)
def test_slack_against_numpy(held: Held) -> None:
    worth = values(held)
    nav = sum(slots.sum() for slots in worth.values())
    counted = {name: (1 - HAIRCUTS[name]) * np.maximum(worth[name], 0).sum() for name in HAIRCUTS}
    owed = sum((1 + MARGINS[name]) * np.maximum(-worth[name], 0).sum() for name in MARGINS)
    above = max(counted["stETH"] + counted["USDC"] + counted["aETH"] - 90_000, 0)
    above += max(counted["aETH"] - 0.05 * nav, 0)
    above += max(counted["ETH"] + counted["stETH"] + counted["aETH"] - 150_000, 0)
    compiled = compiled_fund(market_of(), STRICT)
    assert_slack_is(compiled, "solvency", held, sum(counted.values()) - owed - above - 5_000)


def test_surplus_at_the_edge() -> None:
    """(K.7): the surplus of the book to the dollar; a lot less of cash, or more of a debt or a short, breaks it."""
    compiled = compiled_fund(market_of(), Solvency(margin_usd=Decimal(SURPLUS_USD)))
    for slot, step in (
        (("custodian-b", "USD"), -1),
        (("lender", "owed-ETH"), 1),
        (("custodian-a", "short-BTC"), -1),
    ):
        assert_exactly_at_the_limit(compiled, "solvency", HELD, slot, step)


def test_margin_over_debts_at_the_edge() -> None:
    """10 % more of 190 000 USD owed is 19 000 USD."""
    compiled = compiled_fund(market_of(), Solvency(margin=Decimal("0.1"), margin_usd=Decimal(SURPLUS_USD - 19_000)))
    assert_exactly_at_the_limit(compiled, "solvency", HELD, ("lender", "owed-USDC"), 1)


def test_cap_at_the_edge() -> None:
    """(K.27): 427 000 USD on ethereum after haircuts; with exactly that cap none is lost, but no more counts."""
    book = {"margin_usd": Decimal(SURPLUS_USD), "caps": (cap(max_usd=Decimal(427_000)),)}
    compiled = compiled_fund(market_of(), Solvency(**book))
    assert_exactly_at_the_limit(compiled, "solvency", HELD, ("custodian-a", "stETH"), -1)
    assert broken_by(compiled, {("custodian-a", "stETH"): 200}) == ()
    more = compiled_fund(market_of(), Solvency(**book | {"margin_usd": Decimal(SURPLUS_USD) + 1}))
    assert broken_by(more, {("custodian-a", "stETH"): 200}) == ("solvency",), "what is above the cap covers nothing"
    assert broken_by(more, {("custodian-b", "USD"): 50_001}) == ()


def test_cap_as_a_share_moves_with_nav() -> None:
    """40 % of 1 070 000 USD is 428 000 USD; with 5 000 USD less NAV it is less than the 427 000 USD on the chain."""
    compiled = compiled_fund(
        market_of(), Solvency(margin_usd=Decimal(SURPLUS_USD), caps=(cap(max_share=Decimal("0.4")),))
    )
    assert broken_by(compiled) == ()
    poorer = {("custodian-a", "BTC"): "3.5", ("custodian-b", "USD"): 70_000}
    assert broken_by(compiled, poorer) == ("solvency",)
    assert broken_by(compiled_fund(market_of(), Solvency(margin_usd=Decimal(SURPLUS_USD))), poorer) == ()


def test_floor_at_the_edge() -> None:
    """(K.4)"""
    compiled = compiled_fund(market_of(), nav_floor_usd=str(NAV_USD))
    assert_exactly_at_the_limit(compiled, "nav_floor", HELD, ("custodian-b", "BTC"), -1)
    assert_exactly_at_the_limit(compiled, "nav_floor", HELD, ("lender", "owed-ETH"), 1)


@pytest.mark.parametrize(
    "tightened",
    [
        Solvency(margin_usd=Decimal("839400.01")),
        Solvency(margin=Decimal("4.5")),
        Solvency(margin_usd=Decimal(800_000), haircuts={"stETH": Decimal("0.6")}),
        Solvency(margin_usd=Decimal(800_000), caps=(cap(max_usd=Decimal(300_000)),)),
        Solvency(margin_usd=Decimal(800_000), caps=(cap(by="protocol", group="lido", max_share=Decimal("0.05")),)),
    ],
)
def test_only_solvency_is_named(tightened: Solvency) -> None:
    assert named_once_tightened("solvency", tightened) == ("solvency",)


# How a fund might cheat ----------------------------------------------------------------------------------------------


def test_splitting_over_custodians_does_not_raise_a_cap() -> None:
    caps = (cap(by="asset", group="ETH", max_usd=Decimal(100_000)),)
    limit = Solvency(margin_usd=Decimal(101_000), caps=caps)
    compiled = compiled_fund(market_of(), limit, sources=[("a", ("ETH", "USD")), ("b", ("ETH",))])
    cash: Held = {("a", "USD"): Decimal(1_000)}
    whole: Held = {("a", "ETH"): Decimal(100)}
    split: Held = {("a", "ETH"): Decimal(60), ("b", "ETH"): Decimal(60)}
    for held in (whole, split):
        assert_exactly_at_the_limit(compiled, "solvency", held | cash, ("a", "USD"), -1)


def test_a_debt_in_the_group_makes_no_room_under_its_cap() -> None:
    """60 000 USD more of USDC is borrowed and held on the same chain: not a dollar of it counts, all of it is owed."""
    caps = (cap(max_usd=Decimal(427_000)),)
    compiled = compiled_fund(market_of(), Solvency(margin_usd=Decimal(SURPLUS_USD) - 61_200, caps=caps))
    levered = {("lender", "owed-USDC"): 140_000, ("custodian-a", "USDC"): 210_000}
    assert broken_by(compiled, levered) == ()
    assert broken_by(compiled, levered | {("lender", "owed-USDC"): 140_001}) == ("solvency",)


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (Solvency(caps=(cap(by="asset", group="BTC", max_usd=Decimal(1)),)), "'short-BTC' may be short"),
        (Solvency(caps=(cap(group="solana", max_usd=Decimal(1)),)), "has the chain 'solana'"),
        (Solvency(caps=(cap(by="issuer", group="circle", max_usd=Decimal(1)),)), "has the issuer 'circle'"),
        (Solvency(haircuts={"BTC": Decimal("0.19")}), "'BTC' is lower than the market's 0.2; raise it"),
        (Solvency(haircuts={"owed-ETH": Decimal("0.1")}), "'owed-ETH' is a debt"),
        (Solvency(haircuts={"DOGE": Decimal(1)}), "nobody reports 'DOGE'"),
    ],
)
def test_what_would_count_in_the_funds_favour_is_refused(constraint: Solvency, reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        compiled_fund(market_of(), constraint)


def test_a_full_haircut_leaves_a_short_owed_in_full() -> None:
    """Under a haircut of 1 a long counts nothing and a short of 50 000 USD counts 55 000 USD against."""
    own = Solvency(margin_usd=Decimal(SURPLUS_USD), haircuts={"short-BTC": Decimal(1)})
    compiled = compiled_fund(market_of(), own)
    assert_exactly_at_the_limit(compiled, "solvency", HELD, ("custodian-a", "short-BTC"), -1)


# In a sleeve, in words, and inherited --------------------------------------------------------------------------------


def test_in_a_sleeve_nothing_outside_covers_its_debts() -> None:
    """aETH after its haircut is 140 000 USD, what is owed 81 600; a cap of 60 % of 120 000 USD leaves 72 000."""
    inside = ("aETH", "owed-USDC")
    kept = Solvency(margin_usd=Decimal(140_000 - 81_600))
    compiled = compiled_fund(market_of(), Sleeve(name="loop", instruments=inside, constraints=(kept,)))
    assert_exactly_at_the_limit(compiled, "loop.solvency", HELD, ("lender", "aETH"), -1)
    caps = (cap(by="protocol", group="aave", max_share=Decimal("0.6")),)
    capped = Sleeve(name="loop", instruments=inside, constraints=(Solvency(caps=caps),))
    assert broken_by(compiled_fund(market_of(), capped, GrossLeverage(limit=Decimal(3)))) == ("loop.solvency",)


def test_sentence() -> None:
    plain = "Assets after haircuts cover debts and shorts with their margins."
    assert Solvency().sentence() == plain
    assert STRICT.sentence() == (
        "Assets after haircuts (BTC 50%, short-BTC 40%) cover debts and shorts with their margins and 3% more, and "
        "at least 5,000 USD remain; what is owned in chain ethereum counts for at most 90,000 USD; what is owned in "
        "protocol aave counts for at most 5% of NAV; what is owned in asset ETH counts for at most 150,000 USD."
    )


@pytest.mark.parametrize("amounts", [{}, {"max_usd": Decimal(1), "max_share": Decimal(1)}])
def test_a_cap_is_either_in_dollars_or_a_share(amounts: dict[str, Decimal]) -> None:
    with pytest.raises(ValidationError, match="give either max_usd or max_share"):
        cap(**amounts)


def test_only_larger_margins_are_tighter() -> None:
    assert Solvency(margin=Decimal("0.1"), margin_usd=Decimal(1)).tightens(Solvency())
    assert not Solvency().tightens(Solvency(margin=Decimal("0.1")))
    assert not Solvency().tightens(Solvency(caps=(cap(max_usd=Decimal(1)),)))
    assert not Solvency().tightens(Solvency(haircuts={"BTC": Decimal("0.5")}))
