"""A chain of one's own: anvil on the loopback interface, and plain JSON-RPC to it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CONTRACTS = Path(__file__).parents[2] / "contracts"
ANVIL = CONTRACTS / "node_modules/.bin/anvil"
RICH = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
"""An account that anvil funds and unlocks."""


@contextmanager
def anvil(*options: str) -> Iterator[str]:
    """The URL of a fresh anvil on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(ANVIL), "--host", "127.0.0.1", "--port", str(port), "--hardfork", "prague", "--silent", *options]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                rpc(url, "eth_chainId")
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def rpc(url: str, method: str, *params: object) -> Any:
    """One answer. Raises: RuntimeError: the chain's own error."""
    (answer,) = rpc_all(url, [(method, params)])
    if "error" in answer:
        raise RuntimeError(answer["error"]["message"])
    return answer["result"]


def rpc_all(url: str, calls: Sequence[tuple[str, Sequence[object]]]) -> list[dict[str, Any]]:
    """Answers in the order of the calls, errors among them."""
    jobs = [{"jsonrpc": "2.0", "id": i, "method": method, "params": params} for i, (method, params) in enumerate(calls)]
    request = urllib.request.Request(url, json.dumps(jobs).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as response:
        answers = json.load(response)
    return sorted(answers, key=lambda answer: answer["id"])


def deploy(url: str, bytecode: str) -> str:
    """The address of a new contract. Raises: RuntimeError: its constructor refuses."""
    sent = rpc(url, "eth_sendTransaction", {"from": RICH, "data": bytecode, "gas": hex(10**9)})
    while (receipt := rpc(url, "eth_getTransactionReceipt", sent)) is None:
        time.sleep(0.01)
    if int(receipt["status"], 16) != 1:
        raise RuntimeError("the constructor refuses")
    return str(receipt["contractAddress"])
