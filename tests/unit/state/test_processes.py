"""Killed applies leave the old version or the new one, and of two that race one wins."""

from __future__ import annotations

import random
import signal
import sqlite3
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from unit.state.child import apply_until_killed, apply_when_told, month, start
from unit.state.stores import apply, base_of, draft_of, read_ledger, three_days

from costops.errors import BusyError, ExitCode
from costops.state.reader import open_reader
from costops.state.verify import verify
from costops.state.writer import apply_version


def received(from_child: Connection) -> list[object]:
    """What is in the pipe of a child that has ended."""
    messages = []
    try:
        while True:
            messages.append(from_child.recv())
    except EOFError:
        return messages


def test_a_kill_at_any_moment_leaves_the_old_version_or_the_new_one(tmp_path: Path) -> None:
    state, chance = tmp_path / "costops.db", random.Random(20)

    for _ in range(20):
        child, pipe = start(apply_until_killed, state)
        first = pipe.recv()
        child.join(chance.uniform(0, 0.15))
        child.kill()
        child.join()
        written = [first, *received(pipe)][-1]

        assert child.exitcode == -signal.SIGKILL
        assert verify(state) == ()
        newest = base_of(state).version
        assert newest in (written, written + 1)
        reader = open_reader(state)
        assert reader is not None
        with reader:
            assert reader.ledger().digest == reader.version().draft.result_digest


def test_a_kill_of_the_first_apply_leaves_no_state_or_a_whole_one(tmp_path: Path) -> None:
    left = set()
    for step in range(24):
        state = tmp_path / f"{step}" / "costops.db"
        child, pipe = start(apply_when_told, state, 1)
        assert pipe.recv() == "ready"
        if step > 0:
            pipe.send("go")
            child.join(step * 0.01 if step < 23 else None)
        child.kill()
        child.join()

        left.add(state.exists())
        if state.exists():
            assert verify(state) == ()
            assert read_ledger(state, 1) == month(1)
        else:
            assert open_reader(state) is None
        apply(state, three_days())
        assert verify(state) == ()
    assert left == {False, True}


@pytest.mark.parametrize("versions", [0, 1], ids=["on a first run", "on a version"])
def test_of_two_that_apply_onto_the_same_base_one_wins(tmp_path: Path, versions: int) -> None:
    for attempt in range(6):
        state = tmp_path / f"{attempt}.db"
        for picos in range(versions):
            apply(state, three_days(picos))
        racers = [start(apply_when_told, state, seed) for seed in (1, 2)]
        assert [pipe.recv() for _, pipe in racers] == ["ready", "ready"]
        for _, pipe in racers:
            pipe.send("go")
        outcomes = [pipe.recv() for _, pipe in racers]
        for child, _ in racers:
            child.join()

        assert outcomes.count(f"version {versions + 1}") == 1
        assert set(outcomes) <= {f"version {versions + 1}", "StaleError", "BusyError"}
        assert verify(state) == ()
        assert base_of(state).version == versions + 1
        assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".new")] == []


def test_a_writer_that_holds_the_state_makes_it_busy(tmp_path: Path) -> None:
    state, ledger = tmp_path / "costops.db", three_days(1)
    apply(state, ledger)
    other = sqlite3.connect(state, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(BusyError, match="Another process is writing the state") as raised:
        apply_version(state, base=base_of(state), draft=draft_of(ledger), ledger=ledger, timeout_seconds=0)
    assert raised.value.exit_code == ExitCode.BUSY

    other.execute("ROLLBACK")
    other.close()
    assert apply(state, ledger).number == 2


def test_an_apply_waits_for_another_that_ends_in_time(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(1))
    _, pipe = start(apply_when_told, state, 1)
    assert pipe.recv() == "ready"
    other = sqlite3.connect(state, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    pipe.send("go")

    assert not pipe.poll(0.5)
    other.execute("ROLLBACK")
    other.close()
    assert pipe.recv() == "version 2"
