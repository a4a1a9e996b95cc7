"""The public integer program that is optimised, proved and enforced alike (protocol §2).

This is the only part of `attest` that `optimizer` imports: the layout of the private vector, the rows, the
rules they obey, and the check of a vector in plain integers.
"""

from attest.program.canonical import canonical_hash, canonical_json, decimal_string
from attest.program.layout import Layout, Owner, Slot, slots_hash, source_id
from attest.program.parameters import BLINDING_ENTRIES, PACKINGS, RANGE_BITS, Parameters, packing_for
from attest.program.rows import Entry, Kind, Part, Program, ProgramBuilder, Row
from attest.program.rules import PART_LIMIT, check, check_layout
from attest.program.witness import Witness, row_values, slacks, solve

__all__ = [
    "BLINDING_ENTRIES",
    "PACKINGS",
    "PART_LIMIT",
    "RANGE_BITS",
    "Entry",
    "Kind",
    "Layout",
    "Owner",
    "Parameters",
    "Part",
    "Program",
    "ProgramBuilder",
    "Row",
    "Slot",
    "Witness",
    "canonical_hash",
    "canonical_json",
    "check",
    "check_layout",
    "decimal_string",
    "packing_for",
    "row_values",
    "slacks",
    "slots_hash",
    "solve",
    "source_id",
]
