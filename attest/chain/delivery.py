"""One submission from state to state, until it is final: sign, send, look, resend, replace, wait.

Every step reads what the journal and the chain say and makes one change, so that a process may die between any two of
them, and the next one goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from attest.chain.endpoints import Note, silent
from attest.chain.errors import (
    ChainError,
    InsufficientFunds,
    JournalError,
    NetworkError,
    NonceGap,
    Reverted,
    Unreachable,
    WouldExpire,
)
from attest.chain.fees import GWEI, Quote, replacement
from attest.chain.journal import REPLACEABLE, UNDER_WAY, Journal, Purpose, Record, State
from attest.chain.signers import Signer, Transaction
from attest.chain.transactions import Call, Chain, Receipt

GAS_OF_A_TRANSFER = 21_000
LOOKS_AT_A_LOSS = 3
"""How often, a poll apart, a nonce has to be found used by something else."""
GIVEN_AWAY = "it expired before it was mined, and its nonce was used up by an empty transaction"


@dataclass
class Delivery:
    """Takes the journal's submissions to the chain.

    Args:
        report: is told what happens and what is waited for, each once.
        clock, sleep: of the computer; Unix seconds.
    """

    chain: Chain
    journal: Journal
    signer: Signer
    report: Note = silent
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _losses: int = field(default=0, init=False, repr=False)
    _obstacle: ChainError | None = field(default=None, init=False, repr=False)
    _told: set[str] = field(default_factory=set, init=False, repr=False)

    def run(self, record: Record, call: Call, goal: State) -> Record:
        """Step by step, until a submission has reached a state, or one in which it ends.

        Raises: Reverted, WouldExpire, InsufficientFunds, SignerError; NetworkError: nothing changes any more.
        """
        waited, self._obstacle = 0.0, None
        while record.state in (State.PREPARED, *UNDER_WAY) and record.state is not goal:
            try:
                moved = self.step(record, call)
            except Unreachable as error:
                if record.state is State.PREPARED:
                    raise
                moved = self._wait_for(record, error)
            back = record.state is State.MINED and moved.state is State.SENT
            if moved == record or back:
                if waited > self.chain.network.timeout_seconds:
                    raise self._obstacle or NetworkError(f"{record.identity}: nothing changes; run the command again")
                self.sleep(self.chain.network.poll_seconds)
                waited += self.chain.network.poll_seconds
            else:
                waited, self._obstacle = 0.0, None
            record = self.journal.get(moved)
        return record

    def step(self, record: Record, call: Call) -> Record:
        """The record after one change, or as it was when there is only to wait."""
        match record.state:
            case State.PREPARED:
                return self._sign(record, call)
            case State.SIGNED:
                return self._send(record)
            case State.SENT:
                return self._look(record)
            case State.MINED:
                return self._settle(record)
            case _:
                return record

    # prepared → signed, or refused

    def _sign(self, record: Record, call: Call) -> Record:
        chain, sender = self.chain, self.signer.address
        self._require_time(record)
        for holder in self._unmined(record, sender).values():
            self._push(holder, self._purpose(holder))
        try:
            quote = chain.quote(call, sender)
        except Reverted as refusal:
            self.journal.refuse(record, refusal.reason)
            raise
        chain.require_funds(sender, quote.wei)
        nonce = chain.nonce(sender, pending=True)
        return self.journal.sign(
            record, sender, nonce, lambda free: self.signer.sign(chain.transaction(call, quote, free))
        )

    # signed → sent

    def _send(self, record: Record) -> Record:
        sender, nonce = _signed_by(record)
        if self._receipt(record) is None and self.chain.nonce(sender) <= nonce:
            if self._expired(record) and self._receipt(record) is None:
                return self.journal.dropped(record, f"it expired at {record.content.expiry} before it was sent")
            self._require_time(record)
            self._clear_way(record)
            refusal = self._hand_over(record)
            if refusal is not None and not self._waits_too_long(record):
                raise refusal
        return self.journal.sent(record)

    # sent → mined, or dropped

    def _look(self, record: Record) -> Record:
        receipt = self._receipt(record)
        if receipt is not None:
            return self._mined(record, receipt)
        sender, nonce = _signed_by(record)
        if self.chain.nonce(sender) > nonce:
            return self._lost_nonce(record, sender, nonce)
        if self._expired(record) and self._receipt(record) is None:
            return self.journal.dropped(record, f"it expired at {record.content.expiry} before it was mined")
        if self._clear_way(record):
            return self._push(record, Purpose.SUBMIT)
        if not self.chain.knows(record.variants[-1].signed.hash):
            self._hand_over(record)
        return record

    def _mined(self, record: Record, receipt: Receipt) -> Record:
        variant = next(each for each in record.variants if each.signed.hash == receipt.hash)
        reason = None
        if variant.purpose is Purpose.FILL:
            reason = GIVEN_AWAY
        elif not receipt.succeeded:
            content, (sender, _) = variant.signed.transaction, _signed_by(record)
            reason = self.chain.failure(Call(content.to, content.data), sender, receipt.block)
        self.report(f"mined in block {receipt.block}" + (f", but {reason}" if reason else ""))
        return self.journal.mined(record, receipt, reason)

    def _lost_nonce(self, record: Record, sender: str, nonce: int) -> Record:
        """The chain says that our nonce is used, and not by what we signed. Believe it when it is final, and stays so.

        A node may count a transaction before it finds its receipt, and of several endpoints one may lag.
        """
        reason = f"nonce {nonce} of {sender} went to another transaction, so this one can never be mined"
        block, _ = self.chain.final_head()
        if self.chain.nonce(sender, block=block) > nonce and self._receipt(record) is None:
            self._losses += 1
            if self._losses >= LOOKS_AT_A_LOSS:
                return self.journal.dropped(record, reason)
        else:
            self._losses = 0
        return self._wait_for(record, NetworkError(f"{record.identity}: {reason}, once that is final"))

    # mined → final or reverted or dropped, or sent again

    def _settle(self, record: Record) -> Record:
        receipt = self._receipt(record)
        if receipt is None:
            self.report(f"block {record.block} is no longer part of the chain: sending the same transaction again")
            return self.journal.reorganised(record)
        if (receipt.hash, receipt.block_hash) != (record.mined_hash, record.block_hash):
            return self._mined(record, receipt)
        height, _ = self.chain.final_head()
        if height < receipt.block:
            waiting = f"{record.identity}: mined in block {receipt.block}; blocks up to {height} are final"
            return self._wait_for(record, NetworkError(f"{waiting}. Run the command again to wait on"))
        if record.mined is not None and record.mined.purpose is Purpose.FILL:
            return self.journal.dropped(record, GIVEN_AWAY)
        return self.journal.final(record) if receipt.succeeded else self.journal.reverted(record)

    # What the steps are made of

    def _receipt(self, record: Record) -> Receipt | None:
        """Any of the signed transactions may be mined; their common nonce lets one be."""
        found = (self.chain.receipt(variant.signed.hash) for variant in reversed(record.variants))
        return next((receipt for receipt in found if receipt is not None), None)

    def _wait_for(self, record: Record, obstacle: ChainError) -> Record:
        """Leave everything as it is; the obstacle is told once, and raised when it does not go away."""
        self._obstacle = obstacle
        if str(obstacle) not in self._told:
            self._told.add(str(obstacle))
            self.report(str(obstacle))
        return record

    def _require_time(self, record: Record) -> None:
        """Raises: WouldExpire: the attestation's validity ends before it could be mined."""
        left = record.content.expiry - self.chain.head()[1]
        if left < self.chain.network.mining_seconds:
            raise WouldExpire(
                f"{record.identity}: the attestation expires {max(left, 0)} s after the latest block, before it could "
                "be mined; it is not sent or replaced any more. Prove it again with a later expiry"
            )

    def _expired(self, record: Record) -> bool:
        """Whether it is too late even if the last blocks were exchanged for others."""
        return self.chain.final_head()[1] > record.content.expiry

    def _waits_too_long(self, record: Record) -> bool:
        return self.clock() - record.variants[-1].signed_at >= self.chain.network.bump_seconds

    def _clear_way(self, record: Record) -> bool:
        """See to the lower nonces that are not mined: push what is ours, name what is not. Returns: there are none."""
        sender, ours = _signed_by(record)
        first, holders = self.chain.nonce(sender), self._unmined(record, sender)
        for nonce in range(first, ours):
            if nonce not in holders:
                self._wait_for(record, self._gap(sender, nonce, ours))
                break
            self._push(holders[nonce], self._purpose(holders[nonce]))
        return first >= ours

    def _unmined(self, record: Record, sender: str) -> dict[int, Record]:
        """What the journal has signed for an address and the chain does not have, by nonce."""
        return self.journal.holders(record.identity.chain_id, sender, self.chain.nonce(sender))

    def _purpose(self, record: Record) -> Purpose:
        return Purpose.FILL if self._expired(record) else Purpose.SUBMIT

    def _gap(self, sender: str, nonce: int, ours: int) -> NonceGap:
        if self.chain.nonce(sender, pending=True) > nonce:
            return NonceGap(
                f"nonce {nonce} of {sender} belongs to a transaction that is not this journal's and not mined yet; "
                f"nonce {ours} waits for it. Pay more for that transaction where it was sent, or wait"
            )
        return NonceGap(
            f"nonce {nonce} of {sender} is missing, and this journal has never used it; nonce {ours} waits for it. "
            f"Send a transaction with nonce {nonce} from the program that skipped it, and run this again"
        )

    def _push(self, record: Record, purpose: Purpose) -> Record:
        """Have the node know what was signed last, and replace that when it waits for too long."""
        last = record.variants[-1]
        if purpose is Purpose.FILL and last.purpose is Purpose.SUBMIT and record.state in REPLACEABLE:
            return self._replace(record, purpose)
        if last.purpose is Purpose.SUBMIT:
            try:
                self._require_time(record)
            except WouldExpire as error:
                return self._wait_for(record, error)
        obstacle: NetworkError | None
        if self.chain.knows(last.signed.hash):
            obstacle = NetworkError(f"0x{last.signed.hash.hex()}, nonce {last.signed.nonce}, waits to be mined")
        else:
            obstacle = self._hand_over(record)
        if obstacle is not None:
            self._wait_for(record, obstacle)
        if record.state not in REPLACEABLE or not self._waits_too_long(record):
            return record
        return self._replace(record, last.purpose)

    def _replace(self, record: Record, purpose: Purpose) -> Record:
        """Sign the same again, or an empty transfer in its place, for a higher fee."""
        sender, nonce = _signed_by(record)
        before = record.variants[-1].signed.transaction
        empty = purpose is Purpose.FILL
        gas = GAS_OF_A_TRANSFER if empty else before.gas
        paid = Quote(gas, before.max_fee, before.priority_fee)
        higher = replacement(paid, self.chain.fees(gas), self.chain.fee_bound)
        obstacle = self._no_replacement(sender, higher)
        if obstacle is not None or higher is None:
            return self._wait_for(record, NetworkError(f"nonce {nonce} of {sender} waits to be mined; {obstacle}"))
        to, data = (sender, b"") if empty else (before.to, before.data)
        made = Transaction(before.chain_id, nonce, gas, higher.max_fee, higher.priority_fee, to, 0, data)
        replaced = self.journal.replace(record, purpose, lambda: self.signer.sign(made))
        what = "filled with an empty transaction" if empty else "replaced"
        self.report(f"nonce {nonce} waited too long: {what} for up to {higher.max_fee / GWEI:.2f} gwei")
        refusal = self._hand_over(replaced)
        return replaced if refusal is None else self._wait_for(replaced, refusal)

    def _no_replacement(self, sender: str, higher: Quote | None) -> str | None:
        """Why a waiting transaction is left as it is."""
        if sender != self.signer.address:
            return "another key signed it, so this one cannot replace it"
        if higher is None:
            return "a higher fee would be above the bound (max_fee_gwei)"
        try:
            self.chain.require_funds(sender, higher.wei)
        except InsufficientFunds as error:
            return str(error)
        return None

    def _hand_over(self, record: Record) -> NetworkError | None:
        """Send the bytes that were signed last.

        Returns: why no node takes them; what it has already, or has mined, is no refusal.
        """
        sender, nonce = _signed_by(record)
        signed = record.variants[-1].signed
        try:
            self.chain.send(signed.raw)
        except Unreachable:
            raise
        except NetworkError as refusal:
            if self.chain.knows(signed.hash) or self.chain.nonce(sender) > nonce:
                return None
            content = signed.transaction
            self.chain.require_funds(sender, content.gas * content.max_fee)
            return refusal
        return None


def _signed_by(record: Record) -> tuple[str, int]:
    if record.sender is None or record.nonce is None:
        raise JournalError(f"{record.identity}: nothing is signed yet")
    return record.sender, record.nonce
