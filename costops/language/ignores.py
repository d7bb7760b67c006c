"""Comments that silence a warning: `# costops: ignore=CO802 until the tags are there`.

Invariant: a comment silences only the warnings of the entry it stands at, never an error, and never without a reason;
one that does nothing is told.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from costops.language.nearness import did_you_mean
from costops.language.nodes import LINE_BREAK, Places
from costops.model.codes import ABOUT_COMMENTS, CODES, OF_NO_RULE, WARNINGS, WITH_MONEY
from costops.model.diagnostic import Diagnostic, Severity, Span, in_order
from costops.model.rules import Entry, RuleSet

MALFORMED, UNKNOWN, UNUSED = "CO821", "CO822", "CO823"
IGNORABLE = tuple(code for code in WARNINGS if code not in (*OF_NO_RULE, *ABOUT_COMMENTS))

_MARK = re.compile(r"#\s*costops\s*:", re.IGNORECASE)
_IGNORE = re.compile(r"#\s*costops:\s*ignore\s*=\s*([A-Za-z0-9_-]+(?:\s*,\s*[A-Za-z0-9_-]+)*)(?:\s+(.*))?")
_EXAMPLE = "write `# costops: ignore=CO802 ` and the reason"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that speaks to costops."""

    text: str
    span: Span
    alone: bool
    """Nothing else stands on its line."""


@dataclass(frozen=True, slots=True)
class _Ignore:
    """One code of one comment, for one entry."""

    code: str
    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class _Extent:
    """Where an entry stands."""

    entry: Entry
    first: tuple[int, int]
    """(line, column)."""
    last: tuple[int, int]
    """Exclusive."""


def with_ignored(
    diagnostics: Iterable[Diagnostic], rules: RuleSet, texts: Mapping[str, str], *, evaluated: bool
) -> tuple[Diagnostic, ...]:
    """Diagnostics by place, warnings that a comment silences marked as ignored, and what is wrong with such comments.

    Where the rules were not `evaluated`, nothing is known of warnings that need it, so that none is called unused.
    """
    warnings = _Warnings(diagnostics)
    told: list[Diagnostic] = []
    entries: dict[str, list[Entry]] = {}
    for kind, entry in rules.entries():
        if kind != "lookup" and entry.text:
            entries.setdefault(entry.span.file, []).append(entry)
    for file, text in texts.items():
        comments = comments_of(file, text)
        if comments:
            written = _File(text, entries.get(file, ()))
            for comment in comments:
                told += _apply(comment, written, warnings, evaluated=evaluated)
    return in_order([*warnings.found, *told])


