"""Honest proofs are accepted: every packing, one and two vectors, and values at their bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from unittest.mock import patch

import flint
import pytest

import attest.prover
from attest.commitment import Holdings, SourceSet
from attest.errors import SourceError, StatementFalse
from attest.field import MODULUS, domain, inverse
from attest.masking import mask_polynomial
from attest.polynomial import evaluate
from attest.program import Entry, Kind, Layout, Owner, Parameters, Part, ProgramBuilder, Slot
from attest.proof import proof_sizes
from attest.prover import prove
from attest.srs import Setup
from attest.statement import build_statement
from attest.verifier import verify
from tests.attest.examples import CONTEXT, Example, hold, seeded, small_example, source_set

LIMIT = 2**77 - 1


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
    statement = build_statement(program, setup, layout=layout, policy_hash=b"\x02" * 32, market_hash=b"\x03" * 32)
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


def test_the_largest_program_of_a_packing(setup: Setup) -> None:
    """ρ = R − 5 at B = 8: the zero group's entries reach the last active ones."""

    def add(build: ProgramBuilder) -> None:
        for i in range(506):
            build.add(f"room/{i}", Kind.ZERO if i == 505 else Kind.NONNEG, {0: 505 - i})

    example = example_of(setup, {1: 7}, add)
    assert example.statement.key.row_count == 507 == example.statement.key.parameters.max_rows
    assert example.statement.key.parameters.packing == 8
    accepted(example, example.prove())


def test_the_largest_program_at_all(setup: Setup) -> None:
    def add(build: ProgramBuilder) -> None:
        for i in range(2042):
            build.add(f"room/{i}", Kind.NONNEG, {0: 1, 1: i})

    example = example_of(setup, {1: 7}, add)
    assert example.statement.key.row_count == 2043 == example.statement.key.parameters.max_rows
    accepted(example, example.prove())


def test_as_many_slots_as_rows_bound(setup: Setup) -> None:
    """2042 slots, each with its row: more columns than any other statement has."""
    lots = {j: j for j in range(1, 2043)}

    def add(build: ProgramBuilder) -> None:
        build.add("total", Kind.NONNEG, {0: 10**7, **dict.fromkeys(lots, -1)})

    example = example_of(setup, lots, add)
    accepted(example, example.prove())


def test_the_smallest_vector_has_one_slot(setup: Setup) -> None:
    example = example_of(setup, {1: 0}, lambda _: None)
    assert example.statement.key.size == 2
    accepted(example, example.prove())


def test_public_values_count_as_holdings(setup: Setup) -> None:
    slots = [Slot(Owner.SOURCE, "X", Decimal(1), 1, "a"), Slot(Owner.PUBLIC, "pool", Decimal(1), 1)]
    layout = Layout(tuple(slots))
    build = ProgramBuilder(3)
    for j in (1, 2):
        build.add(f"variable/{j}", Kind.NONNEG, {j: 1})
    build.add("floor", Kind.NONNEG, {0: -100, 1: 1, 2: 1})
    program = build.build()
    statement = build_statement(program, setup, layout=layout, policy_hash=b"\x02" * 32, market_hash=b"\x03" * 32)
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
        raise attest.prover.ZeroDivisor

    with (
        patch.object(attest.prover._Attempt, "round_1", pole),
        pytest.raises(RuntimeError, match="zero divisors"),
    ):
        small.prove()
    assert len(calls) == attest.prover.MAX_ATTEMPTS


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
        units = iter([int(i == k).to_bytes(64, "big") for i in range(packing + 2)])
        b, shift = mask_polynomial(empty, aux, packing, 4096, lambda _, units=units: next(units))
        opened = [evaluate(shift, zeta * omega[turn] % MODULUS) for turn in range(packing)]
        quotient = sum((turn + 2) ** 9 * evaluate(shift, tau * omega[turn] % MODULUS) for turn in range(packing))
        shown.append([*opened, evaluate(b, tau), quotient % MODULUS])
    context = flint.fmpz_mod_ctx(MODULUS)
    assert flint.fmpz_mod_mat(flint.fmpz_mat(shown), context).rank() == packing + 2
    assert flint.fmpz_mod_mat(flint.fmpz_mat(shown[:-1]), context).rank() == packing + 1
