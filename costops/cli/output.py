"""The only writer of stdout and the only writer of stderr.

Invariant: results go to stdout as UTF-8 with `\\n` line ends, whatever the locale; narration goes to stderr after
stdout is flushed.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from costops.interruption import held, undone_by

if TYPE_CHECKING:
    from costops.cli.heartbeat import Heartbeat
    from costops.cli.progress import Bar
    from costops.cli.recorder import Record
    from costops.errors import CostopsError, InvalidRulesError
    from costops.model.diagnostic import Diagnostic
    from costops.model.progress import Progress
    from costops.workspace import Workspace

DEFAULT_WIDTH = 100
NARROWEST = 40
"""Fewer columns are no width to render for."""
WIDEST = 1000
"""More would only be blanks."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the options before the command's name say."""

    start: Path
    flags: Mapping[str, str] = field(default_factory=dict)

    def workspace(self, record: Record | None = None, *, untrusted: str | None = None) -> Workspace:
        """The workspace that the command works on; a `record` is made of what it does, where there is one.

        With `untrusted`, a git revision, its costops.yaml is that of the revision, and nothing kept is believed.
        """
        from costops.workspace import open_untrusted, open_workspace

        shown = progress() if record is None else record
        if untrusted is not None:
            return open_untrusted(self.start, untrusted, flags=self.flags, progress=shown, recorder=record)
        return open_workspace(self.start, flags=self.flags, progress=shown, recorder=record)


class ReaderGoneError(Exception):
    """Nobody reads stdout any more, as with `| head`."""


@dataclass(slots=True)
class _Screen:
    bar: Bar | None = None
    """What shows progress, once a command works; it is erased before anything else is written."""
    heartbeat: Heartbeat | None = None
    """What says now and then that a command works, where there is no bar."""
    has_result: bool = False
    """Whether anything was given to stdout."""


_screen = _Screen()


def progress() -> Progress:
    """Whoever tells on stderr what is being done: a bar on a terminal, a line now and then in a log."""
    from costops.cli.progress import Bar, is_bar_wanted, is_log
    from costops.model.progress import QUIET

    if is_log():
        from costops.cli.heartbeat import Heartbeat

        if _screen.heartbeat is None:
            _screen.heartbeat = Heartbeat()
        return _screen.heartbeat
    if not is_bar_wanted():
        return QUIET
    if _screen.bar is None:
        _screen.bar = Bar()
    return _screen.bar


def record(*, verbose: bool = False, profile: bool = False) -> Record | None:
    """What writes down the work of a command: for its profile, and, if `verbose`, every statement on stderr."""
    if not verbose and not profile:
        return None
    from costops.cli.recorder import Record

    return Record(progress(), narrate if verbose else None)


def _erase_progress() -> None:
    if _screen.bar is not None:
        _screen.bar.erase()


def rest() -> None:
    """No work goes on that a line could tell of, until the next stage begins."""
    if _screen.heartbeat is not None:
        _screen.heartbeat.rest()


def result(text: str) -> None:
    """Write a command's result; raises ReaderGoneError, and CostopsError where stdout cannot be written."""
    _erase_progress()
    rest()
    # An interruption adds its document to nothing, or ends the process before this.
    with held():
        _screen.has_result = True
    with _stdout_errors():
        sys.stdout.buffer.write(text.encode())


def begin() -> None:
    """Nothing was written yet."""
    _screen.has_result = False


def failure_document(error: CostopsError) -> None:
    """The same failure for machines, where the result was to be JSON and there is none."""
    if _wants_document():
        from costops.render.failure import error_json

        result(error_json(error))
        flush()


def _wants_document() -> bool:
    """Whether a failure has to be told as JSON: that was asked for, and nothing was given to stdout."""
    from costops.cli.asked import wants_json

    return not _screen.has_result and wants_json()


def interruption(words: str, exit_code: int) -> bytes:
    """The document of a command that was interrupted, or nothing; called from another thread."""
    if not _wants_document():
        return b""
    from costops.render.failure import failure_json

    return failure_json(exit_code, words, f"{words}; nothing was changed").encode()


def flush() -> None:
    """Hand everything written to the reader of stdout; raises ReaderGoneError and CostopsError as `result` does."""
    _erase_progress()
    with _stdout_errors():
        sys.stdout.flush()


@contextmanager
def _stdout_errors() -> Iterator[None]:
    from costops.errors import CostopsError

    try:
        yield
    except OSError as error:
        # What was written so far is lost, and must not fail again, nor make Python complain when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            # click would end the program for a broken pipe; this exception it does not know.
            raise ReaderGoneError from error
        raise CostopsError(
            f"the result cannot be written to stdout: {error.strerror}",
            hint="look at where stdout leads, and run the command again",
        ) from error


def narrate(text: str) -> None:
    """Tell a person something beside the result."""
    flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def ask(question: str) -> str:
    """A person's answer, without its line end; empty at the end of input."""
    flush()
    rest()
    # Entered before the question is shown: whoever reads it may interrupt at once.
    with undone_by(_end_line):
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().rstrip("\n")


def _end_line() -> None:
    os.write(2, b"\n")


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def width() -> int:
    """Columns to render for: COLUMNS, the terminal's, or 100 where stdout is none."""
    written = os.environ.get("COLUMNS", "")
    if written.isascii() and written.isdecimal() and int(written[:9]) >= NARROWEST:
        return min(int(written[:9]), WIDEST)
    return max(60, shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns) if sys.stdout.isatty() else DEFAULT_WIDTH


def failure(error: CostopsError) -> None:
    """One sentence what failed, and one what to do."""
    from costops.render.safe import safe_text

    narrate("\n".join([f"costops: {safe_text(error.message)}", *(f"  {line}" for line in _reasons(error))]))
    if error.hint:
        narrate(f"  help: {safe_text(error.hint)}")


def _reasons(error: CostopsError) -> tuple[str, ...]:
    """What a renderer made of the reasons of an error that has them."""
    from costops.errors import StaleError

    return error.reasons if isinstance(error, StaleError) else ()


def invalid_rules(error: InvalidRulesError) -> None:
    """Every problem of the rules, with excerpts."""
    diagnostics(error.diagnostics, error.texts)


def shown(path: Path) -> str:
    """A path as it was given, for a person to read or to type again."""
    import shlex

    from costops.render.safe import safe_text

    return safe_text(shlex.quote(str(path)))


def diagnostics(found: tuple[Diagnostic, ...], texts: Mapping[str, str]) -> None:
    """Problems with their excerpts, beside the result."""
    from costops.render.diagnostics import diagnostics_text

    if found:
        narrate(diagnostics_text(found, texts).rstrip("\n"))
