"""What fuzzing found: inputs with which some parser once failed with an error that it does not declare."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow  # type: ignore[import-untyped]  # ships no stubs
import pytest
from proofolio.keys import load_key
from proofolio.offline import parse_risk_model
from proofolio.pipeline import LAST_SECOND, timestamp

from attest.chain.abi import revert_data
from attest.chain.errors import NetworkError
from attest.chain.networks import load_network
from attest.errors import AccountError, EncodingError
from attest.liabilities import Workdir, read_accounts
from optimizer import build_market, read_prices, sample_market
from optimizer.errors import DataError
from tests.fuzz import seeds
from tests.fuzz.targets import CURRENCIES, TARGETS


def changed(name: str, **fields: Any) -> bytes:
    """The target's seed with other values."""
    return json.dumps(json.loads(TARGETS[name].seeds()[0]) | fields).encode()


class NodeError(Exception):
    def __init__(self, text: str, data: Any = None) -> None:
        super().__init__(text)
        self.data = data


@pytest.mark.parametrize("data", ["0xzz", "0x0", "0x 00", "0x"])
def test_a_node_that_sends_no_hexadecimal_data_is_quoted(data: str) -> None:
    assert revert_data(NodeError("execution reverted: no", data)) == (b"" if data == "0x" else "no")


@pytest.mark.parametrize("text", ["b'a', 1", "b'a' * 9", "b'" + "(" * 100_000, "b'a' + b'c'", "b'\\x0'", "b'a"])
def test_only_one_printed_literal_is_read_as_bytes(text: str) -> None:
    assert revert_data(NodeError("execution reverted: " + text)) == text


def test_printed_bytes_are_read() -> None:
    for data in (b"", b"plain", bytes(range(256)), b"it's", b'"', b"'\""):
        assert revert_data(NodeError(f"execution reverted: {data!r}")) == data


@pytest.mark.parametrize("length", [2, 2**40, 2**64, 2**255])
def test_a_refusal_whose_text_is_no_text(length: int) -> None:
    error = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + length.to_bytes(32, "big") + b"\xff\xfe" + bytes(30)
    assert TARGETS["answers"].run(error)


def test_a_chain_id_that_no_word_holds() -> None:
    assert TARGETS["funds"].run(changed("funds", chain_id=2**256 - 1))
    assert not TARGETS["funds"].run(changed("funds", chain_id=2**256))


@pytest.mark.parametrize("field", ["chunk", "count", "entry"])
def test_an_inclusion_in_a_chunk_that_no_book_has(field: str) -> None:
    assert not TARGETS["inclusions"].run(changed("inclusions", **{field: 2**256}))


def test_accounts_with_an_endless_header(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("account," + "x" * 200_000 + "\n")
    with pytest.raises(AccountError, match="no CSV file: its header"):
        list(read_accounts(path, CURRENCIES))


@pytest.mark.parametrize(
    "parameters",
    [
        {"c": 10**12},
        {"c": 2**70},
        {"c": -1},
        {"c": "1"},
        {"n": 2**30},
        {"n": 2**18, "r": 2**18, "p": 1},
        {"n": 0, "r": 0},
        {"dklen": 2**40},
        {"prf": "hmac-md5"},
        {"salt": None},
        {"salt": "zz"},
    ],
)
@pytest.mark.parametrize("number", [0, 1])
def test_a_keystore_that_would_take_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any], number: int
) -> None:
    monkeypatch.setenv("PROOFOLIO_PASSWORD", "password")
    content = json.loads(TARGETS["keystores"].seeds()[number])
    content["crypto"]["kdfparams"] |= parameters
    path = tmp_path / "a.keystore"
    path.write_text(json.dumps(content))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        load_key(path)  # parameters of the other derivation are not read
    except EncodingError as error:
        assert "a.keystore: not a keystore" in str(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB


@pytest.mark.parametrize("field", ["version", "crypto", "ciphertext", "kdf", "mac", "iv"])
@pytest.mark.parametrize("value", [None, 0, 4, 2**70, "x", [], {}])
def test_a_keystore_with_a_damaged_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, value: Any
) -> None:
    monkeypatch.setenv("PROOFOLIO_PASSWORD", "password")
    content = json.loads(TARGETS["keystores"].seeds()[0])
    holder = next(d for d in (content, content["crypto"], content["crypto"]["cipherparams"]) if field in d)
    holder[field] = value
    path = tmp_path / "a.keystore"
    path.write_text(json.dumps(content))
    with pytest.raises(EncodingError, match="not a keystore"):
        load_key(path)


def test_the_seeds_are_small() -> None:
    """Damage has to hit what matters."""
    assert len(seeds.market()) < 2000 and len(seeds.inclusion().encode()) < 4000


@pytest.mark.parametrize("value", ["[" * 50_000, "{a=" * 5_000])
def test_settings_that_are_nested_without_end(tmp_path: Path, value: str) -> None:
    (tmp_path / "networks.toml").write_text(f"[networks.mine]\nchain_id = {value}\n")
    with pytest.raises(NetworkError, match=r"networks\.toml: not a TOML file"):
        load_network("mine", tmp_path / "networks.toml")


GAS = "gas_limit = 1" + "0" * 99


