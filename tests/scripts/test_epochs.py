"""A policy of several programs that compares epochs, from the files to the chain: two epochs of the sample fund."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from proofolio.pipeline import (
    PreviousEpoch,
    Signing,
    Terms,
    any_previous_layout,
    commit_source,
    layout_of,
    prove_bundle,
    verify_bundle,
)
from proofolio.stage import Outcome, Stage, publish_on_stage, set_stage

from attest.bundle import Bundle, OpeningFile, SignedSource
from attest.chain import Registry
from attest.errors import EncodingError, ProofRejected, SourceError, StatementFalse
from attest.registration import policy_id
from attest.srs import load_setup
from optimizer import sample_market
from optimizer.errors import PolicyError
from optimizer.policy import Holdings, Policy
from tests.scripts.fund import FIRST_DAY, comparing_policy, holdings, plain_policy

EXPIRY = int(time.time()) + 86_400
Files = tuple[list[OpeningFile], list[SignedSource]]


def commit(stage: Stage, terms: Terms, held: Holdings, epoch: int) -> Files:
    signing = Signing(stage.fund, epoch, EXPIRY)
    pairs = [commit_source(terms, held, name, key, signing) for name, key in stage.source_keys.items()]
    return [opening for opening, _ in pairs], [signed for _, signed in pairs]


@dataclass(frozen=True)
class Epochs:
    """Two published epochs: the first under a plain policy, the second under one that compares with it."""

    stage: Stage
    first: Terms
    second: Terms
    first_files: Files
    second_files: Files
    first_bundle: Bundle
    second_bundle: Bundle
    outcomes: tuple[Outcome, Outcome]

    @property
    def before(self) -> PreviousEpoch:
        openings, signed = self.first_files
        return PreviousEpoch(tuple(openings), tuple(signed))

    @property
    def record(self) -> bytes:
        return self.first_bundle.source_set().hash

    def verify(self, bundle: Bundle, record: bytes | None = None) -> None:
        verify_bundle(self.second, self.stage.fund, bundle, None, record)


@pytest.fixture(scope="module")
def epochs(tmp_path_factory: pytest.TempPathFactory) -> Epochs:
    setup = load_setup()
    plain = Policy.parse(json.dumps(plain_policy()).encode())
    rules = Policy.parse(json.dumps(comparing_policy()).encode())
    early, late = sample_market(as_of=FIRST_DAY), sample_market()
    first = Terms.of(plain, early, setup)
    second = Terms.of(rules, late, setup, first.layout)
    stage = set_stage(first)
    first_files = commit(stage, first, holdings(early), 1)
    first_bundle = prove_bundle(first, stage.fund, *first_files, EXPIRY)
    # A source knows its layout without the epoch before.
    signing_terms = Terms.of(rules, late, setup, any_previous_layout(rules, late))
    second_files = commit(stage, signing_terms, holdings(late, BTC="90"), 2)
    openings, signed = first_files
    before = PreviousEpoch(tuple(openings), tuple(signed))
    second_bundle = prove_bundle(second, stage.fund, *second_files, EXPIRY, before)
    journal = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    outcomes = (
        publish_on_stage(stage, first, first_bundle, journal),
        publish_on_stage(stage, second, second_bundle, journal),
    )
    return Epochs(stage, first, second, first_files, second_files, first_bundle, second_bundle, outcomes)


def test_several_proofs_some_of_which_compare_epochs(epochs: Epochs) -> None:
    vectors = [key.vectors for key in epochs.second.keys]
    assert len(vectors) > 1 and sorted(set(vectors)) == [1, 2]
    assert len(epochs.second_bundle.proofs) == len(set(epochs.second.digests)) == len(vectors)
    verify_bundle(epochs.first, epochs.stage.fund, epochs.first_bundle)
    epochs.verify(Bundle.parse(epochs.second_bundle.encode()), epochs.record)


def test_the_registry_counts_them_together(epochs: Epochs) -> None:
    stage, (first, second) = epochs.stage, epochs.outcomes
    registry, fund = Registry(stage.chain, stage.fund.registry), stage.fund.fund
    assert (first.status.epoch, first.status.compliant) == (1, True)
    assert not second.before.compliant and second.status.compliant and second.status.epoch == 2
    assert second.published.transaction != first.published.transaction
    assert second.gas == second.published.gas_used and second.gas > 0
    policy = policy_id(
        stage.fund.policy_owner,
        epochs.second.compiled.policy_hash,
        stage.fund.requirements(epochs.second.duties),
        len(epochs.second.digests),
    )
    assert registry.attested(fund, policy, 2) == (set(range(len(epochs.second.digests))), second.published.block)
    assert "OpeningRejected" in second.refusal
    assert (registry.previous_epoch(fund, 1), registry.previous_epoch(fund, 2)) == (0, 1)
    assert registry.source_set(fund, 1) == epochs.record


CHANGED: dict[str, tuple[Callable[[dict[str, Any]], None], type[Exception], str]] = {
    "the last proof left out": (lambda b: b["proofs"].pop(), ProofRejected, "statement key"),
    "the first proof left out": (lambda b: b["proofs"].pop(0), ProofRejected, "statement key"),
    "proofs exchanged": (lambda b: b["proofs"].reverse(), ProofRejected, "statement key"),
    "a proof twice": (lambda b: b["proofs"].append(b["proofs"][0]), ProofRejected, "statement key"),
    "no previous sources": (lambda b: b.update(previous=[]), SourceError, "lacks the previous"),
    "a previous source left out": (lambda b: b["previous"].pop(), ProofRejected, "on record"),
    "another previous epoch": (lambda b: [s.update(epoch=0) for s in b["previous"]], ProofRejected, "on record"),
    "today's sources as the previous": (lambda b: b.update(previous=b["sources"]), ProofRejected, "on record"),
    "a previous nonce": (lambda b: b["previous"][0].update(nonce="7"), ProofRejected, "on record"),
    "a previous public value": (
        lambda b: b.update(previous_public_values=[{"slot": 1, "value": "1"}]),
        ProofRejected,
        "on record",
    ),
    "a previous signature": (
        lambda b: b["previous"][0].update(signature=b["previous"][1]["signature"]),
        SourceError,
        "not signed by the key",
    ),
    "the expiry": (lambda b: b.update(expiry=b["expiry"] - 1), ProofRejected, "batched"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_bundle_is_refused(epochs: Epochs, name: str) -> None:
    change, error, match = CHANGED[name]
    content = json.loads(epochs.second_bundle.encode())
    change(content)
    with pytest.raises(error, match=match):
        epochs.verify(Bundle.parse(json.dumps(content).encode()), epochs.record)


@pytest.mark.parametrize("index", [0, 1])
def test_every_proof_is_checked(epochs: Epochs, index: int) -> None:
    content = json.loads(epochs.second_bundle.encode())
    points = content["proofs"][index]["points"]
    points[1], points[2] = points[2], points[1]
    with pytest.raises(ProofRejected, match="batched"):
        epochs.verify(Bundle.parse(json.dumps(content).encode()), epochs.record)


def test_what_it_is_compared_with_is_the_readers_to_say(epochs: Epochs) -> None:
    with pytest.raises(SourceError, match="trusted record"):
        epochs.verify(epochs.second_bundle)
    with pytest.raises(ProofRejected, match="on record"):
        epochs.verify(epochs.second_bundle, bytes(32))
    with pytest.raises(SourceError, match="compares no epochs"):
        bundle = epochs.first_bundle.model_copy(update={"previous": epochs.first_bundle.sources})
        verify_bundle(epochs.first, epochs.stage.fund, bundle)


def test_the_prover_needs_the_files_of_the_epoch_before(epochs: Epochs) -> None:
    fund, files = epochs.stage.fund, epochs.second_files
    openings, signed = epochs.first_files
    with pytest.raises(SourceError, match="needs the previous epoch's files"):
        prove_bundle(epochs.second, fund, *files, EXPIRY)
    with pytest.raises(SourceError, match="no other does"):
        prove_bundle(epochs.first, fund, *epochs.first_files, EXPIRY, epochs.before)
    with pytest.raises(EncodingError, match="one opening file is needed"):
        prove_bundle(epochs.second, fund, *files, EXPIRY, PreviousEpoch(tuple(openings[:1]), tuple(signed)))
    with pytest.raises(SourceError, match="each exactly once"):
        prove_bundle(epochs.second, fund, *files, EXPIRY, PreviousEpoch(tuple(openings[:1]), tuple(signed[:1])))
    with pytest.raises(SourceError, match="earlier epoch"):
        later = PreviousEpoch(tuple(files[0]), tuple(files[1]))
        prove_bundle(epochs.second, fund, *files, EXPIRY, later)
    other = commit(epochs.stage, epochs.first, holdings(epochs.first.compiled.market, BTC="91"), 1)[0]
    with pytest.raises(EncodingError, match="does not belong to its signed commitment"):
        prove_bundle(epochs.second, fund, *files, EXPIRY, PreviousEpoch(tuple(other), tuple(signed)))


def test_too_much_turnover_is_named(epochs: Epochs) -> None:
    traded = holdings(epochs.second.compiled.market, BTC="160", ETH="0")
    files = commit(epochs.stage, epochs.second, traded, 2)
    rounds: list[str] = []
    with pytest.raises(StatementFalse) as refused:
        prove_bundle(epochs.second, epochs.stage.fund, *files, EXPIRY, epochs.before, rounds.append)
    assert refused.value.constraints == ("turnover",)
    assert not rounds, "nothing is proved of a policy that does not hold"


def test_decoy_holdings_are_not_on_record(epochs: Epochs) -> None:
    """The fund fits the epoch before to what it holds now; the proof is sound, and of nothing that was registered."""
    today = holdings(epochs.first.compiled.market, BTC="90")
    openings, signed = commit(epochs.stage, epochs.first, today, 1)
    decoy = PreviousEpoch(tuple(openings), tuple(signed))
    bundle = prove_bundle(epochs.second, epochs.stage.fund, *epochs.second_files, EXPIRY, decoy)
    chosen = bundle.previous_set()
    assert chosen is not None
    epochs.verify(bundle, chosen.hash)
    with pytest.raises(ProofRejected, match="on record"):
        epochs.verify(bundle, epochs.record)


def test_layouts_do_not_depend_on_the_epoch_before(epochs: Epochs) -> None:
    first, second = epochs.first.compiled, epochs.second.compiled
    assert layout_of(second.policy, second.market) == second.layout
    assert layout_of(first.policy, first.market) == first.layout == second.previous_layout
    assert any_previous_layout(first.policy, first.market) is None
    with pytest.raises(PolicyError, match="turnover"):
        Terms.of(second.policy, second.market, epochs.second.setup)
