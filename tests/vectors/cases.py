"""The frozen vectors as typed cases, what verifiers say of them, and the calls that contracts judge (format.md)."""

from tests.vectors.books import BookCase, Currency, book_cases, book_verdict, one_by_one_verdict
from tests.vectors.calls import CHAIN_ID, ContractCall, contract_call, contract_calls
from tests.vectors.policy_proofs import (
    ProofCase,
    StatedContext,
    StatedSet,
    StatedSource,
    fast_verdict,
    proof_cases,
    read_key,
    reference_answer,
    reference_verdict,
)
from tests.vectors.reading import ACCEPT, FOLDER, MALFORMED, REJECT, data_of, edited, fast_answer, read

__all__ = [
    "ACCEPT",
    "CHAIN_ID",
    "FOLDER",
    "MALFORMED",
    "REJECT",
    "BookCase",
    "ContractCall",
    "Currency",
    "ProofCase",
    "StatedContext",
    "StatedSet",
    "StatedSource",
    "book_cases",
    "book_verdict",
    "contract_call",
    "contract_calls",
    "data_of",
    "edited",
    "fast_answer",
    "fast_verdict",
    "one_by_one_verdict",
    "proof_cases",
    "read",
    "read_key",
    "reference_answer",
    "reference_verdict",
]
