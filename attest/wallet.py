"""The fund's own addresses: that they are the fund's in an epoch, and what the registry read there (protocol §4).

An address signs that it is the fund's; the contract `AccountReader` checks that and reads the balances. What it read
fills the public slots of the layout, so the values are public and come from the chain, never from the fund.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_utils.crypto import keccak
from pydantic import Field

from attest.bundle import Address, AnyBytes, Bytes32, File, FundFile, PublicValue, Uint64
from attest.errors import EncodingError
from attest.program import Layout, Owner
from attest.typed_data import signing_hash

OWNERSHIP_TYPE = "AccountOwnership(address fund,uint64 epoch,address account)"


@dataclass(frozen=True, slots=True)
class AccountOwnership:
    """What an address signs: the EIP-712 struct `AccountOwnership`."""

    fund: str
    epoch: int
    account: str

    def signing_hash(self, chain_id: int, reader: str) -> bytes:
        """Args: reader: address of the `AccountReader`, in whose domain it is signed."""
        types = ["bytes32", "address", "uint64", "address"]
        fields = [keccak(text=OWNERSHIP_TYPE), self.fund, self.epoch, self.account]
        return signing_hash(bytes(keccak(abi_encode(types, fields))), chain_id, reader)

    def sign(self, key: bytes, chain_id: int, reader: str) -> bytes:
        """A 65-byte signature by the address's own key."""
        return bytes(Account.unsafe_sign_hash(self.signing_hash(chain_id, reader), key).signature)


class OwnershipFile(File):
    """An address's word that it is the fund's in an epoch: public.

    Args:
        signature: of the address's key, or what a contract at the address accepts (EIP-1271).
    """

    version: Literal["1"] = "1"
    fund: Address
    epoch: Uint64
    account: Address
    signature: AnyBytes

    @property
    def ownership(self) -> AccountOwnership:
        return AccountOwnership(self.fund, self.epoch, self.account)


class WalletFile(File):
    """What the registry read at a fund's addresses: public.

    Args:
        layout_hash: of the layout that it fills; values: of each public slot, in lots.
    """

    version: Literal["1"] = "1"
    chain_id: Annotated[int, Field(ge=1, lt=2**256)]
    registry: Address
    fund: Address
    epoch: Uint64
    layout_hash: Bytes32
    values: Annotated[tuple[PublicValue, ...], Field(min_length=1, strict=False)]

    @classmethod
    def of(cls, layout: Layout, fund: FundFile, epoch: int, lots: Sequence[int]) -> Self:
        """Args: lots: of each public slot of the layout, in order."""
        pairs = zip(layout.of(Owner.PUBLIC), lots, strict=True)
        return cls(
            chain_id=fund.chain_id,
            registry=fund.registry,
            fund=fund.fund,
            epoch=epoch,
            layout_hash=layout.hash,
            values=tuple(PublicValue(slot=slot, value=value) for slot, value in pairs),
        )

    def public_values(self, layout: Layout, fund: FundFile, epoch: int) -> tuple[tuple[int, int], ...]:
        """(slot, lots), ascending. Raises: EncodingError: they are of another layout, fund, registry or epoch."""
        place = fund.chain_id, int(fund.registry, 16), int(fund.fund, 16), epoch
        if (self.chain_id, int(self.registry, 16), int(self.fund, 16), self.epoch) != place:
            raise EncodingError("the fund's addresses were read for another fund, registry or epoch")
        values = tuple((item.slot, item.value) for item in self.values)
        if self.layout_hash != layout.hash or tuple(slot for slot, _ in values) != layout.of(Owner.PUBLIC):
            raise EncodingError("the fund's addresses were read for another layout, of another policy or market")
        return values
