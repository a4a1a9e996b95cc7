"""The limits of `benchmarks.catalogue` as a quant would write them in cvxpy for one fund: the optimiser's yardstick.

Nothing here comes from the policy's rows. Only the market's published figures are shared, and the limits are
repeated by hand, in floats and as fractions of NAV. What counts scenarios or positions takes binary variables with
big-M bounds. No solver that comes with cvxpy takes cones beside them, so there the cones are met by cuts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from benchmarks.catalogue import FACTOR
from benchmarks.fund import NAV_USD
from optimizer.market import RETURN_SCALE, Instrument, Market
from optimizer.policy.constraints.parametric import published_model

Array = NDArray[np.float64]
BIG_M = 1.5
"""No position, and no loss, is as large as that: gross leverage is at most 1.4."""
CONE_TOLERANCE = 1e-6
MAX_CUTS = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hand-written problem found.

    Args:
        objective: its value, None without an answer in time.
        proven: that nothing better exists, up to the solver's tolerance.
    """

    objective: float | None
    proven: bool


class HandWritten:
    """One fund's problem. Positions are fractions of NAV.

    Args:
        market: as from `full_market`.
        counting: whether the limits that count scenarios or positions, and turnover, are in it.
        previous: (n,) the previous epoch's signed positions, for turnover.
    """

    def __init__(self, market: Market, *, counting: bool, previous: Array | None = None) -> None:
        self.market = market
        self.counting = counting
        self.listed: list[Instrument] = list(market.instruments)
        n = len(self.listed)
        signs = np.array([i.sign for i in self.listed])
        signed = np.array([i.signed for i in self.listed])
        self.owned, self.owing = cp.Variable(n, nonneg=True), cp.Variable(n, nonneg=True)
        self.net = self.owned - self.owing
        self.constraints: list[cp.Constraint] = [self.owned[signs < 0] == 0, self.owing[~signed & (signs > 0)] == 0]
        self.cones: list[tuple[Array, float]] = []
        self.returns = self._returns(1)
        self._balance()
        self._risk()
        self._stress()
        self._shares()
        self._lending_and_liquidity()
        if counting:
            self._counted(previous)

    def _returns(self, days: int) -> Array:
        columns = [self.market.horizon_returns(i.id, days) for i in self.listed]
        return np.array(columns, dtype=np.float64).T / RETURN_SCALE

    def _where(self, **tags: object) -> Array:
        """(n,) 1 where every tag of an instrument is as given."""
        return np.array([all(getattr(i, k) == v for k, v in tags.items()) for i in self.listed], dtype=np.float64)

    @property
    def _risky(self) -> Array:
        return 1 - self._where(asset="USD")

    def _balance(self) -> None:
        counted = np.array([1 - float(i.haircut) for i in self.listed])
        counted[self.market.index("A001")] = 0.7
        margins = np.array([1.01 + float(i.debt_margin) for i in self.listed])
        surplus = counted @ self.owned - margins @ self.owing - 1e6 / NAV_USD
        staked, lent = ((counted * self._where(protocol=name, sign=1)) @ self.owned for name in ("staker", "lender"))
        surplus -= cp.pos(staked - 5e6 / NAV_USD) + cp.pos(lent - 0.3)
        self.constraints += [
            cp.sum(self.net) == 1,
            surplus >= 0,
            cp.sum(self.owned + self.owing) <= 1.4,
            cp.abs(self._risky @ self.net) <= 1.1,
        ]

    def _risk(self) -> None:
        self.constraints += [
            expected_shortfall(self.returns, self.net, 0.975) <= 0.045,
            expected_shortfall(self._returns(5), self.net, 0.99) <= 0.12,
        ]
        model = published_model(self.market)
        loadings = np.array([model.loadings[i.id] for i in self.listed], dtype=np.float64)
        own = np.array([float(model.specific.get(i.id, 0)) for i in self.listed])
        deviation = np.vstack([loadings.T, np.diag(own)])
        self.cones = [(2.326347875 * deviation, 0.05), (365**0.5 * deviation, 0.4)]
        if not self.counting:
            self.constraints += [cp.norm(matrix @ self.net) <= bound for matrix, bound in self.cones]

    def _stress(self) -> None:
        linear = np.array([float(i.position.linear) for i in self.listed])
        beta = np.array([float(self.market.beta(FACTOR, i.id)) for i in self.listed])
        self.constraints += [
            0.6 * (linear @ self.net) - 0.5 * ((linear * self._risky) @ self.net) >= 0,
            -0.1 * (self._where(asset="USD") @ self.net) >= -0.05,
            -0.3 * (self._where(kind="staking") @ self.net) >= -0.05,
            -(self._where(protocol="pool") @ self.owned) >= -0.1,
            -(self._where(chain="arbitrum") @ self.owned) >= -0.4,
            np.maximum(-0.3 * beta, -1) @ self.net >= -0.3,
        ]

    def _shares(self) -> None:
        size = self.owned + self.owing
        issuers = [self.market.asset_terms(i.asset).issuer for i in self.listed]
        self.constraints.append(size <= 0.12)
        self.constraints += [self._where(asset=a) @ size <= 0.15 for a in {i.asset for i in self.listed}]
        self.constraints += [
            np.array([name == issuer for name in issuers], dtype=np.float64) @ size <= 0.5
            for issuer in set(issuers) - {None}
        ]
        protocols = {i.protocol for i in self.listed} - {None}
        self.constraints += [self._where(protocol=p) @ size <= 0.2 for p in protocols]
        chains = {i.chain for i in self.listed} - {None}
        self.constraints += [cp.abs(self._where(chain=c) @ self.net) <= 0.5 for c in chains]
        self.constraints.append(self.owned[self.market.index("A002")] <= 9e6 / NAV_USD)
        delta, gamma, vega, theta = (
            self._risky * np.array([float(i.dollar_greek(g)) / float(i.price_usd) for i in self.listed]) @ self.net
            for g in ("delta", "gamma", "vega", "theta")
        )
        beta = np.array([float(self.market.beta(FACTOR, i.id)) for i in self.listed])
        self.constraints += [delta >= -0.5, delta <= 1.2, gamma <= 0.1, vega <= 5e5 / NAV_USD, theta >= -4e5 / NAV_USD]
        self.constraints.append(beta @ self.net <= 1)

    def _lending_and_liquidity(self) -> None:
        for account in {i.account for i in self.listed} - {None}:
            debts = self._where(account=account, sign=-1) @ self.owing
            thresholds = np.array([float(i.liquidation_threshold or 0) for i in self.listed])
            collateral = (thresholds * self._where(account=account, sign=1)) @ self.owned
            self.constraints += [collateral >= 1.5 * debts, 0.8 * collateral >= 1.1 * debts]
        self.constraints += [
            self._sold(3, {"spot", "stablecoin", "staking"}) >= 0.5,
            self._sold(5, {"spot", "stablecoin", "staking", "supply"}) - self._where(sign=-1) @ self.owing >= 0.2,
        ]

    def _sold(self, days: int, kinds: set[str]) -> Any:
        """What sells within days at a tenth of daily volumes; all of the dollars do."""
        dollars = self._where(asset="USD", kind="stablecoin")
        traded = np.array([i.kind in kinds for i in self.listed]) * self._risky
        stuck = self._risky * (1 - traded) * self._where(sign=1)
        volumes = np.array([float(self.market.asset_terms(i.asset).daily_volume_usd or 0) for i in self.listed])
        most = days * 0.1 * volumes / NAV_USD
        return dollars @ self.net + traded @ cp.minimum(self.net, most) - stuck @ self.owing

    def _counted(self, previous: Array | None) -> None:
        n = len(self.listed)
        for returns, allowed, bound in ((self.returns, 0.01, 0.04), (self._returns(5), 0.05, 0.06)):
            exceeded = cp.Variable(len(returns), boolean=True)
            self.constraints += [
                -returns @ self.net <= bound + BIG_M * exceeded,
                cp.sum(exceeded) <= int(allowed * len(returns) + 1e-9),
            ]
        long, short = cp.Variable(n, boolean=True), cp.Variable(n, boolean=True)
        least = 1e6 / NAV_USD
        self.constraints += [
            self.owned <= BIG_M * long,
            self.owing <= BIG_M * short,
            self.owned >= least * long,
            self.owing >= least * short,
            long + short <= 1,
            self._risky @ (long + short) <= max(12, n // 5),
        ]
        if previous is not None:
            self.constraints.append(cp.norm1(self.net - previous) <= 1.2)

    def solve(self, objective: str, seconds: float) -> Answer:
        """Maximum return a year, or minimum expected shortfall at 97.5 %.

        Args:
            objective: "return" or "shortfall".
            seconds: after which branch and bound stops.
        """
        mean = self.returns.mean(axis=0) * 365
        goal = (
            cp.Maximize(mean @ self.net)
            if objective == "return"
            else cp.Minimize(expected_shortfall(self.returns, self.net, 0.975))
        )
        if not self.counting:
            problem = cp.Problem(goal, self.constraints)
            problem.solve(solver="CLARABEL")
            return Answer(float(problem.value), problem.status == "optimal")
        return self._with_cuts(goal, time.perf_counter() + seconds)

    def _with_cuts(self, goal: cp.Maximize | cp.Minimize, deadline: float) -> Answer:
        """Branch and bound; where a cone is broken, its tangent is added and the search starts again."""
        cuts: list[cp.Constraint] = []
        for _ in range(MAX_CUTS):
            left = deadline - time.perf_counter()
            if left <= 0:
                break
            problem = cp.Problem(goal, self.constraints + cuts)
            try:
                with np.errstate(invalid="ignore"):  # cvxpy's bounds of sums multiply 0 by infinity
                    problem.solve(solver="HIGHS", time_limit=left, mip_rel_gap=1e-4)
            except cp.SolverError:
                break
            if self.net.value is None:
                break
            broken = [(m, b) for m, b in self.cones if np.linalg.norm(m @ self.net.value) > b + CONE_TOLERANCE]
            if not broken:
                return Answer(float(problem.value), problem.status == "optimal")
            for matrix, bound in broken:
                direction = matrix @ self.net.value
                cuts.append(direction / np.linalg.norm(direction) @ matrix @ self.net <= bound)
        return Answer(None, False)


def expected_shortfall(returns: Array, net: Any, confidence: float) -> Any:
    """Source: Rockafellar & Uryasev (2000), equation 9."""
    level = cp.Variable()
    return level + cp.sum(cp.pos(-returns @ net - level)) / ((1 - confidence) * len(returns))
