"""Stress limits: what scenarios do to instruments, and what is left of a fund after them."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from optimizer.errors import DataError, PolicyError
from optimizer.market import AssetTerms, Market
from optimizer.policy import (
    CompiledPolicy,
    Constraint,
    ExpectedShortfall,
    GrossLeverage,
    HealthFactor,
    Policy,
    Solvency,
    Stress,
    compile_policy,
)
from optimizer.scenarios.stress import (
    BridgeLoss,
    Contagion,
    Custom,
    Gap,
    ProtocolLoss,
    Scenario,
    Shock,
    ShockedChange,
    StablecoinDepeg,
    StakingDiscount,
    shocked_changes,
    unmatched,
)
from optimizer.scenarios.stress import Stress as Preset
from tests.optimizer.policy_edges import assert_program_means_policy, violated
from tests.optimizer.policy_strategies import book_of, lots_of, policy_of, quantities, splits
from tests.optimizer.strategies import decimals, fixed_market, rich_markets

HALF = Decimal("0.5")
TENTH = Decimal("0.1")


@pytest.fixture
def market() -> Market:
    names = {"BTC": "100", "ETH": "10", "stETH": "10", "USDC": "1", "supply-ETH": "10", "borrow-USDC": "1", "USD": "1"}
    terms: dict[str, Any] = {
        "BTC": {"signed": True, "protocol": "perps", "chain": "side"},
        "stETH": {"asset": "ETH", "kind": "staking", "chain": "main"},
        "USDC": {"kind": "stablecoin", "signed": True, "chain": "side"},
        "supply-ETH": {"asset": "ETH", "kind": "supply", "protocol": "lender", "chain": "main", "account": "vault",
                       "liquidation_threshold": "0.8"},
        "borrow-USDC": {"asset": "USDC", "kind": "borrow", "protocol": "lender", "chain": "main", "account": "vault"},
    }  # fmt: skip
    plain = fixed_market(names, {name: ["0", "0.01"] for name in names}, **terms)
    betas = {"ETH-PERP": dict(zip(names, map(Decimal, ("0.5", "1", "1.25", "0", "1", "0", "0")), strict=True))}
    assets = {"USDC": AssetTerms(issuer="circle"), "USD": AssetTerms(issuer="treasury")}
    extended = plain.model_copy(update={"betas": betas, "assets": assets})
    return Market.model_validate(extended.model_dump())


def with_option(market: Market) -> Market:
    """The same market with a signed option on BTC."""
    document = market.model_dump()
    option = market.instrument("BTC").model_dump() | {"id": "put", "kind": "option", "greeks": {"delta_usd": "-40"}}
    document["instruments"] = (*document["instruments"], option)
    document["scenarios"]["returns"]["put"] = (Decimal(0), Decimal(0))
    return Market.model_validate(document)


def hold(compiled: CompiledPolicy, **held: str) -> tuple[int, ...]:
    """Lots at custodian-a; "_" stands for "-" in names."""
    return lots_of(compiled, {("custodian-a", name.replace("_", "-")): Decimal(q) for name, q in held.items()})


# What scenarios do ---------------------------------------------------------------------------------------------------


def changes(market: Market, scenario: Scenario) -> dict[str, tuple[str, str]]:
    """Instrument → changes of its price, and of what is owned in it; those that nothing happens to left out."""
    found = shocked_changes(market, scenario.expand(market), market.ids)
    return {name: (str(float(c.change)), str(float(c.long_change))) for name, c in found.items() if any(c)}


def test_presets_hit_what_their_names_say(market: Market) -> None:
    half = ("-0.5", "-0.5")
    owned = ("0.0", "-0.5")
    tenth = ("-0.1", "-0.1")
    assert changes(market, Gap(drop=HALF)) == dict.fromkeys(("BTC", "ETH", "stETH", "supply-ETH"), half)
    assert changes(market, StablecoinDepeg(asset="USDC", discount=TENTH)) == {"USDC": tenth, "borrow-USDC": tenth}
    assert changes(market, StakingDiscount(discount=TENTH)) == {"stETH": tenth}
    assert changes(market, ProtocolLoss(protocol="lender", share=HALF)) == {"supply-ETH": owned}
    assert changes(market, BridgeLoss(chain="main", share=HALF)) == {"stETH": owned, "supply-ETH": owned}
    assert changes(market, Contagion(factor="ETH-PERP", move=Decimal("-0.4"))) == {
        "BTC": ("-0.2", "-0.2"),
        "ETH": ("-0.4", "-0.4"),
        "stETH": half,
        "supply-ETH": ("-0.4", "-0.4"),
    }


def test_a_price_falls_no_further_than_to_nothing(market: Market) -> None:
    assert changes(market, Contagion(factor="ETH-PERP", move=Decimal("-1")))["stETH"] == ("-1.0", "-1.0")
    assert changes(market, Contagion(factor="ETH-PERP", move=Decimal("1")))["stETH"] == ("1.25", "1.25")


def test_selectors_must_all_match_and_shocks_compound(market: Market) -> None:
    shocks = (
        Shock(chains=("main",), kinds=("supply", "borrow"), change=-HALF),
        Shock(assets=("ETH",), excluding_assets=("USDC",), change=TENTH),
        Shock(instruments=("supply-ETH", "borrow-USDC"), change=-HALF, long_only=True),
        Shock(issuers=("circle",), change=TENTH),
    )
    found = shocked_changes(market, shocks, market.ids)
    up = Fraction(1, 10)
    assert found == {
        "BTC": ShockedChange(Fraction(0), Fraction(0)),
        "ETH": ShockedChange(up, up),
        "stETH": ShockedChange(up, up),
        "USDC": ShockedChange(up, up),
        "supply-ETH": ShockedChange(Fraction(55, 100) - 1, Fraction(275, 1000) - 1),
        "borrow-USDC": ShockedChange(Fraction(55, 100) - 1, Fraction(55, 100) - 1),
        "USD": ShockedChange(Fraction(0), Fraction(0)),
    }


def test_what_is_lost_is_never_gained(market: Market) -> None:
    """A factor that lifts the price adds nothing to what a long_only shock takes."""
    shocks = (Shock(factor="ETH-PERP", move=Decimal(1), long_only=True),)
    assert not any(any(change) for change in shocked_changes(market, shocks, market.ids).values())


def test_shocks_that_hit_nothing_are_found(market: Market) -> None:
    shocks = (
        Shock(change=-HALF),
        Shock(protocols=("perps",), chains=("main",), change=-HALF),
        Shock(instruments=("borrow-USDC",), change=-HALF, long_only=True),
        Shock(instruments=("borrow-USDC",), change=-HALF),
    )
    assert unmatched(market, shocks, market.ids) == [1, 2]
    assert unmatched(market, shocks, ("USD",)) == [1, 2, 3]


def test_an_unpublished_beta_is_no_zero(market: Market) -> None:
    with pytest.raises(DataError, match="no beta of 'BTC' to 'DXY'"):
        changes(market, Contagion(factor="DXY", move=Decimal("-0.1")))


def test_an_option_does_not_follow_its_asset(market: Market) -> None:
    """Who wrote a put would gain from every crash if its price fell with the asset's."""
    wider = with_option(market)
    with pytest.raises(DataError, match="'put' is option"):
        changes(wider, Gap(drop=HALF))
    for named in (Shock(instruments=("put",), change=Decimal(3)), Shock(kinds=("option",), change=Decimal(3))):
        assert changes(wider, Custom(description="crash", shocks=(named,))) == {"put": ("3.0", "3.0")}
    assert changes(wider, ProtocolLoss(protocol="perps", share=HALF))["put"] == ("0.0", "-0.5")


