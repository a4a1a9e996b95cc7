"""What no frozen vector asks the verifier of books: arguments that no file has, and what is not stated."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from attest import Setup
from attest.curve import decode_point
from attest.errors import ProofRejected
from attest.liabilities import AccountKey, BookTerms, ChunkCommitments, Inclusion, check_inclusion, verify_book
from attest.liabilities.files import CountedBalance, PublishedCurrency
from tests.vectors.books import BookCase, book_cases
from tests.vectors.inclusions import InclusionCase, inclusion_cases


@pytest.fixture(scope="module")
def whole() -> BookCase:
    """Two chunks of two currencies."""
    return book_cases()[0]


@pytest.fixture(scope="module")
def account() -> InclusionCase:
    """In the first of three chunks."""
    return inclusion_cases()[0]


def chunks_of(case: BookCase) -> list[ChunkCommitments]:
    return [ChunkCommitments.decode(chunk, len(case.currencies)) for chunk in case.chunks]


def test_a_total_is_compared_where_it_is_stated(setup: Setup, whole: BookCase) -> None:
    book = whole.terms(), whole.root, chunks_of(whole), whole.proofs_of_chunks()
    verify_book(setup, *book, decode_point(whole.total))
    verify_book(setup, *book, None)
    with pytest.raises(ProofRejected, match="book total"):
        verify_book(setup, *book, setup.g1)


@pytest.mark.parametrize("missing", ["chunk", "currency"])
def test_every_chunk_and_currency_has_a_proof(setup: Setup, whole: BookCase, missing: str) -> None:
    """Without that check the rest would be verified, and a total that nothing bounds counted."""
    first, second = whole.proofs_of_chunks()
    proofs = [first] if missing == "chunk" else [first, second[:1]]
    with pytest.raises(ProofRejected, match="one proof for each currency"):
        verify_book(setup, whole.terms(), whole.root, chunks_of(whole), proofs, None)


@pytest.mark.parametrize("chunk", [-1, 3])
def test_a_chunk_that_the_book_has_not(setup: Setup, account: InclusionCase, chunk: int) -> None:
    with pytest.raises(ProofRejected, match="no such chunk"):
        _check(setup, account, account.terms(), account.root, replace(account.inclusion(), chunk=chunk))


def test_a_chunk_of_fewer_currencies_than_the_book(setup: Setup, account: InclusionCase) -> None:
    """Under a root that was published for it."""
    shown = account.inclusion()
    narrow = replace(shown.commitments, currencies=shown.commitments.currencies[:1])
    terms = replace(account.terms(), count=1)
    published = terms.root(narrow.leaf(0))
    with pytest.raises(ProofRejected, match="currencies"):
        _check(setup, account, terms, published, replace(shown, commitments=narrow, path=()))


def test_an_amount_is_exact() -> None:
    """It is shown as what is counted at least."""
    currency = PublishedCurrency(slot=4, asset="claim", lot="0.0123456789012345678901234567")
    balance = CountedBalance(currency=currency, lots=str((1 << 77) - 1), proof="0x" + "c0" + "00" * 47)
    assert Fraction(balance.amount) == Fraction(currency.lot) * ((1 << 77) - 1)


def _check(setup: Setup, case: InclusionCase, terms: BookTerms, root: bytes, shown: Inclusion) -> None:
    check_inclusion(setup, terms, root, AccountKey(case.account_hash, case.nonce_hash, case.salt), shown)
