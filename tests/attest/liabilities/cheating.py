"""A prover that deviates, and verifiers without one of their constraints (protocol §9).

`cheat` proves whatever columns it is given: where they break a constraint it divides as if they did not. Such a proof
is rejected; without that one constraint it is accepted, so nothing else stands in its way.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from attest import Setup
from attest.commitment import BLINDING_SLOT
from attest.curve import msm
from attest.field import MODULUS, inverse
from attest.liabilities import BookTerms, ChunkCommitments, ChunkContent, ChunkStatement, ClaimsSlot, book_root, prover
from attest.liabilities import proof as shared
from attest.liabilities.book import CAPACITY, CurrencyCommitments
from attest.polynomial import Polynomial, divide_by_vanishing
from attest.range_check import HELPER_LIMBS

SEED = bytes(range(32))
FUND = "0x00000000000000000000000000000000000000f1"


def terms_of(slots: Sequence[int], count: int, epoch: int = 1) -> BookTerms:
    """A book of claims in cents."""
    return BookTerms(FUND, epoch, tuple(ClaimsSlot(slot, f"claim-{slot}", Decimal("0.01")) for slot in slots), count)


def content_of(*balances: Sequence[int]) -> ChunkContent:
    """A chunk whose first accounts have these balances, a column for each currency."""
    identifiers = [(1_000_003 * (e + 1)) % MODULUS for e in range(CAPACITY)]
    return ChunkContent(identifiers, [[*column, *[0] * (CAPACITY - len(column))] for column in balances])


@dataclass
class Cheat:
    """What a dishonest prover puts where.

    Args:
        limbs: changes to a limb's column: (limb, entry) → value, any element of the field.
        slots: what C_out holds: slot → value; what is left out of it is 0. None is the honest total.
        helper: replaces the helpers, given the honest ones; start: Φ at entry 0.
        multiplicities: what is added to m at an entry.
    """

    limbs: dict[tuple[int, int], int] = field(default_factory=dict)
    slots: dict[int, int] | None = None
    helper: Callable[[list[list[int]]], None] = lambda columns: None
    start: int = 0
    close: bool = False
    multiplicities: dict[int, int] = field(default_factory=dict)


def cheat(setup: Setup, content: ChunkContent, slot: int, deviation: Cheat) -> tuple[ChunkStatement, bytes]:
    """A book of one chunk and currency, and a proof of it, with every constraint met that can be."""
    columns = prover._columns(content, 0, SEED)
    limbs = [list(column) for column in columns.limbs[0]]
    for (limb, entry), value in deviation.limbs.items():
        limbs[limb][entry] = value % MODULUS
    values = [sum(limbs[k][e] << (11 * k) for k in range(7)) % MODULUS for e in range(CAPACITY)]
    held = deviation.slots if deviation.slots is not None else {slot: sum(values) % MODULUS}
    counts = list(columns.multiplicities[0])
    for entry, change in deviation.multiplicities.items():
        counts[entry] = (counts[entry] + change) % MODULUS
    total_column = {**held, BLINDING_SLOT: columns.total_blindings[0]}
    total = msm([setup.lagrange[j] for j in total_column], [v % MODULUS for v in total_column.values()])
    committed = ChunkCommitments(
        msm(setup.lagrange, columns.identifiers),
        (CurrencyCommitments(tuple(msm(setup.lagrange, limb) for limb in limbs), total),),
    )
    terms = terms_of((slot,), 1)
    statement = ChunkStatement(book_root(terms, [committed]), terms, 0, 0, committed)
    dishonest = prover._Columns(columns.identifiers, [limbs], [counts], columns.total_blindings)

    def helpers(columns: Sequence[Sequence[int]], inverses: Sequence[int]) -> list[list[int]]:
        gamma = inverse(inverses[0])
        found = [
            [sum(inverse(gamma + columns[k][e]) for k in group) % MODULUS for e in range(CAPACITY)]
            for group in HELPER_LIMBS
        ]
        deviation.helper(found)
        return found

    def running(
        helper_columns: Sequence[Sequence[int]],
        multiplicities: Sequence[int],
        inverses: Sequence[int],
        _: Sequence[int],
        theta: int,
    ) -> list[int]:
        linear = [(values[e] - held.get(e, 0) * (e == slot)) % MODULUS for e in range(CAPACITY)]
        column = [deviation.start]
        for e in range(CAPACITY):
            lookup = multiplicities[e] * inverses[e & (len(inverses) - 1)]
            column.append((column[-1] + sum(h[e] for h in helper_columns) - lookup + theta * linear[e]) % MODULUS)
        if deviation.close:
            missing = column[-1]
            column = [(x - missing) % MODULUS for x in column] if deviation.start else [*column[:-1], 0]
        return column

    def divide(poly: Polynomial, order: int) -> tuple[Polynomial, bool]:
        return divide_by_vanishing(poly, order)[0], True

    def totals_column(values: list[int]) -> Polynomial:
        column = [0] * 4096
        for j, value in total_column.items():
            column[j] = value % MODULUS
        return original(column) if values[BLINDING_SLOT] == columns.total_blindings[0] else original(values)

    original = prover.interpolate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prover, "helper_columns", helpers)
        patch.setattr(prover, "running_sum", running)
        patch.setattr(prover, "divide_by_vanishing", divide)
        patch.setattr(prover, "interpolate", totals_column)
        return statement, prover._attempt(setup, statement, content, dishonest, prover.stream(SEED, b"cheat"))


@contextmanager
def without_constraint(number: int) -> Iterator[None]:
    """Prover and verifier that both leave one constraint out."""

    def weights(y: int) -> list[int]:
        return [0 if k == number else weight for k, weight in enumerate(shared.powers_of(y, 7))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "constraint_weights", weights)
        patch.setattr(prover, "constraint_weights", weights)
        yield
