"""The journal on its own: the nonce and the bytes are chosen once, whoever asks at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from attest.chain import Identity, Journal, JournalError, Receipt, State
from attest.chain.transactions import Signed

LARGE = 2**64 - 1
IDENTITY = Identity(31337, "0x" + "A1" * 20, "0x" + "F1" * 20, b"\x01" * 32, LARGE, 0)
DIGEST, CALL = b"\x02" * 32, b"\x03" * 32
RECEIPT = Receipt(b"\x05" * 32, True, 7, 100, None)
SENDER = "0x" + "11" * 20


def signed(nonce: int) -> Signed:
    return Signed(nonce, b"raw %d" % nonce, b"\x05" * 32)


def test_eight_at_once_sign_one_transaction(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).prepare(IDENTITY, DIGEST, CALL)
    made = []

    def sign(marker: int) -> Signed | None:
        def make(nonce: int) -> Signed:
            made.append(marker)
            return Signed(nonce, b"bytes of %d" % marker, bytes([marker]) * 32)

        return Journal(path).sign(IDENTITY, SENDER, 4, make).signed

    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(sign, range(8)))
    assert len(made) == 1 and len(results) == 1


def test_waiting_submissions_take_nonces_of_their_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    nonces = []
    for epoch in range(3):
        identity = replace(IDENTITY, epoch=epoch)
        journal.prepare(identity, DIGEST, CALL)
        record = journal.sign(identity, SENDER, 4, signed)
        assert record.signed is not None
        nonces.append(record.signed.nonce)
    assert nonces == [4, 5, 6]
    journal.mined(replace(IDENTITY, epoch=0), RECEIPT)
    assert [r.identity.epoch for r in journal.unfinished(31337, SENDER)] == [1, 2]
    assert journal.unfinished(1, SENDER) == ()


def test_addresses_are_the_same_in_any_case_of_letters(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.prepare(IDENTITY, DIGEST, CALL)
    found = journal.find(replace(IDENTITY, fund=IDENTITY.fund.lower(), registry=IDENTITY.registry.lower()))
    assert found is not None and found.identity.epoch == LARGE


def test_content_changes_only_while_nothing_is_signed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.prepare(IDENTITY, DIGEST, CALL)
    journal.refuse(IDENTITY, "Expired(1)")
    other = b"\x09" * 32
    assert journal.prepare(IDENTITY, other, other).call_hash == other
    journal.sign(IDENTITY, SENDER, 0, signed)
    assert journal.prepare(IDENTITY, DIGEST, CALL).call_hash == other
    assert journal.refuse(IDENTITY, "late").state is State.SIGNED


def test_a_record_never_goes_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.prepare(IDENTITY, DIGEST, CALL)
    journal.sign(IDENTITY, SENDER, 0, signed)
    journal.sent(IDENTITY)
    assert journal.mined(IDENTITY, RECEIPT).state is State.MINED
    assert journal.sent(IDENTITY).state is State.MINED
    with pytest.raises(JournalError, match="only a failed submission"):
        journal.retry(IDENTITY, DIGEST, CALL)
    assert journal.sign(IDENTITY, SENDER, 9, signed).signed == signed(0)


def test_a_failed_attempt_is_set_aside(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.prepare(IDENTITY, DIGEST, CALL)
    journal.sign(IDENTITY, SENDER, 0, signed)
    journal.reverted(IDENTITY, RECEIPT, "OpeningRejected()")
    again = journal.retry(IDENTITY, DIGEST, CALL)
    assert (again.state, again.signed, again.reason) == (State.PREPARED, None, None)
    assert b"OpeningRejected()" in (tmp_path / "journal.sqlite").read_bytes()


def test_a_failure_while_signing_leaves_it_prepared(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.prepare(IDENTITY, DIGEST, CALL)

    def broken(nonce: int) -> Signed:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.sign(IDENTITY, SENDER, 0, broken)
    record = Journal(tmp_path / "journal.sqlite").find(IDENTITY)
    assert record is not None and record.state is State.PREPARED and record.signed is None
