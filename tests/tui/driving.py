"""Drives the terminal application without a terminal, and reads what it shows.

Invariant: a test looks at what stands on the screen, or at the lines a view was given, never at how it got there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from costops_tui.app import CostopsApp
from costops_tui.widgets.lines import LineView
from textual.pilot import Pilot

from costops.workspace import open_workspace

Driver = Pilot[int]
Result = TypeVar("Result")

NARROW, WIDE = (80, 24), (120, 40)


def drive(
    folder: Path, act: Callable[[Driver], Awaitable[Result]], *keys: str, size: tuple[int, int] = NARROW
) -> Result:
    """Open a workspace, press keys, and let `act` look."""

    async def main() -> Result:
        app = CostopsApp(lambda: open_workspace(folder, environment={}), "workspace")
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await press(pilot, *keys)
            return await act(pilot)

    return asyncio.run(main())


def screen_after(folder: Path, *keys: str, size: tuple[int, int] = NARROW) -> str:
    """What stands on the screen after some keys."""

    async def look(pilot: Driver) -> str:
        return screen(pilot)

    return drive(folder, look, *keys, size=size)


async def press(pilot: Driver, *keys: str) -> None:
    """Press keys, and wait after each until everything is read and drawn."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def settle(pilot: Driver) -> None:
    """Wait until nothing is being read and everything is drawn."""
    await pilot.pause()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    await pilot.pause()


def screen(pilot: Driver) -> str:
    """Everything on the screen as text."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def steady(text: str) -> str:
    """A screen with the moment of the apply replaced by one of the same length."""
    return re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}", "2025-06-01 12:00", text)


def view(pilot: Driver, name: str) -> LineView:
    """One of the views of the screen that is shown."""
    return pilot.app.screen.query_one(f"#{name}", LineView)


def lines(pilot: Driver, name: str) -> list[str]:
    """All lines of a view, those that are scrolled away too."""
    return [line.text for line in view(pilot, name).lines]


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return re.split(r" {2,}", line.strip())
