"""A liability book whose root the registry keeps: published once, in every proof, and what investors compare with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from attest.chain import Chain, Registry, Reverted, load_network
from attest.liabilities import InclusionFile
from tests.contracts.anvil import rpc
from tests.scripts.fund import write_terms
from tests.scripts.test_chain import on_anvil
from tests.scripts.test_liabilities import keystores, make_book, proving, public, write_inputs
from tests.scripts.test_steps import ACCEPTED, MISUSED, REJECTED, run

PARTIES = ("owner", "fund", "custodian", "administrator")


@pytest.fixture(scope="module")
def folder(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fund with a proved book and bundle, registered and approved on anvil; nothing is published."""
    path = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFOLIO_PASSWORD", "a password of the tests")
        patch.setenv("PROOFOLIO_NETWORKS", str(path / "networks.toml"))
        (path / "networks.toml").write_text(f'[networks.anvil]\nrpc_url = "{node}"\n')
        write_inputs(path)
        addresses = keystores(path, *PARTIES)
        for address in addresses.values():
            rpc(node, "anvil_setBalance", address, hex(10**20))
        assert run("deploy", *on_anvil(path, "owner"), "--out", path / "deployment.json") == ACCEPTED
        write_terms(path, addresses, ("custodian", "administrator"))
        make_book(path)
        assert run(*proving(path), "--book", path / "w" / "book.json", "--out", path / "bundle.json") == ACCEPTED
        fund = ["--fund", path / "fund.json"]
        assert run("register", *fund, *on_anvil(path, "fund")) == ACCEPTED
        assert run("approve", *public(path), *fund, "--epoch", "1", *on_anvil(path, "owner")) == ACCEPTED
        yield path


@pytest.mark.evm
def test_a_root_stands_once_and_proofs_are_about_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fund = ["--fund", folder / "fund.json"]
    book, file = folder / "w" / "book.json", folder / "mine.json"
    journal = ["--journal", folder / "journal.sqlite"]
    publishing = ["publish", folder / "bundle.json", *public(folder), *fund, *on_anvil(folder, "fund"), *journal]
    assert run("liabilities", "inclusion", "--work", folder / "w", "--account", "user-6", "--out", file) == ACCEPTED
    checking = ["liabilities", "check", file, *fund, "--network", "anvil", "--account", "user-6"]
    capsys.readouterr()

    assert run(*checking) == REJECTED
    assert "published none" in capsys.readouterr().err
    assert run(*publishing) == MISUSED
    assert "liability book" in capsys.readouterr().err

    rooting = ["liabilities", "publish", book, *fund]
    assert run(*rooting, *on_anvil(folder, "owner")) == REJECTED
    assert "NotFund" in capsys.readouterr().err
    assert run(*rooting, *on_anvil(folder, "fund"), "--dry-run") == ACCEPTED
    assert run(*checking) == REJECTED
    for _ in range(2):
        assert run(*rooting, *on_anvil(folder, "fund")) == ACCEPTED
    assert "on record" in capsys.readouterr().out
    assert run(*checking) == ACCEPTED
    assert "6.01" in capsys.readouterr().out
    assert run(*checking, "--epoch", "2") == REJECTED

    assert run(*publishing) == ACCEPTED
    status = ["status", "--policy", folder / "policy.json", *fund, "--network", "anvil"]
    capsys.readouterr()
    assert run(*status) == ACCEPTED
    assert "to be verified off chain" in capsys.readouterr().out

    submitting = ["liabilities", "submit", book, *fund, *on_anvil(folder, "custodian")]
    assert run(*submitting, "--dry-run") == ACCEPTED
    assert run(*checking, "--on-chain") == ACCEPTED
    printed = capsys.readouterr().out
    assert "nothing was sent" in printed
    assert "to be verified off chain" in printed
    assert "proofolio liabilities verify" in printed
    for _ in range(2):
        assert run(*submitting) == ACCEPTED
        assert "total is in the fund's source set" in capsys.readouterr().out
    assert run(*checking, "--on-chain") == ACCEPTED
    assert "total is in the fund's source set" in capsys.readouterr().out
    assert run(*status) == ACCEPTED
    assert "verified on chain" in capsys.readouterr().out

    # A later epoch without a book changes nothing; beside a later book an old file proves nothing about today.
    monkeypatch.setattr(Registry, "last_epoch", lambda *_: 3)
    monkeypatch.setattr(Registry, "previous_epoch", lambda _, __, epoch: epoch - 1)
    assert run(*checking) == ACCEPTED
    root_of = Registry.book_root
    monkeypatch.setattr(Registry, "book_root", lambda self, fund, epoch: root_of(self, fund, min(epoch, 1)))
    assert run(*checking) == REJECTED
    assert "a book for 3 too" in " ".join(capsys.readouterr().err.split())
    assert run(*checking, "--epoch", "1") == ACCEPTED


