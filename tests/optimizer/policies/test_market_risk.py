"""Historical VaR and expected shortfall over several horizons, parametric VaR and volatility as cones."""

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from attest.errors import ProgramError, StatementFalse
from attest.program import Entry, Kind, Part, Program, check, solve
from optimizer.allocate import Allocation, MaximiseReturn, optimise
from optimizer.errors import PolicyError
from optimizer.market import Market, RiskModel
from optimizer.policy import (
    Book,
    CompiledPolicy,
    Constraint,
    ExpectedShortfall,
    GrossLeverage,
    HistoricalVar,
    ParametricVar,
    Policy,
    Solvency,
    Volatility,
    compile_policy,
)
from optimizer.policy.constraints.parametric import below_root
from tests.optimizer.policy_edges import assert_program_means_policy, violated, whole_quantities
from tests.optimizer.policy_strategies import book_of, lots_of, policy_of, quantities, splits
from tests.optimizer.strategies import decimals, fixed_market, markets, rich_markets

NORMAL_99 = Decimal("2.326347875")
Limited = HistoricalVar | ExpectedShortfall | ParametricVar | Volatility


def with_model(
    market: Market, factors: Sequence[str], specific: dict[str, str] | None = None, **loadings: str
) -> Market:
    """A market with a risk model; loadings are written "0.03 0.01", none of an instrument are zeros."""
    zeros = " ".join("0" for _ in factors)
    series = {name: loadings.get(name.replace("-", "_"), zeros).split() for name in market.ids}
    model = RiskModel(
        factors=tuple(factors),
        loadings={name: tuple(map(Decimal, numbers)) for name, numbers in series.items()},
        specific={name: Decimal(value) for name, value in (specific or {}).items()},
    )
    return Market.model_validate(market.model_copy(update={"risk_model": model}).model_dump())


@pytest.fixture
def market() -> Market:
    """BTC moves by 3 % and ETH by 4 % a day, independently: 100 000 USD of each deviate by 5 000."""
    plain = fixed_market(
        {"BTC": "100", "ETH": "10", "USD": "1", "owed-ETH": "10"},
        {
            "BTC": ["-0.1", "-0.2", "0.5", "-0.1", "0"],
            "ETH": ["0"] * 5,
            "USD": ["0"] * 5,
            "owed-ETH": ["0"] * 5,
        },
        **{"BTC": {"signed": True}, "owed-ETH": {"asset": "ETH", "kind": "borrow"}},
    )
    return with_model(plain, ("one", "two"), BTC="0.03 0", ETH="0 0.04", owed_ETH="0 0.04")


def hold(compiled: CompiledPolicy, **held: str) -> tuple[int, ...]:
    """Lots at custodian-a; "_" stands for "-" in names."""
    return lots_of(compiled, {("custodian-a", name.replace("_", "-")): Decimal(q) for name, q in held.items()})


def one_more(compiled: CompiledPolicy, lots: tuple[int, ...], instrument: str) -> tuple[int, ...]:
    slots = [compiled.layout[j].asset for j in compiled.held_slots]
    return tuple(q + (name == instrument) for name, q in zip(slots, lots, strict=True))


# Meaning, against plain numpy ----------------------------------------------------------------------------------------


def window_losses(market: Market, values: np.ndarray, days: int) -> np.ndarray:
    growth = 1 + market.returns()
    windows = np.array([np.prod(growth[s : s + days], axis=0) - 1 for s in range(len(growth) - days + 1)])
    return -windows @ values


