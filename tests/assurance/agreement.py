"""Random damage before all three verifiers: `python -m tests.assurance.agreement [--count 1000] [--seed 1]`.

A damaged proof is an accepted vector with one thing changed: a bit of the proof, a scalar, a scalar plus r, two of its
items exchanged, its length, a bit of the key, or a field of the context or the sources. All three verifiers have to
refuse it, and to accept what the change left as it was; what is malformed for one in Python has to be so for the other.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from attest.chain.artifacts import load_artifact
from attest.field import MODULUS
from tests.contracts.anvil import RICH, anvil, deploy, rpc_all
from tests.vectors.cases import (
    ACCEPT,
    CHAIN_ID,
    ProofCase,
    StatedSet,
    contract_call,
    fast_verdict,
    proof_cases,
    reference_verdict,
)

BATCH = 50


@dataclass(frozen=True, slots=True)
class Damaged:
    """Args: how: in words, with the accepted vector's name; untouched: the change left everything as it was."""

    how: str
    case: ProofCase
    untouched: bool


def damaged(count: int, seed: int) -> Iterator[Damaged]:
    """The same cases for the same seed."""
    rng = random.Random(seed)
    accepted = [case for case in proof_cases() if case.expected == ACCEPT and case.context.chain_id == CHAIN_ID]
    ways = (_flip, _flip, _scalar, _scalar, _respell, _exchange, _length, _key, _context, _source, _set, _public)
    for _ in range(count):
        base, way = rng.choice(accepted), rng.choice(ways)
        what, case = way(rng, base)
        yield Damaged(f"{base.name}: {what}", case, case == base)


