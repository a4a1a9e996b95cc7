"""One rule of exit codes for all verbs, and groups of options that typer reads like single ones."""

from __future__ import annotations

import inspect

import pytest
from proofolio.acting import OnPolicy, grouped
from proofolio.governing import veto
from proofolio.terminal import MISUSED, REJECTED, exit_code

from attest.chain import InsufficientFunds, JournalError, NetworkError, Reverted, SignerError, WrongChain
from attest.errors import EncodingError, ProofRejected, SourceError, StatementFalse
from optimizer.errors import DataError
from tests.scripts.test_steps import run

FALSE = (
    ProofRejected("(P.1)"),
    StatementFalse(("solvency",)),
    SourceError("a slot of another"),
    Reverted("NotOwner()"),
)
WRONG = (
    EncodingError("no such file"),
    DataError("no price"),
    NetworkError("it does not answer"),
    WrongChain("sepolia", 1, 2),
    JournalError("another submission"),
    SignerError("it signs something else"),
    InsufficientFunds("sepolia", "0x12", 1),
)


CASES = [(error, REJECTED) for error in FALSE] + [(error, MISUSED) for error in WRONG]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda each: type(each).__name__)
def test_what_is_false_or_refused_exits_with_1_and_what_is_misused_with_2(error: Exception, code: int) -> None:
    assert exit_code(error) == code
    assert exit_code(KeyError("a defect")) is None


def test_an_option_of_a_group_is_asked_for_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("veto", "--epoch", "1", "--reason", "none") == MISUSED
    assert "Missing option" in capsys.readouterr().err
    assert run("veto", "--help") == 0
    told = capsys.readouterr().out
    assert all(option in told for option in ("--policy", "--fund", "--network", "--keystore", "--dry-run", "--epoch"))


def test_what_a_group_stands_for() -> None:
    """The verb's own options and the group's, what is required before the rest."""
    names = list(inspect.signature(veto).parameters)
    assert set(names) == {"epoch", "reason", "network", "keystore", "signer", "networks", "dry_run"} | {
        "fund",
        "policy",
        "programs",
    }
    required = [each.default is inspect.Parameter.empty for each in inspect.signature(veto).parameters.values()]
    assert required == sorted(required, reverse=True)
    seen: list[object] = []

    def verb(on: OnPolicy, epoch: int) -> None:
        """A verb."""
        seen.extend([on.network, on.dry_run, epoch])

    sending = {"network": "anvil", "keystore": None, "signer": None, "networks": None, "dry_run": False}
    grouped(verb)(epoch=3, fund="fund.json", policy="policy.json", programs=None, **sending)
    assert seen == ["anvil", False, 3]
