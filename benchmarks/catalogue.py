"""A synthetic fund of any size under every kind of limit that there is.

Returns are drawn from a one-factor model with a fixed seed and stand for no real market: what compiling, keys and
optimising cost depends on how many assets and scenarios there are.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np

from benchmarks.fund import AS_OF, CUSTODIAN, LENDER, NAV_USD
from optimizer.market import RETURN_DECIMALS, AssetTerms, Greeks, Instrument, Market, Scenarios
from optimizer.policy import (
    AllOf,
    CollateralCap,
    Concentration,
    Constraint,
    ExpectedShortfall,
    FactorExposure,
    Greek,
    GrossLeverage,
    HealthFactor,
    HistoricalVar,
    Liquidity,
    MinPositionSize,
    NetLeverage,
    ParametricVar,
    Policy,
    PositionCount,
    PositionLimit,
    RedemptionCoverage,
    Sleeve,
    Solvency,
    Source,
    Stress,
    Turnover,
    Volatility,
)
from optimizer.scenarios.model import factor_model, published_betas
from optimizer.scenarios.stress import BridgeLoss, Contagion, Gap, ProtocolLoss, StablecoinDepeg, StakingDiscount

SEED = 20_240_229
FACTOR = "A000"
"""The instrument that betas are measured against."""
CHAINS = ("ethereum", "solana", "arbitrum")
ISSUERS = ("issuer-1", "issuer-2", "issuer-3")
ACCOUNTS = ("vault-1", "vault-2")
SECOND = "second-custodian"


def _instruments(count: int, prices: list[Decimal]) -> list[Instrument]:
    """Every kind of instrument, mostly spot, of which a tenth may be short."""
    kinds = ["supply"] * max(2, count // 25) + ["staking"] * max(2, count // 25)
    kinds += ["lp"] * max(1, count // 50) + ["option"] * max(2, count // 50)
    kinds = ["spot"] * (count - len(kinds) - 3) + kinds
    protocols = {"supply": "lender", "staking": "staker", "lp": "pool"}
    listed = []
    for number, (kind, price) in enumerate(zip(kinds, prices, strict=False)):
        terms: dict[str, object] = {
            "id": f"A{number:03d}",
            "asset": f"A{number:03d}",
            "kind": kind,
            "price_usd": price,
            "haircut": Decimal("0.2"),
            "chain": CHAINS[number % len(CHAINS)],
            "protocol": protocols.get(kind),
            "signed": kind == "option" or (kind == "spot" and number % 10 == 9),
        }
        if kind == "supply":
            terms |= {"account": ACCOUNTS[number % 2], "liquidation_threshold": Decimal("0.8")}
        if kind in ("option", "lp"):
            worth = {"delta_usd": 3 * price, "gamma_usd": price / 10, "vega_usd": price / 20, "theta_usd": -price / 50}
            terms["greeks"] = Greeks.model_validate({k: round(v, 6) for k, v in worth.items()})
        listed.append(Instrument.model_validate(terms))
    listed.append(Instrument(id="USD", asset="USD", kind="stablecoin", price_usd=Decimal(1), haircut=Decimal("0.01")))
    for account in ACCOUNTS:
        terms = {"id": f"borrow-{account}", "asset": "USD", "kind": "borrow", "account": account, "protocol": "lender"}
        listed.append(Instrument.model_validate(terms | {"price_usd": Decimal(1), "debt_margin": Decimal("0.05")}))
    return listed


def full_market(assets: int, scenarios: int) -> Market:
    """A market that publishes everything a policy may ask for.

    Args:
        assets: number of instruments in all, at least 20.
        scenarios: number of one-day outcomes.
    """
    random = np.random.default_rng(SEED)
    prices = [
        Decimal(float(p)).quantize(Decimal("0.0001")) + Decimal("0.01") for p in np.exp(random.normal(2, 2.5, assets))
    ]
    instruments = _instruments(assets, prices)
    beta, own = random.uniform(0.3, 1.4, assets), random.uniform(0.005, 0.02, assets)
    drift = random.uniform(-0.0005, 0.002, assets)
    factor = 0.015 * random.standard_t(5, scenarios)
    moves = factor[:, None] * beta + own * random.standard_t(5, (scenarios, assets)) + drift
    unit = Decimal(1).scaleb(-RETURN_DECIMALS)
    returns = {}
    for i, instrument in enumerate(instruments):
        series = np.clip(moves[:, i], -0.5, 0.5)
        if instrument.asset == "USD":
            series = np.full(scenarios, 0.0002 if instrument.kind == "borrow" else 0.0)
        returns[instrument.id] = tuple(Decimal(float(move)).quantize(unit) for move in series)
    dates = tuple(AS_OF - dt.timedelta(days=scenarios - 1 - s) for s in range(scenarios))
    volumes = np.exp(random.normal(17.5, 1, assets))
    terms = {}
    for i, (instrument, volume) in enumerate(zip(instruments, volumes, strict=True)):
        issuer = ISSUERS[i % len(ISSUERS)] if instrument.kind == "spot" else None
        terms[instrument.asset] = AssetTerms(issuer=issuer, daily_volume_usd=Decimal(int(volume)))
    market = Market(
        as_of=AS_OF,
        source="synthetic returns of a one-factor model, for measurements only",
        instruments=tuple(instruments),
        scenarios=Scenarios(dates=dates, returns=returns),
        assets=terms,
    )
    terms_of_risk = {"risk_model": factor_model(market, 5), "betas": {FACTOR: published_betas(market, FACTOR)}}
    return market.model_copy(update=terms_of_risk)


def linear_limits(market: Market) -> tuple[Constraint | AllOf | Sleeve, ...]:
    """One or more of every kind whose rows are convex."""
    linear = tuple(i.id for i in market.instruments if i.position.linear)
    return (
        Solvency(
            margin_usd=Decimal(1_000_000),
            margin=Decimal("0.01"),
            haircuts={"A001": Decimal("0.3")},
            caps=(
                CollateralCap(by="protocol", group="staker", max_usd=Decimal(5_000_000)),
                CollateralCap(by="protocol", group="lender", max_share=Decimal("0.3")),
            ),
        ),
        ExpectedShortfall(confidence=Decimal("0.975"), limit=Decimal("0.045")),
        ExpectedShortfall(name="five_day_shortfall", confidence=Decimal("0.99"), limit=Decimal("0.12"), horizon_days=5),
        ParametricVar(confidence=Decimal("0.99"), limit=Decimal("0.05"), quantile=Decimal("2.326347875")),
        Volatility(limit=Decimal("0.4")),
        Sleeve(
            name="linear",
            instruments=linear,
            constraints=(Stress(scenario=Gap(drop=Decimal("0.5")), max_loss=Decimal("0.6")),),
        ),
        AllOf(
            name="shocks",
            constraints=(
                Stress(scenario=StablecoinDepeg(asset="USD", discount=Decimal("0.1")), max_loss=Decimal("0.05")),
                Stress(scenario=StakingDiscount(discount=Decimal("0.3")), max_loss=Decimal("0.05")),
                Stress(scenario=ProtocolLoss(protocol="pool", share=Decimal(1)), max_loss=Decimal("0.1")),
                Stress(scenario=BridgeLoss(chain="arbitrum", share=Decimal(1)), max_loss=Decimal("0.4")),
                Stress(scenario=Contagion(factor=FACTOR, move=Decimal("-0.3")), max_loss=Decimal("0.3")),
            ),
        ),
        GrossLeverage(limit=Decimal("1.4")),
        NetLeverage(limit=Decimal("1.1")),
        Concentration(limit=Decimal("0.12")),
        Concentration(limit=Decimal("0.15"), by="asset"),
        Concentration(limit=Decimal("0.5"), by="issuer"),
        Concentration(limit=Decimal("0.2"), by="protocol"),
        Concentration(limit=Decimal("0.5"), by="chain", measure="net"),
        PositionLimit(instrument="A002", max_usd=Decimal(9_000_000)),
        Greek(greek="delta", min=Decimal("-0.5"), max=Decimal("1.2")),
        Greek(greek="gamma", max=Decimal("0.1")),
        Greek(greek="vega", max_usd=Decimal(500_000)),
        Greek(greek="theta", min_usd=Decimal(-400_000)),
        FactorExposure(factor=FACTOR, max=Decimal(1)),
        HealthFactor(minimum=Decimal("1.5")),
        HealthFactor(name="health_after_gap", minimum=Decimal("1.1"), scenario=Gap(drop=Decimal("0.2"))),
        Liquidity(limit=Decimal("0.5"), days=3, participation=Decimal("0.1")),
        RedemptionCoverage(redemptions=Decimal("0.2"), days=5, participation=Decimal("0.1"), include_supplied=True),
    )


def turnover_limit() -> Turnover:
    """The kind that compares epochs."""
    return Turnover(limit=Decimal("1.2"))


def chosen_limits(assets: int) -> tuple[Constraint, ...]:
    """The kinds whose rows are not convex: they count scenarios or positions.

    Args:
        assets: of the market.
    """
    return (
        HistoricalVar(confidence=Decimal("0.99"), limit=Decimal("0.04")),
        HistoricalVar(name="five_day_var", confidence=Decimal("0.95"), limit=Decimal("0.06"), horizon_days=5),
        PositionCount(maximum=max(12, assets // 5)),
        MinPositionSize(min_usd=Decimal(1_000_000)),
    )


def policy_of(market: Market, constraints: tuple[Constraint | AllOf | Sleeve, ...]) -> Policy:
    """A policy over all instruments, some of which two custodians report."""
    held = tuple(i.id for i in market.instruments if not i.position.lent)
    lent = tuple(i.id for i in market.instruments if i.position.lent)
    return Policy.model_validate(
        {
            "name": "catalogue",
            "nav_floor_usd": Decimal(1_000_000),
            "gross_cap_usd": Decimal(2 * NAV_USD),
            "rounding_tolerance": Decimal("0.000001"),
            "sources": (
                Source(name=CUSTODIAN, role="custodian", instruments=held),
                Source(name=SECOND, role="custodian", instruments=held[::10]),
                Source(name=LENDER, role="lending", instruments=lent),
            ),
            "constraints": tuple(c.model_dump() for c in constraints),
        }
    )


def full_policy(market: Market) -> Policy:
    """Every kind at once."""
    limits = (*linear_limits(market), *chosen_limits(len(market.ids)), turnover_limit())
    return policy_of(market, limits)
