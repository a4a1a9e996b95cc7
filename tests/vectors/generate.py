"""Writes the frozen vectors, bit for bit the same each time: `python -m tests.vectors.generate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from attest.srs import Setup, load_setup
from tests.vectors import make_chunks, make_keys, make_proofs
from tests.vectors.cases import FOLDER, ProofCase, StatedContext, StatedSet

WORD = 32
MANY_ZEROS = 128


def hexadecimal(data: bytes) -> str:
    return "0x" + data.hex()


# Cases as changes of a base ------------------------------------------------------------------------------------------


def edits(base: bytes, other: bytes) -> str | list[dict[str, Any]]:
    """What turns `base` into `other`, or all of `other` where most of it is new. `cases.edited` takes it back."""
    old, new = ([data[i : i + WORD] for i in range(0, len(data), WORD)] for data in (base, other))
    found = [code for code in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if code[0] != "equal"]
    listed = []
    for _, start, end, new_start, new_end in found:
        insert = b"".join(new[new_start:new_end])
        removed = len(b"".join(old[start:end]))
        edit: dict[str, Any] = {"offset": WORD * start}
        kept = insert.rstrip(b"\x00")
        zeros = len(insert) - len(kept)
        if zeros >= MANY_ZEROS:
            edit["zeros"] = zeros
        else:
            kept = insert
        if kept:
            edit["bytes"] = hexadecimal(kept)
        if removed != len(insert):
            edit["remove"] = removed
        listed.append(edit)
    whole = hexadecimal(other)
    return listed if len(json.dumps(listed)) < len(whole) else whole


def context_fields(context: StatedContext) -> dict[str, Any]:
    return {
        "chainId": str(context.chain_id),
        "registry": context.registry,
        "expiry": str(context.expiry),
        "programId": hexadecimal(context.program_id),
        "bookRoot": hexadecimal(context.book_root),
    }


def set_fields(sources: StatedSet) -> dict[str, Any]:
    return {
        "fund": sources.fund,
        "epoch": str(sources.epoch),
        "asOf": str(sources.as_of),
        "layoutHash": hexadecimal(sources.layout_hash),
        "sources": [
            {
                "name": source.name,
                "role": str(source.role),
                "ownedSlotsHash": hexadecimal(source.owned_slots_hash),
                "commitment": hexadecimal(source.commitment),
                "expiry": str(source.expiry),
                "nonce": str(source.nonce),
            }
            for source in sources.sources
        ],
        "publicSlots": [[str(slot), str(value)] for slot, value in sources.public],
    }


def proof_fields(case: ProofCase) -> dict[str, Any]:
    """All of a case, as bases are written."""
    return {
        "key": hexadecimal(case.key),
        "context": context_fields(case.context),
        "sources": set_fields(case.sources),
        "previous": set_fields(case.previous) if case.previous is not None else None,
        "proof": hexadecimal(case.proof),
    }


def proof_entry(case: ProofCase, base: ProofCase) -> dict[str, Any]:
    """A case by what differs from its base."""
    own, other = proof_fields(base), proof_fields(case)
    changes: dict[str, Any] = {}
    for name in ("context", "sources", "previous"):
        old, new = own[name] or {}, other[name]
        different = new and {field: value for field, value in new.items() if old.get(field) != value}
        if new != own[name]:
            changes[name] = different
    for name, before, after in (("key", base.key, case.key), ("proof", base.proof, case.proof)):
        if before != after:
            changes[name] = edits(before, after)
    entry: dict[str, Any] = {"name": case.name, "base": case.base, "expected": case.expected}
    entry |= {name: getattr(case, name) for name in ("check", "breaks") if getattr(case, name)}
    entry |= {} if case.contract else {"contract": False}
    return entry | ({"changes": changes} if changes else {})


def proofs_file(cases: Sequence[ProofCase]) -> dict[str, Any]:
    """proofs.json."""
    bases = {case.name: case for case in cases if case.name == case.base}
    return {
        "bases": {name: proof_fields(case) for name, case in bases.items()},
        "cases": [proof_entry(case, bases[case.base]) for case in cases],
    }


def keys_file(cases: Sequence[ProofCase]) -> dict[str, Any]:
    """keys.json: the keys of the proofs, and how else they cannot be spelled."""
    bases = {case.name: case.key for case in cases if case.name == case.base}
    return make_keys.keys_file(bases, [case for case in cases if case.name.startswith("key: ")], edits)


def files(setup: Setup) -> dict[str, Any]:
    """Name → content of every file."""
    proofs = make_proofs.proof_cases(setup)
    chunks = make_chunks.chunk_cases(setup)
    keys = keys_file(proofs)
    return {
        "keys": keys,
        "proofs": proofs_file(proofs),
        "chunks": make_chunks.chunks_file(chunks, edits),
    }


def write(folder: Path) -> None:
    """All files into a folder."""
    for name, content in files(load_setup()).items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    write(FOLDER)
