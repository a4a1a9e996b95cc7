"""`proofolio watch` on anvil: an epoch's folder from the first file to the registry, whatever interrupts it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from proofolio.epochs import EpochFolder, PublishedFile, folders, proved
from proofolio.monitor import Health, Metrics, serving
from proofolio.pipeline import Signing, Terms, commit_source
from proofolio.watch import LOST_PASSES, Calendar, Watcher, _calendar, run

from attest.bundle import Bundle, FundFile, SignedSource
from attest.chain import Approval, Chain, Journal, LocalSigner, Oversight, Publisher, Registry, deploy, load_network
from attest.chain.deployment import plan
from attest.errors import EncodingError
from attest.registration import policy_id
from attest.srs import load_setup
from optimizer import sample_market
from optimizer.policy import Policy
from tests.attest.chain.worlds import STAND_INS
from tests.contracts.anvil import anvil, rpc
from tests.scripts.fund import FIRST_DAY, holdings, plain_policy
from tests.scripts.test_steps import ACCEPTED, MISUSED
from tests.scripts.test_steps import run as run_verb

KEYS = {name: bytes([0x71 + i]) * 32 for i, name in enumerate(("owner", "fund", "custodian", "lender"))}
WINDOW = 3_600
evm = pytest.mark.evm


def address(name: str) -> str:
    return str(Account.from_key(KEYS[name]).address)


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Site:
    """A fund with its folder of epochs on a chain. node: the URL."""

    root: Path
    node: str
    registry: Registry
    fund: FundFile
    policy: Policy

    @property
    def epochs(self) -> Path:
        return self.root / "epochs"

    @property
    def id(self) -> bytes:
        requirements = self.fund.requirements(self.terms(1).duties)
        return policy_id(self.fund.policy_owner, self.policy.hash, requirements, 1)

    def market(self, epoch: int) -> Any:
        return sample_market(as_of=FIRST_DAY) if epoch == 1 else sample_market()

    def terms(self, epoch: int) -> Terms:
        return Terms.of(self.policy, self.market(epoch), load_setup())

    def watcher(self, say: Callable[[str], None] = lambda _: None) -> Watcher:
        """As a new process: nothing is shared with an earlier one but folder, journal and chain."""
        registry = Registry(Chain.connect(self.registry.chain.network), self.fund.registry)
        journal, signer = Journal(self.root / "journal.sqlite"), LocalSigner(KEYS["fund"])
        parts = registry, journal, signer, self.fund, self.policy, load_setup(), self.epochs, 7, 1, Metrics(), say
        return Watcher(*parts)

    def register(self) -> None:
        chain, registry = self.registry.chain, self.registry
        watching = Oversight(publishers=(address("owner"),), challenge_window=WINDOW)
        requirements = self.fund.requirements(self.terms(1).duties)
        chain.execute(KEYS["owner"], registry.policies.register(self.policy.hash, requirements, 1, watching))
        chain.execute(KEYS["fund"], registry.register_fund(address("fund")))

    def deliver(self, epoch: int) -> None:
        """What market and sources send, one file after the other."""
        folder = self.epochs / str(epoch)
        folder.mkdir(parents=True)
        terms = self.terms(epoch)
        signing = Signing(self.fund, epoch, int(time.time()) + 30 * 86_400)
        for name in ("custodian", "lender"):
            held = holdings(terms.compiled.market)
            opening, signed = commit_source(terms, held, name, KEYS[name], signing)
            opening.save(folder / f"{name}.opening.json")
            signed.save(folder / f"{name}.source.json")
        self.market(epoch).save(folder / "market.json")

    def approval(self, epoch: int, **changed: Any) -> Approval:
        terms = self.terms(epoch)
        owned = {name: terms.layout.owned_slots_hash(name) for name in terms.layout.sources}
        until = int(time.time()) + 60 * 86_400
        return replace(Approval(terms.as_of, until, terms.layout.hash, owned, terms.digests), **changed)

    def approve(self, epoch: int, **changed: Any) -> None:
        call = self.registry.policies.approve_epoch(self.id, epoch, self.approval(epoch, **changed))
        self.registry.chain.execute(KEYS["owner"], call)

    def let_the_window_pass(self) -> None:
        rpc(self.node, "evm_increaseTime", WINDOW)
        rpc(self.node, "evm_mine")

    def transactions(self) -> int:
        return self.registry.chain.nonce(address("fund"))

    def path(self, epoch: int, name: str) -> Path:
        return self.epochs / str(epoch) / name


@contextmanager
def site(root: Path) -> Iterator[Site]:
    with anvil() as node:
        (root / "networks.toml").write_text(f'[networks.anvil]\nrpc_url = "{node}"\n')
        (root / "epochs").mkdir()
        for key in KEYS.values():
            rpc(node, "anvil_setBalance", Account.from_key(key).address, hex(10**20))
        chain = Chain.connect(load_network("anvil", root / "networks.toml"))
        deployment = deploy(chain, LocalSigner(KEYS["owner"]), plan(book_verifier=STAND_INS.book_verifier))
        fund = FundFile(
            chain_id=31337,
            registry=deployment.registry,
            fund=address("fund"),
            policy_owner=address("owner"),
            signers={name: address(name) for name in ("custodian", "lender")},
        )
        fund.save(root / "fund.json")
        content = plain_policy()
        (lender,) = [source for source in content["sources"] if source["name"] == "lender"]
        lender["representation"] = True
        (root / "policy.json").write_text(json.dumps(content))
        policy = Policy.load(root / "policy.json")
        yield Site(root, node, Registry(chain, deployment.registry), fund, policy)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Epoch 1, which the tests of this module take from nothing to the record and beyond, in their order."""
    with site(tmp_path_factory.mktemp("watch")) as made:
        yield made


