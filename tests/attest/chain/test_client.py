"""The registry from Python: what an investor is told, reverts by name, fees and their bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from attest.chain import Chain, Journal, LocalSigner, NetworkError, Publisher, Registry, Reverted, load_network
from attest.chain.abi import ErrorTable, revert_data
from attest.chain.artifacts import load_artifact
from attest.registration import policy_id
from tests.attest.chain.worlds import (
    AS_OF,
    FUND,
    OWNER,
    REQUIREMENTS,
    STRANGER,
    VALID_UNTIL,
    World,
    address,
    build_world,
)
from tests.attest.examples import Example

ERRORS = ErrorTable([load_artifact("AttestationRegistry").abi, load_artifact("ProofVerifier").abi])


def test_what_an_investor_sees(world: World, epoch: int, tmp_path: Path) -> None:
    registry, fund = world.registry, address(FUND)
    published = Publisher(registry, Journal(tmp_path / "journal.sqlite"), LocalSigner(FUND)).publish(
        world.submission(epoch)
    )
    status = registry.status(fund, world.policy)
    assert status.compliant
    assert (status.epoch, status.expiry, status.attested_block) == (epoch, VALID_UNTIL, published.block)
    assert status.source_set_hash == registry.source_set(fund, epoch) == world.source_set(epoch).hash
    assert status.time == world.node.time
    other = policy_id(address(STRANGER), b"\x99" * 32, REQUIREMENTS, 1)
    nothing = registry.status(fund, other)
    assert not nothing.compliant and (nothing.epoch, nothing.expiry) == (0, 0)


def test_compliance_ends_with_the_proofs_validity(small: Example, tmp_path: Path) -> None:
    world = build_world(small)
    world.approve(1)
    expiry = world.node.time + 10_000
    Publisher(world.registry, Journal(tmp_path / "journal.sqlite"), LocalSigner(FUND)).publish(
        world.submission(1, expiry=expiry)
    )
    world.node.set_time(expiry - 100)
    assert world.registry.status(address(FUND), world.policy).compliant
    world.node.set_time(expiry + 100)
    status = world.registry.status(address(FUND), world.policy)
    assert not status.compliant and (status.epoch, status.expiry) == (1, expiry)


def test_registrations(world: World, epoch: int) -> None:
    registry = world.registry
    assert str(registry.fund_owner(address(FUND))).lower() == address(FUND).lower()
    assert registry.fund_owner(address(STRANGER)) is None
    policies = registry.policies
    assert policies.has(world.policy) and not policies.has(bytes(32))
    assert policies.owner(world.policy).lower() == address(OWNER).lower()
    assert policies.approved(world.policy, epoch)[0] == (world.example.statement.key.digest,)
    assert policies.approved(world.policy, epoch + 1_000_000) == ((), 0)
    assert policies.approved_epoch(world.policy) == epoch and policies.approved_epoch(bytes(32)) == 0


def test_refusals_by_name(world: World, epoch: int) -> None:
    registry, chain, policies = world.registry, world.chain, world.registry.policies
    with pytest.raises(Reverted, match=f"FundExists\\({address(FUND).lower()}\\)"):
        chain.execute(FUND, registry.register_fund(address(FUND)))
    with pytest.raises(Reverted, match="NotPublisher"):
        chain.execute(STRANGER, policies.approve_epoch(world.policy, epoch + 1, world.approval()))
    with pytest.raises(Reverted, match=rf"EpochNotAscending\({epoch}, {epoch}\)"):
        chain.execute(OWNER, policies.approve_epoch(world.policy, epoch, world.approval()))
    with pytest.raises(Reverted, match=rf"InvalidValidity\({AS_OF}, {AS_OF}\)"):
        chain.execute(OWNER, policies.approve_epoch(world.policy, epoch + 1, world.approval(valid_until=AS_OF)))


def test_no_registry_at_the_address(world: World) -> None:
    for where in (address(STRANGER), "0x000000000000000000000000000000000000000b"):
        with pytest.raises(NetworkError, match="no AttestationRegistry of this version"):
            Registry(world.chain, where)


def test_a_fee_above_the_bound_stops_everything(world: World) -> None:
    bounded = load_network("embedded").model_copy(update={"max_fee_gwei": 0.000001})
    chain = Chain.connect(bounded, world.node)
    with pytest.raises(NetworkError, match="above max_fee_gwei"):
        chain.execute(STRANGER, world.registry.register_fund(address(STRANGER)))
    assert world.registry.fund_owner(address(STRANGER)) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", "no reason given"),
        ("deadbeef", "unknown error 0xdeadbeef"),
        ("08c379a0" + "20".rjust(64, "0") + "2".rjust(64, "0") + "6f6b".ljust(64, "0"), "ok"),
        ("4e487b71" + "11".rjust(64, "0"), "Panic(17)"),
        ("4e487b71", "Panic with malformed values"),
    ],
)
def test_revert_data_in_words(data: str, text: str) -> None:
    assert ERRORS.describe(bytes.fromhex(data)) == text


def test_revert_data_from_several_nodes() -> None:
    class Answer(Exception):
        data: object = None

    plain, nested, printed = Answer(), Answer(), Answer("execution reverted: b'\\xde\\xad'")
    plain.data, nested.data = "0xdead", {"data": "0xdead"}
    assert revert_data(plain) == revert_data(nested) == revert_data(printed) == b"\xde\xad"
    assert revert_data(Answer("execution reverted: b'cut")) == "b'cut"
    assert revert_data(Answer()) == b""
