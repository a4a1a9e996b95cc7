"""Keys that are none, with proofs that nothing else is wrong with, for keys.json and proofs.json; keys of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from attest.curve import decode_point, encode_point
from attest.program import Kind, Parameters, Program, Row, Witness
from attest.statement import build_statement
from tests.attest.attacks.forger import key_of, policy
from tests.attest.examples import Example, small_example
from tests.vectors.forging import any_program, honest_for, masked_beyond, members, rekeyed, zero_group_on
from tests.vectors.points import ILL_FORMED
from tests.vectors.policy_proofs import ProofCase
from tests.vectors.programs import layout_fields, program_fields
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT
from tests.vectors.writing import PROVENANCE, edits, hexadecimal

INFINITY = [bytes(32)] * 4


@dataclass(frozen=True)
class KeyVariant:
    """A malformed key. Args: rule: that it breaks; proof: honest but for the key; contract: whether it refuses too."""

    name: str
    base: str
    rule: str
    key: bytes
    proof: bytes
    contract: bool = True


def words(point: bytes) -> list[bytes]:
    return [point[i : i + 32] for i in range(0, 128, 32)]


def edited_word(encoding: bytes, index: int, value: int) -> bytes:
    return encoding[: 32 * index] + value.to_bytes(32, "big") + encoding[32 * index + 32 :]


def key_variants(examples: dict[str, Example]) -> Iterator[KeyVariant]:
    """All of them; the same from run to run."""
    yield from _spellings(examples["packing8"])
    yield from _parameters(examples["packing8"])
    yield from _sizes(examples)
    yield from _aux(examples["packing8"])
    yield from _families(examples["packing8"])
    yield from _columns(examples)
    yield from _points(examples["packing8"])


def _variant(example: Example, name: str, rule: str, key: bytes, base: str = "packing8", **options: Any) -> KeyVariant:
    contract = options.pop("contract", True)
    return KeyVariant(f"key: {name}", base, rule, key, honest_for(example, key=key, **options), contract)


def _spellings(example: Example) -> Iterator[KeyVariant]:
    key = example.statement.key.encode()
    kinds = 1 + int.from_bytes(key[32 * 9 : 32 * 10], "big") // 32  # the length word of member 8
    previous_columns = 1 + 14
    stray = bytearray(key)
    stray[32 * (kinds + 1) + 31] = 1
    end = len(key) // 32
    yield _variant(example, "cut short", "encoding", key[:-32])
    yield _variant(example, "a word behind it", "encoding", key + bytes(32))
    yield _variant(example, "a byte behind it", "encoding", key + b"\x00")
    yield _variant(example, "kinds padded with a 1", "encoding", bytes(stray), contract=False)
    moved = edited_word(key, previous_columns, 32 * (end - 1)) + bytes(32)
    yield _variant(example, "a gap before a member", "encoding", moved)
    beyond = edited_word(key, previous_columns, 32 * end)
    yield _variant(example, "a member behind the end", "encoding", beyond)


def _parameters(example: Example) -> Iterator[KeyVariant]:
    key, own = example.statement.key.encode(), example.statement.key.parameters
    yield _variant(example, "version 2", "version", rekeyed(key, version=2))
    for member, value in (("n", 8192), ("limb_width", 12), ("limb_count", 6)):
        other = rekeyed(key, **{member: value})
        yield _variant(example, f"{member} is {value}", "parameters", other)
        absorbed = replace(own, **{member: value})
        yield _variant(example, f"{member} is {value}, absorbed", "parameters", other, parameters=absorbed)
    kinds = example.statement.key.kinds
    yield _variant(example, "a kind too few", "kinds", rekeyed(key, kinds=kinds[:-1]))
    yield _variant(example, "a kind too many", "kinds", rekeyed(key, kinds=kinds + b"\x01"))
    yield _variant(example, "kind 3", "kinds", rekeyed(key, kinds=b"\x03" + kinds[1:]), contract=False)
    rows = len(kinds)
    for name, packing, wanted, contract in (
        ("packing 4 for few rows", 4, rows, False),
        ("packing 8 for 508 rows", 8, 508, True),
        ("packing 2 for 2044 rows", 2, 2044, True),
    ):
        with any_program(Parameters(packing)):
            other_example = small_example(extra_rows=wanted - rows)
        encoding = other_example.statement.key.encode()
        yield _variant(other_example, name, "packing", encoding, contract=contract)


def _sizes(examples: dict[str, Example]) -> Iterator[KeyVariant]:
    example, pair = examples["packing8"], examples["vectors2"]
    row = Row("nothing", Kind.NONNEG, {})
    program = Program(1, (row,), ())
    with any_program():
        statement = build_statement(
            program, example.setup, layout=example.layout, policy_hash=b"\x22" * 32, market_hash=b"\x33" * 32
        )
    # The program reads none of its slots: its only column is at infinity, and a key of no slot has the same proofs.
    reading_nothing = replace(example, program=program, statement=statement, aux={})
    key = rekeyed(statement.key.encode(), size=0, columns=[])
    yield _variant(reading_nothing, "no slot", "size", key, witness=Witness((0,), (0,), frozenset()))
    for name, own, base, member, columns in (
        ("slots in the blinding entries", example, "packing8", "size", "columns"),
        ("previous slots in the blinding entries", pair, "vectors2", "previous_size", "previous_columns"),
    ):
        key = own.statement.key.encode()
        wide = list(members(key)[columns]) + [INFINITY] * (512 - len(members(key)[columns]))
        yield _variant(own, name, "size", rekeyed(key, **{member: 4089, columns: wide}), base=base)


def _aux(example: Example) -> Iterator[KeyVariant]:
    key = example.statement.key.encode()
    yield _variant(example, "aux slots descending", "aux", rekeyed(key, aux=[6, 5]))
    for name, slot in (("an aux slot twice", 6), ("the constant as aux", 0), ("an aux slot beyond the vector", 7)):
        aux = sorted([5, 6, slot])
        yield _variant(example, name, "aux", rekeyed(key, aux=aux), vectors=masked_beyond(example, slot))


def _families(example: Example) -> Iterator[KeyVariant]:
    key = example.statement.key.encode()
    rows, weights = members(key)["row_count"], list(members(key)["weights"])
    first, second, zero_group = weights
    yield _variant(example, "targets descending", "families", rekeyed(key, weights=[second, first, zero_group]))
    for name, group in (("a target twice", first), ("the zero group twice", zero_group)):
        row, commitment = group
        point, one = decode_point(b"".join(commitment)), example.setup.g1
        halves = [(row, words(encode_point(half))) for half in (one, point + -one)]
        others = [other for other in weights if other is not group]
        split = sorted([*others, *halves], key=lambda g: g[0])
        yield _variant(example, name, "families", rekeyed(key, weights=split))
    for member in ("flag_weights", "square_weights"):
        family = list(members(key)[member])
        on_zero_row = [*family, (rows, INFINITY)]
        yield _variant(example, f"{member} of row ρ", "families", rekeyed(key, **{member: on_zero_row}))
        twice = [*family, (family[0][0], INFINITY)]
        yield _variant(example, f"{member} of a row twice", "families", rekeyed(key, **{member: twice}))
    with zero_group_on(None):
        yield _variant(example, "no zero group", "zero group", rekeyed(key, weights=weights[:-1]))
    with zero_group_on(rows + 1):
        moved = [first, second, (rows + 1, zero_group[1])]
        yield _variant(example, "the zero group behind row ρ", "zero group", rekeyed(key, weights=moved))
    yield _variant(example, "no weights at all", "zero group", rekeyed(key, weights=[]))


def _columns(examples: dict[str, Example]) -> Iterator[KeyVariant]:
    for name, base, member in (
        ("a column over", "packing8", "columns"),
        ("a previous column without a previous vector", "packing8", "previous_columns"),
        ("a previous column over", "vectors2", "previous_columns"),
    ):
        example = examples[base]
        key = example.statement.key.encode()
        wide = [*members(key)[member], INFINITY]
        yield _variant(example, name, "columns", rekeyed(key, **{member: wide}), base=base)
    example = examples["packing8"]
    key = example.statement.key.encode()
    yield _variant(example, "a column short", "columns", rekeyed(key, columns=[]))


def _points(example: Example) -> Iterator[KeyVariant]:
    key = example.statement.key.encode()
    column = b"".join(members(key)["columns"][0])
    for name, spell in ILL_FORMED.items():
        yield _variant(example, f"a column {name}", "point", rekeyed(key, columns=[words(spell(column))]))
    ((row, commitment),) = members(key)["flag_weights"]
    outside = ILL_FORMED["outside the subgroup"](b"".join(commitment))
    yield _variant(
        example, "a weight outside the subgroup", "point", rekeyed(key, flag_weights=[(row, words(outside))])
    )


# keys.json -----------------------------------------------------------------------------------------------------------


def keys_file(examples: Mapping[str, Example], malformed: Sequence[ProofCase]) -> dict[str, Any]:
    """Every base's program with its key, keys of other programs, and `malformed`, the cases of proofs.json."""
    bases = {name: _base_fields(example) for name, example in examples.items()}

    def case(name: str, base: str, expected: str, check: str, key: bytes) -> dict[str, Any]:
        stated = {"name": name, "base": base, "expected": expected} | ({"check": check} if check else {})
        found = edits(examples[base].statement.key.encode(), key)
        return stated | ({"key": found} if found else {})

    accepted = [case(name, name, ACCEPT, "", example.statement.key.encode()) for name, example in examples.items()]
    others = [case(f"key: {name}", base, REJECT, check, key) for name, base, check, key in _keys_of_others(examples)]
    spelled = [case(each.name, each.base, MALFORMED, each.check, each.key) for each in malformed]
    return {"provenance": PROVENANCE, "bases": bases, "cases": [*accepted, *others, *spelled]}


