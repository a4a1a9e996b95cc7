"""The liability book by hand: from a list of accounts to a solvency proof and an investor's check."""

from __future__ import annotations

import csv
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proofolio.demo import SAMPLE_POLICY

from attest.field import MODULUS
from attest.liabilities import BookFile, Workdir
from optimizer import sample_market
from optimizer.market import Market
from tests.scripts.test_steps import ACCEPTED, MISUSED, REJECTED, run

ACCOUNTS = {f"user-{i}": ("" if i % 3 else f"nonce-{i}", f"{i}.005", f"0.0{i:02d}") for i in range(1, 41)}
ODD = "[red]user[/] [/]"
ACCOUNTS[ODD] = ACCOUNTS.pop("user-40")
FUND = "0x" + "f1" * 20


def claims_market() -> Market:
    """The sample's market with claims in dollars and bitcoin."""
    market = sample_market()
    listed, returns = list(market.instruments), dict(market.scenarios.returns)
    for asset, lot in (("USD", "0.01"), ("BTC", "0.0000001")):
        debt = market.instrument(f"borrow-{asset}")
        fields = {"id": f"claim-{asset}", "kind": "claim", "account": None, "protocol": None, "lot": lot}
        listed.append(type(debt).model_validate(debt.model_dump() | fields))
        returns[f"claim-{asset}"] = returns[asset]
    scenarios = market.scenarios.model_copy(update={"returns": returns})
    fields = {"instruments": tuple(listed), "scenarios": scenarios, "risk_model": None, "betas": {}}
    return market.model_copy(update=fields)


def policy() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(SAMPLE_POLICY))
    content["sources"] = [
        {"name": "custodian", "role": "custodian", "instruments": ["BTC", "ETH", "USD"]},
        {"name": "administrator", "role": "liability_book", "instruments": ["claim-USD", "claim-BTC"]},
    ]
    content["constraints"] = [{"kind": "solvency", "margin_usd": "250000"}]
    return content


def keystores(path: Path, *names: str) -> dict[str, str]:
    """Addresses of fresh keys."""
    addresses = {}
    for name in names:
        assert run("keystore", path / f"{name}.keystore") == ACCEPTED
        addresses[name] = "0x" + json.loads((path / f"{name}.keystore").read_text())["address"].removeprefix("0x")
    return addresses


