"""Every file that the command reads, with one value damaged: one line says which file, and no secret shows.

Of published.json it asks no more than whether it is there, and proofs of programs stand in bundles.
"""

from __future__ import annotations

import io
import json
import random
import re
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from hypothesis import example, given, settings
from hypothesis import strategies as st
from proofolio.pipeline import compiled_alone

from attest.bundle import FundFile
from attest.chain import Chain, Deployment, EmbeddedChain, Oversight, load_network
from attest.chain.networks import Network
from attest.wallet import WalletFile
from optimizer import Market, sample_market
from optimizer.data.sample import SAMPLE_AS_OF
from optimizer.policy import Policy
from tests.attest.chain.worlds import STAND_INS
from tests.fuzz import seeds
from tests.fuzz.json_damage import KINDS, Damage
from tests.scripts.file_cases import (
    CASES,
    DAYS,
    RECORD,
    STAGE,
    Case,
    acting,
    acting_on_policy,
    checking,
    proving_later,
    several,
)
from tests.scripts.fund import FIRST_DAY, holdings, plain_policy
from tests.scripts.test_liabilities import ACCOUNTS, FUND, make_book, proving, public, run, write_inputs

PASSWORD = "a password of the tests"
EXAMPLES = 12


def cheap_keystores(path: Path, *names: str) -> dict[str, str]:
    """Addresses of fresh keys, whose password is checked in no time."""
    addresses = {}
    for name in names:
        account = Account.create()
        (path / f"{name}.keystore").write_text(json.dumps(Account.encrypt(account.key, PASSWORD, "pbkdf2", 2)))
        addresses[name] = account.address
    return addresses


def write_tables(path: Path) -> None:
    """Prices and volumes of three days, and the accounts as a Parquet file."""
    days = {"date": ["2020-01-01", "2020-01-02", "2020-01-03"]}
    prices, volumes = {"BTC": ["7200", "6985", "7344"], "ETH": ["130", "127.5", "134"]}, {"BTC": ["1e6", "2e6", "3e6"]}
    for name, columns in (("prices", days | prices), ("volumes", days | volumes)):
        rows = zip(*columns.values(), strict=True)
        (path / f"{name}.csv").write_text("\n".join(map(",".join, (columns, *rows))) + "\n")
        (path / f"{name}.parquet").write_bytes(seeds.parquet(columns))
    names, *columns_of = ("account", "nonce", "claim-USD", "claim-BTC")
    listed = zip(*ACCOUNTS.values(), strict=True)
    accounts = {names: list(ACCOUNTS)} | dict(zip(columns_of, map(list, listed), strict=True))
    (path / "accounts.parquet").write_bytes(seeds.parquet(accounts))


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
        write_tables(path)
        signers = cheap_keystores(path, "custodian", "administrator")
        parties = {"registry": "0x" + "a1" * 20, "fund": FUND, "policy_owner": "0x" + "b1" * 20, "signers": signers}
        (path / "fund.json").write_text(json.dumps({"version": "1", "chain_id": 31337} | parties))
        make_book(path)
        book = ["--book", path / "w" / "book.json"]
        assert run(*proving(path), *book, "--out", path / "bundle.json") == 0
        account = ["--account", "user-3", "--out", path / "alice.json"]
        assert run("liabilities", "inclusion", "--work", path / "w", *account) == 0
        yield path


def wallet_policy(*more: dict[str, str]) -> dict[str, Any]:
    """A policy that has the fund's addresses read for its ether."""
    content = plain_policy() | {"wallet": [{"instrument": "ETH", "decimals": "18"}]}
    return content | {"constraints": [{"kind": "solvency", "margin_usd": "250000"}, *more]}


