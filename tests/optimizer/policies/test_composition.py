"""Groups, sleeves, inheritance, and policies of several programs."""

import json
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.program import Entry, check, slacks
from optimizer.errors import PolicyError
from optimizer.market import Market
from optimizer.policy import (
    Concentration,
    ExpectedShortfall,
    GrossLeverage,
    HistoricalVar,
    Policy,
    Solvency,
    compile_policy,
)
from optimizer.policy.split import CAPACITY, select, split
from tests.optimizer.policy_edges import assert_program_means_policy, violated
from tests.optimizer.policy_strategies import lots_of, policy_of, quantities, splits
from tests.optimizer.strategies import fixed_market, markets

BASE: dict[str, Any] = {
    "version": "1",
    "name": "house rules",
    "nav_floor_usd": "1000",
    "gross_cap_usd": "10000000",
    "rounding_tolerance": "0.000001",
    "sources": [{"name": "a", "role": "custodian", "instruments": ["BTC", "USD"]}],
    "constraints": [
        {"kind": "gross_leverage", "limit": "2"},
        {"kind": "historical_var", "confidence": "0.95", "limit": "0.1"},
    ],
}


def parsed(document: dict[str, Any]) -> Policy:
    return Policy.parse(json.dumps(document).encode())


@pytest.fixture
def market() -> Market:
    return fixed_market(
        {"BTC": "100", "ETH": "10", "USD": "1"},
        {"BTC": ["-0.1", "0.1", "0.02"], "ETH": ["-0.3", "0.2", "0.01"], "USD": ["0"] * 3},
    )


def sleeve(**fields: Any) -> dict[str, Any]:
    return {"kind": "sleeve", "name": "directional", "instruments": ["BTC", "ETH"]} | fields


def test_nav_of_a_sleeve_is_its_own(market: Market) -> None:
    """60 of 100 in the sleeve is 50 % of the fund, and all of the sleeve."""
    inside = sleeve(constraints=[{"kind": "concentration", "limit": "0.6"}])
    document = BASE | {
        "constraints": [inside],
        "sources": [BASE["sources"][0] | {"instruments": ["BTC", "ETH", "USD"]}],
    }
    policy = parsed(document)
    compiled = compile_policy(policy, market)
    assert [c.name for c in compiled.constraints][2:] == ["directional.concentration"]
    cash = {("a", "USD"): Decimal(99_000)}
    lopsided = lots_of(compiled, cash | {("a", "BTC"): Decimal(500), ("a", "ETH"): Decimal(100)})
    assert violated(compiled, lopsided) == ("directional.concentration",)
    even = lots_of(compiled, cash | {("a", "BTC"): Decimal(55), ("a", "ETH"): Decimal(450)})
    assert violated(compiled, even) == ()
    assert "BTC, ETH" in policy.sentences()["directional.concentration"]


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_limits_in_a_sleeve_mean_the_same_on_its_instruments(data: st.DataObject) -> None:
    market = data.draw(markets(min_instruments=2, max_instruments=4, max_scenarios=8))
    sources = data.draw(splits(market))
    held = data.draw(quantities(market, sources))
    inside = data.draw(st.sets(st.sampled_from(market.ids), min_size=1))
    group = {
        "kind": "sleeve",
        "name": "part",
        "instruments": tuple(sorted(inside)),
        "constraints": (
            Solvency().model_dump(),
            HistoricalVar(confidence=Decimal("0.6"), limit=Decimal("0.1")).model_dump(),
            ExpectedShortfall(confidence=Decimal("0.7"), limit=Decimal("0.1")).model_dump(),
            GrossLeverage(limit=Decimal(1)).model_dump(),
            Concentration(limit=Decimal("0.7")).model_dump(),
        ),
    }
    netting = data.draw(st.sampled_from(["across_sources", "none"]))
    plain = policy_of(market, sources=sources, netting=netting)
    policy = Policy.model_validate(plain.model_dump() | {"constraints": (group,)})
    assert_program_means_policy(compile_policy(policy, market), policy, market, held)


def test_groups_nest_and_name_their_constraints(market: Market) -> None:
    limits = [{"kind": "gross_leverage", "limit": "1"}, {"kind": "gross_leverage", "limit": "2"}]
    document = BASE | {
        "constraints": [
            {"kind": "all_of", "name": "risk", "constraints": [*limits, {"kind": "solvency", "name": "cover"}]},
            sleeve(instruments=["BTC"], constraints=[{"kind": "all_of", "name": "x", "constraints": limits[:1]}]),
        ]
    }
    names = [c.name for c in parsed(document).limits()]
    assert names == ["risk.gross_leverage-1", "risk.gross_leverage-2", "risk.cover", "directional.x.gross_leverage"]
    scopes = [c.scope for c in parsed(document).limits()]
    assert scopes == [None, None, None, frozenset({"BTC"})]


