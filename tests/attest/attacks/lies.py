"""Lies among the evaluations of a forged proof, sent in place of true values."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

from attest.argument import Evaluations
from attest.field import MODULUS, inverse
from tests.attest.attacks.forger import Forger

NAMES = [
    "Q", *(f"D{k}" for k in range(7)), "m", "E", "h0", "h1", "h2", "Φ", "table", "w", "w_E", "w_2", "Φ(ωζ)",
    *(f"Q(ω^{b}ζ)" for b in range(1, 8)), *(f"T{b}" for b in range(8)),
]  # fmt: skip


def rebuilt(values: list[int], packing: int = 8) -> Evaluations:
    """The evaluations of one vector from their order of sending."""
    q, limbs, (m, flags), h, rest = values[:1], values[1:8], values[8:10], values[10:13], values[13:19]
    rotated = [[x] for x in values[19 : 18 + packing]]
    return Evaluations(q, limbs, m, flags, h, *rest, rotated, [values[18 + packing :]])


def spoken(forger: Forger, lies: dict[int, int]) -> Forger:
    """A branch of the attempt that has sent its evaluations, lies among them; its `evals` are the true ones."""
    branch = forger.branch()
    in_order = Evaluations.in_order
    with patch.object(Evaluations, "in_order", lambda e: [lies.get(i, x) for i, x in enumerate(in_order(e))]):
        branch.round_4()
    return branch


def send(forger: Forger, lies: dict[int, int]) -> tuple[bytes, Evaluations]:
    """Finish the attempt with the true openings but lies among the values; the true values beside it."""
    branch = spoken(forger, lies)
    branch.round_5()
    return branch.writer.finish(), branch.evals


def true_values(forger: Forger) -> list[int]:
    branch = forger.branch()
    branch.round_4()
    return branch.evals.in_order()


def solved(forger: Forger, lies: Callable[[int], dict[int, int]]) -> dict[int, int]:
    """The lies(d) with which the constraints match the quotient; they enter as a linear function of d."""
    values = true_values(forger)

    def total(d: int) -> int:
        return forger.sum_at_zeta(rebuilt([lies(d).get(i, x) for i, x in enumerate(values)]))

    slope = (total(1) - total(0)) % MODULUS
    assert (total(2) - 2 * slope - total(0)) % MODULUS == 0
    return lies((forger.sum_needed() - total(0)) * inverse(slope) % MODULUS)
