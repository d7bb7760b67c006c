"""Problems of a person's input as values: where, which code, what, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a text file; lines and columns count from 1, columns in code points, the end is exclusive.

    `file` is relative to the workspace, with `/` between its parts.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Severity(StrEnum):
    """An error stops the command; a warning never changes an exit code."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem, with a code that `docs/codes.md` explains."""

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    hint: str | None = None
    related: tuple[tuple[Span, str], ...] = field(default=())
    """Other places that matter, each with a few words, such as the first of two equal ids."""
    ignored: str | None = None
    """Why a comment beside the rule silences the warning; None: nothing does."""

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


def in_order(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Diagnostics by place, those without a place last, equal ones once."""
    unique = dict.fromkeys(diagnostics)
    return tuple(
        sorted(unique, key=lambda each: (each.span is None, each.span or Span("", 0, 0, 0, 0), each.code, each.message))
    )
