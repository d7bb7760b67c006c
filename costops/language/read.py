"""YAML 1.2 text to nodes with positions, through ruamel.yaml's parser in Python, which can say what is wrong and where.

Invariant: nothing that could change the meaning of a rule from afar gets through: anchors, aliases, merge keys, tags,
several documents and duplicate keys are problems with a place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from costops.language.characters import INVISIBLE, JOINERS, MISLEADING, NOT_PRINTABLE, NOT_STORABLE, name_of
from costops.language.limits import MAXIMUM_BYTES, MAXIMUM_DEPTH, MAXIMUM_NODES, MAXIMUM_PROBLEMS, MAXIMUM_TEXT
from costops.language.nodes import (
    Kind,
    ListNode,
    MappingNode,
    Node,
    Places,
    ReadFile,
    ScalarNode,
    describe,
    plain_kind,
)
from costops.language.problems import Problems
from costops.language.quick import TooManyNodesError, read_quickly
from costops.model.diagnostic import Span

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

_CORE = "tag:yaml.org,2002:"
_ESCAPE_HINT = "remove it, or write it as an escape inside double quotes"


def read_bytes(file: str, data: bytes) -> ReadFile:
    """The content of a file as nodes; `file` is its name in messages."""
    problems = Problems()
    top = Span(file, 1, 1, 1, 2)
    if len(data) > MAXIMUM_BYTES:
        message = f"the file is larger than {MAXIMUM_BYTES:,} bytes"
        problems.error("CO103", top, message, hint="split it into several files")
        return ReadFile("", None, problems.found())
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        place = Places(file, before + "?").span(len(before), len(before) + 1)
        problems.error("CO102", place, "the file is not UTF-8 from here on", hint="save it as UTF-8")
        return ReadFile(data.decode("utf-8", "replace"), None, problems.found())
    return read_text(file, text.removeprefix("\ufeff"))


def read_text(file: str, text: str) -> ReadFile:
    """Text as nodes; an empty text is an empty mapping."""
    places = Places(file, text)
    problems = Problems()
    _report_characters(NOT_PRINTABLE, "CO104", "cannot stand in a YAML file", places, problems)
    if problems.errors:
        return ReadFile(text, None, problems.found())
    _report_characters(MISLEADING, "CO120", "changes how the text around it is shown", places, problems)
    try:
        node = None if problems.errors else read_quickly(places)
    except TooManyNodesError as error:
        _report_too_many(error.span, problems)
        return ReadFile(text, None, problems.found())
    return ReadFile(text, node, ()) if node is not None else read_thoroughly(places, problems)


def read_thoroughly(places: Places, problems: Problems) -> ReadFile:
    """Text without unprintable characters as nodes, with every problem in it, and those that were found before."""
    reader = _Reader(places, problems)
    reader.read()
    return ReadFile(places.text, reader.root if reader.usable else None, problems.found())


def _report_characters(pattern: re.Pattern[str], code: str, what: str, places: Places, problems: Problems) -> None:
    for found in islice(pattern.finditer(places.text), MAXIMUM_PROBLEMS):
        message = f"the character {name_of(found.group())} {what}"
        problems.error(code, places.span(*found.span()), message, hint=_ESCAPE_HINT)


def _report_too_many(span: Span, problems: Problems) -> None:
    message = f"the file has more than {MAXIMUM_NODES:,} keys, values, lists and mappings"
    problems.error("CO122", span, message, hint="split it into several files")


@dataclass(slots=True)
class _Frame:
    """A list or mapping whose end is not read yet."""

    start: int
    mapping: bool
    flow: bool
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[ScalarNode, Node]] = field(default_factory=list)
    keys: dict[str, Span] = field(default_factory=dict)
    """Where each key of `pairs` is."""
    key: Node | None = None
    end: int = 0


class _StopError(Exception):
    """Reading cannot go on after this problem."""


class _Reader:
    """Builds nodes from the parser's events without recursion."""

    def __init__(self, places: Places, problems: Problems) -> None:
        self.places = places
        self.problems = problems
        self.root: Node = MappingNode((), self.places.span(0, 0))
        self.usable = True
        self._frames: list[_Frame] = []
        self._documents = 0
        self._nodes = 0
        self._joiners: list[int] = []
        """Where invisible joiners are."""

    def read(self) -> None:
        """Fills `root`, `usable` and `problems`."""
        from ruamel.yaml import YAML  # 35 ms
        from ruamel.yaml.error import MarkedYAMLError

        try:
            for event in YAML(typ="safe", pure=True).parse(self.places.text):
                self._event(type(event).__name__, event)
                self._stop_at_limits(event)
        except _StopError:
            self.usable = False
        except MarkedYAMLError as error:
            self.usable = False
            self._syntax(error)
        if self._joiners:
            self._report_joiners()

    def _event(self, name: str, event: Any) -> None:
        match name:
            case "DocumentStartEvent":
                self._document(event)
            case "AliasEvent":
                self._not_supported(event, f"the alias *{event.anchor}")
                self.usable = False
                self._add(ScalarNode("null", Kind.NULL, False, self._span(event)), event.end_mark.index)
            case "ScalarEvent":
                self._scalar(event)
            case "SequenceStartEvent" | "MappingStartEvent":
                self._open(event, mapping=name == "MappingStartEvent")
            case "SequenceEndEvent" | "MappingEndEvent":
                self._close(event)
            case _:
                pass

    def _stop_at_limits(self, event: Any) -> None:
        if self._nodes > MAXIMUM_NODES:
            _report_too_many(self._span(event), self.problems)
            raise _StopError
        if self.problems.errors >= MAXIMUM_PROBLEMS:
            message = f"the file is not read from here on, after {MAXIMUM_PROBLEMS} problems"
            self.problems.error("CO124", self._span(event), message)
            raise _StopError

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self.problems.error(
                "CO106", self._span(event), "a second document starts here", hint="put it into a file of its own"
            )
            raise _StopError
        if event.version not in (None, (1, 2)):
            version = ".".join(str(part) for part in event.version)
            self.problems.error(
                "CO112",
                self._span(event),
                f"the file asks for YAML {version}",
                hint="remove the %YAML line; YAML 1.2 is read",
            )
            raise _StopError

    def _open(self, event: Any, *, mapping: bool) -> None:
        self._properties(event, {f"{_CORE}map"} if mapping else {f"{_CORE}seq"})
        if len(self._frames) >= MAXIMUM_DEPTH:
            self.problems.error(
                "CO110", self._span(event), f"nested deeper than {MAXIMUM_DEPTH} levels", hint="write it flatter"
            )
            raise _StopError
        self._nodes += 1
        self._frames.append(_Frame(event.start_mark.index, mapping, bool(event.flow_style)))

    def _close(self, event: Any) -> None:
        frame = self._frames.pop()
        end = event.end_mark.index if frame.flow else frame.end
        span = self.places.span(frame.start, end)
        node = MappingNode(tuple(frame.pairs), span) if frame.mapping else ListNode(tuple(frame.items), span)
        self._add(node, end)

    def _scalar(self, event: Any) -> None:
        self._properties(event, {f"{_CORE}str"})
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in ("|", ">"):
            end = start + len(self.places.text[start:end].rstrip())
        plain = event.style is None and event.ctag is None
        kind = plain_kind(event.value) if plain else Kind.TEXT
        span = self.places.span(start, end)
        frame = self._frames[-1] if self._frames else None
        if start == end and frame is not None and frame.key is not None:
            # The parser places a value that was left out where the next token starts.
            span, end = frame.key.span, frame.end
        self._nodes += 1
        self._look_at_text(event.value, start, end, span)
        self._add(ScalarNode(event.value, kind, not plain, span), end)

    def _look_at_text(self, text: str, start: int, end: int, span: Span) -> None:
        bad = NOT_STORABLE.search(text)
        if bad:
            self.problems.error("CO104", span, f"the text holds {name_of(bad.group())}, which cannot be stored")
            self.usable = False
        if end - start > MAXIMUM_TEXT:
            message = f"the text is longer than {MAXIMUM_TEXT:,} characters"
            self.problems.error("CO123", span, message, hint="shorten it, or write a list of texts")
            self.usable = False
        for hidden in INVISIBLE.finditer(self.places.text, start, end):
            if hidden.group() in JOINERS:
                self._joiners.append(hidden.start())
            elif self.problems.errors < MAXIMUM_PROBLEMS:
                message = f"the text holds {name_of(hidden.group())}, which nobody sees"
                self.problems.error("CO121", self.places.span(*hidden.span()), message, hint=_ESCAPE_HINT)

    def _report_joiners(self) -> None:
        """One warning a file: whole texts of some languages are full of them."""
        first, more = self._joiners[0], len(self._joiners) - 1
        name = name_of(self.places.text[first])
        others = f", and {more:,} such character{'s' if more > 1 else ''} more in this file" if more else ""
        message = f"the text holds {name}, which nobody sees{others}"
        self.problems.warn("CO125", self.places.span(first, first + 1), message, hint=_ESCAPE_HINT)

    def _add(self, node: Node, end: int) -> None:
        if not self._frames:
            empty = isinstance(node, ScalarNode) and node.kind is Kind.NULL
            self.root = MappingNode((), node.span) if empty else node
            return
        frame = self._frames[-1]
        frame.end = max(frame.end, end)
        if not frame.mapping:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            key, frame.key = frame.key, None
            self._add_pair(frame, key, node)

    def _add_pair(self, frame: _Frame, key: Node, value: Node) -> None:
        if not isinstance(key, ScalarNode):
            self.problems.error("CO111", key.span, f"a key must be text, this is {describe(key)}")
            return
        if key.text == "<<" and not key.quoted:
            self.problems.error(
                "CO109", key.span, "the merge key << is not supported", hint="write the fields out where they are meant"
            )
            self.usable = False
            return
        first = frame.keys.setdefault(key.text, key.span)
        if first is not key.span:
            related = ((first, "the first one is here"),)
            self.problems.error("CO107", key.span, f"the key `{key.text}` stands here twice", related=related)
            return
        frame.pairs.append((key, value))

    def _properties(self, event: Any, allowed: set[str]) -> None:
        if event.anchor is not None:
            self._not_supported(event, f"the anchor &{event.anchor}")
        tag = None if event.ctag is None else str(event.ctag)
        if tag is not None and tag != "!" and tag not in allowed:
            shown = tag.replace(_CORE, "!!")
            self.problems.error(
                "CO108",
                self._span(event),
                f"the tag {shown} is not supported",
                hint="remove the tag; quote the value if text is meant",
            )
            self.usable = False

    def _not_supported(self, event: Any, what: str) -> None:
        self.problems.error(
            "CO109", self._span(event), f"{what} is not supported", hint="write the value out where it is meant"
        )

    def _span(self, event: Any) -> Span:
        return self.places.span(event.start_mark.index, event.end_mark.index)

    def _syntax(self, error: MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        length = len(self.places.text)
        offset = min(mark.index, length) if mark is not None else 0
        related: tuple[tuple[Span, str], ...] = ()
        context = error.context_mark
        if context is not None and "end of stream" in str(error.problem):
            offset = context.index
        elif context is not None and error.context and context.index != offset:
            related = ((self.places.span(context.index, context.index + 1), str(error.context)),)
        problem = str(error.problem or error.context or "not valid YAML")
        self.problems.error(
            "CO105",
            self.places.span(offset, min(offset + 1, length)),
            f"not valid YAML: {problem}",
            hint=_hint(problem),
            related=related,
        )


def _hint(problem: str) -> str | None:
    if r"'\t'" in problem:
        return "indent with spaces, never with tabs"
    if "mapping values are not allowed" in problem:
        return 'quote text that holds ": ", and check the indentation'
    if "cannot start any token" in problem:
        return "quote text that starts with this character"
    if "expected <block end>" in problem:
        return "check the indentation of this line and of the lines above"
    if "expected ',' or" in problem:
        return "check for a missing comma or bracket"
    if "end of stream" in problem:
        return "close the quotes or brackets"
    return None
