"""What the fund's own addresses hold in a policy: slots that are read instead of signed, in every limit."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attest.program import Owner
from optimizer import sample_market
from optimizer.errors import DataError, PolicyError
from optimizer.policy import WALLET, CompiledPolicy, Concentration, Policy, Token, compile_policy
from tests.optimizer.policy_strategies import policy_of

MARKET = sample_market(as_of=dt.date(2020, 1, 17))
ETHER = Token(instrument="ETH", decimals=18)
DOLLARS = Token(instrument="USD", decimals=6, token="0x" + "70" * 20)
SOURCES = (("custodian", ("BTC", "ETH", "USD")), ("lender", ("borrow-USD",)))


def with_wallet(*held: Token, **changes: Any) -> Policy:
    policy = policy_of(MARKET, Concentration(limit=Decimal("0.6")), sources=SOURCES, **changes)
    return Policy.model_validate(policy.model_dump() | {"constraints": policy.constraints, "wallet": held})


def compiled_with(*held: Token, **changes: Any) -> CompiledPolicy:
    return compile_policy(with_wallet(*held, **changes), MARKET)


def test_slots_stand_behind_the_sources_and_are_public() -> None:
    compiled = compiled_with(ETHER, DOLLARS)
    layout = compiled.layout
    assert layout.of(Owner.SOURCE) == (1, 2, 3, 4) and layout.of(Owner.PUBLIC) == (5, 6)
    assert compiled.held_slots == layout.held == (1, 2, 3, 4, 5, 6)
    assert layout.sources and WALLET not in layout.sources
    assert [(layout[j].asset, layout[j].source) for j in (5, 6)] == [("ETH", WALLET), ("USD", WALLET)]
    read = compiled.wallet_slots
    assert [(each.slot, each.token) for each in read] == [(5, None), (6, DOLLARS.token)]
    assert [each.lot for each in read] == [Fraction(layout[5].lot) * 10**18, Fraction(layout[6].lot) * 10**6]


@settings(max_examples=30, deadline=None)
@given(
    at_custodian=st.decimals("0", "3000", places=4),
    in_wallet=st.decimals("0", "3000", places=4),
    dollars=st.decimals("0", "900000", places=2),
)
def test_every_limit_counts_what_is_read(at_custodian: Decimal, in_wallet: Decimal, dollars: Decimal) -> None:
    """Half of a position moved into the wallet changes no limit and no NAV, but for lots."""
    compiled, plain = compiled_with(ETHER, DOLLARS), compiled_with()
    held = {"custodian": {"BTC": Decimal(30), "ETH": at_custodian, "USD": dollars}, "lender": {"borrow-USD": dollars}}
    split = held | {WALLET: {"ETH": in_wallet, "USD": Decimal(0)}}
    whole = held | {"custodian": held["custodian"] | {"ETH": at_custodian + in_wallet}}
    slacks, navs = [], []
    for each, quantities in ((compiled, split), (plain, whole)):
        file = each.holdings([0] * len(each.held_slots)).model_copy(update={"sources": quantities})
        lots = each.lots(file)
        navs.append(each.nav_usd(lots))
        slacks.append(each.slacks_usd(each.quantities(lots)))
    assert abs(navs[0] - navs[1]) <= 10
    for name, bound in compiled.bounds_usd.items():
        assert abs(slacks[0][name] - slacks[1][name]) <= bound + plain.bounds_usd[name]


def test_a_policy_without_a_wallet_keeps_its_hash_and_one_with_it_has_another() -> None:
    plain, own = with_wallet(), with_wallet(ETHER)
    assert "wallet" not in plain.model_dump(mode="json")
    assert own.hash != plain.hash
    assert Policy.model_validate(own.model_dump() | {"constraints": own.constraints}).hash == own.hash


def test_a_balance_counts_once() -> None:
    with pytest.raises(ValueError, match="lists one instrument twice"):
        with_wallet(ETHER, Token(instrument="ETH", decimals=18, token="0x" + "71" * 20))
    with pytest.raises(ValueError, match="lists one token twice"):
        with_wallet(DOLLARS, DOLLARS.model_copy(update={"instrument": "BTC"}))
    with pytest.raises(ValueError, match="a source is called 'wallet'"):
        policy = policy_of(MARKET, sources=[(WALLET, ("BTC",))])
        Policy.model_validate(policy.model_dump() | {"wallet": (ETHER,)})


def test_the_coin_has_no_second_name() -> None:
    with pytest.raises(ValueError, match="no token stands at the zero address"):
        Token(instrument="USD", decimals=18, token="0x" + "00" * 20)


def test_what_is_read_stands_among_the_promises() -> None:
    told = with_wallet(ETHER, DOLLARS).sentences()
    assert "of the chain's own coin (18 decimals)" in told["wallet/ETH"] and "counts as ETH" in told["wallet/ETH"]
    assert f"of the token {DOLLARS.token} (6 decimals)" in told["wallet/USD"]
    assert not [name for name in with_wallet().sentences() if name.startswith("wallet")]


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"wallet.0: 'borrow-USD' is owed"):
        compiled_with(Token(instrument="borrow-USD", decimals=6))
    with pytest.raises(PolicyError, match=r"wallet.1: the market of .* has no instrument 'DOGE'"):
        compiled_with(ETHER, Token(instrument="DOGE", decimals=8, token="0x" + "71" * 20))
    with pytest.raises(PolicyError, match=r"wallet.0: a lot of .* is no whole number of the token's smallest unit"):
        compiled_with(Token(instrument="ETH", decimals=1))


def test_a_tighter_policy_reads_no_less_than_its_base() -> None:
    base = with_wallet(ETHER)
    tighter = with_wallet(ETHER, DOLLARS).model_dump() | {"base": base, "constraints": ()}
    assert Policy.model_validate(tighter).base == base
    with pytest.raises(ValueError, match="the wallet lacks a token"):
        Policy.model_validate(tighter | {"wallet": (DOLLARS,)})


def test_holdings_name_the_wallet() -> None:
    compiled = compiled_with(ETHER)
    file = compiled.holdings([1, 2, 3, 4, 5])
    assert compiled.lots(file) == (1, 2, 3, 4, 5)
    alone = file.model_copy(update={"sources": {"lender": file.sources["lender"]}})
    assert compiled.source_lots(alone, "lender") == {4: 4}
    with pytest.raises(DataError, match="source 'custodian' is missing"):
        compiled.source_lots(alone, "custodian")
    with pytest.raises(DataError, match="use one day"):
        compiled.source_lots(alone.model_copy(update={"as_of": dt.date(2020, 1, 16)}), "lender")
    strange = {"lender": file.sources["lender"] | {"BTC": Decimal(1)}}
    with pytest.raises(DataError, match="no instrument 'BTC'"):
        compiled.source_lots(file.model_copy(update={"sources": strange}), "lender")
    lacking = {name: held for name, held in file.sources.items() if name != WALLET}
    with pytest.raises(DataError, match="source 'wallet' is missing"):
        compiled.lots(file.model_copy(update={"sources": lacking}))