# Meaning, against plain numpy ----------------------------------------------------------------------------------------


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_loss_and_what_is_left_are_those_of_numpy(data: st.DataObject) -> None:
    """Half of what is owned at alpha is lost, then the market factor falls and takes all prices along."""
    market = data.draw(rich_markets())
    sources = data.draw(splits(market))
    held = data.draw(quantities(market, sources))
    move = data.draw(decimals("-0.9", "0.9", 2))
    at_alpha = Shock(protocols=("alpha",), change=-HALF, long_only=True)
    fall = Shock(factor="MKT", move=move)
    listed = (fall,) if unmatched(market, (at_alpha,), market.ids) else (at_alpha, fall)
    names = [name for _, name in held]
    which = [market.index(name) for name in names]
    values = (market.signs() * market.prices())[which] * np.array([float(q) for q in held.values()])
    growth = np.maximum(1 + float(move) * np.array([float(market.betas["MKT"][name]) for name in names]), 0)
    lost = np.array([market.instrument(name).protocol == "alpha" for name in names]) & (values > 0)
    after = float(np.sum(values * growth * np.where(lost, 0.5, 1.0)))
    before = float(np.sum(values))
    gross = float(np.abs(values).sum())
    scenario = Custom(description="half of alpha is lost", shocks=listed)
    limits = [Stress(scenario=scenario, max_loss=TENTH), Stress(scenario=scenario, min_nav_usd=Decimal(5000))]
    policy = policy_of(market, *limits, sources=sources)
    compiled = compile_policy(policy, market)
    left = compiled.slacks_usd(compiled.quantities(lots_of(compiled, held)))
    book = book_of(policy, market, held)
    for limit, entry, slack in zip(
        limits, compiled.constraints[2:], (0.1 * before - (before - after), after - 5000), strict=True
    ):
        assert float(limit.plain_slack_usd(book)) == pytest.approx(slack, abs=1e-6 * gross)
        assert abs(float(left[entry.name]) - slack) <= float(entry.bound_usd) + 1e-6 * gross


