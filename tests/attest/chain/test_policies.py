"""Policies from Python: who approves, who throws out, what replaces what, and from when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Any

import pytest
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from attest.bundle import UINT64
from attest.chain import Approval, Chain, EmbeddedChain, Oversight, Policies, Registry, Reverted, deploy, load_network
from attest.chain.policies import MAXIMUM_NOTICE, MAXIMUM_WINDOW, MINIMUM_NOTICE, AccountSlot
from attest.errors import EncodingError
from attest.registration import SourceRequirement, policy_id
from tests.attest.chain.worlds import AS_OF, OWNER, REQUIREMENTS, STAND_INS, STRANGER, VALID_UNTIL, address

PUBLISHERS = (b"\x41" * 32, b"\x42" * 32, b"\x43" * 32)
AUDITOR = b"\x44" * 32
WINDOW, NOTICE = 3_600, 3 * 86_400
WATCHING = Oversight(
    publishers=tuple(address(key) for key in PUBLISHERS),
    threshold=2,
    challenge_window=WINDOW,
    notice_period=NOTICE,
    auditors=(address(AUDITOR),),
)
TWO_PROGRAMS = 2
SOURCES = {"a": b"\xaa" * 32, "b": b"\xbb" * 32}


@dataclass
class Desk:
    """A registry of policies, and who speaks to it."""

    node: EmbeddedChain
    chain: Chain
    policies: Policies
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def register(
        self, oversight: Oversight = WATCHING, requirements: tuple[SourceRequirement, ...] = REQUIREMENTS
    ) -> bytes:
        """A policy that no other test uses."""
        policy_hash = next(self.numbers).to_bytes(32, "big")
        self.chain.execute(
            OWNER, self.policies.register(policy_hash, requirements, TWO_PROGRAMS, oversight, limits=["NAV > 0"])
        )
        return policy_id(address(OWNER), policy_hash, requirements, TWO_PROGRAMS)

    def approve(self, key: bytes, policy: bytes, epoch: int, approval: Approval) -> None:
        self.chain.execute(key, self.policies.approve_epoch(policy, epoch, approval))

    def veto(self, key: bytes, policy: bytes, epoch: int, reason: str = "prices of another day") -> None:
        self.chain.execute(key, self.policies.veto_epoch(policy, epoch, reason))

    def wait(self, seconds: int) -> None:
        self.node.set_time(self.node.time + seconds)


COIN = "0x" + "00" * 20
"""The chain's own, where a token stands."""


@pytest.fixture(scope="module")
def desk() -> Desk:
    node = EmbeddedChain()
    for key in (OWNER, STRANGER, AUDITOR, *PUBLISHERS):
        node.endow(address(key))
    chain = Chain.connect(load_network("embedded"), node)
    return Desk(node, chain, Registry(chain, deploy(chain, OWNER, STAND_INS).registry).policies)


@pytest.fixture
def policy(desk: Desk) -> bytes:
    return desk.register()


def approval(**changed: Any) -> Approval:
    return replace(Approval(AS_OF, VALID_UNTIL, b"\x11" * 32, SOURCES, (b"\x01" * 32, b"\x02" * 32)), **changed)


# Who watches ---------------------------------------------------------------------------------------------------------


def test_who_watches_over_a_policy(desk: Desk, policy: bytes) -> None:
    policies = desk.policies
    told = policies.oversight(policy)
    assert set(told.publishers) == set(WATCHING.publishers) and told.auditors == WATCHING.auditors
    assert told.model_copy(update={"publishers": WATCHING.publishers}) == WATCHING
    assert [int(who, 16) for who in told.publishers] == sorted(int(who, 16) for who in WATCHING.publishers)
    assert [policies.is_publisher(policy, address(key)) for key in (*PUBLISHERS, OWNER, AUDITOR)] == [True] * 3 + [
        False
    ] * 2
    assert policies.owner(policy).lower() == address(OWNER).lower() and policies.has(policy)
    assert policies.program_count(policy) == TWO_PROGRAMS
    assert policies.is_current(policy) and policies.current(policy) == policy and policies.replacement(policy) is None
    unknown = bytes(32)
    assert not policies.has(unknown) and not policies.is_current(unknown) and policies.approved_epoch(unknown) == 0
    with pytest.raises(Reverted, match="UnknownPolicy"):
        policies.owner(unknown)


