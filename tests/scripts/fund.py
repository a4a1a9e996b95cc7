"""A fund on the sample's market with small policies of its own, shared by the tests of the command."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proofolio.demo import SAMPLE_POLICY

from optimizer import Market
from optimizer.policy import Holdings

FIRST_DAY = dt.date(2020, 1, 10)
HELD = {
    "custodian": {"BTC": "80", "ETH": "3500", "LTC": "0", "USD": "1200000"},
    "lender": {f"{side}-{asset}": "0" for side in ("supply", "borrow") for asset in ("BTC", "ETH", "USD")}
    | {"supply-USD": "600000", "borrow-USD": "600000"},
}
VAR_LEVELS = [f"0.{digits}" for digits in (99, 98, 97, 96, 95, 94, 93, 92)]
"""Enough historical VaR limits, of one row a scenario each, that one program does not hold them."""


def plain_policy() -> dict[str, Any]:
    """Limits of one epoch."""
    content: dict[str, Any] = json.loads(json.dumps(SAMPLE_POLICY))
    content["name"] = "a first epoch"
    content["constraints"] = [
        {"kind": "solvency", "margin_usd": "250000"},
        {"kind": "expected_shortfall", "confidence": "0.975", "limit": "0.15"},
        {"kind": "gross_leverage", "limit": "2.5"},
    ]
    return content


def comparing_policy() -> dict[str, Any]:
    """More limits than one program holds, and one that compares epochs."""
    content = plain_policy()
    content["name"] = "a later epoch"
    for i, confidence in enumerate(VAR_LEVELS):
        content["constraints"].append({"kind": "historical_var", "confidence": confidence, "limit": f"0.{150 + i}"})
    content["constraints"].append({"kind": "turnover", "limit": "0.2"})
    return content


def write_terms(folder: Path, addresses: Mapping[str, str], signers: Sequence[str]) -> None:
    """fund.json, for the registry of deployment.json on anvil."""
    terms = {
        "version": "1",
        "chain_id": 31337,
        "registry": json.loads((folder / "deployment.json").read_text())["registry"],
        "fund": addresses["fund"],
        "policy_owner": addresses["owner"],
        "signers": {name: addresses[name] for name in signers},
    }
    (folder / "fund.json").write_text(json.dumps(terms))


def holdings(market: Market, **changed: str) -> Holdings:
    """What is held, with some quantities of the custodian changed."""
    sources = {**HELD, "custodian": HELD["custodian"] | changed}
    content = {"version": "1", "as_of": str(market.as_of), "sources": sources}
    return Holdings.model_validate_json(json.dumps(content))
