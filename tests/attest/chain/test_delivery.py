"""A submission on a chain that does everything to it that chains and nodes do."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attest.chain import (
    ClockSkew,
    Identity,
    InsufficientFunds,
    Journal,
    JournalError,
    LocalSigner,
    NetworkError,
    NonceGap,
    Record,
    Reverted,
    State,
    Unreachable,
    WouldExpire,
)
from attest.chain.journal import Purpose
from tests.attest.chain.scripted import (
    CHAIN_ID,
    ETHER,
    FUND_ADDRESS,
    GWEI,
    KEY,
    OTHER,
    REGISTRY,
    START,
    Desk,
    Refusal,
    ScriptedChain,
    foreign,
    parse,
    submission,
)

SENDER = LocalSigner(KEY).address


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def found(desk: Desk, epoch: int = 1) -> Record:
    identity = Identity(CHAIN_ID, REGISTRY, FUND_ADDRESS, b"\x01" * 32, epoch)
    record = Journal(desk.folder / "journal.sqlite").find(identity)
    assert record is not None
    return record


def mine_each(desk: Desk) -> Callable[[int], None]:
    return lambda _: desk.scripted.mine()


class Killed(BaseException):
    """The process dies here."""


def kill_at(desk: Desk, sleep: int, key: bytes = KEY) -> None:
    """The process is killed at its sleep of that number; everything mined so far stays."""

    def script(number: int) -> None:
        if number == sleep:
            raise Killed

    desk.script = script
    with pytest.raises(Killed):
        desk.publisher(key).publish(submission())
    desk.sleeps = 0


def test_from_prepared_to_final(desk: Desk) -> None:
    states: list[State] = []

    def script(_: int) -> None:
        states.append(found(desk).state)
        desk.scripted.mine()

    desk.script = script
    published = desk.publisher().publish(submission())
    assert states == [State.SENT, State.MINED, State.MINED, State.MINED]
    record = found(desk)
    assert (record.state, record.block, record.nonce, len(record.variants)) == (State.FINAL, 1, 0, 1)
    assert (published.block, published.gas_used) == (1, 50_000)
    assert published.transaction == "0x" + record.variants[0].signed.hash.hex()
    assert len(desk.scripted.submissions) == len(desk.scripted.recorded) == 1
    sleeps = desk.sleeps
    assert desk.publisher().publish(submission()) == published and desk.sleeps == sleeps


def test_final_by_the_nodes_own_word(desk: Desk) -> None:
    """Where the node names a finalized block, depth does not count; where it does not, depth does."""
    desk.change(finalized=True)
    desk.scripted.finalized = 0

    def script(number: int) -> None:
        desk.scripted.mine()
        desk.scripted.finalized = 5 if number == 20 else desk.scripted.finalized

    desk.script = script
    desk.publisher().publish(submission())
    assert desk.sleeps == 20
    desk.scripted.finalized = None
    desk.publisher().publish(submission(2))
    assert desk.sleeps == 24


def test_final_takes_its_time_but_not_for_ever(desk: Desk) -> None:
    desk.change(poll_seconds=10)
    desk.script = lambda number: desk.scripted.mine() if number == 1 else None
    with pytest.raises(NetworkError, match=r"mined in block 1; blocks up to 0 are final. Run the command again"):
        desk.publisher().publish(submission())
    assert found(desk).state is State.MINED
    desk.scripted.mine(3)
    assert desk.publisher().publish(submission()).block == 1


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("forget", [True, False])
def test_a_reorganisation_brings_the_same_bytes_back(desk: Desk, forget: bool, killed: bool) -> None:
    if killed:
        desk.script = lambda _: desk.scripted.mine()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "final", lambda *_: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                desk.publisher().publish(submission())
        desk.scripted.blocks[2:] = []
        desk.sleeps = 1

    def script(number: int) -> None:
        if number == 2:
            desk.scripted.reorganise(1, forget=forget)
            desk.scripted.mine(2, empty=True)
        else:
            desk.scripted.mine()

    desk.script = script
    published = desk.publisher().publish(submission())
    record = found(desk)
    assert desk.said("block 1 is no longer part of the chain")
    assert record.state is State.FINAL and published.block == record.block == (4 if forget else 3)
    assert len(record.variants) == 1 and set(desk.scripted.submissions) == {record.variants[0].signed.raw}
    assert len(desk.scripted.recorded) == 1


def test_a_receipt_that_moves_to_another_block(desk: Desk) -> None:
    def script(number: int) -> None:
        if number == 2:
            desk.scripted.reorganise(1, forget=False)
            desk.scripted.mine(1, empty=True)
        desk.scripted.mine()

    desk.script = script
    assert desk.publisher().publish(submission()).block == 2
    assert not desk.said("no longer part")


def test_a_stuck_transaction_is_replaced_by_one_that_pays_an_eighth_more(desk: Desk) -> None:
    desk.change(poll_seconds=10)

    def script(_: int) -> None:
        desk.scripted.base_fee = 22 * GWEI  # just above what the first would pay
        desk.scripted.mine(empty=len(found(desk).variants) < 2)

    desk.script = script
    published = desk.publisher().publish(submission())
    first, second = (variant.signed.transaction for variant in found(desk).variants)
    assert desk.sleeps >= 3 and desk.said("replaced")
    assert second.max_fee * 8 >= first.max_fee * 9 and second.priority_fee * 8 >= first.priority_fee * 9
    assert (first.nonce, first.data, first.to, first.gas) == (second.nonce, second.data, second.to, second.gas)
    assert second.max_fee == 2 * 22 * GWEI + GWEI  # what a new transaction would pay is more than an eighth
    assert published.transaction == "0x" + found(desk).variants[1].signed.hash.hex()
    assert len(desk.scripted.recorded) == 1


@pytest.mark.parametrize("which", [0, 1, 2])
def test_any_of_the_replaced_ones_may_be_mined(desk: Desk, which: int) -> None:
    """And whichever it is, a publisher that was killed in between finds it."""
    desk.change(poll_seconds=10)
    kill_at(desk, 7)
    record = found(desk)
    assert [variant.purpose for variant in record.variants] == [Purpose.SUBMIT] * 3
    mined = record.variants[which].signed
    desk.scripted.forget()
    desk.scripted.send_raw_transaction("0x" + mined.raw.hex())
    desk.scripted.mine()
    desk.script = mine_each(desk)
    published = desk.publisher().publish(submission())
    assert published.transaction == "0x" + mined.hash.hex()
    assert found(desk).state is State.FINAL and len(found(desk).variants) == 3
    assert len(desk.scripted.recorded) == desk.scripted.nonce(SENDER) == 1


def test_a_replacement_that_was_signed_and_not_sent(desk: Desk) -> None:
    with pytest.MonkeyPatch.context() as patch:
        replace = Journal.replace
        patch.setattr(Journal, "replace", lambda *args: (replace(*args), (_ for _ in ()).throw(Killed))[1])
        with pytest.raises(Killed):
            desk.publisher().publish(submission())
    record = found(desk)
    assert len(record.variants) == 2 and desk.scripted.submissions == [record.variants[0].signed.raw]
    desk.script = mine_each(desk)
    published = desk.publisher().publish(submission())
    assert published.transaction == "0x" + record.variants[1].signed.hash.hex()
    assert found(desk).variants == record.variants


def test_the_bound_on_fees_holds_for_replacements(desk: Desk) -> None:
    desk.change(max_fee_gwei=24, poll_seconds=10)
    with pytest.raises(NetworkError, match="above the bound"):
        desk.publisher().publish(submission())
    fees = [variant.signed.transaction.max_fee for variant in found(desk).variants]
    assert fees == [21 * GWEI, -(-21 * GWEI * 9 // 8)]
    desk.scripted.mine(4)
    assert desk.publisher().publish(submission()).block == 1


def test_without_a_bound_replacements_still_end(desk: Desk) -> None:
    desk.change(poll_seconds=30)
    with pytest.raises(NetworkError, match="above the bound"):
        desk.publisher().publish(submission())
    assert max(v.signed.transaction.max_fee for v in found(desk).variants) <= 4 * 21 * GWEI


def test_two_publishers_replace_once(desk: Desk) -> None:
    kill_at(desk, 2)
    journal, record = Journal(desk.folder / "journal.sqlite"), found(desk)
    signed = record.variants[0].signed
    once = journal.replace(record, Purpose.SUBMIT, lambda: signed)
    assert len(once.variants) == 2
    assert journal.replace(record, Purpose.SUBMIT, lambda: signed) == once


def test_a_node_that_forgets_is_told_again(desk: Desk) -> None:
    def script(number: int) -> None:
        if number == 1:
            desk.scripted.forget()
        elif number > 2:
            desk.scripted.mine()

    desk.script = script
    desk.publisher().publish(submission())
    assert len(desk.scripted.submissions) == 2 and len(set(desk.scripted.submissions)) == 1


def test_a_missing_nonce_is_named(desk: Desk) -> None:
    desk.scripted.send_raw_transaction(foreign(0))
    desk.change(poll_seconds=10)
    desk.script = lambda number: desk.scripted.pool.pop(next(iter(desk.scripted.pool)), None) if number == 1 else None
    with pytest.raises(NonceGap, match=f"nonce 0 of {SENDER} is missing, and this journal has never used it; nonce 1"):
        desk.publisher().publish(submission())
    record = found(desk)
    assert (record.state, record.nonce, len(record.variants)) == (State.SENT, 1, 1)
    desk.scripted.send_raw_transaction(foreign(0))
    desk.script = mine_each(desk)
    desk.publisher().publish(submission())
    assert desk.scripted.nonce(SENDER) == 2 and len(desk.scripted.recorded) == 2


def test_a_lower_nonce_of_somebody_elses_is_waited_for(desk: Desk) -> None:
    desk.scripted.send_raw_transaction(foreign(0, fee=2 * GWEI))
    desk.change(poll_seconds=10)
    with pytest.raises(NonceGap, match="not this journal's and not mined yet"):
        desk.publisher().publish(submission())
    assert len(found(desk).variants) == 1


def test_a_lower_nonce_of_our_own_is_sent_first(desk: Desk) -> None:
    """An earlier publisher was killed between signing and sending; the next submission sends both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "sent", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            desk.publisher().publish(submission())
    desk.scripted.forget()
    desk.script = mine_each(desk)
    assert desk.publisher().publish(submission(2)).block == 1
    assert found(desk).state is State.SIGNED and found(desk, 2).nonce == 1
    assert desk.publisher().publish(submission()).block == 1
    assert len(desk.scripted.recorded) == 2 == desk.scripted.nonce(SENDER)