def write_epoch(path: Path, number: int, market: Market, policy: dict[str, Any], fund: FundFile, keys: Path) -> None:
    """Public files, holdings and both sources' commitments."""
    path.mkdir(exist_ok=True)
    market.save(path / "market.json")
    (path / "policy.json").write_text(json.dumps(policy))
    held = holdings(market)
    held.model_copy(update={"sources": held.sources | {"wallet": {"ETH": Decimal(3)}}}).save(path / "h.json")
    fund.save(path / "fund.json")
    layout = compiled_alone(Policy.load(path / "policy.json"), market).layout
    WalletFile.of(layout, fund, number, [1000]).save(path / "wallet.json")
    for name in fund.signers:
        files = [*public(path), "--fund", path / "fund.json", "--holdings", path / "h.json"]
        signer = ["--source", name, "--epoch", str(number), "--keystore", keys / f"{name}.keystore"]
        assert run("commit", *files, *signer, "--out", path) == 0


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs of a fund with addresses of its own, the second of which is compared with the first."""
    path = tmp_path_factory.mktemp("later")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", PASSWORD)
        signers = cheap_keystores(path, "custodian", "lender")
        fund = FundFile(chain_id=31337, registry=FUND, fund=FUND, policy_owner="0x" + "b1" * 20, signers=signers)
        early, late = (sample_market(scenario_count=DAYS, as_of=day) for day in (FIRST_DAY, SAMPLE_AS_OF))
        before = path / "before"
        write_epoch(before, 1, early, wallet_policy(), fund, path)
        write_epoch(path, 2, late, wallet_policy({"kind": "turnover", "limit": "0.9"}), fund, path)
        terms = [*public(before), "--fund", path / "fund.json", "--wallet", before / "wallet.json"]
        files = [*several("--source", before, "source"), *several("--opening", before, "opening")]
        assert run("prove", *terms, *files, "--out", before / "bundle.json") == 0
        assert run(*proving_later(path)[:-1], path / "bundle.json") == 0
    return path


class Node(BaseHTTPRequestHandler):
    """Answers every question with one number: chain 31337, and no contract's code."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": "0x7a69"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Registries on a chain inside this process, with a policy whose first epoch is approved; and a node of no use."""
    path = tmp_path_factory.mktemp("staged")
    embedded = EmbeddedChain()
    chain = Chain.connect(load_network("embedded"), embedded)
    reach = Chain.connect
    node = ThreadingHTTPServer(("127.0.0.1", 0), Node)
    threading.Thread(target=node.serve_forever, daemon=True).start()

    def connect(network: Network, *more: Any, **named: Any) -> Chain:
        return chain if network.name == STAGE else reach(network, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", PASSWORD)
        patch.setattr(Chain, "connect", connect)
        patch.setattr("proofolio.deploying.plan", lambda: STAND_INS)
        addresses = cheap_keystores(path, "owner", "fund", "custodian", "lender")
        for address in addresses.values():
            embedded.endow(address)
        url = f"http://127.0.0.1:{node.server_address[1]}"
        (path / "networks.toml").write_text(
            f'[networks.{STAGE}]\nchain_id = {chain.network.chain_id}\nrpc_url = "http://127.0.0.1:1"\n\n'
            f'[networks.mine]\nchain_id = 31337\nrpc_urls = ["{url}", "{url}"]\nrequest_seconds = 5\n'
            "max_fee_gwei = 2.5\nfinalized = false\nconfirmations = 3\n"
        )
        assert run(*acting(path, "deploy", "--out", path / "deployment.json")) == 0
        registry = Deployment.load(path / "deployment.json").registry
        owner, fund, *_ = addresses.values()
        signers = {name: addresses[name] for name in ("custodian", "lender")}
        terms: dict[str, Any] = {"chain_id": chain.network.chain_id, "registry": registry, "signers": signers}
        FundFile(fund=fund, policy_owner=owner, **terms).save(path / "fund.json")
        watching: dict[str, Any] = {
            "publishers": (owner,),
            "threshold": 1,
            "notice_period": 3 * 86_400,
            "auditors": (fund,),
        }
        Oversight(**watching).save(path / "oversight.json")
        sample_market(scenario_count=DAYS).save(path / "market.json")
        for name, policy in (("policy", wallet_policy()), ("other", wallet_policy() | {"name": "another"})):
            (path / f"{name}.json").write_text(json.dumps(policy))
        assert run(*acting(path, "register", "--fund", path / "fund.json", who="fund")) == 0
        approval = ["--market", path / "market.json", "--epoch", "1", "--valid-days", "300"]
        assert run(*acting_on_policy(path, "approve", *approval)) == 0
        assert run(*acting(path, "integrate disclosures", "--fund", path / "fund.json", "--out", path / RECORD)) == 0
        signed = ["--network", STAGE, "--networks", path / "networks.toml", "--keystore", path / "fund.keystore"]
        own = ["--fund", path / "fund.json", "--epoch", "1", "--out", path / "hot.ownership.json"]
        assert run("wallet", "sign", *own, *signed) == 0
        yield path
    node.shutdown()
    node.server_close()


DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""Which market files have too, as other public files have the fund's address and layout."""


def secrets_of(content: Any) -> set[str]:
    """Every value of a secret file that is long enough not to stand anywhere by chance, and its beginning."""
    values = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    found = {secret for value in values for secret in secrets_of(value)}
    if isinstance(content, str) and len(content) >= 6 and re.search(r"[0-9]", content) and not DATE.fullmatch(content):
        found |= {content, content[: max(6, len(content) // 2)]}
    return found


OTHERS = r"\.json|\.csv|policy|fund file|source|market|instrument|opening|addresses were read|address 0x\w+ signed for"
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
        known = [json.loads((folder / name).read_text()) for name in ("fund.json", "custodian.source.json")]
        content = list(ACCOUNTS) if case.model is None and "accounts" in case.file else json.loads(original)
        hidden = secrets_of(content) - {s for document in known for s in secrets_of(document)}
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
        called = case.called is not None and re.search(case.called, said)
        assert copy.name in said or called or (stands_alone(case, made.content) and re.search(OTHERS, said)), context


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_file_is_refused_in_one_line(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    folder: Path = request.getfixturevalue(case.place)
    original = (folder / case.file).read_bytes()
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
        judge(folder, copy, case, case.damaged(original, random.Random(choice), kind))

    check()


@pytest.mark.parametrize("name", CASES)
def test_an_undamaged_file_is_taken(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    """So that what is refused above is refused for its damage."""
    case = CASES[name]
    folder: Path = request.getfixturevalue(case.place)
    if case.file == "w/secret.json":
        pytest.skip("its folder is the whole work directory")
    copy = tmp_path / Path(case.file).name
    copy.write_bytes((folder / case.file).read_bytes())
    expected = {"equivocation": 1, "networks": 2}
    assert run(*case.arguments(folder, copy)) == expected.get(name, 0)
