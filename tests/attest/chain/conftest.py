"""One embedded chain for the tests of a module; each test takes an epoch of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.attest.chain.worlds import FUND, World, build_world
from tests.attest.examples import Example

_epochs = count(1)


@pytest.fixture(scope="module")
def world(small: Example) -> World:
    return build_world(small)


@pytest.fixture(scope="module")
def paired(small: Example, pair: Example) -> World:
    """A policy of two programs, the second of which compares epochs; epoch 1 has a source set."""
    world = build_world(small, pair)
    world.approve(1)
    world.chain.execute(FUND, world.registry.submit(world.submission(1)))
    return world


@pytest.fixture
def next_epoch(paired: World) -> int:
    """The next epoch of the paired world, approved."""
    number = paired.registry.policies.approved_epoch(paired.policy) + 1
    paired.approve(number)
    return number


@pytest.fixture
def epoch(world: World) -> Iterator[int]:
    """An approved epoch that no other test uses."""
    number = next(_epochs)
    world.approve(number)
    yield number
