"""The publisher's journal: one submission per fund, policy, epoch and program, whatever crashes in between.

The signed bytes are stored before they are sent, so a restart sends the same bytes or finds their receipt. Signing and
the choice of the nonce happen inside one exclusive transaction of the database. No key ever enters it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint, create_engine, event
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.sql import ColumnElement, and_, insert, select, update

from attest.chain.errors import JournalError
from attest.chain.transactions import Receipt, Signed

LOCK_SECONDS = 30


class State(StrEnum):
    """How far a submission came.

    prepared: known, nothing signed. refused: a simulation failed, nothing signed. signed: the bytes are stored.
    sent: a node took them. mined: it succeeded. reverted: mined and failed. dropped: its nonce went to another
    transaction, so it can never be mined.
    """

    PREPARED = "prepared"
    REFUSED = "refused"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    REVERTED = "reverted"
    DROPPED = "dropped"


UNSIGNED = (State.PREPARED, State.REFUSED)
UNDER_WAY = (State.SIGNED, State.SENT)
FAILED = (State.REVERTED, State.DROPPED)


@dataclass(frozen=True, slots=True)
class Identity:
    """What is published at most once. Addresses are checksummed, policy_id is 32 bytes."""

    chain_id: int
    registry: str
    fund: str
    policy_id: bytes
    epoch: int
    program: int

    def __str__(self) -> str:
        return f"fund {self.fund}, epoch {self.epoch}, program {self.program}"


@dataclass(frozen=True, slots=True)
class Record:
    """A submission as the journal knows it.

    Args:
        digest: of the statement; call_hash: keccak256 of the calldata; sender, signed: None before it is signed.
        reason: why the contract refused.
    """

    identity: Identity
    digest: bytes
    call_hash: bytes
    state: State
    sender: str | None
    signed: Signed | None
    block: int | None
    gas_used: int | None
    reason: str | None


_metadata = MetaData()
_KEY = ("chain_id", "registry", "fund", "policy_id", "epoch", "program")


def _columns() -> list[Column[Any]]:
    """uint64 and uint256 values are decimal strings: SQLite's integers have 63 bits."""
    return [
        *(Column(name, String, nullable=False) for name in _KEY),
        Column("digest", LargeBinary, nullable=False),
        Column("call_hash", LargeBinary, nullable=False),
        Column("state", String, nullable=False),
        Column("sender", String),
        Column("nonce", Integer),
        Column("raw", LargeBinary),
        Column("hash", LargeBinary),
        Column("block", Integer),
        Column("gas_used", Integer),
        Column("reason", String),
    ]


_submissions = Table(
    "submissions", _metadata, Column("id", Integer, primary_key=True), *_columns(), UniqueConstraint(*_KEY)
)
_failed = Table("failed_attempts", _metadata, Column("id", Integer, primary_key=True), *_columns())


def _key_values(identity: Identity) -> dict[str, str]:
    values = (
        identity.chain_id,
        identity.registry.lower(),
        identity.fund.lower(),
        identity.policy_id.hex(),
        identity.epoch,
        identity.program,
    )
    return dict(zip(_KEY, map(str, values), strict=True))


def _where(identity: Identity) -> ColumnElement[bool]:
    return and_(*(_submissions.c[name] == value for name, value in _key_values(identity).items()))


def _record(row: Row[Any]) -> Record:
    r = row._mapping
    identity = Identity(
        int(r["chain_id"]), r["registry"], r["fund"], bytes.fromhex(r["policy_id"]), int(r["epoch"]), int(r["program"])
    )
    signed = None if r["raw"] is None else Signed(r["nonce"], bytes(r["raw"]), bytes(r["hash"]))
    return Record(
        identity,
        bytes(r["digest"]),
        bytes(r["call_hash"]),
        State(r["state"]),
        r["sender"],
        signed,
        r["block"],
        r["gas_used"],
        r["reason"],
    )