def deviation(market: Market, values: np.ndarray) -> float:
    assert market.risk_model is not None
    loadings = np.array([[float(x) for x in market.risk_model.loadings[name]] for name in market.ids])
    own = np.array([float(market.risk_model.specific.get(name, Decimal(0))) for name in market.ids])
    return float(np.sqrt(values @ (loadings @ loadings.T + np.diag(own**2)) @ values))


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_measure_is_that_of_numpy(data: st.DataObject) -> None:
    market = data.draw(rich_markets())
    held = data.draw(quantities(market, [("custodian-a", market.ids)]))
    days = data.draw(st.integers(1, market.scenario_count))
    level = data.draw(decimals("0.51", "0.99", 2))
    values = market.signs() * market.prices() * np.array([float(held["custodian-a", name]) for name in market.ids])
    losses = np.sort(window_losses(market, values, days))[::-1]
    # (1 − c)S in whole hundredths, so that its floor is no matter of floats.
    tail = (100 - int(level * 100)) * len(losses)
    whole = tail // 100
    partial = (tail % 100) / 100 * losses[whole] if tail % 100 else 0.0
    z = float(stats.norm.ppf(float(level)))
    freedom = 4.5
    student = float(stats.t.ppf(float(level), freedom)) * sqrt((freedom - 2) / freedom)
    expected: list[tuple[Limited, float]] = [
        (HistoricalVar(confidence=level, limit=Decimal(1), horizon_days=days), losses[whole]),
        (
            ExpectedShortfall(confidence=level, limit=Decimal(1), horizon_days=days),
            (losses[:whole].sum() + partial) / (tail / 100),
        ),
        (parametric(level, days), z * sqrt(days) * deviation(market, values)),
        (parametric(level, days, Decimal(str(freedom))), student * sqrt(days) * deviation(market, values)),
        (Volatility(limit=Decimal(1)), sqrt(365) * deviation(market, values)),
    ]
    compiled = compile_policy(policy_of(market, *(c for c, _ in expected)), market)
    book = book_of(policy_of(market), market, held)
    left = compiled.slacks_usd(compiled.quantities(lots_of(compiled, held)))
    gross = float(np.abs(values).sum())
    for (constraint, measure), entry in zip(expected, compiled.constraints[2:], strict=True):
        slack = float(book.nav_usd) - measure
        assert float(constraint.plain_slack_usd(book)) == pytest.approx(slack, abs=1e-6 * gross), constraint.kind
        assert abs(float(left[entry.name]) - slack) <= float(entry.bound_usd) + 1e-6 * gross, constraint.kind


def parametric(level: Decimal, days: int = 1, freedom: Decimal | None = None, limit: str = "1") -> ParametricVar:
    """With the quantile that the refusal of 0.000001 tells to write."""
    fields: dict[str, Any] = {"confidence": level, "horizon_days": days, "limit": Decimal(limit)}
    if freedom is not None:
        fields |= {"distribution": "student_t", "degrees_of_freedom": freedom}
    with pytest.raises(ValidationError) as refused:
        ParametricVar(quantile=Decimal("0.000001"), **fields)
    return ParametricVar(quantile=Decimal(str(refused.value).split('write "')[1].split('"')[0]), **fields)


# At the edge ---------------------------------------------------------------------------------------------------------


def at_edge(constraint: Limited, book: Book, offset: Fraction) -> Limited | None:
    """The same constraint with the limit that leaves the offset."""
    measure = Fraction(constraint.limit) * book.nav_usd - constraint.plain_slack_usd(book)
    if book.nav_usd <= 0 or measure + offset <= 0:
        return None
    limit = Decimal(round((measure + offset) / book.nav_usd * 10**12)).scaleb(-12)
    return constraint.model_copy(update={"limit": limit}) if 0 < limit < 50 else None


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_levels_and_horizons_at_once_mean_what_they_say(data: st.DataObject) -> None:
    """(K.8), (K.9), (K.14), (K.15): one book at the edge of them all, in a sleeve or not."""
    market = data.draw(rich_markets())
    sources = data.draw(splits(market))
    held = data.draw(quantities(market, sources))
    horizon = st.integers(1, market.scenario_count)
    level = decimals("0.51", "0.99", 2)
    drawn: list[Limited] = []
    for _ in range(2):
        drawn += [
            HistoricalVar(confidence=data.draw(level), limit=Decimal(1), horizon_days=data.draw(horizon)),
            ExpectedShortfall(confidence=data.draw(level), limit=Decimal(1), horizon_days=data.draw(horizon)),
            parametric(data.draw(level), data.draw(st.integers(1, 365))),
        ]
    drawn += [parametric(data.draw(level), 10, data.draw(decimals("2.1", "30", 1))), Volatility(limit=Decimal(1))]
    inside = data.draw(st.one_of(st.none(), st.sets(st.sampled_from(market.ids), min_size=1)))
    netting = data.draw(st.sampled_from(["across_sources", "none"]))
    plain = policy_of(market, sources=sources, netting=netting)
    book = book_of(plain, market, held).within(inside)
    offset = Fraction(data.draw(st.integers(-30, 30)), 10) * Fraction(data.draw(st.sampled_from(["0.001", "1", "10"])))
    limits = tuple(c for c in (at_edge(constraint, book, offset) for constraint in drawn) if c is not None)
    items: Any = tuple(limit.model_dump() for limit in limits)
    if inside is not None and limits:
        items = ({"kind": "sleeve", "name": "part", "instruments": tuple(sorted(inside)), "constraints": items},)
    policy = Policy.model_validate(plain.model_dump() | {"constraints": items})
    assert_program_means_policy(compile_policy(policy, market), policy, market, held)


