"""The cases of chunks.json: liability books of one chunk or two, and for each check one that it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from attest.curve import POINT_SIZE, SCALAR_SIZE, encode_point
from attest.field import MODULUS
from attest.liabilities import BookTerms, ChunkCommitments, ChunkStatement, book_commitment, commit_chunk, prove_chunk
from attest.liabilities.book import CAPACITY, merkle_tree
from attest.liabilities.proof import POINTS
from attest.liabilities.verifier import reduce_chunk
from attest.srs import Setup
from tests.attest.liabilities.cheating import SEED, Cheat, cheat, content_of, terms_of
from tests.vectors.cases import ACCEPT, MALFORMED, REJECT, BookCase, Currency
from tests.vectors.points import ILL_FORMED

SLOT = 5
BALANCES = content_of([700, 20_000, 3])
LAST = slice((POINTS - 1) * POINT_SIZE, POINTS * POINT_SIZE)


def chunk_cases(setup: Setup) -> list[BookCase]:
    """All cases; the first of each base's name is the base itself."""
    two, one = _two_by_two(setup), _single(setup, "one chunk", Cheat())
    cancelling = _two_chunks(setup)
    return [
        two,
        one,
        cancelling,
        *_books(two),
        *_terms(two),
        _same_slot(setup, two),
        _other_root(setup, two),
        *_bytes(one),
        *_constraints(setup, one),
        _cancelling(setup, cancelling),
    ]


def _currencies(terms: BookTerms) -> tuple[Currency, ...]:
    return tuple(Currency(c.slot, c.asset, str(c.lot)) for c in terms.currencies)


def root_of(terms: BookTerms, chunks: Sequence[ChunkCommitments]) -> bytes:
    """The root of these chunks."""
    return terms.root(merkle_tree([chunk.leaf(i) for i, chunk in enumerate(chunks)]))


def _case(name: str, terms: BookTerms, chunks: Sequence[ChunkCommitments], proofs: Sequence[bytes]) -> BookCase:
    stated = terms.fund, terms.epoch, _currencies(terms), terms.count, root_of(terms, chunks)
    total = encode_point(book_commitment(chunks))
    encoded = tuple(chunk.encode() for chunk in chunks)
    return BookCase(*stated, name, ACCEPT, name, total, encoded, tuple(proofs))


def _proved(
    setup: Setup, name: str, terms: BookTerms, contents: Sequence[Any], published: bytes | None = None
) -> BookCase:
    """Args: published: the root that the proofs are for, where it is not the chunks' own."""
    chunks = [commit_chunk(setup, content, i, terms.slots, SEED) for i, content in enumerate(contents)]
    root = published or root_of(terms, chunks)
    proofs = [
        prove_chunk(setup, ChunkStatement(root, terms, i, k, chunk), contents[i], SEED)
        for i, chunk in enumerate(chunks)
        for k in range(len(terms.slots))
    ]
    return _case(name, terms, chunks, proofs)


def _two_by_two(setup: Setup) -> BookCase:
    contents = [content_of([5, 6, 7], [(1 << 77) - 1, 2]), content_of([70], [0, 900])]
    return _proved(setup, "two chunks of two currencies", terms_of((4, 9), 2, epoch=7), contents)


def _two_chunks(setup: Setup) -> BookCase:
    return _proved(setup, "two chunks", terms_of((4,), 2, epoch=7), [content_of([5]), content_of([70])])


def _single(setup: Setup, name: str, deviation: Cheat) -> BookCase:
    statement, proof = cheat(setup, BALANCES, SLOT, deviation)
    return _case(name, statement.terms, [statement.commitments], [proof])


def _other(base: BookCase, name: str, expected: str, check: str, **fields: Any) -> BookCase:
    return replace(base, name=name, expected=expected, check=check, **fields)


def _books(base: BookCase) -> Iterator[BookCase]:
    """Each chunk is proved; the whole is not this book."""
    a, b, c, d = base.proofs
    first, second = base.chunks
    yield _other(base, "another root", REJECT, "(P.32)", root=b"\x13" * 32, contract=False)
    yield _other(base, "another total", REJECT, "(P.33)", total=first[8 * POINT_SIZE : 9 * POINT_SIZE], contract=False)
    swapped = {"chunks": (second, first), "proofs": (c, d, a, b)}
    yield _other(base, "chunks exchanged with their proofs", REJECT, "(P.32)", **swapped)
    yield _other(base, "proofs of each other's chunks", REJECT, "(P.22)", breaks="(P.27)", proofs=(c, d, a, b))
    yield _other(base, "proofs of each other's currencies", REJECT, "(P.22)", breaks="(P.27)", proofs=(b, a, c, d))
    yield _other(base, "a proof too few", REJECT, "proofs", proofs=(a, b, c))
    yield _other(base, "a proof too many", REJECT, "proofs", proofs=(a, b, c, d, d))
    yield _other(base, "a chunk too few", MALFORMED, "count", chunks=(first,), proofs=(a, b))
    yield _other(base, "three chunks of two", MALFORMED, "count", count=3)
    yield _other(base, "commitments of one currency", MALFORMED, "length", chunks=(first[: 9 * POINT_SIZE], second))
    yield _other(base, "a byte behind the commitments", MALFORMED, "length", chunks=(first, second + b"\x00"))


