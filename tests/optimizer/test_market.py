"""The market file: what it refuses, what its hash covers, and its numbers as arrays and exact rationals."""

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from attest.program import canonical_hash
from optimizer import DataError, Instrument, Market
from optimizer.documents import parse_decimal
from tests.optimizer.strategies import fixed_market, holdings, markets


@pytest.fixture
def market() -> Market:
    return fixed_market(
        {"BTC": "10000", "borrow-ETH": "200.50"},
        {"BTC": ["0.1", "-0.05"], "borrow-ETH": ["0.02", "0.03"]},
        **{"borrow-ETH": {"kind": "borrow", "asset": "ETH", "debt_margin": "0.1"}},
    )


def _written(market: Market, path: Path, change: object = None) -> Path:
    document = json.loads(market.model_dump_json())
    if callable(change):
        change(document)
    path.write_text(json.dumps(document))
    return path


def test_arrays_follow_the_order_of_instruments(market: Market) -> None:
    assert market.ids == ("BTC", "borrow-ETH")
    assert market.prices().tolist() == [10000.0, 200.5]
    assert market.signs().tolist() == [1.0, -1.0]
    assert market.returns().tolist() == [[0.1, 0.02], [-0.05, 0.03]]
    assert market.scenario_count == 2


def test_debts_lose_when_their_price_rises(market: Market) -> None:
    assert market.unit_pnl_usd("borrow-ETH") == (Fraction("-4.01"), Fraction("-6.015"))
    assert market.nav_usd({"BTC": Decimal(1), "borrow-ETH": Decimal(10)}) == 7995


def test_unknown_instrument_is_named(market: Market) -> None:
    with pytest.raises(DataError, match="no instrument 'DOGE'"):
        market.instrument("DOGE")
    with pytest.raises(DataError, match="no instrument 'DOGE'"):
        market.nav_usd({"DOGE": Decimal(1)})


@given(st.data())
def test_exact_and_floating_profit_agree(data: st.DataObject) -> None:
    market = data.draw(markets())
    quantities = data.draw(holdings(market))
    exact = [
        sum((Fraction(q) * market.unit_pnl_usd(name)[s] for name, q in quantities.items()), Fraction(0))
        for s in range(market.scenario_count)
    ]
    vector = np.array([float(quantities.get(name, 0)) for name in market.ids])
    floating = market.returns() @ (market.signs() * market.prices() * vector)
    assert floating == pytest.approx([float(x) for x in exact], rel=1e-9, abs=1e-6)


@given(markets())
def test_a_saved_market_loads_equal_with_its_hash(tmp_path_factory: pytest.TempPathFactory, market: Market) -> None:
    path = tmp_path_factory.mktemp("market") / "market.json"
    market.save(path)
    loaded = Market.load(path)
    assert loaded == market
    assert loaded.hash == market.hash == canonical_hash(json.loads(path.read_bytes()))


def test_the_hash_ignores_spelling_and_sees_every_number(market: Market, tmp_path: Path) -> None:
    def respell(document: dict) -> None:
        document["instruments"][0]["price_usd"] = "10000.000"

    assert Market.load(_written(market, tmp_path / "a.json", respell)).hash == market.hash

    def paths(node: object, path: tuple = ()) -> list[tuple]:
        if isinstance(node, dict):
            return [p for key, item in node.items() for p in paths(item, (*path, key))]
        if isinstance(node, list):
            return [p for key, item in enumerate(node) for p in paths(item, (*path, key))]
        return [path]

    hashes = {market.hash}
    document = json.loads(market.model_dump_json())
    numbers = [p for p in paths(document) if p[-1] in ("price_usd", "debt_margin", "yield_annual") or "returns" in p]
    assert len(numbers) == 10
    for number in numbers:

        def bump(changed: dict, number: tuple = number) -> None:
            for key in number[:-1]:
                changed = changed[key]
            changed[number[-1]] = format(Decimal(changed[number[-1]]) + Decimal("0.000000001"), "f")

        hashes.add(Market.load(_written(market, tmp_path / "b.json", bump)).hash)
    assert len(hashes) == 11


