"""Cost of one version, summed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerSums:
    """Exact sums of a version's ledger, grouped by currency and `by`."""

    version: int
    by: tuple[str, ...]
    cost_columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str | None, ...], str, tuple[int, ...]], ...]
    """(values of `by`, currency, picos of each cost column), missing values first; no row whose every cost is 0."""