def test_a_lower_nonce_of_our_own_is_replaced_when_it_is_stuck(desk: Desk) -> None:
    kill_at(desk, 2)
    desk.now += 40

    def script(_: int) -> None:
        if len(found(desk).variants) == 2:
            desk.scripted.mine()

    desk.script = script
    desk.publisher().publish(submission(2))
    assert len(found(desk).variants) == 2 and len(desk.scripted.recorded) == 2


def test_an_expired_submission_gives_its_nonce_to_an_empty_transaction(desk: Desk) -> None:
    expiry = START + 60
    desk.scripted.base_fee = 10 * GWEI
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "sent", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            desk.publisher().publish(submission(expiry=expiry))
    desk.scripted.mine(10, empty=True)
    desk.now = desk.scripted.time
    desk.script = mine_each(desk)
    desk.publisher().publish(submission(2))
    record = found(desk)
    assert [variant.purpose for variant in record.variants] == [Purpose.SUBMIT, Purpose.FILL]
    fill = record.variants[1].signed.transaction
    assert (fill.to, fill.data, fill.value, fill.nonce) == (SENDER, b"", 0, 0)
    assert len(desk.scripted.recorded) == 1 and desk.scripted.nonce(SENDER) == 2
    with pytest.raises(JournalError, match="used up by an empty transaction; --retry"):
        desk.publisher().publish(submission(expiry=expiry))
    desk.publisher().publish(submission(proof=b"later"), retry=True)
    assert found(desk).attempt == 2 and len(desk.scripted.recorded) == 2


