"""What a proof costs: key, proving, verification, size and memory, beside the ten MSMs that they are held to.

Every size runs in a process of its own, so that peak memory is its own. Run it by `make bench`, or as
`python -m benchmarks.proof [assets ...]`. The table goes to the screen, every figure to out/bench/proof.json.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TypeVar

from py_arkworks_bls12381 import G1Point
from rich.console import Console
from rich.table import Table

from attest import Setup, build_statement, load_setup, prove
from attest.curve import scalar
from attest.field import random_scalars
from attest.verifier import verify
from benchmarks.fund import CONTEXT, committed, diversified_lots, risk_policy, synthetic_market
from optimizer.policy import compile_policy

ASSETS = 50
SCENARIOS = 250
SCALING = (10, 25, 50, 100, 250)
THREADS = 2
PROOFS = 5
VERIFICATIONS = 21
MSM_COUNT = 10
RESULTS = Path("out/bench/proof.json")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One size in one process; times in seconds of wall clock.

    Args:
        msms_s: ten sequential full-width 4096-point MSMs on one thread, without the conversion of their scalars.
        prove_s, prove_one_thread_s: median of PROOFS proofs on THREADS threads and on one.
        ratio: prove_s over msms_s.
        verify_s: median of VERIFICATIONS verifications.
        peak_memory_mb: of the whole process, imports and setup included.
    """

    assets: int
    scenarios: int
    slots: int
    rows: int
    packing: int
    setup_s: float
    compile_s: float
    key_s: float
    msms_s: float
    prove_s: float
    prove_all_s: list[float]
    prove_one_thread_s: float
    ratio: float
    verify_s: float
    proof_bytes: int
    peak_memory_mb: float


T = TypeVar("T")


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """Seconds of wall clock and the result."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def ten_msms(setup: Setup) -> Callable[[], None]:
    """The yardstick: ten MSMs over all Lagrange points, scalars full-width and converted beforehand."""
    points = list(setup.lagrange)
    columns = [[scalar(x) for x in random_scalars(len(points))] for _ in range(MSM_COUNT)]

    def run() -> None:
        for column in columns:
            G1Point.multiexp_unchecked(points, column)

    return run


def measure(assets: int, scenarios: int) -> Measurement:
    """Compile, key, prove and verify one synthetic fund."""
    setup_s, setup = timed(load_setup)
    market = synthetic_market(assets, scenarios)
    compile_s, compiled = timed(lambda: compile_policy(risk_policy(market), market))
    lots = diversified_lots(compiled)
    aux = compiled.aux_values(lots)
    holdings, sources = committed(compiled, lots, setup)
    key_s, statement = timed(
        lambda: build_statement(
            compiled.program,
            setup,
            layout=compiled.layout,
            policy_hash=compiled.policy_hash,
            market_hash=compiled.market_hash,
            threads=THREADS,
        )
    )

    def attempt(threads: int) -> Callable[[], bytes]:
        return lambda: prove(setup, statement, CONTEXT, holdings, sources, aux, threads=threads)

    yardstick = ten_msms(setup)
    msms, proving, one_thread, proof = [], [], [], b""
    for _ in range(PROOFS):
        # Interleaved, so that a change in the machine's load meets both sides of the ratio.
        msms.append(timed(yardstick)[0])
        seconds, proof = timed(attempt(THREADS))
        proving.append(seconds)
        one_thread.append(timed(attempt(1))[0])
    verifying = [timed(lambda: verify(setup, statement.key, CONTEXT, sources, proof))[0] for _ in range(VERIFICATIONS)]
    return Measurement(
        assets=assets,
        scenarios=scenarios,
        slots=compiled.layout.size,
        rows=len(compiled.program.rows),
        packing=statement.key.parameters.packing,
        setup_s=setup_s,
        compile_s=compile_s,
        key_s=key_s,
        msms_s=median(msms),
        prove_s=median(proving),
        prove_all_s=proving,
        prove_one_thread_s=median(one_thread),
        ratio=median(proving) / median(msms),
        verify_s=median(verifying),
        proof_bytes=len(proof),
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def in_own_process(assets: int, scenarios: int) -> Measurement:
    """The measurement of a fresh interpreter."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, assets, scenarios).result()


def machine() -> dict[str, object]:
    """Processor, cores, interpreter, commit and load, for the record."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=False
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "commit": described.stdout.strip() or "unknown",
        "load_average_1min": os.getloadavg()[0],
    }


def summary(result: Measurement) -> Table:
    """The figures of the 50-asset proof beside their targets."""
    table = Table(
        title=f"{result.assets} assets, {result.scenarios} scenarios, {result.rows} rows, B = {result.packing}"
    )
    for column in ("figure", "measured", "target"):
        table.add_column(column)
    table.add_row("ten 4096-point MSMs, one thread", f"{result.msms_s:.3f} s", "")
    table.add_row("statement key", f"{result.key_s:.3f} s", "≤ 1 s")
    table.add_row(f"proving, {THREADS} threads (median of {PROOFS})", f"{result.prove_s:.3f} s", "")
    table.add_row("proving, in units of the ten MSMs", f"{result.ratio:.2f}", "≤ 2")
    table.add_row("proving, one thread", f"{result.prove_one_thread_s:.3f} s", "")
    table.add_row("verification", f"{1000 * result.verify_s:.2f} ms", "≤ 10 ms")
    table.add_row("proof", f"{result.proof_bytes} bytes", "≤ 3500 bytes")
    table.add_row("peak memory", f"{result.peak_memory_mb:.0f} MB", "< 1000 MB")
    table.add_row("ceremony, once a process", f"{result.setup_s:.2f} s", "")
    table.add_row("compiling the policy", f"{result.compile_s:.2f} s", "")
    return table


def scaling(results: list[Measurement]) -> Table:
    """The same by number of assets."""
    table = Table(title="by number of assets")
    for column in ("assets", "rows", "B", "compile s", "key s", "prove s", "ratio", "verify ms", "bytes", "MB"):
        table.add_column(column, justify="right")
    for r in results:
        table.add_row(
            str(r.assets),
            str(r.rows),
            str(r.packing),
            f"{r.compile_s:.2f}",
            f"{r.key_s:.2f}",
            f"{r.prove_s:.2f}",
            f"{r.ratio:.2f}",
            f"{1000 * r.verify_s:.1f}",
            str(r.proof_bytes),
            f"{r.peak_memory_mb:.0f}",
        )
    return table


def main(arguments: list[str]) -> None:
    """Measure the sizes named on the command line, or all."""
    console = Console()
    results = []
    for assets in [int(a) for a in arguments] or SCALING:
        console.print(f"measuring {assets} assets, {SCENARIOS} scenarios …")
        results.append(in_own_process(assets, SCENARIOS))
    for result in results:
        if result.assets == ASSETS:
            console.print(summary(result))
    console.print(scaling(results))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(
        json.dumps({"machine": machine(), "measurements": [asdict(r) for r in results]}, indent=2) + "\n"
    )
    console.print(f"written to {RESULTS}")


if __name__ == "__main__":
    main(sys.argv[1:])
