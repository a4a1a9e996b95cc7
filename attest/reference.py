"""A second verifier, in plain Python on py_ecc, written from docs/protocol.md alone (protocol §3 to §6).

It shares no code with the fast verifier: it reads the key from its ABI encoding, the sources and the proof from their
bytes, and checks one equation after the other, slowly and without tricks. Where the two disagree, one of them is wrong.
A check that fails names the equation of the specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from py_ecc.bls.point_compression import decompress_G1, decompress_G2
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.fields import optimized_bls12_381_FQ12 as FQ12
from py_ecc.optimized_bls12_381.optimized_curve import (
    Z1,
    add,
    b,
    curve_order,
    is_inf,
    is_on_curve,
    multiply,
    neg,
    normalize,
)
from py_ecc.optimized_bls12_381.optimized_pairing import final_exponentiate, pairing

R_ORDER: int = curve_order
N = 4096
BLINDED = 8
LIMB_WIDTH, LIMB_COUNT = 11, 7
CHUNKS = 4
PACKINGS = (8, 4, 2)
CEREMONY = "typed_transactions/blob_transactions/kzg_trusted_setup.txt"
CEREMONY_SHA256 = bytes.fromhex("d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7")
OMEGA = pow(7, (R_ORDER - 1) // N, R_ORDER)

SOURCE_TYPE = (
    "SourceCommitment(address fund,uint64 epoch,uint64 asOf,bytes32 sourceId,uint8 role,bytes32 layoutHash,"
    "bytes32 ownedSlotsHash,bytes32 commitmentHash,uint64 expiry,uint256 nonce)"
)
KEY_TYPE = (
    "(uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,bytes,uint256[],"
    "(uint256,bytes32[4])[],(uint256,bytes32[4])[],(uint256,bytes32[4])[],bytes32[4][],bytes32[4][],"
    "bytes32,bytes32,bytes32,bytes32)"
)

Point = Any
"""A point of G1 in py_ecc's projective coordinates."""


class Malformed(Exception):
    """Bytes that are no key, source set or proof."""


class Refused(Exception):
    """A well-formed proof that does not show its statement; `equation` is the label that fails."""

    def __init__(self, equation: str, detail: str) -> None:
        super().__init__(f"{equation}: {detail}")
        self.equation, self.detail = equation, detail


# Parsing (§6) --------------------------------------------------------------------------------------------------------


def parse_point(data: bytes) -> Point:
    """A point of G1 from its 128 bytes. Raises: Malformed."""
    if len(data) != 128 or any(data[:16]) or any(data[64:80]):
        raise Malformed("a point has 128 bytes, of which each coordinate's first 16 are zeros")
    if not any(data):
        return Z1
    x, y = int.from_bytes(data[16:64], "big"), int.from_bytes(data[80:], "big")
    if x >= FQ.field_modulus or y >= FQ.field_modulus:
        raise Malformed("a coordinate is not below the field's modulus")
    point = (FQ(x), FQ(y), FQ(1))
    if not is_on_curve(point, b):
        raise Malformed("a point is not on the curve")
    if not is_inf(multiply(point, R_ORDER)):
        raise Malformed("a point is not in the subgroup")
    return point


def parse_short_point(data: bytes) -> Point:
    """A point of G1 from its 48 bytes, as JSON has it. Raises: Malformed."""
    if len(data) != 48:
        raise Malformed("a compressed point has 48 bytes")
    try:
        point = decompress_G1(int.from_bytes(data, "big"))  # type: ignore[arg-type]
    except ValueError as error:
        raise Malformed("48 bytes are no point of the curve") from error
    if not is_inf(multiply(point, R_ORDER)):
        raise Malformed("a point is not in the subgroup")
    return point


def long_encoding(data: bytes) -> bytes:
    """The 128 bytes of a point that is given in 48. Raises: Malformed."""
    point = parse_short_point(data)
    if is_inf(point):
        return bytes(128)
    return b"".join(int(coordinate).to_bytes(64, "big") for coordinate in normalize(point))


