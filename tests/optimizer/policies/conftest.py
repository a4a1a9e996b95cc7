"""What the policy tests share with those of the proof system."""

import pytest

from attest.srs import Setup, load_setup


@pytest.fixture(scope="session")
def setup() -> Setup:
    return load_setup()
