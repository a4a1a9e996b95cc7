"""Vectors as they are written: every case by what differs from its base (format.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from tests.vectors.books import BookCase, StatedBook
from tests.vectors.inclusions import InclusionCase
from tests.vectors.policy_proofs import ProofCase, StatedContext, StatedSet

WORD = 32
MANY_ZEROS = 128
PROVENANCE = (
    "Made from fixed seeds by `python -m tests.vectors.generate` with the prover of this repository, wire version 1, "
    "over Ethereum's KZG ceremony; format.md says who checks it."
)
Case = ProofCase | BookCase | InclusionCase


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
        edit: dict[str, Any] = {"offset": str(WORD * start)}
        kept = insert.rstrip(b"\x00")
        zeros = len(insert) - len(kept)
        if zeros >= MANY_ZEROS:
            edit["zeros"] = str(zeros)
        else:
            kept = insert
        if kept:
            edit["bytes"] = hexadecimal(kept)
        if removed != len(insert):
            edit["remove"] = str(removed)
        listed.append(edit)
    whole = hexadecimal(other)
    return listed if len(json.dumps(listed)) < len(whole) else whole


def entry(case: Case, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A case by its name, its verdict, and what differs from its base."""
    stated: dict[str, Any] = {"name": case.name, "base": case.base, "expected": case.expected}
    stated |= {name: getattr(case, name) for name in ("check", "breaks") if getattr(case, name, "")}
    stated |= {} if case.contract else {"contract": False}
    return stated | ({"changes": changes} if changes else {})


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
    return entry(case, changes)


def proofs_file(cases: Sequence[ProofCase]) -> dict[str, Any]:
    """proofs.json."""
    bases = {case.name: case for case in cases if case.name == case.base}
    return {
        "provenance": PROVENANCE,
        "bases": {name: proof_fields(case) for name, case in bases.items()},
        "cases": [proof_entry(case, bases[case.base]) for case in cases],
    }


# Books and inclusions ------------------------------------------------------------------------------------------------


def book_fields(book: StatedBook) -> dict[str, Any]:
    return {
        "fund": book.fund,
        "epoch": str(book.epoch),
        "currencies": [{"slot": str(c.slot), "asset": c.asset, "lot": c.lot} for c in book.currencies],
        "count": str(book.count),
        "root": hexadecimal(book.root),
    }


def different(fields: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if base[name] != value}


def chunks_file(cases: Sequence[BookCase]) -> dict[str, Any]:
    """chunks.json."""
    bases = {case.name: case for case in cases if case.name == case.base}

    def fields(case: BookCase) -> dict[str, Any]:
        listed = {name: [hexadecimal(item) for item in getattr(case, name)] for name in ("chunks", "proofs")}
        return book_fields(case) | {"total": hexadecimal(case.total)} | listed

    def item(own: Sequence[bytes], i: int, data: bytes) -> Any:
        """One of a list: its index in the base's list, or what turns the base's item there into it."""
        return {"of": str(own.index(data))} if data in own else edits(own[i] if i < len(own) else b"", data)

    def changes(case: BookCase, base: BookCase) -> dict[str, Any]:
        found = different(fields(case), fields(base))
        for name in ("chunks", "proofs"):
            if name in found:
                own = getattr(base, name)
                found[name] = [item(own, i, data) for i, data in enumerate(getattr(case, name))]
        return found

    return {
        "provenance": PROVENANCE,
        "bases": {name: fields(case) for name, case in bases.items()},
        "cases": [entry(case, changes(case, bases[case.base])) for case in cases],
    }


def inclusions_file(cases: Sequence[InclusionCase]) -> dict[str, Any]:
    """inclusions.json."""
    bases = {case.name: case for case in cases if case.name == case.base}

    def fields(case: InclusionCase) -> dict[str, Any]:
        return book_fields(case) | {
            "accountHash": hexadecimal(case.account_hash),
            "nonceHash": hexadecimal(case.nonce_hash),
            "salt": hexadecimal(case.salt),
            "chunk": str(case.chunk),
            "entry": str(case.entry),
            "commitments": hexadecimal(case.commitments),
            "path": [hexadecimal(node) for node in case.path],
            "balances": [str(balance) for balance in case.balances],
            "openings": hexadecimal(case.openings),
        }

    def changes(case: InclusionCase, base: InclusionCase) -> dict[str, Any]:
        found = different(fields(case), fields(base))
        for name, old, new in (
            ("commitments", base.commitments, case.commitments),
            ("openings", base.openings, case.openings),
        ):
            if name in found:
                found[name] = edits(old, new)
        return found

    return {
        "provenance": PROVENANCE,
        "bases": {name: fields(case) for name, case in bases.items()},
        "cases": [entry(case, changes(case, bases[case.base])) for case in cases],
    }
