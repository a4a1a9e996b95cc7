"""Turnover against the previous epoch's committed holdings. (K.24)"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from attest import Context, Holdings, PreviousHoldings, SourceError, SourceSet, build_statement, open_source, prove
from attest.commitment import ROLES, SourceCommitment
from attest.errors import ProofRejected, StatementFalse
from attest.program import Kind, Layout, Owner
from attest.srs import Setup
from attest.verifier import verify
from optimizer.errors import PolicyError
from optimizer.market import Market
from optimizer.policy import (
    Book,
    CompiledPolicy,
    Constraint,
    ExpectedShortfall,
    GrossLeverage,
    NetLeverage,
    Policy,
    Sleeve,
    Solvency,
    Turnover,
    compile_policy,
)
from optimizer.policy.rows import RowWriter
from tests.optimizer.policies.fund import market_of
from tests.optimizer.policy_edges import (
    assert_program_means_policy,
    one_lot_on,
    previous_lots,
    violated,
    whole_quantities,
)
from tests.optimizer.policy_strategies import book_of, lots_of, policy_of
from tests.optimizer.strategies import decimals, fixed_market

A, B, LENDER = "custodian-a", "custodian-b", "lender"
Sources = Sequence[tuple[str, Sequence[str]]]
Held = Mapping[tuple[str, str], Decimal | int | str]

BEFORE: Sources = ((A, ("BTC", "stETH", "USD", "short-BTC")), (LENDER, ("aETH", "owed-USDC")))
NOW: Sources = ((A, ("BTC", "ETH", "USD", "short-BTC")), (B, ("BTC", "USD")), (LENDER, ("aETH", "owed-USDC")))
"""Staked ETH left, ETH and a second custodian came."""
HELD_BEFORE: Held = {
    (A, "BTC"): 5,
    (A, "stETH"): 25,
    (A, "USD"): 500_000,
    (A, "short-BTC"): -1,
    (LENDER, "aETH"): 100,
    (LENDER, "owed-USDC"): 100_000,
}
HELD: Held = {
    (A, "BTC"): 4,
    (B, "BTC"): 2,
    (A, "ETH"): 50,
    (A, "USD"): 480_000,
    (B, "USD"): 50_000,
    (A, "short-BTC"): -1,
    (LENDER, "aETH"): 100,
    (LENDER, "owed-USDC"): 80_000,
}
"""NAV 1 000 000 USD. Bought: BTC 50 000 and ETH 100 000; sold: stETH 50 000; repaid 20 000; dollars 30 000 more."""


def quantities(held: Held) -> dict[tuple[str, str], Decimal]:
    return {slot: Decimal(quantity) for slot, quantity in held.items()}


def turnover(limit: str = "0.25", **fields: Any) -> Turnover:
    return Turnover(limit=Decimal(limit), **fields)


def layout_before(market: Market, *constraints: Constraint) -> Layout:
    """The previous epoch's layout."""
    return compile_policy(policy_of(market, *constraints, sources=BEFORE), market).layout


def compiled(
    *constraints: Constraint,
    market: Market | None = None,
    earlier: Layout | None = None,
    **fields: Any,
) -> CompiledPolicy:
    market = market or market_of()
    policy = policy_of(market, *constraints, sources=NOW, **fields)
    return compile_policy(policy, market, earlier or layout_before(market))


def before_of(policy: CompiledPolicy, held: Held) -> tuple[int, ...]:
    """(N',) the previous epoch's vector; instruments left out are 0."""
    assert policy.previous_layout is not None
    slots = [policy.previous_layout[j] for j in policy.previous_layout.of(Owner.SOURCE)]
    nothing = {(slot.source, slot.asset): Decimal(0) for slot in slots}
    return previous_lots(policy, nothing | quantities(held))


def broken(policy: CompiledPolicy, held: Held = HELD, before: Held = HELD_BEFORE) -> tuple[str, ...]:
    return violated(policy, lots_of(policy, quantities(held)), before_of(policy, before))


