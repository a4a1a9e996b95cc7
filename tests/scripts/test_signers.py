"""Who signs a command's transactions, by its options and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofolio.keys import create_keystore
from proofolio.signers import load_signer

from attest.chain import LocalSigner, RemoteSigner
from attest.errors import EncodingError

KEY = "11" * 32
ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
URL = "http://user:hunter2@127.0.0.1:8550"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
    for name in ("KEY", "SIGNER_URL", "KEYSTORE"):
        monkeypatch.delenv(f"PROOFOLIO_{name}", raising=False)


@pytest.mark.parametrize("text", [KEY, f"0x{KEY}", f" 0x{KEY}\n"])
def test_a_key_in_the_environment(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PROOFOLIO_KEY", text)
    signer = load_signer(None, None)
    assert isinstance(signer, LocalSigner) and signer.address == ADDRESS


@pytest.mark.parametrize("text", ["", "0x12", KEY + "11", "zz" * 32, "0" * 64])
def test_what_is_no_key_is_not_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PROOFOLIO_KEY", text)
    with pytest.raises(
        EncodingError, match="PROOFOLIO_KEY holds no private key: 0x and 64 hexadecimal digits"
    ) as error:
        load_signer(None, None)
    assert not text or text not in str(error.value).replace("0x and", "")
    assert error.value.__cause__ is None


def test_a_keystore_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address = create_keystore(tmp_path / "a.keystore")
    monkeypatch.setenv("PROOFOLIO_KEY", KEY)
    assert load_signer(tmp_path / "a.keystore", None).address == address


def test_an_external_signer(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncodingError, match="set PROOFOLIO_SIGNER_URL"):
        load_signer(None, ADDRESS)
    monkeypatch.setenv("PROOFOLIO_SIGNER_URL", URL)
    signer = load_signer(None, ADDRESS.lower())
    assert isinstance(signer, RemoteSigner) and signer.address == ADDRESS
    assert "hunter2" not in repr(signer)
    with pytest.raises(EncodingError, match="two signers"):
        load_signer(Path("a.keystore"), ADDRESS)


def test_nobody() -> None:
    with pytest.raises(EncodingError, match="nobody signs: give --keystore FILE"):
        load_signer(None, None)
