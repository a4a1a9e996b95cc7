"""Kinds of instruments: which way a position counts, and what one unit of it returns in a day.

A new kind is one more `Position` in `KINDS`. One whose value is no multiple of its asset's price is not linear: its
returns cannot be had from closes, and its market file publishes them together with its Greeks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

DAYS_PER_YEAR = 365
"""Crypto markets trade every day, and lending protocols accrue every day."""

InstrumentKind = Literal["spot", "stablecoin", "staking", "supply", "borrow", "claim", "option", "lp"]


@dataclass(frozen=True, slots=True)
class Position:
    """What a kind of instrument means.

    Args:
        sign: σ, +1 where a quantity is owned, −1 where it is owed.
        may_be_short: whether a fund can hold a negative quantity of it.
        lent: whether it stands at a lending protocol, in an account there.
        linear: whether its value is a multiple of its asset's price.
    """

    sign: int
    may_be_short: bool
    lent: bool = False
    linear: bool = True

    def unit_return(self, asset_return: Fraction, yield_annual: Decimal) -> Fraction:
        """Simple one-day return of the unit price: the asset's move on a unit grown by one day's accrual.

        Args:
            asset_return: simple one-day return of the asset's price, > −1.
            yield_annual: simple rate a year in units of the asset; for a debt its cost.
        Returns: (1 + asset_return)(1 + yield_annual/365) − 1, exact. It is the growth of what is owed when
            the sign is −1, so that σ·price·quantity·return is the profit.
        """
        return (1 + asset_return) * (1 + Fraction(yield_annual) / DAYS_PER_YEAR) - 1


SPOT = Position(sign=1, may_be_short=True)
STABLECOIN = Position(sign=1, may_be_short=True)
STAKING = Position(sign=1, may_be_short=False)
SUPPLY = Position(sign=1, may_be_short=False, lent=True)
BORROW = Position(sign=-1, may_be_short=False, lent=True)
CLAIM = Position(sign=-1, may_be_short=False)
OPTION = Position(sign=1, may_be_short=True, linear=False)
LP = Position(sign=1, may_be_short=False, linear=False)

KINDS: Mapping[InstrumentKind, Position] = {
    "spot": SPOT,
    "stablecoin": STABLECOIN,
    "staking": STAKING,
    "supply": SUPPLY,
    "borrow": BORROW,
    "claim": CLAIM,
    "option": OPTION,
    "lp": LP,
}
"""An asset in custody; a token that is meant to be worth a dollar; a staking derivative; an asset lent out; a debt in
an asset; what investors or customers are owed in it; an option on it; a share of an automated market maker's pool."""
