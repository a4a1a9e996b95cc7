"""`proofolio liabilities`: make the liability book, verify it, and give each investor their proof."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import Bundle, FundFile, SignedSource, write_file
from attest.errors import EncodingError, ProofRejected
from attest.liabilities import (
    AllOpenings,
    BookFile,
    BookSource,
    Workdir,
    Workers,
    book_commitment,
    read_accounts,
)
from attest.program import slots_hash
from attest.srs import load_setup

from .book_chain import check, publish, submit
from .book_terms import book_source, claims_slots
from .keys import load_key
from .options import (
    DEFAULT_VALIDITY_DAYS,
    BookRootOption,
    FundOption,
    MarketOption,
    PolicyOption,
    ReferenceOption,
    ValidityOption,
    load_layout_terms,
    parse_hash,
    save_source,
)
from .pipeline import Signing, Terms, sign_opening, timestamp
from .second_opinion import ask_reference_about_book
from .terminal import console, naming, progress_bar, step, styled

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


def _book_source(terms: Terms, fund: str, epoch: int) -> BookSource:
    name = book_source(terms)
    if name is None:
        raise EncodingError(
            "the policy has no source in the role liability_book; give the source of the claims that role"
        )
    return BookSource(fund, epoch, name, claims_slots(terms.layout, name))


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
    with progress_bar("reading", "accounts") as report:
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
    with progress_bar("committing", "chunks") as report:
        book.commit(workers, report)
    with progress_bar("proving", "chunks") as report:
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
    reference: ReferenceOption = False,
) -> None:
    """Verify a whole book: every chunk proved, none left out, and all of them what the root stands for.

    Example: proofolio liabilities verify book.json --source investors.source.json --book-root 0x12...
    """
    published = BookFile.load(book)
    if book_root is not None and parse_hash(book_root, "--book-root") != published.root:
        raise ProofRejected("book root", "the registry has another one")
    signed = SignedSource.load(source) if source is not None else None
    registered = signed.source_commitment() if signed is not None else None
    if registered is not None and (registered.fund, registered.epoch) != (published.fund, published.epoch):
        raise ProofRejected("book", "the signed source is of another fund or epoch")
    with naming(book):
        slots = published.terms.slots
    if registered is not None and registered.owned_slots_hash != slots_hash(slots):
        raise ProofRejected("book", "the signed source owns other slots than those of the book's totals")
    with naming(book), progress_bar("verifying", "proofs") as report:
        published.verify(load_setup(), registered.commitment if registered else None, report)
    if reference:
        with naming(book), progress_bar("verifying in plain Python", "proofs") as report:
            ask_reference_about_book(published, signed.commitment if signed else None, report)
    about = f" book of fund {published.fund}, epoch {published.epoch}: {len(published.chunks)} chunks"
    console.print(styled("green", "accepted", f"{about} of at most 4088 accounts"))
    if registered is None:
        console.print("that it is the fund's total was not checked; give --source", style="yellow")
    else:
        console.print("the source's signature and the layout's lots: proofolio verify --book compares them")
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
    with progress_bar("opening", "accounts") as report:
        done = 0
        for i in chunks:
            for name, file in book.all_inclusions(i, openings):
                target = out / f"{name}.json"
                if not target.exists():
                    write_file(target, file.encode(), secret=True)
                done += 1
                report(done, book.ledger.accounts if chunk is None else 0)
    console.print(f"{done:,} files in {out}, named by the hash of the account")


for command in (publish, submit, check):
    app.command()(command)


def check_published_book(terms: Terms, bundle: Bundle, book: BookFile, reference: bool) -> None:
    """A bundle's liability source is the total of a book, which is checked whole.

    Args: reference: by the second verifier too.
    Raises: ProofRejected, EncodingError.
    """
    name = book_source(terms)
    (signed,) = [s for s in bundle.sources if s.source == name]
    source = signed.source_commitment()
    if (int(book.fund, 16), book.epoch) != (int(source.fund, 16), source.epoch) or book.source != name:
        raise ProofRejected("liability book", "it is of another fund, epoch or source than the bundle")
    if book.terms.currencies != claims_slots(terms.layout, name):
        raise ProofRejected("liability book", "its totals stand in other slots, or in other lots, than the layout's")
    with progress_bar("verifying the book", "proofs") as report:
        book.verify(terms.setup, source.commitment, report)
    if reference:
        with progress_bar("verifying the book in plain Python", "proofs") as report:
            ask_reference_about_book(book, signed.commitment, report)


__all__ = ["app", "check_published_book"]