QUIET: tuple[Constraint, ...] = (
    Solvency(),
    GrossLeverage(limit=Decimal(1)),
    HistoricalVar(confidence=Decimal("0.9"), limit=Decimal("0.1")),
    ExpectedShortfall(confidence=Decimal("0.9"), limit=Decimal("0.1")),
    ParametricVar(confidence=Decimal("0.99"), limit=Decimal("0.05"), quantile=NORMAL_99),
    Volatility(limit=Decimal("0.5")),
)
"""What 100 000 of BTC, 100 000 of ETH and 300 000 of USD keep with room."""
STUDENT = {"distribution": "student_t", "degrees_of_freedom": Decimal(4), "quantile": Decimal("2.65")}
EXACT = [
    # Two-day losses of 28 000 and 10 000 and two gains: k = ⌊0.3·4⌋ = 1, and 1.2 scenarios in the tail.
    HistoricalVar(name="tight", confidence=Decimal("0.7"), limit=Decimal("0.02"), horizon_days=2),
    ExpectedShortfall(name="tight", confidence=Decimal("0.7"), limit=Decimal("0.05"), horizon_days=2),
    HistoricalVar(name="tight", confidence=Decimal("0.99"), limit=Decimal("0.04")),
    # z·√h·5 000 of 500 000.
    ParametricVar(name="tight", confidence=Decimal("0.99"), limit=NORMAL_99 / 100, quantile=NORMAL_99),
    ParametricVar(name="tight", confidence=Decimal("0.99"), limit=NORMAL_99 / 20, quantile=NORMAL_99, horizon_days=25),
    ParametricVar(name="tight", confidence=Decimal("0.99"), limit=Decimal("0.053"), horizon_days=4, **STUDENT),
]


@pytest.mark.parametrize("tight", EXACT, ids=lambda c: f"{c.kind}-{c.horizon_days}")
def test_the_limit_itself_is_kept_and_one_lot_more_breaks_it_alone(market: Market, tight: Constraint) -> None:
    compiled = compile_policy(policy_of(market, *QUIET, tight), market)
    lots = hold(compiled, BTC="1000", ETH="10000", USD="300000")
    assert violated(compiled, lots) == ()
    assert compiled.slacks_usd(compiled.quantities(lots))["tight"] == 0
    assert violated(compiled, one_more(compiled, lots, "BTC")) == ("tight",)


@pytest.mark.parametrize(("limit", "broken"), [("0.191049732", ()), ("0.191049731", ("volatility",))])
def test_volatility_stands_between_two_billionths(market: Market, limit: str, broken: tuple[str, ...]) -> None:
    """√365·5 000 of 500 000 is irrational: 19.1049731745…%."""
    constraints = [c for c in QUIET if c.kind != "volatility"]
    compiled = compile_policy(policy_of(market, *constraints, Volatility(limit=Decimal(limit))), market)
    assert violated(compiled, hold(compiled, BTC="1000", ETH="10000", USD="300000")) == broken


def test_in_a_sleeve_neither_risk_nor_capital_outside_counts(market: Market) -> None:
    limit = ParametricVar(confidence=Decimal("0.99"), limit=NORMAL_99 * Decimal("0.03"), quantile=NORMAL_99)
    sleeve = {"kind": "sleeve", "name": "part", "instruments": ("BTC",), "constraints": (limit.model_dump(),)}
    policy = Policy.model_validate(policy_of(market).model_dump() | {"constraints": (sleeve,)})
    compiled = compile_policy(policy, market)
    for outside in ("0", "500000"):
        lots = hold(compiled, BTC="1000", ETH=outside, USD=outside)
        assert violated(compiled, lots) == ()
        assert compiled.slacks_usd(compiled.quantities(lots))["part.parametric_var"] == 0
    tighter = limit.model_copy(update={"limit": limit.limit - Decimal("0.000000001")}).model_dump()
    policy = Policy.model_validate(policy.model_dump() | {"constraints": (sleeve | {"constraints": (tighter,)},)})
    compiled = compile_policy(policy, market)
    assert violated(compiled, hold(compiled, BTC="1000", USD="500000")) == ("part.parametric_var",)


