"""Runs the command line in a pseudo-terminal, as a person sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Shown:
    """What a command in a terminal ended with, and what it wrote there."""

    code: int
    output: bytes
    """Everything that came out of the terminal, what was typed included."""
    stdout: bytes
    """What came out of the pipe, where stdout was one."""
    pieces: tuple[tuple[float, bytes], ...]
    """What came when: seconds since the start."""

    @property
    def screen(self) -> list[str]:
        """The lines that are left on the screen."""
        return screen(self.output)[0]

    @property
    def lines_seen(self) -> list[str]:
        """Every line that was on the screen at some time and did not stay there."""
        return screen(self.output)[1]


@dataclass
class Typing:
    """What a person types once something is shown: bytes by what they wait for."""

    answers: Mapping[bytes, bytes] = field(default_factory=dict)
    done: set[bytes] = field(default_factory=set)

    def answer(self, terminal: int, shown: bytes) -> None:
        for awaited, typed in self.answers.items():
            if awaited in shown and awaited not in self.done:
                self.done.add(awaited)
                os.write(terminal, typed)


def in_terminal(
    folder: Path,
    *arguments: str,
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
    answers: Mapping[bytes, bytes] | None = None,
    stdout_is_pipe: bool = False,
) -> Shown:
    """`costops ARGUMENTS` with a terminal of its own as stdin, stderr and, unless it is a pipe, stdout."""
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in ("CI", "COLUMNS", "NO_COLOR")}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "costops", *arguments],
        cwd=folder,
        env={**clean, "TERM": "xterm", **(environment or {})},
        stdin=inner,
        stdout=subprocess.PIPE if stdout_is_pipe else inner,
        stderr=inner,
        start_new_session=True,
        # So that ctrl-C is a signal; safe here, where no other thread holds a lock that this needs.
        preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )
    os.close(inner)
    pipe = process.stdout.fileno() if process.stdout is not None else None
    typing, output, stdout, pieces = Typing(answers or {}), b"", b"", []
    open_ends = [end for end in (terminal, pipe) if end is not None]
    while open_ends and time.monotonic() - started < LIMIT_SECONDS:
        for end in select.select(open_ends, [], [], 1)[0]:
            piece = _read(end)
            if not piece:
                open_ends.remove(end)
            elif end == pipe:
                stdout += piece
            else:
                pieces.append((time.monotonic() - started, piece))
                output += piece
                typing.answer(terminal, output)
    code = process.wait(timeout=LIMIT_SECONDS)
    os.close(terminal)
    if process.stdout is not None:
        process.stdout.close()
    return Shown(code, output, stdout, tuple(pieces))


def _read(end: int) -> bytes:
    try:
        return os.read(end, 65536)
    except OSError:  # how a terminal says that nobody is at its other end
        return b""


def screen(output: bytes) -> tuple[list[str], list[str]]:
    """The lines that are left on a screen of endless height, and those that were overwritten or erased.

    It knows a new line, the return to the start of a line, and erasing to its end; anything else fails.
    """
    lines, column, gone = [""], 0, []
    text = output.decode()
    place = 0
    while place < len(text):
        if text.startswith("\x1b[K", place):
            gone += [lines[-1]] if lines[-1][column:] else []
            lines[-1] = lines[-1][:column]
            place += 3
            continue
        mark = text[place]
        place += 1
        if mark == "\r":
            column = 0
        elif mark == "\n":
            lines.append("")
        else:
            assert mark >= " ", f"{mark!r} in {text[max(0, place - 40) : place + 20]!r}"
            lines[-1] = lines[-1][:column] + mark + lines[-1][column + 1 :]
            column += 1
    return lines[:-1] if lines[-1] == "" else lines, gone
