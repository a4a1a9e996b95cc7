"""The journal on its own: nonce and bytes are chosen once, whoever asks at the same time, in either database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import create_engine, make_url

from attest.chain import Content, Identity, Journal, JournalError, Receipt, Record, State
from attest.chain import database as module
from attest.chain.journal import Purpose
from attest.chain.signers import Signed
from tests.attest.chain.postgresql import cluster

LARGE = 2**64 - 1
IDENTITY = Identity(31337, "0x" + "A1" * 20, "0x" + "F1" * 20, b"\x01" * 32, LARGE)
CONTENT = Content(b"\x02" * 32, b"\x03" * 32, LARGE)
OTHER = Content(b"\x08" * 32, b"\x09" * 32, 5)
RECEIPT = Receipt(b"\x05" * 32, True, 7, b"\x06" * 32, 100)
SENDER = "0x" + "11" * 20

Open = Callable[[], Journal]


@pytest.fixture(scope="module")
def server() -> Iterator[Callable[[], str]]:
    """Databases of one PostgreSQL, each of them empty."""
    with ExitStack() as stack:
        made: list[str] = []

        def fresh() -> str:
            if not made:
                made.append(stack.enter_context(cluster()))
            made.append(f"journal{len(made)}")
            engine = create_engine(make_url(made[0]), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {made[-1]}")
            engine.dispose()
            return made[0].replace("/postgres", f"/{made[-1]}")

        yield fresh


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, server: Callable[[], str]) -> str:
    """Of an empty journal, in one database or the other."""
    return str(tmp_path / "journal.sqlite") if request.param == "sqlite" else server()


def signed(nonce: int) -> Signed:
    return Signed(nonce, b"raw %d" % nonce, b"\x05" * 32)


def entered(journal: Journal, epoch: int = LARGE) -> Record:
    return journal.prepare(replace(IDENTITY, epoch=epoch), CONTENT)


def test_eight_at_once_sign_one_transaction(place: str) -> None:
    record = entered(Journal(place))
    made = []

    def sign(marker: int) -> Signed | None:
        def make(nonce: int) -> Signed:
            made.append(marker)
            return Signed(nonce, b"bytes of %d" % marker, bytes([marker]) * 32)

        return Journal(place).sign(record, SENDER, 4, make).signed

    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(sign, range(8)))
    assert len(made) == 1 and len(results) == 1


def test_eight_at_once_take_eight_nonces(place: str) -> None:
    def sign(epoch: int) -> int | None:
        journal = Journal(place)
        return journal.sign(entered(journal, epoch), SENDER, 4, signed).nonce

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(sign, range(8))) == set(range(4, 12))


def test_eight_at_once_make_one_replacement(place: str) -> None:
    record = Journal(place).sign(entered(Journal(place)), SENDER, 4, signed)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: Journal(place).replace(record, Purpose.SUBMIT, lambda: signed(4)), range(8)))
    assert len(found) == 1 and len(found.pop().variants) == 2


def test_while_one_signs_the_others_wait(place: str) -> None:
    """Nobody reads in between: the transaction is exclusive from its first statement on."""
    record, signing, go_on, order = entered(Journal(place)), Event(), Event(), []

    def slowly(nonce: int) -> Signed:
        signing.set()
        assert go_on.wait(20)
        order.append("signed")
        return signed(nonce)

    def read() -> Record:
        found = Journal(place).get(record)
        order.append("read")
        return found

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: Journal(place).sign(record, SENDER, 4, slowly))
        assert signing.wait(20)
        second = pool.submit(read)
        assert not second.done()
        go_on.set()
        assert first.result() == second.result()
    assert order == ["signed", "read"]


def test_who_waits_too_long_is_told_so(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = entered(Journal(place))
    monkeypatch.setattr(module, "LOCK_SECONDS", 1)
    waiting = Journal(place)

    def busy(nonce: int) -> Signed:
        with pytest.raises(JournalError, match="locked, not writable or not reachable; try again"):
            waiting.get(record)
        return signed(nonce)

    assert Journal(place).sign(record, SENDER, 4, busy).state is State.SIGNED


def test_a_nonce_is_given_out_once(place: str) -> None:
    """Whatever became of its submission, and whatever a node that lags behind says."""
    journal, nonces = Journal(place), []
    for epoch in range(3):
        record = journal.sign(entered(journal, epoch), SENDER, 4, signed)
        nonces.append(record.nonce)
        if epoch == 0:
            journal.final(journal.mined(record, RECEIPT, None))
        if epoch == 1:
            journal.dropped(record, "expired")
    assert nonces == [4, 5, 6]
    assert journal.sign(entered(journal, 3), "0x" + "22" * 20, 4, signed).nonce == 4
    assert journal.sign(entered(journal, 4), SENDER, 9, signed).nonce == 9
    holders = journal.holders(31337, SENDER, 5)
    assert {nonce: record.identity.epoch for nonce, record in holders.items()} == {5: 1, 6: 2, 9: 4}
    assert journal.holders(1, SENDER, 0) == {}


def test_addresses_are_the_same_in_any_case_of_letters(place: str) -> None:
    journal = Journal(place)
    record = entered(journal)
    found = journal.find(replace(IDENTITY, fund=IDENTITY.fund.lower(), registry=IDENTITY.registry.lower()))
    assert found == record and found.identity.epoch == found.content.expiry == LARGE


def test_content_changes_only_while_nothing_is_signed(place: str) -> None:
    journal = Journal(place)
    journal.refuse(entered(journal), "Expired(1)")
    record = journal.prepare(IDENTITY, OTHER)
    assert (record.content, record.state, record.reason) == (OTHER, State.PREPARED, None)
    journal.sign(record, SENDER, 0, signed)
    assert journal.prepare(IDENTITY, CONTENT).content == OTHER
    assert journal.refuse(record, "late").state is State.SIGNED


def test_all_states_of_a_success(place: str) -> None:
    journal = Journal(place, clock=lambda: 12.5)
    record = journal.sign(entered(journal), SENDER, 0, signed)
    assert [(v.signed, v.purpose, v.signed_at) for v in record.variants] == [(signed(0), Purpose.SUBMIT, 12.5)]
    assert journal.final(record).state is State.SIGNED
    record = journal.sent(record)
    assert record.state is State.SENT
    record = journal.mined(record, RECEIPT, None)
    assert (record.state, record.block, record.block_hash, record.gas_used) == (State.MINED, 7, b"\x06" * 32, 100)
    assert record.mined == record.variants[0]
    back = journal.reorganised(record)
    assert (back.state, back.block, back.mined, back.variants) == (State.SENT, None, None, record.variants)
    final = journal.final(journal.mined(back, replace(RECEIPT, block=9), None))
    assert (final.state, final.block) == (State.FINAL, 9)


def test_a_final_record_never_changes(place: str) -> None:
    journal = Journal(place)
    final = journal.final(journal.mined(journal.sign(entered(journal), SENDER, 0, signed), RECEIPT, None))
    assert journal.sent(final) == journal.mined(final, RECEIPT, "no") == journal.reorganised(final) == final
    assert journal.dropped(final, "no") == journal.reverted(final) == journal.prepare(IDENTITY, OTHER) == final
    assert journal.replace(final, Purpose.FILL, lambda: signed(0)) == journal.sign(final, SENDER, 9, signed) == final
    with pytest.raises(JournalError, match="it is final, and only a failed submission"):
        journal.retry(final, CONTENT)


def test_a_failed_attempt_stays_beside_the_next(place: str) -> None:
    journal = Journal(place)
    record = journal.mined(journal.sign(entered(journal), SENDER, 0, signed), RECEIPT, "OpeningRejected()")
    failed = journal.reverted(record)
    again = journal.retry(failed, OTHER)
    assert (again.state, again.signed, again.reason, again.attempt) == (State.PREPARED, None, None, 2)
    assert journal.get(failed) == failed and failed.reason == "OpeningRejected()"
    assert journal.find(IDENTITY) == again
    with pytest.raises(JournalError, match="it is prepared"):
        journal.retry(failed, OTHER)


def test_a_failure_while_signing_leaves_it_prepared(place: str) -> None:
    journal = Journal(place)

    def broken(nonce: int) -> Signed:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.sign(entered(journal), SENDER, 0, broken)
    record = Journal(place).find(IDENTITY)
    assert record is not None and record.state is State.PREPARED and record.variants == ()


def test_a_replacement_has_the_same_nonce(place: str) -> None:
    journal = Journal(place)
    record = journal.sign(entered(journal), SENDER, 3, signed)
    with pytest.raises(JournalError, match="has the nonce of what it replaces"):
        journal.replace(record, Purpose.SUBMIT, lambda: signed(4))
    assert journal.get(record) == record


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:hunter2@127.0.0.1:1/books", "database 'books' at 127.0.0.1: .* not reachable"),
        ("postgresql+psycopg://127.0.0.1:1/books?user=me&password=hunter2", "database 'books' at 127.0.0.1: "),
        ("mysql://me:hunter2@127.0.0.1/books", "a SQLite file or postgresql"),
        ("postgresql://me:hunter2@127.0.0.1:port/books", "not understood"),
    ],
)
def test_no_message_shows_a_password(url: str, message: str) -> None:
    with pytest.raises(JournalError, match=message) as error:
        Journal(url)
    assert "hunter2" not in str(error.value) and error.value.__cause__ is None


def test_a_name_without_user_and_password(server: Callable[[], str]) -> None:
    url = server()
    assert Journal(url).name == f"database {make_url(url).database!r} at 127.0.0.1"


def test_a_journal_of_an_earlier_version(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE submissions (id INTEGER PRIMARY KEY, chain_id VARCHAR)")
    connection.close()
    with pytest.raises(JournalError, match="of another version"):
        Journal(path)