@st.composite
def shocks(draw: st.DrawFn, market: Market) -> Shock:
    """Any shock that hits something of a market."""
    hit = tuple(sorted(draw(st.sets(st.sampled_from(market.ids), min_size=1))))
    long_only = draw(st.booleans())
    if long_only and all(market.instrument(name).sign < 0 for name in hit):
        long_only = False
    if draw(st.booleans()):
        return Shock(instruments=hit, factor="MKT", move=draw(decimals("-2", "2", 3)), long_only=long_only)
    return Shock(instruments=hit, change=draw(decimals("-1", "0" if long_only else "2", 9)), long_only=long_only)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_rows_mean_what_the_scenario_says(data: st.DataObject) -> None:
    """(K.16): any shocks, both limits at their edge, in a sleeve or not."""
    market = data.draw(rich_markets())
    sources = data.draw(splits(market))
    held = data.draw(quantities(market, sources))
    inside = data.draw(st.one_of(st.none(), st.sets(st.sampled_from(market.ids), min_size=1)))
    listed = tuple(data.draw(st.lists(shocks(market), min_size=1, max_size=3)))
    scenario = Custom(description="anything", shocks=listed)
    plain = policy_of(market, sources=sources, netting=data.draw(st.sampled_from(["across_sources", "none"])))
    book = book_of(plain, market, held).within(inside)
    offset = Fraction(data.draw(st.integers(-30, 30)), 10) * Fraction(data.draw(st.sampled_from(["0.001", "1", "10"])))
    least = Stress(scenario=scenario, min_nav_usd=Decimal(1)).plain_slack_usd(book) + 1 - offset
    loss = -Stress(scenario=scenario, max_loss=Decimal(0)).plain_slack_usd(book)
    fields: dict[str, Decimal] = {}
    if least > 0:
        fields["min_nav_usd"] = max(Decimal(round(least * 10**12)).scaleb(-12), Decimal("1E-12"))
    if book.nav_usd > 100 and 0 <= (loss + offset) / book.nav_usd < 50:
        fields["max_loss"] = Decimal(round((loss + offset) / book.nav_usd * 10**12)).scaleb(-12)
    limits = [Stress(scenario=scenario, **{name: value}) for name, value in fields.items()]  # type: ignore[arg-type]
    limits += [Stress(name="both", scenario=scenario, **fields)] if fields else []  # type: ignore[arg-type]
    items: Any = tuple(limit.model_dump() for limit in limits)
    if inside is not None and limits:
        items = ({"kind": "sleeve", "name": "part", "instruments": tuple(sorted(inside)), "constraints": items},)
    policy = Policy.model_validate(plain.model_dump() | {"constraints": items})
    try:
        compiled = compile_policy(policy, market)
    except PolicyError as error:
        assert inside is not None and "hits nothing" in str(error)
        return
    assert_program_means_policy(compiled, policy, market, held)


# Alone in being violated, to the lot ----------------------------------------------------------------------------------

