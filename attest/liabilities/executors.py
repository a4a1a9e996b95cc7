"""Where a book's chunks are worked on: processes of this machine, or a cluster, by the same code.

A chunk is a pure function of its arguments, so a worker that is lost costs nothing but its chunks, which run again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for
from threading import Thread
from typing import Any, TypeVar

from attest.errors import EncodingError
from attest.liabilities.verifier import Progress

MAX_RESTARTS = 3
"""How often lost workers are replaced before the run gives up; what is finished is kept."""
PATIENCE = 20
"""Seconds that a scheduler has to answer."""
QUEUED = 2
"""Tasks at hand for each worker, so that memory does not grow with the book."""

T = TypeVar("T")


def _end_with_the_parent() -> None:
    """Else the workers of a process that is killed wait for tasks for ever: they hold both ends of the queue."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(process: int) -> None:
    """Args: process: what is ready when it has ended."""
    wait_for([process])
    os._exit(1)


class Workers:
    """Somewhere to run tasks.

    Args:
        processes: on this machine; None is one for each core.
        scheduler: address of a Dask scheduler, "tcp://host:8786", instead of processes.
    """

    def __init__(self, processes: int | None = None, scheduler: str | None = None) -> None:
        self.count = processes or os.cpu_count() or 1
        self.scheduler = scheduler

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """Raises: EncodingError: no Dask, or no scheduler there."""
        if self.scheduler is None:
            spawning = get_context("spawn")
            with ProcessPoolExecutor(self.count, mp_context=spawning, initializer=_end_with_the_parent) as pool:
                yield pool
            return
        try:
            import distributed  # noqa: PLC0415 - an extra that most users do not install
        except ImportError as error:
            raise EncodingError("a cluster needs Dask: pip install 'proofolio[cluster]'") from error
        try:
            client: Any = distributed.Client(self.scheduler, timeout=PATIENCE)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, ValueError) as error:
            raise EncodingError(f"no Dask scheduler answers at {self.scheduler}") from error
        with client:
            self.count = max(sum(client.ncores().values()), 1)
            yield client.get_executor(pure=False, retries=MAX_RESTARTS)

    def run(
        self,
        function: Callable[..., T],
        tasks: Iterator[tuple[int, tuple[Any, ...]]],
        total: int,
        store: Callable[[int, T], None],
        progress: Progress,
    ) -> None:
        """Run function(*arguments) for every (number, arguments), and store each result when it is there.

        Raises: what the function raises on purpose; RuntimeError: workers were lost too often.
        """
        if self.scheduler is None and total == 1:
            for number, arguments in tasks:
                store(number, function(*arguments))
                progress(1, 1)
            return
        left: dict[int, tuple[Any, ...]] = {}
        finished = 0
        for _ in range(1 + MAX_RESTARTS):
            try:
                with self.executor() as executor:
                    running: dict[Future[T], int] = {}
                    waiting = iter(list(left.items()))
                    while True:
                        while len(running) < QUEUED * self.count:
                            following = next(waiting, None) or next(tasks, None)
                            if following is None:
                                break
                            number, arguments = following
                            left[number] = arguments
                            running[executor.submit(function, *arguments)] = number
                        if not running:
                            return
                        for future in wait(running, return_when=FIRST_COMPLETED).done:
                            number = running.pop(future)
                            store(number, future.result())
                            del left[number]
                            finished += 1
                            progress(finished, total)
            except (BrokenExecutor, OSError):
                continue
        raise RuntimeError(
            "workers were lost again and again; is there enough memory? what is finished is kept, run it again"
        )
