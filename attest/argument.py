"""Quantities that prover and verifier derive alike from challenges and evaluations (protocol §5).

The reference verifier does not use this module: it restates every line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attest.field import MODULUS, domain, inverse
from attest.program import Parameters
from attest.range_check import composed, lookup_constraints

MAX_ATTEMPTS = 8
"""A zero divisor among the challenges has probability about 2^-240; eight in a row mean a defect."""


class ZeroDivisor(Exception):
    """A challenge fell on a pole; the prover starts again with other blinding."""


@dataclass(frozen=True, slots=True)
class Challenges:
    """γ (range check), α = β^B (row folding), θ (joins both sums)."""

    gamma: int
    alpha: int
    theta: int

    @classmethod
    def draw(cls, values: Sequence[int], packing: int) -> Challenges:
        gamma, beta, theta = values
        return cls(gamma, pow(beta, packing, MODULUS), theta)


@dataclass(frozen=True, slots=True)
class Evaluations:
    """Values at ζ, in the order in which they are sent, then those at ωζ, ω^b ζ and on the roots of X^B − α.

    Args:
        holdings: Q̂ (and Q̂') at ζ.
        rotated: for b = 1..B−1, Q̂ (and Q̂') at ω^b ζ.
        matrix: for each vector, T_b(ζ) for b = 0..B−1.
    """

    holdings: list[int]
    limbs: list[int]
    multiplicities: int
    flags: int
    helpers: list[int]
    running_sum: int
    table: int
    weights: int
    flag_weights: int
    square_weights: int
    running_sum_next: int
    rotated: list[list[int]]
    matrix: list[list[int]]

    def at_zeta(self) -> list[int]:
        return [
            *self.holdings,
            *self.limbs,
            self.multiplicities,
            self.flags,
            *self.helpers,
            self.running_sum,
            self.table,
            self.weights,
            self.flag_weights,
            self.square_weights,
        ]

    def in_order(self) -> list[int]:
        """Step 4's order."""
        return [
            *self.at_zeta(),
            self.running_sum_next,
            *(value for rotation in self.rotated for value in rotation),
            *(value for vector in self.matrix for value in vector),
        ]


def kernel(alpha: int, x: int, parameters: Parameters) -> int:
    """κ(x): +λ_i(α) on plus entries, −λ_i(α) on minus entries, 0 elsewhere. (P.9)

    Args:
        x: not in H, as the verifier checks first.
    Raises: ZeroDivisionError: x or x/ω is α, or a root of X^R − 1.
    """
    rows, packing, n = parameters.rows, parameters.packing, parameters.n
    vanishing = pow(x, n, MODULUS) - 1

    def selected(point: int) -> int:
        power = pow(point, rows, MODULUS)
        kernel_value = (alpha * power - point * pow(alpha, rows, MODULUS)) * inverse(point - alpha) + 1
        selector = vanishing * inverse(packing * (power - 1))
        return kernel_value * inverse(rows) % MODULUS * selector % MODULUS

    return (selected(x) - selected(x * domain(n)[n - 1] % MODULUS)) % MODULUS


def constraint_sum(
    evals: Evaluations, challenges: Challenges, y: int, zeta: int, parameters: Parameters, lagrange: dict[int, int]
) -> int:
    """Σ y^k constraint_k(ζ). (P.10) to (P.19)

    Args:
        lagrange: L_i(ζ) for i = 0 and i = n−8 .. n−1.
    """
    gamma, theta = challenges.gamma, challenges.theta
    first_blinding, n = parameters.first_blinding_entry, parameters.n
    active = 1 - sum(lagrange[i] for i in range(first_blinding, n))
    shifted = [gamma + limb for limb in evals.limbs]
    h = evals.helpers
    value = composed(evals.limbs, parameters)
    linear = value * (kernel(challenges.alpha, zeta, parameters) + evals.weights)
    linear += evals.flags * evals.flag_weights + value * value * evals.square_weights
    for vector, own in enumerate(evals.holdings):
        opened = [own, *(rotation[vector] for rotation in evals.rotated)]
        linear -= sum(q * t for q, t in zip(opened, evals.matrix[vector], strict=True))
    step = evals.running_sum_next - evals.running_sum - sum(h) - theta * linear
    constraints = [
        *(active * constraint for constraint in lookup_constraints(shifted, h)),
        active * (step * (gamma + evals.table) + evals.multiplicities),
        active * (evals.flags * evals.flags - evals.flags),
        active * evals.flag_weights * value * (1 - evals.flags),
        lagrange[0] * evals.running_sum,
        lagrange[first_blinding] * evals.running_sum,
        *(lagrange[0] * (own - 1) for own in evals.holdings),
    ]
    total = 0
    for constraint in reversed(constraints):
        total = (total * y + constraint) % MODULUS
    return total


def powers_of(base: int, count: int) -> list[int]:
    """base^0 .. base^(count−1)."""
    powers = [1]
    for _ in range(count - 1):
        powers.append(powers[-1] * base % MODULUS)
    return powers


def mask_factor(x: int, aux: Sequence[int], n: int) -> int:
    """M(x) = (x^n − 1)/Π_{j∈aux}(x − ω^j). (P.11)"""
    powers = domain(n)
    denominator = 1
    for j in aux:
        denominator = denominator * (x - powers[j]) % MODULUS
    return (pow(x, n, MODULUS) - 1) * inverse(denominator) % MODULUS
