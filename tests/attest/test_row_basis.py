"""Both ways to commit to the packed matrix give the same points."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.curve import INFINITY, msm
from attest.program import PACKINGS, Kind, Parameters, ProgramBuilder
from attest.row_basis import commit_signed, row_basis, signed_entries
from attest.srs import Setup
from attest.statement import packed_columns

LARGE = 2**76


@pytest.mark.parametrize("packing", PACKINGS)
@given(data=st.data())
@settings(max_examples=4, deadline=None)
def test_small_integers_and_field_elements_commit_alike(packing: int, setup: Setup, data: st.DataObject) -> None:
    """(P.23) against (P.4)."""
    parameters = Parameters(packing=packing)
    size = data.draw(st.integers(1, 3 * packing))
    builder = ProgramBuilder(size, previous_size=2)
    for i in range(data.draw(st.integers(1, 12))):
        slots = st.dictionaries(st.integers(0, size - 1), st.integers(-LARGE, LARGE), max_size=size)
        builder.add(f"row/{i}", Kind.FREE, data.draw(slots), previous={1: i - 3})
    program = builder.build()
    rows = program.rows + (replace(program.rows[0], name="row/last"),) * 1
    program = replace(program, rows=rows)
    basis = row_basis(setup, parameters)
    for previous in (False, True):
        direct = [msm(setup.lagrange, column) for column in packed_columns(program, parameters, previous)]
        assert [commit_signed(basis, e) for e in signed_entries(program, packing, previous)] == direct


def test_a_column_of_nothing_is_the_point_at_infinity(setup: Setup) -> None:
    assert commit_signed(row_basis(setup, Parameters(packing=8)), []) == INFINITY
