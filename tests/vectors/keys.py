"""The cases of keys.json: programs with encodings that are, or are not, their keys (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import attest.reference
from attest.errors import ProofRejected
from attest.srs import load_setup
from attest.statement import StatementKey, build_statement
from tests.vectors.policy_proofs import read_key
from tests.vectors.programs import layout_of, program_of
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT, data_of, edited, fast_answer, read


@dataclass(frozen=True, slots=True)
class KeyCase:
    """What is said to be the key of the program of a base."""

    name: str
    expected: str
    base: str
    key: bytes
    check: str = ""


def key_cases() -> list[KeyCase]:
    """All of keys.json."""
    content = read("keys")
    return [
        KeyCase(
            case["name"],
            case["expected"],
            case["base"],
            edited(data_of(content["bases"][case["base"]]["key"]), case.get("key", [])),
            case.get("check", ""),
        )
        for case in content["cases"]
    ]


def key_base(name: str) -> Mapping[str, Any]:
    """Program, layouts, hashes, key and digest of a base."""
    return dict(read("keys")["bases"][name])


@lru_cache
def computed_key(name: str) -> StatementKey:
    """The key of a base, computed from its program."""
    base = key_base(name)
    program = program_of(base["program"])
    layout = layout_of(base["layout"])
    return build_statement(
        program,
        load_setup(),
        layout=layout,
        policy_hash=data_of(base["policyHash"]),
        market_hash=data_of(base["marketHash"]),
        previous_layout=layout if program.previous_size else None,
    ).key


def key_verdict(case: KeyCase) -> str:
    """What `attest` says."""

    def judge() -> None:
        read_key(case.key)
        if computed_key(case.base).encode() != case.key:
            raise ProofRejected("key", "the program has another one")

    return fast_answer(judge)


def reference_key_verdict(case: KeyCase, computed: bytes) -> str:
    """What the reference's parser says, and then the comparison with the program's own key."""
    try:
        attest.reference.Key.parse(case.key)
    except attest.reference.Malformed:
        return MALFORMED
    return ACCEPT if case.key == computed else REJECT
