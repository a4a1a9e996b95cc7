"""The ledger: a secret order, empty accounts that nothing tells from others, whole or not at all."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from attest.errors import AccountError, EncodingError
from attest.liabilities import Account, Currency
from attest.liabilities.book import CAPACITY, NO_NONCE, nonce_hash, text_hash
from attest.liabilities.ledger import Ledger

CURRENCIES = (Currency("USD", Decimal("0.01")), Currency("BTC", Decimal("1E-8")))
SEED = b"s" * 32


def accounts(count: int) -> list[Account]:
    return [Account(i + 2, f"user-{i}", "mine" if i % 2 else "", (i, 2 * i)) for i in range(count)]


def made(path: Path, listed: list[Account], seed: bytes = SEED, least_chunks: int = 1) -> Ledger:
    return Ledger.create(path / "ledger.sqlite", listed, CURRENCIES, seed, least_chunks=least_chunks)


def test_every_account_stands_there_once(tmp_path: Path) -> None:
    ledger = made(tmp_path, accounts(5_000))
    assert (ledger.accounts, ledger.count, ledger.currencies) == (5_000, 2, CURRENCIES)
    entries = [entry for i in range(2) for entry in ledger.chunk(i)]
    assert len(entries) == 2 * CAPACITY
    assert len({entry.account_hash for entry in entries}) == len({entry.salt for entry in entries}) == len(entries)
    for account in accounts(5_000)[:50]:
        located = ledger.find(account.account)
        entry = ledger.chunk(located.chunk)[located.entry_index]
        assert entry == located.entry
        assert entry.balances == account.balances
        assert entry.account_hash == text_hash(account.account)
        assert entry.nonce_hash == nonce_hash(account.nonce) == (located.entry.nonce_hash)
    assert ledger.totals() == (sum(range(5_000)), 2 * sum(range(5_000)))
    assert sum(1 for i in range(2) for _ in ledger.accounts_of(i)) == 5_000


def test_the_order_follows_from_the_seed_alone(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    first = made(tmp_path / "a", accounts(300))
    backwards = made(tmp_path / "b", accounts(300)[::-1])
    other = made(tmp_path / "c", accounts(300), seed=b"t" * 32)
    assert first.chunk(0) == backwards.chunk(0)
    assert {e.account_hash for e in first.chunk(0)} & {e.account_hash for e in other.chunk(0)} == {
        text_hash(f"user-{i}") for i in range(300)
    }
    places = [first.find(f"user-{i}").entry_index for i in range(300)]
    assert places != sorted(places)
    assert places != [other.find(f"user-{i}").entry_index for i in range(300)]


def test_empty_accounts_are_spread_and_look_like_others(tmp_path: Path) -> None:
    """A chunk of 300 accounts and 3788 empty ones: every field is filled, and they alternate."""
    ledger = made(tmp_path, accounts(300))
    real = {text_hash(f"user-{i}") for i in range(300)}
    flags = [entry.account_hash in real for entry in ledger.chunk(0)]
    assert 0 < sum(flags[: CAPACITY // 2]) < 300
    for entry, is_real in zip(ledger.chunk(0), flags, strict=True):
        assert [len(part) for part in (entry.account_hash, entry.nonce_hash, entry.salt)] == [32, 32, 32]
        assert is_real or (entry.balances == (0, 0) and entry.nonce_hash != NO_NONCE)


def test_more_chunks_hide_the_count(tmp_path: Path) -> None:
    assert made(tmp_path, accounts(10), least_chunks=3).count == 3


def test_what_cannot_be_a_book(tmp_path: Path) -> None:
    twice = [*accounts(7_000), Account(9_999, "user-3", "", (1, 1))]
    again = [*accounts(3), Account(77, "user-1", "", (1, 1))]
    large = [Account(i, str(i), "", ((1 << 77) - 1, 0)) for i in range(2)]
    for listed, says in (
        (twice, "row 9999: the account of row 5 again"),
        (again, "row 77: the account of row 3 again"),
        (large, "the total of USD is out of range"),
        ([], "no accounts"),
    ):
        with pytest.raises(AccountError, match=says):
            made(tmp_path, listed)
        assert list(tmp_path.iterdir()) == []
    made(tmp_path, accounts(3))
    with pytest.raises(EncodingError, match="move it away"):
        made(tmp_path, accounts(3))
    with pytest.raises(AccountError, match="no such account"):
        Ledger.open(tmp_path / "ledger.sqlite").find("user-3")


def test_what_is_stopped_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def stopped() -> Iterator[Account]:
        yield from accounts(6_000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Ledger.create(tmp_path / "ledger.sqlite", stopped(), CURRENCIES, SEED)
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    ledger = made(tmp_path, accounts(3))
    assert stat.S_IMODE((tmp_path / "ledger.sqlite").stat().st_mode) == 0o600
    for secret in (repr(ledger), repr(ledger.chunk(0)[0]), repr(ledger.find("user-1"))):
        assert "user-1" not in secret
        assert "balances" not in secret


def test_damaged_ledgers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    for content in (b"", b"SQLite format 3\x00" + bytes(200)):
        path.write_bytes(content)
        with pytest.raises(EncodingError, match="ledger"):
            Ledger.open(path)
    path.unlink()
    made(tmp_path, accounts(3))
    for statement in ("UPDATE about SET format = 2", "DELETE FROM entry WHERE position = 17"):
        with sqlite3.connect(path) as database:
            database.execute(statement)
        database.close()
        with pytest.raises(EncodingError, match="damaged"):
            Ledger.open(path)
