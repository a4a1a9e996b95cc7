"""The registry refuses what was proved for other prices, limits, sources or times."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proofolio.pipeline import Signing, Terms, commit_source, prove_bundle
from proofolio.stage import Stage, publish_on_stage, set_stage

from attest.bundle import Bundle
from attest.chain import Registry, Reverted, Submission
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


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Terms, Submission, bytes]:
    """A published epoch."""
    terms = terms_of()
    stage = set_stage(terms)
    bundle = prove_on(stage, terms)
    outcome = publish_on_stage(stage, terms, bundle, tmp_path_factory.mktemp("journal") / "journal.sqlite")
    assert (outcome.before.compliant, outcome.status.compliant) == (False, True)
    requirements = stage.fund.requirements(terms.duties)
    policy = policy_id(stage.fund.policy_owner, terms.compiled.policy_hash, requirements, 1)
    submission = Submission.of_bundle(bundle, stage.fund, policy, terms.keys, terms.owned_slots)
    return stage, terms, submission, policy


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
def test_another_limit_or_price_is_not_the_approved_statement(
    played: tuple[Stage, Terms, Submission, bytes], change: Callable[..., None]
) -> None:
    stage, _, submission, _ = played
    other = terms_of(change)
    bundle = prove_on(stage, other)
    altered = Submission.of_bundle(bundle, stage.fund, submission.policy_id, other.keys, other.owned_slots)
    assert "DigestNotApproved" in reason(stage, altered)


def test_two_source_sets_in_one_epoch(played: tuple[Stage, Terms, Submission, bytes]) -> None:
    stage, terms, _, policy = played
    bundle = prove_on(stage, terms)
    second = Submission.of_bundle(bundle, stage.fund, policy, terms.keys, terms.owned_slots)
    assert "SourceSetMismatch" in reason(stage, second)


def test_a_replay_changes_nothing(played: tuple[Stage, Terms, Submission, bytes]) -> None:
    stage, _, submission, _ = played
    assert "AlreadyAttested" in reason(stage, submission)


def test_an_epoch_that_is_not_approved(played: tuple[Stage, Terms, Submission, bytes]) -> None:
    stage, _, submission, _ = played
    assert "EpochNotApproved" in reason(stage, replace(submission, epoch=2))


def test_an_expiry_beyond_the_approval_or_in_the_past(played: tuple[Stage, Terms, Submission, bytes]) -> None:
    stage, _, submission, _ = played
    assert "ExpiryTooLate" in reason(stage, replace(submission, expiry=submission.expiry + 1))
    assert "Expired" in reason(stage, replace(submission, expiry=1))


def test_a_source_that_another_key_signed(played: tuple[Stage, Terms, Submission, bytes]) -> None:
    stage, _, submission, _ = played
    first, second = submission.sources
    swapped = first.model_copy(update={"signature": second.signature})
    assert "InvalidSourceSignature" in reason(stage, replace(submission, sources=(swapped, second)))


def test_a_fund_that_is_not_registered(played: tuple[Stage, Terms, Submission, bytes], tmp_path: Path) -> None:
    stage, _, submission, _ = played
    assert "UnknownFund" in reason(stage, replace(submission, fund=stage.fund.policy_owner))
