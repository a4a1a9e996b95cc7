"""A whole attestation, and how a registry names policies (protocol §4 to §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_utils.crypto import keccak

from attest.attestation import PreviousRecord, check_previous, check_sources, verify_attestation
from attest.commitment import SourceCommitment, SourceSet
from attest.errors import EncodingError, ProofRejected, SourceError
from attest.program import Layout, source_id
from attest.proof import Context
from attest.registration import SourceRequirement, check_equivocation, check_signers, ordered, policy_id, program_id
from attest.representation import RepresentationClaim, prove_representation
from attest.statement import StatementKey
from tests.attest.examples import CONTEXT, FUND, REGISTRY, Example

KEYS = {"a": b"\x0a" * 32, "b": b"\x0b" * 32}
AS_OF = 1_579_219_200


@dataclass(frozen=True)
class Attested:
    """All arguments of `verify_attestation`."""

    keys: tuple[StatementKey, ...]
    layout: Layout
    requirements: tuple[SourceRequirement, ...]
    contexts: tuple[Context, ...]
    sources: SourceSet
    signatures: tuple[bytes, ...]
    proofs: tuple[bytes, ...]
    as_of: int = AS_OF
    previous: PreviousRecord | None = None
    representations: tuple[bytes, ...] = ()


def signatures_of(sources: SourceSet, chain_id: int = CONTEXT.chain_id, registry: str = REGISTRY) -> tuple[bytes, ...]:
    return tuple(s.sign(KEYS.get(s.source, KEYS["a"]), chain_id, registry) for s in sources.sources)


REQUIRED = tuple(SourceRequirement(name, Account.from_key(KEYS[name]).address, 0) for name in ("a", "b"))


@pytest.fixture(scope="module")
def attested(small: Example, small_proof: bytes) -> Attested:
    """A policy of one program."""
    signatures = signatures_of(small.sources)
    return Attested(
        (small.statement.key,), small.layout, REQUIRED, (CONTEXT,), small.sources, signatures, (small_proof,)
    )


@pytest.fixture(scope="module")
def two(small: Example, pair: Example, small_proof: bytes) -> Attested:
    """A policy of two programs, the second of which compares epochs."""
    assert pair.previous is not None
    contexts = (CONTEXT, replace(CONTEXT, program_id=b"\x12" * 32))
    second = replace(pair, holdings=small.holdings, sources=small.sources).prove(context=contexts[1])
    before = pair.previous.sources
    return Attested(
        (small.statement.key, pair.statement.key),
        small.layout,
        REQUIRED,
        contexts,
        small.sources,
        signatures_of(small.sources),
        (small_proof, second),
        previous=PreviousRecord(pair.layout, before, signatures_of(before), before.hash),
    )


def run(example: Example, a: Attested) -> None:
    verify_attestation(
        example.setup,
        a.keys,
        a.layout,
        a.requirements,
        a.contexts,
        a.sources,
        a.signatures,
        a.proofs,
        as_of=a.as_of,
        previous=a.previous,
        representations=a.representations,
    )


def test_a_whole_attestation_is_accepted(small: Example, attested: Attested) -> None:
    run(small, attested)
    run(small, replace(attested, requirements=attested.requirements[::-1]))


def test_all_programs_of_a_policy_are_accepted_together(small: Example, two: Attested) -> None:
    run(small, two)


def resigned(a: Attested, sources: SourceSet) -> Attested:
    return replace(a, sources=sources, signatures=signatures_of(sources))


def each(sources: SourceSet, **fields: Any) -> SourceSet:
    return SourceSet(tuple(replace(s, **fields) for s in sources.sources), sources.public_values)


def stranger(a: Attested) -> tuple[SourceRequirement, ...]:
    return (a.requirements[0], replace(a.requirements[1], signer=FUND))


def flipped(proof: bytes) -> bytes:
    return proof[:-1] + bytes([proof[-1] ^ 1])


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
        lambda a: replace(a, contexts=(replace(a.contexts[0], program_id=b"\x12" * 32),)),
        ProofRejected,
        "batched",
    ),
    "another key": (
        lambda a: replace(a, keys=(replace(a.keys[0], market_hash=bytes(32)),)),
        ProofRejected,
        "batched",
    ),
    "a damaged proof": (lambda a: replace(a, proofs=(flipped(a.proofs[0]),)), ProofRejected, "batched"),
    "a truncated proof": (lambda a: replace(a, proofs=(a.proofs[0][:-1],)), EncodingError, "bytes"),
    "no program": (lambda a: replace(a, keys=(), contexts=(), proofs=()), ProofRejected, "0 programs"),
    "no proof": (lambda a: replace(a, proofs=()), ProofRejected, "1 programs, and there are 0"),
    "a proof too many": (lambda a: replace(a, proofs=a.proofs * 2), ProofRejected, "there are 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_attestation_with_one_thing_wrong_is_refused(small: Example, attested: Attested, name: str) -> None:
    change, error, match = REFUSED[name]
    with pytest.raises(error, match=match):
        run(small, change(attested))


# Sources that owe a proof of representation ---------------------------------------------------------------------------


def represented(example: Example, sources: SourceSet, **claimed: Any) -> tuple[bytes, ...]:
    """A proof of each source, in the order of the set."""
    openings = {opening.source: opening for opening in example.holdings.openings}
    made = []
    for source in sources.sources:
        claim = RepresentationClaim(CONTEXT.chain_id, REGISTRY, source, example.layout.owned_by(source.source))
        made.append(prove_representation(example.setup, replace(claim, **claimed), openings[source.source]))
    return tuple(made)


@pytest.fixture(scope="module")
def owing(small: Example, attested: Attested) -> Attested:
    """Both sources owe a proof, and bring it."""
    required = tuple(replace(r, representation=True) for r in attested.requirements)
    return replace(attested, requirements=required, representations=represented(small, attested.sources))


def owed_by(a: Attested, name: str) -> Attested:
    """Only one source owes a proof; the other brings none."""
    required = tuple(replace(r, representation=r.source == name) for r in a.requirements)
    brought = zip(a.sources.sources, a.representations, strict=True)
    return replace(a, requirements=required, representations=tuple(p if s.source == name else b"" for s, p in brought))


def test_sources_that_owe_a_proof_of_representation_bring_it(small: Example, owing: Attested) -> None:
    run(small, owing)
    run(small, replace(owing, requirements=owing.requirements[::-1]))
    for name in ("a", "b"):
        run(small, owed_by(owing, name))


def test_a_proof_that_nobody_asks_for_is_not_looked_at(small: Example, attested: Attested) -> None:
    run(small, replace(attested, representations=(b"no proof", b"")))


REFUSED_OF_OWING: dict[str, tuple[Callable[[Attested, Example], tuple[bytes, ...]], type[Exception], str]] = {
    "nothing at all": (lambda a, e: (), SourceError, "must prove that its commitment is its own, and does not"),
    "none of the first": (lambda a, e: (b"", a.representations[1]), SourceError, "must prove"),
    "none of the last": (lambda a, e: (a.representations[0], b""), SourceError, "must prove"),
    "truncated": (lambda a, e: (a.representations[0][:-1], a.representations[1]), EncodingError, "bytes"),
    "exchanged": (lambda a, e: a.representations[::-1], ProofRejected, "its own"),
    "one for two sources": (lambda a, e: a.representations[:1], SourceError, "1 proofs of representation for 2"),
    "damaged": (lambda a, e: (flip_response(a.representations[0]), a.representations[1]), ProofRejected, "its own"),
    "for another registry": (lambda a, e: represented(e, a.sources, registry=FUND), ProofRejected, "its own"),
    "for another chain": (lambda a, e: represented(e, a.sources, chain_id=1), ProofRejected, "its own"),
    "of another epoch": (lambda a, e: represented(e, each(a.sources, epoch=8)), ProofRejected, "its own"),
}


def flip_response(proof: bytes) -> bytes:
    return proof[:159] + bytes([proof[159] ^ 1]) + proof[160:]


@pytest.mark.parametrize("name", REFUSED_OF_OWING)
def test_a_missing_or_false_proof_of_representation_is_refused(small: Example, owing: Attested, name: str) -> None:
    change, error, match = REFUSED_OF_OWING[name]
    with pytest.raises(error, match=match):
        run(small, replace(owing, representations=change(owing, small)))


def compared(a: Attested, **fields: Any) -> Attested:
    """With another record of the previous epoch."""
    assert a.previous is not None
    return replace(a, previous=replace(a.previous, **fields))


def compared_with(a: Attested, **fields: Any) -> Attested:
    """With previous sources that differ in some fields, signed and on record as they are."""
    assert a.previous is not None
    sources = each(a.previous.sources, **fields)
    return compared(a, sources=sources, signatures=signatures_of(sources), source_set_hash=sources.hash)


def without_the_last(a: Attested) -> Attested:
    return replace(a, keys=a.keys[:1], contexts=a.contexts[:1], proofs=a.proofs[:1])


REFUSED_OF_TWO: dict[str, tuple[Callable[[Attested], Attested], type[Exception], str]] = {
    "only the first proof": (lambda a: replace(a, proofs=a.proofs[:1]), ProofRejected, "2 programs, and there are 1"),
    "only the second proof": (lambda a: replace(a, proofs=a.proofs[1:]), ProofRejected, "2 programs, and there are 1"),
    "a key left out": (lambda a: replace(a, keys=a.keys[:1]), ProofRejected, "1 programs, and there are 2"),
    "proofs exchanged": (lambda a: replace(a, proofs=a.proofs[::-1]), EncodingError, "bytes"),
    "the first proof damaged": (
        lambda a: replace(a, proofs=(flipped(a.proofs[0]), a.proofs[1])),
        ProofRejected,
        "batched",
    ),
    "the second proof damaged": (
        lambda a: replace(a, proofs=(a.proofs[0], flipped(a.proofs[1]))),
        ProofRejected,
        "batched",
    ),
    "one program twice": (
        lambda a: replace(a, keys=a.keys[:1] * 2, contexts=a.contexts[:1] * 2, proofs=a.proofs[:1] * 2, previous=None),
        ProofRejected,
        "different programs",
    ),
    "one program under two ids": (
        lambda a: replace(a, keys=a.keys[:1] * 2, proofs=a.proofs[:1] * 2, previous=None),
        ProofRejected,
        "batched",
    ),
    "programs of two expiries": (
        lambda a: replace(a, contexts=(a.contexts[0], replace(a.contexts[1], expiry=1))),
        ProofRejected,
        "different programs",
    ),
    "a second key of another layout": (
        lambda a: replace(a, keys=(a.keys[0], replace(a.keys[1], layout_hash=bytes(32)))),
        ProofRejected,
        "another layout",
    ),
    "no record of the previous epoch": (lambda a: replace(a, previous=None), SourceError, "needs the record"),
    "a record that nothing is compared with": (without_the_last, SourceError, "no other does"),
    "another epoch on record": (
        lambda a: compared(a, source_set_hash=bytes(32)),
        ProofRejected,
        "previous epoch.*on record",
    ),
    "the same epoch on record": (
        lambda a: compared(a, sources=a.sources, signatures=a.signatures, source_set_hash=a.sources.hash),
        SourceError,
        "earlier epoch",
    ),
    "another fund's record": (lambda a: compared_with(a, fund=REGISTRY), SourceError, "earlier epoch"),
    "another previous layout on record": (lambda a: compared_with(a, layout_hash=bytes(32)), SourceError, "layout"),
    "another previous layout recomputed": (
        lambda a: compared(a, layout=Layout(a.layout.slots[:4])),
        SourceError,
        "another layout",
    ),
    "other slots signed then": (
        lambda a: compared_with(a, owned_slots_hash=bytes(32)),
        SourceError,
        "other slots than its own",
    ),
    "a previous source that a stranger signed": (
        lambda a: compared(a, signatures=(signatures_of(a.sources)[0], *a.previous.signatures[1:])),  # type: ignore[union-attr]
        SourceError,
        "not signed by the key",
    ),
    "a previous signature missing": (lambda a: compared(a, signatures=()), SourceError, "exactly once"),
    "another previous epoch, truly on record": (lambda a: compared_with(a, epoch=5), ProofRejected, "batched"),
    "other previous holdings, truly on record": (
        lambda a: compared_with(a, commitment=a.sources.sources[0].commitment),
        ProofRejected,
        "batched",
    ),
}


@pytest.mark.parametrize("name", REFUSED_OF_TWO)
def test_an_attestation_of_two_programs_with_one_thing_wrong_is_refused(
    small: Example, two: Attested, name: str
) -> None:
    change, error, match = REFUSED_OF_TWO[name]
    with pytest.raises(error, match=match):
        run(small, change(two))


def test_sources_are_checked_without_a_proof(attested: Attested) -> None:
    a = attested
    arguments = (a.layout, a.requirements, a.sources, a.signatures, CONTEXT.chain_id, REGISTRY)
    check_sources(*arguments, as_of=AS_OF)
    with pytest.raises(SourceError, match="another day"):
        check_sources(*arguments, as_of=AS_OF - 1)
    check_signers(a.sources, a.signatures, a.requirements, CONTEXT.chain_id, REGISTRY)


def test_policy_and_program_are_named_by_what_they_require(attested: Attested) -> None:
    required = attested.requirements
    listed = sorted((source_id(r.source), r.signer, r.role, r.representation) for r in required)
    inner = keccak(abi_encode(["(bytes32,address,uint8,bool)[]"], [listed]))
    outer = abi_encode(["address", "bytes32", "bytes32", "uint256"], [FUND, b"\x02" * 32, inner, 3])
    name = policy_id(FUND, b"\x02" * 32, required, 3)
    assert name == keccak(outer) == policy_id(FUND, b"\x02" * 32, required[::-1], 3)
    others = {
        policy_id(REGISTRY, b"\x02" * 32, required, 3),
        policy_id(FUND, b"\x03" * 32, required, 3),
        policy_id(FUND, b"\x02" * 32, required[:1], 3),
        policy_id(FUND, b"\x02" * 32, (required[0], replace(required[1], signer=FUND)), 3),
        policy_id(FUND, b"\x02" * 32, (required[0], replace(required[1], role=1)), 3),
        policy_id(FUND, b"\x02" * 32, (required[0], replace(required[1], representation=True)), 3),
        policy_id(FUND, b"\x02" * 32, required, 4),
    }
    assert len(others | {name}) == 8
    assert program_id(name, 2) == keccak(name + (2).to_bytes(32, "big")) != program_id(name, 1)


def test_requirements_are_listed_once_in_order(attested: Attested) -> None:
    required = attested.requirements
    assert [r.id for r in ordered(required[::-1])] == sorted(r.id for r in required)
    for bad in ((), (required[0], required[0]), (required[0], replace(required[0], role=1))):
        with pytest.raises(SourceError, match="each once"):
            ordered(bad)


def test_previous_sources_prove_representation_too(small: Example, owing: Attested) -> None:
    """Else a source could have written into another's slots in the epoch that this one is compared with."""
    before = replace(owing.sources, sources=tuple(replace(s, epoch=s.epoch - 1) for s in owing.sources.sources))
    signatures = signatures_of(before)
    record = PreviousRecord(small.layout, before, signatures, before.hash)
    place = CONTEXT.chain_id, REGISTRY
    with pytest.raises(SourceError, match="must prove that its commitment is its own"):
        check_previous(small.setup, record, owing.sources, owing.requirements, *place)
    proofs = [
        prove_representation(
            small.setup,
            RepresentationClaim(*place, source, small.layout.owned_by(source.source)),
            next(opening for opening in small.holdings.openings if opening.source == source.source),
        )
        for source in before.sources
    ]
    check_previous(small.setup, replace(record, representations=proofs), owing.sources, owing.requirements, *place)


