"""Applies that are killed at any moment or race each other, bytes that flip, backups under a writer.

The processes run the whole command line and are ended by SIGKILL. COSTOPS_THOROUGH=1 takes the full numbers, with a
Python of its own for every process; COSTOPS_FIRE_SEED repeats or changes the moments and places.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from cli.processes import Command, forked, kill_all, spawned
from workbench import Case, charge, write, write_rules

from costops.model.plan import Plan
from costops.model.state_file import StateCheck
from costops.workspace import open_workspace

THOROUGH = os.environ.get("COSTOPS_THOROUGH") == "1"
SEED = int(os.environ.get("COSTOPS_FIRE_SEED") or 5)
KILLS, FIRST_KILLS, RESTORE_KILLS = (160, 40, 60) if THOROUGH else (16, 6, 8)
RACES, FLIPS, BACKUPS = (100, 500, 50) if THOROUGH else (10, 150, 10)
start = spawned if THOROUGH else forked
DAYS = [f"2025-04-{day:02}" for day in range(1, 31)]
TEAMS = [f"team-{number:02}" for number in range(20)]
BILL = [
    charge("EC2", f"{number}.{day[-2:]}", day=day, env="prod", team=team)
    for day in DAYS
    for number, team in enumerate(TEAMS, start=10)
] + [charge("Support", f"100.{day[-2:]}", day=day) for day in DAYS]
"""No two days alike, so that the state keeps each."""
SPLITS = ((60, 40), (30, 70))


def tell(capsys: pytest.CaptureFixture[str], figures: str) -> None:
    """The figures of a thorough run, for its reader."""
    if THOROUGH:
        with capsys.disabled():
            sys.stdout.write(f"\n  {figures}\n")


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    kill_all()


def rules(split: tuple[int, int]) -> str:
    return f"""\
labels:
  - {{id: env, from: Tags.env}}
  - {{id: team, from: Tags.team}}
allocations:
  - id: support-by-env
    source: {{where: {{ServiceName: Support}}}}
    method: percent
    to: {{dimension: env, percent: {{prod: {split[0]}, staging: {split[1]}}}}}
  - id: staging-by-team
    source: {{where: {{ServiceName: Support}}, allocated: include}}
    method: even
    into: team
    to: {{dimension: team, values: {TEAMS}}}
"""


def workspace(folder: Path, split: tuple[int, int] = SPLITS[0]) -> Path:
    return write(Case(rules(split), BILL), folder)


def planned(folder: Path, state: str) -> Plan:
    with open_workspace(folder, flags={"state": state}, environment={}) as opened:
        return opened.plan()


def checked(folder: Path, state: str) -> StateCheck:
    with open_workspace(folder, flags={"state": state}, environment={}) as opened:
        return opened.check_state()


def apply(folder: Path, state: str, **options: bool) -> Command:
    return start(folder, "--state", state, "apply", "--auto-approve", **options)


def history(path: Path) -> list[tuple[int, int, str, str]]:
    """(number, serial, hash before, hash) of every version."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT number, serial, previous_hash, hash FROM version ORDER BY number").fetchall()


SPANS = ("the whole life", "from the lock to the end", "inside the transaction")


def measured(folder: Path, state: str) -> dict[str, float]:
    """How long each of the SPANS of an apply is, in seconds.

    A guess, which becomes shorter when a kill comes too late, and longer again when one comes in time.
    """
    began = time.monotonic()
    command = apply(folder, state)
    command.asks_for_the_lock()
    locked = time.monotonic()
    assert command.words.recv_bytes() == b"commit"
    committing = time.monotonic()
    assert command.done().code == 0
    ended = time.monotonic()
    return dict(zip(SPANS, (ended - began, ended - locked, committing - locked), strict=True))


def kill_somewhere(command: Command, chance: random.Random, spans: dict[str, float], number: int) -> tuple[bool, str]:
    """SIGKILL at a random moment of a span; whether it hit, and what the process was doing."""
    span = SPANS[number % len(SPANS)]
    if span != SPANS[0]:
        command.asks_for_the_lock()
    time.sleep(chance.uniform(0, spans[span] * 1.05))
    hit = command.kill()
    words = command.heard()
    last = words[-1] if words else b"" if span == SPANS[0] else b"lock"
    in_time = hit and not (span == SPANS[2] and last == b"after")
    spans[span] *= 1.1 if in_time else 0.8
    return hit, {b"": "before the lock", b"lock": "in the transaction", b"commit": "committing"}.get(last, "after it")


