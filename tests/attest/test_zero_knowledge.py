"""Zero knowledge (protocol §8, §9): a simulator that verifies, and shown values that are uniform."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest
from py_arkworks_bls12381 import G1Point
from scipy.stats import chi2

import attest.kzg
import attest.liabilities.prover
import attest.prover
from attest.argument import Challenges, Evaluations, constraint_sum
from attest.curve import POINT_SIZE, SCALAR_SIZE, decode_point, msm, multiply
from attest.errors import ProofRejected
from attest.field import MODULUS, RandomBytes, domain, inverse, random_scalar
from attest.liabilities import ChunkContent, ChunkStatement, book_root, commit_chunk, prove_chunk
from attest.liabilities.proof import ChunkProof
from attest.liabilities.prover import MASK_COEFFICIENTS
from attest.liabilities.verifier import verify_chunk
from attest.masking import PreviousHoldings, private_vectors
from attest.polynomial import evaluate
from attest.program import BLINDING_ENTRIES, solve
from attest.proof import ProofWriter, proof_sizes, start_transcript
from attest.prover import _Attempt, prove
from attest.srs import Setup, check_relation
from attest.verifier import verify
from tests.attest import examples
from tests.attest.blinding import (
    BLINDED_COLUMNS,
    Matrix,
    block_diagonal,
    column_block,
    mask_block,
    rank,
    shown_blocks,
)
from tests.attest.examples import CONTEXT, Example, hold, public_example, seeded, small_example, source_set
from tests.attest.liabilities.cheating import SEED, content_of, terms_of
from tests.attest.liabilities.simulator import simulate_chunk
from tests.attest.simulator import Simulated, edge_values, simulate
from tests.attest.toy_setup import TAU, answering, programmed, quick_commitments, toy_setup

BUILDERS: dict[str, Callable[[], Example]] = {
    "packing 8": small_example,
    "packing 4": lambda: small_example(extra_rows=500),
    "packing 2": lambda: small_example(extra_rows=1100),
    "two vectors": lambda: small_example(two_vectors=True),
    "public slots": public_example,
    "public slots in two vectors": lambda: public_example(two_vectors=True),
}
CHALLENGES = [random_scalar(seeded(77 + i)) for i in range(7)]
"""γ, β, θ, y, ζ, v, u."""
PROOFS = 6
"""Of each witness."""
NIBBLES = 60
"""Of a scalar, from the low end: those above depend on r."""


@pytest.fixture(scope="module")
def toy() -> Setup:
    return toy_setup()


@pytest.fixture(scope="module")
def built(toy: Setup) -> Callable[[str], Example]:
    """Examples over the setup whose τ is known."""
    made: dict[str, Example] = {}

    def build(name: str) -> Example:
        if name not in made:
            with patch.object(examples, "load_setup", lambda: toy):
                made[name] = BUILDERS[name]()
        return made[name]

    return build


def simulated(example: Example, seed: int = 1) -> Simulated:
    """Nothing but the statement and the sources' commitments goes in."""
    previous = example.previous.sources if example.previous else None
    args = (example.statement, CONTEXT, example.sources, seeded(seed), previous)
    return simulate(example.setup, TAU, *args)


def accept(example: Example, proof: bytes) -> None:
    previous = example.previous.sources if example.previous else None
    verify(example.setup, example.statement.key, CONTEXT, example.sources, proof, previous)


# The simulator ------------------------------------------------------------------------------------------------------


def test_the_toy_setup_is_a_setup(toy: Setup) -> None:
    check_relation(toy, seeded(1))
    assert toy.monomial[1] == multiply(toy.g1, TAU)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_simulated_transcript_verifies_where_the_oracle_is_programmed(
    built: Callable[[str], Example], name: str
) -> None:
    example = built(name)
    transcript = simulated(example)
    with programmed(transcript.answers):
        accept(example, transcript.proof)
    with pytest.raises(ProofRejected, match="batched opening"):
        accept(example, transcript.proof)


def test_what_verifies_in_a_simulation_is_every_byte(built: Callable[[str], Example]) -> None:
    """Programming the oracle leaves the verifier's checks in place: a changed value is still refused."""
    example = built("packing 8")
    transcript = simulated(example)
    altered = transcript.proof[:-1] + bytes([transcript.proof[-1] ^ 1])
    with programmed(transcript.answers), pytest.raises(ProofRejected):
        accept(example, altered)


