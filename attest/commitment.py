"""Holdings commitments: sources that sign, add up, and may disclose single slots (protocol §4).

The verifier computes C_Q = [L_0] + Σ C_k + Σ value·[L_j] itself; nobody hands it over.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_keys.constants import SECPK1_N
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

from attest.curve import INFINITY, encode_point, msm
from attest.errors import ProofRejected, SourceError
from attest.field import MODULUS, RandomBytes, domain, random_scalar
from attest.kzg import open_single, verify_single
from attest.polynomial import interpolate
from attest.program import RANGE_BITS, Layout, Owner, Parameters, source_id
from attest.srs import Setup
from attest.typed_data import signing_hash

ROLES = {"custodian": 0, "administrator": 1, "prime_broker": 2, "lending": 3, "liability_book": 4}
N = Parameters(packing=8).n
BLINDING_SLOT = N - 1
SOURCE_TYPE = (
    "SourceCommitment(address fund,uint64 epoch,uint64 asOf,bytes32 sourceId,uint8 role,bytes32 layoutHash,"
    "bytes32 ownedSlotsHash,bytes32 commitmentHash,uint64 expiry,uint256 nonce)"
)


@dataclass(frozen=True, slots=True)
class SourceOpening:
    """A source's secret: its quantities and the blinding factor δ_k of its commitment."""

    source: str
    quantities: Mapping[int, int] = field(repr=False)
    blinding: int = field(repr=False)

    def commitment(self, setup: Setup) -> G1Point:
        """C_k = Σ q_j [L_j] + δ_k [L_{n−1}]. (P.5)"""
        slots = [*self.quantities, BLINDING_SLOT]
        values = [*self.quantities.values(), self.blinding]
        return msm([setup.lagrange[j] for j in slots], [v % MODULUS for v in values])


def check_quantities(layout: Layout, source: str, quantities: Mapping[int, int]) -> None:
    """A source fills exactly its own slots, in range.

    Raises: SourceError: a foreign, missing or out-of-range slot; a negative quantity of a slot that is not signed.
    """
    if tuple(sorted(quantities)) != layout.owned_by(source):
        raise SourceError(f"source {source!r} fills exactly its own slots, one quantity each")
    for slot, lots in quantities.items():
        if abs(lots) >= 1 << RANGE_BITS:
            raise SourceError(f"slot {slot} ({layout[slot].asset}) is out of range; choose larger lots")
        if lots < 0 and not layout[slot].signed:
            raise SourceError(f"slot {slot} ({layout[slot].asset}) cannot be negative")


def open_source(
    layout: Layout, source: str, quantities: Mapping[int, int], random_bytes: RandomBytes = secrets.token_bytes
) -> SourceOpening:
    """A source's fresh opening for one epoch.

    Args:
        quantities: slot → lots, exactly the slots that the source owns.
    Raises: SourceError: as `check_quantities`.
    """
    check_quantities(layout, source, quantities)
    return SourceOpening(source, dict(quantities), random_scalar(random_bytes))


