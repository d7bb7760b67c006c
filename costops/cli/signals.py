"""Ends the process when it is interrupted: at once, with one sentence, wherever the command is.

Invariant: whoever reads `nothing was changed` can rely on it; once something stands, a signal is ignored.

Python runs signal handlers in the main thread, and only between two steps of Python: not while a library reads a bill.
A library may also swallow what a handler raises. So handlers do nothing here. The number of each signal goes through a
pipe to a thread, which ends the process without unwinding anything; costops.interruption says what it must wait for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import NoReturn

from costops.errors import ExitCode
from costops.interruption import interrupt, settle

_ENDS: dict[int, tuple[str, ExitCode]] = {
    signal.SIGINT: ("interrupted", ExitCode.INTERRUPTED),
    signal.SIGTERM: ("terminated", ExitCode.TERMINATED),
}
if hasattr(signal, "SIGHUP"):
    _ENDS[signal.SIGHUP] = ("terminated", ExitCode.TERMINATED)  # the terminal was closed


def watch() -> None:
    """From here on SIGINT, SIGTERM and SIGHUP end the process; one that its parent had it ignore stays ignored."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # In this order no signal is lost, and none is told twice: until the thread runs, they wait in the pipe.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _ENDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _do_nothing)
    threading.Thread(target=_obey, args=(reading,), name="signals", daemon=True).start()


def finish() -> None:
    """The command has ended and its exit code stands: signals are ignored while Python shuts down."""
    settle()
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)


def _do_nothing(_number: int, _frame: object) -> None:
    pass


def _obey(reading: int) -> None:
    while number := os.read(reading, 1):
        if number[0] in _ENDS:
            interrupt(partial(_end, *_ENDS[number[0]]))


def _end(words: str, code: ExitCode) -> NoReturn:
    # Not through sys.stderr: the main thread may be inside it, and this thread must wait for nothing.
    with suppress(OSError):
        os.write(2, f"costops: {words}; nothing was changed\n".encode())
    with suppress(Exception):
        # Before the command line is loaded nobody has asked for anything, and this thread waits for no import of it.
        output = sys.modules.get("costops.cli.output")
        document = output.interruption(words, code) if output is not None else b""
        if document:
            os.write(1, document)
    os._exit(code)
