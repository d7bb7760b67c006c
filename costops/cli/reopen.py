"""`costops reopen`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costops.cli import options, output

if TYPE_CHECKING:
    from costops.periods import Period


@click.command("reopen")
@click.argument("period", metavar="P", type=options.PERIOD)
@click.option("--reason", metavar="TEXT", type=options.REASON, required=True, help="Why, for the history.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(session: output.Session, period: Period, reason: str, form: str) -> None:
    """Open closed billing months again, so that the next plan may change them.

    P is a billing month, 2026-09, or a range with both ends, 2026-07..2026-09. A month that is open already stays so.
    """
    from costops.render.closing import closing_json, closing_text

    events = session.workspace().reopen_months(period, reason)
    output.result((closing_json if form == "json" else closing_text)(period, "open", events))
