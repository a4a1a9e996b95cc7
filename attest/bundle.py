"""File formats: openings, signed sources, the fund's terms and the bundle of proofs (protocol §6).

Everything read here is untrusted. Bytes are lower-case hexadecimal strings, points 48 bytes compressed, integers
that may exceed 2^53 decimal strings. Errors name the file and the field, never its value.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Literal, Self, TypeVar

from eth_utils.address import to_checksum_address
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, WithJsonSchema

from attest.commitment import Holdings, SourceCommitment, SourceOpening, SourceSet, check_quantities
from attest.curve import POINT_SIZE, SCALAR_SIZE, compress, decode_point, decompress, encode_point
from attest.errors import EncodingError
from attest.field import MODULUS
from attest.program import Layout, canonical_json
from attest.proof import Context, proof_sizes
from attest.registration import Duty, SourceRequirement, policy_id, program_id
from attest.srs import Setup
from attest.statement import NO_HASH, StatementKey

M = TypeVar("M", bound="File")
UINT64 = 2**64 - 1


def _parse_hex(size: int | None, multiple_of: int = 1) -> Callable[[Any], bytes]:
    def parse(value: Any) -> bytes:
        if isinstance(value, bytes):
            data = value
        elif isinstance(value, str) and value.startswith("0x") and value == value.lower():
            try:
                data = bytes.fromhex(value[2:])
            except ValueError:
                raise ValueError("not hexadecimal") from None
            if len(value) != 2 + 2 * len(data):
                raise ValueError("white space in a hexadecimal string")
        else:
            raise ValueError("bytes are a lower-case hexadecimal string with 0x")
        if size is not None and len(data) != size:
            raise ValueError(f"{size} bytes are needed")
        if len(data) % multiple_of:
            raise ValueError(f"a multiple of {multiple_of} bytes is needed")
        return data

    return parse


def bytes_type(size: int | None = None, multiple_of: int = 1) -> Any:
    """Bytes of one size, or of any that is a multiple of one, as a field of a file."""
    digits = f"{{{2 * size}}}" if size is not None else "*"
    return Annotated[
        bytes,
        BeforeValidator(_parse_hex(size, multiple_of)),
        PlainSerializer(lambda data: "0x" + data.hex(), return_type=str),
        WithJsonSchema({"type": "string", "pattern": f"^0x[0-9a-f]{digits}$"}),
    ]


def _parse_integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and str(value).removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        number = int(value) if len(value) <= 80 else None
        if number is not None and str(number) == value:
            return number
    raise ValueError("a whole number is a decimal string without leading zeros")


def _parse_address(value: Any) -> str:
    return str(to_checksum_address(_parse_hex(20)(value.lower() if isinstance(value, str) else value)))


Bytes32: Any = bytes_type(32)
Bytes48: Any = bytes_type(48)
Bytes65: Any = bytes_type(65)
AnyBytes: Any = bytes_type()
RepresentationProof: Any = bytes_type(multiple_of=16)
Integer = Annotated[
    int,
    BeforeValidator(_parse_integer),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^(0|-?[1-9][0-9]*)$"}),
]
Address = Annotated[
    str, BeforeValidator(_parse_address), WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"})
]
Uint64 = Annotated[int, Field(ge=0, le=UINT64)]
Uint256 = Annotated[Integer, Field(ge=0, lt=2**256)]


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return dict(pairs)


class File(BaseModel):
    """A versioned JSON file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @classmethod
    def parse(cls, content: bytes, name: str = "input") -> Self:
        """Raises: EncodingError: naming the file and the field."""
        try:
            parsed = cls.model_validate_json(content)  # first: it bounds the nesting, which overflows json's stack
            json.loads(content.decode("utf-8"), object_pairs_hook=_unique_keys)
            return parsed
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise EncodingError(f"{name}: {where}: {first['msg'].removeprefix('Value error, ')}") from None
        except (ValueError, RecursionError):
            raise EncodingError(f"{name}: not a JSON document; is it truncated?") from None

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Raises: EncodingError: the file cannot be read or is no such document."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise EncodingError(f"{path}: cannot be read: {error.strerror or error}") from error
        return cls.parse(content, str(path))

    def encode(self) -> bytes:
        """Indented JSON with a line end."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    def save(self, path: str | Path) -> None:
        """Write a public file, all or nothing. Raises: EncodingError: it cannot be written."""
        write_file(path, self.encode(), secret=False)


def write_file(path: str | Path, content: bytes, *, secret: bool) -> None:
    """Write by renaming a finished file; a secret is created 0600 and never replaces another file.

    Raises: EncodingError: it cannot be written, or a secret file of that name exists.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{token_hex(8)}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if secret:
                os.link(temporary, target)
            else:
                os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise EncodingError(f"{path} exists and holds a secret that would be lost; move it away first") from error
    except OSError as error:
        raise EncodingError(f"{path}: cannot be written: {error.strerror or error}") from error


