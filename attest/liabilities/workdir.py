"""The work directory of a book: from accounts to published proofs, resumable after a kill at any point (protocol §9).

    secret.json     the book's seed and terms, readable by its owner only
    ledger.sqlite   the accounts in their secret order, likewise
    chunks/         commitments and proofs of finished chunks, each written whole or not at all
    book.json       what is published, when everything is there

Whatever is random follows from the seed, so a resumed run writes the bytes that the killed one would have written.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from py_arkworks_bls12381 import G1Point
from pydantic import Field, ValidationError

from attest.bundle import Address, Bytes32, File, Uint64, write_file
from attest.commitment import SourceOpening
from attest.errors import EncodingError
from attest.field import MODULUS
from attest.liabilities.accounts import Account, Currency
from attest.liabilities.book import (
    BookTerms,
    ChunkCommitments,
    ClaimsSlot,
    account_identifier,
    leaf,
    merkle_path,
    merkle_tree,
)
from attest.liabilities.executors import Workers
from attest.liabilities.files import BookFile, InclusionFile, PublishedChunk, PublishedCurrency, published_currency
from attest.liabilities.inclusion import AllOpenings, Inclusion, open_entry
from attest.liabilities.ledger import Entry, Ledger
from attest.liabilities.proof import PROOF_SIZE, ChunkStatement
from attest.liabilities.prover import (
    ChunkContent,
    commit_chunk,
    inclusion_polynomials,
    prove_chunk,
    total_blindings,
)
from attest.liabilities.verifier import Progress
from attest.polynomial import Polynomial
from attest.srs import load_setup


class SecretFile(File):
    """What a work directory must never lose or show.

    Args:
        seed: of the secret order, of the salts and of all blinding.
    """

    version: Literal["1"] = "1"
    fund: Address
    epoch: Uint64
    source: str
    currencies: Annotated[tuple[PublishedCurrency, ...], Field(min_length=1, strict=False)]
    seed: Bytes32 = Field(repr=False)


@dataclass(frozen=True, slots=True)
class BookSource:
    """The source of a layout that the book stands for.

    Args:
        fund, epoch, source: whose liabilities; currencies: the source's slots, ascending.
    """

    fund: str
    epoch: int
    source: str
    currencies: tuple[ClaimsSlot, ...]

    @property
    def columns(self) -> tuple[Currency, ...]:
        """The columns of balances that the accounts have, each under its asset's name."""
        return tuple(Currency(c.asset, c.lot) for c in self.currencies)


