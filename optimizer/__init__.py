"""Allocations and risk metrics of a crypto fund under a policy that can be proved."""

from optimizer.data import BuiltMarket, PriceHistory, build_market, read_csv, read_parquet, read_prices, sample_market
from optimizer.errors import DataError, Infeasible, OptimizerError, PolicyError, SolverFailed, Unbounded
from optimizer.instruments import InstrumentList, InstrumentSpec
from optimizer.market import Instrument, Market, Scenarios
from optimizer.risk import RiskReport

__all__ = [
    "BuiltMarket",
    "DataError",
    "Infeasible",
    "Instrument",
    "InstrumentList",
    "InstrumentSpec",
    "Market",
    "OptimizerError",
    "PolicyError",
    "PriceHistory",
    "RiskReport",
    "Scenarios",
    "SolverFailed",
    "Unbounded",
    "build_market",
    "read_csv",
    "read_parquet",
    "read_prices",
    "sample_market",
]
