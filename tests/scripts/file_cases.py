"""Verbs with the files that they read, as test_file_schemas.py damages them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from pydantic import BaseModel

from attest.bundle import Bundle, FundFile, OpeningFile, SignedSource
from attest.chain import Deployment, Oversight
from attest.chain.integrations import Integrations
from attest.liabilities import BookFile, InclusionFile
from attest.liabilities.workdir import SecretFile
from attest.wallet import OwnershipFile, WalletFile
from optimizer import InstrumentList, Market
from optimizer.policy import Holdings, Policy
from tests.fuzz.json_damage import Damage, damage
from tests.fuzz.table_damage import damage_cells, damage_settings, damage_table
from tests.scripts.test_liabilities import FUND, proving, public, root

DAYS = 12
STAGE = "staged"
"""A network's name."""
RECORD = "integrations.json"
Arguments = Callable[[Path, Path], list[str | Path]]


@dataclass(frozen=True)
class Case:
    """A verb that reads a file.

    Args:
        file: in the folder; model: what it is, None for what is no JSON file, and for a keystore.
        arguments: of the verb, given the folder and the damaged copy.
        secret: whether nothing of it may be printed.
        bound: whether the verb refuses every other document too, as what verifies does.
        place: fixture that made the folder; called: how messages speak of the file where they do not name it.
    """

    file: str
    model: type[BaseModel] | None
    arguments: Arguments
    secret: bool = False
    bound: bool = False
    place: str = "folder"
    called: str | None = None

    def damaged(self, content: bytes, rng: random.Random, kind: str) -> Damage:
        """By what the file's name ends with."""
        by_ending = {".csv": damage_cells, ".parquet": damage_table, ".toml": damage_settings}
        if (made := by_ending.get(Path(self.file).suffix)) is not None:
            return made(content, rng, kind)
        return damage(json.loads(content), rng, kind)


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


def instead(of: Callable[[Path], list[str | Path]], file: str) -> Arguments:
    """Arguments with the damaged copy in the place of one of their files."""
    return lambda folder, copy: [copy if x == folder / file else x for x in of(folder)]


def several(option: str, folder: Path, kind: str) -> list[str | Path]:
    """--source custodian.source.json --source lender.source.json, and so on."""
    return [x for name in ("custodian", "lender") for x in (option, folder / f"{name}.{kind}.json")]


def preparing(folder: Path, copy: Path) -> list[str | Path]:
    terms = [*public(folder), "--fund", folder / "fund.json", "--epoch", "1"]
    return ["liabilities", "prepare", copy, *terms, "--work", fresh(folder)]


def pricing(folder: Path, copy: Path) -> list[str | Path]:
    return ["market", copy, "--scenarios", "2", "--risk-model", "factor:1", "--out", folder / "unused-market.json"]


def weighing(folder: Path, copy: Path) -> list[str | Path]:
    return ["market", folder / "prices.csv", "--volumes", copy, "--scenarios", "2", "--out", folder / "unused.json"]


def accusing(folder: Path, copy: Path) -> list[str | Path]:
    return ["equivocation", copy, folder / "custodian.source.json", *public(folder)[2:], "--fund", folder / "fund.json"]


def counting(folder: Path, copy: Path) -> list[str | Path]:
    return ["liabilities", "verify", folder / "w" / "book.json", "--source", copy]


def compared(folder: Path) -> list[str | Path]:
    """What a policy that compares epochs also takes."""
    before = folder / "before"
    return ["--previous-market", before / "market.json", "--previous-policy", before / "policy.json"]


def proving_later(folder: Path) -> list[str | Path]:
    before, terms = folder / "before", [*public(folder), "--fund", folder / "fund.json", *compared(folder)]
    files = [*several("--source", folder, "source"), *several("--opening", folder, "opening")]
    files += [*several("--previous-source", before, "source"), *several("--previous-opening", before, "opening")]
    wallets = ["--wallet", folder / "wallet.json", "--previous-wallet", before / "wallet.json"]
    return ["prove", *terms, *files, *wallets, "--out", folder / "unused.json"]


