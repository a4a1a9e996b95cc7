"""Vectors as calls of the contracts, which answer or revert (format.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from attest.statement import NO_HASH
from tests.contracts.encoding import CONTEXT_TYPE, HOLDINGS_TYPE
from tests.vectors.books import BookCase, book_cases
from tests.vectors.inclusions import InclusionCase, inclusion_cases
from tests.vectors.policy_proofs import ProofCase, proof_cases
from tests.vectors.reading import ACCEPT, data_of
from tests.vectors.representations import representation_cases

BOOK_TYPE = "(address,uint64,uint256[],bytes32,uint256)"
INCLUSION_TYPE = "(bytes32,bytes32,bytes32,uint256,uint256,bytes,bytes32[],uint256[],bytes)"
CHAIN_ID = 31337
"""Of the chain that the calls are made on."""


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A call that a contract answers or reverts.

    Args:
        data: 0x and the calldata. answer: what an accepting contract returns.
    """

    name: str
    contract: str
    data: str
    accepted: bool
    answer: str


def context_encoding(case: ProofCase) -> bytes:
    """The Solidity `Context`."""
    stated, sources, previous = case.context, case.sources, case.previous
    addresses = to_checksum_address(stated.registry), to_checksum_address(sources.fund)
    before = (previous.epoch, previous.reference().hash()) if previous is not None else (0, NO_HASH)
    numbers = sources.epoch, stated.expiry
    hashes = stated.program_id, stated.book_root, sources.reference().hash()
    return abi_encode([CONTEXT_TYPE], [(*addresses, *numbers, *hashes, *before)])


def holdings_encoding(case: ProofCase) -> bytes:
    """The Solidity `Holdings[]`."""
    sets = [case.sources, *([case.previous] if case.previous is not None else [])]
    listed = [([(keccak(text=s.name), _words(s.commitment)) for s in held.sources], held.public) for held in sets]
    return abi_encode([HOLDINGS_TYPE], [listed])


def _words(data: bytes) -> list[bytes]:
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def contract_call(case: ProofCase) -> ContractCall:
    """One call of `ProofVerifier`, which answers the key's digest; also for a case that is in no file."""
    (context,) = abi_decode([CONTEXT_TYPE], context_encoding(case))
    (holdings,) = abi_decode([HOLDINGS_TYPE], holdings_encoding(case))
    types = ["bytes", CONTEXT_TYPE, HOLDINGS_TYPE, "bytes"]
    arguments = [case.key, context, holdings, case.proof]
    return _call(case.name, "ProofVerifier", "verify", types, arguments, case.expected, keccak(case.key))


def book_call(case: BookCase) -> ContractCall:
    """One call of `BookVerifier.verify`, which answers the root and the hash of C_book."""
    proofs = [b"".join(of_chunk) for of_chunk in case.proofs_of_chunks()]
    arguments = [case.encoded_terms(), list(case.chunks), proofs]
    answer = case.root + keccak(case.total)
    return _call(
        case.name, "BookVerifier", "verify", [BOOK_TYPE, "bytes[]", "bytes[]"], arguments, case.expected, answer
    )


def inclusion_call(case: InclusionCase) -> ContractCall:
    """One call of `BookVerifier.checkInclusion`, which answers the root."""
    arguments = [case.encoded_terms(), case.stated_inclusion()]
    types = [BOOK_TYPE, INCLUSION_TYPE]
    return _call(case.name, "BookVerifier", "checkInclusion", types, arguments, case.expected, case.root)


def representation_call(case: Mapping[str, Any]) -> ContractCall:
    """`RepresentationVerifier.verify` of a case of representations.json."""
    commitment, owned = _words(data_of(case["commitment"])), data_of(case["ownedSlotsHash"])
    claim = case["registry"], case["fund"], int(case["epoch"]), keccak(text=case["source"]), owned, commitment
    proof = abi_encode(["uint256[]", "bytes"], [[int(slot) for slot in case["slots"]], data_of(case["proof"])])
    types = ["(address,address,uint64,bytes32,bytes32,bytes32[4])", "bytes"]
    return _call(case["name"], "RepresentationVerifier", "verify", types, [claim, proof], case["expected"], b"")


def contract_calls() -> list[ContractCall]:
    """All vectors that a contract on chain 31337 judges by one call."""
    return [
        *(contract_call(case) for case in proof_cases() if case.contract and case.context.chain_id == CHAIN_ID),
        *(book_call(case) for case in book_cases() if case.contract),
        *(inclusion_call(case) for case in inclusion_cases() if case.contract),
        *(representation_call(case) for case in representation_cases() if int(case["chainId"]) == CHAIN_ID),
    ]


def _call(
    name: str,
    contract: str,
    function: str,
    types: Sequence[str],
    arguments: Sequence[Any],
    expected: str,
    answer: bytes,
) -> ContractCall:
    selector = keccak(text=f"{function}({','.join(types)})")[:4]
    data = "0x" + (selector + abi_encode(types, arguments)).hex()
    return ContractCall(name, contract, data, expected == ACCEPT, "0x" + answer.hex())
