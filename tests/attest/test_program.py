"""Programs: every compiler rule broken alone, and what the rules allow (protocol §2)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from attest.errors import ProgramError, SourceError
from attest.field import MODULUS
from attest.program import (
    PART_LIMIT,
    Entry,
    Kind,
    Layout,
    Owner,
    Parameters,
    Part,
    Program,
    ProgramBuilder,
    Row,
    check,
    check_layout,
    packing_for,
)
from tests.attest.examples import small_layout, small_program

PLUS, MINUS = Part.PLUS, Part.MINUS


def base(size: int = 4, previous_size: int = 0) -> ProgramBuilder:
    """Variable rows for every slot, a free row 'value', a nonneg row 'room' and a zero row 'equation'."""
    build = ProgramBuilder(size, previous_size=previous_size)
    for j in range(1, size):
        build.add(f"variable/{j}", Kind.NONNEG, {j: 1})
    for j in range(1, previous_size):
        build.add(f"variable/previous {j}", Kind.NONNEG, {}, previous={j: 1})
    return build


VALUE, ROOM, EQUATION = 3, 4, 5


def rows(add: Callable[[ProgramBuilder], Any]) -> Program:
    build = base()
    assert build.add("value", Kind.FREE, {1: 1, 2: -1}) == VALUE
    assert build.add("room", Kind.NONNEG, {0: 100, 1: -1}) == ROOM
    assert build.add("equation", Kind.ZERO, {1: 1, 3: -1}) == EQUATION
    add(build)
    return build.build()


def target(kind: Kind = Kind.NONNEG, **families: Any) -> Callable[[ProgramBuilder], Any]:
    return lambda build: build.add("limit/target", kind, {0: 10}, **families)


def chained(build: ProgramBuilder) -> None:
    inner = build.add("limit/target", Kind.NONNEG, {0: 10}, weights={(VALUE, PLUS): 1})
    build.add("outer", Kind.NONNEG, {0: 10}, weights={(inner, PLUS): 1})


def chained_ahead(build: ProgramBuilder) -> None:
    build.add("limit/target", Kind.NONNEG, {0: 10}, weights={(EQUATION + 2, PLUS): -1})
    build.add("inner", Kind.NONNEG, {0: 10}, weights={(VALUE, PLUS): 1})


BROKEN: dict[str, tuple[str, Callable[[ProgramBuilder], Any]]] = {
    "R1 free target": ("R1", target(Kind.FREE, weights={(VALUE, PLUS): 1})),
    "R1 zero target": ("R1", target(Kind.ZERO, weights={(VALUE, PLUS): 1})),
    "R1 zero target of flags": ("R1", target(Kind.ZERO, flag_weights={(VALUE, PLUS): 1})),
    "R2 chain": ("R2", chained),
    "R2 itself": ("R2", target(weights={(EQUATION + 1, MINUS): 1})),
    "R3 linear plus": ("R3", target(weights={(VALUE, PLUS): -1})),
    "R3 linear minus": ("R3", target(weights={(VALUE, MINUS): -1})),
    "R3 square": ("R3", target(square_weights={(VALUE, PLUS): -1})),
    "R3 flag": ("R3", target(flag_weights={(ROOM, PLUS): -1})),
    "R4 minus part": ("R4", target(weights={(ROOM, MINUS): -1})),
    "R4 zero row": ("R4", target(square_weights={(EQUATION, PLUS): -1})),
    "R4 a later target": ("R4", chained_ahead),
    "R6 row beyond": ("R6", target(weights={(EQUATION + 2, PLUS): 1})),
    "R6 negative row": ("R6", target(weights={(-1, PLUS): 1})),
    "R6 unused entry": ("R6", target(flag_weights={(VALUE, 2): 1})),
    "U coefficient": ("U", lambda b: b.add("limit/target", Kind.NONNEG, {1: MODULUS // PART_LIMIT})),
    "U constant": ("U", lambda b: b.add("limit/target", Kind.NONNEG, {0: -MODULUS})),
    "U weight": ("U", target(weights={(VALUE, PLUS): MODULUS // PART_LIMIT})),
    "U flags": ("U", target(flag_weights={(VALUE, PLUS): MODULUS})),
    "U squares": ("U", target(square_weights={(VALUE, PLUS): MODULUS // PART_LIMIT**2 + 1})),
    "size": ("size", lambda b: b.add("limit/target", Kind.NONNEG, {4: 1})),
    "size of the previous vector": ("size", lambda b: b.add("limit/target", Kind.NONNEG, {}, previous={0: 1})),
    "negative slot": ("size", lambda b: b.add("limit/target", Kind.NONNEG, {-1: 1})),
}


@pytest.mark.parametrize("case", BROKEN)
def test_each_rule_refuses_with_the_row(case: str) -> None:
    rule, add = BROKEN[case]
    with pytest.raises(ProgramError) as refused:
        check(rows(add))
    assert (refused.value.rule, refused.value.row) == (rule, "limit/target")
    assert "limit/target" in str(refused.value)


@pytest.mark.parametrize(
    "families",
    [
        {"weights": {(VALUE, PLUS): 3, (VALUE, MINUS): 5, (ROOM, PLUS): -2, (EQUATION, MINUS): 1}},
        {"square_weights": {(VALUE, PLUS): 1, (VALUE, MINUS): 1, (ROOM, PLUS): -1}},
        {"flag_weights": {(VALUE, PLUS): 1, (ROOM, PLUS): 1}},
    ],
)
def test_what_the_rules_allow(families: Any) -> None:
    check(rows(target(**families)))


def test_names_are_unique_and_not_empty() -> None:
    for name in ("value", ""):
        with pytest.raises(ProgramError) as refused:
            check(rows(lambda b, name=name: b.add(name, Kind.NONNEG, {1: 1})))
        assert (refused.value.rule, refused.value.row) == ("name", name)


def test_every_variable_needs_its_row() -> None:
    build = ProgramBuilder(3, previous_size=2)
    build.add("variable/1", Kind.NONNEG, {1: 1})
    build.add("twice", Kind.NONNEG, {2: 2})
    with pytest.raises(ProgramError, match="slot 2"):
        check(build.build())
    build.add("with a change", Kind.NONNEG, {2: 1}, previous={1: 1})
    with pytest.raises(ProgramError, match="slot 2"):
        check(build.build())
    build.add("with an aggregate", Kind.NONNEG, {2: 1}, weights={Entry(0, PLUS): 1})
    with pytest.raises(ProgramError, match="slot 2"):
        check(build.build())
    build.add("variable/2", Kind.NONNEG, {2: 1})
    with pytest.raises(ProgramError, match="previous slot 1"):
        check(build.build())
    build.add("variable/previous 1", Kind.FREE, {}, previous={1: 1})
    check(build.build())


@pytest.mark.parametrize("aux", [(2, 1), (1, 1), (0,), (4,), (-1,)])
def test_aux_slots_are_ascending_and_inside(aux: tuple[int, ...]) -> None:
    with pytest.raises(ProgramError) as refused:
        check(Program(4, base().build().rows, aux))
    assert refused.value.rule == "aux"


def test_sizes_are_bounded() -> None:
    for program in (Program(0, ()), Program(4089, ()), Program(1, (), previous_size=4089), Program(1, (), (), -1)):
        with pytest.raises(ProgramError) as refused:
            check(program)
        assert refused.value.rule == "size"
    build = ProgramBuilder(1)
    for i in range(2043):
        build.add(f"room/{i}", Kind.NONNEG, {0: i})
    check(build.build())
    build.add("one more", Kind.NONNEG, {0: 1})
    with pytest.raises(ProgramError) as refused:
        check(build.build())
    assert (refused.value.rule, refused.value.row) == ("size", "one more")


def test_the_bound_u_counts_every_term() -> None:
    """The largest coefficient that U admits, and one more. (P.3)"""
    room = MODULUS - 1 - 2 * PART_LIMIT
    check(rows(lambda b: b.add("limit/target", Kind.NONNEG, {0: -room})))
    with pytest.raises(ProgramError) as refused:
        check(rows(lambda b: b.add("limit/target", Kind.NONNEG, {0: -room - 1})))
    assert refused.value.rule == "U"
    with pytest.raises(ProgramError) as refused:
        check(rows(target(flag_weights={(VALUE, PLUS): room - 10}, weights={(VALUE, PLUS): 1})))
    assert refused.value.rule == "U"


@pytest.mark.parametrize(("count", "packing"), [(0, 8), (507, 8), (508, 4), (1019, 4), (1020, 2), (2043, 2)])
def test_the_largest_packing_that_fits(count: int, packing: int) -> None:
    assert packing_for(count).packing == packing
    assert Parameters(packing).range_bits == 77


def test_the_builder_drops_zeros_and_names_constraints() -> None:
    program = rows(target(weights={(VALUE, PLUS): 0, (VALUE, MINUS): 2}))
    assert program.rows[-1].weights == {Entry(VALUE, MINUS): 2}
    assert program.constraints == ("variable", "value", "room", "equation", "limit")
    assert program.index("room") == ROOM
    with pytest.raises(KeyError):
        program.index("no such row")


def about(layout: Layout, **kinds: Kind) -> Program:
    """Variable rows of the layout's own kinds, but for the named exceptions."""
    build = ProgramBuilder(layout.size, aux=layout.of(Owner.AUX))
    for j in range(1, layout.size):
        build.add(f"variable/{j}", kinds.get(f"slot_{j}", Kind.FREE if layout[j].signed else Kind.NONNEG), {j: 1})
    return build.build()


