"""Publishing exactly once: a crash at every step, lost and foreign transactions, refusals."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from attest.chain import (
    Chain,
    Identity,
    Journal,
    JournalError,
    LocalSigner,
    NetworkError,
    Published,
    Publisher,
    Quote,
    Registry,
    Reverted,
    State,
    Submission,
    load_network,
)
from tests.attest.chain.worlds import FUND, OWNER, STRANGER, World, address, altered


class Crash(BaseException):
    """The process dies here."""


def publisher(world: World, path: Path, key: bytes = FUND) -> Publisher:
    """As a new process: nothing is shared with an earlier one but the file and the chain."""
    return Publisher(world.reconnect(), Journal(path), LocalSigner(key))


def identity(world: World, epoch: int) -> Identity:
    chain_id = world.chain.network.chain_id
    return Identity(chain_id, world.registry.address, address(FUND), world.policy, epoch)


def transactions(world: World) -> int:
    return world.chain.nonce(address(FUND), pending=False)


def dying(method: Callable[..., Any], moment: str, call: int) -> Callable[..., Any]:
    """The method, which ends the process before or after its call number `call`."""
    calls = 0

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if moment == "before" and calls == call:
            raise Crash
        result = method(*args, **kwargs)
        if moment == "after" and calls == call:
            raise Crash
        return result

    return wrapper


STEPS = [
    *((Journal, name) for name in ("prepare", "sign", "sent", "mined", "final")),
    *((Chain, name) for name in ("quote", "send", "receipt")),
    (LocalSigner, "sign"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[f"{o.__name__}.{n}" for o, n in STEPS])
def test_crash_never_sends_a_second_transaction(
    world: World, epoch: int, tmp_path: Path, owner: type, name: str, moment: str
) -> None:
    path, submission, before = tmp_path / "journal.sqlite", world.submission(epoch), transactions(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, dying(getattr(owner, name), moment, 1))
        with pytest.raises(Crash):
            publisher(world, path).publish(submission)
    first = Journal(path).find(identity(world, epoch))
    published = publisher(world, path).publish(submission)
    again = publisher(world, path).publish(submission)
    assert transactions(world) == before + 1
    assert again == published
    record = Journal(path).find(identity(world, epoch))
    assert record is not None and record.state is State.FINAL and record.signed is not None
    assert published.transaction == "0x" + record.signed.hash.hex()
    if first is not None and first.signed is not None:
        assert first.signed == record.signed
    assert world.registry.attested(address(FUND), world.policy, epoch) == ({0}, published.block)
    assert world.registry.status(address(FUND), world.policy).compliant


def test_two_crashes_in_a_row(world: World, epoch: int, tmp_path: Path) -> None:
    path, submission, before = tmp_path / "journal.sqlite", world.submission(epoch), transactions(world)
    for owner, name, moment in ((Journal, "sign", "after"), (Chain, "send", "after")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, dying(getattr(owner, name), moment, 1))
            with pytest.raises(Crash):
                publisher(world, path).publish(submission)
    publisher(world, path).publish(submission)
    assert transactions(world) == before + 1


def test_the_journal_is_private_and_holds_no_key(world: World, epoch: int, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    publisher(world, path).publish(world.submission(epoch))
    content = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FUND not in content and FUND.hex().encode() not in content
    assert FUND.hex() not in repr(publisher(world, path))
    assert repr(FUND) not in repr(publisher(world, path))


def test_another_proof_of_the_same_epoch_is_not_sent(world: World, epoch: int, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    publisher(world, path).publish(world.submission(epoch))
    before = transactions(world)
    with pytest.raises(JournalError, match="a second one is never sent"):
        publisher(world, path).publish(world.submission(epoch, b"another"))
    with pytest.raises(JournalError, match="a second one is never sent"):
        publisher(world, path).publish(world.submission(epoch, b"another"), retry=True)
    assert transactions(world) == before


def test_without_the_journal_there_is_no_second(world: World, epoch: int, tmp_path: Path) -> None:
    """What is on record by another journal's doing is found; the registry itself would refuse it."""
    first = publisher(world, tmp_path / "one.sqlite").publish(world.submission(epoch))
    before, another = transactions(world), publisher(world, tmp_path / "two.sqlite")
    assert another.publish(world.submission(epoch)) == Published(None, first.block, None)
    with pytest.raises(Reverted, match="AlreadyAttested") as refusal:
        another.simulate(world.submission(epoch))
    assert refusal.value.transaction is None and transactions(world) == before


