"""Who signs a command's transactions: a keystore, an external signer, or a key in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from attest.chain import LocalSigner, RemoteSigner, Signer, SignerError
from attest.errors import EncodingError

from .keys import load_key

KEY_VARIABLE = "PROOFOLIO_KEY"
SIGNER_VARIABLE = "PROOFOLIO_SIGNER_URL"


def load_signer(keystore: Path | None, account: str | None) -> Signer:
    """Who signs transactions: an external signer's account, else a keystore, else the key in PROOFOLIO_KEY.

    The environment is the least safe of the three: other programs of the same user can read it.

    Args:
        account: address that the external signer at PROOFOLIO_SIGNER_URL signs for.
    Raises: EncodingError: none of them is given, or two, or it is malformed.
    """
    if account is not None:
        if keystore is not None:
            raise EncodingError("--signer and --keystore (or PROOFOLIO_KEYSTORE) name two signers; give one")
        url = os.environ.get(SIGNER_VARIABLE)
        if not url:
            raise EncodingError(f"--signer {account}: set {SIGNER_VARIABLE} to the external signer's JSON-RPC address")
        return RemoteSigner(url, account)
    if keystore is not None:
        return LocalSigner(load_key(keystore))
    text = os.environ.get(KEY_VARIABLE)
    if text is None:
        raise EncodingError(
            f"nobody signs: give --keystore FILE, or --signer ADDRESS with {SIGNER_VARIABLE}, or set {KEY_VARIABLE}"
        )
    try:
        return LocalSigner(bytes.fromhex(text.strip().removeprefix("0x")))
    except (ValueError, SignerError):
        raise EncodingError(f"{KEY_VARIABLE} holds no private key: 0x and 64 hexadecimal digits") from None
