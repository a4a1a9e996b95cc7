"""A whole attestation, and how a registry names policies (protocol §4, §5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_utils.crypto import keccak

from attest.attestation import check_sources, verify_attestation
from attest.commitment import SourceSet
from attest.errors import EncodingError, ProofRejected, SourceError
from attest.program import Layout, source_id
from attest.proof import Context
from attest.registration import SourceRequirement, check_signers, ordered, policy_id, program_id
from attest.statement import StatementKey
from tests.attest.examples import CONTEXT, FUND, REGISTRY, Example

KEYS = {"a": b"\x0a" * 32, "b": b"\x0b" * 32}
AS_OF = 1_579_219_200


@dataclass(frozen=True)
class Attested:
    """All arguments of `verify_attestation`."""

    key: StatementKey
    layout: Layout
    requirements: tuple[SourceRequirement, ...]
    context: Context
    sources: SourceSet
    signatures: tuple[bytes, ...]
    proof: bytes
    as_of: int = AS_OF


def signatures_of(sources: SourceSet, chain_id: int = CONTEXT.chain_id, registry: str = REGISTRY) -> tuple[bytes, ...]:
    return tuple(s.sign(KEYS.get(s.source, KEYS["a"]), chain_id, registry) for s in sources.sources)


@pytest.fixture(scope="module")
def attested(small: Example, small_proof: bytes) -> Attested:
    required = tuple(SourceRequirement(name, Account.from_key(KEYS[name]).address, 0) for name in ("a", "b"))
    sources = small.sources
    return Attested(small.statement.key, small.layout, required, CONTEXT, sources, signatures_of(sources), small_proof)


def run(example: Example, a: Attested) -> None:
    verify_attestation(
        example.setup,
        a.key,
        a.layout,
        a.requirements,
        a.context,
        a.sources,
        a.signatures,
        a.proof,
        as_of=a.as_of,
    )


def test_a_whole_attestation_is_accepted(small: Example, attested: Attested) -> None:
    run(small, attested)
    run(small, replace(attested, requirements=attested.requirements[::-1]))


def resigned(a: Attested, sources: SourceSet) -> Attested:
    return replace(a, sources=sources, signatures=signatures_of(sources))


def each(sources: SourceSet, **fields: Any) -> SourceSet:
    return SourceSet(tuple(replace(s, **fields) for s in sources.sources), sources.public_values)


def stranger(a: Attested) -> tuple[SourceRequirement, ...]:
    return (a.requirements[0], replace(a.requirements[1], signer=FUND))


REFUSED: dict[str, tuple[Callable[[Attested], Attested], type[Exception], str]] = {
    "a source missing": (lambda a: resigned(a, SourceSet(a.sources.sources[:1])), SourceError, "each exactly once"),
    "a source not required": (lambda a: replace(a, requirements=a.requirements[:1]), SourceError, "exactly once"),
    "another signer": (lambda a: replace(a, requirements=stranger(a)), SourceError, "not signed by the key"),
    "another role": (
        lambda a: replace(a, requirements=(replace(a.requirements[0], role=1), a.requirements[1])),
        SourceError,
        "another role",
    ),
    "signatures exchanged": (lambda a: replace(a, signatures=a.signatures[::-1]), SourceError, "not signed by the key"),
    "a signature missing": (lambda a: replace(a, signatures=a.signatures[:1]), SourceError, "exactly once"),
    "no signature": (lambda a: replace(a, signatures=(b"", a.signatures[1])), SourceError, "not an ECDSA"),
    "signed for another chain": (
        lambda a: replace(a, signatures=signatures_of(a.sources, chain_id=1)),
        SourceError,
        "not signed by the key",
    ),
    "signed for another registry": (
        lambda a: replace(a, signatures=signatures_of(a.sources, registry=FUND)),
        SourceError,
        "not signed by the key",
    ),
    "another day": (lambda a: replace(a, as_of=AS_OF + 86_400), SourceError, "another day"),
    "another day signed": (lambda a: resigned(a, each(a.sources, as_of=AS_OF + 1)), SourceError, "another day"),
    "another fund signed": (lambda a: resigned(a, each(a.sources, fund=REGISTRY)), ProofRejected, "batched"),
    "another epoch signed": (lambda a: resigned(a, each(a.sources, epoch=8)), ProofRejected, "batched"),
    "another layout signed": (lambda a: resigned(a, each(a.sources, layout_hash=bytes(32))), SourceError, "layout"),
    "other slots signed": (
        lambda a: resigned(a, each(a.sources, owned_slots_hash=bytes(32))),
        SourceError,
        "other slots than its own",
    ),
    "a layout that is not the key's": (
        lambda a: replace(a, layout=Layout(a.layout.slots[:4])),
        ProofRejected,
        "the key is of another layout",
    ),
    "a public value": (lambda a: replace(a, sources=SourceSet(a.sources.sources, ((3, 1),))), SourceError, "public"),
    "another program": (
        lambda a: replace(a, context=replace(a.context, program_id=b"\x12" * 32)),
        ProofRejected,
        "batched",
    ),
    "another key": (lambda a: replace(a, key=replace(a.key, market_hash=bytes(32))), ProofRejected, "batched"),
    "a damaged proof": (lambda a: replace(a, proof=a.proof[:-1] + bytes([a.proof[-1] ^ 1])), ProofRejected, "batched"),
    "a truncated proof": (lambda a: replace(a, proof=a.proof[:-1]), EncodingError, "bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_attestation_with_one_thing_wrong_is_refused(small: Example, attested: Attested, name: str) -> None:
    change, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        run(small, change(attested))


def test_a_key_of_two_vectors_needs_the_registry(pair: Example, attested: Attested, pair_proof: bytes) -> None:
    with pytest.raises(SourceError, match="two vectors"):
        run(pair, replace(attested, key=pair.statement.key, proof=pair_proof))


def test_sources_are_checked_without_a_proof(attested: Attested) -> None:
    a = attested
    arguments = (a.layout, a.requirements, a.sources, a.signatures, CONTEXT.chain_id, REGISTRY)
    check_sources(*arguments, as_of=AS_OF)
    with pytest.raises(SourceError, match="another day"):
        check_sources(*arguments, as_of=AS_OF - 1)
    check_signers(a.sources, a.signatures, a.requirements, CONTEXT.chain_id, REGISTRY)


def test_policy_and_program_are_named_by_what_they_require(attested: Attested) -> None:
    required = attested.requirements
    listed = sorted((source_id(r.source), r.signer, r.role) for r in required)
    inner = keccak(abi_encode(["(bytes32,address,uint8)[]"], [listed]))
    outer = abi_encode(["address", "bytes32", "bytes32", "uint256"], [FUND, b"\x02" * 32, inner, 3])
    name = policy_id(FUND, b"\x02" * 32, required, 3)
    assert name == keccak(outer) == policy_id(FUND, b"\x02" * 32, required[::-1], 3)
    others = {
        policy_id(REGISTRY, b"\x02" * 32, required, 3),
        policy_id(FUND, b"\x03" * 32, required, 3),
        policy_id(FUND, b"\x02" * 32, required[:1], 3),
        policy_id(FUND, b"\x02" * 32, (required[0], replace(required[1], signer=FUND)), 3),
        policy_id(FUND, b"\x02" * 32, (required[0], replace(required[1], role=1)), 3),
        policy_id(FUND, b"\x02" * 32, required, 4),
    }
    assert len(others | {name}) == 7
    assert program_id(name, 2) == keccak(name + (2).to_bytes(32, "big")) != program_id(name, 1)


def test_requirements_are_listed_once_in_order(attested: Attested) -> None:
    required = attested.requirements
    assert [r.id for r in ordered(required[::-1])] == sorted(r.id for r in required)
    for bad in ((), (required[0], required[0]), (required[0], replace(required[0], role=1))):
        with pytest.raises(SourceError, match="each once"):
            ordered(bad)