def assert_at_the_limit(
    policy: CompiledPolicy, name: str, slot: tuple[str, str], step: int, held: Held = HELD, before: Held = HELD_BEFORE
) -> None:
    """What is traded is exactly what the limit allows, and one lot more is refused by its name alone."""
    lots, earlier = lots_of(policy, quantities(held)), before_of(policy, before)
    assert policy.previous_layout is not None
    old = whole_quantities(policy.previous_layout, tuple(earlier[j] for j in policy.previous_layout.of(Owner.SOURCE)))
    whole = Book(policy.market, whole_quantities(policy.layout, lots), policy.policy.netting, old)
    assert policy.constraint(name).rounding_usd == 0
    assert policy.constraint(name).plain_slack_usd(whole) == 0
    assert violated(policy, lots, earlier) == ()
    assert violated(policy, one_lot_on(policy, lots, slot, step), earlier) == (name,)


# Meaning -------------------------------------------------------------------------------------------------------------


@st.composite
def books(draw: st.DrawFn, market: Market, sources: Sources) -> dict[tuple[str, str], Decimal]:
    held = {}
    for source, names in sources:
        for name in names:
            instrument = market.instrument(name)
            value = draw(decimals("-100000" if instrument.signed else "0", "100000", 0))
            held[source, name] = value / instrument.price_usd
    return held


@given(data=st.data(), cash=st.booleans(), factor=st.sampled_from(["1", "2", "0.5", "1.1"]))
@settings(max_examples=30, deadline=None)
def test_turnover_against_numpy(data: st.DataObject, cash: bool, factor: str) -> None:
    """Positions over all sources, of either epoch, at today's prices."""
    market = market_of()
    now, before = data.draw(books(market, NOW)), data.draw(books(market, BEFORE))
    names = sorted({name for _, held in (*NOW, *BEFORE) for name in held})
    index = {name: i for i, name in enumerate(names)}
    positions = np.zeros((2, len(names)))
    for row, held in enumerate((now, before)):
        for (_, name), quantity in held.items():
            positions[row, index[name]] += float(quantity)
    positions[1, index["BTC"]] *= float(factor)
    prices = np.array([float(market.instrument(name).price_usd) for name in names])
    signs = np.array([-1.0 if name.startswith("owed") else 1.0 for name in names])
    counted = np.array([cash or name not in ("USD", "owed-USDC") for name in names])
    traded = np.abs(positions[0] - positions[1]) * prices * counted
    expected = 0.3 * (positions[0] * prices * signs).sum() - traded.sum()

    limit = turnover("0.3", include_cash=cash, split_factors={"BTC": Decimal(factor)})
    policy = compiled(limit)
    earlier = before_of(policy, before)
    plain = limit.plain_slack_usd(book_of(policy.policy, market, now, before))
    by_rows = policy.slacks_usd(policy.quantities(lots_of(policy, now)), earlier)["turnover"]
    assert abs(float(plain) - expected) <= 1e-5
    assert abs(float(by_rows) - expected) <= float(policy.constraint("turnover").bound_usd) + 1e-5


