"""A chain for the commands that speak to one, and an office for those who act on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attest.chain import Registry
from tests.contracts.anvil import anvil
from tests.scripts.office import Office, furnish


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil() as url:
        yield url


@pytest.fixture(scope="module")
def place(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Registry]]:
    folder = tmp_path_factory.mktemp("office")
    registry = furnish(folder, node)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_NETWORKS", str(folder / "networks.toml"))
        yield folder, registry


@pytest.fixture
def office(place: tuple[Path, Registry], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(*place, monkeypatch, lambda: tuple(capsys.readouterr()))
