"""`proofolio integrate` on anvil: each contract at its own address, once, recorded, and as the package carries it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from attest.chain.artifacts import ContractName
from attest.chain.contract import Contract
from attest.chain.deployment import Creation, create, missing
from attest.chain.integrations import ADMIN, CANCELLER, PROPOSER, Governance, Integrations
from tests.contracts.anvil import rpc
from tests.scripts.office import KEYS, Office, address
from tests.scripts.test_steps import ACCEPTED, MISUSED, REJECTED

pytestmark = pytest.mark.evm
TOKEN = "0x601260005260206000f3"
"""Code of a contract that answers 18 to everything."""
DELAY, PERIOD = 7_200, 50_400


@pytest.fixture(scope="module")
def token(node: str) -> str:
    place = "0x00000000000000000000000000000000000000c1"
    rpc(node, "anvil_setCode", place, TOKEN)
    return place


def integrate(office: Office, what: str, *arguments: str | Path, who: str = "custodian", policy: bool = False) -> int:
    files = ["--fund", office.path("fund.json")] if what != "governor" else []
    files += ["--policy", office.path("policy.json")] if policy else []
    return office.run(who, f"integrate {what}", *files, *arguments, "--out", office.path("integrations.json"))


def recorded(office: Office, name: ContractName) -> Contract:
    """The last one of this name. Raises: NetworkError: it is not what the package carries."""
    record = Integrations.load(office.path("integrations.json"))
    place = [each.address for each in record.contracts if each.contract == name][-1]
    return Contract(office.registry.chain, name, place)


def nonce(office: Office, who: str = "custodian") -> int:
    return office.registry.chain.nonce(address(who))


def test_what_is_of_a_registry(office: Office, token: str) -> None:
    record = office.path("integrations.json")
    before = nonce(office)
    assert integrate(office, "disclosures", "--dry-run") == ACCEPTED
    assert "Creating Disclosures: " in office.told and not record.exists() and nonce(office) == before
    assert integrate(office, "disclosures") == ACCEPTED
    assert "integrations.json written" in office.told and nonce(office) == before + 1
    registry = office.registry.address.lower()
    assert recorded(office, "Disclosures").ask("registry") == (registry,)
    content = record.read_bytes()
    for who in ("custodian", "stranger"):
        assert integrate(office, "disclosures", who=who) == ACCEPTED
        assert " stands" in office.told
    assert record.read_bytes() == content and nonce(office) == before + 1

    assert integrate(office, "resolver", "--eas", "0x12") == MISUSED
    for only_asking in (["--dry-run"], []):
        assert integrate(office, "resolver", "--eas", address("stranger"), *only_asking) == REJECTED
        assert f"NotAContract({address('stranger').lower()})" in office.told
    assert integrate(office, "resolver", "--eas", token) == ACCEPTED
    resolver = recorded(office, "ComplianceResolver")
    assert resolver.ask("eas") == (token.lower(),) and resolver.ask("registry") == (registry,)
    schema = str(resolver.ask("schema")[0]).encode()
    assert resolver.ask("schemaId") == (keccak(schema + bytes.fromhex(resolver.address[2:]) + b"\x01"),)

    record.write_text(json.dumps(json.loads(record.read_text()) | {"chain_id": 1}))
    assert integrate(office, "disclosures") == MISUSED
    assert "is of chain 1" in office.told
    record.write_text(json.dumps(json.loads(record.read_text()) | {"chain_id": 31337}))


def test_what_is_of_a_fund_and_its_policy(office: Office, token: str) -> None:
    shares = "--name", "Gated shares", "--symbol", "gS"
    vault = "--asset", token, *shares
    assert integrate(office, "vault", *vault, policy=True) == MISUSED
    assert "is not registered" in office.told
    watching = "--oversight", office.path("oversight.json")
    for policy in ("policy.json", "stricter.json"):
        assert office.approve("owner", *watching, policy=policy) == ACCEPTED
    assert integrate(office, "vault", *vault, policy=True) == REJECTED
    assert f"UnknownFund({address('fund').lower()})" in office.told
    assert office.for_fund("fund", "register") == ACCEPTED
    assert integrate(office, "vault", "--asset", address("stranger"), *shares, policy=True) == MISUSED
    assert "no contract with totalSupply() stands there" in office.told
    assert integrate(office, "vault", *vault, "--dry-run", policy=True) == ACCEPTED
    assert integrate(office, "vault", *vault, policy=True) == ACCEPTED
    created = recorded(office, "GatedVault")
    assert [created.ask(view)[0] for view in ("asset", "name", "symbol", "rootPolicy", "isOpen")] == [
        token.lower(),
        "Gated shares",
        "gS",
        office.id(),
        False,
    ]

    for wrong in ("abc", "0", "-1", "nan", "1.000000001", "1e999999"):
        assert integrate(office, "feed", "--ratio", wrong, policy=True) == MISUSED
        assert "a ratio is a positive number" in office.told
    assert integrate(office, "feed", "--ratio", "1.25", "--successor", "next.json", policy=True) == MISUSED
    assert "FILE=RATIO is wanted" in office.told
    assert integrate(office, "feed", "--ratio", "1.25", policy=True) == ACCEPTED
    plain = recorded(office, "ComplianceFeed")
    assert plain.ask("statedRatio", office.id()) == (125_000_000,)
    assert plain.ask("statedRatio", office.id("stricter.json")) == (0,)
    assert plain.ask("description") == ("Collateral ratio under a first epoch",)
    successor = "--successor", f"{office.path('stricter.json')}=1.3"
    for _ in range(2):
        assert integrate(office, "feed", "--ratio", "1.25", *successor, policy=True) == ACCEPTED
    both = recorded(office, "ComplianceFeed")
    assert both.address != plain.address
    assert both.ask("statedRatio", office.id("stricter.json")) == (130_000_000,)
    record = Integrations.load(office.path("integrations.json"))
    assert [each.contract for each in record.contracts] == [
        "Disclosures",
        "ComplianceResolver",
        "GatedVault",
        "ComplianceFeed",
        "ComplianceFeed",
    ]


def governance(token: str, who: str = "custodian", percent: int = 4) -> Governance:
    return Governance.of(address(who), token, DELAY, PERIOD, 0, percent, 172_800)


def test_a_governor_and_its_timelock(office: Office, token: str) -> None:
    chain, planned = office.registry.chain, governance(token)
    settings = "--voting-delay", str(DELAY), "--voting-period", str(PERIOD)
    choosing = "--token", token, *settings
    assert integrate(office, "governor", "--token", address("stranger"), *settings) == MISUSED
    assert "no contract with getVotes(address) stands there" in office.told
    assert integrate(office, "governor", *choosing, "--quorum-percent", "0") == MISUSED, "one vote would be enough"
    assert integrate(office, "governor", *choosing, "--dry-run") == ACCEPTED
    assert "can be estimated when both stand" in office.told
    create(chain, KEYS["custodian"], [planned.timelock, planned.governor])  # and then it was interrupted
    before = nonce(office)
    assert integrate(office, "governor", *choosing, "--dry-run") == ACCEPTED and nonce(office) == before
    assert integrate(office, "governor", *choosing) == ACCEPTED
    assert "is the governor's alone" in office.told and nonce(office) == before + 3
    timelock, governor = recorded(office, "TimelockController"), recorded(office, "PolicyGovernor")
    assert (timelock.address, governor.address) == (planned.timelock.address, planned.governor.address)
    for role in (PROPOSER, CANCELLER):
        assert timelock.ask("hasRole", role, governor.address) == (True,)
        assert timelock.ask("hasRole", role, address("custodian")) == (False,)
    assert timelock.ask("hasRole", ADMIN, address("custodian")) == (False,)
    assert timelock.ask("hasRole", ADMIN, timelock.address) == (True,)
    assert timelock.ask("hasRole", keccak(text="EXECUTOR_ROLE"), "0x" + "00" * 20) == (True,), "anybody executes"
    assert governor.ask("timelock") == (timelock.address.lower(),) and governor.ask("token") == (token.lower(),)
    assert integrate(office, "governor", *choosing) == ACCEPTED and nonce(office) == before + 3, (
        "nothing is left to send"
    )


def test_no_two_governors_share_a_timelock(office: Office, token: str) -> None:
    first, second = governance(token), governance(token, percent=10)
    other = governance(token, "lender")
    assert len({each.timelock.address for each in (first, second, other)}) == 3
    assert first.timelock.code == second.timelock.code, "only the salt differs"


def test_a_timelock_that_was_given_up_too_early(office: Office, token: str) -> None:
    chain, planned = office.registry.chain, governance(token, percent=7)
    create(chain, KEYS["custodian"], [planned.timelock, planned.governor])
    *_, (_, giving_up) = planned.handover(chain)
    chain.execute(KEYS["custodian"], giving_up)
    settings = "--voting-delay", str(DELAY), "--voting-period", str(PERIOD), "--quorum-percent", "7"
    assert integrate(office, "governor", "--token", token, *settings) == MISUSED
    assert "has no admin any more" in office.told


def test_a_salt_moves_an_address(office: Office) -> None:
    plain, salted = (Creation.of("FundRegistry", salt=bytes(31) + bytes([last])) for last in (0, 1))
    assert plain.address != salted.address
    assert missing(office.registry.chain, [plain, salted]) == [salted]
    create(office.registry.chain, KEYS["lender"], [salted])
    assert missing(office.registry.chain, [plain, salted]) == []
