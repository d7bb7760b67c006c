"""The application: three read-only screens on one workspace.

Invariant: it only reads; everything it shows comes through costops.workspace, and nothing of it is computed here.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import App

from costops.errors import CostopsError, ExitCode
from costops_tui.keymap import DIGEST, ORDER, RULES, bindings
from costops_tui.reading import Snapshot
from costops_tui.screens.base import ReportScreen
from costops_tui.screens.digest import DigestScreen
from costops_tui.screens.help import HelpScreen
from costops_tui.screens.order import OrderScreen
from costops_tui.screens.rules import RulesScreen

if TYPE_CHECKING:
    from costops.workspace import Workspace

THEME = "textual-dark"
"""Not an ansi theme: with NO_COLOR those are black on black."""


ENDS = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.TERMINATED,
}
"""Signals from outside end the application as q does, so that the terminal is restored."""

WIDE = 110
"""Columns from which on the parts of a screen stand side by side."""

TALL = 16
"""Lines from which on there is room for more than the first part of a screen."""


class CostopsApp(App[int]):
    """`costops tui`."""

    TITLE = "costops"
    CSS_PATH = "styles/costops.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings("app")
    MODES: ClassVar = {DIGEST: DigestScreen, RULES: RulesScreen, ORDER: OrderScreen}

    def __init__(self, open_workspace: Callable[[], Workspace], place: str) -> None:
        """`open_workspace` is called for every reading; `place` is what the header calls the workspace."""
        super().__init__()
        self.theme = THEME
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]
        self.animation_level = "none"
        self.place = place
        self.notice = ""
        self.currency = ""
        self.snapshot = Snapshot(open_workspace)
        self._open = open_workspace
        self._visited: list[str] = []

    def on_mount(self) -> None:
        """Show the first screen."""
        loop = asyncio.get_running_loop()
        for number, code in ENDS.items():
            loop.add_signal_handler(number, self.exit, int(code))
        self.switch_mode(DIGEST)

    @property
    def report(self) -> ReportScreen[object]:
        """The screen that is shown, under the help if that is open."""
        return next(each for each in reversed(self.screen_stack) if isinstance(each, ReportScreen))

    # What screens tell.

    def was_shown(self) -> None:
        """A screen shows its content; now there is time to look whether the rules changed."""
        snapshot = self.snapshot
        self.run_worker(lambda: self._look(snapshot), thread=True, exclusive=True, group="notice")

    def _look(self, snapshot: Snapshot) -> None:
        try:
            notice = snapshot.notice
        except CostopsError:
            # The screen that needs what failed shows the error.
            notice = ""
        self.call_from_thread(self._noticed, snapshot, notice)

    def _noticed(self, snapshot: Snapshot, notice: str) -> None:
        if snapshot is self.snapshot and notice != self.notice:
            self.notice = notice
            self.report.bars()

    def open_rule(self, rule_id: str) -> None:
        """Show a rule on the rules screen."""
        self.action_show(RULES)
        self.call_after_refresh(self._open_rule, rule_id)

    def _open_rule(self, rule_id: str) -> None:
        if isinstance(self.report, RulesScreen):
            self.report.open_rule(rule_id)

    def back(self) -> None:
        """Show the screen before."""
        if self._visited:
            self.switch_mode(self._visited.pop())

    # Keys.

    def action_show(self, name: str) -> None:
        """Show one of the screens."""
        if name != self.current_mode:
            self._visited = [each for each in self._visited if each != name] + [self.current_mode]
            self.switch_mode(name)

    def action_reload(self) -> None:
        """Read everything again."""
        self.snapshot = Snapshot(self._open)
        self.report.reload()

    def action_currency(self) -> None:
        """Show the next currency."""
        self.report.action_currency()

    def action_filter(self) -> None:
        """Ask for a filter."""
        self.report.action_filter()

    async def action_back(self) -> None:
        """Take the filter away, or show the screen before."""
        self.report.go_back()

    def action_help(self) -> None:
        """Show what the keys do."""
        self.push_screen(HelpScreen(self.report.NAME, self.report.command))

    async def action_quit(self) -> None:
        """Leave."""
        self.exit(int(ExitCode.DONE))
