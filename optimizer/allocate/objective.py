"""Objectives of an allocation, each as an expression to minimise (Markowitz 1952; Rockafellar & Uryasev 2000).

Maximum Sharpe uses the homogeneous transformation (Cornuejols & Tütüncü, *Optimization Methods in Finance*,
§8.2): with x = y/κ, κ > 0, the ratio does not depend on κ, so fixing the excess return at a constant leaves one
convex problem, minimise the volatility of y, whose optimum is exact; a search along the frontier would only
approach it. Every limit is linear, so it stays linear in (y, κ).

When no allocation under the policy is expected to earn more than the risk-free rate, the ratio is negative
everywhere and maximising it would reward risk. The answer is then defined as the allocation with the highest
expected return and, among those, the lowest volatility.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import cvxpy as cp
import numpy as np

from optimizer.allocate.outlook import DAYS_PER_YEAR, Array, Outlook
from optimizer.errors import DataError


class Objective(ABC):
    """What an allocation is chosen for."""

    name: ClassVar[str]

    @abstractmethod
    def value(self, outlook: Outlook, positions: Array) -> float:
        """The figure the operator reads, for whole lots."""


class ConvexObjective(Objective):
    """An objective that is convex in the positions."""

    linear: ClassVar[bool] = True

    def scale(self, outlook: Outlook) -> float:
        """A typical size of the expression's coefficients, by which solvers see it divided."""
        return 1.0

    @abstractmethod
    def express(self, outlook: Outlook, positions: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
        """What to minimise, and constraints on variables of its own.

        Args:
            outlook: beliefs on m slots.
            positions: (m,) sizes as fractions of capital.
        """


@dataclass(frozen=True, slots=True)
class MaximiseReturn(ConvexObjective):
    """Highest expected return; the value is annual, as a fraction of capital."""

    name: ClassVar[str] = "maximum return"

    def scale(self, outlook: Outlook) -> float:
        return float(np.abs(outlook.mean).max()) * DAYS_PER_YEAR or 1.0

    def express(self, outlook: Outlook, positions: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
        return cp.Constant(-DAYS_PER_YEAR * outlook.mean) @ positions, []

    def value(self, outlook: Outlook, positions: Array) -> float:
        return outlook.expected_return_annual(positions)


@dataclass(frozen=True, slots=True)
class MinimiseShortfall(ConvexObjective):
    """Lowest one-day expected shortfall; the value is a fraction of capital.

    Args:
        confidence: level in (0, 1).
    """

    name: ClassVar[str] = "minimum expected shortfall"
    confidence: float = 0.975

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise DataError("the confidence of the expected shortfall lies strictly between 0 and 1")

    def express(self, outlook: Outlook, positions: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
        scenarios = len(outlook.losses)
        level, excess = cp.Variable(), cp.Variable(scenarios, nonneg=True)
        weights = np.full(scenarios, 1 / ((1 - self.confidence) * scenarios))
        losses = cp.Constant(outlook.losses) @ positions
        return level + cp.Constant(weights) @ excess, [excess >= losses - level]

    def value(self, outlook: Outlook, positions: Array) -> float:
        return outlook.expected_shortfall(positions, self.confidence)


@dataclass(frozen=True, slots=True)
class MinimiseVolatility(ConvexObjective):
    """Lowest volatility; the value is annual, as a fraction of capital."""

    name: ClassVar[str] = "minimum volatility"
    linear: ClassVar[bool] = False

    def express(self, outlook: Outlook, positions: cp.Expression) -> tuple[cp.Expression, list[cp.Constraint]]:
        volatility = cp.Variable()
        return volatility, [cp.SOC(volatility, cp.Constant(outlook.factor * DAYS_PER_YEAR**0.5) @ positions)]

    def value(self, outlook: Outlook, positions: Array) -> float:
        return outlook.volatility_annual(positions)


@dataclass(frozen=True, slots=True)
class MaximiseSharpe(Objective):
    """Highest (expected return − risk-free) / volatility; the value is the annual ratio.

    Args:
        risk_free_annual: rate a year, as a fraction.
    """

    name: ClassVar[str] = "maximum Sharpe ratio"
    risk_free_annual: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.risk_free_annual):
            raise DataError("the risk-free rate must be a finite number")

    def value(self, outlook: Outlook, positions: Array) -> float:
        excess = outlook.expected_return_annual(positions) - self.risk_free_annual
        volatility = outlook.volatility_annual(positions)
        return excess / volatility if volatility else float(np.sign(excess)) * float("inf") if excess else 0.0
