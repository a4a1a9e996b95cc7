"""The chain side: contract artifacts, client and publisher."""

from attest.chain.books import MOST_CHUNKS, BookStanding
from attest.chain.client import CompletedEpoch, FundStatus, ProvedProgram, Registry, Submission
from attest.chain.deployment import Deployment, deploy
from attest.chain.embedded import EmbeddedChain
from attest.chain.errors import (
    ChainError,
    ClockSkew,
    InsufficientFunds,
    JournalError,
    NetworkError,
    NonceGap,
    Reverted,
    SignerError,
    Unreachable,
    WouldExpire,
    WrongChain,
)
from attest.chain.fees import Quote
from attest.chain.journal import Content, Identity, Journal, Record, State
from attest.chain.networks import Network, load_network
from attest.chain.policies import AccountSlot, Approval, ApprovedEpoch, Oversight, Policies
from attest.chain.publisher import Published, Publisher
from attest.chain.signers import LocalSigner, RemoteSigner, Signed, Signer, Transaction, address_of
from attest.chain.transactions import Call, Chain, Receipt

__all__ = [
    "MOST_CHUNKS",
    "AccountSlot",
    "Approval",
    "ApprovedEpoch",
    "BookStanding",
    "Call",
    "Chain",
    "ChainError",
    "ClockSkew",
    "CompletedEpoch",
    "Content",
    "Deployment",
    "EmbeddedChain",
    "FundStatus",
    "Identity",
    "InsufficientFunds",
    "Journal",
    "JournalError",
    "LocalSigner",
    "Network",
    "NetworkError",
    "NonceGap",
    "Oversight",
    "Policies",
    "ProvedProgram",
    "Published",
    "Publisher",
    "Quote",
    "Receipt",
    "Record",
    "Registry",
    "RemoteSigner",
    "Reverted",
    "Signed",
    "Signer",
    "SignerError",
    "State",
    "Submission",
    "Transaction",
    "Unreachable",
    "WouldExpire",
    "WrongChain",
    "address_of",
    "deploy",
    "load_network",
]
