"""Known attacks that live in the policy compiler (protocol §9), each a named negative test."""

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from pydantic import ValidationError

from attest.errors import ProgramError, StatementFalse
from attest.program import Entry, Kind, Part, Program, ProgramBuilder, check, solve
from optimizer.errors import PolicyError
from optimizer.market import Market
from optimizer.policy import (
    CompiledPolicy,
    Concentration,
    ExpectedShortfall,
    GrossLeverage,
    HistoricalVar,
    Policy,
    Solvency,
    compile_policy,
)
from optimizer.policy.constraints.shortfall import tail_mass
from optimizer.policy.constraints.solvency import refuse_bare_haircuts
from tests.optimizer.policy_strategies import lots_of, policy_of
from tests.optimizer.strategies import fixed_market


def _violated(compiled: CompiledPolicy, held: dict[tuple[str, str], str]) -> tuple[str, ...]:
    lots = lots_of(compiled, {slot: Decimal(quantity) for slot, quantity in held.items()})
    try:
        solve(compiled.program, compiled.quantities(lots))
    except StatementFalse as error:
        return error.constraints
    return ()


@pytest.fixture
def cash_and_bitcoin() -> Market:
    return fixed_market(
        {"BTC": "60000", "USD": "1", "debt": "1"},
        {"BTC": ["-0.1", "0.1"], "USD": ["0", "0"], "debt": ["0", "0"]},
        BTC={"haircut": "0.5", "signed": True},
        debt={"kind": "borrow", "asset": "USD"},
    )


def test_forty_percent_cap_is_not_met_by_seventy_percent_split_over_two_custodians(cash_and_bitcoin: Market) -> None:
    sources = [("custodian-a", ["BTC", "USD"]), ("custodian-b", ["BTC"])]
    policy = policy_of(cash_and_bitcoin, Concentration(limit=Decimal("0.4"), instruments=("BTC",)), sources=sources)
    compiled = compile_policy(policy, cash_and_bitcoin)
    split = {("custodian-a", "BTC"): "3.5", ("custodian-b", "BTC"): "3.5", ("custodian-a", "USD"): "180000"}
    assert _violated(compiled, split) == ("concentration",)
    within = {("custodian-a", "BTC"): "1.9", ("custodian-b", "BTC"): "2.0", ("custodian-a", "USD"): "366000"}
    assert _violated(compiled, within) == ()


def test_haircut_does_not_shrink_a_short(cash_and_bitcoin: Market) -> None:
    """400 000 in cash, −10 BTC at 60 000, h = 1/2, debts of 50 000: naively 400 − 300 − 50 ≥ 0."""
    policy = policy_of(cash_and_bitcoin, Solvency(), nav_floor_usd="0.01")
    compiled = compile_policy(policy, cash_and_bitcoin)
    held = {("custodian-a", "USD"): "400000", ("custodian-a", "BTC"): "-10", ("custodian-a", "debt"): "50000"}
    assert "solvency" in _violated(compiled, held)
    held["custodian-a", "USD"] = "649999.99"
    assert "solvency" in _violated(compiled, held)
    held["custodian-a", "USD"] = "650002"
    assert _violated(compiled, held) == ()


def test_haircut_on_a_short_without_its_weight_is_refused() -> None:
    guarded = {Entry(3, Part.MINUS): 5}
    refuse_bare_haircuts([("BTC", 3)], guarded)
    for weights in ({}, {Entry(3, Part.PLUS): 5}, {Entry(2, Part.MINUS): 5}, {Entry(3, Part.MINUS): 0}):
        with pytest.raises(PolicyError, match="BTC"):
            refuse_bare_haircuts([("BTC", 3)], weights)


def test_haircut_too_small_for_the_money_unit_is_refused() -> None:
    market = fixed_market(
        {"BTC": "60000", "USD": "1"},
        {"BTC": ["-0.1", "0.1"], "USD": ["0", "0"]},
        BTC={"haircut": "0.000000000000000000000000000001", "signed": True},
    )
    with pytest.raises(PolicyError, match="haircut"):
        compile_policy(policy_of(market, Solvency()), market)


