"""Lies about single entries of a commitment: disclosures and inclusions open one entry each (protocol §6, §9)."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from py_arkworks_bls12381 import GT, G1Point

import attest.commitment
import attest.kzg
from attest.commitment import check_disclosure, disclose
from attest.curve import compress, decompress
from attest.errors import ProofRejected, SourceError
from attest.field import MODULUS, domain
from attest.kzg import commit, open_single, verify_single
from attest.polynomial import interpolate, polynomial
from attest.program import Owner
from attest.srs import Setup
from tests.attest.examples import Example

N = 4096


class Swapped:
    """GT with the two points of G2 exchanged in its pairing check."""

    @staticmethod
    def pairing_check(left: list[G1Point], right: list[Any]) -> bool:
        return bool(GT.pairing_check(left, right[::-1]))


def turned_opening(setup: Setup, column: list[int], entry: int) -> tuple[int, G1Point]:
    """π = X(f − y)/(1 − zX): with [1]_2 and [τ]_2 exchanged it opens f at 1/z, which is entry n − e."""
    z, poly = domain(N)[entry], interpolate(column)
    value = column[N - entry]
    numerator = polynomial([0, 1]) * (poly - polynomial([value]))
    quotient = numerator // polynomial([1, -z % MODULUS])
    assert quotient * polynomial([1, -z % MODULUS]) == numerator
    return value, commit(setup, quotient)


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
    with patch.object(attest.commitment, "RANGE_BITS", 300):
        check_disclosure(*arguments)


class AuxIsASource:
    SOURCE, PUBLIC = Owner.AUX, Owner.PUBLIC


@pytest.mark.parametrize("slot", [5, 6])
def test_an_aux_slot_disclosed(small: Example, slot: int) -> None:
    """C_Q holds 0 in every aux slot, whatever the prover fills in: an opening there says nothing of what was proved."""
    _, proof = open_single(small.setup, interpolate(small.holdings.column()), domain(N)[slot])
    with pytest.raises(SourceError, match="not a source's"):
        check_disclosure(small.setup, small.sources, small.layout, slot, 0, proof)
    with patch.object(attest.commitment, "Owner", AuxIsASource):
        check_disclosure(small.setup, small.sources, small.layout, slot, 0, proof)
