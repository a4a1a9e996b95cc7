"""The Fiat-Shamir transcript over keccak256 (protocol §5)."""

from __future__ import annotations

from eth_utils.crypto import keccak
from py_arkworks_bls12381 import G1Point

from attest.curve import encode_point
from attest.field import MODULUS

POLICY_TAG = b"attest/v1/policy"


class Transcript:
    """A 32-byte state; `absorb` one item at a time, `challenges` squeezes scalars."""

    def __init__(self, tag: bytes = POLICY_TAG) -> None:
        self._state = bytes(keccak(tag))
        self._fresh = False

    def absorb_bytes(self, item: bytes) -> None:
        """state = keccak256(state ‖ item)."""
        self._state = bytes(keccak(self._state + item))
        self._fresh = True

    def absorb_scalar(self, value: int) -> None:
        """An integer as 32 bytes; negative numbers mod r."""
        self.absorb_bytes((value % MODULUS if value < 0 else value).to_bytes(32, "big"))

    def absorb_point(self, point: G1Point) -> None:
        """A point as 128 bytes."""
        self.absorb_bytes(encode_point(point))

    @property
    def state(self) -> bytes:
        """32 bytes that hash everything absorbed so far."""
        return self._state

    def challenges(self, count: int) -> list[int]:
        """`count` scalars in a row: state = keccak256(state ‖ 0x01), value = state mod r.

        Raises: RuntimeError: nothing was absorbed since the last challenges, so they would not bind anything.
        """
        if not self._fresh:
            raise RuntimeError("a challenge without anything absorbed since the last one")
        self._fresh = False
        values = []
        for _ in range(count):
            self._state = bytes(keccak(self._state + b"\x01"))
            values.append(int.from_bytes(self._state, "big") % MODULUS)
        return values

    def challenge(self) -> int:
        """One scalar."""
        return self.challenges(1)[0]
