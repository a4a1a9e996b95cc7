"""F_r, its domains, and polynomials against plain definitions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.field import (
    MODULUS,
    PRIMITIVE_ROOT,
    batch_inverse,
    domain,
    inverse,
    random_scalar,
    random_scalars,
    root_of_unity,
)
from attest.polynomial import (
    coefficients,
    divide_by_vanishing,
    evaluate,
    evaluations,
    interpolate,
    lagrange_at,
    polynomial,
    roots_vanishing,
    scale_argument,
)

elements = st.integers(0, MODULUS - 1)
units = st.integers(1, MODULUS - 1)


def horner(values: list[int], x: int) -> int:
    total = 0
    for value in reversed(values):
        total = (total * x + value) % MODULUS
    return total


def trimmed(values: list[int]) -> list[int]:
    while values and not values[-1]:
        values = values[:-1]
    return values


@given(st.lists(units, max_size=8))
def test_batch_inverse_inverts_each(values: list[int]) -> None:
    assert [x * i % MODULUS for x, i in zip(values, batch_inverse(values), strict=True)] == [1] * len(values)


@pytest.mark.parametrize("zero", [0, MODULUS, -MODULUS])
def test_zero_has_no_inverse(zero: int) -> None:
    with pytest.raises(ZeroDivisionError):
        inverse(zero)
    with pytest.raises(ZeroDivisionError):
        batch_inverse([1, zero, 2])


@pytest.mark.parametrize("order", [1, 2, 8, 4096, 2**32])
def test_roots_of_unity_are_primitive(order: int) -> None:
    root = root_of_unity(order)
    assert pow(root, order, MODULUS) == 1
    assert order == 1 or pow(root, order // 2, MODULUS) == MODULUS - 1
    assert root == pow(PRIMITIVE_ROOT, (MODULUS - 1) // order, MODULUS)


@pytest.mark.parametrize("order", [0, -2, 5, 2**33])
def test_no_domain_of_another_order(order: int) -> None:
    with pytest.raises(ValueError, match="no subgroup"):
        root_of_unity(order)


def test_domain_lists_powers() -> None:
    assert list(domain(16)) == [pow(root_of_unity(16), i, MODULUS) for i in range(16)]


def test_random_scalars_reduce_64_bytes_each() -> None:
    asked: list[int] = []

    def ones(count: int) -> bytes:
        asked.append(count)
        return b"\xff" * count

    assert random_scalar(ones) == (2**512 - 1) % MODULUS
    assert random_scalars(3, ones) == [(2**512 - 1) % MODULUS] * 3
    assert asked == [64] * 4
    assert len({random_scalar() for _ in range(8)}) == 8


@settings(deadline=None)
@given(st.lists(elements, max_size=16), elements)
def test_evaluation_is_horner(values: list[int], x: int) -> None:
    assert evaluate(polynomial(values), x) == horner(values, x)
    assert coefficients(polynomial(values)) == trimmed(values)


@settings(deadline=None)
@given(st.integers(0, 5).flatmap(lambda k: st.lists(st.integers(-5, MODULUS), min_size=2**k, max_size=2**k)))
def test_interpolation_and_evaluation_are_inverse(values: list[int]) -> None:
    poly = interpolate(values)
    expected = [value % MODULUS for value in values]
    assert evaluations(poly, len(values)) == expected
    assert [evaluate(poly, x) for x in domain(len(values))] == expected


def test_interpolation_of_a_full_column_matches_single_points() -> None:
    values = [pow(3, i, MODULUS) for i in range(4096)]
    poly = interpolate(values)
    for i in (0, 1, 2047, 2048, 4095):
        assert evaluate(poly, domain(4096)[i]) == values[i]


def test_evaluations_refuse_a_domain_that_is_too_small() -> None:
    with pytest.raises(ValueError, match="degree"):
        evaluations(polynomial([1, 2, 3]), 2)


@settings(deadline=None)
@given(st.lists(elements, min_size=1, max_size=30), st.sampled_from([2, 4, 8]))
def test_division_by_the_vanishing_polynomial(values: list[int], order: int) -> None:
    poly, vanishing = polynomial(values), polynomial([-1 % MODULUS] + [0] * (order - 1) + [1])
    quotient, exact = divide_by_vanishing(poly * vanishing, order)
    assert exact
    assert quotient == poly
    quotient, exact = divide_by_vanishing(poly, order)
    assert exact == all(evaluate(poly, x) == 0 for x in domain(order))
    assert (poly - quotient * vanishing).degree() < order


@settings(deadline=None)
@given(st.lists(elements, max_size=12), elements, st.integers(0, 7))
def test_scaled_arguments(values: list[int], x: int, turn: int) -> None:
    poly, omega = polynomial(values), domain(8)
    powers = [omega[turn * i % 8] for i in range(8)]
    assert evaluate(scale_argument(poly, powers), x) == evaluate(poly, x * omega[turn] % MODULUS)


@settings(deadline=None)
@given(st.lists(st.integers(-8, 16), min_size=1, max_size=5), elements.filter(lambda x: pow(x, 8, MODULUS) != 1))
def test_lagrange_values_are_those_of_the_basis(indices: list[int], x: int) -> None:
    basis = [interpolate([int(i % 8 == j) for j in range(8)]) for i in indices]
    assert lagrange_at(8, indices, x) == [evaluate(poly, x) for poly in basis]


def test_lagrange_values_have_no_answer_on_the_domain() -> None:
    with pytest.raises(ZeroDivisionError):
        lagrange_at(8, [1], domain(8)[1])


@given(st.lists(elements, max_size=5), elements)
def test_vanishing_products(roots: list[int], x: int) -> None:
    product = 1
    for root in roots:
        product = product * (x - root) % MODULUS
    assert evaluate(roots_vanishing(roots), x) == product