def test_a_kill_at_any_moment_leaves_a_whole_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, state, chance = workspace(tmp_path / "w"), "state/costops.db", random.Random(SEED)
    path = folder / state
    assert apply(folder, state).done().code == 0
    results = [planned(folder, state).result_digest]
    write_rules(folder, rules(SPLITS[1]))
    results.append(planned(folder, state).result_digest)
    assert len(set(results)) == 2
    spans = measured(folder, state)
    turn, known, where, kept = 1, history(path), Counter[str](), Counter[str]()

    for attempt in count():
        if where.total() == KILLS:
            break
        following = 1 - turn
        write_rules(folder, rules(SPLITS[following]))
        hit, moment = kill_somewhere(apply(folder, state), chance, spans, attempt)

        found = checked(folder, state)
        assert found.is_sound, found.problems
        versions = history(path)
        assert versions[: len(known)] == known
        assert len(versions) - len(known) in (0, 1)
        assert [row[1] for row in versions] == list(range(1, len(versions) + 1))
        assert found.serial == len(versions)
        assert [row[2] for row in versions[1:]] == [row[3] for row in versions[:-1]]
        plan = planned(folder, state)
        assert plan.base.version == len(versions)
        assert plan.result_digest == results[following]
        assert plan.writes is (len(versions) == len(known))
        if len(versions) > len(known):
            turn = following
        where[moment] += hit
        kept[f"{moment}: {'the new' if len(versions) > len(known) else 'the old'} version"] += hit
        known = versions
    write_rules(folder, rules(SPLITS[1 - turn]))
    assert apply(folder, state).done().code == 0
    assert len(history(path)) == len(known) + 1
    assert sorted(each.name for each in path.parent.iterdir() if "-" not in each.name) == ["costops.db"]
    tell(capsys, f"{KILLS} kills: {dict(sorted(where.items()))}; {dict(sorted(kept.items()))}")
    assert {"before the lock", "in the transaction"} <= set(where)


def test_a_kill_of_the_first_apply_leaves_nothing_or_a_whole_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, chance = workspace(tmp_path / "w"), random.Random(SEED + 1)
    spans, where, left = measured(folder, "measured/costops.db"), Counter[str](), Counter[str]()
    expected = planned(folder, "other/costops.db").result_digest

    for attempt in count():
        if where.total() == FIRST_KILLS:
            break
        state = f"state-{attempt}/costops.db"
        path = folder / state
        hit, moment = kill_somewhere(apply(folder, state), chance, spans, attempt)

        is_there = path.exists()
        plan = planned(folder, state)
        assert (plan.base.version, plan.writes, plan.result_digest) == ((1, False) if is_there else (None, True)) + (
            expected,
        )
        if is_there:
            assert checked(folder, state).is_sound
        hidden = [each for each in path.parent.glob(".*") if ".new" in each.name]
        again = apply(folder, state).done()
        assert again.code == 0
        assert ("Applied as version 1." in again.out) is not is_there
        assert checked(folder, state).is_sound
        for each in hidden:
            os.utime(each, (0, 0))
        write_rules(folder, rules(SPLITS[1]))
        assert not hidden or apply(folder, state).done().code == 0
        assert [each.name for each in path.parent.glob(".*")] == []
        write_rules(folder, rules(SPLITS[0]))
        where[moment] += hit
        left[f"{moment}: {'a whole state' if is_there else 'a hidden file' if hidden else 'nothing'}"] += hit
    tell(capsys, f"{FIRST_KILLS} kills of a first apply: {dict(sorted(left.items()))}")


def test_a_kill_of_a_restore_leaves_the_old_state_or_the_new_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, state, chance = workspace(tmp_path / "w"), "state/costops.db", random.Random(SEED + 3)
    path, backups = folder / state, [folder / "1.db", folder / "2.db"]
    for split, backup in zip(SPLITS, backups, strict=True):
        write_rules(folder, rules(split))
        assert apply(folder, state).done().code == 0
        with open_workspace(folder, environment={}) as opened:
            opened.back_up_state(backup)
    whole = [history(backup) for backup in backups]
    began = time.monotonic()
    assert start(folder, "state", "restore", str(backups[0]), "--auto-approve").done().code == 0
    life, outcomes = time.monotonic() - began, Counter[str]()

    while outcomes.total() < RESTORE_KILLS:
        before = history(path)
        turn = 1 - whole.index(before)
        damaged = outcomes.total() % 2 == 1
        if damaged:
            os.truncate(path, 5000)
        command = start(folder, "state", "restore", str(backups[turn]), "--auto-approve")
        # Half of the kills come when the old content has just been kept, and the new one is about to take its place.
        late = outcomes.total() % 4 > 1
        deadline = time.monotonic() + 20
        while late and not list(path.parent.glob("costops.db.replaced-?")) and time.monotonic() < deadline:
            if not command.is_running():
                assert command.done().code == 0
                break
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03) if late else chance.uniform(life / 4, life * 1.05))
        hit = command.kill()
        found = checked(folder, state)
        if not found.is_sound:
            assert damaged, found.problems
            assert start(folder, "state", "restore", str(backups[turn]), "--auto-approve").done().code == 0
        assert checked(folder, state).is_sound
        after = history(path)
        assert after in whole
        kept = sorted(path.parent.glob("costops.db.replaced-?"))
        # Of a damaged state its 5,000 bytes are kept, and the empty file that a kill may have left in its place.
        sizes = {each.name: each.stat().st_size for each in kept}
        wrong = [each for each in kept if not (damaged and sizes[each.name] in (0, 5000))]
        assert all(checked(folder, str(each)).is_sound for each in wrong), sizes
        assert after == before or kept, "what was replaced is kept"
        for each in path.parent.glob("costops.db.replaced-*"):
            each.unlink()
        state_is = "was damaged" if not found.is_sound else "the old" if after == before else "the new"
        outcomes[f"over a {'damaged' if damaged else 'sound'} state: {state_is}"] += hit
    tell(capsys, f"{RESTORE_KILLS} kills of a restore: {dict(sorted(outcomes.items()))}")


