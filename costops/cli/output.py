"""The only writer of stdout and the only writer of stderr.

Invariant: results go to stdout as UTF-8 with `\\n` line ends, whatever the locale; narration goes to stderr after
stdout is flushed.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costops.errors import CostopsError, InvalidRulesError
    from costops.model.diagnostic import Diagnostic
    from costops.workspace import Workspace

DEFAULT_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Session:
    """What the options before the command's name say."""

    start: Path
    flags: Mapping[str, str] = field(default_factory=dict)

    def workspace(self) -> Workspace:
        """The workspace that the command works on."""
        from costops.workspace import open_workspace

        return open_workspace(self.start, flags=self.flags)


class ReaderGoneError(Exception):
    """Nobody reads stdout any more, as with `| head`."""


def result(text: str) -> None:
    """Write a command's result; raises ReaderGoneError."""
    try:
        sys.stdout.buffer.write(text.encode())
    except BrokenPipeError as error:
        # click would end the program for a broken pipe; this exception it does not know.
        raise ReaderGoneError from error


def flush() -> None:
    """Hand everything written to the reader of stdout; raises ReaderGoneError."""
    try:
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ReaderGoneError from error


def narrate(text: str) -> None:
    """Tell a person something beside the result."""
    flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def ask(question: str) -> str:
    """A person's answer, without its line end; empty at the end of input."""
    flush()
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().rstrip("\n")


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def width() -> int:
    """Columns to render for: COLUMNS, the terminal's, or 100."""
    written = os.environ.get("COLUMNS", "")
    if written.isdigit() and int(written) >= 40:
        return int(written)
    return max(60, shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns) if sys.stdout.isatty() else DEFAULT_WIDTH


def failure(error: CostopsError) -> None:
    """One sentence what failed, and one what to do."""
    from costops.render.safe import safe_text

    narrate(f"costops: {safe_text(error.message)}")
    if error.hint:
        narrate(f"  help: {safe_text(error.hint)}")


def invalid_rules(error: InvalidRulesError) -> None:
    """Every problem of the rules, with excerpts."""
    diagnostics(error.diagnostics, error.texts)


def diagnostics(found: tuple[Diagnostic, ...], texts: Mapping[str, str]) -> None:
    """Problems with their excerpts, beside the result."""
    from costops.render.diagnostics import diagnostics_text

    if found:
        narrate(diagnostics_text(found, texts).rstrip("\n"))
