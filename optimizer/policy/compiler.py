"""Compiling a policy on a market into integer programs: lots, money unit, rows, bounds (docs/policy.md).

Lots are powers of ten worth at most a dollar and the money unit is a power of ten far below them, both small
enough that no limit moves by more than rounding_tolerance·gross_cap_usd. The compiler writes the rows, reads
off how far each stands from the policy, and writes them again with smaller lots or a smaller unit where that is
too far; few passes suffice, since the distances scale with both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn

from attest.errors import ProgramError
from attest.program import Layout, Owner, Slot, check, decimal_string
from optimizer.errors import DataError, PolicyError
from optimizer.market import Market
from optimizer.policy.compiled import CompiledConstraint, CompiledPolicy
from optimizer.policy.composition import NamedConstraint
from optimizer.policy.constraint import AuxSlot
from optimizer.policy.model import BOOK, WALLET, Policy
from optimizer.policy.rows import RowWriter
from optimizer.policy.split import split

LARGEST_LOT_USD = Fraction(1)
UNIT_SHARE = Fraction(1, 1000)
"""Share of the tolerance that coefficient rounding aims at; lots take the rest."""
MAX_PASSES = 5


@dataclass(frozen=True, slots=True)
class _Scale:
    """Decimal exponents of what the compiler chooses.

    Args:
        lots: instrument id → exponent of its lot, for instruments that fix none.
        unit: exponent of the money unit.
    """

    lots: Mapping[str, int]
    unit: int


def compile_policy(policy: Policy, market: Market, previous_layout: Layout | None = None) -> CompiledPolicy:
    """Compile a policy on a market.

    Args:
        policy: the limits and sources.
        market: prices, terms and scenarios of at least the policy's instruments.
        previous_layout: of the previous epoch's holdings, for policies that compare epochs; others ignore it.
    Raises: PolicyError: naming the field and what to change: an unknown instrument, rounding above the tolerance,
        numbers that do not fit, a constraint with more rows than one program has, or a missing previous layout.
    """
    constraints = policy.named_constraints()
    _refuse_unknown(policy, constraints, market)
    comparing = [c.name for c in constraints if c.definition.compares_epochs]
    if not comparing:
        previous_layout = None
    elif previous_layout is None:
        detail = (
            "compares with the previous epoch: give the layout of its holdings; a fund's first epoch is proved under a "
            "policy without such a limit"
        )
        raise PolicyError(comparing[0], detail)
    tolerance = Fraction(policy.rounding_tolerance) * Fraction(policy.gross_cap_usd)
    scale = _first_scale(policy, market, tolerance)
    for _ in range(MAX_PASSES):
        compiled, writer = _compile(policy, market, constraints, scale, previous_layout)
        finer = _finer(scale, compiled, tolerance)
        if finer == scale:
            _refuse_coarse_comparison(compiled, tolerance)
            _refuse_broken_units(compiled)
            return _in_programs(compiled, writer)
        scale = finer
    _refuse_coarse_lots(compiled, tolerance)


def _refuse_unknown(policy: Policy, constraints: Sequence[NamedConstraint], market: Market) -> None:
    for i, source in enumerate(policy.sources):
        for k, name in enumerate(source.instruments):
            try:
                instrument = market.instrument(name)
            except DataError as error:
                detail = f"the market of {market.as_of} has no instrument {name!r}; remove it or load its market"
                raise PolicyError(f"sources.{i}.instruments.{k}", detail) from error
            if source.role == BOOK and instrument.sign > 0:
                detail = f"{name!r} is owned, and a liability book says what is owed; let another source report it"
                raise PolicyError(f"sources.{i}.instruments.{k}", detail)
    for i, held in enumerate(policy.wallet):
        try:
            sign = market.instrument(held.instrument).sign
        except DataError as error:
            detail = f"the market of {market.as_of} has no instrument {held.instrument!r}; remove it or load its market"
            raise PolicyError(f"wallet.{i}", detail) from error
        if sign <= 0:
            raise PolicyError(f"wallet.{i}", f"{held.instrument!r} is owed, and addresses only show what is owned")
    for constraint in constraints:
        for name in (*constraint.definition.instruments_named, *(constraint.scope or ())):
            if name not in policy.instruments:
                detail = f"nobody reports {name!r}; add it to a source or the wallet, or take it out of this constraint"
                raise PolicyError(constraint.name, detail)
        for name in constraint.definition.instruments_named:
            if constraint.scope is not None and name not in constraint.scope:
                detail = f"{name!r} is not in this constraint's sleeve, where it would limit nothing; take it out"
                raise PolicyError(constraint.name, detail)


def _floor_log10(x: Fraction) -> int:
    """The largest e with 10^e ≤ x, for x > 0."""
    e = len(str(x.numerator)) - len(str(x.denominator))
    while _power(e) > x:
        e -= 1
    return e


def _power(exponent: int) -> Fraction:
    return Fraction(10) ** exponent


def _first_scale(policy: Policy, market: Market, tolerance: Fraction) -> _Scale:
    """Lots that share half the tolerance, were each limit to move by as much as a position; then the unit."""
    slots = sum(len(source.instruments) for source in policy.sources) + len(policy.wallet)
    target = min(LARGEST_LOT_USD, tolerance / (2 * slots))
    instruments = [market.instrument(name) for name in policy.instruments]
    lots = {i.id: _floor_log10(target / Fraction(i.price_usd)) for i in instruments if i.lot is None}
    values = [Fraction(i.price_usd) * (_power(lots[i.id]) if i.lot is None else Fraction(i.lot)) for i in instruments]
    smallest = min(values)
    count = Fraction(policy.gross_cap_usd) / smallest + slots
    return _Scale(lots, _floor_log10(min(UNIT_SHARE * tolerance / count, smallest / 1000)))


def _decades(excess: Fraction) -> int:
    """How many powers of ten bring a ratio above 1 to at most 1."""
    return -_floor_log10(1 / excess)


def _finer(scale: _Scale, compiled: CompiledPolicy, tolerance: Fraction) -> _Scale:
    """The same scale where every bound is within the tolerance, else a finer one.

    What the previous epoch's lots add to the rounding is left out, so that slots and lots follow from policy and
    market alone and anybody can recompute the previous epoch's.

    Raises: PolicyError: lots that instruments fix are too coarse.
    """
    alone = [c for c in compiled.constraints if not c.definition.compares_epochs]
    rounding = max(c.rounding_usd for c in alone)
    lots = max(c.lots_usd for c in compiled.constraints)
    if max(lots, *(c.bound_usd for c in alone)) <= tolerance:
        return scale
    if 2 * lots <= tolerance:
        return _Scale(scale.lots, scale.unit - _decades(max(4 * rounding / tolerance, Fraction(2))))
    fixed = [name for name in compiled.policy.instruments if name not in scale.lots]
    values = list(zip(compiled.held_slots, compiled.lot_values_usd, strict=True))
    fixed_usd = sum((abs(v) for j, v in values if compiled.layout[j].asset in fixed), Fraction(0))
    free_usd = sum((abs(v) for j, v in values if compiled.layout[j].asset in scale.lots), Fraction(0))
    if not free_usd or fixed_usd > max(tolerance, free_usd):
        _refuse_coarse_lots(compiled, tolerance)
    down = _decades(max(2 * lots / tolerance, Fraction(2)))
    return _Scale({name: e - down for name, e in scale.lots.items()}, scale.unit - down)


def _refuse_broken_units(compiled: CompiledPolicy) -> None:
    for i, held in enumerate(compiled.wallet_slots):
        if held.lot.denominator != 1:
            slot = compiled.layout[held.slot]
            detail = (
                f"a lot of {decimal_string(slot.lot)} {slot.asset} is no whole number of the token's smallest unit: "
                "give the instrument a larger lot in the market file, or raise rounding_tolerance"
            )
            raise PolicyError(f"wallet.{i}", detail)


def _refuse_coarse_comparison(compiled: CompiledPolicy, tolerance: Fraction) -> None:
    for constraint in compiled.constraints:
        if constraint.bound_usd > tolerance:
            detail = (
                f"comparing with the previous epoch's lots moves it by up to {float(constraint.bound_usd):.4g} USD, "
                f"above the tolerance of {float(tolerance):.4g} USD; fix the same, smaller lots in both epochs' market "
                "files, or raise rounding_tolerance"
            )
            raise PolicyError(constraint.name, detail)


def _refuse_coarse_lots(compiled: CompiledPolicy, tolerance: Fraction) -> NoReturn:
    worst = max(compiled.constraints, key=lambda c: c.lots_usd)
    values = zip(compiled.held_slots, compiled.lot_values_usd, strict=True)
    largest = max((abs(value), compiled.layout[j].asset) for j, value in values)[1]
    detail = (
        f"rounding to lots moves constraint {worst.name!r} by up to {float(worst.lots_usd):.4g} USD, above the "
        f"tolerance of {float(tolerance):.4g} USD; instrument {largest!r} has the largest lot: give it a smaller "
        "one, or raise rounding_tolerance or gross_cap_usd"
    )
    raise PolicyError("rounding_tolerance", detail)


def _aux_slots(constraint: NamedConstraint, policy: Policy, market: Market) -> tuple[AuxSlot, ...]:
    try:
        return constraint.definition.aux(market, constraint.instruments(policy.instruments))
    except DataError as error:
        raise PolicyError(constraint.name, str(error)) from error


def _layout(policy: Policy, market: Market, scale: _Scale, aux: Mapping[str, tuple[AuxSlot, ...]]) -> Layout:
    def slot(owner: Owner, holder: str, name: str) -> Slot:
        i = market.instrument(name)
        lot = i.lot if i.lot is not None else Decimal(1).scaleb(scale.lots[name])
        return Slot(owner, name, lot, i.sign, holder, i.signed and owner is Owner.SOURCE)

    slots = [slot(Owner.SOURCE, source.name, name) for source in policy.sources for name in source.instruments]
    slots += [slot(Owner.PUBLIC, WALLET, held.instrument) for held in policy.wallet]
    unit = Decimal(1).scaleb(scale.unit)
    for constraint, requests in aux.items():
        slots += [Slot(Owner.AUX, f"{constraint}/{r.label}", unit, 0, signed=r.signed) for r in requests]
    return Layout(tuple(slots))


def _compile(
    policy: Policy,
    market: Market,
    constraints: Sequence[NamedConstraint],
    scale: _Scale,
    previous_layout: Layout | None,
) -> tuple[CompiledPolicy, RowWriter]:
    """All rows in one program, unchecked."""
    aux = {c.name: _aux_slots(c, policy, market) for c in constraints}
    layout = _layout(policy, market, scale, aux)
    unit = _power(scale.unit)
    writer = RowWriter(
        market,
        layout,
        unit_usd=unit,
        gross_cap_usd=Fraction(policy.gross_cap_usd),
        netting=policy.netting,
        aux=aux,
        previous_layout=previous_layout,
    )
    writer.write_previous()
    for constraint in constraints:
        try:
            writer.write(constraint.name, constraint.definition.rows, constraint.scope)
        except DataError as error:
            raise PolicyError(constraint.name, str(error)) from error
    compiled = tuple(_compiled_constraint(constraint, writer) for constraint in constraints)
    program = writer.program()
    return CompiledPolicy(policy, market, layout, program, (), unit, compiled, previous_layout), writer


def _compiled_constraint(constraint: NamedConstraint, writer: RowWriter) -> CompiledConstraint:
    rows = writer.sections[constraint.name]
    bounds = [writer.bounds[i] for i in rows]
    money = [(b, b.usd_per_unit) for b in bounds if b.usd_per_unit is not None]
    return CompiledConstraint(
        constraint.name,
        constraint.definition,
        constraint.scope,
        rows,
        writer.aux_slots(constraint.name),
        tuple(b.usd_per_unit for b in bounds),
        max((b.rounding * usd for b, usd in money), default=Fraction(0)),
        max((b.lots * usd for b, usd in money), default=Fraction(0)),
    )


def _in_programs(compiled: CompiledPolicy, writer: RowWriter) -> CompiledPolicy:
    """The programs that are proved, each within its size and kept from wrapping.

    Raises: PolicyError: naming the row.
    """
    writer.refuse_overflow(compiled.program)
    sections = {c.name: c.rows for c in compiled.constraints if c.definition.listed}
    always = [i for c in compiled.constraints if not c.definition.listed for i in c.rows]
    programs = split(compiled.program, [*range(writer.variable_count), *always], sections)
    for program in programs:
        try:
            check(program)
        except ProgramError as error:
            raise PolicyError(error.row.split("/", 1)[0] or "constraints", str(error)) from error
    return replace(compiled, programs=programs)
