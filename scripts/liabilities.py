"""`proofolio liabilities`: make the liability book, publish it, and let each investor check that they are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import is_address
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from attest.bundle import Bundle, FundFile, SignedSource, write_file
from attest.chain import Reverted
from attest.errors import EncodingError, ProofRejected
from attest.liabilities import (
    AllOpenings,
    BookFile,
    BookSource,
    ClaimsSlot,
    InclusionFile,
    Workdir,
    Workers,
    book_commitment,
    check_inclusion,
    read_accounts,
)
from attest.liabilities.verifier import Progress as Report
from attest.program import decimal_string, slots_hash
from attest.srs import load_setup

from .chain import (
    DryRunOption,
    KeystoreOption,
    NetworkOption,
    NetworksOption,
    connect,
    recorded_book_root,
    registry_of,
    send,
)
from .keys import load_key
from .options import (
    DEFAULT_VALIDITY_DAYS,
    BookRootOption,
    FundOption,
    MarketOption,
    PolicyOption,
    ValidityOption,
    load_layout_terms,
    parse_hash,
    save_source,
)
from .pipeline import Signing, Terms, book_source, sign_opening, timestamp
from .terminal import console, step, table

app = typer.Typer(
    help="The liability book: prove what is owed to investors, and let each of them check that they are counted.",
    no_args_is_help=True,
)
WorkOption = Annotated[Path, typer.Option("--work", help="Work directory of the book. Secret: keep it.")]
ProcessesOption = Annotated[
    int | None, typer.Option("--processes", min=1, help="Worker processes; default: one for each core.")
]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Dask scheduler, tcp://host:8786, instead of local processes.")
]


@contextmanager
def _bar(title: str, unit: str) -> Iterator[Report]:
    """A progress bar with rate and time left."""
    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None, rate="")
        started = time.perf_counter()

        def report(done: int, total: int) -> None:
            rate = done / max(time.perf_counter() - started, 1e-9)
            progress.update(task, completed=done, total=total or None, rate=f"{rate:,.1f} {unit}/s")

        yield report
        if not progress.tasks[task].completed:
            progress.update(task, total=1, completed=1)  # nothing was left to do


def _book_source(terms: Terms, fund: str, epoch: int) -> BookSource:
    name = book_source(terms)
    if name is None:
        raise EncodingError(
            "the policy has no source in the role liability_book; give the source of the claims that role"
        )
    return BookSource(fund, epoch, name, _claims_slots(terms, name))


def _claims_slots(terms: Terms, source: str) -> tuple[ClaimsSlot, ...]:
    layout = terms.layout
    return tuple(ClaimsSlot(slot, layout[slot].asset, layout[slot].lot) for slot in layout.owned_by(source))


@app.command()
def prepare(
    accounts: Annotated[str, typer.Argument(help="CSV or Parquet file, or an SQLAlchemy URL with --query.")],
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    epoch: Annotated[int, typer.Option(min=1, help="Number of the epoch.")],
    work: WorkOption,
    query: Annotated[str | None, typer.Option(help="SELECT for a URL.")] = None,
    account: Annotated[str, typer.Option(help="Column of account names.")] = "account",
    nonce: Annotated[
        str | None, typer.Option(help="Column of the investors' nonces; default: nonce, if it is there.")
    ] = None,
    least_chunks: Annotated[int, typer.Option(min=1, help="Fill up to so many chunks, to hide the count.")] = 1,
) -> None:
    """Read the accounts: one row each, with a column of balances for each instrument of the book's source.

    Balances are rounded up to whole lots. Accounts are put in a secret order and filled up with empty ones.

    Example: proofolio liabilities prepare accounts.csv --market m.json --policy p.json --fund fund.json
    --epoch 1 --work book
    """
    terms = load_layout_terms(market, policy)
    source = _book_source(terms, FundFile.load(fund).fund, epoch)
    with _bar("reading", "accounts") as report:
        read = read_accounts(accounts, source.columns, account=account, nonce=nonce, query=query)
        book = Workdir.create(work, source, read, least_chunks=least_chunks, progress=lambda count: report(count, 0))
    console.print(f"{book.ledger.accounts:,} accounts in {book.terms.count} chunks; {work} holds them and is secret")


@app.command()
def prove(work: WorkOption, processes: ProcessesOption = None, scheduler: SchedulerOption = None) -> None:
    """Commit to every chunk and prove it. Stopped at any point, it goes on from there when it is run again.

    Example: proofolio liabilities prove --work book
    """
    book = Workdir.open(work)
    workers = Workers(processes, scheduler)
    with _bar("committing", "chunks") as report:
        book.commit(workers, report)
    with _bar("proving", "chunks") as report:
        book.prove(workers, report)
    published = book.book()
    published.save(work / "book.json")
    console.print(f"root 0x{published.root.hex()}", soft_wrap=True)
    console.print(f"{work / 'book.json'}: public; publish its root before you hand out any inclusion proof")


@app.command()
def sign(
    work: WorkOption,
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    keystore: Annotated[Path, typer.Option(envvar="PROOFOLIO_KEYSTORE", help="Encrypted key of the book's source.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for NAME.source.json and NAME.opening.json.")] = Path(),
    valid_days: ValidityOption = DEFAULT_VALIDITY_DAYS,
) -> None:
    """Sign the book's total as a source of the fund's holdings; nobody learns it.

    Example: proofolio liabilities sign --work book --market m.json --policy p.json --fund fund.json
    --keystore administrator.keystore
    """
    terms, book, parties = load_layout_terms(market, policy), Workdir.open(work), FundFile.load(fund)
    source = _book_source(terms, parties.fund, book.terms.epoch)
    if (source.fund, source.source) != (book.terms.fund, book.secret.source):
        raise EncodingError(f"{work} was made for another fund or source")
    if source.currencies != book.terms.currencies:
        raise EncodingError(f"{work} was made with other instruments or lots than this policy's; prepare it again")
    signing = Signing(parties, book.terms.epoch, int(time.time()) + 86400 * valid_days)
    with step("Adding up the chunks"):
        total = book.opening()
        if total.commitment(terms.setup) != book_commitment(book.commitments()):
            raise ProofRejected("book total", "the work directory is damaged; prepare it again")
    opening, signed = sign_opening(terms, total, load_key(keystore), signing)
    start = save_source(opening, signed, out)
    console.print(f"{start}.source.json: public, signed, valid until {timestamp(signing.expiry)}")
    console.print(f"{start}.opening.json: secret; it holds the totals, and the prover needs it")


@app.command()
def verify(
    book: Annotated[Path, typer.Argument(help="The published book.")],
    source: Annotated[
        Path | None, typer.Option("--source", help="NAME.source.json that must be the book's total.")
    ] = None,
    book_root: BookRootOption = None,
) -> None:
    """Verify a whole book: every chunk proved, none left out, and all of them what the root stands for.

    Example: proofolio liabilities verify book.json --source investors.source.json --book-root 0x12...
    """
    published = BookFile.load(book)
    if book_root is not None and parse_hash(book_root, "--book-root") != published.root:
        raise ProofRejected("book root", "the registry has another one")
    registered = SignedSource.load(source).source_commitment() if source is not None else None
    if registered is not None and (registered.fund, registered.epoch) != (published.fund, published.epoch):
        raise ProofRejected("book", "the signed source is of another fund or epoch")
    if registered is not None and registered.owned_slots_hash != slots_hash(published.terms.slots):
        raise ProofRejected("book", "the signed source owns other slots than those of the book's totals")
    with _bar("verifying", "proofs") as report:
        published.verify(load_setup(), registered.commitment if registered else None, report)
    console.print(
        f"[green]accepted[/] book of fund {published.fund}, epoch {published.epoch}: "
        f"{len(published.chunks)} chunks of at most 4088 accounts"
    )
    if registered is None:
        console.print("[yellow]that it is the fund's total was not checked; give --source[/]")
    if book_root is None:
        console.print(f"root 0x{published.root.hex()}; compare it with the registry's", soft_wrap=True)


@app.command()
def inclusion(
    work: WorkOption,
    account: Annotated[str, typer.Option(help="The account's name.")],
    out: Annotated[Path, typer.Option("--out", help="File to write; it is the investor's alone.")],
) -> None:
    """The proof for one investor that their balance is in the book.

    Example: proofolio liabilities inclusion --work book --account alice --out alice.json
    """
    write_file(out, Workdir.open(work).inclusion(account).encode(), secret=True)
    console.print(f"{out}: for this investor only; it says what they own")


@app.command()
def inclusions(
    work: WorkOption,
    out: Annotated[Path, typer.Option("--out", help="Folder to fill, one file for each account.")],
    chunk: Annotated[int | None, typer.Option(min=0, help="Only this chunk.")] = None,
) -> None:
    """The proofs for all investors, a chunk at a time: half a minute for 4088 of them.

    Example: proofolio liabilities inclusions --work book --out inclusions
    """
    book = Workdir.open(work)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    chunks = [chunk] if chunk is not None else list(range(book.terms.count))
    with step("Preparing"):
        openings = AllOpenings(load_setup())
    with _bar("opening", "accounts") as report:
        done = 0
        for i in chunks:
            for name, file in book.all_inclusions(i, openings):
                target = out / f"{name}.json"
                if not target.exists():
                    write_file(target, file.encode(), secret=True)
                done += 1
                report(done, book.ledger.accounts if chunk is None else 0)
    console.print(f"{done:,} files in {out}, named by the hash of the account")


@app.command()
def publish(
    book: Annotated[Path, typer.Argument(help="The published book.")],
    fund: FundOption,
    network: NetworkOption,
    keystore: KeystoreOption,
    networks: NetworksOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Have the registry record the book's root, once for each epoch; as the fund's owner.

    Example: proofolio liabilities publish book/book.json --fund fund.json --network sepolia --keystore fund.keystore
    """
    published, parties = BookFile.load(book), FundFile.load(fund)
    if int(published.fund, 16) != int(parties.fund, 16):
        raise EncodingError(f"{book} is of another fund than {fund}")
    registry = registry_of(connect(network, networks), parties)
    recorded = recorded_book_root(registry, parties.fund, published.epoch)
    if recorded == published.root:
        console.print(f"the root of epoch {published.epoch} is on record")
        return
    if recorded is not None:
        raise ProofRejected("book root", f"epoch {published.epoch} has another root on record, for good")
    with _bar("verifying", "proofs") as report:
        published.verify(load_setup(), None, report)
    call = registry.publish_book(parties.fund, published.epoch, published.root)
    try:
        send(registry.chain, load_key(keystore), call, "Publishing the book root", dry_run)
    except Reverted as refusal:
        raise ProofRejected("the registry", str(refusal)) from refusal


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The investor's file.")],
    fund: Annotated[Path | None, typer.Option("--fund", help="The fund's public terms; with --network.")] = None,
    network: Annotated[
        str | None, typer.Option("--network", help="Where the registry is asked for the book's root.")
    ] = None,
    networks: NetworksOption = None,
    book_root: Annotated[
        str | None, typer.Option("--book-root", help="The root, in place of a network; then also address and epoch.")
    ] = None,
    fund_address: Annotated[str | None, typer.Option(help="The fund's address, as you know it.")] = None,
    epoch: Annotated[int | None, typer.Option(help="The epoch that you ask about.")] = None,
    account: Annotated[str | None, typer.Option(help="Your account, to compare.")] = None,
    nonce: Annotated[str | None, typer.Option(help="Your nonce, to compare.")] = None,
) -> None:
    """An investor checks that they are counted. Exit code 0 counted, 1 not, 2 malformed.

    Example: proofolio liabilities check alice.json --fund fund.json --network sepolia --account alice

    Offline: proofolio liabilities check alice.json --book-root 0x12... --fund-address 0xab... --epoch 1
    """
    held = InclusionFile.load(file)
    if account is not None and held.account != account:
        raise ProofRejected("account", "the file is about another account than yours")
    if nonce is not None and held.nonce != nonce:
        raise ProofRejected("nonce", "the file has another nonce than yours")
    if epoch is not None and held.epoch != epoch:
        raise ProofRejected("epoch", "the file is about another epoch")
    if network is not None and fund is not None and book_root is None:
        parties = FundFile.load(fund)
        _same_fund(held, parties.fund)
        recorded = recorded_book_root(registry_of(connect(network, networks), parties), parties.fund, held.epoch)
        if recorded is None:
            raise ProofRejected("book root", f"the fund has published none for epoch {held.epoch}")
        root = recorded
    elif book_root is not None and fund_address is not None and epoch is not None and network is None:
        _same_fund(held, fund_address)
        root = parse_hash(book_root, "--book-root")
    else:
        raise EncodingError("give --fund and --network, or --book-root, --fund-address and --epoch")
    with step("Reading the ceremony"):
        setup = load_setup()
    check_inclusion(setup, held.terms, root, held.key, held.inclusion())
    shown = table(f"Account {held.account} in the book of fund {held.fund}, epoch {held.epoch}", "counted", "at least")
    for balance in held.balances:
        shown.add_row(balance.currency.asset, decimal_string(balance.amount))
    console.print(shown)
    if not held.nonce:
        console.print("[yellow]no nonce of yours is in it: somebody else may have been shown the same entry[/]")
    console.print("[green]counted[/] if this is your account, your nonce and your balance, and the book verifies")


def _same_fund(held: InclusionFile, fund: str) -> None:
    if not is_address(fund):
        raise EncodingError(f"{fund}: an address is 0x and 40 hexadecimal digits")
    if int(held.fund, 16) != int(fund, 16):
        raise ProofRejected("fund", "the file is about another fund")


def check_published_book(terms: Terms, bundle: Bundle, book: BookFile) -> None:
    """A bundle's liability source is the total of a book, which is checked whole.

    Raises: ProofRejected, EncodingError.
    """
    name = book_source(terms)
    (signed,) = [s for s in bundle.sources if s.source == name]
    source = signed.source_commitment()
    if (int(book.fund, 16), book.epoch) != (int(source.fund, 16), source.epoch) or book.source != name:
        raise ProofRejected("liability book", "it is of another fund, epoch or source than the bundle")
    if book.terms.currencies != _claims_slots(terms, source.source):
        raise ProofRejected("liability book", "its totals stand in other slots, or in other lots, than the layout's")
    with _bar("verifying the book", "proofs") as report:
        book.verify(terms.setup, source.commitment, report)


__all__ = ["app", "check_published_book"]
