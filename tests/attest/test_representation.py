"""Proofs of representation: only who knows what a commitment holds, in its own slots alone, makes one (protocol §4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.commitment import BLINDING_SLOT, N, SourceCommitment, SourceOpening
from attest.curve import compress, decode_point, encode_point, msm, multiply
from attest.errors import AttestError, EncodingError, ProofRejected
from attest.field import MODULUS, domain
from attest.kzg import open_single
from attest.polynomial import interpolate
from attest.program import slots_hash, source_id
from attest.representation import TAG, RepresentationClaim, prove_representation, verify_representation
from attest.srs import Setup
from tests.attest.attacks.removal import without
from tests.attest.examples import CONTEXT, FUND, REGISTRY, Example, seeded

FIXTURE = Path(__file__).parents[2] / "contracts/test/fixtures/representation.json"
CHAIN_ID = CONTEXT.chain_id
CLAIM_TYPE = "(address,address,uint64,bytes32,bytes32,bytes32[4])"


def claim_of(source: SourceCommitment, slots: tuple[int, ...]) -> RepresentationClaim:
    return RepresentationClaim(CHAIN_ID, REGISTRY, source, slots)


@pytest.fixture(scope="module")
def opening(small: Example) -> SourceOpening:
    return small.holdings.openings[0]


@pytest.fixture(scope="module")
def claim(small: Example, opening: SourceOpening) -> RepresentationClaim:
    """Of source a, which owns slots 1 and 2."""
    (source,) = [s for s in small.sources.sources if s.source == opening.source]
    return claim_of(source, small.layout.owned_by(source.source))


@pytest.fixture(scope="module")
def proof(setup: Setup, claim: RepresentationClaim, opening: SourceOpening) -> bytes:
    return prove_representation(setup, claim, opening, seeded(1))


def committed(claim: RepresentationClaim, commitment: Any) -> RepresentationClaim:
    return replace(claim, source=replace(claim.source, commitment=commitment))


def responses(proof: bytes) -> list[int]:
    return [int.from_bytes(proof[i : i + 32], "big") for i in range(128, len(proof) - 48, 32)]


# What is accepted ----------------------------------------------------------------------------------------------------


def test_an_honest_source_convinces(
    setup: Setup, small: Example, claim: RepresentationClaim, opening: SourceOpening
) -> None:
    """(P.36) and (P.37) hold for every source, with randomness of the system too."""
    for opened in small.holdings.openings:
        (source,) = [s for s in small.sources.sources if s.source == opened.source]
        own = claim_of(source, small.layout.owned_by(source.source))
        made = prove_representation(setup, own, opened)
        assert len(made) == 208 + 32 * len(own.slots)
        verify_representation(setup, own, made)


def test_the_responses_are_those_of_the_specification(
    setup: Setup, claim: RepresentationClaim, opening: SourceOpening, proof: bytes
) -> None:
    """Σ z_j [L_j] = [R] + c·C_k, compared as points, which (P.37) replaces by one opening. (P.36)"""
    nonce, slots = decode_point(proof[:128]), [*claim.slots, BLINDING_SLOT]
    challenge = int.from_bytes(claim.state(nonce), "big") % MODULUS
    answered = msm([setup.lagrange[j] for j in slots], responses(proof))
    assert answered == nonce + multiply(claim.source.commitment, challenge)


@settings(max_examples=12, deadline=None)
@given(
    quantities=st.dictionaries(
        st.sampled_from([1, 2, 3, 7, 100, 4087]), st.integers(-(2**77) + 1, 2**77 - 1), min_size=1
    ),
    blinding=st.integers(0, MODULUS - 1),
    seed=st.integers(0, 2**32),
)
def test_any_opening_can_be_proved(
    setup: Setup, claim: RepresentationClaim, quantities: dict[int, int], blinding: int, seed: int
) -> None:
    opened, slots = SourceOpening("a", quantities, blinding), tuple(sorted(quantities))
    source = replace(claim.source, commitment=opened.commitment(setup), owned_slots_hash=slots_hash(slots))
    own = claim_of(source, slots)
    verify_representation(setup, own, prove_representation(setup, own, opened, seeded(seed)))


# What it is about ----------------------------------------------------------------------------------------------------

OTHER_CLAIMS: dict[str, Callable[[RepresentationClaim], RepresentationClaim]] = {
    "another chain": lambda c: replace(c, chain_id=1),
    "another registry": lambda c: replace(c, registry=FUND),
    "another fund": lambda c: replace(c, source=replace(c.source, fund=REGISTRY)),
    "another epoch": lambda c: replace(c, source=replace(c.source, epoch=8)),
    "another source": lambda c: replace(c, source=replace(c.source, source="c")),
    "another commitment": lambda c: committed(c, multiply(c.source.commitment, 2)),
    "other slots": lambda c: replace(c, source=replace(c.source, owned_slots_hash=slots_hash((1, 3))), slots=(1, 3)),
}


@pytest.mark.parametrize("name", OTHER_CLAIMS)
def test_every_field_of_the_claim_counts(setup: Setup, claim: RepresentationClaim, proof: bytes, name: str) -> None:
    """All of them are in the challenge of (P.36)."""
    other = OTHER_CLAIMS[name](claim)
    nonce = decode_point(proof[:128])
    assert other.state(nonce) != claim.state(nonce)
    with pytest.raises(ProofRejected, match=r"representation.*commitment is its own"):
        verify_representation(setup, other, proof)


def test_what_the_signature_covers_already_does_not_count_twice(
    setup: Setup, claim: RepresentationClaim, proof: bytes
) -> None:
    """Day, role, layout, expiry and nonce are the source's signature's business."""
    for changed in ({"as_of": 1}, {"role": 1}, {"layout_hash": bytes(32)}, {"expiry": 1}, {"nonce": 9}):
        verify_representation(setup, replace(claim, source=replace(claim.source, **changed)), proof)


def test_the_slots_are_those_that_the_source_signed(claim: RepresentationClaim) -> None:
    for slots in ((), (1,), (1, 3), (2, 1), (1, 2, 3)):
        with pytest.raises(ProofRejected, match="signed other slots"):
            replace(claim, slots=slots)


def test_the_state_is_that_of_the_specification(claim: RepresentationClaim, proof: bytes) -> None:
    """Its ABI encoding, word by word."""
    s = claim.source
    words = [TAG, CHAIN_ID.to_bytes(32, "big")]
    words += [bytes(12) + bytes.fromhex(a[2:]) for a in (REGISTRY, s.fund)]
    words += [s.epoch.to_bytes(32, "big"), source_id("a"), slots_hash((1, 2)), encode_point(s.commitment), proof[:128]]
    assert keccak(b"attest/v1/representation") == TAG
    assert claim.state(decode_point(proof[:128])) == keccak(b"".join(words))


# Who does not know an opening in these slots alone -------------------------------------------------------------------


def refused_by_the_opening_alone(setup: Setup, claim: RepresentationClaim, proof: bytes) -> None:
    """(P.37) is false for it, and where that is not looked at it is accepted."""
    with pytest.raises(ProofRejected, match="does not show that its commitment is its own"):
        verify_representation(setup, claim, proof)
    with without(verify_representation, "ProofRejected('representation', detail)"):
        verify_representation(setup, claim, proof)


def forged(setup: Setup, claim: RepresentationClaim, held: dict[int, int], seed: int = 3) -> bytes:
    """The best that a prover does who knows what is in every slot, the source's own and others, for any commitment.

    Args: held: all slots of the commitment, the blinding factor's one among them.
    """
    randomness = seeded(seed)
    slots = [*claim.slots, BLINDING_SLOT]
    nonces = {j: int.from_bytes(randomness(64), "big") % MODULUS for j in slots}
    nonce = msm([setup.lagrange[j] for j in nonces], list(nonces.values()))
    state = claim.state(nonce)
    challenge = int.from_bytes(state, "big") % MODULUS
    answers = [(nonces[j] + challenge * held.get(j, 0)) % MODULUS for j in slots]
    sent = b"".join(z.to_bytes(32, "big") for z in answers)
    x = int.from_bytes(keccak(state + sent), "big") % MODULUS
    column = [(nonces.get(j, 0) + challenge * held.get(j, 0)) % MODULUS for j in range(N)]
    _, opening = open_single(setup, interpolate(column), x)
    return encode_point(nonce) + sent + compress(opening)


def test_the_forger_is_honest_where_there_is_nothing_to_forge(
    setup: Setup, claim: RepresentationClaim, opening: SourceOpening
) -> None:
    held = {**opening.quantities, BLINDING_SLOT: opening.blinding}
    verify_representation(setup, claim, forged(setup, claim, held))


@pytest.mark.parametrize("slot", [0, 3, 4, 4088, BLINDING_SLOT - 1])
@pytest.mark.parametrize("lots", [1, -1, MODULUS - 5])
def test_something_in_another_slot_is_refused(
    setup: Setup, claim: RepresentationClaim, opening: SourceOpening, slot: int, lots: int
) -> None:
    """The constant, another source's slot, a blinding entry: Σ z_j L_j(x) lacks what is there. (P.37)"""
    held = {**opening.quantities, BLINDING_SLOT: opening.blinding, slot: lots % MODULUS}
    commitment = msm([setup.lagrange[j] for j in held], list(held.values()))
    moved = committed(claim, commitment)
    for made in (forged(setup, moved, held), prove_representation(setup, moved, opening, seeded(2))):
        refused_by_the_opening_alone(setup, moved, made)


