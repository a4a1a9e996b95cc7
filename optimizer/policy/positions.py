"""Positions: one instrument over all the slots that hold it (docs/policy.md, K.1).

Limits on a position never stand on single slots, or 70 % split over two custodians would pass a 40 % cap. The
absolute value of an instrument that cannot be short is the variable itself, so its weight is written on the
variable: the same statement as a weight on the plus part of its nonneg row, and one group of weights fewer in
the key. A signed instrument held in several slots gets a free position row; held in one slot, that slot's own
row serves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING

from attest.program import Entry, Kind, Part

if TYPE_CHECKING:
    from optimizer.policy.rows import RowWriter


POSITIONS = "positions"
"""What the rows of positions are called."""


def common_divisor(lots: Iterable[Fraction]) -> Fraction:
    """The greatest fraction of which all lots are integer multiples."""
    exact = tuple(lots)
    return Fraction(gcd(*(lot.numerator for lot in exact)), lcm(*(lot.denominator for lot in exact)))


@dataclass(slots=True)
class Size:
    """A size in USD as shares of slot values and prices on parts of rows.

    Args:
        shares: slot → multiple of its signed value σ·p·q.
        prices_usd: part of a row → USD per unit of the part.
    """

    shares: dict[int, int] = field(default_factory=dict)
    prices_usd: dict[Entry, Fraction] = field(default_factory=dict)

    def __iadd__(self, other: Size) -> Size:
        self.shares |= other.shares
        self.prices_usd |= other.prices_usd
        return self


class Positions:
    """The positions of a layout; writes a position row when a limit first needs it.

    Args:
        writer: where the rows go.
        netting: "across_sources" sums an instrument's slots before taking a size, "none" sums their sizes.
    """

    def __init__(self, writer: RowWriter, netting: str) -> None:
        self._writer = writer
        self._across = netting == "across_sources"
        self._rows: dict[str, tuple[int, Fraction]] = {}

    def gross(self, instrument: str) -> Size:
        """|position| in USD."""
        if not self._writer.market.instrument(instrument).signed:
            return self.net(instrument, 1)
        size = self._parts(instrument, Part.PLUS)
        size += self._parts(instrument, Part.MINUS)
        return size

    def side(self, instrument: str, side: int) -> Size:
        """Size in USD of the long (+1) or short (−1) side, or, where that means the same to a limit, its net."""
        signed = self._writer.market.instrument(instrument).signed
        if not signed or self._across or len(self._writer.slots_of(instrument)) == 1:
            return self.net(instrument, side)
        return self._parts(instrument, Part.PLUS if side > 0 else Part.MINUS)

    def net(self, instrument: str, side: int) -> Size:
        """±(position) in USD: what is owned or owed, with its sign turned for side −1."""
        sign = self._writer.market.instrument(instrument).sign
        return Size(shares=dict.fromkeys(self._writer.slots_of(instrument), side * sign))

    def slot_gross(self, slot: int) -> Size:
        """|value of one slot| in USD, before any netting."""
        instrument = self._writer.instrument(slot)
        if not instrument.signed:
            return Size(shares={slot: instrument.sign})
        row, price = self._variable(slot)
        return Size(prices_usd={Entry(row, part): price for part in Part})

    def net_lots(self, instrument: str) -> tuple[dict[int, int], Fraction]:
        """x = Σ (lot_j/g) q_j as coefficients, and USD per unit of x, before σ; g is the gcd of the lots. (K.1)"""
        slots = self._writer.slots_of(instrument)
        lots = [Fraction(self._writer.lot(slot)) for slot in slots]
        unit = common_divisor(lots)
        price = Fraction(self._writer.market.instrument(instrument).price_usd)
        return {slot: int(lot / unit) for slot, lot in zip(slots, lots, strict=True)}, price * unit

    def held(self, instrument: str) -> tuple[Entry, ...]:
        """Parts of rows of which one is not 0 exactly where the position is not 0.

        Where the policy does not net, a long at one source and a short at another are two positions.
        """
        slots = self._writer.slots_of(instrument)
        signed = self._writer.market.instrument(instrument).signed
        parts = tuple(Part) if signed else (Part.PLUS,)
        if len(slots) == 1 or (signed and not self._across):
            rows = [self._writer.variable_row(slot) for slot in slots]
        else:
            rows = [self._row(instrument)[0]]
        return tuple(Entry(row, part) for row in rows for part in parts)

    def _variable(self, slot: int) -> tuple[int, Fraction]:
        return self._writer.variable_row(slot), self._writer.lot_value_usd(slot)

    def _parts(self, instrument: str, part: Part) -> Size:
        slots = self._writer.slots_of(instrument)
        netted = self._across and len(slots) > 1
        rows = [self._row(instrument)] if netted else [self._variable(slot) for slot in slots]
        return Size(prices_usd={Entry(row, part): price for row, price in rows})

    def _row(self, instrument: str) -> tuple[int, Fraction]:
        """The free row x of an instrument that several slots hold, shared by all limits that need it. (K.1)"""
        if instrument not in self._rows:
            coefficients, price = self.net_lots(instrument)
            row = self._writer.count_row(f"{POSITIONS}/{instrument}", Kind.FREE, coefficients, own=False)
            self._rows[instrument] = (row, price)
        return self._rows[instrument]
