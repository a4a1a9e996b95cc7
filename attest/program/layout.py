"""The layout: who answers for each slot of the private vector, in which asset, lot and sign (protocol §2, §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from attest.errors import SourceError
from attest.program.canonical import canonical_hash
from attest.program.parameters import PACKINGS, Parameters


class Owner(StrEnum):
    """Who fills a slot."""

    SOURCE = "source"
    PUBLIC = "public"
    AUX = "aux"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Slot:
    """One entry of the private vector.

    Args:
        owner: who fills it.
        source: the source's name where a source owns it; where a slot is public, who it stands for, or ""; else "".
        asset: the instrument's identifier; for aux slots the name of the certificate.
        lot: quantity of the asset in one unit of the slot, > 0.
        sign: σ, +1 for assets, −1 for debts, 0 for claims and aux.
        signed: whether the quantity may be negative (a short); else its variable row is `nonneg`.
    """

    owner: Owner
    asset: str
    lot: Decimal
    sign: int
    source: str = ""
    signed: bool = False

    def __post_init__(self) -> None:
        if self.sign not in (-1, 0, 1):
            raise SourceError(f"slot of {self.asset!r}: the sign is −1, 0 or 1")
        if not self.lot > 0:
            raise SourceError(f"slot of {self.asset!r}: the lot must be positive")
        if self.owner is Owner.SOURCE and not self.source:
            raise SourceError(f"slot of {self.asset!r}: a source's slot names its source")
        if self.owner in (Owner.AUX, Owner.UNUSED) and self.source:
            raise SourceError(f"slot of {self.asset!r}: nobody holds what stands there, and it names somebody")
        if self.owner in (Owner.SOURCE, Owner.PUBLIC) and self.sign <= 0 and self.signed:
            raise SourceError(f"slot of {self.asset!r}: a debt or claim is never negative")


def source_id(name: str) -> bytes:
    """The 32-byte identifier of a source, keccak256 of its name."""
    return bytes(keccak(text=name))


def slots_hash(slots: Sequence[int]) -> bytes:
    """keccak256(abi.encode(uint256[])): how slots stand in a source's signature."""
    return bytes(keccak(abi_encode(["uint256[]"], [list(slots)])))


@dataclass(frozen=True, slots=True)
class Layout:
    """Slots 1..N−1 in order; slot 0 is the constant 1 and is not listed."""

    slots: tuple[Slot, ...]

    def __post_init__(self) -> None:
        limit = Parameters(packing=PACKINGS[0]).max_slots
        if self.size > limit:
            raise SourceError(f"a layout has at most {limit - 1} slots; the blinding entries lie behind them")

    @property
    def size(self) -> int:
        """N, slot 0 included."""
        return len(self.slots) + 1

    def __getitem__(self, slot: int) -> Slot:
        if not 1 <= slot < self.size:
            raise SourceError(f"slot {slot} is outside the layout")
        return self.slots[slot - 1]

    def of(self, owner: Owner) -> tuple[int, ...]:
        """Slots of one kind of owner, ascending."""
        return tuple(j for j, slot in enumerate(self.slots, 1) if slot.owner is owner)

    @property
    def held(self) -> tuple[int, ...]:
        """Slots that sources fill and public ones, ascending: what a fund holds and owes."""
        return tuple(j for j, slot in enumerate(self.slots, 1) if slot.owner in (Owner.SOURCE, Owner.PUBLIC))

    def owned_by(self, source: str) -> tuple[int, ...]:
        """Slots that one source answers for, ascending.

        Raises: SourceError: the layout does not know the source.
        """
        owned = tuple(j for j, s in enumerate(self.slots, 1) if s.owner is Owner.SOURCE and s.source == source)
        if not owned:
            raise SourceError(f"no slot of the layout belongs to source {source!r}")
        return owned

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of all sources, ascending by their identifier as the protocol orders them."""
        return tuple(sorted({s.source for s in self.slots if s.owner is Owner.SOURCE}, key=source_id))

    @property
    def hash(self) -> bytes:
        """The layout hash that every source signs and every key carries."""
        return canonical_hash(
            [
                {
                    "asset": s.asset,
                    "lot": s.lot,
                    "owner": s.owner.value,
                    "sign": s.sign,
                    "signed": s.signed,
                    "source": s.source,
                }
                for s in self.slots
            ]
        )

    def owned_slots_hash(self, source: str) -> bytes:
        """`slots_hash` of the source's slots."""
        return slots_hash(self.owned_by(source))