def value(watcher: Watcher, name: str, **labels: str) -> float | None:
    return watcher.metrics.registry.get_sample_value(f"proofolio_{name}", labels)


# One epoch, step by step ---------------------------------------------------------------------------------------------


@evm
def test_it_waits_for_everything_that_is_missing(first: Site) -> None:
    watcher = first.watcher()
    assert watcher.look() == "the policy is not registered; its owner registers it with `proofolio approve`"
    first.register()
    assert watcher.look() == ""
    (first.epochs / "1").mkdir()
    assert watcher.look() == (
        "epoch 1: waiting for market.json, custodian.source.json, custodian.opening.json, lender.source.json, "
        "lender.opening.json"
    )
    (first.epochs / "1").rmdir()
    first.deliver(1)
    away = first.path(1, "lender.opening.json").rename(first.root / "away")
    assert watcher.look() == "epoch 1: waiting for lender.opening.json"
    away.rename(first.path(1, "lender.opening.json"))
    assert watcher.look() == "epoch 1: waiting for the publishers' approval"
    assert value(watcher, "compliant") == 0 and value(watcher, "recorded_epoch") == 0
    assert value(watcher, "payer_ether") == pytest.approx(100, abs=0.1)
    assert not first.path(1, "bundle.json").exists()


@evm
def test_it_proves_what_was_approved_and_nothing_else(first: Site) -> None:
    watcher, policies = first.watcher(), first.registry.policies
    first.approve(1, digests=(b"\x05" * 32,))
    assert "the publishers approved another market or policy than" in watcher.look()
    assert not first.path(1, "bundle.json").exists()
    first.registry.chain.execute(KEYS["owner"], policies.veto_epoch(first.id, 1, "other prices"))
    first.approve(1)
    assert watcher.look().startswith("epoch 1: proved; its challenge window is open until ")
    assert value(watcher, "proving_seconds_count") == 1
    kept = first.path(1, "bundle.json").read_bytes()
    assert "proved" in first.watcher().look() and first.path(1, "bundle.json").read_bytes() == kept
    watcher.look()
    assert value(watcher, "proving_seconds_count") == 1, "what is kept is not proved again"
    assert first.transactions() == 1, "the fund's registration"


@evm
def test_a_bundle_of_statements_that_were_vetoed_is_made_anew(first: Site) -> None:
    path = first.path(1, "bundle.json")
    kept = Bundle.load(path)
    path.write_bytes(kept.encode().replace(kept.proofs[0].digest.hex().encode(), b"05" * 32))
    assert "proved" in first.watcher().look()
    assert [proof.digest for proof in Bundle.load(path).proofs] == list(first.terms(1).digests)


