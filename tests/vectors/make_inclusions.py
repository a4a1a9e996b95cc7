"""The cases of inclusions.json: accounts in a book of three chunks or one, and what is shown for others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from attest.curve import COMPRESSED_SIZE, POINT_SIZE, compress
from attest.field import MODULUS
from attest.liabilities import AccountKey, BookTerms, ChunkCommitments, ChunkContent, commit_chunk
from attest.liabilities.book import CAPACITY, NO_NONCE, climb, leaf, merkle_path
from attest.liabilities.inclusion import open_entry
from attest.liabilities.prover import inclusion_polynomials
from attest.srs import Setup
from tests.attest.liabilities.cheating import FUND, SEED, content_of, terms_of
from tests.attest.liabilities.test_attacks import columns_with, opened
from tests.vectors.books import Currency
from tests.vectors.inclusions import InclusionCase
from tests.vectors.make_chunks import root_of
from tests.vectors.points import ILL_FORMED, ILL_FORMED_SHORT, negated
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT

KEY = AccountKey(b"\x0a" * 32, b"\x01" * 32, b"\x05" * 32)
WITHOUT_NONCE = AccountKey(b"\x0b" * 32, NO_NONCE, b"\x06" * 32)
ENTRY = 3
EPOCH = 7
OTHER_FUND = "0x00000000000000000000000000000000000000f2"


def inclusion_cases(setup: Setup) -> list[InclusionCase]:
    """All cases; the first of each base's name is the base itself."""
    wide, single = _honest(setup, 3, KEY), _honest(setup, 1, WITHOUT_NONCE)
    first, second, last = (
        _base(name, wide, i) for i, name in enumerate(("chunk 0 of 3", "chunk 1 of 3", "chunk 2 of 3"))
    )
    (alone,) = (_base("the only chunk, no nonce", single, i) for i in range(1))
    return [
        *(first, second, last, alone),
        *_accounts(first, alone),
        *_places(first, second, last),
        *_balances(setup, first),
        *_bytes(first),
    ]


Shown = tuple[BookTerms, list[ChunkCommitments], list[tuple[AccountKey, tuple[int, ...], bytes]]]
"""A book, and for each chunk the account at entry 3, its balances and its openings."""


def _honest(setup: Setup, count: int, key: AccountKey) -> Shown:
    terms = terms_of((4, 9), count, epoch=EPOCH)
    chunks, shown = [], []
    for i in range(count):
        balances: tuple[int, ...] = (70 + i, 0 if i == 1 else (1 << 77) - 1 - i)
        content = content_of([5, 6, 7, balances[0]], [1, 2, 3, balances[1]])
        identifiers = list(content.identifiers)
        identifiers[ENTRY] = key.identifier(FUND, EPOCH)
        content = ChunkContent(identifiers, content.balances)
        chunks.append(commit_chunk(setup, content, i, terms.slots, SEED))
        pairs = [inclusion_polynomials(content, i, SEED, k) for k in range(2)]
        openings = open_entry(setup, [pairs[0][0], *(column for _, column in pairs)], ENTRY)
        shown.append((key, balances, b"".join(map(compress, openings))))
    return terms, chunks, shown


def _base(name: str, shown: Shown, i: int) -> InclusionCase:
    terms, chunks, accounts = shown
    key, balances, openings = accounts[i]
    path = merkle_path([chunk.leaf(j) for j, chunk in enumerate(chunks)], i)
    return _case(name, terms, chunks, (key, i, ENTRY, path, balances, openings))


def _case(name: str, terms: BookTerms, chunks: Sequence[ChunkCommitments], shown: tuple[Any, ...]) -> InclusionCase:
    key, i, entry, path, balances, openings = shown
    currencies = tuple(Currency(c.slot, c.asset, str(c.lot)) for c in terms.currencies)
    book = terms.fund, terms.epoch, currencies, terms.count, root_of(terms, chunks)
    account = key.account_hash, key.nonce_hash, key.salt
    return InclusionCase(*book, name, ACCEPT, name, *account, i, entry, chunks[i].encode(), path, balances, openings)


def _other(base: InclusionCase, name: str, check: str, expected: str = REJECT, **fields: Any) -> InclusionCase:
    return replace(base, name=f"inclusion: {name}", expected=expected, check=check, **fields)


def _accounts(base: InclusionCase, alone: InclusionCase) -> Iterator[InclusionCase]:
    """Whose account stands there."""
    other = b"\x0c" * 32
    parts: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("account", {"account_hash": other}),
        ("nonce", {"nonce_hash": other}),
        ("salt", {"salt": other}),
    )
    for name, fields in parts:
        yield _other(base, f"another {name}", "(P.25)", **fields)
    yield _other(base, "no nonce where there is one", "(P.25)", nonce_hash=NO_NONCE)
    yield _other(alone, "a nonce where there is none", "(P.25)", nonce_hash=KEY.nonce_hash)
    changes: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("fund", {"fund": OTHER_FUND}),
        ("epoch", {"epoch": EPOCH + 1}),
    )
    for name, fields in changes:
        yield _republished(_other(base, f"an account of another {name}", "(P.25)", **fields))


