"""What fuzzing found: inputs with which some parser once failed with an error that it does not declare."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest
from proofolio.keys import load_key

from attest.chain.abi import revert_data
from attest.errors import AccountError, EncodingError
from attest.liabilities import read_accounts
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
