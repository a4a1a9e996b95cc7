"""Disclosures before their contract: each base's sources are on record as an attested epoch's (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from attest.chain.abi import Interface, encode_arguments
from attest.chain.artifacts import load_artifact
from tests.contracts.anvil import deploy
from tests.vectors.policy_proofs import StatedSet
from tests.vectors.reading import data_of, read
from tests.vectors.registry import Epoch, Registries, signed_set

ARTIFACT = load_artifact("Disclosures")


@dataclass(frozen=True, slots=True)
class OnRecord:
    """An attested epoch, and the contract that answers about it."""

    contract: str
    policy: bytes
    key: bytes

    @classmethod
    def of(cls, registries: Registries, name: str) -> OnRecord:
        """A base of disclosures.json, in a registry of its own: the bases are of one fund and epoch."""
        base = read("disclosures")["bases"][name]
        stated, key = StatedSet.parse(base["sources"]), data_of(base["key"])
        registry = to_checksum_address(keccak(text=f"registry of {name}")[12:])
        policy = registries.attest(registry, Epoch.of(stated, keccak(key)), signed_set(stated, registry), key)
        code = ARTIFACT.bytecode + encode_arguments(ARTIFACT.abi, registry)
        return cls(deploy(registries.url, "0x" + code.hex()), policy, key)

    def call(self, case: Mapping[str, Any]) -> tuple[str, str]:
        """Address and calldata of `verifyDisclosure`: the sources are the case's own."""
        stated = StatedSet.parse(case["sources"])
        disclosed = stated.fund, self.policy, stated.epoch, 0, int(case["slot"]), int(case["lots"])
        sources = [(s.expiry, s.nonce, [s.commitment[i : i + 32] for i in range(0, 128, 32)]) for s in stated.sources]
        arguments = disclosed, self.key, sources, data_of(case["proof"])
        return self.contract, "0x" + Interface(ARTIFACT.abi).encode("verifyDisclosure", *arguments).hex()


__all__ = ["OnRecord"]
