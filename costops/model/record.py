"""What the state keeps of the plan behind a version, so that history can tell causes: changes, their money, the bill.

Invariant: per element the money of all entries of a version adds up to the difference to the version before.
"""

from __future__ import annotations

from dataclasses import dataclass

from costops.model.metric_series import MetricSeries

BILL, RESTATE, METRICS = "bill", "restate", "metrics"
"""Actions of the entries that no rule made: what the bill changed, what writing frozen months anew did, and what the
usage numbers did."""


@dataclass(frozen=True, slots=True)
class RecordedMoney:
    """What one element gained or lost by one cause, in picos of the version's cost column."""

    cause: str
    """bill, restate, metrics, rule, order or upstream."""
    rule: str | None
    """The allocation through which the money moved; None where it went through none."""
    dimension: str
    value: str | None
    """None is unallocated."""
    currency: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChange:
    """One change of the plan, or what the bill or the usage numbers changed, with the money it moved."""

    action: str
    """add, change, remove, move, rename, or BILL, RESTATE or METRICS, whose other texts are empty."""
    kind: str = ""
    id: str = ""
    previous_id: str | None = None
    file: str = ""
    line: int = 0
    money: tuple[RecordedMoney, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderTotal:
    """Cost of one provider in one billing month as the bill had it, in picos."""

    provider: str | None
    """FOCUS ProviderName; None where the bill does not say."""
    month: str
    cost: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that a version keeps of its plan beside what its row says."""

    changes: tuple[RecordedChange, ...] = ()
    """In the order of the plan: bill, restated months, metrics, then settings and rules."""
    providers: tuple[ProviderTotal, ...] = ()
    """Sorted by month, provider, cost column and currency; none of 0."""
    metrics: tuple[MetricSeries, ...] = ()
    """The metrics that its rules used, in the order of their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEvent:
    """A billing month was closed or opened again."""

    serial: int
    """Of the state, after it."""
    month: str
    status: str
    """closed or open."""
    reason: str | None
    """Never None where a month was opened again."""
    actor: str
    at: str
    """UTC, `2026-11-18T09:14:07Z`."""
    previous_hash: str
    hash: str
