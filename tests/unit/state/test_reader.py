"""What is no state is refused in one sentence, and reading disturbs nobody."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.state.child import month, run_as_nobody, start
from unit.state.stores import FIRST_RUN, apply, base_of, draft_of, query, read_ledger, three_days

from costops.errors import BusyError, ExitCode, StateError
from costops.model.version import Base
from costops.state.reader import Snapshot, StateReader, open_reader
from costops.state.verify import verify
from costops.state.writer import apply_version


def put_bytes(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def put_other_program(path: Path) -> None:
    query(path, "CREATE TABLE meta (lineage, serial)")


def put_newer_schema(path: Path) -> None:
    apply(path, three_days())
    query(path, "PRAGMA user_version = 5")


def put_no_schema(path: Path) -> None:
    query(path, f"PRAGMA application_id = {0x434F5053}")
    query(path, "VACUUM")


def put_no_tables(path: Path) -> None:
    put_no_schema(path)
    query(path, "PRAGMA user_version = 1")


def put_half(path: Path) -> None:
    apply(path, three_days())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def put_zeroed_pages(path: Path) -> None:
    apply(path, three_days())
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))


def put_bytes_in_the_schema(path: Path) -> None:
    apply(path, three_days())
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE meta", b"CREATE \x90ABLE meta"))


def put_log_alone(path: Path) -> None:
    path.with_name(f"{path.name}-wal").write_bytes(b"a log of a state that is gone")


BAD_STATES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "is a folder, not a state file"),
    "a pipe": (os.mkfifo, "is not a regular file"),
    "0 bytes": (put_bytes(b""), r"is empty \(0 bytes\)"),
    "shorter than a header": (put_bytes(b"SQLite format 3\x00"), r"too short \(16 bytes\)"),
    "text": (put_bytes(b"not a database, but text\n" * 400), "is not an SQLite file"),
    "a header and nothing else": (put_bytes(b"SQLite format 3\x00" + bytes(1000)), "is not an SQLite file"),
    "another program's": (put_other_program, "SQLite file of another program"),
    "a newer schema": (put_newer_schema, r"newer costops \(schema 5; this one knows 4\)"),
    "no schema": (put_no_schema, "has no schema"),
    "no tables": (put_no_tables, "is corrupt: no such table: meta"),
    "half of the file": (put_half, "is corrupt: database disk image is malformed"),
    "zeroed pages": (put_zeroed_pages, "is corrupt"),
    "a schema that is no text": (put_bytes_in_the_schema, "is corrupt: it holds text that is not UTF-8"),
    "a log without its file": (put_log_alone, "is gone, but costops.db-wal beside it"),
}


@pytest.mark.parametrize(("put", "sentence"), BAD_STATES.values(), ids=BAD_STATES)
def test_a_file_that_is_no_state_is_refused_with_what_to_do(
    tmp_path: Path, put: Callable[[Path], object], sentence: str
) -> None:
    state = tmp_path / "costops.db"
    put(state)

    with pytest.raises(StateError, match=sentence) as reading:
        open_reader(state)
    assert reading.value.exit_code == ExitCode.STATE
    assert str(state) in reading.value.message
    assert reading.value.hint


@pytest.mark.parametrize("put", [put for put, _ in BAD_STATES.values()], ids=BAD_STATES)
def test_a_file_that_is_no_state_is_never_written(tmp_path: Path, put: Callable[[Path], object]) -> None:
    state = tmp_path / "costops.db"
    put(state)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}
    ledger = three_days()

    with pytest.raises(StateError):
        apply_version(state, base=FIRST_RUN, draft=draft_of(ledger), ledger=ledger)

    after = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith(".new")]


def test_every_length_to_which_a_state_is_cut_is_refused(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.db", tmp_path / "cut.db"
    apply(whole, three_days())
    content = whole.read_bytes()

    for length in [*range(0, 1200, 37), *range(1200, len(content), 1531), len(content) - 1]:
        cut.write_bytes(content[:length])
        with pytest.raises(StateError):
            open_reader(cut)
        for leftover in ("cut.db-wal", "cut.db-shm"):
            (tmp_path / leftover).unlink(missing_ok=True)


def test_a_missing_file_is_a_first_run(tmp_path: Path) -> None:
    assert open_reader(tmp_path / "costops.db") is None
    assert open_reader(tmp_path / "no" / "such" / "folder" / "costops.db") is None
    assert list(tmp_path.iterdir()) == []


def test_an_empty_log_that_a_reader_left_is_still_a_first_run(tmp_path: Path) -> None:
    (tmp_path / "costops.db-wal").touch()

    assert open_reader(tmp_path / "costops.db") is None
    apply(tmp_path / "costops.db", three_days())
    assert verify(tmp_path / "costops.db") == ()


def test_a_version_that_is_not_there_is_named_with_the_newest(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", three_days())
    reader = open_reader(tmp_path / "costops.db")
    assert reader is not None

    with reader, pytest.raises(StateError, match="has no version 2; the newest is 1"):
        reader.ledger(2)


def test_the_base_is_the_newest_version_its_serial_and_the_lineage(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(1))
    first = base_of(state)
    apply(state, three_days(2))

    assert (first.version, first.serial, len(first.lineage or "")) == (1, 1, 36)
    assert base_of(state) == Base(version=2, serial=2, lineage=first.lineage)


def test_reading_leaves_the_bytes_and_the_time_of_the_file_alone(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days())
    before = (state.read_bytes(), state.stat().st_mtime_ns)

    reader = open_reader(state)
    assert reader is not None
    with reader:
        reader.base()
        reader.versions()
        reader.ledger(1)
        reader.sums(1, ("env", "day"))
    verify(state)

    assert (state.read_bytes(), state.stat().st_mtime_ns) == before


def test_a_reader_sees_its_snapshot_while_a_writer_writes_and_after(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    first, second = three_days(1), three_days(2)
    apply(state, first)
    reader = open_reader(state)
    assert reader is not None

    with reader:
        apply(state, second)
        assert reader.base().version == 1
        assert reader.ledger() == first
        assert read_ledger(state) == second
    assert read_ledger(state) == second


def test_a_ledger_or_version_that_is_not_what_was_applied_is_not_given(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days())
    for table, change in (("entry", "path = 'other'"), ("version", "actor = 'other'")):
        trigger = str(query(state, f"SELECT sql FROM sqlite_master WHERE name = '{table}_no_update'")[0][0])
        for statement in (f"DROP TRIGGER {table}_no_update", f"UPDATE {table} SET {change}", trigger):
            query(state, statement)

    reader = open_reader(state)
    assert reader is not None
    with reader:
        with pytest.raises(StateError, match="the amounts of version 1 are not the ones that were applied"):
            reader.ledger()
        with pytest.raises(StateError, match="version 1 is not the one that was applied"):
            reader.version()
        with pytest.raises(StateError, match="version 1 is not the one that was applied"):
            reader.versions()


def test_a_reader_does_not_wait_for_a_writer_that_holds_its_transaction(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    ledger = three_days()
    apply(state, ledger)
    writer = sqlite3.connect(state, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE meta SET serial = serial + 1")

    assert base_of(state).serial == 1
    assert read_ledger(state) == ledger
    writer.execute("ROLLBACK")
    writer.close()


def test_reading_does_not_pay_for_what_only_writing_needs(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", three_days())
    program = (
        "import sys; from pathlib import Path; from costops.state.reader import Snapshot, StateReader, open_reader\n"
        "assert 'sqlite3' not in sys.modules\n"
        "with open_reader(Path(sys.argv[1])) as reader: reader.ledger(1); reader.versions(); reader.sums(1, ('env',))\n"
        "print(sorted({'sqlite_utils', 'pandas', 'numpy', 'duckdb', 'click'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "costops.db")], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_a_state_behind_a_symbolic_link_and_an_odd_name_is_read(tmp_path: Path) -> None:
    odd = tmp_path / "100 % ?mode=rw #1;ü.db"
    ledger = three_days()
    apply(odd, ledger)
    (tmp_path / "link.db").symlink_to(odd)
    apply(tmp_path / "link.db", three_days(8))

    assert read_ledger(odd, 1) == ledger
    assert base_of(odd).version == 2
    assert (tmp_path / "link.db").is_symlink()


def as_nobody(folder: Path, action: Callable[[Path], object], path: Path) -> object:
    """What `action` gives or raises in a child that may not write the folder, even where the tests run as root."""
    folder.chmod(0o555)
    child, pipe = start(run_as_nobody, action, path)
    try:
        return pipe.recv()
    finally:
        child.join()
        folder.chmod(0o755)


def test_a_state_in_a_folder_that_cannot_be_written_is_read(open_folder: Path) -> None:
    state = open_folder / "costops.db"
    ledger = three_days()
    apply(state, ledger)
    state.chmod(0o444)

    assert as_nobody(open_folder, read_ledger, state) == ledger
    assert as_nobody(open_folder, verify, state) == ()
    assert [each.name for each in open_folder.iterdir()] == ["costops.db"]


def test_a_state_that_is_written_under_a_reader_without_locks_is_not_believed(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(1))
    found = state.stat()
    # As a reader in a folder that it cannot write.
    connection = sqlite3.connect(f"{state.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    stamp = (found.st_ino, found.st_size, found.st_mtime_ns)

    with StateReader(state, Snapshot(connection, unlocked=(state, stamp))) as reader:
        assert reader.base().version == 1
        apply(state, month(1))
        with pytest.raises(BusyError, match="was written while it was read"):
            reader.ledger()


def test_a_log_that_cannot_be_played_is_not_passed_over(open_folder: Path) -> None:
    state, log = open_folder / "costops.db", open_folder / "costops.db-wal"
    apply(state, three_days(1))
    reader = open_reader(state)
    apply(state, three_days(2))
    shutil.copy(log, open_folder / "kept")
    assert reader is not None
    reader.close()
    base_of(state)
    (open_folder / "costops.db-shm").unlink()
    assert log.stat().st_size > 0
    for each in (state, log):
        each.chmod(0o444)

    outcome = as_nobody(open_folder, base_of, state)

    assert outcome == (
        "CostopsError",
        f"The state {state} cannot be opened or written: unable to open database file.",
        ExitCode.FAILED,
    )


def test_costs_of_days_that_another_version_does_not_share(tmp_path: Path) -> None:
    path = tmp_path / "costops.db"
    apply(path, three_days())
    apply(path, three_days(8))
    reader = open_reader(path)
    assert reader is not None
    with reader:
        assert reader.costs_unlike(1, 2, "BilledCost") == [("2025-10", "2025-10-01", "EUR", '["staging",null]', 7)]
        assert reader.costs_unlike(2, 1, "BilledCost") == [("2025-10", "2025-10-01", "EUR", '["staging",null]', 8)]
        assert reader.costs_unlike(2, 1, "EffectiveCost") == []
        assert reader.costs_unlike(2, 1, "ListCost") == []
        assert reader.costs_unlike(2, 2, "BilledCost") == []
        assert [row[-1] for row in reader.costs_unlike(1, None, "EffectiveCost")] == [4, -1, 4, -1]
