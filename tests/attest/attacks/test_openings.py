"""Lies about single entries of a commitment: disclosures and inclusions open one entry each (protocol §4, §9)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any
from unittest.mock import patch

import pytest
from py_arkworks_bls12381 import GT, G1Point

import attest.kzg
from attest.commitment import check_disclosure, disclose
from attest.curve import compress, decompress
from attest.errors import ProofRejected, SourceError
from attest.field import MODULUS, domain, inverse
from attest.kzg import (
    OpeningGroup,
    batch_linearisation,
    batch_quotient,
    check_batch,
    commit,
    open_single,
    verify_single,
)
from attest.polynomial import Polynomial, coefficients, evaluate, interpolate, polynomial, roots_vanishing
from attest.srs import Setup
from tests.attest.attacks.removal import without
from tests.attest.examples import Example

N = 4096


class Swapped:
    """GT with the two points of G2 exchanged in its pairing check."""

    @staticmethod
    def pairing_check(left: list[G1Point], right: list[Any]) -> bool:
        return bool(GT.pairing_check(left, right[::-1]))


def divided(numerator: Polynomial, divisor: Polynomial) -> Polynomial:
    quotient = numerator // divisor
    assert quotient * divisor == numerator
    return quotient


def turned_opening(setup: Setup, column: list[int], entry: int) -> tuple[int, G1Point]:
    """π = X(f − y)/(1 − zX): with [1]_2 and [τ]_2 exchanged it opens f at 1/z, which is entry n − e."""
    value = column[N - entry]
    numerator = polynomial([0, 1]) * (interpolate(column) - polynomial([value]))
    return value, commit(setup, divided(numerator, polynomial([1, -domain(N)[entry]])))


@pytest.mark.parametrize("entry", [3, 4090], ids=["a blinding row's value", "at a blinding row"])
def test_a_pairing_with_its_inputs_exchanged(setup: Setup, entry: int) -> None:
    """Entry n − e is shown as entry e: a balance in the blinding rows, counted nowhere, as an investor's own."""
    column = [0] * N
    column[3], column[N - 3], column[6], column[4090] = 1, 500_000_000, 77, 5
    commitment = commit(setup, interpolate(column))
    value, proof = turned_opening(setup, column, entry)
    assert value != column[entry]
    with pytest.raises(ProofRejected, match="opening"):
        verify_single(setup, commitment, domain(N)[entry], value, proof)
    with patch.object(attest.kzg, "GT", Swapped):
        verify_single(setup, commitment, domain(N)[entry], value, proof)


@dataclass(frozen=True)
class Claim:
    """That a polynomial takes these values on these points."""

    poly: Polynomial
    points: tuple[int, ...]
    values: tuple[int, ...]

    @property
    def group(self) -> OpeningGroup:
        return OpeningGroup(self.poly, roots_vanishing(self.points))

    @property
    def claimed(self) -> Polynomial:
        """r_i."""
        total = polynomial([])
        for x, y in zip(self.points, self.values, strict=True):
            basis = roots_vanishing(p for p in self.points if p != x)
            total = total + basis * (y * inverse(evaluate(basis, x)) % MODULUS)
        return total


def claims_at(columns: list[list[int]], entries: list[tuple[int, ...]], *, mirrored: bool) -> list[Claim]:
    """The value of entry e, or the one of entry n − e in its place."""
    found = []
    for column, opened in zip(columns, entries, strict=True):
        values = tuple(column[-e if mirrored else e] for e in opened)
        found.append(Claim(interpolate(column), tuple(domain(N)[e] for e in opened), values))
    return found


def linearised(claims: list[Claim], quotient: Polynomial, u: int) -> Polynomial:
    """L = Σ (Z_T/Z_i)(u)·(f_i − r_i(u)) − Z_T(u)·h, which a verifier adds up from commitments and claims. (P.21)"""
    at_u = [evaluate(claim.group.vanishing, u) for claim in claims]
    z_t = prod(at_u) % MODULUS
    total = quotient * (-z_t % MODULUS)
    for claim, z_i in zip(claims, at_u, strict=True):
        total = total + (claim.poly - polynomial([evaluate(claim.claimed, u)])) * (z_t * inverse(z_i) % MODULUS)
    return total


