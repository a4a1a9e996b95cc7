"""Proofs that several modules share: one takes about a second."""

import pytest

from attest.srs import Setup, load_setup
from tests.attest.examples import Example, small_example


@pytest.fixture(scope="session")
def setup() -> Setup:
    return load_setup()


@pytest.fixture(scope="session")
def small() -> Example:
    return small_example()


@pytest.fixture(scope="session")
def small_proof(small: Example) -> bytes:
    return small.prove()


@pytest.fixture(scope="session")
def pair() -> Example:
    """The same program with a second vector."""
    return small_example(two_vectors=True)


@pytest.fixture(scope="session")
def pair_proof(pair: Example) -> bytes:
    return pair.prove()
