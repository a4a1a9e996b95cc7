"""A prover without scruples: it runs the honest rounds with a forged witness, forged columns and lies.

Every attack is shown twice: the true verifier rejects it, and a verifier that lacks exactly one check accepts
it. So each check is known to stand alone between the attacker and acceptance.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import flint
import pytest
from py_arkworks_bls12381 import G1Point

import attest.program.witness
import attest.prover
import attest.verifier
from attest.argument import Challenges, Evaluations, constraint_sum, powers_of
from attest.commitment import Holdings, SourceSet
from attest.errors import ProofRejected
from attest.field import MODULUS, domain, inverse
from attest.masking import PreviousHoldings, Vector, private_vectors
from attest.polynomial import coefficients, divide_by_vanishing, interpolate, lagrange_at
from attest.program import Entry, Kind, Parameters, Part, Program, ProgramBuilder, Witness, slacks
from attest.proof import Context, ProofWriter, start_transcript
from attest.prover import _Attempt
from attest.statement import Statement, StatementKey, build_statement
from attest.transcript import Transcript
from attest.verifier import verify
from tests.attest.examples import CONTEXT, Example, hold, seeded, small_layout, source_set

TRUE_LOTS = {1: 400, 2: 300, 3: 200, 4: 100}
TRUE_AUX = {5: -1300, 6: 0}
FALSE_SOLVENCY = {4: 5000}
FALSE_COUNT = {1: 340, 3: 170}
FALSE_CONE = {1: 8000, 3: 4000}
FALSE_GROSS = {1: 1_000_000, 2: 750_000, 3: 500_000}


def policy(
    *,
    debt_weight: int = 100,
    gross: int = 1,
    flags: int = 1,
    squares: int = 1,
    hinges: int = 4,
    exchanged: bool = False,
    previous_size: int = 0,
) -> Program:
    """Six limits that single lots break one at a time; the arguments weaken one limit each.

    Args:
        exchanged: solvency takes the third asset for the debt and the debt for the asset.
    """
    build = ProgramBuilder(7, aux=(5, 6), previous_size=previous_size)
    for j in range(1, 7):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
    for j in range(1, previous_size):
        build.add(f"variable/previous {j}", Kind.NONNEG, {}, previous={j: 1})
    asset, debt = (4, 3) if exchanged else (3, 4)
    build.add("solvency", Kind.NONNEG, {0: -50, 1: 90, 2: 80, asset: 90, debt: -debt_weight})
    shortfalls = [build.add(f"hinge/{s}", Kind.FREE, {1: -7 + s, 2: 5 - s, 5: -1}) for s in range(3)]
    tail = {Entry(i, Part.PLUS): hinges for i in shortfalls}
    build.add("expected shortfall", Kind.NONNEG, {0: 10_000, 5: -1}, weights=tail)
    losses = [build.add(f"loss/{s}", Kind.FREE, {0: 50, 1: s - 2, 2: 2 - s}) for s in range(4)]
    build.add("count", Kind.NONNEG, {0: 2}, flag_weights={Entry(i, Part.PLUS): flags for i in losses})
    factor = build.add("cone/factor", Kind.FREE, {1: 3, 2: -4})
    axis = build.add("cone/axis", Kind.NONNEG, {0: 10_000})
    both = {Entry(factor, part): squares for part in Part} | {Entry(axis, Part.PLUS): -1}
    build.add("cone/square", Kind.NONNEG, {6: -(2**77)}, square_weights=both)
    sizes = {Entry(j - 1, part): gross for j in (1, 2, 3) for part in Part}
    build.add("gross", Kind.NONNEG, {0: 1_000_000}, weights=sizes)
    build.add("equation", Kind.ZERO, {1: 1, 3: -2})
    if previous_size:
        change = build.add("turnover/change", Kind.FREE, {1: 1}, previous={1: -1})
        moved = {Entry(change, part): 1 for part in Part}
        build.add("turnover", Kind.NONNEG, {}, previous={0: 500}, weights=moved)
    return build.build()


def key_of(program: Program, example: Example) -> Statement:
    """The statement of another program under the example's hashes."""
    key = example.statement.key
    return build_statement(
        program,
        example.setup,
        layout=example.layout,
        policy_hash=key.policy_hash,
        market_hash=key.market_hash,
        previous_layout=example.layout if program.previous_size else None,
    )


def loose(key: StatementKey, **changes: Any) -> StatementKey:
    """A key with other fields that nobody validates."""
    with patch.object(StatementKey, "__post_init__", lambda _: None):
        return replace(key, **changes)


