"""`costops bill`"""

from __future__ import annotations

import click

from costops.cli import output


@click.command("bill")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Show every file and every tag key.")
@click.pass_obj
def command(session: output.Session, form: str, everything: bool) -> None:
    """Show what was read of the bill: sources, files, months, totals, rounding, and tags with their cost."""
    report = session.workspace().survey()
    if form == "json":
        from costops.render.bill import bill_json

        output.result(bill_json(report))
    else:
        from costops.render.bill import bill_text

        output.result(bill_text(report, width=output.width(), everything=everything))
