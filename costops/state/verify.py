"""Whether a state is what costops wrote, down to the last stored value.

Invariant: nothing stored is believed; every digest and hash is computed again from the content it stands for, so a
changed byte is either found or lies where SQLite keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costops.errors import CostopsError, StateError
from costops.model.ledger import digest_of_days, digest_of_months
from costops.model.state_file import StateCheck, StateProblem
from costops.state.chain import StoredValue, chain_start, revision_digest, version_hash
from costops.state.connection import (
    LOOK_AND_RESTORE,
    RESTORE,
    check_identity,
    check_log,
    connect,
    locate,
    state_errors,
    write_ahead_log,
)
from costops.state.contents import check_blocks, stored_days, stored_months, stored_rules
from costops.state.events import CLOSED, OPEN, event_is_sound, links, stored_events, wrong_statuses
from costops.state.migrations import expected_schema, migration_names, schema_problems
from costops.state.months import stored_sums, sums_by_month, sums_digest
from costops.state.reader import open_snapshot, read_ledger
from costops.state.records import has_records, record_of, record_rows, stored_detail, stored_record, unsound_series
from costops.state.rows import VERSION_COLUMNS, names_of

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

LARGEST_SHOWN = 100
"""How many findings of one of SQLite's own checks are given."""
_FILE, _SCHEMA, _META = "the file", "the schema", "the lineage"
_Finding = tuple[str, str]
"""Place and message."""


def verify(path: Path) -> tuple[str, ...]:
    """What `check_state` finds wrong, each as one sentence."""
    return tuple(each.message for each in check_state(path).problems)


def check_state(path: Path) -> StateCheck:
    """Look at every stored value of the state at `path`.

    Raises StateError where there is no file, BusyError or CostopsError where it cannot be read now.
    """
    try:
        real = locate(path)
        with state_errors(path):
            if real is not None:
                check_log(real, path)
            snapshot = None if real is None else open_snapshot(real, path)
    except StateError as error:
        return unreadable(path, error)
    if real is None or snapshot is None:
        raise StateError(f"There is no state at {path}.", hint="Run `costops apply` first.")
    with closing(snapshot.connection) as connection:
        seen, problems, complete = _look(connection, path)
    log = write_ahead_log(real)
    if problems and log is not None:
        problems += _without_log(real, path, log)
    with state_errors(path):
        snapshot.check_still(path)
        return seen.check(path, _size(real), tuple(problems), complete)


def _look(connection: sqlite3.Connection, path: Path) -> tuple[_Seen, list[StateProblem], bool]:
    """What could be read, every problem, and whether the checks came to their end."""
    seen = _Seen()
    problems: list[StateProblem] = []
    complete = False
    try:
        with state_errors(path):
            for look in _LOOKS:
                if look is _newest and problems:
                    continue  # what is wrong already is wrong there too, and says less
                problems += [StateProblem(place, message, RESTORE) for place, message in look(connection, seen)]
                # What SQLite cannot read in order, the checks of content cannot either.
                if look is _storage and problems:
                    break
            else:
                complete = True
    except StateError as error:
        problems.append(_of_file(error))
    except (TypeError, ValueError, KeyError, IndexError) as error:
        problems.append(StateProblem(_FILE, f"content cannot be read: {error}", RESTORE))
    return seen, problems, complete


def _without_log(real: Path, path: Path, log: Path) -> list[StateProblem]:
    """A sentence on a log that is to blame: SQLite plays whatever log has the right name, be it another database's."""
    with suppress(CostopsError), state_errors(path), closing(connect(real, "mode=ro&immutable=1", 0)) as connection:
        check_identity(connection, path)
        seen, problems, _ = _look(connection, path)
        if not problems:
            return [
                StateProblem(
                    log.name,
                    f"without this log the file is a sound state, at version {seen.newest}",
                    f"If it is the log of another database, move it away; else restore a backup, for what it holds "
                    f"after version {seen.newest} is damaged.",
                )
            ]
    return []


def unreadable(path: Path, error: StateError) -> StateCheck:
    """A state that cannot be opened at all."""
    return StateCheck(path=path, complete=False, problems=(_of_file(error),))


def _of_file(error: StateError) -> StateProblem:
    # The remedy of damage is told to somebody who runs this check already.
    remedy = None if error.hint == LOOK_AND_RESTORE else error.hint
    return StateProblem(_FILE, error.message, remedy or RESTORE)


@dataclass(slots=True)
class _Seen:
    """What could be read so far."""

    lineage: str | None = None
    serial: int | None = None
    newest: int | None = None
    head: str | None = None
    versions: int = 0
    entries: int = 0

    def check(self, path: Path, size: int, problems: tuple[StateProblem, ...], complete: bool) -> StateCheck:
        return StateCheck(
            path=path,
            lineage=self.lineage,
            serial=self.serial,
            newest=self.newest,
            head=self.head,
            versions=self.versions,
            entries=self.entries,
            bytes=size,
            complete=complete,
            problems=problems,
        )


