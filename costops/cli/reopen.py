"""`costops reopen`"""

from __future__ import annotations

import click

from costops.cli import options, output


@click.command("reopen")
@click.argument("period", metavar="P")
@click.option("--reason", metavar="TEXT", required=True, help="Why, for the history.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(session: output.Session, period: str, reason: str, form: str) -> None:
    """Open closed billing months again, so that the next plan may change them.

    P is a billing month, 2026-09, or a range with both ends, 2026-07..2026-09. A month that is open already stays so.
    """
    from costops.render.closing import closing_json, closing_text

    chosen = options.period("P", period)
    events = session.workspace().reopen_months(chosen, options.one_line(reason))
    output.result((closing_json if form == "json" else closing_text)(chosen, "open", events))
