"""Sources that lie about what they are: each lie is an accepted proof where one check is missing (protocol §4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import pytest
from eth_account import Account

import attest.attestation
import attest.commitment
from attest.attestation import verify_attestation
from attest.commitment import Holdings, SourceOpening, SourceSet, open_source
from attest.curve import INFINITY
from attest.errors import ProofRejected, SourceError, StatementFalse
from attest.program import Kind, Layout, Program, ProgramBuilder
from attest.proof import start_transcript
from attest.registration import SourceRequirement
from attest.srs import Setup
from attest.transcript import Transcript
from attest.verifier import _public_share
from tests.attest.attacks.forger import check, scene, verifier_without
from tests.attest.examples import CONTEXT, REGISTRY, Example, public_example, seeded, small_layout, source_set

KEYS = {"a": b"\x0a" * 32, "b": b"\x0b" * 32}
REQUIRED = tuple(SourceRequirement(name, Account.from_key(key).address, 0) for name, key in KEYS.items())
AS_OF = 1_579_219_200


def solvency() -> Program:
    """Custodian a holds slots 1 and 2, b holds 3 and the debt 4."""
    build = ProgramBuilder(7, aux=(5, 6))
    for j in range(1, 7):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
    build.add("solvency", Kind.NONNEG, {0: -50, 1: 90, 2: 80, 3: 90, 4: -100})
    return build.build()


def fund(setup: Setup, lots: Mapping[int, int]) -> Example:
    return scene(setup, {**dict.fromkeys(range(1, 5), 0), **lots}, program=solvency(), aux={5: 0, 6: 0})


@pytest.fixture(scope="module")
def insolvent(setup: Setup) -> Example:
    """Assets of 9 000 and debts of 10 000."""
    example = fund(setup, {1: 100, 4: 100})
    with pytest.raises(StatementFalse, match="solvency"):
        example.prove()
    return example


def unchecked_sets() -> AbstractContextManager[Any]:
    return patch.object(SourceSet, "__post_init__", lambda _: None)


def test_a_source_used_twice(insolvent: Example) -> None:
    """The custodian's assets count twice against one debt."""
    a, b = sorted(insolvent.sources.sources, key=lambda s: s.source)
    ordered = tuple(sorted((a, a, b), key=lambda s: s.id))
    with pytest.raises(SourceError, match="each source once"):
        SourceSet(ordered)
    openings = {opening.source: opening for opening in insolvent.holdings.openings}
    with unchecked_sets():
        doubled = SourceSet(ordered)
        holdings = Holdings(tuple(openings[s.source] for s in ordered))
        example = replace(insolvent, sources=doubled, holdings=holdings)
        check(example, example.prove())


def test_a_source_at_infinity(setup: Setup) -> None:
    """A lender that committed to nothing, with no blinding either: a sum that anyone can sign for."""
    example = fund(setup, {1: 100})
    silent = SourceOpening("b", {3: 0, 4: 0}, 0)
    openings = tuple(silent if opening.source == "b" else opening for opening in example.holdings.openings)
    commitments = [replace(s, commitment=INFINITY) if s.source == "b" else s for s in example.sources.sources]
    with pytest.raises(SourceError, match="infinity"):
        SourceSet(tuple(commitments))
    with unchecked_sets():
        example = replace(example, holdings=Holdings(openings), sources=SourceSet(tuple(commitments)))
        check(example, example.prove())


def test_slots_outside_a_sources_own(insolvent: Example) -> None:
    """The custodian "reports" −60 of the lender's debt: its own tool refuses to open such a commitment."""
    layout = insolvent.layout
    reported = {1: 100, 2: 0, 4: -60}
    with pytest.raises(SourceError, match="exactly its own slots"):
        open_source(layout, "a", reported, seeded(7))
    with patch.object(attest.commitment, "check_quantities", lambda *_: None):
        opening = open_source(layout, "a", reported, seeded(7))
    openings = tuple(opening if o.source == "a" else o for o in insolvent.holdings.openings)
    holdings = Holdings(openings)
    sources = source_set(layout, holdings, insolvent.setup, epoch=7)
    example = replace(insolvent, holdings=holdings, sources=sources)
    check(example, example.prove())


# --- attestations -----------------------------------------------------------------------------------------------------


def attested(
    example: Example,
    sources: SourceSet,
    proof: bytes,
    *,
    keys: Mapping[str, bytes] = KEYS,
    requirements: tuple[SourceRequirement, ...] = REQUIRED,
    as_of: int = AS_OF,
) -> None:
    verify_attestation(
        example.setup,
        [example.statement.key],
        example.layout,
        requirements,
        [CONTEXT],
        sources,
        [s.sign(keys[s.source], CONTEXT.chain_id, REGISTRY) for s in sources.sources],
        [proof],
        as_of=as_of,
    )


def everywhere(sources: SourceSet, **fields: Any) -> SourceSet:
    return SourceSet(tuple(replace(s, **fields) for s in sources.sources), sources.public_values)


