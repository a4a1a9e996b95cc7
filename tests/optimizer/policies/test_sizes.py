"""How large positions are, and how many: leverage, concentration, counts. (K.20), (K.21), (K.22), (K.23)"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from attest.errors import StatementFalse
from attest.program import Kind, solve
from optimizer.errors import PolicyError
from optimizer.instruments import AssetTerms
from optimizer.policy import (
    CompiledPolicy,
    Concentration,
    Constraint,
    GrossLeverage,
    MinPositionSize,
    NetLeverage,
    PositionCount,
    PositionLimit,
    Sleeve,
)
from tests.optimizer.policies.fund import (
    HELD,
    PRICES,
    SIGNED,
    SLOTS,
    TERMS,
    Held,
    assert_slack_is,
    books,
    compiled_fund,
    market_of,
    named_once_tightened,
    values,
)
from tests.optimizer.policy_edges import assert_exactly_at_the_limit, assert_program_means_policy, violated
from tests.optimizer.policy_strategies import lots_of
from tests.optimizer.strategies import decimals

A, B, LENDER = "custodian-a", "custodian-b", "lender"
SHORT, PUT, DOLLARS = (A, "short-BTC"), (A, "put-BTC"), (A, "USD")
EVEN: Held = HELD | {DOLLARS: Decimal(80_000)}
"""NAV of 1 000 000 USD: of BTC 300 000, −50 000 and 10 000, of ETH 500 000 and −60 000, of cash 300 000."""
SHORTED: Held = EVEN | {SHORT: Decimal(-19), DOLLARS: Decimal(980_000)}
"""The same NAV with 900 000 USD of BTC sold short; net −200 000 of what is no cash."""
NOTHING: Held = dict.fromkeys(HELD, Decimal(0))
CASH = ("USDC", "USD", "owed-USDC", "aUSDC")
ISSUERS = {"USDC": AssetTerms(issuer="circle"), "USD": AssetTerms(issuer="bank")}
TWICE: Sequence[tuple[str, Sequence[str]]] = ((A, ("BTC", "short-BTC", "USD")), (B, ("BTC", "short-BTC", "USD")))
"""What may be short is held at two sources."""
NETTING = ["across_sources", "none"]


def concentration(limit: str, by: str = "instrument", **fields: Any) -> Concentration:
    return Concentration.model_validate({"limit": Decimal(limit), "by": by} | fields)


def count(maximum: int, **fields: Any) -> PositionCount:
    return PositionCount(maximum=maximum, **fields)


def least(usd: int | str, *instruments: str) -> MinPositionSize:
    return MinPositionSize(min_usd=Decimal(usd), instruments=instruments or None)


def broken(compiled: CompiledPolicy, held: Mapping[tuple[str, str], Decimal | int | str]) -> tuple[str, ...]:
    """Names of the limits that a book of these quantities, and no others, breaks."""
    return violated(compiled, lots_of(compiled, {slot: Decimal(q) for slot, q in held.items()}))


@st.composite
def whole_books(draw: st.DrawFn) -> Held:
    """Whole dollars in every slot, which are whole lots; many slots are empty and some nearly so."""
    held = {}
    for source, name in SLOTS:
        sizes = st.sampled_from([0, 0, 1, 1_000, 999, 1_001]) | st.integers(0, 200_000)
        side = draw(st.sampled_from([1, -1])) if name in SIGNED else 1
        held[source, name] = side * draw(sizes) / Decimal(PRICES[name])
    return held


# Net leverage (K.20) -------------------------------------------------------------------------------------------------


@given(held=books())
@settings(max_examples=20, deadline=None)
def test_net_leverage_against_numpy(held: Held) -> None:
    worth = {name: slots.sum() for name, slots in values(held).items()}
    nav = sum(worth.values())
    net = nav - sum(worth[name] for name in CASH)
    limits = (NetLeverage(limit=Decimal("0.4")), GrossLeverage(limit=Decimal("1.5")))
    compiled = compiled_fund(market_of(), *limits)
    assert_slack_is(compiled, "net_leverage", held, 0.4 * nav - abs(net))
    assert_slack_is(compiled, "gross_leverage", held, 1.5 * nav - sum(abs(value) for value in worth.values()))


@pytest.mark.parametrize(
    ("limit", "held", "slot", "step"),
    [
        ("0.7", EVEN, (B, "BTC"), 1),
        ("0.7", EVEN, (A, "stETH"), 1),
        ("0.7", EVEN, (LENDER, "owed-ETH"), -1),
        ("0.7", EVEN, SHORT, 1),
        ("0.7", EVEN, (B, "USD"), -1),
        ("0.7", EVEN, (LENDER, "owed-USDC"), 1),
        ("0.2", SHORTED, SHORT, -1),
        ("0.2", SHORTED, (LENDER, "owed-ETH"), 1),
        ("0.2", SHORTED, (LENDER, "aETH"), -1),
        ("0.2", SHORTED, DOLLARS, -1),
    ],
)
def test_net_leverage_at_the_edge(limit: str, held: Held, slot: tuple[str, str], step: int) -> None:
    """Long or short; cash counts through NAV alone."""
    compiled = compiled_fund(market_of(), NetLeverage(limit=Decimal(limit)))
    assert_exactly_at_the_limit(compiled, "net_leverage", held, slot, step)


def test_cash_in_any_form_is_no_exposure_and_only_cash_is() -> None:
    """Borrowed, lent and plain dollars are none; a staking derivative of ETH is."""
    compiled = compiled_fund(market_of(), NetLeverage(limit=Decimal("0.000001")))
    cash = {DOLLARS: 100_000, (A, "USDC"): 500_000, (LENDER, "aUSDC"): 700_000, (LENDER, "owed-USDC"): 900_000}
    assert broken(compiled, cash) == ()
    assert broken(compiled, cash | {(A, "stETH"): 1}) == ("net_leverage",)


@pytest.mark.parametrize("netting", NETTING)
def test_a_short_anywhere_offsets_net_leverage_and_never_gross(netting: str) -> None:
    limits = (NetLeverage(limit=Decimal("0.000001")), GrossLeverage(limit=Decimal("1.9")))
    compiled = compiled_fund(market_of(), *limits, sources=TWICE, netting=netting)
    hedged = {(A, "BTC"): 4, (B, "short-BTC"): -4, (B, "USD"): 400_000}
    assert broken(compiled, hedged) == ("gross_leverage",)
    assert broken(compiled, hedged | {(B, "USD"): 500_000}) == ()


# Concentration (K.10), (K.21) ----------------------------------------------------------------------------------------

TAGS: dict[str, Callable[[str], str | None]] = {
    "asset": lambda name: str(TERMS.get(name, {}).get("asset", name)),
    "chain": lambda name: TERMS.get(name, {}).get("chain"),  # type: ignore[dict-item, return-value]
    "protocol": lambda name: TERMS.get(name, {}).get("protocol"),  # type: ignore[dict-item, return-value]
    "issuer": lambda name: {"USDC": "circle", "USD": "bank"}.get(str(TERMS.get(name, {}).get("asset", name))),
}


def group_sizes(held: Held, by: str, measure: str) -> dict[str, float]:
    """Group → gross or net size in USD, in plain floats; positions net over sources."""
    sizes: dict[str, list[float]] = {}
    for name, slots in values(held).items():
        group = TAGS[by](name)
        if group is not None:
            sizes.setdefault(group, []).append(float(slots.sum()))
    return {
        group: float(np.abs(worth).sum() if measure == "gross" else abs(np.sum(worth)))
        for group, worth in sizes.items()
    }


@pytest.mark.parametrize("by", TAGS)
@pytest.mark.parametrize("measure", ["gross", "net"])
@given(held=books())
@settings(max_examples=8, deadline=None)
def test_concentration_by_group_against_numpy(by: str, measure: str, held: Held) -> None:
    nav = sum(float(slots.sum()) for slots in values(held).values())
    sizes = group_sizes(held, by, measure)
    compiled = compiled_fund(market_of(assets=ISSUERS), concentration("0.3", by, measure=measure))
    assert_slack_is(compiled, f"concentration-{by}", held, 0.3 * nav - max(sizes.values()))
    chosen = sorted(sizes)[0]
    alone = compiled_fund(market_of(assets=ISSUERS), concentration("0.3", by, measure=measure, groups=(chosen,)))
    assert_slack_is(alone, f"concentration-{by}", held, 0.3 * nav - sizes[chosen])


@given(held=books())
@settings(max_examples=15, deadline=None)
def test_concentration_by_instrument_against_numpy(held: Held) -> None:
    nav = sum(float(slots.sum()) for slots in values(held).values())
    largest = max(abs(slots.sum()) for slots in values(held).values())
    assert_slack_is(compiled_fund(market_of(), concentration("0.3")), "concentration", held, 0.3 * nav - largest)


@pytest.mark.parametrize(
    ("limit", "held", "slot", "step"),
    [
        (concentration("0.3", instruments=("BTC",)), EVEN, (B, "BTC"), 1),
        (concentration("0.36", "asset", groups=("BTC",)), EVEN, (A, "BTC"), 1),
        (concentration("0.36", "asset", groups=("BTC",)), EVEN, SHORT, -1),
        (concentration("0.36", "asset", groups=("BTC",)), EVEN, PUT, 1),
        (concentration("0.36", "asset", groups=("BTC",)), EVEN, (LENDER, "owed-ETH"), 1),
        (concentration("0.26", "asset", groups=("BTC",), measure="net"), EVEN, SHORT, 1),
        (concentration("0.56", "asset"), EVEN, (A, "stETH"), 1),
        (concentration("0.56", "asset"), EVEN, (LENDER, "owed-ETH"), 1),
        (concentration("0.44", "asset", measure="net"), EVEN, (LENDER, "owed-ETH"), -1),
        (concentration("0.64", "asset", groups=("BTC",), measure="net"), SHORTED, SHORT, -1),
        (concentration("0.63", "chain"), EVEN, (LENDER, "owed-USDC"), 1),
        (concentration("0.47", "chain", measure="net"), EVEN, (A, "USDC"), 1),
        (concentration("0.2", "protocol"), EVEN, (LENDER, "aETH"), 1),
        (concentration("0.33", "issuer"), EVEN, (LENDER, "aUSDC"), 1),
        (concentration("0.13", "issuer", groups=("bank",)), EVEN, (B, "USD"), 1),
    ],
)
def test_concentration_at_the_edge(limit: Concentration, held: Held, slot: tuple[str, str], step: int) -> None:
    compiled = compiled_fund(market_of(assets=ISSUERS), limit)
    assert_exactly_at_the_limit(compiled, limit.default_name, held, slot, step)


@pytest.mark.parametrize("netting", NETTING)
def test_a_group_hides_neither_at_a_second_source_nor_in_another_form(netting: str) -> None:
    """BTC at two custodians, ETH that is plain, staked and lent."""
    compiled = compiled_fund(market_of(), concentration("0.4", "asset", groups=("BTC", "ETH")), netting=netting)
    rest = {DOLLARS: 600_000}
    assert broken(compiled, rest | {(A, "BTC"): 4, (B, "BTC"): 4}) == ()
    assert broken(compiled, rest | {(A, "BTC"): 4, (B, "BTC"): "4.0001"}) == ("concentration-asset",)
    eth = {(A, "ETH"): 100, (A, "stETH"): 50, (LENDER, "aETH"): 50}
    assert broken(compiled, rest | eth) == ()
    assert broken(compiled, rest | eth | {(LENDER, "aETH"): "50.0001"}) == ("concentration-asset",)


def test_a_debt_in_the_group_adds_to_its_gross_size_and_takes_off_its_net_size() -> None:
    gross, net = (concentration("0.4", "asset", groups=("ETH",), measure=m) for m in ("gross", "net"))
    held = {(A, "ETH"): 250, (LENDER, "owed-ETH"): 50, DOLLARS: 600_000}
    assert broken(compiled_fund(market_of(), gross), held) == ("concentration-asset",)
    assert broken(compiled_fund(market_of(), net), held) == ()


@pytest.mark.parametrize(("netting", "names"), [("across_sources", ()), ("none", ("concentration-asset",))])
def test_longs_and_shorts_at_two_sources_net_only_where_the_policy_says_so(netting: str, names: tuple[str]) -> None:
    limit = concentration("0.1", "asset", groups=("BTC",))
    compiled = compiled_fund(market_of(), limit, sources=TWICE, netting=netting)
    assert broken(compiled, {(A, "short-BTC"): -4, (B, "short-BTC"): 4, DOLLARS: 1_000_000}) == names


def test_a_group_that_nothing_is_in_is_refused_and_what_is_in_none_is_free() -> None:
    """The market says what is on a chain, not the fund; dollars at a custodian are on none."""
    with pytest.raises(PolicyError, match="no instrument that the policy holds has the chain 'solana'"):
        compiled_fund(market_of(), concentration("0.3", "chain", groups=("base", "solana")))
    with pytest.raises(PolicyError, match="nothing that the policy holds has any issuer in the market"):
        compiled_fund(market_of(), concentration("0.3", "issuer"))
    compiled = compiled_fund(market_of(), concentration("0.000001", "chain"))
    assert broken(compiled, {DOLLARS: 1_000_000, (A, "BTC"): 20}) == ()


@pytest.mark.parametrize("fields", [{"groups": ("BTC",)}, {"measure": "net"}])
def test_groups_are_for_limits_by_group(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="groups and measure belong to limits by asset"):
        concentration("0.3", **fields)
    with pytest.raises(ValidationError, match="a limit by chain takes groups, not instruments"):
        concentration("0.3", "chain", instruments=("BTC",))


# Position limits (K.11) ----------------------------------------------------------------------------------------------

HEDGED: Held = {DOLLARS: Decimal(2_000_000), SHORT: Decimal(10), (B, "short-BTC"): Decimal(-4)}
"""500 000 USD long at one source, 200 000 short at the other."""
HEDGED_SHORT: Held = HEDGED | {SHORT: Decimal(2)}
"""100 000 USD long at one source, 200 000 short at the other."""


@pytest.mark.parametrize(
    ("netting", "bounds", "held", "slot", "step"),
    [
        ("across_sources", {"max_usd": 300_000}, HEDGED, SHORT, 1),
        ("across_sources", {"max_usd": 300_000}, HEDGED, (B, "short-BTC"), 1),
        ("none", {"max_usd": 500_000}, HEDGED, SHORT, 1),
        ("none", {"min_usd": -200_000}, HEDGED, (B, "short-BTC"), -1),
        ("across_sources", {"min_usd": -100_000}, HEDGED_SHORT, SHORT, -1),
        ("across_sources", {"max_usd": -100_000}, HEDGED_SHORT, SHORT, 1),
        ("none", {"max_usd": -100_000}, HEDGED_SHORT, SHORT, 1),
        ("none", {"min_usd": 300_000}, HEDGED, (B, "short-BTC"), -1),
    ],
)
def test_position_limits_at_the_edge(
    netting: str, bounds: dict[str, int], held: Held, slot: tuple[str, str], step: int
) -> None:
    """Without netting a maximum stands on the longs and a minimum on the shorts; a bound beyond 0 on the sum."""
    limit = PositionLimit(instrument="short-BTC", **{name: Decimal(bound) for name, bound in bounds.items()})
    compiled = compiled_fund(market_of(), limit, sources=TWICE, netting=netting)
    assert_exactly_at_the_limit(compiled, "position_limit-short-BTC", held, slot, step)


# Number of positions (K.22) ------------------------------------------------------------------------------------------


@given(held=whole_books(), chosen=st.lists(st.sampled_from(sorted(PRICES)), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None)
def test_number_of_positions_against_numpy(held: Held, chosen: list[str]) -> None:
    kept = {name: slots.sum() != 0 for name, slots in values(held).items()}
    limits = (count(5), count(2, instruments=tuple(chosen), name="chosen"))
    compiled = compiled_fund(market_of(), *limits)
    assert_slack_is(compiled, "position_count", held, 5 - sum(kept[name] for name in PRICES if name not in CASH))
    assert_slack_is(compiled, "chosen", held, 2 - sum(kept[name] for name in set(chosen)))


ALL_BUT_ONE: Held = HELD | {(A, "ETH"): Decimal(0), PUT: Decimal(0)}


@pytest.mark.parametrize(
    ("limit", "held", "slot", "step"),
    [
        (count(5), ALL_BUT_ONE, (A, "ETH"), 1),
        (count(5), ALL_BUT_ONE, PUT, 1),
        (count(5), ALL_BUT_ONE, PUT, -1),
        (count(9, instruments=tuple(PRICES)), ALL_BUT_ONE, (A, "ETH"), 1),
        (count(0), NOTHING | {DOLLARS: Decimal(100)}, (B, "BTC"), 1),
        (count(0, instruments=("owed-ETH",)), NOTHING | {DOLLARS: Decimal(100)}, (LENDER, "owed-ETH"), 1),
    ],
)
def test_number_of_positions_at_the_edge(limit: PositionCount, held: Held, slot: tuple[str, str], step: int) -> None:
    """A single lot is a position, long, short or owed."""
    assert_exactly_at_the_limit(compiled_fund(market_of(), limit), "position_count", held, slot, step)


@pytest.mark.parametrize("netting", NETTING)
def test_a_position_at_two_custodians_is_one(netting: str) -> None:
    compiled = compiled_fund(market_of(), count(1), netting=netting)
    assert broken(compiled, {DOLLARS: 100, (A, "BTC"): 1, (B, "BTC"): 1}) == ()
    assert broken(compiled, {DOLLARS: 100, (A, "BTC"): 1, (A, "ETH"): 1}) == ("position_count",)


def test_a_long_here_and_a_short_there_are_no_position_or_two() -> None:
    held = {DOLLARS: 100, (A, "short-BTC"): 2, (B, "short-BTC"): -2}
    netted, apart = (
        compiled_fund(market_of(), count(1), count(0, name="none"), sources=TWICE, netting=netting)
        for netting in NETTING
    )
    assert broken(netted, held) == ()
    assert broken(apart, held) == ("position_count", "none")
    assert broken(apart, held | {(B, "short-BTC"): 0}) == ("none",)


# Least size of a position (K.23) -------------------------------------------------------------------------------------


@given(held=whole_books(), usd=st.sampled_from([1, 999, 1_000, 30_000]))
@settings(max_examples=20, deadline=None)
def test_least_sizes_against_numpy(held: Held, usd: int) -> None:
    """The nearest position that is not empty leaves the least; signed ones and debts are positions like all others."""
    sizes = np.array([abs(slots.sum()) for slots in values(held).values()])
    sizes = sizes[sizes > 1e-6]
    compiled = compiled_fund(market_of(), least(usd))
    names = violated(compiled, lots_of(compiled, held))
    assert ("min_position_size" in names) == bool(sizes.size and sizes.min() < usd - 1e-6)
    if "min_position_size" in names:
        assert_slack_is(compiled, "min_position_size", held, sizes.min() - usd)


@pytest.mark.parametrize(
    ("slot", "size", "step"),
    [
        ((A, "ETH"), "0.5", -1),
        ((B, "BTC"), "0.02", -1),
        ((LENDER, "owed-ETH"), "0.5", -1),
        (SHORT, "0.02", -1),
        (SHORT, "-0.02", 1),
        (PUT, "-2", 1),
        ((B, "USD"), "1000", -1),
    ],
)
def test_least_sizes_at_the_edge(slot: tuple[str, str], size: str, step: int) -> None:
    """A position of 1 000 USD is large enough, one lot less is not, and none at all is."""
    held = NOTHING | {DOLLARS: Decimal(100_000)} | {slot: Decimal(size)}
    if slot == (B, "USD"):
        held[DOLLARS] = Decimal(0)
    compiled = compiled_fund(market_of(), least(1_000))
    assert_exactly_at_the_limit(compiled, "min_position_size", held, slot, step)
    assert broken(compiled, held | {slot: 0, DOLLARS: 100_000}) == ()


def test_a_position_is_large_enough_over_all_sources() -> None:
    compiled = compiled_fund(market_of(), least(1_000, "BTC"))
    held: dict[tuple[str, str], int | str] = {DOLLARS: 100_000, (A, "BTC"): "0.012", (B, "BTC"): "0.008"}
    assert broken(compiled, held) == ()
    assert broken(compiled, held | {(B, "BTC"): "0.007999"}) == ("min_position_size",)
    assert broken(compiled, held | {(A, "BTC"): 0}) == ("min_position_size",)


@pytest.mark.parametrize("netting", NETTING)
def test_a_short_is_netted_before_it_is_measured(netting: str) -> None:
    """10 long at one source and 13 short at another are a short of 3, whatever the policy nets elsewhere."""
    compiled = compiled_fund(market_of(), least(200_000, "short-BTC"), sources=TWICE, netting=netting)
    held = {DOLLARS: 3_000_000, (A, "short-BTC"): 10, (B, "short-BTC"): -14}
    assert broken(compiled, held) == ()
    assert broken(compiled, held | {(B, "short-BTC"): -13}) == ("min_position_size",)
    assert broken(compiled, held | {(B, "short-BTC"): -10}) == ()


@pytest.mark.parametrize("sizes", [(13, 10), (10, 7), (3, 0), (0, 0), (4, 1), (2**60, 2**60 - 3)])
def test_no_way_to_fill_its_slots_passes_3_for_13_less_10(sizes: tuple[int, int]) -> None:
    """The long and the short side are checked against the position and against each other."""
    compiled = compiled_fund(market_of(), least(200_000, "short-BTC"), sources=TWICE)
    lot = compiled.layout[2].lot
    assert compiled.layout[2].asset == "short-BTC"
    lots = lots_of(compiled, {DOLLARS: Decimal(3_000_000), SHORT: Decimal(3)})
    long, short = compiled.constraint("min_position_size").aux
    vector = list(compiled.quantities(lots))
    vector[long], vector[short] = (int(size / lot) if size < 2**50 else size for size in sizes)
    with pytest.raises(StatementFalse, match="min_position_size"):
        solve(compiled.program, vector)


@given(held=whole_books(), more=st.integers(1, 2**40))
@settings(max_examples=25, deadline=None)
def test_a_long_and_a_short_side_at_once_are_refused_whatever_their_difference_is(held: Held, more: int) -> None:
    compiled = compiled_fund(market_of(), least(1, "short-BTC"))
    vector = list(compiled.quantities(lots_of(compiled, held)))
    for slot in compiled.constraint("min_position_size").aux:
        vector[slot] += more
    with pytest.raises(StatementFalse) as refused:
        solve(compiled.program, vector)
    assert "min_position_size/short-BTC one side" in refused.value.slacks


@given(
    tail=st.sampled_from(["0.0000051", "0.0000049", "0.00000018", "0.00000014"]).map(Decimal)
    | decimals("0", "0.00001", 15),
    slot=st.sampled_from([(A, "ETH"), (B, "BTC"), (LENDER, "owed-ETH"), SHORT, PUT]),
    count=st.integers(1_000, 200_000),
    side=st.sampled_from([1, -1]),
    offset=st.sampled_from(["0", "1E-13", "1E-10", "1E-8", "1E-6", "1E-5"]),
    above=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_least_sizes_at_prices_that_no_money_unit_divides(
    tail: Decimal, slot: tuple[str, str], count: int, side: int, offset: str, above: bool
) -> None:
    """Rounding never lets a position pass that is too small, and never refuses an empty one."""
    market = market_of()
    priced = tuple(i.model_copy(update={"price_usd": i.price_usd + tail}) for i in market.instruments)
    market = market.model_copy(update={"instruments": priced})
    name = slot[1]
    lots = {s.asset: s.lot for s in compiled_fund(market).layout.slots}
    quantity = count * lots[name]
    size = quantity * market.instrument(name).price_usd
    limit = least(str(size + Decimal(offset) * (1 if above else -1)), name)
    held = NOTHING | {DOLLARS: Decimal(1_000_000), slot: quantity * (side if name in SIGNED else 1)}
    compiled = compiled_fund(market, limit)
    assert_program_means_policy(compiled, compiled.policy, market, held)
    assert broken(compiled, held | {slot: 0}) == ()


def test_the_rows_of_a_least_size() -> None:
    """One for what is never short; for what may be, an equation, two sizes and a choice of sides."""
    compiled = compiled_fund(market_of(), least(1_000, "ETH", "short-BTC"))
    rows = [compiled.program.rows[i] for i in compiled.constraint("min_position_size").rows]
    assert [row.kind for row in rows] == [Kind.NONNEG, Kind.ZERO, Kind.NONNEG, Kind.NONNEG, Kind.NONNEG]
    assert [len(row.flag_weights) for row in rows] == [1, 0, 1, 1, 2]


# Alone, in a sleeve, in words, and inherited -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tightened"),
    [
        ("net_leverage", NetLeverage(limit=Decimal("0.654"))),
        ("gross_leverage", GrossLeverage(limit=Decimal("1.26"))),
        ("concentration", concentration("0.28")),
        ("concentration-asset", concentration("0.523", "asset", groups=("ETH", "BTC"))),
        ("concentration-chain", concentration("0.588", "chain")),
        ("concentration-protocol", concentration("0.186", "protocol", measure="net")),
        ("position_count", count(6)),
        ("min_position_size", least(10_001)),
        ("min_position_size", least(50_001, "short-BTC")),
        ("position_limit-BTC", PositionLimit(instrument="BTC", max_usd=Decimal(299_999))),
    ],
)
def test_only_the_size_is_named(name: str, tightened: Constraint) -> None:
    assert named_once_tightened(name, tightened) == (name,)


PART: Held = HELD | {DOLLARS: Decimal(50_000)}
"""In the sleeve: ETH 100 000, USD 100 000, short-BTC −50 000 of a NAV of 150 000."""


@pytest.mark.parametrize(
    ("limit", "held", "slot", "step"),
    [
        (NetLeverage(limit=Decimal("0.2")), PART | {(A, "ETH"): Decimal("37.5")}, (A, "ETH"), 1),
        (concentration("0.5", "asset", groups=("BTC",)), PART | {(B, "USD"): Decimal(0)}, (A, "USD"), -1),
        (count(1), PART | {(A, "ETH"): Decimal(0)}, (A, "ETH"), 1),
        (least(50_000), PART, SHORT, 1),
    ],
)
def test_in_a_sleeve_only_its_own_positions_and_nav_count(
    limit: Constraint, held: Held, slot: tuple[str, str], step: int
) -> None:
    sleeve = Sleeve(name="part", instruments=("ETH", "USD", "short-BTC"), constraints=(limit,))
    compiled = compiled_fund(market_of(), sleeve)
    name = f"part.{limit.default_name}"
    assert_exactly_at_the_limit(compiled, name, held, slot, step)
    changes: dict[tuple[str, str], str | int] = {(A, "stETH"): 1, (A, "BTC"): 11, PUT: "0.001", (LENDER, "aETH"): 0}
    assert broken(compiled, held | {slot: Decimal(q) for slot, q in changes.items()}) == ()


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (
            NetLeverage(limit=Decimal("0.5")),
            "Net exposure to assets that are no cash is at most 50% of NAV, long or short.",
        ),
        (
            concentration("0.4", "issuer"),
            "For every issuer, the sizes of all positions in it, over all sources, come to at most 40% of NAV.",
        ),
        (
            concentration("0.4", "chain", groups=("base", "ethereum"), measure="net"),
            "For each of the chains base, ethereum, net exposure to it, long or short and over all sources, is at "
            "most 40% of NAV.",
        ),
        (count(12), "There are at most 12 positions in assets that are no cash."),
        (count(2, instruments=("BTC", "ETH")), "There are at most 2 positions in BTC, ETH."),
        (
            least(25_000),
            "Every position is either empty or worth at least 25,000 USD, over all sources.",
        ),
        (
            least(25_000, "ETH"),
            "The position in each of ETH is either empty or worth at least 25,000 USD, over all sources.",
        ),
    ],
)
def test_sentences(limit: Constraint, sentence: str) -> None:
    assert limit.sentence() == sentence


@pytest.mark.parametrize(
    "make",
    [
        lambda: count(-1),
        lambda: least(0),
        lambda: NetLeverage(limit=Decimal(0)),
        lambda: concentration("0.3", "country"),
        lambda: PositionCount(maximum=Decimal("1.5")),  # type: ignore[arg-type]
    ],
)
def test_limits_that_mean_nothing_are_refused(make: Callable[[], Constraint]) -> None:
    with pytest.raises(ValidationError):
        make()


def test_smaller_limits_fewer_positions_and_larger_least_sizes_are_tighter() -> None:
    assert count(3).tightens(count(4))
    assert not count(5).tightens(count(4))
    assert not count(3, instruments=("BTC",)).tightens(count(4))
    assert least(2_000).tightens(least(1_000))
    assert not least(500).tightens(least(1_000))
    assert concentration("0.2", "asset").tightens(concentration("0.3", "asset"))
    assert not concentration("0.2", "asset", measure="net").tightens(concentration("0.3", "asset"))
    assert not concentration("0.2", "asset", groups=("BTC",)).tightens(concentration("0.3", "asset"))
    assert NetLeverage(limit=Decimal("0.1")).tightens(NetLeverage(limit=Decimal("0.2")))