def scene(
    setup: Any,
    changes: Mapping[int, int] | None = None,
    *,
    program: Program | None = None,
    aux: Mapping[int, int] | None = None,
    previous_lots: Mapping[int, int] | None = None,
) -> Example:
    """The policy above with holdings that satisfy it, but for the changed lots."""
    layout = small_layout()
    program = program or policy(previous_size=layout.size if previous_lots is not None else 0)
    holdings = hold(layout, TRUE_LOTS, 300)
    holdings = with_lots(holdings, changes or {})
    previous = None
    if previous_lots is not None:
        before = with_lots(hold(layout, TRUE_LOTS, 400), previous_lots)
        previous = PreviousHoldings(before, source_set(layout, before, setup, epoch=6))
    statement = build_statement(
        program,
        setup,
        layout=layout,
        policy_hash=b"\x22" * 32,
        market_hash=b"\x33" * 32,
        previous_layout=layout if previous else None,
    )
    sources = source_set(layout, holdings, setup, epoch=7)
    values = dict(TRUE_AUX if aux is None else aux)
    return Example(layout, program, statement, holdings, sources, values, setup, previous)


def with_lots(holdings: Holdings, changes: Mapping[int, int]) -> Holdings:
    """Openings with other lots; the first source also takes what no source may open, such as slot 0."""
    owners = {j: i for i, opening in enumerate(holdings.openings) for j in opening.quantities}
    opened = [dict(opening.quantities) for opening in holdings.openings]
    for slot, lots in changes.items():
        opened[owners.get(slot, 0)][slot] = lots
    pairs = zip(holdings.openings, opened, strict=True)
    return replace(holdings, openings=tuple(replace(opening, quantities=lots) for opening, lots in pairs))


def vectors_of(example: Example) -> tuple[list[int], list[int]]:
    program, previous = example.program, example.previous
    before = previous.holdings.vector(program.previous_size, {}) if previous else []
    return example.holdings.vector(program.size, example.aux), before


def pretend(
    example: Example, overrides: Mapping[tuple[str, Part], int] | None = None, flags: frozenset[Entry] | None = None
) -> Witness:
    """Parts of a vector that need not satisfy anything: violated rows claim the slack 0."""
    program = example.program

    def values(_: Program, quantities: Sequence[int], previous: Sequence[int] = ()) -> list[int]:
        return [
            sum(a * quantities[j] for j, a in row.coefficients.items())
            + sum(a * previous[j] for j, a in row.previous.items())
            for row in program.rows
        ]

    with patch.object(attest.program.witness, "row_values", values):
        remaining = slacks(program, *vectors_of(example))
    rows = list(zip(program.rows, remaining, strict=True))
    plus = [max(v, 0) if row.kind is not Kind.ZERO else 0 for row, v in rows]
    minus = [max(-v, 0) if row.kind is Kind.FREE else 0 for row, v in rows]
    for (name, part), value in (overrides or {}).items():
        (plus if part is Part.PLUS else minus)[program.index(name)] = value
    raised = {
        entry
        for row in program.rows
        for entry in row.flag_weights
        if (plus if entry.part is Part.PLUS else minus)[entry.row] > 0
    }
    return Witness(tuple(plus), tuple(minus), frozenset(raised) if flags is None else flags)


@dataclass(frozen=True)
class Plan:
    """How a forgery leaves the protocol.

    Args:
        drop: the constraint that the quotient leaves out; without one the remainder is thrown away.
        limb: (entry, k): limb k absorbs what the entry's part has beyond its honest digits.
        flags: entry of the column → forged flag.
        multiplicities: entry → forged count.
    """

    drop: int | None = None
    limb: tuple[int, int] | None = None
    flags: tuple[tuple[int, int], ...] = ()
    multiplicities: tuple[tuple[int, int], ...] = ()


