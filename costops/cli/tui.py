"""`costops tui`"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from costops.cli import output
from costops.errors import UsageError


@click.command("tui")
@click.option("--demo", is_flag=True, help="Show a generated workspace, which is gone when you quit.")
@click.pass_obj
def command(session: output.Session, demo: bool) -> int:
    """Browse the digest, the rules and their order in the terminal. Changes nothing."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        raise UsageError(
            "costops tui needs a terminal that can be drawn on",
            hint="use costops digest, costops show, and costops ledger --by allocation_path for the same figures",
        )
    if not demo:
        return _run(session.start, session.flags)
    from costops.interruption import disposable, temporary_folder

    with temporary_folder(Path(tempfile.gettempdir()), "costops-demo-") as folder, disposable():
        _make_demo(folder / "demo")
        return _run(folder / "demo", {})


def _make_demo(folder: Path) -> None:
    from costops.demo.init import init_workspace

    output.narrate("Making the demo workspace: a bill of three months, and its first version ...")
    init_workspace(folder, demo=True)
    workspace = output.Session(start=folder).workspace()
    workspace.apply(workspace.plan())


def _run(start: Path, flags: Mapping[str, str]) -> int:
    # 190 ms for textual.
    from costops_tui.app import CostopsApp

    from costops.workspace import Workspace, open_workspace

    def opened() -> Workspace:
        # Without a progress bar, which would write over the screen.
        return open_workspace(start, flags=flags)

    # Once before the screen is taken, so that wrong use and a broken costops.yaml end it as they end any command.
    first = [opened()]
    place = first[0].settings.root.name
    app = CostopsApp(lambda: first.pop() if first else opened(), place)
    code = app.run()
    return app.return_code or 0 if code is None else code
