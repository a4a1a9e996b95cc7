"""A chain that does what a test says: blocks when it is told, reorganisations, pools that forget, clocks of its own.

Everything above JSON-RPC is the real thing: `Node` is a web3 provider, `served` puts one behind HTTP on loopback. The
one contract records calldata and reverts with `AlreadyAttested` when the same comes again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

from eth_utils.crypto import keccak
from web3 import Web3
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from attest.chain import Call, Chain, Journal, LocalSigner, Network, ProvedProgram, Publisher, Registry, Submission
from attest.chain.abi import ErrorTable
from attest.chain.artifacts import load_artifact
from attest.chain.signers import Transaction, parse

CHAIN_ID = 77
START = 1_800_000_000
GWEI, ETHER = 10**9, 10**18
REGISTRY, FUND_ADDRESS = "0x" + "a1" * 20, "0x" + "f1" * 20
KEY, OTHER = b"\x51" * 32, b"\x52" * 32
REPEATED = "0x" + keccak(text="AlreadyAttested(address,bytes32,uint64,uint256)")[:4].hex()

NETWORK = Network(
    name="scripted",
    chain_id=CHAIN_ID,
    rpc_url="http://127.0.0.1:1/access-key",
    gas_limit=None,
    confirmations=3,
    mining_seconds=24,
    max_skew_seconds=0,
    poll_seconds=1,
    bump_seconds=30,
    timeout_seconds=200,
)


@dataclass(frozen=True)
class Sent:
    """A transaction as the chain sees it."""

    hash: bytes
    sender: str
    content: Transaction


@dataclass(frozen=True)
class Block:
    """hash: of the block, which a reorganisation changes."""

    hash: bytes
    time: int
    transactions: tuple[Sent, ...] = ()


class Refusal(Exception):
    """An error of JSON-RPC."""

    def __init__(self, message: str, code: int = -32000, data: str | None = None) -> None:
        super().__init__(message)
        self.answer = {"code": code, "message": message} | ({} if data is None else {"data": data})


@dataclass
class ScriptedChain:
    """Blocks, a pool, and what the tests change about them.

    Args:
        faults: names of methods and what they raise.
        submissions: raw transactions in the order in which they were sent.
    """

    time: int = START
    base_fee: int = 10 * GWEI
    tip: int = GWEI
    balance: int = 100 * ETHER
    finalized: int | None = None
    blocks: list[Block] = field(default_factory=lambda: [Block(b"\x00" * 32, START)])
    pool: dict[bytes, Sent] = field(default_factory=dict)
    faults: dict[str, Exception] = field(default_factory=dict)
    submissions: list[bytes] = field(default_factory=list)
    forks: int = 0

    def mine(self, count: int = 1, *, only: bytes | None = None, empty: bool = False) -> None:
        """Blocks, the first of them with what the pool has in order of nonces, or with one transaction of it."""
        for i in range(count):
            self.time += 12
            ready: list[Sent] = []
            if i == 0 and not empty:
                wanted = [s for s in self.pool.values() if only in (None, s.hash)]
                for sent in sorted(wanted, key=lambda s: (s.content.nonce, -s.content.priority_fee)):
                    taken = sum(s.sender == sent.sender for s in ready)
                    if sent.content.nonce == self.nonce(sent.sender) + taken and sent.content.max_fee >= self.base_fee:
                        ready.append(sent)
            for sent in ready:
                self.pool = {h: s for h, s in self.pool.items() if not _rivals(s, sent)}
            name = keccak(b"%d %d" % (len(self.blocks), self.forks))
            self.blocks.append(Block(bytes(name), self.time, tuple(ready)))

    def reorganise(self, depth: int, *, forget: bool = True) -> None:
        """Remove the last blocks; their transactions are forgotten, or wait again."""
        self.forks += 1
        removed, self.blocks = self.blocks[-depth:], self.blocks[:-depth]
        if not forget:
            self.pool |= {sent.hash: sent for block in removed for sent in block.transactions}

    def forget(self) -> None:
        """As a node that is restarted."""
        self.pool.clear()

    def nonce(self, sender: str, height: int | None = None) -> int:
        upto = self.blocks if height is None else self.blocks[: height + 1]
        return sum(sent.sender == sender for block in upto for sent in block.transactions)

    def succeeded(self, wanted: Sent) -> bool:
        seen: set[bytes] = set()
        for block in self.blocks:
            for sent in block.transactions:
                if sent.hash == wanted.hash:
                    return not sent.content.data or sent.content.data not in seen
                seen.add(sent.content.data)
        raise KeyError

    @property
    def recorded(self) -> list[bytes]:
        """Calldata that the contract has taken."""
        mined = [sent for block in self.blocks for sent in block.transactions]
        return [sent.content.data for sent in mined if sent.content.data and self.succeeded(sent)]

    def answer(self, method: str, params: list[Any]) -> Any:
        if method in self.faults:
            raise self.faults[method]
        words = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), method.removeprefix("eth_"))
        return getattr(self, words)(*params)

    def chain_id(self) -> str:
        return hex(CHAIN_ID)

    def block_number(self) -> str:
        return hex(len(self.blocks) - 1)

    def get_block_by_number(self, which: str, _: bool) -> dict[str, Any] | None:
        if which == "finalized" and self.finalized is None:
            raise Refusal("finalized block not found")
        number = self.finalized if which == "finalized" else self._height(which)
        assert number is not None
        block = self.blocks[number]
        content = {"number": hex(number), "hash": "0x" + block.hash.hex(), "timestamp": hex(block.time)}
        return {**content, "baseFeePerGas": hex(self.base_fee)}

    def _height(self, which: str) -> int:
        return len(self.blocks) - 1 if which in ("latest", "pending") else int(which, 16)

    def get_transaction_count(self, sender: str, which: str) -> str:
        count = self.nonce(sender, self._height(which))
        waiting = {sent.content.nonce for sent in self.pool.values() if sent.sender == sender}
        while which == "pending" and count in waiting:
            count += 1
        return hex(count)

    def get_balance(self, _: str, __: str) -> str:
        return hex(self.balance)

    def max_priority_fee_per_gas(self) -> str:
        return hex(self.tip)

    def estimate_gas(self, params: dict[str, str], *_: Any) -> str:
        self.call(params)
        return hex(500_000)

    def call(self, params: dict[str, str], *_: Any) -> str:
        if bytes.fromhex(params["data"][2:]) in self.recorded:
            raise Refusal("execution reverted", 3, REPEATED + "00" * 128)
        return "0x"

    def send_raw_transaction(self, text: str) -> str:
        raw = bytes.fromhex(text[2:])
        self.submissions.append(raw)
        content, sender = parse(raw)
        sent = Sent(bytes(keccak(raw)), sender, content)
        if sent.hash in self.pool:
            raise Refusal("already known")
        if content.nonce < self.nonce(sender):
            raise Refusal("nonce too low")
        if content.gas * content.max_fee > self.balance:
            raise Refusal("insufficient funds for gas * price + value")
        rivals = [other for other in self.pool.values() if _rivals(other, sent)]
        for other in rivals:
            before, now = other.content, content
            if now.max_fee * 10 < before.max_fee * 11 or now.priority_fee * 10 < before.priority_fee * 11:
                raise Refusal("replacement transaction underpriced")
            del self.pool[other.hash]
        self.pool[sent.hash] = sent
        return "0x" + sent.hash.hex()

    def get_transaction_by_hash(self, text: str) -> dict[str, Any] | None:
        wanted = bytes.fromhex(text[2:])
        mined = any(sent.hash == wanted for block in self.blocks for sent in block.transactions)
        return {"hash": text} if mined or wanted in self.pool else None

    def get_transaction_receipt(self, text: str) -> dict[str, Any] | None:
        wanted = bytes.fromhex(text[2:])
        for number, block in enumerate(self.blocks):
            for sent in block.transactions:
                if sent.hash == wanted:
                    return {
                        "transactionHash": text,
                        "status": hex(self.succeeded(sent)),
                        "blockNumber": hex(number),
                        "blockHash": "0x" + block.hash.hex(),
                        "gasUsed": hex(50_000),
                        "contractAddress": None,
                    }
        return None


def _rivals(one: Sent, other: Sent) -> bool:
    return (one.sender, one.content.nonce) == (other.sender, other.content.nonce)


def response(chain: ScriptedChain, method: str, params: Any) -> dict[str, Any]:
    """What a node sends back."""
    try:
        return {"jsonrpc": "2.0", "id": 1, "result": chain.answer(method, list(params))}
    except Refusal as refusal:
        return {"jsonrpc": "2.0", "id": 1, "error": refusal.answer}


class Node(BaseProvider):
    """A chain without a network in between."""

    def __init__(self, chain: ScriptedChain) -> None:
        super().__init__()
        self.scripted = chain

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        return cast(RPCResponse, response(self.scripted, method, params))


Handler = Callable[[str, list[Any]], bytes | tuple[int, bytes]]


@contextmanager
def served(answer: Handler | ScriptedChain) -> Iterator[str]:
    """The URL of an HTTP server on loopback, with an access key in it. It ends with the block."""

    class Requests(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            method, params = asked["method"], asked["params"]
            if isinstance(answer, ScriptedChain):
                found: bytes | tuple[int, bytes] = json.dumps(response(answer, method, params)).encode()
            else:
                found = answer(method, params)
            status, body = found if isinstance(found, tuple) else (200, found)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/access-key"
        finally:
            server.shutdown()


class OnceRegistry(Registry):
    """A registry without contracts: calldata that names the submission, to be taken once."""

    def __init__(self, chain: Chain, address: str = REGISTRY) -> None:
        self.chain, self.address = chain, address

    def submit(self, submission: Submission) -> Call:
        s = submission
        return Call(self.address, bytes(keccak(repr((s.fund, s.policy_id, s.epoch, s.programs)).encode())))

    def attested(
        self, fund: str, policy_id: bytes, epoch: int, at_block: int | None = None, until: int = 0
    ) -> tuple[frozenset[int], int]:
        return frozenset(), 0


def submission(epoch: int = 1, *, expiry: int = START + 100_000, proof: bytes = b"proof") -> Submission:
    proved = ProvedProgram(0, b"key", b"\x02" * 32, proof)
    return Submission(FUND_ADDRESS, b"\x01" * 32, epoch, expiry, (proved,), (), {})


@dataclass
class Desk:
    """A publisher on a scripted chain. Its sleep moves the clocks and lets the test's script act.

    Args:
        script: is called at each sleep with its number, from 1; notes: what the publisher reports.
    """

    folder: Path
    scripted: ScriptedChain = field(default_factory=ScriptedChain)
    network: Network = NETWORK
    now: float = START
    script: Callable[[int], None] = lambda _: None
    sleeps: int = 0
    notes: list[str] = field(default_factory=list)
    provider: BaseProvider | None = None

    def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.now += seconds
        self.script(self.sleeps)

    def change(self, **fields: object) -> None:
        self.network = replace_fields(self.network, **fields)

    def publisher(self, key: bytes = KEY) -> Publisher:
        """As a new process: nothing is shared with an earlier one but the file and the chain."""
        errors = ErrorTable([load_artifact("AttestationRegistry").abi])
        chain = Chain(self.network, Web3(self.provider or Node(self.scripted)), errors)
        journal = Journal(self.folder / "journal.sqlite", clock=lambda: self.now)
        signer = LocalSigner(key)
        return Publisher(OnceRegistry(chain), journal, signer, self.notes.append, lambda: self.now, self.sleep)

    def said(self, words: str) -> bool:
        return any(words in note for note in self.notes)


def replace_fields(network: Network, **fields: object) -> Network:
    return Network(**{**network.model_dump(), **fields})


def foreign(nonce: int, key: bytes = KEY, fee: int = 30 * GWEI) -> str:
    """A transaction of the same account that the journal knows nothing of, as hexadecimal text."""
    content = Transaction(CHAIN_ID, nonce, 21_000, fee, 2 * GWEI, Web3.to_checksum_address(REGISTRY), 0, b"elsewhere")
    return "0x" + LocalSigner(key).sign(replace(content)).raw.hex()
