"""The policy file: what a fund promises, who reports its holdings, and how finely it is measured (docs/policy.md)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from attest.program import canonical_hash, canonical_json
from optimizer.documents import Document, PublishedDecimal, PublishedInteger, Symbol, parse_document, read_bytes
from optimizer.errors import DataError, PolicyError
from optimizer.policy.composition import Item, NamedConstraint, flatten
from optimizer.policy.constraints.leverage import GrossCap
from optimizer.policy.constraints.nav import NavFloor
from optimizer.policy.positions import POSITIONS
from optimizer.policy.rows import PREVIOUS, VARIABLES

RESERVED_NAMES = ("nav_floor", "gross_cap", POSITIONS, PREVIOUS, VARIABLES)
"""Constraint names that the compiler uses itself."""

BOOK: Literal["liability_book"] = "liability_book"
Role = Literal["custodian", "administrator", "prime_broker", "lending", "liability_book"]
"""A liability book's totals are shown to be the sum of accounts that investors can check."""
WALLET = "wallet"
"""How files name the fund's own addresses, beside the sources."""


class Source(Document):
    """Someone who reports and signs for some of the holdings.

    Args:
        name: unique in the policy.
        role: what the source is to the fund.
        instruments: ids, without repetition, in the order of the source's slots.
        representation: whether the source must prove that its commitment is its own and touches no other slots. Ask it
            of sources that the others would not trust with that.
    """

    name: Symbol
    role: Role
    representation: bool = False
    instruments: Annotated[tuple[Symbol, ...], Field(min_length=1)]

    def owes(self, other: Source) -> bool:
        """Whether it is asked as much as another source is."""
        return self.role == other.role and self.representation >= other.representation

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        name, times = Counter(self.instruments).most_common(1)[0]
        if times > 1:
            raise ValueError(f"source {self.name!r} lists {name!r} twice; list it once")
        return self


class Token(Document):
    """A token, or the chain's own coin, whose balance at the fund's addresses is read on the registry's chain.

    Args:
        instrument: what it is worth one of.
        decimals: how many digits of the token's amounts stand behind the point.
        token: lower-case address of its contract (ERC-20), None for the chain's own coin.
    """

    instrument: Symbol
    decimals: Annotated[PublishedInteger, Field(ge=0, le=36)]
    token: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{40}$")] | None = None

    @model_validator(mode="after")
    def _is_not_nothing(self) -> Self:
        if self.token is not None and int(self.token, 16) == 0:
            raise ValueError("no token stands at the zero address; leave `token` out for the chain's own coin")
        return self

    def sentence(self) -> str:
        """What is read, in words."""
        what = "of the chain's own coin" if self.token is None else f"of the token {self.token}"
        held = f"what the fund's addresses hold {what} ({self.decimals} decimals)"
        return f"{held} is read on chain, is public, and counts as {self.instrument}"