QUIET: tuple[Constraint, ...] = (
    Solvency(),
    GrossLeverage(limit=Decimal(2)),
    ExpectedShortfall(confidence=HALF, limit=TENTH),
    Stress(name="mild", scenario=Gap(drop=TENTH), max_loss=HALF),
)
HELD = {"BTC": "1000", "ETH": "5000", "stETH": "5000", "USDC": "100000", "supply_ETH": "10000", "borrow_USDC": "50000"}
"""100 000 of BTC, 50 000 each of ETH and stETH, 100 000 of USDC and of lent ETH, 50 000 owed: NAV 350 000."""
EXACT: dict[str, tuple[Scenario, dict[str, str], str]] = {
    "gap": (Gap(drop=HALF), {"min_nav_usd": "200000"}, "borrow-USDC"),
    "gap, share": (Gap(drop=Decimal("0.35")), {"max_loss": "0.3"}, "ETH"),
    "depeg": (StablecoinDepeg(asset="USDC", discount=Decimal("0.7")), {"max_loss": TENTH}, "USDC"),
    "staking": (StakingDiscount(discount=Decimal("0.7")), {"max_loss": TENTH}, "stETH"),
    "protocol": (ProtocolLoss(protocol="lender", share=Decimal(1)), {"min_nav_usd": "250000"}, "borrow-USDC"),
    "bridge": (BridgeLoss(chain="side", share=HALF), {"min_nav_usd": "250000"}, "borrow-USDC"),
    "contagion": (Contagion(factor="ETH-PERP", move=Decimal("-0.4")), {"min_nav_usd": "245000"}, "borrow-USDC"),
}
"""Scenario, limit that leaves nothing, and the instrument of which one lot more is too much."""


@pytest.mark.parametrize("case", EXACT)
def test_the_limit_itself_is_kept_and_one_lot_more_breaks_it_alone(market: Market, case: str) -> None:
    scenario, limit, instrument = EXACT[case]
    tight = Stress(name="tight", scenario=scenario, **limit)  # type: ignore[arg-type]
    compiled = compile_policy(policy_of(market, *QUIET, tight), market)
    lots = hold(compiled, **HELD)
    assert violated(compiled, lots) == ()
    assert compiled.slacks_usd(compiled.quantities(lots))["tight"] == 0
    slots = [compiled.layout[j].asset for j in compiled.held_slots]
    more = tuple(q + (name == instrument) for name, q in zip(slots, lots, strict=True))
    assert violated(compiled, more) == ("tight",)


def test_in_a_sleeve_only_its_instruments_suffer_and_only_they_make_up_for_it(market: Market) -> None:
    limit = {"kind": "stress", "scenario": {"preset": "gap", "drop": "0.5"}, "max_loss": "0.25"}
    sleeve = {"kind": "sleeve", "name": "part", "instruments": ["ETH", "USDC"], "constraints": [limit]}
    document = json.loads(policy_of(market).model_dump_json()) | {"constraints": [sleeve]}
    policy = Policy.parse(json.dumps(document).encode())
    compiled = compile_policy(policy, market)
    assert violated(compiled, hold(compiled, ETH="1000", USDC="10000", BTC="1000")) == ()
    assert violated(compiled, hold(compiled, ETH="1000", USDC="9990", USD="100000")) == ("part.stress-gap",)
    assert "ETH, USDC" in policy.sentences()["part.stress-gap"]


# Attacks -------------------------------------------------------------------------------------------------------------


def test_a_limit_that_rounds_up_in_every_lot_makes_no_room() -> None:
    """(K.13): 100 000 lost of 1 500 000; two thirds of a money unit count as one in fifty million lots."""
    market = fixed_market({"A": "1", "USD": "1"}, {"A": ["0"], "USD": ["0"]}, A={"lot": "1"}, USD={"lot": "0.01"})
    limit = Stress(scenario=Gap(drop=TENTH), max_loss=Decimal("0.066666666666666666"))
    compiled = compile_policy(policy_of(market, limit, rounding_tolerance="0.001"), market)
    for cents in range(49_999_900, 50_000_001):
        assert violated(compiled, (1_000_000, cents)) == ("stress-gap",)
    assert violated(compiled, (1_000_000, 50_100_000)) == ()


