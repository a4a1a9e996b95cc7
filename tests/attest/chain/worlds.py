"""The registries on an embedded chain with a fund, a policy and signed sources.

The stand-in verifier takes every proof, which makes a call fast; `test_real_proof.py` uses the real one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from eth_account import Account

from attest.bundle import SignedSource
from attest.chain import (
    Approval,
    Chain,
    Deployment,
    EmbeddedChain,
    Oversight,
    ProvedProgram,
    Registry,
    Submission,
    deploy,
    load_network,
)
from attest.chain.deployment import Creation, plan
from attest.commitment import SourceCommitment, SourceSet
from attest.registration import SourceRequirement, policy_id, program_id
from tests.attest.examples import Example

SIGNERS = {"a": b"\x21" * 32, "b": b"\x22" * 32}
OWNER, FUND, STRANGER = b"\x31" * 32, b"\x32" * 32, b"\x33" * 32
AS_OF, VALID_UNTIL = 1_749_000_000, 1_800_000_000
POLICY = b"\x42" * 32
STAND_IN = bytes.fromhex("600a600c600039600a6000f3" + "602060005260406000f3")
"""Code that creates a contract which answers an empty `bytes32[]` to everything."""
STAND_INS = plan(
    Creation("ProofVerifier", STAND_IN),
    Creation("BookVerifier", STAND_IN + b"\x01"),
    Creation("RepresentationVerifier", STAND_IN + b"\x02"),
)
"""Real registries, whose verifiers take everything."""
REAL_PROOFS = plan(None, STAND_INS.book_verifier, STAND_INS.representation_verifier)
"""Only the verifier of proofs is real."""


def address(key: bytes) -> str:
    return str(Account.from_key(key).address)


REQUIREMENTS = tuple(SourceRequirement(name, address(key), 0) for name, key in SIGNERS.items())


@dataclass
class World:
    """What a publisher finds: contracts, a registered fund, a policy of two sources, and an example of each program."""

    node: EmbeddedChain
    chain: Chain
    deployment: Deployment
    registry: Registry
    programs: tuple[Example, ...]

    @property
    def example(self) -> Example:
        return self.programs[0]

    @property
    def policy(self) -> bytes:
        return policy_id(address(OWNER), POLICY, REQUIREMENTS, len(self.programs))

    def reconnect(self) -> Registry:
        """As a new process would."""
        return Registry(Chain.connect(load_network("embedded"), self.node), self.registry.address)

    def approval(self, **changed: object) -> Approval:
        layout = self.example.layout
        owned = {name: layout.owned_slots_hash(name) for name in SIGNERS}
        digests = tuple(example.statement.key.digest for example in self.programs)
        return replace(Approval(AS_OF, VALID_UNTIL, layout.hash, owned, digests), **changed)  # type: ignore[arg-type]

    def approve(self, epoch: int) -> None:
        self.chain.execute(OWNER, self.registry.policies.approve_epoch(self.policy, epoch, self.approval()))

    def source_set(self, epoch: int) -> SourceSet:
        changes = {"fund": address(FUND), "epoch": epoch, "as_of": AS_OF, "expiry": VALID_UNTIL}
        signed: list[SourceCommitment] = [replace(s, **changes) for s in self.example.sources.sources]  # type: ignore[arg-type]
        return SourceSet(tuple(signed))

    def signed(self, epoch: int) -> tuple[SignedSource, ...]:
        chain_id, registry = self.chain.network.chain_id, self.registry.address
        return tuple(
            SignedSource.of(s, s.sign(SIGNERS[s.source], chain_id, registry)) for s in self.source_set(epoch).sources
        )

    def submission(
        self,
        epoch: int,
        *proofs: bytes,
        expiry: int = VALID_UNTIL,
        programs: tuple[int, ...] = (0,),
        previous_epoch: int | None = None,
    ) -> Submission:
        """Args: proofs: one for each of the programs; by default some bytes that only the stand-in takes."""
        keys = [(index, self.programs[index].statement.key) for index in programs]
        proved = tuple(
            ProvedProgram(index, key.encode(), key.digest, proof, key.vectors == 2)
            for (index, key), proof in zip(keys, proofs or (b"proof",) * len(keys), strict=True)
        )
        return Submission(
            address(FUND),
            self.policy,
            epoch,
            expiry,
            proved,
            self.signed(epoch),
            {name: self.example.layout.owned_by(name) for name in SIGNERS},
            self.signed(previous_epoch) if previous_epoch is not None else (),
        )

    def program(self, index: int = 0) -> bytes:
        return program_id(self.policy, index)


def altered(submission: Submission) -> Submission:
    """Compared with sources that are not on record."""
    first, *others = submission.previous
    return replace(submission, previous=(first.model_copy(update={"nonce": first.nonce + 1}), *others))


def build_world(*programs: Example, real_verifier: bool = False) -> World:
    node = EmbeddedChain()
    for key in (OWNER, FUND, STRANGER):
        node.endow(address(key))
    chain = Chain.connect(load_network("embedded"), node)
    deployment = deploy(chain, OWNER, REAL_PROOFS if real_verifier else STAND_INS)
    registry = Registry(chain, deployment.registry)
    chain.execute(FUND, registry.register_fund(address(FUND)))
    watching = Oversight(publishers=(address(OWNER),))
    policies = registry.policies
    chain.execute(OWNER, policies.register(POLICY, REQUIREMENTS, len(programs), watching, "ipfs://policy"))
    return World(node, chain, deployment, registry, programs)
