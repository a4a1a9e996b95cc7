"""Damage to one cell, row or column of CSV and Parquet files, and to one setting of TOML files.

The kinds are those of `json_damage`, so that every file of the command can be damaged in each of these ways.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # ships no stubs
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from tests.fuzz.json_damage import DEPTH, HUGE, KINDS, NESTED, NOT_NUMBERS, TEXTS, Damage

OTHER_CELLS = ("", "x", "true", "1.5", "0", "null", "2020-01-01")
OTHER_SETTINGS = (
    "true",
    "0",
    "-1",
    "1.5",
    '""',
    '"x"',
    "[]",
    "{}",
    "[[]]",
    "[1]",
    "2020-01-01",
    "2020-01-01T00:00:00Z",
)
NOT_NUMBERS_OF_SETTINGS = ("nan", "inf", "-inf", "1e400", "-0.0", '"NaN"', "0x", "0o9", "0b2")
LONGEST = 2**63 - 1
MOST_ROWS = 1000
MOMENT = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def _bare(literals: tuple[str, ...]) -> list[str]:
    """JSON literals as they stand in a cell."""
    return [json.loads(each) if each.startswith('"') and "\\" in each else each.strip('"') for each in literals]


CELLS = {"nan": _bare(NOT_NUMBERS), "huge": _bare(HUGE), "text": [*_bare(TEXTS), "\x00", "1,5", "' 1", "\ufeff1"]}
CELLS["nested"] = ["[" * DEPTH, '"' * 9, '"', "\r", "a\nb"]


def damage_cells(content: bytes, rng: random.Random, kind: str | None = None) -> Damage:
    """A CSV file with one cell, row or column damaged; at "nested", with quotes and line ends where none belong."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    kind = kind or rng.choice(KINDS)
    at = rng.randrange(len(rows))
    row = rows[at]
    column = rng.randrange(len(row)) if row else 0
    cell = row[column] if row else ""
    if kind == "missing":
        if rng.random() < 0.5 and row:
            del row[column]
        else:
            del rows[at]
    elif kind == "extra":
        row.insert(column, rng.choice(OTHER_CELLS))
    elif kind == "repeated":
        if rng.random() < 0.5:
            rows.insert(at, list(row))
        else:
            rows = [[*each, *each[column : column + 1]] for each in rows]
    elif row:
        row[column] = {
            "type": lambda: rng.choice([other for other in OTHER_CELLS if other != cell]),
            "sign": lambda: cell[1:] if cell.startswith("-") else "-" + cell,
            "length": lambda: cell[:-1] if rng.random() < 0.5 else cell + cell[-1:],
        }.get(kind, lambda: rng.choice(CELLS[kind]))()
    text = io.StringIO()
    if kind == "nested":  # as it is, without the quotes that would make it a cell
        text.write("\n".join(",".join(each) for each in rows) + "\n")
    else:
        csv.writer(text, lineterminator="\n").writerows(rows)
    return Damage(kind, (at, column), text.getvalue().encode("utf-8", "surrogatepass"))


def damage_settings(content: bytes, rng: random.Random, kind: str | None = None) -> Damage:
    """A TOML file with one setting damaged."""
    lines = content.decode().splitlines()
    kind = kind or rng.choice(KINDS)
    at = rng.choice([i for i, line in enumerate(lines) if " = " in line])
    name, value = lines[at].split(" = ", 1)
    if kind == "missing":
        del lines[at]
    elif kind == "extra":
        lines.insert(at, f"extra = {rng.choice(OTHER_SETTINGS)}")
    elif kind == "repeated":
        lines.insert(at, lines[at])
    else:
        raw = {"nan": NOT_NUMBERS_OF_SETTINGS, "huge": HUGE, "nested": NESTED, "text": TEXTS, "type": OTHER_SETTINGS}
        replacement = {
            "sign": lambda: value[1:] if value.startswith("-") else "-" + value,
            "length": lambda: value[:-1] if rng.random() < 0.5 else value + value[-1:],
        }.get(kind, lambda: rng.choice(raw[kind]))()
        lines[at] = f"{name} = {replacement}"
    return Damage(kind, (name,), "\n".join(lines).encode() + b"\n")


