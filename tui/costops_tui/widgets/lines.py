"""Lines of text with or without a cursor: tables, trees and files are all shown by this one widget.

Invariant: only the lines that are on the screen are drawn, so that a list may have any length; no text is read as
markup; and the cursor has a sign of its own, so that it is seen without colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from costops_tui.keymap import bindings
from costops_tui.layout import cell_count

CURSOR, NO_CURSOR = "▸ ", "  "


@dataclass(frozen=True, slots=True)
class Line:
    """One line, its text made safe already."""

    text: str
    style: str = "plain"
    """plain, head, strong, weak or chosen: how it looks, never what it says."""
    key: str | None = None
    """What the cursor is on; lines without a key are passed over."""


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """A scrolling list of lines under head lines that stay; with a cursor where lines have keys."""

    BINDINGS = bindings("list")
    STYLES = ("plain", "head", "strong", "weak", "chosen", "cursor")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{name}" for name in STYLES}

    @dataclass
    class Moved(Message):
        """The cursor is on another line."""

        view: LineView
        key: str

    @dataclass
    class Chosen(Message):
        """Enter on a line."""

        view: LineView
        key: str

    @dataclass
    class Sideways(Message):
        """Left (-1) or right (1) on a view that does not scroll sideways itself."""

        view: LineView
        direction: int

    class Resized(Message):
        """The view has another width."""

    def __init__(self, *, id: str, title: str, cursor: bool = False, scrolls_sideways: bool = True) -> None:
        super().__init__(id=id)
        # A title is read as markup, so it is never made of data.
        self.border_title = title
        self._sign = len(NO_CURSOR) if cursor else 0
        self._scrolls_sideways = scrolls_sideways
        self._head: tuple[Line, ...] = ()
        self._lines: tuple[Line, ...] = ()
        self._stops: tuple[int, ...] = ()
        self._cursor: int | None = None
        self._laid_out_for = 0
        self._top = 0

    @property
    def lines(self) -> tuple[Line, ...]:
        """Everything that is shown, head lines first."""
        return (*self._head, *self._lines)

    @property
    def text_width(self) -> int:
        """Cells that a line may take without scrolling sideways."""
        return max(0, self.scrollable_content_region.width - self._sign)

    @property
    def key(self) -> str | None:
        """What the cursor is on."""
        return None if self._cursor is None else self._lines[self._cursor].key

    def show(
        self,
        lines: Sequence[Line],
        *,
        head: Sequence[Line] = (),
        key: str | None = None,
        top: int = 0,
        cells: int | None = None,
    ) -> None:
        """Show other lines; the cursor goes to `key` if it is there, else stays on its own key, else goes first.

        Without a cursor the line `top` is the first one that is shown. `cells` is the width of the widest line, for
        who knows it already: a file may be long.
        """
        wanted = (key, self.key)
        self._head, self._lines = tuple(head), tuple(lines)
        places = {line.key: index for index, line in enumerate(lines) if line.key is not None} if self._sign else {}
        self._stops = tuple(places.values())
        found = [places[each] for each in wanted if each in places]
        self._cursor = next(iter([*found, *self._stops]), None)
        if cells is None:
            cells = max((cell_count(line.text) for line in self.lines), default=0)
        self.virtual_size = Size(cells + self._sign, len(self._head) + len(self._lines))
        self._top = top
        self._place()
        # How far there is to scroll is known after the next layout.
        self.call_after_refresh(self._place)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        heads = len(self._head)
        index = y if y < heads else y + self.scroll_offset.y
        base = self.rich_style
        if index >= heads + len(self._lines):
            return Strip.blank(width, base)
        line = self._head[index] if index < heads else self._lines[index - heads]
        on_cursor = index >= heads and index - heads == self._cursor
        style = base + self.get_component_rich_style(f"lines--{'cursor' if on_cursor else line.style}")
        sign = "" if not self._sign else CURSOR if on_cursor else NO_CURSOR
        text = sign + line.text
        strip = Strip([Segment(text, style)], cell_count(text))
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + width, style if on_cursor else base)

    # Moving.

    def move_to(self, key: str) -> None:
        """Put the cursor on the line with this key."""
        self._go(next(place for place, index in enumerate(self._stops) if self._lines[index].key == key))

    def action_move(self, by: int) -> None:
        """One line down or up."""
        if not self._stops:
            self.scroll_relative(y=by, animate=False)
            return
        assert self._cursor is not None
        self._go(self._stops.index(self._cursor) + by)

    def action_page(self, by: int) -> None:
        """One page down or up."""
        page = max(1, self.size.height - len(self._head) - 1)
        if not self._stops:
            self.scroll_relative(y=by * page, animate=False)
            return
        assert self._cursor is not None
        self._go(self._stops.index(self._cursor) + by * page)

    def action_edge(self, to: int) -> None:
        """To the last or the first line."""
        if self._stops:
            self._go(len(self._stops) if to > 0 else 0)
        else:
            self.scroll_to(y=self.max_scroll_y if to > 0 else 0, animate=False)

    def action_sideways(self, by: int) -> None:
        """To the left or right."""
        if self._scrolls_sideways:
            self.scroll_relative(x=8 * by, animate=False)
        else:
            self.post_message(self.Sideways(self, by))

    def action_choose(self) -> None:
        """Open what the cursor is on."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one opens."""
        offset = event.get_content_offset(self)
        index = -1 if offset is None else offset.y - len(self._head) + self.scroll_offset.y
        if index in self._stops:
            if index == self._cursor:
                self.action_choose()
            else:
                self._go(self._stops.index(index))

    def on_resize(self) -> None:
        """Keep the cursor on the screen, and tell who lays the lines out."""
        self.call_after_refresh(self._place)
        if self.scrollable_content_region.width != self._laid_out_for:
            self._laid_out_for = self.scrollable_content_region.width
            self.post_message(self.Resized())

    def _go(self, stop: int) -> None:
        before = self._cursor
        self._cursor = self._stops[min(max(stop, 0), len(self._stops) - 1)]
        if self._cursor == before:
            return
        self._reveal()
        for index in (before, self._cursor):
            if index is not None:
                row = index + len(self._head) - self.scroll_offset.y
                self.refresh(Region(0, row, self.size.width, 1))
        key = self.key
        assert key is not None
        self.post_message(self.Moved(self, key))

    def _place(self) -> None:
        """Scroll to where the cursor is or, without one, to the line that was asked for."""
        if self._cursor is None:
            self.scroll_to(0, self._top, animate=False, immediate=True, force=True)
        else:
            self._reveal()

    def _reveal(self) -> None:
        """Scroll as little as shows the cursor, and what stands above the first line that has a key."""
        assert self._cursor is not None
        room = max(1, self.size.height - len(self._head))
        top = self.scroll_offset.y
        first = 0 if self._cursor == self._stops[0] else self._cursor
        if first < top:
            top = first
        elif self._cursor >= top + room:
            top = self._cursor - room + 1
        self.scroll_to(y=top, animate=False, immediate=True, force=True)
