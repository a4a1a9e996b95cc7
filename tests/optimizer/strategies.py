"""Hypothesis strategies of the optimiser's tests: markets, holdings, samples."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.instruments import InstrumentKind
from optimizer.market import AssetTerms, Instrument, Market, RiskModel, Scenarios

FIRST_DAY = dt.date(2020, 1, 1)


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    """Decimals in [low, high] of at most `places` places, as they are published."""
    scale = 10**places
    bounds = int(Decimal(low) * scale), int(Decimal(high) * scale)
    return st.integers(*bounds).map(lambda n: Decimal(f"{n}E-{places}"))


returns_ = decimals("-0.5", "0.5", 9)


def fixed_market(
    prices_usd: dict[str, str], daily_returns: dict[str, Sequence[str]], **terms: dict[str, object]
) -> Market:
    """A market written down: id → price, id → returns, id → other terms of the instrument (spot by default)."""
    count = len(next(iter(daily_returns.values())))
    dates = tuple(FIRST_DAY + dt.timedelta(days=day) for day in range(count))
    instruments = tuple(
        Instrument.model_validate({"id": name, "asset": name, "kind": "spot", "price_usd": price} | terms.get(name, {}))
        for name, price in prices_usd.items()
    )
    published = {name: tuple(Decimal(r) for r in series) for name, series in daily_returns.items()}
    return Market(
        as_of=dates[-1],
        source="written down in a test",
        instruments=instruments,
        scenarios=Scenarios(dates=dates, returns=published),
    )


@st.composite
def instruments(draw: st.DrawFn, name: str, kinds: Sequence[InstrumentKind]) -> Instrument:
    kind = draw(st.sampled_from(list(kinds)))
    return Instrument(
        id=name,
        asset=draw(st.sampled_from(["USD", "AAA", "BBB", "CCC"])),
        kind=kind,
        price_usd=Decimal(1) if kind == "stablecoin" else draw(decimals("0.01", "50000", 4)),
        haircut=Decimal(0) if kind == "borrow" else draw(decimals("0", "1", 2)),
        debt_margin=draw(decimals("0", "1", 2)),
        signed=kind in ("spot", "stablecoin") and draw(st.booleans()),
        yield_annual=draw(decimals("0", "0.2", 3)),
    )


@st.composite
def markets(
    draw: st.DrawFn,
    *,
    min_instruments: int = 1,
    max_instruments: int = 6,
    min_scenarios: int = 2,
    max_scenarios: int = 30,
    kinds: Sequence[InstrumentKind] = ("spot", "stablecoin", "supply", "borrow"),
) -> Market:
    """Random markets; instruments are named I0, I1, ... and the first is spot unless `kinds` lacks it."""
    count = draw(st.integers(min_instruments, max_instruments))
    scenario_count = draw(st.integers(min_scenarios, max_scenarios))
    first = [kind for kind in kinds if kind == "spot"] or kinds
    drawn = [draw(instruments(f"I{i}", first if i == 0 else kinds)) for i in range(count)]
    dates = tuple(FIRST_DAY + dt.timedelta(days=day) for day in range(scenario_count))
    series = st.lists(returns_, min_size=scenario_count, max_size=scenario_count).map(tuple)
    return Market(
        as_of=dates[-1],
        source="random",
        instruments=tuple(drawn),
        scenarios=Scenarios(dates=dates, returns={instrument.id: draw(series) for instrument in drawn}),
    )


FACTORS = ("MKT", "F2")


@st.composite
def rich_markets(draw: st.DrawFn, *, max_instruments: int = 4, max_scenarios: int = 8) -> Market:
    """Random markets that publish everything a policy may ask for: tags, accounts, Greeks, betas, volumes, a model."""
    kinds: Sequence[InstrumentKind] = ("spot", "stablecoin", "staking", "supply", "borrow")
    plain = draw(markets(min_instruments=2, max_instruments=max_instruments, max_scenarios=max_scenarios, kinds=kinds))
    place = st.sampled_from(["alpha", "beta", None])
    small, leverage = decimals("-2", "2", 3), decimals("-50", "50", 2)
    enriched = []
    for number, instrument in enumerate(plain.instruments):
        terms: dict[str, object] = {"chain": draw(place), "protocol": draw(place)}
        if instrument.kind in ("supply", "borrow"):
            terms["account"] = draw(st.sampled_from(["vault-1", "vault-2"]))
        if instrument.kind == "supply":
            terms["liquidation_threshold"] = draw(decimals("0.1", "1", 2))
        if instrument.kind == "spot" and number and draw(st.booleans()):
            names = ("delta_usd", "gamma_usd", "vega_usd", "theta_usd")
            terms |= {"kind": "option", "greeks": {name: draw(leverage) * instrument.price_usd for name in names}}
        enriched.append(Instrument.model_validate({name: getattr(instrument, name) for name in PLAIN} | terms))
    # An account is there in any case, with a debt in it.
    lent = {"kind": "supply", "asset": "AAA", "account": "vault-1", "liquidation_threshold": Decimal("0.8")}
    owed = {"kind": "borrow", "asset": "USD", "account": "vault-1"}
    returns = dict(plain.scenarios.returns)
    for name, terms in (("lent", lent), ("owed", owed)):
        enriched.append(Instrument.model_validate({"id": name, "price_usd": Decimal(1)} | terms))
        returns[name] = draw(
            st.lists(returns_, min_size=plain.scenario_count, max_size=plain.scenario_count).map(tuple)
        )
    ids = [instrument.id for instrument in enriched]
    loadings = {name: tuple(draw(decimals("-0.1", "0.1", 9)) for _ in FACTORS) for name in ids}
    return Market(
        as_of=plain.as_of,
        source="random",
        instruments=tuple(enriched),
        scenarios=Scenarios(dates=plain.scenarios.dates, returns=returns),
        assets={
            asset: AssetTerms(
                issuer=draw(st.sampled_from(["issuer", None])), daily_volume_usd=draw(decimals("0", "90000", 0))
            )
            for asset in sorted({instrument.asset for instrument in enriched})
        },
        betas={"MKT": {name: draw(small) for name in ids}},
        risk_model=RiskModel(
            factors=FACTORS, loadings=loadings, specific={name: draw(decimals("0", "0.05", 9)) for name in ids[1:]}
        ),
    )


PLAIN = ("id", "asset", "kind", "price_usd", "haircut", "debt_margin", "signed", "yield_annual")


@st.composite
def holdings(draw: st.DrawFn, market: Market, max_value_usd: int = 1_000_000) -> dict[str, Decimal]:
    """Quantities of some of a market's instruments, negative only where it allows shorts."""
    quantities: dict[str, Decimal] = {}
    for instrument in market.instruments:
        if draw(st.booleans()):
            value = draw(st.integers(-max_value_usd if instrument.signed else 0, max_value_usd))
            quantities[instrument.id] = (Decimal(value) / instrument.price_usd).quantize(Decimal("0.00000001"))
    return quantities


def samples(min_size: int = 1, max_size: int = 40) -> st.SearchStrategy[NDArray[np.float64]]:
    """Losses on a grid of quarters, so that ties occur and sums are exact in doubles."""
    return st.lists(st.integers(-400, 400), min_size=min_size, max_size=max_size).map(
        lambda numbers: np.array(numbers, dtype=np.float64) / 4
    )


confidences = st.integers(1, 999).map(lambda n: Decimal(n) / 1000)
