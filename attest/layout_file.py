"""The layout file: the slots of one epoch's holdings, which the next epoch is compared with (protocol §4).

It is public and needs no trust: its hash stands in the statement key, and every source of that epoch signed it.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from attest.bundle import File
from attest.program import Layout, Owner, Slot, decimal_string

MAX_DIGITS = 80


def _parse_lot(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or len(value) > MAX_DIGITS:
        raise ValueError("a lot is a decimal string")
    try:
        lot = Decimal(value)
    except InvalidOperation:
        raise ValueError("a lot is a decimal string") from None
    if not lot.is_finite() or decimal_string(lot) != value:
        raise ValueError("a lot is a plain decimal string without trailing zeros")
    return lot


Lot = Annotated[
    Decimal,
    BeforeValidator(_parse_lot),
    PlainSerializer(decimal_string, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}),
]


class SlotFile(File):
    """One slot; see `attest.program.Slot`."""

    owner: Annotated[Owner, Field(strict=False)]
    asset: str
    lot: Lot
    sign: Annotated[int, Field(ge=-1, le=1)]
    source: str = ""
    signed: bool = False


class LayoutFile(File):
    """All slots of an epoch from slot 1 on: public."""

    version: Literal["1"] = "1"
    slots: Annotated[tuple[SlotFile, ...], Field(strict=False)]

    def layout(self) -> Layout:
        """Raises: SourceError: slots that cannot be."""
        return Layout(tuple(Slot(s.owner, s.asset, s.lot, s.sign, s.source, s.signed) for s in self.slots))

    @classmethod
    def of(cls, layout: Layout) -> Self:
        fields = ("owner", "asset", "lot", "sign", "source", "signed")
        return cls(slots=tuple(SlotFile(**{name: getattr(slot, name) for name in fields}) for slot in layout.slots))
