"""Every vector that a contract judges, on anvil: the verifiers, the registry and the precompile (format.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from attest.chain.artifacts import ContractName, load_artifact
from tests.attest.examples import REGISTRY
from tests.contracts.anvil import ANVIL, RICH, anvil, deploy, rpc_all
from tests.vectors import signed
from tests.vectors.calls import ContractCall, contract_call, contract_calls
from tests.vectors.disclosed import OnRecord
from tests.vectors.openings import precompile_input
from tests.vectors.policy_proofs import StatedSet, proof_cases
from tests.vectors.reading import ACCEPT, MALFORMED, data_of, read
from tests.vectors.registry import Epoch, Refused, Registries, refusal, registry_refusal, signed_set

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
    refused = {case["name"]: registry_refusal(registries, case) for case in cases}
    expected = {case["name"]: "" if case["expected"] == ACCEPT else "InvalidSourceSignature" for case in cases}
    assert refused == expected


def set_refusal(registries: Registries, verifier: str, case: dict[str, Any]) -> str:
    """Why the contracts refuse a source set and its hash, "" if they do not.

    The registries look at the sources and compute the hash; points and public slots they leave to the verifier of the
    proof that comes with them, whose own error says whether it is the set that it refuses.
    """
    stated = StatedSet.parse(case["set"])
    try:
        answer = registries.answer(REGISTRY, Epoch.of(stated), signed_set(stated, REGISTRY))
    except Refused as refused:
        return refused.error
    assert data_of(answer) == stated.reference().hash()
    if answer != case["hash"]:
        return "another hash"
    proofs = {proof.name: proof for proof in proof_cases()}
    proof = proofs.get(case["name"].removeprefix("set: "), proofs["public1"])
    (found,) = answers(registries.url, [(verifier, contract_call(replace(proof, sources=stated)).data)])
    return refusal(found)


def test_source_sets_before_the_registry_and_the_verifier(registries: Registries) -> None:
    """Signed by the tests' own keys; the sets of a proof with that proof, the others with one of theirs. (P.6)"""
    verifier = deploy(registries.url, "0x" + load_artifact("ProofVerifier").bytecode.hex())
    refused = {case["name"]: set_refusal(registries, verifier, case) for case in signed.set_cases()}
    assert {name for name, why in refused.items() if not why} == {
        case["name"] for case in signed.set_cases() if case["expected"] == ACCEPT
    }
    of_the_set = "InvalidPolicy", "another hash", "EmptyCommitment", "InvalidPublicSlot", "MalformedPoint"
    assert {why for why in refused.values() if why} == {*of_the_set}
    malformed = {case["name"] for case in signed.set_cases() if case["expected"] == MALFORMED}
    assert {name for name, why in refused.items() if why == "MalformedPoint"} == malformed


def test_disclosures_before_their_contract(registries: Registries) -> None:
    """Of attested epochs; refused for what is disclosed, and not because anything else is missing."""
    on_record = {name: OnRecord.of(registries, name) for name in read("disclosures")["bases"]}
    cases = [case for case in signed.disclosure_cases() if case.get("contract", True)]
    found = answers(registries.url, [on_record[case["base"]].call(case) for case in cases])
    refused = {case["name"]: refusal(answer) for case, answer in zip(cases, found, strict=True)}
    accepted = [case["name"] for case in cases if case["expected"] == ACCEPT]
    assert [name for name, why in refused.items() if not why] == accepted
    of_the_case = {"LotsOutOfRange", "NotDisclosable", "DisclosureRejected", "WrongSourceCount"}
    assert {why for why in refused.values() if why} == of_the_case
