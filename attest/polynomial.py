"""Polynomials over F_r, and their values on the domains H (protocol §3).

Coefficients live in python-flint's `fmpz_mod_poly`, whose multiplication is native; values on a domain are
plain lists of integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import add, sub

import flint

from attest.field import MODULUS, batch_inverse, domain, inverse

Polynomial = flint.fmpz_mod_poly
_CONTEXT = flint.fmpz_mod_poly_ctx(flint.fmpz_mod_ctx(MODULUS))


def polynomial(coefficients: Iterable[int]) -> Polynomial:
    """From coefficients, lowest degree first."""
    return _CONTEXT(list(coefficients))


def coefficients(poly: Polynomial) -> list[int]:
    """Lowest degree first, without trailing zeros; [] for the zero polynomial."""
    return [int(c) for c in poly.coeffs()]


def evaluate(poly: Polynomial, x: int) -> int:
    return int(poly(x))


def roots_vanishing(roots: Iterable[int]) -> Polynomial:
    """Π (X − root)."""
    product = polynomial([1])
    for root in roots:
        product = product * polynomial([-root % MODULUS, 1])
    return product


@lru_cache(maxsize=32)
def _stages(order: int, inverted: bool) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """The bit-reversed indices of a transform, and for each stage the powers of its root that twist the odd half."""
    powers = domain(order)
    if inverted:
        powers = (1, *powers[:0:-1])
    indices = [0]
    while len(indices) < order:
        indices = [2 * i for i in indices] + [2 * i + 1 for i in indices]
    blocks = [order >> (k + 1) for k in range(order.bit_length() - 1)]
    twiddles = [tuple(powers[p - p % block] for p in range(order // 2)) for block in blocks]
    return tuple(indices), tuple(twiddles)


def _transform(values: Sequence[int], inverted: bool) -> list[int]:
    """The number theoretic transform, in stages that all take neighbours apart and join halves; sums are unreduced.

    Source: Pease (1968), "An adaptation of the fast Fourier transform for parallel processing".
    """
    indices, stages = _stages(len(values), inverted)
    current = [values[i] for i in indices]
    for twiddles in stages:
        even = current[0::2]
        odd = [x * w % MODULUS for x, w in zip(current[1::2], twiddles, strict=True)]
        current = [*map(add, even, odd), *map(sub, even, odd)]
    return current


def evaluations(poly: Polynomial, order: int) -> list[int]:
    """Values on the domain of `order`, of a polynomial of lower degree."""
    padded = coefficients(poly)
    if len(padded) > order:
        raise ValueError("the degree exceeds the domain")
    padded += [0] * (order - len(padded))
    return [x % MODULUS for x in _transform(padded, inverted=False)]


def interpolate(values: Sequence[int]) -> Polynomial:
    """The polynomial of degree < len(values) with these values on the domain of that order."""
    return polynomial(_transform(values, inverted=True)) * inverse(len(values))


def divide_by_vanishing(poly: Polynomial, order: int) -> tuple[Polynomial, bool]:
    """Quotient by X^order − 1, and whether the division is exact."""
    quotient, shifted = polynomial([]), poly.right_shift(order)
    while not shifted.is_zero():
        quotient, shifted = quotient + shifted, shifted.right_shift(order)
    return quotient, (poly - quotient.left_shift(order) + quotient).is_zero()


def scale_argument(poly: Polynomial, powers: Sequence[int]) -> Polynomial:
    """f(cX) from f, given c^0, c^1, …; indices wrap around, as the powers of a root of unity do."""
    period = len(powers)
    return polynomial([c * powers[i % period] % MODULUS for i, c in enumerate(coefficients(poly))])


def lagrange_at(order: int, indices: Sequence[int], x: int) -> list[int]:
    """L_i(x) for the domain of `order` and the given indices (reduced mod order).

    Source: L_i(X) = ω^i (X^order − 1) / (order (X − ω^i)).
    Raises: ZeroDivisionError: x in the domain.
    """
    powers = domain(order)
    nodes = [powers[i % order] for i in indices]
    numerator = (pow(x, order, MODULUS) - 1) * inverse(order) % MODULUS
    inverses = batch_inverse([(x - node) % MODULUS for node in nodes])
    return [node * numerator % MODULUS * inv % MODULUS for node, inv in zip(nodes, inverses, strict=True)]
