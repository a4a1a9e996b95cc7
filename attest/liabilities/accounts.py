"""The accounts that a fund owes: read from CSV, Parquet or a database, checked row by row (protocol §9).

A balance is an exact decimal number and is rounded up to whole lots, so an investor is counted for at least what they
have. Messages name rows and columns, never an account or a balance.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped] # no stubs are published
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import sqlalchemy as sql

from attest.errors import AccountError
from attest.program import RANGE_BITS

MAX_TEXT = 256
"""Characters of an account's name or a nonce."""
MAX_PROBLEMS = 20
DEFAULT_NONCE = "nonce"
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Currency:
    """A column of balances.

    Args:
        name: of the column; lot: quantity in one unit of the claims slot.
    """

    name: str
    lot: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    """One account. Secret.

    Args:
        row: where it was read; balances: whole lots of each currency.
    """

    row: int
    account: str = field(repr=False)
    nonce: str = field(repr=False)
    balances: tuple[int, ...] = field(repr=False)


class _Problem(Exception):
    """What is wrong with one row."""


def read_accounts(
    source: str | Path,
    currencies: Sequence[Currency],
    *,
    account: str = "account",
    nonce: str | None = None,
    query: str | None = None,
) -> Iterator[Account]:
    """Accounts, one at a time, so that memory does not grow with their number.

    Args:
        source: a CSV file, a .parquet file, or with `query` an SQLAlchemy URL.
        currencies: the columns of balances.
        account, nonce: the columns of names and of nonces; without `nonce` one called "nonce", if there is any.
        query: a SELECT.
    Raises: AccountError: naming up to 20 rows that cannot be counted, or what is missing. Rows of a CSV file are its
        lines, the header being 1; rows of other sources are counted from 1.
    """
    columns, rows = _open(source, query)
    if nonce is None and DEFAULT_NONCE in columns and DEFAULT_NONCE not in {c.name for c in currencies}:
        nonce = DEFAULT_NONCE
    _check_columns(columns, [account, *([nonce] if nonce is not None else []), *(c.name for c in currencies)])
    problems: list[str] = []
    try:
        for number, row in rows:
            try:
                parsed = _parse(number, row, currencies, account, nonce)
            except _Problem as problem:
                problems.append(f"row {number}: {problem}")
                if len(problems) == MAX_PROBLEMS:
                    break
            else:
                if not problems:
                    yield parsed
    except UnicodeDecodeError as error:
        raise AccountError("the accounts are not UTF-8 text") from error
    except csv.Error as error:
        raise AccountError(
            "the accounts are no CSV file: a quoted field does not end, or a line is too long"
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise AccountError("the accounts cannot be read to their end; is the file whole?") from error
    except sql.exc.SQLAlchemyError:
        # Its text may hold the query, its parameters or the URL.
        raise AccountError("the database stopped answering while accounts were read") from None
    if problems:
        more = ", and perhaps more" if len(problems) == MAX_PROBLEMS else ""
        raise AccountError("accounts that cannot be counted: " + "; ".join(problems) + more)


def _check_columns(columns: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise AccountError(f"the accounts have no column {missing[0]!r}; there are: {', '.join(map(repr, columns))}")
    if len(set(columns)) != len(columns):
        raise AccountError("two columns of the accounts have the same name")


def _open(source: str | Path, query: str | None) -> tuple[list[str], Iterator[tuple[int, dict[str, Any]]]]:
    """Names of the columns, and numbered rows."""
    if query is not None or "://" in str(source):
        if query is None:
            raise AccountError("a database needs a query: give a SELECT of the accounts")
        return _open_database(str(source), query)
    path = Path(source)
    try:
        if path.suffix == ".parquet":
            return _open_parquet(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise AccountError(f"{path}: not UTF-8 text") from error
    except csv.Error as error:
        raise AccountError(f"{path}: no CSV file: its header is too long, or a quoted name does not end") from error
    except (OSError, pa.ArrowException) as error:
        raise AccountError(f"{path}: cannot be read") from error
    return header, _csv_rows(path, header)


def _csv_rows(path: Path, header: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        next(reader, None)
        line = reader.line_num
        for fields in reader:
            first, line = line + 1, reader.line_num
            if fields:
                yield first, dict(zip(header, fields, strict=False)) if len(fields) == len(header) else {}


def _open_parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, Any]]]]:
    file = pq.ParquetFile(path)
    return list(file.schema_arrow.names), enumerate(_parquet_rows(file), 1)


def _parquet_rows(file: Any) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(_BATCH):
        try:
            rows = batch.to_pylist()
        except UnicodeDecodeError:
            raise
        except (ValueError, OverflowError) as error:  # moments before the year 1, between two microseconds and so on
            raise AccountError("a column of the accounts holds what is neither text nor number") from error
        yield from rows


def _open_database(url: str, query: str) -> tuple[list[str], Iterator[tuple[int, dict[str, Any]]]]:
    try:
        connection = sql.create_engine(url).connect().execution_options(stream_results=True, max_row_buffer=_BATCH)
        result = connection.execute(sql.text(query))
        columns = list(result.keys())
    except (sql.exc.SQLAlchemyError, ImportError, OSError):
        # Their text may hold the URL and the password in it.
        raise AccountError("the database cannot be asked: check URL, driver and query") from None

    def rows() -> Iterator[tuple[int, dict[str, Any]]]:
        with connection:
            for number, row in enumerate(result.mappings(), 1):
                yield number, dict(row)

    return columns, rows()


def _parse(
    number: int, row: dict[str, Any], currencies: Iterable[Currency], account: str, nonce: str | None
) -> Account:
    if not row:
        raise _Problem("another number of fields than the header has")
    name = _text(row[account], "account")
    if not name:
        raise _Problem("no account")
    chosen = _text(row[nonce], "nonce") if nonce is not None else ""
    return Account(number, name, chosen, tuple(_lots(row[c.name], c) for c in currencies))


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if isinstance(value, float) or not isinstance(value, (str, int)):
        raise _Problem(f"the {what} is no text")
    text = str(value)
    if len(text) > MAX_TEXT:
        raise _Problem(f"the {what} has more than {MAX_TEXT} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Problem(f"the {what} is no text") from None
    return text


def _lots(value: Any, currency: Currency) -> int:
    """A balance in whole lots, rounded up."""
    what = f"the balance of {currency.name}"
    if isinstance(value, float):
        raise _Problem(f"{what} is a binary float, which does not say how much it is; use decimals or text")
    if value is None or value == "":
        raise _Problem(f"{what} is missing")
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise _Problem(f"{what} is no number")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise _Problem(f"{what} is no number") from None
    if not amount.is_finite():
        raise _Problem(f"{what} is no finite number")
    if amount < 0:
        raise _Problem(f"{what} is negative")
    if amount.adjusted() - currency.lot.adjusted() > RANGE_BITS:  # before an exponent of a million digits is expanded
        raise _Problem(f"{what} is out of range; choose larger lots")
    if amount and amount.adjusted() < currency.lot.adjusted() - 1:
        return 1
    (top, bottom), (lot_top, lot_bottom) = amount.as_integer_ratio(), currency.lot.as_integer_ratio()
    lots = -(-top * lot_bottom // (bottom * lot_top))
    if lots >= 1 << RANGE_BITS:
        raise _Problem(f"{what} is out of range; choose larger lots")
    return lots
