"""Inclusion: an investor's account stands in the book, under an identifier that only they can have (protocol §9).

Two openings at ω^e, of the column of identifiers and of Σ 2^{11k}[D_k]. The check says that this chunk counts the
balance; that the book counts the chunk is for `attest.liabilities.verifier.verify_book`.

Source for all openings at once: Feist, Khovratovich (2023), "Fast amortized KZG proofs".
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from py_arkworks_bls12381 import G1Point

from attest.curve import INFINITY, msm, multiply
from attest.errors import ProofRejected
from attest.field import domain, inverse
from attest.kzg import open_single, verify_single
from attest.liabilities.book import CAPACITY, PARAMETERS, BookTerms, ChunkCommitments, account_identifier, climb
from attest.polynomial import Polynomial, evaluations
from attest.program import RANGE_BITS
from attest.srs import Setup


@dataclass(frozen=True, slots=True)
class AccountKey:
    """What an account's identifier is made of.

    Args:
        account_hash: `text_hash` of the account's name; nonce_hash: of what the investor chose; salt: the fund's.
    """

    account_hash: bytes
    nonce_hash: bytes
    salt: bytes

    def identifier(self, fund: str, epoch: int) -> int:
        return account_identifier(fund, epoch, self.account_hash, self.nonce_hash, self.salt)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where an account stands and the openings that show it.

    Args:
        chunk, entry: its place; commitments: of the chunk; path: from the chunk to the root.
        balances: whole lots of each currency.
        identifier_proof: opening of [id]; balance_proofs: of each currency's Σ 2^{11k}[D_k].
    """

    chunk: int
    entry: int
    commitments: ChunkCommitments
    path: tuple[bytes, ...]
    balances: tuple[int, ...]
    identifier_proof: G1Point
    balance_proofs: tuple[G1Point, ...]


def balance_commitment(limbs: Sequence[G1Point]) -> G1Point:
    """Σ 2^{11k}[D_k]. (P.34)"""
    return msm(limbs, [1 << (PARAMETERS.limb_width * k) for k in range(len(limbs))])


def check_inclusion(setup: Setup, terms: BookTerms, root: bytes, key: AccountKey, inclusion: Inclusion) -> None:
    """The account stands in the book of this root with these balances; else raise. (P.35)

    Args:
        root: the one that the fund published for terms.fund and terms.epoch, from the chain.
        key: its account and nonce as the investor knows them.
    Raises: ProofRejected: naming what differs.
    """
    if not 0 <= inclusion.entry < CAPACITY:
        raise ProofRejected("entry", "no account stands behind the active entries")
    if not 0 <= inclusion.chunk < terms.count:
        raise ProofRejected("chunk", "the book has no such chunk")
    if len(inclusion.commitments.currencies) != len(terms.slots):
        raise ProofRejected("currencies", "the chunk has others than the book")
    if not len(inclusion.balances) == len(inclusion.balance_proofs) == len(terms.slots):
        raise ProofRejected("currencies", "there is one balance and one opening for each currency")
    top = climb(inclusion.commitments.leaf(inclusion.chunk), inclusion.chunk, terms.count, inclusion.path)
    if terms.root(top) != root:
        raise ProofRejected("book root", "the chunk is not one that the root was published for")
    at = domain(PARAMETERS.n)[inclusion.entry]
    identifier = key.identifier(terms.fund, terms.epoch)
    try:
        verify_single(setup, inclusion.commitments.identifiers, at, identifier, inclusion.identifier_proof)
    except ProofRejected as error:
        raise ProofRejected("identifier", "another account or nonce stands there") from error
    for currency, balance, proof in zip(
        inclusion.commitments.currencies, inclusion.balances, inclusion.balance_proofs, strict=True
    ):
        if not 0 <= balance < 1 << RANGE_BITS:
            raise ProofRejected("balance", "no balance is negative or has 77 bits")
        try:
            verify_single(setup, balance_commitment(currency.limbs), at, balance, proof)
        except ProofRejected as error:
            raise ProofRejected("balance", "another balance stands there") from error


def open_entry(setup: Setup, polynomials: Sequence[Polynomial], entry: int) -> tuple[G1Point, ...]:
    """The openings of an entry, of each polynomial."""
    at = domain(PARAMETERS.n)[entry]
    with ThreadPoolExecutor(len(polynomials)) as pool:
        return tuple(pool.map(lambda poly: open_single(setup, poly, at)[1], polynomials))


def _transform(points: Sequence[G1Point], powers: Sequence[int]) -> list[G1Point]:
    """Σ_j powers^{ij}·points[j] for every i, powers those of a root of unity of this order."""
    size = len(points)
    if size == 1:
        return list(points)
    even, odd = _transform(points[0::2], powers[0::2]), _transform(points[1::2], powers[0::2])
    twisted = [odd[0], *(multiply(point, power) for point, power in zip(odd[1:], powers[1 : size // 2], strict=True))]
    return [e + t for e, t in zip(even, twisted, strict=True)] + [e - t for e, t in zip(even, twisted, strict=True)]


class AllOpenings:
    """Openings of a polynomial at every entry of H, in O(n log n) multiplications of points.

    The quotients (f − f(z))/(X − z) are Σ_j z^j h_j with h_j = Σ_{i>j} f_i [τ^{i−1−j}], a convolution of f with the
    powers of τ backwards: two Fourier transforms, and a third for z = ω^e. That of the powers is computed once.
    """

    def __init__(self, setup: Setup) -> None:
        n = PARAMETERS.n
        padded = [*setup.monomial[n - 2 :: -1], *[INFINITY] * (n + 1)]
        self._powers = _transform(padded, domain(2 * n))

    def open(self, poly: Polynomial) -> list[G1Point]:
        """(n,) the opening at ω^e for every e."""
        n = PARAMETERS.n
        factors = evaluations(poly * inverse(2 * n), 2 * n)
        products = [multiply(point, factor) for point, factor in zip(self._powers, factors, strict=True)]
        backwards = (1, *domain(2 * n)[:0:-1])
        return _transform([*_transform(products, backwards)[n - 1 : 2 * n - 2], INFINITY], domain(n))
