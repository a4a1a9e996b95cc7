"""What can go wrong in `attest`, by what the caller should do about it.

No message, `repr` or attribute that prints holds a quantity, a blinding factor or a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class AttestError(Exception):
    """Base class of every error that this package raises on purpose."""


class EncodingError(AttestError):
    """Bytes or a file that do not decode: wrong length, non-canonical, off the curve, unknown field."""


class AccountError(EncodingError):
    """Accounts that cannot be counted, by row, or one that is not in the book."""


class Refused(AttestError):
    """A contract says no to what it was asked; asked again without a change, it says no again."""


@dataclass(eq=False)
class ProofRejected(AttestError):
    """A well-formed proof of something that does not hold, or of something else."""

    equation: str
    detail: str = ""

    def __str__(self) -> str:
        return f"proof rejected at {self.equation}" + (f": {self.detail}" if self.detail else "")


@dataclass(eq=False)
class ProgramError(AttestError):
    """A program that breaks a rule of the compiler, so that a proof of it would mean nothing."""

    rule: str
    row: str
    detail: str

    def __str__(self) -> str:
        return f"row {self.row!r} breaks rule {self.rule}: {self.detail}"


@dataclass(eq=False)
class StatementFalse(AttestError):
    """The holdings do not satisfy the program. For the operator's eyes: it says which promise is broken.

    Args:
        constraints: names of the violated constraints, in the program's order.
        slacks: row name → how far below zero, in the row's units. Secret, never printed.
    """

    constraints: tuple[str, ...]
    slacks: dict[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.args = (self.constraints,)  # what a traceback or a logger may print

    def __str__(self) -> str:
        return "the holdings violate: " + ", ".join(self.constraints)


class SourceError(AttestError):
    """Sources that do not fit together: a missing, repeated or unknown source, a foreign slot, a bad signature."""