class _Warnings:
    """Diagnostics by place, of which comments silence some."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.found = list(in_order(list(diagnostics)))
        self._of_code: dict[tuple[str, str], tuple[list[tuple[int, int]], list[int]]] = {}
        """By file and code where warnings are, and their numbers among those found."""
        for number, each in enumerate(self.found):
            if not each.is_error and each.span is not None:
                places, numbers = self._of_code.setdefault((each.span.file, each.code), ([], []))
                places.append((each.span.line, each.span.column))
                numbers.append(number)

    def silence(self, ignore: _Ignore, entries: Sequence[_Extent]) -> bool:
        """Mark the warnings of a code inside entries; whether there are any."""
        places, numbers = self._of_code.get((ignore.span.file, ignore.code), ((), ()))
        silenced = False
        for entry in entries:
            for number in numbers[bisect_left(places, entry.first) : bisect_left(places, entry.last)]:
                each = self.found[number]
                self.found[number] = each if each.ignored is not None else replace(each, ignored=ignore.reason)
                silenced = True
        return silenced


class _File:
    """The text of a file, and which entries stand on which of its lines."""

    def __init__(self, text: str, entries: Sequence[Entry]) -> None:
        self.lines = LINE_BREAK.split(text)
        extents = sorted((_extent(each, self.lines) for each in entries), key=lambda each: each.first)
        self.on_line: dict[int, list[_Extent]] = {}
        self.from_line: dict[int, list[_Extent]] = {}
        """Those that begin on a line."""
        for each in extents:
            self.from_line.setdefault(each.first[0], []).append(each)
            for line in range(each.first[0], each.last[0] + (each.last[1] > 1)):
                self.on_line.setdefault(line, []).append(each)


def comments_of(file: str, text: str) -> tuple[Comment, ...]:
    """Comments for costops in the text of a YAML file; a `#` inside quotes or a block of text is none."""
    if not _MARK.search(text):
        return ()
    places = Places(file, text)
    covered = _scalars(text)
    comments = []
    for match in _MARK.finditer(text):
        start = match.start()
        begun = bisect_right(covered, start, key=itemgetter(0))
        if begun and start < covered[begun - 1][1]:
            continue
        line, column = places.position(start)
        before = text[start - column + 1 : start]
        if "#" in before or (before and not before[-1].isspace()):
            continue
        end = LINE_BREAK.search(text, start)
        stop = len(text) if end is None else end.start()
        words = text[start:stop].rstrip()
        span = Span(file, line, column, line, column + len(words))
        comments.append(Comment(words, span, alone=not before.strip()))
    return tuple(comments)


def _scalars(text: str) -> list[tuple[int, int]]:
    """Where quoted texts and blocks of text are, as offsets; comments cannot be there."""
    from ruamel.yaml import YAML  # 35 ms
    from ruamel.yaml.error import MarkedYAMLError

    spans = []
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            style = getattr(event, "style", None)
            if type(event).__name__ == "ScalarEvent" and style is not None:
                start, end = event.start_mark.index, event.end_mark.index
                if style in ("|", ">"):
                    # The line of the mark may end with a comment, and what follows the text is no text.
                    first = LINE_BREAK.search(text, start)
                    start, end = (end if first is None else first.end()), start + len(text[start:end].rstrip())
                spans.append((start, end))
    except MarkedYAMLError:
        return [(0, len(text))]
    return spans


def _extent(entry: Entry, lines: Sequence[str]) -> _Extent:
    """The lines of an entry, or its part of a line that it shares."""
    own = entry.text.split("\n")
    for first in range(max(0, entry.span.line - len(own)), entry.span.line):
        window = lines[first : first + len(own)]
        if window == own:
            return _Extent(entry, (first + 1, 1), (first + len(own) + 1, 1))
    for first in range(max(0, entry.span.line - len(own)), entry.span.line):
        column, window = lines[first].find(own[0]), lines[first : first + len(own)]
        if column < 0 or len(window) < len(own):
            continue
        if len(own) == 1 and column < entry.span.column <= column + len(own[0]):
            return _Extent(entry, (first + 1, column + 1), (first + 1, column + len(own[0]) + 1))
        if len(own) > 1 and window[1:-1] == own[1:-1] and window[-1].startswith(own[-1]):
            return _Extent(entry, (first + 1, column + 1), (first + len(own), len(own[-1]) + 1))
    return _Extent(entry, (entry.span.line, entry.span.column), (entry.span.end_line, entry.span.end_column))


def _apply(comment: Comment, file: _File, warnings: _Warnings, *, evaluated: bool) -> list[Diagnostic]:
    """Marks the warnings that a comment silences, and gives what is wrong with the comment."""
    match = _IGNORE.fullmatch(comment.text)
    if match is None:
        return [_told(MALFORMED, comment.span, "this comment for costops cannot be read", _EXAMPLE)]
    codes = [each.strip() for each in match.group(1).split(",")]
    reason = (match.group(2) or "").strip()
    if not reason:
        message = "a warning is ignored only for a reason, and this comment has none"
        return [_told(MALFORMED, comment.span, message, "write after the codes why the warning does not matter here")]
    told = [each for code in dict.fromkeys(codes) if (each := _refused(code, comment.span)) is not None]
    entries = _entries_at(comment, file)
    if not entries:
        message = "this comment stands at no entry, so that it silences nothing"
        return [*told, _told(MALFORMED, comment.span, message, "write it into the entry or on the line above it")]
    for code in dict.fromkeys(codes):
        if code not in IGNORABLE:
            continue
        silenced = warnings.silence(_Ignore(code, reason, comment.span), entries)
        if not silenced and any(each.entry.enabled for each in entries) and (evaluated or code not in WITH_MONEY):
            message = f"{code} is ignored here, and there is no such warning"
            told.append(_told(UNUSED, comment.span, message, f"remove {code} from the comment"))
    return told


def _refused(code: str, span: Span) -> Diagnostic | None:
    if code in IGNORABLE:
        return None
    if code in ABOUT_COMMENTS:
        return _told(UNKNOWN, span, f"{code} is about such comments and cannot be ignored", "correct the comment")
    if code in OF_NO_RULE:
        message = f"{code} is not about a rule and cannot be ignored"
        return _told(UNKNOWN, span, message, f"remove {code} from the comment")
    if code in CODES:
        return _told(UNKNOWN, span, f"{code} is an error, and errors cannot be ignored", "correct what it is about")
    hint = did_you_mean(code.upper(), IGNORABLE, "docs/codes.md has every code")
    return _told(UNKNOWN, span, f"there is no code `{code}`", hint)


def _entries_at(comment: Comment, file: _File) -> list[_Extent]:
    """The entries a comment is in, or whose first line follows on it, other comments in between."""
    line = comment.span.line
    inside = file.on_line.get(line, [])
    if inside or not comment.alone:
        return inside
    while line < len(file.lines) and file.lines[line].lstrip().startswith("#"):
        line += 1
    return file.from_line.get(line + 1, [])


def _told(code: str, span: Span, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.WARNING, message=message, span=span, hint=hint)
