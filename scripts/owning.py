"""The verbs of owners: who acts for a fund, who watches over a policy, and to whom either is handed over."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import FundFile
from attest.chain import Oversight
from attest.errors import EncodingError

from .chain import DryRunOption, NetworkOption, NetworksOption, ProgramsOption, connect, registry_of, send
from .governing import policy_on_chain
from .options import FundOption, KeystoreOption, PolicyOption, SignerOption, parse_address
from .pipeline import timestamp
from .signers import load_signer
from .terminal import console


class What(StrEnum):
    """What has an owner."""

    FUND = "fund"
    POLICY = "policy"


def operator(
    account: Annotated[str, typer.Argument(help="Address that publishes for the fund.")],
    fund: FundOption,
    network: NetworkOption,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="No longer allow it.")] = False,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Allow an address to publish for the fund, so that the owner's key can stay in a drawer; as the fund's owner.

    Example: proofolio operator 0xab... --fund fund.json --network sepolia --keystore owner.keystore
    """
    parties = FundFile.load(fund)
    registry = registry_of(connect(network, networks), parties)
    call = registry.set_operator(parties.fund, parse_address(account, "operator"), not withdraw)
    title = "Withdrawing the operator" if withdraw else "Allowing the operator"
    send(registry.chain, load_signer(keystore, signer), call, title, dry_run)
    acts = registry.acts_for(parties.fund, account)
    console.print(f"{account} {'acts' if acts else 'does not act'} for the fund", soft_wrap=True)


def oversee(
    policy: PolicyOption,
    fund: FundOption,
    network: NetworkOption,
    oversight: Annotated[
        Path | None, typer.Option("--oversight", help="Who is to watch over it: announced, as the owner.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make what was announced count, after the notice.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take the announcement back, as the owner.")] = False,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Change who watches over a policy: announced by its owner, applied by anybody when the notice period is over.

    Example: proofolio oversee --policy p.json --fund fund.json --oversight new.json --network sepolia
    --keystore owner.keystore
    """
    if (oversight is not None) + apply + cancel != 1:
        raise EncodingError("give one of --oversight, --apply and --cancel")
    registry, name = policy_on_chain(policy, fund, network, networks, programs)
    policies = registry.policies
    if oversight is not None:
        call, title = policies.schedule_oversight(name, Oversight.load(oversight)), "Announcing other overseers"
    elif apply:
        call, title = policies.apply_oversight(name), "Changing the overseers"
    else:
        call, title = policies.cancel_oversight(name), "Taking the announcement back"
    send(registry.chain, load_signer(keystore, signer), call, title, dry_run)
    announced = policies.pending_oversight(name)
    if announced is not None:
        listed = ", ".join(announced[0].publishers)
        when = timestamp(announced[1])
        console.print(f"announced: {announced[0].threshold} of {listed}; can be applied from {when}", soft_wrap=True)
    now = policies.oversight(name)
    console.print(f"now: {now.threshold} of {', '.join(now.publishers)}", soft_wrap=True)


def transfer(
    what: Annotated[What, typer.Argument(help="The fund of the fund file, or the policy.")],
    fund: FundOption,
    network: NetworkOption,
    policy: Annotated[Path | None, typer.Option("--policy", help="Policy file, where a policy is handed over.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Address of the new owner: offered, as the owner.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Take what was offered, as the new owner.")] = False,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Hand a fund or a policy over, in two steps, so that none is lost to a mistyped address.

    A policy keeps its name, which holds its first owner's address: fund files go on naming that one.

    Example: proofolio transfer policy --policy p.json --to 0xab... --fund fund.json --network sepolia
    --keystore owner.keystore
    """
    if (to is None) == (not accept):
        raise EncodingError("give --to with the new owner's address, or --accept as the new owner")
    if (policy is None) == (what is What.POLICY):
        raise EncodingError("--policy names the policy that is handed over, and goes with no fund")
    parties, new = FundFile.load(fund), parse_address(to, "--to") if to is not None else None
    if policy is not None:
        registry, name = policy_on_chain(policy, fund, network, networks, programs)
        policies = registry.policies
        call = policies.transfer(name, new) if new is not None else policies.accept(name)
    else:
        registry, own = registry_of(connect(network, networks), parties), parties.fund
        call = registry.transfer_fund(own, new) if new is not None else registry.accept_fund(own)
    title = f"Offering the {what}" if new is not None else f"Accepting the {what}"
    send(registry.chain, load_signer(keystore, signer), call, title, dry_run)
    if not dry_run:
        owner = registry.policies.owner(name) if policy is not None else registry.fund_owner(parties.fund)
        console.print(f"owner {owner}", soft_wrap=True)


__all__ = ["operator", "oversee", "transfer"]
