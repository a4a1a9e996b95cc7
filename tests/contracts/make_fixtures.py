"""Writes the proofs that the forge tests use: `python -m tests.contracts.make_fixtures`.

All randomness is seeded, so the files come out the same as long as the proof system is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import rlp
from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from attest.commitment import SourceSet
from attest.curve import encode_point
from attest.field import RandomBytes
from attest.masking import PreviousHoldings
from attest.proof import Context
from attest.registration import SourceRequirement, ordered, policy_id, program_id
from attest.representation import RepresentationClaim, prove_representation
from tests.attest.examples import CONTEXT, Example, hold, public_example, small_example, source_set
from tests.contracts.book_fixtures import book_cases
from tests.contracts.disclosure_fixtures import disclosure_cases
from tests.contracts.encoding import (
    CONTEXT_TYPE,
    HOLDINGS_TYPE,
    PREVIOUS_SOURCES_TYPE,
    REPRESENTATION_CLAIM_TYPE,
    SIGNED_SOURCES_TYPE,
    context_tuple,
    hexadecimal,
    holdings_tuples,
    words,
)

FIXTURES = Path(__file__).parents[2] / "contracts" / "test" / "fixtures"
CHAIN_ID = 31337
DEPLOYER = "0x00000000000000000000000000000000000000D1"
POLICY_OWNER = "0x00000000000000000000000000000000000000b1"
SIGNERS = {"a": bytes(keccak(text="signer of a")), "b": bytes(keccak(text="signer of b"))}
VALID_UNTIL = 2_000_000_000


def write(name: str, content: dict[str, Any]) -> None:
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def verifier_case(example: Example) -> dict[str, Any]:
    """All arguments of `ProofVerifier.verify`, and the digest that it answers."""
    previous = example.previous.sources if example.previous is not None else None
    key = example.statement.key
    context = context_tuple(CONTEXT, example.sources, previous)
    return {
        "digest": hexadecimal(key.digest),
        "key": hexadecimal(key.encode()),
        "context": hexadecimal(abi_encode([CONTEXT_TYPE], [context])),
        "holdings": hexadecimal(abi_encode([HOLDINGS_TYPE], [holdings_tuples(example.sources, previous)])),
        "proof": hexadecimal(example.prove()),
    }


def verifier_examples() -> dict[str, Example]:
    """One example of each packing, one of two vectors, and both with public slots."""
    return {
        "packing8": small_example(),
        "packing4": small_example(extra_rows=600),
        "packing2": small_example(extra_rows=1100),
        "vectors2": small_example(two_vectors=True),
        "public1": public_example(),
        "public2": public_example(two_vectors=True),
    }


def batch_case(*examples: Example) -> dict[str, Any]:
    """All arguments of `ProofVerifier.verifyAll`: proofs of several programs over the same holdings.

    The last example has two vectors. tau: [τ]_1, with which two openings can be made to err by opposite amounts.
    """
    last = examples[-1]
    previous = last.previous.sources if last.previous is not None else None
    shared = replace(CONTEXT, program_id=bytes(32))
    program_ids = [bytes([0x11 + i]) * 32 for i in range(len(examples))]
    keys = [example.statement.key for example in examples]
    proofs = [
        example.prove(context=replace(CONTEXT, program_id=program_id))
        for example, program_id in zip(examples, program_ids, strict=True)
    ]
    return {
        "digests": hexadecimal(abi_encode(["bytes32[]"], [[key.digest for key in keys]])),
        "keys": hexadecimal(abi_encode(["bytes[]"], [[key.encode() for key in keys]])),
        "context": hexadecimal(abi_encode([CONTEXT_TYPE], [context_tuple(shared, last.sources, previous)])),
        "programIds": hexadecimal(abi_encode(["bytes32[]"], [program_ids])),
        "holdings": hexadecimal(abi_encode([HOLDINGS_TYPE], [holdings_tuples(last.sources, previous)])),
        "proofs": hexadecimal(abi_encode(["bytes[]"], [proofs])),
        "tau": hexadecimal(encode_point(last.setup.monomial[1])),
    }


def batch_examples() -> dict[str, tuple[Example, ...]]:
    """Programs over the same holdings, of one packing and of another, with and without public slots."""
    return {
        "batch": (small_example(), small_example(extra_rows=1), small_example(600, two_vectors=True)),
        "publicBatch": (public_example(), public_example(two_vectors=True)),
    }


def signed_sources(sources: SourceSet, registry: str) -> bytes:
    """The Solidity `SignedSource[]`, each signed by its source's key."""
    signed = [
        (s.expiry, s.nonce, words(s.commitment), s.sign(SIGNERS[s.source], CHAIN_ID, registry), b"")
        for s in sources.sources
    ]
    return abi_encode([SIGNED_SOURCES_TYPE], [signed])


