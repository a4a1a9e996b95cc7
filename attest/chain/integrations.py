"""Contracts that put attestations to use, each at an address that follows from its bytes (docs/contracts.md).

Anybody creates as many as they like; what is the same stands once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from pydantic import Field

from attest.bundle import Address, Bytes32, File, bytes_type
from attest.chain.artifacts import ContractName, load_artifact
from attest.chain.contract import Contract
from attest.chain.deployment import Creation
from attest.chain.errors import NetworkError
from attest.chain.transactions import Call, Chain

RATIO_DECIMALS = 8
"""Of a feed's ratios."""
ANYBODY = "0x" + "00" * 20
"""As an executor of a timelock."""
ADMIN, PROPOSER, CANCELLER = bytes(32), keccak(text="PROPOSER_ROLE"), keccak(text="CANCELLER_ROLE")
"""Roles of a timelock (OpenZeppelin's AccessControl)."""
Arguments: Any = bytes_type()


def feed(registry: str, fund: str, root_policy: bytes, ratios: Mapping[bytes, int], description: str) -> Creation:
    """A `ComplianceFeed`. Args: ratios: policy id → ratio, in units of 10^-8; the present policy is among them."""
    return Creation.of("ComplianceFeed", registry, fund, root_policy, sorted(ratios.items()), description)


def vault(registry: str, fund: str, root_policy: bytes, asset: str, name: str, symbol: str) -> Creation:
    """A `GatedVault` of an ERC-20 token."""
    return Creation.of("GatedVault", asset, name, symbol, registry, fund, root_policy)


def resolver(registry: str, eas: str) -> Creation:
    """A `ComplianceResolver` for the Ethereum Attestation Service at an address."""
    return Creation.of("ComplianceResolver", eas, registry)


def disclosures(registry: str) -> Creation:
    """`Disclosures` of a registry's funds."""
    return Creation.of("Disclosures", registry)


@dataclass(frozen=True, slots=True)
class Governance:
    """A `PolicyGovernor`, and the timelock that owns policies on its behalf.

    Each names the other, so that neither address can commit to both: the timelock is created with an admin, who makes
    the governor its only proposer and canceller and then gives up the office. Its salt is the hash of the governor's
    settings, so that no other governor of this admin gets the same timelock.

    Args: admin: who deploys; part of the timelock's address.
    """

    admin: str
    timelock: Creation
    governor: Creation

    @classmethod
    def of(
        cls,
        admin: str,
        token: str,
        voting_delay: int,
        voting_period: int,
        proposal_threshold: int,
        quorum_percent: int,
        timelock_delay: int,
    ) -> Self:
        """Args: as of the constructor; delay and period in units of the token's clock, timelock_delay in seconds."""
        settings = voting_delay, voting_period, proposal_threshold, quorum_percent
        salt = keccak(abi_encode(["address", *["uint256"] * 4], [token, *settings]))
        timelock = Creation.of("TimelockController", timelock_delay, [], [ANYBODY], admin, salt=salt)
        return cls(admin, timelock, Creation.of("PolicyGovernor", token, timelock.address, *settings))

    def handover(self, chain: Chain) -> list[tuple[str, Call]]:
        """What is left for the admin to send, in order, each with its name; both contracts stand.

        Raises: NetworkError: the admin gave up the office before it was done.
        """
        timelock = Contract(chain, "TimelockController", self.timelock.address)

        def has(role: bytes, account: str) -> bool:
            return bool(timelock.ask("hasRole", role, account)[0])

        left = [
            (f"Making the governor {word}", timelock.transaction("grantRole", role, self.governor.address))
            for word, role in (("proposer", PROPOSER), ("canceller", CANCELLER))
            if not has(role, self.governor.address)
        ]
        if has(ADMIN, self.admin):
            return [*left, ("Giving up the timelock", timelock.transaction("renounceRole", ADMIN, self.admin))]
        if left:
            raise NetworkError(
                f"network {chain.network.name!r}: the timelock {self.timelock.address} has no admin any more, and the "
                "governor is not its proposer and canceller; choose other settings"
            )
        return []


class Integration(File):
    """A contract that was created. Args: arguments: of its constructor, ABI-encoded; block explorers ask for them."""

    contract: ContractName
    address: Address
    salt: Bytes32
    arguments: Arguments


class Integrations(File):
    """What somebody created on one chain to use attestations: public."""

    version: Literal["1"] = "1"
    network: str
    chain_id: int
    contracts: Annotated[tuple[Integration, ...], Field(strict=False)] = ()

    def including(self, chain: Chain, creations: Sequence[Creation]) -> Self:
        """These too, each once. Raises: NetworkError: one of them does not stand there as the package carries it."""
        added = {each.address: each for each in self.contracts}
        for creation in creations:
            place = Contract(chain, creation.name, creation.address).address
            arguments = creation.code[len(load_artifact(creation.name).bytecode) :]
            added[place] = Integration(contract=creation.name, address=place, salt=creation.salt, arguments=arguments)
        return self.model_copy(update={"contracts": tuple(added.values())})