def _flipped(rng: random.Random, data: bytes) -> tuple[int, bytes]:
    at = rng.randrange(len(data))
    return at, data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _flip(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    at, proof = _flipped(rng, case.proof)
    return f"a bit of byte {at} of the proof", replace(case, proof=proof)


def _scalars_start(case: ProofCase) -> int:
    """Proofs have 19 points and one for each vector."""
    return (19 + (2 if case.previous is not None else 1)) * 128


def _put(proof: bytes, at: int, item: bytes) -> bytes:
    return proof[:at] + item + proof[at + len(item) :]


def _scalar_at(rng: random.Random, case: ProofCase) -> tuple[int, int]:
    start = _scalars_start(case)
    at = start + 32 * rng.randrange((len(case.proof) - start) // 32)
    return at, int.from_bytes(case.proof[at : at + 32], "big")


def _scalar(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    at, value = _scalar_at(rng, case)
    other = rng.choice([value + 1, value - 1, -value, 2 * value, 0, 1, rng.randrange(MODULUS)]) % MODULUS
    return f"another scalar at byte {at}", replace(case, proof=_put(case.proof, at, other.to_bytes(32, "big")))


def _respell(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    at, value = _scalar_at(rng, case)
    return f"the scalar at byte {at} + r", replace(
        case, proof=_put(case.proof, at, (value + MODULUS).to_bytes(32, "big"))
    )


def _exchange(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    start, size = (0, 128) if rng.random() < 0.5 else (_scalars_start(case), 32)
    end = _scalars_start(case) if size == 128 else len(case.proof)
    first, second = (start + size * rng.randrange((end - start) // size) for _ in range(2))
    items = case.proof[first : first + size], case.proof[second : second + size]
    proof = _put(_put(case.proof, first, items[1]), second, items[0])
    return f"bytes {first} and {second} exchanged", replace(case, proof=proof)


def _length(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    size, proof = rng.choice([1, 31, 32, 128]), case.proof
    other = rng.choice([proof[:-size], proof[size:], proof + bytes(size), proof + proof[-size:]])
    return f"{len(other)} bytes", replace(case, proof=other)


def _key(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    at, key = _flipped(rng, case.key)
    return f"a bit of byte {at} of the key", replace(case, key=key)


def _context(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    stated = case.context
    changes = {
        "registry": "0x" + rng.randbytes(20).hex(),
        "expiry": stated.expiry ^ 1 << rng.randrange(32),
        "program_id": _flipped(rng, stated.program_id)[1],
        "book_root": _flipped(rng, stated.book_root)[1],
    }
    name = rng.choice(list(changes))
    return f"another {name}", replace(case, context=replace(stated, **{name: changes[name]}))


def _touched(rng: random.Random, case: ProofCase) -> tuple[str, StatedSet]:
    """The name of one of the case's source sets, and the set."""
    name = rng.choice(["sources", *(["previous"] if case.previous is not None else [])])
    return name, getattr(case, name)


def _source(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    which, held = _touched(rng, case)
    at = rng.randrange(len(held.sources))
    source = held.sources[at]
    changes = {
        "role": source.role ^ 1,
        "owned_slots_hash": _flipped(rng, source.owned_slots_hash)[1],
        "commitment": rng.choice([_flipped(rng, source.commitment)[1], bytes(128), case.proof[:128]]),
        "expiry": source.expiry ^ 1,
        "nonce": source.nonce ^ 1 << rng.randrange(64),
    }
    name = rng.choice(list(changes))
    listed = [replace(source, **{name: changes[name]}) if i == at else s for i, s in enumerate(held.sources)]
    listed = rng.choice([listed, listed, listed, held.sources[::-1], [*held.sources, held.sources[-1]]])
    return f"{which}, {name} of source {at}", replace(case, **{which: replace(held, sources=tuple(listed))})


def _set(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    which, held = _touched(rng, case)
    at = rng.randrange(len(held.sources))
    renamed = [replace(s, name=s.name + "'") if i == at else s for i, s in enumerate(held.sources)]
    changes = {
        "fund": "0x" + rng.randbytes(20).hex(),
        "epoch": held.epoch + rng.choice([-1, 1, 2**32]),
        "as_of": held.as_of ^ 1 << rng.randrange(32),
        "layout_hash": _flipped(rng, held.layout_hash)[1],
        "sources": tuple(renamed),
    }
    name = rng.choice(list(changes))
    return f"{which}, another {name}", replace(case, **{which: replace(held, **{name: changes[name]})})


def _public(rng: random.Random, case: ProofCase) -> tuple[str, ProofCase]:
    which, held = _touched(rng, case)
    slot = rng.choice([0, 1, 2, 5, 7, 8, 9, 4087, 4088, 5000])
    public = tuple(sorted({**dict(held.public), slot: rng.choice([0, 1, 2**77 - 1, 2**77])}.items()))
    return f"{which}, public slot {slot}", replace(case, **{which: replace(held, public=public)})


def _both(one: Damaged) -> tuple[str, str]:
    return fast_verdict(one.case), reference_verdict(one.case)


def on_chain(cases: list[Damaged]) -> list[bool]:
    """Whether the deployed verifier accepts each."""
    answers: list[bool] = []
    with anvil("--gas-limit", str(10**12)) as url:
        address = deploy(url, "0x" + load_artifact("ProofVerifier").bytecode.hex())
        for start in range(0, len(cases), BATCH):
            calls = [contract_call(one.case) for one in cases[start : start + BATCH]]
            sent = [{"from": RICH, "to": address, "data": call.data, "gas": hex(10**8)} for call in calls]
            answers += ["error" not in answer for answer in rpc_all(url, [("eth_call", [s, "latest"]) for s in sent])]
    return answers


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.assurance.agreement", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    start = time.monotonic()
    cases = list(damaged(options.count, options.seed))
    chain = on_chain(cases)
    tally: Counter[str] = Counter()
    faults = 0
    with multiprocessing.get_context("fork").Pool(options.processes) as pool:
        for i, (fast, reference) in enumerate(pool.imap(_both, cases)):
            tally[fast] += 1
            if fast != reference or not (fast == ACCEPT) == chain[i] == cases[i].untouched:
                faults += 1
                contract = "accept" if chain[i] else "refuse"
                print(f"\nfault, {cases[i].how}: fast {fast}, reference {reference}, contract {contract}")
            print(f"\r{i + 1} of {options.count} judged by three verifiers", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.items()))
    print(f"{options.count} damaged proofs: {verdicts}; {faults} faults; {time.monotonic() - start:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
