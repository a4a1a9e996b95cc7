"""One embedded chain for the tests of a module; each test takes an epoch of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.attest.chain.worlds import World, build_world
from tests.attest.examples import Example

_epochs = count(1)


@pytest.fixture(scope="module")
def world(small: Example) -> World:
    return build_world(small)


@pytest.fixture
def epoch(world: World) -> Iterator[int]:
    """An approved epoch that no other test uses."""
    number = next(_epochs)
    world.approve(number)
    yield number