class OpeningFile(File):
    """What a source keeps to itself and hands to the prover. Secret.

    Args:
        quantities: slot → lots; blinding: δ_k.
    """

    version: Literal["1"] = "1"
    source: str
    epoch: Uint64
    layout_hash: Bytes32
    quantities: dict[str, Integer] = Field(repr=False)
    blinding: Integer = Field(repr=False, ge=0, lt=MODULUS)

    def opening(self) -> SourceOpening:
        """Raises: EncodingError: a slot that is no number."""
        try:
            quantities = {int(slot): lots for slot, lots in self.quantities.items()}
        except ValueError:
            raise EncodingError(f"the opening of source {self.source!r}: a slot is no number") from None
        return SourceOpening(self.source, quantities, self.blinding)

    @classmethod
    def of(cls, opening: SourceOpening, epoch: int, layout_hash: bytes) -> Self:
        quantities = {str(slot): lots for slot, lots in opening.quantities.items()}
        return cls(
            source=opening.source,
            epoch=epoch,
            layout_hash=layout_hash,
            quantities=quantities,
            blinding=opening.blinding,
        )

    def save(self, path: str | Path) -> None:
        """Write it 0600; an existing file is never replaced. Raises: EncodingError."""
        write_file(path, self.encode(), secret=True)


class SignedSource(File):
    """A source's signed commitment: public.

    Args:
        representation: the proof that the commitment is the source's own, where the policy asks for one; else empty.
    """

    version: Literal["1"] = "1"
    fund: Address
    epoch: Uint64
    as_of: Uint64
    source: str
    role: Annotated[int, Field(ge=0, le=255)]
    layout_hash: Bytes32
    owned_slots_hash: Bytes32
    commitment: Bytes48
    expiry: Uint64
    nonce: Uint256
    signature: Bytes65
    representation: RepresentationProof = b""

    def source_commitment(self) -> SourceCommitment:
        """Raises: EncodingError: the commitment is no point of G1."""
        fields = self.model_dump(exclude={"version", "signature", "commitment", "representation"})
        fields["layout_hash"], fields["owned_slots_hash"] = self.layout_hash, self.owned_slots_hash
        return SourceCommitment(**fields | {"commitment": decompress(self.commitment), "nonce": self.nonce})

    @classmethod
    def of(cls, source: SourceCommitment, signature: bytes, representation: bytes = b"") -> Self:
        names = ("fund", "epoch", "as_of", "source", "role", "layout_hash", "owned_slots_hash", "expiry", "nonce")
        fields = {name: getattr(source, name) for name in names}
        return cls(**fields, commitment=compress(source.commitment), signature=signature, representation=representation)


class FundFile(File):
    """The fund's public terms: where it attests and who must sign. A reader gets it from a party they trust.

    Args:
        signers: source name → address that signs for it.
    """

    version: Literal["1"] = "1"
    chain_id: Annotated[int, Field(ge=1, lt=2**256)]
    registry: Address
    fund: Address
    policy_owner: Address
    signers: dict[str, Address]

    def requirements(self, duties: Mapping[str, Duty]) -> tuple[SourceRequirement, ...]:
        """Raises: EncodingError: the signers are not those of the policy's sources."""
        if set(duties) != set(self.signers):
            raise EncodingError(f"the fund file must name one signer for each of: {', '.join(sorted(duties))}")
        return tuple(
            SourceRequirement(name, self.signers[name], duty.role, duty.representation) for name, duty in duties.items()
        )

    def contexts(
        self, policy_hash: bytes, duties: Mapping[str, Duty], expiry: int, programs: int, book_root: bytes = NO_HASH
    ) -> tuple[Context, ...]:
        """The context of each program's proof under these terms.

        Args: book_root: of the liability book, zeros where the policy has none.
        """
        policy = policy_id(self.policy_owner, policy_hash, self.requirements(duties), programs)
        return tuple(
            Context(self.chain_id, self.registry, expiry, program_id(policy, i), book_root) for i in range(programs)
        )


class PublicValue(File):
    """The value of a public slot."""

    slot: Annotated[int, Field(ge=1)]
    value: Integer