def test_a_long_at_one_source_does_not_net_a_short_at_another_in_solvency(cash_and_bitcoin: Market) -> None:
    sources = [("custodian-a", ["BTC", "USD"]), ("broker", ["BTC"])]
    compiled = compile_policy(policy_of(cash_and_bitcoin, Solvency(), sources=sources), cash_and_bitcoin)
    held = {("custodian-a", "BTC"): "10", ("broker", "BTC"): "-10", ("custodian-a", "USD"): "299999"}
    assert _violated(compiled, held) == ("solvency",)


def test_shortfall_with_its_tail_rounded_up_would_pass_what_is_refused() -> None:
    """(1 − c)S = 1.5 of 10 scenarios: averaging over 2 hides a loss of 20 % behind one of 0 %."""
    returns = ["-0.2", *["0"] * 9]
    market = fixed_market({"BTC": "100", "USD": "1"}, {"BTC": returns, "USD": ["0"] * 10})
    limit = ExpectedShortfall(confidence=Decimal("0.85"), limit=Decimal("0.12"))
    compiled = compile_policy(policy_of(market, limit), market)
    held = {("custodian-a", "BTC"): "1000"}
    assert _violated(compiled, held) == ("expected_shortfall",)
    assert (Fraction(20, 100) + 0) / 2 <= Fraction(12, 100) < Fraction(20, 100) / Fraction(3, 2)


@pytest.mark.parametrize("confidence", [Fraction(-1, 2), Fraction(1), Fraction(2)])
def test_shortfall_level_cannot_fall_without_end(confidence: Fraction) -> None:
    """With a/b > S the certificate grows as t falls, and proves any limit; with a/b ≤ 0 it says nothing."""
    with pytest.raises(PolicyError, match="confidence"):
        tail_mass(confidence, 10)


@pytest.mark.parametrize("confidence", ["-0.5", "0", "1", "1.5"])
def test_confidence_outside_the_unit_interval_is_refused(confidence: str) -> None:
    for kind in (ExpectedShortfall, HistoricalVar):
        with pytest.raises(ValidationError):
            kind(confidence=Decimal(confidence), limit=Decimal("0.1"))


def test_a_very_low_level_does_not_satisfy_a_shortfall(cash_and_bitcoin: Market) -> None:
    limit = ExpectedShortfall(confidence=Decimal("0.01"), limit=Decimal("0.01"))
    policy = policy_of(cash_and_bitcoin, limit, GrossLeverage(limit=Decimal(1)))
    compiled = compile_policy(policy, cash_and_bitcoin)
    lots = lots_of(compiled, {("custodian-a", "BTC"): Decimal(-3), ("custodian-a", "USD"): Decimal(500_000)})
    quantities = list(compiled.quantities(lots))
    (level,) = compiled.program.aux
    for t in (-(10**18), -(10**12), 0, 10**12, 10**18):
        quantities[level] = t
        with pytest.raises(StatementFalse):
            solve(compiled.program, quantities)


def test_empty_holdings_are_refused(cash_and_bitcoin: Market) -> None:
    everything = (
        Solvency(),
        HistoricalVar(confidence=Decimal("0.5"), limit=Decimal("0.1")),
        ExpectedShortfall(confidence=Decimal("0.5"), limit=Decimal("0.1")),
        GrossLeverage(limit=Decimal(1)),
        Concentration(limit=Decimal("0.4")),
    )
    compiled = compile_policy(policy_of(cash_and_bitcoin, *everything, nav_floor_usd="0.001"), cash_and_bitcoin)
    assert _violated(compiled, {}) == ("nav_floor",)
    assert all(program.index("nav_floor/floor") >= 0 for program in compiled.programs)


