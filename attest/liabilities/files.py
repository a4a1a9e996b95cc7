"""Files of a liability book: what the fund publishes, and what an investor gets (protocol §6, §7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from py_arkworks_bls12381 import G1Point
from pydantic import Field

from attest.bundle import Address, Bytes32, Bytes48, File, Integer, Uint64, bytes_type
from attest.curve import POINT_SIZE, compress, decompress
from attest.liabilities.book import PARAMETERS, BookTerms, ChunkCommitments, nonce_hash, text_hash
from attest.liabilities.inclusion import AccountKey, Inclusion
from attest.liabilities.proof import PROOF_SIZE
from attest.liabilities.verifier import Progress, verify_book
from attest.srs import Setup

Commitments: Any = bytes_type(multiple_of=POINT_SIZE)
Proof: Any = bytes_type(PROOF_SIZE)
Slots = Annotated[tuple[Annotated[int, Field(ge=1, lt=PARAMETERS.n)], ...], Field(min_length=1, strict=False)]


class PublishedChunk(File):
    """One chunk: its commitments and the proof of each currency, in their calldata encoding."""

    commitments: Commitments
    proofs: Annotated[tuple[Proof, ...], Field(strict=False)]


class BookFile(File):
    """A whole book: public. It says nothing of any account, and not what they add up to.

    Args:
        source: name of the source whose slots the totals fill; slots: the claims slot of each currency.
        currencies: what each slot holds.
    """

    version: Literal["1"] = "1"
    fund: Address
    epoch: Uint64
    source: str
    currencies: Annotated[tuple[str, ...], Field(strict=False)]
    slots: Slots
    root: Bytes32
    chunks: Annotated[tuple[PublishedChunk, ...], Field(min_length=1, strict=False)]

    @property
    def terms(self) -> BookTerms:
        """Raises: EncodingError: slots that no book has."""
        return BookTerms(self.fund, self.epoch, self.slots, len(self.chunks))

    def commitments(self) -> list[ChunkCommitments]:
        """Raises: EncodingError: a chunk of other currencies, or points that are none of G1."""
        return [ChunkCommitments.decode(chunk.commitments, len(self.slots)) for chunk in self.chunks]

    def verify(self, setup: Setup, registered: G1Point | None, progress: Progress = lambda done, total: None) -> None:
        """Accept the book, or say why not.

        Args: registered: the commitment of the book's source in the fund's holdings; None leaves the sum unchecked.
        Raises: ProofRejected, EncodingError.
        """
        proofs = [chunk.proofs for chunk in self.chunks]
        verify_book(setup, self.terms, self.root, self.commitments(), proofs, registered, progress=progress)


class CountedBalance(File):
    """One currency of an account: whole lots, and the opening that shows them."""

    currency: str
    slot: Annotated[int, Field(ge=1, lt=PARAMETERS.n)]
    lot: str
    lots: Integer
    proof: Bytes48


class InclusionFile(File):
    """An investor's proof that they are counted. Theirs alone: it says what they own.

    Args:
        account, nonce: as the investor knows them; salt: the fund's.
        count: of chunks in the book.
    """

    version: Literal["1"] = "1"
    fund: Address
    epoch: Uint64
    account: str
    nonce: str
    salt: Bytes32
    count: Annotated[int, Field(ge=1)]
    chunk: Annotated[int, Field(ge=0)]
    entry: Annotated[int, Field(ge=0)]
    commitments: Commitments
    path: Annotated[tuple[Bytes32, ...], Field(strict=False)]
    identifier_proof: Bytes48
    balances: Annotated[tuple[CountedBalance, ...], Field(min_length=1, strict=False)]

    @property
    def terms(self) -> BookTerms:
        """Raises: EncodingError: slots that no book has."""
        return BookTerms(self.fund, self.epoch, tuple(b.slot for b in self.balances), self.count)

    @property
    def key(self) -> AccountKey:
        return AccountKey(text_hash(self.account), nonce_hash(self.nonce), self.salt)

    def inclusion(self) -> Inclusion:
        """Raises: EncodingError: points that are none of G1."""
        return Inclusion(
            self.chunk,
            self.entry,
            ChunkCommitments.decode(self.commitments, len(self.balances)),
            self.path,
            tuple(b.lots for b in self.balances),
            decompress(self.identifier_proof),
            tuple(decompress(b.proof) for b in self.balances),
        )

    @classmethod
    def of(
        cls,
        terms: BookTerms,
        account: str,
        nonce: str,
        salt: bytes,
        inclusion: Inclusion,
        names: Sequence[tuple[str, str]],
    ) -> Self:
        """Args: names: of each currency its name and lot."""
        balances = tuple(
            CountedBalance(currency=name, lot=lot, slot=slot, lots=lots, proof=compress(proof))
            for (name, lot), slot, lots, proof in zip(
                names, terms.slots, inclusion.balances, inclusion.balance_proofs, strict=True
            )
        )
        return cls(
            fund=terms.fund,
            epoch=terms.epoch,
            account=account,
            nonce=nonce,
            salt=salt,
            count=terms.count,
            chunk=inclusion.chunk,
            entry=inclusion.entry,
            commitments=inclusion.commitments.encode(),
            path=inclusion.path,
            identifier_proof=compress(inclusion.identifier_proof),
            balances=balances,
        )
