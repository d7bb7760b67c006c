"""Closings and reopenings of billing months, and their place in the chain.

Invariant: every serial of a state is a version's or an event's, and each follows from the one before by its hash; the
status of a month is that of its newest event, and `open` where it has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costops.model.record import MonthEvent
from costops.state.chain import StoredValue, chain_start, event_hash
from costops.state.records import has_records

if TYPE_CHECKING:
    import sqlite3

EVENT_COLUMNS = ("serial", "month", "status", "reason", "actor", "at")
"""Columns of `month_event` that its hash covers; `previous_hash` and `hash` follow them."""
OPEN, CLOSED = "open", "closed"
Link = tuple[int, int | None, str, str]
"""(serial, number of the version or None for an event, previous hash, hash)."""


def event_of(row: tuple[StoredValue, ...]) -> MonthEvent:
    """The event of a full row of `month_event`; TypeError where it is none."""
    serial, month, status, reason, actor, at, previous_hash, found = row
    if not isinstance(serial, int):
        raise TypeError(f"not a serial: {serial!r}")
    return MonthEvent(
        serial=serial,
        month=str(month),
        status=str(status),
        reason=None if reason is None else str(reason),
        actor=str(actor),
        at=str(at),
        previous_hash=str(previous_hash),
        hash=str(found),
    )


def stored_events(connection: sqlite3.Connection) -> list[MonthEvent]:
    """Every event, oldest first; a state of an older schema has none."""
    if not has_records(connection):
        return []
    columns = ", ".join((*EVENT_COLUMNS, "previous_hash", "hash"))
    return [event_of(row) for row in connection.execute(f"SELECT {columns} FROM month_event ORDER BY serial")]


def event_is_sound(event: MonthEvent) -> bool:
    """Whether an event is the one that was written."""
    row = (event.serial, event.month, event.status, event.reason, event.actor, event.at)
    return event_hash(event.previous_hash, row) == event.hash


def events_are_sound(connection: sqlite3.Connection) -> bool:
    """Whether every event is the one that was written, and the status of every month is what they say.

    That each follows from what is before it is not looked at.
    """
    events = stored_events(connection)
    return all(map(event_is_sound, events)) and not wrong_statuses(connection, events)


def wrong_statuses(connection: sqlite3.Connection, events: list[MonthEvent]) -> list[str]:
    """Months whose status is not that of their newest event, in order."""
    newest = {event.month: event.status for event in events}
    stored = connection.execute("SELECT month, status FROM billing_month ORDER BY month")
    return [month for month, status in stored if status != newest.get(month, OPEN)]


def links(connection: sqlite3.Connection) -> list[Link]:
    """Every version and event in the order of the chain."""
    text = "SELECT serial, number, previous_hash, hash FROM version"
    if has_records(connection):
        text += " UNION ALL SELECT serial, NULL, previous_hash, hash FROM month_event"
    return connection.execute(f"{text} ORDER BY 1").fetchall()


def chain_head(connection: sqlite3.Connection) -> str:
    """Hash that the next version or event follows from."""
    found = links(connection)
    if found:
        return found[-1][3]
    lineage, created_at = connection.execute("SELECT lineage, created_at FROM meta").fetchone()
    return chain_start(lineage, created_at)


def closed_months(connection: sqlite3.Connection) -> frozenset[str]:
    """Billing months that are closed."""
    rows = connection.execute("SELECT month FROM billing_month WHERE status = ?", [CLOSED])
    return frozenset(month for (month,) in rows)
