"""Proofs made honestly for what no honest prover would prove about: other keys, other sources, other spellings.

Each stands before a verifier with nothing against it but the one check that its case names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast
from unittest.mock import patch

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

import attest.prover
import attest.statement
from attest.commitment import SourceCommitment, SourceSet
from attest.curve import decode_point, encode_point
from attest.field import MODULUS, domain
from attest.masking import Vector
from attest.polynomial import polynomial
from attest.program import Entry, Parameters, Program, Witness
from attest.proof import ProofWriter
from attest.statement import KEY_ABI_TYPE, StatementKey, weight_families
from tests.attest.attacks import forger
from tests.attest.attacks.forger import forge, pretend
from tests.attest.examples import CONTEXT, Example
from tests.vectors.cases import StatedContext, StatedSet, StatedSource

MEMBERS = (
    *("version", "n", "packing", "limb_width", "limb_count", "size", "previous_size", "row_count", "kinds", "aux"),
    *("weights", "flag_weights", "square_weights", "columns", "previous_columns"),
    *("layout_hash", "previous_layout_hash", "policy_hash", "market_hash"),
)
STATED_CONTEXT = StatedContext(
    CONTEXT.chain_id, CONTEXT.registry, CONTEXT.expiry, CONTEXT.program_id, CONTEXT.book_root
)


def members(encoding: bytes) -> dict[str, Any]:
    """A key's members by name."""
    (values,) = abi_decode([KEY_ABI_TYPE], encoding)
    return dict(zip(MEMBERS, values, strict=True))


def rekeyed(encoding: bytes, **changes: Any) -> bytes:
    """The same key with other members, in canonical encoding."""
    return abi_encode([KEY_ABI_TYPE], [tuple((members(encoding) | changes).values())])


def stated(sources: SourceSet) -> StatedSet:
    """A source set as a file states it."""
    listed = tuple(
        StatedSource(s.source, s.role, s.owned_slots_hash, encode_point(s.commitment), s.expiry, s.nonce)
        for s in sources.sources
    )
    return StatedSet(sources.fund, sources.epoch, sources.as_of, sources.layout_hash, listed, sources.public_values)


@dataclass(frozen=True)
class _Header:
    """What the transcript says of a key."""

    parameters: Parameters
    digest: bytes


@dataclass(frozen=True)
class _AnySet:
    """A source set that nobody has checked."""

    fund: str
    epoch: int
    as_of: int
    layout_hash: bytes
    sources: tuple[SourceCommitment, ...]
    public_values: tuple[tuple[int, int], ...]
    hash = SourceSet.hash

    @classmethod
    def of(cls, stated: StatedSet) -> _AnySet:
        common = stated.fund, stated.epoch, stated.as_of
        listed = []
        for s in stated.sources:
            commitment = decode_point(s.commitment)
            hashes = stated.layout_hash, s.owned_slots_hash
            listed.append(SourceCommitment(*common, s.name, s.role, *hashes, commitment, s.expiry, s.nonce))
        return cls(*common, stated.layout_hash, tuple(listed), stated.public)


class _Respelling(ProofWriter):
    """Writes the last scalar as x + r."""

    def scalars(self, values: Iterable[int]) -> None:
        *kept, last = values
        super().scalars([*kept, last + MODULUS])


def honest_for(
    example: Example,
    *,
    key: bytes | None = None,
    parameters: Parameters | None = None,
    sources: StatedSet | None = None,
    previous: StatedSet | None = None,
    vectors: Callable[[Vector], Vector] | None = None,
    witness: Witness | None = None,
    respelled: bool = False,
    one_vector: bool = False,
) -> bytes:
    """A proof of the example whose transcript begins with another key, parameters or source set.

    Args:
        respelled: the last scalar is not below r. one_vector: a previous set is absorbed and nothing else.
    """
    own = example.statement.key
    header = _Header(parameters or own.parameters, bytes(keccak(key if key is not None else own.encode())))
    witness = witness or pretend(example)
    with ExitStack() as stack:
        if sources is not None:
            example = replace(example, sources=cast(SourceSet, _AnySet.of(sources)))
        if previous is not None:
            assert example.previous is not None
            claimed = cast(SourceSet, _AnySet.of(previous))
            example = replace(example, previous=replace(example.previous, sources=claimed))
        if respelled:
            stack.enter_context(patch.object(forger, "ProofWriter", _Respelling))
        if one_vector:
            both = forger.private_vectors
            stack.enter_context(patch.object(forger, "private_vectors", lambda *given: both(*given)[:1]))
        return forge(example, instance=cast(StatementKey, header), witness=witness, vectors=vectors)


def masked_beyond(example: Example, slot: int) -> Callable[[Vector], Vector]:
    """Q̂ as it is, with [b] for a key that has one aux slot more."""
    root = domain(example.statement.key.parameters.n)[slot]

    def widen(vector: Vector) -> Vector:
        return replace(vector, mask=vector.mask * polynomial([-root % MODULUS, 1]), aux=(*vector.aux, slot))

    return widen


Families = tuple[dict[int, Mapping[Entry, int]], ...]


@contextmanager
def zero_group_on(row: int | None) -> Iterator[None]:
    """A prover that has the zero group on another row than ρ, or nowhere."""

    def moved(program: Program) -> Families:
        families = weight_families(program)
        zero_group = families[0].pop(len(program.rows))
        if row is not None:
            families[0][row] = zero_group
        return families

    with (
        patch.object(attest.prover, "weight_families", moved),
        patch.object(attest.statement, "weight_families", moved),
    ):
        yield


@contextmanager
def any_program(parameters: Parameters | None = None) -> Iterator[None]:
    """A compiler that refuses nothing, and packs as it is told."""
    with ExitStack() as stack:
        for name in ("check", "check_layout"):
            stack.enter_context(patch.object(attest.statement, name, lambda *_: None))
        stack.enter_context(patch.object(StatementKey, "__post_init__", lambda _: None))
        if parameters is not None:
            stack.enter_context(patch.object(attest.statement, "packing_for", lambda _: parameters))
        yield
