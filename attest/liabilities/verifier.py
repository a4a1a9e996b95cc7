"""Verification of liability books: each chunk's proof, and all of them in one pairing check (protocol §9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

from attest.argument import powers_of
from attest.curve import INFINITY, msm
from attest.errors import ProofRejected
from attest.field import MODULUS, domain, inverse
from attest.kzg import check_batch
from attest.liabilities.book import PARAMETERS, BookTerms, ChunkCommitments, book_root
from attest.liabilities.proof import ChunkProof, ChunkStatement, chunk_constraints
from attest.polynomial import lagrange_at
from attest.range_check import CHUNKS
from attest.srs import Setup
from attest.transcript import Transcript

Progress = Callable[[int, int], None]
"""Called with what is done and the total."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is left of a proof: e(left, [1]_2) = e(right, [τ]_2).

    Args:
        left: [L] + u·W'; right: W'.
        binding: the transcript's last state, which hashes the whole statement and proof.
    """

    left: G1Point
    right: G1Point
    binding: bytes


def reduce_chunk(setup: Setup, statement: ChunkStatement, proof: bytes) -> Claim:
    """Everything but the pairing.

    Raises: EncodingError: the bytes are no proof; ProofRejected: a challenge lies on a domain.
    """
    parsed = ChunkProof.decode(proof)
    transcript = statement.start_transcript()
    _absorb(transcript, [parsed.mask, parsed.multiplicities])
    gamma, theta = transcript.challenges(2)
    _absorb(transcript, [*parsed.helpers, parsed.running_sum])
    y = transcript.challenge()
    _absorb(transcript, parsed.quotient)
    zeta = transcript.challenge()
    evals = parsed.evals
    for value in (*evals.at_zeta(), evals.running_sum_next):
        transcript.absorb_scalar(value)
    v = transcript.challenge()
    _absorb(transcript, [parsed.opening])
    u = transcript.challenge()
    _absorb(transcript, [parsed.opening_at_u])

    n, slot = PARAMETERS.n, statement.slot
    omega = domain(n)[1]
    vanishing = (pow(zeta, n, MODULUS) - 1) % MODULUS
    if zeta == 0 or vanishing == 0:
        raise ProofRejected("zero divisor", "ζ is 0 or lies on the domain")
    at_zeta_u, at_next_u = (u - zeta) % MODULUS, (u - omega * zeta) % MODULUS
    if 0 in (at_zeta_u, at_next_u):
        raise ProofRejected("zero divisor", "u is an opening point")
    edge = sorted({0, slot, *range(PARAMETERS.first_blinding_entry, n)})
    lagrange = dict(zip(edge, lagrange_at(n, edge, zeta), strict=True))
    quotient_eval = chunk_constraints(evals, gamma, theta, y, lagrange, slot) * inverse(vanishing) % MODULUS

    opened = [*evals.at_zeta(), quotient_eval]
    *powers, next_power = powers_of(v, len(opened) + 1)
    # Z_T/Z_i at u: of the group at ζ the distance of the other point, and the other way round.
    here, there = at_next_u, at_zeta_u
    claimed = here * sum(power * value for power, value in zip(powers, opened, strict=True))
    claimed += there * next_power * evals.running_sum_next
    weights = iter(here * power % MODULUS for power in powers)
    total_weight = next(weights)
    terms = [(statement.total, total_weight), (parsed.mask, total_weight * vanishing)]
    terms += [(limb, next(weights)) for limb in statement.limbs]
    terms += [(point, next(weights)) for point in (parsed.multiplicities, *parsed.helpers)]
    terms.append((parsed.running_sum, next(weights) + there * next_power))
    terms.append((setup.table, next(weights)))
    quotient_weight = next(weights)
    chunk_powers = powers_of(pow(zeta, n - 1, MODULUS), CHUNKS)
    terms += [(t, quotient_weight * power) for t, power in zip(parsed.quotient, chunk_powers, strict=True)]
    terms += [(setup.g1, -claimed), (parsed.opening, -here * there), (parsed.opening_at_u, u)]
    left = msm([point for point, _ in terms], [value % MODULUS for _, value in terms])
    return Claim(left, parsed.opening_at_u, transcript.state)


def _absorb(transcript: Transcript, points: Iterable[G1Point]) -> None:
    for point in points:
        transcript.absorb_point(point)


def batch_weights(claims: Sequence[Claim]) -> list[int]:
    """128 bits for each claim from a hash of all: weights that knew less would let two false claims cancel."""
    seed = keccak(b"".join(claim.binding for claim in claims))
    return [int.from_bytes(keccak(seed + i.to_bytes(32, "big"))[:16], "big") for i in range(len(claims))]


def check_claims(setup: Setup, claims: Sequence[Claim]) -> None:
    """All claims in one pairing check. (P.31)

    Raises: ProofRejected: some claim is false.
    """
    weights = batch_weights(claims)
    left = msm([claim.left for claim in claims], weights)
    right = msm([claim.right for claim in claims], weights)
    check_batch(setup, left, 0, right)


def verify_chunk(setup: Setup, statement: ChunkStatement, proof: bytes) -> None:
    """One proof of one chunk and currency. That the chunk is the root's is for `verify_book`.

    Raises: EncodingError, ProofRejected.
    """
    claim = reduce_chunk(setup, statement, proof)
    check_batch(setup, claim.left, 0, claim.right)


def check_book(terms: BookTerms, root: bytes, chunks: Sequence[ChunkCommitments], registered: G1Point | None) -> None:
    """The chunks are those of the root, all of them, and add up to what the fund's holdings contain. (P.32)

    Args:
        registered: the commitment of the book's source in the fund's source set; None leaves the sum unchecked.
    Raises: EncodingError: not as many chunks as the terms say; ProofRejected: another root, or another sum.
    """
    if book_root(terms, chunks) != root:
        raise ProofRejected("book root", "these are not the chunks that the root was published for")
    if registered is not None and book_commitment(chunks) != registered:
        raise ProofRejected("book total", "the chunks do not add up to the registered source")


def book_commitment(chunks: Iterable[ChunkCommitments]) -> G1Point:
    """C_book = Σ C_out over chunks and currencies: what the book's source signs. (P.33)"""
    total = INFINITY
    for chunk in chunks:
        for currency in chunk.currencies:
            total = total + currency.total
    return total


def verify_book(
    setup: Setup,
    terms: BookTerms,
    root: bytes,
    chunks: Sequence[ChunkCommitments],
    proofs: Sequence[Sequence[bytes]],
    registered: G1Point | None,
    *,
    threads: int = 2,
    progress: Progress = lambda done, total: None,
) -> None:
    """Accept a whole book; else raise.

    Args:
        proofs: for each chunk, one proof for each currency.
        registered: as `check_book`.
        progress: called with the number of proofs read and of all.
    Raises: EncodingError, ProofRejected.
    """
    check_book(terms, root, chunks, registered)
    if len(proofs) != terms.count or any(len(of_chunk) != len(terms.slots) for of_chunk in proofs):
        raise ProofRejected("proofs", "each chunk has one proof for each currency")
    cases = [
        (ChunkStatement(root, terms, i, k, chunk), proof)
        for i, (chunk, of_chunk) in enumerate(zip(chunks, proofs, strict=True))
        for k, proof in enumerate(of_chunk)
    ]
    claims = []
    with ThreadPoolExecutor(threads) as pool:
        for claim in pool.map(lambda case: reduce_chunk(setup, *case), cases):
            claims.append(claim)
            progress(len(claims), len(cases))
    check_claims(setup, claims)
