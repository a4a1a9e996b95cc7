"""How a registry names a policy and its programs, and which sources it requires (protocol §4, §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from attest.commitment import SourceCommitment, SourceSet
from attest.errors import SourceError
from attest.program import source_id


@dataclass(frozen=True, slots=True)
class Duty:
    """What a policy asks of a source.

    Args:
        role: its code in `ROLES`.
        representation: whether it must prove that its commitment is its own (`attest.representation`).
    """

    role: int
    representation: bool = False


@dataclass(frozen=True, slots=True)
class SourceRequirement:
    """A source that must sign, each exactly once.

    Args:
        source: its name; signer: the address that signs for it; role, representation: its duty.
    """

    source: str
    signer: str
    role: int
    representation: bool = False

    @property
    def id(self) -> bytes:
        return source_id(self.source)


def ordered(requirements: Sequence[SourceRequirement]) -> tuple[SourceRequirement, ...]:
    """Ascending by identifier, as the registry keeps them.

    Raises: SourceError: no source, or one twice.
    """
    if not requirements or len({r.source for r in requirements}) != len(requirements):
        raise SourceError("a policy requires at least one source, each once")
    return tuple(sorted(requirements, key=lambda r: r.id))


def policy_id(owner: str, policy_hash: bytes, requirements: Sequence[SourceRequirement], program_count: int) -> bytes:
    """keccak256(abi.encode(owner, policyHash, requirementsHash, programCount)): a policy under its owner's name."""
    listed = [(r.id, r.signer, r.role, r.representation) for r in ordered(requirements)]
    requirements_hash = keccak(abi_encode(["(bytes32,address,uint8,bool)[]"], [listed]))
    return bytes(
        keccak(
            abi_encode(
                ["address", "bytes32", "bytes32", "uint256"], [owner, policy_hash, requirements_hash, program_count]
            )
        )
    )


def program_id(policy: bytes, index: int) -> bytes:
    """keccak256(abi.encode(policyId, programIndex)), which the proof's context carries."""
    return bytes(keccak(abi_encode(["bytes32", "uint256"], [policy, index])))


def check_signers(
    sources: SourceSet,
    signatures: Sequence[bytes],
    requirements: Sequence[SourceRequirement],
    chain_id: int,
    registry: str,
) -> None:
    """Every required source signed, with its own key and in its role, and no other source did.

    Args:
        signatures: in the order of `sources.sources`.
    Raises: SourceError: it names the source.
    """
    required = ordered(requirements)
    if [s.source for s in sources.sources] != [r.source for r in required] or len(signatures) != len(required):
        raise SourceError(f"the policy requires the sources {', '.join(r.source for r in required)}, each exactly once")
    for source, signature, requirement in zip(sources.sources, signatures, required, strict=True):
        if source.role != requirement.role:
            raise SourceError(f"source {source.source!r} signed in another role than the policy's")
        if int(source.signer(signature, chain_id, registry), 16) != int(requirement.signer, 16):
            raise SourceError(f"source {source.source!r} was not signed by the key that the policy requires")


def check_equivocation(
    statements: Sequence[tuple[SourceCommitment, bytes]],
    requirement: SourceRequirement,
    chain_id: int,
    registry: str,
) -> None:
    """Two statements show that a source signed two commitments for one fund, epoch, day and layout: evidence.

    A source that signs again, for a longer validity, keeps its opening and with it the commitment.

    Args: statements: commitment and signature of each.
    Raises: SourceError: they do not, and why.
    """
    first, second = (source for source, _ in statements)
    if {first.source, second.source} != {requirement.source}:
        raise SourceError(f"they are not both of source {requirement.source!r}")
    if int(first.fund, 16) != int(second.fund, 16) or first.epoch != second.epoch:
        raise SourceError("they are of different funds or epochs, for each of which a source signs once")
    if (first.layout_hash, first.as_of) != (second.layout_hash, second.as_of):
        raise SourceError("they are of different layouts or days: a statement that is made anew, and says so")
    if first.commitment_hash == second.commitment_hash:
        raise SourceError("they commit to the same")
    for source, signature in statements:
        if int(source.signer(signature, chain_id, registry), 16) != int(requirement.signer, 16):
            raise SourceError(f"one of them was not signed by the key of source {requirement.source!r}")
