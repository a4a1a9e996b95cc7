"""Sizes of the proof system, named once (protocol §3)."""

from __future__ import annotations

from dataclasses import dataclass

PACKINGS = (8, 4, 2)
BLINDING_ENTRIES = 8
"""The last entries of every private column hold randomness."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """n entries per column, B columns of the matrix in one polynomial, limbs of the range check."""

    packing: int
    n: int = 4096
    limb_width: int = 11
    limb_count: int = 7

    @property
    def rows(self) -> int:
        """R = n/B, the size of the row domain H'."""
        return self.n // self.packing

    @property
    def max_rows(self) -> int:
        """The largest ρ: row ρ itself and four rows' room for the blinding entries remain."""
        return self.rows - 5

    @property
    def max_slots(self) -> int:
        """The largest N."""
        return self.n - BLINDING_ENTRIES

    @property
    def range_bits(self) -> int:
        """Both parts of every row lie in [0, 2^range_bits)."""
        return self.limb_width * self.limb_count

    @property
    def first_blinding_entry(self) -> int:
        return self.n - BLINDING_ENTRIES


RANGE_BITS = Parameters(packing=8).range_bits


def packing_for(row_count: int) -> Parameters:
    """The parameters of a program with ρ rows: the largest packing whose row domain holds them.

    Raises: ValueError: too many rows for one program.
    """
    for packing in PACKINGS:
        parameters = Parameters(packing=packing)
        if row_count <= parameters.max_rows:
            return parameters
    raise ValueError(f"{row_count} rows exceed the {Parameters(packing=PACKINGS[-1]).max_rows} of one program")
