"""Ctrl-C and SIGTERM at any moment: one sentence, the right exit code, and either nothing changed or all is written."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cli.commands import Done, costops
from workbench import Case, charge, write

from costops.demo.generate import generate

THOROUGH = os.environ.get("COSTOPS_THOROUGH") == "1"
TRIALS = 300 if THOROUGH else 30
ROWS = 50_000 if THOROUGH else 6_000
PROGRAM = [sys.executable, "-m", "costops"]
ENDS = {
    signal.SIGINT: (130, "costops: interrupted; nothing was changed"),
    signal.SIGTERM: (143, "costops: terminated; nothing was changed"),
    signal.SIGHUP: (143, "costops: terminated; nothing was changed"),
}
FORBIDDEN = ("Traceback", "Exception ignored", "Error in", "Fatal", "nanobind", "KeyboardInterrupt")
STATE = "state/costops.db"
SETTINGS = """\
version: 1
report: [env, team]
billing:
  - {name: cloud, path: "bill/**/*.parquet"}
"""
RULES = """\
labels:
  - {id: env, from: [Tags.env, Tags.environment], transform: [trim, lower]}
  - {id: team, from: Tags.team, transform: [trim, lower]}
allocations:
  - id: support-by-env
    source: {where: {ServiceName: AWS Support}}
    method: proportional
    to: {dimension: env}
  - id: untagged-by-team
    source: {where: {team: null}}
    method: proportional
    to: {dimension: team}
"""


@dataclass(frozen=True)
class Prepared:
    """A workspace to copy, and what its commands say when nobody interrupts them."""

    folder: Path
    arguments: tuple[str, ...]
    seconds: float
    """How long the command takes."""
    done: Done
    plan_before: dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One command that is interrupted once."""

    number: int
    prepared: Prepared
    signal: signal.Signals
    share: float | None
    """After this share of its time; None is while it writes the state."""
    delay_seconds: float
    """After that."""


@dataclass(frozen=True)
class Ended:
    """What a trial ended with."""

    interrupted: bool
    latency_seconds: float


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Prepared]:
    """plan and apply, on a workspace without a state and on one with a version and an edited rule."""
    first = tmp_path_factory.mktemp("first") / "demo"
    (first / "rules").mkdir(parents=True)
    (first / "state").mkdir()
    (first / "costops.yaml").write_text(SETTINGS)
    (first / "rules" / "10-rules.yaml").write_text(RULES)
    generate(first, rows=ROWS)
    second = tmp_path_factory.mktemp("second") / "demo"
    shutil.copytree(first, second)
    assert costops(second, "apply", "--auto-approve").code == 0
    (second / "rules" / "10-rules.yaml").write_text(RULES.replace("proportional", "even"))
    commands = {
        "plan, first": (first, ("plan",)),
        "plan --out, next": (second, ("plan", "--out", "saved.json")),
        "apply, first": (first, ("apply", "--auto-approve")),
        "apply, next": (second, ("apply", "--auto-approve")),
    }
    plans = {folder: planned(folder) for folder in (first, second)}
    return {
        name: Prepared(folder, arguments, *timed(folder, arguments, tmp_path_factory.mktemp("timed")), plans[folder])
        for name, (folder, arguments) in commands.items()
    }


def timed(folder: Path, arguments: tuple[str, ...], scratch: Path) -> tuple[float, Done]:
    copy = shutil.copytree(folder, scratch / "demo")
    started = time.monotonic()
    done = costops(copy, *arguments)
    seconds = time.monotonic() - started
    assert done.code == 0, done.err
    return seconds, done


def planned(folder: Path) -> dict[str, Any]:
    done = costops(folder, "plan", "--format", "json")
    assert done.code == 0, done.err
    plan: dict[str, Any] = json.loads(done.out)
    return plan


def trials(prepared: dict[str, Prepared]) -> list[Trial]:
    chosen = random.Random(20_260)
    made = []
    for number in range(TRIALS):
        name = tuple(prepared)[number % 4]
        # Writing takes a hundredth of the time, and is where it matters most.
        aimed = name.startswith("apply") and number % 8 >= 4
        made.append(
            Trial(
                number,
                prepared[name],
                chosen.choice((signal.SIGINT, signal.SIGTERM)),
                None if aimed else chosen.random() * 1.05,
                chosen.random() * 0.4 if aimed else 0.0,
            )
        )
    return made


@pytest.mark.xdist_group("interruption")
def test_an_interruption_at_any_moment(
    prepared: dict[str, Prepared], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda trial: attempt(trial, tmp_path / str(trial.number)), trials(prepared)))
    latencies = [each.latency_seconds for each in ended if each.interrupted]
    assert len(latencies) > TRIALS // 3
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{len(latencies)} of {TRIALS} interrupted; from signal to exit median "
            f"{statistics.median(latencies) * 1000:.0f} ms, longest {max(latencies) * 1000:.0f} ms"
        )
    assert max(latencies) < 1.0


