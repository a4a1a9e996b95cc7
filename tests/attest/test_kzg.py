"""The ceremony and KZG openings, against Ethereum's own vectors and the `ckzg` library."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import ckzg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.curve import INFINITY, compress, decode_scalar, decompress, msm
from attest.errors import EncodingError, ProofRejected
from attest.field import MODULUS, domain
from attest.kzg import (
    OpeningGroup,
    batch_linearisation,
    batch_quotient,
    check_batch,
    commit,
    commit_evaluations,
    open_single,
    verify_single,
)
from attest.polynomial import evaluate, evaluations, interpolate, polynomial
from attest.srs import SRS_SHA256, Setup, check_relation, load_setup, parse
from tests.attest.examples import seeded

CEREMONY = files("eth_account") / "typed_transactions/blob_transactions/kzg_trusted_setup.txt"
VECTORS = Path(__file__).parents[3] / "shared/data/kzg_verify_vectors.json"
elements = st.integers(0, MODULUS - 1)


@pytest.fixture(scope="module")
def reference() -> Any:
    return ckzg.load_trusted_setup(str(CEREMONY), 0)


def test_the_ceremony_is_pinned(setup: Setup) -> None:
    assert load_setup() is setup
    assert len(setup.lagrange) == len(setup.monomial) == 4096
    assert SRS_SHA256.hex() == "d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7"


@pytest.mark.parametrize("change", [lambda t: t + b"\n", lambda t: t[:-1], lambda t: t.replace(b"a", b"b", 1)])
def test_an_altered_ceremony_file_is_refused(change: Any) -> None:
    with pytest.raises(EncodingError, match="SHA-256"):
        parse(change(CEREMONY.read_bytes()))


def test_the_relation_check_refuses_tampered_points(setup: Setup) -> None:
    check_relation(setup)
    swapped = (*setup.monomial[:7], setup.monomial[8], setup.monomial[7], *setup.monomial[9:])
    with pytest.raises(EncodingError, match="not powers"):
        check_relation(replace(setup, monomial=swapped))
    with pytest.raises(EncodingError, match="not powers"):
        check_relation(replace(setup, monomial=(*setup.monomial[:-1], INFINITY)))
    with pytest.raises(EncodingError, match="not powers"):
        check_relation(replace(setup, tau_g2=setup.g2))
    moved = (setup.lagrange[1], setup.lagrange[0], *setup.lagrange[2:])
    with pytest.raises(EncodingError, match="do not belong"):
        check_relation(replace(setup, lagrange=moved))


def test_the_table_is_committed(setup: Setup) -> None:
    assert setup.table == commit(setup, interpolate([e % 2048 for e in range(4096)]))


@pytest.mark.skipif(not VECTORS.exists(), reason="the consensus vectors are not part of the project")
def test_single_openings_against_the_consensus_vectors(setup: Setup) -> None:
    outcomes: dict[bool | None, int] = {}
    for vector in json.loads(VECTORS.read_text()):
        fields = {name: bytes.fromhex(vector[name].removeprefix("0x")) for name in ("commitment", "z", "y", "proof")}
        outcome: bool | None
        try:
            commitment, proof = decompress(fields["commitment"]), decompress(fields["proof"])
            verify_single(setup, commitment, decode_scalar(fields["z"]), decode_scalar(fields["y"]), proof)
            outcome = True
        except EncodingError:
            outcome = None
        except ProofRejected:
            outcome = False
        assert outcome == vector["output"], vector["name"]
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert sum(outcomes.values()) == 122
    assert set(outcomes) == {True, False, None}


@pytest.mark.parametrize("seed", [1, 2])
def test_openings_agree_with_ckzg(setup: Setup, reference: Any, seed: int) -> None:
    draw = seeded(seed)
    values = [int.from_bytes(draw(31), "big") for _ in range(4096)]
    z = int.from_bytes(draw(31), "big")
    # A blob lists the values on the domain in bit-reversed order.
    order = [int(f"{i:012b}"[::-1], 2) for i in range(4096)]
    blob = b"".join(values[i].to_bytes(32, "big") for i in order)
    commitment = commit_evaluations(setup, values)
    assert compress(commitment) == ckzg.blob_to_kzg_commitment(blob, reference)
    expected_proof, expected_value = ckzg.compute_kzg_proof(blob, z.to_bytes(32, "big"), reference)
    value, proof = open_single(setup, interpolate(values), z)
    assert (compress(proof), value.to_bytes(32, "big")) == (expected_proof, expected_value)
    verify_single(setup, commitment, z, value, proof)
    for wrong in ((z + 1, value), (z, value + 1)):
        with pytest.raises(ProofRejected):
            verify_single(setup, commitment, *wrong, proof)
    with pytest.raises(ProofRejected):
        verify_single(setup, commitment, z, value, proof + setup.g1)


def test_both_bases_commit_alike_and_degrees_are_bounded(setup: Setup) -> None:
    poly = polynomial([5, 6, 7, 8])
    assert commit(setup, poly) == commit_evaluations(setup, evaluations(poly, 4096))
    assert commit(setup, polynomial([])) == INFINITY
    with pytest.raises(ValueError, match="degree"):
        commit(setup, polynomial([0] * 4096 + [1]))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(elements, min_size=1, max_size=6), min_size=1, max_size=3), st.data())
def test_batched_openings_verify_and_lies_do_not(setup: Setup, polys: list[list[int]], data: Any) -> None:
    """Quotient, linearisation and pairing, for any polynomials. (P.20), (P.21), (P.22)"""
    groups = []
    for values in polys:
        points = data.draw(st.lists(elements, min_size=1, max_size=3, unique=True))
        vanishing = polynomial([1])
        for x in points:
            vanishing = vanishing * polynomial([-x % MODULUS, 1])
        groups.append(OpeningGroup(polynomial(values), vanishing))
    u = data.draw(elements.filter(lambda x: all(evaluate(g.vanishing, x) for g in groups)))
    quotient = batch_quotient(groups)
    last = batch_linearisation(groups, quotient, u)
    z_t = 1
    for group in groups:
        z_t = z_t * evaluate(group.vanishing, u) % MODULUS

    def folded(lie: int) -> Any:
        total = commit(setup, quotient * (-z_t % MODULUS))
        for i, group in enumerate(groups):
            factor = z_t * pow(evaluate(group.vanishing, u), -1, MODULUS) % MODULUS
            claimed = evaluate(group.remainder, u) + (lie if i == 0 else 0)
            total = total + commit(setup, (group.combined - polynomial([claimed])) * factor)
        return total

    check_batch(setup, folded(0), u, commit(setup, last))
    with pytest.raises(ProofRejected, match="batched opening"):
        check_batch(setup, folded(1), u, commit(setup, last))


def test_the_batch_has_no_answer_on_an_opening_point() -> None:
    group = OpeningGroup(polynomial([1, 2]), polynomial([-3 % MODULUS, 1]))
    with pytest.raises(ZeroDivisionError):
        batch_linearisation([group], batch_quotient([group]), 3)


def test_lagrange_points_open_to_unit_vectors(setup: Setup) -> None:
    poly = interpolate([int(i == 5) for i in range(4096)])
    value, proof = open_single(setup, poly, domain(4096)[5])
    assert value == 1
    verify_single(setup, setup.lagrange[5], domain(4096)[5], 1, proof)
    assert msm(setup.lagrange, [1] * 4096) == setup.g1