@evm
def test_killed_between_proving_and_publishing(first: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first.let_the_window_pass()
    kept = first.path(1, "bundle.json").read_bytes()

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "publish", die)
        with pytest.raises(Killed):
            first.watcher().look()
    before = first.transactions()
    with monkeypatch.context() as patch:
        patch.setattr(PublishedFile, "save", die)
        with pytest.raises(Killed):
            first.watcher().look()
    assert first.transactions() == before + 1 and not first.path(1, "published.json").exists()
    said: list[str] = []
    watcher = first.watcher(said.append)
    assert watcher.look() == ""
    assert first.transactions() == before + 1, "the journal knows that it went out"
    assert first.path(1, "bundle.json").read_bytes() == kept
    published = PublishedFile.load(first.path(1, "published.json"))
    assert said == ["epoch 1: publishing", f"epoch 1: recorded in block {published.block}"]
    assert published.transaction.startswith("0x") and published.epoch == 1
    owed = {name: SignedSource.load(first.path(1, f"{name}.source.json")) for name in ("custodian", "lender")}
    assert owed["lender"].representation and not owed["custodian"].representation
    assert published.source_set_hash == first.registry.source_set(address("fund"), 1)
    assert first.registry.status(address("fund"), first.id).compliant
    assert (value(watcher, "compliant"), value(watcher, "recorded_epoch"), value(watcher, "published_total")) == (
        1,
        1,
        1,
    )
    assert value(watcher, "expiry_timestamp_seconds") == Bundle.load(first.path(1, "bundle.json")).expiry
    assert value(watcher, "publication_gas") > 500_000  # type: ignore[operator]


@evm
def test_a_second_look_does_nothing(first: Site) -> None:
    said: list[str] = []
    before = first.transactions(), sorted((path.name, path.stat().st_mtime) for path in first.epochs.rglob("*"))
    for watcher in (first.watcher(said.append), first.watcher(said.append)):
        assert watcher.look() == watcher.look() == ""
    assert (first.transactions(), sorted((p.name, p.stat().st_mtime) for p in first.epochs.rglob("*"))) == before
    assert said == []


@evm
def test_the_endpoints_say_how_it_goes(first: Site) -> None:
    """503 while an epoch is overdue, 200 once it is recorded, and the series of docs/roles.md."""
    health, watcher, calendar = Health(), first.watcher(), Calendar(int(time.time()) - 150, 100, 0)
    assert calendar.due(time.time()) == 2
    with serving("127.0.0.1:0", health, watcher.metrics) as port:
        assert ask(port, "/healthz") == (503, {"healthy": False, "detail": "starting"})
        run(watcher, health, calendar, 0.1, once=True)
        assert ask(port, "/healthz") == (503, {"healthy": False, "detail": "epoch 2 is overdue; it has no folder"})
        first.deliver(2)
        run(watcher, health, calendar, 0.1, once=True)
        status, told = ask(port, "/healthz")
        assert status == 503 and "epoch 2 is overdue; epoch 2: waiting for the publishers' approval" in str(told)
        first.approve(2)
        first.let_the_window_pass()
        run(watcher, health, Calendar(calendar.first, 100, 10**6), 0.1, once=True)
        assert ask(port, "/healthz") == (200, {"healthy": True, "detail": "epoch 2 is recorded, and nothing is due"})
        run(watcher, health, Calendar(int(time.time()) - 150, 100, 0), 0.1, once=True)
        assert ask(port, "/healthz")[0] == 200
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/elsewhere", timeout=10)
    page = (Path(__file__).parents[2] / "docs/roles.md").read_text("utf-8")
    series = set(re.findall(r"`(proofolio_[a-z_]+)", page))
    assert len(series) == 10 and {name for name in series if f" {name} " not in metrics} == set()
    assert "\nproofolio_recorded_epoch 2.0" in metrics and "\nproofolio_due_epoch 2.0" in metrics
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10)


