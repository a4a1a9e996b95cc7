"""The simulator of a policy proof: a transcript without the witness (protocol §8).

It knows τ and programs the oracle, and it never sees a quantity: what it takes are the statement, which is public, and
the sources' commitments. That its transcripts verify shows that a transcript gives nothing away that a reader could not
have written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from py_arkworks_bls12381 import G1Point

from attest.argument import Challenges, Evaluations, constraint_sum, mask_factor, powers_of
from attest.commitment import SourceSet
from attest.curve import INFINITY, msm, multiply
from attest.field import MODULUS, RandomBytes, domain, inverse, random_scalar, random_scalars
from attest.polynomial import lagrange_at
from attest.program import Parameters
from attest.proof import Context, ProofWriter, start_transcript
from attest.range_check import CHUNKS
from attest.srs import Setup
from attest.statement import Statement, entry_index, weight_families
from attest.transcript import Transcript
from tests.attest.toy_setup import programmed


@dataclass(frozen=True)
class Simulated:
    """A proof, and what the oracle must say for it to verify: keccak256(state ‖ 0x01) for some states."""

    proof: bytes
    answers: dict[bytes, bytes]


@dataclass
class Oracle:
    """Challenges drawn before anything is absorbed, put into the oracle where the transcript asks for them."""

    random_bytes: RandomBytes
    answers: dict[bytes, bytes] = field(default_factory=dict)

    def draw(self, count: int = 1) -> list[bytes]:
        return [self.random_bytes(32) for _ in range(count)]

    def program(self, transcript: Transcript, drawn: Sequence[bytes]) -> None:
        """From here the transcript's next challenges are `drawn`."""
        for state, answer in zip([transcript.state, *drawn], drawn, strict=False):
            self.answers[state] = answer
        with programmed(self.answers):
            transcript.challenges(len(drawn))


def scalars_of(answers: Iterable[bytes]) -> list[int]:
    return [int.from_bytes(answer, "big") % MODULUS for answer in answers]


@dataclass(frozen=True)
class Group:
    """Commitments opened together, already folded: f_i as a point, Z_i, and r_i by its coefficients."""

    combined: G1Point
    vanishing_at: dict[int, int]
    remainder: Sequence[int]

    def remainder_at(self, x: int) -> int:
        return sum(c * power for c, power in zip(self.remainder, powers_of(x, len(self.remainder)), strict=True))


def open_groups(setup: Setup, tau: int, groups: Sequence[Group]) -> G1Point:
    """[W]: (P.20) at τ."""
    total = INFINITY
    for group in groups:
        difference = group.combined - multiply(setup.g1, group.remainder_at(tau))
        total = total + multiply(difference, inverse(group.vanishing_at[tau]))
    return total


def open_at(setup: Setup, tau: int, u: int, groups: Sequence[Group], quotient: G1Point) -> G1Point:
    """[W']: (P.21) at τ."""
    product = 1
    for group in groups:
        product = product * group.vanishing_at[u] % MODULUS
    total = multiply(quotient, -product)
    for group in groups:
        difference = group.combined - multiply(setup.g1, group.remainder_at(u))
        total = total + multiply(difference, product * inverse(group.vanishing_at[u]))
    return multiply(total, inverse(tau - u))


def edge_values(parameters: Parameters, x: int, *more: int) -> dict[int, int]:
    """L_i(x) where the constraints need it."""
    edge = sorted({0, *more, *range(parameters.first_blinding_entry, parameters.n)})
    return dict(zip(edge, lagrange_at(parameters.n, edge, x), strict=True))


def table_at(parameters: Parameters, x: int) -> int:
    values = lagrange_at(parameters.n, range(parameters.n), x)
    return sum((e % (1 << parameters.limb_width)) * value for e, value in enumerate(values)) % MODULUS


