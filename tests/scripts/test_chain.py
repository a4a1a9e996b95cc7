"""The verbs that speak to a chain, by hand against anvil: from keystores to what an investor sees."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from proofolio.__main__ import main
from proofolio.demo import SAMPLE_POLICY

from optimizer import sample_market
from tests.contracts.anvil import rpc
from tests.scripts.fund import FIRST_DAY, comparing_policy, holdings, plain_policy

ACCEPTED, REJECTED, MISUSED = 0, 1, 2
PARTIES = ("deployer", "owner", "fund", "custodian", "lender")


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
def folder(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keystores with ether, a networks file, and public files of the sample fund, with the contracts deployed."""
    path = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
        patch.setenv("PROOFOLIO_NETWORKS", str(path / "networks.toml"))
        (path / "networks.toml").write_text(f'[networks.anvil]\nrpc_url = "{node}"\n')
        addresses = {}
        for name in PARTIES:
            assert run("keystore", path / f"{name}.keystore") == ACCEPTED
            content = json.loads((path / f"{name}.keystore").read_text())
            addresses[name] = "0x" + content["address"].removeprefix("0x")
            rpc(node, "anvil_setBalance", addresses[name], hex(10**20))
        sample_market().save(path / "market.json")
        (path / "policy.json").write_text(json.dumps(SAMPLE_POLICY))
        deploying = ["deploy", *on_anvil(path, "deployer"), "--out", path / "deployment.json"]
        assert run(*deploying, "--dry-run") == ACCEPTED
        assert not (path / "deployment.json").exists()
        assert run(*deploying) == ACCEPTED
        assert run(*deploying) == ACCEPTED
        deployment = json.loads((path / "deployment.json").read_text())
        (path / "other.json").write_text(json.dumps({**deployment, "registry": deployment["policies"]}))
        assert run(*deploying[:-1], path / "other.json") == MISUSED, "the file of another deployment is kept"
        assert json.loads((path / "other.json").read_text())["registry"] == deployment["policies"]
        fund = {
            "version": "1",
            "chain_id": 31337,
            "registry": deployment["registry"],
            "fund": addresses["fund"],
            "policy_owner": addresses["owner"],
            "signers": {name: addresses[name] for name in ("custodian", "lender")},
        }
        (path / "fund.json").write_text(json.dumps(fund))
        yield path


def on_anvil(path: Path, keystore: str) -> list[str | Path]:
    return ["--network", "anvil", "--keystore", path / f"{keystore}.keystore"]


def public(path: Path) -> list[str | Path]:
    return [part for name in ("market", "policy", "fund") for part in (f"--{name}", path / f"{name}.json")]


