"""Tables of prices: what the columns mean, and the cells as exact numbers, whatever file they stood in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from optimizer.data.history import PriceHistory
from optimizer.documents import parse_decimal
from optimizer.errors import DataError

DATE_COLUMN = "date"
CLOSE_SUFFIX = "_close_usd"
VOLUME_SUFFIXES = ("_volume_units", "_volume_usd")

_ASSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:+-]{0,63}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?")

Cell = str | int | float | Decimal | dt.date | None


def asset_of_column(column: str) -> str | None:
    """The asset whose closes a column holds, None for one of volumes.

    Args:
        column: "BTC" or "BTC_close_usd" for closes, "BTC_volume_units" or "BTC_volume_usd" for volumes.
    Raises: ValueError: any other name.
    """
    if any(column.endswith(suffix) for suffix in VOLUME_SUFFIXES):
        return None
    asset = column.removesuffix(CLOSE_SUFFIX)
    if not _ASSET.fullmatch(asset):
        raise ValueError(f"is not the name of a price column; call it ASSET or ASSET{CLOSE_SUFFIX}, or leave it out")
    return asset


def _price_columns(header: Sequence[str], columns: Mapping[str, str] | None, file: str | Path | None) -> dict[str, int]:
    """asset → position of its column. Raises: DataError."""
    for name in header:
        if header.count(name) > 1:
            raise DataError("the column stands twice; keep one of them", file=file, column=name)
    if DATE_COLUMN not in header:
        raise DataError(f"has no column {DATE_COLUMN!r}; its columns are {', '.join(header)}", file=file)
    for name in columns or {}:
        if name not in header:
            raise DataError(f"there is no such column; the columns are {', '.join(header)}", file=file, column=name)
    positions: dict[str, int] = {}
    for position, name in enumerate(header):
        if name == DATE_COLUMN or (columns is not None and name not in columns):
            continue
        try:
            asset = asset_of_column(name) if columns is None else columns[name]
        except ValueError as error:
            raise DataError(str(error), file=file, column=name) from error
        if asset is None:
            continue
        if asset in positions:
            raise DataError(f"a second column of closes of {asset}; keep one", file=file, column=name)
        positions[asset] = position
    return positions


def _date(cell: Cell, line: int, file: str | Path | None) -> dt.date:
    if isinstance(cell, dt.datetime):
        if cell.time() != dt.time(0):
            raise DataError(f"row {line}: {cell} is not midnight; give one close a day", file=file, column=DATE_COLUMN)
        return cell.date()
    if isinstance(cell, dt.date):
        return cell
    if isinstance(cell, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell.strip()):
        try:
            return dt.date.fromisoformat(cell.strip())
        except ValueError as error:
            raise DataError(f"row {line}: {cell!r}: {error}", file=file, column=DATE_COLUMN) from error
    raise DataError(f"row {line}: {cell!r} is no date; write YYYY-MM-DD", file=file, column=DATE_COLUMN)


def _price(cell: Cell) -> Decimal | None:
    """The exact price; a double stands for its shortest decimal spelling. Raises: ValueError."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    text = repr(cell) if isinstance(cell, float) else str(cell).strip()
    if isinstance(cell, (bool, dt.date)) or not (isinstance(cell, Decimal) or _NUMBER.fullmatch(text)):
        raise ValueError(f"{text[:40]!r} is not a number; write it like 1234.5, or leave it empty where there is none")
    try:
        return parse_decimal(Decimal(text))
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]!r} is not a number") from error


def price_history(
    header: Sequence[str],
    table: Sequence[Sequence[Cell]],
    *,
    columns: Mapping[str, str] | None = None,
    file: str | Path | None = None,
    may_be_zero: bool = False,
) -> PriceHistory:
    """A price history from a table.

    Args:
        header: (k,) names of the columns; one is "date".
        table: (k,) columns of cells, all of one length.
        columns: column → asset of the closes to read, None to read every column by its name
            (see `asset_of_column`).
        file: for error messages.
        may_be_zero: see `PriceHistory`.
    Raises: DataError: names the column and date of what is wrong.
    """
    positions = _price_columns(header, columns, file)
    dates = tuple(_date(cell, row, file) for row, cell in enumerate(table[header.index(DATE_COLUMN)], 1))
    prices: dict[str, tuple[Decimal | None, ...]] = {}
    for asset, position in positions.items():
        series: list[Decimal | None] = []
        for date, cell in zip(dates, table[position], strict=True):
            try:
                series.append(_price(cell))
            except ValueError as error:
                raise DataError(str(error), file=file, column=header[position], date=date) from error
        prices[asset] = tuple(series)
    columns_read = {asset: header[position] for asset, position in positions.items()}
    return PriceHistory(dates, prices, columns_read, file, may_be_zero)