@given(
    data=st.data(),
    tail=st.sampled_from(["0.0000051", "0.0000049", "0.00000018"]).map(Decimal) | decimals("0", "0.00001", 15),
    offset=st.sampled_from(["0", "1E-9", "1E-7", "1E-5", "0.001", "1"]).map(Fraction),
    above=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_turnover_at_prices_that_no_money_unit_divides(
    data: st.DataObject, tail: Decimal, offset: Fraction, above: bool
) -> None:
    """At the edge, rounding is never in the fund's favour and never more than the stated bound."""
    market = market_of()
    priced = tuple(i.model_copy(update={"price_usd": i.price_usd + tail}) for i in market.instruments)
    market = market.model_copy(update={"instruments": priced})
    now, before = (
        {slot: quantity.quantize(Decimal("0.1")) for slot, quantity in data.draw(books(market_of(), sources)).items()}
        for sources in (NOW, BEFORE)
    )
    book = book_of(policy_of(market, sources=NOW), market, now, before)
    traded = book.nav_usd - turnover("1").plain_slack_usd(book)
    assume(book.nav_usd > 1_000 and traded > 1_000)
    limit = (traded + (offset if above else -offset)) / book.nav_usd
    limited = turnover(str(Decimal(round(limit * 10**18)).scaleb(-18)))
    policy = compiled(limited, market=market, rounding_tolerance="0.00001")
    assert_program_means_policy(policy, policy.policy, market, now, before)


def test_a_price_that_is_rounded_down_lets_nothing_through() -> None:
    """10 stETH at 2000.00000004 were sold; rounded to money units they are worth 20 000 USD, 2 % of NAV."""
    market = market_of()
    priced = tuple(
        i.model_copy(update={"price_usd": Decimal("2000.00000004")}) if i.id == "stETH" else i
        for i in market.instruments
    )
    policy = compiled(turnover("0.02", include_cash=False), market=market.model_copy(update={"instruments": priced}))
    (sold,) = (i for i, row in enumerate(policy.program.rows) if row.name == "turnover/stETH traded")
    limit = policy.program.rows[policy.constraint("turnover").rows[-1]]
    lot = Fraction(1, 10_000)
    assert {w * policy.unit_usd for e, w in limit.weights.items() if e.row == sold} == {2000 * lot}
    cash: Held = {(A, "USD"): 1_000_000}
    assert broken(policy, cash, {**cash, (A, "stETH"): 10}) == ("turnover",)
    assert broken(policy, cash, {**cash, (A, "stETH"): "9.99"}) == ()


@pytest.mark.parametrize(
    ("slot", "step"),
    [
        ((B, "BTC"), 1),
        ((A, "ETH"), 1),
        ((A, "USD"), 1),
        ((A, "short-BTC"), -1),
        ((A, "short-BTC"), 1),
        ((LENDER, "aETH"), 1),
        ((LENDER, "aETH"), -1),
        ((LENDER, "owed-USDC"), -1),
    ],
)
@pytest.mark.parametrize("netting", ["across_sources", "none"])
def test_turnover_at_the_edge(slot: tuple[str, str], step: int, netting: str) -> None:
    """A quarter of NAV, and a lot more of anything: more of what grew, less of what shrank, either of what stayed.

    What adds to NAV adds at most a quarter of it to the limit.
    """
    assert_at_the_limit(compiled(turnover(), netting=netting), "turnover", slot, step)


def test_without_cash_only_the_other_side_of_a_trade_counts() -> None:
    policy = compiled(turnover("0.2", include_cash=False))
    assert_at_the_limit(policy, "turnover", (A, "ETH"), 1)
    assert broken(policy, {**HELD, (A, "USD"): 1_480_000, (LENDER, "owed-USDC"): 1_080_000}) == ()
    assert broken(compiled(turnover("0.2")), HELD) == ("turnover",)


def test_what_left_the_layout_counts_as_sold_and_what_came_as_bought() -> None:
    policy = compiled(turnover())
    nothing: Held = dict.fromkeys(HELD_BEFORE, 0)
    cash: Held = {(A, "USD"): 1_000_000}
    assert broken(policy, cash, {**nothing, **cash}) == ()
    assert broken(policy, cash, {**nothing, **cash, (A, "stETH"): 125}) == ()
    assert broken(policy, cash, {**nothing, **cash, (A, "stETH"): Decimal("125.001")}) == ("turnover",)
    assert broken(policy, {**cash, (A, "ETH"): 166}, {**nothing, **cash}) == ()
    assert broken(policy, {**cash, (A, "ETH"): 167}, {**nothing, **cash}) == ("turnover",)


@pytest.mark.parametrize("lot", ["0.0000001", "0.000025", "0.00005"])
def test_lots_of_the_two_epochs_may_differ(lot: str) -> None:
    """They are compared in their greatest common divisor, so nothing is rounded."""
    policy = compiled(turnover(), earlier=layout_before(market_of({"BTC": {"lot": lot}})))
    assert policy.previous_layout is not None
    assert policy.previous_layout[1].lot != policy.layout[1].lot
    assert_at_the_limit(policy, "turnover", (B, "BTC"), 1)


@pytest.mark.parametrize(
    ("factor", "held", "names"),
    [
        ("10", "50", ()),
        ("10", "5", ("turnover",)),
        ("1", "5", ()),
        ("0.1", "0.5", ()),
        ("2.5", "12.5", ()),
        ("2.5", "12.49", ("turnover",)),
    ],
)
def test_a_split_is_no_trade(factor: str, held: str, names: tuple[str, ...]) -> None:
    policy = compiled(turnover("0.0000001", split_factors={"BTC": Decimal(factor)}))
    now = {slot: quantity for slot, quantity in HELD_BEFORE.items() if slot[1] not in ("stETH", "BTC")}
    before = {slot: quantity for slot, quantity in HELD_BEFORE.items() if slot[1] != "stETH"}
    assert broken(policy, {**now, (B, "BTC"): held}, before) == names


def test_only_turnover_is_named() -> None:
    others = (Solvency(), GrossLeverage(limit=Decimal("1.3")), NetLeverage(limit=Decimal(1)))
    assert broken(compiled(*others, turnover())) == ()
    assert broken(compiled(*others, turnover("0.249999"))) == ("turnover",)


# How a fund might cheat ----------------------------------------------------------------------------------------------


def test_custody_moves_are_no_turnover_and_hide_none() -> None:
    unchanged = {slot: quantity for slot, quantity in HELD_BEFORE.items() if slot[1] != "stETH"}
    before = {**unchanged, (A, "stETH"): 0}
    policy = compiled(turnover("0.0000001"))
    moved = {**unchanged, (A, "BTC"): 1, (B, "BTC"): 4, (A, "USD"): 0, (B, "USD"): 500_000}
    assert broken(policy, moved, before) == ()
    assert broken(policy, {**moved, (A, "BTC"): 2}, before) == ("turnover",)


def test_a_large_book_that_does_not_trade_has_no_turnover_and_a_small_one_that_does_has() -> None:
    """Gross size is no turnover, and does not stand in for it."""
    policy = compiled(turnover("0.1"))
    large = {(A, "BTC"): 40, (LENDER, "owed-USDC"): 1_500_000, (A, "USD"): 100_000}
    assert broken(policy, large, large) == ()
    small = {(A, "BTC"): 2, (A, "USD"): 100_000}
    assert broken(policy, small, {(A, "BTC"): 1, (A, "USD"): 150_000}) == ("turnover",)
    assert broken(policy, large, {}) == ("turnover",)


def test_rolling_a_debt_or_a_short_over_is_none_and_closing_one_is() -> None:
    policy = compiled(turnover("0.02"))
    held = {(A, "USD"): 1_000_000, (A, "short-BTC"): -2, (LENDER, "owed-USDC"): 100_000}
    assert broken(policy, held, held) == ()
    assert broken(policy, {**held, (A, "short-BTC"): -1}, held) == ("turnover",)
    assert broken(policy, {**held, (LENDER, "owed-USDC"): 80_000}, held) == ("turnover",)


def test_a_long_does_not_become_a_short_for_nothing() -> None:
    """From 2 long to 2 short is a trade of 4."""
    policy = compiled(turnover("0.2"))
    before = {(A, "short-BTC"): 2, (A, "USD"): 1_000_000}
    after = {(A, "short-BTC"): -2, (A, "USD"): 1_100_000}
    assert broken(policy, after, before) == ("turnover",)
    assert broken(policy, {**after, (A, "short-BTC"): 0}, before) == ()


def test_no_row_reads_the_constant_or_an_aux_slot_of_the_previous_epoch() -> None:
    """A previous vector has its constant and its aux slots from nobody's signature."""
    market = market_of()
    shortfall = ExpectedShortfall(confidence=Decimal("0.7"), limit=Decimal("0.5"))
    layout = layout_before(market, shortfall)
    (level,) = layout.of(Owner.AUX)
    policy = compiled(turnover(), market=market, earlier=layout)
    readers = [row for row in policy.program.rows if row.previous]
    assert all(0 not in row.previous for row in readers)
    assert [row.name for row in readers if level in row.previous] == [f"previous/aux {layout[level].asset}"]
    assert broken(policy) == ()
    earlier = before_of(policy, HELD_BEFORE)
    with pytest.raises(ValueError, match="slot 0 of the previous vector is the constant 1"):
        violated(policy, lots_of(policy, quantities(HELD)), (2, *earlier[1:]))


def test_a_negative_debt_of_the_previous_epoch_is_refused() -> None:
    """It would have made a repayment out of a loan."""
    policy = compiled(turnover())
    earlier = list(before_of(policy, HELD_BEFORE))
    assert policy.previous_layout is not None
    (debt,) = (j for j in policy.previous_layout.of(Owner.SOURCE) if policy.previous_layout[j].sign < 0)
    earlier[debt] = -1
    assert "previous" in violated(policy, lots_of(policy, quantities(HELD)), tuple(earlier))


def test_what_was_held_and_has_no_price_any_more_is_refused() -> None:
    now = market_of()
    kept = tuple(instrument for instrument in now.instruments if instrument.id != "stETH")
    returns = {name: series for name, series in now.scenarios.returns.items() if name != "stETH"}
    betas = {"BTC": {name: beta for name, beta in now.betas["BTC"].items() if name != "stETH"}}
    scenarios = now.scenarios.model_copy(update={"returns": returns})
    market = now.model_copy(update={"instruments": kept, "scenarios": scenarios, "betas": betas})
    with pytest.raises(PolicyError, match="'stETH' was held in the previous epoch and has no price any more; keep it"):
        compiled(turnover(include_cash=False), market=market, earlier=layout_before(now))


def test_an_id_that_was_owed_and_is_owned_now_is_refused() -> None:
    """100 owed and 100 owned would be no difference."""
    market = market_of()
    earlier = layout_before(market_of({"aETH": {"kind": "borrow", "haircut": "0", "liquidation_threshold": None}}))
    with pytest.raises(PolicyError, match="'aETH' was owed in the previous epoch and is owned now; give what it is"):
        compiled(turnover(), market=market, earlier=earlier)


def test_a_first_epoch_compares_with_nothing() -> None:
    with pytest.raises(PolicyError, match=r"turnover.*give the layout of its holdings; a fund's first epoch"):
        compile_policy(policy_of(market_of(), turnover(), sources=NOW), market_of())


def test_a_split_factor_of_a_stranger_is_refused() -> None:
    with pytest.raises(PolicyError, match="'BTCC' has a split factor and is no instrument of the market"):
        compiled(turnover(split_factors={"BTCC": Decimal(10)}))


def test_lots_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(PolicyError, match="'BTC' in the two epochs differ by less than a money unit; fix its lot"):
        compiled(turnover(split_factors={"BTC": Decimal("1.00000000000001")}))


def test_the_limit_bounds_what_is_traded_however_coarse_the_money_unit_is() -> None:
    """Half of 1 rounds up to 1: then NAV counts twice as much as it should, and so does its bound."""
    market = fixed_market({"X": "1"}, {"X": ["0"]}, X={"lot": "1"})
    layout = compile_policy(policy_of(market), market).layout
    writer = RowWriter(
        market,
        layout,
        unit_usd=Fraction(1),
        gross_cap_usd=Fraction(1000),
        netting="none",
        aux={},
        previous_layout=layout,
    )
    writer.write("turnover", turnover("0.5").rows)
    program = writer.program()
    limit, traded = program.index("turnover/limit"), program.index("turnover/X traded")
    most = 2 * 1000 + 1  # Σ (v − ½)|q| ≤ cap + ½
    assert program.rows[limit].coefficients[1] * most <= writer.bounds[traded].magnitude


# In a sleeve, in words, and inherited --------------------------------------------------------------------------------


def test_in_a_sleeve_only_its_own_trades_and_nav_count() -> None:
    """ETH and staked ETH: 100 000 bought and 50 000 sold, of a NAV of 300 000."""
    sleeve = Sleeve(name="ether", instruments=("ETH", "aETH"), constraints=(turnover("0.5"),))
    policy = compiled(sleeve)
    held = {**HELD, (A, "ETH"): 100}
    assert_at_the_limit(policy, "ether.turnover", (A, "ETH"), 1, held)
    assert broken(policy, {**held, (B, "BTC"): 20, (A, "USD"): 5}) == ()


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (
            turnover("0.2"),
            "What was bought and sold since the previous epoch, at today's prices and over all sources, cash included, "
            "comes to at most 20% of NAV.",
        ),
        (
            turnover("0.2", include_cash=False, split_factors={"X": Decimal(10), "A": Decimal("0.5")}),
            "What was bought and sold since the previous epoch, at today's prices and over all sources, without cash, "
            "comes to at most 20% of NAV. One unit of A has become 0.5. One unit of X has become 10.",
        ),
    ],
)
def test_sentences(limit: Turnover, sentence: str) -> None:
    assert limit.sentence() == sentence