def write_inputs(path: Path) -> None:
    """Accounts, market, policy and the custodian's holdings."""
    with (path / "accounts.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["account", "nonce", "claim-USD", "claim-BTC"])
        writer.writerows([name, *values] for name, values in ACCOUNTS.items())
    market = claims_market()
    market.save(path / "market.json")
    (path / "policy.json").write_text(json.dumps(policy()))
    holdings = {
        "version": "1",
        "as_of": str(market.as_of),
        "sources": {
            "custodian": {"BTC": "20", "ETH": "10", "USD": "2000000"},
            "administrator": {"claim-USD": "0", "claim-BTC": "0"},
        },
    }
    (path / "h.json").write_text(json.dumps(holdings))


def make_book(path: Path) -> None:
    """From accounts to a proved book and both sources' commitments, under the terms of fund.json."""
    terms = [*public(path), "--fund", path / "fund.json"]
    assert run("liabilities", "prepare", path / "accounts.csv", *terms, "--epoch", "1", "--work", path / "w") == 0
    assert run("liabilities", "prove", "--work", path / "w", "--processes", "1") == ACCEPTED
    key = ["--keystore", path / "administrator.keystore"]
    assert run("liabilities", "sign", "--work", path / "w", *terms, *key, "--out", path) == ACCEPTED
    held = ["--holdings", path / "h.json", "--source", "custodian", "--epoch", "1"]
    assert run("commit", *terms, *held, "--keystore", path / "custodian.keystore", "--out", path) == ACCEPTED


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the whole way was gone once."""
    path = tmp_path_factory.mktemp("book")
    write_inputs(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
        signers = keystores(path, "custodian", "administrator")
        parties = {"registry": "0x" + "a1" * 20, "fund": FUND, "policy_owner": "0x" + "b1" * 20, "signers": signers}
        (path / "fund.json").write_text(json.dumps({"version": "1", "chain_id": 31337} | parties))
        make_book(path)
        assert run(*proving(path), "--book", path / "w" / "book.json", "--out", path / "bundle.json") == ACCEPTED
    return path


def public(path: Path) -> list[str | Path]:
    return ["--market", path / "market.json", "--policy", path / "policy.json"]


def proving(path: Path) -> list[str | Path]:
    arguments: list[str | Path] = ["prove", *public(path), "--fund", path / "fund.json"]
    for source in ("custodian", "administrator"):
        arguments += ["--source", path / f"{source}.source.json", "--opening", path / f"{source}.opening.json"]
    return arguments


def verifying(path: Path, *options: str | Path) -> int:
    return run("verify", path / "bundle.json", *public(path), "--fund", path / "fund.json", *options)


def root(path: Path) -> str:
    return str(json.loads((path / "w" / "book.json").read_text())["root"])


def checking(path: Path, file: Path, *flags: str, **options: str) -> int:
    given = {"book-root": root(path), "fund-address": FUND, "epoch": "1"} | options
    named = (x for name, value in given.items() for x in (f"--{name}", value))
    return run("liabilities", "check", file, *flags, *named)


def test_the_books_total_enters_the_solvency_proof(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verifying(folder, "--book", folder / "w" / "book.json", "--reference") == ACCEPTED
    assert "all proved and counted" in capsys.readouterr().out
    opening = json.loads((folder / "administrator.opening.json").read_text())
    totals = sorted(int(lots) for lots in opening["quantities"].values())
    # 1.005 + … + 40.005 dollars, each rounded up to cents; 0.001 + … + 0.040 bitcoin in lots of 1e-7.
    assert totals == sorted([sum(100 * i + 1 for i in range(1, 41)), sum(range(1, 41)) * 10_000])


def test_the_second_verifier_decides_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A book, its total and an investor's file, with the first verifier silenced."""
    book, mine = folder / "w" / "book.json", tmp_path / "mine.json"
    assert run("liabilities", "inclusion", "--work", folder / "w", "--account", "user-7", "--out", mine) == ACCEPTED
    assert (
        run("liabilities", "verify", book, "--source", folder / "administrator.source.json", "--reference") == ACCEPTED
    )
    assert checking(folder, mine, "--reference") == ACCEPTED

    content, own = json.loads(book.read_text()), json.loads(mine.read_text())
    chunk = content["chunks"][0]
    content["chunks"] = [chunk | {"proofs": chunk["proofs"][::-1]}]
    own["balances"][0]["lots"] = str(int(own["balances"][0]["lots"]) + 1)
    changed, more = tmp_path / "changed.json", tmp_path / "more.json"
    changed.write_text(json.dumps(content))
    more.write_text(json.dumps(own))
    signed = json.loads((folder / "administrator.source.json").read_text())
    signed["commitment"] = json.loads((folder / "custodian.source.json").read_text())["commitment"]
    (tmp_path / "source.json").write_text(json.dumps(signed))

    monkeypatch.setattr("attest.liabilities.files.verify_book", lambda *_, **__: None)
    monkeypatch.setattr("proofolio.book_chain.check_inclusion", lambda *_: None)
    for asked, equation in (
        (lambda *options: run("liabilities", "verify", changed, *options), "(P.22)"),
        (lambda *options: run("liabilities", "verify", book, "--source", tmp_path / "source.json", *options), "(P.33)"),
        (lambda *options: verifying(folder, "--book", changed, *options), "(P.22)"),
        (lambda *options: checking(folder, more, *options), "(P.35)"),
    ):
        assert asked() == ACCEPTED
        capsys.readouterr()
        assert asked("--reference") == REJECTED
        assert equation in capsys.readouterr().err


def test_a_name_that_looks_like_markup(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine[red].json"
    assert run("liabilities", "inclusion", "--work", folder / "w", "--account", ODD, "--out", mine) == ACCEPTED
    assert checking(folder, mine, account=ODD) == ACCEPTED
    assert ODD in capsys.readouterr().out
    assert checking(folder, mine, account="[/]") == REJECTED


def test_a_policy_with_a_book_is_not_verified_without_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verifying(folder) == MISUSED
    assert "--book" in capsys.readouterr().err
    assert verifying(folder, "--book-root", root(folder)) == ACCEPTED
    assert "was not checked" in capsys.readouterr().out
    assert verifying(folder, "--book-root", "0x" + "11" * 32) == REJECTED


def test_a_book_with_anything_changed_is_rejected(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / "w" / "book.json").read_text())
    chunk = content["chunks"][0]
    swapped = content | {"chunks": [chunk | {"proofs": chunk["proofs"][::-1]}]}
    short = content | {"chunks": [chunk | {"proofs": chunk["proofs"][:1]}]}
    other = content | {"epoch": 2}
    for name, changed in (("swapped", swapped), ("short", short), ("other", other)):
        (tmp_path / name).write_text(json.dumps(changed))
        assert verifying(folder, "--book", tmp_path / name) == REJECTED
    assert run("liabilities", "verify", tmp_path / "swapped") == REJECTED


def test_the_book_alone_is_verified_against_source_and_root(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book, source = folder / "w" / "book.json", folder / "administrator.source.json"
    assert run("liabilities", "verify", book, "--source", source, "--book-root", root(folder)) == ACCEPTED
    assert "accepted book" in capsys.readouterr().out
    assert run("liabilities", "verify", book, "--source", folder / "custodian.source.json") == REJECTED
    signed = json.loads(source.read_text()) | {"owned_slots_hash": "0x" + "44" * 32}
    (tmp_path / "source.json").write_text(json.dumps(signed))
    assert run("liabilities", "verify", book, "--source", tmp_path / "source.json") == REJECTED
    assert run("liabilities", "verify", book, "--book-root", "0x" + "22" * 32) == REJECTED


def test_a_valid_book_of_something_else(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Books that a fund could prove with the same commitments; what they are about is compared before."""
    content = json.loads((folder / "w" / "book.json").read_text())
    monkeypatch.setattr(BookFile, "verify", lambda *_: None)
    first, *others = content["currencies"]
    cases = {
        "fund, epoch or source": [{"epoch": 2}, {"fund": "0x" + "f2" * 20}, {"source": "custodian"}],
        "other slots": [
            {"currencies": [first | {"lot": "1"}, *others]},
            {"currencies": [first | {"asset": "EUR"}, *others]},
            {"currencies": [first]},
            {"currencies": [first, *[other | {"slot": other["slot"] + 1} for other in others]]},
        ],
    }
    assert verifying(folder, "--book", folder / "w" / "book.json") == ACCEPTED
    for reason, changes in cases.items():
        for change in changes:
            (tmp_path / "book.json").write_text(json.dumps(content | change))
            capsys.readouterr()
            assert verifying(folder, "--book", tmp_path / "book.json") == REJECTED
            assert reason in " ".join(capsys.readouterr().err.split())


def test_a_signed_source_of_something_else(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same total, signed for another fund, epoch or other slots."""
    source = json.loads((folder / "administrator.source.json").read_text())
    monkeypatch.setattr(BookFile, "verify", lambda *_: None)
    book = folder / "w" / "book.json"
    assert run("liabilities", "verify", book, "--source", folder / "administrator.source.json") == ACCEPTED
    for change, reason in (
        ({"epoch": 2}, "another fund or epoch"),
        ({"fund": "0x" + "f2" * 20}, "another fund or epoch"),
        ({"owned_slots_hash": "0x" + "44" * 32}, "other slots"),
    ):
        (tmp_path / "source.json").write_text(json.dumps(source | change))
        capsys.readouterr()
        assert run("liabilities", "verify", book, "--source", tmp_path / "source.json") == REJECTED
        assert reason in " ".join(capsys.readouterr().err.split())


def test_a_book_is_signed_under_the_terms_it_was_made_for(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def signing(market: Path, policy: Path, fund: Path) -> tuple[int, str]:
        given = ["--market", market, "--policy", policy, "--fund", fund, "--out", tmp_path]
        key = ["--keystore", folder / "administrator.keystore"]
        capsys.readouterr()
        code = run("liabilities", "sign", "--work", folder / "w", *given, *key)
        return code, " ".join(capsys.readouterr().err.split())

    monkeypatch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
    market, rules, parties = (folder / f"{name}.json" for name in ("market", "policy", "fund"))
    other_fund = tmp_path / "fund.json"
    other_fund.write_text(json.dumps(json.loads(parties.read_text()) | {"fund": "0x" + "f2" * 20}))
    code, said = signing(market, rules, other_fund)
    assert code == MISUSED
    assert "another fund or source" in said

    listed = json.loads(market.read_text())
    for instrument in listed["instruments"]:
        if instrument["id"] == "claim-USD":
            instrument["lot"] = "0.1"
    (tmp_path / "market.json").write_text(json.dumps(listed))
    code, said = signing(tmp_path / "market.json", rules, parties)
    assert code == MISUSED
    assert "other instruments or lots" in said

    bookless = policy()
    bookless["sources"][1]["role"] = "custodian"
    (tmp_path / "policy.json").write_text(json.dumps(bookless))
    code, said = signing(market, tmp_path / "policy.json", parties)
    assert code == MISUSED
    assert "liability_book" in said

    honest = Workdir.opening

    def damaged(work: Workdir) -> Any:
        opening = honest(work)
        return replace(opening, blinding=(opening.blinding + 1) % MODULUS)

    monkeypatch.setattr(Workdir, "opening", damaged)
    code, said = signing(market, rules, parties)
    assert code == REJECTED
    assert "damaged" in said


def test_an_investor_checks_that_they_are_counted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.json"
    assert run("liabilities", "inclusion", "--work", folder / "w", "--account", "user-3", "--out", file) == ACCEPTED
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    capsys.readouterr()
    assert checking(folder, file, account="user-3", nonce="nonce-3") == ACCEPTED
    shown = capsys.readouterr().out
    assert "3.01" in shown
    assert "0.003" in shown
    assert "somebody else" not in shown
    assert checking(folder, file, account="user-4") == REJECTED
    assert checking(folder, file, nonce="nonce-4") == REJECTED
    assert checking(folder, file, epoch="2") == REJECTED
    assert checking(folder, file, **{"fund-address": "0x" + "f2" * 20}) == REJECTED
    assert checking(folder, file, **{"book-root": "0x" + "33" * 32}) == REJECTED
    content = json.loads(file.read_text())
    (first, second) = content["balances"]
    dearer = [first | {"currency": first["currency"] | {"lot": "1"}}, second]
    for field, value in (
        ("account", "user-4"),
        ("nonce", ""),
        ("entry", content["entry"] + 1),
        ("entry", 4090),
        ("balances", dearer),
        ("balances", [second, first]),
    ):
        changed = tmp_path / "changed.json"
        changed.write_text(json.dumps(content | {field: value}))
        assert checking(folder, changed) != ACCEPTED


def test_without_a_nonce_the_check_says_what_is_missing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.json"
    assert run("liabilities", "inclusion", "--work", folder / "w", "--account", "user-4", "--out", file) == ACCEPTED
    assert checking(folder, file) == ACCEPTED
    assert "somebody else" in capsys.readouterr().out


def test_nobody_is_told_about_others(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--work", folder / "w", "--account", "user-400", "--out", tmp_path / "x.json"]
    assert run("liabilities", "inclusion", *options) == MISUSED
    assert "no such account" in capsys.readouterr().err
    published = (folder / "w" / "book.json").read_text()
    assert not any(name in published for name in ACCOUNTS)


def test_a_second_book_needs_a_directory_of_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terms = [*public(folder), "--fund", folder / "fund.json", "--epoch", "2", "--work", folder / "w"]
    assert run("liabilities", "prepare", folder / "accounts.csv", *terms) == MISUSED
    assert "directory of its own" in capsys.readouterr().err


def test_a_book_source_reports_debts_only_and_there_is_one(folder: Path, tmp_path: Path) -> None:
    owned, two = policy(), policy()
    owned["sources"][1]["instruments"].append("supply-USD")
    two["sources"][0]["role"] = "liability_book"
    for content in (owned, two):
        (tmp_path / "policy.json").write_text(json.dumps(content))
        arguments = ["--market", folder / "market.json", "--policy", tmp_path / "policy.json"]
        assert run("key", *arguments) == MISUSED