@pytest.mark.parametrize("first", [True, False], ids=["on a first run", "on a version"])
def test_the_serial_counts_the_applies_that_won(
    tmp_path: Path, first: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [workspace(tmp_path / name, split) for name, split in zip("ab", SPLITS, strict=True)]
    outcomes: Counter[str] = Counter()
    state = tmp_path / "state" / "costops.db"
    successes = 0

    for race in range(RACES // 2):
        if first:
            shutil.rmtree(state.parent, ignore_errors=True)
            successes = 0
        elif race == 0:
            assert apply(folders[0], str(state)).done().code == 0
            successes = 1
        for folder, split in zip(folders, SPLITS, strict=True):
            write_rules(folder, rules((split[0] - race % 30 - 1, split[1] + race % 30 + 1)))
        patience = {"COSTOPS_WAIT": str(10 * (race % 2))}
        racers = [
            start(folder, "--state", str(state), "apply", "--auto-approve", environment=patience, hold=True)
            for folder in folders
        ]
        for racer in racers:
            racer.asks_for_the_lock()
        for racer in racers:
            racer.words.send_bytes(b"go")
        ended = [racer.done() for racer in racers]

        won = [each for each in ended if each.code == 0]
        assert len(won) == 1
        assert f"Applied as version {successes + 1}." in won[0].out
        lost = next(each for each in ended if each.code != 0)
        assert lost.code in (5, 6), lost.err
        words = {
            5: ("moved since the plan", "meanwhile", "before anything was applied"),
            6: ("Another process is writing",),
        }
        assert any(each in lost.err for each in words[lost.code]), lost.err
        assert str(state) in lost.err
        assert "help: " in lost.err
        successes += 1
        found = checked(folders[0], str(state))
        assert found.is_sound
        assert found.serial == found.versions == successes
        outcomes[f"lost with {lost.code}"] += 1
    tell(capsys, f"{RACES // 2} races: {dict(sorted(outcomes.items()))}")
    assert outcomes


def logical_content(path: Path) -> list[object]:
    """Everything that the file says, whichever byte it is kept in."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        marks = [connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")]
        return [*connection.iterdump(), *marks]


def test_the_check_finds_every_flipped_bit_of_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, state = workspace(tmp_path / "w"), "state/costops.db"
    for split in SPLITS:
        write_rules(folder, rules(split))
        assert apply(folder, state).done().code == 0
    original = (folder / state).read_bytes()
    said = logical_content(folder / state)
    used = [place for place, byte in enumerate(original) if byte]
    outcomes, chance = Counter[str](), random.Random(SEED + 2)

    while outcomes["found"] < FLIPS:
        place = chance.choice(used) if outcomes.total() % 2 else chance.randrange(len(original))
        bit = 1 << chance.randrange(8)
        shutil.rmtree(folder / "flipped", ignore_errors=True)
        flipped = folder / "flipped" / "costops.db"
        flipped.parent.mkdir()
        flipped.write_bytes(original[:place] + bytes([original[place] ^ bit]) + original[place + 1 :])
        if not checked(folder, str(flipped)).is_sound:
            outcomes["found"] += 1
            continue
        try:
            same = logical_content(flipped) == said
        except sqlite3.Error:
            same = False
        outcomes["no content" if same else "missed"] += 1
        assert same, f"bit {bit} of byte {place} of {len(original)} was not found"
    tell(capsys, f"{outcomes.total()} flips in {len(original):,} bytes: {dict(sorted(outcomes.items()))}")


def test_a_backup_while_a_writer_works_is_sound_and_a_whole_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, state = workspace(tmp_path / "w"), "state/costops.db"
    assert apply(folder, state).done().code == 0
    versions: list[int] = []
    turn, writer = 1, None

    for number in range(BACKUPS):
        if writer is None:
            write_rules(folder, rules(SPLITS[turn]))
            turn, writer = 1 - turn, apply(folder, state)
            writer.asks_for_the_lock()
        copy = folder / "backups" / f"{number}.db"
        copy.parent.mkdir(exist_ok=True)
        with open_workspace(folder, environment={}) as opened:
            opened.back_up_state(copy)
        found = checked(folder, str(copy))
        assert found.is_sound, found.problems
        kept, whole = history(copy), history(folder / state)
        assert kept == whole[: len(kept)]
        assert found.versions == found.serial == len(kept) in (len(whole), len(whole) - 1)
        versions.append(found.versions)
        if len(whole) > len(kept) or number % 3 == 2:
            assert writer.done().code == 0
            writer = None
    assert writer is None or writer.done().code == 0
    assert sorted(versions) == versions
    tell(capsys, f"{BACKUPS} backups, of {len(set(versions))} versions")
    assert len(set(versions)) > 1
