"""A proof is accepted if and only if nothing is damaged: every point, scalar, byte, key and source field.

Of each part of a proof one byte is damaged, or every byte where PROOFOLIO_DAMAGE=all asks for it: it takes minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_arkworks_bls12381 import G1Point

from attest.commitment import SourceSet, check_disclosure, disclose
from attest.curve import compress, decode_point, decompress, encode_point
from attest.errors import AttestError, EncodingError, ProofRejected, SourceError
from attest.field import MODULUS
from attest.proof import Context, proof_sizes
from attest.representation import RepresentationClaim, prove_representation, verify_representation
from attest.statement import Group, StatementKey
from attest.verifier import verify
from tests.attest.examples import CONTEXT, REGISTRY, Example, seeded, small_example

EVERY_BYTE = os.environ.get("PROOFOLIO_DAMAGE") == "all"
POINTS, SCALARS = 20, 34
SPLIT = POINTS * 128


def check(
    example: Example,
    proof: bytes,
    *,
    key: StatementKey | None = None,
    context: Context = CONTEXT,
    sources: SourceSet | None = None,
    previous: SourceSet | None = None,
) -> None:
    if previous is None and example.previous is not None:
        previous = example.previous.sources
    verify(example.setup, key or example.statement.key, context, sources or example.sources, proof, previous)


def point_at(proof: bytes, i: int) -> bytes:
    return proof[128 * i : 128 * (i + 1)]


def put(proof: bytes, start: int, data: bytes) -> bytes:
    return proof[:start] + data + proof[start + len(data) :]


def damages(data: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """The data with one byte changed at random: one of each of its parts, or every one. Deterministic.

    Args: sizes: of the parts, which are all of the data.
    """
    rng, start = Random(data), 0
    for size in sizes:
        positions = range(start, start + size)
        for position in positions if EVERY_BYTE else [rng.choice(positions)]:
            yield put(data, position, bytes([data[position] ^ rng.randrange(1, 256)]))
        start += size
    assert start == len(data)


@pytest.fixture(scope="module", params=["packing 8", "packing 4", "packing 2", "two vectors"])
def shape(
    request: pytest.FixtureRequest, small: Example, small_proof: bytes, pair: Example, pair_proof: bytes
) -> tuple[Example, bytes]:
    """A proof of each packing, and one over two vectors."""
    if request.param in ("packing 8", "two vectors"):
        return (small, small_proof) if request.param == "packing 8" else (pair, pair_proof)
    example = small_example(extra_rows=600 if request.param == "packing 4" else 1200)
    return example, example.prove()


def test_the_undamaged_proof_is_accepted(small: Example, small_proof: bytes, pair: Example, pair_proof: bytes) -> None:
    assert len(small_proof) == SPLIT + 32 * SCALARS
    check(small, small_proof)
    check(pair, pair_proof)


@pytest.mark.parametrize("i", range(POINTS))
def test_every_point_matters(small: Example, small_proof: bytes, i: int) -> None:
    point = decode_point(point_at(small_proof, i))
    for other in (decode_point(point_at(small_proof, (i + 1) % POINTS)), point + small.setup.g1, -point):
        with pytest.raises(ProofRejected):
            check(small, put(small_proof, 128 * i, encode_point(other)))
    with pytest.raises(ProofRejected):
        check(small, put(small_proof, 128 * i, bytes(128)))
    swapped = put(small_proof, 128 * i, point_at(small_proof, (i + 1) % POINTS))
    swapped = put(swapped, 128 * ((i + 1) % POINTS), point_at(small_proof, i))
    with pytest.raises(ProofRejected):
        check(small, swapped)
    for offset in (0, 15, 16, 63, 64, 79, 80, 127):
        broken = bytearray(small_proof)
        broken[128 * i + offset] ^= 1
        with pytest.raises(EncodingError):
            check(small, bytes(broken))


@pytest.mark.parametrize("i", range(SCALARS))
def test_every_scalar_matters(small: Example, small_proof: bytes, i: int) -> None:
    start = SPLIT + 32 * i
    value = int.from_bytes(small_proof[start : start + 32], "big")
    for other in ((value + 1) % MODULUS, (value - 1) % MODULUS, MODULUS - 1 - value, 0 if value else 1):
        with pytest.raises(ProofRejected):
            check(small, put(small_proof, start, other.to_bytes(32, "big")))
    for other in (value + MODULUS, MODULUS, 2**256 - 1):
        with pytest.raises(EncodingError):
            check(small, put(small_proof, start, other.to_bytes(32, "big")))


def test_every_part_matters_in_every_shape(shape: tuple[Example, bytes]) -> None:
    example, proof = shape
    check(example, proof)
    points, scalars = proof_sizes(example.statement.key.parameters.packing, example.statement.key.vectors)
    for i in range(points):
        moved = decode_point(point_at(proof, i)) + example.setup.g1
        with pytest.raises(ProofRejected):
            check(example, put(proof, 128 * i, encode_point(moved)))
    for i in range(scalars):
        start = 128 * points + 32 * i
        value = (int.from_bytes(proof[start : start + 32], "big") + 1) % MODULUS
        with pytest.raises(ProofRejected):
            check(example, put(proof, start, value.to_bytes(32, "big")))


@pytest.mark.parametrize("size", [0, 1, 127, 128, SPLIT, SPLIT + 32 * SCALARS - 1, SPLIT + 32 * SCALARS - 32])
def test_truncated_proofs_are_malformed(small: Example, small_proof: bytes, size: int) -> None:
    with pytest.raises(EncodingError):
        check(small, small_proof[:size])


@pytest.mark.parametrize("tail", [b"\x00", bytes(32), bytes(128)])
def test_trailing_bytes_are_malformed(small: Example, small_proof: bytes, tail: bytes) -> None:
    with pytest.raises(EncodingError):
        check(small, small_proof + tail)


def test_any_damaged_byte_is_refused(shape: tuple[Example, bytes]) -> None:
    example, proof = shape
    key, refused = example.statement.key, list[type[AttestError]]()
    points, scalars = proof_sizes(key.parameters.packing, key.vectors)
    for damaged in damages(proof, [128] * points + [32] * scalars):
        with pytest.raises((EncodingError, ProofRejected)) as error:
            check(example, damaged)
        refused.append(error.type)
    assert len(refused) == (len(proof) if EVERY_BYTE else points + scalars)
    assert {*refused} == {EncodingError, ProofRejected}


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=SPLIT + 32 * SCALARS, max_size=SPLIT + 32 * SCALARS))
def test_noise_is_refused(small: Example, noise: bytes) -> None:
    with pytest.raises((EncodingError, ProofRejected)):
        check(small, noise)


def test_all_zeros_are_refused(small: Example) -> None:
    with pytest.raises(ProofRejected):
        check(small, bytes(SPLIT + 32 * SCALARS))


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 1},
        {"registry": "0x" + "00" * 19 + "a2"},
        {"expiry": 1},
        {"program_id": b"\x12" * 32},
        {"book_root": b"\x01" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_context_field_matters(pair: Example, pair_proof: bytes, change: dict[str, Any]) -> None:
    with pytest.raises(ProofRejected):
        check(pair, pair_proof, context=replace(CONTEXT, **change))


def to_bytes(value: Any, size: int) -> bytes:
    """How a field of a statement would be written."""
    if isinstance(value, int):
        return value.to_bytes(size, "big")
    if isinstance(value, str):
        return bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode("latin-1")
    return encode_point(value) if isinstance(value, G1Point) else bytes(value)


def from_bytes(data: bytes, like: Any) -> Any:
    """The field again. Raises: EncodingError: no point."""
    if isinstance(like, int):
        return int.from_bytes(data, "big")
    if isinstance(like, str):
        return "0x" + data.hex() if like.startswith("0x") else data.decode("latin-1")
    return decode_point(data) if isinstance(like, G1Point) else data


def damaged_fields(holder: Any, sizes: Mapping[str, int]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each field with one byte changed, and what makes it, which may refuse. Args: sizes: in bytes."""
    for name, size in sizes.items():
        value = getattr(holder, name)
        for damaged in damages(to_bytes(value, size), [size]):
            yield name, lambda damaged=damaged, value=value: from_bytes(damaged, value)  # type: ignore[misc]


