"""Liquidity: what can be sold in time, and whether it covers redemptions (docs/policies/liquidity.md).

An asset sells at most days · participation · daily volume, however many custodians hold it. What is short has to be
bought back and counts against, an option that is written too, or its premium would count as cash that nothing is owed
for. Dollars sell in full.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

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
DOLLARS = ("spot", "stablecoin")
"""Kinds that are dollars where their asset is."""
TIGHTENING = {"days": -1, "participation": -1, "include_supplied": -1}
"""What is tighter in selling: each of them less."""


class Sold(NamedTuple):
    """What can be sold, as terms of a row.

    Args:
        shares: slot → share of its signed value.
        weights: plus parts of what is above an asset's volume.
        prices_usd: minus parts of what is owed and does not trade, in USD per lot.
    """

    shares: dict[int, Fraction]
    weights: dict[Entry, int]
    prices_usd: dict[Entry, Fraction]


class Liquid(Constraint, ABC):
    """Σ_a min(V_a, days·participation·volume_a) over assets a, less what is short and does not trade.

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
        when = "a day" if self.days == 1 else f"{self.days} days"
        return f"within {when} at {percent(self.participation)} of daily volumes{lent}"

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
        instrument = market.instrument(instrument_id)
        kinds = DOLLARS if instrument.asset == DOLLAR else SOLD
        return instrument.kind in kinds or (self.include_supplied and instrument.kind == "supply")

    def sold(self, writer: RowWriter) -> Sold:
        """Σ_a V_a − Σ_a max(V_a − capacity_a, 0) − Σ p·s⁻ of what does not sell and may be short. (K.33)"""
        shares = {j: Fraction(self.sells(writer.market, writer.instrument(j).id)) for j in writer.slots}
        weights = {}
        for asset, capacity in self.capacities_usd(writer.market, writer.instruments).items():
            if capacity is not None:
                held = {j: share for j, share in shares.items() if writer.instrument(j).asset == asset}
                row = writer.share_row(f"{asset} above volume", Kind.FREE, held, constant_usd=-capacity)
                weights[Entry(row, Part.PLUS)] = 1
        written = [j for j, share in shares.items() if not share and writer.instrument(j).signed]
        prices = {Entry(writer.variable_row(j), Part.MINUS): writer.lot_value_usd(j) for j in written}
        return Sold(shares, weights, prices)

    def plain_sold_usd(self, book: Book) -> Fraction:
        """The same on a book."""
        total = Fraction(0)
        values = dict.fromkeys(self.capacities_usd(book.market, book.instruments), Fraction(0))
        for held in book.holdings:
            if self.sells(book.market, held.instrument.id):
                values[held.instrument.asset] += held.value_usd
            elif held.instrument.sign > 0:
                total += min(held.value_usd, Fraction(0))
        for asset, capacity in self.capacities_usd(book.market, book.instruments).items():
            total += values[asset] if capacity is None else min(values[asset], capacity)
        return total


class Liquidity(Liquid):
    """What can be sold in time, less shorts, ≥ limit·NAV.

    Args:
        limit: as a fraction of NAV.
    """

    listed: ClassVar[bool] = True
    tightening: ClassVar[Mapping[str, int]] = {"limit": 1} | TIGHTENING

    kind: Literal["liquidity"] = "liquidity"
    limit: LimitFraction

    def sentence(self) -> str:
        return f"What can be sold {self.selling()}, less what is short, is at least {percent(self.limit)} of NAV."

    def rows(self, writer: RowWriter) -> None:
        """sold − limit·NAV ≥ 0. (K.34)"""
        sold = self.sold(writer)
        least = {j: share - Fraction(self.limit) for j, share in sold.shares.items()}
        writer.share_row("limit", Kind.NONNEG, least, weights=sold.weights, prices_usd=sold.prices_usd)

    def plain_slack_usd(self, book: Book) -> Fraction:
        return self.plain_sold_usd(book) - Fraction(self.limit) * book.nav_usd


class RedemptionCoverage(Liquid):
    """What can be sold in time, less shorts and debts, ≥ redemptions.

    Args:
        redemptions: as a fraction of NAV; or
        redemptions_usd: in USD, as announced.
    """

    listed: ClassVar[bool] = True
    tightening: ClassVar[Mapping[str, int]] = {"redemptions": 1, "redemptions_usd": 1} | TIGHTENING

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
        amount = dollars(self.redemptions_usd) if self.redemptions_usd is not None else ""
        amount = f"{percent(self.redemptions)} of NAV" if self.redemptions is not None else amount
        return f"What can be sold {self.selling()}, less all debts and shorts, covers redemptions of {amount}."

    def rows(self, writer: RowWriter) -> None:
        """sold − Σ debts − redemptions ≥ 0. (K.35)"""
        share, usd = self._amount
        sold = self.sold(writer)
        owed = {j: own + (writer.instrument(j).sign < 0) for j, own in sold.shares.items()}
        left = {j: own - share for j, own in owed.items()}
        weights, prices = sold.weights, sold.prices_usd
        writer.share_row("limit", Kind.NONNEG, left, constant_usd=-usd, weights=weights, prices_usd=prices)

    def plain_slack_usd(self, book: Book) -> Fraction:
        share, usd = self._amount
        debts = sum((h.value_usd for h in book.holdings if h.instrument.sign < 0), Fraction(0))
        return self.plain_sold_usd(book) + debts - share * book.nav_usd - usd
