"""The verbs of those who watch: veto, replace, tighten, oversee, suspend, resume, revoke (docs/contracts.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import UINT64
from attest.chain import Oversight, Policies
from attest.errors import EncodingError
from optimizer.policy import Policy

from .acting import OnPolicy, grouped
from .options import the_one
from .pipeline import timestamp
from .terminal import console

EpochOption = Annotated[int, typer.Option("--epoch", min=1, max=UINT64, help="Number of the epoch.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stands on the chain for good.")]
SUCCESSOR = typer.Option("--successor", help="Policy file of the new policy, registered before.")


@grouped
def veto(on: OnPolicy, epoch: EpochOption, reason: ReasonOption) -> None:
    """Throw out what was approved for an epoch, while its challenge window is open; publishers, auditors and the owner.

    Compare all that was approved first: proofolio approve --dry-run, which needs no key. A digest alone does not tell
    which tokens are read at the fund's addresses, or whether a publisher put a value into a slot.

    Example: proofolio veto --policy p.json --fund fund.json --epoch 3 --reason "prices of another day"
    --network sepolia --keystore auditor.keystore
    """
    on.send(on.registry.policies.veto_epoch(on.policy_id, epoch, reason), f"Vetoing epoch {epoch}")


@grouped
def replace(
    on: OnPolicy,
    successor: Annotated[Path | None, SUCCESSOR] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Withdraw what was announced, before it counts.")] = False,
) -> None:
    """Announce the policy that replaces this one after the notice period, as the owner of both; or withdraw that.

    Register the new one first, with `proofolio approve`. Attestations under the old one fall when the new one counts.

    Example: proofolio replace --policy old.json --successor new.json --fund fund.json --network sepolia
    --keystore owner.keystore
    """
    the_one(successor=successor, cancel=cancel)
    policies, old = on.registry.policies, on.policy_id
    if successor is None:
        on.send(policies.cancel_replacement(old), "Withdrawing the replacement")
    else:
        new = on.successor_id(successor)
        on.send(policies.schedule_replacement(old, new), "Announcing the replacement")
    _show_replacement(policies, old)


@grouped
def tighten(on: OnPolicy, successor: Annotated[Path, SUCCESSOR]) -> None:
    """Confirm, as a publisher, that an announced policy is nowhere looser; with enough of them it counts at once.

    Checked here first: the new policy must name the old one as its base, which it then may only tighten, and its
    sources report the same instruments.

    Example: proofolio tighten --policy old.json --successor new.json --fund fund.json --network sepolia
    --keystore publisher.keystore
    """
    before, after = Policy.load(on.policy), Policy.load(successor)
    if after.base is None or after.base.hash != before.hash:
        raise EncodingError(
            f"{successor} does not name {on.policy} as its base, so that nothing shows that it is nowhere looser; "
            "write the new policy on the old one as its base, or let the notice period pass"
        )
    reported = [({source.name: source.instruments for source in each.sources}, each.wallet) for each in (before, after)]
    if reported[0] != reported[1]:
        raise EncodingError(
            f"{successor} lets sources report other instruments than {on.policy} does, or has other tokens read: "
            "what meets it may miss the old limits on the old instruments; let the notice period pass"
        )
    policies, old = on.registry.policies, on.policy_id
    new = on.successor_id(successor)
    on.send(policies.confirm_tightening(old, new), "Confirming that it tightens")
    _show_replacement(policies, old)


@grouped
def oversee(
    on: OnPolicy,
    oversight: Annotated[
        Path | None, typer.Option("--oversight", help="Announce these overseers; as the owner.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Put the announced ones into office, after the notice period; as anybody.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Withdraw the announced ones; as the owner.")] = False,
) -> None:
    """Show who watches over a policy and who is announced; or announce others, put them into office, withdraw them.

    A file holds publishers, threshold, challenge window, notice period and auditors, as for `proofolio approve`. The
    notice is that of those in office. Votes of former publishers on an epoch that is not approved yet no longer count.

    Example: proofolio oversee --oversight oversight.json --policy p.json --fund fund.json --network sepolia
    --keystore owner.keystore
    """
    acting = oversight is not None or apply or cancel
    if acting:
        the_one(oversight=oversight, apply=apply, cancel=cancel)
    announced = Oversight.load(oversight) if oversight is not None else None
    policies, name = on.registry.policies, on.policy_id
    if announced is not None:
        on.send(policies.schedule_oversight(name, announced), "Announcing other overseers")
    elif apply:
        on.send(policies.apply_oversight(name), "Putting the announced overseers into office")
    elif cancel:
        on.send(policies.cancel_oversight(name), "Withdrawing the announced overseers")
    else:
        console.print(f"in office: {policies.oversight(name).model_dump_json(indent=2)}")
    pending = policies.pending_oversight(name)
    if pending is not None:
        others, effective_at = pending
        if not acting:
            console.print(f"announced: {others.model_dump_json(indent=2)}")
        console.print(f"the announced overseers can be put into office from {timestamp(effective_at)}")


@grouped
def suspend(on: OnPolicy, reason: ReasonOption) -> None:
    """Suspend a fund's compliance, as the fund or as an auditor of the policy.

    Example: proofolio suspend --policy p.json --fund fund.json --reason "a custodian is down" --network sepolia
    --keystore fund.keystore
    """
    on.send(on.registry.suspend(on.parties.fund, on.policy_id, reason), "Suspending")


@grouped
def resume(on: OnPolicy) -> None:
    """End one's own suspension.

    Example: proofolio resume --policy p.json --fund fund.json --network sepolia --keystore fund.keystore
    """
    on.send(on.registry.resume(on.parties.fund, on.policy_id), "Resuming")


@grouped
def revoke(on: OnPolicy, epoch: EpochOption, reason: ReasonOption) -> None:
    """Take back an epoch for good, as the fund, an auditor of the policy, or a source that it requires.

    Example: proofolio revoke --policy p.json --fund fund.json --epoch 3 --reason "reported a wallet twice"
    --network sepolia --keystore custodian.keystore
    """
    on.send(on.registry.revoke(on.parties.fund, on.policy_id, epoch, reason), f"Revoking epoch {epoch}")


def _show_replacement(policies: Policies, policy_id: bytes) -> None:
    replacement = policies.replacement(policy_id)
    if replacement is None:
        return
    when = timestamp(replacement.effective_at)
    past = replacement.effective_at <= policies.chain.head()[1]
    console.print(f"0x{replacement.successor.hex()} counts {'since' if past else 'from'} {when}", soft_wrap=True)
