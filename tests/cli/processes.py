"""Processes that run the whole command line and can be watched, held at the lock, and killed.

A forked one starts in milliseconds, from a small server that has every module loaded; a spawned one is a Python of its
own. Both run `costops.cli.main` on the same arguments. What is watched are SQLite's own statements: the process sends
a word for each that begins or ends the transaction of an apply, and waits there if it is told to.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from cli.commands import Done
from cli.forks import FORKS

TESTS = Path(__file__).resolve().parents[1]
MOMENTS = {"BEGIN IMMEDIATE": b"lock", "COMMIT": b"commit", "PRAGMA wal_checkpoint": b"after"}
"""Start of a statement to what a process says before it runs it."""


class _Process(Protocol):
    pid: int | None

    def kill(self) -> None: ...


STARTED: list[_Process] = []


def kill_all() -> None:
    """End what a failed test has left running: a held process does not even hear SIGTERM."""
    for process in STARTED:
        process.kill()
    STARTED.clear()


@dataclass
class Command:
    """A running `costops`."""

    process: _Process
    words: Connection
    """Receives the words of MOMENTS; whatever is sent lets a held process go on."""
    streams: Path
    """Folder of its two streams."""

    def kill(self) -> bool:
        """SIGKILL; whether it came before the end."""
        self.process.kill()
        return self._wait() == -signal.SIGKILL

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        if isinstance(self.process, subprocess.Popen):
            return self.process.poll() is None
        assert isinstance(self.process, multiprocessing.process.BaseProcess)
        return self.process.is_alive()

    def done(self) -> Done:
        """Its exit code and streams, when it has ended."""
        code = self._wait()
        out, err = ((self.streams / name).read_text(encoding="utf-8") for name in ("out", "err"))
        assert "Traceback" not in err, err
        return Done(code, out, err)

    def asks_for_the_lock(self) -> None:
        """Waits until it does; an end before that fails the test."""
        try:
            assert self.words.recv_bytes() == b"lock"
        except EOFError:
            raise AssertionError(f"ended without a lock: {self.done()}") from None

    def heard(self) -> list[bytes]:
        """The words of a process that has ended."""
        words = []
        try:
            while self.words.poll(0):
                words.append(self.words.recv_bytes())
        except (EOFError, OSError):
            pass
        return words

    def _wait(self) -> int:
        if isinstance(self.process, subprocess.Popen):
            return self.process.wait(timeout=120)
        assert isinstance(self.process, multiprocessing.process.BaseProcess)
        self.process.join(timeout=120)
        assert self.process.exitcode is not None
        return self.process.exitcode


def forked(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    hold: bool = False,
) -> Command:
    """A forked `costops ARGUMENTS` in a folder; `hold` stops it before it takes the lock."""
    streams = Path(tempfile.mkdtemp(prefix="streams-", dir=folder.parent))
    here, there = FORKS.Pipe()
    process = FORKS.Process(
        target=_run, args=(there, folder, list(arguments), streams, dict(environment or {}), hold), daemon=True
    )
    process.start()
    there.close()
    STARTED.append(process)
    return Command(process, here, streams)


def spawned(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, hold: bool = False) -> Command:
    """The same in a Python of its own."""
    streams = Path(tempfile.mkdtemp(prefix="streams-", dir=folder.parent))
    ours, theirs = socket.socketpair()
    program = (
        f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
        "from pathlib import Path; from multiprocessing.connection import Connection; from cli.processes import _run\n"
        f"_run(Connection({theirs.fileno()}), Path({str(folder)!r}), {list(arguments)!r}, Path({str(streams)!r}), "
        f"{dict(environment or {})!r}, {hold!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    theirs.close()
    STARTED.append(process)
    return Command(process, Connection(ours.detach()), streams)


def _run(
    words: Connection,
    folder: Path,
    arguments: list[str],
    streams: Path,
    environment: Mapping[str, str],
    hold: bool,
) -> None:
    from costops.cli import main

    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("COSTOPS_")]:
        del os.environ[name]
    os.environ.update(environment)
    for stream, name in ((1, "out"), (2, "err")):
        file = os.open(streams / name, os.O_CREAT | os.O_WRONLY, 0o600)
        os.dup2(file, stream)
        os.close(file)

    said: list[bytes] = []

    def watch(statement: str) -> None:
        word = next((word for start, word in MOMENTS.items() if statement.startswith(start)), None)
        # Before the lock an apply reads in a transaction too, and SQLite may say a statement again.
        if word is None or word in said or not (said or word == b"lock"):
            return
        said.append(word)
        words.send_bytes(word)
        if hold and word == b"lock":
            words.recv_bytes()

    connect = sqlite3.connect

    def watched(*given: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*given, **options)
        connection.set_trace_callback(watch)
        return connection

    sqlite3.connect = watched  # type: ignore[assignment]
    main(arguments)
