"""Signed sources before the registry's contract, at whatever address their signature names (format.md)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak

from attest.chain import Oversight
from attest.chain.abi import Interface
from attest.chain.artifacts import load_artifact
from attest.chain.deployment import plan
from attest.program import slots_hash
from tests.contracts.anvil import RICH, rpc, rpc_all
from tests.vectors.reading import data_of

FOREVER = 2**64 - 1
ALONE = Oversight(publishers=(RICH,)).encoded()
CONTRACTS = plan()
INTERFACES = {
    creation.address: Interface(load_artifact(creation.name).abi) for creation in (CONTRACTS.funds, CONTRACTS.policies)
}
RICHES = hex(10**21)


@dataclass(frozen=True, slots=True)
class Signed:
    """A source as the registry knows it: by the policy's requirement, the approval and the call."""

    source: str
    signer: str
    role: int
    owned_slots_hash: bytes
    commitment: bytes
    expiry: int
    nonce: int
    signature: bytes

    @classmethod
    def of(cls, case: Mapping[str, Any]) -> Signed:
        return cls(
            case["source"],
            case["signer"],
            int(case["role"]),
            slots_hash([int(slot) for slot in case["ownedSlots"]]),
            data_of(case["commitment"]),
            int(case["expiry"]),
            int(case["nonce"]),
            data_of(case["signature"]),
        )


@dataclass(slots=True)
class Registries:
    """The registry's code at any address of a chain; each source set gets a policy of its own."""

    url: str
    interface: Interface
    code: str
    funds: set[tuple[str, str]] = field(default_factory=set)
    policies: int = 0

    @classmethod
    def on(cls, url: str) -> Registries:
        for creation in CONTRACTS:
            data = "0x" + creation.call.data.hex()
            _mined(url, {"from": RICH, "to": creation.call.to, "data": data, "gas": hex(10**9)}, creation.name)
        artifact, address = load_artifact("AttestationRegistry"), CONTRACTS.registry.address
        return cls(url, Interface(artifact.abi), rpc(url, "eth_getCode", address, "latest"))

    def answer(
        self,
        registry: str,
        fund: str,
        epoch: int,
        as_of: int,
        layout_hash: bytes,
        sources: Sequence[Signed],
        public: Sequence[tuple[int, int]] = (),
    ) -> str:
        """The hash of the source set that the registry would fix, in hexadecimal, or "" where it refuses."""
        self._open(registry, fund)
        self.policies += 1
        required = [(keccak(text=s.source), s.signer, s.role, False) for s in sources]
        policy_hash, policies = self.policies.to_bytes(32, "big"), CONTRACTS.policies.address
        policy = self._send(RICH, policies, "registerPolicy", policy_hash, required, 1, ALONE, "", [])
        hashes = [s.owned_slots_hash for s in sources]
        approval = as_of, FOREVER, layout_hash, hashes, [b"\x01" * 32], list(public), []
        self._send(RICH, policies, "approveEpoch", policy, epoch, approval)
        words = [[s.commitment[i : i + 32] for i in range(0, 128, 32)] for s in sources]
        signed = [(s.expiry, s.nonce, point, s.signature, b"") for s, point in zip(sources, words, strict=True)]
        answer = self._call(fund, registry, "commitSourceSet", fund, policy, epoch, signed)
        return str(answer.get("result", ""))

    def _open(self, registry: str, fund: str) -> None:
        """The registries of funds and policies stay the same for all."""
        if (registry, fund) not in self.funds:
            rpc(self.url, "anvil_setCode", registry, self.code)
            if fund not in {known for _, known in self.funds}:
                rpc(self.url, "anvil_setBalance", fund, RICHES)
                rpc(self.url, "anvil_impersonateAccount", fund)
                self._send(fund, CONTRACTS.funds.address, "registerFund", fund)
            self.funds.add((registry, fund))

    def _call(self, sender: str, to: str, function: str, *arguments: Any) -> dict[str, Any]:
        data = "0x" + INTERFACES.get(to, self.interface).encode(function, *arguments).hex()
        (answer,) = rpc_all(self.url, [("eth_call", [{"from": sender, "to": to, "data": data}, "latest"])])
        return answer

    def _send(self, sender: str, to: str, function: str, *arguments: Any) -> bytes:
        """What the function answers, and then its transaction."""
        answer = data_of(self._call(sender, to, function, *arguments)["result"])
        data = "0x" + INTERFACES[to].encode(function, *arguments).hex()
        _mined(self.url, {"from": sender, "to": to, "data": data, "gas": hex(10**7)}, function)
        return answer


def _mined(url: str, transaction: dict[str, Any], what: str) -> None:
    sent = rpc(url, "eth_sendTransaction", transaction)
    while (receipt := rpc(url, "eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.01)
    if int(receipt["status"], 16) != 1:
        raise RuntimeError(f"{what} is refused")


def registry_answer(registries: Registries, case: Mapping[str, Any]) -> str:
    """What the registry says of one signed source: the hash of the set of it alone, or ""."""
    numbers = int(case["epoch"]), int(case["asOf"])
    return registries.answer(case["registry"], case["fund"], *numbers, data_of(case["layoutHash"]), [Signed.of(case)])
