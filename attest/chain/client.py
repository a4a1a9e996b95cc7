"""The registry of attestations from Python: its transactions, and what its views answer."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from attest.bundle import Bundle, FundFile, SignedSource
from attest.chain.accounts import Accounts
from attest.chain.books import BookStanding, book_tuple, inclusion_tuple, proving_arguments
from attest.chain.contract import Contract
from attest.chain.policies import Policies
from attest.chain.transactions import Call, Chain
from attest.curve import decompress, encode_point
from attest.liabilities import BookFile, InclusionFile
from attest.statement import StatementKey


@dataclass(frozen=True, slots=True)
class ProvedProgram:
    """The proof of one program.

    Args:
        index: of the program; key: in ABI encoding; digest: of the key; compares: with the previous epoch.
    """

    index: int
    key: bytes
    digest: bytes
    proof: bytes
    compares: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """What the registry takes in one transaction: all of it becomes public.

    Args:
        programs: ascending; a policy is met when all of its programs are in.
        owned_slots: source → its slots, for sources that prove their commitment.
        previous: the previous epoch's sources, where a program compares epochs; their signatures stay here.
    """

    fund: str
    policy_id: bytes
    epoch: int
    expiry: int
    programs: tuple[ProvedProgram, ...]
    sources: tuple[SignedSource, ...]
    owned_slots: dict[str, tuple[int, ...]]
    previous: tuple[SignedSource, ...] = ()

    @classmethod
    def of_bundle(
        cls,
        bundle: Bundle,
        fund: FundFile,
        policy_id: bytes,
        keys: Sequence[StatementKey],
        owned_slots: dict[str, tuple[int, ...]],
    ) -> Submission:
        """All programs of a verified bundle. Raises: EncodingError."""
        programs = tuple(
            ProvedProgram(index, key.encode(), proved.digest, proved.proof(), key.vectors == 2)
            for index, (key, proved) in enumerate(zip(keys, bundle.proofs, strict=True))
        )
        previous = bundle.previous if any(program.compares for program in programs) else ()
        numbers = bundle.epoch, bundle.expiry
        return cls(fund.fund, policy_id, *numbers, programs, bundle.sources, owned_slots, previous)

    @property
    def digest(self) -> bytes:
        """One hash for all statements."""
        return bytes(keccak(b"".join(program.digest for program in self.programs)))

    def without(self, attested: Set[int]) -> Submission:
        """What is left when some programs are on record; all of it when all are."""
        left = tuple(program for program in self.programs if program.index not in attested) or self.programs
        previous = self.previous if any(program.compares for program in left) else ()
        return replace(self, programs=left, previous=previous)

    def sources_encoded(self) -> list[tuple[Any, ...]]:
        """The Solidity `SignedSource[]`."""
        return [
            (*_source_tuple(source), source.signature, _representation(source, self.owned_slots))
            for source in self.sources
        ]


def _source_tuple(source: SignedSource) -> tuple[int, int, list[bytes]]:
    point = encode_point(decompress(source.commitment))
    return source.expiry, source.nonce, [point[i : i + 32] for i in range(0, 128, 32)]


def _representation(source: SignedSource, owned_slots: dict[str, tuple[int, ...]]) -> bytes:
    """abi.encode(slots, proof), or nothing where the source proves nothing."""
    if not source.representation:
        return b""
    return abi_encode(["uint256[]", "bytes"], [list(owned_slots[source.source]), source.representation])


@dataclass(frozen=True, slots=True)
class FundStatus:
    """What an investor is told, all of it at one block.

    Args:
        epoch, expiry, attested_block: the last completed epoch, until when it counts (Unix seconds; 0 where it was
            revoked), and the block of its last proof; zeros when there is none.
        since: from when the fund has been compliant without a gap, Unix seconds; 0 if it is not.
        suspended: by whom, in words, "" by nobody; replaced: whether another policy counts instead.
        record_hash: of the fund's history under the policy.
        block, time: number and Unix time of the block at which this was asked.
    """

    compliant: bool
    epoch: int
    expiry: int
    attested_block: int
    source_set_hash: bytes
    record_hash: bytes
    since: int
    suspended: str
    replaced: bool
    block: int
    time: int


@dataclass(frozen=True, slots=True)
class CompletedEpoch:
    """A completed epoch in a fund's history; expiry and completed_at in Unix seconds."""

    epoch: int
    expiry: int
    block: int
    completed_at: int


