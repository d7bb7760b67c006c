"""A backup in the place of the state.

Invariant: the new content was checked to the last value before it takes the place of the old, it takes it in one step
that no kill can halve, and the old content is kept beside it. A state that can be opened is overwritten inside a
transaction of SQLite's own, so that a writer waiting for the lock finds the new content, and not a file that has lost
its name.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace as changed
from itertools import count
from pathlib import Path

from costops.errors import BusyError, CostopsError, StaleError, StateError, UsageError
from costops.interruption import give_way, held, settle
from costops.model.state_file import Descent, Restoration, Restored, StateCheck
from costops.state import files
from costops.state.backup import copy_pages, copy_state
from costops.state.connection import DamagedStateError, connect, empty_log, leftover_log, locate, state_errors
from costops.state.events import links
from costops.state.reader import open_snapshot
from costops.state.verify import check_state, unreadable

LOOK_AGAIN = "Run `costops state restore` again and review what it shows now."
RETRY_SECONDS = 0.05
Hashes = tuple[tuple[str, int | None], ...]
"""Hash and number of every version, and hash and None of every closing and reopening of a month, oldest first."""


def look(path: Path, source: Path, *, force: bool = False) -> Restoration:
    """What restoring `source` to `path` would do; nothing is changed.

    Raises UsageError for a source that is none, StateError for one that is not sound, or that has another lineage
    than the state unless `force`, and for a state that no backup may replace: another program's file, or a newer one.
    """
    real = _locate_source(path, source)
    with state_errors(source, "backup"):
        check = check_state(source)
    if not check.is_sound:
        first = check.problems[0]
        raise StateError(
            f"{source} is not a sound state, so it cannot be restored: {first.place}: {first.message}.",
            hint=f"Use another backup; `costops --state {source} state check` shows all that is wrong with this one.",
        )
    present = _present(path)
    if present is None:
        return Restoration(source=check, present=StateCheck(path=path), descent=Descent.FIRST, common=0)
    if present.lineage is None:
        return Restoration(source=check, present=present, descent=Descent.UNREADABLE, common=0)
    if present.lineage != check.lineage:
        if not force:
            raise StateError(
                f"{source} is a backup of another state: its lineage is {check.lineage}, and that of {path} is "
                f"{present.lineage}.",
                hint="Look at --state and the backup's name; give --force to restore it nevertheless.",
            )
        return Restoration(source=check, present=present, descent=Descent.FOREIGN, common=0)
    ours = _hashes(real, source)
    try:
        descent, common = _descent(ours, _hashes(path.resolve(), path))
    except DamagedStateError:
        descent, common = Descent.UNREADABLE, 0
    return Restoration(source=check, present=present, descent=descent, common=common)


def restore(plan: Restoration, *, timeout_seconds: float = 10) -> Restored:
    """Do what `look` showed, all of it or nothing, and keep what is replaced.

    Raises StaleError when the state or the backup is not as it was then, BusyError when another process writes the
    state for longer than `timeout_seconds`, and CostopsError where the disk refuses.
    """
    path, source = plan.present.path, plan.source.path
    real = path.resolve()
    with state_errors(path):
        real.parent.mkdir(parents=True, exist_ok=True)
        with files.unfinished_file(real) as staged:
            found = copy_state(_locate_source(path, source), source, staged)
            if not found.is_sound or found.head != plan.source.head:
                raise StaleError(f"The backup {source} changed meanwhile; nothing was restored.", hint=LOOK_AGAIN)
            with held():  # what is kept and what takes its place belong together
                kept = _install(staged, real, plan, timeout_seconds)
                settle()
    return Restored(check=changed(found, path=path), kept=kept)


def _install(staged: Path, real: Path, plan: Restoration, timeout_seconds: float) -> Path | None:
    path = plan.present.path
    give_way()
    if plan.descent is Descent.FIRST:
        _appear(staged, real, path)
        return None
    # A copy of a damaged state and its log together would not show which of the two is wrong.
    if plan.descent is Descent.UNREADABLE or (plan.present.problems and leftover_log(real)):
        return _take_place(staged, real)
    return _overwrite(staged, real, path, plan.present, timeout_seconds)


def _locate_source(path: Path, source: Path) -> Path:
    try:
        real = locate(source)
    except StateError as error:
        raise StateError(error.message, hint="Name a file that `costops state backup` wrote.") from error
    if real is None:
        raise UsageError(f"There is no file {source}.", hint="Name a file that `costops state backup` wrote.")
    with state_errors(path):
        if path.exists() and path.samefile(real):
            raise UsageError(f"{source} is the state itself.", hint="Name a backup of it.")
    return real


def _present(path: Path) -> StateCheck | None:
    """The state as it is, None where there is none; StateError for a file that no backup may replace."""
    try:
        real = locate(path)
        if real is None:
            return None
        with state_errors(path):
            open_snapshot(real, path).connection.close()
    except DamagedStateError as error:
        return unreadable(path, error)
    return check_state(path)


def _hashes(real: Path, path: Path) -> Hashes:
    with state_errors(path), closing(open_snapshot(real, path).connection) as connection:
        return tuple((found, number) for _, number, _, found in links(connection))


def _descent(source: Hashes, present: Hashes) -> tuple[Descent, int]:
    same = common = 0
    for ours, theirs in zip(present, source, strict=False):
        if ours != theirs:
            break
        same += 1
        common = ours[1] or common
    if same == len(source):
        return (Descent.SAME if same == len(present) else Descent.OLDER), common
    return (Descent.NEWER if same == len(present) else Descent.FORKED), common


def _appear(staged: Path, real: Path, path: Path) -> None:
    with closing(connect(staged, "mode=rw", 0)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    try:
        files.publish(staged, real)
    except FileExistsError as error:
        raise StaleError(f"Another process has made the state {path} meanwhile.", hint=LOOK_AGAIN) from error


def _take_place(staged: Path, real: Path) -> Path:
    """Put the staged state in the place of a file that cannot be opened; gives where that file is kept.

    A kill between the steps leaves a file that is refused as empty, never one that lost its log.
    """
    with closing(connect(staged, "mode=rw", 0)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    log = leftover_log(real)
    kept = _keep_name(real, real if real.exists() else None)
    if log is not None:
        with files.unfinished_file(real) as empty:
            empty.replace(real)
        log.rename(kept.with_name(kept.name + log.name.removeprefix(real.name)))
    files.replace(staged, real)
    return kept


def _keep_name(real: Path, content: Path | None) -> Path:
    """The first free `NAME.replaced-N` beside the state, with `content` under it."""
    for number in count(1):
        kept = real.with_name(f"{real.name}.replaced-{number}")
        try:
            if content is not None:
                files.synchronize(content)
                files.link(content, kept)
            elif any(kept.with_name(kept.name + suffix).exists() for suffix in ("", "-wal", "-journal")):
                continue
        except FileExistsError:
            continue
        return kept
    raise AssertionError("count() never ends")


def _overwrite(staged: Path, real: Path, path: Path, expected: StateCheck, timeout_seconds: float) -> Path:
    import sqlite3  # 17 ms

    kept: list[Path] = []
    deadline = time.monotonic() + timeout_seconds

    def after_page(status: int, _remaining: int, _pages: int) -> None:
        if status != sqlite3.SQLITE_DONE:
            give_way()
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"Another process is writing the state {path}; nothing was restored.",
                    hint="Wait until it is done, then run the command again.",
                )
        elif not kept:
            # The first page has taken the writer's lock, which is held until the last: what is kept is complete.
            kept.append(_keep(real, path, expected))

    with closing(connect(staged, "mode=ro", 0)) as source, closing(connect(real, "mode=rw", 0)) as present:
        source.execute("BEGIN")
        if source.execute("PRAGMA page_size").fetchone() != present.execute("PRAGMA page_size").fetchone():
            raise CostopsError(
                f"The backup has pages of another size than the state {path}, so it cannot be written over it.",
                hint=f"Move {path} away, then run the command again.",
            )
        try:
            source.backup(present, pages=1, progress=after_page, sleep=RETRY_SECONDS)
        except BaseException:
            for copy in kept:
                copy.unlink(missing_ok=True)
            raise
        empty_log(present)
    return kept[0]


def _keep(real: Path, path: Path, expected: StateCheck) -> Path:
    with closing(open_snapshot(real, path).connection) as connection:
        serial, lineage = connection.execute("SELECT serial, lineage FROM meta").fetchone()
        entries = links(connection)
        if (serial, lineage, entries[-1][3] if entries else None) != (expected.serial, expected.lineage, expected.head):
            raise StaleError(f"The state {path} moved meanwhile; nothing was restored.", hint=LOOK_AGAIN)
        with files.unfinished_file(real) as copy:
            copy_pages(connection, copy)
            return _keep_name(real, copy)
