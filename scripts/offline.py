"""The verbs that need no chain: market, optimize, risk, key, commit, prove, verify, keystore, schema."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from attest.bundle import SCHEMAS, Bundle, FundFile, OpeningFile, SignedSource, key_document, write_file
from attest.errors import EncodingError, ProofRejected
from attest.program import Layout, solve
from attest.srs import load_setup
from optimizer import InstrumentList, Market, RiskReport, build_market, read_prices
from optimizer.allocate import MaximiseReturn, MaximiseSharpe, MinimiseShortfall, Objective, optimise
from optimizer.data.assembly import with_volumes
from optimizer.market import RiskModel
from optimizer.policy import CompiledPolicy, Holdings, Policy, compile_policy
from optimizer.scenarios.model import cholesky_model, factor_model, with_risk_terms

from .keys import create_keystore, load_key
from .pipeline import (
    PreviousEpoch,
    Signing,
    Terms,
    any_previous_layout,
    commit_source,
    compares_epochs,
    layout_of,
    prove_bundle,
    quantities_by_instrument,
    timestamp,
    verify_bundle,
)
from .terminal import console, percent, step, table, usd

DEFAULT_VALIDITY_DAYS = 7

MarketOption = Annotated[Path, typer.Option("--market", help="Public market file, made by `proofolio market`.")]
PolicyOption = Annotated[Path, typer.Option("--policy", help="Policy file.")]
HoldingsOption = Annotated[Path, typer.Option("--holdings", help="Private holdings file.")]
FundOption = Annotated[Path, typer.Option("--fund", help="The fund's public terms: registry, fund, signers.")]
OutOption = Annotated[Path, typer.Option("--out", help="File to write.")]
ValidityOption = Annotated[int, typer.Option("--valid-days", min=1, max=366, help="Validity from now, in days.")]


PreviousMarketOption = Annotated[
    Path | None,
    typer.Option("--previous-market", help="Market file of the previous epoch, for policies that compare epochs."),
]
PreviousPolicyOption = Annotated[
    Path | None, typer.Option("--previous-policy", help="Policy of the previous epoch; default: the same policy.")
]
PreviousSetOption = Annotated[
    str | None,
    typer.Option("--previous-source-set", help="Hash of the previous epoch's source set, from the registry's record."),
]
PreviousBundleOption = Annotated[
    Path | None, typer.Option("--previous-bundle", help="Bundle of the previous epoch that you verified before.")
]


def previous_layout(policy: Policy, previous_market: Path | None, previous_policy: Path | None) -> Layout | None:
    """The layout of the previous epoch's holdings, where a policy compares with them.

    Raises: EncodingError: it does, and no market of the previous epoch is given.
    """
    if not compares_epochs(policy):
        return None
    if previous_market is None:
        raise EncodingError(
            "the policy compares epochs: give --previous-market, the market file of the previous epoch, and "
            "--previous-policy if that epoch was under another policy"
        )
    before = Policy.load(previous_policy) if previous_policy is not None else policy
    return layout_of(before, Market.load(previous_market))


def load_terms(
    market: Path, policy: Path, previous_market: Path | None = None, previous_policy: Path | None = None
) -> Terms:
    """The statements of a policy on a market, compiled; their keys are computed when they are asked for."""
    rules = Policy.load(policy)
    before = previous_layout(rules, previous_market, previous_policy)
    with step("Reading the ceremony"):
        setup = load_setup()
    return Terms.of(rules, Market.load(market), setup, before)


def trusted_source_set(terms: Terms, hash_: str | None, bundle: Path | None) -> bytes | None:
    """Hash of the previous epoch's source set, as the reader knows it; None where the policy compares no epochs.

    Raises: EncodingError: it does, and the reader does not say, or says it in no hash.
    """
    if terms.compiled.previous_layout is None:
        return None
    if bundle is not None and hash_ is None:
        return Bundle.load(bundle).source_set().hash
    if hash_ is None or bundle is not None:
        raise EncodingError(
            "the policy compares epochs: give either --previous-source-set 0x..., which `proofolio status` shows, or "
            "--previous-bundle, the previous epoch's bundle that you verified; the prover's own word does not count"
        )
    return parse_hash(hash_, "--previous-source-set")


def parse_hash(text: str, option: str) -> bytes:
    """32 bytes of an option. Raises: EncodingError: no such hash."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
        raise EncodingError(f"{option} {text}: a hash is 0x and 64 hexadecimal digits")
    return bytes.fromhex(text[2:])


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
        console.print(f"[yellow]{exclusion}[/]")
    console.print(
        f"{out}: {len(data.ids)} instruments, {data.scenario_count} scenarios to {data.as_of}, hash 0x{data.hash.hex()}"
    )


def parse_risk_model(text: str, market: Market) -> RiskModel:
    """The model that --risk-model asks for. Raises: EncodingError: it asks for none that there is."""
    if text == "cholesky":
        return cholesky_model(market)
    name, _, count = text.partition(":")
    if name != "factor" or not count.isdecimal() or int(count) < 1:
        raise EncodingError(f"--risk-model {text}: write cholesky, or factor:N with N the number of factors")
    return factor_model(market, int(count))


