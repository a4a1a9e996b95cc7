"""The Foundry project: its own tests, and artifacts that are what the pinned compiler builds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CONTRACTS = Path(__file__).parents[2] / "contracts"
FORGE = CONTRACTS / "node_modules/.bin/forge"

pytestmark = [
    pytest.mark.evm,
    pytest.mark.skipif(not FORGE.exists(), reason="the contract tools are not installed; `make test` installs them"),
]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=CONTRACTS, capture_output=True, text=True, check=False)


def test_forge_tests_pass() -> None:
    result = run(FORGE, "test")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
    assert " passed, 0 failed" in result.stdout


def test_committed_artifacts_are_what_the_compiler_builds() -> None:
    result = run("node", "artifacts.mjs", "--check")
    assert result.returncode == 0, result.stderr[-2000:]
