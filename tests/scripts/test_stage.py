"""The registry refuses what was proved for other prices, limits, sources or times."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from proofolio.pipeline import Signing, Terms, commit_source, prove_bundle
from proofolio.stage import Stage, publish_on_stage, set_stage

from attest.bundle import Bundle
from attest.chain import Approval, Registry, Reverted, Submission
from attest.registration import policy_id
from attest.srs import load_setup
from optimizer import Market, sample_market
from optimizer.policy import Policy
from tests.scripts.fund import holdings, plain_policy

EXPIRY = int(time.time()) + 86_400


def terms_of(change: Callable[[dict[str, Any], dict[str, Any]], None] = lambda policy, market: None) -> Terms:
    policy, market = plain_policy(), sample_market().model_dump(mode="json")
    change(policy, market)
    return Terms.of(
        Policy.parse(json.dumps(policy).encode()), Market.model_validate_json(json.dumps(market)), load_setup()
    )


def prove_on(stage: Stage, terms: Terms, epoch: int = 1) -> Bundle:
    held = holdings(terms.compiled.market)
    signing = Signing(stage.fund, epoch, EXPIRY)
    pairs = [commit_source(terms, held, name, key, signing) for name, key in stage.source_keys.items()]
    return prove_bundle(terms, stage.fund, [o for o, _ in pairs], [s for _, s in pairs], EXPIRY)


@dataclass(frozen=True)
class Played:
    """Epoch 1 is published; epoch 2 is approved, its source set is fixed, and its proof is still to come."""

    stage: Stage
    terms: Terms
    recorded: Submission
    waiting: Submission


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    terms = terms_of()
    stage = set_stage(terms)
    first, second = prove_on(stage, terms), prove_on(stage, terms, 2)
    outcome = publish_on_stage(stage, terms, first, tmp_path_factory.mktemp("journal") / "journal.sqlite")
    assert (outcome.before.compliant, outcome.status.compliant) == (False, True)
    requirements = stage.fund.requirements(terms.duties)
    policy = policy_id(stage.fund.policy_owner, terms.compiled.policy_hash, requirements, 1)
    recorded, waiting = (
        Submission.of_bundle(bundle, stage.fund, policy, terms.keys, terms.owned_slots) for bundle in (first, second)
    )
    registry, layout = Registry(stage.chain, stage.fund.registry), terms.layout
    owned = {name: layout.owned_slots_hash(name) for name in terms.roles}
    approval = Approval(terms.as_of, second.expiry, layout.hash, owned, terms.digests)
    stage.chain.execute(stage.owner_key, registry.policies.approve_epoch(policy, 2, approval))
    fixing = registry.transaction("commitSourceSet", waiting.fund, policy, 2, waiting.sources_encoded())
    stage.chain.execute(stage.fund_key, fixing)
    stage.chain.call(registry.submit(waiting), sender=waiting.fund)
    return Played(stage, terms, recorded, waiting)


def reason(stage: Stage, submission: Submission) -> str:
    registry = Registry(stage.chain, stage.fund.registry)
    with pytest.raises(Reverted) as refused:
        stage.chain.call(registry.submit(submission), sender=submission.fund)
    return refused.value.reason


def tighter(policy: dict[str, Any], market: dict[str, Any]) -> None:
    policy["constraints"][1]["limit"] = "0.1499"


def dearer(policy: dict[str, Any], market: dict[str, Any]) -> None:
    market["instruments"][0]["price_usd"] = "8709.5"


@pytest.mark.parametrize("change", [tighter, dearer])
def test_another_limit_or_price_is_not_the_approved_statement(played: Played, change: Callable[..., None]) -> None:
    stage, other = played.stage, terms_of(change)
    bundle = prove_on(stage, other, 2)
    altered = Submission.of_bundle(bundle, stage.fund, played.waiting.policy_id, other.keys, other.owned_slots)
    assert "DigestNotApproved" in reason(stage, altered)


def test_two_source_sets_in_one_epoch(played: Played) -> None:
    stage, terms = played.stage, played.terms
    bundle = prove_on(stage, terms, 2)
    second = Submission.of_bundle(bundle, stage.fund, played.waiting.policy_id, terms.keys, terms.owned_slots)
    assert "SourceSetMismatch" in reason(stage, second)


def test_a_replay_changes_nothing(played: Played) -> None:
    assert "AlreadyAttested" in reason(played.stage, played.recorded)


def test_an_epoch_that_is_not_approved(played: Played) -> None:
    assert "EpochNotApproved" in reason(played.stage, replace(played.waiting, epoch=3))


def test_an_expiry_beyond_the_approval_or_in_the_past(played: Played) -> None:
    late = replace(played.waiting, expiry=played.waiting.expiry + 1)
    assert "ExpiryTooLate" in reason(played.stage, late)
    assert "Expired" in reason(played.stage, replace(played.waiting, expiry=1))


def test_a_source_that_another_key_signed(played: Played) -> None:
    first, second = played.waiting.sources
    swapped = first.model_copy(update={"signature": second.signature})
    assert "InvalidSourceSignature" in reason(played.stage, replace(played.waiting, sources=(swapped, second)))


def test_a_fund_that_is_not_registered(played: Played) -> None:
    stranger = replace(played.waiting, fund=played.stage.fund.policy_owner)
    assert "UnknownFund" in reason(played.stage, stranger)
