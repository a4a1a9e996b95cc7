"""Price files: daily closes from CSV and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]  # ships no stubs
import pyarrow.parquet  # type: ignore[import-untyped]  # ships no stubs

from optimizer.data.history import PriceHistory
from optimizer.data.table import price_history
from optimizer.documents import read_bytes
from optimizer.errors import DataError

MOST_DAYS = 1_000_000
"""Of a Parquet file, a thousand bytes of which may hold any number of equal rows."""


def read_csv(path: str | Path, *, columns: Mapping[str, str] | None = None, may_be_zero: bool = False) -> PriceHistory:
    """Daily closes from a CSV file: UTF-8, commas, a header line, a column "date", empty cells for no price.

    Args:
        path: the file.
        columns: column → asset of the closes to read; None reads "BTC" and "BTC_close_usd" alike as BTC.
        may_be_zero: for files of volumes, in which 0 is a figure.
    Raises: DataError: the file cannot be read or something in it is wrong; names column and date. Gaps in the
        dates and missing prices are named when a window over them is asked for.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is no CSV file in UTF-8: {error}", file=path) from error
    if not lines:
        raise DataError("is empty; it needs a header line and one line a day", file=path)
    header = [name.strip() for name in lines[0]]
    for number, line in enumerate(lines[1:], 1):
        if len(line) != len(header):
            raise DataError(f"row {number} has {len(line)} cells, the header {len(header)}", file=path)
    table = [[line[position] for line in lines[1:]] for position in range(len(header))]
    return price_history(header, table, columns=columns, file=path, may_be_zero=may_be_zero)


def read_parquet(
    path: str | Path, *, columns: Mapping[str, str] | None = None, may_be_zero: bool = False
) -> PriceHistory:
    """Daily closes from a Parquet file: a column "date" (date, timestamp or string), prices as numbers or strings.

    A price stored as a double stands for its shortest decimal spelling; null is no price, NaN an error.

    Args, Raises: as `read_csv`.
    """
    content = read_bytes(path)
    if not content:
        raise DataError("is empty; it needs a column of dates and one of prices", file=path)
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        if file.metadata.num_rows > MOST_DAYS:
            raise DataError(f"has {file.metadata.num_rows} rows; a history has one a day", file=path)
        table = file.read()
        header = [str(name) for name in table.column_names]
        cells = [column.to_pylist() for column in table.columns]
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(f"is no Parquet file that can be read: {error}", file=path) from error
    return price_history(header, cells, columns=columns, file=path, may_be_zero=may_be_zero)


def read_prices(
    path: str | Path, *, columns: Mapping[str, str] | None = None, may_be_zero: bool = False
) -> PriceHistory:
    """Daily closes from a file, by its ending .csv or .parquet.

    Args, Raises: as `read_csv`, and DataError: another ending.
    """
    readers = {".csv": read_csv, ".parquet": read_parquet, ".pq": read_parquet}
    suffix = Path(path).suffix.lower()
    if suffix not in readers:
        raise DataError(f"cannot tell what it is; name it with an ending of {', '.join(readers)}", file=path)
    return readers[suffix](path, columns=columns, may_be_zero=may_be_zero)
