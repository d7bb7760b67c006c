"""One line on stderr that says what is being done and how far it is, on a terminal and only after half a second.

Invariant: nothing of it is left when anything else is written. It is one line of plain ASCII marks, never wider than
the terminal; it hides no cursor and sets nothing that would have to be restored.
"""

from __future__ import annotations

import os
import sys
import threading
import unicodedata
from contextlib import ExitStack, suppress
from time import monotonic

from costops.interruption import undone_by
from costops.model.progress import Share
from costops.render.safe import safe_text

QUIET_SECONDS = 0.5
"""How long a command may take before anything is shown."""
REDRAW_SECONDS = 0.1
WIDEST = 100
NARROWEST = 20
_ERASE = b"\r\x1b[K"


def is_log() -> bool:
    """Whether stderr is read later, as a file, a pipe or the log of a continuous integration is."""
    return not sys.stderr.isatty() or os.environ.get("CI", "").lower() not in ("", "0", "false")


def is_bar_wanted() -> bool:
    """Whether stderr is a terminal that a person looks at and that can erase a line."""
    return not is_log() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


class Bar:
    """Shows the stage that is being worked on, from a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works = threading.Event()
        self._undo = ExitStack()
        self._thread: threading.Thread | None = None
        self._words = ""
        self._share: Share | None = None
        self._most: float | None = None
        self._began = 0.0
        self._shown = ""

    def stage(self, words: str, share: Share | None = None) -> None:
        """Show `words`, made safe, once the work has taken half a second; `share` is asked while it is shown."""
        with self._lock:
            self._words, self._share, self._most = safe_text(words), share, None
            if not self._works.is_set():
                self._began = monotonic()
                self._works.set()
            if self._thread is None:
                self._undo.enter_context(undone_by(self._erase_soon))
                self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)
                self._thread.start()

    def erase(self) -> None:
        """Leave nothing of it on the screen, until the next stage begins."""
        with self._lock:
            self._erase()

    def _erase_soon(self) -> None:
        # The process is ending, and a terminal that was stopped must not keep it.
        if self._lock.acquire(timeout=0.2):
            try:
                self._erase()
            finally:
                self._lock.release()

    def _erase(self) -> None:
        self._works.clear()
        self._share = None
        if self._shown:
            self._shown = ""
            _write(_ERASE)

    def _draw(self) -> None:
        pause = threading.Event()
        while True:
            self._works.wait()
            pause.wait(REDRAW_SECONDS)
            with self._lock:
                seconds = monotonic() - self._began
                if self._works.is_set() and seconds >= QUIET_SECONDS:
                    line = drawn(self._words, self._done(), int(seconds), _columns())
                    if line != self._shown:
                        self._shown = line
                        _write(_ERASE + line.encode())

    def _done(self) -> float | None:
        share = self._share() if self._share is not None else None
        if share is not None:
            # One stage may be several statements; what was reached is kept.
            self._most = min(1.0, max(self._most or 0.0, share))
        return self._most


def drawn(words: str, share: float | None, seconds: int, columns: int) -> str:
    """The line for a terminal of so many columns: how much is done, where that is known, seconds and words."""
    if columns < NARROWEST:
        return ""
    room = min(columns - 1, WIDEST)
    line = f"{seconds} s  "
    if share is not None:
        cells = 20 if room >= 70 else 10 if room >= 50 else 0
        filled = int(share * cells)
        bar = f"[{'#' * filled}{'.' * (cells - filled)}] " if cells else ""
        line = f"{bar}{int(share * 100):3} %  {line}"
    return line + _cut(words, room - len(line))


def _cut(words: str, room: int) -> str:
    if _cells(words) <= room:
        return words
    kept = ""
    for character in words:
        if _cells(kept + character) > room - 3:
            break
        kept += character
    return kept + "..."


def _cells(words: str) -> int:
    """How many columns of a terminal the words take."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in words)


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80


def _write(text: bytes) -> None:
    # Past sys.stderr, whose lock the main thread may hold when the process has to end. A terminal that is gone is no
    # reason to fail: nobody looks.
    with suppress(OSError):
        os.write(2, text)
