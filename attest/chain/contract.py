"""A deployed contract of this package: which one it must be, how its functions are called and asked."""

from __future__ import annotations

from typing import Any

from attest.chain.abi import Interface
from attest.chain.artifacts import ContractName, load_artifact
from attest.chain.errors import NetworkError
from attest.chain.transactions import Call, Chain


class Contract:
    """Args: address: where it stands.

    Raises: NetworkError: another contract, or none, stands there.
    """

    def __init__(self, chain: Chain, name: ContractName, address: str) -> None:
        artifact = load_artifact(name)
        if not artifact.matches(chain.code(address)):
            raise NetworkError(
                f"network {chain.network.name!r}: no {name} of this version stands at {address}; "
                "is it the right network and address?"
            )
        self.chain, self.address = chain, address
        self._interface = Interface(artifact.abi)

    def transaction(self, function: str, *arguments: Any) -> Call:
        """A call to be sent."""
        return Call(self.address, self._interface.encode(function, *arguments))

    def ask(self, function: str, *arguments: Any, block: int | None = None) -> tuple[Any, ...]:
        """What a view answers, at the latest block or an earlier one. Raises: Reverted, NetworkError."""
        answer = self.chain.call(self.transaction(function, *arguments), block=block)
        return self._interface.decode(function, answer)
