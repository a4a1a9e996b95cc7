"""The holdings file: private quantities by source and instrument, and their lots (protocol §4).

Messages name sources and instruments, never a quantity.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Set
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field

from attest.program import Layout, Slot, canonical_json
from optimizer.documents import Document, PublishedDecimal, Symbol, parse_document, read_bytes
from optimizer.errors import DataError


class Holdings(Document):
    """What every source holds and owes. Secret.

    Args:
        version: of this file format.
        as_of: the day of the holdings.
        sources: source → instrument id → units of quantity; debts are positive, a zero is written "0". What the fund's
            own addresses hold, where the policy has them read, stands under "wallet".
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    version: Literal["1"] = "1"
    as_of: dt.date
    sources: dict[Symbol, dict[Symbol, PublishedDecimal]] = Field(repr=False)

    def lots(self, layout: Layout) -> tuple[int, ...]:
        """Whole lots of the held slots, in layout order: assets rounded down, debts up.

        Raises: DataError: a source or instrument that is missing, unknown, or negative where it must not be.
        """
        self._refuse_strangers({(layout[j].source, layout[j].asset) for j in layout.held})
        return tuple(self._lots(layout[j]) for j in layout.held)

    def source_lots(self, layout: Layout, source: str) -> dict[int, int]:
        """Slot → whole lots of one source. What the file says of others is not looked at, or need not be there.

        Raises: DataError: as `lots`, of this source.
        """
        own = layout.owned_by(source)
        mine = self.model_copy(update={"sources": {source: self.sources.get(source, {})}})
        mine._refuse_strangers({(source, layout[j].asset) for j in own})
        return {j: self._lots(layout[j]) for j in own}

    def _lots(self, slot: Slot) -> int:
        source, asset = slot.source, slot.asset
        try:
            quantity = self.sources[source][asset]
        except KeyError:
            what = f"{asset!r} of source {source!r}" if source in self.sources else f"source {source!r}"
            raise DataError(f'{what} is missing; a position that is not held is written "0"') from None
        if quantity < 0 and not slot.signed:
            what = "a debt is written as a positive quantity" if slot.sign < 0 else "it cannot be held short"
            raise DataError(f"{asset!r} of source {source!r} is negative; {what}")
        return whole_lots(quantity, slot.lot, slot.sign)

    def _refuse_strangers(self, pairs: Set[tuple[str, str]]) -> None:
        sources = {source for source, _ in pairs}
        for source, quantities in self.sources.items():
            if source not in sources:
                raise DataError(f"source {source!r} is not in the policy; remove it")
            for asset in quantities:
                if (source, asset) not in pairs:
                    raise DataError(f"the policy gives source {source!r} no instrument {asset!r}; remove it")

    @classmethod
    def of(cls, layout: Layout, lots: tuple[int, ...], as_of: dt.date) -> Self:
        """The holdings that these lots stand for, exactly."""
        sources: dict[str, dict[str, Decimal]] = {}
        for j, count in zip(layout.held, lots, strict=True):
            slot = layout[j]
            sources.setdefault(slot.source, {})[slot.asset] = exact_product(count, slot.lot)
        return cls(as_of=as_of, sources=sources)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Raises: DataError: the file cannot be read or is no holdings file; names the field, no quantity."""
        content = read_bytes(path)
        try:
            return parse_document(cls, content, path)
        except DataError as error:
            raise DataError(error.detail, file=error.file, column=error.column) from None

    def save(self, path: str | Path) -> None:
        """Write the file readable by its owner only. Raises: DataError: it cannot be written."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(canonical_json(self.model_dump(mode="json")) + b"\n")
        except OSError as error:
            raise DataError(f"cannot be written: {error.strerror or error}", file=path) from error


def whole_lots(quantity: Decimal, lot: Decimal, sign: int) -> int:
    """⌊quantity/lot⌋ for an asset, ⌈quantity/lot⌉ for a debt, exactly."""
    exact = Fraction(quantity) / Fraction(lot)
    return -(-exact.numerator // exact.denominator) if sign < 0 else exact.numerator // exact.denominator


def exact_product(count: int, lot: Decimal) -> Decimal:
    """count·lot without rounding to a context's precision."""
    sign, digits, exponent = lot.as_tuple()
    mantissa = count * int("".join(map(str, digits)))
    return Decimal(f"{-mantissa if sign else mantissa}E{exponent}")
