"""The verbs of `proofolio liabilities` that speak to a chain: publish, submit, and the investor's check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import is_address

from attest.bundle import FundFile
from attest.chain import MOST_CHUNKS, BookStanding, Registry
from attest.errors import EncodingError, ProofRejected
from attest.liabilities import BookFile, InclusionFile, check_inclusion
from attest.program import decimal_string
from attest.srs import load_setup

from .acting import OnFund, grouped
from .chain import BOOK_STANDINGS, NetworksOption, connect, recorded_book_root, registry_of
from .options import ReferenceOption, parse_hash
from .second_opinion import ask_reference_about_inclusion
from .terminal import console, naming, progress_bar, step, styled, table

BookArgument = Annotated[Path, typer.Argument(help="The published book.")]


@grouped
def publish(on: OnFund, book: BookArgument) -> None:
    """Have the registry record the book's root, once for each epoch; as the fund's owner.

    Example: proofolio liabilities publish book/book.json --fund fund.json --network sepolia --keystore fund.keystore
    """
    published, registry = _book_of(book, on), on.registry
    recorded = recorded_book_root(registry, published.fund, published.epoch)
    if recorded == published.root:
        console.print(f"the root of epoch {published.epoch} is on record")
        return
    if recorded is not None:
        raise ProofRejected("book root", f"epoch {published.epoch} has another root on record, for good")
    _verify(published)
    on.send(registry.publish_book(published.fund, published.epoch, published.root), "Publishing the book root")


@grouped
def submit(on: OnFund, book: BookArgument) -> None:
    """Have the chain verify a small book whose root is published, so that nobody needs to do it off chain.

    For up to 8 chunks; anyone may pay for it. Larger books are verified off chain.

    Example: proofolio liabilities submit book/book.json --fund fund.json --network sepolia --keystore fund.keystore
    """
    published = _book_of(book, on)
    if len(published.chunks) > MOST_CHUNKS:
        raise EncodingError(
            f"{book} has {len(published.chunks)} chunks, and a transaction verifies up to {MOST_CHUNKS}; "
            "readers verify this book off chain: proofolio liabilities verify"
        )
    registry = on.registry
    if recorded_book_root(registry, published.fund, published.epoch) != published.root:
        raise ProofRejected("book root", "it is not on record; publish it first: proofolio liabilities publish")
    if registry.book_standing(published.fund, published.epoch) in (BookStanding.NONE, BookStanding.PUBLISHED):
        _verify(published)
        on.send(registry.prove_book(published), "Verifying on chain")
        if on.dry_run:
            return
    _show_standing(registry.book_standing(published.fund, published.epoch))


def check(
    file: Annotated[Path, typer.Argument(help="The investor's file.")],
    fund: Annotated[Path | None, typer.Option("--fund", help="The fund's public terms; with --network.")] = None,
    network: Annotated[
        str | None, typer.Option("--network", help="Where the registry is asked for the book's root.")
    ] = None,
    networks: NetworksOption = None,
    on_chain: Annotated[
        bool,
        typer.Option("--on-chain", help="Have the contract check it too; the node that is asked sees your balance."),
    ] = False,
    book_root: Annotated[
        str | None, typer.Option("--book-root", help="The root, in place of a network; then also address and epoch.")
    ] = None,
    fund_address: Annotated[str | None, typer.Option(help="The fund's address, as you know it.")] = None,
    epoch: Annotated[int | None, typer.Option(help="The epoch that you ask about.")] = None,
    account: Annotated[str | None, typer.Option(help="Your account, to compare.")] = None,
    nonce: Annotated[str | None, typer.Option(help="Your nonce, to compare.")] = None,
    reference: ReferenceOption = False,
) -> None:
    """An investor checks that they are counted. Exit code 0 counted, 1 not, 2 malformed.

    Example: proofolio liabilities check alice.json --fund fund.json --network sepolia --account alice

    Offline: proofolio liabilities check alice.json --book-root 0x12... --fund-address 0xab... --epoch 1
    """
    held = InclusionFile.load(file)
    _compare(held, account=account, nonce=nonce, epoch=epoch)
    registry = None
    if network is not None and fund is not None and book_root is None:
        parties = FundFile.load(fund)
        _same_fund(held, parties.fund)
        registry = registry_of(connect(network, networks), parties)
        latest = _latest_book(registry, parties.fund)
        if epoch is None and held.epoch < latest:
            text = f"the file is of epoch {held.epoch}, and the fund published a book for {latest} too; ask for that"
            raise ProofRejected("epoch", f"{text}, or ask about the old one: --epoch {held.epoch}")
        recorded = recorded_book_root(registry, parties.fund, held.epoch)
        if recorded is None:
            raise ProofRejected("book root", f"the fund has published none for epoch {held.epoch}")
        root = recorded
    elif book_root is not None and fund_address is not None and epoch is not None and network is None and not on_chain:
        _same_fund(held, fund_address)
        root = parse_hash(book_root, "--book-root")
    else:
        raise EncodingError("give --fund and --network, or --book-root, --fund-address and --epoch")
    with step("Reading the ceremony"):
        setup = load_setup()
    with naming(file):
        check_inclusion(setup, held.terms, root, held.key, held.inclusion())
    if reference:
        with naming(file), step("Checking a second time, in plain Python"):
            ask_reference_about_inclusion(held, root)
    if registry is not None and on_chain:
        with step("Asking the contract"):
            registry.check_inclusion(held)
    shown = table(f"Account {held.account} in the book of fund {held.fund}, epoch {held.epoch}", "counted", "at least")
    for balance in held.balances:
        shown.add_row(balance.currency.asset, decimal_string(balance.amount))
    console.print(shown)
    if not held.nonce:
        console.print("no nonce of yours is in it: somebody else may have been shown the same entry", style="yellow")
    standing = registry.book_standing(held.fund, held.epoch) if registry is not None else BookStanding.PUBLISHED
    condition = " if this is your account, your nonce and your balance"
    if standing is not BookStanding.COUNTED:
        console.print(styled("green", "counted", f"{condition}, and the book verifies"))
        console.print("check the book, or rely on somebody who did: proofolio liabilities verify")
    else:
        console.print(styled("green", "counted", condition))
    if registry is not None:
        _show_standing(standing)


def _latest_book(registry: Registry, fund: str) -> int:
    """The last of a fund's epochs with a source set and a book, 0 before the first."""
    epoch = registry.last_epoch(fund)
    while epoch and recorded_book_root(registry, fund, epoch) is None:
        epoch = registry.previous_epoch(fund, epoch)
    return epoch


def _compare(held: InclusionFile, **known: str | int | None) -> None:
    """What the investor knows is what the file says."""
    for field, value in known.items():
        if value is not None and getattr(held, field) != value:
            raise ProofRejected(field, f"the file has another {field} than the one you gave")


def _book_of(book: Path, on: OnFund) -> BookFile:
    published = BookFile.load(book)
    if int(published.fund, 16) != int(on.parties.fund, 16):
        raise EncodingError(f"{book} is of another fund than {on.fund}")
    return published


def _verify(book: BookFile) -> None:
    with progress_bar("verifying", "proofs") as report:
        book.verify(load_setup(), None, report)


def _show_standing(standing: BookStanding) -> None:
    console.print(f"the chain's verdict: {BOOK_STANDINGS[standing]}", soft_wrap=True)


def _same_fund(held: InclusionFile, fund: str) -> None:
    if not is_address(fund):
        raise EncodingError(f"{fund}: an address is 0x and 40 hexadecimal digits")
    if int(held.fund, 16) != int(fund, 16):
        raise ProofRejected("fund", "the file is about another fund")


__all__ = ["check", "publish", "submit"]
