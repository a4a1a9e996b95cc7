"""The statement key: deterministic, digest over everything, columns as defined (P.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode
from eth_utils.crypto import keccak
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from attest.argument import kernel
from attest.curve import encode_point
from attest.errors import EncodingError, ProgramError
from attest.field import MODULUS, domain
from attest.kzg import commit
from attest.polynomial import coefficients, evaluate, interpolate, lagrange_at, polynomial
from attest.program import Entry, Kind, Layout, Parameters, Part, Program, ProgramBuilder
from attest.srs import Setup
from attest.statement import (
    KEY_ABI_TYPE,
    Group,
    StatementKey,
    build_statement,
    entry_index,
    packed_columns,
    weight_column,
    weight_families,
)
from tests.attest.attacks.forger import loose
from tests.attest.examples import Example, small_example, small_layout, small_program

HASHES: dict[str, Any] = {"policy_hash": b"\x02" * 32, "market_hash": b"\x03" * 32}


def test_a_key_is_deterministic(small: Example) -> None:
    again = small_example()
    assert again.statement.key == small.statement.key
    assert again.statement.key.encode() == small.statement.key.encode()
    one_thread = build_statement(
        small.program,
        small.setup,
        layout=small.layout,
        policy_hash=b"\x22" * 32,
        market_hash=b"\x33" * 32,
        threads=1,
    )
    assert one_thread.key.digest == small.statement.key.digest


def variants(key: StatementKey) -> dict[str, StatementKey]:
    """Every field of a key of two vectors changed alone."""
    other = Group(key.weights[0].row, key.weights[1].commitment)
    moved = Group(key.weights[0].row + 1, key.weights[0].commitment)
    single: dict[str, Any] = {
        "size": key.size + 1,
        "previous_size": key.previous_size + 1,
        "kinds": bytes(reversed(key.kinds)),
        "aux": key.aux[:-1],
        "flag_weights": (),
        "square_weights": (*key.square_weights, other),
        "columns": key.columns[::-1] + key.previous_columns,
        "previous_columns": (),
        **dict.fromkeys(("layout_hash", "previous_layout_hash", "policy_hash", "market_hash"), b"\x99" * 32),
    }
    changed = {name: loose(key, **{name: value}) for name, value in single.items()}
    for name, value in {"n": 2048, "packing": 4, "limb_width": 10, "limb_count": 8}.items():
        changed[f"parameters.{name}"] = loose(key, parameters=replace(key.parameters, **{name: value}))
    changed["weights"] = loose(key, weights=key.weights[:-1])
    changed["weights: another commitment"] = loose(key, weights=(other, *key.weights[1:]))
    changed["weights: another row"] = loose(key, weights=(moved, *key.weights[1:]))
    changed["kinds: one more"] = loose(key, kinds=key.kinds + b"\x00")
    changed["a column moved to the other vector"] = loose(
        key, columns=key.columns + key.previous_columns, previous_columns=()
    )
    return changed


def test_the_digest_changes_with_every_field(pair: Example) -> None:
    key = pair.statement.key
    changed = variants(key)
    named = {name.split(".")[0].split(":")[0] for name in changed}
    assert {f.name for f in fields(StatementKey)} <= named
    digests = {name: other.digest for name, other in changed.items()}
    assert key.digest not in digests.values()
    assert len(set(digests.values())) == len(digests)


MALFORMED: dict[str, Callable[[StatementKey], dict[str, Any]]] = {
    "parameters": lambda k: {"parameters": Parameters(4)},
    "limb width": lambda k: {"parameters": replace(k.parameters, limb_width=10)},
    "limb count": lambda k: {"parameters": replace(k.parameters, limb_count=6)},
    "n": lambda k: {"parameters": replace(k.parameters, n=2048)},
    "too many rows": lambda k: {"kinds": bytes(2044)},
    "no slot": lambda k: {"size": 0},
    "too many slots": lambda k: {"size": 4089},
    "negative previous size": lambda k: {"previous_size": -1},
    "an unknown kind": lambda k: {"kinds": b"\x03" + k.kinds[1:]},
    "aux descending": lambda k: {"aux": (6, 5)},
    "aux twice": lambda k: {"aux": (5, 5)},
    "aux on the constant": lambda k: {"aux": (0, 5, 6)},
    "aux beyond": lambda k: {"aux": (5, 7)},
    "too few columns": lambda k: {"columns": ()},
    "too many columns": lambda k: {"columns": k.columns * 2},
    "previous columns without a vector": lambda k: {"previous_columns": k.columns},
    "a row twice": lambda k: {"weights": (k.weights[0], *k.weights)},
    "descending rows": lambda k: {"weights": (*k.weights[:-1][::-1], k.weights[-1])},
    "a target beyond the rows": lambda k: {"flag_weights": (Group(k.row_count, k.columns[0]),)},
    "a negative target": lambda k: {"square_weights": (Group(-1, k.columns[0]),)},
    "no zero group": lambda k: {"weights": k.weights[:-1]},
    "a zero group elsewhere": lambda k: {"kinds": k.kinds + b"\x00"},
    "a short hash": lambda k: {"policy_hash": bytes(31)},
    "an absent hash": lambda k: {"market_hash": b""},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_keys_are_refused(small: Example, name: str) -> None:
    with pytest.raises(EncodingError, match="statement key"):
        replace(small.statement.key, **MALFORMED[name](small.statement.key))


def test_the_digest_is_keccak_of_the_abi_encoding(pair: Example) -> None:
    key = pair.statement.key
    assert key.digest == keccak(key.encode())
    (decoded,) = abi_decode([KEY_ABI_TYPE], key.encode())
    assert decoded[:8] == (1, 4096, 8, 11, 7, key.size, key.previous_size, key.row_count)
    assert decoded[8:10] == (key.kinds, key.aux)
    for family, words in zip((key.weights, key.flag_weights, key.square_weights), decoded[10:13], strict=True):
        assert [(g.row, encode_point(g.commitment)) for g in family] == [(row, b"".join(w)) for row, w in words]
    assert [b"".join(words) for words in decoded[13]] == [encode_point(c) for c in key.columns]
    assert [b"".join(words) for words in decoded[14]] == [encode_point(c) for c in key.previous_columns]
    assert decoded[15:] == (key.layout_hash, key.previous_layout_hash, key.policy_hash, key.market_hash)


def test_a_program_that_breaks_a_rule_gets_no_key(setup: Setup) -> None:
    build = ProgramBuilder(2)
    build.add("limit", Kind.NONNEG, {1: -1})
    with pytest.raises(ProgramError):
        build_statement(build.build(), setup, layout=small_layout(), **HASHES)
    with pytest.raises(ProgramError, match="R7"):
        build_statement(small_program(7), setup, layout=Layout(small_layout().slots[:5]), **HASHES)


def test_families_ascend_and_end_with_the_zero_group(small: Example) -> None:
    key = small.statement.key
    for family in (key.weights, key.flag_weights, key.square_weights):
        assert [group.row for group in family] == sorted({group.row for group in family})
    assert key.weights[-1].row == key.row_count == len(small.program.rows)
    families = weight_families(small.program)
    assert list(families[0])[-1] == key.row_count
    column = weight_column(small.program.forbidden(), key.parameters)
    assert key.weights[-1].commitment == commit(small.setup, interpolate(column))


def test_weight_columns_put_parts_on_their_entries() -> None:
    parameters = Parameters(packing=4)
    assert (entry_index(Entry(3, Part.PLUS), 4), entry_index(Entry(3, Part.MINUS), 4)) == (12, 13)
    column = weight_column({Entry(3, Part.PLUS): 5, Entry(3, Part.MINUS): -2}, parameters)
    assert {i: v for i, v in enumerate(column) if v} == {12: 5, 13: MODULUS - 2}


def matrix_by_definition(program: Program, parameters: Parameters, k: int, previous: bool) -> list[int]:
    """Coefficients of P_k(X) = Σ_b X^b A_{Bk+b}(X^B) from the interpolated columns A_j."""
    total = [0] * parameters.n
    for b in range(parameters.packing):
        rows = [(row.previous if previous else row.coefficients) for row in program.rows]
        column = [row.get(parameters.packing * k + b, 0) for row in rows]
        column += [0] * (parameters.rows - len(column))
        for power, value in enumerate(coefficients(interpolate(column))):
            total[b + parameters.packing * power] = value
    return total


@pytest.mark.parametrize("packing", [8, 4, 2])
def test_packed_columns_equal_their_definition(setup: Setup, packing: int) -> None:
    parameters = Parameters(packing)
    program = small_program(7, previous_size=4)
    for previous, size in ((False, 7), (True, 4)):
        columns = packed_columns(program, parameters, previous)
        assert len(columns) == -(-size // packing)
        for k, column in enumerate(columns):
            assert coefficients(interpolate(column)) == coefficients(
                polynomial(matrix_by_definition(program, parameters, k, previous))
            )


@settings(max_examples=5, deadline=None)
@given(st.integers(2, MODULUS - 1), st.integers(2, MODULUS - 1), st.sampled_from([8, 4, 2]))
def test_the_matrix_at_a_point_is_its_remainder(zeta: int, beta: int, packing: int) -> None:
    """F = Σ_k L_{Bk}(ζ) P_k leaves Σ_b T_b(ζ) X^b on the roots of X^B − α: that is what binds the matrix."""
    assume(pow(zeta, 4096, MODULUS) != 1 and pow(beta, 4096, MODULUS) != 1)  # −1, say, lies on the domain
    parameters, program = Parameters(packing), small_program(7)
    alpha = pow(beta, packing, MODULUS)
    columns = [interpolate(column) for column in packed_columns(program, parameters)]
    at = lagrange_at(parameters.n, range(0, packing * len(columns), packing), zeta)
    total = polynomial([])
    for column, weight in zip(columns, at, strict=True):
        total = total + column * weight
    roots = polynomial([-alpha % MODULUS] + [0] * (packing - 1) + [1])
    row_weights = lagrange_at(parameters.rows, range(len(program.rows)), alpha)
    expected = [0] * packing
    for k, weight in enumerate(at):
        for b in range(packing):
            folded = sum(
                row.coefficients.get(packing * k + b, 0) * x for row, x in zip(program.rows, row_weights, strict=True)
            )
            expected[b] = (expected[b] + weight * folded) % MODULUS
    remainder = coefficients(total % roots)
    assert remainder + [0] * (packing - len(remainder)) == expected


def test_the_kernel_takes_row_weights_on_parts() -> None:
    """κ interpolates +λ_i(α) on entry Bi and −λ_i(α) on entry Bi + 1. (P.9)"""
    parameters, alpha, zeta = Parameters(packing=8), 987654321, 123456789
    column = [0] * parameters.n
    for i, weight in enumerate(lagrange_at(parameters.rows, range(parameters.rows), alpha)):
        column[8 * i], column[8 * i + 1] = weight, MODULUS - weight
    assert kernel(alpha, zeta, parameters) == evaluate(interpolate(column), zeta)
    for pole in (domain(4096)[8], alpha, alpha * domain(4096)[1] % MODULUS):
        with pytest.raises(ZeroDivisionError):
            kernel(alpha, pole, parameters)
