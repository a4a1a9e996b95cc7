"""Every kind at its edge: random markets, books that keep a limit by next to nothing or break it by as much.

(K.7), (K.10), (K.14), (K.15), (K.16), (K.20), (K.21), (K.22), (K.23), (K.24), (K.27), (K.30), (K.31), (K.33), (K.34),
(K.35): what the rows say is what the plain meaning says, up to the stated bound and never looser.
"""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optimizer.errors import DataError, PolicyError
from optimizer.market import Market
from optimizer.policy import (
    CollateralCap,
    Concentration,
    Constraint,
    ExpectedShortfall,
    FactorExposure,
    Greek,
    HealthFactor,
    HistoricalVar,
    Liquidity,
    MinPositionSize,
    NetLeverage,
    ParametricVar,
    PositionCount,
    RedemptionCoverage,
    Solvency,
    Stress,
    Turnover,
    Volatility,
    compile_policy,
)
from optimizer.scenarios.stress import BridgeLoss, Contagion, Custom, Gap, ProtocolLoss, Shock
from tests.optimizer.policy_edges import assert_program_means_policy
from tests.optimizer.policy_strategies import book_of, policy_of, quantities, splits
from tests.optimizer.strategies import rich_markets

ONE = Decimal(1)


def _first(market: Market, kind: str) -> str:
    return next(i.id for i in market.instruments if i.kind == kind)


def _loss(market: Market) -> Custom:
    shocks = (Shock(change=Decimal("-0.4"), long_only=True), Shock(assets=("USD",), change=Decimal("0.1")))
    return Custom(description="half is lost", shocks=shocks)


MAKERS: dict[str, tuple[str, Callable[[Market], Constraint]]] = {
    "historical_var, 3 days": (
        "limit",
        lambda m: HistoricalVar(confidence=Decimal("0.7"), limit=ONE, horizon_days=min(3, m.scenario_count)),
    ),
    "expected_shortfall, 2 days": (
        "limit",
        lambda m: ExpectedShortfall(confidence=Decimal("0.63"), limit=ONE, horizon_days=2),
    ),
    "parametric_var, normal": (
        "limit",
        lambda m: ParametricVar(confidence=Decimal("0.99"), limit=ONE, quantile=Decimal("2.326347875"), horizon_days=5),
    ),
    "parametric_var, t": (
        "limit",
        lambda m: ParametricVar(
            confidence=Decimal("0.95"),
            limit=ONE,
            distribution="student_t",
            degrees_of_freedom=Decimal(5),
            quantile=Decimal("1.56084976"),
        ),
    ),
    "volatility": ("limit", lambda m: Volatility(limit=ONE)),
    "stress, gap, loss": ("max_loss", lambda m: Stress(scenario=Gap(drop=Decimal("0.5")), max_loss=ONE)),
    "stress, protocol, NAV": (
        "min_nav_usd",
        lambda m: Stress(scenario=ProtocolLoss(protocol="alpha", share=Decimal("0.7")), min_nav_usd=ONE),
    ),
    "stress, bridge, loss": (
        "max_loss",
        lambda m: Stress(scenario=BridgeLoss(chain="beta", share=ONE), max_loss=ONE),
    ),
    "stress, contagion": (
        "max_loss",
        lambda m: Stress(scenario=Contagion(factor="MKT", move=Decimal("-0.3")), max_loss=ONE),
    ),
    "stress, custom": ("max_loss", lambda m: Stress(scenario=_loss(m), max_loss=ONE)),
    "net_leverage": ("limit", lambda m: NetLeverage(limit=ONE)),
    "concentration by asset, gross": ("limit", lambda m: Concentration(limit=ONE, by="asset")),
    "concentration by asset, net": ("limit", lambda m: Concentration(limit=ONE, by="asset", measure="net")),
    "concentration by chain": ("limit", lambda m: Concentration(limit=ONE, by="chain")),
    "concentration by issuer": ("limit", lambda m: Concentration(limit=ONE, by="issuer", measure="net")),
    "position_count": ("maximum", lambda m: PositionCount(maximum=1, instruments=m.ids)),
    "min_position_size": ("min_usd", lambda m: MinPositionSize(min_usd=ONE)),
    "turnover": ("limit", lambda m: Turnover(limit=ONE, split_factors={m.ids[0]: Decimal("2.5")})),
    "solvency": ("margin_usd", lambda m: Solvency(margin=Decimal("0.05"), haircuts={m.ids[0]: ONE})),
    "solvency, capped": (
        "margin_usd",
        lambda m: Solvency(
            caps=(
                CollateralCap(by="asset", group="AAA", max_usd=Decimal(1000)),
                CollateralCap(by="asset", group="AAA", max_share=Decimal("0.1")),
            )
        ),
    ),
    "delta, maximum": ("max_usd", lambda m: Greek(greek="delta", max_usd=ONE)),
    "gamma, minimum": ("min", lambda m: Greek(greek="gamma", min=ONE)),
    "vega of an asset": ("max", lambda m: Greek(greek="vega", asset="AAA", max=ONE)),
    "factor, minimum": ("min_usd", lambda m: FactorExposure(factor="MKT", min_usd=ONE)),
    "health_factor": ("minimum", lambda m: HealthFactor(minimum=ONE)),
    "health_factor under stress": (
        "minimum",
        lambda m: HealthFactor(minimum=ONE, accounts=("vault-1",), scenario=Gap(drop=Decimal("0.3"))),
    ),
    "liquidity": ("limit", lambda m: Liquidity(limit=ONE, days=3, participation=Decimal("0.1"))),
    "redemption_coverage": (
        "redemptions",
        lambda m: RedemptionCoverage(redemptions=ONE, days=2, participation=Decimal("0.2"), include_supplied=True),
    ),
    "redemption_coverage, USD": (
        "redemptions_usd",
        lambda m: RedemptionCoverage(redemptions_usd=ONE, days=1, participation=ONE),
    ),
}
"""Kind → the parameter that is set to the edge, and the constraint with any value of it."""
POSITIVE = {"limit", "minimum", "min_usd of sizes", "min_nav_usd", "redemptions", "redemptions_usd"}


