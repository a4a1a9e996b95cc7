"""The examples on the pages of the families are what a policy file may hold."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from optimizer.policy import Policy

ROOT = Path(__file__).parents[3]
PAGES = {
    "market-risk.md": {"historical_var", "expected_shortfall", "parametric_var", "volatility"},
    "stress.md": {"stress"},
    "solvency.md": {"solvency"},
    "sizes.md": {
        "gross_leverage",
        "net_leverage",
        "concentration",
        "position_limit",
        "position_count",
        "min_position_size",
    },
    "turnover.md": {"turnover"},
    "exposures.md": {"greek", "factor_exposure"},
    "lending.md": {"health_factor"},
    "liquidity.md": {"liquidity", "redemption_coverage"},
}
POLICY = {
    "name": "examples",
    "nav_floor_usd": "1",
    "gross_cap_usd": "1000000",
    "rounding_tolerance": "0.000001",
    "sources": [{"name": "a", "role": "custodian", "instruments": ["USD"]}],
}


def examples(page: str) -> Iterator[dict[str, Any]]:
    """The objects of all JSON blocks, one or several in each."""
    text = (ROOT / "docs" / "policies" / page).read_text(encoding="utf-8")
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        rest = block.strip()
        while rest:
            found, end = json.JSONDecoder().raw_decode(rest)
            yield found
            rest = rest[end:].strip()


@pytest.mark.parametrize("page", PAGES)
def test_examples_parse_and_show_every_kind_of_the_family(page: str) -> None:
    shown = set()
    for example in examples(page):
        policy = Policy.parse(json.dumps(POLICY | {"constraints": [example]}).encode())
        (limit,) = policy.limits()
        assert limit.definition.sentence().endswith(".")
        shown.add(limit.definition.kind)
    assert shown == PAGES[page]


@pytest.mark.parametrize("page", PAGES)
def test_every_kind_has_a_heading(page: str) -> None:
    text = (ROOT / "docs" / "policies" / page).read_text(encoding="utf-8")
    assert set(re.findall(r"^## `(\w+)`$", text, re.MULTILINE)) == PAGES[page]
