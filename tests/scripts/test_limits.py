"""What an operator reads: what is left of each limit, what binds and its price, and policies in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer import sample_market
from tests.scripts.fund import FIRST_DAY, holdings, plain_policy
from tests.scripts.test_steps import ACCEPTED, MISUSED, REJECTED, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days' markets and holdings, a policy of one epoch and one that compares them."""
    path = tmp_path_factory.mktemp("limits")
    for day, market in (("early", sample_market(as_of=FIRST_DAY)), ("late", sample_market())):
        market.save(path / f"{day}.json")
        holdings(market, **({"BTC": "90"} if day == "late" else {})).save(path / f"{day}.h.json")
    plain = plain_policy()
    plain["constraints"].append({"kind": "position_count", "maximum": "3"})
    turnover = plain | {"constraints": [*plain["constraints"], {"kind": "turnover", "limit": "0.2"}]}
    tight = plain | {"constraints": [*plain["constraints"], {"kind": "turnover", "limit": "0.01"}]}
    for name, policy in (("plain", plain), ("turnover", turnover), ("tight", tight)):
        (path / f"{name}.policy.json").write_text(json.dumps(policy))
    return path


def public(folder: Path, policy: str) -> list[str | Path]:
    return ["--market", folder / "late.json", "--policy", folder / f"{policy}.policy.json"]


def before(folder: Path) -> list[str | Path]:
    return ["--previous-market", folder / "early.json", "--previous-holdings", folder / "early.h.json"]


def test_slacks_are_shown_in_their_own_units(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("risk", *public(folder, "plain"), "--holdings", folder / "late.h.json") == ACCEPTED
    shown = capsys.readouterr().out
    assert "1 positions" in shown
    assert shown.count("kept") == 6


def test_a_policy_that_compares_epochs_needs_the_previous_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = ["--holdings", folder / "late.h.json"]
    assert run("risk", *public(folder, "turnover"), *held) == MISUSED
    assert "--previous-market" in capsys.readouterr().err
    assert run("risk", *public(folder, "turnover"), *held, *before(folder)[:2]) == MISUSED
    assert "--previous-holdings" in capsys.readouterr().err
    assert run("risk", *public(folder, "turnover"), *held, *before(folder)) == ACCEPTED
    assert run("risk", *public(folder, "tight"), *held, *before(folder)) == REJECTED
    assert "turnover" in capsys.readouterr().err


def test_binding_limits_have_prices(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goal = ["--capital", "2.6e6", "--objective", "return", "--out", tmp_path / "h.json"]
    assert run("optimize", *public(folder, "turnover"), *before(folder), *goal) == ACCEPTED
    shown = capsys.readouterr().out
    assert "Binding limits" in shown
    assert "turnover" in shown
    assert run("optimize", *public(folder, "turnover"), *before(folder), *goal) == MISUSED
    assert "move it away" in capsys.readouterr().err
    files = ["--holdings", tmp_path / "h.json"]
    assert run("risk", *public(folder, "turnover"), *before(folder), *files) == ACCEPTED


def test_a_policy_is_explained_in_sentences(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = folder / "turnover.policy.json"
    assert run("policy", "explain", policy) == ACCEPTED
    shown = " ".join(capsys.readouterr().out.split())
    assert "Net asset value" in shown
    assert "97.5%" in shown
    assert "hash 0x" in shown
    markets = ["--market", folder / "late.json", "--previous-market", folder / "early.json"]
    assert run("policy", "explain", policy, *markets) == ACCEPTED
    shown = " ".join(capsys.readouterr().out.split())
    assert "in one program" in shown
    assert "in whole lots, USD" in shown