class Policy(Document):
    """A risk policy.

    Args:
        version: of this file format.
        name: of the policy, for humans.
        nav_floor_usd: NAV that every statement includes, > 0.
        gross_cap_usd: public bound of the summed sizes of all positions and debts; scales lots and money unit.
        rounding_tolerance: how far, as a fraction of gross_cap_usd, rounding may move any limit.
        netting: whether an instrument's slots are summed before a limit on sizes looks at them ("across_sources")
            or a long at one source and a short at another both count ("none").
        sources: who must report, each exactly once.
        constraints: the limits, and groups of them.
        wallet: what the fund's own addresses hold, which no source reports: the registry reads it, and it is public. A
            policy without it is hashed without this field.
        base: a policy whose promises this one makes too. Its constraints are inherited; one of the same name replaces
            a base's, and may only be tighter.
    """

    version: Literal["1"] = "1"
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    nav_floor_usd: Annotated[PublishedDecimal, Field(gt=0)]
    gross_cap_usd: Annotated[PublishedDecimal, Field(gt=0)]
    rounding_tolerance: Annotated[PublishedDecimal, Field(gt=0, lt=1)]
    netting: Literal["across_sources", "none"] = "across_sources"
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    constraints: tuple[Item, ...] = ()
    wallet: Annotated[tuple[Token, ...], Field(exclude_if=lambda held: not held)] = ()
    base: Policy | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        source, times = Counter(s.name for s in self.sources).most_common(1)[0]
        if times > 1:
            raise ValueError(f"two sources are called {source!r}; rename one of them")
        if self.nav_floor_usd > self.gross_cap_usd:
            raise ValueError("nav_floor_usd exceeds gross_cap_usd, which no fund can satisfy")
        if sum(s.role == BOOK for s in self.sources) > 1:
            raise ValueError("two sources are liability books; one book holds all accounts, in several currencies")
        self._refuse_double_counts()
        own = [constraint.name for constraint in flatten(self.constraints)]
        taken = {name for name, times in Counter(own).items() if times > 1}
        taken |= {name for name in own if name.split(".", 1)[0] in RESERVED_NAMES}
        if taken:
            raise ValueError(f"the constraint name {min(taken)!r} is already taken; choose another")
        if self.base is not None:
            self._refuse_looser(self.base)
        return self

    def _refuse_double_counts(self) -> None:
        """Raises: ValueError: an address's balance would count twice, or its holder's name is a source's."""
        for field in ("instrument", "token"):
            if len({getattr(held, field) for held in self.wallet}) < len(self.wallet):
                raise ValueError(f"the wallet lists one {field} twice, so that its balance would count twice")
        if self.wallet and any(source.name == WALLET for source in self.sources):
            raise ValueError(f"a source is called {WALLET!r}, as what the fund's own addresses hold; rename it")

    def _refuse_looser(self, base: Policy) -> None:
        """Raises: ValueError: something that the base promises and this policy does not."""
        if self.nav_floor_usd < base.nav_floor_usd:
            raise ValueError("nav_floor_usd is lower than the base policy's; a policy may only tighten its base")
        for name in ("gross_cap_usd", "rounding_tolerance"):
            if getattr(self, name) > getattr(base, name):
                raise ValueError(f"{name} is larger than the base policy's; a policy may only tighten its base")
        if self.netting != base.netting:
            raise ValueError("netting differs from the base policy's")
        own_sources = {source.name: source for source in self.sources}
        for source in base.sources:
            own = own_sources.get(source.name)
            if own is None or not own.owes(source) or not set(source.instruments) <= set(own.instruments):
                raise ValueError(f"source {source.name!r} of the base policy is missing, or reports less here")
        if not set(base.wallet) <= set(self.wallet):
            raise ValueError("the wallet lacks a token of the base policy's")
        inherited = {constraint.name: constraint for constraint in base.limits()}
        for constraint in flatten(self.constraints):
            replaced = inherited.get(constraint.name)
            if replaced is None:
                continue
            if constraint.scope != replaced.scope or not constraint.definition.tightens(replaced.definition):
                raise ValueError(f"constraint {constraint.name!r} is not tighter than the base policy's of that name")

    def limits(self) -> tuple[NamedConstraint, ...]:
        """The listed constraints, the base's first, each under its name."""
        listed = {} if self.base is None else {constraint.name: constraint for constraint in self.base.limits()}
        listed |= {constraint.name: constraint for constraint in flatten(self.constraints)}
        return tuple(listed.values())

    def named_constraints(self) -> tuple[NamedConstraint, ...]:
        """The two that every program has, then the listed ones."""
        always = (NavFloor(floor_usd=self.nav_floor_usd), GrossCap(cap_usd=self.gross_cap_usd))
        return (*(NamedConstraint(c.kind, c) for c in always), *self.limits())

    @property
    def instruments(self) -> tuple[str, ...]:
        """Ids of all instruments that some source reports or the wallet holds, in order of appearance."""
        reported = [name for source in self.sources for name in source.instruments]
        return tuple(dict.fromkeys([*reported, *(held.instrument for held in self.wallet)]))

    @property
    def hash(self) -> bytes:
        """The policy hash that stands in every statement key: keccak256 of the canonical JSON, 32 bytes."""
        return canonical_hash(self.model_dump(mode="json"))

    def sentences(self) -> dict[str, str]:
        """Constraint name → its promise in words; then what is read at the fund's addresses."""
        promises = {constraint.name: constraint.sentence() for constraint in self.named_constraints()}
        return promises | {f"{WALLET}/{held.instrument}": held.sentence() for held in self.wallet}

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema of the policy file."""
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **cls.model_json_schema()}

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Raises: DataError: the file cannot be read; PolicyError: it is no policy, naming the field."""
        return cls.parse(read_bytes(path), path)

    @classmethod
    def parse(cls, content: bytes, file: str | Path | None = None) -> Self:
        """Raises: PolicyError: the bytes are no policy, naming the field."""
        try:
            return parse_document(cls, content)
        except DataError as error:
            raise PolicyError(error.column or "policy", error.detail, file) from error

    def save(self, path: str | Path) -> None:
        """Write the canonical JSON and a line end. Raises: DataError: the file cannot be written."""
        try:
            Path(path).write_bytes(canonical_json(self.model_dump(mode="json")) + b"\n")
        except OSError as error:
            raise DataError(f"cannot be written: {error.strerror or error}", file=path) from error
