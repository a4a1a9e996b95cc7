"""RepresentationVerifier against its Python namesake, on anvil: the same proofs are proofs (protocol §4)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from eth_abi.abi import encode as abi_encode

from attest.chain.abi import Interface
from attest.chain.artifacts import load_artifact
from attest.commitment import SourceCommitment, SourceOpening
from attest.curve import multiply
from attest.errors import AttestError
from attest.field import MODULUS
from attest.program import slots_hash
from attest.representation import RepresentationClaim, prove_representation, verify_representation
from attest.srs import Setup, load_setup
from tests.attest.examples import FUND, REGISTRY, seeded
from tests.attest.test_representation import fixture_claims
from tests.contracts.anvil import ANVIL, RICH, anvil, deploy, rpc_all
from tests.contracts.encoding import words

CHAIN_ID = 31337
pytestmark = [
    pytest.mark.evm,
    pytest.mark.skipif(not ANVIL.exists(), reason="the contract tools are not installed; `make test` installs them"),
]


@pytest.fixture(scope="module")
def setup() -> Setup:
    return load_setup()


@pytest.fixture(scope="module")
def verifier() -> Iterator[tuple[str, str]]:
    """URL and address."""
    with anvil("--gas-limit", str(10**12)) as url:
        yield url, deploy(url, "0x" + load_artifact("RepresentationVerifier").bytecode.hex())


def contract_accepts(verifier: tuple[str, str], claim: RepresentationClaim, proof: bytes) -> bool:
    url, address = verifier
    s = claim.source
    fields = claim.registry, s.fund, s.epoch, s.id, s.owned_slots_hash, words(s.commitment)
    representation = abi_encode(["uint256[]", "bytes"], [list(claim.slots), proof])
    data = Interface(load_artifact("RepresentationVerifier").abi).encode("verify", fields, representation)
    sent = {"from": RICH, "to": address, "data": "0x" + data.hex(), "gas": hex(10**8)}
    (answer,) = rpc_all(url, [("eth_call", [sent, "latest"])])
    return "error" not in answer


def python_accepts(setup: Setup, claim: RepresentationClaim, proof: bytes) -> bool:
    try:
        verify_representation(setup, claim, proof)
    except AttestError:
        return False
    return True


def random_claim(setup: Setup, rng: random.Random) -> tuple[RepresentationClaim, bytes]:
    slots = tuple(sorted(rng.sample(range(1, 4088), rng.randrange(1, 40))))
    opening = SourceOpening("s", {slot: rng.randrange(-(2**77), 2**77) for slot in slots}, rng.randrange(MODULUS))
    source = SourceCommitment(
        FUND, rng.randrange(2**64), 0, "s", 0, bytes(32), slots_hash(slots), opening.commitment(setup), 0, 0
    )
    claim = RepresentationClaim(CHAIN_ID, REGISTRY, source, slots)
    return claim, prove_representation(setup, claim, opening, seeded(rng.randrange(2**32)))


@pytest.mark.parametrize("seed", range(6))
def test_both_verifiers_agree(verifier: tuple[str, str], setup: Setup, seed: int) -> None:
    """On what a prover makes, on other claims and on damage. (P.36), (P.37)"""
    rng = random.Random(seed)
    claim, proof = random_claim(setup, rng)
    assert python_accepts(setup, claim, proof) and contract_accepts(verifier, claim, proof)
    s = claim.source
    for other in (
        replace(claim, registry=FUND),
        replace(claim, source=replace(s, epoch=s.epoch ^ 1)),
        replace(claim, source=replace(s, commitment=multiply(s.commitment, 2))),
        replace(claim, chain_id=1),
    ):
        assert not python_accepts(setup, other, proof)
        assert other.chain_id != CHAIN_ID or not contract_accepts(verifier, other, proof)
    for _ in range(12):
        damaged = bytearray(proof)
        damaged[rng.randrange(len(proof))] ^= 1 << rng.randrange(8)
        assert not python_accepts(setup, claim, bytes(damaged))
        assert not contract_accepts(verifier, claim, bytes(damaged))


def test_the_fixture_of_the_contracts_tests(verifier: tuple[str, str], setup: Setup) -> None:
    for claim, proof in fixture_claims():
        assert python_accepts(setup, claim, proof) and contract_accepts(verifier, claim, proof)
