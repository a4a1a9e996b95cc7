"""Each compiler rule is sound for a reason: without it a program has an accepted proof of something false.

The rules are compiled anew with one refusal left out, so every other rule still holds for the program that passes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pytest

import attest.program.rules
import attest.statement
from attest.errors import ProgramError, StatementFalse
from attest.field import MODULUS, inverse
from attest.program import Entry, Kind, Part, Program, ProgramBuilder, check_layout
from attest.program import check as check_rules
from attest.srs import Setup
from tests.attest.attacks.forger import check, forge, pretend, scene
from tests.attest.examples import small_layout

PLUS, MINUS = Part.PLUS, Part.MINUS


@dataclass(frozen=True)
class Break:
    """A rule, a program that breaks it in one row, and the witness that lies about the lots.

    Args:
        also: another rule that refuses the same thing, where two say it.
    """

    rule: str
    row: str
    build: Callable[[ProgramBuilder], None]
    lots: Mapping[int, int]
    parts: Mapping[tuple[str, Part], int]
    flags: tuple[tuple[str, Part], ...] | None = None
    unbounded: tuple[int, ...] = ()
    free: tuple[int, ...] = ()
    aux: Mapping[int, int] = field(default_factory=lambda: {5: 0, 6: 0})
    also: tuple[str, ...] = ()

    @property
    def program(self) -> Program:
        build = ProgramBuilder(7, aux=(5, 6))
        for j in range(1, 7):
            if j not in self.unbounded:
                build.add(f"variable/{j}", Kind.FREE if j in self.free else Kind.NONNEG, {j: 1})
        self.build(build)
        return build.build()


def position(build: ProgramBuilder) -> dict[Entry, int]:
    """x = q_1 − q_2 on a free row, with both its parts."""
    row = build.add("position", Kind.FREE, {1: 1, 2: -1})
    return {Entry(row, part): 1 for part in Part}


def zero_target(build: ProgramBuilder) -> None:
    build.add("gross is 100", Kind.ZERO, {0: 100}, weights=position(build))


def chained(build: ProgramBuilder) -> None:
    row = build.add("inner", Kind.NONNEG, {0: 100}, weights=position(build))
    build.add("outer", Kind.NONNEG, {0: 50}, weights={Entry(row, PLUS): 1})


def gross_floor(build: ProgramBuilder) -> None:
    build.add("gross at least 100", Kind.NONNEG, {0: -100}, weights=dict.fromkeys(position(build), -1))


def free_cone(build: ProgramBuilder) -> None:
    axis = build.add("cone/axis", Kind.FREE, {1: 1, 2: -1})
    square = {Entry(axis, part): -1 for part in Part}
    build.add("cone/square", Kind.NONNEG, {0: -(55**2 + 45**2)}, square_weights=square)


def gross_of_no_part(build: ProgramBuilder) -> None:
    """The weight stands on an entry between the parts of two rows, where a column holds nothing."""
    row = build.add("position", Kind.FREE, {1: 1, 2: -1})
    build.add("gross at most 5", Kind.NONNEG, {0: 5}, weights={Entry(row, 2): 1})  # type: ignore[arg-type]


def rounded_cone(build: ProgramBuilder) -> None:
    """(q_1)² ≤ 10² with the surplus above 2^77 in slot 6, which is to be counted in whole units upwards."""
    factor = build.add("cone/factor", Kind.FREE, {1: 1})
    axis = build.add("cone/axis", Kind.NONNEG, {0: 10})
    both = {Entry(factor, part): 1 for part in Part} | {Entry(axis, PLUS): -1}
    build.add("cone/square", Kind.NONNEG, {6: -(2**77)}, square_weights=both)


def flag_floor(build: ProgramBuilder) -> None:
    both = position(build)
    build.add("at least two", Kind.NONNEG, {0: -2}, flag_weights=dict.fromkeys(both, -1))


def wrapping(build: ProgramBuilder) -> None:
    build.add("debt three times r", Kind.NONNEG, {1: -((MODULUS - MODULUS % 3) // 3)})


def solvency(build: ProgramBuilder) -> None:
    build.add("solvency", Kind.NONNEG, {0: -500, 1: 90, 4: -100})


def fraction(build: ProgramBuilder) -> None:
    build.add("at most three", Kind.NONNEG, {0: 10, 5: -3})


HELD = {1: 30, 2: 20, 3: 0, 4: 0}
INFLATED = {("position", PLUS): 55, ("position", MINUS): 45}
BREAKS = {
    "an aggregate into a zero row": Break("R1", "gross is 100", zero_target, HELD, INFLATED),
    "a chained aggregate": Break("R2", "inner", chained, HELD, {**INFLATED, ("inner", PLUS): 0, ("outer", PLUS): 50}),
    "a negative weight on a free row": Break(
        "R3", "gross at least 100", gross_floor, HELD, {**INFLATED, ("gross at least 100", PLUS): 0}, also=("R4",)
    ),
    "the cone's bound on a free row": Break(
        "R3", "cone/square", free_cone, HELD, {("cone/axis", PLUS): 55, ("cone/axis", MINUS): 45}, also=("R4",)
    ),
    "a negative weight on a flag": Break(
        "R3",
        "at least two",
        flag_floor,
        HELD,
        {("at least two", PLUS): 0},
        flags=(("position", PLUS), ("position", MINUS)),
    ),
    "an aggregate of an entry that is no part": Break("R6", "gross at most 5", gross_of_no_part, HELD, {}),
    "the cone's surplus rounded down through a negative aux slot": Break(
        "R7",
        "",
        rounded_cone,
        {1: 30, 2: 0, 3: 0, 4: 0},
        {("cone/square", PLUS): 2**77 - 800},
        free=(6,),
        aux={5: 0, 6: -1},
    ),
    "terms that wrap around the field": Break(
        "U", "debt three times r", wrapping, {**HELD, 1: 3}, {("debt three times r", PLUS): MODULUS % 3}
    ),
    "a negative debt on a free row": Break("R7", "", solvency, {1: 1, 2: 0, 3: 0, 4: -5}, {}, free=(4,)),
    "a variable without its row": Break(
        "variable row",
        "",
        fraction,
        HELD,
        {("at most three", PLUS): 5},
        unbounded=(5,),
        aux={5: 5 * inverse(3) % MODULUS, 6: 0},
    ),
}


@contextmanager
def without_rules(*rules: str) -> Iterator[None]:
    """Statements are built of programs that break these rules, and no other."""
    source = inspect.getsource(attest.program.rules)
    for rule in rules:
        assert f'raise ProgramError("{rule}"' in source
        source = source.replace(f'raise ProgramError("{rule}"', f'ProgramError("{rule}"')
    weaker: dict[str, Any] = {"__name__": "attest.program.rules"}
    exec(compile(source, "rules", "exec"), weaker)
    with (
        patch.object(attest.statement, "check", weaker["check"]),
        patch.object(attest.statement, "check_layout", weaker["check_layout"]),
    ):
        yield


@pytest.mark.parametrize("name", BREAKS)
def test_only_the_rule_stands_in_the_way(setup: Setup, name: str) -> None:
    """A limit is proved that the holdings break; only this rule refuses to make a key of such a program."""
    case = BREAKS[name]
    with pytest.raises(ProgramError) as refused:
        check_rules(case.program)
        check_layout(case.program, small_layout())
    assert (refused.value.rule, refused.value.row) == (case.rule, case.row)
    rules = (case.rule, *case.also)
    for left in rules:
        with without_rules(*(rule for rule in rules if rule != left)), pytest.raises(ProgramError) as refused:
            scene(setup, case.lots, program=case.program, aux=case.aux)
        assert refused.value.rule == left
    with without_rules(*rules):
        example = scene(setup, case.lots, program=case.program, aux=case.aux)
    flags = None
    if case.flags is not None:
        flags = frozenset(Entry(case.program.index(row), part) for row, part in case.flags)
    check(example, forge(example, witness=pretend(example, case.parts, flags)))


def test_without_the_lie_those_programs_have_no_proof(setup: Setup) -> None:
    case = BREAKS["an aggregate into a zero row"]
    with without_rules("R1"):
        example = scene(setup, case.lots, program=case.program, aux=case.aux)
    with pytest.raises(StatementFalse, match="gross is 100"):
        example.prove()


def test_every_rule_has_an_attack() -> None:
    """R5 is kept by the quotient, (P.15): `test_a_flag_weight_without_its_flag`."""
    rules = {rule for case in BREAKS.values() for rule in (case.rule, *case.also)}
    assert rules == {"U", "variable row", "R1", "R2", "R3", "R4", "R6", "R7"}
