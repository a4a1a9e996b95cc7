"""Deploying the contracts to addresses that follow from their bytes (EIP-1014), as often as one likes.

A contract's address commits to its creation code and constructor arguments, so that code at that address is the code
that this package carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from attest.bundle import Address, File
from attest.chain.abi import encode_arguments
from attest.chain.artifacts import ContractName, load_artifact
from attest.chain.errors import NetworkError, Reverted
from attest.chain.factory import FACTORY, FACTORY_COST, FACTORY_DEPLOYER, FACTORY_TRANSACTION
from attest.chain.signers import Signer
from attest.chain.transactions import Call, Chain

SALT = bytes(32)


class Deployment(File):
    """Where the contracts stand: public."""

    version: Literal["1"] = "1"
    network: str
    chain_id: int
    verifier: Address
    book_verifier: Address
    representation_verifier: Address
    funds: Address
    policies: Address
    books: Address
    account_reader: Address
    registry: Address
    block: int


@dataclass(frozen=True, slots=True)
class Creation:
    """A contract to be created. Args: code: creation code with the constructor's arguments."""

    name: ContractName
    code: bytes
    salt: bytes = SALT

    @classmethod
    def of(cls, name: ContractName, *arguments: Any, salt: bytes = SALT) -> Self:
        """What the package carries, with these arguments of its constructor."""
        artifact = load_artifact(name)
        return cls(name, artifact.bytecode + encode_arguments(artifact.abi, *arguments), salt)

    @property
    def address(self) -> str:
        """keccak256(0xff ‖ factory ‖ salt ‖ keccak256(code)), its last 20 bytes."""
        digest = keccak(b"\xff" + bytes.fromhex(FACTORY[2:]) + self.salt + keccak(self.code))
        return str(to_checksum_address(digest[12:]))

    @property
    def call(self) -> Call:
        """To the factory."""
        return Call(FACTORY, self.salt + self.code)

    @property
    def gas_bound(self) -> int:
        """At least the gas of the creation whose constructor only stores a few words.

        Source: EIP-2028 (16 a byte of data), EIP-3860 (2 a word of creation code), yellow paper appendix G (53000 for
        a transaction with a creation, 200 a byte of stored code); 150000 are left for factory and constructor.
        """
        size = len(self.code)
        stored = len(load_artifact(self.name).deployed_bytecode)
        return 53_000 + 16 * size + 2 * -(-size // 32) + 200 * stored + 150_000


@dataclass(frozen=True, slots=True)
class Plan:
    """All contracts, each behind those that its constructor names."""

    verifier: Creation
    book_verifier: Creation
    representation_verifier: Creation
    funds: Creation
    policies: Creation
    books: Creation
    account_reader: Creation
    registry: Creation

    def __iter__(self) -> Iterator[Creation]:
        return (getattr(self, name) for name in self.__dataclass_fields__)


def plan(
    verifier: Creation | None = None,
    book_verifier: Creation | None = None,
    representation_verifier: Creation | None = None,
) -> Plan:
    """What is deployed, and where. Args: each instead of what the package carries."""
    verifier = verifier or Creation.of("ProofVerifier")
    book_verifier = book_verifier or Creation.of("BookVerifier")
    representation_verifier = representation_verifier or Creation.of("RepresentationVerifier")
    funds, policies = Creation.of("FundRegistry"), Creation.of("PolicyRegistry")
    books = Creation.of("BookRegistry", book_verifier.address, funds.address)
    reader = Creation.of("AccountReader", funds.address, policies.address)
    trusted = verifier.address, books.address, reader.address, representation_verifier.address
    registry = Creation.of("AttestationRegistry", *trusted)
    return Plan(verifier, book_verifier, representation_verifier, funds, policies, books, reader, registry)


def missing(chain: Chain, planned: Iterable[Creation]) -> list[Creation]:
    """What does not stand yet. Raises: NetworkError: the chain has no factory."""
    if not chain.code(FACTORY):
        raise NetworkError(
            f"network {chain.network.name!r}: no deployment factory stands at {FACTORY}; send {FACTORY_COST / 10**18} "
            f"ether to {FACTORY_DEPLOYER} and then the transaction 0x{FACTORY_TRANSACTION.hex()}"
        )
    return [creation for creation in planned if not chain.code(creation.address)]


def deploy(chain: Chain, signer: Signer | bytes, planned: Plan | None = None) -> Deployment:
    """Deploy what does not stand yet; on a second run, nothing.

    Args:
        signer: or a private key. planned: instead of what the package carries.
    Raises: Reverted: a precompile that a verifier needs is missing; NetworkError.
    """
    planned = planned or plan()
    create(chain, signer, planned)
    return standing(chain, planned)


def create(chain: Chain, signer: Signer | bytes, planned: Iterable[Creation]) -> None:
    """Create what does not stand yet, in this order. Raises: Reverted: a constructor refuses; NetworkError."""
    for creation in missing(chain, planned):
        try:
            chain.execute(signer, creation.call)
        except Reverted:
            chain.call(Call(None, creation.code))  # the factory swallows the constructor's reason
            raise
        if not chain.code(creation.address):
            raise NetworkError(f"network {chain.network.name!r}: the factory did not deploy {creation.name}")


def standing(chain: Chain, planned: Plan) -> Deployment:
    """Where the contracts stand."""
    places = {name: getattr(planned, name).address for name in Plan.__dataclass_fields__}
    network, (block, _) = chain.network, chain.head()
    return Deployment(network=network.name, chain_id=network.chain_id, block=block, **places)
