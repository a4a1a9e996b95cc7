"""Equation labels stand both in the specification and beside the code that computes them.

(P.n) are those of docs/protocol.md and `attest`, (K.n) those of docs/policy.md with its pages and `optimizer`.
"""

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


def test_every_label_is_tested() -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    assert labels_defined() - {n for path in tests for n in labels(path.read_text("utf-8"))} == set()


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


POLICY_PAGES = (ROOT / "docs" / "policy.md", *sorted((ROOT / "docs" / "policies").glob("*.md")))
POLICY_LABEL = re.compile(r"\(K\.(\d+)\)")
POLICY_DEFINED = re.compile(r"^.*\S.*\s{2,}\(K\.(\d+)\)\s*$", re.MULTILINE)


def policy_labels(folder: str) -> set[int]:
    texts = [path.read_text("utf-8") for path in (ROOT / folder).rglob("*.py")]
    return {int(number) for text in texts for number in POLICY_LABEL.findall(text)}


def policy_labels_defined() -> list[int]:
    return [int(number) for page in POLICY_PAGES for number in POLICY_DEFINED.findall(page.read_text("utf-8"))]


def test_rows_and_policy_pages_carry_the_same_labels() -> None:
    code, defined = policy_labels("optimizer"), policy_labels_defined()
    assert code - set(defined) == set(), "labels in code that no page of docs/policies defines"
    assert set(defined) - code == set(), "labels that a page defines and no code carries"
    assert len(set(defined)) == len(defined), "labels that two pages define"


def test_every_policy_label_is_tested() -> None:
    assert set(policy_labels_defined()) - policy_labels("tests") == set()


def test_references_in_policy_pages_lead_somewhere() -> None:
    texts = [page.read_text("utf-8") for page in POLICY_PAGES]
    assert {int(n) for text in texts for n in POLICY_LABEL.findall(text)} <= set(policy_labels_defined())


CODE = tuple(ROOT / folder for folder in ("attest", "optimizer", "scripts", "benchmarks", "contracts/src", "tests"))
SECTION = re.compile(r"^## (\d+)\. ", re.MULTILINE)
CITED = re.compile(r"protocol (§\d+(?:(?:, | to | and )§\d+)*)")
PAGE = re.compile(r"docs/[a-z/-]+\.md")


def sources() -> dict[Path, str]:
    found = [path for folder in CODE for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".sol")]
    return {path: path.read_text("utf-8") for path in found}


def test_pages_and_sections_that_code_cites_are_there() -> None:
    sections = set(SECTION.findall(SPECIFICATION.read_text("utf-8")))
    cited = [number for text in sources().values() for span in CITED.findall(text) for number in span.split("§")[1:]]
    assert {number.strip(", toand") for number in cited} <= sections
    assert [page for text in sources().values() for page in PAGE.findall(text) if not (ROOT / page).is_file()] == []


def test_modules_of_liability_books_cite_the_section_about_them() -> None:
    (number,) = re.findall(r"^## (\d+)\. The liability book$", SPECIFICATION.read_text("utf-8"), re.MULTILINE)
    cited = {path: CITED.findall(text) for path, text in sources().items() if path.parent.name == "liabilities"}
    assert any(cited.values())
    assert [path for path, spans in cited.items() if spans and not any(f"§{number}" in span for span in spans)] == []
