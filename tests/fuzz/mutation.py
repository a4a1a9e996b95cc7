"""A mutation of an input: damage to a value where the bytes are a file of a known form, else damaged bytes."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from contextlib import suppress

import pyarrow  # type: ignore[import-untyped]  # ships no stubs
from pydantic_core import from_json

from tests.fuzz.json_damage import Damage, damage
from tests.fuzz.table_damage import damage_cells, damage_settings, damage_table

DAMAGED_FILES = 0.75
"""Of mutations; the others change bytes."""


def flip(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, taken out or put in."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(changed))
        choice = rng.randrange(4)
        if choice == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif choice == 1:
            del changed[at : at + rng.randint(1, 8)]
        elif choice == 2:
            changed[at:at] = rng.randbytes(rng.randint(1, 8))
        elif at < len(changed):
            changed[at] = rng.choice(b'\x00\xff"{}[],:-0919eE.\\')
    return bytes(changed)


def _by_form(data: bytes) -> Callable[[bytes, random.Random], Damage]:
    if data.startswith(b"PAR1"):
        return damage_table
    if data.startswith(b"[networks"):
        return damage_settings
    if b"," in data.partition(b"\n")[0] and not data.startswith(b"{"):
        return damage_cells
    return lambda content, rng: damage(from_json(content), rng)  # it bounds the nesting, which json does not


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A file with a damaged value where the bytes are one, else damaged bytes."""
    if rng.random() < DAMAGED_FILES:
        with suppress(ValueError, LookupError, OSError, OverflowError, csv.Error, pyarrow.ArrowException):
            return _by_form(data)(data, rng).content
    return flip(data, rng)
