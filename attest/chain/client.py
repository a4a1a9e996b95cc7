"""The contracts from Python: deployment, the registry's transactions, and what its views answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from eth_abi.abi import encode as abi_encode

from attest.bundle import Address, Bundle, File, FundFile, SignedSource
from attest.chain.abi import Interface
from attest.chain.artifacts import Artifact, ContractName, load_artifact
from attest.chain.books import BookStanding, book_tuple, inclusion_tuple, proving_arguments
from attest.chain.errors import NetworkError
from attest.chain.signers import Signer
from attest.chain.transactions import Call, Chain
from attest.curve import decompress, encode_point
from attest.liabilities import BookFile, InclusionFile
from attest.registration import SourceRequirement, ordered
from attest.statement import StatementKey


class Deployment(File):
    """Where the contracts stand: public."""

    version: Literal["1"] = "1"
    network: str
    chain_id: int
    verifier: Address
    book_verifier: Address
    registry: Address
    block: int


@dataclass(frozen=True, slots=True)
class Approval:
    """What a policy's owner approves for an epoch.

    Args:
        as_of, valid_until: Unix seconds; owned_slots: source → hash of its slots; digests: of each program's key.
        public_slots: slot → value.
    """

    as_of: int
    valid_until: int
    layout_hash: bytes
    owned_slots: dict[str, bytes]
    digests: tuple[bytes, ...]
    public_slots: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submission:
    """One program's proof as the registry takes it: all of it becomes public.

    Args:
        previous: the previous epoch's sources, where the program compares epochs; their signatures stay here.
    """

    fund: str
    policy_id: bytes
    epoch: int
    expiry: int
    program: int
    key: bytes
    digest: bytes
    sources: tuple[SignedSource, ...]
    proof: bytes
    previous: tuple[SignedSource, ...] = ()

    @classmethod
    def of_bundle(
        cls, bundle: Bundle, fund: FundFile, policy_id: bytes, keys: Sequence[StatementKey]
    ) -> tuple[Submission, ...]:
        """One for each program of a verified bundle, with the keys of all programs. Raises: EncodingError."""
        return tuple(
            cls(
                fund.fund,
                policy_id,
                bundle.epoch,
                bundle.expiry,
                index,
                key.encode(),
                proved.digest,
                bundle.sources,
                proved.proof(),
                bundle.previous if key.vectors == 2 else (),
            )
            for index, (key, proved) in enumerate(zip(keys, bundle.proofs, strict=True))
        )


@dataclass(frozen=True, slots=True)
class FundStatus:
    """What an investor is told, all of it at one block.

    Args:
        epoch, expiry, attested_block: the last completed epoch, until when it counts (Unix seconds), and the block of
            its last proof; zeros when there is none.
        block, time: number and Unix time of the block at which this was asked.
    """

    compliant: bool
    epoch: int
    expiry: int
    attested_block: int
    source_set_hash: bytes
    block: int
    time: int


def _requirement_tuples(requirements: Sequence[SourceRequirement]) -> list[tuple[bytes, str, int]]:
    return [(r.id, r.signer, r.role) for r in ordered(requirements)]


def _source_tuple(source: SignedSource) -> tuple[int, int, list[bytes]]:
    point = encode_point(decompress(source.commitment))
    return source.expiry, source.nonce, [point[i : i + 32] for i in range(0, 128, 32)]


class Registry:
    """An `AttestationRegistry`: methods named for a transaction build its call, the others ask.

    Args:
        address: of the contract.
    Raises: NetworkError: this registry does not stand there.
    """

    def __init__(self, chain: Chain, address: str) -> None:
        artifact = load_artifact("AttestationRegistry")
        if not artifact.matches(chain.code(address)):
            raise NetworkError(
                f"network {chain.network.name!r}: no registry of this version stands at {address}; "
                "is it the right network and address?"
            )
        self.chain, self.address = chain, address
        self._interface = Interface(artifact.abi)

    def _transaction(self, function: str, *arguments: Any) -> Call:
        return Call(self.address, self._interface.encode(function, *arguments))

    def _ask(self, function: str, *arguments: Any, block: int | None = None) -> tuple[Any, ...]:
        answer = self.chain.call(self._transaction(function, *arguments), block=block)
        return self._interface.decode(function, answer)

    def register_fund(self, owner: str) -> Call:
        """Sent by the fund's own address."""
        return self._transaction("registerFund", owner)

    def register_policy(
        self, policy_hash: bytes, requirements: Sequence[SourceRequirement], program_count: int, uri: str = ""
    ) -> Call:
        """Sent by the policy's owner."""
        listed = _requirement_tuples(requirements)
        return self._transaction("registerPolicy", policy_hash, listed, program_count, uri)

    def approve_epoch(self, policy_id: bytes, epoch: int, approval: Approval) -> Call:
        """Sent by the policy's owner."""
        ids = {SourceRequirement(name, self.address, 0).id: hash_ for name, hash_ in approval.owned_slots.items()}
        fields = (
            approval.as_of,
            approval.valid_until,
            approval.layout_hash,
            [ids[source_id] for source_id in sorted(ids)],
            list(approval.digests),
            sorted(approval.public_slots.items()),
        )
        return self._transaction("approveEpoch", policy_id, epoch, fields)

    def publish_book(self, fund: str, epoch: int, root: bytes) -> Call:
        """Sent by the fund's owner, once for each epoch."""
        return self._transaction("publishBook", fund, epoch, root)

    def book_root(self, fund: str, epoch: int) -> bytes:
        """Root of the fund's liability book, zeros before it is published."""
        return bytes(self._ask("bookRoot", fund, epoch)[0])

    def prove_book(self, book: BookFile) -> Call:
        """Has the contract verify a small book, whose root is published. Sent by anybody."""
        return self._transaction("proveBook", *proving_arguments(book))

    def book_standing(self, fund: str, epoch: int) -> BookStanding:
        """What the chain says of a fund's book."""
        return BookStanding(self._ask("bookStanding", fund, epoch)[0])

    def check_inclusion(self, held: InclusionFile) -> BookStanding:
        """An account stands in the published book, by the contract's own check; what the chain says of that book.

        The node that is asked sees account, nonce hash and balances.

        Raises: Reverted: it does not stand there.
        """
        arguments = book_tuple(held.terms), inclusion_tuple(held.key, held.inclusion())
        return BookStanding(self._ask("checkInclusion", *arguments)[0])

    def submit(self, submission: Submission) -> Call:
        """Sent by the fund's owner, or by anybody once the source set is fixed."""
        s = submission
        sources = [(*_source_tuple(source), source.signature) for source in s.sources]
        previous = [_source_tuple(source) for source in s.previous]
        return self._transaction(
            "submit", s.fund, s.policy_id, s.epoch, s.expiry, s.program, s.key, sources, previous, s.proof
        )

    def fund_owner(self, fund: str) -> str | None:
        """None when the fund is not registered."""
        owner, _ = self._ask("fundOwner", fund)
        return None if int(owner, 16) == 0 else str(owner)

    def has_policy(self, policy_id: bytes) -> bool:
        (record,) = self._ask("policy", policy_id)
        return int(record[3]) > 0

    def approved_epoch(self, policy_id: bytes) -> int:
        """The latest approved epoch, 0 before the first."""
        (record,) = self._ask("policy", policy_id)
        return int(record[4])

    def approved_digests(self, policy_id: bytes, epoch: int) -> tuple[bytes, ...]:
        """Empty when the epoch is not approved."""
        (approval,) = self._ask("approval", policy_id, epoch)
        return tuple(approval[4])

    def source_set(self, fund: str, epoch: int) -> bytes:
        """Hash of the fund's source set, zeros before it is fixed."""
        return bytes(self._ask("sourceSet", fund, epoch)[0])

    def last_epoch(self, fund: str) -> int:
        """The fund's last epoch with a source set, 0 before the first."""
        return int(self._ask("lastEpoch", fund)[0])

    def previous_epoch(self, fund: str, epoch: int) -> int:
        """The epoch that an epoch with a source set is compared with, 0 if it is the first or has none."""
        return int(self._ask("previousEpoch", fund, epoch)[0])

    def attestation(self, fund: str, policy_id: bytes, epoch: int, program: int) -> tuple[int, int]:
        """Expiry of a program's attestation and the block it came in; zeros if it did not."""
        expiry, block = self._ask("attestation", fund, policy_id, epoch, program)
        return int(expiry), int(block)

    def status(self, fund: str, policy_id: bytes) -> FundStatus:
        """Whether a fund keeps a policy now."""
        block, time = self.chain.head()
        (compliant,) = self._ask("isCompliant", fund, policy_id, block=block)
        ((epoch, expiry, attested, source_set),) = self._ask("latest", fund, policy_id, block=block)
        return FundStatus(bool(compliant), int(epoch), int(expiry), int(attested), bytes(source_set), block, time)


