"""Every commitment of the statement key matters: a proof about a weaker program does not pass for the true one.

Both verifiers run the same transcript, that of the true key, so its digest is not what rejects. In the last part it is:
there a key differs in one field, and without that field in the digest both keys have one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from unittest.mock import patch

import pytest
from eth_utils.crypto import keccak

import attest.prover
from attest.argument import mask_factor
from attest.curve import encode_point
from attest.errors import ProofRejected, StatementFalse
from attest.masking import Vector
from attest.polynomial import interpolate
from attest.program import Entry, Kind, Layout, Owner, Part, Program, ProgramBuilder, Row, Slot
from attest.srs import Setup
from attest.statement import NO_HASH, Statement, StatementKey, build_statement, weight_families
from tests.attest.attacks import forger
from tests.attest.attacks.forger import (
    FALSE_CONE,
    FALSE_COUNT,
    FALSE_GROSS,
    FALSE_SOLVENCY,
    TRUE_AUX,
    Forger,
    absorbed,
    assert_bound_by,
    check,
    forge,
    key_of,
    loose,
    not_absorbing,
    pinned_transcript,
    policy,
    pretend,
    scene,
    verifier_without,
)
from tests.attest.examples import CONTEXT, Example, hold, small_example, source_set

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


# --- fields of the key that the digest leaves out -------------------------------------------------------------------


@dataclass(frozen=True)
class Collision:
    """A proof whose transcript is that of an approved key, and which shows something of another key.

    Args:
        example: its key is the approved one; other: differs from it in the field alone.
        items: what (P.8) has of the same field, beside the digest.
    """

    example: Example
    other: StatementKey
    field: str
    proof: bytes
    items: frozenset[str] = frozenset()


def with_other_aux(setup: Setup) -> Collision:
    """The debt's slot is aux, so the prover fills it: a debt of 5000 is none."""
    example = scene(setup, FALSE_SOLVENCY)
    key = example.statement.key
    other = replace(key, aux=(4, 5, 6))
    filled, witness = replace(example, aux={4: 0, **TRUE_AUX}), pretend(scene(setup, {4: 0}))
    proof = forge(filled, statement=Statement(example.program, other), instance=key, witness=witness)
    return Collision(example, other, "aux", proof)


def with_other_previous_size(setup: Setup) -> Collision:
    """A slot more in the previous vector, which a public slot could fill."""
    example = small_example(two_vectors=True)
    key = example.statement.key
    return Collision(example, replace(key, previous_size=key.previous_size + 1), "previous_size", example.prove())


def with_other_packing(setup: Setup) -> Collision:
    """The commitments of a key with B = 8, read with B = 4: rows twice, and weights on every other row.

    With N = 4 the columns stay what they are. Entry 8i belongs to row 2i, so nothing holds the minus parts of odd rows
    at 0, and solvency is one of them. The key's constructor knows B from the number of rows, and is not asked.
    """
    slots = [Slot(Owner.SOURCE, name, Decimal(1), sign, "a") for name, sign in (("X", 1), ("Y", 1), ("USD", -1))]
    layout = Layout(tuple(slots))
    build = ProgramBuilder(layout.size)
    for j in range(1, layout.size):
        build.add(f"variable/{j}", Kind.NONNEG, {j: 1})
    build.add("solvency", Kind.NONNEG, {1: 90, 2: 80, 3: -100})
    program = build.build()
    holdings = hold(layout, {1: 400, 2: 300, 3: 5000}, 300)
    sources = source_set(layout, holdings, setup, epoch=7)
    statement = build_statement(program, setup, layout=layout, policy_hash=NO_HASH, market_hash=NO_HASH)
    example = Example(layout, program, statement, holdings, sources, {}, setup)
    with pytest.raises(StatementFalse, match="solvency"):
        example.prove()

    rows = [replace(row, kind=Kind.FREE if row.name == "solvency" else row.kind) for row in program.rows]
    nothing = [Row(f"none/{i}", Kind.FREE, {}) for i in range(512 - len(rows))]
    twice = replace(program, rows=(*rows, *nothing, *rows))
    spread = tuple(
        {row: {Entry(2 * entry.row, entry.part): weight for entry, weight in group.items()} for row, group in f.items()}
        for f in weight_families(program)
    )
    key = statement.key
    other = loose(key, parameters=replace(key.parameters, packing=4))
    witness = pretend(replace(example, program=twice))
    with patch.object(attest.prover, "weight_families", lambda _: spread):
        proof = forge(example, statement=Statement(twice, other), instance=key, witness=witness)
    return Collision(example, other, "parameters", proof, frozenset({"B"}))


