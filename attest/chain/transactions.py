"""Calls and transactions on a named network: chain id checked, EIP-1559 fees, reverts decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import get_args

from eth_tester.exceptions import TransactionFailed
from eth_tester.exceptions import ValidationError as TesterValidationError
from eth_typing import BlockNumber
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes
from requests import RequestException
from web3 import Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError
from web3.types import TxParams, TxReceipt, Wei

from attest.chain.abi import ErrorTable, revert_data
from attest.chain.artifacts import ContractName, load_artifact
from attest.chain.embedded import EmbeddedChain
from attest.chain.endpoints import Endpoints, Note, silent
from attest.chain.errors import InsufficientFunds, NetworkError, Reverted, Unreachable, WrongChain
from attest.chain.fees import GWEI, Quote, in_wei
from attest.chain.networks import Network
from attest.chain.signers import LocalSigner, Signer, Transaction


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
class Receipt:
    """What became of a transaction.

    Args:
        block, block_hash: where it is mined, as long as that block is part of the chain.
    """

    hash: bytes
    succeeded: bool
    block: int
    block_hash: bytes
    gas_used: int
    contract: str | None = None


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
    def connect(cls, network: Network, embedded: EmbeddedChain | None = None, note: Note = silent) -> Chain:
        """Reach a network over HTTP, or the embedded chain given (a fresh one without).

        Args:
            note: is told which of several endpoints is skipped, and why.
        """
        errors = ErrorTable(load_artifact(name).abi for name in get_args(ContractName))
        if network.embedded:
            return cls(network, (embedded or EmbeddedChain()).web3, errors)
        return cls(network, Web3(Endpoints.of(network, note)), errors)

    @contextmanager
    def _asking(self, transaction: str | None = None) -> Iterator[None]:
        """Map foreign errors; messages of the transport may hold the RPC address and are left out."""
        try:
            yield
        except (ContractLogicError, TransactionFailed) as error:
            raise Reverted(self._reason(error), transaction) from None
        except (RequestException, OSError) as error:
            kind = type(error).__name__
            raise Unreachable(f"network {self.network.name!r}: the node cannot be reached ({kind})") from None
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

    def final_head(self) -> tuple[int, int]:
        """Number and Unix time of the latest block that counts as final."""
        with self._asking():
            if self.network.finalized:
                try:
                    block = self.web3.eth.get_block("finalized")
                    return int(block["number"]), int(block["timestamp"])
                except (BlockNotFound, Web3RPCError):
                    pass  # this chain has no such notion: count blocks
            head = self.web3.eth.get_block("latest")
            if self.network.confirmations == 0:
                return int(head["number"]), int(head["timestamp"])
            block = self.web3.eth.get_block(BlockNumber(max(int(head["number"]) - self.network.confirmations, 0)))
            return int(block["number"]), int(block["timestamp"])

    def nonce(self, address: str, *, pending: bool = False, block: int | None = None) -> int:
        """Transactions of an address that are mined, up to a block, or also those that wait."""
        moment = "pending" if pending else "latest"
        with self._asking():
            where = moment if block is None else BlockNumber(block)
            return self.web3.eth.get_transaction_count(Web3.to_checksum_address(address), where)  # type: ignore[arg-type]

    def balance(self, address: str) -> int:
        """Wei of an address."""
        with self._asking():
            return int(self.web3.eth.get_balance(Web3.to_checksum_address(address)))

    def estimate(self, call: Call, sender: str) -> int:
        """Gas that a transaction would use now; a refused one raises. Raises: Reverted, NetworkError."""
        with self._asking():
            return int(self.web3.eth.estimate_gas(call.params(sender)))

    def fees(self, gas: int) -> Quote:
        """EIP-1559 fees of a new transaction of so much gas, whatever the network's bound."""
        with self._asking():
            base = int(self.web3.eth.get_block("latest")["baseFeePerGas"])
            tip = self.network.priority_fee_gwei
            priority = int(self.web3.eth.max_priority_fee) if tip is None else in_wei(tip)
        return Quote(gas, self.network.base_fee_multiple * base + priority, priority)

    @property
    def fee_bound(self) -> int | None:
        """The network's `max_fee_gwei`, in wei."""
        return None if self.network.max_fee_gwei is None else in_wei(self.network.max_fee_gwei)

    def quote(self, call: Call, sender: str) -> Quote:
        """Gas and fees of a transaction that the chain would accept now.

        Raises: Reverted: it would not; NetworkError: or the fee is above the network's bound.
        """
        if self.network.gas_limit is None:
            gas = self.estimate(call, sender) * 6 // 5
        else:
            gas = self.network.gas_limit
            self.call(call, sender)
        quote, bound = self.fees(gas), self.fee_bound
        if bound is not None and quote.max_fee > bound:
            raise NetworkError(
                f"network {self.network.name!r}: gas costs up to {quote.max_fee / GWEI:.2f} gwei, above max_fee_gwei = "
                f"{self.network.max_fee_gwei}; nothing was sent. Wait, or raise the bound"
            )
        return quote

    def require_funds(self, address: str, wei: int) -> None:
        """Raises: InsufficientFunds: the address has less; NetworkError."""
        balance = self.balance(address)
        if balance < wei:
            raise InsufficientFunds(self.network.name, address, wei - balance)

    def transaction(self, call: Call, quote: Quote, nonce: int) -> Transaction:
        """What there is to sign for a call."""
        to = None if call.to is None else Web3.to_checksum_address(call.to)
        chain_id = self.network.chain_id
        return Transaction(chain_id, nonce, quote.gas, quote.max_fee, quote.priority_fee, to, 0, call.data)

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
                bytes(found["blockHash"]),
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

    def execute(self, signer: Signer | bytes, call: Call) -> Receipt:
        """Quote, sign, send and wait, for transactions that may safely be repeated.

        Args:
            signer: or a private key.
        Raises: Reverted, InsufficientFunds, SignerError, NetworkError.
        """
        who = LocalSigner(signer) if isinstance(signer, bytes) else signer
        quote = self.quote(call, who.address)
        self.require_funds(who.address, quote.wei)
        signed = who.sign(self.transaction(call, quote, self.nonce(who.address, pending=True)))
        self.send(signed.raw)
        receipt = self.wait(signed.hash)
        if not receipt.succeeded:
            raise Reverted(self.failure(call, who.address, receipt.block), "0x" + receipt.hash.hex())
        return receipt


def _rpc_message(error: Web3RPCError) -> str:
    response = error.rpc_response or {}
    detail = response.get("error")
    return str(detail.get("message")) if isinstance(detail, dict) else "an error without a message"
