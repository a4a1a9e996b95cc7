"""Liability books and inclusions before a second verifier, written from docs/protocol.md alone (protocol §9).

Like `attest.reference`, of which it has points, transcript and opening, it shares no code with the fast verifier. Every
proof and opening has a pairing of its own, so (P.31), which only saves pairings, stands nowhere here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from py_ecc.optimized_bls12_381.optimized_curve import Z1, add, eq, multiply

from attest.reference import (
    BLINDED,
    CEREMONY_SHA256,
    CHUNKS,
    LIMB_COUNT,
    LIMB_WIDTH,
    OMEGA,
    R_ORDER,
    Malformed,
    N,
    Opened,
    Oracle,
    Point,
    Refused,
    Tape,
    ceremony,
    check_opening,
    combine,
    inverse,
    lagrange,
    lookups,
    pairings_agree,
    parse_point,
    parse_short_point,
)

CAPACITY = N - BLINDED
"""Accounts in a chunk."""
PROOF_POINTS, PROOF_SCALARS = 12, 15


@dataclass(frozen=True)
class Currency:
    """The slot of a total, and what a unit of it is."""

    slot: int
    asset: str
    lot: Decimal


@dataclass(frozen=True)
class Book:
    """What a book is about, and the root that the fund published for it.

    Args:
        fund: as an integer. count: of chunks.
    """

    fund: int
    epoch: int
    currencies: tuple[Currency, ...]
    count: int
    root: bytes

    def __post_init__(self) -> None:
        """Raises: Malformed: what no book has."""
        if not 0 <= self.fund < 2**160 or not 0 <= self.epoch < 2**64 or len(self.root) != 32:
            raise Malformed("an address has 20 bytes, an epoch 8 and a root 32")
        slots = [currency.slot for currency in self.currencies]
        if not slots or slots != sorted(set(slots)):
            raise Malformed("claims slots are ascending, one for each currency")
        if any(not 1 <= slot < CAPACITY for slot in slots):
            raise Malformed("a claims slot is the constant, or outside the vector")
        if not 1 <= self.count < 2**32:
            raise Malformed("a book has a chunk at least")

    def root_over(self, tree: bytes) -> bytes:
        """The root of a tree over chunks, given its top. (P.26)"""
        listed = [{"asset": c.asset, "lot": _decimal(c.lot), "slot": str(c.slot)} for c in self.currencies]
        units = bytes(keccak(json.dumps(listed, separators=(",", ":"), sort_keys=True).encode("ascii")))
        slots = [currency.slot for currency in self.currencies]
        fields = [keccak(text="attest/v1/book"), _address(self.fund), self.epoch, slots, units, self.count, tree]
        types = ["bytes32", "address", "uint64", "uint256[]", "bytes32", "uint256", "bytes32"]
        return bytes(keccak(abi_encode(types, fields)))


@dataclass(frozen=True)
class Account:
    """What an identifier is made of: hashes of the name and of the investor's nonce, and the fund's salt."""

    name_hash: bytes
    nonce_hash: bytes
    salt: bytes

    def __post_init__(self) -> None:
        """Raises: Malformed."""
        if any(len(word) != 32 for word in (self.name_hash, self.nonce_hash, self.salt)):
            raise Malformed("hashes and salt have 32 bytes each")

    @classmethod
    def named(cls, name: str, nonce: str, salt: bytes) -> Account:
        """As the investor knows it; an empty nonce is none."""
        return cls(bytes(keccak(text=name)), bytes(keccak(text=nonce)) if nonce else bytes(32), salt)

    def identifier(self, book: Book) -> int:
        """(P.25)"""
        types = ["bytes32", "address", "uint64", "bytes32", "bytes32", "bytes32"]
        context = [keccak(text="attest/v1/account"), _address(book.fund), book.epoch]
        encoded = abi_encode(types, [*context, self.name_hash, self.nonce_hash, self.salt])
        return int.from_bytes(keccak(encoded), "big") % R_ORDER


@dataclass(frozen=True)
class Chunk:
    """The commitments of one chunk.

    Args:
        encoding: their bytes. limbs, totals: of each currency.
    """

    encoding: bytes
    identifiers: Point
    limbs: list[list[Point]]
    totals: list[Point]

    @classmethod
    def parse(cls, encoding: bytes, currencies: int) -> Chunk:
        """Raises: Malformed."""
        each = LIMB_COUNT + 1
        if len(encoding) != 128 * (1 + each * currencies):
            raise Malformed("a chunk commits to identifiers, and for each currency to limbs and a total")
        first, *rest = [parse_point(encoding[at : at + 128]) for at in range(0, len(encoding), 128)]
        groups = [rest[each * k :] for k in range(currencies)]
        return cls(encoding, first, [group[:LIMB_COUNT] for group in groups], [group[LIMB_COUNT] for group in groups])

    def leaf(self, number: int) -> bytes:
        return bytes(keccak(b"\x00" + number.to_bytes(32, "big") + self.encoding))

    def absorbed(self, currency: int) -> Iterator[bytes]:
        """[id], [D_0] … [D_6] and C_out of one currency, as they are encoded."""
        yield self.encoding[:128]
        start = 128 * (1 + (LIMB_COUNT + 1) * currency)
        for at in range(start, start + 128 * (LIMB_COUNT + 1), 128):
            yield self.encoding[at : at + 128]


def _address(fund: int) -> str:
    return f"0x{fund:040x}"


def _decimal(number: Decimal) -> str:
    """Without exponent or trailing zeros. (protocol §6)"""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# The tree ------------------------------------------------------------------------------------------------------------


def _parent(left: bytes, right: bytes) -> bytes:
    return bytes(keccak(b"\x01" + left + right))


def tree_over(leaves: Sequence[bytes]) -> bytes:
    """The top; an odd last node of a level moves up as it is."""
    if len(leaves) == 1:
        return leaves[0]
    pairs = [leaves[at : at + 2] for at in range(0, len(leaves), 2)]
    return tree_over([_parent(*pair) if len(pair) == 2 else pair[0] for pair in pairs])


def tree_above(leaf: bytes, number: int, count: int, path: Sequence[bytes]) -> bytes:
    """The top that a leaf's path leads to. Raises: Refused: it has another length."""
    if count == 1:
        if path:
            raise Refused("path", "it is too long")
        return leaf
    if number == count - 1 and count % 2 == 1:
        return tree_above(leaf, number // 2, (count + 1) // 2, path)
    if not path or len(path[0]) != 32:
        raise Refused("path", "it is too short, or not of hashes")
    node = _parent(path[0], leaf) if number % 2 else _parent(leaf, path[0])
    return tree_above(node, number // 2, (count + 1) // 2, path[1:])


# The proof of a chunk ------------------------------------------------------------------------------------------------


def verify_chunk(book: Book, number: int, chunk: Chunk, currency: int, proof: bytes) -> None:
    """One chunk's total in one currency, by its number. That the chunk is the root's is for `verify_book`.

    Raises: Malformed, Refused.
    """
    slot = book.currencies[currency].slot
    oracle = Oracle("attest/v1/book")
    for item in (N, LIMB_WIDTH, LIMB_COUNT, CEREMONY_SHA256, book.root, number, book.count, slot):  # (P.27)
        oracle.absorb(item)
    for point in chunk.absorbed(currency):
        oracle.absorb(point)
    tape = Tape(proof, PROOF_POINTS, PROOF_SCALARS, oracle)
    b, m = tape.points(2)
    gamma, theta = oracle.challenge(), oracle.challenge()
    h, phi = tape.points(3), tape.point()
    y = oracle.challenge()
    t = tape.points(CHUNKS)
    zeta = oracle.challenge()
    Q_at, D_at, m_at, h_at = tape.scalar(), tape.scalars(LIMB_COUNT), tape.scalar(), tape.scalars(3)
    phi_at, tbl_at, phi_next = tape.scalar(), tape.scalar(), tape.scalar()
    v = oracle.challenge()
    W = tape.point()
    u = oracle.challenge()
    W_prime = tape.point()

    next_zeta = OMEGA * zeta % R_ORDER
    if zeta == 0 or pow(zeta, N, R_ORDER) == 1 or u in (zeta, next_zeta):
        raise Refused("zero divisor", "ζ is 0 or on the domain, or u is an opening point")
    vanishing = pow(zeta, N, R_ORDER) - 1
    act = 1 - sum(lagrange(e, zeta) for e in range(CAPACITY, N))
    claims = lagrange(slot, zeta)
    LIN = sum(limb << LIMB_WIDTH * k for k, limb in enumerate(D_at)) - Q_at * claims
    step = phi_next - phi_at - sum(h_at) - theta * LIN
    constraints = [
        *(act * value for value in lookups([gamma + limb for limb in D_at], h_at)),  # (P.10)
        act * (step * (gamma + tbl_at) + m_at),  # (P.28)
        lagrange(0, zeta) * phi_at,  # (P.29)
        lagrange(CAPACITY, zeta) * phi_at,
        (act - claims) * Q_at,  # (P.30)
    ]
    t_at = sum(pow(y, k, R_ORDER) * value for k, value in enumerate(constraints)) * inverse(vanishing) % R_ORDER
    Q_hat = add(chunk.totals[currency], multiply(b, vanishing % R_ORDER))
    T = combine((part, pow(zeta, (N - 1) * c, R_ORDER)) for c, part in enumerate(t))
    columns = [Q_hat, *chunk.limbs[currency], m, *h, phi, ceremony().table, T]
    values = [Q_at, *D_at, m_at, *h_at, phi_at, tbl_at, t_at]
    at_zeta = Opened(u - zeta, list(zip(columns, values, strict=True)))
    check_opening([at_zeta, Opened(u - next_zeta, [(phi, phi_next)])], v, u, W, W_prime)


# A book, and an account in it ----------------------------------------------------------------------------------------


def verify_book(
    book: Book,
    encodings: Sequence[bytes],
    proofs: Sequence[Sequence[bytes]],
    registered: bytes | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Accept a whole book, or say which equation fails.

    Args:
        encodings: the commitments of each chunk. proofs: for each chunk, one proof for each currency.
        registered: C_book, in 128 bytes; None leaves the sum unchecked.
        progress: called with the number of proofs checked and of all.
    Raises: Malformed, Refused.
    """
    if len(encodings) != book.count:
        raise Malformed(f"the book has {book.count} chunks, not {len(encodings)}")
    chunks = [Chunk.parse(encoding, len(book.currencies)) for encoding in encodings]
    if book.root_over(tree_over([chunk.leaf(i) for i, chunk in enumerate(chunks)])) != book.root:
        raise Refused("(P.32)", "the chunks are not those of the root")
    if registered is not None:
        total = Z1
        for chunk in chunks:
            for point in chunk.totals:
                total = add(total, point)
        if not eq(total, parse_point(registered)):
            raise Refused("(P.33)", "the chunks do not add up to the commitment of the book's source")
    if len(proofs) != book.count or any(len(of_chunk) != len(book.currencies) for of_chunk in proofs):
        raise Refused("proofs", "each chunk has one proof for each currency")
    done = 0
    for number, (chunk, of_chunk) in enumerate(zip(chunks, proofs, strict=True)):
        for currency, proof in enumerate(of_chunk):
            verify_chunk(book, number, chunk, currency, proof)
            done += 1
            progress(done, book.count * len(book.currencies))


@dataclass(frozen=True)
class Inclusion:
    """Where an account stands, and what shows it.

    Args:
        commitments: of the chunk. path: to the tree's top. balances: of each currency.
        openings: of [id] and of each currency's balances, 48 bytes each.
    """

    chunk: int
    entry: int
    commitments: bytes
    path: tuple[bytes, ...]
    balances: tuple[int, ...]
    openings: bytes


def check_inclusion(book: Book, account: Account, shown: Inclusion) -> None:
    """The account stands in the book with these balances; else raise. (P.35)

    Raises: Malformed, Refused.
    """
    first, *rest = [parse_short_point(shown.openings[at : at + 48]) for at in range(0, len(shown.openings), 48)] or [Z1]
    chunk = Chunk.parse(shown.commitments, len(book.currencies))
    if not len(rest) == len(shown.balances) == len(book.currencies):
        raise Refused("currencies", "one balance and one opening for each currency")
    if not 0 <= shown.entry < CAPACITY:
        raise Refused("entry", "no account stands behind the active entries")
    if not 0 <= shown.chunk < book.count:
        raise Refused("chunk", "the book has no such chunk")
    if book.root_over(tree_above(chunk.leaf(shown.chunk), shown.chunk, book.count, shown.path)) != book.root:
        raise Refused("(P.26)", "the chunk is not one of the root's")
    if any(not 0 <= balance < 2 ** (LIMB_WIDTH * LIMB_COUNT) for balance in shown.balances):
        raise Refused("(P.35)", "a balance out of range")
    z = pow(OMEGA, shown.entry, R_ORDER)
    if not _opens(chunk.identifiers, z, account.identifier(book), first):
        raise Refused("(P.35)", "another account stands there")
    for limbs, balance, opening in zip(chunk.limbs, shown.balances, rest, strict=True):
        composed = combine((limb, 1 << LIMB_WIDTH * k) for k, limb in enumerate(limbs))  # (P.34)
        if not _opens(composed, z, balance, opening):
            raise Refused("(P.35)", "another balance stands there")


def _opens(commitment: Point, z: int, value: int, opening: Point) -> bool:
    """e(C − y·[1]_1 + z·π, [1]_2) = e(π, [τ]_2)."""
    return pairings_agree(combine([(commitment, 1), (ceremony().one, -value), (opening, z)]), opening)
