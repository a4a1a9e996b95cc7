"""The verbs of markets, allocations and files: market, optimize, risk, keystore, schema."""

from __future__ import annotations

import datetime as dt
import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from attest.bundle import SCHEMAS
from attest.errors import EncodingError
from attest.liabilities import BookFile, InclusionFile
from attest.program import solve
from attest.wallet import OwnershipFile, WalletFile
from optimizer import InstrumentList, Market, RiskReport, build_market, read_prices
from optimizer.allocate import Allocation, MaximiseReturn, MaximiseSharpe, MinimiseShortfall, Objective, optimise
from optimizer.data.assembly import with_volumes
from optimizer.market import RiskModel
from optimizer.policy import CompiledPolicy, Holdings, Policy, compile_policy
from optimizer.scenarios.model import cholesky_model, factor_model, with_risk_terms

from .options import (
    HoldingsOption,
    MarketOption,
    OutOption,
    PolicyOption,
    PreviousHoldingsOption,
    PreviousMarketOption,
    PreviousPolicyOption,
    previous_layout,
)
from .pipeline import quantities_by_instrument
from .terminal import console, percent, step, styled, table, usd


class Goal(StrEnum):
    """Objectives by their name on the command line."""

    RETURN = "return"
    SHORTFALL = "shortfall"
    SHARPE = "sharpe"


GOALS: dict[Goal, Objective] = {
    Goal.RETURN: MaximiseReturn(),
    Goal.SHORTFALL: MinimiseShortfall(),
    Goal.SHARPE: MaximiseSharpe(),
}


def market(
    prices: Annotated[Path, typer.Argument(help="CSV or Parquet file: a date column and one column per asset.")],
    out: OutOption,
    instruments: Annotated[Path | None, typer.Option(help="JSON file of instruments; default: all as spot.")] = None,
    scenarios: Annotated[int, typer.Option(min=2, help="Number of one-day scenarios up to the as-of date.")] = 250,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Default: the last date.")] = None,
    skip_incomplete: Annotated[bool, typer.Option(help="Leave out assets without a full history.")] = False,
    source: Annotated[str | None, typer.Option(help="Where the prices come from, for readers.")] = None,
    volumes: Annotated[Path | None, typer.Option(help="CSV or Parquet file of daily volumes in USD.")] = None,
    risk_model: Annotated[
        str | None, typer.Option(help="Covariance to publish: cholesky, or factor:5 for five factors.")
    ] = None,
    betas: Annotated[
        list[str] | None, typer.Option("--betas", help="Instrument to publish betas to; once for each.")
    ] = None,
) -> None:
    """Build a public market file from a price history.

    Example: proofolio market prices.csv --scenarios 500 --as-of 2020-12-31 --risk-model cholesky --betas BTC
    --out market.json
    """
    history = read_prices(prices)
    listed = InstrumentList.load(instruments) if instruments else None
    built = build_market(
        history,
        listed,
        scenario_count=scenarios,
        as_of=as_of.date() if as_of else None,
        skip_incomplete=skip_incomplete,
        source=source,
    )
    model = parse_risk_model(risk_model, built.market) if risk_model is not None else None
    data = with_risk_terms(built.market, model, betas or ())
    if volumes is not None:
        data = with_volumes(data, read_prices(volumes, may_be_zero=True))
    data.save(out)
    for exclusion in built.excluded:
        console.print(str(exclusion), style="yellow")
    console.print(
        f"{out}: {len(data.ids)} instruments, {data.scenario_count} scenarios to {data.as_of}, hash 0x{data.hash.hex()}"
    )


def parse_risk_model(text: str, market: Market) -> RiskModel:
    """The model that --risk-model asks for. Raises: EncodingError: it asks for none that there is."""
    if text == "cholesky":
        return cholesky_model(market)
    name, _, count = text.partition(":")
    if name != "factor" or not re.fullmatch(r"[1-9][0-9]{0,8}", count):
        raise EncodingError(f"--risk-model {text}: write cholesky, or factor:N with N the number of factors")
    return factor_model(market, int(count))


def optimize(
    market: MarketOption,
    policy: PolicyOption,
    capital: Annotated[float, typer.Option(help="NAV to allocate, USD.")],
    out: OutOption,
    objective: Annotated[Goal, typer.Option(help="What to optimise.")] = Goal.SHARPE,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
    previous_holdings: PreviousHoldingsOption = None,
) -> None:
    """Find an allocation under a policy and write it as a private holdings file.

    Example: proofolio optimize --market market.json --policy policy.json --capital 1e6 --out holdings.json
    """
    if out.exists():
        raise EncodingError(f"{out} exists and holds private holdings; move it away first")
    compiled, before = compiled_with_previous(market, policy, previous_market, previous_policy, previous_holdings)
    with step("Optimising"):
        allocation = optimise(compiled, GOALS[objective], capital, previous=before)
    allocation.holdings().save(out)
    shown = table(
        f"Allocation ({allocation.objective}), NAV {usd(allocation.nav_usd)} USD", "instrument", "USD", "of NAV"
    )
    for name, value in allocation.positions_usd.items():
        if value:
            shown.add_row(name, usd(value), percent(value / allocation.nav_usd))
    console.print(shown)
    console.print(
        f"expected return {percent(allocation.expected_return_annual)} a year, volatility "
        f"{percent(allocation.volatility_annual)}"
    )
    show_binding(allocation)
    if allocation.note:
        console.print(allocation.note, style="yellow")
    console.print(f"{out} written, readable by you only")


