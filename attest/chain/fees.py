"""What a transaction may cost, and what its replacement must (EIP-1559)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

GWEI = 10**9
MOST_WITHOUT_BOUND = 4
"""Where a network sets no `max_fee_gwei`, a replacement pays at most so many times what a new transaction would."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a transaction would cost: gas units and wei per gas unit."""

    gas: int
    max_fee: int
    priority_fee: int

    @property
    def wei(self) -> int:
        """At most this much is paid."""
        return self.gas * self.max_fee

    @property
    def ether(self) -> float:
        """At most this much is paid."""
        return self.wei / 10**18


def in_wei(gwei: float) -> int:
    """An amount of a settings file, exactly as its decimals say."""
    return int(Decimal(str(gwei)) * GWEI)


def raised(fee: int) -> int:
    """The least that every client takes in place of a fee: an eighth more."""
    return max(-(-fee * 9 // 8), fee + 1)


def replacement(before: Quote, market: Quote, bound: int | None) -> Quote | None:
    """Fees that replace a waiting transaction: both an eighth higher, and no lower than a new transaction's.

    Args:
        market: what a new transaction would pay; bound: of the fee in wei per gas unit.
    Returns: None when they would be above the bound.
    """
    priority = max(raised(before.priority_fee), market.priority_fee)
    fee = max(raised(before.max_fee), market.max_fee, priority)
    limit = MOST_WITHOUT_BOUND * market.max_fee if bound is None else bound
    return Quote(before.gas, fee, priority) if fee <= limit else None
