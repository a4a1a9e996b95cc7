"""An allocation: whole lots that the policy's program accepts, and the figures an operator reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from optimizer.policy import CompiledPolicy, Holdings


@dataclass(frozen=True, slots=True)
class Allocation:
    """What the optimiser chose. Secret in all but its objective's name.

    Args:
        compiled: the policy it obeys.
        objective: name of the objective.
        lots: (m,) whole lots of the held slots.
        positions_usd: instrument id → value over all sources, negative for debts and shorts.
        nav_usd: assets less debts.
        objective_value: see the objective.
        expected_return_annual, volatility_annual: as fractions of NAV.
        expected_shortfall: one-day, at `shortfall_confidence`, as a fraction of NAV.
        sharpe_annual: None where the volatility is 0.
        quantities: (N,) the private vector, which satisfies the program.
        solver: who found it.
        binding: constraints that leave no more than what rounding and the solver need.
        shadow_prices: constraint → by how much the objective value improves per 1 % of NAV by which that limit is
            loosened, see `shadow`; where no allocation beats the risk-free rate, by how much the expected return
            does.
        note: what the operator should know about how the answer is defined, "" for nothing.
    """

    compiled: CompiledPolicy = field(repr=False)
    objective: str
    lots: tuple[int, ...] = field(repr=False)
    positions_usd: dict[str, Fraction] = field(repr=False)
    nav_usd: Fraction = field(repr=False)
    objective_value: float = field(repr=False)
    expected_return_annual: float = field(repr=False)
    volatility_annual: float = field(repr=False)
    expected_shortfall: float = field(repr=False)
    shortfall_confidence: float
    sharpe_annual: float | None = field(repr=False)
    quantities: tuple[int, ...] = field(default=(), repr=False)
    solver: str = ""
    binding: tuple[str, ...] = field(default=(), repr=False)
    shadow_prices: dict[str, float] = field(default_factory=dict, repr=False)
    note: str = ""

    def holdings(self) -> Holdings:
        """The holdings file of this allocation."""
        return self.compiled.holdings(self.lots)

    def weights(self) -> dict[str, float]:
        """Instrument id → value as a fraction of NAV."""
        return {name: float(value / self.nav_usd) for name, value in self.positions_usd.items()}

    def quantity(self, instrument: str) -> Decimal:
        """Units of one instrument over all sources."""
        held = self.holdings().sources.values()
        return sum((quantities.get(instrument, Decimal(0)) for quantities in held), Decimal(0))