@pytest.mark.parametrize(
    ("constraints", "reason"),
    [
        ([sleeve(constraints=[])], "at least 1"),
        ([{"kind": "all_of", "name": "positions", "constraints": [{"kind": "solvency"}]}], "already taken"),
        ([sleeve(instruments=["BTC"], constraints=[sleeve(constraints=[{"kind": "solvency"}])])], "outer sleeve"),
        ([{"kind": "any_of", "name": "x", "constraints": []}], "any_of"),
    ],
)
def test_groups_that_cannot_be_are_refused(constraints: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        parsed(BASE | {"constraints": constraints})


def test_a_sleeve_of_an_instrument_that_nobody_reports_is_refused(market: Market) -> None:
    policy = parsed(BASE | {"constraints": [sleeve(constraints=[{"kind": "solvency"}])]})
    with pytest.raises(PolicyError, match="nobody reports 'ETH'"):
        compile_policy(policy, market)


def test_a_limit_on_what_its_sleeve_leaves_out_is_refused(market: Market) -> None:
    """All coefficients would be 0, and the promise would be kept by saying nothing."""
    limit = {"kind": "position_limit", "instrument": "USD", "max_usd": "1"}
    document = BASE | {"constraints": [sleeve(instruments=["BTC"], constraints=[limit])]}
    with pytest.raises(PolicyError, match="'USD' is not in this constraint's sleeve"):
        compile_policy(parsed(document), market)


# Inheritance ---------------------------------------------------------------------------------------------------------


def derived(**fields: Any) -> dict[str, Any]:
    return BASE | {"name": "tighter", "base": BASE, "constraints": []} | fields


def test_a_policy_keeps_what_its_base_promises() -> None:
    tighter = {"kind": "gross_leverage", "limit": "1.5"}
    more = {"kind": "concentration", "limit": "0.4"}
    policy = parsed(derived(constraints=[tighter, more]))
    limits = {c.name: c.definition for c in policy.limits()}
    assert list(limits) == ["gross_leverage", "historical_var", "concentration"]
    assert limits["gross_leverage"] == GrossLeverage(limit=Decimal("1.5"))
    assert policy.hash != parsed(BASE).hash
    grandchild = parsed(derived(base=derived(constraints=[tighter])))
    assert grandchild.limits()[0].definition == GrossLeverage(limit=Decimal("1.5"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"constraints": [{"kind": "gross_leverage", "limit": "2.1"}]}, "not tighter"),
        ({"constraints": [{"kind": "historical_var", "confidence": "0.94", "limit": "0.1"}]}, "not tighter"),
        ({"constraints": [{"kind": "historical_var", "confidence": "0.99", "limit": "0.11"}]}, "not tighter"),
        ({"constraints": [{"kind": "solvency", "name": "gross_leverage"}]}, "not tighter"),
        ({"constraints": [{"kind": "gross_leverage", "limit": "1", "instruments": ["BTC"]}]}, "not tighter"),
        ({"constraints": [sleeve(name="x", constraints=[{"kind": "solvency"}])], "netting": "none"}, "netting"),
        ({"nav_floor_usd": "999"}, "nav_floor_usd"),
        ({"gross_cap_usd": "10000001"}, "gross_cap_usd"),
        ({"rounding_tolerance": "0.00001"}, "rounding_tolerance"),
        ({"sources": [{"name": "a", "role": "custodian", "instruments": ["BTC"]}]}, "reports less"),
        ({"sources": [{"name": "b", "role": "custodian", "instruments": ["BTC", "USD"]}]}, "missing"),
        ({"sources": [{"name": "a", "role": "lending", "instruments": ["BTC", "USD"]}]}, "missing"),
    ],
)
def test_a_policy_that_loosens_its_base_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        parsed(derived(**fields))


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_what_keeps_a_tightened_policy_keeps_its_base(data: st.DataObject) -> None:
    """Every declared direction of tightening is one: whole lots that pass the child pass the base."""
    market = data.draw(markets(max_instruments=3, max_scenarios=8))
    sources = data.draw(splits(market))
    held = data.draw(quantities(market, sources))
    limits = st.integers(1, 40).map(lambda n: Decimal(n) / 20)
    levels = st.integers(2, 19).map(lambda n: Decimal(n) / 20)
    first, second = sorted((data.draw(limits), data.draw(limits)))
    low, high = sorted((data.draw(levels), data.draw(levels)))
    makers: list[Callable[[Decimal, Decimal], Any]] = [
        lambda limit, level: HistoricalVar(limit=limit, confidence=level),
        lambda limit, level: ExpectedShortfall(limit=limit, confidence=level),
        lambda limit, _: GrossLeverage(limit=limit),
        lambda limit, _: Concentration(limit=limit),
    ]
    for make in makers:
        tight, loose = make(first, high), make(second, low)
        assert tight.tightens(loose)
        compiled = [compile_policy(policy_of(market, limit, sources=sources), market) for limit in (tight, loose)]
        broken = [violated(c, lots_of(c, held)) for c in compiled]
        if tight.default_name not in broken[0] and "gross_cap" not in broken[0]:
            exact = compiled[1].constraints[2]
            assert exact.name not in broken[1] or exact.rounding_usd > 0


