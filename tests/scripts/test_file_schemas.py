"""Every JSON file that the command reads, with one value damaged: one line says which file, and no secret shows."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from eth_account import Account
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from attest.bundle import Bundle, FundFile, OpeningFile, SignedSource
from attest.liabilities import BookFile, InclusionFile
from attest.liabilities.workdir import SecretFile
from optimizer import InstrumentList, Market
from optimizer.policy import Holdings, Policy
from tests.fuzz import seeds
from tests.fuzz.json_damage import KINDS, Damage, damage
from tests.scripts.test_liabilities import FUND, make_book, proving, public, root, run, write_inputs

PASSWORD = "a password of the tests"
DAYS = 12
EXAMPLES = 12
Arguments = Callable[[Path, Path], list[str | Path]]


@dataclass(frozen=True)
class Case:
    """A verb that reads a file.

    Args:
        file: in the folder; model: what it is, None for a keystore.
        arguments: of the verb, given the folder and the damaged copy.
        secret: whether nothing of it may be printed.
        bound: whether the verb refuses every other document too, as what verifies does.
    """

    file: str
    model: type[BaseModel] | None
    arguments: Arguments
    secret: bool = False
    bound: bool = False


def given_files(folder: Path, copy: Path, *names: str) -> list[str | Path]:
    """--market FILE and so on, with the damaged copy in the place of the file of its name."""
    return [x for name in names for x in (f"--{name}", copy if copy.stem == name else folder / f"{name}.json")]


def named(folder: Path, copy: Path, name: str) -> Path:
    return copy if copy.name == name else folder / name


def fresh(folder: Path) -> Path:
    """A folder that no run filled before: secrets are never replaced."""
    return folder / f"unused-{token_hex(8)}"


def proving_with(folder: Path, copy: Path) -> list[str | Path]:
    usual = [*proving(folder), "--book", folder / "w" / "book.json", "--out", folder / "unused.json"]
    return [copy if isinstance(x, Path) and x.name == copy.name else x for x in usual]


def verifying_with(folder: Path, copy: Path) -> list[str | Path]:
    bundle = named(folder, copy, "bundle.json")
    book = copy if copy.name == "book.json" else folder / "w" / "book.json"
    return ["verify", bundle, *given_files(folder, copy, "market", "policy", "fund"), "--book", book]


def committing(folder: Path, copy: Path) -> list[str | Path]:
    held = ["--holdings", named(folder, copy, "h.json"), "--source", "custodian", "--epoch", "1"]
    key = ["--keystore", named(folder, copy, "custodian.keystore")]
    files = given_files(folder, copy, "market", "policy", "fund")
    return ["commit", *files, *held, *key, "--out", fresh(folder)]


def checking(folder: Path, copy: Path) -> list[str | Path]:
    known = ["--book-root", root(folder), "--fund-address", FUND, "--epoch", "1"]
    return ["liabilities", "check", copy, *known]


def signing(folder: Path, copy: Path) -> list[str | Path]:
    terms = [*public(folder), "--fund", folder / "fund.json", "--keystore", folder / "administrator.keystore"]
    return ["liabilities", "sign", "--work", copy.parent, *terms, "--out", fresh(folder)]


def building(folder: Path, copy: Path) -> list[str | Path]:
    scenarios = ["--scenarios", "2", "--out", folder / "unused-market.json"]
    return ["market", folder / "prices.csv", "--instruments", copy, *scenarios]


CASES = {
    "market instruments": Case("instruments.json", InstrumentList, building),
    "policy explain": Case("policy.json", Policy, lambda f, c: ["policy", "explain", c, "--market", f / "market.json"]),
    "risk": Case("h.json", Holdings, lambda f, c: ["risk", *public(f), "--holdings", c], secret=True),
    "risk market": Case(
        "market.json", Market, lambda f, c: ["risk", *given_files(f, c, "market", "policy"), "--holdings", f / "h.json"]
    ),
    "commit holdings": Case("h.json", Holdings, committing, secret=True),
    "commit keystore": Case("custodian.keystore", None, committing, secret=True),
    "prove source": Case("custodian.source.json", SignedSource, proving_with),
    "prove opening": Case("custodian.opening.json", OpeningFile, proving_with, secret=True, bound=True),
    "verify bundle": Case("bundle.json", Bundle, verifying_with, bound=True),
    "verify policy": Case("policy.json", Policy, verifying_with, bound=True),
    "verify market": Case("market.json", Market, verifying_with, bound=True),
    "verify fund": Case("fund.json", FundFile, verifying_with, bound=True),
    "verify book": Case("w/book.json", BookFile, verifying_with, bound=True),
    "book verify": Case("w/book.json", BookFile, lambda f, c: ["liabilities", "verify", c, "--book-root", root(f)]),
    "book check": Case("alice.json", InclusionFile, checking, secret=True),
    "book sign": Case("w/secret.json", SecretFile, signing, secret=True),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fund with a liability book, a proof and an inclusion file, over few scenarios and with cheap keystores."""
    path = tmp_path_factory.mktemp("schemas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", PASSWORD)
        write_inputs(path)
        market = json.loads((path / "market.json").read_text())
        scenarios = market["scenarios"]
        scenarios["dates"] = scenarios["dates"][-DAYS:]
        scenarios["returns"] = {name: series[-DAYS:] for name, series in scenarios["returns"].items()}
        (path / "market.json").write_text(json.dumps(market))
        (path / "instruments.json").write_bytes(seeds.instruments())
        (path / "prices.csv").write_text("date,BTC,USD\n2020-01-01,7200,1\n2020-01-02,6985,1\n2020-01-03,7344,1\n")
        signers = {}
        for name in ("custodian", "administrator"):
            account = Account.create()
            (path / f"{name}.keystore").write_text(json.dumps(Account.encrypt(account.key, PASSWORD, "pbkdf2", 2)))
            signers[name] = account.address
        parties = {"registry": "0x" + "a1" * 20, "fund": FUND, "policy_owner": "0x" + "b1" * 20, "signers": signers}
        (path / "fund.json").write_text(json.dumps({"version": "1", "chain_id": 31337} | parties))
        make_book(path)
        book = ["--book", path / "w" / "book.json"]
        assert run(*proving(path), *book, "--out", path / "bundle.json") == 0
        account = ["--account", "user-3", "--out", path / "alice.json"]
        assert run("liabilities", "inclusion", "--work", path / "w", *account) == 0
        yield path


