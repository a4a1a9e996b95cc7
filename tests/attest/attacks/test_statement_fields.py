"""Every field of the statement is absorbed: where one is not, a proof is replayed under another value of it (P.8).

The weaker verifier absorbs the old value of exactly the items that carry the field, and the new ones everywhere else.
Where several items carry it, all of them have to go: with any one of them left the proof is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

import attest.prover
from attest.commitment import SourceSet
from attest.curve import encode_point
from attest.errors import ProofRejected, StatementFalse
from attest.field import MODULUS, domain, inverse
from attest.kzg import batch_linearisation
from attest.masking import PreviousHoldings
from attest.polynomial import lagrange_at
from attest.program import Kind, Layout, Owner, ProgramBuilder, Slot
from attest.program.layout import source_id
from attest.proof import Context
from attest.srs import Setup
from attest.statement import NO_HASH, StatementKey, build_statement
from attest.transcript import Transcript
from attest.verifier import verify
from tests.attest.attacks.forger import (
    Forger,
    absorbed,
    assert_bound_by,
    balanced,
    check,
    forging,
    loose,
    verifier_without,
)
from tests.attest.attacks.lies import spoken
from tests.attest.examples import (
    CONTEXT,
    FUND,
    REGISTRY,
    Example,
    hold,
    public_example,
    small_layout,
    source_set,
)


def each(**fields: Any) -> Callable[[SourceSet], SourceSet]:
    return lambda s: SourceSet(tuple(replace(source, **fields) for source in s.sources), s.public_values)


def moved(sources: SourceSet) -> SourceSet:
    """The same sum of commitments from other summands."""
    first, second = sources.sources
    summands = (
        replace(first, commitment=first.commitment + G1Point()),
        replace(second, commitment=second.commitment + -G1Point()),
    )
    return SourceSet(summands)


def named(stem: str, fits: Callable[[bytes], bool]) -> str:
    """A name whose identifier fits the order of the set."""
    return next(name for name in (f"{stem}{i}" for i in count()) if fits(source_id(name)))


def renamed(sources: SourceSet) -> SourceSet:
    """The first source under another name."""
    first, second = sources.sources
    return SourceSet((replace(first, source=named("renamed", lambda id_: id_ < second.id)), second))


def joined(sources: SourceSet) -> SourceSet:
    """A third source takes over a part of what the first one committed to."""
    first, second = sources.sources
    third = replace(second, source=named("third", lambda id_: id_ > second.id), commitment=G1Point())
    return SourceSet((replace(first, commitment=first.commitment + -G1Point()), second, third))


def same(value: Any) -> Any:
    return value


Change = tuple[Callable[[StatementKey], StatementKey], Callable[[Context], Context], Callable[[SourceSet], SourceSet]]
STRANGER = "0x" + "00" * 19 + "f2"


def of_key(**fields: Any) -> Change:
    return lambda key: replace(key, **fields), same, same


def of_context(**fields: Any) -> Change:
    return same, lambda context: replace(context, **fields), same


def of_sources(change: Callable[[SourceSet], SourceSet]) -> Change:
    return same, same, change


REPLAYS: dict[str, tuple[Change, set[str]]] = {
    "another policy": (of_key(policy_hash=b"\x77" * 32), {"key digest"}),
    "other market data": (of_key(market_hash=b"\x77" * 32), {"key digest"}),
    "other kinds of rows": (
        (lambda key: replace(key, kinds=b"\x00" + key.kinds[1:]), same, same),
        {"key digest"},
    ),
    "a slot more": ((lambda key: loose(key, size=key.size + 1), same, same), {"key digest"}),
    "another previous layout": (of_key(previous_layout_hash=b"\x77" * 32), {"key digest"}),
    "another layout": (
        (lambda key: replace(key, layout_hash=b"\x77" * 32), same, each(layout_hash=b"\x77" * 32)),
        {"key digest", "source set hash"},
    ),
    "another chain": (of_context(chain_id=1), {"chain id"}),
    "another registry": (of_context(registry=STRANGER), {"registry"}),
    "a later expiry": (of_context(expiry=CONTEXT.expiry + 1), {"expiry"}),
    "another program": (of_context(program_id=b"\x12" * 32), {"program id"}),
    "another liability book": (of_context(book_root=b"\x13" * 32), {"book root"}),
    "another fund": (of_sources(each(fund=STRANGER)), {"fund", "source set hash"}),
    "another epoch": (of_sources(each(epoch=8)), {"epoch", "source set hash"}),
    "another as-of date": (of_sources(each(as_of=1)), {"source set hash"}),
    "another role": (of_sources(each(role=1)), {"source set hash"}),
    "other owned slots": (of_sources(each(owned_slots_hash=b"\x01" * 32)), {"source set hash"}),
    "a source's later expiry": (of_sources(each(expiry=2_000_000_001)), {"source set hash"}),
    "another nonce": (of_sources(each(nonce=99)), {"source set hash"}),
    "the sum split differently over the sources": (
        of_sources(moved),
        {"source set hash", "source 1 commitment", "source 2 commitment"},
    ),
    "a renamed source": (of_sources(renamed), {"source set hash", "source 1 id"}),
    "a source more": (
        of_sources(joined),
        {"source set hash", "source count", "source 1 commitment", "source 3 id", "source 3 commitment"},
    ),
}


@pytest.mark.parametrize("name", REPLAYS)
def test_a_field_that_is_not_absorbed_is_replayed(small: Example, small_proof: bytes, name: str) -> None:
    """An old proof counts for another policy, market, chain, fund, epoch, date or source.

    sourceSetHash binds once more whatever (P.8) lists of the sources, and each of these items refuses alone.
    """
    (key, context, sources), fields = REPLAYS[name]
    statement = key(small.statement.key), context(CONTEXT), sources(small.sources)
    old = absorbed(small.statement.key, CONTEXT, small.sources)
    assert_bound_by(old, fields, lambda: verify(small.setup, *statement, small_proof))


PREVIOUS: dict[str, tuple[Callable[[SourceSet], SourceSet], set[str]]] = {
    "another previous epoch": (each(epoch=5), {"previous epoch", "previous source set hash"}),
    "a previous source signed anew": (each(nonce=99), {"previous source set hash"}),
    "previous holdings split differently over the sources": (
        moved,
        {"previous source set hash", "previous source 1 commitment", "previous source 2 commitment"},
    ),
    "a renamed source of the previous epoch": (renamed, {"previous source set hash", "previous source 1 id"}),
    "a source more in the previous epoch": (
        joined,
        {
            "previous source set hash",
            "previous source count",
            "previous source 1 commitment",
            "previous source 3 id",
            "previous source 3 commitment",
        },
    ),
}


@pytest.mark.parametrize("name", PREVIOUS)
def test_a_field_of_the_previous_epoch_that_is_not_absorbed(pair: Example, pair_proof: bytes, name: str) -> None:
    """Turnover proved against one record counts against another."""
    assert pair.previous is not None
    change, fields = PREVIOUS[name]
    before = pair.previous.sources
    old = absorbed(pair.statement.key, CONTEXT, pair.sources, before)
    statement = (pair.setup, pair.statement.key, CONTEXT, pair.sources, pair_proof, change(before))
    assert_bound_by(old, fields, lambda: verify(*statement))


# --- public slots, of either epoch ----------------------------------------------------------------------------------

EPOCHS = {"this epoch": "", "the previous epoch": "previous "}
"""What the names of an epoch's items begin with."""


