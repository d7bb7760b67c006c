"""What closing or reopening billing months did, as text and JSON."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from costops.model.record import MonthEvent
from costops.periods import Period
from costops.render.safe import json_text


def closing_text(period: Period, status: str, events: Sequence[MonthEvent]) -> str:
    """One sentence a month; `events` are of those that changed."""
    done = "is closed: no apply changes it any more, unless it restates it" if status == "closed" else "is open again"
    changed = {each.month for each in events}
    lines = [
        f"Billing month {month} {done}." if month in changed else f"Billing month {month} is {status} already."
        for month in period.months()
    ]
    return "\n".join(lines) + "\n"


def closing_json(period: Period, status: str, events: Sequence[MonthEvent]) -> str:
    """The same for machines."""
    return json_text(
        {
            "format_version": "1.0",
            "status": status,
            "events": [event_document(each) for each in events],
            "unchanged": unchanged(period, events),
        }
    )


def unchanged(period: Period, events: Collection[MonthEvent]) -> list[str]:
    """Months that had the status already."""
    changed = {each.month for each in events}
    return [month for month in period.months() if month not in changed]


def event_document(event: MonthEvent) -> dict[str, Any]:
    """A closing or reopening for machines."""
    return {
        "serial": event.serial,
        "month": event.month,
        "status": event.status,
        "reason": event.reason,
        "actor": event.actor,
        "at": event.at,
        "hash": event.hash,
        "previous_hash": event.previous_hash,
    }
