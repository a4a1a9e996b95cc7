"""A book's accounts on disk, in an order that only the seed knows (protocol §9).

An SQLite file, so that memory does not grow with the number of accounts, and several processes may read it at once.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path

from attest.errors import AccountError, EncodingError
from attest.liabilities.accounts import Account, Currency
from attest.liabilities.book import CAPACITY, nonce_hash, text_hash
from attest.program import RANGE_BITS

FORMAT = 1
_BATCH = 5_000
_SCHEMA = """
CREATE TABLE about (format INTEGER, accounts INTEGER, chunks INTEGER);
CREATE TABLE currency (number INTEGER PRIMARY KEY, name TEXT, lot TEXT, total TEXT);
CREATE TABLE unordered (
    rank BLOB PRIMARY KEY, row INTEGER, account TEXT UNIQUE, nonce TEXT,
    account_hash BLOB, nonce_hash BLOB, salt BLOB, balances BLOB
) WITHOUT ROWID;
"""
_ORDERED = """
CREATE TABLE entry (
    position INTEGER PRIMARY KEY, account TEXT, nonce TEXT,
    account_hash BLOB, nonce_hash BLOB, salt BLOB, balances BLOB
);
INSERT INTO entry
    SELECT row_number() OVER (ORDER BY rank) - 1, account, nonce, account_hash, nonce_hash, salt, balances
    FROM unordered ORDER BY rank;
CREATE INDEX by_account ON entry (account_hash);
DROP TABLE unordered;
"""
_BALANCE_BYTES = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at one entry of a chunk, for an account as for an empty one. Secret.

    Args:
        balances: whole lots of each currency.
    """

    account_hash: bytes = field(repr=False)
    nonce_hash: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    balances: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Located:
    """An account and where it stands. Secret."""

    chunk: int = field(repr=False)
    entry_index: int = field(repr=False)
    account: str = field(repr=False)
    nonce: str = field(repr=False)
    entry: Entry = field(repr=False)


def _derived(seed: bytes, *parts: bytes) -> bytes:
    return hmac.digest(seed, b"\x00".join(parts), "sha256")


def _packed(balances: Iterable[int]) -> bytes:
    return b"".join(balance.to_bytes(_BALANCE_BYTES, "big") for balance in balances)


