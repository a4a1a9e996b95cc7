"""Constants of the Solidity sources beside the setup: parameters, type strings, and EIP-2537's price table."""

from __future__ import annotations

import re
from pathlib import Path

from eth.precompiles.bls12_381.constants import G1_MSM_DISCOUNTS
from eth_utils.crypto import keccak

from attest.commitment import ROLES, SOURCE_TYPE
from attest.curve import BASE_FIELD_MODULUS, POINT_SIZE
from attest.field import MODULUS
from attest.liabilities.book import ACCOUNT_TAG, BOOK_TAG, CAPACITY
from attest.liabilities.proof import AT_ZETA, POINTS
from attest.program import BLINDING_ENTRIES, Parameters
from attest.representation import OPENING_SIZE, TAG
from attest.statement import KEY_VERSION
from attest.transcript import POLICY_TAG

SOURCES = Path(__file__).parents[2] / "contracts/src"
LIBRARIES = SOURCES / "libraries"
PARAMETERS = Parameters(packing=8)


def source(name: str) -> str:
    return (LIBRARIES / f"{name}.sol").read_text(encoding="utf-8")


def number(name: str, constant: str) -> int:
    """The value of `… constant NAME = VALUE;`, in F.wrap(…) or not."""
    match = re.search(rf"constant {constant} =\s*(?:F\.wrap\()?(0x[0-9a-f]+|\d+)\)?;", source(name))
    assert match, constant
    return int(match[1], 0)


def test_field() -> None:
    assert number("Field", "R") == MODULUS
    assert f"{MODULUS - 2:#x})" in source("Field")


def test_parameters() -> None:
    assert number("StatementKeys", "VERSION") == KEY_VERSION
    assert number("StatementKeys", "LIMB_WIDTH") == PARAMETERS.limb_width
    assert number("StatementKeys", "LIMB_COUNT") == PARAMETERS.limb_count
    assert number("StatementKeys", "BLINDING_ENTRIES") == BLINDING_ENTRIES
    assert number("Values", "EDGE") == BLINDING_ENTRIES + 1
    assert number("Constraints", "LIMB_BASE") == 2**PARAMETERS.limb_width


def test_proofs_of_chunks() -> None:
    assert number("ChunkProofs", "POINTS") == POINTS
    assert number("ChunkProofs", "SCALARS") == AT_ZETA + 1
    assert PARAMETERS.n - BLINDING_ENTRIES == CAPACITY


def test_half_of_the_base_field() -> None:
    """The larger of y and −y lies above (p − 1)/2."""
    high, low = (number("PointEvaluation", f"HALF_{half}") for half in ("HIGH", "LOW"))
    assert (high << 256 | low) == (BASE_FIELD_MODULUS - 1) // 2


def test_strings() -> None:
    assert f'POLICY_TAG = keccak256("{POLICY_TAG.decode()}")' in source("Transcript")
    assert f'BOOK_TAG = keccak256("{BOOK_TAG.decode()}")' in source("Transcript")
    assert f'ACCOUNT_TAG = keccak256("{ACCOUNT_TAG.decode()}")' in source("BookTree")
    match = re.search(r"TYPEHASH = keccak256\(((?:\s*\"[^\"]*\")+)\s*\)", source("SourceSets"))
    assert match
    assert "".join(re.findall(r'"([^"]*)"', match[1])) == SOURCE_TYPE


def test_representation() -> None:
    """Its tag is hashed on both sides; openings of one point are those of EIP-4844."""
    text = (SOURCES / "RepresentationVerifier.sol").read_text("utf-8")
    assert keccak(re.search(r'TAG = keccak256\("([^"]*)"\)', text)[1].encode()) == TAG  # type: ignore[index]
    assert f"POINT_BYTES = {POINT_SIZE};" in text and f"OPENING_BYTES = {OPENING_SIZE};" in text


def test_roles() -> None:
    """The registry knows one of them: whose root it asks for."""
    for name in ("AttestationRegistry", "PolicyRegistry"):
        match = re.search(r"LIABILITY_BOOK = (\d+);", (SOURCES / f"{name}.sol").read_text("utf-8"))
        assert match and int(match[1]) == ROLES["liability_book"]


def test_discounts() -> None:
    """As another implementation of the precompile has them."""
    match = re.search(r"constant DISCOUNTS =\s*((?:hex\"[0-9a-f]*\"\s*)+);", source("Curve"))
    assert match
    table = bytes.fromhex("".join(re.findall(r'hex"([0-9a-f]*)"', match[1])))
    assert [int.from_bytes(table[i : i + 2], "big") for i in range(0, len(table), 2)] == list(G1_MSM_DISCOUNTS)
