"""What reading a metric's records showed, as far as a person should know of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelGap:
    """Records of a metric in files that do not have one of its labels at all."""

    label: str
    records: int
    files: tuple[str, ...]
    """Names of the files that lack it, whether they have records of the metric or not."""


@dataclass(frozen=True, slots=True)
class MetricReading:
    """The records of one metric that a rule weighs by."""

    metric: str
    records: int
    without_value: int
    """Records that are left out, because they have no value."""
    gaps: tuple[LabelGap, ...]
