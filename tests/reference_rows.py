"""The oracle's rows: charges as read, their days, and the days of their buckets.

Invariant: like reference.py it follows the written meaning of the language and shares no code with the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from reference_values import Text

PICOS = 10**12

UNITS = {"ConsumedQuantity": "ConsumedUnit", "PricingQuantity": "PricingUnit"}
"""Quantities, and the columns of their units."""

Days = tuple[str, str]
"""First and last day, both included."""


@dataclass(slots=True)
class Row:
    """One charge row; `running` holds the values that allocations may change, `direct` those before the first one."""

    columns: Mapping[str, Text]
    tags: Mapping[str, Text]
    month: str
    day: str
    last_day: str
    whole_month: bool
    """Whether the charge period is exactly one calendar month."""
    currency: str
    costs: dict[str, Fraction]
    quantities: dict[str, Fraction]
    labels: dict[str, Text] = field(default_factory=dict)
    direct: dict[str, Text] = field(default_factory=dict)
    running: dict[str, Text] = field(default_factory=dict)
    path: tuple[str, ...] = ()


def amount(text: object) -> Fraction:
    """An amount as read: decimal text, null as 0, more than 12 places rounded half-even once."""
    if text is None or text == "":
        return Fraction(0)
    return Fraction(round(Fraction(Decimal(str(text))) * PICOS), PICOS)


def instant(text: str) -> datetime:
    """ISO text in UTC; a time without zone is UTC."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def read_row(charge: Mapping[str, object], costs: Mapping[str, str]) -> Row:
    """One charge of the bill; `Tags` is a dict, every other column text or None; `costs` has each cost's column."""
    columns = {name: str(value) for name, value in charge.items() if name != "Tags" and value not in (None, "")}
    tags = charge.get("Tags") or {}
    assert isinstance(tags, Mapping)
    start = instant(columns["ChargePeriodStart"])
    end = instant(columns["ChargePeriodEnd"]) if "ChargePeriodEnd" in columns else start
    last = max(start, end - timedelta(microseconds=1)) if end - start > timedelta(hours=24) else start
    billing = instant(columns["BillingPeriodStart"]) if "BillingPeriodStart" in columns else start
    days = (start.date().isoformat(), last.date().isoformat())
    return Row(
        columns=columns,
        tags=tags,
        month=billing.date().isoformat()[:7],
        day=days[0],
        last_day=days[1],
        whole_month=days == month_days(days[0][:7]),
        currency=columns["BillingCurrency"],
        costs={name: amount(charge.get(column)) for name, column in costs.items()},
        quantities={name: amount(charge.get(name)) for name in UNITS},
    )


# Days


def month_days(month: str) -> Days:
    """First and last day of a calendar month."""
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return first.isoformat(), day_before(following.isoformat())


def day_before(day: str, days: int = 1) -> str:
    """The day so many days before."""
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def interval(granularity: str, row: Row) -> Days:
    """The days of a source row's bucket."""
    match granularity:
        case "daily":
            return row.day, row.day
        case "charge_period":
            return row.day, row.last_day
        case "monthly":
            return month_days(row.day[:7])
        case "billing_period":
            return month_days(row.month)
    raise AssertionError(f"unknown granularity {granularity}")


def clipped(days: Days, limits: tuple[str | None, str | None]) -> Days:
    """The part of some days that is inside the limits, which are days too or no limit."""
    return max(days[0], limits[0] or days[0]), min(days[1], limits[1] or days[1])


def earlier(granularity: str, row: Row) -> Sequence[Days]:
    """Where `on_empty: previous` looks for the shares of a source row's bucket, nearest first.

    The days of the bucket are those of its period, whether or not the rule is effective on all of them.
    """
    first, last = interval(granularity, row)
    if granularity in ("monthly", "billing_period") or (granularity == "charge_period" and row.whole_month):
        return [month_days(day_before(first)[:7])]
    if first == last:
        return [(day_before(first, back),) * 2 for back in range(1, 32)]
    count = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    return [(day_before(first, count), day_before(first))]
