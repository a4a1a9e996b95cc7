"""The reference verifiers on bundles, books and inclusions: verdicts that share only the reading of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

from attest import reference
from attest.bundle import Bundle, FundFile, PublicValue, SignedSource
from attest.errors import EncodingError, ProofRejected
from attest.liabilities import BookFile, InclusionFile
from attest.liabilities import reference as book_reference
from attest.liabilities.files import PublishedCurrency
from attest.liabilities.verifier import Progress
from attest.statement import NO_HASH

from .pipeline import Terms


def ask_reference(terms: Terms, fund: FundFile, bundle: Bundle, book_root: bytes = NO_HASH) -> None:
    """Check every proof of a bundle with `attest.reference`.

    That the sources are those of the fund and signed is for `verify_bundle`; this is about the proofs.

    Raises: ProofRejected: naming the equation that fails; EncodingError: malformed.
    """
    with _in_our_words():
        sources = _plain(bundle.sources, bundle.public_values)
        previous = _plain(bundle.previous, bundle.previous_public_values) if bundle.previous else None
    contexts = fund.contexts(terms.compiled.policy_hash, terms.duties, bundle.expiry, len(terms.keys), book_root)
    for key, context, proved in zip(terms.keys, contexts, bundle.proofs, strict=True):
        registry = int(context.registry, 16)
        statement = reference.Statement(
            context.chain_id, registry, context.expiry, context.program_id, context.book_root
        )
        compared = previous if key.vectors == 2 else None
        with _in_our_words():
            proof = b"".join(map(reference.long_encoding, proved.points)) + b"".join(proved.scalars)
            reference.verify(key.encode(), statement, sources, proof, compared)


def ask_reference_about_book(book: BookFile, registered: bytes | None, progress: Progress) -> None:
    """Check a whole book with `attest.liabilities.reference`, a second or two for each chunk and currency.

    Args: registered: the commitment of the book's source, in 48 bytes; None leaves the sum unchecked.
    Raises: ProofRejected: naming the equation that fails; EncodingError: malformed.
    """
    chunks, proofs = [chunk.commitments for chunk in book.chunks], [chunk.proofs for chunk in book.chunks]
    with _in_our_words():
        stated = _plain_book(book.fund, book.epoch, book.currencies, len(book.chunks), book.root)
        total = reference.long_encoding(registered) if registered is not None else None
        book_reference.verify_book(stated, chunks, proofs, total, progress)


def ask_reference_about_inclusion(held: InclusionFile, root: bytes) -> None:
    """Check an investor's file with `attest.liabilities.reference`.

    Raises: ProofRejected: naming the equation that fails; EncodingError: malformed.
    """
    currencies = [balance.currency for balance in held.balances]
    account = book_reference.Account.named(held.account, held.nonce, held.salt)
    lots = tuple(balance.lots for balance in held.balances)
    openings = b"".join([held.identifier_proof, *(balance.proof for balance in held.balances)])
    shown = book_reference.Inclusion(held.chunk, held.entry, held.commitments, held.path, lots, openings)
    with _in_our_words():
        stated = _plain_book(held.fund, held.epoch, currencies, held.count, root)
        book_reference.check_inclusion(stated, account, shown)


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Raises: ProofRejected, EncodingError: for what the reference raises."""
    try:
        yield
    except reference.Malformed as error:
        raise EncodingError(f"reference verifier: {error}") from error
    except reference.Refused as error:
        raise ProofRejected(f"reference verifier, {error.equation}", error.detail) from error


def _plain_book(
    fund: str, epoch: int, currencies: Sequence[PublishedCurrency], count: int, root: bytes
) -> book_reference.Book:
    """What the files say, in the reference's own terms."""
    listed = tuple(book_reference.Currency(c.slot, c.asset, Decimal(c.lot)) for c in currencies)
    return book_reference.Book(int(fund, 16), epoch, listed, count, root)


def _plain(signed: Sequence[SignedSource], public: Sequence[PublicValue]) -> reference.Sources:
    """What the files say, in the reference's own terms."""
    first = signed[0]
    listed = tuple(
        reference.Source(s.source, s.role, s.owned_slots_hash, reference.long_encoding(s.commitment), s.expiry, s.nonce)
        for s in signed
    )
    values = tuple((item.slot, item.value) for item in public)
    return reference.Sources(int(first.fund, 16), first.epoch, first.as_of, first.layout_hash, listed, values)
