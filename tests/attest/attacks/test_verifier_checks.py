"""Checks of the verifier and of `check_instance`, each shown to be the only one that refuses its attack.

Where several refuse the same thing, the test says so, and shows that each of them does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from py_arkworks_bls12381 import G1Point

import attest.curve
import attest.proof
import attest.prover
from attest.commitment import Holdings, SourceSet
from attest.curve import BASE_FIELD_MODULUS, decode_point, decode_scalar, encode_point
from attest.errors import EncodingError, ProofRejected, SourceError, StatementFalse
from attest.field import MODULUS, domain, root_of_unity
from attest.program import Kind, ProgramBuilder
from attest.proof import Context, ProofReader, check_instance, proof_sizes, start_transcript
from attest.transcript import Transcript
from attest.verifier import verify
from tests.attest.attacks.forger import (
    FALSE_SOLVENCY,
    check,
    forge,
    forging,
    pinned_transcript,
    pretend,
    scene,
    verifier_without,
)
from tests.attest.attacks.lies import send, true_values
from tests.attest.attacks.removal import without
from tests.attest.examples import CONTEXT, Example

# --- encoding ---------------------------------------------------------------------------------------------------


def test_the_exact_length(small: Example, small_proof: bytes) -> None:
    """Trailing bytes make a second proof of the first.

    Missing bytes are refused twice: here, and where the point or scalar is read that lacks them.
    """
    trailing = (small_proof + b"\x00", small_proof + bytes(32), small_proof * 2)
    missing = (small_proof[:-1], small_proof[:-32], b"")
    for data in (*trailing, *missing):
        with pytest.raises(EncodingError, match="a proof of this statement has"):
            check(small, data)
    with without(ProofReader.__init__, "a proof of this statement has"):
        for data in trailing:
            check(small, data)
        for data in missing:
            with pytest.raises(EncodingError, match=r"a (scalar|point) has"):
                check(small, data)


def test_a_scalar_has_one_spelling(small: Example) -> None:
    """s + r is s again: a proof would have many encodings, of which its prover absorbs one."""
    with forging(small, rounds=3) as forger:
        values = true_values(forger)
        last = len(values) - 1
        respelled, _ = send(forger, {last: values[last] + MODULUS})
    with pytest.raises(EncodingError, match="below r"):
        check(small, respelled)
    with without(decode_scalar, "below r"):
        check(small, respelled)


def test_a_scalar_is_not_reduced(small: Example, small_proof: bytes) -> None:
    """Were s + r read as s, as many libraries do, anybody could write a proof anew."""
    value = int.from_bytes(small_proof[-32:], "big")
    respelled = small_proof[:-32] + (value + MODULUS).to_bytes(32, "big")
    with pytest.raises(EncodingError, match="below r"):
        check(small, respelled)
    with without(decode_scalar, "below r"), pytest.raises(ProofRejected, match="batched opening"):
        check(small, respelled)

    def reduced(data: bytes) -> int:
        return decode_scalar((int.from_bytes(data, "big") % MODULUS).to_bytes(32, "big"))

    with patch.object(attest.proof, "decode_scalar", reduced):
        check(small, respelled)


def with_last_point(proof: bytes, data: bytes) -> bytes:
    """W', the last point, after which nothing is drawn from the transcript."""
    end = proof_sizes(8, 1)[0] * 128
    return proof[: end - 128] + data + proof[end:]


def last_point(proof: bytes) -> bytes:
    end = proof_sizes(8, 1)[0] * 128
    return proof[end - 128 : end]