def previous_sources(sources: SourceSet | None) -> bytes:
    """The Solidity `PreviousSource[]`, empty without a previous epoch."""
    listed = [] if sources is None else [(s.expiry, s.nonce, words(s.commitment)) for s in sources.sources]
    return abi_encode([PREVIOUS_SOURCES_TYPE], [listed])


def registry_case() -> dict[str, Any]:
    """Six proofs over two epochs: policy 0 has one program, policies 1 and 2 have two, and the last compares epochs.

    The policies share each epoch's sources.
    """
    registry = to_checksum_address(keccak(rlp.encode([bytes.fromhex(DEPLOYER[2:]), 0]))[12:])
    first, other, pair = small_example(), small_example(extra_rows=1), small_example(two_vectors=True)
    later_holdings = hold(first.layout, {1: 400, 2: 300, 3: 200, 4: 500}, 300)
    later = replace(
        first, holdings=later_holdings, sources=source_set(first.layout, later_holdings, first.setup, epoch=8)
    )
    comparing = replace(
        later,
        program=pair.program,
        statement=pair.statement,
        previous=PreviousHoldings(first.holdings, first.sources),
    )
    requirements = ordered([SourceRequirement(name, Account.from_key(SIGNERS[name]).address, 0) for name in ("a", "b")])
    hashes, programs = (b"\x22" * 32, b"\x23" * 32, b"\x24" * 32), (1, 2, 2)
    policies = [policy_id(POLICY_OWNER, h, requirements, count) for h, count in zip(hashes, programs, strict=True)]
    submissions = []
    for policy, program, example, expiry in (
        (0, 0, first, VALID_UNTIL),
        (1, 0, first, VALID_UNTIL - 1000),
        (1, 1, other, VALID_UNTIL),
        (0, 0, later, VALID_UNTIL),
        (2, 0, later, VALID_UNTIL),
        (2, 1, comparing, VALID_UNTIL),
    ):
        context = Context(CHAIN_ID, registry, expiry, program_id(policies[policy], program))
        submissions.append(
            {
                "policy": policy,
                "program": program,
                "epoch": example.sources.epoch,
                "expiry": expiry,
                "digest": hexadecimal(example.statement.key.digest),
                "key": hexadecimal(example.statement.key.encode()),
                "sources": hexadecimal(signed_sources(example.sources, registry)),
                "previousSources": hexadecimal(previous_sources(example.previous and example.previous.sources)),
                "sourceSetHash": hexadecimal(example.sources.hash),
                "proof": hexadecimal(example.prove(context=context)),
            }
        )
    rows = [(r.id, r.signer, r.role, r.representation) for r in requirements]
    return {
        "registry": registry,
        "deployer": DEPLOYER,
        "fund": first.sources.fund,
        "policyOwner": POLICY_OWNER,
        "policyHashes": [hexadecimal(h) for h in hashes],
        "policyIds": [hexadecimal(p) for p in policies],
        "requirements": hexadecimal(abi_encode(["(bytes32,address,uint8,bool)[]"], [rows])),
        "asOf": first.sources.as_of,
        "validUntil": VALID_UNTIL,
        "layoutHash": hexadecimal(first.layout.hash),
        "ownedSlotsHashes": [hexadecimal(first.layout.owned_slots_hash(r.source)) for r in requirements],
        "submissions": submissions,
    }


def representation_case() -> dict[str, Any]:
    """Proofs of both sources of an example, each for its own slots."""
    registry = to_checksum_address(keccak(rlp.encode([bytes.fromhex(DEPLOYER[2:]), 0]))[12:])
    example = small_example()
    claims = []
    for source, opening in zip(example.sources.sources, example.holdings.openings, strict=True):
        claim = RepresentationClaim(CHAIN_ID, registry, source, example.layout.owned_by(source.source))
        proof = prove_representation(example.setup, claim, opening, seeded(source.id))
        s = source
        fields = (registry, s.fund, s.epoch, s.id, s.owned_slots_hash, words(s.commitment))
        claims.append(
            {
                "claim": hexadecimal(abi_encode([REPRESENTATION_CLAIM_TYPE], [fields])),
                "representation": hexadecimal(abi_encode(["uint256[]", "bytes"], [list(claim.slots), proof])),
            }
        )
    return {"claims": claims}


def seeded(seed: bytes) -> RandomBytes:
    """Bytes that follow from a seed, in the place of random ones."""
    counter = count()
    return lambda size: hashlib.shake_256(seed + next(counter).to_bytes(8, "big")).digest(size)


def main() -> None:
    for name, example in verifier_examples().items():
        write(name, verifier_case(example))
    for name, examples in batch_examples().items():
        write(name, batch_case(*examples))
    write("registry", registry_case())
    write("representation", representation_case())
    write("book", book_cases())
    write("disclosure", disclosure_cases())


if __name__ == "__main__":
    main()
