"""What a proof shows of its witness, as linear functions of the blinding (the table of protocol §8).

With the challenges fixed, every value that a proof shows of a private column is one of the column's own values plus a
linear function of the random numbers that the prover drew. The witness is hidden where that function is onto.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from attest.argument import powers_of
from attest.field import MODULUS, RandomBytes, domain, inverse
from attest.masking import mask_polynomial
from attest.polynomial import evaluate, lagrange_at, polynomial
from attest.program import BLINDING_ENTRIES
from attest.range_check import CHUNKS, quotient_chunks
from attest.statement import Statement
from tests.attest.simulator import folded_matrix_at

Matrix = list[list[int]]
"""A row for each shown value, a column for each random number."""

BLINDED_COLUMNS = 7 + 2 + 3
"""Limbs, multiplicities and flags, helpers; the running sum stands apart."""


def rank(matrix: Matrix) -> int:
    """Over F_r, by elimination."""
    rows, found = [list(row) for row in matrix], 0
    for column in range(len(matrix[0]) if matrix else 0):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        scale = inverse(rows[found][column])
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] * scale % MODULUS
            if factor:
                rows[i] = [(a - factor * b) % MODULUS for a, b in zip(rows[i], rows[found], strict=True)]
        found += 1
    return found


def block_diagonal(blocks: Sequence[Matrix]) -> Matrix:
    """One matrix of independent ones."""
    width, start, rows = sum(len(block[0]) for block in blocks), 0, []
    for block in blocks:
        size = len(block[0])
        rows += [[0] * start + row + [0] * (width - start - size) for row in block]
        start += size
    return rows


def unit(k: int) -> RandomBytes:
    """Random numbers that are all 0, but for number k, which is 1."""
    drawn = chain([0] * k, [1], iter(lambda: 0, 1))
    return lambda count: next(drawn).to_bytes(count, "big")


def column_block(n: int, points: Sequence[int], entries: int = BLINDING_ENTRIES) -> Matrix:
    """Values at points of a column whose last entries are random."""
    return [lagrange_at(n, range(n - entries, n), x) for x in points]


def mask_block(statement: Statement, alpha: int, zeta: int, tau: int, previous: bool = False) -> Matrix:
    """Q̂ at ω^b ζ for all b, then b at τ, then Σ_b Q̂(ω^b τ) T_b(τ)."""
    p = statement.key.parameters
    omega, aux = domain(p.n), () if previous else statement.key.aux
    weights = folded_matrix_at(statement, alpha, tau, previous)
    columns = []
    for k in range(p.packing + 2):
        mask, shift = mask_polynomial([0] * p.n, dict.fromkeys(aux, 0), p.packing, p.n, unit(k))
        opened = [evaluate(shift, omega[b] * zeta % MODULUS) for b in range(p.packing)]
        at_tau = [evaluate(shift, omega[b] * tau % MODULUS) for b in range(p.packing)]
        combined = sum(t * value for t, value in zip(weights, at_tau, strict=True)) % MODULUS
        columns.append([*opened, evaluate(mask, tau), combined])
    return [list(row) for row in zip(*columns, strict=True)]


def chunk_block(n: int, tau: int) -> Matrix:
    """The quotient's chunks at τ; the last is what the others leave of t(τ)."""
    columns = []
    for k in range(CHUNKS - 1):
        chunks = [evaluate(chunk, tau) for chunk in quotient_chunks(polynomial([]), n, unit(k))]
        powers = powers_of(pow(tau, n - 1, MODULUS), CHUNKS)
        assert sum(power * value for power, value in zip(powers, chunks, strict=True)) % MODULUS == 0
        columns.append(chunks[:-1])
    return [list(row) for row in zip(*columns, strict=True)]


def mask_blocks(statement: Statement, alpha: int, zeta: int, tau: int) -> Matrix:
    """The masks of all vectors; their combinations at τ are shown as one sum."""
    blocks = [mask_block(statement, alpha, zeta, tau, previous) for previous in (False, True)[: statement.key.vectors]]
    together = block_diagonal([block[:-1] for block in blocks])
    return [*together, [entry for block in blocks for entry in block[-1]]]


def shown_blocks(statement: Statement, alpha: int, zeta: int, tau: int) -> dict[str, list[Matrix]]:
    """All that a proof shows, by the rows of the specification's table."""
    n = statement.key.parameters.n
    omega = domain(n)[1]
    plain = column_block(n, [tau, zeta])
    shifted = [x * power % MODULUS for x in (tau, zeta) for power in (1, omega)]
    return {
        "columns": [plain] * BLINDED_COLUMNS,
        "running sum": [column_block(n, shifted, BLINDING_ENTRIES - 1)],
        "holdings": [mask_blocks(statement, alpha, zeta, tau)],
        "quotient": [chunk_block(n, tau)],
    }
