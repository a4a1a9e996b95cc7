"""Canonical JSON and its hash: the identity of policies, markets and layouts (protocol §6).

Keys sorted, no white space, ASCII, every number a decimal string without exponent or trailing zeros. Floats
are refused: two machines may print one double differently, and then nobody could recompute a digest.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from eth_utils.crypto import keccak


def decimal_string(number: Decimal | int) -> str:
    """The one spelling of a decimal number: `Decimal("1.50") → "1.5"`, `Decimal("1E+3") → "1000"`.

    Raises: ValueError: NaN or infinity.
    """
    exact = Decimal(number)
    if not exact.is_finite():
        raise ValueError(f"{number} is not a number")
    text = format(exact, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _canonical(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, Decimal)):
        return decimal_string(value)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys of canonical JSON are strings")
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical form; use Decimal or int for numbers")


def canonical_json(value: Any) -> bytes:
    """The canonical encoding of nested dicts, sequences, strings, booleans, None, ints and Decimals.

    Raises: TypeError: a float, or a key that is no string.
    """
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def canonical_hash(value: Any) -> bytes:
    """keccak256 of the canonical encoding, 32 bytes."""
    return bytes(keccak(canonical_json(value)))