@dataclass(frozen=True)
class Workdir:
    """One book in the making.

    Args:
        path: the directory.
        secret: its seed and terms.
        ledger: its accounts.
    """

    path: Path
    secret: SecretFile = field(repr=False)
    ledger: Ledger = field(repr=False)

    @classmethod
    def create(
        cls,
        path: str | Path,
        source: BookSource,
        accounts: Iterable[Account],
        *,
        least_chunks: int = 1,
        progress: Callable[[int], None] = lambda count: None,
    ) -> Workdir:
        """Read the accounts into a new work directory.

        Args:
            least_chunks: at least so many chunks are filled, with accounts of zeros, to hide how many there are.
            progress: called with the number of accounts read.
        Raises: EncodingError: there is a book already; AccountError: accounts that cannot be counted.
        """
        directory = Path(path)
        if (directory / "ledger.sqlite").exists():
            raise EncodingError(f"{directory} holds a book already; a new one needs a directory of its own")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "chunks").mkdir(exist_ok=True)
        if any((directory / "chunks").iterdir()):
            raise EncodingError(f"{directory} has chunks of another book; a new one needs a directory of its own")
        # A directory whose reading was killed has a seed and no ledger; that seed hid nothing yet.
        (directory / "secret.json").unlink(missing_ok=True)
        secret = SecretFile(
            fund=source.fund,
            epoch=source.epoch,
            source=source.source,
            currencies=tuple(published_currency(currency) for currency in source.currencies),
            seed=secrets.token_bytes(32),
        )
        write_file(directory / "secret.json", secret.encode(), secret=True)
        Ledger.create(
            directory / "ledger.sqlite",
            accounts,
            source.columns,
            secret.seed,
            least_chunks=least_chunks,
            progress=progress,
        )
        return cls.open(directory)

    @classmethod
    def open(cls, path: str | Path) -> Workdir:
        """Raises: EncodingError: no complete work directory."""
        directory = Path(path)
        if not (directory / "ledger.sqlite").exists():
            raise EncodingError(f"{directory} holds no book; make one with `proofolio liabilities prepare`")
        return cls(directory, SecretFile.load(directory / "secret.json"), Ledger.open(directory / "ledger.sqlite"))

    @cached_property
    def terms(self) -> BookTerms:
        currencies = tuple(currency.claims_slot() for currency in self.secret.currencies)
        try:
            return BookTerms(self.secret.fund, self.secret.epoch, currencies, self.ledger.count)
        except EncodingError as error:
            raise EncodingError(f"{self.path / 'secret.json'}: {error}") from error

    def _commitments_path(self, chunk: int) -> Path:
        return self.path / "chunks" / f"{chunk:06d}.commitments"

    def _proofs_path(self, chunk: int) -> Path:
        return self.path / "chunks" / f"{chunk:06d}.proofs"

    def content(self, chunk: int) -> ChunkContent:
        """What a chunk hides. Secret."""
        return chunk_content(self.terms, self.ledger.chunk(chunk))

    def commit(self, workers: Workers, progress: Progress = lambda done, total: None) -> None:
        """Commit to the chunks that are not committed to yet.

        Args:
            progress: called with how many chunks were finished now, and how many there were to do.
        """
        missing = [i for i in range(self.terms.count) if not self._commitments_path(i).exists()]
        tasks: Iterator[tuple[int, tuple[object, ...]]] = (
            (i, (self.terms, self.ledger.chunk(i), i, self.secret.seed)) for i in missing
        )
        workers.run(_commit, tasks, len(missing), self._store_commitments, progress)

    def _store_commitments(self, chunk: int, data: bytes) -> None:
        write_file(self._commitments_path(chunk), data, secret=False)

    def prove(self, workers: Workers, progress: Progress = lambda done, total: None) -> None:
        """Prove the chunks that are not proved yet; all must be committed to.

        Args: progress: as `commit`.
        """
        encoded = self._encoded_commitments()
        missing = [i for i in range(self.terms.count) if not self._proofs_path(i).exists()]
        tasks: Iterator[tuple[int, tuple[object, ...]]] = (
            (i, (self.terms, self.ledger.chunk(i), i, self.secret.seed, self.root, encoded[i])) for i in missing
        )
        workers.run(_prove, tasks, len(missing), self._store_proofs, progress)

    def _store_proofs(self, chunk: int, data: bytes) -> None:
        write_file(self._proofs_path(chunk), data, secret=False)

    def _encoded_commitments(self) -> list[bytes]:
        try:
            return [self._commitments_path(i).read_bytes() for i in range(self.terms.count)]
        except OSError as error:
            raise EncodingError(
                f"{self.path}: not every chunk is committed to; run `proofolio liabilities prove`"
            ) from error

    def commitments(self) -> list[ChunkCommitments]:
        """Raises: EncodingError: not all are there yet."""
        return [ChunkCommitments.decode(data, len(self.terms.slots)) for data in self._encoded_commitments()]

    @cached_property
    def root(self) -> bytes:
        """The book root. Raises: EncodingError: not every chunk is committed to."""
        return self.terms.root(merkle_tree([leaf(i, data) for i, data in enumerate(self._encoded_commitments())]))

    def book(self) -> BookFile:
        """What the fund publishes. Raises: EncodingError: not every chunk is proved, or a file of one is damaged."""
        try:
            proofs = [self._proofs_path(i).read_bytes() for i in range(self.terms.count)]
        except OSError as error:
            raise EncodingError(f"{self.path}: not every chunk is proved; run `proofolio liabilities prove`") from error
        try:
            chunks = tuple(
                PublishedChunk(
                    commitments=commitments,
                    proofs=tuple(data[i : i + PROOF_SIZE] for i in range(0, len(data), PROOF_SIZE)),
                )
                for commitments, data in zip(self._encoded_commitments(), proofs, strict=True)
            )
        except ValidationError as error:
            raise EncodingError(f"{self.path}: a file of a chunk is damaged; prepare the book again") from error
        return BookFile(
            fund=self.terms.fund,
            epoch=self.terms.epoch,
            source=self.secret.source,
            currencies=self.secret.currencies,
            root=self.root,
            chunks=chunks,
        )

    def opening(self) -> SourceOpening:
        """The opening of C_book: every total in its slot. Secret."""
        blinding = 0
        for i in range(self.terms.count):
            columns = zip(*(entry.balances for entry in self.ledger.chunk(i)), strict=True)
            blinding += sum(total_blindings([sum(column) for column in columns], i, self.secret.seed))
        quantities = dict(zip(self.terms.slots, self.ledger.totals(), strict=True))
        return SourceOpening(self.secret.source, quantities, blinding % MODULUS)

    def opener(self, chunk: int) -> ChunkOpener:
        """A chunk made ready to open entries of it. Raises: EncodingError: not every chunk is committed to."""
        encoded = self._encoded_commitments()
        content = self.content(chunk)
        pairs = [inclusion_polynomials(content, chunk, self.secret.seed, k) for k in range(len(self.terms.slots))]
        path = merkle_path([leaf(i, data) for i, data in enumerate(encoded)], chunk)
        committed = ChunkCommitments.decode(encoded[chunk], len(self.terms.slots))
        return ChunkOpener(self.terms, chunk, committed, path, (pairs[0][0], *(summed for _, summed in pairs)))

    def inclusion(self, account: str) -> InclusionFile:
        """An investor's proof. Raises: AccountError: no such account; EncodingError: not all is committed to."""
        located = self.ledger.find(account)
        opener = self.opener(located.chunk)
        proofs = open_entry(load_setup(), opener.polynomials, located.entry_index)
        return opener.inclusion(account, located.nonce, located.entry, located.entry_index, proofs)

    def all_inclusions(self, chunk: int, openings: AllOpenings) -> Iterator[tuple[str, InclusionFile]]:
        """The proofs of all accounts of a chunk, each with a name for its file: the hash of the account.

        Raises: EncodingError: not every chunk is committed to.
        """
        opener = self.opener(chunk)
        opened = [openings.open(poly) for poly in opener.polynomials]
        for located in self.ledger.accounts_of(chunk):
            proofs = [proofs_of[located.entry_index] for proofs_of in opened]
            file = opener.inclusion(located.account, located.nonce, located.entry, located.entry_index, proofs)
            yield located.entry.account_hash.hex(), file


