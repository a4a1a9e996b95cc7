"""The chain side: contract artifacts, client and publisher."""

from attest.chain.books import MOST_CHUNKS, BookStanding
from attest.chain.client import FundStatus, Record, Registry, Submission
from attest.chain.deployment import Deployment, deploy
from attest.chain.embedded import EmbeddedChain
from attest.chain.errors import ChainError, JournalError, NetworkError, Reverted, WrongChain
from attest.chain.journal import Identity, Journal, State
from attest.chain.networks import Network, load_network
from attest.chain.policies import Approval, Oversight, Policies
from attest.chain.publisher import Published, Publisher
from attest.chain.transactions import Call, Chain, Quote, Receipt

__all__ = [
    "MOST_CHUNKS",
    "Approval",
    "BookStanding",
    "Call",
    "Chain",
    "ChainError",
    "Deployment",
    "EmbeddedChain",
    "FundStatus",
    "Identity",
    "Journal",
    "JournalError",
    "Network",
    "NetworkError",
    "Oversight",
    "Policies",
    "Published",
    "Publisher",
    "Quote",
    "Receipt",
    "Record",
    "Registry",
    "Reverted",
    "State",
    "Submission",
    "WrongChain",
    "deploy",
    "load_network",
]
