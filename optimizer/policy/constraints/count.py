"""How many positions there are, and how small one may be (docs/policies/sizes.md).

Both count flags, and a flag stands wherever a part is not 0. A position is one of at least a lot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from attest.program import Entry, Kind, Part
from optimizer.documents import PublishedDecimal, PublishedInteger, Symbol
from optimizer.market import Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import AuxSlot, Constraint, RowSlack, dollars
from optimizer.policy.rows import RowWriter

Listed = Annotated[tuple[Symbol, ...], Field(min_length=1)]


def no_cash(market: Market, instruments: Sequence[str]) -> tuple[str, ...]:
    """Those of some instruments whose asset is no cash."""
    return tuple(name for name in instruments if market.instrument(name).asset not in market.cash_assets)


class PositionCount(Constraint):
    """At most so many positions that are not 0.

    Args:
        maximum: their number.
        instruments: those that count; None counts all whose asset is no cash.
    """

    unit: ClassVar[str] = "positions"
    continuous: ClassVar[bool] = False
    tightening: ClassVar[Mapping[str, int]] = {"maximum": -1}

    kind: Literal["position_count"] = "position_count"
    maximum: Annotated[PublishedInteger, Field(ge=0)]
    instruments: Listed | None = None

    @property
    def instruments_named(self) -> tuple[str, ...]:
        return self.instruments or ()

    def sentence(self) -> str:
        counted = "assets that are no cash" if self.instruments is None else ", ".join(self.instruments)
        return f"There are at most {self.maximum} positions in {counted}."

    def _counted(self, market: Market, instruments: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.instruments or no_cash(market, instruments)))

    def rows(self, writer: RowWriter) -> None:
        """maximum − Σ E ≥ 0 over both parts of every position. (K.22)"""
        names = self._counted(writer.market, writer.instruments)
        writer.flag_row("count", self.maximum, [entry for name in names for entry in writer.positions.held(name)])

    def slack_usd(self, rows: Sequence[RowSlack]) -> Fraction:
        """What is left in positions, not in USD."""
        return Fraction(rows[0].units)

    def plain_slack_usd(self, book: Book) -> Fraction:
        """What is left in positions, not in USD."""
        return Fraction(self.maximum - sum(book.count(name) for name in self._counted(book.market, book.instruments)))


class MinPositionSize(Constraint):
    """Every position is 0 or worth at least min_usd, over all sources together; for a debt, what is owed.

    Args:
        min_usd: the least size.
        instruments: those limited; None limits every instrument.
    """

    continuous: ClassVar[bool] = False
    tightening: ClassVar[Mapping[str, int]] = {"min_usd": 1}

    kind: Literal["min_position_size"] = "min_position_size"
    min_usd: Annotated[PublishedDecimal, Field(gt=0)]
    instruments: Listed | None = None

    @property
    def instruments_named(self) -> tuple[str, ...]:
        return self.instruments or ()

    def sentence(self) -> str:
        limited = (
            "Every position" if self.instruments is None else "The position in each of " + ", ".join(self.instruments)
        )
        return f"{limited} is either empty or worth at least {dollars(self.min_usd)}, over all sources."

    def _limited(self, instruments: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.instruments or instruments))

    def aux(self, market: Market, instruments: Sequence[str]) -> tuple[AuxSlot, ...]:
        signed = [name for name in self._limited(instruments) if market.instrument(name).signed]
        labels = [(f"{name} {side}", name) for name in signed for side in ("long", "short")]
        return tuple(AuxSlot(label, signed=False, instrument=name) for label, name in labels)

    def rows(self, writer: RowWriter) -> None:
        """p·x − min·E ≥ 0 with E = 1 where x > 0; for an instrument that may be short, with l and s in aux slots:

        x − l + s = 0, p·l − min·E_l ≥ 0, p·s − min·E_s ≥ 0, 1 − E_l − E_s ≥ 0, so that l or s is 0. (K.23)
        """
        least = Fraction(self.min_usd)
        nothing: dict[int, Fraction] = {}
        for name in self._limited(writer.instruments):
            instrument = writer.market.instrument(name)
            if not instrument.signed:
                (entry,) = writer.positions.held(name)
                shares = {j: Fraction(k) for j, k in writer.positions.net(name, 1).shares.items()}
                writer.share_row(name, Kind.NONNEG, shares, flags_usd={entry: least})
                continue
            coefficients, price = writer.positions.net_lots(name)
            sides = {side: writer.aux(f"{name} {side}") for side in ("long", "short")}
            split = coefficients | {sides["long"]: -1, sides["short"]: 1}
            writer.count_row(f"{name} sides", Kind.ZERO, split)
            flags = []
            for side, slot in sides.items():
                flags.append(Entry(writer.variable_row(slot), Part.PLUS))
                worth = {slot: price}
                writer.share_row(
                    f"{name} {side} size", Kind.NONNEG, nothing, aux_usd=worth, flags_usd={flags[-1]: least}
                )
            writer.flag_row(f"{name} one side", 1, flags)

    def fill(self, rows: Sequence[RowSlack]) -> tuple[int, ...]:
        """l = max(x, 0) and s = max(−x, 0)."""
        positions = [row.units for row in rows if row.kind is Kind.ZERO]
        return tuple(size for x in positions for size in (max(x, 0), max(-x, 0)))

    def slack_usd(self, rows: Sequence[RowSlack]) -> Fraction:
        """Of the position that is nearest to its least size; 0 where none is held."""
        left = [r.units * r.usd_per_unit for r in rows if r.usd_per_unit is not None and r.units]
        return min(left, default=Fraction(0))

    def plain_slack_usd(self, book: Book) -> Fraction:
        sizes = [abs(book.net_usd(name)) for name in self._limited(book.instruments)]
        return min((size for size in sizes if size), default=Fraction(self.min_usd)) - Fraction(self.min_usd)
