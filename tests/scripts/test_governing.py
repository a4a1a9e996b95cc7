"""The verbs of those who watch, on anvil: approve with overseers, veto, replace, tighten, oversee, suspend, revoke."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from proofolio.chain import registered
from proofolio.pipeline import Signing, Terms, commit_source, duties_of

from attest.bundle import FundFile
from attest.chain import Oversight
from attest.errors import EncodingError
from attest.registration import policy_id
from attest.srs import load_setup
from optimizer import sample_market
from optimizer.policy import Policy
from tests.contracts.anvil import rpc
from tests.contracts.encoding import words
from tests.scripts.fund import holdings, plain_policy
from tests.scripts.office import KEYS, NOTICE, WINDOW, Office, address
from tests.scripts.test_steps import ACCEPTED, MISUSED, REJECTED, run

pytestmark = pytest.mark.evm


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
    office.monkeypatch.delenv("PROOFOLIO_KEY")
    files = [x for name in ("policy", "fund", "market") for x in (f"--{name}", office.path(f"{name}.json"))]
    assert run("approve", *files, "--network", "anvil", "--epoch", "1", "--valid-days", "8") == ACCEPTED
    assert "epoch 1 is approved with this statement" in office.told, "compared without a key"

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
    assert office.as_("owner", "replace", *succeeding) == ACCEPTED
    assert f"0x{office.id('stricter.json').hex()} counts from" in office.told
    assert policies.is_current(old)

    assert office.as_("owner", "replace") == office.as_("owner", "replace", *succeeding, "--cancel") == MISUSED
    assert "give one of --successor and --cancel" in office.told
    assert office.as_("first", "replace", "--cancel") == REJECTED
    assert office.as_("owner", "replace", "--cancel", "--dry-run") == ACCEPTED
    assert policies.replacement(old) is not None
    assert office.as_("owner", "replace", "--cancel") == ACCEPTED
    assert policies.replacement(old) is None
    assert office.as_("owner", "replace", "--cancel") == REJECTED
    assert "NoReplacement" in office.told
    assert office.as_("owner", "replace", *succeeding) == ACCEPTED

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
    assert office.as_("owner", "replace", "--cancel") == REJECTED, "it counts already"
    assert "PolicyReplaced" in office.told


def test_other_overseers(office: Office, node: str) -> None:
    """Announced by the owner, in office after the notice, which everybody can see and anybody can end."""
    policies, name = office.registry.policies, office.id("other.json")

    def oversee(who: str, *arguments: str | Path) -> int:
        return office.as_(who, "oversee", *arguments, policy="other.json")

    assert office.approve("owner", "--oversight", office.path("oversight.json"), policy="other.json") == ACCEPTED
    before = Oversight.load(office.path("oversight.json"))
    after = before.model_copy(update={"publishers": (address("first"),), "threshold": 1, "auditors": ()})
    after.save(office.path("next.json"))
    announcing = "--oversight", office.path("next.json")
    assert "its publishers approve" in office.told
    assert oversee("stranger") == ACCEPTED
    told = office.told
    assert "in office: {" in told and address("auditor") in told and "announced" not in told
    assert oversee("owner", *announcing, "--cancel") == oversee("owner", "--apply", "--cancel") == MISUSED
    assert "give one of --oversight, --apply and --cancel" in office.told
    assert oversee("owner", "--oversight", office.path("fund.json")) == MISUSED
    assert oversee("first", *announcing) == REJECTED
    assert "NotOwner" in office.told
    assert oversee("owner", *announcing, "--dry-run") == ACCEPTED and policies.pending_oversight(name) is None
    assert oversee("owner", "--apply") == oversee("owner", "--cancel") == REJECTED
    assert "NoOversightScheduled" in office.told
    assert oversee("owner", *announcing) == ACCEPTED
    assert "can be put into office from" in office.told
    assert oversee("stranger") == ACCEPTED and "announced: {" in office.told
    assert oversee("stranger", "--cancel") == REJECTED
    assert oversee("owner", "--cancel", "--dry-run") == ACCEPTED and policies.pending_oversight(name) is not None
    assert oversee("owner", "--cancel") == ACCEPTED and policies.pending_oversight(name) is None
    assert oversee("owner", *announcing) == ACCEPTED
    assert oversee("stranger", "--apply") == REJECTED
    assert "NoticeRunning" in office.told
    pending = policies.pending_oversight(name)
    assert pending is not None and pending[0].encoded() == after.encoded() and policies.oversight(name) != pending[0]
    rpc(node, "evm_increaseTime", NOTICE)
    rpc(node, "evm_mine")
    assert oversee("stranger", "--apply") == ACCEPTED
    assert policies.oversight(name).encoded() == after.encoded() and policies.pending_oversight(name) is None


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
    wallet = [{"instrument": "ETH", "decimals": "18"}]
    (tmp_path / "new.json").write_text(json.dumps({**base, "base": base, "constraints": [], "wallet": wallet}))
    Policy.load(tmp_path / "new.json")
    assert run("tighten", *files, "--network", "anvil") == MISUSED
    assert "has other tokens read" in " ".join(capsys.readouterr().err.split())


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