# Attacks -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cone(market: Market) -> CompiledPolicy:
    limit = ParametricVar(confidence=Decimal("0.99"), limit=NORMAL_99 / 50, quantile=NORMAL_99)
    return compile_policy(policy_of(market, limit), market)


def changed(program: Program, name: str, **fields: Any) -> Program:
    rows = tuple(replace(row, **fields) if row.name == name else row for row in program.rows)
    return replace(program, rows=rows)


def test_the_radius_of_a_cone_on_a_free_row_is_refused(cone: CompiledPolicy) -> None:
    """There a negative radius would square to room."""
    with pytest.raises(ProgramError, match="R3"):
        check(changed(cone.program, "parametric_var/radius", kind=Kind.FREE))


def test_negative_capital_makes_no_radius(market: Market) -> None:
    """A sleeve that owes 100 000 and has no risk of its own: (−x)² ≥ 0 must not do."""
    calm = with_model(market, ("one",), BTC="0.03")
    limit = ParametricVar(confidence=Decimal("0.99"), limit=NORMAL_99 / 10, quantile=NORMAL_99).model_dump()
    sleeve = {"kind": "sleeve", "name": "debts", "instruments": ("owed-ETH",), "constraints": (limit,)}
    policy = Policy.model_validate(policy_of(calm).model_dump() | {"constraints": (sleeve,)})
    compiled = compile_policy(policy, calm)
    assert violated(compiled, hold(compiled, USD="200000", owed_ETH="10000")) == ("debts.parametric_var",)
    assert violated(compiled, hold(compiled, USD="200000")) == ()


@pytest.mark.parametrize("step", [-1, 1, -(2**20), 2**20])
def test_no_other_value_of_the_high_part_proves_a_cone(cone: CompiledPolicy, step: int) -> None:
    vector = list(cone.quantities(hold(cone, BTC="1000", ETH="10000", USD="300000")))
    solve(cone.program, vector)
    (high,) = cone.constraint("parametric_var").aux
    vector[high] += step
    assert vector[high] != step, "the room in squares is above 2^77 here, or the test says nothing"
    # Too large a value leaves the target negative. Too small a one leaves it above 2^77, which no part can hold.
    with pytest.raises(StatementFalse) as refused:
        solve(cone.program, vector)
    assert refused.value.constraints == ("parametric_var",)


def test_no_value_of_the_high_part_saves_a_broken_cone(cone: CompiledPolicy) -> None:
    vector = list(cone.quantities(hold(cone, BTC="2000", ETH="20000", USD="99900")))
    (high,) = cone.constraint("parametric_var").aux
    for value in (0, 1, 2**30, 2**77 - 1, -1, -(2**30)):
        vector[high] = value
        with pytest.raises(StatementFalse):
            solve(cone.program, vector)


def test_every_factor_and_every_own_volatility_enters_the_norm(market: Market) -> None:
    """Each instrument moves by one row alone, so that a row left out would let it pass."""
    model = with_model(market, ("one", "two"), {"USD": "0.05", "owed-ETH": "0.05"}, BTC="0.05 0", ETH="0 0.05")
    limit = Volatility(limit=Decimal("0.5"))  # 2.617 % a day
    compiled = compile_policy(policy_of(model, limit, nav_floor_usd="0.01"), model)
    norm = compiled.program.rows[compiled.program.index("volatility/norm")]
    own = [i for i in compiled.constraint("volatility").rows if compiled.program.rows[i].kind is Kind.FREE]
    assert [compiled.program.rows[i].name for i in own] == [
        "volatility/factor one",
        "volatility/factor two",
        "volatility/specific USD",
        "volatility/specific owed-ETH",
    ]
    assert {e: w for e, w in norm.square_weights.items() if w > 0} == {Entry(i, p): 365 for i in own for p in Part}
    for name in ("BTC", "ETH", "USD"):
        assert violated(compiled, hold(compiled, **{name: "1000"})) == ("volatility",)
    assert "volatility" in violated(compiled, hold(compiled, USD="1000", owed_ETH="60"))


