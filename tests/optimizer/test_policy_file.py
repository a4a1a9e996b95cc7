"""The policy file: strictness, names, sentences, schema, and a hash that does not depend on spelling."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import DataError, PolicyError
from optimizer.market import Market
from optimizer.policy import Policy
from optimizer.policy.constraint import Constraint
from optimizer.policy.constraints import KINDS
from tests.optimizer.policy_strategies import constraint_lists, policy_of
from tests.optimizer.strategies import markets


@pytest.fixture
def document() -> dict[str, Any]:
    return {
        "version": "1",
        "name": "sample",
        "nav_floor_usd": "1000000",
        "gross_cap_usd": "300000000",
        "rounding_tolerance": "0.000001",
        "sources": [
            {"name": "custodian-a", "role": "custodian", "instruments": ["BTC", "USD"]},
            {"name": "lender", "role": "lending", "instruments": ["debt"]},
        ],
        "constraints": [
            {"kind": "solvency", "margin_usd": "0"},
            {"kind": "historical_var", "confidence": "0.99", "limit": "0.08"},
            {"kind": "expected_shortfall", "confidence": "0.975", "limit": "0.10"},
            {"kind": "gross_leverage", "limit": "2.0"},
            {"kind": "concentration", "limit": "0.4", "instruments": None},
            {"kind": "position_limit", "instrument": "BTC", "max_usd": "1500000.50"},
        ],
    }


def _parse(document: dict[str, Any]) -> Policy:
    return Policy.parse(json.dumps(document).encode())


def test_file_round_trip(document: dict[str, Any], tmp_path: Path) -> None:
    policy = _parse(document)
    policy.save(tmp_path / "policy.json")
    assert Policy.load(tmp_path / "policy.json") == policy
    assert Policy.load(tmp_path / "policy.json").hash == policy.hash


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_random_policies_round_trip(data: st.DataObject) -> None:
    market: Market = data.draw(markets(max_instruments=3, max_scenarios=2))
    policy = policy_of(market, *data.draw(constraint_lists(market)))
    again = Policy.parse(policy.model_dump_json().encode())
    assert again == policy
    assert again.hash == policy.hash


def test_hash_does_not_depend_on_key_order_or_spelling_of_numbers(document: dict[str, Any]) -> None:
    turned = {key: document[key] for key in reversed(document)}
    turned["nav_floor_usd"] = "1000000.00"
    turned["constraints"][2]["limit"] = "0.100"
    assert _parse(turned).hash == _parse(document).hash
    turned["constraints"][2]["limit"] = "0.1001"
    assert _parse(turned).hash != _parse(document | {"constraints": document["constraints"][:2]}).hash


def test_hash_is_pinned(document: dict[str, Any]) -> None:
    """A change of this value is a change of the file format: every statement key in the world would change."""
    assert _parse(document).hash.hex() == "7939339bb45694618450433d85d76790d4fca3af013099aab996bd0d963e96cb"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("nav_floor_usd",), 1000000, "nav_floor_usd"),
        (("nav_floor_usd",), "1e6", "nav_floor_usd"),
        (("nav_floor_usd",), "400000000", "policy"),
        (("gross_cap_usd",), "-1", "gross_cap_usd"),
        (("rounding_tolerance",), "1", "rounding_tolerance"),
        (("version",), "2", "version"),
        (("netting",), "sometimes", "netting"),
        (("unknown",), "1", "unknown"),
        (("sources",), [], "sources"),
        (("sources", 1, "name"), "custodian-a", "policy"),
        (("sources", 0, "instruments"), ["BTC", "BTC"], "sources.0"),
        (("sources", 0, "role"), "friend", "sources.0.role"),
        (("constraints", 0, "kind"), "hope", "constraints.0"),
        (("constraints", 1, "limit"), 0.08, "constraints.1.historical_var.limit"),
        (("constraints", 1, "limit"), "0", "constraints.1.historical_var.limit"),
        (("constraints", 2, "confidence"), "1.2", "constraints.2.expected_shortfall.confidence"),
        (("constraints", 5, "max_usd"), None, "constraints.5.position_limit"),
        (("constraints", 5, "min_usd"), "2000000", "constraints.5.position_limit"),
        (("constraints", 5, "name"), "nav_floor", "policy"),
        (("constraints", 5, "name"), "solvency", "policy"),
        (("constraints", 5, "name"), "a/b", "constraints.5.position_limit.name"),
    ],
)
def test_bad_policies_are_refused_by_field(
    document: dict[str, Any], path: tuple[Any, ...], value: object, field: str
) -> None:
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(PolicyError) as error:
        _parse(document)
    assert error.value.field == field


def test_a_missing_file_and_a_file_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        Policy.load(tmp_path / "absent.json")
    (tmp_path / "torn.json").write_text('{"version": "1"')
    with pytest.raises(PolicyError):
        Policy.load(tmp_path / "torn.json")


def test_names_are_the_kinds_and_numbered_where_several_share_one(document: dict[str, Any]) -> None:
    document["constraints"].append({"kind": "historical_var", "confidence": "0.95", "limit": "0.05"})
    document["constraints"].append({"kind": "concentration", "limit": "0.5", "name": "looser"})
    names = [constraint.name for constraint in _parse(document).named_constraints()]
    assert names == [
        "nav_floor",
        "gross_cap",
        "solvency",
        "historical_var-1",
        "expected_shortfall",
        "gross_leverage",
        "concentration",
        "position_limit-BTC",
        "historical_var-2",
        "looser",
    ]


def test_sentences_carry_units(document: dict[str, Any]) -> None:
    sentences = _parse(document).sentences()
    assert sentences["nav_floor"] == "Net asset value (assets less debts) is at least 1,000,000 USD."
    assert sentences["historical_var"] == "One-day historical value at risk at 99% is at most 8% of NAV."
    assert sentences["expected_shortfall"] == "One-day expected shortfall at 97.5% is at most 10% of NAV."
    assert sentences["position_limit-BTC"].endswith("is at most 1,500,000.5 USD.")
    assert all(sentence.endswith(".") for sentence in sentences.values())


def test_schema_knows_every_kind() -> None:
    schema = Policy.json_schema()
    properties = schema["$defs"]["Policy"]["properties"]
    mapping = properties["constraints"]["items"]["discriminator"]["mapping"]
    assert set(mapping) == {kind.model_fields["kind"].default for kind in KINDS} | {"all_of", "sleeve"}
    assert "nav_floor" not in mapping
    assert properties["gross_cap_usd"]["type"] == "string"
    json.dumps(schema)


def test_every_kind_is_registered_once_under_its_own_name() -> None:
    assert len(KINDS) == len(Constraint.registry)
    assert all(name == kind.model_fields["kind"].default for name, kind in Constraint.registry.items())


def test_policy_in_python_takes_decimals_and_no_floats(document: dict[str, Any]) -> None:
    policy = _parse(document)
    assert policy.gross_cap_usd == Decimal(300_000_000)
    with pytest.raises(ValueError, match="no exact number"):
        policy.constraints[1].__class__.model_validate({"kind": "historical_var", "confidence": 0.99, "limit": "0.1"})
