"""EIP-712 digests in the contracts' domain (protocol §4)."""

from __future__ import annotations

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def signing_hash(struct_hash: bytes, chain_id: int, contract: str) -> bytes:
    """The 32 bytes to sign: of a struct in the domain ("attest", "1", chain id, contract)."""
    separator = keccak(
        abi_encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [keccak(text=DOMAIN_TYPE), keccak(text="attest"), keccak(text="1"), chain_id, contract],
        )
    )
    return bytes(keccak(b"\x19\x01" + separator + struct_hash))
