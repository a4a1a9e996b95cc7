"""A real proof through the real verifier on the embedded chain, and one that is not of what the registry approved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from attest.chain import Journal, Publisher, Reverted
from attest.proof import Context
from tests.attest.chain.worlds import FUND, VALID_UNTIL, address, build_world
from tests.attest.examples import Example, with_sources


def test_a_proof_reaches_the_registry(small: Example, tmp_path: Path) -> None:
    world = build_world(small, real_verifier=True)
    world.approve(1)
    context = Context(world.chain.network.chain_id, world.registry.address, VALID_UNTIL, world.program)
    proof = with_sources(small, world.source_set(1)).prove(context=context)
    submission = world.submission(1, proof)
    publisher = Publisher(world.registry, Journal(tmp_path / "journal.sqlite"), FUND)
    with pytest.raises(Reverted, match=r"OpeningRejected\(\)"):
        publisher.publish(replace(submission, expiry=VALID_UNTIL - 1))
    assert not world.registry.status(address(FUND), world.policy).compliant
    published = publisher.publish(submission)
    assert world.registry.status(address(FUND), world.policy).compliant
    assert published.gas_used < 900_000
