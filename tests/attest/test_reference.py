"""The reference verifier against the fast one: the same verdict on honest and on damaged proofs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest import reference
from attest.commitment import SourceSet
from attest.curve import encode_point
from attest.errors import AttestError
from attest.verifier import verify
from tests.attest.examples import CONTEXT, Example, small_example


def plain(sources: SourceSet) -> reference.Sources:
    """What a file says of a source set, for the reference."""
    listed = tuple(
        reference.Source(s.source, s.role, s.owned_slots_hash, encode_point(s.commitment), s.expiry, s.nonce)
        for s in sources.sources
    )
    fund = int(sources.fund, 16)
    return reference.Sources(fund, sources.epoch, sources.as_of, sources.layout_hash, listed, sources.public_values)


STATEMENT = reference.Statement(CONTEXT.chain_id, int(CONTEXT.registry, 16), CONTEXT.expiry, CONTEXT.program_id)


def both(example: Example, proof: bytes, statement: reference.Statement = STATEMENT) -> tuple[bool, str]:
    """Whether the fast verifier accepts, and what the reference says, "" for acceptance."""
    context = replace(
        CONTEXT,
        chain_id=statement.chain_id,
        expiry=statement.expiry,
        registry=f"0x{statement.registry:040x}",
        program_id=statement.program_id,
        book_root=statement.book_root,
    )
    previous = example.previous.sources if example.previous is not None else None
    try:
        verify(example.setup, example.statement.key, context, example.sources, proof, previous)
        accepted = True
    except AttestError:
        accepted = False
    try:
        encoding = example.statement.key.encode()
        reference.verify(encoding, statement, plain(example.sources), proof, plain(previous) if previous else None)
        verdict = ""
    except (reference.Malformed, reference.Refused) as error:
        verdict = str(error) or type(error).__name__
    return accepted, verdict


@pytest.mark.parametrize(("extra_rows", "packing"), [(0, 8), (600, 4), (1100, 2)])
def test_both_accept_an_honest_proof_of_every_packing(extra_rows: int, packing: int) -> None:
    example = small_example(extra_rows)
    assert example.statement.key.parameters.packing == packing
    assert both(example, example.prove()) == (True, "")


def test_both_accept_a_proof_over_two_epochs(pair: Example, pair_proof: bytes) -> None:
    assert both(pair, pair_proof) == (True, "")


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=8, deadline=None)
def test_both_refuse_a_flipped_bit(small: Example, small_proof: bytes, position: int, bit: int) -> None:
    damaged = bytearray(small_proof)
    damaged[position % len(damaged)] ^= 1 << bit
    accepted, verdict = both(small, bytes(damaged))
    assert not accepted
    assert verdict


@pytest.mark.parametrize(
    "statement",
    [
        replace(STATEMENT, chain_id=1),
        replace(STATEMENT, registry=STATEMENT.registry + 1),
        replace(STATEMENT, expiry=STATEMENT.expiry + 1),
        replace(STATEMENT, program_id=b"\x12" * 32),
        replace(STATEMENT, book_root=b"\x01" * 32),
    ],
)
def test_both_refuse_another_statement(small: Example, small_proof: bytes, statement: reference.Statement) -> None:
    accepted, verdict = both(small, small_proof, statement)
    assert not accepted
    assert verdict.startswith("(P.22)")
