"""The Foundry project: its tests, its helpers against Python, and artifacts as the pinned compiler builds them."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode

from attest.argument import Challenges, constraint_sum, kernel, mask_factor
from attest.curve import compress, encode_point, multiply
from attest.errors import ProofRejected
from attest.field import MODULUS, batch_inverse, domain
from attest.liabilities.book import climb, merkle_path, merkle_tree
from attest.liabilities.verifier import Claim, batch_weights
from attest.polynomial import evaluate, lagrange_at, polynomial, roots_vanishing
from attest.proof import Context, ProofReader, proof_sizes
from attest.srs import Setup, load_setup
from attest.statement import StatementKey
from attest.transcript import Transcript
from attest.verifier import _public_share, _read_evaluations, verify
from tests.attest.examples import CONTEXT, FUND, Example, public_example, small_example
from tests.contracts.anvil import CONTRACTS, RICH, anvil, deploy, rpc_all
from tests.contracts.encoding import context_tuple, holdings_tuples

FORGE = CONTRACTS / "node_modules/.bin/forge"
UNLIMITED = ("--code-size-limit", "1000000000", "--gas-limit", str(10**12))

pytestmark = [
    pytest.mark.evm,
    pytest.mark.skipif(not FORGE.exists(), reason="the contract tools are not installed; `make test` installs them"),
]


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command says. npm's wrapper of forge ends with 0 whatever happens, so what forge says must be read."""
    return subprocess.run(
        list(map(str, command)),
        cwd=CONTRACTS,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def failed(result: subprocess.CompletedProcess[str]) -> bool:
    return result.returncode != 0 or "Error" in result.stderr


def test_forge_tests_pass() -> None:
    result = run(FORGE, "test")
    assert not failed(result), result.stdout[-3000:] + result.stderr[-1000:]
    assert " passed, 0 failed" in result.stdout


def test_calls_cost_what_the_snapshot_says(tmp_path: Path) -> None:
    """To the last unit, and no call is missing; forge's own check passes over what only one side has."""
    writes = "--gas-snapshot-check", "false", "--gas-snapshot-emit", "true"
    result = run(FORGE, "test", "--match-path", "test/GasSnapshot.t.sol", *writes, FOUNDRY_SNAPSHOTS=str(tmp_path))
    assert not failed(result), result.stdout[-3000:] + result.stderr[-1000:]
    measured, committed = (
        {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
        for folder in (tmp_path, CONTRACTS / "snapshots")
    )
    assert measured == committed, "is it meant? then: npm --prefix contracts run gas"


def test_committed_artifacts_are_what_the_compiler_builds() -> None:
    result = run("node", "artifacts.mjs", "--check")
    assert result.returncode == 0, result.stderr[-2000:]


# --- helpers of the contracts against their Python namesakes, on random input ---------------------------------------


@dataclass(frozen=True)
class Harness:
    """A deployed contract whose functions are called by name."""

    url: str
    address: str
    selectors: dict[str, str]

    def call(self, name: str, arguments: list[Any], *returned: str) -> Any:
        """The returned values. Raises: RuntimeError: the call reverts."""
        ((signature, selector),) = [(s, x) for s, x in self.selectors.items() if s.startswith(f"{name}(")]
        types = _members(signature.removeprefix(name)[1:-1])
        data = "0x" + selector + abi_encode(types, arguments).hex()
        sent = {"from": RICH, "to": self.address, "data": data, "gas": hex(10**9)}
        (answer,) = rpc_all(self.url, [("eth_call", [sent, "latest"])])
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return abi_decode(list(returned), bytes.fromhex(answer["result"][2:]))


def _members(types: str) -> list[str]:
    """A list of ABI types, split at the commas outside parentheses."""
    parts, depth = [""], 0
    for letter in types:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


@pytest.fixture(scope="module")
def setup() -> Setup:
    return load_setup()


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    """With the contracts and their harnesses compiled."""
    built = run(FORGE, "build")
    assert not failed(built), built.stderr[-2000:]
    with anvil(*UNLIMITED) as url:
        yield url


def harness(node: str, name: str) -> Harness:
    built = json.loads((CONTRACTS / f"out/{name}.sol/{name}.json").read_text())
    return Harness(node, deploy(node, built["bytecode"]["object"]), built["methodIdentifiers"])


@pytest.fixture(scope="module")
def verifier(node: str) -> Harness:
    return harness(node, "VerifierHarness")


def scalars(rng: random.Random, count: int) -> list[int]:
    return [rng.randrange(MODULUS) for _ in range(count)]


def points(setup: Setup, rng: random.Random, count: int) -> list[Any]:
    return [multiply(setup.g1, rng.randrange(1, MODULUS)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(8))
def test_transcripts_agree(verifier: Harness, setup: Setup, seed: int) -> None:
    rng = random.Random(seed)
    words = [rng.randbytes(32) for _ in range(rng.randrange(6))]
    absorbed = points(setup, rng, rng.randrange(1, 5))
    transcript = Transcript()
    for word in words:
        transcript.absorb_bytes(word)
    for point in absorbed:
        transcript.absorb_point(point)
    count = rng.randrange(1, 5)
    joined = b"".join(encode_point(point) for point in absorbed)
    assert list(*verifier.call("transcript", [words, joined, count], "uint256[]")) == transcript.challenges(count)


@pytest.mark.parametrize("seed", range(8))
def test_batch_inversions_agree(verifier: Harness, seed: int) -> None:
    rng = random.Random(seed)
    numerators, denominators = scalars(rng, 17), scalars(rng, 17)
    expected = [a * b % MODULUS for a, b in zip(numerators, batch_inverse(denominators), strict=True)]
    assert list(*verifier.call("divideAll", [numerators, denominators], "uint256[]")) == expected
    denominators[rng.randrange(17)] = 0
    with pytest.raises(RuntimeError):
        verifier.call("divideAll", [numerators, denominators], "uint256[]")


def test_roots_of_unity_agree(verifier: Harness) -> None:
    for exponent in (0, 1, 2, 1365, 4088, 4095, 4096, 4097):
        assert verifier.call("root", [exponent], "uint256") == (domain(4096)[exponent % 4096],)


def random_proof(example: Example, rng: random.Random) -> bytes:
    """Its points are points of the group and its scalars are scalars, and nothing more."""
    count, evaluations = proof_sizes(example.statement.key.parameters.packing, example.statement.key.vectors)
    sent = b"".join(encode_point(point) for point in points(example.setup, rng, count))
    return sent + b"".join(value.to_bytes(32, "big") for value in scalars(rng, evaluations))


EXAMPLES = {
    "packing 8": small_example,
    "packing 4": lambda: small_example(extra_rows=600),
    "packing 2": lambda: small_example(extra_rows=1100),
    "two vectors": lambda: small_example(two_vectors=True),
    "public slots": public_example,
    "public slots, two vectors": lambda: public_example(two_vectors=True),
}


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    return EXAMPLES[request.param]()


def row_values(key: StatementKey, alpha: int) -> list[int]:
    """λ_row(α) of every group, family by family."""
    groups = [group.row for family in (key.weights, key.flag_weights, key.square_weights) for group in family]
    return lagrange_at(key.parameters.rows, groups, alpha)


@pytest.mark.parametrize("seed", range(4))
def test_public_polynomials_agree(verifier: Harness, example: Example, seed: int) -> None:
    """Lagrange values, kernel (P.9), masks (P.11) and public slots (P.24) at random challenges."""
    alpha, zeta = scalars(random.Random(seed), 2)
    key, sources = example.statement.key, [example.sources, *([example.previous.sources] if example.previous else [])]
    parameters, packing = key.parameters, key.parameters.packing
    arguments = [key.encode(), holdings_tuples(*sources), alpha, zeta]
    values = "(uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256[],uint256[],uint256[],uint256[])"
    (answer,) = verifier.call("values", arguments, values)
    xs = [zeta * domain(4096)[b] % MODULUS for b in range(packing)]
    vanishing = (pow(zeta, 4096, MODULUS) - 1) % MODULUS
    edge = lagrange_at(4096, [0, *range(4088, 4096)], zeta)
    columns = max(len(key.columns), len(key.previous_columns))
    expected = (
        vanishing,
        pow(vanishing, -1, MODULUS),
        pow(zeta, 4095, MODULUS),
        (1 - sum(edge[1:])) % MODULUS,
        edge[0],
        edge[1],
        kernel(alpha, zeta, parameters),
        tuple(mask_factor(x, key.aux, 4096) for x in xs),
        tuple(_public_share(held, x, 4096) for held in sources for x in xs),
        tuple(row_values(key, alpha)),
        tuple(lagrange_at(4096, [packing * k for k in range(columns)], zeta)),
    )
    assert answer == expected


@pytest.mark.parametrize("seed", range(4))
def test_constraints_agree_on_noise(verifier: Harness, example: Example, seed: int) -> None:
    """(P.10) to (P.19) on evaluations that satisfy nothing."""
    proof = random_proof(example, random.Random(seed))
    key, previous = example.statement.key, example.previous.sources if example.previous else None
    context = context_tuple(CONTEXT, example.sources, previous)
    arguments = [key.encode(), context, holdings_tuples(example.sources, previous), proof]
    drawn = verifier.call("replay", arguments, "(uint256,uint256,uint256,uint256,uint256,uint256,uint256)")[0]
    gamma, alpha, theta, y, zeta, _, _ = drawn
    reader = ProofReader(proof, Transcript(), key.parameters.packing, key.vectors)
    evals = _read_evaluations(reader, key)
    edge = [0, *range(4088, 4096)]
    lagrange = dict(zip(edge, lagrange_at(4096, edge, zeta), strict=True))
    expected = constraint_sum(evals, Challenges(gamma, alpha, theta), y, zeta, key.parameters, lagrange)
    assert verifier.call("constraints", arguments, "uint256") == (expected,)


CHALLENGE_NAMES = ("gamma", "alpha", "theta", "y", "zeta", "v", "u")


def challenges_of(**challenges: int) -> tuple[int, ...]:
    """The Solidity struct `Challenges`; those that are not named are 0."""
    return tuple(challenges.get(name, 0) for name in CHALLENGE_NAMES)


@pytest.mark.parametrize("packing", [2, 4, 8])
def test_vanishing_polynomials_agree(verifier: Harness, packing: int) -> None:
    """Z_T(u), and Z_T(u)/Z_i(u) of each opening point and of the roots of X^B − α, as polynomials of the prover's."""
    for seed in range(8):
        alpha, zeta, u = scalars(random.Random(seed), 3)
        points_of = [zeta * domain(4096)[b] % MODULUS for b in range(packing)]
        groups = [*(roots_vanishing([x]) for x in points_of), polynomial([-alpha % MODULUS, *[0] * (packing - 1), 1])]
        whole = prod(groups, start=polynomial([1]))
        expected = tuple(evaluate(whole // group, u) for group in groups)
        answer = verifier.call("clear", [packing, challenges_of(alpha=alpha, zeta=zeta, u=u)], "uint256[]", "uint256")
        assert answer == (expected, evaluate(whole, u))
        opened = challenges_of(alpha=alpha, zeta=zeta, u=points_of[seed % packing])
        root = challenges_of(alpha=pow(u, packing, MODULUS), zeta=zeta, u=u)
        for zero in (opened, root):
            with pytest.raises(RuntimeError):
                verifier.call("clear", [packing, zero], "uint256[]", "uint256")


@pytest.fixture(scope="module")
def book(node: str) -> Harness:
    return harness(node, "BookHarness")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 11, 16, 31, 100])
def test_trees_agree(book: Harness, count: int) -> None:
    """Tops, and where a leaf and a path lead to: its own, a node short or over, another place, another size. (P.26)"""
    rng = random.Random(count)
    leaves = [rng.randbytes(32) for _ in range(count)]
    assert book.call("top", [leaves], "bytes32") == (merkle_tree(leaves),)
    for index in {0, count // 2, count - 1, rng.randrange(count)}:
        path = merkle_path(leaves, index)
        for place, size, nodes in (
            (index, count, path),
            (index, count, path[:-1]),
            (index, count, (*path, leaves[0])),
            (index, count, path[::-1]),
            (rng.randrange(count + 2), count, path),
            (index, count + 1, path),
            (index, 2 * count, path),
        ):
            try:
                expected = (climb(leaves[index], place, size, nodes),)
            except ProofRejected:
                expected = ()
            terms = FUND, 7, [4], bytes(32), size
            try:
                answer = book.call("climb", [terms, place, leaves[index], list(nodes)], "bytes32")
            except RuntimeError:
                answer = ()
            assert answer == expected, (index, place, size, len(nodes))
        assert climb(leaves[index], index, count, path) == merkle_tree(leaves)


@pytest.mark.parametrize("seed", range(4))
def test_compressed_points_agree(book: Harness, setup: Setup, seed: int) -> None:
    for point in points(setup, random.Random(seed), 8):
        assert book.call("compress", [encode_point(point)], "bytes") == (compress(point),)


# --- several programs in one check -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """Proofs of several programs over the same holdings, the last one of two vectors or not."""

    examples: tuple[Example, ...]
    contexts: tuple[Context, ...]
    proofs: tuple[bytes, ...]

    @classmethod
    def prove(cls, *examples: Example) -> Batch:
        contexts = tuple(replace(CONTEXT, program_id=bytes([i + 1]) * 32) for i in range(len(examples)))
        return cls(examples, contexts, tuple(e.prove(context=c) for e, c in zip(examples, contexts, strict=True)))

    def verify_each(self) -> list[bool]:
        """What the verifier in Python says to each proof."""
        return [self._holds(*item) for item in zip(self.examples, self.contexts, self.proofs, strict=True)]

    def _holds(self, example: Example, context: Context, proof: bytes) -> bool:
        previous = example.previous.sources if example.previous else None
        try:
            verify(example.setup, example.statement.key, context, example.sources, proof, previous)
        except ProofRejected:
            return False
        return True

    def arguments(self) -> list[Any]:
        """Of `verifyAll`."""
        last = self.examples[-1]
        previous = last.previous.sources if last.previous else None
        return [
            [example.statement.key.encode() for example in self.examples],
            context_tuple(replace(CONTEXT, program_id=bytes(32)), last.sources, previous),
            [context.program_id for context in self.contexts],
            holdings_tuples(last.sources, previous),
            list(self.proofs),
        ]


BATCHES = {
    "one vector each": lambda: (small_example(), small_example(extra_rows=600)),
    "one vector and two": lambda: (small_example(extra_rows=1), small_example(two_vectors=True)),
    "public slots": lambda: (public_example(), public_example(two_vectors=True)),
}


@pytest.mark.parametrize("name", BATCHES)
def test_batches_agree(node: str, name: str) -> None:
    """A batch is valid if each of its proofs is, whichever verifier is asked. (P.31)"""
    batch, contract = Batch.prove(*BATCHES[name]()), harness(node, "ProofVerifier")
    assert batch.verify_each() == [True, True]
    (digests,) = contract.call("verifyAll", batch.arguments(), "bytes32[]")
    assert list(digests) == [example.statement.key.digest for example in batch.examples]
    for i in (0, 1):
        proof = bytearray(batch.proofs[i])
        proof[-1] ^= 1
        false = replace(batch, proofs=tuple(bytes(proof) if k == i else p for k, p in enumerate(batch.proofs)))
        assert false.verify_each() == [k != i for k in (0, 1)]
        with pytest.raises(RuntimeError):
            contract.call("verifyAll", false.arguments(), "bytes32[]")


@pytest.mark.parametrize("seed", range(4))
def test_batch_weights_agree(verifier: Harness, setup: Setup, seed: int) -> None:
    """Those of liability books (P.31), but for the first, which is 1."""
    bindings = [random.Random(seed).randbytes(32) for _ in range(seed + 1)]
    expected = batch_weights([Claim(setup.g1, setup.g1, binding) for binding in bindings])
    assert list(*verifier.call("weights", [bindings], "uint256[]")) == [1, *expected[1:]]
