"""Health factors of lending accounts, now and under stress. (K.31)"""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from optimizer.errors import PolicyError
from optimizer.policy import Constraint, HealthFactor, Sleeve
from optimizer.scenarios.stress import Custom, Gap, ProtocolLoss, Shock, StablecoinDepeg, StakingDiscount
from tests.optimizer.policies.fund import (
    HELD,
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

RALLY = Custom(description="ETH rallies", shocks=(Shock(assets=("ETH",), change=Decimal("0.5")),))
COLLATERAL, DEBT = ("lender", "aETH"), ("lender", "owed-USDC")
OTHER_COLLATERAL, OTHER_DEBT = ("lender", "aUSDC"), ("lender", "owed-ETH")


def health(minimum: str = "1.1", **fields: Any) -> HealthFactor:
    return HealthFactor(minimum=Decimal(minimum), **fields)


# Meaning -------------------------------------------------------------------------------------------------------------


@given(held=books())
@settings(max_examples=20, deadline=None)
def test_slack_against_numpy(held: Held) -> None:
    worth = {name: slots.sum() for name, slots in values(held).items()}
    main = 0.8 * worth["aETH"] + 1.3 * worth["owed-USDC"]
    side = 0.9 * worth["aUSDC"] + 1.3 * worth["owed-ETH"]
    assert_slack_is(compiled_fund(market_of(), health("1.3")), "health_factor", held, min(main, side))
    alone = compiled_fund(market_of(), health("1.3", accounts=("side",)))
    assert_slack_is(alone, "health_factor", held, side)


@given(held=books())
@settings(max_examples=20, deadline=None)
def test_slack_under_stress_against_numpy(held: Held) -> None:
    """Two shocks compound; what is lost with a protocol is collateral and no debt."""
    fall = Shock(assets=("ETH",), change=Decimal("-0.25"))
    loss = Shock(protocols=("aave", "moonwell"), change=Decimal("-0.1"), long_only=True)
    scenario = Custom(description="ETH falls and protocols lose a tenth", shocks=(fall, loss))
    worth = {name: slots.sum() for name, slots in values(held).items()}
    main = 0.8 * 0.75 * 0.9 * worth["aETH"] + 1.3 * worth["owed-USDC"]
    side = 0.9 * 0.9 * worth["aUSDC"] + 1.3 * 0.75 * worth["owed-ETH"]
    compiled = compiled_fund(market_of(), health("1.3", scenario=scenario))
    assert_slack_is(compiled, "health_factor", held, min(main, side))


@pytest.mark.parametrize(
    ("limit", "slots"),
    [
        (health("1.5"), ((OTHER_COLLATERAL, -1), (OTHER_DEBT, 1))),
        (health("2", accounts=("main",)), ((COLLATERAL, -1), (DEBT, 1))),
        (health("1.4", accounts=("main",), scenario=Gap(drop=Decimal("0.3"))), ((COLLATERAL, -1), (DEBT, 1))),
        (health("1", accounts=("side",), scenario=RALLY), ((OTHER_COLLATERAL, -1), (OTHER_DEBT, 1))),
        (
            health("1", accounts=("main",), scenario=ProtocolLoss(protocol="aave", share=Decimal("0.5"))),
            ((COLLATERAL, -1), (DEBT, 1)),
        ),
        (
            health("1.35", accounts=("side",), scenario=StablecoinDepeg(asset="USDC", discount=Decimal("0.1"))),
            ((OTHER_COLLATERAL, -1), (OTHER_DEBT, 1)),
        ),
    ],
)
def test_health_at_the_edge(limit: HealthFactor, slots: tuple[tuple[tuple[str, str], int], ...]) -> None:
    """Main is 160 000 over 80 000, side 90 000 over 60 000; a lot less of collateral or more of debt is too much."""
    compiled = compiled_fund(market_of(), limit)
    for slot, step in slots:
        assert_exactly_at_the_limit(compiled, "health_factor", HELD, slot, step)


@pytest.mark.parametrize(
    ("name", "tightened"),
    [
        ("health_factor", health("1.501")),
        ("health_factor", health("2.001", accounts=("main",))),
        ("stressed", health("1.401", name="stressed", accounts=("main",), scenario=Gap(drop=Decimal("0.3")))),
        ("stressed", health("1.1", name="stressed", accounts=("side",), scenario=RALLY)),
    ],
)
def test_only_health_is_named(name: str, tightened: Constraint) -> None:
    assert named_once_tightened(name, tightened) == (name,)


# How a fund might cheat ----------------------------------------------------------------------------------------------


def test_a_healthy_account_does_not_save_another() -> None:
    compiled = compiled_fund(market_of(), health("1.5"))
    assert broken_by(compiled, {COLLATERAL: 1_000, OTHER_COLLATERAL: 99_999}) == ("health_factor",)


def test_what_is_not_lent_saves_no_account() -> None:
    compiled = compiled_fund(market_of(), health("2", accounts=("main",)))
    assert broken_by(compiled, {("custodian-a", "ETH"): 500, DEBT: 80_001}) == ("health_factor",)


def test_an_empty_account_is_healthy_and_a_debt_alone_is_not() -> None:
    compiled = compiled_fund(market_of(), health("1.5"))
    assert broken_by(compiled, {COLLATERAL: 0, DEBT: 0}) == ()
    assert broken_by(compiled, {COLLATERAL: 0, DEBT: 1}) == ("health_factor",)


def test_a_debt_of_the_account_cannot_be_left_out() -> None:
    """Neither by a policy to which nobody reports it nor by a sleeve that holds the collateral alone."""
    lent = [("lender", ("aETH", "aUSDC", "owed-ETH"))]
    with pytest.raises(PolicyError, match="'owed-USDC' is a debt of the lending account 'main'"):
        compiled_fund(market_of(), health(), sources=lent)
    with pytest.raises(PolicyError, match="'owed-USDC' is a debt of the lending account 'main'"):
        compiled_fund(market_of(), Sleeve(name="part", instruments=("aETH",), constraints=(health(),)))


@pytest.mark.parametrize(
    ("terms", "limit", "reason"),
    [
        ({"aETH": {"liquidation_threshold": None}}, health(), "gives 'aETH' no liquidation_threshold; publish it"),
        ({}, health(accounts=("vault",)), "is in the lending account 'vault'"),
        (
            {name: {"account": None} for name in ("aETH", "owed-USDC", "aUSDC", "owed-ETH")},
            health(),
            "names a lending account",
        ),
        ({}, health(scenario=StakingDiscount(discount=Decimal("0.1"))), "shock 0 of the scenario hits nothing"),
        (
            {},
            health(accounts=("main",), scenario=ProtocolLoss(protocol="moonwell", share=Decimal(1))),
            "shock 0 of the scenario hits nothing in the lending accounts",
        ),
    ],
)
def test_what_would_limit_nothing_is_refused(
    terms: dict[str, dict[str, object]], limit: HealthFactor, reason: str
) -> None:
    with pytest.raises(PolicyError, match=reason):
        compiled_fund(market_of(terms), limit)


# In a sleeve, in words, and inherited --------------------------------------------------------------------------------


def test_in_a_sleeve_its_accounts_are_limited() -> None:
    part = Sleeve(name="part", instruments=("aETH", "owed-USDC"), constraints=(health("2"),))
    compiled = compiled_fund(market_of(), part)
    assert_exactly_at_the_limit(compiled, "part.health_factor", HELD, DEBT, 1)


def test_sentences() -> None:
    start = "The health factor of"
    ratio = "(collateral at its liquidation threshold over debt)"
    assert health("1.25").sentence() == f"{start} every lending account {ratio} is at least 1.25."
    stressed = health("1.1", accounts=("main", "side"), scenario=Gap(drop=Decimal("0.3")))
    assert stressed.sentence() == (
        f"{start} each of the lending accounts main, side {ratio} is at least 1.1 "
        "when every asset but cash falls by 30%."
    )


@pytest.mark.parametrize("fields", [{"minimum": Decimal(0)}, {"minimum": Decimal(1), "accounts": ()}])
def test_limits_that_mean_nothing_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HealthFactor(**fields)


def test_a_larger_minimum_of_the_same_accounts_is_tighter() -> None:
    assert health("1.2").tightens(health("1.1"))
    assert not health("1").tightens(health("1.1"))
    assert not health("1.2", accounts=("main",)).tightens(health("1.1"))
    assert not health("1.2", scenario=Gap(drop=Decimal("0.3"))).tightens(health("1.1"))
