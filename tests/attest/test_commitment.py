"""Sources, their signatures, source sets and disclosure (protocol §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.commitment import (
    BLINDING_SLOT,
    Holdings,
    SourceCommitment,
    SourceOpening,
    SourceSet,
    check_disclosure,
    disclose,
    open_source,
)
from attest.curve import INFINITY, encode_point, msm
from attest.errors import ProofRejected, SourceError
from attest.field import MODULUS, domain
from attest.kzg import open_single
from attest.polynomial import interpolate
from attest.program import Layout, Owner, Slot, source_id
from attest.srs import Setup
from tests.attest.examples import FUND, REGISTRY, Example, hold, seeded, small_layout, source_set

KEY = b"\x07" * 32


def typed_data(source: SourceCommitment, chain_id: int, registry: str) -> dict[str, Any]:
    fields = [
        ("fund", "address"),
        ("epoch", "uint64"),
        ("asOf", "uint64"),
        ("sourceId", "bytes32"),
        ("role", "uint8"),
        ("layoutHash", "bytes32"),
        ("ownedSlotsHash", "bytes32"),
        ("commitmentHash", "bytes32"),
        ("expiry", "uint64"),
        ("nonce", "uint256"),
    ]
    values = [
        source.fund,
        source.epoch,
        source.as_of,
        keccak(text=source.source),
        source.role,
        source.layout_hash,
        source.owned_slots_hash,
        keccak(encode_point(source.commitment)),
        source.expiry,
        source.nonce,
    ]
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "SourceCommitment": [{"name": name, "type": kind} for name, kind in fields],
        },
        "primaryType": "SourceCommitment",
        "domain": {"name": "attest", "version": "1", "chainId": chain_id, "verifyingContract": registry},
        "message": dict(zip([name for name, _ in fields], values, strict=True)),
    }


@settings(max_examples=20, deadline=None)
@given(
    epoch=st.integers(0, 2**64 - 1),
    as_of=st.integers(0, 2**64 - 1),
    role=st.integers(0, 255),
    layout_hash=st.binary(min_size=32, max_size=32),
    nonce=st.integers(0, 2**256 - 1),
    chain_id=st.integers(1, 2**64),
)
def test_hashes_and_signatures_are_eip_712(small: Example, chain_id: int, **changes: Any) -> None:
    source = replace(small.sources.sources[0], **changes)
    message = encode_typed_data(full_message=typed_data(source, chain_id, REGISTRY))
    assert source.struct_hash == message.body
    assert source.signing_hash(chain_id, REGISTRY) == keccak(b"\x19" + message.version + message.header + message.body)
    signature = source.sign(KEY, chain_id, REGISTRY)
    assert Account.recover_message(message, signature=signature) == Account.from_key(KEY).address
    assert source.signer(signature, chain_id, REGISTRY) == Account.from_key(KEY).address
    assert source.signer(signature, chain_id + 1, REGISTRY) != Account.from_key(KEY).address


@pytest.mark.parametrize("signature", [b"", b"\x00" * 65, b"\x01" * 64, b"\xff" * 65, b"\x01" * 66])
def test_bytes_that_are_no_signature(small: Example, signature: bytes) -> None:
    with pytest.raises(SourceError, match="signature"):
        small.sources.sources[0].signer(signature, 1, REGISTRY)


def test_every_signed_field_changes_the_hash(small: Example) -> None:
    source = small.sources.sources[0]
    changes: dict[str, Any] = {
        "fund": REGISTRY,
        "epoch": 8,
        "as_of": 1,
        "source": "z",
        "role": 1,
        "layout_hash": b"\x01" * 32,
        "owned_slots_hash": b"\x01" * 32,
        "commitment": source.commitment + source.commitment,
        "expiry": 1,
        "nonce": 1,
    }
    hashes = {replace(source, **{name: value}).struct_hash for name, value in changes.items()}
    assert len(hashes | {source.struct_hash}) == len(changes) + 1
    domains = {source.signing_hash(c, r) for c, r in ((1, REGISTRY), (2, REGISTRY), (1, FUND))}
    assert len(domains) == 3


# --- openings -----------------------------------------------------------------------------------------------------


def test_a_commitment_is_the_sum_of_its_slots(setup: Setup) -> None:
    """C_k from its definition. (P.5)"""
    opening = SourceOpening("a", {1: 5, 2: -7}, 11)
    expected = msm([setup.lagrange[1], setup.lagrange[2], setup.lagrange[BLINDING_SLOT]], [5, MODULUS - 7, 11])
    assert opening.commitment(setup) == expected
    assert BLINDING_SLOT == 4095


def test_every_opening_is_blinded_afresh() -> None:
    layout = small_layout()
    first, second = (open_source(layout, "a", {1: 5, 2: 6}) for _ in range(2))
    assert first.blinding != second.blinding
    assert open_source(layout, "a", {1: 5, 2: 6}, seeded(1)) == open_source(layout, "a", {1: 5, 2: 6}, seeded(1))


@pytest.mark.parametrize(
    "quantities", [{1: 5}, {1: 5, 2: 6, 3: 7}, {3: 5, 4: 6}, {0: 1, 1: 5, 2: 6}, {1: 5, 2: 6, BLINDING_SLOT: 1}, {}]
)
def test_a_source_fills_exactly_its_own_slots(quantities: dict[int, int]) -> None:
    with pytest.raises(SourceError, match="exactly its own slots"):
        open_source(small_layout(), "a", quantities)


def test_quantities_have_77_bits_and_the_slot_s_sign() -> None:
    layout = small_layout()
    open_source(layout, "a", {1: 2**77 - 1, 2: 0})
    with pytest.raises(SourceError, match=r"slot 1 \(X\) is out of range"):
        open_source(layout, "a", {1: 2**77, 2: 0})
    with pytest.raises(SourceError, match=r"slot 4 \(USD\) cannot be negative"):
        open_source(layout, "b", {3: 1, 4: -1})
    short = Layout((Slot(Owner.SOURCE, "X", Decimal(1), 1, "a", signed=True),))
    open_source(short, "a", {1: -(2**77) + 1})
    with pytest.raises(SourceError, match="out of range"):
        open_source(short, "a", {1: -(2**77)})
    with pytest.raises(SourceError, match="no slot"):
        open_source(layout, "stranger", {})


def test_openings_do_not_print() -> None:
    opening = open_source(small_layout(), "a", {1: 987_654, 2: 123_456}, seeded(1))
    texts = [repr(opening), str(opening), repr(Holdings((opening,))), f"{Holdings((opening,))}"]
    assert not any("987654" in text or str(opening.blinding) in text for text in texts)


def test_errors_name_no_quantity() -> None:
    with pytest.raises(SourceError) as refused:
        open_source(small_layout(), "a", {1: 2**80 + 12345, 2: 0})
    assert str(2**80 + 12345) not in str(refused.value)


# --- source sets --------------------------------------------------------------------------------------------------


REFUSED: dict[str, Callable[[SourceSet], Any]] = {
    "empty": lambda s: SourceSet(()),
    "out of order": lambda s: SourceSet(s.sources[::-1]),
    "repeated": lambda s: SourceSet((s.sources[0], s.sources[0])),
    "two funds": lambda s: SourceSet((replace(s.sources[0], fund=REGISTRY), s.sources[1])),
    "two epochs": lambda s: SourceSet((replace(s.sources[0], epoch=9), s.sources[1])),
    "two dates": lambda s: SourceSet((replace(s.sources[0], as_of=9), s.sources[1])),
    "two layouts": lambda s: SourceSet((replace(s.sources[0], layout_hash=b"\x01" * 32), s.sources[1])),
    "infinity": lambda s: SourceSet((replace(s.sources[0], commitment=INFINITY), s.sources[1])),
    "public out of order": lambda s: SourceSet(s.sources, ((5, 1), (3, 1))),
    "public twice": lambda s: SourceSet(s.sources, ((3, 1), (3, 1))),
    "public negative": lambda s: SourceSet(s.sources, ((3, -1),)),
    "public too large": lambda s: SourceSet(s.sources, ((3, 2**77),)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_source_sets_refuse(small: Example, name: str) -> None:
    with pytest.raises(SourceError):
        REFUSED[name](small.sources)


def test_a_source_set_accepts_the_largest_public_value(small: Example) -> None:
    assert SourceSet(small.sources.sources, ((3, 0), (4, 2**77 - 1))).public_values[1][1] == 2**77 - 1


def test_the_source_set_hash_is_the_registry_s(small: Example) -> None:
    """As Solidity's abi.encode has it. (P.6)"""
    sources = SourceSet(small.sources.sources, ((3, 5),))
    first, second = sources.sources
    encoded = abi_encode(
        ["address", "uint64", "uint64", "bytes32", "bytes32[]", "bytes32[]", "bytes32[]", "uint256[]", "uint256[]"],
        [
            FUND,
            7,
            first.as_of,
            first.layout_hash,
            [source_id(first.source), source_id(second.source)],
            [first.struct_hash, second.struct_hash],
            [keccak(encode_point(first.commitment)), keccak(encode_point(second.commitment))],
            [3],
            [5],
        ],
    )
    assert sources.hash == keccak(encoded)
    assert sources.hash != small.sources.hash


