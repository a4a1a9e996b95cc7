"""The cases of sources.json and disclosures.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from eth_account import Account

from attest.commitment import Holdings, SourceCommitment, disclose
from attest.curve import compress, encode_point
from attest.field import MODULUS, domain
from attest.kzg import open_single
from attest.polynomial import interpolate
from attest.program import Kind, Layout, Owner, ProgramBuilder, Slot
from attest.srs import Setup
from attest.statement import StatementKey, build_statement
from tests.attest.examples import CONTEXT, REGISTRY, Example, hold, small_layout, source_set
from tests.attest.test_attestation import KEYS
from tests.vectors.forging import stated
from tests.vectors.points import ILL_FORMED, ILL_FORMED_SHORT, negated
from tests.vectors.policy_proofs import StatedSet
from tests.vectors.programs import layout_fields
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT
from tests.vectors.writing import PROVENANCE, hexadecimal, set_fields

GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1."""
OTHER = "0x00000000000000000000000000000000000000F2"
UNSEEN = {"structHash", "signingHash", "chainId"}
"""What a registry computes for itself, or cannot change."""
APPROVED = {"layoutHash", "publicSlots"}
"""What publishers approve of an epoch, and nobody who discloses states."""


# Signed sources ------------------------------------------------------------------------------------------------------


def sources_file(examples: Mapping[str, Example]) -> dict[str, Any]:
    """sources.json."""
    small = examples["packing8"].sources.sources
    bases = {f"source {source.source}": _signed_fields(source, small_layout()) for source in small}
    cases = [{"name": name, "base": name, "expected": ACCEPT} for name in bases]
    cases += _other_signatures("source a", small[0], bases["source a"])
    return {"provenance": PROVENANCE, "bases": bases, "cases": cases, "sets": [*_sets(examples)]}


def _signed_fields(source: SourceCommitment, layout: Layout) -> dict[str, Any]:
    domain_of = CONTEXT.chain_id, REGISTRY
    return {
        "chainId": str(CONTEXT.chain_id),
        "registry": REGISTRY,
        "fund": source.fund,
        "epoch": str(source.epoch),
        "asOf": str(source.as_of),
        "source": source.source,
        "role": str(source.role),
        "layoutHash": hexadecimal(source.layout_hash),
        "ownedSlots": [str(slot) for slot in layout.owned_by(source.source)],
        "commitment": hexadecimal(encode_point(source.commitment)),
        "expiry": str(source.expiry),
        "nonce": str(source.nonce),
        "structHash": hexadecimal(source.struct_hash),
        "signingHash": hexadecimal(source.signing_hash(*domain_of)),
        "signature": hexadecimal(source.sign(KEYS[source.source], *domain_of)),
        "signer": Account.from_key(KEYS[source.source]).address,
    }


