"""The start screen: what every element cost in a billing month, and what changed.

Invariant: the figures are those of `costops digest`, written by the same function.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from textual.app import ComposeResult

from costops.model.digest import CurrencyDigest, Digest, MonthCost
from costops.render.digest import ShownLine, shown_currency
from costops.render.numbers import counted, percent
from costops.render.safe import safe_text
from costops_tui.keymap import DIGEST
from costops_tui.layout import columns
from costops_tui.reading import Snapshot
from costops_tui.screens.base import ReportScreen
from costops_tui.widgets.lines import Line, LineView

UNALLOCATED_KEY, TOTAL_KEY = "unallocated", "total"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the digest, as it is shown and as it is."""

    key: str
    shown: ShownLine
    costs: tuple[MonthCost, ...]


class DigestScreen(ReportScreen[Digest]):
    """Left, or on top, every element in one month; right, or below, every month of one element."""

    NAME = DIGEST
    COMMAND = "costops digest"

    def __init__(self) -> None:
        super().__init__()
        self._chosen_month: str | None = None
        self._written: tuple[CurrencyDigest, list[_Row]] | None = None

    def compose_body(self) -> ComposeResult:
        yield LineView(id="elements", title="Elements", cursor=True, scrolls_sideways=False)
        yield LineView(id="months", title="Months of one element")

    def read(self, snapshot: Snapshot) -> Digest | None:
        return None if snapshot.version is None else snapshot.digest

    @property
    def command(self) -> str:
        return self.COMMAND if self.content is None else f"{self.COMMAND} --by {shlex.quote(self.content.by)}"

    @property
    def currencies(self) -> tuple[str, ...]:
        return () if self.content is None else tuple(each.currency for each in self.content.currencies)

    def as_of(self, content: Digest) -> str:
        months = f"{content.months[0]}..{content.months[-1]}" if content.months else "no months"
        return f"{self.currency_words()}  {content.cost}  {months}  {content.version_label}"

    def month(self, content: Digest) -> int:
        """The place of the month that is shown: the chosen one while the version has it, else the newest."""
        if self._chosen_month in content.months:
            return content.months.index(self._chosen_month)
        return len(content.months) - 1

    def _block(self, content: Digest) -> CurrencyDigest | None:
        return next((each for each in content.currencies if each.currency == self.currency), None)

    def _rows(self, block: CurrencyDigest) -> list[_Row]:
        """The rows of a currency; written once, because the cursor asks for them at each move."""
        if self._written is None or self._written[0] is not block:
            self._written = (block, _rows(block))
        return self._written[1]

    def draw(self, content: Digest) -> None:
        view = self.query_one("#elements", LineView)
        block = self._block(content)
        if block is None:
            view.show([Line(f"Version {content.version} has no cost.")])
            self.query_one("#months", LineView).show([])
            return
        month = self.month(content)
        every = self._rows(block)
        rows = [each for each in every if each.key in (UNALLOCATED_KEY, TOTAL_KEY) or self.matches(each.shown.name)]
        head = [safe_text(content.by), content.months[month], "", "change", "", "share"]
        cells = [head, *(_cells(each, month, block) for each in rows)]
        texts = columns(cells, right=[False, True, False, True, True, True], width=view.text_width)
        lines = [Line(text, key=row.key) for text, row in zip(texts[1:], rows, strict=True)]
        lines += [Line(""), Line(_unallocated(block, month, content.months[month]))]
        if len(rows) < len(every):
            lines.append(Line(f"{counted(len(every) - len(rows), 'element')} of {len(every) - 2:,} filtered out."))
        view.show(lines, head=[Line(texts[0], "head")])
        self._draw_months(content, block)

    def _draw_months(self, content: Digest, block: CurrencyDigest) -> None:
        view = self.query_one("#months", LineView)
        key = self.query_one("#elements", LineView).key
        row = next(each for each in self._rows(block) if each.key == key)
        shown = self.month(content)
        cells = [["  month", "cost", "", "change", "", "share"]]
        cells += [
            [("> " if place == shown else "  ") + month, *_cells(row, place, block)[1:]]
            for place, month in enumerate(content.months)
        ]
        texts = columns(cells, right=[False, True, False, True, True, True], width=view.text_width)
        view.show([*map(Line, texts[1:])], head=[Line(row.shown.name, "strong"), Line(texts[0], "head")], top=shown)

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Show the months of the element that the cursor is on."""
        if event.view.id == "elements" and self.content is not None:
            block = self._block(self.content)
            assert block is not None
            self._draw_months(self.content, block)

    def on_line_view_sideways(self, event: LineView.Sideways) -> None:
        """Show the month before or after."""
        if self.content is not None and self.content.months:
            place = self.month(self.content) + event.direction
            self._chosen_month = self.content.months[min(max(place, 0), len(self.content.months) - 1)]
            self.redraw()


def _unallocated(block: CurrencyDigest, month: int, name: str) -> str:
    currency = safe_text(block.currency)
    if block.totals[month].amount_picos == 0:
        return f"{currency} has no cost in {name}."
    return f"{shown_currency(block).shares[month]} of {currency} is unallocated in {name}."


def _rows(block: CurrencyDigest) -> list[_Row]:
    keys = [*(f"element {line.value}" for line in block.elements), UNALLOCATED_KEY, TOTAL_KEY]
    costs = [*(line.costs for line in block.lines), block.totals]
    return [_Row(*each) for each in zip(keys, shown_currency(block).lines, costs, strict=True)]


def _cells(row: _Row, month: int, block: CurrencyDigest) -> list[str]:
    shown = row.shown
    return [
        shown.name,
        shown.amounts[month],
        trend(shown.changes[month]),
        shown.changes[month] or "first month",
        shown.percents[month],
        percent(row.costs[month].amount_picos, block.totals[month].amount_picos),
    ]


def trend(change: str) -> str:
    """The sign of a shown change: up, down, the same; nothing where there is no month before."""
    if not change:
        return ""
    return "▲" if change.startswith("+") else "▼" if change.startswith("-") and len(change) > 1 else "="