def parse_scalar(data: bytes) -> int:
    """An integer below r from its 32 bytes. Raises: Malformed."""
    value = int.from_bytes(data, "big")
    if len(data) != 32 or value >= R_ORDER:
        raise Malformed("a scalar is not below r")
    return value


@dataclass(frozen=True)
class Group:
    """Weights of one target row."""

    row: int
    commitment: Point


@dataclass(frozen=True)
class Key:
    """The fields of a statement key, in the order of the specification."""

    encoding: bytes
    packing: int
    size: int
    previous_size: int
    row_count: int
    aux: tuple[int, ...]
    families: tuple[tuple[Group, ...], ...]
    columns: tuple[tuple[Point, ...], ...]
    layout_hash: bytes
    previous_layout_hash: bytes

    @property
    def vectors(self) -> int:
        return 2 if self.previous_size else 1

    @classmethod
    def parse(cls, encoding: bytes) -> Key:
        """A key from its canonical ABI encoding. Raises: Malformed."""
        try:
            (fields,) = abi_decode([KEY_TYPE], encoding)
        except Exception as error:  # eth_abi raises many types for bad bytes
            raise Malformed("the key is no ABI encoding") from error
        if abi_encode([KEY_TYPE], [fields]) != encoding:
            raise Malformed("the key is not in canonical encoding")
        version, n, packing, width, limbs, size, previous_size, rows, kinds, aux = fields[:10]
        if (version, n, width, limbs) != (1, N, LIMB_WIDTH, LIMB_COUNT):
            raise Malformed("the key's version or parameters are not those of this proof system")
        if len(kinds) != rows or any(kind > 2 for kind in kinds):
            raise Malformed("a kind a row, each 0, 1 or 2")
        fitting = [p for p in PACKINGS if rows <= N // p - 5]
        if not fitting or packing != fitting[0]:
            raise Malformed("the packing is not the largest that holds the rows")
        if not 1 <= size <= N - BLINDED or previous_size > N - BLINDED:
            raise Malformed("a vector is too long")
        if list(aux) != sorted(set(aux)) or any(not 1 <= slot < size for slot in aux):
            raise Malformed("aux slots are ascending, distinct and inside the vector")
        families = []
        for number, family in enumerate(fields[10:13]):
            targets = [row for row, _ in family]
            if number == 0 and targets[-1:] != [rows]:
                raise Malformed("the zero group is missing")
            policy = targets[:-1] if number == 0 else targets
            if policy != sorted(set(policy)) or any(row >= rows for row in policy):
                raise Malformed("weights stand on rows of the policy, ascending")
            families.append(tuple(Group(row, parse_point(b"".join(words))) for row, words in family))
        columns = tuple(tuple(parse_point(b"".join(words)) for words in matrix) for matrix in fields[13:15])
        if [len(matrix) for matrix in columns] != [-(-size // packing), -(-previous_size // packing)]:
            raise Malformed("the matrix has not as many columns as the vector needs")
        return cls(
            encoding, packing, size, previous_size, rows, tuple(aux), tuple(families), columns, fields[15], fields[16]
        )


# What is proved about (§4) -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """A signed commitment as its file states it."""

    name: str
    role: int
    owned_slots_hash: bytes
    commitment: bytes
    expiry: int
    nonce: int

    @property
    def id(self) -> bytes:
        return bytes(keccak(text=self.name))


@dataclass(frozen=True)
class Sources:
    """The sources of one fund and epoch, and the public slots.

    Args:
        fund: as an integer. public: (slot, value), ascending.
    """

    fund: int
    epoch: int
    as_of: int
    layout_hash: bytes
    sources: tuple[Source, ...]
    public: tuple[tuple[int, int], ...] = ()

    def hash(self) -> bytes:
        """sourceSetHash. (P.6)"""
        fund = "0x" + self.fund.to_bytes(20, "big").hex()
        structs, commitments = [], []
        for source in self.sources:
            commitments.append(bytes(keccak(source.commitment)))
            fields = [keccak(text=SOURCE_TYPE), fund, self.epoch, self.as_of, source.id, source.role, self.layout_hash]
            fields += [source.owned_slots_hash, commitments[-1], source.expiry, source.nonce]
            types = ["bytes32", "address", "uint64", "uint64", "bytes32", "uint8", "bytes32", "bytes32", "bytes32"]
            structs.append(bytes(keccak(abi_encode([*types, "uint64", "uint256"], fields))))
        types = [
            "address",
            "uint64",
            "uint64",
            "bytes32",
            "bytes32[]",
            "bytes32[]",
            "bytes32[]",
            "uint256[]",
            "uint256[]",
        ]
        ids = [source.id for source in self.sources]
        slots, values = [slot for slot, _ in self.public], [value for _, value in self.public]
        fields = [fund, self.epoch, self.as_of, self.layout_hash, ids, structs, commitments, slots, values]
        return bytes(keccak(abi_encode(types, fields)))

    def check(self, size: int, aux: Sequence[int], layout_hash: bytes) -> None:
        """Raises: Refused, Malformed."""
        ids = [source.id for source in self.sources]
        if not ids or ids != sorted(set(ids)):
            raise Refused("(P.6)", "sources are not ascending by id, each once")
        if self.layout_hash != layout_hash:
            raise Refused("(P.6)", "the sources signed another layout than the key's")
        slots = [slot for slot, _ in self.public]
        if slots != sorted(set(slots)) or any(not 1 <= slot < size or slot in aux for slot in slots):
            raise Refused("(P.7)", "a public slot is the constant, aux, repeated or outside the vector")
        if any(not 0 <= value < 2 ** (LIMB_WIDTH * LIMB_COUNT) for _, value in self.public):
            raise Refused("(P.7)", "a public value is out of range")
        if any(not any(source.commitment) for source in self.sources):
            raise Refused("(P.5)", "a commitment at infinity")

    def commitment(self) -> Point:
        """[L_0] + Σ C_k: the public slots are known and come off the claims instead. (P.7)"""
        total = ceremony().lagrange_zero
        for source in self.sources:
            total = add(total, parse_point(source.commitment))
        return total


@dataclass(frozen=True)
class Statement:
    """What a proof is for, beside its key and sources."""

    chain_id: int
    registry: int
    expiry: int
    program_id: bytes
    book_root: bytes = bytes(32)


@dataclass(frozen=True)
class Ceremony:
    """Four points of the ceremony, and the commitment to the table."""

    lagrange_zero: Point
    table: Point
    one: Point
    g2: Any
    tau_g2: Any


@lru_cache
def ceremony() -> Ceremony:
    """From the file in eth-account. Raises: Malformed: it is another file."""
    text = (files("eth_account") / CEREMONY).read_bytes()
    if sha256(text).digest() != CEREMONY_SHA256:
        raise Malformed("the ceremony file is not Ethereum's")
    lines = text.decode("ascii").split()
    lagrange, g2, monomial = lines[2 : 2 + N], lines[2 + N : 4 + N], lines[2 + N + int(lines[1])]

    def point(line: str) -> Point:
        return decompress_G1(int(line, 16))  # type: ignore[arg-type]

    # Σ_e (e mod 2^11) [L_e], bit by bit of e below 2^11, so that only doublings and additions are needed.
    total = Z1
    points = [point(line) for line in lagrange]
    for bit in reversed(range(LIMB_WIDTH)):
        total = add(total, total)
        for e, p in enumerate(points):
            if e >> bit & 1:
                total = add(total, p)
    halves = [(int(line[:96], 16), int(line[96:], 16)) for line in g2]
    one_g2, tau_g2 = (decompress_G2(half) for half in halves)  # type: ignore[arg-type]
    return Ceremony(points[0], total, point(monomial), one_g2, tau_g2)


# Fiat-Shamir (§5) ----------------------------------------------------------------------------------------------------


class Oracle:
    """absorb: state ← keccak256(state ‖ item); challenge: state ← keccak256(state ‖ 0x01)."""

    def __init__(self, tag: str = "attest/v1/policy") -> None:
        self.state = bytes(keccak(text=tag))

    def absorb(self, item: bytes | int) -> None:
        data = item if isinstance(item, bytes) else item.to_bytes(32, "big")
        self.state = bytes(keccak(self.state + data))

    def challenge(self) -> int:
        self.state = bytes(keccak(self.state + b"\x01"))
        return int.from_bytes(self.state, "big") % R_ORDER


def _absorb_statement(oracle: Oracle, key: Key, statement: Statement, all_sources: Sequence[Sources]) -> None:
    """Step 0. (P.8)"""
    current = all_sources[0]
    for item in (N, key.packing, LIMB_WIDTH, LIMB_COUNT, CEREMONY_SHA256, bytes(keccak(key.encoding))):
        oracle.absorb(item)
    for item in (statement.chain_id, statement.registry, current.fund, current.epoch, statement.expiry):
        oracle.absorb(item)
    for item in (statement.program_id, statement.book_root, current.hash()):
        oracle.absorb(item)
    for previous in all_sources[1:]:
        oracle.absorb(previous.epoch)
        oracle.absorb(previous.hash())
    for sources in all_sources:
        oracle.absorb(len(sources.sources))
        for source in sources.sources:
            oracle.absorb(source.id)
            oracle.absorb(source.commitment)
        oracle.absorb(len(sources.public))
        for slot, value in sources.public:
            oracle.absorb(slot)
            oracle.absorb(value)


class Tape:
    """The proof's bytes in order; what is read is absorbed."""

    def __init__(self, proof: bytes, points: int, scalars: int, oracle: Oracle) -> None:
        size = 128 * points + 32 * scalars
        if len(proof) != size:
            raise Malformed(f"a proof of this statement has {size} bytes, not {len(proof)}")
        self._points = [proof[128 * i : 128 * (i + 1)] for i in range(points)]
        rest = proof[128 * points :]
        self._scalars = [rest[32 * i : 32 * (i + 1)] for i in range(scalars)]
        self._oracle = oracle

    def point(self) -> Point:
        """The next point. Raises: Malformed."""
        data = self._points.pop(0)
        self._oracle.absorb(data)
        return parse_point(data)

    def scalar(self) -> int:
        """The next scalar. Raises: Malformed."""
        data = self._scalars.pop(0)
        self._oracle.absorb(data)
        return parse_scalar(data)

    def points(self, count: int) -> list[Point]:
        return [self.point() for _ in range(count)]

    def scalars(self, count: int) -> list[int]:
        return [self.scalar() for _ in range(count)]


# Arithmetic mod r ----------------------------------------------------------------------------------------------------


def inverse(value: int) -> int:
    """1/value mod r. Raises: Refused: a zero divisor among the challenges."""
    if value % R_ORDER == 0:
        raise Refused("zero divisor", "a challenge lies where the argument divides by zero")
    return pow(value, -1, R_ORDER)


def lagrange(j: int, x: int, size: int = N, root: int = OMEGA) -> int:
    """L_j(x) over the domain of a root of unity: ω^j (x^n − 1)/(n (x − ω^j))."""
    at = pow(root, j, R_ORDER)
    return at * (pow(x, size, R_ORDER) - 1) * inverse(size * (x - at)) % R_ORDER


def lookups(d: Sequence[int], h: Sequence[int]) -> list[int]:
    """What makes the helpers sums of 1/d_k: h_0 of d_0 to d_2, h_1 of d_3 and d_4, h_2 of d_5 and d_6. (P.10)"""
    return [
        h[0] * d[0] * d[1] * d[2] - d[0] * d[1] - d[0] * d[2] - d[1] * d[2],
        h[1] * d[3] * d[4] - d[3] - d[4],
        h[2] * d[5] * d[6] - d[5] - d[6],
    ]


@dataclass(frozen=True)
class Opened:
    """A group of commitments that are opened at the same points.

    Args:
        vanishing: at u, of the polynomial with these points as roots.
        values: each commitment, with the value at u of what interpolates its claimed values.
    """

    vanishing: int
    values: list[tuple[Point, int]]


@dataclass(frozen=True)
class Transmission:
    """What the prover sent, and the challenges that it drew: steps 1 to 5 in their order."""

    masks: list[Point]
    limbs: list[Point]
    multiplicities: Point
    flags: Point
    gamma: int
    beta: int
    theta: int
    helpers: list[Point]
    running: Point
    y: int
    chunks: list[Point]
    zeta: int
    q_hat: list[int]
    D: list[int]
    m: int
    E: int
    h: list[int]
    phi: int
    tbl: int
    weights: list[int]
    phi_next: int
    rotated: list[list[int]]
    T: list[list[int]]
    v: int
    W: Point
    u: int
    W_prime: Point

    @classmethod
    def read(cls, tape: Tape, oracle: Oracle, packing: int, vectors: int) -> Transmission:
        """Raises: Malformed."""
        masks, limbs, multiplicities, flags = tape.points(vectors), tape.points(LIMB_COUNT), tape.point(), tape.point()
        gamma, beta, theta = oracle.challenge(), oracle.challenge(), oracle.challenge()
        helpers, running = tape.points(3), tape.point()
        y = oracle.challenge()
        chunks = tape.points(CHUNKS)
        zeta = oracle.challenge()
        q_hat, D = tape.scalars(vectors), tape.scalars(LIMB_COUNT)
        m, E, h = tape.scalar(), tape.scalar(), tape.scalars(3)
        phi, tbl, weights, phi_next = tape.scalar(), tape.scalar(), tape.scalars(3), tape.scalar()
        rotated = [q_hat, *(tape.scalars(vectors) for _ in range(1, packing))]
        T = [tape.scalars(packing) for _ in range(vectors)]
        v = oracle.challenge()
        W = tape.point()
        u = oracle.challenge()
        W_prime = tape.point()
        first = (masks, limbs, multiplicities, flags, gamma, beta, theta, helpers, running, y, chunks, zeta)
        return cls(*first, q_hat, D, m, E, h, phi, tbl, weights, phi_next, rotated, T, v, W, u, W_prime)


class Verification:
    """One proof of one statement, equation by equation."""

    def __init__(self, key: Key, sources: Sequence[Sources], sent: Transmission) -> None:
        self.key, self.sources, self.sent = key, sources, sent
        self.packing = key.packing
        self.rows = N // key.packing
        self.alpha = pow(sent.beta, key.packing, R_ORDER)
        self.points = [sent.zeta * pow(OMEGA, at, R_ORDER) % R_ORDER for at in range(key.packing)]

    def refuse_zero_divisors(self) -> None:
        """ζ = 0, ζ ∈ H, α ∈ H', α equal to ζ or ζ/ω, or u an opening point."""
        zeta, u = self.sent.zeta, self.sent.u
        if zeta == 0 or pow(zeta, N, R_ORDER) == 1 or pow(self.alpha, self.rows, R_ORDER) == 1:
            raise Refused("zero divisor", "ζ is 0, or a challenge lies on a domain")
        if self.alpha in (zeta, zeta * pow(OMEGA, -1, R_ORDER) % R_ORDER):
            raise Refused("zero divisor", "ζ or ζ/ω equals α")
        if u in self.points or pow(u, self.packing, R_ORDER) == self.alpha:
            raise Refused("zero divisor", "u is an opening point")

    def kappa(self) -> int:
        """κ(ζ). (P.9)"""

        def u_poly(X: int) -> int:
            return (pow(X, N, R_ORDER) - 1) * inverse(self.packing * (pow(X, self.rows, R_ORDER) - 1))

        def K(X: int) -> int:
            alpha = self.alpha
            difference = alpha * pow(X, self.rows, R_ORDER) - X * pow(alpha, self.rows, R_ORDER)
            return inverse(self.rows) * (1 + difference * inverse(X - alpha))

        zeta = self.sent.zeta
        before = zeta * pow(OMEGA, -1, R_ORDER) % R_ORDER
        return (K(zeta) * u_poly(zeta) - K(before) * u_poly(before)) % R_ORDER

    def quotient(self) -> int:
        """t(ζ) from the values of the proof: the constraints over ζ^n − 1. (P.19)"""
        sent = self.sent
        w, w_E, w_2 = sent.weights
        first, last = lagrange(0, sent.zeta), lagrange(N - BLINDED, sent.zeta)
        act = 1 - sum(lagrange(e, sent.zeta) for e in range(N - BLINDED, N))
        S = sum(limb << LIMB_WIDTH * k for k, limb in enumerate(sent.D))
        matrix = sum(q * T[at] for at, qs in enumerate(sent.rotated) for q, T in zip(qs, sent.T, strict=True))
        LIN = S * (self.kappa() + w) + sent.E * w_E + S * S * w_2 - matrix  # (P.12)
        d, h, E, phi = [sent.gamma + limb for limb in sent.D], sent.h, sent.E, sent.phi
        step = sent.phi_next - phi - sum(h) - sent.theta * LIN
        constraints = [
            *(act * value for value in lookups(d, h)),  # (P.10)
            act * (step * (sent.gamma + sent.tbl) + sent.m),  # (P.13)
            act * (E * E - E),  # (P.14)
            act * w_E * S * (1 - E),  # (P.15)
            first * phi,  # (P.16)
            last * phi,  # (P.17)
            *(first * (value - 1) for value in sent.q_hat),  # (P.18)
        ]
        total = sum(pow(sent.y, k, R_ORDER) * value for k, value in enumerate(constraints))
        return total * inverse(pow(sent.zeta, N, R_ORDER) - 1) % R_ORDER

    def holdings(self, vector: int, at: int) -> tuple[Point, int]:
        """C_Q + M(x)[b] and its value at x, both without the public slots, whose share is known. (P.7), (P.11)"""
        x = self.points[at]
        mask = pow(x, N, R_ORDER) - 1
        for j in self.key.aux if vector == 0 else ():
            mask = mask * inverse(x - pow(OMEGA, j, R_ORDER)) % R_ORDER
        known = sum(value * lagrange(slot, x) for slot, value in self.sources[vector].public)
        commitment = add(self.sources[vector].commitment(), multiply(self.sent.masks[vector], mask % R_ORDER))
        return commitment, self.sent.rotated[at][vector] - known

    def weights(self, family: Sequence[Group]) -> Point:
        """Σ λ_row(α) [W_g]."""
        root = pow(OMEGA, self.packing, R_ORDER)
        return combine((group.commitment, lagrange(group.row, self.alpha, self.rows, root)) for group in family)

    def openings(self) -> list[Opened]:
        """What is opened at ζ, at ωζ, …, and at the roots of X^B − α."""
        sent, vectors = self.sent, range(self.key.vectors)
        columns = [*sent.limbs, sent.multiplicities, sent.flags, *sent.helpers, sent.running, ceremony().table]
        values = [*sent.D, sent.m, sent.E, *sent.h, sent.phi, sent.tbl]
        families = [self.weights(family) for family in self.key.families]
        t = combine((chunk, pow(sent.zeta, (N - 1) * c, R_ORDER)) for c, chunk in enumerate(sent.chunks))
        at_zeta = [self.holdings(vector, 0) for vector in vectors]
        at_zeta += zip(columns, values, strict=True)
        at_zeta += zip(families, sent.weights, strict=True)
        at_zeta.append((t, self.quotient()))
        rotated = [[self.holdings(vector, at) for vector in vectors] for at in range(1, self.packing)]
        rotated[0].insert(0, (sent.running, sent.phi_next))
        matrix = []
        for vector in vectors:
            indexed = enumerate(self.key.columns[vector])
            folded = combine((column, lagrange(self.packing * k, sent.zeta)) for k, column in indexed)
            remainder = sum(T * pow(sent.u, at, R_ORDER) for at, T in enumerate(sent.T[vector]))
            matrix.append((folded, remainder))
        vanishing = [sent.u - x for x in self.points] + [pow(sent.u, self.packing, R_ORDER) - self.alpha]
        return [Opened(*group) for group in zip(vanishing, [at_zeta, *rotated, matrix], strict=True)]


def check_opening(groups: Sequence[Opened], v: int, u: int, W: Point, W_prime: Point) -> None:
    """e([L] + u[W'], [1]_2) = e([W'], [τ]_2). (P.20), (P.21)

    Raises: Refused: (P.22).
    """
    product = 1
    for group in groups:
        product = product * group.vanishing % R_ORDER
    terms: list[tuple[Point, int]] = [(W, -product), (W_prime, u)]
    power = 1
    for group in groups:
        for commitment, value in group.values:
            weight = power * product * inverse(group.vanishing) % R_ORDER
            terms += [(commitment, weight), (ceremony().one, -weight * value)]
            power = power * v % R_ORDER
    if not pairings_agree(combine(terms), W_prime):
        raise Refused("(P.22)", "the values of the proof are not those of its commitments")


def pairings_agree(left: Point, right: Point) -> bool:
    """e(left, [1]_2) = e(right, [τ]_2), as a product that is 1."""
    product = pairing(ceremony().g2, left, final_exponentiate=False)
    product *= pairing(ceremony().tau_g2, neg(right), final_exponentiate=False)
    return bool(final_exponentiate(product) == FQ12.one())


def combine(terms: Iterable[tuple[Point, int]]) -> Point:
    """Σ scalar·point."""
    total = Z1
    for point, value in terms:
        total = add(total, multiply(point, value % R_ORDER))
    return total


def verify(
    encoding: bytes, statement: Statement, sources: Sources, proof: bytes, previous: Sources | None = None
) -> None:
    """Accept a proof, or say which equation fails.

    Args:
        encoding: the statement key's canonical ABI encoding, recomputed by the caller.
        previous: the previous epoch's sources, for keys of two vectors.
    Raises: Malformed, Refused.
    """
    key = Key.parse(encoding)
    if (previous is not None) != (key.vectors == 2):
        raise Refused("(P.8)", "a key of two vectors takes the previous epoch's sources, and no other key does")
    sources.check(key.size, key.aux, key.layout_hash)
    both = [sources]
    if previous is not None:
        previous.check(key.previous_size, (), key.previous_layout_hash)
        if previous.fund != sources.fund or previous.epoch >= sources.epoch:
            raise Refused("(P.8)", "the previous sources are not of this fund's earlier epoch")
        both.append(previous)
    oracle = Oracle()
    _absorb_statement(oracle, key, statement, both)
    tape = Tape(proof, key.vectors + 19, key.vectors * 2 * key.packing + 18, oracle)
    sent = Transmission.read(tape, oracle, key.packing, key.vectors)
    verification = Verification(key, both, sent)
    verification.refuse_zero_divisors()
    check_opening(verification.openings(), sent.v, sent.u, sent.W, sent.W_prime)