def test_registrations_that_are_refused(desk: Desk) -> None:
    register = desk.policies.register
    call = register(b"\x99" * 32, REQUIREMENTS, 1, WATCHING)
    desk.chain.execute(OWNER, call)
    with pytest.raises(Reverted, match="PolicyExists"):
        desk.chain.execute(OWNER, call)
    desk.chain.execute(STRANGER, call)  # under their own name
    for threshold in (4, 2**64 - 1):
        with pytest.raises(Reverted, match="InvalidOversight"):
            watching = WATCHING.model_copy(update={"threshold": threshold})
            desk.chain.execute(OWNER, register(b"\x98" * 32, REQUIREMENTS, 1, watching))
    for programs in (0, 129):
        with pytest.raises(Reverted, match="InvalidPolicy"):
            desk.chain.execute(OWNER, register(b"\x98" * 32, REQUIREMENTS, programs, WATCHING))


def test_an_oversight_file() -> None:
    content = WATCHING.encode()
    assert Oversight.parse(content) == WATCHING
    alone = Oversight(publishers=(address(OWNER),))
    assert alone.encoded() == ([address(OWNER)], 1, 0, MINIMUM_NOTICE, [])
    repeated = Oversight(publishers=(address(OWNER), address(OWNER).lower()))
    assert repeated.encoded()[0] == [address(OWNER)]
    for fields in ({"publishers": ()}, {"threshold": 0}, {"challenge_window": -1}, {"notice_period": 60}):
        with pytest.raises(ValidationError):
            Oversight(**{"publishers": WATCHING.publishers, **fields})  # type: ignore[arg-type]
    for seconds in (172_799, 31_536_001):
        changed = content.replace(b'"notice_period": %d' % NOTICE, b'"notice_period": %d' % seconds)
        with pytest.raises(EncodingError, match=rf"oversight.json: notice_period: {seconds} s; .*2 to 365 days"):
            Oversight.parse(changed, "oversight.json")
    with pytest.raises(EncodingError, match=r"oversight.json: challenge_window: 2592001 s; .*at most 30 days"):
        Oversight.parse(
            b'{"publishers": ["%s"], "challenge_window": 2592001}' % address(OWNER).encode(), "oversight.json"
        )


def test_the_contract_takes_what_an_oversight_file_may_say(desk: Desk) -> None:
    """And not a second more."""
    longest = Oversight(publishers=(address(OWNER),), challenge_window=MAXIMUM_WINDOW, notice_period=MAXIMUM_NOTICE)
    for name, beyond in (("challenge_window", MAXIMUM_WINDOW + 1), ("notice_period", MAXIMUM_NOTICE + 1)):
        with pytest.raises(Reverted, match="InvalidOversight"):
            desk.register(longest.model_copy(update={name: beyond}))
    assert desk.policies.oversight(desk.register(longest)) == longest


def test_an_approval_is_more_than_its_digests(desk: Desk, policy: bytes) -> None:
    """A public slot slipped in beside the right digests is another approval; another validity is not."""
    policies, said = desk.policies, approval()
    slipped = replace(said, public_slots={1: 400})
    assert policies.approved_as(policy, 1, said) is None
    for key in PUBLISHERS[:2]:
        desk.approve(key, policy, 1, slipped)
    assert policies.approved(policy, 1)[0] == said.digests
    seen = policies.approved_as(policy, 1, said)
    assert seen is not None and not seen.same and seen.valid_until == said.valid_until
    later = policies.approved_as(policy, 1, replace(slipped, valid_until=slipped.valid_until + 86_400))
    assert later is not None and later.same
    for changed in (
        replace(slipped, as_of=slipped.as_of + 1),
        replace(slipped, layout_hash=b"\x77" * 32),
        replace(slipped, owned_slots={**slipped.owned_slots, "a": b"\x77" * 32}),
        replace(slipped, digests=(slipped.digests[0], b"\x77" * 32)),
        replace(slipped, account_slots=(AccountSlot(9, "0x" + "ab" * 20, 1),)),
        replace(slipped, book_currencies=b"\x77" * 32),
    ):
        other = policies.approved_as(policy, 1, changed)
        assert other is not None and not other.same


