"""Challenges of a chunk's proof at which its equations divide by zero (protocol §9)."""

from unittest.mock import patch

import pytest

from attest import Setup
from attest.errors import ProofRejected
from attest.field import MODULUS, domain
from attest.liabilities import ChunkStatement, prove_chunk, verify_chunk
from attest.transcript import Transcript
from tests.attest.liabilities.cheating import SEED, Cheat, cheat, content_of

SLOT, ZETA, U = 5, 1234567, 7654321
OMEGA = domain(4096)[1]


class Scripted(Transcript):
    """A transcript with chosen challenges: γ θ, y, ζ, v, u."""

    def __init__(self, zeta: int, u: int) -> None:
        super().__init__()
        self.script = [11, 13, 17, zeta, 19, u]

    def challenges(self, count: int) -> list[int]:
        taken, self.script = self.script[:count], self.script[count:]
        return taken


@pytest.fixture(scope="module")
def proved(setup: Setup) -> tuple[ChunkStatement, bytes]:
    return cheat(setup, content_of([700, 20_000, 3]), SLOT, Cheat())


@pytest.mark.parametrize(
    ("zeta", "u", "check"),
    [
        (0, U, "zero divisor"),
        (1, U, "zero divisor"),
        (OMEGA, U, "zero divisor"),
        (ZETA, ZETA, "zero divisor"),
        (ZETA, ZETA * OMEGA % MODULUS, "zero divisor"),
        (ZETA, U, "batched opening"),
    ],
)
def test_zero_divisors_are_rejected_by_name(
    setup: Setup, proved: tuple[ChunkStatement, bytes], zeta: int, u: int, check: str
) -> None:
    """Other challenges than the prover's reach the pairing, and fail there."""
    statement, proof = proved
    verify_chunk(setup, statement, proof)
    with (
        patch.object(ChunkStatement, "start_transcript", lambda _: Scripted(zeta, u)),
        pytest.raises(ProofRejected, match=check),
    ):
        verify_chunk(setup, statement, proof)


@pytest.mark.parametrize("zeta", [0, 1])
def test_the_prover_starts_again_on_a_pole(setup: Setup, proved: tuple[ChunkStatement, bytes], zeta: int) -> None:
    """The first attempt draws this ζ; the second is accepted."""
    statement, _ = proved
    start, calls = ChunkStatement.start_transcript, 0

    def scripted(self: ChunkStatement) -> Transcript:
        nonlocal calls
        calls += 1
        return Scripted(zeta, U) if calls == 2 else start(self)  # the first call is for the attempt's randomness

    with patch.object(ChunkStatement, "start_transcript", scripted):
        proof = prove_chunk(setup, statement, content_of([700, 20_000, 3]), SEED)
    assert calls == 5, "two attempts of two, and the check of the proof"
    verify_chunk(setup, statement, proof)
