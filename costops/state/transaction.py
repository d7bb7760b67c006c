"""The transaction of a writer: the lock before every read that decides, and all or nothing.

Invariant: what is written in it is there as a whole or not at all, and an interruption up to COMMIT takes it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

from costops.errors import StateError
from costops.interruption import give_way, is_asked
from costops.state.connection import RESTORE
from costops.state.migrations import schema_problems

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from costops.state.migrations import Schema

STEPS_BETWEEN_LOOKS = 20_000
"""How many steps SQLite makes before it looks whether it is to stop: about a millisecond."""
MOMENT_MILLISECONDS = 200


@contextmanager
def immediate(connection: sqlite3.Connection, timeout_seconds: int = 0) -> Iterator[None]:
    """BEGIN IMMEDIATE, waiting for another writer at most so long, and COMMIT, or ROLLBACK on any error."""
    import sqlite3

    _begin_immediate(connection, timeout_seconds)
    try:
        connection.set_progress_handler(is_asked, STEPS_BETWEEN_LOOKS)
        yield
        connection.set_progress_handler(None, 0)
        give_way()
        connection.execute("COMMIT")
    except BaseException:
        connection.set_progress_handler(None, 0)
        # SQLite has ended the transaction itself after some errors of the disk.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        give_way()  # what SQLite reports when it was told to stop is no error
        raise


def _begin_immediate(connection: sqlite3.Connection, timeout_seconds: int) -> None:
    import sqlite3

    # SQLite waits for another writer without looking up, so it waits a moment at a time.
    deadline = monotonic() + timeout_seconds
    before: int = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute(f"PRAGMA busy_timeout = {min(before, MOMENT_MILLISECONDS)}")
    while True:
        give_way()
        try:
            connection.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                raise
    connection.execute(f"PRAGMA busy_timeout = {before}")


def check_schema(connection: sqlite3.Connection, path: Path, expected: Schema) -> None:
    """Raise StateError where the schema of an open file is not the expected one."""
    problems = schema_problems(connection, expected)
    if problems:
        raise StateError(f"The schema of the state {path} was changed: {problems[0]}.", hint=RESTORE)
