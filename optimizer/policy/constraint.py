"""What a constraint kind is: parameters, rows, a sentence, and its plain meaning (docs/policy.md).

A kind is one class in one module of `optimizer.policy.constraints`. The optimiser, the proof and the operator's
report all read the rows that it writes; `plain_slack_usd` is a second, independent statement of the same
promise, on exact rationals, and serves as the oracle in tests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from pydantic import Field

from attest.program import Kind, decimal_string
from optimizer.documents import Document, PublishedDecimal, PublishedInteger, Symbol

if TYPE_CHECKING:
    from optimizer.market import Market
    from optimizer.policy.book import Book
    from optimizer.policy.rows import RowWriter

Confidence = Annotated[PublishedDecimal, Field(gt=0, lt=1)]
"""A confidence level, strictly between 0 and 1."""

LimitFraction = Annotated[PublishedDecimal, Field(gt=0)]
"""A limit as a fraction of NAV."""

HorizonDays = Annotated[PublishedInteger, Field(ge=1, le=365)]
"""Days over which a loss is measured."""


class AuxSlot(NamedTuple):
    """A slot that a constraint asks for and the prover fills.

    Args:
        label: its name inside the constraint.
        signed: whether it may be negative.
        fraction: bound of its absolute value, in money, as a multiple of the gross cap.
        instrument: where it holds a quantity: the instrument whose position bounds it.

    With neither bound it may take any value of a part.
    """

    label: str
    signed: bool
    fraction: Fraction | None = None
    instrument: str | None = None


class RowSlack(NamedTuple):
    """What is left of one row of a constraint, for the operator's eyes.

    Args:
        kind: of the row.
        units: value of the row after its aggregate.
        usd_per_unit: worth of one unit of the row, None where the row does not measure money.
    """

    kind: Kind
    units: int
    usd_per_unit: Fraction | None


class Constraint(Document, ABC):
    """Base of every constraint kind.

    Args:
        kind: the kind's name in a policy file.
        name: what the operator calls this constraint; None takes the kind's own name.
    """

    registry: ClassVar[dict[str, type[Constraint]]] = {}
    listed: ClassVar[bool] = True
    """Whether a policy file may list the kind; the compiler adds the others itself."""
    tightening: ClassVar[Mapping[str, int]] = {}
    """Parameter → +1 where a larger value is a tighter limit, −1 where a smaller one is; others must not change."""
    compares_epochs: ClassVar[bool] = False
    """Whether the rows read the previous epoch's holdings too."""
    unit: ClassVar[str] = "USD"
    """What slack is measured in."""
    continuous: ClassVar[bool] = True
    """Whether slack moves little when holdings move little; else only holdings in whole lots have a meaning."""

    kind: str
    name: Symbol | None = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.listed:
            Constraint.registry[cls.model_fields["kind"].default] = cls

    @property
    def default_name(self) -> str:
        """Name of the constraint where the policy gives none."""
        return self.kind

    @property
    def instruments_named(self) -> tuple[str, ...]:
        """Instruments that the parameters mention; the compiler refuses those that no source holds."""
        return ()

    @abstractmethod
    def sentence(self) -> str:
        """The promise in one sentence, with units."""

    @abstractmethod
    def rows(self, writer: RowWriter) -> None:
        """Add the rows of the constraint. Raises: PolicyError: they cannot mean what the constraint says."""

    @abstractmethod
    def plain_slack_usd(self, book: Book) -> Fraction:
        """What is left of the limit in USD for real-valued quantities, exactly; the promise is kept iff it is ≥ 0."""

    def aux(self, market: Market, instruments: Sequence[str]) -> tuple[AuxSlot, ...]:
        """Slots that the prover fills for this constraint.

        Args:
            instruments: ids that the constraint looks at, in layout order.
        """
        return ()

    def tightens(self, base: Constraint) -> bool:
        """Whether everything that keeps this constraint keeps `base` too, judged by the parameters alone."""
        if type(self) is not type(base):
            return False
        for name in type(self).model_fields.keys() - {"name"}:
            own, other = getattr(self, name), getattr(base, name)
            direction = self.tightening.get(name, 0)
            comparable = direction != 0 and own is not None and other is not None
            if own != other and not (comparable and direction * (own - other) > 0):
                return False
        return True

    def fill(self, rows: Sequence[RowSlack]) -> tuple[int, ...]:
        """Best values of the aux slots: with them the rows hold whenever any values make them hold.

        Args:
            rows: this constraint's own rows, in order, with the values A·q that they have while its aux slots are 0.
        """
        return ()

    def slack_usd(self, rows: Sequence[RowSlack]) -> Fraction:
        """What is left of the limit in USD by the integer program, ≥ 0 iff its rows hold. Secret.

        Args:
            rows: this constraint's own rows, in order.
        """
        return min(r.units * r.usd_per_unit for r in rows if r.kind is Kind.NONNEG and r.usd_per_unit is not None)


def percent(fraction: Decimal) -> str:
    """0.025 → "2.5%"."""
    return decimal_string(fraction.scaleb(2)) + "%"


def dollars(amount: Decimal) -> str:
    """1500000.5 → "1,500,000.5 USD"."""
    return f"{Decimal(decimal_string(amount)):,f} USD"


def days(horizon: int) -> str:
    """1 → "One-day", 10 → "10-day"."""
    return "One-day" if horizon == 1 else f"{horizon}-day"