@dataclass(frozen=True, slots=True)
class SourceCommitment:
    """What a source signs: EIP-712 struct `SourceCommitment`, with the commitment itself.

    Args:
        fund: 20-byte address; epoch, as_of, expiry: integers (as_of and expiry in Unix seconds).
    """

    fund: str
    epoch: int
    as_of: int
    source: str
    role: int
    layout_hash: bytes
    owned_slots_hash: bytes
    commitment: G1Point
    expiry: int
    nonce: int

    @property
    def id(self) -> bytes:
        return source_id(self.source)

    @property
    def commitment_hash(self) -> bytes:
        return bytes(keccak(encode_point(self.commitment)))

    @property
    def struct_hash(self) -> bytes:
        """hashStruct of EIP-712."""
        types = ["bytes32", "address", "uint64", "uint64", "bytes32", "uint8", "bytes32", "bytes32", "bytes32"]
        return bytes(
            keccak(
                abi_encode(
                    [*types, "uint64", "uint256"],
                    [
                        keccak(text=SOURCE_TYPE),
                        self.fund,
                        self.epoch,
                        self.as_of,
                        self.id,
                        self.role,
                        self.layout_hash,
                        self.owned_slots_hash,
                        self.commitment_hash,
                        self.expiry,
                        self.nonce,
                    ],
                )
            )
        )

    def signing_hash(self, chain_id: int, registry: str) -> bytes:
        """The EIP-712 digest in the domain ("attest", "1", chain id, registry)."""
        return signing_hash(self.struct_hash, chain_id, registry)

    def sign(self, key: bytes, chain_id: int, registry: str) -> bytes:
        """A 65-byte signature by the source's key."""
        return bytes(Account.unsafe_sign_hash(self.signing_hash(chain_id, registry), key).signature)

    def signer(self, signature: bytes, chain_id: int, registry: str) -> str:
        """The address that signed.

        Of the spellings of one signature only the one that contracts take is accepted: 65 bytes, s in the lower half of
        the order (EIP-2), v 27 or 28.

        Raises: SourceError: not a signature.
        """
        s, v = int.from_bytes(signature[32:64], "big"), signature[64:]
        if len(signature) != 65 or v not in (b"\x1b", b"\x1c") or 2 * s > SECPK1_N:
            raise SourceError(f"source {self.source!r}: not an ECDSA signature as contracts take it")
        try:
            recovered = Account._recover_hash(self.signing_hash(chain_id, registry), signature=signature)
        except Exception as error:  # eth_keys raises several unrelated types for bad bytes
            raise SourceError(f"source {self.source!r}: not an ECDSA signature") from error
        return str(to_checksum_address(recovered))


@dataclass(frozen=True, slots=True)
class SourceSet:
    """All sources of one fund and epoch, ascending by identifier, and the public slot values.

    Raises: SourceError: out of order, repeated, or not of one fund, epoch, date and layout.
    """

    sources: tuple[SourceCommitment, ...]
    public_values: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        ids = [source.id for source in self.sources]
        if not ids or ids != sorted(set(ids)):
            raise SourceError("a source set holds each source once, ascending by identifier")
        if len({(to_canonical_address(s.fund), s.epoch, s.as_of, s.layout_hash) for s in self.sources}) != 1:
            raise SourceError("the sources differ in fund, epoch, as-of date or layout")
        if any(source.commitment == INFINITY for source in self.sources):
            raise SourceError("a commitment at infinity commits to nothing")
        slots = [slot for slot, _ in self.public_values]
        if any(not 1 <= slot < Parameters(packing=8).max_slots for slot in slots):
            raise SourceError("a public slot is the constant, a blinding entry or outside the vector")
        if slots != sorted(set(slots)) or any(not 0 <= value < 1 << RANGE_BITS for _, value in self.public_values):
            raise SourceError("public slots are ascending and distinct, their values in [0, 2^77)")

    @property
    def fund(self) -> str:
        return self.sources[0].fund

    @property
    def epoch(self) -> int:
        return self.sources[0].epoch

    @property
    def as_of(self) -> int:
        return self.sources[0].as_of

    @property
    def layout_hash(self) -> bytes:
        return self.sources[0].layout_hash

    @property
    def hash(self) -> bytes:
        """sourceSetHash: what the registry stores once per fund and epoch. (P.6)"""
        lists = ["bytes32[]", "bytes32[]", "bytes32[]", "uint256[]", "uint256[]"]
        return bytes(
            keccak(
                abi_encode(
                    ["address", "uint64", "uint64", "bytes32", *lists],
                    [
                        self.fund,
                        self.epoch,
                        self.as_of,
                        self.layout_hash,
                        [s.id for s in self.sources],
                        [s.struct_hash for s in self.sources],
                        [s.commitment_hash for s in self.sources],
                        [slot for slot, _ in self.public_values],
                        [value for _, value in self.public_values],
                    ],
                )
            )
        )

    def opened_commitment(self, setup: Setup) -> G1Point:
        """[L_0] + Σ C_k: what proofs are opened against, where the share of public slots is known. (P.24)"""
        total = setup.lagrange[0]
        for source in self.sources:
            total = total + source.commitment
        return total

    def commitment(self, setup: Setup) -> G1Point:
        """C_Q = [L_0] + Σ C_k + Σ value·[L_j]. (P.7)"""
        total = self.opened_commitment(setup)
        slots = [slot for slot, _ in self.public_values]
        return total + msm([setup.lagrange[j] for j in slots], [value for _, value in self.public_values])

    def check_layout(self, layout: Layout) -> None:
        """Every source of the layout is here once, signs this layout and its own slots, and public slots match.

        Raises: SourceError: it says which source does not.
        """
        if tuple(source.source for source in self.sources) != layout.sources:
            raise SourceError(f"the layout requires the sources {', '.join(layout.sources)}, each exactly once")
        for source in self.sources:
            if source.layout_hash != layout.hash:
                raise SourceError(f"source {source.source!r} signed another layout")
            if source.owned_slots_hash != layout.owned_slots_hash(source.source):
                raise SourceError(f"source {source.source!r} signed other slots than its own")
        if tuple(slot for slot, _ in self.public_values) != layout.of(Owner.PUBLIC):
            raise SourceError("the public values do not fill exactly the public slots of the layout")


