"""Where the sum starts and ends, and what is fixed for all statements: the table and the ceremony (protocol §1, §3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from py_arkworks_bls12381 import G1Point, G2Point

import attest.prover
from attest.argument import Challenges, Evaluations, constraint_sum
from attest.curve import decode_point, encode_point, msm, multiply, scalar
from attest.errors import EncodingError, ProofRejected
from attest.field import MODULUS, inverse
from attest.polynomial import interpolate, lagrange_at
from attest.program import Parameters, Part
from attest.proof import proof_sizes
from attest.range_check import HELPER_LIMBS, helper_columns
from attest.srs import Setup, check_relation
from tests.attest.attacks import forger
from tests.attest.attacks.forger import FALSE_SOLVENCY, Forger, Plan, check, forge, pretend, scene, verifier_without
from tests.attest.examples import Example

N, LAST = 4096, 4088


@pytest.fixture(scope="module")
def insolvent(setup: Setup) -> Example:
    return scene(setup, FALSE_SOLVENCY)


def unit(*entries: int) -> Any:
    return interpolate([int(e in entries) for e in range(N)])


class EndsLate(Forger):
    """Φ reaches entry n − 8 with the missing amount and is 0 one entry later."""

    def tamper_running_sum(self, column: Any) -> None:
        column[LAST], column[LAST + 1] = self.excess, 0
        self.end = unit(LAST + 1)


class StartsEarly(Forger):
    """Φ is 0 at entry n − 1, before it starts with the missing amount: L_{n−1} instead of L_0 in constraint 6."""

    plan = Plan(drop=6)

    def tamper_running_sum(self, column: Any) -> None:
        super().tamper_running_sum(column)
        column[N - 1] = 0

    def round_3(self) -> None:
        self.end = unit(LAST) + unit(N - 1) * inverse(self.y)
        super().round_3()


class StopsShort(Forger):
    """The last step of Φ, from entry n − 9 to n − 8, is any step."""

    def tamper_running_sum(self, column: Any) -> None:
        self.active = unit(*range(LAST - 1))


def moved_end(lagrange: dict[int, int], evals: Evaluations, y: int, zeta: int) -> int:
    return pow(y, 7, MODULUS) * (lagrange[LAST + 1] - lagrange[LAST]) * evals.running_sum


def moved_start(lagrange: dict[int, int], evals: Evaluations, y: int, zeta: int) -> int:
    return pow(y, 6, MODULUS) * (lagrange[N - 1] - lagrange[0]) * evals.running_sum


SHIFTED: dict[str, tuple[type[Forger], Callable[[dict[int, int], Evaluations, int, int], int]]] = {
    "the end one entry later": (EndsLate, moved_end),
    "the start one entry earlier": (StartsEarly, moved_start),
}


@pytest.mark.parametrize("name", SHIFTED)
def test_a_boundary_shifted_by_one(insolvent: Example, name: str) -> None:
    """Between the sum's edge and the entry that is checked lies a free entry, which swallows what is missing."""
    forged, correction = SHIFTED[name]
    with patch.object(forger, "Forger", forged):
        proof = forge(insolvent, plan=forged.plan)

    def shifted(evals: Evaluations, c: Challenges, y: int, zeta: int, p: Parameters, lagrange: dict[int, int]) -> int:
        return (constraint_sum(evals, c, y, zeta, p, lagrange) + correction(lagrange, evals, y, zeta)) % MODULUS

    with verifier_without(constraint_sum=shifted):
        check(insolvent, proof)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(insolvent, proof)


def test_an_active_entry_that_is_not_checked(insolvent: Example) -> None:
    """Where act ends one entry early the last step of Φ is free, and closes any sum."""
    with patch.object(forger, "Forger", StopsShort):
        proof = forge(insolvent)

    def shorter(evals: Evaluations, c: Challenges, y: int, zeta: int, p: Parameters, lagrange: dict[int, int]) -> int:
        (before,) = lagrange_at(N, [LAST - 1], zeta)
        return constraint_sum(evals, c, y, zeta, p, lagrange | {LAST + 1: lagrange[LAST + 1] + before})

    with verifier_without(constraint_sum=shorter):
        check(insolvent, proof)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(insolvent, proof)


# --- the table ------------------------------------------------------------------------------------------------------


class OwnTable(Forger):
    """Looks a limb up that is no limb, in a table with that value at one entry."""

    entry = 3000

    def tamper_first_columns(self) -> None:
        super().tamper_first_columns()
        assert self.plan.limb
        at, k = self.plan.limb
        self.value = self.limb_columns[k][at]
        self.multiplicity_column[self.digit] -= 1
        self.multiplicity_column[self.entry] += 1
        column = [e % 2048 for e in range(N)]
        column[self.entry] = self.value
        self.table = interpolate(column)
        self.table_commitment = msm(self.setup.lagrange, column)

    def linear_column(self) -> list[int]:
        return attest.prover._Attempt.linear_column(self)

    def round_2(self) -> None:
        assert self.plan.limb
        at, k = self.plan.limb
        group = next(g for g, limbs in enumerate(HELPER_LIMBS) if k in limbs)
        gamma = self.challenges.gamma

        def truthful(*arguments: Any) -> list[list[int]]:
            columns = helper_columns(*arguments)
            columns[group][at] += inverse(gamma + self.value) - inverse(gamma + self.digit)
            return columns

        def running_sum(helpers: Any, counts: Any, inverses: Any, linear: Any, theta: int) -> list[int]:
            column = [0]
            for e, count in enumerate(counts):
                looked_up = count * (inverse(gamma + self.value) if e == self.entry else inverses[e & 2047])
                column.append((column[-1] + sum(h[e] for h in helpers) - looked_up + theta * linear[e]) % MODULUS)
            self.reached = column[-1]
            return column

        with (
            patch.object(attest.prover, "helper_columns", truthful),
            patch.object(attest.prover, "running_sum", running_sum),
        ):
            super().round_2()


