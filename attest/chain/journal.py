"""The publisher's journal: one submission per fund, policy and epoch, whatever crashes in between.

Signed bytes are stored before they are sent, so a restart sends the same bytes or finds their receipt. A nonce is
chosen once: all that is ever signed for a submission, replacements included, has that nonce, so that at most one of it
can be mined. Signing and the choice of the nonce happen inside one exclusive transaction of the database. No key ever
enters it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql import ColumnElement, and_, func, insert, select, update

from attest.chain.database import Database
from attest.chain.errors import JournalError
from attest.chain.signers import Signed
from attest.chain.transactions import Receipt


class State(StrEnum):
    """How far a submission came.

    prepared: known, nothing signed. refused: a simulation failed, nothing signed. signed: the bytes are stored.
    sent: a node took them. mined: it is in a block, which a reorganisation may still remove: then it is sent again.
    final: it succeeded, deep enough. reverted: it failed, deep enough. dropped: it can never succeed any more, since
    its nonce went elsewhere or it expired.
    """

    PREPARED = "prepared"
    REFUSED = "refused"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    REVERTED = "reverted"
    DROPPED = "dropped"


UNSIGNED = (State.PREPARED, State.REFUSED)
UNDER_WAY = (State.SIGNED, State.SENT, State.MINED)
FAILED = (State.REVERTED, State.DROPPED)
REPLACEABLE = (State.SIGNED, State.SENT, State.DROPPED)


class Purpose(StrEnum):
    """What a signed transaction is for: the submission itself, or to take the nonce of one that was given up."""

    SUBMIT = "submit"
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class Identity:
    """What is published at most once. Addresses are checksummed, policy_id is 32 bytes."""

    chain_id: int
    registry: str
    fund: str
    policy_id: bytes
    epoch: int

    def __str__(self) -> str:
        return f"fund {self.fund}, epoch {self.epoch}"


@dataclass(frozen=True, slots=True)
class Content:
    """What is published under an identity.

    Args:
        digest: of the statement; call_hash: keccak256 of the calldata; expiry: Unix seconds.
    """

    digest: bytes
    call_hash: bytes
    expiry: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One signed transaction of a submission. signed_at: Unix seconds."""

    signed: Signed
    purpose: Purpose
    signed_at: float


@dataclass(frozen=True, slots=True)
class Record:
    """A submission as the journal knows it.

    Args:
        id: its row; attempt: counts submissions that replace failed ones.
        sender, nonce: None before it is signed; variants: all that was signed, in that order.
        mined_hash, block, block_hash, gas_used: of the transaction that was mined.
        reason: why the contract refused, or why it was dropped.
    """

    id: int
    identity: Identity
    attempt: int
    content: Content
    state: State
    sender: str | None
    nonce: int | None
    mined_hash: bytes | None
    block: int | None
    block_hash: bytes | None
    gas_used: int | None
    reason: str | None
    variants: tuple[Variant, ...]

    @property
    def signed(self) -> Signed | None:
        """What was signed last."""
        return self.variants[-1].signed if self.variants else None

    @property
    def mined(self) -> Variant | None:
        """The transaction that was mined."""
        return next((each for each in self.variants if each.signed.hash == self.mined_hash), None)


