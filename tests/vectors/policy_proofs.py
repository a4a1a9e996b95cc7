"""The cases of proofs.json, and what the fast verifier and the reference say of them (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from attest import reference
from attest.commitment import SourceCommitment, SourceSet
from attest.curve import decode_point
from attest.errors import EncodingError
from attest.program import Parameters
from attest.proof import Context
from attest.srs import load_setup
from attest.statement import KEY_ABI_TYPE, Group, StatementKey
from attest.verifier import verify
from tests.vectors.reading import data_of, edited, fast_answer, read, second_answer


@dataclass(frozen=True, slots=True)
class StatedSource:
    """A source as a file states it; the commitment in whatever bytes."""

    name: str
    role: int
    owned_slots_hash: bytes
    commitment: bytes
    expiry: int
    nonce: int


@dataclass(frozen=True, slots=True)
class StatedSet:
    """A source set as a file states it, in order or not."""

    fund: str
    epoch: int
    as_of: int
    layout_hash: bytes
    sources: tuple[StatedSource, ...]
    public: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> StatedSet:
        listed = tuple(
            StatedSource(
                source["name"],
                int(source["role"]),
                data_of(source["ownedSlotsHash"]),
                data_of(source["commitment"]),
                int(source["expiry"]),
                int(source["nonce"]),
            )
            for source in fields["sources"]
        )
        public = tuple((int(slot), int(value)) for slot, value in fields["publicSlots"])
        numbers = int(fields["epoch"]), int(fields["asOf"])
        return cls(fields["fund"], *numbers, data_of(fields["layoutHash"]), listed, public)

    def fast(self) -> SourceSet:
        """Raises: SourceError, EncodingError."""
        signed = [
            SourceCommitment(
                self.fund,
                self.epoch,
                self.as_of,
                source.name,
                source.role,
                self.layout_hash,
                source.owned_slots_hash,
                decode_point(source.commitment),
                source.expiry,
                source.nonce,
            )
            for source in self.sources
        ]
        return SourceSet(tuple(signed), self.public)

    def reference(self) -> reference.Sources:
        """In the second verifier's own terms."""
        listed = tuple(reference.Source(**asdict(source)) for source in self.sources)
        return reference.Sources(int(self.fund, 16), self.epoch, self.as_of, self.layout_hash, listed, self.public)


@dataclass(frozen=True, slots=True)
class StatedContext:
    """What a proof is for, beside key and sources."""

    chain_id: int
    registry: str
    expiry: int
    program_id: bytes
    book_root: bytes

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> StatedContext:
        hashes = data_of(fields["programId"]), data_of(fields["bookRoot"])
        return cls(int(fields["chainId"]), fields["registry"], int(fields["expiry"]), *hashes)


@dataclass(frozen=True, slots=True)
class ProofCase:
    """A policy proof with all that it is about.

    Args:
        check: what refuses it; breaks: the equation that an otherwise honest proof leaves out.
        contract: whether `ProofVerifier` judges it too. base: the case that its file describes it by.
    """

    name: str
    expected: str
    base: str
    key: bytes
    context: StatedContext
    sources: StatedSet
    previous: StatedSet | None
    proof: bytes
    check: str = ""
    breaks: str = ""
    contract: bool = True


def proof_cases() -> list[ProofCase]:
    """All of proofs.json."""
    content = read("proofs")
    return [_proof_case(case, content["bases"][case["base"]]) for case in content["cases"]]


def _proof_case(case: Mapping[str, Any], base: Mapping[str, Any]) -> ProofCase:
    changes = case.get("changes", {})

    def merged(name: str) -> Any:
        stated = changes.get(name, {})
        return None if stated is None or (base[name] is None and not stated) else {**(base[name] or {}), **stated}

    previous = merged("previous")
    return ProofCase(
        case["name"],
        case["expected"],
        case["base"],
        edited(data_of(base["key"]), changes.get("key", [])),
        StatedContext.parse(merged("context")),
        StatedSet.parse(merged("sources")),
        StatedSet.parse(previous) if previous is not None else None,
        edited(data_of(base["proof"]), changes.get("proof", [])),
        case.get("check", ""),
        case.get("breaks", ""),
        case.get("contract", True),
    )


def read_key(encoding: bytes) -> StatementKey:
    """A key from its ABI encoding, which `attest` itself never reads. Raises: EncodingError."""
    try:
        (fields,) = abi_decode([KEY_ABI_TYPE], encoding)
    except (DecodingError, OverflowError) as error:
        raise EncodingError("not the encoding of a key") from error
    _, n, packing, limb_width, limb_count, size, previous_size, _, kinds, aux = fields[:10]
    families = [tuple(Group(row, decode_point(b"".join(words))) for row, words in family) for family in fields[10:13]]
    columns = [tuple(decode_point(b"".join(words)) for words in matrix) for matrix in fields[13:15]]
    parameters = Parameters(packing, n, limb_width, limb_count)
    key = StatementKey(parameters, size, previous_size, kinds, aux, *families, *columns, *fields[15:])
    if key.encode() != encoding:
        raise EncodingError("another version, row count or spelling than the key's own encoding has")
    return key


def fast_verdict(case: ProofCase) -> str:
    """What `attest` says."""

    def judge() -> None:
        key, context = read_key(case.key), Context(**asdict(case.context))
        previous = case.previous.fast() if case.previous is not None else None
        verify(load_setup(), key, context, case.sources.fast(), case.proof, previous)

    return fast_answer(judge)


def reference_verdict(case: ProofCase) -> str:
    """What the reference says."""
    return reference_answer(case)[0]


def reference_answer(case: ProofCase) -> tuple[str, str]:
    """The verdict, and for a refusal the equation that it names."""
    stated = case.context
    registry, hashes = int(stated.registry, 16), (stated.program_id, stated.book_root)
    statement = reference.Statement(stated.chain_id, registry, stated.expiry, *hashes)
    previous = case.previous.reference() if case.previous is not None else None
    return second_answer(lambda: reference.verify(case.key, statement, case.sources.reference(), case.proof, previous))