CONTEXT_SIZES = {"chain_id": 32, "registry": 20, "expiry": 8, "program_id": 32, "book_root": 32}
SET_SIZES = {"fund": 20, "epoch": 8, "as_of": 8, "layout_hash": 32}
SOURCE_SIZES = {"source": 1, "role": 1, "owned_slots_hash": 32, "commitment": 128, "expiry": 8, "nonce": 32}
REFUSALS = (EncodingError, ProofRejected, SourceError)


def test_any_damaged_byte_of_the_context_is_refused(pair: Example, pair_proof: bytes) -> None:
    for name, changed in damaged_fields(CONTEXT, CONTEXT_SIZES):
        with pytest.raises(ProofRejected):
            check(pair, pair_proof, context=replace(CONTEXT, **{name: changed()}))


@pytest.mark.parametrize("which", ["sources", "previous"])
def test_any_damaged_byte_of_the_sources_is_refused(pair: Example, pair_proof: bytes, which: str) -> None:
    """What all sources of an epoch share, and what each has for itself; sorted again where a name is another."""
    assert pair.previous is not None
    sources = pair.sources if which == "sources" else pair.previous.sources

    def judge(changed: SourceSet) -> None:
        if which == "sources":
            check(pair, pair_proof, sources=changed)
        else:
            check(pair, pair_proof, previous=changed)

    judge(sources)
    for name, changed in damaged_fields(sources.sources[0], SET_SIZES):
        with pytest.raises(REFUSALS):
            judge(each({name: changed()})(sources))
    for i, source in enumerate(sources.sources):
        for name, changed in damaged_fields(source, SOURCE_SIZES):
            others = [s for s in sources.sources if s is not source]
            with pytest.raises(REFUSALS) as error:
                moved = sorted([replace(source, **{name: changed()}), *others], key=lambda s: s.id)
                judge(SourceSet(tuple(moved)))
            assert error.type is ProofRejected or name in ("source", "commitment"), f"{name} of source {i}"


