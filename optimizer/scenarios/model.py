"""Risk models and betas from a market's own scenarios, ready to be published (docs/policies/market-risk.md).

They are computed in floats, which no two machines need to agree on: what counts is what is published, and a reader
judges it as they judge a price.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import DataError
from optimizer.market import RETURN_DECIMALS, Market, RiskModel

BETA_DECIMALS = 6


def _published(value: float, decimals: int) -> Decimal:
    return Decimal(f"{round(value * 10**decimals)}E-{decimals}")


def _centred(market: Market) -> NDArray[np.float64]:
    """(S, n) deviations from the mean over √(S − 1), so that the product with itself is the covariance."""
    if market.scenario_count < 2:
        raise DataError("a covariance needs a market of at least two scenarios")
    returns = market.returns()
    centred = returns - returns.mean(axis=0)
    return np.asarray(centred / np.sqrt(market.scenario_count - 1), dtype=np.float64)


def _model(market: Market, loadings: NDArray[np.float64], specific: NDArray[np.float64] | None) -> RiskModel:
    """A model of (n, K) loadings; factors on which nothing loads are left out."""
    rounded = np.round(loadings * 10**RETURN_DECIMALS)
    kept = np.flatnonzero(np.any(rounded != 0, axis=0))
    if not len(kept):
        kept = np.array([0])
    columns = loadings[:, kept]
    own = {} if specific is None else dict(zip(market.ids, specific.tolist(), strict=True))
    return RiskModel(
        factors=tuple(f"F{k + 1}" for k in range(len(kept))),
        loadings={
            name: tuple(_published(x, RETURN_DECIMALS) for x in row)
            for name, row in zip(market.ids, columns.tolist(), strict=True)
        },
        specific={name: _published(x, RETURN_DECIMALS) for name, x in own.items() if round(x * 10**RETURN_DECIMALS)},
    )


def cholesky_model(market: Market) -> RiskModel:
    """L with L·Lᵀ the sample covariance of the one-day returns, singular or not: a QR decomposition needs no root.

    Raises: DataError: a single scenario.
    """
    _, triangular = np.linalg.qr(_centred(market), mode="reduced")
    return _model(market, np.asarray(triangular.T, dtype=np.float64), None)


def factor_model(market: Market, count: int) -> RiskModel:
    """The first principal components of the returns, and for each instrument what they leave of its variance.

    Args:
        count: of factors, ≥ 1; more than there are is as many as there are.
    Raises: DataError: a single scenario, or no factor.
    """
    if count < 1:
        raise DataError("a factor model has at least one factor")
    centred = _centred(market)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    loadings = (directions[:count].T * sizes[:count]).astype(np.float64)
    left = np.sum(centred**2, axis=0) - np.sum(loadings**2, axis=1)
    return _model(market, loadings, np.sqrt(np.maximum(left, 0)))


def published_betas(market: Market, factor: str) -> dict[str, Decimal]:
    """Least-squares betas of all instruments to the returns of one of them.

    Args:
        factor: its id.
    Raises: DataError: no such instrument, a single scenario, or returns of it that do not vary.
    """
    centred = _centred(market)
    of_factor = centred[:, market.index(factor)]
    variance = float(of_factor @ of_factor)
    if variance == 0:
        raise DataError(f"the returns of {factor!r} do not vary, so nothing has a beta to it")
    slopes = (centred.T @ of_factor / variance).tolist()
    return {name: _published(slope, BETA_DECIMALS) for name, slope in zip(market.ids, slopes, strict=True)}


def with_risk_terms(market: Market, model: RiskModel | None, factors: Iterable[str]) -> Market:
    """The same market with a risk model, and with betas to some of its instruments.

    Raises: DataError: as `published_betas`.
    """
    betas = {**market.betas, **{factor: published_betas(market, factor) for factor in factors}}
    return market.model_copy(update={"risk_model": model or market.risk_model, "betas": betas})