def test_negative_debt_is_refused(cash_and_bitcoin: Market) -> None:
    compiled = compile_policy(policy_of(cash_and_bitcoin), cash_and_bitcoin)
    lots = list(lots_of(compiled, {("custodian-a", "USD"): Decimal(1000)}))
    lots[2] = -1
    with pytest.raises(StatementFalse) as error:
        solve(compiled.program, compiled.quantities(lots))
    assert error.value.constraints == ("holdings",)


def _gross_of_one_hundred(aggregate_kind: Kind) -> Program:
    """|q| ≤ 100 as a policy would state it, with the kind of the aggregate's own row open."""
    entries = {Entry(0, Part.PLUS): 1, Entry(0, Part.MINUS): 1}

    builder = ProgramBuilder(2)
    builder.add("holdings/q", Kind.FREE, {1: 1})
    builder.add("gross/limit", aggregate_kind, {0: 100}, weights=entries)
    return builder.build()


def test_gross_of_one_hundred_is_no_equation(cash_and_bitcoin: Market) -> None:
    """As a zero row both parts could be inflated until |q| = 10 "has" gross 100; only inequalities are written."""

    with pytest.raises(ProgramError, match="R1"):
        check(_gross_of_one_hundred(Kind.ZERO))
    check(_gross_of_one_hundred(Kind.NONNEG))
    policy = policy_of(cash_and_bitcoin, GrossLeverage(limit=Decimal(1)), Solvency())
    compiled = compile_policy(policy, cash_and_bitcoin)
    targets = [row for row in compiled.program.rows if row.is_target]
    assert targets
    assert {row.kind for row in targets} == {Kind.NONNEG}


def test_insolvent_by_one_lot_is_refused() -> None:
    market = fixed_market(
        {"USD": "1", "debt": "1"},
        {"USD": ["0"], "debt": ["0"]},
        USD={"haircut": "0.1", "lot": "0.01"},
        debt={"kind": "borrow", "asset": "USD", "lot": "0.01"},
    )
    compiled = compile_policy(policy_of(market, Solvency()), market)
    exact = (1_000_000, 900_000)
    solve(compiled.program, compiled.quantities(exact))
    for lots in ((999_999, 900_000), (1_000_000, 900_001)):
        with pytest.raises(StatementFalse) as error:
            solve(compiled.program, compiled.quantities(lots))
        assert error.value.constraints == ("solvency",)


def test_one_lot_over_value_at_risk_is_refused() -> None:
    """10 % of NAV lost on a 20 % fall: half the fund, to the lot."""
    market = fixed_market(
        {"BTC": "100", "USD": "1"},
        {"BTC": ["-0.2", "-0.3", "0.1", "0.2"], "USD": ["0"] * 4},
        BTC={"lot": "0.001"},
        USD={"lot": "0.1"},
    )
    limit = HistoricalVar(confidence=Decimal("0.75"), limit=Decimal("0.1"))
    compiled = compile_policy(policy_of(market, limit), market)
    solve(compiled.program, compiled.quantities((5_000_000, 5_000_000)))
    with pytest.raises(StatementFalse) as error:
        solve(compiled.program, compiled.quantities((5_000_001, 4_999_999)))
    assert error.value.constraints == ("historical_var",)


def test_rows_of_a_compiled_policy_survive_no_tampering_with_kinds(cash_and_bitcoin: Market) -> None:
    """A debt on a free row, or a variable without its row, is refused by the rules that `check` enforces."""

    program = compile_policy(policy_of(cash_and_bitcoin, Solvency()), cash_and_bitcoin).program
    bare = replace(program, rows=tuple(row for row in program.rows if not row.name.endswith(" debt")))
    with pytest.raises(ProgramError):
        check(bare)


def test_policy_without_a_floor_is_refused(cash_and_bitcoin: Market) -> None:
    document = policy_of(cash_and_bitcoin).model_dump(mode="json") | {"nav_floor_usd": "0"}
    with pytest.raises(PolicyError, match="nav_floor_usd"):
        Policy.parse(json.dumps(document).encode())
