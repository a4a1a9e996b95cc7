"""The verbs of those who watch, on anvil: approve with overseers, veto, replace, tighten, suspend, resume, revoke."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from proofolio.chain import registered
from proofolio.pipeline import Signing, Terms, commit_source, duties_of

from attest.bundle import FundFile
from attest.chain import Chain, LocalSigner, Registry, deploy, load_network
from attest.chain.contract import Contract
from attest.errors import EncodingError
from attest.registration import policy_id
from attest.srs import load_setup
from optimizer import sample_market
from optimizer.policy import Policy
from tests.attest.chain.worlds import STAND_INS
from tests.contracts.anvil import rpc
from tests.contracts.encoding import words
from tests.scripts.fund import holdings, plain_policy
from tests.scripts.test_steps import ACCEPTED, MISUSED, REJECTED, run

NAMES = ("owner", "fund", "custodian", "lender", "first", "second", "third", "auditor", "stranger")
KEYS = {name: bytes([0x61 + i]) * 32 for i, name in enumerate(NAMES)}
WINDOW, NOTICE = 3_600, 3 * 86_400
pytestmark = pytest.mark.evm


def address(name: str) -> str:
    return str(Account.from_key(KEYS[name]).address)


@dataclass
class Office:
    """A folder with files, and the registry that they name."""

    folder: Path
    registry: Registry
    monkeypatch: pytest.MonkeyPatch
    read: Callable[[], tuple[str, str]]

    def path(self, name: str) -> Path:
        return self.folder / name

    def as_(self, who: str, verb: str, *arguments: str | Path, policy: str = "policy.json") -> int:
        """The exit code of a verb that `who` signs."""
        self.monkeypatch.setenv("PROOFOLIO_KEY", KEYS[who].hex())
        files = "--policy", self.path(policy), "--fund", self.path("fund.json")
        return run(verb, *files, "--network", "anvil", *arguments)

    def approve(self, who: str, *arguments: str | Path, epoch: int = 1, policy: str = "policy.json") -> int:
        numbers = "--epoch", str(epoch), "--valid-days", "8", "--market", self.path("market.json")
        return self.as_(who, "approve", *numbers, *arguments, policy=policy)

    @property
    def told(self) -> str:
        return " ".join("".join(self.read()).split())

    def id(self, policy: str = "policy.json") -> bytes:
        fund, rules = FundFile.load(self.path("fund.json")), Policy.load(self.path(policy))
        return policy_id(fund.policy_owner, rules.hash, fund.requirements(duties_of(rules)), 1)


def successor(base: dict[str, Any] | None) -> dict[str, Any]:
    content = plain_policy()
    content["name"] = "a stricter policy" if base else "a policy of its own"
    if base:
        content |= {"base": base, "constraints": []}
        content["constraints"].append({"kind": "gross_leverage", "limit": "2.4"})
    return content


@pytest.fixture(scope="module")
def place(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Registry]]:
    """Registries whose verifiers take everything, and public files."""
    folder = tmp_path_factory.mktemp("governing")
    (folder / "networks.toml").write_text(f'[networks.anvil]\nrpc_url = "{node}"\n')
    for key in KEYS.values():
        rpc(node, "anvil_setBalance", Account.from_key(key).address, hex(10**20))
    chain = Chain.connect(load_network("anvil", folder / "networks.toml"))
    deployment = deploy(chain, LocalSigner(KEYS["owner"]), STAND_INS)
    sample_market().save(folder / "market.json")
    for name, content in (
        ("policy", plain_policy()),
        ("stricter", successor(plain_policy())),
        ("other", successor(None)),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content))
    fund = {
        "version": "1",
        "chain_id": 31337,
        "registry": deployment.registry,
        "fund": address("fund"),
        "policy_owner": address("owner"),
        "signers": {name: address(name) for name in ("custodian", "lender")},
    }
    (folder / "fund.json").write_text(json.dumps(fund))
    oversight = {
        "version": "1",
        "publishers": [address(name) for name in ("first", "second", "third")],
        "threshold": 2,
        "challenge_window": WINDOW,
        "notice_period": NOTICE,
        "auditors": [address("auditor")],
    }
    (folder / "oversight.json").write_text(json.dumps(oversight))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_NETWORKS", str(folder / "networks.toml"))
        yield folder, Registry(chain, deployment.registry)


@pytest.fixture
def office(place: tuple[Path, Registry], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(*place, monkeypatch, lambda: tuple(capsys.readouterr()))


def test_a_policy_comes_with_its_overseers(office: Office) -> None:
    """The owner registers it; two of three publishers approve an epoch; one of them throws it out again."""
    watching = "--oversight", office.path("oversight.json")
    assert office.as_("first", "veto", "--epoch", "1", "--reason", "none") == MISUSED
    assert "is not registered" in office.told
    assert office.approve("first", *watching) == MISUSED
    assert f"who registers it, is {address('owner')}" in office.told
    assert office.approve("owner", *watching, "--dry-run") == ACCEPTED
    assert not office.registry.policies.has(office.id())
    assert office.approve("owner", *watching) == ACCEPTED
    assert "is registered; its publishers approve" in office.told
    policies, name = office.registry.policies, office.id()
    assert set(policies.oversight(name).publishers) == {address(each) for each in ("first", "second", "third")}
    assert policies.oversight(name).threshold == 2 and policies.approved_epoch(name) == 0

    assert office.approve("owner") == MISUSED
    assert "is no publisher of the policy" in office.told
    assert office.approve("first") == ACCEPTED
    assert "1 of 2 publishers; more publishers must say the same" in office.told
    assert office.approve("second", "--dry-run") == ACCEPTED
    assert policies.approved_epoch(name) == 0
    assert office.approve("second") == ACCEPTED
    assert "2 of 2 publishers; it counts from" in office.told
    assert office.approve("third") == ACCEPTED
    assert "epoch 1 is approved with this statement" in office.told

    veto = "--epoch", "1", "--reason", "prices of another day"
    assert office.as_("stranger", "veto", *veto) == REJECTED
    assert "NotOverseer" in office.told
    assert office.as_("auditor", "veto", *veto, "--dry-run") == ACCEPTED
    assert "nothing was sent" in office.told and policies.approved(name, 1)[0]
    assert office.as_("auditor", "veto", *veto) == ACCEPTED
    assert policies.approved(name, 1) == ((), 0)
    for publisher in ("second", "third"):
        assert office.approve(publisher) == ACCEPTED
    assert "2 of 2 publishers; it counts from" in office.told


def fix_source_set(office: Office, node: str) -> None:
    """Of epoch 1, without a proof."""
    rpc(node, "evm_increaseTime", WINDOW)
    rpc(node, "evm_mine")
    fund, market = FundFile.load(office.path("fund.json")), sample_market()
    terms = Terms.of(Policy.load(office.path("policy.json")), market, load_setup())
    signing = Signing(fund, 1, int(time.time()) + 86_400)
    held = holdings(market)
    signed = [commit_source(terms, held, name, KEYS[name], signing)[1] for name in ("custodian", "lender")]
    listed = []
    for source in sorted(signed, key=lambda s: s.source_commitment().id):
        point = source.source_commitment().commitment
        listed.append((source.expiry, source.nonce, words(point), source.signature, b""))
    chain, registry = office.registry.chain, office.registry
    chain.execute(KEYS["fund"], registry.register_fund(address("fund")))
    chain.execute(KEYS["fund"], registry.transaction("commitSourceSet", fund.fund, office.id(), 1, listed))


def test_suspending_resuming_and_revoking(office: Office, node: str) -> None:
    fix_source_set(office, node)
    fund, name = address("fund"), office.id()

    def suspended() -> str:
        return office.registry.status(fund, name).suspended

    for who, told in (("fund", "by the fund"), ("auditor", "by the fund and by an auditor")):
        assert office.as_(who, "suspend", "--reason", "a custodian is down") == ACCEPTED
        assert suspended() == told
    assert office.as_("stranger", "suspend", "--reason", "spite") == REJECTED
    assert "NotEntitled" in office.told
    status = "--policy", office.path("policy.json"), "--fund", office.path("fund.json"), "--network", "anvil"
    run("status", *status)
    assert "suspended by the fund and by an auditor" in office.told
    assert office.as_("fund", "resume") == ACCEPTED and suspended() == "by an auditor"
    assert office.as_("fund", "resume") == REJECTED
    assert "NotSuspended" in office.told
    assert office.as_("auditor", "resume", "--dry-run") == ACCEPTED and suspended()
    assert office.as_("auditor", "resume") == ACCEPTED and not suspended()

    revoking = "--epoch", "1", "--reason", "reported a wallet twice"
    assert office.as_("stranger", "revoke", *revoking) == REJECTED
    assert office.as_("custodian", "revoke", "--epoch", "2", "--reason", "none") == REJECTED
    assert "NothingToRevoke" in office.told
    assert office.as_("custodian", "revoke", *revoking, "--dry-run") == ACCEPTED
    assert not office.registry.is_revoked(fund, name, 1)
    assert office.as_("custodian", "revoke", *revoking) == ACCEPTED
    assert office.registry.is_revoked(fund, name, 1)


def test_replacing_and_tightening(office: Office) -> None:
    policies, old = office.registry.policies, office.id()
    succeeding = "--successor", office.path("stricter.json")
    assert office.as_("owner", "replace", *succeeding) == MISUSED
    assert "stricter.json: this policy is not registered" in office.told
    assert office.approve("owner", "--oversight", office.path("oversight.json"), policy="stricter.json") == ACCEPTED
    assert office.as_("first", "replace", *succeeding) == REJECTED
    assert "NotOwner" in office.told
    assert office.as_("owner", "replace", *succeeding, "--dry-run") == ACCEPTED
    assert policies.replacement(old) is None
    assert office.as_("owner", "replace") == MISUSED
    assert office.as_("owner", "replace", "--cancel") == REJECTED
    for again in (True, False):
        assert office.as_("owner", "replace", *succeeding) == ACCEPTED
        assert f"0x{office.id('stricter.json').hex()} counts from" in office.told
        if again:
            assert office.as_("owner", "replace", "--cancel") == ACCEPTED
            assert policies.replacement(old) is None
    assert policies.is_current(old)

    assert office.as_("first", "tighten", "--successor", office.path("other.json")) == MISUSED
    assert "as its base" in office.told
    assert office.as_("stranger", "tighten", *succeeding) == REJECTED
    assert "NotPublisher" in office.told
    assert office.as_("first", "tighten", *succeeding) == ACCEPTED
    assert "counts from" in office.told and policies.is_current(old)
    assert office.as_("third", "tighten", *succeeding) == ACCEPTED
    assert "counts since" in office.told
    assert policies.current(old) == office.id("stricter.json") and not policies.is_current(old)
    asking = "--policy", office.path("policy.json"), "--fund", office.path("fund.json"), "--network", "anvil"
    run("status", *asking)
    told = office.told
    assert "policy replaced by another" in told and f"replaced by 0x{office.id('stricter.json').hex()}" in told


def test_other_overseers(office: Office, node: str) -> None:
    """Announced by the owner, applied by anybody after the notice."""
    policies, name, new = office.registry.policies, office.id("stricter.json"), office.path("new.json")
    content = json.loads(office.path("oversight.json").read_text())
    new.write_text(json.dumps(content | {"publishers": [address("third")], "threshold": 1}))

    def overseeing(who: str, *arguments: str | Path) -> int:
        return office.as_(who, "oversee", *arguments, policy="stricter.json")

    assert overseeing("owner") == MISUSED
    assert overseeing("owner", "--apply", "--cancel") == MISUSED
    assert overseeing("first", "--oversight", new) == REJECTED
    assert "NotOwner" in office.told
    assert overseeing("owner", "--cancel") == REJECTED
    assert overseeing("owner", "--oversight", new, "--dry-run") == ACCEPTED
    assert policies.pending_oversight(name) is None
    for again in (True, False):
        assert overseeing("owner", "--oversight", new) == ACCEPTED
        assert f"announced: 1 of {address('third')}; can be applied from" in office.told
        if again:
            assert overseeing("owner", "--cancel") == ACCEPTED
            assert "announced" not in office.told
    assert overseeing("stranger", "--apply") == REJECTED
    assert "NoticeRunning" in office.told
    assert policies.oversight(name).threshold == 2
    rpc(node, "evm_increaseTime", NOTICE)
    rpc(node, "evm_mine")
    assert overseeing("stranger", "--apply") == ACCEPTED
    assert policies.oversight(name).publishers == (address("third"),)
    assert f"now: 1 of {address('third')}" in office.told


def handing(office: Office, who: str, what: str, *arguments: str | Path) -> int:
    office.monkeypatch.setenv("PROOFOLIO_KEY", KEYS[who].hex())
    return run("transfer", what, "--fund", office.path("fund.json"), "--network", "anvil", *arguments)


def test_a_policy_is_handed_over_in_two_steps(office: Office) -> None:
    policies, policy = office.registry.policies, ("--policy", office.path("stricter.json"))
    offering = *policy, "--to", address("stranger")
    assert handing(office, "owner", "policy", *policy) == MISUSED
    assert handing(office, "owner", "policy", "--to", address("stranger")) == MISUSED
    assert handing(office, "owner", "fund", *offering) == MISUSED
    assert handing(office, "owner", "policy", *policy, "--to", "0x12") == MISUSED
    assert handing(office, "first", "policy", *offering) == REJECTED
    assert handing(office, "owner", "policy", *offering) == ACCEPTED
    assert policies.owner(office.id("stricter.json")) == address("owner")
    assert policies.pending_owner(office.id("stricter.json")) == address("stranger")
    assert handing(office, "first", "policy", *policy, "--accept") == REJECTED
    assert handing(office, "stranger", "policy", *policy, "--accept") == ACCEPTED
    assert f"owner {address('stranger')}" in office.told
    assert policies.owner(office.id("stricter.json")) == address("stranger")


def test_operators_and_a_fund_that_is_handed_over(office: Office) -> None:
    registry, fund = office.registry, address("fund")

    def operating(who: str, *arguments: str | Path) -> int:
        office.monkeypatch.setenv("PROOFOLIO_KEY", KEYS[who].hex())
        return run("operator", *arguments, "--fund", office.path("fund.json"), "--network", "anvil")

    assert operating("fund", "0x12") == MISUSED
    assert operating("stranger", address("stranger")) == REJECTED
    assert operating("fund", address("lender")) == ACCEPTED
    assert f"{address('lender')} acts for the fund" in office.told and registry.acts_for(fund, address("lender"))
    assert operating("fund", address("lender"), "--withdraw") == ACCEPTED
    assert "does not act" in office.told and not registry.acts_for(fund, address("lender"))

    assert handing(office, "fund", "fund", "--to", address("lender"), "--dry-run") == ACCEPTED
    assert handing(office, "lender", "fund", "--accept") == REJECTED
    assert handing(office, "fund", "fund", "--to", address("lender")) == ACCEPTED
    assert registry.acts_for(fund, address("fund"))
    assert handing(office, "lender", "fund", "--accept") == ACCEPTED
    assert registry.acts_for(fund, address("lender")) and not registry.acts_for(fund, address("fund"))


SIXES = "0x60065f5260205ff3"
"""Code that answers 6 to everything."""


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("feed", ("--ratio", "1.05", "--description", "Fund / collateral")),
        ("vault", ("--asset", "0x" + "66" * 20, "--name", "Shares", "--symbol", "SH")),
        ("resolver", ("--eas", "0x" + "66" * 20)),
        ("disclosures", ()),
        ("governor", ("--token", "0x" + "66" * 20, "--delay-hours", "1")),
    ],
)
def test_integrations_stand_where_their_arguments_say(
    office: Office, node: str, kind: str, options: tuple[str, ...]
) -> None:
    rpc(node, "anvil_setCode", "0x" + "66" * 20, SIXES)
    files: list[str | Path] = ["--fund", office.path("fund.json")] if kind != "governor" else []
    files += ["--policy", office.path("stricter.json")] if kind in ("feed", "vault") else []
    office.monkeypatch.setenv("PROOFOLIO_KEY", KEYS["first"].hex())
    deploying = ["integrate", kind, *files, "--network", "anvil", *options]
    chain, sent = office.registry.chain, office.registry.chain.nonce(address("first"))
    assert run(*deploying, "--dry-run") == ACCEPTED
    assert "nothing was sent" in office.told and chain.nonce(address("first")) == sent
    assert run(*deploying) == ACCEPTED
    places = dict(re.findall(r"([A-Za-z]+) (0x[0-9a-fA-F]{40})", office.told))
    for name, place in places.items():
        Contract(chain, name, place)  # type: ignore[arg-type]
    assert places and chain.nonce(address("first")) > sent
    sent = chain.nonce(address("first"))
    assert run(*deploying) == ACCEPTED and chain.nonce(address("first")) == sent
    if kind == "feed":
        answer = Contract(chain, "ComplianceFeed", places["ComplianceFeed"])
        assert answer.ask("description")[0] == "Fund / collateral" and answer.ask("decimals")[0] == 8
    if kind == "governor":
        timelock = Contract(chain, "TimelockController", places["TimelockController"])
        for role in ("PROPOSER_ROLE", "CANCELLER_ROLE"):
            assert timelock.ask("hasRole", keccak(text=role), places["PolicyGovernor"])[0]
        assert not timelock.ask("hasRole", bytes(32), address("first"))[0]
        assert timelock.ask("hasRole", keccak(text="EXECUTOR_ROLE"), "0x" + "00" * 20)[0]


def test_an_integration_that_nobody_could_rely_on_is_refused(office: Office) -> None:
    office.monkeypatch.setenv("PROOFOLIO_KEY", KEYS["first"].hex())
    files = "--fund", office.path("fund.json"), "--policy", office.path("stricter.json"), "--network", "anvil"
    for ratio in ("0", "-1", "1.000000001", "nan", "one"):
        assert run("integrate", "feed", *files, "--ratio", ratio, "--description", "x") == MISUSED
    assert run("integrate", "resolver", *files[:2], *files[4:], "--eas", "0x12") == MISUSED
    assert run("integrate", "resolver", *files[:2], *files[4:], "--eas", "0x" + "67" * 20) == REJECTED
    assert "NotAContract" in office.told


def test_more_instruments_are_no_tightening(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a base does not count could make up for what it does: no publisher confirms such a successor."""
    base = plain_policy()
    wider = {**base, "name": "wider", "base": base, "constraints": []}
    first, *others = base["sources"]
    wider["sources"] = [{**first, "instruments": [*first["instruments"], "supply-ETH"]}, *others]
    for name, content in (("old", base), ("new", wider)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    Policy.load(tmp_path / "new.json")  # the policy file alone permits it
    files = "--policy", tmp_path / "old.json", "--successor", tmp_path / "new.json", "--fund", tmp_path / "fund.json"
    assert run("tighten", *files, "--network", "anvil") == MISUSED
    assert "report other instruments" in " ".join(capsys.readouterr().err.split())


def test_a_twin_with_another_number_of_programs_is_not_taken_for_the_policy() -> None:
    policy = Policy.parse(json.dumps(plain_policy()).encode())
    parties = {name: "0x" + digit * 40 for name, digit in zip(("registry", "fund", "policy_owner"), "123", strict=True)}
    fund = FundFile(chain_id=1, signers={"custodian": "0x" + "4" * 40, "lender": "0x" + "5" * 40}, **parties)  # type: ignore[arg-type]
    ids = [policy_id(fund.policy_owner, policy.hash, fund.requirements(duties_of(policy)), n) for n in (1, 2)]
    known = {ids[0]}
    registry: Any = SimpleNamespace(policies=SimpleNamespace(has=lambda name: name in known))
    assert registered(registry, fund, policy) == (ids[0], 1)
    known.add(ids[1])
    with pytest.raises(EncodingError, match="1, 2 programs; say with --programs"):
        registered(registry, fund, policy)
    assert registered(registry, fund, policy, 2) == (ids[1], 2)
    assert registered(registry, fund, policy, 3) is None
