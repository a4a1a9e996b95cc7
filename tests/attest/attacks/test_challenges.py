"""Challenges that a prover knows too early, or that are zero: each lets an insolvent fund through.

A challenge is worth what was absorbed before it. A verifier whose transcript leaves one message out lets the prover
choose that message with the challenge in hand. ζ = 0 has no attack here: the verifier refuses it by name.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate
from typing import Any
from unittest.mock import patch

import pytest

import attest.prover
from attest.errors import ProofRejected
from attest.field import MODULUS, inverse
from attest.kzg import batch_quotient
from attest.polynomial import Polynomial, polynomial
from attest.program import Part, Witness
from attest.proof import start_transcript
from attest.range_check import HELPER_LIMBS, helper_columns, quotient_chunks, split
from attest.srs import Setup
from attest.transcript import Transcript
from tests.attest.attacks import forger
from tests.attest.attacks.forger import (
    FALSE_SOLVENCY,
    Forger,
    Plan,
    balanced,
    check,
    forge,
    forging,
    pretend,
    scene,
    verifier_without,
)
from tests.attest.attacks.lies import NAMES, send, solved, spoken, true_values
from tests.attest.attacks.removal import without
from tests.attest.examples import CONTEXT, Example

LIMBS, MULTIPLICITIES, HELPERS, QUOTIENT = range(1, 8), range(8, 9), range(10, 14), range(14, 18)
VALUES, OPENING = range(18, 52), range(52, 53)
"""What the transcript absorbs after the statement, by number: with one vector and B = 8, [b] is 0 and [W'] is 53."""
GAMMA, BETA, THETA, Y, ZETA, V, U = range(7)
"""The challenges, in the order in which they are drawn."""


class Weak(Transcript):
    """A transcript that does not hear some messages, or draws some challenges as zero or as others before them.

    Args:
        deaf_to: numbers of messages; zero: of challenges, from γ, β, θ to u.
        again: number of a challenge → number of the earlier one that it repeats.
        unnoticed: whether a message that was not heard counts as absorbed where a challenge asks for one.
    """

    def __init__(
        self,
        example: Example,
        deaf_to: Iterable[int] = (),
        zero: Iterable[int] = (),
        again: Mapping[int, int] | None = None,
        unnoticed: bool = True,
    ) -> None:
        super().__init__()
        self._state = start_transcript(example.statement.key, CONTEXT, example.sources, None).state
        self._skipped, self._zero, self._again, self._unnoticed = set(deaf_to), set(zero), again or {}, unnoticed
        self._heard = 0
        self._drawn: tuple[int, ...] = ()

    def absorb_bytes(self, item: bytes) -> None:
        if self._heard in self._skipped:
            self._fresh = self._fresh or self._unnoticed
        else:
            super().absorb_bytes(item)
        self._heard += 1

    def challenges(self, count: int) -> list[int]:
        for value in super().challenges(count):
            number = len(self._drawn)
            repeated = self._drawn[self._again[number]] if number in self._again else value
            self._drawn = (*self._drawn, 0 if number in self._zero else repeated)
        return list(self._drawn[-count:])

    def foreseen(self) -> int:
        """The next challenge, before the message that it should depend on."""
        ahead = copy.copy(self)
        ahead._fresh = True
        return ahead.challenge()


@pytest.fixture(scope="module")
def insolvent(setup: Setup) -> Example:
    return scene(setup, FALSE_SOLVENCY)


@contextmanager
def weakly(example: Example, **weakness: Any) -> Iterator[Any]:
    """Forgers run on the weak transcript; yields a maker of verifiers that run on it too."""
    with patch.object(forger, "start_transcript", lambda *_: Weak(example, **weakness)):
        yield lambda: verifier_without(start_transcript=lambda *_: Weak(example, **weakness))


def assert_only(example: Example, proof: bytes, weak_verifier: Any) -> None:
    with weak_verifier():
        check(example, proof)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(example, proof)


def test_multiplicities_forged_after_gamma_and_theta(insolvent: Example) -> None:
    """[m] chosen when γ and θ are known: one count takes up what solvency lacks. (P.13)"""
    with weakly(insolvent, deaf_to=MULTIPLICITIES) as weak_verifier:
        with forging(insolvent, plan=Plan(drop=7), rounds=2) as first:
            lacking, gamma, counted = first.excess, first.challenges.gamma, first.multiplicity_column[0]
        proof = forge(insolvent, plan=Plan(multiplicities=((0, counted + lacking * gamma),)))
    assert_only(insolvent, proof, weak_verifier)


PINNED = ("variable/1", "variable/2", "variable/3", "variable/4", "variable/6", "solvency", "expected shortfall")
"""Rows whose plus parts enter LIN linearly."""


def test_rows_that_cancel_under_a_known_beta(insolvent: Example) -> None:
    """With α in hand the error in one row is made up by errors in others: parts in range whose fold is 0. (P.12)"""
    program, honest = insolvent.program, pretend(insolvent)
    rows = [program.index(name) for name in PINNED]
    with weakly(insolvent, deaf_to=[*LIMBS, *MULTIPLICITIES]) as weak_verifier:
        with forging(insolvent, rounds=2) as first:
            missing = -first.excess * inverse(first.challenges.theta)
            folded = [first.kernel_column[8 * i] + first.weight_columns[0][8 * i] for i in rows]
        plus = list(honest.plus)
        for i, more in zip(rows, balanced([w % MODULUS for w in folded], missing % MODULUS), strict=True):
            plus[i] += more
        assert all(0 <= part < 2**77 for part in plus)
        proof = forge(insolvent, witness=replace(honest, plus=tuple(plus)))
    assert_only(insolvent, proof, weak_verifier)


class Cancelling(Forger):
    """Breaks constraints 1 and 6 at entry 0 so that they cancel under a known y."""

    def linear_column(self) -> list[int]:
        self.honest = attest.prover._Attempt.linear_column(self)
        super().linear_column()
        return self.honest


def test_constraints_that_cancel_under_a_known_y(insolvent: Example) -> None:
    """With y in hand Φ starts at what solvency lacks, and a false helper of the same entry makes up for it. (P.19)"""
    with weakly(insolvent, deaf_to=HELPERS) as weak_verifier:
        with forging(insolvent, plan=Plan(drop=7), rounds=2) as first:
            lacking, gamma, y = first.excess, first.challenges.gamma, first.y
            pair = (gamma + first.limb_columns[3][0]) * (gamma + first.limb_columns[4][0])
        ratio = pair * pow(y, -5, MODULUS) % MODULUS
        lie = -lacking * inverse(1 - ratio) % MODULUS

        def lying(*arguments: Any) -> list[list[int]]:
            columns = helper_columns(*arguments)
            columns[1][0] = (columns[1][0] + lie) % MODULUS
            return columns

        def from_elsewhere(helpers: Any, counts: Any, inverses: Any, linear: Any, theta: int) -> list[int]:
            column = [-lie * ratio % MODULUS]
            for e, count in enumerate(counts):
                step = sum(h[e] for h in helpers) - count * inverses[e & (len(inverses) - 1)] + theta * linear[e]
                column.append((column[-1] + step) % MODULUS)
            assert column[-1] == 0
            return column

        with (
            patch.object(forger, "Forger", Cancelling),
            patch.object(attest.prover, "helper_columns", lying),
            patch.object(attest.prover, "running_sum", from_elsewhere),
        ):
            proof = forge(insolvent)
    assert_only(insolvent, proof, weak_verifier)


def test_a_quotient_chosen_after_zeta(insolvent: Example) -> None:
    """With ζ in hand a wrong quotient gets the right value at that one point. (P.19)"""
    with weakly(insolvent, deaf_to=QUOTIENT) as weak_verifier:
        with forging(insolvent, rounds=4) as first:
            claimed = first.sum_at_zeta(first.evals) * inverse(pow(first.zeta, 4096, MODULUS) - 1)
            missing = (claimed - int(first.quotient(first.zeta))) % MODULUS

        def adjusted(*arguments: Any) -> list[Polynomial]:
            chunks = quotient_chunks(*arguments)
            return [chunks[0] + polynomial([missing]), *chunks[1:]]

        with patch.object(attest.prover, "quotient_chunks", adjusted):
            proof = forge(insolvent)
    assert_only(insolvent, proof, weak_verifier)


def test_lies_that_cancel_under_a_known_v(insolvent: Example) -> None:
    """With v in hand two false evaluations leave the batch as it was. (P.20)"""
    up, down = NAMES.index("m"), NAMES.index("h0")
    with weakly(insolvent, deaf_to=VALUES) as weak_verifier, forging(insolvent, rounds=3) as attempt:
        values, v = true_values(attempt), attempt.writer.transcript.foreseen()  # type: ignore[attr-defined]
        ratio = pow(v, up - down, MODULUS)
        lies = solved(attempt, lambda d: {up: values[up] + d, down: values[down] - d * ratio})
        proof, _ = send(attempt, {i: value % MODULUS for i, value in lies.items()})
    assert_only(insolvent, proof, weak_verifier)


def opened_falsely(attempt: Forger, u_of: Callable[[Forger], int]) -> bytes:
    """A proof with a false evaluation, and [W] shifted until it opens at u.

    Args:
        u_of: what u will be, from the attempt as it stands after v.
    """
    position = NAMES.index("m")
    truth = true_values(attempt)[position]
    lies = solved(attempt, lambda d: {position: (truth + d) % MODULUS})
    branch = spoken(attempt, lies)
    away = inverse(u_of(branch) - attempt.zeta)
    shift = -pow(branch.v, position, MODULUS) * (lies[position] - truth) * away % MODULUS
    with patch.object(attest.prover, "batch_quotient", lambda groups: batch_quotient(groups) + polynomial([shift])):
        branch.round_5()
    return branch.writer.finish()


def foreseen(branch: Forger) -> int:
    return branch.writer.transcript.foreseen()  # type: ignore[attr-defined,no-any-return]


def test_an_opening_chosen_after_u(insolvent: Example) -> None:
    """With u in hand [W] is shifted until a false evaluation opens at u. (P.21)"""
    with weakly(insolvent, deaf_to=OPENING) as weak_verifier, forging(insolvent, rounds=3) as attempt:
        proof = opened_falsely(attempt, foreseen)
    assert_only(insolvent, proof, weak_verifier)


def test_v_used_again_as_u(insolvent: Example) -> None:
    """[W] is absorbed, but u is v once more, which is known when [W] is chosen. (P.21)"""
    with weakly(insolvent, again={U: V}) as weak_verifier, forging(insolvent, rounds=3) as attempt:
        proof = opened_falsely(attempt, lambda branch: branch.v)
    assert_only(insolvent, proof, weak_verifier)


def test_a_round_that_nobody_absorbs(insolvent: Example) -> None:
    """A verifier that forgets [W] comes to u with nothing absorbed since v: `challenges` raises, or u is foreseen."""
    with weakly(insolvent, deaf_to=OPENING), forging(insolvent, rounds=3) as attempt:
        proof = opened_falsely(attempt, foreseen)
    forgetful = verifier_without(start_transcript=lambda *_: Weak(insolvent, deaf_to=OPENING, unnoticed=False))
    with forgetful:
        with pytest.raises(RuntimeError, match="without anything absorbed"):
            check(insolvent, proof)
        with without(Transcript.challenges, "without anything absorbed"):
            check(insolvent, proof)


def test_evaluations_of_another_proof_under_a_known_v(setup: Setup, insolvent: Example) -> None:
    """All values at ζ are those of a solvent fund's proof, but for two that keep constraints and batch in balance."""
    up, down, count = NAMES.index("m"), NAMES.index("h0"), NAMES.index("Φ(ωζ)")
    with forging(scene(setup), rounds=3) as solvent:
        other = true_values(solvent)
    with weakly(insolvent, deaf_to=VALUES) as weak_verifier, forging(insolvent, rounds=3) as attempt:
        values, v = true_values(attempt), attempt.writer.transcript.foreseen()  # type: ignore[attr-defined]
        powers = [pow(v, i, MODULUS) for i in range(count)]

        def lies(d: int) -> dict[int, int]:
            sent = {i: other[i] for i in range(count)} | {up: d, down: values[down]}
            moved = sum(powers[i] * (value - values[i]) for i, value in sent.items())
            return sent | {down: (values[down] - moved * inverse(powers[down])) % MODULUS}

        proof, _ = send(attempt, solved(attempt, lies))
    assert_only(insolvent, proof, weak_verifier)


# --- challenges that are zero ---------------------------------------------------------------------------------------


def test_gamma_that_is_zero(insolvent: Example) -> None:
    """With γ = 0 nothing is asked where limbs are 0, nor of Φ where the table is: its step takes up the rest.

    Every part is claimed as 0, with no helper and no multiplicity. (P.10), (P.13)
    """
    rows = len(insolvent.program.rows)
    nothing = Witness((0,) * rows, (0,) * rows, frozenset())

    def uncounted(*arguments: Any) -> tuple[list[list[int]], list[int]]:
        limbs, counts = split(*arguments)
        return limbs, [0] * len(counts)

    def stepping(helpers: Any, counts: Any, inverses: Any, linear: Any, theta: int) -> list[int]:
        steps = [theta * value for value in linear[: len(counts)]]
        return [0, *(value % MODULUS for value in accumulate(steps[1:], initial=-sum(steps[1:])))]

    with (
        weakly(insolvent, zero={GAMMA}) as weak_verifier,
        patch.object(Forger, "linear_column", attest.prover._Attempt.linear_column),
        patch.object(attest.prover, "split", uncounted),
        patch.object(attest.prover, "table_inverses", lambda *_: []),
        patch.object(attest.prover, "helper_columns", lambda limbs, _: [[0] * len(limbs[0]) for _ in HELPER_LIMBS]),
        patch.object(attest.prover, "running_sum", stepping),
    ):
        proof = forge(insolvent, witness=nothing)
    assert_only(insolvent, proof, weak_verifier)


def test_beta_that_is_zero(insolvent: Example) -> None:
    """With β = 0 all rows weigh the same, and the gross limit gives solvency what it has to spare. (P.12)"""
    honest, program = pretend(insolvent), insolvent.program
    lacking = sum(a * q for a, q in zip((-50, 90, 80, 90, -100), (1, 400, 300, 200, 5000), strict=True))
    spare = honest.plus[program.index("gross")] + lacking
    assert lacking < 0 <= spare
    with weakly(insolvent, zero={BETA}) as weak_verifier:
        proof = forge(insolvent, witness=pretend(insolvent, {("gross", Part.PLUS): spare}))
    assert_only(insolvent, proof, weak_verifier)


def test_theta_that_is_zero(insolvent: Example) -> None:
    """With θ = 0 the rows leave the running sum, and no limit is checked. (P.13)"""
    honest = attest.prover._Attempt.linear_column
    with weakly(insolvent, zero={THETA}) as weak_verifier, patch.object(Forger, "linear_column", honest):
        proof = forge(insolvent)
    assert_only(insolvent, proof, weak_verifier)


def test_y_that_is_zero(insolvent: Example) -> None:
    """With y = 0 the first constraint alone is left of the quotient. (P.19)"""
    with weakly(insolvent, zero={Y}) as weak_verifier:
        proof = forge(insolvent, plan=Plan(drop=7))
    assert_only(insolvent, proof, weak_verifier)


def test_v_that_is_zero(insolvent: Example) -> None:
    """With v = 0 only Q̂(ζ) is opened, and every other value may be false. (P.20)"""
    position = NAMES.index("m")
    with weakly(insolvent, zero={V}) as weak_verifier, forging(insolvent, rounds=3) as attempt:
        proof, _ = send(attempt, solved(attempt, lambda d: {position: d}))
    assert_only(insolvent, proof, weak_verifier)


def test_u_that_is_zero(insolvent: Example) -> None:
    """With u = 0, as with any u known beforehand, [W] is shifted until a false evaluation opens there. (P.21)"""
    with weakly(insolvent, zero={U}) as weak_verifier, forging(insolvent, rounds=3) as attempt:
        proof = opened_falsely(attempt, lambda _: 0)
    assert_only(insolvent, proof, weak_verifier)
