"""Who acts for a fund, and who owns it and its policy, on anvil: register, operator, transfer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripts.office import KEYS, Office, address
from tests.scripts.test_steps import ACCEPTED, MISUSED, REJECTED

pytestmark = pytest.mark.evm
NOBODY = "0x" + "00" * 20


def sent(office: Office) -> int:
    return sum(office.registry.chain.nonce(address(name)) for name in KEYS)


def test_operators_act_while_the_owner_allows_it(office: Office) -> None:
    registry, fund, key = office.registry, address("fund"), address("first")

    def operator(who: str, *arguments: str) -> int:
        return office.for_fund(who, "operator", *arguments)

    assert operator("owner", "--allow", key) == REJECTED, "there is no such fund yet"
    assert office.for_fund("fund", "register", "--owner", NOBODY) == MISUSED
    assert office.for_fund("fund", "register", "--owner", address("second")) == ACCEPTED
    before = sent(office)
    assert office.for_fund("fund", "register") == ACCEPTED and sent(office) == before
    assert f"is registered, owner {address('second').lower()}" in office.told

    assert operator("second") == operator("second", "--allow", key, "--withdraw", key) == MISUSED
    assert "give one of --allow and --withdraw" in office.told
    for wrong in ("0x12", NOBODY, key.swapcase().replace("0X", "0x")):
        assert operator("second", "--allow", wrong) == MISUSED
        assert "--allow 0x" in office.told
    assert operator("fund", "--allow", key) == REJECTED
    assert "NotOwner" in office.told
    assert operator("second", "--allow", key, "--dry-run") == ACCEPTED and not registry.acts_for(fund, key)
    assert operator("second", "--withdraw", key) == ACCEPTED
    assert "is no operator" in office.told
    assert operator("second", "--allow", key) == ACCEPTED and registry.acts_for(fund, key)
    before = sent(office)
    assert operator("second", "--allow", key) == ACCEPTED
    assert "is an operator already" in office.told
    assert operator("second", "--withdraw", address("second")) == ACCEPTED and sent(office) == before
    assert "is the fund's owner" in office.told
    assert operator("second", "--withdraw", key) == ACCEPTED and not registry.acts_for(fund, key)


def test_a_fund_goes_to_whom_it_is_offered(office: Office) -> None:
    registry, fund, key = office.registry, address("fund"), address("first")

    def transfer(who: str, *arguments: str) -> int:
        return office.for_fund(who, "transfer fund", *arguments)

    assert office.for_fund("second", "operator", "--allow", key) == ACCEPTED
    to = "--to", address("third")
    assert transfer("second") == transfer("second", *to, "--accept") == transfer("second", "--to", NOBODY) == MISUSED
    assert "give one of --to, --accept and --cancel" in office.told
    assert transfer("fund", *to) == transfer("third", "--accept") == REJECTED
    assert "NotPendingOwner" in office.told
    assert transfer("second", *to, "--dry-run") == ACCEPTED and registry.pending_fund_owner(fund) is None
    assert transfer("second", *to) == ACCEPTED
    assert f"{address('third')} takes it with: proofolio transfer fund --accept" in office.told
    assert registry.pending_fund_owner(fund) == address("third").lower()
    assert transfer("second", "--cancel") == ACCEPTED and registry.pending_fund_owner(fund) is None
    assert transfer("third", "--accept") == REJECTED
    assert transfer("second", *to) == ACCEPTED
    assert transfer("third", "--accept", "--dry-run") == ACCEPTED
    assert registry.fund_owner(fund) == address("second").lower()
    assert transfer("third", "--accept") == ACCEPTED and registry.fund_owner(fund) == address("third").lower()
    assert not registry.acts_for(fund, key), "operators go with the owner who allowed them"


def test_a_policy_goes_to_whom_it_is_offered_and_its_new_owner_replaces_it(office: Office) -> None:
    policies, name = office.registry.policies, office.id()

    def transfer(who: str, *arguments: str) -> int:
        return office.as_(who, "transfer policy", *arguments)

    to = "--to", address("stranger")
    assert transfer("owner", *to) == MISUSED
    assert "is not registered" in office.told
    watching = "--oversight", office.path("oversight.json")
    assert office.approve("owner", *watching) == ACCEPTED
    assert transfer("first", *to) == REJECTED
    assert transfer("owner", *to, "--dry-run") == ACCEPTED and policies.pending_owner(name) is None
    assert transfer("owner", *to) == ACCEPTED and policies.pending_owner(name) == address("stranger")
    assert transfer("auditor", "--accept") == REJECTED
    assert transfer("owner", "--cancel") == ACCEPTED and policies.pending_owner(name) is None
    assert transfer("owner", *to) == ACCEPTED
    assert transfer("stranger", "--accept") == ACCEPTED and policies.owner(name) == address("stranger")
    assert transfer("owner", *to) == REJECTED
    assert "NotOwner" in office.told

    stricter = "--successor", office.path("stricter.json")
    assert office.as_("stranger", "replace", *stricter) == MISUSED
    assert "is not registered by the owner of" in office.told
    _write_own_fund_file(office.path("fund.json"), office.path("own.json"))
    assert office.approve("stranger", *watching, policy="stricter.json", fund="own.json") == ACCEPTED
    assert office.as_("owner", "replace", *stricter) == REJECTED
    assert office.as_("stranger", "replace", *stricter) == ACCEPTED
    successor = office.id("stricter.json", "own.json")
    replacement = policies.replacement(name)
    assert replacement is not None and replacement.successor == successor
    for publisher in ("first", "second"):
        assert office.as_(publisher, "tighten", *stricter) == ACCEPTED
    assert policies.current(name) == successor


def _write_own_fund_file(before: Path, after: Path) -> None:
    """The new owner's, for the policies that it registers."""
    after.write_text(json.dumps(json.loads(before.read_text()) | {"policy_owner": address("stranger")}))