def test_the_simulator_needs_no_true_statement(built: Callable[[str], Example]) -> None:
    """It cannot use the holdings: these violate the policy, and nobody knows an opening of one of the commitments."""
    example = built("packing 8")
    broke = hold(example.layout, {1: 1, 2: 300, 3: 200, 4: 5_000_000}, 100)
    sources = source_set(example.layout, broke, example.setup, epoch=7)
    unknown = replace(sources.sources[0], commitment=multiply(example.setup.g1, random_scalar(seeded(5))))
    for chosen in (sources, replace(sources, sources=(unknown, *sources.sources[1:]))):
        false = replace(example, sources=chosen)
        transcript = simulated(false)
        with programmed(transcript.answers):
            accept(false, transcript.proof)


def test_a_simulated_liability_chunk_verifies(toy: Setup) -> None:
    statement, transcript = simulate_chunk(toy, TAU, terms_of((5,), 1), seeded(3))
    with programmed(transcript.answers):
        verify_chunk(toy, statement, transcript.proof)
    with pytest.raises(ProofRejected, match="batched opening"):
        verify_chunk(toy, statement, transcript.proof)


# Honest proofs over the known τ -------------------------------------------------------------------------------------


class Recorded:
    """Randomness that remembers what it gave."""

    def __init__(self, seed: int) -> None:
        self.draw, self.scalars = random.Random(seed).randbytes, list[int]()

    def __call__(self, count: int) -> bytes:
        drawn = self.draw(count)
        self.scalars.append(int.from_bytes(drawn, "big") % MODULUS)
        return drawn


def attempted(example: Example, random_bytes: RandomBytes) -> _Attempt:
    """An honest prover after step 4, with the fixed challenges."""
    program, previous = example.program, example.previous
    before = previous.holdings.vector(program.previous_size, {}) if previous else []
    witness = solve(program, example.holdings.vector(program.size, example.aux), before)
    key, sources = example.statement.key, previous.sources if previous else None
    writer = ProofWriter(start_transcript(key, CONTEXT, example.sources, sources))
    with ThreadPoolExecutor(1) as pool, quick_commitments(example.setup), answering(CHALLENGES):
        vectors = private_vectors(key, example.holdings, example.aux, previous, random_bytes)
        attempt = _Attempt(example.setup, example.statement, witness, vectors, writer, pool, random_bytes)
        for step in (attempt.round_1, attempt.round_2, attempt.round_3, attempt.round_4):
            step()
    return attempt


def shown(attempt: _Attempt) -> tuple[list[G1Point], Evaluations]:
    """Commitments before step 4, and its values."""
    return [decode_point(data) for data in attempt.writer._points], attempt.evals


@pytest.mark.parametrize("name", ["packing 8", "packing 2", "two vectors"])
def test_the_quotient_at_tau_is_the_one_that_the_simulator_computes(built: Callable[[str], Example], name: str) -> None:
    """(P.19) at τ follows from the values there: of Q̂ at ω^b τ only the combination with T_b counts."""
    example = built(name)
    attempt = attempted(example, seeded(1))
    p, omega = example.statement.key.parameters, domain(4096)
    rotated = [[evaluate(v.masked, omega[b] * TAU % MODULUS) for v in attempt.vectors] for b in range(p.packing)]
    selector = evaluate(attempt.selector, TAU)
    matrix = [[evaluate(t, TAU) * selector % MODULUS for t in polys] for polys in attempt.matrix]
    combined = [
        sum(rotated[b][vector] * t for b, t in enumerate(values)) % MODULUS for vector, values in enumerate(matrix)
    ]
    at_tau = Evaluations(
        rotated[0],
        [evaluate(limb, TAU) for limb in attempt.limbs],
        evaluate(attempt.multiplicities, TAU),
        evaluate(attempt.flags, TAU),
        [evaluate(h, TAU) for h in attempt.helpers],
        evaluate(attempt.running_sum, TAU),
        evaluate(attempt.table, TAU),
        *(evaluate(w, TAU) for w in attempt.weights),
        evaluate(attempt.running_sum, TAU * omega[1] % MODULUS),
        rotated=[combined] + [[0] * len(combined)] * (p.packing - 2),
        matrix=[[0, 1] + [0] * (p.packing - 2)] * len(combined),
    )
    challenges = Challenges.draw(CHALLENGES[:3], p.packing)
    total = constraint_sum(at_tau, challenges, CHALLENGES[3], TAU, p, edge_values(p, TAU))
    value = total * inverse(pow(TAU, p.n, MODULUS) - 1) % MODULUS
    points, _ = shown(attempt)
    *_, t_0, t_1, t_2, t_3 = points
    chunk = pow(TAU, p.n - 1, MODULUS)
    together = t_0 + multiply(t_1 + multiply(t_2 + multiply(t_3, chunk), chunk), chunk)
    assert together == multiply(example.setup.g1, value)


