"""The cases of representations.json: that a source knows its commitment, in its own slots alone (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from py_ecc.bls.point_compression import compress_G1
from py_ecc.optimized_bls12_381.optimized_curve import add, eq, multiply

from attest import reference
from attest.commitment import SourceCommitment
from attest.curve import decode_point
from attest.program import slots_hash
from attest.representation import RepresentationClaim, verify_representation
from attest.srs import load_setup
from tests.vectors import plain
from tests.vectors.openings import ckzg_verdict
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT, data_of, edited, fast_answer, read

STATE_TYPES = [
    *("bytes32", "uint256", "address", "address", "uint64", "bytes32", "bytes32"),
    "bytes32[4]",
    "bytes32[4]",
]
BLINDING_SLOT = reference.N - 1


def representation_cases() -> list[dict[str, Any]]:
    """representations.json, with the fields of their base."""
    content = read("representations")
    found = []
    for case in content["cases"]:
        base = content["bases"][case["base"]]
        changes = dict(case.get("changes", {}))
        proof = edited(data_of(base["proof"]), changes.pop("proof", []))
        found.append({**base, **changes, **case, "proof": "0x" + proof.hex()})
    return found


def representation_verdict(case: Mapping[str, Any]) -> str:
    """What `attest` says."""

    def judge() -> None:
        slots = tuple(map(int, case["slots"]))
        source = SourceCommitment(
            case["fund"],
            int(case["epoch"]),
            0,
            case["source"],
            0,
            bytes(32),
            data_of(case["ownedSlotsHash"]),
            decode_point(data_of(case["commitment"])),
            0,
            0,
        )
        claim = RepresentationClaim(int(case["chainId"]), case["registry"], source, slots)
        verify_representation(load_setup(), claim, data_of(case["proof"]))

    return fast_answer(judge)


def plain_representation_verdict(case: Mapping[str, Any]) -> str:
    """Schnorr's equation over the bases themselves, on py_ecc, and the opening by ckzg. (P.36), (P.37)"""
    slots, proof, modulus = [int(slot) for slot in case["slots"]], data_of(case["proof"]), reference.R_ORDER
    count = len(slots) + 1
    try:
        commitment = reference.parse_point(data_of(case["commitment"]))
        if len(proof) != 128 + 32 * count + 48:
            return MALFORMED
        nonce = reference.parse_point(proof[:128])
        responses = [reference.parse_scalar(proof[128 + 32 * i : 160 + 32 * i]) for i in range(count)]
    except reference.Malformed:
        return MALFORMED
    words = [[data[i : i + 32] for i in range(0, 128, 32)] for data in (data_of(case["commitment"]), proof[:128])]
    owned = data_of(case["ownedSlotsHash"])
    fields = [keccak(text="attest/v1/representation"), int(case["chainId"]), case["registry"], case["fund"]]
    fields += [int(case["epoch"]), keccak(text=case["source"]), owned, *words]
    state = keccak(abi_encode(STATE_TYPES, fields))
    challenge = int.from_bytes(state, "big") % modulus
    total = add(nonce, multiply(commitment, challenge))
    x = int.from_bytes(keccak(state + proof[128 : 128 + 32 * count]), "big") % modulus
    entries = [*slots, BLINDING_SLOT]
    value = sum(z * reference.lagrange(j, x) for z, j in zip(responses, entries, strict=True)) % modulus
    at, shown = (number.to_bytes(32, "big") for number in (x, value))
    opened = ckzg_verdict(compress_G1(total).to_bytes(48, "big"), at, shown, proof[128 + 32 * count :])
    if opened == MALFORMED:
        return MALFORMED
    if slots != sorted(set(slots)) or not all(1 <= j < reference.N - reference.BLINDED for j in slots):
        return REJECT
    known = eq(plain.commit(dict(zip(entries, responses, strict=True))), total)
    return ACCEPT if known and opened == ACCEPT and owned == slots_hash(slots) else REJECT


__all__ = ["plain_representation_verdict", "representation_cases", "representation_verdict"]
