"""The proof of one chunk's total in one currency: statement, transcript and shared equations (protocol §9)."""

from __future__ import annotations

from dataclasses import dataclass

from py_arkworks_bls12381 import G1Point

from attest.argument import powers_of
from attest.curve import POINT_SIZE, SCALAR_SIZE, decode_point, decode_scalar
from attest.errors import EncodingError
from attest.field import MODULUS
from attest.liabilities.book import BOOK_TAG, PARAMETERS, BookTerms, ChunkCommitments
from attest.range_check import CHUNKS, HELPER_LIMBS, composed, lookup_constraints
from attest.srs import SRS_SHA256
from attest.transcript import Transcript

POINTS = 2 + len(HELPER_LIMBS) + 1 + CHUNKS + 2
AT_ZETA = 1 + PARAMETERS.limb_count + 1 + len(HELPER_LIMBS) + 2
PROOF_SIZE = POINTS * POINT_SIZE + (AT_ZETA + 1) * SCALAR_SIZE
"""[b] [m] [h_0] [h_1] [h_2] [Φ] [t_0..t_3] [W] [W'], then 15 scalars: 2016 bytes."""


@dataclass(frozen=True, slots=True)
class ChunkStatement:
    """The balances behind these limbs are in range, and C_out holds their sum in its slot and nothing else.

    Args:
        root: of the book; terms: of the book.
        chunk, currency: which of its chunks and currencies.
        commitments: of the chunk.
    """

    root: bytes
    terms: BookTerms
    chunk: int
    currency: int
    commitments: ChunkCommitments

    @property
    def slot(self) -> int:
        """c, the claims slot."""
        return self.terms.slots[self.currency]

    @property
    def limbs(self) -> tuple[G1Point, ...]:
        return self.commitments.currencies[self.currency].limbs

    @property
    def total(self) -> G1Point:
        """C_out."""
        return self.commitments.currencies[self.currency].total

    def start_transcript(self) -> Transcript:
        """Absorb the whole statement, for prover and verifier alike. (P.27)"""
        transcript = Transcript(BOOK_TAG)
        for value in (PARAMETERS.n, PARAMETERS.limb_width, PARAMETERS.limb_count):
            transcript.absorb_scalar(value)
        transcript.absorb_bytes(SRS_SHA256)
        transcript.absorb_bytes(self.root)
        for value in (self.chunk, self.terms.count, self.slot):
            transcript.absorb_scalar(value)
        for point in (self.commitments.identifiers, *self.limbs, self.total):
            transcript.absorb_point(point)
        return transcript


@dataclass(frozen=True, slots=True)
class ChunkEvaluations:
    """Values at ζ in the order in which they are sent, then Φ at ωζ."""

    total: int
    limbs: list[int]
    multiplicities: int
    helpers: list[int]
    running_sum: int
    table: int
    running_sum_next: int

    def at_zeta(self) -> list[int]:
        return [
            self.total,
            *self.limbs,
            self.multiplicities,
            *self.helpers,
            self.running_sum,
            self.table,
        ]

    @classmethod
    def parse(cls, values: list[int]) -> ChunkEvaluations:
        limbs, helpers = PARAMETERS.limb_count, len(HELPER_LIMBS)
        total, *rest = values
        multiplicities, *tail = rest[limbs:]
        return cls(total, rest[:limbs], multiplicities, tail[:helpers], *tail[helpers:])


@dataclass(frozen=True, slots=True)
class ChunkProof:
    """A parsed proof: its points and evaluations."""

    mask: G1Point
    multiplicities: G1Point
    helpers: list[G1Point]
    running_sum: G1Point
    quotient: list[G1Point]
    evals: ChunkEvaluations
    opening: G1Point
    opening_at_u: G1Point

    @classmethod
    def decode(cls, data: bytes) -> ChunkProof:
        """Raises: EncodingError: another length, a point that is none of G1, or a scalar that is not below r."""
        if len(data) != PROOF_SIZE:
            raise EncodingError(f"the proof of a chunk has {PROOF_SIZE} bytes, not {len(data)}")
        cut = POINTS * POINT_SIZE
        points = [decode_point(data[i : i + POINT_SIZE]) for i in range(0, cut, POINT_SIZE)]
        scalars = [decode_scalar(data[i : i + SCALAR_SIZE]) for i in range(cut, len(data), SCALAR_SIZE)]
        mask, multiplicities, *rest = points
        helpers, rest = rest[: len(HELPER_LIMBS)], rest[len(HELPER_LIMBS) :]
        running_sum, *quotient, opening, last = rest
        return cls(mask, multiplicities, helpers, running_sum, quotient, ChunkEvaluations.parse(scalars), opening, last)


def constraint_weights(y: int) -> list[int]:
    """y^k for each of the 7 constraints."""
    return powers_of(y, 7)


def chunk_constraints(
    evals: ChunkEvaluations, gamma: int, theta: int, y: int, lagrange: dict[int, int], slot: int
) -> int:
    """Σ y^k constraint_k(ζ). (P.28) to (P.30)

    Args:
        lagrange: L_i(ζ) for i = 0, the slot, and n−8 .. n−1.
    """
    first = PARAMETERS.first_blinding_entry
    active = 1 - sum(lagrange[i] for i in range(first, PARAMETERS.n))
    linear = composed(evals.limbs, PARAMETERS) - evals.total * lagrange[slot]
    step = evals.running_sum_next - evals.running_sum - sum(evals.helpers) - theta * linear
    constraints = [
        *(active * value for value in lookup_constraints([gamma + limb for limb in evals.limbs], evals.helpers)),
        active * (step * (gamma + evals.table) + evals.multiplicities),
        lagrange[0] * evals.running_sum,
        lagrange[first] * evals.running_sum,
        (active - lagrange[slot]) * evals.total,
    ]
    return sum(weight * value for weight, value in zip(constraint_weights(y), constraints, strict=True)) % MODULUS