def _base_fields(example: Example) -> dict[str, Any]:
    key = example.statement.key
    return {
        "program": program_fields(example.program),
        "layout": layout_fields(example.layout),
        "policyHash": hexadecimal(key.policy_hash),
        "marketHash": hexadecimal(key.market_hash),
        "digest": hexadecimal(key.digest),
        "key": hexadecimal(key.encode()),
    }


def _keys_of_others(examples: Mapping[str, Example]) -> Iterator[tuple[str, str, str, bytes]]:
    """Well-formed keys that the base's program does not have."""
    example = examples["policy"]
    for name, check, weaker in (
        ("without an aggregate", "(P.12)", policy(gross=0)),
        ("a debt at a hundredth", "(P.4)", policy(debt_weight=1)),
        ("hinges at a quarter", "(P.12)", policy(hinges=1)),
    ):
        yield name, "policy", check, key_of(weaker, example).key.encode()
    key = example.statement.key.encode()
    for name, check, changes in (
        ("another policy", "policyHash", {"policy_hash": b"\x77" * 32}),
        ("another market", "marketHash", {"market_hash": b"\x77" * 32}),
        ("another layout", "layoutHash", {"layout_hash": b"\x77" * 32}),
        ("an aux slot less", "aux", {"aux": [5]}),
        ("a row more that may be negative", "kinds", {"kinds": bytes([0]) + example.statement.key.kinds[1:]}),
    ):
        yield name, "policy", check, rekeyed(key, **changes)
    narrow = examples["packing2"].statement.key.encode()
    columns = members(narrow)["columns"]
    yield "columns exchanged", "packing2", "(P.4)", rekeyed(narrow, columns=[columns[1], columns[0], *columns[2:]])
