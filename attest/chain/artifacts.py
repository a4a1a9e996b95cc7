"""The compiled contracts that travel with the package: ABI and bytecode, so that nobody needs a compiler.

`npm --prefix contracts run artifacts` writes the files; a test rebuilds and compares them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, get_args

from eth_utils.abi import function_abi_to_4byte_selector

ContractName = Literal[
    "AccountReader",
    "AttestationRegistry",
    "BookRegistry",
    "BookVerifier",
    "ComplianceFeed",
    "ComplianceResolver",
    "Disclosures",
    "FundRegistry",
    "GatedVault",
    "PolicyGovernor",
    "PolicyRegistry",
    "ProofVerifier",
    "RepresentationVerifier",
    "TimelockController",
]
AbiEntry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    Args:
        name: of the contract; compiler: the exact version that built it.
        abi: the JSON ABI, constructor, functions, events and errors.
        bytecode: what a deployment sends, constructor arguments appended.
        deployed_bytecode: what then stands at the address, with zeros in the place of immutables.
        immutables: (start, length) of each place that the constructor fills in, ascending.
    """

    name: ContractName
    compiler: str
    abi: tuple[AbiEntry, ...] = field(repr=False)
    bytecode: bytes = field(repr=False)
    deployed_bytecode: bytes = field(repr=False)
    immutables: tuple[tuple[int, int], ...] = field(repr=False)

    def matches(self, code: bytes) -> bool:
        """Whether the code at an address is this contract, whatever its immutables."""
        if len(code) != len(self.deployed_bytecode):
            return False
        masked = bytearray(code)
        for start, length in self.immutables:
            masked[start : start + length] = bytes(length)
        return bytes(masked) == self.deployed_bytecode


def _from_hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@lru_cache(maxsize=len(get_args(ContractName)))
def load_artifact(name: ContractName) -> Artifact:
    """The committed artifact of a contract."""
    content = json.loads((files("attest.chain") / "artifacts" / f"{name}.json").read_text(encoding="utf-8"))
    return Artifact(
        name=content["name"],
        compiler=content["compiler"],
        abi=tuple(content["abi"]),
        bytecode=_from_hex(content["bytecode"]),
        deployed_bytecode=_from_hex(content["deployedBytecode"]),
        immutables=tuple((place["start"], place["length"]) for place in content["immutables"]),
    )


@lru_cache(maxsize=1)
def custom_errors() -> Mapping[bytes, AbiEntry]:
    """Custom errors of all contracts by their four-byte selector; the verifier's come through the registry."""
    names: tuple[ContractName, ...] = get_args(ContractName)
    entries = [entry for name in names for entry in load_artifact(name).abi if entry["type"] == "error"]
    return {function_abi_to_4byte_selector(entry): entry for entry in entries}  # type: ignore[arg-type]


__all__ = ["AbiEntry", "Artifact", "ContractName", "custom_errors", "load_artifact"]
