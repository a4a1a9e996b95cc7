"""The reader of a fund's addresses from Python."""

from __future__ import annotations

from collections.abc import Sequence

from attest.chain.contract import Contract
from attest.chain.errors import Reverted
from attest.chain.transactions import Call, Chain
from attest.errors import EncodingError
from attest.wallet import OwnershipFile


class Accounts(Contract):
    """An `AccountReader`."""

    def __init__(self, chain: Chain, address: str) -> None:
        super().__init__(chain, "AccountReader", address)

    def read(self, fund: str, policy_id: bytes, epoch: int, owned: Sequence[OwnershipFile]) -> Call:
        """Reads the balances, for good. Sent for the fund, when the epoch's statements count.

        Raises: EncodingError: a signature is for another fund or epoch, or an address stands there twice.
        """
        ordered = sorted(owned, key=lambda file: int(file.account, 16))
        for file in ordered:
            if int(file.fund, 16) != int(fund, 16) or file.epoch != epoch:
                raise EncodingError(f"address {file.account} signed for another fund or epoch")
        accounts = [file.account for file in ordered]
        if len(set(accounts)) < len(accounts) or not accounts:
            raise EncodingError("at least one address is read, and each once")
        return self.transaction("readAccounts", fund, policy_id, epoch, accounts, [file.signature for file in ordered])

    def values(self, fund: str, policy_id: bytes, epoch: int) -> tuple[int, ...] | None:
        """Lots in each account slot of the policy, in order; None before they are read."""
        try:
            (lots,) = self.ask("values", fund, policy_id, epoch)
        except Reverted as refusal:
            if refusal.reason.startswith("AccountsNotRead"):
                return None
            raise
        return tuple(int(each) for each in lots)