@pytest.mark.parametrize(
    "setting",
    [
        "poll_seconds = inf",
        "timeout_seconds = inf",
        "bump_seconds = inf",
        "max_skew_seconds = inf",
        "poll_seconds = 1e6",
        "poll_seconds = 1e-9",
        "max_fee_gwei = 1e10",
        "priority_fee_gwei = 1e10",
        "request_seconds = 1e12",
        "max_fee_gwei = nan",
        "priority_fee_gwei = inf",
        "gas_limit = 1" + "0" * 99,
    ],
)
def test_settings_that_no_clock_and_no_fee_has(tmp_path: Path, setting: str) -> None:
    """A wait of no end is one that the system's clock refuses, long after the file was read."""
    (tmp_path / "networks.toml").write_text(f'[networks.mine]\nchain_id = 5\nrpc_url = "http://node"\n{setting}\n')
    with pytest.raises(NetworkError, match=rf"networks\.toml: network 'mine': {setting.split(' ', maxsplit=1)[0]}"):
        load_network("mine", tmp_path / "networks.toml")


def test_a_threshold_that_no_word_of_the_contract_holds() -> None:
    assert TARGETS["oversights"].run(changed("oversights", threshold=2**64 - 1))
    assert not TARGETS["oversights"].run(changed("oversights", threshold=2**64))


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array([1, 2], pyarrow.timestamp("ns")),
        pyarrow.array([2**63 - 1, 0], pyarrow.timestamp("us")),
        pyarrow.array([2**31 - 1, 0], pyarrow.date32()),
    ],
)
@pytest.mark.parametrize("name", ["account", "nonce", "claim-USD"])
def test_accounts_with_moments_that_python_has_not(tmp_path: Path, column: Any, name: str) -> None:
    table = {"account": ["alice", "bob"], "nonce": ["", ""], "claim-USD": ["1", "2"], "claim-BTC": ["1", "2"]}
    path = tmp_path / "accounts.parquet"
    path.write_bytes(seeds.parquet(table | {name: column}))
    with pytest.raises(AccountError, match="neither text nor number"):
        list(read_accounts(path, CURRENCIES))


def test_prices_whose_returns_cannot_be_published(tmp_path: Path) -> None:
    """Each has 30 digits, and their ratio has more."""
    path = tmp_path / "prices.csv"
    path.write_text(f"date,BTC\n2020-01-01,0.{'0' * 29}1\n2020-01-02,1{'0' * 29}\n")
    with pytest.raises(DataError, match=r"prices\.csv: makes no market: returns\.BTC\.0: not a plain decimal"):
        build_market(read_prices(path), scenario_count=1)


def test_a_number_of_factors_that_python_does_not_convert() -> None:
    with pytest.raises(EncodingError, match="--risk-model"):
        parse_risk_model("factor:" + "9" * 5000, sample_market())


def test_a_validity_beyond_the_calendar() -> None:
    """A prover chooses it; who verifies is shown it."""
    assert timestamp(LAST_SECOND) == "9999-12-31 23:59 UTC"
    for seconds in (LAST_SECOND + 1, 2**40, 2**64 - 1):
        assert str(seconds) in timestamp(seconds)


@pytest.mark.parametrize(
    ("before", "after"), [(b"signed", b"sig.ed"), (b"submit", b"submi\xff"), (seeds.HASH.hex().encode(), b"zz" * 32)]
)
def test_a_journal_with_a_damaged_record(before: bytes, after: bytes) -> None:
    content = seeds.journal()
    assert before in content
    assert not TARGETS["journals"].run(content.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"CREATE TABLE submissions", b"CREATE TABLE sub\xf9issions"),
        (b"NOT NULL", b"NOT N\xf9LL"),  # the database quotes it in an error that no codec reads
    ],
)
def test_a_journal_whose_tables_are_described_in_no_text(before: bytes, after: bytes) -> None:
    assert not TARGETS["journals"].run(seeds.journal().replace(before, after))


@pytest.mark.parametrize("lost", [1, 96, 127])
@pytest.mark.parametrize("name", ["proofs", "commitments"])
def test_a_chunk_of_which_a_part_is_lost(tmp_path: Path, name: str, lost: int) -> None:
    ledger: Any = SimpleNamespace(count=1)
    book = Workdir(tmp_path, seeds.secret(), ledger)
    (tmp_path / "chunks").mkdir()
    for kind, content in (("commitments", seeds.commitments().encode()), ("proofs", seeds.chunk_proof())):
        (tmp_path / "chunks" / f"000000.{kind}").write_bytes(content[: len(content) - (lost if kind == name else 0)])
    with pytest.raises(EncodingError, match="damaged"):
        book.book()


def test_a_small_file_of_very_many_days(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    path.write_bytes(seeds.parquet({"date": pyarrow.nulls(10**7), "BTC": pyarrow.nulls(10**7)}))
    assert path.stat().st_size < 2**16
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match="10000000 rows; a history has one a day"):
        read_prices(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**16  # KiB


def test_a_work_directory_of_other_slots_is_named(tmp_path: Path) -> None:
    secret = seeds.secret()
    ledger: Any = SimpleNamespace(count=1)
    book = Workdir(tmp_path, secret.model_copy(update={"currencies": secret.currencies * 2}), ledger)
    with pytest.raises(EncodingError, match=r"secret\.json: a book has one claims slot for each currency"):
        _ = book.terms
