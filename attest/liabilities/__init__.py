"""The liability book: every account committed, every balance in range, the total a claim of the fund (protocol §9)."""

from attest.liabilities.accounts import Account, Currency, read_accounts
from attest.liabilities.book import BookTerms, ChunkCommitments, ClaimsSlot, book_root, currencies_hash
from attest.liabilities.executors import Workers
from attest.liabilities.files import BookFile, InclusionFile
from attest.liabilities.inclusion import AccountKey, AllOpenings, Inclusion, check_inclusion
from attest.liabilities.proof import ChunkStatement
from attest.liabilities.prover import ChunkContent, commit_chunk, prove_chunk
from attest.liabilities.verifier import book_commitment, verify_book, verify_chunk
from attest.liabilities.workdir import BookSource, Workdir

__all__ = [
    "Account",
    "AccountKey",
    "AllOpenings",
    "BookFile",
    "BookSource",
    "BookTerms",
    "ChunkCommitments",
    "ChunkContent",
    "ChunkStatement",
    "ClaimsSlot",
    "Currency",
    "Inclusion",
    "InclusionFile",
    "Workdir",
    "Workers",
    "book_commitment",
    "book_root",
    "check_inclusion",
    "commit_chunk",
    "currencies_hash",
    "prove_chunk",
    "read_accounts",
    "verify_book",
    "verify_chunk",
]