def damaged_keys(key: StatementKey) -> dict[str, dict[str, Any]]:
    """Each field alone, in ways that leave a well-formed key and in ways that do not."""

    def parameters(**change: int) -> dict[str, Any]:
        return {"parameters": replace(key.parameters, **change)}

    def groups(name: str) -> dict[str, dict[str, Any]]:
        family: tuple[Group, ...] = getattr(key, name)
        first = family[0]
        variants = {
            "dropped": family[1:],
            "repeated": (first, *family),
            "moved": (Group(first.row + 1, first.commitment), *family[1:]),
            "another": (Group(first.row, first.commitment + key.columns[0]), *family[1:]),
        }
        return {f"{name} {how}": {name: value} for how, value in variants.items()}

    return {
        "packing 4": parameters(packing=4),
        "n": parameters(n=2048),
        "limb width": parameters(limb_width=10),
        "limb count 6": parameters(limb_count=6),
        "limb count 8": parameters(limb_count=8),
        "size": {"size": key.size + 1},
        "size 4000": {"size": 4000},
        "previous size": {"previous_size": key.previous_size + 1},
        "one vector": {"previous_size": 0, "previous_columns": ()},
        "kinds": {"kinds": b"\x00" * len(key.kinds)},
        "one row more": {"kinds": key.kinds + b"\x00"},
        "no rows": {"kinds": b""},
        "no aux": {"aux": ()},
        "one aux": {"aux": key.aux[:1]},
        "aux of a source": {"aux": (4, *key.aux)},
        "aux beyond": {"aux": (*key.aux, 9)},
        **groups("weights"),
        **groups("flag_weights"),
        **groups("square_weights"),
        "no columns": {"columns": ()},
        "another column": {"columns": (key.columns[0] + key.columns[0], *key.columns[1:])},
        "one column more": {"columns": (*key.columns, key.columns[0])},
        "no previous columns": {"previous_columns": ()},
        "another previous column": {"previous_columns": key.columns},
        **{name: {name: b"\x01" * 32} for name in HASHES},
    }


HASHES = ("layout_hash", "previous_layout_hash", "policy_hash", "market_hash")


def test_every_key_field_matters(pair: Example, pair_proof: bytes) -> None:
    key, refused = pair.statement.key, set()
    for name, changes in damaged_keys(key).items():
        with pytest.raises(AttestError) as error:
            check(pair, pair_proof, key=replace(key, **changes))
        refused.add(error.type)
        if "moved" in name or "another" in name or name in HASHES:
            assert error.type is ProofRejected, name
    assert refused == {EncodingError, ProofRejected, SourceError}


def test_a_key_of_one_vector_does_not_take_the_proof_of_two(
    small: Example, small_proof: bytes, pair: Example, pair_proof: bytes
) -> None:
    with pytest.raises(EncodingError):
        check(small, pair_proof)
    with pytest.raises(EncodingError):
        check(pair, small_proof)


def each(change: dict[str, Any], at: int | None = None) -> Callable[[SourceSet], SourceSet]:
    def changed(sources: SourceSet) -> SourceSet:
        touched = [replace(s, **change) if at in (None, i) else s for i, s in enumerate(sources.sources)]
        return SourceSet(tuple(touched), sources.public_values)

    return changed


def with_commitment(at: int) -> Callable[[SourceSet], SourceSet]:
    def changed(sources: SourceSet) -> SourceSet:
        twice = sources.sources[at].commitment + sources.sources[at].commitment
        return each({"commitment": twice}, at)(sources)

    return changed