@pytest.mark.parametrize("name", ["packing 8", "packing 4", "packing 2", "two vectors"])
def test_shown_values_are_the_witness_and_the_counted_function_of_the_blinding(
    built: Callable[[str], Example], name: str
) -> None:
    """Two proofs of one witness differ by the matrices of `blinding`, applied to what their blinders differ by."""
    example = built(name)
    key, zeta = example.statement.key, CHALLENGES[4]
    packing, n, vectors = key.parameters.packing, key.parameters.n, key.vectors
    first, second = Recorded(1), Recorded(2)
    (points, values), (points_2, values_2) = (shown(attempted(example, source)) for source in (first, second))
    # The mask has B + 2 random coefficients, twelve columns 8 entries, Φ 7, and the quotient's chunks 3.
    masks = vectors * (packing + 2)
    assert len(first.scalars) == masks + BLINDED_COLUMNS * BLINDING_ENTRIES + (BLINDING_ENTRIES - 1) + 3
    change = [b - a for a, b in zip(first.scalars, second.scalars, strict=True)]
    left = iter(change)

    def take(count: int) -> list[int]:
        return [next(left) for _ in range(count)]

    def apply(matrix: Matrix, blinders: Sequence[int]) -> list[int]:
        return [sum(a * b for a, b in zip(row, blinders, strict=True)) % MODULUS for row in matrix]

    alpha = Challenges.draw(CHALLENGES[:3], packing).alpha
    moved: list[tuple[int, int]] = []  # at τ and at ζ, in the order of the columns
    for vector in range(vectors):
        *opened, at_tau, _ = apply(mask_block(example.statement, alpha, zeta, TAU, vector == 1), take(packing + 2))
        assert points_2[vector] == points[vector] + multiply(example.setup.g1, at_tau)
        claimed = [[evals.holdings, *evals.rotated] for evals in (values, values_2)]
        assert opened == [(b[vector] - a[vector]) % MODULUS for a, b in zip(*claimed, strict=True)]
    for _ in range(BLINDED_COLUMNS):
        moved.append(tuple(apply(column_block(n, [TAU, zeta]), take(BLINDING_ENTRIES))))
    next_zeta = zeta * domain(n)[1] % MODULUS
    *both, after = apply(column_block(n, [TAU, zeta, next_zeta], BLINDING_ENTRIES - 1), take(BLINDING_ENTRIES - 1))
    moved.append(tuple(both))
    columns = [
        [*evals.limbs, evals.multiplicities, evals.flags, *evals.helpers, evals.running_sum]
        for evals in (values, values_2)
    ]
    committed = zip(points[vectors:], points_2[vectors:], strict=True)
    for (at_tau, at_zeta), (before, behind), a, b in zip(moved, committed, *columns, strict=False):
        assert behind == before + multiply(example.setup.g1, at_tau)
        assert at_zeta == (b - a) % MODULUS
    assert after == (values_2.running_sum_next - values.running_sum_next) % MODULUS


@pytest.mark.parametrize("name", ["packing 8", "packing 4", "packing 2", "two vectors"])
def test_the_blinding_reaches_every_combination_of_shown_values(built: Callable[[str], Example], name: str) -> None:
    """The table of §8: the map from random numbers to shown values is onto, so these are uniform."""
    statement = built(name).statement
    packing, vectors = statement.key.parameters.packing, statement.key.vectors
    alpha = Challenges.draw(CHALLENGES[:3], packing).alpha
    blocks = shown_blocks(statement, alpha, CHALLENGES[4], TAU)
    counted = {
        "columns": [2] * BLINDED_COLUMNS,
        "running sum": [4],
        "holdings": [vectors * (packing + 1) + 1],
        "quotient": [3],
    }
    assert {row: [len(block) for block in matrices] for row, matrices in blocks.items()} == counted
    assert {row: [rank(block) for block in matrices] for row, matrices in blocks.items()} == counted
    whole = block_diagonal([block for matrices in blocks.values() for block in matrices])
    assert len(whole) == rank(whole) == 2 * BLINDED_COLUMNS + 4 + vectors * (packing + 1) + 1 + 3
    assert len(whole[0]) == BLINDED_COLUMNS * BLINDING_ENTRIES + (BLINDING_ENTRIES - 1) + vectors * (packing + 2) + 3


