"""Risk policies: limits defined once, compiled into a public integer program (protocol §2)."""

from optimizer.policy.book import Book
from optimizer.policy.compiled import CompiledConstraint, CompiledPolicy
from optimizer.policy.compiler import compile_policy
from optimizer.policy.constraint import Constraint
from optimizer.policy.constraints.concentration import Concentration
from optimizer.policy.constraints.leverage import GrossLeverage
from optimizer.policy.constraints.position import PositionLimit
from optimizer.policy.constraints.shortfall import ExpectedShortfall
from optimizer.policy.constraints.solvency import Solvency
from optimizer.policy.constraints.var import HistoricalVar
from optimizer.policy.holdings import Holdings
from optimizer.policy.model import Policy, Source

__all__ = [
    "Book",
    "CompiledConstraint",
    "CompiledPolicy",
    "Concentration",
    "Constraint",
    "ExpectedShortfall",
    "GrossLeverage",
    "HistoricalVar",
    "Holdings",
    "Policy",
    "PositionLimit",
    "Solvency",
    "Source",
    "compile_policy",
]
