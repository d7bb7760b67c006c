"""Every key of the terminal application, in one table: bindings, footer, help and the manual are made from it.

Invariant: a key means one thing on a screen, and there is no key that the help of its screen does not name.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

DIGEST, RULES, ORDER = "digest", "rules", "order"
SCREENS = (DIGEST, RULES, ORDER)
"""The screens, in the order of their keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One thing that keys do."""

    id: str
    keys: str
    """As Textual names them, separated by commas."""
    shown: str
    """As a person reads them."""
    action: str
    label: str
    """For the footer: one or two words."""
    tooltip: str
    """For the help: a sentence."""
    place: str
    """app: everywhere; list: in the part that has the focus; help: while the help is shown."""
    screens: tuple[str, ...] = SCREENS
    """Where it means something."""
    in_footer: bool = False


KEYS: tuple[Key, ...] = (
    Key(
        id="screen.digest", keys="1", shown="1", action="show('digest')", label="digest", place="app",
        tooltip="Cost of each element, month by month.",
    ),
    Key(
        id="screen.rules", keys="2", shown="2", action="show('rules')", label="rules", place="app",
        tooltip="The rule files, what each rule does, and its money.",
    ),
    Key(
        id="screen.order", keys="3", shown="3", action="show('order')", label="order", place="app",
        tooltip="The allocations in the order of evaluation, and what is left after each.",
    ),
    Key(
        id="help", keys="question_mark,f1", shown="?", action="help", label="help", place="app", in_footer=True,
        tooltip="Show or close this help.",
    ),
    Key(
        id="quit", keys="q", shown="q", action="quit", label="quit", place="app", in_footer=True,
        tooltip="Leave costops; ctrl+q does too.",
    ),
    Key(
        id="month", keys="left,h", shown="← →", action="sideways(-1)", label="month", place="list", screens=(DIGEST,),
        tooltip="Show the month before, or with → or l the month after.", in_footer=True,
    ),
    Key(
        id="filter", keys="slash", shown="/", action="filter", label="filter", place="app", in_footer=True,
        tooltip="Show only what contains a text, in upper or lower case; enter keeps the filter, esc takes it away.",
    ),
    Key(
        id="currency", keys="c", shown="c", action="currency", label="currency", place="app", screens=(DIGEST, ORDER),
        tooltip="Show the next currency; amounts of different currencies are never added.", in_footer=True,
    ),
    Key(
        id="reload", keys="r", shown="r", action="reload", label="reload", place="app", in_footer=True,
        tooltip="Read the files and the state again.",
    ),
    Key(
        id="back", keys="escape", shown="esc", action="back", label="back", place="app",
        tooltip="Take the filter away, else go back to the screen before; esc never quits.",
    ),
    Key(
        id="open", keys="enter", shown="enter", action="choose", label="open", place="list", screens=(RULES,),
        tooltip="Fold or unfold a file; of an entry, go into its text.", in_footer=True,
    ),
    Key(
        id="open_rule", keys="enter", shown="enter", action="choose", label="open", place="list", screens=(ORDER,),
        tooltip="Show the rule in its file.", in_footer=True,
    ),
    Key(
        id="down", keys="down,j", shown="↓ j", action="move(1)", label="down", place="list",
        tooltip="One line down.",
    ),
    Key(
        id="up", keys="up,k", shown="↑ k", action="move(-1)", label="up", place="list",
        tooltip="One line up.",
    ),
    Key(
        id="page_down", keys="pagedown,ctrl+d", shown="pgdn ctrl+d", action="page(1)", label="page down", place="list",
        tooltip="One page down.",
    ),
    Key(
        id="page_up", keys="pageup,ctrl+u", shown="pgup ctrl+u", action="page(-1)", label="page up", place="list",
        tooltip="One page up.",
    ),
    Key(
        id="first", keys="home,g", shown="home g", action="edge(-1)", label="first", place="list",
        tooltip="To the first line.",
    ),
    Key(
        id="last", keys="end,G", shown="end G", action="edge(1)", label="last", place="list",
        tooltip="To the last line.",
    ),
    Key(
        id="left", keys="left,h", shown="← h", action="sideways(-1)", label="left", place="list",
        screens=(RULES,), tooltip="Fold the file in the tree; in the other parts scroll to the left.",
    ),
    Key(
        id="right", keys="right,l", shown="→ l", action="sideways(1)", label="right", place="list",
        screens=(RULES,), tooltip="Unfold the file in the tree; in the other parts scroll to the right.",
    ),
    Key(
        id="scroll_left", keys="left,h", shown="← h", action="sideways(-1)", label="left", place="list",
        screens=(ORDER,), tooltip="Scroll to the left.",
    ),
    Key(
        id="scroll_right", keys="right,l", shown="→ l", action="sideways(1)", label="right", place="list",
        screens=(ORDER,), tooltip="Scroll to the right.",
    ),
    Key(
        id="next_part", keys="tab", shown="tab", action="app.focus_next", label="next part", place="app",
        tooltip="To the next part of the screen; shift+tab to the one before.",
    ),
)  # fmt: skip

SCREEN_KEYS = tuple(key for key in KEYS if key.action.startswith("show("))
"""The key of each screen, in the order of SCREENS."""

CLOSE_HELP = Key(
    id="help.close", keys="escape,question_mark,f1,q", shown="esc ? q", action="close", label="close", place="help",
    screens=(), tooltip="Close the help.",
)  # fmt: skip


def bindings(place: str) -> list[BindingType]:
    """The bindings of one place; a key that several entries name is bound once."""
    made: dict[str, Binding] = {}
    for key in (*KEYS, CLOSE_HELP):
        if key.place == place and key.keys not in made:
            made[key.keys] = Binding(
                key.keys,
                key.action,
                key.label,
                show=key.in_footer,
                tooltip=key.tooltip,
                id=key.id,
                key_display=key.shown,
            )
    return [*made.values()]


def keys_of(screen: str) -> tuple[Key, ...]:
    """Everything that keys do on a screen, in the order of the help."""
    return tuple(key for key in KEYS if screen in key.screens)