@evm
def test_an_epoch_is_recorded_when_its_proofs_are_in(first: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """That its source set is fixed, which goes before, is not enough."""
    watcher, calendar = first.watcher(), Calendar(int(time.time()) - 250, 100, 0)
    watcher.look()
    monkeypatch.setattr(watcher.registry, "last_epoch", lambda fund: 3)
    assert calendar.due(time.time()) == 3
    assert watcher.health("", calendar) == (False, "epoch 3 is overdue; it has no folder")


def ask(port: int, path: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


# Failures, signals and misuse ----------------------------------------------------------------------------------------


@evm
def test_passes_that_fail_are_counted_and_tried_again(first: Site) -> None:
    """A malformed file ends no watcher; after some passes a person is called, and a polite request ends it."""
    (first.epochs / "3").mkdir()
    for name in ("custodian", "lender"):
        for kind in ("source", "opening"):
            first.path(3, f"{name}.{kind}.json").write_text("{}")
    first.path(3, "market.json").write_text("no market")
    health, said = Health(), []  # type: ignore[var-annotated]

    def say(text: str) -> None:
        said.append((text, health.get()[0]))
        if len(said) == LOST_PASSES + 1:
            os.kill(os.getpid(), signal.SIGTERM)

    watcher = first.watcher(say)
    before = signal.getsignal(signal.SIGTERM)
    run(watcher, health, None, 0.01, once=False)
    assert signal.getsignal(signal.SIGTERM) is before
    assert len(said) == LOST_PASSES + 1 and all("market.json" in text for text, _ in said)
    assert [healthy for _, healthy in said] == [False, *[True] * (LOST_PASSES - 1), False]
    (kind,) = {
        sample.labels["kind"]
        for metric in watcher.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "proofolio_errors_total"
    }
    assert value(watcher, "errors_total", kind=kind) == LOST_PASSES + 1
    assert "market.json" not in health.get()[1], "what failed is for the operator's eyes"
    with pytest.raises(Exception, match=r"market\.json"):
        run(watcher, health, None, 0.01, once=True)


@evm
def test_the_process_ends_at_sigterm(first: Site) -> None:
    command = [
        sys.executable,
        "-m",
        "proofolio",
        "watch",
        str(first.epochs),
        "--policy",
        str(first.root / "policy.json"),
    ]
    command += [
        "--fund",
        str(first.root / "fund.json"),
        "--network",
        "anvil",
        "--every",
        "0.1",
        "--listen",
        "127.0.0.1:0",
    ]
    command += ["--journal", str(first.root / "journal.sqlite"), "--first-due", "2020-01-01T00:00Z"]
    environment = {
        **os.environ,
        "PROOFOLIO_KEY": KEYS["fund"].hex(),
        "PROOFOLIO_NETWORKS": str(first.root / "networks.toml"),
    }
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on port ")
        port = int(line.split()[3].rstrip(":"))
        deadline = time.monotonic() + 60
        while "starting" in str(told := ask(port, "/healthz")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "starting" not in str(told)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_misuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PROOFOLIO_KEY", "11" * 32)
    (tmp_path / "policy.json").write_text(json.dumps(plain_policy()))
    signers = {name: address(name) for name in ("custodian", "lender")}
    fund = FundFile(
        chain_id=1, registry=address("fund"), fund=address("fund"), policy_owner=address("owner"), signers=signers
    )
    fund.save(tmp_path / "fund.json")
    watching = ["--policy", tmp_path / "policy.json", "--fund", tmp_path / "fund.json", "--network", "embedded"]
    (tmp_path / "epochs").mkdir()
    journal = ["--journal", tmp_path / "journal.sqlite"]
    for folder, extra, told in (
        ("elsewhere", [], "no folder; make it"),
        ("epochs", ["--first-due", "tomorrow"], "--first-due tomorrow: a moment in UTC"),
        ("epochs", ["--listen", "nowhere"], "listen on HOST:PORT"),
        ("epochs", ["--listen", "127.0.0.1:99999"], "listen on HOST:PORT"),
        ("epochs", ["--listen", "127.0.0.1:0"], "lives and dies with one command"),
    ):
        assert run_verb("watch", tmp_path / folder, *watching, *journal, *extra) == MISUSED != ACCEPTED
        assert told in " ".join("".join(capsys.readouterr()).split())


def test_two_watchers_do_not_listen_at_one_port() -> None:
    with (
        serving("127.0.0.1:0", Health(), Metrics()) as port,
        pytest.raises(EncodingError, match="cannot listen there"),
        serving(f"127.0.0.1:{port}", Health(), Metrics()),
    ):
        pass


def test_folders_are_named_by_their_epochs(tmp_path: Path) -> None:
    for name in ("10", "2", "1", "01", "0", "-1", "one", "٣", "3.5"):
        (tmp_path / name).mkdir()
    (tmp_path / "4").write_text("no folder")
    assert [folder.number for folder in folders(tmp_path)] == [1, 2, 10]
    assert next(iter(folders(tmp_path))) == EpochFolder(1, tmp_path / "1")
    with pytest.raises(EncodingError, match="no folder"):
        list(folders(tmp_path / "absent"))


# Calendar ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (0, 0),
        (999, 0),
        (1_000, 0),
        (1_009, 0),
        (1_010, 1),
        (1_109, 1),
        (1_110, 2),
        (1_110.5, 2),
        (2_009.9, 10),
        (2_010, 11),
    ],
)
def test_what_is_due(now: float, due: int) -> None:
    """Epoch 1 at 1000, another each 100 seconds, with 10 seconds of grace."""
    assert Calendar(1_000, 100, 10).due(now) == due


@given(
    first=st.integers(0, 2**33),
    period=st.integers(36, 10**7),
    grace=st.integers(0, 10**6),
    epoch=st.integers(1, 10**4),
)
def test_each_epoch_is_due_when_its_grace_is_over(first: int, period: int, grace: int, epoch: int) -> None:
    calendar, moment = Calendar(first, period, grace), first + (epoch - 1) * period + grace
    assert calendar.due(moment) == epoch and calendar.due(moment - 1) == epoch - 1


@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize(
    ("text", "moment"), [("2026-01-31T18:00Z", 1_769_882_400), ("2026-07-31T18:00Z", 1_785_520_800)]
)
def test_the_first_moment_is_in_utc(monkeypatch: pytest.MonkeyPatch, zone: str, text: str, moment: int) -> None:
    """In summer too, wherever the computer stands."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert _calendar(text, 24, 2) == Calendar(moment, 86_400, 7_200)
        assert _calendar(None, 24, 2) is None
    finally:
        monkeypatch.undo()
        time.tzset()
    for bad in ("2026-01-31", "2026-01-31T18:00", "2026-02-30T18:00Z", "2026-01-31T18:00+01:00", ""):
        with pytest.raises(EncodingError, match="a moment in UTC"):
            _calendar(bad, 24, 2)


@pytest.mark.parametrize(
    "change", ["nothing", "expired", "signed again", "signed again but fixed", "read again", "read again but fixed"]
)
def test_which_bundles_are_kept(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, fixed = 1_000, bytes(32)
    source, again = SimpleNamespace(source="a", nonce=1), SimpleNamespace(source="a", nonce=2)
    kept = SimpleNamespace(
        expiry=now if change == "expired" else now + 1,
        proofs=(SimpleNamespace(digest=b"d"),),
        sources=(source,),
        source_set=lambda: SimpleNamespace(hash=b"s" * 32),
        public_values=((1, 5),),
    )
    signed = (again,) if change.startswith("signed again") else (source,)
    made = SimpleNamespace(save=lambda path: None)
    (tmp_path / "bundle.json").touch()
    monkeypatch.setattr("proofolio.epochs.Bundle", SimpleNamespace(load=lambda path: kept))
    monkeypatch.setattr("proofolio.epochs.prove_bundle", lambda *_: made)
    read = ((1, 6),) if change.startswith("read again") else ((1, 5),)
    monkeypatch.setattr(EpochFolder, "wallet", SimpleNamespace(values=read))
    monkeypatch.setattr(EpochFolder, "sources", lambda *_: SimpleNamespace(openings=(), signed=signed, wallet=None))
    monkeypatch.setattr(EpochFolder, "book_root", lambda *_: fixed)
    terms: Any = SimpleNamespace(digests=(b"d",), compiled=SimpleNamespace(policy=None, previous_layout=None))
    on_record = b"s" * 32 if change.endswith("fixed") else fixed
    answer: Any = proved(EpochFolder(7, tmp_path), terms, None, now, now + 9, None, on_record)  # type: ignore[arg-type]
    assert answer is (kept if change == "nothing" or change.endswith("fixed") else made)
