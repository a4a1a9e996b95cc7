"""Equation labels stand both in the specification and beside the code that computes them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPECIFICATION = ROOT / "docs" / "protocol.md"
RANGE = re.compile(r"\(P\.(\d+)\) to \(P\.(\d+)\)")
LABEL = re.compile(r"\(P\.(\d+)\)")
DEFINED = re.compile(r"^.*\S.*\s{2,}\(P\.(\d+)\)\s*$", re.MULTILINE)


def labels(text: str) -> set[int]:
    """Numbers of all labels, a range "(P.2) to (P.5)" standing for each in it."""
    spans = [range(int(first), int(last) + 1) for first, last in RANGE.findall(text)]
    return {int(number) for number in LABEL.findall(text)} | {number for span in spans for number in span}


def labels_in_code() -> set[int]:
    return {n for path in (ROOT / "attest").rglob("*.py") for n in labels(path.read_text("utf-8"))}


def labels_defined() -> set[int]:
    """A definition ends its line with the label, two spaces before it."""
    return {int(number) for number in DEFINED.findall(SPECIFICATION.read_text("utf-8"))}


def test_code_and_specification_carry_the_same_labels() -> None:
    code, defined = labels_in_code(), labels_defined()
    assert code - defined == set(), "labels in code that docs/protocol.md does not define"
    assert defined - code == set(), "labels that docs/protocol.md defines and no code carries"


def test_each_label_is_defined_once_and_without_gaps() -> None:
    found = [int(number) for number in DEFINED.findall(SPECIFICATION.read_text("utf-8"))]
    assert sorted(found) == list(range(1, len(found) + 1))


def test_references_in_the_specification_lead_somewhere() -> None:
    assert labels(SPECIFICATION.read_text("utf-8")) == labels_defined()


@pytest.mark.parametrize(
    ("text", "expected"), [("(P.4)", {4}), ("(P.2) to (P.4)", {2, 3, 4}), ("P.4 or (P4)", set()), ("(K.1)", set())]
)
def test_labels_are_read(text: str, expected: set[int]) -> None:
    assert labels(text) == expected
