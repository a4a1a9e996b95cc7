"""The cases of commitments.json and openings.json: columns, and values at one point (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import ckzg

from attest.curve import SCALAR_SIZE, decode_point, decode_scalar, decompress, msm
from attest.errors import EncodingError, ProofRejected
from attest.field import MODULUS
from attest.kzg import verify_single
from attest.reference import Malformed, parse_point
from attest.srs import load_setup
from tests.vectors import plain
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT, data_of, fast_answer

CEREMONY = "typed_transactions/blob_transactions/kzg_trusted_setup.txt"


def entries_of(case: Mapping[str, Any]) -> dict[int, int]:
    """The entries of a column that are not 0."""
    return {int(entry): int(value) for entry, value in case["entries"].items()}


def commitment_verdict(case: Mapping[str, Any]) -> str:
    """What `attest` says of a commitment in both encodings."""

    def judge() -> None:
        long, short = decode_point(data_of(case["commitment"])), decompress(data_of(case["compressed"]))
        entries, lagrange = entries_of(case), load_setup().lagrange
        expected = msm([lagrange[e] for e in entries], [value % MODULUS for value in entries.values()])
        if (long, short) != (expected, expected):
            raise ProofRejected("commitment", "it is of another column")

    return fast_answer(judge)


def plain_commitment_verdict(case: Mapping[str, Any]) -> str:
    """The same on py_ecc, of the long encoding."""
    try:
        point = parse_point(data_of(case["commitment"]))
    except Malformed:
        return MALFORMED
    return ACCEPT if plain.same(point, plain.commit(entries_of(case))) else REJECT


def word(number: str) -> bytes:
    """A decimal number in 32 bytes. Raises: EncodingError: it does not fit."""
    try:
        return int(number).to_bytes(SCALAR_SIZE, "big")
    except OverflowError as error:
        raise EncodingError("a number of more than 32 bytes") from error


def opening_verdict(case: Mapping[str, Any]) -> str:
    """What `attest` says of an opening."""

    def judge() -> None:
        commitment, proof = decompress(data_of(case["commitment"])), decompress(data_of(case["proof"]))
        z, y = decode_scalar(word(case["z"])), decode_scalar(word(case["y"]))
        verify_single(load_setup(), commitment, z, y, proof)

    return fast_answer(judge)


@lru_cache
def ckzg_setup() -> Any:
    return ckzg.load_trusted_setup(str(files("eth_account") / CEREMONY), 0)


def ckzg_verdict(commitment: bytes, z: bytes, y: bytes, proof: bytes) -> str:
    """What Ethereum's library says, which raises for what is malformed."""
    try:
        return ACCEPT if ckzg.verify_kzg_proof(commitment, z, y, proof, ckzg_setup()) else REJECT
    except (RuntimeError, ValueError):
        return MALFORMED


def ckzg_opening_verdict(case: Mapping[str, Any]) -> str:
    return ckzg_verdict(data_of(case["commitment"]), word(case["z"]), word(case["y"]), data_of(case["proof"]))


def precompile_input(case: Mapping[str, Any]) -> bytes:
    """What the precompile of EIP-4844 takes: versioned hash, z, y, commitment, proof."""
    commitment = data_of(case["commitment"])
    versioned = b"\x01" + sha256(commitment).digest()[1:]
    return versioned + word(case["z"]) + word(case["y"]) + commitment + data_of(case["proof"])