def test_the_least_notice_is_the_contracts(desk: Desk) -> None:
    assert desk.policies.ask("minimumNotice") == (MINIMUM_NOTICE,)


# Votes ---------------------------------------------------------------------------------------------------------------


def test_as_many_publishers_as_the_threshold_approve(desk: Desk, policy: bytes) -> None:
    policies, said = desk.policies, approval()
    assert policies.votes(policy, 1, said) == 0 and policies.approved(policy, 1) == ((), 0)
    desk.approve(PUBLISHERS[0], policy, 1, said)
    assert policies.votes(policy, 1, said) == 1 and policies.approved(policy, 1) == ((), 0)
    other = approval(digests=(b"\x01" * 32, b"\x03" * 32))
    desk.approve(PUBLISHERS[1], policy, 1, other)
    assert (policies.votes(policy, 1, said), policies.votes(policy, 1, other)) == (1, 1)
    desk.approve(PUBLISHERS[0], policy, 1, said)
    assert policies.votes(policy, 1, said) == 1, "one publisher's word counts once"
    assert policies.approved_epoch(policy) == 0
    desk.approve(PUBLISHERS[1], policy, 1, said)
    assert (policies.votes(policy, 1, said), policies.votes(policy, 1, other)) == (2, 0), "a later word replaces it"
    assert policies.approved(policy, 1) == (said.digests, desk.node.time + WINDOW)
    assert policies.approved_epoch(policy) == 1
    with pytest.raises(Reverted, match=r"EpochNotAscending\(1, 1\)"):
        desk.approve(PUBLISHERS[2], policy, 1, other)


def test_only_publishers_vote(desk: Desk, policy: bytes) -> None:
    for key in (OWNER, AUDITOR, STRANGER):
        with pytest.raises(Reverted, match="NotPublisher"):
            desk.approve(key, policy, 1, approval())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"valid_until": AS_OF}, "InvalidValidity"),
        ({"as_of": 1, "valid_until": 2}, "InvalidValidity"),
        ({"layout_hash": bytes(32)}, "InvalidApproval"),
        ({"owned_slots": {"a": b"\xaa" * 32}}, "InvalidApproval"),
        ({"owned_slots": {"a": b"\xaa" * 32, "b": bytes(32)}}, "InvalidApproval"),
        ({"digests": (b"\x01" * 32,)}, "InvalidApproval"),
        ({"digests": (b"\x01" * 32, bytes(32))}, "InvalidApproval"),
        ({"account_slots": (AccountSlot(3, address(STRANGER), 0),)}, "InvalidApproval"),
        ({"account_slots": (AccountSlot(3, COIN, 1), AccountSlot(4, COIN, 1))}, "InvalidApproval"),
    ],
    ids=str,
)
def test_approvals_that_are_refused(desk: Desk, policy: bytes, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(Reverted, match=reason):
        desk.approve(PUBLISHERS[0], policy, 1, approval(**changed))


# The hash by which votes name an approval -----------------------------------------------------------------------------

HASHES = st.binary(min_size=32, max_size=32).filter(any)
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda data: "0x" + data.hex())
UINT256 = st.integers(0, 2**256 - 1)
ACCOUNT_SLOTS = st.builds(AccountSlot, UINT256, ADDRESSES, st.integers(1, 2**256 - 1))
APPROVALS = st.builds(
    Approval,
    as_of=st.integers(0, AS_OF),
    valid_until=st.integers(VALID_UNTIL, UINT64),
    layout_hash=HASHES,
    owned_slots=st.fixed_dictionaries({"a": HASHES, "b": HASHES}),
    digests=st.tuples(HASHES, HASHES),
    public_slots=st.dictionaries(UINT256, UINT256, max_size=3),
    account_slots=st.lists(ACCOUNT_SLOTS, max_size=3, unique_by=lambda slot: slot.token).map(tuple),
)
_epochs = count(1)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=APPROVALS)
def test_votes_are_found_by_the_hash(desk: Desk, policy: bytes, said: Approval) -> None:
    """The contract counts by keccak256 of the ABI encoding; had Python another, `votes` would find nothing."""
    epoch = next(_epochs)
    desk.approve(PUBLISHERS[0], policy, epoch, said)
    assert desk.policies.votes(policy, epoch, said) == 1
    assert desk.policies.votes(policy, epoch, replace(said, as_of=said.as_of + 1)) == 0


