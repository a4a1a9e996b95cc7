"""`proofolio demo`: the whole story on the embedded sample, in one screen, with a report (README)."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from attest.bundle import Bundle, FundFile, write_file
from attest.errors import ProofRejected
from attest.srs import load_setup
from optimizer import Market, RiskReport, sample_market
from optimizer.allocate import Allocation, FrontierPoint, MaximiseReturn, efficient_frontier, optimise
from optimizer.policy import Policy
from optimizer.risk import scenario_losses

from .pipeline import Signing, Terms, commit_source, prove_bundle, quantities_by_instrument, timestamp, verify_bundle
from .report import write_report
from .stage import Outcome, publish_on_stage, set_stage
from .terminal import console, percent, step, styled, table, usd, yes_no

CAPITAL_USD = 10_000_000.0
VALIDITY_SECONDS = 7 * 86400
VAR_CONFIDENCE, ES_CONFIDENCE = Decimal("0.99"), Decimal("0.975")
SAMPLE_POLICY: dict[str, Any] = {
    "version": "1",
    "name": "Sample fund: a leveraged, collateralised BTC, ETH and LTC portfolio",
    "nav_floor_usd": "1000000",
    "gross_cap_usd": "100000000",
    "rounding_tolerance": "0.000001",
    "sources": [
        {"name": "custodian", "role": "custodian", "instruments": ["BTC", "ETH", "LTC", "USD"]},
        {
            "name": "lender",
            "role": "lending",
            "instruments": ["supply-BTC", "supply-ETH", "supply-USD", "borrow-BTC", "borrow-ETH", "borrow-USD"],
        },
    ],
    "constraints": [
        {"kind": "solvency", "margin_usd": "250000"},
        {"kind": "historical_var", "confidence": str(VAR_CONFIDENCE), "limit": "0.08"},
        {"kind": "expected_shortfall", "confidence": str(ES_CONFIDENCE), "limit": "0.09"},
        {"kind": "parametric_var", "confidence": "0.99", "quantile": "2.326347875", "limit": "0.09"},
        {"kind": "stress", "scenario": {"preset": "gap", "drop": "0.3"}, "max_loss": "0.35"},
        {
            "kind": "stress",
            "scenario": {"preset": "protocol_loss", "protocol": "lender", "share": "0.5"},
            "max_loss": "0.5",
        },
        {"kind": "health_factor", "minimum": "1.2", "scenario": {"preset": "gap", "drop": "0.2"}},
        {"kind": "greek", "greek": "delta", "max": "1.1"},
        {"kind": "gross_leverage", "limit": "2.5"},
        {"kind": "concentration", "limit": "0.6"},
        {"kind": "position_limit", "instrument": "borrow-USD", "min_usd": "500000"},
    ],
}


@dataclass(frozen=True)
class Story:
    """Everything the demo made, for the screen, the report and the summary. Sample data: nothing in it is secret."""

    terms: Terms
    allocation: Allocation
    frontier: tuple[FrontierPoint, ...]
    risk: RiskReport
    losses: list[float]
    limits_left_usd: dict[str, float]
    fund: FundFile
    bundle: Bundle
    outcome: Outcome
    seconds: dict[str, float]

    def limits(self) -> dict[str, float]:
        """Constraint kind → its limit, for the kinds that have one."""
        listed = self.terms.compiled.policy.model_dump()["constraints"]
        return {item["kind"]: float(item["limit"]) for item in listed if "limit" in item}

    def summary(self) -> dict[str, Any]:
        """Every figure, for summary.json."""
        keys, compiled = self.terms.keys, self.terms.compiled
        return {
            "as_of": str(compiled.market.as_of),
            "prices": compiled.market.source,
            "policy": compiled.policy.sentences(),
            "allocation_usd": {name: float(value) for name, value in self.allocation.positions_usd.items()},
            "allocation_of_nav": self.allocation.weights(),
            "objective": self.allocation.objective,
            "expected_return_annual": self.allocation.expected_return_annual,
            "risk": self.risk.as_dict(),
            "limits_left_usd": self.limits_left_usd,
            "statements": [
                {"digest": "0x" + key.digest.hex(), "rows": key.row_count, "packing": key.parameters.packing}
                for key in keys
            ],
            "slots": compiled.program.size,
            "rows": len(compiled.program.rows),
            "proof_bytes": self.bundle.proof_bytes,
            "seconds": self.seconds,
            "valid_until": timestamp(self.bundle.expiry),
            "chain": {
                "verifier_and_registry": "embedded chain at Prague",
                "publication_gas": self.outcome.gas,
                "compliant_before": self.outcome.before.compliant,
                "compliant": self.outcome.status.compliant,
                "altered_proof": self.outcome.refusal,
            },
        }


def _timed(seconds: dict[str, float], name: str, started: float) -> None:
    seconds[name] = round(time.perf_counter() - started, 4)


def tell(market: Market, policy: Policy, journal: Path) -> Story:
    """Optimise, commit, prove, verify, publish; the verification starts from the bundle's bytes and public files."""
    seconds: dict[str, float] = {}
    with step("Reading Ethereum's KZG ceremony and checking it"):
        setup = load_setup()
    terms = Terms.of(policy, market, setup)
    with step(f"Optimising under {len(terms.compiled.constraints)} limits"):
        started = time.perf_counter()
        allocation = optimise(terms.compiled, MaximiseReturn(), CAPITAL_USD)
        _timed(seconds, "optimise", started)
    with step("Drawing the efficient frontier"):
        frontier = efficient_frontier(terms.compiled, CAPITAL_USD, points=10)
    with step("Computing the statement key from policy and market"):
        started = time.perf_counter()
        _ = terms.statements
        _timed(seconds, "statement_key", started)
    with step("Deploying verifier and registry on an embedded chain (Prague)"):
        stage = set_stage(terms)
    fund = stage.fund
    expiry = int(time.time()) + VALIDITY_SECONDS
    with step("Sources commit to what they hold, and sign"):
        held = allocation.holdings()
        signing = Signing(fund, 1, expiry)
        pairs = [commit_source(terms, held, name, key, signing) for name, key in stage.source_keys.items()]
    with step("Proving in zero knowledge"):
        started = time.perf_counter()
        bundle = prove_bundle(terms, fund, [o for o, _ in pairs], [s for _, s in pairs], expiry)
        _timed(seconds, "prove", started)
    with step("Verifying from public data alone"):
        started = time.perf_counter()
        verify_bundle(terms, fund, Bundle.parse(bundle.encode()), int(time.time()))
        _timed(seconds, "verify", started)
    with step("Publishing the proof to the registry, after one with a changed bit"):
        outcome = publish_on_stage(stage, terms, bundle, journal)
    quantities = quantities_by_instrument(held)
    risk = RiskReport.of(market, quantities, var_confidence=VAR_CONFIDENCE, es_confidence=ES_CONFIDENCE)
    left = terms.compiled.slacks_usd(allocation.quantities)
    return Story(
        terms,
        allocation,
        frontier,
        risk,
        [float(loss) / risk.nav_usd for loss in scenario_losses(market, quantities)],
        {name: float(value) for name, value in left.items()},
        fund,
        bundle,
        outcome,
        seconds,
    )