def renamed(sources: SourceSet) -> SourceSet:
    first = replace(sources.sources[0], source="renamed")
    return SourceSet(tuple(sorted((first, *sources.sources[1:]), key=lambda s: s.id)))


SOURCES: dict[str, Callable[[SourceSet], SourceSet]] = {
    "fund": each({"fund": REGISTRY}),
    "epoch": each({"epoch": 5}),
    "as-of": each({"as_of": 1}),
    "role": each({"role": 3}, 0),
    "layout": each({"layout_hash": b"\x01" * 32}),
    "owned slots": each({"owned_slots_hash": b"\x01" * 32}, 1),
    "expiry": each({"expiry": 1}, 0),
    "nonce": each({"nonce": 1}, 1),
    "first commitment": with_commitment(0),
    "second commitment": with_commitment(1),
    "name": renamed,
    "order": lambda s: SourceSet(s.sources[::-1]),
    "one missing": lambda s: SourceSet(s.sources[:1]),
    "one twice": lambda s: SourceSet((*s.sources, s.sources[-1])),
    "commitments swapped": lambda s: SourceSet(
        (
            replace(s.sources[0], commitment=s.sources[1].commitment),
            replace(s.sources[1], commitment=s.sources[0].commitment),
        )
    ),
    "public value": lambda s: SourceSet(s.sources, ((3, 1),)),
    "public zero": lambda s: SourceSet(s.sources, ((3, 0),)),
    "public aux": lambda s: SourceSet(s.sources, ((5, 1),)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_field_matters(pair: Example, pair_proof: bytes, name: str) -> None:
    assert pair.previous is not None
    with pytest.raises((ProofRejected, SourceError)):
        check(pair, pair_proof, sources=SOURCES[name](pair.sources))
    with pytest.raises((ProofRejected, SourceError)):
        check(pair, pair_proof, previous=SOURCES[name](pair.previous.sources))


def test_current_and_previous_sources_are_not_exchanged(pair: Example, pair_proof: bytes) -> None:
    assert pair.previous is not None
    with pytest.raises(ProofRejected):
        check(pair, pair_proof, sources=pair.previous.sources, previous=pair.sources)


def test_spelling_of_an_address_does_not_matter(pair: Example, pair_proof: bytes) -> None:
    assert pair.previous is not None
    loud = "0x" + pair.sources.fund[2:].upper()
    check(pair, pair_proof, sources=each({"fund": loud})(pair.sources))
    check(pair, pair_proof, previous=each({"fund": loud})(pair.previous.sources))


# Openings and proofs of representation -------------------------------------------------------------------------------


def test_any_damaged_byte_of_a_disclosure_is_refused(small: Example) -> None:
    """The opening, the quantity, the slot, the commitments that it opens."""
    setup, layout, sources = small.setup, small.layout, small.sources
    lots, opening = disclose(setup, small.holdings, layout, 1)
    check_disclosure(setup, sources, layout, 1, lots, opening)
    for damaged in damages(compress(opening), [1] * 48):
        with pytest.raises((EncodingError, ProofRejected)):
            check_disclosure(setup, sources, layout, 1, lots, decompress(damaged))
    for damaged in damages(lots.to_bytes(32, "big"), [1] * 32):
        with pytest.raises(ProofRejected, match=r"disclosure|opening"):
            check_disclosure(setup, sources, layout, 1, int.from_bytes(damaged, "big"), opening)
    for slot in range(8):
        if slot != 1:
            with pytest.raises((ProofRejected, SourceError)):
                check_disclosure(setup, sources, layout, slot, lots, opening)
    for i in range(len(sources.sources)):
        with pytest.raises(ProofRejected, match="opening"):
            check_disclosure(setup, with_commitment(i)(sources), layout, 1, lots, opening)


def test_any_damaged_byte_of_a_proof_of_representation_is_refused(small: Example) -> None:
    opening = small.holdings.openings[0]
    (source,) = [s for s in small.sources.sources if s.source == opening.source]
    slots = small.layout.owned_by(opening.source)
    claim = RepresentationClaim(CONTEXT.chain_id, CONTEXT.registry, source, slots)
    proof = prove_representation(small.setup, claim, opening, seeded(1))
    verify_representation(small.setup, claim, proof)
    for damaged in damages(proof, [128, *[32] * (len(slots) + 1), 48]):
        with pytest.raises((EncodingError, ProofRejected)):
            verify_representation(small.setup, claim, damaged)