@dataclass(frozen=True, slots=True)
class ChunkOpener:
    """A chunk made ready to open entries of it.

    Args:
        commitments: of the chunk; path: from it to the root.
        polynomials: behind [id], then behind each currency's Σ 2^{11k}[D_k]. Secret.
    """

    terms: BookTerms
    chunk: int
    commitments: ChunkCommitments
    path: tuple[bytes, ...]
    polynomials: tuple[Polynomial, ...] = field(repr=False)

    def inclusion(self, account: str, nonce: str, entry: Entry, index: int, proofs: Sequence[G1Point]) -> InclusionFile:
        """The file of one account.

        Args: proofs: openings of the polynomials at its entry.
        """
        identifier_proof, *balance_proofs = proofs
        inclusion = Inclusion(
            self.chunk, index, self.commitments, self.path, entry.balances, identifier_proof, tuple(balance_proofs)
        )
        return InclusionFile.of(self.terms, account, nonce, entry.salt, inclusion)


def chunk_content(terms: BookTerms, entries: Sequence[Entry]) -> ChunkContent:
    """Identifiers and balances as columns."""
    identifiers = [account_identifier(terms.fund, terms.epoch, e.account_hash, e.nonce_hash, e.salt) for e in entries]
    return ChunkContent(identifiers, [list(column) for column in zip(*(e.balances for e in entries), strict=True)])


def _commit(terms: BookTerms, entries: Sequence[Entry], chunk: int, seed: bytes) -> bytes:
    return commit_chunk(load_setup(), chunk_content(terms, entries), chunk, terms.slots, seed).encode()


def _prove(
    terms: BookTerms, entries: Sequence[Entry], chunk: int, seed: bytes, root: bytes, commitments: bytes
) -> bytes:
    content, committed = chunk_content(terms, entries), ChunkCommitments.decode(commitments, len(terms.slots))
    return b"".join(
        prove_chunk(load_setup(), ChunkStatement(root, terms, chunk, currency, committed), content, seed)
        for currency in range(len(terms.slots))
    )