def test_the_holdings_commitment_is_the_sum(small: Example) -> None:
    """C_Q from its definition. (P.7)"""
    setup = small.setup
    sources = SourceSet(small.sources.sources, ((5, 9),))
    column = Holdings(small.holdings.openings, ((5, 9),)).column()
    assert sources.commitment(setup) == msm(setup.lagrange, column)
    assert column[:7] == [1, 400, 300, 200, 500, 9, 0]
    assert column[4095] == sum(opening.blinding for opening in small.holdings.openings) % MODULUS


def test_vectors_fill_aux_slots(small: Example) -> None:
    assert small.holdings.vector(7, {5: -3, 6: 4}) == [1, 400, 300, 200, 500, -3, 4]


def test_a_source_set_matches_its_layout(small: Example) -> None:
    layout, sources = small.layout, small.sources
    sources.check_layout(layout)
    for broken, match in [
        (SourceSet(sources.sources[:1]), "requires the sources"),
        (SourceSet(tuple(replace(s, layout_hash=b"\x01" * 32) for s in sources.sources)), "another layout"),
        (SourceSet((replace(sources.sources[0], owned_slots_hash=b"\x01" * 32), sources.sources[1])), "other slots"),
        (SourceSet(sources.sources, ((3, 1),)), "public"),
    ]:
        with pytest.raises(SourceError, match=match):
            broken.check_layout(layout)
    renamed = replace(sources.sources[1], source="stranger")
    with pytest.raises(SourceError, match="requires the sources"):
        SourceSet(tuple(sorted((sources.sources[0], renamed), key=lambda s: s.id))).check_layout(layout)


