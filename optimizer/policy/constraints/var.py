"""Historical VaR: the loss exceeded in at most a share 1 − c of the scenarios (docs/policies/market-risk.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, Literal

from attest.program import Entry, Kind, Part
from optimizer.market import RETURN_SCALE
from optimizer.policy.book import Book
from optimizer.policy.constraint import Confidence, Constraint, HorizonDays, LimitFraction, RowSlack, days, percent
from optimizer.policy.rows import RowWriter


def exceedances(confidence: Fraction, scenarios: int) -> int:
    """k = ⌊(1 − c)S⌋: how many scenarios may lose more than VaR."""
    return int((1 - confidence) * scenarios)


class HistoricalVar(Constraint):
    """VaR_c ≤ limit·NAV over the market's scenarios, equally weighted.

    VaR_c is the (k+1)-th largest loss, so VaR_c ≤ x ⇔ #{L > x} ≤ k.

    Args:
        confidence: level c.
        limit: as a fraction of NAV.
        horizon_days: of the losses; longer than a day, over all overlapping windows of the scenarios.
    """

    tightening: ClassVar[Mapping[str, int]] = {"confidence": 1, "limit": -1}

    kind: Literal["historical_var"] = "historical_var"
    confidence: Confidence
    limit: LimitFraction
    horizon_days: HorizonDays = 1

    def sentence(self) -> str:
        return (
            f"{days(self.horizon_days)} historical value at risk at {percent(self.confidence)} is at most "
            f"{percent(self.limit)} of NAV."
        )

    def rows(self, writer: RowWriter) -> None:
        """E_s ≥ 1 where loss_s − limit·NAV > 0; k − ΣE ≥ 0. (K.8)"""
        limit = Fraction(self.limit)
        denominator = RETURN_SCALE * limit.denominator
        flags = []
        scenarios = writer.scenario_count(self.horizon_days)
        for s in range(scenarios):
            returns = writer.scaled_returns(s, self.horizon_days)
            shares = [-(r * limit.denominator + RETURN_SCALE * limit.numerator) for r in returns]
            row = writer.value_row(f"excess {s}", Kind.FREE, shares, denominator, counted=True)
            flags.append(Entry(row, Part.PLUS))
        writer.flag_row("count", exceedances(Fraction(self.confidence), scenarios), flags)

    def plain_slack_usd(self, book: Book) -> Fraction:
        losses = sorted(book.losses_usd(self.horizon_days), reverse=True)
        value_at_risk = losses[exceedances(Fraction(self.confidence), len(losses))]
        return Fraction(self.limit) * book.nav_usd - value_at_risk

    def slack_usd(self, rows: Sequence[RowSlack]) -> Fraction:
        excess = sorted((r.units * r.usd_per_unit for r in rows if r.usd_per_unit is not None), reverse=True)
        return -excess[exceedances(Fraction(self.confidence), len(excess))]
