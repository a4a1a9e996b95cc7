"""Price histories from files, the embedded sample, and the markets built from them."""

from optimizer.data.assembly import BuiltMarket, Exclusion, build_market
from optimizer.data.files import read_csv, read_parquet, read_prices
from optimizer.data.history import DailyWindow, PriceHistory
from optimizer.data.sample import (
    SAMPLE_AS_OF,
    SAMPLE_SOURCE,
    SAMPLE_YIELDS,
    sample_history,
    sample_instruments,
    sample_market,
)

__all__ = [
    "SAMPLE_AS_OF",
    "SAMPLE_SOURCE",
    "SAMPLE_YIELDS",
    "BuiltMarket",
    "DailyWindow",
    "Exclusion",
    "PriceHistory",
    "build_market",
    "read_csv",
    "read_parquet",
    "read_prices",
    "sample_history",
    "sample_instruments",
    "sample_market",
]