def _of(kind: Any, *values: Any) -> Callable[[int], Any]:
    """Values over and over, as a column of a length."""
    return lambda count: pa.array([values[i % len(values)] for i in range(count)], kind)


def _no_text(count: int) -> Any:
    """Strings of bytes that are no UTF-8."""
    offsets = pa.array(range(count + 1), pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), count, [None, offsets, pa.py_buffer(b"\xff" * count)])


COLUMNS: dict[str, tuple[Callable[[int], Any], ...]] = {
    "type": (
        _of(pa.bool_(), True, False),
        _of(pa.null(), None),
        _of(pa.binary(), b"\xff", None),
        _of(pa.time64("ns"), 1),
        _of(pa.duration("us"), 1, -1),
        _of(pa.date64(), 0, 86_400_000),
        _of(pa.date32(), dt.date(2020, 1, 1), dt.date(2020, 1, 2)),
        _of(pa.timestamp("ns"), 1, 2),
        _of(pa.timestamp("us", "UTC"), MOMENT, MOMENT),
        _of(pa.timestamp("us", "+02:00"), MOMENT, MOMENT),
        _of(pa.timestamp("us", "Nowhere/City"), 0, 1),
        _of(pa.timestamp("us", ""), 0, 1),
    ),
    "sign": (_of(pa.int64(), -1, -LONGEST - 1), _of(pa.float64(), -1.5, -0.0), _of(pa.string(), "-1")),
    "length": (_of(pa.string(), ""), _of(pa.decimal128(38, 37), Decimal("0.1"), None)),
    "nan": (
        _of(pa.float64(), float("nan"), float("inf")),
        _of(pa.float32(), float("-inf")),
        _of(pa.float16(), 1.5),
        _of(pa.string(), *CELLS["nan"]),
    ),
    "huge": (
        _of(pa.int64(), LONGEST, 1),
        _of(pa.uint64(), 2**64 - 1),
        _of(pa.float64(), 1e308, 5e-324),
        _of(pa.decimal256(76, 0), Decimal(10**75)),
        _of(pa.decimal256(76, 76), Decimal("1e-76")),
        _of(pa.timestamp("us"), LONGEST, -LONGEST),
        _of(pa.timestamp("s"), 10**13),
        _of(pa.date32(), 2**31 - 1, -(2**31)),
        _of(pa.date64(), LONGEST // 86_400_000 * 86_400_000),
        _of(pa.string(), *CELLS["huge"]),
    ),
    "nested": (
        _of(pa.list_(pa.list_(pa.int8())), [[1], []], None),
        _of(pa.struct({"": pa.string()}), {"": "x"}),
        _of(pa.map_(pa.string(), pa.int8()), [("a", 1), ("a", 2)]),
        lambda count: _of(pa.string(), "x", "1")(count).dictionary_encode(),
    ),
    "text": (_no_text, _of(pa.large_string(), *(text for text in CELLS["text"] if text.isprintable()))),
}
"""Columns of every type that Arrow has, with values at its bounds."""


def damage_table(content: bytes, rng: random.Random, kind: str | None = None) -> Damage:
    """A Parquet file with one column of another type, or with other columns.

    Raises: ValueError: it has no rows, or very many.
    """
    file = pq.ParquetFile(pa.BufferReader(content))
    if not 0 < file.metadata.num_rows <= MOST_ROWS:
        raise ValueError("damaged before, so that columns of its length need much memory, or none")
    table = file.read()
    kind = kind or rng.choice(KINDS)
    at = rng.randrange(table.num_columns)
    name = table.column_names[at]
    if kind == "missing":
        table = table.remove_column(at) if rng.random() < 0.5 else table.slice(0, rng.randrange(table.num_rows))
    elif kind == "extra":
        table = table.append_column(rng.choice(["extra", "", "a b", "BTC_volume_usd", "x" * 70_000]), table.column(at))
    elif kind == "repeated":
        table = table.append_column(name, table.column(at)) if rng.random() < 0.5 else pa.concat_tables([table, table])
    else:
        table = table.set_column(at, name, rng.choice(COLUMNS[kind])(table.num_rows))
    written = io.BytesIO()
    pq.write_table(table, written)
    return Damage(kind, (name,), written.getvalue())
