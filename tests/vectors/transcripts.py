"""The cases of transcript.json: what is absorbed, and the challenges that come of it (format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_utils.crypto import keccak

import attest.reference
from attest.curve import decode_point
from attest.errors import EncodingError, ProofRejected
from attest.transcript import Transcript
from tests.vectors.reading import ACCEPT, MALFORMED, REJECT, data_of, fast_answer


def transcript_verdict(case: Mapping[str, Any]) -> str:
    """What `attest.transcript` says."""

    def judge() -> None:
        transcript = Transcript(case["tag"].encode())
        for item in case["items"]:
            ((kind, stated),) = item.items()
            if kind == "scalar":
                try:
                    transcript.absorb_scalar(int(stated))
                except OverflowError as error:
                    raise EncodingError("an item of more than 32 bytes") from error
            elif kind == "point":
                transcript.absorb_point(decode_point(data_of(stated)))
            elif kind == "bytes":
                transcript.absorb_bytes(data_of(stated))
            elif transcript.challenges(len(stated)) != [int(challenge) for challenge in stated]:
                raise ProofRejected("challenge", "another one")

    return fast_answer(judge)


def reference_transcript_verdict(case: Mapping[str, Any]) -> str:
    """What the reference's oracle says."""
    oracle = attest.reference.Oracle()
    oracle.state = bytes(keccak(text=case["tag"]))
    try:
        for item in case["items"]:
            ((kind, stated),) = item.items()
            if kind == "scalar":
                oracle.absorb(int(stated))
            elif kind == "challenges":
                if [oracle.challenge() for _ in stated] != [int(challenge) for challenge in stated]:
                    return REJECT
            else:
                data = data_of(stated)
                if kind == "point":
                    attest.reference.parse_point(data)
                oracle.absorb(data)
    except (attest.reference.Malformed, OverflowError):
        return MALFORMED
    return ACCEPT