def _edge(constraint: Constraint, parameter: str, book: Any, offset: Fraction) -> Constraint | None:
    """The constraint that the book keeps by the offset: its slack is affine in the parameter."""

    def slack(value: Decimal) -> Fraction:
        return constraint.model_copy(update={parameter: value}).plain_slack_usd(book)

    at_one, at_two = slack(Decimal(1)), slack(Decimal(2))
    slope = at_two - at_one
    if not slope:
        return None
    value = 1 + (offset - at_one) / slope
    places = Decimal(round(value * 10**12)).scaleb(-12)
    signed = isinstance(constraint, (Greek, FactorExposure))
    if abs(value) > 50 and "usd" not in parameter:
        return None
    if not signed and places < 0:
        return None
    if not signed and parameter not in ("max_loss", "margin_usd") and places == 0:
        return None
    fields = {name: getattr(constraint, name) for name in type(constraint).model_fields}
    return type(constraint).model_validate(fields | {parameter: places})


@pytest.mark.parametrize("kind", MAKERS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_rows_mean_what_the_constraint_says(kind: str, data: st.DataObject) -> None:
    market = data.draw(rich_markets())
    sources = data.draw(splits(market))
    held = data.draw(quantities(market, sources))
    netting = data.draw(st.sampled_from(["across_sources", "none"]))
    parameter, make = MAKERS[kind]
    before = data.draw(quantities(market, sources)) if kind == "turnover" else None
    book = book_of(policy_of(market, sources=sources, netting=netting), market, held, before)
    offset = Fraction(data.draw(st.integers(-30, 30)), 10) * Fraction(data.draw(st.sampled_from(["0.001", "1", "10"])))
    constraint: Constraint | None = make(market)
    if kind == "position_count":
        constraint = PositionCount(maximum=data.draw(st.integers(0, 8)), instruments=market.ids)
    else:
        try:
            constraint = _edge(constraint, parameter, book, offset) if constraint is not None else None
        except (DataError, PolicyError):
            constraint = None  # the market happens to lack what the constraint is about
    assume(constraint is not None)
    policy = policy_of(market, constraint, sources=sources, netting=netting)  # type: ignore[arg-type]
    layout = None
    if before is not None:
        layout = compile_policy(policy_of(market, sources=sources, rounding_tolerance="0.0001"), market).layout
    try:
        compiled = compile_policy(policy, market, layout)
    except PolicyError as error:
        assert "hits nothing" in str(error) or "may be short" in str(error) or "does not follow" in str(error)
        return
    assert_program_means_policy(compiled, policy, market, held, before)


def test_every_kind_is_tried_at_its_edge() -> None:
    tried = {make(_probe()).kind for _, make in MAKERS.values()}
    elsewhere = {"gross_leverage", "position_limit"}  # tests/optimizer/test_constraints.py
    assert tried | elsewhere == set(Constraint.registry)


def _probe() -> Market:
    from tests.optimizer.strategies import fixed_market

    return fixed_market({"A": "1"}, {"A": ["0", "0"]})