def test_a_position_split_over_custodians_has_the_risk_of_the_whole(market: Market) -> None:
    """Longs add up wherever they lie; a long and a short of one instrument cancel, whatever the netting of sizes."""
    model = with_model(market, ("one",), {"BTC": "0.04"}, BTC="0.03")
    limit = ParametricVar(confidence=Decimal("0.99"), limit=NORMAL_99 / 100, quantile=NORMAL_99)
    two = [("a", ["BTC", "USD"]), ("b", ["BTC"])]
    for netting in ("across_sources", "none"):
        compiled = compile_policy(policy_of(model, limit, sources=two, netting=netting), model)

        def broken(a: str, b: str, usd: str, compiled: CompiledPolicy = compiled) -> tuple[str, ...]:
            held = {("a", "BTC"): Decimal(a), ("b", "BTC"): Decimal(b), ("a", "USD"): Decimal(usd)}
            return violated(compiled, lots_of(compiled, held))

        assert broken("1000", "0", "400000") == broken("500", "500", "400000") == ()
        assert broken("501", "500", "399900") == ("parametric_var",)
        assert broken("20000", "-19000", "400000") == ()
        assert broken("-1000", "-1", "600100") == broken("-1001", "0", "600100") == ("parametric_var",)


def test_a_debt_takes_the_risk_of_what_it_funds_away(market: Market) -> None:
    """Owing what one owns is no risk; with the sign of the debt forgotten it would be twice the risk."""
    limit = ParametricVar(confidence=Decimal("0.99"), limit=Decimal("0.000001"), quantile=NORMAL_99)
    compiled = compile_policy(policy_of(market, limit), market)
    assert violated(compiled, hold(compiled, ETH="10000", USD="300000", owed_ETH="10000")) == ()
    assert violated(compiled, hold(compiled, ETH="10000", USD="300000", owed_ETH="9900")) == ("parametric_var",)
    assert violated(compiled, hold(compiled, ETH="9900", USD="300000", owed_ETH="10000")) == ("parametric_var",)


def test_no_choice_of_lots_profits_from_rounding() -> None:
    """Loadings and a limit of many decimals: whatever lots pass near the edge keep the limit exactly as written."""
    plain = fixed_market({"A": "3.37", "B": "0.0713", "USD": "1"}, {"A": ["0"], "B": ["0"], "USD": ["0"]})
    market = with_model(plain, ("x", "y"), {"B": "0.007777777"}, A="0.033333333 0.017171717", B="0.021234567 0")
    limit = ParametricVar(confidence=Decimal("0.95"), limit=Decimal("0.0333333333333"), quantile=Decimal("1.645"))
    compiled = compile_policy(policy_of(market, limit), market)
    entry = compiled.constraint("parametric_var")
    base = hold(compiled, A="9000", B="400000", USD="40000")

    def exact(lots: tuple[int, ...]) -> Fraction:
        return entry.plain_slack_usd(Book(market, whole_quantities(compiled.layout, lots)))

    for second in range(20):
        inside, outside = 0, 10**6
        while outside - inside > 1:
            middle = (inside + outside) // 2
            kept = exact((base[0] + middle, base[1] + second, base[2])) >= 0
            inside, outside = (middle, outside) if kept else (inside, middle)
        within, beyond = ((base[0] + first, base[1] + second, base[2]) for first in (inside, outside))
        assert violated(compiled, beyond) == ("parametric_var",)
        assert violated(compiled, within) == () or exact(within) <= entry.rounding_usd


@pytest.mark.parametrize("kind", [HistoricalVar, ExpectedShortfall])
def test_a_limit_that_rounds_up_in_every_lot_makes_no_room(kind: type[HistoricalVar | ExpectedShortfall]) -> None:
    """(K.13): 100 000 lost of 1 500 000; two thirds of a money unit count as one in fifty million lots."""
    returns = {"A": ["-0.1", "-0.1"], "USD": ["0", "0"]}
    market = fixed_market({"A": "1", "USD": "1"}, returns, A={"lot": "1"}, USD={"lot": "0.01"})
    limit = kind(confidence=Decimal("0.5"), limit=Decimal("0.066666666666666666"))
    compiled = compile_policy(policy_of(market, limit, rounding_tolerance="0.001"), market)
    (limited,) = compiled.constraints[2:]
    for cents in range(49_999_900, 50_000_001):
        lots = (1_000_000, cents)
        assert limited.plain_slack_usd(Book(market, whole_quantities(compiled.layout, lots))) < 0
        assert violated(compiled, lots) == (limited.name,)
    assert violated(compiled, (1_000_000, 50_100_000)) == ()


