"""Verification of a policy proof (protocol §5): one transcript, one field equation, one MSM, one pairing check."""

from __future__ import annotations

from collections.abc import Sequence

from py_arkworks_bls12381 import G1Point

from attest.argument import Challenges, Evaluations, constraint_sum, mask_factor, powers_of
from attest.commitment import SourceSet
from attest.curve import msm
from attest.errors import ProofRejected
from attest.field import MODULUS, batch_inverse, domain
from attest.kzg import check_batch
from attest.polynomial import lagrange_at
from attest.proof import Context, ProofReader, check_instance, start_transcript
from attest.range_check import CHUNKS, HELPER_LIMBS
from attest.srs import Setup
from attest.statement import StatementKey


def _read_evaluations(reader: ProofReader, key: StatementKey) -> Evaluations:
    packing, vectors, limbs = key.parameters.packing, key.vectors, key.parameters.limb_count
    holdings, limb_evals = reader.scalars(vectors), reader.scalars(limbs)
    multiplicities, flags = reader.scalars(2)
    helpers = reader.scalars(len(HELPER_LIMBS))
    running_sum, table, weights, flag_weights, square_weights, running_sum_next = reader.scalars(6)
    return Evaluations(
        holdings,
        limb_evals,
        multiplicities,
        flags,
        helpers,
        running_sum,
        table,
        weights,
        flag_weights,
        square_weights,
        running_sum_next,
        rotated=[reader.scalars(vectors) for _ in range(1, packing)],
        matrix=[reader.scalars(packing) for _ in range(vectors)],
    )


