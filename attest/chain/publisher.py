"""Publishing proofs exactly once, whatever happens to the process, the nodes and the chain in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from eth_utils.crypto import keccak

from attest.chain.client import Registry, Submission
from attest.chain.delivery import Delivery
from attest.chain.endpoints import Note, silent
from attest.chain.errors import ClockSkew, JournalError, NetworkError, Reverted
from attest.chain.fees import Quote
from attest.chain.journal import FAILED, UNSIGNED, Content, Identity, Journal, Record, State
from attest.chain.signers import Signer
from attest.chain.transactions import Call

RETRY = "--retry makes a new submission"
WARNED_SHARE = 5
"""A fifth of the clocks' permitted difference is worth a warning."""


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
        signer: signs and pays for the transactions.
        report: is told what happens and what is waited for; clock, sleep: of the computer, Unix seconds.
    """

    registry: Registry
    journal: Journal
    signer: Signer
    report: Note = silent
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def simulate(self, submission: Submission) -> Quote:
        """What publishing would cost now; nothing is signed, sent or written.

        Raises: Reverted: the registry would refuse it.
        """
        return self.registry.chain.quote(self._call(submission), self.signer.address)

    def publish(self, submission: Submission, *, retry: bool = False) -> Published:
        """Have the proofs recorded for good, or find that they are.

        Args:
            retry: after an earlier submission failed for good, make a new one.
        Raises: Reverted: the registry refused it, now or earlier; JournalError: the journal has another submission
            under this fund, policy and epoch, or one that can never be mined; WouldExpire, InsufficientFunds,
            SignerError; NetworkError: run it again to go on where it stopped.
        """
        self._compare_clocks()
        recorded = self._by_somebody_else(submission)
        return recorded or self._advance(self._enter(submission, retry), submission, State.FINAL)

    def _by_somebody_else(self, submission: Submission) -> Published | None:
        """Proofs that are on record for as long as these, without this journal's doing, once that is final.

        Raises: NetworkError: it did not become so in time.
        """
        record = self.journal.find(self._identity(submission))
        if record is not None and record.state not in (*UNSIGNED, *FAILED):
            return None
        s, chain, waited = submission, self.registry.chain, 0.0
        own = {program.index for program in s.programs}
        while True:
            attested, block = self.registry.attested(s.fund, s.policy_id, s.epoch, until=s.expiry)
            if not attested >= own:
                return None
            final, _ = chain.final_head()
            if self.registry.attested(s.fund, s.policy_id, s.epoch, final, s.expiry)[0] >= own:
                return Published(None, block, None)
            if waited > chain.network.timeout_seconds:
                raise NetworkError(
                    f"network {chain.network.name!r}: block {block} is not final yet; run the command again"
                )
            if not waited:
                self.report(f"somebody else had it recorded in block {block}; waiting until that is final")
            self.sleep(chain.network.poll_seconds)
            waited += chain.network.poll_seconds

    def _call(self, submission: Submission) -> Call:
        """The transaction with all programs of which no proof is on record for good, and for as long as theirs.

        The registry takes all of them too, as long as one is new; those on record need not be paid for again.
        """
        s, (final, _) = submission, self.registry.chain.final_head()
        attested, _ = self.registry.attested(s.fund, s.policy_id, s.epoch, final, s.expiry)
        return self.registry.submit(s.without(attested))

    def _identity(self, submission: Submission) -> Identity:
        s, chain = submission, self.registry.chain
        return Identity(chain.network.chain_id, self.registry.address, s.fund, s.policy_id, s.epoch)

    def _enter(self, submission: Submission, retry: bool) -> Record:
        """The submission's record. Raises: JournalError: it is another submission's."""
        call_hash = bytes(keccak(self.registry.submit(submission).data))
        content = Content(submission.digest, call_hash, submission.expiry)
        record = self.journal.prepare(self._identity(submission), content)
        if record.state in FAILED and retry:
            record = self.journal.retry(record, content)
        if record.content.call_hash != call_hash:
            raise JournalError(
                f"{record.identity}: another submission is already {record.state} for it; a second one is never sent. "
                "Publish that bundle, or a later epoch"
                + ("; --retry replaces a failed submission" if record.state in FAILED else "")
            )
        return record

    def _advance(self, record: Record, submission: Submission, goal: State) -> Published:
        """Take a submission to a state in which it is mined."""
        delivery = Delivery(
            self.registry.chain, self.journal, self.signer, self.report, clock=self.clock, sleep=self.sleep
        )
        call = self._call(submission) if record.state is State.PREPARED else self.registry.submit(submission)
        record = delivery.run(record, call, goal)
        if record.state is State.MINED and record.reason is not None:
            record = delivery.run(record, call, State.FINAL)  # it failed, and is not to be built upon
        transaction = None if record.mined_hash is None else "0x" + record.mined_hash.hex()
        if record.state is State.DROPPED:
            raise JournalError(f"{record.identity}: {record.reason}; {RETRY}")
        if record.state is State.REVERTED:
            raise Reverted(f"{record.reason}; {RETRY}", transaction)
        if record.block is None:
            raise JournalError(f"{record.identity}: it is {record.state}; run the command again")
        return Published(transaction, record.block, record.gas_used)

    def _compare_clocks(self) -> None:
        """Raises: ClockSkew: this computer's clock and the chain's differ by more than the network permits."""
        network = self.registry.chain.network
        if not network.max_skew_seconds:
            return
        ahead = self.clock() - self.registry.chain.head()[1]
        where = "ahead of" if ahead > 0 else "behind"
        text = f"network {network.name!r}: this computer's clock is {abs(ahead):.0f} s {where} the latest block"
        if abs(ahead) > network.max_skew_seconds:
            raise ClockSkew(
                f"{text}, more than max_skew_seconds = {network.max_skew_seconds:g}; set the clock, or ask a node that "
                "follows the chain. Nothing was sent"
            )
        if abs(ahead) > network.max_skew_seconds / WARNED_SHARE:
            self.report(f"{text}; validity is judged by the chain's clock")
