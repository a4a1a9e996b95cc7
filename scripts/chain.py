"""The verbs `publish` and `status`, and how all verbs reach a chain."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import Bundle, FundFile
from attest.chain import (
    AccountSlot,
    BookStanding,
    Call,
    Chain,
    Journal,
    Published,
    Publisher,
    Registry,
    Signer,
    Submission,
    load_network,
)
from attest.errors import EncodingError, ProofRejected
from attest.registration import policy_id
from attest.wallet import WalletFile
from optimizer.policy import CompiledPolicy, Policy

from .book_terms import needed_book_root
from .options import (
    FundOption,
    JournalOption,
    KeystoreOption,
    MarketOption,
    PolicyOption,
    PreviousMarketOption,
    PreviousPolicyOption,
    SignerOption,
    load_terms,
)
from .pipeline import (
    PublicValues,
    duties_of,
    needed_public_values,
    timestamp,
    verify_bundle,
)
from .signers import load_signer
from .terminal import REJECTED, console, remark, step, styled, table, yes_no

BOOK_STANDINGS = {
    BookStanding.NONE: "no book is published",
    BookStanding.PUBLISHED: "the book's root is on record; the book itself is to be verified off chain",
    BookStanding.PROVED: "the book is verified on chain; its total in these lots is not, or not yet, in the source set",
    BookStanding.COUNTED: "the book is verified on chain, and its total is in the fund's source set, in approved lots",
}

PUBLISHING = "Publishing"
NO_ADDRESS = f"0x{0:040x}"
MAX_PROGRAMS = 16
"""Up to how many programs `status` looks for a policy; its file alone does not tell their number."""

NetworkOption = Annotated[str, typer.Option("--network", help="sepolia, hoodi, anvil, or a network of --networks.")]
NetworksOption = Annotated[
    Path | None,
    typer.Option("--networks", envvar="PROOFOLIO_NETWORKS", help="TOML file with networks of your own."),
]
ProgramsOption = Annotated[
    int | None, typer.Option("--programs", min=1, max=MAX_PROGRAMS, help="Number of the policy's programs.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Simulate and estimate; send nothing.")]


def connect(name: str, networks: Path | None) -> Chain:
    """A network by its name. Raises: EncodingError: none that outlives a command; NetworkError: it does not answer."""
    network = load_network(name, networks)
    if network.embedded:
        raise EncodingError(
            f"network {name!r} lives and dies with one command; use anvil, a test network, or `proofolio demo`"
        )
    with step(f"Reaching {name}, chain {network.chain_id}"):
        return Chain.connect(network, note=remark)


def registry_of(chain: Chain, fund: FundFile) -> Registry:
    """The registry of a fund's terms. Raises: EncodingError: it stands on another chain; NetworkError: not there."""
    if fund.chain_id != chain.network.chain_id:
        raise EncodingError(
            f"the fund file is of chain {fund.chain_id}, network {chain.network.name!r} is chain "
            f"{chain.network.chain_id}; choose the network of the fund's registry"
        )
    return Registry(chain, fund.registry)


def id_of(fund: FundFile, policy: Policy, programs: int) -> bytes:
    return policy_id(fund.policy_owner, policy.hash, fund.requirements(duties_of(policy)), programs)


def registered(
    registry: Registry, fund: FundFile, policy: Policy, programs: int | None = None
) -> tuple[bytes, int] | None:
    """A policy's id and its number of programs, None where it is not registered.

    Args: programs: their number, where one knows it.
    Raises: EncodingError: it is registered with several, each a policy of its own with overseers of its own.
    """
    counts = range(1, MAX_PROGRAMS + 1) if programs is None else [programs]
    found = {count: id_of(fund, policy, count) for count in counts}
    known = [(name, count) for count, name in found.items() if registry.policies.has(name)]
    if len(known) > 1:
        listed = ", ".join(str(count) for _, count in known)
        raise EncodingError(f"the policy is registered with {listed} programs; say with --programs which one you mean")
    return known[0] if known else None


def check_signer(signer: Signer, keystore: Path | None, expected: str, who: str) -> None:
    """Raises: EncodingError: the signer has another address."""
    if signer.address.lower() != expected.lower():
        where = "the key" if keystore is None else str(keystore)
        raise EncodingError(f"{where}: belongs to {signer.address}; {who} is {expected}")