def test_a_rogue_commitment_is_refused(setup: Setup, small: Example, claim: RepresentationClaim) -> None:
    """C = target − others: the sum is what the rogue wants, and nobody knows what is in C alone."""
    other = small.holdings.openings[1]
    target = SourceOpening("a", {1: 10, 2: 10}, 77)
    rogue = target.commitment(setup) - other.commitment(setup)
    assert rogue + other.commitment(setup) == target.commitment(setup)
    attempt = committed(claim, rogue)
    held = {**target.quantities, BLINDING_SLOT: target.blinding}
    for made in (prove_representation(setup, attempt, target, seeded(4)), forged(setup, attempt, held)):
        refused_by_the_opening_alone(setup, attempt, made)


def simulated(setup: Setup, claim: RepresentationClaim, challenge: int) -> tuple[bytes, list[int]]:
    """[R] and responses that fit a challenge chosen before: what anybody makes without knowing anything."""
    slots = [*claim.slots, BLINDING_SLOT]
    answers = [7 + i for i in range(len(slots))]
    nonce = msm([setup.lagrange[j] for j in slots], answers) - multiply(claim.source.commitment, challenge)
    return encode_point(nonce), answers


def finished(setup: Setup, claim: RepresentationClaim, state: bytes, nonce: bytes, answers: list[int]) -> bytes:
    column = [0] * N
    for slot, answer in zip([*claim.slots, BLINDING_SLOT], answers, strict=True):
        column[slot] = answer
    sent = b"".join(z.to_bytes(32, "big") for z in answers)
    x = int.from_bytes(keccak(state + sent), "big") % MODULUS
    _, opening = open_single(setup, interpolate(column), x)
    return nonce + sent + compress(opening)


