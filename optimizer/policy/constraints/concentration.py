"""Concentration: no single position exceeds a share of NAV (protocol §2)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from optimizer.documents import Symbol
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, LimitFraction, percent
from optimizer.policy.rows import RowWriter


class Concentration(Constraint):
    """|position of i| ≤ limit·NAV for each instrument i, over all sources together.

    Args:
        limit: as a fraction of NAV.
        instruments: those limited, each on its own; None limits every instrument.
    """

    tightening: ClassVar[Mapping[str, int]] = {"limit": -1}

    kind: Literal["concentration"] = "concentration"
    limit: LimitFraction
    instruments: Annotated[tuple[Symbol, ...], Field(min_length=1)] | None = None

    @property
    def instruments_named(self) -> tuple[str, ...]:
        return self.instruments or ()

    def sentence(self) -> str:
        limited = "every instrument" if self.instruments is None else "each of " + ", ".join(self.instruments)
        return f"The position in {limited}, over all sources, is at most {percent(self.limit)} of NAV."

    def rows(self, writer: RowWriter) -> None:
        """limit·NAV − p·x ≥ 0 and limit·NAV + p·x ≥ 0 for each position x. (K.10)"""
        for name in dict.fromkeys(self.instruments or writer.instruments):
            for side, label in ((1, "long"), (-1, "short")):
                writer.size_row(f"{name} {label}", Fraction(self.limit), [writer.positions.side(name, side)])

    def plain_slack_usd(self, book: Book) -> Fraction:
        names = set(self.instruments or book.instruments)
        largest = max(max(book.long_usd(name), book.short_usd(name)) for name in names)
        return Fraction(self.limit) * book.nav_usd - largest
