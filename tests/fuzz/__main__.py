"""Fuzzing of every parser with atheris: `python -m tests.fuzz [--seconds N] [--target NAME]`.

Each target runs in a process of its own, where libFuzzer ends it. A crash is an undeclared error, an input that is
accepted and written back otherwise, ten seconds, or two gigabytes; its input is kept in out/fuzz and can be given
again: `python -m tests.fuzz --target NAME --replay out/fuzz/NAME-crash-...`.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = ROOT / "out" / "fuzz"
CRASHED, UNABLE = 1, 2
LONGEST = 1 << 16
"""Bytes of an input."""
LIMITS = (f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1")
IMPORT_SECONDS = 120
BUILT_IN_SHARE = 0.3
"""Of mutations left to libFuzzer, which knows which bytes were compared with what."""


@dataclass(frozen=True)
class Outcome:
    """Args: coverage: edges beyond those of the seeds."""

    name: str
    executions: int
    coverage: int
    crashes: int
    said: str


def child(name: str, arguments: Sequence[str]) -> None:
    """Hand over to libFuzzer, which ends the process."""
    import atheris

    with atheris.instrument_imports(include=["attest", "optimizer", "proofolio"]):
        from tests.fuzz.targets import TARGETS
    from tests.fuzz.mutation import mutate

    target = TARGETS[name]

    def once(data: bytes) -> None:
        target.run(data)

    def mutator(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < BUILT_IN_SHARE:
            return bytes(atheris.Mutate(data, len(data)))
        return mutate(data, rng)[:max_size]

    atheris.Setup([name, *arguments], once, custom_mutator=mutator)
    atheris.Fuzz()


def fuzz(name: str, seconds: int) -> Outcome:
    """One target for some seconds, from its seeds."""
    from tests.fuzz.targets import TARGETS

    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        corpus = Path(scratch) / "corpus"
        corpus.mkdir()
        for i, seed in enumerate(TARGETS[name].seeds()):
            (corpus / f"seed-{i}").write_bytes(seed)
        for old in OUT.glob(f"{name}-*-*"):
            old.unlink()
        options = [*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={OUT}/{name}-", str(corpus)]
        command = [sys.executable, "-m", "tests.fuzz", "--child", name, *options]
        environment = {**os.environ, "TMPDIR": scratch}
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, timeout=seconds + IMPORT_SECONDS, check=False
            )
            output, code = done.stdout + done.stderr, done.returncode
        except subprocess.TimeoutExpired as stopped:
            output, code = (stopped.stdout or b"") + (stopped.stderr or b"") + b"\nit did not end\n", CRASHED
    log = output.decode("utf-8", "replace")
    (OUT / f"{name}.log").write_text(log, encoding="utf-8")
    return outcome(name, code, log)


def outcome(name: str, code: int, log: str) -> Outcome:
    """What libFuzzer's output says."""
    covered = [int(found) for found in re.findall(r"cov: (\d+)", log)]
    executed = re.search(r"stat::number_of_executed_units:\s+(\d+)", log)
    crashed = int(code != 0)
    if executed is None and not crashed:
        crashed, log = 1, "libFuzzer gave no statistics"
    reason = re.search(r"^ === Uncaught Python exception: ===\n(.*)$|^==\d+== ?(ERROR: .*)$", log, re.MULTILINE)
    said = (
        (reason[1] or reason[2] if reason else log.strip().splitlines()[-1] if log.strip() else "") if crashed else ""
    )
    growth = covered[-1] - covered[0] if covered else 0
    return Outcome(name, int(executed[1]) if executed else 0, growth, crashed, said[:120])


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["--child"]:
        child(arguments[1], arguments[2:])
        return 0
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--target", action="append", help="only this one; once for each")
    parser.add_argument("--replay", type=Path, help="run one target on the input in this file")
    options = parser.parse_args(arguments)
    from tests.fuzz.targets import TARGETS

    names = options.target or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no target is called {min(unknown)}; there are {', '.join(TARGETS)}")
    if options.replay is not None:
        accepted = [TARGETS[name].run(options.replay.read_bytes()) for name in names]
        print(", ".join(f"{name}: {'accepted' if ok else 'refused'}" for name, ok in zip(names, accepted, strict=True)))
        return 0
    if find_spec("atheris") is None:
        print("atheris is not installed: it exists for Linux on x86_64; nothing was fuzzed", file=sys.stderr)
        return UNABLE
    OUT.mkdir(parents=True, exist_ok=True)
    start, outcomes = time.monotonic(), []
    for name in names:
        found = fuzz(name, options.seconds)
        outcomes.append(found)
        crashes = "1 crash: " + found.said if found.crashes else "no crash"
        print(f"{name:18} {found.executions:9,} executions {found.coverage:5} new edges  {crashes}", flush=True)
    crashed = sum(found.crashes for found in outcomes)
    executions = sum(found.executions for found in outcomes)
    took = time.monotonic() - start
    print(f"{len(outcomes)} parsers, {executions:,} executions, {crashed} crashes, in {took:.0f} s; inputs in out/fuzz")
    return CRASHED if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
