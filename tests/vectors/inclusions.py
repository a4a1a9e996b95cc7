"""The cases of inclusions.json, accounts that stand in a book, and what `attest` says of them (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attest.curve import COMPRESSED_SIZE, decompress
from attest.errors import EncodingError
from attest.liabilities import AccountKey, ChunkCommitments, Inclusion, check_inclusion, reference
from attest.srs import load_setup
from tests.vectors.books import StatedBook, stated_book
from tests.vectors.reading import data_of, edited, fast_answer, read, second_answer


@dataclass(frozen=True, slots=True)
class InclusionCase(StatedBook):
    """An account in a book.

    Args:
        commitments: of the account's chunk.
        openings: of the identifier and of each currency's balance, 48 bytes each.
    """

    name: str
    expected: str
    base: str
    account_hash: bytes
    nonce_hash: bytes
    salt: bytes
    chunk: int
    entry: int
    commitments: bytes
    path: tuple[bytes, ...]
    balances: tuple[int, ...]
    openings: bytes
    check: str = ""
    contract: bool = True

    def stated_inclusion(self) -> tuple[Any, ...]:
        """The Solidity `Inclusion`."""
        account = self.account_hash, self.nonce_hash, self.salt
        place = self.chunk, self.entry, self.commitments, list(self.path)
        return *account, *place, list(self.balances), self.openings

    def inclusion(self) -> Inclusion:
        """Raises: EncodingError."""
        if len(self.openings) % COMPRESSED_SIZE or not self.openings:
            raise EncodingError("openings have 48 bytes each")
        starts = range(0, len(self.openings), COMPRESSED_SIZE)
        identifier, *balances = [decompress(self.openings[i : i + COMPRESSED_SIZE]) for i in starts]
        commitments = ChunkCommitments.decode(self.commitments, len(self.currencies))
        return Inclusion(self.chunk, self.entry, commitments, self.path, self.balances, identifier, tuple(balances))


def inclusion_cases() -> list[InclusionCase]:
    """All of inclusions.json."""
    content = read("inclusions")
    return [_inclusion_case(case, content["bases"][case["base"]]) for case in content["cases"]]


def _inclusion_case(case: Mapping[str, Any], base: Mapping[str, Any]) -> InclusionCase:
    changes = case.get("changes", {})
    stated = {**base, **changes}
    byte_strings = {name: edited(data_of(base[name]), changes.get(name, [])) for name in ("commitments", "openings")}
    return InclusionCase(
        *stated_book(stated),
        case["name"],
        case["expected"],
        case["base"],
        *(data_of(stated[name]) for name in ("accountHash", "nonceHash", "salt")),
        int(stated["chunk"]),
        int(stated["entry"]),
        byte_strings["commitments"],
        tuple(data_of(node) for node in stated["path"]),
        tuple(int(balance) for balance in stated["balances"]),
        byte_strings["openings"],
        case.get("check", ""),
        case.get("contract", True),
    )


def inclusion_verdict(case: InclusionCase) -> str:
    """What `check_inclusion` says."""

    def judge() -> None:
        key = AccountKey(case.account_hash, case.nonce_hash, case.salt)
        check_inclusion(load_setup(), case.terms(), case.root, key, case.inclusion())

    return fast_answer(judge)


def reference_inclusion_answer(case: InclusionCase) -> tuple[str, str]:
    """What the second verifier says, and for a refusal the equation that it names."""
    account = reference.Account(case.account_hash, case.nonce_hash, case.salt)
    place = case.chunk, case.entry, case.commitments, case.path
    shown = reference.Inclusion(*place, case.balances, case.openings)
    return second_answer(lambda: reference.check_inclusion(case.reference(), account, shown))
