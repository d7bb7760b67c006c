"""The keys of a screen, made from the table of keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import ModalScreen

from costops_tui.keymap import bindings, keys_of
from costops_tui.layout import columns, wrapped
from costops_tui.widgets.lines import Line, LineView


class HelpScreen(ModalScreen[None]):
    """What the keys of one screen do, and the command that prints the same."""

    BINDINGS = bindings("help")

    def __init__(self, name: str, command: str) -> None:
        super().__init__()
        self._screen_name = name
        self._command = command

    def compose(self) -> ComposeResult:
        yield LineView(id="help", title="Help")

    def on_mount(self) -> None:
        self.query_one(LineView).focus()

    def on_resize(self) -> None:
        view = self.query_one(LineView)
        view.show(help_lines(self._screen_name, self._command, view.text_width))

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss()


def help_lines(name: str, command: str, width: int) -> list[Line]:
    """The help of one screen."""
    keys = keys_of(name)
    signs = columns([[key.shown] for key in keys], right=[False], width=width)
    indent = max(map(len, signs)) + 2
    lines = [Line(f"The keys of the {name} screen", "strong"), Line("")]
    for key, sign in zip(keys, signs, strict=True):
        for number, text in enumerate(wrapped(key.tooltip, max(width - indent, 20))):
            lines.append(Line((sign if number == 0 else "").ljust(indent) + text))
    lines += [Line(""), *map(Line, wrapped("The same as plain text, for scripts and screen readers:", width))]
    lines += [Line(f"    {command}"), Line("")]
    lines += map(Line, wrapped("esc, ? or q closes this help. Nothing here changes a file or the state.", width))
    return lines
