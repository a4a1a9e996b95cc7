"""The cases of commitments.json and openings.json."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from attest.curve import INFINITY, compress, decompress, encode_point, msm, multiply
from attest.field import MODULUS, domain
from attest.kzg import commit, open_single
from attest.polynomial import Polynomial, interpolate, polynomial
from attest.srs import Setup
from tests.vectors.points import ILL_FORMED, ILL_FORMED_SHORT, negated
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT
from tests.vectors.writing import PROVENANCE, hexadecimal

SEED = 6
LAST = 4095


def commitments_file(setup: Setup) -> dict[str, Any]:
    """commitments.json."""
    return {"provenance": PROVENANCE, "cases": [*_commitments(setup)]}


def _columns() -> dict[str, dict[int, int]]:
    blinding = random.Random(SEED).randrange(MODULUS)
    return {
        "two slots and a blinding factor": {1: 400, 2: 300, LAST: blinding},
        "a short": {1: -10, 3: 7, LAST: blinding},
        "the constant": {0: 1},
        "the largest quantities": {1: 2**77 - 1, 2: -(2**77 - 1), LAST: blinding},
        "a blinding factor alone": {LAST: blinding},
        "the last slot": {4087: 1},
        "nothing": {},
    }


def _commitment(
    setup: Setup, name: str, expected: str, entries: Mapping[int, int], point: Any = None
) -> dict[str, Any]:
    if point is None:
        point = msm([setup.lagrange[e] for e in entries], [value % MODULUS for value in entries.values()])
    return {
        "name": name,
        "expected": expected,
        "entries": {str(entry): str(value) for entry, value in entries.items()},
        "commitment": hexadecimal(encode_point(point)),
        "compressed": hexadecimal(compress(point)),
    }


def _commitments(setup: Setup) -> Iterator[dict[str, Any]]:
    for name, entries in _columns().items():
        yield _commitment(setup, name, ACCEPT, entries)
    entries = _columns()["two slots and a blinding factor"]
    true = _commitment(setup, "", ACCEPT, entries)
    point = decompress(bytes.fromhex(true["compressed"][2:]))
    for name, other in (
        ("negated", -point),
        ("without its blinding factor", msm([setup.lagrange[j] for j in (1, 2)], [400, 300])),
        ("of slots exchanged", msm([setup.lagrange[j] for j in (2, 1, LAST)], list(entries.values()))),
        ("in the monomial basis", msm([setup.monomial[j] for j in entries], list(entries.values()))),
        ("at infinity", INFINITY),
    ):
        yield _commitment(setup, f"a commitment {name}", REJECT, entries, other)
    for name, spell in ILL_FORMED.items():
        spelled = hexadecimal(spell(bytes.fromhex(true["commitment"][2:])))
        yield true | {"name": f"a commitment {name}", "expected": MALFORMED, "commitment": spelled}
    for name, length in (("short", -1), ("long", None)):
        data = bytes.fromhex(true["commitment"][2:])
        spelled = hexadecimal(data[:length] if length else data + b"\x00")
        yield true | {"name": f"a commitment a byte too {name}", "expected": MALFORMED, "commitment": spelled}


def openings_file(setup: Setup) -> dict[str, Any]:
    """openings.json."""
    return {"provenance": PROVENANCE, "cases": [*_openings(setup)]}


def _polynomials() -> dict[str, Polynomial]:
    draw = random.Random(SEED + 1)
    return {
        "full": interpolate([draw.randrange(MODULUS) for _ in range(4096)]),
        "linear": polynomial([5, 7]),
        "constant": polynomial([9]),
        "zero": polynomial([]),
        "unit vector": interpolate([int(e == 5) for e in range(4096)]),
    }


def _opening(commitment: bytes, z: int, y: int, proof: bytes, name: str, expected: str) -> dict[str, Any]:
    stated = {"commitment": hexadecimal(commitment), "z": str(z), "y": str(y), "proof": hexadecimal(proof)}
    return {"name": name, "expected": expected} | stated


def _openings(setup: Setup) -> Iterator[dict[str, Any]]:
    points = {
        "0": 0,
        "1": 1,
        "r − 1": MODULUS - 1,
        "ω^5": domain(4096)[5],
        "a random point": random.Random(SEED + 2).randrange(MODULUS),
    }
    honest = {}
    for name, poly in _polynomials().items():
        for place, z in points.items():
            value, proof = open_single(setup, poly, z)
            honest[name, place] = compress(commit(setup, poly)), z, value, compress(proof)
            yield _opening(*honest[name, place], f"{name} at {place}", ACCEPT)
    for name in ("full", "constant"):
        yield from _false_openings(setup, name, *honest[name, "a random point"], honest["linear", "0"][0])
    yield from _ill_formed_openings(*honest["full", "a random point"])


def _false_openings(
    setup: Setup, name: str, commitment: bytes, z: int, y: int, proof: bytes, other: bytes
) -> Iterator[dict[str, Any]]:
    shifted = compress(decompress(proof) + multiply(setup.g1, 2))
    infinity = compress(INFINITY)
    for what, false in (
        ("another value", (commitment, z, (y + 1) % MODULUS, proof)),
        ("another proof", (commitment, z, y, shifted)),
        ("another commitment", (other, z, y, proof)),
        ("a negated commitment", (negated(commitment), z, y, proof)),
        ("a commitment at infinity", (infinity, z, y, proof)),
    ):
        yield _opening(*false, f"{name}: {what}", REJECT)
    if proof != infinity:
        yield _opening(commitment, (z + 1) % MODULUS, y, proof, f"{name}: another point", REJECT)
        yield _opening(commitment, z, y, infinity, f"{name}: a proof at infinity", REJECT)
        yield _opening(commitment, z, y, negated(proof), f"{name}: a negated proof", REJECT)


def _ill_formed_openings(commitment: bytes, z: int, y: int, proof: bytes) -> Iterator[dict[str, Any]]:
    yield _opening(commitment, z + MODULUS, y, proof, "z not below r", MALFORMED)
    yield _opening(commitment, z, y + MODULUS, proof, "y not below r", MALFORMED)
    for name, spell in ILL_FORMED_SHORT.items():
        yield _opening(spell(commitment), z, y, proof, f"a commitment {name}", MALFORMED)
        yield _opening(commitment, z, y, spell(proof), f"a proof {name}", MALFORMED)
