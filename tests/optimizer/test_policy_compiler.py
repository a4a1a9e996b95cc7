"""The compiler: layout, lots, money unit, stated bounds, and refusals that say what to change."""

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.program import Kind, Owner, check, packing_for
from optimizer.allocate import MaximiseReturn, optimise
from optimizer.errors import PolicyError
from optimizer.market import Instrument, Market, Scenarios
from optimizer.policy import (
    CompiledPolicy,
    Concentration,
    Constraint,
    ExpectedShortfall,
    GrossLeverage,
    HistoricalVar,
    PositionLimit,
    Solvency,
    compile_policy,
)
from optimizer.policy.bounds import round_half_up
from tests.optimizer.policy_strategies import constraint_lists, lots_of, policy_of, splits
from tests.optimizer.strategies import FIRST_DAY, decimals, fixed_market, markets

EVERY_KIND: tuple[Constraint, ...] = (
    Solvency(margin_usd=Decimal(1000)),
    HistoricalVar(confidence=Decimal("0.99"), limit=Decimal("0.08")),
    ExpectedShortfall(confidence=Decimal("0.975"), limit=Decimal("0.10")),
    GrossLeverage(limit=Decimal(2)),
    Concentration(limit=Decimal("0.4")),
    PositionLimit(instrument="A0", max_usd=Decimal(5_000_000)),
)


def _large_market(instruments: int, scenarios: int) -> Market:
    """Instruments A0, A1, ... over eight orders of magnitude of price, a tenth signed, the last three debts."""
    generator = np.random.default_rng(1)
    names = [f"A{i}" for i in range(instruments)]
    prices = np.exp(generator.normal(2, 4, instruments))
    draws = np.clip(generator.normal(0.001, 0.05, (instruments, scenarios)), -0.9, 1)
    dates = tuple(FIRST_DAY + dt.timedelta(days=day) for day in range(scenarios))
    return Market(
        as_of=dates[-1],
        source="drawn in a test",
        instruments=tuple(
            Instrument(
                id=name,
                asset=name,
                kind="borrow" if i >= instruments - 3 else "spot",
                price_usd=Decimal(f"{price:.6f}") + Decimal("0.000001"),
                haircut=Decimal(0) if i >= instruments - 3 else Decimal("0.2"),
                debt_margin=Decimal("0.05"),
                signed=i % 10 == 0 and i < instruments - 3,
            )
            for i, (name, price) in enumerate(zip(names, prices, strict=True))
        ),
        scenarios=Scenarios(
            dates=dates,
            returns={n: tuple(Decimal(f"{r:.9f}") for r in row) for n, row in zip(names, draws, strict=True)},
        ),
    )


@pytest.fixture(scope="module")
def large() -> CompiledPolicy:
    market = _large_market(50, 250)
    sources = [("custodian-a", market.ids), ("custodian-b", market.ids[:15])]
    policy = policy_of(market, *EVERY_KIND, sources=sources, gross_cap_usd=Decimal(300_000_000))
    return compile_policy(policy, market)


def test_fifty_assets_and_every_kind_fit_the_second_packing(large: CompiledPolicy) -> None:
    assert len(large.program.rows) <= 1019
    assert packing_for(len(large.program.rows)).packing >= 4
    check(large.program)


def test_lots_are_powers_of_ten_worth_a_cent_to_a_dollar(large: CompiledPolicy) -> None:
    for j, value in zip(large.held_slots, large.lot_values_usd, strict=True):
        assert set(large.layout[j].lot.as_tuple().digits) <= {0, 1}
        assert Fraction(1, 100) <= abs(value) <= 1


def test_money_unit_is_a_power_of_ten_far_below_a_lot(large: CompiledPolicy) -> None:
    assert re.fullmatch(r"10*", str(large.unit_usd.denominator))
    assert large.unit_usd.numerator == 1
    assert large.unit_usd * 1000 <= min(abs(v) for v in large.lot_values_usd)


