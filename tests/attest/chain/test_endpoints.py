"""Several nodes behind one name, over HTTP on loopback: dead, slow, foreign, limiting and lagging ones are skipped."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from attest.chain import Chain, NetworkError, Unreachable, WrongChain
from attest.chain import endpoints as module
from attest.chain.endpoints import Endpoints
from tests.attest.chain.scripted import (
    CHAIN_ID,
    NETWORK,
    Desk,
    Handler,
    ScriptedChain,
    replace_fields,
    response,
    served,
    submission,
)

DEAD = "http://127.0.0.1:1/access-key"

Start = Callable[..., tuple[Chain, list[str]]]


@pytest.fixture
def start() -> Iterator[Start]:
    """A chain over the nodes given, and what is noted of them."""
    with ExitStack() as stack:

        def make(*nodes: str | Handler | ScriptedChain, **fields: object) -> tuple[Chain, list[str]]:
            urls = [node if isinstance(node, str) else stack.enter_context(served(node)) for node in nodes]
            notes: list[str] = []
            changed = {"rpc_url": None, "rpc_urls": urls, "request_seconds": 0.5, **fields}
            return Chain.connect(replace_fields(NETWORK, **changed), note=notes.append), notes

        yield make


def result(value: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode()


def error(code: int, message: str) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}).encode()


def slow(method: str, _: list[Any]) -> bytes:
    time.sleep(1)
    return result(hex(CHAIN_ID))


USELESS: list[tuple[str | Handler, str]] = [
    (DEAD, r"cannot be reached \(ConnectionError\)"),
    (slow, "takes too long to answer"),
    (lambda *_: result("0x1"), f"serves chain 1 instead of {CHAIN_ID}"),
    (lambda *_: (429, b"slow down"), "limits our requests"),
    (lambda *_: (503, b"maintenance"), "answers HTTP 503"),
    (lambda *_: error(-32005, "daily limit"), "limits our requests"),
    (lambda *_: error(-1, "Too Many Requests, upgrade your plan"), "limits our requests"),
    (lambda *_: b"<html>", "not understood"),
    (lambda *_: b"[]", "not understood"),
    (lambda *_: b"{}", "not understood"),
    (lambda *_: result(None), "not understood"),
    (lambda *_: result({"a": 1}), "not understood"),
]


@pytest.mark.parametrize(("useless", "fault"), USELESS)
@pytest.mark.parametrize("first", [True, False])
def test_a_useless_endpoint_is_skipped(start: Start, useless: str | Handler, fault: str, first: bool) -> None:
    scripted = ScriptedChain()
    chain, notes = start(*((useless, scripted) if first else (scripted, useless)))
    scripted.mine(2)
    for _ in range(3):
        assert chain.head()[0] == 2
    (note,) = notes
    number = 1 if first else 2
    assert re.fullmatch(rf"network 'scripted': endpoint {number} of 2 is skipped: it .*{fault}.*", note)
    assert "access-key" not in note and "127.0.0.1" not in note


def test_a_lagging_endpoint_is_skipped_and_comes_back(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    lagging, current = ScriptedChain(), ScriptedChain()
    current.mine(4)
    monkeypatch.setattr(module, "COMPARE_SECONDS", 0.0)
    monkeypatch.setattr(module, "REST_SECONDS", 0.0)
    chain, notes = start(lagging, current)
    monkeypatch.setattr(module, "REST_SECONDS", 100.0)
    assert chain.head()[0] == 4
    assert notes[-1].endswith("endpoint 1 of 2 is skipped: it is 4 blocks behind")
    lagging.mine(2)
    assert chain.head()[0] == 4  # it rests
    assert len(set(notes)) == 1


def test_a_small_lag_is_none(start: Start) -> None:
    lagging, current = ScriptedChain(), ScriptedChain()
    current.mine(3)
    chain, notes = start(lagging, current)
    assert chain.head()[0] == 0 and not notes


def test_when_none_is_left_all_are_named(start: Start) -> None:
    with pytest.raises(Unreachable) as caught:
        start(DEAD, lambda *_: (429, b""), lambda *_: result("0x1"))
    text = str(caught.value)
    assert "endpoint 1 of 3 cannot be reached" in text and "endpoint 2 of 3 limits our requests" in text
    assert "endpoint 3 of 3 serves chain 1" in text and "access-key" not in text


def test_when_all_are_of_another_chain(start: Start) -> None:
    with pytest.raises(WrongChain) as caught:
        start(lambda *_: result("0x1"), lambda *_: result("0x1"))
    assert (caught.value.expected, caught.value.actual) == (CHAIN_ID, 1)


def test_resting_endpoints_are_asked_when_no_other_answers(start: Start) -> None:
    """Both fail once; the next question goes to them all the same."""
    one, other = ScriptedChain(), ScriptedChain()
    chain, _ = start(one, other)
    for scripted in (one, other):
        scripted.faults["eth_getBalance"] = OSError()
    with pytest.raises(NetworkError):
        chain.require_funds("0x" + "11" * 20, 1)
    for scripted in (one, other):
        scripted.faults.clear()
    chain.require_funds("0x" + "11" * 20, 1)


def test_sending_goes_to_all_and_one_is_enough(start: Start, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    raw = _signed(desk)
    one, other = ScriptedChain(), ScriptedChain(balance=0)
    chain, _ = start(other, DEAD, one)
    chain.send(raw)
    assert one.submissions == other.submissions == [raw]
    with pytest.raises(NetworkError, match="insufficient funds"):
        start(other, ScriptedChain(balance=0))[0].send(raw)


def test_a_transaction_that_one_endpoint_does_not_know(start: Start, tmp_path: Path) -> None:
    """Before it counts as lost, all endpoints are asked."""
    raw = _signed(Desk(tmp_path))
    ignorant, knowing = ScriptedChain(), ScriptedChain()
    knowing.send_raw_transaction("0x" + raw.hex())
    (sent,) = knowing.pool.values()
    chain, _ = start(ignorant, knowing)
    assert chain.knows(sent.hash) and chain.receipt(sent.hash) is None and not chain.knows(b"\x01" * 32)
    knowing.mine()
    assert chain.receipt(sent.hash) is not None


def test_a_publication_over_failing_endpoints(start: Start, tmp_path: Path) -> None:
    """Two endpoints of one chain die in turn; the publisher notices nothing but the notes."""
    scripted = ScriptedChain()
    down = [False, False]

    def endpoint(number: int) -> Handler:
        def answer(method: str, params: list[Any]) -> bytes | tuple[int, bytes]:
            return (503, b"") if down[number] else json.dumps(response(scripted, method, params)).encode()

        return answer

    with served(endpoint(0)) as first, served(endpoint(1)) as second:
        network = replace_fields(NETWORK, rpc_url=None, rpc_urls=[first, second])
        notes: list[str] = []

        def script(number: int) -> None:
            down[:] = [number % 2 == 1, number % 2 == 0]
            scripted.mine()

        desk = Desk(tmp_path, scripted, network, provider=Endpoints.of(network, notes.append), script=script)
        desk.publisher().publish(submission())
    assert len(scripted.recorded) == 1 and len(notes) == 2


def _signed(desk: Desk) -> bytes:
    """Bytes that a publisher signed and sent to a chain that is gone."""

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    desk.script = stop
    with pytest.raises(KeyboardInterrupt):
        desk.publisher().publish(submission())
    return desk.scripted.submissions[0]


def test_a_single_endpoint_is_called_the_node(start: Start) -> None:
    with pytest.raises(NetworkError, match="the node limits our requests") as caught:
        start(lambda *_: (429, b""))
    assert "access-key" not in str(caught.value)
