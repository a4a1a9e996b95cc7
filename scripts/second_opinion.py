"""The reference verifier on a bundle: a second verdict that shares no arithmetic with the first."""

from __future__ import annotations

from collections.abc import Sequence

from attest import reference
from attest.bundle import Bundle, FundFile, PublicValue, SignedSource
from attest.curve import decompress, encode_point
from attest.errors import EncodingError, ProofRejected
from attest.statement import NO_HASH

from .pipeline import Terms


def ask_reference(terms: Terms, fund: FundFile, bundle: Bundle, book_root: bytes = NO_HASH) -> None:
    """Check every proof of a bundle with `attest.reference`.

    That the sources are those of the fund and signed is for `verify_bundle`; this is about the proofs.

    Raises: ProofRejected: naming the equation that fails; EncodingError: malformed.
    """
    sources = _plain(bundle.sources, bundle.public_values)
    previous = _plain(bundle.previous, bundle.previous_public_values) if bundle.previous else None
    contexts = fund.contexts(terms.compiled.policy_hash, terms.duties, bundle.expiry, len(terms.keys), book_root)
    for key, context, proved in zip(terms.keys, contexts, bundle.proofs, strict=True):
        registry = int(context.registry, 16)
        statement = reference.Statement(
            context.chain_id, registry, context.expiry, context.program_id, context.book_root
        )
        compared = previous if key.vectors == 2 else None
        try:
            reference.verify(key.encode(), statement, sources, proved.proof(), compared)
        except reference.Malformed as error:
            raise EncodingError(f"reference verifier: {error}") from error
        except reference.Refused as error:
            raise ProofRejected(f"reference verifier, {error.equation}", error.detail) from error


def _plain(signed: Sequence[SignedSource], public: Sequence[PublicValue]) -> reference.Sources:
    """What the files say, in the reference's own terms."""
    first = signed[0]
    listed = tuple(
        reference.Source(
            s.source, s.role, s.owned_slots_hash, encode_point(decompress(s.commitment)), s.expiry, s.nonce
        )
        for s in signed
    )
    values = tuple((item.slot, item.value) for item in public)
    return reference.Sources(int(first.fund, 16), first.epoch, first.as_of, first.layout_hash, listed, values)
