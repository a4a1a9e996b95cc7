"""The verb `watch`: proves and publishes each epoch as its files come in, unattended."""

from __future__ import annotations

import signal
import threading
import time
from calendar import timegm
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from attest.bundle import Bundle, FundFile
from attest.chain import ApprovedEpoch, Journal, Publisher, Registry, Signer, Submission
from attest.errors import AttestError, EncodingError
from attest.srs import Setup, load_setup
from optimizer.errors import OptimizerError
from optimizer.policy import CompiledPolicy, Policy

from .approving import approval_of
from .chain import (
    NetworkOption,
    NetworksOption,
    ProgramsOption,
    connect,
    recorded_book_root,
    recorded_public_values,
    recorded_wallet,
    registered,
    registry_of,
)
from .epochs import PUBLISHED, WALLET, EpochFolder, PublishedFile, folders, proved, terms_of
from .monitor import Health, Metrics, serving
from .options import DEFAULT_VALIDITY_DAYS, FundOption, JournalOption, KeystoreOption, PolicyOption, SignerOption
from .pipeline import Terms, timestamp, verify_bundle
from .signers import load_signer
from .terminal import console, remark

LOST_PASSES = 3
"""After so many passes in a row that failed, a person should look."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When epochs are due: number n at first + (n − 1)·period, in Unix seconds. None: whenever their files are there.

    Args:
        grace: seconds after which a due epoch that is not recorded is a reason to worry.
    """

    first: int
    period: int
    grace: int

    def due(self, now: float) -> int:
        """The latest epoch that should be recorded by now, 0 before the first."""
        return max(0, int((now - self.grace - self.first) // self.period) + 1)


class _Waiting(Exception):
    """An epoch cannot go on yet; says what for."""


@dataclass
class Watcher:
    """Looks after one fund under one policy.

    Args:
        root: folder of epoch folders; expiry_days: validity of the proofs. say: is told what happens.
        completed: the latest epoch of which all proofs are in, as of the last pass.
    """

    registry: Registry
    journal: Journal
    signer: Signer
    fund: FundFile
    policy: Policy
    setup: Setup
    root: Path
    expiry_days: int
    programs: int | None
    metrics: Metrics
    say: Callable[[str], None]
    completed: int = 0

    def look(self) -> str:
        """One pass: publish whatever can be.

        Returns: what is waited for, "" for nothing. Raises: as `prove` and `publish`.
        """
        found = registered(self.registry, self.fund, self.policy, self.programs)
        if found is None:
            return "the policy is not registered; its owner registers it with `proofolio approve`"
        policy_id, _ = found
        waiting = ""
        last = self.registry.last_epoch(self.fund.fund)
        listed = {folder.number: folder for folder in folders(self.root)}
        for number, folder in listed.items():
            if folder.is_published or number < last:
                continue
            previous = self.registry.previous_epoch(self.fund.fund, number) if number == last else last
            try:
                self._attend(folder, listed.get(previous), policy_id)
            except _Waiting as reason:
                waiting = f"epoch {number}: {reason}"
                break  # epochs ascend: a later one would shut this one out
            last = number
        self._measure(policy_id)
        return waiting

    def _attend(self, folder: EpochFolder, before: EpochFolder | None, policy_id: bytes) -> None:
        """Prove and publish one epoch, from wherever an earlier pass stopped. Raises: _Waiting."""
        lacking = folder.missing(self.policy)
        if lacking:
            raise _Waiting(f"waiting for {', '.join(lacking)}")
        terms = terms_of(folder, self.policy, self.setup, before)
        approved = self._approval(folder, terms, policy_id)
        if terms.compiled.wallet_slots:
            self._check_window(approved, "its addresses are read later")
            self._read_wallet(folder, policy_id, terms.compiled)
        now = int(time.time())
        expiry = min(now + 86_400 * self.expiry_days, approved.valid_until)
        fixed = self.registry.source_set(self.fund.fund, folder.number)
        with nullcontext() if folder.is_proved else self.metrics.proving.time():
            bundle = proved(folder, terms, self.fund, now, expiry, before, fixed)
        self._check_window(approved, "proved")
        root = folder.book_root(terms)
        recorded = recorded_book_root(self.registry, self.fund.fund, folder.number)
        if any(root) and recorded != root:
            raise _Waiting("waiting for the liability book's root on chain")
        source_set = self.registry.source_set(self.fund.fund, before.number) if before is not None else None
        compared = source_set if terms.compiled.previous_layout is not None else None
        values = recorded_public_values(self.registry, self.fund, policy_id, folder.number, terms.compiled)
        verify_bundle(terms, self.fund, bundle, now, compared, root, values)
        self._publish(folder, bundle, Submission.of_bundle(bundle, self.fund, policy_id, terms.keys, terms.owned_slots))

    def _approval(self, folder: EpochFolder, terms: Terms, policy_id: bytes) -> ApprovedEpoch:
        approved = self.registry.policies.approved_as(policy_id, folder.number, approval_of(terms, 0))
        if approved is None:
            raise _Waiting("waiting for the publishers' approval")
        if not approved.same:
            raise _Waiting(f"the publishers approved another market or policy than {folder.path} holds")
        return approved

    def _check_window(self, approved: ApprovedEpoch, done: str) -> None:
        if self.registry.chain.head()[1] < approved.effective_at:
            raise _Waiting(f"{done}; its challenge window is open until {timestamp(approved.effective_at)}")

    def _publish(self, folder: EpochFolder, bundle: Bundle, submission: Submission) -> None:
        self.say(f"epoch {folder.number}: publishing")
        published = Publisher(self.registry, self.journal, self.signer, self.say).publish(submission)
        self.metrics.published.inc()
        self.metrics.gas.set(published.gas_used or 0)
        PublishedFile(
            epoch=folder.number,
            block=published.block,
            transaction=published.transaction or "",
            source_set_hash=bundle.source_set().hash,
        ).save(folder.path / PUBLISHED)
        self.say(f"epoch {folder.number}: recorded in block {published.block}")

    def _read_wallet(self, folder: EpochFolder, policy_id: bytes, compiled: CompiledPolicy) -> None:
        """Have the chain read the fund's addresses, once, and keep what it read."""
        asked = (self.registry, self.fund, policy_id, folder.number, compiled)
        wallet = recorded_wallet(*asked)
        if wallet is None:
            call = self.registry.accounts.read(self.fund.fund, policy_id, folder.number, folder.owned)
            self.say(f"epoch {folder.number}: reading the fund's addresses")
            self.registry.chain.execute(self.signer, call)
            wallet = recorded_wallet(*asked)
        if wallet is not None and folder.wallet != wallet:
            wallet.save(folder.path / WALLET)

    def _measure(self, policy_id: bytes) -> None:
        status = self.registry.status(self.fund.fund, policy_id)
        self.metrics.compliant.set(status.compliant)
        self.completed = status.epoch
        self.metrics.epoch.set(status.epoch)
        self.metrics.expiry.set(status.expiry)
        self.metrics.balance.set(self.registry.chain.balance(self.signer.address) / 10**18)
        self.metrics.last_pass.set_to_current_time()

    def health(self, waiting: str, calendar: Calendar | None) -> tuple[bool, str]:
        """Whether all that is due is recorded, and what is waited for."""
        if calendar is None:
            return True, waiting or "all epochs with a folder are recorded"
        due, recorded = calendar.due(time.time()), self.completed
        self.metrics.due.set(due)
        if recorded < due:
            return False, f"epoch {due} is overdue; {waiting or 'it has no folder'}"
        return True, waiting or f"epoch {recorded} is recorded, and nothing is due"


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that a pass is never cut in two by a polite request."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(watcher: Watcher, health: Health, calendar: Calendar | None, every: float, *, once: bool) -> None:
    """Pass after pass until a signal; a pass that fails is counted, told, and tried again."""
    failures, told = 0, ""
    with _until_stopped() as stop:
        while True:
            try:
                waiting = watcher.look()
                failures = 0
                health.set(*watcher.health(waiting, calendar))
                if waiting and waiting != told:
                    watcher.say(waiting)
                told = waiting
            except (AttestError, OptimizerError) as error:
                failures += 1
                watcher.metrics.errors.labels(type(error).__name__).inc()
                watcher.say(f"failed: {error}")
                # What failed in words may name a broken limit, which is for the operator alone.
                health.set(failures < LOST_PASSES, f"a pass failed: {type(error).__name__}")
                if once:
                    raise
            if once or stop.wait(every):
                return


def _calendar(first: str | None, period: float, grace: float) -> Calendar | None:
    if first is None:
        return None
    try:
        moment = timegm(time.strptime(first, "%Y-%m-%dT%H:%MZ"))
    except ValueError:
        raise EncodingError(f"--first-due {first}: a moment in UTC such as 2026-01-31T18:00Z") from None
    return Calendar(moment, int(period * 3600), int(grace * 3600))


def watch(
    epochs: Annotated[Path, typer.Argument(help="Folder with a folder for each epoch, named by its number.")],
    policy: PolicyOption,
    fund: FundOption,
    network: NetworkOption,
    keystore: KeystoreOption = None,
    signer: SignerOption = None,
    journal: JournalOption = "journal.sqlite",
    networks: NetworksOption = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 60.0,
    valid_days: Annotated[int, typer.Option(min=1, max=366, help="Validity of a proof.")] = DEFAULT_VALIDITY_DAYS,
    first_due: Annotated[str | None, typer.Option(help="When epoch 1 was due, such as 2026-01-31T18:00Z.")] = None,
    period_hours: Annotated[float, typer.Option(min=0.01, help="From one epoch to the next.")] = 24.0,
    grace_hours: Annotated[float, typer.Option(min=0.0, help="How late an epoch may be recorded.")] = 2.0,
    listen: Annotated[str, typer.Option(help="HOST:PORT of /healthz and /metrics.")] = "127.0.0.1:9464",
    programs: ProgramsOption = None,
    once: Annotated[bool, typer.Option("--once", help="Look once and leave.")] = False,
) -> None:
    """Prove and publish each epoch as soon as its files are there and its statements approved, until it is stopped.

    EPOCHS/7/ holds market.json, NAME.source.json and NAME.opening.json of each source, book.json where the policy has a
    liability book, and NAME.ownership.json of the fund's addresses where it has them read. What was made before a crash
    is kept and not made again. GET /healthz answers 200, or 503 and why when an epoch is overdue; GET /metrics is for
    Prometheus. The keystore's password comes from PROOFOLIO_PASSWORD.

    Example: proofolio watch epochs/ --policy p.json --fund fund.json --network sepolia --keystore fund.keystore
    --first-due 2026-01-31T18:00Z
    """
    calendar = _calendar(first_due, period_hours, grace_hours)
    parties, rules, who = FundFile.load(fund), Policy.load(policy), load_signer(keystore, signer)
    list(folders(epochs))
    health, metrics, opened = Health(), Metrics(), Journal(journal)
    try:
        with serving(listen, health, metrics) as port:
            console.print(f"listening on port {port}: /healthz, /metrics")
            registry = registry_of(connect(network, networks), parties)
            watcher = Watcher(
                registry, opened, who, parties, rules, load_setup(), epochs, valid_days, programs, metrics, remark
            )
            run(watcher, health, calendar, every, once=once)
    finally:
        opened.close()
