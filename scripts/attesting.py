"""The verbs of an attestation: key, commit, prove, verify. They need no chain."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import Bundle, FundFile, OpeningFile, SignedSource, key_document, write_file
from attest.errors import EncodingError, ProofRejected
from attest.liabilities import BookFile
from attest.statement import NO_HASH
from attest.wallet import WalletFile
from optimizer.policy import Holdings

from .book_terms import needed_book_root
from .keys import load_key
from .liabilities import check_published_book
from .options import (
    DEFAULT_VALIDITY_DAYS,
    BookOption,
    BookRootOption,
    FundOption,
    HoldingsOption,
    MarketOption,
    OutOption,
    PolicyOption,
    PreviousBundleOption,
    PreviousMarketOption,
    PreviousPolicyOption,
    PreviousSetOption,
    ReferenceOption,
    ValidityOption,
    WalletOption,
    load_layout_terms,
    load_terms,
    parse_hash,
    parse_root,
    save_source,
    trusted_source_set,
)
from .pipeline import (
    PreviousEpoch,
    Signing,
    commit_source,
    needed_public_values,
    prove_bundle,
    timestamp,
    verify_bundle,
)
from .second_opinion import ask_reference
from .terminal import console, naming, step, styled, table


def key(
    market: MarketOption,
    policy: PolicyOption,
    out: Annotated[Path | None, typer.Option(help="Write the keys here.")] = None,
    check: Annotated[
        list[str] | None, typer.Option(help="A digest to compare with, 0x and 64 digits; once for each program.")
    ] = None,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
) -> None:
    """Compute the statement keys of a policy on a market, one for each program: public, recomputable by anyone.

    Example: proofolio key --market market.json --policy policy.json --check 0x12...
    """
    terms = load_terms(market, policy, previous_market, previous_policy)
    with step("Computing the statement keys"):
        keys = terms.keys
    if out:
        write_file(out, key_document(keys), secret=False)
    for digest, key in zip(terms.digests, keys, strict=True):
        console.print(f"digest 0x{digest.hex()}", soft_wrap=True)
        console.print(f"{key.size} slots, {key.row_count} rows, packing {key.parameters.packing}")
    console.print(f"policy 0x{terms.compiled.policy_hash.hex()}", soft_wrap=True)
    console.print(f"market 0x{terms.compiled.market_hash.hex()}", soft_wrap=True)
    console.print(f"layout 0x{terms.layout.hash.hex()}", soft_wrap=True)
    if check and tuple(parse_hash(text, "--check") for text in check) != terms.digests:
        count = len(terms.digests)
        detail = f"this policy and market have other digests; give --check once for each of the {count}, in order"
        raise ProofRejected("statement key", detail)


def commit(
    market: MarketOption,
    policy: PolicyOption,
    holdings: HoldingsOption,
    fund: FundOption,
    source: Annotated[str, typer.Option(help="Name of the source that signs.")],
    epoch: Annotated[int, typer.Option(min=1, help="Number of the epoch.")],
    keystore: Annotated[Path, typer.Option(envvar="PROOFOLIO_KEYSTORE", help="Encrypted key of the source.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for NAME.source.json and NAME.opening.json.")] = Path(),
    valid_days: ValidityOption = DEFAULT_VALIDITY_DAYS,
) -> None:
    """A source commits to what it holds and signs: a public commitment and a secret opening.

    Example: proofolio commit --market m.json --policy p.json --holdings h.json --fund fund.json
    --source custodian-a --epoch 1 --keystore custodian-a.keystore
    """
    terms = load_layout_terms(market, policy)
    signing = Signing(FundFile.load(fund), epoch, int(time.time()) + 86400 * valid_days)
    opening, signed = commit_source(terms, Holdings.load(holdings), source, load_key(keystore), signing)
    start = save_source(opening, signed, out)
    console.print(f"{start}.source.json: public commitment, signed, valid until {timestamp(signing.expiry)}")
    console.print(f"{start}.opening.json: secret, readable by you only; the prover needs it")


def prove(
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    sources: Annotated[list[Path], typer.Option("--source", help="A NAME.source.json; once for each source.")],
    openings: Annotated[list[Path], typer.Option("--opening", help="A NAME.opening.json; once for each source.")],
    out: OutOption,
    valid_days: ValidityOption = DEFAULT_VALIDITY_DAYS,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
    previous_sources: Annotated[
        list[Path] | None, typer.Option("--previous-source", help="A NAME.source.json of the previous epoch.")
    ] = None,
    previous_openings: Annotated[
        list[Path] | None, typer.Option("--previous-opening", help="A NAME.opening.json of the previous epoch.")
    ] = None,
    previous_wallet: Annotated[
        Path | None, typer.Option("--previous-wallet", help="What the registry read at the addresses before.")
    ] = None,
    book: BookOption = None,
    book_root: BookRootOption = None,
    wallet: WalletOption = None,
) -> None:
    """Prove that the committed holdings keep the policy. Refuses, and names the limit, when they do not.

    A policy that compares epochs also needs the files of the fund's last registered epoch (--previous-...).

    Example: proofolio prove --market m.json --policy p.json --fund fund.json --source a.source.json
    --opening a.opening.json --out bundle.json
    """
    terms = load_terms(market, policy, previous_market, previous_policy)
    signed = [SignedSource.load(path) for path in sources]
    opened = [OpeningFile.load(path) for path in openings]
    before = None
    if previous_sources or previous_openings:
        before = PreviousEpoch(
            tuple(OpeningFile.load(path) for path in previous_openings or ()),
            tuple(SignedSource.load(path) for path in previous_sources or ()),
            _wallet(previous_wallet),
        )
    if (before is None) != (terms.compiled.previous_layout is None):
        raise EncodingError(
            "a policy that compares epochs needs --previous-source and --previous-opening, once for each source of the "
            "previous epoch, and no other policy takes them"
        )
    with step("Computing the statement keys"):
        digests = terms.digests
    root = needed_book_root(terms, parse_root(book, book_root))
    expiry = int(time.time()) + 86400 * valid_days
    with step("Proving"):
        bundle = prove_bundle(terms, FundFile.load(fund), opened, signed, expiry, before, root, _wallet(wallet))
    bundle.save(out)
    for digest in digests:
        console.print(f"statement 0x{digest.hex()}", soft_wrap=True)
    console.print(f"{out}: {proofs_in_words(len(digests))}, valid until {timestamp(expiry)}")


def _wallet(path: Path | None) -> WalletFile | None:
    return WalletFile.load(path) if path is not None else None


def proofs_in_words(count: int) -> str:
    """How many proofs a policy has."""
    return "one proof" if count == 1 else f"{count} proofs, which count together"


def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle of proofs.")],
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    allow_expired: Annotated[bool, typer.Option(help="Also accept proofs whose validity has passed.")] = False,
    reference: ReferenceOption = False,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
    previous_source_set: PreviousSetOption = None,
    previous_bundle: PreviousBundleOption = None,
    book: BookOption = None,
    book_root: BookRootOption = None,
    wallet: WalletOption = None,
) -> None:
    """Verify a bundle of proofs from public files alone. Exit code 0 accepted, 1 rejected, 2 malformed.

    A policy that compares epochs also needs the previous epoch's market, and its source set from a record you trust.
    One with a liability book needs the book, which is then checked whole, or its root from the registry. One that has
    the fund's addresses read needs what the registry read, from `proofolio wallet read` or `proofolio wallet show`.

    Example: proofolio verify bundle.json --market market.json --policy policy.json --fund fund.json
    """
    parsed, terms_file = Bundle.load(bundle), FundFile.load(fund)
    terms = load_terms(market, policy, previous_market, previous_policy)
    before = trusted_source_set(terms, previous_source_set, previous_bundle)
    with step("Recomputing the statement keys"):
        digests = terms.digests
    published = BookFile.load(book) if book is not None else None
    root = needed_book_root(terms, parse_root(book, book_root))
    values = needed_public_values(terms.layout, _wallet(wallet), terms_file, parsed.epoch)
    terms_file.requirements(terms.duties)  # what is wrong with it is not the bundle's fault
    with naming(bundle):
        verify_bundle(terms, terms_file, parsed, None if allow_expired else int(time.time()), before, root, values)
    if book is not None and published is not None:
        with naming(book):
            check_published_book(terms, parsed, published, reference)
    if reference:
        with step("Verifying a second time, in plain Python"):
            ask_reference(terms, terms_file, parsed, root)
    for digest in digests:
        console.print(styled("green", "accepted", f" statement 0x{digest.hex()}"), soft_wrap=True)
    shown = table(f"Fund {terms_file.fund}, epoch {parsed.epoch}, holdings of {terms.compiled.market.as_of}", "proved")
    for sentence in terms.compiled.policy.sentences().values():
        shown.add_row(sentence)
    console.print(shown)
    compared = parsed.previous_set()
    if compared is not None:
        console.print(f"compared with epoch {compared.epoch}, source set 0x{compared.hash.hex()}", soft_wrap=True)
    if published is not None:
        console.print(f"liability book: {len(published.chunks)} chunks, all proved and counted")
    elif root != NO_HASH:
        console.print("the liability book itself was not checked; give --book to check it", style="yellow")
    console.print(f"source set 0x{parsed.source_set().hash.hex()}", soft_wrap=True)
    console.print(f"signed by {', '.join(s.source for s in parsed.sources)}; valid until {timestamp(parsed.expiry)}")


__all__ = ["commit", "key", "prove", "verify"]
