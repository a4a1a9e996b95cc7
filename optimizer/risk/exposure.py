"""Balance-sheet measures of holdings: NAV, leverage, health, concentration (docs/policies).

Exact in rationals, since these are sums of published decimals. Sizes are stated per instrument, all custodians
of one together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from optimizer.errors import DataError
from optimizer.market import Instrument, Market

Quantities = Mapping[str, Decimal]
"""Instrument id → units of quantity; instruments left out are 0. Private."""


def _position(market: Market, name: str, quantity: Decimal) -> tuple[Instrument, Fraction]:
    instrument = market.instrument(name)
    if not isinstance(quantity, Decimal) or not quantity.is_finite():
        raise DataError("a quantity is a finite Decimal", column=name)
    if quantity < 0 and not instrument.signed:
        raise DataError(f"a quantity of {name!r} cannot be negative: the market does not allow it short", column=name)
    return instrument, instrument.sign * Fraction(instrument.price_usd) * Fraction(quantity)


@dataclass(frozen=True, repr=False, slots=True)
class Exposure:
    """What holdings are worth, by instrument. Secret, never printed.

    Args:
        values_usd: instrument id → σ·price·quantity, negative for debts and shorts.
        assets_usd: Σ h·value of what is owned, h = 1 − haircut.
        debts_usd: Σ g·|value| of debts and shorts, g = 1 + debt_margin.
        cash_usd: value in dollars and stablecoins, lent and owed ones included.
    """

    values_usd: Mapping[str, Fraction]
    assets_usd: Fraction
    debts_usd: Fraction
    cash_usd: Fraction

    @property
    def nav_usd(self) -> Fraction:
        """Net asset value: Σ σ·price·quantity."""
        return sum(self.values_usd.values(), Fraction(0))

    @property
    def gross_usd(self) -> Fraction:
        """Σ |price·quantity|, debts and cash included."""
        return sum((abs(value) for value in self.values_usd.values()), Fraction(0))

    def _of_nav(self, value: Fraction) -> Fraction:
        nav = self.nav_usd
        if nav <= 0:
            raise DataError("the holdings have no positive NAV, so nothing can be stated as a fraction of it")
        return value / nav

    @property
    def gross_leverage(self) -> Fraction:
        """Gross size over NAV. Raises: DataError: NAV is not positive."""
        return self._of_nav(self.gross_usd)

    @property
    def net_leverage(self) -> Fraction:
        """Net exposure to assets that are no cash, over NAV: 0 for a hedged or an all-cash fund.

        Raises: DataError: NAV is not positive.
        """
        return self._of_nav(self.nav_usd - self.cash_usd)

    @property
    def health(self) -> Fraction | None:
        """Solvency ratio: assets after haircuts over debts with margins; None without debts, at least 1 is solvent."""
        return self.assets_usd / self.debts_usd if self.debts_usd else None

    @property
    def concentration(self) -> dict[str, Fraction]:
        """Instrument id → |price·quantity| over NAV. Raises: DataError: NAV is not positive."""
        return {name: self._of_nav(abs(value)) for name, value in self.values_usd.items()}


def exposure(market: Market, quantities: Quantities) -> Exposure:
    """The balance sheet of holdings at the market's prices.

    Raises: DataError: an unknown instrument, or a negative quantity of one that cannot be short.
    """
    positions = {name: _position(market, name, quantity) for name, quantity in quantities.items()}
    cash = market.cash_assets
    zero = Fraction(0)
    return Exposure(
        values_usd={name: value for name, (_, value) in positions.items()},
        assets_usd=sum((v * (1 - Fraction(i.haircut)) for i, v in positions.values() if v > 0), zero),
        debts_usd=sum((-v * (1 + Fraction(i.debt_margin)) for i, v in positions.values() if v < 0), zero),
        cash_usd=sum((v for i, v in positions.values() if i.asset in cash), zero),
    )
