"""Reading the state: one transaction is one snapshot, whatever a writer does meanwhile.

Invariant: reading changes no byte of the state and takes no lock that a writer would wait for. SQLite itself may
leave an empty write-ahead log and its index beside the file; the next writer removes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from costops.errors import BusyError, StateError
from costops.model.ledger import Ledger
from costops.model.record import MonthEvent, Record, RecordedChange
from costops.model.sums import LedgerSums
from costops.model.version import Base, RuleRevision, Version
from costops.money import from_columns
from costops.state.chain import StoredValue
from costops.state.connection import (
    check_identity,
    connect,
    corrupt,
    locate,
    state_errors,
    write_ahead_log,
)
from costops.state.contents import stored_days, stored_months, version_is_sound
from costops.state.events import closed_months, events_are_sound, stored_events
from costops.state.months import element_costs, has_sums
from costops.state.records import changes_of_element, detail_of, record_of, stored_detail, stored_record
from costops.state.rows import (
    VERSION_COLUMNS,
    amount_columns,
    entry_select,
    extra_costs,
    joined_entries,
    ledger_of,
    names_of,
    version_of,
)
from costops.state.sums import BUILT_IN, check_by, sum_version

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from costops.periods import Period

READ_TIMEOUT_SECONDS = 10
"""How long to wait for the moments in which SQLite recovers or removes a log; a writer's transaction is no wait."""


def open_reader(path: Path) -> StateReader | None:
    """A reader of the state at `path`, or None where there is no file yet: a first run.

    Raises StateError for a file that is no state, BusyError or CostopsError where it cannot be read now.
    """
    real = locate(path)
    if real is None:
        return None
    with state_errors(path):
        return StateReader(path, open_snapshot(real, path))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open read transaction."""

    connection: sqlite3.Connection
    unlocked: tuple[Path, tuple[int, int, int]] | None = None
    """The file as it was when it was opened without locks; None where SQLite guards the snapshot."""

    def check_still(self, path: Path) -> None:
        """Raise BusyError if the file was written under a snapshot that nothing guards."""
        if self.unlocked is not None and _stamp(self.unlocked[0]) != self.unlocked[1]:
            raise BusyError(
                f"The state {path} was written while it was read from a folder that cannot be locked.",
                hint="Run the command again.",
            )


def open_snapshot(real: Path, path: Path) -> Snapshot:
    """Open the located file `real` for reading only; `path` is what messages call it. Call it in `state_errors`."""
    import sqlite3  # 17 ms; sqlite-utils would be 100 ms

    try:
        return Snapshot(_begin(real, path, "mode=ro"))
    except sqlite3.OperationalError as error:
        # A folder that cannot be written, or a full disk, lets SQLite make no index of the log. Without a log none is
        # needed.
        refused = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        code = error.sqlite_errorcode
        no_index = code & 0xFF in refused or code == sqlite3.SQLITE_IOERR_SHMSIZE
        if not no_index or write_ahead_log(real) is not None:
            raise
    before = _stamp(real)
    return Snapshot(_begin(real, path, "mode=ro&immutable=1"), (real, before))


def _begin(real: Path, path: Path, options: str) -> sqlite3.Connection:
    connection = connect(real, options, READ_TIMEOUT_SECONDS)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        check_identity(connection, path)
        connection.execute("SELECT serial FROM meta").fetchone()
        # SQLite fills a last page that was cut with zeros, and does not miss what an empty table needs.
        if write_ahead_log(real) is None and real.stat().st_size % _page_bytes(connection):
            raise corrupt(path, "its last page is not whole")
    except BaseException:
        connection.close()
        raise
    return connection


def _page_bytes(connection: sqlite3.Connection) -> int:
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return size


def _stamp(real: Path) -> tuple[int, int, int]:
    found = real.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def layout_of(connection: sqlite3.Connection, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Report dimensions and cost columns of a version."""
    row = connection.execute("SELECT dimensions, cost_columns FROM version WHERE number = ?", [number])
    dimensions, cost_columns = row.fetchone()
    return names_of(dimensions), names_of(cost_columns)


def read_ledger(connection: sqlite3.Connection, number: int, months: Collection[str] | None = None) -> Ledger:
    """The entries of a version, all of them or those of some billing months, as they are."""
    dimensions, cost_columns = layout_of(connection, number)
    chosen = "" if months is None else f"AND version_block.billing_month IN ({', '.join('?' * len(months))}) "
    rows = connection.execute(
        f"SELECT version_block.billing_month, version_block.day, {entry_select(cost_columns)} "
        f"FROM {joined_entries(cost_columns)} WHERE version_block.version = ? {chosen}"
        "ORDER BY version_block.billing_month, version_block.day, entry.position",
        [*extra_costs(cost_columns), number, *(months or ())],
    ).fetchall()
    return ledger_of(dimensions, cost_columns, rows)


