"""A fund with a bit of everything, written down: what the tests of single kinds start from.

NAV is 1 070 000 USD. BTC is split over two custodians, one of which is short of it too; there are two lending
accounts, a staking derivative and puts.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.market import AssetTerms, Market
from optimizer.policy import (
    CollateralCap,
    CompiledPolicy,
    Constraint,
    FactorExposure,
    Greek,
    GrossLeverage,
    HealthFactor,
    HistoricalVar,
    Liquidity,
    Policy,
    RedemptionCoverage,
    Solvency,
    compile_policy,
)
from optimizer.scenarios.stress import Gap
from tests.optimizer.policy_edges import violated
from tests.optimizer.policy_strategies import book_of, lots_of, policy_of
from tests.optimizer.strategies import decimals, fixed_market

Held = dict[tuple[str, str], Decimal]

PRICES = {
    "BTC": "50000",
    "ETH": "2000",
    "stETH": "2000",
    "USDC": "1",
    "USD": "1",
    "short-BTC": "50000",
    "put-BTC": "500",
    "aETH": "2000",
    "owed-USDC": "1",
    "aUSDC": "1",
    "owed-ETH": "2000",
}
PUT = {"delta_usd": "-20000", "gamma_usd": "400", "vega_usd": "60", "theta_usd": "-15"}
TERMS: dict[str, dict[str, object]] = {
    "BTC": {"haircut": "0.2"},
    "ETH": {"haircut": "0.25"},
    "stETH": {"asset": "ETH", "kind": "staking", "haircut": "0.3", "chain": "ethereum", "protocol": "lido"},
    "USDC": {"kind": "stablecoin", "haircut": "0.02", "chain": "ethereum"},
    "short-BTC": {"asset": "BTC", "haircut": "0.2", "debt_margin": "0.1", "signed": True},
    "put-BTC": {"asset": "BTC", "kind": "option", "haircut": "0.5", "debt_margin": "1", "signed": True, "greeks": PUT},
    "aETH": {
        "asset": "ETH",
        "kind": "supply",
        "haircut": "0.3",
        "chain": "ethereum",
        "protocol": "aave",
        "account": "main",
        "liquidation_threshold": "0.8",
    },
    "owed-USDC": {"asset": "USDC", "kind": "borrow", "debt_margin": "0.02", "chain": "ethereum", "account": "main"},
    "aUSDC": {
        "asset": "USDC",
        "kind": "supply",
        "haircut": "0.05",
        "chain": "base",
        "protocol": "moonwell",
        "account": "side",
        "liquidation_threshold": "0.9",
    },
    "owed-ETH": {"asset": "ETH", "kind": "borrow", "debt_margin": "0.1", "chain": "base", "account": "side"},
}
RETURNS = {
    "BTC": ["-0.04", "0.01", "0.02", "-0.01"],
    "ETH": ["-0.05", "0.02", "0.01", "-0.01"],
    "USDC": ["0", "0", "0", "0"],
    "USD": ["0", "0", "0", "0"],
    "put-BTC": ["1.5", "-0.3", "-0.4", "0.3"],
}
BETAS = {"BTC": "1", "short-BTC": "1", "put-BTC": "-40"} | dict.fromkeys(["ETH", "stETH", "aETH", "owed-ETH"], "1.2")
VOLUMES = {"BTC": "10000000", "ETH": "5000000", "USDC": "2000000"}

SOURCES: Sequence[tuple[str, Sequence[str]]] = (
    ("custodian-a", ("BTC", "ETH", "stETH", "USDC", "USD", "short-BTC", "put-BTC")),
    ("custodian-b", ("BTC", "USD")),
    ("lender", ("aETH", "owed-USDC", "aUSDC", "owed-ETH")),
)
HELD: Held = {
    ("custodian-a", "BTC"): Decimal(4),
    ("custodian-b", "BTC"): Decimal(2),
    ("custodian-a", "ETH"): Decimal(50),
    ("custodian-a", "stETH"): Decimal(100),
    ("custodian-a", "USDC"): Decimal(150_000),
    ("custodian-a", "USD"): Decimal(150_000),
    ("custodian-b", "USD"): Decimal(50_000),
    ("custodian-a", "short-BTC"): Decimal(-1),
    ("custodian-a", "put-BTC"): Decimal(20),
    ("lender", "aETH"): Decimal(100),
    ("lender", "owed-USDC"): Decimal(80_000),
    ("lender", "aUSDC"): Decimal(100_000),
    ("lender", "owed-ETH"): Decimal(30),
}
NAV_USD = Decimal(1_070_000)
SLOTS = tuple(HELD)
SIGNED = ("short-BTC", "put-BTC")

SOUND: dict[str, Constraint] = {
    "solvency": Solvency(
        margin_usd=Decimal(100_000), caps=(CollateralCap(by="chain", group="ethereum", max_share=Decimal("0.5")),)
    ),
    "delta": Greek(greek="delta", min_usd=Decimal(0), max=Decimal("0.5")),
    "vega": Greek(greek="vega", max_usd=Decimal(5_000)),
    "factor_exposure-BTC": FactorExposure(factor="BTC", min_usd=Decimal(0), max=Decimal("0.5")),
    "health_factor": HealthFactor(minimum=Decimal("1.2")),
    "stressed": HealthFactor(
        name="stressed", minimum=Decimal("1.1"), accounts=("main",), scenario=Gap(drop=Decimal("0.3"))
    ),
    "liquidity": Liquidity(limit=Decimal("0.4"), days=2, participation=Decimal("0.02")),
    "redemption_coverage": RedemptionCoverage(redemptions=Decimal("0.2"), days=2, participation=Decimal("0.02")),
    "gross_leverage": GrossLeverage(limit=Decimal(3)),
    "historical_var": HistoricalVar(confidence=Decimal("0.75"), limit=Decimal("0.2")),
}
"""Limits that the book keeps with room, each under its name."""


def market_of(terms: Mapping[str, Mapping[str, object]] | None = None, **published: Any) -> Market:
    """The market, with other terms of some instruments, or with other assets or betas."""
    merged = {name: {**TERMS.get(name, {}), **(terms or {}).get(name, {})} for name in PRICES}
    assets = {name: str(merged[name].get("asset", name)) for name in PRICES}
    returns = {name: RETURNS.get(name, RETURNS[asset]) for name, asset in assets.items()}
    market = fixed_market(PRICES, returns, **merged)
    volumes = {asset: AssetTerms(daily_volume_usd=Decimal(volume)) for asset, volume in VOLUMES.items()}
    betas = {"BTC": {name: Decimal(BETAS.get(name, "0")) for name in PRICES}}
    return market.model_copy(update={"assets": volumes, "betas": betas, **published})


def fund_policy(market: Market, *constraints: Constraint, **fields: Any) -> Policy:
    return policy_of(market, *constraints, **{"sources": SOURCES} | fields)


def compiled_fund(market: Market, *constraints: Constraint, **fields: Any) -> CompiledPolicy:
    return compile_policy(fund_policy(market, *constraints, **fields), market)


def broken_by(compiled: CompiledPolicy, changes: Mapping[tuple[str, str], str | int] | None = None) -> tuple[str, ...]:
    """Names of the limits that the book breaks once some quantities have been replaced."""
    return violated(compiled, lots_of(compiled, HELD | {slot: Decimal(q) for slot, q in (changes or {}).items()}))


def named_once_tightened(name: str, tightened: Constraint) -> tuple[str, ...]:
    """Limits that the sound book breaks where one of the sound limits is replaced by a tighter one."""
    constraints = SOUND | {name: tightened}
    return broken_by(compiled_fund(market_of(), *constraints.values(), nav_floor_usd=str(NAV_USD)))


@st.composite
def books(draw: st.DrawFn) -> Held:
    """Any quantities in every slot, finer than lots, worth up to 200 000 USD each."""
    drawn = {}
    for source, name in SLOTS:
        value = draw(decimals("-200000" if name in SIGNED else "0", "200000", 4))
        drawn[source, name] = (value / Decimal(PRICES[name])).quantize(Decimal("1E-12"))
    return drawn


def values(held: Held) -> dict[str, NDArray[np.float64]]:
    """Instrument → (sources,) signed values in USD, in plain floats: debts and shorts are negative."""
    found: dict[str, list[float]] = {name: [] for name in PRICES}
    for (_, name), quantity in held.items():
        sign = -1.0 if name.startswith("owed") else 1.0
        found[name].append(sign * float(PRICES[name]) * float(quantity))
    return {name: np.array(slots) for name, slots in found.items()}


def assert_slack_is(compiled: CompiledPolicy, name: str, held: Held, expected_usd: float) -> None:
    """The slack of a constraint by rows and by its plain meaning is what numpy says, up to the stated bound."""
    constraint = compiled.constraint(name)
    lots = lots_of(compiled, held)
    by_rows = compiled.slacks_usd(compiled.quantities(lots))[name]
    plain = constraint.plain_slack_usd(book_of(compiled.policy, compiled.market, held))
    assert abs(float(plain) - expected_usd) <= 1e-5
    assert abs(float(by_rows) - expected_usd) <= float(constraint.bound_usd) + 1e-5