def folded_weights_at(statement: Statement, alpha: int, x: int) -> list[int]:
    """w, w_E and w_2 at a point, from the program alone."""
    p = statement.key.parameters
    folded = []
    for family in weight_families(statement.program):
        total = 0
        for at_row, weights in zip(lagrange_at(p.rows, list(family), alpha), family.values(), strict=True):
            entries = [entry_index(entry, p.packing) for entry in weights]
            values = lagrange_at(p.n, entries, x)
            total += at_row * sum(weight * value for weight, value in zip(weights.values(), values, strict=True))
        folded.append(total % MODULUS)
    return folded


def folded_matrix_at(statement: Statement, alpha: int, x: int, previous: bool) -> list[int]:
    """T_b(x) = Σ_k L_{Bk}(x) A_{Bk+b}(α) for b < B, from the program alone."""
    p, program = statement.key.parameters, statement.program
    size = program.previous_size if previous else program.size
    at_rows = lagrange_at(p.rows, range(len(program.rows)), alpha)
    columns = [0] * (p.packing * -(-size // p.packing))
    for row, at_row in zip(program.rows, at_rows, strict=True):
        for slot, value in (row.previous if previous else row.coefficients).items():
            columns[slot] += value * at_row
    at_columns = lagrange_at(p.n, range(0, len(columns), p.packing), x)
    return [
        sum(a * value for a, value in zip(columns[b :: p.packing], at_columns, strict=True)) % MODULUS
        for b in range(p.packing)
    ]


def quotient_commitments(setup: Setup, tau: int, value: int, n: int, random_bytes: RandomBytes) -> list[G1Point]:
    """Four chunks of which three are random and the last makes them t(τ) together."""
    powers = powers_of(pow(tau, n - 1, MODULUS), CHUNKS)
    chunks = random_scalars(CHUNKS - 1, random_bytes)
    known = sum(chunk * power for chunk, power in zip(chunks, powers, strict=False))
    chunks.append((value - known) * inverse(powers[-1]) % MODULUS)
    return [multiply(setup.g1, chunk) for chunk in chunks]


def simulate(
    setup: Setup,
    tau: int,
    statement: Statement,
    context: Context,
    sources: SourceSet,
    random_bytes: RandomBytes,
    previous: SourceSet | None = None,
) -> Simulated:
    """A proof without a witness. Args: tau: of the setup."""
    key, p = statement.key, statement.key.parameters
    n, packing, limbs = p.n, p.packing, p.limb_count
    sets = [sources, *([previous] if previous is not None else [])]
    oracle = Oracle(random_bytes)

    # All challenges first.
    first, for_y, for_zeta = oracle.draw(3), oracle.draw(), oracle.draw()
    for_v, for_u = oracle.draw(), oracle.draw()
    challenges = Challenges.draw(scalars_of(first), packing)
    y, zeta, v, u = (scalars_of(drawn)[0] for drawn in (for_y, for_zeta, for_v, for_u))
    alpha = challenges.alpha
    points = [zeta * domain(n)[b] % MODULUS for b in range(packing)]

    # What step 4 shows: private values are drawn, public ones computed.
    at_zeta = Evaluations(
        random_scalars(len(sets), random_bytes),
        random_scalars(limbs, random_bytes),
        *random_scalars(2, random_bytes),
        random_scalars(3, random_bytes),
        random_scalar(random_bytes),
        table_at(p, zeta),
        *folded_weights_at(statement, alpha, zeta),
        random_scalar(random_bytes),
        rotated=[random_scalars(len(sets), random_bytes) for _ in range(1, packing)],
        matrix=[folded_matrix_at(statement, alpha, zeta, vector == 1) for vector in range(len(sets))],
    )
    # The same at τ, which the commitments show; of Q̂ at ω^b τ only Σ_b Q̂(ω^b τ) T_b(τ) counts, so it stands for them.
    at_tau = Evaluations(
        random_scalars(len(sets), random_bytes),
        random_scalars(limbs, random_bytes),
        *random_scalars(2, random_bytes),
        random_scalars(3, random_bytes),
        random_scalar(random_bytes),
        table_at(p, tau),
        *folded_weights_at(statement, alpha, tau),
        random_scalar(random_bytes),
        rotated=[random_scalars(len(sets), random_bytes)] + [[0] * len(sets)] * (packing - 2),
        matrix=[[0, 1] + [0] * (packing - 2)] * len(sets),
    )
    t_at = {}
    for x, evals in ((zeta, at_zeta), (tau, at_tau)):
        total = constraint_sum(evals, challenges, y, x, p, edge_values(p, x))
        t_at[x] = total * inverse(pow(x, n, MODULUS) - 1) % MODULUS  # (P.19)

    def commit(values: Iterable[int]) -> list[G1Point]:
        return [multiply(setup.g1, value) for value in values]

    masks = [
        multiply(multiply(setup.g1, value) - held.commitment(setup), inverse(mask_factor(tau, aux, n)))
        for value, held, aux in zip(at_tau.holdings, sets, (key.aux, ()), strict=False)
    ]
    limb_points, other_points = commit(at_tau.limbs), commit([at_tau.multiplicities, at_tau.flags])
    helper_points, (sum_point,) = commit(at_tau.helpers), commit([at_tau.running_sum])
    chunks = quotient_commitments(setup, tau, t_at[tau], n, random_bytes)

    writer = ProofWriter(start_transcript(key, context, sources, previous))
    writer.points([*masks, *limb_points, *other_points])
    oracle.program(writer.transcript, first)
    writer.points([*helper_points, sum_point])
    oracle.program(writer.transcript, for_y)
    writer.points(chunks)
    oracle.program(writer.transcript, for_zeta)
    writer.scalars(at_zeta.in_order())
    oracle.program(writer.transcript, for_v)

    opened = [
        [
            held.opened_commitment(setup) + multiply(mask, mask_factor(x, aux, n))
            for held, mask, aux in zip(sets, masks, (key.aux, ()), strict=False)
        ]
        for x in points
    ]
    claimed = [
        [value - public_share(held, x, n) for held, value in zip(sets, values, strict=True)]
        for x, values in zip(points, [at_zeta.holdings, *at_zeta.rotated], strict=True)
    ]
    weights = [multiply(setup.g1, value) for value in folded_weights_at(statement, alpha, tau)]
    folded_chunks = msm(chunks, powers_of(pow(zeta, n - 1, MODULUS), CHUNKS))
    here = [*limb_points, *other_points, *helper_points, sum_point, setup.table, *weights, folded_chunks]
    pairs = [[*zip(opened[0] + here, claimed[0] + at_zeta.at_zeta()[len(sets) :] + [t_at[zeta]], strict=True)]]
    pairs += [[*zip(opened[b], claimed[b], strict=True)] for b in range(1, packing)]
    pairs[1].insert(0, (sum_point, at_zeta.running_sum_next))
    powers = iter(powers_of(v, sum(map(len, pairs)) + len(sets)))
    groups = []
    for x, group in zip(points, pairs, strict=True):
        taken = [next(powers) for _ in group]
        remainder = sum(power * value for power, (_, value) in zip(taken, group, strict=True)) % MODULUS
        groups.append(Group(msm([point for point, _ in group], taken), {z: z - x for z in (tau, u)}, [remainder]))
    matrix, remainder = INFINITY, [0] * packing
    for columns, values, power in zip((key.columns, key.previous_columns), at_zeta.matrix, powers, strict=False):
        at_columns = lagrange_at(n, range(0, packing * len(columns), packing), zeta)
        matrix = matrix + multiply(msm(columns, at_columns), power)
        remainder = [total + power * value for total, value in zip(remainder, values, strict=True)]
    groups.append(Group(matrix, {z: pow(z, packing, MODULUS) - alpha for z in (tau, u)}, remainder))

    quotient = open_groups(setup, tau, groups)
    writer.points([quotient])
    oracle.program(writer.transcript, for_u)
    writer.points([open_at(setup, tau, u, groups, quotient)])
    return Simulated(writer.finish(), oracle.answers)


def public_share(sources: SourceSet, x: int, n: int) -> int:
    """Σ value·L_j(x) over the public slots."""
    at_slots = lagrange_at(n, [slot for slot, _ in sources.public_values], x)
    return sum(value * at for (_, value), at in zip(sources.public_values, at_slots, strict=True))
