"""Lending: the health factor of every account, now and under stress (protocol §2)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from attest.program import Kind, decimal_string
from optimizer.documents import PublishedDecimal, Symbol
from optimizer.errors import PolicyError
from optimizer.market import Market
from optimizer.policy.book import Book
from optimizer.policy.constraint import Constraint
from optimizer.policy.rows import RowWriter
from optimizer.scenarios.stress import Stress, shocked_changes


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
        limited = "every lending account" if self.accounts is None else "each account of " + ", ".join(self.accounts)
        when = "" if self.scenario is None else f" when {self.scenario.sentence()}"
        return (
            f"The health factor of {limited} (collateral at its liquidation threshold over debt) is at least "
            f"{decimal_string(self.minimum)}{when}."
        )

    def _weights(self, market: Market, instruments: tuple[str, ...]) -> dict[str, dict[str, Fraction]]:
        """Account → instrument → what a dollar of its signed value counts.

        Raises: PolicyError: an account without instruments, none at all, or collateral without a threshold.
        """
        held = [market.instrument(name) for name in instruments]
        found = tuple(dict.fromkeys(i.account for i in held if i.account is not None))
        if not found:
            raise PolicyError(self.default_name, "nothing that the policy holds names a lending account in the market")
        for account in self.accounts or ():
            if account not in found:
                detail = f"nothing that the policy holds is in the lending account {account!r}; take it out"
                raise PolicyError(self.default_name, detail)
        shocks = self.scenario.shocks(market) if self.scenario is not None else ()
        changes = shocked_changes(market, shocks, [i.id for i in held if i.account is not None])
        weights: dict[str, dict[str, Fraction]] = {}
        for account in self.accounts or found:
            weights[account] = {}
            for instrument in held:
                if instrument.account != account:
                    continue
                change = changes[instrument.id]
                if instrument.sign < 0:
                    weights[account][instrument.id] = Fraction(self.minimum) * (1 + change.change)
                elif instrument.liquidation_threshold is not None:
                    counted = Fraction(instrument.liquidation_threshold)
                    weights[account][instrument.id] = counted * (1 + change.long_change)
                else:
                    detail = f"the market gives {instrument.id!r} no liquidation_threshold; publish it"
                    raise PolicyError(self.default_name, detail)
        return weights

    def rows(self, writer: RowWriter) -> None:
        """Σ threshold(1 + R)·pq − minimum·Σ (1 + R)·pq of debts ≥ 0 for each account. (K.31)"""
        for account, weights in self._weights(writer.market, writer.instruments).items():
            shares = {j: weights.get(writer.instrument(j).id, Fraction(0)) for j in writer.slots}
            writer.share_row(account, Kind.NONNEG, shares)

    def plain_slack_usd(self, book: Book) -> Fraction:
        slacks = []
        for weights in self._weights(book.market, book.instruments).values():
            slacks.append(sum((share * book.net_usd(name) for name, share in weights.items()), Fraction(0)))
        return min(slacks)
