"""The command's steps by hand, from a market to a verified bundle, and everything that must not pass."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proofolio.__main__ import main
from proofolio.demo import SAMPLE_POLICY

from optimizer import sample_market

ACCEPTED, REJECTED, MISUSED = 0, 1, 2
Run = Callable[..., int]


def run(*arguments: str | Path) -> int:
    """The exit code of one call of the command."""
    before = sys.argv
    sys.argv = ["proofolio", *map(str, arguments)]
    try:
        main()
    except SystemExit as exit_:
        return int(exit_.code or 0)
    finally:
        sys.argv = before
    return 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every step was run once: market, policy, keystores, fund, commitments, bundle."""
    path = tmp_path_factory.mktemp("fund")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
        sample_market().save(path / "market.json")
        (path / "policy.json").write_text(json.dumps(SAMPLE_POLICY))
        public = ["--market", path / "market.json", "--policy", path / "policy.json"]
        assert run("optimize", *public, "--capital", "2e6", "--objective", "return", "--out", path / "h.json") == 0
        signers = {}
        for name in ("custodian", "lender"):
            assert run("keystore", path / f"{name}.keystore") == 0
            content = json.loads((path / f"{name}.keystore").read_text())
            signers[name] = "0x" + content["address"].removeprefix("0x")
        fund = {
            "version": "1",
            "chain_id": 31337,
            "registry": "0x" + "a1" * 20,
            "fund": "0x" + "f1" * 20,
            "policy_owner": "0x" + "b1" * 20,
            "signers": signers,
        }
        (path / "fund.json").write_text(json.dumps(fund))
        for name in signers:
            arguments = [*public, "--fund", path / "fund.json", "--holdings", path / "h.json", "--out", path]
            keystore = ["--keystore", path / f"{name}.keystore"]
            assert run("commit", *arguments, "--source", name, "--epoch", "1", *keystore) == 0
        assert run(*proving(path), "--out", path / "bundle.json") == 0
    return path


def proving(path: Path, **replaced: Path) -> list[str | Path]:
    files = {name: replaced.get(name, path / f"{name}.json") for name in ("market", "policy", "fund")}
    arguments: list[str | Path] = ["prove"]
    for name, file in files.items():
        arguments += [f"--{name}", file]
    for source in ("custodian", "lender"):
        arguments += ["--source", path / f"{source}.source.json", "--opening", path / f"{source}.opening.json"]
    return arguments


def verifying(path: Path, **replaced: Path) -> int:
    files = {name: replaced.get(name, path / f"{name}.json") for name in ("bundle", "market", "policy", "fund")}
    return run("verify", files["bundle"], *(x for k in ("market", "policy", "fund") for x in (f"--{k}", files[k])))


def edited(path: Path, name: str, change: Callable[[dict[str, Any]], None], target: Path) -> Path:
    """A copy of a JSON file with one thing changed."""
    content = json.loads((path / f"{name}.json").read_text())
    change(content)
    copy = target / f"{name}.json"
    copy.write_text(json.dumps(content))
    return copy