def test_less_turnover_with_cash_and_the_same_splits_is_tighter() -> None:
    base = turnover("0.2", include_cash=False)
    assert turnover("0.1", include_cash=False).tightens(base)
    assert turnover("0.2").tightens(base)
    assert not base.tightens(turnover("0.2"))
    assert not turnover("0.1", include_cash=False, split_factors={"BTC": Decimal(2)}).tightens(base)
    for fields in ({"limit": Decimal(0)}, {"limit": Decimal(1), "split_factors": {"BTC": Decimal(0)}}):
        with pytest.raises(ValidationError):
            Turnover(**fields)


def test_a_policy_file_says_all_of_it() -> None:
    text = b"""{"version": "1", "name": "T", "nav_floor_usd": "1", "gross_cap_usd": "10", "rounding_tolerance": "0.01",
        "sources": [{"name": "a", "role": "custodian", "instruments": ["BTC"]}],
        "constraints": [{"kind": "turnover", "limit": "0.2", "include_cash": false, "split_factors": {"BTC": "10"}}]}"""
    (limit,) = Policy.parse(text).constraints
    assert limit == turnover("0.2", include_cash=False, split_factors={"BTC": Decimal(10)})
    with pytest.raises(PolicyError, match=r"split_factors\.BTC"):
        Policy.parse(text.replace(b'"10"}}', b"10}}"))


