"""The compiler rules: a program that breaks one is refused with the row's name (protocol §2).

Each rule closes a way to prove something false. Bound U keeps equality mod r an equality in the integers;
R1 to R6 make inflating both parts of a free row only ever hurt the prover.
"""

from __future__ import annotations

from collections.abc import Iterable

from attest.errors import ProgramError
from attest.field import MODULUS
from attest.program.layout import Layout, Owner
from attest.program.parameters import RANGE_BITS, packing_for
from attest.program.rows import Entry, Kind, Part, Program, Row, Weights

PART_LIMIT: int = 2**RANGE_BITS - 1


def check(program: Program) -> None:
    """Accept a program whose proofs mean what its rows say.

    Raises: ProgramError: naming the rule and the row.
    """
    _check_shape(program)
    _check_variable_rows(program)
    sources = {entry for row in program.rows for entry in _entries(row)}
    for i, row in enumerate(program.rows):
        _check_bound(row.name, row, program)
        if row.is_target:
            _check_target(i, row, program, sources)
    zero_row = Row("zero group", Kind.FREE, {}, weights=program.forbidden())
    _check_bound(zero_row.name, zero_row, program)


def check_layout(program: Program, layout: Layout, previous_layout: Layout | None = None) -> None:
    """R7: the program is about this layout.

    The vector has the layout's slots, the prover fills exactly its aux slots, and every slot that is not signed
    has a `nonneg` variable row: with a free one a negative debt would count as an asset.

    Raises: ProgramError: rule R7.
    """
    if program.aux != layout.of(Owner.AUX):
        raise ProgramError("R7", "", "the program's aux slots are not the layout's")
    pairs = [(program.size, layout, False)]
    if (previous_layout is None) != (program.previous_size == 0):
        raise ProgramError("R7", "", "a program of two vectors has a previous layout, and no other does")
    if previous_layout is not None:
        pairs.append((program.previous_size, previous_layout, True))
    for size, vector_layout, previous in pairs:
        if size != vector_layout.size:
            raise ProgramError("R7", "", f"the program has {size} slots, its layout {vector_layout.size}")
        bounded = {
            slot
            for row in program.rows
            for slot in (row.previous if previous else row.coefficients)
            if row.kind == Kind.NONNEG and row.bounds_variable(slot, previous)
        }
        for slot in range(1, size):
            if not vector_layout[slot].signed and slot not in bounded:
                raise ProgramError("R7", "", f"slot {slot} is not signed and needs a nonneg variable row")
    if previous_layout is not None:
        aux = set(previous_layout.of(Owner.AUX))
        for row in program.rows:
            for slot in aux & row.previous.keys():
                if not row.bounds_variable(slot, previous=True):
                    raise ProgramError("R7", row.name, f"it reads the previous aux slot {slot}, which is empty")


def _entries(row: Row) -> Iterable[Entry]:
    yield from row.weights
    yield from row.flag_weights
    yield from row.square_weights


def _check_shape(program: Program) -> None:
    try:
        parameters = packing_for(len(program.rows))
    except ValueError as error:
        raise ProgramError("size", program.rows[-1].name, str(error)) from error
    for label, size in (("N", program.size), ("N'", program.previous_size)):
        if size > parameters.max_slots or size < (1 if label == "N" else 0):
            raise ProgramError("size", "", f"{label} = {size} is outside 1..{parameters.max_slots}")
    if list(program.aux) != sorted(set(program.aux)) or any(not 1 <= j < program.size for j in program.aux):
        raise ProgramError("aux", "", "aux slots are ascending, distinct and inside 1..N−1")
    names: set[str] = set()
    for row in program.rows:
        if not row.name or row.name in names:
            raise ProgramError("name", row.name, "row names are unique and not empty")
        names.add(row.name)
        for vector, size in ((row.coefficients, program.size), (row.previous, program.previous_size)):
            if any(not 0 <= j < size for j in vector):
                raise ProgramError("size", row.name, "a coefficient stands outside the vector")


def _check_variable_rows(program: Program) -> None:
    bounded = {
        j for row in program.rows if len(row.coefficients) == 1 for j in row.coefficients if row.bounds_variable(j)
    }
    missing = set(range(1, program.size)) - bounded
    if missing:
        raise ProgramError("variable row", "", f"slot {min(missing)} has no row of its own that bounds it")
    bounded = {j for row in program.rows for j in row.previous if row.bounds_variable(j, previous=True)}
    missing = set(range(1, program.previous_size)) - bounded
    if missing:
        raise ProgramError("variable row", "", f"previous slot {min(missing)} has no row that bounds it")


def _magnitude(weights: Weights, scale: int) -> int:
    return sum(abs(weight) for weight in weights.values()) * scale


def _check_bound(name: str, row: Row, program: Program) -> None:
    """U_i < r, with V_0 = 1 and V_j = 2^77 − 1. (P.3)"""
    bound = 2 * PART_LIMIT
    for vector in (row.coefficients, row.previous):
        bound += sum(abs(a) * (PART_LIMIT if j else 1) for j, a in vector.items())
    bound += _magnitude(row.weights, PART_LIMIT)
    bound += _magnitude(row.flag_weights, 1)
    bound += _magnitude(row.square_weights, PART_LIMIT**2)
    if bound >= MODULUS:
        raise ProgramError("U", name, "its terms may wrap around the field; choose larger lots or a larger unit")


def _check_target(index: int, row: Row, program: Program, sources: set[Entry]) -> None:
    if row.kind != Kind.NONNEG:
        raise ProgramError("R1", row.name, "the target of an aggregate is a nonneg row")
    if Entry(index, Part.PLUS) in sources or Entry(index, Part.MINUS) in sources:
        raise ProgramError("R2", row.name, "no part of a target is the source of an aggregate")
    for entry in _entries(row):
        if not 0 <= entry.row < len(program.rows) or entry.part not in (Part.PLUS, Part.MINUS):
            raise ProgramError("R6", row.name, "an aggregate reads parts of the policy's own rows")
    for weights in (row.weights, row.square_weights):
        for entry, weight in weights.items():
            source = program.rows[entry.row]
            if weight >= 0:
                continue
            if source.kind == Kind.FREE:
                raise ProgramError("R3", row.name, f"a negative weight on the free row {source.name!r}")
            if entry.part != Part.PLUS or source.kind != Kind.NONNEG or source.is_target:
                raise ProgramError("R4", row.name, f"a negative weight on {source.name!r}, whose part is not pinned")
    if any(weight < 0 for weight in row.flag_weights.values()):
        raise ProgramError("R3", row.name, "a negative weight on a flag")
