"""What the registries' functions cost, pinned: `python -m tests.contracts.test_gas` writes contracts/snapshots anew.

Each call is a transaction of its own, so its 21 000 and its calldata are in it. An incremental build orders the
compiler's intermediate names differently from a full one, and may give slightly other bytecode; so the figures are
compared to half a percent.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.contracts.anvil import CONTRACTS

FORGE = CONTRACTS / "node_modules/.bin/forge"
PINNED = CONTRACTS / "snapshots/Registry.json"
TOLERANCE = 0.005

pytestmark = [
    pytest.mark.evm,
    pytest.mark.skipif(not FORGE.exists(), reason="the contract tools are not installed; `make test` installs them"),
]


def measured() -> dict[str, int]:
    """Gas by function, as the present build has it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"FOUNDRY_SNAPSHOTS": folder, "FORGE_SNAPSHOT_EMIT": "true"}
        done = subprocess.run(
            [FORGE, "test", "--isolate", "--match-contract", "RegistryGas"],
            cwd=CONTRACTS,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-1000:])
        written = Path(folder) / "Registry.json"
        return {name: int(gas) for name, gas in json.loads(written.read_text()).items()}


def test_gas_is_what_it_was() -> None:
    pinned = json.loads(PINNED.read_text())
    assert measured() == {name: pytest.approx(gas, rel=TOLERANCE) for name, gas in pinned.items()}


if __name__ == "__main__":
    PINNED.parent.mkdir(exist_ok=True)
    PINNED.write_text(json.dumps(measured(), indent=1) + "\n")
