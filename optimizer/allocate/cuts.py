"""Cones as inequalities, for solvers that know none: Kelley's cutting planes (1960).

Every unit vector g gives an inequality gᵀv ≤ c that the cone ‖v‖ ≤ c implies. The one with g = v*/‖v*‖ cuts off a
point where ‖v*‖ > c*, so a few rounds of solving and cutting come as close to the cone as one likes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from optimizer.allocate.scaled import Array, Cone

TOLERANCE = 1e-8
"""How far a point may stand outside a cone, in units of its largest coefficient."""
MAX_CUTS = 400


@dataclass(slots=True)
class Cuts:
    """Inequalities rows @ y ≤ bounds of some cones.

    Args:
        cones: limit index → cone and right-hand side.
        owners: limit index of each inequality.
    """

    cones: dict[int, tuple[Cone, float]]
    owners: list[int] = field(default_factory=list)
    rows: list[Array] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)

    def cut(self, point: Array) -> bool:
        """Add the inequalities that a point breaks; answers whether there are any. The point may have any scale."""
        found = False
        for limit, (cone, bound) in self.cones.items():
            parts = cone.matrix @ point + cone.constant
            norm = float(np.linalg.norm(parts))
            if norm <= float(cone.radius @ point) + bound + TOLERANCE:
                continue
            normal = parts / norm
            self.owners.append(limit)
            self.rows.append(cone.matrix.T @ normal - cone.radius)
            self.bounds.append(bound - float(normal @ cone.constant))
            found = True
        return found

    @property
    def matrix(self) -> sparse.csr_array:
        return sparse.csr_array(np.array(self.rows))
