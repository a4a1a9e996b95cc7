"""What puts an attestation to use, as contracts to be created: feed, vault, EAS resolver, disclosures, governor."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.crypto import keccak

from attest.chain.contract import Contract
from attest.chain.deployment import Creation, create, creation
from attest.chain.signers import Signer
from attest.chain.transactions import Chain

ANYBODY = f"0x{0:040x}"
ADMIN_ROLE = bytes(32)
ROLES_OF_THE_GOVERNOR = (bytes(keccak(text="PROPOSER_ROLE")), bytes(keccak(text="CANCELLER_ROLE")))


@dataclass(frozen=True, slots=True)
class Gate:
    """What feed and vault ask about: a fund under a policy, and under whatever replaced it."""

    registry: str
    fund: str
    policy_id: bytes


def feed(gate: Gate, ratio: int, description: str) -> Creation:
    """Args: ratio: the collateral ratio that the policy promises, 8 decimals."""
    types = ["address", "address", "bytes32", "(bytes32,int256)[]", "string"]
    ratios = [(gate.policy_id, ratio)]
    return creation("ComplianceFeed", types, [gate.registry, gate.fund, gate.policy_id, ratios, description])


def vault(gate: Gate, asset: str, name: str, symbol: str) -> Creation:
    """Args: asset: the token that is deposited; name, symbol: of the shares."""
    types = ["address", "string", "string", "address", "address", "bytes32"]
    return creation("GatedVault", types, [asset, name, symbol, gate.registry, gate.fund, gate.policy_id])


def resolver(eas: str, registry: str) -> Creation:
    """Args: eas: address of the Ethereum Attestation Service on this chain."""
    return creation("ComplianceResolver", ["address", "address"], [eas, registry])


def disclosures(registry: str) -> Creation:
    return creation("Disclosures", ["address"], [registry])


@dataclass(frozen=True, slots=True)
class Governance:
    """A governor and the timelock in whose name it owns policies.

    Args:
        token: with votes (ERC-5805); delay: of the timelock, seconds.
        voting_delay, voting_period: in the token's clock; threshold: votes that a proposer needs; quorum: percent.
        deployer: sets the timelock up, and keeps nothing.
    """

    token: str
    delay: int
    voting_delay: int
    voting_period: int
    threshold: int
    quorum: int
    deployer: str

    @property
    def timelock(self) -> Creation:
        types = ["uint256", "address[]", "address[]", "address"]
        return creation("TimelockController", types, [self.delay, [], [ANYBODY], self.deployer])

    @property
    def governor(self) -> Creation:
        types = ["address", "address", "uint48", "uint32", "uint256", "uint256"]
        numbers = self.voting_delay, self.voting_period, self.threshold, self.quorum
        return creation("PolicyGovernor", types, [self.token, self.timelock.address, *numbers])

    def establish(self, chain: Chain, signer: Signer | bytes) -> None:
        """Deploy both, make the governor the only proposer and canceller, and give up the timelock's administration.

        What is done already is not done again.

        Raises: Reverted: another account than the deployer signs; NetworkError.
        """
        create(chain, signer, (self.timelock, self.governor))
        timelock, governor = Contract(chain, "TimelockController", self.timelock.address), self.governor.address
        for role in ROLES_OF_THE_GOVERNOR:
            if not timelock.ask("hasRole", role, governor)[0]:
                chain.execute(signer, timelock.transaction("grantRole", role, governor))
        if timelock.ask("hasRole", ADMIN_ROLE, self.deployer)[0]:
            chain.execute(signer, timelock.transaction("renounceRole", ADMIN_ROLE, self.deployer))


__all__ = ["Gate", "Governance", "disclosures", "feed", "resolver", "vault"]
