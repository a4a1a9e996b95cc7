"""Public slots: their values are part of the statement, and their share is taken off every opening (P.24)."""

from dataclasses import replace

import pytest

from attest.commitment import Holdings, SourceSet, check_quantities
from attest.errors import ProofRejected, SourceError, StatementFalse
from attest.program import slots_hash
from attest.representation import RepresentationClaim, prove_representation, verify_representation
from attest.verifier import verify
from tests.attest.examples import CONTEXT, Example, public_example, seeded
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


def test_a_source_that_hides_the_difference_in_its_own_commitment(public: Example) -> None:
    """A proof cannot tell: C_Q is one sum. The source's tool refuses it, its signature and its representation too."""
    poor, layout, setup = ((7, 899), (8, 100)), public.layout, public.setup
    honest, other = public.holdings.openings
    hidden = replace(honest, quantities={**honest.quantities, 7: 1})
    (stated,) = [s for s in public.sources.sources if s.source == hidden.source]
    lie = replace(stated, commitment=hidden.commitment(setup))
    listed = tuple(lie if s is stated else s for s in public.sources.sources)
    sources = SourceSet(listed, poor)
    assert sources.commitment(setup) == public.sources.commitment(setup)
    lying = replace(public, holdings=Holdings((hidden, other), poor), sources=sources)
    verify(setup, public.statement.key, CONTEXT, sources, lying.prove())

    with pytest.raises(SourceError, match="exactly its own slots"):
        check_quantities(layout, hidden.source, hidden.quantities)
    own = layout.owned_by(hidden.source)
    claim = RepresentationClaim(CONTEXT.chain_id, CONTEXT.registry, lie, own)
    with pytest.raises(ProofRejected, match="does not show that its commitment is its own"):
        verify_representation(setup, claim, prove_representation(setup, claim, hidden, seeded(1)))
    wider = replace(lie, owned_slots_hash=slots_hash((*own, 7)))
    claim = RepresentationClaim(CONTEXT.chain_id, CONTEXT.registry, wider, (*own, 7))
    verify_representation(setup, claim, prove_representation(setup, claim, hidden, seeded(1)))
    with pytest.raises(SourceError, match="signed other slots than its own"):
        SourceSet(tuple(wider if s is lie else s for s in listed), poor).check_layout(layout)
