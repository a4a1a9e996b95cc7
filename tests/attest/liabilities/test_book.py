"""Books that are as they should be: completeness, damage, resuming, and all inclusions at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from attest import Setup
from attest.curve import compress, decompress, encode_point, multiply
from attest.errors import AttestError, EncodingError, ProofRejected, StatementFalse
from attest.field import domain
from attest.liabilities import (
    Account,
    AccountKey,
    AllOpenings,
    BookFile,
    BookSource,
    BookTerms,
    ChunkCommitments,
    ChunkContent,
    ChunkStatement,
    ClaimsSlot,
    Inclusion,
    Workdir,
    Workers,
    book_commitment,
    book_root,
    check_inclusion,
    commit_chunk,
    inclusion,
    prove_chunk,
    verify_book,
    verify_chunk,
)
from attest.liabilities.book import CAPACITY, LAST_SLOT, PARAMETERS, merkle_path
from attest.liabilities.inclusion import open_entry
from attest.liabilities.proof import AT_ZETA, POINTS, PROOF_SIZE
from attest.liabilities.prover import inclusion_polynomials, stream
from attest.liabilities.verifier import check_book
from attest.polynomial import Polynomial, polynomial
from tests.attest.liabilities.cheating import FUND, SEED, content_of, terms_of
from tests.attest.test_damage import damages

TOP = (1 << 77) - 1


@pytest.mark.parametrize(
    ("slots", "columns"),
    [
        ((1,), [[]]),
        ((LAST_SLOT,), [[TOP]]),
        ((4, 5, 4000), [[1, 2, 3], [TOP] * CAPACITY, [0, 0, 7]]),
    ],
)
def test_completeness_at_the_edges(setup: Setup, slots: tuple[int, ...], columns: list[list[int]]) -> None:
    """Empty chunks, the largest balances, the first and the last slot, several currencies."""
    terms, content = terms_of(slots, 1), content_of(*columns)
    chunk = commit_chunk(setup, content, 0, slots, SEED)
    root = book_root(terms, [chunk])
    proofs = [prove_chunk(setup, ChunkStatement(root, terms, 0, k, chunk), content, SEED) for k in range(len(slots))]
    assert {len(proof) for proof in proofs} == {PROOF_SIZE}
    verify_book(setup, terms, root, [chunk], [proofs], book_commitment([chunk]))


@pytest.fixture(scope="module")
def proved(setup: Setup) -> tuple[ChunkStatement, bytes]:
    terms, content = terms_of((5, 6), 3), content_of([1, 2, 3], [4])
    chunk = commit_chunk(setup, content, 1, terms.slots, SEED)
    statement = ChunkStatement(b"\x07" * 32, terms, 1, 0, chunk)
    return statement, prove_chunk(setup, statement, content, SEED)


def test_damage_anywhere_is_rejected(setup: Setup, proved: tuple[ChunkStatement, bytes]) -> None:
    """A byte of each point and scalar; every byte where PROOFOLIO_DAMAGE=all."""
    statement, proof = proved
    verify_chunk(setup, statement, proof)
    refused = set[type[AttestError]]()
    for damaged in damages(proof, [128] * POINTS + [32] * (AT_ZETA + 1)):
        with pytest.raises((EncodingError, ProofRejected)) as error:
            verify_chunk(setup, statement, damaged)
        refused.add(error.type)
    assert refused == {EncodingError, ProofRejected}
    for wrong in (proof[:-1], proof + b"\x00", b""):
        with pytest.raises(EncodingError):
            verify_chunk(setup, statement, wrong)


def test_damaged_commitments_of_a_chunk_are_rejected(setup: Setup, proved: tuple[ChunkStatement, bytes]) -> None:
    """Those of the other currency are the root's business alone. (P.27), (P.32)"""
    statement, proof = proved
    encoded = statement.commitments.encode()
    own = 128 * (1 + 7 + 1)
    chunks = [statement.commitments] * statement.terms.count
    root = book_root(statement.terms, chunks)
    check_book(statement.terms, root, chunks, None)
    for damaged in damages(encoded, [128] * (len(encoded) // 128)):
        with pytest.raises((EncodingError, ProofRejected)):
            changed = ChunkCommitments.decode(damaged, 2)
            check_book(statement.terms, root, [chunks[0], changed, chunks[2]], None)
        if damaged[:own] != encoded[:own]:
            with pytest.raises((EncodingError, ProofRejected)):
                changed = ChunkCommitments.decode(damaged, 2)
                verify_chunk(setup, replace(statement, commitments=changed), proof)
    for damaged in damages(statement.root, [32]):
        with pytest.raises(ProofRejected):
            verify_chunk(setup, replace(statement, root=damaged), proof)


def test_every_field_of_the_terms_is_in_the_root(proved: tuple[ChunkStatement, bytes]) -> None:
    """Fund, epoch, slots, what a unit of them is, and the number of chunks. (P.26)"""
    statement, _ = proved
    terms, chunks = statement.terms, [statement.commitments] * 3
    root, (first, second) = book_root(terms, chunks), terms.currencies
    others = [
        replace(terms, fund="0x" + "00" * 19 + "f2"),
        replace(terms, epoch=terms.epoch + 1),
        *(
            replace(terms, currencies=(changed, second))
            for changed in (replace(first, slot=4), replace(first, asset="x"), replace(first, lot=Decimal("0.1")))
        ),
    ]
    for other in others:
        with pytest.raises(ProofRejected, match="book root"):
            check_book(other, root, chunks, None)
    for shown in (chunks[:2], [*chunks, chunks[0]]):
        with pytest.raises(EncodingError):
            check_book(terms, root, shown, None)
        with pytest.raises(ProofRejected, match="book root"):
            check_book(replace(terms, count=len(shown)), root, shown, None)


ENTRY = 7
KEY = AccountKey(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)


@pytest.fixture(scope="module")
def included(setup: Setup) -> tuple[BookTerms, bytes, Inclusion]:
    """An account of two currencies in the second of three chunks, and the book's root."""
    terms, lots = terms_of((5, 6), 3), (500, 1 << 76)
    content = content_of(*([0] * ENTRY + [balance] for balance in lots))
    identifiers = [*content.identifiers]
    identifiers[ENTRY] = KEY.identifier(terms.fund, terms.epoch)
    content = replace(content, identifiers=identifiers)
    chunks = [commit_chunk(setup, content, i, terms.slots, SEED) for i in range(terms.count)]
    columns = [inclusion_polynomials(content, 1, SEED, currency) for currency in range(len(lots))]
    first, *others = open_entry(setup, [columns[0][0], *(summed for _, summed in columns)], ENTRY)
    path = merkle_path([chunk.leaf(i) for i, chunk in enumerate(chunks)], 1)
    return terms, book_root(terms, chunks), Inclusion(1, ENTRY, chunks[1], path, lots, first, tuple(others))


def test_damage_anywhere_in_an_inclusion_is_rejected(
    setup: Setup, included: tuple[BookTerms, bytes, Inclusion]
) -> None:
    """Account, nonce and salt, root and path, place, commitments, openings and balances. (P.25), (P.35)"""
    terms, root, shown = included

    def judge(key: AccountKey = KEY, root: bytes = root, **change: Any) -> None:
        check_inclusion(setup, terms, root, key, replace(shown, **change))

    judge()
    for name in ("account_hash", "nonce_hash", "salt"):
        for damaged in damages(getattr(KEY, name), [32]):
            change: Any = {name: damaged}
            with pytest.raises(ProofRejected, match="identifier"):
                judge(key=replace(KEY, **change))
    for damaged in damages(root, [32]):
        with pytest.raises(ProofRejected, match="book root"):
            judge(root=damaged)
    for i, node in enumerate(shown.path):
        for damaged in damages(node, [32]):
            with pytest.raises(ProofRejected, match="book root"):
                judge(path=(*shown.path[:i], damaged, *shown.path[i + 1 :]))
    for damaged in damages(encoded := shown.commitments.encode(), [128] * (len(encoded) // 128)):
        with pytest.raises((EncodingError, ProofRejected)):
            judge(commitments=ChunkCommitments.decode(damaged, 2))
    for chunk in (0, 2, 3, -1, 1 << 256):
        with pytest.raises(ProofRejected):
            judge(chunk=chunk)
    for entry in (0, ENTRY - 1, ENTRY + 1, CAPACITY, -1):
        with pytest.raises(ProofRejected):
            judge(entry=entry)
    for damaged in damages(compress(shown.identifier_proof), [1] * 48):
        with pytest.raises((EncodingError, ProofRejected)):
            judge(identifier_proof=decompress(damaged))
    for at in range(2):
        for damaged in damages(compress(shown.balance_proofs[at]), [1] * 48):
            with pytest.raises((EncodingError, ProofRejected)):
                proofs = [decompress(damaged) if i == at else proof for i, proof in enumerate(shown.balance_proofs)]
                judge(balance_proofs=tuple(proofs))
        for damaged in damages(shown.balances[at].to_bytes(32, "big"), [1] * 32):
            lots = [int.from_bytes(damaged, "big") if i == at else lots for i, lots in enumerate(shown.balances)]
            with pytest.raises(ProofRejected, match="balance"):
                judge(balances=tuple(lots))


def test_every_field_of_the_statement_is_bound(setup: Setup, proved: tuple[ChunkStatement, bytes]) -> None:
    """Each field of the statement is absorbed. (P.27)"""
    statement, proof = proved
    currency = statement.commitments.currencies[0]
    other = setup.g1

    def with_currency(**fields: Any) -> ChunkStatement:
        changed = replace(currency, **fields)
        chunk = replace(statement.commitments, currencies=(changed, statement.commitments.currencies[1]))
        return replace(statement, commitments=chunk)

    limbs = currency.limbs
    cases = [
        replace(statement, root=b"\x08" * 32),
        replace(statement, chunk=0),
        replace(statement, currency=1),
        replace(statement, terms=replace(statement.terms, count=4)),
        replace(statement, terms=terms_of((4, 6), 3)),
        replace(statement, commitments=replace(statement.commitments, identifiers=other)),
        with_currency(total=other),
        *(with_currency(limbs=(*limbs[:k], other, *limbs[k + 1 :])) for k in range(7)),
    ]
    for changed in cases:
        with pytest.raises(ProofRejected):
            verify_chunk(setup, changed, proof)


def test_identifiers_of_the_chunk_are_in_the_transcript(proved: tuple[ChunkStatement, bytes], setup: Setup) -> None:
    """No equation of the chunk's proof reads [id]; only the transcript binds it to the proof."""
    statement, _ = proved
    changed = replace(statement, commitments=replace(statement.commitments, identifiers=setup.g1))
    assert changed.start_transcript().state != statement.start_transcript().state


@pytest.mark.parametrize("balance", [-1, TOP + 1])
def test_the_prover_refuses_balances_out_of_range(balance: int) -> None:
    with pytest.raises(StatementFalse, match="every balance"):
        content_of([balance])


def test_the_prover_refuses_what_was_not_committed_to(setup: Setup, proved: tuple[ChunkStatement, bytes]) -> None:
    statement, _ = proved
    with pytest.raises(StatementFalse, match="chunk 1"):
        prove_chunk(setup, statement, content_of([1, 2, 4], [4]), SEED)
    with pytest.raises(StatementFalse, match="chunk 1"):
        prove_chunk(setup, statement, content_of([1, 2, 3], [4]), b"other seed".ljust(32))


def test_a_chunk_has_a_fixed_number_of_accounts() -> None:
    with pytest.raises(StatementFalse, match="4088"):
        ChunkContent([1], [[1]])


def test_blinding_depends_on_what_it_hides(setup: Setup) -> None:
    """The same seed on another balance must not give commitments that differ by that balance alone."""
    first, second = (commit_chunk(setup, content_of([x]), 0, (5,), SEED).currencies[0] for x in (1, 2))
    assert encode_point(second.limbs[0] - first.limbs[0]) != encode_point(setup.lagrange[0])
    assert encode_point(second.total - first.total) != encode_point(setup.lagrange[5])


def test_streams_differ_by_label_and_position() -> None:
    assert stream(SEED, b"a", b"b")(32) != stream(SEED, b"ab")(32)
    draw = stream(SEED, b"a")
    assert draw(32) != draw(32)


@pytest.mark.parametrize("slots", [(), (2, 1), (3, 3), (0,), (LAST_SLOT + 1,)])
def test_slots_that_no_book_has(slots: tuple[int, ...]) -> None:
    with pytest.raises(EncodingError):
        terms_of(slots, 1)


@pytest.mark.parametrize("count", [0, -1, 1 << 32])
def test_sizes_that_no_book_has(count: int) -> None:
    with pytest.raises(EncodingError, match="at least one chunk"):
        terms_of((1,), count)


def test_bytes_of_another_length(setup: Setup, proved: tuple[ChunkStatement, bytes]) -> None:
    """A file that says more than a chunk or a proof is read to its end or not at all."""
    statement, proof = proved
    for wrong in (proof[:-32], proof + bytes(32), b""):
        with pytest.raises(EncodingError, match="has 2016 bytes"):
            verify_chunk(setup, statement, wrong)
    commitments = statement.commitments.encode()
    currencies = len(statement.commitments.currencies)
    assert ChunkCommitments.decode(commitments, currencies) == statement.commitments
    for wrong in (commitments[:-128], commitments + bytes(128), commitments + bytes(1), b""):
        with pytest.raises(EncodingError, match="another length"):
            ChunkCommitments.decode(wrong, currencies)


# Work directories ----------------------------------------------------------------------------------------------------

SOURCE = BookSource(FUND, 3, "administrator", (ClaimsSlot(4, "USD", Decimal("0.01")), ClaimsSlot(9, "BTC", Decimal(1))))


def listed(count: int) -> list[Account]:
    return [Account(i, f"user-{i}", f"nonce-{i}", (i, 5)) for i in range(count)]


def test_from_accounts_to_inclusions(setup: Setup, tmp_path: Path) -> None:
    work = Workdir.create(tmp_path / "w", SOURCE, listed(30), least_chunks=2)
    for too_early in (work.book, lambda: work.prove(Workers(1)), lambda: work.inclusion("user-1")):
        with pytest.raises(EncodingError, match="liabilities prove"):
            too_early()
    work.commit(Workers(1))
    work.prove(Workers(1))
    work.book().save(tmp_path / "book.json")
    book = BookFile.load(tmp_path / "book.json")
    opening = work.opening()
    assert opening.quantities == {4: sum(range(30)), 9: 150}
    book.verify(setup, opening.commitment(setup))
    with pytest.raises(ProofRejected, match="book total"):
        book.verify(setup, setup.g1)
    reopened = Workdir.open(tmp_path / "w")
    file = reopened.inclusion("user-7")
    assert (file.nonce, [balance.lots for balance in file.balances]) == ("nonce-7", [7, 5])
    check_inclusion(setup, file.terms, book.root, file.key, file.inclusion())
    (tmp_path / "w" / "ledger.sqlite").rename(tmp_path / "elsewhere")
    with pytest.raises(EncodingError, match="chunks of another book"):
        Workdir.create(tmp_path / "w", SOURCE, listed(3))
    for secret in (repr(work), repr(work.secret), repr(opening)):
        assert work.secret.seed.hex() not in secret
        assert "user-" not in secret


class Single(AllOpenings):
    """Openings one at a time, and only of the entries that are asked for."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def open(self, poly: Polynomial) -> Any:
        return Entries(self.setup, poly)


class Entries:
    def __init__(self, setup: Setup, poly: Polynomial) -> None:
        self.setup, self.poly = setup, poly

    def __getitem__(self, entry: int) -> Any:
        return open_entry(self.setup, [self.poly], entry)[0]


def test_all_inclusions_of_a_chunk_are_the_single_ones(setup: Setup, tmp_path: Path) -> None:
    source = replace(SOURCE, currencies=SOURCE.currencies[:1])
    accounts = [replace(account, balances=account.balances[:1]) for account in listed(5)]
    work = Workdir.create(tmp_path / "w", source, accounts)
    work.commit(Workers(1))
    files = dict(work.all_inclusions(0, Single(setup)))
    assert sorted(files.values(), key=lambda f: f.account) == [work.inclusion(a.account) for a in accounts]


def test_openings_at_once_of_a_small_polynomial(setup: Setup) -> None:
    """f = X² has the quotient X + z at z: [τ] + z."""
    with pytest.MonkeyPatch.context() as patch:
        small = replace(PARAMETERS, n=8)
        patch.setattr(inclusion, "PARAMETERS", small)
        found = AllOpenings(setup).open(polynomial([0, 0, 1]))
        assert found == [setup.monomial[1] + multiply(setup.g1, z) for z in domain(8)]


PROGRAM = """
import sys
from attest.liabilities import Workdir, Workers
if __name__ == "__main__":
    work = Workdir.open(sys.argv[1])
    work.commit(Workers(2))
    work.prove(Workers(2))
"""


@pytest.mark.slow
def test_what_is_killed_goes_on_and_publishes_the_same(setup: Setup, tmp_path: Path) -> None:
    """Killed with all its workers while it proves, and run again: every byte is the one that one run would write."""
    source = replace(SOURCE, currencies=SOURCE.currencies[:1])
    accounts = [replace(account, balances=account.balances[:1]) for account in listed(30)]
    work = Workdir.create(tmp_path / "w", source, accounts, least_chunks=5)
    (tmp_path / "run.py").write_text(PROGRAM)
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "w")]
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "w" / "chunks").glob("*.proofs")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = {path.name: path.read_bytes() for path in (tmp_path / "w" / "chunks").glob("0*")}
    assert 0 < sum(name.endswith("proofs") for name in finished) < 5
    reported: list[tuple[int, int]] = []
    work.commit(Workers(1))
    work.prove(Workers(2), lambda done, total: reported.append((done, total)))
    assert reported[-1] == (reported[-1][1],) * 2
    assert reported[-1][1] < 5
    work.book().verify(setup, work.opening().commitment(setup))
    for name, content in finished.items():
        assert (tmp_path / "w" / "chunks" / name).read_bytes() == content
    proofs = sorted((tmp_path / "w" / "chunks").glob("*.proofs"))
    once = [path.read_bytes() for path in proofs]
    proofs[-1].unlink()
    work.prove(Workers(1))
    assert [path.read_bytes() for path in proofs] == once
