"""Policy proofs before the reference, which takes seconds for each that only the pairing refuses (format.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.vectors.policy_proofs import ProofCase, proof_cases, reference_answer
from tests.vectors.selection import ONLY_IF_ALL

READS_ALL = "(P.22)"


def _of_the_reference() -> Iterator[Any]:
    """All proofs; of those that are refused by the pairing, only one for each broken equation is quick enough."""
    shown: set[str] = set()
    for case in proof_cases():
        late = case.check == READS_ALL
        marks = []
        if late and case.breaks in shown:
            marks = [pytest.mark.slow, ONLY_IF_ALL]
        shown |= {case.breaks} if late else set()
        yield pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", list(_of_the_reference()))
def test_a_proof_before_the_reference(case: ProofCase) -> None:
    verdict, equation = reference_answer(case)
    assert verdict == case.expected
    assert equation in ("", case.check)
