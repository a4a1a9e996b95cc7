"""Where the stateful contracts keep what they know, pinned.

`python -m tests.contracts.test_storage_layout` writes it anew. Readers of raw storage (state proofs, indexers) rely on
it, and a changed line shows a reviewer that state moved. The compiler is asked for layouts alone, which takes seconds;
it generates no code for that.
"""

from __future__ import annotations

import json
import posixpath
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.anvil import CONTRACTS

STATEFUL = ("AccountReader", "AttestationRegistry", "BookRegistry", "FundRegistry", "PolicyRegistry")
PINNED = CONTRACTS / "storage-layout.json"
LIBRARIES = CONTRACTS / "node_modules"

pytestmark = [
    pytest.mark.evm,
    pytest.mark.skipif(
        not LIBRARIES.exists(), reason="the contract tools are not installed; `make test` installs them"
    ),
]


def sources() -> dict[str, Path]:
    """The stateful contracts and all that they import, by the compiler's name for it."""
    found = {f"src/{name}.sol": CONTRACTS / f"src/{name}.sol" for name in STATEFUL}
    wanted = list(found)
    while wanted:
        name = wanted.pop()
        for imported in re.findall(r'from "([^"]+)"', found[name].read_text()):
            known = imported
            if imported.startswith("."):
                known = posixpath.normpath(posixpath.join(posixpath.dirname(name), imported))
            if known not in found:
                found[known] = (LIBRARIES if known.startswith("@") else CONTRACTS) / known
                wanted.append(known)
    return found


def layouts() -> dict[str, Any]:
    """The storage layout of each stateful contract, without the compiler's numbers for nodes of the syntax tree."""
    job = {
        "language": "Solidity",
        "sources": {name: {"content": path.read_text()} for name, path in sources().items()},
        "settings": {
            "outputSelection": {f"src/{name}.sol": {name: ["storageLayout"]} for name in STATEFUL},
        },
    }
    done = subprocess.run(
        [CONTRACTS / "solc", "--standard-json"], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    faults = [e["formattedMessage"] for e in answer.get("errors", ()) if e["severity"] == "error"]
    if faults:
        raise RuntimeError(faults[0])
    return {name: _normalised(answer["contracts"][f"src/{name}.sol"][name]["storageLayout"]) for name in STATEFUL}


def _normalised(layout: dict[str, Any]) -> dict[str, Any]:
    """Each variable's place and type, and the members of each struct."""
    structs = {
        _plain(name): [_variable(member) for member in kind["members"]]
        for name, kind in (layout["types"] or {}).items()
        if "members" in kind
    }
    return {"variables": [_variable(item) for item in layout["storage"]], "structs": dict(sorted(structs.items()))}


def _variable(item: dict[str, Any]) -> str:
    return f"{item['slot']}+{item['offset']} {item['label']}: {_plain(item['type'])}"


def _plain(kind: str) -> str:
    """`t_struct(Slot)1234_storage` without the number."""
    return re.sub(r"\)\d+", ")", kind)


def test_storage_is_where_it_was() -> None:
    assert layouts() == json.loads(PINNED.read_text())


if __name__ == "__main__":
    PINNED.write_text(json.dumps(layouts(), indent=1) + "\n")
