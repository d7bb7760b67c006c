"""Cost of one version, summed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerSums:
    """Exact sums of a version's ledger, grouped by currency and `by`."""

    version: int
    by: tuple[str, ...]
    cost_columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str | None, ...], str, tuple[int, ...]], ...]
    """(values of `by`, currency, picos of each cost column), missing values first; no row whose every cost is 0."""


def totals_of_months(
    by_month: Mapping[tuple[str, str, str], int], months: Collection[str]
) -> dict[tuple[str, str], int]:
    """(currency, cost column) to picos, of (billing month, currency, cost column) to picos in some billing months."""
    totals: dict[tuple[str, str], int] = {}
    for (month, currency, cost), amount in by_month.items():
        if month in months:
            totals[currency, cost] = totals.get((currency, cost), 0) + amount
    return totals
