"""The line that says what is being done: on a terminal, after half a second, and gone when anything else is written."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from cli.commands import Done, costops
from cli.terminal import in_terminal, screen
from workbench import Case, charge, usage, write

from costops.cli.progress import Bar, drawn
from costops.demo.generate import generate
from costops.demo.init import init_workspace
from costops.model.progress import Share
from costops.workspace import open_workspace

pytestmark = pytest.mark.xdist_group("progress")


def demo(folder: Path, rows: int) -> Path:
    init_workspace(folder, demo=True)
    generate(folder, rows=rows)
    return folder


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bill that takes some seconds to read."""
    return demo(tmp_path_factory.mktemp("big") / "demo", 400_000)


@pytest.fixture(scope="module")
def middling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bill that takes longer than half a second to plan on."""
    return demo(tmp_path_factory.mktemp("middling") / "demo", 40_000)


@pytest.fixture(scope="module")
def piped(middling: Path) -> Done:
    """The plan on it without a terminal."""
    return costops(middling, "plan", environment={"TERM": "xterm", "COLUMNS": "100"})


def test_a_line_says_what_is_being_done_and_is_gone_when_the_result_is_there(big: Path) -> None:
    piped = costops(big, "plan", environment={"COLUMNS": "80"})
    shown = in_terminal(big, "plan", "--full")
    assert shown.code == 0
    first_at, first = shown.pieces[0]
    assert first.startswith(b"\r\x1b[K")
    assert first_at >= 0.5, "nothing is shown in the first half second"
    assert shown.screen == [*piped.err.splitlines(), *piped.out.splitlines()]
    seen = "\n".join(shown.lines_seen)
    assert re.search(r"reading cloud, \d files?, (first|second) pass", seen)
    assert re.search(r"evaluating rule \d+ of 13 \([a-z-]+\)", seen)
    assert re.search(r"\[#+\.+\]  \d\d %  \d s  (reading cloud|evaluating rule)", seen)
    assert max(map(len, shown.lines_seen)) < 80


def test_a_quick_command_shows_nothing(middling: Path) -> None:
    shown = in_terminal(middling, "validate", "--no-data")
    assert (shown.code, shown.output) == (0, b"")


def test_the_line_stays_out_of_a_result_that_goes_elsewhere(middling: Path, piped: Done) -> None:
    shown = in_terminal(middling, "plan", stdout_is_pipe=True)
    assert shown.stdout.decode() == piped.out
    assert shown.screen == piped.err.splitlines()
    assert any("evaluating rule" in line for line in shown.lines_seen)


def test_without_a_terminal_nothing_of_it_is_written(piped: Done) -> None:
    assert "\r" not in piped.out + piped.err
    assert "\x1b" not in piped.out + piped.err
    assert "reading cloud" not in piped.out + piped.err


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"CI": "true"}], ids=["dumb", "CI"])
def test_a_terminal_that_is_none_gets_no_line(middling: Path, environment: dict[str, str]) -> None:
    shown = in_terminal(middling, "plan", environment=environment)
    assert shown.code == 0
    assert b"\x1b" not in shown.output
    assert b"reading cloud" not in shown.output


def test_forty_columns_are_enough(middling: Path) -> None:
    shown = in_terminal(middling, "plan", columns=40)
    assert shown.code == 0
    assert any(re.fullmatch(r" *\d+ %  \d+ s  evaluating rule \d.*\.\.\.", line) for line in shown.lines_seen)
    assert max(map(len, shown.lines_seen)) < 40


def test_the_line_is_gone_when_apply_asks_and_when_it_writes(middling: Path) -> None:
    shown = in_terminal(middling, "apply", answers={b"Write this version?": b"no\n"})
    assert shown.code == 8
    assert "Write this version? no" in shown.screen
    assert shown.screen[-1] == "costops: not approved; nothing was written"


def test_ctrl_c_while_the_bill_is_read_leaves_one_sentence_on_the_screen(big: Path) -> None:
    shown = in_terminal(big, "plan", "--full", answers={b"reading cloud, ": b"\x03"})
    assert shown.code == 130
    assert shown.screen == ["costops: interrupted; nothing was changed"]


class Heard:
    """Notes what is told, and how much is done."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, Share | None]] = []

    def stage(self, words: str, share: Share | None = None) -> None:
        self.stages.append((words, share))


