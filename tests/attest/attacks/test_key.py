"""Every commitment of the statement key matters: a proof about a weaker program does not pass for the true one.

Both verifiers run the same transcript, that of the true key, so its digest is not what rejects.
"""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest

import attest.prover
from attest.argument import mask_factor
from attest.errors import ProofRejected
from attest.masking import Vector
from attest.polynomial import interpolate
from attest.program import Part, Program
from attest.srs import Setup
from attest.statement import Statement, StatementKey, weight_families
from tests.attest.attacks.forger import (
    FALSE_CONE,
    FALSE_COUNT,
    FALSE_GROSS,
    FALSE_SOLVENCY,
    TRUE_AUX,
    check,
    forge,
    key_of,
    loose,
    pinned_transcript,
    policy,
    pretend,
    scene,
    verifier_without,
)
from tests.attest.examples import Example, small_example

WEAKER = {
    "a debt counted at a hundredth": (FALSE_SOLVENCY, policy(debt_weight=1), "columns"),
    "two columns of the matrix exchanged": (FALSE_SOLVENCY, policy(exchanged=True), "columns"),
    "gross exposure without its aggregate": (FALSE_GROSS, policy(gross=0), "weights"),
    "breaches that count nothing": (FALSE_COUNT, policy(flags=0), "flag_weights"),
    "a volatility without its squares": (FALSE_CONE, policy(squares=0), "square_weights"),
}


def assert_only_the_key(example: Example, proof: bytes, weaker: StatementKey) -> None:
    with pinned_transcript(example):
        check(example, proof, weaker)
        with pytest.raises(ProofRejected, match="batched opening"):
            check(example, proof)
    with pytest.raises(ProofRejected):
        check(example, proof, weaker)


@pytest.mark.parametrize("name", WEAKER)
def test_a_weaker_program_behind_the_true_digest(setup: Setup, name: str) -> None:
    """A limit is gone from the program that is proved, and not from the key that was approved."""
    lots, program, family = WEAKER[name]
    example = scene(setup, lots)
    weaker = key_of(program, example)
    assert getattr(weaker.key, family) != getattr(example.statement.key, family)
    as_weaker = replace(example, program=program)
    proof = forge(example, statement=weaker, witness=pretend(as_weaker))
    assert_only_the_key(example, proof, weaker.key)


def test_a_lowered_tail_weight_in_the_expected_shortfall(setup: Setup) -> None:
    """ES certified with a weight of 1 on the tail where the policy says 4, at a level t that hides the loss."""
    aux = {5: -2800, 6: 0}
    example = scene(setup, aux=aux)
    program = policy(hinges=1)
    as_weaker = replace(example, program=program)
    weaker = key_of(program, example)
    proof = forge(example, statement=weaker, witness=pretend(as_weaker))
    assert_only_the_key(example, proof, weaker.key)


def test_negative_debt_through_a_forbidden_minus_part(setup: Setup) -> None:
    """A debt of −5000 counts as an asset where nothing holds its minus part at 0. (P.2)"""
    example = scene(setup, {4: -5000})
    key = example.statement.key
    unpinned = loose(key, weights=key.weights[:-1])

    def without_zero_group(program: Program) -> tuple[dict[int, object], ...]:
        families = weight_families(program)
        del families[0][len(program.rows)]
        return families  # type: ignore[return-value]

    witness = pretend(example, {("variable/4", Part.MINUS): 5000})
    with patch.object(attest.prover, "weight_families", without_zero_group):
        proof = forge(example, statement=Statement(example.program, unpinned), witness=witness)
    assert_only_the_key(example, proof, unpinned)


def test_matrix_columns_swapped() -> None:
    """Coefficients of other slots than the policy's."""
    example = small_example(extra_rows=1200)
    proof = example.prove()
    key = example.statement.key
    swapped = replace(key, columns=(key.columns[1], key.columns[0], *key.columns[2:]))
    with pinned_transcript(example):
        check(example, proof)
        with pytest.raises(ProofRejected, match="batched opening"):
            check(example, proof, swapped)


@pytest.mark.parametrize(("slot", "lots"), [(1, 400), (4, -5000)], ids=["assets from nothing", "a debt cancelled"])
def test_an_aux_commitment_that_injects(setup: Setup, slot: int, lots: int) -> None:
    """[b] is not of the masking form: it adds lots to a slot that a source owns."""
    changes = {1: 0, 4: 500} if slot == 1 else FALSE_SOLVENCY
    example = scene(setup, changes)
    injected = {**TRUE_AUX, slot: lots}
    extra = [0] * 4096
    for j, value in injected.items():
        extra[j] = value
    mask = interpolate(extra)

    def inject(vector: Vector) -> Vector:
        column = [(a + b) for a, b in zip(vector.column, extra, strict=True)]
        return replace(vector, masked_column=column, masked=vector.opened + mask, mask=mask)

    imagined = replace(example, aux=injected)
    witness = pretend(imagined)
    with patch.object(attest.prover, "mask_factor", lambda *_: 1):
        proof = forge(example, vectors=inject, witness=witness)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof)
    with verifier_without(mask_factor=lambda *_: 1):
        check(example, proof)


def test_an_aux_set_that_holds_a_slot_of_a_source(setup: Setup) -> None:
    """The prover fills slot 4, a debt of 5000, as if it were aux: the verifier's M(X) has no such gap."""
    example = scene(setup, FALSE_SOLVENCY)
    aux = (4, 5, 6)
    forged_key = replace(example.statement.key, aux=aux)
    moved = replace(example, aux={4: 0, **TRUE_AUX})
    # Openings that hold 5000 in slot 4, and an aux column that says 0.
    witness = pretend(scene(setup, {4: 0}))
    proof = forge(
        moved, statement=Statement(example.program, forged_key), instance=example.statement.key, witness=witness
    )
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof)
    with verifier_without(mask_factor=lambda x, _, n: mask_factor(x, aux, n)):
        check(example, proof)
