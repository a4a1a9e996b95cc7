"""The cases of proofs.json: honest proofs, and for each check one that nothing else refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import attest.prover
from attest.commitment import Holdings
from attest.curve import POINT_SIZE, SCALAR_SIZE, encode_point
from attest.field import MODULUS
from attest.masking import Vector
from attest.polynomial import interpolate
from attest.program import Entry, Kind, Part, ProgramBuilder, Witness, source_id
from attest.proof import proof_sizes
from attest.srs import Setup
from attest.statement import build_statement
from tests.attest.attacks.forger import (
    FALSE_CONE,
    FALSE_COUNT,
    FALSE_GROSS,
    FALSE_SOLVENCY,
    TRUE_AUX,
    TRUE_LOTS,
    Plan,
    forge,
    key_of,
    policy,
    pretend,
    scene,
)
from tests.attest.examples import CONTEXT, Example, public_example, small_example
from tests.vectors.cases import ACCEPT, MALFORMED, REJECT, ProofCase, StatedContext, StatedSet
from tests.vectors.forging import STATED_CONTEXT, any_program, honest_for, rekeyed, stated, zero_group_on
from tests.vectors.make_keys import key_variants
from tests.vectors.points import ILL_FORMED

Bases = dict[str, ProofCase]
OTHER_FUND = "0x00000000000000000000000000000000000000f2"


def examples(setup: Setup) -> dict[str, Example]:
    """What the bases of the file are proofs of."""
    return {
        "packing8": small_example(),
        "packing4": small_example(extra_rows=600),
        "packing2": small_example(extra_rows=1100),
        "vectors2": small_example(two_vectors=True),
        "public1": public_example(),
        "public2": public_example(two_vectors=True),
        "policy": scene(setup),
        "turnover": scene(setup, previous_lots={1: 700}),
    }


def honest_case(name: str, example: Example) -> ProofCase:
    previous = stated(example.previous.sources) if example.previous is not None else None
    key = example.statement.key.encode()
    return ProofCase(name, ACCEPT, name, key, STATED_CONTEXT, stated(example.sources), previous, example.prove())


def proof_cases(setup: Setup, named: dict[str, Example]) -> list[ProofCase]:
    """All cases; the first of each base's name is the base itself. Args: named: `examples`."""
    bases = {name: honest_case(name, example) for name, example in named.items()}
    return [
        *bases.values(),
        *_other_accepted(bases, named),
        *_bytes(bases["packing8"], named["packing8"]),
        *_keys(bases, named),
        *_sources(bases, named),
        *_public_slots(bases, named),
        *_previous(bases, named),
        *_transcript(bases),
        *_constraints(bases, setup),
        *_commitments(bases, setup),
    ]


def _changed(base: ProofCase, name: str, expected: str, check: str, **fields: Any) -> ProofCase:
    return replace(base, name=name, expected=expected, check=check, **fields)


def _other_accepted(bases: Bases, named: Mapping[str, Example]) -> Iterator[ProofCase]:
    root = b"\x13" * 32
    proof = named["packing8"].prove(context=replace(CONTEXT, book_root=root))
    context = replace(STATED_CONTEXT, book_root=root)
    yield _changed(bases["packing8"], "a policy with a liability book", ACCEPT, "", context=context, proof=proof)
    base, pair = bases["vectors2"], named["vectors2"]
    assert base.previous is not None
    assert pair.previous is not None
    values = ((5, 9),)
    before = replace(pair.previous.holdings, public_values=values)
    example = replace(pair, previous=replace(pair.previous, holdings=before))
    previous = replace(base.previous, public=values)
    proof = honest_for(example, previous=previous)
    name = "a public slot of the previous vector where this one has an aux slot"
    yield _changed(base, name, ACCEPT, "", previous=previous, proof=proof)


# The proof's bytes ---------------------------------------------------------------------------------------------------


def _bytes(base: ProofCase, example: Example) -> Iterator[ProofCase]:
    proof = base.proof
    points = proof_sizes(8, 1)[0]
    last = slice((points - 1) * POINT_SIZE, points * POINT_SIZE)
    for name, changed in (
        ("a byte behind the proof", proof + b"\x00"),
        ("a word behind the proof", proof + bytes(32)),
        ("a byte short", proof[:-1]),
        ("a scalar short", proof[:-32]),
        ("no bytes", b""),
    ):
        yield _changed(base, name, MALFORMED, "length", proof=changed)
    respelled = honest_for(example, respelled=True)
    yield _changed(base, "a scalar that is not below r", MALFORMED, "scalar", proof=respelled)
    for name, spell in ILL_FORMED.items():
        moved = proof[: last.start] + spell(proof[last]) + proof[last.stop :]
        yield _changed(base, f"W' {name}", MALFORMED, "point", proof=moved)
    value = int.from_bytes(proof[-SCALAR_SIZE:], "big")
    other = proof[:-SCALAR_SIZE] + ((value + 1) % MODULUS).to_bytes(SCALAR_SIZE, "big")
    yield _changed(base, "another evaluation", REJECT, "(P.22)", proof=other)
    nothing = proof[: last.start] + bytes(POINT_SIZE) + proof[last.stop :]
    yield _changed(base, "W' at infinity", REJECT, "(P.22)", proof=nothing)


