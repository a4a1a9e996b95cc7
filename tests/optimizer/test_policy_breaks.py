"""Known attacks that live in the policy compiler (docs/assurance.md): refused, but accepted of a careless compiler."""

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from pydantic import ValidationError

from attest.errors import ProgramError, StatementFalse
from attest.program import Entry, Kind, Part, Program, ProgramBuilder, check, check_layout, solve
from optimizer.errors import PolicyError
from optimizer.market import Market, RiskModel
from optimizer.policy import (
    Book,
    CompiledPolicy,
    Concentration,
    ExpectedShortfall,
    GrossLeverage,
    HistoricalVar,
    ParametricVar,
    Policy,
    Solvency,
    Turnover,
    compile_policy,
    rows,
)
from optimizer.policy.constraints import shortfall
from optimizer.policy.constraints.shortfall import tail_mass
from optimizer.policy.constraints.solvency import refuse_bare_haircuts
from optimizer.policy.split import select
from tests.optimizer.policy_edges import whole_quantities
from tests.optimizer.policy_strategies import lots_of, policy_of
from tests.optimizer.strategies import fixed_market


def _quantities(compiled: CompiledPolicy, held: dict[tuple[str, str], str]) -> tuple[int, ...]:
    return compiled.quantities(lots_of(compiled, {slot: Decimal(quantity) for slot, quantity in held.items()}))


def _broken(program: Program, quantities: Sequence[int], previous: Sequence[int] = ()) -> tuple[str, ...]:
    try:
        solve(program, quantities, previous)
    except StatementFalse as error:
        return error.constraints
    return ()


def _violated(compiled: CompiledPolicy, held: dict[tuple[str, str], str]) -> tuple[str, ...]:
    return _broken(compiled.program, _quantities(compiled, held))


def _careless(program: Program, constraint: str, **fields: Any) -> Program:
    """The program with other fields in the rows of a constraint, or in one row of that name."""
    rows = [replace(r, **fields) if constraint in (r.constraint, r.name) else r for r in program.rows]
    return replace(program, rows=tuple(rows))


@pytest.fixture
def cash_and_bitcoin() -> Market:
    return fixed_market(
        {"BTC": "60000", "USD": "1", "debt": "1"},
        {"BTC": ["-0.1", "0.1"], "USD": ["0", "0"], "debt": ["0", "0"]},
        BTC={"haircut": "0.5", "signed": True},
        debt={"kind": "borrow", "asset": "USD"},
    )


def test_forty_percent_cap_is_not_met_by_seventy_percent_split_over_two_custodians(cash_and_bitcoin: Market) -> None:
    """A cap stated on slots, as if each custodian's bitcoin were another asset, lets 35 % twice through."""
    sources = [("custodian-a", ["BTC", "USD"]), ("custodian-b", ["BTC"])]
    policy = policy_of(cash_and_bitcoin, Concentration(limit=Decimal("0.4"), instruments=("BTC",)), sources=sources)
    compiled = compile_policy(policy, cash_and_bitcoin)
    split = {("custodian-a", "BTC"): "3.5", ("custodian-b", "BTC"): "3.5", ("custodian-a", "USD"): "180000"}
    assert _violated(compiled, split) == ("concentration",)
    prices = {"BTC": "60000", "BTC-b": "60000", "USD": "1"}
    market = fixed_market(prices, {name: ["0"] for name in prices})
    apart = [("custodian-a", ["BTC", "USD"]), ("custodian-b", ["BTC-b"])]
    cap = Concentration(limit=Decimal("0.4"), instruments=("BTC", "BTC-b"))
    slots = compile_policy(policy_of(market, cap, sources=apart), market)
    assert (
        _violated(
            slots, {("custodian-b", "BTC-b") if slot[0] == "custodian-b" else slot: q for slot, q in split.items()}
        )
        == ()
    )
    within = {("custodian-a", "BTC"): "1.9", ("custodian-b", "BTC"): "2.0", ("custodian-a", "USD"): "366000"}
    assert _violated(compiled, within) == ()