class OverBlinding(OwnTable):
    """Lets rows and table run on over the blinding entries, up to entry n − 1: limbs 0, and one look-up at 4090."""

    entry = 4090

    def tamper_first_columns(self) -> None:
        super().tamper_first_columns()
        for column in (*self.limb_columns, self.multiplicity_column, self.flag_column):
            column[LAST:] = [0] * (N - LAST)
        self.multiplicity_column[0] += len(self.limb_columns) * (N - 1 - LAST)
        self.multiplicity_column[self.entry] = 1

    def commit_columns(self, columns: Sequence[Sequence[int]]) -> list[Future[G1Point]]:
        if len(columns) == len(HELPER_LIMBS):
            zero = inverse(self.challenges.gamma)
            for limbs, column in zip(HELPER_LIMBS, columns, strict=True):
                column[LAST : N - 1] = [len(limbs) * zero] * (N - 1 - LAST)  # type: ignore[index]
        return super().commit_columns(columns)

    def tamper_running_sum(self, column: Any) -> None:
        zero, found = inverse(self.challenges.gamma), inverse(self.challenges.gamma + self.value)
        column[LAST] = self.reached
        for e in range(LAST, N - 1):
            column[e + 1] = (column[e] + 7 * zero - (found if e == self.entry else 0)) % MODULUS
        assert column[N - 1] == 0
        self.active, self.end = unit(*range(N - 1)), unit(N - 1)


def negative_surplus(example: Example, forged: type[OwnTable]) -> tuple[Example, bytes]:
    """A proof in which solvency's surplus is a negative limb; the example with the table that holds it."""
    made: list[OwnTable] = []

    def remembered(*arguments: Any) -> OwnTable:
        made.append(forged(*arguments))
        return made[-1]

    debt = -50 + 90 * 400 + 80 * 300 + 90 * 200 - 100 * 5000
    witness = pretend(example, {("solvency", Part.PLUS): debt})
    row = example.program.index("solvency")
    with patch.object(forger, "Forger", remembered):
        proof = forge(example, witness=witness, plan=Plan(limb=(8 * row, 0)))
    return replace(example, setup=replace(example.setup, table=made[0].table_commitment)), proof


def test_a_table_of_the_provers_own(insolvent: Example) -> None:
    """A negative surplus is "in range" of a table that holds it; the verifier takes [tbl] from its setup."""
    deceived, proof = negative_surplus(insolvent, OwnTable)
    check(deceived, proof)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(insolvent, proof)


def test_a_table_entry_from_the_blinding_rows(insolvent: Example) -> None:
    """Were the table blinded, its blinding could hold a negative surplus: act keeps those rows out of the sum.

    Two checks stand here. The ceremony's table has no blinding and nothing in those rows that is no limb, so with the
    true [tbl] there is no such look-up, wherever act ends; and with a table that has, act alone refuses.
    """
    deceived, proof = negative_surplus(insolvent, OverBlinding)

    def everywhere(
        evals: Evaluations, c: Challenges, y: int, zeta: int, p: Parameters, lagrange: dict[int, int]
    ) -> int:
        none = dict.fromkeys(range(LAST, N), 0)
        return constraint_sum(evals, c, y, zeta, p, {**none, 0: lagrange[0], LAST: lagrange[N - 1]})

    with verifier_without(constraint_sum=everywhere):
        check(deceived, proof)
        with pytest.raises(ProofRejected, match="batched opening"):
            check(insolvent, proof)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(deceived, proof)


# --- the ceremony ---------------------------------------------------------------------------------------------------


def test_a_ceremony_whose_secret_the_prover_knows(insolvent: Example) -> None:
    """Who knows τ divides what does not divide, W' = [L(τ)/(τ − u)], and opens every commitment to anything."""
    setup, tau = insolvent.setup, 1234567
    own = replace(setup, tau_g2=G2Point() * scalar(tau))
    proof = forge(insolvent)
    seen: list[tuple[Any, int]] = []
    with verifier_without(check_batch=lambda _, folded, u, last: seen.append((folded, u))):
        check(insolvent, proof)
    ((folded, u),) = seen
    end = proof_sizes(8, 1)[0] * 128
    last = multiply(folded, inverse(tau - u))
    forged = proof[: end - 128] + encode_point(last) + proof[end:]
    assert decode_point(forged[end - 128 : end]) == last
    check(replace(insolvent, setup=own), forged)
    with pytest.raises(ProofRejected, match="batched opening"):
        check(insolvent, forged)
    with pytest.raises(EncodingError, match="powers of one τ"):
        check_relation(own)
