"""A compiled policy: layout, integer program, and how far the program may stand from the policy (docs/policy.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from attest.program import Layout, Owner, Program, slacks
from optimizer.errors import DataError
from optimizer.market import Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, RowSlack
from optimizer.policy.holdings import Holdings
from optimizer.policy.model import Policy


@dataclass(frozen=True, slots=True)
class WalletSlot:
    """A slot that is read from the fund's addresses.

    Args: token: None for the chain's own coin; lot: in its smallest unit.
    """

    slot: int
    token: str | None
    lot: Fraction


@dataclass(frozen=True, slots=True)
class CompiledConstraint:
    """One constraint and where it stands in the program.

    Args:
        name: as the operator reads it.
        definition: its kind and parameters.
        rows: indices of its rows, ascending.
        aux: slots that the prover fills for it.
        usd_per_unit: of each of its rows, None where the row does not measure money.
        rounding_usd: bound of |integer program − policy| for holdings in whole lots, USD of the limit.
        lots_usd: bound of what rounding the holdings to lots moves, USD of the limit.
    """

    name: str
    definition: Constraint
    scope: frozenset[str] | None
    rows: tuple[int, ...]
    aux: tuple[int, ...]
    usd_per_unit: tuple[Fraction | None, ...]
    rounding_usd: Fraction
    lots_usd: Fraction

    def plain_slack_usd(self, book: Book) -> Fraction:
        """See `Constraint.plain_slack_usd`; of the instruments in its scope."""
        return self.definition.plain_slack_usd(book.within(self.scope))

    @property
    def bound_usd(self) -> Fraction:
        """A holding that keeps the limit by more than this passes, one that breaks it by more does not."""
        return self.rounding_usd + self.lots_usd


@dataclass(frozen=True)
class CompiledPolicy:
    """A policy on a market as an integer program.

    Args:
        policy, market: what was compiled.
        layout: slots of the sources in policy order, then of the wallet, then aux slots.
        program: all rows, of any number: what is optimised and reported.
        programs: over this one layout, together all rows: what is proved; all must pass.
        previous_layout: of the previous epoch, where a constraint compares epochs.
        unit_usd: the money unit, a power of ten.
        constraints: every constraint, the NAV floor and the gross cap first.
    """

    policy: Policy
    market: Market
    layout: Layout
    program: Program
    programs: tuple[Program, ...]
    unit_usd: Fraction
    constraints: tuple[CompiledConstraint, ...]
    previous_layout: Layout | None = None

    @cached_property
    def policy_hash(self) -> bytes:
        return self.policy.hash

    @cached_property
    def market_hash(self) -> bytes:
        return self.market.hash

    @cached_property
    def held_slots(self) -> tuple[int, ...]:
        """Slots of what the fund holds and owes, ascending: 1..m."""
        return self.layout.held

    @property
    def wallet_slots(self) -> tuple[WalletSlot, ...]:
        """Of each token of the wallet, in policy order, which is ascending."""
        pairs = zip(self.layout.of(Owner.PUBLIC), self.policy.wallet, strict=True)
        return tuple(
            WalletSlot(slot, held.token, Fraction(self.layout[slot].lot) * 10**held.decimals) for slot, held in pairs
        )

    @cached_property
    def lot_values_usd(self) -> tuple[Fraction, ...]:
        """(m,) σ·p·lot of each held slot, negative for debts."""
        slots = [self.layout[j] for j in self.held_slots]
        return tuple(s.sign * Fraction(self.market.instrument(s.asset).price_usd) * Fraction(s.lot) for s in slots)

    @property
    def bounds_usd(self) -> dict[str, Fraction]:
        """Constraint name → how far the integer program may stand from the policy, USD."""
        return {c.name: c.bound_usd for c in self.constraints}

    def constraint(self, name: str) -> CompiledConstraint:
        """Raises: KeyError: no constraint of that name."""
        return {c.name: c for c in self.constraints}[name]

    def lots(self, holdings: Holdings) -> tuple[int, ...]:
        """(m,) whole lots of a holdings file.

        Raises: DataError: it does not fit the policy's sources or is of another day than the market.
        """
        self._refuse_other_day(holdings)
        return holdings.lots(self.layout)

    def source_lots(self, holdings: Holdings, source: str) -> dict[int, int]:
        """Slot → whole lots of one source, which needs to know no other's. Raises: DataError: as `lots`."""
        self._refuse_other_day(holdings)
        return holdings.source_lots(self.layout, source)

    def _refuse_other_day(self, holdings: Holdings) -> None:
        if holdings.as_of != self.market.as_of:
            raise DataError(f"the holdings are of {holdings.as_of}, the market of {self.market.as_of}; use one day")

    def holdings(self, lots: Sequence[int]) -> Holdings:
        """The holdings file of these lots, exactly."""
        return Holdings.of(self.layout, tuple(lots), self.market.as_of)

    def aux_values(self, lots: Sequence[int]) -> dict[int, int]:
        """Best values of the aux slots for the lots of the held slots. Secret.

        With them the program holds whenever any values make it hold.

        Args:
            lots: (m,) in layout order.
        Returns: aux slot → value.
        """
        vector = self._vector(lots, {})
        filled: dict[int, int] = {}
        for constraint in self.constraints:
            if constraint.aux:
                own = [self.program.rows[i] for i in constraint.rows]
                rows = [
                    RowSlack(row.kind, sum(a * vector[j] for j, a in row.coefficients.items()), usd)
                    for row, usd in zip(own, constraint.usd_per_unit, strict=True)
                ]
                filled |= zip(constraint.aux, constraint.definition.fill(rows), strict=True)
        return filled

    def quantities(self, lots: Sequence[int]) -> tuple[int, ...]:
        """(N,) the private vector: 1, the lots, and the aux slots filled. Secret."""
        return tuple(self._vector(lots, self.aux_values(lots)))

    def _vector(self, lots: Sequence[int], aux: Mapping[int, int]) -> list[int]:
        vector = [1] + [0] * (self.layout.size - 1)
        for j, count in zip(self.held_slots, lots, strict=True):
            vector[j] = count
        for j, value in aux.items():
            vector[j] = value
        return vector

    def nav_usd(self, lots: Sequence[int]) -> Fraction:
        """Exact NAV of whole lots, USD."""
        return sum((v * q for v, q in zip(self.lot_values_usd, lots, strict=True)), Fraction(0))

    def previous_quantities(self, holdings: Holdings | None) -> tuple[int, ...]:
        """(N',) the previous epoch's private vector: 1, its lots, and 0 in its aux slots. Secret.

        Args:
            holdings: of the previous epoch; None where no constraint compares epochs.
        Returns: the empty vector where no constraint compares epochs.
        Raises: DataError: the policy compares epochs and there are no holdings, or they fit another layout.
        """
        layout = self.previous_layout
        if layout is None:
            return ()
        if holdings is None:
            raise DataError("the policy compares epochs; give the previous epoch's holdings too")
        vector = [1] + [0] * (layout.size - 1)
        for j, count in zip(layout.held, holdings.lots(layout), strict=True):
            vector[j] = count
        return tuple(vector)

    def slacks_usd(self, quantities: Sequence[int], previous: Sequence[int] = ()) -> dict[str, Fraction]:
        """Constraint name → what is left of its limit by the integer program, USD; ≥ 0 iff it holds. Secret.

        Args:
            quantities: (N,) as from `quantities`.
            previous: (N',) as from `previous_quantities`.
        """
        remaining = slacks(self.program, quantities, previous)
        return {
            c.name: c.definition.slack_usd(
                [
                    RowSlack(self.program.rows[i].kind, remaining[i], usd)
                    for i, usd in zip(c.rows, c.usd_per_unit, strict=True)
                ]
            )
            for c in self.constraints
        }
