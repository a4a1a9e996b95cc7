"""Risk measures of samples: volatility, Sharpe ratio, VaR, expected shortfall, drawdown (docs/policies/market-risk.md).

Plain numpy over equally likely outcomes. Losses are positive where money is lost. The tail (1 − c)·S is
counted in exact rationals, as the rows of the integer program count it.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.errors import DataError
from optimizer.instruments import DAYS_PER_YEAR


def _sample(values: ArrayLike, minimum: int, name: str) -> NDArray[np.float64]:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < minimum:
        raise DataError(f"{name} are one series of at least {minimum} numbers, got the shape {sample.shape}")
    if not np.isfinite(sample).all():
        raise DataError(f"{name} contain a NaN or an infinity; remove it at its source")
    return sample


def tail_size(confidence: Decimal | Fraction, scenario_count: int) -> Fraction:
    """(1 − c)·S, how many of S equally likely scenarios make the tail, in exact rationals.

    Args:
        confidence: c in (0, 1), exact: a float would move the count at its edges.
        scenario_count: S ≥ 1.
    Raises: DataError: a float, or a confidence outside (0, 1).
    """
    if not isinstance(confidence, (Decimal, Fraction)):
        raise DataError('a confidence is exact; write Decimal("0.99") rather than a float')
    if isinstance(confidence, Decimal) and not confidence.is_finite():
        raise DataError(f"a confidence lies between 0 and 1, not {confidence}")
    exact = Fraction(confidence)
    if not 0 < exact < 1:
        raise DataError(f"a confidence lies between 0 and 1, not {confidence}")
    return (1 - exact) * scenario_count


def historical_var(losses: ArrayLike, confidence: Decimal | Fraction) -> float:
    """Value at risk of equally likely losses: the least x with #{L > x} ≤ ⌊(1−c)·S⌋.

    Args:
        losses: (S,) in any unit, gains negative.
        confidence: c in (0, 1).
    Returns: in the unit of the losses; negative when even the tail begins with a gain.
    Raises: DataError: no losses, a NaN, or no exact confidence in (0, 1).
    Source: docs/policies/market-risk.md; the upper empirical quantile.
    """
    sample = _sample(losses, 1, "losses")
    exceedances = int(tail_size(confidence, len(sample)))
    return float(np.sort(sample)[::-1][exceedances])


def expected_shortfall(losses: ArrayLike, confidence: Decimal | Fraction) -> float:
    """Expected shortfall of equally likely losses, exact where the tail holds a fraction of a scenario.

    With m = (1−c)·S: the ⌊m⌋ largest losses count in full, the next one for the fraction m − ⌊m⌋, the sum is
    divided by m. It equals min over t of t + Σ max(L − t, 0)/m.

    Args, Raises: as `historical_var`.
    Returns: in the unit of the losses; the largest loss when m ≤ 1.
    Source: Rockafellar & Uryasev (2002), "Conditional value-at-risk for general loss distributions", prop. 8.
    """
    sample = np.sort(_sample(losses, 1, "losses"))[::-1]
    tail = tail_size(confidence, len(sample))
    whole = int(tail)
    if whole == 0:
        return float(sample[0])
    total = float(sample[:whole].sum()) + float(tail - whole) * float(sample[whole])
    return total / float(tail)


def standard_deviation(values: ArrayLike) -> float:
    """Sample standard deviation with divisor S − 1; exactly 0 for a constant series.

    Raises: DataError: fewer than two values, or a NaN.
    """
    sample = _sample(values, 2, "values")
    return 0.0 if np.ptp(sample) == 0 else float(np.std(sample, ddof=1))


def volatility(returns_daily: ArrayLike) -> float:
    """Annualised volatility: the sample standard deviation of daily returns times √365.

    Args:
        returns_daily: (S,) simple one-day returns, fractions.
    Raises: DataError: fewer than two returns, or a NaN.
    """
    return standard_deviation(returns_daily) * float(np.sqrt(DAYS_PER_YEAR))


def expected_return(returns_daily: ArrayLike) -> float:
    """Annualised mean: 365 times the mean daily return, a fraction a year. Raises: DataError: no return, or a NaN."""
    return float(np.mean(_sample(returns_daily, 1, "returns"))) * DAYS_PER_YEAR


def sharpe_ratio(returns_daily: ArrayLike, risk_free_annual: float = 0.0) -> float:
    """Annualised Sharpe ratio: (mean·365 − risk-free rate) / (standard deviation·√365).

    Args:
        returns_daily: (S,) simple one-day returns, fractions.
        risk_free_annual: fraction a year.
    Raises: DataError: fewer than two returns, a NaN, or returns that do not vary, which have no ratio.
    Source: Sharpe (1994), "The Sharpe ratio".
    """
    risk = volatility(returns_daily)
    if risk == 0:
        raise DataError("the returns do not vary, so they have no Sharpe ratio")
    return (expected_return(returns_daily) - risk_free_annual) / risk


def parametric_var(losses: ArrayLike, confidence: Decimal | Fraction) -> float:
    """Value at risk of a normal loss with mean zero and the sample's standard deviation: z_c·σ.

    A mean of zero is what the program's rows state: a day's mean is small beside its deviation, and badly known.

    Args:
        losses: (S,) in any unit.
        confidence: c in (0, 1).
    Returns: in the unit of the losses.
    Raises: DataError: fewer than two losses, a NaN, or no exact confidence in (0, 1).
    Source: J.P. Morgan/Reuters (1996), RiskMetrics Technical Document.
    """
    tail_size(confidence, 1)
    return NormalDist().inv_cdf(float(confidence)) * standard_deviation(losses)


def max_drawdown(path: ArrayLike) -> float:
    """Largest fall from an earlier peak, as a fraction of that peak.

    Args:
        path: (T,) values in order of time, the first > 0.
    Returns: in [0, ∞); above 1 where a value turned negative.
    Raises: DataError: no values, a NaN, or a path that does not start positive.
    """
    values = _sample(path, 1, "values")
    if not values[0] > 0:
        raise DataError("a drawdown is a fraction of a peak, so the path must start positive")
    peaks = np.maximum.accumulate(values)
    return float(np.max((peaks - values) / peaks))