def optimize(
    market: MarketOption,
    policy: PolicyOption,
    capital: Annotated[float, typer.Option(help="NAV to allocate, USD.")],
    out: OutOption,
    objective: Annotated[Goal, typer.Option(help="What to optimise.")] = Goal.SHARPE,
) -> None:
    """Find an allocation under a policy and write it as a private holdings file.

    Example: proofolio optimize --market market.json --policy policy.json --capital 1e6 --out holdings.json
    """
    compiled = compile_policy(Policy.load(policy), Market.load(market))
    with step("Optimising"):
        allocation = optimise(compiled, GOALS[objective], capital)
    if out.exists():
        raise EncodingError(f"{out} exists and holds private holdings; move it away first")
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
        f"{percent(allocation.volatility_annual)}; binding: {', '.join(allocation.binding) or 'none'}"
    )
    if allocation.note:
        console.print(f"[yellow]{allocation.note}[/]")
    console.print(f"{out} written, readable by you only")


def show_limits(compiled: CompiledPolicy, quantities: tuple[int, ...]) -> None:
    """Print every promise and what is left of it. Private."""
    sentences, left = compiled.policy.sentences(), compiled.slacks_usd(quantities)
    shown = table("Limits (private: what is left of each)", "limit", "left, USD", "")
    for name, slack in left.items():
        shown.add_row(sentences.get(name, name), usd(slack), "[green]kept[/]" if slack >= 0 else "[red]broken[/]")
    console.print(shown)


def risk(market: MarketOption, policy: PolicyOption, holdings: HoldingsOption) -> None:
    """Show the risk of holdings and what is left of every limit. Exit code 1 when a limit is broken.

    Example: proofolio risk --market market.json --policy policy.json --holdings holdings.json
    """
    data = Market.load(market)
    compiled = compile_policy(Policy.load(policy), data)
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
    show_limits(compiled, quantities)
    solve(compiled.program, quantities)


def key(
    market: MarketOption,
    policy: PolicyOption,
    out: Annotated[Path | None, typer.Option(help="Write the keys here.")] = None,
    check: Annotated[
        list[str] | None, typer.Option(help="A digest to compare with, 0x and 64 digits; once for each program.")
    ] = None,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
) -> None:
    """Compute the statement keys of a policy on a market, one for each program: public, recomputable by anyone.

    Example: proofolio key --market market.json --policy policy.json --check 0x12...
    """
    terms = load_terms(market, policy, previous_market, previous_policy)
    with step("Computing the statement keys"):
        keys = terms.keys
    if out:
        write_file(out, key_document(keys), secret=False)
    for digest, key in zip(terms.digests, keys, strict=True):
        console.print(f"digest 0x{digest.hex()}", soft_wrap=True)
        console.print(f"{key.size} slots, {key.row_count} rows, packing {key.parameters.packing}")
    console.print(f"policy 0x{terms.compiled.policy_hash.hex()}", soft_wrap=True)
    console.print(f"market 0x{terms.compiled.market_hash.hex()}", soft_wrap=True)
    console.print(f"layout 0x{terms.layout.hash.hex()}", soft_wrap=True)
    if check and tuple(parse_hash(text, "--check") for text in check) != terms.digests:
        count = len(terms.digests)
        raise ProofRejected("statement key", f"this policy and market have other digests, {count} in this order")


def commit(
    market: MarketOption,
    policy: PolicyOption,
    holdings: HoldingsOption,
    fund: FundOption,
    source: Annotated[str, typer.Option(help="Name of the source that signs.")],
    epoch: Annotated[int, typer.Option(min=1, help="Number of the epoch.")],
    keystore: Annotated[Path, typer.Option(envvar="PROOFOLIO_KEYSTORE", help="Encrypted key of the source.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for NAME.source.json and NAME.opening.json.")] = Path(),
    valid_days: ValidityOption = DEFAULT_VALIDITY_DAYS,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
) -> None:
    """A source commits to what it holds and signs: a public commitment and a secret opening.

    The previous epoch hardly ever matters here; the prover says so when it does.

    Example: proofolio commit --market m.json --policy p.json --holdings h.json --fund fund.json
    --source custodian-a --epoch 1 --keystore custodian-a.keystore
    """
    if previous_market is None:
        rules, data = Policy.load(policy), Market.load(market)
        with step("Reading the ceremony"):
            setup = load_setup()
        terms = Terms.of(rules, data, setup, any_previous_layout(rules, data))
    else:
        terms = load_terms(market, policy, previous_market, previous_policy)
    signing = Signing(FundFile.load(fund), epoch, int(time.time()) + 86400 * valid_days)
    opening, signed = commit_source(terms, Holdings.load(holdings), source, load_key(keystore), signing)
    out.mkdir(parents=True, exist_ok=True)
    opening.save(out / f"{source}.opening.json")
    signed.save(out / f"{source}.source.json")
    console.print(f"{out / source}.source.json: public commitment, signed, valid until {timestamp(signing.expiry)}")
    console.print(f"{out / source}.opening.json: secret, readable by you only; the prover needs it")


