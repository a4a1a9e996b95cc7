"""Sources that lie about what they are: each lie is an accepted proof where one check is missing (protocol §4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_account import Account

from attest.attestation import check_sources, verify_attestation
from attest.commitment import Holdings, SourceCommitment, SourceOpening, SourceSet, check_quantities, open_source
from attest.curve import INFINITY
from attest.errors import ProofRejected, SourceError, StatementFalse
from attest.program import Kind, Program, ProgramBuilder
from attest.proof import start_transcript
from attest.registration import SourceRequirement, check_signers
from attest.representation import RepresentationClaim, prove_representation, verify_representation
from attest.srs import Setup
from attest.transcript import Transcript
from attest.verifier import _public_share
from tests.attest.attacks.forger import check, scene, verifier_without
from tests.attest.attacks.removal import without
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


def test_a_source_used_twice(insolvent: Example) -> None:
    """The custodian's assets count twice against one debt."""
    a, b = sorted(insolvent.sources.sources, key=lambda s: s.source)
    ordered = tuple(sorted((a, a, b), key=lambda s: s.id))
    with pytest.raises(SourceError, match="each source once"):
        SourceSet(ordered)
    openings = {opening.source: opening for opening in insolvent.holdings.openings}
    with without(SourceSet.__post_init__, "each source once"):
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
    with without(SourceSet.__post_init__, "infinity"):
        example = replace(example, holdings=Holdings(openings), sources=SourceSet(tuple(commitments)))
        check(example, example.prove())


FOREIGN = {1: 100, 2: 0, 3: 50}


def test_slots_outside_a_sources_own(insolvent: Example) -> None:
    """Custodian a "reports" 50 of what b holds, and b has none: its own tool refuses to open such a commitment.

    No proof would notice; for what a policy may ask see `test_a_signed_commitment_that_is_not_the_sources_own`.
    """
    layout = insolvent.layout
    with pytest.raises(SourceError, match="exactly its own slots"):
        open_source(layout, "a", FOREIGN, seeded(7))
    with without(check_quantities, "exactly its own slots"):
        opening = open_source(layout, "a", FOREIGN, seeded(7))
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
    representations: tuple[bytes, ...] = (),
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
        as_of=AS_OF,
        representations=representations,
    )


def everywhere(sources: SourceSet, **fields: Any) -> SourceSet:
    return SourceSet(tuple(replace(s, **fields) for s in sources.sources), sources.public_values)


def rogue(insolvent: Example) -> tuple[Example, SourceOpening]:
    """C_a = T − C_b with T of the fund's choice: the debt in C_b is gone, though nobody opened it."""
    rich = SourceOpening("a", {1: 500, 2: 0}, 424242)
    target = rich.commitment(insolvent.setup)
    a, b = sorted(insolvent.sources.sources, key=lambda s: s.source)
    example = replace(insolvent, holdings=Holdings((rich,)))
    return with_commitment(example, replace(a, commitment=target - b.commitment)), rich


def overreaching(insolvent: Example) -> tuple[Example, SourceOpening]:
    """C_a opens to 50 of what b holds."""
    opening = SourceOpening("a", FOREIGN, 424242)
    others = tuple(o for o in insolvent.holdings.openings if o.source != "a")
    (a,) = [s for s in insolvent.sources.sources if s.source == "a"]
    example = replace(insolvent, holdings=Holdings((opening, *others)))
    return with_commitment(example, replace(a, commitment=opening.commitment(insolvent.setup))), opening


def with_commitment(example: Example, changed: SourceCommitment) -> Example:
    sources = tuple(changed if s.source == changed.source else s for s in example.sources.sources)
    return replace(example, sources=replace(example.sources, sources=sources))


def test_a_rogue_commitment(insolvent: Example) -> None:
    """What stands in the way is whose signature C_a carries.

    A required source that signs such a point itself is believed where the policy does not ask for a proof of
    representation (docs/security.md); the next test is of one that does.
    """
    example, _ = rogue(insolvent)
    proof = example.prove()
    attested(example, example.sources, proof)
    stranger = {**KEYS, "a": b"\x0c" * 32}
    with pytest.raises(SourceError, match="not signed by the key"):
        attested(example, example.sources, proof, keys=stranger)
    with without(check_signers, "not signed by the key"):
        attested(example, example.sources, proof, keys=stranger)


IMPOSTURES: dict[str, Callable[[Example], tuple[Example, SourceOpening]]] = {
    "a target minus the others": rogue,
    "slots outside its own": overreaching,
}


