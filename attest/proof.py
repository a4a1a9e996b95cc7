"""A proof and its context: what travels, and how both sides feed it to the transcript (protocol §5, §6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from py_arkworks_bls12381 import G1Point

from attest.commitment import SourceSet
from attest.curve import POINT_SIZE, SCALAR_SIZE, decode_point, decode_scalar, encode_point
from attest.errors import EncodingError, ProofRejected, SourceError
from attest.program import Parameters
from attest.range_check import CHUNKS, HELPER_LIMBS
from attest.srs import SRS_SHA256
from attest.statement import NO_HASH, StatementKey
from attest.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Context:
    """What a proof is good for, beside the fund and epoch of its sources; on chain all of it is contract state.

    Args:
        chain_id, expiry: integers, expiry in Unix seconds.
        registry: 20-byte address as a hexadecimal string.
        program_id: keccak256(abi.encode(policy id, program index)).
        book_root: root of the liability book, zeros without one.
    """

    chain_id: int
    registry: str
    expiry: int
    program_id: bytes
    book_root: bytes = NO_HASH

    def __post_init__(self) -> None:
        if len(self.program_id) != 32 or len(self.book_root) != 32:
            raise EncodingError("the program id and the book root have 32 bytes each")


def proof_sizes(packing: int, vectors: int) -> tuple[int, int]:
    """Points and scalars of a proof."""
    helpers = len(HELPER_LIMBS)
    limbs = Parameters(packing).limb_count
    points = vectors + limbs + 2 + helpers + 1 + CHUNKS + 2
    at_zeta = vectors + limbs + 2 + helpers + 1 + 4
    return points, at_zeta + 1 + (packing - 1) * vectors + packing * vectors


class ProofWriter:
    """Collects a proof; whatever is written is absorbed."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self._points: list[bytes] = []
        self._scalars: list[bytes] = []

    def points(self, points: Iterable[G1Point]) -> None:
        for point in points:
            self.transcript.absorb_point(point)
            self._points.append(encode_point(point))

    def scalars(self, values: Iterable[int]) -> None:
        for value in values:
            self.transcript.absorb_scalar(value)
            self._scalars.append(value.to_bytes(SCALAR_SIZE, "big"))

    def finish(self) -> bytes:
        """All points in order, 128 bytes each, then all scalars, 32 bytes each."""
        return b"".join(self._points) + b"".join(self._scalars)


class ProofReader:
    """Parses untrusted proof bytes; whatever is read is absorbed, so nothing can be forgotten.

    Raises: EncodingError: another length than this statement's proofs have.
    """

    def __init__(self, data: bytes, transcript: Transcript, packing: int, vectors: int) -> None:
        point_count, scalar_count = proof_sizes(packing, vectors)
        expected = point_count * POINT_SIZE + scalar_count * SCALAR_SIZE
        if len(data) != expected:
            raise EncodingError(f"a proof of this statement has {expected} bytes, not {len(data)}")
        split = point_count * POINT_SIZE
        self.transcript = transcript
        self._points = iter([data[i : i + POINT_SIZE] for i in range(0, split, POINT_SIZE)])
        self._scalars = iter([data[i : i + SCALAR_SIZE] for i in range(split, expected, SCALAR_SIZE)])

    def points(self, count: int) -> list[G1Point]:
        """Raises: EncodingError: not canonical, off the curve or outside the subgroup."""
        taken = [decode_point(next(self._points)) for _ in range(count)]
        for point in taken:
            self.transcript.absorb_point(point)
        return taken

    def scalars(self, count: int) -> list[int]:
        """Raises: EncodingError: not below r."""
        taken = [decode_scalar(next(self._scalars)) for _ in range(count)]
        for value in taken:
            self.transcript.absorb_scalar(value)
        return taken


def check_instance(key: StatementKey, sources: SourceSet, previous: SourceSet | None) -> None:
    """Sources belong to this key's layout and do not touch slots that are not theirs.

    Raises: ProofRejected, SourceError.
    """
    if (previous is not None) != (key.vectors == 2):
        raise SourceError("a key of two vectors takes the previous epoch's sources, and no other key does")
    if sources.layout_hash != key.layout_hash:
        raise ProofRejected("layout", "the sources signed another layout than the key's")
    if any(not 1 <= slot < key.size or slot in key.aux for slot, _ in sources.public_values):
        raise ProofRejected("public slots", "a public slot is the constant, an aux slot or outside the vector")
    if previous is not None:
        if previous.layout_hash != key.previous_layout_hash:
            raise ProofRejected("layout", "the previous sources signed another layout than the key's")
        if int(previous.fund, 16) != int(sources.fund, 16) or previous.epoch >= sources.epoch:
            raise ProofRejected("previous epoch", "the previous sources are not of this fund's earlier epoch")
        if any(not 1 <= slot < key.previous_size for slot, _ in previous.public_values):
            raise ProofRejected("public slots", "a public slot of the previous epoch is outside its vector")


def start_transcript(key: StatementKey, context: Context, sources: SourceSet, previous: SourceSet | None) -> Transcript:
    """Step 0: absorb the whole statement, for prover and verifier alike. (P.8)"""
    transcript = Transcript()
    p = key.parameters
    for value in (p.n, p.packing, p.limb_width, p.limb_count):
        transcript.absorb_scalar(value)
    transcript.absorb_bytes(SRS_SHA256)
    transcript.absorb_bytes(key.digest)
    transcript.absorb_scalar(context.chain_id)
    transcript.absorb_scalar(int(context.registry, 16))
    transcript.absorb_scalar(int(sources.fund, 16))
    transcript.absorb_scalar(sources.epoch)
    transcript.absorb_scalar(context.expiry)
    transcript.absorb_bytes(context.program_id)
    transcript.absorb_bytes(context.book_root)
    transcript.absorb_bytes(sources.hash)
    if previous is not None:
        transcript.absorb_scalar(previous.epoch)
        transcript.absorb_bytes(previous.hash)
    for source_set in (sources, *([previous] if previous is not None else [])):
        transcript.absorb_scalar(len(source_set.sources))
        for source in source_set.sources:
            transcript.absorb_bytes(source.id)
            transcript.absorb_point(source.commitment)
        transcript.absorb_scalar(len(source_set.public_values))
        for slot, value in source_set.public_values:
            transcript.absorb_scalar(slot)
            transcript.absorb_scalar(value)
    return transcript