def test_a_rogue_commitment(insolvent: Example) -> None:
    """C_a = T − C_b with T of the fund's choice: the debt in C_b is gone, though nobody opened it.

    What stands in the way is whose signature C_a carries. A required source that signs such a point is believed: this
    version has no proof of knowledge (docs/security.md).
    """
    rich = SourceOpening("a", {1: 500, 2: 0}, 424242)
    target = rich.commitment(insolvent.setup)
    lender = next(s for s in insolvent.sources.sources if s.source == "b")
    rogue = [
        replace(s, commitment=target - lender.commitment) if s.source == "a" else s for s in insolvent.sources.sources
    ]
    example = replace(insolvent, holdings=Holdings((rich,)), sources=SourceSet(tuple(rogue)))
    proof = example.prove()
    stranger = {**KEYS, "a": b"\x0c" * 32}
    with pytest.raises(SourceError, match="not signed by the key"):
        attested(example, example.sources, proof, keys=stranger)
    with patch.object(attest.attestation, "check_signers", lambda *_: None):
        attested(example, example.sources, proof, keys=stranger)


@dataclass(frozen=True)
class Misfit:
    """Sources that are signed by the right keys and do not fit; the check that says so."""

    change: Callable[[SourceSet], SourceSet]
    match: str
    without: Callable[[], AbstractContextManager[Any]]


def without_layout_check() -> AbstractContextManager[Any]:
    return patch.object(SourceSet, "check_layout", lambda *_: None)


def without_date_check() -> AbstractContextManager[Any]:
    def lenient(layout: Layout, required: Any, sources: SourceSet, *rest: Any, as_of: int) -> None:
        attest.attestation.check_signers(sources, rest[0], required, *rest[1:])

    return patch.object(attest.attestation, "check_sources", lenient)


MISFITS = {
    "another source's slots signed": Misfit(
        lambda s: everywhere(s, owned_slots_hash=small_layout().owned_slots_hash("a")),
        "other slots than its own",
        without_layout_check,
    ),
    "holdings of yesterday": Misfit(lambda s: everywhere(s, as_of=AS_OF - 86_400), "another day", without_date_check),
}


@pytest.mark.parametrize("name", MISFITS)
def test_sources_that_do_not_fit(setup: Setup, name: str) -> None:
    """Quantities of another day or of unnamed slots count as today's own."""
    case = MISFITS[name]
    example = fund(setup, {1: 200, 4: 100})
    example = replace(example, sources=case.change(example.sources))
    proof = example.prove()
    with pytest.raises(SourceError, match=case.match):
        attested(example, example.sources, proof)
    with case.without():
        attested(example, example.sources, proof)


def test_a_debt_left_out_with_its_source(setup: Setup) -> None:
    """The lender's commitment is not shown at all, and the fund is solvent without it."""
    example = fund(setup, {1: 100, 4: 100})
    alone = SourceSet(tuple(s for s in example.sources.sources if s.source == "a"))
    holdings = Holdings(tuple(o for o in example.holdings.openings if o.source == "a"))
    example = replace(example, sources=alone, holdings=holdings)
    proof = example.prove()
    with pytest.raises(SourceError, match="each exactly once"):
        attested(example, alone, proof)
    with pytest.raises(SourceError, match="each exactly once"), without_layout_check():
        attested(example, alone, proof)
    with without_layout_check():
        attested(example, alone, proof, requirements=REQUIRED[:1])


def test_two_source_sets_one_for_each_program(setup: Setup) -> None:
    """Half of the policy proved of one fund, half of another: an attestation has one set for all its programs."""
    held = fund(setup, {1: 100})
    build = ProgramBuilder(7, aux=(5, 6))
    for j in range(1, 7):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
    build.add("no more than 10 of X", Kind.NONNEG, {0: 10, 1: -1})
    small = scene(setup, {1: 5, 2: 0, 3: 0, 4: 0}, program=build.build(), aux={5: 0, 6: 0})
    contexts = [CONTEXT, replace(CONTEXT, program_id=b"\x12" * 32)]
    proofs = [example.prove(context=context) for example, context in zip((held, small), contexts, strict=True)]
    keys = [held.statement.key, small.statement.key]
    for example, context, proof in zip((held, small), contexts, proofs, strict=True):
        check(example, proof, context=context)
    assert held.sources.hash != small.sources.hash
    for sources in (held.sources, small.sources):
        signatures = [s.sign(KEYS[s.source], CONTEXT.chain_id, REGISTRY) for s in sources.sources]
        with pytest.raises(ProofRejected, match="batched opening"):
            verify_attestation(setup, keys, held.layout, REQUIRED, contexts, sources, signatures, proofs, as_of=AS_OF)


def test_public_values_of_the_funds_choice() -> None:
    """The fund raises a public value until a limit holds: the published one enters the transcript and the openings."""
    example = public_example()
    raised = replace(example.sources, public_values=((7, 2000), (8, 100)))
    holdings = replace(example.holdings, public_values=raised.public_values)
    proof = replace(example, sources=raised, holdings=holdings).prove()
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof)

    def deaf(key: Any, context: Any, _: SourceSet, before: Any) -> Transcript:
        return start_transcript(key, context, raised, before)

    with verifier_without(start_transcript=deaf):
        with pytest.raises(ProofRejected, match="batched opening"):
            check(example, proof)
        with verifier_without(_public_share=lambda _, x, n: _public_share(raised, x, n)):
            check(example, proof)