def _republished(case: InclusionCase) -> InclusionCase:
    """With the root that these terms and commitments have."""
    top = climb(leaf(case.chunk, case.commitments), case.chunk, case.count, case.path)
    return replace(case, root=case.terms().root(top))


def _places(first: InclusionCase, second: InclusionCase, last: InclusionCase) -> Iterator[InclusionCase]:
    """Where it stands."""
    yield _other(first, "another root", "(P.26)", root=b"\x13" * 32, contract=False)
    lot = replace(first.currencies[0], lot="0.1")
    yield _other(first, "another lot", "(P.26)", currencies=(lot, first.currencies[1]), contract=False)
    yield _other(first, "a book of four chunks", "(P.26)", count=4, contract=False)
    yield _other(first, "the next entry", "(P.35)", entry=ENTRY + 1)
    yield _other(first, "the place of the second chunk", "(P.26)", chunk=1, contract=False)
    yield _other(first, "a chunk behind the last", "chunk", chunk=3)
    yield _other(first, "a path too short", "path", path=first.path[:1])
    yield _other(first, "a path too long", "path", path=(*first.path, bytes(32)))
    yield _other(first, "a path upside down", "(P.26)", path=first.path[::-1], contract=False)
    yield _other(last, "a path of two for a node that moves up", "path", path=first.path)
    yield _other(second, "commitments of the first chunk", "(P.26)", commitments=first.commitments)
    yield _other(second, "openings of the first chunk", "(P.35)", openings=first.openings)


def _balances(setup: Setup, base: InclusionCase) -> Iterator[InclusionCase]:
    """What is owed."""
    one, two = base.balances
    points = [base.openings[i : i + COMPRESSED_SIZE] for i in range(0, len(base.openings), COMPRESSED_SIZE)]
    yield _other(base, "a lot less", "(P.35)", balances=(one - 1, two))
    yield _other(base, "another balance of the second currency", "(P.35)", balances=(one, two - 1))
    yield _other(base, "currencies exchanged", "(P.35)", balances=(two, one))
    yield _other(base, "a balance that is the same mod r", "(P.35)", balances=(one + MODULUS, two))
    yield _other(base, "openings exchanged", "(P.35)", openings=points[0] + points[2] + points[1])
    yield _other(
        base, "a negated opening of the identifier", "(P.35)", openings=negated(points[0]) + points[1] + points[2]
    )
    yield _other(base, "an opening at infinity", "(P.35)", openings=points[0] + b"\xc0" + bytes(47) + points[2])
    yield _other(base, "a balance too few", "currencies", balances=(one,))
    yield _other(base, "a balance too many", "currencies", balances=(one, two, 0))
    yield _other(base, "an opening too few", "currencies", openings=points[0] + points[1])
    yield _other(base, "an opening too many", "currencies", openings=base.openings + points[2])
    for name, entry, balance, check in (
        ("a balance behind the active entries", CAPACITY, 500, "entry"),
        ("a balance of 2^77", ENTRY, 1 << 77, "(P.35)"),
    ):
        yield replace(_opened(setup, name, entry, balance), expected=REJECT, check=check)


def _opened(setup: Setup, name: str, entry: int, balance: int) -> InclusionCase:
    """A chunk with the account and a balance at any entry, honestly opened; no proof of such a chunk would hold."""
    terms = terms_of((4,), 1, epoch=EPOCH)
    shown, _ = opened(setup, terms, *columns_with(KEY, entry, balance, EPOCH), entry)
    openings = b"".join(map(compress, (shown.identifier_proof, *shown.balance_proofs)))
    place = KEY, shown.chunk, shown.entry, shown.path, shown.balances, openings
    case = _case(f"inclusion: {name}", terms, [shown.commitments], place)
    return replace(case, base="chunk 0 of 3")


def _bytes(base: InclusionCase) -> Iterator[InclusionCase]:
    """What is no point, under a root that was published for it all the same."""
    for name, spell in ILL_FORMED_SHORT.items():
        openings = spell(base.openings[:COMPRESSED_SIZE]) + base.openings[COMPRESSED_SIZE:]
        yield _other(base, f"an opening {name}", "point", MALFORMED, openings=openings)
    yield _other(base, "a byte behind the openings", "length", MALFORMED, openings=base.openings + b"\x00")
    yield _other(base, "a byte behind the commitments", "length", MALFORMED, commitments=base.commitments + b"\x00")
    for place, at, contract in (("[id]", 0, True), ("a limb", 1, True), ("C_out", 8, False)):
        for name, spell in ILL_FORMED.items():
            start = at * POINT_SIZE
            spelled = spell(base.commitments[start : start + POINT_SIZE])
            commitments = base.commitments[:start] + spelled + base.commitments[start + POINT_SIZE :]
            case = _other(base, f"{place} {name}", "point", MALFORMED, commitments=commitments, contract=contract)
            yield _republished(case)
