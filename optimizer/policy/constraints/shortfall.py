"""Expected shortfall by the certificate of Rockafellar and Uryasev (2000), exactly in integers (protocol §2)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from attest.program import Entry, Kind, Part
from optimizer.errors import PolicyError
from optimizer.market import Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import AuxSlot, Confidence, Constraint, LimitFraction, percent
from optimizer.policy.rows import RETURN_SCALE, RowWriter

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
    """

    kind: Literal["expected_shortfall"] = "expected_shortfall"
    confidence: Confidence
    limit: LimitFraction

    def sentence(self) -> str:
        return f"One-day expected shortfall at {percent(self.confidence)} is at most {percent(self.limit)} of NAV."

    def aux(self, market: Market) -> tuple[AuxSlot, ...]:
        largest = max(abs(r) for series in market.scenarios.returns.values() for r in series)
        return (AuxSlot(LEVEL, signed=True, magnitude_fraction=Fraction(largest)),)

    def rows(self, writer: RowWriter) -> None:
        """With (1 − c)S = a/b: a(limit·NAV − t) − b Σ max(loss_s − t, 0) ≥ 0. (K.9)"""
        level = writer.aux(LEVEL)
        mass = tail_mass(Fraction(self.confidence), writer.scenario_count)
        weights = {}
        for s in range(writer.scenario_count):
            shares = [-r for r in writer.scaled_returns(s)]
            row = writer.value_row(f"loss {s}", Kind.FREE, shares, RETURN_SCALE, aux={level: -1})
            weights[Entry(row, Part.PLUS)] = mass.denominator
        limit, a = Fraction(self.limit), mass.numerator
        shares = writer.shares(lambda _: limit.numerator)
        writer.value_row("limit", Kind.NONNEG, shares, limit.denominator, multiple=a, aux={level: -a}, weights=weights)

    def plain_slack_usd(self, book: Book) -> Fraction:
        losses = sorted(book.losses_usd, reverse=True)
        mass = tail_mass(Fraction(self.confidence), len(losses))
        whole = int(mass)
        tail = sum(losses[:whole], Fraction(0))
        if whole < mass:
            tail += (mass - whole) * losses[whole]
        return Fraction(self.limit) * book.nav_usd - tail / mass

    def fill(self, values: Sequence[int]) -> tuple[int, ...]:
        """The best t is an order statistic of the integer losses.

        The certificate a(B − t) − b Σ max(L − t, 0) is concave in t with kinks at the losses; left of t its slope
        is b·#{L ≥ t} − a, right of it b·#{L > t} − a. So it peaks at the loss of rank ⌊a/b⌋ + 1, over integers
        and reals alike.
        """
        losses = sorted(values[:-1], reverse=True)
        mass = tail_mass(Fraction(self.confidence), len(losses))
        return (losses[min(int(mass), len(losses) - 1)],)
