"""Files from outside: openings, signed sources, terms and bundles (protocol §6)."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.bundle import (
    SCHEMAS,
    Bundle,
    FundFile,
    OpeningFile,
    ProgramProof,
    SignedSource,
    holdings_of,
    key_document,
    write_file,
)
from attest.commitment import SourceSet
from attest.errors import AttestError, EncodingError, SourceError
from attest.field import MODULUS
from attest.registration import Duty, policy_id, program_id
from tests.attest.examples import CONTEXT, FUND, REGISTRY, Example

SIGNATURE = b"\x01" * 65


@pytest.fixture(scope="module")
def signed(small: Example) -> tuple[SignedSource, ...]:
    return tuple(SignedSource.of(source, SIGNATURE) for source in small.sources.sources)


@pytest.fixture(scope="module")
def bundle(small: Example, small_proof: bytes, signed: tuple[SignedSource, ...]) -> Bundle:
    return Bundle(expiry=CONTEXT.expiry, sources=signed, proofs=(ProgramProof.of(small.statement.key, small_proof),))


@pytest.fixture(scope="module")
def opening(small: Example) -> OpeningFile:
    return OpeningFile.of(small.holdings.openings[0], 7, small.layout.hash)


@pytest.fixture(scope="module")
def fund() -> FundFile:
    signers = {"a": FUND, "b": REGISTRY}
    return FundFile(chain_id=31337, registry=REGISTRY, fund=FUND, policy_owner=REGISTRY, signers=signers)


def test_files_survive_writing_and_reading(
    tmp_path: Path, bundle: Bundle, opening: OpeningFile, fund: FundFile, signed: tuple[SignedSource, ...]
) -> None:
    for name, document in {"bundle": bundle, "opening": opening, "fund": fund, "source": signed[0]}.items():
        path = tmp_path / f"{name}.json"
        document.save(path)
        assert type(document).load(path) == document
        assert SCHEMAS[name] is type(document)
        assert SCHEMAS[name].model_json_schema()["type"] == "object"


def test_a_bundle_gives_back_its_parts(
    small: Example, small_proof: bytes, bundle: Bundle, signed: tuple[SignedSource, ...]
) -> None:
    (proved,) = bundle.proofs
    assert (proved.proof(), proved.digest) == (small_proof, small.statement.key.digest)
    assert bundle.proof_bytes == len(small_proof)
    assert bundle.source_set().hash == small.sources.hash
    assert (bundle.previous_set(), bundle.epoch) == (None, 7)
    assert [s.source_commitment().struct_hash for s in signed] == [s.struct_hash for s in small.sources.sources]


def test_a_source_may_carry_a_proof_of_representation(small: Example) -> None:
    """It is no part of what is signed; a file without it is one of a source that owes none."""
    source = small.sources.sources[0]
    with_proof, without = SignedSource.of(source, SIGNATURE, b"\x07" * 272), SignedSource.of(source, SIGNATURE)
    assert SignedSource.parse(with_proof.encode()) == with_proof != without
    assert with_proof.representation == b"\x07" * 272 and without.representation == b""
    assert with_proof.source_commitment().struct_hash == without.source_commitment().struct_hash == source.struct_hash
    content = json.loads(without.encode())
    assert content.pop("representation") == "0x"
    assert SignedSource.parse(json.dumps(content).encode()) == without


def test_secrets_are_0600_and_never_replaced(tmp_path: Path, opening: OpeningFile) -> None:
    path = tmp_path / "opening.json"
    opening.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(EncodingError, match="secret that would be lost"):
        opening.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert str(opening.blinding) not in repr(opening)
    assert "400" not in repr(opening)


def test_public_files_are_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "public.json"
    write_file(path, b"one", secret=False)
    write_file(path, b"two", secret=False)
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(EncodingError, match="cannot be written"):
        write_file(tmp_path / "missing" / "file", b"", secret=False)
    with pytest.raises(EncodingError, match="cannot be read"):
        Bundle.load(tmp_path / "absent.json")


def changed(document: Any, **fields: Any) -> bytes:
    return json.dumps({**json.loads(document.encode()), **fields}).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"epoch": "7"},
        {"epoch": -1},
        {"epoch": 2**64},
        {"epoch": 7.0},
        {"epoch": True},
        {"role": 256},
        {"nonce": "007"},
        {"nonce": "-1"},
        {"nonce": str(2**256)},
        {"nonce": "1e3"},
        {"nonce": "9" * 100},
        {"nonce": "٣"},
        {"fund": "0x12"},
        {"fund": 5},
        {"fund": "f1" * 20},
        {"layout_hash": "0x" + "AB" * 32},
        {"layout_hash": "0x" + "ab" * 31},
        {"layout_hash": "ab" * 32},
        {"layout_hash": "0x" + "ab " * 32},
        {"layout_hash": "0x" + "zz" * 32},
        {"signature": "0x" + "01" * 64},
        {"representation": "0x" + "01" * 15},
        {"representation": "0x" + "AB" * 16},
        {"representation": None},
        {"version": "2"},
        {"version": 1},
        {"surplus": 1},
        {"source": None},
    ],
    ids=str,
)
def test_malformed_fields_are_named(signed: tuple[SignedSource, ...], fields: dict[str, Any]) -> None:
    (name,) = fields
    with pytest.raises(EncodingError, match=rf"file\.json: {name}"):
        SignedSource.parse(changed(signed[0], **fields), "file.json")


def test_repeated_keys_truncation_and_noise_are_refused(signed: tuple[SignedSource, ...]) -> None:
    content = signed[0].encode()
    for bad in (
        content[:-10],
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        content.replace(b'"epoch"', b'"epoch": 8, "epoch"', 1),
        b"\xef\xbb\xbf" + content,
    ):
        with pytest.raises(EncodingError, match="input"):
            SignedSource.parse(bad)


def parts(bundle: Bundle) -> tuple[Any, ...]:
    """All that a verifier reads."""
    proofs = [(proved.digest, proved.proof()) for proved in bundle.proofs]
    signatures = [(source.signature, source.representation) for source in (*bundle.sources, *bundle.previous)]
    before = bundle.previous_set()
    return bundle.expiry, proofs, signatures, bundle.source_set().hash, before and before.hash


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 127))
def test_a_damaged_bundle_is_refused_or_another_bundle(bundle: Bundle, position: int, value: int) -> None:
    content = bytearray(bundle.encode())
    content[position % len(content)] = value
    try:
        parsed = Bundle.parse(bytes(content))
        assert parsed == bundle or parts(parsed) != parts(bundle)
    except AttestError:
        pass


def test_points_of_a_bundle_are_canonical(bundle: Bundle) -> None:
    infinity = "0xc0" + "00" * 46 + "01"
    (proved,) = json.loads(bundle.encode())["proofs"]
    for bad in (infinity, "0x" + "00" * 48, "0x" + "ff" * 48):
        parsed = Bundle.parse(changed(bundle, proofs=[{**proved, "points": [bad, *proved["points"][1:]]}]))
        with pytest.raises(EncodingError):
            parsed.proofs[0].proof()
    sources = json.loads(bundle.encode())["sources"]
    for bad in (infinity, "0x" + "ff" * 48):
        parsed = Bundle.parse(changed(bundle, sources=[{**sources[0], "commitment": bad}, sources[1]]))
        with pytest.raises(EncodingError):
            parsed.source_set()


def test_source_sets_of_a_bundle_obey_their_rules(bundle: Bundle) -> None:
    sources = json.loads(bundle.encode())["sources"]
    for bad in (sources[::-1], [sources[0], sources[0]]):
        with pytest.raises(SourceError):
            Bundle.parse(changed(bundle, sources=bad)).source_set()
    for name in ("sources", "proofs"):
        with pytest.raises(EncodingError, match=name):
            Bundle.parse(changed(bundle, **{name: []}))
    for public in ([{"slot": 0, "value": "1"}], [{"slot": 3, "value": 1.5}], [{"slot": 3}]):
        with pytest.raises(EncodingError, match="public_values"):
            Bundle.parse(changed(bundle, public_values=public))
    with pytest.raises(SourceError):
        Bundle.parse(changed(bundle, public_values=[{"slot": 3, "value": str(2**77)}])).source_set()


def test_a_blinding_below_r(opening: OpeningFile) -> None:
    assert OpeningFile.parse(changed(opening, blinding=str(MODULUS - 1))).blinding == MODULUS - 1
    for bad in (str(MODULUS), "-1", "x"):
        with pytest.raises(EncodingError, match="blinding"):
            OpeningFile.parse(changed(opening, blinding=bad))
    with pytest.raises(EncodingError, match="slot is no number"):
        OpeningFile.parse(changed(opening, quantities={"one": "1"})).opening()


def test_errors_never_show_a_quantity(opening: OpeningFile) -> None:
    with pytest.raises(EncodingError) as refused:
        OpeningFile.parse(changed(opening, quantities={"1": "987654321x", "2": "1"}))
    assert "987654321" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_holdings_are_assembled_from_matching_openings(small: Example) -> None:
    layout, setup, sources = small.layout, small.setup, small.sources
    first, second = (OpeningFile.of(o, 7, layout.hash) for o in small.holdings.openings)
    held = holdings_of([second, first], sources, layout, setup)
    assert held.vector(7, {}) == small.holdings.vector(7, {})
    for bad, match in [
        ([first], "one opening file is needed"),
        ([first, second, first], "one opening file is needed"),
        ([first, second.model_copy(update={"source": "c"})], "one opening file is needed"),
        ([first, second.model_copy(update={"epoch": 8})], "another epoch or layout"),
        ([first, second.model_copy(update={"layout_hash": bytes(32)})], "another epoch or layout"),
        ([first, second.model_copy(update={"blinding": 1})], "does not belong"),
    ]:
        with pytest.raises(EncodingError, match=match):
            holdings_of(bad, sources, layout, setup)
    foreign = {**first.quantities, "3": 1}
    with pytest.raises(SourceError, match="exactly its own slots"):
        holdings_of([first.model_copy(update={"quantities": foreign}), second], sources, layout, setup)
    lots = {slot: value + 1 for slot, value in first.quantities.items()}
    with pytest.raises(EncodingError, match="does not belong") as refused:
        holdings_of([first.model_copy(update={"quantities": lots}), second], sources, layout, setup)
    assert "401" not in str(refused.value)


def test_terms_make_the_context(fund: FundFile) -> None:
    duties = {"a": Duty(0), "b": Duty(1, representation=True)}
    contexts = fund.contexts(b"\x02" * 32, duties, 99, 2)
    required = fund.requirements(duties)
    assert [(r.source, r.signer, r.role, r.representation) for r in required] == [
        ("a", fund.signers["a"], 0, False),
        ("b", fund.signers["b"], 1, True),
    ]
    name = policy_id(REGISTRY, b"\x02" * 32, required, 2)
    assert contexts == tuple(
        replace(CONTEXT, registry=fund.registry, expiry=99, program_id=program_id(name, i)) for i in range(2)
    )
    assert contexts != fund.contexts(b"\x02" * 32, {**duties, "b": Duty(1)}, 99, 2)
    for named in ({"a": Duty(0)}, {**duties, "c": Duty(2)}):
        with pytest.raises(EncodingError, match="one signer for each"):
            fund.requirements(named)


def test_the_key_document_is_canonical(small: Example, pair: Example) -> None:
    document = key_document([small.statement.key, pair.statement.key])
    listed = [
        b'{"digest":"0x%s","key":"0x%s"}' % (key.digest.hex().encode(), key.encode().hex().encode())
        for key in (small.statement.key, pair.statement.key)
    ]
    assert document == b'{"keys":[%s],"version":"1"}\n' % b",".join(listed)


def test_a_bundle_of_several_proofs_with_the_previous_epoch(
    tmp_path: Path,
    small: Example,
    pair: Example,
    small_proof: bytes,
    pair_proof: bytes,
    signed: tuple[SignedSource, ...],
) -> None:
    assert pair.previous is not None
    before = tuple(SignedSource.of(source, SIGNATURE) for source in pair.previous.sources.sources)
    proofs = ProgramProof.of(small.statement.key, small_proof), ProgramProof.of(pair.statement.key, pair_proof)
    bundle = Bundle(expiry=1, sources=signed, previous=before, proofs=proofs)
    bundle.save(tmp_path / "bundle.json")
    loaded = Bundle.load(tmp_path / "bundle.json")
    assert loaded == bundle
    assert [proved.proof() for proved in loaded.proofs] == [small_proof, pair_proof]
    assert loaded.previous_set() == pair.previous.sources
    valued = Bundle.parse(changed(bundle, previous_public_values=[{"slot": 3, "value": "5"}])).previous_set()
    assert valued is not None and valued.public_values == ((3, 5),)


def test_public_values_travel(bundle: Bundle, small: Example) -> None:
    parsed = Bundle.parse(changed(bundle, public_values=[{"slot": 3, "value": str(2**77 - 1)}]))
    assert parsed.source_set() == SourceSet(small.sources.sources, ((3, 2**77 - 1),))
