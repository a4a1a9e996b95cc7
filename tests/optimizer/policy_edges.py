"""How close the integer program is to the plain meaning of a policy: the check that every kind must pass."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from attest.errors import StatementFalse
from attest.program import Layout, Owner, check, solve
from optimizer.market import Market
from optimizer.policy import Book, CompiledPolicy, Holdings, Policy
from tests.optimizer.policy_strategies import lots_of

Quantities = Mapping[tuple[str, str], Decimal]


def violated(compiled: CompiledPolicy, lots: tuple[int, ...], previous: tuple[int, ...] = ()) -> tuple[str, ...]:
    """Names of the constraints that whole lots break."""
    try:
        solve(compiled.program, compiled.quantities(lots), previous)
    except StatementFalse as error:
        return error.constraints
    return ()


def whole_quantities(layout: Layout, lots: tuple[int, ...]) -> dict[tuple[str, str], Fraction]:
    """What whole lots stand for, exactly."""
    slots = [layout[j] for j in layout.of(Owner.SOURCE)]
    return {(s.source, s.asset): count * Fraction(s.lot) for s, count in zip(slots, lots, strict=True)}


def previous_lots(compiled: CompiledPolicy, held: Quantities | None) -> tuple[int, ...]:
    """(N',) the previous epoch's vector of real-valued holdings, rounded to lots."""
    if held is None or compiled.previous_layout is None:
        return ()
    sources: dict[str, dict[str, Decimal]] = {}
    for (source, name), quantity in held.items():
        sources.setdefault(source, {})[name] = quantity
    return compiled.previous_quantities(Holdings(as_of=compiled.market.as_of, sources=sources))


def one_lot_on(compiled: CompiledPolicy, lots: tuple[int, ...], slot: tuple[str, str], step: int) -> tuple[int, ...]:
    """The same lots but for one more or less in the slot of a source and instrument."""
    slots = [(compiled.layout[j].source, compiled.layout[j].asset) for j in compiled.held_slots]
    assert slot in slots
    return tuple(count + step * (own == slot) for own, count in zip(slots, lots, strict=True))


def assert_exactly_at_the_limit(
    compiled: CompiledPolicy, name: str, held: Quantities, slot: tuple[str, str], step: int
) -> None:
    """(K.13): where no coefficient needs rounding, a book that keeps a limit exactly passes, and a lot past it fails.

    Args:
        slot: source and instrument of the lot.
        step: +1 or −1 lots of quantity.
    """
    lots = lots_of(compiled, dict(held))
    limited = compiled.constraint(name)
    assert limited.rounding_usd == 0
    whole = Book(compiled.market, whole_quantities(compiled.layout, lots), compiled.policy.netting)
    assert limited.plain_slack_usd(whole) == 0
    assert violated(compiled, lots) == ()
    assert violated(compiled, one_lot_on(compiled, lots, slot, step)) == (name,)


def assert_program_means_policy(
    compiled: CompiledPolicy, policy: Policy, market: Market, held: Quantities, previous: Quantities | None = None
) -> None:
    """(K.2), (K.3), (K.13): what the program accepts for whole lots keeps the policy as written, and what keeps it by
    more than the stated bound is accepted; with real-valued quantities, what breaks it by more is refused.

    Args:
        held: every slot's quantity, finer than lots.
        previous: the same of the previous epoch; what it is compared with are the lots that were committed.
    """
    for program in compiled.programs:
        check(program)
    lots = lots_of(compiled, dict(held))
    before = previous_lots(compiled, previous)
    broken = violated(compiled, lots, before)
    left = compiled.slacks_usd(compiled.quantities(lots), before)
    earlier = {}
    if compiled.previous_layout is not None:
        layout = compiled.previous_layout
        earlier = whole_quantities(layout, tuple(before[j] for j in layout.of(Owner.SOURCE)))
    real = Book(market, {slot: Fraction(quantity) for slot, quantity in held.items()}, policy.netting, earlier)
    whole = Book(market, whole_quantities(compiled.layout, lots), policy.netting, earlier)
    capped = "gross_cap" not in broken
    for constraint in compiled.constraints:
        name, tolerance = constraint.name, Fraction(policy.rounding_tolerance) * Fraction(policy.gross_cap_usd)
        assert constraint.bound_usd <= tolerance, name
        assert (left[name] < 0) == (name in broken), name
        if not capped and name != "gross_cap":
            continue
        smooth = constraint.definition.continuous
        exact, slack = constraint.plain_slack_usd(whole), constraint.plain_slack_usd(real)
        if name in broken:
            assert exact <= constraint.rounding_usd, f"{name} refuses whole lots that keep it by more than the bound"
            assert not smooth or slack <= constraint.bound_usd, f"{name} refuses what keeps it by more than the bound"
        else:
            assert exact >= 0, f"{name} accepts whole lots that break it"
            assert not smooth or slack >= -constraint.bound_usd, f"{name} accepts what breaks it by more than the bound"
