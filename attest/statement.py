"""The statement key: a program as public commitments, and its digest (protocol §3, §6).

Anyone can recompute a key from the policy and the market data; it holds nothing private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

from attest.curve import encode_point, msm
from attest.errors import EncodingError
from attest.field import MODULUS, domain
from attest.program import Entry, Kind, Layout, Parameters, Program, check, check_layout, packing_for
from attest.row_basis import FEW_COLUMNS, commit_signed, row_basis, signed_entries
from attest.srs import Setup

KEY_VERSION = 1
NO_HASH = bytes(32)
_GROUP = "(uint256,bytes32[4])"
KEY_ABI_TYPE = (
    "(uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,bytes,uint256[],"
    f"{_GROUP}[],{_GROUP}[],{_GROUP}[],bytes32[4][],bytes32[4][],bytes32,bytes32,bytes32,bytes32)"
)


@dataclass(frozen=True, slots=True)
class Group:
    """One aggregate's weights: the target row and the commitment to the weight column."""

    row: int
    commitment: G1Point


@dataclass(frozen=True, slots=True)
class StatementKey:
    """What a verifier needs to know of a program.

    Args:
        parameters: n, B, limb width and count.
        size, previous_size: N and N' (0 with one vector), unpadded.
        kinds: one byte for each of the ρ rows.
        aux: aux slots, ascending.
        weights, flag_weights, square_weights: families W (the zero group on row ρ last), WE, W2, ascending by row.
        columns, previous_columns: the packed matrix P_k, P'_k.
        layout_hash, previous_layout_hash, policy_hash, market_hash: 32 bytes each, zeros where absent.
    """

    parameters: Parameters
    size: int
    previous_size: int
    kinds: bytes
    aux: tuple[int, ...]
    weights: tuple[Group, ...]
    flag_weights: tuple[Group, ...]
    square_weights: tuple[Group, ...]
    columns: tuple[G1Point, ...]
    previous_columns: tuple[G1Point, ...]
    layout_hash: bytes
    previous_layout_hash: bytes
    policy_hash: bytes
    market_hash: bytes

    def __post_init__(self) -> None:
        """A key that a verifier can rely on, whoever built it. Raises: EncodingError."""
        rows, packing = len(self.kinds), self.parameters.packing
        try:
            expected = packing_for(rows)
        except ValueError as error:
            raise EncodingError(f"statement key: {error}") from error
        hashes = (self.layout_hash, self.previous_layout_hash, self.policy_hash, self.market_hash)
        families = (self.weights, self.flag_weights, self.square_weights)
        targets = [[group.row for group in family] for family in families]
        conditions = {
            "parameters": self.parameters == expected,
            "sizes": 1 <= self.size <= expected.max_slots and 0 <= self.previous_size <= expected.max_slots,
            "kinds": all(kind <= max(Kind) for kind in self.kinds),
            "aux": list(self.aux) == sorted(set(self.aux)) and all(1 <= j < self.size for j in self.aux),
            "columns": len(self.columns) == -(-self.size // packing)
            and len(self.previous_columns) == -(-self.previous_size // packing),
            "families": all(rows_ == sorted(set(rows_)) for rows_ in targets)
            and all(0 <= row < rows for row in (*targets[0][:-1], *targets[1], *targets[2])),
            "zero group": targets[0][-1:] == [rows],
            "hashes": all(len(item) == 32 for item in hashes),
        }
        for name, holds in conditions.items():
            if not holds:
                raise EncodingError(f"statement key: its {name} are not those of this proof system")

    @property
    def row_count(self) -> int:
        """ρ."""
        return len(self.kinds)

    @property
    def vectors(self) -> int:
        return 2 if self.previous_size else 1

    def encode(self) -> bytes:
        """abi.encode of the Solidity struct `StatementKey`."""

        def words(point: G1Point) -> list[bytes]:
            data = encode_point(point)
            return [data[i : i + 32] for i in range(0, 128, 32)]

        def groups(family: Sequence[Group]) -> list[tuple[int, list[bytes]]]:
            return [(group.row, words(group.commitment)) for group in family]

        p = self.parameters
        return abi_encode(
            [KEY_ABI_TYPE],
            [
                (
                    KEY_VERSION,
                    p.n,
                    p.packing,
                    p.limb_width,
                    p.limb_count,
                    self.size,
                    self.previous_size,
                    self.row_count,
                    self.kinds,
                    list(self.aux),
                    groups(self.weights),
                    groups(self.flag_weights),
                    groups(self.square_weights),
                    [words(column) for column in self.columns],
                    [words(column) for column in self.previous_columns],
                    self.layout_hash,
                    self.previous_layout_hash,
                    self.policy_hash,
                    self.market_hash,
                )
            ],
        )

    @property
    def digest(self) -> bytes:
        """keccak256 of the encoding: the name under which a registry approves this statement."""
        return bytes(keccak(self.encode()))


@dataclass(frozen=True, slots=True)
class Statement:
    """A checked program with its key: what the prover proves."""

    program: Program
    key: StatementKey


def entry_index(entry: Entry, packing: int) -> int:
    """Position of a row's part in a column: B·i for plus, B·i + 1 for minus."""
    return packing * entry.row + int(entry.part)


def weight_column(weights: Mapping[Entry, int], parameters: Parameters) -> list[int]:
    """The values of a weight polynomial on H."""
    column = [0] * parameters.n
    for entry, weight in weights.items():
        column[entry_index(entry, parameters.packing)] = weight % MODULUS
    return column


def weight_families(program: Program) -> tuple[dict[int, Mapping[Entry, int]], ...]:
    """W, WE and W2 as row → weights, ascending; the zero group stands last in W."""
    families: tuple[dict[int, Mapping[Entry, int]], ...] = (
        {i: row.weights for i, row in enumerate(program.rows) if row.weights},
        {i: row.flag_weights for i, row in enumerate(program.rows) if row.flag_weights},
        {i: row.square_weights for i, row in enumerate(program.rows) if row.square_weights},
    )
    families[0][len(program.rows)] = program.forbidden()
    return families


def packed_columns(program: Program, parameters: Parameters, previous: bool = False) -> list[list[int]]:
    """Values on H of P_k(X) = Σ_b X^b A_{Bk+b}(X^B), k < ⌈N/B⌉. (P.4)

    X^B takes the value ω^{Bi} of row i at the B entries e ≡ i mod R, so P_k(ω^e) = Σ_b ω^{be} A_{e mod R, Bk+b}.
    """
    packing, n, rows = parameters.packing, parameters.n, parameters.rows
    powers = domain(n)
    size = program.previous_size if previous else program.size
    columns = [[0] * n for _ in range(-(-size // packing))]
    for i, row in enumerate(program.rows):
        for slot, value in (row.previous if previous else row.coefficients).items():
            k, b = divmod(slot, packing)
            column = columns[k]
            for e in range(i, n, rows):
                column[e] += powers[b * e % n] * value
    return [[value % MODULUS for value in column] for column in columns]


def _matrix_commitments(
    program: Program, setup: Setup, parameters: Parameters, pool: ThreadPoolExecutor, previous: bool
) -> list[G1Point]:
    """[P_k] or [P'_k], by whichever way is faster; both give the same points."""
    size = program.previous_size if previous else program.size
    if size <= FEW_COLUMNS * parameters.packing and parameters.packing not in setup.row_bases:
        columns = packed_columns(program, parameters, previous)
        return list(pool.map(lambda column: msm(setup.lagrange, column), columns))
    basis = row_basis(setup, parameters)
    return list(pool.map(lambda e: commit_signed(basis, e), signed_entries(program, parameters.packing, previous)))


def build_statement(
    program: Program,
    setup: Setup,
    *,
    layout: Layout,
    policy_hash: bytes,
    market_hash: bytes,
    previous_layout: Layout | None = None,
    threads: int = 2,
) -> Statement:
    """Check a program and commit to it; deterministic.

    Args:
        layout, previous_layout: of the vectors that the program is about.
        policy_hash, market_hash: 32 bytes each.
    Raises: ProgramError: the program breaks a compiler rule.
    """
    check(program)
    check_layout(program, layout, previous_layout)
    parameters = packing_for(len(program.rows))
    families = weight_families(program)
    family_columns = [[weight_column(weights, parameters) for weights in family.values()] for family in families]
    with ThreadPoolExecutor(threads) as pool:
        committed = [list(pool.map(lambda column: msm(setup.lagrange, column), columns)) for columns in family_columns]
        committed += [_matrix_commitments(program, setup, parameters, pool, previous) for previous in (False, True)]
    groups = [
        tuple(Group(row, commitment) for row, commitment in zip(family, commitments, strict=True))
        for family, commitments in zip(families, committed[:3], strict=True)
    ]
    key = StatementKey(
        parameters,
        program.size,
        program.previous_size,
        program.kinds,
        program.aux,
        groups[0],
        groups[1],
        groups[2],
        tuple(committed[3]),
        tuple(committed[4]),
        layout.hash,
        previous_layout.hash if previous_layout is not None else NO_HASH,
        policy_hash,
        market_hash,
    )
    return Statement(program, key)


__all__ = [
    "KEY_ABI_TYPE",
    "NO_HASH",
    "Group",
    "Statement",
    "StatementKey",
    "build_statement",
    "entry_index",
    "packed_columns",
    "weight_column",
    "weight_families",
]
