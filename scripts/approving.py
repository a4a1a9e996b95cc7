"""The verb `approve`: what a publisher says of an epoch, recomputed from policy and market."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import UINT64, FundFile
from attest.chain import Approval, Oversight
from attest.errors import EncodingError, ProofRejected

from .book_terms import book_currencies_of
from .chain import (
    DryRunOption,
    NetworkOption,
    NetworksOption,
    account_slots_of,
    check_signer,
    connect,
    id_of,
    registry_of,
    send,
)
from .options import (
    APPROVAL_DAYS,
    FundOption,
    KeystoreOption,
    MarketOption,
    PolicyOption,
    PreviousMarketOption,
    PreviousPolicyOption,
    SignerOption,
    ValidityOption,
    load_terms,
)
from .pipeline import Terms, timestamp
from .signers import load_signer
from .terminal import console, step


def approve(
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    epoch: Annotated[int, typer.Option(min=1, max=UINT64, help="Number of the epoch; it must ascend.")],
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    valid_days: ValidityOption = APPROVAL_DAYS,
    oversight: Annotated[
        Path | None,
        typer.Option(
            help="Who watches over a new policy; the notice period is 2 to 365 days, the challenge window at most 30. "
            "Default: its owner is the only publisher, with 2 days' notice and no window."
        ),
    ] = None,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
    networks: NetworksOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Approve the statements of an epoch as a publisher of the policy; its owner registers it if it is new.

    The keys are recomputed from policy and market, so what is approved is what these files say. They count when as
    many publishers as the policy asks for say the same, and after its challenge window.

    Example: proofolio approve --market m.json --policy p.json --fund fund.json --epoch 1 --network sepolia
    --keystore owner.keystore
    """
    parties = FundFile.load(fund)
    terms = load_terms(market, policy, previous_market, previous_policy)
    registry = registry_of(connect(network, networks), parties)
    policies = registry.policies
    with step("Computing the statement keys"):
        digests = terms.digests
    listed = ", ".join(f"0x{digest.hex()}" for digest in digests)
    name, who = id_of(parties, terms.compiled.policy, len(digests)), None
    if not policies.has(name):
        who = load_signer(keystore, signer)
        check_signer(who, keystore, parties.policy_owner, "the policy's owner, who registers it,")
        watching = Oversight.load(oversight) if oversight else Oversight(publishers=(parties.policy_owner,))
        sentences = list(terms.compiled.policy.sentences().values())
        requirements = parties.requirements(terms.duties)
        call = policies.register(terms.compiled.policy_hash, requirements, len(digests), watching, limits=sentences)
        send(registry.chain, who, call, "Registering the policy", dry_run)
        if dry_run:
            console.print("the approval can be estimated when the policy is registered")
            return
        if not policies.is_publisher(name, who.address):
            console.print(f"policy 0x{name.hex()} is registered; its publishers approve", soft_wrap=True)
            return
    watching = policies.oversight(name)
    approval = approval_of(terms, (int(time.time()) // 86_400 + 1 + valid_days) * 86_400)
    approved = policies.approved_as(name, epoch, approval)
    if approved is not None and not approved.same:
        detail = "the publishers approved another statement, layout, public slots or book than these files give"
        if approved.effective_at > registry.chain.head()[1]:
            detail += f"; it can be vetoed until {timestamp(approved.effective_at)}: proofolio veto"
        raise ProofRejected("approval", detail)
    if approved is not None:
        console.print(f"epoch {epoch} is approved with this statement: {listed}", soft_wrap=True)
        console.print(f"it counts from {timestamp(approved.effective_at)}")
        return
    who = who or load_signer(keystore, signer)  # what is approved already is compared without a key
    if not policies.is_publisher(name, who.address):
        known = ", ".join(watching.publishers)
        raise EncodingError(f"{who.address} is no publisher of the policy; they are {known}")
    send(registry.chain, who, policies.approve_epoch(name, epoch, approval), f"Approving epoch {epoch}", dry_run)
    console.print(f"policy 0x{name.hex()}\nstatement {listed}", soft_wrap=True)
    if not dry_run:
        _, effective_at = policies.approved(name, epoch)
        said = f"it counts from {timestamp(effective_at)}" if effective_at else "more publishers must say the same"
        console.print(f"{policies.votes(name, epoch, approval)} of {watching.threshold} publishers; {said}")


def approval_of(terms: Terms, valid_until: int) -> Approval:
    """What a publisher says of an epoch. Midnights let those who approve on one day say the same."""
    layout = terms.layout
    return Approval(
        as_of=terms.as_of,
        valid_until=valid_until,
        layout_hash=layout.hash,
        owned_slots={source: layout.owned_slots_hash(source) for source in layout.sources},
        digests=terms.digests,
        account_slots=account_slots_of(terms.compiled),
        book_currencies=book_currencies_of(terms),
    )


__all__ = ["approval_of", "approve"]
