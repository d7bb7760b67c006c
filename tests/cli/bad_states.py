"""Kinds of bad states."""

from __future__ import annotations

import gzip
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cli.bad_input import BILL, RULES, Kind
from cli.commands import costops
from workbench import Case, write

APPLY = ("apply", "--auto-approve")
RESTORE = "costops state restore"


def state(folder: Path) -> Path:
    return folder / "state" / "costops.db"


def bytes_of(content: bytes) -> Callable[[Path], None]:
    """The state file is these bytes."""
    return lambda folder: _write(state(folder), content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def query(*statements: str, rules: str = RULES) -> Callable[[Path], None]:
    """The state file after these statements of SQL, and the rules afterwards."""

    def spoil(folder: Path) -> None:
        with closing(sqlite3.connect(state(folder), isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        edit_rules(folder, rules)

    return spoil


def edit_rules(
    folder: Path, rules: str = RULES.replace("production: 60, staging: 40", "production: 50, staging: 50")
) -> None:
    """Rules that have something to write."""
    (folder / "rules" / "10-rules.yaml").write_text(rules, encoding="utf-8")


def truncated(keep: Callable[[int], int]) -> Callable[[Path], None]:
    """The state file cut off."""

    def spoil(folder: Path) -> None:
        os.truncate(state(folder), keep(state(folder).stat().st_size))

    return spoil


def flipped(place: int | bytes, bit: int = 1) -> Callable[[Path], None]:
    """One bit of the state file changed, at an offset or at the last place of some content; the rules are edited."""

    def spoil(folder: Path) -> None:
        content = bytearray(state(folder).read_bytes())
        offset = place if isinstance(place, int) else content.rindex(place)
        content[offset] ^= bit
        state(folder).write_bytes(content)
        edit_rules(folder)

    return spoil


def other_program(folder: Path) -> None:
    with closing(sqlite3.connect(state(folder))) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
        connection.commit()


def log_of_another_database(folder: Path) -> None:
    """A log that SQLite would play into the state, of a database that has nothing to do with it."""
    other = folder / "other.db"
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
        shutil.copy(f"{other}-wal", f"{state(folder)}-wal")
    for each in folder.glob("other.db*"):
        each.unlink()
    edit_rules(folder)


def log_of_another_state(folder: Path) -> None:
    """The log of version 2 of a twin, which covers so much of it that file and log together are a sound state."""
    other = write(Case(RULES, BILL, report=("env",)), folder / "other")
    assert costops(other, *APPLY).code == 0
    edit_rules(other)
    with closing(sqlite3.connect(state(other), isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM meta").fetchone()
        assert costops(other, *APPLY).code == 0
        shutil.copy(f"{state(other)}-wal", f"{state(folder)}-wal")
    shutil.rmtree(other)
    edit_rules(folder, RULES.replace("production: 60, staging: 40", "production: 80, staging: 20"))


def log_alone(folder: Path) -> None:
    log_of_another_database(folder)
    state(folder).unlink()


def folder_in_its_place(folder: Path) -> None:
    state(folder).mkdir()


def link(target: str) -> Callable[[Path], None]:
    """The state file is a symbolic link."""
    return lambda folder: state(folder).symlink_to(target)


def link_of_the_folder(folder: Path) -> None:
    (folder / "state").rmdir()
    (folder / "state").symlink_to(folder / "not-mounted")


def read_only_file(folder: Path) -> None:
    edit_rules(folder)
    state(folder).chmod(0o444)


def unreadable_file(folder: Path) -> None:
    state(folder).chmod(0o000)


@contextmanager
def read_only_folder(folder: Path) -> Iterator[None]:
    edit_rules(folder)
    (folder / "state").chmod(0o555)
    try:
        yield
    finally:
        (folder / "state").chmod(0o755)


@contextmanager
def writer_at_work(folder: Path) -> Iterator[None]:
    edit_rules(folder)
    # In a process of its own: whoever reads the file in this one would give its locks away.
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('BEGIN IMMEDIATE'); print(flush=True); input()"
    arguments = [sys.executable, "-c", program, str(state(folder))]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdin is not None
        writer.stdout.readline()
        yield
        writer.stdin.write(b"\n")


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """The state's folder on a disk of 400 KiB; skips where no disk can be mounted."""
    aside = folder / "aside"
    (folder / "state").rename(aside)
    (folder / "state").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder / "state")]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk can be mounted here: that takes a superuser")
    try:
        shutil.copytree(aside, folder / "state", dirs_exist_ok=True)
        shutil.rmtree(aside)
        yield
    finally:
        subprocess.run(["umount", str(folder / "state")], check=True)


def fill(folder: Path) -> None:
    """Take the last byte of the small disk."""
    edit_rules(folder)
    with (folder / "state" / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 512):
                pass
        except OSError:
            return


@contextmanager
def small_files(folder: Path) -> Iterator[None]:
    """No file may grow beyond 40,000 bytes, in this process and those that it starts."""
    edit_rules(folder)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def nothing(folder: Path) -> None:
    """What goes on meanwhile is all that is wrong."""


TEXT = b"version,applied\n" + b"1,2026-11-18\n" * 400
STATES: tuple[Kind, ...] = (
    Kind("a state of 0 bytes", 7, ("costops.db is empty (0 bytes)", RESTORE), bytes_of(b"")),
    Kind("a state of 0 bytes, apply", 7, ("costops.db is empty (0 bytes)", RESTORE), bytes_of(b""), APPLY),
    Kind(
        "a state that is too short",
        7,
        ("costops.db is too short (100 bytes)", RESTORE),
        bytes_of(b"SQLite format 3\0" + bytes(84)),
    ),
    Kind("a text file in place of the state", 7, ("costops.db is not an SQLite file", RESTORE), bytes_of(TEXT)),
    Kind(
        "a gzip in place of the state",
        7,
        ("costops.db is not an SQLite file", RESTORE),
        bytes_of(gzip.compress(os.urandom(9000))),
    ),
    Kind(
        "a database of another program",
        7,
        ("costops.db is an SQLite file of another program", "`state:`"),
        other_program,
    ),
    Kind(
        "a database of another program, apply",
        7,
        ("costops.db is an SQLite file of another program", "`state:`"),
        other_program,
        APPLY,
    ),
    Kind(
        "a state of a newer costops",
        7,
        ("costops.db was written by a newer costops (schema 9; this one knows 4)", "Install"),
        query("PRAGMA user_version = 9"),
        applied=True,
    ),
    Kind(
        "a state without its schema",
        7,
        ("costops.db", "has no schema", RESTORE),
        query("PRAGMA user_version = 0"),
        applied=True,
    ),
    Kind(
        "a state whose guards were taken away",
        7,
        ("costops.db was changed: trigger entry_no_update is missing", RESTORE),
        query("DROP TRIGGER entry_no_update", rules=RULES.replace("40", "30").replace("60", "70")),
        APPLY,
        applied=True,
    ),
    Kind(
        "a state cut to its first page",
        7,
        ("costops.db is corrupt", RESTORE),
        truncated(lambda size: 4096),
        applied=True,
    ),
    Kind(
        "a state cut to a half", 7, ("costops.db is corrupt", RESTORE), truncated(lambda size: size // 2), applied=True
    ),
    Kind(
        "a state without its last page",
        7,
        ("costops.db is corrupt", RESTORE),
        truncated(lambda size: size - 4096),
        applied=True,
    ),
    Kind(
        "a state without its last byte",
        7,
        ("costops.db is corrupt", RESTORE),
        truncated(lambda size: size - 1),
        applied=True,
    ),
    Kind(
        "a state cut inside its header",
        7,
        ("costops.db is corrupt", RESTORE),
        truncated(lambda size: 600),
        applied=True,
    ),
    Kind(
        "one flipped bit in an amount, apply",
        7,
        ("costops.db is corrupt", "costops state check"),
        flipped(b'roduction"]'),
        APPLY,
        applied=True,
    ),
    Kind(
        "one flipped bit in a rule",
        7,
        ("costops.db is corrupt", "version 1", "costops state check"),
        flipped(b"method: percent"),
        applied=True,
    ),
    Kind(
        "one flipped bit in a version",
        7,
        ("costops.db is corrupt", "version 1", "costops state check"),
        flipped(b"to rename"),
        applied=True,
    ),
    Kind(
        "one flipped bit in the mark of the file",
        7,
        ("costops.db is not an SQLite file", RESTORE),
        flipped(3),
        applied=True,
    ),
    Kind("one flipped bit in the size of pages", 7, ("costops.db", RESTORE), flipped(16, 32), applied=True),
    Kind(
        "one flipped bit in the number of the program",
        7,
        ("costops.db is an SQLite file of another program", "`state:`"),
        flipped(70),
        applied=True,
    ),
    Kind(
        "a state that may not be written",
        1,
        ("costops.db cannot be opened or written", "permissions"),
        read_only_file,
        APPLY,
        applied=True,
        permissions_bind=True,
    ),
    Kind(
        "a state that may not be read",
        1,
        ("costops.db cannot be opened or written", "permissions"),
        unreadable_file,
        applied=True,
        permissions_bind=True,
    ),
    Kind(
        "a folder that may not be written",
        1,
        ("costops.db cannot be opened or written", "permissions"),
        nothing,
        APPLY,
        applied=True,
        permissions_bind=True,
        during=read_only_folder,
    ),
    Kind(
        "a folder in which no state may be made",
        1,
        ("costops.db cannot be used: Permission denied", "permissions"),
        nothing,
        APPLY,
        permissions_bind=True,
        during=read_only_folder,
    ),
    Kind(
        "a full disk",
        1,
        ("disk of the state", "costops.db is full; nothing was written", "Make room"),
        fill,
        APPLY,
        applied=True,
        during=small_disk,
    ),
    Kind(
        "a full disk at the first apply",
        1,
        ("disk of the state", "costops.db is full; nothing was written", "Make room"),
        fill,
        APPLY,
        during=small_disk,
    ),
    Kind(
        "a limit on the size of files",
        1,
        ("costops.db cannot be opened or written", "disk"),
        nothing,
        APPLY,
        applied=True,
        during=small_files,
    ),
    Kind(
        "a state that another process writes",
        6,
        ("Another process is writing the state", "costops.db", "Wait"),
        nothing,
        APPLY,
        applied=True,
        during=writer_at_work,
        environment=(("COSTOPS_WAIT", "1"),),
    ),
    Kind("a folder in place of the state", 7, ("costops.db is a folder", "`state:`"), folder_in_its_place),
    Kind(
        "a pipe in place of the state",
        7,
        ("costops.db is not a regular file", "`state:`"),
        lambda folder: os.mkfifo(state(folder)),
    ),
    Kind(
        "a state that is gone, but not its log",
        7,
        ("costops.db is gone", "costops.db-wal", RESTORE),
        log_alone,
        applied=True,
    ),
    Kind(
        "a state that is gone, but not its log, apply",
        7,
        ("costops.db is gone", "costops.db-wal", RESTORE),
        log_alone,
        APPLY,
        applied=True,
    ),
    Kind(
        "a link to a state that is not there",
        7,
        ("costops.db leads to gone/costops.db", "not mounted"),
        link("gone/costops.db"),
        APPLY,
    ),
    Kind(
        "a link to a folder that is not there",
        7,
        ("costops.db leads to", "not-mounted", "not mounted"),
        link_of_the_folder,
        APPLY,
    ),
    Kind(
        "a link that leads to itself",
        7,
        ("costops.db is a symbolic link that leads back to itself", "`state:`"),
        link("costops.db"),
    ),
    Kind("the log of another database", 7, ("costops.db-wal", "move that away"), log_of_another_database, applied=True),
    Kind(
        "the log of another database, apply",
        7,
        ("costops.db-wal", "move that away"),
        log_of_another_database,
        APPLY,
        applied=True,
    ),
    Kind(
        "the log of another state",
        7,
        ("costops.db-wal", "log of another state", "Move"),
        log_of_another_state,
        ("state", "backup", "copy.db"),
        applied=True,
    ),
    Kind(
        "the log of another state, apply",
        7,
        ("costops.db-wal", "log of another state", "Move"),
        log_of_another_state,
        APPLY,
        applied=True,
    ),
)
