"""Chunks on a Dask cluster: the same bytes as on one machine, also when a worker is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from attest.errors import EncodingError
from attest.liabilities import Workdir, Workers, executors
from tests.attest.liabilities.test_book import SOURCE, listed


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two workers, processes of their own, on the loopback interface."""
    options = {"host": "127.0.0.1", "dashboard_address": None, "local_directory": str(tmp_path_factory.mktemp("dask"))}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **options) as made:
        yield made


def book(path: Path, chunks: int) -> Workdir:
    source = replace(SOURCE, currencies=SOURCE.currencies[:1])
    accounts = [replace(account, balances=account.balances[:1]) for account in listed(30)]
    return Workdir.create(path / "w", source, accounts, least_chunks=chunks)


@pytest.mark.slow
def test_a_lost_workers_chunks_run_again(cluster: Any, tmp_path: Path) -> None:
    work = book(tmp_path, 4)
    workers = Workers(scheduler=cluster.scheduler_address)
    work.commit(workers)
    lost: list[int] = []

    def lose_one(done: int, total: int) -> None:
        if not lost:
            process = next(iter(cluster.workers.values())).process.process
            lost.append(process.pid)
            process.kill()

    work.prove(workers, lose_one)
    assert lost
    chunks = sorted((tmp_path / "w" / "chunks").iterdir())
    assert len(chunks) == 8
    on_the_cluster = [path.read_bytes() for path in chunks]
    for path in (chunks[0], chunks[1]):
        path.unlink()
    work.commit(Workers(1))
    work.prove(Workers(1))
    assert [path.read_bytes() for path in chunks] == on_the_cluster


def test_without_a_scheduler_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = book(tmp_path, 1)
    monkeypatch.setattr(executors, "PATIENCE", 1)
    with pytest.raises(EncodingError, match="no Dask scheduler answers"):
        work.commit(Workers(scheduler="tcp://127.0.0.1:1"))
