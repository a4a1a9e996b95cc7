"""Signed sources before the registry's contract, at whatever address their signature names (format.md)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from eth_utils.crypto import keccak

from attest.chain import Oversight
from attest.chain.abi import ErrorTable, Interface
from attest.chain.artifacts import load_artifact
from attest.chain.deployment import plan
from attest.chain.policies import Approval
from attest.program import slots_hash
from tests.attest.test_attestation import KEYS
from tests.contracts.anvil import RICH, rpc, rpc_all
from tests.vectors.calls import CHAIN_ID
from tests.vectors.policy_proofs import StatedSet
from tests.vectors.reading import data_of
from tests.vectors.signed import typed_message

FOREVER = 2**64 - 1
ALONE = Oversight(publishers=(RICH,)).encoded()
CONTRACTS = plan()
INTERFACES = {
    creation.address: Interface(load_artifact(creation.name).abi) for creation in (CONTRACTS.funds, CONTRACTS.policies)
}
ERRORS = ErrorTable([*(load_artifact(creation.name).abi for creation in CONTRACTS), load_artifact("Disclosures").abi])
RICHES = hex(10**21)
TAKES_ALL = "0x6020600052600160205260606000f3"
"""A verifier of proofs that answers one digest, 0, whatever it is asked."""
EXPIRY = 2_000_000_000


class Refused(Exception):
    """A contract reverts. Args: error: the name of its error."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def refusal(answer: Mapping[str, Any]) -> str:
    """The name of the error in a node's answer, "" if it has none."""
    if "error" not in answer:
        return ""
    return ERRORS.describe(data_of(str(answer["error"].get("data", "0x")))).partition("(")[0]


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

    def words(self) -> list[bytes]:
        """The commitment as `bytes32[4]`."""
        return [self.commitment[i : i + 32] for i in range(0, 128, 32)]


def signed_set(stated: StatedSet, registry: str) -> list[Signed]:
    """The sources of a set, whatever they are, signed for it by the tests' own keys."""
    found = []
    for source in stated.sources:
        message = {
            "fund": stated.fund,
            "epoch": stated.epoch,
            "asOf": stated.as_of,
            "sourceId": keccak(text=source.name),
            "role": source.role,
            "layoutHash": stated.layout_hash,
            "ownedSlotsHash": source.owned_slots_hash,
            "commitmentHash": keccak(source.commitment),
            "expiry": source.expiry,
            "nonce": source.nonce,
        }
        account = Account.from_key(KEYS[source.name])
        signature = bytes(account.sign_message(typed_message(CHAIN_ID, registry, message)).signature)
        numbers = source.expiry, source.nonce
        fields = source.role, source.owned_slots_hash, source.commitment
        found.append(Signed(source.name, account.address, *fields, *numbers, signature))
    return found


@dataclass(frozen=True, slots=True)
class Epoch:
    """What publishers approve of a fund's epoch, beside the sources."""

    fund: str
    number: int
    as_of: int
    layout_hash: bytes
    public: Sequence[tuple[int, int]] = ()
    digest: bytes = b"\x01" * 32

    @classmethod
    def of(cls, stated: StatedSet, digest: bytes = b"\x01" * 32) -> Epoch:
        return cls(stated.fund, stated.epoch, stated.as_of, stated.layout_hash, stated.public, digest)


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

    def answer(self, registry: str, epoch: Epoch, sources: Sequence[Signed]) -> str:
        """The hash of the source set that the registry would fix, in hexadecimal. Raises: Refused."""
        policy = self._approve(registry, epoch, sources)
        arguments = epoch.fund, policy, epoch.number, _submitted(sources)
        return "0x" + self._call(epoch.fund, registry, "commitSourceSet", *arguments).hex()

    def attest(self, registry: str, epoch: Epoch, sources: Sequence[Signed], key: bytes) -> bytes:
        """Has an epoch attested without a proof. Returns: the policy's id. Raises: Refused."""
        rpc(self.url, "anvil_setCode", CONTRACTS.verifier.address, TAKES_ALL)
        policy = self._approve(registry, epoch, sources)
        arguments = epoch.fund, policy, epoch.number, EXPIRY, [(0, key, b"")], _submitted(sources), []
        self._send(epoch.fund, registry, "submit", *arguments)
        return policy

    def _approve(self, registry: str, epoch: Epoch, sources: Sequence[Signed]) -> bytes:
        """A policy that requires these sources, and its approval of the epoch."""
        self._open(registry, epoch.fund)
        self.policies += 1
        required = [(keccak(text=s.source), s.signer, s.role, False) for s in sources]
        policy_hash, policies = self.policies.to_bytes(32, "big"), CONTRACTS.policies.address
        policy = self._send(RICH, policies, "registerPolicy", policy_hash, required, 1, ALONE, "", [])
        hashes = [s.owned_slots_hash for s in sources]
        sound = Approval(epoch.as_of, FOREVER, epoch.layout_hash, {}, (epoch.digest,)).encoded()
        approval = *sound[:3], hashes, sound[4], list(epoch.public), *sound[6:]
        self._send(RICH, policies, "approveEpoch", policy, epoch.number, approval)
        return policy

    def _open(self, registry: str, fund: str) -> None:
        """The registries of funds and policies stay the same for all."""
        if (registry, fund) not in self.funds:
            rpc(self.url, "anvil_setCode", registry, self.code)
            if fund not in {known for _, known in self.funds}:
                rpc(self.url, "anvil_setBalance", fund, RICHES)
                rpc(self.url, "anvil_impersonateAccount", fund)
                self._send(fund, CONTRACTS.funds.address, "registerFund", fund)
            self.funds.add((registry, fund))

    def _call(self, sender: str, to: str, function: str, *arguments: Any) -> bytes:
        data = "0x" + INTERFACES.get(to, self.interface).encode(function, *arguments).hex()
        (answer,) = rpc_all(self.url, [("eth_call", [{"from": sender, "to": to, "data": data}, "latest"])])
        if "error" in answer:
            raise Refused(refusal(answer))
        return data_of(answer["result"])

    def _send(self, sender: str, to: str, function: str, *arguments: Any) -> bytes:
        """What the function answers, and then its transaction. Raises: Refused."""
        answer = self._call(sender, to, function, *arguments)
        data = "0x" + INTERFACES.get(to, self.interface).encode(function, *arguments).hex()
        _mined(self.url, {"from": sender, "to": to, "data": data, "gas": hex(10**7)}, function)
        return answer


def _submitted(sources: Sequence[Signed]) -> list[tuple[Any, ...]]:
    """The Solidity `SignedSource[]`."""
    return [(s.expiry, s.nonce, s.words(), s.signature, b"") for s in sources]


def _mined(url: str, transaction: dict[str, Any], what: str) -> None:
    sent = rpc(url, "eth_sendTransaction", transaction)
    while (receipt := rpc(url, "eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.01)
    if int(receipt["status"], 16) != 1:
        raise RuntimeError(f"{what} is refused")


def registry_refusal(registries: Registries, case: Mapping[str, Any]) -> str:
    """Why the registry does not fix a set of one signed source alone; "" if it does."""
    epoch = Epoch(case["fund"], int(case["epoch"]), int(case["asOf"]), data_of(case["layoutHash"]))
    try:
        registries.answer(case["registry"], epoch, [Signed.of(case)])
    except Refused as refused:
        return refused.error
    return ""