def attempt(trial: Trial, place: Path) -> Ended:
    """Run a trial and look at everything it must have left as it was."""
    folder = place / "demo"
    shutil.copytree(trial.prepared.folder, folder)
    (place / "tmp").mkdir()
    before = files(place)
    process = subprocess.Popen(
        [*PROGRAM, *trial.prepared.arguments],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(place / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    await_watch(process)
    if trial.share is None:
        await_writing(process, folder)
    Event().wait((trial.share or 0.0) * trial.prepared.seconds + trial.delay_seconds)
    sent = time.monotonic()
    process.send_signal(trial.signal)
    out, err = (each.decode() for each in process.communicate(timeout=120))
    latency_seconds = time.monotonic() - sent
    code, sentence = ENDS[trial.signal]
    told = f"trial {trial.number}, {trial.prepared.arguments}, {trial.signal.name}: {process.returncode}\n{err}"
    assert not [word for word in FORBIDDEN if word in err], told
    if process.returncode == 0:
        check_whole(trial, place, before, out, told)
    else:
        assert process.returncode == code, told
        assert err.count("costops: ") == 1, told
        assert err.splitlines()[-1] == sentence, told
        assert files(place) == before, told
        if trial.share is None:
            assert planned(folder) == trial.prepared.plan_before, told
    shutil.rmtree(place)
    return Ended(process.returncode != 0, latency_seconds)


def check_whole(trial: Trial, place: Path, before: dict[str, int | None], out: str, told: str) -> None:
    """The signal came too late: the command did all that it does, and said so."""
    assert out == trial.prepared.done.out, told
    command, *options = trial.prepared.arguments
    new = {f"demo/{STATE}"} if command == "apply" else {"demo/saved.json"} if options else set()
    after = files(place)
    assert set(after) == set(before) | new, told
    assert {name: size for name, size in after.items() if name not in new} == {
        name: size for name, size in before.items() if name not in new
    }, told
    if command == "apply":
        plan = planned(place / "demo")
        assert plan["changes"] == [], told
        assert f"Applied as version {plan['base']['version']}.\n" in out, told


def files(place: Path) -> dict[str, int | None]:
    """Every file with its time of change, without the cache and the empty log that readers of a state leave."""
    found = {}
    for each in sorted(place.rglob("*")):
        name = each.relative_to(place).as_posix()
        remembered = ("demo/.costops/cache/hashes.json", "demo/.costops/cache/shapes.json")
        folders = ("demo/.costops/cache/cells/", "demo/.costops/cache/evaluations/")
        is_cache = name in remembered or name.startswith(folders)
        is_log = name == f"demo/{STATE}-shm" or (name == f"demo/{STATE}-wal" and each.stat().st_size == 0)
        unfinished = name.startswith(tuple(f"{folder}." for folder in folders))
        if each.is_file() and not is_log and (not is_cache or unfinished):
            found[name] = each.stat().st_mtime_ns
    return found


def await_watch(process: subprocess.Popen[bytes]) -> None:
    """Wait until the program catches SIGTERM: before that, Python itself is only starting."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        Event().wait(0.001)


def await_writing(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until the state, or the file that becomes it, is being written."""
    log = folder / f"{STATE}-wal"
    while process.poll() is None:
        if list((folder / "state").glob(".costops.db.*.new")) or (log.exists() and log.stat().st_size):
            return
        Event().wait(0.001)


SMALL = "labels:\n  - {id: env, from: Tags.env}\n"
BILL = [charge("EC2", "10", env="production"), charge("Support", "5")]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return write(Case(SMALL, BILL, report=("env",)), tmp_path / "workspace")


FAULT = """
import os, signal, sqlite3, time

def interrupt():
    open("interrupted", "w").close()
    # Twice, and with time for it to be heeded.
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGNAL)
        time.sleep(0.2)

class Connection(sqlite3.Connection):
    writes = False

    def execute(self, statement, *parameters):
        self.writes = self.writes or statement == "BEGIN IMMEDIATE"
        if self.writes and statement.startswith("BEFORE"):
            interrupt()
        done = super().execute(statement, *parameters)
        if self.writes and statement.startswith("AFTER"):
            interrupt()
        return done

def connected(*arguments, connect=sqlite3.connect, **options):
    return connect(*arguments, factory=Connection, **options)

sqlite3.connect = connected
linked = os.link

def link(*arguments, **options):
    if "LINK" == "before":
        interrupt()
    linked(*arguments, **options)
    if "LINK" == "after":
        interrupt()

os.link = link

from costops.cli import main

main(["apply", "--auto-approve"])
"""


def faulty_apply(folder: Path, name: str, *, before: str = "-", after: str = "-", link: str = "-") -> Done:
    """An apply that is interrupted exactly before or after a statement or the link of the first version."""
    program = FAULT.replace("SIGNAL", name).replace("BEFORE", before).replace("AFTER", after).replace("LINK", link)
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, timeout=60, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert not [word for word in FORBIDDEN if word in err], err
    assert (folder / "interrupted").exists(), "the moment never came"
    return Done(done.returncode, out, err)


def with_a_version(folder: Path) -> Path:
    assert costops(folder, "apply", "--auto-approve").code == 0
    (folder / "rules" / "10-rules.yaml").write_text(SMALL.replace("Tags.env}", "Tags.env, transform: upper}"))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of the state's folder, without the empty log that readers leave."""
    logs = ("-wal", "-shm")
    found = {each.name: each.read_bytes() for each in sorted((folder / "state").glob("*"))}
    assert not found.get("costops.db-wal")
    return {name: content for name, content in found.items() if not name.endswith(logs)}


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("SIGINT", {"before": "COMMIT"}),
        ("SIGTERM", {"before": "COMMIT"}),
        ("SIGINT", {"after": "COMMIT"}),
        ("SIGHUP", {"before": "PRAGMA wal_checkpoint"}),
    ],
    ids=["begins", "begins, SIGTERM", "is over", "is over, before tidying"],
)
def test_from_commit_on_the_version_is_written_and_said_to_be(
    workspace: Path, name: str, moment: dict[str, str]
) -> None:
    # The connection sees COMMIT after the last look whether somebody asks to stop.
    done = faulty_apply(with_a_version(workspace), name, **moment)
    assert (done.code, done.out.splitlines()[-1]) == (0, "Applied as version 2.")
    assert "costops:" not in done.err
    assert costops(workspace, "history").out.count("\n") == 3


