"""Diagnostics for people, with the line they are about and a caret under it, and as JSON.

Invariant: the caret stands under the right characters with tabs, wide and combining characters before it, and
nothing of a rule file reaches the terminal raw.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from costops.model.diagnostic import Diagnostic, Span
from costops.render.safe import json_text, safe_character, safe_text

FORMAT_VERSION = "1.0"

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_TAB_STOP = 4
_LONGEST_EXCERPT = 120
"""Characters of a line that are shown; longer lines are cut around the caret."""


def diagnostics_text(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], *, limit: int | None = None) -> str:
    """Every problem with its excerpt, then one line with the counts; "" for no problems. Ignored ones are counted.

    `texts` is the text of each file by the name that spans use; `limit` is how many problems are shown at most.
    """
    if not diagnostics:
        return ""
    heard = [each for each in diagnostics if each.ignored is None]
    shown = heard if limit is None else heard[:limit]
    lines = {file: _LINE_BREAK.split(text) for file, text in texts.items()}
    blocks = [_block(each, lines) for each in shown]
    hidden = len(heard) - len(shown)
    if hidden:
        blocks.append(f"... {hidden} more not shown")
    blocks.append(counts(diagnostics))
    return "\n\n".join(blocks) + "\n"


def counts(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning.`, and `3 warnings ignored.` behind it where comments silence some."""
    errors, warnings, ignored = _numbers(diagnostics)
    silenced = f" {_counted(ignored, 'warning')} ignored." if ignored else ""
    return f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}.{silenced}"


def _numbers(diagnostics: Sequence[Diagnostic]) -> tuple[int, int, int]:
    """How many errors, warnings and ignored warnings there are."""
    errors = sum(1 for each in diagnostics if each.is_error)
    ignored = sum(1 for each in diagnostics if each.ignored is not None)
    return errors, len(diagnostics) - errors - ignored, ignored


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _block(diagnostic: Diagnostic, lines: Mapping[str, Sequence[str]]) -> str:
    span = diagnostic.span
    warning = "" if diagnostic.is_error else "warning: "
    head = f"{diagnostic.code} {warning}{safe_text(diagnostic.message)}"
    if span is None:
        parts = [head]
        width = 4
    else:
        parts = [f"{_where(span)} {head}"]
        width = max(4, len(str(span.line)))
        parts += _excerpt(span, lines.get(span.file, ()), width)
    if diagnostic.hint:
        parts.append(f"{' ' * width} help: {safe_text(diagnostic.hint)}")
    parts += [f"{' ' * width} see: {_where(place)} {safe_text(words)}" for place, words in diagnostic.related]
    return "\n".join(parts)


def _where(span: Span) -> str:
    return f"{safe_text(span.file)}:{span.line}:{span.column}"


def _excerpt(span: Span, lines: Sequence[str], width: int) -> list[str]:
    if not 1 <= span.line <= len(lines):
        return []
    line = lines[span.line - 1]
    start = min(span.column - 1, len(line))
    end = len(line) if span.end_line > span.line else min(span.end_column - 1, len(line))
    first = max(0, start - _LONGEST_EXCERPT // 2) if len(line) > _LONGEST_EXCERPT else 0
    last = min(len(line), first + _LONGEST_EXCERPT)
    before = ("…" if first else "") + _visible(line, first, start)
    marked = _visible(line, start, min(end, last), _width(before))
    after = _visible(line, min(max(end, start), last), last, _width(before) + _width(marked))
    carets = "^" * max(1, _width(marked))
    return [
        f"{span.line:>{width}} | {before}{marked}{after}{'…' if last < len(line) else ''}".rstrip(),
        f"{' ' * width} | {' ' * _width(before)}{carets}",
    ]


def _visible(line: str, first: int, last: int, column: int = 0) -> str:
    """Part of a line with tabs as spaces up to the next stop and unsafe text as escapes; it is shown at `column`."""
    shown = ""
    for place in range(first, last):
        if line[place] == "\t":
            shown += " " * (_TAB_STOP - (column + _width(shown)) % _TAB_STOP)
        else:
            shown += safe_character(line, place)
    return shown


def _width(text: str) -> int:
    """Columns that a terminal needs."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def diagnostics_json(diagnostics: Sequence[Diagnostic]) -> str:
    """A JSON document with the counts and every diagnostic."""
    errors, warnings, ignored = _numbers(diagnostics)
    document = {
        "format_version": FORMAT_VERSION,
        "errors": errors,
        "warnings": warnings,
        "ignored": ignored,
        "diagnostics": [diagnostic_value(each) for each in diagnostics],
    }
    return json_text(document)


def diagnostic_value(diagnostic: Diagnostic) -> dict[str, object]:
    """One diagnostic as JSON values; file, line and column are null where there is no place."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        **_place_value(span),
        "hint": diagnostic.hint,
        "related": [{**_place_value(place), "message": words} for place, words in diagnostic.related],
        "ignored": diagnostic.ignored is not None,
        "reason": diagnostic.ignored,
    }


def _place_value(span: Span | None) -> dict[str, object]:
    return {
        "file": None if span is None else span.file,
        "line": None if span is None else span.line,
        "column": None if span is None else span.column,
        "end_line": None if span is None else span.end_line,
        "end_column": None if span is None else span.end_column,
    }
