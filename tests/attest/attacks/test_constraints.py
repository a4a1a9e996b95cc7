"""Each constraint of the quotient stands alone between a forged proof and acceptance (P.10) to (P.19)."""

from __future__ import annotations

import pytest

from attest.errors import ProofRejected, StatementFalse
from attest.program import Entry, Part, Witness
from attest.srs import Setup
from tests.attest.attacks.forger import (
    FALSE_CONE,
    FALSE_COUNT,
    FALSE_SOLVENCY,
    TRUE_LOTS,
    Plan,
    check,
    dropping_constraint,
    forge,
    pretend,
    scene,
    vectors_of,
)
from tests.attest.examples import Example


def assert_only(example: Example, proof: bytes, constraint: int) -> None:
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof)
    with dropping_constraint(constraint):
        check(example, proof)
    with dropping_constraint((constraint + 1) % 9), pytest.raises(ProofRejected):
        check(example, proof)


@pytest.mark.parametrize(("constraint", "limb"), [(0, 0), (0, 2), (1, 4), (2, 6)])
def test_a_limb_outside_its_table_hides_an_insolvency(setup: Setup, constraint: int, limb: int) -> None:
    """A part of −422 050 passes for a surplus: one limb is any element of the field. (P.10)"""
    example = scene(setup, FALSE_SOLVENCY)
    row = example.program.index("solvency")
    with pytest.raises(StatementFalse, match="solvency"):
        example.prove()
    debt = -50 + 90 * 400 + 80 * 300 + 90 * 200 - 100 * 5000
    witness = pretend(example, {("solvency", Part.PLUS): debt})
    proof = forge(example, witness=witness, plan=Plan(drop=constraint, limb=(8 * row, limb)))
    assert_only(example, proof, constraint)


@pytest.mark.parametrize("constraint", [3, 6, 7])
def test_a_running_sum_that_does_not_close_hides_an_insolvency(setup: Setup, constraint: int) -> None:
    """What solvency lacks is lost on the way: in one step, at the start or at the end. (P.13), (P.16), (P.17)"""
    example = scene(setup, FALSE_SOLVENCY)
    assert_only(example, forge(example, plan=Plan(drop=constraint)), constraint)


def test_a_flag_that_is_not_boolean_cancels_three_breaches(setup: Setup) -> None:
    """A flag of −1 on a quiet day makes three breaches count as two. (P.14)"""
    example = scene(setup, FALSE_COUNT)
    with pytest.raises(StatementFalse, match="count"):
        example.prove()
    witness = pretend(example)
    quiet = example.program.index("loss/0")
    assert len(witness.flags) == 3
    assert Entry(quiet, Part.PLUS) not in witness.flags
    proof = forge(example, witness=witness, plan=Plan(drop=4, flags=((8 * quiet, -1),)))
    assert_only(example, proof, 4)


def test_a_flag_weight_without_its_flag(setup: Setup) -> None:
    """R5: a breach that raises no flag is not counted. (P.15)"""
    example = scene(setup, FALSE_COUNT)
    honest = pretend(example)
    kept = frozenset(sorted(honest.flags)[:2])
    proof = forge(example, witness=Witness(honest.plus, honest.minus, kept), plan=Plan(drop=5))
    assert_only(example, proof, 5)


def test_slot_zero_that_is_not_one_scales_every_limit(setup: Setup) -> None:
    """With q_0 = 10 every limit is ten times as wide. (P.18)"""
    example = scene(setup, {**FALSE_CONE, 0: 9})
    assert vectors_of(example)[0][0] == 10
    with pytest.raises(StatementFalse, match="cone"):
        scene(setup, FALSE_CONE).prove()
    assert_only(example, forge(example, plan=Plan(drop=8)), 8)


def test_slot_zero_of_the_previous_vector_left_free(setup: Setup) -> None:
    """With q'_0 = 10 ten times the turnover is allowed. (P.18)"""
    far = {1: TRUE_LOTS[1] + 3000}
    with pytest.raises(StatementFalse, match="turnover"):
        scene(setup, previous_lots=far).prove()
    example = scene(setup, previous_lots={**far, 0: 9})
    assert_only(example, forge(example, plan=Plan(drop=9)), 9)


def test_the_scene_is_provable_when_it_is_true(setup: Setup) -> None:
    for example in (scene(setup), scene(setup, previous_lots={1: 700})):
        check(example, example.prove())
        check(example, forge(example))
