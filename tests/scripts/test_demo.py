"""The demo: every file it promises, with figures that fit together."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from proofolio.__main__ import main


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["proofolio", "demo", "--out", str(out)])
        with pytest.raises(SystemExit) as left:
            main()
    assert not left.value.code
    return out


def test_the_summary_keeps_its_limits(written: Path) -> None:
    summary = json.loads((written / "summary.json").read_text())
    assert all(left >= 0 for left in summary["limits_left_usd"].values())
    assert 0 < summary["risk"]["historical_var_fraction"] <= 0.08
    assert 0 < summary["risk"]["expected_shortfall_fraction"] <= 0.09
    assert summary["risk"]["gross_leverage"] <= 2.5
    assert any(value < 0 for value in summary["allocation_usd"].values())
    assert summary["proof_bytes"] == 3392
    chain = summary["chain"]
    assert (chain["compliant_before"], chain["compliant"]) == (False, True)
    assert "OpeningRejected" in chain["altered_proof"]
    assert 21_000 < chain["publication_gas"] < 900_000


def test_the_report_is_one_page_with_three_plots(written: Path) -> None:
    page = (written / "report.html").read_text()
    assert page.count("<svg") == 3
    assert "What is not proved" in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )


def test_the_bundle_verifies_from_what_was_written(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [x for name in ("market", "policy", "fund") for x in (f"--{name}", str(written / f"{name}.json"))]
    monkeypatch.setattr(sys, "argv", ["proofolio", "verify", str(written / "bundle.json"), *files])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
