"""What the command prints: steps with their time, tables, and errors as exit codes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from attest.errors import AttestError, EncodingError, ProofRejected, Refused, SourceError, StatementFalse
from optimizer.errors import Infeasible, OptimizerError, Unbounded

ACCEPTED, REJECTED, MISUSED = 0, 1, 2

console = Console(highlight=False, markup=False)
"""Prints text as it is: a name from a file may look like markup."""
errors = Console(stderr=True, highlight=False, markup=False)


def styled(style: str, text: str, rest: str = "") -> Text:
    """Text in a style, and what follows without."""
    return Text.assemble((text, style), rest)


def yes_no(answer: bool) -> Text:
    """An answer in a word."""
    return styled("green", "yes") if answer else styled("red", "no")


def exit_code(error: Exception) -> int | None:
    """What a verb exits with: one rule for all of them.

    1 for what is well-formed but false, or refused by a contract; 2 for what is malformed or misused, and for a chain
    that does not answer; None for a defect of ours.
    """
    if isinstance(error, (ProofRejected, Refused, StatementFalse, SourceError, Infeasible, Unbounded)):
        return REJECTED
    if isinstance(error, (AttestError, OptimizerError)):
        return MISUSED
    return None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What is found malformed while a file is used is an error of that file. Raises: EncodingError: naming it."""
    try:
        yield
    except EncodingError as error:
        if str(path) in str(error):
            raise
        raise EncodingError(f"{path}: {error}") from error


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show a step while it runs, then how long it took."""
    started = time.perf_counter()
    with console.status(Text(title)):
        yield
    console.print(Text.assemble(("✓", "green"), f" {title} ", (f"{time.perf_counter() - started:.1f} s", "dim")))


def remark(text: str) -> None:
    """Say what happens within a step."""
    console.print(text, style="dim", soft_wrap=True)


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with rate and time left."""
    columns = (
        TextColumn(title, markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None, rate="")
        started = time.perf_counter()

        def report(done: int, total: int) -> None:
            rate = done / max(time.perf_counter() - started, 1e-9)
            progress.update(task, completed=done, total=total or None, rate=f"{rate:,.1f} {unit}/s")

        yield report
        if not progress.tasks[task].completed:
            progress.update(task, total=1, completed=1)  # nothing was left to do


def fail(message: str, code: int) -> None:
    """Print an error and leave."""
    errors.print(styled("red", "error:", f" {message}"), soft_wrap=True)
    sys.exit(code)


def table(title: str, *columns: str, prose: bool = False) -> Table:
    """A plain table; all columns but the first are right-aligned, unless they hold sentences."""
    result = Table(title=title, title_justify="left", title_style="bold", min_width=60, box=None, pad_edge=False)
    for i, column in enumerate(columns):
        result.add_column(column, justify="left" if i == 0 or prose else "right")
    return result


def usd(amount: float | Fraction | Decimal, digits: int = 0) -> str:
    """An amount in dollars."""
    return f"{float(amount):,.{digits}f}"


def percent(fraction: float | Fraction | Decimal, digits: int = 2) -> str:
    """A fraction as a percentage."""
    return f"{100 * float(fraction):.{digits}f} %"
