"""Entry point of the `proofolio` command: verbs and exit codes."""

from __future__ import annotations

import typer
from rich.markup import escape

from . import attesting, chain, liabilities, offline, policy
from .demo import demo
from .terminal import exit_code, fail

app = typer.Typer(
    name="proofolio",
    help="Optimise a fund under a risk policy and prove in zero knowledge that it is kept.\n\n"
    "Exit codes: 0 accepted, 1 rejected or false, 2 malformed or misused.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (
    demo,
    offline.market,
    offline.optimize,
    offline.risk,
    attesting.key,
    attesting.commit,
    attesting.prove,
    attesting.verify,
    chain.deploy,
    chain.register,
    chain.approve,
    chain.publish,
    chain.status,
    offline.keystore,
    offline.schema,
):
    app.command()(verb)
app.add_typer(policy.app, name="policy")
app.add_typer(liabilities.app, name="liabilities")


def main() -> None:
    """Run a verb; typed errors become one line and an exit code."""
    try:
        app()
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        fail(escape(str(error)), code)


if __name__ == "__main__":
    main()
