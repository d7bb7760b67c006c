"""The nodes of an ordinary YAML file, through ruamel's parser in C where that is installed.

Invariant: what this module reads, costops.language.read reads to equal nodes at equal places. It tells no problem:
whatever is refused there, and whatever the two parsers may see differently, is not read here.
"""

from __future__ import annotations

import re
from typing import Any

from costops.language.characters import INVISIBLE, NOT_STORABLE
from costops.language.limits import MAXIMUM_DEPTH, MAXIMUM_NODES, MAXIMUM_TEXT
from costops.language.nodes import Kind, ListNode, MappingNode, Node, Places, ScalarNode, plain_kind
from costops.model.diagnostic import Span

_DOUBTFUL = re.compile(rf"\t|^(?:%|---[^\r\n]|\.\.\.)|[\"']:[^\s]|{INVISIBLE.pattern}", re.MULTILINE)
"""What the parser in C, made for YAML 1.1, may see differently, and what the other reader has a word on."""

_BLOCK = re.compile(r"[|>][-+0-9]* *(?:\r\n|\r|\n) *[^ \r\n]")
"""A text of several lines whose first line is neither empty nor a comment."""


class _DoubtfulError(Exception):
    """The other reader must look at this file."""


class TooManyNodesError(Exception):
    """The file has more nodes than are read; `span` is the first one that is too many."""

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span


def read_quickly(places: Places) -> Node | None:
    """The nodes of a text without forbidden characters; None where the other reader must look at it.

    Raises TooManyNodesError.
    """
    try:
        from _ruamel_yaml import CParser  # type: ignore[import-not-found]  # 35 ms, most of it ruamel.yaml itself
        from ruamel.yaml.error import YAMLError
    except ImportError:
        return None
    if _DOUBTFUL.search(places.text):
        return None
    try:
        return _Builder(places, CParser(places.text)).document()
    except (YAMLError, _DoubtfulError):
        return None


class _Builder:
    """Takes events from the parser, one node at a time."""

    def __init__(self, places: Places, parser: Any) -> None:
        from ruamel.yaml import events

        self._file = places.file
        self._places = places
        self._next = parser.get_event
        self._scalar_event = events.ScalarEvent
        self._mapping_event = events.MappingStartEvent
        self._list_event = events.SequenceStartEvent
        self._mapping_end = events.MappingEndEvent
        self._list_end = events.SequenceEndEvent
        self._end = events.StreamEndEvent
        self._left = MAXIMUM_NODES

    def document(self) -> Node:
        """The one document of the file, which is a list or a mapping."""
        self._next()
        if type(self._next()) is self._end:
            raise _DoubtfulError
        event = self._next()
        if type(event) is self._scalar_event:
            raise _DoubtfulError
        node = self._node(event, 0)
        self._next()
        if type(self._next()) is not self._end:
            raise _DoubtfulError
        return node

    def _node(self, event: Any, depth: int) -> Node:
        kind = type(event)
        if kind is self._scalar_event:
            return self._scalar(event)
        if event.anchor is not None or depth >= MAXIMUM_DEPTH or event.ctag is not None:
            raise _DoubtfulError
        self._left -= 1
        if self._left < 0:
            raise self._too_many(event)
        return self._mapping(event, depth) if kind is self._mapping_event else self._list(event, depth)

    def _scalar(self, event: Any, key: ScalarNode | None = None) -> ScalarNode:
        if event.anchor is not None or event.ctag is not None:
            raise _DoubtfulError
        self._left -= 1
        if self._left < 0:
            raise self._too_many(event)
        text, style, start, end = event.value, event.style, event.start_mark, event.end_mark
        if end.index == start.index:
            # A value that was left out lies at its key.
            if key is None:
                raise _DoubtfulError
            return ScalarNode("", Kind.NULL, False, key.span)
        if end.index - start.index > MAXIMUM_TEXT:
            raise _DoubtfulError
        if not style:
            kind = plain_kind(text)
            span = Span(self._file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
            return ScalarNode(text, kind, False, span)
        if style == '"' and NOT_STORABLE.search(text):
            raise _DoubtfulError
        if style in "|>":
            source = self._places.text[start.index : end.index]
            if not _BLOCK.match(source):
                raise _DoubtfulError
            span = self._places.span(start.index, start.index + len(source.rstrip()))
        else:
            span = Span(self._file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        return ScalarNode(text, Kind.TEXT, True, span)

    def _mapping(self, start: Any, depth: int) -> MappingNode:
        pairs: list[tuple[ScalarNode, Node]] = []
        seen: set[str] = set()
        scalar_event, mapping_end, following_event = self._scalar_event, self._mapping_end, self._next
        while type(event := following_event()) is not mapping_end:
            if type(event) is not scalar_event:
                raise _DoubtfulError
            key = self._scalar(event)
            if key.text in seen or (key.text == "<<" and not key.quoted):
                raise _DoubtfulError
            seen.add(key.text)
            following = following_event()
            if type(following) is scalar_event:
                pairs.append((key, self._scalar(following, key)))
            else:
                pairs.append((key, self._node(following, depth + 1)))
        return MappingNode(tuple(pairs), self._span(start, event, pairs[-1][1] if pairs else None))

    def _list(self, start: Any, depth: int) -> ListNode:
        items: list[Node] = []
        while type(event := self._next()) is not self._list_end:
            items.append(self._node(event, depth + 1))
        return ListNode(tuple(items), self._span(start, event, items[-1] if items else None))

    def _span(self, start: Any, end: Any, last: Node | None) -> Span:
        """A collection in brackets ends with its bracket, any other with the last node in it."""
        mark = start.start_mark
        if start.flow_style:
            return Span(self._file, mark.line + 1, mark.column + 1, end.end_mark.line + 1, end.end_mark.column + 1)
        if last is None:
            raise _DoubtfulError
        return Span(self._file, mark.line + 1, mark.column + 1, last.span.end_line, last.span.end_column)

    def _too_many(self, event: Any) -> TooManyNodesError:
        return TooManyNodesError(self._places.span(event.start_mark.index, event.end_mark.index))
