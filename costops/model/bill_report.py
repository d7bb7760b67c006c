"""What reading a bill showed: the facts of `costops bill`.

Invariant: money is in picos, as read; what rounding took is counted apart, in units of 1e-40.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from costops.model.bill import PassedOver

ROUNDING_PLACES = 40
"""Places to which the difference between a file's amounts and those as read is worked out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReading:
    """One cost column of some charges."""

    amount_picos: int
    """Sum as read."""
    missing: int
    """Charges without an amount; they count as 0."""
    rounded: int
    """Amounts with more than 12 places, zeros at the end not counted."""
    rounding: int
    """Sum as written minus the sum as read, in units of 1e-40."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """The charges of one file in one billing month and currency."""

    source: str
    file: str
    month: str
    """`YYYY-MM`."""
    currency: str
    rows: int
    costs: Mapping[str, CostReading]
    """By cost column, those that the file has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatReading:
    """Files of one source that are of one format and kind."""

    format: str
    version: str | None
    kind: str
    """csv or parquet."""
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReading:
    """One billing source of costops.yaml."""

    name: str
    path: str
    """As written."""
    formats: tuple[FormatReading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitReading:
    """Charges of a source that were left out, because their provider has split them and the parts count."""

    source: str
    currency: str
    rows: int
    amounts: Mapping[str, int]
    """By cost column, in picos."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagReading:
    """One tag key over the whole bill."""

    key: str
    rows: int
    values: int
    """Distinct values."""
    amounts: Mapping[str, int]
    """Cost of the charges that have the key, by currency, in picos."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillReport:
    """What was read of all billing sources."""

    digest: str
    cost: str
    """The cost column of tag keys."""
    cost_columns: tuple[str, ...]
    sources: tuple[SourceReading, ...]
    readings: tuple[FileReading, ...]
    """By source, file, month and currency."""
    splits: tuple[SplitReading, ...]
    tags: tuple[TagReading, ...]
    """The largest first: by cost in the currency of most charges, then charges, then key."""
    passed_over: tuple[PassedOver, ...]

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.readings)

    @property
    def months(self) -> tuple[str, ...]:
        """Billing months with charges, in order."""
        return tuple(sorted({each.month for each in self.readings}))

    def missing_months(self, source: str) -> tuple[str, ...]:
        """Billing months without charges of a source between its first and its last."""
        return months_between(tuple(sorted({each.month for each in self.readings if each.source == source})))

    def currencies(self) -> tuple[str, ...]:
        """Currencies, that of most charges first."""
        rows: dict[str, int] = {}
        for each in self.readings:
            rows[each.currency] = rows.get(each.currency, 0) + each.rows
        return tuple(sorted(rows, key=lambda currency: (-rows[currency], currency)))


def months_between(months: tuple[str, ...]) -> tuple[str, ...]:
    """The months that a sorted tuple of months leaves out between its first and its last."""
    if not months:
        return ()
    first, last = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (months[0], months[-1]))
    every = (f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, last + 1))
    return tuple(month for month in every if month not in set(months))
