"""Writing rows: exact coefficients, rounded once and against the prover (docs/policy.md).

Every coefficient on a slot is a multiple of the slot's signed value σ·p·lot, so no limit can forget the sign of
a debt. Coefficients are fractions over one common denominator and are rounded once, floor(x + 1/2), in plain
integers. How far a row of whole lots can then stand from its exact meaning is known before any holdings are:

    rounding = ½ Σ|q_j| over rounded coefficients + Σ|W_e| · rounding of the source row e                      (K.2)
    lots     = Σ|A_j| + Σ|W_e| · lots of the source row e                                                      (K.3)

where Σ|q_j| is bounded through the gross cap, which is a row of every program. Each limit is moved against the
prover by its whole rounding, so that a program that holds for whole lots implies the policy as it is written:

    A_0 ← A_0 − ⌈rounding⌉ in an inequality,   A_0 ← A_0 + ⌈rounding⌉ in a row whose positive part is counted   (K.13)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor, lcm

from attest.program import PART_LIMIT, RANGE_BITS, Entry, Kind, Layout, Owner, Part, Program, ProgramBuilder
from optimizer.errors import PolicyError
from optimizer.market import Market
from optimizer.policy.bounds import QuantityBounds, RowBound, round_half_up, square_root_up
from optimizer.policy.constraint import AuxSlot
from optimizer.policy.positions import Positions, Size
from optimizer.policy.slots import Slots

VARIABLES = "holdings"
"""What the operator reads where a slot leaves its range, such as a negative debt."""
PREVIOUS = "previous"
"""The same for the previous epoch's slots."""


@dataclass(frozen=True, slots=True)
class Component:
    """One coordinate of a norm: Σ shares/denominator · σ·p·q.

    Args:
        label: of its row inside the constraint.
        shares: (slots,) in the order of `held_slots`.
    """

    label: str
    shares: Sequence[int]
    denominator: int


@dataclass(slots=True)
class _Section:
    """Rows of one constraint while they are written."""

    name: str
    rows: list[int] = field(default_factory=list)