@pytest.mark.parametrize("link", ["before", "after"])
def test_from_the_link_on_the_first_version_is_written_and_said_to_be(workspace: Path, link: str) -> None:
    done = faulty_apply(workspace, "SIGINT", link=link)
    assert (done.code, done.out.splitlines()[-1]) == (0, "Applied as version 1.")
    assert "costops:" not in done.err
    assert list(contents(workspace)) == ["costops.db"]


@pytest.mark.parametrize(
    ("name", "statement"),
    [("SIGINT", "BEGIN IMMEDIATE"), ("SIGHUP", "INSERT INTO version"), ("SIGTERM", "UPDATE meta")],
)
def test_before_commit_everything_is_rolled_back(workspace: Path, name: str, statement: str) -> None:
    before = contents(with_a_version(workspace))
    done = faulty_apply(workspace, name, after=statement)
    code, sentence = ENDS[signal.Signals[name]]
    assert (done.code, done.err) == (code, sentence + "\n")
    assert "Applied" not in done.out
    assert contents(workspace) == before


def test_a_first_version_that_was_interrupted_leaves_no_file(workspace: Path) -> None:
    done = faulty_apply(workspace, "SIGTERM", after="INSERT INTO version")
    assert done.code == 143
    assert contents(workspace) == {}


def test_waiting_for_another_writer_can_be_interrupted(workspace: Path) -> None:
    import sqlite3

    with_a_version(workspace)
    other = sqlite3.connect(workspace / STATE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    process = subprocess.Popen(
        [*PROGRAM, "apply", "--auto-approve"], cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    while b"Plan digest" not in process.stdout.readline():
        assert process.poll() is None
    Event().wait(0.5)  # it waits ten seconds for the other
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - sent < 1.0
    assert (process.returncode, err.decode()) == (130, "costops: interrupted; nothing was changed\n")
    other.close()


def test_an_interrupted_init_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([*PROGRAM, "init", "--demo", "new/demo"], cwd=tmp_path, stderr=subprocess.PIPE)
    while not list(tmp_path.glob("new/demo/.costops-init-*/bill/*/*")):
        assert process.poll() is None
        Event().wait(0.001)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.decode()) == (130, "costops: interrupted; nothing was changed\n")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_was_ignored_from_the_start_stays_ignored(workspace: Path) -> None:
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"trap '' HUP; exec {sys.executable} -m costops plan"],
        cwd=workspace,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while "python" not in Path(f"/proc/{process.pid}/exe").readlink().name:
        assert process.poll() is None
    await_watch(process)
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Plan: " in out


def test_the_first_thing_that_is_imported_is_what_heeds_signals() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from costops.cli import main; main(['--version'])"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    imported = [line.split("|")[-1].strip() for line in done.stderr.splitlines()]
    own = [name for name in imported[: imported.index("costops.cli.signals")] if name.startswith("costops")]
    assert set(own) == {"costops", "costops.cli", "costops.errors", "costops.interruption"}
    assert "click" not in imported[: imported.index("costops.cli.signals")]
    assert "pathlib" not in imported[: imported.index("costops.cli.signals")]


def test_a_signal_when_all_is_done_changes_nothing(workspace: Path) -> None:
    program = (
        "import atexit, os, time;"
        "atexit.register(lambda: [(os.kill(os.getpid(), number), time.sleep(0.2)) for number in (2, 15, 1)]);"
        "from costops.cli import main; main(['plan'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=workspace, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Plan: " in done.stdout
    assert "costops:" not in done.stderr