class StateReader:
    """One snapshot of a state; close it, or use it as a context manager."""

    def __init__(self, path: Path, snapshot: Snapshot) -> None:
        self._path = path
        self._snapshot = snapshot
        self._connection = snapshot.connection

    def __enter__(self) -> StateReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the snapshot; a second call does nothing."""
        self._connection.close()

    def base(self) -> Base:
        """What a plan on this snapshot starts from."""
        with self._reading():
            lineage, serial = self._connection.execute("SELECT lineage, serial FROM meta").fetchone()
            newest = self._connection.execute("SELECT MAX(number) FROM version").fetchone()[0]
            return Base(version=newest, serial=serial, lineage=lineage)

    def versions(self) -> tuple[Version, ...]:
        """Every version, newest first."""
        with self._reading():
            numbers = [row[0] for row in self._connection.execute("SELECT number FROM version ORDER BY number DESC")]
            revisions: dict[str, tuple[str, str, str, str]] = {}
            return tuple(self._version(number, revisions) for number in numbers)

    def version(self, number: int | None = None) -> Version:
        """The version of that number, or the newest; StateError if there is none."""
        with self._reading():
            return self._version(self._number(number), {})

    def month_digests(self, number: int | None = None) -> dict[str, str] | None:
        """`Ledger.month_digests` of that version, or of the newest; None where the costops that wrote it kept none."""
        with self._reading():
            found = self._number(number)
            months = stored_months(self._connection, found)
            return {month: digest for month, digest, _ in months} if months else None

    def ledger(self, number: int | None = None, months: Collection[str] | None = None) -> Ledger:
        """The ledger exactly as it was applied with that version, or with the newest; all of it or some months."""
        with self._reading():
            found = self._number(number)
            ledger = read_ledger(self._connection, found, months)
            stored = {
                (month, day): digest
                for month, day, digest in stored_days(self._connection, found)
                if months is None or month in months
            }
            if ledger.block_digests != stored:
                raise corrupt(self._path, f"the amounts of version {found} are not the ones that were applied")
            return ledger

    def costs_unlike(self, number: int, other: int | None, cost: str) -> list[tuple[str, str, str, str, int]]:
        """The entries of one version in one cost column, without the days that it shares with another version.

        Each is (billing month, day, currency, JSON list of its values, picos); entries of 0 are left out.
        """
        with self._reading():
            _, cost_columns = layout_of(self._connection, number)
            if cost not in cost_columns:
                return []
            units, parts = amount_columns([cost])
            rows = self._connection.execute(
                f"SELECT version_block.billing_month, version_block.day, entry.currency, entry.dimension_values, "
                f"{units}, {parts} FROM {joined_entries([cost])} WHERE version_block.version = ? AND NOT EXISTS "
                "(SELECT 1 FROM version_block AS same WHERE same.version = ? AND same.day = version_block.day "
                "AND same.billing_month = version_block.billing_month AND same.block = version_block.block)",
                [*extra_costs([cost]), number, other],
            )
            return [
                (month, day, currency, values, from_columns(whole, rest))
                for month, day, currency, values, whole, rest in rows
                if whole or rest
            ]

    def months(self, number: int | None = None) -> tuple[str, ...]:
        """Every billing month that the version has rows in, sorted, also those whose rows cancel out."""
        with self._reading():
            found = self._number(number)
            rows = self._connection.execute(
                "SELECT DISTINCT billing_month FROM version_block WHERE version = ? ORDER BY billing_month", [found]
            )
            return tuple(month for (month,) in rows)

    def events(self) -> tuple[MonthEvent, ...]:
        """Every closing and reopening of a billing month, newest first."""
        with self._reading():
            self._check_events()
            return tuple(reversed(stored_events(self._connection)))

    def closed_months(self) -> frozenset[str]:
        """Billing months that are closed."""
        with self._reading():
            self._check_events()
            return closed_months(self._connection)

    def record(self, number: int | None = None) -> Record | None:
        """What that version, or the newest, keeps of its plan; None where the costops that wrote it kept nothing."""
        with self._reading():
            found = self._number(number)
            detail = stored_detail(self._connection, found)
            if detail is None:
                return None
            rows = stored_record(self._connection, found)
            if (rows.changes_digest, rows.providers_digest, rows.metrics_digest) != detail[-3:]:
                raise corrupt(self._path, f"what version {found} keeps of its plan is not what was applied")
            return record_of(rows)

    def changes_of_element(self, number: int, dimension: str, value: str | None) -> tuple[RecordedChange, ...] | None:
        """The changes of a version that moved an element's cost, with that money alone; None as `record` has it.

        `dimension` is a report dimension under the version's own name; None in `value` is unallocated.
        """
        with self._reading():
            found = self._number(number)
            if stored_detail(self._connection, found) is None:
                return None
            return changes_of_element(self._connection, found, dimension, value)

    def element_costs(self, number: int, dimension: str, value: str | None, cost: str) -> dict[str, int]:
        """Cost of an element in all billing months of a version, in picos of a cost column by currency; none of 0."""
        if not self._has_sums(number):
            sums = self.sums(number, (dimension,))
            place = sums.cost_columns.index(cost)
            found = {currency: amounts[place] for values, currency, amounts in sums.rows if values == (value,)}
            return {currency: amount for currency, amount in found.items() if amount}
        with self._reading():
            return element_costs(self._connection, number, dimension, value, cost)

    def _has_sums(self, number: int) -> bool:
        with self._reading():
            return has_sums(self._connection, number)

    def _check_events(self) -> None:
        if not events_are_sound(self._connection):
            raise corrupt(self._path, "the closings of its billing months are not the ones that were written")

    def sums(self, number: int | None, by: tuple[str, ...], period: Period | None = None) -> LedgerSums:
        """Exact sums of every cost column by currency and `by`, of the billing months of `period` or of all.

        `by` takes the version's report dimensions, `day`, `charge_month`, `billing_month`, `allocated_by` (the last
        rule of the path) and `allocation_path`; UsageError for any other name.
        """
        with self._reading():
            found = self._number(number)
            dimensions, cost_columns = layout_of(self._connection, found)
            is_known = {*by} <= {*dimensions, *BUILT_IN}
            check_by(by, dimensions, () if is_known else self._hidden(found))
            rows = sum_version(self._connection, found, by, dimensions, cost_columns, period)
            return LedgerSums(found, by, cost_columns, rows)

    def _number(self, number: int | None) -> int:
        newest = self._connection.execute("SELECT MAX(number) FROM version").fetchone()[0]
        if newest is None:
            raise StateError(f"The state {self._path} has no version yet.", hint="Run `costops apply` first.")
        if number is None:
            return int(newest)
        if not self._connection.execute("SELECT 1 FROM version WHERE number = ?", [number]).fetchone():
            raise StateError(
                f"The state {self._path} has no version {number}; the newest is {newest}.",
                hint="Run `costops history` to see all of them.",
            )
        return number

    def _hidden(self, number: int) -> frozenset[str]:
        """Ids of the version's labels and dimensions that are left out of lists."""
        rows = self._connection.execute(
            "SELECT rule_revision.id FROM version_rule JOIN rule_revision "
            "ON rule_revision.digest = version_rule.revision "
            "WHERE version_rule.version = ? AND rule_revision.kind IN ('label', 'dimension') "
            "AND json_extract(rule_revision.canonical, '$.hidden')",
            [number],
        )
        return frozenset(identity for (identity,) in rows)

    def _version(self, number: int, revisions: dict[str, tuple[str, str, str, str]]) -> Version:
        columns = (*VERSION_COLUMNS, "previous_hash", "hash")
        row = self._connection.execute(f"SELECT {', '.join(columns)} FROM version WHERE number = ?", [number])
        stored: dict[str, StoredValue] = dict(zip(columns, row.fetchone(), strict=True))
        if not version_is_sound(self._connection, number):
            raise corrupt(self._path, f"version {number} is not the one that was applied")
        places = self._connection.execute(
            "SELECT revision, file, line FROM version_rule WHERE version = ? ORDER BY position", [number]
        ).fetchall()
        rules = []
        for digest, file, line in places:
            if digest not in revisions:
                revisions[digest] = self._connection.execute(
                    "SELECT kind, id, canonical, text FROM rule_revision WHERE digest = ?", [digest]
                ).fetchone()
            kind, rule_id, canonical, text = revisions[digest]
            rules.append(RuleRevision(kind=kind, id=rule_id, canonical=canonical, text=text, file=file, line=line))
        return version_of(stored, tuple(rules), detail_of(stored_detail(self._connection, number)))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        # What was written meanwhile also reads as corrupt, so that is asked first.
        try:
            with state_errors(self._path):
                yield
        except StateError:
            self._snapshot.check_still(self._path)
            raise
        except (TypeError, ValueError, KeyError, IndexError) as error:
            self._snapshot.check_still(self._path)
            raise corrupt(self._path, f"its content cannot be read ({error})") from error
        self._snapshot.check_still(self._path)
