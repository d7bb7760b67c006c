"""What reading the records of metrics showed, as warnings for people.

Invariant: every warning states how many records of how many it is about.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.model.diagnostic import Diagnostic, Severity
from costops.model.metric_report import LabelGap, MetricReading


def metric_notices(readings: Sequence[MetricReading]) -> list[Diagnostic]:
    """Warnings about records that do not count as a person may expect."""
    return [
        notice
        for each in readings
        for notice in (
            *([_without_value(each)] if each.without_value else []),
            *(_without_label(each, gap) for gap in each.gaps),
        )
    ]


def _without_value(reading: MetricReading) -> Diagnostic:
    return Diagnostic(
        code="CO703",
        severity=Severity.WARNING,
        message=f"{_records(reading.without_value, reading)} no value and {_are(reading.without_value)} left out",
    )


def _without_label(reading: MetricReading, gap: LabelGap) -> Diagnostic:
    more = len(gap.files) - 1
    who = f"{gap.files[0]} and {more:,} more file{'s' if more > 1 else ''} lack" if more else f"{gap.files[0]} lacks"
    return Diagnostic(
        code="CO704",
        severity=Severity.WARNING,
        message=f"{_records(gap.records, reading)} no label {gap.label}, because {who} it",
        hint="they weigh for no element along that label; export all files with the same labels",
    )


def _records(count: int, reading: MetricReading) -> str:
    has = "has" if count == 1 else "have"
    return f"{count:,} of {reading.records:,} records of metric {reading.metric} {has}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
