"""A failure for machines: the one document on stdout of a command that was to give JSON and gives none."""

from __future__ import annotations

from collections.abc import Sequence

from costops.errors import CostopsError, InvalidRulesError, StaleError
from costops.render.diagnostics import diagnostic_value
from costops.render.safe import json_text


def error_json(error: CostopsError) -> str:
    """The document of an error that costops itself raised."""
    reasons = error.reasons if isinstance(error, StaleError) else ()
    diagnostics = error.diagnostics if isinstance(error, InvalidRulesError) else ()
    return failure_json(
        int(error.exit_code),
        error.kind,
        error.message,
        hint=error.hint,
        reasons=reasons,
        diagnostics=[diagnostic_value(each) for each in diagnostics],
    )


def failure_json(
    exit_code: int,
    kind: str,
    message: str,
    *,
    hint: str | None = None,
    reasons: Sequence[str] = (),
    diagnostics: Sequence[dict[str, object]] = (),
) -> str:
    """The document of any failure; `reasons` are the lines that a person reads under the message."""
    error = {"exit_code": exit_code, "kind": kind, "message": message, "hint": hint, "reasons": list(reasons)}
    return json_text({"format_version": "1.0", "error": error, "diagnostics": list(diagnostics)})
