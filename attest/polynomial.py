"""Polynomials over F_r, and their values on the domains H (protocol §3).

Coefficients live in python-flint's `fmpz_mod_poly`, whose multiplication is native; values on a domain are
plain lists of integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

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
def _twiddles(order: int, inverted: bool) -> dict[int, tuple[int, ...]]:
    """For each transform size, the powers of its root that twist the odd half."""
    powers = domain(order)
    if inverted:
        powers = (1, *powers[:0:-1])
    return {order >> k: powers[:: 1 << k][: order >> (k + 1)] for k in range(order.bit_length() - 1)}


def _transform(values: list[int], twiddles: dict[int, tuple[int, ...]]) -> list[int]:
    """Cooley-Tukey, decimation in time, down to size 4; sums are left unreduced."""
    size = len(values)
    if size == 4:
        a, b, c, d = values
        turned = (b - d) * twiddles[4][1]
        return [a + c + b + d, a - c + turned, a + c - b - d, a - c - turned]
    if size <= 2:
        return values if size == 1 else [values[0] + values[1], values[0] - values[1]]
    even = _transform(values[0::2], twiddles)
    odd = _transform(values[1::2], twiddles)
    twisted = [x * w % MODULUS for x, w in zip(odd, twiddles[size], strict=True)]
    return [x + t for x, t in zip(even, twisted, strict=True)] + [x - t for x, t in zip(even, twisted, strict=True)]


def evaluations(poly: Polynomial, order: int) -> list[int]:
    """Values on the domain of `order`, of a polynomial of lower degree."""
    padded = coefficients(poly)
    if len(padded) > order:
        raise ValueError("the degree exceeds the domain")
    padded += [0] * (order - len(padded))
    return [x % MODULUS for x in _transform(padded, _twiddles(order, False))]


def interpolate(values: Sequence[int]) -> Polynomial:
    """The polynomial of degree < len(values) with these values on the domain of that order."""
    order = len(values)
    scale = inverse(order)
    raw = _transform(list(values), _twiddles(order, True))
    return polynomial([x * scale % MODULUS for x in raw])


def divide_by_vanishing(poly: Polynomial, order: int) -> tuple[Polynomial, bool]:
    """Quotient by X^order − 1, and whether the division is exact."""
    quotient, remainder = divmod(poly, polynomial([MODULUS - 1] + [0] * (order - 1) + [1]))
    return quotient, remainder.is_zero()


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