# The key -------------------------------------------------------------------------------------------------------------


def _keys(bases: Bases, named: dict[str, Example]) -> Iterator[ProofCase]:
    for variant in key_variants(named):
        fields = {"key": variant.key, "proof": variant.proof, "contract": variant.contract}
        yield _changed(bases[variant.base], variant.name, MALFORMED, variant.rule, **fields)


# The sources ---------------------------------------------------------------------------------------------------------


def _sources(bases: Bases, named: Mapping[str, Example]) -> Iterator[ProofCase]:
    base, example = bases["packing8"], named["packing8"]
    held = base.sources
    first, second = held.sources

    def case(name: str, check: str, sources: StatedSet, expected: str = REJECT, **fields: Any) -> ProofCase:
        proof = honest_for(example, sources=sources) if expected == REJECT else base.proof
        return _changed(base, f"sources: {name}", expected, check, sources=sources, proof=proof, **fields)

    yield case("descending", "(P.6)", replace(held, sources=(second, first)))
    generator = encode_point(example.setup.g1)
    rest = encode_point(example.sources.sources[0].commitment + -example.setup.g1)
    twice = (replace(first, commitment=generator), replace(first, commitment=rest), second)
    yield case("one twice", "(P.6)", replace(held, sources=twice))
    yield case("another layout", "(P.6)", replace(held, layout_hash=b"\x44" * 32), contract=False)
    yield _no_sources(base, example)
    empty = replace(second, name=_name_behind(second.name), commitment=bytes(POINT_SIZE))
    yield case("a commitment at infinity", "(P.5)", replace(held, sources=(first, second, empty)))
    for name, spell in ILL_FORMED.items():
        spoilt = (replace(first, commitment=spell(first.commitment)), second)
        yield case(f"a commitment {name}", "point", replace(held, sources=spoilt), MALFORMED)


def _name_behind(name: str) -> str:
    """A source whose identifier is above this one's."""
    return next(other for other in "cdefghijk" if source_id(other) > source_id(name))


def _no_sources(base: ProofCase, example: Example) -> ProofCase:
    """A program that holdings of nothing satisfy, proved about nothing."""
    build = ProgramBuilder(7, aux=(5, 6))
    for j in range(1, 7):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
    program = build.build()
    statement = key_of(program, example)
    aux = {5: 0, 6: 0}
    nothing = replace(example, program=program, statement=statement, holdings=Holdings(()), aux=aux)
    sources = replace(base.sources, sources=())
    fields = {"key": statement.key.encode(), "sources": sources, "proof": honest_for(nothing, sources=sources)}
    return _changed(base, "sources: none", REJECT, "(P.6)", **fields)


def _public_slots(bases: Bases, named: Mapping[str, Example]) -> Iterator[ProofCase]:
    base, example = bases["packing8"], named["packing8"]
    for name, values in (
        ("the constant", ((0, 0),)),
        ("an aux slot", ((5, 9),)),
        ("beyond the vector", ((7, 9),)),
        ("a blinding entry", ((4088, 9),)),
        ("twice", ((3, 0), (3, 0))),
    ):
        sources = replace(base.sources, public=values)
        claiming = replace(example, holdings=replace(example.holdings, public_values=values))
        proof = honest_for(claiming, sources=sources, witness=pretend(example))
        yield _changed(base, f"public slot: {name}", REJECT, "(P.7)", sources=sources, proof=proof)
    base, example = bases["public1"], named["public1"]
    sources = replace(base.sources, public=base.sources.public[::-1])
    proof = honest_for(example, sources=sources)
    yield _changed(base, "public slots: descending", REJECT, "(P.7)", sources=sources, proof=proof)
    yield _value_out_of_range(base, example)
    negative = replace(base.sources, public=((7, 900), (8, -1)))
    yield _changed(base, "public value: -1", REJECT, "(P.7)", sources=negative, contract=False)