def test_a_refused_simulation_is_recorded_and_may_be_repeated(world: World, epoch: int, tmp_path: Path) -> None:
    path, later = tmp_path / "journal.sqlite", epoch + 100_000
    before = transactions(world)
    with pytest.raises(Reverted, match=rf"EpochNotApproved\(0x{world.policy.hex()}, {later}\)"):
        publisher(world, path).publish(world.submission(later))
    record = Journal(path).find(identity(world, later))
    assert record is not None and record.state is State.REFUSED and record.signed is None
    assert record.reason is not None and record.reason.startswith("EpochNotApproved")
    assert transactions(world) == before
    with pytest.raises(Reverted, match="EpochNotApproved"):
        publisher(world, path).publish(world.submission(later, b"another"))
    publisher(world, path).publish(world.submission(epoch))


def test_a_mined_failure_is_recorded_with_its_reason(world: World, epoch: int, tmp_path: Path) -> None:
    """A stranger may not fix the source set; what they tried stays in the journal, and the fund's owner tries again."""
    path, submission = tmp_path / "journal.sqlite", world.submission(epoch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chain, "quote", lambda *_: Quote(2_000_000, 10**10, 10**9))
        with pytest.raises(Reverted, match="SourceSetNotCommitted") as refusal:
            publisher(world, path, STRANGER).publish(submission)
    assert refusal.value.transaction is not None
    record = Journal(path).find(identity(world, epoch))
    assert record is not None and record.state is State.REVERTED
    assert str(record.reason).startswith("SourceSetNotCommitted")
    before = transactions(world)
    with pytest.raises(Reverted, match=r"SourceSetNotCommitted\(.*\); --retry"):
        publisher(world, path).publish(submission)
    with pytest.raises(JournalError, match="--retry replaces"):
        publisher(world, path).publish(world.submission(epoch, b"another"))
    assert transactions(world) == before
    publisher(world, path).publish(submission, retry=True)
    assert transactions(world) == before + 1


def test_a_nonce_that_went_elsewhere(world: World, epoch: int, tmp_path: Path) -> None:
    path, submission = tmp_path / "journal.sqlite", world.submission(epoch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "sign", dying(Journal.sign, "after", 1))
        with pytest.raises(Crash):
            publisher(world, path).publish(submission)
    nonce = transactions(world)
    elsewhere = Account.sign_transaction(
        {
            "to": address(OWNER),
            "value": 1,
            "nonce": nonce,
            "gas": 21000,
            "gasPrice": 10**10,
            "chainId": world.chain.network.chain_id,
        },
        FUND,
    )
    world.chain.send(bytes(elsewhere.raw_transaction))
    for _ in range(2):
        with pytest.raises(JournalError, match="can never be mined"):
            publisher(world, path).publish(submission)
    publisher(world, path).publish(submission, retry=True)
    assert transactions(world) == nonce + 2


def test_an_unsent_submission_goes_out_before_the_next(world: World, epoch: int, tmp_path: Path) -> None:
    path, next_epoch = tmp_path / "journal.sqlite", epoch + 200_000
    first, second = world.submission(epoch), world.submission(next_epoch)
    before = transactions(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chain, "send", dying(Chain.send, "before", 1))
        with pytest.raises(Crash):
            publisher(world, path).publish(first)
    with pytest.raises(Reverted, match="EpochNotApproved"):
        publisher(world, path).publish(second)
    assert transactions(world) == before + 1
    assert (
        publisher(world, path).publish(first).block == world.registry.status(address(FUND), world.policy).attested_block
    )


def test_a_node_that_complains_but_has_it(
    world: World, epoch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Chain.send

    def complaining(chain: Chain, raw: bytes) -> None:
        send(chain, raw)
        raise NetworkError("already known")

    monkeypatch.setattr(Chain, "send", complaining)
    published = publisher(world, tmp_path / "journal.sqlite").publish(world.submission(epoch))
    assert published.transaction is not None
    assert world.chain.receipt(bytes.fromhex(published.transaction[2:])) is not None


def test_only_the_funds_owner_fixes_the_source_set(world: World, epoch: int, tmp_path: Path) -> None:
    with pytest.raises(Reverted, match="SourceSetNotCommitted"):
        publisher(world, tmp_path / "journal.sqlite", STRANGER).publish(world.submission(epoch))


def test_a_simulation_leaves_no_trace(world: World, epoch: int, tmp_path: Path) -> None:
    path, before = tmp_path / "journal.sqlite", transactions(world)
    quote = publisher(world, path).simulate(world.submission(epoch))
    assert quote.gas > 0 and quote.max_fee >= quote.priority_fee
    assert Journal(path).find(identity(world, epoch)) is None and transactions(world) == before


def test_another_kind_of_file_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database, but long enough to be looked at " * 50)
    with pytest.raises(JournalError, match="not a journal"):
        Journal(path)
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path / "missing" / "journal.sqlite")


