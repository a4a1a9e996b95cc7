"""Every field of the statement is absorbed: where one is not, a proof is replayed under another value of it (P.8).

The weaker verifier absorbs the old value of exactly the items that carry the field, and the new ones everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

from attest.commitment import SourceSet
from attest.curve import encode_point
from attest.errors import ProofRejected
from attest.program import Entry, Kind, Part, Program
from attest.proof import Context, start_transcript
from attest.srs import Setup
from attest.statement import Statement, StatementKey
from attest.transcript import Transcript
from attest.verifier import verify
from tests.attest.attacks.forger import (
    FALSE_CONE,
    check,
    forge,
    key_of,
    loose,
    pinned_transcript,
    pretend,
    scene,
    verifier_without,
)
from tests.attest.examples import CONTEXT, FUND, Example

ITEMS = (
    "n", "B", "limb width", "limb count", "SRS hash", "key digest", "chain id", "registry", "fund", "epoch", "expiry",
    "program id", "book root", "source set hash", "source count", "first source id", "first commitment",
    "second source id", "second commitment", "public count",
)  # fmt: skip
"""What (P.8) absorbs of a statement with one vector, two sources and no public slot."""
ITEMS_OF_TWO = (
    *ITEMS[:14], "previous epoch", "previous source set hash", *ITEMS[14:], *(f"previous {name}" for name in ITEMS[14:])
)  # fmt: skip
"""With two vectors."""


class Recording(Transcript):
    def __init__(self) -> None:
        super().__init__()
        self.items: list[bytes] = []

    def absorb_bytes(self, item: bytes) -> None:
        self.items.append(item)
        super().absorb_bytes(item)


def absorbed(key: StatementKey, context: Context, sources: SourceSet, previous: SourceSet | None) -> list[bytes]:
    with patch("attest.proof.Transcript", Recording):
        transcript = start_transcript(key, context, sources, previous)
    assert isinstance(transcript, Recording)
    return transcript.items


@contextmanager
def not_absorbing(old: list[bytes], fields: set[str]) -> Iterator[None]:
    """A verifier that takes the old items for these fields, and must find every other item unchanged."""

    def start(*statement: Any) -> Transcript:
        items = absorbed(*statement)
        names = ITEMS if len(old) == len(ITEMS) else ITEMS_OF_TWO
        assert {name for name, a, b in zip(names, old, items, strict=True) if a != b} == fields
        transcript = Transcript()
        for item in old:
            transcript.absorb_bytes(item)
        return transcript

    with verifier_without(start_transcript=start):
        yield


def each(**fields: Any) -> Callable[[SourceSet], SourceSet]:
    return lambda s: SourceSet(tuple(replace(source, **fields) for source in s.sources), s.public_values)


def moved(sources: SourceSet) -> SourceSet:
    """The same sum of commitments from other summands."""
    first, second = sources.sources
    return SourceSet(
        (
            replace(first, commitment=first.commitment + G1Point()),
            replace(second, commitment=second.commitment + -G1Point()),
        )
    )


def same(value: Any) -> Any:
    return value


Change = tuple[Callable[[StatementKey], StatementKey], Callable[[Context], Context], Callable[[SourceSet], SourceSet]]
STRANGER = "0x" + "00" * 19 + "f2"


def of_key(**fields: Any) -> Change:
    return lambda key: replace(key, **fields), same, same


def of_context(**fields: Any) -> Change:
    return same, lambda context: replace(context, **fields), same


def of_sources(change: Callable[[SourceSet], SourceSet]) -> Change:
    return same, same, change


REPLAYS: dict[str, tuple[Change, set[str]]] = {
    "another policy": (of_key(policy_hash=b"\x77" * 32), {"key digest"}),
    "other market data": (of_key(market_hash=b"\x77" * 32), {"key digest"}),
    "other kinds of rows": (
        (lambda key: replace(key, kinds=b"\x00" + key.kinds[1:]), same, same),
        {"key digest"},
    ),
    "a slot more": ((lambda key: loose(key, size=key.size + 1), same, same), {"key digest"}),
    "another previous layout": (of_key(previous_layout_hash=b"\x77" * 32), {"key digest"}),
    "another layout": (
        (lambda key: replace(key, layout_hash=b"\x77" * 32), same, each(layout_hash=b"\x77" * 32)),
        {"key digest", "source set hash"},
    ),
    "another chain": (of_context(chain_id=1), {"chain id"}),
    "another registry": (of_context(registry=STRANGER), {"registry"}),
    "a later expiry": (of_context(expiry=CONTEXT.expiry + 1), {"expiry"}),
    "another program": (of_context(program_id=b"\x12" * 32), {"program id"}),
    "another liability book": (of_context(book_root=b"\x13" * 32), {"book root"}),
    "another fund": (of_sources(each(fund=STRANGER)), {"fund", "source set hash"}),
    "another epoch": (of_sources(each(epoch=8)), {"epoch", "source set hash"}),
    "another as-of date": (of_sources(each(as_of=1)), {"source set hash"}),
    "another role": (of_sources(each(role=1)), {"source set hash"}),
    "other owned slots": (of_sources(each(owned_slots_hash=b"\x01" * 32)), {"source set hash"}),
    "a source's later expiry": (of_sources(each(expiry=2_000_000_001)), {"source set hash"}),
    "another nonce": (of_sources(each(nonce=99)), {"source set hash"}),
    "the sum split differently over the sources": (
        of_sources(moved),
        {"source set hash", "first commitment", "second commitment"},
    ),
}


@pytest.mark.parametrize("name", REPLAYS)
def test_a_field_that_is_not_absorbed_is_replayed(small: Example, small_proof: bytes, name: str) -> None:
    """An old proof counts for another policy, market, chain, fund, epoch, date or source."""
    (key, context, sources), fields = REPLAYS[name]
    statement = key(small.statement.key), context(CONTEXT), sources(small.sources)
    old = absorbed(small.statement.key, CONTEXT, small.sources, None)
    with pytest.raises(ProofRejected, match="batched opening"):
        verify(small.setup, *statement, small_proof)
    with not_absorbing(old, fields):
        verify(small.setup, *statement, small_proof)


def test_a_public_value_of_zero_is_absorbed(small: Example, small_proof: bytes) -> None:
    """It adds nothing to C_Q, so only the transcript tells that the fund named a public slot."""
    zero = replace(small, sources=replace(small.sources, public_values=((3, 0),)))
    with pytest.raises(ProofRejected, match="batched opening"):
        check(zero, small_proof)
    with pinned_transcript(small):
        check(zero, small_proof)


PREVIOUS: dict[str, tuple[Callable[[SourceSet], SourceSet], set[str]]] = {
    "another previous epoch": (each(epoch=5), {"previous epoch", "previous source set hash"}),
    "a previous source signed anew": (each(nonce=99), {"previous source set hash"}),
    "previous holdings split differently over the sources": (
        moved,
        {"previous source set hash", "previous first commitment", "previous second commitment"},
    ),
}


@pytest.mark.parametrize("name", PREVIOUS)
def test_a_field_of_the_previous_epoch_that_is_not_absorbed(pair: Example, pair_proof: bytes, name: str) -> None:
    """Turnover proved against one record counts against another."""
    assert pair.previous is not None
    change, fields = PREVIOUS[name]
    before = pair.previous.sources
    old = absorbed(pair.statement.key, CONTEXT, pair.sources, before)
    statement = (pair.setup, pair.statement.key, CONTEXT, pair.sources, pair_proof, change(before))
    with pytest.raises(ProofRejected, match="batched opening"):
        verify(*statement)
    with not_absorbing(old, fields):
        verify(*statement)


def test_the_list_of_items_is_whole(small: Example) -> None:
    items = dict(zip(ITEMS, absorbed(small.statement.key, CONTEXT, small.sources, None), strict=True))
    assert items["fund"] == bytes(12) + bytes.fromhex(FUND[2:])
    assert items["key digest"] == small.statement.key.digest
    assert items["second commitment"] == encode_point(small.sources.sources[1].commitment)


@pytest.mark.parametrize("field", ["n", "B", "limb width", "limb count", "SRS hash"])
def test_parameters_are_absorbed(small: Example, small_proof: bytes, field: str) -> None:
    """Proofs of two versions of the system never share a transcript, so neither serves for the other."""
    old = absorbed(small.statement.key, CONTEXT, small.sources, None)
    other = Transcript()
    for name, item in zip(ITEMS, old, strict=True):
        other.absorb_bytes(bytes(32) if name == field else item)
    with verifier_without(start_transcript=lambda *_: other), pytest.raises(ProofRejected, match="batched opening"):
        check(small, small_proof)
    with not_absorbing(old, set()):
        check(small, small_proof)


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
