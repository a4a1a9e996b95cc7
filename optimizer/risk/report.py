"""The risk report of a fund: every measure of one portfolio in one market, for the operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from optimizer.errors import DataError
from optimizer.market import Market
from optimizer.risk.exposure import Quantities, exposure
from optimizer.risk.measures import (
    expected_return,
    expected_shortfall,
    historical_var,
    max_drawdown,
    parametric_var,
    sharpe_ratio,
    volatility,
)
from optimizer.risk.paths import scenario_losses, value_path


@dataclass(frozen=True, repr=False, slots=True)
class RiskReport:
    """Risk of holdings; the fields with a fraction are fractions of NAV. Secret, never printed.

    Args:
        nav_usd, gross_usd: net asset value; sum of the sizes of all positions and debts.
        gross_leverage, net_leverage: gross size, and net exposure that is no cash, over NAV.
        health: assets after haircuts over debts with margins; None without debts.
        concentration: instrument id → its size over NAV.
        expected_return_annual, volatility_annual: of the scenarios' daily returns, 365 days a year.
        sharpe: of the same; None when the returns do not vary.
        var_confidence, es_confidence: exact levels.
        historical_var_fraction, parametric_var_fraction: one day, at var_confidence; the second normal.
        expected_shortfall_fraction: one day, at es_confidence.
        max_drawdown: of the untraded holdings if the scenarios came again in order.
    """

    nav_usd: float
    gross_usd: float
    gross_leverage: float
    net_leverage: float
    health: float | None
    concentration: Mapping[str, float]
    expected_return_annual: float
    volatility_annual: float
    sharpe: float | None
    var_confidence: Decimal | Fraction
    es_confidence: Decimal | Fraction
    historical_var_fraction: float
    parametric_var_fraction: float
    expected_shortfall_fraction: float
    max_drawdown: float

    @property
    def largest_concentration(self) -> float:
        """The largest instrument's size over NAV."""
        return max(self.concentration.values(), default=0.0)

    @classmethod
    def of(
        cls,
        market: Market,
        quantities: Quantities,
        *,
        var_confidence: Decimal | Fraction = Decimal("0.99"),
        es_confidence: Decimal | Fraction = Decimal("0.975"),
        risk_free_annual: float = 0.0,
    ) -> Self:
        """Measure holdings.

        Args:
            market: with at least two scenarios.
            quantities: instrument id → units of quantity, a debt's positive; those left out are 0.
            var_confidence, es_confidence: in (0, 1), exact.
            risk_free_annual: fraction a year, for the Sharpe ratio.
        Raises: DataError: an unknown instrument, a quantity that cannot be, a NAV that is not positive, or a
            single scenario.
        """
        if market.scenario_count < 2:
            raise DataError("a risk report needs a market of at least two scenarios")
        balance = exposure(market, quantities)
        gross_leverage = float(balance.gross_leverage)
        nav_usd = float(balance.nav_usd)
        losses = scenario_losses(market, quantities) / nav_usd
        volatility_annual = volatility(-losses)
        return cls(
            nav_usd=nav_usd,
            gross_usd=float(balance.gross_usd),
            gross_leverage=gross_leverage,
            net_leverage=float(balance.net_leverage),
            health=None if balance.health is None else float(balance.health),
            concentration={name: float(share) for name, share in balance.concentration.items()},
            expected_return_annual=expected_return(-losses),
            volatility_annual=volatility_annual,
            sharpe=sharpe_ratio(-losses, risk_free_annual) if volatility_annual > 0 else None,
            var_confidence=var_confidence,
            es_confidence=es_confidence,
            historical_var_fraction=historical_var(losses, var_confidence),
            parametric_var_fraction=parametric_var(losses, var_confidence),
            expected_shortfall_fraction=expected_shortfall(losses, es_confidence),
            max_drawdown=max_drawdown(value_path(market, quantities)),
        )

    def as_dict(self) -> dict[str, Any]:
        """All fields for a private JSON file; the confidences as strings."""
        fields = asdict(self)
        return fields | {name: str(fields[name]) for name in ("var_confidence", "es_confidence")}
