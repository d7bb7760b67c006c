"""What the three screens share: header, footer, filter, reading in a thread, and what stands in for content.

Invariant: nothing is read in the thread that draws, and an error of the workspace is shown in the screen's place with
what to do; the application goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from costops.errors import CostopsError, InvalidRulesError
from costops.render.diagnostics import diagnostics_text
from costops.render.safe import safe_text
from costops_tui.keymap import KEYS, SCREEN_KEYS, SCREENS, keys_of
from costops_tui.layout import cell_count, wrapped
from costops_tui.widgets.lines import Line, LineView

if TYPE_CHECKING:
    from costops_tui.app import CostopsApp
    from costops_tui.reading import Snapshot

Content = TypeVar("Content")


class ReportScreen(Screen[None], Generic[Content]):
    """A screen that shows one thing read from the workspace."""

    NAME: ClassVar[str]
    COMMAND: ClassVar[str]
    """The command that prints the same figures."""
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self.content: Content | None = None
        self.filter_text = ""
        self._shown: Snapshot | None = None
        self._redrawing = False

    @property
    def costops(self) -> CostopsApp:
        """The application, which holds what the screens share."""
        return cast("CostopsApp", self.app)

    # What a screen says of itself.

    def compose_body(self) -> ComposeResult:
        """The views of the screen; the first one has the focus."""
        raise NotImplementedError

    def read(self, snapshot: Snapshot) -> Content | None:
        """Read the content, in a thread; None where nothing has been applied yet."""
        raise NotImplementedError

    def draw(self, content: Content) -> None:
        """Fill the views."""
        raise NotImplementedError

    def as_of(self, content: Content) -> str:
        """What the figures are of: version, months, cost column, currency."""
        raise NotImplementedError

    @property
    def command(self) -> str:
        """The command as it would be typed."""
        return self.COMMAND

    # Life.

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield Static("", id="as-of", markup=False)
        yield Static("", id="notice", markup=False)
        with Container(id="body"):
            yield from self.compose_body()
        yield LineView(id="stand-in", title="")
        with Horizontal(id="filter-bar"):
            yield Static("filter:", markup=False)
            yield Input(id="filter", compact=True)
        yield Static("", id="command", markup=False)
        yield Static("", id="keys", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one("#filter-bar").display = False
        self.stand_in([Line("Reading ...")])

    def on_screen_resume(self) -> None:
        self.bars()
        if self._shown is not self.costops.snapshot:
            self.reload()
        else:
            self.redraw()

    def on_resize(self) -> None:
        self.bars()

    def on_line_view_resized(self) -> None:
        # Several views tell it at once; one drawing answers them all.
        if not self._redrawing:
            self._redrawing = True
            self.call_after_refresh(self._redraw_once)

    def _redraw_once(self) -> None:
        self._redrawing = False
        self.redraw()

    def redraw(self) -> None:
        """Fill the views again; before their first layout they have no width to fill."""
        if self.content is not None and self.query_one("#body").query(LineView).first().size.width:
            self.draw(self.content)

    def reload(self) -> None:
        """Read the content of the application's snapshot and show it."""
        snapshot = self._shown = self.costops.snapshot
        self.run_worker(lambda: self._reading(snapshot), thread=True, exclusive=True, group=self.NAME)

    def _reading(self, snapshot: Snapshot) -> None:
        try:
            content = self.read(snapshot)
        except CostopsError as error:
            self.app.call_from_thread(self._failed, snapshot, error)
        else:
            self.app.call_from_thread(self._ready, snapshot, content)

    def _ready(self, snapshot: Snapshot, content: Content | None) -> None:
        if snapshot is not self._shown:
            return
        self.content = content
        if content is None:
            self.stand_in(empty_lines(self.size.width - 4))
        else:
            self.stand_in(())
            self.redraw()
        self.bars()
        self.costops.was_shown()

    def _failed(self, snapshot: Snapshot, error: CostopsError) -> None:
        if snapshot is not self._shown:
            return
        self.content = None
        self.stand_in(error_lines(error, self.size.width - 4))
        self.bars()
        self.costops.was_shown()

    def stand_in(self, lines: tuple[Line, ...] | list[Line]) -> None:
        """Show these lines in the place of the body; none: show the body."""
        view = self.query_one("#stand-in", LineView)
        body = self.query_one("#body")
        view.display, body.display = bool(lines), not lines
        view.show(lines)
        if self.focused is None or not self.focused.display or (lines and self.focused is not view):
            (view if lines else body.query(LineView).first()).focus()

    # Header and footer.

    def bars(self) -> None:
        """Write the header and the footer again."""
        tabs = [f" {each.shown} {each.label} " for each in SCREEN_KEYS]
        tabs[SCREENS.index(self.NAME)] = f"[{tabs[SCREENS.index(self.NAME)].strip()}]"
        as_of = "" if self.content is None else self.as_of(self.content)
        if self.filter_text:
            as_of += f'  filter "{safe_text(self.filter_text)}"'
        for name, text in (
            ("title", f"costops  {' '.join(tabs)}  {safe_text(self.costops.place)}"),
            ("as-of", as_of),
            ("notice", self.costops.notice),
            ("command", f"in a shell: {safe_text(self.command)}"),
            ("keys", self._keys()),
        ):
            bar = self.query_one(f"#{name}", Static)
            bar.update(text)
            # Only what can be empty: setting it would win over the styles of a short window.
            if name in ("as-of", "notice"):
                bar.display = bool(text)

    def _keys(self) -> str:
        """As many keys as fit; help and quit always."""
        last = [f"{key.shown} {key.label}" for key in KEYS if key.id in ("help", "quit")]
        line = ""
        for key in keys_of(self.NAME):
            if (
                not key.in_footer
                or key.id in ("help", "quit")
                or (key.id == "currency" and not self.several_currencies)
            ):
                continue
            piece = f"{key.shown} {key.label}  "
            if cell_count(line + piece + "  ".join(last)) <= self.size.width - 2:
                line += piece
        return line + "  ".join(last)

    # Currency.

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies of the content; empty on a screen that shows all of them at once."""
        return ()

    @property
    def several_currencies(self) -> bool:
        return len(self.currencies) > 1

    @property
    def currency(self) -> str:
        """The currency that is shown: the application's where this screen has it, else the first."""
        chosen = self.costops.currency
        return chosen if chosen in self.currencies else (self.currencies or ("",))[0]

    def currency_words(self) -> str:
        """`USD`, or where there are several `USD (2 of 2)`."""
        if not self.several_currencies:
            return safe_text(self.currency)
        return f"{safe_text(self.currency)} ({self.currencies.index(self.currency) + 1} of {len(self.currencies)})"

    def action_currency(self) -> None:
        """Show the next currency."""
        if self.several_currencies and self.content is not None:
            place = self.currencies.index(self.currency)
            self.costops.currency = self.currencies[(place + 1) % len(self.currencies)]
            self.redraw()
            self.bars()

    # Filter.

    def matches(self, *texts: str | None) -> bool:
        """Whether one of these texts contains the filter."""
        wanted = self.filter_text.casefold()
        return any(wanted in text.casefold() for text in texts if text is not None)

    def action_filter(self) -> None:
        """Ask for the filter."""
        self.query_one("#filter-bar").display = True
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.filter_text = event.value
        self.redraw()
        self.bars()

    def on_input_submitted(self) -> None:
        self._leave_filter()

    def _leave_filter(self) -> None:
        self.query_one("#filter-bar").display = False
        self.query_one("#body").query(LineView).first().focus()

    def go_back(self) -> None:
        """Take the filter away; without one, back to the screen before."""
        box = self.query_one(Input)
        if box.value or self.query_one("#filter-bar").display:
            box.value = ""
            self._leave_filter()
        else:
            self.costops.back()


def empty_lines(width: int) -> list[Line]:
    """What stands where no version is."""
    words = (
        "The figures of this screen are those of the newest version, and there is none. Make the first one in a shell:"
    )
    return [
        Line("Nothing has been applied yet.", "strong"),
        Line(""),
        *map(Line, wrapped(words, width)),
        Line(""),
        Line("    costops plan     shows what the rules do with the bill"),
        Line("    costops apply    writes it as version 1"),
        Line(""),
        Line("Then press r to read again; 2 shows the rule files."),
    ]


def error_lines(error: CostopsError, width: int) -> list[Line]:
    """An error as a screen: what, what to do, and how to go on."""
    lines = [Line("This cannot be shown.", "strong"), Line("")]
    lines += [Line(each) for each in wrapped(safe_text(error.message), width)]
    if error.hint:
        lines += [Line(""), *(Line(each) for each in wrapped(f"help: {safe_text(error.hint)}", width))]
    if isinstance(error, InvalidRulesError):
        lines += [Line(""), *(Line(each) for each in diagnostics_text(error.diagnostics, error.texts).splitlines())]
    words = f"A command would end with exit code {int(error.exit_code)}. Press r to try again, q to quit."
    return [*lines, Line(""), *map(Line, wrapped(words, width))]
