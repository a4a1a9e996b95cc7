"""What can go wrong on a chain, by what the caller should do about it.

No message holds an RPC address (it may carry an access key), a private key or a keystore's content.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from attest.errors import AttestError, Refused


class ChainError(AttestError):
    """Base class of the errors of `attest.chain`."""


class NetworkError(ChainError):
    """A network that is not configured, cannot be reached or does not answer as it should."""


@dataclass
class WrongChain(ChainError):
    """The node serves another chain than the network's name promises; nothing was sent."""

    network: str
    expected: int
    actual: int

    def __str__(self) -> str:
        return (
            f"network {self.network!r} is chain {self.expected}, but the node serves chain {self.actual}; "
            "nothing was sent. Correct the RPC address or the network's chain_id"
        )


@dataclass
class Reverted(ChainError, Refused):
    """A contract refused a call.

    Args:
        reason: the custom error with its arguments, as `Name(value, ...)`.
        transaction: hash of the mined transaction, None when a simulation was refused and nothing was sent.
    """

    reason: str
    transaction: str | None = None

    def __str__(self) -> str:
        where = f"transaction {self.transaction} was mined and failed" if self.transaction else "nothing was sent"
        return f"the contract refuses: {self.reason} ({where})"


class JournalError(ChainError):
    """A journal that cannot be used, or that knows of another submission under the same name."""


class Unreachable(NetworkError):
    """No endpoint of the network works at this moment; the same question may be answered later."""


class NonceGap(NetworkError):
    """A transaction waits for another one, with a lower nonce, that is not this journal's."""


class ClockSkew(NetworkError):
    """The computer's clock and the chain's are too far apart to judge what is valid."""


@dataclass
class InsufficientFunds(ChainError):
    """An address cannot pay for a transaction. What is signed already stays in the journal.

    Args:
        missing: at least so many wei.
    """

    network: str
    address: str
    missing: int

    def __str__(self) -> str:
        ether = (Decimal(self.missing) / 10**18).quantize(Decimal("0.000001"), ROUND_UP)
        return (
            f"network {self.network!r}: {self.address} lacks {ether} ether for gas; "
            "send it there and run the same command again, nothing is lost"
        )


class WouldExpire(ChainError):
    """An attestation whose validity ends before it could be mined; it is not sent, or not sent again."""


class SignerError(ChainError):
    """A signer that does not sign, or that signed something else."""
