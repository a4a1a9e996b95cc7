"""A setup whose τ is known, and an oracle that answers as it is told: what a simulator has and a prover has not.

Source: docs/protocol.md §8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from py_arkworks_bls12381 import G1Point, G2Point

import attest.prover
from attest.curve import msm, multiply, scalar
from attest.field import MODULUS
from attest.polynomial import evaluate, lagrange_at, polynomial
from attest.program import Parameters
from attest.srs import Setup
from attest.transcript import Transcript

N = Parameters(packing=8).n
TAU = int.from_bytes(b"everybody knows this one, and so nothing is proved with it", "big") % MODULUS
SCALAR_FRESH = "a challenge without anything absorbed since the last one"


def toy_setup() -> Setup:
    """4096 powers of `TAU` in both bases, as the ceremony's file would have them."""
    g1, g2 = G1Point(), G2Point()
    powers = [1]
    for _ in range(N - 1):
        powers.append(powers[-1] * TAU % MODULUS)
    lagrange = tuple(multiply(g1, value) for value in lagrange_at(N, range(N), TAU))
    monomial = tuple(multiply(g1, value) for value in powers)
    limb_width = Parameters(packing=8).limb_width
    table = [entry % (1 << limb_width) for entry in range(N)]
    return Setup(lagrange, monomial, g2, g2 * scalar(TAU), msm(lagrange, table))


@contextmanager
def programmed(answers: Mapping[bytes, bytes]) -> Iterator[None]:
    """keccak256(state ‖ 0x01) is `answers[state]` where that is given; everything else of the transcript stays."""
    original = Transcript.challenges

    def challenges(self: Transcript, count: int) -> list[int]:
        if self._state not in answers:
            return original(self, count)
        if not self._fresh:
            raise RuntimeError(SCALAR_FRESH)
        self._fresh = False
        values = []
        for _ in range(count):
            self._state = answers[self._state]
            values.append(int.from_bytes(self._state, "big") % MODULUS)
        return values

    with patch.object(Transcript, "challenges", challenges):
        yield


@contextmanager
def answering(values: Sequence[int]) -> Iterator[None]:
    """The oracle gives these challenges in this order, whatever was absorbed."""
    left = iter(values)
    with patch.object(Transcript, "challenges", lambda _, count: [next(left) for _ in range(count)]):
        yield


@contextmanager
def quick_commitments(setup: Setup) -> Iterator[None]:
    """The prover commits by evaluating at τ: the same points as its multi-scalar multiplications, for less."""
    at_tau = lagrange_at(N, range(N), TAU)

    def committed(points: Sequence[G1Point], values: Sequence[int]) -> G1Point:
        if points is setup.lagrange:
            value = sum(a * b for a, b in zip(at_tau, values, strict=True))
        elif points and points[0] == setup.g1:
            value = evaluate(polynomial(values), TAU)
        elif points:
            start = setup.monomial.index(points[0])
            value = evaluate(polynomial(values), TAU) * pow(TAU, start, MODULUS)
        else:
            value = 0
        return multiply(setup.g1, value)

    with patch.object(attest.prover, "msm", committed):
        yield