class Forger(_Attempt):
    """The honest attempt, with a plan."""

    plan = Plan()

    def commit_columns(self, columns: Sequence[Sequence[int]]) -> list[Future[G1Point]]:
        if len(columns) == self.parameters.limb_count + 2:
            self.tamper_first_columns()
        elif len(columns) == 1:
            self.tamper_running_sum(columns[0])
        return super().commit_columns(columns)

    def tamper_first_columns(self) -> None:
        for entry, flag in self.plan.flags:
            self.flag_column[entry] = flag % MODULUS
        for entry, count in self.plan.multiplicities:
            self.multiplicity_column[entry] = count % MODULUS
        if self.plan.limb:
            entry, k = self.plan.limb
            packing = self.parameters.packing
            part = (self.witness.minus if entry % packing else self.witness.plus)[entry // packing]
            self.digit = self.limb_columns[k][entry]
            others = sum(c[entry] << self.parameters.limb_width * i for i, c in enumerate(self.limb_columns) if i != k)
            scale = inverse(1 << self.parameters.limb_width * k)
            self.limb_columns[k][entry] = (part - others) * scale % MODULUS

    def round_1(self) -> None:
        super().round_1()
        if self.plan.limb:
            entry, k = self.plan.limb
            self.limb_columns[k][entry] = self.digit

    def linear_column(self) -> list[int]:
        """LIN, with what keeps the sum from closing taken away at the last active entry."""
        linear = super().linear_column()
        last = self.parameters.first_blinding_entry
        gamma = self.challenges.gamma
        counts = list(enumerate(self.multiplicity_column[:last]))
        looked_up = sum(m * inverse(gamma + e % (1 << self.parameters.limb_width)) for e, m in counts if m)
        digits: dict[int, int] = {}
        for column in self.limb_columns:
            for digit in column[:last]:
                digits[digit] = digits.get(digit, 0) + 1
        present = sum(count * inverse(gamma + digit) for digit, count in digits.items())
        excess = sum(linear[:last]) + (present - looked_up) * inverse(self.challenges.theta)
        linear[last - 1] -= excess
        self.excess = excess * self.challenges.theta % MODULUS
        return linear

    def tamper_running_sum(self, column: Any) -> None:
        last = self.parameters.first_blinding_entry
        if self.plan.drop == 6:
            for e in range(last):
                column[e] = (column[e] - self.excess) % MODULUS
        if self.plan.drop == 7:
            column[last] = self.excess

    def round_3(self) -> None:
        def weights(base: int, count: int) -> list[int]:
            powers = powers_of(base, count)
            if base == self.y and self.plan.drop is not None:
                powers[self.plan.drop] = 0
            return powers

        def divide(poly: Any, order: int) -> tuple[Any, bool]:
            quotient, exact = divide_by_vanishing(poly, order)
            return quotient, exact or self.plan.drop is None

        with (
            patch.object(attest.prover, "powers_of", weights),
            patch.object(attest.prover, "divide_by_vanishing", divide),
        ):
            super().round_3()

    def branch(self) -> Forger:
        """A copy that may go on differently from here."""
        other = copy.copy(self)
        other.writer = copy.copy(self.writer)
        other.writer.transcript = copy.copy(self.writer.transcript)
        other.writer._points, other.writer._scalars = list(self.writer._points), list(self.writer._scalars)
        return other

    def sum_at_zeta(self, evals: Evaluations) -> int:
        """What the verifier will compute from these evaluations."""
        p = self.parameters
        edge = [0, *range(p.first_blinding_entry, p.n)]
        lagrange = dict(zip(edge, lagrange_at(p.n, edge, self.zeta), strict=True))
        return constraint_sum(evals, self.challenges, self.y, self.zeta, p, lagrange)

    def sum_needed(self) -> int:
        """What the committed quotient asks for."""
        return int(self.quotient(self.zeta)) * (pow(self.zeta, self.parameters.n, MODULUS) - 1) % MODULUS


VectorForger = Callable[[Vector], Vector]


@contextmanager
def forging(
    example: Example,
    *,
    plan: Plan | None = None,
    witness: Witness | None = None,
    statement: Statement | None = None,
    instance: StatementKey | None = None,
    context: Context = CONTEXT,
    vectors: VectorForger | None = None,
    seed: int = 1,
    rounds: int = 5,
) -> Iterator[Forger]:
    """Run a forger; `statement` is what it computes with, `instance` what the transcript says."""
    statement = statement or example.statement
    previous = example.previous.sources if example.previous else None
    transcript = start_transcript(instance or example.statement.key, context, example.sources, previous)
    random_bytes = seeded(seed)
    built = private_vectors(statement.key, example.holdings, example.aux, example.previous, random_bytes)
    if vectors:
        built[0] = vectors(built[0])
    with ThreadPoolExecutor(2) as pool:
        writer = ProofWriter(transcript)
        attempt = Forger(example.setup, statement, witness or pretend(example), built, writer, pool, random_bytes)
        attempt.plan = plan or Plan()
        for step in (attempt.round_1, attempt.round_2, attempt.round_3, attempt.round_4, attempt.round_5)[:rounds]:
            step()
        yield attempt


def forge(example: Example, **options: Any) -> bytes:
    with forging(example, **options) as attempt:
        return attempt.writer.finish()


def check(example: Example, proof: bytes, key: StatementKey | None = None, context: Context = CONTEXT) -> None:
    previous = example.previous.sources if example.previous else None
    verify(example.setup, key or example.statement.key, context, example.sources, proof, previous)


@contextmanager
def verifier_without(**changes: Any) -> Iterator[None]:
    """A verifier in whose module some names mean something weaker."""
    with ExitStack() as stack:
        for name, value in changes.items():
            stack.enter_context(patch.object(attest.verifier, name, value))
        yield


def dropping_constraint(number: int) -> Any:
    """A verifier whose sum leaves out one constraint: the sum is a polynomial in y with the constraints in it."""

    def weaker(
        evals: Evaluations, challenges: Challenges, y: int, zeta: int, parameters: Parameters, lagrange: dict[int, int]
    ) -> int:
        samples = [constraint_sum(evals, challenges, x, zeta, parameters, lagrange) for x in domain(16)]
        single = coefficients(interpolate(samples))
        single[number] = 0
        return sum(c * power for c, power in zip(single, powers_of(y, len(single)), strict=True)) % MODULUS

    return verifier_without(constraint_sum=weaker)


def pinned_transcript(example: Example, context: Context = CONTEXT) -> Any:
    """A verifier whose transcript always begins with the example's own statement and context."""
    previous = example.previous.sources if example.previous else None
    return verifier_without(
        start_transcript=lambda *_: start_transcript(example.statement.key, context, example.sources, previous)
    )


# --- what the transcript absorbs of a statement (P.8) ---------------------------------------------------------------

STATEMENT = (
    "n", "B", "limb width", "limb count", "SRS hash", "key digest", "chain id", "registry", "fund", "epoch", "expiry",
    "program id", "book root", "source set hash",
)  # fmt: skip


def item_names(sources: SourceSet, previous: SourceSet | None) -> list[str]:
    """Names of the items of (P.8), in order; those of the previous epoch say so."""
    names = list(STATEMENT)
    if previous is not None:
        names += ["previous epoch", "previous source set hash"]
    for prefix, one in (("", sources), ("previous ", previous)):
        if one is not None:
            names.append(f"{prefix}source count")
            for k, _ in enumerate(one.sources, 1):
                names += [f"{prefix}source {k} id", f"{prefix}source {k} commitment"]
            names.append(f"{prefix}public count")
            for k, _ in enumerate(one.public_values, 1):
                names += [f"{prefix}public slot {k}", f"{prefix}public value {k}"]
    return names


class Recording(Transcript):
    def __init__(self) -> None:
        super().__init__()
        self.items: list[bytes] = []

    def absorb_bytes(self, item: bytes) -> None:
        self.items.append(item)
        super().absorb_bytes(item)


def absorbed(
    key: StatementKey, context: Context, sources: SourceSet, previous: SourceSet | None = None
) -> dict[str, bytes]:
    """What the honest code absorbs in step 0, by name."""
    with patch("attest.proof.Transcript", Recording):
        transcript = start_transcript(key, context, sources, previous)
    assert isinstance(transcript, Recording)
    return dict(zip(item_names(sources, previous), transcript.items, strict=True))


@contextmanager
def not_absorbing(old: Mapping[str, bytes], fields: set[str], but: str | None = None) -> Iterator[None]:
    """A verifier that hears of these fields what it heard in the old statement, and must find all others unchanged.

    Args:
        but: the one of the fields that it does hear.
    """

    def start(*statement: Any) -> Transcript:
        new = absorbed(*statement)
        names = list(new if len(new) > len(old) else old)
        assert {*old, *new} == {*names}
        assert {name for name in names if old.get(name) != new.get(name)} == fields
        transcript = Transcript()
        for name in names:
            item = (new if name == but else old).get(name)
            if item is not None:
                transcript.absorb_bytes(item)
        return transcript

    with verifier_without(start_transcript=start):
        yield


def assert_bound_by(old: Mapping[str, bytes], fields: set[str], verification: Callable[[], None]) -> None:
    """The honest verifier refuses; so does one that hears any single one of the fields; one that hears none accepts."""
    with pytest.raises(ProofRejected, match="batched opening"):
        verification()
    if len(fields) > 1:
        for field in sorted(fields):
            with not_absorbing(old, fields, but=field), pytest.raises(ProofRejected, match="batched opening"):
                verification()
    with not_absorbing(old, fields):
        verification()


def balanced(weights: list[int], missing: int) -> list[int]:
    """Integers near 2^60 with Σ weight·integer = missing mod r: the nearest point of a lattice (LLL, then Babai)."""
    first = inverse(weights[0])
    size = len(weights)
    basis = [[MODULUS, *[0] * (size - 1)]]
    basis += [[-w * first % MODULUS, *(int(i == j) for j in range(1, size))] for i, w in enumerate(weights) if i]
    reduced = flint.fmpz_mat(basis).lll()
    start = [missing * first % MODULUS, *[0] * (size - 1)]
    target = flint.fmpq_mat(flint.fmpz_mat([[2**60 - x for x in start]]))
    coordinates = target * flint.fmpq_mat(reduced).inv()
    whole = flint.fmpz_mat([[(coordinates[0, i] + flint.fmpq(1, 2)).floor() for i in range(size)]])
    near = whole * reduced
    return [start[i] + int(near[0, i]) for i in range(size)]
