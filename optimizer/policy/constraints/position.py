"""Position limits in dollars (docs/policies/sizes.md)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from optimizer.documents import PublishedDecimal, Symbol
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, dollars
from optimizer.policy.positions import Size
from optimizer.policy.rows import RowWriter


class PositionLimit(Constraint):
    """min ≤ p·x ≤ max for the position x of one instrument over all sources; for a debt, x is what is owed.

    Where the policy does not net across sources, a maximum ≥ 0 bounds the sum of the long slots and a minimum
    ≤ 0 the sum of the short ones; any other bound stands on the net position.

    Args:
        instrument: the instrument.
        min_usd, max_usd: at least one of them; negative for shorts.
    """

    tightening: ClassVar[Mapping[str, int]] = {"min_usd": 1, "max_usd": -1}

    kind: Literal["position_limit"] = "position_limit"
    instrument: Symbol
    min_usd: PublishedDecimal | None = None
    max_usd: PublishedDecimal | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_usd is None and self.max_usd is None:
            raise ValueError("give min_usd, max_usd or both")
        if self.min_usd is not None and self.max_usd is not None and self.min_usd > self.max_usd:
            raise ValueError("min_usd exceeds max_usd")
        return self

    @property
    def default_name(self) -> str:
        return f"{self.kind}-{self.instrument}"

    @property
    def instruments_named(self) -> tuple[str, ...]:
        return (self.instrument,)

    def sentence(self) -> str:
        bounds = [f"at least {dollars(self.min_usd)}"] if self.min_usd is not None else []
        bounds += [f"at most {dollars(self.max_usd)}"] if self.max_usd is not None else []
        return f"The position in {self.instrument}, over all sources, is {' and '.join(bounds)}."

    def rows(self, writer: RowWriter) -> None:
        """p·x − min ≥ 0 and max − p·x ≥ 0. (K.11)"""
        for label, side, bound in self._bounds():
            size: Size = (
                writer.positions.side(self.instrument, side)
                if bound >= 0
                else writer.positions.net(self.instrument, side)
            )
            writer.size_row(label, Fraction(0), [size], constant_usd=bound)

    def _bounds(self) -> list[tuple[str, int, Fraction]]:
        """Bounds as "size of a side ≤ bound": label, side, bound in USD."""
        bounds = [] if self.min_usd is None else [("min", -1, -Fraction(self.min_usd))]
        return bounds + ([] if self.max_usd is None else [("max", 1, Fraction(self.max_usd))])

    def plain_slack_usd(self, book: Book) -> Fraction:
        slacks = []
        net = book.long_usd(self.instrument) - book.short_usd(self.instrument)
        if self.max_usd is not None:
            slacks.append(Fraction(self.max_usd) - (book.long_usd(self.instrument) if self.max_usd >= 0 else net))
        if self.min_usd is not None:
            slacks.append((-book.short_usd(self.instrument) if self.min_usd <= 0 else net) - Fraction(self.min_usd))
        return min(slacks)
