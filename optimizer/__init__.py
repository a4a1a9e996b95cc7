"""Allocations and risk metrics of a crypto fund under a policy that can be proved."""

from optimizer.errors import DataError, Infeasible, OptimizerError, PolicyError, SolverFailed, Unbounded
from optimizer.market import Instrument, Market, Scenarios

__all__ = [
    "DataError",
    "Infeasible",
    "Instrument",
    "Market",
    "OptimizerError",
    "PolicyError",
    "Scenarios",
    "SolverFailed",
    "Unbounded",
]