def publishing(example: Example, prefix: str, values: Sequence[tuple[int, int]]) -> Example:
    """The example whose sources of one epoch come with other public values."""
    if not prefix:
        return replace(example, sources=SourceSet(example.sources.sources, tuple(values)))
    assert example.previous is not None
    before = SourceSet(example.previous.sources.sources, tuple(values))
    return replace(example, previous=replace(example.previous, sources=before))


def heard(example: Example) -> dict[str, bytes]:
    previous = example.previous.sources if example.previous else None
    return absorbed(example.statement.key, CONTEXT, example.sources, previous)


def with_prefix(prefix: str, *names: str) -> set[str]:
    return {f"{prefix}{name}" for name in ("source set hash", *names)}


@pytest.mark.parametrize("epoch", EPOCHS)
def test_a_public_value_of_zero_is_absorbed(pair: Example, pair_proof: bytes, epoch: str) -> None:
    """It adds nothing to C_Q, so only the transcript tells that the fund named a public slot, and how many."""
    prefix = EPOCHS[epoch]
    zero = publishing(pair, prefix, [(3, 0)])
    fields = with_prefix(prefix, "public count", "public slot 1", "public value 1")
    assert_bound_by(heard(pair), fields, lambda: check(zero, pair_proof))


@pytest.mark.parametrize("epoch", EPOCHS)
def test_the_number_of_a_public_slot_is_absorbed(pair: Example, epoch: str) -> None:
    """A value of zero was published for slot 3; it is shown for slot 2."""
    prefix = EPOCHS[epoch]
    published, shown = (publishing(pair, prefix, [(slot, 0)]) for slot in (3, 2))
    proof = published.prove()
    assert_bound_by(heard(published), with_prefix(prefix, "public slot 1"), lambda: check(shown, proof))


