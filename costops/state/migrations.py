"""Numbered migrations of the store, and what the schema of a file must look like.

Invariant: a migration runs inside the caller's transaction, so a file has either the whole schema or the old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costops.state.schema import (
    APPLICATION_ID,
    FIRST_SCHEMA,
    FOURTH_SCHEMA,
    SCHEMA_VERSION,
    SECOND_SCHEMA,
    THIRD_SCHEMA,
)

if TYPE_CHECKING:
    import sqlite3

    from sqlite_utils import Database, Migrations

MIGRATION_SET = "costops"
Schema = dict[tuple[str, str], tuple[str, str | None]]
"""(type, name) of each object of the schema to (table, SQL)."""


def m001_first_schema(db: Database) -> None:
    """Every table, trigger and view of the first schema."""
    for statement in FIRST_SCHEMA:
        db.execute(statement)


def m002_extra_amounts(db: Database) -> None:
    """Amounts of cost columns that FOCUS does not have."""
    for statement in SECOND_SCHEMA:
        db.execute(statement)


def m003_months(db: Database) -> None:
    """Digests and sums of each billing month of a version; versions that are there already have none."""
    for statement in THIRD_SCHEMA:
        db.execute(statement)


def m004_records(db: Database) -> None:
    """What a version keeps of its plan, and the closing of billing months; versions that are there have no record."""
    for statement in FOURTH_SCHEMA:
        db.execute(statement)


_STEPS = (m001_first_schema, m002_extra_amounts, m003_months, m004_records)


def _migrations(schema: int) -> Migrations:
    from sqlite_utils import Migrations  # 100 ms

    migrations = Migrations(MIGRATION_SET)
    for step in _STEPS[:schema]:
        migrations()(step)
    return migrations


def migrate(connection: sqlite3.Connection, applied_at: str, schema: int = SCHEMA_VERSION) -> None:
    """Bring the file to a schema, the newest, inside the transaction that the caller has begun.

    `applied_at` is the time of the version or the closing that is being written: the record of a migration carries it,
    so that every time in the file is known to the hash chain.
    """
    if not connection.in_transaction:
        raise ValueError("a migration runs inside the caller's transaction")
    from sqlite_utils import Database  # 100 ms

    # Plugins of sqlite-utils are other people's code; strict also makes its own table STRICT.
    database = Database(connection, execute_plugins=False, strict=True)
    migrations = _migrations(schema)
    pending = [each.name for each in migrations.pending(database)]
    migrations.apply(database)
    connection.executemany(
        "UPDATE _sqlite_migrations SET applied_at = ? WHERE migration_set = ? AND name = ?",
        [(applied_at, MIGRATION_SET, name) for name in pending],
    )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {schema}")


def migration_names(schema: int = SCHEMA_VERSION) -> tuple[str, ...]:
    """Names of the migrations that make a schema, oldest first."""
    return tuple(step.__name__ for step in _STEPS[:schema])


def expected_schema(schema: int = SCHEMA_VERSION) -> Schema:
    """What the migrations to a schema make, by making it in memory."""
    import sqlite3  # 17 ms

    fresh = sqlite3.connect(":memory:", isolation_level=None)
    try:
        fresh.execute("BEGIN")
        migrate(fresh, "", schema)
        return _objects(fresh)
    finally:
        fresh.close()


def schema_problems(connection: sqlite3.Connection, expected: Schema) -> tuple[str, ...]:
    """How the schema of an open file differs from the expected one; empty when it does not."""
    found = _objects(connection)
    problems = [f"{kind} {name} is missing" for kind, name in expected if (kind, name) not in found]
    problems += [f"{kind} {name} does not belong to a state" for kind, name in found if (kind, name) not in expected]
    problems += [
        f"{kind} {name} is not as costops made it"
        for kind, name in expected
        if (kind, name) in found and found[kind, name] != expected[kind, name]
    ]
    return tuple(problems)


def _objects(connection: sqlite3.Connection) -> Schema:
    # sqlite_stat tables are SQLite's own and hold no content.
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' "
        "ORDER BY type, name"
    )
    return {(kind, name): (table, sql) for kind, name, table, sql in rows}
