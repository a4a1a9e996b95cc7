"""Exposures in bands: Greeks, and betas to a factor (docs/policies/exposures.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from attest.program import Kind
from optimizer.documents import PublishedDecimal, Symbol
from optimizer.errors import PolicyError
from optimizer.market import GreekName, Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, dollars, percent
from optimizer.policy.rows import RowWriter


class Band(Constraint, ABC):
    """min·NAV ≤ exposure ≤ max·NAV, and min_usd ≤ exposure ≤ max_usd; at least one of the four.

    Args:
        min, max: as fractions of NAV.
        min_usd, max_usd: in USD.
    """

    listed: ClassVar[bool] = False
    tightening: ClassVar[Mapping[str, int]] = {"min": 1, "max": -1, "min_usd": 1, "max_usd": -1}

    min: PublishedDecimal | None = None
    max: PublishedDecimal | None = None
    min_usd: PublishedDecimal | None = None
    max_usd: PublishedDecimal | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.min, self.max, self.min_usd, self.max_usd) == (None,) * 4:
            raise ValueError("give min, max, min_usd or max_usd")
        for low, high in ((self.min, self.max), (self.min_usd, self.max_usd)):
            if low is not None and high is not None and low > high:
                raise ValueError("the minimum of the band exceeds its maximum")
        return self

    @property
    @abstractmethod
    def subject(self) -> str:
        """What is limited, at the beginning of a sentence."""

    @abstractmethod
    def sensitivity(self, market: Market, instrument_id: str) -> Fraction:
        """Exposure in one USD of the instrument's value. Raises: DataError, PolicyError: it is not published."""

    def sentence(self) -> str:
        words = [f"at least {percent(self.min)} of NAV"] if self.min is not None else []
        words += [f"at most {percent(self.max)} of NAV"] if self.max is not None else []
        words += [f"at least {dollars(self.min_usd)}"] if self.min_usd is not None else []
        words += [f"at most {dollars(self.max_usd)}"] if self.max_usd is not None else []
        return f"{self.subject} is {' and '.join(words)}."

    def rows(self, writer: RowWriter) -> None:
        """max·NAV − Σ e σpq ≥ 0 and Σ e σpq − min·NAV ≥ 0, e the exposure of a dollar; the same with USD. (K.30)"""
        own = {j: self.sensitivity(writer.market, writer.instrument(j).id) for j in writer.slots}
        for label, side, share, constant in self._bounds():
            shares = {j: share - side * exposure for j, exposure in own.items()}
            writer.share_row(label, Kind.NONNEG, shares, constant_usd=constant)

    def _bounds(self) -> list[tuple[str, int, Fraction, Fraction]]:
        """Bounds as "side·exposure ≤ share·NAV + constant": label, side, share, constant in USD."""
        zero = Fraction(0)
        bounds = [] if self.min is None else [("min", -1, -Fraction(self.min), zero)]
        bounds += [] if self.max is None else [("max", 1, Fraction(self.max), zero)]
        bounds += [] if self.min_usd is None else [("min_usd", -1, zero, -Fraction(self.min_usd))]
        return bounds + ([] if self.max_usd is None else [("max_usd", 1, zero, Fraction(self.max_usd))])

    def plain_slack_usd(self, book: Book) -> Fraction:
        exposure = Fraction(0)
        for name in book.instruments:
            exposure += self.sensitivity(book.market, name) * book.net_usd(name)
        return min(share * book.nav_usd + constant - side * exposure for _, side, share, constant in self._bounds())


GREEK_NAMES = {
    "delta": "Dollar delta (USD for a move of 100%)",
    "gamma": "Dollar gamma (USD of delta for a move of 1%)",
    "vega": "Vega (USD for a point of volatility)",
    "theta": "Theta (USD a day)",
}


class Greek(Band):
    """A Greek of the fund, or of its instruments in one asset, in a band. A delta-neutral fund has a narrow one.

    Args:
        greek: "delta", "gamma", "vega" or "theta", in the units of `optimizer.market.Greeks`.
        asset: whose instruments count; None counts all whose asset is no cash.
    """

    listed: ClassVar[bool] = True

    kind: Literal["greek"] = "greek"
    greek: GreekName
    asset: Symbol | None = None

    @property
    def default_name(self) -> str:
        return self.greek if self.asset is None else f"{self.greek}-{self.asset}"

    @property
    def subject(self) -> str:
        return GREEK_NAMES[self.greek] + ("" if self.asset is None else f" in {self.asset}")

    def sensitivity(self, market: Market, instrument_id: str) -> Fraction:
        instrument = market.instrument(instrument_id)
        counted = instrument.asset not in market.cash_assets if self.asset is None else instrument.asset == self.asset
        return instrument.dollar_greek(self.greek) / Fraction(instrument.price_usd) if counted else Fraction(0)

    def rows(self, writer: RowWriter) -> None:
        """As every band; an asset that nothing held is in is refused. (K.30)"""
        if self.asset is not None and all(writer.instrument(j).asset != self.asset for j in writer.slots):
            raise PolicyError(self.default_name, f"nothing that the policy holds is in {self.asset!r}; take it out")
        super().rows(writer)


class FactorExposure(Band):
    """Σ β·value over all positions in a band.

    Args:
        factor: name of the factor among the market's betas.
    """

    listed: ClassVar[bool] = True

    kind: Literal["factor_exposure"] = "factor_exposure"
    factor: Symbol

    @property
    def default_name(self) -> str:
        return f"{self.kind}-{self.factor}"

    @property
    def subject(self) -> str:
        return f"Exposure to {self.factor} (value times published beta)"

    def sensitivity(self, market: Market, instrument_id: str) -> Fraction:
        return market.beta(self.factor, instrument_id)
