"""Closing and reopening billing months: one transaction, all or nothing.

Invariant: each month that changes its status gets one event and one serial, so that no plan made before is applied
after; a month that has the status already changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from costops.errors import StateError, UsageError
from costops.interruption import held, settle
from costops.model.record import MonthEvent
from costops.state.chain import event_hash
from costops.state.connection import (
    check_identity,
    check_log,
    connect,
    corrupt,
    empty_log,
    locate,
    state_errors,
)
from costops.state.contents import version_is_sound
from costops.state.events import CLOSED, EVENT_COLUMNS, OPEN, chain_head, closed_months, events_are_sound
from costops.state.migrations import expected_schema, migrate
from costops.state.reader import open_snapshot
from costops.state.schema import SCHEMA_VERSION
from costops.state.transaction import check_schema, immediate

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

SHOWN_MONTHS = 3
"""How many months that are not there an error names."""


def set_month_status(
    path: Path,
    months: Iterable[str],
    status: str,
    reason: str | None,
    actor: str,
    at: str,
    timeout_seconds: int = 10,
) -> tuple[MonthEvent, ...]:
    """Make `months` `closed` or `open`; gives the events of those that had another status, in the order of `months`.

    Raises UsageError for a month that the newest version does not have, StateError where there is no sound state,
    BusyError when another process writes it for longer than `timeout_seconds`, and CostopsError where the disk
    refuses; in each case nothing has changed.
    """
    if status not in (OPEN, CLOSED):
        raise ValueError(f"not a status of a month: {status!r}")
    if status == OPEN and reason is None:
        raise ValueError("a month is opened again for a reason")
    months = tuple(months)
    real = locate(path)
    if real is None:
        raise StateError(f"there is no state at {path}: nothing has been applied yet", hint="run `costops apply` first")
    with state_errors(path):
        check_log(real, path)
        # Read-only first: where nothing is to be done, or nothing may be, no byte of the file changes.
        with closing(open_snapshot(real, path).connection) as connection:
            schema = check_identity(connection, path)
            check_schema(connection, path, expected_schema(schema))
            _check_sound(connection, path)
            if not _to_change(connection, months, status):
                return ()
        with held(), closing(connect(real, "mode=rw", timeout_seconds)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            expected = expected_schema()
            with immediate(connection, timeout_seconds):
                if check_identity(connection, path) < SCHEMA_VERSION:
                    migrate(connection, at)
                check_schema(connection, path, expected)
                _check_sound(connection, path)
                changed = _to_change(connection, months, status)
                events = tuple([_write(connection, month, status, reason, actor, at) for month in changed])
            settle()
            empty_log(connection)
    return events


def _check_sound(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StateError unless the newest version's row and every event are what was written."""
    newest = connection.execute("SELECT MAX(number) FROM version").fetchone()[0]
    if newest is None:
        raise StateError(f"The state {path} has no version yet.", hint="Run `costops apply` first.")
    try:
        sound = version_is_sound(connection, newest) and events_are_sound(connection)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise corrupt(path, f"its content cannot be read ({error})") from error
    if not sound:
        raise corrupt(path, "what it holds is not what was applied")


def _to_change(connection: sqlite3.Connection, months: Iterable[str], status: str) -> list[str]:
    """Those of `months` that have another status; UsageError for one that there is not."""
    newest = connection.execute("SELECT MAX(number) FROM version").fetchone()[0]
    rows = connection.execute("SELECT DISTINCT billing_month FROM version_block WHERE version = ?", [newest])
    closed = closed_months(connection)
    known = {month for (month,) in rows} | closed
    wanted = list(dict.fromkeys(months))
    missing = [month for month in wanted if month not in known]
    if missing:
        shown = ", ".join(missing[:SHOWN_MONTHS])
        more = f" and {len(missing) - SHOWN_MONTHS:,} more" if len(missing) > SHOWN_MONTHS else ""
        raise UsageError(
            f"Version {newest} has no cost in {shown}{more}; no month was changed.", hint=_there_are(sorted(known))
        )
    return [month for month in wanted if (month in closed) != (status == CLOSED)]


def _there_are(months: Sequence[str]) -> str:
    if not months:
        return "It has no billing month."
    if len(months) <= 2 * SHOWN_MONTHS:
        return f"It has {', '.join(months)}."
    return f"It has {len(months)} billing months from {months[0]} to {months[-1]}."


def _write(
    connection: sqlite3.Connection, month: str, status: str, reason: str | None, actor: str, at: str
) -> MonthEvent:
    previous_hash = chain_head(connection)
    serial: int = connection.execute("SELECT serial FROM meta").fetchone()[0] + 1
    row = (serial, month, status, reason, actor, at)
    event = MonthEvent(
        serial=serial,
        month=month,
        status=status,
        reason=reason,
        actor=actor,
        at=at,
        previous_hash=previous_hash,
        hash=event_hash(previous_hash, row),
    )
    connection.execute(
        f"INSERT INTO month_event ({', '.join(EVENT_COLUMNS)}, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [*row, previous_hash, event.hash],
    )
    connection.execute("UPDATE billing_month SET status = ? WHERE month = ?", [status, month])
    connection.execute("UPDATE meta SET serial = serial + 1")
    return event
