"""The daily sums of a metric as rules used them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """One metric by day and by the dimensions that its labels name, after the labels' transforms and renames."""

    metric: str
    """Id of the metric."""
    dimensions: tuple[str, ...]
    """What its labels name, in the order of the metric; none twice."""
    rows: tuple[tuple[str, tuple[str | None, ...], int], ...]
    """(day, values of `dimensions`, sum in picos), sorted, missing values first; each day and values once."""
