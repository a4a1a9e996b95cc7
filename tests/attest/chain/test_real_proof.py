"""A real proof through the real verifier on the embedded chain, and one that is not of what the registry approved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from attest.chain import Journal, LocalSigner, Publisher, Reverted
from attest.masking import PreviousHoldings
from attest.proof import Context
from tests.attest.chain.worlds import FUND, VALID_UNTIL, address, altered, build_world
from tests.attest.examples import Example, with_sources


def test_a_proof_reaches_the_registry(small: Example, tmp_path: Path) -> None:
    world = build_world(small, real_verifier=True)
    world.approve(1)
    context = Context(world.chain.network.chain_id, world.registry.address, VALID_UNTIL, world.program())
    proof = with_sources(small, world.source_set(1)).prove(context=context)
    submission = world.submission(1, proof)
    publisher = Publisher(world.registry, Journal(tmp_path / "journal.sqlite"), LocalSigner(FUND))
    with pytest.raises(Reverted, match=r"OpeningRejected\(\)"):
        publisher.publish(replace(submission, expiry=VALID_UNTIL - 1))
    assert not world.registry.status(address(FUND), world.policy).compliant
    published = publisher.publish(submission)
    assert world.registry.status(address(FUND), world.policy).compliant
    assert published.gas_used is not None and published.gas_used < 900_000


def test_two_programs_over_two_epochs(small: Example, pair: Example, tmp_path: Path) -> None:
    """In the first epoch only the program of one vector can be proved; in the second both are, and count together."""
    world = build_world(small, pair, real_verifier=True)
    registry, fund = world.registry, address(FUND)
    publisher = Publisher(registry, Journal(tmp_path / "journal.sqlite"), LocalSigner(FUND))

    def context(program: int) -> Context:
        return Context(world.chain.network.chain_id, registry.address, VALID_UNTIL, world.program(program))

    def plain(epoch: int) -> bytes:
        return with_sources(small, world.source_set(epoch)).prove(context=context(0))

    world.approve(1)
    publisher.publish(world.submission(1, plain(1)))
    with pytest.raises(Reverted, match=rf"NoPreviousEpoch\({fund.lower()}, 1\)"):
        publisher.simulate(world.submission(1, programs=(1,), previous_epoch=1))
    assert not registry.status(fund, world.policy).compliant
    assert (registry.last_epoch(fund), registry.previous_epoch(fund, 1)) == (1, 0)

    world.approve(2)
    today = replace(
        pair,
        holdings=small.holdings,
        sources=world.source_set(2),
        previous=PreviousHoldings(small.holdings, world.source_set(1)),
    )
    first, second = plain(2), today.prove(context=context(1))
    submission = world.submission(2, first, second, programs=(0, 1), previous_epoch=1)
    with pytest.raises(Reverted, match="PreviousSourceSetMismatch"):
        publisher.publish(altered(submission))
    with pytest.raises(Reverted, match="WrongSourceCount"):
        publisher.publish(replace(submission, previous=()))
    for proofs in ((first, pair.prove(context=context(1))), (second, first), (first, first)):
        with pytest.raises(Reverted, match=r"OpeningRejected\(\)|WrongProofLength"):
            publisher.publish(world.submission(2, *proofs, programs=(0, 1), previous_epoch=1))
    assert not registry.attested(fund, world.policy, 2)[0] and not registry.status(fund, world.policy).compliant
    published = publisher.publish(submission)
    assert registry.attested(fund, world.policy, 2) == ({0, 1}, published.block)
    status = registry.status(fund, world.policy)
    assert status.compliant and status.epoch == 2
    assert (registry.last_epoch(fund), registry.previous_epoch(fund, 2)) == (2, 1)
    assert [epoch.epoch for epoch in registry.history(fund, world.policy)] == [2]
