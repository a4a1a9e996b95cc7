"""The meaning of a program: a witness in plain integers exists or not (protocol §2)."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.errors import StatementFalse
from attest.program import (
    PART_LIMIT,
    Kind,
    Part,
    Program,
    ProgramBuilder,
    check,
    row_values,
    slacks,
    solve,
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


def brute_force(program: Program, vector: list[int], cap: int) -> bool:
    """Whether any parts and flags at all satisfy (P.1), by trying every one up to a cap."""
    sources = sorted({e for row in program.rows for e in (*row.weights, *row.flag_weights, *row.square_weights)})
    flagged = sorted({e for row in program.rows for e in row.flag_weights})
    values = row_values(program, vector)
    free = [i for i, row in enumerate(program.rows) if row.kind is Kind.FREE]
    options = []
    for i, row in enumerate(program.rows):
        if row.is_target:
            options.append([None])
        elif i in free and any(e.row == i for e in sources):
            options.append([(max(values[i], 0) + k, max(-values[i], 0) + k) for k in range(cap)])
        elif row.kind is Kind.NONNEG:
            options.append([(values[i], 0)] if values[i] >= 0 else [])
        elif row.kind is Kind.ZERO:
            options.append([(0, 0)] if values[i] == 0 else [])
        else:
            options.append([(max(values[i], 0), max(-values[i], 0))])
    for parts in product(*options):
        for raised in product((0, 1), repeat=len(flagged)):
            flags = dict(zip(flagged, raised, strict=True))
            if any(parts[e.row][e.part] > 0 and not flags[e] for e in flagged):
                continue
            if all(
                values[i]
                - sum(w * parts[e.row][e.part] for e, w in row.weights.items())
                - sum(w * flags[e] for e, w in row.flag_weights.items())
                - sum(w * parts[e.row][e.part] ** 2 for e, w in row.square_weights.items())
                >= 0
                for i, row in enumerate(program.rows)
                if row.is_target
            ):
                return True
    return False


def tiny(coefficients: list[int], limits: list[int]) -> Program:
    """A hinge and a loss on free rows, an axis, and one target of each family."""
    a, b, c, d = coefficients
    build = ProgramBuilder(3)
    build.add("variable/1", Kind.NONNEG, {1: 1})
    build.add("variable/2", Kind.FREE, {2: 1})
    hinge = build.add("hinge", Kind.FREE, {1: a, 2: b})
    loss = build.add("loss", Kind.FREE, {0: c, 2: d})
    axis = build.add("cone/axis", Kind.NONNEG, {0: limits[2] + 3})
    build.add("gross", Kind.NONNEG, {0: limits[0]}, weights={(hinge, PLUS): 1, (hinge, MINUS): 2})
    build.add("count", Kind.NONNEG, {0: limits[1]}, flag_weights={(hinge, PLUS): 1, (loss, MINUS): 1})
    square = {(loss, PLUS): 1, (loss, MINUS): 1, (axis, PLUS): -1}
    build.add("cone/square", Kind.NONNEG, {}, square_weights=square)
    return build.build()


small = st.integers(-3, 3)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(small, min_size=4, max_size=4),
    st.lists(st.integers(-3, 6), min_size=3, max_size=3),
    st.lists(small, min_size=2, max_size=2),
)
def test_solve_finds_a_witness_exactly_when_one_exists(coefs: list[int], limits: list[int], held: list[int]) -> None:
    program = tiny(coefs, limits)
    check(program)
    vector = [1, *held]
    try:
        witness = solve(program, vector)
    except StatementFalse as error:
        assert not brute_force(program, vector, cap=4)
        left = slacks(program, vector)
        broken = [
            row.constraint for row, v in zip(program.rows, left, strict=True) if row.kind is Kind.NONNEG and v < 0
        ]
        assert error.constraints == tuple(dict.fromkeys(broken))
        return
    assert brute_force(program, vector, cap=1)
    for i, (row, value) in enumerate(zip(program.rows, row_values(program, vector), strict=True)):
        left = witness.plus[i] - witness.minus[i]
        left += sum(w * witness.part(e) for e, w in row.weights.items())
        left += sum(w for e, w in row.flag_weights.items() if e in witness.flags)
        left += sum(w * witness.part(e) ** 2 for e, w in row.square_weights.items())
        assert left == value
        assert min(witness.plus[i], witness.minus[i]) == 0


LOTS = [1, 400, 300, 200, 500, -3, 0]


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("solvency", {4: 5000}),
        ("variable", {4: -1}),
        ("equation", {3: 199}),
        ("cone", {1: 8000, 3: 4000}),
        ("gross", {1: 1_000_000, 2: 750_000, 3: 500_000}),
        ("hinge sum", {5: 2**67}),
    ],
)
def test_only_the_violated_constraint_is_named(constraint: str, changes: dict[int, int]) -> None:
    program = small_program(small_layout().size)
    solve(program, LOTS)
    with pytest.raises(StatementFalse) as violated:
        solve(program, [changes.get(j, lots) for j, lots in enumerate(LOTS)])
    assert violated.value.constraints == (constraint,)
    assert set(violated.value.slacks)


def test_secrets_do_not_print() -> None:
    program = small_program(small_layout().size)
    with pytest.raises(StatementFalse) as violated:
        solve(program, [1, 400, 300, 200, 987_654_321, -3, 0])
    amount = str(abs(violated.value.slacks["solvency"]))
    assert "solvency" in str(violated.value)
    for text in (str(violated.value), repr(violated.value), repr(violated.value.args)):
        assert amount not in text
        assert "987" not in text
    witness = solve(program, LOTS)
    assert not any(digit in repr(witness) for digit in "0123456789")


def test_parts_have_77_bits() -> None:
    build = ProgramBuilder(2)
    build.add("variable/1", Kind.FREE, {1: 1})
    program = build.build()
    for value in (PART_LIMIT, -PART_LIMIT, 0):
        solve(program, [1, value])
    for value in (PART_LIMIT + 1, -PART_LIMIT - 1):
        with pytest.raises(StatementFalse, match="variable"):
            solve(program, [1, value])


def test_vectors_have_the_program_s_shape() -> None:
    program = base(3, previous_size=2).build()
    solve(program, [1, 5, 6], [1, 7])
    for quantities, previous in (([1, 5], [1, 7]), ([1, 5, 6], []), ([2, 5, 6], [1, 7]), ([1, 5, 6], [0, 7])):
        with pytest.raises(ValueError, match=r"slots|slot 0"):
            solve(program, quantities, previous)
