"""The structured reference string: Ethereum's KZG ceremony, read from the `eth-account` package (protocol §1).

4096 powers of τ in G1, in monomial and Lagrange basis, and [τ]_2. Nobody here ran a setup: 141 416 people did,
and the file's hash is pinned.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from py_arkworks_bls12381 import GT, G1Point, G2Point

from attest.curve import msm
from attest.errors import EncodingError
from attest.field import MODULUS, RandomBytes, random_scalar
from attest.polynomial import evaluations, polynomial
from attest.program.parameters import Parameters

SRS_SHA256 = bytes.fromhex("d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7")
_G2_POWERS = 65


@dataclass(frozen=True, slots=True)
class Setup:
    """Powers of the ceremony's τ.

    Args:
        lagrange: (n,) commitments [L_i]_1 to the Lagrange basis of H, in natural order.
        monomial: (n,) powers [τ^i]_1.
        g2, tau_g2: [1]_2 and [τ]_2.
        table: commitment to the constant table tbl_e = e mod 2^limb_width.
        row_bases: packing → what `attest.row_basis` made of the Lagrange points, once it has.
    """

    lagrange: tuple[G1Point, ...]
    monomial: tuple[G1Point, ...]
    g2: G2Point
    tau_g2: G2Point
    table: G1Point
    row_bases: dict[int, tuple[tuple[G1Point, ...], ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def g1(self) -> G1Point:
        return self.monomial[0]


def check_relation(setup: Setup, random_bytes: RandomBytes = secrets.token_bytes) -> None:
    """Check that the points are powers of one τ and that both bases belong together, by random combination.

    Raises: EncodingError: they are not.
    """
    n = len(setup.monomial)
    weights = [int.from_bytes(random_bytes(16), "big") for _ in range(n - 1)]
    low, high = msm(setup.monomial[:-1], weights), msm(setup.monomial[1:], weights)
    if not GT.pairing_check([low, -high], [setup.tau_g2, setup.g2]):
        raise EncodingError("the monomial points of the ceremony file are not powers of one τ")
    x = random_scalar(random_bytes)
    powers = [1]
    for _ in range(n - 1):
        powers.append(powers[-1] * x % MODULUS)
    if msm(setup.monomial, powers) != msm(setup.lagrange, evaluations(polynomial(powers), n)):
        raise EncodingError("the Lagrange points of the ceremony file do not belong to its powers")


def parse(text: bytes) -> Setup:
    """Read a ceremony file: sizes, Lagrange G1, monomial G2, monomial G1, one hexadecimal point a line.

    Raises: EncodingError: its SHA-256 is not the pinned one.
    """
    if sha256(text).digest() != SRS_SHA256:
        raise EncodingError("the ceremony file is not Ethereum's: its SHA-256 differs from the pinned one")
    lines = text.decode("ascii").split()
    n, g2_powers = int(lines[0]), int(lines[1])
    parameters = Parameters(packing=8)
    if n != parameters.n or g2_powers != _G2_POWERS:
        raise EncodingError(f"a ceremony of {n} powers where {parameters.n} are needed")
    points = [bytes.fromhex(line) for line in lines[2:]]
    with ThreadPoolExecutor(2) as pool:
        # The hash pins the bytes, and their membership in the subgroup with them.
        decode = G1Point.from_compressed_bytes_unchecked
        halves = pool.map(
            lambda part: tuple(decode(p) for p in part), (points[:n], points[n + g2_powers : 2 * n + g2_powers])
        )
        lagrange, monomial = halves
    g2, tau_g2 = (G2Point.from_compressed_bytes(p) for p in points[n : n + 2])
    table = [entry % (1 << parameters.limb_width) for entry in range(n)]
    return Setup(lagrange, monomial, g2, tau_g2, msm(lagrange, table))


@lru_cache(maxsize=1)
def load_setup() -> Setup:
    """The ceremony, from the installed `eth-account`; read, hashed and checked once per process.

    Raises: EncodingError: the file is missing, is another one, or its points are not a ceremony's.
    """
    try:
        text = (files("eth_account") / "typed_transactions/blob_transactions/kzg_trusted_setup.txt").read_bytes()
    except OSError as error:
        raise EncodingError("eth-account carries no ceremony file; install eth-account 0.13 or later") from error
    setup = parse(text)
    check_relation(setup)
    return setup
