"""A market from a price history: prices of the as-of day and one-day returns up to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError

from optimizer.data.history import DailyWindow, PriceHistory
from optimizer.errors import DataError
from optimizer.instruments import InstrumentList, InstrumentSpec
from optimizer.market import Instrument, Market
from optimizer.scenarios.historical import historical_scenarios

NUMERAIRE = "USD"
"""The asset in which prices are quoted; one unit of it is worth 1 by definition."""


VOLUME_DAYS = 30
"""Days over which a daily volume is the (lower) median."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An asset that a market leaves out.

    Args:
        asset: its symbol.
        instruments: ids that were left out with it.
        first_missing: the first day of the window without a price.
    """

    asset: str
    instruments: tuple[str, ...]
    first_missing: dt.date

    def __str__(self) -> str:
        return f"{self.asset} left out ({', '.join(self.instruments)}): no price on {self.first_missing}"


@dataclass(frozen=True, slots=True)
class BuiltMarket:
    """A market and what was left out of it."""

    market: Market
    excluded: tuple[Exclusion, ...]


def _specs(history: PriceHistory, instruments: InstrumentList | Iterable[InstrumentSpec] | None) -> InstrumentList:
    if isinstance(instruments, InstrumentList):
        chosen = instruments.expand(history.assets)
    elif instruments is None:
        chosen = InstrumentList().expand(history.assets)
    else:
        chosen = tuple(instruments)
    terms = instruments.assets if isinstance(instruments, InstrumentList) else {}
    return InstrumentList(every_asset_as_spot=False, instruments=chosen, assets=terms)


def _exclusions(
    history: PriceHistory, specs: Iterable[InstrumentSpec], as_of: dt.date, days: int
) -> tuple[Exclusion, ...]:
    by_asset: dict[str, list[str]] = {}
    for spec in specs:
        if spec.asset in history.prices_usd:
            by_asset.setdefault(spec.asset, []).append(spec.id)
    found = []
    for asset, ids in by_asset.items():
        missing = history.first_missing(asset, as_of, days)
        if missing is not None:
            found.append(Exclusion(asset, tuple(ids), missing))
    return tuple(found)


def _with_numeraire(window: DailyWindow) -> DailyWindow:
    return DailyWindow(window.dates, {NUMERAIRE: (Decimal(1),) * len(window.dates), **window.prices_usd})


def build_market(
    history: PriceHistory,
    instruments: InstrumentList | Iterable[InstrumentSpec] | None = None,
    *,
    scenario_count: int,
    as_of: dt.date | None = None,
    skip_incomplete: bool = False,
    source: str | None = None,
) -> BuiltMarket:
    """The market of one day with its historical scenarios.

    Args:
        history: daily closes; an asset needs one on each of the scenario_count + 1 days up to as_of.
        instruments: an instruments file, or exactly these instruments; None for every asset as spot.
            Instruments in "USD" need no prices.
        scenario_count: S ≥ 1.
        as_of: the day of the prices; None for the last day of the history.
        skip_incomplete: leave out instruments whose asset lacks a price in the window, and report them;
            otherwise a missing price is an error.
        source: where the data come from, in words; None names the file.
    Raises: DataError: a gap in the dates, a missing price, an unknown asset, or nothing left; names file,
        column and date.
    """
    if scenario_count < 1:
        raise DataError(f"{scenario_count} scenarios cannot be made; ask for at least one", file=history.file)
    if NUMERAIRE in history.prices_usd:
        raise DataError(
            f"prices are in {NUMERAIRE}, so {NUMERAIRE} itself has none; rename or drop the column",
            file=history.file,
            column=history.column(NUMERAIRE),
        )
    day = history.dates[-1] if as_of is None else as_of
    listed = _specs(history, instruments)
    specs = listed.instruments
    excluded = _exclusions(history, specs, day, scenario_count + 1) if skip_incomplete else ()
    left_out = {name for exclusion in excluded for name in exclusion.instruments}
    specs = tuple(spec for spec in specs if spec.id not in left_out)
    if not specs:
        raise DataError(
            "no instrument is left; name instruments, or ask for fewer scenarios", file=history.file, date=day
        )
    needed = (spec.asset for spec in specs if spec.asset != NUMERAIRE)
    window = _with_numeraire(history.window(needed, day, scenario_count + 1))
    name = "prices given directly" if history.file is None else Path(history.file).name
    try:
        market = Market(
            as_of=day,
            source=source if source is not None else f"daily closes of {name}",
            instruments=tuple(
                Instrument(**spec.model_dump(), price_usd=window.prices_usd[spec.asset][-1]) for spec in specs
            ),
            scenarios=historical_scenarios(window, specs),
            assets={spec.asset: listed.assets[spec.asset] for spec in specs if spec.asset in listed.assets},
        )
    except ValidationError as error:  # prices that can be published may have returns that cannot
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the market"
        detail = f"makes no market: {where}: {first['msg'].removeprefix('Value error, ')}"
        raise DataError(detail, file=history.file) from error
    return BuiltMarket(market, excluded)


def with_volumes(market: Market, history: PriceHistory, days: int = VOLUME_DAYS) -> Market:
    """The same market with each asset's median daily volume of the last days, whole dollars rounded down.

    Args:
        history: daily volumes in USD, a column an asset; days without one are left out, and so are assets that are
            no market's.
        days: up to the market's day.
    Raises: DataError: the history does not reach the market's day.
    """
    if market.as_of not in history.dates:
        raise DataError("has no volumes of the market's day", file=history.file, date=market.as_of)
    last = history.dates.index(market.as_of) + 1
    assets = dict(market.assets)
    for asset in sorted({instrument.asset for instrument in market.instruments}):
        series = history.prices_usd.get(asset, ())[max(last - days, 0) : last]
        traded = sorted(volume for volume in series if volume is not None)
        if traded:
            volume = Decimal(int(traded[(len(traded) - 1) // 2]))
            assets[asset] = market.asset_terms(asset).model_copy(update={"daily_volume_usd": volume})
    return market.model_copy(update={"assets": assets})