# Proved --------------------------------------------------------------------------------------------------------------

CONTEXT = Context(chain_id=1, registry="0x" + "22" * 20, expiry=2**40, program_id=bytes(32))


def signed(layout: Layout, lots: Sequence[int], epoch: int, setup: Setup) -> PreviousHoldings:
    """What the sources of an epoch committed to, and their commitments as they would be signed."""
    by_slot = dict(zip(layout.of(Owner.SOURCE), lots, strict=True))
    openings = [open_source(layout, name, {j: by_slot[j] for j in layout.owned_by(name)}) for name in layout.sources]
    commitments = [
        SourceCommitment(
            fund="0x" + "11" * 20,
            epoch=epoch,
            as_of=epoch,
            source=opening.source,
            role=ROLES["custodian"],
            layout_hash=layout.hash,
            owned_slots_hash=layout.owned_slots_hash(opening.source),
            commitment=opening.commitment(setup),
            expiry=2**40,
            nonce=0,
        )
        for opening in openings
    ]
    return PreviousHoldings(Holdings(tuple(openings)), SourceSet(tuple(commitments)))


def test_turnover_is_proved_against_what_was_committed_before(setup: Setup) -> None:
    policy = compiled(turnover(), Solvency())
    assert policy.previous_layout is not None
    (program,) = policy.programs
    statement = build_statement(
        program,
        setup,
        layout=policy.layout,
        policy_hash=policy.policy_hash,
        market_hash=policy.market_hash,
        previous_layout=policy.previous_layout,
    )
    assert statement.key.vectors == 2

    lots, earlier = lots_of(policy, quantities(HELD)), before_of(policy, HELD_BEFORE)[1:]
    today = signed(policy.layout, lots, 2, setup)
    before = signed(policy.previous_layout, earlier, 1, setup)
    proof = prove(setup, statement, CONTEXT, today.holdings, today.sources, policy.aux_values(lots), previous=before)
    verify(setup, statement.key, CONTEXT, today.sources, proof, before.sources)

    # The same holdings, committed to anew: not what the sources signed in the previous epoch.
    again = signed(policy.previous_layout, earlier, 1, setup)
    with pytest.raises(ProofRejected):
        verify(setup, statement.key, CONTEXT, today.sources, proof, again.sources)
    with pytest.raises(SourceError):
        verify(setup, statement.key, CONTEXT, today.sources, proof)

    # One lot more than a quarter of NAV.
    more = one_lot_on(policy, lots, (A, "ETH"), 1)
    traded = signed(policy.layout, more, 2, setup)
    with pytest.raises(StatementFalse, match="turnover"):
        prove(setup, statement, CONTEXT, traded.holdings, traded.sources, policy.aux_values(more), previous=before)
    # Openings of other holdings do not fit what was signed before.
    closer = signed(policy.previous_layout, [*earlier[:-1], earlier[-1] - 1], 1, setup)
    with pytest.raises(SourceError, match="do not belong"):
        prove(
            setup,
            statement,
            CONTEXT,
            today.holdings,
            today.sources,
            policy.aux_values(lots),
            previous=PreviousHoldings(closer.holdings, before.sources),
        )


def test_traded_rows_are_free_and_weigh_on_both_parts() -> None:
    """(K.24): an increase and a decrease weigh the same, so that neither part can be left at 0 for the other."""
    policy = compiled(turnover())
    *traded, limit = (policy.program.rows[i] for i in policy.constraint("turnover").rows)
    assert {row.kind for row in traded} == {Kind.FREE}
    assert len(limit.weights) == 2 * len(traded) == 2 * 7
    weights = {row.name: {w for e, w in limit.weights.items() if policy.program.rows[e.row] is row} for row in traded}
    assert all(len(found) == 1 for found in weights.values())
