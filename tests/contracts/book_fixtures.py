"""The liability books that the forge tests use; written by `make_fixtures`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from py_arkworks_bls12381 import G1Point

from attest import Setup, transcript
from attest.chain.books import book_tuple, inclusion_tuple
from attest.curve import POINT_SIZE, compress, encode_point, multiply
from attest.liabilities import (
    AccountKey,
    BookTerms,
    ChunkCommitments,
    ChunkContent,
    ChunkStatement,
    Inclusion,
    book,
    book_commitment,
    book_root,
    commit_chunk,
    prove_chunk,
)
from attest.liabilities.book import CAPACITY, merkle_path, merkle_tree
from attest.liabilities.inclusion import open_entry
from attest.liabilities.proof import POINTS
from attest.liabilities.prover import inclusion_polynomials
from attest.liabilities.verifier import reduce_chunk
from attest.srs import load_setup
from tests.attest.liabilities.cheating import FUND, SEED, content_of, terms_of
from tests.attest.liabilities.test_attacks import columns_with, opened
from tests.contracts.encoding import hexadecimal

BOOK_TYPE = "(address,uint64,uint256[],bytes32,uint256)"
INCLUSION_TYPE = "(bytes32,bytes32,bytes32,uint256,uint256,bytes,bytes32[],uint256[],bytes)"
ALICE = AccountKey(b"\x0a" * 32, b"\x01" * 32, b"\x05" * 32)
ENTRY = 3
EPOCH = 7


def book_arguments(terms: BookTerms, chunks: list[ChunkCommitments], proofs: list[list[bytes]]) -> str:
    """The arguments of `BookVerifier.verify`."""
    encoded = [chunk.encode() for chunk in chunks], [b"".join(of_chunk) for of_chunk in proofs]
    return hexadecimal(abi_encode([BOOK_TYPE, "bytes[]", "bytes[]"], [book_tuple(terms), *encoded]))


def inclusion_case(terms: BookTerms, key: AccountKey, inclusion: Inclusion) -> str:
    """The arguments of `BookVerifier.checkInclusion`."""
    arguments = [book_tuple(terms), inclusion_tuple(key, inclusion)]
    return hexadecimal(abi_encode([BOOK_TYPE, INCLUSION_TYPE], arguments))


def prove_all(
    setup: Setup, terms: BookTerms, chunks: list[ChunkCommitments], contents: list[ChunkContent]
) -> list[list[bytes]]:
    root = book_root(terms, chunks)
    return [
        [
            prove_chunk(setup, ChunkStatement(root, terms, i, k, chunk), contents[i], SEED)
            for k in range(len(terms.slots))
        ]
        for i, chunk in enumerate(chunks)
    ]


def honest_book(setup: Setup) -> dict[str, Any]:
    """Three chunks of two currencies, with Alice's account at one entry of each chunk."""
    terms = replace(terms_of((4, 9), 3), epoch=EPOCH)
    contents = []
    for i in range(3):
        content = content_of([5, 6, 7, 70 + i], [(1 << 77) - 1, 2, 3, 700 + i])
        identifiers = list(content.identifiers)
        identifiers[ENTRY] = ALICE.identifier(FUND, EPOCH)
        contents.append(replace(content, identifiers=identifiers))
    chunks = [commit_chunk(setup, content, i, terms.slots, SEED) for i, content in enumerate(contents)]
    proofs = prove_all(setup, terms, chunks, contents)
    leaves = [chunk.leaf(i) for i, chunk in enumerate(chunks)]
    inclusions = []
    for i, content in enumerate(contents):
        pairs = [inclusion_polynomials(content, i, SEED, k) for k in range(2)]
        opening, *of_balances = open_entry(setup, [pairs[0][0], *(balances for _, balances in pairs)], ENTRY)
        balances = tuple(column[ENTRY] for column in content.balances)
        path = merkle_path(leaves, i)
        shown = Inclusion(i, ENTRY, chunks[i], path, balances, opening, tuple(of_balances))
        inclusions.append(inclusion_case(terms, ALICE, shown))
    return {
        "root": hexadecimal(book_root(terms, chunks)),
        "commitment": hexadecimal(encode_point(book_commitment(chunks))),
        "arguments": book_arguments(terms, chunks, proofs),
        "inclusions": inclusions,
    }


