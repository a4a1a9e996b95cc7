"""The table of attacks in docs/assurance.md names tests that exist, and enough of them."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "assurance.md"
TEST = re.compile(r"`(?P<path>[^`:]+)::(?P<name>\w+)(?:\[(?P<case>.+)\])?`")


class Attack(NamedTuple):
    """A line of the table."""

    attack: str
    check: str
    shown: str
    test: str


def attacks() -> list[Attack]:
    cells = [line.strip("|").split("|") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    assert {len(row) for row in cells} == {4}
    rows = [Attack(*(cell.strip() for cell in row)) for row in cells]
    return [row for row in rows if row.attack != "attack" and set(row.attack) != {"-"}]


ATTACKS = attacks()


def functions(path: Path) -> set[str]:
    """Names of the tests in a file, in Python or in Solidity."""
    text = path.read_text("utf-8")
    if path.suffix == ".sol":
        return set(re.findall(r"function (test\w+)\(", text))
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("attack", ATTACKS, ids=[row.attack for row in ATTACKS])
def test_the_test_of_an_attack_exists(attack: Attack) -> None:
    found = TEST.fullmatch(attack.test)
    assert found, f"{attack.test} is not `path::name`"
    path = ROOT / found["path"]
    assert found["name"] in functions(path)
    assert found["name"].startswith("test")
    assert not found["case"] or f'"{found["case"]}"' in path.read_text("utf-8")


def test_there_are_sixty_attacks_shown_from_both_sides() -> None:
    assert len({row.attack for row in ATTACKS}) == len(ATTACKS)
    assert {row.shown for row in ATTACKS} == {"both", "refused"}
    assert len({row.test for row in ATTACKS if row.shown == "both"}) >= 60


def test_every_rule_of_the_compiler_is_broken_alone() -> None:
    checks = {word for row in ATTACKS if row.shown == "both" for word in re.findall(r"\bU\b|\bR\d\b", row.check)}
    assert checks == {"U", *(f"R{k}" for k in range(1, 8))}


def test_every_attack_on_the_prover_is_in_the_table() -> None:
    """What is not one says by its name what else it is about."""
    listed = {found["name"] for row in ATTACKS if (found := TEST.fullmatch(row.test))}
    others = {
        "test_a_public_value_enters_the_commitment",
        "test_evaluations_of_another_proof",
        "test_a_key_takes_its_number_of_vectors",
        "test_every_rule_has_an_attack",
        "test_hashes_of_a_context_have_32_bytes",
        "test_other_scripted_challenges_reach_the_batched_opening",
        "test_public_values_of_the_previous_epoch",
        "test_public_values_outside_every_vector",
        "test_the_list_of_items_is_whole",
        "test_the_prover_starts_again_on_a_pole",
        "test_the_scene_is_provable_when_it_is_true",
        "test_without_the_lie_those_programs_have_no_proof",
    }
    for path in sorted((ROOT / "tests" / "attest" / "attacks").glob("test_*.py")):
        tests = {name for name in functions(path) if name.startswith("test")}
        assert tests <= listed | others, f"{path.name} has attacks that docs/assurance.md does not list"