def test_two_statements_of_one_source_are_evidence(attested: Attested) -> None:
    a, place = attested, (CONTEXT.chain_id, REGISTRY)
    source, requirement = a.sources.sources[0], ordered(a.requirements)[0]

    def signed(statement: SourceCommitment) -> tuple[SourceCommitment, bytes]:
        return statement, signatures_of(SourceSet((statement,)))[0]

    elsewhere = source.commitment + source.commitment
    first, again = signed(source), signed(replace(source, commitment=elsewhere))
    check_equivocation([first, again], requirement, *place)
    other = a.sources.sources[1]
    for second, match in (
        (first, "commit to the same"),
        (signed(replace(source, nonce=source.nonce + 1, expiry=source.expiry + 1)), "commit to the same"),
        (signed(replace(again[0], as_of=source.as_of + 1)), "different layouts or days"),
        (signed(replace(again[0], layout_hash=bytes(32))), "different layouts or days"),
        (signed(replace(again[0], epoch=source.epoch + 1)), "different funds or epochs"),
        (signed(replace(again[0], fund="0x" + "99" * 20)), "different funds or epochs"),
        (signed(other), "not both of source"),
        ((again[0], first[1]), "was not signed by the key"),
    ):
        with pytest.raises(SourceError, match=match):
            check_equivocation([first, second], requirement, *place)
    for moved in ((1 + place[0], REGISTRY), (place[0], FUND)):
        with pytest.raises(SourceError, match="was not signed by the key"):
            check_equivocation([first, again], requirement, *moved)
