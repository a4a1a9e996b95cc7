"""Eleven actors on anvil, and what each of them does in one call.

Two funds, three custodians, two publishers, a governor with voters, an auditor, a vault and an attacker.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3

from attest.bundle import SignedSource
from attest.chain import (
    Approval,
    Call,
    Chain,
    Deployment,
    Oversight,
    ProvedProgram,
    Registry,
    Reverted,
    Submission,
    deploy,
    load_network,
)
from attest.chain.abi import Interface
from attest.chain.artifacts import load_artifact
from attest.chain.contract import Contract
from attest.commitment import SourceCommitment, SourceSet
from attest.proof import Context
from attest.registration import SourceRequirement, policy_id, program_id
from attest.statement import StatementKey
from tests.attest.examples import Example, hold
from tests.contracts.anvil import CONTRACTS, rpc

DAY = 86_400
WINDOW, NOTICE, TIMELOCK_DELAY = DAY, 7 * DAY, DAY // 2
VOTING_DELAY, VOTING_PERIOD = 1, 10
ACTORS = (
    *("fund 1", "fund 2", "custodian 1", "custodian 2", "custodian 3", "publisher 1", "publisher 2"),
    *("voter 1", "voter 2", "auditor", "investor", "attacker"),
)
"""Whoever has a key; the governor and the vault are contracts."""


@dataclass(frozen=True)
class Promise:
    """A policy of the play. Args: sources: name → the actor who signs for it; digest: of its only program's key."""

    name: str
    policy_hash: bytes
    sources: dict[str, str]
    key: StatementKey


