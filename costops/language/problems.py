"""Collects every problem of a person's input, never only the first."""

from __future__ import annotations

from collections.abc import Iterable

from costops.model.diagnostic import Diagnostic, Severity, Span, in_order


class Problems:
    """A growing list of diagnostics."""

    def __init__(self) -> None:
        self._diagnostics: list[Diagnostic] = []
        self.errors = 0
        """How many errors there are so far."""

    def error(
        self,
        code: str,
        span: Span | None,
        message: str,
        *,
        hint: str | None = None,
        related: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        """Adds an error; a span of line 0 is no place."""
        place = span if span is not None and span.line else None
        self.add(
            [Diagnostic(code=code, severity=Severity.ERROR, message=message, span=place, hint=hint, related=related)]
        )

    def warn(self, code: str, span: Span | None, message: str, *, hint: str | None = None) -> None:
        """Adds a warning."""
        place = span if span is not None and span.line else None
        self.add([Diagnostic(code=code, severity=Severity.WARNING, message=message, span=place, hint=hint)])

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Adds what was found elsewhere."""
        for each in diagnostics:
            self._diagnostics.append(each)
            self.errors += each.is_error

    def found(self) -> tuple[Diagnostic, ...]:
        """Everything found, by place."""
        return in_order(self._diagnostics)
