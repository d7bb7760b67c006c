"""`costops close`"""

from __future__ import annotations

import click

from costops.cli import options, output


@click.command("close")
@click.argument("period", metavar="P")
@click.option("--reason", metavar="TEXT", help="Why, for the history.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(session: output.Session, period: str, reason: str | None, form: str) -> None:
    """Close billing months, so that no apply changes them unless it restates them.

    P is a billing month, 2026-09, or a range with both ends, 2026-07..2026-09. A month that is closed already stays so.
    """
    from costops.render.closing import closing_json, closing_text

    chosen = options.period("P", period)
    why = None if reason is None else options.one_line(reason)
    events = session.workspace().close_months(chosen, why)
    output.result((closing_json if form == "json" else closing_text)(chosen, "closed", events))
