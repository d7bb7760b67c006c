"""The digest: what every element of a dimension cost in each billing month of one version, and what changed.

Invariant: amounts are exact, in picos of the version's cost column, and never added over currencies. In each month
of a currency the elements and the unallocated cost add up to the total, and so do those of the month before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from costops.periods import Period


class Trend(StrEnum):
    """Why a change has no percentage: there was nothing to compare with, or nothing is left."""

    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class MonthCost:
    """Cost of one line in one billing month, beside the calendar month before it."""

    amount_picos: int
    """0 where the line has no cost in the month."""
    before_picos: int | None
    """Cost in the month before, 0 where the line has none in it; None where the version lacks that month."""
    trend: Trend | None = None

    @property
    def change_picos(self) -> int | None:
        """This month less the month before; None where the version lacks the month before."""
        return None if self.before_picos is None else self.amount_picos - self.before_picos


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One element of the dimension."""

    value: str | None
    """None is unallocated."""
    costs: tuple[MonthCost, ...]
    """One for each of the digest's months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyDigest:
    """All lines of one currency."""

    currency: str
    elements: tuple[DigestLine, ...]
    """Largest cost of the newest month first; no element whose cost is 0 in every month that was read."""
    unallocated: DigestLine
    """Always there, also where it is 0."""
    totals: tuple[MonthCost, ...]
    """One for each of the digest's months."""
    rise: DigestLine | None
    """The element, or the unallocated cost, that grew most in the newest month; None where none did by 1e-9."""
    fall: DigestLine | None
    """The one that shrank most."""

    @property
    def lines(self) -> tuple[DigestLine, ...]:
        """The elements and, last, the unallocated cost: what adds up to the totals."""
        return (*self.elements, self.unallocated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Cost of one version by one dimension."""

    version: int
    version_label: str
    """For people: `version 12 (a41c9e2, 2026-11-18 09:14 UTC)`."""
    applied_at: str
    """UTC, `2026-11-18T09:14:07Z`."""
    commit: str | None
    dirty: bool | None
    cost: str
    """The version's cost column."""
    by: str
    dimensions: tuple[str, ...]
    """The version's report dimensions: what `by` could have been."""
    period: Period | None
    """What was asked for, or the newest months that the version has; None only for a version without cost."""
    months: tuple[str, ...]
    """The billing months of the period that the version has, oldest first; empty only for a version without cost."""
    absent: tuple[Period, ...]
    """Billing months of the period that the version lacks, oldest first."""
    others: tuple[Period, ...]
    """Billing months that the version has outside the period, oldest first."""
    currencies: tuple[CurrencyDigest, ...]
    """Sorted by currency."""
