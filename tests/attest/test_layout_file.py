"""The layout file: a layout comes back as it was, and nothing else is read."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attest.errors import EncodingError, SourceError
from attest.layout_file import LayoutFile
from attest.program import Layout, Owner, Slot

slots = st.builds(
    lambda asset, exponent, digits, sign, signed: Slot(
        Owner.SOURCE, asset, Decimal(digits).scaleb(exponent), sign, "custodian", signed and sign > 0
    ),
    st.text("ABCxyz-", min_size=1, max_size=8),
    st.integers(-12, 6),
    st.integers(1, 10**6),
    st.sampled_from([-1, 0, 1]),
    st.booleans(),
) | st.builds(lambda label: Slot(Owner.AUX, label, Decimal("0.000000001"), 0, signed=True), st.text("tu/", min_size=1))


@given(st.lists(slots, max_size=6))
def test_a_layout_comes_back_with_its_hash(listed: list[Slot]) -> None:
    layout = Layout(tuple(listed))
    assert LayoutFile.parse(LayoutFile.of(layout).encode()).layout().hash == layout.hash


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("lot", 1, EncodingError),
        ("lot", "1e3", EncodingError),
        ("lot", "1.0", EncodingError),
        ("lot", "NaN", EncodingError),
        ("lot", "9" * 81, EncodingError),
        ("lot", "0", SourceError),
        ("lot", "-1", SourceError),
        ("sign", 2, EncodingError),
        ("owner", "nobody", EncodingError),
        ("source", "", SourceError),
        ("extra", "x", EncodingError),
    ],
)
def test_slots_that_cannot_be_are_refused(field: str, value: Any, error: type[Exception]) -> None:
    layout = Layout((Slot(Owner.SOURCE, "BTC", Decimal("0.001"), 1, "custodian"),))
    document = json.loads(LayoutFile.of(layout).encode())
    document["slots"][0][field] = value
    with pytest.raises(error):
        LayoutFile.parse(json.dumps(document).encode()).layout()
