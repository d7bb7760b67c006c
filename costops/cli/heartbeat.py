"""A plain line on stderr now and then, where no person watches a bar: so that a long command does not look dead.

Invariant: a command that takes less than FIRST_SECONDS writes nothing of it; every line is whole, safe text, and about
work that goes on while it is written.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from costops.model.progress import Share
from costops.render.safe import safe_text

FIRST_SECONDS = 10.0
"""After so much work the first line is written."""
EVERY_SECONDS = 30.0
"""Between one line and the next."""


class Heartbeat:
    """Writes what is being worked on, from a thread of its own."""

    def __init__(
        self,
        *,
        first_seconds: float = FIRST_SECONDS,
        every_seconds: float = EVERY_SECONDS,
        write: Callable[[str], None] | None = None,
    ) -> None:
        self._every = every_seconds
        self._due = first_seconds
        self._write = write or _to_stderr
        self._lock = threading.Lock()
        self._began = 0.0
        self._words = ""
        self._share: Share | None = None
        self._thread: threading.Thread | None = None

    def stage(self, words: str, share: Share | None = None) -> None:
        """Work on something new begins; `share` is asked while a line is made."""
        with self._lock:
            self._words, self._share = words, share
            if self._thread is None:
                self._began = monotonic()
                self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
                self._thread.start()

    def rest(self) -> None:
        """Say nothing until the next stage begins: a result is being written, or a person is asked."""
        with self._lock:
            self._words, self._share = "", None

    def _beat(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(max(0.0, self._began + self._due - monotonic()))
            with self._lock:
                seconds = monotonic() - self._began
                if seconds < self._due:
                    continue
                if self._words:
                    share = self._share() if self._share is not None else None
                    self._write(beat_line(self._words, share, int(seconds)))
                self._due = seconds + self._every


def beat_line(words: str, share: float | None, seconds: int) -> str:
    """What is being done, how much of it where that is known, and for how long the command has been working."""
    percent = "" if share is None else f"{int(share * 100)} %, "
    return f"costops: still {safe_text(words)} ({percent}{seconds} s so far)"


def _to_stderr(line: str) -> None:
    # Past sys.stderr, whose lock the main thread may hold when the process has to end. A stream that is gone is no
    # reason to fail.
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())