def test_haircut_does_not_shrink_a_short(cash_and_bitcoin: Market) -> None:
    """400 000 in cash, −10 BTC at 60 000, h = 1/2, debts of 50 000: naively 400 − 300 − 50 ≥ 0."""
    policy = policy_of(cash_and_bitcoin, Solvency(), nav_floor_usd="0.01")
    compiled = compile_policy(policy, cash_and_bitcoin)
    held = {("custodian-a", "USD"): "400000", ("custodian-a", "BTC"): "-10", ("custodian-a", "debt"): "50000"}
    assert "solvency" in _violated(compiled, held)
    bare = _careless(compiled.program, "solvency/surplus", weights={})
    assert _broken(bare, _quantities(compiled, held)) == ("nav_floor",)
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


def test_shortfall_with_its_tail_rounded_up_would_pass_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """(1 − c)S = 1.5 of 10 scenarios: averaging over 2 hides a loss of 20 % behind one of 0 %."""
    returns = ["-0.2", *["0"] * 9]
    market = fixed_market({"BTC": "100", "USD": "1"}, {"BTC": returns, "USD": ["0"] * 10})
    limit = ExpectedShortfall(confidence=Decimal("0.85"), limit=Decimal("0.12"))
    compiled = compile_policy(policy_of(market, limit), market)
    held = {("custodian-a", "BTC"): "1000"}
    assert _violated(compiled, held) == ("expected_shortfall",)
    assert (Fraction(20, 100) + 0) / 2 <= Fraction(12, 100) < Fraction(20, 100) / Fraction(3, 2)
    monkeypatch.setattr(shortfall, "tail_mass", lambda *arguments: Fraction(ceil(tail_mass(*arguments))))
    assert _violated(compile_policy(policy_of(market, limit), market), held) == ()


@pytest.mark.parametrize("confidence", [Fraction(-1, 2), Fraction(1), Fraction(2)])
def test_shortfall_level_cannot_fall_without_end(confidence: Fraction) -> None:
    """With a/b > S the certificate grows as t falls, and proves any limit; with a/b ≤ 0 it says nothing."""
    with pytest.raises(PolicyError, match="confidence"):
        tail_mass(confidence, 10)


def test_a_tail_of_more_than_all_scenarios_proves_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """a/b = 15 of 10 scenarios: the certificate grows as t falls, past a limit of 1 % that losses of 20 % break."""
    market = fixed_market({"BTC": "100", "USD": "1"}, {"BTC": ["-0.2"] * 10, "USD": ["0"] * 10})
    limit = ExpectedShortfall(confidence=Decimal("0.5"), limit=Decimal("0.01"))
    held = {("custodian-a", "BTC"): "10"}

    def refused_at(level: Fraction) -> tuple[str, ...]:
        compiled = compile_policy(policy_of(market, limit), market)
        quantities = list(_quantities(compiled, held))
        (slot,) = compiled.program.aux
        quantities[slot] = int(-quantities[1] * level)
        return _broken(compiled.program, quantities)

    levels = [Fraction(10) ** k for k in range(-3, 15)]
    assert {refused_at(level) for level in levels} == {("expected_shortfall",)}
    monkeypatch.setattr(shortfall, "tail_mass", lambda *_: Fraction(15))
    assert () in {refused_at(level) for level in levels}


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
    """Without a floor on NAV a fund of nothing keeps every limit."""
    everything = (
        Solvency(),
        HistoricalVar(confidence=Decimal("0.5"), limit=Decimal("0.1")),
        ExpectedShortfall(confidence=Decimal("0.5"), limit=Decimal("0.1")),
        GrossLeverage(limit=Decimal(1)),
        Concentration(limit=Decimal("0.4")),
    )
    compiled = compile_policy(policy_of(cash_and_bitcoin, *everything, nav_floor_usd="0.001"), cash_and_bitcoin)
    assert _violated(compiled, {}) == ("nav_floor",)
    assert _broken(_careless(compiled.program, "nav_floor", kind=Kind.FREE), _quantities(compiled, {})) == ()
    assert all(program.index("nav_floor/floor") >= 0 for program in compiled.programs)