def both(world: World, epoch: int) -> Submission:
    """Proofs of both programs; the second compares with the epoch before."""
    fund, registry = address(FUND), world.registry
    before = registry.previous_epoch(fund, epoch) or registry.last_epoch(fund)
    return world.submission(epoch, programs=(0, 1), previous_epoch=before)


def compliant_since(world: World) -> int:
    return world.registry.status(address(FUND), world.policy).epoch


def attested(world: World, epoch: int) -> tuple[frozenset[int], int]:
    return world.registry.attested(address(FUND), world.policy, epoch)


def test_all_programs_go_out_in_one_transaction(paired: World, next_epoch: int, tmp_path: Path) -> None:
    path, submission, before = tmp_path / "journal.sqlite", both(paired, next_epoch), transactions(paired)
    published = publisher(paired, path).publish(submission)
    assert transactions(paired) == before + 1
    assert publisher(paired, path).publish(submission) == published
    assert transactions(paired) == before + 1
    assert attested(paired, next_epoch) == ({0, 1}, published.block)
    assert compliant_since(paired) == next_epoch


@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[f"{o.__name__}.{n}" for o, n in STEPS])
def test_crash_with_two_programs(paired: World, next_epoch: int, tmp_path: Path, owner: type, name: str) -> None:
    """Both are recorded or neither is."""
    path, submission, before = tmp_path / "journal.sqlite", both(paired, next_epoch), transactions(paired)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, dying(getattr(owner, name), "after", 1))
        with pytest.raises(Crash):
            publisher(paired, path).publish(submission)
    assert len(attested(paired, next_epoch)[0]) == 2 * (transactions(paired) - before)
    publisher(paired, path).publish(submission)
    assert transactions(paired) == before + 1
    assert compliant_since(paired) == next_epoch


def only(submission: Submission, index: int) -> Submission:
    """One of the programs, with what that one needs."""
    chosen = tuple(program for program in submission.programs if program.index == index)
    return replace(submission, programs=chosen, previous=submission.previous if index else ())


def test_a_program_that_somebody_else_published(paired: World, next_epoch: int, tmp_path: Path) -> None:
    """What is missing goes out, and the same call is found again afterwards."""
    path, submission = tmp_path / "two.sqlite", both(paired, next_epoch)
    publisher(paired, tmp_path / "one.sqlite").publish(only(submission, 0))
    before = transactions(paired)
    assert publisher(paired, path).simulate(submission).gas > 0
    published = publisher(paired, path).publish(submission)
    assert published.transaction is not None and transactions(paired) == before + 1
    assert attested(paired, next_epoch) == ({0, 1}, published.block)
    assert compliant_since(paired) == next_epoch
    assert publisher(paired, path).publish(submission) == published
    assert transactions(paired) == before + 1


@pytest.mark.parametrize(("owner", "name"), [(Journal, "sign"), (Chain, "send"), (Journal, "mined")])
def test_crash_with_the_program_that_is_left(
    paired: World, next_epoch: int, tmp_path: Path, owner: type, name: str
) -> None:
    path, submission = tmp_path / "two.sqlite", both(paired, next_epoch)
    publisher(paired, tmp_path / "one.sqlite").publish(only(submission, 0))
    before = transactions(paired)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, dying(getattr(owner, name), "after", 1))
        with pytest.raises(Crash):
            publisher(paired, path).publish(submission)
    publisher(paired, path).publish(submission)
    assert transactions(paired) == before + 1 and compliant_since(paired) == next_epoch


