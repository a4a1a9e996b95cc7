"""Every constraint kind against its plain exact meaning, at the edge, and alone in being violated."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from attest.errors import StatementFalse
from attest.program import Kind, check, solve
from optimizer.market import Market
from optimizer.policy import (
    Book,
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
from optimizer.policy.constraint import RowSlack
from tests.optimizer.policy_strategies import CAP_USD, book_of, lots_of, policy_of, quantities, splits
from tests.optimizer.strategies import decimals, fixed_market, markets

KINDS = {
    "nav_floor": "(K.4)",
    "gross_cap": "(K.6)",
    "solvency": "(K.7)",
    "historical_var": "(K.8)",
    "expected_shortfall": "(K.9)",
    "gross_leverage": "(K.1) (K.5)",
    "concentration": "(K.10)",
    "position_min": "(K.11)",
    "position_max": "(K.11)",
}
"""What is tried at its edge, and the formula that it tries."""


def _violated(compiled: CompiledPolicy, lots: tuple[int, ...]) -> tuple[str, ...]:
    try:
        solve(compiled.program, compiled.quantities(lots))
    except StatementFalse as error:
        return error.constraints
    return ()


def _decimal(value: Fraction, places: int = 12) -> Decimal:
    return Decimal(round(value * 10**places)).scaleb(-places)


def _published(fraction: Fraction) -> Decimal:
    return max(_decimal(fraction), Decimal("0.000001"))


def _at_the_edge(
    kind: str, book: Book, instrument: str, confidence: Decimal, offset: Fraction
) -> tuple[dict[str, object], tuple[Constraint, ...]]:
    """Fields of a policy, and constraints, that the book keeps by about `offset` USD."""
    tiny = Decimal("0.000001")

    def share(constraint: Constraint) -> tuple[Constraint, ...]:
        """The constraint with the limit, as a fraction of NAV, that leaves the offset."""
        metric = Fraction(tiny) * book.nav_usd - constraint.plain_slack_usd(book)
        return (constraint.model_copy(update={"limit": _published((metric + offset) / book.nav_usd)}),)

    if kind == "nav_floor":
        return {"nav_floor_usd": str(max(_decimal(book.nav_usd - offset), Decimal("0.01")))}, ()
    if kind == "gross_cap":
        gross = sum((abs(h.value_usd) for h in book.holdings), Fraction(0))
        return {"gross_cap_usd": max(_decimal(gross + offset), Decimal(1))}, ()
    surplus = Solvency(margin_usd=Decimal(0)).plain_slack_usd(book)
    above = PositionLimit(instrument=instrument, min_usd=Decimal(0)).plain_slack_usd(book)
    below = PositionLimit(instrument=instrument, max_usd=Decimal(0)).plain_slack_usd(book)
    constraints: dict[str, tuple[Constraint, ...]] = {
        "solvency": (Solvency(margin_usd=max(_decimal(surplus - offset), Decimal(0))),),
        "historical_var": share(HistoricalVar(confidence=confidence, limit=tiny)),
        "expected_shortfall": share(ExpectedShortfall(confidence=confidence, limit=tiny)),
        "gross_leverage": share(GrossLeverage(limit=tiny)),
        "concentration": share(Concentration(limit=tiny)),
        "position_min": (PositionLimit(instrument=instrument, min_usd=_decimal(above - offset)),),
        "position_max": (PositionLimit(instrument=instrument, max_usd=_decimal(offset - below)),),
    }
    return {}, constraints[kind]


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_program_and_plain_meaning_agree_beyond_the_stated_bound(kind: str, data: st.DataObject) -> None:
    """(K.2), (K.3): satisfied by more than the bound is provable, violated by more is not."""
    market = data.draw(markets(max_instruments=4, max_scenarios=12))
    sources = data.draw(splits(market))
    held = data.draw(quantities(market, sources))
    netting = data.draw(st.sampled_from(["across_sources", "none"]))
    book = book_of(policy_of(market, sources=sources, netting=netting), market, held)
    assume(book.nav_usd > 1000)
    offset = Fraction(data.draw(st.integers(-30, 30)), 10) * Fraction(data.draw(st.sampled_from(["0.001", "1", "10"])))
    confidence = data.draw(decimals("0.01", "0.99", 3))
    instrument = data.draw(st.sampled_from(market.ids))
    fields, constraints = _at_the_edge(kind, book, instrument, confidence, offset)
    policy = policy_of(market, *constraints, sources=sources, netting=netting, **fields)  # type: ignore[arg-type]
    compiled = compile_policy(policy, market)
    check(compiled.program)
    violated = _violated(compiled, lots_of(compiled, held))
    gross_kept = next(c for c in compiled.constraints if c.name == "gross_cap").definition.plain_slack_usd(book) >= 0
    for constraint in compiled.constraints:
        slack = constraint.definition.plain_slack_usd(book)
        assert constraint.bound_usd <= Fraction(policy.rounding_tolerance) * Fraction(policy.gross_cap_usd)
        if slack > constraint.bound_usd and gross_kept:
            assert constraint.name not in violated
        elif slack < -constraint.bound_usd and (gross_kept or constraint.name == "gross_cap"):
            assert constraint.name in violated


@pytest.fixture(scope="module")
def market() -> Market:
    return fixed_market(
        {"BTC": "60000", "ETH": "2000", "USD": "1", "short-BTC": "60000", "borrow-USD": "1"},
        {
            "BTC": ["-0.10", "-0.05", "0.02", "0.03"],
            "ETH": ["-0.20", "0.01", "0.02", "-0.04"],
            "USD": ["0", "0", "0", "0"],
            "short-BTC": ["-0.10", "-0.05", "0.02", "0.03"],
            "borrow-USD": ["0.0001", "0.0001", "0.0001", "0.0001"],
        },
        **{
            "BTC": {"haircut": "0.2"},
            "ETH": {"haircut": "0.3"},
            "short-BTC": {"asset": "BTC", "haircut": "0.2", "debt_margin": "0.1", "signed": True},
            "borrow-USD": {"asset": "USD", "kind": "borrow", "debt_margin": "0.1"},
        },
    )


EVERYTHING: tuple[Constraint, ...] = (
    Solvency(margin_usd=Decimal(900_000)),
    HistoricalVar(confidence=Decimal("0.75"), limit=Decimal("0.01")),
    ExpectedShortfall(confidence=Decimal("0.6"), limit=Decimal("0.04")),
    GrossLeverage(limit=Decimal("1.1")),
    Concentration(limit=Decimal("0.21"), instruments=("BTC", "ETH")),
    PositionLimit(instrument="ETH", min_usd=Decimal(150_000), max_usd=Decimal(250_000)),
)
SOUND = {"BTC": "3", "ETH": "100", "USD": "620000"}
"""NAV 1 000 000; after haircuts 904 000; losses 58 000, 7 000, 2 600 and a gain; nothing above 20 % but cash."""


@pytest.mark.parametrize(
    ("name", "tightened"),
    [
        ("solvency", Solvency(margin_usd=Decimal("904000.01"))),
        ("historical_var", HistoricalVar(confidence=Decimal("0.75"), limit=Decimal("0.00699999"))),
        ("expected_shortfall", ExpectedShortfall(confidence=Decimal("0.6"), limit=Decimal("0.0388749"))),
        ("gross_leverage", GrossLeverage(limit=Decimal("0.9999999"))),
        ("concentration", Concentration(limit=Decimal("0.1999999"), instruments=("BTC", "ETH"))),
        ("position_limit-ETH", PositionLimit(instrument="ETH", min_usd=Decimal("200000.01"))),
        ("position_limit-ETH", PositionLimit(instrument="ETH", max_usd=Decimal("199999.99"))),
    ],
)
def test_only_the_violated_constraint_is_named(market: Market, name: str, tightened: Constraint) -> None:
    constraints = [tightened if c.kind == tightened.kind else c for c in EVERYTHING]
    compiled = compile_policy(policy_of(market, *constraints, nav_floor_usd="1000000"), market)
    lots = lots_of(compiled, {("custodian-a", key): Decimal(value) for key, value in SOUND.items()})
    assert _violated(compiled, lots) == (name,)


@pytest.mark.parametrize(
    ("name", "nav_floor_usd", "cap_usd", "debt"),
    [("nav_floor", "1000000.01", CAP_USD, "0"), ("gross_cap", "1000000", Decimal("1000099.99"), "50")],
)
def test_only_the_floor_or_the_cap_is_named(
    market: Market, name: str, nav_floor_usd: str, cap_usd: Decimal, debt: str
) -> None:
    policy = policy_of(market, *EVERYTHING, nav_floor_usd=nav_floor_usd, gross_cap_usd=cap_usd)
    compiled = compile_policy(policy, market)
    held = {("custodian-a", key): Decimal(value) for key, value in SOUND.items()}
    held["custodian-a", "USD"] += Decimal(debt)
    held["custodian-a", "borrow-USD"] = Decimal(debt)
    assert _violated(compiled, lots_of(compiled, held)) == (name,)


def test_the_sound_book_keeps_every_constraint(market: Market) -> None:
    compiled = compile_policy(policy_of(market, *EVERYTHING, nav_floor_usd="1000000"), market)
    lots = lots_of(compiled, {("custodian-a", key): Decimal(value) for key, value in SOUND.items()})
    assert _violated(compiled, lots) == ()
    slacks = compiled.slacks_usd(compiled.quantities(lots))
    assert all(slack >= 0 for slack in slacks.values())


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_slack_in_dollars_is_the_plain_slack_up_to_the_bound_and_has_the_programs_sign(data: st.DataObject) -> None:
    market = data.draw(markets(max_instruments=4, max_scenarios=12))
    sources = data.draw(splits(market))
    held = data.draw(quantities(market, sources))
    everything = (
        Solvency(margin_usd=Decimal(5)),
        HistoricalVar(confidence=data.draw(decimals("0.01", "0.99", 2)), limit=Decimal("0.05")),
        ExpectedShortfall(confidence=data.draw(decimals("0.01", "0.99", 2)), limit=Decimal("0.08")),
        GrossLeverage(limit=Decimal("1.5")),
        Concentration(limit=Decimal("0.5")),
        PositionLimit(instrument=market.ids[0], min_usd=Decimal(-50_000), max_usd=Decimal(50_000)),
    )
    policy = policy_of(
        market, *everything, sources=sources, netting=data.draw(st.sampled_from(["across_sources", "none"]))
    )
    compiled = compile_policy(policy, market)
    book = book_of(policy, market, held)
    lots = lots_of(compiled, held)
    left = compiled.slacks_usd(compiled.quantities(lots))
    violated = _violated(compiled, lots)
    for constraint in compiled.constraints:
        assert abs(left[constraint.name] - constraint.definition.plain_slack_usd(book)) <= constraint.bound_usd
        assert (left[constraint.name] < 0) == (constraint.name in violated)


@given(
    losses=st.lists(st.integers(-1000, 1000), min_size=1, max_size=30),
    confidence=decimals("0.001", "0.999", 3),
    budget=st.integers(-5000, 5000),
    other=st.integers(-3000, 3000),
)
def test_filled_level_is_best_among_all_levels(losses: list[int], confidence: Decimal, budget: int, other: int) -> None:
    """(K.9): the certificate holds at the filled t whenever any t makes it hold."""
    mass = (1 - Fraction(confidence)) * len(losses)

    def certificate(t: int) -> int:
        tail = sum(max(loss - t, 0) for loss in losses)
        return mass.numerator * (budget - t) - mass.denominator * tail

    constraint = ExpectedShortfall(confidence=confidence, limit=Decimal("0.1"))
    (best,) = constraint.fill([RowSlack(Kind.FREE, loss, Fraction(1)) for loss in [*losses, 0]])
    assert certificate(best) >= certificate(other)
    assert all(certificate(best) >= certificate(best + step) for step in (-1, 1))
