"""`costops state`: what is damaged is found, a backup is sound, and a restore loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cli.bad_input import RULES, workspace
from cli.bad_states import fill, log_of_another_database, log_of_another_state, small_disk, state
from cli.commands import Done, costops
from cli.test_terminal import answer

from costops.cli.state import command as group

APPLY = ("apply", "--auto-approve")
COMMANDS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"


def split(folder: Path, production: int) -> None:
    rules = RULES.replace("production: 60, staging: 40", f"production: {production}, staging: {100 - production}")
    (folder / "rules" / "10-rules.yaml").write_text(rules, encoding="utf-8")


def apply(folder: Path, production: int) -> None:
    split(folder, production)
    assert costops(folder, *APPLY).code == 0


def newest(path: Path) -> tuple[int, str]:
    """Number and hash of the newest version."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found: tuple[int, str] = connection.execute(
            "SELECT number, hash FROM version ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return workspace(tmp_path / "workspace", applied=True)


def check(folder: Path) -> Done:
    return costops(folder, "state", "check")


# Check


def test_a_sound_state_is_said_to_be_sound_and_what_was_looked_at(folder: Path) -> None:
    done = check(folder)
    assert (done.code, done.err) == (0, "")
    size = state(folder).stat().st_size
    assert done.out.splitlines()[1] == f"Checked 1 version, 3 entries, {size:,} bytes: sound."
    assert str(state(folder)) in done.out.splitlines()[0]


def test_the_check_for_machines(folder: Path) -> None:
    done = costops(folder, "state", "check", "--format", "json")
    document = json.loads(done.out)
    assert done.code == 0
    assert {name: document[name] for name in ("sound", "complete", "version", "serial", "versions", "entries")} == {
        "sound": True,
        "complete": True,
        "version": 1,
        "serial": 1,
        "versions": 1,
        "entries": 3,
    }
    assert document["problems"] == []
    assert document["hash"] == newest(state(folder))[1]


def test_a_changed_amount_is_named_with_its_day_and_versions_and_the_remedy(folder: Path) -> None:
    apply(folder, 50)
    with closing(sqlite3.connect(state(folder), isolation_level=None)) as connection:
        trigger = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'entry_no_update'").fetchone()[0]
        connection.execute("DROP TRIGGER entry_no_update")
        connection.execute("UPDATE entry SET effective_units = effective_units + 1 WHERE block = 2 AND position = 0")
        connection.execute(trigger)
    done = check(folder)
    assert (done.code, done.err) == (7, "")
    assert "2 versions, 6 entries" in done.out
    assert "1 problem." in done.out
    assert "  day 2025-04-10 of billing month 2025-04, version 2\n" in done.out
    assert "the stored amounts of a day are not the ones that were applied" in done.out
    assert "help: Run `costops state restore` with a backup" in done.out
    document = json.loads(costops(folder, "state", "check", "--format", "json").out)
    assert [each["place"] for each in document["problems"]] == ["day 2025-04-10 of billing month 2025-04, version 2"]
    assert document["sound"] is False


def test_a_state_that_cannot_be_opened_is_a_problem_of_the_file(folder: Path) -> None:
    os.truncate(state(folder), 5000)
    done = check(folder)
    assert done.code == 7
    assert "  the file\n" in done.out
    assert "The check could not go on" in done.out
    assert "help: Run `costops state restore`" in done.out


def test_a_log_of_another_database_is_named_as_what_to_move_away(folder: Path) -> None:
    for spoil in (log_of_another_database, log_of_another_state):
        spoil(folder)
        done = check(folder)
        assert done.code == 7
        assert "costops.db-wal" in done.out
        assert "ove costops.db-wal away" in done.out or "move that away" in done.out
        (state(folder).parent / "costops.db-wal").rename(folder / "moved-away")
        assert check(folder).code == 0


