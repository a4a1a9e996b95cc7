"""Turnover: what was bought and sold since the previous epoch, at today's prices (docs/policies/turnover.md).

The previous epoch's holdings are a second committed vector. Custody moves are no turnover: positions are compared
over all sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from attest.program import Entry, Kind, Layout, Part, Slot, decimal_string
from optimizer.documents import PublishedDecimal, Symbol
from optimizer.errors import DataError, PolicyError
from optimizer.market import Instrument, Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, LimitFraction, percent
from optimizer.policy.positions import common_divisor
from optimizer.policy.rows import RowWriter

SplitFactor = Annotated[PublishedDecimal, Field(gt=0)]


class Turnover(Constraint):
    """Σ p|x − x'| ≤ limit·NAV, x' the previous epoch's positions: buys and sells both count.

    Args:
        limit: as a fraction of today's NAV.
        include_cash: whether cash counts too: what is paid for a purchase, and money that is paid in or out.
        split_factors: instrument → how many of its units one unit of the previous epoch has become.
    """

    compares_epochs: ClassVar[bool] = True
    tightening: ClassVar[Mapping[str, int]] = {"limit": -1, "include_cash": 1}

    kind: Literal["turnover"] = "turnover"
    limit: LimitFraction
    include_cash: bool = True
    split_factors: dict[Symbol, SplitFactor] = Field(default_factory=dict)

    def sentence(self) -> str:
        splits = "".join(
            f" One unit of {name} has become {decimal_string(factor)}."
            for name, factor in sorted(self.split_factors.items())
        )
        return (
            "What was bought and sold since the previous epoch, at today's prices and over all sources, "
            f"{'cash included' if self.include_cash else 'without cash'}, comes to at most {percent(self.limit)} of "
            f"NAV.{splits}"
        )

    def _factor(self, instrument: str) -> Fraction:
        return Fraction(self.split_factors.get(instrument, 1))

    def _compared(self, market: Market, name: str, earlier: Sequence[Slot]) -> Instrument | None:
        """An instrument of either epoch, None where it does not count.

        Raises: PolicyError: what it was cannot be compared with what it is.
        """
        try:
            instrument = market.instrument(name)
        except DataError as error:
            detail = f"{name!r} was held in the previous epoch and has no price any more; keep it in the market file"
            raise PolicyError(self.default_name, detail) from error
        if any(slot.sign != instrument.sign for slot in earlier):
            was, now = ("owned", "owed") if instrument.sign < 0 else ("owed", "owned")
            detail = f"{name!r} was {was} in the previous epoch and is {now} now; give what it is now another id"
            raise PolicyError(self.default_name, detail)
        return instrument if self._counts(market, instrument) else None

    def _counts(self, market: Market, instrument: Instrument) -> bool:
        return self.include_cash or instrument.asset not in market.cash_assets

    def rows(self, writer: RowWriter) -> None:
        """d_a = Σ (lot/g) q − Σ (lot'/g) q' for each instrument of either epoch; limit·NAV − Σ p|d_a| ≥ 0. (K.24)"""
        earlier = _slots_of(writer.previous_layout)
        names = dict.fromkeys([*writer.instruments, *(name for name in earlier if writer.in_scope(name))])
        strangers = self.split_factors.keys() - set(writer.market.ids)
        if strangers:
            detail = f"{min(strangers)!r} has a split factor and is no instrument of the market; take it out"
            raise PolicyError(self.default_name, detail)
        largest = writer.largest_nav(Fraction(self.limit))
        prices: dict[Entry, Fraction] = {}
        for name in names:
            slots = earlier.get(name, {})
            instrument = self._compared(writer.market, name, tuple(slots.values()))
            if instrument is None:
                continue
            price = Fraction(instrument.price_usd)
            lots = {j: Fraction(writer.lot(j)) for j in writer.slots_of(name)}
            before = {j: Fraction(slot.lot) * self._factor(name) for j, slot in slots.items()}
            unit = common_divisor([*lots.values(), *before.values()])
            worth = price * unit / writer.unit_usd
            if worth < 1:
                detail = f"the lots of {name!r} in the two epochs differ by less than a money unit; fix its lot"
                raise PolicyError(self.default_name, detail)
            row = writer.count_row(
                f"{name} traded",
                Kind.FREE,
                {j: int(lot / unit) for j, lot in lots.items()},
                previous={j: -int(lot / unit) for j, lot in before.items()},
                # The limit itself bounds what is traded: Σ (worth − ½)·|d| ≤ limit·NAV, in money units.
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
        cost = Fraction(0)
        for name, x in traded.items():
            instrument = book.market.instrument(name)
            if self._counts(book.market, instrument):
                cost += abs(x) * Fraction(instrument.price_usd)
        return Fraction(self.limit) * book.nav_usd - cost


def _slots_of(layout: Layout | None) -> dict[str, dict[int, Slot]]:
    """Instrument → the slots of a layout that hold it."""
    slots: dict[str, dict[int, Slot]] = {}
    if layout is not None:
        for j in layout.held:
            slots.setdefault(layout[j].asset, {})[j] = layout[j]
    return slots