def secrets_of(content: Any) -> set[str]:
    """Every value of a secret file that is long enough not to stand anywhere by chance, and its beginning."""
    values = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    found = {secret for value in values for secret in secrets_of(value)}
    if isinstance(content, str) and len(content) >= 6 and re.search(r"[0-9]", content):
        found |= {content, content[: max(6, len(content) // 2)]}
    return found


PUBLIC = {"2020-01-17"}
"""Values of secret files that every market file has too: its date, and the fund's address and layout beside it."""


OTHERS = r"\.json|\.csv|policy|fund file|source|market|instrument|opening"
"""How a message speaks of files that do not fit together, none of which is malformed by itself."""


def stands_alone(case: Case, content: bytes) -> bool:
    """Whether a file is well-formed by itself, so that it may be another one that does not fit."""
    if case.model is None:
        return False
    try:
        case.model.model_validate_json(content)
    except ValueError:
        return False
    return True


def judge(folder: Path, copy: Path, case: Case, made: Damage) -> None:
    """The verb on a damaged copy."""
    original = (folder / case.file).read_bytes()
    copy.write_bytes(made.content)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(*case.arguments(folder, copy))
    said = err.getvalue()
    context = f"{made}: {said[:300]!r}"
    assert code in (0, 1, 2), context
    assert PASSWORD not in said + out.getvalue()
    if case.secret:
        known = (
            json.loads((folder / "fund.json").read_text()),
            json.loads((folder / "custodian.source.json").read_text()),
        )
        hidden = secrets_of(json.loads(original)) - PUBLIC - {s for document in known for s in secrets_of(document)}
        assert hidden
        shown = said if code == 0 or case.arguments is checking else said + out.getvalue()
        assert not [secret for secret in hidden if secret in shown], context
    if code == 0:
        # Another document of its kind, which a verb that is bound to the original must not take; or a keystore whose
        # key is what it was, since a code over it is checked.
        if case.model is not None:
            parsed = case.model.model_validate_json(made.content)
            assert made.kind != "repeated", context
            assert not case.bound or parsed == case.model.model_validate_json(original), context
        return
    assert "Traceback" not in said and len(said.strip().splitlines()) == 1, context
    if code == 2:
        assert copy.name in said or (stands_alone(case, made.content) and re.search(OTHERS, said)), context


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_file_is_refused_in_one_line(folder: Path, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    document = json.loads((folder / case.file).read_text())
    copy = tmp_path / Path(case.file).name
    if case.file == "w/secret.json":
        for other in (folder / "w").iterdir():
            (tmp_path / other.name).symlink_to(other)
        copy.unlink()

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(KINDS), st.integers(0, 2**32))
    @example("nested", 0)
    @example("repeated", 0)
    @example("nan", 0)
    def check(kind: str, choice: int) -> None:
        judge(folder, copy, case, damage(document, random.Random(choice), kind))

    check()