def test_every_field_is_in_the_hash() -> None:
    account = AccountSlot(7, address(STRANGER), 10)
    base = approval(public_slots={3: 4}, account_slots=(account,))
    others = [
        replace(base, as_of=AS_OF + 1),
        replace(base, valid_until=VALID_UNTIL + 1),
        replace(base, layout_hash=b"\x12" * 32),
        replace(base, owned_slots={"a": b"\xbb" * 32, "b": b"\xaa" * 32}),
        replace(base, digests=base.digests[::-1]),
        replace(base, digests=base.digests[:1]),
        replace(base, book_currencies=b"\x77" * 32),
        replace(base, public_slots={}),
        replace(base, public_slots={4: 3}),
        replace(base, public_slots={3: 5}),
        replace(base, account_slots=()),
        *(replace(base, account_slots=(replace(account, **c),)) for c in ({"slot": 8}, {"token": COIN}, {"lot": 1})),  # type: ignore[arg-type]
    ]
    assert len({each.hash for each in (base, *others)}) == len(others) + 1


def test_the_order_in_which_parts_are_named_does_not_matter() -> None:
    """The chain wants ascending order, and gets it."""
    slots = (AccountSlot(9, COIN, 1), AccountSlot(2, COIN, 1))
    one = approval(public_slots={5: 1, 4: 2}, account_slots=slots)
    other = approval(
        public_slots={4: 2, 5: 1}, account_slots=slots[::-1], owned_slots=dict(reversed(list(SOURCES.items())))
    )
    assert one.hash == other.hash
    _, _, _, owned, _, public, accounts, _ = one.encoded()
    assert public == [(4, 2), (5, 1)] and [slot for slot, _, _ in accounts] == [2, 9]
    assert owned == [SOURCES[r.source] for r in sorted(REQUIREMENTS, key=lambda r: r.id)]