SLOTS = range(7, 12)


@pytest.fixture(scope="module")
def insolvent(setup: Setup) -> Example:
    """Five public slots in each epoch, which solvency does not count; assets of 50 000 and debts of 500 000."""
    slots = [Slot(Owner.PUBLIC, f"P{j}", Decimal(1), 1) for j in SLOTS]
    layout = Layout((*small_layout().slots, *slots))
    build = ProgramBuilder(layout.size, aux=(5, 6), previous_size=layout.size)
    for j in range(1, layout.size):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
        build.add(f"variable/previous {j}", Kind.NONNEG, {}, previous={j: 1})
    build.add("solvency", Kind.NONNEG, {1: 100, 4: -100})
    program = build.build()
    values = tuple((j, j) for j in SLOTS)
    now, before = (
        replace(hold(layout, {1: 500, 2: 0, 3: 0, 4: 5000}, seed), public_values=values) for seed in (300, 400)
    )
    sets = [replace(source_set(layout, held, setup, e), public_values=values) for held, e in ((now, 7), (before, 6))]
    statement = build_statement(
        program, setup, layout=layout, policy_hash=NO_HASH, market_hash=NO_HASH, previous_layout=layout
    )
    previous = PreviousHoldings(before, sets[1])
    return Example(layout, program, statement, now, sets[0], {5: 0, 6: 0}, setup, previous)


def lying(attempt: Forger) -> tuple[Forger, int, int]:
    """A finished branch with a false m(ζ) that meets the constraints; u, and by how much Σ_i r_i(u) is off. (P.21)"""
    first = attempt.branch()
    first.round_4()
    position, truth = first.evals.in_order().index(first.evals.multiplicities), first.evals.multiplicities
    total, other = (attempt.sum_at_zeta(replace(first.evals, multiplicities=truth + d)) for d in (0, 1))
    error = (attempt.sum_needed() - total) * inverse(other - total) % MODULUS
    branch = spoken(attempt, {position: (truth + error) % MODULUS})
    drawn: list[int] = []

    def remembering(groups: Any, quotient: Any, u: int) -> Any:
        drawn.append(u)
        return batch_linearisation(groups, quotient, u)

    with patch.object(attest.prover, "batch_linearisation", remembering):
        branch.round_5()
    return branch, drawn[0], pow(branch.v, position, MODULUS) * error % MODULUS


@pytest.mark.parametrize("epoch", EPOCHS)
def test_public_values_chosen_after_the_challenges(insolvent: Example, epoch: str) -> None:
    """A false evaluation, and public values with whose share it opens: five integers below 2^77, from a lattice. (P.24)

    Whoever can send coins to the fund's addresses can bring such balances about.
    """
    prefix = EPOCHS[epoch]
    with forging(insolvent, rounds=3) as attempt:
        branch, u, error = lying(attempt)
        proof, v, zeta = branch.writer.finish(), branch.v, branch.zeta
        alpha = branch.challenges.alpha
    points = [zeta * domain(4096)[b] % MODULUS for b in range(8)]
    vanishing = [*(u - x for x in points), pow(u, 8, MODULUS) - alpha]
    away = [inverse(z) for z in vanishing]
    vector = list(EPOCHS).index(epoch)
    # Of 19 values at ζ the holdings come first; t(ζ) and Φ(ωζ) stand before those of Q̂ and Q̂' at ω^b ζ.
    powers = [pow(v, vector if b == 0 else 21 + 2 * (b - 1) + vector, MODULUS) for b in range(8)]
    shares = [lagrange_at(4096, SLOTS, x) for x in points]
    by_lot = [
        sum(a * power * share[i] for a, power, share in zip(away, powers, shares, strict=False)) % MODULUS
        for i, _ in enumerate(SLOTS)
    ]
    added = balanced(by_lot, error * away[0] % MODULUS)
    chosen = [(j, j + lots) for j, lots in zip(SLOTS, added, strict=True)]
    shown = publishing(insolvent, prefix, chosen)
    with pytest.raises(StatementFalse, match="solvency"):
        shown.prove()
    fields = with_prefix(prefix, *(f"public value {k}" for k, _ in enumerate(SLOTS, 1)))
    assert_bound_by(heard(insolvent), fields, lambda: check(shown, proof))


