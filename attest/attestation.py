"""A whole attestation: all sources, signed, over the right layout, and every program's proof (protocol §4, §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from attest.commitment import SourceSet
from attest.errors import ProofRejected, SourceError
from attest.program import Layout
from attest.proof import Context
from attest.registration import SourceRequirement, check_signers, ordered
from attest.representation import RepresentationClaim, verify_representation
from attest.srs import Setup
from attest.statement import NO_HASH, StatementKey
from attest.verifier import verify


def check_sources(
    layout: Layout,
    requirements: Sequence[SourceRequirement],
    sources: SourceSet,
    signatures: Sequence[bytes],
    chain_id: int,
    registry: str,
    *,
    as_of: int,
) -> None:
    """The source set is exactly what layout and policy require, signed by the right keys for the right day.

    Args:
        signatures: in the order of `sources.sources`.
        as_of: Unix seconds of the market's day.
    Raises: SourceError: naming the source or what differs.
    """
    sources.check_layout(layout)
    check_signers(sources, signatures, requirements, chain_id, registry)
    if sources.as_of != as_of:
        raise SourceError("the sources signed holdings of another day than the market's")


def check_representations(
    setup: Setup,
    layout: Layout,
    requirements: Sequence[SourceRequirement],
    sources: SourceSet,
    representations: Sequence[bytes],
    chain_id: int,
    registry: str,
) -> None:
    """Sources of which the policy asks it prove that their commitments are their own.

    Args:
        representations: in the order of `sources.sources`, empty bytes where none is asked for; or nothing at all.
    Raises: SourceError: a proof is missing; ProofRejected, EncodingError: it is none.
    """
    count = len(sources.sources)
    representations = representations or [b""] * count
    if len(representations) != count:
        raise SourceError(f"there are {len(representations)} proofs of representation for {count} sources")
    for source, proof, requirement in zip(sources.sources, representations, ordered(requirements), strict=True):
        if requirement.representation:
            if not proof:
                raise SourceError(f"source {source.source!r} must prove that its commitment is its own, and does not")
            slots = layout.owned_by(source.source)
            verify_representation(setup, RepresentationClaim(chain_id, registry, source, slots), proof)


@dataclass(frozen=True, slots=True)
class PreviousRecord:
    """The previous epoch, for policies that compare with it.

    Args:
        layout: of that epoch's holdings, recomputed by the caller.
        sources, signatures: what the prover published.
        representations: of `sources`, as `check_representations` takes them.
        source_set_hash: that of the fund's last registered epoch before this one, from the registry or from an
            attestation that the caller accepted. Never from the prover, who would choose what it is compared with.
    """

    layout: Layout
    sources: SourceSet
    signatures: Sequence[bytes]
    source_set_hash: bytes
    representations: Sequence[bytes] = ()


def check_previous(
    setup: Setup,
    previous: PreviousRecord,
    sources: SourceSet,
    requirements: Sequence[SourceRequirement],
    chain_id: int,
    registry: str,
) -> None:
    """The previous holdings are those on record, earlier, of this fund, and signed by the sources of the policy.

    Raises: ProofRejected: another epoch than the one on record; SourceError: naming the source or what differs.
    """
    if previous.sources.hash != previous.source_set_hash:
        raise ProofRejected("previous epoch", "it is compared with another source set than the one on record")
    if int(previous.sources.fund, 16) != int(sources.fund, 16) or previous.sources.epoch >= sources.epoch:
        raise SourceError("the previous sources are not of this fund's earlier epoch")
    previous.sources.check_layout(previous.layout)
    check_signers(previous.sources, previous.signatures, requirements, chain_id, registry)
    given = previous.representations
    check_representations(setup, previous.layout, requirements, previous.sources, given, chain_id, registry)


def verify_attestation(
    setup: Setup,
    keys: Sequence[StatementKey],
    layout: Layout,
    requirements: Sequence[SourceRequirement],
    contexts: Sequence[Context],
    sources: SourceSet,
    signatures: Sequence[bytes],
    proofs: Sequence[bytes],
    *,
    as_of: int,
    previous: PreviousRecord | None = None,
    representations: Sequence[bytes] = (),
) -> None:
    """Accept that a fund's signed holdings satisfy all programs of a policy; else raise.

    Args:
        keys: of all programs, in order; recomputed by the caller from the policy and the market, never taken from the
            prover.
        layout: that of the recomputed policy.
        requirements: the sources that the policy requires, with their signers.
        contexts: of each program, by the caller; they differ in the program id alone.
        sources, signatures: what the prover published, one set for all programs.
        proofs: of each program, by the prover.
        as_of: Unix seconds of the market's day.
        previous: the previous epoch, where some program compares with it; None where none does.
        representations: as `check_representations` takes them.
    Raises: ProofRejected, SourceError: it does not hold, or not of this fund's sources; EncodingError: malformed.
    """
    if not len(keys) == len(contexts) == len(proofs) or not keys:
        raise ProofRejected("programs", f"the policy has {len(keys)} programs, and there are {len(proofs)} proofs")
    distinct = {context.program_id for context in contexts}
    if len(distinct) < len(contexts) or len({replace(context, program_id=NO_HASH) for context in contexts}) > 1:
        raise ProofRejected("programs", "the proofs are not of the different programs of one policy")
    if any(key.layout_hash != layout.hash for key in keys):
        raise ProofRejected("layout", "the key is of another layout")
    if any(key.vectors == 2 for key in keys) != (previous is not None):
        raise SourceError("a policy that compares epochs needs the record of the previous epoch, and no other does")
    chain_id, registry = contexts[0].chain_id, contexts[0].registry
    check_sources(layout, requirements, sources, signatures, chain_id, registry, as_of=as_of)
    check_representations(setup, layout, requirements, sources, representations, chain_id, registry)
    if previous is not None:
        check_previous(setup, previous, sources, requirements, chain_id, registry)
    for key, context, proof in zip(keys, contexts, proofs, strict=True):
        compared = previous.sources if previous is not None and key.vectors == 2 else None
        verify(setup, key, context, sources, proof, compared)
