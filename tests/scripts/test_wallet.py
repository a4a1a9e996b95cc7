"""What the fund's own addresses hold: signed for, read on chain, proved and published, by hand and unattended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from proofolio.chain import recorded_public_values

from attest.chain import AccountSlot, Policies
from attest.errors import ProofRejected
from optimizer import sample_market
from tests.contracts.anvil import rpc
from tests.scripts.fund import holdings, plain_policy, write_terms
from tests.scripts.test_chain import ACCEPTED, MISUSED, REJECTED, on_anvil, public, run
from tests.scripts.test_liabilities import keystores

PARTIES = ("owner", "fund", "custodian", "lender", "hot", "cold")
TOKEN = "0x" + "70" * 20
TOKENS_EACH = 250_000_123_456
"""What the token says of any address, in millionths."""
ETHER = {"hot": 3 * 10**18 + 1, "cold": 5 * 10**17}


def wallet_policy() -> dict[str, Any]:
    """A policy that has coins and tokens of the fund's addresses read."""
    wallet = [{"instrument": "ETH", "decimals": "18"}, {"instrument": "USD", "decimals": "6", "token": TOKEN}]
    return plain_policy() | {"name": "a fund with addresses of its own", "wallet": wallet}


@pytest.fixture(scope="module")
def folder(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keystores, the contracts, a registered fund with two addresses, and what its sources hold."""
    path = tmp_path_factory.mktemp("wallet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
        patch.setenv("PROOFOLIO_NETWORKS", str(path / "networks.toml"))
        (path / "networks.toml").write_text(f'[networks.anvil]\nrpc_url = "{node}"\n')
        addresses = keystores(path, *PARTIES)
        for name, address in addresses.items():
            rpc(node, "anvil_setBalance", address, hex(ETHER.get(name, 10**20)))
        # PUSH32 amount, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN
        rpc(node, "anvil_setCode", TOKEN, f"0x7f{TOKENS_EACH:064x}5f5260205ff3")
        market = sample_market()
        market.save(path / "market.json")
        (path / "policy.json").write_text(json.dumps(wallet_policy()))
        held = holdings(market)
        wallet = {"ETH": Decimal("3.5"), "USD": Decimal("500000.246912")}
        held.model_copy(update={"sources": held.sources | {"wallet": wallet}}).save(path / "holdings.json")
        assert run("deploy", *on_anvil(path, "owner"), "--out", path / "deployment.json") == ACCEPTED
        write_terms(path, addresses, ("custodian", "lender"))
        assert run("register", "--fund", path / "fund.json", *on_anvil(path, "fund")) == ACCEPTED
        yield path


def signing(folder: Path, name: str, epoch: int, out: Path, *place: str | Path) -> int:
    arguments = ["--fund", folder / "fund.json", "--epoch", str(epoch), "--keystore", folder / f"{name}.keystore"]
    return run("wallet", "sign", *arguments, *(place or ("--network", "anvil")), "--out", out)


def committing(folder: Path, epoch: int, out: Path) -> None:
    for name in ("custodian", "lender"):
        arguments = [*public(folder), "--holdings", folder / "holdings.json", "--source", name, "--epoch", str(epoch)]
        assert run("commit", *arguments, "--keystore", folder / f"{name}.keystore", "--out", out) == ACCEPTED


@pytest.mark.evm
def test_from_signatures_of_addresses_to_what_an_investor_sees(
    folder: Path, node: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files, owned = public(folder), [folder / "hot.ownership.json", folder / "cold.ownership.json"]
    reading = ["wallet", "read", *owned, *files, "--epoch", "1", "--out", folder / "wallet.json"]
    showing = ["wallet", "show", *files, "--epoch", "1", "--network", "anvil", "--out", tmp_path / "shown.json"]
    assert signing(folder, "hot", 1, owned[0]) == ACCEPTED
    assert signing(folder, "cold", 1, owned[1], "--reader", "0x12") == MISUSED
    assert signing(folder, "cold", 1, owned[1], "--reader", "0x" + "0f" * 20) == ACCEPTED

    assert run("approve", *files, "--epoch", "1", *on_anvil(folder, "owner")) == ACCEPTED
    assert run(*showing) == REJECTED
    assert run(*reading, *on_anvil(folder, "fund")) != ACCEPTED
    assert "InvalidAccountSignature" in " ".join(capsys.readouterr().err.split()), "it signed for another reader"
    assert signing(folder, "cold", 1, owned[1]) == ACCEPTED
    assert run(*reading, *on_anvil(folder, "lender")) != ACCEPTED
    assert "NotFund" in " ".join(capsys.readouterr().err.split())
    assert run(*reading, *on_anvil(folder, "fund"), "--dry-run") == ACCEPTED
    assert not (folder / "wallet.json").exists()
    assert run(*reading, *on_anvil(folder, "fund")) == ACCEPTED
    assert "3.5" in capsys.readouterr().out
    rpc(node, "anvil_setBalance", json.loads(owned[0].read_text())["account"], hex(10**21))
    assert run(*reading, *on_anvil(folder, "fund")) == ACCEPTED
    assert run(*showing) == ACCEPTED
    assert "3.5" in capsys.readouterr().out, "what was read once counts"
    assert (tmp_path / "shown.json").read_text() == (folder / "wallet.json").read_text()

    committing(folder, 1, folder)
    proving: list[str | Path] = ["prove", *files, "--out", folder / "bundle.json"]
    for name in ("custodian", "lender"):
        proving += ["--source", folder / f"{name}.source.json", "--opening", folder / f"{name}.opening.json"]
    assert run(*proving) == MISUSED
    assert "--wallet" in capsys.readouterr().err
    assert run(*proving, "--wallet", edited(folder / "wallet.json", tmp_path, epoch=2)) == MISUSED
    assert run(*proving, "--wallet", folder / "wallet.json") == ACCEPTED

    verifying = ["verify", folder / "bundle.json", *files]
    assert run(*verifying) == MISUSED
    richer = [{"slot": each["slot"], "value": str(int(each["value"]) + 1)} for each in wallet_values(folder)]
    for change in ({"epoch": 2}, {"fund": TOKEN}, {"layout_hash": "0x" + "12" * 32}):
        assert run(*verifying, "--wallet", edited(folder / "wallet.json", tmp_path, **change)) == MISUSED
    assert run(*verifying, "--wallet", edited(folder / "wallet.json", tmp_path, values=richer)) == REJECTED
    assert "other values than were read" in " ".join(capsys.readouterr().err.split())
    assert run(*verifying, "--wallet", folder / "wallet.json", "--reference") == ACCEPTED
    altered = edited(folder / "bundle.json", tmp_path, public_values=richer)
    assert run("verify", altered, *files, "--wallet", tmp_path / "wallet.json") != ACCEPTED
    publishing = [*files, *on_anvil(folder, "fund"), "--journal", folder / "journal.sqlite"]
    assert run("publish", altered, *publishing) == REJECTED
    assert run("publish", folder / "bundle.json", *publishing) == ACCEPTED
    asking = ["--fund", folder / "fund.json", "--network", "anvil"]
    assert run("status", "--policy", folder / "policy.json", *asking) == ACCEPTED


def edited(file: Path, target: Path, **changed: Any) -> Path:
    """A copy of a JSON file with fields replaced."""
    copy = target / file.name
    copy.write_text(json.dumps(json.loads(file.read_text()) | changed))
    return copy


def wallet_values(folder: Path) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = json.loads((folder / "wallet.json").read_text())["values"]
    return values


@pytest.mark.evm
def test_what_the_publishers_approved_is_compared(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A digest does not tell which tokens are read, or whether a publisher put a value into a slot."""
    showing = ["wallet", "show", *public(folder), "--epoch", "1", "--network", "anvil", "--out", tmp_path / "w.json"]
    assert run(*showing) == ACCEPTED
    own = Policies.approved_slots

    def changed(change: Callable[[AccountSlot], AccountSlot], given: dict[int, int]) -> None:
        def approved(policies: Policies, name: bytes, epoch: int) -> Any:
            found = own(policies, name, epoch)
            assert found is not None
            return given, tuple(change(slot) for slot in found[1])

        monkeypatch.setattr(Policies, "approved_slots", approved)

    for change, given in (
        (lambda slot: replace(slot, lot=slot.lot + 1), {}),
        (lambda slot: replace(slot, token="0x" + "71" * 20), {}),
        (lambda slot: replace(slot, slot=slot.slot + 1), {}),
        (lambda slot: slot, {3: 5}),
    ):
        changed(change, given)
        assert run(*showing) == REJECTED
        assert "other slots, tokens or lots" in " ".join(capsys.readouterr().err.split())
    changed(lambda slot: slot, {})
    assert run(*showing) == ACCEPTED


def test_what_was_not_read_is_not_published() -> None:
    registry: Any = SimpleNamespace(policies=SimpleNamespace(approved_slots=lambda *_: None))
    compiled: Any = SimpleNamespace(wallet_slots=(1,))
    with pytest.raises(ProofRejected, match="were not read for this epoch"):
        recorded_public_values(registry, None, b"", 1, compiled)  # type: ignore[arg-type]


@pytest.mark.evm
def test_unattended(folder: Path, node: str, capsys: pytest.CaptureFixture[str]) -> None:
    rpc(node, "evm_mine")
    epoch = folder / "epochs" / "2"
    epoch.mkdir(parents=True)
    (epoch / "market.json").write_bytes((folder / "market.json").read_bytes())
    committing(folder, 2, epoch)
    watching = ["watch", folder / "epochs", "--policy", folder / "policy.json", "--fund", folder / "fund.json"]
    watching += [*on_anvil(folder, "fund"), "--journal", folder / "journal.sqlite", "--listen", "127.0.0.1:0", "--once"]
    assert run(*watching) == ACCEPTED
    assert "waiting for NAME.ownership.json" in " ".join(capsys.readouterr().out.split())
    assert signing(folder, "hot", 2, epoch / "hot.ownership.json") == ACCEPTED
    assert run(*watching) == ACCEPTED
    assert not (epoch / "wallet.json").exists()
    assert run("approve", *public(folder), "--epoch", "2", *on_anvil(folder, "owner")) == ACCEPTED
    assert run(*watching) == ACCEPTED
    assert (epoch / "published.json").exists()
    assert json.loads((epoch / "wallet.json").read_text())["epoch"] == 2


@pytest.mark.evm
def test_an_address_that_is_a_contract(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It signs in its own way, so the command says what to sign and takes what it accepts."""
    arguments = ["wallet", "sign", "--fund", folder / "fund.json", "--epoch", "3", "--network", "anvil"]
    arguments += ["--out", tmp_path / "safe.ownership.json", "--contract", TOKEN]
    assert run(*arguments) == ACCEPTED
    assert "to be signed: 0x" in capsys.readouterr().out and not (tmp_path / "safe.ownership.json").exists()
    assert run(*arguments, "--signature", "0xzz") == MISUSED
    assert run(*arguments, "--signature", "0x" + "12" * 130) == ACCEPTED
    assert json.loads((tmp_path / "safe.ownership.json").read_text())["signature"] == "0x" + "12" * 130
    assert run(*arguments[:-1], "0x12") == MISUSED
    assert run(*arguments[:-2]) == MISUSED


@pytest.mark.evm
def test_a_policy_without_a_wallet_reads_no_addresses(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text(json.dumps(plain_policy()))
    files = ["--market", folder / "market.json", "--policy", tmp_path / "policy.json", "--fund", folder / "fund.json"]
    arguments = ["wallet", "show", *files, "--epoch", "1", "--network", "anvil", "--out", tmp_path / "wallet.json"]
    assert run(*arguments) == MISUSED
