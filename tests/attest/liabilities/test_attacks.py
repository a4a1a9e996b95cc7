"""Attacks on the liability book, each stopped by one check: without that check it succeeds (protocol §9)."""

from dataclasses import replace

import pytest
from py_arkworks_bls12381 import G1Point

from attest import Setup
from attest.commitment import BLINDING_SLOT
from attest.curve import INFINITY, decode_point, encode_point, msm, multiply
from attest.errors import EncodingError, ProofRejected
from attest.field import MODULUS, domain, inverse
from attest.kzg import OpeningGroup, batch_linearisation, check_batch, open_single
from attest.liabilities import (
    AccountKey,
    BookTerms,
    ChunkCommitments,
    ChunkContent,
    ChunkStatement,
    Inclusion,
    book_commitment,
    book_root,
    check_inclusion,
    commit_chunk,
    inclusion,
    prove_chunk,
    prover,
    verifier,
    verify_book,
    verify_chunk,
)
from attest.liabilities.book import CAPACITY, CurrencyCommitments, account_identifier, climb, merkle_path, merkle_tree
from attest.liabilities.proof import ChunkProof
from attest.polynomial import Polynomial, interpolate, lagrange_at
from attest.transcript import Transcript
from tests.attest.liabilities.cheating import FUND, SEED, Cheat, cheat, content_of, terms_of, without_constraint

SLOT = 5
BALANCES = content_of([700, 20_000, 3])


def assert_only(setup: Setup, deviation: Cheat, constraint: int) -> None:
    """One proof, whose quotient leaves this constraint out: accepted where the verifier does too, and rejected else."""
    with without_constraint(constraint):
        statement, proof = cheat(setup, BALANCES, SLOT, deviation)
        verify_chunk(setup, statement, proof)
    with pytest.raises(ProofRejected, match="batched opening"):
        verify_chunk(setup, statement, proof)


def _as_if_zero(group: int, entry: int) -> Cheat:
    """A limb of −5 whose helper says that it is 0; the table is asked for a 0 there, as it was."""

    def pretend(columns: list[list[int]]) -> None:
        columns[group][entry] = columns[group][CAPACITY - 1]

    limb = (0, 3, 5)[group]
    return Cheat(limbs={(limb, entry): -5}, helper=pretend)


@pytest.mark.parametrize("group", range(3))
def test_a_negative_balance_behind_a_false_helper(setup: Setup, group: int) -> None:
    """An account of −5 takes 5 off the total. (P.10)"""
    assert_only(setup, _as_if_zero(group, CAPACITY - 2), group)


def test_a_negative_balance_that_the_table_does_not_have(setup: Setup) -> None:
    """Honest helpers of a limb −5: the sums differ, and Φ does not end at 0."""
    assert_only(setup, Cheat(limbs={(0, CAPACITY - 1): -5}), 5)


def test_a_negative_balance_and_a_running_sum_that_starts_elsewhere(setup: Setup) -> None:
    """Φ starts where it makes the sum end at 0. (P.29)"""
    assert_only(setup, Cheat(limbs={(0, CAPACITY - 1): -5}, start=1, close=True), 4)


def test_a_negative_balance_and_a_step_left_out(setup: Setup) -> None:
    """Φ takes one step that is not the sum's. (P.28)"""
    assert_only(setup, Cheat(limbs={(0, CAPACITY - 1): -5}, close=True), 3)


def test_a_limb_out_of_range(setup: Setup) -> None:
    """A limb of 2048 makes a balance that no row bounds."""
    assert_only(setup, Cheat(limbs={(6, 0): 2048}), 5)