# --- the list itself ------------------------------------------------------------------------------------------------

ELSEWHERE = {"B", "limb width", "SRS hash", "public value k", "previous public value k"}
"""Items whose attacks are no replays in the tables above."""
WITHOUT_ATTACK = {"n", "limb count"}


def test_the_list_of_items_is_whole() -> None:
    """Every item has its value and its place, and all but two have an attack."""
    example = public_example(two_vectors=True)
    assert example.previous is not None
    key, sources, before = example.statement.key, example.sources, example.previous.sources
    word = {k: k.to_bytes(32, "big") for k in (0, 1, 2, 6, 7, 8, 11, 40, 100, 900, 4096, 31337, 2_000_000_000)}
    expected = {
        "n": word[4096],
        "B": word[8],
        "limb width": word[11],
        "limb count": word[7],
        "SRS hash": bytes.fromhex("d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7"),
        "key digest": keccak(key.encode()),
        "chain id": word[31337],
        "registry": bytes(12) + bytes.fromhex(REGISTRY[2:]),
        "fund": bytes(12) + bytes.fromhex(FUND[2:]),
        "epoch": word[7],
        "expiry": word[2_000_000_000],
        "program id": b"\x11" * 32,
        "book root": b"\x13" * 32,
        "source set hash": sources.hash,
        "previous epoch": word[6],
        "previous source set hash": before.hash,
    }
    for prefix, one, values in (("", sources, (900, 100)), ("previous ", before, (40, 2))):
        expected |= {
            f"{prefix}source count": word[2],
            f"{prefix}source 1 id": keccak(text=one.sources[0].source),
            f"{prefix}source 1 commitment": encode_point(one.sources[0].commitment),
            f"{prefix}source 2 id": keccak(text=one.sources[1].source),
            f"{prefix}source 2 commitment": encode_point(one.sources[1].commitment),
            f"{prefix}public count": word[2],
            f"{prefix}public slot 1": word[7],
            f"{prefix}public value 1": word[values[0]],
            f"{prefix}public slot 2": word[8],
            f"{prefix}public value 2": word[values[1]],
        }
    items = absorbed(key, replace(CONTEXT, book_root=b"\x13" * 32), sources, before)
    assert list(items.items()) == list(expected.items())

    attacked = {name for _, fields in (*REPLAYS.values(), *PREVIOUS.values()) for name in fields}
    attacked |= {name for p in EPOCHS.values() for name in with_prefix(p, "public count", "public slot 1")}
    every, some = ({re.sub(r"\d", "k", name) for name in names} for names in (items, attacked))
    assert every - some == ELSEWHERE | WITHOUT_ATTACK


def test_the_srs_hash_is_absorbed(small: Example, small_proof: bytes) -> None:
    """The same powers in another file: what is proved to readers of one file does not count for those of the other.

    Powers of another τ would be refused by (P.22), whatever the transcript says.
    """
    old = absorbed(small.statement.key, CONTEXT, small.sources)
    with patch("attest.proof.SRS_SHA256", b"\x5a" * 32):
        assert_bound_by(old, {"SRS hash"}, lambda: check(small, small_proof))
    check(small, small_proof)


@pytest.mark.parametrize("field", sorted(WITHOUT_ATTACK))
def test_parameters_are_absorbed(small: Example, small_proof: bytes, field: str) -> None:
    """Another n or another number of limbs is another system, in which nothing was found to replay.

    With another n all equations of a proof are others; with another number of limbs it has another length. What is left
    to show is that the item enters the transcript.
    """
    other = Transcript()
    for name, item in absorbed(small.statement.key, CONTEXT, small.sources).items():
        other.absorb_bytes(bytes(32) if name == field else item)
    with verifier_without(start_transcript=lambda *_: other), pytest.raises(ProofRejected, match="batched opening"):
        check(small, small_proof)
    check(small, small_proof)