def show_binding(allocation: Allocation) -> None:
    """Print the limits that leave no room, and what the objective would gain by loosening them."""
    if not allocation.binding:
        console.print("no limit is binding")
        return
    sentences = allocation.compiled.policy.sentences()
    title = f"Binding limits, and what 1 % of NAV more room gains in {allocation.objective}"
    shown = table(title, "limit", "promise", "gain", prose=True)
    for name in allocation.binding:
        price = allocation.shadow_prices.get(name)
        gain = (
            ""
            if price is None
            else f"{price:.4f}"
            if allocation.objective == MaximiseSharpe.name
            else percent(price, 3)
        )
        shown.add_row(name, sentences.get(name, ""), gain)
    console.print(shown)


def compiled_with_previous(
    market: Path, policy: Path, previous_market: Path | None, previous_policy: Path | None, holdings: Path | None
) -> tuple[CompiledPolicy, tuple[int, ...]]:
    """A policy on a market, and the previous epoch's private vector where it compares with one.

    Raises: DataError, PolicyError, EncodingError: a file that does not fit, or one that is missing.
    """
    rules = Policy.load(policy)
    compiled = compile_policy(rules, Market.load(market), previous_layout(rules, previous_market, previous_policy))
    before = Holdings.load(holdings) if holdings is not None else None
    if compiled.previous_layout is not None and before is None:
        raise EncodingError("the policy compares epochs: give --previous-holdings, the previous epoch's holdings file")
    return compiled, compiled.previous_quantities(before)


def show_limits(compiled: CompiledPolicy, quantities: tuple[int, ...], previous: tuple[int, ...]) -> None:
    """Print every promise and what is left of it. Private."""
    nav = compiled.nav_usd([quantities[slot] for slot in compiled.held_slots])
    sentences, left = compiled.policy.sentences(), compiled.slacks_usd(quantities, previous)
    shown = table("Limits (private: what is left of each)", "limit", "left", "of NAV", "")
    for name, slack in left.items():
        verdict = styled("green", "kept") if slack >= 0 else styled("red", "broken")
        unit = compiled.constraint(name).definition.unit
        share = percent(slack / nav) if unit == "USD" and nav > 0 else ""
        shown.add_row(sentences[name], f"{usd(slack)} {unit}", share, verdict)
    console.print(shown)


def risk(
    market: MarketOption,
    policy: PolicyOption,
    holdings: HoldingsOption,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
    previous_holdings: PreviousHoldingsOption = None,
) -> None:
    """Show the risk of holdings and what is left of every limit. Exit code 1 when a limit is broken.

    Example: proofolio risk --market market.json --policy policy.json --holdings holdings.json
    """
    compiled, before = compiled_with_previous(market, policy, previous_market, previous_policy, previous_holdings)
    data = compiled.market
    held = Holdings.load(holdings)
    quantities = compiled.quantities(compiled.lots(held))
    report = RiskReport.of(data, quantities_by_instrument(held))
    shown = table(f"Risk as of {data.as_of}", "measure", "value")
    shown.add_row("NAV, USD", usd(report.nav_usd))
    shown.add_row("gross leverage", f"{report.gross_leverage:.3f}")
    shown.add_row("health (haircut assets / debts)", "no debts" if report.health is None else f"{report.health:.3f}")
    shown.add_row(f"VaR {report.var_confidence}, one day, historical", percent(report.historical_var_fraction))
    shown.add_row(f"VaR {report.var_confidence}, one day, normal", percent(report.parametric_var_fraction))
    shown.add_row(f"expected shortfall {report.es_confidence}", percent(report.expected_shortfall_fraction))
    shown.add_row("volatility a year", percent(report.volatility_annual))
    shown.add_row("Sharpe ratio", "undefined" if report.sharpe is None else f"{report.sharpe:.2f}")
    shown.add_row("largest drawdown", percent(report.max_drawdown))
    console.print(shown)
    show_limits(compiled, quantities, before)
    solve(compiled.program, quantities, before)


def schema(
    kind: Annotated[str, typer.Argument(help="Name of a kind of file, such as policy or bundle.")],
) -> None:
    """Print the JSON Schema of a file.

    Example: proofolio schema policy
    """
    models: dict[str, type[BaseModel]] = {"market": Market, "policy": Policy, "holdings": Holdings, **SCHEMAS}
    models |= {"book": BookFile, "inclusion": InclusionFile, "wallet": WalletFile, "ownership": OwnershipFile}
    if kind not in models:
        raise EncodingError(f"no file is called {kind!r}; choose from {', '.join(models)}")
    typer.echo(json.dumps(models[kind].model_json_schema(), indent=2))


__all__ = ["market", "optimize", "risk", "schema", "show_limits"]
