"""What is known of rows and quantities before any holdings are: what every rounding bound rests on (docs/policy.md).

A vector that passes the rounded gross cap obeys Σ (v_j − ½)|q_j| ≤ cap + ½ with v_j the value of a lot in money
units; rounding holdings to lots adds one a slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt

from optimizer.errors import PolicyError


def round_half_up(numerator: int, denominator: int) -> int:
    """floor(numerator/denominator + ½) for a positive denominator."""
    return (2 * numerator + denominator) // (2 * denominator)


def square_root_up(value: Fraction) -> int:
    """The least integer whose square is at least `value` ≥ 0."""
    whole = ceil(value)
    return isqrt(whole - 1) + 1 if whole > 0 else 0


@dataclass(frozen=True, slots=True)
class RowBound:
    """What the compiler knows of a row, all in the row's own units.

    Args:
        rounding: bound of its distance from the real-valued row, for lots held exactly.
        lots: bound of its change when every holding is rounded to lots.
        magnitude: bound of its absolute value under the gross cap.
        usd_per_unit: worth of one unit of the row, None where it does not measure money.
    """

    rounding: Fraction
    lots: int
    magnitude: int
    usd_per_unit: Fraction | None


class QuantityBounds:
    """Bounds of quantities under the gross cap.

    Args:
        values: held slot → worth of a lot in money units, positive.
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
