"""Where a journal is kept: a SQLite file or a PostgreSQL database, used by one process at a time.

Every transaction is exclusive from its first statement on. SQLite has BEGIN IMMEDIATE for it; on PostgreSQL an
advisory lock of the database comes first. READ COMMITTED is right there, because each statement after the lock then
sees all that was committed before; a snapshot of a stricter level would be older than the lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, MetaData, create_engine, event, inspect, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, OperationalError
from sqlalchemy.pool import NullPool

from attest.chain.errors import JournalError

LOCK_SECONDS = 30
LOCK = 0x50726F6F666F6C69
"""The advisory lock's number: "Proofoli"."""

POSTGRESQL = "postgresql+psycopg"


class Database:
    """Tables that several processes may use, one at a time.

    Args:
        place: a file, created 0600, or a URL `postgresql+psycopg://user:password@host/name`. No message shows the
            user or the password.
    Raises: JournalError: it cannot be opened, or holds other tables.
    """

    def __init__(self, place: str | Path, tables: MetaData) -> None:
        self._engine, self.name = _open(place)
        with self.begin() as connection:
            tables.create_all(connection)
            found = inspect(connection)
            for table in tables.tables.values():
                missing = {c.name for c in table.columns} - {str(c["name"]) for c in found.get_columns(table.name)}
                if missing:
                    raise JournalError(
                        f"{self.name}: a journal of another version, without {', '.join(sorted(missing))}; give "
                        "another one. The registry refuses what it has recorded already"
                    )

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """An exclusive transaction. The messages of databases may hold secrets and are left out."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError:
            remote = self._engine.dialect.name == "postgresql"
            hint = ", or correct address, user and password" if remote else ""
            raise JournalError(
                f"{self.name}: the journal is locked, not writable or not reachable; try again{hint}"
            ) from None
        except IntegrityError:
            raise JournalError(f"{self.name}: the journal already has such a submission") from None
        except (DatabaseError, UnicodeDecodeError):
            raise JournalError(f"{self.name}: not a journal, or a damaged one; give another one") from None


def _open(place: str | Path) -> tuple[Engine, str]:
    """An engine, and the name by which messages call it."""
    if "://" not in str(place):
        return _sqlite(Path(place)), str(place)
    try:
        url = make_url(str(place))
    except (ArgumentError, ValueError):
        raise JournalError("the journal's URL is not understood; write postgresql+psycopg://user@host/name") from None
    if url.drivername not in ("postgresql", POSTGRESQL):
        raise JournalError(f"a journal is a SQLite file or {POSTGRESQL}://..., not {url.drivername}://")
    return _postgresql(url.set(drivername=POSTGRESQL)), f"database {url.database!r} at {url.host or 'this host'}"


def _sqlite(path: Path) -> Engine:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise JournalError(f"{path}: the journal cannot be opened: {error.strerror or error}") from error
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "connect", _own_transactions)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _postgresql(url: URL) -> Engine:
    try:
        # A pooled connection may have died since it was used last.
        engine = create_engine(
            url, isolation_level="READ COMMITTED", poolclass=NullPool, connect_args={"connect_timeout": LOCK_SECONDS}
        )
    except ImportError:
        raise JournalError("a journal in PostgreSQL needs psycopg: pip install 'proofolio[postgresql]'") from None
    event.listen(engine, "begin", _lock)
    return engine


def _own_transactions(connection: Any, _: Any) -> None:
    """Python's sqlite3 would begin transactions late and by itself; SQLAlchemy begins them here."""
    connection.isolation_level = None


def _lock(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