def test_a_new_attempt_after_one_that_expired_in_the_pool(desk: Desk) -> None:
    """The pool still has the old one and would not let it go for the same fee."""
    desk.change(poll_seconds=10, bump_seconds=1000)
    desk.script = lambda _: desk.scripted.mine(empty=True)
    with pytest.raises(JournalError, match="expired"):
        desk.publisher().publish(submission(expiry=START + 60))
    assert len(desk.scripted.pool) == 1
    desk.script = mine_each(desk)
    desk.publisher().publish(submission(proof=b"later"), retry=True)
    assert desk.said("nonce 0 waited too long: filled with an empty transaction")
    assert found(desk).nonce == 1 and len(desk.scripted.recorded) == 1 and desk.scripted.nonce(SENDER) == 2


def test_the_nonce_went_elsewhere_for_good(desk: Desk) -> None:
    kill_at(desk, 2)
    desk.scripted.forget()
    desk.scripted.send_raw_transaction(foreign(0))
    states: list[State] = []

    def script(_: int) -> None:
        states.append(found(desk).state)
        desk.scripted.mine()

    desk.script = script
    with pytest.raises(JournalError, match=f"nonce 0 of {SENDER} went to another transaction.*--retry"):
        desk.publisher().publish(submission())
    assert states == [State.SENT] * 6
    assert found(desk).state is State.DROPPED
    desk.publisher().publish(submission(), retry=True)
    assert desk.scripted.nonce(SENDER) == 2 and len(desk.scripted.recorded) == 2


