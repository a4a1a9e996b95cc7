"""Hypothesis strategies of the policy and allocation tests: policies, books, and holdings in whole lots."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from optimizer.market import Market
from optimizer.policy import (
    Book,
    CompiledPolicy,
    Concentration,
    Constraint,
    ExpectedShortfall,
    GrossLeverage,
    HistoricalVar,
    Policy,
    PositionLimit,
    Solvency,
    Source,
)
from optimizer.policy.holdings import whole_lots
from tests.optimizer.strategies import decimals

CAP_USD = Decimal(10_000_000)
SOLID_USD = Decimal(20_000)
"""NAV below which drawn quantities are topped up: limits as fractions of next to nothing are no limits."""


def policy_of(
    market: Market,
    *constraints: Constraint,
    sources: Sequence[tuple[str, Sequence[str]]] | None = None,
    nav_floor_usd: str = "1",
    gross_cap_usd: Decimal = CAP_USD,
    rounding_tolerance: str = "0.000001",
    netting: str = "across_sources",
) -> Policy:
    """A policy written down; without `sources` one custodian holds every instrument."""
    reported = sources if sources is not None else [("custodian-a", market.ids)]
    return Policy.model_validate(
        {
            "name": "test",
            "nav_floor_usd": Decimal(nav_floor_usd),
            "gross_cap_usd": gross_cap_usd,
            "rounding_tolerance": Decimal(rounding_tolerance),
            "netting": netting,
            "sources": tuple(Source(name=n, role="custodian", instruments=tuple(i)) for n, i in reported),
            "constraints": constraints,
        }
    )


def book_of(
    policy: Policy,
    market: Market,
    quantities: dict[tuple[str, str], Decimal],
    previous: dict[tuple[str, str], Decimal] | None = None,
) -> Book:
    """A book on a policy's slots; those left out are 0."""
    slots = [(source.name, name) for source in policy.sources for name in source.instruments]
    held = {slot: Fraction(quantities.get(slot, Decimal(0))) for slot in slots}
    return Book(market, held, policy.netting, {slot: Fraction(q) for slot, q in (previous or {}).items()})


def lots_of(compiled: CompiledPolicy, quantities: dict[tuple[str, str], Decimal]) -> tuple[int, ...]:
    """Whole lots of quantities by source and instrument, as a holdings file would give them."""
    slots = [compiled.layout[j] for j in compiled.held_slots]
    return tuple(whole_lots(quantities.get((s.source, s.asset), Decimal(0)), s.lot, s.sign) for s in slots)


@st.composite
def splits(draw: st.DrawFn, market: Market) -> list[tuple[str, tuple[str, ...]]]:
    """Sources that hold every instrument at least once and some of them twice."""
    twice = tuple(name for name in market.ids if draw(st.booleans()))
    return [("custodian-a", market.ids)] + ([("custodian-b", twice)] if twice else [])


@st.composite
def quantities(
    draw: st.DrawFn, market: Market, sources: Sequence[tuple[str, Sequence[str]]]
) -> dict[tuple[str, str], Decimal]:
    """Real-valued quantities of every slot, finer than any lot, worth up to 100 000 USD each, of positive NAV."""
    held: dict[tuple[str, str], Decimal] = {}
    for source, names in sources:
        for name in names:
            instrument = market.instrument(name)
            value = draw(decimals("-100000" if instrument.signed else "0", "100000", 6))
            held[source, name] = (value / instrument.price_usd).quantize(Decimal("1E-15"))
    nav = sum(market.instrument(name).sign * market.instrument(name).price_usd * q for (_, name), q in held.items())
    owned = [slot for slot in held if market.instrument(slot[1]).sign > 0]
    if nav < SOLID_USD and owned:
        held[owned[0]] += ((SOLID_USD - nav) / market.instrument(owned[0][1]).price_usd).quantize(Decimal("1E-15"))
    return held


@st.composite
def constraint_lists(draw: st.DrawFn, market: Market) -> tuple[Constraint, ...]:
    """Any selection of kinds with limits that some allocation tends to satisfy."""
    limit = decimals("0.02", "0.5", 3)
    confidence = decimals("0.5", "0.99", 3)
    kinds: list[Constraint] = [
        Solvency(margin_usd=draw(decimals("0", "1000", 2))),
        HistoricalVar(confidence=draw(confidence), limit=draw(limit)),
        ExpectedShortfall(confidence=draw(confidence), limit=draw(limit)),
        GrossLeverage(limit=draw(decimals("1", "3", 2))),
        Concentration(limit=draw(decimals("0.3", "1", 2))),
        PositionLimit(instrument=draw(st.sampled_from(market.ids)), max_usd=draw(decimals("0", "1000000", 2))),
    ]
    return tuple(kind for kind in kinds if draw(st.booleans()))