def _set(*path: object, to: object) -> object:
    def change(document: dict) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("instruments", 0, "price_usd", to=10000.5), "instruments.0.price_usd.*decimal strings"),
        (_set("instruments", 0, "price_usd", to=10000), "instruments.0.price_usd.*decimal strings"),
        (_set("instruments", 0, "price_usd", to="0"), "instruments.0.price_usd.*greater than 0"),
        (_set("instruments", 0, "price_usd", to="-1"), "instruments.0.price_usd.*greater than 0"),
        (_set("instruments", 0, "price_usd", to="NaN"), "instruments.0.price_usd.*not a plain decimal"),
        (_set("instruments", 0, "price_usd", to="1e4"), "instruments.0.price_usd.*not a plain decimal"),
        (_set("instruments", 0, "price_usd", to="1" * 31), "instruments.0.price_usd.*not a plain decimal"),
        (_set("instruments", 0, "haircut", to="1.1"), "instruments.0.haircut.*less than or equal to 1"),
        (_set("instruments", 0, "lot", to="0"), "instruments.0.lot.*greater than 0"),
        (_set("instruments", 0, "kind", to="future"), "instruments.0.kind"),
        (_set("instruments", 0, "kind", to="option"), "publish its greeks"),
        (_set("instruments", 0, "id", to="BTC/x"), "instruments.0.id"),
        (_set("instruments", 0, "id", to="borrow-ETH"), "two instruments have the id 'borrow-ETH'"),
        (_set("instruments", 1, "haircut", to="0.1"), "is a debt: it takes a debt_margin"),
        (_set("instruments", 1, "signed", to=True), "cannot be signed"),
        (_set("instruments", to=[]), "instruments"),
        (_set("chain", to="x"), "'chain'.*Extra inputs"),
        (_set("version", to="2"), "version"),
        (_set("as_of", to="2020-01-01"), "later than the market"),
        (_set("as_of", to="yesterday"), "as_of"),
        (_set("source", to=""), "source"),
        (_set("scenarios", "dates", to=["2020-01-02", "2020-01-01"]), "must ascend"),
        (_set("scenarios", "dates", to=["2020-01-01", "2020-01-01"]), "must ascend"),
        (_set("scenarios", "dates", to=["2020-01-01"]), "2 returns for 1 scenario dates"),
        (_set("scenarios", "returns", "BTC", to=["0.1", "-1.1"]), "scenarios.returns.BTC.1"),
        (_set("scenarios", "returns", "BTC", to=["0.1", "0.0000000001"]), "'BTC' on 2020-01-02 has more than 9"),
        (_set("scenarios", "returns", "LTC", to=["0", "0"]), "'LTC', which is no instrument"),
        (_set("scenarios", "returns", to={"BTC": ["0", "0"]}), "'borrow-ETH' has no returns"),
    ],
)
def test_a_bad_market_file_names_the_field(market: Market, tmp_path: Path, change: object, message: str) -> None:
    path = _written(market, tmp_path / "market.json", change)
    with pytest.raises(DataError, match=message) as caught:
        Market.load(path)
    assert caught.value.file == path
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "Input should be an object"),
        (b'{"version":"1","version":"1"}', "'version' stands twice"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_a_file_that_is_no_document(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "market.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        Market.load(path)


def test_missing_files(market: Market, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        Market.load(tmp_path / "absent.json")
    with pytest.raises(DataError, match="cannot be written"):
        market.save(tmp_path / "absent" / "market.json")


def test_a_float_never_becomes_a_published_number() -> None:
    with pytest.raises(ValidationError, match="no exact number"):
        Instrument(id="BTC", asset="BTC", kind="spot", price_usd=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bool"):
        parse_decimal(True)
    with pytest.raises(ValueError, match="outside the range"):
        parse_decimal(Decimal("1E+999999"))
    with pytest.raises(ValueError, match="outside the range"):
        parse_decimal(Decimal("Infinity"))
    assert parse_decimal(Decimal("1E+3")) == 1000
    assert parse_decimal(7) == 7


def test_a_market_cannot_be_changed(market: Market) -> None:
    with pytest.raises(ValidationError):
        market.as_of = dt.date(2021, 1, 1)


def test_errors_do_not_repeat_what_a_document_says(market: Market, tmp_path: Path) -> None:
    path = _written(market, tmp_path / "market.json", _set("instruments", 0, "price_usd", to="12345.6789 secret"))
    with pytest.raises(DataError) as caught:
        Market.load(path)
    assert "12345" not in str(caught.value)
    assert "12345" not in str(caught.value.__cause__)
