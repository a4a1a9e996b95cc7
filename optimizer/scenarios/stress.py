"""Stress scenarios: named shocks to the prices of what a fund holds (docs/policies/stress.md).

A shock selects instruments by their public terms and changes their unit prices. A long-only shock hits what is
owned and spares what is owed: when a protocol is lost, the collateral there is gone and the debt need not be.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from attest.program import decimal_string
from optimizer.documents import Document, PublishedDecimal, Symbol
from optimizer.errors import DataError
from optimizer.instruments import InstrumentKind
from optimizer.market import Instrument, Market

Names = Annotated[tuple[Symbol, ...], Field(min_length=1)]
Share = Annotated[PublishedDecimal, Field(gt=0, le=1)]


class Shock(Document):
    """A change of the prices of all instruments that match every selector that is given; none given selects all.

    Args:
        instruments, assets, issuers, protocols, chains, kinds: what is hit.
        excluding_assets: what is spared.
        change: of the unit price, as a fraction, ≥ −1; or
        factor, move: the change is the published beta to the factor times this move, and at least −1.
        long_only: hits owned value only, never debts and never the short side.
    """

    instruments: Names | None = None
    assets: Names | None = None
    issuers: Names | None = None
    protocols: Names | None = None
    chains: Names | None = None
    kinds: Annotated[tuple[InstrumentKind, ...], Field(min_length=1)] | None = None
    excluding_assets: Names | None = None
    change: Annotated[PublishedDecimal, Field(ge=-1)] | None = None
    factor: Symbol | None = None
    move: PublishedDecimal | None = None
    long_only: bool = False

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if (self.factor is None) != (self.move is None) or (self.change is None) == (self.factor is None):
            raise ValueError("give either change, or factor and move")
        if self.long_only and self.change is not None and self.change > 0:
            raise ValueError("a long_only shock is a loss")
        return self

    def matches(self, market: Market, instrument: Instrument) -> bool:
        """Whether an instrument is hit."""
        issuer = market.asset_terms(instrument.asset).issuer
        selected = (
            (self.instruments, instrument.id),
            (self.assets, instrument.asset),
            (self.issuers, issuer),
            (self.protocols, instrument.protocol),
            (self.chains, instrument.chain),
            (self.kinds, instrument.kind),
        )
        if any(names is not None and value not in names for names, value in selected):
            return False
        if self.long_only and instrument.sign < 0:
            return False
        return self.excluding_assets is None or instrument.asset not in self.excluding_assets

    def change_of(self, market: Market, instrument: Instrument) -> Fraction:
        """Change of a unit price, as a fraction.

        Raises: DataError: a beta that is not published, or a change of prices that an option or a pool share would
            not follow: a put that is owed gains nothing from a crash.
        """
        if self.change is None:
            exact = market.beta(str(self.factor), instrument.id) * Fraction(self.move or 0)
            return max(exact, Fraction(-1))
        named = instrument.id in (self.instruments or ()) or instrument.kind in (self.kinds or ())
        if not (instrument.position.linear or self.long_only or named):
            raise DataError(
                f"{instrument.id!r} is {instrument.kind} and does not follow its asset's price; state its change in a "
                "custom scenario, in a shock that names the instrument or its kind"
            )
        return Fraction(self.change)

    def sentence(self) -> str:
        """What is hit and how, in words."""
        selectors = (
            (self.instruments, "that is "),
            (self.assets, "in "),
            (self.issuers, "issued by "),
            (self.protocols, "at "),
            (self.chains, "on "),
            (self.kinds, "of kind "),
        )
        hit = [preposition + ", ".join(names) for names, preposition in selectors if names is not None]
        hit += ["not in " + ", ".join(self.excluding_assets)] if self.excluding_assets is not None else []
        subject = "the value of what is owned" if self.long_only else "the price of everything"
        change = f"changes by {_percent(self.change or Decimal(0))}"
        if self.factor is not None:
            change = f"follows a move of {self.factor} by {_percent(self.move or Decimal(0))}"
        return " ".join([subject, *hit, change])


class ShockedChange(NamedTuple):
    """What a scenario does to one instrument.

    Args:
        change: of the unit price, of owed and short positions too.
        long_change: of owned value, never above `change`.
    """

    change: Fraction
    long_change: Fraction


class Scenario(Document, ABC):
    """A named scenario."""

    preset: str

    @abstractmethod
    def expand(self, market: Market) -> tuple[Shock, ...]:
        """What happens, compounded in order."""

    @abstractmethod
    def sentence(self) -> str:
        """What happens, in words that follow "when"."""


def _percent(fraction: Decimal) -> str:
    return decimal_string(fraction.scaleb(2)) + "%"


class Gap(Scenario):
    """Every price but those of dollars and stablecoins falls at once."""

    preset: Literal["gap"] = "gap"
    drop: Share

    def expand(self, market: Market) -> tuple[Shock, ...]:
        return (Shock(change=-self.drop, excluding_assets=tuple(sorted(market.cash_assets))),)

    def sentence(self) -> str:
        return f"every asset but cash falls by {_percent(self.drop)}"


class StablecoinDepeg(Scenario):
    """A stablecoin trades below its peg; debts in it shrink alike."""

    preset: Literal["stablecoin_depeg"] = "stablecoin_depeg"
    asset: Symbol
    discount: Share

    def expand(self, market: Market) -> tuple[Shock, ...]:
        return (Shock(assets=(self.asset,), change=-self.discount),)

    def sentence(self) -> str:
        return f"{self.asset} falls {_percent(self.discount)} below its peg"


class StakingDiscount(Scenario):
    """Staking derivatives trade below what they stand for."""

    preset: Literal["staking_discount"] = "staking_discount"
    discount: Share

    def expand(self, market: Market) -> tuple[Shock, ...]:
        return (Shock(kinds=("staking",), change=-self.discount),)

    def sentence(self) -> str:
        return f"staking derivatives trade at a discount of {_percent(self.discount)}"


class ProtocolLoss(Scenario):
    """A protocol loses a share of what is owned there; what is owed there stays owed."""

    preset: Literal["protocol_loss"] = "protocol_loss"
    protocol: Symbol
    share: Share

    def expand(self, market: Market) -> tuple[Shock, ...]:
        return (Shock(protocols=(self.protocol,), change=-self.share, long_only=True),)

    def sentence(self) -> str:
        return f"{_percent(self.share)} of what is owned at {self.protocol} is lost"


class BridgeLoss(Scenario):
    """A bridge loses a share of what is owned on the chain behind it; what is owed there stays owed."""

    preset: Literal["bridge_loss"] = "bridge_loss"
    chain: Symbol
    share: Share

    def expand(self, market: Market) -> tuple[Shock, ...]:
        return (Shock(chains=(self.chain,), change=-self.share, long_only=True),)

    def sentence(self) -> str:
        return f"{_percent(self.share)} of what is owned on {self.chain} is lost"


class Contagion(Scenario):
    """A factor moves, and every price with it by its published beta."""

    preset: Literal["contagion"] = "contagion"
    factor: Symbol
    move: PublishedDecimal

    def expand(self, market: Market) -> tuple[Shock, ...]:
        return (Shock(factor=self.factor, move=self.move),)

    def sentence(self) -> str:
        return f"{self.factor} moves by {_percent(self.move)} and every price follows by its beta"


class Custom(Scenario):
    """Shocks written down one by one.

    Args:
        description: what happens, in words that follow "when".
    """

    preset: Literal["custom"] = "custom"
    description: Annotated[str, Field(min_length=1, max_length=200)]
    shocks: Annotated[tuple[Shock, ...], Field(min_length=1)]

    def expand(self, market: Market) -> tuple[Shock, ...]:
        return self.shocks

    def sentence(self) -> str:
        """The description with the shocks themselves, which alone are promised."""
        return f"{self.description} ({'; '.join(shock.sentence() for shock in self.shocks)})"


Stress = Annotated[
    Gap | StablecoinDepeg | StakingDiscount | ProtocolLoss | BridgeLoss | Contagion | Custom,
    Field(discriminator="preset"),
]
"""A scenario as a policy file writes it: {"preset": "gap", "drop": "0.5"}."""


def shocked_changes(
    market: Market, shocks: Sequence[Shock], instrument_ids: Iterable[str]
) -> Mapping[str, ShockedChange]:
    """What shocks do to each instrument, compounded: (1 + r₁)(1 + r₂)… − 1.

    Raises: DataError: an unknown instrument, or one whose change nobody publishes.
    """
    changes = {}
    for name in instrument_ids:
        instrument = market.instrument(name)
        factor, long_factor = Fraction(1), Fraction(1)
        for shock in shocks:
            if not shock.matches(market, instrument):
                continue
            move = 1 + shock.change_of(market, instrument)
            if not shock.long_only:
                factor *= move
                long_factor *= move
            else:
                long_factor *= min(move, Fraction(1))
        changes[name] = ShockedChange(factor - 1, long_factor - 1)
    return changes


def unmatched(market: Market, shocks: Sequence[Shock], instrument_ids: Iterable[str]) -> list[int]:
    """Indices of shocks that hit none of the instruments."""
    held = [market.instrument(name) for name in instrument_ids]
    return [i for i, shock in enumerate(shocks) if not any(shock.matches(market, instrument) for instrument in held)]


__all__ = [
    "BridgeLoss",
    "Contagion",
    "Custom",
    "Gap",
    "ProtocolLoss",
    "Scenario",
    "Shock",
    "ShockedChange",
    "StablecoinDepeg",
    "StakingDiscount",
    "Stress",
    "shocked_changes",
    "unmatched",
]
