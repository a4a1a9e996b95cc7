"""Every vector that a contract judges, on anvil: the verifiers, the registry and the precompile (format.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from attest.chain.artifacts import ContractName, load_artifact
from tests.attest.examples import REGISTRY
from tests.attest.test_attestation import KEYS
from tests.contracts.anvil import ANVIL, RICH, anvil, deploy, rpc_all
from tests.vectors import signed
from tests.vectors.calls import CHAIN_ID, ContractCall, contract_calls
from tests.vectors.openings import precompile_input
from tests.vectors.policy_proofs import StatedSet
from tests.vectors.reading import ACCEPT, data_of, read
from tests.vectors.registry import Registries, Signed, registry_answer

BATCH = 40
POINT_EVALUATION = "0x000000000000000000000000000000000000000a"
pytestmark = [
    pytest.mark.evm,
    pytest.mark.skipif(not ANVIL.exists(), reason="the contract tools are not installed; `make test` installs them"),
]


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with anvil("--gas-limit", str(10**12)) as url:
        yield url


@pytest.fixture(scope="module")
def registries(node: str) -> Registries:
    return Registries.on(node)


def answers(url: str, calls: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """What the contracts at these addresses answer to these calldata."""
    found: list[dict[str, Any]] = []
    sent = [{"from": RICH, "to": to, "data": data, "gas": hex(10**8)} for to, data in calls]
    for start in range(0, len(sent), BATCH):
        found += rpc_all(url, [("eth_call", [call, "latest"]) for call in sent[start : start + BATCH]])
    return found


def as_expected(call: ContractCall, answer: dict[str, Any]) -> bool:
    return bool(answer.get("result") == call.answer if call.accepted else "error" in answer)


@pytest.mark.parametrize("contract", ["ProofVerifier", "BookVerifier", "RepresentationVerifier"])
def test_proofs_books_and_inclusions(node: str, contract: ContractName) -> None:
    """Key digest, root and total are answered, so that an answer about something else is none."""
    calls = [call for call in contract_calls() if call.contract == contract]
    address = deploy(node, "0x" + load_artifact(contract).bytecode.hex())
    found = answers(node, [(address, call.data) for call in calls])
    assert [call.name for call, answer in zip(calls, found, strict=True) if not as_expected(call, answer)] == []


def test_openings_before_the_precompile(node: str) -> None:
    cases = read("openings")["cases"]
    found = answers(node, [(POINT_EVALUATION, "0x" + precompile_input(case).hex()) for case in cases])
    accepted = [case["name"] for case, answer in zip(cases, found, strict=True) if "error" not in answer]
    assert accepted == [case["name"] for case in cases if case["expected"] == ACCEPT]


def test_signed_sources_before_the_registry(registries: Registries) -> None:
    cases = [case for case in signed.source_cases() if case.get("contract", True)]
    accepted = [case["name"] for case in cases if registry_answer(registries, case)]
    assert accepted == [case["name"] for case in cases if case["expected"] == ACCEPT]


@pytest.mark.parametrize("case", [case for case in signed.set_cases() if case["expected"] == ACCEPT])
def test_a_source_set_in_the_registry(registries: Registries, case: dict[str, Any]) -> None:
    """Signed by the tests' own keys. (P.6)"""
    stated = StatedSet.parse(case["set"])
    signatures = [s.sign(KEYS[s.source], CHAIN_ID, REGISTRY) for s in stated.fast().sources]
    base = {fields["source"]: Signed.of(fields) for fields in read("sources")["bases"].values()}
    listed = []
    for source, signature in zip(stated.sources, signatures, strict=True):
        own = base[source.name]
        listed.append(
            replace(
                own,
                role=source.role,
                owned_slots_hash=source.owned_slots_hash,
                commitment=source.commitment,
                expiry=source.expiry,
                nonce=source.nonce,
                signature=signature,
            )
        )
    days = stated.epoch, stated.as_of
    answer = registries.answer(REGISTRY, stated.fund, *days, stated.layout_hash, listed, stated.public)
    assert data_of(answer) == data_of(case["hash"])
