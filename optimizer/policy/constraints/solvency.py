"""Solvency: haircut assets cover marked-up debts (protocol §2).

An asset counts h = 1 − haircut of its value, a debt g = 1 + debt_margin. A signed asset that is short is a debt:
the weight (g − h)p on its minus part turns the coefficient h into g there, or the haircut would shrink the short.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from attest.program import Entry, Kind, Part
from optimizer.documents import PublishedDecimal
from optimizer.errors import PolicyError
from optimizer.market import Instrument
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, dollars
from optimizer.policy.rows import RowWriter


def asset_factor(instrument: Instrument) -> Fraction:
    """h, the share of an asset's value that counts."""
    return 1 - Fraction(instrument.haircut)


def debt_factor(instrument: Instrument) -> Fraction:
    """g, how much of a debt's or short's value counts."""
    return 1 + Fraction(instrument.debt_margin)


def refuse_bare_haircuts(haircut_shorts: Iterable[tuple[str, int]], weights: Mapping[Entry, int]) -> None:
    """Refuse a haircut on an instrument that may be short without a weight on its minus part.

    Args:
        haircut_shorts: instrument and variable row of every signed slot with h ≠ 1.
        weights: of the solvency row.
    Raises: PolicyError: naming the instrument.
    """
    for name, row in haircut_shorts:
        if weights.get(Entry(row, Part.MINUS), 0) <= 0:
            raise PolicyError(
                f"instrument {name}",
                "has a haircut that would shrink its short side, too small to be undone in money units; set it "
                "to 0, make the instrument long-only, or lower rounding_tolerance",
            )


class Solvency(Constraint):
    """Σ h·assets − Σ g·debts − margin ≥ 0, slot by slot, so that a long here never nets a short there.

    Args:
        margin_usd: surplus that must remain.
    """

    tightening: ClassVar[Mapping[str, int]] = {"margin_usd": 1}

    kind: Literal["solvency"] = "solvency"
    margin_usd: Annotated[PublishedDecimal, Field(ge=0)] = Decimal(0)

    def sentence(self) -> str:
        surplus = f" by at least {dollars(self.margin_usd)}" if self.margin_usd else ""
        return f"Assets after haircuts cover debts and shorts with their margins{surplus}."

    def rows(self, writer: RowWriter) -> None:
        """Σ hp·q − Σ gp·q − Σ (g − h)p·s⁻ − margin ≥ 0. (K.7)"""
        factors, prices, bare = {}, {}, []
        for j in writer.slots:
            instrument = writer.instrument(j)
            h, g = asset_factor(instrument), debt_factor(instrument)
            factors[j] = h if instrument.sign > 0 else g
            if instrument.signed:
                prices[Entry(writer.variable_row(j), Part.MINUS)] = (g - h) * writer.lot_value_usd(j)
                if h != 1:
                    bare.append((instrument.id, writer.variable_row(j)))
        margin = -Fraction(self.margin_usd)
        index = writer.share_row("surplus", Kind.NONNEG, factors, constant_usd=margin, prices_usd=prices)
        refuse_bare_haircuts(bare, writer.weights(index))

    def plain_slack_usd(self, book: Book) -> Fraction:
        surplus = -Fraction(self.margin_usd)
        for h in book.holdings:
            factor = asset_factor(h.instrument) if h.value_usd > 0 else debt_factor(h.instrument)
            surplus += factor * h.value_usd
        return surplus
