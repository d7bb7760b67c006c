"""A copy of the state that is sound, whatever a writer does meanwhile.

Invariant: a copy is made by SQLite's backup API from one snapshot, and has its name only after every stored value in
it was checked; so there is no such thing as a backup that cannot be restored.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING

from costops.errors import StateError, UsageError
from costops.model.state_file import StateCheck
from costops.state import files
from costops.state.connection import LOOK_AND_RESTORE, check_log, connect, leftover_log, locate, state_errors
from costops.state.reader import open_snapshot
from costops.state.verify import check_state

if TYPE_CHECKING:
    import sqlite3

PAGES_A_STEP = 4096
"""How much is copied before ctrl-C is heard: 16 MiB."""


def back_up(path: Path, target: Path, *, force: bool = False) -> StateCheck:
    """Copy the state at `path` to `target`, readable by its owner alone; gives what the copy holds.

    Raises UsageError for a target that cannot be one, or that exists unless `force`, StateError where there is no
    sound state, BusyError or CostopsError where the disk refuses; in each case there is no new file.
    """
    real = locate(path)
    if real is None:
        raise StateError(f"There is no state at {path}.", hint="Run `costops apply` first.")
    _check_target(real, target, force)
    place = target.absolute()
    with state_errors(target, "backup"), files.unfinished_file(place) as unfinished:
        check = copy_state(real, path, unfinished)
        if not check.is_sound:
            first = check.problems[0]
            raise StateError(
                f"The state {path} is not sound, so no backup was made: {first.place}: {first.message}.",
                hint=LOOK_AND_RESTORE,
            )
        if force:
            files.replace(unfinished, place)
        else:
            _publish(unfinished, place, target)
    return changed(check, path=target)


def copy_state(real: Path, path: Path, unfinished: Path) -> StateCheck:
    """Copy a state from one snapshot into an empty file that nobody else knows, and look at every value of the copy."""
    with state_errors(path):
        check_log(real, path)
        snapshot = open_snapshot(real, path)
    with closing(snapshot.connection) as source:
        copy_pages(source, unfinished)
        with state_errors(path):
            snapshot.check_still(path)
    return check_state(unfinished)


def copy_pages(source: sqlite3.Connection, unfinished: Path) -> None:
    """Copy what a connection sees into an empty file that nobody else knows, as one file without a log."""
    with closing(connect(unfinished, "mode=rw", 0)) as copy:
        copy.execute("PRAGMA journal_mode = OFF")  # a copy that fails is thrown away
        copy.execute("PRAGMA synchronous = OFF")  # it is synced before it gets its name
        source.backup(copy, pages=PAGES_A_STEP)
        copy.execute("PRAGMA journal_mode = DELETE")


def _check_target(real: Path, target: Path, force: bool) -> None:
    with state_errors(target, "backup"):
        if target.is_dir():
            raise UsageError(f"{target} is a folder.", hint="Name the file in it that the backup is to be.")
        if not target.parent.is_dir():
            raise UsageError(f"There is no folder {target.parent}.", hint="Make it first.")
        if target.exists() and target.samefile(real):
            raise UsageError(f"{target} is the state itself.", hint="Name another file.")
        if os.path.lexists(target) and not force:
            raise _taken(target)
        log = leftover_log(target.absolute())
        if log is not None:
            raise UsageError(
                f"{log} holds changes of a database {target.name}, and would spoil a backup of that name.",
                hint="Name another file.",
            )


def _publish(unfinished: Path, place: Path, target: Path) -> None:
    try:
        files.publish(unfinished, place)
    except FileExistsError as error:
        raise _taken(target) from error
    except OSError as error:
        if error.errno not in files.NO_LINKS:
            raise
        # Where files have one name only, as on many a removable disk, an empty file takes the name first.
        try:
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError as taken:
            raise _taken(target) from taken
        files.replace(unfinished, place)


def _taken(target: Path) -> UsageError:
    return UsageError(f"{target} exists already; nothing was written.", hint="Name another file, or give --force.")
