"""The verbs of those who watch: veto, replace, confirm, suspend, resume, revoke (docs/contracts.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import UINT64, FundFile
from attest.chain import Registry
from attest.errors import EncodingError
from optimizer.policy import Policy

from .chain import DryRunOption, NetworkOption, NetworksOption, ProgramsOption, connect, registered, registry_of, send
from .options import FundOption, KeystoreOption, PolicyOption, SignerOption
from .pipeline import timestamp
from .signers import load_signer
from .terminal import console

EpochOption = Annotated[int, typer.Option("--epoch", min=1, max=UINT64, help="Number of the epoch.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stands on the chain for good.")]
NEW_POLICY = "Policy file of the new policy, registered before."
SuccessorOption = Annotated[Path, typer.Option("--successor", help=NEW_POLICY)]


def veto(
    policy: PolicyOption,
    fund: FundOption,
    epoch: EpochOption,
    reason: ReasonOption,
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Throw out what was approved for an epoch, while its challenge window is open; publishers, auditors and the owner.

    Compute the digests first: proofolio key --market m.json --policy p.json --check 0x12...

    Example: proofolio veto --policy p.json --fund fund.json --epoch 3 --reason "prices of another day"
    --network sepolia --keystore auditor.keystore
    """
    registry, name = policy_on_chain(policy, fund, network, networks, programs)
    call = registry.policies.veto_epoch(name, epoch, reason)
    send(registry.chain, load_signer(keystore, signer), call, f"Vetoing epoch {epoch}", dry_run)


def replace(
    policy: PolicyOption,
    fund: FundOption,
    network: NetworkOption,
    successor: Annotated[Path | None, typer.Option("--successor", help=NEW_POLICY)] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take the announcement back, before it counts.")] = False,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Announce the policy that replaces this one after the notice period; as the owner of both.

    Register the new one first, with `proofolio approve`. Attestations under the old one fall when the new one counts.

    Example: proofolio replace --policy old.json --successor new.json --fund fund.json --network sepolia
    --keystore owner.keystore
    """
    if (successor is None) != cancel:
        raise EncodingError("give --successor, or --cancel")
    registry, old = policy_on_chain(policy, fund, network, networks, programs)
    if successor is None:
        call, title = registry.policies.cancel_replacement(old), "Taking the announcement back"
    else:
        new = _registered_id(registry, successor, fund)
        call, title = registry.policies.schedule_replacement(old, new), "Announcing the replacement"
    send(registry.chain, load_signer(keystore, signer), call, title, dry_run)
    _show_replacement(registry, old)


def tighten(
    policy: PolicyOption,
    successor: SuccessorOption,
    fund: FundOption,
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Confirm, as a publisher, that an announced policy is nowhere looser; with enough of them it counts at once.

    Checked here first: the new policy must name the old one as its base, which it then may only tighten, and its
    sources report the same instruments.

    Example: proofolio tighten --policy old.json --successor new.json --fund fund.json --network sepolia
    --keystore publisher.keystore
    """
    before, after = Policy.load(policy), Policy.load(successor)
    if after.base is None or after.base.hash != before.hash:
        raise EncodingError(
            f"{successor} does not name {policy} as its base, so that nothing shows that it is nowhere looser; "
            "write the new policy on the old one as its base, or let the notice period pass"
        )
    reported = [{source.name: source.instruments for source in each.sources} for each in (before, after)]
    if reported[0] != reported[1]:
        raise EncodingError(
            f"{successor} lets sources report other instruments than {policy} does, so that what meets it may miss the "
            "old limits on the old instruments; let the notice period pass"
        )
    registry, old = policy_on_chain(policy, fund, network, networks, programs)
    new = _registered_id(registry, successor, fund)
    call = registry.policies.confirm_tightening(old, new)
    send(registry.chain, load_signer(keystore, signer), call, "Confirming that it tightens", dry_run)
    _show_replacement(registry, old)


def suspend(
    policy: PolicyOption,
    fund: FundOption,
    reason: ReasonOption,
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Suspend a fund's compliance, as the fund or as an auditor of the policy.

    Example: proofolio suspend --policy p.json --fund fund.json --reason "a custodian is down" --network sepolia
    --keystore fund.keystore
    """
    registry, name = policy_on_chain(policy, fund, network, networks, programs)
    call = registry.suspend(FundFile.load(fund).fund, name, reason)
    send(registry.chain, load_signer(keystore, signer), call, "Suspending", dry_run)


def resume(
    policy: PolicyOption,
    fund: FundOption,
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """End one's own suspension.

    Example: proofolio resume --policy p.json --fund fund.json --network sepolia --keystore fund.keystore
    """
    registry, name = policy_on_chain(policy, fund, network, networks, programs)
    call = registry.resume(FundFile.load(fund).fund, name)
    send(registry.chain, load_signer(keystore, signer), call, "Resuming", dry_run)


def revoke(
    policy: PolicyOption,
    fund: FundOption,
    epoch: EpochOption,
    reason: ReasonOption,
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Take back an epoch for good, as the fund, an auditor of the policy, or a source that it requires.

    Example: proofolio revoke --policy p.json --fund fund.json --epoch 3 --reason "reported a wallet twice"
    --network sepolia --keystore custodian.keystore
    """
    registry, name = policy_on_chain(policy, fund, network, networks, programs)
    call = registry.revoke(FundFile.load(fund).fund, name, epoch, reason)
    send(registry.chain, load_signer(keystore, signer), call, f"Revoking epoch {epoch}", dry_run)


def policy_on_chain(
    policy: Path, fund: Path, network: str, networks: Path | None, programs: int | None
) -> tuple[Registry, bytes]:
    """The registry of a fund's terms, and the policy's name there. Raises: EncodingError: it is not registered."""
    registry = registry_of(connect(network, networks), FundFile.load(fund))
    return registry, _registered_id(registry, policy, fund, programs)


def _registered_id(registry: Registry, policy: Path, fund: Path, programs: int | None = None) -> bytes:
    """Raises: EncodingError: the policy is not registered, or more than once."""
    found = registered(registry, FundFile.load(fund), Policy.load(policy), programs)
    if found is None:
        raise EncodingError(f"{policy}: this policy is not registered by the fund file's policy owner")
    return found[0]


def _show_replacement(registry: Registry, policy_id: bytes) -> None:
    replacement = registry.policies.replacement(policy_id)
    if replacement is None:
        return
    when = timestamp(replacement.effective_at)
    past = replacement.effective_at <= registry.chain.head()[1]
    console.print(f"0x{replacement.successor.hex()} counts {'since' if past else 'from'} {when}", soft_wrap=True)


__all__ = ["policy_on_chain", "replace", "resume", "revoke", "suspend", "tighten", "veto"]
