"""The prover of a policy (protocol §5): rounds of messages as the transcript asks for them.

It refuses to prove a false statement. Polynomial arithmetic holds the interpreter while the multi-scalar
multiplications run beside it on their own threads.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from py_arkworks_bls12381 import G1Point

from attest.argument import MAX_ATTEMPTS, Challenges, Evaluations, ZeroDivisor, mask_factor, powers_of
from attest.commitment import Holdings, SourceSet
from attest.curve import msm
from attest.errors import SourceError
from attest.field import MODULUS, RandomBytes, domain, inverse, random_scalars
from attest.kzg import OpeningGroup, batch_linearisation, batch_quotient
from attest.masking import PreviousHoldings, Vector, private_vectors
from attest.polynomial import (
    Polynomial,
    coefficients,
    divide_by_vanishing,
    evaluate,
    interpolate,
    lagrange_at,
    polynomial,
    scale_argument,
)
from attest.program import BLINDING_ENTRIES, Entry, Witness, solve
from attest.proof import Context, ProofWriter, check_instance, start_transcript
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
from attest.statement import Statement, entry_index, weight_column, weight_families

Progress = Callable[[str], None]


class _Attempt:
    """One run through the transcript; secrets live here and nowhere else."""

    def __init__(
        self,
        setup: Setup,
        statement: Statement,
        witness: Witness,
        vectors: list[Vector],
        writer: ProofWriter,
        pool: ThreadPoolExecutor,
        random_bytes: RandomBytes,
    ) -> None:
        self.setup, self.statement, self.witness, self.vectors = setup, statement, witness, vectors
        self.writer, self.pool, self.random_bytes = writer, pool, random_bytes
        self.parameters = statement.key.parameters
        self.table, self.active, self.start, self.end = fixed_columns(self.parameters)

    def commit_columns(self, columns: Sequence[Sequence[int]]) -> list[Future[G1Point]]:
        return [self.pool.submit(msm, self.setup.lagrange, column) for column in columns]

    def commit_polynomials(self, polys: Sequence[Polynomial]) -> list[Future[G1Point]]:
        return [
            self.pool.submit(msm, self.setup.monomial[: len(values)], values)
            for values in (coefficients(poly) for poly in polys)
        ]

    def commit_split(self, poly: Polynomial) -> G1Point:
        """One commitment by two threads, for when nothing else is left to do."""
        values = coefficients(poly)
        half = len(values) // 2
        points = self.setup.monomial[: len(values)]
        first = self.pool.submit(msm, points[:half], values[:half])
        second = self.pool.submit(msm, points[half:], values[half:])
        return first.result() + second.result()

    def blinded(self, active: Sequence[int]) -> list[int]:
        """A column with its last 8 entries random."""
        return [*active, *random_scalars(BLINDING_ENTRIES, self.random_bytes)]

    def round_1(self) -> None:
        """[b] [D_0..D_6] [m] [E] → γ, β, θ."""
        p = self.parameters
        masks = self.commit_polynomials([vector.mask for vector in self.vectors])
        parts = [0] * p.first_blinding_entry
        for i, (plus, minus) in enumerate(zip(self.witness.plus, self.witness.minus, strict=True)):
            parts[p.packing * i], parts[p.packing * i + 1] = plus, minus
        limbs, multiplicities = split(parts, p)
        flags = [0] * p.first_blinding_entry
        for entry in self.witness.flags:
            flags[entry_index(entry, p.packing)] = 1
        self.limb_columns = [self.blinded(limb) for limb in limbs]
        self.multiplicity_column, self.flag_column = self.blinded(multiplicities), self.blinded(flags)
        columns = [*self.limb_columns, self.multiplicity_column, self.flag_column]
        commitments = self.commit_columns(columns)
        *self.limbs, self.multiplicities, self.flags = [interpolate(column) for column in columns]
        self.writer.points(future.result() for future in [*masks, *commitments])
        self.challenges = Challenges.draw(self.writer.transcript.challenges(3), p.packing)

    def fold_program(self) -> None:
        """Everything public that α determines: λ_i(α), κ + w, weights, T_b."""
        p, alpha = self.parameters, self.challenges.alpha
        rows, packing, n = p.rows, p.packing, p.n
        if pow(alpha, rows, MODULUS) == 1:
            raise ZeroDivisor
        self.row_weights = lagrange_at(rows, range(rows), alpha)
        program = self.statement.program
        folded: list[list[int]] = []
        for family in weight_families(program):
            total: dict[Entry, int] = {}
            for row, weights in family.items():
                for entry, weight in weights.items():
                    total[entry] = (total.get(entry, 0) + weight * self.row_weights[row]) % MODULUS
            folded.append(weight_column(total, p))
        self.weight_columns = folded
        self.weights = [interpolate(column) if any(column) else polynomial([]) for column in folded]
        powers = powers_of(alpha, rows)
        scale = inverse(rows * packing)
        block = [scale, *(power * scale % MODULUS for power in reversed(powers[1:]))]
        selected = polynomial(block * packing)
        self.kernel = selected - scale_argument(selected, (1, *domain(n)[:0:-1]))
        self.kernel_column = [0] * n
        for i, weight in enumerate(self.row_weights):
            self.kernel_column[packing * i] = weight
            self.kernel_column[packing * i + 1] = MODULUS - weight
        self.folded_columns: list[list[int]] = []
        for vector in self.vectors:
            sums = [0] * vector.size
            for program_row, row_weight in zip(program.rows, self.row_weights, strict=False):
                for slot, a in (program_row.previous if vector.previous else program_row.coefficients).items():
                    sums[slot] += a * row_weight
            self.folded_columns.append([x % MODULUS for x in sums])

    def round_2(self) -> None:
        """[h_0] [h_1] [h_2] [Φ] → y."""
        p = self.parameters
        active = p.first_blinding_entry
        try:
            inverses = table_inverses(self.challenges.gamma, p)
        except ZeroDivisionError as error:
            raise ZeroDivisor from error
        sums = helper_columns([limb[:active] for limb in self.limb_columns], inverses)
        blinded_sums = [self.blinded(column) for column in sums]
        helper_commitments = self.commit_columns(blinded_sums)
        self.fold_program()
        linear = self.linear_column()
        multiplicities = self.multiplicity_column[:active]
        column = running_sum(sums, multiplicities, inverses, linear, self.challenges.theta)
        column += random_scalars(BLINDING_ENTRIES - 1, self.random_bytes)
        sum_commitment = self.commit_columns([column])
        self.helpers = [interpolate(h) for h in blinded_sums]
        self.running_sum = interpolate(column)
        self.matrix_polynomials()
        self.writer.points(future.result() for future in [*helper_commitments, *sum_commitment])
        self.y = self.writer.transcript.challenge()

    def linear_column(self) -> list[int]:
        """LIN on H, from the witness and the folded program."""
        p = self.parameters
        linear = [0] * p.n
        w, w_flag, w_square = self.weight_columns
        for i, (plus, minus) in enumerate(zip(self.witness.plus, self.witness.minus, strict=True)):
            for e, part in ((p.packing * i, plus), (p.packing * i + 1, minus)):
                linear[e] = part * (self.kernel_column[e] + w[e]) + self.flag_column[e] * w_flag[e]
                linear[e] += part * part * w_square[e]
        for vector, sums in zip(self.vectors, self.folded_columns, strict=True):
            for slot, a in enumerate(sums):
                linear[slot - slot % p.packing] -= vector.masked_column[slot] * a
        return linear

    def matrix_polynomials(self) -> None:
        """T_b = u·t_b with t_b of degree below R and u(X) = Σ_i X^{Ri}/B, so Σ_b Q̂(ω^b X) T_b costs little."""
        p, omega = self.parameters, domain(self.parameters.n)
        self.rotated: list[list[Polynomial]] = []
        self.matrix: list[list[Polynomial]] = []
        for vector, sums in zip(self.vectors, self.folded_columns, strict=True):
            padded = sums + [0] * (p.packing * p.rows - len(sums))
            self.matrix.append([interpolate(padded[b :: p.packing]) for b in range(p.packing)])
            self.rotated.append(
                [vector.masked]
                + [scale_argument(vector.masked, [omega[b * i % p.n] for i in range(p.n)]) for b in range(1, p.packing)]
            )
        spread = ([inverse(p.packing)] + [0] * (p.rows - 1)) * (p.packing - 1) + [inverse(p.packing)]
        self.selector = polynomial(spread)

    def round_3(self) -> None:
        """The quotient in 4 blinded chunks → ζ."""
        p, n = self.parameters, self.parameters.n
        gamma, theta, y = self.challenges.gamma, self.challenges.theta, self.y
        g = [limb + polynomial([gamma]) for limb in self.limbs]
        h, phi, flags = self.helpers, self.running_sum, self.flags
        w, w_flag, w_square = self.weights
        value = composed(self.limbs, p)
        linear = value * (self.kernel + w)
        flagged = flags * w_flag
        linear = linear + flagged
        if not w_square.is_zero():
            linear = linear + value * value * w_square
        opened = polynomial([])
        for rotated, matrix in zip(self.rotated, self.matrix, strict=True):
            for q, t in zip(rotated, matrix, strict=True):
                opened = opened + q * t
        linear = linear - opened * self.selector
        step = sum_step(phi, h, linear, theta, n)
        constraints = [
            *lookup_constraints(g, h),
            step * (self.table + polynomial([gamma])) + self.multiplicities,
            flags * flags - flags,
            (w_flag - flagged) * value,
        ]
        weights = powers_of(y, len(constraints) + 2 + len(self.vectors))
        inside = polynomial([])
        for weight, constraint in zip(weights, constraints, strict=False):
            inside = inside + constraint * weight
        at_start = phi * weights[6]
        for weight, vector in zip(weights[8:], self.vectors, strict=True):
            at_start = at_start + (vector.masked - polynomial([1])) * weight
        numerator = inside * self.active + at_start * self.start + phi * self.end * weights[7]
        quotient, exact = divide_by_vanishing(numerator, n)
        if not exact:
            raise RuntimeError("the constraints do not vanish although the witness satisfies the program")
        chunks = quotient_chunks(quotient, n, self.random_bytes)
        self.writer.points(future.result() for future in self.commit_polynomials(chunks))
        self.zeta = self.writer.transcript.challenge()
        on_alpha = self.challenges.alpha in (self.zeta, self.zeta * domain(n)[n - 1] % MODULUS)
        if self.zeta == 0 or pow(self.zeta, n, MODULUS) == 1 or on_alpha:
            raise ZeroDivisor
        self.chunk_powers = powers_of(pow(self.zeta, n - 1, MODULUS), CHUNKS)
        self.quotient = polynomial([])
        for chunk, power in zip(chunks, self.chunk_powers, strict=True):
            self.quotient = self.quotient + chunk * power

    def round_4(self) -> None:
        """Evaluations → v."""
        p, zeta, omega = self.parameters, self.zeta, domain(self.parameters.n)
        selector = evaluate(self.selector, zeta)
        w, w_flag, w_square = self.weights
        self.evals = Evaluations(
            [evaluate(vector.masked, zeta) for vector in self.vectors],
            [evaluate(limb, zeta) for limb in self.limbs],
            evaluate(self.multiplicities, zeta),
            evaluate(self.flags, zeta),
            [evaluate(h, zeta) for h in self.helpers],
            evaluate(self.running_sum, zeta),
            evaluate(self.table, zeta),
            evaluate(w, zeta),
            evaluate(w_flag, zeta),
            evaluate(w_square, zeta),
            evaluate(self.running_sum, zeta * omega[1] % MODULUS),
            rotated=[
                [evaluate(vector.masked, zeta * omega[b] % MODULUS) for vector in self.vectors]
                for b in range(1, p.packing)
            ],
            matrix=[[evaluate(t, zeta) * selector % MODULUS for t in matrix] for matrix in self.matrix],
        )
        self.writer.scalars(self.evals.in_order())
        self.v = self.writer.transcript.challenge()

    def round_5(self) -> None:
        """The batched opening [W] → u, [W']."""
        p, zeta = self.parameters, self.zeta
        packing, n = p.packing, p.n
        points = [zeta * domain(n)[b] % MODULUS for b in range(packing)]
        masked_at = [
            [vector.opened + vector.mask * mask_factor(x, vector.aux, n) for vector in self.vectors] for x in points
        ]
        at_zeta = [
            *masked_at[0],
            *self.limbs,
            self.multiplicities,
            self.flags,
            *self.helpers,
            self.running_sum,
            self.table,
            *self.weights,
            self.quotient,
        ]
        powers = iter(powers_of(self.v, len(at_zeta) + 1 + packing * len(self.vectors)))
        combined = []
        for b, polys in enumerate([at_zeta, *masked_at[1:]]):
            opened = [self.running_sum, *polys] if b == 1 else polys
            total = polynomial([])
            for poly in opened:
                total = total + poly * next(powers)
            combined.append(total)
        groups = [OpeningGroup(f, polynomial([-x % MODULUS, 1])) for f, x in zip(combined, points, strict=True)]
        matrix = polynomial([])
        for vector in self.vectors:
            matrix = matrix + self.matrix_at_zeta(vector) * next(powers)
        roots = polynomial([-self.challenges.alpha % MODULUS] + [0] * (packing - 1) + [1])
        groups.append(OpeningGroup(matrix, roots))
        quotient = batch_quotient(groups)
        self.writer.points([self.commit_split(quotient)])
        u = self.writer.transcript.challenge()
        try:
            last = batch_linearisation(groups, quotient, u)
        except ZeroDivisionError as error:
            raise ZeroDivisor from error
        self.writer.points([self.commit_split(last)])

    def matrix_at_zeta(self, vector: Vector) -> Polynomial:
        """F = Σ_k L_{Bk}(ζ) P_k = Σ_b X^b G_b(X^B), G_b with the values Σ_k L_{Bk}(ζ) A_{i,Bk+b} on H'."""
        p = self.parameters
        at_columns = lagrange_at(p.n, range(0, vector.size, p.packing), self.zeta)
        values = [[0] * p.rows for _ in range(p.packing)]
        for i, row in enumerate(self.statement.program.rows):
            for slot, a in (row.previous if vector.previous else row.coefficients).items():
                k, b = divmod(slot, p.packing)
                values[b][i] += at_columns[k] * a
        interleaved = [0] * p.n
        for b, column in enumerate(values):
            part = coefficients(interpolate([x % MODULUS for x in column]))
            interleaved[b : b + p.packing * len(part) : p.packing] = part
        return polynomial(interleaved)


def prove(
    setup: Setup,
    statement: Statement,
    context: Context,
    holdings: Holdings,
    sources: SourceSet,
    aux: Mapping[int, int],
    *,
    previous: PreviousHoldings | None = None,
    random_bytes: RandomBytes = secrets.token_bytes,
    threads: int = 2,
    progress: Progress = lambda step: None,
) -> bytes:
    """Prove that the committed holdings satisfy the statement's program.

    Args:
        holdings: openings of all sources; sources: what they signed, in the same epoch.
        aux: value of every aux slot.
        previous: the previous epoch's openings, for statements of two vectors.
        random_bytes: randomness of the blinding; every attempt draws afresh.
        threads: for the multi-scalar multiplications.
        progress: called with the name of each round.
    Returns: the proof in its calldata encoding.
    Raises:
        StatementFalse: the holdings do not satisfy the program; names the constraints, for the operator only.
        SourceError: openings and signed commitments differ, or the sources do not fit the key.
    """
    previous_sources = previous.sources if previous is not None else None
    check_instance(statement.key, sources, previous_sources)
    if tuple(sorted(aux)) != statement.key.aux:
        raise SourceError("the aux values do not fill exactly the aux slots")
    program = statement.program
    before = previous.holdings.vector(program.previous_size, {}) if previous is not None else []
    witness = solve(program, holdings.vector(program.size, aux), before)
    for held, signed in [(holdings, sources)] + ([(previous.holdings, previous.sources)] if previous else []):
        if msm(setup.lagrange, held.column()) != signed.commitment(setup):
            raise SourceError("the openings do not belong to the signed commitments")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(MAX_ATTEMPTS):
            writer = ProofWriter(start_transcript(statement.key, context, sources, previous_sources))
            vectors = private_vectors(statement.key, holdings, aux, previous, random_bytes)
            attempt = _Attempt(setup, statement, witness, vectors, writer, pool, random_bytes)
            rounds = (attempt.round_1, attempt.round_2, attempt.round_3, attempt.round_4, attempt.round_5)
            try:
                for number, step in enumerate(rounds, 1):
                    progress(f"round {number} of {len(rounds)}")
                    step()
            except ZeroDivisor:
                continue
            return writer.finish()
    raise RuntimeError("zero divisors in every attempt: the randomness is broken")
