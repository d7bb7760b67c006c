"""A version is written whole, onto the base it was planned from, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import stat
from pathlib import Path

import pytest
from unit.state.child import month, run_as_nobody, start
from unit.state.stores import FIRST_RUN, apply, base_of, content, draft_of, ledger_of, query, read_ledger, three_days

from costops.errors import CostopsError, ExitCode, StaleError, StateError
from costops.model.version import Base
from costops.state.reader import open_reader
from costops.state.verify import verify
from costops.state.writer import apply_version


def test_the_first_apply_makes_the_folders_and_a_file_for_its_owner_only(tmp_path: Path) -> None:
    state = tmp_path / "a" / "b" / "costops.db"
    apply(state, three_days())

    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert [each.name for each in state.parent.iterdir()] == ["costops.db"]


def test_a_resting_state_is_one_file(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(1))
    apply(state, three_days(2))

    assert [each.name for each in tmp_path.iterdir()] == ["costops.db"]


def test_each_version_continues_the_chain_of_the_one_before(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    first, second = apply(state, three_days(1)), apply(state, three_days(2))
    other = apply(tmp_path / "other.db", three_days(1))

    assert second.previous_hash == first.hash
    assert first.hash != other.hash, "the chain starts at the lineage"
    assert (second.number, second.serial) == (2, 2)


STALE = {
    "the state is gone": (Base(version=1, serial=1, lineage="x"), "gone.db", "that the plan was made from is gone"),
    "made meanwhile": (FIRST_RUN, "costops.db", "before anything was applied, and the state .* now has version 2"),
    "another state": (Base(version=2, serial=2, lineage="x"), "costops.db", "its lineage is .*, the plan's is x"),
    "moved": (None, "costops.db", r"is at version 2 \(serial 2\), the plan was made from version 1 \(serial 1\)"),
}


@pytest.mark.parametrize(("base", "name", "sentence"), STALE.values(), ids=STALE)
def test_a_plan_whose_base_moved_is_refused_and_told_what_moved(
    tmp_path: Path, base: Base | None, name: str, sentence: str
) -> None:
    state, ledger = tmp_path / "costops.db", three_days(3)
    apply(state, three_days(1))
    planned_from = base or base_of(state)
    apply(state, three_days(2))
    before = state.read_bytes()

    with pytest.raises(StaleError, match=sentence) as raised:
        apply_version(tmp_path / name, base=planned_from, draft=draft_of(ledger), ledger=ledger)

    assert raised.value.exit_code == ExitCode.STALE
    assert raised.value.hint
    assert state.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["costops.db"]


def test_a_serial_that_moved_alone_is_stale(tmp_path: Path) -> None:
    state, ledger = tmp_path / "costops.db", three_days()
    apply(state, ledger)
    base = base_of(state)
    query(state, "UPDATE meta SET serial = serial + 1")

    with pytest.raises(StaleError, match=r"version 1 \(serial 2\), .* from version 1 \(serial 1\)"):
        apply_version(state, base=base, draft=draft_of(ledger), ledger=ledger)


def test_a_draft_that_the_store_refuses_leaves_the_version_before(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(1))
    before = content(state)

    with pytest.raises(CostopsError):
        apply(state, three_days(2), rules=draft_of(three_days()).rules * 2)

    assert content(state) == before
    assert apply(state, three_days(2)).number == 2


def test_a_first_apply_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CostopsError):
        apply(tmp_path / "costops.db", three_days(2), rules=draft_of(three_days()).rules * 2)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("versions", [0, 1], ids=["first apply", "next apply"])
def test_an_interrupt_changes_nothing_and_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versions: int
) -> None:
    state, ledger = tmp_path / "costops.db", three_days(2)
    for _ in range(versions):
        apply(state, three_days(1))
    base, draft, files = base_of(state), draft_of(ledger), sorted(tmp_path.iterdir())

    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(hashlib, "sha256", interrupt)  # the chain is the first to ask for one
        apply_version(state, base=base, draft=draft, ledger=ledger)

    assert base_of(state) == base
    assert [each for each in tmp_path.iterdir() if each.name.endswith(".new")] == []
    assert set(files) <= set(tmp_path.iterdir())
    assert apply_version(state, base=base, draft=draft, ledger=ledger, timeout_seconds=0).number == versions + 1


def test_a_version_that_is_there_is_never_reported_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, synchronize = tmp_path / "costops.db", os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        synchronize(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)

    assert apply(state, three_days()).number == 1
    assert base_of(state).version == 1


def damage(path: Path, statement: str) -> None:
    """Change a stored entry, and leave the schema as it was."""
    trigger = query(path, "SELECT sql FROM sqlite_master WHERE name = 'entry_no_update'")[0][0]
    query(path, "DROP TRIGGER entry_no_update")
    query(path, statement)
    query(path, str(trigger))


@pytest.mark.parametrize(
    "change",
    [
        "billed_parts = billed_parts + 1",
        'dimension_values = \'["production","other"]\'',
        "path = 'other'",
        "position = 7",
    ],
)
def test_a_stored_day_that_is_not_what_was_applied_stops_the_apply(tmp_path: Path, change: str) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(1))
    damage(state, f"UPDATE entry SET {change} WHERE block = 1 AND position = 1")
    before = content(state)

    with pytest.raises(StateError, match="what it holds is not what was applied") as raised:
        apply(state, three_days(2))

    assert raised.value.exit_code == ExitCode.STATE
    assert "costops state check" in str(raised.value.hint)
    assert content(state) == before


def test_a_day_of_an_older_version_is_shared_only_if_it_is_what_was_applied(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(1))
    apply(state, three_days(2))
    damage(state, "UPDATE entry SET path = 'other' WHERE block = 2")

    assert apply(state, three_days(3)).number == 3
    with pytest.raises(StateError, match="what it holds is not what was applied"):
        apply(state, three_days(1))


@pytest.mark.parametrize("costs", [("BilledCost", "EffectiveCost"), ("x_Net", "EffectiveCost")])
def test_what_the_columns_cannot_hold_is_refused(tmp_path: Path, costs: tuple[str, str]) -> None:
    rows = [("2025-09", "2025-09-01", "USD", (name, None), "", (2**62 * 10**12, 0)) for name in ("a", "b", "c")]
    sentence = f"cannot keep {costs[0]}: its amounts add up to more than 9223372036854775807"
    with pytest.raises(CostopsError, match=sentence):
        apply(tmp_path / "costops.db", ledger_of(rows, cost_columns=costs))
    assert list(tmp_path.iterdir()) == []


def test_a_draft_of_another_ledger_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different dimensions"):
        apply_version(
            tmp_path / "costops.db", base=FIRST_RUN, draft=draft_of(ledger_of([], dimensions=())), ledger=three_days()
        )


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")

    with pytest.raises(CostopsError, match="cannot be used: Not a directory") as raised:
        apply(tmp_path / "state" / "costops.db", three_days())
    assert raised.value.exit_code == ExitCode.FAILED


def apply_three_days(path: Path) -> int:
    return apply(path, three_days(3)).number


@pytest.mark.parametrize("exists", [False, True], ids=["first apply", "next apply"])
def test_a_folder_that_cannot_be_written_is_named(open_folder: Path, exists: bool) -> None:
    state = open_folder / "costops.db"
    if exists:
        apply(state, three_days())
        state.chmod(0o444)
    open_folder.chmod(0o555)
    child, pipe = start(run_as_nobody, apply_three_days, state)
    outcome = pipe.recv()
    child.join()
    open_folder.chmod(0o755)

    assert isinstance(outcome, tuple)
    name, message, exit_code = outcome
    assert (name, exit_code) == ("CostopsError", ExitCode.FAILED)
    assert f"The state {state} cannot be" in message
    assert [each.name for each in open_folder.iterdir()] == (["costops.db"] if exists else [])


def apply_with_little_room(path: Path, kibibytes: int) -> str:
    """Apply where no file may grow past a size, as on a full disk."""
    base, ledger = base_of(path), month(1)
    draft = draft_of(ledger)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kibibytes * 1024, limits[1]))
    try:
        return f"version {apply_version(path, base=base, draft=draft, ledger=ledger).number}"
    except CostopsError as error:
        return f"{type(error).__name__} {error.exit_code}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("versions", [0, 1], ids=["first apply", "next apply"])
def test_a_disk_that_is_full_at_any_point_changes_nothing(tmp_path: Path, versions: int) -> None:
    outcomes = []
    for kibibytes in (1, 4, 8, 20, 40, 80, 110, 140, 160, 200, 400, 4000):
        state = tmp_path / f"{kibibytes}" / "costops.db"
        for _ in range(versions):
            apply(state, three_days(1))
        outcomes.append(apply_with_little_room(state, kibibytes))

        if outcomes[-1].startswith("version"):
            assert read_ledger(state) == month(1)
            assert verify(state) == ()
        elif versions:
            assert base_of(state).version == 1
            assert verify(state) == ()
        else:
            assert open_reader(state) is None
            assert list(state.parent.iterdir()) == []
        assert apply(state, month(2)).number == versions + (2 if outcomes[-1].startswith("version") else 1)
    assert outcomes[0] == f"CostopsError {ExitCode.FAILED}"
    assert set(outcomes[:-1]) <= {outcomes[0], outcomes[-1]}
    assert outcomes[-1] == f"version {versions + 1}"


def test_a_file_system_without_hard_links_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "link", refuse)

    with pytest.raises(CostopsError, match="cannot be made on this file system: Operation not supported") as raised:
        apply(tmp_path / "costops.db", three_days())
    assert raised.value.hint == "Set `state:` in costops.yaml to a path on a local disk."
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_appears_while_the_first_is_made_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, link = tmp_path / "costops.db", os.link

    def link_second(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        apply(state, three_days(1))
        link(source, target)

    monkeypatch.setattr(os, "link", link_second)

    with pytest.raises(StaleError, match="Another apply has made the state"):
        apply(state, three_days(2))
    assert read_ledger(state) == three_days(1)
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".new")] == []
