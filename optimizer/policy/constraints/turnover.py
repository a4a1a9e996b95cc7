"""Turnover: what was bought and sold since the previous epoch, at today's prices (protocol §2).

The previous epoch's holdings are a second committed vector. Custody moves are no turnover: positions are compared
over all sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from attest.program import Entry, Kind, Layout, Owner, Part
from optimizer.documents import PublishedDecimal, Symbol
from optimizer.errors import DataError, PolicyError
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, LimitFraction, percent
from optimizer.policy.positions import common_divisor
from optimizer.policy.rows import RowWriter

SplitFactor = Annotated[PublishedDecimal, Field(gt=0)]


class Turnover(Constraint):
    """Σ p|x − x'| ≤ limit·NAV, x' the previous epoch's positions: buys and sells both count.

    Args:
        limit: as a fraction of today's NAV.
        split_factors: instrument → how many of its units one unit of the previous epoch has become.
    """

    compares_epochs: ClassVar[bool] = True
    tightening: ClassVar[Mapping[str, int]] = {"limit": -1}

    kind: Literal["turnover"] = "turnover"
    limit: LimitFraction
    split_factors: dict[Symbol, SplitFactor] = Field(default_factory=dict)

    def sentence(self) -> str:
        return (
            "Buys and sells since the previous epoch, at today's prices and over all sources, come to at most "
            f"{percent(self.limit)} of NAV."
        )

    def _factor(self, instrument: str) -> Fraction:
        return Fraction(self.split_factors.get(instrument, 1))

    def rows(self, writer: RowWriter) -> None:
        """d_a = Σ (lot/g) q − Σ (lot'/g) q' for each instrument of either epoch; limit·NAV − Σ p|d_a| ≥ 0. (K.24)"""
        earlier = _slots_of(writer.previous_layout)
        names = dict.fromkeys([*writer.instruments, *(name for name in earlier if writer.in_scope(name))])
        prices: dict[Entry, Fraction] = {}
        for name in names:
            try:
                price = Fraction(writer.market.instrument(name).price_usd)
            except DataError as error:
                detail = (
                    f"{name!r} was held in the previous epoch and has no price any more; keep it in the market file"
                )
                raise PolicyError(self.default_name, detail) from error
            lots = {j: Fraction(writer.lot(j)) for j in writer.slots_of(name)}
            before = {j: lot * self._factor(name) for j, lot in earlier.get(name, {}).items()}
            unit = common_divisor([*lots.values(), *before.values()])
            largest = Fraction(self.limit) * writer.gross_cap_usd / writer.unit_usd + 1
            worth = price * unit / writer.unit_usd
            if worth < 1:
                detail = f"the lots of {name!r} in the two epochs differ by less than a money unit; fix its lot"
                raise PolicyError(self.default_name, detail)
            row = writer.count_row(
                f"{name} traded",
                Kind.FREE,
                {j: int(lot / unit) for j, lot in lots.items()},
                previous={j: -int(lot / unit) for j, lot in before.items()},
                # The limit itself bounds what is traded.
                magnitude=ceil(largest / (worth - Fraction(1, 2))),
            )
            prices |= {Entry(row, part): price * unit for part in Part}
        writer.size_row("limit", Fraction(self.limit), (), prices_usd=prices)

    def plain_slack_usd(self, book: Book) -> Fraction:
        traded: dict[str, Fraction] = {}
        for sign, quantities in ((1, book.quantities), (-1, book.previous)):
            for (_, name), quantity in quantities.items():
                factor = Fraction(1) if sign > 0 else self._factor(name)
                traded[name] = traded.get(name, Fraction(0)) + sign * factor * quantity
        cost = sum(
            (abs(x) * Fraction(book.market.instrument(name).price_usd) for name, x in traded.items()), Fraction(0)
        )
        return Fraction(self.limit) * book.nav_usd - cost


def _slots_of(layout: Layout | None) -> dict[str, dict[int, Fraction]]:
    """Instrument → slot of a layout → its lot."""
    slots: dict[str, dict[int, Fraction]] = {}
    if layout is not None:
        for j in layout.of(Owner.SOURCE):
            slots.setdefault(layout[j].asset, {})[j] = Fraction(layout[j].lot)
    return slots
