"""The cases of representations.json."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attest.commitment import SourceCommitment, SourceOpening
from attest.curve import encode_point
from attest.field import MODULUS
from attest.program import slots_hash
from attest.representation import RepresentationClaim, prove_representation
from attest.srs import Setup
from tests.attest.examples import FUND, REGISTRY, seeded
from tests.vectors.calls import CHAIN_ID
from tests.vectors.points import ILL_FORMED, ILL_FORMED_SHORT
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT
from tests.vectors.writing import PROVENANCE, edits, hexadecimal

SEED = 36
BASES: dict[str, dict[int, int]] = {
    "two slots": {1: 400, 2: -300},
    "one slot": {7: 2**77 - 1},
    "the last slot": {3: 0, 4087: 1},
    "no quantity": {5: 0},
}
FAR = 4095


def representations_file(setup: Setup) -> dict[str, Any]:
    """representations.json."""
    bases = {name: _base(setup, name, held) for name, held in BASES.items()}
    return {"provenance": PROVENANCE, "bases": bases, "cases": [*_cases(setup, bases)]}


def _fields(source: SourceCommitment, slots: Sequence[int], proof: bytes) -> dict[str, Any]:
    return {
        "chainId": str(CHAIN_ID),
        "registry": REGISTRY,
        "fund": FUND,
        "epoch": str(source.epoch),
        "source": source.source,
        "slots": [str(slot) for slot in slots],
        "ownedSlotsHash": hexadecimal(source.owned_slots_hash),
        "commitment": hexadecimal(encode_point(source.commitment)),
        "proof": hexadecimal(proof),
    }


def _proved(setup: Setup, name: str, committed: Mapping[int, int], slots: Sequence[int]) -> dict[str, Any]:
    """A proof for `slots`; where more than those is committed to, it is as good as a prover can make it."""
    blinding = random.Random(f"{SEED} {name}").randrange(MODULUS)
    whole = SourceOpening("custodian", committed, blinding)
    point = whole.commitment(setup)
    source = SourceCommitment(FUND, 7, 0, "custodian", 0, bytes(32), slots_hash(slots), point, 0, 0)
    claim = RepresentationClaim(CHAIN_ID, REGISTRY, source, tuple(slots))
    return _fields(source, slots, prove_representation(setup, claim, whole, seeded(SEED)))


def _base(setup: Setup, name: str, held: Mapping[int, int]) -> dict[str, Any]:
    return _proved(setup, name, held, tuple(held))


def _cases(setup: Setup, bases: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for name in bases:
        yield {"name": name, "base": name, "expected": ACCEPT}
    base = bases["two slots"]
    proof = bytes.fromhex(base["proof"][2:])

    def changed(name: str, expected: str, **changes: Any) -> dict[str, Any]:
        return {"name": name, "base": "two slots", "expected": expected, "changes": changes}

    def damaged(name: str, expected: str, other: bytes) -> dict[str, Any]:
        return changed(name, expected, proof=edits(proof, other))

    for field, value in (
        ("chainId", "1"),
        ("registry", "0x" + "a2" * 20),
        ("fund", "0x" + "f2" * 20),
        ("epoch", "8"),
        ("source", "lender"),
        ("ownedSlotsHash", hexadecimal(slots_hash((1, 3)))),
        ("commitment", bases["one slot"]["commitment"]),
    ):
        yield changed(f"another {field}", REJECT, **{field: value})
    for name, slots in (("other slots", (1, 3)), ("descending", (2, 1)), ("one twice", (1, 1))):
        yield changed(f"slots: {name}", REJECT, slots=[*map(str, slots)], ownedSlotsHash=hexadecimal(slots_hash(slots)))
    yield changed("slots that are not those of the hash", REJECT, slots=["1", "3"])
    for name, committed, slots in (
        ("a quantity in another's slot", {1: 400, 2: -300, 9: 1}, (1, 2)),
        ("the constant moved", {0: 1, 1: 400, 2: -300}, (1, 2)),
        ("the constant as a slot", {0: 1, 1: 400}, (0, 1)),
        ("a blinding entry as a slot", {1: 400, 4088: 5}, (1, 4088)),
    ):
        made = _proved(setup, name, committed, slots)
        differing = {key: value for key, value in made.items() if value != base[key]}
        yield changed(name, REJECT, **{**differing, "proof": made["proof"]})
    other = bytes.fromhex(bases["no quantity"]["proof"][2:])
    response = int.from_bytes(proof[128:160], "big")
    yield damaged("another nonce", REJECT, other[:128] + proof[128:])
    yield damaged("another response", REJECT, _with_response(proof, (response + 1) % MODULUS))
    yield damaged("another opening", REJECT, proof[:-48] + other[-48:])
    yield damaged("responses exchanged", REJECT, proof[:128] + proof[160:192] + proof[128:160] + proof[192:])
    yield damaged("a response that is not below r", MALFORMED, _with_response(proof, response + MODULUS))
    yield damaged("a byte short", MALFORMED, proof[:-1])
    yield damaged("a byte over", MALFORMED, proof + b"\x00")
    yield damaged("a response short", MALFORMED, proof[:160] + proof[192:])
    for name, spell in ILL_FORMED.items():
        yield damaged(f"nonce {name}", MALFORMED, spell(proof[:128]) + proof[128:])
        commitment = spell(bytes.fromhex(base["commitment"][2:]))
        yield changed(f"commitment {name}", MALFORMED, commitment=hexadecimal(commitment))
    for name, spell in ILL_FORMED_SHORT.items():
        yield damaged(f"opening {name}", MALFORMED, proof[:-48] + spell(proof[-48:]))


def _with_response(proof: bytes, value: int) -> bytes:
    return proof[:128] + value.to_bytes(32, "big") + proof[160:]