def _value_out_of_range(base: ProofCase, example: Example) -> ProofCase:
    """2^77 in a slot that no row of the program reads, so that no range check meets it."""
    build = ProgramBuilder(9, aux=(5, 6))
    for j in range(1, 8):
        build.add(f"variable/{j}", Kind.FREE if j == 5 else Kind.NONNEG, {j: 1})
    values = ((7, 900), (8, 2**77))
    program, own = build.build(), example.statement.key
    with any_program():
        statement = build_statement(
            program, example.setup, layout=example.layout, policy_hash=own.policy_hash, market_hash=own.market_hash
        )
    holdings = replace(example.holdings, public_values=values)
    sources = replace(base.sources, public=values)
    proof = honest_for(replace(example, program=program, statement=statement, holdings=holdings), sources=sources)
    fields = {"key": statement.key.encode(), "sources": sources, "proof": proof}
    return _changed(base, "public value: 2^77", REJECT, "(P.7)", **fields)


def _previous(bases: Bases, named: Mapping[str, Example]) -> Iterator[ProofCase]:
    base, pair = bases["vectors2"], named["vectors2"]
    before = base.previous
    assert before is not None
    assert pair.previous is not None
    single = replace(named["packing8"], previous=pair.previous)
    proof = honest_for(single, witness=pretend(named["packing8"]), one_vector=True)
    yield _changed(
        bases["packing8"], "a previous epoch for a key of one vector", REJECT, "(P.8)", previous=before, proof=proof
    )
    yield _changed(base, "no previous epoch for a key of two vectors", REJECT, "(P.8)", previous=None)
    first, second = before.sources
    empty = replace(second, name=_name_behind(second.name), commitment=bytes(POINT_SIZE))
    for name, check, previous, contract in (
        ("another layout", "(P.6)", replace(before, layout_hash=b"\x55" * 32), False),
        ("another fund", "(P.8)", replace(before, fund=OTHER_FUND), False),
        ("the same epoch", "(P.8)", replace(before, epoch=base.sources.epoch), True),
        ("a later epoch", "(P.8)", replace(before, epoch=base.sources.epoch + 1), True),
        ("sources descending", "(P.6)", replace(before, sources=(second, first)), True),
        ("a commitment at infinity", "(P.5)", replace(before, sources=(first, second, empty)), True),
    ):
        proof = honest_for(pair, previous=previous)
        fields = {"previous": previous, "proof": proof, "contract": contract}
        yield _changed(base, f"previous: {name}", REJECT, check, **fields)
    for name, values in (("the constant", ((0, 0),)), ("beyond the vector", ((7, 9),))):
        previous = replace(before, public=values)
        holdings = replace(pair.previous.holdings, public_values=values)
        claiming = replace(pair, previous=replace(pair.previous, holdings=holdings))
        proof = honest_for(claiming, previous=previous, witness=pretend(pair))
        yield _changed(base, f"previous public slot: {name}", REJECT, "(P.7)", previous=previous, proof=proof)


# The transcript's beginning ------------------------------------------------------------------------------------------


def _transcript(bases: Bases) -> Iterator[ProofCase]:
    """A proof of one statement, shown for another: every item of (P.8) differs once."""
    base = bases["packing8"]
    context: dict[str, StatedContext] = {
        "chain": replace(base.context, chain_id=1),
        "registry": replace(base.context, registry="0x00000000000000000000000000000000000000a2"),
        "expiry": replace(base.context, expiry=base.context.expiry + 1),
        "program": replace(base.context, program_id=b"\x12" * 32),
        "book root": replace(base.context, book_root=b"\x13" * 32),
    }
    for name, other in context.items():
        yield _changed(base, f"replayed: another {name}", REJECT, "(P.22)", breaks="(P.8)", context=other)
    held = base.sources
    public = bases["public1"].sources
    pair = bases["vectors2"]
    before = pair.previous
    assert before is not None
    moved = tuple(replace(source, nonce=source.nonce + 1) for source in before.sources)
    for name, of, fields in (
        ("policy", base, {"key": rekeyed(base.key, policy_hash=b"\x77" * 32)}),
        ("fund", base, {"sources": replace(held, fund=OTHER_FUND)}),
        ("epoch", base, {"sources": replace(held, epoch=8)}),
        ("as-of date", base, {"sources": replace(held, as_of=1)}),
        ("public value", bases["public1"], {"sources": replace(public, public=((7, 901), (8, 100)))}),
        ("previous epoch", pair, {"previous": replace(before, epoch=5)}),
        ("previous source set", pair, {"previous": replace(before, sources=moved)}),
    ):
        yield _changed(of, f"replayed: another {name}", REJECT, "(P.22)", breaks="(P.8)", **fields)


# What the equations refuse -------------------------------------------------------------------------------------------


