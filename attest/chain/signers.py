"""Who signs transactions: a private key in this process, or an external signer by JSON-RPC."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import requests
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import HexStr
from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from attest.chain.errors import SignerError

SIGNER_SECONDS = 120.0
"""How long an external signer may take; somebody may have to confirm."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction of type 2 (EIP-1559): everything that is signed.

    Args:
        to: checksummed, None for the creation of a contract; value: in wei.
    """

    chain_id: int
    nonce: int
    gas: int
    max_fee: int
    priority_fee: int
    to: str | None
    value: int
    data: bytes = field(repr=False)

    def params(self) -> dict[str, Any]:
        """As `eth_account` takes it."""
        params: dict[str, Any] = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "gas": self.gas,
            "maxFeePerGas": self.max_fee,
            "maxPriorityFeePerGas": self.priority_fee,
            "value": self.value,
            "data": self.data,
        }
        return params if self.to is None else {**params, "to": self.to}


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction: the bytes that are sent, and only these."""

    nonce: int
    raw: bytes = field(repr=False)
    hash: bytes

    @property
    def transaction(self) -> Transaction:
        """What was signed. Raises: SignerError: the bytes are no transaction of type 2."""
        return parse(self.raw)[0]


class Signer(Protocol):
    """An account that signs transactions. Its repr shows no secret."""

    @property
    def address(self) -> str:
        """Checksummed."""
        ...

    def sign(self, transaction: Transaction) -> Signed:
        """Raises: SignerError: it does not sign this."""
        ...


@dataclass(frozen=True)
class LocalSigner:
    """A private key in this process.

    Args:
        key: 32 bytes. Secret.
    Raises: SignerError: they are no private key.
    """

    key: bytes = field(repr=False)
    address: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", address_of(self.key))

    def sign(self, transaction: Transaction) -> Signed:
        signed = Account.sign_transaction(transaction.params(), self.key)
        return Signed(transaction.nonce, bytes(signed.raw_transaction), bytes(signed.hash))


@dataclass(frozen=True)
class RemoteSigner:
    """An external signer by JSON-RPC `eth_signTransaction`, such as clef or web3signer. What it returns is checked.

    Args:
        url: of the signer; it may hold a password. address: of the account that is asked to sign.
    """

    url: str = field(repr=False)
    address: str

    def __post_init__(self) -> None:
        if not is_address(self.address):
            raise SignerError(f"signer {self.address}: an address is 0x and 40 hexadecimal digits")
        if not self.url.startswith(("http://", "https://")):
            raise SignerError("the external signer's address must start with http:// or https://")
        object.__setattr__(self, "address", to_checksum_address(self.address))

    def sign(self, transaction: Transaction) -> Signed:
        raw = self._ask("eth_signTransaction", _rpc_params(transaction, self.address))
        made, sender = parse(raw)
        wrong = [f.name for f in fields(made) if getattr(made, f.name) != getattr(transaction, f.name)]
        if wrong:
            raise SignerError(f"the external signer signed something else: {', '.join(wrong)} differ; nothing was sent")
        if sender != self.address:
            raise SignerError(f"the external signer signed as {sender} instead of {self.address}; nothing was sent")
        return Signed(made.nonce, raw, bytes(keccak(raw)))

    def _ask(self, method: str, params: dict[str, str]) -> bytes:
        question: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [params]}
        try:
            answer = requests.post(self.url, json=question, timeout=SIGNER_SECONDS, allow_redirects=False).json()
        except (requests.RequestException, OSError, ValueError) as error:
            kind = type(error).__name__
            raise SignerError(f"the external signer does not answer ({kind}); is it running, and unlocked?") from None
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            raise SignerError(f"the external signer refuses: {answer['error'].get('message')}")
        result = answer.get("result") if isinstance(answer, dict) else None
        if isinstance(result, dict):  # clef returns the transaction beside its bytes
            result = result.get("raw")
        try:
            return bytes(HexBytes(HexStr(str(result)))) if isinstance(result, str) else b""
        except ValueError:
            return b""


def _rpc_params(transaction: Transaction, sender: str) -> dict[str, str]:
    t = transaction
    numbers = {
        "chainId": t.chain_id,
        "nonce": t.nonce,
        "gas": t.gas,
        "maxFeePerGas": t.max_fee,
        "maxPriorityFeePerGas": t.priority_fee,
        "value": t.value,
    }
    params = {"type": "0x2", "from": sender, "data": "0x" + t.data.hex()}
    params |= {name: hex(number) for name, number in numbers.items()}
    return params if t.to is None else {**params, "to": t.to}


def parse(raw: bytes) -> tuple[Transaction, str]:
    """A signed transaction's content and its sender, recovered from the signature.

    Raises: SignerError: it is no transaction of type 2, or does more than these fields say.
    """
    try:
        content = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = str(Account.recover_transaction(HexBytes(raw)))
        if int(content["type"]) != 2 or content["accessList"]:
            raise ValueError
        to = bytes(content["to"])
        transaction = Transaction(
            content["chainId"],
            content["nonce"],
            content["gas"],
            content["maxFeePerGas"],
            content["maxPriorityFeePerGas"],
            to_checksum_address(to) if to else None,
            content["value"],
            bytes(content["data"]),
        )
    except Exception:  # what several libraries raise for bytes of any kind
        raise SignerError("the signer returned no signed transaction of type 2") from None
    return transaction, sender


def address_of(key: bytes) -> str:
    """Checksummed address of a private key. Raises: SignerError: the bytes are none."""
    try:
        return str(Account.from_key(HexStr("0x" + key.hex())).address)
    except Exception:  # what several libraries raise; their text may hold the key
        raise SignerError("this is no private key: 32 bytes between 1 and the order of secp256k1") from None
