"""A synthetic fund of any size under solvency, VaR, expected shortfall, leverage and concentration limits.

Prices and returns are drawn from a one-factor model with a fixed seed. They stand for no real market: what a
proof costs depends on how many assets and scenarios there are, not on their numbers.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np

from attest import Context, Holdings, Setup, SourceCommitment, SourceSet, open_source
from attest.commitment import ROLES
from attest.program import Layout
from optimizer.market import RETURN_DECIMALS, Instrument, Market, Scenarios
from optimizer.policy import (
    CompiledPolicy,
    Concentration,
    ExpectedShortfall,
    GrossLeverage,
    HistoricalVar,
    Policy,
    Solvency,
    Source,
)

SEED = 20_240_229
AS_OF = dt.date(2020, 12, 31)
NAV_USD = 100_000_000
DEBT_FRACTION = 0.1
"""Of NAV, owed in the dollar token."""
FUND = "0x00000000000000000000000000000000000000f1"
REGISTRY = "0x00000000000000000000000000000000000000a1"
EXPIRY = 1_900_000_000
CONTEXT = Context(chain_id=31_337, registry=REGISTRY, expiry=EXPIRY, program_id=bytes(31) + b"\x01")
CUSTODIAN, LENDER = "custodian", "lender"


def synthetic_market(assets: int, scenarios: int) -> Market:
    """A market of assets − 2 spot instruments, a dollar token, and a debt in dollars.

    Args:
        assets: number of instruments in all, at least 3.
        scenarios: number of one-day outcomes.
    """
    random = np.random.default_rng(SEED)
    count = assets - 2
    prices = np.exp(random.normal(2.0, 2.5, count))
    beta, own = random.uniform(0.6, 1.4, count), random.uniform(0.01, 0.03, count)
    factor = 0.025 * random.standard_t(4, scenarios)
    moves = np.clip(factor[:, None] * beta + own * random.standard_t(4, (scenarios, count)), -0.95, 3.0)
    unit = Decimal(1).scaleb(-RETURN_DECIMALS)
    returns = {f"A{i:03d}": tuple(Decimal(float(move)).quantize(unit) for move in moves[:, i]) for i in range(count)}
    flat = (Decimal(0),) * scenarios
    spot = tuple(
        Instrument(
            id=name,
            asset=name,
            kind="spot",
            price_usd=Decimal(float(price)).quantize(Decimal("0.0001")) + Decimal("0.01"),
            haircut=Decimal("0.2"),
        )
        for name, price in zip(returns, prices, strict=True)
    )
    dollars = (
        Instrument(id="USD", asset="USD", kind="stablecoin", price_usd=Decimal(1), haircut=Decimal("0.01")),
        Instrument(id="borrow-USD", asset="USD", kind="borrow", price_usd=Decimal(1), debt_margin=Decimal("0.05")),
    )
    dates = tuple(AS_OF - dt.timedelta(days=scenarios - 1 - s) for s in range(scenarios))
    return Market(
        as_of=AS_OF,
        source="synthetic returns of a one-factor model, for measurements only",
        instruments=(*spot, *dollars),
        scenarios=Scenarios(dates=dates, returns={**returns, "USD": flat, "borrow-USD": flat}),
    )


def risk_policy(market: Market) -> Policy:
    """Five limits over all instruments, reported by a custodian and a lender."""
    held = tuple(i.id for i in market.instruments if i.sign > 0)
    owed = tuple(i.id for i in market.instruments if i.sign < 0)
    return Policy(
        name="benchmark",
        nav_floor_usd=Decimal(1_000_000),
        gross_cap_usd=Decimal(2 * NAV_USD),
        rounding_tolerance=Decimal("0.000001"),
        sources=(
            Source(name=CUSTODIAN, role="custodian", instruments=held),
            Source(name=LENDER, role="lending", instruments=owed),
        ),
        constraints=(
            Solvency(margin_usd=Decimal(1_000_000)),
            HistoricalVar(confidence=Decimal("0.99"), limit=Decimal("0.15")),
            ExpectedShortfall(confidence=Decimal("0.975"), limit=Decimal("0.15")),
            GrossLeverage(limit=Decimal("1.5")),
            Concentration(limit=Decimal("0.25")),
        ),
    )


def diversified_lots(compiled: CompiledPolicy) -> tuple[int, ...]:
    """Whole lots of equal worth in every asset, with a tenth of NAV owed."""
    signs = [compiled.layout[j].sign for j in compiled.held_slots]
    long_usd = NAV_USD * (1 + DEBT_FRACTION) / signs.count(1)
    short_usd = NAV_USD * DEBT_FRACTION / signs.count(-1)
    return tuple(
        int((long_usd if sign > 0 else short_usd) / abs(value))
        for sign, value in zip(signs, compiled.lot_values_usd, strict=True)
    )


def committed(compiled: CompiledPolicy, lots: tuple[int, ...], setup: Setup) -> tuple[Holdings, SourceSet]:
    """Fresh openings of all sources, and the source set that they would sign."""
    layout: Layout = compiled.layout
    by_slot = dict(zip(compiled.held_slots, lots, strict=True))
    roles = {source.name: source.role for source in compiled.policy.sources}
    openings = tuple(
        open_source(layout, name, {j: by_slot[j] for j in layout.owned_by(name)}) for name in layout.sources
    )
    midnight = dt.datetime.combine(AS_OF, dt.time(), dt.UTC)
    sources = tuple(
        SourceCommitment(
            fund=FUND,
            epoch=1,
            as_of=int(midnight.timestamp()),
            source=opening.source,
            role=ROLES[roles[opening.source]],
            layout_hash=layout.hash,
            owned_slots_hash=layout.owned_slots_hash(opening.source),
            commitment=opening.commitment(setup),
            expiry=EXPIRY,
            nonce=1,
        )
        for opening in openings
    )
    return Holdings(openings), SourceSet(sources)
