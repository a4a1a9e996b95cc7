"""A book of real-valued quantities and its exact valuation: the oracle's view of a fund (docs/policy.md).

Nothing here knows of rows, lots or money units. Quantities are rationals, so that a test can stand exactly on
a limit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import NamedTuple

from optimizer.market import RETURN_SCALE, Instrument, Market


class Holding(NamedTuple):
    """One instrument at one source.

    Args:
        value_usd: σ·price·quantity, negative for debts and shorts.
    """

    source: str
    instrument: Instrument
    value_usd: Fraction


@dataclass(frozen=True)
class Book:
    """Quantities by source and instrument. Secret.

    Args:
        market: prices, terms and scenarios.
        quantities: (source, instrument id) → units of quantity; debts are positive.
        netting: "across_sources" or "none", see `Policy`.
        previous: the same quantities of the previous epoch, for limits that compare epochs.
    """

    market: Market
    quantities: Mapping[tuple[str, str], Fraction] = field(repr=False)
    netting: str = "across_sources"
    previous: Mapping[tuple[str, str], Fraction] = field(default_factory=dict, repr=False)

    def within(self, instruments: Collection[str] | None) -> Book:
        """The part of the book in some instruments; None is the whole of it."""
        if instruments is None:
            return self
        held = {slot: q for slot, q in self.quantities.items() if slot[1] in instruments}
        before = {slot: q for slot, q in self.previous.items() if slot[1] in instruments}
        return replace(self, quantities=held, previous=before)

    @cached_property
    def holdings(self) -> tuple[Holding, ...]:
        held = []
        for (source, name), quantity in self.quantities.items():
            instrument = self.market.instrument(name)
            held.append(Holding(source, instrument, instrument.sign * Fraction(instrument.price_usd) * quantity))
        return tuple(held)

    @property
    def nav_usd(self) -> Fraction:
        """Assets less debts."""
        return sum((h.value_usd for h in self.holdings), Fraction(0))

    @property
    def instruments(self) -> tuple[str, ...]:
        """Ids of all instruments of the book, in order of appearance."""
        return tuple(dict.fromkeys(h.instrument.id for h in self.holdings))

    def long_usd(self, instrument: str) -> Fraction:
        """Size of the position above zero, USD; for a debt, what is owed. Nets across sources where the policy does."""
        return self._side(instrument, 1)

    def short_usd(self, instrument: str) -> Fraction:
        """Size of the position below zero, USD. Nets across sources where the policy does."""
        return self._side(instrument, -1)

    def count(self, instrument: str) -> int:
        """Number of positions that are not 0: where the policy does not net what may be short, one for each source."""
        held = [h for h in self.holdings if h.instrument.id == instrument]
        if self.netting == "none" and held and held[0].instrument.signed:
            return sum(1 for h in held if h.value_usd)
        return int(self.net_usd(instrument) != 0)

    def _side(self, instrument: str, side: int) -> Fraction:
        sizes = [h.instrument.sign * h.value_usd for h in self.holdings if h.instrument.id == instrument]
        if self.netting == "across_sources":
            sizes = [sum(sizes, Fraction(0))]
        return sum((max(side * size, Fraction(0)) for size in sizes), Fraction(0))

    def net_usd(self, instrument: str) -> Fraction:
        """σ·price·quantity over all sources, negative for debts and shorts."""
        return sum((h.value_usd for h in self.holdings if h.instrument.id == instrument), Fraction(0))

    def losses_usd(self, days: int = 1) -> tuple[Fraction, ...]:
        """(S − days + 1,) loss of each overlapping outcome over a horizon, gains negative."""
        scale = lcm(*(h.value_usd.denominator for h in self.holdings)) if self.holdings else 1
        total = [0] * (self.market.scenario_count - days + 1)
        for h in self.holdings:
            value = int(h.value_usd * scale)
            for s, r in enumerate(self.market.horizon_returns(h.instrument.id, days)):
                total[s] -= value * r
        return tuple(Fraction(loss, scale * RETURN_SCALE) for loss in total)
