"""A million accounts, by the commands a fund and its investors type: from a list to a check against a chain.

Reads the accounts, is killed half-way through committing and half-way through proving and goes on both times, has the
book verified, enters its total into a solvency proof, publishes book root and proof on anvil, and lets investors
chosen at random check that they are counted, offline and by the contract. Run it by `make million`, or as
`python -m benchmarks.million [accounts [investors]]`. It needs anvil from `contracts/node_modules`.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from web3 import Web3

from benchmarks.liabilities import PeakMemory, write_accounts
from benchmarks.proof import machine
from optimizer import sample_market

ANVIL = Path(__file__).parents[1] / "contracts" / "node_modules" / ".bin" / "anvil"
CLAIM = "claim-USD"
PARTIES = ("owner", "fund", "custodian", "administrator")
POLICY = {
    "version": "1",
    "name": "investors are covered",
    "nav_floor_usd": "1000000",
    "gross_cap_usd": "20000000000",
    "rounding_tolerance": "0.000001",
    "sources": [
        {"name": "custodian", "role": "custodian", "instruments": ["USD"]},
        {"name": "administrator", "role": "liability_book", "instruments": [CLAIM]},
    ],
    "constraints": [{"kind": "solvency", "margin_usd": "1000000"}],
}
MOST_DOLLARS = 10_000
"""No account holds more."""
console = Console(highlight=False)


class Run:
    """The commands in one folder, each with its time."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "networks.toml").write_text(f'[networks.anvil]\nrpc_url = "{url}"\n')
        networks = {"PROOFOLIO_NETWORKS": str(folder / "networks.toml")}
        self.environment = os.environ | networks | {"PROOFOLIO_PASSWORD": "a password of the benchmark"}

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "proofolio", *arguments]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, start_new_session=True, **pipes)

    def __call__(self, line: str) -> str:
        """Run one command line; what it printed."""
        started = time.perf_counter()
        process = self._start(*line.split())
        printed, _ = process.communicate()
        if process.returncode != 0:
            sys.exit(f"proofolio {line}\n{printed}")
        console.print(f"{time.perf_counter() - started:8.1f} s  proofolio {line}", soft_wrap=True)
        return printed

    def killed(self, line: str, suffix: str, count: int) -> None:
        """Run a command line and kill it, workers and all, when so many files of chunks are there."""
        started = time.perf_counter()
        process = self._start(*line.split())
        chunks = self.folder / "book" / "chunks"
        while len(list(chunks.glob(f"*.{suffix}"))) < count:
            if process.poll() is not None:
                sys.exit(f"proofolio {line}\nended before it was killed")
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = len(list(chunks.glob(f"*.{suffix}")))
        took = time.perf_counter() - started
        console.print(f"{took:8.1f} s  proofolio {line}   killed with {done} {suffix}", soft_wrap=True)


