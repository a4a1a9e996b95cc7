"""Files of a liability book: what the fund publishes, and what an investor gets (protocol §6, §9)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Annotated, Any, Literal, Self

from py_arkworks_bls12381 import G1Point
from pydantic import Field

from attest.bundle import Address, Bytes32, Bytes48, File, Integer, Uint64, bytes_type
from attest.curve import POINT_SIZE, compress, decompress
from attest.liabilities.book import PARAMETERS, BookTerms, ChunkCommitments, ClaimsSlot, nonce_hash, text_hash
from attest.liabilities.inclusion import AccountKey, Inclusion
from attest.liabilities.proof import PROOF_SIZE
from attest.liabilities.verifier import Progress, verify_book
from attest.program import decimal_string
from attest.srs import Setup

Commitments: Any = bytes_type(multiple_of=POINT_SIZE)
Proof: Any = bytes_type(PROOF_SIZE)


Lot = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,40})(\.[0-9]{0,40}[1-9])?$")]


class PublishedCurrency(File):
    """A claims slot of the book, the instrument in it, and the quantity of one unit."""

    slot: Annotated[int, Field(ge=1, lt=PARAMETERS.n)]
    asset: str
    lot: Lot

    def claims_slot(self) -> ClaimsSlot:
        return ClaimsSlot(self.slot, self.asset, Decimal(self.lot))


def published_currency(currency: ClaimsSlot) -> PublishedCurrency:
    """As it stands in files."""
    return PublishedCurrency(slot=currency.slot, asset=currency.asset, lot=decimal_string(currency.lot))


class PublishedChunk(File):
    """One chunk: its commitments and the proof of each currency, in their calldata encoding."""

    commitments: Commitments
    proofs: Annotated[tuple[Proof, ...], Field(strict=False)]


class BookFile(File):
    """A whole book: public. It says nothing of any account, and not what they add up to.

    Args:
        source: name of the source whose slots the totals fill; currencies: those slots.
    """

    version: Literal["1"] = "1"
    fund: Address
    epoch: Uint64
    source: str
    currencies: Annotated[tuple[PublishedCurrency, ...], Field(min_length=1, strict=False)]
    root: Bytes32
    chunks: Annotated[tuple[PublishedChunk, ...], Field(min_length=1, strict=False)]

    @property
    def terms(self) -> BookTerms:
        """Raises: EncodingError: slots that no book has."""
        return BookTerms(self.fund, self.epoch, tuple(c.claims_slot() for c in self.currencies), len(self.chunks))

    def commitments(self) -> list[ChunkCommitments]:
        """Raises: EncodingError: a chunk of other currencies, or points that are none of G1."""
        return [ChunkCommitments.decode(chunk.commitments, len(self.currencies)) for chunk in self.chunks]

    def verify(self, setup: Setup, registered: G1Point | None, progress: Progress = lambda done, total: None) -> None:
        """Accept the book, or say why not.

        Args: registered: the commitment of the book's source in the fund's holdings; None leaves the sum unchecked.
        Raises: ProofRejected, EncodingError.
        """
        proofs = [chunk.proofs for chunk in self.chunks]
        verify_book(setup, self.terms, self.root, self.commitments(), proofs, registered, progress=progress)


class CountedBalance(File):
    """One currency of an account: whole lots, and the opening that shows them."""

    currency: PublishedCurrency
    lots: Integer
    proof: Bytes48

    @property
    def amount(self) -> Decimal:
        """In units of the asset, exactly."""
        with localcontext(prec=200):
            return self.lots * Decimal(self.currency.lot)


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
    count: Annotated[int, Field(ge=1, lt=2**32)]
    chunk: Annotated[int, Field(ge=0, lt=2**32)]
    entry: Annotated[int, Field(ge=0, lt=2**32)]
    commitments: Commitments
    path: Annotated[tuple[Bytes32, ...], Field(strict=False)]
    identifier_proof: Bytes48
    balances: Annotated[tuple[CountedBalance, ...], Field(min_length=1, strict=False)]

    @property
    def terms(self) -> BookTerms:
        """Raises: EncodingError: slots that no book has."""
        return BookTerms(self.fund, self.epoch, tuple(b.currency.claims_slot() for b in self.balances), self.count)

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
    def of(cls, terms: BookTerms, account: str, nonce: str, salt: bytes, inclusion: Inclusion) -> Self:
        balances = tuple(
            CountedBalance(currency=published_currency(currency), lots=lots, proof=compress(proof))
            for currency, lots, proof in zip(
                terms.currencies, inclusion.balances, inclusion.balance_proofs, strict=True
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
