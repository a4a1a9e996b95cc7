"""Shadow prices: what loosening each limit would gain.

At an optimum, d(objective)/d(bound of limit i) is the dual price λ_i. A constraint's slack in USD is that of all its
limits at once, so its shadow price sums them over its limits, each in its own units:

    price_c = Σ_{i of c} λ_i · (units of limit i in a dollar of slack) · 1 % of NAV                            (K.36)

It holds for small changes: where other scenarios are exempt or other positions held, it is another one.
"""

from __future__ import annotations

from optimizer.allocate.scaled import Array, ScaledProgram

STEP = 0.01
"""A shadow price is per this fraction of NAV."""


def shadow_prices(program: ScaledProgram, prices: Array) -> dict[str, float]:
    """Constraint name → improvement of the objective per 1 % of NAV by which the constraint is loosened.

    Args:
        prices: (k + c,) improvement per unit of each limit's bound.
    Returns: in the policy's order; constraints whose slack is no money, such as counts, have none.
    """
    gains = prices * program.units_per_usd * (STEP * program.capital_usd)
    found: dict[str, float] = {}
    for owner, gain, units in zip(program.owners, gains.tolist(), program.units_per_usd.tolist(), strict=True):
        if units:
            found[owner] = found.get(owner, 0.0) + gain
    return {c.name: found[c.name] for c in program.compiled.constraints if c.name in found}
