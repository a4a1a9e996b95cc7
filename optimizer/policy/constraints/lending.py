"""Lending: the health factor of every account, now and under stress (docs/policies/lending.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from attest.program import Kind, decimal_string
from optimizer.documents import PublishedDecimal, Symbol
from optimizer.errors import PolicyError
from optimizer.market import Instrument, Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint
from optimizer.policy.rows import RowWriter
from optimizer.scenarios.stress import Stress, shocked_changes, unmatched


class HealthFactor(Constraint):
    """Σ threshold·collateral ≥ minimum·Σ debt for each lending account, at the market's prices or after a scenario.

    Args:
        minimum: of the health factor; at 1 a protocol may liquidate.
        accounts: those limited; None limits every account of an instrument that is held.
        scenario: what happens first; None leaves prices as they are.
    """

    tightening: ClassVar[Mapping[str, int]] = {"minimum": 1}

    kind: Literal["health_factor"] = "health_factor"
    minimum: Annotated[PublishedDecimal, Field(gt=0)]
    accounts: Annotated[tuple[Symbol, ...], Field(min_length=1)] | None = None
    scenario: Stress | None = None

    def sentence(self) -> str:
        limited = "every lending account"
        if self.accounts is not None:
            limited = "each of the lending accounts " + ", ".join(self.accounts)
        when = "" if self.scenario is None else f" when {self.scenario.sentence()}"
        return (
            f"The health factor of {limited} (collateral at its liquidation threshold over debt) is at least "
            f"{decimal_string(self.minimum)}{when}."
        )

    def members(self, market: Market, instruments: Sequence[str]) -> dict[str, tuple[Instrument, ...]]:
        """Account → those of some instruments that are in it.

        Raises: PolicyError: an account without instruments, or none at all.
        """
        held = [market.instrument(name) for name in instruments]
        found = tuple(dict.fromkeys(i.account for i in held if i.account is not None))
        if not found:
            raise PolicyError(self.default_name, "nothing that the policy holds names a lending account in the market")
        for account in self.accounts or ():
            if account not in found:
                detail = f"nothing that the policy holds is in the lending account {account!r}; take it out"
                raise PolicyError(self.default_name, detail)
        return {account: tuple(i for i in held if i.account == account) for account in self.accounts or found}

    def weights(self, market: Market, instruments: Sequence[str]) -> dict[str, dict[str, Fraction]]:
        """Account → instrument → what a dollar of its signed value counts.

        Raises: PolicyError: as `members`, or collateral without a threshold.
        """
        shocks = self.scenario.expand(market) if self.scenario is not None else ()
        weights: dict[str, dict[str, Fraction]] = {}
        for account, members in self.members(market, instruments).items():
            changes = shocked_changes(market, shocks, [instrument.id for instrument in members])
            weights[account] = {}
            for instrument in members:
                change, counted = changes[instrument.id], instrument.liquidation_threshold
                if instrument.sign < 0:
                    weights[account][instrument.id] = Fraction(self.minimum) * (1 + change.change)
                elif counted is not None:
                    weights[account][instrument.id] = Fraction(counted) * (1 + change.long_change)
                else:
                    detail = f"the market gives {instrument.id!r} no liquidation_threshold; publish it"
                    raise PolicyError(self.default_name, detail)
        return weights

    def rows(self, writer: RowWriter) -> None:
        """Σ threshold(1 + R)·pq − minimum·Σ (1 + R)·pq of debts ≥ 0 for each account. (K.31)"""
        self._refuse_idle_scenario(writer)
        for account, weights in self.weights(writer.market, writer.instruments).items():
            self._refuse_missing_debts(writer, account)
            shares = {j: weights.get(writer.instrument(j).id, Fraction(0)) for j in writer.slots}
            writer.share_row(account, Kind.NONNEG, shares)

    def _refuse_idle_scenario(self, writer: RowWriter) -> None:
        """Raises: PolicyError: a shock that no account would feel: health under it is health without it."""
        if self.scenario is None:
            return
        names = [i.id for members in self.members(writer.market, writer.instruments).values() for i in members]
        missed = unmatched(writer.market, self.scenario.expand(writer.market), names)
        if missed:
            detail = f"shock {missed[0]} of the scenario hits nothing in the lending accounts; take it out"
            raise PolicyError(self.default_name, detail)

    def _refuse_missing_debts(self, writer: RowWriter, account: str) -> None:
        """Raises: PolicyError: a debt of the account that the rows would not see."""
        for instrument in writer.market.instruments:
            owed = instrument.account == account and instrument.sign < 0
            if owed and instrument.id not in writer.instruments:
                detail = (
                    f"{instrument.id!r} is a debt of the lending account {account!r} and is not reported here; add it "
                    "to a source, and to the sleeve if there is one"
                )
                raise PolicyError(self.default_name, detail)

    def plain_slack_usd(self, book: Book) -> Fraction:
        slacks = []
        for weights in self.weights(book.market, book.instruments).values():
            slacks.append(sum((share * book.net_usd(name) for name, share in weights.items()), Fraction(0)))
        return min(slacks)
