"""The line now and then in a log: whole, safe, only of work that goes on, and never where nothing takes long."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event

import pytest
from cli.commands import costops
from workbench import Case, charge, write

from costops.cli import output
from costops.cli.heartbeat import EVERY_SECONDS, FIRST_SECONDS, Heartbeat, beat_line
from costops.cli.progress import Bar


def waited(lines: list[str], count: int) -> list[str]:
    deadline = time.monotonic() + 30
    while len(lines) < count:
        assert time.monotonic() < deadline, lines
        Event().wait(0.01)
    return lines


def test_it_begins_after_ten_seconds_and_goes_on_every_thirty() -> None:
    assert (FIRST_SECONDS, EVERY_SECONDS) == (10.0, 30.0)


def test_a_line_says_what_is_done_how_far_and_how_long() -> None:
    assert beat_line("reading cloud, 3 files", 0.456, 40) == "costops: still reading cloud, 3 files (45 %, 40 s so far)"
    assert beat_line("making the plan", None, 10) == "costops: still making the plan (10 s so far)"


def test_text_of_strangers_stays_one_line() -> None:
    line = beat_line("evaluating rule 1 of 1 (\x1b[2J\n::error::\u202e##[group])", None, 10)
    assert line == r"costops: still evaluating rule 1 of 1 (\x1b[2J\n::error::\u202e#\x23[group]) (10 s so far)"


def test_lines_come_again_and_tell_the_newest_stage() -> None:
    lines: list[str] = []
    heartbeat = Heartbeat(first_seconds=0.05, every_seconds=0.05, write=lines.append)
    heartbeat.stage("reading", lambda: 0.5)
    waited(lines, 2)
    heartbeat.stage("writing")
    seen = len(lines)
    assert "still reading (50 %, " in lines[0]
    assert "still writing (" in waited(lines, seen + 2)[-1]
    heartbeat.rest()


def test_it_is_silent_while_nothing_is_worked_on() -> None:
    lines: list[str] = []
    heartbeat = Heartbeat(first_seconds=0.05, every_seconds=0.01, write=lines.append)
    heartbeat.stage("reading")
    waited(lines, 1)
    heartbeat.rest()
    seen = len(lines)
    Event().wait(0.2)
    assert len(lines) == seen
    heartbeat.stage("writing")
    waited(lines, seen + 1)
    heartbeat.rest()


def test_a_quick_command_writes_none() -> None:
    lines: list[str] = []
    heartbeat = Heartbeat(first_seconds=60, every_seconds=0.01, write=lines.append)
    for number in range(100):
        heartbeat.stage(f"evaluating rule {number}")
    Event().wait(0.1)
    assert lines == []


def test_it_writes_whole_lines_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    heartbeat = Heartbeat(first_seconds=0.01, every_seconds=60)
    heartbeat.stage("reading")
    deadline, text = time.monotonic() + 30, ""
    while not text:
        assert time.monotonic() < deadline
        Event().wait(0.01)
        text += capfd.readouterr().err
    assert text == "costops: still reading (0 s so far)\n"


@pytest.mark.parametrize(
    ("terminal", "environment", "kind"),
    [
        (True, {"TERM": "xterm"}, Bar),
        (True, {"TERM": "xterm", "CI": "false"}, Bar),
        (True, {"TERM": "xterm", "CI": "true"}, Heartbeat),
        (False, {"TERM": "xterm"}, Heartbeat),
    ],
    ids=["terminal", "terminal, no CI", "CI", "log"],
)
def test_a_terminal_keeps_its_bar_and_a_log_gets_lines(
    terminal: bool, environment: dict[str, str], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    assert type(output.progress()) is kind


@pytest.mark.parametrize("columns", ["²", "9" * 5000, "-1", "39", "", "100000000"])
def test_odd_columns_are_no_failure(columns: str, tmp_path: Path) -> None:
    write(Case("labels:\n  - {id: env, from: Tags.env}\n", [charge("EC2", "1", env="a")], report=("env",)), tmp_path)
    done = costops(tmp_path, "plan", environment={"COLUMNS": columns})
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 1000
