"""One story of eleven actors on anvil, every transition asserted; each chapter goes on where the one before ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from attest.chain import Call, Submission
from attest.chain.contract import Contract
from tests.attest.chain.stage_of_eleven import DAY, NOTICE, WINDOW, Governor, Play, Promise, Token
from tests.attest.examples import Example
from tests.contracts.anvil import anvil

pytestmark = pytest.mark.evm


@dataclass
class Story:
    """What one chapter leaves to the next. one, two: policies of the funds; stricter: the successor of the first."""

    play: Play
    token: Token
    governor: Governor
    one: Promise
    two: Promise
    stricter: Promise
    vault: Contract | None = None
    first: Submission | None = None

    @property
    def owner(self) -> str:
        return self.governor.timelock.address

    def id(self, promise: Promise) -> bytes:
        return self.play.policy(promise, self.owner)


@pytest.fixture(scope="module")
def story(small: Example) -> Iterator[Story]:
    with anvil() as url:
        play = Play(url, small)
        token = play.token()
        for voter, votes in (("voter 1", 60_000), ("voter 2", 40_000)):
            play.send(voter, token.call("mint", play.address(voter), votes))
            play.send(voter, token.call("delegate", play.address(voter)))
        key = small.statement.key
        stricter = replace(key, policy_hash=b"\x55" * 32)
        yield Story(
            play,
            token,
            play.governor(token),
            Promise("one", b"\x51" * 32, {"a": "custodian 1", "b": "custodian 2"}, key),
            Promise("two", b"\x52" * 32, {"a": "custodian 1", "b": "custodian 3"}, key),
            Promise("stricter", b"\x55" * 32, {"a": "custodian 1", "b": "custodian 2"}, stricter),
        )


def register(story: Story, promise: Promise) -> Call:
    play = story.play
    requirements, limits = play.requirements(promise), [promise.name]
    return play.policies.register(promise.policy_hash, requirements, 1, play.oversight(), limits=limits)


def test_chapter_1_token_holders_register_two_policies(story: Story) -> None:
    play = story.play
    story.governor.decide("two policies", register(story, story.one), register(story, story.two))
    for promise in (story.one, story.two):
        assert play.policies.owner(story.id(promise)) == story.owner
        assert play.policies.oversight(story.id(promise)).encoded() == play.oversight().encoded()
    for fund in ("fund 1", "fund 2"):
        play.send(fund, play.registry.register_fund(play.address(fund)))
    steal = play.registry.set_operator(play.address("fund 1"), play.address("attacker"), True)
    assert "NotOwner" in play.refused("attacker", steal)


def test_chapter_2_publishers_approve_and_a_wrong_digest_is_vetoed(story: Story) -> None:
    play, policies = story.play, story.play.policies
    one, two = story.id(story.one), story.id(story.two)
    play.begin_epoch()
    right, wrong = play.approval(story.one), play.approval(story.one, b"\x99" * 32)
    assert "NotPublisher" in play.refused("attacker", policies.approve_epoch(one, 1, right))
    play.send("publisher 1", policies.approve_epoch(one, 1, right))
    play.send("publisher 2", policies.approve_epoch(one, 1, wrong))
    assert policies.approved(one, 1) == ((), 0)
    play.send("publisher 2", policies.approve_epoch(one, 1, right))  # it computed again
    assert policies.approved(one, 1)[0] == (story.one.key.digest,)
    play.approve(story.two, two, 1, b"\x99" * 32)
    assert policies.approved(two, 1)[0] == (b"\x99" * 32,)
    assert "NotOverseer" in play.refused("attacker", policies.veto_epoch(two, 1, "spite"))
    play.send("auditor", policies.veto_epoch(two, 1, "the key of another market"))
    assert policies.approved(two, 1) == ((), 0)
    play.approve(story.two, two, 1)
    assert policies.approved(two, 1)[0] == (story.two.key.digest,)


def test_chapter_3_nothing_counts_in_the_window_and_a_front_runner_changes_nothing(story: Story) -> None:
    play, one = story.play, story.id(story.one)
    story.first = play.prove("fund 1", story.one, one, 1)
    submit = play.registry.submit(story.first)
    assert "ChallengeWindowOpen" in play.refused("fund 1", submit)
    play.wait(WINDOW)
    assert "NothingToVeto" in play.refused("auditor", play.policies.veto_epoch(one, 1, "too late"))
    assert "SourceSetNotCommitted" in play.refused("attacker", submit)  # seen in the mempool
    play.send("fund 1", play.commit(story.first))
    assert play.registry.source_set(story.first.fund, 1) and not play.compliant("fund 1", one)
    play.send("attacker", submit)  # now it may, and pays for the fund
    assert play.compliant("fund 1", one)
    assert "AlreadyAttested" in play.refused("fund 1", submit)
    assert "AlreadyAttested" in play.refused("attacker", submit)  # a replay


def test_chapter_4_a_vault_opens_and_another_fund_cannot_borrow_the_proof(story: Story) -> None:
    play, token = story.play, story.token
    one, two = story.id(story.one), story.id(story.two)
    story.vault = play.vault(token, "fund 1", one)
    investor = play.address("investor")
    play.send("investor", token.call("mint", investor, 1_000))
    play.send("investor", token.call("approve", story.vault.address, 1_000))
    play.send("investor", story.vault.transaction("deposit", 100, investor))
    assert story.vault.ask("totalAssets") == (100,)
    assert story.first is not None
    borrowed = replace(story.first, fund=play.address("fund 2"), policy_id=two)
    assert "InvalidSourceSignature" in play.refused("fund 2", play.registry.submit(borrowed))
    own = play.prove("fund 2", story.two, two, 1)
    (program,) = own.programs
    (foreign,) = story.first.programs
    swapped = replace(own, programs=(replace(program, proof=foreign.proof),))
    assert "OpeningRejected" in play.refused("fund 2", play.registry.submit(swapped))
    assert not play.compliant("fund 2", two)
    play.send("fund 2", play.registry.submit(own))
    assert play.compliant("fund 2", two)


def test_chapter_5_a_custodian_takes_back_what_it_signed(story: Story) -> None:
    play, one = story.play, story.id(story.one)
    fund, investor = play.address("fund 1"), play.address("investor")
    revoke = play.registry.revoke(fund, one, 1, "a wallet was counted twice")
    assert "NotEntitled" in play.refused("attacker", revoke)
    assert "NotEntitled" in play.refused("custodian 3", revoke)  # signs for the other fund
    play.send("custodian 2", revoke)
    assert not play.compliant("fund 1", one) and play.registry.is_revoked(fund, one, 1)
    assert story.first is not None and story.vault is not None
    assert "EpochRevoked" in play.refused("fund 1", play.registry.submit(story.first))
    assert story.vault.ask("maxDeposit", investor) == (0,)
    assert "FundNotCompliant" in play.refused("investor", story.vault.transaction("deposit", 1, investor))
    (shares,) = story.vault.ask("balanceOf", investor)
    play.send("investor", story.vault.transaction("redeem", shares // 2, investor, investor))  # never blocked
    assert story.vault.ask("totalAssets")[0] == 50


def test_chapter_6_the_next_epoch_heals_and_the_history_is_a_chain(story: Story) -> None:
    play, one = story.play, story.id(story.one)
    fund = play.address("fund 1")
    before = play.registry.status(fund, one)
    play.begin_epoch()
    play.approve(story.one, one, 2)
    play.wait(WINDOW)
    submission = play.prove("fund 1", story.one, one, 2)
    play.send("fund 1", play.registry.submit(submission))
    status = play.registry.status(fund, one)
    assert status.compliant and status.epoch == 2 and status.since == play.now
    history = play.registry.history(fund, one)
    assert [each.epoch for each in history] == [1, 2] and play.registry.is_revoked(fund, one, 1)
    types = ["bytes32", "address", "bytes32", "uint64", "uint64", "uint64", "uint64", "bytes32"]
    last = history[1]
    fields = [before.record_hash, fund, one, 2, last.expiry, last.block, last.completed_at, status.source_set_hash]
    assert status.record_hash == keccak(abi_encode(types, fields))


def test_chapter_7_an_auditor_suspends_and_a_fund_loses_compliance(story: Story) -> None:
    play, two = story.play, story.id(story.two)
    fund = play.address("fund 2")
    assert play.compliant("fund 2", two)
    suspend = play.registry.suspend(fund, two, "the custodian does not answer")
    assert "NotEntitled" in play.refused("attacker", suspend)
    play.send("auditor", suspend)
    status = play.registry.status(fund, two)
    assert not status.compliant and status.suspended == "by an auditor" and status.since == 0
    assert "NotSuspended" in play.refused("fund 2", play.registry.resume(fund, two))
    play.send("auditor", play.registry.resume(fund, two))
    assert play.registry.status(fund, two).since == play.now
    play.wait(20 * DAY)
    assert not play.compliant("fund 2", two)  # expired: nobody proved again


def test_chapter_8_a_policy_is_tightened_by_vote(story: Story) -> None:
    play, policies = story.play, story.play.policies
    one, stricter = story.id(story.one), story.id(story.stricter)
    play.begin_epoch()
    play.approve(story.one, one, 3)
    play.wait(WINDOW)
    play.send("fund 1", play.registry.submit(play.prove("fund 1", story.one, one, 3)))
    assert play.compliant("fund 1", one)
    announce = policies.schedule_replacement(one, stricter)
    assert "NotOwner" in play.refused("attacker", announce)
    story.governor.decide("a stricter policy", register(story, story.stricter), announce)
    replacement = policies.replacement(one)
    assert replacement is not None and replacement.successor == stricter
    assert replacement.effective_at >= play.now + NOTICE - DAY  # loosening would wait
    assert play.compliant("fund 1", one) and policies.current(one) == one
    confirm = policies.confirm_tightening(one, stricter)
    assert "NotPublisher" in play.refused("voter 1", confirm)
    play.send("publisher 1", confirm)
    assert policies.is_current(one)
    play.send("publisher 2", confirm)
    assert not policies.is_current(one) and policies.current(one) == stricter
    status = play.registry.status(play.address("fund 1"), one)
    assert not status.compliant and status.replaced  # the running attestation fell
    assert story.vault is not None
    assert story.vault.ask("maxDeposit", play.address("investor")) == (0,)


def test_chapter_9_the_vault_follows_the_successor(story: Story) -> None:
    play, stricter = story.play, story.id(story.stricter)
    play.begin_epoch()
    play.approve(story.stricter, stricter, 4)
    play.wait(WINDOW)
    play.send("fund 1", play.registry.submit(play.prove("fund 1", story.stricter, stricter, 4)))
    assert play.compliant("fund 1", stricter) and not play.compliant("fund 1", story.id(story.one))
    assert story.vault is not None
    assert story.vault.ask("maxDeposit", play.address("investor"))[0] > 0
    play.send("investor", story.vault.transaction("deposit", 7, play.address("investor")))
    play.begin_epoch()
    old = play.policies.approve_epoch(story.id(story.one), 5, play.approval(story.one))
    assert "PolicyReplaced" in play.refused("publisher 1", old)
