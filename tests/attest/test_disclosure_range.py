"""A disclosed quantity is an integer of its slot's range, not a residue mod r (a break found in review)."""

import pytest

from attest.commitment import check_disclosure, disclose
from attest.errors import ProofRejected
from attest.field import MODULUS
from tests.attest.examples import Example, small_example


@pytest.mark.parametrize("shift", [MODULUS, -MODULUS])
def test_a_congruent_quantity_is_refused(shift: int) -> None:
    example: Example = small_example()
    lots, proof = disclose(example.setup, example.holdings, example.layout, 1)
    check_disclosure(example.setup, example.sources, example.layout, 1, lots, proof)
    with pytest.raises(ProofRejected):
        check_disclosure(example.setup, example.sources, example.layout, 1, lots + shift, proof)
