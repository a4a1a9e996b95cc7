"""Publishing a proof exactly once: simulate, journal, sign, send, wait; every step may crash and be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from attest.chain.client import Registry, Submission
from attest.chain.errors import JournalError, NetworkError, Reverted
from attest.chain.journal import FAILED, UNDER_WAY, Identity, Journal, Record, State
from attest.chain.transactions import Call, Quote, address_of


@dataclass(frozen=True, slots=True)
class Published:
    """A proof that the registry has recorded.

    Args:
        transaction, gas_used: None where somebody else had it recorded.
    """

    transaction: str | None
    block: int
    gas_used: int | None


@dataclass(frozen=True)
class Publisher:
    """Sends proofs to a registry, with a journal that outlives crashes.

    Args:
        key: private key that pays for the transactions. Secret.
    """

    registry: Registry
    journal: Journal
    key: bytes = field(repr=False)

    @property
    def sender(self) -> str:
        return address_of(self.key)

    def simulate(self, submission: Submission) -> Quote:
        """What publishing would cost now; nothing is signed, sent or written.

        Raises: Reverted: the registry would refuse it.
        """
        return self.registry.chain.quote(self.registry.submit(submission), self.sender)

    def publish(self, submission: Submission, *, retry: bool = False) -> Published:
        """Have a proof recorded, or find that it is.

        Args:
            retry: after an earlier submission failed for good, make a new one.
        Raises: Reverted: the registry refused it, now or earlier; JournalError: the journal has another submission
            under this fund, epoch and program; NetworkError: run it again to go on where it stopped.
        """
        call = self.registry.submit(submission)
        identity = self._identity(submission)
        self._resume(identity)
        record = self.journal.prepare(identity, submission.digest, bytes(keccak(call.data)))
        if record.state in FAILED and retry:
            record = self.journal.retry(identity, submission.digest, bytes(keccak(call.data)))
        if record.call_hash != bytes(keccak(call.data)):
            raise JournalError(
                f"{identity}: another proof is already {record.state} for it; a second one is never sent. "
                "Publish that bundle, or a later epoch"
                + ("; --retry replaces a failed submission" if record.state in FAILED else "")
            )
        if record.state is State.PREPARED:
            record = self._sign(identity, call)
        return self._finish(record, call)

    def publish_all(self, submissions: Sequence[Submission], *, retry: bool = False) -> tuple[Published, ...]:
        """Have the proofs of all programs recorded, one transaction each; run it again to go on where it stopped.

        The first of them fixes the epoch's source set, which only the fund's owner can do.

        Args, Raises: as `publish`.
        """
        return tuple(self._recorded(each) or self.publish(each, retry=retry) for each in submissions)

    def _recorded(self, submission: Submission) -> Published | None:
        """A proof that is on record without this journal's doing."""
        if self.journal.find(self._identity(submission)) is not None:
            return None
        s = submission
        attested, block = self.registry.attested(s.fund, s.policy_id, s.epoch)
        return Published(None, block, None) if attested >= {program.index for program in s.programs} else None

    def _identity(self, submission: Submission) -> Identity:
        s, chain = submission, self.registry.chain
        return Identity(chain.network.chain_id, self.registry.address, s.fund, s.policy_id, s.epoch, 0)

    def _resume(self, current: Identity) -> None:
        """Send again what an earlier run signed and perhaps did not send: a gap in the nonces would stop all others."""
        chain = self.registry.chain
        mined = chain.nonce(self.sender, pending=False)
        for record in self.journal.unfinished(chain.network.chain_id, self.sender):
            signed = record.signed
            if signed is None or signed.nonce < mined or _same(record.identity, current) or chain.knows(signed.hash):
                continue
            chain.send(signed.raw)
            self.journal.sent(record.identity)

    def _sign(self, identity: Identity, call: Call) -> Record:
        chain = self.registry.chain
        try:
            quote = chain.quote(call, self.sender)
        except Reverted as refusal:
            self.journal.refuse(identity, refusal.reason)
            raise
        nonce = chain.nonce(self.sender, pending=True)
        return self.journal.sign(identity, self.sender, nonce, lambda free: chain.sign(self.key, call, quote, free))

    def _finish(self, record: Record, call: Call) -> Published:
        """Take a signed submission to its receipt."""
        chain, identity, signed = self.registry.chain, record.identity, record.signed
        if signed is None or record.sender is None:
            raise JournalError(f"{identity}: another process is preparing it; run the command again")
        transaction = "0x" + signed.hash.hex()
        if record.state is State.DROPPED:
            raise JournalError(f"{identity}: {record.reason}; --retry makes a new submission")
        if record.state is State.REVERTED:
            raise Reverted(f"{record.reason}; --retry makes a new submission", transaction)
        receipt = chain.receipt(signed.hash)
        if receipt is None:
            self._send(record)
            receipt = chain.wait(signed.hash)
        if not receipt.succeeded:
            reason = chain.failure(call, record.sender, receipt.block)
            self.journal.reverted(identity, receipt, reason)
            raise Reverted(reason, transaction)
        self.journal.mined(identity, receipt)
        return Published(transaction, receipt.block, receipt.gas_used)

    def _send(self, record: Record) -> None:
        """Send the stored bytes, unless their nonce is gone: then they can never be mined."""
        chain, signed, sender = self.registry.chain, record.signed, record.sender
        if signed is None or sender is None:
            raise JournalError(f"{record.identity}: nothing is signed yet")
        if chain.nonce(sender, pending=False) > signed.nonce and chain.receipt(signed.hash) is None:
            reason = f"nonce {signed.nonce} of {sender} went to another transaction, so this one can never be mined"
            self.journal.dropped(record.identity, reason)
            raise JournalError(f"{record.identity}: {reason}; --retry makes a new submission")
        try:
            chain.send(signed.raw)
        except NetworkError:
            if not chain.knows(signed.hash):
                raise
        if record.state in UNDER_WAY:
            self.journal.sent(record.identity)


def _same(one: Identity, other: Identity) -> bool:
    return (one.fund.lower(), one.policy_id, one.epoch, one.program, one.registry.lower()) == (
        other.fund.lower(),
        other.policy_id,
        other.epoch,
        other.program,
        other.registry.lower(),
    )