def _terms(base: BookCase) -> Iterator[BookCase]:
    """A proof of one book, shown for another: its root is recomputed."""
    first, second = base.currencies
    for name, fields in (
        ("fund", {"fund": "0x00000000000000000000000000000000000000f2"}),
        ("epoch", {"epoch": 8}),
        ("lot", {"currencies": (replace(first, lot="0.1"), second)}),
        ("asset", {"currencies": (first, replace(second, asset="claim"))}),
        ("slot", {"currencies": (replace(first, slot=5), second)}),
    ):
        other = replace(base, **fields)
        terms = other.terms()
        root = root_of(terms, [ChunkCommitments.decode(chunk, 2) for chunk in base.chunks])
        yield _other(other, f"proofs of a book of another {name}", REJECT, "(P.22)", breaks="(P.26)", root=root)
    for name, slots in (
        ("descending", (9, 4)),
        ("the constant's", (0, 9)),
        ("in the blinding entries", (4, CAPACITY)),
    ):
        claimed = (replace(first, slot=slots[0]), replace(second, slot=slots[1]))
        yield _other(base, f"claims slots: {name}", MALFORMED, "slots", currencies=claimed)
    yield _other(base, "no claims slot", MALFORMED, "slots", currencies=())


def _same_slot(setup: Setup, base: BookCase) -> BookCase:
    """Two currencies whose totals would be one, each honestly proved."""
    terms = terms_of((4, 9), 1, epoch=7)
    object.__setattr__(terms, "currencies", (terms.currencies[0], terms.currencies[0]))  # past what terms refuse
    case = _proved(setup, "two currencies in one slot", terms, [content_of([5], [70])])
    return replace(case, base=base.name, expected=MALFORMED, check="slots")


def _other_root(setup: Setup, base: BookCase) -> BookCase:
    """Every chunk proved for a root that is not theirs."""
    root, contents = b"\x13" * 32, [content_of([5]), content_of([70])]
    case = _proved(setup, "proofs for a root of other chunks", terms_of((4,), 2, epoch=7), contents, root)
    return replace(case, base=base.name, expected=REJECT, check="(P.32)", root=root)


def _bytes(base: BookCase) -> Iterator[BookCase]:
    (proof,), (chunk,) = base.proofs, base.chunks
    for name, changed in (("a byte behind a proof", proof + b"\x00"), ("a scalar short", proof[:-SCALAR_SIZE])):
        yield _other(base, name, MALFORMED, "length", proofs=(changed,))
    value = int.from_bytes(proof[-SCALAR_SIZE:], "big")
    for name, scalar, expected, check in (
        ("a scalar that is not below r", value + MODULUS, MALFORMED, "scalar"),
        ("another evaluation", (value + 1) % MODULUS, REJECT, "(P.22)"),
    ):
        changed = proof[:-SCALAR_SIZE] + scalar.to_bytes(SCALAR_SIZE, "big")
        yield _other(base, name, expected, check, proofs=(changed,))
    for name, spell in ILL_FORMED.items():
        moved = proof[: LAST.start] + spell(proof[LAST]) + proof[LAST.stop :]
        yield _other(base, f"W' {name}", MALFORMED, "point", proofs=(moved,))
        spelled = spell(chunk[:POINT_SIZE]) + chunk[POINT_SIZE:]
        yield _other(base, f"[id] {name}", MALFORMED, "point", chunks=(spelled,))


def _constraints(setup: Setup, base: BookCase) -> Iterator[BookCase]:
    """Everything holds but one constraint."""

    def as_if_zero(group: int) -> Cheat:
        """A limb of −5 whose helper says that it is 0."""

        def pretend(columns: list[list[int]]) -> None:
            columns[group][CAPACITY - 2] = columns[group][CAPACITY - 1]

        return Cheat(limbs={((0, 3, 5)[group], CAPACITY - 2): -5}, helper=pretend)

    last = (0, CAPACITY - 1)
    for name, breaks, deviation in (
        ("constraint 0: a false helper", "(P.10)", as_if_zero(0)),
        ("constraint 1: a false helper", "(P.10)", as_if_zero(1)),
        ("constraint 2: a false helper", "(P.10)", as_if_zero(2)),
        ("constraint 3: a step left out", "(P.28)", Cheat(limbs={last: -5}, close=True)),
        ("constraint 4: a sum that starts elsewhere", "(P.29)", Cheat(limbs={last: -5}, start=1, close=True)),
        ("constraint 5: a total that is less", "(P.29)", Cheat(slots={SLOT: 20_702})),
        ("constraint 6: an asset in another slot", "(P.30)", Cheat(slots={SLOT: 20_703, 1: 10**9})),
    ):
        case = _single(setup, name, deviation)
        yield replace(case, base=base.name, expected=REJECT, check="(P.22)", breaks=breaks)


def _cancelling(setup: Setup, base: BookCase) -> BookCase:
    """Two false proofs whose errors would cancel where weights are equal. (P.31)

    With W' + Δ for W' a proof is off by (u − τ)·Δ; Δ_0 = u_1 − τ and Δ_1 = τ − u_0 make the two cancel.
    """
    terms = base.terms()
    chunks = [ChunkCommitments.decode(chunk, 1) for chunk in base.chunks]
    statements = [ChunkStatement(base.root, terms, i, 0, chunk) for i, chunk in enumerate(chunks)]
    claims = [reduce_chunk(setup, statement, proof) for statement, proof in zip(statements, base.proofs, strict=True)]

    def shifted(i: int, shift: Any) -> bytes:
        proof = base.proofs[i]
        return proof[: LAST.start] + encode_point(claims[i].right + shift) + proof[LAST.stop :]

    # u is what W' counts for in a claim: with W' + [1] the left side grows by [u].
    first, second = (reduce_chunk(setup, statements[i], shifted(i, setup.g1)).left - claims[i].left for i in range(2))
    tau = setup.monomial[1]
    proofs = (shifted(0, second - tau), shifted(1, tau - first))
    return _other(base, "two false proofs that cancel", REJECT, "(P.31)", proofs=proofs)