@pytest.mark.parametrize("late", [1, 2])
def test_a_receipt_that_comes_late(desk: Desk, late: int) -> None:
    """A node counts the transaction, to the depth that is final, before it finds the receipt."""
    own, asked = desk.scripted.get_transaction_receipt, 0

    def receipt(text: str) -> Any:
        nonlocal asked
        asked += bool(desk.scripted.recorded)
        return own(text) if asked > 2 * late else None  # a look at a loss asks twice

    desk.scripted.get_transaction_receipt = receipt  # type: ignore[method-assign]
    desk.script = lambda _: desk.scripted.mine(9)
    published = desk.publisher().publish(submission())
    assert published.block == 1 and found(desk).state is State.FINAL and len(desk.scripted.recorded) == 1


def test_the_nonce_comes_back_with_a_reorganisation(desk: Desk) -> None:
    kill_at(desk, 2)
    desk.scripted.forget()
    desk.scripted.send_raw_transaction(foreign(0))

    def script(number: int) -> None:
        if number == 2:
            desk.scripted.reorganise(1)
        desk.scripted.mine()

    desk.script = script
    desk.publisher().publish(submission())
    assert found(desk).state is State.FINAL and len(found(desk).variants) == 1


def test_missing_ether_is_named_before_anything_is_signed(desk: Desk) -> None:
    desk.scripted.balance = 10**15
    with pytest.raises(InsufficientFunds, match=rf"{SENDER} lacks 0.011600 ether for gas; .*nothing is lost"):
        desk.publisher().publish(submission())
    assert found(desk).state is State.PREPARED and not desk.scripted.submissions
    desk.scripted.balance, desk.script = ETHER, mine_each(desk)
    desk.publisher().publish(submission())


def test_ether_that_is_spent_in_between(desk: Desk) -> None:
    kill_at(desk, 2)
    raw = found(desk).variants[0].signed.raw
    desk.scripted.forget()
    desk.scripted.balance = 0
    with pytest.raises(InsufficientFunds, match=r"lacks 0\.012600 ether"):
        desk.publisher().publish(submission())
    assert found(desk).variants[0].signed.raw == raw
    desk.scripted.balance, desk.script = ETHER, mine_each(desk)
    desk.publisher().publish(submission())
    assert set(desk.scripted.submissions) == {raw}


def test_a_replacement_that_cannot_be_paid_is_not_made(desk: Desk) -> None:
    desk.change(poll_seconds=10)

    def script(number: int) -> None:
        desk.scripted.balance = 10**15
        if number > 4:
            desk.scripted.mine()

    desk.script = script
    desk.publisher().publish(submission())
    assert desk.said(f"{SENDER} lacks") and len(found(desk).variants) == 1