@pytest.mark.parametrize("name", ["packing 8", "packing 4", "packing 2", "two vectors"])
def test_with_one_random_number_fewer_than_shown_values_something_shows(
    built: Callable[[str], Example], name: str
) -> None:
    """B + 1 coefficients in a mask, 1 entry of a column, 3 of Φ, 2 carried coefficients: each gives away a relation."""
    statement = built(name).statement
    packing = statement.key.parameters.packing
    alpha = Challenges.draw(CHALLENGES[:3], packing).alpha
    blocks = shown_blocks(statement, alpha, CHALLENGES[4], TAU)
    for matrices in blocks.values():
        for block in matrices:
            assert rank([row[: len(block)] for row in block]) == len(block)
            assert rank([row[: len(block) - 1] for row in block]) == len(block) - 1
    for previous in (False, True)[: statement.key.vectors]:
        mask = mask_block(statement, alpha, CHALLENGES[4], TAU, previous)
        assert len(mask) == packing + 2 == rank(mask)
        assert rank([row[:-1] for row in mask]) == packing + 1


def test_a_liability_chunk_shows_fewer_values_than_it_has_random_numbers() -> None:
    """Of Q̂, b at τ and Q̂ at ζ against the 3 coefficients of b; of a column τ and ζ, of Φ ωτ and ωζ too."""
    n, zeta = 4096, CHALLENGES[4]
    vanishing = pow(zeta, n, MODULUS) - 1
    mask = [[pow(TAU, k, MODULUS) for k in range(3)], [vanishing * pow(zeta, k, MODULUS) for k in range(3)]]
    assert MASK_COEFFICIENTS == 3
    assert [rank([row[:k] for row in mask]) for k in (3, 2, 1)] == [2, 2, 1]


# Statistics over proofs of a fixed witness --------------------------------------------------------------------------


def private_values(example: Example, proof: bytes) -> list[int]:
    """Step 4 without what is public."""
    key = example.statement.key
    packing, vectors = key.parameters.packing, key.vectors
    points, scalars = proof_sizes(packing, vectors)
    data = proof[points * POINT_SIZE :]
    values = [int.from_bytes(data[i : i + SCALAR_SIZE], "big") for i in range(0, scalars * SCALAR_SIZE, SCALAR_SIZE)]
    public, matrix = vectors + 13, packing * vectors  # tbl, w, w_E and w_2; T_b
    return values[:public] + values[public + 4 : -matrix]


def other_witness(example: Example) -> Example:
    """Twice the assets, and other debts: the same statement is true of them."""

    def held(lots: dict[int, int], seed: int, epoch: int) -> PreviousHoldings:
        holdings = hold(example.layout, lots, seed)
        return PreviousHoldings(holdings, source_set(example.layout, holdings, example.setup, epoch))

    now = held({1: 800, 2: 600, 3: 400, 4: 900}, 300, 7)
    before = held({1: 333, 2: 1, 3: 77, 4: 0}, 400, 6) if example.previous else None
    return replace(example, holdings=now.holdings, sources=now.sources, previous=before)


BALANCES = (content_of([700, 20_000, 3]), content_of([5, 2**76, 1, 2**77 - 1]))


@contextmanager
def quick_chunks(setup: Setup) -> Iterator[None]:
    """`quick_commitments` for the prover of liability books, with the same challenges in every proof and its check."""
    gamma, _, *others = CHALLENGES
    with quick_commitments(setup):
        quick = attest.prover.msm  # type: ignore[attr-defined]

    def committed(points: Sequence[G1Point], values: Sequence[int]) -> G1Point:
        return msm(points, values) if len(points) == 2 else quick(points, values)

    with (
        patch.object(attest.liabilities.prover, "msm", committed),
        patch.object(attest.kzg, "msm", committed),
        answering([gamma, *others] * 2),
    ):
        yield


def chunk_values(setup: Setup, content: ChunkContent, seed: bytes) -> list[int]:
    """What the proof of a book of one chunk shows of it."""
    terms = terms_of((5,), 1)
    with quick_chunks(setup):
        chunk = commit_chunk(setup, content, 0, terms.slots, seed)
        proof = prove_chunk(setup, ChunkStatement(book_root(terms, [chunk]), terms, 0, 0, chunk), content, seed)
    evals = ChunkProof.decode(proof).evals
    shown = [evals.total, *evals.limbs, evals.multiplicities, *evals.helpers]
    return [*shown, evals.running_sum, evals.running_sum_next]


