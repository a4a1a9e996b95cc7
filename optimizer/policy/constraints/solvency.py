"""Solvency: haircut assets cover marked-up debts (docs/policies/solvency.md).

An asset counts h = 1 − haircut of its value, a debt g = 1 + debt_margin. A signed asset that is short is a debt:
the weight (g − h)p on its minus part turns the coefficient h into g there, or the haircut would shrink the short.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from attest.program import Entry, Kind, Part
from optimizer.documents import Document, PublishedDecimal, Symbol
from optimizer.errors import PolicyError
from optimizer.market import Instrument, Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, dollars, percent
from optimizer.policy.constraints.concentration import Tag, tag_of
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


class CollateralCap(Document):
    """How much of what is owned on one chain, at one protocol, or in one issuer's or one asset's instruments counts.

    Args:
        by, group: which instruments.
        max_usd: of their value after haircuts; or
        max_share: of NAV.
    """

    by: Tag
    group: Symbol
    max_usd: Annotated[PublishedDecimal, Field(ge=0)] | None = None
    max_share: Annotated[PublishedDecimal, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_cap(self) -> Self:
        if (self.max_usd is None) == (self.max_share is None):
            raise ValueError("give either max_usd or max_share")
        return self

    def members(self, market: Market, instruments: Sequence[str]) -> tuple[str, ...]:
        """Owned instruments in the group.

        Raises: PolicyError: there is none, or one that may be short: its short side would make room under the cap.
        """
        found = [n for n in instruments if tag_of(market, n, self.by) == self.group and market.instrument(n).sign > 0]
        if not found:
            raise PolicyError("caps", f"nothing that the policy owns has the {self.by} {self.group!r} in the market")
        for name in found:
            if market.instrument(name).signed:
                detail = f"{name!r} may be short, which would make room under the cap of {self.by} {self.group!r}"
                raise PolicyError("caps", detail)
        return tuple(found)

    def sentence(self) -> str:
        cap = f"{percent(self.max_share)} of NAV" if self.max_share is not None else ""
        cap = dollars(self.max_usd) if self.max_usd is not None else cap
        return f"what is owned in {self.by} {self.group} counts for at most {cap}"


class Solvency(Constraint):
    """Σ h·assets − Σ g·debts − margin ≥ 0, slot by slot, so that a long here never nets a short there.

    Args:
        margin_usd: surplus that must remain.
        margin: surplus over debts and shorts as a fraction of them, beside the market's debt margins.
        haircuts: instrument → haircut in place of the market's, and at least that.
        caps: what counts at most of a chain, protocol, issuer or asset.
    """

    tightening: ClassVar[Mapping[str, int]] = {"margin_usd": 1, "margin": 1}

    kind: Literal["solvency"] = "solvency"
    margin_usd: Annotated[PublishedDecimal, Field(ge=0)] = Decimal(0)
    margin: Annotated[PublishedDecimal, Field(ge=0)] = Decimal(0)
    haircuts: dict[Symbol, Annotated[PublishedDecimal, Field(ge=0, le=1)]] = Field(default_factory=dict)
    caps: tuple[CollateralCap, ...] = ()

    @property
    def instruments_named(self) -> tuple[str, ...]:
        return tuple(self.haircuts)

    def sentence(self) -> str:
        surplus = f", and at least {dollars(self.margin_usd)} remain" if self.margin_usd else ""
        over = f" and {percent(self.margin)} more" if self.margin else ""
        own = [f"{name} {percent(haircut)}" for name, haircut in self.haircuts.items()]
        haircuts = f" ({', '.join(own)})" if own else ""
        caps = "".join(f"; {cap.sentence()}" for cap in self.caps)
        return f"Assets after haircuts{haircuts} cover debts and shorts with their margins{over}{surplus}{caps}."

    def factors(self, instrument: Instrument) -> tuple[Fraction, Fraction]:
        """h and g of an instrument under this policy.

        Raises: PolicyError: a haircut below the market's, or on a debt.
        """
        h = asset_factor(instrument)
        own = self.haircuts.get(instrument.id)
        if own is not None:
            if instrument.sign < 0:
                raise PolicyError("haircuts", f"{instrument.id!r} is a debt; debts take margins")
            if own < instrument.haircut:
                detail = f"the haircut of {instrument.id!r} is lower than the market's {instrument.haircut:f}; raise it"
                raise PolicyError("haircuts", detail)
            h = 1 - Fraction(own)
        return h, debt_factor(instrument) + Fraction(self.margin)

    def rows(self, writer: RowWriter) -> None:
        """Σ hp·q − Σ gp·q − Σ (g − h)p·s⁻ − Σ max(V − cap, 0) − margin ≥ 0, (K.7)

        V = Σ hp·q of the instruments under a cap. (K.27)
        """
        factors, prices, bare = {}, {}, []
        for j in writer.slots:
            instrument = writer.instrument(j)
            h, g = self.factors(instrument)
            factors[j] = h if instrument.sign > 0 else g
            if instrument.signed:
                prices[Entry(writer.variable_row(j), Part.MINUS)] = (g - h) * writer.lot_value_usd(j)
                if h != 1:
                    bare.append((instrument.id, writer.variable_row(j)))
        excess = {}
        for number, cap in enumerate(self.caps, 1):
            names = cap.members(writer.market, writer.instruments)
            share = Fraction(cap.max_share or 0)
            own = {j: factors[j] * (writer.instrument(j).id in names) - share for j in writer.slots}
            most = -Fraction(cap.max_usd or 0)
            row = writer.share_row(f"above cap {number}, {cap.by} {cap.group}", Kind.FREE, own, constant_usd=most)
            excess[Entry(row, Part.PLUS)] = 1
        margin = -Fraction(self.margin_usd)
        index = writer.share_row(
            "surplus", Kind.NONNEG, factors, constant_usd=margin, prices_usd=prices, weights=excess
        )
        refuse_bare_haircuts(bare, writer.weights(index))

    def plain_slack_usd(self, book: Book) -> Fraction:
        surplus = -Fraction(self.margin_usd)
        for held in book.holdings:
            h, g = self.factors(held.instrument)
            surplus += (h if held.value_usd > 0 else g) * held.value_usd
        for cap in self.caps:
            names = cap.members(book.market, book.instruments)
            counted = sum(
                (self.factors(h.instrument)[0] * h.value_usd for h in book.holdings if h.instrument.id in names),
                Fraction(0),
            )
            most = Fraction(cap.max_usd or 0) + Fraction(cap.max_share or 0) * book.nav_usd
            surplus -= max(counted - most, Fraction(0))
        return surplus
