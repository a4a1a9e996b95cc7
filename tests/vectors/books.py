"""The cases of chunks.json, liability books, and what `attest` says of them (format.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from attest.curve import decode_point
from attest.errors import ProofRejected
from attest.liabilities import (
    BookTerms,
    ChunkCommitments,
    ChunkStatement,
    ClaimsSlot,
    reference,
    verify_book,
    verify_chunk,
)
from attest.liabilities.verifier import check_book
from attest.program import canonical_hash
from attest.srs import load_setup
from tests.vectors.reading import data_of, edited, fast_answer, read, second_answer


@dataclass(frozen=True, slots=True)
class Currency:
    """A claims slot as a file states it."""

    slot: int
    asset: str
    lot: str


@dataclass(frozen=True, slots=True)
class StatedBook:
    """What a book is about, in order or not. Args: root: the published one."""

    fund: str
    epoch: int
    currencies: tuple[Currency, ...]
    count: int
    root: bytes

    def terms(self) -> BookTerms:
        """Raises: EncodingError."""
        slots = tuple(ClaimsSlot(c.slot, c.asset, Decimal(c.lot)) for c in self.currencies)
        return BookTerms(self.fund, self.epoch, slots, self.count)

    def encoded_terms(self) -> tuple[Any, ...]:
        """The Solidity `Book`."""
        listed = [{"asset": c.asset, "lot": Decimal(c.lot), "slot": c.slot} for c in self.currencies]
        return self.fund, self.epoch, [c.slot for c in self.currencies], canonical_hash(listed), self.count

    def reference(self) -> reference.Book:
        """In the second verifier's own terms."""
        currencies = tuple(reference.Currency(c.slot, c.asset, Decimal(c.lot)) for c in self.currencies)
        return reference.Book(int(self.fund, 16), self.epoch, currencies, self.count, self.root)


def stated_book(fields: Mapping[str, Any]) -> tuple[str, int, tuple[Currency, ...], int, bytes]:
    """The fields of a `StatedBook` as a file has them."""
    currencies = tuple(Currency(int(c["slot"]), c["asset"], c["lot"]) for c in fields["currencies"])
    return fields["fund"], int(fields["epoch"]), currencies, int(fields["count"]), data_of(fields["root"])


@dataclass(frozen=True, slots=True)
class BookCase(StatedBook):
    """A whole liability book.

    Args:
        total: C_book, in 128 bytes; chunks: commitments of each.
        proofs: of each chunk and currency, chunk by chunk.
        contract: whether `BookVerifier` refuses it too; it answers root and total, and who calls it compares them.
    """

    name: str
    expected: str
    base: str
    total: bytes
    chunks: tuple[bytes, ...]
    proofs: tuple[bytes, ...]
    check: str = ""
    breaks: str = ""
    contract: bool = True

    def proofs_of_chunks(self) -> list[tuple[bytes, ...]]:
        """What there is for each chunk; the last one has what is over."""
        each = max(len(self.currencies), 1)
        starts = range(0, len(self.chunks) * each, each)
        return [self.proofs[i : i + each] if i != starts[-1] else self.proofs[i:] for i in starts]


def book_cases() -> list[BookCase]:
    """All of chunks.json."""
    content = read("chunks")
    return [_book_case(case, content["bases"][case["base"]]) for case in content["cases"]]


def _book_case(case: Mapping[str, Any], base: Mapping[str, Any]) -> BookCase:
    stated = {**base, **case.get("changes", {})}

    def item(own: Sequence[str], i: int, stated: Any) -> bytes:
        if isinstance(stated, dict):
            return data_of(own[int(stated["of"])])
        return edited(data_of(own[i]) if i < len(own) else b"", stated)

    def listed(name: str) -> tuple[bytes, ...]:
        own = base[name]
        if name not in case.get("changes", {}):
            return tuple(map(data_of, own))
        return tuple(item(own, i, entry) for i, entry in enumerate(stated[name]))

    return BookCase(
        *stated_book(stated),
        case["name"],
        case["expected"],
        case["base"],
        data_of(stated["total"]),
        listed("chunks"),
        listed("proofs"),
        case.get("check", ""),
        case.get("breaks", ""),
        case.get("contract", True),
    )


def book_verdict(case: BookCase) -> str:
    """What `verify_book` says."""

    def judge() -> None:
        terms = case.terms()
        chunks = [ChunkCommitments.decode(chunk, len(case.currencies)) for chunk in case.chunks]
        verify_book(load_setup(), terms, case.root, chunks, case.proofs_of_chunks(), decode_point(case.total))

    return fast_answer(judge)


def one_by_one_verdict(case: BookCase) -> str:
    """The same book, each proof with a pairing check of its own."""

    def judge() -> None:
        terms, count = case.terms(), len(case.currencies)
        chunks = [ChunkCommitments.decode(chunk, count) for chunk in case.chunks]
        check_book(terms, case.root, chunks, decode_point(case.total))
        if len(case.proofs) != terms.count * count:
            raise ProofRejected("proofs", "each chunk has one proof for each currency")
        for i, proof in enumerate(case.proofs):
            chunk, currency = divmod(i, count)
            verify_chunk(load_setup(), ChunkStatement(case.root, terms, chunk, currency, chunks[chunk]), proof)

    return fast_answer(judge)


def reference_book_answer(case: BookCase) -> tuple[str, str]:
    """What the second verifier says, and for a refusal the equation that it names."""
    proofs = case.proofs_of_chunks()
    return second_answer(lambda: reference.verify_book(case.reference(), case.chunks, proofs, case.total))
