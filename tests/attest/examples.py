"""Small and benchmark-sized programs with holdings that satisfy them, shared by the tests of `attest`."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Decimal

from attest.commitment import Holdings, SourceCommitment, SourceSet, open_source
from attest.field import RandomBytes
from attest.masking import PreviousHoldings
from attest.program import Entry, Kind, Layout, Owner, Part, Program, ProgramBuilder, Row, Slot
from attest.proof import Context
from attest.prover import prove
from attest.srs import Setup, load_setup
from attest.statement import Statement, build_statement

FUND = "0x00000000000000000000000000000000000000f1"
REGISTRY = "0x00000000000000000000000000000000000000a1"
CONTEXT = Context(chain_id=31337, registry=REGISTRY, expiry=2_000_000_000, program_id=b"\x11" * 32)
LARGE = 2**66


def seeded(seed: int) -> RandomBytes:
    """Reproducible randomness for tests."""
    return random.Random(seed).randbytes


@dataclass
class Example:
    """A statement, its holdings and signed sources."""

    layout: Layout
    program: Program
    statement: Statement
    holdings: Holdings
    sources: SourceSet
    aux: dict[int, int]
    setup: Setup
    previous: PreviousHoldings | None = None

    def prove(self, seed: int = 1, context: Context = CONTEXT) -> bytes:
        return prove(
            self.setup,
            self.statement,
            context,
            self.holdings,
            self.sources,
            self.aux,
            previous=self.previous,
            random_bytes=seeded(seed),
        )


def small_layout() -> Layout:
    """Two assets at custodian a, one at b, a debt at b, then aux slots t and u."""

    def held(source: str, asset: str, sign: int = 1) -> Slot:
        return Slot(Owner.SOURCE, asset, Decimal(1), sign, source)

    aux = [Slot(Owner.AUX, name, Decimal(1), 0, signed=name == "t") for name in ("t", "u")]
    return Layout((held("a", "X"), held("a", "Y"), held("b", "X"), held("b", "USD", -1), *aux))


def small_program(size: int, extra_rows: int = 0, previous_size: int = 0) -> Program:
    """All weight families at once: hinge sum, flag count, squares, absolute values, an equation."""
    build = ProgramBuilder(size, aux=(5, 6), previous_size=previous_size)
    for j in range(1, size):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
    for j in range(1, previous_size):
        build.add(f"variable/previous {j}", Kind.NONNEG, {}, previous={j: 1})
    build.add("solvency", Kind.NONNEG, {0: -50, 1: 90, 2: 80, 3: 90, 4: -100})
    hinges = [build.add(f"hinge/{s}", Kind.FREE, {1: -7 + s, 2: 5 - s, 5: -1}) for s in range(3)]
    build.add("hinge sum", Kind.NONNEG, {0: LARGE, 5: -1}, weights={Entry(h, Part.PLUS): 4 for h in hinges})
    losses = [build.add(f"loss/{s}", Kind.FREE, {1: s - 2, 3: 2 - s, 4: 1}) for s in range(4)]
    build.add("count", Kind.NONNEG, {0: 4}, flag_weights={Entry(i, Part.PLUS): 1 for i in losses})
    factor = build.add("cone/factor", Kind.FREE, {1: 3, 2: -4})
    axis = build.add("cone/axis", Kind.NONNEG, {0: 10_000})
    both = {Entry(factor, Part.PLUS): 1, Entry(factor, Part.MINUS): 1, Entry(axis, Part.PLUS): -1}
    build.add("cone/square", Kind.NONNEG, {6: -(2**77)}, square_weights=both)
    gross = {Entry(j - 1, part): 1 for j in (1, 2, 3) for part in Part}
    build.add("gross", Kind.NONNEG, {0: 1_000_000}, weights=gross)
    build.add("equation", Kind.ZERO, {1: 1, 3: -2})
    for i in range(extra_rows):
        build.add(f"padding/{i}", Kind.NONNEG, {0: i})
    if previous_size:
        change = build.add("turnover/change", Kind.FREE, {1: 1}, previous={1: -1})
        build.add("turnover", Kind.NONNEG, {0: 500}, weights={Entry(change, part): 1 for part in Part})
    return build.build()


def source_set(layout: Layout, holdings: Holdings, setup: Setup, epoch: int) -> SourceSet:
    signed = [
        SourceCommitment(
            fund=FUND,
            epoch=epoch,
            as_of=1_579_219_200,
            source=opening.source,
            role=0,
            layout_hash=layout.hash,
            owned_slots_hash=layout.owned_slots_hash(opening.source),
            commitment=opening.commitment(setup),
            expiry=2_000_000_000,
            nonce=epoch,
        )
        for opening in holdings.openings
    ]
    return SourceSet(tuple(sorted(signed, key=lambda s: s.id)))


def hold(layout: Layout, lots: dict[int, int], seed: int) -> Holdings:
    return Holdings(
        tuple(
            open_source(layout, name, {j: lots[j] for j in layout.owned_by(name)}, seeded(seed + i))
            for i, name in enumerate(layout.sources)
        )
    )


def small_example(extra_rows: int = 0, two_vectors: bool = False) -> Example:
    """Rows for packing 8, or 4 and 2 with enough padding rows."""
    setup, layout = load_setup(), small_layout()
    lots = {1: 400, 2: 300, 3: 200, 4: 500}
    holdings = hold(layout, lots, 100)
    previous = None
    if two_vectors:
        before = hold(layout, {**lots, 1: 700}, 200)
        previous = PreviousHoldings(before, source_set(layout, before, setup, epoch=6))
    program = small_program(layout.size, extra_rows, layout.size if two_vectors else 0)
    statement = build_statement(
        program,
        setup,
        layout=layout,
        policy_hash=b"\x22" * 32,
        market_hash=b"\x33" * 32,
        previous_layout=layout if two_vectors else None,
    )
    sources = source_set(layout, holdings, setup, epoch=7)
    # (3·400 − 4·300)² − 10000² = −10⁸, and the square row's surplus above 2^77 goes to u.
    return Example(layout, program, statement, holdings, sources, {5: -3, 6: 0}, setup, previous)


def public_example(two_vectors: bool = False) -> Example:
    """The small program with two public slots more, 7 and 8, whose values enter a limit."""
    setup, small = load_setup(), small_layout()
    layout = Layout((*small.slots, *(Slot(Owner.PUBLIC, name, Decimal(1), 1) for name in ("P", "R"))))
    values = ((7, 900), (8, 100))
    lots = {1: 400, 2: 300, 3: 200, 4: 500}
    holdings = replace(hold(layout, lots, 100), public_values=values)
    previous = None
    if two_vectors:
        before = replace(hold(layout, {**lots, 1: 700}, 200), public_values=((7, 40), (8, 2)))
        previous_set = replace(source_set(layout, before, setup, epoch=6), public_values=before.public_values)
        previous = PreviousHoldings(before, previous_set)
    program = small_program(layout.size, previous_size=layout.size if two_vectors else 0)
    limit = Row("published", Kind.NONNEG, {1: -2, 7: 1, 8: -1}, {7: 1} if two_vectors else {})
    program = replace(program, rows=(*program.rows, limit))
    statement = build_statement(
        program,
        setup,
        layout=layout,
        policy_hash=b"\x22" * 32,
        market_hash=b"\x33" * 32,
        previous_layout=layout if two_vectors else None,
    )
    sources = replace(source_set(layout, holdings, setup, epoch=7), public_values=values)
    return Example(layout, program, statement, holdings, sources, {5: -3, 6: 0}, setup, previous)


def with_sources(example: Example, sources: SourceSet) -> Example:
    return replace(example, sources=sources)
