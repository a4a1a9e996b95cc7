"""Signing keys: encrypted keystores, their password from the environment or a hidden prompt."""

from __future__ import annotations

import json
import os
from math import prod
from pathlib import Path
from typing import Annotated, Any

import typer
from eth_account import Account
from pydantic_core import from_json

from attest.bundle import write_file
from attest.errors import EncodingError

from .terminal import console

PASSWORD_VARIABLE = "PROOFOLIO_PASSWORD"
MAX_COST = 1 << 24
"""Rounds of PBKDF2, or n·r·p of scrypt: eight times what Ethereum's wallets choose, and up to 2 GiB."""
_COSTS = ("n", "r", "p", "c", "dklen")


def password(confirm: bool = False) -> str:
    """From PROOFOLIO_PASSWORD, else asked for without echo."""
    from_environment = os.environ.get(PASSWORD_VARIABLE)
    if from_environment is not None:
        return from_environment
    return str(typer.prompt("Password of the keystore", hide_input=True, confirmation_prompt=confirm))


def load_key(path: Path) -> bytes:
    """The private key of a keystore. Secret.

    Raises: EncodingError: the file is no keystore or the password is wrong.
    """
    try:
        content = from_json(path.read_bytes())  # bounds the nesting, unlike json
    except OSError as error:
        raise EncodingError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError:
        raise EncodingError(f"{path}: not a keystore") from None
    if not _affordable(content):
        raise EncodingError(f"{path}: not a keystore, or one whose password takes too much memory or time to check")
    try:
        return bytes(Account.decrypt(content, password()))
    except Exception:  # eth_keyfile raises a dozen unrelated types for a damaged keystore; their text may hold parts
        raise EncodingError(f"{path}: not a keystore, or the password is wrong") from None


def _affordable(content: Any) -> bool:
    """Whether the costs that a keystore names for its key derivation are ones that a keystore may have."""
    costs: dict[str, int] = {}

    def collect(value: Any) -> None:
        for key, item in value.items():
            if isinstance(item, dict):
                collect(item)
            elif key.lower() in _COSTS and (not isinstance(item, int) or item < 1):
                costs[key.lower()] = MAX_COST + 1
            elif key.lower() in _COSTS:
                costs[key.lower()] = max(item, costs.get(key.lower(), 1))

    if not isinstance(content, dict):
        return False
    collect(content)
    return (
        prod(costs.get(name, 1) for name in ("n", "r", "p")) <= MAX_COST and max(costs.values(), default=1) <= MAX_COST
    )


def create_keystore(path: Path) -> str:
    """Create a key, encrypt it, write it 0600; an existing file is never replaced.

    Returns: its address.
    """
    account = Account.create()
    content = json.dumps(Account.encrypt(account.key, password(confirm=True)))
    write_file(path, content.encode(), secret=True)
    return str(account.address)


def keystore(out: Annotated[Path, typer.Argument(help="File to create.")]) -> None:
    """Create a signing key in an encrypted keystore; password from PROOFOLIO_PASSWORD or asked for.

    Example: proofolio keystore custodian-a.keystore
    """
    console.print(f"{out}: address {create_keystore(out)}")