def test_there_is_nothing_to_check_before_the_first_apply(tmp_path: Path) -> None:
    done = costops(workspace(tmp_path), "state", "check")
    assert (done.code, done.out) == (7, "")
    assert "There is no state at" in done.err
    assert "costops apply" in done.err


def test_a_state_is_read_on_a_full_disk_and_written_when_there_is_room_again(folder: Path) -> None:
    with small_disk(folder):
        fill(folder)
        assert check(folder).code == 0
        assert costops(folder, "history").code == 0
        assert costops(folder, *APPLY).code == 1
        (folder / "state" / "filler").unlink()
        assert costops(folder, *APPLY).code == 0
        assert check(folder).code == 0


# Backup


def test_a_backup_is_a_sound_state_for_its_owner_alone(folder: Path) -> None:
    done = costops(folder, "state", "backup", "copy.db")
    copy = folder / "copy.db"
    assert (done.code, done.err) == (0, "")
    assert done.out == f"Backed up version 1 (serial 1) to {copy}, and checked it.\n"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert newest(copy) == newest(state(folder))
    assert costops(folder, "--state", "copy.db", "state", "check").code == 0
    assert costops(folder, "--state", "copy.db", "history").out == costops(folder, "history").out
    assert [each.name for each in folder.glob(".*") if each.name != ".costops"] == []


def test_a_backup_never_replaces_a_file_unless_it_is_told_to(folder: Path) -> None:
    (folder / "copy.db").write_text("precious")
    done = costops(folder, "state", "backup", "copy.db")
    assert done.code == 64
    assert "copy.db exists already; nothing was written" in done.err
    assert "--force" in done.err
    assert (folder / "copy.db").read_text() == "precious"
    assert costops(folder, "state", "backup", "copy.db", "--force").code == 0
    assert newest(folder / "copy.db") == newest(state(folder))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("state/costops.db", "is the state itself"),
        ("bill", "is a folder"),
        ("nowhere/copy.db", "There is no folder"),
        ("logged.db", "logged.db-wal holds changes"),
    ],
)
def test_what_cannot_be_a_backup_is_refused(folder: Path, target: str, said: str) -> None:
    (folder / "logged.db-wal").write_bytes(b"changes")
    before = state(folder).read_bytes()
    done = costops(folder, "state", "backup", target, "--force")
    assert (done.code, done.out) == (64, "")
    assert said in done.err
    assert "help: " in done.err
    assert state(folder).read_bytes() == before
    assert not (folder / "logged.db").exists()


def test_a_damaged_state_gives_no_backup(folder: Path) -> None:
    content = bytearray(state(folder).read_bytes())
    content[content.rindex(b"method: percent")] ^= 1
    state(folder).write_bytes(content)
    done = costops(folder, "state", "backup", "copy.db")
    assert (done.code, done.out) == (7, "")
    assert "is not sound, so no backup was made: allocation support" in done.err
    assert "costops state check" in done.err
    assert sorted(each.name for each in folder.glob("*copy*")) == []


def test_a_backup_onto_a_full_disk_leaves_nothing(folder: Path) -> None:
    with small_disk(folder):
        shutil.copy(state(folder), folder / "elsewhere.db")
        fill(folder)
        done = costops(folder, "--state", "elsewhere.db", "state", "backup", "state/copy.db")
        assert done.code == 1
        assert "disk of the backup" in done.err
        assert "copy.db is full; nothing was written" in done.err
        assert sorted(each.name for each in (folder / "state").glob("*copy*")) == []


# Restore


