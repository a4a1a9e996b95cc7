"""Random programs with vectors that satisfy them: rows of all kinds, aggregates of all families, slots of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from attest.commitment import Holdings, SourceSet
from attest.masking import PreviousHoldings
from attest.program import Entry, Kind, Layout, Owner, Part, Program, ProgramBuilder, Slot
from attest.srs import Setup
from attest.statement import build_statement
from tests.attest.examples import Example, hold, source_set

LIMIT = 2**77 - 1
POLICY_HASH, MARKET_HASH = b"\x02" * 32, b"\x03" * 32
TARGETS = 9
"""Aggregates in a random program: each is a commitment of the key, which takes longer than all else."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a random program.

    Args:
        rows: ρ; slots: N − 1; previous: N' − 1, None with one vector.
        owners: whose the slots behind the first are, which is a source's.
    """

    rows: int
    slots: int
    previous: int | None = None
    owners: tuple[Owner, ...] = tuple(Owner)

    def __str__(self) -> str:
        before = "" if self.previous is None else f" and {self.previous} before"
        return f"{self.rows} rows, {self.slots} slots{before}" + (", aux" if len(self.owners) == 1 else "")


def magnitude(rng: Random) -> int:
    """In [0, 2^77), often an end of it."""
    return rng.choice((0, 1, LIMIT - 1, LIMIT, LIMIT, rng.randrange(1000), rng.randrange(LIMIT)))


def factor(rng: Random) -> int:
    """A coefficient or weight of any size up to 2^90, at which no term comes near r."""
    return rng.randrange(1, 2 ** rng.choice((1, 11, 90)))


def random_vector(rng: Random, slots: int, owners: tuple[Owner, ...]) -> tuple[Layout, list[int]]:
    """A layout and a quantity for each of its slots; nobody's are 0."""
    listed, quantities = list[Slot](), [1]
    for j in range(1, slots + 1):
        owner = rng.choice(owners) if j > 1 else Owner.SOURCE
        held = owner in (Owner.SOURCE, Owner.PUBLIC)
        sign = rng.choice((-1, 0, 1)) if held else 0
        signed = rng.random() < 0.5 and (sign > 0 or not held)
        listed.append(Slot(owner, f"X{j}", Decimal(1), sign, rng.choice("ab") if owner is Owner.SOURCE else "", signed))
        negative = signed and owner is not Owner.PUBLIC and rng.random() < 0.7
        quantities.append(0 if owner is Owner.UNUSED else magnitude(rng) * (-1 if negative else 1))
    return Layout(tuple(listed)), quantities


Families = tuple[dict[Entry, int], dict[Entry, int], dict[Entry, int]]
"""Weights of parts, of flags and of squares."""


def random_weights(rng: Random, kinds: list[Kind], values: list[int], readable: list[int]) -> Families:
    """Weights of all three families, a part at an end of the range among what each reads.

    Args: kinds, values: of the rows; readable: rows that are no targets.
    """
    families: Families = ({}, {}, {})
    largest = [i for i in readable if abs(values[i]) == LIMIT] or readable
    for family in families:
        for row in {*rng.choices(readable, k=3), rng.choice(largest)}:
            entry = Entry(row, Part.MINUS if values[row] < 0 or rng.random() < 0.2 else Part.PLUS)
            pinned = kinds[row] == Kind.NONNEG and entry.part == Part.PLUS and family is not families[1]
            family[entry] = factor(rng) * (rng.choice((-1, 1)) if pinned else 1)
    return families


def aggregate(families: Families, values: list[int]) -> int:
    """What a target takes off its row's value. (P.1)"""

    def part(entry: Entry) -> int:
        return max(values[entry.row] if entry.part == Part.PLUS else -values[entry.row], 0)

    weights, flag_weights, square_weights = families
    total = sum(weight * part(entry) for entry, weight in weights.items())
    total += sum(weight for entry, weight in flag_weights.items() if part(entry))
    return total + sum(weight * part(entry) ** 2 for entry, weight in square_weights.items())


