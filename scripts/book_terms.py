"""What a policy says of its liability book: the source, what a unit of each of its slots is, and the root it needs."""

from __future__ import annotations

from attest.commitment import ROLES
from attest.errors import EncodingError
from attest.liabilities import ClaimsSlot, currencies_hash
from attest.program import Layout
from attest.statement import NO_HASH

from .pipeline import Terms


def book_source(terms: Terms) -> str | None:
    """The source that is a liability book, None where the policy has none."""
    books = [name for name, role in terms.roles.items() if role == ROLES["liability_book"]]
    return books[0] if books else None


def claims_slots(layout: Layout, source: str) -> tuple[ClaimsSlot, ...]:
    """What a unit of each of a source's slots is."""
    return tuple(ClaimsSlot(slot, layout[slot].asset, layout[slot].lot) for slot in layout.owned_by(source))


def book_currencies_of(terms: Terms) -> bytes:
    """The hash of what a unit of the liability book is; zeros where the policy has none."""
    source = book_source(terms)
    return currencies_hash(claims_slots(terms.layout, source)) if source is not None else NO_HASH


def needed_book_root(terms: Terms, root: bytes | None) -> bytes:
    """The book root that goes into the proofs.

    Args: root: what the user gave.
    Raises: EncodingError: the policy has a liability book and there is no root, or the other way round.
    """
    source = book_source(terms)
    if source is None:
        if root is not None:
            raise EncodingError("the policy has no liability book; leave --book and --book-root out")
        return NO_HASH
    if root is None:
        raise EncodingError(
            f"the policy's source {source!r} is a liability book: give --book, the file that the fund publishes, or "
            "--book-root as the registry has it"
        )
    return root


__all__ = ["book_currencies_of", "book_source", "claims_slots", "needed_book_root"]
