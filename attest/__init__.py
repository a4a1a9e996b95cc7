"""Commitments and zero-knowledge proofs about a private vector of holdings."""

from attest.attestation import PreviousRecord, verify_attestation
from attest.commitment import Holdings, SourceCommitment, SourceOpening, SourceSet, open_source
from attest.errors import AttestError, EncodingError, ProgramError, ProofRejected, SourceError, StatementFalse
from attest.masking import PreviousHoldings
from attest.proof import Context
from attest.prover import prove
from attest.srs import Setup, load_setup
from attest.statement import Statement, StatementKey, build_statement

__all__ = [
    "AttestError",
    "Context",
    "EncodingError",
    "Holdings",
    "PreviousHoldings",
    "PreviousRecord",
    "ProgramError",
    "ProofRejected",
    "Setup",
    "SourceCommitment",
    "SourceError",
    "SourceOpening",
    "SourceSet",
    "Statement",
    "StatementFalse",
    "StatementKey",
    "build_statement",
    "load_setup",
    "open_source",
    "prove",
    "verify_attestation",
]
