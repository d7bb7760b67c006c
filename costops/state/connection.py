"""Opening the state file, and every failure of SQLite or the disk as one sentence.

Invariant: a file that is not a whole state of costops is refused here, and never taken for a first run. The file is
never opened but through SQLite: closing any other handle of it would drop the locks of this process.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from costops.errors import BusyError, CostopsError, StateError
from costops.state.schema import APPLICATION_ID, SCHEMA_VERSION

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

RESTORE = "Run `costops state restore` with a backup, or move the file away if nothing that it held is needed."
LOOK_AND_RESTORE = "Run `costops state check` to see what is wrong, then `costops state restore` with a backup."
SHORTEST_BYTES = 512
"""The smallest page, and so the smallest database, that SQLite writes."""
OLDEST_SQLITE = (3, 38, 0)
"""The first with STRICT tables and the `->` operator."""
_NEW_STATE_HINT = "Set `state:` in costops.yaml to a file of its own."


class DamagedStateError(StateError):
    """What is there was a state, or may have been one, and cannot be opened: a backup may take its place."""


def locate(path: Path) -> Path | None:
    """The real path of the state file, or None where there is none yet.

    Raises StateError for what cannot be a state by its kind or size, CostopsError where it may not be looked at.
    """
    try:
        real = path.resolve()
        leftover = leftover_log(real)  # before the file itself: a log is made after its file and removed before it
        found = real.stat()
    except FileNotFoundError:
        _refuse_dangling_link(path)
        if leftover is None:
            return None
        raise DamagedStateError(
            f"{path} is gone, but {leftover.name} beside it still belongs to a state that was there.",
            hint=f"Put the file back beside it, or run `costops state restore` with a backup; if nothing of that state "
            f"is needed, move {leftover.name} away.",
        ) from None
    except (OSError, RuntimeError) as error:
        # pathlib raises RuntimeError for a loop of symbolic links, or leaves it to the system, by its version.
        if isinstance(error, RuntimeError) or error.errno == errno.ELOOP:
            raise StateError(f"{path} is a symbolic link that leads back to itself.", hint=_NEW_STATE_HINT) from error
        raise _disk_error(error, path) from error
    if stat.S_ISDIR(found.st_mode):
        raise StateError(f"{path} is a folder, not a state file.", hint=_NEW_STATE_HINT)
    if not stat.S_ISREG(found.st_mode):
        raise StateError(f"{path} is not a regular file.", hint=_NEW_STATE_HINT)
    if found.st_size == 0:
        raise DamagedStateError(f"The state file {path} is empty (0 bytes).", hint=RESTORE)
    if found.st_size < SHORTEST_BYTES:
        raise DamagedStateError(
            f"The state file {path} is too short ({found.st_size} bytes) to be a state.", hint=RESTORE
        )
    return real


def _refuse_dangling_link(path: Path) -> None:
    # A link to nowhere is most often a disk that is not mounted: a state that is away, and no first run.
    for each in (path, *path.parents):
        if each.is_symlink() and not each.exists():
            raise StateError(
                f"{path} leads to {each.readlink()}, which does not exist.",
                hint=f"Bring back what the symbolic link {each} points to, such as a disk that is not mounted, or "
                "remove the link.",
            )


def write_ahead_log(real: Path) -> Path | None:
    """The file's write-ahead log, where it holds anything that may not be in the file yet."""
    log = real.with_name(f"{real.name}-wal")
    try:
        return log if log.stat().st_size > 0 else None
    except FileNotFoundError:
        return None


def leftover_log(real: Path) -> Path | None:
    """A log beside `real` that SQLite would play into whatever file has that name."""
    journal = real.with_name(f"{real.name}-journal")
    return write_ahead_log(real) or (journal if journal.exists() and journal.stat().st_size > 0 else None)


def connect(real: Path, options: str, timeout_seconds: int) -> sqlite3.Connection:
    """A connection with every guard on; `options` are SQLite's, such as `mode=ro`. Begins no transaction."""
    import sqlite3  # 17 ms

    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise CostopsError(
            f"This Python has SQLite {sqlite3.sqlite_version}; the state needs {oldest} or newer.",
            hint="Use a newer build of Python.",
        )
    connection = sqlite3.connect(f"{real.as_uri()}?{options}", uri=True, isolation_level=None, timeout=timeout_seconds)
    try:
        for setting in ("foreign_keys = ON", "trusted_schema = OFF", "cell_size_check = ON", "synchronous = FULL"):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


