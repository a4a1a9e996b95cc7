"""The registry of policies from Python: who watches over a policy, what is approved, what replaced what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from eth_abi.abi import encode as abi_encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from pydantic import Field, field_validator

from attest.bundle import UINT64, Address, File
from attest.chain.contract import Contract
from attest.chain.transactions import Call, Chain
from attest.program import source_id
from attest.registration import SourceRequirement, ordered
from attest.statement import NO_HASH

DAY = 86_400
MINIMUM_NOTICE, MAXIMUM_NOTICE = 2 * DAY, 365 * DAY
MAXIMUM_WINDOW = 30 * DAY
"""Seconds between which the contract wants a notice period, and up to which a challenge window."""
APPROVAL_TYPE = "(uint64,uint64,bytes32,bytes32[],bytes32[],(uint256,uint256)[],(uint256,address,uint256)[],bytes32)"


class Oversight(File):
    """Who watches over a policy: public.

    Args:
        publishers: addresses that approve each epoch's statements; threshold: how many must say the same.
        challenge_window: seconds in which what they approved can be vetoed before it counts; at most 30 days.
        notice_period: seconds from the announcement of a looser policy, or of other overseers, until it counts; 2 to
            365 days.
        auditors: addresses that may veto approvals, and suspend and revoke attestations.
    """

    version: Literal["1"] = "1"
    publishers: Annotated[tuple[Address, ...], Field(min_length=1, strict=False)]
    threshold: Annotated[int, Field(ge=1, le=UINT64)] = 1
    challenge_window: int = 0
    notice_period: int = MINIMUM_NOTICE
    auditors: Annotated[tuple[Address, ...], Field(strict=False)] = ()

    @field_validator("challenge_window")
    @classmethod
    def _window_ends(cls, seconds: int) -> int:
        if not 0 <= seconds <= MAXIMUM_WINDOW:
            raise ValueError(f"{seconds} s; the contract takes at most 30 days, {MAXIMUM_WINDOW} s")
        return seconds

    @field_validator("notice_period")
    @classmethod
    def _notice_ends(cls, seconds: int) -> int:
        if not MINIMUM_NOTICE <= seconds <= MAXIMUM_NOTICE:
            raise ValueError(f"{seconds} s; the contract takes 2 to 365 days, {MINIMUM_NOTICE} to {MAXIMUM_NOTICE} s")
        return seconds

    def encoded(self) -> tuple[Any, ...]:
        """The Solidity struct `Oversight`."""
        publishers, auditors = (sorted(set(who), key=lambda a: int(a, 16)) for who in (self.publishers, self.auditors))
        return publishers, self.threshold, self.challenge_window, self.notice_period, auditors


@dataclass(frozen=True, slots=True)
class AccountSlot:
    """A slot that is read from the fund's addresses. token: 0 for the chain's coin; lot: in its smallest unit."""

    slot: int
    token: str
    lot: int


@dataclass(frozen=True, slots=True)
class Approval:
    """The statements of an epoch, as each publisher recomputes them.

    Args:
        as_of, valid_until: Unix seconds; owned_slots: source → hash of its slots; digests: of each program's key.
        public_slots: slot → value. account_slots: read on chain.
        book_currencies: hash of what a unit of the liability book is, zeros without one.
    """

    as_of: int
    valid_until: int
    layout_hash: bytes
    owned_slots: dict[str, bytes]
    digests: tuple[bytes, ...]
    public_slots: dict[int, int] = field(default_factory=dict)
    account_slots: tuple[AccountSlot, ...] = ()
    book_currencies: bytes = NO_HASH

    def encoded(self) -> tuple[Any, ...]:
        """The Solidity struct `Approval`."""
        ids = {source_id(name): hash_ for name, hash_ in self.owned_slots.items()}
        return (
            self.as_of,
            self.valid_until,
            self.layout_hash,
            [ids[each] for each in sorted(ids)],
            list(self.digests),
            sorted(self.public_slots.items()),
            [(slot.slot, slot.token, slot.lot) for slot in sorted(self.account_slots, key=lambda s: s.slot)],
            self.book_currencies,
        )

    @property
    def hash(self) -> bytes:
        """How votes name it."""
        return bytes(keccak(abi_encode([APPROVAL_TYPE], [self.encoded()])))


@dataclass(frozen=True, slots=True)
class Replacement:
    """What replaces a policy, and from when, Unix seconds."""

    successor: bytes
    effective_at: int


@dataclass(frozen=True, slots=True)
class ApprovedEpoch:
    """An approval. Args: same: as one's own, but for its validity; valid_until, effective_at: Unix seconds."""

    same: bool
    valid_until: int
    effective_at: int


def _plain(value: Any) -> Any:
    """An ABI value that compares: no tuples, and addresses in lower case."""
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value.lower() if isinstance(value, str) else value


def _oversight(fields: tuple[Any, ...]) -> Oversight:
    """From the Solidity struct."""
    publishers, threshold, window, notice, auditors = fields
    return Oversight(
        publishers=publishers, threshold=threshold, challenge_window=window, notice_period=notice, auditors=auditors
    )


