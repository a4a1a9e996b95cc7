"""What no frozen vector asks the second verifier of books: challenges that divide by zero, and numbers at a border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from attest.liabilities import AccountKey, BookTerms, ClaimsSlot, reference
from attest.liabilities.book import merkle_path, merkle_tree, nonce_hash, text_hash
from attest.liabilities.reference import CAPACITY, Book, Currency, check_inclusion, verify_book
from attest.reference import OMEGA, R_ORDER, Malformed, Oracle, Refused
from tests.vectors.books import BookCase, book_cases
from tests.vectors.inclusions import InclusionCase, inclusion_cases

ZETA, U = 1234567, 7654321
CURRENCY = Currency(4, "claim", Decimal("0.01"))
BOOK = Book(0xF1, 7, (CURRENCY,), 1, bytes(32))


def one_chunk() -> BookCase:
    (case,) = (case for case in book_cases() if case.name == "one chunk")
    return case


def first_account() -> InclusionCase:
    return inclusion_cases()[0]


@pytest.mark.parametrize(
    ("zeta", "u", "detail"),
    [
        (0, U, "ζ is 0 or on the domain"),
        (1, U, "ζ is 0 or on the domain"),
        (OMEGA, U, "ζ is 0 or on the domain"),
        (ZETA, ZETA, "u is an opening point"),
        (ZETA, ZETA * OMEGA % R_ORDER, "u is an opening point"),
        (ZETA, U, "those of its commitments"),
    ],
)
def test_zero_divisors_are_refused_before_the_pairing(zeta: int, u: int, detail: str) -> None:
    """Other challenges than the prover's reach the pairing, and fail there. γ θ, y, ζ, v, u."""
    case, script = one_chunk(), iter([11, 13, 17, zeta, 19, u])
    with (
        patch.object(Oracle, "challenge", lambda _: next(script)),
        pytest.raises(Refused, match=detail),
    ):
        verify_book(case.reference(), case.chunks, case.proofs_of_chunks(), None)


@pytest.mark.parametrize(
    ("slots", "count"),
    [((), 1), ((4, 4), 1), ((9, 4), 1), ((0,), 1), ((CAPACITY,), 1), ((4,), 0), ((4,), -1), ((4,), 2**32)],
)
def test_terms_that_no_book_has(slots: Sequence[int], count: int) -> None:
    with pytest.raises(Malformed):
        replace(BOOK, currencies=tuple(replace(CURRENCY, slot=slot) for slot in slots), count=count)


@pytest.mark.parametrize(
    "changed", [{"fund": 1 << 160}, {"fund": -1}, {"epoch": 1 << 64}, {"epoch": -1}, {"root": bytes(31)}]
)
def test_words_that_no_encoding_holds(changed: dict[str, Any]) -> None:
    replace(BOOK, fund=(1 << 160) - 1, epoch=(1 << 64) - 1)
    with pytest.raises(Malformed):
        replace(BOOK, **changed)


@pytest.mark.parametrize("short", range(3))
def test_a_hash_that_is_too_short(short: int) -> None:
    """Padded it would be another's."""
    words = [bytes(32)] * 3
    words[short] = bytes(31)
    with pytest.raises(Malformed):
        reference.Account(*words)


@pytest.mark.parametrize(("name", "nonce"), [("alice", "my word"), ("alice", ""), ("Zoë", "…")])
def test_both_name_an_account_alike(name: str, nonce: str) -> None:
    fast = AccountKey(text_hash(name), nonce_hash(nonce), b"\x05" * 32)
    assert reference.Account.named(name, nonce, fast.salt).identifier(BOOK) == fast.identifier(f"0x{0xF1:040x}", 7)


@pytest.mark.parametrize(
    ("slots", "count"), [((1,), 1), ((CAPACITY - 1,), 1), ((4, 9), 2**32 - 1), ((4, 5, 6), 2**32 - 1)]
)
def test_terms_at_the_border(slots: Sequence[int], count: int) -> None:
    replace(BOOK, currencies=tuple(replace(CURRENCY, slot=slot) for slot in slots), count=count)


