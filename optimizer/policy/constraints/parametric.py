"""Parametric VaR and volatility as second-order cones over a published risk model (docs/policies/market-risk.md).

What is attested is the covariance of the published numbers: Cov_ij = Σ_k l_ik l_jk + [i = j] specific_i². No float
computation is part of the statement, the quantile is published too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import isqrt, lcm, sqrt
from statistics import NormalDist
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from scipy.special import stdtrit

from attest.program import RANGE_BITS
from optimizer.documents import PublishedDecimal
from optimizer.errors import PolicyError
from optimizer.instruments import DAYS_PER_YEAR
from optimizer.market import Market, RiskModel
from optimizer.policy.book import Book
from optimizer.policy.bounds import square_root_up
from optimizer.policy.constraint import (
    AuxSlot,
    Confidence,
    Constraint,
    HorizonDays,
    LimitFraction,
    RowSlack,
    days,
    percent,
)
from optimizer.policy.rows import Component, RowWriter

HIGH = "u"
"""The aux slot of what is left of the squares above 2^77."""
DIGITS = 10**30
"""Resolution of a root whose exact value is irrational."""


def published_model(market: Market) -> RiskModel:
    """Raises: PolicyError: the market publishes no risk model."""
    if market.risk_model is None:
        detail = "the market publishes no risk model; build it with `proofolio market --risk-model`"
        raise PolicyError("risk_model", detail)
    return market.risk_model


def below_root(bound: Fraction, square: Fraction) -> Fraction:
    """bound − √square to about thirty digits, with the exact sign."""
    if bound < 0 or bound * bound < square:
        root = Fraction(isqrt(square.numerator * DIGITS**2 // square.denominator), DIGITS)
        return min(bound - root, -Fraction(1, DIGITS))
    root = Fraction(isqrt(square.numerator * DIGITS**2 // square.denominator) + 1, DIGITS)
    return max(bound - root, Fraction(0))


class NormConstraint(Constraint, ABC):
    """multiple · √days · √(xᵀ Cov x) ≤ limit·NAV, x the values of the positions."""

    listed: ClassVar[bool] = False

    limit: LimitFraction

    @property
    @abstractmethod
    def multiple(self) -> Fraction:
        """z, by which a standard deviation is multiplied."""

    @property
    @abstractmethod
    def variance_days(self) -> int:
        """Days of variance."""

    def aux(self, market: Market, instruments: Sequence[str]) -> tuple[AuxSlot, ...]:
        return (AuxSlot(HIGH, signed=False),)

    def rows(self, writer: RowWriter) -> None:
        """v_k = Σ_i l_ik x_i for each factor, specific_i·x_i for each instrument; z√days·‖v‖ ≤ limit·NAV. (K.15)"""
        model = published_model(writer.market)
        components = []
        for k, factor in enumerate(model.factors):
            shares = {j: Fraction(model.loadings[writer.instrument(j).id][k]) for j in writer.slots}
            components.append(_component(f"factor {factor}", shares, writer))
        for name in writer.instruments:
            own = Fraction(model.specific.get(name, Decimal(0)))
            if own:
                components.append(_component(f"specific {name}", dict.fromkeys(writer.slots_of(name), own), writer))
        writer.norm_rows(Fraction(self.limit) / self.multiple, components, self.variance_days, HIGH, self.multiple)

    def fill(self, rows: Sequence[RowSlack]) -> tuple[int, ...]:
        """u = ⌊(c² − days·Σ v_k²)/2^77⌋, the only value that leaves a part of [0, 2^77)."""
        *components, radius, _ = rows
        left = radius.units**2 - self.variance_days * sum(row.units**2 for row in components)
        return (max(left, 0) >> RANGE_BITS,)

    def slack_usd(self, rows: Sequence[RowSlack]) -> Fraction:
        *components, radius, _ = rows
        norm = square_root_up(Fraction(self.variance_days * sum(row.units**2 for row in components)))
        return (radius.units - norm) * Fraction(radius.usd_per_unit or 0)

    def plain_slack_usd(self, book: Book) -> Fraction:
        model = published_model(book.market)
        values = {name: book.net_usd(name) for name in book.instruments}
        variance = Fraction(0)
        for k in range(len(model.factors)):
            variance += sum((Fraction(model.loadings[n][k]) * v for n, v in values.items()), Fraction(0)) ** 2
        for name, own in model.specific.items():
            variance += (Fraction(own) * values.get(name, Fraction(0))) ** 2
        square = self.multiple**2 * self.variance_days * variance
        return below_root(Fraction(self.limit) * book.nav_usd, square)


def _component(label: str, shares: Mapping[int, Fraction], writer: RowWriter) -> Component:
    denominator = lcm(1, *{share.denominator for share in shares.values()})
    scaled = {j: share.numerator * (denominator // share.denominator) for j, share in shares.items()}
    return Component(label, [scaled.get(j, 0) for j in writer.held_slots], denominator)


class ParametricVar(NormConstraint):
    """z_c · √horizon · standard deviation ≤ limit·NAV, for losses of mean zero.

    Args:
        confidence: level c.
        limit: as a fraction of NAV.
        horizon_days: of the loss; the deviation grows with its root.
        distribution: "normal", or "student_t" scaled to unit variance.
        degrees_of_freedom: of Student's t, > 2; above 1000 it is normal.
        quantile: z_c as it is attested: at least the distribution's, and at most 1 % above it.
    """

    listed: ClassVar[bool] = True
    tightening: ClassVar[Mapping[str, int]] = {"confidence": 1, "limit": -1, "quantile": 1, "horizon_days": 1}

    kind: Literal["parametric_var"] = "parametric_var"
    confidence: Annotated[Confidence, Field(gt=Decimal("0.5"))]
    horizon_days: HorizonDays = 1
    distribution: Literal["normal", "student_t"] = "normal"
    degrees_of_freedom: Annotated[PublishedDecimal, Field(gt=2, le=1000)] | None = None
    quantile: Annotated[PublishedDecimal, Field(gt=0)]

    @model_validator(mode="after")
    def _quantile_is_that_of_the_level(self) -> Self:
        if (self.distribution == "student_t") != (self.degrees_of_freedom is not None):
            raise ValueError("degrees_of_freedom belongs to the distribution student_t, and to it alone")
        exact = self.exact_quantile()
        if not exact - 1e-9 <= float(self.quantile) <= 1.01 * exact:
            published = Context(prec=10, rounding=ROUND_CEILING).create_decimal(exact)
            raise ValueError(f'the quantile at this level is {exact:.10g}; write "{published:f}"')
        return self

    def exact_quantile(self) -> float:
        """Of the unit-variance distribution at the level, in floats."""
        tail = float(1 - Fraction(self.confidence))
        if self.degrees_of_freedom is None:
            return -NormalDist().inv_cdf(tail)
        freedom = float(self.degrees_of_freedom)
        return -float(stdtrit(freedom, tail)) * sqrt((freedom - 2) / freedom)

    @property
    def multiple(self) -> Fraction:
        return Fraction(self.quantile)

    @property
    def variance_days(self) -> int:
        return self.horizon_days

    def sentence(self) -> str:
        shape = "normal"
        if self.degrees_of_freedom is not None:
            shape = f"Student's t with {self.degrees_of_freedom:f} degrees of freedom"
        return (
            f"{days(self.horizon_days)} parametric value at risk at {percent(self.confidence)} ({shape}, "
            f"{self.quantile:f} standard deviations) is at most {percent(self.limit)} of NAV."
        )


class Volatility(NormConstraint):
    """√365 · daily standard deviation ≤ limit·NAV.

    Args:
        limit: a year, as a fraction of NAV.
    """

    listed: ClassVar[bool] = True
    tightening: ClassVar[Mapping[str, int]] = {"limit": -1}

    kind: Literal["volatility"] = "volatility"

    @property
    def multiple(self) -> Fraction:
        return Fraction(1)

    @property
    def variance_days(self) -> int:
        return DAYS_PER_YEAR

    def sentence(self) -> str:
        return f"Volatility a year, by the published risk model, is at most {percent(self.limit)} of NAV."


__all__ = ["NormConstraint", "ParametricVar", "Volatility", "below_root"]
