"""Folders of epochs: what `proofolio watch` finds, makes and leaves behind, one folder an epoch.

FOLDER/7/ holds market.json, a NAME.source.json and a NAME.opening.json of each source, book.json where the policy has
a liability book, and a NAME.ownership.json of each of the fund's addresses where it has them read. Reading those adds
wallet.json, proving bundle.json, and publishing published.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from attest.bundle import Bundle, Bytes32, File, FundFile, OpeningFile, SignedSource
from attest.errors import EncodingError
from attest.liabilities import BookFile
from attest.srs import Setup
from attest.wallet import OwnershipFile, WalletFile
from optimizer import Market
from optimizer.policy import Policy

from .book_terms import needed_book_root
from .pipeline import PreviousEpoch, Terms, compares_epochs, layout_of, prove_bundle

MARKET, BOOK, BUNDLE, PUBLISHED = "market.json", "book.json", "bundle.json", "published.json"
WALLET, OWNERSHIP = "wallet.json", ".ownership.json"


class PublishedFile(File):
    """That an epoch is recorded: public.

    Args:
        transaction: empty where somebody else had it recorded.
    """

    version: Literal["1"] = "1"
    epoch: int
    block: int
    transaction: str
    source_set_hash: Bytes32


@dataclass(frozen=True, slots=True)
class EpochFolder:
    """One epoch's folder."""

    number: int
    path: Path

    def missing(self, policy: Policy) -> tuple[str, ...]:
        """Names of files that the prover waits for."""
        names = [MARKET]
        for source in policy.sources:
            names += [f"{source.name}.source.json", f"{source.name}.opening.json"]
        if any(source.role == "liability_book" for source in policy.sources):
            names.append(BOOK)
        missing = [name for name in names if not (self.path / name).exists()]
        if policy.wallet and not (self.path / WALLET).exists() and not self.owned:
            missing.append(f"NAME{OWNERSHIP}")
        return tuple(missing)

    @property
    def market(self) -> Market:
        return Market.load(self.path / MARKET)

    @property
    def owned(self) -> tuple[OwnershipFile, ...]:
        """The word of each of the fund's addresses."""
        return tuple(OwnershipFile.load(path) for path in sorted(self.path.glob(f"*{OWNERSHIP}")))

    @property
    def wallet(self) -> WalletFile | None:
        """What the registry read, None before that."""
        path = self.path / WALLET
        return WalletFile.load(path) if path.exists() else None

    @property
    def is_proved(self) -> bool:
        return (self.path / BUNDLE).exists()

    @property
    def is_published(self) -> bool:
        return (self.path / PUBLISHED).exists()

    def sources(self, policy: Policy) -> PreviousEpoch:
        """The files of all sources."""
        openings = tuple(OpeningFile.load(self.path / f"{source.name}.opening.json") for source in policy.sources)
        signed = tuple(SignedSource.load(self.path / f"{source.name}.source.json") for source in policy.sources)
        return PreviousEpoch(openings, signed, self.wallet)

    def book_root(self, terms: Terms) -> bytes:
        path = self.path / BOOK
        return needed_book_root(terms, BookFile.load(path).root if path.exists() else None)


def folders(root: Path) -> Iterator[EpochFolder]:
    """All epochs that have a folder, ascending. Raises: EncodingError: there is no such folder."""
    if not root.is_dir():
        raise EncodingError(f"{root}: no folder; make it, with a folder for each epoch named by its number")
    numbered = [path for path in root.iterdir() if path.is_dir() and path.name.isascii() and path.name.isdigit()]
    for path in sorted(numbered, key=lambda path: int(path.name)):
        if str(int(path.name)) == path.name and int(path.name):
            yield EpochFolder(int(path.name), path)


def terms_of(folder: EpochFolder, policy: Policy, setup: Setup, before: EpochFolder | None) -> Terms:
    """The statements of an epoch.

    Args: before: the fund's last recorded epoch, where the policy compares epochs.
    Raises: EncodingError: it does, and there is no such folder.
    """
    layout = None
    if compares_epochs(policy):
        if before is None:
            raise EncodingError(f"{folder.path}: the policy compares epochs, and the last recorded one has no folder")
        layout = layout_of(policy, before.market)
    return Terms.of(policy, folder.market, setup, layout)


def proved(
    folder: EpochFolder, terms: Terms, fund: FundFile, now: int, expiry: int, before: EpochFolder | None, fixed: bytes
) -> Bundle:
    """The epoch's bundle: as it was made before, or made now and kept.

    One that is of other statements, whose approval was vetoed, that has expired, or whose sources signed again is made
    anew.

    Args: now, expiry: Unix seconds; fixed: hash of the source set that the registry has, zeros before.
    """
    path = folder.path / BUNDLE
    if path.exists():
        kept = Bundle.load(path)
        signed = {source.source: source for source in folder.sources(terms.compiled.policy).signed}
        read = folder.wallet.values if folder.wallet is not None else ()
        same = {source.source: source for source in kept.sources} == signed and kept.public_values == read
        current = kept.source_set().hash == fixed or same
        if tuple(proof.digest for proof in kept.proofs) == terms.digests and kept.expiry > now and current:
            return kept
    policy = terms.compiled.policy
    files = folder.sources(policy)
    compared = before.sources(policy) if before is not None and terms.compiled.previous_layout is not None else None
    root = folder.book_root(terms)
    bundle = prove_bundle(terms, fund, files.openings, files.signed, expiry, compared, root, files.wallet)
    bundle.save(path)
    return bundle
