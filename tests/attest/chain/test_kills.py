"""The publisher's process, killed with SIGKILL at every step and at random moments, against anvil.

Blocks come at irregular moments, some are reorganised, and waiting transactions are replaced soon. PROOFOLIO_KILLS sets
the number of random kills.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from attest.chain import Chain, Identity, Journal, LocalSigner, Network, Publisher, Record, State, load_network
from tests.attest.chain.postgresql import cluster
from tests.attest.chain.scripted import FUND_ADDRESS, KEY, OnceRegistry, replace_fields, submission
from tests.contracts.anvil import anvil, rpc

KILLS = int(os.environ.get("PROOFOLIO_KILLS", "12"))
EXPIRY = 4_000_000_000
CONFIRMATIONS = 3
SENDER = LocalSigner(KEY).address
LONGEST_RUN_SECONDS = 120.0

CONTRACT, ONCE = "0x" + "c1" * 20, "0x600035805460165760019055600154600101600155005b600080fd"
"""Its code reverts where storage[x] is set, for a call with x; else sets it and adds one to storage[1]."""

pytestmark = pytest.mark.evm
_epochs = count(1)


def child(work: Callable[[], object]) -> int:
    """Fork. The child does the work and nothing else, and ends with 0 when it came to its end."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(process: int, seconds: float = LONGEST_RUN_SECONDS) -> int | None:
    """How a child ended: its code, or minus the signal; None while it runs."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            return None
        time.sleep(0.002)


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def mine(url: str) -> None:
    """Blocks at irregular moments; now and then one less deep than final is exchanged."""
    moments = random.Random(7)
    for number in count(1):
        time.sleep(moments.choice((0.01, 0.02, 0.05, 0.1)))
        rpc(url, "evm_mine")
        if number % 8 == 0:
            rpc(url, "anvil_reorg", moments.randint(1, CONFIRMATIONS - 1), [])


@dataclass
class Site:
    """A chain with the contract, and a journal.

    Args:
        place: of the journal, a file or a URL; miner: the process that makes the blocks.
        notes: file of what the publishers report.
    """

    network: Network
    contract: str
    place: str
    miner: int
    notes: Path

    def publisher(self, bump_seconds: float) -> Publisher:
        """As a new process."""
        chain = Chain.connect(replace_fields(self.network, bump_seconds=bump_seconds))
        return Publisher(OnceRegistry(chain, self.contract), Journal(self.place), LocalSigner(KEY), self.note)

    def note(self, text: str) -> None:
        with self.notes.open("a") as file:
            file.write(text + "\n")

    def publish(self, epoch: int, bump_seconds: float = 0.05) -> None:
        self.publisher(bump_seconds).publish(submission(epoch, expiry=EXPIRY))

    def record(self, epoch: int) -> Record | None:
        identity = Identity(self.network.chain_id, self.contract, FUND_ADDRESS, b"\x01" * 32, epoch)
        return Journal(self.place).find(identity)

    def state(self, epoch: int) -> str:
        record = self.record(epoch)
        return "nothing" if record is None else str(record.state)

    def counter(self) -> int:
        return int(rpc(str(self.network.rpc_url), "eth_getStorageAt", self.contract, "0x1", "latest"), 16)

    def check(self, epochs: list[int], nonces_before: int) -> None:
        """Each epoch is recorded by exactly one transaction, and there were no others."""
        chain = Chain.connect(self.network)
        for epoch in epochs:
            record = self.record(epoch)
            assert record is not None and record.state is State.FINAL
            assert {variant.signed.nonce for variant in record.variants} == {record.nonce}
            receipts = [chain.receipt(variant.signed.hash) for variant in record.variants]
            assert [r.succeeded for r in receipts if r is not None] == [True]
        assert self.counter() == len(epochs)
        assert chain.nonce(SENDER) == nonces_before + len(epochs)


@contextmanager
def site(folder: Path, place: str | None = None) -> Iterator[Site]:
    """With the journal in the folder, or at the place."""
    with anvil("--no-mining") as url:
        miner = child(lambda: mine(url))
        try:
            rpc(url, "anvil_setBalance", SENDER, hex(10**20))
            network = load_network("anvil").model_copy(
                update={"rpc_url": url, "confirmations": CONFIRMATIONS, "poll_seconds": 0.02, "timeout_seconds": 60.0}
            )
            rpc(url, "anvil_setCode", CONTRACT, ONCE)
            yield Site(network, CONTRACT, place or str(folder / "journal.sqlite"), miner, folder / "notes")
        finally:
            kill(miner)


@pytest.fixture(scope="module")
def stepping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("kills")) as made:
        yield made


STEPS = [
    *((Journal, name) for name in ("prepare", "sign", "sent", "replace", "mined", "final")),
    (LocalSigner, "sign"),
    (Chain, "send"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[f"{o.__name__}.{n}" for o, n in STEPS])
def test_killed_at_a_transition(stepping: Site, owner: type, name: str, moment: str) -> None:
    epoch, counted = next(_epochs), stepping.counter()
    nonces = Chain.connect(stepping.network).nonce(SENDER)
    bump_seconds = 0.001 if name == "replace" else 60.0
    method = getattr(owner, name)

    def last(*args: Any, **kwargs: Any) -> Any:
        if moment == "after":
            method(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        setattr(owner, name, last)  # in this process alone
        stepping.publish(epoch, bump_seconds)

    if name == "replace":
        os.kill(stepping.miner, signal.SIGSTOP)  # or it would be mined before it is stuck
    try:
        assert ended(child(work)) == -signal.SIGKILL
    finally:
        os.kill(stepping.miner, signal.SIGCONT)
    first = stepping.record(epoch)
    assert ended(child(lambda: stepping.publish(epoch))) == 0
    record = stepping.record(epoch)
    assert record is not None and record.state is State.FINAL
    if first is not None:
        assert record.variants[: len(first.variants)] == first.variants
    assert stepping.counter() == counted + 1
    assert Chain.connect(stepping.network).nonce(SENDER) == nonces + 1


def kill_at_random(place: Site, kills: int, seed: int) -> Counter[str]:
    """Returns: in which states the process died."""
    moments, died, epochs, seconds = random.Random(seed), Counter[str](), [], 0.5
    while died.total() < kills:
        epoch = len(epochs) + 1
        epochs.append(epoch)

        def work(epoch: int = epoch) -> None:
            place.publish(epoch)

        code = None
        while code is None and died.total() < kills:
            process = child(work)
            code = ended(process, moments.uniform(0, 1.5 * seconds))
            if code is None:
                kill(process)
                died[place.state(epoch)] += 1
                if moments.random() < 0.5:
                    break
        started = time.monotonic()
        assert code in (None, 0) and ended(child(work)) == 0
        seconds = 0.8 * seconds + 0.2 * (time.monotonic() - started)
    place.check(epochs, 0)
    replaced = sum(len(record.variants) > 1 for record in map(place.record, epochs) if record is not None)
    again = place.notes.read_text().count("no longer part of the chain") if place.notes.exists() else 0
    print(f"{died.total()} kills, {dict(died)}; {len(epochs)} submissions, {replaced} replaced, {again} reorganised")
    return died


def test_killed_at_random(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        assert kill_at_random(place, KILLS, 1).total() == KILLS


def test_killed_at_random_with_the_journal_in_postgresql(tmp_path: Path) -> None:
    with cluster() as url, site(tmp_path, url) as place:
        assert kill_at_random(place, max(KILLS // 4, 3), 2).total() == max(KILLS // 4, 3)