def verify(  # noqa: PLR0915 - one story, in the protocol's order
    setup: Setup,
    key: StatementKey,
    context: Context,
    sources: SourceSet,
    proof: bytes,
    previous: SourceSet | None = None,
) -> None:
    """Accept a proof that the committed holdings satisfy the key's program in this context; else raise.

    This is the proof alone. That the key is the right one, that the sources are all those of the layout, own their
    slots and signed is for `attest.attestation.verify_attestation`, which calls this.

    Args:
        previous: the previous epoch's sources, for keys of two vectors.
    Raises:
        EncodingError: the bytes are no proof for such a key.
        ProofRejected: the proof does not show this statement, naming the first failing check.
        SourceError: sources that do not fit the key's number of vectors.
    """
    check_instance(key, sources, previous)
    parameters, vectors = key.parameters, key.vectors
    n, packing, rows = parameters.n, parameters.packing, parameters.rows
    transcript = start_transcript(key, context, sources, previous)
    reader = ProofReader(proof, transcript, packing, vectors)
    masks = reader.points(vectors)
    limbs = reader.points(parameters.limb_count)
    multiplicities, flags = reader.points(2)
    challenges = Challenges.draw(transcript.challenges(3), packing)
    helpers = reader.points(len(HELPER_LIMBS))
    (running_sum,) = reader.points(1)
    y = transcript.challenge()
    chunks = reader.points(CHUNKS)
    zeta = transcript.challenge()
    evals = _read_evaluations(reader, key)
    v = transcript.challenge()
    (W,) = reader.points(1)
    u = transcript.challenge()
    (W_u,) = reader.points(1)

    alpha = challenges.alpha
    omega = domain(n)
    if zeta == 0 or pow(zeta, n, MODULUS) == 1 or pow(alpha, rows, MODULUS) == 1:
        raise ProofRejected("zero divisor", "ζ is 0, or a challenge lies on a domain")
    if alpha in (zeta, zeta * omega[n - 1] % MODULUS):
        raise ProofRejected("zero divisor", "ζ or ζ/ω equals α")

    edge = [0, *range(parameters.first_blinding_entry, n)]
    lagrange = dict(zip(edge, lagrange_at(n, edge, zeta), strict=True))
    total = constraint_sum(evals, challenges, y, zeta, parameters, lagrange)
    quotient_eval = total * pow(pow(zeta, n, MODULUS) - 1, -1, MODULUS) % MODULUS

    points = [zeta * omega[b] % MODULUS for b in range(packing)]
    vanishing = [(u - x) % MODULUS for x in points] + [(pow(u, packing, MODULUS) - alpha) % MODULUS]
    if 0 in vanishing:
        raise ProofRejected("zero divisor", "u is an opening point")
    z_t = 1
    for value in vanishing:
        z_t = z_t * value % MODULUS
    factors = [z_t * inv % MODULUS for inv in batch_inverse(vanishing)]

    at_zeta = evals.at_zeta()
    powers = iter(powers_of(v, len(at_zeta) + 2 + packing * vectors))
    zeta_powers = [next(powers) for _ in at_zeta]
    quotient_power, next_power = next(powers), next(powers)
    rotated_powers = [[next(powers) for _ in range(vectors)] for _ in range(1, packing)]
    matrix_powers = [next(powers) for _ in range(vectors)]

    # Σ_i (Z_T/Z_i)(u) r_i(u): every claimed value with its weight.
    claimed = factors[0] * (
        sum(p * e for p, e in zip(zeta_powers, at_zeta, strict=True)) + quotient_power * quotient_eval
    )
    claimed += factors[1] * next_power * evals.running_sum_next
    for b, (weights, values) in enumerate(zip(rotated_powers, evals.rotated, strict=True), 1):
        claimed += factors[b] * sum(p * e for p, e in zip(weights, values, strict=True))
    for power, values in zip(matrix_powers, evals.matrix, strict=True):
        claimed += factors[packing] * power * sum(t * x for t, x in zip(values, powers_of(u, packing), strict=True))

    terms: list[tuple[G1Point, int]] = [(setup.g1, -claimed), (W, -z_t)]
    for vector, source_set in enumerate((sources, *([previous] if previous is not None else []))):
        weights = [zeta_powers[vector], *(rotation[vector] for rotation in rotated_powers)]
        weighted = [factor * weight % MODULUS for factor, weight in zip(factors, weights, strict=False)]
        aux = key.aux if vector == 0 else ()
        mask_weight = sum(c * mask_factor(x, aux, n) for c, x in zip(weighted, points, strict=True))
        terms += [(source_set.opened_commitment(setup), sum(weighted)), (masks[vector], mask_weight)]
        known = sum(c * _public_share(source_set, x, n) for c, x in zip(weighted, points, strict=True))
        terms.append((setup.g1, known))
    folded = iter([factors[0] * power for power in zeta_powers[vectors:]])
    terms += [(point, next(folded)) for point in (*limbs, multiplicities, flags, *helpers)]
    terms.append((running_sum, next(folded) + factors[1] * next_power))
    terms.append((setup.table, next(folded)))
    families = (key.weights, key.flag_weights, key.square_weights)
    for family in families:
        weight = next(folded)
        row_weights = lagrange_at(rows, [group.row for group in family], alpha)
        terms += [(group.commitment, weight * row) for group, row in zip(family, row_weights, strict=True)]
    chunk_powers = powers_of(pow(zeta, n - 1, MODULUS), CHUNKS)
    terms += [(chunk, factors[0] * quotient_power * power) for chunk, power in zip(chunks, chunk_powers, strict=True)]
    matrices = (key.columns, key.previous_columns)[:vectors]
    for power, columns in zip(matrix_powers, matrices, strict=True):
        at_columns = lagrange_at(n, range(0, packing * len(columns), packing), zeta)
        terms += [(column, factors[packing] * power * value) for column, value in zip(columns, at_columns, strict=True)]
    check_batch(setup, _fold(terms), u, W_u)


def _public_share(sources: SourceSet, x: int, n: int) -> int:
    """Σ value·L_j(x) over the public slots. (P.24)"""
    slots = [slot for slot, _ in sources.public_values]
    at_slots = lagrange_at(n, slots, x)
    return sum(value * at for (_, value), at in zip(sources.public_values, at_slots, strict=True)) % MODULUS


def _fold(terms: Sequence[tuple[G1Point, int]]) -> G1Point:
    return msm([point for point, _ in terms], [value % MODULUS for _, value in terms])