def counts(values: Sequence[int]) -> list[int]:
    """How often each hexadecimal digit stands among the low ones."""
    digits = "".join(f"{value:064x}"[-NIBBLES:] for value in values)
    return [digits.count(digit) for digit in "0123456789abcdef"]


def uniformity(values: Sequence[int]) -> float:
    """The chi-square statistic of digits that should be equally frequent."""
    expected = len(values) * NIBBLES / 16
    return sum((count - expected) ** 2 / expected for count in counts(values))


def difference(values: Sequence[int], others: Sequence[int]) -> float:
    """The chi-square statistic of two samples that should have one distribution; a digit in neither adds nothing."""
    return sum((a - b) ** 2 / max(a + b, 1) for a, b in zip(counts(values), counts(others), strict=True))


CRITICAL = float(chi2.isf(1e-5, df=15))
"""A test of uniform values exceeds it once in 100 000 times; the seeds are fixed, so it always or never does."""

Sample = list[list[int]]
"""Each value that proofs of a witness show, in all of them."""


@pytest.fixture(scope="module", params=["packing 8", "packing 4", "packing 2", "two vectors", "liability chunk"])
def samples(request: pytest.FixtureRequest, toy: Setup, built: Callable[[str], Example]) -> tuple[str, list[Sample]]:
    """Of each of two witnesses; the oracle's answers are the same in all proofs."""
    found = []
    for number in range(2):
        if request.param == "liability chunk":
            seeds = [bytes([seed]) * 32 for seed in range(PROOFS)]
            proofs = [chunk_values(toy, BALANCES[number], seed) for seed in seeds]
        else:
            example = other_witness(built(request.param)) if number else built(request.param)
            with quick_commitments(example.setup):
                encoded = []
                for seed in range(PROOFS):
                    with answering(CHALLENGES):
                        encoded.append(example.prove(seed))
            with answering(CHALLENGES):
                accept(example, encoded[0])
            proofs = [private_values(example, proof) for proof in encoded]
        found.append([list(column) for column in zip(*proofs, strict=True)])
    return request.param, found


SHOWN = {"packing 8": 14 + 8, "packing 4": 14 + 4, "packing 2": 14 + 2, "two vectors": 14 + 16, "liability chunk": 14}
"""Thirteen columns, of which Φ is shown twice, and Q̂ at B points; in a chunk's proof no flags, and Q̂ at one."""


def test_shown_values_of_a_fixed_witness_are_uniform(samples: tuple[str, list[Sample]]) -> None:
    name, witnesses = samples
    for witness in witnesses:
        assert len(witness) == SHOWN[name]
        assert all(len({*values}) == PROOFS for values in witness)
        assert max(uniformity(values) for values in witness) < CRITICAL
        assert uniformity([value for values in witness for value in values]) < CRITICAL


def test_two_witnesses_show_the_same_distribution(samples: tuple[str, list[Sample]]) -> None:
    _, (first, second) = samples
    assert max(difference(a, b) for a, b in zip(first, second, strict=True)) < CRITICAL
    assert difference([x for values in first for x in values], [x for values in second for x in values]) < CRITICAL


def assert_seen(first: list[int], second: list[int]) -> None:
    """Values that every proof of a witness repeats, of two witnesses: the statistics see it in most of them alone.

    Limbs that are 0 in both stay 0.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    assert len(pairs) >= 9
    for seen in (
        [uniformity([a] * PROOFS) > CRITICAL for a, _ in pairs],
        [difference([a] * PROOFS, [b] * PROOFS) > CRITICAL for a, b in pairs],
    ):
        assert sum(seen) > len(pairs) * 3 / 4
    assert uniformity(first * PROOFS) > CRITICAL
    assert difference(first * PROOFS, second * PROOFS) > CRITICAL


def test_the_statistics_see_missing_blinding(built: Callable[[str], Example]) -> None:
    """Without randomness every proof of a witness shows the same values, and those of another witness differ."""
    unblinded = []
    for example in (built("packing 4"), other_witness(built("packing 4"))):
        args = (example.setup, example.statement, CONTEXT, example.holdings, example.sources, example.aux)
        with quick_commitments(example.setup), answering(CHALLENGES):
            unblinded.append(private_values(example, prove(*args, random_bytes=bytes)))
    assert_seen(*unblinded)


def test_the_statistics_see_a_missing_blinding_of_liabilities(toy: Setup) -> None:
    with patch.object(attest.liabilities.prover, "stream", lambda *_: bytes):
        assert_seen(*(chunk_values(toy, content, SEED) for content in BALANCES))
