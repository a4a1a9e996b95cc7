"""A lie in one evaluation, chosen so that the constraints match the quotient: only its opening refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

import attest.prover
import attest.verifier
from attest.argument import Evaluations, constraint_sum, powers_of
from attest.curve import decode_point, encode_point, multiply
from attest.errors import ProofRejected
from attest.field import MODULUS
from attest.proof import ProofReader
from attest.srs import Setup
from attest.statement import StatementKey
from attest.verifier import _read_evaluations
from tests.attest.attacks.forger import (
    FALSE_SOLVENCY,
    Forger,
    check,
    forging,
    policy,
    scene,
    verifier_without,
)
from tests.attest.attacks.lies import NAMES, send, solved, true_values
from tests.attest.examples import Example

# Limbs and flags enter with higher powers; slot 7 does not exist, so nothing depends on Q(ω^7 ζ).
AFFINE = [i for i, name in enumerate(NAMES) if name[0] not in "DE" and name != "Q(ω^7ζ)"]


@pytest.fixture(scope="module")
def insolvent(setup: Setup) -> Example:
    return scene(setup, FALSE_SOLVENCY)


@pytest.fixture(scope="module")
def attempt(insolvent: Example) -> Iterator[Forger]:
    """An insolvent fund's attempt, stopped before it sends evaluations."""
    with forging(insolvent, rounds=3) as forger:
        yield forger


def unopened(truth: Evaluations) -> Any:
    """A verifier that believes the sent values in the constraints and checks the openings of the true ones."""
    sent: list[Evaluations] = []

    def read(reader: ProofReader, key: StatementKey) -> Evaluations:
        sent.append(_read_evaluations(reader, key))
        return truth

    def total(_: Evaluations, *arguments: Any) -> int:
        return constraint_sum(sent[-1], *arguments)

    return verifier_without(_read_evaluations=read, constraint_sum=total)


@pytest.mark.parametrize("position", AFFINE, ids=[NAMES[i] for i in AFFINE])
def test_a_lie_that_satisfies_the_constraints(insolvent: Example, attempt: Forger, position: int) -> None:
    values = true_values(attempt)
    lie = solved(attempt, lambda value: {position: value})[position]
    assert lie != values[position]
    proof, truth = send(attempt, {position: lie})
    assert truth.in_order() == values
    with pytest.raises(ProofRejected, match="batched opening"):
        check(insolvent, proof)
    with unopened(truth):
        check(insolvent, proof)


def test_a_weight_family_without_groups_is_opened_as_zero(setup: Setup) -> None:
    """Nobody commits to w_E when no row counts flags; its value still has to be 0."""
    program = policy(flags=0)
    example = scene(setup, FALSE_SOLVENCY, program=program)
    assert example.statement.key.flag_weights == ()
    position = NAMES.index("w_E")
    with forging(example, rounds=3) as forger:
        assert true_values(forger)[position] == 0
        proof, truth = send(forger, solved(forger, lambda value: {position: value}))
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof)
    with unopened(truth):
        check(example, proof)


def test_two_false_openings_do_not_cancel(insolvent: Example, attempt: Forger) -> None:
    """With weight 1 for every opening, a lie of +d and one of −d at ζ would go unnoticed."""
    values = true_values(attempt)
    up, down = NAMES.index("m"), NAMES.index("h0")

    lies = solved(attempt, lambda d: {up: (values[up] + d) % MODULUS, down: (values[down] - d) % MODULUS})
    proof, _ = send(attempt, lies)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(insolvent, proof)

    def unweighted(base: int, count: int) -> list[int]:
        """Powers of v as ones: v alone is raised so far."""
        return [1] * count if count == len(values) - 6 else powers_of(base, count)

    count = 19 + 2 + 8 - 1
    assert len(values) - 6 == count
    with patch.object(attest.prover, "powers_of", unweighted):
        proof, _ = send(attempt, lies)
    with verifier_without(powers_of=unweighted):
        check(insolvent, proof)
    with pytest.raises(ProofRejected):
        check(insolvent, proof)


def test_evaluations_of_another_proof(small: Example, small_proof: bytes) -> None:
    """The points of one proof and the values of another, both accepted by themselves."""
    other = small.prove(seed=2)
    split = 20 * 128
    check(small, small_proof)
    check(small, other)
    for spliced in (small_proof[:split] + other[split:], other[:split] + small_proof[split:]):
        with pytest.raises(ProofRejected):
            check(small, spliced)


def test_quotient_chunks_that_cancel_at_zeta(setup: Setup) -> None:
    """Shifting one chunk against the next keeps the combination at ζ; but ζ was drawn from the chunks."""
    example = scene(setup)
    with forging(example) as forger:
        proof, ratio = forger.writer.finish(), forger.chunk_powers[1]
    original = [proof[i : i + 128] for i in range(0, 20 * 128, 128)]
    first = 1 + 7 + 2 + 3 + 1
    shift = setup.monomial[0]
    points = list(original)
    points[first] = encode_point(decode_point(points[first]) + multiply(shift, ratio))
    points[first + 1] = encode_point(decode_point(points[first + 1]) + -shift)
    forged = b"".join(points) + proof[20 * 128 :]
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, forged)

    class Deaf(ProofReader):
        """Absorbs the original chunks whatever it reads."""

        read = 0

        def points(self, count: int) -> list[Any]:
            taken = [decode_point(next(self._points)) for _ in range(count)]
            for i in range(self.read, self.read + count):
                self.transcript.absorb_bytes(original[i])
            self.read += count
            return taken

    with verifier_without(ProofReader=Deaf):
        check(example, forged)
