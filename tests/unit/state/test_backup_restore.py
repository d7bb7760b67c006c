"""What a backup and a restore do when something comes between."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from unit.state.records import RECORD
from unit.state.stores import apply, base_of, content, draft_of, read_ledger, three_days

from costops.errors import CostopsError, StaleError, UsageError
from costops.model.ledger import Ledger
from costops.model.state_file import Descent
from costops.state.backup import back_up
from costops.state.closing import set_month_status
from costops.state.reader import open_reader
from costops.state.restore import look, restore
from costops.state.verify import verify
from costops.state.writer import apply_version


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state with versions 1 and 2, and a backup of version 1 as `copy.db`."""
    path = tmp_path / "state" / "costops.db"
    apply(path, three_days(1))
    back_up(path, tmp_path / "copy.db")
    apply(path, three_days(2))
    return path


@pytest.fixture
def copy(state: Path) -> Path:
    return state.parent.parent / "copy.db"


def test_a_backup_where_files_have_one_name_only(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    back_up(state, tmp_path / "other.db")
    assert verify(tmp_path / "other.db") == ()
    with pytest.raises(UsageError, match=r"other\.db exists already"):
        back_up(state, tmp_path / "other.db")
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == []


def test_a_backup_is_of_the_moment_at_which_it_began(state: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(state, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE meta SET serial = serial + 1")
        found = back_up(state, tmp_path / "during.db")
        writer.execute("ROLLBACK")
    assert (found.newest, found.serial, found.problems) == (2, 2, ())


def test_a_version_that_comes_between_the_look_and_the_restore_stops_it(state: Path, copy: Path) -> None:
    plan = look(state, copy)
    assert (plan.descent, plan.common) == (Descent.OLDER, 1)
    apply(state, three_days(3))
    before = content(state)
    with pytest.raises(StaleError, match="moved meanwhile; nothing was restored"):
        restore(plan)
    assert content(state) == before
    assert [each.name for each in state.parent.glob("*replaced*")] == []


def test_a_state_that_appears_between_the_look_and_the_restore_is_not_replaced(tmp_path: Path, copy: Path) -> None:
    other = tmp_path / "new" / "costops.db"
    plan = look(other, copy)
    assert plan.descent is Descent.FIRST
    apply(other, three_days(5))
    with pytest.raises(StaleError, match="has made the state"):
        restore(plan)
    assert read_ledger(other) == three_days(5)


def test_a_backup_that_is_replaced_between_the_look_and_the_restore_is_not_restored(state: Path, copy: Path) -> None:
    plan = look(state, copy)
    back_up(state, copy, force=True)
    before = content(state)
    with pytest.raises(StaleError, match=r"The backup .* changed meanwhile"):
        restore(plan)
    assert content(state) == before


def test_an_apply_that_was_planned_before_a_restore_is_stale_after_it(state: Path, copy: Path) -> None:
    base, ledger = base_of(state), three_days(3)
    restore(look(state, copy))
    with pytest.raises(StaleError, match="moved since the plan"):
        apply_version(state, base=base, draft=draft_of(ledger), ledger=ledger)
    assert apply(state, ledger).number == 2


def test_a_reader_keeps_its_snapshot_during_a_restore(state: Path, copy: Path) -> None:
    reader = open_reader(state)
    assert reader is not None
    with reader:
        assert reader.base().version == 2
        restore(look(state, copy))
        assert reader.base().version == 2
        assert reader.ledger() == three_days(2)
        assert base_of(state).version == 1
    assert verify(state) == ()


def test_every_copy_that_is_kept_has_a_name_of_its_own(state: Path, copy: Path) -> None:
    kept = [restore(look(state, copy)).kept for _ in range(3)]
    assert [each.name for each in kept if each] == [f"costops.db.replaced-{number}" for number in (1, 2, 3)]
    assert look(state, copy).descent is Descent.SAME
    assert look(state, state.parent / "costops.db.replaced-1").descent is Descent.NEWER


def test_a_backup_with_pages_of_another_size_is_refused_in_words(state: Path, copy: Path) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("VACUUM")
    assert verify(copy) == ()
    before = content(state)
    with pytest.raises(CostopsError, match="pages of another size") as raised:
        restore(look(state, copy))
    assert "away" in str(raised.value.hint)
    assert content(state) == before
    state.rename(state.with_name("aside.db"))
    restore(look(state, copy))
    assert verify(state) == ()
    assert apply(state, three_days(9)).number == 2


def _apply_recorded(state: Path, ledger: Ledger) -> None:
    apply_version(state, base=base_of(state), draft=draft_of(ledger), ledger=ledger, record=RECORD)


def test_a_state_whose_pages_are_damaged_anywhere_is_mended(tmp_path: Path) -> None:
    # SQLite keeps nothing on the page of an empty table, so every table has something.
    first, second = (replace(three_days(number), cost_columns=("BilledCost", "x_Net")) for number in (1, 2))
    state, copy = tmp_path / "state" / "costops.db", tmp_path / "copy.db"
    _apply_recorded(state, first)
    set_month_status(state, ["2025-09"], "closed", None, "mara", "2026-12-01T08:00:00Z")
    back_up(state, copy)
    apply(state, second)
    whole = state.read_bytes()
    for page in range(len(whole) // 4096):
        state.write_bytes(whole[: page * 4096 + 100] + b"\xff" * 3996 + whole[(page + 1) * 4096 :])
        damaged = state.read_bytes()
        plan = look(state, copy)
        assert plan.present.problems
        kept = restore(plan).kept
        assert verify(state) == ()
        assert read_ledger(state) == first
        assert kept is not None
        assert kept.read_bytes()[100:4096] == damaged[100:4096]
        kept.unlink()
