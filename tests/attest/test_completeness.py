"""Honest proofs are accepted: every packing, one and two vectors, random programs, and values at their bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random
from unittest.mock import patch

import flint
import pytest

import attest.prover
from attest.argument import MAX_ATTEMPTS, ZeroDivisor
from attest.commitment import Holdings, SourceOpening, SourceSet
from attest.errors import ProgramError, SourceError, StatementFalse
from attest.field import MODULUS, domain, inverse
from attest.masking import PreviousHoldings, mask_polynomial
from attest.polynomial import evaluate
from attest.program import (
    PACKINGS,
    PART_LIMIT,
    Entry,
    Kind,
    Layout,
    Owner,
    Parameters,
    Part,
    Program,
    ProgramBuilder,
    Slot,
    slots_hash,
    solve,
)
from attest.proof import proof_sizes
from attest.prover import prove
from attest.srs import Setup
from attest.statement import build_statement
from attest.verifier import verify
from tests.attest.blinding import unit
from tests.attest.examples import CONTEXT, Example, hold, seeded, small_example, source_set
from tests.attest.random_programs import LIMIT, MARKET_HASH, POLICY_HASH, Shape, random_example, random_program
from tests.attest.test_reference import both


def accepted(example: Example, proof: bytes) -> None:
    previous = example.previous.sources if example.previous else None
    verify(example.setup, example.statement.key, CONTEXT, example.sources, proof, previous)


def example_of(
    setup: Setup, lots: dict[int, int], add: Callable[[ProgramBuilder], None], *, signed: bool = False
) -> Example:
    """One source that owns every slot, variable rows in order, and whatever rows `add` adds."""
    kind = Kind.FREE if signed else Kind.NONNEG
    slots = [Slot(Owner.SOURCE, f"X{j}", Decimal(1), 1, "a", signed) for j in lots]
    layout = Layout(tuple(slots))
    build = ProgramBuilder(layout.size)
    for j in range(1, layout.size):
        build.add(f"variable/{j}", kind, {j: 1})
    add(build)
    program = build.build()
    statement = build_statement(program, setup, layout=layout, policy_hash=POLICY_HASH, market_hash=MARKET_HASH)
    holdings = hold(layout, lots, 1)
    sources = source_set(layout, holdings, setup, epoch=1)
    return Example(layout, program, statement, holdings, sources, {}, setup)


@pytest.mark.parametrize(("extra", "packing", "size"), [(0, 8, 3648), (600, 4, 3392), (1200, 2, 3264)])
def test_every_packing(extra: int, packing: int, size: int) -> None:
    example = small_example(extra_rows=extra)
    assert example.statement.key.parameters == Parameters(packing)
    proof = example.prove()
    assert len(proof) == size
    accepted(example, proof)


@pytest.mark.parametrize(("extra", "packing"), [(600, 4), (1200, 2)])
def test_two_vectors_in_other_packings(extra: int, packing: int) -> None:
    example = small_example(extra_rows=extra, two_vectors=True)
    assert example.statement.key.parameters.packing == packing
    accepted(example, example.prove())


def test_two_vectors(pair: Example, pair_proof: bytes) -> None:
    accepted(pair, pair_proof)
    points, scalars = proof_sizes(8, 2)
    assert len(pair_proof) == points * 128 + scalars * 32


def test_the_proof_of_one_vector_has_the_size_of_the_protocol() -> None:
    for packing in (8, 4, 2):
        assert proof_sizes(packing, 1) == (20, 18 + 2 * packing)


def test_proofs_are_fresh_and_reproducible_from_their_randomness(small: Example, small_proof: bytes) -> None:
    assert small.prove(seed=1) == small_proof
    steps: list[str] = []
    fresh = prove(
        small.setup,
        small.statement,
        CONTEXT,
        small.holdings,
        small.sources,
        small.aux,
        threads=1,
        progress=steps.append,
    )
    accepted(small, fresh)
    parts = [(fresh[i : i + 32], small_proof[i : i + 32]) for i in range(20 * 128, len(fresh), 32)]
    # w_E, w_2, T_b and the table depend on challenges too: nothing repeats but zeros.
    assert all(a != b for a, b in parts if any(a))
    assert steps == [f"round {k} of 5" for k in range(1, 6)]


@pytest.mark.parametrize("value", [0, 1, LIMIT])
def test_parts_at_their_bounds(setup: Setup, value: int) -> None:
    def add(build: ProgramBuilder) -> None:
        build.add("room", Kind.NONNEG, {0: LIMIT, 1: -1})

    accepted(example := example_of(setup, {1: value}, add), example.prove())


def test_negative_parts_at_their_bound(setup: Setup) -> None:
    def add(build: ProgramBuilder) -> None:
        build.add("size", Kind.NONNEG, {0: LIMIT}, weights={Entry(0, part): 1 for part in Part})
        build.add("breach", Kind.NONNEG, {0: 1}, flag_weights={Entry(0, Part.MINUS): 1})

    example = example_of(setup, {1: -LIMIT}, add, signed=True)
    accepted(example, example.prove())


def test_one_beyond_the_bound_is_refused(setup: Setup) -> None:
    def add(build: ProgramBuilder) -> None:
        build.add("room", Kind.NONNEG, {0: LIMIT + 1, 1: -1})

    with pytest.raises(StatementFalse, match="room"):
        example_of(setup, {1: 0}, add).prove()


def test_terms_as_large_as_the_bound_allows(setup: Setup) -> None:
    """Two terms that cancel, each half of r: U is below it with this coefficient and not with the next. (P.3)"""
    largest = (MODULUS - 1 - 2 * LIMIT) // (2 * LIMIT)

    def add(build: ProgramBuilder, coefficient: int) -> None:
        build.add("cancels", Kind.ZERO, {1: coefficient, 2: -coefficient})

    lots = {1: LIMIT, 2: LIMIT}
    example = example_of(setup, lots, lambda build: add(build, largest))
    accepted(example, example.prove())
    with pytest.raises(ProgramError, match="wrap around"):
        example_of(setup, lots, lambda build: add(build, largest + 1))


def test_public_values_count_as_holdings(setup: Setup) -> None:
    slots = [Slot(Owner.SOURCE, "X", Decimal(1), 1, "a"), Slot(Owner.PUBLIC, "pool", Decimal(1), 1)]
    layout = Layout(tuple(slots))
    build = ProgramBuilder(3)
    for j in (1, 2):
        build.add(f"variable/{j}", Kind.NONNEG, {j: 1})
    build.add("floor", Kind.NONNEG, {0: -100, 1: 1, 2: 1})
    program = build.build()
    statement = build_statement(program, setup, layout=layout, policy_hash=POLICY_HASH, market_hash=MARKET_HASH)
    private = hold(layout, {1: 40}, 1)
    public = ((2, 60),)
    sources = SourceSet(source_set(layout, private, setup, epoch=1).sources, public)
    example = Example(layout, program, statement, Holdings(private.openings, public), sources, {}, setup)
    accepted(example, example.prove())
    poorer = replace(example, holdings=Holdings(private.openings, ((2, 59),)))
    with pytest.raises(StatementFalse, match="floor"):
        poorer.prove()


def test_the_prover_refuses_what_does_not_fit(small: Example) -> None:
    with pytest.raises(SourceError, match="aux slots"):
        replace(small, aux={5: 0}).prove()
    with pytest.raises(SourceError, match="aux slots"):
        replace(small, aux={4: 0, 5: 0, 6: 0}).prove()
    other = hold(small.layout, {1: 400, 2: 300, 3: 200, 4: 500}, 999)
    with pytest.raises(SourceError, match="do not belong") as refused:
        replace(small, holdings=other).prove()
    assert not any(digit in str(refused.value) for digit in "0123456789")


def test_an_endless_pole_is_an_error_not_a_loop(small: Example) -> None:
    calls: list[int] = []

    def pole(self: object) -> None:
        calls.append(1)
        raise ZeroDivisor

    with (
        patch.object(attest.prover._Attempt, "round_1", pole),
        pytest.raises(RuntimeError, match="zero divisors"),
    ):
        small.prove()
    assert len(calls) == MAX_ATTEMPTS


@pytest.mark.parametrize("packing", [8, 4, 2])
def test_the_mask_is_long_enough_for_its_packing(packing: int) -> None:
    """B opened values and a commitment need B + 2 random coefficients (too short a mask at B = 8)."""
    drawn: list[bytes] = []
    source = seeded(3)

    def draw(count: int) -> bytes:
        drawn.append(source(count))
        return drawn[-1]

    column = [1, 10, 20, 0, 0, *[0] * 4091]
    aux = {3: 33, 4: -44}
    b, shift = mask_polynomial(column, aux, packing, 4096, draw)
    assert [len(data) for data in drawn] == [64] * (packing + 2)
    assert b.degree() == packing + 1 + len(aux)
    omega = domain(4096)
    for j, node in enumerate(omega[:8]):
        assert (column[j] + evaluate(shift, node)) % MODULUS == aux.get(j, column[j]) % MODULUS
    x = 123456789
    factor = (pow(x, 4096, MODULUS) - 1) * inverse((x - omega[3]) * (x - omega[4])) % MODULUS
    assert evaluate(shift, x) == factor * evaluate(b, x) % MODULUS


@pytest.mark.parametrize("packing", [8, 4, 2])
def test_a_shorter_mask_would_show_a_relation(packing: int) -> None:
    """A proof shows B + 2 linear values of the mask: Q̂ at each ω^b ζ, [b], and Σ_b Q̂(ω^b τ) T_b(τ) in the quotient.

    They are independent, hence uniform, with B + 2 coefficients; with one fewer some combination is Q's alone.
    """
    omega, zeta, tau = domain(4096), 111_222_333, 444_555_666
    aux, empty = {3: 0, 4: 0}, [0] * 4096
    shown: list[list[int]] = []
    for k in range(packing + 2):
        b, shift = mask_polynomial(empty, aux, packing, 4096, unit(k))
        opened = [evaluate(shift, zeta * omega[turn] % MODULUS) for turn in range(packing)]
        quotient = sum((turn + 2) ** 9 * evaluate(shift, tau * omega[turn] % MODULUS) for turn in range(packing))
        shown.append([*opened, evaluate(b, tau), quotient % MODULUS])
    context = flint.fmpz_mod_ctx(MODULUS)
    assert flint.fmpz_mod_mat(flint.fmpz_mat(shown), context).rank() == packing + 2
    assert flint.fmpz_mod_mat(flint.fmpz_mat(shown[:-1]), context).rank() == packing + 1


# Random programs -----------------------------------------------------------------------------------------------------

ALL_AUX = (Owner.AUX,)
FEWEST = {8: 1, 4: 508, 2: 1020}
MOST = {packing: Parameters(packing).max_rows for packing in PACKINGS}
ONE_VARIABLE = [Shape(rows[packing], 1) for rows in (FEWEST, MOST) for packing in PACKINGS]
MOST_VARIABLES = [
    *(Shape(MOST[packing], MOST[packing]) for packing in PACKINGS),
    *(Shape(MOST[packing], MOST[packing] - 20) for packing in PACKINGS),
    *(Shape(MOST[packing], MOST[packing], owners=ALL_AUX) for packing in PACKINGS),
]
TWO_VECTORS = [
    Shape(2, 1, 1),
    *(Shape(MOST[packing], MOST[packing] // 2, MOST[packing] // 2 - 20) for packing in PACKINGS),
    Shape(MOST[2], MOST[2] - 1, 1),
    Shape(MOST[2], 1, MOST[2] - 1),
]
SHAPES = [*ONE_VARIABLE, *MOST_VARIABLES, *TWO_VECTORS]
REFERENCE = [*ONE_VARIABLE[:3], TWO_VECTORS[0]]
"""Those that the reference reads too: it takes seconds, and a minute where a key has a thousand points."""


def test_the_boundary_sizes_are_those_of_the_packings() -> None:
    """The table of protocol §6, and a row more in the next packing."""
    assert MOST == {8: 507, 4: 1019, 2: 2043}
    assert {**{packing: most + 1 for packing, most in zip((4, 2), MOST.values(), strict=False)}, 8: 1} == FEWEST


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_random_programs_of_every_boundary_size(setup: Setup, shape: Shape) -> None:
    """One variable and as many as rows can bound, as many aux slots, the fewest rows of a packing and the most."""
    example = random_example(setup, shape, shape.rows + shape.slots)
    key = example.statement.key
    assert (key.row_count, key.size, key.vectors) == (shape.rows, shape.slots + 1, 1 + (shape.previous is not None))
    assert FEWEST[key.parameters.packing] <= shape.rows <= MOST[key.parameters.packing]
    assert shape.owners != ALL_AUX or len(key.aux) == shape.slots - 1
    proof = example.prove()
    accepted(example, proof)
    if shape in REFERENCE:
        assert both(example, proof) == (True, "")


@pytest.mark.parametrize("seed", range(3))
def test_random_programs_of_random_size(setup: Setup, seed: int) -> None:
    rng = Random(seed)
    rows = rng.randrange(40, 500)
    shape = Shape(rows, rng.randrange(1, rows // 2), rng.choice((None, rng.randrange(1, rows // 2))))
    example = random_example(setup, shape, seed)
    proof = example.prove()
    accepted(example, proof)
    if shape.previous is not None:
        assert both(example, proof) == (True, "")


def test_random_programs_reach_the_ends_of_the_range() -> None:
    """Aggregates of every family read a part of 2^77 − 1, plus and minus; so do slots of everybody."""
    read, held = set[tuple[int, Part, int]](), set[tuple[Owner, int]]()
    for shape in SHAPES:
        drawn = random_program(shape, shape.rows + shape.slots)
        witness = solve(drawn.program, drawn.quantities, drawn.previous)
        for row in drawn.program.rows:
            for number, family in enumerate((row.weights, row.flag_weights, row.square_weights)):
                read |= {(number, entry.part, witness.part(entry)) for entry in family}
        held |= {(drawn.layout[j].owner, drawn.quantities[j]) for j in range(1, drawn.layout.size)}
    assert LIMIT == PART_LIMIT
    assert read >= {(number, part, LIMIT) for number in range(3) for part in Part}
    assert held >= {(owner, lots) for owner in (Owner.SOURCE, Owner.AUX) for lots in (-LIMIT, 0, LIMIT)}
    assert held >= {(Owner.PUBLIC, 0), (Owner.PUBLIC, LIMIT), (Owner.UNUSED, 0)}


@pytest.mark.parametrize("vectors", [1, 2])
def test_a_program_of_no_rows(setup: Setup, vectors: int) -> None:
    """It says nothing, of a source that holds nothing: the zero group alone, as row 0. (P.2)"""
    layout = Layout(())

    def nothing(epoch: int) -> tuple[Holdings, SourceSet]:
        opening = SourceOpening("a", {}, 1000 + epoch)
        (model,) = example.sources.sources
        signed = replace(
            model,
            epoch=epoch,
            layout_hash=layout.hash,
            owned_slots_hash=slots_hash(()),
            commitment=opening.commitment(setup),
        )
        return Holdings((opening,)), SourceSet((signed,))

    example = example_of(setup, {1: 0}, lambda _: None)
    program = Program(1, (), previous_size=vectors - 1)
    before = layout if vectors == 2 else None
    statement = build_statement(
        program, setup, layout=layout, previous_layout=before, policy_hash=POLICY_HASH, market_hash=MARKET_HASH
    )
    assert (statement.key.row_count, statement.key.vectors) == (0, vectors)
    previous = PreviousHoldings(*nothing(6)) if before else None
    empty = Example(layout, program, statement, *nothing(7), {}, setup, previous)
    assert both(empty, empty.prove()) == (True, "")
