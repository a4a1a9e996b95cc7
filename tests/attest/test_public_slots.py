"""Public slots: their values are part of the statement, and their share is taken off every opening (P.24)."""

from dataclasses import replace

import pytest

from attest.commitment import SourceSet
from attest.errors import ProofRejected, SourceError, StatementFalse
from attest.verifier import verify
from tests.attest.examples import CONTEXT, Example, public_example
from tests.attest.test_reference import STATEMENT, both


@pytest.fixture(scope="module")
def public() -> Example:
    return public_example()


@pytest.fixture(scope="module")
def proof(public: Example) -> bytes:
    return public.prove()


def claim(example: Example, values: tuple[tuple[int, int], ...]) -> SourceSet:
    return replace(example.sources, public_values=values)


def test_a_proof_with_public_slots_is_accepted_by_both_verifiers(public: Example, proof: bytes) -> None:
    assert both(public, proof, STATEMENT) == (True, "")


def test_public_slots_of_both_epochs() -> None:
    example = public_example(two_vectors=True)
    assert both(example, example.prove(), STATEMENT) == (True, "")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(((7, 901), (8, 100)), id="a value changed"),
        pytest.param(((7, 899), (8, 101)), id="value moved between two public slots"),
        pytest.param(((7, 100), (8, 900)), id="values exchanged"),
        pytest.param(((7, 900),), id="a slot left out"),
        pytest.param((), id="no slots"),
    ],
)
def test_other_public_values_are_refused(public: Example, proof: bytes, values: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ProofRejected):
        verify(public.setup, public.statement.key, CONTEXT, claim(public, values), proof)


def test_a_proof_for_other_values_does_not_serve_these(public: Example) -> None:
    """Absorbed alike, but proved for a column with another value: only the subtraction at the openings tells."""
    richer = replace(public.holdings, public_values=((7, 2000), (8, 100)))
    proof = replace(public, holdings=richer, sources=claim(public, ((7, 2000), (8, 100)))).prove()
    verify(public.setup, public.statement.key, CONTEXT, claim(public, ((7, 2000), (8, 100))), proof)
    with pytest.raises(ProofRejected):
        verify(public.setup, public.statement.key, CONTEXT, public.sources, proof)


def test_the_prover_refuses_values_that_its_sources_do_not_state(public: Example) -> None:
    with pytest.raises(SourceError):
        replace(public, sources=claim(public, ((7, 901), (8, 100)))).prove()


def test_a_public_value_decides_over_a_limit(public: Example) -> None:
    poor = ((7, 899), (8, 100))
    holdings = replace(public.holdings, public_values=poor)
    with pytest.raises(StatementFalse):
        replace(public, holdings=holdings, sources=claim(public, poor)).prove()


def test_public_values_are_a_source_s_no_more_than_a_fund_s(public: Example, proof: bytes) -> None:
    """A source that hides the difference in its own commitment would need to open another slot than its own."""
    assert public.sources.public_values == ((7, 900), (8, 100))
    assert public.sources.commitment(public.setup) != public.sources.opened_commitment(public.setup)