def _size(real: Path) -> int:
    log = write_ahead_log(real)
    return real.stat().st_size + (log.stat().st_size if log is not None else 0)


def _storage(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    for row in connection.execute(f"PRAGMA integrity_check({LARGEST_SHOWN})"):
        if row[0] != "ok":
            yield _FILE, f"SQLite's integrity check: {row[0]}"
    for table, row_number, parent, _key in connection.execute("PRAGMA foreign_key_check").fetchmany(LARGEST_SHOWN):
        yield f"table {table}", f"a row of {table} points at a missing row of {parent} (row {row_number})"


def _schema(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    for problem in schema_problems(connection, expected_schema(_schema_of(connection))):
        yield _SCHEMA, problem


def _schema_of(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def _migrations(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    rows = connection.execute(
        "SELECT id, migration_set, name, applied_at FROM _sqlite_migrations ORDER BY id"
    ).fetchall()
    names = migration_names(_schema_of(connection))
    expected = [(position, "costops", name) for position, name in enumerate(names, start=1)]
    if [row[:3] for row in rows] != expected:
        yield _SCHEMA, "the record of migrations is not the one that costops wrote"
    times = {row[0] for row in connection.execute("SELECT created_at FROM meta UNION SELECT applied_at FROM version")}
    times |= {event.at for event in stored_events(connection)}
    if any(row[3] not in times for row in rows):
        yield _SCHEMA, "a migration was recorded at a time at which nothing was applied"


def _numbers(connection: sqlite3.Connection, seen: _Seen) -> Iterator[_Finding]:
    rows = connection.execute("SELECT serial, id, lineage FROM meta").fetchall()
    versions = connection.execute("SELECT number FROM version ORDER BY number").fetchall()
    seen.versions = len(versions)
    if versions:
        seen.newest = versions[-1][0]
    entries = links(connection)
    serial, number, _, seen.head = entries[-1] if entries else (0, 0, "", None)
    if len(rows) != 1:
        yield _META, f"the state has {len(rows)} lineages, not one"
        return
    seen.serial, row_number, seen.lineage = rows[0]
    if row_number != 1:  # SQLite's own check passes over some constraints, among them that of a row id
        yield _META, "the lineage is not in the row in which costops wrote it"
    if seen.serial != serial:
        newest = "closing or reopening of a month" if number is None else "version"
        yield _META, f"the serial is {seen.serial}, and the newest {newest} was written at {serial}"
    if [each[0] for each in entries] != list(range(1, len(entries) + 1)):
        yield _META, "the serials of versions, closings and reopenings are not 1, 2, 3 and so on"
    if [row[0] for row in versions] != list(range(1, len(versions) + 1)):
        yield "the versions", "the versions are not numbered 1, 2, 3 and so on"


def _revisions(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    for digest, kind, rule_id, canonical, text in connection.execute(
        "SELECT digest, kind, id, canonical, text FROM rule_revision ORDER BY digest"
    ):
        if revision_digest(kind, rule_id, canonical, text) != digest:
            yield (
                f"{kind} {rule_id}",
                f"the stored {kind} {rule_id} is not the one that was applied (revision {digest[:12]})",
            )


def _blocks(connection: sqlite3.Connection, seen: _Seen) -> Iterator[_Finding]:
    numbers = []
    for each in check_blocks(connection):
        numbers.append(each.block)
        seen.entries += each.entries
        if not each.layout_is_sound:
            yield _place(connection, each.block), "the layout of the day is not written as costops writes it"
        if not each.is_sound:
            yield _place(connection, each.block), "the stored amounts of a day are not the ones that were applied"
    if numbers != list(range(1, len(numbers) + 1)):
        yield "the days", "the blocks are not numbered 1, 2, 3 and so on"


def _place(connection: sqlite3.Connection, block: int) -> str:
    days = connection.execute(
        "SELECT billing_month, day, MIN(version), MAX(version) FROM version_block WHERE block = ? "
        "GROUP BY billing_month, day ORDER BY billing_month, day",
        [block],
    ).fetchall()
    if not days:
        return f"block {block}, of no version"
    month, day, first, last = days[0]
    versions = f"version {first}" if first == last else f"versions {first} to {last}"
    more = f" and {len(days) - 1} more days" if len(days) > 1 else ""
    return f"day {day} of billing month {month}{more}, {versions}"


def _versions(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    columns = (*VERSION_COLUMNS, "previous_hash", "hash")
    for row in connection.execute(f"SELECT {', '.join(columns)} FROM version ORDER BY number").fetchall():
        stored: dict[str, StoredValue] = dict(zip(columns, row, strict=True))
        number, before, found = stored["number"], stored.pop("previous_hash"), stored.pop("hash")
        rules, place = stored_rules(connection, number), f"version {number}"
        days, months = stored_days(connection, number), stored_months(connection, number)
        detail = stored_detail(connection, number)
        if version_hash(str(before), stored, rules, days, months, detail) != found:
            yield place, f"version {number} is not the one that was applied"
        if not _gives_result(stored, days, months):
            yield place, f"the days of version {number} do not give its result digest"
        for month, _digest, of_sums in months:
            if sums_digest(stored_sums(connection, number, month)) != of_sums:
                yield place, f"the sums of {month} in version {number} are not the ones that were applied"
        for position, kind, rule_id, revision, _file, _line in rules:
            same = connection.execute("SELECT kind, id FROM rule_revision WHERE digest = ?", [revision]).fetchone()
            if same != (kind, rule_id):
                yield place, f"rule {position} of version {number} names another rule than its revision"


def _chain(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    lineage, created_at = connection.execute("SELECT lineage, created_at FROM meta").fetchone()
    previous = chain_start(lineage, created_at)
    for serial, number, before, found in links(connection):
        name = f"version {number}" if number is not None else _event_place(serial)
        if before != previous:
            yield name, f"{name} does not follow from what is stored before it"
        previous = found


def _events(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    events = stored_events(connection)
    for event in events:
        place = _event_place(event.serial)
        if not event_is_sound(event):
            yield place, f"{place} is not the one that was written"
        # What SQLite's own check passes over.
        if event.status not in (OPEN, CLOSED):
            yield place, f"{place} leaves {event.month} neither open nor closed"
    for month in wrong_statuses(connection, events):
        yield f"billing month {month}", f"the status of {month} is not the one that its closings and reopenings gave it"


def _event_place(serial: int) -> str:
    return f"the closing or reopening at serial {serial}"


def _records(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    """What versions keep of their plans against the digests in their details, which their hashes cover."""
    if not has_records(connection):
        return
    for (number,) in connection.execute("SELECT version FROM version_detail ORDER BY version").fetchall():
        detail = stored_detail(connection, number)
        assert detail is not None
        changes_digest, providers_digest, metrics_digest = detail[-3:]
        rows = stored_record(connection, number)
        try:
            spelled = record_rows(record_of(rows)) == rows
        except (TypeError, ValueError, KeyError):
            spelled = False
        if rows.changes_digest != changes_digest or not spelled:
            yield f"version {number}", f"the changes kept of version {number} are not the ones that were applied"
        if rows.providers_digest != providers_digest:
            yield f"version {number}", f"the providers kept of version {number} are not the ones that were applied"
        if rows.metrics_digest != metrics_digest:
            yield f"version {number}", f"the usage numbers kept of version {number} are not the ones that were applied"
    for series in unsound_series(connection):
        yield f"usage numbers {series}", f"the usage numbers {series} are not the ones that were applied"


def _gives_result(
    stored: Mapping[str, StoredValue], days: Sequence[tuple[str, str, str]], months: Sequence[tuple[str, str, str]]
) -> bool:
    """Whether a version's result digest is that of its months or, where they have none, of its days."""
    layout = (names_of(stored["dimensions"]), names_of(stored["cost_columns"]))
    of_months = digest_of_months(*layout, {month: digest for month, digest, _ in months})
    if months:
        return stored["result_digest"] == of_months
    # A ledger without rows has no months in either way of writing it.
    of_days = digest_of_days(*layout, days)
    return stored["result_digest"] in ((of_days,) if days else (of_days, of_months))


def _newest(connection: sqlite3.Connection, seen: _Seen) -> Iterator[_Finding]:
    """The newest version's months against its own entries, as the next plan builds on them."""
    if seen.newest is None or not (months := stored_months(connection, seen.newest)):
        return
    ledger = read_ledger(connection, seen.newest)
    sums = sums_by_month(ledger)
    for month, digest, of_sums in months:
        if ledger.month_digests.get(month) != digest or sums_digest(sums.get(month, [])) != of_sums:
            yield f"version {seen.newest}", f"the entries of {month} do not give what version {seen.newest} says of it"


def _months(connection: sqlite3.Connection, _: _Seen) -> Iterator[_Finding]:
    for (month,) in connection.execute(
        "SELECT month FROM billing_month WHERE month NOT IN (SELECT billing_month FROM version_block) ORDER BY month"
    ):
        yield f"billing month {month}", f"the billing month {month} has a status but no cost in any version"
    # SQLite's own check passes over some constraints, among them those of tables without row ids.
    for (month,) in connection.execute("SELECT month FROM billing_month WHERE status NOT IN ('open', 'closed')"):
        yield f"billing month {month}", f"the billing month {month} is neither open nor closed"


_LOOKS = (
    _storage,
    _schema,
    _migrations,
    _numbers,
    _revisions,
    _blocks,
    _versions,
    _chain,
    _events,
    _records,
    _months,
    _newest,
)
"""In order: what a later one reads, an earlier one has found sound."""