@pytest.mark.parametrize(("seconds", "where"), [(-300, "300 s behind"), (300, "300 s ahead of")])
def test_clocks_far_apart(desk: Desk, seconds: int, where: str) -> None:
    desk.now += seconds
    desk.change(max_skew_seconds=100)
    with pytest.raises(ClockSkew, match=f"clock is {where} the latest block, more than max_skew_seconds = 100"):
        desk.publisher().publish(submission())
    assert not desk.scripted.submissions
    desk.change(max_skew_seconds=0)
    desk.script = mine_each(desk)
    desk.publisher().publish(submission())


def test_clocks_a_little_apart(desk: Desk) -> None:
    desk.now += 50
    desk.change(max_skew_seconds=100)
    desk.script = mine_each(desk)
    desk.publisher().publish(submission())
    assert desk.said("50 s ahead of") and desk.said("judged by the chain's clock")


def test_what_expires_too_soon_is_not_signed(desk: Desk) -> None:
    with pytest.raises(WouldExpire, match="expires 20 s after the latest block"):
        desk.publisher().publish(submission(expiry=START + 20))
    assert found(desk).state is State.PREPARED
    desk.script = mine_each(desk)
    desk.publisher().publish(submission(expiry=START + 500))


def test_what_expires_while_it_waits_is_not_sent_or_replaced(desk: Desk) -> None:
    desk.scripted.base_fee, expiry = 10 * GWEI, START + 60
    desk.script = lambda number: desk.scripted.mine(empty=True) if number < 15 else None
    desk.change(bump_seconds=5)

    def forgetful(number: int) -> None:
        desk.scripted.mine(empty=True)
        desk.scripted.forget()

    desk.script = forgetful
    with pytest.raises(JournalError, match=f"it expired at {expiry} before it was mined; --retry"):
        desk.publisher().publish(submission(expiry=expiry))
    assert desk.said("it is not sent or replaced any more")
    assert found(desk).state is State.DROPPED and len(found(desk).variants) == 1
    assert 1 < len(desk.scripted.submissions) <= 4  # again while there was time, and never after


def test_what_was_signed_and_expired_before_it_was_sent(desk: Desk) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attest.chain.Chain.send", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            desk.publisher().publish(submission(expiry=START + 60))
    desk.scripted.mine(4)
    desk.now = desk.scripted.time
    with pytest.raises(WouldExpire):
        desk.publisher().publish(submission(expiry=START + 60))
    assert found(desk).state is State.SIGNED
    desk.scripted.mine(6)
    desk.now = desk.scripted.time
    with pytest.raises(JournalError, match="before it was sent"):
        desk.publisher().publish(submission(expiry=START + 60))
    assert not desk.scripted.submissions


def overtake(desk: Desk) -> None:
    """Somebody else's transaction with the same content is mined first."""
    rival = Desk(desk.folder / "rival", desk.scripted)
    rival.folder.mkdir()
    kill_at(rival, 1, OTHER)
    other = next(sent for sent in desk.scripted.pool.values() if sent.sender != SENDER)
    desk.scripted.mine(only=other.hash)


def test_a_failure_is_believed_when_it_is_final(desk: Desk) -> None:
    def script(number: int) -> None:
        if number == 1:
            overtake(desk)
        desk.scripted.mine()

    desk.script = script
    with pytest.raises(Reverted, match=r"AlreadyAttested\(.*--retry") as refusal:
        desk.publisher().publish(submission())
    assert refusal.value.transaction is not None and desk.sleeps == 4
    record = found(desk)
    assert record.state is State.REVERTED and str(record.reason).startswith("AlreadyAttested")
    with pytest.raises(Reverted, match="AlreadyAttested"):
        desk.publisher().publish(submission())


def test_a_failure_that_a_reorganisation_undoes(desk: Desk) -> None:
    def script(number: int) -> None:
        if number == 1:
            overtake(desk)
        if number == 2:
            assert str(found(desk).reason).startswith("AlreadyAttested")
            desk.scripted.reorganise(2)  # and nobody remembers the other one
        desk.scripted.mine()

    desk.script = script
    desk.publisher().publish(submission())
    record = found(desk)
    assert (record.state, record.reason, len(record.variants)) == (State.FINAL, None, 1)
    assert len(desk.scripted.recorded) == 1


