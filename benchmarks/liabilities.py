"""What a liability book costs: reading accounts, committing, proving, verifying, and inclusion.

Every size is made in a directory of its own and thrown away. Run it by `make bench-liabilities`, or as
`python -m benchmarks.liabilities [accounts ...]`; with `--cluster` also on one and on two local Dask workers. The table
goes to the screen, every figure to out/bench/liabilities.json.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from attest import load_setup
from attest.liabilities import (
    Account,
    BookFile,
    BookSource,
    ClaimsSlot,
    Workdir,
    Workers,
    check_inclusion,
    read_accounts,
)
from attest.liabilities.inclusion import open_entry
from benchmarks.fund import FUND
from benchmarks.proof import machine, timed

ACCOUNTS = (4_000, 100_000, 1_000_000)
CLUSTER_CHUNKS = 16
SOURCE = BookSource(FUND, 1, "administrator", (ClaimsSlot(1, "claim-USD", Decimal("0.01")),))
RESULTS = Path("out/bench/liabilities.json")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One book; times in seconds of wall clock.

    Args:
        prove_s: committing included; total_s: from the CSV file to the published one.
        peak_memory_mb: of this process and its workers together, shared pages counted once.
        load_s: reading a chunk so that accounts in it can be opened; inclusion_s: one proof then; check_s: its check.
    """

    accounts: int
    chunks: int
    prepare_s: float
    commit_s: float
    prove_s: float
    total_s: float
    verify_s: float
    load_s: float
    inclusion_s: float
    check_s: float
    book_bytes: int
    proof_bytes: int
    peak_memory_mb: float


class PeakMemory(threading.Thread):
    """Proportional set sizes of this process and its children, sampled (Linux)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_kb = 0
        self._stop_now = threading.Event()

    def run(self) -> None:
        while not self._stop_now.wait(0.5):
            self.peak_kb = max(self.peak_kb, sum(_pss_kb(pid) for pid in _family(os.getpid())))

    def stop(self) -> float:
        """The peak so far, MB."""
        self._stop_now.set()
        self.join()
        return self.peak_kb / 1024


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def write_accounts(path: Path, count: int, most: int = 1_000_000) -> None:
    """Synthetic accounts of less than so many dollars, with a fixed seed."""
    random = Random(count)
    with path.open("w") as file:
        file.write("account,nonce,claim-USD\n")
        for i in range(count):
            file.write(f"user-{i}@example.org,{random.randrange(10**12)},{random.randrange(100 * most) / 100:.2f}\n")


def measure(count: int) -> Measurement:
    """Make, publish, load, verify and open one book."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        write_accounts(path / "accounts.csv", count)
        memory = PeakMemory()
        memory.start()
        started = time.perf_counter()
        read = read_accounts(path / "accounts.csv", SOURCE.columns)
        prepare_s, work = timed(lambda: Workdir.create(path / "w", SOURCE, read))
        commit_s, _ = timed(lambda: work.commit(Workers()))
        proving_s, _ = timed(lambda: work.prove(Workers()))
        work.book().save(path / "book.json")
        total_s = time.perf_counter() - started
        peak = memory.stop()
        setup = load_setup()
        registered = work.opening().commitment(setup)
        book = BookFile.load(path / "book.json")
        verify_s, _ = timed(lambda: book.verify(setup, registered))
        work.inclusion("user-0@example.org")
        located = work.ledger.find("user-7@example.org")
        load_s, opener = timed(lambda: work.opener(located.chunk))
        inclusion_s, _ = timed(lambda: open_entry(setup, opener.polynomials, located.entry_index))
        file = work.inclusion("user-7@example.org")
        check_s, _ = timed(lambda: check_inclusion(setup, file.terms, book.root, file.key, file.inclusion()))
        return Measurement(
            accounts=count,
            chunks=work.terms.count,
            prepare_s=prepare_s,
            commit_s=commit_s,
            prove_s=commit_s + proving_s,
            total_s=total_s,
            verify_s=verify_s,
            load_s=load_s,
            inclusion_s=inclusion_s,
            check_s=check_s,
            book_bytes=(path / "book.json").stat().st_size,
            proof_bytes=sum(len(proof) for chunk in book.chunks for proof in chunk.proofs),
            peak_memory_mb=peak,
        )


def on_cluster(workers: int) -> float:
    """Seconds to prove the same chunks on local Dask workers, each a process with one thread."""
    from distributed import LocalCluster  # noqa: PLC0415 - an extra

    with tempfile.TemporaryDirectory() as folder:
        accounts = [Account(i, f"user-{i}", "", (i,)) for i in range(30)]
        work = Workdir.create(Path(folder) / "w", SOURCE, accounts, least_chunks=CLUSTER_CHUNKS)
        options = {"host": "127.0.0.1", "dashboard_address": None, "local_directory": folder}
        with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **options) as cluster:
            work.commit(Workers(scheduler=cluster.scheduler_address))  # every worker reads the ceremony here
            return timed(lambda: work.prove(Workers(scheduler=cluster.scheduler_address)))[0]


def summary(results: list[Measurement]) -> Table:
    """All sizes, a line each."""
    table = Table(title="liability books, one currency")
    names = ("accounts", "chunks", "read", "commit", "prove", "in all", "verify", "load", "inclusion", "check, ms")
    for column in (*names, "KB", "MB"):
        table.add_column(column, justify="right", no_wrap=True)
    for r in results:
        times = (r.prepare_s, r.commit_s, r.prove_s, r.total_s, r.verify_s, r.load_s, r.inclusion_s)
        table.add_row(
            f"{r.accounts:,}",
            str(r.chunks),
            *(f"{seconds:.2f}" for seconds in times),
            f"{1000 * r.check_s:.1f}",
            f"{r.book_bytes / 1000:.0f}",
            f"{r.peak_memory_mb:.0f}",
        )
    return table


def main(arguments: list[str]) -> None:
    """Measure the sizes named on the command line, or all."""
    console = Console()
    record: dict[str, object] = {"machine": machine()}
    results = []
    for count in [int(a) for a in arguments if a.isdigit()] or ACCOUNTS:
        console.print(f"measuring {count:,} accounts …")
        results.append(measure(count))
    console.print(summary(results))
    record["measurements"] = [asdict(r) for r in results]
    if "--cluster" in arguments:
        one, two = on_cluster(1), on_cluster(2)
        console.print(
            f"{CLUSTER_CHUNKS} chunks on one Dask worker {one:.1f} s, on two {two:.1f} s: {one / two:.2f} times"
        )
        record["cluster"] = {"chunks": CLUSTER_CHUNKS, "one_worker_s": one, "two_workers_s": two}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=2) + "\n")
    console.print(f"written to {RESULTS}")


if __name__ == "__main__":
    main(sys.argv[1:])