def test_what_rounding_takes_off_a_component_is_taken_off_the_radius() -> None:
    """(K.14): a loading of 0.0333… rounds down in every one of a million lots, while the radius is exact."""
    plain = fixed_market({"A": "1", "USD": "1"}, {"A": ["0"], "USD": ["0"]}, A={"lot": "1"}, USD={"lot": "0.01"})
    market = with_model(plain, ("x",), A="0.033333333333333333")
    limit = ParametricVar(confidence=Decimal("0.99"), limit=NORMAL_99 / 100, quantile=NORMAL_99)
    compiled = compile_policy(policy_of(market, limit, rounding_tolerance="0.001"), market)
    entry = compiled.constraint("parametric_var")
    for cents in range(233333300, 233333366, 3):
        lots = (1_000_000, cents)
        exact = entry.plain_slack_usd(Book(market, whole_quantities(compiled.layout, lots)))
        assert (exact >= 0) == (cents > 233333333)
        if exact < 0:
            assert violated(compiled, lots) == ("parametric_var",)
    room = 233333334 + int(entry.rounding_usd * 10_000)
    assert violated(compiled, (1_000_000, room)) == ()


# Under the optimiser --------------------------------------------------------------------------------------------------


def test_the_shadow_price_of_a_cone_is_what_a_wider_one_earns() -> None:
    """(K.36): the price is for 1 % of NAV, the step is 0.1 % on either side."""
    daily = {"BTC": ["0.02", "0"], "ETH": ["0.01", "0.01"], "USD": ["0", "0"]}
    plain = fixed_market({"BTC": "100", "ETH": "10", "USD": "1"}, daily)
    market = with_model(plain, ("one", "two"), BTC="0.03 0.01", ETH="0 0.04")

    def best(limit: str) -> Allocation:
        cone = ParametricVar(confidence=Decimal("0.99"), limit=Decimal(limit), quantile=NORMAL_99)
        return optimise(compile_policy(policy_of(market, cone), market), MaximiseReturn(), capital_usd=1_000_000)

    within, at, beyond = best("0.039"), best("0.04"), best("0.041")
    assert "parametric_var" in at.binding
    difference = (beyond.objective_value - within.objective_value) * 5
    assert at.shadow_prices["parametric_var"] == pytest.approx(difference, rel=1e-3)


# Parameters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "freedom", "published"),
    [
        ("0.95", None, "1.644853627"),
        ("0.99", None, "2.326347875"),
        ("0.99", "4", "2.649491907"),
        ("0.975", "5", "1.991164128"),
    ],
)
def test_quantiles_are_those_of_the_tables(level: str, freedom: str | None, published: str) -> None:
    """Normal: 1.644854, 2.326348. Student's t: 3.746947·√(2/4) and 2.570582·√(3/5)."""
    fields: dict[str, Any] = {"confidence": Decimal(level), "limit": Decimal("0.1")}
    if freedom is not None:
        fields |= {"distribution": "student_t", "degrees_of_freedom": Decimal(freedom)}
    exact = Decimal(published)
    assert ParametricVar(quantile=exact, **fields).exact_quantile() == pytest.approx(float(exact), abs=1e-9)
    ParametricVar(quantile=exact * Decimal("1.0099"), **fields)
    for wrong in (exact - Decimal("0.00001"), exact * Decimal("1.0101")):
        with pytest.raises(ValidationError, match="write"):
            ParametricVar(quantile=wrong, **fields)


