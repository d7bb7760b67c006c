"""The rule files as a tree, the text of each at the chosen entry, and what the entry does and did with money.

Invariant: files with errors are shown like all others, with their errors; the money is that of the applied version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container

from costops.errors import CostopsError
from costops.model.diagnostic import Diagnostic
from costops.model.rule_money import RuleMoney
from costops.render.diagnostics import diagnostics_text
from costops.render.numbers import counted
from costops.render.safe import safe_text
from costops_tui.keymap import RULES
from costops_tui.layout import wrapped
from costops_tui.reading import RuleFiles, Snapshot
from costops_tui.screens.base import ReportScreen
from costops_tui.screens.money import money_lines
from costops_tui.tree import EntryNode, FileNode, chosen_lines, entry_key, make_tree
from costops_tui.widgets.lines import Line, LineView
from costops_tui.words import sentence


@dataclass(frozen=True, slots=True)
class _Content:
    """The files, and the money of their rules where there is any."""

    files: RuleFiles
    tree: tuple[FileNode, ...]
    money: RuleMoney | None
    without_money: str
    """Why there is no money."""
    as_of: str


class RulesScreen(ReportScreen[_Content]):
    """Left, or on top, the tree; right, or below, what is known of the chosen node, and its file."""

    NAME = RULES
    COMMAND = "costops show; costops validate --no-data"

    def __init__(self) -> None:
        super().__init__()
        self._folded: set[str] = set()
        self._wanted: str | None = None
        self._revealed: str | None = None

    def compose_body(self) -> ComposeResult:
        yield LineView(id="tree", title="Rule files", cursor=True, scrolls_sideways=False)
        with Container(id="detail"):
            yield LineView(id="facts", title="What it does")
            yield LineView(id="text", title="Text")

    def read(self, snapshot: Snapshot) -> _Content:
        files = snapshot.files
        money, why, as_of = None, "", "nothing applied yet"
        try:
            if snapshot.version is None:
                why = "Nothing has been applied yet: run costops apply."
            else:
                money, as_of = snapshot.money, f"money of {snapshot.label}"
        except CostopsError as error:
            why, as_of = f"The money cannot be shown: {error.message}", "the state cannot be read"
        return _Content(files, make_tree(files), money, why, as_of)

    def as_of(self, content: _Content) -> str:
        errors = counted(content.files.errors, "error") + ", " if content.files.errors else ""
        return f"{errors}{content.as_of}"

    def open_rule(self, rule_id: str) -> None:
        """Put the cursor on an allocation."""
        self._wanted = self._revealed = entry_key("allocation", rule_id)
        self.redraw()

    # The tree.

    def draw(self, content: _Content) -> None:
        view = self.query_one("#tree", LineView)
        key, self._wanted = self._wanted, None
        if key is not None:
            self._folded -= {file.key for file in content.tree if any(each.key == key for each in file.entries)}
        lines = []
        for file in content.tree:
            entries = [each for each in file.entries if self._shows(file, each)]
            if not self.filter_text or entries or self.matches(file.name):
                lines.append(_file_line(file, folded=file.key in self._folded))
                lines += _entry_lines(entries, file) if file.key not in self._folded else []
                hidden = sum(1 for each in file.entries if self._hides(each))
                lines += [Line(f"  {hidden:,} hidden")] if hidden else []
        if not content.tree:
            lines = [Line("There are no rule files. costops init makes an example.")]
        elif not lines:
            lines = [Line("Nothing contains the filter.")]
        view.show(lines, key=key)
        self._draw_detail(content)

    def _shows(self, file: FileNode, node: EntryNode) -> bool:
        return not self._hides(node) and self.matches(node.entry.id, node.entry.name, node.kind, file.name)

    def _hides(self, node: EntryNode) -> bool:
        """Whether a hidden entry is only counted: not while something is looked for, and not with a problem."""
        return node.entry.hidden and not (self.filter_text or node.diagnostics or node.key == self._revealed)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Show the node that the cursor is on."""
        if event.view.id == "tree" and self.content is not None:
            self._draw_detail(self.content)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Fold a file or unfold it; of an entry, go into its text."""
        if event.key.startswith("file "):
            self._fold(event.key, event.key not in self._folded)
        else:
            self.query_one("#text").focus()

    def on_line_view_sideways(self, event: LineView.Sideways) -> None:
        """Left folds the file around the cursor, right unfolds it."""
        if self.content is not None and event.view.key is not None:
            file, _ = _found(self.content.tree, event.view.key)
            if file is not None:
                self._fold(file.key, event.direction < 0)

    def _fold(self, key: str, folded: bool) -> None:
        self._folded = self._folded | {key} if folded else self._folded - {key}
        if folded:
            self.query_one("#tree", LineView).move_to(key)
        self.redraw()

    # The chosen node.

    def _draw_detail(self, content: _Content) -> None:
        facts, text = self.query_one("#facts", LineView), self.query_one("#text", LineView)
        file, node = _found(content.tree, self.query_one("#tree", LineView).key)
        if file is None:
            facts.show([])
            text.show([])
            return
        width = facts.text_width
        facts.show(_file_facts(file, content) if node is None else _entry_facts(file, node, content, width))
        if not file.lines:
            text.show([Line("The text of this file could not be read.")])
        elif node is None:
            text.show(file.lines, cells=file.cells)
        else:
            text.show(chosen_lines(file, node), cells=file.cells, top=node.first_line - 1)


def _found(tree: Sequence[FileNode], key: str | None) -> tuple[FileNode | None, EntryNode | None]:
    for file in tree:
        if file.key == key:
            return file, None
        for node in file.entries:
            if node.key == key:
                return file, node
    return None, None


def _problems(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(1 for each in diagnostics if each.is_error)
    words = [counted(errors, "error")] if errors else []
    words += [counted(len(diagnostics) - errors, "warning")] if len(diagnostics) > errors else []
    return f"  ! {', '.join(words)}" if words else ""


def _file_line(file: FileNode, *, folded: bool) -> Line:
    sign = "+" if folded else "-"
    problems = _problems(file.everything if folded else file.diagnostics)
    return Line(f"{sign} {safe_text(file.name)}{problems}", "strong", key=file.key)


def _entry_lines(entries: Sequence[EntryNode], file: FileNode) -> list[Line]:
    numbers = max((len(str(each.position)) for each in file.entries if each.position is not None), default=0)
    lines = []
    for each in entries:
        number = f"#{each.position}".rjust(numbers + 1) if each.position is not None else " " * (numbers + 1)
        state = ("" if each.entry.enabled else "  (disabled)") + ("  (hidden)" if each.entry.hidden else "")
        words = f"  {number} {each.kind:<10} {safe_text(each.entry.id)}{state}{_problems(each.diagnostics)}"
        lines.append(Line(words if numbers else words.replace("   ", "  ", 1), key=each.key))
    return lines


def _file_facts(file: FileNode, content: _Content) -> list[Line]:
    head = [Line(safe_text(file.name), "strong"), Line(counted(len(file.entries), "entry", "entries") + ".")]
    return [*head, *_diagnostic_lines(file.diagnostics, content.files)]


def _diagnostic_lines(diagnostics: Sequence[Diagnostic], files: RuleFiles) -> list[Line]:
    if not diagnostics:
        return []
    return [Line(""), *map(Line, diagnostics_text(diagnostics, files.texts).rstrip("\n").splitlines())]


def _entry_facts(file: FileNode, node: EntryNode, content: _Content, width: int) -> list[Line]:
    entry = node.entry
    count = len(content.files.rules.allocations)
    order = f"  #{node.position} of {count} in order" if node.position is not None else ""
    head = f"{node.kind} {safe_text(entry.id)}{order}  {safe_text(file.name)}:{node.first_line}"
    lines = [Line(each, "strong") for each in wrapped(head, width)]
    lines += _diagnostic_lines(node.diagnostics, content.files)
    for text in (entry.name, entry.description, f"Owner: {entry.owner}" if entry.owner else None):
        lines += [Line(each) for each in wrapped(safe_text(text), width)] if text else []
    if not any(each.is_error for each in node.diagnostics):
        lines += [Line(each) for each in wrapped(safe_text(sentence(entry, content.files.cost)), width)]
    if node.kind != "allocation":
        return lines
    if content.money is None:
        return [*lines, Line(""), *map(Line, wrapped(safe_text(content.without_money), width))]
    step = next((each for each in content.money.steps if each.id == entry.id and each.present), None)
    if step is None:
        words = f"It is not in version {content.money.version}, so it has no money yet: run costops plan."
        return [*lines, Line(""), *map(Line, wrapped(words, width))]
    return [*lines, Line(""), *money_lines(content.money, step, content.money.currencies, width)]
