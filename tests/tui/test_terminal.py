"""`costops tui` as its user starts it: in a real pseudo-terminal, and without one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cli.commands import costops
from tui.driving import WIDE

pytestmark = pytest.mark.xdist_group("tui")

LEAVES_THE_SCREEN = b"\x1b[?1049l"
SHOWS_THE_CURSOR = b"\x1b[?25h"


@dataclass
class Terminal:
    """A pseudo-terminal with a command in it."""

    process: int
    fd: int
    shown: bytes = b""
    marks: list[int] = field(default_factory=list)

    def press(self, keys: str) -> None:
        self.marks.append(len(self.shown))
        os.write(self.fd, keys.encode())

    def wait_for(self, *texts: str, seconds: float = 60) -> None:
        """Until all texts were written since the last key; escape sequences between words do not count."""
        start = self.marks[-1] if self.marks else 0
        deadline = time.monotonic() + seconds
        while not all(text in self.plain(start) for text in texts):
            assert time.monotonic() < deadline, f"{texts} not in {self.plain(start)!r}"
            assert self._read(1), f"it ended before {texts}: {self.plain(start)!r}"

    def plain(self, start: int = 0) -> str:
        text = self.shown[start:].decode(errors="replace")
        return re.sub(r"\x1b(\[[0-9;?<>=:]*[ -/]*[@-~]|[\]P_^][^\x07\x1b]*(\x07|\x1b\\)|[=>78])", "", text)

    def end(self) -> int:
        """The exit code, once everything that the command wrote is read."""
        while self._read(30):
            pass
        _, status = os.waitpid(self.process, 0)
        self.process = 0
        return os.waitstatus_to_exitcode(status)

    def is_restored(self) -> bool:
        """Whether the terminal was told to show its own screen again, and its cursor."""
        pairs = ((b"\x1b[?1049h", LEAVES_THE_SCREEN), (b"\x1b[?25l", SHOWS_THE_CURSOR))
        return all(self.shown.rfind(off) > self.shown.rfind(on) >= 0 for on, off in pairs)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            return False
        self.shown += piece
        return bool(piece)


@pytest.fixture
def start() -> Iterator[Callable[..., Terminal]]:
    """Starts `costops ARGUMENTS` in a folder, in a terminal of 120 by 40."""
    started: list[Terminal] = []

    def begin(folder: Path, *arguments: str, **environment: str) -> Terminal:
        width, height = WIDE
        process, fd = pty.fork()
        if process == 0:
            os.chdir(folder)
            clean = {name: value for name, value in os.environ.items() if not name.startswith(("COSTOPS_", "NO_COLOR"))}
            os.environ.clear()
            os.environ.update({**clean, "TERM": "xterm-256color", **environment})
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            os.execv(sys.executable, [sys.executable, "-m", "costops", *arguments])
        terminal = Terminal(process, fd)
        started.append(terminal)
        return terminal

    yield begin
    for each in started:
        if each.process:
            os.kill(each.process, signal.SIGKILL)
            os.waitpid(each.process, 0)
        os.close(each.fd)


def test_a_person_looks_at_all_three_screens_and_leaves_a_clean_terminal(
    applied: Path, start: Callable[..., Terminal]
) -> None:
    terminal = start(applied, "tui")
    terminal.wait_for("EUR (1 of 2)", "production", "10.00", "100.0 %")
    terminal.press("c")
    terminal.wait_for("USD (2 of 2)", "78.50", "環境テスト", "124.00")
    terminal.press("2")
    terminal.wait_for("[2 rules]", "allocation support-by-team", "Labels make one key of many.")
    terminal.press("3")
    terminal.wait_for("[3 order]", "284.00", "264.00", "took nothing", "259.00")
    settings = termios.tcgetattr(terminal.fd)
    assert not settings[3] & (termios.ECHO | termios.ICANON)
    terminal.press("q")
    assert terminal.end() == 0
    assert terminal.is_restored()
    assert "Traceback" not in terminal.plain()


def test_the_line_settings_of_the_terminal_are_as_they_were(applied: Path, tmp_path: Path) -> None:
    # The settings of a pseudo-terminal are gone with its last process, so a shell stays in it and prints them.
    program = f"stty -g; {sys.executable} -m costops tui; echo code=$?; stty -g"
    process, fd = pty.fork()
    if process == 0:
        os.chdir(applied)
        os.environ["TERM"] = "xterm-256color"
        os.execv("/bin/sh", ["/bin/sh", "-c", program])
    terminal = Terminal(process, fd)
    try:
        terminal.wait_for("production", "10.00")
        terminal.press("q")
        assert terminal.end() == 0
    finally:
        os.close(fd)
    plain = terminal.plain()
    assert "code=0" in plain
    printed = re.findall(r"^([0-9a-f]+(?::[0-9a-f]+){10,})\r?$", plain, re.MULTILINE)
    assert len(printed) == 2
    assert printed[0] == printed[1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_restores_the_terminal_and_ends_with_its_code(
    number: signal.Signals, code: int, applied: Path, start: Callable[..., Terminal]
) -> None:
    terminal = start(applied, "tui")
    terminal.wait_for("production")
    os.kill(terminal.process, number)
    assert terminal.end() == code
    assert terminal.is_restored()
    assert "Traceback" not in terminal.plain()


def test_an_error_of_the_program_itself_is_exit_code_1_on_a_restored_terminal(applied: Path) -> None:
    program = (
        "import costops.digest.build as build\n"
        "def broken(*arguments, **options): raise ZeroDivisionError('a bug')\n"
        "build.make_digest = broken\n"
        "from costops.cli import main; main(['tui'])"
    )
    process, fd = pty.fork()
    if process == 0:
        os.chdir(applied)
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-c", program])
    terminal = Terminal(process, fd)
    try:
        assert terminal.end() == 1
    finally:
        os.close(fd)
    assert terminal.is_restored()
    assert "ZeroDivisionError" in terminal.plain()


def test_wrong_use_is_told_before_the_screen_is_taken(tmp_path: Path, start: Callable[..., Terminal]) -> None:
    terminal = start(tmp_path, "tui")
    assert terminal.end() == 64
    assert "no costops.yaml was found" in terminal.plain()
    assert b"\x1b[?1049h" not in terminal.shown


@pytest.mark.parametrize("arguments", [(), ("--demo",)], ids=["tui", "demo"])
def test_without_a_terminal_it_names_the_commands_to_use_instead(arguments: tuple[str, ...], applied: Path) -> None:
    done = costops(applied, "tui", *arguments)
    assert done.code == 64
    assert done.out == ""
    assert "costops tui needs a terminal" in done.err
    assert "costops digest" in done.err


def test_a_dumb_terminal_is_none(applied: Path, start: Callable[..., Terminal]) -> None:
    terminal = start(applied, "tui", TERM="dumb")
    assert terminal.end() == 64
    assert "costops digest" in terminal.plain()


def test_stdout_that_is_a_file_is_no_terminal(applied: Path, tmp_path: Path) -> None:
    process, fd = pty.fork()
    if process == 0:
        os.chdir(applied)
        os.execv("/bin/sh", ["/bin/sh", "-c", f"{sys.executable} -m costops tui > {tmp_path / 'out'}"])
    terminal = Terminal(process, fd)
    try:
        assert terminal.end() == 64
    finally:
        os.close(fd)
    assert (tmp_path / "out").read_bytes() == b""


def test_the_demo_shows_a_generated_workspace_and_leaves_nothing_behind(
    tmp_path: Path, start: Callable[..., Terminal]
) -> None:
    terminal = start(tmp_path, "tui", "--demo", TMPDIR=str(tmp_path))
    terminal.wait_for("Making the demo workspace", "[1 digest]", "production", "staging", seconds=120)
    terminal.press("q")
    assert terminal.end() == 0
    assert terminal.is_restored()
    assert list(tmp_path.iterdir()) == []


def test_importing_the_command_line_loads_no_textual_and_the_application_no_duckdb() -> None:
    program = (
        "import sys, costops.cli.run, costops.cli.tui; assert 'textual' not in sys.modules;"
        "import costops_tui.app; assert 'duckdb' not in sys.modules; assert 'sqlite3' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