@dataclass(frozen=True, slots=True)
class Holdings:
    """All openings of one epoch: the whole private vector. Secret."""

    openings: tuple[SourceOpening, ...] = field(repr=False)
    public_values: tuple[tuple[int, int], ...] = ()

    def column(self, n: int = N) -> list[int]:
        """Values of Q on H; aux slots 0, Σδ_k at entry n−1."""
        column = [0] * n
        column[0] = 1
        for slot, value in self.public_values:
            column[slot] += value
        for opening in self.openings:
            for slot, lots in opening.quantities.items():
                column[slot] += lots
            column[n - 1] += opening.blinding
        return [value % MODULUS for value in column]

    def vector(self, size: int, aux: Mapping[int, int]) -> list[int]:
        """The integer vector q_0..q_{N−1} with its aux slots filled."""
        vector = [0] * size
        vector[0] = 1
        for slot, value in [*self.public_values, *aux.items()]:
            vector[slot] += value
        for opening in self.openings:
            for slot, lots in opening.quantities.items():
                vector[slot] += lots
        return vector


def disclose(setup: Setup, holdings: Holdings, layout: Layout, slot: int) -> tuple[int, G1Point]:
    """The quantity in one source-owned slot and its KZG opening at ω^slot. (P.24)

    What is opened is [L_0] + Σ C_k, which every verifier has: public slots are known, and no part of it.

    Raises: SourceError: the slot is no source's (aux, blinding and constant slots prove nothing).
    """
    if layout[slot].owner is not Owner.SOURCE:
        raise SourceError(f"slot {slot} is not a source's and cannot be disclosed")
    value, proof = open_single(setup, interpolate(replace(holdings, public_values=()).column()), domain(N)[slot])
    return (value - MODULUS if value > MODULUS // 2 else value), proof


def check_disclosure(setup: Setup, sources: SourceSet, layout: Layout, slot: int, lots: int, proof: G1Point) -> None:
    """Check a disclosed quantity against the sources' commitments.

    The opening is an equation mod r, so a quantity outside the slot's range, which would be congruent to one
    inside, is refused, and so are sources that are not all those of this layout.

    Raises: SourceError: not a source's slot, or not this layout's sources;
        ProofRejected: another quantity stands there, or none of its range.
    """
    sources.check_layout(layout)
    if layout[slot].owner is not Owner.SOURCE:
        raise SourceError(f"slot {slot} is not a source's and cannot be disclosed")
    if abs(lots) >= 1 << RANGE_BITS or (lots < 0 and not layout[slot].signed):
        raise ProofRejected("disclosure", "no such quantity can stand in this slot")
    verify_single(setup, sources.opened_commitment(setup), domain(N)[slot], lots % MODULUS, proof)