def test_the_reference_verifier_gives_the_same_verdicts(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [x for name in ("market", "policy", "fund") for x in (f"--{name}", folder / f"{name}.json")]
    assert run("verify", folder / "bundle.json", *files, "--reference") == ACCEPTED
    assert "a second time" in capsys.readouterr().out
    bundle = json.loads((folder / "bundle.json").read_text())
    scalars = bundle["proofs"][0]["scalars"]
    scalars[3], scalars[4] = scalars[4], scalars[3]
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proofolio.attesting.verify_bundle", lambda *_: None)  # so that the reference decides alone
        assert run("verify", tmp_path / "bundle.json", *files) == ACCEPTED
        assert run("verify", tmp_path / "bundle.json", *files, "--reference") == REJECTED
    assert "(P.22)" in capsys.readouterr().err


def test_public_files_alone_verify_in_another_directory(folder: Path, tmp_path: Path) -> None:
    for name in ("bundle", "market", "policy", "fund"):
        (tmp_path / f"{name}.json").write_bytes((folder / f"{name}.json").read_bytes())
    assert verifying(tmp_path) == ACCEPTED


def test_secret_files_are_private_and_public_files_hold_no_quantity(folder: Path) -> None:
    for name in ("h.json", "custodian.opening.json", "custodian.keystore"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    opening = json.loads((folder / "custodian.opening.json").read_text())
    secrets = {q for q in opening["quantities"].values() if len(q) > 4} | {opening["blinding"]}
    assert secrets
    for name in ("bundle.json", "custodian.source.json", "lender.source.json"):
        text = (folder / name).read_text()
        assert not any(secret in text for secret in secrets)


def test_an_opening_is_never_overwritten(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
    before = (folder / "custodian.opening.json").read_bytes()
    files = [x for name in ("market", "policy", "fund") for x in (f"--{name}", folder / f"{name}.json")]
    signing = ["--source", "custodian", "--epoch", "2", "--keystore", folder / "custodian.keystore", "--out", folder]
    assert run("commit", *files, "--holdings", folder / "h.json", *signing) == MISUSED
    assert (folder / "custodian.opening.json").read_bytes() == before


@pytest.mark.parametrize("position", range(0, 20, 3))
def test_a_changed_point_of_the_proof_fails(folder: Path, tmp_path: Path, position: int) -> None:
    def swap(content: dict[str, Any]) -> None:
        points = content["proofs"][0]["points"]
        points[position] = next(p for p in points[position + 1 :] + points if p != points[position])

    assert verifying(folder, bundle=edited(folder, "bundle", swap, tmp_path)) == REJECTED


@pytest.mark.parametrize("position", range(0, 26, 5))
def test_a_changed_scalar_of_the_proof_fails(folder: Path, tmp_path: Path, position: int) -> None:
    def bump(content: dict[str, Any]) -> None:
        scalars = content["proofs"][0]["scalars"]
        scalars[position] = scalars[position][:-1] + ("0" if scalars[position][-1] != "0" else "1")

    assert verifying(folder, bundle=edited(folder, "bundle", bump, tmp_path)) == REJECTED


def test_a_changed_byte_of_a_point_is_malformed_or_rejected(folder: Path, tmp_path: Path) -> None:
    def flip(content: dict[str, Any]) -> None:
        points = content["proofs"][0]["points"]
        points[2] = points[2][:40] + ("0" if points[2][40] != "0" else "1") + points[2][41:]

    assert verifying(folder, bundle=edited(folder, "bundle", flip, tmp_path)) in (REJECTED, MISUSED)


CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], None], set[int]]] = {
    "expiry": ("bundle", lambda b: b.update(expiry=b["expiry"] + 1), {REJECTED}),
    "a book root": ("bundle", lambda b: b.update(book_root="0x" + "00" * 31 + "01"), {MISUSED}),
    "a proof twice": ("bundle", lambda b: b["proofs"].append(b["proofs"][0]), {REJECTED}),
    "no proof": ("bundle", lambda b: b["proofs"].clear(), {MISUSED}),
    "another digest": ("bundle", lambda b: b["proofs"][0].update(digest="0x" + "11" * 32), {REJECTED}),
    "a previous epoch": ("bundle", lambda b: b.update(previous=b["sources"]), {REJECTED}),
    "epoch of a source": ("bundle", lambda b: b["sources"][0].update(epoch=2), {REJECTED}),
    "all epochs": ("bundle", lambda b: [s.update(epoch=2) for s in b["sources"]], {REJECTED}),
    "nonce of a source": ("bundle", lambda b: b["sources"][0].update(nonce="7"), {REJECTED}),
    "a source left out": ("bundle", lambda b: b["sources"].pop(), {REJECTED}),
    "sources swapped": ("bundle", lambda b: b["sources"].reverse(), {REJECTED}),
    "unknown field": ("bundle", lambda b: b.update(extra=1), {MISUSED}),
    "a point too many": ("bundle", lambda b: b["proofs"][0]["points"].append("0xc0" + "00" * 47), {MISUSED}),
    "a scalar too few": ("bundle", lambda b: b["proofs"][0]["scalars"].pop(), {MISUSED}),
    "chain id": ("fund", lambda f: f.update(chain_id=1), {REJECTED}),
    "registry": ("fund", lambda f: f.update(registry="0x" + "a2" * 20), {REJECTED}),
    "fund": ("fund", lambda f: f.update(fund="0x" + "f2" * 20), {REJECTED}),
    "policy owner": ("fund", lambda f: f.update(policy_owner="0x" + "b2" * 20), {REJECTED}),
    "signer": ("fund", lambda f: f["signers"].update(lender="0x" + "c2" * 20), {REJECTED}),
    "limit": ("policy", lambda p: p["constraints"][1].update(limit="0.0801"), {REJECTED}),
    "price": ("market", lambda m: m["instruments"][0].update(price_usd="8709.5"), {REJECTED}),
    "return": ("market", lambda m: m["scenarios"]["returns"]["BTC"].__setitem__(3, "0.01"), {REJECTED}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_context_limit_or_price_fails(folder: Path, tmp_path: Path, what: str) -> None:
    name, change, codes = CHANGES[what]
    assert verifying(folder, **{name: edited(folder, name, change, tmp_path)}) in codes


@pytest.mark.parametrize("length", [0, 1, 100, 2000])
def test_a_truncated_bundle_is_malformed(folder: Path, tmp_path: Path, length: int) -> None:
    copy = tmp_path / "bundle.json"
    copy.write_bytes((folder / "bundle.json").read_bytes()[:length])
    assert verifying(folder, bundle=copy) == MISUSED


def test_an_expired_proof_is_rejected_unless_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("proofolio.attesting.time.time", lambda: 4_000_000_000)
    assert verifying(folder) == REJECTED
    assert "expiry" in capsys.readouterr().err
    files = [x for name in ("market", "policy", "fund") for x in (f"--{name}", folder / f"{name}.json")]
    assert run("verify", folder / "bundle.json", *files, "--allow-expired") == ACCEPTED


def test_the_prover_names_the_broken_limit_and_no_quantity(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def tighten(policy: dict[str, Any]) -> None:
        policy["constraints"][1]["limit"] = "0.001"

    policy = edited(folder, "policy", tighten, tmp_path)
    public = ["--market", folder / "market.json", "--policy", policy]
    assert run("risk", *public, "--holdings", folder / "h.json") == REJECTED
    message = capsys.readouterr().err
    assert "historical_var" in message
    assert not re.search(r"\d{3}", message)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["key", "--market", "missing.json", "--policy", "missing.json"], "cannot be read"),
        (["schema", "nothing"], "choose from"),
        (["verify", "missing.json", "--market", "m", "--policy", "p", "--fund", "f"], "cannot be read"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == MISUSED
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["demo", "market", "optimize", "risk", "key", "commit", "prove", "verify", "schema"])
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(verb, "--help") == 0
    assert "Example: proofolio" in " ".join(capsys.readouterr().out.split())


def test_a_source_that_signs_twice_leaves_evidence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
    files = [x for name in ("market", "policy", "fund") for x in (f"--{name}", folder / f"{name}.json")]
    committing = [*files, "--holdings", folder / "h.json", "--source", "lender", "--epoch", "1", "--out", tmp_path]
    assert run("commit", *committing, "--keystore", folder / "lender.keystore") == ACCEPTED
    first, second = folder / "lender.source.json", tmp_path / "lender.source.json"
    assert run("equivocation", first, second, *files[2:]) == ACCEPTED
    assert "signed twice for epoch 1" in " ".join(capsys.readouterr().out.split())
    assert run("equivocation", first, first, *files[2:]) == REJECTED
    other = edited(folder, "fund", lambda fund: fund.update(fund="0x" + "f2" * 20), tmp_path)
    assert run("equivocation", first, second, *files[2:4], "--fund", other) == MISUSED
    assert run("equivocation", first, folder / "custodian.source.json", *files[2:]) == REJECTED