@dataclass
class Drawn:
    """A program with vectors that satisfy it."""

    program: Program
    layout: Layout
    quantities: list[int]
    before: Layout | None
    previous: list[int]


def random_program(shape: Shape, seed: int) -> Drawn:
    """Rows of all kinds and aggregates of all families, each met by the choice of its constant alone."""
    rng = Random(seed)
    layout, quantities = random_vector(rng, shape.slots, shape.owners)
    before, previous = None, list[int]()
    if shape.previous is not None:
        before, previous = random_vector(rng, shape.previous, shape.owners)
        empty = before.of(Owner.AUX)
        previous = [0 if j in empty else lots for j, lots in enumerate(previous)]
    build = ProgramBuilder(layout.size, aux=layout.of(Owner.AUX), previous_size=len(previous))
    kinds = [Kind.FREE if slot.signed else Kind.NONNEG for held in (layout, before) if held for slot in held.slots]
    values = [*quantities[1:], *previous[1:]]
    for j in range(1, layout.size):
        build.add(f"variable/{j}", kinds[j - 1], {j: 1})
    for j in range(1, len(previous)):
        build.add(f"variable/previous {j}", kinds[layout.size + j - 2], {}, previous={j: 1})

    # Which rows are targets is drawn first: they read what stands before them and behind.
    others = range(len(kinds), shape.rows)
    targets = set(rng.sample(others, min(TARGETS, len(others) // 2)))
    for i in others:
        kinds.append(Kind.NONNEG if i in targets else rng.choice(list(Kind)))
        sign = {Kind.FREE: rng.choice((-1, 1)), Kind.NONNEG: 1, Kind.ZERO: 0}[kinds[i]]
        values.append(magnitude(rng) * sign)
    readable = [i for i in range(shape.rows) if i not in targets]
    compared = [j for j in range(1, len(previous)) if before and before[j].owner is not Owner.AUX]
    for i in others:
        own = {j: rng.choice((-1, 1)) * factor(rng) for j in rng.sample(range(1, layout.size), min(3, shape.slots))}
        earlier = {j: rng.choice((-1, 1)) * factor(rng) for j in rng.sample(compared, min(2, len(compared)))}
        families = random_weights(rng, kinds, values, readable) if i in targets else ({}, {}, {})
        known = sum(a * quantities[j] for j, a in own.items()) + sum(a * previous[j] for j, a in earlier.items())
        constant = values[i] + aggregate(families, values) - known
        weights, flag_weights, square_weights = families
        build.add(
            f"row/{i}",
            kinds[i],
            {0: constant, **own},
            previous=earlier,
            weights=weights,
            flag_weights=flag_weights,
            square_weights=square_weights,
        )
    return Drawn(build.build(), layout, quantities, before, previous)


def random_example(setup: Setup, shape: Shape, seed: int) -> Example:
    """A random program with its key and commitments."""
    drawn = random_program(shape, seed)

    def committed(layout: Layout, quantities: list[int], epoch: int) -> tuple[Holdings, SourceSet]:
        public = tuple((j, quantities[j]) for j in layout.of(Owner.PUBLIC))
        holdings = replace(hold(layout, dict(enumerate(quantities)), seed + epoch), public_values=public)
        return holdings, replace(source_set(layout, holdings, setup, epoch), public_values=public)

    holdings, sources = committed(drawn.layout, drawn.quantities, 7)
    previous = PreviousHoldings(*committed(drawn.before, drawn.previous, 6)) if drawn.before else None
    statement = build_statement(
        drawn.program,
        setup,
        layout=drawn.layout,
        previous_layout=drawn.before,
        policy_hash=POLICY_HASH,
        market_hash=MARKET_HASH,
    )
    aux = {j: drawn.quantities[j] for j in drawn.program.aux}
    return Example(drawn.layout, drawn.program, statement, holdings, sources, aux, setup, previous)