class LowestLimbs(Forger):
    """All limbs but the lowest are 0 on the blinding entries too, so that S = D_0, whatever the limbs' width."""

    def tamper_first_columns(self) -> None:
        first = self.parameters.first_blinding_entry
        for column in self.limb_columns[1:]:
            assert not any(column[:first])
            column[first:] = [0] * (self.parameters.n - first)


def with_other_limb_width(setup: Setup) -> Collision:
    """Parts below 2^77 pass for parts below 2^83, where no bound (P.3) was checked. The constructor is not asked."""
    build = ProgramBuilder(7, aux=(5, 6))
    for j in range(1, 7):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
    build.add("solvency", Kind.NONNEG, {1: 1, 2: 1, 3: 1, 4: -1})
    example = scene(setup, program=build.build(), aux={5: 0, 6: 0})
    key = example.statement.key
    with patch.object(forger, "Forger", LowestLimbs):
        proof = forge(example)
    check(example, proof)
    other = loose(key, parameters=replace(key.parameters, limb_width=12))
    return Collision(example, other, "parameters", proof, frozenset({"limb width"}))


COLLISIONS: dict[str, Callable[[Setup], Collision]] = {
    "aux": with_other_aux,
    "previous size": with_other_previous_size,
    "packing": with_other_packing,
    "limb width": with_other_limb_width,
}


@contextmanager
def digest_without(approved: StatementKey, field: str) -> Iterator[None]:
    """Digests of encodings in which this field is always the approved key's."""
    honest = StatementKey.digest.fget  # type: ignore[attr-defined]
    blind = property(lambda key: honest(loose(key, **{field: getattr(approved, field)})))
    with patch.object(StatementKey, "digest", blind):
        yield


@pytest.mark.parametrize("name", COLLISIONS)
def test_a_field_that_the_digest_leaves_out(setup: Setup, name: str) -> None:
    """Two keys have one digest where the field is not encoded, and a proof of the one counts for the other.

    n, B and the limbs are absorbed by themselves too: there the digest and that item refuse, and either does alone.
    """
    case = COLLISIONS[name](setup)
    example, key = case.example, case.example.statement.key
    previous = example.previous.sources if example.previous else None
    old = absorbed(key, CONTEXT, example.sources, previous)
    assert case.other.digest != key.digest
    assert_bound_by(old, {"key digest", *case.items}, lambda: check(example, case.proof, case.other))
    with digest_without(key, case.field):
        assert case.other.digest == key.digest
        with not_absorbing(old, set(case.items)):
            check(example, case.proof, case.other)


# --- ambiguous packing ----------------------------------------------------------------------------------------------


def packed(key: StatementKey) -> bytes:
    """A digest of the key's fields one after the other, without the lengths that abi.encode writes."""
    families = (key.weights, key.flag_weights, key.square_weights)
    groups = [group.row.to_bytes(32, "big") + encode_point(group.commitment) for f in families for group in f]
    hashes = (key.layout_hash, key.previous_layout_hash, key.policy_hash, key.market_hash)
    sizes = (key.parameters.packing, key.size, key.previous_size)
    words = [size.to_bytes(32, "big") for size in (*sizes, *key.aux)]
    return bytes(keccak(b"".join([*words, key.kinds, *groups, *map(encode_point, key.columns), *hashes])))


def squares_as_flags(program: Program) -> Program:
    """The volatility limit's squares read as flags: it counts the entries and forgets their size."""
    rows = [
        replace(row, flag_weights=row.square_weights, square_weights={}) if row.square_weights else row
        for row in program.rows
    ]
    return replace(program, rows=tuple(rows))


def test_two_keys_with_one_digest(setup: Setup) -> None:
    """Groups slide from one family to the next and a limit is gone, under the digest that the owner approved."""
    example = scene(setup, FALSE_CONE)
    key = example.statement.key
    program = squares_as_flags(example.program)
    assert all(row.kind is not Kind.ZERO for row in program.rows if row.is_target)
    slid = replace(key, flag_weights=key.flag_weights + key.square_weights, square_weights=())
    with patch("attest.statement.check", lambda _: None):
        assert slid == key_of(program, example).key
    assert packed(slid) == packed(key)
    assert slid.digest != key.digest

    witness = pretend(replace(example, program=program))
    axis, factor = (Entry(program.index(f"cone/{name}"), Part.PLUS) for name in ("axis", "factor"))
    assert {axis, factor} <= witness.flags
    with patch.object(StatementKey, "digest", property(packed)):
        proof = forge(example, statement=Statement(program, slid), witness=witness)
        check(example, proof, slid)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof, slid)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof)