@given(level=decimals("0.5001", "0.9999999999", 10), freedom=st.one_of(st.none(), decimals("2.001", "1000", 3)))
@settings(max_examples=60, deadline=None)
def test_the_number_that_a_refusal_tells_to_write_is_accepted(level: Decimal, freedom: Decimal | None) -> None:
    constraint = parametric(level, freedom=freedom)
    assert float(constraint.quantile) == pytest.approx(constraint.exact_quantile(), rel=1e-8)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"confidence": "0.5"}, "confidence"),
        ({"confidence": "1"}, "confidence"),
        ({"limit": "0"}, "limit"),
        ({"limit": 0.1}, "limit"),
        ({"horizon_days": "0"}, "horizon_days"),
        ({"horizon_days": "1.5"}, "horizon_days"),
        ({"degrees_of_freedom": "4"}, "student_t"),
        ({"distribution": "student_t"}, "student_t"),
        ({"distribution": "student_t", "degrees_of_freedom": "2"}, "degrees_of_freedom"),
        ({"distribution": "cauchy"}, "distribution"),
        ({"confidence": "0.999"}, "write"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(fields: dict[str, Any], reason: str) -> None:
    sound = {"kind": "parametric_var", "confidence": "0.99", "limit": "0.1", "quantile": "2.326347875"}
    ParametricVar.model_validate_json(json.dumps(sound))
    with pytest.raises(ValidationError, match=reason):
        ParametricVar.model_validate_json(json.dumps(sound | fields))


@pytest.mark.parametrize("kind", ["parametric_var", "volatility"])
def test_a_market_without_a_risk_model_is_refused(kind: str) -> None:
    bare = fixed_market({"USD": "1"}, {"USD": ["0"]})
    limit = next(c for c in QUIET if c.kind == kind)
    with pytest.raises(PolicyError, match="publishes no risk model"):
        compile_policy(policy_of(bare, limit), bare)


@pytest.mark.parametrize("kind", [HistoricalVar, ExpectedShortfall])
def test_a_horizon_that_the_scenarios_do_not_have_is_refused(
    market: Market, kind: type[HistoricalVar | ExpectedShortfall]
) -> None:
    limit = kind(confidence=Decimal("0.9"), limit=Decimal(1), horizon_days=6)
    with pytest.raises(PolicyError, match="as many scenarios"):
        compile_policy(policy_of(market, limit), market)
    gapped = market.model_dump()
    gapped["scenarios"]["dates"] = (market.scenarios.dates[0].replace(year=2019), *market.scenarios.dates[1:])
    limit = limit.model_copy(update={"horizon_days": 2})
    with pytest.raises(PolicyError, match="consecutive"):
        compile_policy(policy_of(market, limit), Market.model_validate(gapped))


def test_sentences_say_level_horizon_and_distribution() -> None:
    assert [c.sentence() for c in (*EXACT[:2], EXACT[4], EXACT[5], QUIET[-1])] == [
        "2-day historical value at risk at 70% is at most 2% of NAV.",
        "2-day expected shortfall at 70% is at most 5% of NAV.",
        "25-day parametric value at risk at 99% (normal, 2.326347875 standard deviations) is at most 11.631739375% "
        "of NAV.",
        "4-day parametric value at risk at 99% (Student's t with 4 degrees of freedom, 2.65 standard deviations) is at "
        "most 5.3% of NAV.",
        "Volatility a year, by the published risk model, is at most 50% of NAV.",
    ]


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_what_keeps_a_tightened_cone_keeps_the_looser_one(data: st.DataObject) -> None:
    book_market = data.draw(rich_markets())
    held = data.draw(quantities(book_market, [("custodian-a", book_market.ids)]))
    book = book_of(policy_of(book_market), book_market, held)
    levels = sorted(data.draw(st.lists(decimals("0.51", "0.99", 2), min_size=2, max_size=2)))
    limits = sorted(data.draw(st.lists(decimals("0.01", "2", 2), min_size=2, max_size=2)))
    horizons = sorted(data.draw(st.lists(st.integers(1, 30), min_size=2, max_size=2)))
    loose = parametric(levels[0], horizons[0], limit=str(limits[1]))
    tight = parametric(levels[1], horizons[1], limit=str(limits[0]))
    assert tight.tightens(loose)
    assert loose == tight or not loose.tightens(tight)
    if tight.plain_slack_usd(book) >= 0:
        assert loose.plain_slack_usd(book) >= 0


@given(bound=st.fractions(-10, 10, max_denominator=50), square=st.fractions(0, 99, max_denominator=50))
def test_a_slack_below_a_root_has_the_exact_sign(bound: Fraction, square: Fraction) -> None:
    slack = below_root(bound, square)
    assert (slack >= 0) == (bound >= 0 and bound**2 >= square)
    assert float(slack) == pytest.approx(float(bound) - sqrt(square), abs=1e-12)
    assert below_root(bound**2, bound**4) == 0


@given(market=markets(max_instruments=2, min_scenarios=4, max_scenarios=6), days=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_horizon_losses_are_products_of_days(market: Market, days: int) -> None:
    name = market.ids[0]
    daily = [Fraction(r) for r in market.scenarios.returns[name]]
    for s, scaled in enumerate(market.horizon_returns(name, days)):
        exact = Fraction(1)
        for r in daily[s : s + days]:
            exact *= 1 + r
        assert abs(Fraction(scaled, 10**9) - (exact - 1)) <= Fraction(1, 2 * 10**9)
