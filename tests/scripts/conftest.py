"""A chain for the commands that speak to one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.anvil import anvil


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil() as url:
        yield url
