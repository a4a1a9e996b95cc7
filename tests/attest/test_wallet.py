"""The word of an address, and what was read there: EIP-712, and files that fit a layout."""

from __future__ import annotations

from decimal import Decimal

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from attest.bundle import FundFile
from attest.errors import EncodingError, SourceError
from attest.program import Layout, Owner, Slot
from attest.wallet import AccountOwnership, OwnershipFile, WalletFile

FUND, READER = "0x" + "f1" * 20, "0x" + "e1" * 20
KEY = bytes(range(1, 33))
TERMS = FundFile(chain_id=1, registry="0x" + "a1" * 20, fund=FUND, policy_owner=FUND, signers={})
LAYOUT = Layout(
    (
        Slot(Owner.SOURCE, "BTC", Decimal(1), 1, "custodian"),
        Slot(Owner.PUBLIC, "ETH", Decimal(1), 1, "wallet"),
        Slot(Owner.PUBLIC, "USD", Decimal(1), 1),
        Slot(Owner.AUX, "es/t", Decimal(1), 0),
    )
)


@pytest.mark.parametrize(("epoch", "chain_id"), [(1, 1), (2**64 - 1, 560048)])
def test_an_ownership_is_signed_as_eip_712_says(epoch: int, chain_id: int) -> None:
    ownership = AccountOwnership(FUND, epoch, Account.from_key(KEY).address)
    fields = [("fund", "address"), ("epoch", "uint64"), ("account", "address")]
    domain = [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]
    message = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for name, kind in domain],
                "AccountOwnership": [{"name": name, "type": kind} for name, kind in fields],
            },
            "primaryType": "AccountOwnership",
            "domain": {"name": "attest", "version": "1", "chainId": chain_id, "verifyingContract": READER},
            "message": {"fund": FUND, "epoch": epoch, "account": ownership.account},
        }
    )
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert ownership.signing_hash(chain_id, READER) == digest
    signature = ownership.sign(KEY, chain_id, READER)
    assert Account.recover_message(message, signature=signature) == ownership.account
    others = {ownership.signing_hash(chain_id + 1, READER), ownership.signing_hash(chain_id, FUND)}
    assert len(others | {digest}) == 3


def test_what_was_read_fits_the_public_slots() -> None:
    wallet = WalletFile.of(LAYOUT, TERMS, 1, (5, 0))
    assert WalletFile.parse(wallet.encode()).public_values(LAYOUT, TERMS, 1) == ((2, 5), (3, 0))
    with pytest.raises(EncodingError, match="another layout"):
        wallet.public_values(Layout(LAYOUT.slots[:3]), TERMS, 1)
    with pytest.raises(EncodingError, match="another layout"):
        wallet.model_copy(update={"values": wallet.values[::-1]}).public_values(LAYOUT, TERMS, 1)
    with pytest.raises(EncodingError, match="another fund, registry or epoch"):
        wallet.public_values(LAYOUT, TERMS, 2)
    for change in ({"fund": READER}, {"registry": READER}, {"chain_id": 2}):
        with pytest.raises(EncodingError, match="another fund, registry or epoch"):
            wallet.public_values(LAYOUT, TERMS.model_copy(update=change), 1)
    with pytest.raises(ValueError, match="shorter"):
        WalletFile.of(LAYOUT, TERMS, 1, (5,))


def test_an_ownership_file_travels() -> None:
    file = OwnershipFile(fund=FUND, epoch=7, account=READER, signature=b"\x01" * 70)
    assert OwnershipFile.parse(file.encode()) == file
    assert int(file.ownership.account, 16) == int(READER, 16) and file.ownership.epoch == 7


def test_only_slots_that_are_held_name_a_holder() -> None:
    assert LAYOUT.held == (1, 2, 3) and LAYOUT.sources == ("custodian",)
    with pytest.raises(SourceError, match="names its source"):
        Slot(Owner.SOURCE, "BTC", Decimal(1), 1)
    for owner in (Owner.AUX, Owner.UNUSED):
        with pytest.raises(SourceError, match="nobody holds"):
            Slot(owner, "BTC", Decimal(1), 0, "custodian")
