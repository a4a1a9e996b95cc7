"""Mutants of the contracts before the forge tests; those of verifiers before the frozen vectors, on anvil, first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.contracts.anvil import CONTRACTS, RICH, anvil, deploy, rpc_all
from tests.mutation.judge import Result
from tests.mutation.solidity import Mutant, imported_by, write_mutants
from tests.vectors.cases import ContractCall, contract_calls

NO_SIZE_LIMIT = ("--code-size-limit", "1000000000")
FUZZ_RUNS = "16"
BATCH = 40
SECONDS = 1800
"""For one call of forge: compiling all mutants takes minutes, a mutant that hangs takes for ever."""


VERIFIERS, REGISTRIES = "verifiers", "registries"
GROUPS = (VERIFIERS, REGISTRIES)
_VERIFIERS = ("ProofVerifier", "BookVerifier", "RepresentationVerifier")
_TESTS_OF_VERIFIERS = (
    *("BookVerifier", "Curve", "Field", "Precompiles", "ProofBatches", "ProofVerifier", "RepresentationVerifier"),
    *("StatementKeys", "Transcript", "Values"),
)


def judged(group: str, kinds: set[str], processes: int) -> Iterator[Result]:
    """One result a mutant: of the verifiers and their libraries, or of all other contracts.

    Raises: RuntimeError: the contracts are wrong without any mutant.
    """
    tests = set((CONTRACTS / "test").rglob("*.t.sol")) - {CONTRACTS / "test/GasSnapshot.t.sol"}  # of what is committed
    of_verifiers = {CONTRACTS / f"test/{name}.t.sol" for name in _TESTS_OF_VERIFIERS}
    verifiers = imported_by(CONTRACTS, (CONTRACTS / f"src/{name}.sol" for name in _VERIFIERS))
    others = imported_by(CONTRACTS, (CONTRACTS / "src").rglob("*.sol")) - verifiers
    parts = (of_verifiers, verifiers) if group == VERIFIERS else (tests - of_verifiers, others)
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary) / str(i) for i in range(processes)]
        chosen = [mutant for mutant in write_mutants(CONTRACTS, folders[0], *parts) if mutant.kind in kinds]
        _build(folders[0])
        for folder in folders[1:]:
            shutil.copytree(folders[0], folder, symlinks=True)
        noticed = _by_vectors(folders[0], chosen) if group == VERIFIERS else []
        yield from (_result(mutant, True) for mutant in noticed)
        rest = [mutant for mutant in chosen if mutant not in noticed]
        if _fails_tests(folders[0], 0):
            raise RuntimeError("the contracts fail their tests without any mutant")
        with ThreadPoolExecutor(processes) as pool:
            shares = [pool.submit(list, _by_tests(folders[i], rest[i::processes])) for i in range(processes)]
            for share in shares:
                yield from share.result()


def _result(mutant: Mutant, noticed: bool) -> Result:
    return Result(f"contracts/src/{mutant.file}", mutant.line, mutant.kind, mutant.change, noticed)


def _build(folder: Path) -> None:
    done = _forge(folder, "build")
    if not list((folder / "out").glob("*.sol")):  # npm's forge exits with 0 in any case
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])


def _forge(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"FOUNDRY_FUZZ_RUNS": FUZZ_RUNS}
    command = ["node_modules/.bin/forge", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def _by_vectors(folder: Path, chosen: list[Mutant]) -> list[Mutant]:
    """The mutants under which a deployed verifier misjudges a vector."""
    calls = sorted(contract_calls(), key=lambda call: not call.accepted)
    with anvil("--block-base-fee-per-gas", "0", "--gas-price", "0", "--gas-limit", str(10**12), *NO_SIZE_LIMIT) as url:
        addresses = {}
        for name in {call.contract for call in calls}:
            artifact = json.loads((folder / f"out/{name}.sol/{name}.json").read_text())
            addresses[name] = deploy(url, artifact["bytecode"]["object"])
        if _misjudged(url, addresses, calls, 0):
            raise RuntimeError("the contracts misjudge a vector without any mutant")
        return [mutant for mutant in chosen if _misjudged(url, addresses, calls, mutant.number)]


def _misjudged(url: str, addresses: dict[str, str], calls: list[ContractCall], number: int) -> bool:
    """Whether an answer is not the expected one, at this gas price. Accepted calls come first; they notice most."""
    requests = []
    for call in calls:
        sent = {"from": RICH, "to": addresses[call.contract], "data": call.data, "gasPrice": hex(number)}
        requests.append(("eth_call", [sent | {"gas": hex(10**8)}, "latest"]))
    pairs = list(zip(calls, requests, strict=True))
    for part in (pairs[at : at + BATCH] for at in range(0, len(pairs), BATCH)):
        answers = rpc_all(url, [request for _, request in part])
        if any(("error" not in answer) != call.accepted for (call, _), answer in zip(part, answers, strict=True)):
            return True
    return False


def _by_tests(folder: Path, rest: list[Mutant]) -> Iterator[Result]:
    for mutant in rest:
        yield _result(mutant, _fails_tests(folder, mutant.number))


def _fails_tests(folder: Path, number: int) -> bool:
    """Whether a forge test fails at this gas price. A mutant that hangs fails them."""
    try:
        done = _forge(folder, "test", *NO_SIZE_LIMIT, "--gas-price", str(number), "--fail-fast")
    except subprocess.TimeoutExpired:
        return True
    if "[FAIL" not in done.stdout and " passed, 0 failed" not in done.stdout:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return "[FAIL" in done.stdout