def small_order_part() -> G1Point:
    """A point of the curve outside the subgroup, times r: its pairing with G2 is 1."""
    p = BASE_FIELD_MODULUS
    x = next(x for x in range(1, 99) if pow(x**3 + 4, (p - 1) // 2, p) == 1)
    y = pow(x**3 + 4, (p + 1) // 4, p)
    point = G1Point.from_xy_bytes_unchecked_be(x.to_bytes(48, "big") + y.to_bytes(48, "big"))
    total = G1Point.identity()
    for bit in bin(MODULUS)[2:]:
        total = total + total
        if bit == "1":
            total = total + point
    return total


def wheel_with(decoder: Callable[[bytes], G1Point]) -> AbstractContextManager[Any]:
    """`decode_point` takes the coordinates to the curve in another way; what it checks itself stays."""
    wheel = SimpleNamespace(from_xy_bytes_be=decoder, multiexp_unchecked=G1Point.multiexp_unchecked)
    return patch.object(attest.curve, "G1Point", wheel)


def reduced_coordinates(xy: bytes) -> G1Point:
    """Checks curve and subgroup, but not that coordinates are below the modulus."""
    x, y = (int.from_bytes(part, "big") % BASE_FIELD_MODULUS for part in (xy[:48], xy[48:]))
    return G1Point.from_xy_bytes_be(x.to_bytes(48, "big") + y.to_bytes(48, "big"))


def test_a_coordinate_has_one_spelling(small: Example, small_proof: bytes) -> None:
    """x + p is x again: a proof would have many encodings.

    Two checks stand here, and each refuses alone: `decode_point` compares with p, the wheel takes no such coordinate.
    """
    x = int.from_bytes(last_point(small_proof)[:64], "big") + BASE_FIELD_MODULUS
    respelled = with_last_point(small_proof, x.to_bytes(64, "big") + last_point(small_proof)[64:])
    below = "field's modulus"
    with pytest.raises(EncodingError, match=below):
        check(small, respelled)
    with without(decode_point, below), pytest.raises(EncodingError, match="not a point of G1"):
        check(small, respelled)
    with wheel_with(reduced_coordinates):
        with pytest.raises(EncodingError, match=below):
            check(small, respelled)
        with without(decode_point, below):
            check(small, respelled)


def test_a_point_lies_in_the_subgroup(small: Example, small_proof: bytes) -> None:
    """A part of small order that the pairing does not see.

    The wheel checks the subgroup. Without that it still checks the curve and `decode_point` the coordinates.
    """
    extra = small_order_part()
    assert extra != G1Point.identity()
    assert not extra.is_in_subgroup()
    honest = last_point(small_proof)
    moved = with_last_point(small_proof, encode_point(decode_point(honest) + extra))
    off_the_curve = with_last_point(small_proof, honest[:-1] + bytes([honest[-1] ^ 1]))
    with pytest.raises(EncodingError, match="not a point of G1"):
        check(small, moved)
    with wheel_with(G1Point.from_xy_bytes_unchecked_be):
        check(small, moved)
        with pytest.raises(EncodingError, match="not a point of G1"):
            check(small, off_the_curve)


# --- zero divisors ----------------------------------------------------------------------------------------------


class Scripted(Transcript):
    """A transcript with chosen challenges: γ β θ, y, ζ, v, u."""

    script: list[int]

    def challenges(self, count: int) -> list[int]:
        taken, self.script = self.script[:count], self.script[count:]
        return taken


OMEGA = root_of_unity(4096)
BETA, ZETA, U = 3, 1234567, 7654321
POLES = {
    "ζ in H": (BETA, OMEGA, U),
    "ζ is 0": (BETA, 0, U),
    "ζ is 1": (BETA, 1, U),
    "β in H": (OMEGA, ZETA, U),
    "α is 1": (1, ZETA, U),
    "ζ is α": (BETA, pow(BETA, 8, MODULUS), U),
    "ζ is ωα": (BETA, pow(BETA, 8, MODULUS) * OMEGA % MODULUS, U),
    "u is ζ": (BETA, ZETA, ZETA),
    "u is ωζ": (BETA, ZETA, ZETA * OMEGA % MODULUS),
    "u is ω^7 ζ": (BETA, ZETA, ZETA * domain(4096)[7] % MODULUS),
    "u^B is α": (BETA, ZETA, BETA),
    "u^B is α, turned": (BETA, ZETA, BETA * root_of_unity(8) % MODULUS),
}


@pytest.mark.parametrize("pole", POLES)
def test_zero_divisors_are_rejected_by_name(small: Example, small_proof: bytes, pole: str) -> None:
    """On a pole of an equation a value is not bound; on a chain, division would give 0."""
    beta, zeta, u = POLES[pole]
    transcript = Scripted()
    transcript.script = [11, beta, 13, 17, zeta, 19, u]
    with (
        verifier_without(start_transcript=lambda *_: transcript),
        pytest.raises(ProofRejected, match="zero divisor"),
    ):
        check(small, small_proof)


def test_other_scripted_challenges_reach_the_batched_opening(small: Example, small_proof: bytes) -> None:
    transcript = Scripted()
    transcript.script = [11, BETA, 13, 17, ZETA, 19, U]
    with (
        verifier_without(start_transcript=lambda *_: transcript),
        pytest.raises(ProofRejected, match="batched opening"),
    ):
        check(small, small_proof)


@pytest.mark.parametrize("zeta", [0, 1])
def test_the_prover_starts_again_on_a_pole(small: Example, zeta: int) -> None:
    """The first attempt draws this ζ; the second, with fresh blinding, is accepted."""
    seen: list[Transcript] = []

    def start(*arguments: Any) -> Transcript:
        if seen:
            return start_transcript(*arguments)
        transcript = Scripted()
        transcript.script = [11, BETA, 13, 17, zeta, 19, U]
        seen.append(transcript)
        return transcript

    with patch.object(attest.prover, "start_transcript", start):
        check(small, small.prove())
    assert seen


# --- the instance -----------------------------------------------------------------------------------------------


def refused_only_by_the_instance(example: Example, match: str) -> None:
    """`check_instance` has one `raise` with this message, without which the honest prover's proof is accepted."""
    with pytest.raises(ProofRejected, match=match):
        example.prove()
    with without(check_instance, match):
        proof = example.prove()
        check(example, proof)
    with pytest.raises(ProofRejected, match=match):
        check(example, proof)


def changed(source_set: SourceSet, **fields: Any) -> SourceSet:
    return SourceSet(tuple(replace(s, **fields) for s in source_set.sources), source_set.public_values)


def test_commitments_signed_for_another_layout(small: Example) -> None:
    """Lots of one instrument counted as lots of another."""
    other = replace(small, sources=changed(small.sources, layout_hash=b"\x44" * 32))
    refused_only_by_the_instance(other, "the sources signed another layout")


@pytest.mark.parametrize("slot", [5, 7, 4087], ids=["aux", "beyond the vector", "the last"])
def test_public_values_stay_off_other_slots(small: Example, slot: int) -> None:
    """A public value where the prover fills in its own, or where no row reads."""
    values = ((slot, 9),)
    holdings = Holdings(small.holdings.openings, values)
    sources = SourceSet(small.sources.sources, values)
    example = replace(small, holdings=holdings, sources=sources)
    match = "a public slot is the constant, an aux slot"
    with pytest.raises(ProofRejected, match=match):
        example.prove()
    proof = forge(example, witness=pretend(small))
    with without(check_instance, match):
        check(example, proof)
    with pytest.raises(ProofRejected, match=match):
        check(example, proof)


@pytest.mark.parametrize("slot", [0, -1, 4088, 4095, 4096])
def test_public_values_outside_every_vector(small: Example, slot: int) -> None:
    with pytest.raises(SourceError, match="constant, a blinding entry or outside"):
        SourceSet(small.sources.sources, ((slot, 9),))


def test_a_key_takes_its_number_of_vectors(
    small: Example, small_proof: bytes, pair: Example, pair_proof: bytes
) -> None:
    assert pair.previous is not None
    check(pair, pair_proof)
    with pytest.raises(SourceError, match="two vectors"):
        check(replace(pair, previous=None), pair_proof)
    with pytest.raises(SourceError, match="two vectors"):
        check(replace(small, previous=pair.previous), small_proof)
    with pytest.raises(SourceError, match="two vectors"):
        replace(small, previous=pair.previous).prove()


PREVIOUS: dict[str, tuple[Callable[[SourceSet], SourceSet], str]] = {
    "another layout": (lambda s: changed(s, layout_hash=b"\x55" * 32), "the previous sources signed another layout"),
    "another fund": (lambda s: changed(s, fund="0x" + "00" * 19 + "f2"), "not of this fund's earlier epoch"),
    "the same epoch": (lambda s: changed(s, epoch=7), "not of this fund's earlier epoch"),
    "a later epoch": (lambda s: changed(s, epoch=8), "not of this fund's earlier epoch"),
}


@pytest.mark.parametrize("name", PREVIOUS)
def test_the_previous_epoch_is_this_fund_s_own(pair: Example, name: str) -> None:
    """Turnover against an epoch that makes it small."""
    change, match = PREVIOUS[name]
    assert pair.previous is not None
    previous = replace(pair.previous, sources=change(pair.previous.sources))
    refused_only_by_the_instance(replace(pair, previous=previous), match)


@pytest.mark.parametrize("slot", [7, 4087])
def test_public_values_of_the_previous_epoch(pair: Example, pair_proof: bytes, slot: int) -> None:
    assert pair.previous is not None
    sources = SourceSet(pair.previous.sources.sources, ((slot, 9),))
    with pytest.raises(ProofRejected, match="public slots"):
        check(replace(pair, previous=replace(pair.previous, sources=sources)), pair_proof)


# --- the holdings commitment --------------------------------------------------------------------------------------


def test_the_holdings_commitment_is_computed_not_read(setup: Any) -> None:
    """A solvent fund's vector behind an insolvent fund's sources."""
    insolvent = scene(setup, FALSE_SOLVENCY)
    rich = scene(setup)
    with pytest.raises(StatementFalse):
        insolvent.prove()
    with pytest.raises(SourceError, match="do not belong"):
        replace(insolvent, holdings=rich.holdings).prove()
    proof = forge(replace(insolvent, holdings=rich.holdings), witness=pretend(rich))
    with pytest.raises(ProofRejected, match="batched opening"):
        check(insolvent, proof)
    handed_over = rich.sources.opened_commitment(setup)
    with patch.object(SourceSet, "opened_commitment", lambda *_: handed_over):
        check(insolvent, proof)


def test_a_public_value_enters_the_commitment(small: Example, small_proof: bytes) -> None:
    other = replace(small, sources=SourceSet(small.sources.sources, ((3, 1),)))
    with pinned_transcript(small), pytest.raises(ProofRejected, match="batched opening"):
        check(other, small_proof)


def test_an_empty_program_is_no_way_around(setup: Any) -> None:
    """A key without rows accepts anything, and has another digest."""
    example = scene(setup, FALSE_SOLVENCY)
    build = ProgramBuilder(7, aux=(5, 6))
    for j in range(1, 7):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
    empty = scene(setup, FALSE_SOLVENCY, program=build.build())
    proof = empty.prove()
    verify(setup, empty.statement.key, CONTEXT, empty.sources, proof)
    assert empty.statement.key.digest != example.statement.key.digest
    with pytest.raises(ProofRejected):
        check(example, proof)


def test_hashes_of_a_context_have_32_bytes() -> None:
    for program_id in (b"", CONTEXT.program_id[:-1], CONTEXT.program_id + b"\x00"):
        with pytest.raises(EncodingError, match="32 bytes"):
            Context(CONTEXT.chain_id, CONTEXT.registry, CONTEXT.expiry, program_id)
        with pytest.raises(EncodingError, match="32 bytes"):
            replace(CONTEXT, book_root=program_id)
