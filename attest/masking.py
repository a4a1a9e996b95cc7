"""The private vectors as the prover opens them: masked, and without what everybody knows (protocol §4).

Q̂ = Q + M·b takes the prover's values on the aux slots and equals Q everywhere else. Public slots belong to Q, but
their values are known: at x the verifier takes their share Σ value·L_j(x) off the claimed Q̂(x), and what is opened is
the column without them, against [L_0] + Σ C_k + M(x)·[b]. (P.24)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from attest.commitment import Holdings, SourceSet
from attest.field import MODULUS, RandomBytes, domain, inverse, random_scalars
from attest.polynomial import Polynomial, evaluate, interpolate, polynomial, roots_vanishing
from attest.statement import StatementKey


@dataclass(frozen=True, slots=True)
class PreviousHoldings:
    """The previous epoch's openings with their public sources, for statements of two vectors."""

    holdings: Holdings = field(repr=False)
    sources: SourceSet


@dataclass(frozen=True, slots=True)
class Vector:
    """One private vector.

    Args:
        column: Q on H, aux slots 0; masked_column: Q̂ on H.
        opened: Q without its public slots; masked: Q̂; mask: b.
        aux: aux slots, ascending; size: N; previous: whether it is the previous epoch's.
    """

    column: list[int] = field(repr=False)
    masked_column: list[int] = field(repr=False)
    opened: Polynomial = field(repr=False)
    masked: Polynomial = field(repr=False)
    mask: Polynomial = field(repr=False)
    aux: tuple[int, ...] = ()
    size: int = 0
    previous: bool = False


def mask_polynomial(
    column: Sequence[int], aux_values: Mapping[int, int], packing: int, n: int, random_bytes: RandomBytes
) -> tuple[Polynomial, Polynomial]:
    """The mask b and M·b, so that Q̂ = Q + M·b takes the aux values on the aux slots. (P.11)

    b = Σ ℓ_j(X)(x_j − Q(ω^j))/M(ω^j) + Π_{j∈aux}(X − ω^j)·mask(X), mask with B + 2 random coefficients:
    Q̂ is opened at B points and its commitment shows one value more.
    """
    omega = domain(n)
    aux = sorted(aux_values)
    roots = [omega[j] for j in aux]
    vanishing = roots_vanishing(roots)
    masking_factor = polynomial([MODULUS - 1] + [0] * (n - 1) + [1]) // vanishing
    b = vanishing * polynomial(random_scalars(packing + 2, random_bytes))
    for j, root in zip(aux, roots, strict=True):
        basis = vanishing // polynomial([-root % MODULUS, 1])
        at_root = evaluate(basis, root) * evaluate(masking_factor, root) % MODULUS
        target = (aux_values[j] - column[j]) * inverse(at_root) % MODULUS
        b = b + basis * target
    return b, masking_factor * b


def private_vectors(
    key: StatementKey,
    holdings: Holdings,
    aux: Mapping[int, int],
    previous: PreviousHoldings | None,
    random_bytes: RandomBytes,
) -> list[Vector]:
    """The vectors of a statement, masked afresh: the epoch's, and the previous epoch's where the key compares."""
    packing, n = key.parameters.packing, key.parameters.n
    cases = [(holdings, dict(aux), key.size, False)]
    if previous is not None:
        cases.append((previous.holdings, {}, key.previous_size, True))
    built = []
    for held, aux_values, size, is_previous in cases:
        column = held.column(n)
        mask, shift = mask_polynomial(column, aux_values, packing, n, random_bytes)
        plain = interpolate(column)
        known = [0] * n
        for slot, value in held.public_values:
            known[slot] = value
        masked_column = list(column)
        for j, value in aux_values.items():
            masked_column[j] = value % MODULUS
        opened = plain - interpolate(known) if held.public_values else plain
        slots = tuple(sorted(aux_values))
        built.append(Vector(column, masked_column, opened, plain + shift, mask, slots, size, is_previous))
    return built
