"""The rule files as a tree of files and entries, with places and problems.

Invariant: every file and every entry that could be bound is in the tree, and every problem is at exactly one node.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from costops.model.diagnostic import Diagnostic
from costops.model.rules import Entry
from costops.render.safe import safe_text
from costops_tui.layout import cell_count
from costops_tui.reading import RuleFiles
from costops_tui.widgets.lines import Line

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
SETTINGS_FILE = "costops.yaml"
BESIDE, CHOSEN, PROBLEM = "│", "┃", "!"
OTHER = "(no file)"
"""What problems without a place stand under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryNode:
    """One entry in its file."""

    kind: str
    entry: Entry
    position: int | None
    """Place in the order of evaluation, from 1; only allocations have one."""
    first_line: int
    last_line: int
    diagnostics: tuple[Diagnostic, ...]

    @property
    def key(self) -> str:
        return entry_key(self.kind, self.entry.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNode:
    """One file."""

    name: str
    lines: tuple[Line, ...]
    """Its text with line numbers, ready to be shown; empty where it could not be read."""
    cells: int
    """Width of the widest line."""
    entries: tuple[EntryNode, ...]
    diagnostics: tuple[Diagnostic, ...]
    """Those that no entry has."""

    @property
    def key(self) -> str:
        return f"file {self.name}"

    @property
    def everything(self) -> tuple[Diagnostic, ...]:
        """Problems of the file and of its entries."""
        return (*self.diagnostics, *(found for each in self.entries for found in each.diagnostics))


def entry_key(kind: str, entry_id: str) -> str:
    """What an entry is called among nodes."""
    return f"{kind} {entry_id}"


def make_tree(files: RuleFiles) -> tuple[FileNode, ...]:
    """Files in the order in which they are read; problems of costops.yaml and of no file come first."""
    texts = {name: tuple(_LINE_BREAK.split(text)) for name, text in files.texts.items()}
    places: dict[str, list[Diagnostic]] = {}
    for each in files.diagnostics:
        places.setdefault(each.span.file if each.span is not None else OTHER, []).append(each)
    entries: dict[str, list[tuple[str, Entry, int | None]]] = {}
    positions = {each.id: position for position, each in enumerate(files.rules.allocations, start=1)}
    for kind, entry in files.rules.entries():
        position = positions[entry.id] if kind == "allocation" else None
        entries.setdefault(entry.span.file, []).append((kind, entry, position))
    rule_files = [name for name in texts if name != SETTINGS_FILE]
    first = [name for name in places if name not in rule_files]
    return tuple(
        _file(name, texts.get(name, ()), entries.get(name, ()), places.get(name, ())) for name in (*first, *rule_files)
    )


def _file(
    name: str,
    lines: Sequence[str],
    entries: Sequence[tuple[str, Entry, int | None]],
    diagnostics: Sequence[Diagnostic],
) -> FileNode:
    left = list(diagnostics)
    nodes = []
    for kind, entry, position in sorted(entries, key=lambda each: each[1].span):
        first, last = entry_lines(entry, lines)
        mine = [each for each in left if each.span is not None and first <= each.span.line <= last]
        left = [each for each in left if each not in mine]
        nodes.append(
            EntryNode(
                kind=kind, entry=entry, position=position, first_line=first, last_line=last, diagnostics=tuple(mine)
            )
        )
    shown = _numbered(lines, diagnostics)
    return FileNode(
        name=name,
        lines=shown,
        cells=max((cell_count(each.text) for each in shown), default=0),
        entries=tuple(nodes),
        diagnostics=tuple(left),
    )


def _numbered(lines: Sequence[str], diagnostics: Sequence[Diagnostic]) -> tuple[Line, ...]:
    """A file with line numbers; `!` marks a line with a problem."""
    digits = len(str(len(lines)))
    problems = {each.span.line for each in diagnostics if each.span is not None}
    return tuple(
        Line(f"{number:>{digits}} {PROBLEM if number in problems else BESIDE} {safe_text(text.expandtabs(4))}".rstrip())
        for number, text in enumerate(lines, start=1)
    )


def chosen_lines(file: FileNode, node: EntryNode) -> tuple[Line, ...]:
    """The file's lines with those of one entry marked."""
    first, last = node.first_line - 1, node.last_line
    marked = (Line(each.text.replace(f" {BESIDE}", f" {CHOSEN}", 1), "chosen") for each in file.lines[first:last])
    return (*file.lines[:first], *marked, *file.lines[last:])


def entry_lines(entry: Entry, lines: Sequence[str]) -> tuple[int, int]:
    """The first and the last line of an entry, from 1; its `id` may stand anywhere in it."""
    written = _LINE_BREAK.split(entry.text)
    while len(written) > 1 and not written[-1].strip():
        written.pop()
    place = entry.span.line
    for first in range(place, max(place - len(written), 0), -1):
        if list(lines[first - 1 : first - 1 + len(written)]) == written:
            return first, first + len(written) - 1
    # An entry that shares its lines with others has only a part of them as its text.
    return place, place
