"""KZG commitments, single openings and the batched multi-point opening (protocol §5, step 5).

Source: Kate, Zaverucha, Goldberg (2010); Boneh, Drake, Fisch, Gabizon (2020), "Efficient polynomial
commitment schemes for multiple points and polynomials" (SHPLONK).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from py_arkworks_bls12381 import GT, G1Point

from attest.curve import msm, multiply
from attest.errors import ProofRejected
from attest.field import MODULUS
from attest.polynomial import Polynomial, coefficients, evaluate, polynomial
from attest.srs import Setup


def commit(setup: Setup, poly: Polynomial) -> G1Point:
    """[f(τ)]_1 from coefficients.

    Raises: ValueError: the degree exceeds the ceremony's.
    """
    values = coefficients(poly)
    if len(values) > len(setup.monomial):
        raise ValueError("the degree exceeds the ceremony's powers")
    return msm(setup.monomial[: len(values)], values)


def commit_evaluations(setup: Setup, values: Sequence[int]) -> G1Point:
    """[f(τ)]_1 from the values on H, in the Lagrange basis."""
    return msm(setup.lagrange, values)


def open_single(setup: Setup, poly: Polynomial, z: int) -> tuple[int, G1Point]:
    """f(z) and the commitment to (f − f(z))/(X − z)."""
    value = evaluate(poly, z)
    quotient = (poly - polynomial([value])) // polynomial([-z % MODULUS, 1])
    return value, commit(setup, quotient)


def verify_single(setup: Setup, commitment: G1Point, z: int, value: int, proof: G1Point) -> None:
    """e(C − [y]_1 + z·π, [1]_2) = e(π, [τ]_2), the check of EIP-4844's point evaluation.

    Raises: ProofRejected: the opening is false.
    """
    left = commitment + msm([setup.g1, proof], [-value % MODULUS, z])
    if not GT.pairing_check([left, -proof], [setup.g2, setup.tau_g2]):
        raise ProofRejected("opening", "the committed polynomial takes another value there")


@dataclass(frozen=True, slots=True)
class OpeningGroup:
    """Polynomials opened on one point set, already folded with powers of v."""

    combined: Polynomial
    vanishing: Polynomial

    @property
    def remainder(self) -> Polynomial:
        """r_i: the interpolation of the claimed values on the point set."""
        return self.combined % self.vanishing


def batch_quotient(groups: Sequence[OpeningGroup]) -> Polynomial:
    """h = Σ (f_i − r_i)/Z_i. (P.20)"""
    total = polynomial([])
    for group in groups:
        total = total + group.combined // group.vanishing
    return total


def batch_linearisation(groups: Sequence[OpeningGroup], quotient: Polynomial, u: int) -> Polynomial:
    """W' = L/(X − u) with L = Σ (Z_T(u)/Z_i(u))(f_i − r_i(u)) − Z_T(u)·h. (P.21)

    Raises: ZeroDivisionError: u is an opening point.
    """
    at_u = [evaluate(group.vanishing, u) for group in groups]
    if 0 in at_u:
        raise ZeroDivisionError("u is an opening point")
    z_t = 1
    for value in at_u:
        z_t = z_t * value % MODULUS
    numerator = quotient * (-z_t % MODULUS)
    for group, z_i in zip(groups, at_u, strict=True):
        factor = z_t * pow(z_i, -1, MODULUS) % MODULUS
        numerator = numerator + (group.combined - polynomial([evaluate(group.remainder, u)])) * factor
    return numerator // polynomial([-u % MODULUS, 1])


def check_batch(setup: Setup, folded: G1Point, u: int, last: G1Point) -> None:
    """e([L] + u·W', [1]_2) = e(W', [τ]_2). (P.22)

    Raises: ProofRejected: some opening is false.
    """
    if not GT.pairing_check([folded + multiply(last, u), -last], [setup.g2, setup.tau_g2]):
        raise ProofRejected("batched opening", "an evaluation does not belong to its commitment")
