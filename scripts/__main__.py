"""Entry point of the `proofolio` command: verbs and exit codes."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from .terminal import exit_code, fail

VERBS = {
    "demo": "demo",
    "market": "offline",
    "optimize": "offline",
    "risk": "offline",
    "key": "attesting",
    "commit": "attesting",
    "prove": "attesting",
    "verify": "attesting",
    "deploy": "deploying",
    "integrate": "integrating",
    "register": "funds",
    "operator": "funds",
    "transfer": "transferring",
    "approve": "approving",
    "publish": "chain",
    "status": "chain",
    "watch": "watch",
    "veto": "governing",
    "replace": "governing",
    "tighten": "governing",
    "oversee": "governing",
    "suspend": "governing",
    "resume": "governing",
    "revoke": "governing",
    "keystore": "keys",
    "schema": "offline",
    "policy": "policy",
    "liabilities": "liabilities",
    "wallet": "wallet",
    "equivocation": "equivocation",
}
"""Every verb, or group of verbs, and its module."""


def build(wanted: str | None) -> typer.Typer:
    """The command with one verb, so that only its module is imported; with all of them for help and for errors."""
    app = typer.Typer(
        name="proofolio", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, callback=_root
    )
    for name in [wanted] if wanted in VERBS else VERBS:
        module = import_module(f".{VERBS[name]}", __package__)
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def _root() -> None:
    """Optimise a fund under a risk policy and prove in zero knowledge that it is kept.

    Exit codes: 0 accepted, 1 rejected, false or refused by a contract, 2 malformed or misused.
    """


def main() -> None:
    """Run a verb; typed errors become one line and an exit code."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        fail(str(error), code)


if __name__ == "__main__":
    main()
