"""Vectors before the second verifiers, which take seconds for what only a pairing refuses (format.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.vectors.books import BookCase, book_cases, reference_book_answer
from tests.vectors.inclusions import InclusionCase, inclusion_cases, reference_inclusion_answer
from tests.vectors.policy_proofs import ProofCase, proof_cases, reference_answer
from tests.vectors.selection import ONLY_IF_ALL

PAIRINGS = {"(P.22)", "(P.31)"}
SEEN_IN = {"(P.25)": "(P.35)", "(P.31)": "(P.22)"}
"""A wrong identifier is refused where it is opened, and what would cancel in a batch where each proof stands alone."""


def each(cases: Sequence[Any]) -> Any:
    return pytest.mark.parametrize("case", list(_marked(cases)))


def _marked(cases: Sequence[Any]) -> Iterator[Any]:
    """All cases; of proofs that are refused by a pairing, only one for each broken equation is quick enough."""
    shown: set[tuple[str, str]] = set()
    for case in cases:
        broken = case.check, getattr(case, "breaks", "")
        late = case.check in PAIRINGS and broken in shown
        shown.add(broken)
        yield pytest.param(case, id=case.name, marks=[pytest.mark.slow, ONLY_IF_ALL] if late else [])


def agrees(answer: tuple[str, str], case: Any) -> bool:
    verdict, equation = answer
    return verdict == case.expected and equation in ("", SEEN_IN.get(case.check, case.check))


@each(proof_cases())
def test_a_proof_before_the_reference(case: ProofCase) -> None:
    assert agrees(reference_answer(case), case)


@each(book_cases())
def test_a_book_before_the_reference(case: BookCase) -> None:
    assert agrees(reference_book_answer(case), case)


@each(inclusion_cases())
def test_an_inclusion_before_the_reference(case: InclusionCase) -> None:
    assert agrees(reference_inclusion_answer(case), case)