def send(chain: Chain, signer: Signer, call: Call, title: str, dry_run: bool) -> None:
    """Send a transaction and say what came of it, or what it would cost. Raises: Reverted."""
    if dry_run:
        quote = chain.quote(call, signer.address)
        cost = f"{quote.gas:,} gas at most, {quote.ether:.6f} ether at most"
        console.print(f"{title}: {cost}; nothing was sent", soft_wrap=True)
        return
    with step(title):
        receipt = chain.execute(signer, call)
    console.print(
        f"block {receipt.block}, {receipt.gas_used:,} gas, transaction 0x{receipt.hash.hex()}", soft_wrap=True
    )


def account_slots_of(compiled: CompiledPolicy) -> tuple[AccountSlot, ...]:
    """What a policy has read at the fund's addresses, as the registry is told."""
    return tuple(AccountSlot(read.slot, read.token or NO_ADDRESS, int(read.lot)) for read in compiled.wallet_slots)


def publish(
    bundle: Annotated[Path, typer.Argument(help="The bundle of proofs.")],
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    journal: JournalOption = "journal.sqlite",
    retry: Annotated[bool, typer.Option("--retry", help="Replace a submission that failed for good.")] = False,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
    networks: NetworksOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Verify a bundle and have the registry record its proofs, each once; run it again after any interruption.

    All proofs of the policy go out in one transaction; the command ends when it is final. It fixes the epoch's source
    set, which only the fund's owner and operators can do. A policy that compares epochs is compared with the registry's
    record.

    Example: proofolio publish bundle.json --market m.json --policy p.json --fund fund.json --network sepolia
    --keystore fund.keystore
    """
    parsed, parties = Bundle.load(bundle), FundFile.load(fund)
    terms = load_terms(market, policy, previous_market, previous_policy)
    registry = registry_of(connect(network, networks), parties)
    compares = terms.compiled.previous_layout is not None
    before = _recorded_before(registry, parties.fund, parsed.epoch) if compares else None
    root = needed_book_root(terms, recorded_book_root(registry, parties.fund, parsed.epoch))
    name = id_of(parties, terms.compiled.policy, len(terms.digests))
    values = recorded_public_values(registry, parties, name, parsed.epoch, terms.compiled)
    with step("Verifying before it is published"):
        verify_bundle(terms, parties, parsed, int(time.time()), before, root, values)
    submission = Submission.of_bundle(parsed, parties, name, terms.keys, terms.owned_slots)
    who = load_signer(keystore, signer)
    if dry_run:
        send(registry.chain, who, registry.submit(submission), PUBLISHING, dry_run)
        return
    opened = Journal(journal)
    try:
        with step(PUBLISHING):
            published = Publisher(registry, opened, who, remark).publish(submission, retry=retry)
    finally:
        opened.close()
    _show_published(published)


def recorded_book_root(registry: Registry, fund: str, epoch: int) -> bytes | None:
    """The root of a fund's liability book as the registry has it, None before it is published."""
    root = registry.book_root(fund, epoch)
    return root if any(root) else None


def recorded_wallet(
    registry: Registry, fund: FundFile, policy_id: bytes, epoch: int, compiled: CompiledPolicy
) -> WalletFile | None:
    """What was read at a fund's addresses as the chain has it, None before that or where the policy has no wallet.

    Raises: ProofRejected: the publishers approved that something else is read, or gave values themselves.
    """
    if not compiled.wallet_slots:
        return None
    approved = registry.policies.approved_slots(policy_id, epoch)
    if approved is None:
        return None
    if approved != ({}, account_slots_of(compiled)):
        detail = "the publishers approved other slots, tokens or lots than this policy has on this market"
        raise ProofRejected("public slots", detail)
    lots = registry.accounts.values(fund.fund, policy_id, epoch)
    return WalletFile.of(compiled.layout, fund, epoch, lots) if lots is not None else None


def recorded_public_values(
    registry: Registry, fund: FundFile, policy_id: bytes, epoch: int, compiled: CompiledPolicy
) -> PublicValues:
    """The values of an epoch's public slots as the chain has them.

    Raises: ProofRejected: the fund's addresses were not read, or not as this policy has it.
    """
    wallet = recorded_wallet(registry, fund, policy_id, epoch, compiled)
    if wallet is None and compiled.wallet_slots:
        raise ProofRejected("public slots", "the fund's addresses were not read for this epoch: proofolio wallet read")
    return needed_public_values(compiled.layout, wallet, fund, epoch)


def _recorded_before(registry: Registry, fund: str, epoch: int) -> bytes:
    """Hash of the source set that an epoch is compared with. Raises: ProofRejected: it is the fund's first."""
    fixed = any(registry.source_set(fund, epoch))
    before = registry.previous_epoch(fund, epoch) if fixed else registry.last_epoch(fund)
    if not before:
        detail = "the fund has no earlier one on record; publish a first epoch under a policy that compares none"
        raise ProofRejected("previous epoch", detail)
    return registry.source_set(fund, before)


def _show_published(published: Published) -> None:
    how = "by somebody else"
    if published.transaction is not None:
        how = f"{published.gas_used:,} gas, transaction {published.transaction}"
    console.print(styled("green", "recorded", f" in block {published.block}, {how}"), soft_wrap=True)


def status(
    policy: PolicyOption,
    fund: FundOption,
    network: NetworkOption,
    networks: NetworksOption = None,
    programs: ProgramsOption = None,
) -> None:
    """What an investor sees: whether the fund keeps the policy now. Exit code 1 when it does not.

    Example: proofolio status --policy policy.json --fund fund.json --network sepolia
    """
    parties, rules = FundFile.load(fund), Policy.load(policy)
    registry = registry_of(connect(network, networks), parties)
    name, programs = registered(registry, parties, rules, programs) or (id_of(parties, rules, 1), 0)
    answer = registry.status(parties.fund, name)
    shown = table(f"Fund {parties.fund} under {rules.name}", "", "")
    shown.add_row("compliant", yes_no(answer.compliant))
    if answer.suspended:
        shown.add_row("suspended", answer.suspended)
    if answer.replaced:
        shown.add_row("policy", "replaced by another")
    if answer.epoch:
        revoked = registry.is_revoked(parties.fund, name, answer.epoch)
        shown.add_row("latest proved epoch", f"{answer.epoch}{', revoked' if revoked else ''}")
        if not revoked:
            shown.add_row("valid until", timestamp(answer.expiry))
        if answer.since:
            shown.add_row("compliant since", timestamp(answer.since))
        shown.add_row("recorded in block", str(answer.attested_block))
        shown.add_row("epochs proved so far", str(len(registry.history(parties.fund, name))))
    else:
        shown.add_row("latest proved epoch", "none")
    approved = registry.policies.approved_epoch(name)
    if approved:
        attested, _ = registry.attested(parties.fund, name, approved)
        shown.add_row(f"proofs in, epoch {approved}", f"{len(attested)} of {programs}")
    shown.add_row("asked at block", f"{answer.block}, {timestamp(answer.time)}")
    console.print(shown)
    if answer.epoch and any(source.role == "liability_book" for source in rules.sources):
        console.print(BOOK_STANDINGS[registry.book_standing(parties.fund, answer.epoch)], soft_wrap=True)
    console.print(f"policy 0x{name.hex()}" if programs else "the policy is not registered", soft_wrap=True)
    if answer.replaced:
        console.print(f"replaced by 0x{registry.policies.current(name).hex()}", soft_wrap=True)
    _show_source_sets(registry, parties.fund)
    if not answer.compliant:
        raise typer.Exit(REJECTED)


def _show_source_sets(registry: Registry, fund: str) -> None:
    """The last one, which the next epoch is compared with, and the one that it is compared with itself."""
    last = registry.last_epoch(fund)
    for epoch in (last, registry.previous_epoch(fund, last)):
        if epoch:
            console.print(f"source set of epoch {epoch} 0x{registry.source_set(fund, epoch).hex()}", soft_wrap=True)


__all__ = [
    "BOOK_STANDINGS",
    "DryRunOption",
    "NetworkOption",
    "NetworksOption",
    "ProgramsOption",
    "account_slots_of",
    "check_signer",
    "connect",
    "id_of",
    "publish",
    "recorded_book_root",
    "recorded_public_values",
    "recorded_wallet",
    "registered",
    "registry_of",
    "send",
    "status",
]
