"""Commitments to the packed matrix from its own small integers (protocol §3).

With λ_i the Lagrange basis of the row domain, P_k = Σ_b Σ_i A_{i,Bk+b} · X^b λ_i(X^B), and

    [X^b λ_i(X^B)]_1 = Σ_{m<B} ω^{b(i+mR)} [L_{i+mR}]                                                 (P.23)

A column's values on H are full field elements; the A_ij are not, and a multi-scalar multiplication over small numbers
takes a fifth of the time. The points cost n full multiplications once, so few columns are faster without them.
"""

from __future__ import annotations

from collections.abc import Sequence

from py_arkworks_bls12381 import G1Point

from attest.curve import INFINITY, multiply, scalar
from attest.field import domain
from attest.program import Parameters, Program
from attest.srs import Setup

FEW_COLUMNS = 32
"""Up to here the points cost more than they save."""

RowBasis = tuple[tuple[G1Point, ...], ...]
"""[b][i] = [X^b λ_i(X^B)]_1."""


def row_basis(setup: Setup, parameters: Parameters) -> RowBasis:
    """The points of (P.23), computed once for a setup and packing."""
    packing = parameters.packing
    if packing not in setup.row_bases:
        setup.row_bases[packing] = tuple(
            tuple(_point(setup, parameters, b, i) for i in range(parameters.rows)) for b in range(packing)
        )
    return setup.row_bases[packing]


def _point(setup: Setup, parameters: Parameters, b: int, i: int) -> G1Point:
    """ω^{bi} Σ_m ω^{bmR} [L_{i+mR}], where ω^R is a root of unity of order B."""
    n, rows = parameters.n, parameters.rows
    powers = domain(n)
    total = INFINITY
    for m in range(parameters.packing):
        point, turn = setup.lagrange[i + m * rows], b * m * rows % n
        if turn == 0:
            total = total + point
        elif 2 * turn == n:
            total = total - point
        else:
            total = total + multiply(point, powers[turn])
    return multiply(total, powers[b * i % n]) if b * i else total


def signed_entries(program: Program, packing: int, previous: bool = False) -> list[list[tuple[int, int, int]]]:
    """For each packed column the entries (b, i, A_{i,Bk+b}) that are not 0."""
    size = program.previous_size if previous else program.size
    columns: list[list[tuple[int, int, int]]] = [[] for _ in range(-(-size // packing))]
    for i, row in enumerate(program.rows):
        for slot, value in (row.previous if previous else row.coefficients).items():
            k, b = divmod(slot, packing)
            columns[k].append((b, i, value))
    return columns


def commit_signed(basis: RowBasis, entries: Sequence[tuple[int, int, int]]) -> G1Point:
    """Σ value · basis[b][i], with negative values through the negated points."""
    if not entries:
        return INFINITY
    points = [basis[b][i] if value > 0 else -basis[b][i] for b, i, value in entries]
    return G1Point.multiexp_unchecked(points, [scalar(abs(value)) for _, _, value in entries])