def test_r7_ties_a_program_to_its_layout() -> None:
    layout = small_layout()
    check_layout(about(layout), layout)
    check_layout(about(layout, slot_5=Kind.NONNEG), layout)
    shorter = Layout(layout.slots[:5])
    rows_ = about(layout).rows
    with_previous = small_program(7, previous_size=7)
    check_layout(with_previous, layout, layout)
    cases: dict[str, tuple[Program, Layout, Layout | None]] = {
        "slot 4 is not signed": (about(layout, slot_4=Kind.FREE), layout, None),
        "slot 1 is not signed": (about(layout, slot_1=Kind.ZERO), layout, None),
        "aux slots": (Program(7, rows_, (5,)), layout, None),
        "aux slots are not": (Program(7, rows_, (4, 5, 6)), layout, None),
        "7 slots, its layout 6": (Program(7, rows_, (5,)), shorter, None),
        "previous layout": (with_previous, layout, None),
        "previous layout, and no other": (about(layout), layout, layout),
        "7 slots, its layout 6.*": (with_previous, layout, shorter),
    }
    for match, (program, own, previous) in cases.items():
        with pytest.raises(ProgramError, match=match) as refused:
            check_layout(program, own, previous)
        assert refused.value.rule == "R7"


def test_a_layout_leaves_room_for_the_blinding() -> None:
    slot = small_layout().slots[0]
    assert Layout((slot,) * 4087).size == 4088
    with pytest.raises(SourceError, match="at most 4087 slots"):
        Layout((slot,) * 4088)


def test_rows_take_python_integers_only() -> None:
    for bad in (1.0, True, np.int64(3), Decimal(1)):
        with pytest.raises(TypeError, match="Python integers"):
            Row("row", Kind.FREE, {1: bad})  # type: ignore[dict-item]
        with pytest.raises(TypeError, match="Python integers"):
            Row("row", Kind.FREE, {}, weights={Entry(0, PLUS): bad})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="3 is not a valid Kind"):
        Row("row", 3, {})  # type: ignore[arg-type]
    assert Row("row", 1, {}).kind is Kind.NONNEG  # type: ignore[arg-type]


def test_the_zero_group_pins_forbidden_parts() -> None:
    """It sums up every forbidden part. (P.2)"""
    program = rows(lambda _: None)
    group = program.forbidden()
    expected = {Entry(i, MINUS): 1 for i in (0, 1, 2, ROOM, EQUATION)}
    assert group == {**expected, Entry(EQUATION, PLUS): 1, Entry(6, PLUS): 1, Entry(6, MINUS): 2}