def verifying_later(folder: Path) -> list[str | Path]:
    terms = [*public(folder), "--fund", folder / "fund.json", *compared(folder), "--wallet", folder / "wallet.json"]
    return ["verify", folder / "bundle.json", *terms, "--previous-bundle", folder / "before" / "bundle.json"]


def comparing_risk(folder: Path) -> list[str | Path]:
    held = ["--holdings", folder / "h.json", "--previous-holdings", folder / "before" / "h.json"]
    return ["risk", *public(folder), *compared(folder), *held]


def acting(folder: Path, verb: str, *more: str | Path, who: str = "owner") -> list[str | Path]:
    """On the stage's chain, where nothing is sent that does not stand there already."""
    place = ["--network", STAGE, "--networks", folder / "networks.toml", "--keystore", folder / f"{who}.keystore"]
    return [*verb.split(), *place, *more]


def acting_on_policy(folder: Path, verb: str, *more: str | Path, who: str = "owner") -> list[str | Path]:
    terms = ["--policy", folder / "policy.json", "--fund", folder / "fund.json"]
    return acting(folder, verb, *terms, *more, who=who)


def approving(folder: Path, copy: Path) -> list[str | Path]:
    new = ["--policy", folder / "other.json", "--fund", folder / "fund.json", "--market", folder / "market.json"]
    return acting(folder, "approve", *new, "--epoch", "1", "--oversight", copy, "--dry-run")


def reading(folder: Path, copy: Path) -> list[str | Path]:
    more = ["--market", folder / "market.json", "--epoch", "1", "--out", folder / "unused.json", "--dry-run"]
    return acting_on_policy(folder, "wallet read", copy, *more, who="fund")


def reaching(folder: Path, copy: Path) -> list[str | Path]:
    terms = ["--policy", folder / "policy.json", "--fund", folder / "fund.json"]
    return ["oversee", "--network", "mine", "--networks", copy, *terms]


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
    "book source": Case("administrator.source.json", SignedSource, counting),
    "book accounts": Case("accounts.csv", None, preparing, secret=True, called="account"),
    "book account table": Case("accounts.parquet", None, preparing, secret=True, called="account"),
    "market prices": Case("prices.csv", None, pricing),
    "market price table": Case("prices.parquet", None, pricing),
    "market volumes": Case("volumes.csv", None, weighing),
    "market volume table": Case("volumes.parquet", None, weighing),
    "equivocation": Case("custodian.source.json", SignedSource, accusing, bound=True),
}
CASES |= {
    name: Case(file, model, instead(verb, file), secret, bound, "later")
    for name, file, model, verb, secret, bound in (
        ("verify wallet", "wallet.json", WalletFile, verifying_later, False, True),
        ("verify later bundle", "bundle.json", Bundle, verifying_later, False, True),
        ("verify previous bundle", "before/bundle.json", Bundle, verifying_later, False, False),
        ("verify previous market", "before/market.json", Market, verifying_later, False, False),
        ("verify previous policy", "before/policy.json", Policy, verifying_later, False, False),
        ("prove wallet", "wallet.json", WalletFile, proving_later, False, False),
        ("prove previous wallet", "before/wallet.json", WalletFile, proving_later, False, False),
        ("prove previous source", "before/custodian.source.json", SignedSource, proving_later, False, False),
        ("prove previous opening", "before/custodian.opening.json", OpeningFile, proving_later, True, True),
        ("risk previous holdings", "before/h.json", Holdings, comparing_risk, True, False),
    )
}
CASES |= {
    "oversee": Case(
        "oversight.json",
        Oversight,
        lambda f, c: acting_on_policy(f, "oversee", "--oversight", c, "--dry-run"),
        place="staged",
    ),
    "approve oversight": Case("oversight.json", Oversight, approving, place="staged"),
    "deploy": Case("deployment.json", Deployment, lambda f, c: acting(f, "deploy", "--out", c), place="staged"),
    "integrate": Case(
        "integrations.json",
        Integrations,
        lambda f, c: acting(f, "integrate disclosures", "--fund", f / "fund.json", "--out", c),
        place="staged",
    ),
    "wallet read": Case("hot.ownership.json", OwnershipFile, reading, place="staged"),
    "networks": Case("networks.toml", None, reaching, place="staged", called="network 'mine'"),
}