@pytest.mark.parametrize("netting", ["across_sources", "none"])
def test_a_short_elsewhere_does_not_bring_back_what_a_protocol_lost(market: Market, netting: str) -> None:
    """Owned at a and short at b is no position in BTC, yet what is at a is gone, and b is still owed."""
    limit = Stress(scenario=ProtocolLoss(protocol="perps", share=Decimal(1)), max_loss=HALF)
    sources = [("a", ["BTC", "USD"]), ("b", ["BTC"])]
    compiled = compile_policy(policy_of(market, limit, sources=sources, netting=netting), market)

    def broken(long: int) -> tuple[str, ...]:
        held = {("a", "BTC"): Decimal(long), ("b", "BTC"): Decimal(-long), ("a", "USD"): Decimal(200_000)}
        return violated(compiled, lots_of(compiled, held))

    assert broken(1000) == broken(-1000) == ()
    assert broken(1001) == broken(-1001) == ("stress-protocol_loss",)


def test_a_debt_at_a_lost_protocol_is_still_owed(market: Market) -> None:
    """10 000 of collateral gone, 5 000 of debt left: netted they would lose 5 000."""
    limit = Stress(scenario=ProtocolLoss(protocol="lender", share=Decimal(1)), min_nav_usd=Decimal(1000))
    compiled = compile_policy(policy_of(market, limit), market)
    assert violated(compiled, hold(compiled, supply_ETH="1000", borrow_USDC="5000", USD="5999")) == (
        "stress-protocol_loss",
    )
    assert violated(compiled, hold(compiled, supply_ETH="1000", borrow_USDC="5000", USD="6000")) == ()


def test_a_debt_grows_with_the_price_of_what_is_owed(market: Market) -> None:
    """The sign of a debt forgotten, a squeeze of USDC would be a gain."""
    squeeze = Custom(description="USDC is dear", shocks=(Shock(assets=("USDC",), change=HALF),))
    compiled = compile_policy(policy_of(market, Stress(scenario=squeeze, max_loss=TENTH)), market)
    assert violated(compiled, hold(compiled, USD="3000", borrow_USDC="501")) == ("stress-custom",)
    assert violated(compiled, hold(compiled, USD="3000", borrow_USDC="500")) == ()
    assert violated(compiled, hold(compiled, USD="3000", borrow_USDC="600", USDC="100")) == ()


def test_gains_of_one_scenario_pay_for_no_loss_of_another(market: Market) -> None:
    scenarios = (Gap(drop=HALF), Contagion(factor="ETH-PERP", move=Decimal("0.5")))
    limits = [Stress(scenario=scenario, max_loss=TENTH) for scenario in scenarios]
    compiled = compile_policy(policy_of(market, *limits), market)
    assert violated(compiled, hold(compiled, BTC="1000", USD="100000")) == ("stress-gap",)
    assert violated(compiled, hold(compiled, BTC="-1000", USD="300000")) == ("stress-contagion",)


def test_a_description_cannot_hide_what_its_shocks_are(market: Market) -> None:
    mild = Shock(assets=("BTC",), chains=("side",), change=Decimal("-0.01"))
    lost = Shock(excluding_assets=("USD",), factor="ETH-PERP", move=-TENTH, long_only=True)
    both = Stress(scenario=Custom(description="everything halves", shocks=(mild, lost)), max_loss=HALF)
    assert both.sentence() == (
        "When everything halves (the price of everything in BTC on side changes by -1%; the value of what is owned not "
        "in USD follows a move of ETH-PERP by -10%), the loss is at most 50% of NAV."
    )


# Parameters ----------------------------------------------------------------------------------------------------------


