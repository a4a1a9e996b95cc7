"""The prover of a liability book, a chunk at a time (protocol §9).

Commitments and proofs draw their randomness from the book's seed, hashed with what they are for and with what they
hide. So a run that was killed and resumed publishes the same bytes, and nothing is ever hidden twice under the same
blinding with another content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256, shake_256

from attest.argument import MAX_ATTEMPTS, ZeroDivisor, powers_of
from attest.commitment import BLINDING_SLOT
from attest.curve import msm
from attest.errors import ProofRejected, StatementFalse
from attest.field import MODULUS, RandomBytes, domain, random_scalars
from attest.kzg import OpeningGroup, batch_linearisation, batch_quotient, commit
from attest.liabilities.book import CAPACITY, PARAMETERS, ChunkCommitments, CurrencyCommitments
from attest.liabilities.proof import ChunkEvaluations, ChunkStatement, constraint_weights
from attest.liabilities.verifier import verify_chunk
from attest.polynomial import Polynomial, divide_by_vanishing, evaluate, interpolate, polynomial
from attest.program import BLINDING_ENTRIES, RANGE_BITS
from attest.proof import ProofWriter
from attest.range_check import (
    CHUNKS,
    composed,
    fixed_columns,
    helper_columns,
    lookup_constraints,
    quotient_chunks,
    running_sum,
    split,
    sum_step,
    table_inverses,
)
from attest.srs import Setup

MASK_COEFFICIENTS = 3
"""Q̂ is opened at one point and its commitment shows one value more; one coefficient to spare."""


def stream(seed: bytes, *labels: bytes) -> RandomBytes:
    """Uniform bytes that follow from a seed and labels: SHAKE256 of both, counted on.

    Args:
        seed: 32 secret bytes.
    """
    key = sha256(b"".join(len(part).to_bytes(8, "big") + part for part in (seed, *labels))).digest()
    drawn = 0

    def draw(count: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return shake_256(key + drawn.to_bytes(8, "big")).digest(count)

    return draw


@dataclass(frozen=True, slots=True)
class ChunkContent:
    """What a chunk hides.

    Args:
        identifiers: (4088,) of the accounts, see `account_identifier`.
        balances: for each currency (4088,) whole lots.
    Raises: StatementFalse: a balance that is negative or no below 2^77, or a column of another length.
    """

    identifiers: Sequence[int] = field(repr=False)
    balances: Sequence[Sequence[int]] = field(repr=False)

    def __post_init__(self) -> None:
        if any(len(column) != CAPACITY for column in (self.identifiers, *self.balances)):
            raise StatementFalse((f"a chunk has {CAPACITY} accounts",))
        if any(not 0 <= balance < 1 << RANGE_BITS for column in self.balances for balance in column):
            raise StatementFalse(("every balance lies in [0, 2^77)",))

    def digest(self) -> bytes:
        """A hash of everything hidden. Secret."""
        columns = (self.identifiers, *self.balances)
        return sha256(b"".join(value.to_bytes(32, "big") for column in columns for value in column)).digest()


@dataclass(frozen=True, slots=True)
class _Columns:
    """Blinded columns of a chunk on H."""

    identifiers: list[int] = field(repr=False)
    limbs: list[list[list[int]]] = field(repr=False)
    multiplicities: list[list[int]] = field(repr=False)
    total_blindings: list[int] = field(repr=False)


def _columns(content: ChunkContent, chunk: int, seed: bytes) -> _Columns:
    draw = stream(seed, b"commit", chunk.to_bytes(8, "big"), content.digest())
    identifiers = [*content.identifiers, *random_scalars(BLINDING_ENTRIES, draw)]
    limbs, multiplicities = [], []
    for balances in content.balances:
        parts, counts = split(balances, PARAMETERS)
        limbs.append([[*part, *random_scalars(BLINDING_ENTRIES, draw)] for part in parts])
        multiplicities.append(counts)
    totals = [sum(balances) for balances in content.balances]
    return _Columns(identifiers, limbs, multiplicities, total_blindings(totals, chunk, seed))


def total_blindings(totals: Sequence[int], chunk: int, seed: bytes) -> list[int]:
    """δ of each currency's C_out. Secret.

    Args: totals: of the chunk, whole lots of each currency.
    """
    draw = stream(seed, b"total", chunk.to_bytes(8, "big"), *(total.to_bytes(32, "big") for total in totals))
    return random_scalars(len(totals), draw)


def commit_chunk(
    setup: Setup, content: ChunkContent, chunk: int, slots: Sequence[int], seed: bytes
) -> ChunkCommitments:
    """The commitments of one chunk, which enter the book's root.

    Args:
        chunk: its index; slots: claims slot of each currency; seed: the book's.
    """
    columns = _columns(content, chunk, seed)
    currencies = []
    for slot, balances, limbs, blinding in zip(
        slots, content.balances, columns.limbs, columns.total_blindings, strict=True
    ):
        total = msm([setup.lagrange[slot], setup.lagrange[BLINDING_SLOT]], [sum(balances), blinding])
        currencies.append(CurrencyCommitments(tuple(msm(setup.lagrange, limb) for limb in limbs), total))
    return ChunkCommitments(msm(setup.lagrange, columns.identifiers), tuple(currencies))


def inclusion_polynomials(
    content: ChunkContent, chunk: int, seed: bytes, currency: int
) -> tuple[Polynomial, Polynomial]:
    """The polynomials behind [id] and Σ 2^{11k}[D_k], which inclusion proofs open. Secret."""
    columns = _columns(content, chunk, seed)
    summed = [composed(limbs, PARAMETERS) % MODULUS for limbs in zip(*columns.limbs[currency], strict=True)]
    return interpolate(columns.identifiers), interpolate(summed)


def prove_chunk(setup: Setup, statement: ChunkStatement, content: ChunkContent, seed: bytes) -> bytes:
    """Prove one currency of one chunk.

    Args:
        statement: with the commitments of `commit_chunk` under the same seed.
    Raises: StatementFalse: the content is not what the statement commits to.
    """
    columns = _columns(content, statement.chunk, seed)
    for attempt in range(MAX_ATTEMPTS):
        draw = stream(seed, b"prove", statement.start_transcript().state, content.digest(), bytes([attempt]))
        try:
            proof = _attempt(setup, statement, content, columns, draw)
        except ZeroDivisor:
            continue
        try:
            verify_chunk(setup, statement, proof)  # costs less than committing again
        except ProofRejected as error:
            raise StatementFalse((f"chunk {statement.chunk} holds what its commitments say",)) from error
        return proof
    raise RuntimeError("zero divisors in every attempt: the randomness is broken")


def _attempt(  # noqa: PLR0915 - one story, in the protocol's order
    setup: Setup, statement: ChunkStatement, content: ChunkContent, columns: _Columns, draw: RandomBytes
) -> bytes:
    currency, slot, n = statement.currency, statement.slot, PARAMETERS.n
    omega = domain(n)
    writer = ProofWriter(statement.start_transcript())
    table, active, start, end = fixed_columns(PARAMETERS)
    counts = columns.multiplicities[currency]
    limb_columns = columns.limbs[currency]
    limbs = [interpolate(column) for column in limb_columns]
    multiplicity_column = [*counts, *random_scalars(BLINDING_ENTRIES, draw)]
    multiplicities = interpolate(multiplicity_column)
    total_column = [0] * n
    total_column[slot] = sum(content.balances[currency])
    total_column[BLINDING_SLOT] = columns.total_blindings[currency]
    own = interpolate(total_column)
    mask = polynomial(random_scalars(MASK_COEFFICIENTS, draw))
    masked = own + mask.left_shift(n) - mask
    writer.points([commit(setup, mask), msm(setup.lagrange, multiplicity_column)])
    gamma, theta = writer.transcript.challenges(2)

    try:
        inverses = table_inverses(gamma, PARAMETERS)
    except ZeroDivisionError as error:
        raise ZeroDivisor from error
    sums = helper_columns([column[:CAPACITY] for column in limb_columns], inverses)
    blinded_sums = [[*column, *random_scalars(BLINDING_ENTRIES, draw)] for column in sums]
    linear = list(content.balances[currency])
    linear[slot] -= total_column[slot]
    phi_column = running_sum(sums, counts, inverses, linear, theta)
    phi_column += random_scalars(BLINDING_ENTRIES - 1, draw)
    helpers, phi = [interpolate(column) for column in blinded_sums], interpolate(phi_column)
    writer.points(msm(setup.lagrange, column) for column in (*blinded_sums, phi_column))
    y = writer.transcript.challenge()

    at_slot = interpolate([int(e == slot) for e in range(n)])
    step = sum_step(phi, helpers, composed(limbs, PARAMETERS) - masked * at_slot, theta, n)
    shift = polynomial([gamma])
    inside = [
        *lookup_constraints([limb + shift for limb in limbs], helpers),
        step * (table + shift) + multiplicities,
    ]
    powers = constraint_weights(y)
    weighted = polynomial([])
    for power, constraint in zip(powers, inside, strict=False):
        weighted = weighted + constraint * power
    numerator = weighted * active + phi * (start * powers[4] + end * powers[5])
    numerator = numerator + (active - at_slot) * masked * powers[6]
    quotient, exact = divide_by_vanishing(numerator, n)
    if not exact:
        raise RuntimeError("the constraints do not vanish although the balances are in range")
    chunks = quotient_chunks(quotient, n, draw)
    writer.points(commit(setup, chunk) for chunk in chunks)
    zeta = writer.transcript.challenge()
    if zeta == 0 or pow(zeta, n, MODULUS) == 1:
        raise ZeroDivisor

    evals = ChunkEvaluations(
        evaluate(masked, zeta),
        [evaluate(limb, zeta) for limb in limbs],
        evaluate(multiplicities, zeta),
        [evaluate(helper, zeta) for helper in helpers],
        evaluate(phi, zeta),
        evaluate(table, zeta),
        evaluate(phi, zeta * omega[1] % MODULUS),
    )
    writer.scalars([*evals.at_zeta(), evals.running_sum_next])
    v = writer.transcript.challenge()

    folded = polynomial([])
    for chunk, power in zip(chunks, powers_of(pow(zeta, n - 1, MODULUS), CHUNKS), strict=True):
        folded = folded + chunk * power
    opened = own + mask * ((pow(zeta, n, MODULUS) - 1) % MODULUS)
    at_zeta = [opened, *limbs, multiplicities, *helpers, phi, table, folded]
    *weights, next_weight = powers_of(v, len(at_zeta) + 1)
    combined = polynomial([])
    for weight, poly in zip(weights, at_zeta, strict=True):
        combined = combined + poly * weight
    points = (zeta, zeta * omega[1] % MODULUS)
    groups = [
        OpeningGroup(poly, polynomial([-x % MODULUS, 1]))
        for poly, x in zip((combined, phi * next_weight), points, strict=True)
    ]
    opening = batch_quotient(groups)
    writer.points([commit(setup, opening)])
    u = writer.transcript.challenge()
    try:
        last = batch_linearisation(groups, opening, u)
    except ZeroDivisionError as error:
        raise ZeroDivisor from error
    writer.points([commit(setup, last)])
    return writer.finish()
