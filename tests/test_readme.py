"""The README keeps its word: its example runs, its links lead somewhere, its verbs exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from proofolio.__main__ import build
from typer.main import get_command
from typer.testing import CliRunner

from attest.bundle import FundFile
from optimizer import InstrumentList
from optimizer.policy import Holdings, Policy

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"])
README = (ROOT / "README.md").read_text("utf-8")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"^(?:  )?proofolio ([a-z]+)(.*(?:\\\n.*)*)$", re.MULTILINE)
JSON_BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)


def page_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("accepted: 3392 bytes prove 7 limits")


def test_the_readme_leads_with_what_a_newcomer_does() -> None:
    (first, *_) = re.findall(r"```\n(.*?)```", README, re.DOTALL)
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"demo", "test", "check", "bench"} <= set(targets)


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = [link for link in LINK.findall(path.read_text("utf-8")) if "://" not in link]
    assert [target for target in targets if not (path.parent / target).exists()] == []


def verbs() -> dict[str, Any]:
    """Name → command; verbs of a group have two words."""
    found = {}
    for name, command in get_command(build(None)).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {name: command} if inner is None else {f"{name} {verb}": own for verb, own in inner.items()}
    return found


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_verbs_and_options_exist(path: Path) -> None:
    commands = verbs()
    for first, rest in COMMAND.findall(path.read_text("utf-8")):
        verb = first if first in commands else f"{first} {rest.split()[0]}"
        assert verb in commands, f"no verb {verb!r}"
        known = {option for parameter in commands[verb].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, f"{verb} has no such option"


def test_every_verb_is_mentioned_and_has_an_example() -> None:
    text = "".join(path.read_text("utf-8") for path in PAGES)
    for verb in verbs():
        assert re.search(rf"(proofolio +|`){verb}\b", text), f"{verb} stands in no page"
        shown = CliRunner().invoke(build(verb.split()[0]), [*verb.split(), "--help"])
        assert shown.exit_code == 0
        assert "Example" in shown.output


def test_files_of_the_tutorial_parse() -> None:
    """Each JSON block is a document of the kind that its section is about."""
    blocks = JSON_BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8"))
    instruments, policy, holdings, fund = (json.dumps(json.loads(block)) for block in blocks)
    assert {spec.id for spec in InstrumentList.model_validate_json(instruments).instruments} >= {"borrow-USD"}
    parsed = Policy.parse(policy.encode())
    assert set(FundFile.parse(fund.encode()).signers) == {source.name for source in parsed.sources}
    held = Holdings.model_validate_json(holdings)
    assert {name: tuple(quantities) for name, quantities in held.sources.items()} == {
        source.name: source.instruments for source in parsed.sources
    }
