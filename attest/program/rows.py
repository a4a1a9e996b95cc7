"""The integer program: rows, kinds and aggregates over a private vector (protocol §2).

s⁺_i − s⁻_i + Σ W_ie s_e + Σ WE_ie E_e + Σ W2_ie s_e²  =  Σ_j A_ij q_j + Σ_j A'_ij q'_j        (P.1)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """Which parts of a row may be non-zero; the value is its code in the key."""

    FREE = 0
    """Both: a signed value, or a hinge max(v, 0)."""
    NONNEG = 1
    """Only plus: an inequality v ≥ 0."""
    ZERO = 2
    """Neither: an equation v = 0."""


class Part(IntEnum):
    """The two parts of a row; the value is the offset of its entry in the column."""

    PLUS = 0
    MINUS = 1


class Entry(NamedTuple):
    """One part of one row, the source of an aggregate."""

    row: int
    part: Part


Weights = Mapping[Entry, int]


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Args:
        name: unique; "constraint/detail", where `constraint` is what the operator calls it.
        kind: which parts may be non-zero.
        coefficients: slot → A_ij, zeros left out.
        previous: slot of the previous epoch's vector → A'_ij.
        weights, flag_weights, square_weights: the aggregates W, WE, W2 by entry; non-empty makes this row a
            target.
    """

    name: str
    kind: Kind
    coefficients: Mapping[int, int]
    previous: Mapping[int, int] = field(default_factory=dict)
    weights: Weights = field(default_factory=dict)
    flag_weights: Weights = field(default_factory=dict)
    square_weights: Weights = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises: TypeError, ValueError: a kind that is none, or a number that is no Python integer."""
        object.__setattr__(self, "kind", Kind(self.kind))
        numbers = (self.coefficients, self.previous, self.weights, self.flag_weights, self.square_weights)
        if any(type(value) is not int for mapping in numbers for value in mapping.values()):
            raise TypeError(f"row {self.name!r}: coefficients and weights are Python integers, which never wrap")

    @property
    def constraint(self) -> str:
        return self.name.split("/", 1)[0]

    @property
    def is_target(self) -> bool:
        return bool(self.weights or self.flag_weights or self.square_weights)

    def bounds_variable(self, slot: int, previous: bool = False) -> bool:
        """Whether this is the variable row of a slot: A = e_slot, no aggregate."""
        own, other = (self.previous, self.coefficients) if previous else (self.coefficients, self.previous)
        return len(own) == 1 and own.get(slot) == 1 and not other and not self.is_target


@dataclass(frozen=True, slots=True)
class Program:
    """A public integer program.

    Args:
        size: N, slots of the vector, slot 0 (the constant 1) included.
        rows: the policy's rows in order; the zero group's row ρ is not among them.
        aux: slots that the prover fills, ascending.
        previous_size: N' of the previous epoch's vector, 0 without one.
    """

    size: int
    rows: tuple[Row, ...]
    aux: tuple[int, ...] = ()
    previous_size: int = 0

    @property
    def vectors(self) -> int:
        return 2 if self.previous_size else 1

    @property
    def kinds(self) -> bytes:
        """One byte a row."""
        return bytes(row.kind for row in self.rows)

    @property
    def constraints(self) -> tuple[str, ...]:
        """Names of the constraints, in order of appearance."""
        return tuple(dict.fromkeys(row.constraint for row in self.rows))

    def index(self, name: str) -> int:
        """Raises: KeyError: no row of that name."""
        for i, row in enumerate(self.rows):
            if row.name == name:
                return i
        raise KeyError(name)

    def forbidden(self) -> dict[Entry, int]:
        """The zero group on row ρ: with 2s⁺_ρ + s⁻_ρ + Σ forbidden parts = 0 every part in it is 0. (P.2)"""
        last = len(self.rows)
        weights = {Entry(i, Part.MINUS): 1 for i, row in enumerate(self.rows) if row.kind != Kind.FREE}
        weights |= {Entry(i, Part.PLUS): 1 for i, row in enumerate(self.rows) if row.kind == Kind.ZERO}
        weights[Entry(last, Part.PLUS)] = 1
        weights[Entry(last, Part.MINUS)] = 2
        return weights


class ProgramBuilder:
    """Collects rows; `add` answers the row's index, which later rows name in their aggregates."""

    def __init__(self, size: int, *, aux: Iterable[int] = (), previous_size: int = 0) -> None:
        self._size = size
        self._aux = tuple(sorted(aux))
        self._previous_size = previous_size
        self._rows: list[Row] = []

    def add(
        self,
        name: str,
        kind: Kind,
        coefficients: Mapping[int, int],
        *,
        previous: Mapping[int, int] | None = None,
        weights: Weights | None = None,
        flag_weights: Weights | None = None,
        square_weights: Weights | None = None,
    ) -> int:
        def nonzero(items: Mapping[int, int] | None) -> dict[int, int]:
            return {key: value for key, value in (items or {}).items() if value}

        def nonzero_weights(items: Weights | None) -> dict[Entry, int]:
            return {Entry(*key): value for key, value in (items or {}).items() if value}

        self._rows.append(
            Row(
                name,
                kind,
                nonzero(coefficients),
                nonzero(previous),
                nonzero_weights(weights),
                nonzero_weights(flag_weights),
                nonzero_weights(square_weights),
            )
        )
        return len(self._rows) - 1

    def build(self) -> Program:
        """The program, not yet checked: see `attest.program.check`."""
        return Program(self._size, tuple(self._rows), self._aux, self._previous_size)