def test_a_restore_goes_back_says_so_and_keeps_what_it_replaces(folder: Path) -> None:
    assert costops(folder, "state", "backup", "copy.db").code == 0
    apply(folder, 50)
    apply(folder, 40)
    before = newest(state(folder))
    done = costops(folder, "state", "restore", "copy.db", "--auto-approve")
    assert (done.code, done.err) == (0, "")
    assert "The state goes back from version 3 to version 1. Its versions 2 to 3 are only in the copy" in done.out
    kept = folder / "state" / "costops.db.replaced-1"
    assert f"Restored version 1 (serial 1). What it replaced is kept as {kept}." in done.out
    assert newest(state(folder)) == newest(folder / "copy.db")
    assert newest(kept) == before
    assert check(folder).code == 0
    assert costops(folder, "--state", str(kept), "state", "check").code == 0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert costops(folder, *APPLY).code == 0

    # And forward again, over what was written since.
    done = costops(folder, "state", "restore", str(kept), "--auto-approve")
    assert "The two went apart after version 1." in done.out
    assert "Its version 2 is only in the copy" in done.out
    assert newest(state(folder)) == before
    assert newest(folder / "state" / "costops.db.replaced-2")[0] == 2


def test_a_restore_without_a_terminal_needs_approval(folder: Path) -> None:
    assert costops(folder, "state", "backup", "copy.db").code == 0
    before = state(folder).read_bytes()
    done = costops(folder, "state", "restore", "copy.db")
    assert (done.code, done.out) == (64, "")
    assert "--auto-approve" in done.err
    assert state(folder).read_bytes() == before


@pytest.mark.parametrize(("text", "code"), [(b"yes\n", 0), (b"no\n", 8)])
def test_a_restore_asks(folder: Path, text: bytes, code: int) -> None:
    assert costops(folder, "state", "backup", "copy.db").code == 0
    apply(folder, 50)
    found, shown = answer(folder, text, "state", "restore", "copy.db", question=b"Restore this backup?")
    assert found == code, shown
    assert "goes back from version 2 to version 1" in shown
    assert newest(state(folder))[0] == (1 if code == 0 else 2)


DAMAGE = {
    "0 bytes": lambda path: path.write_bytes(b""),
    "a text file": lambda path: path.write_bytes(b"text" * 1000),
    "cut off": lambda path: os.truncate(path, 5000),
    "gone, but not its log": lambda path: path.rename(f"{path}-wal"),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_restore_mends_what_cannot_be_opened_and_keeps_every_byte_of_it(folder: Path, damage: str) -> None:
    assert costops(folder, "state", "backup", "copy.db").code == 0
    for leftover in ("costops.db-wal", "costops.db-shm"):
        (folder / "state" / leftover).unlink()
    DAMAGE[damage](state(folder))
    before = sorted(each.read_bytes() for each in state(folder).parent.iterdir())
    done = costops(folder, "state", "restore", "copy.db", "--auto-approve")
    assert done.code == 0, done.err
    assert ("not there" if damage == "gone" else "damaged") in done.out
    assert newest(state(folder)) == newest(folder / "copy.db")
    assert check(folder).code == 0
    kept = sorted(each.read_bytes() for each in state(folder).parent.glob("costops.db.replaced-1*"))
    assert kept == before
    apply(folder, 30)
    assert newest(state(folder))[0] == 2


def test_a_restore_over_a_damaged_state_that_can_be_opened(folder: Path) -> None:
    assert costops(folder, "state", "backup", "copy.db").code == 0
    content = bytearray(state(folder).read_bytes())
    content[content.rindex(b"method: percent")] ^= 1
    state(folder).write_bytes(content)
    done = costops(folder, "state", "restore", "copy.db", "--auto-approve")
    assert done.code == 0
    assert "damaged (" in done.out
    assert check(folder).code == 0


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "There is no file"),
        (lambda path: path.write_bytes(b""), "is empty (0 bytes)"),
        (lambda path: path.write_bytes(b"text" * 1000), "is not an SQLite file"),
        (lambda path: os.truncate(path, 5000), "is not a sound state"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"method: percent", b"method: Percent")),
            "is not a sound",
        ),
    ],
    ids=["missing", "empty", "text", "cut off", "changed"],
)
def test_a_file_that_is_no_sound_state_is_not_restored(folder: Path, spoil: object, said: str) -> None:
    assert costops(folder, "state", "backup", "copy.db").code == 0
    spoil(folder / "copy.db")  # type: ignore[operator]
    before = state(folder).read_bytes()
    done = costops(folder, "state", "restore", "copy.db", "--auto-approve", "--force")
    assert done.code in (7, 64)
    assert done.out == ""
    assert said in done.err
    assert "copy.db" in done.err
    assert "help: " in done.err
    assert state(folder).read_bytes() == before
    assert [each.name for each in state(folder).parent.glob("*replaced*")] == []


