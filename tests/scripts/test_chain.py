"""The verbs that speak to a chain, by hand against anvil: from keystores to what an investor sees."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from proofolio.__main__ import main
from proofolio.demo import SAMPLE_POLICY

from optimizer import sample_market

ACCEPTED, REJECTED, MISUSED = 0, 1, 2
ANVIL = Path(__file__).parents[2] / "contracts" / "node_modules" / ".bin" / "anvil"
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


def rpc(url: str, method: str, *params: object) -> object:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["result"]


@pytest.fixture(scope="module")
def anvil() -> Iterator[str]:
    """A fresh anvil on a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(ANVIL), "--host", "127.0.0.1", "--port", str(port), "--hardfork", "prague", "--silent"]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                rpc(url, "eth_chainId")
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def folder(anvil: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keystores with ether, a networks file, and public files of the sample fund, with the contracts deployed."""
    path = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
        patch.setenv("PROOFOLIO_NETWORKS", str(path / "networks.toml"))
        (path / "networks.toml").write_text(f'[networks.anvil]\nrpc_url = "{anvil}"\n')
        addresses = {}
        for name in PARTIES:
            assert run("keystore", path / f"{name}.keystore") == ACCEPTED
            content = json.loads((path / f"{name}.keystore").read_text())
            addresses[name] = "0x" + content["address"].removeprefix("0x")
            rpc(anvil, "anvil_setBalance", addresses[name], hex(10**20))
        sample_market().save(path / "market.json")
        (path / "policy.json").write_text(json.dumps(SAMPLE_POLICY))
        deploying = ["deploy", *on_anvil(path, "deployer"), "--out", path / "deployment.json"]
        assert run(*deploying, "--dry-run") == ACCEPTED
        assert not (path / "deployment.json").exists()
        assert run(*deploying) == ACCEPTED
        assert run(*deploying) == MISUSED
        fund = {
            "version": "1",
            "chain_id": 31337,
            "registry": json.loads((path / "deployment.json").read_text())["registry"],
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
    assert "compliant" in capsys.readouterr().out
    key = Account.decrypt(json.loads((folder / "fund.keystore").read_text()), "a password of the tests")
    assert bytes(key) not in (folder / "journal.sqlite").read_bytes()


@pytest.mark.evm
def test_the_networks_chain_id_is_checked(
    folder: Path, anvil: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFOLIO_RPC_URL", anvil)
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
    assert "no registry of this version" in " ".join(capsys.readouterr().err.split())
