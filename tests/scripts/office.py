"""Everybody who acts on a policy and a fund: their keys, their files, and the registry that these name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from proofolio.pipeline import duties_of

from attest.bundle import FundFile
from attest.chain import Chain, LocalSigner, Registry, deploy, load_network
from attest.registration import policy_id
from optimizer import sample_market
from optimizer.policy import Policy
from tests.attest.chain.worlds import STAND_INS
from tests.contracts.anvil import rpc
from tests.scripts.fund import plain_policy
from tests.scripts.test_steps import run

NAMES = ("owner", "fund", "custodian", "lender", "first", "second", "third", "auditor", "stranger")
KEYS = {name: bytes([0x61 + i]) * 32 for i, name in enumerate(NAMES)}
WINDOW, NOTICE = 3_600, 3 * 86_400


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

    def run(self, who: str, verb: str, *arguments: str | Path) -> int:
        """The exit code of a verb, of one word or two, that `who` signs."""
        self.monkeypatch.setenv("PROOFOLIO_KEY", KEYS[who].hex())
        return run(*verb.split(), "--network", "anvil", *arguments)

    def for_fund(self, who: str, verb: str, *arguments: str | Path, fund: str = "fund.json") -> int:
        return self.run(who, verb, "--fund", self.path(fund), *arguments)

    def as_(
        self, who: str, verb: str, *arguments: str | Path, policy: str = "policy.json", fund: str = "fund.json"
    ) -> int:
        return self.for_fund(who, verb, "--policy", self.path(policy), *arguments, fund=fund)

    def approve(
        self, who: str, *arguments: str | Path, epoch: int = 1, policy: str = "policy.json", fund: str = "fund.json"
    ) -> int:
        numbers = "--epoch", str(epoch), "--valid-days", "8", "--market", self.path("market.json")
        return self.as_(who, "approve", *numbers, *arguments, policy=policy, fund=fund)

    @property
    def told(self) -> str:
        return " ".join("".join(self.read()).split())

    def id(self, policy: str = "policy.json", fund_file: str = "fund.json") -> bytes:
        fund, rules = FundFile.load(self.path(fund_file)), Policy.load(self.path(policy))
        return policy_id(fund.policy_owner, rules.hash, fund.requirements(duties_of(rules)), 1)


def successor(base: dict[str, Any] | None) -> dict[str, Any]:
    content = plain_policy()
    content["name"] = "a stricter policy" if base else "a policy of its own"
    if base:
        content |= {"base": base, "constraints": []}
        content["constraints"].append({"kind": "gross_leverage", "limit": "2.4"})
    return content


def furnish(folder: Path, node: str) -> Registry:
    """Registries whose verifiers take everything, and public files."""
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
    return Registry(chain, deployment.registry)
