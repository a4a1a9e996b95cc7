"""Reading accounts: what is refused, by row, and that no message holds a secret."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.errors import AccountError
from attest.liabilities import Account, Currency, read_accounts

USD = Currency("USD", Decimal("0.01"))
BTC = Currency("BTC", Decimal("1E-8"))
SECRET = "4711.99"


def read(path: Path, text: str | bytes, currencies: tuple[Currency, ...] = (USD,), **options: str) -> list[Account]:
    file = path / "accounts.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_accounts(file, currencies, **options))


def test_balances_are_rounded_up_to_lots(tmp_path: Path) -> None:
    text = "account,USD,BTC\na,0.01,0.00000001\nb,0.011,0.000000001\nc,0,0\nd,1e2,1E-30\ne,-0,0.0\n"
    balances = [account.balances for account in read(tmp_path, text, (USD, BTC))]
    assert balances == [(1, 1), (2, 1), (0, 0), (10_000, 1), (0, 0)]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("secret-name,", "the balance of USD is missing"),
        ("secret-name,abc", "no number"),
        ("secret-name,1_000x", "no number"),
        ("secret-name,NaN", "no finite number"),
        ("secret-name,Infinity", "no finite number"),
        (f"secret-name,-{SECRET}", "negative"),
        ("secret-name,-1e-999999", "negative"),
        ("secret-name,1e999999", "out of range"),
        (f"secret-name,{1 << 77}", "out of range"),
        (",4711.99", "no account"),
        ("s" * 257 + ",1", "more than 256 characters"),
        ("secret-name,1,2", "another number of fields"),
        ("secret-name", "another number of fields"),
    ],
)
def test_rows_that_cannot_be_counted(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(AccountError, match=f"row 3: .*{says}") as caught:
        read(tmp_path, f"account,USD\nfirst,1\n{row}\nlast,2\n")
    assert "secret" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_all_rows_are_named_up_to_twenty(tmp_path: Path) -> None:
    with pytest.raises(AccountError) as caught:
        read(tmp_path, "account,USD\na,1\nb,-1\nc,1\nd,\n")
    assert "row 3" in str(caught.value)
    assert "row 5" in str(caught.value)
    with pytest.raises(AccountError, match="perhaps more") as caught:
        read(tmp_path, "account,USD\n" + "a,-1\n" * 50)
    assert str(caught.value).count("row ") == 20


def test_lines_count_where_fields_hold_line_ends(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="row 4:"):
        read(tmp_path, 'account,USD\n"two\nlines",1\nb,-1\n')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,USD\na,1\n", "no column 'account'"),
        ("account,EUR\na,1\n", "no column 'USD'"),
        ("account,USD,USD\na,1,2\n", "same name"),
        (b"account,USD\n\xff\xfe,1\n", "UTF-8"),
        ('account,USD\n"a,1\n', "no CSV"),
        ("", "no column"),
    ],
)
def test_files_that_are_no_list_of_accounts(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(AccountError, match=says):
        read(tmp_path, text)


def test_columns_by_name(tmp_path: Path) -> None:
    text = "\ufeffid,USD,nonce,mine\na,1,x,y\n"
    assert [a.nonce for a in read(tmp_path, text, account="id")] == ["x"]
    assert [a.nonce for a in read(tmp_path, text, account="id", nonce="mine")] == ["y"]


def test_parquet_and_databases_say_the_same(tmp_path: Path) -> None:
    rows = [("a", "n", "1.005"), ("b", "", "2")]
    by_csv = read(tmp_path, "account,nonce,USD\n" + "\n".join(",".join(row) for row in rows) + "\n")
    names, nonces, balances = zip(*rows, strict=True)
    for column in (list(balances), [Decimal(balance) for balance in balances]):
        table = pa.table({"account": list(names), "nonce": list(nonces), "USD": column})
        pq.write_table(table, tmp_path / "a.parquet")
        assert [(a.account, a.nonce, a.balances) for a in read_accounts(tmp_path / "a.parquet", (USD,))] == [
            (a.account, a.nonce, a.balances) for a in by_csv
        ]
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("CREATE TABLE t (account TEXT, nonce TEXT, USD TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    found = read_accounts(f"sqlite:///{tmp_path / 'a.db'}", (USD,), query="SELECT account, nonce, USD FROM t")
    assert [a.balances for a in found] == [a.balances for a in by_csv] == [(101,), (200,)]


def test_binary_floats_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"account": ["a"], "USD": [0.1]}), tmp_path / "a.parquet")
    with pytest.raises(AccountError, match=r"row 1: .*binary float"):
        list(read_accounts(tmp_path / "a.parquet", (USD,)))


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("postgresql://me:hunter2@localhost:1/x", "SELECT 1"),
        ("nothing://me:hunter2@x", "SELECT 1"),
        ("sqlite:////no/such/hunter2.db", "SELECT 1"),
        ("sqlite://", "SELECT hunter2 FROM nowhere"),
    ],
)
def test_a_database_that_does_not_answer_shows_no_password(url: str, query: str) -> None:
    with pytest.raises(AccountError, match="database") as caught:
        list(read_accounts(url, (USD,), query=query))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(AccountError, match="needs a query"):
        list(read_accounts(url, (USD,)))


@given(st.lists(st.decimals(0, 10**12, places=6), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_nobody_is_counted_for_less(tmp_path_factory: pytest.TempPathFactory, balances: list[Decimal]) -> None:
    text = "account,USD\n" + "".join(f"{i},{balance}\n" for i, balance in enumerate(balances))
    for account, balance in zip(read(tmp_path_factory.mktemp("a"), text), balances, strict=True):
        assert 0 <= account.balances[0] * USD.lot - balance < USD.lot


def test_accounts_do_not_print() -> None:
    assert SECRET not in repr(Account(1, SECRET, SECRET, (471199,)))
    assert "471199" not in repr(Account(1, SECRET, SECRET, (471199,)))
