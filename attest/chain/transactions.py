"""Calls and transactions on a named network: chain id checked, EIP-1559 fees, reverts decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, get_args

from eth_account import Account
from eth_tester.exceptions import TransactionFailed
from eth_tester.exceptions import ValidationError as TesterValidationError
from eth_typing import BlockNumber, HexStr
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes
from requests import RequestException
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError
from web3.types import TxParams, TxReceipt, Wei

from attest.chain.abi import ErrorTable, revert_data
from attest.chain.artifacts import ContractName, load_artifact
from attest.chain.embedded import EmbeddedChain
from attest.chain.errors import NetworkError, Reverted, WrongChain
from attest.chain.networks import Network

GWEI = 10**9
REQUEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction does: data for a contract, or the creation of one where `to` is None."""

    to: str | None
    data: bytes = field(repr=False)

    def params(self, sender: str | None) -> TxParams:
        params = TxParams({"data": HexBytes(self.data), "value": Wei(0)})
        if self.to is not None:
            params["to"] = Web3.to_checksum_address(self.to)
        if sender is not None:
            params["from"] = Web3.to_checksum_address(sender)
        return params


@dataclass(frozen=True, slots=True)
class Quote:
    """What a transaction would cost: gas units and wei per gas unit."""

    gas: int
    max_fee: int
    priority_fee: int

    @property
    def ether(self) -> float:
        """At most this much is paid."""
        return self.gas * self.max_fee / 10**18


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction: the bytes that are sent, and only these."""

    nonce: int
    raw: bytes = field(repr=False)
    hash: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction."""

    hash: bytes
    succeeded: bool
    block: int
    gas_used: int
    contract: str | None