# Vetoes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [PUBLISHERS[2], AUDITOR, OWNER], ids=["a publisher", "an auditor", "the owner"])
def test_a_veto_within_the_window(desk: Desk, policy: bytes, key: bytes) -> None:
    policies, wrong, right = desk.policies, approval(), approval(layout_hash=b"\x13" * 32)
    for publisher in PUBLISHERS[:2]:
        desk.approve(publisher, policy, 1, wrong)
    desk.wait(WINDOW // 2)
    with pytest.raises(Reverted, match="NotOverseer"):
        desk.veto(STRANGER, policy, 1)
    with pytest.raises(Reverted, match="EmptyReason"):
        desk.veto(key, policy, 1, "")
    desk.veto(key, policy, 1)
    assert policies.approved(policy, 1) == ((), 0) and policies.votes(policy, 1, wrong) == 0
    for publisher in PUBLISHERS[1:]:
        desk.approve(publisher, policy, 1, right)
    assert policies.approved(policy, 1)[0] == right.digests


def test_no_veto_after_the_window(desk: Desk, policy: bytes) -> None:
    with pytest.raises(Reverted, match="NothingToVeto"):
        desk.veto(AUDITOR, policy, 1)
    for publisher in PUBLISHERS[:2]:
        desk.approve(publisher, policy, 1, approval())
    desk.wait(WINDOW)
    with pytest.raises(Reverted, match=r"NothingToVeto\(0x[0-9a-f]{64}, 1\)"):
        desk.veto(AUDITOR, policy, 1)
    assert desk.policies.approved(policy, 1)[0] == approval().digests


# Replacement ---------------------------------------------------------------------------------------------------------


def test_a_replacement_counts_after_the_notice(desk: Desk, policy: bytes) -> None:
    policies, successor = desk.policies, desk.register()
    with pytest.raises(Reverted, match="NotOwner"):
        desk.chain.execute(PUBLISHERS[0], policies.schedule_replacement(policy, successor))
    with pytest.raises(Reverted, match="InvalidSuccessor"):
        desk.chain.execute(OWNER, policies.schedule_replacement(policy, policy))
    desk.chain.execute(OWNER, policies.schedule_replacement(policy, successor))
    announced = policies.replacement(policy)
    assert announced is not None
    assert (announced.successor, announced.effective_at) == (successor, desk.node.time + NOTICE)
    assert policies.is_current(policy) and policies.current(policy) == policy
    with pytest.raises(Reverted, match="ReplacementPending"):
        desk.chain.execute(OWNER, policies.schedule_replacement(policy, desk.register()))
    desk.node.set_time(announced.effective_at + 12)
    assert not policies.is_current(policy) and policies.current(policy) == successor
    assert policies.is_current(successor) and policies.replacement(policy) == announced
    with pytest.raises(Reverted, match="PolicyReplaced"):
        desk.approve(PUBLISHERS[0], policy, 1, approval())


def test_a_tighter_policy_counts_when_publishers_say_so(desk: Desk, policy: bytes) -> None:
    policies, successor = desk.policies, desk.register()
    confirming = policies.confirm_tightening(policy, successor)
    with pytest.raises(Reverted, match="NoReplacement"):
        desk.chain.execute(PUBLISHERS[0], confirming)
    desk.chain.execute(OWNER, policies.schedule_replacement(policy, successor))
    with pytest.raises(Reverted, match="NotPublisher"):
        desk.chain.execute(OWNER, confirming)
    desk.chain.execute(PUBLISHERS[0], confirming)
    with pytest.raises(Reverted, match="AlreadyConfirmed"):
        desk.chain.execute(PUBLISHERS[0], confirming)
    assert policies.current(policy) == policy
    desk.chain.execute(PUBLISHERS[2], confirming)
    assert policies.current(policy) == successor and not policies.is_current(policy)
    replaced = policies.replacement(policy)
    assert replaced is not None and replaced.effective_at == desk.node.time


@pytest.mark.parametrize("what", ["other overseers", "another signer", "no proof of representation"])
def test_what_cannot_be_called_tighter(desk: Desk, what: str) -> None:
    first, *others = REQUIREMENTS
    owing = (replace(first, representation=True), *others)
    policy = desk.register(requirements=owing)
    successor = {
        "other overseers": lambda: desk.register(WATCHING.model_copy(update={"threshold": 1}), owing),
        "another signer": lambda: desk.register(
            requirements=(replace(owing[0], signer=str(Account.create().address)), *others)
        ),
        "no proof of representation": desk.register,
    }[what]()
    desk.chain.execute(OWNER, desk.policies.schedule_replacement(policy, successor))
    with pytest.raises(Reverted, match="NotComparable"):
        desk.chain.execute(PUBLISHERS[0], desk.policies.confirm_tightening(policy, successor))


def test_successors_of_successors(desk: Desk, policy: bytes) -> None:
    chain = [policy, desk.register(), desk.register()]
    for old, new in pairwise(chain):
        desk.chain.execute(OWNER, desk.policies.schedule_replacement(old, new))
    desk.wait(NOTICE + 12)
    assert [desk.policies.current(each) for each in chain] == [chain[-1]] * 3
