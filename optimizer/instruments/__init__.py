"""Instruments: kinds of positions and the terms of each instrument."""

from optimizer.instruments.kinds import BORROW, DAYS_PER_YEAR, KINDS, SPOT, STABLECOIN, SUPPLY, InstrumentKind, Position
from optimizer.instruments.specification import AssetTerms, InstrumentList, InstrumentSpec

__all__ = [
    "BORROW",
    "DAYS_PER_YEAR",
    "KINDS",
    "SPOT",
    "STABLECOIN",
    "SUPPLY",
    "AssetTerms",
    "InstrumentKind",
    "InstrumentList",
    "InstrumentSpec",
    "Position",
]