def test_a_backup_of_another_state_is_restored_only_by_force(folder: Path, tmp_path: Path) -> None:
    other = workspace(tmp_path / "other")
    for production in (10, 20):
        apply(other, production)
    before = state(folder).read_bytes()
    done = costops(folder, "state", "restore", str(state(other)), "--auto-approve")
    assert (done.code, done.out) == (7, "")
    assert "is a backup of another state" in done.err
    assert "--force" in done.err
    assert state(folder).read_bytes() == before
    done = costops(folder, "state", "restore", str(state(other)), "--auto-approve", "--force")
    assert done.code == 0
    assert "another lineage" in done.out
    assert newest(state(folder)) == newest(state(other))


def test_what_is_not_ours_is_never_replaced(folder: Path) -> None:
    assert costops(folder, "state", "backup", "copy.db").code == 0
    state(folder).unlink()
    with closing(sqlite3.connect(state(folder))) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
        connection.commit()
    before = state(folder).read_bytes()
    done = costops(folder, "state", "restore", "copy.db", "--auto-approve", "--force")
    assert done.code == 7
    assert "another program" in done.err
    assert state(folder).read_bytes() == before


def test_a_restore_waits_for_a_writer_and_then_gives_up(folder: Path) -> None:
    assert costops(folder, "state", "backup", "copy.db").code == 0
    apply(folder, 50)
    before = newest(state(folder))
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('BEGIN IMMEDIATE'); print(flush=True); input()"
    arguments = [sys.executable, "-c", program, str(state(folder))]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        done = costops(folder, "state", "restore", "copy.db", "--auto-approve", environment={"COSTOPS_WAIT": "1"})
        assert done.code == 6
        assert "Another process is writing the state" in done.err
        assert "nothing was restored" in done.err
        writer.kill()
    assert newest(state(folder)) == before
    assert [each.name for each in state(folder).parent.glob("*replaced*")] == []


def test_a_wait_that_is_no_number_is_wrong_use(folder: Path) -> None:
    split(folder, 50)
    done = costops(folder, *APPLY, environment={"COSTOPS_WAIT": "soon"})
    assert done.code == 64
    assert "COSTOPS_WAIT is 'soon'" in done.err
    assert newest(state(folder))[0] == 1


# Leftovers and the manual


def test_the_next_apply_removes_what_killed_ones_left_long_ago(folder: Path) -> None:
    names = [".costops.db.old.new", ".costops.db.old.new-journal", ".costops.db.young.new", ".other.db.old.new"]
    for name in names:
        (state(folder).parent / name).write_bytes(b"left behind")
        if "old" in name:
            os.utime(state(folder).parent / name, (0, 0))
    os.link(state(folder), state(folder).parent / ".costops.db.linked.new")
    apply(folder, 50)
    left = sorted(each.name for each in state(folder).parent.iterdir() if each.name.startswith("."))
    assert left == [".costops.db.young.new", ".other.db.old.new"]
    assert newest(state(folder))[0] == 2


def test_every_command_of_the_group_and_its_options_are_in_the_manual() -> None:
    page = COMMANDS_PAGE.read_text(encoding="utf-8").split("\n## costops state\n")[1].split("\n## ")[0]
    for name, each in group.commands.items():  # type: ignore[attr-defined]
        usage = next(line for line in page.splitlines() if line.startswith(f"costops state {name}"))
        for parameter in each.params:
            for written in parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]:
                assert written in usage
                assert parameter.param_type_name == "argument" or f"| `{written}` |" in page, written
