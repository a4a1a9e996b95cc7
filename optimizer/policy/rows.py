"""Writing rows: exact coefficients, rounded once, and how far each row is from the real-valued policy (protocol §2).

Every coefficient on a slot is a multiple of the slot's signed value σ·p·lot, so no limit can forget the sign of
a debt. Coefficients are fractions over one common denominator and are rounded once, floor(x + 1/2), in plain
integers. Beside each row stands a bound on its distance from the real-valued policy:

    rounding = ½ Σ|q_j| over rounded coefficients + Σ|W_e| · rounding of the source row e                      (K.2)
    lots     = Σ|A_j| + Σ|W_e| · lots of the source row e                                                      (K.3)

where Σ|q_j| is bounded through the gross cap, which is a row of every program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import lcm

from attest.program import PART_LIMIT, Entry, Kind, Layout, Owner, Program, ProgramBuilder
from optimizer.errors import PolicyError
from optimizer.market import RETURN_DECIMALS, Instrument, Market
from optimizer.policy.constraint import AuxSlot
from optimizer.policy.positions import Positions, Size

RETURN_SCALE = 10**RETURN_DECIMALS

VARIABLES = "holdings"
"""What the operator reads where a slot leaves its range, such as a negative debt."""


def round_half_up(numerator: int, denominator: int) -> int:
    """floor(numerator/denominator + ½) for a positive denominator."""
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass(frozen=True, slots=True)
class RowBound:
    """What the compiler knows of a row, all in the row's own units.

    Args:
        rounding: bound of its distance from the real-valued row, for lots held exactly.
        lots: bound of its change when every holding is rounded to lots.
        magnitude: bound of its absolute value under the gross cap.
        usd_per_unit: worth of one unit of the row, None where it does not measure money.
    """

    rounding: Fraction
    lots: int
    magnitude: int
    usd_per_unit: Fraction | None


@dataclass(slots=True)
class _Section:
    """Rows and aux slots of one constraint while they are written."""

    name: str
    rows: list[int] = field(default_factory=list)
    aux: dict[str, int] = field(default_factory=dict)


class RowWriter:
    """Turns multiples of slot values into rows of one integer program.

    Args:
        market: prices and scenarios.
        layout: the slots; source slots first.
        unit_usd: the money unit.
        gross_cap_usd: bound of Σ|value of a slot|.
        netting: see `Policy`.
        aux: constraint name → the aux slots that it asked for, in layout order.
    """

    def __init__(
        self,
        market: Market,
        layout: Layout,
        *,
        unit_usd: Fraction,
        gross_cap_usd: Fraction,
        netting: str,
        aux: Mapping[str, Sequence[AuxSlot]],
    ) -> None:
        self.market = market
        self.unit_usd = unit_usd
        self.gross_cap_usd = gross_cap_usd
        self.source_slots = layout.of(Owner.SOURCE)
        self.positions = Positions(self, netting)
        self.bounds: list[RowBound] = []
        self.sections: dict[str, tuple[int, ...]] = {}
        self._layout = layout
        self._instruments = {j: market.instrument(layout[j].asset) for j in self.source_slots}
        self._builder = ProgramBuilder(layout.size, aux=layout.of(Owner.AUX))
        self._section = _Section(VARIABLES)
        self._weights: dict[int, dict[Entry, int]] = {}
        self._prepare_values()
        self._returns = self._scaled_returns()
        self._write_variables(aux)

    def _prepare_values(self) -> None:
        values = {j: self.lot_value_usd(j) / self.unit_usd for j in self.source_slots}
        self._denominator = lcm(*(v.denominator for v in values.values()))
        self._signed_values = {j: self.instrument(j).sign * int(v * self._denominator) for j, v in values.items()}
        # A vector that passes the rounded cap obeys Σ (v_j − ½)|q_j| ≤ cap + ½; rounding to lots adds one a slot.
        cap = self.gross_cap_usd / self.unit_usd + Fraction(1, 2)
        smallest = min(values.values())
        if smallest < 1:
            raise PolicyError("rounding_tolerance", "one lot is worth less than a money unit; choose larger lots")
        self._largest = {j: cap / (v - Fraction(1, 2)) + len(values) for j, v in values.items()}
        self._largest_float = {j: float(q) * (1 + 1e-9) for j, q in self._largest.items()}
        self._by_size = sorted(self._largest.values())
        ranks = {q: rank for rank, q in enumerate(self._by_size)}
        self._rank = {j: ranks[q] for j, q in self._largest.items()}

    def _scaled_returns(self) -> list[list[int]]:
        """(S, slots) returns as integers over RETURN_SCALE."""
        names = dict.fromkeys(i.id for i in self._instruments.values())
        scaled = {n: [int(r.scaleb(RETURN_DECIMALS)) for r in self.market.scenarios.returns[n]] for n in names}
        columns = [scaled[self.instrument(j).id] for j in self.source_slots]
        return [list(row) for row in zip(*columns, strict=True)]

    def _write_variables(self, aux: Mapping[str, Sequence[AuxSlot]]) -> None:
        """The row of its own that every variable has."""
        self._variable_rows: dict[int, int] = {}
        for j in self.source_slots:
            slot = self._layout[j]
            bound = RowBound(Fraction(0), 1, int(self._largest_float[j]) + 1, None)
            name = f"{VARIABLES}/{slot.source} {slot.asset}"
            self._variable_rows[j] = self._add(name, Kind.FREE if slot.signed else Kind.NONNEG, {j: 1}, bound)
        self._aux: dict[str, dict[str, int]] = {}
        numbers = iter(self._layout.of(Owner.AUX))
        self._aux_magnitude: dict[int, int] = {}
        for constraint, requests in aux.items():
            self._aux[constraint] = {request.label: next(numbers) for request in requests}
            for request in requests:
                j = self._aux[constraint][request.label]
                magnitude = int(self.gross_cap_usd / self.unit_usd * request.magnitude_fraction * 2) + 1
                self._aux_magnitude[j] = magnitude
                kind = Kind.FREE if request.signed else Kind.NONNEG
                self._add(f"{constraint}/{request.label}", kind, {j: 1}, RowBound(Fraction(0), 0, magnitude, None))

    # What a constraint may ask -----------------------------------------------------------------------------------

    @property
    def scenario_count(self) -> int:
        """S."""
        return len(self._returns)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Ids of the instruments that some source holds, in layout order."""
        return tuple(dict.fromkeys(i.id for i in self._instruments.values()))

    def instrument(self, slot: int) -> Instrument:
        """The instrument of a source slot."""
        return self._instruments[slot]

    def slots_of(self, instrument: str) -> tuple[int, ...]:
        """Slots that hold one instrument, ascending."""
        return tuple(j for j in self.source_slots if self._instruments[j].id == instrument)

    def lot(self, slot: int) -> Decimal:
        """Quantity of one lot."""
        return self._layout[slot].lot

    def lot_value_usd(self, slot: int) -> Fraction:
        """p·lot, positive for debts too."""
        return Fraction(self.instrument(slot).price_usd) * Fraction(self.lot(slot))

    def variable_row(self, slot: int) -> int:
        """Index of the row that bounds a source slot."""
        return self._variable_rows[slot]

    def aux(self, label: str) -> int:
        """The slot that the constraint being written asked for under this label."""
        return self._aux[self._section.name][label]

    def shares(self, share: Callable[[int], int]) -> list[int]:
        """One number for each source slot."""
        return [share(j) for j in self.source_slots]

    def scaled_returns(self, scenario: int) -> list[int]:
        """(slots,) returns of one scenario over RETURN_SCALE."""
        return self._returns[scenario]

    # What a constraint may write ---------------------------------------------------------------------------------

    def value_row(
        self,
        label: str,
        kind: Kind,
        shares: Sequence[int],
        denominator: int = 1,
        *,
        multiple: int = 1,
        constant_usd: Fraction = Fraction(0),
        aux: Mapping[int, int] | None = None,
        weights: Mapping[Entry, int] | None = None,
        prices_usd: Mapping[Entry, Fraction] | None = None,
    ) -> int:
        """Add Σ shares/denominator · σ·p·q + constant, in money units, less its aggregates.

        Args:
            label: what the row is inside its constraint.
            kind: of the row.
            shares: (slots,) over `denominator`, in the order of `source_slots`.
            multiple: one unit of the row is 1/multiple of a money unit; applies to shares, constant and prices.
            constant_usd: on slot 0.
            aux: aux slot → exact integer coefficient.
            weights: part → exact integer weight.
            prices_usd: part → USD per unit of the part, a weight that is rounded like a coefficient.
        Returns: index of the row.
        """
        scale = self._denominator * denominator
        numerators = [multiple * v * k for v, k in zip(self._signed_values.values(), shares, strict=True)]
        rounded = [round_half_up(x, scale) for x in numerators]
        coefficients = dict(zip(self.source_slots, rounded, strict=True))
        inexact = [self._rank[j] for j, x in zip(self.source_slots, numerators, strict=True) if x % scale]
        rounding = self._by_size[max(inexact)] / 2 if inexact else Fraction(0)
        magnitude = int(max(abs(a) * self._largest_float[j] for j, a in coefficients.items())) + 1
        lots = sum(map(abs, rounded))

        constant = multiple * constant_usd / self.unit_usd
        coefficients[0] = round_half_up(constant.numerator, constant.denominator)
        rounding += Fraction(int(constant.denominator != 1), 2)
        magnitude += abs(coefficients[0])
        for j, a in (aux or {}).items():
            coefficients[j] = a
            magnitude += abs(a) * self._aux_magnitude[j]

        total: dict[Entry, int] = dict(weights or {})
        rough = Fraction(0)
        for entry, price in (prices_usd or {}).items():
            exact = multiple * price / self.unit_usd
            total[entry] = round_half_up(exact.numerator, exact.denominator)
            if exact.denominator != 1:
                # Parts of variable and position rows share the gross cap, as the quantities above do.
                rough = max(rough, Fraction(self.bounds[entry.row].magnitude))
        rounding += rough / 2
        for entry, weight in total.items():
            source = self.bounds[entry.row]
            rounding += abs(weight) * source.rounding
            lots += abs(weight) * source.lots
        bound = RowBound(rounding, lots, magnitude, self.unit_usd / multiple)
        index = self._add(f"{self._section.name}/{label}", kind, coefficients, bound, weights=total)
        self._weights[index] = total
        return index

    def weights(self, row: int) -> Mapping[Entry, int]:
        """The weights that a value row came to have after rounding."""
        return self._weights[row]

    def size_row(self, label: str, share: Fraction, sizes: Iterable[Size], constant_usd: Fraction = Fraction(0)) -> int:
        """Add the inequality share·NAV + constant − Σ sizes ≥ 0."""
        shares = dict.fromkeys(self.source_slots, share.numerator)
        prices: dict[Entry, Fraction] = {}
        for size in sizes:
            prices |= size.prices_usd
            for j, multiple in size.shares.items():
                shares[j] -= multiple * share.denominator
        ordered = self.shares(lambda j: shares[j])
        return self.value_row(
            label, Kind.NONNEG, ordered, share.denominator, constant_usd=constant_usd, prices_usd=prices
        )

    def flag_row(self, label: str, budget: int, flags: Iterable[Entry]) -> int:
        """Add the inequality budget − #{raised flags} ≥ 0."""
        bound = RowBound(Fraction(0), 0, budget, None)
        weights = dict.fromkeys(flags, 1)
        return self._add(f"{self._section.name}/{label}", Kind.NONNEG, {0: budget}, bound, flag_weights=weights)

    def count_row(self, name: str, kind: Kind, coefficients: Mapping[int, int]) -> int:
        """Add a row in quantities rather than money, outside the constraint being written."""
        magnitude = int(max(abs(a) * self._largest_float[j] for j, a in coefficients.items())) + 1
        bound = RowBound(Fraction(0), sum(map(abs, coefficients.values())), magnitude, None)
        index = self._builder.add(name, kind, coefficients)
        self.bounds.append(bound)
        return index

    def write(self, name: str, rows: Callable[[RowWriter], None]) -> None:
        """Let a constraint of this name add its rows."""
        self._section = _Section(name)
        rows(self)
        self.sections[name] = tuple(self._section.rows)

    def program(self) -> Program:
        """All rows so far, unchecked."""
        return self._builder.build()

    def aux_slots(self, name: str) -> tuple[int, ...]:
        """Aux slots of a constraint, ascending."""
        return tuple(self._aux.get(name, {}).values())

    def refuse_overflow(self, program: Program) -> None:
        """Raises: PolicyError: a row whose parts may leave [0, 2^77) under the gross cap."""
        for row, bound in zip(program.rows, self.bounds, strict=True):
            if bound.magnitude > PART_LIMIT:
                detail = (
                    f"row {row.name!r} may leave [0, 2^77); raise rounding_tolerance, fix larger lots, or publish "
                    "limits and confidence levels with fewer decimals"
                )
                raise PolicyError(row.constraint, detail)

    def _add(
        self,
        name: str,
        kind: Kind,
        coefficients: Mapping[int, int],
        bound: RowBound,
        *,
        weights: Mapping[Entry, int] | None = None,
        flag_weights: Mapping[Entry, int] | None = None,
    ) -> int:
        index = self._builder.add(name, kind, coefficients, weights=weights, flag_weights=flag_weights)
        self.bounds.append(bound)
        self._section.rows.append(index)
        return index