def prove(
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    sources: Annotated[list[Path], typer.Option("--source", help="A NAME.source.json; once for each source.")],
    openings: Annotated[list[Path], typer.Option("--opening", help="A NAME.opening.json; once for each source.")],
    out: OutOption,
    valid_days: ValidityOption = DEFAULT_VALIDITY_DAYS,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
    previous_sources: Annotated[
        list[Path] | None, typer.Option("--previous-source", help="A NAME.source.json of the previous epoch.")
    ] = None,
    previous_openings: Annotated[
        list[Path] | None, typer.Option("--previous-opening", help="A NAME.opening.json of the previous epoch.")
    ] = None,
) -> None:
    """Prove that the committed holdings keep the policy. Refuses, and names the limit, when they do not.

    A policy that compares epochs also needs the files of the fund's last registered epoch (--previous-...).

    Example: proofolio prove --market m.json --policy p.json --fund fund.json --source a.source.json
    --opening a.opening.json --out bundle.json
    """
    terms = load_terms(market, policy, previous_market, previous_policy)
    signed = [SignedSource.load(path) for path in sources]
    opened = [OpeningFile.load(path) for path in openings]
    before = None
    if previous_sources or previous_openings:
        before = PreviousEpoch(
            tuple(OpeningFile.load(path) for path in previous_openings or ()),
            tuple(SignedSource.load(path) for path in previous_sources or ()),
        )
    if (before is None) != (terms.compiled.previous_layout is None):
        raise EncodingError(
            "a policy that compares epochs needs --previous-source and --previous-opening, once for each source of the "
            "previous epoch, and no other policy takes them"
        )
    with step("Computing the statement keys"):
        digests = terms.digests
    expiry = int(time.time()) + 86400 * valid_days
    with step("Proving"):
        bundle = prove_bundle(terms, FundFile.load(fund), opened, signed, expiry, before)
    bundle.save(out)
    for digest in digests:
        console.print(f"statement 0x{digest.hex()}", soft_wrap=True)
    console.print(f"{out}: {proofs_in_words(len(digests))}, valid until {timestamp(expiry)}")


def proofs_in_words(count: int) -> str:
    """How many proofs a policy has."""
    return "one proof" if count == 1 else f"{count} proofs, which count together"


def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle of proofs.")],
    market: MarketOption,
    policy: PolicyOption,
    fund: FundOption,
    allow_expired: Annotated[bool, typer.Option(help="Also accept proofs whose validity has passed.")] = False,
    previous_market: PreviousMarketOption = None,
    previous_policy: PreviousPolicyOption = None,
    previous_source_set: PreviousSetOption = None,
    previous_bundle: PreviousBundleOption = None,
) -> None:
    """Verify a bundle of proofs from public files alone. Exit code 0 accepted, 1 rejected, 2 malformed.

    A policy that compares epochs also needs the previous epoch's market, and its source set from a record you trust.

    Example: proofolio verify bundle.json --market market.json --policy policy.json --fund fund.json
    """
    parsed, terms_file = Bundle.load(bundle), FundFile.load(fund)
    terms = load_terms(market, policy, previous_market, previous_policy)
    before = trusted_source_set(terms, previous_source_set, previous_bundle)
    with step("Recomputing the statement keys"):
        digests = terms.digests
    verify_bundle(terms, terms_file, parsed, None if allow_expired else int(time.time()), before)
    for digest in digests:
        console.print(f"[green]accepted[/] statement 0x{digest.hex()}", soft_wrap=True)
    shown = table(f"Fund {terms_file.fund}, epoch {parsed.epoch}, holdings of {terms.compiled.market.as_of}", "proved")
    for sentence in terms.compiled.policy.sentences().values():
        shown.add_row(sentence)
    console.print(shown)
    compared = parsed.previous_set()
    if compared is not None:
        console.print(f"compared with epoch {compared.epoch}, source set 0x{compared.hash.hex()}", soft_wrap=True)
    console.print(f"source set 0x{parsed.source_set().hash.hex()}", soft_wrap=True)
    console.print(f"signed by {', '.join(s.source for s in parsed.sources)}; valid until {timestamp(parsed.expiry)}")


def keystore(out: Annotated[Path, typer.Argument(help="File to create.")]) -> None:
    """Create a signing key in an encrypted keystore; password from PROOFOLIO_PASSWORD or asked for.

    Example: proofolio keystore custodian-a.keystore
    """
    console.print(f"{out}: address {create_keystore(out)}")


def schema(
    kind: Annotated[str, typer.Argument(help="market, policy, holdings, opening, source, fund or bundle.")],
) -> None:
    """Print the JSON Schema of a file.

    Example: proofolio schema policy
    """
    models: dict[str, type[BaseModel]] = {"market": Market, "policy": Policy, "holdings": Holdings, **SCHEMAS}
    if kind not in models:
        raise EncodingError(f"no file is called {kind!r}; choose from {', '.join(models)}")
    typer.echo(json.dumps(models[kind].model_json_schema(), indent=2))


__all__ = [
    "commit",
    "key",
    "keystore",
    "market",
    "optimize",
    "prove",
    "risk",
    "schema",
    "show_limits",
    "verify",
]
