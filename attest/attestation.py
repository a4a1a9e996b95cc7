"""A whole attestation: all the right sources, signed, over the right layout, and the proof (protocol §4, §5)."""

from __future__ import annotations

from collections.abc import Sequence

from attest.commitment import SourceSet
from attest.errors import ProofRejected, SourceError
from attest.program import Layout
from attest.proof import Context
from attest.registration import SourceRequirement, check_signers
from attest.srs import Setup
from attest.statement import StatementKey
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


def verify_attestation(
    setup: Setup,
    key: StatementKey,
    layout: Layout,
    requirements: Sequence[SourceRequirement],
    context: Context,
    sources: SourceSet,
    signatures: Sequence[bytes],
    proof: bytes,
    *,
    as_of: int,
) -> None:
    """Accept that a fund's signed holdings satisfy a statement; else raise. For keys of one vector.

    Args:
        key: recomputed by the caller from the policy and the market, never taken from the prover.
        layout: that of the recomputed policy.
        requirements: the sources that the policy requires, with their signers.
        context, sources, signatures, proof: what the prover published.
        as_of: Unix seconds of the market's day.
    Raises: ProofRejected, SourceError: it does not hold, or not of this fund's sources; EncodingError: malformed.
    """
    if key.vectors != 1:
        raise SourceError("a key of two vectors needs the registry's record of the previous epoch")
    if layout.hash != key.layout_hash:
        raise ProofRejected("layout", "the key is of another layout")
    check_sources(layout, requirements, sources, signatures, context.chain_id, context.registry, as_of=as_of)
    verify(setup, key, context, sources, proof)