def test_somebody_is_faster_with_a_part(paired: World, next_epoch: int, tmp_path: Path) -> None:
    """The transaction completes the epoch all the same."""
    path, submission = tmp_path / "two.sqlite", both(paired, next_epoch)
    send = Chain.send

    def overtaken(chain: Chain, raw: bytes) -> None:
        paired.chain.execute(STRANGER, paired.registry.submit(only(submission, 1)))
        send(chain, raw)

    paired.chain.execute(FUND, paired.registry.transaction("commitSourceSet", *_set(submission)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chain, "send", lambda chain, raw: _once(patch, send, overtaken, chain, raw))
        published = publisher(paired, path).publish(submission)
    assert published.transaction is not None and compliant_since(paired) == next_epoch
    assert attested(paired, next_epoch) == ({0, 1}, published.block)


def test_somebody_is_faster_with_all_of_it(paired: World, next_epoch: int, tmp_path: Path) -> None:
    """The transaction fails on the chain, though all proofs are on record, as the next run finds."""
    path, submission = tmp_path / "two.sqlite", both(paired, next_epoch)
    send = Chain.send

    def overtaken(chain: Chain, raw: bytes) -> None:
        paired.chain.execute(STRANGER, paired.registry.submit(submission))
        send(chain, raw)

    paired.chain.execute(FUND, paired.registry.transaction("commitSourceSet", *_set(submission)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chain, "send", lambda chain, raw: _once(patch, send, overtaken, chain, raw))
        with pytest.raises(Reverted, match=r"AlreadyAttested.*--retry"):
            publisher(paired, path).publish(submission)
    assert compliant_since(paired) == next_epoch
    assert publisher(paired, path).publish(submission).transaction is None


def test_what_somebody_else_had_recorded_is_waited_for(paired: World, next_epoch: int, tmp_path: Path) -> None:
    """Until it is final: a block that is taken back would take it along, and leave what expires sooner."""
    submission, slept = both(paired, next_epoch), []
    paired.chain.execute(FUND, paired.registry.transaction("commitSourceSet", *_set(submission)))
    paired.chain.execute(STRANGER, paired.registry.submit(replace(submission, expiry=submission.expiry - 10)))
    paired.node.web3.provider.ethereum_tester.mine_blocks(2)  # type: ignore[attr-defined]
    paired.chain.execute(STRANGER, paired.registry.submit(submission))
    deep = load_network("embedded").model_copy(update={"confirmations": 2, "timeout_seconds": 1.0, "poll_seconds": 0.3})
    registry = Registry(Chain.connect(deep, paired.node), paired.registry.address)

    def mine(seconds: float) -> None:
        slept.append(seconds)
        paired.node.web3.provider.ethereum_tester.mine_block()  # type: ignore[attr-defined]

    waiting = Publisher(registry, Journal(tmp_path / "waiting.sqlite"), LocalSigner(FUND), sleep=slept.append)
    with pytest.raises(NetworkError, match="is not final yet"):
        waiting.publish(submission)
    assert sum(slept) > 1.0
    slept.clear()
    published = replace(waiting, sleep=mine).publish(submission)
    assert published.transaction is None and slept == [0.3, 0.3]


@pytest.mark.parametrize("recorded", [0, 1, None])
def test_what_counts_for_a_shorter_time_is_published_all_the_same(
    paired: World, next_epoch: int, tmp_path: Path, recorded: int | None
) -> None:
    """Somebody sends older proofs first, one or all of them: the whole submission counts with its own expiry."""
    submission = both(paired, next_epoch)
    older = submission if recorded is None else only(submission, recorded)
    older = replace(older, expiry=submission.expiry - 10)
    paired.chain.execute(FUND, paired.registry.transaction("commitSourceSet", *_set(submission)))
    paired.chain.execute(STRANGER, paired.registry.submit(older))
    impatient = replace(publisher(paired, tmp_path / "two.sqlite"), sleep=lambda _: pytest.fail("waits"))
    published = impatient.publish(submission)
    assert published.transaction is not None
    status = paired.registry.status(address(FUND), paired.policy)
    assert (status.epoch, status.expiry) == (next_epoch, submission.expiry)


def _set(submission: Submission) -> tuple[Any, ...]:
    s = submission
    return s.fund, s.policy_id, s.epoch, s.sources_encoded()


def _once(patch: pytest.MonkeyPatch, original: Any, instead: Any, *arguments: Any) -> None:
    patch.setattr(Chain, "send", original)
    instead(*arguments)


def test_one_refused_program_leaves_the_policy_open(paired: World, next_epoch: int, tmp_path: Path) -> None:
    path, submission = tmp_path / "journal.sqlite", both(paired, next_epoch)
    with pytest.raises(Reverted, match="PreviousSourceSetMismatch"):
        publisher(paired, path).publish(altered(submission))
    record = Journal(path).find(identity(paired, next_epoch))
    assert record is not None and record.state is State.REFUSED
    assert compliant_since(paired) < next_epoch and not attested(paired, next_epoch)[0]
    publisher(paired, path).publish(submission)
    assert compliant_since(paired) == next_epoch


def test_signatures_of_the_previous_epoch_are_not_published(paired: World, next_epoch: int) -> None:
    submission = both(paired, next_epoch)
    data = paired.registry.submit(submission).data
    assert all(source.signature in data for source in submission.sources)
    assert not any(source.signature in data for source in submission.previous)
