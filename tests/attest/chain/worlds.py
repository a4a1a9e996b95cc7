"""A registry on an embedded chain with a fund, a policy and signed sources; the verifier accepts everything.

The stand-in verifier answers keccak256 of the key and checks no proof, which makes a call fast; the real one is used in
`test_real_proof.py`.
"""

from __future__ import annotations

from eth_account import Account

from attest.registration import SourceRequirement

CUSTODIAN, LENDER = b"\x21" * 32, b"\x22" * 32
OWNER, FUND = b"\x31" * 32, b"\x32" * 32
AS_OF, VALID_UNTIL = 1_749_000_000, 1_800_000_000
LAYOUT, POLICY = b"\x41" * 32, b"\x42" * 32
OWNED = {"custodian": b"\x51" * 32, "lender": b"\x52" * 32}
ACCEPTING = bytes.fromhex("600e600c600039600e6000f3") + bytes.fromhex("600435600401803590602001")


def address(key: bytes) -> str:
    return str(Account.from_key(key).address)


REQUIREMENTS = (
    SourceRequirement("custodian", address(CUSTODIAN), 0),
    SourceRequirement("lender", address(LENDER), 3),
)