class RowWriter(Slots):
    """Turns multiples of slot values into rows of one integer program, however long.

    Args:
        market: prices and scenarios.
        layout: the slots; held slots first.
        unit_usd: the money unit.
        gross_cap_usd: bound of Σ|value of a slot|.
        netting: see `Policy`.
        aux: constraint name → the aux slots that it asked for, in layout order.
        previous_layout: of the previous epoch, where a constraint compares epochs.
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
        previous_layout: Layout | None = None,
    ) -> None:
        super().__init__(market, layout)
        self.unit_usd = unit_usd
        self.gross_cap_usd = gross_cap_usd
        self.previous_layout = previous_layout
        self.positions = Positions(self, netting)
        self.bounds: list[RowBound] = []
        self.sections: dict[str, tuple[int, ...]] = {}
        previous_size = previous_layout.size if previous_layout is not None else 0
        self._builder = ProgramBuilder(layout.size, aux=layout.of(Owner.AUX), previous_size=previous_size)
        self._section = _Section(VARIABLES)
        self._prepare_values()
        self._weights: dict[int, dict[Entry, int]] = {}
        self._write_variables(aux)

    def _prepare_values(self) -> None:
        values = {j: self.lot_value_usd(j) / self.unit_usd for j in self.held_slots}
        self._denominator = lcm(*(v.denominator for v in values.values()))
        self._signed_values = [self.instrument(j).sign * int(v * self._denominator) for j, v in values.items()]
        self._bounds = QuantityBounds(values, self.gross_cap_usd / self.unit_usd)

    def _write_variables(self, aux: Mapping[str, Sequence[AuxSlot]]) -> None:
        """The row of its own that every variable has."""
        self._variable_rows: dict[int, int] = {}
        for j in self.held_slots:
            slot = self._layout[j]
            bound = RowBound(Fraction(0), 1, self._bounds.most(j), None)
            name = f"{VARIABLES}/{slot.source} {slot.asset}"
            self._variable_rows[j] = self._add(name, Kind.FREE if slot.signed else Kind.NONNEG, {j: 1}, bound)
        self._aux: dict[str, dict[str, int]] = {}
        numbers = iter(self._layout.of(Owner.AUX))
        self._aux_magnitude: dict[int, int] = {}
        for constraint, requests in aux.items():
            self._aux[constraint] = {request.label: next(numbers) for request in requests}
            for request in requests:
                j = self._aux[constraint][request.label]
                self._aux_magnitude[j] = self._largest_aux(request)
                kind = Kind.FREE if request.signed else Kind.NONNEG
                bound = RowBound(Fraction(0), 0, self._aux_magnitude[j], None)
                self._variable_rows[j] = self._add(f"{constraint}/{request.label}", kind, {j: 1}, bound)
        self.variable_count = len(self.bounds)

    def _largest_aux(self, request: AuxSlot) -> int:
        if request.instrument is not None:
            coefficients, _ = self.positions.net_lots(request.instrument)
            return self._bounds.magnitude([coefficients.get(j, 0) for j in self.held_slots])
        if request.fraction is None:
            return PART_LIMIT
        largest: Fraction = 2 * request.fraction * self.gross_cap_usd / self.unit_usd
        return ceil(largest) + 1

    # What a constraint may ask -----------------------------------------------------------------------------------

    def largest_nav(self, share: Fraction) -> Fraction:
        """Bound of |share·NAV| in money units, its coefficients rounded.

        A rounded coefficient is at most share·v + ½ = share·(v − ½) + (1 + share)/2, v being the lot's value.
        """
        everything = self._bounds.total([True] * len(self.held_slots))
        return share * (self.gross_cap_usd / self.unit_usd + Fraction(1, 2)) + (1 + share) / 2 * everything

    def variable_row(self, slot: int) -> int:
        """Index of the row that bounds a source or aux slot."""
        return self._variable_rows[slot]

    def aux(self, label: str) -> int:
        """The slot that the constraint being written asked for under this label."""
        return self._aux[self._section.name][label]

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
        aux_usd: Mapping[int, Fraction] | None = None,
        weights: Mapping[Entry, int] | None = None,
        prices_usd: Mapping[Entry, Fraction] | None = None,
        flags_usd: Mapping[Entry, Fraction] | None = None,
        counted: bool = False,
        reserve: Fraction = Fraction(0),
        worth: Fraction = Fraction(1),
    ) -> int:
        """Add Σ shares/denominator · σ·p·q + constant, in money units, less its aggregates, against the prover.

        Args:
            label: what the row is inside its constraint.
            kind: of the row.
            shares: (slots,) over `denominator`, in the order of `held_slots`; those outside the scope are ignored.
            multiple: one unit of the row is 1/multiple of a money unit; applies to all that is in USD.
            constant_usd: on slot 0.
            aux: aux slot → exact integer coefficient.
            aux_usd: aux slot → USD per unit of it, rounded down.
            weights: part → exact integer weight.
            prices_usd: part → USD per unit of the part, a weight that is rounded like a coefficient.
            flags_usd: part → USD that are taken off where the part is not 0; they take the row's rounding upon
                themselves, so that without them nothing is taken off.
            counted: whether the row's positive part raises a flag, which rounding must not prevent. (K.13)
            reserve: rounding of other rows that this one takes upon itself, in its own units.
            worth: USD of the limit in one USD of the row.
        Returns: index of the row.
        """
        scope = self.scope
        if scope is not None:
            inside = [self._instruments[j].id in scope for j in self.held_slots]
            shares = [k if i else 0 for i, k in zip(inside, shares, strict=True)]
        scale = self._denominator * denominator
        numerators = [multiple * v * k for v, k in zip(self._signed_values, shares, strict=True)]
        rounded = [round_half_up(x, scale) for x in numerators]
        coefficients = dict(zip(self.held_slots, rounded, strict=True))
        inexact = [x % scale != 0 for x in numerators]
        rounding = self._bounds.total(inexact) / 2 + reserve
        magnitude = self._bounds.magnitude(rounded)
        lots = sum(map(abs, rounded))

        constant = multiple * constant_usd / self.unit_usd
        coefficients[0] = round_half_up(constant.numerator, constant.denominator)
        rounding += Fraction(int(constant.denominator != 1), 2)
        for j, a in (aux or {}).items():
            coefficients[j] = a
            magnitude += abs(a) * self._aux_magnitude[j]
        for j, usd in (aux_usd or {}).items():
            exact = multiple * usd / self.unit_usd
            coefficients[j] = floor(exact)
            rounding += int(exact.denominator != 1) * self._aux_magnitude[j]
            magnitude += (abs(coefficients[j]) + 1) * self._aux_magnitude[j]

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
        reserved = ceil(rounding)
        guard = reserved if counted else -reserved if kind is Kind.NONNEG and not flags_usd else 0
        raised = {entry: ceil(multiple * usd / self.unit_usd) + reserved for entry, usd in (flags_usd or {}).items()}
        rounding += sum(raised.values()) - sum(multiple * usd / self.unit_usd for usd in (flags_usd or {}).values())
        coefficients[0] += guard
        magnitude += abs(coefficients[0])
        bound = RowBound(rounding + abs(guard), lots, magnitude, self.unit_usd / multiple * worth)
        name = f"{self._section.name}/{label}"
        index = self._add(name, kind, coefficients, bound, weights=total, flag_weights=raised)
        self._weights[index] = total
        return index

    def weights(self, row: int) -> Mapping[Entry, int]:
        """The weights that a value row came to have after rounding."""
        return self._weights[row]

    def share_row(self, label: str, kind: Kind, shares: Mapping[int, Fraction], **options: object) -> int:
        """`value_row` with one fraction for each slot that has a share; see there for the options."""
        denominator = lcm(1, *{share.denominator for share in shares.values()})
        scaled = {j: share.numerator * (denominator // share.denominator) for j, share in shares.items()}
        ordered = [scaled.get(j, 0) for j in self.held_slots]
        return self.value_row(label, kind, ordered, denominator, **options)  # type: ignore[arg-type]

    def size_row(
        self,
        label: str,
        share: Fraction,
        sizes: Iterable[Size],
        constant_usd: Fraction = Fraction(0),
        prices_usd: Mapping[Entry, Fraction] | None = None,
    ) -> int:
        """Add the inequality share·NAV + constant − Σ sizes − Σ prices·parts ≥ 0, NAV being that of the scope."""
        shares = dict.fromkeys(self.held_slots, share.numerator)
        prices = dict(prices_usd or {})
        for size in sizes:
            prices |= size.prices_usd
            for j, multiple in size.shares.items():
                shares[j] -= multiple * share.denominator
        ordered = list(shares.values())
        return self.value_row(
            label, Kind.NONNEG, ordered, share.denominator, constant_usd=constant_usd, prices_usd=prices
        )

    def flag_row(self, label: str, budget: int, flags: Iterable[Entry]) -> int:
        """Add the inequality budget − #{raised flags} ≥ 0."""
        bound = RowBound(Fraction(0), 0, budget, None)
        weights = dict.fromkeys(flags, 1)
        return self._add(f"{self._section.name}/{label}", Kind.NONNEG, {0: budget}, bound, flag_weights=weights)

    def norm_rows(
        self, limit: Fraction, components: Sequence[Component], squares: int, high: str, worth: Fraction
    ) -> None:
        """Add √squares · ‖components‖₂ ≤ limit·NAV as rows. (K.14)

        v_k free for each component; c = limit·NAV, nonneg; c² − squares·Σ v_k² = s⁺ + 2^77·u with u in the aux slot
        `high`. The rounding of every v_k is taken off c, by the triangle inequality.

        Args:
            worth: USD of the limit in one USD of c.
        """
        rows = [self.value_row(c.label, Kind.FREE, c.shares, c.denominator) for c in components]
        reserve = square_root_up(squares * sum((self.bounds[i].rounding ** 2 for i in rows), Fraction(0)))
        moved = square_root_up(squares * sum((Fraction(self.bounds[i].lots) ** 2 for i in rows), Fraction(0)))
        shares = dict.fromkeys(self.held_slots, limit)
        radius = self.share_row("radius", Kind.NONNEG, shares, reserve=Fraction(reserve), worth=worth)
        self.bounds[radius] = replace(self.bounds[radius], lots=self.bounds[radius].lots + moved)
        parts = {Entry(row, part): squares for row in rows for part in Part}
        self._add(
            f"{self._section.name}/norm",
            Kind.NONNEG,
            {self.aux(high): -(1 << RANGE_BITS)},
            RowBound(Fraction(0), 0, 0, None),
            square_weights={Entry(radius, Part.PLUS): -1} | parts,
        )

    def count_row(
        self,
        name: str,
        kind: Kind,
        coefficients: Mapping[int, int],
        *,
        previous: Mapping[int, int] | None = None,
        magnitude: int | None = None,
        own: bool = True,
    ) -> int:
        """Add a row in quantities rather than money, exact.

        Args:
            name: inside the constraint being written, or whole where the row is not its `own` but shared.
            coefficients: slot → integer, aux slots too.
            previous: slot of the previous epoch's vector → integer; its lots are what was committed, and are exact.
            magnitude: bound of its absolute value; None derives it.
        """
        if magnitude is None:
            magnitude = self._bounds.magnitude([coefficients.get(j, 0) for j in self.held_slots])
            magnitude += sum(abs(a) * self._aux_magnitude.get(j, 0) for j, a in coefficients.items())
        lots = sum(abs(a) for j, a in coefficients.items() if j not in self._aux_magnitude and j)
        bound = RowBound(Fraction(0), lots, magnitude, None)
        if own:
            return self._add(f"{self._section.name}/{name}", kind, coefficients, bound, previous=previous)
        self.bounds.append(bound)
        return self._builder.add(name, kind, coefficients, previous=previous)

    def write_previous(self) -> None:
        """The row of its own that every slot of the previous epoch has."""
        if self.previous_layout is None:
            return
        self._section = _Section(PREVIOUS)
        for j in range(1, self.previous_layout.size):
            slot = self.previous_layout[j]
            kind = Kind.FREE if slot.signed else Kind.NONNEG
            name = f"{PREVIOUS}/{slot.source or 'aux'} {slot.asset}"
            self._add(name, kind, {}, RowBound(Fraction(0), 1, 0, None), previous={j: 1})
        self.sections[PREVIOUS] = tuple(self._section.rows)

    def write(self, name: str, rows: Callable[[RowWriter], None], scope: frozenset[str] | None = None) -> None:
        """Let a constraint of this name add its rows, looking at the instruments of its scope only."""
        self._section, self.scope = _Section(name), scope
        rows(self)
        self.sections[name] = tuple(self._section.rows)

    def program(self) -> Program:
        """All rows so far, unchecked and of any number."""
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
        previous: Mapping[int, int] | None = None,
        weights: Mapping[Entry, int] | None = None,
        flag_weights: Mapping[Entry, int] | None = None,
        square_weights: Mapping[Entry, int] | None = None,
    ) -> int:
        index = self._builder.add(
            name,
            kind,
            coefficients,
            previous=previous,
            weights=weights,
            flag_weights=flag_weights,
            square_weights=square_weights,
        )
        self.bounds.append(bound)
        self._section.rows.append(index)
        return index