def test_every_stated_bound_is_within_the_tolerance(large: CompiledPolicy) -> None:
    tolerance = Fraction(large.policy.rounding_tolerance) * Fraction(large.policy.gross_cap_usd)
    assert set(large.bounds_usd) == {c.name for c in large.policy.named_constraints()}
    assert all(0 < bound <= tolerance for bound in large.bounds_usd.values())


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_random_policies_compile_within_their_tolerance_to_programs_that_pass_the_rules(data: st.DataObject) -> None:
    market = data.draw(markets(max_instruments=5, max_scenarios=20))
    cap = data.draw(decimals("10", "1000000000", 2))
    tolerance = data.draw(st.sampled_from(["0.0000005", "0.000001", "0.0001"]))
    sources = data.draw(splits(market))
    constraints = data.draw(constraint_lists(market))
    policy = policy_of(market, *constraints, sources=sources, gross_cap_usd=cap, rounding_tolerance=tolerance)
    compiled = compile_policy(policy, market)
    check(compiled.program)
    assert all(bound <= Fraction(Decimal(tolerance)) * Fraction(cap) for bound in compiled.bounds_usd.values())
    assert compiled.program.size == compiled.layout.size
    assert compiled.program.aux == compiled.layout.of(Owner.AUX)


def test_slots_follow_the_policy_then_come_the_certificates() -> None:
    market = _large_market(4, 5)
    constraints = (
        ExpectedShortfall(confidence=Decimal("0.5"), limit=Decimal("0.1")),
        ExpectedShortfall(confidence=Decimal("0.8"), limit=Decimal("0.2")),
    )
    policy = policy_of(market, *constraints, sources=[("b", ["A2", "A0"]), ("a", ["A1", "A0", "A3"])])
    compiled = compile_policy(policy, market)
    assert [(s.owner, s.source, s.asset, s.sign) for s in compiled.layout.slots] == [
        (Owner.SOURCE, "b", "A2", -1),
        (Owner.SOURCE, "b", "A0", 1),
        (Owner.SOURCE, "a", "A1", -1),
        (Owner.SOURCE, "a", "A0", 1),
        (Owner.SOURCE, "a", "A3", -1),
        (Owner.AUX, "", "expected_shortfall-1/t", 0),
        (Owner.AUX, "", "expected_shortfall-2/t", 0),
    ]
    assert compiled.program.aux == (6, 7)
    assert set(compiled.aux_values((1, 2, 3, 4, 5))) == {6, 7}
    assert compiled.quantities((1, 2, 3, 4, 5))[:6] == (1, 1, 2, 3, 4, 5)


def test_compiling_twice_gives_the_same_program(large: CompiledPolicy) -> None:
    again = compile_policy(large.policy, large.market)
    assert again.program == large.program
    assert again.layout.hash == large.layout.hash
    assert (again.policy_hash, again.market_hash) == (large.policy_hash, large.market_hash)


def test_position_row_only_where_a_signed_instrument_is_held_twice() -> None:
    """x = Σ(lot/g)q; everything that cannot be short is its own absolute value."""
    market = _large_market(15, 3)
    sources = [("a", market.ids), ("b", ["A0", "A1"])]
    compiled = compile_policy(policy_of(market, GrossLeverage(limit=Decimal(2)), sources=sources), market)
    rows = [row for row in compiled.program.rows if row.constraint == "positions"]
    assert [(row.name, row.kind, dict(row.coefficients)) for row in rows] == [
        ("positions/A0", Kind.FREE, {1: 1, 16: 1})
    ]
    gross = compiled.program.rows[compiled.program.index("gross_leverage/limit")]
    assert {compiled.program.rows[entry.row].name for entry in gross.weights} == {"positions/A0", "holdings/a A10"}


@pytest.mark.parametrize(("netting", "passes"), [("across_sources", True), ("none", False)])
def test_netting_is_a_named_choice_of_the_policy(netting: str, passes: bool) -> None:
    market = fixed_market({"BTC": "100", "USD": "1"}, {"BTC": ["0"], "USD": ["0"]}, BTC={"signed": True})
    limits = (GrossLeverage(limit=Decimal("1.5")), Concentration(limit=Decimal("0.5"), instruments=("BTC",)))
    sources = [("a", ["BTC", "USD"]), ("b", ["BTC"])]
    compiled = compile_policy(policy_of(market, *limits, sources=sources, netting=netting), market)
    held = {("a", "BTC"): Decimal(10), ("a", "USD"): Decimal(1000), ("b", "BTC"): Decimal(-10)}
    lots = lots_of(compiled, held)
    left = compiled.slacks_usd(compiled.quantities(lots))
    assert (left["gross_leverage"] >= 0 and left["concentration"] >= 0) is passes


