"""Gross leverage, and the public cap on gross size that stands in every program (docs/policies/sizes.md)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from attest.program import Kind
from optimizer.documents import PublishedDecimal, Symbol
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, LimitFraction, dollars, percent
from optimizer.policy.rows import RowWriter


class GrossLeverage(Constraint):
    """Σ |position| ≤ limit·NAV.

    Args:
        limit: as a multiple of NAV.
        instruments: those that count; None counts all, stablecoins and debts included.
    """

    tightening: ClassVar[Mapping[str, int]] = {"limit": -1}

    kind: Literal["gross_leverage"] = "gross_leverage"
    limit: LimitFraction
    instruments: Annotated[tuple[Symbol, ...], Field(min_length=1)] | None = None

    @property
    def instruments_named(self) -> tuple[str, ...]:
        return self.instruments or ()

    def sentence(self) -> str:
        counted = "all positions, debts included," if self.instruments is None else ", ".join(self.instruments)
        return f"The sizes of {counted} add up to at most {percent(self.limit)} of NAV."

    def rows(self, writer: RowWriter) -> None:
        """limit·NAV − Σ p|x| ≥ 0 over positions. (K.5)"""
        sizes = [writer.positions.gross(name) for name in dict.fromkeys(self.instruments or writer.instruments)]
        writer.size_row("limit", Fraction(self.limit), sizes)

    def plain_slack_usd(self, book: Book) -> Fraction:
        names = set(self.instruments or book.instruments)
        gross = sum((book.long_usd(name) + book.short_usd(name) for name in names), Fraction(0))
        return Fraction(self.limit) * book.nav_usd - gross


class NetLeverage(Constraint):
    """|Σ value of what is no cash| ≤ limit·NAV: assets less debts and shorts.

    Args:
        limit: as a multiple of NAV.
    """

    tightening: ClassVar[Mapping[str, int]] = {"limit": -1}

    kind: Literal["net_leverage"] = "net_leverage"
    limit: LimitFraction

    def sentence(self) -> str:
        return f"Net exposure to assets that are no cash is at most {percent(self.limit)} of NAV, long or short."

    def rows(self, writer: RowWriter) -> None:
        """limit·NAV − Σ σpq ≥ 0 and limit·NAV + Σ σpq ≥ 0 over what is no cash. (K.20)"""
        cash = writer.market.cash_assets
        for side, label in ((1, "long"), (-1, "short")):
            exposed = {j: Fraction(side * (writer.instrument(j).asset not in cash)) for j in writer.slots}
            shares = {j: Fraction(self.limit) - share for j, share in exposed.items()}
            writer.share_row(label, Kind.NONNEG, shares)

    def plain_slack_usd(self, book: Book) -> Fraction:
        cash = book.market.cash_assets
        net = sum((h.value_usd for h in book.holdings if h.instrument.asset not in cash), Fraction(0))
        return Fraction(self.limit) * book.nav_usd - abs(net)


class GrossCap(Constraint):
    """Σ |slot value| ≤ cap, without netting: the public size that lots, money unit and bounds are scaled to.

    Args:
        cap_usd: the cap.
    """

    listed: ClassVar[bool] = False

    kind: Literal["gross_cap"] = "gross_cap"
    cap_usd: Annotated[PublishedDecimal, Field(gt=0)]

    def sentence(self) -> str:
        return f"The sizes of all positions and debts, source by source, add up to at most {dollars(self.cap_usd)}."

    def rows(self, writer: RowWriter) -> None:
        """cap − Σ p·lot·|q| ≥ 0 over slots. (K.6)"""
        sizes = [writer.positions.slot_gross(slot) for slot in writer.held_slots]
        writer.size_row("limit", Fraction(0), sizes, constant_usd=Fraction(self.cap_usd))

    def plain_slack_usd(self, book: Book) -> Fraction:
        return Fraction(self.cap_usd) - sum((abs(h.value_usd) for h in book.holdings), Fraction(0))
