"""Splitting a policy's rows over several programs of one holdings commitment (docs/policy.md).

Every program has the rows of all variables, the NAV floor and the gross cap. A constraint goes whole into one
program, with the shared rows that its aggregates read, so no aggregate is ever split. Constraints are placed
largest first into the first program that still has room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from attest.program import PACKINGS, Entry, Parameters, Program, Row
from attest.program.rows import Weights
from optimizer.errors import PolicyError

CAPACITY = Parameters(packing=PACKINGS[-1]).max_rows
"""Rows of the largest program."""


def split(program: Program, always: Sequence[int], sections: Mapping[str, Sequence[int]]) -> tuple[Program, ...]:
    """Programs that together say what one program of any length says.

    Args:
        program: all rows.
        always: rows that every program has.
        sections: constraint → its own rows; rows of neither are shared, and follow those that read them.
    Returns: in the order of their first constraint; the program itself where it is small enough.
    Raises: PolicyError: a constraint that needs more rows than one program holds.
    """
    if len(program.rows) <= CAPACITY:
        return (_without_unused_vector(program),)
    common = frozenset(always)
    needed = {name: _closure(program, rows) - common for name, rows in sections.items()}
    bins: list[tuple[set[int], list[str]]] = []
    for name in sorted(needed, key=lambda name: -len(needed[name])):
        if len(common) + len(needed[name]) > CAPACITY:
            detail = (
                f"needs {len(common) + len(needed[name])} rows with those of the {program.size - 1} slots, one program "
                f"holds {CAPACITY}; use fewer scenarios"
            )
            raise PolicyError(name, detail)
        for rows, names in bins:
            if len(common) + len(rows | needed[name]) <= CAPACITY:
                rows.update(needed[name])
                names.append(name)
                break
        else:
            bins.append((set(needed[name]), [name]))
    order = {name: i for i, name in enumerate(sections)}
    bins.sort(key=lambda item: min(order[name] for name in item[1]))
    return tuple(_without_unused_vector(select(program, common | rows)) for rows, _ in bins)


def select(program: Program, rows: frozenset[int] | set[int]) -> Program:
    """The program of some rows, in order.

    Args:
        rows: with every row that their aggregates read.
    """
    chosen = sorted(rows)
    index = {old: new for new, old in enumerate(chosen)}

    def moved(weights: Weights) -> dict[Entry, int]:
        return {Entry(index[e.row], e.part): w for e, w in weights.items()}

    return replace(
        program,
        rows=tuple(
            replace(
                row,
                weights=moved(row.weights),
                flag_weights=moved(row.flag_weights),
                square_weights=moved(row.square_weights),
            )
            if row.is_target
            else row
            for row in (program.rows[i] for i in chosen)
        ),
    )


def _sources(row: Row) -> set[int]:
    return {entry.row for weights in (row.weights, row.flag_weights, row.square_weights) for entry in weights}


def _closure(program: Program, rows: Sequence[int]) -> set[int]:
    """Some rows, those that their aggregates read, and those of the previous epoch's slots where one is read."""
    chosen = set(rows).union(*(_sources(program.rows[i]) for i in rows))
    if any(program.rows[i].previous for i in chosen):
        chosen |= _reading_previous(program, range(len(program.rows)))
    return chosen


def _reading_previous(program: Program, rows: Sequence[int]) -> set[int]:
    """Which of some rows bound a slot of the previous epoch."""
    return {i for i in rows for j in program.rows[i].previous if program.rows[i].bounds_variable(j, previous=True)}


def _without_unused_vector(program: Program) -> Program:
    """A program that reads no previous epoch has one vector."""
    return program if any(row.previous for row in program.rows) else replace(program, previous_size=0)