VERIFIERS: tuple[ContractName, ...] = ("ProofVerifier", "BookVerifier")
"""Contracts that the registry trusts, in the order of its constructor."""


def creation(artifact: Artifact, types: Sequence[str] = (), arguments: Sequence[Any] = ()) -> Call:
    """The creation of a contract, with its constructor's arguments."""
    return Call(None, artifact.bytecode + abi_encode(list(types), list(arguments)))


def registry_creation(verifier: str, book_verifier: str) -> Call:
    """The creation of a registry that trusts these contracts."""
    return creation(load_artifact("AttestationRegistry"), ["address", "address"], [verifier, book_verifier])


def creation_gas_bound(artifact: Artifact) -> int:
    """At least the gas of a contract's creation whose constructor only stores a few words.

    Source: EIP-2028 (16 a byte of data), EIP-3860 (2 a word of creation code), yellow paper appendix G (53000 for a
    creation, 200 a byte of stored code); 100000 are left for the constructor.
    """
    size = len(artifact.bytecode) + 32
    return 53_000 + 16 * size + 2 * -(-size // 32) + 200 * len(artifact.deployed_bytecode) + 100_000


def deploy(chain: Chain, signer: Signer | bytes) -> Deployment:
    """Deploy the verifiers, then the registry that trusts them.

    Args:
        signer: or a private key.
    Raises: Reverted: a precompile that a verifier needs is missing; NetworkError.
    """
    verifier, book_verifier = (
        _address(chain.execute(signer, creation(load_artifact(name))).contract) for name in VERIFIERS
    )
    receipt = chain.execute(signer, registry_creation(verifier, book_verifier))
    return Deployment(
        network=chain.network.name,
        chain_id=chain.network.chain_id,
        verifier=verifier,
        book_verifier=book_verifier,
        registry=_address(receipt.contract),
        block=receipt.block,
    )


def _address(contract: str | None) -> str:
    if contract is None:
        raise NetworkError("the receipt of a deployment names no contract; the node is not to be relied upon")
    return contract
