"""A liability book: what its root commits to (protocol §9).

Accounts are cut into chunks of 4088. A chunk commits to a column of account identifiers and, for each currency, to the
limbs of a column of balances and to their total, which stands in the currency's claims slot. A Merkle tree over the
chunks' commitments and the book's terms make the root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

from attest.curve import POINT_SIZE, decode_point, encode_point
from attest.errors import EncodingError, ProofRejected
from attest.field import MODULUS
from attest.program import Parameters, canonical_hash

BOOK_TAG = b"attest/v1/book"
ACCOUNT_TAG = b"attest/v1/account"
PARAMETERS = Parameters(packing=8)
"""Packing stands for nothing in a book."""
CAPACITY = PARAMETERS.first_blinding_entry
"""Accounts in a chunk."""
LAST_SLOT = PARAMETERS.n - 9
NO_NONCE = bytes(32)


def text_hash(text: str) -> bytes:
    """keccak256 of the UTF-8 bytes: how a name of any length enters a fixed field."""
    return bytes(keccak(text.encode()))


def nonce_hash(nonce: str) -> bytes:
    """`text_hash`, or zeros for an investor who gave no nonce."""
    return text_hash(nonce) if nonce else NO_NONCE


def account_identifier(fund: str, epoch: int, account_hash: bytes, hashed_nonce: bytes, salt: bytes) -> int:
    """keccak256(abi.encode(tag, fund, epoch, account, nonce, salt)) mod r. (P.25)"""
    return int.from_bytes(keccak(_context(fund, epoch) + account_hash + hashed_nonce + salt), "big") % MODULUS


@lru_cache(maxsize=8)
def _context(fund: str, epoch: int) -> bytes:
    """The words that all identifiers of a book begin with."""
    return bytes(abi_encode(["bytes32", "address", "uint64"], [keccak(ACCOUNT_TAG), fund, epoch]))


@dataclass(frozen=True, slots=True)
class ClaimsSlot:
    """Where a currency's total stands, and what a unit of it is: without that a number of lots says nothing.

    Args:
        slot: of the layout; asset: the instrument in it; lot: quantity of one unit.
    """

    slot: int
    asset: str
    lot: Decimal


def currencies_hash(currencies: Sequence[ClaimsSlot]) -> bytes:
    """Of the canonical JSON that says what a unit of each slot is."""
    return canonical_hash([{"asset": c.asset, "lot": c.lot, "slot": c.slot} for c in currencies])


@dataclass(frozen=True, slots=True)
class BookTerms:
    """What a book is about.

    Args:
        fund: 20-byte address as a hexadecimal string.
        epoch: whose liabilities they are.
        currencies: the claims slot of each currency, ascending.
        count: of chunks.
    Raises: EncodingError: slots out of order or range, or no chunk.
    """

    fund: str
    epoch: int
    currencies: tuple[ClaimsSlot, ...]
    count: int

    @property
    def slots(self) -> tuple[int, ...]:
        """The claims slots, ascending."""
        return tuple(currency.slot for currency in self.currencies)

    def __post_init__(self) -> None:
        if not self.slots or list(self.slots) != sorted(set(self.slots)):
            raise EncodingError("a book has one claims slot for each currency, ascending and distinct")
        if not self.slots[0] >= 1 or self.slots[-1] > LAST_SLOT:
            raise EncodingError(f"a claims slot lies in 1..{LAST_SLOT}")
        if not 1 <= self.count < 1 << 32:
            raise EncodingError("a book has at least one chunk")

    def root(self, tree: bytes) -> bytes:
        """The book root of a tree over the chunks. (P.26)"""
        types = ["bytes32", "address", "uint64", "uint256[]", "bytes32", "uint256", "bytes32"]
        fields = [
            keccak(BOOK_TAG),
            self.fund,
            self.epoch,
            list(self.slots),
            currencies_hash(self.currencies),
            self.count,
            tree,
        ]
        return bytes(keccak(abi_encode(types, fields)))


@dataclass(frozen=True, slots=True)
class CurrencyCommitments:
    """Commitments to one currency's balances in a chunk.

    Args:
        limbs: [D_0..D_6] of the balances; total: C_out, the chunk's total in the claims slot.
    """

    limbs: tuple[G1Point, ...]
    total: G1Point


@dataclass(frozen=True, slots=True)
class ChunkCommitments:
    """Everything that a chunk commits to.

    Args:
        identifiers: [id]; currencies: in the order of the book's slots.
    """

    identifiers: G1Point
    currencies: tuple[CurrencyCommitments, ...]

    def encode(self) -> bytes:
        """[id], then for each currency [D_0..D_6] and C_out, 128 bytes each."""
        points = [self.identifiers]
        for currency in self.currencies:
            points += [*currency.limbs, currency.total]
        return b"".join(encode_point(point) for point in points)

    @classmethod
    def decode(cls, data: bytes, currencies: int) -> ChunkCommitments:
        """Raises: EncodingError: another length, or points that are none of G1."""
        per_currency = PARAMETERS.limb_count + 1
        if len(data) != POINT_SIZE * (1 + per_currency * currencies):
            raise EncodingError(f"commitments of {currencies} currencies have another length")
        first, *rest = [decode_point(data[i : i + POINT_SIZE]) for i in range(0, len(data), POINT_SIZE)]
        groups = [rest[i : i + per_currency] for i in range(0, len(rest), per_currency)]
        return cls(first, tuple(CurrencyCommitments(tuple(group[:-1]), group[-1]) for group in groups))

    def leaf(self, chunk: int) -> bytes:
        return leaf(chunk, self.encode())


def leaf(chunk: int, commitments: bytes) -> bytes:
    """keccak256(0x00 ‖ chunk ‖ commitments)."""
    return bytes(keccak(b"\x00" + chunk.to_bytes(32, "big") + commitments))


def _parents(nodes: Sequence[bytes]) -> list[bytes]:
    paired = [bytes(keccak(b"\x01" + nodes[i] + nodes[i + 1])) for i in range(0, len(nodes) - 1, 2)]
    return paired + list(nodes[len(nodes) - len(nodes) % 2 :])


def merkle_tree(leaves: Sequence[bytes]) -> bytes:
    """The tree's top; an odd last node of a level moves up unchanged."""
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def merkle_path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Siblings from the bottom, levels without one left out."""
    path, level = [], list(leaves)
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        index, level = index // 2, _parents(level)
    return tuple(path)


def climb(leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes:
    """The top that a leaf and its path lead to.

    Raises: ProofRejected: no leaf of a tree of this size has such an index, or such a path.
    """
    if not 0 <= index < count:
        raise ProofRejected("chunk", "the book has no such chunk")
    node, siblings = leaf, iter(path)
    while count > 1:
        if index ^ 1 < count:
            sibling = next(siblings, None)
            if sibling is None or len(sibling) != 32:
                raise ProofRejected("path", "it is too short, or not made of hashes")
            node = bytes(keccak(b"\x01" + (sibling + node if index % 2 else node + sibling)))
        index, count = index // 2, (count + 1) // 2
    if next(siblings, None) is not None:
        raise ProofRejected("path", "it is too long")
    return node


def book_root(terms: BookTerms, chunks: Sequence[ChunkCommitments]) -> bytes:
    """The root of all chunks.

    Raises: EncodingError: not as many chunks as the terms say, or with other currencies.
    """
    if len(chunks) != terms.count or any(len(chunk.currencies) != len(terms.slots) for chunk in chunks):
        raise EncodingError(f"the book has {terms.count} chunks of {len(terms.slots)} currencies")
    return terms.root(merkle_tree([chunk.leaf(i) for i, chunk in enumerate(chunks)]))