@contextmanager
def anvil() -> Iterator[str]:
    """A fresh chain on the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(ANVIL), "--host", "127.0.0.1", "--port", str(port), "--hardfork", "prague", "--silent"]
    process = subprocess.Popen(command)
    try:
        web3 = Web3(Web3.HTTPProvider(f"http://127.0.0.1:{port}"))
        while not web3.is_connected():
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def write_inputs(run: Run, url: str, accounts: int) -> None:
    """Accounts, market with their claims, policy, the custodian's dollars, funded keys, contracts and terms."""
    folder = run.folder
    write_accounts(folder / "accounts.csv", accounts, most=MOST_DOLLARS)
    market = sample_market()
    debt = market.instrument("borrow-USD")
    claim = {"id": CLAIM, "kind": "claim", "account": None, "protocol": None, "lot": "0.01"}
    returns = dict(market.scenarios.returns) | {CLAIM: market.scenarios.returns["USD"]}
    fields = {
        "instruments": (*market.instruments, type(debt).model_validate(debt.model_dump() | claim)),
        "scenarios": market.scenarios.model_copy(update={"returns": returns}),
        "risk_model": None,
        "betas": {},
    }
    market.model_copy(update=fields).save(folder / "market.json")
    (folder / "policy.json").write_text(json.dumps(POLICY))
    dollars = str(accounts * MOST_DOLLARS)
    holdings = {"custodian": {"USD": dollars}, "administrator": {CLAIM: "0"}}
    (folder / "holdings.json").write_text(json.dumps({"version": "1", "as_of": str(market.as_of), "sources": holdings}))
    addresses = {}
    web3 = Web3(Web3.HTTPProvider(url))
    for party in PARTIES:
        run(f"keystore {party}.keystore")
        addresses[party] = Web3.to_checksum_address(json.loads((folder / f"{party}.keystore").read_text())["address"])
        web3.provider.make_request("anvil_setBalance", [addresses[party], hex(10**20)])  # type: ignore[arg-type]
    run("deploy --network anvil --keystore owner.keystore --out deployment.json")
    terms = {
        "version": "1",
        "chain_id": 31337,
        "registry": json.loads((folder / "deployment.json").read_text())["registry"],
        "fund": addresses["fund"],
        "policy_owner": addresses["owner"],
        "signers": {name: addresses[name] for name in ("custodian", "administrator")},
    }
    (folder / "fund.json").write_text(json.dumps(terms))
    run("register --fund fund.json --network anvil --keystore fund.keystore")
    run(f"approve {PUBLIC} --epoch 1 --network anvil --keystore owner.keystore")


PUBLIC = "--market market.json --policy policy.json --fund fund.json"
SOURCES = " ".join(f"--source {s}.source.json --opening {s}.opening.json" for s in ("custodian", "administrator"))


def make_book(run: Run) -> None:
    """Read, commit and prove, killed twice on the way."""
    run(f"liabilities prepare accounts.csv {PUBLIC} --epoch 1 --work book")
    chunks = -(-sum(1 for _ in (run.folder / "accounts.csv").open()) // 4088)
    proving = "liabilities prove --work book"
    run.killed(proving, "commitments", chunks // 2)
    run.killed(proving, "proofs", chunks // 2)
    run(proving)
    run(f"liabilities sign --work book {PUBLIC} --keystore administrator.keystore")


def attest(run: Run) -> None:
    """The solvency proof with the book's total, verified and published, the root before it."""
    run(f"commit {PUBLIC} --holdings holdings.json --source custodian --epoch 1 --keystore custodian.keystore")
    run(f"prove {PUBLIC} {SOURCES} --book book/book.json --out bundle.json")
    run("liabilities verify book/book.json --source administrator.source.json")
    run(f"verify bundle.json {PUBLIC} --book book/book.json")
    run("liabilities publish book/book.json --fund fund.json --network anvil --keystore fund.keystore")
    run(f"publish bundle.json {PUBLIC} --network anvil --keystore fund.keystore")
    console.print(run("status --policy policy.json --fund fund.json --network anvil").strip())


def check_investors(run: Run, count: int) -> None:
    """Each gets a file and checks it, on their own and by the contract."""
    with (run.folder / "accounts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in Random(len(rows)).sample(rows, count):
        account, nonce = row["account"], row["nonce"]
        run(f"liabilities inclusion --work book --account {account} --out mine.json")
        checking = "liabilities check mine.json --fund fund.json --network anvil --on-chain"
        printed = run(f"{checking} --account {account} --nonce {nonce}")
        if str(float(row[CLAIM])).removesuffix(".0") not in printed:
            sys.exit(f"another balance than {row[CLAIM]}:\n{printed}")
        (run.folder / "mine.json").unlink()


def main(arguments: list[str]) -> None:
    accounts, investors = (int(x) for x in (*arguments, *("1000000", "20")[len(arguments) :]))
    console.print(f"{accounts:,} accounts, {machine()}", soft_wrap=True)
    memory = PeakMemory()
    memory.start()
    started = time.perf_counter()
    with anvil() as url, tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), url)
        write_inputs(run, url, accounts)
        make_book(run)
        attest(run)
        check_investors(run, investors)
    console.print(f"{investors} investors are counted; {time.perf_counter() - started:.0f} s, {memory.stop():.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
