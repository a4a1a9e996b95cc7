"""Every fuzzing target on its seeds and on some mutations of them, without atheris."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.json_damage import mutate
from tests.fuzz.targets import TARGETS

SLOW = {"reference-points": 5, "reference-keys": 10, "keystores": 40, "answers": 100}
"""Fewer examples where a parser checks subgroups in plain Python or derives a key."""
EXAMPLES = 300


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_accepted(name: str) -> None:
    target = TARGETS[name]
    assert target.seeds()
    for seed in target.seeds():
        assert target.run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_only_declared_errors_leave_the_parser(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()

    @settings(max_examples=SLOW.get(name, EXAMPLES), deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(seeds), st.integers(0, 2**32), st.binary(max_size=200))
    def check(seed: bytes, choice: int, noise: bytes) -> None:
        target.run(mutate(seed, random.Random(choice)))
        target.run(noise)

    check()