@pytest.mark.parametrize("name", IMPOSTURES)
def test_a_signed_commitment_that_is_not_the_sources_own(insolvent: Example, name: str) -> None:
    """The source itself signs it. Of whom a proof of representation is asked, it has none that holds. (P.37)

    What it hands in has the right form; with none at all it is refused before, and by its length after that.
    """
    example, opening = IMPOSTURES[name](insolvent)
    proof = example.prove()
    asked = tuple(replace(r, representation=r.source == "a") for r in REQUIRED)
    (source,) = [s for s in example.sources.sources if s.source == "a"]
    claim = RepresentationClaim(CONTEXT.chain_id, REGISTRY, source, example.layout.owned_by("a"))
    made = prove_representation(example.setup, claim, opening, seeded(3))
    handed_in = tuple(made if s is source else b"" for s in example.sources.sources)

    attested(example, example.sources, proof)
    with pytest.raises(SourceError, match="must prove that its commitment is its own"):
        attested(example, example.sources, proof, requirements=asked)
    with pytest.raises(ProofRejected, match="does not show that its commitment is its own"):
        attested(example, example.sources, proof, requirements=asked, representations=handed_in)
    with without(verify_representation, "ProofRejected('representation', detail)"):
        attested(example, example.sources, proof, requirements=asked, representations=handed_in)


@dataclass(frozen=True)
class Misfit:
    """Sources that are signed by the right keys and do not fit; the check that says so."""

    change: Callable[[SourceSet], SourceSet]
    function: Callable[..., None]
    match: str


MISFITS = {
    "another source's slots signed": Misfit(
        lambda s: everywhere(s, owned_slots_hash=small_layout().owned_slots_hash("a")),
        SourceSet.check_layout,
        "other slots than its own",
    ),
    "holdings of yesterday": Misfit(lambda s: everywhere(s, as_of=AS_OF - 86_400), check_sources, "another day"),
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
    with without(case.function, case.match):
        attested(example, example.sources, proof)


@pytest.mark.parametrize(
    "fields", [{"fund": REGISTRY}, {"epoch": 6}, {"as_of": AS_OF - 86_400}], ids=["fund", "epoch", "day"]
)
def test_one_source_of_another_fund_epoch_or_day(setup: Setup, fields: dict[str, Any]) -> None:
    """Fund, epoch and day are read from the first source: the last one's may be a richer friend's, or yesterday's."""
    example = fund(setup, {1: 200, 4: 100})
    *others, last = example.sources.sources
    mixed = (*others, replace(last, **fields))
    with pytest.raises(SourceError, match="the sources differ"):
        SourceSet(mixed)
    with without(SourceSet.__post_init__, "the sources differ"):
        example = replace(example, sources=SourceSet(mixed))
        attested(example, example.sources, example.prove())


def test_a_debt_left_out_with_its_source(setup: Setup) -> None:
    """The lender's commitment is not shown at all, and the fund is solvent without it.

    The sources are those of the layout, and those that the policy requires. Where both name the lender, both refuse;
    where the policy forgot it, the layout alone does.
    """
    example = fund(setup, {1: 100, 4: 100})
    alone = SourceSet(tuple(s for s in example.sources.sources if s.source == "a"))
    holdings = Holdings(tuple(o for o in example.holdings.openings if o.source == "a"))
    example = replace(example, sources=alone, holdings=holdings)
    proof = example.prove()
    forgetful = REQUIRED[:1]
    for requirements in (REQUIRED, forgetful):
        with pytest.raises(SourceError, match="the layout requires the sources"):
            attested(example, alone, proof, requirements=requirements)
    with without(SourceSet.check_layout, "the layout requires the sources"):
        with pytest.raises(SourceError, match="the policy requires the sources"):
            attested(example, alone, proof)
        attested(example, alone, proof, requirements=forgetful)


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
    """The fund raises a public value until a limit holds.

    The published one enters the transcript (P.8) and the openings (P.24), and each of the two refuses alone.
    """
    example = public_example()
    raised = replace(example.sources, public_values=((7, 2000), (8, 100)))
    holdings = replace(example.holdings, public_values=raised.public_values)
    proof = replace(example, sources=raised, holdings=holdings).prove()
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof)

    def deaf(key: Any, context: Any, _: SourceSet, before: Any) -> Transcript:
        return start_transcript(key, context, raised, before)

    def raised_share(_: SourceSet, x: int, n: int) -> int:
        return _public_share(raised, x, n)

    for left_out in ({"start_transcript": deaf}, {"_public_share": raised_share}):
        with verifier_without(**left_out), pytest.raises(ProofRejected, match="batched opening"):
            check(example, proof)
    with verifier_without(start_transcript=deaf, _public_share=raised_share):
        check(example, proof)
