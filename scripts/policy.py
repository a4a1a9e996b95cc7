"""The `policy` verbs: what a policy file promises, in words and in rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.market import Market
from optimizer.policy import WALLET, CompiledPolicy, Policy, compile_policy

from .options import PreviousMarketOption, PreviousPolicyOption, previous_layout
from .terminal import console, table, usd

app = typer.Typer(help="Read a policy file.", no_args_is_help=True)

PolicyArgument = Annotated[Path, typer.Argument(help="Policy file.")]
NETTING = {
    "across_sources": "An instrument's quantities at several sources are added before its size is taken.",
    "none": "A long at one source and a short at another both count as sizes.",
}


@app.command()
def explain(
    policy: PolicyArgument,
    market: Annotated[Path | None, typer.Option(help="Also compile it on this market: rows and rounding.")] = None,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
) -> None:
    """Print a policy as sentences with units, and on a market how it is proved.

    Example: proofolio policy explain policy.json --market market.json
    """
    document = Policy.load(policy)
    console.print(document.name, style="bold")
    console.print(f"hash 0x{document.hash.hex()}", soft_wrap=True)
    if document.base is not None:
        console.print(f"tightens {document.base.name}, hash 0x{document.base.hash.hex()}", soft_wrap=True)
    console.print()
    promises = table("What is promised", "name", "promise", prose=True)
    for name, sentence in document.sentences().items():
        promises.add_row(name, sentence)
    console.print(promises)
    sources = table("Who must report and sign", "source", "role", "instruments", prose=True)
    for source in document.sources:
        sources.add_row(source.name, source.role.replace("_", " "), ", ".join(source.instruments))
    if document.wallet:
        read = ", ".join(held.instrument for held in document.wallet)
        sources.add_row(WALLET, "read on chain, public", read)
    console.print(sources)
    console.print(NETTING[document.netting])
    if market is not None:
        layout = previous_layout(document, previous_market, previous_policy)
        show_compiled(compile_policy(document, Market.load(market), layout))


def show_compiled(compiled: CompiledPolicy) -> None:
    """Rows, programs and rounding of a policy on a market: all of it public."""
    console.print()
    program = compiled.program
    count = len(compiled.programs)
    sizes = " and ".join(str(len(p.rows)) for p in compiled.programs)
    parts = "one program" if count == 1 else f"{count} programs of {sizes} rows"
    console.print(
        f"On the market of {compiled.market.as_of}: {program.size} slots, {len(program.rows)} rows in {parts}."
    )
    shown = table(
        "What an accepted proof may be stricter than the promise by", "name", "rows", "in whole lots, USD", "lots, USD"
    )
    for constraint in compiled.constraints:
        rounding, lots = usd(constraint.rounding_usd, 4), usd(constraint.lots_usd, 2)
        shown.add_row(constraint.name, str(len(constraint.rows)), rounding, lots)
    console.print(shown)
