"""Price histories: daily closes of assets in USD, and the complete windows that scenarios are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from optimizer.errors import DataError

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """Closes of consecutive days without a hole.

    Args:
        dates: (T,) consecutive days.
        prices_usd: asset → (T,) closes, > 0.
    """

    dates: tuple[dt.date, ...]
    prices_usd: Mapping[str, tuple[Decimal, ...]]


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Daily closes as they were read; a day or a price may be missing, as before an asset was listed.

    Args:
        dates: (T,) ascending, without repetition.
        prices_usd: asset → (T,) closes, > 0, None where there is none.
        columns: asset → the column it was read from, for error messages; an asset left out is its own column.
        file: where it was read, None for data that never was in a file.
        may_be_zero: whether 0 is a figure, as it is for volumes, of which this may be a history too.
    Raises: DataError: no dates, dates that do not ascend, no asset, or a price that is not positive.
    """

    dates: tuple[dt.date, ...]
    prices_usd: Mapping[str, tuple[Decimal | None, ...]]
    columns: Mapping[str, str]
    file: str | Path | None = None
    may_be_zero: bool = False

    def __post_init__(self) -> None:
        if not self.dates:
            raise DataError("has no prices at all; it needs a header line and one line a day", file=self.file)
        if not self.prices_usd:
            raise DataError("has no column of prices; name one ASSET or ASSET_close_usd", file=self.file)
        for earlier, later in pairwise(self.dates):
            if later == earlier:
                raise DataError("the date stands twice; keep one line a day", file=self.file, date=later)
            if later < earlier:
                raise DataError(f"comes after {earlier}; sort the lines by date", file=self.file, date=later)
        for asset, series in self.prices_usd.items():
            if len(series) != len(self.dates):
                raise self._error(asset, None, f"{len(series)} prices for {len(self.dates)} dates")
            for date, price in zip(self.dates, series, strict=True):
                if price is not None and not (price.is_finite() and (price > 0 or (price == 0 and self.may_be_zero))):
                    raise self._error(asset, date, f"the price {price} is not positive; correct it or leave it empty")

    @property
    def assets(self) -> tuple[str, ...]:
        """Symbols in the order of the columns."""
        return tuple(self.prices_usd)

    def column(self, asset: str) -> str:
        """The column an asset was read from."""
        return self.columns.get(asset, asset)

    def _error(self, asset: str | None, date: dt.date | None, detail: str) -> DataError:
        return DataError(detail, file=self.file, column=self.column(asset) if asset else None, date=date)

    def _window_dates(self, as_of: dt.date, days: int) -> tuple[dt.date, ...]:
        """The `days` days up to as_of. Raises: DataError: one of them has no line."""
        known = set(self.dates)
        span = f"{self.dates[0]} to {self.dates[-1]}"
        if as_of not in known:
            raise self._error(None, as_of, f"has no prices of this day; choose an as-of date within {span}")
        for age in range(1, days):
            date = as_of - age * DAY
            if date in known:
                continue
            remedy = f"ask for at most {age - 1} scenarios" if age > 1 else "choose a later as-of date"
            if date < self.dates[0]:
                raise self._error(None, date, f"{days - 1} scenarios up to {as_of} start before {span}; {remedy}")
            raise self._error(
                None,
                date,
                f"the day is missing, so returns across it are not one-day returns; add its prices, or {remedy}",
            )
        return tuple(as_of - age * DAY for age in reversed(range(days)))

    def window(self, assets: Iterable[str], as_of: dt.date, days: int) -> DailyWindow:
        """The closes of some assets on the `days` days that end at as_of.

        Raises: DataError: an unknown asset, a gap in the dates, or a missing price; names column and date.
        """
        dates = self._window_dates(as_of, days)
        end = self.dates.index(as_of) + 1
        prices: dict[str, tuple[Decimal, ...]] = {}
        for asset in dict.fromkeys(assets):
            if asset not in self.prices_usd:
                raise DataError(
                    f"there is no column of prices for this asset, only for {', '.join(self.assets)}",
                    file=self.file,
                    column=asset,
                )
            present: list[Decimal] = []
            for date, price in zip(dates, self.prices_usd[asset][end - days : end], strict=True):
                if price is None:
                    raise self._error(
                        asset,
                        date,
                        "the price is missing; add it, ask for fewer scenarios, or skip incomplete assets",
                    )
                present.append(price)
            prices[asset] = tuple(present)
        return DailyWindow(dates, prices)

    def first_missing(self, asset: str, as_of: dt.date, days: int) -> dt.date | None:
        """The first day without a price of a known asset in a window whose dates are complete, None if there is none.

        Raises: DataError: a gap in the dates.
        """
        dates = self._window_dates(as_of, days)
        end = self.dates.index(as_of) + 1
        series: Sequence[Decimal | None] = self.prices_usd[asset][end - days : end]
        return next((date for date, price in zip(dates, series, strict=True) if price is None), None)