def _of_scene(base: ProofCase, name: str, breaks: str, example: Example, proof: bytes) -> ProofCase:
    previous = stated(example.previous.sources) if example.previous is not None else None
    fields = {"sources": stated(example.sources), "previous": previous, "proof": proof}
    return _changed(base, name, REJECT, "(P.22)", breaks=breaks, **fields)


def _constraints(bases: Bases, setup: Setup) -> Iterator[ProofCase]:
    """Everything holds but one constraint of the quotient."""
    base, insolvent = bases["policy"], scene(setup, FALSE_SOLVENCY)
    row = insolvent.program.index("solvency")
    debt = -50 + 90 * 400 + 80 * 300 + 90 * 200 - 100 * 5000
    hidden = pretend(insolvent, {("solvency", Part.PLUS): debt})
    for constraint, limb in ((0, 0), (1, 4), (2, 6)):
        proof = forge(insolvent, witness=hidden, plan=Plan(drop=constraint, limb=(8 * row, limb)))
        yield _of_scene(base, f"constraint {constraint}: limb {limb} outside its table", "(P.10)", insolvent, proof)
    for constraint, breaks in ((3, "(P.13)"), (6, "(P.16)"), (7, "(P.17)")):
        proof = forge(insolvent, plan=Plan(drop=constraint))
        yield _of_scene(base, f"constraint {constraint}: a sum that does not close", breaks, insolvent, proof)
    crowded = scene(setup, FALSE_COUNT)
    quiet = 8 * crowded.program.index("loss/0")
    proof = forge(crowded, witness=pretend(crowded), plan=Plan(drop=4, flags=((quiet, -1),)))
    yield _of_scene(base, "constraint 4: a flag of -1", "(P.14)", crowded, proof)
    honest = pretend(crowded)
    kept: frozenset[Entry] = frozenset(sorted(honest.flags)[:2])
    proof = forge(crowded, witness=Witness(honest.plus, honest.minus, kept), plan=Plan(drop=5))
    yield _of_scene(base, "constraint 5: a breach without its flag", "(P.15)", crowded, proof)
    scaled = scene(setup, {**FALSE_CONE, 0: 9})
    yield _of_scene(base, "constraint 8: a constant that is not 1", "(P.18)", scaled, forge(scaled, plan=Plan(drop=8)))
    far = scene(setup, previous_lots={1: TRUE_LOTS[1] + 3000, 0: 9})
    name = "constraint 9: a previous constant that is not 1"
    yield _of_scene(bases["turnover"], name, "(P.18)", far, forge(far, plan=Plan(drop=9)))


def _commitments(bases: Bases, setup: Setup) -> Iterator[ProofCase]:
    """Everything holds for other commitments than the verifier's."""
    base, insolvent = bases["policy"], scene(setup, FALSE_SOLVENCY)
    rich = scene(setup)
    proof = forge(replace(insolvent, holdings=rich.holdings), witness=pretend(rich))
    yield _of_scene(base, "holdings that no source signed", "(P.7)", insolvent, proof)
    gross = scene(setup, FALSE_GROSS)
    weaker = policy(gross=0)
    proof = forge(gross, statement=key_of(weaker, gross), witness=pretend(replace(gross, program=weaker)))
    yield _of_scene(base, "a limit without its aggregate", "(P.12)", gross, proof)
    weaker = policy(debt_weight=1)
    proof = forge(insolvent, statement=key_of(weaker, insolvent), witness=pretend(replace(insolvent, program=weaker)))
    yield _of_scene(base, "a matrix that counts a debt at a hundredth", "(P.4)", insolvent, proof)
    negative = scene(setup, {4: -5000})
    with zero_group_on(None):
        proof = forge(negative, witness=pretend(negative, {("variable/4", Part.MINUS): 5000}))
    yield _of_scene(base, "a negative debt in a forbidden part", "(P.2)", negative, proof)
    yield _of_scene(base, "an aux commitment that adds to a source's slot", "(P.11)", *_injected(setup))


def _injected(setup: Setup) -> tuple[Example, bytes]:
    """[b] is not of the masking form."""
    example = scene(setup, FALSE_SOLVENCY)
    values = {**TRUE_AUX, 4: -5000}
    extra = [values.get(j, 0) for j in range(4096)]
    mask = interpolate(extra)

    def inject(vector: Vector) -> Vector:
        column = [a + b for a, b in zip(vector.column, extra, strict=True)]
        return replace(vector, masked_column=column, masked=vector.opened + mask, mask=mask)

    with patch.object(attest.prover, "mask_factor", lambda *_: 1):
        return example, forge(example, vectors=inject, witness=pretend(replace(example, aux=values)))
