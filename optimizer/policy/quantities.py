"""How many lots a vector can hold that passes the gross cap: what every rounding bound rests on (protocol §2).

A vector that passes the rounded cap obeys Σ (v_j − ½)|q_j| ≤ cap + ½ with v_j the value of a lot in money units;
rounding holdings to lots adds one a slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from optimizer.errors import PolicyError


class QuantityBounds:
    """Bounds of quantities under the gross cap.

    Args:
        values: source slot → worth of a lot in money units, positive.
        cap: the gross cap in money units.
    Raises: PolicyError: a lot is worth less than a money unit.
    """

    def __init__(self, values: Mapping[int, Fraction], cap: Fraction) -> None:
        if min(values.values()) < 1:
            raise PolicyError("rounding_tolerance", "one lot is worth less than a money unit; choose larger lots")
        largest = {j: (cap + Fraction(1, 2)) / (v - Fraction(1, 2)) + len(values) for j, v in values.items()}
        self._most = {j: int(float(q) * (1 + 1e-9)) + 1 for j, q in largest.items()}
        self._floats = [float(q) * (1 + 1e-9) for q in largest.values()]
        self._sorted = sorted(largest.values())
        ranks = {q: rank for rank, q in enumerate(self._sorted)}
        self._ranks = [ranks[q] for q in largest.values()]

    def most(self, slot: int) -> int:
        """Bound of |q_j| of one slot."""
        return self._most[slot]

    def total(self, chosen: Sequence[bool]) -> Fraction:
        """Bound of Σ|q_j| over chosen slots: all of the cap in the cheapest of them.

        Args:
            chosen: (slots,) in order.
        """
        ranks = [rank for rank, inside in zip(self._ranks, chosen, strict=True) if inside]
        return self._sorted[max(ranks)] if ranks else Fraction(0)

    def magnitude(self, coefficients: Sequence[int]) -> int:
        """Bound of |Σ a_j q_j|: all of the cap in the slot where that weighs most.

        Args:
            coefficients: (slots,) in order.
        """
        return int(max(abs(a) * q for a, q in zip(coefficients, self._floats, strict=True))) + 1
