"""What the optimiser believes about returns, on the slots of a compiled policy: means, losses, covariance.

These are objectives, not limits: the limits come from the program's own rows. Means default to the average of
the market's scenarios; annual figures are 365 daily ones, since the markets never close.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import DataError
from optimizer.policy import CompiledPolicy

Array = NDArray[np.float64]

DAYS_PER_YEAR = 365


@dataclass(frozen=True, slots=True)
class Outlook:
    """Beliefs on m held slots over S scenarios; a position of 1 is the whole capital.

    Args:
        mean: (m,) expected daily profit of a position of size 1, negative for the cost of a debt.
        losses: (S, m) loss of a position of size 1.
        factor: (r, m) with factorᵀ·factor the covariance of daily profits.
    """

    mean: Array
    losses: Array
    factor: Array

    def expected_return_annual(self, positions: Array) -> float:
        """Expected profit a year, as a fraction of capital."""
        return float(np.dot(self.mean, positions)) * DAYS_PER_YEAR

    def volatility_annual(self, positions: Array) -> float:
        """Standard deviation of profit a year, as a fraction of capital."""
        return float(np.linalg.norm(self.factor @ positions) * DAYS_PER_YEAR**0.5)

    def expected_shortfall(self, positions: Array, confidence: float) -> float:
        """One-day expected shortfall as a fraction of capital, the last scenario of the tail counted in part.

        Source: Rockafellar & Uryasev (2002), proposition 8.
        """
        losses = np.sort(self.losses @ positions)[::-1]
        mass = (1 - confidence) * len(losses)
        weights = np.clip(mass - np.arange(len(losses)), 0, 1)
        return float(weights @ losses / weights.sum())


def outlook(compiled: CompiledPolicy, expected_returns: Mapping[str, float] | None = None) -> Outlook:
    """Beliefs from the market's scenarios, or with means of the caller's own.

    Args:
        compiled: names the slots.
        expected_returns: instrument id → expected return a year of its price, accrual included, as a fraction;
            for a debt, its cost. None takes 365 times the mean scenario return.
    Raises: DataError: a held instrument without an expected return, or one that is no number.
    """
    market = compiled.market
    names = [compiled.layout[j].asset for j in compiled.held_slots]
    signs = np.array([compiled.layout[j].sign for j in compiled.held_slots], dtype=np.float64)
    columns = [market.index(name) for name in names]
    profits = market.returns()[:, columns] * signs
    mean = profits.mean(axis=0)
    if expected_returns is not None:
        for name in names:
            if not isfinite(expected_returns.get(name, float("nan"))):
                raise DataError(f"instrument {name!r} has no expected return; give a number for every instrument")
        mean = signs * np.array([expected_returns[name] for name in names]) / DAYS_PER_YEAR
    centred = profits - profits.mean(axis=0)
    factor = np.linalg.qr(centred, mode="r") / max(len(profits) - 1, 1) ** 0.5
    return Outlook(mean, -profits, factor)
