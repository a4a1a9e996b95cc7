"""Historical value at risk: the loss exceeded in at most a share 1 − c of the scenarios (protocol §2)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from attest.program import Entry, Kind, Part
from optimizer.policy.book import Book
from optimizer.policy.constraint import Confidence, Constraint, LimitFraction, RowSlack, percent
from optimizer.policy.rows import RETURN_SCALE, RowWriter


def exceedances(confidence: Fraction, scenarios: int) -> int:
    """k = ⌊(1 − c)S⌋: how many scenarios may lose more than VaR."""
    return int((1 - confidence) * scenarios)


class HistoricalVar(Constraint):
    """VaR_c ≤ limit·NAV over the market's scenarios, equally weighted.

    VaR_c is the (k+1)-th largest loss, so VaR_c ≤ x ⇔ #{L > x} ≤ k.

    Args:
        confidence: level c.
        limit: as a fraction of NAV.
    """

    kind: Literal["historical_var"] = "historical_var"
    confidence: Confidence
    limit: LimitFraction

    def sentence(self) -> str:
        return (
            f"One-day historical value at risk at {percent(self.confidence)} is at most {percent(self.limit)} of NAV."
        )

    def rows(self, writer: RowWriter) -> None:
        """E_s ≥ 1 where loss_s − limit·NAV > 0; k − ΣE ≥ 0. (K.8)"""
        limit = Fraction(self.limit)
        denominator = RETURN_SCALE * limit.denominator
        flags = []
        for s in range(writer.scenario_count):
            shares = [-(r * limit.denominator + RETURN_SCALE * limit.numerator) for r in writer.scaled_returns(s)]
            flags.append(Entry(writer.value_row(f"excess {s}", Kind.FREE, shares, denominator), Part.PLUS))
        writer.flag_row("count", exceedances(Fraction(self.confidence), writer.scenario_count), flags)

    def plain_slack_usd(self, book: Book) -> Fraction:
        losses = sorted(book.losses_usd, reverse=True)
        value_at_risk = losses[exceedances(Fraction(self.confidence), len(losses))]
        return Fraction(self.limit) * book.nav_usd - value_at_risk

    def slack_usd(self, rows: Sequence[RowSlack]) -> Fraction:
        excess = sorted((r.units * r.usd_per_unit for r in rows if r.usd_per_unit is not None), reverse=True)
        return -excess[exceedances(Fraction(self.confidence), len(excess))]
