"""Instruments: kinds of positions and the terms of each instrument."""

from optimizer.instruments.kinds import BORROW, DAYS_PER_YEAR, KINDS, SPOT, STABLECOIN, SUPPLY, InstrumentKind, Position
from optimizer.instruments.specification import InstrumentList, InstrumentSpec

__all__ = [
    "BORROW",
    "DAYS_PER_YEAR",
    "KINDS",
    "SPOT",
    "STABLECOIN",
    "SUPPLY",
    "InstrumentKind",
    "InstrumentList",
    "InstrumentSpec",
    "Position",
]
