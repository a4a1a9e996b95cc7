"""Loaders of price files: what they read, and that each fault is named with file, column and date."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from optimizer import DataError, read_csv, read_parquet, read_prices
from optimizer.data import sample_history
from optimizer.data.history import PriceHistory

DAY = dt.date(2020, 1, 1)


def _csv(tmp_path: Path, text: str, name: str = "prices.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def _parquet(tmp_path: Path, **columns: object) -> Path:
    path = tmp_path / "prices.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_plain_and_suffixed_columns_are_the_same_asset(tmp_path: Path) -> None:
    plain = read_csv(_csv(tmp_path, "date,BTC\n2020-01-01,7200.10\n"))
    suffixed = read_csv(_csv(tmp_path, "date,BTC_close_usd,BTC_volume_units\n2020-01-01,7200.10,55\n"))
    assert plain.assets == suffixed.assets == ("BTC",)
    assert plain.prices_usd == suffixed.prices_usd == {"BTC": (Decimal("7200.10"),)}
    assert suffixed.column("BTC") == "BTC_close_usd"


def test_columns_may_be_named(tmp_path: Path) -> None:
    path = _csv(tmp_path, "date,open_px,close px\n2020-01-01,1,2\n")
    assert read_csv(path, columns={"close px": "BTC"}).prices_usd == {"BTC": (Decimal(2),)}
    with pytest.raises(DataError, match="no such column") as caught:
        read_csv(path, columns={"last": "BTC"})
    assert caught.value.column == "last"


def test_blank_cells_are_missing_prices_and_bom_and_spaces_are_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes("\ufeffdate , BTC,SOL\r\n2020-01-01, 1.5 ,\r\n2020-01-02,1e-05,2\r\n\r\n".encode())
    assert read_csv(path).prices_usd == {
        "BTC": (Decimal("1.5"), Decimal("0.00001")),
        "SOL": (None, Decimal(2)),
    }


@pytest.mark.parametrize(
    ("text", "message", "column", "date"),
    [
        ("", "is empty", None, None),
        ("date,BTC\n", "no prices at all", None, None),
        ("day,BTC\n2020-01-01,1\n", "no column 'date'", None, None),
        ("date\n2020-01-01\n", "no column of prices", None, None),
        ("date,BTC_volume_usd\n2020-01-01,1\n", "no column of prices", None, None),
        ("date,BTC,BTC\n2020-01-01,1,1\n", "the column stands twice", "BTC", None),
        ("date,date,BTC\n2020-01-01,2020-01-01,1\n", "the column stands twice", "date", None),
        ("date,BTC,BTC_close_usd\n2020-01-01,1,1\n", "second column of closes of BTC", "BTC_close_usd", None),
        ("date,BTC_open\n2020-01-01,1\n", "not the name of a price column", "BTC_open", None),
        ("date,\n2020-01-01,1\n", "not the name of a price column", "", None),
        ("date,BTC\n2020-01-01,1,2\n", "row 1 has 3 cells", None, None),
        ("date,BTC\n,1\n", "row 1: '' is no date", "date", None),
        ("date,BTC\n01/02/2020,1\n", "row 1: '01/02/2020' is no date", "date", None),
        ("date,BTC\n2020-02-30,1\n", "row 1: '2020-02-30'", "date", None),
        ("date,BTC\n2020-01-01,1\n2020-01-01,1\n", "the date stands twice", None, DAY),
        ("date,BTC\n2020-01-02,1\n2020-01-01,1\n", "sort the lines", None, DAY),
        ("date,BTC\n2020-01-01,0\n", "not positive", "BTC", DAY),
        ("date,BTC_close_usd\n2020-01-01,-5.1\n", "not positive", "BTC_close_usd", DAY),
        ("date,BTC\n2020-01-01,n/a\n", "'n/a' is not a number", "BTC", DAY),
        ("date,BTC\n2020-01-01,nan\n", "'nan' is not a number", "BTC", DAY),
        ("date,BTC\n2020-01-01,inf\n", "'inf' is not a number", "BTC", DAY),
        ('date,BTC\n2020-01-01,"7,200"\n', "'7,200' is not a number", "BTC", DAY),
        ("date,BTC\n2020-01-01,1e99\n", "range of published decimals", "BTC", DAY),
        ("date,BTC\n2020-01-01,1e40\n", "at most 30 digits", "BTC", DAY),
        ('date,BTC\n2020-01-01,"1\n', "is no CSV file", None, None),
    ],
)
def test_faults_of_csv_files(tmp_path: Path, text: str, message: str, column: str | None, date: dt.date | None) -> None:
    path = _csv(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        read_csv(path)
    error = caught.value
    assert (error.file, error.column, error.date) == (path, column, date)
    assert str(path) in str(error)
    assert date is None or date.isoformat() in str(error)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read: No such file"):
        read_prices(tmp_path / "absent.csv")
    with pytest.raises(DataError, match=r"ending of \.csv, \.parquet"):
        read_prices(_csv(tmp_path, "x", "prices.xlsx"))
    (tmp_path / "latin.csv").write_bytes(b"date,BTC\n2020-01-01,\xa3\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_prices(tmp_path / "latin.csv")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="is no Parquet file"):
        read_prices(tmp_path / "bad.parquet")
    (tmp_path / "empty.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        read_prices(tmp_path / "empty.parquet")


@pytest.mark.parametrize(
    "dates",
    [
        [DAY, dt.date(2020, 1, 2)],
        ["2020-01-01", "2020-01-02"],
        [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)],
        pa.array([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)], pa.timestamp("us", "UTC")),
    ],
)
@pytest.mark.parametrize(
    "prices",
    [[0.1, None], ["0.1", None], ["0.1", ""], [Decimal("0.1"), None]],
    ids=["doubles", "strings", "blank", "decimals"],
)
def test_parquet_reads_as_csv_does(tmp_path: Path, dates: list, prices: list) -> None:
    history = read_prices(_parquet(tmp_path, date=dates, BTC_close_usd=prices, LTC=[3, 4]))
    text = _csv(tmp_path, "date,BTC_close_usd,LTC\n2020-01-01,0.1,3\n2020-01-02,,4\n")
    expected = read_prices(text)
    assert (history.dates, history.prices_usd) == (expected.dates, expected.prices_usd)


@pytest.mark.parametrize(
    ("columns", "message", "column"),
    [
        ({"date": [DAY], "BTC": [float("nan")]}, "'nan' is not a number", "BTC"),
        ({"date": [DAY], "BTC": [-1.0]}, "not positive", "BTC"),
        ({"date": [DAY], "BTC": [True]}, "'True' is not a number", "BTC"),
        ({"date": [dt.datetime(2020, 1, 1, 12)], "BTC": [1.0]}, "not midnight", "date"),
        ({"date": [1577836800], "BTC": [1.0]}, "is no date", "date"),
        ({"date": pa.array([None], pa.date32()), "BTC": [1.0]}, "is no date", "date"),
    ],
)
def test_faults_of_parquet_files(tmp_path: Path, columns: dict, message: str, column: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_parquet(_parquet(tmp_path, **columns))
    assert caught.value.column == column


def test_windows_name_gaps_and_holes(tmp_path: Path) -> None:
    lines = ["date,BTC,SOL_close_usd"]
    lines += [f"2020-01-{day:02},{day},{day if day != 9 else ''}" for day in (1, 2, 4, 5, 6, 7, 8, 9, 10)]
    history = read_csv(_csv(tmp_path, "\n".join(lines)))
    as_of = dt.date(2020, 1, 10)
    window = history.window(["BTC"], as_of, 7)
    assert window.dates[0] == dt.date(2020, 1, 4)
    assert window.prices_usd == {"BTC": tuple(Decimal(day) for day in range(4, 11))}
    with pytest.raises(DataError, match=r"the day is missing.*at most 6 scenarios") as caught:
        history.window(["BTC"], as_of, 8)
    assert caught.value.date == dt.date(2020, 1, 3)
    with pytest.raises(DataError, match="choose a later as-of date"):
        history.window(["BTC"], dt.date(2020, 1, 4), 2)
    with pytest.raises(DataError, match="start before 2020-01-01 to 2020-01-10"):
        history.window(["BTC"], dt.date(2020, 1, 2), 5)
    with pytest.raises(DataError, match="no prices of this day"):
        history.window(["BTC"], dt.date(2020, 1, 3), 2)
    with pytest.raises(DataError, match="price is missing") as caught:
        history.window(["BTC", "SOL"], as_of, 5)
    assert (caught.value.column, caught.value.date) == ("SOL_close_usd", dt.date(2020, 1, 9))
    with pytest.raises(DataError, match="only for BTC, SOL") as caught:
        history.window(["ETH"], as_of, 5)
    assert caught.value.column == "ETH"
    assert history.first_missing("SOL", as_of, 5) == dt.date(2020, 1, 9)
    assert history.first_missing("SOL", dt.date(2020, 1, 8), 5) is None


def test_a_history_made_in_python_is_checked_too() -> None:
    with pytest.raises(DataError, match="1 prices for 2 dates"):
        PriceHistory((DAY, dt.date(2020, 1, 2)), {"BTC": (Decimal(1),)}, {})
    with pytest.raises(DataError, match="not positive"):
        PriceHistory((DAY,), {"BTC": (Decimal("NaN"),)}, {})


def test_the_embedded_sample() -> None:
    history = sample_history()
    assert history.assets == ("BTC", "ETH", "LTC")
    assert (history.dates[0], history.dates[-1], len(history.dates)) == (
        dt.date(2017, 11, 9),
        dt.date(2020, 1, 17),
        788,
    )
    assert [history.prices_usd[a][-1] for a in history.assets] == [
        Decimal("8709.49"),
        Decimal("164.52"),
        Decimal("57.88"),
    ]
