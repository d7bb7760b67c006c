"""Writing a version: one transaction, all or nothing.

Invariant: a version is written only onto the base it was planned from, and only when its stored entries add up to
its ledger. BEGIN IMMEDIATE comes before every read that decides, so no other writer can come between; the first
version appears under its name as a whole file, so a killed apply never leaves half a state.

An interruption waits while the file is open (`held`). Up to COMMIT, or the link of the first version, writing gives
way to it: it rolls back, closes and removes what it made, and only then the process ends. From there on it comes too
late (`settle`): the version is written, and the command goes on to say so.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from costops.errors import CostopsError, StaleError, StateError
from costops.interruption import give_way, held, settle
from costops.model.ledger import Ledger
from costops.model.record import Record
from costops.model.version import Base, Version, VersionDraft
from costops.money import PICOS, from_columns
from costops.state.chain import StoredValue, revision_digest, version_hash
from costops.state.connection import (
    RESTORE,
    check_identity,
    check_log,
    connect,
    corrupt,
    empty_log,
    locate,
    state_errors,
)
from costops.state.contents import newest_is_sound
from costops.state.events import chain_head
from costops.state.files import NO_LINKS, publish, remove_abandoned, unfinished_file
from costops.state.frozen import check_closed
from costops.state.migrations import expected_schema, migrate
from costops.state.preparation import (
    EXTRA_COLUMNS,
    NEW_ENTRY,
    NEW_EXTRA,
    NEW_MONEY,
    NEW_SUM,
    SUM_COLUMNS,
    Preparation,
    prepare,
)
from costops.state.reader import open_snapshot
from costops.state.records import (
    CHANGE_COLUMNS,
    DETAIL_COLUMNS,
    MONEY_COLUMNS,
    PROVIDER_COLUMNS,
    VALUE_COLUMNS,
    RecordRows,
    SeriesRows,
    detail_of,
)
from costops.state.rows import ENTRY_COLUMNS, extra_costs, names_text, version_of, version_row
from costops.state.schema import AMOUNT_COLUMNS, SCHEMA_VERSION
from costops.state.transaction import check_schema, immediate

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

PLAN_AGAIN = "Run `costops plan` again and review what it shows now."
LARGEST_SUM_UNITS = 2**63 - 1
"""What a sum of SQLite holds; no group of a ledger that fits can pass it, floors included."""


NOTHING_RECORDED = Record()


def apply_version(
    path: Path,
    *,
    base: Base,
    draft: VersionDraft,
    ledger: Ledger,
    record: Record = NOTHING_RECORDED,
    timeout_seconds: int = 10,
) -> Version:
    """Write `draft` with its ledger and record as the version after `base`, and make the file where there is none yet.

    Raises StaleError when the state is not at `base` any more, BusyError when another process writes it for longer
    than `timeout_seconds`, StateError for a file that is no state, and CostopsError where the disk refuses; in each
    case nothing has changed.
    """
    _check_storable(draft, ledger, record)
    # The ledger keeps its digests; they take their time, and no interruption should wait for that.
    _ = ledger.block_digests
    if ledger.digest != draft.result_digest:
        raise StateError(
            "The ledger is not the one whose digest the plan shows; nothing was written.",
            hint="This is a defect of costops: please report it.",
        )
    real = locate(path)
    with state_errors(path):
        if real is not None:
            return _append(real, path, base, draft, ledger, record, timeout_seconds)
        if base.version is not None or base.lineage is not None:
            raise StaleError(f"The state {path} that the plan was made from is gone.", hint=RESTORE)
        return _create(path, draft, ledger, record)


def _check_storable(draft: VersionDraft, ledger: Ledger, record: Record) -> None:
    if (draft.dimensions, draft.cost_columns) != (ledger.dimensions, ledger.cost_columns):
        raise ValueError("the draft and the ledger name different dimensions or cost columns")
    for name, amounts in zip(ledger.cost_columns, ledger.amounts, strict=True):
        if sum(map(abs, amounts)) // PICOS + len(amounts) > LARGEST_SUM_UNITS:
            raise CostopsError(
                f"The state cannot keep {name}: its amounts add up to more than {LARGEST_SUM_UNITS}.",
                hint="Look for a wrong number in the bill.",
            )
    kept = [part.amount for each in record.changes for part in each.money] + [each.amount for each in record.providers]
    kept += [amount for each in record.metrics for _, _, amount in each.rows]
    if any(abs(each) // PICOS >= LARGEST_SUM_UNITS for each in kept):
        raise CostopsError(
            f"The state cannot keep what moved: an amount is more than {LARGEST_SUM_UNITS}.",
            hint="Look for a wrong number in the bill or the usage numbers.",
        )


def _append(
    real: Path, path: Path, base: Base, draft: VersionDraft, ledger: Ledger, record: Record, timeout_seconds: int
) -> Version:
    expected = expected_schema()  # this and the ledger's digests are made before the lock is taken
    check_log(real, path)
    # Read-only, for a writer changes the file by leaving it: it plays the log that it finds, whosever log that is.
    with closing(open_snapshot(real, path).connection) as connection:
        schema = check_identity(connection, path)
        check_schema(connection, path, expected if schema == SCHEMA_VERSION else expected_schema(schema))
        _check_newest(connection, path, ledger)
        known: dict[str, int] = dict(connection.execute("SELECT digest, id FROM block"))
    with held(), closing(connect(real, "mode=rw", timeout_seconds)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        preparation = prepare(connection, draft, ledger, record, known)
        with immediate(connection, timeout_seconds):
            if check_identity(connection, path) < SCHEMA_VERSION:
                migrate(connection, draft.applied_at)
            check_schema(connection, path, expected)
            _check_base(connection, path, base)
            check_closed(connection, draft, ledger)
            version = _write(connection, draft, preparation)
        settle()
        empty_log(connection)
    remove_abandoned(real)
    return version


def _create(path: Path, draft: VersionDraft, ledger: Ledger, record: Record) -> Version:
    real = path.resolve()
    real.parent.mkdir(parents=True, exist_ok=True)
    with held(), unfinished_file(real) as unfinished:
        with closing(connect(unfinished, "mode=rw", 0)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")  # nobody else knows the name, and a kill discards it
            preparation = prepare(connection, draft, ledger, record, {})
            with immediate(connection):
                migrate(connection, draft.applied_at)
                _start_lineage(connection, draft.applied_at)
                version = _write(connection, draft, preparation)
            connection.execute("PRAGMA journal_mode = WAL")
        _publish(unfinished, real, path)
    return version


def _publish(unfinished: Path, real: Path, path: Path) -> None:
    try:
        publish(unfinished, real)
    except FileExistsError as error:
        raise StaleError(f"Another apply has made the state {path} meanwhile.", hint=PLAN_AGAIN) from error
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        raise CostopsError(
            f"The state {path} cannot be made on this file system: {error.strerror}.",
            hint="Set `state:` in costops.yaml to a path on a local disk.",
        ) from error


def _check_newest(connection: sqlite3.Connection, path: Path, ledger: Ledger) -> None:
    # A new version shares unchanged days with older ones, so damage there would live on under a new hash.
    try:
        sound = newest_is_sound(connection, set(ledger.block_digests.values()))
    except (TypeError, ValueError, KeyError) as error:
        raise corrupt(path, f"its content cannot be read ({error})") from error
    if not sound:
        raise corrupt(path, "what it holds is not what was applied")


def _check_base(connection: sqlite3.Connection, path: Path, base: Base) -> None:
    lineage, serial = connection.execute("SELECT lineage, serial FROM meta").fetchone()
    newest = connection.execute("SELECT MAX(number) FROM version").fetchone()[0]
    if base.lineage is None and newest is not None:
        raise StaleError(
            f"The plan was made before anything was applied, and the state {path} now has version {newest}.",
            hint=PLAN_AGAIN,
        )
    if lineage != base.lineage:
        raise StaleError(
            f"The state {path} is not the one that the plan was made from: its lineage is {lineage}, "
            f"the plan's is {base.lineage}.",
            hint=PLAN_AGAIN,
        )
    if (newest, serial) != (base.version, base.serial):
        raise StaleError(
            f"The state {path} moved since the plan: it is at version {newest} (serial {serial}), "
            f"the plan was made from version {base.version} (serial {base.serial}).",
            hint=PLAN_AGAIN,
        )


def _start_lineage(connection: sqlite3.Connection, created_at: str) -> None:
    import uuid

    connection.execute(
        "INSERT INTO meta (id, lineage, created_at, serial) VALUES (1, ?, ?, 0)", [str(uuid.uuid4()), created_at]
    )


def _write(connection: sqlite3.Connection, draft: VersionDraft, preparation: Preparation) -> Version:
    serial = connection.execute("SELECT serial FROM meta").fetchone()[0]
    number = connection.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM version").fetchone()[0]
    previous_hash = chain_head(connection)
    row = version_row(number, serial + 1, draft)
    rules = _rule_rows(draft)
    full: dict[str, StoredValue] = {
        **row,
        "previous_hash": previous_hash,
        "hash": version_hash(previous_hash, row, rules, preparation.days, preparation.months, preparation.detail),
    }
    connection.execute(f"INSERT INTO version ({', '.join(full)}) VALUES ({_marks(len(full))})", list(full.values()))
    _write_rules(connection, number, draft, rules)
    _write_blocks(connection, number, draft, preparation)
    _write_months(connection, number, preparation)
    _write_record(connection, number, preparation)
    connection.execute("UPDATE meta SET serial = serial + 1")
    _check_written(connection, draft, preparation)
    return version_of(full, draft.rules, detail_of(preparation.detail))


def _rule_rows(draft: VersionDraft) -> list[tuple[int, str, str, str, str, int]]:
    return [
        (
            position,
            rule.kind,
            rule.id,
            revision_digest(rule.kind, rule.id, rule.canonical, rule.text),
            rule.file,
            rule.line,
        )
        for position, rule in enumerate(draft.rules, start=1)
    ]


def _write_rules(
    connection: sqlite3.Connection,
    number: int,
    draft: VersionDraft,
    rules: Sequence[tuple[int, str, str, str, str, int]],
) -> None:
    known = {row[0] for row in connection.execute("SELECT digest FROM rule_revision")}
    revisions = {
        row[3]: (row[3], rule.kind, rule.id, rule.canonical, rule.text)
        for row, rule in zip(rules, draft.rules, strict=True)
        if row[3] not in known
    }
    connection.executemany(
        "INSERT INTO rule_revision (digest, kind, id, canonical, text) VALUES (?, ?, ?, ?, ?)", revisions.values()
    )
    connection.executemany(
        "INSERT INTO version_rule (version, position, kind, id, revision, file, line) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(number, *row) for row in rules],
    )


def _write_blocks(connection: sqlite3.Connection, number: int, draft: VersionDraft, preparation: Preparation) -> None:
    connection.executemany(
        "INSERT INTO billing_month (month, status) SELECT ?1, 'open' "
        "WHERE NOT EXISTS (SELECT 1 FROM billing_month WHERE month = ?1)",
        [(month,) for month, _, _ in preparation.months],
    )
    layout = (names_text(draft.dimensions), names_text(draft.cost_columns))
    connection.executemany(
        "INSERT INTO block (id, digest, dimensions, cost_columns) VALUES (?, ?, ?, ?)",
        [(block, digest, *layout) for block, digest in preparation.new],
    )
    if preparation.new:
        _copy(connection, "entry", NEW_ENTRY, ENTRY_COLUMNS)
        _copy(connection, "extra_amount", NEW_EXTRA, EXTRA_COLUMNS)
    connection.executemany(
        "INSERT INTO version_block (version, billing_month, day, block) VALUES (?, ?, ?, ?)",
        [(number, month, day, preparation.blocks[digest]) for month, day, digest in preparation.days],
    )


def _copy(connection: sqlite3.Connection, table: str, temporary: str, columns: Sequence[str], **same: int) -> None:
    """Rows of a temporary table into one of the state; `same` are columns of one value."""
    # The trigger refuses INSERT OR REPLACE, which nobody can say while the lock is held; it takes half of the time of
    # a plain INSERT, that fails on an equal key by itself.
    guard = f"{table}_no_replace"
    (text,) = connection.execute("SELECT sql FROM main.sqlite_master WHERE name = ?", [guard]).fetchone()
    connection.execute(f"DROP TRIGGER main.{guard}")
    connection.execute(
        f"INSERT INTO main.{table} ({', '.join([*same, *columns])}) "
        f"SELECT {', '.join([*map(str, same.values()), *columns])} FROM temp.{temporary} ORDER BY rowid"
    )
    connection.execute(text)


def _write_months(connection: sqlite3.Connection, number: int, preparation: Preparation) -> None:
    connection.executemany(
        "INSERT INTO version_month (version, billing_month, digest, sums_digest) VALUES (?, ?, ?, ?)",
        [(number, *month) for month in preparation.months],
    )
    _copy(connection, "version_sum", NEW_SUM, SUM_COLUMNS, version=number)


def _write_record(connection: sqlite3.Connection, number: int, preparation: Preparation) -> None:
    record: RecordRows = preparation.record
    for table, columns, rows in (
        ("version_detail", DETAIL_COLUMNS, (preparation.detail,)),
        ("version_change", CHANGE_COLUMNS, record.changes),
        ("version_provider", PROVIDER_COLUMNS, record.providers),
    ):
        connection.executemany(
            f"INSERT INTO {table} (version, {', '.join(columns)}) VALUES ({_marks(len(columns) + 1)})",
            [(number, *row) for row in rows],
        )
    _copy(connection, "version_money", NEW_MONEY, MONEY_COLUMNS, version=number)
    for position, series in enumerate(record.metrics, start=1):
        connection.execute(
            "INSERT INTO version_metric (version, position, metric, series) VALUES (?, ?, ?, ?)",
            [number, position, series.metric, _series_id(connection, series)],
        )


def _series_id(connection: sqlite3.Connection, series: SeriesRows) -> int:
    """The id of the series that has these values; it is written where the state does not have it."""
    known = connection.execute("SELECT id FROM metric_series WHERE digest = ?", [series.digest]).fetchone()
    if known is not None:
        return int(known[0])
    (number,) = connection.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM metric_series").fetchone()
    insert = "INSERT INTO metric_series (id, digest, dimensions) VALUES (?, ?, ?)"
    connection.execute(insert, [number, series.digest, series.dimensions])
    connection.executemany(
        f"INSERT INTO metric_value (series, {', '.join(VALUE_COLUMNS)}) VALUES ({_marks(len(VALUE_COLUMNS) + 1)})",
        [(number, *row) for row in series.values],
    )
    return int(number)


def _check_written(connection: sqlite3.Connection, draft: VersionDraft, preparation: Preparation) -> None:
    """Raise StateError unless the entries of new blocks add up to what was to be written; others were looked at."""
    names = [each for each in draft.cost_columns if each in AMOUNT_COLUMNS]
    sums = "".join(f", SUM({column})" for name in names for column in AMOUNT_COLUMNS[name])
    where = "WHERE block = ? AND position >= ? AND position < ?"
    for each in preparation.stretches:
        give_way()
        key = [each.block, each.first, each.end]
        count, *pairs = connection.execute(
            f"SELECT COUNT(*){sums} FROM entry {where} AND currency = ?", [*key, each.currency]
        ).fetchone()
        found = dict(zip(names, map(from_columns, pairs[::2], pairs[1::2]), strict=True))
        for name in extra_costs(draft.cost_columns):
            units, parts = connection.execute(
                f"SELECT SUM(units), SUM(parts) FROM extra_amount {where} AND cost = ?", [*key, name]
            ).fetchone()
            found[name] = from_columns(units, parts)
        if count != each.end - each.first or [found[name] for name in draft.cost_columns] != list(each.amounts):
            raise StateError(
                "The state does not add up to the ledger that was to be written; nothing was written.", hint=RESTORE
            )


def _marks(count: int) -> str:
    return ", ".join("?" * count)
