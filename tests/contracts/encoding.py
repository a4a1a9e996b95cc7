"""Proofs and their surroundings as the contracts take them: ABI tuples of `Context` and `Holdings`."""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address

from attest.commitment import SourceSet
from attest.curve import encode_point
from attest.proof import Context
from attest.statement import NO_HASH

CONTEXT_TYPE = "(address,address,uint64,uint64,bytes32,bytes32,bytes32,uint64,bytes32)"
HOLDINGS_TYPE = "((bytes32,bytes32[4])[],(uint256,uint256)[])[]"
SIGNED_SOURCES_TYPE = "(uint64,uint256,bytes32[4],bytes,bytes)[]"
REPRESENTATION_CLAIM_TYPE = "(address,address,uint64,bytes32,bytes32,bytes32[4])"
PREVIOUS_SOURCES_TYPE = "(uint64,uint256,bytes32[4])[]"


def hexadecimal(data: bytes) -> str:
    """0x and the digits, as forge reads bytes."""
    return "0x" + data.hex()


def words(point: Any) -> list[bytes]:
    """A G1 point as `bytes32[4]`."""
    data = encode_point(point)
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def context_tuple(context: Context, sources: SourceSet, previous: SourceSet | None = None) -> tuple[Any, ...]:
    """The Solidity struct `Context`."""
    return (
        to_checksum_address(context.registry),
        to_checksum_address(sources.fund),
        sources.epoch,
        context.expiry,
        context.program_id,
        context.book_root,
        sources.hash,
        previous.epoch if previous is not None else 0,
        previous.hash if previous is not None else NO_HASH,
    )


def holdings_tuples(*source_sets: SourceSet | None) -> list[tuple[Any, ...]]:
    """The Solidity `Holdings[]` of one vector or two."""
    return [
        ([(source.id, words(source.commitment)) for source in held.sources], list(held.public_values))
        for held in source_sets
        if held is not None
    ]
