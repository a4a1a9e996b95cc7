"""Openings of single slots for the forge tests of `Disclosures`, legal and not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eth_abi.abi import encode as abi_encode

from attest.commitment import Holdings, SourceOpening, disclose
from attest.curve import compress
from attest.field import domain, random_scalar
from attest.kzg import open_single
from attest.polynomial import interpolate
from attest.program import Owner
from tests.attest.examples import Example, public_example, seeded, small_example, source_set
from tests.contracts.encoding import PREVIOUS_SOURCES_TYPE, hexadecimal, words

N = 4096
# The largest quantity and the least that is none.
LOTS = {1: -400, 2: 300, 3: 2**77 - 1, 4: 2**77}
# The constant, aux, public (in the second example), behind the holdings, blinding, and slot 1 one turn later.
NOT_DISCLOSABLE = (0, 5, 6, 7, 8, 9, 4088, 4094, N + 1)


def disclosure_case(example: Example, seed: int) -> dict[str, Any]:
    """A source set, the approved key, and openings of [L_0] + Σ C_k. (P.24)

    No proof is made of these holdings, so they may break the layout.
    """
    layout, setup = example.layout, example.setup
    public_values = example.holdings.public_values
    openings = tuple(
        SourceOpening(name, {j: LOTS[j] for j in layout.owned_by(name)}, random_scalar(seeded(seed + i)))
        for i, name in enumerate(layout.sources)
    )
    held = Holdings(openings)
    sources = replace(source_set(layout, held, setup, epoch=7), public_values=public_values)
    shown = []
    for slot in (*layout.of(Owner.SOURCE), *NOT_DISCLOSABLE):
        if slot in LOTS:
            lots, proof = disclose(setup, held, layout, slot)
        else:
            lots, proof = open_single(setup, interpolate(held.column()), domain(N)[slot % N])
        shown.append(
            {
                "slot": slot,
                "lots": hexadecimal(abi_encode(["int256"], [-400 if slot == N + 1 else lots])),
                "opening": hexadecimal(compress(proof)),
                "negatedOpening": hexadecimal(compress(-proof)),
            }
        )
    return {
        "digest": hexadecimal(example.statement.key.digest),
        "key": hexadecimal(example.statement.key.encode()),
        "asOf": sources.as_of,
        "layoutHash": hexadecimal(layout.hash),
        "sourceIds": [hexadecimal(s.id) for s in sources.sources],
        "ownedSlotsHashes": [hexadecimal(s.owned_slots_hash) for s in sources.sources],
        "sources": hexadecimal(
            abi_encode([PREVIOUS_SOURCES_TYPE], [[(s.expiry, s.nonce, words(s.commitment)) for s in sources.sources]])
        ),
        "publicSlots": hexadecimal(abi_encode(["(uint256,uint256)[]"], [list(public_values)])),
        "sourceSetHash": hexadecimal(sources.hash),
        "signBit": compress(sources.opened_commitment(setup))[0] >> 5 & 1,
        "openings": shown,
    }


def disclosure_cases() -> dict[str, Any]:
    """Commitments of either sign, without public slots and with them."""
    return {
        "cases": [
            disclosure_case(small_example(), 1),
            disclosure_case(small_example(), 3),
            disclosure_case(public_example(), 1),
        ]
    }