@pytest.mark.evm
def test_from_an_approval_to_what_an_investor_sees(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, terms = public(folder), ["--fund", folder / "fund.json", "--network", "anvil"]
    asking = ["status", "--policy", folder / "policy.json", *terms]
    assert run(*asking) == REJECTED
    registering = ["register", "--fund", folder / "fund.json"]
    assert run(*registering, *on_anvil(folder, "owner")) == MISUSED
    assert run(*registering, *on_anvil(folder, "fund"), "--owner", "0x12") == MISUSED
    assert run(*registering, *on_anvil(folder, "fund"), "--dry-run") == ACCEPTED
    for _ in range(2):
        assert run(*registering, *on_anvil(folder, "fund")) == ACCEPTED
    approving = ["approve", *files, "--epoch", "1", *on_anvil(folder, "owner"), "--valid-days", "8"]
    assert run(*approving, "--dry-run") == ACCEPTED
    for _ in range(2):
        assert run(*approving) == ACCEPTED
    assert "epoch 1 is approved with this statement" in " ".join(capsys.readouterr().out.split())
    held = folder / "holdings.json"
    assert run("optimize", *files[:4], "--capital", "2e6", "--objective", "return", "--out", held) == ACCEPTED
    proving: list[str | Path] = ["prove", *files, "--out", folder / "bundle.json"]
    for source in ("custodian", "lender"):
        keystore = ["--keystore", folder / f"{source}.keystore"]
        committing = ["commit", *files, "--holdings", held, "--out", folder, "--source", source, "--epoch", "1"]
        assert run(*committing, *keystore) == ACCEPTED
        proving += ["--source", folder / f"{source}.source.json", "--opening", folder / f"{source}.opening.json"]
    assert run(*proving) == ACCEPTED
    publishing = ["publish", folder / "bundle.json", *files, "--journal", folder / "journal.sqlite"]
    capsys.readouterr()
    assert run(*publishing, *on_anvil(folder, "lender")) == REJECTED
    assert "SourceSetNotCommitted" in " ".join(capsys.readouterr().err.split())
    assert run(*publishing, *on_anvil(folder, "fund"), "--dry-run") == ACCEPTED
    assert "nothing was sent" in " ".join(capsys.readouterr().out.split())
    for _ in range(2):
        assert run(*publishing, *on_anvil(folder, "fund")) == ACCEPTED
        assert "recorded in block" in " ".join(capsys.readouterr().out.split())
    (folder / "altered.json").write_text((folder / "bundle.json").read_text().replace('"expiry": 1', '"expiry": 2', 1))
    altered = ["publish", folder / "altered.json", *files, "--journal", folder / "another.sqlite"]
    assert run(*altered, *on_anvil(folder, "fund")) == REJECTED
    assert not (folder / "another.sqlite").exists()
    capsys.readouterr()
    assert run(*asking) == ACCEPTED
    told = without_spaces(capsys.readouterr().out)
    assert "compliant yes" in told and "compliant since" in told and "epochs proved so far 1" in told
    key = Account.decrypt(json.loads((folder / "fund.keystore").read_text()), "a password of the tests")
    assert bytes(key) not in (folder / "journal.sqlite").read_bytes()


@pytest.mark.evm
def test_the_networks_chain_id_is_checked(
    folder: Path, node: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFOLIO_RPC_URL", node)
    keystore = ["--keystore", folder / "deployer.keystore", "--out", tmp_path / "d.json"]
    assert run("deploy", "--network", "sepolia", *keystore) == MISUSED
    assert "chain 11155111, but the node serves chain 31337" in " ".join(capsys.readouterr().err.split())
    assert run("deploy", "--network", "embedded", *keystore) == MISUSED
    assert not (tmp_path / "d.json").exists()
    fund = json.loads((folder / "fund.json").read_text())
    (tmp_path / "fund.json").write_text(json.dumps({**fund, "chain_id": 560048}))
    asking = ["status", "--policy", folder / "policy.json", "--network", "anvil", "--fund"]
    assert run(*asking, tmp_path / "fund.json") == MISUSED
    (tmp_path / "fund.json").write_text(json.dumps({**fund, "registry": fund["fund"]}))
    assert run(*asking, tmp_path / "fund.json") == MISUSED
    assert "no AttestationRegistry of this version" in " ".join(capsys.readouterr().err.split())


def without_spaces(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.evm
def test_an_epoch_that_is_compared_with_the_one_before(
    folder: Path, node: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fund's first epoch under a plain policy, then one under several programs, one of which compares the two."""
    path = folder / "epochs"
    path.mkdir()
    assert run("keystore", path / "fund.keystore") == ACCEPTED
    address = "0x" + json.loads((path / "fund.keystore").read_text())["address"].removeprefix("0x")
    rpc(node, "anvil_setBalance", address, hex(10**20))
    fund = json.loads((folder / "fund.json").read_text()) | {"fund": address}
    (path / "fund.json").write_text(json.dumps(fund))
    as_fund = ["--network", "anvil", "--keystore", path / "fund.keystore"]
    assert run("register", "--fund", path / "fund.json", *as_fund) == ACCEPTED

    markets = sample_market(as_of=FIRST_DAY), sample_market()
    for epoch, policy, market in ((1, plain_policy(), markets[0]), (2, comparing_policy(), markets[1])):
        (path / f"{epoch}").mkdir()
        market.save(path / f"{epoch}/market.json")
        (path / f"{epoch}/policy.json").write_text(json.dumps(policy))
        holdings(market).save(path / f"{epoch}/holdings.json")

    def files(epoch: int) -> list[str | Path]:
        return [
            *("--market", path / f"{epoch}/market.json", "--policy", path / f"{epoch}/policy.json"),
            *("--fund", path / "fund.json"),
        ]

    def sign(epoch: int) -> None:
        for source in ("custodian", "lender"):
            held = ["--holdings", path / f"{epoch}/holdings.json", "--out", path / f"{epoch}"]
            signing = ["--source", source, "--epoch", str(epoch), "--keystore", folder / f"{source}.keystore"]
            assert run("commit", *files(epoch), *held, *signing) == ACCEPTED

    def signed(epoch: int, prefix: str = "") -> list[str | Path]:
        return [
            part
            for source in ("custodian", "lender")
            for kind in ("source", "opening")
            for part in (f"--{prefix}{kind}", path / f"{epoch}/{source}.{kind}.json")
        ]

    before = ["--previous-market", path / "1/market.json", "--previous-policy", path / "1/policy.json"]
    bundles = [path / "first.json", path / "second.json"]
    journal = ["--journal", path / "journal.sqlite"]
    asking = ["status", "--policy", path / "2/policy.json", "--fund", path / "fund.json", "--network", "anvil"]
    owner = on_anvil(folder, "owner")

    for epoch in (1, 2):
        sign(epoch)
    assert run("prove", *files(1), *signed(1), "--out", bundles[0]) == ACCEPTED
    proving = ["prove", *files(2), *signed(2), "--out", bundles[1], *before]
    assert run(*proving) == MISUSED
    assert run(*proving, *signed(1, "previous-")) == ACCEPTED

    publishing = ["publish", bundles[1], *files(2), *before, *as_fund, *journal]
    capsys.readouterr()
    assert run(*publishing) == REJECTED
    assert "no earlier one on record" in without_spaces(capsys.readouterr().err)
    assert run("approve", *files(1), "--epoch", "1", *owner, "--valid-days", "8") == ACCEPTED
    assert run("publish", bundles[0], *files(1), *as_fund, *journal) == ACCEPTED

    approving = ["approve", *files(2), "--epoch", "2", *owner, "--valid-days", "8"]
    capsys.readouterr()
    assert run(*approving) == MISUSED
    assert "give --previous-market" in without_spaces(capsys.readouterr().err)
    assert run(*approving, *before) == ACCEPTED
    assert run(*asking) == REJECTED
    assert "proofs in, epoch 2 0 of 2" in without_spaces(capsys.readouterr().out)

    verifying = ["verify", bundles[1], *files(2)]
    assert run(*verifying) == MISUSED
    capsys.readouterr()
    assert run(*verifying, *before) == MISUSED
    assert "--previous-source-set" in without_spaces(capsys.readouterr().err)
    assert run(*verifying, *before, "--previous-bundle", bundles[0]) == ACCEPTED
    assert run(*verifying, *before, "--previous-bundle", bundles[1]) == REJECTED
    assert run(*verifying, *before, "--previous-source-set", "0x12") == MISUSED
    assert run(*verifying, *before, "--previous-source-set", "0x" + "12" * 32) == REJECTED
    capsys.readouterr()
    asked = ["status", "--policy", path / "1/policy.json", *asking[3:]]
    assert run(*asked) == ACCEPTED
    shown = re.search(r"source set of epoch 1 (0x[0-9a-f]{64})", capsys.readouterr().out)
    assert shown is not None
    assert run(*verifying, *before, "--previous-source-set", shown[1]) == ACCEPTED

    computing = ["key", *files(2)[:4], *before]
    capsys.readouterr()
    assert run(*computing, "--out", path / "keys.json") == ACCEPTED
    digests = re.findall(r"digest (0x[0-9a-f]{64})", capsys.readouterr().out)
    assert len(digests) == 2
    assert [key["digest"] for key in json.loads((path / "keys.json").read_text())["keys"]] == digests
    assert run(*computing, "--check", digests[0], "--check", digests[1]) == ACCEPTED
    assert run(*computing, "--check", digests[0]) == REJECTED
    assert run(*computing, "--check", digests[1], "--check", digests[0]) == REJECTED
    assert run(*computing, "--check", "0x12") == MISUSED

    assert run(*publishing, "--dry-run") == ACCEPTED
    recorded = set()
    for _ in range(2):
        capsys.readouterr()
        assert run(*publishing) == ACCEPTED
        recorded.add(re.search(r"recorded in block .*", capsys.readouterr().out))
    assert None not in recorded and len({match[0] for match in recorded if match}) == 1, "both programs, once"
    assert run(*asking) == ACCEPTED
    told = capsys.readouterr().out
    assert "proofs in, epoch 2 2 of 2" in without_spaces(told)
    assert f"source set of epoch 1 {shown[1]}" in told and "source set of epoch 2 0x" in told