def test_an_overflow_of_the_sum(setup: Setup) -> None:
    """Two balances of r/2 add up to almost nothing."""
    assert_only(setup, Cheat(limbs={(0, 7): (MODULUS - 1) // 2, (0, 8): (MODULUS + 3) // 2}), 5)


def test_a_total_that_is_less_than_the_balances(setup: Setup) -> None:
    """One lot less is owed than the accounts say. (P.29)"""
    assert_only(setup, Cheat(slots={SLOT: 20_702}), 5)


@pytest.mark.parametrize("slot", [0, 1, CAPACITY - 1])
def test_an_asset_in_another_slot_of_the_total(setup: Setup, slot: int) -> None:
    """C_out holds more than what is owed. (P.30)"""
    assert_only(setup, Cheat(slots={SLOT: 20_703, slot: 10**9}), 6)


def test_a_total_in_another_slot(setup: Setup) -> None:
    """The claims slot stays empty, so the sum is not there either: two constraints stand in the way."""
    statement, proof = cheat(setup, BALANCES, SLOT, Cheat(slots={SLOT + 1: 20_703}))
    with pytest.raises(ProofRejected):
        verify_chunk(setup, statement, proof)


def zeta_of(statement: ChunkStatement, parsed: ChunkProof) -> int:
    """ζ, as anyone recomputes it from the proof."""
    transcript = statement.start_transcript()
    for points, count in (
        ([parsed.mask, parsed.multiplicities], 2),
        ([*parsed.helpers, parsed.running_sum], 1),
        (parsed.quotient, 1),
    ):
        for point in points:
            transcript.absorb_point(point)
        (zeta, *_) = transcript.challenges(count)
    return zeta


def recovered_total(setup: Setup, statement: ChunkStatement, proof: bytes, giants: int) -> int | None:
    """What a stranger finds by baby steps and giant steps, if it is below giants².

    Unmasked, Q(ζ) = total·L_c(ζ) + δ·L_{n−1}(ζ) and C_out = total·[L_c] + δ·[L_{n−1}]. Without δ that is one discrete
    logarithm: L_{n−1}(ζ)·C_out − Q(ζ)·[L_{n−1}] = total·(L_{n−1}(ζ)·[L_c] − L_c(ζ)·[L_{n−1}]).
    """
    parsed = ChunkProof.decode(proof)
    at_slot, at_blinding = lagrange_at(4096, [statement.slot, BLINDING_SLOT], zeta_of(statement, parsed))
    slot, blinding = setup.lagrange[statement.slot], setup.lagrange[BLINDING_SLOT]
    base = msm([slot, blinding], [at_blinding, -at_slot % MODULUS])
    left = msm([statement.total, blinding], [at_blinding, -parsed.evals.total % MODULUS])
    babies, baby = {}, INFINITY
    for step in range(giants):
        babies[encode_point(baby)] = step
        baby = baby + base
    for giant in range(giants):
        found = babies.get(encode_point(left))
        if found is not None:
            return giant * giants + found
        left = left - baby
    return None


def test_an_unmasked_total_is_found_and_a_masked_one_is_not(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """C_out and Q(ζ) share one blinding factor; only the mask keeps the value at ζ from giving the total away."""
    terms, content = terms_of((SLOT,), 1), content_of([123_456, 77_000, 3])
    chunk = commit_chunk(setup, content, 0, terms.slots, SEED)
    statement = ChunkStatement(book_root(terms, [chunk]), terms, 0, 0, chunk)
    assert recovered_total(setup, statement, prove_chunk(setup, statement, content, SEED), 512) is None
    monkeypatch.setattr(prover, "MASK_COEFFICIENTS", 0)
    unmasked = prove_chunk(setup, statement, content, SEED)
    verify_chunk(setup, statement, unmasked)
    assert recovered_total(setup, statement, unmasked, 512) == 200_459


# Whole books ---------------------------------------------------------------------------------------------------------

CONTENTS = (content_of([5, 6]), content_of([70]))
TERMS = terms_of((SLOT,), 2)


@pytest.fixture(scope="module")
def chunks(setup: Setup) -> list:
    return [commit_chunk(setup, content, i, TERMS.slots, SEED) for i, content in enumerate(CONTENTS)]


def proved(setup: Setup, terms: BookTerms, chunks: list, contents: tuple[ChunkContent, ...] = CONTENTS) -> list:
    root = book_root(terms, chunks)
    return [
        [prove_chunk(setup, ChunkStatement(root, terms, i, 0, chunk), contents[i], SEED)]
        for i, chunk in enumerate(chunks)
    ]


@pytest.fixture(scope="module")
def proofs(setup: Setup, chunks: list) -> list:
    return proved(setup, TERMS, chunks)


def test_an_honest_book(setup: Setup, chunks: list, proofs: list) -> None:
    verify_book(setup, TERMS, book_root(TERMS, chunks), chunks, proofs, book_commitment(chunks))


def test_a_total_moved_between_chunks(setup: Setup, chunks: list, proofs: list) -> None:
    """The sum stays what it was; each chunk's proof is about its own total. (P.32)"""
    five = multiply(setup.lagrange[SLOT], 5)
    moved = []
    for chunk, shift in zip(chunks, (-five, five), strict=True):
        (currency,) = chunk.currencies
        moved.append(replace(chunk, currencies=(replace(currency, total=currency.total + shift),)))
    assert book_commitment(moved) == book_commitment(chunks)
    with pytest.raises(ProofRejected, match="batched opening"):
        verify_book(setup, TERMS, book_root(TERMS, moved), moved, proofs, book_commitment(moved))


def test_a_chunk_used_twice(setup: Setup, chunks: list, proofs: list) -> None:
    """The proof of chunk 0 is no proof of chunk 1, even of the same accounts."""
    twice = [chunks[0], chunks[0]]
    root = book_root(TERMS, twice)
    first = prove_chunk(setup, ChunkStatement(root, TERMS, 0, 0, chunks[0]), CONTENTS[0], SEED)
    with pytest.raises(ProofRejected, match="batched opening"):
        verify_book(setup, TERMS, root, twice, [[first], [first]], book_commitment(twice))


def test_a_chunk_left_out_of_what_is_shown(setup: Setup, chunks: list, proofs: list) -> None:
    """What one chunk owes is not shown."""
    alone = replace(TERMS, count=1)
    with pytest.raises(ProofRejected, match="book root"):
        verify_book(setup, alone, book_root(TERMS, chunks), chunks[:1], proofs[:1], None)


def test_a_book_that_is_not_the_registered_total(setup: Setup, chunks: list) -> None:
    """An honest book of fewer accounts beside a source that signed for another total. (P.33)"""
    alone = replace(TERMS, count=1)
    some = proved(setup, alone, chunks[:1])
    root = book_root(alone, chunks[:1])
    verify_book(setup, alone, root, chunks[:1], some, None)
    with pytest.raises(ProofRejected, match="book total"):
        verify_book(setup, alone, root, chunks[:1], some, book_commitment(chunks))


def test_a_padding_chunk_with_a_negative_total_and_no_valid_proof(
    setup: Setup, chunks: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C_out = −11 cancels what chunk 0 owes, wherever a chunk of empty accounts needs no proof."""
    statement, proof = cheat(setup, content_of([]), SLOT, Cheat(slots={SLOT: -11}))
    padded = [chunks[0], statement.commitments]
    root = book_root(TERMS, padded)
    first = prove_chunk(setup, ChunkStatement(root, TERMS, 0, 0, chunks[0]), CONTENTS[0], SEED)
    for second in ([], [proof], [first]):
        with pytest.raises(ProofRejected):
            verify_book(setup, TERMS, root, padded, [[first], second], book_commitment(padded))
    everything = verifier.check_claims
    monkeypatch.setattr(verifier, "check_claims", lambda setup, claims: everything(setup, claims[:1]))
    verify_book(setup, TERMS, root, padded, [[first], [proof]], book_commitment(padded))


def test_chunks_of_other_currencies_than_the_book(setup: Setup, chunks: list) -> None:
    """A root over a chunk with one currency more: what the terms do not name would be added to the total. (P.26)"""
    (currency,) = chunks[0].currencies
    wider = replace(chunks[0], currencies=(currency, currency))
    for wrong in ([wider, chunks[1]], chunks[:1], [*chunks, chunks[0]], [replace(chunks[0], currencies=()), chunks[1]]):
        with pytest.raises(EncodingError, match="2 chunks of 1 currencies"):
            book_root(TERMS, wrong)


def test_proofs_that_are_not_one_for_each_chunk(setup: Setup, chunks: list, proofs: list) -> None:
    """A chunk without a proof, or with one of another."""
    root = book_root(TERMS, chunks)
    for wrong in (proofs[:1], [*proofs, proofs[0]], [proofs[0], []], [proofs[0], [*proofs[1], *proofs[1]]]):
        with pytest.raises(ProofRejected, match="proofs: each chunk has one"):
            verify_book(setup, TERMS, root, chunks, wrong, None)


class Scripted(Transcript):
    """A transcript with chosen challenges: γ θ, y, ζ, v, u."""

    def __init__(self, script: list[int]) -> None:
        super().__init__()
        self.script = script

    def challenges(self, count: int) -> list[int]:
        taken, self.script = self.script[:count], self.script[count:]
        return taken


OMEGA, ZETA, U = domain(4096)[1], 1234567, 7654321


@pytest.mark.parametrize(
    ("zeta", "u", "reason"),
    [
        (1, U, "lies on the domain"),
        (OMEGA, U, "lies on the domain"),
        (ZETA, ZETA, "u is"),
        (ZETA, OMEGA * ZETA % MODULUS, "u is"),
        (ZETA, U, "batched opening"),
    ],
)
def test_zero_divisors(
    setup: Setup, chunks: list, proofs: list, monkeypatch: pytest.MonkeyPatch, zeta: int, u: int, reason: str
) -> None:
    """No honest run meets them, and where the opening points coincide a value is not bound."""
    statement = ChunkStatement(book_root(TERMS, chunks), TERMS, 0, 0, chunks[0])
    monkeypatch.setattr(ChunkStatement, "start_transcript", lambda _: Scripted([11, 13, 17, zeta, 19, u]))
    with pytest.raises(ProofRejected, match=reason):
        verify_chunk(setup, statement, proofs[0][0])


def claims_of(setup: Setup, chunks: list, proofs: list) -> list[verifier.Claim]:
    root = book_root(TERMS, chunks)
    return [
        verifier.reduce_chunk(setup, ChunkStatement(root, TERMS, i, 0, chunk), proofs[i][0])
        for i, chunk in enumerate(chunks)
    ]


def test_two_false_proofs_that_cancel(
    setup: Setup, chunks: list, proofs: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lies of +d and −d cancel where both proofs have weight 1. (P.31)"""
    first, second = claims_of(setup, chunks, proofs)
    verifier.check_claims(setup, [first, second])
    false = [replace(first, left=first.left + setup.g1), replace(second, left=second.left - setup.g1)]
    with pytest.raises(ProofRejected):
        verifier.check_claims(setup, false)
    monkeypatch.setattr(verifier, "batch_weights", lambda claims: [1] * len(claims))
    verifier.check_claims(setup, false)


def left_over(setup: Setup, statement: ChunkStatement, proof: bytes, groups: list[OpeningGroup]) -> tuple[int, int]:
    """c and u of a false claim, left − τ·right = c·[1]_1: the true values of the openings are the prover's to know."""
    seen: list[list[int]] = []

    def recording(points: list[G1Point], scalars: list[int]) -> G1Point:
        seen.append(scalars)
        return msm(points, scalars)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifier, "msm", recording)
        claim = verifier.reduce_chunk(setup, statement, proof)
    (*_, claimed, _, u) = seen[0]
    zeta = zeta_of(statement, ChunkProof.decode(proof))
    here, there = (u - OMEGA * zeta) % MODULUS, (u - zeta) % MODULUS
    at_zeta, at_next = (int(group.remainder[0]) for group in groups)
    excess = (claimed + here * at_zeta + there * at_next) % MODULUS
    check_batch(setup, claim.left - multiply(setup.g1, excess), 0, claim.right)
    return excess, u


def shifted(setup: Setup, proof: bytes, shift: int) -> bytes:
    """The proof with W' + shift·[1]_1."""
    end = len(proof) - 15 * 32
    last = decode_point(proof[end - 128 : end]) + multiply(setup.g1, shift)
    return proof[: end - 128] + encode_point(last) + proof[end:]


def test_batch_weights_that_do_not_hash_the_proofs(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Investors see 5·10^8, the book counts 1: with weights known beforehand a true proof makes up for a false one."""
    groups: list[OpeningGroup] = []

    def remembering(given: list[OpeningGroup], quotient: Polynomial, u: int) -> Polynomial:
        groups[:] = given
        return batch_linearisation(given, quotient, u)

    monkeypatch.setattr(prover, "batch_linearisation", remembering)
    true_statement, true_proof = cheat(setup, content_of([7]), SLOT, Cheat())
    _, true_u = left_over(setup, true_statement, true_proof, groups)
    statement, proof = cheat(setup, content_of([500_000_000]), SLOT, Cheat(slots={SLOT: 1}))
    excess, u = left_over(setup, statement, proof, groups)
    assert excess

    known = [1_000_003, 998_244_353]
    shift = -excess * inverse(u - true_u) % MODULUS
    back = -known[0] * shift * inverse(known[1]) % MODULUS
    claims = [
        verifier.reduce_chunk(setup, statement, shifted(setup, proof, shift)),
        verifier.reduce_chunk(setup, true_statement, shifted(setup, true_proof, back)),
    ]
    with pytest.raises(ProofRejected, match="batched opening"):
        verifier.check_claims(setup, claims)
    monkeypatch.setattr(verifier, "batch_weights", lambda _: known)
    verifier.check_claims(setup, claims)


def test_batch_weights_hash_every_claim(setup: Setup, chunks: list, proofs: list) -> None:
    """A byte of the last proof changes the weight of the first; so nobody knows weights before all proofs."""
    first, second = claims_of(setup, chunks, proofs)
    weights = verifier.batch_weights([first, second])
    others = verifier.batch_weights([first, replace(second, binding=bytes(32))])
    assert weights[0] != others[0]
    assert weights[0] != weights[1]
    assert all(0 < weight < 1 << 128 for weight in (*weights, *others))


# Inclusion -----------------------------------------------------------------------------------------------------------

ALICE = AccountKey(b"\x0a" * 32, b"\x01" * 32, b"\x05" * 32)
BOB = AccountKey(b"\x0b" * 32, b"\x02" * 32, b"\x06" * 32)


def opened(setup: Setup, terms: BookTerms, columns: list[int], sums: list[int], entry: int) -> tuple[Inclusion, bytes]:
    """A book of one chunk with whatever columns, and openings of one entry."""
    identifiers = msm(setup.lagrange, columns)
    limbs = (msm(setup.lagrange, sums), *[INFINITY] * 6)
    committed = ChunkCommitments(identifiers, (CurrencyCommitments(limbs, setup.g1),))
    at = domain(4096)[entry]
    (_, first), (balance, second) = (open_single(setup, interpolate(c), at) for c in (columns, sums))
    shown = Inclusion(0, entry, committed, (), (balance,), first, (second,))
    return shown, book_root(terms, [committed])


def columns_with(key: AccountKey, entry: int, balance: int, epoch: int = 1) -> tuple[list[int], list[int]]:
    columns, sums = [3] * 4096, [0] * 4096
    columns[entry], sums[entry] = key.identifier(FUND, epoch), balance
    return columns, sums


ONE = terms_of((SLOT,), 1)


def test_an_honest_inclusion(setup: Setup) -> None:
    shown, root = opened(setup, ONE, *columns_with(ALICE, 17, 500), 17)
    check_inclusion(setup, ONE, root, ALICE, shown)


def test_the_same_entry_for_two_investors(setup: Setup) -> None:
    """Bob has another nonce, so the identifier that counts Alice is not his."""
    shown, root = opened(setup, ONE, *columns_with(ALICE, 17, 500), 17)
    with pytest.raises(ProofRejected, match="identifier"):
        check_inclusion(setup, ONE, root, BOB, shown)
    with pytest.raises(ProofRejected, match="identifier"):
        check_inclusion(setup, ONE, root, replace(ALICE, nonce_hash=BOB.nonce_hash), shown)


def test_an_omitted_account_has_no_entry_to_show(setup: Setup) -> None:
    """Whichever entry the fund opens, it holds another identifier."""
    columns, sums = columns_with(ALICE, 17, 500)
    for entry in (0, 16, 18, CAPACITY - 1):
        shown, root = opened(setup, ONE, columns, sums, entry)
        with pytest.raises(ProofRejected, match="identifier"):
            check_inclusion(setup, ONE, root, ALICE, shown)


@pytest.mark.parametrize("entry", [CAPACITY, 4095])
def test_an_entry_in_the_blinding_rows(setup: Setup, entry: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account there would be shown to its owner and counted nowhere."""
    shown, root = opened(setup, ONE, *columns_with(ALICE, entry, 500), entry)
    with pytest.raises(ProofRejected, match="entry"):
        check_inclusion(setup, ONE, root, ALICE, shown)
    monkeypatch.setattr(inclusion, "CAPACITY", 4096)
    check_inclusion(setup, ONE, root, ALICE, shown)


@pytest.mark.parametrize("balance", [-1, 1 << 77, 500 + MODULUS])
def test_a_balance_out_of_range(setup: Setup, balance: int) -> None:
    """The opening is an equation mod r, so a number that is congruent to the entry would pass it."""
    shown, root = opened(setup, ONE, *columns_with(ALICE, 17, balance % MODULUS), 17)
    with pytest.raises(ProofRejected, match="balance: no balance"):
        check_inclusion(setup, ONE, root, ALICE, replace(shown, balances=(balance,)))


def test_another_balance_than_the_committed_one(setup: Setup) -> None:
    """The sum of the limbs opens to one balance. (P.34), (P.35)"""
    shown, root = opened(setup, ONE, *columns_with(ALICE, 17, 500), 17)
    with pytest.raises(ProofRejected, match="balance: another"):
        check_inclusion(setup, ONE, root, ALICE, replace(shown, balances=(501,)))


def test_a_wrong_opening_point(setup: Setup) -> None:
    """The point follows from the entry; openings of another entry are no openings of this one."""
    columns, sums = columns_with(ALICE, 17, 500)
    shown, root = opened(setup, ONE, columns, sums, 17)
    other, _ = opened(setup, ONE, columns, sums, 18)
    for wrong in (
        replace(shown, entry=18),
        replace(shown, identifier_proof=other.identifier_proof),
        replace(shown, balance_proofs=other.balance_proofs),
    ):
        with pytest.raises(ProofRejected):
            check_inclusion(setup, ONE, root, ALICE, wrong)


def test_an_inclusion_proof_of_another_epoch(setup: Setup) -> None:
    """Neither last epoch's root nor last epoch's identifier counts in this one."""
    shown, root = opened(setup, ONE, *columns_with(ALICE, 17, 500), 17)
    later = replace(ONE, epoch=2)
    with pytest.raises(ProofRejected, match="book root"):
        check_inclusion(setup, later, root, ALICE, shown)
    with pytest.raises(ProofRejected, match="identifier"):
        check_inclusion(setup, later, book_root(later, [shown.commitments]), ALICE, shown)


def test_an_inclusion_with_more_or_fewer_currencies(setup: Setup) -> None:
    """Roots over such a chunk exist: the fund makes them."""
    shown, root = opened(setup, ONE, *columns_with(ALICE, 17, 500), 17)
    (currency,) = shown.commitments.currencies
    for currencies in ((), (currency, currency)):
        chunk = replace(shown.commitments, currencies=currencies)
        other = ONE.root(chunk.leaf(0))
        with pytest.raises(ProofRejected, match="the chunk has others"):
            check_inclusion(setup, ONE, other, ALICE, replace(shown, commitments=chunk))
    for wrong in (
        replace(shown, balances=()),
        replace(shown, balance_proofs=()),
        replace(shown, balances=(500, 0)),
        replace(shown, balance_proofs=shown.balance_proofs * 2),
    ):
        with pytest.raises(ProofRejected, match="one balance and one opening"):
            check_inclusion(setup, ONE, root, ALICE, wrong)


def test_a_chunk_that_is_not_in_the_book(setup: Setup, chunks: list) -> None:
    """An investor is shown a chunk that the root does not count."""
    shown, _ = opened(setup, ONE, *columns_with(ALICE, 17, 500), 17)
    with pytest.raises(ProofRejected, match="book root"):
        check_inclusion(setup, ONE, book_root(ONE, chunks[:1]), ALICE, shown)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_a_chunk_at_another_place(count: int) -> None:
    """A path leads to the root from its own index only, and from no other tree's size."""
    leaves = [bytes([i]) * 32 for i in range(count)]
    top = merkle_tree(leaves)
    for i in range(count):
        path = merkle_path(leaves, i)
        assert climb(leaves[i], i, count, path) == top
        for j in range(count):
            if j != i:
                try:
                    assert climb(leaves[i], j, count, path) != top
                except ProofRejected as error:
                    assert error.equation == "path"
        for wrong in (path[:-1], (*path, bytes(32)), (*path[:-1], bytes(33)), (*path[:-1], bytes(31))):
            if wrong != path:
                with pytest.raises(ProofRejected, match="path"):
                    climb(leaves[i], i, count, wrong)
    for outside in (-1, count):
        with pytest.raises(ProofRejected, match="chunk"):
            climb(leaves[0], outside, count, merkle_path(leaves, 0))


def test_identifiers_bind_every_field() -> None:
    """Each field alone makes another identifier. (P.25)"""
    fields = (FUND, 1, b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
    others = ("0x" + "00" * 19 + "f2", 2, b"\x04" * 32, bytes(32), b"\x05" * 32)
    for i, other in enumerate(others):
        changed = (*fields[:i], other, *fields[i + 1 :])
        assert account_identifier(*changed) != account_identifier(*fields)
