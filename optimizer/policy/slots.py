"""The slots of a layout on a market, as the constraint being written sees them (docs/policy.md)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from attest.program import Layout
from optimizer.market import Instrument, Market


class Slots:
    """What a constraint may ask about what the fund holds.

    Args:
        market: prices and scenarios.
        layout: the slots; held slots first.
    """

    def __init__(self, market: Market, layout: Layout) -> None:
        self.market = market
        self.held_slots = layout.held
        self.scope: frozenset[str] | None = None
        """Instruments that the constraint being written looks at, None for all."""
        self._layout = layout
        self._instruments = {j: market.instrument(layout[j].asset) for j in self.held_slots}
        self._returns: dict[int, list[list[int]]] = {}

    @property
    def instruments(self) -> tuple[str, ...]:
        """Ids of the instruments that the constraint being written looks at, in layout order."""
        held = dict.fromkeys(i.id for i in self._instruments.values())
        scope = self.scope
        return tuple(name for name in held if scope is None or name in scope)

    @property
    def slots(self) -> tuple[int, ...]:
        """Slots that hold these instruments, ascending."""
        scope = self.scope
        return tuple(j for j in self.held_slots if scope is None or self._instruments[j].id in scope)

    def in_scope(self, instrument: str) -> bool:
        """Whether the constraint being written looks at an instrument, held or not."""
        return self.scope is None or instrument in self.scope

    def instrument(self, slot: int) -> Instrument:
        """The instrument of a held slot."""
        return self._instruments[slot]

    def slots_of(self, instrument: str) -> tuple[int, ...]:
        """Slots that hold one instrument, ascending."""
        return tuple(j for j in self.held_slots if self._instruments[j].id == instrument)

    def lot(self, slot: int) -> Decimal:
        """Quantity of one lot."""
        return self._layout[slot].lot

    def lot_value_usd(self, slot: int) -> Fraction:
        """p·lot, positive for debts too."""
        return Fraction(self.instrument(slot).price_usd) * Fraction(self.lot(slot))

    def scenario_count(self, days: int = 1) -> int:
        """Number of overlapping outcomes over a horizon."""
        return len(self._returns_of(days))

    def scaled_returns(self, scenario: int, days: int = 1) -> list[int]:
        """(slots,) returns of one scenario over RETURN_SCALE."""
        return self._returns_of(days)[scenario]

    def _returns_of(self, days: int) -> list[list[int]]:
        if days not in self._returns:
            names = dict.fromkeys(i.id for i in self._instruments.values())
            scaled = {name: self.market.horizon_returns(name, days) for name in names}
            columns = [scaled[self.instrument(j).id] for j in self.held_slots]
            self._returns[days] = [list(row) for row in zip(*columns, strict=True)]
        return self._returns[days]