def test_public_slots_must_all_be_filled(setup: Setup) -> None:
    slots = (*small_layout().slots[:4], Slot(Owner.PUBLIC, "pool", Decimal(1), 1))
    layout = Layout(slots)
    signed = source_set(layout, hold(layout, {1: 1, 2: 2, 3: 3, 4: 4}, 1), setup, epoch=1)
    with pytest.raises(SourceError, match="public slots"):
        signed.check_layout(layout)
    SourceSet(signed.sources, ((5, 6),)).check_layout(layout)


def test_owned_slots_are_hashed_as_an_abi_array() -> None:
    assert small_layout().owned_slots_hash("a") == keccak(abi_encode(["uint256[]"], [[1, 2]]))
    assert small_layout().owned_slots_hash("b") == keccak(abi_encode(["uint256[]"], [[3, 4]]))


# --- disclosure ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slot", "lots"), [(1, 400), (4, 500)])
def test_a_disclosed_quantity_is_the_committed_one(small: Example, slot: int, lots: int) -> None:
    value, proof = disclose(small.setup, small.holdings, small.layout, slot)
    assert value == lots
    check_disclosure(small.setup, small.sources, small.layout, slot, lots, proof)
    for wrong in (lots + 1, -lots, 0):
        with pytest.raises(ProofRejected):
            check_disclosure(small.setup, small.sources, small.layout, slot, wrong, proof)
    with pytest.raises(ProofRejected):
        check_disclosure(small.setup, small.sources, small.layout, 2, lots, proof)
    with pytest.raises(ProofRejected):
        check_disclosure(small.setup, small.sources, small.layout, slot, lots, proof + small.setup.g1)


def test_a_short_is_disclosed_with_its_sign(setup: Setup) -> None:
    layout = Layout((Slot(Owner.SOURCE, "X", Decimal(1), 1, "a", signed=True),))
    holdings = hold(layout, {1: -10}, 1)
    value, proof = disclose(setup, holdings, layout, 1)
    assert value == -10
    sources = source_set(layout, holdings, setup, epoch=1)
    check_disclosure(setup, sources, layout, 1, -10, proof)
    with pytest.raises(ProofRejected):
        check_disclosure(setup, sources, layout, 1, 10, proof)


@pytest.mark.parametrize("slot", [5, 6, 0, 7, BLINDING_SLOT])
def test_slots_that_are_no_source_s_prove_nothing(small: Example, slot: int) -> None:
    column = small.holdings.column()
    value, proof = open_single(small.setup, interpolate(column), domain(4096)[slot])
    with pytest.raises(SourceError):
        disclose(small.setup, small.holdings, small.layout, slot)
    with pytest.raises(SourceError):
        check_disclosure(small.setup, small.sources, small.layout, slot, value, proof)


def test_the_negated_commitment_opens_to_the_negated_quantity_elsewhere(small: Example) -> None:
    """−C_Q opens to −q_j: the sign bit of a compressed commitment is part of what is checked."""
    _, proof = disclose(small.setup, small.holdings, small.layout, 1)
    with pytest.raises(ProofRejected):
        check_disclosure(small.setup, small.sources, small.layout, 1, -400, -proof)
