"""Which versions and rules moved the cost of one element.

Invariant: amounts are exact, in picos of each version's own cost column, never added over currencies. Per version and
currency the causes and what is not told apart add up to the cost after minus the cost before.
"""

from __future__ import annotations

from dataclasses import dataclass

from costops.model.record import RecordedChange
from costops.model.version import Version


@dataclass(frozen=True, slots=True)
class BlameCost:
    """The element's cost of all billing months in one currency, before a version and with it."""

    currency: str
    before: int | None
    """None where the version before did not report the dimension or the cost column."""
    after: int


@dataclass(frozen=True, slots=True)
class BlamePart:
    """What one change did to the element's cost through one rule."""

    change: RecordedChange
    """Without its money."""
    cause: str
    """bill, metrics, rule, order or upstream."""
    rule: str | None
    """The allocation through which the money moved; None where it went through none."""
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class BlameStep:
    """One version."""

    version: Version
    dimension: str
    """What the version calls the dimension."""
    costs: tuple[BlameCost, ...]
    """By currency; those in which the element has cost before or after."""
    parts: tuple[BlamePart, ...] | None
    """In the order of the plan; None where the version was written before its causes were kept."""

    @property
    def moved(self) -> bool:
        """Whether the version did anything to the element's cost, or what it did is not known."""
        return bool(self.parts) or any(each.before != each.after for each in self.costs)

    def untold(self, cost: BlameCost) -> int:
        """How much of a currency's difference no kept cause says."""
        if cost.before is None or self.parts is None:
            return 0
        told = sum(each.amount for each in self.parts if each.currency == cost.currency)
        return cost.after - cost.before - told


@dataclass(frozen=True, slots=True)
class Blame:
    """The whole answer."""

    dimension: str
    """As it was asked for."""
    value: str | None
    """None is unallocated."""
    steps: tuple[BlameStep, ...]
    """Every version that reports the dimension, the newest first."""
