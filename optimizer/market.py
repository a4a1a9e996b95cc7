"""The market: public prices, terms and scenarios of the instruments a fund may hold (docs/market.md).

A `Market` is the public market file itself: what the fund optimises against, what the statement key is
computed from, and what publishers vouch for. All numbers are published decimals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from attest.program import canonical_hash, canonical_json
from optimizer.documents import Document, PublishedDecimal, Symbol, read_document
from optimizer.errors import DataError
from optimizer.instruments import AssetTerms, InstrumentSpec

RETURN_DECIMALS = 9
"""Returns are published to a billionth."""
RETURN_SCALE = 10**RETURN_DECIMALS


GreekName = Literal["delta", "gamma", "vega", "theta"]


class Greeks(Document):
    """Sensitivities of one unit of an instrument whose value is no multiple of its asset's price, before σ.

    None where one is not published; a policy that limits it is refused then.

    Args:
        delta_usd: USD for a move of the asset by 100 % at the present slope.
        gamma_usd: USD by which delta_usd changes when the asset moves by 1 %.
        vega_usd: USD for one point (0.01) of volatility.
        theta_usd: USD a day.
    """

    delta_usd: PublishedDecimal | None = None
    gamma_usd: PublishedDecimal | None = None
    vega_usd: PublishedDecimal | None = None
    theta_usd: PublishedDecimal | None = None


class Instrument(InstrumentSpec):
    """An instrument with its price.

    Args:
        price_usd: USD per unit of quantity, > 0, of debts too.
        greeks: of an option or a pool share, and of nothing else.
        and those of `InstrumentSpec`.
    """

    price_usd: Annotated[PublishedDecimal, Field(gt=0)]
    greeks: Greeks | None = None

    @model_validator(mode="after")
    def _greeks_fit_the_kind(self) -> Self:
        if self.position.linear and self.greeks is not None:
            raise ValueError(f"{self.id!r} is {self.kind}: its delta is its price, and it takes no greeks")
        if not self.position.linear and self.greeks is None:
            raise ValueError(f"{self.id!r} is {self.kind}: publish its greeks")
        return self

    def dollar_greek(self, name: GreekName) -> Fraction:
        """A sensitivity in USD per unit of quantity, before σ: see `Greeks`.

        Raises: DataError: it is not published.
        """
        if self.greeks is None:
            return Fraction(self.price_usd) if name == "delta" else Fraction(0)
        published: Decimal | None = getattr(self.greeks, f"{name}_usd")
        if published is None:
            raise DataError(f"the market publishes no {name} of {self.id!r}; add {name}_usd to its greeks")
        return Fraction(published)


class RiskModel(Document):
    """Cov_ij = Σ_k l_ik l_jk + [i = j] specific_i² of one-day returns: what is attested is this published matrix.

    Args:
        factors: (K,) names.
        loadings: instrument id → (K,) return for a move of each factor by one standard deviation.
        specific: instrument id → standard deviation of its own, ≥ 0; none for those left out.
    """

    factors: Annotated[tuple[Symbol, ...], Field(min_length=1)]
    loadings: dict[Symbol, tuple[PublishedDecimal, ...]]
    specific: dict[Symbol, Annotated[PublishedDecimal, Field(ge=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, series in self.loadings.items():
            if len(series) != len(self.factors):
                raise ValueError(f"{name!r} has {len(series)} loadings for {len(self.factors)} factors")
        return self


class Scenarios(Document):
    """One-day outcomes, each equally likely.

    Args:
        dates: (S,) ascending, the day on which each outcome was seen.
        returns: instrument id → (S,) simple one-day returns of its unit price with accrual, ≥ −1, at most
            nine decimals.
    """

    dates: Annotated[tuple[dt.date, ...], Field(min_length=1)]
    returns: dict[Symbol, tuple[Annotated[PublishedDecimal, Field(ge=-1)], ...]]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for earlier, later in pairwise(self.dates):
            if later <= earlier:
                raise ValueError(f"the scenario dates must ascend, but {later} follows {earlier}")
        for name, series in self.returns.items():
            if len(series) != len(self.dates):
                raise ValueError(f"{name!r} has {len(series)} returns for {len(self.dates)} scenario dates")
            for date, value in zip(self.dates, series, strict=True):
                exponent = value.as_tuple().exponent
                if isinstance(exponent, int) and exponent < -RETURN_DECIMALS:
                    raise ValueError(f"the return of {name!r} on {date} has more than {RETURN_DECIMALS} decimals")
        return self


class Market(Document):
    """Instruments and scenarios as of a date.

    Args:
        version: of this file format.
        as_of: the day of the prices; no scenario is later.
        source: where the data come from, in words.
        instruments: (n,) with distinct ids.
        scenarios: with exactly the returns of these instruments.
        assets: asset → what is published of it.
        betas: factor → instrument id → move of the instrument's unit price for one of the factor.
        risk_model: covariance of all instruments, None where it is not published.
    """

    version: Literal["1"] = "1"
    as_of: dt.date
    source: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    instruments: Annotated[tuple[Instrument, ...], Field(min_length=1)]
    scenarios: Scenarios
    assets: dict[Symbol, AssetTerms] = Field(default_factory=dict)
    betas: dict[Symbol, dict[Symbol, PublishedDecimal]] = Field(default_factory=dict)
    risk_model: RiskModel | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.ids)) < len(self.ids):
            repeated = next(name for name in self.ids if self.ids.count(name) > 1)
            raise ValueError(f"two instruments have the id {repeated!r}; rename one of them")
        missing = set(self.ids) - set(self.scenarios.returns)
        unknown = set(self.scenarios.returns) - set(self.ids)
        if missing:
            raise ValueError(f"instrument {min(missing)!r} has no returns in the scenarios")
        if unknown:
            raise ValueError(f"the scenarios have returns of {min(unknown)!r}, which is no instrument")
        if self.scenarios.dates[-1] > self.as_of:
            raise ValueError(f"the scenario of {self.scenarios.dates[-1]} is later than the market of {self.as_of}")
        strangers = set(self.assets) - {instrument.asset for instrument in self.instruments}
        if strangers:
            raise ValueError(f"there are terms of the asset {min(strangers)!r}, which no instrument is in")
        for factor, betas in self.betas.items():
            if betas.keys() - set(self.ids):
                raise ValueError(
                    f"factor {factor!r} has a beta of {min(betas.keys() - set(self.ids))!r}, no instrument"
                )
        if self.risk_model is not None:
            if set(self.risk_model.loadings) != set(self.ids):
                odd = set(self.risk_model.loadings) ^ set(self.ids)
                raise ValueError(f"the risk model has loadings of exactly the instruments; {min(odd)!r} differs")
            if set(self.risk_model.specific) - set(self.ids):
                raise ValueError("the risk model has a specific volatility of something that is no instrument")
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """(n,) identifiers in order."""
        return tuple(instrument.id for instrument in self.instruments)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.ids)}

    def index(self, instrument_id: str) -> int:
        """Position of an instrument in the order of the market. Raises: DataError: there is none of that id."""
        try:
            return self._index[instrument_id]
        except KeyError:
            raise DataError(f"the market of {self.as_of} has no instrument {instrument_id!r}") from None

    def instrument(self, instrument_id: str) -> Instrument:
        """Raises: DataError: there is none of that id."""
        return self.instruments[self.index(instrument_id)]

    @property
    def scenario_count(self) -> int:
        """S."""
        return len(self.scenarios.dates)

    @property
    def hash(self) -> bytes:
        """The market hash that stands in every statement key: keccak256 of the canonical JSON, 32 bytes."""
        return canonical_hash(self.model_dump(mode="json"))

    def asset_terms(self, asset: str) -> AssetTerms:
        """What is published of an asset; nothing where it has no terms."""
        return self.assets.get(asset, AssetTerms())

    def beta(self, factor: str, instrument_id: str) -> Fraction:
        """Raises: DataError: it is not published."""
        try:
            return Fraction(self.betas[factor][instrument_id])
        except KeyError:
            raise DataError(
                f"the market publishes no beta of {instrument_id!r} to {factor!r}; add it to betas"
            ) from None

    @property
    def cash_assets(self) -> frozenset[str]:
        """Assets that count as cash: the dollar, and whatever a stablecoin of the market is in."""
        return frozenset({"USD"} | {i.asset for i in self.instruments if i.kind == "stablecoin"})

    def signs(self) -> NDArray[np.float64]:
        """(n,) of +1 and −1."""
        return np.array([instrument.sign for instrument in self.instruments], dtype=np.float64)

    def prices(self) -> NDArray[np.float64]:
        """(n,) USD per unit of quantity, positive for debts too."""
        return np.array([float(instrument.price_usd) for instrument in self.instruments])

    def returns(self) -> NDArray[np.float64]:
        """(S, n) simple one-day returns, columns in the order of the instruments."""
        return np.array([[float(r) for r in self.scenarios.returns[name]] for name in self.ids]).T

    def horizon_returns(self, instrument_id: str, days: int) -> tuple[int, ...]:
        """(S − days + 1,) returns over overlapping windows of consecutive days, over RETURN_SCALE.

        Each is the product of the window's exact (1 + r), less 1, rounded once, half up.

        Raises: DataError: an unknown instrument, a window longer than the scenarios, or, for more than a day,
            scenario dates that are not consecutive.
        """
        cached = self._horizon_returns.get((instrument_id, days))
        if cached is None:
            cached = self._horizon_returns[instrument_id, days] = self._compounded(instrument_id, days)
        return cached

    @cached_property
    def _horizon_returns(self) -> dict[tuple[str, int], tuple[int, ...]]:
        return {}

    def _compounded(self, instrument_id: str, days: int) -> tuple[int, ...]:
        self.index(instrument_id)
        daily = [int(r.scaleb(RETURN_DECIMALS)) for r in self.scenarios.returns[instrument_id]]
        if days == 1:
            return tuple(daily)
        if days > len(daily):
            raise DataError(f"a horizon of {days} days needs as many scenarios; the market has {len(daily)}")
        first, last = self.scenarios.dates[0], self.scenarios.dates[-1]
        if (last - first).days != len(daily) - 1:
            raise DataError(f"a horizon of {days} days needs scenarios of consecutive days")
        growth = [RETURN_SCALE + r for r in daily]
        scale = RETURN_SCALE ** (days - 1)
        products = [prod(growth[s : s + days]) for s in range(len(growth) - days + 1)]
        return tuple((2 * product + scale) // (2 * scale) - RETURN_SCALE for product in products)

    def unit_pnl_usd(self, instrument_id: str) -> tuple[Fraction, ...]:
        """(S,) exact profit in USD of one unit of quantity, σ·price·return: negative when a debt grows."""
        instrument = self.instrument(instrument_id)
        value = instrument.sign * Fraction(instrument.price_usd)
        return tuple(value * Fraction(r) for r in self.scenarios.returns[instrument_id])

    def nav_usd(self, quantities: Mapping[str, Decimal]) -> Fraction:
        """Exact Σ σ·price·quantity in USD.

        Args:
            quantities: instrument id → units of quantity; instruments left out are 0.
        Raises: DataError: an unknown instrument.
        """
        held = [(self.instrument(name), quantity) for name, quantity in quantities.items()]
        return sum((i.sign * Fraction(i.price_usd) * Fraction(quantity) for i, quantity in held), Fraction(0))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Raises: DataError: the file cannot be read or is no market; names the field."""
        return read_document(cls, path)

    def save(self, path: str | Path) -> None:
        """Write the canonical JSON and a line end. Raises: DataError: the file cannot be written."""
        try:
            Path(path).write_bytes(canonical_json(self.model_dump(mode="json")) + b"\n")
        except OSError as error:
            raise DataError(f"cannot be written: {error.strerror or error}", file=path) from error
