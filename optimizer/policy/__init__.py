"""Risk policies: limits defined once, compiled into a public integer program (docs/policy.md)."""

from optimizer.policy.book import Book
from optimizer.policy.compiled import CompiledConstraint, CompiledPolicy
from optimizer.policy.compiler import compile_policy
from optimizer.policy.composition import AllOf, NamedConstraint, Sleeve
from optimizer.policy.constraint import Constraint
from optimizer.policy.constraints.concentration import Concentration
from optimizer.policy.constraints.count import MinPositionSize, PositionCount
from optimizer.policy.constraints.exposure import FactorExposure, Greek
from optimizer.policy.constraints.lending import HealthFactor
from optimizer.policy.constraints.leverage import GrossLeverage, NetLeverage
from optimizer.policy.constraints.liquidity import Liquidity, RedemptionCoverage
from optimizer.policy.constraints.parametric import ParametricVar, Volatility
from optimizer.policy.constraints.position import PositionLimit
from optimizer.policy.constraints.shortfall import ExpectedShortfall
from optimizer.policy.constraints.solvency import CollateralCap, Solvency
from optimizer.policy.constraints.stress import Stress
from optimizer.policy.constraints.turnover import Turnover
from optimizer.policy.constraints.var import HistoricalVar
from optimizer.policy.holdings import Holdings
from optimizer.policy.model import WALLET, Policy, Source, Token

__all__ = [
    "WALLET",
    "AllOf",
    "Book",
    "CollateralCap",
    "CompiledConstraint",
    "CompiledPolicy",
    "Concentration",
    "Constraint",
    "ExpectedShortfall",
    "FactorExposure",
    "Greek",
    "GrossLeverage",
    "HealthFactor",
    "HistoricalVar",
    "Holdings",
    "Liquidity",
    "MinPositionSize",
    "NamedConstraint",
    "NetLeverage",
    "ParametricVar",
    "Policy",
    "PositionCount",
    "PositionLimit",
    "RedemptionCoverage",
    "Sleeve",
    "Solvency",
    "Source",
    "Stress",
    "Token",
    "Turnover",
    "Volatility",
    "compile_policy",
]
