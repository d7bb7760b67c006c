"""Text as a tree of small frozen nodes, each with its place.

Invariant: a scalar keeps the text its author wrote, so that no number is ever read as a float and every message
can name what stands in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from costops.model.diagnostic import Diagnostic, Span

LINE_BREAK = re.compile(r"\r\n|\r|\n")
"""What ends a line in YAML 1.2."""


class Kind(StrEnum):
    """What a scalar is in YAML 1.2; the values are how messages call it."""

    TEXT = "text"
    NULL = "null"
    BOOLEAN = "a boolean"
    INTEGER = "a number"
    DECIMAL = "a number with decimals"
    DATE = "a date"


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value: `text` without quotes and escapes, otherwise as written."""

    text: str
    kind: Kind
    quoted: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list of nodes."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values in the order written; keys are unique."""

    pairs: tuple[tuple[ScalarNode, Node], ...]
    span: Span

    def get(self, name: str) -> Node | None:
        """The value of a key, or None."""
        return next((value for key, value in self.pairs if key.text == name), None)


Node = ScalarNode | ListNode | MappingNode


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file after reading: `node` is None where its problems leave nothing that can be trusted."""

    text: str
    node: Node | None
    diagnostics: tuple[Diagnostic, ...]


_PLAIN_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.NULL, re.compile(r"~|null|Null|NULL|")),
    (Kind.BOOLEAN, re.compile(r"true|True|TRUE|false|False|FALSE")),
    (Kind.INTEGER, re.compile(r"[-+]?[0-9][0-9_]*|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+")),
    (
        Kind.DECIMAL,
        re.compile(
            r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
        ),
    ),
    (
        Kind.DATE,
        re.compile(
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
            r"(([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]*)?)?([ \t]*(Z|[-+][0-9]{1,2}(:?[0-9]{2})?))?)?"
        ),
    ),
)


_PLAIN_STARTS = frozenset("~nNtTfF+-.0123456789")


def plain_kind(text: str) -> Kind:
    """The kind of an unquoted scalar."""
    if text and text[0] not in _PLAIN_STARTS:
        return Kind.TEXT
    return next((kind for kind, pattern in _PLAIN_KINDS if pattern.fullmatch(text)), Kind.TEXT)


def describe(node: Node) -> str:
    """What a node is, for messages: `a list`, `a mapping`, `text`, `a number`."""
    match node:
        case ListNode():
            return "a list"
        case MappingNode():
            return "a mapping"
        case ScalarNode():
            return str(node.kind)


def node_from_json(value: object, span: Span) -> Node:
    """A JSON value as a node whose every part lies at `span`; raises ValueError for a number with decimals."""
    match value:
        case None:
            return ScalarNode("null", Kind.NULL, False, span)
        case bool():
            return ScalarNode("true" if value else "false", Kind.BOOLEAN, False, span)
        case int():
            return ScalarNode(str(value), Kind.INTEGER, False, span)
        case str():
            return ScalarNode(value, Kind.TEXT, True, span)
        case list():
            return ListNode(tuple(node_from_json(each, span) for each in value), span)
        case dict():
            pairs = (
                (ScalarNode(str(key), Kind.TEXT, True, span), node_from_json(each, span)) for key, each in value.items()
            )
            return MappingNode(tuple(pairs), span)
        case _:
            raise ValueError(f"no value of a rule: {value!r}")


class Places:
    """Turns offsets into a text of one file into spans."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts = [0, *(match.end() for match in LINE_BREAK.finditer(text))]

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The span from one offset to another, at least one character wide."""
        line, column = self.position(start)
        end_line, end_column = self.position(max(start, end))
        if (end_line, end_column) == (line, column):
            end_column += 1
        return Span(self.file, line, column, end_line, end_column)


@lru_cache(maxsize=1)
def _lines_of(text: str) -> tuple[str, ...]:
    return tuple(LINE_BREAK.split(text))


def source_text(text: str, span: Span) -> str:
    """The whole lines of an entry, or only its own part of them where it shares a line with others."""
    lines = list(_lines_of(text)[span.line - 1 : span.end_line])
    if not lines:
        return ""
    before, after = lines[0][: span.column - 1], lines[-1][span.end_column - 1 :].lstrip()
    if re.fullmatch(r"[\s-]*", before) and (not after or after.startswith("#")):
        return "\n".join(lines)
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)
