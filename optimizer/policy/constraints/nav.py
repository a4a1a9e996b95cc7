"""NAV of at least a floor; stands in every program, or the empty fund would pass it (docs/policies/solvency.md)."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from optimizer.documents import PublishedDecimal
from optimizer.errors import PolicyError
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, dollars
from optimizer.policy.rows import RowWriter


class NavFloor(Constraint):
    """NAV ≥ floor.

    Args:
        floor_usd: at least one money unit.
    """

    listed: ClassVar[bool] = False

    kind: Literal["nav_floor"] = "nav_floor"
    floor_usd: Annotated[PublishedDecimal, Field(gt=0)]

    def sentence(self) -> str:
        return f"Net asset value (assets less debts) is at least {dollars(self.floor_usd)}."

    def rows(self, writer: RowWriter) -> None:
        """Σ σpq − floor ≥ 0. (K.4)"""
        floor = Fraction(self.floor_usd)
        if floor < writer.unit_usd:
            raise PolicyError("nav_floor_usd", "is less than one money unit; raise it, or lower rounding_tolerance")
        writer.size_row("floor", Fraction(1), (), constant_usd=-floor)

    def plain_slack_usd(self, book: Book) -> Fraction:
        return book.nav_usd - Fraction(self.floor_usd)