def test_fixed_lots_are_kept() -> None:
    market = fixed_market({"BTC": "100", "USD": "1"}, {"BTC": ["0"], "USD": ["0"]}, BTC={"lot": "0.0025"})
    compiled = compile_policy(policy_of(market), market)
    assert compiled.layout[1].lot == Decimal("0.0025")


def test_fixed_lots_above_the_tolerance_are_refused_by_name() -> None:
    market = fixed_market({"BTC": "60000", "USD": "1"}, {"BTC": ["0"], "USD": ["0"]}, BTC={"lot": "0.1"})
    with pytest.raises(PolicyError, match="instrument 'BTC' has the largest lot") as error:
        compile_policy(policy_of(market), market)
    assert error.value.field == "rounding_tolerance"
    compile_policy(policy_of(market, gross_cap_usd=Decimal(10**11)), market)


def test_numbers_that_do_not_fit_are_refused_by_row() -> None:
    market = fixed_market(
        {"BTC": "60000", "USD": "1"}, {"BTC": ["0"], "USD": ["0"]}, BTC={"lot": "0.000000000000000000000001"}
    )
    with pytest.raises(PolicyError, match="may leave") as error:
        compile_policy(policy_of(market), market)
    assert "larger lots" in error.value.detail


def test_a_constraint_that_one_program_cannot_hold_is_refused() -> None:
    market = fixed_market({"BTC": "100"}, {"BTC": ["0.01"] * 2050})
    with pytest.raises(PolicyError, match="fewer scenarios") as error:
        compile_policy(policy_of(market, HistoricalVar(confidence=Decimal("0.9"), limit=Decimal("0.1"))), market)
    assert error.value.field == "historical_var"


def test_unknown_instruments_are_refused_by_field() -> None:
    market = fixed_market({"BTC": "100", "USD": "1"}, {"BTC": ["0"], "USD": ["0"]})
    with pytest.raises(PolicyError, match="no instrument 'DOGE'") as error:
        compile_policy(policy_of(market, sources=[("a", ["BTC", "DOGE"])]), market)
    assert error.value.field == "sources.0.instruments.1"
    limit = PositionLimit(instrument="USD", max_usd=Decimal(1))
    with pytest.raises(PolicyError, match="nobody reports 'USD'") as error:
        compile_policy(policy_of(market, Solvency(), limit, sources=[("a", ["BTC"])]), market)
    assert error.value.field == "position_limit-USD"


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**15))
def test_rounding_is_floor_of_x_plus_a_half(numerator: int, denominator: int) -> None:
    x = Fraction(numerator, denominator)
    rounded = round_half_up(numerator, denominator)
    assert rounded <= x + Fraction(1, 2) < rounded + 1


ROOT = Path(__file__).resolve().parents[2]


def test_every_formula_label_stands_in_code_docs_and_tests() -> None:
    """A formula of the policy pages, (K.1) and so on, stands beside the line that computes it and in a test."""

    def labels(*paths: Path) -> set[str]:
        return {label for path in paths for label in re.findall(r"\(K\.\d+\)", path.read_text(encoding="utf-8"))}

    modules = [path for folder in ("policy", "allocate") for path in (ROOT / "optimizer" / folder).rglob("*.py")]
    tests = [path for path in (ROOT / "tests" / "optimizer").rglob("*.py") if path != Path(__file__).resolve()]
    pages = [ROOT / "docs" / "policy.md", *(ROOT / "docs" / "policies").glob("*.md")]
    assert labels(*modules) == labels(*pages)
    assert labels(*modules) == labels(*tests)


def test_the_kind_that_the_docs_add_compiles_and_is_obeyed() -> None:
    source = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert len(source.splitlines()) < 60
    module: dict[str, Any] = {}
    exec(source.replace("from __future__ import annotations\n", ""), module)
    try:
        buffer = module["CashBuffer"](instrument="USD", limit=Decimal("0.25"))
    finally:
        del Constraint.registry["cash_buffer"]
    market = fixed_market({"BTC": "100", "USD": "1"}, {"BTC": ["0.1", "-0.05"], "USD": ["0", "0"]})
    policy = policy_of(market).model_copy(update={"constraints": (buffer,)})
    allocation = optimise(compile_policy(policy, market), MaximiseReturn(), 1_000_000.0)
    assert allocation.weights()["USD"] == pytest.approx(0.25, abs=1e-5)
    assert allocation.binding == ("cash_buffer",)