@dataclass(frozen=True)
class Ledger:
    """All accounts of a book.

    Args:
        path: of the file; accounts: number of real ones; count: of chunks; currencies: with their lots.
    """

    path: Path
    accounts: int
    count: int
    currencies: tuple[Currency, ...]
    _totals: tuple[int, ...] = field(repr=False)

    @classmethod
    def create(
        cls,
        path: str | Path,
        accounts: Iterable[Account],
        currencies: Sequence[Currency],
        seed: bytes,
        *,
        least_chunks: int = 1,
        progress: Callable[[int], None] = lambda count: None,
    ) -> Ledger:
        """Write a ledger, whole or not at all.

        Args:
            seed: 32 secret bytes that fix order and salts.
            least_chunks: empty accounts fill up at least so many chunks.
            progress: called with the number of accounts read.
        Raises: AccountError: an account twice, none at all, a total out of range, or what reading raises;
            EncodingError: the file cannot be written, or exists.
        """
        target = Path(path)
        if target.exists():
            raise EncodingError(f"{target} exists and holds accounts that would be lost; move it away first")
        temporary = target.with_name(f".{target.name}.new")
        temporary.unlink(missing_ok=True)  # of a reading that was killed; it holds accounts
        try:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with closing(sqlite3.connect(temporary, isolation_level=None)) as database:
                database.executescript("PRAGMA journal_mode = OFF; PRAGMA temp_store = FILE;" + _SCHEMA + "BEGIN;")
                _fill(database, accounts, tuple(currencies), seed, least_chunks, progress)
                database.executescript("BEGIN;" + _ORDERED + "COMMIT;")
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.link(temporary, target)
        except (sqlite3.Error, OSError) as error:
            raise EncodingError(f"{target}: cannot be written") from error
        finally:
            temporary.unlink(missing_ok=True)
        return cls.open(target)

    @classmethod
    def open(cls, path: str | Path) -> Ledger:
        """Raises: EncodingError: no ledger, a damaged one, or one of another version."""
        target = Path(path)
        try:
            with closing(_connect(target)) as database:
                (version, accounts, count) = database.execute("SELECT format, accounts, chunks FROM about").fetchone()
                rows = database.execute("SELECT name, lot, total FROM currency ORDER BY number").fetchall()
                (entries,) = database.execute("SELECT count(*) FROM entry").fetchone()
        except (sqlite3.Error, TypeError) as error:
            raise EncodingError(f"{target}: no ledger of accounts, or a damaged one") from error
        if version != FORMAT or entries != count * CAPACITY:
            raise EncodingError(f"{target}: a damaged ledger, or one of another version")
        currencies = tuple(Currency(name, Decimal(lot)) for name, lot, _ in rows)
        return cls(target, accounts, count, currencies, tuple(int(total) for _, _, total in rows))

    def totals(self) -> tuple[int, ...]:
        """What is owed, whole lots of each currency. Secret."""
        return self._totals

    def _entry(self, account_hash: bytes, hashed_nonce: bytes, salt: bytes, balances: bytes) -> Entry:
        lots = [balances[i : i + _BALANCE_BYTES] for i in range(0, len(balances), _BALANCE_BYTES)]
        return Entry(account_hash, hashed_nonce, salt, tuple(int.from_bytes(part, "big") for part in lots))

    def chunk(self, chunk: int) -> tuple[Entry, ...]:
        """(4088,) the entries of a chunk, in order. Raises: EncodingError: no such chunk."""
        columns = "account_hash, nonce_hash, salt, balances"
        query = f"SELECT {columns} FROM entry WHERE position BETWEEN ? AND ? ORDER BY position"
        with closing(_connect(self.path)) as database:
            rows = database.execute(query, (chunk * CAPACITY, (chunk + 1) * CAPACITY - 1)).fetchall()
        if len(rows) != CAPACITY:
            raise EncodingError(f"the ledger has no chunk {chunk}")
        return tuple(self._entry(*row) for row in rows)

    def find(self, account: str) -> Located:
        """Raises: AccountError: no such account."""
        found = list(self._located("account_hash = ? AND account IS NOT NULL", (text_hash(account),)))
        if not found:
            raise AccountError("the book has no such account")
        return found[0]

    def accounts_of(self, chunk: int) -> Iterator[Located]:
        """The real accounts of a chunk."""
        first = chunk * CAPACITY
        return self._located("position BETWEEN ? AND ? AND account IS NOT NULL", (first, first + CAPACITY - 1))

    def _located(self, where: str, values: tuple[object, ...]) -> Iterator[Located]:
        query = f"SELECT position, account, nonce, account_hash, nonce_hash, salt, balances FROM entry WHERE {where}"
        with closing(_connect(self.path)) as database:
            for position, account, nonce, *entry in database.execute(query, values):
                chunk, index = divmod(position, CAPACITY)
                yield Located(chunk, index, account, nonce, self._entry(*entry))


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _fill(
    database: sqlite3.Connection,
    accounts: Iterable[Account],
    currencies: tuple[Currency, ...],
    seed: bytes,
    least_chunks: int,
    progress: Callable[[int], None],
) -> None:
    insert = "INSERT INTO unordered VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    totals, count = [0] * len(currencies), 0
    remaining = iter(accounts)
    while batch := list(islice(remaining, _BATCH)):
        rows = []
        for a in batch:
            name = a.account.encode()
            rank, salt = _derived(seed, b"account", name), _derived(seed, b"salt", name)
            hashes = (text_hash(a.account), nonce_hash(a.nonce))
            rows.append((rank, a.row, a.account, a.nonce, *hashes, salt, _packed(a.balances)))
            totals = [total + balance for total, balance in zip(totals, a.balances, strict=True)]
        try:
            database.executemany(insert, rows)
        except sqlite3.IntegrityError:
            raise AccountError(_repeated(database, batch)) from None
        count += len(batch)
        progress(count)
    if not count:
        raise AccountError("there are no accounts")
    for currency, total in zip(currencies, totals, strict=True):
        if total >= 1 << RANGE_BITS:
            raise AccountError(f"the total of {currency.name} is out of range; choose larger lots")
    chunks = max(-(-count // CAPACITY), least_chunks)
    database.executemany(insert, (_empty(seed, i, len(currencies)) for i in range(chunks * CAPACITY - count)))
    database.execute("INSERT INTO about VALUES (?, ?, ?)", (FORMAT, count, chunks))
    listed = [(i, c.name, format(c.lot, "f"), str(t)) for i, (c, t) in enumerate(zip(currencies, totals, strict=True))]
    database.executemany("INSERT INTO currency VALUES (?, ?, ?, ?)", listed)


def _empty(seed: bytes, number: int, currencies: int) -> tuple[object, ...]:
    """An account of zeros that nobody has; outside this file nothing tells it from the others."""
    label = number.to_bytes(8, "big")
    rank, account, nonce, salt = (_derived(seed, b"empty", what, label) for what in (b"rank", b"id", b"nonce", b"salt"))
    return rank, None, None, None, account, nonce, salt, _packed([0] * currencies)


def _repeated(database: sqlite3.Connection, batch: Sequence[Account]) -> str:
    """Both rows of the first account that is there twice."""
    rows: dict[str, int] = {}
    for account in batch:
        known = database.execute("SELECT row FROM unordered WHERE account = ?", (account.account,)).fetchone()
        earlier = rows.get(account.account, known[0] if known and known[0] != account.row else None)
        if earlier is not None:
            return f"row {account.row}: the account of row {earlier} again"
        rows[account.account] = account.row
    return "an account stands there twice"
