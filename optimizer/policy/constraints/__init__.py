"""The catalogue of constraint kinds: every module of this package, so that a new kind touches one file."""

from __future__ import annotations

import importlib
import pkgutil

from optimizer.policy.constraint import Constraint

for _module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")

KINDS: tuple[type[Constraint], ...] = tuple(Constraint.registry[kind] for kind in sorted(Constraint.registry))
"""Kinds that a policy file may list."""

__all__ = ["KINDS"]
