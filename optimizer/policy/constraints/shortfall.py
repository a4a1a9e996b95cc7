"""Expected shortfall by the certificate of Rockafellar and Uryasev (2000), exact (docs/policies/market-risk.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, Literal

from attest.program import Entry, Kind, Part
from optimizer.errors import PolicyError
from optimizer.market import RETURN_SCALE, Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import (
    AuxSlot,
    Confidence,
    Constraint,
    HorizonDays,
    LimitFraction,
    RowSlack,
    days,
    percent,
)
from optimizer.policy.rows import RowWriter

LEVEL = "t"


def tail_mass(confidence: Fraction, scenarios: int) -> Fraction:
    """a/b = (1 − c)S in lowest terms, the exact number of scenarios in the tail.

    Raises: PolicyError: unless 0 < a/b ≤ S, where the level t could fall without end and prove anything.
    """
    mass = (1 - confidence) * scenarios
    if not 0 < mass <= scenarios:
        raise PolicyError("confidence", "must lie in [0, 1): the tail holds more than no and at most all scenarios")
    return mass


class ExpectedShortfall(Constraint):
    """ES_c ≤ limit·NAV: the mean loss of the worst (1 − c)S scenarios, the last one counted in part.

    Args:
        confidence: level c.
        limit: as a fraction of NAV.
        horizon_days: of the losses; longer than a day, over all overlapping windows of the scenarios.
    """

    tightening: ClassVar[Mapping[str, int]] = {"confidence": 1, "limit": -1}

    kind: Literal["expected_shortfall"] = "expected_shortfall"
    confidence: Confidence
    limit: LimitFraction
    horizon_days: HorizonDays = 1

    def sentence(self) -> str:
        return (
            f"{days(self.horizon_days)} expected shortfall at {percent(self.confidence)} is at most "
            f"{percent(self.limit)} of NAV."
        )

    def aux(self, market: Market, instruments: Sequence[str]) -> tuple[AuxSlot, ...]:
        largest = max(abs(r) for name in instruments for r in market.horizon_returns(name, self.horizon_days))
        return (AuxSlot(LEVEL, signed=True, fraction=Fraction(largest, RETURN_SCALE)),)

    def rows(self, writer: RowWriter) -> None:
        """With (1 − c)S = a/b: a(limit·NAV − t) − b Σ max(loss_s − t, 0) ≥ 0. (K.9)"""
        level = writer.aux(LEVEL)
        scenarios = writer.scenario_count(self.horizon_days)
        mass = tail_mass(Fraction(self.confidence), scenarios)
        weights = {}
        for s in range(scenarios):
            shares = [-r for r in writer.scaled_returns(s, self.horizon_days)]
            row = writer.value_row(f"loss {s}", Kind.FREE, shares, RETURN_SCALE, aux={level: -1})
            weights[Entry(row, Part.PLUS)] = mass.denominator
        limit, a = Fraction(self.limit), mass.numerator
        nav = dict.fromkeys(writer.slots, limit)
        writer.share_row("limit", Kind.NONNEG, nav, multiple=a, aux={level: -a}, weights=weights)

    def plain_slack_usd(self, book: Book) -> Fraction:
        losses = sorted(book.losses_usd(self.horizon_days), reverse=True)
        mass = tail_mass(Fraction(self.confidence), len(losses))
        whole = int(mass)
        tail = sum(losses[:whole], Fraction(0))
        if whole < mass:
            tail += (mass - whole) * losses[whole]
        return Fraction(self.limit) * book.nav_usd - tail / mass

    def fill(self, rows: Sequence[RowSlack]) -> tuple[int, ...]:
        """The best t is an order statistic of the integer losses.

        The certificate a(B − t) − b Σ max(L − t, 0) is concave in t with kinks at the losses; left of t its slope
        is b·#{L ≥ t} − a, right of it b·#{L > t} − a. So it peaks at the loss of rank ⌊a/b⌋ + 1, over integers
        and reals alike.
        """
        losses = sorted((row.units for row in rows[:-1]), reverse=True)
        mass = tail_mass(Fraction(self.confidence), len(losses))
        return (losses[min(int(mass), len(losses) - 1)],)
