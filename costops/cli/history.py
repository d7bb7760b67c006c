"""`costops history`"""

from __future__ import annotations

import click

from costops.cli import output


@click.command("history")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(session: output.Session, form: str) -> None:
    """List the versions that were applied and the closings of billing months, the newest first."""
    from costops.render.history import history_json, history_text

    versions, events = session.workspace().history()
    output.result((history_json if form == "json" else history_text)(versions, events))
