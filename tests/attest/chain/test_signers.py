"""Who signs: a key in this process or an external signer, whose answers are checked field by field."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from eth_account import Account

from attest.chain import LocalSigner, RemoteSigner, SignerError, Transaction, address_of
from attest.chain.signers import parse
from tests.attest.chain.scripted import KEY, OTHER, served
from tests.contracts.anvil import RICH, anvil, rpc

TRANSACTION = Transaction(77, 5, 21_000, 30, 2, "0x" + "11" * 20, 0, b"data")
CREATION = replace(TRANSACTION, to=None)


def signer_service(key: bytes, *, clef: bool = False, **changed: object) -> Any:
    """An external signer that signs, perhaps something else than it was asked for."""

    def answer(method: str, params: list[Any]) -> bytes:
        assert method == "eth_signTransaction"
        (asked,) = params
        made = Transaction(
            *(int(asked[name], 16) for name in ("chainId", "nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas")),
            asked.get("to"),
            int(asked["value"], 16),
            bytes.fromhex(asked["data"][2:]),
        )
        raw = "0x" + LocalSigner(key).sign(replace(made, **changed)).raw.hex()  # type: ignore[arg-type]
        return json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"raw": raw, "tx": {}} if clef else raw}).encode()

    return answer


@pytest.mark.parametrize("transaction", [TRANSACTION, CREATION], ids=["call", "creation"])
def test_what_is_signed_is_what_was_asked(transaction: Transaction) -> None:
    signer = LocalSigner(KEY)
    signed = signer.sign(transaction)
    assert parse(signed.raw) == (transaction, signer.address)
    assert (signed.transaction, signed.nonce) == (transaction, 5)
    assert "0x" + signed.hash.hex() == "0x" + bytes(Account.sign_transaction(transaction.params(), KEY).hash).hex()


@pytest.mark.parametrize("clef", [False, True])
@pytest.mark.parametrize("transaction", [TRANSACTION, CREATION], ids=["call", "creation"])
def test_an_external_signer_signs_the_same(transaction: Transaction, clef: bool) -> None:
    with served(signer_service(KEY, clef=clef)) as url:
        signer = RemoteSigner(url, address_of(KEY).lower())
        assert signer.address == address_of(KEY)
        assert signer.sign(transaction) == LocalSigner(KEY).sign(transaction)


@pytest.mark.evm
def test_a_node_that_signs_for_its_accounts() -> None:
    """anvil's own `eth_signTransaction`, which is nobody's stand-in."""
    with anvil() as url:
        signer = RemoteSigner(url, RICH)
        asked = replace(TRANSACTION, chain_id=31337, nonce=0, max_fee=10**10, gas=30_000)
        signed = signer.sign(asked)
        assert parse(signed.raw) == (asked, RICH)
        assert rpc(url, "eth_sendRawTransaction", "0x" + signed.raw.hex()) == "0x" + signed.hash.hex()
        with pytest.raises(SignerError, match="refuses"):
            RemoteSigner(url, address_of(KEY)).sign(asked)


ALTERED = {"to": "0x" + "22" * 20, "data": b"other"}


@pytest.mark.parametrize("name", [field.name for field in fields(Transaction)])
def test_a_field_that_the_external_signer_changes(name: str) -> None:
    changed = {name: ALTERED.get(name, 9)}
    with (
        served(signer_service(KEY, **changed)) as url,
        pytest.raises(SignerError, match=f"something else: {name} differ"),
    ):
        RemoteSigner(url, address_of(KEY)).sign(TRANSACTION)


def test_another_account_of_the_external_signer() -> None:
    with served(signer_service(OTHER)) as url, pytest.raises(SignerError, match=f"as {address_of(OTHER)} instead of"):
        RemoteSigner(url, address_of(KEY)).sign(TRANSACTION)


LEGACY = Account.sign_transaction(
    {"nonce": 0, "gas": 21_000, "gasPrice": 1, "to": "0x" + "11" * 20, "chainId": 77}, KEY
)
LISTED = Account.sign_transaction(
    {**TRANSACTION.params(), "accessList": ({"address": "0x" + "11" * 20, "storageKeys": ()},)}, KEY
)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b'{"error": {"code": -32000, "message": "request denied"}}', "refuses: request denied"),
        (b'{"result": "0x"}', "no signed transaction"),
        (b'{"result": "0x02zz"}', "no signed transaction"),
        (b'{"result": {"raw": 7}}', "no signed transaction"),
        (b"[]", "no signed transaction"),
        (b'{"result": "0x02c0"}', "no signed transaction"),
        (json.dumps({"result": "0x" + LEGACY.raw_transaction.hex()}).encode(), "no signed transaction of type 2"),
        (json.dumps({"result": "0x" + LISTED.raw_transaction.hex()}).encode(), "no signed transaction of type 2"),
        (b"nonsense", "does not answer"),
        ((302, b""), "does not answer"),
    ],
)
def test_an_external_signer_that_does_not_sign(answer: bytes | tuple[int, bytes], message: str) -> None:
    with served(lambda *_: answer) as url, pytest.raises(SignerError, match=message) as error:
        RemoteSigner(url, address_of(KEY)).sign(TRANSACTION)
    assert "access-key" not in str(error.value)


def test_an_external_signer_that_is_not_there() -> None:
    with pytest.raises(SignerError, match="is it running") as error:
        RemoteSigner("http://user:hunter2@127.0.0.1:1", address_of(KEY)).sign(TRANSACTION)
    assert "hunter2" not in str(error.value) and error.value.__cause__ is None


def test_secrets_do_not_print() -> None:
    local, remote = LocalSigner(KEY), RemoteSigner("http://user:hunter2@127.0.0.1:1", address_of(KEY))
    assert KEY.hex() not in repr(local) and repr(KEY) not in repr(local) and "hunter2" not in repr(remote)
    assert local.address in repr(local)


@pytest.mark.parametrize("key", [b"", bytes(32), b"\x01" * 31, b"\xff" * 32])
def test_what_is_no_private_key(key: bytes) -> None:
    with pytest.raises(SignerError, match="no private key") as error:
        LocalSigner(key)
    assert error.value.__cause__ is None and (not any(key) or key.hex() not in str(error.value))


def test_what_is_no_external_signer() -> None:
    with pytest.raises(SignerError, match="an address is"):
        RemoteSigner("http://127.0.0.1:1", "0x12")
    with pytest.raises(SignerError, match="http"):
        RemoteSigner("ftp://127.0.0.1:1/access-key", address_of(KEY))
