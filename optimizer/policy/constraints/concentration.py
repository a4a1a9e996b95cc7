"""Concentration: no position, asset, issuer, protocol or chain exceeds a share of NAV (docs/policies/sizes.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from attest.program import Kind
from optimizer.documents import Symbol
from optimizer.errors import PolicyError
from optimizer.market import Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, LimitFraction, percent
from optimizer.policy.rows import RowWriter

Tag = Literal["asset", "issuer", "protocol", "chain"]


def tag_of(market: Market, instrument_id: str, by: Tag) -> str | None:
    """The asset, issuer, protocol or chain of an instrument, None where the market publishes none."""
    instrument = market.instrument(instrument_id)
    if by == "issuer":
        return market.asset_terms(instrument.asset).issuer
    return {"asset": instrument.asset, "protocol": instrument.protocol, "chain": instrument.chain}[by]


class Concentration(Constraint):
    """Size ≤ limit·NAV for each instrument, or each group of instruments, over all sources together.

    Args:
        limit: as a fraction of NAV.
        by: what is limited, each on its own: instruments, or all instruments of one asset, issuer, protocol or chain.
        instruments: those limited, each on its own; None limits every instrument. For by = "instrument".
        groups: assets, issuers, protocols or chains that are limited; None limits every one that is published.
        measure: of a group: "gross" adds up the sizes of its positions, "net" takes the size of their sum.
    """

    tightening: ClassVar[Mapping[str, int]] = {"limit": -1}

    kind: Literal["concentration"] = "concentration"
    limit: LimitFraction
    by: Literal["instrument", "asset", "issuer", "protocol", "chain"] = "instrument"
    instruments: Annotated[tuple[Symbol, ...], Field(min_length=1)] | None = None
    groups: Annotated[tuple[Symbol, ...], Field(min_length=1)] | None = None
    measure: Literal["gross", "net"] = "gross"

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.by == "instrument" and (self.groups is not None or self.measure != "gross"):
            raise ValueError("groups and measure belong to limits by asset, issuer, protocol or chain")
        if self.by != "instrument" and self.instruments is not None:
            raise ValueError(f"a limit by {self.by} takes groups, not instruments")
        return self

    @property
    def default_name(self) -> str:
        return self.kind if self.by == "instrument" else f"{self.kind}-{self.by}"

    @property
    def instruments_named(self) -> tuple[str, ...]:
        return self.instruments or ()

    def sentence(self) -> str:
        if self.by == "instrument":
            limited = "every instrument" if self.instruments is None else "each of " + ", ".join(self.instruments)
            return f"The position in {limited}, over all sources, is at most {percent(self.limit)} of NAV."
        limited = f"every {self.by}" if self.groups is None else f"each of the {self.by}s " + ", ".join(self.groups)
        if self.measure == "gross":
            size = "the sizes of all positions in it, over all sources, come to"
        else:
            size = "net exposure to it, long or short and over all sources, is"
        return f"For {limited}, {size} at most {percent(self.limit)} of NAV."

    def members(self, market: Market, instruments: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Group → those of some instruments that are in it.

        Raises: PolicyError: a named group in which there is none of them.
        """
        if self.by == "instrument":
            return {name: (name,) for name in dict.fromkeys(self.instruments or instruments)}
        tags = {name: tag_of(market, name, self.by) for name in instruments}
        found = dict.fromkeys(tag for tag in tags.values() if tag is not None)
        if not found:
            raise PolicyError(self.default_name, f"nothing that the policy holds has any {self.by} in the market")
        for group in self.groups or ():
            if group not in found:
                detail = f"no instrument that the policy holds has the {self.by} {group!r} in the market; take it out"
                raise PolicyError(self.default_name, detail)
        return {group: tuple(n for n, tag in tags.items() if tag == group) for group in self.groups or found}

    def rows(self, writer: RowWriter) -> None:
        """By instrument limit·NAV ∓ p·x ≥ 0 (K.10); by group, gross or net:

        limit·NAV − Σ p|x| ≥ 0, or limit·NAV ∓ Σ σpx ≥ 0. (K.21)
        """
        limit = Fraction(self.limit)
        for group, names in self.members(writer.market, writer.instruments).items():
            if self.by != "instrument" and self.measure == "gross":
                writer.size_row(group, limit, [writer.positions.gross(name) for name in names])
                continue
            for side, label in ((1, "long"), (-1, "short")):
                if self.by == "instrument":
                    writer.size_row(f"{group} {label}", limit, [writer.positions.side(group, side)])
                else:
                    shares = {j: limit - side * (writer.instrument(j).id in names) for j in writer.slots}
                    writer.share_row(f"{group} {label}", Kind.NONNEG, shares)

    def plain_slack_usd(self, book: Book) -> Fraction:
        largest = Fraction(0)
        for names in self.members(book.market, book.instruments).values():
            longs = sum((book.long_usd(name) for name in names), Fraction(0))
            shorts = sum((book.short_usd(name) for name in names), Fraction(0))
            if self.by == "instrument":
                size = max(longs, shorts)
            elif self.measure == "gross":
                size = longs + shorts
            else:
                size = abs(sum((book.net_usd(name) for name in names), Fraction(0)))
            largest = max(largest, size)
        return Fraction(self.limit) * book.nav_usd - largest
