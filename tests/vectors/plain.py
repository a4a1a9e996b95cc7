"""Commitments on py_ecc, from their definitions: of columns in the Lagrange basis, and in keys (protocol §3, §4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from py_ecc.bls.point_compression import decompress_G1
from py_ecc.optimized_bls12_381.optimized_curve import Z1, eq

from attest.reference import CEREMONY, OMEGA, R_ORDER, N, combine

Point = Any


@lru_cache
def lagrange_lines() -> list[str]:
    """[L_0] … [L_4095] as the ceremony's file has them."""
    return (files("eth_account") / CEREMONY).read_text("ascii").split()[2 : 2 + N]


@cache
def lagrange_point(entry: int) -> Point:
    """[L_entry]."""
    return decompress_G1(int(lagrange_lines()[entry], 16))  # type: ignore[arg-type]


def commit(entries: Mapping[int, int]) -> Point:
    """Σ value·[L_entry]."""
    total = combine((lagrange_point(entry), value) for entry, value in entries.items() if value % R_ORDER)
    return total if entries else Z1


def same(one: Point, other: Point) -> bool:
    return bool(eq(one, other))


def weight_entries(weights: list[str], packing: int) -> dict[int, int]:
    """W_g at the entries B·i and B·i + 1, from "row part weight"."""
    listed = [text.split() for text in weights]
    return {packing * int(row) + (part == "minus"): int(weight) for row, part, weight in listed}


def forbidden_entries(rows: list[Mapping[str, Any]], packing: int) -> dict[int, int]:
    """The zero group's: every forbidden part, and row ρ itself. (P.2)"""
    last = packing * len(rows)
    entries = {last: 1, last + 1: 2}
    for i, row in enumerate(rows):
        if row["kind"] != "free":
            entries[packing * i + 1] = 1
        if row["kind"] == "zero":
            entries[packing * i] = 1
    return entries


def matrix_column(rows: list[Mapping[str, Any]], member: str, packing: int, k: int) -> dict[int, int]:
    """P_k on H: Σ_b ω^{be} A_{Bk+b}(ω^{Be}), where ω^{Be} is row e mod R. (P.4)"""
    entries = {}
    for e in range(N):
        i = e % (N // packing)
        numbers = rows[i].get(member, {}) if i < len(rows) else {}
        value = sum(pow(OMEGA, b * e, R_ORDER) * int(numbers.get(str(packing * k + b), 0)) for b in range(packing))
        if value % R_ORDER:
            entries[e] = value % R_ORDER
    return entries
