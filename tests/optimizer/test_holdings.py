"""The holdings file: lots rounded against the fund, errors that name no quantity, a file for its owner alone."""

import datetime as dt
import json
import stat
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import DataError
from optimizer.market import Market
from optimizer.policy import CompiledPolicy, Holdings, compile_policy
from optimizer.policy.holdings import exact_product, whole_lots
from tests.optimizer.policy_strategies import policy_of
from tests.optimizer.strategies import decimals, fixed_market

SECRET = "12345.678"


@pytest.fixture(scope="module")
def market() -> Market:
    return fixed_market(
        {"BTC": "60000", "USD": "1", "short": "60000", "debt": "1"},
        {name: ["0.01", "-0.01"] for name in ("BTC", "USD", "short", "debt")},
        short={"signed": True},
        debt={"kind": "borrow", "asset": "USD"},
    )


@pytest.fixture(scope="module")
def compiled(market: Market) -> CompiledPolicy:
    sources = [("custodian-a", ["BTC", "USD", "short"]), ("lender", ["debt"])]
    return compile_policy(policy_of(market, sources=sources), market)


def _document(market: Market) -> dict[str, Any]:
    sources = {"custodian-a": {"BTC": "1.5", "USD": SECRET, "short": "-0.25"}, "lender": {"debt": SECRET}}
    return {"version": "1", "as_of": market.as_of.isoformat(), "sources": sources}


def _written(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_assets_are_rounded_down_and_debts_up(market: Market, compiled: CompiledPolicy, tmp_path: Path) -> None:
    holdings = Holdings.load(_written(tmp_path / "h.json", _document(market)))
    lots = compiled.lots(holdings)
    exact = [
        Fraction(Decimal(q)) / Fraction(compiled.layout[j].lot)
        for j, q in enumerate(["1.5", SECRET, "-0.25", SECRET], 1)
    ]
    assert lots[0] == exact[0]
    assert exact[1] - 1 < lots[1] <= exact[1]
    assert exact[2] - 1 < lots[2] <= exact[2]
    assert exact[3] <= lots[3] < exact[3] + 1


@given(decimals("0", "1000000", 12), st.integers(-12, 3), st.sampled_from([-1, 1]))
def test_whole_lots_never_favour_the_fund(quantity: Decimal, exponent: int, sign: int) -> None:
    lot = Decimal(1).scaleb(exponent)
    count = whole_lots(quantity, lot, sign)
    difference = sign * (Fraction(quantity) - count * Fraction(lot))
    assert 0 <= difference < Fraction(lot)


@given(st.integers(-(10**30), 10**30), decimals("0.000001", "5000", 18))
def test_quantities_of_lots_are_exact(count: int, lot: Decimal) -> None:
    assert Fraction(exact_product(count, lot)) == count * Fraction(lot)


@given(st.lists(st.integers(0, 10**12), min_size=4, max_size=4))
@settings(max_examples=20)
def test_lots_survive_the_file(lots: list[int]) -> None:
    market = fixed_market({"A": "3", "B": "0.07"}, {"A": ["0"], "B": ["0"]}, B={"kind": "borrow"})
    compiled = compile_policy(policy_of(market, sources=[("x", ["A", "B"]), ("y", ["B", "A"])]), market)
    holdings = compiled.holdings(lots)
    assert compiled.lots(Holdings.model_validate_json(holdings.model_dump_json())) == tuple(lots)


def _drop(document: dict[str, Any], *path: str) -> None:
    for step in path[:-1]:
        document = document[step]
    del document[path[-1]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: _drop(d, "sources", "lender"), "source 'lender' is missing"),
        (lambda d: _drop(d, "sources", "custodian-a", "BTC"), "'BTC' of source 'custodian-a' is missing"),
        (lambda d: d["sources"].update(stranger={"BTC": SECRET}), "source 'stranger' is not in the policy"),
        (lambda d: d["sources"]["lender"].update(BTC=SECRET), "gives source 'lender' no instrument 'BTC'"),
        (lambda d: d["sources"]["lender"].update(debt="-" + SECRET), "a debt is written as a positive quantity"),
        (lambda d: d["sources"]["custodian-a"].update(BTC="-" + SECRET), "cannot be held short"),
        (lambda d: d["sources"]["custodian-a"].update(USD=12345.678), "decimal strings"),
        (lambda d: d["sources"]["custodian-a"].update(USD="12345.678x"), "not a plain decimal"),
        (lambda d: d.update(as_of="2019-01-01"), "use one day"),
        (lambda d: d.update(extra=SECRET), "Extra inputs"),
    ],
)
def test_bad_holdings_are_named_and_never_shown(
    market: Market, compiled: CompiledPolicy, tmp_path: Path, change: Any, message: str
) -> None:
    document = _document(market)
    change(document)
    with pytest.raises(DataError, match=message) as error:
        compiled.lots(Holdings.load(_written(tmp_path / "h.json", document)))
    chain: BaseException | None = error.value
    while chain is not None:
        assert "12345" not in f"{chain} {chain!r}"
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)


def test_quantities_do_not_print(market: Market) -> None:
    holdings = Holdings(as_of=market.as_of, sources={"custodian-a": {"BTC": Decimal(SECRET)}})
    assert "12345" not in f"{holdings} {holdings!r}"


def test_a_holdings_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "h.json"
    path.write_text("older and public")
    path.chmod(0o644)
    Holdings(as_of=dt.date(2020, 1, 1), sources={"a": {"BTC": Decimal(1)}}).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Holdings.load(path).sources["a"]["BTC"] == 1