def test_a_challenge_that_is_chosen_first_does_not_come(setup: Setup, claim: RepresentationClaim) -> None:
    nonce, answers = simulated(setup, claim, 12345)
    state = claim.state(decode_point(nonce))
    refused_by_the_opening_alone(setup, claim, finished(setup, claim, state, nonce, answers))


def test_whoever_chooses_the_challenge_needs_no_secret(
    setup: Setup, claim: RepresentationClaim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulator of zero knowledge: a proof looks like what is made without the opening. (P.36)"""
    state = keccak(b"an oracle that says what the simulator wants")
    nonce, answers = simulated(setup, claim, int.from_bytes(state, "big") % MODULUS)
    monkeypatch.setattr(RepresentationClaim, "state", lambda self, nonce: state)
    verify_representation(setup, claim, finished(setup, claim, state, nonce, answers))


def test_two_answers_to_one_nonce_give_the_opening(
    setup: Setup, claim: RepresentationClaim, opening: SourceOpening
) -> None:
    """Why a proof shows knowledge, and why randomness is never used twice. (P.36)"""
    later = replace(claim, source=replace(claim.source, epoch=8))
    first, second = (prove_representation(setup, each, opening, seeded(5)) for each in (claim, later))
    assert first[:128] == second[:128]
    nonce = decode_point(first[:128])
    c, d = (int.from_bytes(each.state(nonce), "big") for each in (claim, later))
    known = [
        (z - y) * pow(c - d, -1, MODULUS) % MODULUS for z, y in zip(responses(first), responses(second), strict=True)
    ]
    assert known == [opening.quantities[1], opening.quantities[2], opening.blinding]


def test_no_two_proofs_are_alike(setup: Setup, claim: RepresentationClaim, opening: SourceOpening) -> None:
    """Each has fresh randomness for every slot, and none of it is a quantity."""
    made = [prove_representation(setup, claim, opening) for _ in range(3)]
    assert len({proof[:128] for proof in made}) == len({proof[-48:] for proof in made}) == 3
    answers = [z for proof in made for z in responses(proof)]
    assert len(set(answers)) == 9 and not set(answers) & {*opening.quantities.values(), opening.blinding}
    nothing = SourceOpening("a", {1: 0, 2: 0}, opening.blinding)
    empty = committed(claim, nothing.commitment(setup))
    assert all(responses(prove_representation(setup, empty, nothing))), "a zero does not show"


# What is no proof ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 48, 128, 272 - 32, 271, 273, 272 + 32, 544])
def test_a_proof_has_one_length(setup: Setup, claim: RepresentationClaim, proof: bytes, length: int) -> None:
    assert len(proof) == 272
    with pytest.raises(EncodingError, match="has 272 bytes"):
        verify_representation(setup, claim, (proof * 2)[:length])


@pytest.mark.parametrize("index", range(3))
def test_responses_are_canonical(setup: Setup, claim: RepresentationClaim, proof: bytes, index: int) -> None:
    start = 128 + 32 * index
    value = responses(proof)[index]
    for other in (MODULUS, 2**256 - 1, *([value + MODULUS] if value + MODULUS < 2**256 else [])):
        damaged = proof[:start] + other.to_bytes(32, "big") + proof[start + 32 :]
        with pytest.raises(EncodingError, match="below r"):
            verify_representation(setup, claim, damaged)


def test_points_are_canonical_and_of_the_group(setup: Setup, claim: RepresentationClaim, proof: bytes) -> None:
    order_three = bytes(64 + 63) + b"\x02"
    for nonce in (order_three, b"\x01" + proof[1:128], b"\xff" * 128):
        with pytest.raises(EncodingError):
            verify_representation(setup, claim, nonce + proof[128:])
    for opening in (bytes(48), b"\xff" * 48, b"\xc0" + bytes(46) + b"\x01"):
        with pytest.raises(EncodingError):
            verify_representation(setup, claim, proof[:-48] + opening)


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 271), bit=st.integers(0, 7))
def test_every_bit_counts(setup: Setup, claim: RepresentationClaim, proof: bytes, position: int, bit: int) -> None:
    damaged = bytearray(proof)
    damaged[position] ^= 1 << bit
    with pytest.raises(AttestError):
        verify_representation(setup, claim, bytes(damaged))


def test_a_point_of_the_domain_is_refused(
    setup: Setup, claim: RepresentationClaim, proof: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes by chance with probability 2^-243; the contract divides by zero there, and refuses."""
    monkeypatch.setattr("attest.representation._responses_point", lambda *_: domain(N)[5])
    with pytest.raises(ProofRejected, match="zero divisor"):
        verify_representation(setup, claim, proof)


# What the contracts' tests use ---------------------------------------------------------------------------------------


def fixture_claims() -> list[tuple[RepresentationClaim, bytes]]:
    found = []
    for name, listed in zip("ab", sorted_by_id(json.loads(FIXTURE.read_text())["claims"]), strict=True):
        (fields,) = abi_decode([CLAIM_TYPE], bytes.fromhex(listed["claim"][2:]))
        registry, fund, epoch, identifier, owned, words = fields
        slots, proof = abi_decode(["uint256[]", "bytes"], bytes.fromhex(listed["representation"][2:]))
        assert identifier == source_id(name)
        source = SourceCommitment(fund, epoch, 0, name, 0, bytes(32), owned, decode_point(b"".join(words)), 0, 0)
        found.append((RepresentationClaim(CHAIN_ID, registry, source, tuple(slots)), proof))
    return found


def sorted_by_id(claims: list[dict[str, str]]) -> list[dict[str, str]]:
    """In order of their names, a and b."""
    (first,) = abi_decode([CLAIM_TYPE], bytes.fromhex(claims[0]["claim"][2:]))
    return claims if first[3] == source_id("a") else claims[::-1]


def test_the_contracts_fixture_is_accepted(setup: Setup) -> None:
    """RepresentationVerifier.t.sol has the contract accept the same."""
    for claim, proof in fixture_claims():
        verify_representation(setup, claim, proof)
