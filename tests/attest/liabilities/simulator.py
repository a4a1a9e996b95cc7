"""The simulator of a liability chunk: commitments and proof without a single balance (protocol §9)."""

from __future__ import annotations

from collections.abc import Iterable

from py_arkworks_bls12381 import G1Point

from attest.argument import powers_of
from attest.curve import msm, multiply
from attest.field import MODULUS, RandomBytes, domain, inverse, random_scalar, random_scalars
from attest.liabilities import BookTerms, ChunkCommitments, ChunkStatement, book_root
from attest.liabilities.book import PARAMETERS, CurrencyCommitments
from attest.liabilities.proof import ChunkEvaluations, chunk_constraints
from attest.proof import ProofWriter
from attest.range_check import CHUNKS
from attest.srs import Setup
from tests.attest.simulator import (
    Group,
    Oracle,
    Simulated,
    edge_values,
    open_at,
    open_groups,
    quotient_commitments,
    scalars_of,
    table_at,
)


def simulate_chunk(
    setup: Setup, tau: int, terms: BookTerms, random_bytes: RandomBytes
) -> tuple[ChunkStatement, Simulated]:
    """A book of one chunk and one currency of which nobody knows the accounts, and a proof that they add up.

    Args: tau: of the setup.
    """
    n, oracle = PARAMETERS.n, Oracle(random_bytes)
    first, for_y, for_zeta = oracle.draw(2), oracle.draw(), oracle.draw()
    for_v, for_u = oracle.draw(), oracle.draw()
    gamma, theta = scalars_of(first)
    y, zeta, v, u = (scalars_of(drawn)[0] for drawn in (for_y, for_zeta, for_v, for_u))
    slot = terms.slots[0]

    def drawn_at(x: int) -> ChunkEvaluations:
        return ChunkEvaluations(
            random_scalar(random_bytes),
            random_scalars(PARAMETERS.limb_count, random_bytes),
            random_scalar(random_bytes),
            random_scalars(3, random_bytes),
            random_scalar(random_bytes),
            table_at(PARAMETERS, x),
            random_scalar(random_bytes),
        )

    t_at, evals = {}, {x: drawn_at(x) for x in (zeta, tau)}
    for x, values in evals.items():
        total = chunk_constraints(values, gamma, theta, y, edge_values(PARAMETERS, x, slot), slot)
        t_at[x] = total * inverse(pow(x, n, MODULUS) - 1) % MODULUS

    def commit(values: Iterable[int]) -> list[G1Point]:
        return [multiply(setup.g1, value) for value in values]

    at_zeta, at_tau = evals[zeta], evals[tau]
    identifiers, total_point = commit(random_scalars(2, random_bytes))
    limbs = commit(at_tau.limbs)
    committed = ChunkCommitments(identifiers, (CurrencyCommitments(tuple(limbs), total_point),))
    statement = ChunkStatement(book_root(terms, [committed]), terms, 0, 0, committed)
    mask = multiply(multiply(setup.g1, at_tau.total) - total_point, inverse(pow(tau, n, MODULUS) - 1))
    multiplicities, sum_point = commit([at_tau.multiplicities, at_tau.running_sum])
    helpers = commit(at_tau.helpers)
    chunks = quotient_commitments(setup, tau, t_at[tau], n, random_bytes)

    writer = ProofWriter(statement.start_transcript())
    writer.points([mask, multiplicities])
    oracle.program(writer.transcript, first)
    writer.points([*helpers, sum_point])
    oracle.program(writer.transcript, for_y)
    writer.points(chunks)
    oracle.program(writer.transcript, for_zeta)
    writer.scalars([*at_zeta.at_zeta(), at_zeta.running_sum_next])
    oracle.program(writer.transcript, for_v)

    opened = total_point + multiply(mask, pow(zeta, n, MODULUS) - 1)
    folded = msm(chunks, powers_of(pow(zeta, n - 1, MODULUS), CHUNKS))
    points = [opened, *limbs, multiplicities, *helpers, sum_point, setup.table, folded]
    claimed = [*at_zeta.at_zeta(), t_at[zeta]]
    *powers, last = powers_of(v, len(points) + 1)
    next_point = zeta * domain(n)[1] % MODULUS
    remainder = sum(power * value for power, value in zip(powers, claimed, strict=True)) % MODULUS
    groups = [
        Group(msm(points, powers), {z: z - zeta for z in (tau, u)}, [remainder]),
        Group(multiply(sum_point, last), {z: z - next_point for z in (tau, u)}, [last * at_zeta.running_sum_next]),
    ]
    quotient = open_groups(setup, tau, groups)
    writer.points([quotient])
    oracle.program(writer.transcript, for_u)
    writer.points([open_at(setup, tau, u, groups, quotient)])
    return statement, Simulated(writer.finish(), oracle.answers)