def cancelling_book(setup: Setup) -> str:
    """Two proofs, both false, that add up to a true one where weights are equal.

    With W' + Δ for W' a proof is off by (u − τ)·Δ; Δ_0 = u_1 − τ and Δ_1 = τ − u_0 make the two cancel.
    """
    terms = replace(terms_of((4,), 2), epoch=EPOCH)
    contents = [content_of([5]), content_of([70])]
    chunks = [commit_chunk(setup, content, i, terms.slots, SEED) for i, content in enumerate(contents)]
    proofs = prove_all(setup, terms, chunks, contents)
    root = book_root(terms, chunks)
    last = slice((POINTS - 1) * POINT_SIZE, POINTS * POINT_SIZE)

    def shifted(i: int, shift: G1Point) -> bytes:
        """A proof with W' + shift."""
        return proofs[i][0][: last.start] + encode_point(claims[i].right + shift) + proofs[i][0][last.stop :]

    statements = [ChunkStatement(root, terms, i, 0, chunk) for i, chunk in enumerate(chunks)]
    claims = [reduce_chunk(setup, statement, proofs[i][0]) for i, statement in enumerate(statements)]
    # u is what W' counts for in a claim: with W' + [1] the left side grows by [u].
    first, second = (reduce_chunk(setup, statements[i], shifted(i, setup.g1)).left - claims[i].left for i in range(2))
    tau = setup.monomial[1]
    proofs = [[shifted(0, second - tau)], [shifted(1, tau - first)]]
    return book_arguments(terms, chunks, proofs)


def twice_the_same_slot(setup: Setup) -> str:
    """A book of two currencies in one slot, each chunk honestly proved."""
    content = content_of([5], [70])
    terms = replace(terms_of((4, 9), 1), epoch=EPOCH)
    object.__setattr__(terms, "currencies", (terms.currencies[0], terms.currencies[0]))  # past what terms refuse
    chunk = commit_chunk(setup, content, 0, terms.slots, SEED)
    return book_arguments(terms, [chunk], prove_all(setup, terms, [chunk], [content]))


def identifiers_outside_the_group(setup: Setup) -> str:
    """A chunk whose [id] is (0, 2), a point of order 3; proved, since no equation reads [id]."""
    content, sentinel = content_of([5]), multiply(setup.g1, 12345)
    terms = replace(terms_of((4,), 1), epoch=EPOCH)
    outside = bytes(127) + b"\x02"

    def encode(point: G1Point) -> bytes:
        return outside if point == sentinel else encode_point(point)

    with pytest.MonkeyPatch.context() as patch:
        for module in (book, transcript):
            patch.setattr(module, "encode_point", encode)
        chunk = replace(commit_chunk(setup, content, 0, terms.slots, SEED), identifiers=sentinel)
        return book_arguments(terms, [chunk], prove_all(setup, terms, [chunk], [content]))


def false_entry(setup: Setup, entry: int, balance: int) -> str:
    """A chunk with Alice's identifier and a balance at any entry, honestly opened."""
    terms = replace(terms_of((4,), 1), epoch=EPOCH)
    columns = columns_with(ALICE, entry, balance, EPOCH)
    shown, _ = opened(setup, terms, *columns, entry)
    return inclusion_case(terms, ALICE, shown)


def tree_case(count: int) -> str:
    """Leaves, the tree's top, and the path of each leaf."""
    leaves = [bytes([i + 1]) * 32 for i in range(count)]
    paths = [list(merkle_path(leaves, i)) for i in range(count)]
    return hexadecimal(abi_encode(["bytes32[]", "bytes32", "bytes32[][]"], [leaves, merkle_tree(leaves), paths]))


def compressed_points(setup: Setup) -> list[str]:
    """Points in 128 bytes and in 48, with both signs of y, and infinity."""
    points = [G1Point.identity(), setup.g1, -setup.g1, *(multiply(setup.g1, k) for k in range(2, 12))]
    return [hexadecimal(encode_point(point) + compress(point)) for point in points]


def book_cases() -> dict[str, Any]:
    setup = load_setup()
    return {
        **honest_book(setup),
        "cancelling": cancelling_book(setup),
        "sameSlot": twice_the_same_slot(setup),
        "outside": identifiers_outside_the_group(setup),
        "blindingEntry": false_entry(setup, CAPACITY, 500),
        "largeBalance": false_entry(setup, ENTRY, 1 << 77),
        "trees": [tree_case(count) for count in range(1, 9)],
        "points": compressed_points(setup),
    }