class Journal:
    """A SQLite file, created 0600.

    Raises: JournalError: it cannot be opened, or is another kind of file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise JournalError(f"{path}: the journal cannot be opened: {error.strerror or error}") from error
        self._engine = create_engine(f"sqlite:///{self.path}", connect_args={"timeout": LOCK_SECONDS})
        event.listen(self._engine, "connect", _own_transactions)
        event.listen(self._engine, "begin", _begin_exclusive)
        with self._begin() as connection:
            _metadata.create_all(connection)

    def close(self) -> None:
        """Let the file go."""
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise JournalError(f"{self.path}: the journal is locked or not writable; try again") from error
        except IntegrityError as error:
            raise JournalError(f"{self.path}: the journal already has such a submission") from error
        except DatabaseError as error:
            raise JournalError(f"{self.path}: not a journal, or a damaged one; give another file") from error

    def find(self, identity: Identity) -> Record | None:
        with self._begin() as connection:
            return self._find(connection, identity)

    def _find(self, connection: Connection, identity: Identity) -> Record | None:
        row = connection.execute(select(_submissions).where(_where(identity))).one_or_none()
        return None if row is None else _record(row)

    def _get(self, connection: Connection, identity: Identity) -> Record:
        record = self._find(connection, identity)
        if record is None:
            raise JournalError(f"{self.path}: {identity} has vanished from the journal")
        return record

    def unfinished(self, chain_id: int, sender: str) -> tuple[Record, ...]:
        """Submissions of an address whose signed bytes have no receipt yet, by nonce."""
        mine = and_(
            _submissions.c.chain_id == str(chain_id),
            _submissions.c.sender == sender,
            _submissions.c.state.in_(UNDER_WAY),
        )
        with self._begin() as connection:
            rows = connection.execute(select(_submissions).where(mine).order_by(_submissions.c.nonce))
            return tuple(_record(row) for row in rows)

    def prepare(self, identity: Identity, digest: bytes, call_hash: bytes) -> Record:
        """Enter a submission, or find it. As long as nothing is signed, a newer one takes its place."""
        content = {"digest": digest, "call_hash": call_hash, "state": State.PREPARED, "reason": None}
        with self._begin() as connection:
            record = self._find(connection, identity)
            if record is None:
                connection.execute(insert(_submissions).values(**_key_values(identity), **content))
            elif record.state in UNSIGNED:
                connection.execute(update(_submissions).where(_where(identity)).values(**content))
            return self._get(connection, identity)

    def retry(self, identity: Identity, digest: bytes, call_hash: bytes) -> Record:
        """Set a failed submission aside, in the list of failed attempts, and enter a new one.

        Raises: JournalError: it has not failed, so that another one could be mined beside it.
        """
        with self._begin() as connection:
            record = self._get(connection, identity)
            if record.state not in FAILED:
                raise JournalError(f"{identity}: it is {record.state}, and only a failed submission is tried again")
            names = [column.name for column in _failed.columns if column.name != "id"]
            old = select(*(_submissions.c[name] for name in names)).where(_where(identity))
            connection.execute(insert(_failed).from_select(names, old))
            connection.execute(_submissions.delete().where(_where(identity)))
            content = {"digest": digest, "call_hash": call_hash, "state": State.PREPARED}
            connection.execute(insert(_submissions).values(**_key_values(identity), **content))
            return self._get(connection, identity)

    def refuse(self, identity: Identity, reason: str) -> Record:
        """The contract refused a simulation; nothing was signed."""
        return self._move(identity, UNSIGNED, state=State.REFUSED, reason=reason)

    def sign(self, identity: Identity, sender: str, chain_nonce: int, make: Callable[[int], Signed]) -> Record:
        """Choose a nonce, sign and store, all before anything is sent. What is signed already stays as it is.

        Args:
            chain_nonce: the next nonce as the node knows it; make: signs with the nonce given.
        """
        waiting = and_(
            _submissions.c.chain_id == str(identity.chain_id),
            _submissions.c.sender == sender,
            _submissions.c.state.in_(UNDER_WAY),
        )
        with self._begin() as connection:
            record = self._get(connection, identity)
            if record.state is not State.PREPARED:
                return record
            taken = connection.execute(select(_submissions.c.nonce).where(waiting)).scalars().all()
            signed = make(max([chain_nonce, *(nonce + 1 for nonce in taken)]))
            values = {"sender": sender, "nonce": signed.nonce, "raw": signed.raw, "hash": signed.hash}
            connection.execute(update(_submissions).where(_where(identity)).values(state=State.SIGNED, **values))
            return self._get(connection, identity)

    def sent(self, identity: Identity) -> Record:
        """A node took the bytes."""
        return self._move(identity, UNDER_WAY, state=State.SENT)

    def mined(self, identity: Identity, receipt: Receipt) -> Record:
        """It is mined and succeeded."""
        allowed = (*UNDER_WAY, State.MINED)
        return self._move(identity, allowed, state=State.MINED, block=receipt.block, gas_used=receipt.gas_used)

    def reverted(self, identity: Identity, receipt: Receipt, reason: str) -> Record:
        """It is mined and failed."""
        values = {"block": receipt.block, "gas_used": receipt.gas_used, "reason": reason}
        return self._move(identity, (*UNDER_WAY, State.MINED), state=State.REVERTED, **values)

    def dropped(self, identity: Identity, reason: str) -> Record:
        """It can never be mined."""
        return self._move(identity, (*UNDER_WAY, State.MINED), state=State.DROPPED, reason=reason)

    def _move(self, identity: Identity, allowed: tuple[State, ...], **values: Any) -> Record:
        """Change a record in one of the allowed states; one that another process moved on stays as it is."""
        with self._begin() as connection:
            change = update(_submissions).where(_where(identity), _submissions.c.state.in_(allowed))
            connection.execute(change.values(**values))
            return self._get(connection, identity)


def _own_transactions(connection: Any, _: Any) -> None:
    """Python's sqlite3 would begin transactions late and by itself; SQLAlchemy begins them here."""
    connection.isolation_level = None


def _begin_exclusive(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