def test_a_node_that_falls_silent_while_it_waits(desk: Desk) -> None:
    def script(number: int) -> None:
        desk.scripted.faults = {"eth_getTransactionReceipt": OSError("http://secret")} if number in (2, 3) else {}
        desk.scripted.mine()

    desk.script = script
    desk.publisher().publish(submission())
    assert desk.said("cannot be reached") and not desk.said("secret")


def test_a_node_that_stays_silent(desk: Desk) -> None:
    desk.change(poll_seconds=10)
    desk.script = lambda _: desk.scripted.faults.update({"eth_getTransactionReceipt": OSError()})
    with pytest.raises(Unreachable):
        desk.publisher().publish(submission())
    desk.scripted.faults.clear()
    desk.script = mine_each(desk)
    desk.publisher().publish(submission())
    assert len(desk.scripted.recorded) == 1


def test_a_node_that_refuses(desk: Desk) -> None:
    """Its words are shown; later, or with a higher fee, the same submission goes on."""
    desk.scripted.faults["eth_sendRawTransaction"] = Refusal("max fee per gas less than block base fee")
    for _ in range(2):
        with pytest.raises(NetworkError, match="less than block base fee"):
            desk.publisher().publish(submission())
    assert found(desk).state is State.SIGNED
    desk.now += 31
    desk.scripted.faults.clear()
    desk.scripted.send_raw_transaction = lambda text: _at_least(desk, text, 22 * GWEI)  # type: ignore[method-assign]
    desk.script = mine_each(desk)
    desk.publisher().publish(submission())
    assert len(found(desk).variants) == 2 and len(desk.scripted.recorded) == 1


def _at_least(desk: Desk, text: str, fee: int) -> Any:
    if parse(bytes.fromhex(text[2:]))[0].max_fee < fee:
        raise Refusal("max fee per gas less than block base fee")
    return ScriptedChain.send_raw_transaction(desk.scripted, text)


def test_another_key_goes_on_without_replacing(desk: Desk) -> None:
    kill_at(desk, 2)
    desk.now += 60
    desk.script = lambda number: desk.scripted.mine() if number > 3 else None
    desk.publisher(OTHER).publish(submission())
    assert desk.said("another key signed it") and len(found(desk).variants) == 1


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_it_is_recorded_once(tmp_path: Path, seed: int) -> None:
    """Kills, reorganisations, forgetful and silent nodes, rising fees and two submissions, in any order."""
    dice, desk = random.Random(seed), Desk(tmp_path)
    desk.change(poll_seconds=10)

    def script(_: int) -> None:
        desk.scripted.faults.clear()
        match dice.randrange(8):
            case 0:
                raise Killed
            case 1:
                depth = dice.randint(1, min(3, len(desk.scripted.blocks) - 1) or 1)
                if len(desk.scripted.blocks) > depth:
                    desk.scripted.reorganise(depth, forget=dice.random() < 0.5)
                    desk.scripted.mine(depth + 1, empty=dice.random() < 0.5)
            case 2:
                desk.scripted.forget()
            case 3:
                desk.scripted.base_fee = dice.choice((10, 15, 22)) * GWEI
            case 4:
                method = dice.choice(("eth_getTransactionReceipt", "eth_getBlockByNumber", "eth_getTransactionCount"))
                desk.scripted.faults[method] = OSError()
            case _:
                desk.scripted.mine(empty=dice.random() < 0.3)

    desk.script = script
    for epoch in (1, 2):
        for _ in range(200):
            try:
                desk.publisher().publish(submission(epoch, expiry=START + 10**6))
                break
            except (Killed, Unreachable):
                desk.scripted.faults.clear()
    desk.scripted.mine(4, empty=True)
    assert [found(desk, epoch).state for epoch in (1, 2)] == [State.FINAL, State.FINAL]
    assert len(desk.scripted.recorded) == len(set(desk.scripted.recorded)) == desk.scripted.nonce(SENDER) == 2