# Several programs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_market() -> Market:
    series = [f"{(i * 37 % 101 - 50) / 1000:.3f}" for i in range(900)]
    return fixed_market({"BTC": "100", "USD": "1"}, {"BTC": series, "USD": ["0"] * 900}, BTC={"signed": True})


LONG = (
    Solvency(),
    HistoricalVar(confidence=Decimal("0.99"), limit=Decimal("0.04")),
    ExpectedShortfall(confidence=Decimal("0.975"), limit=Decimal("0.05")),
    HistoricalVar(name="weekly", confidence=Decimal("0.9"), limit=Decimal("0.2"), horizon_days=7),
    GrossLeverage(limit=Decimal("1.5")),
)


def test_a_long_policy_becomes_several_programs_that_together_say_the_same(long_market: Market) -> None:
    two = [("a", ["BTC", "USD"]), ("b", ["BTC"])]
    compiled = compile_policy(policy_of(long_market, *LONG, sources=two), long_market)
    assert len(compiled.program.rows) > CAPACITY
    assert len(compiled.programs) == 2
    names = [row.name for program in compiled.programs for row in program.rows]
    assert set(names) == {row.name for row in compiled.program.rows}
    for program in compiled.programs:
        check(program)
        assert len(program.rows) <= CAPACITY
        assert program.aux == compiled.program.aux
        own = {row.name for row in program.rows}
        assert {"nav_floor/floor", "gross_cap/limit", "holdings/a BTC", "holdings/b BTC", "holdings/a USD"} <= own
        assert "expected_shortfall/t" in own
    quantities = compiled.quantities(lots_of(compiled, {("a", "BTC"): Decimal(-300), ("a", "USD"): Decimal(100_000)}))
    whole = dict(zip([row.name for row in compiled.program.rows], slacks(compiled.program, quantities), strict=True))
    for program in compiled.programs:
        for row, value in zip(program.rows, slacks(program, quantities), strict=True):
            assert value == whole[row.name]


def test_no_constraint_is_torn_over_two_programs(long_market: Market) -> None:
    compiled = compile_policy(policy_of(long_market, *LONG), long_market)
    for constraint in compiled.constraints[2:]:
        rows = {compiled.program.rows[i].name for i in constraint.rows}
        homes = [p for p in compiled.programs if rows <= {row.name for row in p.rows}]
        assert len(homes) == 1, constraint.name


def test_a_policy_that_fits_stays_one_program(market: Market) -> None:
    compiled = compile_policy(policy_of(market, Solvency()), market)
    assert compiled.programs == (compiled.program,)


def test_a_selection_keeps_the_rows_that_aggregates_read(long_market: Market) -> None:
    """An aggregate without its sources cannot be selected."""
    program = compile_policy(policy_of(long_market, LONG[-1]), long_market).program
    target = program.index("gross_leverage/limit")
    assert {entry.row for entry in program.rows[target].weights} <= set(range(len(program.rows)))
    with pytest.raises(KeyError):
        select(program, {target})
    sources = {entry.row for entry in program.rows[target].weights}
    selected = select(program, {target} | sources)
    assert [row.name for row in selected.rows][-1] == "gross_leverage/limit"
    assert all(isinstance(entry, Entry) for entry in selected.rows[-1].weights)


def test_split_needs_a_home_for_every_constraint(long_market: Market) -> None:
    program = compile_policy(policy_of(long_market, *LONG), long_market).program
    everything = {"all": tuple(range(len(program.rows)))}
    with pytest.raises(PolicyError, match="one program holds"):
        split(program, (), everything)


def test_rounding_of_split_policies_is_that_of_the_whole(long_market: Market) -> None:
    policy = policy_of(long_market, *LONG)
    held = {("custodian-a", "BTC"): Decimal("123.456"), ("custodian-a", "USD"): Decimal("54321.9")}
    compiled = compile_policy(policy, long_market)
    assert_program_means_policy(compiled, policy, long_market, held)
    assert all(c.bound_usd <= Fraction(10) for c in compiled.constraints)
