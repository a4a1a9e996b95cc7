"""Constraints that stand together, and sleeves that hold them on some instruments only (docs/policies/composition.md).

Groups never reach the compiler. A policy is flattened into named constraints, each with the instruments that it
looks at; "NAV" in a sleeve is that of the sleeve.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Union

from pydantic import Field

from optimizer.documents import Document, Symbol
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint
from optimizer.policy.constraints import KINDS


class NamedConstraint(NamedTuple):
    """A constraint where it stands in a policy.

    Args:
        name: unique in the policy, with the names of its groups before a dot.
        definition: the constraint.
        scope: instruments that it looks at, None for all.
    """

    name: str
    definition: Constraint
    scope: frozenset[str] | None = None

    def instruments(self, held: Sequence[str]) -> tuple[str, ...]:
        """Those of some instruments that it looks at, in their order."""
        return tuple(name for name in held if self.scope is None or name in self.scope)

    def sentence(self) -> str:
        """The promise in one sentence, with the sleeve that it is made for."""
        if self.scope is None:
            return self.definition.sentence()
        return f"Within {', '.join(sorted(self.scope))} alone: {self.definition.sentence()}"

    def plain_slack_usd(self, book: Book) -> Fraction:
        """See `Constraint.plain_slack_usd`."""
        return self.definition.plain_slack_usd(book.within(self.scope))


class AllOf(Document):
    """Constraints under a common name, all of which hold.

    Args:
        name: prefix of their names.
        constraints: at least one.
    """

    kind: Literal["all_of"] = "all_of"
    name: Symbol
    constraints: Annotated[tuple[Item, ...], Field(min_length=1)]


class Sleeve(Document):
    """Constraints on a part of the fund: they see these instruments only, and their NAV.

    Args:
        name: prefix of their names.
        instruments: of the sleeve; inside another sleeve, some of its instruments.
        constraints: at least one.
    """

    kind: Literal["sleeve"] = "sleeve"
    name: Symbol
    instruments: Annotated[tuple[Symbol, ...], Field(min_length=1)]
    constraints: Annotated[tuple[Item, ...], Field(min_length=1)]


if TYPE_CHECKING:
    Item = Constraint | AllOf | Sleeve
else:
    Item = Annotated[Union[(*KINDS, AllOf, Sleeve)], Field(discriminator="kind")]
    AllOf.model_rebuild()
    Sleeve.model_rebuild()


def flatten(items: Sequence[Item], prefix: str = "", scope: frozenset[str] | None = None) -> Iterator[NamedConstraint]:
    """The constraints of nested groups, in order.

    A constraint without a name takes its kind's; where several of one group would share one, they are numbered
    from 1.

    Raises: ValueError: a sleeve inside another one has instruments that the outer one lacks.
    """
    unnamed = [item for item in items if isinstance(item, Constraint) and item.name is None]
    wanted = Counter(item.default_name for item in unnamed)
    seen: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Constraint):
            name = item.name or item.default_name
            if item.name is None and wanted[name] > 1:
                seen[name] += 1
                name = f"{name}-{seen[name]}"
            yield NamedConstraint(prefix + name, item, scope)
            continue
        inner = scope
        if isinstance(item, Sleeve):
            inner = frozenset(item.instruments)
            if scope is not None and not inner <= scope:
                raise ValueError(f"sleeve {item.name!r} holds {min(inner - scope)!r}, which its outer sleeve does not")
        yield from flatten(item.constraints, f"{prefix}{item.name}.", inner)
