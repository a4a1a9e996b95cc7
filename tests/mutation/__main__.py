"""Mutates the verifiers and counts which changes the frozen vectors notice: `python -m tests.mutation [FILE ...]`.

A check that never refuses, or lacks a part of its condition, has to be noticed; anything else that is not noticed has
to be explained in `survivors.py`. Exits with 1 where that fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.mutation import chain, judge
from tests.mutation.judge import Result
from tests.mutation.python import CHECK, FORMULA
from tests.mutation.survivors import EXPLAINED

NAMES = (*judge.FILES, *chain.GROUPS)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("file", nargs="*", help=f"one of {', '.join(NAMES)}; default: all of them", default=())
    parser.add_argument("--checks", action="store_true", help="only checks, no formulas")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    wanted = options.file or NAMES
    unknown = set(wanted) - set(NAMES)
    if unknown:
        parser.error(f"no such file: {', '.join(sorted(unknown))}")
    kinds = {CHECK} if options.checks else {CHECK, FORMULA}
    start = time.monotonic()
    results: list[Result] = []
    for name in wanted:
        for result in _judged(name, kinds, options.processes):
            results.append(result)
            _progress(name, len(results), results)
    print(file=sys.stderr)
    return report(results, time.monotonic() - start)


def _judged(name: str, kinds: set[str], processes: int) -> Iterable[Result]:
    return (chain if name in chain.GROUPS else judge).judged(name, kinds, processes)


def _progress(name: str, done: int, results: Sequence[Result]) -> None:
    survived = sum(not result.noticed for result in results)
    if not results[-1].noticed:
        print(f"\nnot noticed: line {results[-1].line}, {results[-1].change}", file=sys.stderr)
    print(f"\r{name}: {done} mutants judged, {survived} not noticed", end="", file=sys.stderr, flush=True)


def report(results: list[Result], seconds: float) -> int:
    """Prints the table and what was not noticed."""
    print(f"{'file':44} {'checks':>7} {'noticed':>8} {'formulas':>9} {'noticed':>8}")
    for file in dict.fromkeys(result.file for result in results):
        count = Counter((result.kind, result.noticed) for result in results if result.file == file)
        cells = [(count[kind, True] + count[kind, False], count[kind, True]) for kind in (CHECK, FORMULA)]
        print(f"{file:44} {cells[0][0]:7} {cells[0][1]:8} {cells[1][0]:9} {cells[1][1]:8}")
    survivors = [result for result in results if not result.noticed]
    faults = 0
    for result in survivors:
        reason = EXPLAINED.get((result.file, result.change)) if result.kind == FORMULA else None
        faults += reason is None
        print(f"not noticed: {result.file}:{result.line}, {result.kind}, {result.change}: {reason or 'NOT EXPLAINED'}")
    print(f"{len(results)} mutants in {seconds:.0f} s, {len(survivors)} not noticed, {faults} of them not explained")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
