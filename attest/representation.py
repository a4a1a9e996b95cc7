"""Proofs of representation: a source knows what it committed to, in its own slots and no others (protocol §4).

Source: Schnorr (1991) over several bases, made non-interactive by Fiat and Shamir; that a sum Σ z_j [L_j] is the right
one is checked as the opening of a polynomial at a random point, so that a contract needs none of the bases.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

from attest.commitment import BLINDING_SLOT, SourceCommitment, SourceOpening
from attest.curve import (
    POINT_SIZE,
    SCALAR_SIZE,
    compress,
    decode_point,
    decode_scalar,
    decompress,
    encode_point,
    msm,
    multiply,
)
from attest.errors import EncodingError, ProofRejected
from attest.field import MODULUS, RandomBytes, domain, random_scalar
from attest.kzg import open_single, verify_single
from attest.polynomial import interpolate, lagrange_at
from attest.program import Parameters, slots_hash
from attest.srs import Setup

TAG = bytes(keccak(text="attest/v1/representation"))
OPENING_SIZE = 48
N = BLINDING_SLOT + 1


@dataclass(frozen=True, slots=True)
class RepresentationClaim:
    """What is proved: the opening of one source's commitment is known, and fills its slots alone.

    Args:
        registry: for which the proof is made; slots: the source's own, ascending.
    """

    chain_id: int
    registry: str
    source: SourceCommitment
    slots: tuple[int, ...]

    def __post_init__(self) -> None:
        if slots_hash(self.slots) != self.source.owned_slots_hash:
            raise ProofRejected("representation", "the source signed other slots than these")

    def state(self, nonce: G1Point) -> bytes:
        """What the challenge is made from, 32 bytes."""
        s = self.source
        points = [
            [data[i : i + 32] for i in range(0, POINT_SIZE, 32)] for data in map(encode_point, (s.commitment, nonce))
        ]
        types = ["bytes32", "uint256", "address", "address", "uint64", "bytes32", "bytes32", "bytes32[4]", "bytes32[4]"]
        fields = [TAG, self.chain_id, self.registry, s.fund, s.epoch, s.id, s.owned_slots_hash, *points]
        return bytes(keccak(abi_encode(types, fields)))


def _reduced(data: bytes) -> int:
    return int.from_bytes(data, "big") % MODULUS


def _responses_point(state: bytes, responses: Sequence[int]) -> int:
    """Where the sum of the responses is opened."""
    return _reduced(keccak(state + b"".join(z.to_bytes(SCALAR_SIZE, "big") for z in responses)))


def prove_representation(
    setup: Setup, claim: RepresentationClaim, opening: SourceOpening, random_bytes: RandomBytes = secrets.token_bytes
) -> bytes:
    """[R], 128 bytes; z_j for each slot and z_δ, 32 bytes each; an opening, 48 bytes. (P.36)

    With random r: [R] = Σ r_j [L_j] + r_δ [L_{n−1}], c = H([R], …), z = r + c·q; the responses hide q as r is uniform.
    """
    slots = [*claim.slots, BLINDING_SLOT]
    values = [opening.quantities[j] for j in claim.slots] + [opening.blinding]
    nonces = [random_scalar(random_bytes) for _ in slots]
    nonce = msm([setup.lagrange[j] for j in slots], nonces)
    state = claim.state(nonce)
    challenge = _reduced(state)
    responses = [(r + challenge * q) % MODULUS for r, q in zip(nonces, values, strict=True)]
    column = [0] * N
    for j, z in zip(slots, responses, strict=True):
        column[j] = z
    _, proof = open_single(setup, interpolate(column), _responses_point(state, responses))
    scalars = b"".join(z.to_bytes(SCALAR_SIZE, "big") for z in responses)
    return encode_point(nonce) + scalars + compress(proof)


def verify_representation(setup: Setup, claim: RepresentationClaim, proof: bytes) -> None:
    """[R] + c·C_k opens at a random point to what Σ z_j L_j takes there. (P.37)

    Raises: EncodingError: another length, or a point or scalar that is not canonical;
        ProofRejected: the commitment has something in other slots, or the proof is of another, or no slots of a source.
    """
    ascending = all(j < k for j, k in pairwise((0, *claim.slots, Parameters(packing=8).max_slots)))
    if not ascending:
        raise ProofRejected("representation", "the slots do not ascend, or are the constant or blinding entries")
    count = len(claim.slots) + 1
    end = POINT_SIZE + SCALAR_SIZE * count
    if len(proof) != end + OPENING_SIZE:
        raise EncodingError(f"a proof of representation for these slots has {end + OPENING_SIZE} bytes")
    nonce, opening = decode_point(proof[:POINT_SIZE]), decompress(proof[end:])
    responses = [decode_scalar(proof[i : i + SCALAR_SIZE]) for i in range(POINT_SIZE, end, SCALAR_SIZE)]
    state = claim.state(nonce)
    x = _responses_point(state, responses)
    if x in domain(N):
        raise ProofRejected("zero divisor", "the point of the opening lies on the domain")
    slots = [*claim.slots, BLINDING_SLOT]
    value = sum(z * at for z, at in zip(responses, lagrange_at(N, slots, x), strict=True)) % MODULUS
    try:
        verify_single(setup, nonce + multiply(claim.source.commitment, _reduced(state)), x, value, opening)
    except ProofRejected as error:
        detail = f"source {claim.source.source!r} does not show that its commitment is its own"
        raise ProofRejected("representation", detail) from error
