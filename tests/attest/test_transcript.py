"""The transcript, recomputed by hand."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from attest.curve import INFINITY
from attest.field import MODULUS
from attest.srs import Setup
from attest.transcript import POLICY_TAG, Transcript


def test_a_challenge_recomputed_by_hand(setup: Setup) -> None:
    transcript = Transcript()
    transcript.absorb_scalar(5)
    transcript.absorb_scalar(-1)
    transcript.absorb_point(INFINITY)
    transcript.absorb_bytes(b"item")
    first, second = transcript.challenges(2)
    state = keccak(b"attest/v1/policy")
    for item in (bytes(31) + b"\x05", (MODULUS - 1).to_bytes(32, "big"), bytes(128), b"item"):
        state = keccak(state + item)
    state = keccak(state + b"\x01")
    assert first == int.from_bytes(state, "big") % MODULUS
    state = keccak(state + b"\x01")
    assert second == int.from_bytes(state, "big") % MODULUS
    transcript.absorb_point(setup.g1)
    generator = "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    y = "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
    state = keccak(state + bytes(16) + bytes.fromhex(generator) + bytes(16) + bytes.fromhex(y))
    assert transcript.challenge() == int.from_bytes(keccak(state + b"\x01"), "big") % MODULUS


def test_a_known_answer_stays() -> None:
    transcript = Transcript(POLICY_TAG)
    transcript.absorb_scalar(1)
    state = keccak(keccak(keccak(text="attest/v1/policy") + (1).to_bytes(32, "big")) + b"\x01")
    assert transcript.challenge() == int.from_bytes(state, "big") % MODULUS


def test_a_challenge_needs_something_absorbed() -> None:
    transcript = Transcript()
    with pytest.raises(RuntimeError, match="without anything absorbed"):
        transcript.challenge()
    transcript.absorb_bytes(b"")
    transcript.challenge()
    with pytest.raises(RuntimeError, match="without anything absorbed"):
        transcript.challenge()


def test_labels_order_and_grouping_matter() -> None:
    def after(tag: bytes, *items: bytes) -> int:
        transcript = Transcript(tag)
        for item in items:
            transcript.absorb_bytes(item)
        return transcript.challenge()

    outcomes = [
        after(b"a", b"x", b"y"),
        after(b"b", b"x", b"y"),
        after(b"a", b"y", b"x"),
        after(b"a", b"xy"),
        after(b"a", b"x", b"y", b""),
    ]
    assert len(set(outcomes)) == len(outcomes)


def test_a_scalar_of_more_than_32_bytes_is_no_item() -> None:
    with pytest.raises(OverflowError):
        Transcript().absorb_scalar(2**256)