COMPLETE = 2**256 - 1
"""How the registry says that all programs are in."""
SUSPENDERS = ("", "by the fund", "by an auditor", "by the fund and by an auditor")


class Registry(Contract):
    """An `AttestationRegistry`: methods named for a transaction build its call, the others ask.

    Args:
        address: of the contract. The registries of funds, policies and books are those that it names.
    Raises: NetworkError: this registry does not stand there.
    """

    def __init__(self, chain: Chain, address: str) -> None:
        super().__init__(chain, "AttestationRegistry", address)

    @cached_property
    def policies(self) -> Policies:
        """The registry of policies."""
        return Policies(self.chain, str(self.ask("policies")[0]))

    @cached_property
    def funds(self) -> Contract:
        """The registry of funds."""
        return Contract(self.chain, "FundRegistry", str(self.ask("funds")[0]))

    @cached_property
    def books(self) -> Contract:
        """The registry of liability books."""
        return Contract(self.chain, "BookRegistry", str(self.ask("books")[0]))

    @cached_property
    def accounts(self) -> Accounts:
        """The reader of funds' addresses."""
        return Accounts(self.chain, str(self.ask("accountReader")[0]))

    def register_fund(self, owner: str) -> Call:
        """Sent by the fund's own address."""
        return self.funds.transaction("registerFund", owner)

    def set_operator(self, fund: str, operator: str, allowed: bool) -> Call:
        """Sent by the fund's owner."""
        return self.funds.transaction("setOperator", fund, operator, allowed)

    def offer_fund(self, fund: str, new_owner: str) -> Call:
        """Sent by the fund's owner. new_owner: 0 withdraws the offer."""
        return self.funds.transaction("transferFund", fund, new_owner)

    def accept_fund(self, fund: str) -> Call:
        """Sent by whom the fund is offered to."""
        return self.funds.transaction("acceptFund", fund)

    def publish_book(self, fund: str, epoch: int, root: bytes) -> Call:
        """Sent for the fund, once for each epoch."""
        return self.books.transaction("publishBook", fund, epoch, root)

    def book_root(self, fund: str, epoch: int) -> bytes:
        """Root of the fund's liability book, zeros before it is published."""
        return bytes(self.books.ask("bookRoot", fund, epoch)[0])

    def prove_book(self, book: BookFile) -> Call:
        """Has the contract verify a small book, whose root is published. Sent by anybody."""
        return self.books.transaction("proveBook", *proving_arguments(book))

    def book_standing(self, fund: str, epoch: int) -> BookStanding:
        """What the chain says of a fund's book."""
        return BookStanding(self.ask("bookStanding", fund, epoch)[0])

    def check_inclusion(self, held: InclusionFile) -> BookStanding:
        """An account stands in the published book, by the contract's own check; what the chain says of that book.

        The node that is asked sees account, nonce hash and balances.

        Raises: Reverted: it does not stand there.
        """
        self.books.ask("checkInclusion", book_tuple(held.terms), inclusion_tuple(held.key, held.inclusion()))
        return self.book_standing(held.terms.fund, held.terms.epoch)

    def submit(self, submission: Submission) -> Call:
        """Sent for the fund, or by anybody once the source set is fixed."""
        s = submission
        programs = [(program.index, program.key, program.proof) for program in s.programs]
        previous = [_source_tuple(source) for source in s.previous]
        return self.transaction(
            "submit", s.fund, s.policy_id, s.epoch, s.expiry, programs, s.sources_encoded(), previous
        )

    def revoke(self, fund: str, policy_id: bytes, epoch: int, reason: str) -> Call:
        """Sent for the fund, by an auditor of the policy, or by the signer of a required source."""
        return self.transaction("revoke", fund, policy_id, epoch, reason)

    def suspend(self, fund: str, policy_id: bytes, reason: str) -> Call:
        """Sent for the fund, or by an auditor of the policy."""
        return self.transaction("suspend", fund, policy_id, reason)

    def resume(self, fund: str, policy_id: bytes) -> Call:
        """Sent by whoever suspended."""
        return self.transaction("resume", fund, policy_id)

    def fund_owner(self, fund: str) -> str | None:
        """None when the fund is not registered."""
        owner, _ = self.funds.ask("fundOwner", fund)
        return None if int(owner, 16) == 0 else str(owner)

    def pending_fund_owner(self, fund: str) -> str | None:
        """Whom the fund is offered to, None for nobody."""
        _, pending = self.funds.ask("fundOwner", fund)
        return None if int(pending, 16) == 0 else str(pending)

    def acts_for(self, fund: str, account: str) -> bool:
        """Whether an address is the fund's owner or an operator whom the owner allowed."""
        return bool(self.funds.ask("actsFor", fund, account)[0])

    def source_set(self, fund: str, epoch: int) -> bytes:
        """Hash of the fund's source set, zeros before it is fixed."""
        return bytes(self.ask("sourceSet", fund, epoch)[0])

    def last_epoch(self, fund: str) -> int:
        """The fund's last epoch with a source set, 0 before the first."""
        return int(self.ask("lastEpoch", fund)[0])

    def previous_epoch(self, fund: str, epoch: int) -> int:
        """The epoch that an epoch with a source set is compared with, 0 if it is the first or has none."""
        return int(self.ask("previousEpoch", fund, epoch)[0])

    def attested(
        self, fund: str, policy_id: bytes, epoch: int, at_block: int | None = None, until: int = 0
    ) -> tuple[frozenset[int], int]:
        """Programs of an epoch whose proofs are in, and the block of the last one, 0 before the first.

        Args: until: what counts no longer than before this moment, Unix seconds, is left out.
        """
        programs, expiry, block = self.ask("progress", fund, policy_id, epoch, block=at_block)
        if expiry < until:
            return frozenset(), int(block)
        if programs == COMPLETE:
            programs = 2 ** self.policies.program_count(policy_id) - 1
        return frozenset(i for i in range(int(programs).bit_length()) if programs >> i & 1), int(block)

    def is_revoked(self, fund: str, policy_id: bytes, epoch: int) -> bool:
        return bool(self.ask("isRevoked", fund, policy_id, epoch)[0])

    def history(self, fund: str, policy_id: bytes, start: int = 0, count: int = 2**32) -> tuple[CompletedEpoch, ...]:
        """Completed epochs in order of time."""
        (records,) = self.ask("history", fund, policy_id, start, count)
        return tuple(CompletedEpoch(*map(int, record)) for record in records)

    def status(self, fund: str, policy_id: bytes) -> FundStatus:
        """Whether a fund keeps a policy now."""
        block, time = self.chain.head()

        def ask(function: str) -> tuple[Any, ...]:
            return self.ask(function, fund, policy_id, block=block)

        ((epoch, expiry, attested, source_set, record_hash),) = ask("latest")
        return FundStatus(
            bool(ask("isCompliant")[0]),
            int(epoch),
            int(expiry),
            int(attested),
            bytes(source_set),
            bytes(record_hash),
            int(ask("since")[0]),
            SUSPENDERS[int(ask("suspension")[0])],
            self.policies.has(policy_id) and not self.policies.is_current(policy_id),
            block,
            time,
        )
