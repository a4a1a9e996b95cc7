"""The scalar field F_r of BLS12-381 and its multiplicative domains (protocol §3).

Field elements are plain Python integers in [0, r): CPython's big integers beat every wrapper here, and the
bulk arithmetic happens in `attest.polynomial` and in the MSM.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import lru_cache

MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""r, the order of the groups of BLS12-381 (EIP-2537, "Curve parameters")."""

PRIMITIVE_ROOT = 7

RandomBytes = Callable[[int], bytes]
"""A source of randomness: `n -> n uniform bytes`. The default everywhere is `secrets.token_bytes`."""


def inverse(x: int) -> int:
    """1/x mod r.

    Raises: ZeroDivisionError: x ≡ 0.
    """
    if x % MODULUS == 0:
        raise ZeroDivisionError("0 has no inverse")
    return pow(x, -1, MODULUS)


def batch_inverse(elements: Sequence[int]) -> list[int]:
    """Inverses of non-zero elements with one inversion (Montgomery's trick).

    Raises: ZeroDivisionError: any element ≡ 0.
    """
    prefixes = [1]
    for x in elements:
        prefixes.append(prefixes[-1] * x % MODULUS)
    running = inverse(prefixes[-1])
    inverses = [0] * len(elements)
    for i in range(len(elements) - 1, -1, -1):
        inverses[i] = running * prefixes[i] % MODULUS
        running = running * elements[i] % MODULUS
    return inverses


@lru_cache(maxsize=32)
def root_of_unity(order: int) -> int:
    """ω = 7^((r−1)/order), a primitive root of unity; `order` is a power of two up to 2^32."""
    if order < 1 or (MODULUS - 1) % order:
        raise ValueError(f"no subgroup of order {order}")
    return pow(PRIMITIVE_ROOT, (MODULUS - 1) // order, MODULUS)


@lru_cache(maxsize=32)
def domain(order: int) -> tuple[int, ...]:
    """The powers ω^0 .. ω^(order−1)."""
    root = root_of_unity(order)
    powers = [1]
    for _ in range(order - 1):
        powers.append(powers[-1] * root % MODULUS)
    return tuple(powers)


def random_scalar(random_bytes: RandomBytes = secrets.token_bytes) -> int:
    """A scalar whose distance from uniform is below 2^-256: 64 bytes reduced mod r."""
    return int.from_bytes(random_bytes(64), "big") % MODULUS


def random_scalars(count: int, random_bytes: RandomBytes = secrets.token_bytes) -> list[int]:
    """`count` independent scalars."""
    return [random_scalar(random_bytes) for _ in range(count)]