@dataclass
class Play:
    """The chain, the contracts and everybody's keys."""

    url: str
    example: Example
    keys: dict[str, bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in ACTORS:
            self.keys[name] = bytes(keccak(text=name))
            rpc(self.url, "anvil_setBalance", self.address(name), hex(10**20))
        network = load_network("anvil").model_copy(update={"rpc_url": self.url, "max_skew_seconds": 0.0})
        self.chain = Chain.connect(network)
        self.web3 = Web3(HTTPProvider(self.url))
        self.deployment: Deployment = deploy(self.chain, self.keys["attacker"])  # it does not matter who deploys
        self.registry = Registry(self.chain, self.deployment.registry)
        self.policies = self.registry.policies

    def address(self, actor: str) -> str:
        return str(Account.from_key(self.keys[actor]).address)

    def send(self, actor: str, call: Call) -> int:
        """Gas used. Raises: Reverted."""
        return self.chain.execute(self.keys[actor], call).gas_used

    def refused(self, actor: str, call: Call) -> str:
        """Why the chain refuses a call, which it has to."""
        try:
            self.send(actor, call)
        except Reverted as error:
            return error.reason
        raise AssertionError("it was not refused")

    @property
    def now(self) -> int:
        return self.chain.head()[1]

    def wait(self, seconds: int) -> None:
        rpc(self.url, "evm_increaseTime", seconds)
        rpc(self.url, "evm_mine")

    def mine(self, blocks: int) -> None:
        rpc(self.url, "anvil_mine", hex(blocks))

    # Contracts beside the registries

    def create(self, actor: str, bytecode: bytes, types: Sequence[str] = (), arguments: Sequence[Any] = ()) -> str:
        receipt = self.chain.execute(self.keys[actor], Call(None, bytecode + abi_encode(types, arguments)))
        assert receipt.contract is not None
        return receipt.contract

    def token(self) -> Token:
        """Built from the forge tests' sources, as it is nobody's product."""
        command = ["node_modules/.bin/forge", "build", "test/integrations/VotingToken.sol"]
        places = ["--out", "out/scenario", "--cache-path", "cache/scenario"]
        subprocess.run([*command, *places], cwd=CONTRACTS, check=True, capture_output=True)
        built = json.loads((CONTRACTS / "out/scenario/VotingToken.sol/VotingToken.json").read_text())
        address = self.create("investor", bytes.fromhex(built["bytecode"]["object"].removeprefix("0x")))
        return Token(address, Interface(built["abi"]))

    def governor(self, token: Token) -> Governor:
        """A governor and its timelock, in whose name policies are registered."""
        artifact = load_artifact("TimelockController")
        nobody = "0x" + "00" * 20
        types = ["uint256", "address[]", "address[]", "address"]
        arguments = [TIMELOCK_DELAY, [], [nobody], self.address("voter 1")]
        timelock = Contract(
            self.chain, "TimelockController", self.create("voter 1", artifact.bytecode, types, arguments)
        )
        types = ["address", "address", "uint48", "uint32", "uint256", "uint256"]
        arguments = [token.address, timelock.address, VOTING_DELAY, VOTING_PERIOD, 0, 10]
        artifact = load_artifact("PolicyGovernor")
        governor = Contract(self.chain, "PolicyGovernor", self.create("voter 1", artifact.bytecode, types, arguments))
        for role in ("PROPOSER_ROLE", "CANCELLER_ROLE"):
            self.send("voter 1", timelock.transaction("grantRole", keccak(text=role), governor.address))
        self.send("voter 1", timelock.transaction("renounceRole", bytes(32), self.address("voter 1")))
        return Governor(self, governor, timelock)

    def vault(self, token: Token, fund: str, policy: bytes) -> Contract:
        types = ["address", "string", "string", "address", "address", "bytes32"]
        arguments = [token.address, "Shares", "SH", self.registry.address, self.address(fund), policy]
        place = self.create("investor", load_artifact("GatedVault").bytecode, types, arguments)
        return Contract(self.chain, "GatedVault", place)

    # What parties of an attestation do

    def oversight(self) -> Oversight:
        return Oversight(
            publishers=(self.address("publisher 1"), self.address("publisher 2")),
            threshold=2,
            challenge_window=WINDOW,
            notice_period=NOTICE,
            auditors=(self.address("auditor"),),
        )

    def requirements(self, promise: Promise) -> tuple[SourceRequirement, ...]:
        return tuple(SourceRequirement(name, self.address(actor), 0) for name, actor in promise.sources.items())

    def policy(self, promise: Promise, owner: str) -> bytes:
        return policy_id(owner, promise.policy_hash, self.requirements(promise), 1)

    def approval(self, promise: Promise, digest: bytes | None = None) -> Approval:
        layout = self.example.layout
        owned = {name: layout.owned_slots_hash(name) for name in promise.sources}
        as_of, valid_until = self.epoch_start, self.epoch_start + 30 * DAY
        return Approval(as_of, valid_until, layout.hash, owned, (digest or promise.key.digest,))

    def begin_epoch(self) -> None:
        """All parties agree on when the epoch is."""
        self.epoch_start = self.now

    def approve(self, promise: Promise, policy: bytes, epoch: int, digest: bytes | None = None) -> None:
        for publisher in ("publisher 1", "publisher 2"):
            self.send(publisher, self.policies.approve_epoch(policy, epoch, self.approval(promise, digest)))

    def prove(self, fund: str, promise: Promise, policy: bytes, epoch: int) -> Submission:
        """Fresh commitments of the fund's custodians, signed, and a real proof over them."""
        lots = {1: 400, 2: 300, 3: 200, 4: 500}
        holdings = hold(self.example.layout, lots, int.from_bytes(keccak(text=f"{fund} {epoch}")[:4], "big"))
        layout, expiry = self.example.layout, self.epoch_start + 20 * DAY
        committed = [
            SourceCommitment(
                fund=self.address(fund),
                epoch=epoch,
                as_of=self.epoch_start,
                source=opening.source,
                role=0,
                layout_hash=layout.hash,
                owned_slots_hash=layout.owned_slots_hash(opening.source),
                commitment=opening.commitment(self.example.setup),
                expiry=expiry,
                nonce=epoch,
            )
            for opening in holdings.openings
        ]
        sources = SourceSet(tuple(sorted(committed, key=lambda each: each.id)))
        place = 31337, self.registry.address
        signed = tuple(
            SignedSource.of(each, each.sign(self.keys[promise.sources[each.source]], *place))
            for each in sources.sources
        )
        statement = replace(self.example.statement, key=promise.key)
        example = replace(self.example, holdings=holdings, sources=sources, statement=statement)
        proof = example.prove(context=Context(*place, expiry, program_id(policy, 0)))
        program = ProvedProgram(0, promise.key.encode(), promise.key.digest, proof)
        owned = {name: layout.owned_by(name) for name in promise.sources}
        return Submission(self.address(fund), policy, epoch, expiry, (program,), signed, owned)

    def commit(self, submission: Submission) -> Call:
        """Fixes the source set alone."""
        s = submission
        return self.registry.transaction("commitSourceSet", s.fund, s.policy_id, s.epoch, s.sources_encoded())

    def compliant(self, fund: str, policy: bytes) -> bool:
        return self.registry.status(self.address(fund), policy).compliant


@dataclass(frozen=True)
class Token:
    """Votes, and what the vault takes. Anybody mints it."""

    address: str
    interface: Interface

    def call(self, function: str, *arguments: Any) -> Call:
        return Call(self.address, self.interface.encode(function, *arguments))


@dataclass(frozen=True)
class Governor:
    """Token holders who decide in the timelock's name."""

    play: Play
    contract: Contract
    timelock: Contract

    def decide(self, description: str, *calls: Call) -> None:
        """Propose, vote, queue, wait and execute."""
        play = self.play
        targets = [call.to for call in calls]
        proposal = targets, [0] * len(calls), [call.data for call in calls]
        play.send("voter 1", self.contract.transaction("propose", *proposal, description))
        hashed = (*proposal, keccak(text=description))
        (number,) = self.contract.ask("hashProposal", *hashed)
        play.mine(VOTING_DELAY + 1)
        for voter in ("voter 1", "voter 2"):
            play.send(voter, self.contract.transaction("castVote", number, 1))
        play.mine(VOTING_PERIOD + 1)
        play.send("voter 2", self.contract.transaction("queue", *hashed))
        assert play.refused("voter 2", self.contract.transaction("execute", *hashed))  # the timelock's delay runs
        play.wait(TIMELOCK_DELAY)
        play.send("voter 2", self.contract.transaction("execute", *hashed))
