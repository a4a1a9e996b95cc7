"""Instrument specifications: the terms of an instrument before a market gives it a price."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from optimizer.documents import Document, PublishedDecimal, Symbol, read_document
from optimizer.instruments.kinds import KINDS, InstrumentKind, Position


class InstrumentSpec(Document):
    """The terms of something that a fund holds or owes in quantities.

    Args:
        id: unique in a market.
        asset: symbol of what it is a position in; "USD" is worth 1 by definition.
        kind: one of `KINDS`.
        chain, protocol: where the position stands, None for neither.
        account: the lending account that a supply or a borrow belongs to.
        liquidation_threshold: share of a supply's value that counts toward its account's debts, in (0, 1].
        haircut: share of an asset's value that solvency leaves out, in [0, 1]: h = 1 − haircut.
        debt_margin: share of a debt's (or short's) value that solvency adds, ≥ 0: g = 1 + debt_margin.
        lot: quantity of one unit of a slot, > 0; None lets the compiler choose.
        signed: whether the quantity may be negative, a short position.
        yield_annual: what the position earns a year, or what a debt costs, as a fraction.
    """

    id: Symbol
    asset: Symbol
    kind: InstrumentKind
    chain: Symbol | None = None
    protocol: Symbol | None = None
    account: Symbol | None = None
    liquidation_threshold: Annotated[PublishedDecimal, Field(gt=0, le=1)] | None = None
    haircut: Annotated[PublishedDecimal, Field(ge=0, le=1)] = Decimal(0)
    debt_margin: Annotated[PublishedDecimal, Field(ge=0)] = Decimal(0)
    lot: Annotated[PublishedDecimal, Field(gt=0)] | None = None
    signed: bool = False
    yield_annual: Annotated[PublishedDecimal, Field(gt=-1)] = Decimal(0)

    @model_validator(mode="after")
    def _terms_fit_the_kind(self) -> Self:
        if self.signed and not self.position.may_be_short:
            raise ValueError(f"{self.id!r} cannot be signed: nobody can hold a negative {self.kind} position")
        if self.sign < 0 and self.haircut != 0:
            raise ValueError(f"{self.id!r} is a debt: it takes a debt_margin, not a haircut")
        if self.account is not None and not self.position.lent:
            raise ValueError(f"{self.id!r} is {self.kind}, which stands in no lending account")
        if self.liquidation_threshold is not None and self.kind != "supply":
            raise ValueError(f"{self.id!r} is no supply: only lent collateral has a liquidation_threshold")
        return self

    @property
    def position(self) -> Position:
        """The meaning of its kind."""
        return KINDS[self.kind]

    @property
    def sign(self) -> int:
        """σ: +1 where a quantity is owned, −1 where it is owed."""
        return self.position.sign


class AssetTerms(Document):
    """What is published of an asset, whatever instruments are in it.

    Args:
        issuer: who stands behind it, None for nobody.
        daily_volume_usd: traded a day, None where it is not published.
    """

    issuer: Symbol | None = None
    daily_volume_usd: Annotated[PublishedDecimal, Field(ge=0)] | None = None


class InstrumentList(Document):
    """An instruments file: which instruments a market built from a price history has.

    Args:
        version: of this file format.
        every_asset_as_spot: whether every asset of the history is also a spot instrument under its own name,
            without haircut, unless one of that id is listed.
        instruments: with distinct ids.
        assets: asset → what is published of it; those that no instrument is in are left out.
    """

    version: Literal["1"] = "1"
    every_asset_as_spot: bool = True
    instruments: tuple[InstrumentSpec, ...] = ()
    assets: dict[Symbol, AssetTerms] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        ids = [spec.id for spec in self.instruments]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"two instruments have the id {name!r}; rename one of them")
        return self

    def expand(self, assets: tuple[str, ...]) -> tuple[InstrumentSpec, ...]:
        """All instruments for a history of these assets: spot ones in the order of the assets, then the others."""
        listed = {spec.id: spec for spec in self.instruments}
        spot = {asset: InstrumentSpec(id=asset, asset=asset, kind="spot") for asset in assets}
        if not self.every_asset_as_spot:
            spot = {}
        return tuple((spot | listed).values())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Raises: DataError: the file cannot be read or is no instruments file; names the field."""
        return read_document(cls, path)
