"""Risk measures of samples and of holdings in a market."""

from optimizer.risk.exposure import Exposure, Quantities, exposure
from optimizer.risk.measures import (
    expected_return,
    expected_shortfall,
    historical_var,
    max_drawdown,
    parametric_var,
    sharpe_ratio,
    standard_deviation,
    tail_size,
    volatility,
)
from optimizer.risk.paths import exact_losses, scenario_losses, signed_values, value_path
from optimizer.risk.report import RiskReport

__all__ = [
    "Exposure",
    "Quantities",
    "RiskReport",
    "exact_losses",
    "expected_return",
    "expected_shortfall",
    "exposure",
    "historical_var",
    "max_drawdown",
    "parametric_var",
    "scenario_losses",
    "sharpe_ratio",
    "signed_values",
    "standard_deviation",
    "tail_size",
    "value_path",
    "volatility",
]
