"""What the scenarios do to holdings: profit and loss a day, and the path when the days follow one another."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from optimizer.market import RETURN_DECIMALS, Market
from optimizer.risk.exposure import Quantities

RETURN_SCALE = 10**RETURN_DECIMALS
"""Published returns are integers over this."""


def signed_values(market: Market, quantities: Quantities) -> NDArray[np.float64]:
    """(n,) σ·price·quantity in USD, in the order of the instruments.

    Raises: DataError: an unknown instrument.
    """
    vector = np.zeros(len(market.instruments))
    for name, quantity in quantities.items():
        vector[market.index(name)] = float(quantity)
    return np.asarray(market.signs() * market.prices() * vector, dtype=np.float64)


def exact_losses(market: Market, quantities: Quantities) -> tuple[Fraction, ...]:
    """(S,) one-day losses in USD in exact rationals, −Σ σ·price·quantity·return, gains negative.

    Raises: DataError: an unknown instrument.
    """
    values: dict[str, Fraction] = {}
    for name, quantity in quantities.items():
        instrument = market.instrument(name)
        values[name] = instrument.sign * Fraction(instrument.price_usd) * Fraction(quantity)
    unit = lcm(1, *(value.denominator for value in values.values()))
    totals = [0] * market.scenario_count
    for name, value in values.items():
        weight = int(value * unit)
        for s, r in enumerate(market.scenarios.returns[name]):
            numerator, denominator = r.as_integer_ratio()
            totals[s] -= weight * numerator * (RETURN_SCALE // denominator)
    return tuple(Fraction(total, unit * RETURN_SCALE) for total in totals)


def scenario_losses(market: Market, quantities: Quantities) -> NDArray[np.float64]:
    """(S,) one-day losses in USD, gains negative: the exact ones, rounded once to doubles.

    So a hedge that cancels exactly loses exactly nothing. Raises: DataError: an unknown instrument.
    """
    return np.array([float(loss) for loss in exact_losses(market, quantities)])


def value_path(market: Market, quantities: Quantities) -> NDArray[np.float64]:
    """(S + 1,) NAV in USD of holdings that are never traded, from today on, if the scenarios came again in order.

    It starts at today's NAV. Debts and lent positions grow by what they accrue.

    Raises: DataError: an unknown instrument.
    """
    growth = np.cumprod(1 + market.returns(), axis=0)
    growth = np.vstack([np.ones(growth.shape[1]), growth])
    return np.asarray(growth @ signed_values(market, quantities), dtype=np.float64)