def test_negative_debt_is_refused(cash_and_bitcoin: Market) -> None:
    """On a free row a debt of −1 would count as an asset."""
    compiled = compile_policy(policy_of(cash_and_bitcoin), cash_and_bitcoin)
    lots = list(lots_of(compiled, {("custodian-a", "USD"): Decimal(1000)}))
    lots[2] = -1
    with pytest.raises(StatementFalse) as error:
        solve(compiled.program, compiled.quantities(lots))
    assert error.value.constraints == ("holdings",)
    free = _careless(compiled.program, "holdings/custodian-a debt", kind=Kind.FREE)
    assert _broken(free, compiled.quantities(lots)) == ()
    check_layout(compiled.program, compiled.layout)
    with pytest.raises(ProgramError, match="R7"):
        check_layout(free, compiled.layout)


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


def test_gross_exposure_is_no_turnover() -> None:
    """A fund that sold all bitcoin for ether traded twice its NAV; read without the epoch before it "traded" once."""
    prices = {"BTC": "50000", "ETH": "2000", "USD": "1"}
    market = fixed_market(prices, {name: ["0"] for name in prices})
    limit = Turnover(limit=Decimal("1.1"))
    before = compile_policy(policy_of(market), market)
    compiled = compile_policy(policy_of(market, limit), market, before.layout)
    today = _quantities(compiled, {("custodian-a", "ETH"): "50"})
    yesterday = _quantities(before, {("custodian-a", "BTC"): "2"})
    assert _broken(compiled.program, today, yesterday) == ("turnover",)
    rows = [replace(r, previous={}) if r.constraint == "turnover" else r for r in compiled.program.rows]
    assert _broken(replace(compiled.program, rows=tuple(rows)), today, yesterday) == ()


def test_an_aggregate_is_not_split_over_two_programs() -> None:
    """Each half of the gross exposure keeps the limit that the whole breaks."""
    prices = {"BTC": "60000", "ETH": "2000", "USD": "1"}
    terms: dict[str, dict[str, object]] = {name: {"signed": True} for name in ("BTC", "ETH")}
    market = fixed_market(prices, {name: ["0"] for name in prices}, **terms)
    compiled = compile_policy(policy_of(market, GrossLeverage(limit=Decimal("2.8"))), market)
    held = {"USD": "2000000", "BTC": "-10", "ETH": "-200"}
    quantities = _quantities(compiled, {("custodian-a", name): quantity for name, quantity in held.items()})
    assert _broken(compiled.program, quantities) == ("gross_leverage",)
    name = "gross_leverage/limit"
    target = compiled.program.index(name)
    sources = sorted({entry.row for entry in compiled.program.rows[target].weights})
    assert len(sources) == 2
    for part in (sources[::2], sources[1::2]):
        weights = {e: w for e, w in compiled.program.rows[target].weights.items() if e.row in part}
        assert _broken(_careless(compiled.program, name, weights=weights), quantities) == ()
        with pytest.raises(KeyError):
            select(compiled.program, {target, *part})
    select(compiled.program, {target, *sources})


def test_a_cone_is_not_rounded_in_the_provers_favour(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loading that rounds down in a million lots makes room, unless the radius gives up as much. (K.14)"""
    plain = fixed_market({"A": "1", "USD": "1"}, {"A": ["0"], "USD": ["0"]}, A={"lot": "1"}, USD={"lot": "0.01"})
    loadings: dict[str, tuple[Decimal, ...]] = {"A": (Decimal("0.033333333333333333"),), "USD": (Decimal(0),)}
    model = RiskModel(factors=("x",), loadings=loadings, specific={})
    market = Market.model_validate(plain.model_copy(update={"risk_model": model}).model_dump())
    quantile = Decimal("2.326347875")
    limit = ParametricVar(confidence=Decimal("0.99"), limit=quantile / 100, quantile=quantile)
    policy = policy_of(market, limit, rounding_tolerance="0.001")

    def refused(cents: int) -> bool:
        compiled = compile_policy(policy, market)
        lots = (1_000_000, cents)
        book = Book(market, whole_quantities(compiled.layout, lots))
        assert compiled.constraint("parametric_var").plain_slack_usd(book) < 0
        return _broken(compiled.program, compiled.quantities(lots)) == ("parametric_var",)

    assert refused(233_333_333)
    monkeypatch.setattr(rows, "square_root_up", lambda _: Fraction(0))
    assert not refused(233_333_333)


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