def test_sentences_say_what_happens_and_what_is_left() -> None:
    gap = Gap(drop=HALF)
    assert Stress(scenario=gap, max_loss=TENTH).sentence() == (
        "When every asset but cash falls by 50%, the loss is at most 10% of NAV."
    )
    assert Stress(scenario=gap, min_nav_usd=Decimal(1_000_000)).sentence() == (
        "When every asset but cash falls by 50%, NAV is still at least 1,000,000 USD."
    )
    both = Stress(scenario=ProtocolLoss(protocol="lender", share=Decimal(1)), max_loss=TENTH, min_nav_usd=Decimal(5))
    assert both.sentence() == (
        "When 100% of what is owned at lender is lost, the loss is at most 10% of NAV and NAV is still at least 5 USD."
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"max_loss": None}, "max_loss, min_nav_usd or both"),
        ({"max_loss": "-0.1"}, "max_loss"),
        ({"max_loss": 0.1}, "max_loss"),
        ({"min_nav_usd": "0"}, "min_nav_usd"),
        ({"scenario": {"preset": "gap"}}, "drop"),
        ({"scenario": {"preset": "gap", "drop": "1.1"}}, "drop"),
        ({"scenario": {"preset": "gap", "drop": "0"}}, "drop"),
        ({"scenario": {"preset": "rapture", "share": "1"}}, "rapture"),
        ({"scenario": {"preset": "custom", "description": "nothing", "shocks": []}}, "shocks"),
        ({"scenario": {"preset": "custom", "description": "x", "shocks": [{}]}}, "either change, or factor and move"),
        (
            {"scenario": {"preset": "custom", "description": "x", "shocks": [{"change": "0.1", "long_only": True}]}},
            "a long_only shock is a loss",
        ),
    ],
)
def test_parameters_that_mean_nothing_are_refused(fields: dict[str, Any], reason: str) -> None:
    sound = {"kind": "stress", "scenario": {"preset": "gap", "drop": "0.5"}, "max_loss": "0.1"}
    Stress.model_validate_json(json.dumps(sound))
    with pytest.raises(ValidationError, match=reason):
        Stress.model_validate_json(json.dumps(sound | fields))


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        (ProtocolLoss(protocol="nobody", share=HALF), "hits nothing"),
        (BridgeLoss(chain="Main", share=HALF), "hits nothing"),
        (StablecoinDepeg(asset="DAI", discount=HALF), "hits nothing"),
        (Contagion(factor="DXY", move=HALF), "publishes no beta"),
        (Custom(description="x", shocks=(Shock(change=HALF), Shock(assets=("DAI",), change=HALF))), "shock 1 of the"),
        (Gap(drop=HALF), "does not follow"),
    ],
)
def test_scenarios_that_promise_nothing_are_refused(market: Market, scenario: Scenario, reason: str) -> None:
    wider = with_option(market)
    with pytest.raises(PolicyError, match=reason):
        compile_policy(policy_of(wider, Stress(scenario=scenario, max_loss=HALF)), wider)  # type: ignore[arg-type]


def test_an_option_in_no_account_is_no_matter_for_health_under_a_gap(market: Market) -> None:
    wider = with_option(market)
    compile_policy(policy_of(wider, HealthFactor(minimum=Decimal(1), scenario=Gap(drop=HALF))), wider)


def test_a_loss_that_only_debts_could_feel_is_refused(market: Market) -> None:
    """Collateral moved out of the sources, the debt left in: a protocol's loss would then promise nothing."""
    sources = [("a", ["BTC", "USD", "borrow-USDC"])]
    limit = Stress(scenario=ProtocolLoss(protocol="lender", share=HALF), max_loss=HALF)
    with pytest.raises(PolicyError, match="hits nothing"):
        compile_policy(policy_of(market, limit, sources=sources), market)


@pytest.mark.parametrize(
    ("base", "own", "tighter"),
    [
        ({"max_loss": "0.2"}, {"max_loss": "0.1"}, True),
        ({"max_loss": "0.2"}, {"max_loss": "0.3"}, False),
        ({"min_nav_usd": "5"}, {"min_nav_usd": "6"}, True),
        ({"min_nav_usd": "5"}, {"min_nav_usd": "4"}, False),
        ({"max_loss": "0.2"}, {"min_nav_usd": "5"}, False),
        ({"max_loss": "0.2", "min_nav_usd": "5"}, {"max_loss": "0.1"}, False),
    ],
)
def test_tighter_is_less_loss_or_more_left(base: dict[str, str], own: dict[str, str], tighter: bool) -> None:
    gap = {"preset": "gap", "drop": "0.5"}
    first, second = (Stress.model_validate_json(json.dumps({"scenario": gap} | limits)) for limits in (base, own))
    assert second.tightens(first) == tighter
    other = second.model_copy(update={"scenario": Gap(drop=Decimal("0.6"))})
    assert not other.tightens(first)


def test_every_preset_reads_what_it_writes() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Preset)
    every = [scenario for scenario, _, _ in EXACT.values()]
    every.append(Custom(description="x", shocks=(Shock(kinds=("lp",), change=-TENTH, long_only=True),)))
    for scenario in every:
        assert adapter.validate_json(scenario.model_dump_json()) == scenario
    assert {scenario.preset for scenario in every} == set(adapter.json_schema()["discriminator"]["mapping"])