@pytest.mark.parametrize("lot", ["1", "100", "1E+3", "0.0100", "0.00000001", "12.5"])
@pytest.mark.parametrize("asset", ["claim-USD", 'quote " and ü'])
def test_both_hash_what_a_unit_is_alike(asset: str, lot: str) -> None:
    book = replace(BOOK, currencies=(Currency(4, asset, Decimal(lot)), Currency(9, "b", Decimal(1))))
    slots = tuple(ClaimsSlot(c.slot, c.asset, c.lot) for c in book.currencies)
    assert book.root_over(b"\x05" * 32) == BookTerms(f"0x{0xF1:040x}", 7, slots, 1).root(b"\x05" * 32)


@pytest.mark.parametrize("count", [*range(1, 18), 100])
def test_every_path_leads_to_the_top(count: int) -> None:

    leaves = [bytes([7, i]) * 16 for i in range(count)]
    top = reference.tree_over(leaves)
    assert top == merkle_tree(leaves)
    for i in range(count):
        path = merkle_path(leaves, i)
        assert reference.tree_above(leaves[i], i, count, path) == top
        with pytest.raises(Refused, match="too long"):
            reference.tree_above(leaves[i], i, count, (*path, bytes(32)))
        if path:
            with pytest.raises(Refused, match="too short"):
                reference.tree_above(leaves[i], i, count, path[:-1])


def test_a_path_of_something_longer_than_a_hash() -> None:
    """Two siblings in one: the same bytes go into the hash of a node."""
    with pytest.raises(Refused, match="not of hashes"):
        reference.tree_above(bytes(32), 0, 2, (bytes(33),))


@pytest.mark.parametrize("balance", [-1, 1 << 77])
def test_a_balance_out_of_range(balance: int) -> None:
    case = replace(first_account(), balances=(balance, first_account().balances[1]))
    with pytest.raises(Refused, match="out of range"):
        _ask(case)


@pytest.mark.parametrize(("entry", "chunk"), [(-1, 0), (CAPACITY, 0), (3, -1), (3, 3)])
def test_a_place_that_no_book_has(entry: int, chunk: int) -> None:
    with pytest.raises(Refused, match="no such chunk" if entry == 3 else "behind the active entries"):
        _ask(replace(first_account(), entry=entry, chunk=chunk))


def test_no_opening_at_all() -> None:
    with pytest.raises(Refused, match="one opening for each"):
        _ask(replace(first_account(), openings=b"", balances=()))


@pytest.mark.parametrize("missing", ["chunk", "currency", "moved"])
def test_every_chunk_and_currency_has_a_proof(missing: str) -> None:
    """One that stands with another chunk is missing there."""
    case = book_cases()[0]
    first, second = case.proofs_of_chunks()
    proofs = {"chunk": [first], "currency": [first, second[:1]], "moved": [(*first, second[0]), second[1:]]}
    with pytest.raises(Refused, match="one proof for each currency"):
        verify_book(case.reference(), case.chunks, proofs[missing], None)


def test_progress_counts_the_proofs() -> None:
    case, told = one_chunk(), list[tuple[int, int]]()
    verify_book(
        case.reference(), case.chunks, case.proofs_of_chunks(), case.total, lambda *numbers: told.append(numbers)
    )
    assert told == [(1, 1)]


def test_a_total_that_nobody_states_is_not_compared() -> None:
    case = one_chunk()
    with pytest.raises(Refused, match=r"\(P.33\)"):
        verify_book(case.reference(), case.chunks, case.proofs_of_chunks(), case.chunks[0][:128])
    verify_book(case.reference(), case.chunks, case.proofs_of_chunks(), None)


def _ask(case: InclusionCase) -> None:
    account = reference.Account(case.account_hash, case.nonce_hash, case.salt)
    place = case.chunk, case.entry, case.commitments, case.path
    check_inclusion(case.reference(), account, reference.Inclusion(*place, case.balances, case.openings))