def test_a_plan_and_an_apply_tell_what_they_do(tmp_path: Path) -> None:
    rules = """\
labels:
  - {id: env, from: Tags.env}
metrics:
  - {id: hours, source: warehouse, query: hours, labels: {env: env}}
allocations:
  - {id: support, source: {where: {ServiceName: Support}}, method: even, to: {dimension: env}}
  - {id: rest, source: {where: {env: null}}, method: metric, basis: {metric: hours}, to: {dimension: env}}
"""
    bill = [charge("EC2", "10", env="production"), charge("Support", "5"), charge("Tax", "1")]
    write(Case(rules, bill, [usage("hours", "1", env="production")], report=("env",)), tmp_path)
    heard = Heard()
    workspace = open_workspace(tmp_path, environment={}, progress=heard)
    plan = workspace.plan()
    told = [words for words, _ in heard.stages]
    in_order = [
        "looking at the bill's files",
        "reading the rule files",
        "looking at the metrics' files",
        "comparing the rules",
        "starting the engine",
        "reading cloud, 1 file, first pass",
        "reading cloud, 1 file, second pass",
        "reading metric hours",
        "evaluating rule 1 of 2 (support)",
        "evaluating rule 2 of 2 (rest)",
        "making the plan",
    ]
    assert [words for words in told if words in in_order] == in_order
    evaluating = [share() for words, share in heard.stages if words.startswith("evaluating") and share is not None]
    assert evaluating == sorted(share for share in evaluating if share is not None)
    assert all(share is not None and 0 <= share < 1 for share in evaluating)
    reading = [share for words, share in heard.stages if words.startswith("reading cloud") and share is not None]
    assert [share() for share in reading] == [None, None], "the connection is closed, and nobody asks it"
    workspace.apply(plan)
    assert heard.stages[-1] == ("writing version 1", None)


def test_a_line_for_every_width() -> None:
    words = "evaluating rule 12 of 20 (support-by-team)"
    assert drawn(words, 0.4567, 3, 100) == f"[#########...........]  45 %  3 s  {words}"
    assert drawn(words, 0.4567, 3, 60) == "[####......]  45 %  3 s  evaluating rule 12 of 20 (suppo..."
    assert drawn(words, 0.4567, 3, 40) == " 45 %  3 s  evaluating rule 12 of 20..."
    assert drawn(words, None, 61, 100) == f"61 s  {words}"
    assert drawn(words, 0.5, 3, 10) == ""
    assert drawn("reading", 1.0, 0, 80) == "[####################] 100 %  0 s  reading"


def test_a_wide_character_takes_two_columns() -> None:
    line = drawn("読み込み中" * 10, None, 3, 40)
    assert line == "3 s  " + "読み込み中" * 3 + "..."
    assert 5 + 15 * 2 + 3 < 40


def written(capfd: pytest.CaptureFixture[str], enough: Callable[[str], bool]) -> str:
    """What goes to stderr until it is enough."""
    text, deadline = "", time.monotonic() + 30
    while not enough(text):
        assert time.monotonic() < deadline, text
        Event().wait(0.02)
        text += capfd.readouterr().err
    return text


def test_text_of_strangers_cannot_move_the_cursor(capfd: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.stage("evaluating rule 1 of 1 (\x1b[2J\u202eevil\nline)")
    shown = written(capfd, lambda text: "evil" in text)
    bar.erase()
    assert r"(\x1b[2J\u202eevil\nline)" in screen((shown + capfd.readouterr().err).encode())[1][-1]


def test_within_a_stage_the_share_never_falls(capfd: pytest.CaptureFixture[str]) -> None:
    shares = iter([None, 0.9, 0.2, 0.3, None])
    bar = Bar()
    bar.stage("reading", lambda: next(shares, 1.0))
    shown = written(capfd, lambda text: "100 %" in text)
    bar.erase()
    percents = [int(found) for found in re.findall(r"(\d+) %", shown)]
    assert percents == sorted(percents)
    assert percents[0] == 90


def test_what_was_erased_stays_away_until_the_next_stage(capfd: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.stage("reading")
    written(capfd, lambda text: "reading" in text)
    bar.erase()
    bar.erase()
    assert capfd.readouterr().err.count("\r\x1b[K") <= 2
    bar.stage("writing version 3")
    assert "reading" not in written(capfd, lambda text: "writing version 3" in text)
    bar.erase()
