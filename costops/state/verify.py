"""Whether a state is what costops wrote, down to the last stored value.

Invariant: nothing stored is believed; every digest and hash is computed again from the content it stands for, so a
changed byte is either found or lies where SQLite keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from costops.errors import StateError
from costops.state.chain import StoredValue, chain_start, revision_digest, version_hash
from costops.state.connection import locate, state_errors
from costops.state.migrations import expected_schema, migration_names, schema_problems
from costops.state.reader import open_snapshot
from costops.state.rows import ENTRY_COLUMNS, VERSION_COLUMNS, entry_rows, entry_select, ledger_of, names_of, names_text

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

LARGEST_SHOWN = 100
"""How many findings of one of SQLite's own checks are given."""


def verify(path: Path) -> tuple[str, ...]:
    """Every problem found in the state at `path`; empty for a sound one.

    Raises StateError where there is no file, BusyError or CostopsError where it cannot be read now.
    """
    try:
        real = locate(path)
        with state_errors(path):
            snapshot = None if real is None else open_snapshot(real, path)
    except StateError as error:
        return (error.message,)
    if snapshot is None:
        raise StateError(f"There is no state at {path}.", hint="Run `costops apply` first.")
    problems: list[str] = []
    try:
        with closing(snapshot.connection) as connection, state_errors(path):
            for check in (_storage, _schema, _migrations, _numbers, _revisions, _blocks, _versions, _months):
                problems += check(connection)
                # What SQLite cannot read in order, the checks of content cannot either.
                if check is _storage and problems:
                    break
    except StateError as error:
        problems.append(error.message)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        problems.append(f"content cannot be read: {error}")
    snapshot.check_still(path)
    return tuple(problems)


