"""Files of vectors as they are read: verdicts, bytes, and edits that turn a base into a case (format.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from attest.errors import EncodingError, ProofRejected, SourceError
from attest.reference import Malformed, Refused

ACCEPT, REJECT, MALFORMED = "accept", "reject", "malformed"
FOLDER = Path(__file__).parent


@lru_cache
def read(name: str) -> Any:
    """A file of vectors."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def data_of(text: str) -> bytes:
    """Bytes behind 0x."""
    return bytes.fromhex(text.removeprefix("0x"))


def edited(base: bytes, edits: str | Sequence[Mapping[str, Any]]) -> bytes:
    """`base` with its edits made, or other bytes altogether."""
    if isinstance(edits, str):
        return data_of(edits)
    pieces, at = [], 0
    for edit in edits:
        offset, insert = int(edit["offset"]), data_of(edit.get("bytes", "")) + bytes(int(edit.get("zeros", 0)))
        pieces += [base[at:offset], insert]
        at = offset + int(edit.get("remove", len(insert)))
    return b"".join([*pieces, base[at:]])


def fast_answer(judge: Callable[[], object]) -> str:
    """The verdict behind the exceptions of `attest`."""
    try:
        judge()
    except EncodingError:
        return MALFORMED
    except (ProofRejected, SourceError):
        return REJECT
    return ACCEPT


def second_answer(judge: Callable[[], object]) -> tuple[str, str]:
    """The verdict behind the exceptions of the second verifier, and for a refusal the equation that it names."""
    try:
        judge()
    except Malformed:
        return MALFORMED, ""
    except Refused as error:
        return REJECT, error.equation
    return ACCEPT, ""
