"""Everything that the proof system is put through, as one table: `python -m tests.assurance [--quick]`.

Two steps run at a time. Each writes its whole output to out/assurance, and its last line is what the table shows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = Path("out/assurance")
LANES = 2
FORGE = "contracts/node_modules/.bin/forge"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the table.

    Args:
        command, quick: the arguments after `python -m`; quick None: left out of the subset.
        whole: environment of the whole run.
    """

    name: str
    command: tuple[str, ...]
    quick: tuple[str, ...] | None
    whole: tuple[tuple[str, str], ...] = ()


def tests(*paths: str) -> tuple[str, ...]:
    return ("pytest", "-p", "no:cacheprovider", *paths)


def mutants(*files: str) -> tuple[str, ...]:
    """Args: files: and options."""
    return ("tests.mutation", *files, "--processes", "1")


PARSING = ("attest/proof.py", "attest/curve.py", "attest/kzg.py")
BOOKS = tuple(f"attest/liabilities/{module}.py" for module in ("verifier", "inclusion", "reference"))
AGREEMENT = ("tests.assurance.agreement", "--processes", "1", "--count")
ATTACKS = tests(
    "tests/attest/attacks",
    "tests/attest/liabilities/test_attacks.py",
    "tests/attest/liabilities/test_checks.py",
    "tests/attest/liabilities/test_reference.py",
    "tests/attest/liabilities/test_zero_divisors.py",
    "tests/attest/test_attestation.py",
    "tests/attest/test_curve.py",
    "tests/attest/test_kzg.py",
    "tests/attest/test_program.py",
    "tests/optimizer/policies/test_market_risk.py",
    "tests/optimizer/test_policy_breaks.py",
    "tests/test_assurance_page.py",
)
VECTORS = tests("tests/vectors")
ZERO_KNOWLEDGE = tests("tests/attest/test_zero_knowledge.py", "tests/attest/test_representation.py")
DAMAGE = tests(
    "tests/attest/test_completeness.py",
    "tests/attest/test_damage.py",
    "tests/attest/test_public_slots.py",
    "tests/attest/liabilities/test_book.py",
)

STEPS = (
    Step("mutants of the reference", mutants("attest/reference.py"), None),
    Step("mutants of the verifier contracts", mutants("verifiers"), None),
    Step("contracts: fuzz and invariants", tests("tests/contracts"), None),
    Step("three verifiers on random damage", (*AGREEMENT, "1000"), (*AGREEMENT, "40")),
    Step("named attacks", ATTACKS, ATTACKS),
    Step("frozen vectors", VECTORS, VECTORS, (("PROOFOLIO_VECTORS", "all"),)),
    Step("zero knowledge", ZERO_KNOWLEDGE, ZERO_KNOWLEDGE),
    Step("completeness and damage", DAMAGE, DAMAGE, (("PROOFOLIO_DAMAGE", "all"),)),
    Step("fuzzing of parsers", ("tests.fuzz", "--seconds", "6"), ("tests.fuzz", "--seconds", "1")),
    Step("mutants of parsing and openings", mutants(*PARSING, "--checks"), None),
    Step("mutants of books", mutants(*BOOKS, "--checks"), None),
    Step("mutants of the verifier", mutants("attest/verifier.py"), mutants("attest/verifier.py", "--checks")),
    Step("mutants of the shared argument", mutants("attest/argument.py"), None),
)
"""The longest first, so that both lanes end at about the same time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Args: said: the last line of the step's output."""

    step: Step
    passed: bool
    said: str
    seconds: float


def run(step: Step, command: Sequence[str], environment: Mapping[str, str]) -> Outcome:
    start = time.monotonic()
    print(f"{step.name} …", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    log = OUT / f"{step.name.replace(' ', '-').replace(':', '')}.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["said nothing"]
    return Outcome(step, done.returncode == 0, lines[-1].strip(" ="), time.monotonic() - start)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.assurance", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a subset of about ten minutes")
    options = parser.parse_args(arguments)
    if not (ROOT / FORGE).exists():
        parser.error(f"{FORGE} is missing, without which the contracts are left out: make assurance installs it")
    OUT.mkdir(parents=True, exist_ok=True)
    chosen = [(step, step.quick, {}) if options.quick else (step, step.command, dict(step.whole)) for step in STEPS]
    start = time.monotonic()
    with ThreadPoolExecutor(LANES) as pool:
        outcomes = list(pool.map(lambda job: run(*job), [(s, c, e) for s, c, e in chosen if c is not None]))
    for outcome in outcomes:
        verdict = "passed" if outcome.passed else "FAILED"
        print(f"{outcome.step.name:34} {verdict:7} {outcome.seconds:6.0f} s  {outcome.said}")
    failed = sum(not outcome.passed for outcome in outcomes)
    print(f"{len(outcomes)} steps, {failed} failed, in {(time.monotonic() - start) / 60:.0f} minutes; logs in {OUT}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