def _storage(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute(f"PRAGMA integrity_check({LARGEST_SHOWN})"):
        if row[0] != "ok":
            yield f"SQLite's integrity check: {row[0]}"
    for table, row_number, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(LARGEST_SHOWN):
        yield f"a row of {table} points at a missing row of {parent} (row {row_number})"


def _schema(connection: sqlite3.Connection) -> Iterator[str]:
    yield from schema_problems(connection, expected_schema())


def _migrations(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute(
        "SELECT id, migration_set, name, applied_at FROM _sqlite_migrations ORDER BY id"
    ).fetchall()
    expected = [(position, "costops", name) for position, name in enumerate(migration_names(), start=1)]
    if [row[:3] for row in rows] != expected:
        yield "the record of migrations is not the one that costops wrote"
    times = {row[0] for row in connection.execute("SELECT created_at FROM meta UNION SELECT applied_at FROM version")}
    if any(row[3] not in times for row in rows):
        yield "a migration was recorded at a time at which nothing was applied"


def _numbers(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT serial, id FROM meta").fetchall()
    numbers = [row[0] for row in connection.execute("SELECT number FROM version ORDER BY number")]
    serials = [row[0] for row in connection.execute("SELECT serial FROM version ORDER BY number")]
    if len(rows) != 1:
        yield f"the state has {len(rows)} lineages, not one"
    elif rows[0][1] != 1:  # SQLite's own check passes over some constraints, among them that of a row id
        yield "the lineage is not in the row in which costops wrote it"
    elif rows[0][0] != (serials[-1] if serials else 0):
        yield f"the serial is {rows[0][0]}, and the newest version was written at {serials[-1] if serials else 0}"
    if numbers != list(range(1, len(numbers) + 1)):
        yield "the versions are not numbered 1, 2, 3 and so on"


def _revisions(connection: sqlite3.Connection) -> Iterator[str]:
    for digest, kind, rule_id, canonical, text in connection.execute(
        "SELECT digest, kind, id, canonical, text FROM rule_revision ORDER BY digest"
    ):
        if revision_digest(kind, rule_id, canonical, text) != digest:
            yield f"the stored {kind} {rule_id} is not the one that was applied (revision {digest[:12]})"


def _blocks(connection: sqlite3.Connection) -> Iterator[str]:
    blocks = connection.execute("SELECT id, digest, dimensions, cost_columns FROM block ORDER BY id").fetchall()
    if [row[0] for row in blocks] != list(range(1, len(blocks) + 1)):
        yield "the blocks are not numbered 1, 2, 3 and so on"
    for block, digest, *texts in blocks:
        dimensions, cost_columns = map(names_of, texts)
        if [names_text(dimensions), names_text(cost_columns)] != texts:
            yield f"the layout of block {block} is not written as costops writes it"
        if _block_digest(connection, block, dimensions, cost_columns) != digest:
            days = connection.execute(
                "SELECT billing_month, day, version FROM version_block WHERE block = ? ORDER BY version", [block]
            ).fetchone()
            place = f"day {days[1]} of billing month {days[0]}, first in version {days[2]}" if days else "no version"
            yield f"the stored amounts of a day are not the ones that were applied ({place})"


def _block_digest(
    connection: sqlite3.Connection, block: int, dimensions: tuple[str, ...], cost_columns: tuple[str, ...]
) -> str | None:
    """The digest of a block's entries; None where they are not written as costops writes them."""
    order = "FROM entry WHERE block = ? ORDER BY position"
    day = connection.execute(f"SELECT '', '', {entry_select(cost_columns)} {order}", [block]).fetchall()
    ledger = ledger_of(dimensions, cost_columns, day)
    stored = connection.execute(f"SELECT {', '.join(ENTRY_COLUMNS)} {order}", [block]).fetchall()
    if stored != list(entry_rows(ledger, range(len(ledger)), block)):
        return None
    return ledger.block_digests.get(("", ""))


def _versions(connection: sqlite3.Connection) -> Iterator[str]:
    lineage, created_at = connection.execute("SELECT lineage, created_at FROM meta").fetchone()
    previous: str = chain_start(lineage, created_at)
    columns = (*VERSION_COLUMNS, "previous_hash", "hash")
    for row in connection.execute(f"SELECT {', '.join(columns)} FROM version ORDER BY number").fetchall():
        stored: dict[str, StoredValue] = dict(zip(columns, row, strict=True))
        number, before, found = stored["number"], stored.pop("previous_hash"), stored.pop("hash")
        rules = connection.execute(
            "SELECT position, kind, id, revision, file, line FROM version_rule WHERE version = ? ORDER BY position",
            [number],
        ).fetchall()
        if before != previous:
            yield f"version {number} does not follow from what is stored before it"
        if version_hash(str(before), stored, rules, _days(connection, number)) != found:
            yield f"version {number} is not the one that was applied"
        yield from _misplaced(connection, number, rules)
        previous = str(found)


def _days(connection: sqlite3.Connection, number: StoredValue) -> list[tuple[str, str, str]]:
    return connection.execute(
        "SELECT billing_month, day, digest FROM version_block JOIN block ON block.id = version_block.block "
        "WHERE version = ? ORDER BY billing_month, day",
        [number],
    ).fetchall()


def _misplaced(
    connection: sqlite3.Connection, number: StoredValue, rules: list[tuple[int, str, str, str, str, int]]
) -> Iterator[str]:
    for position, kind, rule_id, revision, _, _ in rules:
        same = connection.execute("SELECT kind, id FROM rule_revision WHERE digest = ?", [revision]).fetchone()
        if same != (kind, rule_id):
            yield f"rule {position} of version {number} names another rule than its revision"


def _months(connection: sqlite3.Connection) -> Iterator[str]:
    for (month,) in connection.execute(
        "SELECT month FROM billing_month WHERE month NOT IN (SELECT billing_month FROM version_block) ORDER BY month"
    ):
        yield f"the billing month {month} has a status but no cost in any version"
    # SQLite's own check passes over some constraints, among them those of tables without row ids.
    for (month,) in connection.execute("SELECT month FROM billing_month WHERE status NOT IN ('open', 'closed')"):
        yield f"the billing month {month} is neither open nor closed"