@pytest.mark.evm
def test_only_a_published_small_book_is_submitted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sending = ["--fund", folder / "fund.json", *on_anvil(folder, "custodian")]
    book = json.loads((folder / "w" / "book.json").read_text())
    (tmp_path / "large.json").write_text(json.dumps(book | {"chunks": book["chunks"] * 9}))
    assert run("liabilities", "submit", tmp_path / "large.json", *sending) == MISUSED
    assert "up to 8" in capsys.readouterr().err
    (tmp_path / "later.json").write_text(json.dumps(book | {"epoch": 2}))
    assert run("liabilities", "submit", tmp_path / "later.json", *sending) == REJECTED
    assert "publish it first" in capsys.readouterr().err


@pytest.mark.evm
def test_the_contract_refuses_what_is_not_in_the_book(folder: Path) -> None:
    """By the contract alone, without the check that comes before it."""
    terms = json.loads((folder / "fund.json").read_text())
    registry = Registry(Chain.connect(load_network("anvil", folder / "networks.toml")), terms["registry"])
    file = folder / "other.json"
    assert run("liabilities", "inclusion", "--work", folder / "w", "--account", "user-7", "--out", file) == ACCEPTED
    held = InclusionFile.load(file)
    assert registry.check_inclusion(held) is registry.book_standing(held.fund, 1)
    first, *rest = held.balances
    raised = first.model_copy(update={"lots": first.lots + 1})
    for change, reason in (
        ({"balances": (raised, *rest)}, r"BalanceRejected\(0\)"),
        ({"nonce": "another"}, "IdentifierRejected"),
        ({"entry": held.entry + 1}, "IdentifierRejected"),
        ({"entry": held.entry + 4096}, "UnknownEntry"),
        ({"epoch": 2}, "IdentifierRejected"),
        ({"commitments": held.commitments[:-128] + held.commitments[:128]}, "WrongBook"),
    ):
        with pytest.raises(Reverted, match=reason):
            registry.check_inclusion(held.model_copy(update=change))


@pytest.mark.evm
def test_the_registry_takes_no_second_root(folder: Path, tmp_path: Path) -> None:
    terms = json.loads((folder / "fund.json").read_text())
    registry = Registry(Chain.connect(load_network("anvil", folder / "networks.toml")), terms["registry"])
    first = registry.book_root(terms["fund"], 1)
    call = registry.publish_book(terms["fund"], 1, b"\x02" * 32)
    with pytest.raises(Reverted, match="BookExists"):
        registry.chain.quote(call, terms["fund"])
    assert registry.book_root(terms["fund"], 1) == first
    assert registry.book_root(terms["fund"], 2) == bytes(32)
    changed = json.loads((folder / "w" / "book.json").read_text()) | {"root": "0x" + "02" * 32}
    (tmp_path / "book.json").write_text(json.dumps(changed))
    arguments = [tmp_path / "book.json", "--fund", folder / "fund.json", *on_anvil(folder, "fund")]
    assert run("liabilities", "publish", *arguments) == REJECTED