def _other_signatures(name: str, source: SourceCommitment, base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    def case(what: str, changes: Mapping[str, Any], expected: str = REJECT) -> dict[str, Any]:
        unseen = {"contract": False} if changes.keys() <= UNSEEN else {}
        return {"name": f"{name}: {what}", "base": name, "expected": expected, **unseen, "changes": dict(changes)}

    def rehashed(what: str, **fields: Any) -> dict[str, Any]:
        """Another message with its own hashes, and the signature of the first."""
        other = replace(source, **fields)
        found = _signed_fields(other, small_layout()) | {"signature": base["signature"]}
        return case(what, {key: value for key, value in found.items() if value != base[key]})

    yield rehashed("another fund", fund=OTHER)
    yield rehashed("another epoch", epoch=8)
    yield rehashed("another day", as_of=source.as_of + 86_400)
    yield rehashed("another role", role=1)
    yield rehashed("another layout", layout_hash=b"\x44" * 32)
    yield rehashed("another commitment", commitment=-source.commitment)
    yield rehashed("another expiry", expiry=source.expiry + 1)
    yield rehashed("another nonce", nonce=source.nonce + 1)
    for what, field, value in (
        ("another source", "source", "b"),
        ("other slots", "ownedSlots", ["1"]),
        ("slots exchanged", "ownedSlots", ["2", "1"]),
        ("another chain", "chainId", "1"),
        ("another registry", "registry", OTHER),
        ("another struct hash", "structHash", "0x" + "13" * 32),
        ("another signing hash", "signingHash", "0x" + "13" * 32),
        ("another signer", "signer", Account.from_key(KEYS["b"]).address),
    ):
        yield case(what, {field: value})
    signature = bytes.fromhex(base["signature"][2:])
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    for what, spelled in (
        ("the other point of the signature", signature[:64] + bytes([27 + 28 - v])),
        ("a signature of 64 bytes", signature[:64]),
        ("a signature of 66 bytes", signature + b"\x00"),
        ("a signature of zeros", bytes(65)),
        ("r is 0", bytes(32) + signature[32:]),
        ("s is 0", r + bytes(32) + bytes([v])),
        ("s is the order", r + GROUP_ORDER.to_bytes(32, "big") + bytes([v])),
        ("v is 29", signature[:64] + b"\x1d"),
        ("s above half the order", r + (GROUP_ORDER - s).to_bytes(32, "big") + bytes([27 + 28 - v])),
        ("v is 0 or 1", signature[:64] + bytes([v - 27])),
        ("v of a transaction", signature[:64] + bytes([v - 27 + 35])),
    ):
        yield case(what, {"signature": hexadecimal(spelled)})
    for what, spell in ILL_FORMED.items():
        ill_formed = hexadecimal(spell(encode_point(source.commitment)))
        yield case(f"a commitment {what}", {"commitment": ill_formed}, MALFORMED)


def _sets(examples: Mapping[str, Example]) -> Iterator[dict[str, Any]]:
    def case(name: str, held: StatedSet, hashed: bytes, expected: str = ACCEPT) -> dict[str, Any]:
        return {"name": f"set: {name}", "expected": expected, "hash": hexadecimal(hashed), "set": set_fields(held)}

    for name in ("packing8", "public1"):
        yield case(name, stated(examples[name].sources), examples[name].sources.hash)
    signed = examples["public1"].sources
    held = stated(signed)
    first, second = held.sources
    for name, other in (
        ("another epoch", replace(held, epoch=8)),
        ("another role of a source", replace(held, sources=(replace(first, role=3), second))),
        ("another value of a public slot", replace(held, public=((7, 901), (8, 100)))),
        ("a source left out", replace(held, sources=(first,))),
    ):
        yield case(name, other, signed.hash, REJECT)
    for name, other in (
        ("sources descending", replace(held, sources=(second, first))),
        ("a source twice", replace(held, sources=(first, first))),
        ("no source", replace(held, sources=())),
        ("a commitment at infinity", replace(held, sources=(first, replace(second, commitment=bytes(128))))),
        ("public slots descending", replace(held, public=((8, 100), (7, 900)))),
        ("a public slot twice", replace(held, public=((7, 900), (7, 900)))),
        ("the constant as a public slot", replace(held, public=((0, 1), (8, 100)))),
        ("a public slot in the blinding entries", replace(held, public=((7, 900), (4088, 100)))),
        ("a public value of 2^77", replace(held, public=((7, 900), (8, 1 << 77)))),
    ):
        yield case(name, other, other.reference().hash(), REJECT)
    for name, spell in ILL_FORMED.items():
        other = replace(held, sources=(replace(first, commitment=spell(first.commitment)), second))
        yield case(f"a commitment {name}", other, other.reference().hash(), MALFORMED)


# Disclosures ---------------------------------------------------------------------------------------------------------


def disclosures_file(setup: Setup, examples: Mapping[str, Example]) -> dict[str, Any]:
    """disclosures.json."""
    shorts = Layout((Slot(Owner.SOURCE, "X", Decimal(1), 1, "a", signed=True), *small_layout().slots[1:4]))
    short_holdings = hold(shorts, {1: -10, 2: 20, 3: 30, 4: 40}, 500)
    held = {
        "packing8": (small_layout(), examples["packing8"].holdings, stated(examples["packing8"].sources)),
        "public1": (examples["public1"].layout, examples["public1"].holdings, stated(examples["public1"].sources)),
        "short": (shorts, short_holdings, stated(source_set(shorts, short_holdings, setup, epoch=7))),
    }
    keys = {name: examples[name].statement.key for name in ("packing8", "public1")} | {"short": _key(setup, shorts)}
    bases = {
        name: {
            "layout": layout_fields(layout),
            "key": hexadecimal(keys[name].encode()),
            "sources": set_fields(sources),
        }
        for name, (layout, _, sources) in held.items()
    }
    return {"provenance": PROVENANCE, "bases": bases, "cases": [*_disclosures(setup, held)]}


def _key(setup: Setup, layout: Layout) -> StatementKey:
    """Of a program that says of each slot whether it may be short, and nothing else."""
    build = ProgramBuilder(layout.size)
    for j, slot in enumerate(layout.slots, 1):
        build.add(f"variable/{j}", Kind.FREE if slot.signed else Kind.NONNEG, {j: 1})
    hashes = {"policy_hash": b"\x22" * 32, "market_hash": b"\x33" * 32}
    return build_statement(build.build(), setup, layout=layout, **hashes).key


Held = Mapping[str, tuple[Layout, Holdings, StatedSet]]


def _disclosures(setup: Setup, held: Held) -> Iterator[dict[str, Any]]:
    def case(base: str, name: str, slot: int, lots: int, proof: bytes, expected: str, **fields: Any) -> dict[str, Any]:
        stated_case: dict[str, Any] = {"name": name, "base": base, "expected": expected}
        stated_case |= {"contract": False} if fields.get("sources", {}).keys() & APPROVED else {}
        return stated_case | {"slot": str(slot), "lots": str(lots), "proof": hexadecimal(proof)} | fields

    honest = {}
    for base, slots in (("packing8", (1, 2, 3, 4)), ("public1", (1, 2)), ("short", (1, 2))):
        layout, holdings, _ = held[base]
        for slot in slots:
            lots, point = disclose(setup, holdings, layout, slot)
            honest[base, slot] = lots, compress(point)
            yield case(base, f"slot {slot} of {base}", slot, *honest[base, slot], ACCEPT)
    lots, proof = honest["packing8", 1]
    other = honest["packing8", 2][1]
    for name, slot, claimed, shown in (
        ("another quantity", 1, lots + 1, proof),
        ("another slot's opening", 1, lots, other),
        ("another slot", 2, lots, proof),
        ("a negated opening", 1, lots, negated(proof)),
        ("a quantity that is the same mod r", 1, lots + MODULUS, proof),
        ("a negative quantity that is the same mod r", 1, lots - MODULUS, proof),
        ("a slot behind the layout", 7, 0, proof),
    ):
        yield case("packing8", name, slot, claimed, shown, REJECT)
    short_lots, short_proof = honest["short", 1]
    for name, claimed in (("a short without its sign", -short_lots), ("a short mod r", short_lots + MODULUS)):
        yield case("short", name, 1, claimed, short_proof, REJECT)
    for base, name, slot in (
        ("packing8", "the constant", 0),
        ("packing8", "an aux slot", 5),
        ("public1", "a public slot", 7),
        ("packing8", "the blinding factor", 4095),
    ):
        value, point = open_single(setup, interpolate(held[base][1].column()), domain(4096)[slot])
        yield case(base, name, slot, value, compress(point), REJECT)
    yield from _other_sources(setup, held, case)
    for name, spell in ILL_FORMED_SHORT.items():
        yield case("packing8", f"an opening {name}", 1, lots, spell(proof), MALFORMED)


def _other_sources(setup: Setup, held: Held, case: Any) -> Iterator[dict[str, Any]]:
    """Openings of what only some sources signed, or others."""
    layout, holdings, sources = held["packing8"]
    alone = Holdings(tuple(o for o in holdings.openings if o.source == sources.sources[0].name))
    slot = layout.owned_by(sources.sources[0].name)[0]
    value, point = open_single(setup, interpolate(alone.column()), domain(4096)[slot])
    only = {"sources": set_fields(replace(sources, sources=sources.sources[:1]))["sources"]}
    yield case("packing8", "one source of two", slot, value, compress(point), REJECT, sources=only)
    lots, point = disclose(setup, holdings, layout, slot)
    shown = slot, lots, compress(point)
    elsewhere = {"layoutHash": "0x" + "44" * 32}
    yield case("packing8", "sources of another layout", *shown, REJECT, sources=elsewhere)
    yield case("packing8", "a public slot over", *shown, REJECT, sources={"publicSlots": [["3", "0"]]})
    lots, point = disclose(setup, held["public1"][1], held["public1"][0], slot)
    missing = {"publicSlots": [["7", "900"]]}
    yield case("public1", "a public slot left out", slot, lots, compress(point), REJECT, sources=missing)
    value, point = open_single(setup, interpolate(held["public1"][1].column()), domain(4096)[slot])
    yield case("public1", "an opening of C_Q, public slots and all", slot, value, compress(point), REJECT)