def another_limit_is_rejected(story: Story) -> bool:
    """The same proof against a policy with a tighter VaR limit: the reader's own recomputation refuses it."""
    altered = {**SAMPLE_POLICY, "constraints": [dict(c) for c in SAMPLE_POLICY["constraints"]]}
    altered["constraints"][1]["limit"] = "0.07"
    policy = Policy.parse(json.dumps(altered).encode())
    other = Terms.of(policy, story.terms.compiled.market, story.terms.setup)
    try:
        verify_bundle(other, story.fund, story.bundle)
    except ProofRejected:
        return True
    return False


def show(story: Story, tampering_rejected: bool) -> None:
    """One screen."""
    compiled, risk = story.terms.compiled, story.risk
    console.print()
    title = f"Allocation on {compiled.market.as_of}, NAV {usd(risk.nav_usd)} USD"
    allocation = table(title, "instrument", "USD", "of NAV")
    for name, value in story.allocation.positions_usd.items():
        if value:
            allocation.add_row(name, usd(value), percent(value / story.allocation.nav_usd, 1))
    console.print(allocation)
    limits = story.limits()
    health = "no debts" if risk.health is None else f"{risk.health:.2f}"
    metrics = table("Risk, one day unless said otherwise", "measure", "value", "limit")
    metrics.add_row("historical VaR 99 %", percent(risk.historical_var_fraction), percent(limits["historical_var"]))
    shortfall = percent(risk.expected_shortfall_fraction)
    metrics.add_row("expected shortfall 97.5 %", shortfall, percent(limits["expected_shortfall"]))
    metrics.add_row("gross leverage", f"{risk.gross_leverage:.2f}", f"{limits['gross_leverage']:.2f}")
    metrics.add_row("assets after haircuts / debts", health, "1.00")
    metrics.add_row("expected return a year", percent(story.allocation.expected_return_annual, 1), "")
    metrics.add_row("volatility a year", percent(risk.volatility_annual, 1), "")
    console.print(metrics)
    proved = table("Proved, without showing a position", "promise")
    for sentence in compiled.policy.sentences().values():
        proved.add_row(styled("green", "✓", f" {sentence}"))
    console.print(proved)
    program, seconds = compiled.program, story.seconds
    verdict = "rejected" if tampering_rejected else styled("red", "ACCEPTED")
    facts: dict[str, str | Text] = {
        "Private": f"every quantity at {' and '.join(story.terms.roles)}, NAV, risk, what is left of each limit",
        "Public": f"policy, market of {compiled.market.as_of}, {len(story.bundle.sources)} signed commitments, "
        f"a proof of {story.bundle.proof_bytes:,} bytes",
        "Time": f"proof {seconds['prove']:.2f} s, verification {1000 * seconds['verify']:.0f} ms, "
        f"statement key {seconds['statement_key']:.2f} s ({program.size} slots, {len(program.rows)} rows)",
        "Chain": f"published for {story.outcome.gas:,} gas; one bit of the proof changed: {story.outcome.refusal}",
        "Registry": Text.assemble(
            "is the fund compliant? before: ",
            yes_no(story.outcome.before.compliant),
            ", now: ",
            yes_no(story.outcome.status.compliant),
            f", epoch {story.outcome.status.epoch}, until {timestamp(story.outcome.status.expiry)}",
        ),
        "Check": Text.assemble("the same proof held against a VaR limit of 7 %: ", verdict),
    }
    for label, text in facts.items():
        console.print(Text.assemble((f"{label:10}", "bold"), text), soft_wrap=True)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")] = Path("out/demo"),
) -> None:
    """Run the whole story on the embedded sample: optimise, commit, prove, verify, publish, report.

    Example: proofolio demo --out out/demo
    """
    out.mkdir(parents=True, exist_ok=True)
    journal = out / "journal.sqlite"
    journal.unlink(missing_ok=True)  # of an earlier demo, whose chain is gone
    story = tell(sample_market(), Policy.parse(json.dumps(SAMPLE_POLICY).encode()), journal)
    rejected = another_limit_is_rejected(story)
    with step("Writing the report"):
        story.terms.compiled.market.save(out / "market.json")
        story.terms.compiled.policy.save(out / "policy.json")
        story.fund.save(out / "fund.json")
        story.bundle.save(out / "bundle.json")
        write_file(out / "summary.json", (json.dumps(story.summary(), indent=2) + "\n").encode(), secret=False)
        write_report(out / "report.html", story)
    show(story, rejected)
    files = " ".join(f"--{name} {out / name}.json" for name in ("market", "policy", "fund"))
    console.print(f"\nReport {out / 'report.html'}. Check the proof yourself:")
    console.print(f"  proofolio verify {out / 'bundle.json'} {files}", soft_wrap=True)