class ProgramProof(File):
    """The proof of one program.

    Args:
        digest: of the statement key that the prover used; a verifier recomputes it.
        points: compressed; scalars: 32 bytes; both in the proof's order.
    """

    digest: Bytes32
    points: Annotated[tuple[Bytes48, ...], Field(strict=False)]
    scalars: Annotated[tuple[Bytes32, ...], Field(strict=False)]

    def proof(self) -> bytes:
        """The calldata encoding. Raises: EncodingError: a point that is none of G1."""
        return b"".join(encode_point(decompress(point)) for point in self.points) + b"".join(self.scalars)

    @classmethod
    def of(cls, key: StatementKey, proof: bytes) -> Self:
        point_count, _ = proof_sizes(key.parameters.packing, key.vectors)
        split = point_count * POINT_SIZE
        points = tuple(compress(decode_point(proof[i : i + POINT_SIZE])) for i in range(0, split, POINT_SIZE))
        scalars = tuple(proof[i : i + SCALAR_SIZE] for i in range(split, len(proof), SCALAR_SIZE))
        return cls(digest=key.digest, points=points, scalars=scalars)


def _source_set(sources: tuple[SignedSource, ...], public_values: tuple[PublicValue, ...]) -> SourceSet:
    values = tuple((item.slot, item.value) for item in public_values)
    return SourceSet(tuple(source.source_commitment() for source in sources), values)


class Bundle(File):
    """An attestation: public, and with the policy, the market and the terms all there is.

    Args:
        expiry: of all proofs.
        sources, public_values: the epoch's, on which every proof rests.
        previous, previous_public_values: the previous epoch's, where some program compares epochs; else empty.
        proofs: one for each program of the policy, in order.
    """

    version: Literal["1"] = "1"
    expiry: Uint64
    sources: Annotated[tuple[SignedSource, ...], Field(min_length=1, strict=False)]
    public_values: Annotated[tuple[PublicValue, ...], Field(strict=False)] = ()
    previous: Annotated[tuple[SignedSource, ...], Field(strict=False)] = ()
    previous_public_values: Annotated[tuple[PublicValue, ...], Field(strict=False)] = ()
    proofs: Annotated[tuple[ProgramProof, ...], Field(min_length=1, strict=False)]

    def source_set(self) -> SourceSet:
        """Raises: EncodingError, SourceError."""
        return _source_set(self.sources, self.public_values)

    def previous_set(self) -> SourceSet | None:
        """None where no program compares epochs. Raises: EncodingError, SourceError."""
        return _source_set(self.previous, self.previous_public_values) if self.previous else None

    @property
    def epoch(self) -> int:
        return self.sources[0].epoch

    @property
    def proof_bytes(self) -> int:
        """Length of all proofs in their calldata encoding."""
        return sum(POINT_SIZE * len(p.points) + SCALAR_SIZE * len(p.scalars) for p in self.proofs)


def holdings_of(openings: list[OpeningFile], sources: SourceSet, layout: Layout, setup: Setup) -> Holdings:
    """All openings of an epoch, each checked against its source's own slots and its signed commitment.

    Raises: EncodingError: an opening is missing, or of another epoch, layout or commitment;
        SourceError: it fills other slots than the source's own, or a quantity is out of range.
    """
    by_source = {opening.source: opening for opening in openings}
    if set(by_source) != {source.source for source in sources.sources} or len(by_source) != len(openings):
        raise EncodingError("one opening file is needed for each signed source, and no other")
    opened = []
    for source in sources.sources:
        opening = by_source[source.source]
        if (opening.epoch, opening.layout_hash) != (source.epoch, source.layout_hash):
            raise EncodingError(f"the opening of source {source.source!r} is of another epoch or layout")
        secret = opening.opening()
        check_quantities(layout, secret.source, secret.quantities)
        if secret.commitment(setup) != source.commitment:
            raise EncodingError(f"the opening of source {source.source!r} does not belong to its signed commitment")
        opened.append(secret)
    return Holdings(tuple(opened), sources.public_values)


SCHEMAS: dict[str, type[File]] = {
    "opening": OpeningFile,
    "source": SignedSource,
    "fund": FundFile,
    "bundle": Bundle,
}


def key_document(keys: Sequence[StatementKey]) -> bytes:
    """The public key file: canonical JSON of each program's digest and ABI encoding."""
    listed = [{"digest": "0x" + key.digest.hex(), "key": "0x" + key.encode().hex()} for key in keys]
    return canonical_json({"keys": listed, "version": "1"}) + b"\n"