def reciprocal(poly: Polynomial, degree: int) -> Polynomial:
    """X^degree · f(1/X)."""
    values = coefficients(poly)
    return polynomial([*values, *[0] * (degree + 1 - len(values))][::-1])


def turned_quotient(claims: list[Claim]) -> Polynomial:
    """h = Σ (f_i(X) − r_i(1/X))/Z_i(1/X), a polynomial as f_i(1/z) is what is claimed at z."""
    total = polynomial([])
    for claim in claims:
        k = len(claim.points)
        numerator = claim.poly * polynomial([*[0] * k, 1]) - reciprocal(claim.claimed, k)
        total = total + divided(numerator, reciprocal(claim.group.vanishing, k))
    return total


def test_a_batch_with_its_pairing_s_inputs_exchanged(setup: Setup) -> None:
    """Many openings in one: with [1]_2 and [τ]_2 exchanged in (P.22) each value is that of entry n − e.

    W is made before u is known, W' = X·L/(1 − uX) after.
    """
    columns = [[0] * N for _ in range(2)]
    columns[0][3], columns[0][N - 3] = 1, 500_000_000
    columns[1][6], columns[1][4090], columns[1][9], columns[1][N - 9] = 77, 5, 2, 400
    entries: list[tuple[int, ...]] = [(3,), (6, 9)]
    u = 7654321

    true = claims_at(columns, entries, mirrored=False)
    groups = [claim.group for claim in true]
    quotient = batch_quotient(groups)
    last = commit(setup, batch_linearisation(groups, quotient, u))
    check_batch(setup, commit(setup, linearised(true, quotient, u)), u, last)

    false = claims_at(columns, entries, mirrored=True)
    assert [claim.values for claim in false] == [(500_000_000,), (5, 400)]
    linear = linearised(false, turned_quotient(false), u)
    folded, last = commit(setup, linear), commit(setup, divided(linear * polynomial([0, 1]), polynomial([1, -u])))
    with pytest.raises(ProofRejected, match="batched opening"):
        check_batch(setup, folded, u, last)
    with patch.object(attest.kzg, "GT", Swapped):
        check_batch(setup, folded, u, last)


def test_a_negated_commitment(small: Example) -> None:
    """−C_Q opens to −q_j: a debt of 500 becomes −500 where the sign bit of a compressed point is not looked at."""
    commitment, at = small.sources.commitment(small.setup), domain(N)[4]
    lots, proof = disclose(small.setup, small.holdings, small.layout, 4)
    assert lots == 500
    signless = bytes([compress(commitment)[0] ^ 0x20]) + compress(commitment)[1:]
    with pytest.raises(ProofRejected, match="another value"):
        verify_single(small.setup, commitment, at, MODULUS - lots, -proof)
    verify_single(small.setup, decompress(signless), at, MODULUS - lots, -proof)


def test_a_congruent_quantity(small: Example) -> None:
    """An opening is an equation mod r: 400 + r lots open as 400 do, and are a little more."""
    lots, proof = disclose(small.setup, small.holdings, small.layout, 1)
    arguments = (small.setup, small.sources, small.layout, 1, lots + MODULUS, proof)
    with pytest.raises(ProofRejected, match="no such quantity"):
        check_disclosure(*arguments)
    with without(check_disclosure, "no such quantity"):
        check_disclosure(*arguments)


@pytest.mark.parametrize("slot", [5, 6])
def test_an_aux_slot_disclosed(small: Example, slot: int) -> None:
    """C_Q holds 0 in every aux slot, whatever the prover fills in: an opening there says nothing of what was proved."""
    _, proof = open_single(small.setup, interpolate(small.holdings.column()), domain(N)[slot])
    with pytest.raises(SourceError, match="not a source's"):
        check_disclosure(small.setup, small.sources, small.layout, slot, 0, proof)
    with without(check_disclosure, "not a source's"):
        check_disclosure(small.setup, small.sources, small.layout, slot, 0, proof)
