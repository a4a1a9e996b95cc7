"""The cases of sources.json and disclosures.json: signed commitments, their sets, and single quantities (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.crypto import keccak
from py_ecc.bls.point_compression import compress_G1

import attest.reference
from attest.commitment import SourceCommitment, check_disclosure
from attest.curve import decode_point, decompress
from attest.errors import ProofRejected
from attest.program import slots_hash
from attest.srs import load_setup
from tests.vectors.openings import ckzg_verdict
from tests.vectors.policy_proofs import StatedSet
from tests.vectors.programs import layout_of
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT, data_of, fast_answer, read

FIELDS = {
    "fund": "address",
    "epoch": "uint64",
    "asOf": "uint64",
    "sourceId": "bytes32",
    "role": "uint8",
    "layoutHash": "bytes32",
    "ownedSlotsHash": "bytes32",
    "commitmentHash": "bytes32",
    "expiry": "uint64",
    "nonce": "uint256",
}
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Of secp256k1: signatures have the smaller s (EIP-2), and v is 27 or 28."""
NUMBERS = ("epoch", "asOf", "role", "expiry", "nonce")


# Signed sources ------------------------------------------------------------------------------------------------------


def source_cases() -> list[dict[str, Any]]:
    """The signatures of sources.json, with the fields of their base."""
    content = read("sources")
    return [{**content["bases"][case["base"]], **case.get("changes", {}), **case} for case in content["cases"]]


def set_cases() -> list[dict[str, Any]]:
    """The source sets of sources.json."""
    return list(read("sources")["sets"])


def source_verdict(case: Mapping[str, Any]) -> str:
    """What `attest` says: the hashes are these, and this signer signed."""

    def judge() -> None:
        numbers = {name: int(case[name]) for name in NUMBERS}
        signed = SourceCommitment(
            case["fund"],
            numbers["epoch"],
            numbers["asOf"],
            case["source"],
            numbers["role"],
            data_of(case["layoutHash"]),
            slots_hash([int(slot) for slot in case["ownedSlots"]]),
            decode_point(data_of(case["commitment"])),
            numbers["expiry"],
            numbers["nonce"],
        )
        domain = int(case["chainId"]), case["registry"]
        stated = data_of(case["structHash"]), data_of(case["signingHash"])
        if (signed.struct_hash, signed.signing_hash(*domain)) != stated:
            raise ProofRejected("EIP-712", "other hashes")
        if signed.signer(data_of(case["signature"]), *domain) != case["signer"]:
            raise ProofRejected("EIP-712", "another signer")

    return fast_answer(judge)


def typed_message(chain_id: int, registry: str, message: Mapping[str, Any]) -> SignableMessage:
    """The message as eth-account encodes it, from the type alone. Args: message: by the names of `FIELDS`."""
    types = {"SourceCommitment": [{"name": name, "type": kind} for name, kind in FIELDS.items()]}
    separator = {"name": "attest", "version": "1", "chainId": chain_id, "verifyingContract": registry}
    return encode_typed_data(domain_data=separator, message_types=types, message_data=dict(message))


def typed_data(case: Mapping[str, Any]) -> SignableMessage:
    """The message of a case of sources.json."""
    slots = b"".join(int(slot).to_bytes(32, "big") for slot in case["ownedSlots"])
    count = len(case["ownedSlots"]).to_bytes(32, "big")
    message: dict[str, Any] = {
        "fund": case["fund"],
        "sourceId": keccak(text=case["source"]),
        "layoutHash": data_of(case["layoutHash"]),
        "ownedSlotsHash": keccak((32).to_bytes(32, "big") + count + slots),
        "commitmentHash": keccak(data_of(case["commitment"])),
    } | {name: int(case[name]) for name in NUMBERS}
    return typed_message(int(case["chainId"]), case["registry"], message)


