"""The cases of transcript.json: short sequences of items, and all items of some whole proofs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

from attest.curve import INFINITY, encode_point, multiply
from attest.field import MODULUS
from attest.liabilities.book import BOOK_TAG
from attest.srs import Setup
from attest.transcript import POLICY_TAG, Transcript
from tests.vectors.books import BookCase, one_by_one_verdict
from tests.vectors.points import ILL_FORMED
from tests.vectors.policy_proofs import ProofCase, fast_verdict
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT
from tests.vectors.writing import PROVENANCE, hexadecimal

Item = dict[str, Any]


def transcript_file(setup: Setup, proofs: Sequence[ProofCase], book: BookCase) -> dict[str, Any]:
    """transcript.json. Args: proofs, book: accepted ones whose transcripts are recorded."""
    cases = [*_short(setup)]
    for proof in proofs:
        cases.append(_case(f"the proof {proof.name}", POLICY_TAG, _recorded(lambda of=proof: fast_verdict(of))))
    cases.append(_case(f"the book {book.name}", BOOK_TAG, _recorded(lambda: one_by_one_verdict(book))))
    return {"provenance": PROVENANCE, "cases": cases}


def _case(name: str, tag: bytes, items: Sequence[Item], expected: str = ACCEPT) -> dict[str, Any]:
    return {"name": name, "expected": expected, "tag": tag.decode(), "items": list(items)}


def _short(setup: Setup) -> Iterator[dict[str, Any]]:
    point = encode_point(multiply(setup.g1, 77))
    items: dict[str, list[Item]] = {
        "a scalar": [{"scalar": "5"}],
        "the scalar 0": [{"scalar": "0"}],
        "the largest scalar": [{"scalar": str(MODULUS - 1)}],
        "the largest number of 32 bytes": [{"scalar": str(2**256 - 1)}],
        "a point": [{"point": hexadecimal(point)}],
        "infinity": [{"point": hexadecimal(encode_point(INFINITY))}],
        "no bytes": [{"bytes": "0x"}],
        "two items": [{"bytes": "0x61"}, {"bytes": "0x62"}],
        "two items in one": [{"bytes": "0x6162"}],
    }
    for name, listed in items.items():
        yield _case(name, POLICY_TAG, _answered(POLICY_TAG, [*listed, 1]))
    mixed: list[Item | int] = [
        {"scalar": "1"},
        {"point": hexadecimal(point)},
        3,
        {"bytes": hexadecimal(b"\x07" * 32)},
        1,
    ]
    for tag in (POLICY_TAG, BOOK_TAG):
        yield _case(f"three challenges and one more, {tag.decode()}", tag, _answered(tag, mixed))
    told = _answered(POLICY_TAG, [{"scalar": "5"}, 2])
    first, second = told[-1]["challenges"]
    unreduced = str(int(first) + MODULUS)
    for name, challenges in (
        ("another challenge", [first, str((int(second) + 1) % MODULUS)]),
        ("challenges exchanged", [second, first]),
        ("one challenge twice", [first, first]),
        ("a challenge that is not below r", [unreduced, second]),
    ):
        yield _case(name, POLICY_TAG, [*told[:-1], {"challenges": challenges}], REJECT)
    yield _case("another tag", BOOK_TAG, told, REJECT)
    yield _case("another order", POLICY_TAG, [{"bytes": "0x62"}, {"bytes": "0x61"}, _two_items()], REJECT)
    yield _case("a number of 33 bytes", POLICY_TAG, [{"scalar": str(2**256)}], MALFORMED)
    for name, spell in ILL_FORMED.items():
        yield _case(f"a point {name}", POLICY_TAG, [{"point": hexadecimal(spell(point))}], MALFORMED)


def _two_items() -> Item:
    return _answered(POLICY_TAG, [{"bytes": "0x61"}, {"bytes": "0x62"}, 1])[-1]


def _answered(tag: bytes, items: Sequence[Item | int]) -> list[Item]:
    """The items, with challenges in the place of each number of challenges."""
    transcript, answered = Transcript(tag), []
    for item in items:
        if isinstance(item, int):
            answered.append({"challenges": [str(challenge) for challenge in transcript.challenges(item)]})
            continue
        ((kind, stated),) = item.items()
        if kind == "scalar":
            transcript.absorb_scalar(int(stated))
        else:
            transcript.absorb_bytes(bytes.fromhex(stated[2:]))
        answered.append(item)
    return answered


def _recorded(verify: Any) -> list[Item]:
    """What a verification absorbs and draws. Raises: ValueError: it does not accept."""
    recorded: list[Item] = []
    absorb, draw = Transcript.absorb_bytes, Transcript.challenges

    def absorbing(transcript: Transcript, item: bytes) -> None:
        recorded.append({"bytes": hexadecimal(item)})
        absorb(transcript, item)

    def drawing(transcript: Transcript, count: int) -> list[int]:
        drawn = draw(transcript, count)
        recorded.append({"challenges": [str(challenge) for challenge in drawn]})
        return drawn

    with patch.object(Transcript, "absorb_bytes", absorbing), patch.object(Transcript, "challenges", drawing):
        if verify() != ACCEPT:
            raise ValueError("the recorded proof is not accepted")
    return recorded
