"""Stress: what is left of the fund after a named scenario (docs/policies/stress.md)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from attest.program import Entry, Kind, Part
from optimizer.documents import PublishedDecimal
from optimizer.errors import PolicyError
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint, dollars, percent
from optimizer.policy.rows import RowWriter
from optimizer.scenarios.stress import Stress as Scenario
from optimizer.scenarios.stress import shocked_changes, unmatched


class Stress(Constraint):
    """Loss in a scenario ≤ max_loss·NAV, and NAV after it ≥ min_nav_usd.

    Args:
        scenario: what happens.
        max_loss: as a fraction of NAV before it.
        min_nav_usd: NAV after it. At least one of the two.
    """

    tightening: ClassVar[Mapping[str, int]] = {"max_loss": -1, "min_nav_usd": 1}

    kind: Literal["stress"] = "stress"
    scenario: Scenario
    max_loss: Annotated[PublishedDecimal, Field(ge=0)] | None = None
    min_nav_usd: Annotated[PublishedDecimal, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.max_loss is None and self.min_nav_usd is None:
            raise ValueError("give max_loss, min_nav_usd or both")
        return self

    @property
    def default_name(self) -> str:
        return f"{self.kind}-{self.scenario.preset}"

    def sentence(self) -> str:
        limits = [f"the loss is at most {percent(self.max_loss)} of NAV"] if self.max_loss is not None else []
        limits += [f"NAV is still at least {dollars(self.min_nav_usd)}"] if self.min_nav_usd is not None else []
        return f"When {self.scenario.sentence()}, {' and '.join(limits)}."

    def rows(self, writer: RowWriter) -> None:
        """max_loss·NAV + Σ R σpq − Σ (R − R⁺)p·s⁺ ≥ 0 and Σ (1 + R)σpq − Σ (R − R⁺)p·s⁺ − min_nav ≥ 0. (K.16)

        R is the change of a price, R⁺ ≤ R that of what is owned. The sum over plus parts is for slots that may be
        short; elsewhere R⁺ stands in R's place.
        """
        shocks = self.scenario.expand(writer.market)
        missed = unmatched(writer.market, shocks, writer.instruments)
        if missed:
            raise PolicyError(
                self.default_name, f"shock {missed[0]} of the scenario hits nothing that the policy holds"
            )
        changes = shocked_changes(writer.market, shocks, writer.instruments)
        moves: dict[int, Fraction] = {}
        lost: dict[Entry, Fraction] = {}
        for j in writer.slots:
            instrument = writer.instrument(j)
            change = changes[instrument.id]
            moves[j] = change.change if instrument.signed or instrument.sign < 0 else change.long_change
            if instrument.signed and change.long_change < change.change:
                share = change.change - change.long_change
                lost[Entry(writer.variable_row(j), Part.PLUS)] = share * writer.lot_value_usd(j)
        for label, kept, constant in self._limits():
            shares = {j: kept + move for j, move in moves.items()}
            writer.share_row(label, Kind.NONNEG, shares, constant_usd=constant, prices_usd=lost)

    def _limits(self) -> list[tuple[str, Fraction, Fraction]]:
        """Label, multiple of NAV that is added to the change of value, constant in USD."""
        limits = [] if self.max_loss is None else [("loss", Fraction(self.max_loss), Fraction(0))]
        return limits + ([] if self.min_nav_usd is None else [("nav", Fraction(1), -Fraction(self.min_nav_usd))])

    def plain_slack_usd(self, book: Book) -> Fraction:
        changes = shocked_changes(book.market, self.scenario.expand(book.market), book.instruments)
        change = Fraction(0)
        for h in book.holdings:
            hit = changes[h.instrument.id]
            change += h.value_usd * (hit.long_change if h.value_usd > 0 else hit.change)
        return min(kept * book.nav_usd + change + constant for _, kept, constant in self._limits())
