"""Allocations under a compiled policy, always provable after rounding to lots."""

from optimizer.allocate.allocation import Allocation
from optimizer.allocate.frontier import FrontierPoint, efficient_frontier
from optimizer.allocate.objective import (
    MaximiseReturn,
    MaximiseSharpe,
    MinimiseShortfall,
    MinimiseVolatility,
    Objective,
)
from optimizer.allocate.optimise import optimise
from optimizer.allocate.outlook import Outlook, outlook

__all__ = [
    "Allocation",
    "FrontierPoint",
    "MaximiseReturn",
    "MaximiseSharpe",
    "MinimiseShortfall",
    "MinimiseVolatility",
    "Objective",
    "Outlook",
    "efficient_frontier",
    "optimise",
    "outlook",
]
