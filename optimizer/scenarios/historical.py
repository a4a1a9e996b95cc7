"""Historical scenarios: one-day returns of a window, each as likely as the others (docs/policies/market-risk.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from optimizer.data.history import DailyWindow
from optimizer.errors import DataError
from optimizer.instruments import InstrumentSpec
from optimizer.market import RETURN_DECIMALS, Scenarios


def publish_return(value: Fraction) -> Decimal:
    """An exact return rounded once to nine decimals, ties to even, as it is published."""
    return Decimal(f"{round(value * 10**RETURN_DECIMALS)}E-{RETURN_DECIMALS}")


def _asset_returns(prices_usd: tuple[Decimal, ...]) -> tuple[Fraction, ...]:
    exact = [Fraction(price) for price in prices_usd]
    return tuple(later / earlier - 1 for earlier, later in pairwise(exact))


def historical_scenarios(window: DailyWindow, instruments: Iterable[InstrumentSpec]) -> Scenarios:
    """Returns of every instrument on each day of a window but the first.

    Args:
        window: (S + 1,) consecutive days of closes.
        instruments: with assets of the window.
    Returns: Scenarios of S outcomes; a return is the asset's move on a unit grown by one day of its yield,
        computed in exact rationals and rounded once to nine decimals.
    Raises: DataError: fewer than two days, or an instrument whose asset the window lacks.
    """
    if len(window.dates) < 2:
        raise DataError("a scenario needs the closes of two days; ask for at least one scenario")
    moves: Mapping[str, tuple[Fraction, ...]] = {
        asset: _asset_returns(series) for asset, series in window.prices_usd.items()
    }
    returns: dict[str, tuple[Decimal, ...]] = {}
    for spec in instruments:
        if spec.asset not in moves:
            raise DataError(f"instrument {spec.id!r} is in {spec.asset}, of which there are no prices")
        if not spec.position.linear:
            raise DataError(
                f"instrument {spec.id!r} is {spec.kind}: its value is no multiple of {spec.asset}'s price, so its "
                "returns cannot be had from closes; publish them, and its greeks, in the market file"
            )
        accrual = spec.yield_annual
        returns[spec.id] = tuple(publish_return(spec.position.unit_return(m, accrual)) for m in moves[spec.asset])
    return Scenarios(dates=window.dates[1:], returns=returns)