def typed_data_verdict(case: Mapping[str, Any]) -> str:
    """What eth-account and the reference's parser say."""
    try:
        attest.reference.parse_point(data_of(case["commitment"]))
    except attest.reference.Malformed:
        return MALFORMED
    message = typed_data(case)
    hashes = message.body, keccak(b"\x19" + message.version + message.header + message.body)
    if hashes != (data_of(case["structHash"]), data_of(case["signingHash"])):
        return REJECT
    signature = data_of(case["signature"])
    if int.from_bytes(signature[32:64], "big") > HALF_ORDER or signature[64:] not in (b"\x1b", b"\x1c"):
        return REJECT
    try:
        signer = Account.recover_message(message, signature=signature)
    except Exception:  # eth_keys raises several unrelated types for bad bytes
        return REJECT
    return ACCEPT if signer == case["signer"] else REJECT


def set_verdict(case: Mapping[str, Any]) -> str:
    """What `attest` says of a source set and its hash. (P.6)"""

    def judge() -> None:
        if StatedSet.parse(case["set"]).fast().hash != data_of(case["hash"]):
            raise ProofRejected("(P.6)", "another hash")

    return fast_answer(judge)


def reference_set_verdict(case: Mapping[str, Any]) -> str:
    """What the reference says of it."""
    stated = StatedSet.parse(case["set"]).reference()
    try:
        stated.check(4088, (), stated.layout_hash)
        stated.commitment()
    except attest.reference.Malformed:
        return MALFORMED
    except attest.reference.Refused:
        return REJECT
    return ACCEPT if stated.hash() == data_of(case["hash"]) else REJECT


# Disclosures ---------------------------------------------------------------------------------------------------------


def disclosure_cases() -> list[dict[str, Any]]:
    """disclosures.json, with the fields of their base."""
    content = read("disclosures")
    merged = []
    for case in content["cases"]:
        base = content["bases"][case["base"]]
        sources = {**base["sources"], **case.get("sources", {})}
        merged.append({**base, **case, "sources": sources})
    return merged


def disclosure_verdict(case: Mapping[str, Any]) -> str:
    """What `check_disclosure` says."""

    def judge() -> None:
        proof = decompress(data_of(case["proof"]))
        sources, layout = StatedSet.parse(case["sources"]).fast(), layout_of(case["layout"])
        check_disclosure(load_setup(), sources, layout, int(case["slot"]), int(case["lots"]), proof)

    return fast_answer(judge)


def plain_disclosure_verdict(case: Mapping[str, Any]) -> str:
    """The rules one by one, [L_0] + Σ C_k on py_ecc, and the opening by ckzg. (P.24)"""
    stated, layout, slot, lots = StatedSet.parse(case["sources"]), case["layout"], int(case["slot"]), int(case["lots"])
    modulus = attest.reference.R_ORDER
    value = (lots % modulus).to_bytes(32, "big")
    at = pow(attest.reference.OMEGA, slot, modulus).to_bytes(32, "big")
    commitment = compress_G1(stated.reference().commitment()).to_bytes(48, "big")
    opened = ckzg_verdict(commitment, at, value, data_of(case["proof"]))
    if opened == MALFORMED:
        return MALFORMED
    owners = [entry["owner"] for entry in layout]
    names = sorted({entry["source"] for entry in layout if entry["source"]}, key=lambda name: keccak(text=name))
    complete = [source.name for source in stated.sources] == names
    public = [j for j, owner in enumerate(owners, 1) if owner == "public"] == [j for j, _ in stated.public]
    own_layout = stated.layout_hash == layout_of(layout).hash
    if not (complete and public and own_layout and 1 <= slot <= len(layout) and owners[slot - 1] == "source"):
        return REJECT
    if abs(lots) >= 1 << 77 or (lots < 0 and not layout[slot - 1]["signed"]):
        return REJECT
    return opened


__all__ = [
    "disclosure_cases",
    "disclosure_verdict",
    "plain_disclosure_verdict",
    "reference_set_verdict",
    "set_cases",
    "set_verdict",
    "source_cases",
    "source_verdict",
    "typed_data_verdict",
    "typed_message",
]
