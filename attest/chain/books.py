"""Liability books and inclusions as the contracts take them (protocol §9)."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from attest.curve import compress
from attest.liabilities import AccountKey, BookFile, BookTerms, Inclusion, currencies_hash

MOST_CHUNKS = 8
"""Chunks of a book that a contract verifies."""


class BookStanding(IntEnum):
    """What the chain says of a fund's liability book of an epoch.

    NONE: no root. PUBLISHED: the root is on record, and anyone verifies the book off chain. PROVED: the chain verified
    every chunk, but the total is not, or not yet, the one in the epoch's source set. COUNTED: it is.
    """

    NONE = 0
    PUBLISHED = 1
    PROVED = 2
    COUNTED = 3


def book_tuple(terms: BookTerms) -> tuple[Any, ...]:
    """The Solidity struct `Book`."""
    return terms.fund, terms.epoch, list(terms.slots), currencies_hash(terms.currencies), terms.count


def proving_arguments(book: BookFile) -> tuple[Any, ...]:
    """What `IBookVerifier.verify` takes: terms, commitments of each chunk, proofs of each chunk."""
    commitments = [chunk.commitments for chunk in book.chunks]
    return book_tuple(book.terms), commitments, [b"".join(chunk.proofs) for chunk in book.chunks]


def inclusion_tuple(key: AccountKey, inclusion: Inclusion) -> tuple[Any, ...]:
    """The Solidity struct `Inclusion`. It says what the account owns."""
    openings = (inclusion.identifier_proof, *inclusion.balance_proofs)
    return (
        key.account_hash,
        key.nonce_hash,
        key.salt,
        inclusion.chunk,
        inclusion.entry,
        inclusion.commitments.encode(),
        list(inclusion.path),
        list(inclusion.balances),
        b"".join(compress(opening) for opening in openings),
    )
