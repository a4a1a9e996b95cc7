"""Liquidity: what can be sold in time, and whether it covers redemptions (protocol §2).

An asset sells at most days · participation · daily volume, however many custodians hold it. What is short has to be
bought back and counts against; dollars sell in full.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from attest.program import Entry, Kind, Part
from optimizer.documents import PublishedDecimal, PublishedInteger
from optimizer.errors import PolicyError
from optimizer.market import Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, LimitFraction, dollars, percent
from optimizer.policy.rows import RowWriter

SOLD = ("spot", "stablecoin", "staking")
"""Kinds that trade in their asset's market; what is lent, optional or pooled has to be unwound first."""
DOLLAR = "USD"


class Liquid(Constraint, ABC):
    """Σ_a min(V_a, days·participation·volume_a) over assets a.

    Args:
        days: to sell in.
        participation: share of an asset's daily volume that the fund may be.
        include_supplied: whether what is lent out counts, as if it could be withdrawn at once.
    """

    listed: ClassVar[bool] = False

    days: Annotated[PublishedInteger, Field(ge=1, le=3650)]
    participation: Annotated[PublishedDecimal, Field(gt=0, le=1)]
    include_supplied: bool = False

    def selling(self) -> str:
        """Under which conditions, in words."""
        lent = ", lent assets included" if self.include_supplied else ""
        return f"within {self.days} days at {percent(self.participation)} of daily volumes{lent}"

    def capacities_usd(self, market: Market, instruments: tuple[str, ...]) -> dict[str, Fraction | None]:
        """Asset → what sells of it in time, None without bound.

        Raises: PolicyError: a volume that is not published.
        """
        capacities: dict[str, Fraction | None] = {}
        for name in instruments:
            asset = market.instrument(name).asset
            if not self.sells(market, name) or asset in capacities:
                continue
            volume = market.asset_terms(asset).daily_volume_usd
            if asset == DOLLAR:
                capacities[asset] = None
            elif volume is None:
                detail = (
                    f'the market publishes no daily_volume_usd of {asset!r}; publish it, "0" where it does not trade'
                )
                raise PolicyError(self.default_name, detail)
            else:
                capacities[asset] = self.days * Fraction(self.participation) * Fraction(volume)
        return capacities

    def sells(self, market: Market, instrument_id: str) -> bool:
        """Whether an instrument counts."""
        kind = market.instrument(instrument_id).kind
        return kind in SOLD or (self.include_supplied and kind == "supply")

    def sold(self, writer: RowWriter) -> tuple[dict[int, Fraction], dict[Entry, int]]:
        """Shares and weights of Σ_a V_a − Σ_a max(V_a − capacity_a, 0). (K.33)"""
        shares = {j: Fraction(self.sells(writer.market, writer.instrument(j).id)) for j in writer.slots}
        weights = {}
        for asset, capacity in self.capacities_usd(writer.market, writer.instruments).items():
            if capacity is not None:
                held = {j: share for j, share in shares.items() if writer.instrument(j).asset == asset}
                row = writer.share_row(f"{asset} above volume", Kind.FREE, held, constant_usd=-capacity)
                weights[Entry(row, Part.PLUS)] = 1
        return shares, weights

    def plain_sold_usd(self, book: Book) -> Fraction:
        """The same on a book."""
        total = Fraction(0)
        for asset, capacity in self.capacities_usd(book.market, book.instruments).items():
            held = [
                n for n in book.instruments if book.market.instrument(n).asset == asset and self.sells(book.market, n)
            ]
            value = sum((book.net_usd(name) for name in held), Fraction(0))
            total += value if capacity is None else min(value, capacity)
        return total


class Liquidity(Liquid):
    """What can be sold in time ≥ limit·NAV.

    Args:
        limit: as a fraction of NAV.
    """

    listed: ClassVar[bool] = True
    tightening: ClassVar[Mapping[str, int]] = {"limit": 1, "days": -1, "participation": -1}

    kind: Literal["liquidity"] = "liquidity"
    limit: LimitFraction

    def sentence(self) -> str:
        return f"At least {percent(self.limit)} of NAV can be sold {self.selling()}."

    def rows(self, writer: RowWriter) -> None:
        """Σ_a V_a − Σ_a max(V_a − capacity_a, 0) − limit·NAV ≥ 0. (K.34)"""
        shares, weights = self.sold(writer)
        least = {j: share - Fraction(self.limit) for j, share in shares.items()}
        writer.share_row("limit", Kind.NONNEG, least, weights=weights)

    def plain_slack_usd(self, book: Book) -> Fraction:
        return self.plain_sold_usd(book) - Fraction(self.limit) * book.nav_usd


class RedemptionCoverage(Liquid):
    """What can be sold in time, less all debts, ≥ redemptions.

    Args:
        redemptions: as a fraction of NAV; or
        redemptions_usd: in USD, as announced.
    """

    listed: ClassVar[bool] = True
    tightening: ClassVar[Mapping[str, int]] = {
        "redemptions": 1,
        "redemptions_usd": 1,
        "days": -1,
        "participation": -1,
    }

    kind: Literal["redemption_coverage"] = "redemption_coverage"
    redemptions: Annotated[PublishedDecimal, Field(gt=0)] | None = None
    redemptions_usd: Annotated[PublishedDecimal, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.redemptions is None) == (self.redemptions_usd is None):
            raise ValueError("give either redemptions or redemptions_usd")
        return self

    @property
    def _amount(self) -> tuple[Fraction, Fraction]:
        """Fraction of NAV, and USD."""
        return Fraction(self.redemptions or 0), Fraction(self.redemptions_usd or 0)

    def sentence(self) -> str:
        amount = (
            f"{percent(self.redemptions)} of NAV"
            if self.redemptions is not None
            else dollars(self.redemptions_usd)
            if self.redemptions_usd is not None
            else ""
        )
        return f"What can be sold {self.selling()}, less all debts, covers redemptions of {amount}."

    def rows(self, writer: RowWriter) -> None:
        """Σ_a V_a − Σ_a max(V_a − capacity_a, 0) − Σ debts − redemptions ≥ 0. (K.35)"""
        share, usd = self._amount
        shares, weights = self.sold(writer)
        left = {j: (Fraction(1) if writer.instrument(j).sign < 0 else own) - share for j, own in shares.items()}
        writer.share_row("limit", Kind.NONNEG, left, constant_usd=-usd, weights=weights)

    def plain_slack_usd(self, book: Book) -> Fraction:
        share, usd = self._amount
        debts = sum((h.value_usd for h in book.holdings if h.instrument.sign < 0), Fraction(0))
        return self.plain_sold_usd(book) + debts - share * book.nav_usd - usd
