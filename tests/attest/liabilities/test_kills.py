"""A book in the making, killed at every step that changes its work directory, and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attest.liabilities import BookFile, Workdir
from attest.srs import Setup

PROGRAM = """
import os, signal, sys
from dataclasses import replace
from attest.liabilities import Workdir, Workers
from tests.attest.liabilities.test_book import SOURCE, listed

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
folder, command, step = sys.argv[1], sys.argv[2], int(sys.argv[3])

def killed_at(event, arguments):
    # The step-th change of the folder is the last thing that this process asks for, and does not happen.
    global step
    changes = event in ("os.rename", "os.link", "os.remove", "os.mkdir", "sqlite3.connect")
    if not changes and not (event == "open" and (arguments[2] or 0) & WRITING):
        return
    if str(arguments[0]).startswith(folder):
        step -= 1
        if step == 0:
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    if command == "prepare":
        accounts = [replace(account, balances=account.balances[:1]) for account in listed(4100)]
        source = replace(SOURCE, currencies=SOURCE.currencies[:1])
        sys.addaudithook(killed_at)
        Workdir.create(folder, source, accounts)
    else:
        work = Workdir.open(folder)
        sys.addaudithook(killed_at)
        work.commit(Workers(1))
        work.prove(Workers(1))
        (work.path / "book.json").write_bytes(work.book().encode())
"""

ROOT = Path(__file__).parents[3]  # the program imports from tests/


def runs(program: Path, work: Path, command: str) -> Iterator[int]:
    """Run the command again and again, killed one step later each time, until it ends by itself."""
    for step in range(1, 100):
        arguments = [sys.executable, str(program), str(work), command, str(step)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        code = subprocess.run(arguments, check=False, timeout=300, env=environment).returncode
        if code == 0:
            return
        assert code == -signal.SIGKILL
        yield step
    pytest.fail("it does not end")


@pytest.mark.slow
def test_killed_at_every_step(setup: Setup, tmp_path: Path) -> None:
    program, work = tmp_path / "program.py", tmp_path / "w"
    program.write_text(PROGRAM)
    for step in runs(program, work, "prepare"):
        assert step < 20
        if (work / "ledger.sqlite").exists():  # whole, and all that was left is to remove its other name
            break
    prepared = Workdir.open(work)
    assert (prepared.ledger.accounts, prepared.terms.count) == (4100, 2)

    finished: dict[str, bytes] = {}
    progress = []
    for _ in runs(program, work, "prove"):
        now = {path.name: path.read_bytes() for path in (work / "chunks").glob("0*")}
        assert finished.items() <= now.items()
        finished = now
        progress.append(len(now))
    assert progress == sorted(progress)
    assert set(progress) >= {0, 1, 2, 3}
    BookFile.load(work / "book.json").verify(setup, prepared.opening().commitment(setup))


WORKING = """
import os, time
from attest.liabilities.executors import Workers
with Workers(1).executor() as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


def test_workers_end_with_a_parent_that_is_killed() -> None:
    """They share its output, which ends when the last of them does."""
    with subprocess.Popen([sys.executable, "-c", WORKING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and int(process.stdout.readline()) != process.pid
        process.kill()
        rest, _ = process.communicate(timeout=30)
    assert rest == ""