class Chain:
    """A network that has shown to be the chain its name promises.

    Args:
        errors: custom errors by which reverts are explained.
    Raises: WrongChain; NetworkError: it cannot be reached.
    """

    def __init__(self, network: Network, web3: Web3, errors: ErrorTable) -> None:
        self.network, self.web3, self._errors = network, web3, errors
        with self._asking():
            actual = web3.eth.chain_id
        if actual != network.chain_id:
            raise WrongChain(network.name, network.chain_id, actual)

    @classmethod
    def connect(cls, network: Network, embedded: EmbeddedChain | None = None) -> Chain:
        """Reach a network over HTTP, or the embedded chain given (a fresh one without)."""
        errors = ErrorTable(load_artifact(name).abi for name in get_args(ContractName))
        if network.embedded:
            return cls(network, (embedded or EmbeddedChain()).web3, errors)
        provider = HTTPProvider(network.address(), request_kwargs={"timeout": REQUEST_SECONDS})
        return cls(network, Web3(provider), errors)

    @contextmanager
    def _asking(self, transaction: str | None = None) -> Iterator[None]:
        """Map foreign errors; messages of the transport may hold the RPC address and are left out."""
        try:
            yield
        except (ContractLogicError, TransactionFailed) as error:
            raise Reverted(self._reason(error), transaction) from None
        except (RequestException, OSError) as error:
            kind = type(error).__name__
            raise NetworkError(f"network {self.network.name!r}: the node cannot be reached ({kind})") from None
        except Web3RPCError as error:
            raise NetworkError(f"network {self.network.name!r}: the node answers: {_rpc_message(error)}") from None
        except (ValidationError, TesterValidationError) as error:
            raise NetworkError(f"network {self.network.name!r}: the transaction is not valid: {error}") from None
        except (Web3Exception, ValueError, KeyError, TypeError) as error:
            kind = type(error).__name__
            raise NetworkError(f"network {self.network.name!r}: the node's answer is not understood ({kind})") from None

    def _reason(self, error: Exception) -> str:
        data = revert_data(error)
        return data if isinstance(data, str) else self._errors.describe(data)

    def call(self, call: Call, sender: str | None = None, block: int | None = None) -> bytes:
        """Run without a transaction. Raises: Reverted, NetworkError."""
        with self._asking():
            return bytes(self.web3.eth.call(call.params(sender), "latest" if block is None else BlockNumber(block)))

    def code(self, address: str) -> bytes:
        """What stands at an address, empty where no contract is."""
        with self._asking():
            return bytes(self.web3.eth.get_code(Web3.to_checksum_address(address)))

    def head(self) -> tuple[int, int]:
        """Number and Unix time of the latest block."""
        with self._asking():
            block = self.web3.eth.get_block("latest")
            return int(block["number"]), int(block["timestamp"])

    def nonce(self, address: str, *, pending: bool) -> int:
        """Transactions of an address that are mined, or also those that wait."""
        with self._asking():
            moment = "pending" if pending else "latest"
            return self.web3.eth.get_transaction_count(Web3.to_checksum_address(address), moment)  # type: ignore[arg-type]

    def estimate(self, call: Call, sender: str) -> int:
        """Gas that a transaction would use now; a refused one raises. Raises: Reverted, NetworkError."""
        with self._asking():
            return int(self.web3.eth.estimate_gas(call.params(sender)))

    def quote(self, call: Call, sender: str) -> Quote:
        """Gas and EIP-1559 fees of a transaction that the chain would accept now.

        Raises: Reverted: it would not; NetworkError: or the fee is above the network's bound.
        """
        if self.network.gas_limit is None:
            gas = self.estimate(call, sender) * 6 // 5
        else:
            gas = self.network.gas_limit
            self.call(call, sender)
        with self._asking():
            base = int(self.web3.eth.get_block("latest")["baseFeePerGas"])
            tip = self.network.priority_fee_gwei
            priority = int(self.web3.eth.max_priority_fee) if tip is None else int(tip * GWEI)
        fee, bound = self.network.base_fee_multiple * base + priority, self.network.max_fee_gwei
        if bound is not None and fee > bound * GWEI:
            raise NetworkError(
                f"network {self.network.name!r}: gas costs up to {fee / GWEI:.2f} gwei, above max_fee_gwei = {bound}; "
                "nothing was sent. Wait, or raise the bound"
            )
        return Quote(gas, fee, priority)

    def sign(self, key: bytes, call: Call, quote: Quote, nonce: int) -> Signed:
        """A signed transaction of type 2 for this chain id. Nothing is sent."""
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": self.network.chain_id,
            "nonce": nonce,
            "gas": quote.gas,
            "maxFeePerGas": quote.max_fee,
            "maxPriorityFeePerGas": quote.priority_fee,
            "value": 0,
            "data": call.data,
        }
        if call.to is not None:
            transaction["to"] = Web3.to_checksum_address(call.to)
        signed = Account.sign_transaction(transaction, key)
        return Signed(nonce, bytes(signed.raw_transaction), bytes(signed.hash))

    def send(self, raw: bytes) -> None:
        """Hand signed bytes to the node. Raises: NetworkError: it does not take them."""
        with self._asking():
            self.web3.eth.send_raw_transaction(HexBytes(raw))

    def knows(self, transaction: bytes) -> bool:
        """Whether the node holds a transaction, mined or waiting."""
        with self._asking():
            try:
                self.web3.eth.get_transaction(HexBytes(transaction))
            except TransactionNotFound:
                return False
            return True

    def receipt(self, transaction: bytes) -> Receipt | None:
        """The receipt of a mined transaction, None while there is none."""
        with self._asking():
            try:
                found: TxReceipt = self.web3.eth.get_transaction_receipt(HexBytes(transaction))
            except TransactionNotFound:
                return None
            if found.get("blockNumber") is None:
                return None
            contract = found.get("contractAddress")
            return Receipt(
                bytes(found["transactionHash"]),
                found["status"] == 1,
                int(found["blockNumber"]),
                int(found["gasUsed"]),
                str(contract) if contract else None,
            )

    def wait(self, transaction: bytes) -> Receipt:
        """The receipt of a transaction, as soon as it is mined. Raises: NetworkError: not within the timeout."""
        deadline = time.monotonic() + self.network.timeout_seconds
        while True:
            receipt = self.receipt(transaction)
            if receipt is not None:
                return receipt
            if time.monotonic() > deadline:
                raise NetworkError(
                    f"network {self.network.name!r}: transaction 0x{transaction.hex()} was sent and is not mined yet; "
                    "run the same command again to look for it"
                )
            time.sleep(self.network.poll_seconds)

    def failure(self, call: Call, sender: str, block: int) -> str:
        """Why a mined transaction failed: the same call on the state of its block."""
        try:
            self.call(call, sender, block)
        except Reverted as refusal:
            return refusal.reason
        return "it ran out of gas, or the reason is gone"

    def execute(self, key: bytes, call: Call) -> Receipt:
        """Quote, sign, send and wait, for transactions that may safely be repeated.

        Raises: Reverted, NetworkError.
        """
        sender = address_of(key)
        signed = self.sign(key, call, self.quote(call, sender), self.nonce(sender, pending=True))
        self.send(signed.raw)
        receipt = self.wait(signed.hash)
        if not receipt.succeeded:
            raise Reverted(self.failure(call, sender, receipt.block), "0x" + receipt.hash.hex())
        return receipt


def _rpc_message(error: Web3RPCError) -> str:
    response = error.rpc_response or {}
    detail = response.get("error")
    return str(detail.get("message")) if isinstance(detail, dict) else "an error without a message"


def address_of(key: bytes) -> str:
    """Checksummed address of a private key."""
    return str(Account.from_key(HexStr("0x" + key.hex())).address)