_metadata = MetaData()
_KEY = tuple(field.name for field in fields(Identity))
_submissions = Table(
    "submissions",
    _metadata,
    Column("id", Integer, primary_key=True),
    # uint64 and uint256 values are decimal strings: a database's integers have 63 bits.
    *(Column(name, String, nullable=False) for name in _KEY),
    Column("attempt", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("call_hash", LargeBinary, nullable=False),
    Column("expiry", String, nullable=False),
    Column("state", String, nullable=False),
    Column("sender", String),
    Column("nonce", BigInteger),
    Column("mined_hash", LargeBinary),
    Column("block", BigInteger),
    Column("block_hash", LargeBinary),
    Column("gas_used", BigInteger),
    Column("reason", String),
    Unique(*_KEY, "attempt"),
)
_variants = Table(
    "signed_transactions",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("submission", Integer, ForeignKey("submissions.id"), nullable=False),
    Column("purpose", String, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("signed_at", Float, nullable=False),
)


def _key_values(identity: Identity) -> dict[str, str]:
    """Addresses are the same in any case of letters."""
    values = (value.hex() if isinstance(value, bytes) else str(value).lower() for value in astuple(identity))
    return dict(zip(_KEY, values, strict=True))


def _identity(row: Row[Any]) -> Identity:
    policy_id = bytes.fromhex(row.policy_id)
    return Identity(int(row.chain_id), row.registry, row.fund, policy_id, int(row.epoch))


def _where(identity: Identity) -> ColumnElement[bool]:
    return and_(*(_submissions.c[name] == value for name, value in _key_values(identity).items()))


def _content_values(content: Content) -> dict[str, Any]:
    return {"digest": content.digest, "call_hash": content.call_hash, "expiry": str(content.expiry)}


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


class Journal:
    """A SQLite file, created 0600, or a PostgreSQL database.

    Args:
        place: the file, or a URL `postgresql+psycopg://...`; clock: Unix seconds.
    Raises: JournalError: it cannot be opened, or is something else.
    """

    def __init__(self, place: str | Path, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = Database(place, _metadata), clock

    @property
    def name(self) -> str:
        """The file or the database, without user and password."""
        return self._database.name

    def close(self) -> None:
        """Let the file or the connection go."""
        self._database.close()

    def find(self, identity: Identity) -> Record | None:
        """The latest attempt of a submission."""
        with self._database.begin() as connection:
            return self._find(connection, identity)

    def get(self, record: Record) -> Record:
        """A record as it is now; another process may have moved it on."""
        with self._database.begin() as connection:
            return self._get(connection, record.id)

    def holders(self, chain_id: int, sender: str, first: int) -> dict[int, Record]:
        """Nonces of an address from the first on, with the submission that each belongs to."""
        theirs = and_(_submissions.c.chain_id == str(chain_id), _submissions.c.sender == sender)
        with self._database.begin() as connection:
            rows = connection.execute(
                select(_submissions).where(theirs, _submissions.c.nonce >= first).order_by(_submissions.c.nonce)
            ).all()
            return {row.nonce: self._record(connection, row) for row in rows}

    def prepare(self, identity: Identity, content: Content) -> Record:
        """Enter a submission, or find it. As long as nothing is signed, a newer one takes its place."""
        with self._database.begin() as connection:
            record = self._find(connection, identity)
            if record is None:
                return self._enter(connection, identity, content, 1)
            if record.state in UNSIGNED:
                values = {**_content_values(content), "state": State.PREPARED, "reason": None}
                connection.execute(update(_submissions).where(_submissions.c.id == record.id).values(**values))
            return self._get(connection, record.id)

    def retry(self, record: Record, content: Content) -> Record:
        """Enter another attempt after a failed one, which stays as it is.

        Raises: JournalError: it has not failed, so that another one could be mined beside it.
        """
        with self._database.begin() as connection:
            latest = self._find(connection, record.identity)
            if latest is None or latest.state not in FAILED:
                state = "gone" if latest is None else latest.state
                raise JournalError(f"{record.identity}: it is {state}, and only a failed submission is tried again")
            return self._enter(connection, record.identity, content, latest.attempt + 1)

    def refuse(self, record: Record, reason: str) -> Record:
        """The contract refused a simulation; nothing was signed."""
        return self._move(record, UNSIGNED, state=State.REFUSED, reason=reason)

    def sign(self, record: Record, sender: str, chain_nonce: int, make: Callable[[int], Signed]) -> Record:
        """Choose a nonce, sign and store, all before anything is sent. What is signed already stays as it is.

        A nonce that was ever given out is never given out again, whatever a node that lags behind says.

        Args:
            chain_nonce: the next nonce as the node knows it; make: signs with the nonce given.
        """
        given = and_(_submissions.c.chain_id == str(record.identity.chain_id), _submissions.c.sender == sender)
        with self._database.begin() as connection:
            current = self._get(connection, record.id)
            if current.state is not State.PREPARED:
                return current
            last = connection.execute(select(func.max(_submissions.c.nonce)).where(given)).scalar_one()
            signed = make(chain_nonce if last is None else max(chain_nonce, last + 1))
            self._store(connection, record, signed, Purpose.SUBMIT)
            values = {"state": State.SIGNED, "sender": sender, "nonce": signed.nonce}
            connection.execute(update(_submissions).where(_submissions.c.id == record.id).values(**values))
            return self._get(connection, record.id)

    def replace(self, record: Record, purpose: Purpose, make: Callable[[], Signed]) -> Record:
        """Sign and store another transaction with the same nonce, unless another process has just done so."""
        with self._database.begin() as connection:
            current = self._get(connection, record.id)
            if len(current.variants) != len(record.variants) or current.state not in REPLACEABLE:
                return current
            signed = make()
            if signed.nonce != current.nonce:
                raise JournalError(f"{record.identity}: a replacement has the nonce of what it replaces")
            self._store(connection, record, signed, purpose)
            return self._get(connection, record.id)

    def sent(self, record: Record) -> Record:
        """A node took the bytes."""
        return self._move(record, (State.SIGNED,), state=State.SENT)

    def mined(self, record: Record, receipt: Receipt, reason: str | None) -> Record:
        """One of its transactions is in a block. reason: why it failed there, or gave the nonce away."""
        values = {"block": receipt.block, "block_hash": receipt.block_hash, "gas_used": receipt.gas_used}
        return self._move(record, UNDER_WAY, state=State.MINED, mined_hash=receipt.hash, reason=reason, **values)

    def reorganised(self, record: Record) -> Record:
        """The block that it was in is no longer part of the chain."""
        nothing = dict.fromkeys(("mined_hash", "block", "block_hash", "gas_used", "reason"))
        return self._move(record, (State.MINED,), state=State.SENT, **nothing)

    def final(self, record: Record) -> Record:
        """It succeeded and stays."""
        return self._move(record, (State.MINED,), state=State.FINAL)

    def reverted(self, record: Record) -> Record:
        """It failed and stays."""
        return self._move(record, (State.MINED,), state=State.REVERTED)

    def dropped(self, record: Record, reason: str) -> Record:
        """It can never succeed any more."""
        return self._move(record, UNDER_WAY, state=State.DROPPED, reason=reason)

    def _move(self, record: Record, allowed: tuple[State, ...], **values: Any) -> Record:
        """Change a record in one of the allowed states; one that another process moved on stays as it is."""
        with self._database.begin() as connection:
            change = update(_submissions).where(_submissions.c.id == record.id, _submissions.c.state.in_(allowed))
            connection.execute(change.values(**values))
            return self._get(connection, record.id)

    def _find(self, connection: Connection, identity: Identity) -> Record | None:
        latest = select(_submissions).where(_where(identity)).order_by(_submissions.c.attempt.desc()).limit(1)
        row = connection.execute(latest).one_or_none()
        return None if row is None else self._record(connection, row)

    def _get(self, connection: Connection, id_: int) -> Record:
        row = connection.execute(select(_submissions).where(_submissions.c.id == id_)).one_or_none()
        if row is None:
            raise JournalError(f"{self.name}: a submission has vanished from the journal")
        return self._record(connection, row)

    def _enter(self, connection: Connection, identity: Identity, content: Content, attempt: int) -> Record:
        values = {**_key_values(identity), **_content_values(content), "attempt": attempt, "state": State.PREPARED}
        connection.execute(insert(_submissions).values(**values))
        record = self._find(connection, identity)
        if record is None:
            raise JournalError(f"{self.name}: what was written is not there")
        return record

    def _store(self, connection: Connection, record: Record, signed: Signed, purpose: Purpose) -> None:
        values = {"submission": record.id, "purpose": purpose, "signed_at": self._clock()}
        bytes_ = {"nonce": signed.nonce, "raw": signed.raw, "hash": signed.hash}
        connection.execute(insert(_variants).values(**values, **bytes_))

    def _record(self, connection: Connection, row: Row[Any]) -> Record:
        of_it = select(_variants).where(_variants.c.submission == row.id).order_by(_variants.c.id)
        listed = connection.execute(of_it).all()
        try:
            variants = tuple(
                Variant(Signed(each.nonce, bytes(each.raw), bytes(each.hash)), Purpose(each.purpose), each.signed_at)
                for each in listed
            )
            return Record(
                row.id,
                _identity(row),
                row.attempt,
                Content(bytes(row.digest), bytes(row.call_hash), int(row.expiry)),
                State(row.state),
                row.sender,
                row.nonce,
                _bytes(row.mined_hash),
                row.block,
                _bytes(row.block_hash),
                row.gas_used,
                row.reason,
                variants,
            )
        except (ValueError, TypeError):
            raise JournalError(f"{self.name}: a damaged journal; give another one") from None
