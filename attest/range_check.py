"""The range check that the proofs of policies and of liability books share (protocol §5).

A value S = Σ 2^{11k} D_k lies in [0, 2^77) because each limb D_k stands in the table of 2^11 integers, which sums of
logarithmic derivatives show. A running sum Φ joins them to one more sum over H, Σ LIN = 0, whatever LIN is.

Source: Haböck (2022), "Multivariate lookups based on logarithmic derivatives".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from attest.field import MODULUS, RandomBytes, batch_inverse, domain, random_scalar
from attest.polynomial import Polynomial, coefficients, interpolate, polynomial, scale_argument
from attest.program import Parameters

HELPER_LIMBS = ((0, 1, 2), (3, 4), (5, 6))
"""Which limbs each helper column h_i sums up."""
CHUNKS = 4
"""Of the quotient, n − 1 coefficients each."""

Value = TypeVar("Value", int, Polynomial)


@lru_cache(maxsize=8)
def fixed_columns(parameters: Parameters) -> tuple[Polynomial, Polynomial, Polynomial, Polynomial]:
    """tbl, act, L_0 and L_{n−8} as polynomials."""
    n, first = parameters.n, parameters.first_blinding_entry
    table = [entry % (1 << parameters.limb_width) for entry in range(n)]
    active = [1] * first + [0] * (n - first)
    start = [1] + [0] * (n - 1)
    end = [int(entry == first) for entry in range(n)]
    return interpolate(table), interpolate(active), interpolate(start), interpolate(end)


def split(values: Sequence[int], parameters: Parameters) -> tuple[list[list[int]], list[int]]:
    """Limbs of the values and how often each limb stands among them, on the active entries.

    Args:
        values: (n − 8,) integers in [0, 2^77).
    """
    low = (1 << parameters.limb_width) - 1
    limbs = [[value >> (parameters.limb_width * k) & low for value in values] for k in range(parameters.limb_count)]
    multiplicities = [0] * parameters.first_blinding_entry
    for limb in limbs:
        for value in limb:
            multiplicities[value] += 1
    return limbs, multiplicities


def table_inverses(gamma: int, parameters: Parameters) -> list[int]:
    """1/(γ + t) for every t of the table.

    Raises: ZeroDivisionError: −γ is in the table.
    """
    return batch_inverse([(gamma + value) % MODULUS for value in range(1 << parameters.limb_width)])


def helper_columns(limbs: Sequence[Sequence[int]], inverses: Sequence[int]) -> list[list[int]]:
    """h_i = Σ 1/(γ + D_k) over the limbs of group i, on the active entries."""
    columns = []
    for group in HELPER_LIMBS:
        sums = zip(*([inverses[d] for d in limbs[k]] for k in group), strict=True)
        columns.append([sum(terms) % MODULUS for terms in sums])
    return columns


def running_sum(
    helpers: Sequence[Sequence[int]],
    multiplicities: Sequence[int],
    inverses: Sequence[int],
    linear: Sequence[int],
    theta: int,
) -> list[int]:
    """Φ on the active entries and the one behind them: Φ_0 = 0, Φ_{e+1} − Φ_e = Σ h_i − m/(γ + tbl) + θ·LIN.

    Raises: RuntimeError: it does not close, so the witness is not what it should be.
    """
    total, column = 0, []
    for e, multiplicity in enumerate(multiplicities):
        column.append(total)
        lookup = multiplicity * inverses[e & (len(inverses) - 1)]
        total = (total + sum(h[e] for h in helpers) - lookup + theta * linear[e]) % MODULUS
    if total:
        raise RuntimeError("the running sum does not close although the witness satisfies the statement")
    return [*column, 0]


def composed(limbs: Sequence[Value], parameters: Parameters) -> Value:
    """S = Σ 2^{11k} D_k."""
    total = limbs[0]
    for k, limb in enumerate(limbs[1:], 1):
        total = total + limb * (1 << (parameters.limb_width * k))
    return total


def lookup_constraints(shifted: Sequence[Value], helpers: Sequence[Value]) -> list[Value]:
    """h_i·Π(γ + D_k) − Σ of the products without one, for values as for polynomials.

    Args:
        shifted: γ + D_k; helpers: h_i.
    """
    g, h = shifted, helpers
    pair = g[0] * g[1]
    return [
        pair * (h[0] * g[2]) - pair - g[2] * (g[0] + g[1]),
        h[1] * (g[3] * g[4]) - g[3] - g[4],
        h[2] * (g[5] * g[6]) - g[5] - g[6],
    ]


def sum_step(phi: Polynomial, helpers: Sequence[Polynomial], linear: Polynomial, theta: int, n: int) -> Polynomial:
    """Φ(ωX) − Φ(X) − Σ h_i − θ·LIN."""
    step = scale_argument(phi, domain(n)) - phi
    for helper in helpers:
        step = step - helper
    return step - linear * theta


def quotient_chunks(quotient: Polynomial, n: int, random_bytes: RandomBytes) -> list[Polynomial]:
    """4 chunks of n − 1 coefficients; each gets a random one on top that the next takes back.

    Raises: RuntimeError: the quotient has too many coefficients.
    """
    width = n - 1
    values = coefficients(quotient)
    if len(values) > CHUNKS * width:
        raise RuntimeError("the quotient exceeds its degree bound")
    values += [0] * (CHUNKS * width - len(values))
    chunks, carried = [], 0
    for c in range(CHUNKS):
        part = values[c * width : (c + 1) * width]
        part[0] = (part[0] - carried) % MODULUS
        if c < CHUNKS - 1:
            carried = random_scalar(random_bytes)
            part.append(carried)
        chunks.append(polynomial(part))
    return chunks
