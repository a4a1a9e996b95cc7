"""The demo's stage: an embedded chain with the contracts, and one key for each actor."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from eth_account import Account

from attest.bundle import Bundle, FundFile
from attest.chain import (
    Chain,
    Deployment,
    EmbeddedChain,
    FundStatus,
    Journal,
    LocalSigner,
    Oversight,
    Published,
    Publisher,
    Registry,
    Reverted,
    Submission,
    deploy,
    load_network,
)
from attest.registration import policy_id

from .approving import approval_of
from .pipeline import Terms


@dataclass(frozen=True)
class Stage:
    """Contracts on an embedded chain, the fund's terms, and everybody's keys. The keys live for one run."""

    chain: Chain
    deployment: Deployment
    fund: FundFile
    owner_key: bytes = field(repr=False)
    fund_key: bytes = field(repr=False)
    source_keys: dict[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the chain says of the proofs.

    Args:
        published: the transaction with all proofs; status: the registry's answer to an investor; before: the answer
            before. refusal: why the registry refused the last proof with one bit changed.
    """

    published: Published
    before: FundStatus
    status: FundStatus
    refusal: str

    @property
    def gas(self) -> int:
        """Of the publication."""
        return self.published.gas_used or 0


def set_stage(terms: Terms) -> Stage:
    """A fresh chain whose clock starts now, the contracts, a policy owner, a fund and a key for each source."""
    embedded = EmbeddedChain(genesis_time=int(time.time()))
    chain = Chain.connect(load_network("embedded"), embedded)
    owner, fund = Account.create(), Account.create()
    for account in (owner, fund):
        embedded.endow(account.address)
    deployment = deploy(chain, bytes(owner.key))
    sources = {name: Account.create() for name in terms.roles}
    file = FundFile(
        chain_id=chain.network.chain_id,
        registry=deployment.registry,
        fund=fund.address,
        policy_owner=owner.address,
        signers={name: account.address for name, account in sources.items()},
    )
    keys = {name: bytes(account.key) for name, account in sources.items()}
    return Stage(chain, deployment, file, bytes(owner.key), bytes(fund.key), keys)


def publish_on_stage(stage: Stage, terms: Terms, bundle: Bundle, journal: Path) -> Outcome:
    """Register policy and fund if they are new, approve the epoch's statements, and publish all proofs.

    Raises: Reverted: the registry refuses what it should take; ChainError.
    """
    registry = Registry(stage.chain, stage.deployment.registry)
    requirements, count = stage.fund.requirements(terms.duties), len(terms.statements)
    policies, owner = registry.policies, stage.fund.policy_owner
    policy = policy_id(stage.fund.policy_owner, terms.compiled.policy_hash, requirements, count)
    execute = stage.chain.execute
    approval = approval_of(terms, bundle.expiry)
    if registry.fund_owner(stage.fund.fund) is None:
        execute(stage.fund_key, registry.register_fund(stage.fund.fund))
    if not policies.has(policy):
        oversight, limits = Oversight(publishers=(owner,)), list(terms.compiled.policy.sentences().values())
        call = policies.register(terms.compiled.policy_hash, requirements, count, oversight, limits=limits)
        execute(stage.owner_key, call)
    execute(stage.owner_key, policies.approve_epoch(policy, bundle.epoch, approval))
    before = registry.status(stage.fund.fund, policy)
    submission = Submission.of_bundle(bundle, stage.fund, policy, terms.keys, terms.owned_slots)
    refusal = refused(registry, submission)
    opened = Journal(journal)
    try:
        published = Publisher(registry, opened, LocalSigner(stage.fund_key)).publish(submission)
    finally:
        opened.close()
    return Outcome(published, before, registry.status(stage.fund.fund, policy), refusal)


def refused(registry: Registry, submission: Submission) -> str:
    """Why the registry refuses the proof when the last bit of its last number is flipped; "" if it does not."""
    *others, last = submission.programs
    flipped = replace(last, proof=last.proof[:-1] + bytes([last.proof[-1] ^ 1]))
    altered = replace(submission, programs=(*others, flipped))
    try:
        registry.chain.call(registry.submit(altered), sender=submission.fund)
    except Reverted as error:
        return error.reason
    return ""