class Policies(Contract):
    """A `PolicyRegistry`: methods that return a `Call` build a transaction, the others ask."""

    def __init__(self, chain: Chain, address: str) -> None:
        super().__init__(chain, "PolicyRegistry", address)

    def register(
        self,
        policy_hash: bytes,
        requirements: Sequence[SourceRequirement],
        program_count: int,
        oversight: Oversight,
        uri: str = "",
        limits: Sequence[str] = (),
    ) -> Call:
        """Sent by the policy's owner. limits: in words, for readers of the event."""
        listed = [(r.id, r.signer, r.role, r.representation) for r in ordered(requirements)]
        arguments = policy_hash, listed, program_count, oversight.encoded(), uri, list(limits)
        return self.transaction("registerPolicy", *arguments)

    def approve_epoch(self, policy_id: bytes, epoch: int, approval: Approval) -> Call:
        """Sent by each publisher; enough of the same approve it."""
        return self.transaction("approveEpoch", policy_id, epoch, approval.encoded())

    def veto_epoch(self, policy_id: bytes, epoch: int, reason: str) -> Call:
        """Sent by a publisher, an auditor or the owner within the challenge window."""
        return self.transaction("vetoEpoch", policy_id, epoch, reason)

    def schedule_replacement(self, policy_id: bytes, successor: bytes) -> Call:
        """Sent by the owner of both."""
        return self.transaction("scheduleReplacement", policy_id, successor)

    def cancel_replacement(self, policy_id: bytes) -> Call:
        """Sent by the owner, before the replacement counts."""
        return self.transaction("cancelReplacement", policy_id)

    def confirm_tightening(self, policy_id: bytes, successor: bytes) -> Call:
        """Sent by each publisher who found that the successor is nowhere looser."""
        return self.transaction("confirmTightening", policy_id, successor)

    def schedule_oversight(self, policy_id: bytes, oversight: Oversight) -> Call:
        """Sent by the owner; instead of what was announced before."""
        return self.transaction("scheduleOversight", policy_id, oversight.encoded())

    def apply_oversight(self, policy_id: bytes) -> Call:
        """Sent by anybody, after the notice period."""
        return self.transaction("applyOversight", policy_id)

    def cancel_oversight(self, policy_id: bytes) -> Call:
        """Sent by the owner."""
        return self.transaction("cancelOversight", policy_id)

    def offer(self, policy_id: bytes, new_owner: str) -> Call:
        """Sent by the owner. new_owner: 0 withdraws the offer."""
        return self.transaction("transferPolicy", policy_id, new_owner)

    def accept(self, policy_id: bytes) -> Call:
        """Sent by whom the policy is offered to."""
        return self.transaction("acceptPolicy", policy_id)

    def has(self, policy_id: bytes) -> bool:
        return bool(self.ask("hasPolicy", policy_id)[0])

    def owner(self, policy_id: bytes) -> str:
        """Checksummed. Raises: Reverted: it is not registered."""
        return str(to_checksum_address(self.ask("policy", policy_id)[0][0]))

    def pending_owner(self, policy_id: bytes) -> str | None:
        """Whom the policy is offered to, checksummed; None for nobody."""
        (pending,) = self.ask("pendingOwner", policy_id)
        return str(to_checksum_address(pending)) if int(pending, 16) else None

    def program_count(self, policy_id: bytes) -> int:
        """How many programs it compiles into. Raises: Reverted: it is not registered."""
        return int(self.ask("policy", policy_id)[0][2])

    def oversight(self, policy_id: bytes) -> Oversight:
        """Who watches over a registered policy now."""
        return _oversight(self.ask("oversight", policy_id)[0])

    def pending_oversight(self, policy_id: bytes) -> tuple[Oversight, int] | None:
        """The announced overseers, and from when they can be put into office, Unix seconds; None where none are."""
        fields, effective_at = self.ask("pendingOversight", policy_id)
        return (_oversight(fields), int(effective_at)) if effective_at else None

    def is_publisher(self, policy_id: bytes, account: str) -> bool:
        return bool(self.ask("isPublisher", policy_id, account)[0])

    def approved_epoch(self, policy_id: bytes) -> int:
        """The latest epoch that publishers approved, 0 before the first and where there is no such policy."""
        return int(self.ask("policy", policy_id)[0][4]) if self.has(policy_id) else 0

    def approved(self, policy_id: bytes, epoch: int) -> tuple[tuple[bytes, ...], int]:
        """Digests of an approved epoch and from when they count, Unix seconds; none and 0 where it is not approved."""
        approval, effective_at = self.ask("approval", policy_id, epoch)
        return tuple(approval[4]), int(effective_at)

    def approved_as(self, policy_id: bytes, epoch: int, approval: Approval) -> ApprovedEpoch | None:
        """What is approved for an epoch, beside what one computed; None where nothing is.

        The digests alone do not tell: public slots, layout and owned slots are approved with them.
        """
        fields, effective_at = self.ask("approval", policy_id, epoch)
        if not effective_at:
            return None
        as_of, valid_until, *theirs = _plain(fields)
        own_as_of, _, *own = _plain(approval.encoded())
        return ApprovedEpoch((as_of, theirs) == (own_as_of, own), int(valid_until), int(effective_at))

    def approved_slots(self, policy_id: bytes, epoch: int) -> tuple[dict[int, int], tuple[AccountSlot, ...]] | None:
        """Public slots with the publishers' values, and those that are read; None where the epoch is not approved."""
        fields, effective_at = self.ask("approval", policy_id, epoch)
        if not effective_at:
            return None
        return dict(fields[5]), tuple(AccountSlot(slot, token.lower(), lot) for slot, token, lot in fields[6])

    def votes(self, policy_id: bytes, epoch: int, approval: Approval) -> int:
        """How many publishers' word stands for an approval."""
        return int(self.ask("votes", policy_id, epoch, approval.hash)[0])

    def replacement(self, policy_id: bytes) -> Replacement | None:
        """The announced or effective successor."""
        successor, effective_at = self.ask("replacement", policy_id)
        return Replacement(bytes(successor), int(effective_at)) if effective_at else None

    def is_current(self, policy_id: bytes) -> bool:
        """Registered, and not replaced."""
        return bool(self.ask("isCurrent", policy_id)[0])

    def current(self, policy_id: bytes) -> bytes:
        """The policy that counts instead of this one now, or this one."""
        return bytes(self.ask("current", policy_id)[0])