def check_identity(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of the open file; StateError unless it is a state that this costops can read."""
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    schema: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        log = write_ahead_log(path.resolve())
        if log is not None:
            raise StateError(
                f"{path}, read with {log.name} beside it, is an SQLite file of another program, not a state.",
                hint=f"If {log.name} does not belong to it, move that away; else set `state:` in costops.yaml to a "
                "file of its own.",
            )
        raise StateError(f"{path} is an SQLite file of another program, not a state of costops.", hint=_NEW_STATE_HINT)
    if schema > SCHEMA_VERSION:
        raise StateError(
            f"The state {path} was written by a newer costops (schema {schema}; this one knows {SCHEMA_VERSION}).",
            hint="Install the costops that wrote it, or a newer one.",
        )
    if schema < 1:
        raise DamagedStateError(f"The state {path} has no schema.", hint=RESTORE)
    return schema


def check_log(real: Path, path: Path) -> None:
    """Raise StateError where the log beside the file is another state's: SQLite plays whatever has the right name.

    For processes without another connection to the file, since leaving this one gives away all locks of the process.
    """
    log = write_ahead_log(real)
    if log is None:
        return
    alone, together = _lineage(real, "mode=ro&immutable=1"), _lineage(real, "mode=ro")
    if alone is not None and together is not None and alone != together:
        raise DamagedStateError(
            f"{log.name} beside the state {path} is the log of another state.",
            hint=f"Move {log.name} away, then run `costops state check`.",
        )


def _lineage(real: Path, options: str) -> str | None:
    import sqlite3  # 17 ms

    with suppress(sqlite3.Error), closing(connect(real, options, 0)) as connection:
        row: tuple[str] | None = connection.execute("SELECT lineage FROM meta").fetchone()
        return row[0] if row is not None else None
    return None


def empty_log(connection: sqlite3.Connection) -> None:
    """Move what was committed from the log into the file, if nobody reads the log now; else the next writer will."""
    import sqlite3  # 17 ms

    with suppress(sqlite3.Error):  # what was committed is safe in the log
        connection.execute("PRAGMA busy_timeout = 0")
        # The first copies while others may write, so that the second has nothing left to copy under their lock.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


@contextmanager
def state_errors(path: Path, name: str = "state") -> Iterator[None]:
    """Turn whatever SQLite or the disk raises into an error that says what happened and what to do.

    `name` is what messages call the file at `path`.
    """
    import sqlite3  # 17 ms

    try:
        yield
    except OSError as error:
        raise _disk_error(error, path, name) from error
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.Error as error:
        raise _explained(error, path, name) from error
    except UnicodeDecodeError as error:  # SQLite's own message may quote the bytes that it cannot read
        raise corrupt(path, "it holds text that is not UTF-8") from error


def _disk_error(error: Exception, path: Path, name: str = "state") -> CostopsError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(path, name)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return CostopsError(
        f"The {name} {path} cannot be used: {reason}.",
        hint="Check the path, the permissions of its folder and the space on its disk.",
    )


def _disk_full(path: Path, name: str) -> CostopsError:
    return CostopsError(
        f"The disk of the {name} {path} is full; nothing was written.", hint="Make room, then run it again."
    )


def _explained(error: sqlite3.Error, path: Path, name: str) -> CostopsError:
    import sqlite3

    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(
            f"Another process is writing the {name} {path}.", hint="Wait until it is done, then run the command again."
        )
    if primary == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return _disk_full(path, name)
    if primary == sqlite3.SQLITE_NOTADB:
        return DamagedStateError(f"{path} is not an SQLite file, so it is no state.", hint=RESTORE)
    if code != sqlite3.SQLITE_IOERR_SHORT_READ and primary in (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOLFS,
    ):
        return CostopsError(
            f"The {name} {path} cannot be opened or written: {error}.",
            hint="Check the permissions of the file and its folder, and the disk they are on.",
        )
    return corrupt(path, str(error))


def corrupt(path: Path, reason: str) -> DamagedStateError:
    """The error for content that is not what costops wrote."""
    return DamagedStateError(f"The state {path} is corrupt: {reason}.", hint=LOOK_AND_RESTORE)
